"""The command population: few attempts, names of different forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("without_pictures")


def write_sweep(path: Path, *ends: float) -> None:
    """Write a sweep from 0 V to each end and back; the cell sets above 0.9 V and resets below -0.9 V."""
    volts = np.concatenate([np.r_[np.linspace(0, end, 31), np.linspace(end, 0, 31)[1:]] for end in ends])
    rows, siemens = ["V (V),I (A)"], 1e-6
    for volt in volts:
        siemens = 1e-4 if volt > 0.9 else 1e-6 if volt < -0.9 else siemens
        rows.append(f"{volt:.4f},{siemens * volt:.6e}")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(rows))


@pytest.mark.parametrize(
    ("cells", "working"), [([(1.5,)], None), ([(1.5,), (1.5, -1.5)], 1.0), ([(1.5, -1.5), (0.5, 0.4)], 0.5)]
)
def test_cells_tried_too_seldom_count_neither_as_working_nor_as_failed(
    devicekit: Callable[..., Any], tmp_path: Path, cells: list[tuple[float, ...]], working: float | None
) -> None:
    for number, ends in enumerate(cells):
        write_sweep(tmp_path / "lot" / f"W1_C{number}_iv.csv", *ends)
    ran = devicekit("population", tmp_path / "lot", "--accept", "--jobs", 1, "--json", "--out", tmp_path / "out")
    assert ran.json["working"]["value"] == working
    page = (tmp_path / "out" / "report.html").read_text()
    assert ("Cannot tell" in page, "cells that work" in page) == (working is None, working is not None)
