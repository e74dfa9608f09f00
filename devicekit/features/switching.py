"""Definitions of V_set and V_reset: functions of the branch on which the device switches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

AT_COMPLIANCE = 0.98  # share of the compliance at which a point counts as limited


@dataclass(frozen=True)
class Rising:
    """The rising branch that switches: |V| and |I| up to the compliance, and the levels before and after."""

    v: np.ndarray  # [V], magnitudes
    i: np.ndarray  # [A], magnitudes
    before: float  # conductance at the read voltage before [S]
    after: float  # and after [S]
    limit: float | None  # compliance [A]
    level: float  # conductance before, from a wider range: more precise, and reads a curved HRS a little high [S]

    @property
    def ln_g(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.v > 0) & (self.i > 0), np.log(self.i / self.v), np.nan)


def half_ln_g(branch: Rising) -> float:
    """|V| where ln G is last half-way between its levels at the read voltage, interpolated [V]; NaN if never."""
    if not (branch.level > 0 and branch.after > 0):
        return float("nan")
    level = 0.5 * (np.log(branch.level) + np.log(branch.after))
    way = 1.0 if branch.after > branch.level else -1.0
    distance = way * (branch.ln_g - level)
    known = np.flatnonzero(np.isfinite(distance))
    short = known[distance[known] < 0]
    if short.size == 0 or short[-1] == known[-1]:
        return float("nan")
    a = short[-1]
    b = known[np.searchsorted(known, a) + 1]
    return float(branch.v[a] + (branch.v[b] - branch.v[a]) * distance[a] / (distance[a] - distance[b]))


def _steepest(v: np.ndarray, y: np.ndarray, sign: float) -> float:
    dv = np.diff(v)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(dv > 0, sign * np.diff(y) / dv, np.nan)
    if not np.isfinite(slope).any():
        return float("nan")
    k = int(np.nanargmax(slope))
    return float(0.5 * (v[k] + v[k + 1]))


def max_didv(branch: Rising) -> float:
    """|V| in the middle of the interval with the steepest rise of I [V]."""
    return _steepest(branch.v, branch.i, 1.0)


def max_dlnidv(branch: Rising) -> float:
    """|V| in the middle of the interval with the steepest rise of ln I [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _steepest(branch.v, np.where(branch.i > 0, np.log(branch.i), np.nan), 1.0)


def at_compliance(branch: Rising) -> float:
    """|V| of the first point at 98 % of the compliance [V]; depends on the compliance. NaN without one."""
    if branch.limit is None:
        return float("nan")
    hit = np.flatnonzero(branch.i >= AT_COMPLIANCE * branch.limit)
    return float(branch.v[hit[0]]) if hit.size else float("nan")


def peak_current(branch: Rising) -> float:
    """|V| of the largest |I| after smoothing (Savitzky-Golay, 7 points, order 2) [V]."""
    from scipy.signal import savgol_filter

    known = np.isfinite(branch.i)
    v, i = branch.v[known], branch.i[known]
    if i.size == 0:
        return float("nan")
    smooth = savgol_filter(i, 7, 2) if i.size >= 7 else i
    return float(v[int(np.argmax(smooth))])


def onset(branch: Rising) -> float:
    """|V| of the first of two points with G 10 % below the level before [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (branch.i / branch.v < 0.9 * branch.before) & (branch.v > 0)
    twice = np.flatnonzero(below[:-1] & below[1:])
    return float(branch.v[twice[0]]) if twice.size else float("nan")


def steepest_drop(branch: Rising) -> float:
    """|V| in the middle of the interval with the steepest fall of I [V]."""
    return _steepest(branch.v, branch.i, -1.0)


V_SET: dict[str, Callable[[Rising], float]] = {
    "half_ln_g": half_ln_g, "max_didv": max_didv, "max_dlnidv": max_dlnidv, "compliance": at_compliance,
}  # fmt: skip
V_RESET: dict[str, Callable[[Rising], float]] = {
    "peak_current": peak_current, "onset": onset, "steepest_drop": steepest_drop, "half_ln_g": half_ln_g,
}  # fmt: skip
