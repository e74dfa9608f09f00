"""Benchmark of a card: trainings on the few-shot task, paired by seed with those of the ideal device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
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
from snn.benchmark.flaws import ARRAY, Case, find_flaws, find_unknown, remove_flaws, scatter_over_step
from snn.benchmark.pairs import ONE_SIDED, VariantResult, quantile
from snn.benchmark.result import Benchmark
from snn.benchmark.severity import SEVERITIES, own_severity
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


def _map(work: Sequence[Work], data: Dataset, jobs: int, report_progress: Progress, kept: Kept) -> list[float]:
    """Return the accuracies [1] of these trainings in order, from the store or by training."""
    keys = [kept.key("accuracy", SHOWN, card.to_json(), asdict(config), data.sha256) for card, config in work]
    known = kept.known(keys, "training")
    waiting = [(key, pair) for key, pair in zip(keys, work, strict=True) if key not in known]
    found: dict[str, float] = {}
    if len(waiting) < len(work):
        report_progress(len(work) - len(waiting), len(work))
    for (key, _), reached in zip(waiting, _train_each([pair for _, pair in waiting], data, jobs), strict=True):
        found[key] = reached
        kept.put(key, reached)
        report_progress(len(work) - len(waiting) + len(found), len(work))
    return [known[key] if key in known else found[key] for key in keys]


def _train_each(work: Sequence[Work], data: Dataset, jobs: int) -> Iterator[float]:
    """Yield the accuracies [1] of these trainings in order, each as soon as it is available."""
    if jobs == 1 or len(work) < 2:
        for card, config in work:
            yield accuracy(card, config, data)
        return
    import joblib

    from devicekit.system.workers import deaf

    with deaf():
        pool = joblib.Parallel(n_jobs=jobs, return_as="generator")
        made = pool(joblib.delayed(accuracy)(card, config, data) for card, config in work)
    yield from made


def benchmark(
    card: DeviceCard,
    data: Dataset,
    *,
    seeds: int = 10,
    first_seed: int = 0,
    attribution: bool = True,
    wide: bool = True,
    other_policy: bool = True,
    allowed: Sequence[DeviceCard] = (),
    fit_error: bool = True,
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
    allowed : sequence of DeviceCard
        Other devices that the measured data allow, from `devicekit.fitting.resampling.resampled_cards` or a posterior:
        the spread of their losses is the uncertainty of the fit. Without any, devices within the bands of the card.
    fit_error : bool
        Include the uncertainty of the fit in the error of a loss, besides the seeds.
    jobs : int
        Number of worker processes; the result does not depend on it.
    progress : callable, optional
        Called with (trainings done, planned) for each part.
    kept : Kept, optional
        Store of trainings (`devicekit.system.kept.kept_beside`); those in it are not repeated.
    **changes
        Fields of `TrainingConfig` that describe the device, such as stuck=0.2, stuck_at="ends", device_levels=16.

    Returns
    -------
    Benchmark

    Raises
    ------
    UsageError
        If `seeds` is below 1, a setting does not exist, or the card cannot be trained in situ.
    """
    if seeds < 1:
        raise UsageError(f"seeds must be at least 1, not {seeds}.")
    source, _, task = data.name.partition(", ")
    if source not in NULL_SD and seeds < 2:
        raise UsageError(f"The null is unknown for {source}. Use at least two pairs of trainings, not seeds={seeds}.")
    report_progress, kept = progress or (lambda done, planned: None), kept or Kept(None)
    base = setting("plain", 0, **changes)
    if base.policy == "auto":  # the ideal device uses the policy of the device
        changes = {**changes, "policy": reason_for_policy(base, card)[0]}
        base = setting("plain", 0, **changes)
    base = with_card(base, card)
    changes = {
        **changes,
        **{name: getattr(base, name) for name in TrainingConfig.names("card")},
    }  # fixed, as the ideal device has no card values
    check(card, base)
    drift.check(card, base)
    wiring(card, base)  # refuse a card without conductances before the first training
    flaws = find_flaws(card, base)
    twin = remove_flaws(card, base, flaws)
    other_policy = other_policy and "policy" not in changes
    reason = reason_for_policy(base, card) if other_policy else ("", "")
    if other_policy:
        check(card, replace(base, policy=reason[0]))
    numbers = range(first_seed, first_seed + seeds)
    others: dict[Variant, bool] = {"wide": wide, "policy": other_policy}
    variants: tuple[Variant, ...] = (*VARIANTS, *(variant for variant, wanted in others.items() if wanted))

    def runs(case: Case, variant: Variant) -> list[Work]:
        named = {"policy": reason[0]} if variant == "policy" else {}
        config = replace(setting(variant, 0, **changes, **named), **case.changes)
        return [(case.card, replace(config, seed=seed)) for seed in numbers]

    work = [run for variant in variants for case in (Case(card, {}), twin) for run in runs(case, variant)]
    found = np.array(_map(work, data, jobs, report_progress, kept)).reshape(len(variants), 2, seeds)
    null = NULL_SD.get(source, NULL_SD["digits"])
    # the null was measured with the paper's policy, on these data, without wires, converters and drift
    measured = (
        source in NULL_SD
        and task == "few-shot"
        and not {"gradient", "policy", "max_pulses", "decay_by"} & set(changes)
        and not ARRAY & set(flaws)
    )
    results = {}
    for variant, (own, its) in zip(variants, found, strict=True):
        sd, by_pairs = null[variant], float((its - own).std(ddof=1)) if seeds > 1 else np.inf
        # the null is that of a generic device: pairs that scatter significantly less replace it
        quieter = (
            seeds >= FEWEST_OWN and by_pairs < sd * float(chi2_quantile(np.array(0.05), seeds - 1) / (seeds - 1)) ** 0.5
        )
        if seeds > 1 and (quieter or not measured):
            pairs = by_pairs * quantile(seeds - 1) / ONE_SIDED
            sd = pairs if quieter else max(sd, pairs)
        results[variant] = VariantResult(
            variant=variant,
            device=tuple(own.tolist()),
            twin=tuple(its.tolist()),
            null_sd=sd,
            policy=reason[0] if variant == "policy" else "",
        )
    inputs = data.x_train.shape[1]
    result = Benchmark(
        name=card.name,
        split=data.split,
        seeds=seeds,
        variants=tuple(results[each] for each in VARIANTS),
        flaws=flaws,
        scatter_over_step=scatter_over_step(card, base),
        steps=1.0 / mean_step(card),
        severities={
            flaw.name: own
            for flaw in SEVERITIES
            if flaw.name in flaws and (own := own_severity(flaw.name, card, base, inputs)) is not None
        },
        wide=results.get("wide"),
        policy=results.get("policy"),
        reason=reason[1],
        forgetting=words(card, base),
        synthetic=card.provenance.synthetic,
        unknown=find_unknown(card, base),
        first_seed=first_seed,
    )
    worst = result.worst
    others_allowed = list(allowed) or (within_bands(card, WITHIN_BANDS, first_seed) if fit_error and seeds > 1 else [])
    if others_allowed:
        work = [run for each in others_allowed for run in runs(Case(each, {}), worst.variant)]
        reached = np.array(_map(work, data, jobs, report_progress, kept)).reshape(len(others_allowed), seeds)
        losses_of = (np.array(worst.twin) - reached).tolist()
        result = replace(result, allowed=tuple(map(tuple, losses_of)), by_bands=not allowed)
        worst = replace(worst, open_sd=result.left_open_error if np.isfinite(result.left_open_error) else 0.0)
        share = worst.open_sd / abs(worst.loss) if worst.loss else 0.0  # relative error, applied to both variants
        result = replace(
            result,
            variants=tuple(
                worst if each.variant == worst.variant else replace(each, open_sd=share * abs(each.loss))
                for each in result.variants
            ),
        )
    if not attribution or not worst.found or not flaws:
        return result
    config = setting(worst.variant, 0, **changes)

    def losses(wanted: Sequence[tuple[tuple[str, ...], int]]) -> list[float]:
        """Return the losses of the device with only these flaws, at these seeds."""
        work = []
        for alone, seed in wanted:
            case = remove_flaws(card, config, [flaw for flaw in flaws if flaw not in alone])
            work.append((case.card, replace(config, seed=first_seed + seed, **case.changes)))
        reached = _map(work, data, jobs, report_progress, kept)
        return [worst.twin[seed] - own for (_, seed), own in zip(wanted, reached, strict=True)]

    loss = Loss(losses, {((), k): 0.0 for k in range(seeds)} | {(flaws, k): worst.losses[k] for k in range(seeds)})
    # a null widened by the loss itself would exclude its causes from the attribution
    enters = (null[worst.variant] if ARRAY & set(flaws) else worst.null_sd) / seeds**0.5
    return replace(result, shares={worst.variant: shares(loss, flaws, seeds, enters)})
