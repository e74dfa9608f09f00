"""Two-level Markov chain with white noise: path, likelihood and fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

_ROUNDS, _EM_ROUNDS, _NEWTON = 30, 20, 6


@dataclass(frozen=True)
class Chain:
    """Two levels with white noise: levels, slope over the record, noise, probabilities per step to go up and down."""

    low: float
    high: float
    slope: float
    sd: float
    up: float
    down: float


def fit(y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, Chain] | None:
    """Fit two levels: the most likely path and the chain of greatest likelihood; None if a level is empty.

    Several starts: the halves about the middle, and a tail on either side.
    """
    best, most = None, -np.inf
    for cut in (0.5, 0.1, 0.9):
        found = _climb(y, t, y > np.quantile(y, cut))
        if found is None:
            continue
        likelihood = float(forward(y - found.slope * t, found)[0].sum())
        if likelihood > most:
            best, most = found, likelihood
    if best is None:
        return None
    for _ in range(_EM_ROUNDS):
        new = _baum_welch(y, t, best)
        if new is None:
            return None
        close = abs(np.log(new.up / best.up)) + abs(np.log(new.down / best.down)) < 1e-3
        best = new
        if close:
            break
    if best.low > best.high:
        best = Chain(best.high, best.low, best.slope, best.sd, best.down, best.up)
    return viterbi(y - best.slope * t, best.low, best.high, best.sd, best.up, best.down), best


def _climb(y: np.ndarray, t: np.ndarray, path: np.ndarray) -> Chain | None:
    """Fit path and parameters in turn until the path stays."""
    chain = None
    for _ in range(_ROUNDS):
        if path.sum() < 2 or (~path).sum() < 2:
            return None
        weight = path.astype(float)
        low, high, slope, sd = _levels(y, t, weight)
        if high < low:
            path, low, high = ~path, high, low
        chain = Chain(low, high, slope, sd, *_jump_probabilities(path))
        new = viterbi(y - slope * t, low, high, sd, chain.up, chain.down)
        if (new == path).all():
            break
        path = new
    return chain


def _levels(y: np.ndarray, t: np.ndarray, weight: np.ndarray) -> tuple[float, float, float, float]:
    """Fit low, high, slope and noise by least squares, each reading weighted by its probability to be high."""
    off = 1.0 - weight
    gram = np.array(
        [
            [off.sum(), 0.0, (off * t).sum()],
            [0.0, weight.sum(), (weight * t).sum()],
            [(off * t).sum(), (weight * t).sum(), (t * t).sum()],
        ]
    )
    low, high, slope = np.linalg.lstsq(
        gram, np.array([(off * y).sum(), (weight * y).sum(), (t * y).sum()]), rcond=None
    )[0]
    rest = y - slope * t
    square = float((off * (rest - low) ** 2 + weight * (rest - high) ** 2).mean())
    return float(low), float(high), float(slope), max(float(np.sqrt(square)), 1e-6)


def _baum_welch(y: np.ndarray, t: np.ndarray, chain: Chain) -> Chain | None:
    """Run one round of the Baum-Welch algorithm."""
    rest = y - chain.slope * t
    _, after = forward(rest, chain)
    n = y.size
    # backwards: probability of each state given all readings
    up, down = chain.up, chain.down
    high = np.empty(n)
    high[-1] = now = float(after[-1])
    ups = downs = 0.0
    for k in range(n - 2, -1, -1):
        f = after[k]
        to_high = f * (1 - down) + (1 - f) * up
        to_high = min(max(to_high, 1e-300), 1 - 1e-16)
        up_here = now * (1 - f) * up / to_high
        down_here = (1 - now) * f * down / (1 - to_high)
        ups += up_here
        downs += down_here
        now = now * f * (1 - down) / to_high + down_here
        high[k] = now
    on = float(high[:-1].sum())
    if on < 2 or n - 1 - on < 2:
        return None
    limit = 0.5 / n
    new_up, new_down = max(ups / (n - 1 - on), limit), max(downs / on, limit)
    return Chain(*_levels(y, t, high), min(new_up, 1 - limit), min(new_down, 1 - limit))


def forward(rest: np.ndarray, chain: Chain) -> tuple[np.ndarray, list[float]]:
    """Return the log-likelihood of each reading given those before it, and the probability of the upper level."""
    low, high = ((rest - level) ** 2 / (-2 * chain.sd**2) for level in (chain.low, chain.high))
    top = np.maximum(low, high)
    up, stay = chain.up, 1 - chain.down - chain.up
    chance = chain.up / (chain.up + chain.down)
    after: list[float] = []
    seen: list[float] = []
    for a, b in zip(np.exp(low - top).tolist(), np.exp(high - top).tolist(), strict=True):
        of_high = chance * b
        total = of_high + (1 - chance) * a
        given = of_high / total
        seen.append(total)
        after.append(given)
        chance = up + stay * given
    return np.log(seen) + top - np.log(chain.sd), after


def _jump_probabilities(path: np.ndarray) -> tuple[float, float]:
    """Return chance a step to go up, and to go down."""
    up = int((~path[:-1] & path[1:]).sum())
    down = int((path[:-1] & ~path[1:]).sum())
    off = int((~path[:-1]).sum())
    return (up + 0.5) / (off + 1.0), (down + 0.5) / (path.size - 1 - off + 1.0)


def viterbi(y: np.ndarray, low: float, high: float, sd: float, up: float, down: float) -> np.ndarray:
    """Find the most likely path of a two-state chain under white noise (Viterbi, doi:10.1109/TIT.1967.1054010).

    For two states only the difference of their scores matters: it accumulates the log-likelihood ratio of each reading,
    and is clipped where a jump is the more likely way to the state.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Readings.
    low, high, sd : float
        The levels, and the noise.
    up, down : float
        Probability of a jump per step, between 0 and 1.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where the upper level is on.
    """
    ratio = ((y - low) ** 2 - (y - high) ** 2) / (2 * sd * sd)
    # a path that is up may have come from below where the difference was under `floor`, and one below from above
    floor, ceiling = float(np.log(up / (1 - down))), float(np.log((1 - up) / down))
    shift = float(np.log((1 - down) / (1 - up)))
    scores, now = np.empty(y.size), 0.0
    for k, step in enumerate(ratio.tolist()):
        if k:
            now = min(max(now, floor), ceiling) + shift
        now += step
        scores[k] = now
    # backwards: up if the score is above the ceiling, down if below the floor, else as the reading after it
    known = np.where(scores > ceiling, 1, np.where(scores < floor, 0, -1))
    known[-1] = int(scores[-1] > 0)
    at = np.where(known >= 0, np.arange(y.size), y.size)
    following = np.minimum.accumulate(at[::-1])[::-1]
    return known[following] == 1


def rates(chain: Chain) -> tuple[float, float] | None:
    """Return the rates up and down a step of the chain in continuous time; None if it has no memory."""
    both = chain.up + chain.down
    if not 0 < both < 1:
        return None
    longer = -float(np.log1p(-both)) / both
    return chain.up * longer, chain.down * longer


def with_rates(chain: Chain, up: float, down: float) -> Chain:
    """Return the chain with other rates per step, in continuous time."""
    part = -float(np.expm1(-(up + down))) / (up + down)
    return replace(chain, up=up * part, down=down * part)


def peak(rest: np.ndarray, chain: Chain) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Find the rates of greatest likelihood and the number of dwells they are worth; None without memory.

    By Newton steps in the logarithms; the number of dwells is 1 / variance of ln rate, from the curvature.

    Parameters
    ----------
    rest : ndarray, shape (n,)
        Readings without the trend.
    chain : Chain
        Chain whose levels and noise are kept.
    """
    start = rates(chain)
    if start is None:
        return None
    at, h = np.log(np.array(start)), 0.03

    def likelihood(a: float, b: float) -> float:
        return float(forward(rest, with_rates(chain, float(np.exp(at[0] + a)), float(np.exp(at[1] + b))))[0].sum())

    for _ in range(_NEWTON):
        middle = likelihood(0, 0)
        east, west, north, south = likelihood(h, 0), likelihood(-h, 0), likelihood(0, h), likelihood(0, -h)
        mixed = (likelihood(h, h) + likelihood(-h, -h) - east - west - north - south + 2 * middle) / (2 * h * h)
        square = np.array([[east + west - 2 * middle, 0], [0, north + south - 2 * middle]]) / h**2
        square[0, 1] = square[1, 0] = mixed
        determinant = float(np.linalg.det(square))
        if not (square[0, 0] < 0 and square[1, 1] < 0 and determinant > 0):
            return (float(np.exp(at[0])), float(np.exp(at[1]))), (0.0, 0.0)
        move = np.clip(np.linalg.solve(square, -np.array([east - west, north - south]) / (2 * h)), -0.5, 0.5)
        worth = (-determinant / square[1, 1], -determinant / square[0, 0])
        at = at + move
        if np.abs(move).max() < 0.01:
            break
    return (float(np.exp(at[0])), float(np.exp(at[1]))), (float(worth[0]), float(worth[1]))
