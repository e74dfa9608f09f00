"""Measured sweeps for a calibration: levels with one compliance each, divided into branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import ParameterError, TraceError
from devicekit.core.records import Record, column, internal
from devicekit.core.text import si
from devicekit.features.dc.compliance import assign_limit, assign_shared_limits
from devicekit.features.dc.segments import Excursion, Segment, excursions, split_segments
from devicekit.tables import SweepTable
from physics.constants import Array

BRANCHES = ("set", "set_back", "reset")
"""Branches that are compared: the way up of the SET, its way back, and the way up of the RESET."""

WORDS = {"set": "SET", "set_back": "way back", "reset": "RESET"}
"""Display names of the branches."""

WEIGHTS = {"set": 1.0, "set_back": 0.5, "reset": 1.0}
"""Weight of a branch's root mean square; the way back repeats the LRS of the RESET."""

_LIMITED = 0.97  # fraction of the compliance from which the instrument limits the current
_NEAR_ZERO = 0.03  # fraction of the range below which the current is offset and noise
_MOST_POINTS = 80
_FEWEST_POINTS = 8
_CHANGE = 2.0  # smallest ratio of conductances of a SET or a RESET
_READ = 0.25  # fraction of the range that shows the state


@dataclass(frozen=True, eq=False)
class Branch:
    """One monotonic part of a sweep: voltage [V] and ln of the magnitude of the current in A; name as in `BRANCHES`."""

    name: str
    voltage: Array
    log_current: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Level(Record):
    """One SET (and the RESET after it) at one compliance."""

    name: str = column(name="level", doc="device, cycle and compliance")
    compliance: float = column(name="compliance_a", unit="A", doc="current limit of the SET; inf without one")
    source: str = column(name="compliance_source", doc='"stated", "data" (a plateau), or "" without one')
    rate: float = column(name="rate_v_s", unit="V/s", doc="ramp rate")
    set_stop: float = internal("end of the ramp of the SET", unit="V")
    reset_stop: float = internal("end of the ramp of the RESET; 0 without one", unit="V")
    branches: tuple[Branch, ...] = internal("its parts that are compared")
    mirrored: bool = column(doc="whether the device sets at negative voltages, so that all signs were changed")

    def branch(self, name: str) -> Branch | None:
        """Return the branch with a name, or None."""
        return next((each for each in self.branches if each.name == name), None)


def levels_of(table: SweepTable, rate: float | None = None) -> tuple[Level, ...]:
    """Extract the levels of a sweep table, one for each sweep with a SET.

    The compliance is the one given or a plateau of the current; the ramp rate comes from the times, if given. A device
    that sets at negative voltages is mirrored.

    Parameters
    ----------
    table : SweepTable
    rate : float, optional
        Ramp rate [V/s], for tables without times.

    Raises
    ------
    ParameterError
        If there are neither times nor a rate, or they disagree.
    TraceError
        If no sweep contains a SET, or a branch has too few points.
    """
    groups = list(table.frame.groupby(["device_id", "cycle"], sort=False))
    sweeps = [_arrays(rows) for _, rows in groups]
    names = [f"{key[0]} loop {key[1]}" for key, _ in groups]  # type: ignore[index]
    found = []
    for v, i, stated, _ in sweeps:
        found.append(tuple(assign_limit(v, i, each, stated) for each in excursions(v, split_segments(v))))
    found = assign_shared_limits([(v, i, each) for (v, i, _, _), each in zip(sweeps, found, strict=True)])
    signs = [each.sign for (v, i, _, _), all_ in zip(sweeps, found, strict=True) for each in all_ if _sets(v, i, each)]
    if not signs:
        raise TraceError(
            "no sweep contains a SET: a calibration needs sweeps up and back to 0 V whose conductance at least doubles"
        )
    sign = 1 if sum(signs) >= 0 else -1
    levels = []
    for name, (v, i, _, t), parts in zip(names, sweeps, found, strict=True):
        chosen = next((k for k, each in enumerate(parts) if each.sign == sign and _sets(v, i, each)), None)
        if chosen is None:
            continue
        later = (
            each for each in parts[chosen + 1 :] if each.sign == -sign and each.up.start >= parts[chosen].up.stop - 1
        )
        pace = _rate(v, t, parts[chosen].up, rate, name)
        levels.append(_level(name, sign * v, sign * i, parts[chosen], next(later, None), pace, sign < 0))
    return tuple(levels)


def _arrays(rows: object) -> tuple[Array, Array, Array, Array]:
    """Return voltage [V], current [A], compliance [A] and time [s] of one sweep; NaN if not given."""
    frame = rows.dropna(subset=["voltage_v", "current_a"])  # type: ignore[attr-defined]
    blank = np.full(len(frame), np.nan)
    limit, time = (frame[name].to_numpy(float) if name in frame else blank for name in ("compliance_a", "time_s"))
    return frame["voltage_v"].to_numpy(float), frame["current_a"].to_numpy(float), limit, time


