"""Benchmark of a card: trainings on the few-shot task, compared with those of the ideal device."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.allowed import FEWEST_RESAMPLED, resampled_devices
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step
from devicekit.system.kept import Kept
from snn import drift
from snn.benchmark.attribution import Loss, shares
from snn.benchmark.flaws import SEVERITIES, Case, find_flaws, find_unknown, own_severity, remove_flaws
from snn.benchmark.losses import CARD_SEEDS, VariantResult
from snn.benchmark.result import Benchmark
from snn.benchmark.severity import scatter_over_step
from snn.benchmark.task import NULL_SD, VARIANTS, Variant, accuracy, setting, showings
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.forgetting import check, words
from snn.recipe import reason_for_policy, with_card
from snn.wiring import wiring

FEWEST_OWN = 8  # trainings from which their own scatter may replace a larger null

Progress = Callable[[int, int], None]
Work = tuple[DeviceCard, TrainingConfig]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Extent of a benchmark: trainings, and what is measured besides the loss.

    Parameters
    ----------
    seeds : int
        Trainings of the device in each variant, at least 1.
    first_seed : int
        Seed of the first training; the others follow.
    attribution : bool
        Attribute a loss to the flaws of the device.
    wide : bool
        Also train 1000 hidden neurons on the same images.
    other_policy : bool
        Also train with the pulse policy that "auto" chooses for the card, to separate effects of the learning rule from
        those of the device; ignored if a policy is among the changes.
    resampled : int
        Cards of resampled devices, or of other fits within the bands of the card, that are trained as well: the error
        of a loss for devices of this kind; 0 for none.

    Raises
    ------
    UsageError
        If `seeds` is below 1.
    """

    seeds: int = 30
    first_seed: int = 0
    attribution: bool = True
    wide: bool = True
    other_policy: bool = True
    resampled: int = 40

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UsageError(f"seeds must be at least 1, not {self.seeds}.")

    @property
    def ideal(self) -> int:
        """Trainings of the ideal device, which scatters less: a quarter, but not fewer than 8 where there are so many.

        Causes are attributed with as many.
        """
        return min(self.seeds, max(FEWEST_OWN, math.ceil(self.seeds / 4)))


@dataclass(frozen=True)
class _Trainings:
    """Trainings on one data set, by several processes, those in a store not repeated."""

    data: Dataset
    jobs: int
    report_progress: Progress
    kept: Kept

    def reach(self, work: Sequence[Work]) -> list[float]:
        """Return the accuracies [1] of these trainings in order, from the store or by training."""
        kept, report_progress = self.kept, self.report_progress
        shown = showings(self.data)
        keys = [kept.key("accuracy", shown, card.to_json(), asdict(config), self.data.sha256) for card, config in work]
        known = kept.known(keys, "training")
        waiting = [(key, pair) for key, pair in zip(keys, work, strict=True) if key not in known]
        found: dict[str, float] = {}
        if len(waiting) < len(work):
            report_progress(len(work) - len(waiting), len(work))
        for (key, _), reached in zip(waiting, self._train([pair for _, pair in waiting]), strict=True):
            found[key] = reached
            kept.put(key, reached)
            report_progress(len(work) - len(waiting) + len(found), len(work))
        return [known[key] if key in known else found[key] for key in keys]

    def _train(self, work: Sequence[Work]) -> Iterator[float]:
        """Yield the accuracies [1] of these trainings in order, each as soon as it is available."""
        if self.jobs == 1 or len(work) < 2:
            for card, config in work:
                yield accuracy(card, config, self.data)
            return
        import joblib

        from devicekit.system.workers import ignore_interrupts

        with ignore_interrupts():
            pool = joblib.Parallel(n_jobs=self.jobs, return_as="generator")
            made = pool(joblib.delayed(accuracy)(card, config, self.data) for card, config in work)
        yield from made


