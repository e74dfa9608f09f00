"""Figures of a benchmark: losses of cards side by side, and their places on the curve of each flaw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel
from snn.benchmark.curves import CRITICAL_LOSS, shipped
from snn.benchmark.flaws import Flaw
from snn.benchmark.result import Benchmark
from snn.benchmark.task import HIDDEN, WIDE_HIDDEN, Variant

LOOKS: dict[Variant, tuple[str, str, str]] = {  # line and marker, colour, name
    "plain": ("o-", COLOURS["ltp"], "plain learning rates"),
    "scaled": ("s--", COLOURS["ltd"], "scaled learning rates"),
    "wide": (":", "0.5", f"{WIDE_HIDDEN} hidden neurons"),
    "policy": ("v-.", "#3b7d3b", "plain learning rates, automatic pulse policy"),
}
LEGEND: dict[Variant, str] = {  # the same as people read it
    "plain": f"{HIDDEN} neurons, plain rates",
    "scaled": f"{HIDDEN} neurons, scaled rates",
    "wide": f"{WIDE_HIDDEN} neurons",
    "policy": f"{HIDDEN} neurons, automatic pulse policy",
}


def losses(results: Sequence[Benchmark]) -> Panel:
    """Draw the loss of each card compared with its ideal device, with standard errors over seeds; the least on top."""
    ordered = sorted(results, key=lambda each: each.worst.loss)
    curves = []
    for variant, (style, colour, name) in LOOKS.items():
        found = [
            (place, each)
            for place, result in enumerate(ordered)
            for each in result.all_variants
            if each.variant == variant
        ]
        if found:
            places, variants = zip(*found, strict=True)
            x = np.array([100 * each.loss for each in variants])
            error = np.array([100 * each.standard_error for each in variants])
            marker = style[0] if variant != "wide" else "^"
            where = np.array(places) + {"plain": -0.18, "policy": -0.06, "scaled": 0.06, "wide": 0.18}[variant]
            bars = {"low": x - error, "high": x + error}
            curves.append(
                Curve(name, x, where, "across", style=marker, colour=colour, size=5.0, label=LEGEND[variant], **bars)
            )
    names = tuple(each.name for each in ordered)
    lines = [("x", 0.0)]
    axis = Axis("loss", "percentage points")
    return Panel(axis, Axis("", names=names), curves, lines=lines, legend="above")


def severity(flaw: Flaw, results: Sequence[Benchmark]) -> Panel:
    """Draw the accuracy of the generic device against the severity of one flaw, and the cards that have the flaw."""
    found = shipped()
    lines = [("y", 100 * (found["base"][variant]["mean"] - CRITICAL_LOSS)) for variant in ("plain", "scaled")]
    curves, notes = [], []
    for variant, (style, colour, name) in LOOKS.items():
        points = found["flaws"][flaw.name][variant]
        x, y, se = (np.array([point[key] for point in points]) for key in ("severity", "mean", "se"))
        kept = x > 0 if flaw.log else np.isfinite(x)
        x, y, se = x[kept], 100 * y[kept], 100 * se[kept]
        curves.append(
            Curve(name, x, y, "errors", style=style, colour=colour, low=y - se, high=y + se, label=LEGEND[variant])
        )
    for number, result in enumerate(results, start=1):
        own = result.severities.get(flaw.name)
        if own is None:
            continue
        if result.split != found["split"]:  # an accuracy on other data does not belong to this curve
            lines.append(("x", own))
            continue
        for each in result.all_variants:
            if each.variant == "wide":
                continue
            reached = 100 * float(np.mean(each.device))
            _, colour, looks = LOOKS[each.variant]
            mark = f"{result.name}, {looks}"
            at = (np.array([own]), np.array([reached]))
            curves.append(Curve(mark, *at, style="D", colour=colour, size=7.0, legend=False))
            if len(results) > 1:
                notes.append((own * (1.06 if flaw.log else 1.0), reached, f"  {number}"))
    axis = Axis(flaw.axis, scale="log" if flaw.log else "linear")
    return Panel(axis, Axis("accuracy", "%"), curves, flaw.name, notes=notes, lines=lines)
