"""What an update law brings along: names, bounds, priors, start shapes, the map to published coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Prior:
    """A weak Gaussian prior on one parameter."""

    mean: float
    sd: float


def named(*names: str) -> Callable[[np.ndarray, str], dict[str, float]]:
    """A map to published coefficients that only names the parameters of the rising coordinate."""

    def publish(theta: np.ndarray, direction: str) -> dict[str, float]:
        return dict(zip(names, (float(value) for value in theta), strict=True))

    return publish


@dataclass(frozen=True)
class Law:
    """One update law: rho(x) = exp(L + ell(x; shape) - ell(1/2; shape)) on the rising coordinate x.

    Parameters
    ----------
    id : int
        Number of the law in the kernel's switch (`devicekit.models.kernel`).
    name, title, doi : str
        Stable id, words for people, source.
    parameters : tuple of str
        Names; the first is always L, the log rate at x = 1/2.
    lower, upper : tuple of float
        Bounds, same order.
    priors : mapping of str to Prior
        Weak priors by parameter name; none for the rest.
    start_shapes : tuple of tuple of float
        Shapes (all parameters but L) from which a search starts.
    to_published : callable
        (theta, direction) -> published coefficients for r in [0, 1], by name.
    """

    id: int
    name: str
    title: str
    doi: str
    parameters: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    priors: Mapping[str, Prior]
    start_shapes: tuple[tuple[float, ...], ...]
    to_published: Callable[[np.ndarray, str], dict[str, float]] = field(repr=False)

    @property
    def n_parameters(self) -> int:
        """Number of parameters, L included."""
        return len(self.parameters)

    def prior_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and precisions (0 where there is no prior), each of shape (len(parameters),)."""
        none = Prior(0.0, np.inf)
        priors = [self.priors.get(name, none) for name in self.parameters]
        return np.array([p.mean for p in priors]), np.array([1.0 / p.sd**2 for p in priors])
