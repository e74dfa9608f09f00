"""Tables of several devices below each other, with nothing that names them, are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError
from devicekit.tables import Table

VOLTS = np.r_[np.linspace(0, 1, 11), np.linspace(0.9, -1, 20), np.linspace(-0.9, 0, 10)]


def _write(tmp_path: Path, *parts: str, name: str = "x.csv", between: str = "") -> Path:
    path = tmp_path / name
    path.write_text(between.join("".join(f"{line}\n" for line in part.split("\n") if line) for part in parts))
    return path


def _table(*columns: object) -> str:
    return "\n".join(",".join(f"{cell:.7g}" for cell in row) for row in np.column_stack(columns))


def _loop(scale: float, seed: int) -> str:
    noise = 1 + np.random.default_rng(seed).normal(0, 0.01, VOLTS.size)
    return _table(VOLTS, VOLTS * np.where(np.arange(VOLTS.size) > 10, 1e-4, 1e-6) * scale * noise)


def _asked(path: Path, **options: object) -> QuestionError:
    with pytest.raises(QuestionError) as caught:
        read(path, **options)  # type: ignore[arg-type]
    assert "devices" in {each.subject for each in caught.value.asked.each}
    return caught.value


def _sizes(table: Table) -> list[int]:
    return table.frame.groupby("device_id", sort=False).size().tolist()


SWEEP = {"kind": "sweep", "map": {"voltage_v": "column 1", "current_a": "column 2"}, "unit": "A"}


def test_loops_of_which_all_currents_are_larger_may_be_another_device(tmp_path: Path) -> None:
    path = _write(tmp_path, _loop(1, 1), _loop(1, 2), _loop(1.4, 3), _loop(1.4, 4))
    (question,) = [each for each in _asked(path, **SWEEP).asked.each if each.subject == "devices"]
    assert question.choices[1].options == {"rows_per": {"device": str(2 * VOLTS.size)}}
    assert _sizes(read(path, **SWEEP, accept=True)) == [4 * VOLTS.size]
    table = read(path, **SWEEP, **question.choices[1].options)
    assert _sizes(table) == [2 * VOLTS.size] * 2
    assert table.frame.groupby("device_id")["cycle"].nunique().tolist() == [2, 2]


def test_loops_that_differ_as_cycles_do_are_not_asked_about(tmp_path: Path) -> None:
    path = _write(tmp_path, *(_loop(1 + 0.02 * k, k) for k in range(4)))
    assert _sizes(read(path, **SWEEP)) == [4 * VOLTS.size]


TIMES = np.geomspace(1, 1e4, 12)


@pytest.mark.parametrize(
    ("kind", "columns", "unit"),
    [
        ("retention", {"time_s": "column 1", "value": "column 2"}, "uS"),
        ("stdp", {"spike_delay_s": "column 1", "weight_change": "column 2"}, "1"),
        ("paired", {"interval_s": "column 1", "ratio": "column 2"}, "1"),
    ],
)
@pytest.mark.parametrize("between", ["", "\n"])
def test_times_that_begin_anew_are_repeats_or_devices(
    tmp_path: Path, kind: str, columns: dict[str, str], unit: str, between: str
) -> None:
    values = 1 + np.exp(-TIMES / 100)
    path = _write(tmp_path, *(_table(TIMES, k * values) for k in (1, 1.2, 1.5)), between=between)
    given = {"kind": kind, "map": columns, "unit": unit}
    question = next(each for each in _asked(path, **given).asked.each if each.subject == "devices")
    for choice in question.choices[1:]:
        assert _sizes(read(path, **given, **choice.options)) == [12, 12, 12]
    assert len(question.choices) == 2 + bool(between)


def test_one_record_of_rising_times_is_not_asked_about(tmp_path: Path) -> None:
    path = _write(tmp_path, _table(np.arange(1, 37), 2 + np.exp(-np.arange(36) / 10)))
    assert _sizes(read(path, kind="retention", map={"time_s": "column 1", "value": "column 2"}, unit="uS")) == [36]


def test_trains_of_which_all_states_are_larger_may_be_another_device(tmp_path: Path) -> None:
    pulses, noise = np.arange(1, 16), np.random.default_rng(5)
    up, down = 1 + 8 * (1 - np.exp(-pulses / 5)), 9 - 8 * (1 - np.exp(-pulses / 5))
    one = np.r_[up, down]
    parts = [_table(np.r_[pulses, pulses], one * k * noise.normal(1, 0.002, 30)) for k in (1, 1, 1.3, 1.3)]
    path = _write(tmp_path, *parts)
    given = {"kind": "pulse", "map": {"pulse_index": "column 1", "value": "column 2"}, "unit": "uS"}
    question = next(each for each in _asked(path, **given).asked.each if each.subject == "devices")
    assert _sizes(read(path, **given, **question.choices[1].options)) == [60, 60]
    assert _sizes(read(_write(tmp_path, *parts[:2], name="y.csv"), **given)) == [60]


def test_a_lone_column_with_a_decimal_comma_is_one_column(tmp_path: Path) -> None:
    states = np.r_[10 * 1.05 ** np.arange(20), 10 * 1.05 ** np.arange(20)[::-1]]
    path = tmp_path / "x.csv"
    path.write_text("".join(f"{value:.4f}\n".replace(".", ",") for value in states))
    table = read(path, kind="pulse", unit="uS", pulses=20)
    assert table.frame["conductance_s"].to_numpy() == pytest.approx(np.round(states, 4) * 1e-6, rel=1e-12)
