"""Live figures: zoom, values under the pointer and by keyboard, the SVG in print, and under a strict policy."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devicekit.report import live

from .conftest import NAMES

pytestmark = pytest.mark.slow

# Where the plotting area of the first chart lies, what its lowest and highest tick are, and what it says.
AREA = """(() => {
  const box = document.querySelector('.first .u-over').getBoundingClientRect();
  return {left: box.left, top: box.top, width: box.width, height: box.height};
})()"""
VALUE_TEXT = "document.querySelector('.first .told output').textContent"
WHOLE = "!document.querySelector('.first .told .all').hidden"
PIXELS = """(() => {
  const canvas = document.querySelector('.first canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let k = 0; k < data.length; k += 4) sum = (sum * 31 + data[k] + 256 * data[k + 3]) % 1000000007;
  return sum;
})()"""
# Of every figure: whether it has data, whether it is drawn live, and what of it can be seen.
FIGURES = """[...document.querySelectorAll('figure')].map(each => {
  const seen = inner => { const found = each.querySelector(inner); return !!found && found.offsetHeight > 20; };
  const is = each.classList.contains("live");
  return {data: "live" in each.dataset, live: is, chart: seen(".chart"), image: seen("img")};
})"""
# Elements that reach beyond the page.
OUTSIDE = """[...document.querySelectorAll('main *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.right > document.documentElement.clientWidth + 1 && !each.closest('.wide, pre');
}).map(each => each.tagName + '.' + each.className)"""
UNNAMED = """[...document.querySelectorAll('button, a, [tabindex], output')].filter(each =>
  !(each.textContent.trim() || each.getAttribute('aria-label') || each.getAttribute('aria-labelledby'))).length"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_with_data_is_drawn_and_prints_as_svg(
    name: str, width: int, dark: bool, reports: dict[str, Path], chromium: Any
) -> None:
    chromium.open(reports[name], width, dark=dark)
    figures = chromium.evaluate(FIGURES)
    assert any(each["data"] for each in figures)
    for each in figures:
        assert each["live"] == each["data"] == each["chart"] != each["image"]
    assert chromium.evaluate(OUTSIDE) == []
    assert chromium.evaluate(UNNAMED) == 0
    chromium.print_as("print")
    assert all(each["image"] and not each["chart"] for each in chromium.evaluate(FIGURES))
    chromium.print_as("")
    assert chromium.console == []
    assert chromium.requests == []


def test_dragging_zooms_and_a_double_click_shows_all(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["fit"], 1280)
    area, before = chromium.evaluate(AREA), chromium.evaluate(PIXELS)
    x, y = area["left"] + 0.3 * area["width"], area["top"] + 0.2 * area["height"]
    assert not chromium.evaluate(WHOLE)
    drag(chromium, (x, y), (x + 0.4 * area["width"], y + 0.5 * area["height"]))
    assert chromium.evaluate(WHOLE)
    assert chromium.evaluate(PIXELS) != before
    for clicks in (1, 2):
        chromium.mouse("mousePressed", x, y, clicks)
        chromium.mouse("mouseReleased", x, y, clicks)
    assert settled(chromium) == before
    assert not chromium.evaluate(WHOLE)
    drag(chromium, (x, y), (x + 0.4 * area["width"], y + 0.5 * area["height"]))
    chromium.evaluate("document.querySelector('.first .told .all').click()")
    assert settled(chromium) == before


