"""Accuracy of a generic device against how bad one flaw is: what a user's device is marked in, and where the cliff is.

`python -m snn.benchmark curves` measures the shipped curves again.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from snn.benchmark.measure import generic
from snn.benchmark.severity import SEVERITIES, Flaw, device, own_severity
from snn.benchmark.task import VARIANTS, Variant, accuracy, setting
from snn.data.dataset import Dataset

SHIPPED = Path(__file__).with_name("curves.json")
SEEDS: dict[Variant, int] = {"plain": 6, "scaled": 6, "wide": 3, "policy": 6}
CLIFF = 0.02  # of accuracy below the base, which is where the cliff begins


def _policy(variant: Variant) -> dict[str, Any]:
    return {"policy": "auto"} if variant == "policy" else {}


def measure(
    data: Dataset,
    flaws: Sequence[Flaw] = SEVERITIES,
    seeds: dict[Variant, int] | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """Accuracies of each flaw and severity, by variant, and of the base without one.

    Returns
    -------
    dict
        `split`, `seeds`, `base` {variant: point}, `flaws` {name: {variant: [point, ...]}} in rising severity; a point
        has `severity`, `mean` [1] and `se` (over seeds) [1].
    """
    import joblib

    seeds = seeds or SEEDS
    base, nothing = generic(), dict[str, Any]()
    cases = [("base", 0.0, base, nothing)]
    for flaw in flaws:
        for size in flaw.sizes:
            card, changes = device(flaw.name, size)
            severity = own_severity(flaw.name, card, setting("plain", 0, **changes))
            assert severity is not None
            cases.append((flaw.name, float(f"{severity:.4g}"), card, changes))
    jobs_done = iter(
        joblib.Parallel(n_jobs=jobs, return_as="generator")(
            joblib.delayed(accuracy)(card, setting(variant, seed, **changes, **_policy(variant)), data)
            for variant, count in seeds.items()
            for _, _, card, changes in cases
            for seed in range(count)
        )
    )
    found: dict[str, Any] = {"split": data.split, "seeds": dict(seeds), "base": {}, "flaws": {}}
    for variant, count in seeds.items():
        for name, severity, *_ in cases:
            values = np.array(list(itertools.islice(jobs_done, count)))
            error = float(values.std(ddof=1) / count**0.5)
            point = {"severity": severity, "mean": round(float(values.mean()), 5), "se": round(error, 5)}
            if name == "base":
                found["base"][variant] = point
            else:
                found["flaws"].setdefault(name, {}).setdefault(variant, []).append(point)
    for flaw in flaws:
        for variant, points in found["flaws"][flaw.name].items():
            if flaw.base is not None:
                points.append({**found["base"][variant], "severity": flaw.base})
            points.sort(key=lambda point: point["severity"])
    return found


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """The measured curves that come with this package, as `measure` gives them."""
    loaded: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return loaded


def cliffs(flaw: Flaw, variant: Variant, curves: dict[str, Any]) -> dict[str, float]:
    """Return where the accuracy crosses 2 points below the base, between the measured severities.

    Returns
    -------
    dict
        Severity by the side on which it gets worse: "more", "less"; empty where it does not fall that far.
    """
    points = sorted(curves["flaws"][flaw.name][variant], key=lambda point: point["severity"])
    floor = curves["base"][variant]["mean"] - CLIFF
    best = max(range(len(points)), key=lambda k: points[k]["mean"])
    found: dict[str, float] = {}
    sides = {"more": points[best:], "less": points[: best + 1][::-1]}
    if flaw.worse != "both":
        sides = {flaw.worse: points if flaw.worse == "more" else points[::-1]}
    for side, along in sides.items():
        for before, after in itertools.pairwise(along):
            if before["mean"] >= floor > after["mean"]:
                share = (before["mean"] - floor) / (before["mean"] - after["mean"])
                ends = (before["severity"], after["severity"])
                if flaw.log:
                    found[side] = float(math.exp(math.log(ends[0]) + share * math.log(ends[1] / ends[0])))
                else:
                    found[side] = float(ends[0] + share * (ends[1] - ends[0]))
                break
    return found


@dataclass(frozen=True)
class Distance:
    """How far a device is from the cliff of one flaw.

    Attributes
    ----------
    flaw : Flaw
    own : float
        Severity of the device's.
    cliff : float
        Where two points are lost.
    side : {"more", "less"}
        On which side of a good device the cliff is.
    variant : str
        Whose cliff it is: the nearer one's.
    """

    flaw: Flaw
    own: float
    cliff: float
    side: str
    variant: Variant

    @property
    def ratio(self) -> float:
        """Severity at the cliff over the own one, or the other way round where less is worse; below 1 beyond it."""
        return self.cliff / self.own if self.side == "more" else self.own / self.cliff

    @property
    def words(self) -> str:
        """For people."""
        far = f"{self.ratio:.2g} times as far off" if self.ratio >= 1 else f"{1 / self.ratio:.2g} times beyond it"
        return f"{self.own:.3g}; the cliff is at {self.cliff:.3g} ({self.variant} rates): {far}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "flaw": self.flaw.name,
            "own": self.own,
            "cliff": self.cliff,
            "variant": self.variant,
            "cliff_over_own": self.ratio,
        }


def distance(flaw: Flaw, own: float | None, curves: dict[str, Any] | None = None) -> Distance | None:
    """From the nearest cliff of that flaw; None where the device has none of it, or there is no cliff."""
    if own is None or own <= 0:
        return None
    known = shipped() if curves is None else curves
    found = [
        Distance(flaw, own, at, side, variant)
        for variant in VARIANTS
        for side, at in cliffs(flaw, variant, known).items()
    ]
    return min(found, key=lambda each: each.ratio, default=None)
