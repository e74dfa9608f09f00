r"""Likelihood of a train with scattering updates: an extended Kalman filter along it, compiled.

In cycle k the state x, its ln rate l, the offset o of its window and a reversible fluctuation h follow

.. math::
    x_{n+1} = x_n + \rho(x_n) e^{l} + w_n, \quad h_{n+1} = m h_n + v_n, \quad y_n = x_n + o + h_n + e_n,

with increments w of variance inc^2 + (step \rho e^l)^2, read noise e, and l, o and the start constant in a cycle, of
standard deviations ln_rate, offset and start over cycles. Each pulse draws the fluctuation h anew, of standard
deviation held and with memory m of the one before; it is held until the next pulse, and does not carry the state. What
a pulse draws is exp(tilt (x - 1/2)) times as large at the state x, and read noise with a tilt of its own. The filter
takes q = 1 + \rho' e^l and b = \rho e^l at the state that the readings so far make most likely, not on a mean curve:
updates of 1 % of the window carry a train far from its mean curve within a hundred pulses.
"""

from __future__ import annotations

import numpy as np

from devicekit.models import kernel
from devicekit.models.tilt import state_factor
from devicekit.system.jit import borrowing, compiled

NOISES = ("increment", "read", "offset", "ln_rate", "start", "step", "held", "memory", "tilt", "read_tilt")
DEVIATIONS = NOISES[:7]  # held by their ln; memory by ln(m / (1 - m)), tilts as they are
STEP, HELD, MEMORY, TILT, READ_TILT = 5, 6, 7, 8, 9  # where they stand in `NOISES`
LEAST_SLOPE, LARGEST_SLOPE = 0.2, 1.3  # of x + rho(x): the linearisation does not hold beyond
DIFFERENCE, OF_NOISE = 1e-5, 1e-3  # steps of a parameter and of a noise number for their derivatives
JUMP = 100.0  # larger derivatives are dropped: where a law's rate ends at a state, its slope jumps
LN_NOTHING = -13.0  # of a fluctuation: smaller ones count as 0
LANES = 16  # filters side by side
MOST_PAIRS = 64  # pairs of train and filter at once, so that their states stay in the processor's cache
# Where each number of a filter is: x, ln rate l and offset o, their covariance, the noise, and what a pulse does.
X, RATE, OFFSET, XX, XL, XO, LL, LO, OO = (LANES * k for k in range(9))
FLICKER, XH, LH, OH, HH = (LANES * k for k in range(9, 14))
BY_PULSE, BY_READING, BY_STEP, BY_FLICKER, KEPT, LEAN, READ_LEAN = (LANES * k for k in range(14, 21))
READING, SEEN, GOES, S, ERROR, SLOPE, MOVE, AT_READING, AT_PULSE = (LANES * k for k in range(21, 30))
ROWS = 30


def standard_deviations(noise: np.ndarray) -> dict[str, float]:
    """Return the noise by name: standard deviations [of the window], memory and tilt [1]."""
    found = {name: float(np.exp(value)) for name, value in zip(DEVIATIONS, noise, strict=False)}
    memory = float(1.0 / (1.0 + np.exp(-noise[MEMORY])))
    return {**found, "memory": memory, "tilt": float(noise[TILT]), "read_tilt": float(noise[READ_TILT])}


@compiled
def _fill_noise(noise, into):  # type: ignore[no-untyped-def]
    """Fill variances, memory and tilts from the noise numbers in the order of `NOISES`; no tiny fluctuation."""
    for k in range(7):
        into[k] = np.exp(2.0 * noise[k])
    if noise[HELD] < LN_NOTHING:
        into[HELD] = 0.0
    into[MEMORY] = 1.0 / (1.0 + np.exp(-noise[MEMORY]))
    into[TILT], into[READ_TILT] = noise[TILT], noise[READ_TILT]


