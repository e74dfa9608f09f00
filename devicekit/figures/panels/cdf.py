"""Cumulative distributions over cycles: of V_set and V_reset, and of HRS and LRS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from devicekit.features.stats import ranks
from devicekit.figures.cycles import (
    in_groups,
    left_out_text,
    limits_text,
    numbers_of,
    read_text,
    rules_text,
    sweep_rate_text,
)
from devicekit.figures.drawn import LEAST, Drawn, How, Series, distinct, key, of_each, scale_of, scale_text
from devicekit.figures.inputs import Input
from devicekit.figures.looks import MOST, Look, looks
from devicekit.plot import Axis, Curve, Panel

NAMES = ("cdf-voltages", "cdf-states")
RANK = 20
NEEDS = f"{LEAST} sweeps or more that switched"
_VOLTAGES = (("V_set", "v_set_v"), ("V_reset", "v_reset_v"))
_STATES = (("LRS", "g_lrs_s"), ("HRS", "g_hrs_s"))
MANY = 60  # values above which points are joined and drawn without markers


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw the distributions of voltages, and of states."""
    series = in_groups(inputs)
    found = [_drawn(series, _VOLTAGES, how), _drawn(series, _STATES, how)]
    return [each for each in found if each is not None]


def _drawn(series: Sequence[Series], pair: Sequence[tuple[str, str]], how: How) -> Drawn | None:
    voltages = pair is _VOLTAGES
    known = [each for each in series if any(_values(each, column).size >= LEAST for _, column in pair)]
    if not known:
        return None
    alone = len(known) == 1
    drawn = (_curve(each, *numbers, n, how, len(known)) for each in known for n, numbers in enumerate(pair))
    curves = [each for each in drawn if each is not None]
    if not alone:
        black = Look("#000000")
        curves += [key(pair[0][0], black), key(pair[1][0], black, dash="--")]
    upright = {"normal": "normal", "lognormal": "normal", "weibull": "weibull"}.get(how.probability, "")
    if voltages:
        log = how.probability in ("lognormal", "weibull")
        x = Axis("|Voltage|", "V", "log") if log else Axis("Voltage", "V")
    else:
        state = how.state
        x = Axis(state.label, state.unit, "linear" if how.probability == "normal" else "log")
    inputs = distinct(known)
    numbers = of_each(known, [" and ".join(dict.fromkeys(f"{n}" for n in _counts(each, pair))) for each in known])
    if alone and len(series) > 1:  # the others have too few values
        numbers = f"{known[0].name}: {numbers}"
    what = "V_set and V_reset" if voltages else "HRS and LRS"
    notes = [rules_text(inputs) if voltages else read_text(inputs), limits_text(known), left_out_text(inputs)]
    notes += [sweep_rate_text(inputs)] if voltages else []
    return Drawn(
        name="cdf-voltages" if voltages else "cdf-states",
        panel=Panel(x, Axis("Cumulative probability", "%"), curves),
        shows=f"Cumulative distributions of {what} over cycles ({numbers}).",
        notes=(*(each for each in notes if each), *scale_text(upright), "Median ranks, (i - 0.3)/(n + 0.4)."),
        inputs=inputs,
        upright=upright,
        scale=scale_of(known),
    )


def _counts(series: Series, pair: Sequence[tuple[str, str]]) -> list[str]:
    return [numbers_of([series], column)[0] for _, column in pair]


def _values(series: Series, column: str) -> np.ndarray:
    rows: pd.DataFrame = series.rows
    values = rows[column].to_numpy(float)
    return values[np.isfinite(values)]


def _curve(series: Series, name: str, column: str, place: int, how: How, among: int) -> Curve | None:
    """Return the distribution of one number of one of several series; None with too few values."""
    alone, crowded = among == 1, among > MOST
    values = _values(series, column)
    if values.size < LEAST:
        return None
    if column.startswith("g_"):
        values = how.states(values[values > 0])
    elif how.probability in ("lognormal", "weibull"):
        values = np.abs(values)
    x, share = ranks(values)
    look = looks(2)[place] if alone else series.look
    dash = ("-", "--")[place] if not alone else look.dash
    marker = look.marker if alone else ("o", "s")[place]
    style = dash if x.size > MANY or crowded else f"{marker}{dash}"
    looked: dict[str, Any] = {"style": style, "colour": look.colour, "width": 1.0, "size": 2.0}
    if alone:
        return Curve(name, x, 100.0 * share, **looked)
    return Curve(f"{series.name}, {name}", x, 100.0 * share, **looked, legend=place == 0, label=series.name)
