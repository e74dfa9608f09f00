"""Fit of a decay: linear amplitudes are solved for, time constants and shapes are searched.

y = sum of c_i x_i + a sum_j K(t - t_j): for given nonlinear parameters the rest is solved exactly (variable
projection), so that the sum of squares is a function of one or two numbers. It is scanned on a grid and refined. Its
profile gives the interval: all ln tau at which the sum of squares, the rest refitted, exceeds the least one by no more
than Student's t allows. Where the profile stays below that up to the end of the search range, the interval is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate
from devicekit.core.statistics import t_quantile
from devicekit.models.relaxation import KERNELS, kernel

BELOW, ABOVE = 3.0, 30.0  # tau is searched from the first reading over 3 to 30 times the longest delay
SHAPES = {"stretched": (0.15, 1.0), "power": (0.05, 20.0)}  # beta; exponent
NEAREST = 1.25  # least ratio of two time constants
_SCAN, _ZOOM, _TIMES = 25, 9, 6
_MOST = 2_000_000  # numbers in memory at a time


@dataclass(frozen=True, eq=False)
class Data:
    """Data of a fit: readings, linear regressors, and delays since each pulse.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Readings.
    others : ndarray, shape (n, p)
        Columns whose coefficients are free: a constant, the number of pulses so far.
    delays : ndarray, shape (n, m)
        Time since each pulse [s]; NaN before it.
    groups : ndarray, shape (m,), optional
        Number of the amplitude of each pulse, from 0; one amplitude if not given.
    weight : ndarray, shape (n,), optional
        Number of readings averaged in each y.
    """

    y: np.ndarray
    others: np.ndarray
    delays: np.ndarray
    groups: np.ndarray | None = None
    weight: np.ndarray | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Shortest and longest delay above 0 [s]."""
        known = self.delays[np.isfinite(self.delays) & (self.delays > 0)]
        return float(known.min()), float(known.max())


@dataclass(frozen=True)
class Fit:
    """A kernel fitted to readings.

    Attributes
    ----------
    kernel : str
        Key of `devicekit.models.relaxation.KERNELS`.
    parameters : mapping of str to Estimate
        Its parameters with 95 % intervals by profile.
    others : tuple of float
        Coefficients of the other columns.
    amplitudes : tuple of float
        Amplitude of the decay, one per group.
    covariance : ndarray
        Covariance of others and amplitudes, with the other parameters fitted.
    rss, noise : float
        Sum of squares, and standard deviation of a reading about the fit.
    n, k : int
        Readings, and parameters without the noise.
    bic : float
    """

    kernel: str
    parameters: Mapping[str, Estimate]
    others: tuple[float, ...]
    amplitudes: tuple[float, ...]
    covariance: np.ndarray
    rss: float
    noise: float
    n: int
    k: int
    bic: float

    @property
    def values(self) -> dict[str, float]:
        """The parameters as numbers."""
        return {name: each.value for name, each in self.parameters.items()}


class Undetermined(ValueError):
    """Error: too few readings for the number of parameters."""


