"""The circuit around a device: series resistance, compliance, transistor."""

from __future__ import annotations

import math

import pytest

from physics.solvers.circuit import operate, transistor_drop
from physics.stack import load_material

SLOPE, OFFSET, RESISTANCE, OVER, GATE = 8e-4, 3e-5, 700.0, 0.35, 2e-4


def unlimited(source, offset=OFFSET):
    return operate(source, offset, SLOPE, RESISTANCE, math.inf, OVER, GATE)


@pytest.mark.parametrize("source", [-3.0, -0.4, -1e-3, 0.0, 1e-3, 0.1, 0.4, 0.6])
@pytest.mark.parametrize("offset", [0.0, OFFSET, -OFFSET])
def test_a_transistor_in_series_obeys_its_equation(source, offset):
    """V = V_d + I R + V_ov (1 - sqrt(1 - I / I_sat)) with I = offset + slope V_d, in both polarities."""
    found = unlimited(source, offset)
    assert found.current == pytest.approx(offset + SLOPE * found.voltage, rel=1e-12, abs=1e-18)
    assert not found.limited
    assert found.current < GATE
    rest = source - found.voltage - RESISTANCE * found.current - OVER * (1 - math.sqrt(1 - found.current / GATE))
    assert rest == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("offset", [0.0, OFFSET, -OFFSET])
def test_a_transistor_saturates_at_its_current(offset):
    """The source reaches V_d(I_sat) + I_sat R + V_ov: the current stays, and the device keeps its voltage."""
    held = (GATE - offset) / SLOPE
    edge = held + GATE * RESISTANCE + OVER
    below, above, far = (unlimited(edge * factor, offset) for factor in (1 - 1e-6, 1 + 1e-6, 3.0))
    assert not below.limited
    assert GATE * (1 - 1e-10) < below.current < GATE  # the drop's square root: quadratic at the edge
    for each in (above, far):
        assert each.limited
        assert each.current == pytest.approx(GATE, rel=1e-15)
        assert each.voltage == pytest.approx(held, rel=1e-14)


def test_a_transistor_does_not_saturate_on_the_reset_side():
    """There the current is that of a root: with I = -8 I_sat it takes 2 V_ov less."""
    wanted = -8 * GATE
    source = (wanted - OFFSET) / SLOPE + wanted * RESISTANCE + OVER * (1 - 3.0)
    found = unlimited(source)
    assert found.current == pytest.approx(wanted, rel=1e-12)
    assert not found.limited
    assert transistor_drop(wanted, OVER, GATE) == pytest.approx(-2 * OVER, rel=1e-14)


def test_a_transistor_is_a_small_resistance_at_small_currents_and_its_limits():
    """V_ov / 2 I_sat at first; V_ov at the current of the gate; none without a voltage or a gate."""
    for tiny in (1e-10, -1e-10):
        assert transistor_drop(tiny, OVER, GATE) == pytest.approx(tiny * OVER / (2 * GATE), rel=1e-6)
    assert transistor_drop(GATE, OVER, GATE) == OVER
    bare = operate(0.4, OFFSET, SLOPE, RESISTANCE, math.inf)
    assert operate(0.4, OFFSET, SLOPE, RESISTANCE, math.inf, 0.0, GATE) == bare
    assert operate(0.4, OFFSET, SLOPE, RESISTANCE, math.inf, OVER, math.inf) == bare
    assert bare.voltage + RESISTANCE * bare.current == pytest.approx(0.4, rel=1e-14)


@pytest.mark.parametrize(("limit", "limited"), [(1.0001, False), (0.9999, True)])
def test_the_compliance_of_the_instrument_may_come_before_the_transistor(limit, limited):
    """A current of 0.6 I_sat, and an instrument that allows just more or just less."""
    source = (0.6 * GATE - OFFSET) / SLOPE + 0.6 * GATE * RESISTANCE + OVER * (1 - math.sqrt(0.4))
    found = operate(source, OFFSET, SLOPE, RESISTANCE, 0.6 * GATE * limit, OVER, GATE)
    assert found.limited is limited
    assert found.current == pytest.approx(0.6 * GATE * min(limit, 1.0), rel=1e-12)
    assert found.voltage == pytest.approx((found.current - OFFSET) / SLOPE, rel=1e-12)


@pytest.mark.parametrize(
    ("source", "conductance", "voltage", "current", "limited"),
    [
        (1.0, 1e-3, 2 / 3, 2e-3 / 3, False),  # 1 kohm behind 500 ohm
        (2.0, 1e-3, 1.0, 1e-3, True),  # 1.33 mA would flow
        (-2.0, 1e-3, -1.0, -1e-3, True),
        (1.5, 1e-3, 1.0, 1e-3, False),  # just the limit is no more than it
    ],
)
def test_operating_point_of_a_device_in_series(
    source: float, conductance: float, voltage: float, current: float, limited: bool
) -> None:
    found = operate(source, 0.0, conductance, 500.0, 1e-3)
    assert found.voltage == pytest.approx(voltage, rel=1e-12)
    assert found.current == pytest.approx(current, rel=1e-12)
    assert found.limited is limited


@pytest.mark.parametrize(("source", "conductance"), [(0.5, 1e-4), (-0.9, 3e-4), (0.0, 1e-5)])
def test_circuit_identity(source, conductance):
    point = operate(source, 0.0, conductance, 500.0, 1e-3)
    assert point.voltage + point.current * 500.0 == pytest.approx(source, abs=1e-15)
    assert point.current == pytest.approx(conductance * point.voltage)
    assert not point.limited


@pytest.mark.parametrize("sign", [1, -1])
def test_compliance_holds_in_both_directions(sign):
    point = operate(sign * 0.9, 0.0, 5e-3, 0.0, 1e-3)
    assert point.limited
    assert point.current == pytest.approx(sign * 1e-3)
    assert point.voltage == pytest.approx(sign * 0.2)


def test_one_gain_factor_gives_each_level_its_own_saturation_voltage() -> None:
    """sqrt(2 I_sat / beta): twice the voltage at four times the current; without a gate there is no transistor."""
    circuit = load_material("drift").circuit.model_copy(update={"transistor_beta": 4e-3})
    assert circuit.saturation(2e-4) == pytest.approx(math.sqrt(0.1))
    assert circuit.saturation(8e-4) == pytest.approx(2 * circuit.saturation(2e-4))
    assert circuit.saturation(math.inf) == 0.0
    assert circuit.model_copy(update={"transistor_beta": 0.0, "saturation_voltage": 0.3}).saturation(2e-4) == 0.3