@borrowing
def _run_filters(law, thetas, middles, x0, variances, y, state, errors, spreads, totals, scratch):  # type: ignore[no-untyped-def]
    """Run every filter on every train, `LANES` of these pairs side by side, pulse by pulse.

    The filters do not wait for each other's exponentials, and several share one instruction, because their states are
    in one array at constant distances.

    Parameters
    ----------
    law : int
    thetas : ndarray, shape (F, p)
        Of each filter; so are `middles` (ell(1/2)), `x0`, and `variances` (in the order of `NOISES`, then memory
        and tilts).
    y : ndarray, shape (K, N + 1)
        Readings on the rising coordinate, NaN where nothing was read.
    state : ndarray, shape (ROWS * LANES,)
        Workspace.
    errors, spreads : ndarray, shape (K * F, N + 1)
        Filled with the errors of one-step predictions and their variances (0 where nothing was read), of the first
        train by each filter, then of the second.
    totals : ndarray, shape (K,)
        Filled with the log-likelihood of each train by the first filter.
    scratch : ndarray, shape (MAX_SHAPE,)
    """
    filters, pairs, a = thetas.shape[0], y.shape[0] * thetas.shape[0], state
    totals[:] = 0.0
    for first in range(0, pairs, LANES):
        count = min(LANES, pairs - first)
        a[:] = 0.0
        for i in range(count):
            f = (first + i) % filters
            a[i + X], a[i + GOES] = x0[f], 1.0
            a[i + XX], a[i + LL], a[i + OO] = variances[f, 4], variances[f, 3], variances[f, 2]
            a[i + BY_PULSE], a[i + BY_STEP] = variances[f, 0], variances[f, STEP]
            a[i + BY_READING], a[i + KEPT], a[i + LEAN] = (
                variances[f, 1],
                variances[f, MEMORY],
                2.0 * variances[f, TILT],
            )
            a[i + READ_LEAN] = 2.0 * variances[f, READ_TILT]
            a[i + HH] = variances[f, HELD] * state_factor(a[i + LEAN], x0[f])
            a[i + BY_FLICKER] = variances[f, HELD] * (1.0 - variances[f, MEMORY] * variances[f, MEMORY])
        for n in range(y.shape[1]):
            k, f = first // filters, first % filters
            for i in range(count):
                reading = y[k, n]
                a[i + READING], a[i + SEEN] = reading, a[i + GOES] if np.isfinite(reading) else 0.0
                a[i + AT_READING] = a[i + BY_READING]
                if a[i + READ_LEAN] != 0.0:
                    a[i + AT_READING] *= state_factor(a[i + READ_LEAN], a[i + X])
                f += 1
                if f == filters:
                    k, f = k + 1, 0
            for i in range(LANES):
                hx = a[i + XX] + a[i + XO] + a[i + XH]
                hl = a[i + XL] + a[i + LO] + a[i + LH]
                ho = a[i + XO] + a[i + OO] + a[i + OH]
                hh = a[i + XH] + a[i + OH] + a[i + HH]
                s = hx + ho + hh + a[i + AT_READING]
                error = a[i + READING] - a[i + X] - a[i + OFFSET] - a[i + FLICKER]
                a[i + S], a[i + ERROR] = s, error
                seen = a[i + SEEN] > 0.0  # the result is discarded where nothing was read or s is 0
                a[i + X] = a[i + X] + hx / s * error if seen else a[i + X]
                a[i + RATE] = a[i + RATE] + hl / s * error if seen else a[i + RATE]
                a[i + OFFSET] = a[i + OFFSET] + ho / s * error if seen else a[i + OFFSET]
                a[i + FLICKER] = a[i + FLICKER] + hh / s * error if seen else a[i + FLICKER]
                a[i + XX] = a[i + XX] - hx * hx / s if seen else a[i + XX]
                a[i + XL] = a[i + XL] - hx * hl / s if seen else a[i + XL]
                a[i + XO] = a[i + XO] - hx * ho / s if seen else a[i + XO]
                a[i + LL] = a[i + LL] - hl * hl / s if seen else a[i + LL]
                a[i + LO] = a[i + LO] - hl * ho / s if seen else a[i + LO]
                a[i + OO] = a[i + OO] - ho * ho / s if seen else a[i + OO]
                a[i + XH] = a[i + XH] - hx * hh / s if seen else a[i + XH]
                a[i + LH] = a[i + LH] - hl * hh / s if seen else a[i + LH]
                a[i + OH] = a[i + OH] - ho * hh / s if seen else a[i + OH]
                a[i + HH] = a[i + HH] - hh * hh / s if seen else a[i + HH]
            k, f = first // filters, first % filters - 1
            for i in range(count):
                pair, f = first + i, f + 1
                if f == filters:
                    k, f = k + 1, 0
                errors[pair, n], spreads[pair, n] = 0.0, 0.0
                if a[i + SEEN] > 0.0:
                    s, error = a[i + S], a[i + ERROR]
                    if s <= 0.0:
                        a[i + GOES] = 0.0
                        if f == 0:
                            totals[k] = -np.inf
                    else:
                        errors[pair, n], spreads[pair, n] = error, s
                        if f == 0:
                            totals[k] -= 0.5 * (error * error / s + np.log(6.283185307179586 * s))
                if a[i + GOES] == 0.0:
                    continue
                log_rate = thetas[f, 0] + kernel.ell(law, a[i + X], thetas[f, 1:], scratch) - middles[f] + a[i + RATE]
                a[i + SLOPE], a[i + MOVE], a[i + AT_PULSE] = 1.0, 0.0, 1.0
                if a[i + LEAN] != 0.0:
                    a[i + AT_PULSE] = state_factor(a[i + LEAN], a[i + X])
                if log_rate != -np.inf:
                    move = np.exp(min(log_rate, kernel.LARGEST_LOG_RATE))
                    a[i + MOVE] = move
                    a[i + SLOPE] = min(max(1.0 + move * scratch[0], LEAST_SLOPE), LARGEST_SLOPE)
            for i in range(LANES):
                q, b, xl, ll, lo = a[i + SLOPE], a[i + MOVE], a[i + XL], a[i + LL], a[i + LO]
                kept, drawn, lh = a[i + KEPT], a[i + AT_PULSE], a[i + LH]
                own = q * q * a[i + XX] + 2.0 * q * b * xl + b * b * ll
                a[i + X] = min(a[i + X] + b, kernel.LARGEST_STATE)
                a[i + FLICKER] = kept * a[i + FLICKER]
                a[i + XX] = own + a[i + BY_PULSE] * drawn + a[i + BY_STEP] * b * b * drawn
                a[i + XL] = q * xl + b * ll
                a[i + XO] = q * a[i + XO] + b * lo
                a[i + XH] = kept * (q * a[i + XH] + b * lh)
                a[i + LH] = kept * lh
                a[i + OH] = kept * a[i + OH]
                a[i + HH] = kept * kept * a[i + HH] + a[i + BY_FLICKER] * drawn


