"""Report sections of a card: rate curves, variation by its type, provenance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import listed, si
from devicekit.device.blocks import BranchVariation
from devicekit.device.card import DeviceCard
from devicekit.names import mark_words
from devicekit.report import Section, draw
from devicekit.report.shared import provenance_section, short

_CONDITION_WORDS = {
    "pulse_width_s": "pulse width",
    "ltp_width_s": "LTP pulse width",
    "ltd_width_s": "LTD pulse width",
    "ltp_voltage_v": "LTP amplitude",
    "ltd_voltage_v": "LTD amplitude",
    "read_voltage_v": "read voltage",
}
_SIGMAS = {
    "spread_paper": "state at one pulse, by the paper",
    "spread_anova": "state at one pulse",
    "increment": "one update",
    "read": "one reading",
    "cycle_offset": "window shift between cycles",
    "held": "reversible fluctuation of states",
}

_LIKELIHOOD = "maximum likelihood"


class VariationRow(NamedTuple):
    """One kind of variation, the branches side by side; `values` are fractions of `of`, None if unknown."""

    group: str
    what: str
    kind: str
    of: str
    values: tuple[float | None, ...]
    estimator: str

    def texts(self, show: Callable[[float], str], unknown: str) -> list[str]:
        """Return the values as text; an estimate that no digit of `show` tells from zero is "none"."""
        zero = show(0.0) if _LIKELIHOOD in self.estimator else None
        shown = (unknown if value is None else show(value) for value in self.values)
        return ["none" if each == zero else each for each in shown]


def variation_rows(cards: Mapping[str, BranchVariation]) -> list[VariationRow]:
    """Return every number of the variation of a card's branches, by its type."""
    rows = []
    for group in ("c2c", "d2d"):
        branches = [getattr(card, group) for card in cards.values()]
        for name in dict.fromkeys(name for branch in branches for name in branch):
            found = [branch.get(name) for branch in branches]
            known = [each for each in found if each is not None]
            values = tuple(None if each is None else each.value for each in found)
            estimator = "; ".join(dict.fromkeys(each.estimator for each in known))
            rows.append(VariationRow(group.upper(), _SIGMAS[name], known[0].kind, "window", values, estimator))
        if group == "c2c":
            rows += _relative_rows(cards)
    return rows


def _relative_rows(cards: Mapping[str, BranchVariation]) -> list[VariationRow]:
    """Return the rows of scatter in proportion to the step, if the data ask for it."""
    rows = []
    for name, what, of in (
        ("step_noise", "one update, in proportion to its step", "step"),
        ("cycle_ln_rate", "rate of a cycle", "rate"),
    ):
        values = tuple(getattr(card, name) for card in cards.values())
        if any(values):
            kind = "increment" if name == "step_noise" else "spread"
            rows.append(VariationRow("C2C", what, kind, of, values, _LIKELIHOOD))
    return rows


def rate_section(card: DeviceCard) -> Section:
    """Build the section of the rate curve with its band."""
    methods = {branch.direction.upper(): branch.rate_curve.method for branch in (card.ltd, card.ltp)}
    if len(set(methods.values())) == 1:
        method = methods["LTP"]
    else:
        method = "; ".join(f"{name}: {each}" for name, each in methods.items())
    figure = draw(
        card.panel(),
        "Change of the state by one pulse. Solid: measured range; dashed: extrapolated. Shade: 95 % band at each "
        f"state ({_plain_method(method)}).{_whole_curve(card)}",
        "Rate of change per pulse against the state for LTP and LTD with confidence bands",
        title="Change of the state by one pulse, with its 95 % band.",
    )
    return Section("Rate curve", "rate", [figure])


def _plain_method(method: str) -> str:
    """Return the method of a band with its statistics in words."""
    words = re.sub(r"\bt\((\d+)\)", r"Student t with \1 degrees of freedom", method)
    words = re.sub(r"cluster sandwich over (\d+)", r"cluster-robust, from differences between \1", words)
    return words.replace("devices in windows of their own", "devices, each scaled to its own window")


def _whole_curve(card: DeviceCard) -> str:
    """Return the width of the band that holds the whole curve, if it is known."""
    known = [
        f"{factor:.2f} times ({branch.direction.upper()})"
        for branch in (card.ltp, card.ltd)
        if (factor := branch.rate_curve.factor_of_all) is not None
    ]
    return f" A band that holds the whole measured curve at once is {listed(known)} as wide." if known else ""


def provenance(card: DeviceCard, command: str, seed: int | None = None) -> Section:
    """Return source, checksum, versions, and the command that makes the report again."""
    source = card.provenance
    rows = [] if seed is None else [("seed", str(seed))]
    rows += [
        ("source", source.source),
        ("SHA-256", source.sha256),
        ("data", mark_words(source.marks) or "measured"),
    ]
    for name, value in card.conditions.stated().items():
        unit = GLOSSARY["pulse_width_s" if name.endswith("_s") else "pulse_voltage_v"].unit
        rows.append((_CONDITION_WORDS[name], "not stated" if value is None else si(value, unit)))
    rows += [(f"setting: {name}", short(value)) for name, value in source.settings.items()]
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in source.versions.items())))
    return provenance_section(rows, command)
