"""Base of figures of merit: what follows from the declarations of a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from devicekit.core.records import Estimate, Record, column
from devicekit.features.merit import MeritResult
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import Figure, Table, Text


@dataclass(frozen=True, kw_only=True)
class DeviceSlope(Record):
    device_id: str = column("device")
    slope: Estimate | None = column("slope", name="slope_v", unit="V", default=None)


@dataclass(frozen=True, kw_only=True, eq=False)
class SlopeResult(MeritResult):
    figure_caption = "Slopes."
    figure_alt = "Slope against device"

    devices: tuple[DeviceSlope, ...] = column(table="slopes", caption="Slope of each device")
    middle: Estimate | None = column(name="middle_v", unit="V", scalar="middle slope", default=None)

    def sentences(self) -> list[str]:
        return ["A slope."]

    def panel(self) -> Panel:
        return Panel(Axis("device"), Axis("slope", "V"), [Curve("slopes", np.arange(2.0), np.ones(2))])


FOUND = SlopeResult(
    devices=(DeviceSlope(device_id="d1", slope=Estimate(0.5, 0.25, 1.0)), DeviceSlope(device_id="d2")),
    middle=Estimate(0.5, 0.25, 1.0),
)


def test_json_and_files_follow_from_the_columns() -> None:
    assert FOUND.as_dict()["middle_v"] == {"value": 0.5, "low": 0.25, "high": 1.0}
    assert FOUND.as_dict()["warnings"] == []
    slopes = FOUND.tables()["slopes"]
    assert list(slopes) == ["device_id", "slope_v", "slope_low_v", "slope_high_v"]
    assert math.isnan(slopes["slope_low_v"][1])


def test_the_report_has_a_table_of_each_tuple_of_records_and_the_figure() -> None:
    table, drawn = FOUND.blocks()
    assert isinstance(table, Table)
    assert table.rows == [("d1", "0.5 V"), ("d2", "–")]
    assert table.caption == "Slope of each device."
    assert isinstance(drawn, Figure)
    assert (drawn.caption, drawn.alt) == ("Slopes.", "Slope against device")


def test_notes_stand_above_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlopeResult, "notes", lambda self: ["Slopes are fitted."])
    first, *_ = FOUND.blocks()
    assert isinstance(first, Text)


def test_numbers_are_the_columns_that_are_declared_as_such() -> None:
    (number,) = FOUND.scalars()
    assert (number.name, number.label, number.unit) == ("middle_v", "middle slope", "V")
    assert (number.value, number.low, number.high) == (0.5, 0.25, 1.0)
    assert SlopeResult(devices=()).scalars() == ()