@compiled
def innovations(law, z, trains, errors, spreads, totals):  # type: ignore[no-untyped-def]
    """Fill the errors of one-step predictions, their variances (0 where nothing was read) and the log-likelihoods.

    Parameters
    ----------
    law : int
    z : ndarray, shape (p + 1 + len(NOISES),)
        (theta, x0, the noise in the order of `NOISES`).
    trains, errors, spreads : ndarray, shape (K, N + 1)
        Readings on the rising coordinate, NaN where nothing was read; the other two are filled.
    totals : ndarray, shape (K,)
        Filled, one a train.
    """
    p = z.size - 11
    scratch = np.empty(kernel.MAX_SHAPE)
    thetas, variances = z[:p].reshape(1, p), np.empty((1, 10))
    _fill_noise(z[p + 1 :], variances[0])
    middles = np.array([kernel.middle_and_gradient(law, z[1:p], scratch)])
    state = np.empty(ROWS * LANES)
    _run_filters(law, thetas, middles, z[p : p + 1], variances, trains, state, errors, spreads, totals, scratch)


@compiled
def log_likelihood(law, z, trains):  # type: ignore[no-untyped-def]
    """Return the log-likelihood of all trains (K, N + 1); z as in `innovations`."""
    errors, spreads, totals = np.empty(trains.shape), np.empty(trains.shape), np.empty(trains.shape[0])
    innovations(law, z, trains, errors, spreads, totals)
    total = 0.0
    for k in range(trains.shape[0]):
        total += totals[k]
    return total


