r"""Equation (2) of Ma et al. 2023 (doi 10.1109/JEDS.2023.3311763): the change of the state by one pulse,

.. math:: \dot r(r) = a \, (b - c r)^d / (i + e^{f r + g})^h .

The eight coefficients have two exact redundancies, (b, c, a) -> (l b, l c, a l^-d) and
(i, g, a) -> (m i, g + ln m, a m^h); the gauge here is b = i = 1 on the side where the branch starts.
A fit works on the rising coordinate x in [0, 1] (x = r for LTP, x = 1 - r for LTD) with parameters

    rho(x) = exp(L + ell(x) - ell(1/2)),  ell(x) = d ln(1 - kappa x) - h ln(1 + e^(f x + g)),

so that L, the log rate at the middle of the window, is always well determined.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from devicekit.models.law import Coefficient, Law, Prior, equation

SMALLEST_BASE = 1e-12  # below this b - c r counts as 0: the device is saturated and does not move


@equation
def ell(x: float, shape: np.ndarray, gradient: np.ndarray) -> float:
    """Return the log of the rate's shape at x; -inf where the rate is 0.

    Parameters
    ----------
    x : float
        Rising coordinate [1].
    shape : ndarray, shape (5,)
        kappa, d, f, g, h [1].
    gradient : ndarray, shape (6,)
        Filled with the derivatives with respect to x, kappa, d, f, g, h.
    """
    kappa, d, f, g, h = shape[0], shape[1], shape[2], shape[3], shape[4]
    u = 1.0 - kappa * x
    if u <= SMALLEST_BASE:
        return -math.inf
    z = f * x + g
    # softplus(z) and its slope from one exponential that cannot overflow
    e = math.exp(-abs(z))
    soft = max(z, 0.0) + math.log1p(e)
    s = (1.0 if z > 0.0 else e) / (1.0 + e)
    log_u = math.log(u)
    gradient[0] = -d * kappa / u - h * s * f
    gradient[1] = -d * x / u
    gradient[2] = log_u
    gradient[3] = -h * s * x
    gradient[4] = -h * s
    gradient[5] = -soft
    return d * log_u - h * soft


_BASES = (
    (0.0, 1.0),
    (0.6, 1.0),
    (0.9, 1.0),
    (0.99, 1.0),
    (0.99, 2.0),
    (0.99, 3.5),
    (0.9, 0.5),
    (1.1, 1.0),
    (-3.0, 1.0),
    (-4.0, -1.0),
    (-25.0, -1.0),
    (-50.0, -2.0),
)
_DENOMINATORS = (
    (0.0, 0.0, 0.0),
    (8.0, -4.0, 1.0),
    (-6.0, 2.0, 1.0),
    (15.0, -8.0, 1.0),
    (-15.0, 3.0, 1.0),
    (20.0, -2.0, 1.0),
    (5.0, 8.0, 1.0),
    (12.0, 8.0, 1.0),
    (8.0, -4.0, -1.0),
    (20.0, -15.0, -1.0),
    (-20.0, 4.0, 2.0),
    (30.0, -5.0, 2.0),
    (3.0, 0.0, 3.0),
)


def _to_published(theta: np.ndarray, direction: str) -> dict[str, float]:
    return asdict(Eq2.from_internal(theta, direction))


def _along(value: float, direction: str) -> float:
    return value if direction == "ltp" else -value


def _ln_of_size(value: float, direction: str) -> float:
    size = _along(value, direction)
    return math.log(size) if size > 0 else -math.inf


LAW = Law(
    name="eq2",
    title="eq. (2) of Ma et al. 2023",
    doi="10.1109/JEDS.2023.3311763",
    parameters=("L", "kappa", "d", "f", "g", "h"),
    lower=(-14.0, -60.0, -4.0, -40.0, -15.0, -6.0),
    upper=(1.0, 1.3, 6.0, 40.0, 15.0, 6.0),
    priors={"d": Prior(1.0, 2.0), "f": Prior(0.0, 8.0), "g": Prior(0.0, 5.0), "h": Prior(0.5, 2.0)},
    start_shapes=tuple((*base, *denominator) for base in _BASES for denominator in _DENOMINATORS),
    distances={"kappa": Prior(-0.7, 0.8)},  # most trains end short of saturation, few far from it
    ell=ell,
    to_published=_to_published,
    # f = g = 0 makes the denominator a constant; h stays at the middle of its prior
    nested={"softbounds": lambda theta: np.append(theta, [1.0, 0.0, 0.0, 0.5])},
    settable={
        "a": Coefficient("L", _ln_of_size, is_scale=True),
        "c": Coefficient("kappa", _along),
        "d": Coefficient("d"),
        "f": Coefficient("f", _along),
        "g": Coefficient("g", plus="f"),
        "h": Coefficient("h"),
    },
)


@dataclass(frozen=True)
class Eq2:
    """The eight coefficients of eq. (2), for a state in [0, 1] or in siemens.

    Parameters
    ----------
    a : float
        Scale [unit of the state]; negative for LTD.
    b, c : float
        Base b - c r [1; c in 1/unit of the state].
    d, h : float
        Exponents [1].
    f, g : float
        Argument f r + g of the exponential [f in 1/unit of the state; g 1].
    i : float
        Offset of the denominator [1].
    """

    a: float
    b: float
    c: float
    d: float
    f: float
    g: float
    h: float
    i: float

    def rate(self, r: np.ndarray | float) -> np.ndarray:
        """Return the change of the state by one pulse at r, same shape and unit as r; 0 where b - c r <= 0.

        Source: eq. (2), doi 10.1109/JEDS.2023.3311763.
        """
        r = np.asarray(r, float)
        base = self.b - self.c * r
        alive = base > SMALLEST_BASE
        log_base = np.log(np.where(alive, base, 1.0))
        log_i = math.log(self.i) if self.i > 0 else -math.inf
        log_rate = self.d * log_base - self.h * np.logaddexp(log_i, self.f * r + self.g)
        return np.where(alive, self.a * np.exp(np.minimum(log_rate, 700.0)), 0.0)

    def rescaled(self, scale: float, offset: float) -> Eq2:
        """Return the same law for the state y = scale * r + offset (scale > 0): [0, 1] to siemens and back."""
        return Eq2(
            a=self.a * scale,
            b=self.b + self.c * offset / scale,
            c=self.c / scale,
            d=self.d,
            f=self.f / scale,
            g=self.g - self.f * offset / scale,
            h=self.h,
            i=self.i,
        )

    @classmethod
    def from_internal(cls, theta: np.ndarray, direction: str) -> Eq2:
        """Return coefficients for r in [0, 1] from a fit's (L, kappa, d, f, g, h); LTD is the mirror x = 1 - r."""
        level, kappa, d, f, g, h = (float(value) for value in theta)
        log_a = level - d * math.log(1.0 - kappa / 2.0) + h * float(np.logaddexp(0.0, f / 2.0 + g))
        a = math.exp(min(log_a, 700.0))
        if direction == "ltp":
            return cls(a=a, b=1.0, c=kappa, d=d, f=f, g=g, h=h, i=1.0)
        return cls(a=-a, b=1.0 - kappa, c=-kappa, d=d, f=-f, g=g + f, h=h, i=1.0)
