"""Bakes of many cells: the mean shift of each level with the range of its cells, at each temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.core.text import count
from devicekit.features.merits.bakes import BakesResult
from devicekit.figures.drawn import Drawn, How, Series, dressed, scale_of, shade
from devicekit.figures.inputs import Input
from devicekit.plot import Axis, Panel

NAMES = ("bakes",)
RANK = 37
NEEDS = "many cells read before and after bakes"


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw the shifts of each input as characterize found them, a panel each."""
    del how
    found = [(each, result) for each in inputs if isinstance(result := each.merits.get("bakes"), BakesResult)]
    return [_drawn(given, result, n if len(found) > 1 else 0) for n, (given, result) in enumerate(found, 1)]


def _drawn(given: Input, result: BakesResult, number: int) -> Drawn:
    own = result.panel()
    lines = [each for each in own.curves if each.kind == "line"]
    bands = {each.name: each for each in own.curves if each.kind == "band"}
    series = dressed([Series(each.name, given, each, "bake") for each in lines])
    curves = []
    for each in series:
        behind = next((found for name, found in bands.items() if name.startswith(f"{each.name},")), None)
        if behind is not None and each is series[-1]:
            curves.append(shade(behind.name, behind.x, np.asarray(behind.low), np.asarray(behind.high), each.look))
        curves.append(replace(each.rows, style=each.look.dash, colour=each.look.colour, width=1.0))
    of = f" of {given.label}" if number else ""
    return Drawn(
        name=f"bakes-{number}" if number else "bakes",
        panel=Panel(Axis("Conductance", own.x.unit), Axis("Shift by the bake", own.y.unit), curves, lines=[("y", 0.0)]),
        shows=f"Mean shift of each level by a bake{of} ({count(result.n, 'cell')}).",
        notes=(f"Band: 95 % of the cells after {series[-1].name}.",) if bands else (),
        inputs=(given,),
        scale=scale_of(series),
    )
