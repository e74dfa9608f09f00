"""Do the intervals of Weibull lives cover? Shape, and cycles until 1, 10 and 50 % have failed; the trend of a window.

python benchmarks/wear_coverage.py                  # every table, 300 runs a cell, about 6 minutes
python benchmarks/wear_coverage.py --runs 40
python benchmarks/wear_coverage.py --runs 20 --check   # exit code 1 if the pooled coverage is out of bounds
python benchmarks/wear_coverage.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC devices. Lives of shape 1.8 that are cut at one cycle; then the whole way through a table of readings (three
in a row below the threshold), ten or three a decade; then lives that are lognormal, and not Weibull's; then the trend
of the window with readings that scatter independently, and with such that drift (AR(1), correlation 0.9).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from devicekit.core.records import Estimate
from devicekit.features.lives import wear
from devicekit.features.lives.censored import Undetermined, quantile_of
from devicekit.features.merits import endurance
from devicekit.synthetic.ageing import WearTruth
from devicekit.synthetic.ageing import wear as made

BOUNDS = (0.93, 0.99)
SHAPE = 1.8
CELLS = ((5, 0.0), (5, 0.3), (10, 0.0), (10, 0.5), (10, 0.7), (20, 0.0), (20, 0.5), (20, 0.7), (20, 0.9), (100, 0.9))


def holds(found: Estimate | None, value: float) -> float:
    """1 where an interval, which may be open, holds a value, 0 where it does not; NaN without one."""
    if found is None:
        return float("nan")
    return float((found.low is None or found.low <= value) and (found.high is None or value <= found.high))


def judged(life: wear.WeibullLife, shape: float, scale: float) -> list[float]:
    """Whether shape and lives hold the truth, the half-width of the last as a factor, and the ratio of the shapes."""
    lives = [scale * float(np.exp(quantile_of("extreme", each.share) / shape)) for each in life.shares]
    inside = [holds(each.cycles, value) for each, value in zip(life.shares, lives, strict=True)]
    tenth = life.shares[1].cycles
    factor = float("nan") if tenth is None or tenth.ends is None else float(np.sqrt(tenth.ends[1] / tenth.ends[0]))
    return [holds(life.shape, shape), *inside, factor, life.shape.value / shape]


def row(name: str, given: float, found: np.ndarray) -> None:
    """Print a line."""
    share = 100 * np.nanmean(found[:, :4], axis=0)
    print(
        f"| {name} | {100 * given:.0f} % | {share[0]:.0f} | {share[1]:.0f} / {share[2]:.0f} / {share[3]:.0f} % | "
        f"{np.nanmedian(found[:, 4]):.1f} | {np.median(found[:, 5]):.2f} |",
        flush=True,
    )


HEAD = "| {} | given | shape | 1 / 10 / 50 % | 10 %, factor | shape / truth |\n|---|---|---|---|---|---|"


def cut(runs: int) -> Iterator[np.ndarray]:
    """Lives known exactly, cut at one cycle."""
    print(HEAD.format("devices; censored"), flush=True)
    for n, share in CELLS:
        end = (-np.log(share)) ** (1 / SHAPE) if share else np.inf
        rows = []
        for run in range(runs):
            t = np.random.default_rng(1000 * n + run).weibull(SHAPE, n)
            try:
                life = wear.weibull(np.minimum(t, end), np.where(t > end, np.inf, t))
            except Undetermined:
                continue
            rows.append(judged(life, SHAPE, 1.0))
        if rows:
            found = np.array(rows)
            row(f"{n}; {100 * share:.0f} %", len(rows) / runs, found)
            yield found


def read(runs: int) -> Iterator[np.ndarray]:
    """Through tables of readings."""
    print("\n" + HEAD.format("devices; last cycle over scale; readings per decade"), flush=True)
    for n, last, per_decade in ((20, 2.5, 10), (20, 1.0, 10), (20, 2.5, 3), (10, 1.0, 10)):
        truth = WearTruth()
        rows = []
        for run in range(runs):
            found = endurance.characterize(made(n, last * truth.scale, per_decade, truth=truth, seed=run))
            if found.life is not None:
                rows.append(judged(found.life, truth.shape, truth.scale))
        if rows:
            row(f"{n}; {last:g}; {per_decade}", len(rows) / runs, np.array(rows))
            yield np.array(rows)


def other(runs: int) -> None:
    """Lives that are lognormal (sigma 0.6): how far Weibull's law leads astray."""
    print("\n| lognormal lives; devices; cut over the median | given | 1 / 10 / 50 % | estimate over truth |")
    print("|---|---|---|---|", flush=True)
    z = {0.01: -2.326, 0.1: -1.282, 0.5: 0.0}
    for n, end in ((20, 0.5), (20, 0.8), (20, 1.5), (20, 10.0), (100, 0.3), (100, 0.5)):
        inside, ratio, given = [], [], 0
        for run in range(runs):
            t = np.exp(0.6 * np.random.default_rng(run).standard_normal(n))
            try:
                life = wear.weibull(np.minimum(t, end), np.where(t > end, np.inf, t))
            except Undetermined:
                continue
            given += 1
            true = [float(np.exp(0.6 * z[each.share])) for each in life.shares]
            inside.append([holds(e.cycles, v) for e, v in zip(life.shares, true, strict=True)])
            ratio.append([e.cycles.value / v if e.cycles else np.nan for e, v in zip(life.shares, true, strict=True)])
        share, off = 100 * np.nanmean(inside, axis=0), np.nanmedian(ratio, axis=0)
        print(
            f"| {n}; {end:g} | {100 * given / runs:.0f} % | {share[0]:.0f} / {share[1]:.0f} / {share[2]:.0f} % | "
            f"{off[0]:.2f} / {off[1]:.2f} / {off[2]:.2f} |",
            flush=True,
        )


