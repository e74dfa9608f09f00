"""Is telegraph noise found where it is, and only there; do intervals of dwell times and of a spectrum's slope cover?

python benchmarks/rtn_coverage.py                 # all tables, 300 runs a cell, about 5 minutes
python benchmarks/rtn_coverage.py --runs 50
python benchmarks/rtn_coverage.py --runs 20 --check   # exit code 1 for false alarms, or for too little coverage
python benchmarks/rtn_coverage.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC. Jumps are drawn in continuous time from exponential dwell times (`devicekit.synthetic.noise`), and read at
the sampling times; distances are over the noise of a reading.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from devicekit.features.noise import spectrum
from devicekit.features.noise import telegraph as rtn
from devicekit.synthetic.noise import flicker, telegraph_states

# readings, mean dwells of the two levels in readings, distance in sd, jitter, share of 1/f in the noise
CELLS = (
    (500, (30.0, 15.0), 5.0, 0.0, 0.0),
    (2000, (30.0, 15.0), 5.0, 0.0, 0.0),
    (2000, (30.0, 15.0), 5.0, 0.05, 0.0),
    (2000, (30.0, 15.0), 3.0, 0.0, 0.0),
    (2000, (30.0, 15.0), 2.2, 0.0, 0.0),
    (2000, (100.0, 100.0), 3.0, 0.0, 0.0),
    (2000, (300.0, 10.0), 5.0, 0.0, 0.0),
    (2000, (10.0, 10.0), 5.0, 0.0, 0.0),
    (2000, (5.0, 5.0), 5.0, 0.0, 0.0),
    (2000, (3.5, 3.5), 5.0, 0.0, 0.0),
    (2000, (3.5, 3.5), 3.0, 0.0, 0.0),
    (2000, (30.0, 15.0), 5.0, 0.0, 0.2),
    (2000, (30.0, 15.0), 5.0, 0.0, 0.5),
)
NONE: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "white noise": lambda n, rng: rng.standard_normal(n),
    "white, Student t3": lambda n, rng: rng.standard_t(3, n),
    "1/f^0.5": lambda n, rng: flicker(n, 0.5, rng),
    "1/f": lambda n, rng: flicker(n, 1.0, rng),
    "1/f^1.5": lambda n, rng: flicker(n, 1.5, rng),
    "random walk": lambda n, rng: np.cumsum(rng.standard_normal(n)),
    "1/f and as much white": lambda n, rng: flicker(n, 1.0, rng) + rng.standard_normal(n),
    "1/f, digitised in 12 steps": lambda n, rng: np.round(2 * flicker(n, 1.0, rng)),
    "white, digitised in 12 steps": lambda n, rng: np.round(1.7 * rng.standard_normal(n)),
    "linear drift, 5 sd": lambda n, rng: np.linspace(0, 5, n) + rng.standard_normal(n),
    "decay, 20 sd": lambda n, rng: 20 * np.exp(-np.linspace(0, 5, n)) + rng.standard_normal(n),
    "one step, 5 sd": lambda n, rng: 5.0 * (np.arange(n) > rng.uniform(0.2, 0.8) * n) + rng.standard_normal(n),
}
BOUNDS = (0.92, 0.985)


def dwell_times(runs: int) -> list[float]:
    """Coverage of the intervals of mean dwell times."""
    print("| readings; dwells [readings]; distance; jitter; 1/f | found | given | coverage | median / truth | factor |")
    print("|---|---|---|---|---|---|", flush=True)
    pooled = []
    for at, (n, dwell, distance, jitter, pink) in enumerate(CELLS):
        rng = np.random.default_rng([2023, at])
        found, inside, ratio, wide = 0, [], [], []
        for _ in range(runs):
            t = np.sort(np.arange(n) + jitter * rng.standard_normal(n))
            noise = rng.standard_normal(n) + pink * flicker(n, 1.0, rng)
            got = rtn.find(t, distance * telegraph_states(t, dwell, rng) + noise)
            found += got.verdict == "telegraph"
            for side, truth in zip((got.low, got.high), dwell, strict=True):
                if side is not None and side.mean.ends is not None:
                    low, high = side.mean.ends
                    inside.append(low <= truth <= high)
                    ratio.append(side.mean.value / truth)
                    wide.append(np.sqrt(high / low))
        words = f"{n}; {dwell[0]:g}, {dwell[1]:g}; {distance:g}; {100 * jitter:g} %; {pink:g}"
        covered = float(np.mean(inside)) if inside else np.nan
        print(
            f"| {words} | {100 * found / runs:.0f} % | {50 * len(inside) / runs:.0f} % | {100 * covered:.1f} % | "
            f"{np.median(ratio):.2f} | {np.median(wide):.2f} |",
            flush=True,
        )
        if not pink:
            pooled += inside
    return [float(np.mean(pooled))]


def false_alarms(runs: int) -> int:
    """Records without telegraph noise that are called so."""
    print("| record | 500 readings | 2000 readings | called jumps |\n|---|---|---|---|", flush=True)
    total = 0
    for at, (name, make) in enumerate(NONE.items()):
        shown, jumps = [], 0
        for n in (500, 2000):
            rng = np.random.default_rng([2024, at, n])
            verdicts = [rtn.find(np.arange(n), make(n, rng)).verdict for _ in range(runs)]
            shown.append(verdicts.count("telegraph"))
            jumps += verdicts.count("jumps")
            total += shown[-1]
        print(f"| {name} | {shown[0]} of {runs} | {shown[1]} of {runs} | {jumps} |", flush=True)
    return total


def slopes(runs: int) -> float:
    """Coverage of the slope of a spectrum."""
    print("| 1/f^g; readings | coverage | mean | half-width |\n|---|---|---|---|", flush=True)
    pooled = []
    for exponent in (0.0, 0.5, 1.0, 1.5, 2.0):
        for n in (1024, 10_000):
            rng = np.random.default_rng([2025, int(10 * exponent), n])
            found = [spectrum.slope(flicker(n, exponent, rng), 1.0).exponent for _ in range(runs)]
            inside = [each.low <= exponent <= each.high for each in found]  # type: ignore[operator]
            pooled += inside
            half = np.median([(each.high - each.low) / 2 for each in found])  # type: ignore[operator]
            mean = np.mean([each.value for each in found])
            print(f"| {exponent:g}; {n} | {100 * np.mean(inside):.1f} % | {mean:.2f} | {half:.2f} |", flush=True)
    return float(np.mean(pooled))


def main() -> int:
    """Print the tables; with --check, judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    alarms = false_alarms(said.runs)
    covered = [*dwell_times(said.runs), slopes(said.runs)]
    print(f"{alarms} false alarms; pooled coverage of dwell times and slopes {covered}")
    print(f"{time.process_time() - start:.0f} s of CPU")
    bad = alarms > 0.01 * said.runs * len(NONE) or not all(BOUNDS[0] <= each <= BOUNDS[1] for each in covered)
    return int(said.check and bad)


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "rtn_coverage"))
