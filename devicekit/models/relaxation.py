"""Decay of the volatile part of a state: kernels K(t) with K(0) = 1, and each as a sum of exponentials.

Exponential, stretched (Kohlrausch-Williams-Watts, doi:10.1039/TF9706600080), two exponentials, and a power law. A
network uses a sum of exponentials, which needs no memory of the pulses but one number per term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KERNELS = {
    "exponential": ("tau_s",),
    "stretched": ("tau_s", "beta"),
    "double": ("tau_s", "tau2_s", "share"),
    "power": ("tau_s", "exponent"),
}
DECADES = 4.0  # of time over which a sum is fitted to its kernel
MOST_TERMS = 6
SMALL_ERROR = 0.01  # error at which no further term is added


def kernel(name: str, t: np.ndarray | float, **parameters: float) -> np.ndarray:
    """Return the share left after a time t >= 0 of a part that decays by a kernel; K(0) = 1.

    Parameters
    ----------
    name : {"exponential", "stretched", "double", "power"}
        exp(-t / tau); exp(-(t / tau)^beta); share exp(-t / tau) + (1 - share) exp(-t / tau2); (1 + t / tau)^-exponent.
    t : array
        Times [s].
    **parameters
        Those of `KERNELS[name]`: tau_s, tau2_s [s], beta in (0, 1], share in [0, 1], exponent above 0.
    """
    t = np.asarray(t, float)
    x = t / parameters["tau_s"]
    if name == "exponential":
        return np.asarray(np.exp(-x))
    if name == "stretched":
        return np.asarray(np.exp(-(x ** parameters["beta"])))
    if name == "double":
        share = parameters["share"]
        return np.asarray(share * np.exp(-x) + (1.0 - share) * np.exp(-t / parameters["tau2_s"]))
    if name == "power":
        return np.asarray((1.0 + x) ** -parameters["exponent"])
    raise KeyError(name)


@dataclass(frozen=True)
class Terms:
    """Sum of exponentials: time constants [s] and shares that sum to 1, and its largest error on K."""

    tau_s: tuple[float, ...]
    share: tuple[float, ...]
    error: float


def terms(name: str, most: int = MOST_TERMS, **parameters: float) -> Terms:
    """Fit a kernel by a sum of exponentials with shares above 0: as few as reach an error of 1 %, or `most`.

    Nonnegative least squares on logarithmic times from tau / 100 to 100 tau, time constants on a logarithmic grid.

    Parameters
    ----------
    name, **parameters
        As for `kernel`.
    most : int
        Terms, at least 1.
    """
    if name == "exponential":
        return Terms((parameters["tau_s"],), (1.0,), 0.0)
    if name == "double":
        share = parameters["share"]
        pairs = [(tau, w) for tau, w in ((parameters["tau_s"], share), (parameters["tau2_s"], 1.0 - share)) if w > 0]
        return Terms(tuple(tau for tau, _ in pairs), tuple(w for _, w in pairs), 0.0)
    tau = parameters["tau_s"]
    t = np.concatenate([[0.0], tau * np.logspace(-DECADES / 2, DECADES / 2, 200)])
    wanted = kernel(name, t, **parameters)
    best = _sum(wanted, t, tau, 1)
    for number in range(2, most + 1):
        if best.error <= SMALL_ERROR:
            break
        found = _sum(wanted, t, tau, number)
        best = found if found.error < best.error else best
    return best


def _sum(wanted: np.ndarray, t: np.ndarray, tau: float, number: int) -> Terms:
    """Return the best sum of that many terms, over grids of time constants of several widths and centres."""
    from scipy.optimize import nnls

    best = Terms((tau,), (1.0,), np.inf)
    for low in np.linspace(-2.5, 0.0, 11):
        for high in np.linspace(0.0, 2.5, 11):
            taus = tau * np.logspace(low, high, number) if number > 1 else np.array([tau * 10 ** (low + high)])
            shares, _ = nnls(np.exp(-t[:, None] / taus), wanted)
            if shares.sum() <= 0:
                continue
            shares = shares / shares.sum()
            error = float(np.abs(np.exp(-t[:, None] / taus) @ shares - wanted).max())
            if error < best.error:
                kept = shares > 1e-6
                shares = shares[kept] / shares[kept].sum()
                best = Terms(tuple(taus[kept].tolist()), tuple(shares.tolist()), error)
    return best
