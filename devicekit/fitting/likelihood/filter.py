r"""The likelihood of a train whose updates scatter: an extended Kalman filter along it, compiled.

In cycle k the state x, its ln rate l and the offset o of its window follow

.. math::
    x_{n+1} = x_n + \rho(x_n) e^{l} + w_n, \quad y_n = x_n + o + e_n,

with increments w of variance inc^2 + (step \rho e^l)^2, read noise e, and l, o and the start constant in a cycle, of
standard deviations ln_rate, offset and start over cycles. The filter takes q = 1 + \rho' e^l and b = \rho e^l at the
state that the readings so far make most likely, not on a mean curve: updates of 1 % of the window carry a train far
from its mean curve within a hundred pulses.
"""

from __future__ import annotations

import numpy as np

from devicekit.jit import borrowing, compiled
from devicekit.models import kernel

NOISES = ("increment", "read", "offset", "ln_rate", "start", "step")
LEAST_SLOPE, LARGEST_SLOPE = 0.2, 1.3  # of x + rho(x): beyond, the linearisation is no guide
DIFFERENCE = 1e-5  # of a parameter, for its derivative


@borrowing
def _follow(law, thetas, middles, x0, variances, y, state, errors, spreads, totals, scratch):  # type: ignore[no-untyped-def]
    """Several filters, pulse by pulse side by side, so that none waits for another's exponentials.

    Parameters
    ----------
    law : int
    thetas : ndarray, shape (F or 1, p)
        Of each filter, or of all; so are `middles` (ell(1/2)), `x0`, and `variances` (in the order of `NOISES`).
    y : ndarray, shape (F or 1, N + 1)
        Readings on the rising coordinate, NaN where nothing was read.
    state : ndarray, shape (F, 10)
        Room for x, l, o, the upper triangle of their covariance, and whether the filter goes on.
    errors, spreads : ndarray, shape (F, N + 1)
        Filled with the errors of one-step predictions and their variances (0 where nothing was read).
    totals : ndarray, shape (up to F,)
        Filled with the log-likelihoods of the first filters.
    scratch : ndarray, shape (MAX_SHAPE,)
    """
    own, apart = (1 if thetas.shape[0] > 1 else 0), (1 if y.shape[0] > 1 else 0)
    for f in range(state.shape[0]):
        state[f, :] = 0.0
        state[f, 0] = x0[own * f]
        state[f, 3] = variances[own * f, 4]
        state[f, 6] = variances[own * f, 3]
        state[f, 8] = variances[own * f, 2]
        state[f, 9] = 1.0
    totals[:] = 0.0
    for n in range(y.shape[1]):
        for f in range(state.shape[0]):
            at, reading = own * f, y[apart * f, n]
            errors[f, n] = 0.0
            spreads[f, n] = 0.0
            if state[f, 9] == 0.0:
                continue
            x, lr, o = state[f, 0], state[f, 1], state[f, 2]
            xx, xl, xo, ll, lo, oo = state[f, 3], state[f, 4], state[f, 5], state[f, 6], state[f, 7], state[f, 8]
            if np.isfinite(reading):
                hx, hl, ho = xx + xo, xl + lo, xo + oo
                s = hx + ho + variances[at, 1]
                if s <= 0.0:
                    state[f, 9] = 0.0
                    if f < totals.size:
                        totals[f] = -np.inf
                    continue
                error = reading - x - o
                errors[f, n] = error
                spreads[f, n] = s
                if f < totals.size:
                    totals[f] -= 0.5 * (error * error / s + np.log(6.283185307179586 * s))
                x += hx / s * error
                lr += hl / s * error
                o += ho / s * error
                xx -= hx * hx / s
                xl -= hx * hl / s
                xo -= hx * ho / s
                ll -= hl * hl / s
                lo -= hl * ho / s
                oo -= ho * ho / s
            log_rate = thetas[at, 0] + kernel.ell(law, x, thetas[at, 1:], scratch) - middles[at] + lr
            a, b = 1.0, 0.0
            if log_rate != -np.inf:
                b = np.exp(min(log_rate, kernel.LARGEST_LOG_RATE))
                a = min(max(1.0 + b * scratch[0], LEAST_SLOPE), LARGEST_SLOPE)
            state[f, 0], state[f, 1], state[f, 2] = min(x + b, kernel.LARGEST_STATE), lr, o
            state[f, 3] = a * a * xx + 2.0 * a * b * xl + b * b * ll + variances[at, 0] + variances[at, 5] * b * b
            state[f, 4] = a * xl + b * ll
            state[f, 5] = a * xo + b * lo
            state[f, 6], state[f, 7], state[f, 8] = ll, lo, oo


