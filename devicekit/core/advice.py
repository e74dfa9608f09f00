"""Ranking of warnings, with advice on each, and a verdict where several add up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devicekit.core.codes import ASSUMED, REMARK, WARNING_CODES, WarningKind
from devicekit.core.errors import CodedWarning
from devicekit.core.text import listed

MOST = 3  # warnings shown at once
_LATER = WarningKind("a code of a later version", ASSUMED, "upgrade devicekit to see what it means")


@dataclass(frozen=True)
class _Rule:
    """Codes that together justify a verdict; for one branch if their messages name one."""

    codes: frozenset[str]
    because: str


_FIT, _UNIT, _POSTERIOR, _RUN = (
    "Do not train on this fit",
    "Do not quote these numbers",
    "Do not quote quantiles of this posterior",
    "Do not judge a device by this simulation",
)
RULES: dict[str, tuple[_Rule, ...]] = {
    _FIT: (
        _Rule(frozenset({"growing_amplitude"}), "its pulses grow along the train, unlike those of a network"),
        _Rule(
            frozenset({"not_converged", "structured"}), "the search did not converge, and its residuals are systematic"
        ),
        _Rule(frozenset({"abrupt", "structured"}), "one pulse makes a jump, and the law misses the curve's shape"),
        _Rule(frozenset({"abrupt", "first_pulse"}), "the first pulse is a jump that the law does not follow"),
        _Rule(frozenset({"abrupt", "overshoot"}), "one pulse makes a jump, and simulated steps overshoot"),
        _Rule(frozenset({"loop_gain", "overshoot"}), "alternating pulses make the simulated state unstable"),
        _Rule(frozenset({"few_points", "weak"}), "too few points for so many coefficients"),
        _Rule(frozenset({"few_points", "noisy"}), "few points, and noise larger than a step"),
        _Rule(
            frozenset({"noisy", "at_bound", "structured"}),
            "noise larger than a step, a coefficient at its bound, and a law that misses the curve's shape",
        ),
        _Rule(frozenset({"range_ratio", "junction"}), "LTP and LTD do not look like one device in one condition"),
    ),
    _UNIT: (_Rule(frozenset({"suspect_unit"}), "their unit is improbable"),),
    _POSTERIOR: (_Rule(frozenset({"not_mixed"}), "its chains disagree"),),
    _RUN: (
        _Rule(frozenset({"hot", "overfull"}), "it is hotter than the model covers, and has more vacancies than sites"),
        _Rule(
            frozenset({"strong_field", "overfull"}),
            "its field would break the oxide, and it has more vacancies than sites",
        ),
    ),
}


def kind(code: str) -> WarningKind:
    """Return the description of a code, also of one added by a later version."""
    return WARNING_CODES.get(code, _LATER)


def is_remark(code: str) -> bool:
    """Return whether a code asks for nothing."""
    return kind(code).rank >= REMARK


def what_to_do(code: str) -> str:
    """Return the advice on a warning, as a sentence."""
    words = kind(code).what_to_do
    return f"{words[0].upper()}{words[1:]}."


def rank(warnings: Iterable[CodedWarning]) -> list[CodedWarning]:
    """Return each warning once, the most important first; within one rank in the given order."""
    return sorted(dict.fromkeys(warnings), key=lambda each: kind(each.code).rank)


def top(warnings: Iterable[CodedWarning], most: int = MOST) -> list[CodedWarning]:
    """Return the most important warnings, the first of each code."""
    first: dict[str, CodedWarning] = {}
    for each in rank(warnings):
        first.setdefault(each.code, each)
    return list(first.values())[:most]


def remaining(warnings: Iterable[CodedWarning], shown: Sequence[CodedWarning]) -> list[CodedWarning]:
    """Return the warnings that are not shown, ranked."""
    return [each for each in rank(warnings) if each not in shown]


def rest_text(rest: Sequence[CodedWarning]) -> str:
    """Return the number and the codes of the others: "4 more warnings (weak, split)"; "" without any."""
    codes = ", ".join(dict.fromkeys(each.code for each in rest))
    return f"{len(rest)} more warning{'s' if len(rest) > 1 else ''} ({codes})" if rest else ""


def verdict(warnings: Iterable[CodedWarning]) -> str | None:
    """Return a verdict with its reasons as a sentence where warnings add up; None where they do not.

    Warnings of LTP and of LTD (messages that begin with the direction) do not combine with each other, but with those
    of the device. The rules are on the page Warnings of the documentation.
    """
    found = list(warnings)
    for words, rules in RULES.items():
        reasons = [reason for rule in rules if (reason := _reason(rule, found))]
        if reasons:
            return f"{words}: {listed(reasons) if len(reasons) < 3 else '; '.join(reasons)}."
    return None


def _reason(rule: _Rule, warnings: Sequence[CodedWarning]) -> str:
    """Return why a rule applies, with the branches that it applies to; "" if it does not."""
    by_branch: dict[str, set[str]] = {"": set(), "LTP": set(), "LTD": set()}
    for each in warnings:
        named = re.match(r"(LTP|LTD): ", each.message)
        by_branch[named[1] if named else ""].add(each.code)
    if rule.codes <= by_branch[""]:
        return rule.because
    where = [name for name in ("LTP", "LTD") if rule.codes <= by_branch[""] | by_branch[name]]
    return f"{rule.because} ({listed(where)})" if where else ""
