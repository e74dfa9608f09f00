"""Unit factors inside the names of columns and files, and in lines above a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.readers import read
from devicekit.readers.layouts import pooling, scale

UP = 1e-6 * (10 + np.arange(30))  # S


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(text: str, name: str = "d1.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def train(name: str, values: np.ndarray, above: str = "") -> str:
    rows = "\n".join(f"{k},{value!r}" for k, value in enumerate(map(float, values)))
    return f"{above}pulse,{name}\n{rows}\n"


@pytest.mark.parametrize(
    ("name", "volts"),
    [
        ("I@50mV (A)", 0.05),
        ("I@0.1V (A)", 0.1),
        ("I at 200 mV (A)", 0.2),
        ("I at 0,2 V (A)", 0.2),
        ("I (A) V_read=25mV", 0.025),
        ("I@-50mV (A)", -0.05),
        ("I (A)", None),
    ],
)
def test_a_read_voltage_in_a_name_is_in_its_unit(name: str, volts: float | None) -> None:
    found = scale._voltage_in_name(name)
    assert found == (volts if volts is None else pytest.approx(volts, rel=1e-12))


@pytest.mark.parametrize(("name", "volts"), [("I@50mV (A)", 0.05), ("I@0.2V (A)", 0.2), ("I at 100 mV (nA)", 0.1)])
def test_conductances_are_currents_over_the_voltage_that_the_column_states(
    name: str, volts: float, write: Callable[..., Path]
) -> None:
    unit = 1e-9 if "(nA)" in name else 1.0
    frame = read(write(train(name, UP * volts / unit))).frame
    assert frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)


@pytest.mark.parametrize(
    ("above", "volts"),
    [
        ("read voltage,100 mV\n", 0.1),
        ("read voltage,0.1 V\n", 0.1),
        ("read voltage (mV),250\n", 0.25),
        ("Vread (V),2e-1\n", 0.2),
    ],
)
def test_conductances_are_currents_over_the_voltage_of_a_line_above(
    above: str, volts: float, write: Callable[..., Path]
) -> None:
    frame = read(write(train("I (uA)", UP * volts * 1e6, above))).frame
    assert frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "value", "volts"),
    [
        ("read voltage", "100 mV", 0.1),
        ("read voltage", "0.1", None),
        ("read voltage (mV)", "100", 0.1),
        ("Vread (mV)", "0.3 V", 0.3),
        ("sense level (V)", "5e-2", 0.05),
        ("read voltage", "100 ms", None),
        ("set voltage (V)", "2", None),
    ],
)
def test_a_line_above_a_table_gives_the_read_voltage_in_its_unit(name: str, value: str, volts: float | None) -> None:
    found = scale._voltage_in_line(name, value)
    assert found == (volts if volts is None else pytest.approx(volts, rel=1e-12))


def test_an_option_that_contradicts_the_name_is_refused(write: Callable[..., Path]) -> None:
    path = write(train("I@50mV (A)", UP * 0.05))
    with pytest.raises(UsageError, match=r"read_voltage=0\.5 .* 0\.05 V"):
        read(path, read_voltage=0.5)
    assert read(path, read_voltage=0.05).frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)


@pytest.mark.parametrize(
    ("form", "kind", "values"),
    [
        ("dev1_{}.csv", "width", {"100ns": 1e-7, "200ns": 2e-7}),
        ("dev1_{}.csv", "width", {"5us": 5e-6, "7us": 7e-6}),
        ("dev1_{}.csv", "width", {"0.5ms": 5e-4, "2ms": 2e-3}),
        ("dev1_{}.csv", "amplitude", {"2mV": 2e-3, "3mV": 3e-3}),
        ("dev1 {}.csv", "amplitude", {"0.8V": 0.8, "-2V": -2.0}),
        ("dev1_{}.csv", "compliance", {"100uA": 1e-4, "500uA": 5e-4}),
        ("dev1_{}.csv", "temperature", {"300K": 300.0, "350K": 350.0}),
    ],
)
def test_numbers_with_a_unit_in_file_names_are_in_si_units(form: str, kind: str, values: dict[str, float]) -> None:
    parsed = pooling.parse_names([form.format(each) for each in values])
    assert parsed.unclear == ""
    assert [key.conditions[kind] for key in parsed.keys] == pytest.approx(list(values.values()), rel=1e-12)


def test_several_numbers_of_one_name_are_each_in_their_unit() -> None:
    parsed = pooling.parse_names(["r2c3_1us_900mV_cycle4.csv", "r2c11_10us_950mV_cycle12.csv"])
    first, second = parsed.keys
    assert (first.conditions, second.conditions) == (
        pytest.approx({"width": 1e-6, "amplitude": 0.9}),
        pytest.approx({"width": 1e-5, "amplitude": 0.95}),
    )
    assert (first.cycle, second.cycle) == (4, 12)
    assert first.device != second.device


def test_the_name_of_a_single_file_gives_conditions_too() -> None:
    (key,) = pooling.parse_names(["cell7 LTD 300ns -1.5V.csv"]).keys
    assert key.conditions == pytest.approx({"width": 3e-7, "amplitude": -1.5})
    assert (key.device, key.direction) == ("cell7", "ltd")
