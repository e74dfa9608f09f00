"""Pictures and numbers of the confirm page: borders, points of each cycle, first and last row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit import read
from devicekit.features import confirm
from devicekit.tables import PulseTable, SweepTable

LOOP = [*range(11), *range(9, -11, -1), *range(-9, 1)]


def sweeps(*lengths: int) -> SweepTable:
    parts = [
        pd.DataFrame(
            {
                "device_id": "a",
                "cycle": k + 1,
                "point": np.arange(length),
                "voltage_v": np.linspace(0, 1, length),
                "current_a": 1e-6,
            }
        )
        for k, length in enumerate(lengths)
    ]
    return SweepTable(pd.concat(parts, ignore_index=True))


def test_unequal_sweeps_are_counted_and_drawn_apart() -> None:
    found = confirm.points(sweeps(20, 20, 14, 26))
    assert found is not None
    assert (found.devices, found.groups, found.least, found.most, found.is_equal) == (1, 4, 14, 26, False)
    assert found.words == "1 device x 4 sweeps x 14 to 26 points, unequal"
    (course, _), (iv, _) = confirm.panels(sweeps(20, 20, 14, 26))
    assert course.lines == [("x", 20.5), ("x", 40.5), ("x", 54.5)]  # borders, between the rows
    usual, odd = course.curves
    assert np.isfinite(usual.y).sum() == 40
    assert np.isfinite(odd.y).sum() == 40
    assert odd.x[np.isfinite(odd.y)][0] == 41
    assert iv.y.unit == "A"
    assert confirm.points(sweeps(20, 20)).words == "1 device x 2 sweeps x 20 points"  # type: ignore[union-attr]


def test_of_many_sweeps_those_about_the_odd_one_are_drawn() -> None:
    lengths = [100] * 200
    lengths[150] = 60
    (course, _), _ = confirm.panels(sweeps(*lengths))
    assert course.title == "sweeps 131 to 170 of 200"
    assert len(course.lines) == 39
    assert sum(np.isfinite(each.y).sum() for each in course.curves) == 3960


def test_trains_are_coloured_by_direction_and_may_differ_in_length() -> None:
    rows = [
        ("a", cycle, way, k, 1e-6 * (k + 1 if way == "ltp" else n - k))
        for cycle in (1, 2)
        for way, n in (("ltp", 5), ("ltd", 4))
        for k in range(n)
    ]
    table = PulseTable(pd.DataFrame(rows, columns=["device_id", "cycle", "direction", "pulse_index", "conductance_s"]))
    found = confirm.points(table)
    assert found is not None
    assert (found.groups, found.least, found.most, found.is_equal) == (4, 4, 5, True)
    ((course, _),) = confirm.panels(table)
    assert [each.name for each in course.curves] == ["LTP", "LTD"]
    assert [at for _, at in course.lines] == [5.5, 9.5, 14.5]


def test_first_and_last_row_stand_beside_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title\nV (V),I (uA)\n" + "".join(f"{v / 10},{v + 0.5}\n" for v in LOOP))
    table = read(path)
    first, last = confirm.end_rows(table, path)
    assert (first.place, first.file_cells) == ("line 3", "0.0,0.5")
    assert (last.place, last.file_cells) == ("line 43", "0.0,0.5")
    assert "current 500 nA" in first.in_si
    assert confirm.end_rows(table, None)[0].place == ""
    one = table.select(cycle=1)
    assert "file_rows" not in one.meta  # of other rows


@pytest.mark.parametrize("ending", ["svg", pytest.param("png", marks=pytest.mark.slow)])
def test_the_command_shows_the_same(ending: str, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("V (V),I (uA)\n" + "".join(f"{v / 10},{v + 0.5}\n" for _ in range(2) for v in LOOP))
    ran = devicekit("read", path, "--plot", tmp_path / f"a.{ending}")
    assert ran.code == 0
    assert "1 device x 2 sweeps x 41 points" in ran.out
    assert "line 83" in ran.out
    assert (tmp_path / f"a.{ending}").stat().st_size > 5000
    found = json.loads(devicekit("read", path, "--json").out)["statements"]
    assert [(each["subject"], each["origin"]) for each in found] == [("kind", "agreed"), ("borders", "agreed")]


def test_a_picture_that_leaves_out_rows_or_sweeps_gives_their_share() -> None:
    (course, _), _ = confirm.panels(sweeps(9000))
    assert course.title.endswith("in 3")
    assert course.curves[0].x.size == 3000
    _, (_, caption) = confirm.panels(sweeps(*([20] * 250)))
    assert caption == "125 of 250 sweeps."
