"""Chains that draw law and noise of one branch, from near the maximum of the posterior until they mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.fitting.likelihood.filter import NOISES
from devicekit.fitting.likelihood.fit import TrainFit
from devicekit.fitting.uncertainty import sampler
from devicekit.fitting.uncertainty.mixing import effective_size, split_rhat
from devicekit.models import kernel
from devicekit.models.law import Law

CHAINS = 3
FIRST_DRAWS = 10_000  # of a chain, doubled until they mix
MOST_WORK = 4_000_000  # trains filtered for one branch: about half a minute
LEAST_ESS = 100
JUDGED = (0.1, 0.3, 0.5, 0.7, 0.9)  # states at which the mixing of rates is checked


@dataclass(frozen=True)
class Sample:
    """Draws of (theta, x0, ln of the deviations), shape (n, m), and how they mixed (see `BranchPosterior`)."""

    values: np.ndarray
    rhat: dict[str, float]
    ess: dict[str, float]
    mixed: bool
    evaluations: int


def sample(
    found: TrainFit,
    trains: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    prior: tuple[np.ndarray, np.ndarray, np.ndarray],
    draws: int,
    target: float,
    rng: np.random.Generator,
) -> Sample:
    """Run chains from near the maximum, doubled until they mix or have done `MOST_WORK`.

    Parameters
    ----------
    found : TrainFit
        The maximum, for one device.
    trains : ndarray, shape (K, N + 1)
        On the rising coordinate.
    bounds, prior
        As `priors_of` gives them.
    draws : int
        Number of draws kept.
    target : float
        Limit of R-hat.
    rng : numpy.random.Generator
    """
    law = found.law
    z = np.clip(np.concatenate([found.parameters[0], found.noise]), bounds[0] + 1e-9, bounds[1] - 1e-9)
    free = np.flatnonzero(bounds[1] > bounds[0])
    cloud = _initial_archive(z, found.covariance[0], found.noise_error, bounds, free, 10 * free.size, rng)
    states = np.ascontiguousarray(cloud[:CHAINS])
    evaluations, number = 0, FIRST_DRAWS
    while True:
        archive = np.empty((len(cloud) + CHAINS * number // sampler.KEPT, z.size))
        archive[: len(cloud)] = cloud
        chains = np.empty((CHAINS, number // sampler.KEPT, z.size))
        filled, _share = sampler.run(
            law.id, trains, *bounds, *prior, free, states, archive, len(cloud), number, rng, chains
        )
        evaluations += number * CHAINS
        judged = _monitored(chains, law)
        rhat = {name: split_rhat(values) for name, values in judged.items()}
        ess = {name: effective_size(values) for name, values in judged.items()}
        mixed = max(rhat.values()) < target and min(ess.values()) >= LEAST_ESS
        if mixed or 3 * number * CHAINS * len(trains) > MOST_WORK:
            break
        number *= 2
        cloud = archive[:filled][-min(filled, 4000) :]  # discard the first states, which were a guess
    flat = chains.reshape(-1, z.size)
    kept = flat[np.linspace(0, len(flat) - 1, min(draws, len(flat))).round().astype(int)]
    return Sample(kept, rhat, ess, mixed, evaluations)


def _initial_archive(
    z: np.ndarray,
    covariance: np.ndarray,
    noise_error: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    free: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw states about the maximum, as wide as its curvature and within the bounds, as the first archive."""
    own = len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0.0, 25.0))
    cloud = np.tile(z, (count, 1))
    cloud[:, :own] += rng.standard_normal((count, own)) @ root.T
    cloud[:, own:] += rng.standard_normal((count, noise_error.size)) * np.maximum(noise_error, 0.05)
    cloud += 1e-3 * rng.standard_normal(cloud.shape)
    lower, upper = bounds
    cloud = np.where(cloud < lower, np.minimum(2 * lower - cloud, upper), cloud)  # reflected
    cloud = np.clip(np.where(cloud > upper, np.maximum(2 * upper - cloud, lower), cloud), lower, upper)
    fixed = np.setdiff1d(np.arange(z.size), free)
    cloud[:, fixed] = lower[fixed]
    return cloud


def _monitored(chains: np.ndarray, law: Law) -> dict[str, np.ndarray]:
    """Return the quantities that must mix, each of shape (chains, draws)."""
    p = law.n_parameters
    x = np.array(JUDGED)
    flat = chains.reshape(-1, chains.shape[2])
    rates = np.array([kernel.rates(law.id, np.ascontiguousarray(z[:p]), x) for z in flat])
    shape = chains.shape[:2]
    found = {f"rate at {at:g}": rates[:, k].reshape(shape) for k, at in enumerate(JUDGED)}
    found |= {f"ln {name}": chains[:, :, p + 1 + NOISES.index(name)] for name in ("increment", "read")}
    return found