@compiled
def innovations(law, z, trains, errors, spreads, totals):  # type: ignore[no-untyped-def]
    """Fill the errors of one-step predictions, their variances (0 where nothing was read) and the log-likelihoods.

    Parameters
    ----------
    law : int
    z : ndarray, shape (p + 7,)
        (theta, x0, ln of the six standard deviations in the order of `NOISES`).
    trains, errors, spreads : ndarray, shape (K, N + 1)
        Readings on the rising coordinate, NaN where nothing was read; the other two are filled.
    totals : ndarray, shape (K,)
        Filled, one a train.
    """
    p = z.size - 7
    scratch = np.empty(kernel.MAX_SHAPE)
    thetas, variances = z[:p].reshape(1, p), np.exp(2.0 * z[p + 1 :]).reshape(1, 6)
    middles = np.array([kernel.middle_and_gradient(law, z[1:p], scratch)])
    state = np.empty((trains.shape[0], 10))
    _follow(law, thetas, middles, z[p : p + 1], variances, trains, state, errors, spreads, totals, scratch)


@compiled
def log_likelihood(law, z, trains):  # type: ignore[no-untyped-def]
    """Of all trains (K, N + 1); z as in `innovations`."""
    errors, spreads, totals = np.empty(trains.shape), np.empty(trains.shape), np.empty(trains.shape[0])
    innovations(law, z, trains, errors, spreads, totals)
    total = 0.0
    for k in range(trains.shape[0]):
        total += totals[k]
    return total


@compiled
def information(law, z, trains, free, fisher, scores):  # type: ignore[no-untyped-def]
    """Fill the Fisher information (m, m) and the gradient of each train (K, m); the log-likelihood of all.

    From the derivatives of errors e and variances S of the one-step predictions: a train's gradient is
    -SUM e e' / S + (1 - e^2 / S) S' / 2 S, its information SUM e' e' / S + S' S' / 2 S^2.
    """
    m = z.size
    p = m - 7
    points = trains.shape[1]
    moved = np.flatnonzero(free)  # filter f > 0 has parameter moved[f - 1] by steps[f]
    filters = 1 + moved.size
    thetas, middles, x0 = np.empty((filters, p)), np.empty(filters), np.empty(filters)
    variances, steps = np.empty((filters, 6)), np.empty(filters)
    scratch = np.empty(kernel.MAX_SHAPE)
    trial = z.copy()
    for f in range(filters):
        if f > 0:
            j = moved[f - 1]
            steps[f] = DIFFERENCE * max(1.0, abs(z[j]))
            trial[j] = z[j] + steps[f]
        for i in range(p):
            thetas[f, i] = trial[i]
        for i in range(6):
            variances[f, i] = np.exp(2.0 * trial[p + 1 + i])
        middles[f], x0[f] = kernel.middle_and_gradient(law, trial[1:p], scratch), trial[p]
        if f > 0:
            trial[moved[f - 1]] = z[moved[f - 1]]
    errors, spreads = np.empty((filters, points)), np.empty((filters, points))
    by_error, by_spread = np.zeros(filters), np.zeros(filters)
    gradients, products = np.empty(filters), np.empty((filters, filters))
    state, likelihood = np.empty((filters, 10)), np.empty(1)
    fisher[:, :] = 0.0
    scores[:, :] = 0.0
    total = 0.0
    for k in range(trains.shape[0]):
        readings = trains[k : k + 1]
        _follow(law, thetas, middles, x0, variances, readings, state, errors, spreads, likelihood, scratch)
        total += likelihood[0]
        gradients[:] = 0.0
        products[:, :] = 0.0
        for n in range(points):
            if spreads[0, n] <= 0.0:
                continue
            root = np.sqrt(spreads[0, n])
            u = errors[0, n] / root
            for f in range(1, filters):
                by_error[f] = (errors[f, n] - errors[0, n]) / steps[f] / root
                by_spread[f] = (spreads[f, n] - spreads[0, n]) / steps[f] / spreads[0, n]
                gradients[f] -= u * by_error[f] + 0.5 * by_spread[f] * (1.0 - u * u)
            for f in range(1, filters):
                for g in range(1, f + 1):  # one sum each: they do not wait for each other
                    products[f, g] += by_error[f] * by_error[g] + 0.5 * by_spread[f] * by_spread[g]
        for f in range(1, filters):
            scores[k, moved[f - 1]] = gradients[f]
            for g in range(1, f + 1):
                fisher[moved[f - 1], moved[g - 1]] += products[f, g]
    for j in range(m):
        for i in range(j):
            fisher[i, j] = fisher[j, i]
    return total
