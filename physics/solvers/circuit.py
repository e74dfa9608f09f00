"""The circuit of source, series elements and current limit around a device with current I = alpha + beta V."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Operating:
    """Voltage across the device [V], current through it [A], and True if the current limit is active."""

    voltage: float
    current: float
    limited: bool


def transistor_drop(current: float, saturation: float, gate: float) -> float:
    """Return the voltage across the transistor of a 1T1R cell [V]: V_ov (1 - sqrt(1 - I / I_sat)).

    The square law of a field-effect transistor whose source is grounded on the side of the SET: it saturates at I_sat
    with SET currents, and opens further with RESET currents, whose source is the device. In both a small current sees
    V_ov / 2 I_sat.

    Parameters
    ----------
    current : float
        Up to I_sat; negative on the RESET side [A].
    saturation : float
        V_ov, the voltage at which it saturates [V].
    gate : float
        I_sat, which the gate voltage sets [A].
    """
    return saturation * (1 - math.sqrt(1 - current / gate))


def operate(
    source: float,
    offset: float,
    slope: float,
    resistance: float,
    compliance: float,
    saturation: float = 0.0,
    gate: float = math.inf,
) -> Operating:
    """Return the operating point of a device, I = offset [A] + slope [S] V, behind `resistance` [ohm] and a limit [A].

    V = V_d + I R_s + the drop of the transistor, unless |I| would exceed the compliance; then |I| is the compliance,
    and the source gives way. An ohmic device has no offset; of another one this is the current linearised about its
    last potential. Both cases have a closed form: with s = sqrt(1 - I / I_sat) the transistor's is a quadratic in s.

    Parameters
    ----------
    source, offset, slope, resistance, compliance : float
    saturation, gate : float
        As in `transistor_drop`; no transistor with a saturation of 0 or an infinite gate current.
    """
    if saturation > 0 and math.isfinite(gate):
        whole = gate * (1 / slope + resistance)
        rest = whole + saturation - source - offset / slope
        share = max((math.sqrt(max(saturation**2 + 4 * whole * rest, 0.0)) - saturation) / (2 * whole), 0.0)
        current = gate * (1 - share**2)
        voltage, limited = (current - offset) / slope, share == 0.0
    else:
        voltage = (source - resistance * offset) / (1 + slope * resistance)
        current, limited = offset + slope * voltage, False
    if abs(current) <= compliance:
        return Operating(voltage, current, limited)
    current = math.copysign(compliance, source)
    return Operating((current - offset) / slope, current, True)
