"""What a voltage sweep shows of one switching device: V_set, V_reset, HRS, LRS, on/off. One definition of each.

Measured and simulated sweeps go through the same functions. HRS and LRS are slopes of I against V about the read
voltage, a series resistance included.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.features.switching import AT_COMPLIANCE, V_RESET, V_SET, Switching, half_ln_g

LEAST_SWITCHING = np.log(2.0)  # ln of G_LRS / G_HRS below which a cycle did not switch
JUMP_SHARE = 1 / 3  # share of the switching that an abrupt set makes at once
REACH = 0.05  # of the largest |V|: on either side of V_set, what counts as at once
GRID = 10  # points of the fixed grid on either side


@dataclass(frozen=True)
class Leg:
    """A part of a voltage sweep between turns: positions `start` to `stop` (not included)."""

    start: int
    stop: int
    sign: int
    rising: bool  # |V| grows


def legs(voltage: np.ndarray) -> tuple[Leg, ...]:
    """Legs of one sweep: the voltage has one sign, and its magnitude only rises or only falls.

    Turns smaller than 2 % of the range of |V| are noise. Points at 0 V end a leg.
    """
    size = np.abs(np.nan_to_num(np.asarray(voltage, float)))
    sign = np.sign(np.nan_to_num(np.asarray(voltage, float)))
    span = size.max(initial=0.0)
    if size.size < 2 or span == 0:
        return ()
    quiet = np.where(size > 0.02 * span, sign, 0)
    known = np.flatnonzero(quiet)
    following = known[np.minimum(np.searchsorted(known, np.arange(size.size)), known.size - 1)]
    side = quiet[following]  # a point near 0 V belongs to what follows it
    found: list[Leg] = []
    edges = np.r_[0, np.flatnonzero(np.diff(side)) + 1, size.size]
    for start, stop in itertools.pairwise(edges):
        found.extend(_one_sign(size[start:stop], int(start), int(side[start]), 0.02 * span))
    return tuple(found)


def _one_sign(size: np.ndarray, start: int, sign: int, noise: float) -> list[Leg]:
    """Split |V| of one sign into rising and falling parts (zigzag with a small threshold)."""
    turns: list[int] = []
    extreme, heading = 0, 0
    for k in range(1, size.size):
        if heading == 0 and abs(size[k] - size[extreme]) > noise:
            heading, extreme = (1 if size[k] > size[extreme] else -1), k
        elif heading and heading * (size[k] - size[extreme]) >= 0:
            extreme = k
        elif heading and heading * (size[extreme] - size[k]) > noise:
            turns.append(extreme)
            heading, extreme = -heading, k
    ends = [0, *turns, size.size]
    parts = []
    for number, (first, last) in enumerate(itertools.pairwise(ends)):
        # the turning point closes a leg and opens the next
        stop = last + 1 if number < len(turns) else last
        if stop - first > 1:
            rising = bool(size[stop - 1] > size[first])
            parts.append(Leg(start + first, start + stop, sign, rising))
    return parts


@dataclass(frozen=True)
class Figures:
    """Figures of merit of one sweep; NaN where there is none.

    Attributes
    ----------
    v_set_v, v_reset_v : float
        Signed voltages of set and reset by a named definition [V].
    g_hrs_s, g_lrs_s, on_off : float
        Conductances at the read voltage [S], and their ratio.
    compliance_a : float
        Current limit in force [A].
    hysteresis_w : float
        Area of the loop [V A].
    outcome : str
        switched (at once), gradual, failed (on/off below 2), one_way (no leg back to read the new state).
    """

    device_id: str
    cycle: int
    v_set_v: float
    v_reset_v: float
    g_hrs_s: float
    g_lrs_s: float
    on_off: float
    compliance_a: float
    hysteresis_w: float
    outcome: str


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep: its points, its legs, and the current limit that it states [A]."""

    device: str
    cycle: int
    v: np.ndarray
    i: np.ndarray
    parts: tuple[Leg, ...]
    limit: float | None

    @staticmethod
    def of(key: Any, rows: pd.DataFrame) -> Sweep:
        """The sweep of a group (device_id, cycle) of a sweep table."""
        v, i = rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)
        known = np.isfinite(v) & np.isfinite(i)
        limit = None
        if "compliance_a" in rows:
            stated = rows["compliance_a"].to_numpy(float)
            limit = float(np.nanmin(stated)) if np.isfinite(stated).any() else None
        v, i = v[known], i[known]
        return Sweep(str(key[0]), int(key[1]), v, i - _offset(i[v == 0]), legs(v), limit)

    @property
    def reach(self) -> float:
        """Largest |V| [V]; 0 without a leg."""
        return float(np.abs(self.v).max(initial=0.0)) if self.parts else 0.0

    def part(self, sign: int, rising: bool) -> Leg | None:
        """The longest leg of that sign and direction."""
        found = [p for p in self.parts if p.sign == sign and p.rising == rising]
        return max(found, key=lambda p: p.stop - p.start) if found else None

    def conductance(self, part: Leg | None, read: float, widest: float = 1.5) -> float:
        """Least-squares I = G V through the origin over half to one and a half times the read voltage [S].

        At a noise floor it is twice as precise as a point or a median; a sinh-shaped HRS reads 1 % high.
        """
        if part is None:
            return float("nan")
        v, i = self.v[part.start : part.stop], self.i[part.start : part.stop]
        near = (np.abs(v) >= 0.5 * read) & (np.abs(v) <= widest * read)
        if not near.any():
            distance = np.where(v != 0, np.abs(np.abs(v) - read), np.inf)
            near = np.isfinite(distance) & (distance == distance.min())
        return float((v[near] @ i[near]) / (v[near] @ v[near])) if near.any() else float("nan")


