"""Leg on which a device switches, and the definitions of the switching voltage.

On an abrupt set with a logistic transition of width w in G and a ratio R = G_LRS / G_HRS, `half_ln_g` lies
w ln(sqrt(R) - 1) below the midpoint that `max_didv` finds: 37 mV for w = 12 mV and R = 500. It has the smallest spread
and is therefore the default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from devicekit.features import definitions
from devicekit.features.stats import noise_of_bends

AT_COMPLIANCE = 0.98  # share of the compliance at which a point counts as limited
SET_CURRENT = 1e-4  # A; current of a set for `at_100ua`
ROUNDED = 1.01e-4  # share of a current that four digits may hide, cut off
SMOOTHED = 7  # points of the smoothing of a reset
FALLEN = 0.05  # share of the largest current by which it must fall after the peak of a reset
FALLEN_NOISE = 4.0  # and the same in relative standard deviations of its noise
BEYOND = 2  # voltages of the way up that must lie above a V_set or V_reset


@dataclass(frozen=True)
class Switching:
    """Leg of rising voltage on which a device switches: magnitudes up to the compliance, and the levels around it."""

    v: np.ndarray  # [V], magnitudes
    i: np.ndarray  # [A], magnitudes
    before: float  # conductance at the read voltage before [S]
    after: float  # and after [S]
    limit: float | None  # compliance [A]
    level: float  # conductance before, from a wider range: more precise, but slightly high for a curved HRS [S]
    hit: bool = False  # the leg ends at its first point at the compliance

    @property
    def ln_g(self) -> np.ndarray:
        """ln of G [S] at each point; NaN where it is not above 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((self.v > 0) & (self.i > 0), np.log(self.i / self.v), np.nan)


def cut(leg: Switching) -> Switching:
    """Cut a leg at its first point at the compliance; later points show nothing of the device."""
    hit = np.flatnonzero(leg.i >= AT_COMPLIANCE * leg.limit) if leg.limit is not None else np.empty(0, int)
    if hit.size == 0:
        return leg
    stop = hit[0] + 1
    return replace(leg, v=leg.v[:stop], i=leg.i[:stop], hit=True)


def _short_of_half_way(leg: Switching) -> tuple[np.ndarray, np.ndarray]:
    """Return how far ln G lies beyond half-way between its levels, and the positions where that is known."""
    level = 0.5 * (np.log(leg.level) + np.log(leg.after))
    sign = 1.0 if leg.after > leg.level else -1.0
    distance = sign * (leg.ln_g - level)
    return distance, np.flatnonzero(np.isfinite(distance))


def half_ln_g(leg: Switching) -> float:
    """Return |V| where ln G is last half-way between its levels at the read voltage [V]; NaN if never.

    Where the compliance ends a set before I / V is half-way, the voltage of that point counts. A current that noise or
    an offset makes negative is below half-way on the way to a set, whose voltage is then in the middle of a step.
    """
    if not (leg.level > 0 and leg.after > 0):
        return float("nan")
    distance, known = _short_of_half_way(leg)
    short = known[distance[known] < 0]
    is_set = leg.after > leg.level
    if short.size == 0 and not (is_set and known.size and known[0] > 0):
        return float("nan")
    if short.size and short[-1] == known[-1]:
        return float(leg.v[-1]) if leg.hit else float("nan")
    a = short[-1] if short.size else known[0] - 1
    b = known[np.searchsorted(known, a, side="right")]
    if is_set and (b > a + 1 or short.size == 0):  # hidden points between
        return float(0.5 * (leg.v[b - 1] + leg.v[b]))
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
    """Return |V| in the middle of the interval with the steepest rise of I [V]."""
    return _steepest(leg.v, leg.i, 1.0)


def max_dlnidv(leg: Switching) -> float:
    """Return |V| in the middle of the interval with the steepest rise of ln I [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _steepest(leg.v, np.where(leg.i > 0, np.log(leg.i), np.nan), 1.0)


def at_compliance(leg: Switching) -> float:
    """Return |V| of the first point at 98 % of the compliance [V]; depends on the compliance. NaN without one."""
    if leg.limit is None:
        return float("nan")
    hit = np.flatnonzero(leg.i >= AT_COMPLIANCE * leg.limit)
    return float(leg.v[hit[0]]) if hit.size else float("nan")


_PLACES = np.vander(np.arange(SMOOTHED) - SMOOTHED // 2, 3)
_PARABOLA = _PLACES @ np.linalg.pinv(_PLACES)  # from the readings of a window to its least-squares parabola


def _smooth(i: np.ndarray) -> np.ndarray:
    """Smooth by Savitzky-Golay: the middle of each window's parabola, at the ends its ends too."""
    half = SMOOTHED // 2
    smooth = np.convolve(i, _PARABOLA[half], "same")  # symmetric: no turning round
    smooth[:half] = _PARABOLA[:half] @ i[:SMOOTHED]
    smooth[-half:] = _PARABOLA[half + 1 :] @ i[-SMOOTHED:]
    return smooth


