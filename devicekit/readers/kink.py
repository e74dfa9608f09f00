"""Location of turns by the kink in a trace: a monotone fit before a turn, a concave fit after it.

A turn is a kink, not an extreme: with noise, the extreme reading of a saturated train is anywhere on its flat part,
most often several pulses before the turn. The turn is where the next train starts fast.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

WINDOW = 24  # readings used on each side of a turn
REACH = 10  # places tried on each side of a guess
SHARE = 0.85  # of a train in a window; the rest belongs to the next turn
HOPELESS = 100.0  # misfit above the best that ends the search on a side
RATIOS = (
    0.1,
    0.3,
    1.0,
    3.0,
    10.0,
)  # step to white variance, besides 0 and infinity; rounded, because each needs a factorisation
NO_STEPS = 0.15  # below this ratio the two variances cannot be separated
FLOOR = 2e-4  # least noise, as a share of the range


@dataclass(frozen=True)
class Noise:
    """Noise of the readings: white noise, and random steps that stay.

    Parameters
    ----------
    variance : float
        Variance of a reading, or of a step if `ratio` is infinite [unit of the readings squared].
    ratio : float
        Step variance over white variance: 0, one of `RATIOS`, or infinite.
    """

    variance: float
    ratio: float

    @property
    def sd(self) -> float:
        """Standard deviation of a reading against its neighbour's [unit of the readings]."""
        return math.sqrt(self.over(1))

    def over(self, pulses: float) -> float:
        """Return the variance of a reading about a trend with the steps of `pulses` [unit of the readings squared]."""
        if math.isinf(self.ratio):
            return self.variance * pulses
        return self.variance * (1.0 + self.ratio * pulses)


def estimate_noise(values: np.ndarray, turns: np.ndarray | None = None) -> Noise:
    """Estimate white and step variance from second differences, `v(m) = 6 white + 2 m step` at lags 1 and 4.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings; NaN is ignored.
    turns : ndarray of int, optional
        Rough places of the turns, which are left out.
    """
    floor = _find_floor(values)
    near, far = _estimate_at_lags(values, np.empty(0, int) if turns is None else turns)
    step = max((far - near) / 6.0, 0.0)
    white = (near - 2.0 * step) / 6.0
    ratio = step / white if white > 0 else math.inf if step > 0 else 0.0
    # Without steps, the estimate of the ratio scatters by about 3.5 / sqrt(n).
    if ratio < max(NO_STEPS, 7.0 / math.sqrt(values.size)) or near / 6.0 <= floor:
        return Noise(max(near / 6.0, floor), 0.0)
    if ratio > 30:
        return Noise(near / 2.0, math.inf)
    nearest = min(RATIOS, key=lambda each: abs(math.log(ratio / each)))
    return Noise(near / (6.0 + 2.0 * nearest), nearest)


def _find_floor(values: np.ndarray) -> float:
    """Return the least variance of a reading, from a small share of the range and from the written digits."""
    levels = np.unique(values[np.isfinite(values)])
    digit = float(np.diff(levels).min()) if 1 < levels.size < values.size / 3 else 0.0
    return max((FLOOR * float(levels[-1] - levels[0])) ** 2, digit**2 / 12.0)


def _estimate_at_lags(values: np.ndarray, turns: np.ndarray) -> tuple[float, float]:
    """Return the variance of the second differences at lags 1 and 4.

    The curvature of a train looks like steps. If trains repeat, the previous train of the same direction is subtracted
    from each, unless the curvature is small, because fewer readings remain.
    """
    inset = 3 if turns.size else 0  # the turns are rough
    edges = itertools.pairwise([0, *turns.tolist(), values.size])
    trains = [values[first + inset : last - inset] for first, last in edges]
    near, far = (_bend_variance(trains, trains, lag) for lag in (1, 4))
    pairs = [(one[: two.size], two[: one.size]) for one, two in zip(trains, trains[2:], strict=False)]
    size = sum(one.size for one, _ in pairs)
    if size > 20:
        straight = [(two - one) / math.sqrt(2.0) for one, two in pairs]
        both = [one + two for one, two in pairs]
        near_again, far_again = (_bend_variance(straight, both, lag) for lag in (1, 4))
        if far_again < far * max(0.6, 1.0 - 6.0 / math.sqrt(size)):
            return near_again, far_again
    return near, far


