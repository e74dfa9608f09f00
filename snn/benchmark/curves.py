"""Accuracy of a generic device against how bad one flaw is: what a user's device is marked in, and where the cliff is.

`python -m snn.benchmark.curves` measures the shipped curves again (about two minutes of one core).
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

from devicekit import files
from devicekit.device.array import read_sigma
from devicekit.device.card import BranchVariation, DeviceCard, Sigma
from devicekit.device.idealise import mean_step
from snn.benchmark.flaws import scatter_over_step
from snn.benchmark.measure import STEPS, generic
from snn.benchmark.run import accuracy
from snn.benchmark.task import VARIANTS, few_shot, setting
from snn.config import TrainingConfig
from snn.digits import Digits

SHIPPED = Path(__file__).with_name("curves.json")
SEEDS = 3
CLIFF = 0.02  # of accuracy below the base, which is where the cliff begins


@dataclass(frozen=True)
class Flaw:
    """One flaw of the generic device: what it is called, how severities are called, and those that are measured."""

    name: str
    axis: str
    severities: tuple[float, ...]
    log: bool = False
    rising: bool = True  # whether larger numbers are worse


SEVERITIES = (
    Flaw("scatter of updates", "sd of one update over the mean step", (0.5, 1, 2, 3, 5, 10), log=True),
    Flaw("states", "stable states of a device", (64, 32, 16, 8, 4), log=True, rising=False),
    Flaw("step size", "steps a window", (4, 8, 16, 32, 100, 300, 1000), log=True),
    Flaw("stuck devices", "share of devices stuck at either end", (0.05, 0.1, 0.2, 0.3)),
    Flaw("asymmetry", "LTD step over LTP step", (1, 2, 3, 5, 10), log=True),
    Flaw("device-to-device variation", "sd of ln rate over devices", (0.25, 0.5, 1, 1.5)),
    Flaw("read noise", "sd of one reading, of the window", (0.01, 0.03, 0.05, 0.1)),
    Flaw("nonlinearity", "NL: ln of first over last step", (0.5, 2, 4, 6)),
)


def device(flaw: str, severity: float) -> tuple[DeviceCard, dict[str, Any]]:
    """A SYNTHETIC device with one flaw of that size (NL 1, 100 steps, 1 % scatter otherwise), and its settings."""
    if flaw == "scatter of updates":
        return generic(scatter=severity / STEPS), {}
    if flaw == "states":
        return generic(), {"device_levels": int(severity)}
    if flaw == "step size":
        return generic(steps=severity, scatter=1.0 / severity), {}
    if flaw == "stuck devices":
        return generic(), {"stuck": severity, "stuck_at": "ends"}
    if flaw == "asymmetry":
        return generic(ltd=severity), {}
    if flaw == "device-to-device variation":
        covariance = ((severity**2, 0.0), (0.0, severity**2))
        card = generic()
        variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
        return card.model_copy(update={"variation": variation}), {"d2d": "shared"}
    if flaw == "read noise":
        card = generic()

        def noisy(branch: BranchVariation) -> BranchVariation:
            read = Sigma(kind="read", value=severity, estimator="truth")
            return branch.model_copy(update={"c2c": {**branch.c2c, "read": read}})

        ltp, ltd = noisy(card.variation.ltp), noisy(card.variation.ltd)
        return card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": ltp, "ltd": ltd})}), {}
    return generic(nl=severity), {}


def measure(data: Digits, seeds: int = SEEDS, flaws: Sequence[Flaw] = SEVERITIES) -> dict[str, Any]:
    """Mean accuracies and standard errors [1] of each flaw and severity, by variant; and of the base without one."""

    def score(card: DeviceCard, changes: dict[str, Any], variant: str) -> dict[str, float]:
        configs = [setting(variant, seed, **changes) for seed in range(seeds)]  # type: ignore[arg-type]
        values = np.array([accuracy(card, config, data) for config in configs])
        return {"mean": round(float(values.mean()), 5), "se": round(float(values.std(ddof=1) / seeds**0.5), 5)}

    found: dict[str, Any] = {"split": data.split, "seeds": seeds, "base": {}, "flaws": {}}
    for variant in VARIANTS:
        found["base"][variant] = score(generic(), {}, variant)
        for flaw in flaws:
            rows = [{"severity": s, **score(*device(flaw.name, s), variant)} for s in flaw.severities]
            found["flaws"].setdefault(flaw.name, {})[variant] = rows
    return found


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """The measured curves that come with this package."""
    loaded: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return loaded


def cliff(flaw: Flaw, variant: str, curves: dict[str, Any]) -> float | None:
    """The severity at which the accuracy is 2 points below the base, between the measured ones; None if none is.

    Of the step size it is the one towards fine steps.
    """
    rows = sorted(curves["flaws"][flaw.name][variant], key=lambda row: row["severity"], reverse=not flaw.rising)
    if flaw.name == "step size":
        rows = [row for row in rows if row["severity"] >= STEPS / 3]
    floor = curves["base"][variant]["mean"] - CLIFF
    for before, after in itertools.pairwise(rows):
        if before["mean"] >= floor > after["mean"]:
            share = (before["mean"] - floor) / (before["mean"] - after["mean"])
            ends = (before["severity"], after["severity"])
            if flaw.log:
                return float(math.exp(math.log(ends[0]) + share * math.log(ends[1] / ends[0])))
            return float(ends[0] + share * (ends[1] - ends[0]))
    return None


def own_severity(flaw: str, card: DeviceCard, config: TrainingConfig) -> float | None:
    """How bad that flaw of a device is, in the curve's terms; None where it is not known, or there is none."""
    grid = np.linspace(0.02, 0.98, 49)
    up, down = np.abs(card.rate("ltp", grid)), np.abs(card.rate("ltd", grid))
    covariance = card.variation.d2d_ln_rate_covariance
    values: dict[str, float | None] = {
        "scatter of updates": scatter_over_step(card),
        "states": config.device_levels or None,
        "step size": 1.0 / mean_step(card),
        "stuck devices": config.stuck or None,
        "asymmetry": float(max(up.mean() / down.mean(), down.mean() / up.mean())),
        "device-to-device variation": None if covariance is None else float(np.sqrt(np.mean(np.diag(covariance)))),
        "read noise": read_sigma(card) or None,
        "nonlinearity": float(max(abs(np.log(up[0] / up[-1])), abs(np.log(down[0] / down[-1])))),
    }
    return values[flaw]


if __name__ == "__main__":
    files.write_text(SHIPPED, json.dumps(measure(few_shot()), indent=1) + "\n", replace=True)
