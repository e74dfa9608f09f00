"""Currents of the twelve conduction mechanisms made from physical parameters, apart from devicekit's own code.

SYNTHETIC. Twelve classes equally; 30 to 120 points; lognormal noise of 1 to 10 %; a floor of 10 fA to 100 pA; currents
of 0.1 nA to 10 mA at the top; half with 0.1 to 30 % of the voltage on a series resistance; a share with a leak that
carries 1 to 30 % of the current at the top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.constants import e as Q
from scipy.constants import epsilon_0, hbar, k, m_e

CLASSES = (
    "ohmic",
    "sclc",
    "trap_filled",
    "schottky",
    "simmons_schottky",
    "poole_frenkel",
    "fowler_nordheim",
    "tat",
    "direct",
    "hopping",
    "thermionic",
    "thermionic_field",
)
LEAKLESS = ("ohmic", "sclc", "trap_filled")  # their equations have a linear part already


@dataclass(frozen=True)
class Truth:
    """One synthetic current."""

    name: str
    v: np.ndarray
    i: np.ndarray
    thickness: float
    temperature: float
    series: float  # share of the voltage at the top
    leak: float  # share of the current at the top
    noise: float
    decades: float


def _uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def law(name, rng, d, t, v_max):
    """ln of a current against the voltage, from physical numbers; and whether its bend shows in the range."""
    kt = k * t / Q
    eps = rng.uniform(3, 35)
    barrier, mass = _uniform(rng, 0.15, 4), rng.uniform(0.15, 0.95)
    if name == "ohmic":
        return lambda v: np.log(v), True
    if name == "sclc":
        crossing = v_max * _uniform(rng, 0.03, 1)
        return lambda v: np.log(v + v**2 / crossing), True
    if name == "trap_filled":
        m, crossing = rng.uniform(2.6, 12), v_max * _uniform(rng, 0.05, 0.8)
        return lambda v: np.log(v) + np.logaddexp(0, (m - 1) * np.log(v / crossing)), True
    if name == "schottky":
        slope = np.sqrt(Q / (4 * np.pi * epsilon_0 * eps * d)) / kt
        return lambda v: slope * np.sqrt(v) + np.log1p(-np.exp(-v / kt)), 1 < slope * np.sqrt(v_max) < 25
    if name in ("simmons_schottky", "poole_frenkel"):
        images = 4 if name == "simmons_schottky" else 1
        slope = np.sqrt(Q / (images * np.pi * epsilon_0 * eps * d)) / kt
        return lambda v: np.log(v) + slope * np.sqrt(v), 1 < slope * np.sqrt(v_max) < 25
    if name in ("fowler_nordheim", "tat"):
        b = 4 * np.sqrt(2 * mass * m_e) * (Q * barrier) ** 1.5 * d / (3 * Q * hbar)
        power = 2 if name == "fowler_nordheim" else 0
        shows = 1.5 < b / v_max < 40 and (name == "tat" or barrier < v_max)
        return lambda v: power * np.log(v) - b / v, shows
    if name == "direct":
        a = 2 * np.sqrt(2 * mass * m_e * Q) * min(d, 4e-9) * rng.uniform(0.5, 1.0) / hbar

        def current(v):
            low, high = barrier - v / 2, barrier + v / 2
            low_a, high_a = a * np.sqrt(low), a * np.sqrt(high)
            return np.log(low - high * np.exp(low_a - high_a)) - low_a

        return current, v_max < barrier and a * np.sqrt(barrier - v_max / 2) > 3
    if name == "hopping":
        b = min(_uniform(rng, 0.12e-9, 4.5e-9), d) / (2 * d * kt)
        return lambda v: b * v + np.log1p(-np.exp(-2 * b * v)), 1 < b * v_max < 40
    if name == "thermionic":
        n = rng.uniform(0.95, 4.5)
        return lambda v: v / (n * kt) + np.log1p(-np.exp(-v / (n * kt))), 2 < v_max / (n * kt) < 60
    c = Q**2 * hbar**2 / (24 * mass * m_e * (k * t) ** 3 * d**2)
    return lambda v: np.log(v) + c * v**2, 0.7 < c * v_max**2 < 20


def draw(name, rng, leaky):
    """One synthetic current of a class."""
    while True:
        v_max = _uniform(rng, 0.3, 8)
        d = _uniform(rng, 1.5e-9, 60e-9)
        t = rng.choice([300.0, rng.uniform(200, 400)])
        shape, shows = law(name, rng, d, t, v_max)
        if not shows:
            continue
        series = _uniform(rng, 1e-3, 0.3) if rng.random() < 0.5 else 0.0
        leak = _uniform(rng, 0.01, 0.3) if leaky and name not in LEAKLESS else 0.0
        top = (1 - series) * v_max
        inner = np.geomspace(1e-4 * v_max, top, 40_000)
        with np.errstate(all="ignore"):
            own = np.exp(shape(inner) - shape(np.array([top]))[0])
        total = (1 - leak) * own + leak * inner / top
        outer = inner + series * v_max * total
        n = int(rng.integers(30, 121))
        v = np.linspace(v_max / n, v_max, n)
        i_max = _uniform(rng, 1e-10, 1e-2)
        clean = i_max * np.exp(np.interp(v, outer, np.log(np.maximum(total, 1e-300))))
        noise, floor = _uniform(rng, 0.01, 0.1), _uniform(rng, 1e-14, 1e-10)
        i = clean * np.exp(noise * rng.normal(size=n)) + floor * rng.normal(size=n)
        decades = float(np.log10(i_max / max(clean[0], 5 * floor)))
        shown = v[clean > 5 * floor]
        wide = shown.size >= 16 and shown[-1] > 1.7 * shown[0]  # else there is no range, whatever the mechanism
        if np.isfinite(clean).all() and 0.4 <= decades <= 10.6 and wide:
            return Truth(name, v, i, d, float(t), series, leak, noise, decades)
