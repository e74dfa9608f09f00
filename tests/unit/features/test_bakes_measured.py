"""Measured bakes of 16,384 cells and relaxation of 16,252: numbers found by hand in another analysis."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit.features.bakes.bits import bake_errors, later_errors, write_window
from devicekit.features.bakes.law import predict_shifts, reach
from devicekit.features.bakes.loss import find_loss
from devicekit.features.bakes.pairs import Pairs, pair
from devicekit.features.bakes.relaxation import find_relaxation
from devicekit.features.bakes.shifts import level_shifts
from devicekit.features.characterize import characterize

LEVELS = 32


def read(folder: Path, name: str, *names: str) -> pd.DataFrame:
    frame = pd.read_csv(folder / "bakes" / name, sep="\t", header=None, names=list(names))
    return frame.assign(conductance_s=frame["conductance_s"].clip(lower=0.0))


@pytest.fixture(scope="module")
def bakes(measured: Path) -> Pairs:
    frame = read(measured, "techA_bake.tsv.gz", "device_id", "time_s", "ohm", "conductance_s", "celsius")
    found = pair(frame.assign(level=frame["device_id"] % LEVELS, temperature_k=frame["celsius"] + 273.15))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def relaxation(measured: Path) -> Pairs:
    names = ("device_id", "time_s", "ohm", "conductance_s", "first", "level", "planned_s")
    frame = read(measured, "techC_relaxdata.min.tsv.gz", *names)
    found = pair(frame[frame["level"] < LEVELS])
    assert found is not None
    return found


def test_shifts(bakes: Pairs) -> None:
    found = {(each.level, each.bake): each for each in level_shifts(bakes)}
    means = {"4": (8.7, 13, 14, 3.8, -9.4), "20": (-0.9, -0.4, -0.3, -25, -84), "31": (-1.4, -2.1, -3.5, -17, -61)}
    spreads = {"4": (20, 23, 26, 26, 25), "20": (9, 12, 18, 31, 50), "31": (2.6, 3.5, 5, 16, 58)}
    for k, bake in enumerate(("100 °C", "140 °C", "180 °C", "220 °C", "260 °C")):
        for level in means:
            each = found[level, bake]
            assert 1e6 * each.shift.value == pytest.approx(means[level][k], abs=0.6 if k > 2 else 0.31)
            assert 1e6 * each.sd.value == pytest.approx(spreads[level][k], abs=0.55)


def test_loss_and_what_each_bake_stands_for(bakes: Pairs) -> None:
    found = find_loss(bakes)
    assert found.loss_k == pytest.approx((493.15, 533.15))
    assert [each.upper.value for each in found.energies] == pytest.approx([0.91, 1.06, 0.98], abs=0.006)
    assert [each.levels for each in found.energies] == ["8 to 15", "16 to 23", "24 to 31"]
    known = reach(bakes, 358.15, 3.156e8, None)
    assert [each.needed_ev for each in known] == pytest.approx([8.2, 2.6, 1.62, 1.26, 1.04], rel=0.006)
    assert (known[2].stands_low_s, known[2].stands_high_s) == pytest.approx((3.1e5, 4.7e6), rel=0.01)


def test_260_degrees_from_the_colder_bakes(bakes: Pairs) -> None:
    colder = bakes.select([0, 1, 2, 3])
    found = find_loss(colder)
    assert found.energy is None
    rms, cover = {}, []
    apart: dict[str, list[float]] = {"rank": [], "copy": [], "line": []}
    for number, each in enumerate(predict_shifts(colder, found, 533.15, 0.8)):
        shift = bakes.shift[bakes.level == number, 4]
        for name, value in (("rank", each.shift_s), ("copy", each.copied_s), ("line", each.line_s)):
            apart[name].append((value - shift.mean()) / shift.std(ddof=1))
        cover.append(((shift >= each.low_s) & (shift <= each.high_s)).mean())
    rms = {name: float(np.sqrt(np.mean(np.square(values)))) for name, values in apart.items()}
    assert rms == pytest.approx({"rank": 0.28, "copy": 0.96, "line": 0.58}, abs=0.01)
    assert 0.93 < np.mean(cover) < 0.96


def test_bit_errors(bakes: Pairs) -> None:
    found, _ = bake_errors(bakes, (2, 3), 8e-6, 2)
    rates = [100 * each.rate.value for each in found if each.rate is not None]
    assert rates == pytest.approx([0.2, 0.4, 0.7, 4.0, 20, 2.1, 3.1, 5.9, 13.8, 32], rel=0.17, abs=0.1)
    moved = [100 * each.moved.value for each in found[3:5] if each.moved is not None]
    assert moved == pytest.approx([7.9, 34], rel=0.3)


def test_a_later_time(relaxation: Pairs) -> None:
    early = relaxation.select([0, 1, 2])
    found = find_relaxation(early, 1e5)
    assert found is not None
    spreads = [np.nanstd(relaxation.shift[relaxation.cells(g), 4], ddof=1) for g in relaxation.groups(32, 4)]
    ratio = [each.sd(1e5) / spread for each, spread in zip(found.groups, spreads, strict=True)]
    assert 0.9 < np.median(ratio) < 1.1
    width = write_window(relaxation)
    assert width == pytest.approx(1.25e-6, rel=0.01)
    counted, _ = bake_errors(relaxation, (2, 3), width, 4)
    for each in later_errors(early, found, (2, 3), width, 1e5):
        (rate,) = [row.rate.value for row in counted if row.bits == each.bits and row.time_s > 1e4 and row.rate]
        assert each.bracket[0] <= rate <= each.bracket[1]


@pytest.mark.slow
def test_all_rows_are_characterized_in_ten_seconds(measured: Path, tmp_path: Path) -> None:
    frame = read(measured, "techA_bake.tsv.gz", "device_id", "time_s", "ohm", "conductance_s", "temperature_c")
    path = tmp_path / "bake.csv"
    frame.assign(level=frame["device_id"] % LEVELS).drop(columns="ohm").to_csv(path, index=False)
    began = time.process_time()
    found = characterize(path, kind="retention")
    assert time.process_time() - began < 40.0  # 3.9 on a quiet machine, where 10 are asked
    assert list(found.results) == ["bakes"]
    assert len(found.table) == 163_840