def benchmark(
    card: DeviceCard,
    data: Dataset,
    plan: Plan | None = None,
    *,
    allowed: Sequence[DeviceCard] = (),
    jobs: int = 1,
    progress: Progress | None = None,
    kept: Kept | None = None,
    **changes: Any,
) -> Benchmark:
    """Train a device and its ideal device on the few-shot task, over seeds.

    Parameters
    ----------
    card : DeviceCard
        The fitted device.
    data : Dataset
        From `snn.benchmark.task.few_shot` or `whole`.
    plan : Plan, optional
        Number of trainings, and what is measured besides the loss.
    allowed : sequence of DeviceCard
        Other devices that the measured data allow, from `devicekit.fitting.resampling.resampled_cards` or a posterior:
        the spread of their losses is the error for devices of this kind. Without any, as many as the plan says.
    jobs : int
        Number of worker processes; the result does not depend on it.
    progress : callable, optional
        Called with (trainings done, planned) for each part.
    kept : Kept, optional
        Store of trainings (`devicekit.system.kept.kept_beside`); those in it are not repeated.
    **changes
        Settings that describe the device (`TrainingConfig.names("benchmark")`), such as stuck=0.2, stuck_at="ends",
        device_levels=16.

    Returns
    -------
    Benchmark

    Raises
    ------
    UsageError
        If a setting does not exist, or the card cannot be trained in situ.
    """
    plan = plan or Plan()
    source = data.name.partition(", ")[0]
    if plan.seeds < 2 and source not in ("digits", "optdigits"):
        raise UsageError(
            f"The scatter of a training is unknown for {source}. Use at least two, not seeds={plan.seeds}."
        )
    trainings = _Trainings(data, jobs, progress or (lambda done, planned: None), kept or Kept(None))
    base = setting("plain", 0, **changes)
    if base.policy == "auto":  # the ideal device uses the policy of the device
        changes = {**changes, "policy": reason_for_policy(base, card)[0]}
        base = setting("plain", 0, **changes)
    base = with_card(base, card)
    # fixed, as the ideal device has no card values
    changes |= {name: getattr(base, name) for name in TrainingConfig.names("card")}
    check(card, base)
    drift.check(card, base)
    wiring(card, base)  # refuse a card without conductances before the first training
    flaws = find_flaws(card, base)
    twin = remove_flaws(card, base, flaws)
    other_policy = plan.other_policy and "policy" not in changes
    policy, reason = reason_for_policy(base, card) if other_policy else ("", "")
    if other_policy:
        check(card, replace(base, policy=policy))
    others: dict[Variant, bool] = {"wide": plan.wide, "policy": other_policy}
    variants: tuple[Variant, ...] = (*VARIANTS, *(variant for variant, wanted in others.items() if wanted))

    def runs(case: Case, variant: Variant, seeds: int) -> list[Work]:
        named = {"policy": policy} if variant == "policy" else {}
        config = replace(setting(variant, 0, **changes, **named), **case.changes)
        return [(case.card, replace(config, seed=plan.first_seed + k)) for k in range(seeds)]

    def few(variant: Variant) -> int:
        return plan.ideal if variant == "wide" else plan.seeds  # the wide network does not decide

    work = [one for each in variants for one in (*runs(Case(card, {}), each, few(each)), *runs(twin, each, plan.ideal))]
    found = iter(trainings.reach(work))
    results = {
        each: VariantResult(
            variant=each,
            device=tuple(islice(found, few(each))),
            twin=tuple(islice(found, plan.ideal)),
            null_sd=NULL_SD[each] if plan.seeds < FEWEST_OWN else 1.0 / len(data.y_test),
            policy=policy if each == "policy" else "",
        )
        for each in variants
    }
    inputs = data.x_train.shape[1]
    severities = {flaw.name: own_severity(flaw.name, card, base, inputs) for flaw in SEVERITIES if flaw.name in flaws}
    result = Benchmark(
        name=card.name,
        split=data.split,
        seeds=plan.seeds,
        variants=tuple(results[each] for each in VARIANTS),
        flaws=flaws,
        scatter_over_step=scatter_over_step(card, base),
        steps=1.0 / mean_step(card),
        severities={name: own for name, own in severities.items() if own is not None},
        wide=results.get("wide"),
        policy=results.get("policy"),
        reason=reason,
        forgetting=words(card, base),
        marks=card.provenance.marks,
        unknown=find_unknown(card, base),
        first_seed=plan.first_seed,
        devices=max(len(card.devices), 1),
    )
    others_allowed = list(allowed) or resampled_devices(card, plan.resampled * (plan.seeds > 1), plan.first_seed)
    if others_allowed:
        seeds = min(CARD_SEEDS, plan.seeds)
        work = [run for each in others_allowed for run in runs(Case(each, {}), result.worst.variant, seeds)]
        reached = np.array(trainings.reach(work)).reshape(len(others_allowed), seeds)
        by_bands = not allowed and len(card.devices) < FEWEST_RESAMPLED
        result = _with_fit_error(replace(result, by_bands=by_bands), reached)
    worst = result.worst
    if not plan.attribution or not worst.found or not flaws:
        return result
    config = setting(worst.variant, 0, **changes)

    def losses(wanted: Sequence[tuple[tuple[str, ...], int]]) -> list[float]:
        """Return the losses of the device with only these flaws, at these seeds."""
        work = []
        for alone, seed in wanted:
            case = remove_flaws(card, config, [flaw for flaw in flaws if flaw not in alone])
            work.append((case.card, replace(config, seed=plan.first_seed + seed, **case.changes)))
        return [worst.mean_of_twin - own for own in trainings.reach(work)]

    # the first trainings of the device stand for all of them, so that shares add up to the loss
    first = np.array(worst.device[: plan.ideal])
    known = {(flaws, k): worst.loss + each for k, each in enumerate((first.mean() - first).tolist())}
    known |= {((), k): 0.0 for k in range(plan.ideal)}
    found_shares = shares(Loss(losses, known), flaws, plan.ideal, worst.seed_error)
    return replace(result, shares={worst.variant: found_shares})


def _with_fit_error(result: Benchmark, reached: np.ndarray) -> Benchmark:
    """Add the accuracies [1] of resampled devices or fits, (devices, seeds), and the error by their spread."""
    worst = result.worst
    result = replace(result, allowed=tuple(map(tuple, (worst.mean_of_twin - reached).tolist())))
    error = float(np.nan_to_num(result.left_open_error))
    share = error / abs(worst.loss) if worst.loss else 0.0  # relative error, applied to both variants
    variants = tuple(
        replace(each, open_sd=error if each.variant == worst.variant else share * abs(each.loss))
        for each in result.variants
    )
    return replace(result, variants=variants)
