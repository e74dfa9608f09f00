"""The page of a benchmark: the verdict, what costs each device, and where it lies on the curve of each flaw."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.report import Block, Report, Section, Table, Text, draw
from devicekit.text import listed
from snn.benchmark import figures
from snn.benchmark.curves import distance, shipped
from snn.benchmark.result import COSTS, ODDS, Benchmark
from snn.benchmark.severity import SEVERITIES, Flaw
from snn.benchmark.task import IMAGES, SHOWN

NOT_SHOWN = (
    "Not shown by this task: a common loss of all states (it shrinks all weights alike), the on/off ratio except "
    "through read noise, devices stuck where they start (mid-window), wires and converters, and retention."
)


def _odds(results: Sequence[Benchmark]) -> list[Block]:
    first = results[0]
    caption = (
        f"Test accuracy after the last epoch of {IMAGES} images, each test image shown {SHOWN} times; {first.seeds} "
        f"pairs of seeds; {first.split}. z: the mean difference over its standard error where there is none; ± is the "
        "standard error over seeds."
    )
    several = len(results) > 1
    rows = [((each.name, *row) if several else row) for each in results for row in each.odds()]
    blocks: list[Block] = [
        draw(figures.losses(results), "Loss of each card to its own ideal twin; bars: one standard error.", "Losses"),
        Table(("card", *ODDS) if several else ODDS, rows, caption),
    ]
    for each in results:
        blocks += [Text([each.left_open])] if each.left_open else []
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
    curves: list[Block] = [
        draw(figures.severity(flaw, results), _caption(flaw, results), f"Accuracy against {flaw.axis}")
        for flaw in SEVERITIES
    ]
    facts: list[tuple[str, str]] = []
    if len(results) == 1:
        worst = results[0].worst
        facts.append(
            (
                f"points lost to the ideal twin, {worst.variant} rates",
                f"{100 * worst.loss:.1f} ± {100 * worst.standard_error:.1f}",
            )
        )
        facts.append(("steps a window", f"{results[0].steps:.3g}"))
        if results[0].scatter_over_step is not None:
            facts.append(("scatter of an update over a step", f"{results[0].scatter_over_step:.2g}"))
    summary: list[str] = []
    for each in results:
        flaws = f"Flaws that it has here: {listed(list(each.flaws)) or 'none'}."
        told_of = [each.verdict, each.rule_or_device, each.width_hides, each.left_open, flaws]
        words = [word for word in told_of if word]
        summary += words if len(results) == 1 else [f"{each.name}: {' '.join(words)}"]
    summary.append("What a card does not know, its device does not have here.")
    title = f"Benchmark of {listed([each.name for each in results])}"
    sections = [Section("Odds", "odds", _odds(results)), Section("Where it lies", "curves", [told, *curves])]
    return Report(title, summary, sections, any(each.synthetic for each in results), facts)
