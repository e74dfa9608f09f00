"""The page of an array: answers and the measurements behind them."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.report import Block, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section, source_line
from snn.ageing import AgeingResult
from snn.array.result import ArrayResult

LEFT_OUT = (
    "Not included: the drop of a write voltage along its line, selectors and half-selected devices, drivers, sense "
    "amplifiers, charging of lines, and stacked arrays. Unused word lines are assumed to be grounded; floating ones "
    "would add a current."
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
    blocks: list[Block] = [
        Table(
            ("question", "answer"),
            result.answers(),
            "Each answer is for a loss of at most one percentage point, by one effect alone.",
        ),
        Text([LEFT_OUT]),
    ]
    if result.wires:
        caption = "Accuracy against the side of a tile; bars: one standard error over seeds; line: ideal array."
        blocks.append(draw(result.wires_panel(), caption, "Test accuracy against the side of a tile"))
    caption = "Accuracy against the bits of a converter with a range from training images."
    blocks.append(draw(result.converters_panel(), caption, "Test accuracy against bits"))
    caption = "Accuracy against the tolerance of write and verify."
    blocks.append(draw(result.programming_panel(), caption, "Test accuracy against tolerance"))
    if isinstance(result.time, AgeingResult):
        caption = "Accuracy against time after writing, over draws of the devices' drift."
        blocks.append(draw(result.time.panel(), caption, "Test accuracy against time"))
    rows = [
        (f"{curve.name}, {side} x {side}", f"{drop:.3f}")
        for curve in result.wires
        if "layer" in curve.name
        for side, drop in zip(curve.along("tile"), curve.drops, strict=True)
    ]
    if rows:
        blocks.append(
            Table(
                ("tile", "G_eff / G"),
                rows,
                "Effective over nominal conductance of the hidden layer, all states at mid-window.",
            )
        )
    section = Section("Array", "array", blocks)
    return Report(
        f"Array of {result.card}",
        result.verdict(),
        result.sentences(),
        [section, provenance_section([("card", source)], command)],
        marks=mark_keys(card.provenance.marks),
        pictures=section.figures,
        source=source_line(f"{source}, {result.data.name}: {result.data.split}", card.provenance.sha256),
    )
