"""Conduction of HRS and LRS: mechanisms that the legs of voltage sweeps leave, and those that they exclude.

A straight line in a Schottky or Poole-Frenkel plot proves nothing: over the range of a device several mechanisms are
straight there. The result is therefore a set, with a single mechanism only if all others are excluded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, listed, percent, si, span
from devicekit.features.conduction import figures
from devicekit.features.conduction.combine import JudgedLegs, StateVerdict, verdicts
from devicekit.features.conduction.forms import FORMS, TEMPERATURES, Known, quantities_with_area
from devicekit.features.conduction.states import state_legs
from devicekit.features.conduction.verdict import Verdict
from devicekit.features.lives.bake import SAME_K
from devicekit.features.merit import Merit, Sample, Settings, figure
from devicekit.features.merits.dc import DcResult, select_sweeps
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table, Text
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

TITLES = {form.name: form.title for form in FORMS}
UNITS = {"m": "m", "ev": "eV", "k": "K", "v": "V", "m2vs": "m2/Vs"}
SIDES = {1: "positive", -1: "negative"}
MOST_NAMED = 4  # mechanisms named in a sentence; the table has all
ORDER = {"lrs": 0, "hrs": 1, "state": 2}


@dataclass(frozen=True, eq=False)
class ConductionResult:
    """Remaining mechanisms of each state at each polarity.

    Attributes
    ----------
    states : tuple of StateVerdict
    sample : Sample
        Properties of the film.
    n_sweeps : int
        Number of sweeps of the table; those that were fitted are in the states.
    temperatures : tuple of float
        Temperatures of the legs [K]; empty if unknown.
    """

    states: tuple[StateVerdict, ...]
    sample: Sample
    n_sweeps: int
    temperatures: tuple[float, ...]
    warnings: tuple[CodedWarning, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "states": self._states().to_dict("records"),
            "told": {
                "thickness_m": self.sample.thickness_m,
                "area_m2": self.sample.area_m2,
                "permittivity": self.sample.permittivity,
                "temperatures_k": list(self.temperatures),
            },
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def _states(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "state": each.state,
                "polarity": SIDES[each.sign],
                "verdict": each.word,
                "mechanisms": "; ".join(each.left),
                "legs": len(each.counted),
                "only_rising": each.only_rising,
                "state_moved": each.state_moved,
                "rectifies": each.rectifies,
                "misfit": _misfit(each),
            }
            for each in self.states
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per state and polarity; one row per leg; one row per mechanism and leg."""
        legs, rows = [], []
        for state in self.states:
            for each in state.judged:
                legs.append(_leg_row(each))
                rows += _mechanism_rows(each, self.sample)
        return {"conduction": pd.DataFrame(legs), "mechanisms": pd.DataFrame(rows), "conduction_states": self._states()}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return no number: a set of mechanisms cannot be compared as one."""
        return ()

    def sentences(self) -> list[str]:
        """Return the verdict of each state at each polarity, with the misfit of the best fit."""
        return ["Conduction: " + " ".join(f"{_state_text(each)}." for each in self.states)]

    def panel(self) -> Panel:
        """Draw the leg with the widest range of currents, and the remaining mechanisms."""
        shown = _widest(self.states)
        return figures.candidates(*_candidate_curves(shown)) if shown is not None else self.lines_panel("log_log")

    def residual_panel(self) -> Panel | None:
        """Draw the residuals of that leg; None if no mechanism remains."""
        shown = _widest(self.states)
        if shown is None or shown.verdict is None or not shown.verdict.left:
            return None
        leg = shown.verdict.legs[0]
        return figures.residuals(
            leg.v,
            {TITLES[name]: leg.y - np.log(shown.verdict.fitted(name).curve(leg)) for name in shown.verdict.left},
        )

    def lines_panel(self, name: str) -> Panel:
        """Draw one of the usual straight-line plots: a key of `devicekit.features.conduction.figures.LINES`."""
        legs = []
        for state in self.states:
            if state.shown is not None and state.shown.first.leg is not None:
                leg = state.shown.first.leg
                legs.append((state.shown.first.label, state.shown.first.text, leg.v, leg.mean_a * np.exp(leg.y)))
        return figures.lines(name, legs)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        blocks: list[Block] = [Text([self._sample_text(), _METHOD]), self._table()]
        if self.temperatures:
            rows = [row for each in self.states for row in _meanings(each, self.sample)][:ROWS_SHOWN]
            head = ("state", "polarity", "mechanism", "quantity", "value")
            blocks.append(Table(head, rows, "Quantities that each mechanism would imply on the branch drawn."))
        if _widest(self.states) is None:
            return blocks
        alt = "Current against voltage on logarithmic axes, with the remaining mechanisms"
        blocks.append(figure(self.panel(), self._drawn_text(), alt))
        rest = self.residual_panel()
        if rest is not None:
            blocks.append(figure(rest, "Residuals of the mechanisms drawn.", "ln of current over fit against voltage"))
        for key, plot in figures.LINES.items():
            caption = f"{plot.title}: {plot.of}."

            blocks.append(figure(self.lines_panel(key), caption, f"{plot.title} of each state"))
        return blocks

    def _drawn_text(self) -> str:
        """Return the caption of `panel`: which branch it shows, and which mechanisms."""
        shown = _widest(self.states)
        if shown is None or shown.verdict is None:
            return ""
        name = shown.first.text
        text = f"{name[:1].upper()}{name[1:]}: "
        if not shown.verdict.left:
            return f"{text}best fit, although the data exclude it."
        return f"{text}mechanisms that this branch does not exclude."

    def _sample_text(self) -> str:
        d, kelvins = self.sample.thickness_m, self.temperatures
        ranges = (
            (None if d is None else f"thickness {si(d, 'm')}", "thickness from 0.5 nm to 2 µm", "--thickness"),
            (
                f"temperature {listed([f'{each:g} K' for each in kelvins])}" if kelvins else None,
                f"temperature from {TEMPERATURES[0]:g} to {TEMPERATURES[1]:g} K",
                "--temperature",
            ),
            (
                "permittivity {:g} to {:g}".format(*self.sample.permittivity) if self.sample.permittivity else None,
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

    def _table(self) -> Table:
        rows = []
        for each in self.states:
            legs = f"{len(each.counted)}, |V| {'rising' if each.only_rising else 'falling'}"
            rows.append(
                (
                    each.state.upper() if each.state != "state" else "the state",
                    SIDES[each.sign],
                    _VERDICTS[each.word],
                    listed([TITLES[name] for name in each.left]) or "–",
                    legs,
                    percent(_misfit(each)) if each.counted else "–",
                    _cut_text(each),
                )
            )
        head = (
            "state",
            "polarity",
            "verdict",
            "not excluded",
            "sweep branches used",
            "misfit of ln I (rms, best mechanism)",
            "points left out",
        )
        return Table(
            head, rows, "Conduction mechanisms that are not excluded. The branches of a state are judged together."
        )


_METHOD = (
    "Each mechanism is fitted in four ways: alone, with a series resistance, with a leakage path, and with both. It is "
    "excluded if another curve clearly fits better, if it misses by more than the noise, or if its parameters are "
    "unphysical. In a test with SYNTHETIC currents that follow none of the twelve mechanisms, 3 in 100 were still "
    "assigned to one. A straight line in one of the plots does not prove a mechanism either."
)
_VERDICTS = {
    "decided": "decided",
    "undecided": "undecided",
    "nearly_ohmic": "I nearly proportional to V; mechanism not decided",
    "none": "none of the mechanisms",
    "no_range": "too few points or too short a range",
}
_RISING = "only branches with |V| rising, where the state may change"


def _widest(states: Sequence[StateVerdict]) -> JudgedLegs | None:
    shown = [each.shown for each in states if each.shown is not None]
    return max(shown, key=lambda each: each.verdict.legs[0].decades if each.verdict else 0.0, default=None)


def _candidate_curves(shown: JudgedLegs) -> tuple[Any, ...]:
    verdict = shown.verdict
    assert verdict is not None
    leg = verdict.legs[0]
    names = verdict.left or (verdict.best.form.name,)
    fits = {TITLES[name]: leg.mean_a * verdict.fitted(name).curve(leg) for name in names}
    return shown.first.v, shown.first.i, leg.v, leg.mean_a * np.exp(leg.y), fits


def _misfit(each: StateVerdict) -> float:
    """Return the median over legs of the misfit of the best remaining mechanism, or of the best one if none remains."""
    found = []
    for one in each.counted:
        verdict = one.verdict
        assert verdict is not None
        found.append(verdict.fitted(each.left[0]).misfit if each.left else verdict.best.misfit)
    return float(np.median(found)) if found else float("nan")


def _state_text(each: StateVerdict) -> str:
    state = each.state.upper() if each.state != "state" else "The state"
    name = f"{state} at {SIDES[each.sign]} voltage"
    titles = [TITLES[other] for other in each.left]
    if each.word == "no_range":
        return f"{name} has too few points, or too short a range, for a verdict"
    misfit = f"misfit {percent(_misfit(each))}" + (f"; {_RISING}" if each.only_rising else "")
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


def _cut_text(each: StateVerdict) -> str:
    words = {
        "floor": "in the noise floor",
        "compliance": "at the compliance",
        "moving": "where I rises more slowly than V",
    }
    found = {cut for one in each.counted for leg in one.legs if leg.leg is not None for cut in leg.leg.cut}
    return ", ".join(words[cut] for cut in words if cut in found) or "–"


def _quantities(verdict: Verdict, name: str, sample: Sample) -> Mapping[str, tuple[float, float]]:
    fitted, leg = verdict.fitted(name), verdict.legs[0]
    known = Known.of(sample, leg.temperature, max(each.v[-1] for each in verdict.legs))
    found = fitted.form.quantities(fitted.shape, known)
    if known.area is None:
        return found
    return {**found, **quantities_with_area(name, fitted.shape, fitted.scale(leg), leg, known)}


def _meanings(each: StateVerdict, sample: Sample) -> list[tuple[str, ...]]:
    """Return rows of the quantities that each remaining mechanism implies, on the leg that is shown."""
    if each.shown is None or each.shown.verdict is None or each.word == "nearly_ohmic":
        return []
    rows: list[tuple[str, ...]] = []
    for name in each.left:
        for key, (low, high) in _quantities(each.shown.verdict, name, sample).items():
            stem, _, end = key.rpartition("_")
            words, unit = (stem, UNITS[end]) if end in UNITS else (key, "")
            value = span(low, high, unit, 4) if unit in ("m", "V") else _range(low, high, unit)
            rows.append((each.state.upper(), SIDES[each.sign], TITLES[name], words.replace("_", " "), value))
    return rows


def _range(low: float, high: float, unit: str) -> str:
    return (
        format_number(low, unit)
        if np.isclose(low, high, atol=0.0)
        else f"{format_number(low, unit)} to {format_number(high, unit)}"
    )


def _leg_row(each: JudgedLegs) -> dict[str, Any]:
    first, verdict = each.first, each.verdict
    row: dict[str, Any] = {
        "device_id": first.device_id,
        "cycle": first.cycle,
        "state": first.state,
        "polarity": SIDES[first.sign],
        "leg": "rising" if first.rising else "falling",
        "temperatures_k": "; ".join(f"{leg.temperature:g}" for leg in each.legs if leg.temperature is not None),
    }
    if verdict is None:
        return {**row, "verdict": "no_range", "mechanisms": ""}
    leg = verdict.legs[0]
    return {
        **row,
        "low_v": leg.v[0],
        "high_v": leg.v[-1],
        "n": sum(one.n for one in verdict.legs),
        "n_effective": sum(one.n_effective for one in verdict.legs),
        "noise": leg.noise,
        "misfit": verdict.best.misfit,
        "cut": "; ".join(leg.cut),
        "verdict": verdict.word,
        "mechanisms": "; ".join(verdict.left),
    }


def _mechanism_rows(each: JudgedLegs, sample: Sample) -> list[dict[str, Any]]:
    if each.verdict is None:
        return []
    first, rows = each.first, []
    for fitted in each.verdict.fits:
        name = fitted.form.name
        row: dict[str, Any] = {
            "device_id": first.device_id,
            "cycle": first.cycle,
            "state": first.state,
            "polarity": SIDES[first.sign],
            "leg": "rising" if first.rising else "falling",
            "mechanism": name,
            "left": name in each.verdict.left,
            "delta_bic": each.verdict.excess(fitted),
            "misfit": fitted.misfit,
            "series_share": fitted.series[0],
            "leak_share": fitted.leak[0],
            "at_limit": fitted.at_limit,
        }
        for key, (low, high) in _quantities(each.verdict, name, sample).items():
            row[f"{key}_low"], row[f"{key}_high"] = low, high
        rows.append(row)
    return rows


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> ConductionResult | None:
    """Find the conduction of sweeps that have DC figures."""
    switching = found.get("dc")
    if not isinstance(table, SweepTable) or not isinstance(switching, DcResult):
        return None
    return characterize(table, settings.sample, read_voltage=switching.read_voltage_v)


def characterize(
    table: SweepTable, sample: Sample | None = None, *, read_voltage: float = 0.1
) -> ConductionResult | None:
    """Judge which mechanisms the legs of sweeps leave; None without a usable leg.

    Parameters
    ----------
    table : SweepTable
        Sweeps, with a column `temperature_k` for several temperatures; legs of one device at several are fitted
        together.
    sample : Sample, optional
        Properties of the film.
    read_voltage : float
        Voltage at which HRS and LRS are separated [V].

    Raises
    ------
    UsageError
        If the sample's temperature contradicts the table.
    """
    sample = sample or Sample()
    sweeps = select_sweeps(table)
    if sweeps is None:
        return None
    _check_temperature(sweeps, sample)
    legs = state_legs(sweeps.frame, read_voltage, sample.temperature_k)
    states = sorted(verdicts(legs, sample), key=lambda each: (ORDER[each.state], -each.sign))
    if not any(each.counted for each in states):
        return None
    kelvins = tuple(sorted({each.temperature for each in legs if each.temperature is not None}))
    total = sweeps.frame.groupby(["device_id", "cycle"], sort=False).ngroups
    return ConductionResult(tuple(states), sample, total, kelvins, _warnings(states, sample))


def _check_temperature(table: SweepTable, sample: Sample) -> None:
    """Refuse a temperature that the table contradicts."""
    kelvin, frame = sample.temperature_k, table.frame
    if kelvin is None or "temperature_k" not in frame:
        return
    own = frame["temperature_k"].dropna()
    if len(own) and float((own - kelvin).abs().max()) > SAME_K:
        words = f"{own.min():g} K" if own.min() == own.max() else f"{own.min():g} to {own.max():g} K"
        raise UsageError(f"temperature={kelvin:g} K contradicts the table ({words}). Remove one of them.")


def _warnings(states: Sequence[StateVerdict], sample: Sample) -> tuple[CodedWarning, ...]:
    found = []
    moved = [f"{each.state.upper()} at {SIDES[each.sign]} voltage" for each in states if each.state_moved]
    if moved:
        found.append(CodedWarning("state_moved", f"the state changes on the way up: {listed(moved)}"))
    needs = {form.name for form in FORMS if form.needs}
    shown = sorted({TITLES[name] for each in states if each.word == "undecided" for name in each.left if name in needs})
    if shown and sample.thickness_m is None:
        words = (
            f"{count(len(shown), 'conduction mechanism')} remain possible; checking their parameters needs the "
            f"thickness: {listed(shown)}"
        )
        found.append(CodedWarning("needs_thickness", words))
    return tuple(found)