def _bend_variance(pieces: list[np.ndarray], slopes: list[np.ndarray], lag: int) -> float:
    """Return the variance of the second differences of pieces at a lag where `slopes` are flat; 0 for few readings."""
    long = [number for number, piece in enumerate(pieces) if piece.size > 2 * lag]
    if not long:
        return 0.0
    bend = np.concatenate([pieces[k][: -2 * lag] - 2.0 * pieces[k][lag:-lag] + pieces[k][2 * lag :] for k in long])
    slope = np.concatenate([np.abs(slopes[k][2 * lag :] - slopes[k][: -2 * lag]) for k in long])
    there = np.isfinite(bend) & np.isfinite(slope)
    # A train bends where it is steep. The slope across a second difference is independent of its noise, so that the
    # choice of the flatter half does not bias the variance.
    bend, slope = bend[there], slope[there]
    if bend.size == 0:
        return 0.0
    size = np.abs(bend[slope <= np.median(slope)])
    sd = float(np.quantile(size, 0.25)) / 0.319  # of a normal deviate; larger ones may be turns
    for _ in range(3):
        inside = size[size <= 2.5 * sd]
        sd = math.sqrt(float(np.mean(inside**2)) / 0.9113) if sd else 0.0  # variance of a deviate cut at 2.5
    return (sd * (1.0 + 5.0 / size.size)) ** 2  # a few can all be small by chance, so they count as larger


@dataclass(frozen=True)
class Profile:
    """Misfit of one turn at each tested place.

    Parameters
    ----------
    centre : int
        Position of the reading at the centre of the window.
    first : int
        The first tested place, relative to the centre (0 or less).
    misfit : ndarray, shape (places,)
        Sum of squares at each place, in units of the noise variance.
    freedom : ndarray, shape (places,)
        Readings less the terms in use.
    """

    centre: int
    first: int
    misfit: np.ndarray
    freedom: np.ndarray

    @property
    def best(self) -> int:
        """Position of the place that fits best."""
        return self.centre + self.first + int(np.argmin(self.misfit))

    @property
    def at_edge(self) -> bool:
        """True if the best place is the first or last tested one, so that a better one may be outside."""
        return int(np.argmin(self.misfit)) in (0, self.misfit.size - 1)

    def excess(self, place: int, clip: bool = False) -> float:
        """Return the misfit above that of the best place; untested places give infinity, or the nearest place."""
        at = place - self.centre - self.first
        if clip:
            at = min(max(at, 0), self.misfit.size - 1)
        return float(self.misfit[at] - self.misfit.min()) if 0 <= at < self.misfit.size else math.inf

    @property
    def per_freedom(self) -> float:
        """Misfit of the best place per degree of freedom: about 1 where the model holds."""
        at = int(np.argmin(self.misfit))
        return float(self.misfit[at] / max(self.freedom[at], 1.0))

    @property
    def spread(self) -> float:
        """Standard deviation of the place for equal prior probabilities [pulses]."""
        weight = np.exp(-0.5 * (self.misfit - self.misfit.min()))
        weight /= weight.sum()
        places = np.arange(weight.size)
        return math.sqrt(max(float(weight @ places**2 - (weight @ places) ** 2), 0.0))


