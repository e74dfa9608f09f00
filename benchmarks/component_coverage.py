"""Do the intervals of variance components (wafer, die, cell, cycle) cover? SYNTHETIC values of V_set, several designs.

python benchmarks/component_coverage.py                  # 300 runs a design
python benchmarks/component_coverage.py --runs 20
python benchmarks/component_coverage.py --evidence       # as the first, and its table to docs/evidence

In each design a tenth of the cells are dead and a fifth of the cycles were not measured. Values beyond the end of the
sweep enter as bounds, and cells without any other value are left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.population.components import components_of, fit_model

LEVELS = ("wafer", "die", "cell", "cycle")
DEAD, MEASURED, MEAN = 0.1, 0.8, 2.0  # shares; V


@dataclass(frozen=True)
class Planted:
    """Wafers, dies of a wafer, cells of a die, cycles of a cell, and what differs between them.

    Attributes
    ----------
    sizes : tuple of int
        Numbers; with `unequal` the largest of dies, cells and cycles, which are drawn from 1 on.
    sd : tuple of float
        Standard deviations between wafers, dies, cells and cycles [V].
    beyond : float
        End of the sweep, in standard deviations of V_set above its mean.
    """

    sizes: tuple[int, int, int, int] = (3, 9, 5, 20)
    sd: tuple[float, float, float, float] = (0.15, 0.10, 0.20, 0.25)
    beyond: float = 10.0
    unequal: bool = False


LIKE = "3 wafers of 9 dies of 5 cells, 20 cycles"
UNEQUAL = "4 wafers of 1 to 10 dies of 1 to 8 cells, 1 to 40 cycles"
FEW = ("1 wafer of 4 dies of 6 cells, 10 cycles", "2 wafers of 3 dies of 4 cells, 10 cycles")
DESIGNS = {
    LIKE: Planted(),
    f"{LIKE}; bounds beyond 1.5 sd": Planted(beyond=1.5),
    UNEQUAL: Planted((4, 10, 8, 40), unequal=True),
    f"{UNEQUAL}; bounds beyond 1.5 sd": Planted((4, 10, 8, 40), unequal=True, beyond=1.5),
    FEW[0]: Planted((1, 4, 6, 10)),
    FEW[1]: Planted((2, 3, 4, 10)),
    f"{LIKE}; sd between dies 0.02 V": Planted(sd=(0.15, 0.02, 0.20, 0.25)),
    f"{LIKE}; sd between dies 0": Planted(sd=(0.15, 0.0, 0.20, 0.25)),
}


def draw(planted: Planted, seed: int) -> pd.DataFrame:
    """Return values of V_set as a population has them: low and high, equal where V_set is known, wafer, die, cell."""
    rng = np.random.default_rng(seed)
    groups = [np.arange(planted.sizes[0])]
    for most in planted.sizes[1:]:
        outer = len(groups[0])
        numbers = rng.integers(1, most + 1, outer) if planted.unequal else np.full(outer, most)
        groups = [*(np.repeat(each, numbers) for each in groups), np.arange(numbers.sum())]
    size = MEAN + sum(rng.normal(0.0, sd, group[-1] + 1)[group] for sd, group in zip(planted.sd, groups, strict=True))
    dead = rng.random(groups[2][-1] + 1) < DEAD
    end = MEAN + planted.beyond * float(np.sqrt(np.square(planted.sd).sum()))
    names = {name: group.astype(str) for name, group in zip(LEVELS[:3], groups, strict=False)}
    frame = pd.DataFrame({"low": np.minimum(size, end), "high": np.where(size > end, np.inf, size), **names})
    frame = frame[(rng.random(len(frame)) < MEASURED) & ~dead[groups[2]]]
    return frame[(frame["low"] == frame["high"]).groupby(frame["cell"]).transform("any")]


def covered(planted: Planted, runs: int) -> dict[str, tuple[float, float]]:
    """Return by level the share of runs with an interval, and the share of these whose interval holds the truth."""
    hits: dict[str, list[bool]] = {}
    for seed in range(runs):
        model = fit_model(draw(planted, seed), "v_set_v", [], seed)
        assert model is not None
        for each in components_of(model):
            own = hits.setdefault(each.level, [])
            if each.sd.ends is not None:
                own.append(each.sd.ends[0] <= planted.sd[LEVELS.index(each.level)] <= each.sd.ends[1])
    return {name: (len(own) / runs, float(np.mean(own)) if own else np.nan) for name, own in hits.items()}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    given = parser.parse_args()
    start = time.process_time()
    print(
        "Share of lots whose 95 % interval holds the truth:\n| design | " + " | ".join(LEVELS) + " | with an interval |"
    )
    print("|---|" + "---|" * 5)
    for name, planted in DESIGNS.items():
        found = covered(planted, given.runs)
        found = {level: each for level, each in found.items() if each[0]}
        cells = [f"{100 * found[level][1]:.1f} %" if level in found else "–" for level in LEVELS]
        least = min(share for share, _ in found.values())
        print(f"| {name} | " + " | ".join(cells) + f" | {100 * least:.0f} % |", flush=True)
    print(f"\n{time.process_time() - start:.0f} s of CPU")
    return 0


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "component_coverage"))
