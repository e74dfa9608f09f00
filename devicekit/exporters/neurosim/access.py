"""Effects of the array of NeuroSim on a device: the transistor in series, and the initial weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

DEFAULT_RESISTANCE = 15e3  # ohm, of an unchanged V3.0
WORTH = 0.01  # loss of on/off ratio above which the resistance is changed


@dataclass(frozen=True)
class Cell:
    """The cell of a copy of NeuroSim.

    Attributes
    ----------
    resistance : float
        Of the access transistor in the source [ohm].
    of_one_width : float
        Of a transistor one feature wide [ohm].
    width : float
        Of the cell, in features; upper limit of the width of the transistor.
    node : int
        Feature size [nm].
    """

    resistance: float
    of_one_width: float
    width: float
    node: int

    @property
    def smallest(self) -> float:
        """Smallest resistance that the width allows [ohm], rounded up to 3 digits; NeuroSim stops below it."""
        least = self.of_one_width / self.width
        unit = 10.0 ** (math.floor(math.log10(least)) - 2)
        return math.ceil(least / unit) * unit


def on_off(low: float, high: float, resistance: float = 0.0) -> float:
    """Return the ratio of largest to smallest current of devices, `low` to `high` [S], in series with a resistance."""
    return math.inf if low == 0 else (1.0 / low + resistance) / (1.0 / high + resistance)


def bend(low: float, high: float, resistance: float) -> float:
    """Return the largest deviation of the weight (a normalised current) from linearity in the conductance [1]."""
    g = np.linspace(low, high, 1001)
    current = g / (1.0 + g * resistance)
    weight = (current - current[0]) / (current[-1] - current[0])
    return float(np.abs(weight - np.linspace(0.0, 1.0, g.size)).max())


def choose_resistance(low: float, high: float, cell: Cell) -> float:
    """Choose the resistance [ohm]: that of the cell, or the smallest possible one if it improves the device."""
    lost = 1.0 - on_off(low, high, cell.resistance) / on_off(low, high) if low > 0 else 0.0
    worth = lost > WORTH or bend(low, high, cell.resistance) > WORTH
    return min(cell.resistance, cell.smallest) if worth else cell.resistance


def required_width(low: float, high: float, cell: Cell, loss: float = 0.1) -> float:
    """Return the width of a cell whose transistor reduces the on/off ratio by at most `loss` [features]."""
    if low == 0:
        return cell.width
    kept = (1.0 - loss) * high / low
    if kept <= 1.0:
        return cell.width
    return cell.of_one_width * (kept - 1.0) * low / loss


def sentence(low: float, high: float, cell: Cell | None) -> str:
    """Return the README sentence on the access transistor of a copy, or of an unchanged NeuroSim."""
    own = DEFAULT_RESISTANCE if cell is None else cell.resistance
    before = f"{on_off(low, high):.3g}"
    text = (
        f"ACCESS TRANSISTOR: with {own:g} ohm in series to each device the on/off ratio is "
        f"{on_off(low, high, own):.3g} instead of {before}, and the weight (a current) deviates from linearity by up "
        f"to {bend(low, high, own):.1%} of its range"
    )
    if cell is None:
        return f"{text}. This is the default of NeuroSim; --source sets the lowest value that the cell allows."
    now = choose_resistance(low, high, cell)
    if now < own:
        text += (
            f". The patch sets {now:g} ohm, the minimum of a cell {cell.width:g} features wide at {cell.node} nm "
            f"(NeuroSim stops below it): on/off ratio {on_off(low, high, now):.3g}, deviation from linearity "
            f"{bend(low, high, now):.1%}"
        )
    elif own > cell.smallest:
        return f"{text}. The patch does not change it."
    else:
        text += (
            f". The patch does not change it: {cell.smallest:g} ohm is the minimum of a cell {cell.width:g} features "
            "wide"
        )
    wide = required_width(low, high, cell)
    if wide > cell.width:
        text += (
            f". A loss of on/off ratio below 10 % needs a cell {math.ceil(wide)} features wide (set widthInFeatureSize "
            "and export again), or a device of lower conductance"
        )
    return f"{text}."


def initial_sentence(low: float, high: float, patched: bool) -> str:
    """Return the README sentence on the initial weights of a training."""
    share = low / (high - low)
    return (
        "INITIAL WEIGHTS: the array of NeuroSim maps weights to conductances from 0 S, not from minConductance. "
        f"Initial weights are therefore too low by {share:.0%} of their range (clipped at its end); "
        + ("the patch" if patched else "--source")
        + " adds minConductance in Array.cpp."
    )
