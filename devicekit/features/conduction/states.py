"""Legs of sweeps by state: HRS and LRS, at each polarity, on the way back or on the way up.

On the way back the state is constant: LRS after a set, HRS after a reset. On the way up it may change before it
switches, so such a leg is used up to 0.9 of its first step and never decides alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.records import Record, column, derived
from devicekit.features.conduction.prepare import Leg, prepare
from devicekit.features.dc.segments import Segment
from devicekit.features.dc.switching import AT_COMPLIANCE
from devicekit.features.dc.trace import Sweep
from devicekit.features.dc.transitions import Transition, transitions
from devicekit.features.definitions import SIDES

MOST_SWEEPS = 4  # sweeps used per temperature, evenly spread over devices and cycles
MOST_RISING = 2  # of these, sweeps whose ways up are used: they only confirm
STEP_MAD, STEP_LEAST = 8.0, 0.15  # a jump of ln I beyond both is a step
SHORT = 0.9  # share of the voltage of the first step up to which a way up is used
OF_STATE = {"set": ("hrs", "lrs"), "reset": ("lrs", "hrs")}  # on the way up, and back


def state_name(state: str) -> str:
    """Return the name of a state for people: "LRS", or "the state" if nothing switches."""
    return state.upper() if state != "state" else "the state"


@dataclass(frozen=True, eq=False, kw_only=True)
class StateLeg(Record):
    """Leg of one state; in data frames its device, cycle, state, polarity and direction."""

    device_id: str = column(doc="device of the sweep")
    cycle: int = column(doc="cycle of the sweep")
    state: str = column(doc='hrs, lrs, or "state" if nothing switches')
    sign: int = column(row=False, doc="sign of the voltage")

    @derived()
    def polarity(self) -> str:
        """Sign of the voltage: positive or negative."""
        return SIDES[self.sign]

    rising: bool = column(row=False, doc="true for a way up")

    @derived(name="leg")
    def way(self) -> str:
        """Direction of |V|: rising or falling."""
        return "rising" if self.rising else "falling"

    temperature: float | None = column(row=False, unit="K", doc="temperature")
    v: np.ndarray = column(row=False, unit="V", doc="sizes of the voltage, all points")
    i: np.ndarray = column(row=False, unit="A", doc="currents in its direction")
    limit: float | None = column(row=False, unit="A", default=None, doc="compliance in force")
    leg: Leg | None = column(row=False, default=None, doc="leg to fit; None if too little is left")
    switches: bool = column(row=False, default=True, doc="true if its excursion switches")

    @property
    def side(self) -> tuple[str, int]:
        """State and polarity."""
        return self.state, self.sign

    @property
    def text(self) -> str:
        """Text for people: "LRS at positive voltage, |V| falling"."""
        return f"{state_name(self.state)} at {self.polarity} voltage, |V| {self.way}"

    @property
    def short(self) -> str:
        """Text for a legend: "LRS, +V, falling"."""
        return f"{state_name(self.state)}, {'+' if self.polarity == 'positive' else '-'}V, {self.way}"

    @property
    def label(self) -> str:
        """Name in data: "LRS, positive, falling"."""
        return f"{state_name(self.state)}, {self.polarity}, {self.way}"


def state_legs(frame: pd.DataFrame, read: float, temperature: float | None) -> list[StateLeg]:
    """Return the legs of some sweeps of a table, evenly spread over devices and cycles, at each temperature.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of a sweep table.
    read : float
        Voltage at which states are separated [V].
    temperature : float or None
        Temperature of sweeps without a value in the column `temperature_k` [K].
    """
    groups = list(frame.groupby(["device_id", "cycle"], sort=False))
    kelvins = [_kelvin(rows, temperature) for _, rows in groups]
    chosen = []
    for kelvin in dict.fromkeys(kelvins):
        here = [k for k, each in enumerate(kelvins) if each == kelvin]
        places = np.unique(np.round(np.linspace(0, len(here) - 1, min(MOST_SWEEPS, len(here)))).astype(int))
        chosen += [here[place] for place in places]
    found: list[StateLeg] = []
    for number in chosen:
        key, rows = groups[number]
        found += _of_sweep(Sweep.of(key, rows), read, kelvins[number])
    named, rising = [], Counter[Any]()
    for each in _name_states(found, read):
        rising[each.side, each.temperature] += each.rising
        if not each.rising or rising[each.side, each.temperature] <= MOST_RISING:
            named.append(replace(each, leg=_prepare_leg(each)))
    return named


def _kelvin(rows: pd.DataFrame, temperature: float | None) -> float | None:
    own = rows["temperature_k"].median() if "temperature_k" in rows else np.nan
    return float(own) if np.isfinite(own) else temperature


def _of_sweep(sweep: Sweep, read: float, kelvin: float | None) -> list[StateLeg]:
    found = []
    for each in transitions(sweep, read):
        up, back = OF_STATE.get(each.kind, ("", ""))
        for state, run, rising in ((up, each.excursion.up, True), (back, each.excursion.back, False)):
            if run is not None:
                found.append(_leg(sweep, each, state, run, rising, kelvin))
    return found


def _leg(sweep: Sweep, each: Transition, state: str, run: Segment, rising: bool, kelvin: float | None) -> StateLeg:
    return StateLeg(
        device_id=sweep.device,
        cycle=sweep.cycle,
        state=state,
        sign=run.sign,
        rising=rising,
        temperature=kelvin,
        v=np.abs(sweep.v[run.start : run.stop]),
        i=run.sign * sweep.i[run.start : run.stop],
        limit=each.excursion.limit,
    )


def _prepare_leg(each: StateLeg) -> Leg | None:
    """Return the leg to fit: without points at the compliance, and on a way up without those from the switch on."""
    v, i = each.v, each.i
    if each.limit is not None:
        below = v < v[i >= AT_COMPLIANCE * each.limit].min(initial=np.inf)
        v, i = v[below], i[below]
    order = np.argsort(v, kind="stable")
    v, i = v[order], i[order]
    if each.rising and each.switches:
        before = v <= SHORT * _first_step(v, i)
        v, i = v[before], i[before]
    return prepare(v, i, temperature=each.temperature)


def _first_step(v: np.ndarray, i: np.ndarray) -> float:
    """Return the voltage before the first odd jump of ln I [V]; infinite if there is none."""
    keep = (i > 0) & (v > 0.1 * v.max(initial=0.0))
    v, y = v[keep], np.log(i[keep])
    if y.size < 5:
        return np.inf
    jumps = np.diff(y)
    middle = np.median(jumps)
    limit = max(STEP_MAD * 1.4826 * float(np.median(np.abs(jumps - middle))), STEP_LEAST)
    odd = np.flatnonzero(np.abs(jumps - middle) > limit)
    return float(v[odd[0]]) if odd.size else np.inf


def _name_states(found: Sequence[StateLeg], read: float) -> list[StateLeg]:
    """Return the legs with states assigned by conductance where an excursion does not switch."""
    levels = {
        state: [g for each in found if each.state == state and (g := _conductance(each, read)) > 0]
        for state in ("hrs", "lrs")
    }
    if not any(levels.values()):
        return [replace(each, state="state", switches=False) for each in found]
    if not all(levels.values()):
        return [each for each in found if each.state]
    middle = float(np.sqrt(np.median(levels["hrs"]) * np.median(levels["lrs"])))
    named = []
    for each in found:
        if each.state:
            named.append(each)
        elif (g := _conductance(each, read)) > 0:
            named.append(replace(each, state="lrs" if g > middle else "hrs", switches=False))
    return named


def _conductance(each: StateLeg, read: float) -> float:
    near = (each.v >= 0.5 * read) & (each.v <= 1.5 * read)
    v, i = each.v[near], each.i[near]
    return float((v @ i) / (v @ v)) if v.size else float("nan")
