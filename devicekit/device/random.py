"""Random numbers by counter: each draw depends on its key alone, not on the order or number of draws.

Results are therefore independent of threads, of the split into batches, and of which devices were pulsed before.
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.system.jit import borrowing


@borrowing
def mix(key: np.uint64, counter: np.uint64) -> np.uint64:
    """Return 64 well-mixed bits from a key and a counter (two rounds of the SplitMix64 finaliser)."""
    z = (key + counter * np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    for _ in range(2):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        z = z + np.uint64(0x9E3779B97F4A7C15)
    return z


@borrowing
def uniform(key: np.uint64, counter: np.uint64) -> float:
    """Return a uniform number in (0, 1), 53 bits."""
    return (np.float64(np.int64(mix(key, counter) >> np.uint64(11))) + 0.5) * (1.0 / 9007199254740992.0)


@borrowing
def normal(key: np.uint64, counter: np.uint64) -> float:
    """Return a standard normal number by Box-Muller from two draws of the key's stream."""
    twice = counter * np.uint64(2)
    radius = math.sqrt(-2.0 * math.log(uniform(key, twice)))
    return radius * math.cos(2.0 * math.pi * uniform(key, twice + np.uint64(1)))


@borrowing
def normals(key: np.uint64, counter: np.uint64) -> tuple[float, float]:
    """Return the `normal` of these, and a second number independent of it."""
    twice = counter * np.uint64(2)
    radius = math.sqrt(-2.0 * math.log(uniform(key, twice)))
    angle = 2.0 * math.pi * uniform(key, twice + np.uint64(1))
    return radius * math.cos(angle), radius * math.sin(angle)
