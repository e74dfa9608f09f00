"""Levels of multilevel devices: the distribution of the readings of each level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.core.text import count, percent, percent_span
from devicekit.features.merits.multilevel import MultilevelResult
from devicekit.features.stats import ranks
from devicekit.figures.drawn import LEAST, Drawn, How, Series, dressed, scale_of, scale_text
from devicekit.figures.inputs import Input
from devicekit.figures.looks import MOST
from devicekit.plot import Axis, Curve, Panel

NAMES = ("levels",)
RANK = 40
NEEDS = "readings of several levels"
MANY = 60  # readings above which points are joined


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw the levels of each input: a panel each, because levels share no legend."""
    found = [(each, each.merits["multilevel"]) for each in inputs if "multilevel" in each.merits]
    return [
        _drawn(given, result, how, number if len(found) > 1 else 0)
        for number, (given, result) in enumerate(found, 1)
        if isinstance(result, MultilevelResult)
    ]


def _drawn(given: Input, result: MultilevelResult, how: How, number: int) -> Drawn:
    known = [each for each in result.levels if each.conductance_s.size >= LEAST]
    series = dressed([Series(each.name, given, each, "level") for each in known])
    curves = []
    for each in series:
        x, share = ranks(how.states(each.rows.conductance_s))
        style = each.look.dash if x.size > MANY else f"{each.look.marker}{each.look.dash}"
        curves.append(Curve(each.name, x, 100.0 * share, style=style, colour=each.look.colour, width=0.8, size=1.8))
    few = len(series) <= MOST
    cuts = how.states(np.array([pair.threshold_s for pair in result.neighbours if pair.threshold_s is not None]))
    lines = [("x", float(at)) for at in cuts] if few else []
    log = result.scale.name == "log" and how.probability != "normal"
    state = how.state
    upright = {"normal": "normal", "lognormal": "normal", "weibull": "weibull"}.get(how.probability, "")
    sizes = sorted({each.conductance_s.size for each in known})
    each_n = f"n = {sizes[0]}" + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
    of = f" of {given.label}" if number else ""
    devices = count(len(result.table.devices), "device")
    return Drawn(
        name=f"levels-{number}" if number else "levels",
        panel=Panel(
            Axis(state.label, state.unit, "log" if log or how.probability == "lognormal" else "linear"),
            Axis("Cumulative probability", "%"),
            curves,
            lines=lines,
        ),
        shows=f"Distributions of {len(series)} levels{of} ({each_n} readings each, {devices}).",
        notes=(*_notes(result, bool(lines)), *scale_text(upright)),
        inputs=(given,),
        upright=upright,
        scale=scale_of(series),
    )


def _notes(result: MultilevelResult, marked: bool) -> list[str]:
    notes = ["Dashed: thresholds between neighbours."] if marked else []
    if len(result.levels) > MOST:
        notes.append("Colour: number of the level, from the lowest conductance.")
    if (found := result.bit_errors) is not None and found.ends:
        notes.append(f"Misread bits in Gray code: {percent(found.value)} (95 %: {percent_span(*found.ends)}).")
    without = sum(pair.threshold_s is None for pair in result.neighbours)
    if without:
        notes.append(f"{without} of {count(len(result.neighbours), 'pair')} of neighbours have no threshold.")
    if (result.table.frame.get("read_voltage_v")) is not None:
        volts = sorted(set(result.table.frame["read_voltage_v"].dropna()))
        notes += [f"Read at {volts[0]:g} V."] if len(volts) == 1 else []
    return notes
