"""Temperatures of bakes: degrees Celsius are converted or asked about, never read as kelvin or ignored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError, TableError, TraceError
from devicekit.features.merits import retention
from devicekit.tables import RetentionTable

Write = Callable[..., Path]
CELSIUS = (25.0, 85.0, 100.0, 125.0, 150.0)
TIMES = np.array([1.0, 10.0, 100.0, 1e3])


@pytest.fixture
def bakes(tmp_path: Path) -> Write:
    """Return a function that writes a file with a record at each temperature."""

    def write(temperatures: tuple[float, ...], name: str | None, times: np.ndarray = TIMES, apart: bool = True) -> Path:
        frame = pd.DataFrame({
            "device_id": [f"d{k if apart else 0}" for k in range(len(temperatures)) for _ in times],
            "time_s": np.tile(times, len(temperatures)),
            "conductance_s": 1e-4,
            **({} if name is None else {name: np.repeat(temperatures, len(times))}),
        })  # fmt: skip
        path = tmp_path / "bake.csv"
        frame.to_csv(path, index=False)
        return path

    return write


def choices(path: Path, **options: object) -> list[str]:
    with pytest.raises(QuestionError) as caught:
        read(path, kind="retention", **options)
    question = caught.value.question
    assert question is not None
    return [next(iter(choice.options["map"])) for choice in question.choices]


def test_degrees_celsius_under_a_name_in_kelvin_are_asked_about(bakes: Write) -> None:
    path = bakes(CELSIUS, "temperature_k")
    assert choices(path) == ["temperature_c", "keep"]
    assert choices(path, columns={"temperature_k": "temperature_k"}) == ["temperature_c", "keep"]
    frame = read(path, kind="retention", columns={"temperature_c": "temperature_k"}).frame
    assert sorted(frame["temperature_k"].unique()) == pytest.approx([t + 273.15 for t in CELSIUS])
    assert choices(bakes(CELSIUS, "T"), columns={"temperature_k": "T"}) == ["temperature_c", "keep"]


def test_values_below_273_are_asked_about_unless_an_option_gives_kelvin(bakes: Write) -> None:
    path = bakes((200.0, 225.0, 260.0), "temperature_k")
    assert choices(path) == ["temperature_c", "temperature_k", "keep"]
    frame = read(path, kind="retention", columns={"temperature_k": "temperature_k"}).frame
    assert sorted(frame["temperature_k"].unique()) == [200.0, 225.0, 260.0]
    assert len(read(bakes((298.0, 358.0, 398.0), "temperature_k"), kind="retention").frame) == 12


@pytest.mark.parametrize("name", ["temperature_c", "T (°C)", "Temperature (C)"])
def test_a_stated_unit_is_converted_with_a_warning(name: str, bakes: Write) -> None:
    table = read(bakes(CELSIUS, name), kind="retention")
    assert sorted(table.frame["temperature_k"].unique()) == pytest.approx([t + 273.15 for t in CELSIUS])
    messages = [warning.message for warning in table.warnings if warning.code == "celsius"]
    assert len(messages) == 1
    assert "273.15" in messages[0]


@pytest.mark.parametrize("name", ["T", "temperature", "bake temp", "T_bake"])
def test_a_column_of_temperatures_without_a_unit_is_asked_about(name: str, bakes: Write) -> None:
    assert choices(bakes(CELSIUS, name)) == ["temperature_c", "keep"]
    assert choices(bakes((300.0, 350.0, 400.0), name)) == ["temperature_c", "temperature_k", "keep"]
    kept = read(bakes(CELSIUS, name), kind="retention", columns={"keep": name}).frame
    assert "temperature_k" not in kept


def test_a_constant_thermometer_is_not_asked_about(bakes: Write) -> None:
    assert "temperature_k" not in read(bakes((24.9, 25.3), "T"), kind="retention").frame


def test_five_bakes_are_not_one_record_of_five_times(bakes: Write) -> None:
    times = np.array([0.0, 5000.0])
    with pytest.raises(TableError, match=r"level state has 5 first.*temperature_k: COLUMN"):
        read(bakes(CELSIUS, None, times, apart=False), kind="retention")
    path = bakes(CELSIUS, "bake", times, apart=False)
    with pytest.raises(TableError, match="temperature_k: COLUMN"):
        read(path, kind="retention", columns={"keep": "bake"})
    named = read(path, kind="retention", columns={"temperature_c": "bake"})
    assert named.frame["temperature_k"].nunique() == 5
    assert len(read(bakes(CELSIUS, None, times), kind="retention").devices) == 5  # a first reading each


def test_a_table_in_memory_is_checked_too() -> None:
    frame = pd.DataFrame({"device_id": "d", "level": "lrs", "time_s": [0.0, 1, 2, 3, 4, 0, 5], "conductance_s": 1e-4})
    with pytest.raises(TraceError, match="level lrs has 2 "):
        retention.characterize(RetentionTable(frame))
