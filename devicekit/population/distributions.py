"""Distributions over cells: medians with intervals over cells, Weibull and normal laws, yields of each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.estimates import Estimate
from devicekit.core.quantities import Quantity
from devicekit.core.records import Record, cell, column
from devicekit.core.statistics import clopper_pearson, t_quantile
from devicekit.core.text import count, percent, percent_span, si, span
from devicekit.features.lives import censored
from devicekit.features.stats import Undetermined
from devicekit.population.components import label
from devicekit.population.join import QUANTITIES, STATES, UNTRIED
from devicekit.population.steps import HAPPENED, SWITCHING

RESAMPLES = 2000
FEWEST_CELLS = 4  # for an interval over cells
FEWEST_VALUES = 5  # of a law
STEP_NAMES = {"form": "forming", "set": "set", "reset": "reset"}


@dataclass(frozen=True, kw_only=True)
class Distribution(Record):
    """Distribution of one quantity over cells and cycles."""

    quantity: str = column("quantity", text=label, doc="name of the quantity")
    unit: str = column(doc="unit of median and quantiles")
    n: int = column("values", doc="number of values, bounds among them")
    n_cells: int = column("cells", name="cells", doc="number of cells")
    bounds: int = column("beyond the sweep", doc="values of which only a bound is known")
    median: Estimate = column(doc="median with a 95 % interval: bootstrap over cells")

    @cell("median (95 %)")
    def median_text(self) -> str:
        """Median with its interval."""
        text = si(self.median.value, self.unit)
        return f"{text} ({span(*self.median.ends, self.unit)})" if self.median.ends else text

    low: float = column(doc="5 % quantile")
    high: float = column(doc="95 % quantile")

    @cell("5 % to 95 %")
    def range_text(self) -> str:
        """5 % and 95 % quantile."""
        return span(self.low, self.high, self.unit) if np.isfinite(self.low + self.high) else "–"

    weibull_shape: float = column(default=np.nan, doc="exponent of the Weibull law of greatest likelihood")
    weibull_scale: float = column(default=np.nan, doc="value below which 63 % lie by it")
    mean: float = column(default=np.nan, doc="mean of the normal law (of decades for a conductance)")
    sd: float = column(default=np.nan, doc="standard deviation of the normal law (of decades for a conductance)")
    law: str = column(
        "better law",
        text=lambda name: name.replace("weibull", "Weibull"),
        default="",
        doc="weibull or normal (lognormal of a conductance), by likelihood",
    )


@dataclass(frozen=True, kw_only=True)
class Yield(Record):
    """Yield of one step."""

    step: str = column("step", text=lambda name: STEP_NAMES.get(name, name), doc="form, set, reset or cycling")
    n_cells: int = column("cells tried", name="cells", doc="cells on which it was tried")
    done: int = column("cells that switched", doc="cells that did it once at least")
    share: Estimate = column(doc="share of these cells, with the 95 % interval of Clopper and Pearson")

    @cell("yield of cells (95 %)")
    def share_text(self) -> str:
        """Share of the cells with its interval."""
        return _share(self.share)

    attempts: int = column("attempts", doc="number of attempts")
    successes: int = column("successes", doc="attempts that switched")
    attempt_share: Estimate = column(doc="share of the attempts; the interval counts attempts of one cell as alike")

    @cell("of attempts (95 %)")
    def attempts_text(self) -> str:
        """Share of the attempts with its interval."""
        return _share(self.attempt_share)


def _share(found: Estimate) -> str:
    return f"{percent(found.value)} ({percent_span(*found.ends)})" if found.ends else percent(found.value)


def order(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the known values in order, and the share below each by Kaplan and Meier; larger bounds stay in the risk.

    Parameters
    ----------
    low, high : ndarray, shape (n,)
        Equal where the value is known.
    """
    known = low == high
    at = np.lexsort((~known, low))
    risk = len(low) - np.arange(len(low))
    survive = np.cumprod(np.where(known[at], 1.0 - 1.0 / risk, 1.0))
    own = known[at]
    return low[at][own], 1.0 - survive[own]


def quantile(low: np.ndarray, high: np.ndarray, q: float) -> float:
    """Return a quantile of values of which some are only bounds; NaN if it lies beyond the known ones."""
    if (low == high).all():
        return float(np.quantile(low, q)) if len(low) else np.nan
    values, share = order(low, high)
    at = int(np.searchsorted(share, q - 1e-12))
    return float(values[at]) if at < len(values) else np.nan


def over_cells(values: pd.DataFrame, statistic: Callable[[np.ndarray, np.ndarray], float], seed: int = 0) -> Estimate:
    """Return a statistic of low and high with its 95 % interval: cells are resampled with all their cycles."""
    low, high = values["low"].to_numpy(float), values["high"].to_numpy(float)
    value = statistic(low, high)
    groups = [np.asarray(rows) for rows in values.reset_index(drop=True).groupby("cell", sort=False).indices.values()]
    if len(groups) < FEWEST_CELLS:
        return Estimate(value, reason="too few cells for an interval")
    rng = np.random.default_rng(seed)
    resampled = []
    for _ in range(RESAMPLES if len(low) < 2000 else RESAMPLES // 5):
        rows = np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))])
        resampled.append(statistic(low[rows], high[rows]))
    ends = np.nanquantile(resampled, [0.025, 0.975]) if np.isfinite(resampled).mean() > 0.95 else [np.nan, np.nan]
    if not np.isfinite(ends).all():
        return Estimate(value, reason="the median lies near the end of the sweeps")
    return Estimate(value, float(ends[0]), float(ends[1]))


