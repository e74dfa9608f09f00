"""Comparisons of three records: medians, and the most frequent of several definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from devicekit.core.scalars import Scalar
from devicekit.device.card import DeviceCard
from devicekit.library import Record
from devicekit.library.compare import Comparison, _choose_numbers, compare
from devicekit.library.figures import shares
from devicekit.library.rows import Row

Make = Callable[..., Record]


def test_of_three_records_at_one_place_the_map_shows_the_median(record: Make) -> None:
    """Increments of 0.1, 0.2 and 0.9 % of the window: 0.2, neither the mean nor the first."""
    place = {"wafer": "W1", "row": 1, "column": 1}
    crowd = [record(f"c{k}", place, increment=0.001 * k) for k in (1, 9, 2)]
    other = record("o", {"wafer": "W1", "row": 1, "column": 2}, increment=0.005)
    (image,) = compare([*crowd, other], y="increment_ltp").maps()
    assert image.values[0] == pytest.approx([0.2, 0.5])


def row(name: str, by: str, cells: list[float | None]) -> Row:
    scalar = Scalar(name, name, float("nan"), "V", by=by)
    made = tuple(None if each is None else Scalar(name, name, each, "V", by=by) for each in cells)
    return Row(scalar, made, False)


def test_of_several_definitions_the_one_of_most_records_is_shown() -> None:
    """The rarer one comes first."""
    rare = row("v_set_v", "max_didv", [0.7, None, None, None])
    common = row("v_set_v", "half_ln_g", [None, 0.3, 0.5, None])
    other = row("v_set_v", "first", [None, None, None, 0.9])
    for rows in ((rare, common, other), (other, common, rare), (common, rare, other)):
        found = Comparison((), (), rows, "v_set_v", None, None)
        assert found.number("v_set_v").meaning.by == "half_ln_g"
    unknown = row("v_set_v", "nan", [float("nan")] * 4)  # four cells, and not one number
    assert Comparison((), (), (unknown, rare), None, None, None).number("v_set_v").meaning.by == "max_didv"


def test_the_numbers_of_figures_are_those_that_most_records_have() -> None:
    """In ONE definition: v_set_v has three in two, of which two, as many as on_off has, which is named first."""
    rows = (
        row("v_set_v", "a", [0.7, None, None]),
        row("v_set_v", "b", [None, 0.3, 0.5]),
        row("on_off", "a", [1.0, 2.0, None]),
        row("g_hrs_s", "a", [1.0, None, None]),
    )
    assert _choose_numbers(rows, None, None) == ("v_set_v", "on_off")
    assert _choose_numbers(rows, None, "v_set_v") == ("on_off", "v_set_v")
    assert _choose_numbers(rows, "on_off", None) == ("on_off", "v_set_v")


def measured(record_card: DeviceCard, low: float, high: float) -> Record:
    raw: dict[str, Any] = json.loads(record_card.to_json())
    for branch in ("ltp", "ltd"):
        raw[branch]["measured_range"] = [low, high]
    return Record.of_card(DeviceCard.from_json(json.dumps(raw)))


@pytest.mark.parametrize("direction", ["ltp", "ltd"])
def test_rate_curves_are_shown_where_they_were_measured(card: Callable[..., DeviceCard], direction: str) -> None:
    given = [(card("a"), 0.2, 0.8), (card("b", increment=0.01), 0.1, 0.5)]
    found = compare([measured(each, low, high) for each, low, high in given])
    panel = found.overlay(direction)
    assert panel is not None
    for curve, (own, low, high) in zip(panel.curves, given, strict=True):
        own_curve = own.branch(direction).rate_curve
        first, last = curve.x[0], curve.x[-1]  # nodes are 0.01 apart; one beyond either end is the margin
        assert low - 0.011 <= first <= low + 0.001
        assert high - 0.001 <= last <= high + 0.011
        assert curve.y == pytest.approx(np.abs(np.interp(curve.x, own_curve.r, own_curve.rate)))


def test_colours_go_by_the_place_of_a_value_between_its_ends() -> None:
    assert shares([1.0, 4.0, 2.0, float("nan")]) == pytest.approx([0, 1, 1 / 3, np.nan], nan_ok=True)
    assert shares([1.0, 100.0, 10.0], log=True) == pytest.approx([0, 1, 0.5])
    assert shares([3.0, 3.0]) == pytest.approx([0.5, 0.5])
