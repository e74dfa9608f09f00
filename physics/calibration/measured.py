"""Measured sweeps as a calibration takes them: levels of one compliance, each cut into its branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.errors import ParameterError, TraceError
from devicekit.features.compliance import assign_limit, assign_shared_limits
from devicekit.features.sweep_segments import Excursion, Segment, excursions, split_segments
from devicekit.tables import SweepTable
from devicekit.text import si
from physics.constants import Array

BRANCHES = ("set", "set_back", "reset")
"""What is compared: the way up of the SET, its way back, and the way up of the RESET."""

WORDS = {"set": "SET", "set_back": "way back", "reset": "RESET"}
"""The same for people."""

WEIGHTS = {"set": 1.0, "set_back": 0.5, "reset": 1.0}
"""Weight of a branch's root mean square; the way back repeats the LRS of the RESET."""

_LIMITED = 0.97  # of the compliance: from there on the current is the instrument's
_NEAR_ZERO = 0.03  # of the reach: below it the current is offset and noise
_MOST_POINTS = 80
_FEWEST_POINTS = 8
_CHANGE = 2.0  # least ratio of conductances of a SET or a RESET
_READ = 0.25  # of the reach: the part of a leg that shows its state


@dataclass(frozen=True, eq=False)
class Branch:
    """One monotonous way of a sweep: voltage [V], and ln of the size of the current in A; name as in `BRANCHES`."""

    name: str
    voltage: Array
    log_current: Array


@dataclass(frozen=True, eq=False)
class Level:
    """One SET (and the RESET after it) at one compliance.

    Attributes
    ----------
    name : str
        Device, cycle and compliance.
    compliance : float
        Current limit of the SET [A]; inf where none was found.
    source : str
        "stated", "data" (a plateau) or "" for none.
    rate : float
        Ramp rate [V/s].
    set_stop, reset_stop : float
        Ends of the ramps [V]; `reset_stop` is 0 without a RESET.
    branches : tuple of Branch
    mirrored : bool
        Whether the device sets at negative voltages; all signs were changed.
    """

    name: str
    compliance: float
    source: str
    rate: float
    set_stop: float
    reset_stop: float
    branches: tuple[Branch, ...]
    mirrored: bool

    def branch(self, name: str) -> Branch | None:
        """The branch of a name, if there is one."""
        return next((each for each in self.branches if each.name == name), None)


