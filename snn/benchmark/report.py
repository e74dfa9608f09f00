"""The page of a benchmark: the verdict, the causes of each loss, and the curve of each flaw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.report import Block, Figure, Report, Section, Table, Text, draw, mark_keys
from snn.benchmark import figures
from snn.benchmark.curves import distance, shipped
from snn.benchmark.flaws import SEVERITIES, Flaw
from snn.benchmark.result import COSTS, FEWEST, ODDS, Benchmark
from snn.benchmark.task import HIDDEN, IMAGES, SHOWN

NOT_SHOWN = (
    "This task does not test a common loss of all states, the on/off ratio (except through read noise, wires and "
    "drift), devices stuck at mid-window, or programming: the network is trained in situ.",
    "Wires, converters and drift count only if you set them (wire_ohm, adc_bits, time_s with drift_nu_sd). Their "
    "curves are for a window with an on/off ratio of 15; with a smaller ratio the same wire drop costs more.",
)

GLOSSARY = (
    "The ideal device is the same card without its flaws: linear, symmetric, without variation and noise. It keeps the "
    "device's steps per window, but at least 32 and at most 100. Scaled learning rates are adapted to "
    f"{HIDDEN} hidden neurons, plain ones are not."
)


def _odds(results: Sequence[Benchmark]) -> list[Block]:
    first = results[0]
    caption = (
        f"Losses. Test accuracy after the last epoch of {IMAGES} images, each test image shown {SHOWN} times; "
        f"{count(first.seeds, 'pair')} of seeds (more: --seeds N); {first.split}. ±: {first.error_words}. The error "
        "over seeds comes from these pairs, or from pairs of equal devices measured before if those scatter more. z: "
        "loss over its standard error; a loss is significant above 1.96."
    )
    several = len(results) > 1
    rows = [((each.name, *row) if several else row) for each in results for row in each.odds()]
    blocks: list[Block] = [
        draw(
            figures.losses(results),
            "Loss compared with the ideal device (the same card without its flaws); bars: one standard error. Scaled: "
            f"learning rates adapted to {HIDDEN} hidden neurons. Automatic pulse policy: pulses chosen for the card's "
            "read noise and states instead of the paper's rule.",
            "Loss of each card compared with its ideal device",
            title="Loss compared with the ideal device (the same card without its flaws); bars: one standard error. "
            f"Scaled: rates for {HIDDEN} hidden neurons.",
        ),
        Table(("card", *ODDS) if several else ODDS, rows, caption),
    ]
    for each in results:
        blocks += [Text([each.fit_uncertainty])] if each.fit_uncertainty else []
        for variant in each.shares:
            blocks.append(Table(("flaw", *COSTS), each.costs(variant), _shares_caption(each, variant)))
    return blocks


def _shares_caption(result: Benchmark, variant: str) -> str:
    words = [
        f"Causes of the loss. {result.name}, {variant} learning rates. Shapley value: what a flaw adds to the loss, "
        "averaged over all combinations of the other flaws. Alone: loss of the ideal device with this flaw only, as "
        "this device has it; the curves below add a flaw to a generic device instead.",
    ]
    if any(each.value < 0 for each in result.shares[variant]):
        words.append("A negative share: together, these flaws make the loss smaller.")
    if result.seeds < FEWEST:
        words.append(f"With fewer than {FEWEST} pairs of seeds, the verdict names no main cause.")
    return " ".join(words)


_UNKNOWN_AS = {"stuck devices": "dead devices"}  # names in `Benchmark.unknown`, if they differ from the flaw's
_DEFINITIONS = {
    "wires": " Relative wire drop; r: resistance between neighbouring devices, m x n: size of the tile.",
    "nonlinearity": " Steps between 2 and 98 % of the window; the page of a fit takes the whole measured range.",
    "step size": " Both larger and smaller steps cost accuracy.",
}


def _absence(flaw: Flaw, result: Benchmark) -> str:
    """Return why a device has no place on a curve."""
    if flaw.name in result.flaws:
        return "not placed on this curve"
    if _UNKNOWN_AS.get(flaw.name, flaw.name) in result.unknown:
        return "unknown for this device"
    return "within 32 to 100 steps, so not a flaw" if flaw.name == "step size" else "absent"


def _caption(flaw: Flaw, results: Sequence[Benchmark]) -> str:
    places = []
    for number, each in enumerate(results, start=1):
        own = each.severities.get(flaw.name)
        if own is None:
            words = _absence(flaw, each)
        else:
            far = distance(flaw, own)
            words = f"{own:.3g}; no critical value in the measured range" if far is None else far.words
        places.append(words if len(results) == 1 else f"{number} ({each.name}) {words}")
    return f"{flaw.name[0].upper()}{flaw.name[1:]} ({flaw.axis}): {'; '.join(places)}.{_DEFINITIONS.get(flaw.name, '')}"


def benchmark_report(results: Sequence[Benchmark]) -> Report:
    """Build the page of one card, or of several side by side.

    Parameters
    ----------
    results : sequence of Benchmark
        At least one, all with the same images and seeds.
    """
    seeds = shipped()["seeds"]
    notes = Text(
        [
            "Each curve belongs to a SYNTHETIC device that is otherwise good: 100 steps per window, updates that "
            "scatter by one step (sd), and NL 1 (the step falls 2.7-fold over the window). Basis: "
            f"{seeds['plain']} seeds ({seeds['wide']} for the wide network); bars: one standard error; "
            f"{shipped()['split']}.",
            "Critical value: severity at which this otherwise good device loses 2 percentage points of accuracy "
            "(horizontal lines, for plain and scaled learning rates).",
            "Diamonds: accuracy of the card's device at its own severity. On the curve, the device does as well as the "
            "good device with this flaw; below it, other flaws contribute."
            + (f" {_ELSEWHERE}" if any(each.split != shipped()["split"] for each in results) else ""),
            "On its curve, nonlinearity costs under half a percentage point with plain learning rates and up to three "
            "with scaled ones (one already at NL 1). It has no critical value, so only Shapley values name it as a "
            "cause.",
            *NOT_SHOWN,
        ]
    )
    curves = [_severity(flaw, results) for flaw in SEVERITIES]
    summary: list[str] = []
    for each in results:
        flaws = f"Flaws of the device: {listed(list(each.flaws)) or 'none'}."
        verdict = each.verdict if len(results) > 1 else ""  # a single one stands above
        notes_on = [verdict, each.policy_effect, each.wide_network, each.fit_uncertainty, flaws]
        notes_on += [f"Volatile part: {each.forgetting}."] if each.forgetting else []
        words = [word for word in notes_on if word]
        summary += words if len(results) == 1 else [f"{each.name}: {' '.join(words)}"]
    summary += [GLOSSARY, "Properties unknown from a card are taken as absent."]
    sections = [Section("Losses", "odds", _odds(results)), Section("Severity of each flaw", "curves", [notes, *curves])]
    return Report(
        f"Benchmark of {listed([each.name for each in results])}",
        _verdict(results),
        summary,
        sections,
        marks=mark_keys(mark for each in results for mark in each.marks),
        pictures=[*sections[0].figures, *severity_figures(results, 2)],
        numbers=_numbers(results),
        source=f"{count(len(results), 'card')}, {count(results[0].seeds, 'pair')} of seeds, {results[0].split}",
    )


def _verdict(results: Sequence[Benchmark]) -> str:
    """Return the verdict of one card, or the least and the largest loss of several."""
    if len(results) == 1:
        return results[0].verdict
    ordered = sorted(results, key=lambda each: each.worst.loss)
    ends = [f"{each.name} {'' if each.worst.found else 'shows '}{each.worst.words}" for each in ordered]
    return f"Of {len(results)} cards, each compared with its ideal device: {ends[0]}; {ends[-1]}."


def loss_numbers(result: Benchmark) -> list[Scalar]:
    """Return the loss of a device with its interval, and the smallest loss that would be found."""
    worst = result.worst
    low, high = (100 * each for each in worst.interval)
    pairs = f"{count(result.seeds, 'pair')} of seeds"
    error = "interval from seeds and fit" if result.allowed else "interval from seeds alone"
    found = f"smallest loss that {pairs} detect with 80 % power"
    shown = [
        Scalar(
            "loss_points",
            f"accuracy below that of an ideal device ({worst.variant} learning rates); "
            f"{count(result.seeds, 'seed')} each, {error}",
            100 * worst.loss,
            "percentage points",
            low=low,
            high=high,
        ),
        Scalar("smallest_points", found, 100 * worst.smallest, "percentage points"),
        Scalar("steps", "pulses to cross the window at the mean step", result.steps),
    ]
    if result.scatter_over_step is not None:
        shown.append(Scalar("scatter_over_step", "sd of one update over the mean step", result.scatter_over_step))
    return [*shown, Scalar("z", "z: loss over its standard error; above 1.96 significant", worst.z)]


def _numbers(results: Sequence[Benchmark]) -> list[Scalar]:
    """Return the numbers of one card, or the loss of each card."""
    if len(results) == 1:
        return loss_numbers(results[0])
    losses = [(each.name, loss_numbers(each)[0]) for each in results]
    return [replace(loss, label=f"{name}: {loss.label}") for name, loss in losses]


def severity_figures(results: Sequence[Benchmark], most: int) -> list[Figure]:
    """Return the curves of the flaws nearest to their critical severities, the nearest first."""
    names = dict.fromkeys(each.flaw.name for result in results for each in result.distances)
    flaws = {flaw.name: flaw for flaw in SEVERITIES}
    return [_severity(flaws[name], results) for name in list(names)[:most]]


def _marks(flaw: Flaw, results: Sequence[Benchmark]) -> str:
    """Return what marks the devices on a curve; empty if none has a place on it."""
    placed = [each for each in results if each.severities.get(flaw.name) is not None]
    if not placed:
        return ""
    mark = "Diamonds" if placed[0].split == shipped()["split"] else "Vertical line"
    which = "this device" if len(results) == 1 else "the cards"
    return (
        f" {mark}: {which}. Horizontal lines: 2 points below the ideal device, for plain and for scaled learning rates."
    )


_ELSEWHERE = "A vertical line: the card was benchmarked on other images, so its accuracy does not belong to the curve."


def _severity(flaw: Flaw, results: Sequence[Benchmark]) -> Figure:
    return draw(
        figures.severity(flaw, results),
        _caption(flaw, results),
        f"Accuracy against {flaw.axis}",
        title=f"Accuracy against {flaw.name}.{_marks(flaw, results)}",
    )
