"""Figures of merit in plain sentences, for the top of a report and for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.names import GLOSSARY
from devicekit.text import count, listed, percent, si, span

if TYPE_CHECKING:
    from devicekit.characterizing import Characterization

NO_SPREAD = {
    "gradual": "They switch gradually, without an abrupt set, so no V_set is given for them.",
    "one_way": (
        "They are swept one way only, so each holds one switching at most and no HRS and LRS to compare: there is no "
        "spread to give. A loop to both polarities gives them."
    ),
    "failed": "The current barely changes over them: they did not switch.",
}


def sentences(what: Characterization) -> list[str]:
    """What each kind of result says, one or two sentences a kind."""
    return [sentence for key, result in what.results.items() for sentence in _WORDS[key](result)]


def _dc(result: Any) -> list[str]:
    outcomes = result.outcomes
    parts = [f"{number} {name.replace('_', ' ')}" for name, number in outcomes.items()]
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
    return words + [
        text for name, text in NO_SPREAD.items() if name in outcomes and (name != "failed" or not found)
    ]


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
        f"{count(facts['n'], 'read sweep')}: conductance {si(facts['median'].get('conductance_s'), 'S')} (median); the "
        "sweeps read the state and do not switch it."
    ]


def _pulses(result: Any) -> list[str]:
    facts = result.as_dict()
    unit = GLOSSARY[result.quantity].unit
    numbers = listed([f"{end['trains']} {way.upper()}" for way, end in facts["directions"].items()])
    ratio = "" if facts["on_off"] is None else f", on/off {facts['on_off']:.3g}"
    return [
        f"Pulse trains ({numbers}) between {span(result.low, result.high, unit)}{ratio}; devicekit fit fits their law."
    ]


_WORDS: dict[str, Callable[[Any], list[str]]] = {
    "dc": _dc, "endurance": _endurance, "retention": _retention, "stdp": _stdp, "noise": _noise,
    "linearity": _linearity, "pulses": _pulses,
}  # fmt: skip