class _Problem:
    """Sum of squares of one kernel against its one or two nonlinear parameters, the rest solved for."""

    def __init__(self, data: Data, name: str) -> None:
        self.name = name
        root = np.ones(len(data.y)) if data.weight is None else np.sqrt(data.weight)
        self.root = root
        self.size = _size(data)
        self.y = data.y / self.size * root
        self.basis: np.ndarray = np.linalg.qr(data.others * root[:, None])[0]
        self.rest = self.y - self.basis @ (self.basis.T @ self.y)
        self.delays, self.after = np.where(np.isfinite(data.delays), data.delays, 0.0), np.isfinite(data.delays)
        groups = np.zeros(data.delays.shape[1], int) if data.groups is None else data.groups
        self.groups = [groups == number for number in range(int(groups.max()) + 1)]
        first, last = data.span
        self.tau = (np.log(first / BELOW), np.log(last * ABOVE))
        low, high = SHAPES.get(name, (0.0, 0.0))
        self.shape = (np.log(low), np.log(high)) if name == "power" else (low, high)
        self.nonlinear = {"exponential": 1, "stretched": 2, "power": 2, "double": 2}[name]
        self.amplitudes = len(self.groups) * (2 if name == "double" else 1)

    def columns(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the decaying columns, (b, n, amplitudes), for b values of ln tau and of the shape."""
        t = self.delays
        if self.name == "double":
            parts = [np.exp(-t / np.exp(w)[:, None, None]) for w in (u, v)]
        elif self.name == "exponential":
            parts = [np.exp(-t / np.exp(u)[:, None, None])]
        elif self.name == "stretched":
            parts = [np.exp(-((t / np.exp(u)[:, None, None]) ** v[:, None, None]))]
        else:
            parts = [(1.0 + t / np.exp(u)[:, None, None]) ** -np.exp(v)[:, None, None]]
        sums = [np.where(self.after, part, 0.0)[:, :, own].sum(axis=2) for part in parts for own in self.groups]
        return np.stack(sums, axis=2) * self.root[None, :, None]

    def squares(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the sum of squares at each of b values."""
        u, v = np.broadcast_arrays(np.atleast_1d(u), np.atleast_1d(v))
        size = max(1, _MOST // max(1, self.delays.size))
        return np.concatenate([self._squares(u[k : k + size], v[k : k + size]) for k in range(0, len(u), size)])

    def _squares(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        x = self.columns(u, v)
        x = x - self.basis @ (self.basis.T @ x)
        gram, right = np.einsum("bni,bnj->bij", x, x), np.einsum("bni,n->bi", x, self.rest)
        whole = float(self.rest @ self.rest)
        if self.amplitudes == 1:
            return whole - right[:, 0] ** 2 / np.maximum(gram[:, 0, 0], 1e-300)
        diagonal = np.einsum("bii->bi", gram)
        if self.name != "double":
            small = 1e-12 * diagonal[:, :, None] * np.eye(self.amplitudes)
            found = np.linalg.solve(gram + small + 1e-300 * np.eye(self.amplitudes), right[:, :, None])[:, :, 0]
            return whole - (found * right).sum(axis=1)
        determinant = gram[:, 0, 0] * gram[:, 1, 1] - gram[:, 0, 1] ** 2
        first = gram[:, 1, 1] * right[:, 0] - gram[:, 0, 1] * right[:, 1]
        second = gram[:, 0, 0] * right[:, 1] - gram[:, 0, 1] * right[:, 0]
        alone = right**2 / np.maximum(diagonal, 1e-300)
        both = (first * right[:, 0] + second * right[:, 1]) / np.maximum(determinant, 1e-300)
        apart = (first * second > 0) & (determinant > 1e-12 * diagonal[:, 0] * diagonal[:, 1])
        return whole - np.where(apart, both, alone.max(axis=1))  # a share below 0 leaves the other term alone

    def along(self, u: float) -> tuple[float, float]:
        """Return the least sum of squares at one ln tau, and its shape; of two time constants u is the shorter."""
        if self.nonlinear == 1:
            return float(self.squares(np.array([u]), np.zeros(1))[0]), 0.0
        low, high = (u + np.log(NEAREST), self.tau[1] + np.log(NEAREST)) if self.name == "double" else self.shape
        v, least = _zoom(lambda w: self.squares(np.full(w.size, u), w), low, high)
        return least, v

    def across(self, v: float) -> tuple[float, float]:
        """Return the least sum of squares at one shape, and the ln tau where it is."""
        high = min(self.tau[1], v - np.log(NEAREST)) if self.name == "double" else self.tau[1]
        u, least = _zoom(lambda w: self.squares(w, np.full(w.size, v)), self.tau[0] - np.log(NEAREST), high)
        return least, u


def _zoom(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> tuple[float, float]:
    """Return where a function of one number is least, by a scan and ever finer ones around its best place."""
    at = np.linspace(low, high, _SCAN)
    for _ in range(_TIMES):
        values = function(at)
        best = int(np.argmin(values))
        low, high = at[max(best - 1, 0)], at[min(best + 1, len(at) - 1)]
        x, least = float(at[best]), float(values[best])
        at = np.linspace(low, high, _ZOOM)
    return x, least


def _minimum(function: Callable[[float], float], low: float, high: float, close: float) -> tuple[float, float]:
    """Return where a function with one minimum between two places is least, to within `close`."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": close})
    return float(found.x), float(found.fun)


def _ends(
    profile: Callable[[float], float], at: np.ndarray, values: np.ndarray, best: float, limit: float
) -> tuple[float | None, float | None]:
    """Return where a profile crosses its limit, outside all of it that is below; None where it never does."""
    from scipy.optimize import brentq

    inside = [*at[values <= limit], best]
    found: list[float | None] = []
    for end, step in ((min(inside), -1), (max(inside), 1)):
        beyond = at[at < end - 1e-12] if step < 0 else at[at > end + 1e-12]
        if not beyond.size:
            found.append(None)
            continue
        outer = beyond.max() if step < 0 else beyond.min()
        if profile(end) >= limit:  # the bottom itself, rounding aside
            found.append(float(end))
        else:
            found.append(float(brentq(lambda x: profile(x) - limit, end, outer, xtol=1e-4)))
    return found[0], found[1]


def fit(data: Data, name: str = "exponential", *, confidence: float = 0.95) -> Fit:
    """Fit one kernel to readings, with intervals.

    Parameters
    ----------
    data : Data
    name : {"exponential", "stretched", "double", "power"}
        The kernel; `double` needs pulses of one group.
    confidence : float
        Level of the intervals, 0..1.

    Raises
    ------
    Undetermined
        If there are not more readings than parameters, or no delay above 0.
    """
    problem = _Problem(data, name)
    n, k = len(data.y), data.others.shape[1] + problem.amplitudes + problem.nonlinear
    if n <= k or (name == "double" and len(problem.groups) > 1):
        raise Undetermined(f"{n} readings for {k} parameters")
    at = np.linspace(*problem.tau, _SCAN)
    values = np.array([problem.along(u)[0] for u in at])
    start = int(np.argmin(values))
    low, high = at[max(start - 1, 0)], at[min(start + 1, len(at) - 1)]
    u, least = _minimum(lambda x: problem.along(x)[0], low, high, 1e-8 if problem.nonlinear == 1 else 1e-4)
    if values[start] < least:
        u, least = float(at[start]), float(values[start])
    v = problem.along(u)[1]
    limit = least * (1.0 + t_quantile(0.5 + confidence / 2, n - k) ** 2 / (n - k))
    ends = _ends(lambda x: problem.along(x)[0], at, values, u, limit)
    parameters = {"tau_s": Estimate(float(np.exp(u)), *(None if e is None else float(np.exp(e)) for e in ends))}
    if problem.nonlinear == 2:
        second, estimate = _second_parameter(problem, v, limit)
        parameters[second] = estimate
    return _complete_fit(data, problem, u, v, least, parameters, k)


def _second_parameter(problem: _Problem, v: float, limit: float) -> tuple[str, Estimate]:
    """Return name and estimate of the second nonlinear parameter; its interval ends at the bounds of its range."""
    if problem.name == "double":
        low, high = problem.tau[0] + np.log(NEAREST), problem.tau[1] + np.log(NEAREST)
    else:
        low, high = problem.shape
    at = np.linspace(low, high, _SCAN)
    values = np.array([problem.across(each)[0] for each in at])
    ends = _ends(lambda x: problem.across(x)[0], at, values, v, limit)
    name = {"double": "tau2_s", "stretched": "beta", "power": "exponent"}[problem.name]
    plain = problem.name == "stretched"
    value, *bounds = (x if x is None or plain else float(np.exp(x)) for x in (v, *ends))
    if plain and bounds[1] is None:
        bounds[1] = 1.0  # the exponential itself
    return name, Estimate(float(value), *bounds)  # type: ignore[arg-type]


def _complete_fit(
    data: Data, problem: _Problem, u: float, v: float, least: float, parameters: dict[str, Estimate], k: int
) -> Fit:
    """Return the fit with coefficients, covariance from the whole Jacobian, and criterion."""
    n, p = data.others.shape
    unit = np.float64(problem.size)

    def matrix(a: float, b: float) -> np.ndarray:
        decaying = problem.columns(np.array([a]), np.array([b]))[0]
        return np.hstack([data.others * problem.root[:, None], decaying])

    found = np.linalg.lstsq(matrix(u, v), problem.y, rcond=None)[0]
    amplitudes = found[p:]
    if problem.name == "double":
        if amplitudes[0] * amplitudes[1] < 0:  # a single term fits better than two of one sign
            small = int(np.argmin([problem.squares(np.array([w]), np.array([w]))[0] for w in (v, u)]))
            kept = [*range(p), p + 1 - small]
            found = np.zeros(p + 2)
            found[kept] = np.linalg.lstsq(matrix(u, v)[:, kept], problem.y, rcond=None)[0]
            amplitudes = found[p:]
        total = float(amplitudes.sum())
        parameters["share"] = Estimate(float(amplitudes[0] / total) if total else 0.5)
    slopes = [(matrix(u + h, v) - matrix(u - h, v)) @ found / (2 * h) for h in (1e-4,)]
    if problem.nonlinear == 2:
        slopes += [(matrix(u, v + h) - matrix(u, v - h)) @ found / (2 * h) for h in (1e-4,)]
    jacobian = np.column_stack([matrix(u, v), *slopes])
    variance = max(least, 0.0) / (n - k)
    size = np.linalg.norm(jacobian, axis=0)
    size = np.where(size > 0, size, 1.0)
    inverse = np.linalg.pinv((jacobian / size).T @ (jacobian / size), rcond=1e-13, hermitian=True)
    covariance = variance * inverse / np.outer(size, size)
    q = p + problem.amplitudes
    if problem.name == "double":  # one amplitude: the sum
        carry = np.zeros((p + 1, q))
        carry[:p, :p] = np.eye(p)
        carry[p, p:] = 1.0
        covariance, amplitudes = carry @ covariance[:q, :q] @ carry.T, amplitudes.sum(keepdims=True)
    else:
        covariance = covariance[:q, :q]
    return Fit(
        problem.name,
        parameters,
        tuple(map(float, found[:p] * unit)),
        tuple(map(float, amplitudes * unit)),
        covariance * unit**2,
        float(least) * unit**2,
        float(np.sqrt(variance)) * unit,
        n,
        k,
        criterion(least, n, k, problem.y) + 2 * n * float(np.log(unit)),
    )


def _size(data: Data) -> float:
    """Return the largest magnitude of the readings, by which they are divided while they are fitted."""
    return float(np.abs(data.y).max(initial=0.0)) or 1.0


def criterion(rss: float, n: int, k: int, y: np.ndarray) -> float:
    """Return the BIC of a least-squares fit; differences below rounding of the readings do not count."""
    floor = 1e-18 * float(y @ y)
    return float(n * np.log(max(rss, floor, 1e-300) / n) + (k + 1) * np.log(n))


def bic_without_decay(data: Data) -> float:
    """Return BIC of the readings without anything that decays."""
    root = np.ones(len(data.y)) if data.weight is None else np.sqrt(data.weight)
    size = _size(data)
    x, y = data.others * root[:, None], data.y / size * root
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return criterion(float(rest @ rest), len(y), x.shape[1], y) + 2 * len(y) * float(np.log(size))


def predict(found: Fit, others: np.ndarray, delays: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Return the fitted curve at other delays.

    Parameters
    ----------
    found : Fit
    others : ndarray, shape (n, p)
        Columns as in `Data`.
    delays : ndarray, shape (n, m)
        Time since each pulse [s]; NaN where it is still to come.
    groups : ndarray, shape (m,), optional
        Which pulses share an amplitude, from 0.
    """
    k = kernel(found.kernel, np.where(np.isfinite(delays), delays, 0.0), **found.values)
    own = np.zeros(delays.shape[1], int) if groups is None else groups
    size = np.asarray(found.amplitudes)[own]
    return others @ np.asarray(found.others) + (np.where(np.isfinite(delays), k, 0.0) * size).sum(axis=1)


@dataclass(frozen=True)
class Choice:
    """Fitted kernels, and the choice among them.

    Attributes
    ----------
    fits : tuple of Fit
        The kernels tried, the best first.
    candidates : tuple of str
        Kernels that are not excluded: within `DECIDED` of the best BIC, or of the best likelihood, so that one more
        parameter does not exclude a kernel that fits as well.
    verdict : {"decided", "parsimony", "chosen", "undecided", "no_decay"}
    kernel : str
        Kernel of the reported numbers: the only candidate, the chosen one, or the one with fewest parameters.
    """

    fits: tuple[Fit, ...]
    candidates: tuple[str, ...]
    verdict: str
    kernel: str

    @property
    def fit(self) -> Fit:
        """Fit of the reported kernel."""
        return next(each for each in self.fits if each.kernel == self.kernel)


DECIDED = 6.0  # of BIC
NEARLY_ONE = 0.85  # beta from which a stretched exponential counts as an exponential in practice


def choose(data: Data, kernels: tuple[str, ...] = tuple(KERNELS), chosen: str | None = None) -> Choice:
    """Fit kernels, and choose among those that the data leave.

    An exponential is nested in the others: it is chosen if no other criterion is better by `DECIDED` and the interval
    of beta of a stretched one stays above `NEARLY_ONE`; otherwise the choice stays open.

    Parameters
    ----------
    data : Data
    kernels : tuple of str
        Kernels to try; those with too many parameters are left out.
    chosen : str, optional
        Kernel to use; the others are not tried.

    Raises
    ------
    Undetermined
        If no kernel can be fitted.
    """
    fits = []
    for name in (chosen,) if chosen else kernels:
        try:
            fits.append(fit(data, name))
        except Undetermined:
            if chosen:
                raise
    if not fits:
        raise Undetermined(f"{len(data.y)} readings are too few for any kernel")
    fits.sort(key=lambda each: each.bic)
    floor = max(min(each.rss for each in fits), 1e-300)
    n = len(data.y)
    candidates = tuple(
        each.kernel
        for each in fits
        if each.bic <= fits[0].bic + DECIDED or n * np.log(max(each.rss, 1e-300) / floor) <= DECIDED
    )
    simplest = min((each for each in fits if each.kernel in candidates), key=lambda each: (each.k, each.bic)).kernel
    if bic_without_decay(data) <= fits[0].bic + DECIDED:
        return Choice(tuple(fits), candidates, "no_decay", simplest)
    if chosen:
        return Choice(tuple(fits), candidates, "chosen", chosen)
    if len(candidates) == 1:
        return Choice(tuple(fits), candidates, "decided", simplest)
    stretched = next((each for each in fits if each.kernel == "stretched"), None)
    beta = stretched.parameters["beta"].low if stretched else None
    if "exponential" in candidates and beta is not None and beta >= NEARLY_ONE:
        return Choice(tuple(fits), candidates, "parsimony", "exponential")
    return Choice(tuple(fits), candidates, "undecided", simplest)
