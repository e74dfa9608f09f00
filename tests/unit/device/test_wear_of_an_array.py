"""When an array of devices fails, by the lives of its devices: against draws of all of them."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.device.measured import Endurance, EnduranceDevice, EnduranceLife
from devicekit.device.wear import first_failure, share_failed, wear

SHAPE, SCALE = 1.8, 1e6


def test_the_first_failure_of_equal_devices_is_the_least_of_as_many_lives() -> None:
    pulses = np.full(29_600, 17)
    expected = SCALE / 17 * (np.log(2) / pulses.size) ** (1 / SHAPE)
    assert first_failure(pulses, SHAPE, SCALE) == pytest.approx(expected, rel=1e-12)


def test_the_first_failure_of_devices_that_are_pulsed_differently_is_that_of_draws() -> None:
    rng = np.random.default_rng(0)
    pulses = rng.poisson(3.0, 500)
    lives = SCALE * rng.weibull(SHAPE, (2000, 500))
    with np.errstate(divide="ignore"):
        first = np.median((lives / pulses).min(axis=1))
    assert first_failure(pulses, SHAPE, SCALE) == pytest.approx(first, rel=0.05)


def test_a_share_has_failed_when_the_mean_chance_says_so() -> None:
    pulses = np.concatenate([np.zeros(50), np.full(25, 1), np.full(25, 4)])
    at = share_failed(pulses, SHAPE, SCALE, 0.1)
    chance = 1 - np.exp(-((at * pulses / SCALE) ** SHAPE))
    assert chance.mean() == pytest.approx(0.1, rel=1e-9)
    assert share_failed(pulses, SHAPE, SCALE, 0.5) == np.inf


def test_the_interval_widens_with_that_of_the_shape() -> None:
    device = EnduranceDevice(device_id="a", cycles=10**6, n=9, window=5.0, median_on_off=9.0, good=1.0, failed_at=10**6)

    def block(low: float, high: float) -> Endurance:
        law = EnduranceLife(
            criterion="made", n=20, failures=20, shape=SHAPE, shape_interval=(low, high), scale_cycles=SCALE,
            scale_interval=(0.9 * SCALE, 1.1 * SCALE), longest_cycles=2e6, shares=(),
        )  # fmt: skip
        return Endurance(
            source="made", synthetic=True, threshold=2.0, devices=(device,), yield_interval=(0.0, 1.0), life=law
        )

    pulses = np.full(1000, 2)
    narrow, wide = (wear(pulses, block(*ends)).array[0] for ends in ((1.7, 1.9), (1.3, 2.3)))
    assert narrow.trainings == wide.trainings == pytest.approx(SCALE / 2 * (np.log(2) / 1000) ** (1 / SHAPE))
    for each, ends in ((narrow, (1.7, 1.9)), (wide, (1.3, 2.3))):
        assert each.low is not None
        assert each.high is not None
        for found, shape, factor in ((each.low, ends[0], 0.9), (each.high, ends[1], 1.1)):
            by_shape = np.log(first_failure(pulses, shape, SCALE) / each.trainings)
            assert abs(np.log(found / each.trainings)) == pytest.approx(np.hypot(by_shape, np.log(factor)), rel=1e-9)
    assert "first of all" in wear(pulses, block(1.7, 1.9)).words
