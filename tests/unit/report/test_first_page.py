"""The first page: marks, one sentence, three pictures, five numbers, the warnings that matter, one line of source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devicekit import fit
from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.fitting.page import fit_page
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import Figure, Report, Section, draw
from devicekit.tables import PulseTable
from devicekit.verbs.run_page import Chain, run_report
from physics.iv import simulate_iv
from physics.page import iv_page
from snn.report import train_page

from .conftest import benchmarked, training, tree


def picture(name: str) -> Figure:
    line = Curve(name, np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    return draw(Panel(Axis("x"), Axis("y"), [line], name), f"{name}, at length.", f"{name} rises", title=name)


def first_of(report: Report) -> Any:
    """The first section of the page."""
    return tree(report.to_html()).all("main")[0].all("section")[0]


def test_a_first_page_shows_no_more_than_fits() -> None:
    pictures = [picture(f"picture {n}") for n in range(5)]
    numbers = [Scalar(f"n{n}", f"number {n}", float(n), "V", low=n - 1.0, high=n + 1.0) for n in range(8)]
    codes = ("weak", "split", "noisy", "columns", "drift")
    warnings = [CodedWarning(code, f"about {code}") for code in codes]
    first = first_of(Report("T", "It holds.", pictures=pictures, numbers=numbers, warnings=warnings, source="a.csv"))
    assert len(first.all("figure")) == 3
    facts, advice = first.all("dl")
    assert [each.words for each in facts.all("dt")] == [f"number {n}" for n in range(5)]
    assert facts.all("dd")[1].words == "1 V 95 %: 0 to 2 V"
    assert [each.words for each in advice.all("dt")] == ["noisy", "drift", "split"]
    assert "Average more cycles" in advice.words
    assert "2 more warnings (weak, columns)" in first.words
    assert "a.csv · devicekit" in first.words


def test_numbers_that_are_not_known_are_left_out() -> None:
    numbers = [Scalar("a", "a", float("nan")), Scalar("b", "b", 0.5, of="window")]
    (facts,) = first_of(Report("T", "It holds.", numbers=numbers)).all("dl")
    assert [facts.all("dt")[0].words, facts.all("dd")[0].words] == ["b [% of window]", "50.0 %"]


def test_a_picture_of_the_first_page_is_not_there_twice() -> None:
    shown, other = picture("one"), picture("two")
    report = Report("T", "It holds.", sections=[Section("S", "s", [shown, other])], pictures=[shown])
    page = report.to_html()
    assert page.count(shown.uri) == page.count(other.uri) == 1
    section = next(each for each in tree(page).all("section") if each.get("id") == "s")
    links = [each.get("href") for each in section.all("a")]
    assert links[0].startswith("data:text/csv")  # the other picture stays where it was, with its data
    assert links[1:] == ["#picture-1"]
    assert "one, at length." in section.words


def test_a_combined_verdict_comes_first() -> None:
    bad = [CodedWarning("few_points", "LTP: 9 readings"), CodedWarning("weak", "LTP: weakly identified: g")]
    first = first_of(Report("T", "It follows the curve.", warnings=bad))
    (combined,) = (each for each in first.all("p") if each.get("class") == "stop")
    assert first.words.index(combined.words) < first.words.index("It follows")
    alone = first_of(Report("T", "It follows the curve.", warnings=bad[:1]))
    assert not any(each.get("class") == "stop" for each in alone.all("p"))


def test_a_mark_is_not_repeated_as_a_warning() -> None:
    made = [CodedWarning("synthetic", "made by devicekit, not measured")]
    marked = first_of(Report("T", "It holds.", marks=["SYNTHETIC"], warnings=made))
    assert "SYNTHETIC DATA" in marked.words
    assert marked.all("dl") == []
    assert first_of(Report("T", "It holds.", warnings=made)).all("dl")


@pytest.mark.usefixtures("without_pictures")
def test_the_pages_of_a_device_have_one(fitted: Any) -> None:
    card = fitted.to_card("small", None, True)
    plain = fit_page(fitted, "a.csv", card, "devicekit fit a.csv", True)
    cost = benchmarked(0.94, 0.97)
    chain = Chain(fitted, card, training(), cost, simulate_iv(mesh="coarse"))
    run = run_report("Small", "a.csv", chain, "devicekit run", 0)
    train = train_page(training(), card, (), "devicekit train", 0)
    for report in (plain, run, train):
        assert report.marks == ("SYNTHETIC",)
        assert 2 <= len(report.first_pictures) <= 3
        assert 4 <= len(report.first_numbers) <= 5
        assert any(each.interval for each in report.first_numbers)
        assert report.verdict.endswith(".")
        assert report.source
    assert "a.csv, 10 LTP and 10 LTD trains" in plain.source
    assert "ideal device" in run.verdict
    assert "scatter of updates" in run.pictures[2].title


def test_a_fit_of_one_branch_has_a_page_without_a_rate_curve(fitted: Any) -> None:
    frame = fitted.table.frame
    half = fit(PulseTable(frame[frame["direction"] == "ltp"].reset_index(drop=True)))
    report = fit_page(half, "a.csv", None, "devicekit fit a.csv")
    assert len(report.first_pictures) == 2
    assert "steps" in [each.name for each in report.numbers]
    assert report.marks == ()


@pytest.mark.usefixtures("without_pictures")
def test_a_simulation_says_that_it_is_one() -> None:
    report = iv_page(simulate_iv(mesh="coarse"), "devicekit simulate iv")
    assert report.marks == ("SIMULATED",)  # devicekit did not fit its numbers
    assert "sets at" in report.verdict
    assert any(each.unit == "K" and each.text.endswith(" K") for each in report.first_numbers)
