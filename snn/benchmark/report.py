"""The page of a benchmark: the verdict, what costs the device, and where it lies on the curve of each flaw."""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.report import Block, Report, Section, Table, Text, draw
from devicekit.text import listed
from snn.benchmark.curves import SEVERITIES, Flaw, cliff, own_severity, shipped
from snn.benchmark.result import COSTS, ODDS, Benchmark
from snn.config import TrainingConfig

LOOKS = {"plain": ("o-", COLOURS["ltp"]), "scaled": ("s--", COLOURS["ltd"])}


def panel(flaw: Flaw, own: float | None) -> Panel:
    """Accuracy of the generic device against how bad one flaw is, with the cliff, and the own device as a line."""
    curves, found = [], shipped()
    for variant, (style, colour) in LOOKS.items():
        rows = sorted(found["flaws"][flaw.name][variant], key=lambda row: row["severity"])
        x, y, se = (100 * np.array([row[key] for row in rows]) for key in ("severity", "mean", "se"))
        ends = {"low": y - se, "high": y + se}
        curves.append(Curve(f"{variant} rates", x / 100, y, "errors", style=style, colour=colour, **ends))
    floors = [100 * (found["base"][variant]["mean"] - 0.02) for variant in LOOKS]
    lines = [("y", floor) for floor in floors]
    if own is not None:
        lines.append(("x", own))
    axis = Axis(flaw.axis, scale="log" if flaw.log else "linear")
    return Panel(axis, Axis("accuracy", "%"), curves, flaw.name, lines=lines)


def distance_words(flaw: Flaw, own: float | None) -> str:
    """How far the device is from the cliff of a flaw, in words."""
    if own is None:
        return "not known, or none"
    found = {variant: at for variant in LOOKS if (at := cliff(flaw, variant, shipped())) is not None}
    if not found:
        return f"{own:.3g}; no cliff in the range that was measured"
    nearest = min(found.values()) if flaw.rising else max(found.values())
    ratio = nearest / own if flaw.rising else own / nearest
    side = f"{ratio:.2g} times as far off" if ratio >= 1 else f"beyond it, {1 / ratio:.2g} times"
    return f"{own:.3g}; the cliff is at {nearest:.3g}: {side}"


def benchmark_report(result: Benchmark, card: DeviceCard, config: TrainingConfig) -> Report:
    """The page of one device."""
    caption = (
        f"Mean test accuracy of the last 3 epochs, {result.seeds} pairs of seeds; {result.split}. z: the mean "
        "difference over the standard error of differences where there is none."
    )
    blocks: list[Block] = [Table(ODDS, result.odds(), caption)]
    for variant in result.shares:
        words = f"What the loss with {variant} rates consists of: exact Shapley values over seeds, and each flaw alone."
        blocks.append(Table(("flaw", *COSTS), result.costs(variant), words))
    severities = {flaw.name: own_severity(flaw.name, card, config) for flaw in SEVERITIES}
    figures: list[Block] = [
        draw(
            panel(flaw, severities[flaw.name]),
            f"{flaw.name}: {distance_words(flaw, severities[flaw.name])}.",
            f"Accuracy against {flaw.axis}",
        )
        for flaw in SEVERITIES
    ]
    told = Text(
        [
            "Each curve is of a SYNTHETIC device that is otherwise good (NL 1, 100 steps, updates that scatter by one "
            f"step), {shipped()['seeds']} seeds, bars one standard error. Upright line: this device. Lines across: the "
            "cliff, 2 points below the good device, for both kinds of rates. Flaws together cost more or less than one "
            "by one; the table above is of this device."
        ]
    )
    sections = [Section("Odds", "odds", blocks), Section("Where it lies", "curves", [told, *figures])]
    facts = [("steps a window", f"{result.steps:.3g}")]
    if result.scatter_over_step is not None:
        facts.append(("scatter of an update over a step", f"{result.scatter_over_step:.2g}"))
    summary = [
        result.verdict,
        f"Flaws that it has here: {listed(list(result.flaws)) or 'none'}; what the card does not know, it does not "
        "have. A network of 1000 hidden neurons would hide most of them.",
    ]
    return Report(f"Benchmark of {result.name}", summary, sections, card.provenance.synthetic, facts)
