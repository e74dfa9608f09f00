"""What a pulse policy brings along: how the change of a weight that a rule wants becomes pulses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snn.choices import DecayBy


@dataclass(frozen=True)
class Policy:
    """How the change of a weight that a rule wants becomes pulses.

    Parameters
    ----------
    name, title, source : str
        Stable id, which is the name of the policy's file; words for people; where it comes from.
    wish : callable
        (total, change, level, alpha, most, draw) -> (pulses, total), compiled: what to give a synapse. `total` is its
        sum [weight units], `change` the change that is wanted now, `level` what one pulse is taken to do, `alpha` a
        setting, `most` the largest number of pulses, `draw` uniform in 0 to 1. Pulses are positive for a larger weight;
        the total is what is kept.
    summed : bool
        Whether changes are simply added to the sum, and `wish` is asked only where the sum exceeds `level`, with
        change 0 and without a draw: then it is fast. Else it is asked for every change that is not 0.
    most : int
        Pulses of one presentation, if nobody says how many.
    decay_by : {"theta", "eta"}
        Whether thresholds grow or learning rates fall over the epochs, if nobody says which.
    verifies : bool
        Whether the weight is read before and after the pulses, and what they did taken off the total.
    needs_theta : bool
        Whether there is no automatic threshold for it.
    """

    name: str
    title: str
    source: str
    wish: Callable[..., Any]
    summed: bool = True
    most: int = 1
    decay_by: DecayBy = "theta"
    verifies: bool = False
    needs_theta: bool = False