def _offset(at_zero: np.ndarray) -> float:
    """Offset current of the instrument [A]: the mean at 0 V, if it is far outside its own scatter, else 0.

    Taking off three noisy readings would put their noise into every HRS.
    """
    if at_zero.size < 3:
        return 0.0
    mean, error = float(at_zero.mean()), float(at_zero.std(ddof=1) / np.sqrt(at_zero.size))
    return mean if abs(mean) > 10 * error else 0.0


def _change(sweep: Sweep, sign: int, read: float) -> float:
    """ln of the conductance after over before the branch of that sign; NaN if unknown."""
    before = sweep.conductance(sweep.part(sign, True), read)
    after = sweep.conductance(sweep.part(sign, False), read)
    return float(np.log(after / before)) if before > 0 and after > 0 else float("nan")


def set_polarity(sweeps: Sequence[Sweep], read: float) -> int:
    """The sign of the voltage that raises the conductance, over all sweeps."""
    totals = {}
    for sign in (1, -1):
        changes = np.array([_change(sweep, sign, read) for sweep in sweeps])
        changes = changes[np.isfinite(changes)]
        totals[sign] = float(np.median(changes)) if changes.size else -np.inf
    return 1 if totals[1] >= totals[-1] else -1


def _limit(sweep: Sweep, i: np.ndarray) -> float | None:
    """Compliance: as stated, else a plateau of at least 3 points at the largest current."""
    if sweep.limit is not None:
        return sweep.limit
    top = float(i.max(initial=0.0))
    flat = i[i >= AT_COMPLIANCE * top]
    return top if top > 0 and flat.size >= 3 and np.ptp(flat) == 0 else None


def _rising(sweep: Sweep, sign: int, read: float, cut: bool) -> Switching | None:
    part = sweep.part(sign, True)
    if part is None:
        return None
    v = np.abs(sweep.v[part.start : part.stop])
    i = sign * sweep.i[part.start : part.stop]
    limit = _limit(sweep, i)
    if cut and limit is not None:
        hit = np.flatnonzero(i >= AT_COMPLIANCE * limit)
        if hit.size:  # points after the first one at the limit say nothing about the device
            v, i = v[: hit[0] + 1], i[: hit[0] + 1]
    keep = v >= 0.5 * read  # below, I/V is offset and noise
    return Switching(
        v[keep],
        i[keep],
        sweep.conductance(part, read),
        sweep.conductance(sweep.part(sign, False), read),
        limit,
        sweep.conductance(part, read, widest=2.5),
    )


def is_abrupt(leg: Switching, at: float) -> bool:
    """Whether the leg makes a good share of its switching within a twentieth of its span on either side of `at` [V].

    Judged on a fixed grid of voltages, ln G being interpolated, so that it does not depend on the spacing of points.
    """
    ln_g = leg.ln_g
    known = np.isfinite(ln_g)
    grid = at + REACH * float(leg.v.max()) * np.linspace(-1.0, 1.0, 2 * GRID + 1)
    on_grid = np.interp(grid, leg.v[known], ln_g[known])
    rise = float(on_grid[GRID:].max() - on_grid[: GRID + 1].min())
    return rise > max(LEAST_SWITCHING, JUMP_SHARE * float(np.log(leg.after / leg.level)))


def figures(
    sweep: Sweep,
    read: float,
    polarity: int,
    v_set: str,
    v_reset: str,
) -> Figures:
    """V_set, V_reset, HRS, LRS and outcome of one sweep.

    Parameters
    ----------
    sweep : Sweep
    read : float
        Size of the voltage at which HRS and LRS are read [V].
    polarity : int
        Sign of the voltage that sets (see `set_polarity`).
    v_set, v_reset : str
        Names of the definitions.
    """
    up, down = _rising(sweep, polarity, read, cut=True), _rising(sweep, -polarity, read, cut=False)
    hrs = float("nan")
    if up:  # where the noise swallows the reading, the wider range still tells the level
        hrs = up.before if up.before > 0 else up.level
    lrs = up.after if up else float("nan")
    if not np.isfinite(lrs) and down:
        lrs = down.before
    if not np.isfinite(hrs) and down:
        hrs = down.after
    ratio = lrs / hrs if hrs > 0 and lrs > 0 else float("nan")
    at_set, outcome = float("nan"), "one_way"
    if up is not None and np.isfinite(ratio):
        outcome = "failed"
        if np.log(ratio) >= LEAST_SWITCHING and up.level > 0:
            at, at_set = half_ln_g(up), V_SET[v_set](up)
            outcome = "switched" if np.isfinite(at) and is_abrupt(up, at) else "gradual"
    at_reset = float("nan")
    if down is not None and down.before > 0 and down.after > 0 and down.before >= 2 * down.after:
        at_reset = V_RESET[v_reset](down)
    return Figures(
        device_id=sweep.device,
        cycle=sweep.cycle,
        v_set_v=polarity * at_set,
        v_reset_v=-polarity * at_reset,
        g_hrs_s=hrs,
        g_lrs_s=lrs,
        on_off=ratio,
        compliance_a=up.limit if up and up.limit is not None else float("nan"),
        hysteresis_w=_area(sweep),
        outcome=outcome,
    )


def _area(sweep: Sweep) -> float:
    """Area between the branches of the loop, both polarities [V A]; NaN without a way up and a way back."""
    signs = [sign for sign in (1, -1) if sweep.part(sign, True) and sweep.part(sign, False)]
    total = 0.0 if signs else float("nan")
    for sign in signs:
        here = np.sign(sweep.v) == sign
        if here.sum() > 2:
            total += abs(float(np.trapezoid(sweep.i[here], sweep.v[here])))
    return total
