"""Names that are numbers, blanks within cells, and rows of names of other lengths than the rows of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit import read


def test_levels_named_by_numbers_below_a_title_are_names(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    states = np.outer([1.01, 0.99, 1.02, 0.98], [10.5, 20.5, 30.5])
    path.write_text("Sample: A12\n\n0,1,2\n" + "".join(",".join(f"{x:.4f}" for x in row) + "\n" for row in states))
    frame = read(path, kind="multilevel", columns_are="levels", unit="uS").frame
    assert frame.groupby("level").size().to_dict() == {"0": 4, "1": 4, "2": 4}
    assert frame["conductance_s"].min() == pytest.approx(0.98 * 10.5e-6)


def test_a_named_column_that_counts_is_not_a_level(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "".join(f"{k},{10.1 + k / 100:.2f},{20.1 - k / 100:.2f},{31.3 + k / 50:.2f}\n" for k in range(1, 9))
    path.write_text(f"Read,0,1,2\n{rows}")
    frame = read(path, kind="multilevel", columns_are="levels", unit="uS").frame
    assert frame.groupby("level").size().to_dict() == {"0": 8, "1": 8, "2": 8}


def test_cells_may_hold_single_blanks_between_columns_two_blanks_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    rows = [
        f"2024-03-01 12:00:0{k}  {level}  {k}  {k * size:.4g}\n"
        for level, size in (("LRS", 1e-5), ("HRS", 1e-7))
        for k in range(1, 7)
    ]
    path.write_text("Timestamp  Level  Sweep  Device conductance [S]\n" + "".join(rows))
    table = read(path)
    assert table.kind == "endurance"
    assert table.frame["cycle"].tolist() == [1, 2, 3, 4, 5, 6] * 2
    assert table.frame["conductance_s"].max() == pytest.approx(6e-5)
