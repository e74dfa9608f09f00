"""Current limits: from a column, or from the data where the current is constant about the largest |V|."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from devicekit.features.dc.segments import Excursion
from devicekit.features.stats import noise_of_bends

LEAST_EXACT = 3  # equal readings of a plateau without noise
LEAST_NOISY = 5  # readings of a plateau with noise
FLAT = 0.25  # slope of ln I against ln V that a plateau stays below with two standard errors; a resistor has 1
WIDTH = (0.02, 0.10)  # share of the level: least and most half-width of a plateau
NOISES = 3.0  # standard deviations of the noise in the half-width
LEAST_SPAN = 0.03  # range of ln V that a slope needs
SAME = 1.05  # ratio of levels that are one compliance
SEVERAL = 3  # sweeps with one level from which it also counts for sweeps whose own plateau is too short
REACHED = 0.5  # share of a stated compliance below which the current is far from it
LEAST_ERROR = 1e-3  # of a slope
TRANSIENT = 2  # readings that may exceed a limit just after a jump
NO_VOLTAGE = 1e-3  # V, below which no current limit is reached


@dataclass(frozen=True)
class Plateau:
    """Plateau of the current about the largest |V| of an excursion.

    Attributes
    ----------
    level : float
        Current of the plateau [A].
    points : int
    exact : bool
        True if its readings are equal, as simulations and digital limits give them.
    slope, error : float
        d ln I / d ln V over it, and the standard error; NaN where the voltage hardly changes.
    width : float
        Half-width of the plateau, as a share of the level.
    """

    level: float
    points: int
    exact: bool
    slope: float
    error: float
    width: float


def plateau(v: np.ndarray, i: np.ndarray, turn: int) -> Plateau | None:
    """Find the plateau about a turn, if the current has one there that can be its limit (see `_bounds`).

    Parameters
    ----------
    v, i : ndarray, shape (n,)
        Sizes of voltage [V] and current [A] of one excursion.
    turn : int
        Position of the largest voltage.
    """
    if i.size <= turn or not i[turn] > 0:
        return None
    same = _run(i, turn, float(i[turn]), 1e-9)
    if same.sum() >= LEAST_EXACT and _would_show(v, i, same):
        exact = Plateau(float(i[turn]), int(same.sum()), True, 0.0, LEAST_ERROR, WIDTH[0])
        return exact if _bounds(v, i, exact.level, exact.width) else None
    level = float(np.median(i[max(turn - 2, 0) : turn + 3]))
    wide = _run(i, turn, level, WIDTH[1])
    if wide.sum() < LEAST_NOISY:
        return None
    level = float(np.median(i[wide]))
    width = float(np.clip(NOISES * noise_of_bends(np.diff(i[wide], 2)) / level, *WIDTH))
    run = _run(i, turn, level, width)
    if run.sum() < 2 or not _bounds(v, i, level, width):
        return None
    slope, error = _slope(v[run], i[run])
    return Plateau(float(np.median(i[run])), int(run.sum()), False, slope, error, width)


def _bounds(v: np.ndarray, i: np.ndarray, level: float, width: float) -> bool:
    """Return whether a plateau can be a limit: the largest current but for a transient, and not there at 0 V already.

    After a reset, the current of the HRS or the floor of the instrument is flat as well, far below the one before it.
    """
    above = i > (1 + 2 * width) * level
    rises = not (i[v <= NO_VOLTAGE] > REACHED * level).any()
    return bool(rises and above.sum() <= TRANSIENT and REACHED * i.max() <= level)


def _run(i: np.ndarray, turn: int, level: float, width: float) -> np.ndarray:
    """Return which points about the turn lie within a width of the level; two outside in a row end the run."""
    within = np.abs(i - level) <= width * abs(level)
    taken = np.zeros(i.size, bool)
    for step, start in ((1, turn), (-1, turn - 1)):
        missed = 0
        k = start
        while 0 <= k < i.size and missed < 2:
            taken[k] = within[k]
            missed = 0 if within[k] else missed + 1
            k += step
    return taken


def _would_show(v: np.ndarray, i: np.ndarray, run: np.ndarray) -> bool:
    """Return whether a resistor's current would change over the run by more than the resolution of the readings."""
    steps = np.abs(np.diff(i))
    resolution = float(steps[steps > 0].min(initial=np.inf))
    change = float(np.ptp(v[run]) / v[run].max() * i[run].max()) if v[run].max() > 0 else 0.0
    return change > 0 and (not np.isfinite(resolution) or change >= 1.5 * resolution)


def _slope(v: np.ndarray, i: np.ndarray) -> tuple[float, float]:
    known = (v > 0) & (i > 0)
    x, y = np.log(v[known]), np.log(i[known])
    if x.size < 3 or np.ptp(x) < LEAST_SPAN:
        return float("nan"), float("nan")
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    rest = y - y.mean() - slope * x
    return slope, max(float(np.sqrt((rest @ rest) / (x.size - 2) / (x @ x))), LEAST_ERROR)


