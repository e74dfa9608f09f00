"""Fits of every mechanism to legs of a current: alone, with a series resistance, with a leak, and with both."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.features.conduction.forms import FORMS, ROOM, Form, Known
from devicekit.features.conduction.prepare import Leg, bic
from devicekit.features.merit import Sample

MOST_SERIES = 0.6  # share of the voltage at the top that a series resistance may take
MOST_LEAK = 0.6  # share of the current at the top that a leak may carry
FIRST = 0.1  # share at which the search for both starts
AT_EDGE = 1e-3
VARIANTS = tuple(itertools.product((False, True), (False, True)))  # of series resistance and leak


@dataclass(frozen=True)
class Fitted:
    """Best fit of one mechanism.

    Attributes
    ----------
    form : Form
    shape : tuple of float
        Shape parameters of the sample, in the order of `Form.limits`.
    series, leak : tuple of float
        Share of the voltage on a series resistance, and of the current through a leak, at the top of each leg.
    bic : float
        Bayesian information criterion on the effective number of points.
    misfit : float
        Weighted rms of ln I less ln of the fit.
    misfits : tuple of float
        Misfit of each leg.
    at_limit : bool
        True if a shape parameter lies at a physical limit.
    """

    form: Form
    shape: tuple[float, ...]
    series: tuple[float, ...]
    leak: tuple[float, ...]
    bic: float
    misfit: float
    misfits: tuple[float, ...]
    at_limit: bool

    def curve(self, leg: Leg, number: int = 0) -> np.ndarray:
        """Return the current at the voltages of leg number `number`, over the geometric mean of that leg's currents."""
        from devicekit.features.conduction import kernel

        a, b = _of_leg(self.form, self.shape, leg)
        value, inner = np.empty(leg.n), np.empty(leg.n)
        v = leg.v / leg.v[-1]
        kernel.predict(FORMS.index(self.form), v, a, b, self.series[number], self.leak[number], value, inner)
        return np.asarray(np.exp(value + np.average(leg.y - value, weights=leg.w**2)))

    def scale(self, leg: Leg) -> float:
        """Return C of the equation from the first leg [A over the unit of the rest]; NaN if it cannot be computed."""
        from devicekit.features.conduction import kernel

        number, (a, b) = FORMS.index(self.form), _of_leg(self.form, self.shape, leg)
        top = 1.0 - self.series[0]
        with np.errstate(all="ignore"):  # a form that does not fit may overflow
            at_top = self.curve(leg)[-1] * leg.mean_a * (1.0 - self.leak[0])
            value = float(at_top * np.exp(-kernel.log_form(number, top, a, b)))
        return value if np.isfinite(value) else float("nan")


def _of_leg(form: Form, shape: Sequence[float], leg: Leg) -> tuple[float, float]:
    scales = form.scales(leg.v[-1], leg.temperature or ROOM)
    found = [each * scale for each, scale in zip(shape, scales, strict=True)]
    return tuple([*found, 1.0, 1.0][:2])  # type: ignore[return-value]


