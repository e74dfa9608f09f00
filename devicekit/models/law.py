"""Descriptor of an update law: equation, names, bounds, priors, start shapes, published coefficients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from devicekit.system.jit import compiled

MAX_SHAPE = 8  # size of a gradient: x, and the shape parameters


@dataclass(frozen=True)
class Prior:
    """A weak Gaussian prior on one parameter."""

    mean: float
    sd: float


def _same(value: float, direction: str) -> float:
    return value


@dataclass(frozen=True)
class Coefficient:
    """A published coefficient that a user can fix or bound.

    Parameters
    ----------
    parameter : str
        The parameter of the law that it follows from.
    to_parameter : callable
        (value, direction) -> value of the parameter; monotone; infinite where there is none.
    is_scale : bool
        Whether it is the size of the rate before the factor exp(ell(x)): its parameter is then ln of that size.
    plus : str
        A coefficient that is added for LTD, and has to be fixed too; "" for none.
    """

    parameter: str
    to_parameter: Callable[[float, str], float] = _same
    is_scale: bool = False
    plus: str = ""


def named(*names: str) -> Callable[[np.ndarray, str], dict[str, float]]:
    """Build a map to published coefficients that only names the parameters of the rising coordinate."""

    def publish(theta: np.ndarray, direction: str) -> dict[str, float]:
        return dict(zip(names, (float(value) for value in theta), strict=True))

    return publish


equation = compiled  # how the shape of a law is compiled


@dataclass(frozen=True)
class Law:
    """Update law: rho(x) = exp(L + ell(x; shape) - ell(1/2; shape)) on the rising coordinate x.

    Parameters
    ----------
    name, title, doi : str
        Stable id, which is the name of the law's file; title for people; source.
    parameters : tuple of str
        Names; the first is always L, the log rate at x = 1/2.
    lower, upper : tuple of float
        Bounds, same order.
    start_shapes : tuple of tuple of float
        Shapes (all parameters but L) from which a search starts.
    ell : callable
        (x, shape, gradient) -> log of the rate's shape at x, -inf where the device is saturated; compiled with
        `equation`. Fills `gradient` with the derivatives by x and by each shape parameter.
    to_published : callable
        (theta, direction) -> published coefficients for r in [0, 1], by name.
    priors : mapping of str to Prior
        Weak priors by parameter name; none for the rest.
    distances : mapping of str to Prior
        Priors of ln(upper bound - parameter), used where the posterior is sampled; none for the rest.

    settable : mapping of str to Coefficient
        Published coefficients that a user can fix or bound; the parameters themselves if not given.
    nested : mapping of str to callable
        Laws that are special cases of this one, by name: theta of the other -> theta of this one with the same rates.
        A fit of this law also starts from their fits, and is never less likely (`devicekit.models.registry.ladder`).
    fixed, bounded : tuple of str
        Those that are fixed or bounded (`devicekit.models.constraints`).

    Attributes
    ----------
    id : int
        Number of the law in the compiled switch; given by `devicekit.models.registry`, -1 before.

    Raises
    ------
    ValueError
        If the law has more shape parameters than compiled code has room for, or bounds that do not match.
    """

    name: str
    title: str
    doi: str
    parameters: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    start_shapes: tuple[tuple[float, ...], ...]
    ell: Callable[[float, np.ndarray, np.ndarray], float] = field(repr=False)
    to_published: Callable[[np.ndarray, str], dict[str, float]] = field(repr=False)
    priors: Mapping[str, Prior] = field(default_factory=dict)
    distances: Mapping[str, Prior] = field(default_factory=dict)
    settable: Mapping[str, Coefficient] = field(default_factory=dict)
    nested: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict, repr=False)
    fixed: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()
    id: int = field(default=-1, init=False)

    def __post_init__(self) -> None:
        if len(self.parameters) > MAX_SHAPE:
            raise ValueError(
                f"the law {self.name} has {len(self.parameters) - 1} shape parameters, but at most "
                f"{MAX_SHAPE - 1} are possible"
            )
        lengths = {len(self.parameters), len(self.lower), len(self.upper)}
        if len(lengths) > 1 or any(len(shape) != len(self.parameters) - 1 for shape in self.start_shapes):
            raise ValueError(f"law {self.name}: parameters, bounds and start shapes must have equal lengths")

    @property
    def n_parameters(self) -> int:
        """Number of parameters, L included."""
        return len(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters of a fit: those of the law, and x0, the starting state."""
        return (*self.parameters, "x0")

    @property
    def coefficients(self) -> Mapping[str, Coefficient]:
        """Published coefficients that a user can fix or bound, by name."""
        return self.settable or {name: Coefficient(name) for name in self.parameters}

    @property
    def is_fixed(self) -> np.ndarray:
        """Which parameters of a fit have one value only, shape (p + 1,); the starting state is free."""
        return np.append(np.equal(self.lower, self.upper), False)

    def embed(self, name: str, parameters: np.ndarray) -> np.ndarray:
        """Return (theta, x0) of this law for those of a law nested in it, or the nearest within its bounds."""
        theta = np.clip(self.nested[name](parameters[:-1]), self.lower, self.upper)
        return np.append(theta, parameters[-1])

    def names_at_bound(self, which: np.ndarray) -> tuple[str, ...]:
        """Return the names of the parameters of a fit that sit at a bound, without those that are fixed.

        A parameter that the user bounded goes by its published name.
        """
        theirs = {self.coefficients[name].parameter: name for name in self.bounded}
        hits = np.asarray(which, bool) & ~self.is_fixed
        return tuple(theirs.get(name, name) for name, hit in zip(self.names, hits, strict=True) if hit)

    def prior_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return means and precisions (0 without a prior), each of shape (len(parameters),)."""
        none = Prior(0.0, np.inf)
        priors = [self.priors.get(name, none) for name in self.parameters]
        return np.array([p.mean for p in priors]), np.array([1.0 / p.sd**2 for p in priors])


@dataclass(frozen=True)
class CurveLaw:
    """Law that is a curve of the pulse number instead of a rate of the state, with one shape parameter.

    Its scale is inside the curve, so it is fitted to a train directly and cannot drive a device array.

    Parameters
    ----------
    name, title, doi, shape : str
        Stable id, which is the name of the law's file; words for people; source; name of the shape parameter.
    lower, upper : float
        Bounds of the shape parameter.
    guesses : tuple of float
        Its first guesses.
    curve : callable
        (t, start, span, shape, ratio) -> x, with t = n / N in [0, 1] and ratio = Gmax / Gmin of the window.
    needs_ratio : bool
        Whether the law needs Gmax / Gmin, so that it does not exist for a weight.
    """

    name: str
    title: str
    doi: str
    shape: str
    lower: float
    upper: float
    guesses: tuple[float, ...]
    curve: Callable[[np.ndarray, float, float, float, float], np.ndarray] = field(repr=False)
    needs_ratio: bool = False
