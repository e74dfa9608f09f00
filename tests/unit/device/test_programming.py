"""Write and verify against closed forms of a linear device, plain arithmetic of energies, and single pulses by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import Term, Volatile
from devicekit.device.programmed import Programming, merge_programming
from devicekit.device.programming import program_and_verify
from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.device.variation import read_sigma
from devicekit.synthetic.pulses import truth_card
from devicekit.system.catalog import shipped

UP, DOWN = 0.04, 0.05


def linear(up: float = UP, down: float = DOWN, read: float = 0.0, increment: float = 0.0, **changes: Any) -> DeviceCard:
    """LTP pulses move the state by `up`, LTD pulses by `down`."""
    card = truth_card(
        {"ltp": (math.log(up),), "ltd": (math.log(down),)}, model="linear", increment=increment, read=read
    )
    return card.model_copy(update=changes)


def ends(low: float = 0.7, high: float = 1.1) -> PulseScaling:
    """Steps double every 0.1 V from 0.9 V, over the range given."""
    branch = BranchScaling(
        law="exponential",
        parameters={"inverse_v0": 10 * math.log(2)},
        intervals={},
        covariance=((1.0,),),
        scatter=0.0,
        reference_voltage_v=0.9,
        reference_width_s=None,
        voltage_range_v=(low, high),
        width_range_s=None,
        n_pulses=9,
        not_excluded=("exponential",),
        assumed=False,
    )
    return PulseScaling(source="made here", ltp=branch, ltd=branch)


@pytest.fixture(scope="module")
def measured_like() -> DeviceCard:
    return load_card(shipped()["pt-hfo2-al2o3-ti"].folder / "card.json")


def program(card: DeviceCard, target: Any, initial: Any = 0.0, **settings: Any) -> Programming:
    target = np.atleast_1d(np.asarray(target, float))
    return program_and_verify(DeviceArray(card, target.size, seed=3, initial=initial), target, **settings)


# A linear device without noise


def test_single_pulses_stop_where_the_tolerance_begins() -> None:
    """ceil((distance - tolerance) / step) pulses, one verify more than pulses, and a bias towards the start."""
    target = np.linspace(0.013, 0.97, 50)
    done = program(linear(), target, steps="sign", tolerance=0.03)
    needed = np.maximum(np.ceil((target - 0.03) / UP), 0)
    np.testing.assert_array_equal(done.pulses, needed)
    np.testing.assert_array_equal(done.verifies, needed + 1)
    np.testing.assert_allclose(done.state, needed * UP)
    assert not done.flagged.any()
    moved = done.pulses > 0
    assert done.bias == pytest.approx((done.state - target)[moved].mean())
    assert -0.03 < done.bias < -0.005


def test_a_burst_ends_nearest_to_the_target() -> None:
    """round(distance / step) pulses in one burst: two verifies, or one where nothing is to be done."""
    target = np.linspace(0.05, 0.97, 47)
    done = program(linear(), target, tolerance=0.021)
    np.testing.assert_array_equal(done.pulses, np.rint(target / UP))
    np.testing.assert_array_equal(done.verifies, 2)
    assert np.abs(done.error).max() <= UP / 2 + 1e-12
    near = program(linear(), [0.02], tolerance=0.021)
    assert (near.pulses[0], near.verifies[0], near.bias) == (0, 1, None)


def test_downwards_counts_steps_of_ltd() -> None:
    target = np.array([0.1, 0.44, 0.8])
    done = program(linear(), target, initial=1.0, tolerance=0.026)
    np.testing.assert_array_equal(done.pulses, np.rint((1.0 - target) / DOWN))
    assert done.bias == pytest.approx(float((target - done.state).mean()))


@pytest.mark.parametrize(("tolerance", "right"), [(0.0199, False), (0.0201, True)])
def test_both_sides_of_the_tolerance(tolerance: float, right: bool) -> None:
    """The state nearest to 0.3 on steps of 0.04 is 0.02 away, and steps of the same size down come back to it."""
    done = program(linear(down=UP), [0.3], tolerance=tolerance, limit=50)
    assert done.failed[0] != right
    assert done.pulses[0] == (7 if right else 50)
    assert not done.stuck[0]


@pytest.mark.parametrize(("limit", "failed"), [(9, True), (10, False)])
def test_the_limit_is_one_of_pulses(limit: int, failed: bool) -> None:
    for steps in ("law", "sign"):
        done = program(linear(), [0.4], limit=limit, steps=steps, tolerance=0.001)
        assert done.failed[0] == failed
        assert done.pulses[0] == limit
        assert done.state[0] == pytest.approx(limit * UP)
        assert done.summary.failed == float(failed)


def test_a_slow_device_gets_another_burst() -> None:
    """Half the central step: bursts of 10, 5, 2, 1, 1, as the law counts them from each reading."""
    card = linear()
    array = DeviceArray(card, 1)
    array.kernel_state.up_gain[:] = 0.5
    done = program_and_verify(array, np.array([0.39]), tolerance=0.011)
    assert (done.pulses[0], done.verifies[0]) == (19, 6)
    assert done.state[0] == pytest.approx(0.38)


def test_single_pulses_are_those_of_the_array(measured_like: DeviceCard) -> None:
    """The same draws: so many pulses of the array itself end at the same states."""
    card, target = measured_like, np.linspace(0.2, 0.8, 40)
    done = program(card, target, steps="sign", read_sd=0.0, tolerance=0.03)
    array = DeviceArray(card, 40, seed=3)
    while True:
        error = target - array.r
        left = np.flatnonzero(np.abs(error) > 0.03)
        if not left.size:
            break
        array.pulse(np.sign(error[left]).astype(int), left)
    np.testing.assert_array_equal(done.state, array.r)
    np.testing.assert_array_equal(done.pulses, array.pulses)


# What does not move


def test_stuck_devices_are_flagged_and_left() -> None:
    stuck = np.array([False, True, False, True])
    card = linear(read=0.004)
    array = DeviceArray(card, 4, initial=0.1)
    done = program_and_verify(array, np.array([0.5, 0.5, 0.9, 0.11]), stuck=stuck, tolerance=0.025)
    np.testing.assert_array_equal(done.stuck, [False, True, False, False])  # one is at its target as it is
    np.testing.assert_array_equal(done.state[stuck], 0.1)
    assert done.pulses[1] == 30  # three bursts of the ten that the law wants, within noise
    np.testing.assert_array_equal(array.pulses, done.pulses)
    np.testing.assert_array_equal(done.flagged, done.stuck | done.failed)


def test_movements_too_small_to_judge_are_failed_not_stuck() -> None:
    """Below ten standard deviations of what would be seen nothing is called stuck."""
    done = program(linear(read=0.3), [0.6], stuck=np.array([True]), tolerance=1e-6, limit=40)
    assert (done.failed[0], done.stuck[0], done.pulses[0]) == (True, False, 40)


@pytest.mark.parametrize(("steps", "reads", "tolerance"), [("law", 1, 0.02), ("sign", 1, 0.005), ("law", 4, 0.002)])
def test_devices_that_move_are_not_called_stuck(
    measured_like: DeviceCard, steps: str, reads: int, tolerance: float
) -> None:
    rng = np.random.default_rng(1)
    target, stuck = rng.random(4000), rng.random(4000) < 0.1
    start = np.where(stuck, 0.0, 0.5)
    settings = {"steps": steps, "reads": reads, "tolerance": tolerance, "limit": 400}
    done = program(measured_like, target, start, stuck=stuck, **settings)
    assert not (done.stuck & ~stuck).any()
    far = stuck & (target > 0.1)
    assert done.flagged[far].all()
    assert done.stuck[far].mean() > 0.99


# Pairs


def test_the_partner_takes_over_exactly() -> None:
    """Without noise, and steps that divide everything: the difference is right, and the error of one is in both."""
    stuck = np.array([True, False, False, True, False, False])
    target = np.array([0.48, 0.4, 0.6, 0.4, 0.44, 0.6])
    settings: dict[str, Any] = {"initial": 0.2, "stuck": stuck, "tolerance": 1e-3}
    alone = program(linear(down=UP), target, **settings)
    done = program(linear(down=UP), target, pairs=True, **settings)
    np.testing.assert_array_equal(done.stuck, stuck)
    np.testing.assert_array_equal(done.compensated, [False, True, True, False, False, False])
    np.testing.assert_allclose(done.state, [0.2, 0.12, 0.4, 0.2, 0.44, 0.6])
    np.testing.assert_allclose(done.weight_error, 0.0, atol=1e-12)
    np.testing.assert_allclose(done.aim[done.compensated], done.state[done.compensated])
    np.testing.assert_array_equal(done.target, target)
    assert (done.pulses >= alone.pulses).all()
    with pytest.raises(UsageError, match="pairs"):
        _ = alone.weight_error


def test_compensation_ends_at_the_window_and_at_the_limit() -> None:
    stuck = np.array([True, False])
    done = program(linear(down=UP), [0.8, 0.4], pairs=True, stuck=stuck, tolerance=1e-3)
    assert done.aim[1] == 0.0
    assert done.weight_error[0] == pytest.approx(-0.4)
    short = program(linear(down=UP), [0.8, 0.72], initial=[0.6, 0.6], pairs=True, stuck=stuck, limit=6, tolerance=1e-3)
    assert short.pulses[1] == 6
    assert short.failed[1]
    assert short.state[1] == pytest.approx(0.72 - 3 * UP)


def test_two_stuck_devices_are_not_compensated() -> None:
    done = program(linear(), [0.8, 0.4], pairs=True, stuck=np.array([True, True]))
    assert done.stuck.all()
    assert not done.compensated.any()


# Noise


def test_the_same_seed_gives_the_same_bytes(measured_like: DeviceCard) -> None:
    target = np.linspace(0.1, 0.9, 200)
    one, two, other = (program(measured_like, target, seed=seed) for seed in (1, 1, 2))
    for name in ("state", "pulses", "verifies", "failed"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert one.summary == two.summary
    assert (one.verifies != other.verifies).any()


def test_devices_do_not_depend_on_each_other(measured_like: DeviceCard) -> None:
    """Targets of half of the devices change: nothing of the others does."""
    target = np.linspace(0.1, 0.9, 100)
    changed = np.where(np.arange(100) % 2, target, 1.0 - target)
    one, two = program(measured_like, target), program(measured_like, changed)
    np.testing.assert_array_equal(one.state[1::2], two.state[1::2])
    assert (one.state[::2] != two.state[::2]).any()


def test_only_more_reads_help_below_the_read_noise(measured_like: DeviceCard) -> None:
    noise = read_sigma(measured_like)
    target = np.random.default_rng(0).uniform(0.2, 0.8, 3000)
    found = {}
    for reads, tolerance in ((1, 0.002), (1, 0.0005), (16, 0.002)):
        done = program(measured_like, target, tolerance=tolerance, reads=reads, limit=2000)
        assert not done.failed.any()
        assert any(each.code == "below_read_noise" for each in done.warnings) == (tolerance < noise / reads**0.5)
        found[reads, tolerance] = done.summary.error_sd
    assert found[1, 0.0005] == pytest.approx(noise, rel=0.1)
    assert found[1, 0.002] == pytest.approx(noise, rel=0.1)
    assert found[16, 0.002] < 0.4 * noise


def test_verifies_read_with_the_card_s_noise_whatever_the_array_reads_with() -> None:
    card, target = linear(read=0.02), np.full(300, 0.5)
    quiet, loud = (DeviceArray(card, 300, read_noise=each) for each in (False, True))
    one, two = program_and_verify(quiet, target), program_and_verify(loud, target)
    np.testing.assert_array_equal(one.state, two.state)
    assert one.read_sd == pytest.approx(0.02)
    assert program(card, target, reads=4).read_sd == pytest.approx(0.01)
    assert program(card, target, read_sd=0.0).read_sd == 0.0


def test_a_card_without_read_noise_gives_a_warning() -> None:
    card = linear()
    bare = card.variation.ltp.model_copy(update={"c2c": {}})
    unknown = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": bare, "ltd": bare})})
    assert [each.code for each in program(unknown, [0.4]).warnings] == ["exact_verify"]
    assert program(unknown, [0.4], read_sd=0.001).warnings == ()


def test_the_near_side_warning_is_for_single_pulses_only(measured_like: DeviceCard) -> None:
    target = np.linspace(0.2, 0.8, 500)
    sign, law = (program(measured_like, target, steps=steps, tolerance=0.05) for steps in ("sign", "law"))
    assert [each.code for each in sign.warnings] == ["near_side"]
    assert sign.bias is not None
    assert -0.05 < sign.bias < -0.03
    assert law.warnings == ()
    assert law.bias is not None
    assert abs(law.bias) < 0.01
    assert "near_side" in str(sign.as_dict()["warnings"])


# Amplitudes


def test_amplitudes_are_chosen_from_the_measured_range() -> None:
    """Steps of 0.04 times 1/4 ... 4: 0.37 takes two of the largest, and then the nearest ones."""
    card = linear(down=UP).with_blocks({"pulse_law": ends()})
    factors = 2.0 ** np.linspace(-2, 2, 9)
    done = program(card, [0.37], steps="amplitude", tolerance=0.005)
    r, pulses = 0.0, 0
    while abs(0.37 - r) > 0.005:
        error, moves = 0.37 - r, UP * factors
        r, pulses = r + np.sign(error) * moves[np.argmin(np.abs(moves - abs(error)))], pulses + 1
    assert done.state[0] == pytest.approx(r)
    assert done.pulses[0] == pulses
    assert done.verifies[0] == pulses + 1
    narrow = program(linear().with_blocks({"pulse_law": ends(0.85, 0.95)}), [0.37], steps="amplitude", tolerance=0.005)
    assert narrow.pulses[0] > pulses


def test_amplitudes_end_closer_than_single_pulses_of_one(measured_like: DeviceCard) -> None:
    card = linear(down=UP).with_blocks({"pulse_law": ends()})
    target = np.random.default_rng(0).uniform(0.1, 0.9, 500)
    fine = program(card, target, steps="amplitude", tolerance=0.006)
    coarse = program(card, target, steps="law", tolerance=0.006, limit=100)
    assert not fine.failed.any()
    assert coarse.failed.any()
    with pytest.raises(UsageError, match="share='amplitude'"):
        program(measured_like, target, steps="amplitude")
    branch = ends().ltp
    half = card.with_blocks({"pulse_law": PulseScaling(source="made", ltp=branch)}, replace=True)
    with pytest.raises(UsageError, match="LTD"):
        program(half, target, steps="amplitude")


# Energy and time


def test_energies_by_hand() -> None:
    """Three pulses from r = 0 at 0.8 V and 2 us, G from 1 to 5 mS; two verifies of 3 readings at 0.1 V and 1 us."""
    window = linear().window.model_copy(update={"low": 1e-3, "high": 5e-3})
    at = Conditions(pulse_width_s=2e-6, ltp_voltage_v=0.8, ltd_voltage_v=-1.2, read_voltage_v=0.1)
    card = linear(window=window, conditions=at)
    done = program(card, [0.12], tolerance=0.01, reads=3)
    assert done.pulses[0] == 3
    g = 1e-3 + 4e-3 * np.array([0.0, 0.04, 0.08])
    assert done.write_energy_j == pytest.approx(0.64 * g.sum() * 2e-6)
    assert done.verify_energy_j == pytest.approx(0.01 * 3 * (1e-3 + 1e-3 + 4e-3 * 0.12) * 1e-6)
    assert done.time_s == pytest.approx(3 * 2e-6 + 2 * 3 * 1e-6)
    down = program(card, [0.9], initial=1.0, tolerance=0.01)
    assert down.write_energy_j == pytest.approx(1.44 * (5e-3 + 4.8e-3) * 2e-6)


def test_energies_on_a_log_scale_and_by_amplitude() -> None:
    window = linear().window.model_copy(update={"low": 1e-6, "high": 1e-4, "scale": "log"})
    at = Conditions(pulse_width_s=1e-6, ltp_voltage_v=1.0, ltd_voltage_v=-1.0, read_voltage_v=0.1)
    card = linear(window=window, conditions=at)
    done = program(card, [0.08], tolerance=0.01)
    assert done.write_energy_j == pytest.approx((1e-6 + 1e-6 * 100**0.04) * 1e-6)
    one = program(card.with_blocks({"pulse_law": ends()}), [0.16], steps="amplitude", tolerance=0.01)
    assert one.pulses[0] == 1
    assert one.write_energy_j == pytest.approx(1.1**2 * 1e-6 * 1e-6)


def test_unknown_conditions_give_unknown_costs() -> None:
    card = linear(conditions=Conditions(pulse_width_s=1e-6))
    done = program(card, [0.4])
    assert (done.write_energy_j, done.verify_energy_j) == (None, None)
    assert done.time_s is not None
    weight = linear().window.model_copy(update={"quantity": "weight", "low": -1.0, "high": 1.0})
    at = Conditions(pulse_width_s=1e-6, ltp_voltage_v=1.0, ltd_voltage_v=-1.0, read_voltage_v=0.1)
    of_weights = program(linear(window=weight, conditions=at), [0.4])
    assert (of_weights.write_energy_j, of_weights.verify_energy_j) == (None, None)
    assert program(linear(conditions=Conditions()), [0.4]).time_s is None


# The rest


def test_volatile_devices_forget_of_it_as_of_pulses() -> None:
    block = Volatile(
        source="made",
        kernel="exponential",
        parameters={"tau_s": 1.0},
        persistent_share=0.25,
        terms=(Term(tau_s=1.0, share=1.0),),
        terms_error=0.0,
        n=0,
    )
    card = linear().with_blocks({"volatile": block})
    one, two = DeviceArray(card, 1, initial=0.2), DeviceArray(card, 1, initial=0.2)
    done = program_and_verify(one, np.array([0.6]), tolerance=0.01)
    for _ in range(10):
        two.pulse(1)
    assert done.pulses[0] == 10
    np.testing.assert_allclose(one.states_after(1.5), two.states_after(1.5))
    assert one.states_after(1e3)[0] == pytest.approx(0.2 + 0.25 * 0.4)


def test_layers_add_up(measured_like: DeviceCard) -> None:
    one, two = (program(measured_like, np.linspace(0.2, 0.8, n), stuck=np.arange(n) % 9 == 8) for n in (60, 20))
    both = merge_programming([one, two])
    assert both.summary.devices == 80
    assert both.summary.pulses_mean == pytest.approx((60 * one.pulses.mean() + 20 * two.pulses.mean()) / 80)
    assert both.summary.stuck == pytest.approx((one.stuck.sum() + two.stuck.sum()) / 80)
    assert both.write_energy_j == pytest.approx(one.write_energy_j + two.write_energy_j)
    assert "stuck" in both.summary.words
    with pytest.raises(UsageError, match="same way"):
        merge_programming([one, replace(two, tolerance=0.5)])
    with pytest.raises(UsageError, match="same way"):
        merge_programming([])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": [0.1, 1.2]}, "0..1"),
        ({"target": [0.1, math.nan]}, "0..1"),
        ({"target": [0.1, 0.2, 0.3]}, "2 devices"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"limit": 0}, "limit"),
        ({"reads": 1.5}, "reads"),
        ({"reads": True}, "reads"),
        ({"steps": "both"}, "law, sign or amplitude"),
        ({"stuck": np.array([True])}, "stuck"),
        ({"stuck": np.array([0, 1])}, "stuck"),
        ({"read_s": 0.0}, "read_s"),
        ({"read_sd": -0.1}, "read_sd"),
    ],
)
def test_impossible_arguments_are_refused(changes: dict[str, Any], words: str) -> None:
    array = DeviceArray(linear(), 2)
    settings = {"target": np.array([0.1, 0.2]), **changes}
    with pytest.raises(UsageError, match=words):
        program_and_verify(array, **settings)
    np.testing.assert_array_equal(array.r, 0.0)
    with pytest.raises(UsageError, match="pairs"):
        program_and_verify(DeviceArray(linear(), 3), 0.1, pairs=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(("reads", "pulses"), [(1, 8), (4, 4)])
def test_how_far_stuck_devices_are_pulsed_goes_by_the_noise_of_two_verifies(reads: int, pulses: int) -> None:
    """Pulses of 4 % until they pass 10 sd of a difference, 2 % sqrt(2 / reads): then less than a tenth is seen."""
    n, noise = 2000, 0.02 * math.sqrt(2 / reads)
    settings = {"steps": "sign", "reads": reads, "tolerance": 0.01}
    done = program(linear(read=0.02), np.full(n, 0.9), 0.1, stuck=np.ones(n, bool), **settings)
    assert done.pulses.min() == pulses
    share = norm.cdf(0.1 * pulses * UP / noise)
    assert (done.stuck & (done.pulses == pulses)).mean() == pytest.approx(share, abs=4 * math.sqrt(0.25 / n))
