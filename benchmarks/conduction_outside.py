"""How often a current that follows none of the twelve conduction mechanisms is decided for one, on SYNTHETIC currents.

`python benchmarks/conduction_outside.py [N] [SEED]` (60 currents take about 10 s of one core) prints the share for
each law: a percolation power law V^1.5, power laws V^2.6 and V^1.3 to 3, exp(V^0.75), stretched exponentials, sums of
two sinh, a power law that saturates. The points, noise and floors are those of benchmarks/conduction_truths.py;
thickness and temperature are told. The table of docs/concepts/conduction.md comes from 600 of them
(`--evidence` writes it).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devicekit.features.conduction.prepare import prepare
from devicekit.features.conduction.verdict import judge
from devicekit.features.merit import Sample
from devicekit.features.stats import clopper_pearson

SEED = 4_131


@dataclass(frozen=True)
class Outside:
    """One synthetic current of a law that is not in the list."""

    name: str
    v: np.ndarray
    i: np.ndarray
    thickness: float
    temperature: float


def _sinhs(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two populations of hops: one bends early and carries little, the other bends late."""
    early, late, share = rng.uniform(6, 12), rng.uniform(0.5, 2), 10 ** rng.uniform(-3, -1)
    return (1 - share) * np.sinh(late * x) / np.sinh(late) + share * np.sinh(early * x) / np.sinh(early)


LAWS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "V^1.5": lambda x, rng: x**1.5,
    "V^2.6": lambda x, rng: x**2.6,
    "V^m": lambda x, rng: x ** rng.uniform(1.3, 3.0),
    "exp(V^0.75)": lambda x, rng: x * np.exp(rng.uniform(3, 8) * (x**0.75 - 1)),
    "stretched": lambda x, rng: np.expm1(rng.uniform(3, 8) * x ** rng.uniform(1.3, 1.7)),
    "two sinh": _sinhs,
    "saturates": lambda x, rng: x**2 / (1 + (x / rng.uniform(0.3, 0.7)) ** 2) ** 0.25,
}


def draw(name: str, rng: np.random.Generator) -> Outside:
    """One current; its points, noise, floor and size are drawn as those of the twelve are."""
    while True:
        n, top = int(rng.integers(30, 121)), float(np.exp(rng.uniform(np.log(0.3), np.log(8))))
        x = np.linspace(1 / n, 1, n)
        size, noise, floor = (10 ** rng.uniform(*ends) for ends in ((-10, -2), (-2, -1), (-14, -10)))
        clean = size * LAWS[name](x, rng)
        clean *= size / clean[-1]
        shown = x[clean > 5 * floor]
        if shown.size >= 16 and shown[-1] > 1.7 * shown[0]:
            i = clean * np.exp(noise * rng.normal(size=n)) + floor * rng.normal(size=n)
            thickness, kelvin = float(np.exp(rng.uniform(np.log(1.5e-9), np.log(60e-9)))), float(rng.uniform(200, 400))
            return Outside(name, top * x, i, thickness, kelvin)


def curves(n: int, seed: int = SEED) -> list[Outside]:
    """Currents of all laws in turn."""
    rng, names = np.random.default_rng(seed), tuple(LAWS)
    return [draw(names[k % len(names)], rng) for k in range(n)]


def verdict(curve: Outside, measured: bool = False) -> tuple[str, tuple[str, ...]]:
    """Word of the verdict, and the mechanisms that are left."""
    leg = prepare(curve.v, curve.i, temperature=curve.temperature, measured=measured)
    if leg is None:
        return "no_range", ()
    found = judge([leg], Sample(thickness_m=curve.thickness), measured=measured)
    return found.word, found.left


def main() -> None:
    n, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    made = curves(n, seed)
    said = [verdict(each) for each in made]
    print(
        "| currents | n | decided for one of the twelve | 95 % interval | which | undecided | none | nearly ohmic "
        "| no range |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (*LAWS, "all"):
        own = [each for curve, each in zip(made, said, strict=True) if name in (curve.name, "all")]
        words = Counter(word for word, _ in own)
        k = words["decided"]
        low, high = clopper_pearson(k, len(own)) if own else (0.0, 1.0)
        named = dict(Counter(left[0] for word, left in own if word == "decided").most_common())
        print(
            f"| {name} | {len(own)} | {k} ({100 * k / max(len(own), 1):.1f} %) "
            f"| {100 * low:.1f} to {100 * high:.1f} % | "
            f"{', '.join(f'{left} {n}' for left, n in named.items())} | {words['undecided']} | {words['none']} | "
            f"{words['nearly_ohmic']} | {words['no_range']} |"
        )


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "conduction_outside"))
