"""Preparation of a leg for fits: cut to the range that shows one state, noise, and effective number of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_POINTS = 12
LEAST_RANGE = 1.5  # largest over least voltage
ABOVE_FLOOR = 5.0  # multiple of the instrument's noise below which a current is not used
PLATEAU, PLATEAU_POINTS = 0.02, 4  # a current within this share over this many last points is limited
FLAT, FLAT_FROM = 0.8, 0.3  # slope d ln I / d ln V below which the state changes, above this share of the top voltage
FLAT_SHARE = 0.15  # share of the points for one slope
DIGITS = 9  # of ln I: rounding by a change of unit is not evidence
FAINTEST = 0.01  # misfit as a share of I below which it is not evidence
LEAST_EFFECTIVE = 8.0
TERMS = (2, 3, 4, 5)  # of the polynomial in ln V with which a mechanism is compared
POWERS = (0.35, 0.7, 1.4, 2.8)  # p of ln I = c + m ln V + b V^p: between the 1/2, 1 and 2 of the mechanisms, and beyond
FLOORS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # of the noise floor over the least current


@dataclass(frozen=True, eq=False)
class Leg:
    """Monotonic run of one polarity, or of both combined.

    Attributes
    ----------
    v : ndarray, shape (n,)
        Sizes of the voltage [V], ascending, above 0.
    y : ndarray, shape (n,)
        ln of the size of the current over its geometric mean.
    w : ndarray, shape (n,)
        Square roots of weights: 1 if the noise is a share of I, less towards the floor.
    mean_a : float
        Geometric mean of the current [A].
    noise : float
        Standard deviation of ln I about a smooth curve, far from the floor.
    n_effective : float
        Effective number of points, reduced by the correlation of neighbours.
    reference : float
        BIC of the smooth curve.
    smooth : float
        Least BIC of that curve and of power laws and exponentials that are not mechanisms.
    temperature : float or None
        [K].
    cut : tuple of str
        Parts left out: "floor", "compliance", "moving".
    """

    v: np.ndarray
    y: np.ndarray
    w: np.ndarray
    mean_a: float
    noise: float
    n_effective: float
    reference: float
    smooth: float
    temperature: float | None = None
    cut: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.v.size)

    @property
    def decades(self) -> float:
        """Range of the current in decades."""
        return float(np.ptp(self.y) / np.log(10.0))

    def slopes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return d ln I / d ln V over the lower and the upper third of ln V, each with its standard error."""
        x = np.log(self.v)
        thirds = np.quantile(x, [1 / 3, 2 / 3])
        return self._slope(x <= thirds[0]), self._slope(x >= thirds[1])

    def _slope(self, inside: np.ndarray) -> tuple[float, float]:
        x, y, w = np.log(self.v[inside]), self.y[inside], self.w[inside] ** 2
        mean = np.average(x, weights=w)
        spread = float((w * (x - mean) ** 2).sum())
        if not spread > 0:
            return float("nan"), float("inf")  # one voltage, read repeatedly
        slope = float((w * (x - mean) * y).sum() / spread)
        more = self.n / self.n_effective
        return slope, self.noise * float(np.sqrt(more / spread))


def prepare(v: np.ndarray, i: np.ndarray, *, temperature: float | None = None, measured: bool = True) -> Leg | None:
    """Cut and weigh a leg of a sweep; None where too little is left.

    Parameters
    ----------
    v, i : ndarray, shape (n,)
        Sizes of voltage [V] and current [A]; a current against the voltage is negative.
    temperature : float, optional
        [K].
    measured : bool
        Search for plateaus of a compliance and for changes of the state.
    """
    keep = np.isfinite(v) & np.isfinite(i) & (v > 0)
    v, i = v[keep], i[keep]
    order = np.argsort(v, kind="stable")
    v, i = v[order], i[order]
    kept, found = _above_floor(i), []
    if kept.start:
        found.append("floor")
    v, i = v[kept], i[kept]
    if measured and v.size:
        for word, stop in (("compliance", _plateau_start(i)), ("moving", _flattening_start(v, i))):
            if stop < v.size:
                found.append(word)
                v, i = v[:stop], i[:stop]
    if v.size < LEAST_POINTS or v[-1] < LEAST_RANGE * v[0]:
        return None
    return weigh(v, i, temperature, tuple(found))


def weigh(v: np.ndarray, i: np.ndarray, temperature: float | None = None, cut: tuple[str, ...] = ()) -> Leg:
    """Return a leg of positive currents with its weights and its reference curve."""
    mean = float(np.exp(np.log(i).mean()))
    y = np.round(np.log(i / mean), DIGITS)
    smooth = _reference(np.log(v), y)
    return Leg(
        v,
        y,
        smooth.w,
        mean,
        smooth.noise,
        smooth.n_effective,
        smooth.bic,
        _best_smooth_bic(v, y, smooth),
        temperature,
        cut,
    )


def bic(parts: Sequence[tuple[float, Leg]], parameters: int) -> float:
    """Return BIC of a fit with that sum of squares on each leg; a misfit below 1 % of I counts as one of 1 %."""
    total = sum(leg.n_effective for _, leg in parts)
    return _bic([(s, leg.n, leg.n_effective) for s, leg in parts], parameters, total)


def _bic(parts: Sequence[tuple[float, int, float]], parameters: int, total: float) -> float:
    value = sum(effective * np.log(s / n + FAINTEST**2) for s, n, effective in parts)
    return float(value + parameters * np.log(total))


