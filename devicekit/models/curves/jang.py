"""The curve of Jang et al. 2015 (doi 10.1109/LED.2015.2418342)."""

from __future__ import annotations

import numpy as np

from devicekit.models.law import CurveLaw


def jang(t: np.ndarray, start: float, span: float, alpha: float, ratio: float) -> np.ndarray:
    """Return x of G = [(Gmax^a - Gmin^a) t + Gmin^a]^(1/a), geometric for a = 0; ratio = Gmax / Gmin > 1.

    Source: Jang et al., IEEE Electron Device Lett. 2015, doi 10.1109/LED.2015.2418342.
    """
    reach = alpha * np.log(ratio)  # clipped: a power beyond e^600 is meaningless
    if abs(reach) < 1e-6:
        grown = np.power(ratio, t)
    else:
        inside = np.maximum(np.expm1(np.clip(reach, -600.0, 600.0)) * t + 1.0, 1e-280)
        grown = np.exp(np.clip(np.log(inside) / alpha, -600.0, 600.0))
    return start + span * (grown - 1.0) / (ratio - 1.0)


LAW = CurveLaw(
    name="jang",
    title="Jang",
    doi="10.1109/LED.2015.2418342",
    shape="alpha",
    lower=-20.0,
    upper=40.0,
    guesses=(-2.0, 1.0, 4.0),
    curve=jang,
    needs_ratio=True,
)
