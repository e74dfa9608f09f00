"""Devices made linear or symmetric keep their mean steps; energy of pulses where the card says enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions, DeviceRow, Window
from devicekit.device.idealise import idealise, with_steps
from devicekit.models.laws.eq2 import Eq2
from snn.recipe import symmetric_point
from snn.training import TrainingConfig, train

GRID = np.linspace(0, 1, 101)
DOWN = (-3.0, 0.8, 2.0, 0.0, 0.0, 0.0)


@pytest.fixture
def device(card_maker):
    card = card_maker(down=DOWN)
    row = DeviceRow(device_id="a", ltp_theta=card.ltp.theta, ltd_theta=DOWN, ltp_largest_step=0.2, ltd_largest_step=0.2)
    return card.model_copy(update={"devices": (row, row)})


def test_nothing_asked_nothing_changed(device):
    assert idealise(device) is device


def test_linear_keeps_each_branch_s_mean_step(device):
    made = idealise(device, linear=True)
    for direction in ("ltp", "ltd"):
        steps = made.rate(direction, GRID)
        assert np.ptp(steps) == pytest.approx(0, abs=1e-12)
        assert steps[0] == pytest.approx(device.rate(direction, GRID).mean())
    assert made.devices[0].ltp_theta == made.ltp.theta
    array = DeviceArray(made, 4, initial=0.5, c2c="none")
    array.pulse(1)
    np.testing.assert_allclose(array.r, 0.5 + made.rate("ltp", 0.5))


def test_symmetric_mirrors_ltp_and_keeps_the_geometric_mean(device):
    made = idealise(device, symmetric=True)
    np.testing.assert_allclose(made.rate("ltd", 1 - GRID), -made.rate("ltp", GRID))
    before = device.rate("ltp", GRID).mean() * -device.rate("ltd", GRID).mean()
    assert made.rate("ltp", GRID).mean() ** 2 == pytest.approx(before)
    both = idealise(device, linear=True, symmetric=True)
    assert symmetric_point(both) == pytest.approx(0.5)
    assert both.rate("ltp", 0.2) == pytest.approx(-both.rate("ltd", 0.9))
    assert both.name.endswith("linear and symmetric")


def test_what_a_made_device_says_of_itself_is_its_own(device):
    made = idealise(device, linear=True)
    for branch, sign in ((made.ltp, 1), (made.ltd, -1)):
        step = sign * math.exp(branch.theta[0])  # a linear law is one step, everywhere
        assert list(branch.coefficients.values()) == [branch.theta[0]]
        assert branch.coefficients_s is None
        assert branch.rate_curve.rate == pytest.approx([step] * len(branch.rate_curve.r))
        assert branch.rate_curve.lower == branch.rate_curve.upper == branch.rate_curve.rate
        assert not any(branch.standard_errors.values())
    mirrored = idealise(device, symmetric=True)
    for branch in (mirrored.ltp, mirrored.ltd):
        own = Eq2(**branch.coefficients)
        # published coefficients have no cap
        np.testing.assert_allclose(
            np.clip(own.rate(0.3), -branch.largest_step, branch.largest_step), mirrored.rate(branch.direction, 0.3)
        )
    assert [each.code for each in made.warnings][-1] == "idealised"


def test_write_energy_where_the_card_says_enough(card, small_digits):
    config = TrainingConfig(epochs=1, hidden=64)
    assert train(card, config, small_digits).write_energy_j is None
    known = card.model_copy(
        update={
            "window": Window(quantity="conductance_s", low=1e-4, high=3e-4, scope="made"),
            "conditions": Conditions(pulse_width_s=1e-6, ltp_voltage_v=1.0, ltd_voltage_v=-2.0),
        }
    )
    result = train(known, config, small_digits)
    pulses = sum(row.pulses for row in result.epochs)
    assert result.write_energy_j == pytest.approx(pulses * 2.5 * 2e-4 * 1e-6)


def test_larger_steps_are_larger_in_every_row_of_the_card(device):
    """Steps, caps and increments are three times as large, of the central device and of each measured one."""
    made = with_steps(device, 3.0)
    for own, before in ((made.devices[0], device.devices[0]), (made.devices[1], device.devices[1])):
        assert own.ltp_largest_step == pytest.approx(3 * before.ltp_largest_step)
        assert own.ltd_largest_step == pytest.approx(3 * before.ltd_largest_step)
        assert own.ltp_theta == pytest.approx((before.ltp_theta[0] + math.log(3), *before.ltp_theta[1:]))
        assert own.ltd_theta == pytest.approx((before.ltd_theta[0] + math.log(3), *before.ltd_theta[1:]))
    for direction in ("ltp", "ltd"):
        np.testing.assert_allclose(made.rate(direction, GRID), 3 * device.rate(direction, GRID))
