"""The source, its series resistance and its current limit, around a device of known conductance."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Operating:
    """Voltage across the device [V], current through it [A], and whether the current limit is in force."""

    voltage: float
    current: float
    limited: bool


def operate(source: float, conductance: float, resistance: float, compliance: float) -> Operating:
    """Operating point of a device of `conductance` [S] behind `resistance` [ohm] and a current limit [A].

    V = V_d + I R_s unless |I| would exceed the limit; then |I| is the limit, and the source gives way. The
    potential is linear in V_d, so no iteration between circuit and field is needed.
    """
    voltage = source / (1 + conductance * resistance)
    current = conductance * voltage
    if abs(current) <= compliance:
        return Operating(voltage, current, False)
    current = math.copysign(compliance, source)
    return Operating(current / conductance, current, True)
