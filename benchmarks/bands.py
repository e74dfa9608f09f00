"""Do the bands cover? The 95 % band on the rate, and the intervals of increment and read, on truths drawn elsewhere.

python benchmarks/bands.py                            # the whole table: 126 cells of 200 truths, half an hour
python benchmarks/bands.py --truths 40 --laws eq2 --cycles 1,3
python benchmarks/bands.py --truths 4 --check         # exit code 1 if the pooled coverage is out of bounds

Each cell is a law, a number of cycles and a kind of noise. Beside the band stands the one it replaces: a cluster
sandwich from four cycles on, else the delta method, which takes what the law leaves for independent read noise.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from band_truths import LAWS, NOISES, PULSES, READ, trains, truth

AT = np.array([0.1, 0.5, 0.9])
CYCLES = (1, 2, 3, 5, 10, 20)
BOUNDS = (0.91, 0.985)  # of the coverage of a cell
GRID = np.linspace(0.05, 0.95, 19)


class Outcome(NamedTuple):
    """Of one truth: inside the band, inside the old one, of increment and read (nan where there is none), and more."""

    inside: list[bool]
    old: list[bool]
    noise: list[float]
    half: list[float]
    errors: tuple[float, float]
    seconds: tuple[float, float]


def one(law: str, cycles: int, noise: str, seed: int) -> Outcome:
    from devicekit.device.blocks import Window
    from devicekit.fitting.branch.fit import fit_branch
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.branch.trains import Trains
    from devicekit.fitting.condition import fit_condition
    from devicekit.fitting.likelihood.band import quantile, rate_variance
    from devicekit.models import kernel
    from devicekit.tables import PulseTable

    window = Window(quantity="weight", low=0.0, high=1.0, scope="truth")
    rng = np.random.default_rng([seed, cycles, LAWS.index(law), list(NOISES).index(noise)])
    rate = truth(law, rng)
    kinds = {("rate_sd" if name == "rate" else name): sd for name, sd in NOISES[noise].items()}
    y = trains(rate, rng, cycles, **kinds)
    options = FitOptions(law)
    index = np.tile(np.arange(PULSES + 1), cycles)
    frame = pd.DataFrame(
        {
            "device_id": "d",
            "cycle": np.repeat(np.arange(1, cycles + 1), PULSES + 1),
            "direction": "ltp",
            "pulse_index": index,
            "weight": y.ravel(),
        }
    )
    table = PulseTable(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        plain = fit_branch(Trains("ltp", ("d",) * cycles, np.arange(cycles), y), window, options)
        between = time.perf_counter()
        fitted = fit_condition(table, options, window)
        ended = time.perf_counter()
    branch, found = fitted.branches["ltp"], fitted.likelihood["ltp"]
    true = rate(AT)
    curve = branch.rate_curve(AT)
    inside = [bool(low <= v <= high) for low, v, high in zip(curve.lower, true, curve.upper, strict=True)]
    sd = np.sqrt(rate_variance(plain.law, plain.parameters, plain.covariance, AT))
    old = [bool(each) for each in np.abs(plain.rate(AT) - true) <= quantile(0.95, plain.degrees) * sd]
    spread = fitted.variation.branches["ltp"].intervals
    deviations = {"increment": NOISES[noise].get("increment", 0.0), "read": NOISES[noise].get("read", READ)}
    known = [float(spread[n][0] <= v <= spread[n][1]) if v and n in spread else np.nan for n, v in deviations.items()]
    theta = found.parameters[0][:-1]
    errors = tuple(
        float(np.sqrt(np.mean((steps - rate(GRID)) ** 2)) / rate(GRID).mean())
        for steps in (np.abs(branch.rate(GRID)), kernel.rates(branch.law.id, theta, GRID))
    )
    half = (np.array(curve.upper) - np.array(curve.lower)) / 2 / np.maximum(true, 1e-9)
    return Outcome(inside, old, known, half.tolist(), errors, (between - began, ended - between))  # type: ignore[arg-type]


def cell(law: str, cycles: int, noise: str, count: int) -> list[Outcome]:
    """Outcomes of so many truths; a train that wanders back to where it began is refused, and another one taken."""
    from devicekit.core.errors import TraceError

    found, seed = [], 0
    while len(found) < count:
        with contextlib.suppress(TraceError):
            found.append(one(law, cycles, noise, seed))
        seed += 1
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truths", type=int, default=200)
    parser.add_argument("--laws", default=",".join(LAWS))
    parser.add_argument("--cycles", default=",".join(map(str, CYCLES)))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    cells = [(law, int(k), noise) for law in said.laws.split(",") for k in said.cycles.split(",") for noise in NOISES]
    print(
        "law         cycles  noise             band at .1   .5   .9 | old .1  .5  .9 | increment read | half .1  .5  .9"
    )
    pooled, outside = [], []
    with ProcessPoolExecutor(said.jobs) as pool:
        work = partial(cell, count=said.truths)
        for (law, cycles, noise), found in zip(cells, pool.map(work, *zip(*cells, strict=True)), strict=True):
            inside, old = np.mean([o.inside for o in found], 0), np.mean([o.old for o in found], 0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                sd, half = np.nanmean([o.noise for o in found], 0), np.median([o.half for o in found], 0)
            pooled.append([*inside, *sd])
            outside += [(law, cycles, noise) for each in [*inside, *sd] if each < BOUNDS[0] or each > BOUNDS[1]]
            print(
                f"{law:11} {cycles:4d}    {noise:17}"
                + "".join(f"  {v:.3f}" for v in inside)
                + " |"
                + "".join(f" {v:.2f}" for v in old)
                + " |   "
                + "  ".join(f"{v:.3f}" for v in sd)
                + "   |"
                + "".join(f" {v:.2f}" for v in half)
                + f" | rate error {np.median([o.errors for o in found], 0).round(3)}"
                + f" ms {1e3 * np.median([o.seconds for o in found], 0).round(4)}",
                flush=True,
            )
    mean = np.nanmean(pooled, axis=0)
    print("pooled: rate", mean[:3].round(3), "increment, read", mean[3:].round(3))
    print(f"{len(outside)} of {int(np.isfinite(pooled).sum())} figures outside {BOUNDS[0]} to {BOUNDS[1]}")
    return int(said.check and not ((mean >= 0.9).all() and mean.mean() <= 0.99))


if __name__ == "__main__":
    sys.exit(main())
