"""The leg on which a device switches, and the named definitions of the voltage at which it does.

On an abrupt set with a logistic transition of width w in G and a ratio R = G_LRS / G_HRS, `half_ln_g` lies
w ln(sqrt(R) - 1) below the midpoint that `max_didv` finds: 37 mV for w = 12 mV and R = 500. It has the smallest spread,
and is therefore the default for C2C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.features import definitions

AT_COMPLIANCE = 0.98  # share of the compliance at which a point counts as limited
SET_CURRENT = 1e-4  # A; at which `at_100ua` reads a set


@dataclass(frozen=True)
class Switching:
    """The leg of rising voltage on which a device switches: sizes up to the compliance, and the levels around it."""

    v: np.ndarray  # [V], magnitudes
    i: np.ndarray  # [A], magnitudes
    before: float  # conductance at the read voltage before [S]
    after: float  # and after [S]
    limit: float | None  # compliance [A]
    level: float  # conductance before, from a wider range: more precise, and reads a curved HRS a little high [S]

    @property
    def ln_g(self) -> np.ndarray:
        """ln of G [S] at each point; NaN where it is not above 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.v > 0) & (self.i > 0), np.log(self.i / self.v), np.nan)


def half_ln_g(leg: Switching) -> float:
    """|V| where ln G is last half-way between its levels at the read voltage, interpolated [V]; NaN if never."""
    if not (leg.level > 0 and leg.after > 0):
        return float("nan")
    level = 0.5 * (np.log(leg.level) + np.log(leg.after))
    sign = 1.0 if leg.after > leg.level else -1.0
    distance = sign * (leg.ln_g - level)
    known = np.flatnonzero(np.isfinite(distance))
    short = known[distance[known] < 0]
    if short.size == 0 or short[-1] == known[-1]:
        return float("nan")
    a = short[-1]
    b = known[np.searchsorted(known, a) + 1]
    return float(leg.v[a] + (leg.v[b] - leg.v[a]) * distance[a] / (distance[a] - distance[b]))


def _steepest(v: np.ndarray, y: np.ndarray, sign: float) -> float:
    dv = np.diff(v)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(dv > 0, sign * np.diff(y) / dv, np.nan)
    if not np.isfinite(slope).any():
        return float("nan")
    k = int(np.nanargmax(slope))
    return float(0.5 * (v[k] + v[k + 1]))


def max_didv(leg: Switching) -> float:
    """|V| in the middle of the interval with the steepest rise of I [V]."""
    return _steepest(leg.v, leg.i, 1.0)


def max_dlnidv(leg: Switching) -> float:
    """|V| in the middle of the interval with the steepest rise of ln I [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _steepest(leg.v, np.where(leg.i > 0, np.log(leg.i), np.nan), 1.0)


def at_compliance(leg: Switching) -> float:
    """|V| of the first point at 98 % of the compliance [V]; depends on the compliance. NaN without one."""
    if leg.limit is None:
        return float("nan")
    hit = np.flatnonzero(leg.i >= AT_COMPLIANCE * leg.limit)
    return float(leg.v[hit[0]]) if hit.size else float("nan")


def peak_current(leg: Switching) -> float:
    """|V| of the largest |I| after smoothing (Savitzky-Golay, 7 points, order 2) [V]."""
    from scipy.signal import savgol_filter

    known = np.isfinite(leg.i)
    v, i = leg.v[known], leg.i[known]
    if i.size == 0:
        return float("nan")
    smooth = savgol_filter(i, 7, 2) if i.size >= 7 else i
    return float(v[int(np.argmax(smooth))])


def onset(leg: Switching) -> float:
    """|V| of the first of two points with G 10 % below the level before [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (leg.i / leg.v < 0.9 * leg.before) & (leg.v > 0)
    twice = np.flatnonzero(below[:-1] & below[1:])
    return float(leg.v[twice[0]]) if twice.size else float("nan")


def steepest_drop(leg: Switching) -> float:
    """|V| in the middle of the interval with the steepest fall of I [V]."""
    return _steepest(leg.v, leg.i, -1.0)


def crossing(voltage: np.ndarray, current: np.ndarray, level: float = SET_CURRENT) -> float:
    """Voltage at which a rising current first reaches `level` [A], linear in its logarithm [V]; NaN if never."""
    above = np.flatnonzero(current >= level)
    if above.size == 0:
        return float("nan")
    k = int(above[0])
    if k == 0 or current[k - 1] <= 0:
        return float(voltage[k])
    part = np.log(level / current[k - 1]) / np.log(current[k] / current[k - 1])
    return float(voltage[k - 1] + part * (voltage[k] - voltage[k - 1]))


def at_100ua(leg: Switching) -> float:
    """|V| at which |I| first reaches 100 uA, interpolated in ln I [V]; NaN if never. No measure of a switch."""
    return crossing(leg.v, leg.i)


def _by_name(names: Sequence[str]) -> dict[str, Callable[[Switching], float]]:
    """The functions of these names; that of "compliance" is `at_compliance`."""
    return {name: globals()["at_compliance" if name == "compliance" else name] for name in names}


V_SET = _by_name(definitions.V_SET)
V_RESET = _by_name(definitions.V_RESET)
