"""Display units: one prefix for an axis, the CSV below it and the numbers of a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from devicekit.core.scales import Scale
from devicekit.plot import Axis, Curve, Image, Panel


@pytest.mark.parametrize(
    ("unit", "values", "shown", "factor"),
    [
        ("A", [2e-5, 8e-5, np.nan, 0.0], "µA", 1e6),
        ("S", [2e-4, 3e-4, 1.2e-3], "µS", 1e6),  # the largest is still short in µS
        ("S", [2e-7, 3e-7, 1.2e-3], "mS", 1e3),
        ("ohm", [1.2e4, 9e5], "kohm", 1e-3),
        ("W", [3e-7], "nW", 1e9),
        ("J", [-4e-12], "pJ", 1e12),
        ("V", [0.02, 0.6], "V", 1.0),
        ("s", [10.0, 1e5], "s", 1.0),
        ("S²", [4e-12, 9e-12], "µS²", 1e12),
        ("1/S", [2e5], "1/µS", 1e-6),
        ("m2", [25e-12], "µm²", 1e12),
        ("K", [0.001], "K", 1.0),
        ("A", [], "A", 1.0),
        ("", [1e-6], "", 1.0),
    ],
)
def test_a_prefix_fits_the_values(unit: str, values: list[float], shown: str, factor: float) -> None:
    scale = Scale.of(unit, values)
    assert (scale.unit, scale.factor) == (shown, pytest.approx(factor))


def panel(y: list[float], scale: Any = "linear", **more: Any) -> Panel:
    values = np.array(y)
    curves = [Curve("a", np.arange(values.size), values, "errors", low=0.9 * values, high=1.1 * values)]
    return Panel(Axis("n"), Axis("current", "A", scale), curves, lines=[("y", y[0])], notes=[(0, y[0], "x")], **more)


def test_axis_csv_and_page_agree() -> None:
    shown = panel([2e-5, 4e-5])
    ax = shown.draw(Figure().subplots())
    assert ax.get_ylabel() == "current [µA]"
    assert [line.get_ydata()[0] for line in ax.lines if len(line.get_ydata()) == 2][-1] == pytest.approx(20)
    assert (shown.csv() or "").splitlines()[:2] == ["curve,n,current [µA],low,high", "a,0,20,18,22"]
    sent: Any = shown.as_json()
    assert (sent["y"]["unit"], sent["notes"], sent["lines"]) == ("µA", [[0, 20, "x"]], [["y", 20]])
    assert shown.displayed().displayed().csv() == shown.csv()
    assert shown.curves[0].y[0] == 2e-5  # the panel itself stays in SI units


def test_a_wide_logarithmic_axis_writes_the_unit_at_each_tick() -> None:
    shown = panel([1e-9, 1e-3], "log")
    ax = shown.draw(Figure().subplots())
    ax.figure.canvas.draw()
    assert ax.get_ylabel() == "current"
    assert {"1 nA", "1 µA", "1 mA"} <= {each.get_text() for each in ax.get_yticklabels()}
    sent: Any = shown.as_json()
    assert sent["y"]["decades"]
    assert (shown.csv() or "").startswith("curve,n,current [A],low,high\na,0,1e-09")


def test_a_short_logarithmic_axis_has_plain_numbers() -> None:
    ax = panel([1e-6, 2e-4], "log").draw(Figure().subplots())
    ax.figure.canvas.draw()
    assert ax.get_ylabel() == "current [µA]"
    assert {"1", "10", "100"} <= {each.get_text() for each in ax.get_yticklabels()}


def test_a_map_has_the_prefix_at_its_colour_bar() -> None:
    edges = np.arange(3.0)
    shown = Image(Axis("x"), Axis("y"), edges, edges, np.full((2, 2), 3e-5), "G", "cividis", (2e-5, 4e-5), unit="S")
    ax = Figure().subplots()
    shown.draw(ax)
    assert ax.figure.axes[1].get_ylabel() == "G [µS]"
    assert shown.frame()["G [µS]"].tolist() == pytest.approx([30] * 4)
