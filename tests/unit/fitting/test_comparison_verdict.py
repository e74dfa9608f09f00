"""Laws that the data do not tell apart."""

from __future__ import annotations

from devicekit.fitting.comparison import Comparison, LawScore


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
