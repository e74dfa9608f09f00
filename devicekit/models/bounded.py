r"""Laws whose rate falls (or rises) as a power of the distance to a bound: linear, exponential, soft bounds, PowStep.

All are :math:`\ell(x) = d \ln(1 - \kappa x)`: d = 0 gives the linear device, d = 1 the exponential of NeuroSim
(0 <= kappa) and the LinearStep / SoftBounds devices of aihwkit (kappa of either sign), free d > 0 its PowStep.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from devicekit.models.eq2 import SMALLEST_BASE
from devicekit.models.law import Law, named

_TINY = 1e-4


@njit(cache=True, error_model="numpy")
def linear_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = 0: every pulse the same step; shape is empty."""
    gradient[0] = 0.0
    return 0.0


@njit(cache=True, error_model="numpy")
def softbounds_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = ln(1 - kappa x), -inf beyond the bound x = 1 / kappa; shape is (kappa,)."""
    u = 1.0 - shape[0] * x
    if u <= SMALLEST_BASE:
        return -math.inf
    gradient[0] = -shape[0] / u
    gradient[1] = -x / u
    return math.log(u)


@njit(cache=True, error_model="numpy")
def powstep_ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell = d ln(1 - kappa x); shape is (kappa, d)."""
    u = 1.0 - shape[0] * x
    if u <= SMALLEST_BASE:
        return -math.inf
    log_u = math.log(u)
    gradient[0] = -shape[1] * shape[0] / u
    gradient[1] = -shape[1] * x / u
    gradient[2] = log_u
    return shape[1] * log_u


def nl_label(a_norm: float) -> float:
    """NeuroSim's nonlinearity label of an exponential with constant A, as a fraction of the number of pulses.

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
    """The label of a measured rising curve without a model: largest deviation of its normalised form from a line.

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


def _exponential(theta: np.ndarray, direction: str) -> dict[str, float]:
    """A [pulses] of G = B (1 - e^(-n/A)) + G0, from the step (1 - e^(-1/A)) (B - x)."""
    level, kappa = float(theta[0]), float(theta[1])
    fraction = math.exp(level) * kappa / (1.0 - kappa / 2.0)
    constant = -1.0 / math.log1p(-fraction) if 0.0 < fraction < 1.0 else math.inf
    published = {"first_step": math.exp(level) / (1.0 - kappa / 2.0), "bound": 1.0 / kappa if kappa else math.inf}
    return {key: value for key, value in {**published, "A_pulses": constant}.items() if math.isfinite(value)}


LINEAR = Law(
    id=1, name="linear", title="linear device", doi="", parameters=("L",),
    lower=(-14.0,), upper=(1.0,), priors={}, start_shapes=((),), to_published=named("L"),
)  # fmt: skip

EXPONENTIAL = Law(
    id=2, name="exponential", title="NeuroSim exponential", doi="10.1109/TCAD.2018.2789723",
    parameters=("L", "kappa"), lower=(-14.0, _TINY), upper=(1.0, 1.9), priors={},
    start_shapes=((0.1,), (0.6,), (0.9,), (0.99,), (1.2,)), to_published=_exponential,
)  # fmt: skip

SOFTBOUNDS = Law(
    id=3, name="softbounds", title="soft bounds / linear step", doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "kappa"), lower=(-14.0, -60.0), upper=(1.0, 1.9), priors={},
    start_shapes=((-10.0,), (-2.0,), (0.1,), (0.6,), (0.9,), (0.99,), (1.2,)), to_published=named("L", "kappa"),
)  # fmt: skip

POWSTEP = Law(
    id=4, name="powstep", title="power step", doi="10.1109/AICAS51828.2021.9458494",
    parameters=("L", "kappa", "d"), lower=(-14.0, 0.0, 0.0), upper=(1.0, 1.9, 8.0), priors={},
    start_shapes=tuple((kappa, d) for kappa in (0.5, 0.9, 0.99, 1.1) for d in (0.5, 1.0, 2.0, 4.0)),
    to_published=named("L", "kappa", "d"),
)  # fmt: skip