def distribution_of(values: pd.DataFrame, quantity: str, seed: int = 0) -> Distribution | None:
    """Return the distribution of a quantity; None without known values."""
    about = QUANTITIES[quantity]
    low, high = values["low"].to_numpy(float), values["high"].to_numpy(float)
    known = low == high
    if not known.any():
        return None
    return Distribution(
        quantity=quantity,
        unit=about.unit,
        n=len(values),
        n_cells=int(values["cell"].nunique()),
        bounds=int((~known).sum()),
        median=over_cells(values, lambda a, b: quantile(a, b, 0.5), seed),
        low=quantile(low, high, 0.05),
        high=quantile(low, high, 0.95),
        **_laws(low, high, about),
    )


def _laws(low: np.ndarray, high: np.ndarray, about: Quantity) -> dict[str, Any]:
    """Return the Weibull and the normal law of greatest likelihood; values of one cell count as if independent."""
    keep = low > 0
    low, high = low[keep], high[keep]
    known = low == high
    if len(np.unique(low[known])) < FEWEST_VALUES:
        return {}
    ones = np.ones((len(low), 1))
    with np.errstate(all="ignore"):
        ln_low, ln_high = np.log(low), np.log(high)
        ends = (ln_low, ln_high) if about.log else (low, high)
        try:
            weibull = censored.fit(censored.Lives(ln_low, ln_high, ones), "extreme")
            normal = censored.fit(censored.Lives(ends[0], ends[1], ones), "normal")
        except Undetermined:
            return {}
    jacobian = 0.0 if about.log else float(ln_low[known].sum())  # of the density of ln x
    better = "weibull" if weibull.loglik - jacobian > normal.loglik else "lognormal" if about.log else "normal"
    decades = 1.0 / np.log(10.0) if about.log else 1.0
    return {
        "weibull_shape": 1.0 / weibull.sigma,
        "weibull_scale": float(np.exp(weibull.beta[0])),
        "mean": float(normal.beta[0]) * decades,
        "sd": normal.sigma * decades,
        "law": better,
    }


def yields_of(steps: pd.DataFrame) -> list[Yield]:
    """Return the yield of each step that was tried."""
    found = []
    for step in SWITCHING:
        own = steps[(steps["step"] == step) & ~steps["idle"]]
        if not len(own):
            continue
        done = own["outcome"].isin(HAPPENED)
        cells = done.groupby(own["cell"], sort=False).agg(["any", "sum", "size"])
        tried, successes = len(cells), int(cells["any"].sum())
        found.append(
            Yield(
                step=step,
                n_cells=tried,
                done=successes,
                share=Estimate(successes / tried, *clopper_pearson(successes, tried)),
                attempts=len(own),
                successes=int(done.sum()),
                attempt_share=_clustered(cells["sum"].to_numpy(float), cells["size"].to_numpy(float)),
            )
        )
    return found


def _clustered(hits: np.ndarray, sizes: np.ndarray) -> Estimate:
    """Return a share with an interval for attempts that are alike within cells: their effective number is smaller.

    The variance between few cells is itself uncertain, which lowers the number (Korn and Graubard 1998).
    """
    total = float(sizes.sum())
    share = float(hits.sum()) / total
    cells = len(sizes)
    worth = total
    if cells > 1 and 0 < share < 1:
        variance = cells / (cells - 1) * float(((hits - share * sizes) ** 2).sum()) / total**2
        worth = min(share * (1 - share) / max(variance, 1e-12), total)
        worth = max(worth * (t_quantile(0.975, total - 1) / t_quantile(0.975, cells - 1)) ** 2, 1.0)
    elif cells == 1 or share in (0.0, 1.0):
        worth = float(cells)
    return Estimate(share, *clopper_pearson(share * worth, worth))


def state_share(cells: pd.DataFrame, states: tuple[str, ...]) -> Estimate:
    """Return the share of cells in some states, of those that were tried often enough to tell."""
    told = cells.loc[cells["state"] != UNTRIED, "state"]
    n, hits = len(told), int(told.isin(states).sum())
    return (
        Estimate(hits / n, *clopper_pearson(hits, n))
        if n
        else Estimate(np.nan, reason="no cell was tried often enough")
    )


def working_text(states: Mapping[str, int]) -> str:
    """Return how many cells still set and reset, by numbers of cells by state; untried ones count neither way."""
    untried, total = states.get(UNTRIED, 0), sum(states.values())
    if untried == total:
        return "Cannot tell whether cells still set and reset: no cell was tried often enough"
    text = f"{states.get('works', 0)} of {count(total - untried, 'cell')} still set and reset at the end"
    return f"{text} ({untried} more {STATES[UNTRIED]})" if untried else text
