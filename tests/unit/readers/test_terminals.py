"""Terminals by the names of their columns: which is driven, and what is asked where both are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError
from devicekit.tables import SweepTable

V = np.r_[np.linspace(0, 1, 21), np.linspace(0.95, -1, 40), np.linspace(-0.95, 0, 20)]
AMPS = 1e-5 * V**3 + 1e-7 * V
TIME = 0.1 * np.arange(V.size)
HELD = 0 * V
OTHER = -1.01 * AMPS - 1e-10  # measured at the other end of the device


def write(path: Path, names: str, *columns: Sequence[float] | np.ndarray, head: str = "", row: str = "") -> Path:
    rows = "".join(row + ",".join(f"{cell:.6E}" for cell in cells) + "\n" for cells in zip(*columns, strict=True))
    path.write_text(f"{head}{names}\n{rows}", encoding="utf-8")
    return path


def check(table: object, current: np.ndarray = AMPS) -> None:
    assert isinstance(table, SweepTable)
    np.testing.assert_allclose(table.frame["voltage_v"], V, atol=1e-6)
    np.testing.assert_allclose(table.frame["current_a"], current, rtol=1e-5, atol=1e-15)
    assert table.frame["cycle"].nunique() == 1


@pytest.mark.parametrize(
    "names",
    [
        "Time,BI,BV,AI,AV",
        "Time,IB,VB,IA,VA",
        "Time,I_bot,V_bot,I_top,V_top",
        "Time,SMU2.AMPS,SMU2.V,SMU1.AMPS,SMU1.V",
        "Time,CathodeI,CathodeV,AnodeI,AnodeV",
        "Time,Current2,Voltage2,Current1,Voltage1",
    ],
)
def test_the_driven_terminal_is_the_one_whose_voltage_changes(names: str, tmp_path: Path) -> None:
    """A tester's comment lines do not matter; the unit of the current is the one thing to ask in a plain table."""
    path = write(tmp_path / "a.csv", names, TIME, OTHER, HELD, AMPS, V, head="---\n\n---\n")
    with pytest.raises(QuestionError, match="in which unit"):
        read(path)
    check(read(path, unit="A"))
    swapped = write(tmp_path / "b.csv", names, TIME, AMPS, V, OTHER, HELD, head="---\nSET\n---\n")
    check(read(swapped, unit="A"))


def test_a_current_of_the_held_terminal_serves_where_there_is_no_other(tmp_path: Path) -> None:
    check(read(write(tmp_path / "a.csv", "AV,BI,BV", V, OTHER, HELD), unit="A"), OTHER)


def test_where_both_terminals_are_driven_the_user_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "AV,AI,BV,BI", V, AMPS, -V, OTHER)
    with pytest.raises(QuestionError) as caught:
        read(path, unit="A")
    assert caught.value.question is not None
    choices = [dict(each.options["map"]) for each in caught.value.question.choices]
    assert choices == [{"voltage_v": "AV"}, {"voltage_v": "BV"}]
    check(read(path, unit="A", map={"voltage_v": "AV"}))
    np.testing.assert_allclose(read(path, unit="A", map={"voltage_v": "BV"}).frame["current_a"], OTHER, rtol=1e-5)


def test_a_change_of_voltage_and_current_is_not_a_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "V (V),dI,dV,AMPS (A)", V, 0.1 * AMPS, 0 * V + 0.05, AMPS)
    check(read(path))
