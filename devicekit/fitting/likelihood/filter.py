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

from devicekit.models import kernel
from devicekit.models.kernel import compiled

NOISES = ("increment", "read", "offset", "ln_rate", "start", "step")
LEAST_SLOPE, LARGEST_SLOPE = 0.2, 1.3  # of x + rho(x): beyond, the linearisation is no guide
DIFFERENCE = 1e-5  # of a parameter, for its derivative


@compiled
def innovations(law, theta, x0, variances, y, errors, spreads):  # type: ignore[no-untyped-def]
    """Fill the errors of one-step predictions and their variances (0 where nothing was read); the log-likelihood.

    Parameters
    ----------
    law : int
    theta : ndarray, shape (p,)
    x0 : float
    variances : ndarray, shape (6,)
        In the order of `NOISES`.
    y, errors, spreads : ndarray, shape (N + 1,)
        Readings on the rising coordinate, NaN where nothing was read; the other two are filled.
    """
    inc, read, offset, ln_rate, start, step = variances
    scratch = np.empty(kernel.MAX_SHAPE)
    mid = kernel.middle(law, theta)
    x, lr, o = x0, 0.0, 0.0
    # upper triangle of the covariance of (x, l, o)
    xx, xl, xo, ll, lo, oo = start, 0.0, 0.0, ln_rate, 0.0, offset
    total = 0.0
    for n in range(y.size):
        errors[n] = 0.0
        spreads[n] = 0.0
        if np.isfinite(y[n]):
            hx, hl, ho = xx + xo, xl + lo, xo + oo
            s = hx + ho + read
            if s <= 0.0:
                return -np.inf
            error = y[n] - x - o
            errors[n] = error
            spreads[n] = s
            total -= 0.5 * (error * error / s + np.log(6.283185307179586 * s))
            x += hx / s * error
            lr += hl / s * error
            o += ho / s * error
            xx -= hx * hx / s
            xl -= hx * hl / s
            xo -= hx * ho / s
            ll -= hl * hl / s
            lo -= hl * ho / s
            oo -= ho * ho / s
        log_rate = theta[0] + kernel.ell(law, x, theta[1:], scratch) - mid + lr
        a, b = 1.0, 0.0
        if log_rate != -np.inf:
            b = np.exp(min(log_rate, kernel.LARGEST_LOG_RATE))
            a = min(max(1.0 + b * scratch[0], LEAST_SLOPE), LARGEST_SLOPE)
        x = min(x + b, kernel.LARGEST_STATE)
        xx = a * a * xx + 2.0 * a * b * xl + b * b * ll + inc + step * b * b
        xl = a * xl + b * ll
        xo = a * xo + b * lo
    return total


@compiled
def log_likelihood(law, z, trains):  # type: ignore[no-untyped-def]
    """Of all trains (K, N + 1); z is (theta, x0, ln of the six standard deviations)."""
    p = z.size - 7
    variances = np.exp(2.0 * z[p + 1 :])
    errors, spreads = np.empty(trains.shape[1]), np.empty(trains.shape[1])
    total = 0.0
    for k in range(trains.shape[0]):
        total += innovations(law, z[:p], z[p], variances, trains[k], errors, spreads)
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
    errors, spreads = np.empty(points), np.empty(points)
    moved, wider = np.empty(points), np.empty(points)
    by_error, by_spread = np.zeros((m, points)), np.zeros((m, points))
    fisher[:, :] = 0.0
    scores[:, :] = 0.0
    total = 0.0
    trial = z.copy()
    variances = np.exp(2.0 * z[p + 1 :])
    for k in range(trains.shape[0]):
        total += innovations(law, z[:p], z[p], variances, trains[k], errors, spreads)
        for j in range(m):
            if not free[j]:
                continue
            h = DIFFERENCE * max(1.0, abs(z[j]))
            trial[j] = z[j] + h
            innovations(law, trial[:p], trial[p], np.exp(2.0 * trial[p + 1 :]), trains[k], moved, wider)
            trial[j] = z[j]
            gradient = 0.0
            for n in range(points):
                if spreads[n] > 0.0:
                    root = np.sqrt(spreads[n])
                    by_error[j, n] = (moved[n] - errors[n]) / h / root
                    by_spread[j, n] = (wider[n] - spreads[n]) / h / spreads[n]
                    u = errors[n] / root
                    gradient -= u * by_error[j, n] + 0.5 * by_spread[j, n] * (1.0 - u * u)
                else:
                    by_error[j, n] = 0.0
                    by_spread[j, n] = 0.0
            scores[k, j] = gradient
        for j in range(m):
            if free[j]:
                for i in range(j + 1):
                    if free[i]:
                        total_ji = 0.0
                        for n in range(points):
                            total_ji += by_error[j, n] * by_error[i, n] + 0.5 * by_spread[j, n] * by_spread[i, n]
                        fisher[j, i] += total_ji
    for j in range(m):
        for i in range(j):
            fisher[i, j] = fisher[j, i]
    return total
