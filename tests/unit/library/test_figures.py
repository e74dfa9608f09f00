"""Figures of many devices: colours, ranks, quartiles, maps, against values worked out by hand; all of them draw."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest

from devicekit.core.scalars import Scalar
from devicekit.library.display_units import Scale, short
from devicekit.library.figures import (
    DISTINCT,
    GREY,
    RAMP,
    Line,
    boxes,
    cdf,
    overlay,
    ramp,
    scatter,
    shares,
    thin,
)
from devicekit.plot import Axis, Panel, array_map

X, Y = Axis("x", "V"), Axis("y", "S")


def drawn(panel: Panel) -> None:
    figure, ax = plt.subplots()
    panel.draw(ax)
    figure.canvas.draw()
    plt.close(figure)


def test_the_ramp_goes_from_blue_over_violet_to_orange() -> None:
    assert [ramp(each) for each in (0.0, 0.5, 1.0)] == list(RAMP)
    assert (ramp(-1), ramp(2), ramp(math.nan)) == (RAMP[0], RAMP[2], GREY)
    assert ramp(0.25) == "#{:02x}{:02x}{:02x}".format(*(round((a + b) / 2) for a, b in ((0x0B, 0x8A), (0x6F, 0x4F), (0xA4, 0x9E))))  # fmt: skip  # noqa: E501


def test_shares_of_values() -> None:
    assert shares([1.0, 3.0, 2.0, math.nan]) == pytest.approx([0, 1, 0.5, math.nan], nan_ok=True)
    assert shares([1.0, 100.0, 10.0, 0.0], log=True) == pytest.approx([0, 1, 0.5, math.nan], nan_ok=True)
    assert shares([5.0, 5.0]) == pytest.approx([0.5, 0.5])
    assert np.isnan(shares([math.nan])).all()


def test_an_overlay_colours_by_the_number_and_names_a_few() -> None:
    r = np.linspace(0, 1, 5)
    lines = [Line("a", r, r, 1.0), Line("b", r, r**2, 3.0), Line("c", r, r**3)]
    panel = overlay(lines, X, Y, "LTP rate", ("misfit [%]", "1", "3"))
    assert [(c.name, c.colour, c.legend) for c in panel.curves] == [
        (name, colour, True) for name, colour in zip("abc", DISTINCT, strict=False)
    ]
    assert panel.title == "LTP rate"
    assert panel.frame().shape == (15, 3)
    drawn(panel)
    several = [Line("unknown", r, r), *(Line(str(k), r, r, float(k)) for k in range(8))]
    many = overlay(several, X, Y, "LTP", ("misfit [%]", "0", "7"))
    assert [many.curves[k].colour for k in (0, 1, 8)] == [GREY, RAMP[0], RAMP[2]]
    assert (panel.bar, many.bar) == (None, ("misfit [%]", "0", "7"))
    drawn(many)
    assert not any(curve.legend for curve in many.curves)
    assert many.legend == "none"


def test_thinning_keeps_both_ends() -> None:
    r = np.zeros(1)
    lines = [Line(str(k), r, r, float(k)) for k in range(1000)]
    some = thin(lines[::-1], 11)
    assert len(some) == 11
    assert (some[0].value, some[-1].value) == (0.0, 999.0)
    assert thin(lines[:11], 11) == lines[:11]


def test_a_cdf_is_of_median_ranks() -> None:
    panel = cdf({"a": np.array([3.0, 1.0, math.nan, 2.0]), "none": np.array([math.nan])}, X, "records")
    (curve,) = panel.curves
    assert curve.name == "a (3)"
    assert list(curve.x) == [1, 2, 3]
    assert list(curve.y) == pytest.approx([0.7 / 3.4, 1.7 / 3.4, 2.7 / 3.4])
    assert panel.y.label == "share of records"
    drawn(panel)


def test_boxes_are_quartiles_and_ranges_and_small_groups_are_dots() -> None:
    panel = boxes({"one": np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "two": np.array([7.0, math.nan])}, X, "stack")
    curves = {curve.name: curve for curve in panel.curves}
    assert set(curves) == {"one", "one, range", "one, quartiles", "one, median", "two"}
    quartiles, spread = curves["one, quartiles"], curves["one, range"]
    assert quartiles.low is not None
    assert quartiles.high is not None
    assert spread.low is not None
    assert spread.high is not None
    assert (quartiles.low[0], quartiles.high[0], spread.low[0], spread.high[0]) == (2, 4, 1, 5)
    assert (curves["one, median"].x[0], curves["one, median"].y[0]) == (3, 0)
    assert panel.y.names == ("one (5)", "two (1)")
    assert all(curves["two"].y < 1)
    drawn(panel)


def test_a_scatter_has_a_colour_a_group() -> None:
    one = np.array([1.0, 2.0])
    panel = scatter({"a": (one, one), "b": (one, 2 * one), "c": (one, 3 * one)}, X, Y)
    assert [curve.colour for curve in panel.curves] == list(DISTINCT[:3])
    drawn(panel)


def test_a_map_puts_rows_below_each_other_and_leaves_missing_cells_blank() -> None:
    rows, columns, values = np.array([1, 1, 3]), np.array([4, 6, 5]), np.array([0.1, 0.2, 0.4])
    image = array_map(rows, columns, values, "increment [%]", "W1")
    expected = [[0.1, math.nan, 0.2], [math.nan] * 3, [math.nan, 0.4, math.nan]]
    assert image.values == pytest.approx(np.array(expected), nan_ok=True)
    assert image.x_edges == pytest.approx([3.5, 4.5, 5.5, 6.5])
    assert image.y_edges == pytest.approx([0.5, 1.5, 2.5, 3.5])
    assert image.y.limits == (3.5, 0.5)  # row 1 on top
    assert image.limits == (0.1, 0.4)
    frame = image.frame()
    place = frame[(frame["column"] == 5) & (frame["row"] == 3)]
    assert place["increment [%]"].item() == 0.4
    figure, ax = plt.subplots()
    image.draw(ax)
    assert sorted(text.get_text() for text in ax.texts) == ["0.1", "0.2", "0.4"]
    plt.close(figure)


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_map_of_one_value_has_a_scale(value: float) -> None:
    low, high = array_map(np.array([0]), np.array([0]), np.array([value]), "x").limits
    assert low < value < high


def test_words_on_a_dark_cell_are_white_and_on_a_light_one_black() -> None:
    image = array_map(np.array([0, 0]), np.array([0, 1]), np.array([10.0, 10.1]), "x")
    figure, ax = plt.subplots()
    image.draw(ax)
    assert [text.get_color() for text in ax.texts] == ["white", "black"]
    plt.close(figure)


@pytest.mark.parametrize(
    ("scalar", "values", "unit", "text"),
    [
        (Scalar("g", "G", 0.0, "S"), [5.71e-5, 3e-4], "µS", "57.1"),
        (Scalar("g", "G", 0.0, "S"), [5.71e-5, 3e-3, math.nan], "mS", "0.0571"),
        (Scalar("v", "V_set", 0.0, "V"), [0.614], "V", "0.614"),
        (Scalar("i", "increment", 0.0, of="window"), [0.00386], "% of window", "0.386"),
        (Scalar("a", "area", 0.0, "m2"), [25e-12], "µm²", "25"),
        (Scalar("r", "on/off", 0.0), [12345.6], "", "12346"),
        (Scalar("d", "decades", 0.0, "decades"), [0.1], "decades", "0.1"),
        (Scalar("g", "G", 0.0, "S"), [0.0], "S", "0"),
    ],
)
def test_one_unit_keeps_numbers_short(scalar: Scalar, values: list[float], unit: str, text: str) -> None:
    scale = Scale.of(scalar, values)
    assert scale.unit == unit
    assert scale.text(values[0]) == text
    assert float(scale.text(values[0])) == pytest.approx(values[0] * scale.factor, rel=1e-4)
    assert scale.text(math.nan) == scale.text(None) == "–"


def test_axes_of_values_far_apart_are_logarithmic() -> None:
    scale = Scale.of(Scalar("r", "on/off", 0.0), [1.0])
    assert scale.axis([1.0, 29.0]).scale == "linear"
    assert scale.axis([1.0, 31.0]).scale == "log"
    assert scale.axis([0.0, 31.0]).scale == scale.axis([-1.0, 31.0]).scale == scale.axis([]).scale == "linear"


def test_short_numbers() -> None:
    assert [short(each) for each in (0.38612, 12345.6, 1.5e-7, 1234567.0)] == ["0.3861", "12346", "1.5e-07", "1234567"]


def test_a_long_distribution_is_thinned_at_its_own_ranks() -> None:
    panel = cdf({"a": np.arange(10_001.0)}, X, "values")
    (curve,) = panel.curves
    assert curve.name == "a (10001)"
    assert curve.x.size == 500
    assert (curve.x[0], curve.x[-1]) == (0, 10_000)
    assert curve.y == pytest.approx((curve.x + 0.7) / 10_001.4)
