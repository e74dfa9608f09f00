"""Benchmark of a card: trainings on the few-shot task, paired by seed with those of the ideal device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.statistics import chi2_quantile
from devicekit.device.allowed import within_bands
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import mean_step
from devicekit.system.kept import Kept
from snn import drift
from snn.benchmark.attribution import Loss, shares
from snn.benchmark.flaws import ARRAY, SEVERITIES, Case, find_flaws, find_unknown, own_severity, remove_flaws
from snn.benchmark.pairs import ONE_SIDED, VariantResult, quantile
from snn.benchmark.result import Benchmark
from snn.benchmark.severity import scatter_over_step
from snn.benchmark.task import NULL_SD, SHOWN, VARIANTS, Variant, accuracy, setting
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.forgetting import check, words
from snn.recipe import reason_for_policy, with_card
from snn.wiring import wiring

WITHIN_BANDS = 8  # devices within the bands of the card, for the error of a loss
FEWEST_OWN = 8  # pairs from which their own scatter may replace a larger null

Progress = Callable[[int, int], None]
Work = tuple[DeviceCard, TrainingConfig]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Extent of a benchmark: pairs of trainings, and what is measured besides the loss.

    Parameters
    ----------
    seeds : int
        Pairs of trainings of each variant, at least 1.
    first_seed : int
        Seed of the first pair; the others follow.
    attribution : bool
        Attribute a loss to the flaws of the device.
    wide : bool
        Also train 1000 hidden neurons on the same images.
    other_policy : bool
        Also train with the pulse policy that "auto" chooses for the card, to separate effects of the learning rule from
        those of the device; ignored if a policy is among the changes.
    fit_error : bool
        Include the uncertainty of the fit in the error of a loss, besides the seeds.

    Raises
    ------
    UsageError
        If `seeds` is below 1.
    """

    seeds: int = 10
    first_seed: int = 0
    attribution: bool = True
    wide: bool = True
    other_policy: bool = True
    fit_error: bool = True

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise UsageError(f"seeds must be at least 1, not {self.seeds}.")


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
        keys = [kept.key("accuracy", SHOWN, card.to_json(), asdict(config), self.data.sha256) for card, config in work]
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
    """Train a device and its ideal device on the few-shot task, seed by seed.

    Parameters
    ----------
    card : DeviceCard
        The fitted device.
    data : Dataset
        From `snn.benchmark.task.few_shot` or `whole`.
    plan : Plan, optional
        Number of pairs, and what is measured besides the loss.
    allowed : sequence of DeviceCard
        Other devices that the measured data allow, from `devicekit.fitting.resampling.resampled_cards` or a posterior:
        the spread of their losses is the uncertainty of the fit. Without any, devices within the bands of the card.
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
    if source not in NULL_SD and plan.seeds < 2:
        raise UsageError(
            f"The null is unknown for {source}. Use at least two pairs of trainings, not seeds={plan.seeds}."
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
    numbers = range(plan.first_seed, plan.first_seed + plan.seeds)
    others: dict[Variant, bool] = {"wide": plan.wide, "policy": other_policy}
    variants: tuple[Variant, ...] = (*VARIANTS, *(variant for variant, wanted in others.items() if wanted))

    def runs(case: Case, variant: Variant) -> list[Work]:
        named = {"policy": policy} if variant == "policy" else {}
        config = replace(setting(variant, 0, **changes, **named), **case.changes)
        return [(case.card, replace(config, seed=seed)) for seed in numbers]

    work = [run for variant in variants for case in (Case(card, {}), twin) for run in runs(case, variant)]
    found = np.array(trainings.reach(work)).reshape(len(variants), 2, plan.seeds)
    is_measured = _is_null_measured(data, flaws, changes)
    results = {
        variant: VariantResult(
            variant=variant,
            device=tuple(own.tolist()),
            twin=tuple(its.tolist()),
            null_sd=_null_sd(source, variant, its - own, is_measured),
            policy=policy if variant == "policy" else "",
        )
        for variant, (own, its) in zip(variants, found, strict=True)
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
    )
    bands = plan.fit_error and plan.seeds > 1
    others_allowed = list(allowed) or (within_bands(card, WITHIN_BANDS, plan.first_seed) if bands else [])
    if others_allowed:
        work = [run for each in others_allowed for run in runs(Case(each, {}), result.worst.variant)]
        reached = np.array(trainings.reach(work)).reshape(len(others_allowed), plan.seeds)
        result = _with_fit_error(replace(result, by_bands=not allowed), reached)
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
        return [worst.twin[seed] - own for (_, seed), own in zip(wanted, trainings.reach(work), strict=True)]

    none = {((), k): 0.0 for k in range(plan.seeds)}
    loss = Loss(losses, none | {(flaws, k): worst.losses[k] for k in range(plan.seeds)})
    # a null widened by the loss itself would exclude its causes from the attribution
    enters = (_known_null(source)[worst.variant] if ARRAY & set(flaws) else worst.null_sd) / plan.seeds**0.5
    return replace(result, shares={worst.variant: shares(loss, flaws, plan.seeds, enters)})


def _known_null(source: str) -> dict[Variant, float]:
    return NULL_SD.get(source, NULL_SD["digits"])


def _is_null_measured(data: Dataset, flaws: Sequence[str], changes: Mapping[str, Any]) -> bool:
    """Return whether the null is known: for the paper's policy, on these data, without wires, converters and drift."""
    source, _, task = data.name.partition(", ")
    others = {"gradient", "policy", "max_pulses", "decay_by"} & set(changes)
    return source in NULL_SD and task == "few-shot" and not others and not ARRAY & set(flaws)


def _null_sd(source: str, variant: Variant, losses: np.ndarray, is_measured: bool) -> float:
    """Return the standard deviation of the difference between equal devices [1], known or from these pairs."""
    sd, seeds = _known_null(source)[variant], losses.size
    if seeds == 1:
        return sd
    by_pairs = float(losses.std(ddof=1))
    # the null is that of a generic device: pairs that scatter significantly less replace it
    least = sd * float(chi2_quantile(np.array(0.05), seeds - 1) / (seeds - 1)) ** 0.5
    quieter = seeds >= FEWEST_OWN and by_pairs < least
    if is_measured and not quieter:
        return sd
    pairs = by_pairs * quantile(seeds - 1) / ONE_SIDED
    return pairs if quieter else max(sd, pairs)


def _with_fit_error(result: Benchmark, reached: np.ndarray) -> Benchmark:
    """Add the accuracies [1] of other devices that the fit allows, (devices, seeds), and the error by their spread."""
    worst = result.worst
    result = replace(result, allowed=tuple(map(tuple, (np.array(worst.twin) - reached).tolist())))
    error = result.left_open_error if np.isfinite(result.left_open_error) else 0.0
    share = error / abs(worst.loss) if worst.loss else 0.0  # relative error, applied to both variants
    variants = tuple(
        replace(each, open_sd=error if each.variant == worst.variant else share * abs(each.loss))
        for each in result.variants
    )
    return replace(result, variants=variants)
