"""What a page must have so that everybody can read it: contrast, words for pictures, order, keyboard."""

from __future__ import annotations

import base64
import io
import itertools
import re
from typing import Any

import pandas as pd
import pytest

from devicekit.report import theme

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, text of any size
LEAST_GRAPHIC = 3.0  # WCAG 2.2, 1.4.11, lines of a figure
TEXT_ON_PAPER = (
    ("ink", "paper"),
    ("ink", "panel"),
    ("soft", "paper"),
    ("link", "paper"),
    ("link", "panel"),
    ("mark", "paper"),
    ("mark", "markpaper"),
)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def variables(page: Any) -> tuple[dict[str, str], dict[str, str]]:
    """The colours that the page itself declares, light and dark."""
    (style,) = (node.text for node in page.all("style"))
    light, dark = (dict(re.findall(r"--(\w+): (#[0-9a-f]+)", each)) for each in re.findall(r":root \{(.*?)\}", style))
    return light, dark


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_text_stands_out(page: Any, which: int) -> None:
    colours = variables(page)[which]
    for text, paper in TEXT_ON_PAPER:
        assert contrast(colours[text], colours[paper]) >= LEAST_CONTRAST, (text, paper)


def test_every_colour_is_declared(page: Any) -> None:
    (style,) = (node.text for node in page.all("style"))
    light, dark = variables(page)
    assert set(re.findall(r"var\(--(\w+)\)", style)) <= set(light)
    assert set(light) == set(dark)


def test_lines_of_figures_stand_out_in_the_dark() -> None:
    from devicekit.plot import COLOURS

    for light, dark in theme.FIGURE_DARK.items():
        if light in COLOURS.values() or light in ("#000000", "#737373", "#808080", "#999999"):
            assert contrast(dark, theme.FIGURE_PAPER) >= LEAST_GRAPHIC, light
    for colour in COLOURS.values():
        assert contrast(colour, "#ffffff") >= LEAST_GRAPHIC
        assert colour in theme.FIGURE_DARK


def test_no_colour_of_a_figure_is_lost_in_the_dark(page: Any) -> None:
    """Every dark line or fill of a figure has a light one for the dark page."""
    for image in page.all("img"):
        svg = base64.b64decode(image.get("src").partition("base64,")[2]).decode()
        body = svg.partition("</style>")[2]
        for colour in set(re.findall(r"(?:stroke|fill): (#[0-9a-f]{6})", body)):
            if contrast(colour, theme.FIGURE_PAPER) < LEAST_GRAPHIC and colour != "#ffffff":
                assert f'"stroke: {colour}"]' in svg or f'"fill: {colour}"]' in svg, colour


def test_language_title_and_landmarks(page: Any) -> None:
    (html,) = page.all("html")
    assert html.get("lang") == "en"
    assert page.all("title")[0].words == "Small"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("nav")) == 1
    assert page.all("nav")[0].get("aria-label")


def test_headings_are_in_order(page: Any) -> None:
    levels = [int(node.tag[1]) for node in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_ids_are_unique_and_every_link_leads_somewhere(page: Any) -> None:
    everything = page.all(*{node.tag for node in _descend(page)})
    ids = [node.get("id") for node in everything if node.get("id")]
    assert len(ids) == len(set(ids))
    for node in everything:
        for name in ("aria-labelledby", "aria-describedby"):
            assert not node.get(name) or node.get(name) in ids
        if node.tag == "a" and node.get("href").startswith("#"):
            assert node.get("href")[1:] in ids


def _descend(node: Any) -> list[Any]:
    return [each for child in node.children for each in [child, *_descend(child)]]


def test_the_contents_name_every_section(page: Any) -> None:
    (main,) = page.all("main")
    headings = [node.words for node in main.all("h2")]
    assert len(headings) >= 5
    assert [node.words for node in page.all("nav")[0].all("a")] == headings


def test_the_first_link_skips_to_the_results(page: Any) -> None:
    first = page.all("a")[0]
    assert first.get("class") == "skip"
    assert first.get("href") == "#fit"


def test_pictures_have_words_and_data(page: Any) -> None:
    figures = page.all("figure")
    assert len(figures) >= 5
    for figure in figures:
        (image,) = figure.all("img")
        assert len(image.get("alt")) > 15
        assert figure.all("figcaption")[0].words.strip()
        (link,) = figure.all("a")
        assert link.get("download").endswith(".csv")
        assert image.get("alt") in link.get("aria-label")
        data = base64.b64decode(link.get("href").partition("base64,")[2])
        table = pd.read_csv(io.BytesIO(data))
        assert len(table) > 3
        assert len(table.columns) > 1
    names = [link.get("download") for figure in figures for link in figure.all("a")]
    assert len(names) == len(set(names))


def test_tables_have_heads_names_and_can_be_scrolled_by_key(page: Any) -> None:
    regions = [node for node in page.all("div") if node.get("class") == "wide"]
    assert regions
    assert all(node.get("tabindex") == "0" and node.get("role") == "region" for node in regions)
    for table in page.all("table"):
        assert table.get("aria-labelledby")
        assert all(cell.get("scope") == "col" for cell in table.all("thead")[0].all("th"))
        for row in table.all("tbody")[0].all("tr"):
            assert row.children[0].tag == "th"
            assert len(row.children) == len(table.all("thead")[0].all("th"))


def test_the_focus_is_visible(page: Any) -> None:
    (style,) = (node.text for node in page.all("style"))
    assert ":focus-visible { outline: 3px solid" in style
    assert "outline: none" not in style
    assert "@media print" in style
