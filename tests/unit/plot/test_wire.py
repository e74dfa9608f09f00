"""Figures for pages: the same curves, axes and colours as in matplotlib."""

from __future__ import annotations

import json

import numpy as np
import pytest

from devicekit.plot import Axis, Curve, Panel, wire
from devicekit.plot.panel import MOST_LIVE

STYLES = ("-", "--", "-.", ":", ".", "o-", "s--", "v-.", ".-", "^", "D", "x", "o")


@pytest.mark.parametrize("style", STYLES)
def test_strokes_are_those_of_matplotlib(style: str) -> None:
    from matplotlib.axes._base import _process_plot_format

    line, marker, _ = _process_plot_format(style)
    names = {"-": "solid", "--": "dashed", "-.": "dashdot", ":": "dotted", "None": None}
    assert wire.strokes(style) == (names[line], None if marker == "None" else marker)


@pytest.mark.parametrize("colour", ["black", "k", "0.5", "0.45", "0.8", "C0", "C9", "C11", "#0b6fa4"])
def test_colours_are_those_of_matplotlib(colour: str) -> None:
    from matplotlib.colors import to_hex

    light, dark = wire.light_and_dark(colour)
    assert light == to_hex(colour)
    assert len(dark) == 7


@pytest.mark.parametrize(
    ("value", "sent"), [(1.0, 1), (0.123456789, 0.12346), (3e-9, 3e-9), (float("nan"), None), (float("inf"), None)]
)
def test_numbers_are_short_and_strict(value: float, sent: float | None) -> None:
    assert wire.number(value) == sent
    assert isinstance(wire.number(1.0), int)


def panel(**more: object) -> Panel:
    x = np.array([1.0, 2.0, 3.0])
    y = np.array([1e-6, np.nan, 1e-3])
    curves = [
        Curve("line", x, y, colour="0.5"),
        Curve("shade", x, y, "band", low=y, high=2 * y, legend=np.bool_(False)),  # type: ignore[arg-type]
    ]
    return Panel(Axis("x", "V"), Axis("y", "A", "log"), curves, lines=[("x", 2.0)], **more)  # type: ignore[arg-type]


def test_a_panel_is_plain_and_each_array_is_sent_once() -> None:
    sent = panel().as_json()
    assert sent is not None
    json.dumps(sent, allow_nan=False)
    assert sent["arrays"] == [[1, 2, 3], [0.001, None, 1], [0.002, None, 2]]  # in mA
    line, shade = sent["curves"]
    assert (line["x"], line["y"], line["line"], line["told"]) == (0, 1, "solid", True)
    assert (shade["x"], shade["y"], shade["low"], shade["high"], shade["told"]) == (0, None, 1, 2, False)


def test_the_ends_are_those_that_matplotlib_shows() -> None:
    from matplotlib.figure import Figure

    shown = panel()
    axes = shown.draw(Figure().subplots())
    sent = shown.as_json()
    assert sent is not None
    assert sent["x"]["range"] == pytest.approx(axes.get_xlim(), rel=1e-3)
    assert sent["y"]["range"] == pytest.approx(axes.get_ylim(), rel=1e-3)
    assert sent["y"]["log"]


def test_places_with_names_run_downwards() -> None:
    rows = np.arange(2)
    bars = Curve("bars", np.array([3.0, -1.0]), rows, "bars", low=np.array([2.0, -2.0]), high=np.array([4.0, 0.0]))
    sent = Panel(Axis("loss"), Axis("", names=("a", "b")), [bars]).as_json()
    assert sent is not None
    assert sent["y"]["range"] == [1.5, -0.5]
    assert sent["x"]["range"] == pytest.approx([-2.3, 4.3])


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_what_cannot_be_shown_stays_a_picture(scale: str) -> None:
    nothing = np.full(3, np.nan)
    assert Panel(Axis("x"), Axis("y", scale=scale), [Curve("a", nothing, nothing)]).as_json() is None  # type: ignore[arg-type]
    assert Panel(Axis("x"), Axis("y"), []).as_json() is None
    assert Panel(Axis("x"), Axis("y"), [Curve("a", np.ones(2), np.array([1.0, 1e200]))]).as_json() is None


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("spread", [1e-16, 1e-9, 1e-5, 1e-3])
def test_numbers_that_hardly_differ_have_an_axis_with_two_ends(scale: str, spread: float) -> None:
    """Written with five digits, ends that agree would be an axis of no width, which a browser fails to divide."""
    y = 8.5172 * (1.0 + spread * np.array([-0.5, 0.0, 0.5]))
    sent = Panel(Axis("x"), Axis("y", scale=scale), [Curve("a", np.arange(3.0), y)]).as_json()  # type: ignore[arg-type]
    assert sent is not None
    low, high = sent["y"]["range"]
    assert low <= 8.5172 * 0.9991
    assert high >= 8.5172 * 1.0009


def test_a_logarithmic_axis_of_negative_values_is_linear() -> None:
    sent = Panel(Axis("x"), Axis("y", scale="log"), [Curve("a", np.arange(3.0), -np.arange(3.0))]).as_json()
    assert sent is not None
    assert not sent["y"]["log"]


def test_too_much_stays_a_picture() -> None:
    def of(points: int) -> dict[str, object] | None:
        return Panel(Axis("x"), Axis("y"), [Curve("a", np.arange(points), np.arange(points) + 0.5)]).as_json()

    assert of(MOST_LIVE // 2) is not None
    assert of(MOST_LIVE // 2 + 1) is None
