"""Differential evolution with an archive (DE-MCz, doi 10.1007/s11222-008-9104-9), compiled, for whole trains.

Chains propose steps along differences of visited states, so that steps follow the posterior's shape: coefficients of
eq. (2) are correlated over orders of magnitude, where steps of a fixed shape do not move.
"""

from __future__ import annotations

import numpy as np

from devicekit.fitting.likelihood.filter import log_likelihood
from devicekit.system.jit import compiled

SNOOKER, SUBSET, SHARE, JUMP = 0.1, 0.35, 0.3, 0.1  # shares of moves; of coordinates in a subset; of full jumps
KEPT = 10  # iterations between states stored in the archive


@compiled
def log_density(law, z, trains, lower, upper, mean, precision, below):  # type: ignore[no-untyped-def]
    """Return ln of the posterior up to a constant; `below` turns the normal prior of z into one of ln(below - z)."""
    total = 0.0
    for j in range(z.size):
        if z[j] < lower[j] or z[j] > upper[j]:
            return -np.inf
        value = z[j]
        if np.isfinite(below[j]):
            if z[j] >= below[j]:
                return -np.inf
            value = np.log(below[j] - z[j])
            total -= value
        total -= 0.5 * precision[j] * (value - mean[j]) ** 2
    return total + log_likelihood(law, z, trains)


@compiled
def run(law, trains, lower, upper, mean, precision, below, free, states, archive, filled, draws, rng, out):  # type: ignore[no-untyped-def]
    """Move every chain `draws` times and fill `out` (chains, draws // KEPT, m); return archive size and share accepted.

    Parameters
    ----------
    states : ndarray, shape (chains, m)
        Where the chains are; changed.
    archive : ndarray, shape (capacity, m)
        States that were visited, the first `filled` of them; changed.
    free : ndarray of int
        Which parameters move.
    rng : numpy.random.Generator
    """
    chains, m = states.shape
    n = free.size
    now = np.empty(chains)
    for c in range(chains):
        now[c] = log_density(law, states[c], trains, lower, upper, mean, precision, below)
    accepted = 0
    trial = np.empty(m)
    for draw in range(draws):
        for c in range(chains):
            first, second = rng.integers(0, filled), rng.integers(0, filled)
            trial[:] = states[c]
            extra = 0.0
            if rng.random() < SNOOKER:
                anchor = rng.integers(0, filled)
                before, along = 0.0, 0.0
                for j in free:
                    d = states[c, j] - archive[anchor, j]
                    before += d * d
                    along += d * (archive[first, j] - archive[second, j])
                if before == 0.0:
                    continue
                size = rng.uniform(1.2, 2.2) * along / before
                after = 0.0
                for j in free:
                    trial[j] += size * (states[c, j] - archive[anchor, j])
                    after += (trial[j] - archive[anchor, j]) ** 2
                if after == 0.0:
                    continue
                extra = 0.5 * (n - 1) * np.log(after / before)
            else:
                some = rng.random() < SUBSET
                chosen = np.ones(n, np.bool_)
                if some:
                    for k in range(n):
                        chosen[k] = rng.random() < SHARE
                    chosen[rng.integers(0, n)] = True
                size = 1.0 if rng.random() < JUMP else 2.38 / np.sqrt(2.0 * chosen.sum())
                for k in range(n):
                    if chosen[k]:
                        j = free[k]
                        difference = archive[first, j] - archive[second, j]
                        trial[j] += size * (1.0 + 0.1 * rng.uniform(-1.0, 1.0)) * difference
                        trial[j] += 1e-6 * rng.standard_normal()
            there = log_density(law, trial, trains, lower, upper, mean, precision, below)
            if np.log(rng.random()) < there - now[c] + extra:
                states[c] = trial
                now[c] = there
                accepted += 1
        if draw % KEPT == KEPT - 1:
            for c in range(chains):
                out[c, draw // KEPT] = states[c]
                if filled < archive.shape[0]:
                    archive[filled] = states[c]
                    filled += 1
    return filled, accepted / (draws * chains)
