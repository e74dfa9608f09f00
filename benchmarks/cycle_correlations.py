"""Are correlations between cycles judged rightly? False alarms, intervals, the autoregression, on known truths.

python benchmarks/cycle_correlations.py                     # every table, 2,000 runs a cell, about 4 minutes
python benchmarks/cycle_correlations.py --runs 200
python benchmarks/cycle_correlations.py --runs 100 --check  # exit code 1 if a rate is out of bounds
python benchmarks/cycle_correlations.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC series: autoregressions of order 1 with coefficient r, alone or under a straight drift of so many standard
deviations over all cycles. Rates are shares of p < 0.05; what cannot be judged (n_eff below 4) counts as no alarm.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from devicekit.features.cycles import correlations
from devicekit.features.cycles.autoregression import Cycles, autoregression
from devicekit.synthetic.known_cycles import CycleTruth, walk

ALARM = 0.05
TRUTH = CycleTruth()


def remembering(r: float, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """k independent AR(1) series of n cycles with standard deviation 1, shape (n, k)."""
    return walk(r * np.eye(k)[None], (1 - r * r) * np.eye(k), n, 1, rng)[0]


def drifting(n: int, size: float) -> np.ndarray:
    """A straight line that rises by `size` over n cycles, shape (n, 1)."""
    return np.linspace(-0.5, 0.5, n)[:, None] * size


def naive(x: np.ndarray, y: np.ndarray) -> float:
    """p of Spearman's rho as if all cycles were independent."""
    from scipy.stats import spearmanr

    return float(spearmanr(x, y).pvalue)


def false_alarms(runs: int) -> dict[str, float]:
    """Two unrelated quantities within a cycle."""
    print(
        "\n| r; drift [sd]; n | naive | n_eff | changes, n_eff | median n_eff | not judged |\n|---|---|---|---|---|---|"
    )
    rates = {}
    for r, size in ((0.0, 0.0), (0.5, 0.0), (0.9, 0.0), (0.0, 1.0), (0.0, 3.0), (0.5, 3.0)):
        for n in (50, 200, 1000):
            rng = np.random.default_rng([n, int(100 * r), int(10 * size)])
            hits, worth, unjudged = np.zeros(3), [], 0
            for _ in range(runs):
                x = remembering(r, n, 2, rng) + drifting(n, size)
                plain = correlations.correlate([x[:, 0]], [x[:, 1]])
                change = correlations.correlate([np.diff(x[:, 0])], [np.diff(x[:, 1])])
                hits += [naive(x[:, 0], x[:, 1]) < ALARM, plain.p < ALARM, change.p < ALARM]
                worth.append(plain.n_effective)
                unjudged += not np.isfinite(plain.p)
            rate = 100 * hits / runs
            shown = " | ".join(f"{each:.1f} %" for each in rate)
            print(
                f"| {r:g}; {size:g}; {n} | {shown} | {np.median(worth):.0f} | {100 * unjudged / runs:.1f} % |",
                flush=True,
            )
            if size == 0:
                rates[f"n_eff {r:g} {n}"] = rate[1]
            rates[f"changes {r:g} {size:g} {n}"] = rate[2]
    return rates


RULES: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "n / 5 lags": lambda x, y, n: np.arange(n - 1) < n // 5,
    "n / 2 lags": lambda x, y, n: np.arange(n - 1) < n // 2,
    "while both above 2 / sqrt n": lambda x, y, n: (
        np.cumsum((np.abs(x) < 2 / np.sqrt(n)) | (np.abs(y) < 2 / np.sqrt(n))) == 0
    ),
    "while the product is above 0": lambda x, y, n: np.cumsum(x * y <= 0) == 0,
}