def _state(v: Array, i: Array, leg: Segment) -> float:
    """Return the median conductance of the low part of a segment [S]; NaN if it has none."""
    size, current = np.abs(v[leg.start : leg.stop]), np.abs(i[leg.start : leg.stop])
    low = (size > _NEAR_ZERO * size.max()) & (size < _READ * size.max())
    return float(np.median(current[low] / size[low])) if low.any() else float("nan")


def _sets(v: Array, i: Array, each: Excursion) -> bool:
    return each.back is not None and _state(v, i, each.back) >= _CHANGE * _state(v, i, each.up)


def _rate(v: Array, t: Array, up: Segment, rate: float | None, name: str) -> float:
    """Return the ramp rate of a way up [V/s]."""
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise ParameterError(f"rate: found {rate:g}, expected more than 0 V/s")
    known = np.flatnonzero(np.isfinite(t[up.start : up.stop])) + up.start
    steps = known[np.insert(np.diff(v[known]) != 0, 0, True)] if known.size else known  # repeated voltages count once
    # the first of the steps with one time stamp: the time passes from it to the first of the next stamp
    steps = steps[np.insert(np.diff(t[steps]) != 0, 0, True)] if steps.size else steps
    taken, rise = np.diff(t[steps]), np.abs(np.diff(v[steps]))
    if not (taken > 0).any():
        if rate is None:
            raise ParameterError(
                f"rate: {name} has no times; give the ramp rate in V/s (a factor of 10 shifts a SET by about 40 mV)"
            )
        return rate
    own = float(np.median(rise[taken > 0] / taken[taken > 0]))
    if rate is not None and abs(np.log(own / rate)) > np.log(1.05):
        raise ParameterError(f"rate: found {rate:g} V/s, but the times of {name} give {own:.3g} V/s")
    return own


def _level(name: str, v: Array, i: Array, put: Excursion, out: Excursion | None, rate: float, mirrored: bool) -> Level:
    limit = float("inf") if put.limit is None else put.limit
    assert put.back is not None
    branches = [_branch("set", v, i, put.up, limit, name), _branch("set_back", v, i, put.back, limit, name)]
    reset_stop = 0.0
    if out is not None:
        branches.append(_branch("reset", v, i, out.up, float("inf"), name))
        reset_stop = float(v[out.up.start : out.up.stop].min())
    label = f"{name}, {si(limit, 'A')}" if np.isfinite(limit) else f"{name}, no compliance"
    stop = float(v[put.up.start : put.up.stop].max())
    return Level(
        name=label,
        compliance=limit,
        source=put.source,
        rate=rate,
        set_stop=stop,
        reset_stop=reset_stop,
        branches=tuple(branches),
        mirrored=mirrored,
    )


def _branch(name: str, v: Array, i: Array, leg: Segment, limit: float, of: str) -> Branch:
    """Select the points of a segment for comparison: beyond the noise around 0 V, below the compliance."""
    voltage, current = v[leg.start : leg.stop], i[leg.start : leg.stop]
    size, direction = np.abs(voltage), 1.0 if leg.rising else -1.0
    keep = (size > _NEAR_ZERO * size.max()) & (voltage * current > 0)
    at_limit = np.abs(current) >= _LIMITED * limit
    if leg.rising and at_limit.any():  # after the first limited point, the instrument sets the current
        keep &= np.arange(size.size) < int(np.argmax(at_limit))
    keep &= ~at_limit
    rank = np.maximum.accumulate(direction * size)
    keep &= direction * size >= rank  # backward steps of the voltage are noise
    places = np.flatnonzero(keep)
    _, first = np.unique(size[places], return_index=True)
    places = places[np.sort(first)]
    if places.size < _FEWEST_POINTS:
        words = name.replace("_", " ")
        raise TraceError(f"{of}: {words} has {places.size} usable points, expected {_FEWEST_POINTS} or more")
    if places.size > _MOST_POINTS:
        places = places[np.unique(np.linspace(0, places.size - 1, _MOST_POINTS).round().astype(int))]
    return Branch(name, voltage[places], np.log(np.abs(current[places])))


def select(levels: Sequence[Level], compliances: Sequence[float]) -> tuple[list[Level], list[Level]]:
    """Divide levels into those to fit and those with one of the given compliances [A], within 5 %.

    Raises
    ------
    ParameterError
        If a compliance matches no level, or no level is left.
    """
    for wanted in compliances:
        if not wanted > 0:
            raise ParameterError(f"hold-out: found {wanted:g} A, expected a compliance above 0")
        if not any(abs(level.compliance / wanted - 1) < 0.05 for level in levels):
            known = ", ".join(si(level.compliance, "A") for level in levels)
            raise ParameterError(f"hold-out: no level at {si(wanted, 'A')}, expected one of {known}")
    out = [level for level in levels if any(abs(level.compliance / wanted - 1) < 0.05 for wanted in compliances)]
    kept = [level for level in levels if level not in out]
    if not kept:
        raise ParameterError("hold-out: no level is left to fit")
    return kept, out
