"""The page of a benchmark: whether a device is good enough, its risks, and the causes of a loss."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.report import Block, Figure, Report, Section, Table, Text, draw, mark_keys
from snn.benchmark import figures
from snn.benchmark.curves import distance, shipped
from snn.benchmark.flaws import SEVERITIES, Flaw
from snn.benchmark.losses import OF_DEVICES, OF_TRAININGS, VariantResult
from snn.benchmark.result import COSTS, FEWEST, ODDS, Benchmark
from snn.benchmark.risks import RISKS, matters, risks, risks_of_several
from snn.benchmark.task import HIDDEN, IMAGES, NETWORKS, VARIANTS, WIDE_HIDDEN, Variant
from snn.network.pulsing import get_policy

NOT_TESTED = (
    "Not tested: a common loss of all states, the on/off ratio (except through read noise, wires and drift), devices "
    "stuck at mid-window, and programming, for the network is trained in situ.",
    "Wires, converters and drift count only if you set them (wire_ohm, adc_bits, time_s with drift_nu_sd). Their "
    "curves are for a window with an on/off ratio of 15; with a smaller ratio the same wire drop costs more.",
)

_SHOWS: dict[Variant, str] = {  # what each network is for
    "plain": f"{HIDDEN} neurons, the rate of {WIDE_HIDDEN}: shows coarse, fine and noisy steps",
    "scaled": f"{HIDDEN} neurons, output rate {WIDE_HIDDEN // HIDDEN} times larger: shows asymmetry",
    "wide": "hides most flaws; does not decide",
}


def _shows(result: VariantResult) -> str:
    """Return what a network is for, or what its pulse policy does."""
    return get_policy(result.policy).title if result.policy else _SHOWS[result.variant]


def _losses_section(results: Sequence[Benchmark]) -> Section:
    first, several = results[0], len(results) > 1
    rows = [
        (*((each.name,) if several else ()), *row, _shows(network))
        for each in results
        for network, row in zip(each.all_variants, each.odds(), strict=True)
    ]
    caption = (
        "Losses against the ideal device: the same card, linear and symmetric, without variation and noise, 32 to 100 "
        f"steps per window. Test accuracy after the last epoch of {IMAGES} images; {first.trainings}."
    )
    words = (
        f"Accuracy lost to an ideal device, in networks of {HIDDEN} neurons with two learning rates"
        f"{f' and of {WIDE_HIDDEN} neurons' if first.wide else ''}{', and with other pulses' if first.policy else ''}; "
        f"bars: {OF_TRAININGS}; thin: {OF_DEVICES}."
    )
    blocks: list[Block] = [
        draw(figures.losses(results), words, "Loss of each card compared with its ideal device"),
        Table((*(("card",) if several else ()), *ODDS, "network in words"), rows, caption),
    ]
    notes = [f"{f'{each.name}: ' if several else ''}{words}" for each in results for words in _notes(each)]
    return Section("Losses", "losses", [*blocks, *([Text(notes)] if notes else [])])


def _notes(result: Benchmark) -> list[str]:
    """Return what else a benchmark found, in sentences."""
    found = [result.policy_effect, result.fit_uncertainty, f"Volatile part: {result.forgetting}."]
    return [each for each in found[: 3 if result.forgetting else 2] if each]


def _risks_section(results: Sequence[Benchmark]) -> Section:
    """Build the table of flaws with their margins."""
    head, rows = (RISKS, risks(results[0])) if len(results) == 1 else risks_of_several(results)
    words = (
        "Flaws, and the level at which one alone costs an otherwise good device 2 points. What is unknown is taken as "
    )
    more = dict.fromkeys(word for each in results for word in each.unknown if word.startswith("whether"))
    words += f"absent.{''.join(f' Also unknown: {word}.' for word in more)}"
    return Section("Risks", "risks", [Table(head, rows, words) if rows else Text(["The device has no known flaw."])])


def _causes_section(results: Sequence[Benchmark]) -> list[Section]:
    """Build the tables of the causes of each loss; none without a loss that was attributed."""
    blocks: list[Block] = [
        Table(("flaw", *COSTS), [share.cells() for share in shares], _shares_caption(each, variant))
        for each in results
        for variant, shares in each.shares.items()
    ]
    return [Section("Causes", "causes", blocks)] if blocks else []


def _shares_caption(result: Benchmark, variant: str) -> str:
    words = [
        f"Causes of the loss of {result.name}, {NETWORKS[variant]}. Share: what a flaw adds to the loss, averaged over "  # type: ignore[index]
        "all combinations of the other flaws (Shapley value). Alone: loss of the ideal device with this flaw only.",
    ]
    if any(each.value < 0 for each in result.shares[variant]):
        words.append("A negative share: this flaw makes the loss smaller. All shares add up to the loss.")
    if result.seeds < FEWEST:
        words.append(f"With fewer than {FEWEST} seeds, the verdict names no main cause.")
    return " ".join(words)


def _place(flaw: Flaw, result: Benchmark) -> str:
    """Return where a device lies on a curve."""
    own = result.severities.get(flaw.name)
    if own is None:
        return "unknown or absent"
    far = distance(flaw, own)
    return flaw.amount(own) if far is None else far.words


def _caption(flaw: Flaw, results: Sequence[Benchmark]) -> str:
    several = len(results) > 1
    places = [f"{f'{n} ({each.name}) ' if several else ''}{_place(flaw, each)}" for n, each in enumerate(results, 1)]
    wide = " Both larger and smaller steps cost accuracy." if flaw.worse == "both" else ""
    return f"{flaw.name[0].upper()}{flaw.name[1:]} ({flaw.axis}): {'; '.join(places)}.{wide}"


def _curves_section(results: Sequence[Benchmark]) -> Section:
    """Build the curves of the flaws that a card has or may have, and how they were measured."""
    seeds, split = shipped()["seeds"], shipped()["split"]
    elsewhere = (
        " A vertical line: the card was benchmarked on other images, so its accuracy has no place on the curve."
        if any(each.split != split for each in results)
        else " Diamonds: the card's device at its own severity. Below the curve, other flaws cost as well."
    )
    notes = [
        "Each curve is of a SYNTHETIC device that is otherwise good: 100 steps per window, updates that scatter by one "
        f"step (sd), steps that fall 2.7-fold over the window. {seeds['plain']} seeds ({seeds['wide']} for the wide "
        f"network), {split}.{elsewhere}",
        "Nonlinearity costs under half a point with the small learning rate and up to three with the large one, of "
        "which the good device has one already: it has no level of 2 points.",
        *NOT_TESTED,
    ]
    shown = [flaw for flaw in SEVERITIES if any(matters(flaw, each) for each in results)]
    curves = [_severity(each, results, tuple(figures.LOOKS)) for each in shown]
    return Section("Accuracy against each flaw", "curves", [*curves, Text(notes)], closed=True)


def benchmark_report(results: Sequence[Benchmark]) -> Report:
    """Build the page of one card, or of several side by side.

    Parameters
    ----------
    results : sequence of Benchmark
        At least one, all with the same images and seeds.
    """
    common = set(results[0].marks).intersection(*(each.marks for each in results))
    results = [_with_own_marks(each, common) for each in results]
    losses = _losses_section(results)
    return Report(
        f"Benchmark of {listed([each.name for each in results])}",
        _verdict(results),
        sections=[
            _risks_section(results),
            losses,
            *_causes_section(results),
            _curves_section(results),
        ],
        marks=mark_keys(common),
        pictures=[*losses.figures, *severity_figures(results, 2)],
        numbers=_numbers(results),
        source=f"{count(len(results), 'card')}, {results[0].trainings}; {results[0].split}",
    )


def _with_own_marks(result: Benchmark, common: Collection[str]) -> Benchmark:
    """Return a result whose name says what its data are, if not all cards of the page share that."""
    own = [mark for mark in result.marks if mark not in common]
    return replace(result, name=f"{result.name} ({', '.join(own)})") if own else result


def _verdict(results: Sequence[Benchmark]) -> str:
    """Return the verdict of one card, or the least and the largest loss of several."""
    if len(results) == 1:
        return results[0].verdict
    ordered = sorted(results, key=lambda each: each.worst.loss)
    least, most = ordered[0], ordered[-1]
    good = sum(each.good_enough is True for each in results)
    return (
        f"{good or 'None'} of {len(results)} cards {'are' if good > 1 else 'is'} good enough (less than 2 points of "
        f"accuracy below an ideal device). Least, {least.name}: {least.lost(least.worst)}. "
        f"Most, {most.name}: {most.lost(most.worst)}."
    )


def loss_scalars(result: Benchmark, name: str = "") -> list[Scalar]:
    """Return the loss of the measured devices and, if it is known, of devices of their kind, each with its interval."""
    shown = result.deciding
    own, kind = (result.who, shown.own_interval), (result.kind, shown.kind_interval)
    found = []
    for key, (population, ends) in {"loss_points": own, "loss_points_kind": kind}.items():
        if ends is not None:
            loss, low, high = (round(100 * each, 1) for each in (shown.loss, *ends))  # as many digits as in tables
            label = f"{name}accuracy lost to an ideal device by {population}, {shown.task}"
            found.append(Scalar(key, label, loss, "points", low=low, high=high))
    return found


def _numbers(results: Sequence[Benchmark]) -> list[Scalar]:
    """Return the losses of each card, and the accuracies and steps of a single one."""
    if len(results) > 1:
        return [loss for each in results for loss in loss_scalars(each, f"{each.name}: ")]
    (result,) = results
    own, ideal = (round(100 * each, 1) for each in (result.deciding.mean_of_device, result.deciding.mean_of_twin))
    numbers = [
        *loss_scalars(result),
        Scalar("accuracy", "accuracy of this device", own, "%"),
        Scalar("accuracy_ideal", "accuracy of the ideal device", ideal, "%"),
        Scalar("steps", "pulses to cross the window at the mean step", result.steps),
    ]
    if result.scatter_over_step is not None:
        numbers.append(Scalar("scatter_over_step", "sd of one update, in mean steps", result.scatter_over_step))
    return numbers


def severity_figures(results: Sequence[Benchmark], most: int) -> list[Figure]:
    """Return the curves of the flaws nearest to their critical severities, the nearest first."""
    names = dict.fromkeys(each.flaw.name for result in results for each in result.distances)
    flaws = {flaw.name: flaw for flaw in SEVERITIES}
    return [_severity(flaws[name], results, VARIANTS) for name in list(names)[:most]]


def _severity(flaw: Flaw, results: Sequence[Benchmark], networks: Sequence[Variant]) -> Figure:
    numbers = ", ".join(f"{n} {each.name}" for n, each in enumerate(results, 1))
    return draw(
        figures.severity(flaw, results, networks),
        _caption(flaw, results),
        f"Accuracy against {flaw.axis}",
        title=f"Accuracy against {flaw.name}{f' ({numbers})' if len(results) > 1 else ''}.",
    )
