"""Accuracy of a generic device against the severity of one flaw, and the critical severity of each flaw.

`python -m snn.benchmark` measures the shipped curves again.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from devicekit.core.records import Record, column, derived, internal, part
from snn.benchmark.flaws import SEVERITIES, Flaw, device, own_severity
from snn.benchmark.measure import generic
from snn.benchmark.task import NETWORKS, VARIANTS, Variant, accuracy, setting
from snn.data.dataset import Dataset

SHIPPED = Path(__file__).with_name("curves.json")
SEEDS: dict[Variant, int] = {"plain": 6, "scaled": 6, "wide": 3, "policy": 6}
CRITICAL_LOSS = 0.02  # of accuracy: a flaw that costs a good device this much has its critical severity


class CurvePoint(TypedDict):
    """Accuracy at one severity: its mean [1] and standard error over seeds [1]."""

    severity: float
    mean: float
    se: float


class Curves(TypedDict):
    """Measured curves, those of a flaw in rising severity; `base` is the device without flaws."""

    split: str
    seeds: dict[Variant, int]
    base: dict[Variant, CurvePoint]
    flaws: dict[str, dict[Variant, list[CurvePoint]]]


def measure(
    data: Dataset,
    flaws: Sequence[Flaw] = SEVERITIES,
    seeds: dict[Variant, int] | None = None,
    jobs: int = 1,
) -> Curves:
    """Measure the accuracy at each severity of each flaw, by variant, and of the base without flaws."""
    import joblib

    seeds, policy = seeds or SEEDS, {"policy": {"policy": "auto"}}
    cases = [("base", 0.0, generic(), dict[str, Any]())]
    for flaw in flaws:
        for size in flaw.sizes:
            card, changes = device(flaw.name, size)
            severity = own_severity(flaw.name, card, setting("plain", 0, **changes))
            assert severity is not None
            cases.append((flaw.name, float(f"{severity:.4g}"), card, changes))
    jobs_done = iter(
        joblib.Parallel(n_jobs=jobs, return_as="generator")(
            joblib.delayed(accuracy)(card, setting(variant, seed, **changes, **policy.get(variant, {})), data)
            for variant, count in seeds.items()
            for _, _, card, changes in cases
            for seed in range(count)
        )
    )
    found: Curves = {"split": data.split, "seeds": dict(seeds), "base": {}, "flaws": {}}
    for variant, count in seeds.items():
        for name, severity, *_ in cases:
            values = np.array(list(itertools.islice(jobs_done, count)))
            error = float(values.std(ddof=1) / count**0.5)
            point: CurvePoint = {"severity": severity, "mean": round(float(values.mean()), 5), "se": round(error, 5)}
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
def shipped() -> Curves:
    """Return the measured curves that come with this package."""
    loaded: Curves = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return loaded


def critical_severities(flaw: Flaw, variant: Variant, curves: Curves) -> dict[str, float]:
    """Interpolate the severities at which the accuracy is 2 percentage points below the base.

    Returns
    -------
    dict
        Severity by the direction in which accuracy falls ("more", "less"); empty if it does not fall that far.
    """
    points = sorted(curves["flaws"][flaw.name][variant], key=lambda point: point["severity"])
    floor = curves["base"][variant]["mean"] - CRITICAL_LOSS
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
class Distance(Record):
    """Distance of a device from the critical severity of one flaw."""

    flaw: Flaw = internal("the flaw")
    own: float = column(doc="severity of the device")
    critical: float = column(
        name="cliff", doc="severity at which an otherwise good device loses 2 percentage points of accuracy"
    )
    side: str = internal("direction in which accuracy falls, more or less")
    variant: Variant = column(doc="variant of the task with the nearer critical severity")

    flaw_name = part("flaw.name", name="flaw", doc="name of the flaw")

    @derived(name="cliff_over_own")
    def ratio(self) -> float:
        """Critical severity over that of the device, or the inverse where less is worse; below 1 beyond it."""
        return self.critical / self.own if self.side == "more" else self.own / self.critical

    @property
    def words(self) -> str:
        """Severity and critical severity, for a caption."""
        now, then = self.flaw.amount(self.own), self.flaw.amount(self.critical)
        return f"{now}; 2 points lost at {then} ({NETWORKS[self.variant]})"

    @property
    def margin(self) -> str:
        """The ratio of both, for a table."""
        return f"{self.ratio:.2g} times" if self.ratio >= 1 else f"exceeded {1 / self.ratio:.2g} times"

    @property
    def risk(self) -> str:
        """The flaw as the main risk of a device, in two sentences."""
        now, then = self.flaw.amount(self.own), self.flaw.amount(self.critical)
        loses = "loses" if self.ratio >= 1 else "already loses"
        return (
            f"Main risk: {self.flaw.name}. {self.flaw.sentence.format(now)}; at {then} an otherwise good device "
            f"{loses} 2 points."
        )


def distance(flaw: Flaw, own: float | None, curves: Curves | None = None) -> Distance | None:
    """Return the distance from the nearest critical severity of a flaw; None without the flaw or such a severity."""
    if own is None or own <= 0:
        return None
    known = shipped() if curves is None else curves
    return min(_distances(flaw, own, known), key=lambda each: each.ratio, default=None)


def least_critical(flaw: Flaw) -> float | None:
    """Return the severity from which on a flaw costs 2 percentage points in one of the variants; None without one."""
    found = _distances(flaw, 1.0, shipped())
    return min(found, key=lambda each: each.ratio).critical if found else None


def _distances(flaw: Flaw, own: float, curves: Curves) -> list[Distance]:
    return [
        Distance(flaw, own, at, side, variant)
        for variant in VARIANTS
        for side, at in critical_severities(flaw, variant, curves).items()
    ]