def truncation(runs: int) -> None:
    """False alarms by where the sum over lags ends; biased autocorrelations divide by n, the others by the pairs."""
    from scipy.special import stdtr

    cells = [(n, r) for n in (50, 200) for r in (0.0, 0.5, 0.9, 0.95)]
    print("\n| sum ends; autocorrelation | " + " | ".join(f"n {n}, r {r:g}" for n, r in cells))
    print("|---" * (len(cells) + 1) + "|")
    hits: dict[tuple[str, str], list[float]] = defaultdict(list)
    for n, r in cells:
        rng = np.random.default_rng([7, n, int(100 * r)])
        found: dict[tuple[str, str], int] = defaultdict(int)
        share = 1 - np.arange(1, n) / n
        for _ in range(runs):
            x = np.apply_along_axis(correlations.ranks, 0, remembering(r, n, 2, rng))
            x -= x.mean(axis=0)
            a, b = (correlations.autocovariance([each]) for each in x.T)
            rho = float(x[:, 0] @ x[:, 1]) / np.sqrt(a[0] * b[0])
            for kind, by in (("biased", 1.0), ("by pairs", share)):
                one, two = a[1:] / a[0] / by, b[1:] / b[0] / by
                for name, rule in RULES.items():
                    whole = 1 + 2 * float((share * one * two * rule(one, two, n)).sum())
                    worth = n / max(whole, 1.0)
                    if worth >= correlations.LEAST_EFFECTIVE:
                        t = abs(rho) * np.sqrt((worth - 2) / (1 - rho * rho))
                        found[name, kind] += bool(2 * stdtr(worth - 2, -t) < ALARM)
        for key in ((name, kind) for name in RULES for kind in ("biased", "by pairs")):
            hits[key].append(100 * found[key] / runs)
    for (name, kind), rates in hits.items():
        print(f"| {name}; {kind} | " + " | ".join(f"{each:.1f} %" for each in rates) + " |", flush=True)


