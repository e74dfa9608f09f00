"""Pulse policies: what each asks for, what it keeps, how it decays, and which one suits a card."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.models.kernel import MAX_SHAPE
from devicekit.system import plugins
from devicekit.system.plugins import Registry
from snn.benchmark.changes import with_noise
from snn.config import TrainingConfig
from snn.network.crossbar import PulseRequests, WeightMap, apply_pulses, make_layer
from snn.network.pulsing import NUMBERS, POLICIES, get_policy, pulse_request
from snn.recipe import choose, reason_for_policy, with_policy
from snn.training import train

LEVEL = np.float32(0.5)
MEMORY = np.empty(MAX_SHAPE)


def asked(name: str, total: float, change: float = 0.0, most: int = 20, draw: float = 0.0) -> tuple[int, float]:
    number, left = pulse_request(
        NUMBERS[name], np.float32(total), np.float32(change), LEVEL, np.float32(1.0), most, draw
    )
    return number, float(left)


def test_requests_and_sums_of_each_policy() -> None:
    """Thresholds of 0.5: a sum of 1.7 holds three of them and 0.2 more."""
    assert asked("reset", 1.7) == (1, 0.0)
    assert asked("reset", -1.7) == (-1, 0.0)
    assert asked("carry", 1.7) == (3, pytest.approx(0.2, abs=1e-6))
    assert asked("carry", -1.7) == (-3, pytest.approx(-0.2, abs=1e-6))
    assert asked("carry", 1.7, most=2) == (2, pytest.approx(0.7, abs=1e-6))
    assert asked("verify", -1.7) == (-3, pytest.approx(-1.7, abs=1e-6))  # what they did is taken off later
    assert asked("stochastic", 9.0, 1.2, draw=0.39) == (3, 9.0)  # two whole ones and 0.4 of one
    assert asked("stochastic", 9.0, 1.2, draw=0.41) == (2, 9.0)
    assert asked("stochastic", 9.0, -0.2, draw=0.39) == (-1, 9.0)
    assert asked("stochastic", 9.0, 1.2, most=1) == (1, 9.0)
    assert asked("literal", 0.4, 0.2) == (1, pytest.approx(0.6, abs=1e-6))
    assert asked("literal", 0.1, 0.2) == (0, pytest.approx(0.3, abs=1e-6))
    assert asked("leaky", 0.4, 0.2) == (1, pytest.approx(0.6, abs=1e-6))


def test_measured_changes_are_subtracted_from_the_sum(card: DeviceCard) -> None:
    array = DeviceArray(card, 4, 1, initial=0.5, c2c="none", d2d="none")
    layer = make_layer(array, WeightMap((2, 2), 2.0, 0.5), (2, 2), np.uint64(3), np.zeros(4, bool))
    layer.sums[1, 0] = 0.3
    start = float(layer.w[1, 0])
    apply_pulses(
        layer, PulseRequests(np.array([2]), np.array([-3])), 1, True, LEVEL, np.float32(0.0), np.uint64(1), MEMORY
    )
    assert array.pulses.tolist() == [0, 0, 3, 0]
    moved = float(layer.w[1, 0]) - start
    assert moved < 0
    assert layer.sums[1, 0] == pytest.approx(0.3 - moved, abs=1e-6)
    assert (layer.pulses[0], layer.reads[0]) == (3, 2)
    apply_pulses(
        layer, PulseRequests(np.array([2]), np.array([1])), 1, False, LEVEL, np.float32(0.0), np.uint64(1), MEMORY
    )
    assert layer.sums[1, 0] == pytest.approx(0.3 - moved, abs=1e-6)  # not read
    assert (layer.pulses[0], layer.reads[0]) == (4, 2)


def test_a_synapse_that_cannot_move_is_not_asked_for_ever(card: DeviceCard) -> None:
    array = DeviceArray(card, 2, 1, initial=0.5, c2c="none", d2d="none")
    layer = make_layer(array, WeightMap((1, 2), 2.0, 0.5), (1, 2), np.uint64(3), np.array([True, True]))
    for pulses, left in ((3, 5.0), (4, 0.0)):  # from four pulses without a move on
        layer.sums[0, 1] = 5.0
        apply_pulses(
            layer,
            PulseRequests(np.array([1]), np.array([pulses])),
            1,
            True,
            LEVEL,
            np.float32(0.0),
            np.uint64(1),
            MEMORY,
        )
        assert layer.sums[0, 1] == left


def test_two_noisy_reads_scatter_by_the_root_of_two(card: DeviceCard) -> None:
    n = 4000
    array = DeviceArray(card, n, 1, initial=0.5, c2c="none", d2d="none")
    layer = make_layer(
        array, WeightMap((1, n), 2.0, 0.5), (1, n), np.uint64(3), np.ones(n, bool)
    )  # stuck: nothing moves
    apply_pulses(
        layer, PulseRequests(np.arange(n), np.ones(n, np.int64)), n, True, LEVEL, np.float32(0.1), np.uint64(7), MEMORY
    )
    assert layer.sums.std() == pytest.approx(0.1 * np.sqrt(2), rel=4 / np.sqrt(2 * n))
    assert abs(layer.sums.mean()) < 4 * 0.1414 / np.sqrt(n)


def test_rates_fall_where_thresholds_do_not_grow(card: DeviceCard) -> None:
    for epochs, decay in ((4, 0.5), (20, 8 ** (-1 / 19)), (1, 1.0)):
        config = TrainingConfig(policy="carry", epochs=epochs)
        recipe = choose(config, card)
        assert (recipe.theta_growth, recipe.eta_decay) == (1.0, pytest.approx(decay))
        if epochs > 1:
            first, last = (recipe.rule(config, insitu=True, epoch=k).eta1 for k in (0, epochs - 1))
            assert last / first == pytest.approx(decay ** (epochs - 1), rel=1e-5)
    reset = choose(TrainingConfig(epochs=20), card)
    assert (reset.theta_growth, reset.eta_decay) == (pytest.approx(32 ** (1 / 19)), 1.0)
    other = choose(TrainingConfig(epochs=20, decay_by="eta"), card)
    assert (other.theta_growth, other.eta_decay) == (1.0, pytest.approx(8 ** (-1 / 19)))
    level = [
        threshold.level
        for threshold in choose(TrainingConfig(policy="carry"), card).thresholds(TrainingConfig(policy="carry"), 5)
    ]
    recipe = choose(TrainingConfig(policy="carry"), card)
    assert recipe.device_step is not None
    assert level[0] == pytest.approx(recipe.scales[0] * recipe.device_step, rel=1e-6)  # one pulse is one step


def test_auto_verifies_if_read_noise_is_small_against_the_step(card_maker: Callable[..., DeviceCard]) -> None:
    config = TrainingConfig(policy="auto")
    unknown = card_maker()
    assert reason_for_policy(config, unknown)[0] == "carry"
    assert "unknown" in reason_for_policy(config, unknown)[1]
    step = choose(TrainingConfig(), unknown).device_step
    assert step is not None
    for share, name in ((0.49, "verify"), (0.51, "carry")):
        card = with_noise(unknown, "read", share * step)
        assert reason_for_policy(config, card)[0] == name
        assert with_policy(config, card).policy == name
        assert f"{share:.2g} times" in reason_for_policy(config, card)[1]
    quiet = with_noise(unknown, "read", 0.1 * step)
    spaces = int(1 / step)  # as many steps as go into the window
    assert reason_for_policy(replace(config, device_levels=spaces + 2), quiet)[0] == "verify"
    assert reason_for_policy(replace(config, device_levels=spaces), quiet)[0] == "carry"
    assert with_policy(TrainingConfig(), unknown).policy == "reset"  # as it was said


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_policy_trains_and_is_the_same_again(policy: str, card: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    theta = (20.0, 20.0) if get_policy(policy).needs_theta else None
    config = TrainingConfig(hidden=64, epochs=2, policy=policy, theta=theta)
    one, two = (train(card, config, small_digits) for _ in range(2))
    np.testing.assert_array_equal(one.w1, two.w1)
    assert one.pulses_per_device > 0
    assert (one.reads_per_device > 0) == (policy == "verify")
    assert one.accuracy_mean_last > 0.3


def test_auto_is_known_wherever_a_recipe_is_chosen(card: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    config = TrainingConfig(policy="auto", hidden=64, epochs=2)
    assert choose(config, card).eta_decay == choose(replace(config, policy="carry"), card).eta_decay == 0.5
    one, two = (train(card, replace(config, policy=each), small_digits) for each in ("auto", "carry"))
    np.testing.assert_array_equal(one.w1, two.w1)
    offline = replace(config, scheme="offline")
    assert (
        train(None, offline, small_digits).epochs == train(None, replace(offline, policy="reset"), small_digits).epochs
    )


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match=r"policy .*carry, leaky.*'carrie'"):
        TrainingConfig(policy="carrie")
    with pytest.raises(UsageError, match="max_pulses"):
        TrainingConfig(policy="reset", max_pulses=3)
    with pytest.raises(UsageError, match="theta"):
        TrainingConfig(policy="leaky")
    with pytest.raises(UsageError, match="max_pulses"):
        TrainingConfig(policy="carry", max_pulses=0)
    assert TrainingConfig(policy="carry", max_pulses=3).max_pulses == 3


def test_our_policies_are_the_files_of_their_folder() -> None:
    assert Registry("snn.policies", "devicekit.policies", "pulse policy") == plugins.POLICIES
    assert plugins.POLICIES.builtin_names() == sorted(POLICIES)
    for name, policy in POLICIES.items():
        assert policy.name == name
        assert policy.title
        assert policy.source


def test_most_pulses_are_those_of_the_settings(card: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    few, many = (
        train(card, TrainingConfig(hidden=64, epochs=1, policy="carry", max_pulses=most), small_digits)
        for most in (1, None)
    )
    assert few.pulses_per_device < many.pulses_per_device
    config = TrainingConfig(policy="carry")
    thresholds = choose(config, card).thresholds(config, 0)
    assert [each.most for each in thresholds] == [20, 20]
    assert [each.most for each in choose(config, card).thresholds(replace(config, max_pulses=3), 0)] == [3, 3]


HALF = '''
"""One pulse, and half of the sum is kept."""

from devicekit.system.jit import compiled
from snn.policy import Policy


@compiled
def pulse_request(total, change, level, alpha, most, draw):
    return (1 if total > 0 else -1), total / 2


POLICY = Policy(name="half", title="one pulse, half of the sum is kept", source="a test", pulse_request=pulse_request)
'''


FASTER = '''
"""Multi-ReSuMe at twice its rates."""

from snn.gradient import Gradient
from snn.gradients.resume import add_row, find

GRADIENT = Gradient(
    name="faster", title="twice as fast", source="a test", find=find, add_row=add_row, rates=lambda hidden: (8e-3, 5e-3)
)
'''


@pytest.mark.slow
def test_rules_of_another_package_run_in_the_benchmark(tmp_path: Path) -> None:
    """Announced by an entry point, and nothing else; compiled into the switch."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "half.py").write_text(HALF)
    (tmp_path / "mine" / "faster.py").write_text(FASTER)
    information = tmp_path / "mine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[devicekit.policies]\nhalf = mine.half\n[devicekit.gradients]\nfaster = mine.faster\n"
    )
    program = """
from snn.benchmark import Plan, benchmark
from snn.benchmark.measure import generic
from snn.benchmark.task import few_shot
from snn.network.pulsing import POLICIES
assert "half" in POLICIES
short = Plan(seeds=2, attribution=False, wide=False)
found = {name: benchmark(generic(), few_shot(), short, policy=name) for name in ("half", "reset")}
assert found["half"].variants[0].device != found["reset"].variants[0].device
faster = benchmark(generic(), few_shot(), short, gradient="faster")
assert faster.variants[0].device != found["reset"].variants[0].device
print(found["half"].verdict)
"""
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    own = {"PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "compiled"), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **own}, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert "ideal device" in ran.stdout
