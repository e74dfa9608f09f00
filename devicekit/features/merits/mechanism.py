"""Conduction of HRS and LRS: mechanisms that the legs of voltage sweeps leave, and those that they exclude.

A straight line in a Schottky or Poole-Frenkel plot proves nothing: over the range of a device several mechanisms are
straight there. The result is therefore a set, with a single mechanism only if all others are excluded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column, derived, part
from devicekit.core.text import count, listed
from devicekit.features.conduction import figures
from devicekit.features.conduction import sentences as conduction_text
from devicekit.features.conduction.combine import JudgedLegs, StateVerdict, verdicts
from devicekit.features.conduction.fit import Fitted
from devicekit.features.conduction.forms import FORMS, TITLES
from devicekit.features.conduction.states import StateLeg, state_legs
from devicekit.features.definitions import OTHER
from devicekit.features.lives.bake import SAME_K
from devicekit.features.merit import MeritResult, Sample, Settings, figure
from devicekit.features.merits.dc import DcResult, select_sweeps
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table, Text
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

ORDER = {"lrs": 0, "hrs": 1, "state": 2}


@dataclass(frozen=True, eq=False, kw_only=True)
class MechanismFit(Record):
    """Fit of one mechanism to one leg."""

    leg: StateLeg = column(inline=True)
    fitted: Fitted = column(row=False, doc="its form and parameters")
    mechanism = part("fitted.form.name", doc="name of the mechanism")
    left: bool = column(doc="true if it is not excluded")
    delta_bic: float = column(doc="BIC above that of the best fit")
    misfit = part("fitted.misfit", doc="weighted rms of ln I less ln of the fit")

    @derived()
    def series_share(self) -> float:
        """Share of the voltage on a series resistance, at the top of the leg."""
        return self.fitted.series[0]

    @derived()
    def leak_share(self) -> float:
        """Share of the current through a leak, at the top of the leg."""
        return self.fitted.leak[0]

    at_limit = part("fitted.at_limit", doc="true if a shape parameter lies at a physical limit")
    quantities: dict[str, float] = column(inline=True, doc="quantities that it would imply: low and high of each")

    @classmethod
    def of(cls, judged: JudgedLegs, sample: Sample) -> list[MechanismFit]:
        """Return the fits of all mechanisms to a leg; none without a verdict."""
        if (verdict := judged.verdict) is None:
            return []
        rows = []
        for each in verdict.fits:
            implied: dict[str, float] = {}
            for key, (low, high) in conduction_text.quantities(verdict, each.form.name, sample).items():
                implied |= {f"{key}_low": low, f"{key}_high": high}
            left, above = each.form.name in verdict.left, verdict.excess(each)
            rows.append(cls(leg=judged.first, fitted=each, left=left, delta_bic=above, quantities=implied))
        return rows


@dataclass(frozen=True, eq=False, kw_only=True)
class ConductionResult(MeritResult):
    """Remaining mechanisms of each state at each polarity; a set of mechanisms cannot be compared as one number."""

    figure_alt = "Current against voltage on logarithmic axes, with the remaining mechanisms"

    sample: Sample = column(json=False, doc="properties of the film")
    n_sweeps: int = column(json=False, doc="number of sweeps of the table; those that were fitted are in the states")
    temperatures: tuple[float, ...] = column(json=False, unit="K", doc="temperatures of the legs; empty if unknown")

    @derived(name="told")
    def known_sample(self) -> dict[str, object]:
        """Properties of the sample that were given, and the temperatures of the legs."""
        known = self.sample
        return {
            "thickness_m": known.thickness_m,
            "area_m2": known.area_m2,
            "permittivity": known.permittivity,
            "temperatures_k": self.temperatures,
        }

    @derived(json=False, table="conduction")
    def judged(self) -> list[JudgedLegs]:
        """Legs that count, of all states."""
        return [each for state in self.states for each in state.judged]

    @derived(json=False, table="mechanisms", once=True)
    def fits(self) -> list[MechanismFit]:
        """Fits of every mechanism to each leg."""
        return [fit for each in self.judged for fit in MechanismFit.of(each, self.sample)]

    states: tuple[StateVerdict, ...] = column(
        table="conduction_states",
        caption="Conduction mechanisms that are not excluded. The branches of a state are judged together",
        doc="verdict on each state at each polarity",
    )

    def sentences(self) -> list[str]:
        """Return the verdict of each state at each polarity, with the misfit of the best fit."""
        return ["Conduction: " + " ".join(f"{conduction_text.state_text(each)}." for each in self.states)]

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
                legs.append((state.shown.first.label, state.shown.first.short, leg.v, leg.mean_a * np.exp(leg.y)))
        return figures.lines(name, legs)

    def notes(self) -> list[str]:
        """Return what is known of the sample, and how a mechanism is excluded."""
        return [conduction_text.sample_text(self.sample, self.temperatures), conduction_text.METHOD]

    def record_tables(self) -> list[Block]:
        """Return the verdicts, and the quantities that each mechanism would imply."""
        found = super().record_tables()
        if self.temperatures:
            rows = [row for each in self.states for row in conduction_text.meanings(each, self.sample)][:ROWS_SHOWN]
            caption = "Quantities that each mechanism would imply on the branch drawn."
            found.append(Table(conduction_text.MEANING_HEAD, rows, caption))
        return found

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        found: list[Block] = [Text(self.notes()), *self.record_tables()]
        if _widest(self.states) is None:
            return found
        found.append(figure(self.panel(), self._drawn_text(), self.figure_alt))
        rest = self.residual_panel()
        if rest is not None:
            found.append(figure(rest, "Residuals of the mechanisms drawn.", "ln of current over fit against voltage"))
        for key, plot in figures.LINES.items():
            found.append(figure(self.lines_panel(key), f"{plot.title}: {plot.of}.", f"{plot.title} of each state"))
        return found

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


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> ConductionResult | None:
    """Find the conduction of sweeps that have DC figures."""
    switching = found.get("dc")
    if not isinstance(table, SweepTable) or not isinstance(switching, DcResult):
        return None
    if set(switching.outcomes) <= set(OTHER):
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
    return ConductionResult(
        states=tuple(states),
        sample=sample,
        n_sweeps=total,
        temperatures=kelvins,
        warnings=_warnings(states, sample),
    )


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
    moved = [f"{each.state.upper()} at {each.polarity} voltage" for each in states if each.state_moved]
    if moved:
        found.append(CodedWarning("state_moved", f"the state changes on the way up: {listed(moved)}"))
    needs = {form.name for form in FORMS if form.needs}
    shown = sorted({TITLES[name] for each in states if each.word == "undecided" for name in each.left if name in needs})
    if shown and sample.thickness_m is None:
        remain = f"{count(len(shown), 'conduction mechanism')} remain{'s' if len(shown) == 1 else ''} possible"
        words = f"{remain}; checking their parameters needs the thickness: {listed(shown)}"
        found.append(CodedWarning("needs_thickness", words))
    return tuple(found)
