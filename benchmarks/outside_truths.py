"""Bands and deviations on SYNTHETIC devices that are not of eq. (2)'s family, or whose noise is not the model's.

python benchmarks/outside_truths.py [TRUTHS] [CYCLES ...]       # 30 truths, 1 3 5 20 cycles: 20 minutes of one core

Prints, of each kind: share of five states at which the pointwise band holds the rate, share of curves that the band of
the whole curve holds; alarms (course, correlated, by state, far ones); share of intervals of increment and read that
hold the truth, and share that is withheld.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from devicekit.core.errors import TraceError
from devicekit.device.blocks import Window
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.likelihood.misfit import misfit
from devicekit.tables import PulseTable

AT, PULSES = np.array([0.1, 0.3, 0.5, 0.7, 0.9]), 100
SD = 0.004  # of increments and reads; reads of 1 % where there are no increments
KINDS = (
    ("soft bounds", "increments"), ("soft bounds", "reads"), ("logistic", "reads"), ("logistic", "increments"),
    ("first step", "reads"), ("first step", "increments"), ("stretched", "increments"), ("soft bounds", "growing"),
    ("soft bounds", "AR(1) increments"), ("soft bounds", "AR(1) reads"), ("soft bounds", "t3 increments"),
)  # fmt: skip
Rate = Callable[[np.ndarray], np.ndarray]


def law(kind: str, rng: np.random.Generator) -> Rate:
    a = np.exp(rng.uniform(np.log(0.02), np.log(0.05)))
    if kind == "logistic":
        c = rng.uniform(0.1, 0.5)
        return lambda x: 2 * a * (c + x) * np.maximum(1 - x, 0)
    if kind == "first step":
        k, size = rng.uniform(0.7, 1.0), rng.uniform(0.11, 0.26)
        return lambda x: np.where(x < 0.6 * size, size, a * np.maximum(1 - k * x, 0) / (1 - k / 2))
    if kind == "stretched":
        b = rng.uniform(0.5, 0.8)

        def step(x: np.ndarray) -> np.ndarray:
            time = (-np.log(np.clip(1 - x, 1e-6, 1))) ** (1 / b)
            return np.maximum(1 - np.exp(-((time + 2 * a) ** b)), 0) - np.clip(x, 0, 1)

        return step
    k = rng.uniform(0.6, 1.0)
    return lambda x: a * np.maximum(1 - k * x, 0) / (1 - k / 2)


def readings(rate: Rate, noise: str, cycles: int, rng: np.random.Generator) -> np.ndarray:
    y = np.empty((cycles, PULSES + 1))
    for row in y:
        x = held = walk = 0.0
        for n in range(PULSES + 1):
            if noise == "AR(1) reads":
                held = 0.6 * held + 0.8 * 0.01 * rng.standard_normal()
                row[n] = x + held
            else:
                row[n] = x + (0.01 if noise == "reads" else SD) * rng.standard_normal()
            step = 0.0
            if noise == "growing":
                step = SD * np.exp(1.2 * (x - 0.5)) * rng.standard_normal()
            elif noise == "AR(1) increments":
                walk = 0.5 * walk + np.sqrt(0.75) * SD * rng.standard_normal()
                step = walk
            elif noise == "t3 increments":
                step = SD * rng.standard_t(3) / np.sqrt(3)
            elif noise == "increments":
                step = SD * rng.standard_normal()
            x += float(rate(np.array(x))) + step
    return y


def main() -> None:
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    window = Window(quantity="weight", low=0.0, high=1.0, scope="truth")
    for kind, noise in KINDS:
        true = {"increment": 0.0 if "reads" in noise else SD}
        true["read"] = {"reads": 0.01, "AR(1) reads": 0.0}.get(noise, SD)
        for cycles in [int(each) for each in sys.argv[2:]] or (1, 3, 5, 20):
            inside, whole, alarms, known = [], [], [], []
            for seed in range(count):
                rng = np.random.default_rng([seed, cycles, KINDS.index((kind, noise))])
                rate = law(kind, rng)
                y = readings(rate, noise, cycles, rng)
                cycle, pulse = np.repeat(np.arange(1, cycles + 1), PULSES + 1), np.tile(np.arange(PULSES + 1), cycles)
                columns = {"device_id": "d", "cycle": cycle, "direction": "ltp", "pulse_index": pulse}
                table = PulseTable(pd.DataFrame({**columns, "weight": y.ravel()}))
                try:
                    fit = fit_condition(table, FitOptions("eq2"), window)
                except TraceError:
                    continue
                branch = fit.branches["ltp"]
                seen = AT[(branch.trajectory[0] <= AT) & (branch.trajectory[-1] >= AT)]
                curve, value = branch.rate_curve(seen), rate(seen)
                low, middle, high = (np.array(each) for each in (curve.lower, curve.rate, curve.upper))
                inside += ((low <= value) & (value <= high)).tolist()
                wider = curve.factor_of_all or 1.0
                all_low, all_high = middle - wider * (middle - low), middle + wider * (high - middle)
                whole.append(bool(((all_low <= value) & (value <= all_high)).all()))
                left = misfit(fit.likelihood["ltp"], [y])
                alarms.append((left.shape, left.correlations_p < 5e-4, abs(left.state_z) > 3.5, left.tails_z > 6))
                found = fit.variation.branches["ltp"].intervals
                known.append([found[k][0] <= v <= found[k][1] if k in found else np.nan for k, v in true.items()])
            print(
                f"{kind:12} {noise:17} K {cycles:2d}  band {np.mean(inside):.3f}  whole {np.mean(whole):.2f}  alarms "
                f"{np.mean(alarms, axis=0).round(2)}  increment, read {np.nanmean(known, axis=0).round(2)}  withheld "
                f"{np.isnan(known).mean(axis=0).round(2)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
