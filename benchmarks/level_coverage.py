"""Do the intervals of the error rates of neighbouring levels cover, and how optimistic is a count at its own threshold?

python benchmarks/level_coverage.py                   # the whole table, 2000 runs a cell, about 3 minutes
python benchmarks/level_coverage.py --runs 200
python benchmarks/level_coverage.py --runs 100 --check   # exit code 1 if a counted interval covers too seldom
python benchmarks/level_coverage.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC: two levels, 2 z standard deviations apart, of n readings each, told by the threshold that is fitted to them.
The truth is the error rate of the level at that threshold. `apparent` and `counted` are mean error rates over the true
one: at the threshold of all readings, and with each reading judged by the others' threshold. Coverage of the normal
interval is that of those that are given; `missed` says how often it lies wholly below the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from devicekit.features.states import separation as multilevel
from devicekit.features.states.separation import Readings, Side
from devicekit.features.stats import clopper_pearson

ONE_DEVICE = [(law, n, z) for law in ("normal", "t5", "lognormal") for n in (50, 500) for z in (1.5, 2.0, 3.0, 4.0)]
DEVICES = [(k, m, icc, z) for k in (3, 5, 10) for m in (20,) for icc in (0.0, 0.3, 0.8) for z in (1.5, 2.0, 3.0)]
LIMITS = (1.0, 10.0, 100.0, 1000.0)


class Cell(NamedTuple):
    """One line of the table."""

    name: str
    true: float
    apparent: float
    counted: float
    covered: float
    as_independent: float
    given: float
    normal_covered: float
    normal_missed: float
    width: float


def draw(law: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """Readings of sd 1 about 0."""
    if law == "t5":
        return rng.standard_t(5, n) / np.sqrt(5 / 3)
    if law == "lognormal":
        return (np.exp(0.5 * rng.standard_normal(n)) - np.exp(0.125)) / np.sqrt(np.exp(0.25) * (np.exp(0.25) - 1))
    return rng.standard_normal(n)


def beyond(law: str, z: float) -> float:
    """Share of readings above z."""
    if law == "t5":
        return float(stats.t.sf(z * np.sqrt(5 / 3), 5))
    if law == "lognormal":
        top = z * np.sqrt(np.exp(0.25) * (np.exp(0.25) - 1)) + np.exp(0.125)
        return float(stats.lognorm.sf(top, 0.5))
    return float(stats.norm.sf(z))


def cell(name: str, runs: int, one: Callable[[], tuple[Side, float] | None]) -> Cell:
    """Runs of one line: the lower level's errors, and their truth."""
    kept = [each for each in (one() for _ in range(runs)) if each is not None]
    true = np.array([each for _, each in kept])
    n = kept[0][0].n
    normal = [(side.normal, truth) for side, truth in kept if side.normal.known]
    inside = [side.counted.low <= truth <= side.counted.high for side, truth in kept]
    return Cell(
        name,
        float(true.mean()),
        float(np.mean([side.apparent / n for side, _ in kept]) / true.mean()),
        float(np.mean([side.wrong / n for side, _ in kept]) / true.mean()),
        float(np.mean(inside)),
        float(np.mean([_plain(side, truth) for side, truth in kept])),
        len(normal) / len(kept),
        float(np.mean([each.low <= truth <= each.high for each, truth in normal])) if normal else np.nan,
        float(np.mean([each.high < truth for each, truth in normal])) if normal else np.nan,
        float(np.median([each.high / max(each.low, 1e-300) for each, _ in normal])) if normal else np.nan,
    )


def _plain(side: Side, truth: float) -> bool:
    """Whether the interval would cover, were the readings independent."""
    low, high = clopper_pearson(side.wrong, side.n)
    return low <= truth <= high


def one_device(law: str, n: int, z: float, rng: np.random.Generator) -> tuple[Side, float] | None:
    """Two levels of one device."""
    same = np.zeros(n, int)
    found = multilevel.sides(Readings(draw(law, rng, n), same), Readings(2 * z + draw(law, rng, n), same))
    return None if found is None else (found[1], beyond(law, found[0]))


def several(k: int, m: int, icc: float, z: float, rng: np.random.Generator) -> tuple[Side, float] | None:
    """Two levels of k devices with m readings each, of which a share icc of the variance is the device's."""
    device = np.repeat(np.arange(k), m)
    made = []
    for middle in (0.0, 2 * z):
        own = np.sqrt(icc) * rng.standard_normal(k)[device]
        made.append(Readings(middle + own + np.sqrt(1 - icc) * rng.standard_normal(k * m), device))
    found = multilevel.sides(*made)
    return None if found is None else (found[1], beyond("normal", found[0]))


def cells(runs: int) -> Iterator[Cell]:
    """All lines."""
    for at, (law, n, z) in enumerate(ONE_DEVICE):
        rng = np.random.default_rng([2023, at])
        yield cell(f"{law}; {n}; z {z:g}", runs, lambda: one_device(law, n, z, rng))  # noqa: B023
    for at, (k, m, icc, z) in enumerate(DEVICES):
        rng = np.random.default_rng([2024, at])
        yield cell(f"{k} devices x {m}; icc {icc:g}; z {z:g}", runs, lambda: several(k, m, icc, z, rng))  # noqa: B023


def limits(runs: int) -> None:
    """How often the normal interval lies wholly below the truth, by how far out it is given: 1/(limit n)."""
    print("| levels; n | 1/n | 1/(10 n) | 1/(100 n) | 1/(1000 n) |\n|---|---|---|---|---|")
    for law in ("normal", "t5", "lognormal"):
        for n in (50, 500):
            rng = np.random.default_rng([2025, n])
            held: dict[float, list[bool]] = {limit: [] for limit in LIMITS}
            for z in np.linspace(1.0, 5.0, 9):
                for _ in range(runs // 9 + 1):
                    x = draw(law, rng, n)
                    if multilevel.normality(x) < multilevel.ALPHA:
                        continue
                    found = multilevel.normal_error(float((z - x.mean()) / x.std(ddof=1)), n)
                    for limit in LIMITS:
                        if found.value >= 1 / (limit * n):
                            held[limit].append(found.high < beyond(law, z))
            shown = " | ".join(
                "–" if not held[limit] else f"{100 * np.mean(held[limit]):.1f} % of {len(held[limit])}"
                for limit in LIMITS
            )
            print(f"| {law}; {n} | {shown} |", flush=True)


def main() -> int:
    """Print the tables; with --check, judge the counted intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    print(
        "| levels; readings; distance | true rate | plain count | counted | covered | as independent "
        "| normal given | covered | missed | up/low |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    worst = 1.0
    for each in cells(said.runs):
        worst = min(worst, each.covered)
        shares = [each.covered, each.as_independent, each.given, each.normal_covered, each.normal_missed]
        words = " | ".join(f"{100 * share:.1f} %" for share in shares)
        rates = f"{each.true:.2g} | {each.apparent:.3f} | {each.counted:.3f}"
        print(f"| {each.name} | {rates} | {words} | {each.width:.2g} |", flush=True)
    limits(said.runs)
    print(f"least coverage of a count {100 * worst:.1f} %; {time.process_time() - start:.0f} s of CPU")
    return int(said.check and worst < 0.9)


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "level_coverage"))