@compiled
def information(law, z, trains, free, fisher, scores):  # type: ignore[no-untyped-def]
    """Fill the Fisher information (m, m) and each train's gradient (K, m); return the log-likelihood of all.

    From the derivatives of errors e and variances S of the one-step predictions: a train's gradient is
    -SUM e e' / S + (1 - e^2 / S) S' / 2 S, its information SUM e' e' / S + S' S' / 2 S^2.
    """
    m = z.size
    p = m - 11
    points = trains.shape[1]
    moved = np.flatnonzero(free)  # filter f > 0 has parameter moved[f - 1] by steps[f]
    filters = 1 + moved.size
    thetas, middles, x0 = np.empty((filters, p)), np.empty(filters), np.empty(filters)
    variances, steps = np.empty((filters, 10)), np.empty(filters)
    scratch = np.empty(kernel.MAX_SHAPE)
    trial = z.copy()
    for f in range(filters):
        if f > 0:
            j = moved[f - 1]
            steps[f] = DIFFERENCE * max(1.0, abs(z[j])) if j <= p else OF_NOISE
            trial[j] = z[j] + steps[f]
            if p < j <= p + 7:  # errors depend on a variance, which grows by more than twice a step of ln sd
                steps[f] = 0.5 * (np.exp(2.0 * steps[f]) - 1.0)
        for i in range(p):
            thetas[f, i] = trial[i]
        _fill_noise(trial[p + 1 :], variances[f])
        middles[f], x0[f] = kernel.middle_and_gradient(law, trial[1:p], scratch), trial[p]
        if f > 0:
            trial[moved[f - 1]] = z[moved[f - 1]]
    together = max(MOST_PAIRS // filters, 1)  # trains
    errors, spreads = np.empty((together * filters, points)), np.empty((together * filters, points))
    by_error, by_spread = np.zeros(filters), np.zeros(filters)
    gradients, products = np.empty(filters), np.empty((filters, filters))
    state, likelihood = np.empty(ROWS * LANES), np.empty(together)
    fisher[:, :] = 0.0
    scores[:, :] = 0.0
    total = 0.0
    for k in range(trains.shape[0]):
        inside = k % together
        if inside == 0:
            readings = trains[k : k + together]
            totals = likelihood[: readings.shape[0]]
            _run_filters(law, thetas, middles, x0, variances, readings, state, errors, spreads, totals, scratch)
        total += likelihood[inside]
        error, spread = errors[inside * filters :], spreads[inside * filters :]
        gradients[:] = 0.0
        products[:, :] = 0.0
        for n in range(points):
            if spread[0, n] <= 0.0:
                continue
            root = np.sqrt(spread[0, n])
            u = error[0, n] / root
            for f in range(1, filters):
                by_error[f] = (error[f, n] - error[0, n]) / steps[f] / root
                by_spread[f] = (spread[f, n] - spread[0, n]) / steps[f] / spread[0, n]
                if abs(by_error[f]) * root > JUMP or abs(by_spread[f]) > JUMP:
                    by_error[f], by_spread[f] = 0.0, 0.0
                gradients[f] -= u * by_error[f] + 0.5 * by_spread[f] * (1.0 - u * u)
            for f in range(1, filters):
                for g in range(1, f + 1):  # separate sums, which do not wait for each other
                    products[f, g] += by_error[f] * by_error[g] + 0.5 * by_spread[f] * by_spread[g]
        for f in range(1, filters):
            scores[k, moved[f - 1]] = gradients[f]
            for g in range(1, f + 1):
                fisher[moved[f - 1], moved[g - 1]] += products[f, g]
    for j in range(m):
        for i in range(j):
            fisher[i, j] = fisher[j, i]
    return total
