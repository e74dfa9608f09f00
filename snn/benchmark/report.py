"""The page of a benchmark: the verdict, what costs each device, and where it lies on the curve of each flaw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devicekit.report import Block, Figure, Report, Section, Table, Text, draw
from devicekit.scalars import Scalar
from devicekit.text import count, listed
from snn.benchmark import figures
from snn.benchmark.curves import distance, shipped
from snn.benchmark.result import COSTS, ODDS, Benchmark
from snn.benchmark.severity import SEVERITIES, Flaw
from snn.benchmark.task import IMAGES, SHOWN

NOT_SHOWN = (
    "Not shown by this task: a common loss of all states (it shrinks all weights alike), the on/off ratio except "
    "through read noise, wires and drift, devices stuck where they start (mid-window), and how devices are programmed, "
    "for this network is trained in situ. Wires, converters and drift are those that were set (wire_ohm, adc_bits, "
    "time_s with drift_nu_sd); none was, where they are not among the flaws. Their curves are of a window with an "
    "on/off ratio of 15: a smaller one loses more by the same drop in wires."
)


def _odds(results: Sequence[Benchmark]) -> list[Block]:
    first = results[0]
    caption = (
        f"Test accuracy after the last epoch of {IMAGES} images, each test image shown {SHOWN} times; {first.seeds} "
        f"pairs of seeds; {first.split}. z: the mean difference over its standard error where there is none; ± is the "
        f"{first.error_words}."
    )
    several = len(results) > 1
    rows = [((each.name, *row) if several else row) for each in results for row in each.odds()]
    blocks: list[Block] = [
        draw(
            figures.losses(results),
            "Loss of each card to its own ideal twin; bars: one standard error.",
            "Loss of each card against its ideal twin",
        ),
        Table(("card", *ODDS) if several else ODDS, rows, caption),
    ]
    for each in results:
        blocks += [Text([each.fit_uncertainty])] if each.fit_uncertainty else []
        for variant in each.shares:
            words = (
                f"{each.name}: what the loss with {variant} rates consists of, by Shapley values over seeds, and what "
                "each flaw costs alone."
            )
            blocks.append(Table(("flaw", *COSTS), each.costs(variant), words))
    return blocks


def _caption(flaw: Flaw, results: Sequence[Benchmark]) -> str:
    told = []
    for number, each in enumerate(results, start=1):
        own = each.severities.get(flaw.name)
        if own is None:
            continue
        far = distance(flaw, own)
        words = f"{own:.3g}; no cliff in the range that was measured" if far is None else far.words
        told.append(words if len(results) == 1 else f"{number} ({each.name}) {words}")
    return f"{flaw.name}: {'; '.join(told) or 'not known, or none'}."


def benchmark_report(results: Sequence[Benchmark]) -> Report:
    """The page of one card, or of several side by side.

    Parameters
    ----------
    results : sequence of Benchmark
        At least one, all of the same images and seeds.
    """
    seeds = shipped()["seeds"]
    told = Text(
        [
            "Each curve is of a SYNTHETIC device that is otherwise good (NL 1, 100 steps, updates that scatter by one "
            f"step): {seeds['plain']} seeds ({seeds['wide']} of the wide network), bars one standard error; "
            f"{shipped()['split']}. Lines across: the cliff, 2 points below the good device, for both kinds of rates. "
            "Diamonds: the accuracy of the card's device at its own severity; near the curve, this flaw alone explains "
            "it; below it, others cost as well. An upright line instead: the card was benchmarked on other images.",
            "Nonlinearity alone costs under half a point with plain rates, and one to three points with scaled ones, "
            "of which the otherwise good device has one. It is not blamed here without a test.",
            NOT_SHOWN,
        ]
    )
    curves = [_severity(flaw, results) for flaw in SEVERITIES]
    summary: list[str] = []
    for each in results:
        flaws = f"Flaws that it has here: {listed(list(each.flaws)) or 'none'}."
        told_of = [each.verdict, each.policy_effect, each.wide_network, each.fit_uncertainty, flaws]
        told_of += [f"Volatile part: {each.forgetting}."] if each.forgetting else []
        words = [word for word in told_of if word]
        summary += words if len(results) == 1 else [f"{each.name}: {' '.join(words)}"]
    summary.append("What a card does not know, its device does not have here.")
    sections = [Section("Odds", "odds", _odds(results)), Section("Where it lies", "curves", [told, *curves])]
    return Report(
        f"Benchmark of {listed([each.name for each in results])}",
        _verdict(results),
        summary,
        sections,
        marks=("SYNTHETIC",) if any(each.synthetic for each in results) else (),
        pictures=[*sections[0].figures, *severity_figures(results, 2)],
        numbers=_numbers(results),
        source=f"{count(len(results), 'card')}, {count(results[0].seeds, 'pair')} of seeds, {results[0].split}",
    )


def _verdict(results: Sequence[Benchmark]) -> str:
    """A benchmark in one sentence: of one card what it loses, of several the least and the most."""
    if len(results) == 1:
        return results[0].verdict
    ordered = sorted(results, key=lambda each: each.worst.loss)
    ends = [f"{each.name} {'' if each.worst.found else 'shows '}{each.worst.words}" for each in ordered]
    return f"Of {len(results)} cards, each against its ideal twin: {ends[0]}; {ends[-1]}."


def loss_numbers(result: Benchmark) -> list[Scalar]:
    """Return what a device loses, with its interval over seeds, and what would have been found."""
    worst = result.worst
    low, high = (100 * each for each in worst.interval)
    label = f"loss to the ideal twin, {worst.variant} rates, {count(result.seeds, 'pair')} of seeds"
    shown = [
        Scalar("loss_points", label, 100 * worst.loss, "points", low=low, high=high),
        Scalar("smallest_points", "loss that would be found with 80 %", 100 * worst.smallest, "points"),
        Scalar("steps", "mean steps a window", result.steps),
    ]
    if result.scatter_over_step is not None:
        shown.append(Scalar("scatter_over_step", "sd of one update over a mean step", result.scatter_over_step))
    return [*shown, Scalar("z", "loss over its standard error", worst.z)]


def _numbers(results: Sequence[Benchmark]) -> list[Scalar]:
    """Those of one card, or the loss of each."""
    if len(results) == 1:
        return loss_numbers(results[0])
    losses = [(each.name, loss_numbers(each)[0]) for each in results]
    return [replace(loss, label=f"{name}: {loss.label}") for name, loss in losses]


def severity_figures(results: Sequence[Benchmark], most: int) -> list[Figure]:
    """The flaws that matter most for these devices, each with its curve: the nearest to their cliffs first."""
    names = dict.fromkeys(each.flaw.name for result in results for each in result.distances)
    flaws = {flaw.name: flaw for flaw in SEVERITIES}
    return [_severity(flaws[name], results) for name in list(names)[:most]]


def _severity(flaw: Flaw, results: Sequence[Benchmark]) -> Figure:
    return draw(
        figures.severity(flaw, results),
        _caption(flaw, results),
        f"Accuracy against {flaw.axis}",
        title=f"Where the device lies (diamonds): {flaw.name}.",
    )
