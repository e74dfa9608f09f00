"""Benchmark a card: paired trainings on the few-shot task, and exact Shapley values of what costs something."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step
from devicekit.errors import UsageError
from snn.benchmark.flaws import Case, present, scatter_over_step, without
from snn.benchmark.result import Benchmark, Share, VariantResult
from snn.benchmark.task import NULL_SD, VARIANTS, setting
from snn.config import TrainingConfig
from snn.digits import Digits
from snn.training import train

MOST_FLAWS = 5  # of which every subset is trained
ENTERS = 2.0  # null standard errors of a flaw's effect, alone or by its removal, from which on it is looked at

Progress = Callable[[int, int], None]


def accuracy(card: DeviceCard, config: TrainingConfig, data: Digits) -> float:
    """Of one training [1]."""
    return train(card, config, data).accuracy_mean_last


def _map(work: Sequence[tuple[DeviceCard, TrainingConfig]], data: Digits, jobs: int, told: Progress) -> list[float]:
    if jobs == 1:
        found = []
        for card, config in work:
            found.append(accuracy(card, config, data))
            told(len(found), len(work))
        return found
    import joblib

    from devicekit.workers import deaf

    with deaf():
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
        made = pool(joblib.delayed(accuracy)(card, config, data) for card, config in work)
    results = []
    for each in made:
        results.append(each)
        told(len(results), len(work))
    return results


def benchmark(
    card: DeviceCard,
    data: Digits,
    *,
    seeds: int = 6,
    attribution: bool = True,
    jobs: int = 1,
    progress: Progress | None = None,
    **changes: Any,
) -> Benchmark:
    """Train a device and its ideal twin on the few-shot task, seed by seed.

    Parameters
    ----------
    card : DeviceCard
        The fitted device.
    data : Digits
        Of `snn.benchmark.task.few_shot`.
    seeds : int
        Pairs of trainings of each variant, at least 1.
    attribution : bool
        Whether to say what a loss comes from.
    jobs : int
        Worker processes; the result does not depend on them.
    progress : callable, optional
        Called with (trainings done, planned), of each part.
    **changes
        Fields of `TrainingConfig` that make the device, such as stuck=0.2, stuck_at="ends", device_levels=16.

    Returns
    -------
    Benchmark

    Raises
    ------
    UsageError
        If `seeds` is below 1, or a setting does not exist.
    """
    if seeds < 1:
        raise UsageError(f"seeds= is at least 1, not {seeds}")
    told = progress or (lambda done, planned: None)
    base = setting("plain", 0, **changes)
    flaws = present(card, base)
    device, twin = Case(card, {}), without(card, base, flaws)
    work = [
        (case.card, replace(base, seed=seed, rates=variant, **case.changes))
        for variant in VARIANTS
        for case in (device, twin)
        for seed in range(seeds)
    ]
    found = np.array(_map(work, data, jobs, told)).reshape(len(VARIANTS), 2, seeds)
    null = NULL_SD[data.name.partition(",")[0]]
    variants = tuple(
        VariantResult(variant, tuple(pair[0].tolist()), tuple(pair[1].tolist()), null[variant])
        for variant, pair in zip(VARIANTS, found, strict=True)
    )
    result = Benchmark(
        card.name, data.split, seeds, variants, flaws, {}, scatter_over_step(card), 1.0 / mean_step(card)
    )
    if not attribution or not result.worst.found or not flaws:
        return result
    worst = result.worst
    shares = _shares(card, replace(base, rates=worst.variant), flaws, worst, data, jobs, told)  # type: ignore[arg-type]
    return replace(result, shares={worst.variant: shares})


def _shares(
    card: DeviceCard,
    config: TrainingConfig,
    flaws: tuple[str, ...],
    worst: VariantResult,
    data: Digits,
    jobs: int,
    told: Progress,
) -> tuple[Share, ...]:
    """Exact Shapley values of the flaws that do something, alone or by their removal; the rest is left out."""
    seeds = len(worst.device)

    def losses(kept: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], np.ndarray]:
        """Of devices with these flaws alone, by seed."""
        work = []
        for some in kept:
            case = without(card, config, [flaw for flaw in flaws if flaw not in some])
            work += [(case.card, replace(config, seed=seed, **case.changes)) for seed in range(seeds)]
        values = np.array(_map(work, data, jobs, told)).reshape(len(kept), seeds)
        return {some: np.array(worst.twin) - own for some, own in zip(kept, values, strict=True)}

    known = {(): np.zeros(seeds), flaws: worst.losses}
    singles = [(flaw,) for flaw in flaws if (flaw,) not in known]
    removed = [tuple(each for each in flaws if each != flaw) for flaw in flaws]
    known |= losses([each for each in dict.fromkeys([*singles, *removed]) if each not in known])
    effect = {
        flaw: max(known[flaw,].mean(), (known[flaws] - known[rest]).mean())
        for flaw, rest in zip(flaws, removed, strict=True)
    }
    enter = [flaw for flaw in flaws if effect[flaw] > ENTERS * worst.null_error]
    enter = sorted(enter, key=lambda flaw: -effect[flaw])[:MOST_FLAWS] or [max(flaws, key=lambda flaw: effect[flaw])]
    players = tuple(flaw for flaw in flaws if flaw in enter)
    subsets = [some for size in range(len(players) + 1) for some in itertools.combinations(players, size)]
    known |= losses([some for some in subsets if some not in known])
    shares = []
    for flaw in players:
        value = np.zeros(seeds)
        others = [each for each in players if each != flaw]
        for size in range(len(others) + 1):
            weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(players))
            for some in itertools.combinations(others, size):
                with_it = tuple(each for each in players if each in (*some, flaw))
                value += weight * (known[with_it] - known[some])
        shares.append(Share(flaw, tuple(value.tolist()), tuple(known[flaw,].tolist())))
    return tuple(sorted(shares, key=lambda each: -each.value))
