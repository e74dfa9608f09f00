"""Laws that are curves of the pulse number rather than rates of the state: power law and Jang.

Their scale is inside the curve, so they are fitted to a train directly and cannot drive a device array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


def power(t: np.ndarray, start: float, span: float, exponent: float) -> np.ndarray:
    """x = start + span t^exponent, t = n / N in [0, 1]; exponent > 0."""
    return start + span * np.power(t, exponent)


def jang(t: np.ndarray, start: float, span: float, alpha: float, ratio: float) -> np.ndarray:
    """x of G = [(Gmax^a - Gmin^a) t + Gmin^a]^(1/a), geometric for a = 0; ratio = Gmax / Gmin > 1.

    Source: Jang et al., IEEE Electron Device Lett. 2015, doi 10.1109/LED.2015.2418342.
    """
    reach = alpha * np.log(ratio)  # clipped: a power beyond e^600 is no curve any more
    if abs(reach) < 1e-6:
        grown = np.power(ratio, t)
    else:
        inside = np.maximum(np.expm1(np.clip(reach, -600.0, 600.0)) * t + 1.0, 1e-280)
        grown = np.exp(np.clip(np.log(inside) / alpha, -600.0, 600.0))
    return start + span * (grown - 1.0) / (ratio - 1.0)


@dataclass(frozen=True)
class CurveLaw:
    """A curve x(t; start, span, shape) with bounds and first guesses of its one shape parameter.

    Parameters
    ----------
    curve : callable
        (t, start, span, shape, window ratio) -> x.
    needs_ratio : bool
        Whether the law needs Gmax / Gmin, so that it does not exist for a weight.
    """

    name: str
    title: str
    doi: str
    shape: str
    lower: float
    upper: float
    guesses: tuple[float, ...]
    curve: Callable[[np.ndarray, float, float, float, float], np.ndarray] = field(repr=False)
    needs_ratio: bool = False


POWER = CurveLaw(
    "power", "power law of the pulse number", "", "exponent", 0.02, 8.0, (0.3, 1.0, 2.0),
    lambda t, start, span, shape, ratio: power(t, start, span, shape),
)  # fmt: skip
JANG = CurveLaw(
    "jang", "Jang", "10.1109/LED.2015.2418342", "alpha", -20.0, 40.0, (-2.0, 1.0, 4.0), jang, needs_ratio=True
)
CURVES: dict[str, CurveLaw] = {law.name: law for law in (POWER, JANG)}
