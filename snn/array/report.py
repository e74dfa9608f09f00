"""The page of an array: answers and the measurements behind them."""

from __future__ import annotations

from dataclasses import replace

from devicekit.core.intervals import mean_ends
from devicekit.core.scalars import Scalar
from devicekit.core.text import count
from devicekit.device.card import DeviceCard
from devicekit.report import Block, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section, source_line
from snn.ageing import AgeingResult
from snn.array.result import POINT, ArrayResult
from snn.energy import InferenceEnergy

NOTES = (
    "Effects together cost more than each alone. A gain makes up for the mean drop of wires, one for a layer or one "
    "for each bit line. A converter reads the difference of a pair of bit lines, or each line.",
    "Not included: the drop of a write voltage along its line, selectors and half-selected devices, drivers, sense "
    "amplifiers, charging of lines, and stacked arrays. Unused word lines are assumed to be grounded; floating ones "
    "would add a current.",
)


def array_report(result: ArrayResult, card: DeviceCard, source: str, command: str) -> Report:
    """Build the page of an array.

    Parameters
    ----------
    result : ArrayResult
    card : DeviceCard
    source : str
        File of the card.
    command : str
        Command that made the page.
    """
    seeds, draws = count(len(result.ideal.accuracies), "seed"), []
    if result.wires:
        draws.append((result.wires_panel(), "the side of a tile"))
    if result.converters and result.converters[0].points:
        draws.append((result.converters_panel(), "the bits of a converter"))
    draws.append((result.programming_panel(), "the tolerance of write and verify"))
    words = "; bars: 95 % intervals over seeds"
    pictures = [
        draw(panel, f"Accuracy against {what}{'' if n else words}.", f"Test accuracy against {what}")
        for n, (panel, what) in enumerate(draws)
    ]
    if isinstance(result.time, AgeingResult):
        caption = "Accuracy against time after writing, over draws of the devices' drift."
        pictures.append(draw(result.time.panel(), caption, "Test accuracy against time"))
    table = Table(
        ("question", "answer", "reason: points lost"),
        result.answers(),
        f"Limits. For a loss of at most one point by one effect alone; 95 % intervals over {seeds}.",
    )
    more: list[Block] = [*pictures, Text([*result.sentences(), *NOTES]), *_drops(result)]
    sections = [
        Section("Answers", "answers", [table]),
        Section("Details", "details", more, closed=True),
        replace(provenance_section([], command), closed=True),
    ]
    return Report(
        f"Array of {result.card}",
        result.verdict(),
        sections=sections,
        marks=mark_keys(card.provenance.marks),
        pictures=pictures,
        numbers=_numbers(result),
        source=source_line(f"{source}, {result.data.name}: {result.data.split}", card.provenance.sha256),
        most_words=440,  # the answers stay open; with short labels 400 words are seen
    )


def _numbers(result: ArrayResult) -> list[Scalar]:
    """Return the accuracy on an ideal array, the energy of an inference, and the time until a point is lost."""
    low, high = mean_ends(result.ideal.accuracies) or (None, None)
    shown = [
        Scalar("accuracy", "test accuracy on an ideal array", result.ideal.mean, of="test samples", low=low, high=high)
    ]
    if isinstance(result.energy, InferenceEnergy):
        shown.append(Scalar("energy_j", "energy of an inference, devices alone", result.energy.total_j, "J"))
    if isinstance(result.time, AgeingResult) and (until := result.time.until(POINT)) is not None:
        shown.append(Scalar("time_s", "time until one point is lost by drift", until, "s"))
    return shown


def _drops(result: ArrayResult) -> list[Table]:
    """Return the effective conductances by side of a tile; nothing without wires."""
    rows = [
        (f"{curve.name.partition(',')[0]}, {side}x{side}", f"{drop:.3f}")
        for curve in result.wires
        if "layer" in curve.name
        for side, drop in zip(curve.along("tile"), curve.drops, strict=True)
    ]
    caption = "Effective over nominal conductance of the hidden layer, all states at mid-window."
    return [Table(("tile", "G_eff / G"), rows, caption)] if rows else []
