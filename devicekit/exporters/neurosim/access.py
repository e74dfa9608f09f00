"""What NeuroSim's array makes of a device: the transistor in series with it, and where its first weights land."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NEUROSIMS = 15e3  # ohm, in V3.0 as it comes
WORTH = 0.01  # loss of on/off ratio from which the resistance is worth a change


@dataclass(frozen=True)
class Cell:
    """The cell of a copy of NeuroSim.

    Attributes
    ----------
    resistance : float
        Of the access transistor as it stands there [ohm].
    of_one_width : float
        Of a transistor one feature wide [ohm].
    width : float
        Of the cell, in features; the transistor may be as wide.
    node : int
        Feature [nm].
    """

    resistance: float
    of_one_width: float
    width: float
    node: int

    @property
    def smallest(self) -> float:
        """The smallest resistance that the width allows [ohm], rounded up to 3 digits: at less the program stops."""
        least = self.of_one_width / self.width
        unit = 10.0 ** (math.floor(math.log10(least)) - 2)
        return math.ceil(least / unit) * unit


def on_off(low: float, high: float, resistance: float = 0.0) -> float:
    """Ratio of the largest to the smallest current, devices of `low` to `high` [S] in series with a resistance."""
    return math.inf if low == 0 else (1.0 / low + resistance) / (1.0 / high + resistance)


def bend(low: float, high: float, resistance: float) -> float:
    """Largest deviation of a weight, a current between its ends, from one that is linear in the conductance [1]."""
    g = np.linspace(low, high, 1001)
    current = g / (1.0 + g * resistance)
    weight = (current - current[0]) / (current[-1] - current[0])
    return float(np.abs(weight - np.linspace(0.0, 1.0, g.size)).max())


def choose_resistance(low: float, high: float, cell: Cell) -> float:
    """The resistance for a device [ohm]: the cell's own, or the smallest that its width allows if that is worth it."""
    lost = 1.0 - on_off(low, high, cell.resistance) / on_off(low, high) if low > 0 else 0.0
    worth = lost > WORTH or bend(low, high, cell.resistance) > WORTH
    return min(cell.resistance, cell.smallest) if worth else cell.resistance


def required_width(low: float, high: float, cell: Cell, loss: float = 0.1) -> float:
    """Width of a cell whose transistor takes no more than a share of the on/off ratio [features]."""
    if low == 0:
        return cell.width
    kept = (1.0 - loss) * high / low
    if kept <= 1.0:
        return cell.width
    return cell.of_one_width * (kept - 1.0) * low / loss


def sentence(low: float, high: float, cell: Cell | None) -> str:
    """Return what is said of the access transistor: of the cell of a copy, or of NeuroSim as it comes."""
    own = NEUROSIMS if cell is None else cell.resistance
    before = f"{on_off(low, high):.3g}"
    text = (
        f"ACCESS TRANSISTOR: an array reads each device through {own:g} ohm, so that the on/off ratio is "
        f"{on_off(low, high, own):.3g} instead of {before}, and a weight (a current) is off the line by up to "
        f"{bend(low, high, own):.1%} of its range"
    )
    if cell is None:
        return f"{text}; resistanceAccess is NeuroSim's own. With --source it is set as low as the cell allows."
    now = choose_resistance(low, high, cell)
    if now < own:
        text += (
            f". The patch sets {now:g} ohm, the least that a cell {cell.width:g} features wide holds at {cell.node} nm "
            f"(the program stops at less): on/off {on_off(low, high, now):.3g}, off the line by "
            f"{bend(low, high, now):.1%}"
        )
    elif own > cell.smallest:
        return f"{text}: left as it is."
    else:
        text += (
            f". It is left as it is: less than {cell.smallest:g} ohm does not fit a cell {cell.width:g} features wide"
        )
    wide = required_width(low, high, cell)
    if wide > cell.width:
        text += (
            f". On/off within 10 % would take a cell {math.ceil(wide)} features wide (set widthInFeatureSize there "
            f"and export again), or a device of less conductance"
        )
    return f"{text}."


def initial_sentence(low: float, high: float, patched: bool) -> str:
    """Return what is said of the weights that a training starts with."""
    share = low / (high - low)
    return (
        "FIRST WEIGHTS: NeuroSim's array turns a weight into a conductance that begins at 0 S, not at minConductance: "
        f"all weights that a training starts with are too low by {share:.0%} of their range (cut at its end); "
        + ("the patch adds minConductance in Array.cpp." if patched else "with --source it is added in Array.cpp.")
    )