def levels_of(table: SweepTable, rate: float | None = None) -> tuple[Level, ...]:
    """Levels of a sweep table: one for each sweep that sets.

    The compliance is the stated one or a plateau of the current; the rate that of the times, if there are any. A
    device that sets at negative voltages is mirrored.

    Parameters
    ----------
    table : SweepTable
    rate : float, optional
        Ramp rate [V/s], where the table has no times.

    Raises
    ------
    ParameterError
        If there are no times and no rate is given, or one that the times contradict.
    TraceError
        If no sweep sets, or a branch has too few points.
    """
    groups = list(table.frame.groupby(["device_id", "cycle"], sort=False))
    sweeps = [_arrays(rows) for _, rows in groups]
    names = [f"{key[0]} {key[1]}" for key, _ in groups]  # type: ignore[index]
    found = []
    for v, i, stated, _ in sweeps:
        found.append(tuple(assign_limit(v, i, each, stated) for each in excursions(v, split_segments(v))))
    found = assign_shared_limits([(v, i, each) for (v, i, _, _), each in zip(sweeps, found, strict=True)])
    signs = [each.sign for (v, i, _, _), all_ in zip(sweeps, found, strict=True) for each in all_ if _sets(v, i, each)]
    if not signs:
        raise TraceError(
            "no sweep sets: a calibration needs a way up and the way back to 0 V, whose conductance at least doubles"
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
    """Voltage [V], current [A], stated compliance [A] and time [s] of one sweep; NaN where not given."""
    frame = rows.dropna(subset=["voltage_v", "current_a"])  # type: ignore[attr-defined]
    blank = np.full(len(frame), np.nan)
    limit, time = (frame[name].to_numpy(float) if name in frame else blank for name in ("compliance_a", "time_s"))
    return frame["voltage_v"].to_numpy(float), frame["current_a"].to_numpy(float), limit, time


def _state(v: Array, i: Array, leg: Segment) -> float:
    """Median conductance of the low part of a leg [S]; NaN where it has none."""
    size, current = np.abs(v[leg.start : leg.stop]), np.abs(i[leg.start : leg.stop])
    low = (size > _NEAR_ZERO * size.max()) & (size < _READ * size.max())
    return float(np.median(current[low] / size[low])) if low.any() else float("nan")


def _sets(v: Array, i: Array, each: Excursion) -> bool:
    return each.back is not None and _state(v, i, each.back) >= _CHANGE * _state(v, i, each.up)


def _rate(v: Array, t: Array, up: Segment, rate: float | None, name: str) -> float:
    """Ramp rate of a way up [V/s]."""
    if rate is not None and not (np.isfinite(rate) and rate > 0):
        raise ParameterError(f"rate: found {rate:g}, expected more than 0 V/s")
    known = np.flatnonzero(np.isfinite(t[up.start : up.stop])) + up.start
    steps = known[np.insert(np.diff(v[known]) != 0, 0, True)] if known.size else known  # a voltage read twice is one
    # of steps that share a stamp the first: from it to the first of the next stamp the time has passed
    steps = steps[np.insert(np.diff(t[steps]) != 0, 0, True)] if steps.size else steps
    taken, rise = np.diff(t[steps]), np.abs(np.diff(v[steps]))
    if not (taken > 0).any():
        if rate is None:
            raise ParameterError(
                f"rate: {name} has no times: pass the ramp rate in V/s (a decade of it moves a SET by some 45 mV)"
            )
        return rate
    own = float(np.median(rise[taken > 0] / taken[taken > 0]))
    if rate is not None and abs(np.log(own / rate)) > np.log(1.05):
        raise ParameterError(f"rate: found {rate:g} V/s, but the times of {name} say {own:.3g} V/s")
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
    return Level(label, limit, put.source, rate, stop, reset_stop, tuple(branches), mirrored)


def _branch(name: str, v: Array, i: Array, leg: Segment, limit: float, of: str) -> Branch:
    """Points of a leg that a simulation can be held against: beyond the noise about 0 V, below the compliance."""
    voltage, current = v[leg.start : leg.stop], i[leg.start : leg.stop]
    size, direction = np.abs(voltage), 1.0 if leg.rising else -1.0
    keep = (size > _NEAR_ZERO * size.max()) & (voltage * current > 0)
    at_limit = np.abs(current) >= _LIMITED * limit
    if leg.rising and at_limit.any():  # once limited, what follows is the instrument's
        keep &= np.arange(size.size) < int(np.argmax(at_limit))
    keep &= ~at_limit
    rank = np.maximum.accumulate(direction * size)
    keep &= direction * size >= rank  # steps back of the voltage are noise
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
    """The levels that are kept, and those whose compliance [A] is one of some, within 5 %.

    Raises
    ------
    ParameterError
        If one of the compliances is no level's, or no level is left.
    """
    for wanted in compliances:
        if not wanted > 0:
            raise ParameterError(f"hold-out: found {wanted:g} A, expected a compliance above 0")
        if not any(abs(level.compliance / wanted - 1) < 0.05 for level in levels):
            known = ", ".join(si(level.compliance, "A") for level in levels)
            raise ParameterError(f"hold-out: no level at {si(wanted, 'A')}; there are {known}")
    out = [level for level in levels if any(abs(level.compliance / wanted - 1) < 0.05 for wanted in compliances)]
    kept = [level for level in levels if level not in out]
    if not kept:
        raise ParameterError("hold-out: no level is left to fit")
    return kept, out
