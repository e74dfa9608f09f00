"""Laws that the data do not tell apart."""

from __future__ import annotations

import re

import pytest

from devicekit.fitting.comparison import Comparison, LawScore
from devicekit.fitting.comparison_page import comparison_page


def test_laws_within_strong_evidence_of_the_best_are_equal() -> None:
    scores = tuple(
        LawScore(model=name, k=4, aicc=bic, bic=bic, nrmse=0.01, rms=rms)
        for name, bic, rms in (("eq2", -100.0, 0.0034), ("softbounds", -94.1, 0.0038), ("linear", -94.0, 0.01))
    )
    found = Comparison(branches={"ltp": scores, "ltd": scores[::2]}, ladder={}, nl={}, basis={})
    assert [each.model for each in found.equal("ltp")] == ["eq2", "softbounds"]
    assert "eq2 and softbounds" in found.verdict("ltp")
    assert "0.34 % and 0.38 %" in found.verdict("ltp")
    assert [each.model for each in found.equal("ltd")] == ["eq2"]
    assert "linear, with 1 %" in found.verdict("ltd")


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


@pytest.mark.usefixtures("without_pictures")
def test_the_page_names_the_law_that_both_branches_allow() -> None:
    def scores(*bic: float) -> tuple[LawScore, ...]:
        laws = ("vteam", "softbounds", "linear", "power", "eq2")
        rows = [LawScore(model=law, k=3, aicc=b, bic=b, nrmse=0.01, rms=0.01 + 0.01 * n) for n, (law, b) in
                enumerate(zip(laws, bic, strict=True))]  # fmt: skip
        return tuple(sorted(rows, key=lambda each: each.bic))

    label = {"data": 1.0, "fit": 1.1, "fit_rms": 0.01}
    branches = {"ltp": scores(0.0, 1.0, 2.0, 3.0, 9.0), "ltd": scores(9.0, 0.0, 20.0, 20.0, 20.0)}
    found = Comparison(
        branches=branches, ladder={}, nl=dict.fromkeys(branches, label), basis=dict.fromkeys(branches, "x")
    )
    page = comparison_page(found, "a.csv", "devicekit compare a.csv")
    assert re.findall(r"[\d.]+ to [\d.]+|[\d.]+ %|\d laws|softbounds", page.verdict) == [
        *("4 laws", "1 to 4", "softbounds", "2 %")
    ]
    assert "--model softbounds" in page.to_html()
    assert [each.text for each in page.first_numbers if each.of] == ["1 %", "2 %"]
