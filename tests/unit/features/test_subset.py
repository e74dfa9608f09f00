"""A minority is no headline; table, tile and picture are of the same sweeps; V_set says its read voltage."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from devicekit.features import characterize
from devicekit.features.definitions import OUTCOMES
from devicekit.features.merits import dc
from devicekit.report import Table, Text
from devicekit.tables import SweepTable

UP = np.linspace(0, 1.5, 61)


def loop(switches: bool, device: str, cycle: int, at: float = 0.8) -> pd.DataFrame:
    """A set from 2 to 500 uS at `at` on the way up and back, or a steady 2 uS."""
    v = np.r_[UP, UP[-2::-1]]
    g = np.where((v > at) | (np.arange(v.size) >= UP.size), 5e-4, 2e-6) if switches else np.full(v.size, 2e-6)
    return pd.DataFrame(
        {"device_id": device, "cycle": cycle, "point": range(v.size), "voltage_v": v, "current_a": v * g}
    )


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures as their captions: what they show is asked of their panels."""
    monkeypatch.setattr(dc, "figure", lambda panel, caption, alt: Text([caption]))


def table(sets: int, others: int, devices: bool = False) -> SweepTable:
    """So many sweeps that set, and so many that only read, of one device or of one device each."""
    rows = [
        loop(k < sets, f"d{k}" if devices else "d", 1 if devices else k + 1, 0.75 + 0.01 * (k % 7))
        for k in range(sets + others)
    ]
    return SweepTable(pd.concat(rows, ignore_index=True))


@pytest.mark.parametrize("devices", [False, True])
def test_a_minority_has_no_median_no_polarity_and_no_table(devices: bool) -> None:
    found = dc.characterize(table(2, 22, devices))
    assert found.outcomes == {"read": 22, "switched": 2}
    assert found.scalars() == found.tiles() == found.spreads == found.weibulls == ()
    assert found.polarity.word == "unknown"
    text = " ".join(found.sentences())
    assert "2 of 24 sweeps" in text
    assert ("on 2 of 24 devices" in text) == devices
    assert "V_set" not in text
    assert re.search(r"\d\.\d", text) is None
    assert found.verdict().startswith("Only 2 of 24 sweeps")
    assert [warning.code for warning in found.warnings] == ["minority"]
    assert not any(isinstance(block, Table) for block in found.blocks())
    assert found.cycles["v_set_v"].notna().sum() == 2  # each sweep keeps its own
    assert found.as_dict()["left_out"] == [{"quantity": "", "n": 2, "n_devices": 2 if devices else 1}]


def test_one_in_ten_is_enough_and_few_devices_are_not() -> None:
    assert dc.characterize(table(3, 27)).spread("v_set_v") is not None
    one = [loop(True, "d0", k + 1) for k in range(30)]
    rest = [loop(False, f"d{k}", 1) for k in range(1, 12)]
    found = dc.characterize(SweepTable(pd.concat([*one, *rest], ignore_index=True)))
    assert found.spreads == ()  # 30 of 41 sweeps, but of 1 of 12 devices
    assert "on 1 of 12 devices" in " ".join(found.sentences())


def test_a_quantity_of_few_sweeps_is_left_out_alone() -> None:
    made = table(24, 0)
    frame = made.frame.copy()
    late = frame["cycle"] > 2
    frame.loc[late, "current_a"] = frame.loc[late, "voltage_v"] * np.where(
        (frame.loc[late, "voltage_v"] > 1.49) | (frame.loc[late, "point"] >= UP.size), 5e-4, 2e-6
    )
    found = dc.characterize(SweepTable(frame))
    assert found.at_limit["v_set_v"] == 22
    assert found.spread("v_set_v") is None
    assert found.spread("on_off") is not None
    assert any("V_set of 2 of 24 sweeps" in each for each in found.sentences())
    assert found.verdict().endswith("of 24 sweeps).")


def test_table_tile_and_picture_use_the_same_sweeps() -> None:
    result = dc.characterize(table(6, 4))
    found = characterize.Characterization(result.table, {"dc": result})
    assert len(result.panel().curves) == 6 + 1  # the middle one is drawn on top
    spread = result.spread("g_hrs_s")
    assert spread is not None
    drawn = result.levels_panel().curves
    assert {len(curve.x) for curve in drawn} == {spread.n} == {6}
    tile = next(each for each in found.tiles() if each.name == "v_set_v")
    assert "6 of 10" in tile.label
    assert "0.1 V" in tile.label
    text = " ".join(sentence for block in result.blocks() if isinstance(block, Text) for sentence in block.paragraphs)
    assert text.count("6 of 10 sweeps") == 2  # the table, and the first picture
    assert f"6 of 10 sweeps (6 {OUTCOMES['switched']})" in text
    assert dc.characterize(table(3, 0)).tiles()[0].label.count(" of ") == 0


def test_v_set_is_printed_with_its_read_voltage() -> None:
    found = dc.characterize(table(3, 0), read_voltage=0.2)
    by = {each.name: each.by for each in found.scalars()}
    assert by["v_set_v"] == "half_ln_g, read at 0.2 V"
    assert by["g_hrs_s"] == "read at 0.2 V"
    assert "(by half_ln_g, read at 0.2 V, median of 3" in " ".join(found.sentences())
    text = " ".join(sentence for block in found.blocks() if isinstance(block, Text) for sentence in block.paragraphs)
    assert "at 0.2 V (half_ln_g)" in text
    assert "(peak_current)" in text
    other = dc.characterize(table(3, 0), v_set="max_didv")
    assert {each.name: each.by for each in other.scalars()}["v_set_v"] == "max_didv"  # it does not move it