def drag(chromium: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse from one place to another."""
    chromium.mouse("mouseMoved", *start)
    chromium.mouse("mousePressed", *start, 1)
    for part in (0.5, 1.0):
        chromium.mouse("mouseMoved", *(a + part * (b - a) for a, b in zip(start, end, strict=True)), 1)
    chromium.mouse("mouseReleased", *end, 1)
    settled(chromium)


def settled(chromium: Any) -> Any:
    """Return the drawn pixels once the pointer has left and two frames have passed."""
    chromium.mouse("mouseMoved", 2, 2)
    chromium.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
    return chromium.evaluate(PIXELS)


def test_the_value_under_the_pointer_is_that_of_the_data(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["fit"], 1280)
    panel = chromium.evaluate("JSON.parse(document.querySelector('.first figure script').textContent)")
    curve = next(each for each in panel["curves"] if each["name"] == "LTD mean")
    x, y = (panel["arrays"][curve[which]] for which in ("x", "y"))
    n, area = len(x) // 2, chromium.evaluate(AREA)
    low, high = panel["x"]["range"]
    left = area["left"] + area["width"] * (x[n] - low) / (high - low)
    low, high = panel["y"]["range"]
    top = area["top"] + area["height"] * (high - y[n]) / (high - low)
    chromium.mouse("mouseMoved", left, top)
    text = chromium.evaluate(VALUE_TEXT)
    assert f"pulse number {x[n]:g}" in text
    assert "µS" in text
    value = float(text.rpartition("conductance G ")[2].split()[0])
    assert value == pytest.approx(y[n], rel=0.01)  # of the mean, or of the fit that lies on it
    chromium.mouse("mouseMoved", 2, 2)
    assert "conductance" not in chromium.evaluate(VALUE_TEXT)


def test_the_keyboard_reads_values_zooms_and_hides_a_curve(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["fit"], 1280)
    before = chromium.evaluate(PIXELS)
    chromium.evaluate("document.querySelector('.first .chart').focus()")
    assert chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle") in ("solid", "none")
    assert "Arrow keys" in chromium.evaluate("document.activeElement.getAttribute('aria-label')")
    chromium.press("ArrowRight")
    assert chromium.evaluate(VALUE_TEXT).startswith("LTP mean: ")
    assert " 0" in chromium.evaluate(VALUE_TEXT)
    chromium.press("ArrowRight")
    assert " 1;" in chromium.evaluate(VALUE_TEXT)
    chromium.press("ArrowDown")
    assert chromium.evaluate(VALUE_TEXT).startswith("eq2 fit: ")
    assert " 1;" in chromium.evaluate(VALUE_TEXT)
    chromium.press("+")
    assert chromium.evaluate(WHOLE)
    chromium.press("Escape")
    assert settled(chromium) == before
    chromium.evaluate("document.querySelector('.first .keys button').click()")
    assert settled(chromium) != before
    assert chromium.evaluate("document.querySelector('.first .keys button').getAttribute('aria-pressed')") == "false"


def test_colours_follow_the_system_setting(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["fit"], 1280)
    before = chromium.evaluate(PIXELS)
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert settled(chromium) != before
    chromium.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}])
    assert settled(chromium) == before


def test_a_narrower_window_has_narrower_charts(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["fit"], 1280)
    wide = chromium.evaluate(AREA)["width"]
    chromium.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=False)
    settled(chromium)
    assert chromium.evaluate(AREA)["width"] != wide
    assert chromium.evaluate("document.documentElement.scrollWidth") <= 390


POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:"
APP = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>App</title><link rel="icon" href="data:,">
{styles}{scripts}</head><body><main class="first"><p>nothing yet</p></main></body></html>"""
FRAGMENT = """<figure data-live aria-label="a line"><script type="application/json">{data}</script></figure>"""


class _Strict(http.server.SimpleHTTPRequestHandler):
    """Server of the files of a folder, with a policy against inline scripts and styles."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *what: Any) -> None:
        """Log nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Page that loads the scripts as files from a local server."""
    for name in (*live.STYLES, *live.SCRIPTS):
        (tmp_path / name).write_bytes((live.STATIC / name).read_bytes())
    styles = "".join(f'<link rel="stylesheet" href="{name}">' for name in live.STYLES)
    scripts = "".join(f'<script src="{name}"></script>' for name in live.SCRIPTS)
    (tmp_path / "index.html").write_text(APP.format(styles=styles, scripts=scripts))
    handler = functools.partial(_Strict, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
        server.shutdown()
        thread.join()


def test_a_page_under_a_strict_policy_draws_what_it_inserts(address: str, chromium: Any) -> None:
    import json

    import numpy as np

    from devicekit.plot import Axis, Curve, Panel

    x = np.linspace(0.0, 1.0, 50)
    curves = [
        Curve("a", x, x**2),
        Curve("band", x, x, "band", low=x - 0.1, high=x + 0.1, alpha=0.3),
        Curve("b", x[::9], x[::9], "errors", "s--", x[::9] - 0.1, x[::9] + 0.2, colour="C1"),
        Curve("c", x[::9], 1 - x[::9], style="x", size=5.0),
    ]
    panel = Panel(Axis("x"), Axis("y", "V"), curves, "A title", notes=[(0.5, 0.5, "here")], lines=[("y", 0.5)])
    text = json.dumps(FRAGMENT.format(data=json.dumps(panel.as_json()).replace("<", "\\u003c")))
    chromium.open(address, 1280)
    chromium.evaluate(
        f"document.querySelector('main').insertAdjacentHTML('beforeend', {text});"
        "devicekitFigures(document.querySelector('main')); devicekitFigures(document.querySelector('main'))"
    )
    assert len(chromium.evaluate(FIGURES)) == 1
    assert chromium.evaluate("document.querySelectorAll('.chart').length") == 1
    assert chromium.evaluate("document.querySelector('.chart').getAttribute('aria-label')").startswith("a line.")
    assert chromium.evaluate("document.querySelectorAll('.keys button').length") == 4
    assert chromium.evaluate("document.querySelector('canvas').height") > 100
    assert chromium.console == []
