"""NeuroSim's label of nonlinearity (NL): for its exponential in closed form, and for any curve."""

from __future__ import annotations

import math

import numpy as np

STEEPEST = 9.0  # label; of a step at once it is 10.1


def nl_label(a_norm: float) -> float:
    """Return NeuroSim's nonlinearity label of an exponential with constant A, a fraction of the number of pulses.

    NL = max_x (f(x) - x) / (0.07 sqrt 2) with f(x) = (1 - e^(-x/A)) / (1 - e^(-1/A)): a closed form that
    reproduces the published table of labels (A = 0.5 gives 2.40, A = 0.2 gives 4.88).

    Parameters
    ----------
    a_norm : float
        A over the number of pulses, above 0 for a curve that saturates.
    """
    if not np.isfinite(a_norm) or a_norm <= 0:
        return 0.0
    k = 1.0 / a_norm
    x = -math.log(-math.expm1(-k) / k) / k
    deviation = -math.expm1(-k * x) / -math.expm1(-k) - x
    return deviation / (0.07 * math.sqrt(2.0))


def nl_of_curve(x: np.ndarray) -> float:
    """Return the label of a rising curve without a model: largest deviation of its normalised form from a line.

    Parameters
    ----------
    x : ndarray, shape (N + 1,)
        States after 0..N pulses; only the shape counts. Negative for a curve that starts slowly.
    """
    finite = np.isfinite(x)
    n = np.flatnonzero(finite) / (x.size - 1)
    y = x[finite]
    deviation = (y - y[0]) / (y[-1] - y[0]) - (n - n[0]) / (n[-1] - n[0])
    return float(deviation[np.abs(deviation).argmax()] / (0.07 * math.sqrt(2.0)))


def a_of_label(nl: float) -> float:
    """Return the constant A of the exponential with a label, the inverse of `nl_label`.

    Parameters
    ----------
    nl : float
        Above 0, at most 9.

    Returns
    -------
    float
        A over the number of pulses.
    """
    from scipy.optimize import brentq

    return math.exp(brentq(lambda ln_a: nl_label(math.exp(ln_a)) - nl, math.log(1e-3), math.log(1e4)))
