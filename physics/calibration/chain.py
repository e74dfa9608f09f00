"""A check of Laplace's posterior by a Markov chain on an emulator, in the directions determined by the sweeps.

A simulation is too slow for the tens of thousands of steps of a chain. The residuals are therefore simulated at points
around the estimate and fitted by a polynomial in each of their principal components, of third order if there are enough
runs, weighted by the likelihood of each run. The error of the emulator is measured at other points.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.core.records import Record, column
from physics.calibration.result import Calibration
from physics.constants import Array

_REACH = 1.2  # standard deviation of the runs over that of the posterior
_CHECKED = 0.2  # share of the runs kept for the check
_COMPONENTS = 0.9999  # share of the variance of the residuals that is kept
_LIKELY = 6.0  # rise of half the objective up to which the chain would visit a run
_WALKERS, _STEPS, _BURN = 40, 4000, 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class Chain(Record):
    """Standard deviations by Laplace and by a chain, in the determined directions.

    `laplace`, `chain` and `shift` have the shape (directions,), `interval` the shape (directions, 2).
    """

    laplace: Array = column(doc="standard deviations by Laplace along each direction, in prior standard deviations")
    chain: Array = column(doc="standard deviations by the chain along each direction, in prior standard deviations")
    shift: Array = column(doc="mean of the chain less the estimate, in Laplace's standard deviations")
    interval: Array = column(
        doc="2.5 and 97.5 % of the chain from the estimate, in Laplace's standard deviations; -1.96 and 1.96 by Laplace"
    )
    error: float = column(
        doc="root mean square error of the emulator for half the objective, at runs kept for the check that the chain "
        "would visit (a rise of at most 6)"
    )
    runs: int = column(doc="simulations of all levels for the emulator and its check")
    rhat: float = column(doc="largest split R-hat of the walkers; 1 if they agree")


def run_chain(fit: Calibration, runs: int = 120, seed: int = 0) -> Chain:
    """Train the emulator, check it, and run the chain.

    The other directions stay at the estimate: they follow the prior, for which Laplace's normal is exact.

    Parameters
    ----------
    fit : Calibration
    runs : int
        Simulations of all levels.
    seed : int

    Raises
    ------
    ParameterError
        If nothing is determined, or the runs are too few for a quadratic.
    """
    from scipy.stats import norm, qmc

    rows = fit.determined()
    size = len(rows)
    if size == 0:
        raise ParameterError("chain: the sweeps determine no direction, so there is nothing to check")
    terms = len(_terms(np.zeros(size)))
    train = runs - max(round(_CHECKED * runs), 1)
    if train < 1.5 * terms:
        raise ParameterError(f"chain: {runs} runs are too few for {size} directions, at least {2 * terms} are needed")
    laplace = np.array([1 / math.sqrt(1 + each.signal**2) for each in fit.directions[:size]])
    cube = qmc.Sobol(size, seed=seed).random(1 << math.ceil(math.log2(runs)))[:runs]
    points = _REACH * norm.ppf(np.clip(cube, 0.01, 0.99))
    levels = [each.level for each in fit.levels if not each.held_out]
    found = fit.model.residuals([fit.z + (x * laplace) @ rows for x in points], levels)
    kept = [(x, r) for x, r in zip(points, found, strict=True) if r is not None]
    train = len(kept) - max(round(_CHECKED * len(kept)), 1)
    if train < 1.5 * terms:
        raise ParameterError(
            f"chain: only {len(kept)} of {runs} runs around the estimate are possible stacks; increase the runs"
        )
    x, values = np.array([a for a, _ in kept]), np.array([b for _, b in kept])

    def objective(at: Array, residuals: Array) -> Array:
        z = fit.z + (at * laplace) @ rows
        half: Array = 0.5 * (np.sum(residuals**2, axis=-1) / fit.misfit**2 + np.sum(z**2, axis=-1))
        return half

    rise = objective(x, values) - float(objective(np.zeros(size), fit.residuals))
    predict = _emulator(x[:train], values[:train], 1 / (1 + (np.maximum(rise[:train], 0.0) / _LIKELY) ** 2))
    unseen = objective(x[train:], values[train:]) - objective(x[train:], predict(x[train:]))
    unseen = unseen[rise[train:] < _LIKELY]
    draws, rhat = _walk(lambda at: -objective(at, predict(at)), size, seed)
    return Chain(
        laplace=laplace,
        chain=laplace * draws.std(axis=0, ddof=1),
        shift=draws.mean(axis=0),
        interval=np.quantile(draws, [0.025, 0.975], axis=0).T,
        error=float(np.sqrt(np.mean(unseen**2))) if unseen.size else float("inf"),
        runs=len(kept),
        rhat=rhat,
    )


def _terms(x: Array, order: int = 2) -> Array:
    """Return the monomials of points (last axis) up to `order`."""
    columns = [np.ones(x.shape[:-1])]
    for power in range(1, order + 1):
        for chosen in itertools.combinations_with_replacement(range(x.shape[-1]), power):
            columns.append(np.prod([x[..., i] for i in chosen], axis=0))
    return np.stack(columns, axis=-1)


def _emulator(x: Array, values: Array, weight: Array) -> Callable[[Array], Array]:
    """Fit residuals by a polynomial in their principal components; `weight` is the weight of each run."""
    order = 3 if len(x) >= 2 * _terms(x[:1], 3).shape[1] else 2
    root = np.sqrt(weight)[:, None]
    mean = values.mean(axis=0)
    _, size, rows = np.linalg.svd(values - mean, full_matrices=False)
    share = np.cumsum(size**2) / np.sum(size**2)
    rows = rows[: int(np.searchsorted(share, _COMPONENTS)) + 1]
    weights, *_ = np.linalg.lstsq(root * _terms(x, order), root * ((values - mean) @ rows.T), rcond=None)
    return lambda at: mean + _terms(at, order) @ weights @ rows


def _walk(log_density: Callable[[Array], Array], size: int, seed: int) -> tuple[Array, float]:
    """Draw samples with the stretch moves of an ensemble of walkers (Goodman and Weare 2010); also return R-hat.

    doi 10.2140/camcos.2010.5.65, with a = 2.
    """
    from devicekit.fitting.uncertainty.mixing import split_rhat

    random = np.random.default_rng(seed)
    walkers = random.standard_normal((_WALKERS, size))
    density = log_density(walkers)
    kept = np.empty((_STEPS - _BURN, _WALKERS, size))
    half = _WALKERS // 2
    for step in range(_STEPS):
        for own, other in ((slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))):
            stretch = (1 + random.random(half)) ** 2 / 2
            partner = walkers[other][random.integers(half, size=half)]
            moved = partner + stretch[:, None] * (walkers[own] - partner)
            now = log_density(moved)
            accept = np.log(random.random(half)) < (size - 1) * np.log(stretch) + now - density[own]
            walkers[own] = np.where(accept[:, None], moved, walkers[own])
            density[own] = np.where(accept, now, density[own])
        if step >= _BURN:
            kept[step - _BURN] = walkers
    return kept.reshape(-1, size), max(float(split_rhat(kept[:, :, k].T)) for k in range(size))
