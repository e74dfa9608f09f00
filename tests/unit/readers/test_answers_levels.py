"""Levels, cycles and directions that a file does not state: one question, or the values read."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicekit import read
from devicekit.core.errors import UsageError
from devicekit.tables import neutral


def written(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text)
    return path


def test_low_and_high_depend_on_the_quantity(tmp_path: Path) -> None:
    """Low resistance is LRS, low conductance HRS; without a quantity the reader asks."""
    for text in (
        "cycle,low (kohm),high (kohm)\n1,10,500\n2,10,500\n",
        "cycle,low (uS),high (uS)\n1,2,100\n2,2,100\n",
        "cycle,level,conductance_s\n1,low,2e-6\n1,high,1e-4\n",
    ):
        table = read(written(tmp_path, text)).frame
        for level, answer in (("lrs", 1e-4), ("hrs", 2e-6)):
            assert table[table["level"] == level]["conductance_s"].to_numpy() == pytest.approx(answer)
    with pytest.raises(UsageError, match="quantity="):
        read(written(tmp_path, "cycle,low,high\n1,2,100\n2,2,100\n"))


def test_a_long_table_of_resistances_with_levels_low_and_high(tmp_path: Path) -> None:
    table = read(written(tmp_path, "cycle,level,resistance_ohm\n1,low,10000\n1,high,500000\n")).frame
    assert dict(zip(table["level"], table["conductance_s"], strict=True)) == {"lrs": 1e-4, "hrs": 2e-6}


def test_cycle_0_is_a_cycle(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n + 100}\n" for n in range(1, 11))
    table = read(written(tmp_path, f"cycle 0 (uS),cycle 1 (uS)\n{rows}"))
    assert "repeats" not in [warning.code for warning in table.warnings]
    assert table.frame.groupby("cycle")["conductance_s"].min().to_dict() == pytest.approx({0: 1e-6, 1: 101e-6})


def test_the_readings_give_the_direction_of_a_pulse_without_voltage(tmp_path: Path) -> None:
    header = "pulse_voltage_v,resistance_before_ohm,resistance_after_ohm\n"
    frame = read(written(tmp_path, header + "1,5000,2500\n-1,2500,5000\n,5000,2500\n0,5000,5100\n")).frame
    directions = frame[frame["pulse_index"] == 1].sort_values("cycle")["direction"]
    assert list(directions) == ["ltp", "ltd", "ltp", "ltd"]


@pytest.mark.parametrize("text", ["-2+3+cmd|' /C calc'!A0", "-1+1", "-a", "=1", "+1", "@x"])
def test_formulas_are_written_as_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "-1.5e-6", "-.5", "-3.", "1-1", "a=b"])
def test_numbers_and_plain_text_are_unchanged(text: str) -> None:
    assert neutral(text) == text
