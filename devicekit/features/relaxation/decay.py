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

from devicekit.core.records import Estimate, Record, column, internal
from devicekit.core.statistics import t_quantile
from devicekit.features.relaxation.squares import NEAREST, SCAN, Data, Problem, size_of
from devicekit.features.stats import Undetermined
from devicekit.models.relaxation import KERNELS, kernel

DECIDED = 6.0  # of BIC
NEARLY_ONE = 0.85  # beta from which a stretched exponential counts as an exponential in practice


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit(Record):
    """A kernel fitted to readings."""

    kernel: str = column(doc="key of `devicekit.models.relaxation.KERNELS`")
    parameters: Mapping[str, Estimate] = column(inline=True, doc="its parameters with 95 % intervals by profile")
    others: tuple[float, ...] = internal("coefficients of the other columns")
    amplitudes: tuple[float, ...] = internal("amplitude of the decay, one per group")
    covariance: np.ndarray = internal("of others and amplitudes, with the other parameters fitted")
    rss: float = internal("sum of squares")
    noise: float = column(doc="standard deviation of a reading about the fit")
    n: int = column(doc="readings")
    k: int = internal("parameters without the noise")
    bic: float = internal("criterion of the fit")

    @property
    def amplitude(self) -> float:
        """Amplitude of the first group."""
        return self.amplitudes[0]

    @property
    def level(self) -> float:
        """Coefficient of the first of the other columns, the constant."""
        return self.others[0]

    @property
    def tau(self) -> Estimate:
        """Time constant, the shorter of two [s]."""
        return self.parameters["tau_s"]

    @property
    def values(self) -> dict[str, float]:
        """The parameters as numbers."""
        return {name: each.value for name, each in self.parameters.items()}


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
    problem = Problem(data, name)
    n, k = len(data.y), data.others.shape[1] + problem.amplitudes + problem.nonlinear
    if n <= k or (name == "double" and len(problem.groups) > 1):
        raise Undetermined(f"{n} readings for {k} parameters")
    at = np.linspace(*problem.tau, SCAN)
    values = np.array([problem.along(u)[0] for u in at])
    start = int(np.argmin(values))
    low, high = at[max(start - 1, 0)], at[min(start + 1, len(at) - 1)]
    u, least = _minimum(lambda x: problem.along(x)[0], low, high, 1e-8 if problem.nonlinear == 1 else 1e-4)
    if values[start] < least:
        u, least = float(at[start]), float(values[start])
    v = problem.along(u)[1]
    limit = least * (1.0 + t_quantile(0.5 + confidence / 2, n - k) ** 2 / (n - k))
    ends = _ends(lambda x: problem.along(x)[0], at, values, u, limit)
    parameters = {"tau_s": Estimate(u, *ends).map(np.exp)}
    if problem.nonlinear == 2:
        second, estimate = _second_parameter(problem, v, limit)
        parameters[second] = estimate
    return _complete_fit(data, problem, u, v, least, parameters, k)


def _second_parameter(problem: Problem, v: float, limit: float) -> tuple[str, Estimate]:
    """Return name and estimate of the second nonlinear parameter; its interval ends at the bounds of its range."""
    if problem.name == "double":
        low, high = problem.tau[0] + np.log(NEAREST), problem.tau[1] + np.log(NEAREST)
    else:
        low, high = problem.shape
    at = np.linspace(low, high, SCAN)
    values = np.array([problem.across(each)[0] for each in at])
    ends = _ends(lambda x: problem.across(x)[0], at, values, v, limit)
    name = {"double": "tau2_s", "stretched": "beta", "power": "exponent"}[problem.name]
    if problem.name != "stretched":
        return name, Estimate(v, *ends).map(np.exp)
    return name, Estimate(v, ends[0], 1.0 if ends[1] is None else ends[1])  # up to the exponential itself


def _complete_fit(
    data: Data, problem: Problem, u: float, v: float, least: float, parameters: dict[str, Estimate], k: int
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
        kernel=problem.name,
        parameters=parameters,
        others=tuple(map(float, found[:p] * unit)),
        amplitudes=tuple(map(float, amplitudes * unit)),
        covariance=covariance * unit**2,
        rss=float(least) * unit**2,
        noise=float(np.sqrt(variance)) * unit,
        n=n,
        k=k,
        bic=criterion(least, n, k, problem.y) + 2 * n * float(np.log(unit)),
    )


def criterion(rss: float, n: int, k: int, y: np.ndarray) -> float:
    """Return the BIC of a least-squares fit; differences below rounding of the readings do not count."""
    floor = 1e-18 * float(y @ y)
    return float(n * np.log(max(rss, floor, 1e-300) / n) + (k + 1) * np.log(n))


def bic_without_decay(data: Data) -> float:
    """Return BIC of the readings without anything that decays."""
    root = np.ones(len(data.y)) if data.weight is None else np.sqrt(data.weight)
    size = size_of(data)
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


@dataclass(frozen=True, eq=False, kw_only=True)
class Choice(Record):
    """Fitted kernels, and the choice among them."""

    fits: tuple[Fit, ...] = column(doc="the kernels tried, the best first")
    candidates: tuple[str, ...] = column(
        doc="kernels that are not excluded: within `DECIDED` of the best BIC, or of the best likelihood, so that one "
        "more parameter does not exclude a kernel that fits as well"
    )
    verdict: str = column(doc="decided, parsimony, chosen, undecided or no_decay")
    kernel: str = column(
        doc="of the reported numbers: the only candidate, the chosen one, or the one with fewest parameters"
    )

    @property
    def fit(self) -> Fit:
        """Fit of the reported kernel."""
        return next(each for each in self.fits if each.kernel == self.kernel)

    def of(self, kernel: str) -> Fit | None:
        """Return the fit of a kernel; None if it was not fitted."""
        return next((each for each in self.fits if each.kernel == kernel), None)


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
    stretched = next((each for each in fits if each.kernel == "stretched"), None)
    beta = stretched.parameters["beta"].low if stretched else None
    verdict, reported = "undecided", simplest
    if bic_without_decay(data) <= fits[0].bic + DECIDED:
        verdict = "no_decay"
    elif chosen:
        verdict, reported = "chosen", chosen
    elif len(candidates) == 1:
        verdict = "decided"
    elif "exponential" in candidates and beta is not None and beta >= NEARLY_ONE:
        verdict, reported = "parsimony", "exponential"
    return Choice(fits=tuple(fits), candidates=candidates, verdict=verdict, kernel=reported)
