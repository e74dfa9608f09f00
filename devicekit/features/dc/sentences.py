"""Sentences and warnings for the DC figures of merit of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.text import count, listed, si, span
from devicekit.features.dc.levels import Level
from devicekit.features.dc.switching import is_out_of_reach
from devicekit.features.definitions import APART, COUNTED, MEANINGS, OTHER, OUTCOMES, V_FORM, V_FORM_METHOD
from devicekit.features.lives.bake import SAME_K
from devicekit.features.stats import Spread, label_of


def outcome_counts(cycles: pd.DataFrame) -> str:
    """Return the number of sweeps by outcome."""
    numbers = cycles["outcome"].value_counts()
    parts = ", ".join(f"{int(n)} {OUTCOMES[str(name)]}" for name, n in numbers.items())
    return f"{count(len(cycles), 'sweep')}: {parts}."


def readings_only(cycles: pd.DataFrame, reach: float) -> str:
    """Return the sentence for a table of readings."""
    one = len(cycles) == 1
    return (
        f"{count(len(cycles), 'sweep')} up to {si(reach, 'V')} {'does' if one else 'do'} not switch the device but "
        f"only {'reads' if one else 'read'} it; there are no V_set and V_reset."
    )


def values(spreads: Sequence[Spread], methods: dict[str, str]) -> list[str]:
    """Return V_set and V_reset with definition and C2C, and on/off; empty if there is none."""
    by_name = {each.quantity: each for each in spreads}
    found = []
    for name, method in methods.items():
        if (each := by_name.get(name)) is None:
            continue
        basis = "one sweep" if each.n == 1 else f"median of {each.n}"
        if each.c2c is not None and each.c2c.known:
            basis += f", C2C standard deviation {si(each.c2c.value, 'V', 2)}"
            basis += f", {more}" if (more := each.interval_text(each.c2c)) else ""
        found.append(f"{label_of(name)} {median_text(each)} (by {method}, {basis})")
    if (ratio := by_name.get("on_off")) is not None:
        found.append(f"on/off {median_text(ratio)}")
    return [f"{'; '.join(found)}."] if found else []


def forming(cycles: pd.DataFrame) -> list[str]:
    """Return the forming voltage of sweeps of which one forms; empty without."""
    known = cycles[V_FORM.name].dropna() if V_FORM.name in cycles else pd.Series(dtype=float)
    if known.empty:
        return []
    median = si(float(known.median()), "V", 4)
    return [f"{V_FORM.label} {median} (by {V_FORM_METHOD}); the forming is in no median."]


def median_text(each: Spread) -> str:
    """Format the median of a voltage or a ratio."""
    return si(each.median, "V", 4) if each.unit == "V" else f"{each.median:.3g}"


def median_sentence(spreads: Sequence[Spread], total: int) -> str:
    """Return the medians of V_set, V_reset and on/off in one sentence; "" if there is none of them."""
    known = {each.quantity: each for each in spreads if each.quantity in ("v_set_v", "v_reset_v", "on_off")}
    if not known:
        return ""
    verbs = {"v_set_v": "sets", "v_reset_v": "resets"}
    text = " and ".join(f"{verb} at {median_text(known[name])}" for name, verb in verbs.items() if name in known)
    if "on_off" in known:
        ratio = median_text(known["on_off"])
        text = f"{text} with an on/off ratio of {ratio}" if text else f"the on/off ratio is {ratio}"
    if total > 1:
        kind = "median" if len(known) == 1 else "medians"
        most = max(each.n for each in known.values())
        text += f" ({kind} of {f'{most} of ' if most < total else ''}{count(total, 'sweep')})"
    return f"{text[0].upper()}{text[1:]}."


def at_limit(cycles: pd.DataFrame) -> list[str]:
    """Return how many sets and resets were not finished at the end of their sweep."""
    found = []
    for name, column in (("set", "set_limit_v"), ("reset", "reset_limit_v")):
        ends = cycles[column].to_numpy(float)
        ends = ends[np.isfinite(ends)]
        if ends.size:
            at = si(float(np.median(ends)), "V")
            whose = f"its V_{name} is" if ends.size == 1 else f"their V_{name} are"
            found.append(
                f"In {ends.size} of {count(len(cycles), 'sweep')} the {name} was not finished at the end of the sweep "
                f"(about {at}); {whose} left out of medians and spreads."
            )
    return found


def compliance(cycles: pd.DataFrame) -> list[str]:
    """Return the compliances found in the data."""
    found = cycles[cycles["compliance_source"] == "data"]
    if found.empty:
        return []
    limits = sorted(found["compliance_a"].unique())
    shown = listed([si(float(each), "A") for each in limits]) if len(limits) <= 6 else count(len(limits), "level")
    return [
        f"Compliance {shown}, found in the data: the current is constant about the largest voltage in {len(found)} of "
        f"{count(len(cycles), 'sweep')}."
    ]


def range_of(values: Sequence[float], unit: str) -> str:
    """Return the range of the finite values; "" if there is none."""
    known = [each for each in values if np.isfinite(each)]
    return span(min(known), max(known), unit) if known else ""


def by_compliance(levels: Sequence[Level]) -> list[str]:
    """Return the range of LRS and V_set over the compliances; the table has a row for each."""
    if not levels:
        return []
    limits = range_of([each.compliance_a for each in levels], "A")
    parts = [
        f"{name} is {found}"
        for name, found in (
            ("LRS", range_of([each.g_lrs_s for each in levels], "S")),
            ("V_set", range_of([each.v_set_v for each in levels], "V")),
        )
        if found
    ]
    return [f"At {len(levels)} compliances of {limits}, {listed(parts)}."] if parts else []


def apart(at: pd.Series, other: pd.Series, v_set: str, other_v_set: str) -> str:
    """Return where another definition puts V_set, if that is more than 50 mV away in the median; else ""."""
    gap, where = float((other.abs() - at.abs()).median()), si(float(other.median()), "V", 3)
    if not abs(gap) > APART:
        return ""
    where += f", {1e3 * abs(gap):.0f} mV {'above' if gap > 0 else 'below'} {v_set}"
    return f"V_set depends on its definition, as the set is not one jump: {other_v_set} gives {where}."


def unreached(cycles: pd.DataFrame, v_set: str) -> tuple[CodedWarning, ...]:
    """Return a warning if sweeps set below the current by which V_set is defined, as their compliance limits them."""
    below = cycles["outcome"].isin(COUNTED) & is_out_of_reach(cycles["compliance_a"].to_numpy(float))
    if v_set != "at_100ua" or not below.any():
        return ()
    highest = si(float(cycles["compliance_a"][below].max()), "A", 4)
    words = f"{int(below.sum())} of {count(len(cycles), 'sweep')}: no V_set, as the compliance ({highest} at most) is "
    return (CodedWarning("unreached", f"{words}below 100 µA"),)


def meanings(cycles: pd.DataFrame) -> list[str]:
    """Return the explanations of the outcomes that occur."""
    there = set(cycles["outcome"])
    return [words for name, words in MEANINGS.items() if name in there]


def warnings(cycles: pd.DataFrame, sweeps: pd.DataFrame, v_set: str) -> tuple[CodedWarning, ...]:
    """Return warnings about sweeps that do not jump or switch, or not to V_set, and about several temperatures.

    Parameters
    ----------
    cycles : pandas.DataFrame
        Fields of `devicekit.features.dc.sweeps.Figures`.
    sweeps : pandas.DataFrame
        Frame of the sweep table.
    v_set : str
        Name of the definition of V_set.
    """
    total, outcome = len(cycles), cycles["outcome"]
    gradual, failed = int((outcome == "gradual").sum()), int((outcome == "failed").sum())
    found = []
    if gradual:
        words = f"{gradual} of {count(total, 'sweep')} switched gradually, without a jump at V_set"
        found.append(CodedWarning("gradual", words))
    if failed:
        found.append(
            CodedWarning("no_switching", f"{failed} of {count(total, 'sweep')} did not switch (on/off below 2)")
        )
    for name in ("in_noise", *OTHER):
        if number := int((outcome == name).sum()):
            found.append(CodedWarning("no_switching", f"{number} of {count(total, 'sweep')} {OUTCOMES[name]}"))
    kelvins = sweeps["temperature_k"].dropna().unique() if "temperature_k" in sweeps else np.empty(0)
    if kelvins.size > 1 and np.ptp(kelvins) >= SAME_K:
        words = (
            f"sweeps from {kelvins.min():g} to {kelvins.max():g} K are combined, so medians and spreads include the "
            "effect of temperature"
        )
        found.append(CodedWarning("mixed", words))
    return (*found, *unreached(cycles, v_set))
