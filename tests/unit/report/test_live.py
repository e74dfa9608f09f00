"""The scripts of a page: what is shipped, and that a page without figures has none."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from devicekit.report import Report, Text, live
from devicekit.report import Section as Part

SHIPPED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE-uPlot": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


def test_what_is_not_ours_is_as_it_was_published() -> None:
    for name, wanted in SHIPPED.items():
        assert hashlib.sha256((live.STATIC / name).read_bytes()).hexdigest() == wanted, name
    assert "1.6.32" in (live.STATIC / "README.md").read_text("utf-8")
    assert "v1.6.32" in live.script()  # with its licence line


def test_the_scripts_run_under_a_strict_policy() -> None:
    ours = (live.STATIC / "figures.js").read_text("utf-8")
    for forbidden in ("eval(", "new Function", "innerHTML", "onclick", "document.write", "http:", "https:"):
        assert forbidden not in ours
    assert live.script().count("</script") == 0
    assert len(live.script()) + len(live.style()) < 76_000


def test_a_page_without_figures_has_no_script() -> None:
    page = Report("A", "It is.", ["It is."], [Part("B", "b", [Text(["c"])])]).to_html()
    assert "<script" not in page
    assert "uplot" not in page.lower()


@pytest.mark.slow
def test_every_curve_figure_of_a_page_has_its_data(page: Any) -> None:
    alive = [figure for figure in page.all("figure") if "data-live" in figure.attributes]
    assert len(alive) >= 5
    for figure in alive:
        (data,) = figure.all("script")
        assert data.get("type") == "application/json"
        shown = json.loads(data.words)
        assert shown["curves"]
        assert 0.3 < shown["ratio"] < 3
    assert sum(len(figure.all("script")[0].words) for figure in alive) < 120_000
