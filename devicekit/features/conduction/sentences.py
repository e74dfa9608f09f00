"""Sentences about conduction: verdicts on states, what is known of the sample, quantities that mechanisms imply."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from devicekit.core.text import format_number, listed, percent, si, span
from devicekit.features.conduction.combine import StateVerdict
from devicekit.features.conduction.forms import FORMS, TEMPERATURES, TITLES, Known, quantities_with_area
from devicekit.features.conduction.verdict import Verdict
from devicekit.features.merit import Sample

UNITS = {"m": "m", "ev": "eV", "k": "K", "v": "V", "m2vs": "m2/Vs"}  # by the end of the name of a quantity
MOST_NAMED = 4  # mechanisms named in a sentence; the table has all
METHOD = (
    "Each mechanism is fitted in four ways: alone, with a series resistance, with a leakage path, and with both. It is "
    "excluded if another curve clearly fits better, if it misses by more than the noise, or if its parameters are "
    "unphysical. In a test with SYNTHETIC currents that follow none of the twelve mechanisms, 3 in 100 were still "
    "assigned to one. A straight line in one of the plots does not prove a mechanism either."
)
MEANING_HEAD = ("state", "polarity", "mechanism", "quantity", "value")
_RISING = "only branches with |V| rising, where the state may change"


def state_text(each: StateVerdict) -> str:
    """Return the verdict on a state at one polarity, with the misfit of the best fit."""
    name, titles = f"{each.text[0].upper()}{each.text[1:]}", [TITLES[other] for other in each.left]
    if each.word == "no_range":
        return f"{name} has too few points, or too short a range, for a verdict"
    misfit = f"misfit {percent(each.misfit)}" + (f"; {_RISING}" if each.only_rising else "")
    if each.word == "none":
        return f"{name} follows none of the twelve mechanisms ({misfit})"
    if each.word == "nearly_ohmic":
        return f"{name} is nearly ohmic; the mechanism is not decided ({misfit})"
    if each.word == "decided":
        why = ", as at the other polarity" if each.only_rising else ""
        return f"{name} fits {titles[0]} only{why} ({misfit})"
    if len(titles) == 1:
        also = "" if each.only_rising else ", and so does a smooth curve"
        return f"{name} is undecided: {titles[0]} fits{also} ({misfit})"
    between = listed(titles) if len(titles) <= MOST_NAMED else f"{len(titles)} of the {len(FORMS)} mechanisms"
    return f"{name} is undecided between {between} ({misfit})"


def sample_text(sample: Sample, kelvins: tuple[float, ...]) -> str:
    """Return what is given of the sample and the temperatures [K], and what a mechanism is judged with instead."""
    d = sample.thickness_m
    ranges = (
        (None if d is None else f"thickness {si(d, 'm')}", "thickness from 0.5 nm to 2 µm", "--thickness"),
        (
            f"temperature {listed([f'{each:g} K' for each in kelvins])}" if kelvins else None,
            f"temperature from {TEMPERATURES[0]:g} to {TEMPERATURES[1]:g} K",
            "--temperature",
        ),
        (
            "permittivity {:g} to {:g}".format(*sample.permittivity) if sample.permittivity else None,
            "permittivity from 2 to 40",
            "--permittivity",
        ),
    )
    given = [words for words, _, _ in ranges if words]
    text = f"Given: {listed(given)}. " if given else ""
    if unknown := [(words, option) for known, words, option in ranges if not known]:
        names = [words.split()[0] for words, _ in unknown]
        text += (
            f"No {', '.join(names[:-1]) + ' or ' if len(names) > 1 else ''}{names[-1]} was given "
            f"({', '.join(option for _, option in unknown)}). A mechanism is kept if its parameters are physical "
            f"for some {listed([words for words, _ in unknown])}."
        )
    return text.strip()


def quantities(verdict: Verdict, name: str, sample: Sample) -> Mapping[str, tuple[float, float]]:
    """Return the quantities that a mechanism would imply, as ranges by name."""
    fitted, leg = verdict.fitted(name), verdict.legs[0]
    known = Known.of(sample, leg.temperature, max(each.v[-1] for each in verdict.legs))
    found = fitted.form.quantities(fitted.shape, known)
    return {**found, **quantities_with_area(name, fitted.shape, fitted.scale(leg), leg, known)}


def meanings(each: StateVerdict, sample: Sample) -> list[tuple[str, ...]]:
    """Return rows under `MEANING_HEAD`: the quantities that each remaining mechanism implies, on the leg shown."""
    if each.shown is None or each.shown.verdict is None or each.word == "nearly_ohmic":
        return []
    rows: list[tuple[str, ...]] = []
    for name in each.left:
        for key, (low, high) in quantities(each.shown.verdict, name, sample).items():
            stem, _, end = key.rpartition("_")
            words, unit = (stem, UNITS[end]) if end in UNITS else (key, "")
            value = span(low, high, unit, 4) if unit in ("m", "V") else _range(low, high, unit)
            rows.append((each.state.upper(), each.polarity, TITLES[name], words.replace("_", " "), value))
    return rows


def _range(low: float, high: float, unit: str) -> str:
    if np.isclose(low, high, atol=0.0):
        return format_number(low, unit)
    return f"{format_number(low, unit)} to {format_number(high, unit)}"