def is_flat(found: Sequence[Plateau]) -> bool:
    """Return whether plateaus of one level, taken together, come from a current limit and not a steep resistor."""
    if any(each.exact for each in found):
        return True
    sloped = [each for each in found if np.isfinite(each.slope)]
    if not sloped or sum(each.points for each in sloped) < LEAST_NOISY:
        return False
    weights = np.array([each.error**-2 for each in sloped])
    slope = float(weights @ np.array([each.slope for each in sloped]) / weights.sum())
    return slope + 2 / float(np.sqrt(weights.sum())) < FLAT


def plateau_of(v: np.ndarray, i: np.ndarray, each: Excursion) -> Plateau | None:
    """Return the plateau of an excursion of a sweep with these voltages [V] and currents [A]."""
    return plateau(np.abs(v[each.span]), each.sign * i[each.span], each.up.stop - 1 - each.span.start)


def assign_limit(v: np.ndarray, i: np.ndarray, each: Excursion, stated: np.ndarray) -> Excursion:
    """Return an excursion with its current limit: the stated one, else that of its own plateau.

    A stated limit that the current stays far below is not in force if the data show another one, such as that of a
    transistor beside the instrument's range.

    Parameters
    ----------
    v, i, stated : ndarray, shape (n,)
        Voltage [V], current [A] and stated compliance [A] of the sweep; NaN where nothing is stated.
    each : Excursion
    """
    found = plateau_of(v, i, each)
    own = [found.level] if found is not None and is_flat([found]) else []
    here = stated[each.span] if np.isfinite(stated[each.span]).any() else stated
    if np.isfinite(here).any():
        limit = float(np.nanmin(here))
        if not own or float((each.sign * i[each.span]).max()) >= REACHED * limit:
            return replace(each, limit=limit, source="stated")
    return replace(each, limit=own[0], source="data") if own else each


@dataclass(frozen=True)
class _Candidate:
    """Excursion without a stated limit: its place, its plateau, and the current at its turn."""

    place: tuple[int, int]
    sign: int
    found: Plateau | None
    top: float


def assign_shared_limits(
    sweeps: Sequence[tuple[np.ndarray, np.ndarray, tuple[Excursion, ...]]],
) -> list[tuple[Excursion, ...]]:
    """Return the excursions of several sweeps with limits from the data, judged together.

    Plateaus of one level share one compliance: the median of their levels. Their slopes are averaged, so that noise
    hides a compliance less in several sweeps than in one. A sweep that reaches the level at its turn is limited too.

    Parameters
    ----------
    sweeps : sequence of (ndarray, ndarray, tuple of Excursion)
        Voltage [V], current [A] and excursions of each.
    """
    candidates = []
    for n, (v, i, excursions) in enumerate(sweeps):
        for k, each in enumerate(excursions):
            if each.source != "stated":
                turn = i[max(each.up.stop - 3, each.up.start) : each.up.stop]
                top = each.sign * float(np.median(turn))
                candidates.append(_Candidate((n, k), each.sign, plateau_of(v, i, each), top))
    limits: dict[tuple[int, int], float] = {}
    for sign in (1, -1):
        limits |= _levels([each for each in candidates if each.sign == sign])
    with_limits = []
    for n, (_, _, excursions) in enumerate(sweeps):
        rows = []
        for k, each in enumerate(excursions):
            if each.source != "stated":
                known = (n, k) in limits
                each = replace(each, limit=limits[n, k] if known else None, source="data" if known else "")
            rows.append(each)
        with_limits.append(tuple(rows))
    return with_limits


def _levels(candidates: Sequence[_Candidate]) -> dict[tuple[int, int], float]:
    """Return the limit by place, of excursions of one sign."""
    found = sorted(
        ((each.found.level, each.place, each.found) for each in candidates if each.found), key=lambda row: row[0]
    )
    groups: list[list[tuple[float, tuple[int, int], Plateau]]] = []
    for row in found:
        if groups and row[0] <= SAME * groups[-1][-1][0]:
            groups[-1].append(row)
        else:
            groups.append([row])
    limits: dict[tuple[int, int], float] = {}
    for group in groups:
        if not is_flat([each for _, _, each in group]):
            continue
        exact = [level for level, _, each in group if each.exact]
        level = float(np.median(exact or [level for level, _, _ in group]))
        limits |= {place: level for _, place, _ in group}
        if len(group) >= SEVERAL:
            width = float(np.median([each.width for _, _, each in group]))
            near = [each.place for each in candidates if abs(each.top - level) <= width * level]
            limits |= {place: level for place in near if place not in limits}
    return limits
