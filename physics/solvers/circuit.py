"""The source, its series resistance and its current limit, around a device whose current is I = alpha + beta V."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Operating:
    """Voltage across the device [V], current through it [A], and whether the current limit is in force."""

    voltage: float
    current: float
    limited: bool


def operate(source: float, offset: float, slope: float, resistance: float, compliance: float) -> Operating:
    """Operating point of a device of I = offset [A] + slope [S] V behind `resistance` [ohm] and a limit [A].

    V = V_d + I R_s unless |I| would exceed the limit; then |I| is the limit, and the source gives way. An ohmic
    device has no offset; of another one this is the current linearised about its last potential.
    """
    voltage = (source - resistance * offset) / (1 + slope * resistance)
    current = offset + slope * voltage
    if abs(current) <= compliance:
        return Operating(voltage, current, False)
    current = math.copysign(compliance, source)
    return Operating((current - offset) / slope, current, True)