def fit_all(legs: Sequence[Leg], sample: Sample) -> tuple[Fitted, ...]:
    """Fit each mechanism within its physical limits, with one set of shape parameters for all legs.

    Parameters
    ----------
    legs : sequence of Leg
        Legs of one state: one leg, or several temperatures. Either all or none have a temperature.
    sample : Sample
    """
    known = Known.of(sample, legs[0].temperature, max(leg.v[-1] for leg in legs))
    return tuple(_fit(number, form, legs, known) for number, form in enumerate(FORMS))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Form and legs as arguments of the kernel."""

    form: int
    scales: np.ndarray
    data: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    low: np.ndarray
    high: np.ndarray

    def solve(self, start: np.ndarray, series: bool, leak: bool, size: int) -> tuple[np.ndarray, float]:
        from devicekit.features.conduction import kernel  # numba: only where there are sweeps

        n = self.scales.shape[0]
        free = [*range(size), *(2 + np.arange(n) if series else ()), *(2 + n + np.arange(n) if leak else ())]
        columns = np.array([each for each in free if self.high[each] > self.low[each]], np.int64)
        start = start.copy()
        start[2 : 2 + n] = np.maximum(start[2 : 2 + n], FIRST / 5) if series else 0.0
        start[2 + n :] = np.maximum(start[2 + n :], FIRST / 5) if leak else 0.0
        try:
            found, least = kernel.fit(self.form, start, self.low, self.high, columns, self.scales, *self.data)
        except np.linalg.LinAlgError:  # currents out of the range of floating point
            return start, np.inf
        return found, float(least)


def _problem(number: int, form: Form, legs: Sequence[Leg], known: Known) -> _Problem:
    n = len(legs)
    scales = np.ones((n, 2))
    for row, leg in zip(scales, legs, strict=True):
        row[: form.size] = form.scales(leg.v[-1], leg.temperature or ROOM)
    low, high = np.zeros(2 + 2 * n), np.zeros(2 + 2 * n)
    high[2 : 2 + n], high[2 + n :] = MOST_SERIES, MOST_LEAK
    for k, (least, most) in enumerate(form.limits(known)):
        low[k], high[k] = np.log(least), np.log(most)
    data = (
        np.concatenate([leg.v / leg.v[-1] for leg in legs]),
        np.concatenate([leg.y for leg in legs]),
        np.concatenate([leg.w for leg in legs]),
        np.concatenate([[0], np.cumsum([leg.n for leg in legs])]).astype(np.int64),
    )
    return _Problem(number, scales, data, low, high)


def _fit(number: int, form: Form, legs: Sequence[Leg], known: Known) -> Fitted:
    """Fit all variants and return the best by BIC."""
    problem = _problem(number, form, legs, known)
    found: dict[tuple[bool, bool], np.ndarray] = {}
    best: tuple[float, np.ndarray] | None = None
    for series, leak in VARIANTS:
        if leak and not form.leaks:
            continue
        theta, least = _search(problem, form, series, leak, found)
        found[series, leak] = theta
        free = form.size - (form.name == "schottky" and legs[0].temperature is not None)
        score = _score(problem, legs, theta, least, free + len(legs) * (series + leak))
        if best is None or score < best[0]:
            best = score, theta
    assert best is not None
    return _fitted(problem, form, legs, *best)


def _search(
    problem: _Problem, form: Form, series: bool, leak: bool, found: dict[tuple[bool, bool], np.ndarray]
) -> tuple[np.ndarray, float]:
    """Search the least sum of squares of one variant, from the form's starts and from the variants it contains."""
    n = problem.scales.shape[0]
    starts = []
    for inner in VARIANTS:
        if inner in found and (series or not inner[0]) and (leak or not inner[1]):
            starts.append(found[inner])
    for shape in form.starts if not (series and leak) else form.starts[:1]:
        start = np.full(2 + 2 * n, FIRST)
        start[:2] = 0.0
        for k, value in enumerate(shape):
            start[k] = np.log(value / problem.scales[0, k]) if np.isfinite(value) else 0.0
        starts.append(start)
    best = starts[0], np.inf
    for start in starts:
        theta, least = problem.solve(start, series, leak, form.size)
        if least < best[1]:
            best = theta, least
    return best


def _score(problem: _Problem, legs: Sequence[Leg], theta: np.ndarray, least: float, free: int) -> float:
    if not least < 1e29:
        return np.inf
    squares = _squares(problem, theta)
    return bic([(s, leg) for s, leg in zip(squares, legs, strict=True)], free + len(legs))


def _squares(problem: _Problem, theta: np.ndarray) -> list[float]:
    """Return the weighted sum of squares of each leg."""
    from devicekit.features.conduction import kernel

    v, y, w, ends = problem.data
    residual, jacobian = np.empty(v.size), np.empty((v.size, 0))
    none = np.empty(0, np.int64)
    kernel.evaluate(problem.form, theta, problem.scales, v, y, w, ends, none, residual, jacobian, False)
    return [float((residual[a:b] ** 2).sum()) for a, b in itertools.pairwise(ends)]


def _fitted(problem: _Problem, form: Form, legs: Sequence[Leg], score: float, theta: np.ndarray) -> Fitted:
    n = len(legs)
    size = form.size
    wide = problem.high[:size] > problem.low[:size]
    near = np.minimum(theta[:size] - problem.low[:size], problem.high[:size] - theta[:size]) < AT_EDGE
    squares = _squares(problem, theta) if np.isfinite(score) else [np.inf] * n
    weights = [float((leg.w**2).sum()) for leg in legs]
    return Fitted(
        form,
        tuple(float(each) for each in np.exp(theta[:size])),
        tuple(float(each) for each in theta[2 : 2 + n]),
        tuple(float(each) for each in theta[2 + n :]),
        score,
        float(np.sqrt(sum(squares) / sum(weights))),
        tuple(float(np.sqrt(s / w)) for s, w in zip(squares, weights, strict=True)),
        bool((near & wide).any()),
    )
