"""Every report in a browser: offline, without console messages, legible at the width of a telephone or a desktop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import NAMES, unpacked

pytestmark = pytest.mark.slow

LARGEST = 3_000_000  # bytes of the shipped run's report
# Every image: its box in the page, its natural width, and whether all of it has been decoded.
IMAGES = """[...document.images].map(each => {
  const box = each.getBoundingClientRect();
  return {left: box.left, right: box.right, height: box.height, natural: each.naturalWidth, done: each.complete};
})"""
# Elements that reach beyond the page and do not lie in something that scrolls by itself.
OUTSIDE = """[...document.querySelectorAll('main *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.right > document.documentElement.clientWidth + 1 && !each.closest('.wide, pre');
}).map(each => each.tagName + '.' + each.className)"""
# Smallest text of any figure as it is shown [CSS px], from the font sizes written in its SVG.
SMALLEST_TEXT = """Math.min(...[...document.images].map(each => {
  const svg = new DOMParser().parseFromString(
    decodeURIComponent(escape(atob(each.src.split('base64,')[1]))), 'image/svg+xml').documentElement;
  const scale = each.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const sizes = [...svg.querySelectorAll('text')].map(text => parseFloat(
    (text.getAttribute('style') || '').match(/font:[^;]*?([0-9.]+)px/)?.[1] ?? text.style.fontSize));
  return scale * Math.min(...sizes.filter(size => size > 0));
}))"""
# Texts of figures that reach beyond the figure, laid out as the browser does it, by more than 3 px.
CUT_OFF = """[...document.images].flatMap(each => {
  const box = document.createElement('div');
  box.innerHTML = decodeURIComponent(escape(atob(each.src.split('base64,')[1]))).replace(/<[?!][^>]*>/g, '');
  document.body.append(box);
  const svg = box.querySelector('svg'), whole = svg.getBoundingClientRect();
  const cut = [...svg.querySelectorAll('text')].filter(text => {
    const t = text.getBoundingClientRect();
    return t.left < whole.left - 3 || t.right > whole.right + 3 || t.top < whole.top - 3 || t.bottom > whole.bottom + 3;
  }).map(text => text.textContent.trim());
  box.remove();
  return cut;
})"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_works_offline_and_logs_nothing(
    name: str, width: int, dark: bool, reports: dict[str, Path], chromium: Any
) -> None:
    chromium.open(reports[name], width, dark=dark, script=False)
    assert chromium.console == []
    assert chromium.requests == []
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.evaluate(OUTSIDE) == []
    images = chromium.evaluate(IMAGES)
    assert images
    for image in images:
        assert image["done"]
        assert image["natural"] > 0
        assert image["height"] > 50
        assert image["left"] >= 0
        assert image["right"] <= width
    assert chromium.evaluate(SMALLEST_TEXT) >= 6.0


@pytest.mark.parametrize("name", NAMES)
def test_no_label_of_a_figure_is_cut_off(name: str, reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports[name], 1400, script=False)
    assert chromium.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("name", NAMES)
def test_tables_that_scroll_can_be_reached_by_keyboard(name: str, reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports[name], 360)
    hidden = """[...document.querySelectorAll('*')].filter(each => each.scrollWidth > each.clientWidth + 1 &&
      ['auto', 'scroll'].includes(getComputedStyle(each).overflowX) && each.tabIndex < 0).length"""
    assert chromium.evaluate(hidden) == 0


def test_the_keyboard_reaches_the_results(reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports["run"], 1400)
    chromium.press("Tab")
    assert chromium.evaluate("document.activeElement.className") == "skip"
    box = chromium.evaluate("document.activeElement.getBoundingClientRect().left")
    assert box >= 0  # it comes into sight when it has the focus
    assert chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chromium.press("Enter")
    assert chromium.evaluate("location.hash") == "#fit"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_figures_follow_the_page(dark: bool, reports: dict[str, Path], chromium: Any, tmp_path: Path) -> None:
    """The corner of a figure, drawn on a canvas, is light on a light page and dark on a dark one."""
    from matplotlib.image import imread

    chromium.open(reports["run"], 1400, dark=dark, script=False)
    box = chromium.evaluate(
        "(() => { const b = document.images[0].getBoundingClientRect();"
        "return [b.left + scrollX, b.top + scrollY, b.width, b.height]; })()"
    )
    chromium.screenshot(tmp_path / "page.png")
    pixels = imread(tmp_path / "page.png")[..., :3]
    left, top, width, height = (round(value) for value in box)
    figure = pixels[top + 3 : top + height - 3, left + 3 : left + width - 3]
    paper = figure[:4, :4].mean()
    assert paper < 0.3 if dark else paper > 0.9
    ink = figure.max() if dark else 1 - figure.min()
    assert ink > 0.6  # something is drawn on it that stands out


def test_the_shipped_run_is_small_and_prints(reports: dict[str, Path], chromium: Any) -> None:
    assert reports["run"].stat().st_size < LARGEST
    chromium.open(reports["run"], 1400, dark=True)
    pdf = chromium.pdf()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", unpacked(pdf))) <= 20


def test_the_browser_of_the_tests_reports_messages_and_requests(chromium: Any, tmp_path: Path) -> None:
    """A page with every forbidden property fails each check."""
    bad = tmp_path / "bad.html"
    head = '<html><head><meta name="viewport" content="width=device-width"></head><body><main>'
    bad.write_text(
        f'{head}<p style="width: 900px">wide</p><script>console.log("noise")</script>'
        '<script src="http://127.0.0.1:9/x.js"></script></main></body></html>'
    )
    chromium.open(bad, 360)
    assert "noise" in chromium.console
    assert chromium.requests == ["http://127.0.0.1:9/x.js"]
    assert chromium.evaluate(OUTSIDE) == ["P."]
    assert chromium.evaluate("document.documentElement.scrollWidth") > 360