def _peak(leg: Switching) -> tuple[float, bool]:
    """Return |V| of the peak before the reset [V], and whether the current has fallen from it at the end of the leg.

    A curved HRS may carry more at a higher voltage than the LRS did at the reset. So the peak is the largest current
    before G is half-way down and the current has fallen by 5 %, or by four times its noise; of the whole leg if that
    never happens. Smoothing shifts a peak before a sudden fall by two points; if the noise is small compared with the
    rise of one step, the largest reading near the smoothed peak is the peak.
    """
    known = np.isfinite(leg.i)
    v, i = leg.v[known], leg.i[known]
    if i.size == 0:
        return float("nan"), False
    noise = noise_of_bends(np.diff(np.log(i[i > 0]), 2))  # relative
    smooth = _smooth(i) if i.size >= SMOOTHED else i
    start = i.size - 1
    if leg.level > 0 and leg.after > 0:
        down = np.flatnonzero(smooth <= v * np.sqrt(leg.level * leg.after))
        start = int(down[0]) if down.size else start
    highest = np.maximum.accumulate(smooth)
    fallen = np.flatnonzero(smooth[start:] <= (1 - max(FALLEN, FALLEN_NOISE * noise)) * highest[start:])
    stop = start + int(fallen[0]) if fallen.size else i.size - 1
    peak = int(np.argmax(smooth[: stop + 1]))
    half = SMOOTHED // 2
    first = max(peak - half, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = np.diff(np.log(i[first : peak + 1]))
    if rise.size and noise <= 0.5 * float(np.median(rise)):
        peak = first + int(np.argmax(i[first : min(peak + half, stop) + 1]))
    return float(v[peak]), bool(fallen.size)


def peak_current(leg: Switching) -> float:
    """Return |V| of the largest |I| before the reset [V], smoothed (Savitzky-Golay, 7 points) where it is noisy."""
    return _peak(leg)[0]


def onset(leg: Switching) -> float:
    """Return |V| of the first of two points with G 10 % below the level before [V]; fails at noise of 10 %."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (leg.i / leg.v < 0.9 * leg.before) & (leg.v > 0)
    twice = np.flatnonzero(below[:-1] & below[1:])
    return float(leg.v[twice[0]]) if twice.size else float("nan")


def steepest_drop(leg: Switching) -> float:
    """Return |V| in the middle of the interval with the steepest fall of I [V]."""
    return _steepest(leg.v, leg.i, -1.0)


def crossing(voltage: np.ndarray, current: np.ndarray, level: float = SET_CURRENT) -> float:
    """Return voltage at which a rising current first reaches `level` [A], linear in its logarithm [V]; NaN if never.

    A current that stays below it by no more than the rounding of four digits, such as one limited to it, reaches it.
    """
    for least in (level, (1 - ROUNDED) * level):
        above = np.flatnonzero(current >= least)
        if above.size:
            break
    else:
        return float("nan")
    k, level = int(above[0]), least
    if k == 0 or current[k - 1] <= 0:
        return float(voltage[k])
    part = np.log(level / current[k - 1]) / np.log(current[k] / current[k - 1])
    return float(voltage[k - 1] + part * (voltage[k] - voltage[k - 1]))


def is_out_of_reach(limit: np.ndarray | float) -> np.ndarray:
    """Return where a current limit [A] lies below the current of `at_100ua`; False where it is NaN."""
    return np.asarray(limit) < (1 - ROUNDED) * SET_CURRENT


def at_100ua(leg: Switching) -> float:
    """Return |V| at which |I| first reaches 100 uA [V], interpolated in ln I; NaN if never. It need not be a switch."""
    return crossing(leg.v, leg.i)


def half_limit(leg: Switching) -> float:
    """Return |V| at which |I| first reaches half of its limit [V], as `crossing`; `half_ln_g` without a limit."""
    if leg.limit is None:
        return half_ln_g(leg)
    return crossing(leg.v, leg.i, definitions.FORMED_AT * leg.limit)


def _beyond(voltage: np.ndarray, at: float) -> int:
    """Return number of distinct voltages of a way up that lie beyond `at`; a turn that is read twice counts once."""
    steps = np.diff(np.unique(voltage))
    if steps.size == 0:
        return 0
    apart = 0.5 * float(np.median(steps))
    above = np.unique(voltage[voltage > at])
    return int(above.size and 1 + (np.diff(above) > apart).sum())


def set_at_limit(leg: Switching, at: float) -> bool:
    """Return whether a set is unfinished where the way up ends, so that `at` is not a V_set.

    That is so if fewer than two voltages lie above it, or ln G has not come half-way. A set that reaches its compliance
    is finished.

    Parameters
    ----------
    leg : Switching
        The leg of the set, cut at the compliance.
    at : float
        |V| by a definition [V]; NaN if none.
    """
    if leg.hit:
        return False
    if np.isfinite(at):
        return _beyond(leg.v, at) < BEYOND
    if not (leg.level > 0 and leg.after > 0):
        return False
    distance, known = _short_of_half_way(leg)
    return bool(known.size and distance[known[-1]] < 0)


def reset_at_limit(leg: Switching, at: float, method: str) -> bool:
    """Return whether a reset is unfinished where the way up ends, so that `at` is not a V_reset.

    That is so if fewer than two voltages lie above it. For the peak, or without a voltage, it is also so if the current
    has not fallen from its peak at the end of the leg (see `_peak`).

    Parameters
    ----------
    leg : Switching
        The leg of the reset.
    at : float
        |V| by the definition [V]; NaN if none.
    method : str
        Name of the definition.
    """
    if np.isfinite(at) and _beyond(leg.v, at) < BEYOND:
        return True
    return (method == "peak_current" or not np.isfinite(at)) and not _peak(leg)[1]


def _by_name(names: Sequence[str]) -> dict[str, Callable[[Switching], float]]:
    """Return the functions of these names; "compliance" stands for `at_compliance`."""
    return {name: globals()["at_compliance" if name == "compliance" else name] for name in names}


V_SET = {**_by_name(definitions.V_SET), **_by_name([definitions.V_FORM_METHOD])}
V_RESET = _by_name(definitions.V_RESET)
