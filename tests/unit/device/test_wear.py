"""Wear and the energy of reading: closed forms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.measured import Endurance, EnduranceDevice, EnduranceLife
from devicekit.device.wear import Life, Pulses, first_failure, inference_energy, share_failed, wear


def block(*devices: tuple[int, int | None]) -> Endurance:
    """Devices as (cycles, failed_at)."""
    rows = tuple(
        EnduranceDevice(device_id=f"d{k}", cycles=n, n=n, window=5.0, median_on_off=10.0, good=1.0, failed_at=at)
        for k, (n, at) in enumerate(devices)
    )
    return Endurance(source="made", threshold=2.0, devices=rows, yield_interval=(0.0, 1.0))


def test_pulses_are_summarised_by_mean_quantile_and_maximum() -> None:
    assert Pulses.of(np.arange(101)) == Pulses(50.0, 99.0, 100)
    for wrong in (np.array([], int), np.array([-1, 2])):
        with pytest.raises(UsageError):
            Pulses.of(wrong)


def test_the_first_failure_over_the_pulses_of_a_training() -> None:
    found = wear(np.arange(101), block((10**6, None), (10**6, 220_000), (10**6, 700_000), (10**6, None), (10**6, None)))
    assert (found.worst, found.p99) == (2200.0, pytest.approx(220_000 / 99))
    assert (found.life.cycles, found.life.failed, found.life.devices) == (220_000.0, 1, 5)
    # of 1 in 5: the chance of none is 2.5 % at 0.5051 %, that of at most one at 71.64 %
    low, high = found.life.share_interval
    assert 1 - (1 - low) ** 5 == pytest.approx(0.025)
    assert (1 - high) ** 5 + 5 * high * (1 - high) ** 4 == pytest.approx(0.025)
    words = " ".join(found.sentences())
    assert "At least" not in words
    assert "2.2e+03 trainings" in words
    assert "conservative" in words


def test_without_a_failure_there_is_a_lower_bound_only() -> None:
    found = wear(np.full(10, 4), block((1000, None), (800, None)))
    assert (found.worst, found.life.failed) == (200.0, 0)
    assert found.life.share_interval[0] == 0.0
    assert (1 - found.life.share_interval[1]) ** 2 == pytest.approx(0.025)
    assert found.sentences()[0].startswith("At least 200")


def test_a_record_that_ends_before_the_first_failure_does_not_count() -> None:
    life = Life.of(block((500, None), (1000, 600), (600, None), (599, None)))
    assert (life.cycles, life.failed, life.devices) == (600.0, 1, 2)


def test_a_law_of_lives_gives_chances_of_the_most_pulsed_device() -> None:
    shares = (
        SimpleNamespace(share=0.1, cycles=1000.0, interval=(500.0, 3000.0)),
        SimpleNamespace(share=0.5, cycles=5000.0, interval=None),
        SimpleNamespace(share=0.9, cycles=None, interval=None),
    )
    law = SimpleNamespace(shares=shares, shape=1.5, scale_cycles=4500.0, shape_interval=None, scale_interval=None)
    law_block = block((1000, 900), (1000, None)).model_copy(update={"life": law})
    found = wear(np.array([1, 10]), law_block)
    assert found.shares == ((0.1, 100.0, 50.0, 300.0), (0.5, 500.0, None, None))
    words = found.sentences()
    assert "first of all" in words[2]
    assert "10.0 % after 100 trainings (interval 50 to 300)" in words[-2]
    assert "interval open" in words[-1]
    assert wear(np.array([1, 10]), block((1000, 900))).shares == ()


def test_unpulsed_arrays_do_not_wear_and_few_pulses_do_not_divide_by_0() -> None:
    with pytest.raises(UsageError, match="nothing wears"):
        wear(np.zeros(4, int), block((10, None)))
    few = np.zeros(1000, int)
    few[0] = 2
    found = wear(few, block((10, 10)))
    assert (found.pulses.p99, found.p99, found.worst) == (0.0, 10.0, 5.0)


def test_energy_of_reading_is_that_of_every_spike_on_its_row() -> None:
    g = np.array([[1e-4, 3e-4], [2e-4, 0.0]])
    assert inference_energy(g, np.array([2, 5]), 0.1, 1e-6) == pytest.approx(0.01 * 1e-6 * (2 * 4e-4 + 5 * 2e-4))
    assert inference_energy(g, np.zeros(2), 0.1, 1e-6) == 0.0
    for wrong in ((g, np.ones(3), 1e-6), (-g, np.ones(2), 1e-6), (g, -np.ones(2), 1e-6), (g, np.ones(2), -1.0)):
        with pytest.raises(UsageError):
            inference_energy(wrong[0], wrong[1], 0.1, wrong[2])


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
