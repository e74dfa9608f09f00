"""How often a device that never switches gets a V_set, V_reset, HRS or LRS, on SYNTHETIC sweeps.

`python benchmarks/conduction_only.py [N] [SEED]` (60 sweeps take about 2 s of one core) prints the count for each kind:
noise at the floor, noise on an ohmic part or an offset, Fowler-Nordheim, Poole-Frenkel. Every sweep goes up and down,
at both polarities; noise of 1 to 10 % of the current and a floor of 0.1 to 100 pA.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.features.merits import dc
from devicekit.tables import SweepTable

SEED = 2_031
NUMBERS = ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s")
KINDS = ("noise", "noise, ohmic", "fowler_nordheim", "fowler_nordheim", "poole_frenkel", "poole_frenkel")


@dataclass(frozen=True)
class Curve:
    """One synthetic up-and-down sweep, and what it is made of."""

    kind: str
    v: np.ndarray
    i: np.ndarray

    def table(self) -> SweepTable:
        """As a table of one sweep."""
        frame = {"device_id": "d", "cycle": 1, "point": np.arange(self.v.size)}
        return SweepTable(pd.DataFrame({**frame, "voltage_v": self.v, "current_a": self.i}))


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw(kind: str, rng: np.random.Generator) -> Curve:
    """One curve: 40 to 200 points a leg to 0.5 to 6 V, the current at the top 10 to 1e8 floors."""
    top, n = _log(rng, 0.5, 6), int(rng.integers(40, 201))
    up = np.linspace(0, top, n)
    loop = np.r_[up, up[-2::-1]]
    v = np.r_[loop, -loop[1:]] if rng.random() < 0.7 else loop * rng.choice([-1, 1])
    x = np.abs(v) / top
    noise, floor = _log(rng, 0.01, 0.1), _log(rng, 1e-13, 1e-10)
    offset = floor * rng.uniform(-3, 3) if rng.random() < 0.3 else 0.0
    with np.errstate(divide="ignore", over="ignore"):
        if kind == "fowler_nordheim":
            shape = x**2 * np.exp(-_log(rng, 2, 40) * (1 / x - 1)) if x.any() else x
        elif kind == "poole_frenkel":
            shape = x * np.exp(_log(rng, 1, 20) * (np.sqrt(x) - 1))
        else:
            shape = x
    size = {"noise": 0.0, "noise, ohmic": floor * _log(rng, 0.3, 30)}.get(kind, floor * _log(rng, 10, 1e8))
    clean = np.sign(v) * size * np.nan_to_num(shape)
    i = clean * np.exp(noise * rng.normal(size=v.size)) + floor * rng.normal(size=v.size) + offset
    return Curve(kind, v, i)


def curves(n: int, seed: int = SEED) -> list[Curve]:
    """Curves of all kinds in turn: a third each noise, Fowler-Nordheim and Poole-Frenkel."""
    rng = np.random.default_rng(seed)
    return [draw(KINDS[k % len(KINDS)], rng) for k in range(n)]


def numbers(curve: Curve) -> list[str]:
    """Names of the figures of merit that are said of it; there should be none."""
    found = dc.characterize(curve.table())
    return [name for name in NUMBERS if found.cycles[name].notna().any() or found.spread(name) is not None]


def main() -> None:
    n, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    made = curves(n, seed)
    said = [numbers(each) for each in made]
    for kind in (*dict.fromkeys(KINDS), "all"):
        own = [each for curve, each in zip(made, said, strict=True) if kind in (curve.kind, "all")]
        names = dict(Counter(name for each in own for name in each))
        print(f"{kind:16s} {sum(map(bool, own))} of {len(own)} have one: {names}")


if __name__ == "__main__":
    main()
