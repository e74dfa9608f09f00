"""Components of cycle-to-cycle scatter: a linear-Gaussian model about the mean curve, by likelihood.

In cycle k the deviation v of the state from the mean curve, and the reading y, follow

    v_{n+1} = q_n v_n + rho_n l_k + w_n,     y_n = v_n + o_k + e_n,

with q = 1 + rho'(x), an offset o_k of the window and a ln rate l_k that are constant in a cycle, increments
w_n of variance inc^2 + (step rho_n)^2, read noise e_n, and a start v_0. The six standard deviations are
those of greatest likelihood (Kalman filter). Without o or l, a drifting window or a cycle that runs faster
than another would appear as increments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.statistics import mean_curve, nanmean
from devicekit.fitting.branch.result import BranchFit
from devicekit.models import kernel
from devicekit.system.algebra import product
from devicekit.system.jit import compiled

NAMES = ("increment", "read", "offset", "ln_rate", "start", "step")
LAGS = (1, 2, 3, 5, 8, 13, 21, 34, 55)  # of the variogram
LARGEST_LN_RATE = 0.5
SMALLEST = 1e-5  # of the window: smaller deviations count as 0
MOST_TRAINS = 400  # enough for 2 % on a standard deviation; more only cost time


@dataclass(frozen=True)
class Components:
    """Standard deviations as fractions of the window (ln_rate and step: relative numbers).

    Attributes
    ----------
    increment : float
        Of one update, the same everywhere.
    read : float
        Of one reading.
    offset : float
        Of the window's offset, over cycles.
    ln_rate : float
        Of ln rate, over cycles.
    start : float
        Of the state before the first pulse.
    step : float
        Of one update, as a fraction of its own step; 0 unless the data ask for it.
    log_likelihood : float
    held, memory, tilt, read_tilt : float
        As in `devicekit.fitting.likelihood.filter`; not looked for here.
    """

    increment: float
    read: float
    offset: float
    ln_rate: float
    start: float
    step: float
    log_likelihood: float
    held: float = 0.0
    memory: float = 0.0
    tilt: float = 0.0
    read_tilt: float = 0.0


@compiled
def _log_likelihood(variances, y, q, rho):  # type: ignore[no-untyped-def]
    """Return the sum over cycles of one device; y (K, N + 1) deviations, q and rho (N + 1,) along the mean curve.

    The covariance recursion does not depend on the readings, so cycles without gaps share its gains.
    """
    inc, read, offset, ln_rate, start, step = variances
    cycles, points = y.shape
    v, lr, o = np.zeros(cycles), np.zeros(cycles), np.zeros(cycles)
    # upper triangle of the covariance of (v, l, o)
    vv, vl, vo, ll, lo, oo = start, 0.0, 0.0, ln_rate, 0.0, offset
    total = 0.0
    for n in range(points):
        gap = False
        for k in range(cycles):
            if not np.isfinite(y[k, n]):
                gap = True
        if not gap:
            hv, hl, ho = vv + vo, vl + lo, vo + oo
            s = hv + ho + read
            if s <= 0.0:
                return -np.inf
            for k in range(cycles):
                error = y[k, n] - v[k] - o[k]
                total -= 0.5 * (error * error / s + np.log(6.283185307179586 * s))
                v[k] += hv / s * error
                lr[k] += hl / s * error
                o[k] += ho / s * error
            vv -= hv * hv / s
            vl -= hv * hl / s
            vo -= hv * ho / s
            ll -= hl * hl / s
            lo -= hl * ho / s
            oo -= ho * ho / s
        # v' = q v + rho l + w
        a, b = q[n], rho[n]
        for k in range(cycles):
            v[k] = a * v[k] + b * lr[k]
        vv = a * a * vv + 2.0 * a * b * vl + b * b * ll + inc + step * b * b
        vl = a * vl + b * ll
        vo = a * vo + b * lo
    return total


@dataclass(frozen=True)
class Track:
    """Deviations of one device's cycles from their mean, and the law along it.

    Attributes
    ----------
    deviation : ndarray, shape (K, N + 1)
        Already scaled by sqrt(K / (K - 1)), because the mean was estimated from the same cycles.
    q, rho : ndarray, shape (N + 1,)
        1 + rho'(x) and rho(x) along the fitted curve.
    """

    deviation: np.ndarray
    q: np.ndarray
    rho: np.ndarray


def fit_components(tracks: list[Track], start: tuple[float, float, float, float]) -> Components:
    """Fit the standard deviations of greatest likelihood.

    Parameters
    ----------
    tracks : list of Track
        At least one, each with two cycles or more.
    start : tuple of float
        First guess of increment, read, offset and ln_rate, such as a variogram's.

    Returns
    -------
    Components
    """
    from scipy.optimize import minimize

    most = max(MOST_TRAINS // len(tracks), 2)
    data = [(np.ascontiguousarray(track.deviation[:most]), track.q, track.rho) for track in tracks]
    ceiling = np.array([0.5, 0.5, 1.0, LARGEST_LN_RATE, 0.5, 3.0])

    def likelihood(ln_sd: np.ndarray, with_step: bool) -> float:
        sd = np.zeros(6)
        sd[: ln_sd.size] = np.exp(ln_sd)
        if not with_step:
            sd[5] = 0.0
        if (sd > ceiling).any() or (ln_sd < np.log(SMALLEST) - 3).any():
            return -np.inf
        return float(sum(_log_likelihood(sd**2, *track) for track in data))

    def climb(first: np.ndarray, with_step: bool) -> tuple[np.ndarray, float]:
        simplex = np.vstack([first, first + np.diag(np.full(first.size, 0.7))])
        found = minimize(
            lambda p: -likelihood(p, with_step),
            first,
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.005, "fatol": 0.02, "maxfev": 900},
        )
        return found.x, -float(found.fun)

    spread = float(np.sqrt(np.mean([np.nanmean(track.deviation**2) for track in tracks])))
    floor = max(spread, 10 * SMALLEST)
    guesses = []
    for weights in ((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.2, 0.2)):
        # a nearly straight curve leaves the offset of the first guess open: limit it by the spread itself
        sd = np.array([min(max(g * w, 0.01 * floor), floor) for g, w in zip(start, weights, strict=True)])
        sd[3] = min(max(start[3] * weights[3], 0.003), 0.4)
        guesses.append(np.log(np.append(sd, 0.3 * floor)))
    best, top = max((climb(guess, False) for guess in guesses), key=lambda result: result[1])
    best, top = climb(best, False)
    rates = np.concatenate([track.rho for track in tracks])
    mean_step = max(float(np.mean(rates)), SMALLEST)
    with_step, higher = climb(np.append(best, np.log(min(max(np.exp(best[0]) / mean_step, 1e-3), 2.0))), True)
    # only for a large gain, since second-order effects of large increments mimic a little of it
    if higher > top + 2 * np.log(sum(deviation.size for deviation, _, _ in data)):
        best, top = with_step, higher
    sd = np.zeros(6)
    sd[: best.size] = np.exp(best)
    # negligible deviations are reported as 0
    for k, limit in enumerate((SMALLEST, SMALLEST, SMALLEST, 1e-3, SMALLEST, 1e-2)):
        sd[k] = sd[k] if sd[k] > 2 * limit and likelihood_drop(best, k, top, likelihood) > 0.5 else 0.0
    increment, read, offset, ln_rate, start_sd, step = (float(value) for value in sd)
    return Components(increment, read, offset, ln_rate, start_sd, step, log_likelihood=top)


def likelihood_drop(best, k, top, likelihood) -> float:  # type: ignore[no-untyped-def]
    """Return how much the log-likelihood falls if component k is left out."""
    if k >= best.size:
        return 0.0
    without = best.copy()
    without[k] = np.log(SMALLEST) - 2.5
    return float(top - likelihood(without, best.size == 6))


def tracks_of(groups: list[np.ndarray], fits: list[BranchFit]) -> list[Track]:
    """Return deviations of every device with two cycles or more, with q and rho along its fit.

    Trains that end at different pulses are separate tracks: cycles of one track share their gains. Where only one train
    continues, its distance from the mean carries no information.

    Parameters
    ----------
    groups : list of ndarray, shape (K_d, N + 1)
        Trains of each device on the rising coordinate.
    fits : list of BranchFit
        The fit of each device.
    """
    tracks = []
    for group, fit in zip(groups, fits, strict=True):
        if len(group) < 2:
            continue
        path = np.ascontiguousarray(fit.trajectory[: group.shape[1]])
        q, rho = kernel.slopes(fit.law.id, fit.theta, path), kernel.rates(fit.law.id, fit.theta, path)
        read = np.isfinite(group)
        many = read.sum(axis=0)
        cycles = float(many[many > 1].mean()) if (many > 1).any() else 0.0
        if cycles == 0.0:
            continue
        deviation = np.where(many > 1, group - mean_curve(group), np.nan) * np.sqrt(cycles / (cycles - 1.0))
        ends = np.where(read.any(axis=1), read.shape[1] - np.argmax(read[:, ::-1], axis=1), 0)
        for end in np.unique(ends[ends > 1]):
            tracks.append(Track(np.ascontiguousarray(deviation[ends == end, :end]), q[:end], rho[:end]))
    return tracks


@dataclass(frozen=True)
class Variogram:
    """Standard deviations that explain the squared differences of deviations over all lags."""

    increment: float
    read: float
    cycle_offset: float
    cycle_ln_rate: float


def variogram(tracks: list[Track]) -> Variogram:
    """Split the scatter of cycles about their device's mean into increments, read noise, offset and rate.

    The closed-form check of the likelihood, and its first guess. For deviations v = y - mean curve,
    decay q_n = 1 + rho'(x_n) and Q = product of q over m pulses,

        E (v_{n+m} - Q v_n)^2 = inc^2 SUM (product of later q)^2 + read^2 (1 + Q^2)
                                + offset^2 (1 - Q)^2 + rate^2 (SUM rho product of later q)^2,

    a linear model in the four variances, solved by non-negative least squares over pulses and lags,
    reweighted by the expected squares. Without the last two terms a drifting window and a cycle that runs
    faster than another would both be misread as increments.
    """
    from scipy.optimize import nnls

    designs, targets = [], []
    for track in tracks:
        deviation = track.deviation
        for lag in (m for m in LAGS if m < deviation.shape[1] // 2):
            design, remaining = _variogram_design(track.q, track.rho, lag)
            squares = (deviation[:, lag:] - remaining * deviation[:, :-lag]) ** 2
            target = nanmean(squares)
            known = np.isfinite(target)
            designs.append(design[known])
            targets.append(target[known])
    design, target = np.vstack(designs), np.concatenate(targets)
    if not (target > 0).any():
        return Variogram(0.0, 0.0, 0.0, 0.0)
    scale = design.max(axis=0)
    scale[scale == 0] = 1.0
    weight = np.full(target.size, 1.0 / target.mean())
    variances = np.zeros(4)
    for _ in range(4):
        variances, _ = nnls((design / scale) * weight[:, None], target * weight)
        expected = product(design / scale, variances)
        weight = 1.0 / np.maximum(expected, 1e-3 * expected.mean() + 1e-300)
    # four digits: the last ones of a first guess depend on the CPU
    return Variogram(*(float(f"{sd:.4g}") for sd in np.sqrt(variances / scale)))


def _variogram_design(q: np.ndarray, rho: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns (increment, read, offset, rate) of the expected squares at one lag, and Q, for each start n."""
    count = q.size - lag
    later = np.ones(count)
    increments, rates = np.zeros(count), np.zeros(count)
    for step in range(lag - 1, -1, -1):
        increments += later**2
        rates += rho[step : step + count] * later
        later = later * q[step : step + count]
    design = np.stack([increments, 1.0 + later**2, (1.0 - later) ** 2, rates**2], axis=1)
    return design, later


def pulse_noise(tracks: list[Track]) -> Components | None:
    """Return the components of greatest likelihood, started from the variogram; None without repeats."""
    if not tracks:
        return None
    guess = variogram(tracks)
    if guess.increment == guess.read == guess.cycle_offset == guess.cycle_ln_rate == 0.0:
        return Components(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, log_likelihood=np.inf)
    return fit_components(tracks, (guess.increment, guess.read, guess.cycle_offset, guess.cycle_ln_rate))
