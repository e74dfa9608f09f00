"""Figures of merit in plain sentences, for the top of a report and for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.names import GLOSSARY
from devicekit.text import count, listed, percent, si, span

if TYPE_CHECKING:
    from devicekit.features.characterize import Characterization

OUTCOMES = {"switched": "switched", "gradual": "gradual", "one_way": "one way only", "failed": "failed"}
NO_SPREAD = {
    "gradual": "A sweep that switches gradually, without an abrupt set, has no V_set; its HRS and LRS are given.",
    "one_way": (
        "A sweep one way only holds one state before and another after, not both at the read voltage: it has no V_set, "
        "HRS, LRS or spread here. A loop (up and back) gives them."
    ),
    "failed": "A sweep that failed did not switch (on/off below 2).",
}


def sentences(what: Characterization) -> list[str]:
    """What each kind of result says, one or two sentences a kind."""
    return [sentence for key, result in what.results.items() for sentence in _WORDS[key](result)]


def _dc(result: Any) -> list[str]:
    outcomes = result.outcomes
    parts = [f"{number} {OUTCOMES.get(name, name)}" for name, number in outcomes.items()]
    words = [f"{count(len(result.cycles), 'sweep')}: {', '.join(parts)}."]
    found = []
    for name, label in (("v_set_v", "V_set"), ("v_reset_v", "V_reset")):
        each = result.spread(name)
        if each is not None:
            scatter = "" if each.c2c is None or not np.isfinite(each.c2c) else f" ± {si(each.c2c, 'V', 2)}"
            found.append(
                f"{label} {si(each.median, 'V')}{scatter} (median, C2C standard deviation, n {each.n})"
            )
    if (ratio := result.spread("on_off")) is not None:
        found.append(f"on/off {ratio.median:.3g}")
    if found:
        words.append(f"{'; '.join(found)}.")
    return [*words, *(text for name, text in NO_SPREAD.items() if name in outcomes)]


def _endurance(result: Any) -> list[str]:
    devices = result.devices
    longest = max((d.cycles for d in devices), default=0)
    ratios = [d.median_window for d in devices if np.isfinite(d.median_window)]
    good = sum(d.failed_at is None for d in devices)
    text = f"{good} of {count(len(devices), 'device')} did not fail within {longest:.3g} cycles"
    return [f"{text}; median on/off {np.median(ratios):.3g}." if ratios else f"{text}."]


def _retention(result: Any) -> list[str]:
    states = result.states
    decades = [s.decades for s in states]
    changes = [s.change for s in states if np.isfinite(s.change)]
    text = (
        f"{count(len(states), 'state')} watched over {min(decades):.1f} to {max(decades):.1f} decades of time"
    )
    if changes:
        text += f"; at the end the conductance is {percent(min(changes))} to {percent(max(changes))} of the first one"
    predicted = [s.prediction for s in states if s.prediction]
    if not predicted:
        return [f"{text}.", "No prediction is made from these data; the table says why."]
    far = max(p.factor for p in predicted)
    return [f"{text}.", f"Predictions reach {far:.3g} times beyond the measured time."]


def _stdp(result: Any) -> list[str]:
    parts = [f"{p.name.removesuffix('_s')} {si(p.value, 's') if p.unit == 's' else f'{p.value:.3g}'}"
             for p in result.parameters]  # fmt: skip
    return [f"An exponential STDP window fits the {count(result.n, 'reading')}: {', '.join(parts)}."]


def _noise(result: Any) -> list[str]:
    shares = [record.result.relative for record in result if np.isfinite(record.result.relative)]
    text = f"Read noise of {count(len(result), 'record')} at constant voltage"
    telegraph = sum(record.result.telegraph for record in result)
    if shares:
        text += f": standard deviation {percent(float(np.median(shares)))} of the mean (median)"
    return [f"{text}; telegraph noise in {telegraph} of them."]


def _linearity(result: Any) -> list[str]:
    facts = result.as_dict()
    return [
        f"Taken as a reading, I = G V (1 + c V²), {count(facts['n'], 'sweep')} gives G = "
        f"{si(facts['median'].get('conductance_s'), 'S')} (median); this means something only where the sweep does not "
        "switch the device."
    ]


def _pulses(result: Any) -> list[str]:
    facts = result.as_dict()
    unit = GLOSSARY[result.quantity].unit
    numbers = listed([f"{end['trains']} {way.upper()}" for way, end in facts["directions"].items()])
    ratio = "" if facts["on_off"] is None else f", on/off {facts['on_off']:.3g}"
    return [
        f"Pulse trains ({numbers}) from {span(result.low, result.high, unit)}{ratio}; devicekit fit fits their law."
    ]


_WORDS: dict[str, Callable[[Any], list[str]]] = {
    "dc": _dc, "endurance": _endurance, "retention": _retention, "stdp": _stdp, "noise": _noise,
    "linearity": _linearity, "pulses": _pulses,
}  # fmt: skip
