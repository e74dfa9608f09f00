"""Outcome of each sweep of a cell: formed, set, reset, or why not, with its voltage and the states before and after.

Voltages and states are those of `devicekit.features.dc`. A sweep of one way does not read the state after it: that is
the first reading of the cell's next file, and the end of the sweep itself where no current limit holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.records import Record, column
from devicekit.features.dc.compliance import assign_shared_limits
from devicekit.features.dc.segments import Excursion
from devicekit.features.dc.sweeps import Figures, Sweep, figures_of
from devicekit.features.dc.switching import AT_COMPLIANCE, is_out_of_reach
from devicekit.features.dc.transitions import LEAST_SWITCHING, Transition, polarity, transitions
from devicekit.features.definitions import COUNTED, V_FORM, V_FORM_METHOD
from devicekit.features.stats import noise_of_bends
from devicekit.population.reading import Trace

READ = 0.1  # V, where states are read if nothing is given
STILL = 1e-3  # V; a trace whose voltage varies less is a reading
EARLY = 1.5  # times the read voltage: a current at its limit below is that of a cell that was on before
AT_END = 3  # last points of a way, whose median is its end
NOISES = 6.0  # standard deviations of the noise that a current must exceed

OUTCOMES = {
    "switched": "switched",
    "at_limit": "still switching at the end",
    "no_switching": "did not switch",
    "already_on": "on before the sweep",
    "no_current": "no current above the noise",
    "read": "reading of the state",
}
SWITCHING = ("form", "set", "reset")
HAPPENED = ("switched", "at_limit")  # outcomes of a step that switched its cell


@dataclass(frozen=True, kw_only=True)
class Step(Record):
    """One sweep or reading of a cell."""

    file: str = column("file", doc="name of the file")
    sweep: int = column(doc="number of the sweep in its file, from 1")
    step: str = column("step", doc="form, set, reset, read or loop")
    outcome: str = column("outcome", text=lambda name: OUTCOMES.get(name, name), doc="a key of OUTCOMES")
    v_form_v: float = column(default=np.nan, unit="V", doc=V_FORM.description)
    v_set_v: float = column(default=np.nan, unit="V", doc="voltage of the set, by its definition")
    v_reset_v: float = column(default=np.nan, unit="V", doc="voltage of the reset, by its definition")
    bound_v: float = column(default=np.nan, unit="V", doc="end of a sweep that did not switch, or not to its end")
    g_before_s: float = column(default=np.nan, unit="S", doc="conductance before, at the read voltage")
    g_after_s: float = column(default=np.nan, unit="S", doc="conductance after, at the read voltage")
    g_end_s: float = column(default=np.nan, unit="S", doc="I/V at the end of a sweep that did not switch")
    g_hrs_s: float = column(default=np.nan, unit="S", doc="conductance of the HRS at the read voltage")
    g_lrs_s: float = column(default=np.nan, unit="S", doc="conductance of the LRS at the read voltage")
    compliance_a: float = column(default=np.nan, unit="A", doc="current limit: by the name, a column or a plateau")
    rate_v_s: float = column(default=np.nan, unit="V/s", doc="slope of the voltage by the times of the file")
    limited: bool = column(default=False, doc="whether the current is at its limit at the end of the sweep")
    from_loop: bool = column(default=False, doc="whether the set and the reset are of one sweep of both")
    note: str = column(default="", doc="words in the file above its numbers")


@dataclass(frozen=True, eq=False)
class Item:
    """One sweep of a cell with what its name says."""

    file: str
    number: int
    step: str
    trace: Trace
    compliance: float
    note: str

    @property
    def reads(self) -> bool:
        """True if its voltage stays the same."""
        return self.trace.voltage.size < 3 or float(np.ptp(self.trace.voltage)) <= STILL


@dataclass(frozen=True)
class Definitions:
    """Read voltage [V] and names of the definitions of V_set and V_reset."""

    read: float
    v_set: str
    v_reset: str


def items_of(file: str, trace: Trace, step: str, compliance: float, note: str) -> list[Item]:
    """Return the sweeps of a file."""
    found = []
    for number, at in enumerate(trace.sweeps(), 1):
        limit = compliance if trace.compliance is None else float(np.nanmin(trace.compliance[at]))
        time = None if trace.time is None else trace.time[at]
        part = Trace(trace.voltage[at], trace.current[at], time)
        found.append(Item(file, number, step, part, limit, note))
    return found


def evaluate(items: Sequence[Item], following: Item | None, definitions: Definitions) -> list[Step]:
    """Return what each sweep of a cell did, in order.

    Parameters
    ----------
    items : sequence of Item
        Sweeps of one cell, in the order of measurement.
    following : Item, optional
        The sweep of the cell after them.
    definitions : Definitions
    """
    sweeps = [None if item.reads else _sweep(item) for item in items]
    sweeps = _share_limits(sweeps)
    ahead = (
        None if following is None else _start(following, None if following.reads else _sweep(following), definitions)
    )
    starts: list[_State | None] = [_start(item, sweep, definitions) for item, sweep in zip(items, sweeps, strict=True)]
    later = [*starts[1:], ahead]
    signs = _loop_signs(items, sweeps, definitions)
    found = []
    for item, sweep, start, after in zip(items, sweeps, starts, later, strict=True):
        common: dict[str, Any] = {
            "file": item.file,
            "sweep": item.number,
            "step": item.step or ("read" if sweep is None else "loop"),
            "compliance_a": item.compliance,
            "rate_v_s": item.trace.rate,
            "note": item.note,
        }
        if sweep is None or not sweep.excursions:
            found.append(Step(**common, outcome="read", g_before_s=start.value if start else np.nan))
        elif common["step"] in SWITCHING:
            found.append(_one_way(common, sweep, after, definitions))
        else:
            found += _loop(common, sweep, after, signs, definitions)
    return found


def _sweep(item: Item) -> Sweep:
    rows = {"voltage_v": item.trace.voltage, "current_a": item.trace.current}
    if np.isfinite(item.compliance):
        rows["compliance_a"] = np.full(item.trace.voltage.size, item.compliance)
    return Sweep.of(("cell", item.number), pd.DataFrame(rows))


def _share_limits(sweeps: Sequence[Sweep | None]) -> list[Sweep | None]:
    """Return the sweeps with the limits that the data of all of them show, where none is stated."""
    known = [each for each in sweeps if each is not None]
    shared = assign_shared_limits([(each.v, each.i, each.excursions) for each in known])
    found = iter(replace(each, excursions=own) for each, own in zip(known, shared, strict=True))
    return [None if each is None else next(found) for each in sweeps]


@dataclass(frozen=True)
class _State:
    """Conductance where a trace begins [S], its largest possible value if it is hidden, and whether it is a bound."""

    value: float  # NaN if noise hides it
    most: float  # above which it cannot be
    limited: bool = False  # the current was at its limit: the value is the least


def _start(item: Item, sweep: Sweep | None, definitions: Definitions) -> _State | None:
    """Return the state in which a trace finds the cell; None if it does not show it."""
    if sweep is None or not sweep.parts:
        v, i = item.trace.voltage, item.trace.current
        keep = v != 0
        if not keep.any():
            return None
        g = float(np.median(i[keep] / v[keep]))
        limited = bool(np.isfinite(item.compliance) and np.median(np.abs(i[keep])) >= AT_COMPLIANCE * item.compliance)
        return _State(g if g > 0 else np.nan, max(g, abs(g)), limited)
    part, read = sweep.parts[0], min(definitions.read, sweep.reach)
    g = sweep.level(part, read)
    least = sweep.least(part, read)
    early = _on_from_start(sweep, read)
    if early is not None:
        return _State(early, np.inf, True)
    if g > 0 and not g < least:
        return _State(g, g)
    return _State(np.nan, max(least, 0.0) if np.isfinite(least) else np.nan)


def _on_from_start(sweep: Sweep, read: float) -> float | None:
    """Return the conductance of a cell whose current is at its limit near the read voltage already, at least [S]."""
    first = sweep.excursions[0] if sweep.excursions else None
    if first is None or first.limit is None:
        return None
    v, i = np.abs(sweep.v[first.up.start : first.up.stop]), first.sign * sweep.i[first.up.start : first.up.stop]
    hit = np.flatnonzero((i >= AT_COMPLIANCE * first.limit) & (v > 0))
    if not hit.size or v[hit[0]] > EARLY * read or (i[hit[0] :] < 0.5 * first.limit).any():
        return None
    return float(i[hit[0]] / v[hit[0]])


def _main(sweep: Sweep) -> Excursion:
    """Return the excursion to the largest voltage."""
    return max(sweep.excursions, key=lambda each: float(np.abs(sweep.v[each.span]).max()))


def _end(sweep: Sweep, step: str) -> tuple[float, bool]:
    """Return the conductance at the end of the main way up [S], and whether the current is at its limit there."""
    main = _main(sweep)
    at = slice(max(main.up.stop - AT_END, main.up.start), main.up.stop)
    v, i = np.abs(sweep.v[at]), main.sign * sweep.i[at]
    limited = main.limit is None and step != "reset"  # nothing limits it: its end shows what it does
    if main.limit is not None:
        limited = bool(i[-1] >= AT_COMPLIANCE * main.limit)
    if (
        step != "reset" and limited and main.limit is not None
    ):  # the first point at the limit is nearest to what the cell does by itself
        way_v, way_i = np.abs(sweep.v[main.up.start : main.up.stop]), main.sign * sweep.i[main.up.start : main.up.stop]
        hit = int(np.flatnonzero(way_i >= AT_COMPLIANCE * main.limit)[0])
        return float(way_i[hit] / max(way_v[hit], 1e-12)), True
    last = float(i[-1] / v[-1])
    return last if last > 0 else float(np.median(i / v)), limited


def _one_way(common: dict[str, Any], sweep: Sweep, after: _State | None, definitions: Definitions) -> Step:
    """Return what a forming, set or reset did."""
    step, read = str(common["step"]), min(definitions.read, sweep.reach)
    main = _main(sweep)
    stop = main.sign * float(np.abs(sweep.v[main.span]).max())
    if main.limit is not None and not np.isfinite(float(common["compliance_a"])):
        common = {**common, "compliance_a": main.limit}
    if step != "reset" and (on := _on_from_start(sweep, read)) is not None:
        return Step(**common, outcome="already_on", g_before_s=on, bound_v=np.nan)
    start = sweep.level(main.up, read)
    start = start if start > 0 else np.nan
    if not _has_current(sweep, main.sign):
        return Step(**common, outcome="no_current", bound_v=stop, g_before_s=start)
    signs = (main.sign, -main.sign) if step != "reset" else (-main.sign, main.sign)
    found, held = _figures(sweep, step, after, signs, definitions)
    at = found.v_reset_v if step == "reset" else found.v_set_v
    limit = found.reset_limit_v if step == "reset" else found.set_limit_v
    before, later = (found.g_lrs_s, found.g_hrs_s) if step == "reset" else (found.g_hrs_s, found.g_lrs_s)
    later = later if held else np.nan
    if found.outcome in COUNTED and (np.isfinite(at) or (step == "set" and _is_hidden(found, definitions))):
        name = {"form": "v_form_v", "set": "v_set_v", "reset": "v_reset_v"}[step]
        levels: dict[str, Any] = (
            {"g_lrs_s": before, "g_hrs_s": later} if step == "reset" else {"g_hrs_s": before, "g_lrs_s": later}
        )
        levels[name] = at
        return Step(**common, outcome="switched", g_before_s=before, g_after_s=later, **levels)
    if found.outcome in COUNTED and np.isfinite(limit):
        return Step(**common, outcome="at_limit", bound_v=limit, g_before_s=before, g_after_s=later)
    end, limited = _end(sweep, step)
    ends = end if end > 0 else np.nan
    return Step(**common, outcome="no_switching", bound_v=stop, g_before_s=start, g_end_s=ends, limited=limited)


def _is_hidden(found: Figures, definitions: Definitions) -> bool:
    """Return whether a set has no voltage by its definition, as the current limit lies below its current."""
    sets = found.outcome in ("switched", "gradual")
    return sets and definitions.v_set == "at_100ua" and bool(is_out_of_reach(found.compliance_a))


def _figures(
    sweep: Sweep, step: str, after: _State | None, signs: tuple[int, int], definitions: Definitions
) -> tuple[Figures, bool]:
    """Return the figures of a sweep by the state after it, and whether a later reading shows that state."""
    read = min(definitions.read, sweep.reach)
    back = any(each.back is not None for each in sweep.excursions)
    ways = [(np.nan, True)] if back else _states_after(sweep, step, after, read)
    names = V_FORM_METHOD if step == "form" else definitions.v_set, definitions.v_reset
    found = [(figures_of(sweep, transitions(sweep, read, following), signs, *names), held) for following, held in ways]
    return next((each for each in found if each[0].outcome in COUNTED), found[-1])


def _states_after(sweep: Sweep, step: str, after: _State | None, read: float) -> list[tuple[float, bool]]:
    """Return conductances after a sweep of one way to try [S], and whether a later reading shows each.

    A set that reaches its limit has at least the conductance of the point where it does; a reset that ends below its
    limit at most that of its end, and one that ends at its stated limit has not reset. A later reading on the other
    side of that shows another event, such as a state that was not kept. A limit that only the data show may be the flat
    current of a gradual reset, so that the later reading decides.
    """
    end, limited = _end(sweep, step)
    start = sweep.level(sweep.parts[0], read)
    start = start if start > 0 else sweep.least(sweep.parts[0], read)
    later = after is not None and np.isfinite(after.value) and not (step == "reset" and after.limited)
    if step == "reset":
        if limited and _main(sweep).source == "stated":
            return [(np.nan, False)]
        own = end if not limited and 0 < end < start * np.exp(-LEAST_SWITCHING) else np.nan
        kept = later and (np.isnan(own) or after.value <= 2.0 * own)  # type: ignore[union-attr]
    else:
        own = end if end > start * np.exp(LEAST_SWITCHING) and limited else np.nan
        kept = later and (np.isnan(own) or after.value >= 0.5 * own)  # type: ignore[union-attr]
    first = [(after.value, not after.limited)] if kept and after is not None else []
    return [*first, (own, False)]


def _has_current(sweep: Sweep, sign: int) -> bool:
    """Return whether the current rises above offset and noise anywhere at this sign of the voltage."""
    here = np.sign(sweep.v) == sign
    i = sign * sweep.i[here]
    if i.size < 5:
        return True
    noise = noise_of_bends(np.diff(i, 2))
    offset = sign * float(sweep.i[np.argmin(np.abs(sweep.v))])
    return bool(i.max() - offset > NOISES * max(noise, 1e-15) and i.max() > abs(offset))


def _loop_signs(items: Sequence[Item], sweeps: Sequence[Sweep | None], definitions: Definitions) -> tuple[int, int]:
    """Return the signs at which the loops of a cell set and reset."""
    found: list[Transition] = []
    for item, sweep in zip(items, sweeps, strict=True):
        if sweep is not None and item.step not in SWITCHING and sweep.excursions and not sweep.other:
            found += transitions(sweep, min(definitions.read, sweep.reach))
    return polarity(found).expected


def _loop(
    common: dict[str, Any], sweep: Sweep, after: _State | None, signs: tuple[int, int], definitions: Definitions
) -> list[Step]:
    """Return the set and the reset of a loop, as two steps in their order; a reading if its step says so."""
    read = min(definitions.read, sweep.reach)
    if common["step"] == "read":
        value = sweep.level(sweep.parts[0], read)
        return [Step(**common, outcome="read", g_before_s=value if value > 0 else np.nan)]
    following = after.value if after is not None else np.nan
    found = figures_of(sweep, transitions(sweep, read, following), signs, definitions.v_set, definitions.v_reset)
    ends = {sign: sign * float(np.abs(sweep.v[np.sign(sweep.v) == sign]).max(initial=0.0)) for sign in (1, -1)}
    steps = []
    for step, at, limit, sign in (
        ("set", found.v_set_v, found.set_limit_v, signs[0]),
        ("reset", found.v_reset_v, found.reset_limit_v, signs[1]),
    ):
        has_way = any(each.sign == sign or sign == 0 for each in sweep.excursions)
        if not has_way:
            continue
        switched = np.isfinite(at) or (step == "set" and _is_hidden(found, definitions))
        outcome = "switched" if switched else "at_limit" if np.isfinite(limit) else "no_switching"
        bound = np.nan if switched else limit if np.isfinite(limit) else ends.get(sign, np.nan)
        levels = (
            {"g_hrs_s": found.g_hrs_s, "g_lrs_s": found.g_lrs_s}
            if step == "set" or not np.isfinite(found.v_set_v)
            else {}
        )
        own: dict[str, Any] = {
            **common,
            "step": step,
            f"v_{step}_v": at,
            "bound_v": bound,
            "outcome": outcome,
            "from_loop": True,
        }
        steps.append(Step(**{**own, **levels}))
    resets_first = sweep.excursions[0].sign == signs[1] != signs[0]
    return steps[::-1] if resets_first else steps
