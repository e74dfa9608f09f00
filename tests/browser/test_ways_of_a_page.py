"""Buttons of a page: resistances instead of conductances, and pictures as SVG and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.scalars import Scalar
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import Report, draw

pytestmark = pytest.mark.slow

TEXTS = "[...document.querySelectorAll('.facts dd, .facts dt')].map(each => each.innerText.split('\\n')[0])"
VALUE = "document.querySelector('.first .told output').textContent"
TURN = "document.querySelector('button.turn')"
# What a click on a button of a figure saves: type and first bytes.
SAVED = """(kind => new Promise(done => {
  const whole = URL.createObjectURL;
  URL.createObjectURL = blob => {
    blob.arrayBuffer().then(all => done([blob.type, [...new Uint8Array(all)].slice(0, 4), all.byteLength]));
    return whole.call(URL, blob);
  };
  [...document.querySelectorAll('.first button.data')].find(each => each.textContent === kind).click();
}))"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    g = np.array([1e-5, 2e-5, 5e-5])
    panel = Panel(Axis("n"), Axis.of("conductance_s"), [Curve("a", np.arange(3), g, style="o-")])
    tile = Scalar("g_low_s", "G, low end", 2e-5, "S")
    Report("T", "It reads.", pictures=[draw(panel, "States.", "States")], numbers=[tile]).save(tmp_path / "page.html")
    return tmp_path / "page.html"


def test_a_button_shows_resistances_in_figures_and_tiles(page: Path, chromium: Any) -> None:
    chromium.open(page, 1280)
    assert chromium.evaluate(TEXTS) == ["G, low end", "20 µS"]
    before = chromium.evaluate(f"{TURN}.textContent")
    chromium.evaluate(f"{TURN}.click()")
    assert chromium.evaluate(TEXTS) == ["R, low end", "50 kohm"]
    assert chromium.evaluate(f"{TURN}.textContent") != before
    chromium.evaluate("document.querySelector('.first .chart').focus()")
    for _ in range(2):
        chromium.press("ArrowRight")
    assert chromium.evaluate(VALUE).endswith("resistance R 50 kohm")
    chromium.evaluate(f"{TURN}.click()")
    assert chromium.evaluate(TEXTS) == ["G, low end", "20 µS"]
    assert chromium.console == []


def test_pictures_are_saved_as_svg_and_png(page: Path, chromium: Any) -> None:
    chromium.open(page, 1280, dark=True)
    kind, start, size = chromium.evaluate(f"{SAVED}('PNG')")
    assert (kind, start[1:]) == ("image/png", [0x50, 0x4E, 0x47])
    assert size > 5000
    kind, start, size = chromium.evaluate(f"{SAVED}('SVG')")
    assert kind == "image/svg+xml"
    assert bytes(start) == b"<?xm"
    assert chromium.requests == []
