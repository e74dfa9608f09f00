"""Warnings that help: each has a rank and advice, the ones that matter come first, and some add up."""

from __future__ import annotations

import pytest

from devicekit.core import advice
from devicekit.core.codes import RANKS, WARNING_CODES
from devicekit.core.errors import CodedWarning
from devicekit.device.remarks import UnknownCodeWarning


def warnings_of(*codes: str) -> list[CodedWarning]:
    """Warnings such as "LTP:weak", or "weak" of the whole device."""
    return [CodedWarning(code.rpartition(":")[2], code.replace(":", ": ")) for code in codes]


@pytest.mark.parametrize("code", WARNING_CODES)
def test_every_code_has_a_meaning_a_rank_and_advice(code: str) -> None:
    kind = WARNING_CODES[code]
    assert kind.rank in RANKS
    for words in (kind.meaning, kind.what_to_do):
        assert len(words) > 15
        assert not words.endswith(".")
    assert advice.what_to_do(code)[0].isupper()
    assert advice.what_to_do(code).endswith(".")


def test_the_heaviest_come_first_and_each_once() -> None:
    warnings = warnings_of("weak", "split", "LTP:noisy", "weak", "suspect_unit", "LTD:noisy")
    assert [str(each.message) for each in advice.rank(warnings)] == [
        "suspect_unit",
        "LTP: noisy",
        "LTD: noisy",
        "split",
        "weak",
    ]


def test_at_most_three_codes_are_shown_and_the_rest_is_counted() -> None:
    warnings = warnings_of("weak", "split", "LTP:noisy", "LTD:noisy", "suspect_unit")
    shown = advice.top(warnings)
    assert [each.code for each in shown] == ["suspect_unit", "noisy", "split"]
    rest = advice.remaining(warnings, shown)
    assert advice.rest_text(rest) == "2 more warnings (noisy, weak)"
    assert advice.rest_text([]) == ""
    assert advice.top([]) == []


def test_a_code_of_a_later_version_has_advice_too() -> None:
    later = UnknownCodeWarning("quantum", "a code that this version does not know")
    assert advice.rank([*warnings_of("weak"), later])[0] is later
    assert "upgrade" in advice.what_to_do("quantum").lower()
    assert advice.verdict([later]) is None


RULES = [(words, sorted(rule.codes)) for words, rules in advice.RULES.items() for rule in rules]


@pytest.mark.parametrize(
    ("words", "codes"), RULES, ids=lambda value: "+".join(value) if isinstance(value, list) else ""
)
def test_a_rule_holds_inside_and_not_just_outside(words: str, codes: list[str]) -> None:
    assert str(advice.verdict(warnings_of(*codes))).startswith(f"{words}: ")
    for left_out in codes if len(codes) > 1 else ():
        assert advice.verdict(warnings_of(*(code for code in codes if code != left_out))) is None
    if len(codes) > 1:  # of one branch, or of one branch and the device; never of two branches
        one, *rest = codes
        assert "(LTD)" in str(advice.verdict(warnings_of(*(f"LTD:{code}" for code in codes))))
        assert "(LTD)" in str(advice.verdict(warnings_of(f"LTD:{one}", *rest)))
        assert advice.verdict(warnings_of(f"LTP:{one}", *(f"LTD:{code}" for code in rest))) is None


@pytest.mark.parametrize(
    "codes", [(), ("weak", "at_bound"), ("structured",), ("abrupt",), ("noisy", "weak", "at_bound"), ("not_converged",)]
)
def test_usual_warnings_give_no_verdict(codes: tuple[str, ...]) -> None:
    assert advice.verdict(warnings_of(*codes)) is None


def test_several_reasons_make_one_sentence() -> None:
    words = str(advice.verdict(warnings_of("LTP:few_points", "LTP:weak", "LTD:abrupt", "LTD:structured")))
    rules = {rule.codes: rule.because for rule in advice.RULES["Do not train on this fit"]}
    for codes, branch in (({"few_points", "weak"}, "LTP"), ({"abrupt", "structured"}, "LTD")):
        assert f"{rules[frozenset(codes)]} ({branch})" in words
    assert words.count(".") == 1


def test_a_terminal_shows_three_with_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    from devicekit.cli.common import print_warnings

    print_warnings(warnings_of("weak", "split", "LTP:noisy", "suspect_unit", "columns"))
    lines = capfd.readouterr().err.splitlines()
    assert lines[0] == f"warning: {advice.verdict(warnings_of('suspect_unit'))}"
    assert [line.partition("]")[0] for line in lines[1:4]] == [
        "warning: [suspect_unit",
        "warning: [noisy",
        "warning: [split",
    ]
    assert all("What to do: " in line for line in lines[1:4])
    assert lines[4:] == ["note: 2 more; --json lists all"]


def test_few_warnings_are_shown_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    from devicekit.cli.common import print_warnings

    print_warnings([*warnings_of("weak", "split"), *warnings_of("weak")])
    assert capfd.readouterr().err.splitlines() == ["warning: [split] split", "note: [weak] weak"]
