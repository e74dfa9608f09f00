"""Does `devicekit next` foretell right? The standard deviation it predicts against the error after the measurement.

python benchmarks/advice_check.py [TRUTHS] [REPEATS]     # 10 truths, 20 repeats each: some minutes

Each truth is measured once (two trains of 50 pulses), advice is taken, each candidate is simulated too, all is fitted
again; the error is that of the rate over r = 0.05 to 0.95, relative to its mean, as the advice has it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

LENGTH, CYCLES = 50, 2
INCREMENT, READ, RATE_SD, OFFSET = 0.004, 0.004, 0.05, 0.008


def truth(rng: np.random.Generator) -> tuple[float, float]:
    """Step at half the window and kappa of soft bounds; 50 pulses cover 60 to 110 % of the window."""
    while True:
        step, kappa = np.exp(rng.uniform(-4.6, -3.2)), rng.uniform(0.3, 1.05)
        x = 0.0
        for _ in range(LENGTH):
            x += step * max(1 - kappa * x, 0.0) / (1 - kappa / 2)
        if 0.6 <= x <= 1.1:
            return step, kappa


def trains(step: float, kappa: float, rng: np.random.Generator, count: int, pulses: int) -> np.ndarray:
    faster, shift = np.exp(RATE_SD * rng.standard_normal(count)), OFFSET * rng.standard_normal(count)
    x, y = np.zeros(count), np.empty((count, pulses + 1))
    for n in range(pulses + 1):
        y[:, n] = x + shift + READ * rng.standard_normal(count)
        x = x + step * faster * np.maximum(1 - kappa * x, 0) / (1 - kappa / 2) + INCREMENT * rng.standard_normal(count)
    return y


def padded(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    width = max(first.shape[1], second.shape[1])
    return np.vstack([np.pad(y, ((0, 0), (0, width - y.shape[1])), constant_values=np.nan) for y in (first, second)])


def main() -> None:
    from devicekit.fitting.likelihood.fit import fit_trains
    from devicekit.fitting.uncertainty.advice import STATES, _Branch, _Plan
    from devicekit.models import kernel
    from devicekit.models.registry import get_law

    truths, repeats = (int(sys.argv[k]) if len(sys.argv) > k else n for k, n in ((1, 10), (2, 20)))
    law = get_law("softbounds")
    plans = [
        _Plan("the same again", 2, LENGTH),
        _Plan("half the length", 4, LENGTH // 2),
        _Plan("one long train", 1, 2 * LENGTH),
        _Plan("short trains", 10, LENGTH // 5),
    ]
    ratios: dict[str, list[float]] = {plan.name: [] for plan in plans}
    for number in range(truths):
        rng = np.random.default_rng(number)
        step, kappa = truth(rng)
        true = np.array([step * max(1 - kappa * x, 0) / (1 - kappa / 2) for x in STATES])
        start = np.array([np.log(step), kappa, 0.0])
        foretold: dict[str, list[float]] = {plan.name: [] for plan in plans}
        errors: dict[str, list[float]] = {plan.name: [] for plan in plans}
        for _ in range(repeats):
            y = trains(step, kappa, rng, CYCLES, LENGTH)
            branch = _Branch(fit_trains(law, [y], [start], READ), y, 0.1)
            for plan in plans:
                foretold[plan.name].append(np.sqrt(branch.variance(branch.have + branch.added(plan), "rate")))
                more = padded(y, trains(step, kappa, rng, plan.trains, plan.pulses))
                theta = fit_trains(law, [more], [start], READ).parameters[0][:-1]
                rates = kernel.rates(law.id, theta, STATES)
                errors[plan.name].append(float(np.mean((rates - true) ** 2) / true.mean() ** 2))
        for plan in plans:
            ratios[plan.name].append(float(np.median(foretold[plan.name]) / np.sqrt(np.mean(errors[plan.name]))))
    for name, found in ratios.items():
        within = np.mean([abs(each - 1) <= 0.25 for each in found])
        print(
            f"{name:16} predicted / actual sd: median {np.median(found):.2f}, {min(found):.2f} to {max(found):.2f}; "
            f"within 25 % on {within:.0%} of {truths} truths"
        )


if __name__ == "__main__":
    main()
