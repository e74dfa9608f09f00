"""Panel, its settings, and the declarations of a file of `devicekit.figures.panels`.

    NAMES = ("iv", "iv-linear")            # of the panels that it makes
    RANK = 10                              # its place in a figure
    NEEDS = "voltage sweeps"               # in the message where no input has them
    def draw(inputs, how): ...             # a list of Drawn; empty where no input has what it needs

Numbers come from the results of `devicekit.features` and `devicekit.fitting`; a panel computes none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from devicekit.core.text import listed
from devicekit.figures.inputs import Input
from devicekit.figures.looks import MOST, Look, looks
from devicekit.plot import Axis, Curve, Panel

Probability = Literal["linear", "normal", "lognormal", "weibull"]
PROBABILITIES = ("linear", "normal", "lognormal", "weibull")
QUANTITIES = ("siemens", "ohm")
LEAST = 5  # values below which a distribution is not drawn
OPACITY = 0.25  # of bands
ARROW = "arrow"  # name of a curve that is drawn as an arrow from its first point to its last


@dataclass(frozen=True, kw_only=True)
class How:
    """Options of the panels.

    Parameters
    ----------
    probability : {"linear", "normal", "lognormal", "weibull"}
        Axes of distributions.
    show : {"siemens", "ohm"}
        States as conductances or as resistances.
    """

    probability: Probability = "linear"
    show: Literal["siemens", "ohm"] = "siemens"

    @property
    def state(self) -> Axis:
        """Axis of a state."""
        return Axis("Resistance", "ohm") if self.show == "ohm" else Axis("Conductance", "S")

    def states(self, siemens: np.ndarray) -> np.ndarray:
        """Return conductances [S] as they are shown; NaN where they are 0 and resistances are."""
        values = np.asarray(siemens, float)
        if self.show == "siemens":
            return values
        return np.divide(1.0, values, out=np.full(values.shape, np.nan), where=values > 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """A panel, and what its caption says.

    Attributes
    ----------
    name : str
        Name of its files: one of `NAMES` of its module.
    panel : Panel
        Curves in SI units, or in percent.
    shows : str
        What it shows: the first sentence of its caption.
    notes : tuple of str
        Further sentences: numbers of devices and cycles, what a band is, read voltage, compliance.
    inputs : tuple of Input
        The inputs that are in it.
    upright : str
        Scale of the vertical axis, if it is one of a probability: "normal" or "weibull".
    scale : (str, float, float), optional
        Label and ends of the colour bar, where series follow a scale.
    """

    name: str
    panel: Panel
    shows: str
    notes: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    upright: str = ""
    scale: tuple[str, float, float] | None = None


class PanelFile(Protocol):
    """A module of `devicekit.figures.panels`."""

    NAMES: tuple[str, ...]
    RANK: int
    NEEDS: str

    def draw(self, inputs: Sequence[Input], how: How) -> list[Drawn]:
        """Draw what the inputs give."""


@dataclass(frozen=True, eq=False)
class Series:
    """A series of a panel: its name in legend and CSV, its input, its look, and its values.

    Attributes
    ----------
    rows : object
        Rows of a frame, or whatever its panel draws.
    kind : str
        Part of an input that it is, if not all of it: device, compliance, state, level.
    """

    name: str
    of: Input
    rows: Any = None
    kind: str = "device"
    look: Look = field(default_factory=lambda: looks(1)[0])


def dressed(series: Sequence[Series]) -> list[Series]:
    """Return series with looks: one each, in order."""
    return [replace(each, look=look) for each, look in zip(series, looks(len(series)), strict=True)]


def scale_of(series: Sequence[Series]) -> tuple[str, float, float] | None:
    """Return the colour bar of series beyond eight; None of fewer, which a legend names."""
    return (noun(series), 1.0, float(len(series))) if len(series) > MOST else None


def key(name: str, look: Look, *, dash: str = "", marker: str = "", colour: str = "") -> Curve:
    """Return an entry of the legend without data."""
    nothing = np.array([np.nan])
    style = f"{marker}{dash}" or look.dash
    return Curve(name, nothing, nothing, style=style, colour=colour or look.colour, size=3.0, data=False)


def of_each(series: Sequence[Series], words: Sequence[str]) -> str:
    """Return words of each series with its name, of the only one without, of more than eight what they share."""
    if len(series) == 1:
        return words[0]
    same = f"{words[0]}{'' if words[0].endswith(' each') else ' each'}" if len(set(words)) == 1 else ""
    if len(series) > MOST:
        many = f"{len(series)} {noun(series)}s"
        return f"{many}, {same}" if same else many
    if same:
        return f"{listed([each.name for each in series])}: {same}"
    return listed([f"{each.name}: {text}" for each, text in zip(series, words, strict=True)])


def shade(name: str, x: np.ndarray, one: np.ndarray, other: np.ndarray, look: Look) -> Curve:
    """Return a band between two ends, whichever is the lower; the legend does not name it."""
    low, high = np.fmin(one, other), np.fmax(one, other)
    return Curve(name, x, low, "band", low=low, high=high, colour=look.colour, alpha=OPACITY, legend=False)


def scale_text(upright: str) -> list[str]:
    """Return the scale of the vertical axis in a sentence, if it is one of a probability."""
    return [f"Vertical axis: {upright.replace('weibull', 'Weibull')} probability."] if upright else []


def noun(series: Sequence[Series]) -> str:
    """Return what a series is: a result, or a part of one."""
    return "result" if len({id(each.of) for each in series}) == len(series) else series[0].kind


def distinct(series: Sequence[Series]) -> tuple[Input, ...]:
    """Return the inputs of series, each once."""
    return tuple({id(each.of): each.of for each in series}.values())


def read_at(series: Sequence[Series]) -> Iterator[str]:
    """Yield the read voltages of the readings shown, in a sentence; nothing where none is known."""
    known = [each.rows["read_voltage_v"].dropna() for each in series if "read_voltage_v" in each.rows]
    if volts := sorted({float(value) for values in known for value in values.unique()}):
        yield f"Read at {listed([f'{value:g} V' for value in volts])}."