def trends(runs: int) -> None:
    """The slope of the window against cycles."""
    print(
        "\n| window: devices; scatter | interval of one device covers | one device has an interval "
        "| interval over devices covers |"
    )
    print("|---|---|---|---|", flush=True)
    cycle = np.unique(np.round(np.geomspace(1, 1e6, 61)).astype(int))
    for correlation in (0.0, 0.9):
        for n in (2, 5):
            one, all_ = [], []
            for run in range(runs):
                rng = np.random.default_rng(run)
                slopes = []
                for _ in range(n):
                    noise = rng.standard_normal(cycle.size)
                    for k in range(1, cycle.size):
                        noise[k] = correlation * noise[k - 1] + np.sqrt(1 - correlation**2) * noise[k]
                    window = 100 * 10 ** (-0.08 * np.log10(cycle) + 0.08 * noise)
                    slopes.append(wear.trend(pd.Series(window, cycle)))
                own = [each for each in slopes if each is not None]
                one.append(holds(own[0], -0.08) if own[0].closed else np.nan)
                all_.append(holds(wear.common_trend(own), -0.08))
            how = "independent" if not correlation else f"AR(1), {correlation:g}"
            given = float(np.isfinite(one).mean())
            inside = f"{100 * np.nanmean(one):.0f} %" if given else ""
            print(f"| {n}; {how} | {inside} | {100 * given:.0f} % | {100 * np.mean(all_):.0f} % |", flush=True)


def main() -> int:
    """Print the tables; with --check, judge the pooled coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    done = list(cut(said.runs))
    if not said.check:
        done += list(read(max(said.runs // 2, 1)))
        other(said.runs)
        trends(said.runs)
    pooled = float(np.nanmean(np.concatenate(done)[:, :4]))
    print(f"\npooled coverage {100 * pooled:.1f} %; {time.process_time() - start:.0f} s of CPU")
    return int(said.check and not BOUNDS[0] <= pooled <= BOUNDS[1])


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "wear_coverage"))
