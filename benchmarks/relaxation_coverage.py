"""Do the intervals of tau cover? Relaxation after pulses, double exponentials and paired pulses, on known truths.

python benchmarks/relaxation_coverage.py                  # the whole table, 400 runs a cell, about 15 minutes
python benchmarks/relaxation_coverage.py --runs 40
python benchmarks/relaxation_coverage.py --runs 10 --check   # exit code 1 if the pooled coverage is out of bounds
python benchmarks/relaxation_coverage.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC data of `devicekit.synthetic.dynamics`; noise is a share of a_v, the span is in time constants (the slower one
of two). Coverage is that of intervals with both ends; the share with an open end stands beside it, and how many of
those still hold the truth on their closed side. The factor is the median half-width of ln tau, as a ratio.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from devicekit.core.records import Estimate
from devicekit.features.merits import facilitation, volatile
from devicekit.synthetic.dynamics import DynamicsTruth, paired, transient

EXPONENTIAL = DynamicsTruth()
STRETCHED = DynamicsTruth("stretched", {"tau_s": 0.05, "beta": 0.6})
POWER = DynamicsTruth("power", {"tau_s": 0.05, "exponent": 1.5})
DOUBLE = DynamicsTruth("double", {"tau_s": 0.01, "tau2_s": 0.2, "share": 0.5})
NEAR = DynamicsTruth("double", {"tau_s": 0.01, "tau2_s": 0.05, "share": 0.5})
BOUNDS = (0.92, 0.985)

# kernel, readings after the last pulse, span, noise, pulses
RECORDS = (
    (EXPONENTIAL, 30, 4.0, 0.05, 1),
    (EXPONENTIAL, 100, 4.0, 0.03, 1),
    (EXPONENTIAL, 100, 1.0, 0.03, 1),
    (EXPONENTIAL, 100, 4.0, 0.03, 10),
    (STRETCHED, 60, 5.0, 0.01, 1),
    (STRETCHED, 60, 5.0, 0.01, 10),
    (STRETCHED, 60, 30.0, 0.03, 1),
    (STRETCHED, 30, 4.0, 0.05, 1),
    (POWER, 60, 5.0, 0.01, 1),
    (DOUBLE, 60, 5.0, 0.01, 1),
    (DOUBLE, 100, 5.0, 0.03, 1),
    (DOUBLE, 60, 5.0, 0.01, 10),
    (NEAR, 100, 5.0, 0.01, 1),
)
# intervals, noise, one exponential or two
PAIRS = (
    (EXPONENTIAL, 6, 0.03),
    (EXPONENTIAL, 8, 0.03),
    (EXPONENTIAL, 8, 0.01),
    (EXPONENTIAL, 12, 0.02),
    (DOUBLE, 12, 0.01),
)


class Cell(NamedTuple):
    """One line of the table, for one time constant."""

    name: str
    runs: int
    coverage: float
    closed: int
    open_share: float
    open_holds: float
    factor: float
    bias: float


def cell(name: str, estimates: list[Estimate], truth: float) -> Cell:
    """Coverage of the closed intervals, and how the open ones do."""
    closed = [each for each in estimates if each.closed]
    open_ = [each for each in estimates if not each.closed]
    inside = [each.low <= truth <= each.high for each in closed]  # type: ignore[operator]
    holds = [(each.low or 0.0) <= truth <= (each.high or np.inf) for each in open_]
    widths = [np.log(each.high / each.low) / 2 for each in closed]  # type: ignore[operator]
    return Cell(
        name,
        len(estimates),
        float(np.mean(inside)) if inside else float("nan"),
        len(closed),
        len(open_) / len(estimates),
        float(np.mean(holds)) if holds else float("nan"),
        float(np.exp(np.median(widths))) if widths else float("nan"),
        float(np.exp(np.median([np.log(each.value / truth) for each in estimates]))),
    )


def _taus(truth: DynamicsTruth) -> list[str]:
    return [name for name in truth.parameters if name.startswith("tau")]


def records(runs: int) -> Iterator[Cell]:
    """Cells of relaxation."""
    for at, (truth, n, span, noise, pulses) in enumerate(RECORDS):
        table = transient(runs, n, n_pulses=pulses, span=span, noise=noise, truth=truth, seed=100 + at)
        found = volatile.characterize(table, kernel=truth.kernel)
        for name in _taus(truth):
            words = f"{truth.kernel}; {n}; {span:g} tau; {100 * noise:g} %; {pulses}; {name}"
            yield cell(words, [each.fit.parameters[name] for each in found.records], truth.parameters[name])


def pairs(runs: int) -> Iterator[Cell]:
    """Cells of paired pulses, a third of the step permanent."""
    for at, (truth, n, noise) in enumerate(PAIRS):
        estimates: dict[str, list[Estimate]] = {name: [] for name in _taus(truth)}
        shares = []
        for run in range(runs):
            table = paired(n, 1, noise=noise, truth=truth, seed=10_000 * (at + 1) + run)
            found = facilitation.characterize(table, exponentials=2 if truth.kernel == "double" else 1).devices[0]
            for name in estimates:
                estimates[name].append(found.fit.parameters[name])  # type: ignore[union-attr]
            stays = found.permanent
            shares.append(stays.low <= truth.permanent <= stays.high)  # type: ignore[union-attr, operator]
        for name, own in estimates.items():
            words = f"pairs, {truth.kernel}; {n} intervals; {100 * noise:g} %; {name}"
            yield cell(words, own, truth.parameters[name])
        print(f"    permanent share: interval covers in {100 * np.mean(shares):.1f} %", flush=True)


def show(cells: Callable[[int], Iterator[Cell]], runs: int) -> list[Cell]:
    """Print the cells as they come."""
    print("\n| cell | runs | coverage, both ends | open | factor | median / truth |")
    print("|---|---|---|---|---|---|", flush=True)
    done = []
    for each in cells(runs):
        print(
            f"| {each.name} | {each.runs} | {100 * each.coverage:.1f} % of {each.closed} | "
            f"{100 * each.open_share:.1f} % open ({100 * each.open_holds:.0f} % hold) | {each.factor:.2f} | "
            f"{each.bias:.3f} |",
            flush=True,
        )
        done.append(each)
    return done


def main() -> int:
    """Print the table; with --check, judge the pooled coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    done = [*show(records, said.runs), *show(pairs, said.runs)]
    pooled = float(
        np.average([each.coverage for each in done if each.closed], weights=[c.closed for c in done if c.closed])
    )
    print(f"pooled coverage {100 * pooled:.1f} %; {time.process_time() - start:.0f} s of CPU")
    return int(said.check and not BOUNDS[0] <= pooled <= BOUNDS[1])


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "relaxation_coverage", "relaxation_coverage_paired"))