@dataclass
class Kinks:
    """Profiles of turns; results that depend only on the form of a window are cached.

    Parameters
    ----------
    noise : Noise
    slow : tuple of int
        Pulses after which a train may get faster; if empty, trains start fast and slow down.
    """

    noise: Noise
    slow: tuple[int, ...] = ()
    _forms: dict[tuple[object, ...], tuple[np.ndarray, list[np.ndarray]]] = field(default_factory=dict)

    def profile(
        self, values: np.ndarray, centres: np.ndarray, sign: int, before: int, after: int, longest: int = WINDOW
    ) -> Profile | None:
        """Return the profile of one turn, or of the mean of several with the same trains around them.

        Parameters
        ----------
        values : ndarray, shape (n,)
            Readings; NaN is left out.
        centres : ndarray of int, shape (m,)
            Guesses of the position of the reading at the turn. For several, the windows are averaged, each without its
            mean (against drift), and the profile counts from the first.
        sign : int
            1 for a peak, -1 for a valley.
        before, after : int
            Pulses of the trains before and after.
        longest : int
            Largest number of readings on each side.

        Returns
        -------
        Profile or None
            None if the trains are too short for a window or their readings are missing.
        """
        left, right = (min(longest, math.floor(SHARE * pulses)) for pulses in (before, after))
        left, right = min(left, int(centres.min())), min(right, values.size - 1 - int(centres.max()))
        if left < 2 or right < 2:
            return None
        window = np.arange(-left, right + 1)
        rows = sign * values[centres[:, None] + window]
        seen = np.isfinite(rows).any(axis=0)
        if seen[:left].sum() < 2 or seen[left + 1 :].sum() < 2:
            return None
        whiten, designs = self._whiten_window(tuple(window[seen].tolist()), min(REACH, left - 1), min(REACH, right - 1))
        weight = len(rows) / self.noise.variance
        return _fit_places(
            whiten @ _average_rows(rows[:, seen]), designs, weight, int(centres[0]), -min(REACH, left - 1)
        )

    def _whiten_window(self, offsets: tuple[int, ...], left: int, right: int) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the whitening of a window without the constant, and the whitened terms for each place."""
        key = (offsets, left, right)
        if key not in self._forms:
            at = np.array(offsets, float)
            steps = np.minimum.outer(at - at[0] + 1.0, at - at[0] + 1.0)
            endless = math.isinf(self.noise.ratio)
            covariance = steps if endless else np.eye(at.size) + self.noise.ratio * steps
            whiten = np.linalg.inv(np.linalg.cholesky(covariance))
            flat = whiten @ np.ones(at.size)
            whiten = whiten - np.outer(flat, flat @ whiten) / (flat @ flat)
            self._forms[key] = (
                whiten,
                [np.asfortranarray(whiten @ _build_terms(at - place, self.slow)) for place in range(-left, right + 1)],
            )
        return self._forms[key]


def _average_rows(rows: np.ndarray) -> np.ndarray:
    """Return the mean of rows at different levels, without missing readings."""
    if len(rows) == 1:
        return rows[0]
    rows = rows[np.isfinite(rows).any(axis=1)]
    level = np.nanmean(rows - np.nanmean(rows, axis=0), axis=1, keepdims=True)
    return np.nanmean(rows - level, axis=0)


def _fit_places(mean: np.ndarray, designs: list[np.ndarray], weight: float, centre: int, first: int) -> Profile:
    """Solve non-negative least squares at every place, from the centre outwards until the misfit is too large."""
    from scipy.optimize import nnls

    misfit, freedom = np.full(len(designs), math.inf), np.ones(len(designs))
    for side in (range(-first, len(designs)), range(-first - 1, -1, -1)):
        for number in side:
            terms, norm = nnls(designs[number], mean)
            misfit[number] = norm * norm * weight
            freedom[number] = mean.size - 1 - np.count_nonzero(terms)
            if misfit[number] > misfit.min() + HOPELESS:
                break
    worst = misfit[np.isfinite(misfit)].max()
    return Profile(centre, first, np.where(np.isfinite(misfit), misfit, worst), freedom)


def _build_terms(offsets: np.ndarray, slow: tuple[int, ...]) -> np.ndarray:
    """Return terms for a peak at 0, in columns: any monotone rise before it, a concave fall after it."""
    before, after = np.maximum(-offsets, 0.0), np.maximum(offsets, 0.0)
    knots = np.arange(1.0, max(before.max(), after.max()) + 1.0)[:, None]
    rises = [-np.minimum(side, knots[: int(side.max())]) for side in (before, after)]
    bends = -np.maximum(before - knots[: max(0, int(before.max()) - 1)], 0.0)
    late = np.array([knot for knot in slow if knot < after.max()], float)[:, None]
    return np.concatenate([*rises, bends, -np.maximum(after - late, 0.0)]).T
