"""Borders of sweeps: departures from the first voltage and equal lengths, and a column that states them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devicekit import read

Write = Callable[..., Path]
LOOP = np.concatenate(
    [np.linspace(0, 1, 100), np.linspace(1, 0, 100), np.linspace(0, -1.2, 100), np.linspace(-1.2, 0, 100)]
)


@pytest.fixture
def sweeps(tmp_path: Path) -> Write:
    """Return a function that writes a table of columns, each with its name."""

    def write(**columns: np.ndarray) -> Path:
        path = tmp_path / "loops.csv"
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join(f"{cell:.6g}" for cell in row) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def columns(v: np.ndarray) -> dict[str, np.ndarray]:
    return {"V (V)": v, "I (A)": 1e-5 * np.sinh(2 * v) + 1e-8 * (np.arange(v.size) % 3)}


def sizes(path: Path) -> tuple[list[int], str]:
    table = read(path, accept=True)
    borders = table.meta["borders"]
    found = table.frame.groupby("cycle").size()
    assert (borders.cycles, borders.least, borders.most) == (len(found), found.min(), found.max())
    return found.to_list(), borders.found


def test_seventeen_loops_of_a_measured_voltage_have_400_rows_each(sweeps: Write) -> None:
    noise = 0.002 * np.random.default_rng(1).normal(size=17 * LOOP.size)
    assert sizes(sweeps(**columns(np.tile(LOOP, 17) + noise))) == ([400] * 17, "agreed")


def test_loops_that_start_away_from_zero_are_cut_where_they_leave(sweeps: Write) -> None:
    scan = np.concatenate([np.linspace(0.2, 1, 205), np.linspace(1, -1, 410), np.linspace(-1, 0.2, 205)])
    assert sizes(sweeps(**columns(np.tile(scan, 2)))) == ([820, 820], "agreed")


@pytest.mark.parametrize("name", ["Scan", "Scan number", "Cycle", "Run", "Loop", "Sweep no."])
def test_a_column_of_scans_beats_the_voltage(name: str, sweeps: Write) -> None:
    v = np.concatenate([LOOP[:150], LOOP, LOOP])  # the first one is interrupted
    assert sizes(sweeps(**columns(v))) == ([150, 400, 400], "inferred")
    number = np.repeat([1, 2], [550, 400])
    assert sizes(sweeps(**{name: number}, **columns(v))) == ([550, 400], "stated")


def test_a_number_of_a_run_that_never_changes_does_not_hide_its_loops(sweeps: Write) -> None:
    v = np.tile(LOOP, 3)
    assert sizes(sweeps(Run=np.ones(v.size), **columns(v))) == ([400] * 3, "agreed")


def test_unequal_loops_are_inferred_and_their_points_reported(sweeps: Write) -> None:
    forming = np.concatenate([np.linspace(0, 3, 150), np.linspace(3, 0, 150)])
    path = sweeps(**columns(np.concatenate([forming, -LOOP, -LOOP])))
    assert sizes(path) == ([500, 400, 200], "inferred")
    assert "200 to 500 points" in next(
        each.message for each in read(path, accept=True).warnings if each.code == "split"
    )


def test_sets_and_then_resets_are_sweeps_of_their_own(sweeps: Write) -> None:
    up, down = LOOP[:200], LOOP[200:]
    found, how = sizes(sweeps(**columns(np.concatenate([up, up, up, down, down]))))
    assert found == [200, 200, 400, 200]  # the third set and the first reset are one loop
    assert how == "inferred"
