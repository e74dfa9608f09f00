"""Summaries: numbers that were extracted before, what a row is, and rows that stand for many cycles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import QuestionError, TableError, UsageError
from devicekit.features.characterize import characterize
from devicekit.features.merits.summary import median_interval
from devicekit.tables import EnduranceTable, SummaryTable

ROWS = [
    (d, c, 0.9 + 0.01 * c + 0.05 * d, -1.1 - 0.02 * c, 10 + d, 1000 + 50 * c) for d in (1, 2, 3) for c in range(1, 5)
]


def text(*columns: int) -> list[str]:
    return [",".join(f"{row[k]:.6g}" for k in columns) for row in ROWS]


def test_voltages_and_states_of_a_row_stand_side_by_side(lines: Callable[..., Path]) -> None:
    file = lines("device,cycle,Vset (V),Vreset (V),LRS (kohm),HRS (kohm)", *text(0, 1, 2, 3, 4, 5))
    table = devicekit.read(file)
    assert isinstance(table, SummaryTable)
    assert len(table) == 12
    assert table.frame["v_set_v"].to_numpy() == pytest.approx([row[2] for row in ROWS])
    assert table.frame["g_lrs_s"].to_numpy() == pytest.approx([1e-3 / row[4] for row in ROWS])
    assert table.frame["g_hrs_s"].to_numpy() == pytest.approx([1e-3 / row[5] for row in ROWS])
    table.to_csv(file.with_name("again.csv"))
    pd.testing.assert_frame_equal(devicekit.read(file.with_name("again.csv")).frame, table.frame)


def test_a_row_is_a_cycle_or_a_device_and_never_guessed(lines: Callable[..., Path]) -> None:
    file = lines("VSET,VRESET,Vform", *[f"{each},3.1" for each in text(2, 3)])
    with pytest.raises(QuestionError) as asked:
        devicekit.read(file)
    found = [devicekit.read(file, **dict(each.options)) for each in asked.value.question.choices]
    assert [len(each.devices) for each in found] == [1, 12]
    assert found[0].frame["cycle"].tolist() == list(range(1, 13))
    assert found[1].frame["v_form_v"].tolist() == [3.1] * 12


def test_the_statistics_of_a_summary(lines: Callable[..., Path]) -> None:
    file = lines(
        "device,cycle,V_set (V),V_reset (V),I_LRS (uA),I_HRS (uA),yield (%)",
        *[f"{d},{c},{a:.6g},{b:.6g},{100 / low:.9g},{100 / high:.9g},93" for d, c, a, b, low, high in ROWS],
    )
    result = characterize(devicekit.read(file, read_voltage=0.1)).results["summary"]
    known = {each.quantity: each for each in result.spreads}  # type: ignore[attr-defined]
    assert known["v_set_v"].median == pytest.approx(np.median([row[2] for row in ROWS]))
    assert known["v_set_v"].c2c.value == pytest.approx(np.std([1, 2, 3, 4], ddof=1) * 0.01)
    assert known["on_off"].median == pytest.approx(np.median([row[5] / row[4] for row in ROWS]))
    assert result.yield_share == pytest.approx(0.93)  # type: ignore[attr-defined]
    assert {each.name for each in result.scalars()} >= {"v_set_v", "v_set_c2c_v", "v_set_d2d_v", "on_off"}


def test_the_interval_of_a_median_covers_it() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        low, high = median_interval(random.lognormal(size=15))
        assert low is not None
        assert high is not None
        inside += low <= 1.0 <= high
    assert inside / 400 > 0.93
    assert median_interval(np.arange(5.0)) == (None, None)


def test_states_the_wrong_way_round_are_an_error(lines: Callable[..., Path]) -> None:
    with pytest.raises(TableError, match="row 2"):
        devicekit.read(lines("cycle,Vset (V),Vreset (V),LRS (ohm),HRS (ohm)", "1,1,-1,1e6,1e4", "2,1,-1,1e6,1e4"))


def test_states_without_a_level_are_refused(lines: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="HRS"):
        devicekit.read(lines("cycle,conductance_s", "1,1e-6", "2,2e-6", "3,3e-6"), kind="summary", accept=True)


def test_sweeps_with_a_set_voltage_stay_sweeps(lines: Callable[..., Path]) -> None:
    volts = [*range(6), *range(6, -6, -1), *range(-6, 1)]
    file = lines("Set voltage (V),I (A)", *[f"{v / 5},{v * 1e-5}" for v in volts])
    assert devicekit.read(file).kind == "sweep"
    both = lines(
        "V_set (V),I_set (A),V_reset (V),I_reset (A)", *[f"{k},{k}e-5,-{k},-{k}e-5" for k in range(9)], name="b"
    )
    assert devicekit.read(both).kind == "sweep"


def test_a_row_that_stands_for_many_cycles(lines: Callable[..., Path]) -> None:
    file = lines("HRS (ohm),LRS (ohm)", *["1e6,1e4"] * 6)
    table = devicekit.read(file, kind="endurance", cycles_per_row=500)
    assert isinstance(table, EnduranceTable)
    assert sorted(set(table.frame["cycle"])) == [500, 1000, 1500, 2000, 2500, 3000]
    table = devicekit.read(file, kind="endurance", rows_per={"cycle": "3"}, row_is="reading")
    assert table.frame.groupby("cycle").size().to_dict() == {1: 6, 2: 6}
    with pytest.raises(UsageError, match="row_is"):
        devicekit.read(file, kind="endurance", row_is="summary")
    with pytest.raises(UsageError, match="cycles_per_row"):
        devicekit.read(lines("V (V),I (A)", "0,0", "1,1", "0,0", name="s.csv"), cycles_per_row=5)


def test_a_summary_is_kept_in_a_library(devicekit: Callable[..., object], lines: Callable[..., Path]) -> None:
    file = lines("device,cycle,Vset (V),Vreset (V)", *text(0, 1, 2, 3))
    found = devicekit("library", "add", file, "--library", file.with_name("lib"))
    assert found.code == 0  # type: ignore[attr-defined]
    page = file.with_name("out")
    assert devicekit("characterize", file, "--out", page).code == 0  # type: ignore[attr-defined]
    assert (page / "report.html").read_text().count("<svg") + (page / "report.html").read_text().count("image/svg") > 2


def test_times_and_temperatures_of_the_preparation_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Baking temperature (°C),Annealing time (h),V_set (V)\n"
        + "".join(f"{140 - k},2,{1 + k / 10}\n" for k in range(9))
    )
    frame = devicekit.read(path, kind="summary", row_is="cycle").frame
    assert "time_s" not in frame
    assert frame["Baking temperature (°C)"].tolist() == [140 - k for k in range(9)]
