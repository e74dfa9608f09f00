"""Simulation-based calibration of the posterior: truths drawn from the priors, ranks of the truth among the draws.

python benchmarks/calibration.py [TRUTHS]     # 200 truths of two cycles, soft bounds: about five minutes

If draws and priors are right, ranks are uniform (Talts et al., arXiv 1804.06788).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import kstest

sys.path.insert(0, str(Path(__file__).parent))

CYCLES, PULSES = 2, 100
AT = (0.1, 0.5, 0.9)
RATE, START = (-4.0, 0.5), (0.0, 0.03)  # normal priors of L and x0, in place of the flat ones


def step(level: float, kappa: float, x: np.ndarray) -> np.ndarray:
    return np.exp(level) * np.maximum(1 - kappa * x, 0.0) / (1 - kappa / 2)


def ranks(seed: int) -> tuple[list[float], bool]:
    """Ranks of the rates, increment and read of one truth, and whether the chains mixed."""
    from devicekit.fitting.likelihood.fit import fit_trains
    from devicekit.fitting.likelihood.priors import PRIOR_LN, PRIOR_SD
    from devicekit.fitting.uncertainty.chains import sample
    from devicekit.fitting.uncertainty.posterior import TARGET
    from devicekit.fitting.uncertainty.priors import priors_of
    from devicekit.models.registry import get_law

    law = get_law("softbounds")
    rng = np.random.default_rng(seed)
    bounds, (mean, precision, below), _ = priors_of(law, 0.0, ())
    mean[[0, 2]], precision[[0, 2]] = (RATE[0], START[0]), (RATE[1] ** -2.0, START[1] ** -2.0)
    level, start = rng.normal(*RATE), rng.normal(*START)
    kappa = law.upper[1] - np.exp(rng.normal(-0.7, 0.8))
    names = ("increment", "read", "offset", "ln_rate", "start")
    sd = {name: float(np.exp(np.log(PRIOR_SD[name]) + PRIOR_LN[name] * rng.standard_normal())) for name in names}
    faster = np.exp(sd["ln_rate"] * rng.standard_normal(CYCLES))
    shift = sd["offset"] * rng.standard_normal(CYCLES)
    x = start + sd["start"] * rng.standard_normal(CYCLES)
    y = np.empty((CYCLES, PULSES + 1))
    for n in range(PULSES + 1):
        y[:, n] = x + shift + sd["read"] * rng.standard_normal(CYCLES)
        x = x + step(level, kappa, x) * faster + sd["increment"] * rng.standard_normal(CYCLES)
    found = fit_trains(law, [y], [np.array([level, kappa, start])], sd["read"])
    drawn = sample(found, y, bounds, (mean, precision, below), 200, TARGET, rng)
    z = drawn.values
    values = [np.array([step(d[0], d[1], np.array(at)) for d in z]) for at in AT] + [z[:, 3], z[:, 4]]
    truths = [step(level, kappa, np.array(at)) for at in AT] + [np.log(sd["increment"]), np.log(sd["read"])]
    return [
        float((np.sum(v < t) + rng.random() * (1 + np.sum(v == t))) / (v.size + 1))
        for v, t in zip(values, truths, strict=True)
    ], drawn.mixed


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = [ranks(seed) for seed in range(count)]
    of = np.array([each for each, _ in found])
    print(f"{count} truths, soft bounds, {CYCLES} cycles of {PULSES} pulses; {sum(m for _, m in found)} mixed")
    worst = 1.0
    for k, name in enumerate(("rate at .1", "rate at .5", "rate at .9", "increment", "read")):
        p = float(kstest(of[:, k], "uniform").pvalue)
        worst = min(worst, p)
        print(f"{name:11} Kolmogorov-Smirnov p = {p:.3f}; ranks {np.histogram(of[:, k], 10, (0, 1))[0]}")
    return int(worst <= 0.01)


if __name__ == "__main__":
    sys.exit(main())
