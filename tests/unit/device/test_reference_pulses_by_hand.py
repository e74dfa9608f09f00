"""Laws of amplitude and width whose two directions have pulses of their own."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.models.pulselaw import Pulse


def branch(exponent: float, m: float, volts: float, width: float) -> BranchScaling:
    """A power law of amplitude and width."""
    return BranchScaling(
        law="power",
        parameters={"n": exponent, "m": m},
        intervals={"n": (exponent - 1, exponent + 2), "m": (m - 0.1, m + 0.3)},
        covariance=((1.0, 0.0), (0.0, 1.0)),
        scatter=0.03,
        reference_voltage_v=volts,
        reference_width_s=width,
        voltage_range_v=(0.5, 3.0),
        width_range_s=(1e-7, 1e-3),
        n_pulses=9,
        not_excluded=("power",),
        assumed=False,
    )


def laws() -> PulseScaling:
    return PulseScaling(source="made", ltp=branch(4.0, 0.5, 0.9, 1e-5), ltd=branch(3.0, 0.25, 1.5, 2e-5))


def test_each_direction_is_counted_from_its_own_pulse() -> None:
    found = laws().relative_to(Pulse(1.0, 1e-6), Pulse(2.0, 4e-6))
    ltp, ltd = found.branch("ltp"), found.branch("ltd")
    assert (ltp.reference_voltage_v, ltp.reference_width_s) == (1.0, 1e-6)
    assert (ltd.reference_voltage_v, ltd.reference_width_s) == (2.0, 4e-6)
    assert ltp.factor(2.0, 4e-6, False, "LTP") == pytest.approx(2.0**4 * 4**0.5)
    assert ltd.factor(1.0, 64e-6, False, "LTD") == pytest.approx(0.5**3 * 16**0.25)
    assert ltp.factor(None, None, False, "LTP") == ltd.factor(None, None, False, "LTD") == 1.0


def test_unstated_pulses_keep_the_reference() -> None:
    found = laws().relative_to(Pulse(None, 1e-6), Pulse(2.0, None))
    ltp, ltd = found.branch("ltp"), found.branch("ltd")
    assert (ltp.reference_voltage_v, ltp.reference_width_s) == (0.9, 1e-6)
    assert (ltd.reference_voltage_v, ltd.reference_width_s) == (2.0, 2e-5)


def test_parameters_of_both_directions_are_shown_with_their_intervals() -> None:
    shown = {each.name: (each.value, each.low, each.high) for each in laws().scalars()}
    assert shown["pulse_n_ltp"] == (4.0, 3.0, 6.0)
    assert shown["pulse_n_ltd"] == (3.0, 2.0, 5.0)
    assert shown["pulse_m_ltp"] == pytest.approx((0.5, 0.4, 0.8))
    assert shown["pulse_m_ltd"] == pytest.approx((0.25, 0.15, 0.55))
    assert np.all([low < value < high for value, low, high in shown.values()])
