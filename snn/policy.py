"""Description of a pulse policy: how the weight change that a learning rule asks for becomes pulses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snn.choices import DecayBy


@dataclass(frozen=True)
class Policy:
    """Conversion of the weight change that a learning rule asks for into pulses.

    Parameters
    ----------
    name, title, source : str
        Stable id, equal to the file name; title for display; reference.
    pulse_request : callable
        (total, change, level, alpha, most, draw) -> (pulses, total), compiled: the pulses for one synapse, positive
        for a larger weight, and the sum to keep. `total` is the sum so far [weight units], `change` the change asked
        for now, `level` the change expected from one pulse, `alpha` a setting, `most` the largest number of pulses,
        `draw` uniform in 0 to 1.
    summed : bool
        True if changes are simply added to the sum and `pulse_request` is called only where the sum exceeds `level`,
        with change 0 and without a draw, which is fast. Otherwise it is called for every change other than 0.
    most : int
        Default of the largest number of pulses in one presentation.
    decay_by : {"theta", "eta"}
        Default of the schedule over the epochs: thresholds grow ("theta") or learning rates fall ("eta").
    verifies : bool
        True if the weight is read before and after the pulses and the measured change is subtracted from the sum.
    needs_theta : bool
        True if the policy has no automatic threshold.
    """

    name: str
    title: str
    source: str
    pulse_request: Callable[..., Any]
    summed: bool = True
    most: int = 1
    decay_by: DecayBy = "theta"
    verifies: bool = False
    needs_theta: bool = False
