"""Laws that the data do not tell apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devicekit.fitting.comparison import Comparison, LawScore
from devicekit.fitting.comparison_page import comparison_page
from devicekit.models.registry import LAWS


def test_laws_within_strong_evidence_of_the_best_are_equal() -> None:
    scores = tuple(
        LawScore(model=name, k=4, aicc=bic, bic=bic, nrmse=0.01, rms=rms)
        for name, bic, rms in (("eq2", -100.0, 0.0034), ("softbounds", -94.1, 0.0038), ("linear", -94.0, 0.01))
    )
    found = Comparison(branches={"ltp": scores, "ltd": scores[::2]}, ladder={}, nl={}, basis={})
    assert [each.model for each in found.equal("ltp")] == ["eq2", "softbounds"]
    assert "0.34 to 0.38 %" in found.verdict()
    assert [each.model for each in found.equal("ltd")] == ["eq2"]


def test_a_law_that_one_criterion_prefers_is_not_told_apart() -> None:
    """Eight parameters and half of the misfit: BIC speaks against it, AICc for it."""
    scores = tuple(
        LawScore(model=name, k=k, aicc=aicc, bic=bic, nrmse=0.01, rms=rms)
        for name, k, aicc, bic, rms in (
            ("vteam", 5, 9.3, 0.0, 0.0027), ("eq2", 8, 0.0, 7.5, 0.0015), ("expstep", 5, 38.5, 29.2, 0.0042)
        )
    )  # fmt: skip
    found = Comparison(branches={"ltp": scores}, ladder={}, nl={}, basis={})
    assert [each.model for each in found.equal("ltp")] == ["vteam", "eq2"]
    assert [[each.model for each in found.likely("ltp", by)] for by in ("bic", "aicc")] == [["vteam"], ["eq2"]]
    assert re.findall(r"by (BIC|AICc) (\w+)", found.verdict()) == [("BIC", "vteam"), ("AICc", "eq2")]
    assert re.findall(r"BIC|AICc|\+[\d.]+", found.advice()) == ["BIC", "+7.5", "AICc"]
    assert "--estimator" not in found.advice()
    assert "LTD" in replace(found, stopped=("ltd",)).advice().partition("--estimator mean")[0]


@pytest.fixture
def trains(tmp_path: Path) -> list[Path]:
    """Two files of one short train, each in the same folder."""
    rows = [f"{way},{n},{n if way == 'ltp' else 9 - n}e-6" for way in ("ltp", "ltd") for n in range(10)]
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        file.write_text("\n".join(["direction,pulse_index,conductance_s", *rows]))
    return files


@pytest.mark.usefixtures("without_pictures")
def test_terminal_and_page_name_the_law_that_both_branches_allow(
    devicekit: Callable[..., Any], trains: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores(*bic: float) -> tuple[LawScore, ...]:
        laws = ("vteam", "softbounds", "linear", "power", "eq2")
        rows = [LawScore(model=law, k=3, aicc=b, bic=b, nrmse=0.01, rms=0.01 + 0.01 * n, delta_bic=b + 0.25) for n,
                (law, b) in enumerate(zip(laws, bic, strict=True))]  # fmt: skip
        return tuple(sorted(rows, key=lambda each: each.bic))

    label = {"data": 1.0, "fit": 1.1, "fit_rms": 0.037}
    branches = {"ltp": scores(0.0, 1.0, 2.0, 3.0, 9.0), "ltd": scores(9.0, 0.0, 20.0, 20.0, 20.0)}
    found = Comparison(
        branches=branches, ladder={}, nl=dict.fromkeys(branches, label), basis=dict.fromkeys(branches, "x")
    )
    page = comparison_page(found, "a.csv", "devicekit compare a.csv")
    assert re.findall(r"[\d.]+ to [\d.]+|[\d.]+ %|\d laws|softbounds", page.verdict) == [
        *("4 laws", "1 to 4", "softbounds", "2 %")
    ]
    assert [each.text for each in page.first_numbers if each.of] == ["1 %", "2 %"]
    monkeypatch.setattr("devicekit.fitting.comparison.compare", lambda table: found)
    file = trains[0].with_suffix(".html")
    shown = devicekit("compare", trains[0], "--report", file).out
    written = file.read_text()
    for text in (page.verdict, "--model softbounds", "devicekit fit: power", "3.7 %", "9.2", "20.2"):
        assert text in shown
        assert text in written


def test_a_curve_that_compare_ranks_is_refused_by_fit(devicekit: Callable[..., Any], trains: list[Path]) -> None:
    assert "jang" not in LAWS
    ran = devicekit("fit", trains[0], "--model", "jang")
    assert (ran.code, ran.out) == (2, "")
    assert "devicekit compare" in ran.err
    assert "devicekit compare" not in devicekit("fit", trains[0], "--model", "jag").err


def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    devicekit: Callable[..., Any], trains: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devicekit.fitting.comparison.compare", lambda table: pytest.fail("compared"))
    (tmp_path / "x_b.html").mkdir()
    ran = devicekit("compare", *trains, "--report", tmp_path / "x.html")
    assert (ran.code, ran.out) == (2, "")
    assert "x_b.html" in ran.err
    assert devicekit("compare", trains[0], "--report", trains[0], "--force").code == 2
