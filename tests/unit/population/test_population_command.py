"""The command population: few attempts, names of different forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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


ODD = (
    "Wafer 3 die(1,2) cell#7 - SET 0,5V",
    "w3_d12_c8_set",
    "cell9",
    "T-25C_run2_iv",
    "Messung vom Montag",
    "2024-05-12 chip B4 set 3V",
)


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder of six files whose names have nothing in common, an empty one and notes."""
    folder = tmp_path / "odd"
    for name in ODD:
        write_sweep(folder / f"{name}.csv", 1.5, -1.5)
    (folder / "empty.csv").write_text("")
    (folder / "notes.txt").write_text("Measured on monday.\nCell 7 looked odd.\n")
    return folder


@pytest.mark.parametrize("accept", [(), ("--accept",)])
def test_a_form_of_one_name_of_several_is_not_proposed(
    devicekit: Callable[..., Any], odd: Path, accept: tuple[str, ...]
) -> None:
    ran = devicekit("population", odd, *accept, "--out", odd.parent / "out")
    assert ran.code == 2
    assert " 6 measurement files " in ran.err
    assert "--template 'W{wafer}_{cell}_{step}'" in ran.err
    assert not (odd.parent / "out").exists()


def test_the_question_counts_the_measurement_files_that_the_names_fit(devicekit: Callable[..., Any], odd: Path) -> None:
    for number in range(8):
        write_sweep(odd / f"cell{number + 10}.csv", 1.5, -1.5)
    ran = devicekit("population", odd, "--out", odd.parent / "out")
    assert ran.code == 2
    assert " 9 of 14 measurement files " in ran.err


@pytest.mark.parametrize("template", ["{cell}", "{cell}.csv"])
def test_a_template_may_have_the_ending_of_the_files(devicekit: Callable[..., Any], odd: Path, template: str) -> None:
    (odd / "notes.txt").unlink()
    out = odd.parent / "out"
    ran = devicekit("population", odd, "--template", template, "--jobs", 1, "--json", "--out", out)
    assert (ran.json["n_cells"], ran.json["files"]) == (6, 6)


@pytest.mark.parametrize(
    ("names", "limits"),
    [("W1_C{}_set_0,{}mA", [1e-4, 2e-4]), ("W1_C{}_set_0.{}mA", [1e-4, 2e-4]), ("W1_C{}_set_1,{}00mA", [])],
)
def test_a_decimal_comma_before_a_unit_is_read(
    devicekit: Callable[..., Any], tmp_path: Path, names: str, limits: list[float]
) -> None:
    for number in (1, 2):
        write_sweep(tmp_path / "lot" / f"{names.format(number, number)}.csv", 1.5, -1.5)
    out = tmp_path / "out"
    assert devicekit("population", tmp_path / "lot", "--accept", "--jobs", 1, "--out", out).code == 0
    steps = pd.read_csv(out / "steps.csv")
    assert sorted(set(steps["compliance_a"].dropna())) == pytest.approx(limits)


def test_a_population_of_another_kind_than_sweeps_is_refused(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    for number in (1, 2):
        write_sweep(tmp_path / "lot" / f"W1_C{number}_iv.csv", 1.5, -1.5)
    (tmp_path / "lot" / "W1_C3_iv.csv").write_text("time_s,current_a\n0,1e-6\n1,2e-6\n2,3e-6\n")
    options = ("population", tmp_path / "lot", "--accept", "--jobs", 1, "--out", tmp_path / "out", "--kind")
    ran = devicekit(*options, "pulse")
    assert (ran.code, "--kind pulse" in ran.err, "--map" in ran.err) == (2, True, False)
    assert not (tmp_path / "out").exists()
    (tmp_path / "lot" / "W1_C3_iv.csv").unlink()
    assert devicekit(*options, "sweep").code == 0
