"""Relaxation of many cells at one temperature: variance and mean of the shift as lines in log10 t.

The variance of a level's shift is linear in log t. Levels are pooled in groups of neighbours, and times at which fewer
than nine in ten cells were read are left out: the cells read there may differ from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate, Record, cell, column
from devicekit.device.horizon import refusal_reason
from devicekit.features.bakes.pairs import Pairs

LEAST_TIMES = 3
POOLED = 4  # levels of a group, at least
COMPLETE = 0.9  # of the cells, that a time of the fit needs
RESAMPLED = 400
MICRO2 = 1e12  # of µS², in S²


@dataclass(frozen=True, kw_only=True)
class GroupRelaxation(Record):
    """Relaxation of one group of levels."""

    levels: str = column("levels", card="levels", doc="group of neighbouring levels, lowest conductance first")
    n: int = column("cells", doc="cells read at all times of the fit")
    variance_slope: Estimate = column(
        name="variance_slope_s2", unit="S2", flat=True, card="variance_slope_s2", interval="slope_interval",
        doc="growth of the variance of the shift per decade of time",
    )  # fmt: skip
    variance_1s_s2: float = column(unit="S2", card="variance_1s_s2", doc="variance of the line at 1 s")
    mean_slope: Estimate = column(
        name="mean_slope_s", unit="S", flat=True, doc="change of the mean shift per decade of time"
    )
    mean_1s_s: float = column(unit="S", doc="mean shift of the line at 1 s")
    time_s: float = column(doc="last time of the fit")
    sd_s: float = column(unit="S", doc="standard deviation of the shift at that time")
    later_s: float | None = column(unit="S", name="later_sd_s", doc="predicted standard deviation at the horizon")

    @cell("variance per decade (95 %)", after="n")
    def slope_text(self) -> str:
        """Growth of the variance with its interval."""
        low, high = (MICRO2 * each for each in self.variance_slope.ends or (np.nan, np.nan))
        return f"{MICRO2 * self.variance_slope.value:.2g} ({low:.2g} to {high:.2g}) µS²"

    def sd(self, time_s: float) -> float:
        """Return the standard deviation of the shift at a time [S]; 0 where the line falls below 0."""
        return float(max(self.variance_1s_s2 + self.variance_slope.value * np.log10(time_s), 0.0) ** 0.5)

    def mean(self, time_s: float) -> float:
        """Return the mean shift at a time [S]."""
        return float(self.mean_1s_s + self.mean_slope.value * np.log10(time_s))


@dataclass(frozen=True, kw_only=True)
class Relaxation(Record):
    """Relaxation of all groups of levels at one temperature."""

    temperature_k: float | None = column(doc="temperature; None if unknown")
    times_s: tuple[float, ...] = column(unit="s", doc="times of the fit")
    decades: float = column(doc="decades of time of the readings")
    groups: tuple[GroupRelaxation, ...] = column(name="relaxation_groups", doc="lines of each group of levels")
    refusal: str | None = column(name="extrapolation_refusal", doc="why there is no prediction at the horizon")


def find_relaxation(pairs: Pairs, horizon_s: float, seed: int = 0) -> Relaxation | None:
    """Fit the relaxation at the temperature with most times; None with fewer than three times.

    Parameters
    ----------
    pairs : Pairs
    horizon_s : float
        Time of the prediction [s]; refused where the readings span too few decades.
    seed : int
        Of the resampling of cells.
    """
    by_temperature: dict[float | None, list[int]] = {}
    present = np.isfinite(pairs.shift).sum(axis=0)
    for k, bake in enumerate(pairs.bakes):
        if present[k] >= COMPLETE * present.max():
            by_temperature.setdefault(bake.temperature_k, []).append(k)
    chosen = max(by_temperature.values(), key=len)
    if len(chosen) < LEAST_TIMES:
        return None
    times = np.array([pairs.bakes[k].time_s for k in chosen])
    decades = float(np.log10(times[-1] / times[0]))
    refusal = refusal_reason(decades, horizon_s, float(times[-1]))
    groups = []
    for number, group in enumerate(pairs.groups(len(pairs.levels), POOLED)):
        shift = pairs.shift[pairs.cells(group)][:, chosen]
        shift = shift[np.isfinite(shift).all(axis=1)]
        if len(shift) > LEAST_TIMES:
            rng = np.random.default_rng([seed, 41, number])
            groups.append(_fit(pairs.name(group), shift, times, None if refusal else horizon_s, rng))
    return Relaxation(
        temperature_k=pairs.bakes[chosen[0]].temperature_k,
        times_s=tuple(float(t) for t in times),
        decades=decades,
        groups=tuple(groups),
        refusal=refusal,
    )


def _fit(
    name: str, shift: np.ndarray, times: np.ndarray, horizon_s: float | None, rng: np.random.Generator
) -> GroupRelaxation:
    """Fit the lines of one group by least squares; intervals by resampling cells, all times of a cell together."""
    n = len(shift)
    x = np.log10(times)
    solve = np.linalg.pinv(np.column_stack([np.ones(x.size), x]))
    weights = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLED)])
    centre = shift.mean(axis=0)
    away = shift - centre
    moments = [weights @ away**power / n for power in (1, 2)]
    lines = [solve @ moments[0].T, solve @ ((moments[1] - moments[0] ** 2) * n / (n - 1)).T]
    mean, variance = (
        Estimate(float(each[1, 0]), *(float(end) for end in np.quantile(each[1, 1:], (0.025, 0.975)))) for each in lines
    )
    shifted = solve @ centre  # of the part that `away` leaves out
    found = GroupRelaxation(
        levels=name,
        n=n,
        variance_slope=variance,
        variance_1s_s2=float(lines[1][0, 0]),
        mean_slope=mean.map(lambda slope: slope + float(shifted[1])),
        mean_1s_s=float(lines[0][0, 0] + shifted[0]),
        time_s=float(times[-1]),
        sd_s=float(shift[:, -1].std(ddof=1)),
        later_s=None,
    )
    return found if horizon_s is None else GroupRelaxation(**{**vars(found), "later_s": found.sd(horizon_s)})


def relaxed(pairs: Pairs, found: Relaxation, time_s: float, normal: bool = False, seed: int = 0) -> np.ndarray:
    """Return the conductance of each cell at a later time [S], shape (cells,); NaN for cells that were not read.

    Parameters
    ----------
    pairs : Pairs
    found : Relaxation
    time_s : float
        Time [s].
    normal : bool
        Draw the cells from a normal law; else each keeps its own shift at the last time of the fit, moved to the mean
        and stretched to the standard deviation of the lines. The two shapes bracket what is unknown.
    seed : int
        Of a normal law.
    """
    last = next(
        k for k, bake in enumerate(pairs.bakes)
        if bake.temperature_k == found.temperature_k and bake.time_s == found.times_s[-1]
    )  # fmt: skip
    after = np.full(pairs.level.size, np.nan)
    rng = np.random.default_rng([seed, 42])
    names = {each.levels: each for each in found.groups}
    for group in pairs.groups(len(pairs.levels), POOLED):
        law = names.get(pairs.name(group))
        if law is None:
            continue
        own = np.flatnonzero(pairs.cells(group) & np.isfinite(pairs.shift[:, last]))
        shift = pairs.shift[own, last]
        shape = rng.standard_normal(own.size) if normal else (shift - shift.mean()) / shift.std(ddof=1)
        after[own] = pairs.before[own, last] + law.mean(time_s) + law.sd(time_s) * shape
    return after
