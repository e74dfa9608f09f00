"""Verdicts and voltages in the words that a person wrote into a file, to be compared with its numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STEP = (
    r"(?:(?:electro)?form(?:ed|ing|s)?|re-?set(?:s|ting)?|un-?set|set(?:s|ting)?"
    r"|conduct(?:ing|ive|ion|ed|s)?|connect(?:ed|ion)?|touching|switch(?:ed|ing)?)"
)
_NO = (
    r"(?:no|not|never|cannot|can'?t|cant|didn'?t|didn[o']t|doesn'?t|won'?t|fail(?:ed|s|ure)?(?: to)?|unable to|without)"
)
_DENIED = re.compile(
    rf"(?i)\b{_NO}\s+(?:\w+\s+)?{_STEP}\b|\b{_STEP}\s+(?:but\s+)?(?:was\s+)?(?:fail(?:ed|ure|s)?|cant|can'?t)\b|^\W*fail"
)
_BEFORE = re.compile(r"(?i)\b(?:instant(?:ly)?|immediate(?:ly)?|already)\b|\bshorted\b|\bat (?:the )?beginning\b")
_DONE = re.compile(rf"(?i)\b{_STEP}\b")
_VOLTS = re.compile(
    r"(?i)(?:\bat\b|@|~|\bset|\bformed|[,:])\s*(?:v\s*=\s*)?(-?\d+(?:\.\d+)?)\s*v\b"
    r"|\bat\s+(-?\d\.\d+)\b(?!\s*[munkpµ]?[a-z])"
)


@dataclass(frozen=True)
class Remark:
    """Verdict and voltage of a note.

    Attributes
    ----------
    verdict : str
        "failed", "before" (on before the sweep), "done", or "" without a verdict.
    volts : float or None
        Voltage that it names [V]; None if it names none, or several.
    """

    verdict: str = ""
    volts: float | None = None


def parse_note(note: str) -> Remark:
    """Return the verdict and the voltage of a note, as far as its words are plain."""
    volts = {float(a or b) for a, b in _VOLTS.findall(note)}
    one = volts.pop() if len(volts) == 1 else None
    if _DENIED.search(note):
        return Remark("failed", one)
    if _BEFORE.search(note):
        return Remark("before", one)
    return Remark("done" if _DONE.search(note) else "", one)