def _above_floor(i: np.ndarray) -> slice:
    """Return the points after the last one below five times the instrument's noise.

    That noise is the scatter of the ten lowest points about their neighbours, less the relative scatter of the others.
    """
    if i.size < 4:
        return slice(0, 0)
    scale = float(np.abs(i).max()) or 1.0
    beside, middle = _neighbour_deviations(i / scale)
    high = middle[10:] > 0
    share = _robust((beside[10:] / np.where(high, middle[10:], 1.0))[high]) if high.sum() >= 4 else 0.0
    low = _robust(beside[:8])
    noise = float(np.sqrt(max(low**2 - (share * float(np.median(np.abs(middle[:8])))) ** 2, 0.0)))
    below = np.flatnonzero(np.round(i / scale, 15) <= ABOVE_FLOOR * noise)
    return slice(int(below[-1]) + 1 if below.size else 0, i.size)


def _neighbour_deviations(i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each inner point less the mean of its neighbours, and that mean (geometric where it exists)."""
    before, after = i[:-2], i[2:]
    product = before * after
    mean = np.where((product > 0) & (before > 0), np.sqrt(np.abs(product)), 0.5 * (before + after))
    return i[1:-1] - mean, mean


def _robust(beside: np.ndarray) -> float:
    """Return the standard deviation of one point from deviations from the mean of two others."""
    return float(np.median(np.abs(beside))) / (0.6745 * np.sqrt(1.5)) if beside.size else 0.0


def _plateau_start(i: np.ndarray) -> int:
    """Return where a plateau at the end begins; the number of points if there is none."""
    near = i >= (1.0 - PLATEAU) * i[-1]
    near &= i <= (1.0 + PLATEAU) * i[-1]
    run = int(np.argmin(near[::-1])) if not near.all() else i.size
    return i.size - run if run >= PLATEAU_POINTS else i.size


def _flattening_start(v: np.ndarray, i: np.ndarray) -> int:
    """Return where the current clearly rises more slowly than the voltage; the number of points if nowhere."""
    size = max(5, int(np.ceil(FLAT_SHARE * v.size)))
    if v.size < 2 * size:
        return int(v.size)
    x, y = np.log(v), np.log(i)
    for first in range(v.size - size + 1):
        if v[first] < FLAT_FROM * v[-1]:
            continue
        own, value = x[first : first + size], y[first : first + size]
        spread = float(((own - own.mean()) ** 2).sum())
        if not spread > 0:
            continue
        slope = float((own - own.mean()) @ value) / spread
        rest = value - value.mean() - slope * (own - own.mean())
        error = float(np.sqrt((rest @ rest) / (size - 2) / spread))
        if slope + 3.0 * error < FLAT:
            return first + size // 2
    return int(v.size)


@dataclass(frozen=True, eq=False)
class _Smooth:
    w: np.ndarray
    noise: float
    n_effective: float
    bic: float


def _reference(x: np.ndarray, y: np.ndarray) -> _Smooth:
    """Fit a smooth curve and the noise about it: a share of I, and a floor found by likelihood."""
    x = (x - x.mean()) / np.ptp(x)
    best: tuple[float, np.ndarray, int] | None = None
    for terms in TERMS:
        basis = np.vander(x, terms)
        level = np.exp(basis @ np.linalg.lstsq(basis, y, rcond=None)[0])
        for share in FLOORS:
            variance = 1.0 + (share * level.min() / level) ** 2
            w = 1.0 / np.sqrt(variance)
            squares = _least(basis, y, w)[1]
            score = x.size * np.log(squares / x.size + FAINTEST**4) + np.log(variance).sum() + terms * np.log(x.size)
            if best is None or score < best[0]:
                best = float(score), w, terms
    assert best is not None
    w = best[1]
    rest, squares = _least(np.vander(x, best[2]), y, w)
    effective = _effective(rest)
    scores = []
    for terms in TERMS:
        squares_of = _least(np.vander(x, terms), y, w)[1]
        scores.append(_bic([(squares_of, x.size, effective)], terms, effective))
    noise = float(np.sqrt(squares / max((w**2).sum() - best[2], 1.0)))
    return _Smooth(w, noise, effective, min(scores))


def _best_smooth_bic(v: np.ndarray, y: np.ndarray, smooth: _Smooth) -> float:
    """Return the least BIC of the smooth curve and of c + m ln V + b V^p, whose p counts as a parameter."""
    x, effective, found = v / v[-1], smooth.n_effective, [smooth.bic]
    for power in POWERS:
        basis = np.column_stack([np.ones(x.size), np.log(x), x**power])
        squares = _least(basis, y, smooth.w)[1]
        found.append(_bic([(squares, x.size, effective)], 4, effective))
    return min(found)


def _least(basis: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, float]:
    rest = w * (y - basis @ np.linalg.lstsq(basis * w[:, None], y * w, rcond=None)[0])
    return rest, float(rest @ rest)


def _effective(rest: np.ndarray) -> float:
    """Return the effective number of points from the correlation of neighbours."""
    n = rest.size
    square = float(rest @ rest)
    r = float(rest[1:] @ rest[:-1]) / square if square > 0 else 0.0
    r = min(max(r, 0.0), 0.99)
    return max(n * (1.0 - r) / (1.0 + r), LEAST_EFFECTIVE)
