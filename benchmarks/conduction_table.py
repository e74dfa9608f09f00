"""How often the verdict on a conduction mechanism is right, undecided, or wrong, on SYNTHETIC currents.

`python benchmarks/conduction_table.py [N] [SEED]` (3,000 currents take about four minutes of one core) prints the
table of docs/concepts/conduction.md: thickness and temperature known, temperature alone, and what the usual practice
makes of the same currents, the best R2 of straight-line plots of ln(I + 1e-12). `--evidence` writes it.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
from conduction_truths import CLASSES, Truth, draw

from devicekit.features.conduction.prepare import prepare
from devicekit.features.conduction.verdict import judge
from devicekit.features.merit import Sample
from devicekit.features.stats import clopper_pearson

SEED = 20_262
KINDS = ("right", "undecided", "lost", "none", "no_range", "wrong")


@dataclass(frozen=True)
class Row:
    """One current and what was said of it; kind is one of KINDS."""

    truth: Truth
    kind: str
    left: tuple[str, ...]


def truths(n: int, seed: int) -> list[Truth]:
    """Currents of all classes in turn, a quarter with a leak."""
    rng = np.random.default_rng(seed)
    return [draw(CLASSES[k % 12], rng, (k // 12) % 4 == 0) for k in range(n)]


def row(truth: Truth, sample: Sample, scale: float = 1.0, known: bool = True) -> Row:
    """The verdict on one current, held against what it was made of."""
    leg = prepare(truth.v, truth.i * scale, temperature=truth.temperature if known else None, measured=False)
    if leg is None:
        return Row(truth, "no_range", ())
    verdict = judge([leg], sample, measured=False)
    inside = truth.name in verdict.left
    if verdict.word == "none":
        return Row(truth, "none", ())
    if verdict.word == "decided":
        return Row(truth, "right" if inside else "wrong", verdict.left)
    return Row(truth, "undecided" if inside else "lost", verdict.left)


def habit(truth: Truth) -> bool:
    """Whether the best R2 of the usual straight-line plots names the truth; curves that are one line count as right."""
    v, i = truth.v, np.abs(truth.i) + 1e-12
    plots = {
        "ohmic": (v, i),
        "sclc": (v**2, i),
        "trap_filled": (np.log(v), np.log(i)),
        "schottky": (np.sqrt(v), np.log(i)),
        "poole_frenkel": (np.sqrt(v), np.log(i / v)),
        "fowler_nordheim": (1 / v, np.log(i / v**2)),
        "tat": (1 / v, np.log(i)),
        "hopping": (v, np.log(i)),
        "thermionic_field": (v**2, np.log(i / v)),
    }
    best = max(plots, key=lambda name: np.corrcoef(*plots[name])[0, 1] ** 2)
    synonyms = {"simmons_schottky": "poole_frenkel", "thermionic": "hopping", "direct": "hopping"}
    return best == synonyms.get(truth.name, truth.name)


def shares(rows: list[Row]) -> str:
    """Shares of each kind, and how sure that of the wrong ones is."""
    numbers = Counter(each.kind for each in rows)
    low, high = clopper_pearson(numbers["wrong"], len(rows))
    parts = " | ".join(f"{100 * numbers[kind] / len(rows):.1f} %" for kind in KINDS)
    return f"{len(rows)} | {parts} ({100 * low:.2f} to {100 * high:.2f}) |"


def groups(rows: list[Row]) -> dict[str, list[Row]]:
    """All, with and without leak and series resistance, by class, by decades of the current."""
    named = {
        "all": rows,
        "no leak": [each for each in rows if each.truth.leak == 0],
        "leak": [each for each in rows if each.truth.leak > 0],
        "series over 1 %": [each for each in rows if each.truth.series > 0.01],
        "leak, series over 1 %": [each for each in rows if each.truth.leak > 0 and each.truth.series > 0.01],
        "under 2.5 decades": [each for each in rows if each.truth.decades < 2.5],
        "2.5 to 4 decades": [each for each in rows if 2.5 <= each.truth.decades < 4],
        "over 4 decades": [each for each in rows if each.truth.decades >= 4],
        "noise over 5 %": [each for each in rows if each.truth.noise > 0.05],
    }
    return {**named, **{name: [each for each in rows if each.truth.name == name] for name in CLASSES}}


def main() -> None:
    n, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 3000, int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    made = truths(n, seed)
    rows = [row(each, Sample(thickness_m=each.thickness)) for each in made]
    print("| | n | right | undecided, truth in the set | truth lost | none | no range | wrong (95 %) |")
    print("|---|---|---|---|---|---|---|---|")
    for name, own in groups(rows).items():
        print(f"| {name} |", shares(own))
    some = made[: n // 4]
    print("| temperature alone |", shares([row(each, Sample()) for each in some]))
    print("| nothing known |", shares([row(each, Sample(), known=False) for each in some]))
    print(f"best R2 of lines: right {100 * np.mean([habit(each) for each in made]):.1f} %")
    before = {id(each.truth): each for each in rows}
    changed = 0
    for scale in (1e-6, 1e-3, 1e3, 1e6):
        for each in made[: n // 8]:
            again = row(each, Sample(thickness_m=each.thickness), scale)
            changed += (again.kind, again.left) != (before[id(each)].kind, before[id(each)].left)
    print(f"verdicts that a factor of 1e-6 to 1e6 on the current changed: {changed} of {4 * (n // 8)}")


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "conduction_table"))