def memoryless(runs: int) -> dict[str, float]:
    """Cycles that remember nothing, of quantities that go together within a cycle: is memory seen?"""
    names = list("abcd")
    print("\n| cycles without memory; drift [sd]; n | own, values | other, values | own, changes | other, changes |")
    print("|---|---|---|---|---|")
    rates = {}
    for size in (0.0, 3.0):
        for n in (50, 200, 1000):
            rng = np.random.default_rng([5, n, int(size)])
            found: dict[tuple[bool, bool], list[bool]] = defaultdict(list)
            for _ in range(runs // 4):
                x = walk(np.zeros((0, 4, 4)), TRUTH.correlation, n, 1, rng)[0] + drifting(n, size)
                for one in correlations.matrix([x], names):
                    if one.lag:
                        found[one.first == one.second, one.differenced].append(one.p < ALARM)
            keys = ((True, False), (False, False), (True, True), (False, True))
            shares = [100 * float(np.mean(found[key])) for key in keys]
            rates[f"memory in changes {size:g} {n}"] = max(shares[2:])
            print(f"| {size:g}; {n} | " + " | ".join(f"{each:.1f} %" for each in shares) + " |", flush=True)
    return rates


def intervals(runs: int) -> dict[str, float]:
    """Coverage of the intervals of rho, of one device and of five together, and alarms of their heterogeneity."""
    print(
        "\n| cycles of the reference's autoregression; devices x n | within a cycle | own, with the previous | differ |"
    )
    print("|---|---|---|---|")
    rates = {}
    names = list("abcd")
    whole = TRUTH.correlation
    ahead = TRUTH.coefficients @ whole  # covariance of this cycle with the one before
    true = {(a, b, 0): whole[i, j] for i, a in enumerate(names) for j, b in enumerate(names)}
    true |= {(a, b, 1): ahead[i, j] for i, a in enumerate(names) for j, b in enumerate(names)}
    for devices, n in ((1, 50), (1, 200), (1, 1000), (5, 50), (5, 200)):
        rng = np.random.default_rng([11, devices, n])
        inside: dict[int, list[bool]] = defaultdict(list)
        unlike = []
        for _ in range(max(runs // (8 * devices), 10)):
            x = walk(TRUTH.coefficients[None], TRUTH.noise, n, devices, rng)
            for one in correlations.combine([correlations.matrix([each], names) for each in x]):
                if one.differenced or (one.lag and one.first != one.second):
                    continue
                rho = correlations.rank_of_pearson(true[one.first, one.second, one.lag])
                low, high = one.rho.ends or (np.nan, np.nan)
                inside[one.lag].append(low <= rho <= high)
                if not one.lag and devices > 1:
                    unlike.append(one.p_heterogeneity < ALARM)
        rates[f"interval {devices} {n}"] = 100 * float(np.mean(inside[0]))
        more = f"{100 * np.mean(unlike):.1f} %" if unlike else "–"
        own = f"{100 * np.mean(inside[1]):.1f} %"
        print(f"| {devices} x {n} | {rates[f'interval {devices} {n}']:.1f} % | {own} | {more} |", flush=True)
    return rates


def drifts(runs: int) -> None:
    """How often a drift is said of a series without one, and of one with."""
    print("\n| r; n | without a drift | drift of 1 sd | drift of 3 sd |\n|---|---|---|---|")
    for r in (0.0, 0.5, 0.9):
        for n in (50, 200, 1000):
            rng = np.random.default_rng([13, n, int(100 * r)])
            seen = np.zeros(3)
            for _ in range(runs // 4):
                x = remembering(r, n, 1, rng)
                seen += [correlations.drift([np.arange(n)], [(x + drifting(n, d))[:, 0]]).seen for d in (0.0, 1.0, 3.0)]
            print(f"| {r:g}; {n} | " + " | ".join(f"{400 * each / runs:.1f} %" for each in seen) + " |", flush=True)


def autoregressions(runs: int) -> dict[str, float]:
    """Coverage of the coefficients at the true order, and the order that BIC finds."""
    print("\n| devices x n | coefficients covered | order 0 / 1 / 2 / 3 found | half-width | normal |")
    print("|---|---|---|---|---|")
    rates = {}
    for devices, n in ((1, 50), (1, 100), (1, 200), (1, 1000), (5, 200)):
        rng = np.random.default_rng([17, devices, n])
        inside, orders, wide, normal = [], [], [], []
        for _ in range(max(runs // 5, 10)):
            x = walk(TRUTH.coefficients[None], TRUTH.noise, n, devices, rng)
            own = [Cycles((np.arange(n),), (each,)) for each in x]
            fit = autoregression(own, 1)
            true = TRUTH.coefficients * fit.scale[None, :] / fit.scale[:, None]
            inside.append((fit.low[0] <= true) & (true <= fit.high[0]))
            wide.append((fit.high[0] - fit.low[0]) / 2)
            normal.append(fit.normal)
            orders.append(autoregression(own).order)
        rates[f"coefficients {devices} {n}"] = 100 * float(np.mean(inside))
        found = " / ".join(f"{100 * np.mean(np.array(orders) == p):.0f}" for p in range(4))
        print(
            f"| {devices} x {n} | {rates[f'coefficients {devices} {n}']:.1f} % | {found} % | {np.median(wide):.2f} | "
            f"{100 * np.mean(normal):.1f} % |",
            flush=True,
        )
    return rates


def main() -> int:
    """Print the tables; with --check, judge the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    rates = false_alarms(said.runs)
    truncation(said.runs)
    rates |= memoryless(said.runs) | intervals(said.runs)
    drifts(said.runs)
    rates |= autoregressions(said.runs)
    print(f"\n{time.process_time() - start:.0f} s of CPU")
    slack = 300 * np.sqrt(0.05 * 0.95 / said.runs)  # three standard errors of a rate
    alarms = [name for name, rate in rates.items() if name.startswith(("n_eff", "memory")) and rate > 7 + slack]
    narrow = [name for name, rate in rates.items() if name.startswith(("interval", "coef")) and rate < 91 - slack]
    for name in alarms + narrow:
        print(f"out of bounds: {name} {rates[name]:.1f} %")
    return int(said.check and bool(alarms + narrow))


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "cycle_correlations"))
