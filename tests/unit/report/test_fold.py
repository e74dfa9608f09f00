"""Pages stay short: what does not fit into their words is folded, nothing is lost, and nothing stands twice."""

from __future__ import annotations

import re
from typing import Any

import pytest

from devicekit.fitting.page import fit_page
from devicekit.report import CodedList, Figure, Report, Section, Table, Text
from devicekit.report.fold import fold
from devicekit.verbs.run_page import Chain, run_report
from physics.iv import simulate_iv
from physics.page import iv_page
from snn.report import train_page

from .conftest import Node, benchmarked, training, tree

LONG = Text([" ".join(["word"] * 200) + "."])


def visible(node: Node) -> list[str]:
    """Words that a reader sees before anything is opened."""
    if node.tag in ("script", "style", "title"):
        return []
    if node.tag == "details":
        return [word for child in node.children if child.tag == "summary" for word in visible(child)]
    return [*node.text.split(), *(word for child in node.children for word in visible(child))]


def test_a_short_page_is_open() -> None:
    (section,) = fold([Section("A", "a", [Text(["One."]), Table(("x",), [("1",)], "T.")])], [], [], 400)
    assert all(part.is_open for part in section.parts)


def test_what_does_not_fit_is_folded_with_what_follows_it() -> None:
    blocks = [LONG, Table(("x",), [("1",)] * 300, "Numbers. More."), Text(["Last."])]
    (section,) = fold([Section("A", "a", blocks)], [], [], 400)
    assert [part.is_open for part in section.parts] == [True, False]
    assert section.parts[1].label == "Numbers"
    assert [row[0] for _, row in section.parts[1].rows] == blocks[1:]


def test_a_later_section_may_still_fit() -> None:
    sections = [Section("A", "a", [LONG, LONG, LONG]), Section("B", "b", [Text(["Short."])])]
    first, second = fold(sections, [], [], 400)
    assert [part.is_open for part in first.parts] == [True, False]
    assert all(part.is_open for part in second.parts)


def test_figures_are_folded_where_they_alone_are_too_many() -> None:
    sections = [Section(f"File {n}", f"f{n}", [Figure("data:,", "ten words " * 5, "alt")]) for n in range(60)]
    found = fold(sections, [], [], 400)
    is_open = [each.parts[0].is_open for each in found]
    assert 5 < sum(is_open) < 60
    assert is_open == sorted(is_open, reverse=True)


def test_coded_sentences_have_a_label() -> None:
    (section,) = fold([Section("W", "w", [CodedList([("weak", "word " * 500)])])], [], [], 400)
    assert section.parts[0].label == "All of them"


def test_a_summary_states_nothing_twice() -> None:
    report = Report(
        "T", "It holds.", ["It holds.", "It fits well.", "New."], [Section("A", "a", [Text(["It fits well."])])]
    )
    assert report.sentences == ["New."]
    assert report.to_html().count("It fits well.") == 1


@pytest.mark.usefixtures("without_pictures")
def test_pages_are_short_and_no_sentence_stands_twice(fitted: Any) -> None:
    card = fitted.to_card("small", None, True)
    cost, simulated = benchmarked(0.94, 0.97), simulate_iv(mesh="coarse")
    for report, most in (
        (fit_page(fitted, "a.csv", card, "devicekit fit a.csv", True), 400),
        (run_report("Small", "a.csv", Chain(fitted, card, training(), cost, simulated), "devicekit run", 0), 600),
        (train_page(training(), card, (), "devicekit train", 0), 400),
        (iv_page(simulated, "devicekit simulate iv"), 400),
    ):
        page = tree(report.to_html())
        assert len(visible(page)) <= most, report.title
        paragraphs = [node.words.strip() for node in page.all("p", "li", "dd", "figcaption")]
        sentences = [each for text in paragraphs for each in re.split(r"(?<=[.!?])\s+", text) if len(each.split()) > 5]
        assert sorted({each for each in sentences if sentences.count(each) > 1}) == [], report.title
