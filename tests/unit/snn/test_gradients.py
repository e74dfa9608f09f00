"""Gradients: which there are, what they are told, and that every one trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.system import plugins
from devicekit.system.plugins import Registry
from snn.config import TrainingConfig
from snn.network.learning import GRADIENTS
from snn.recipe import choose
from snn.training import train


def test_our_gradients_are_the_files_of_their_folder() -> None:
    assert Registry("snn.gradients", "devicekit.gradients", "gradient") == plugins.GRADIENTS
    assert plugins.GRADIENTS.builtin_names() == sorted(GRADIENTS)
    for name, gradient in GRADIENTS.items():
        assert gradient.name == name
        assert gradient.title
        assert "doi 10." in gradient.source


@pytest.mark.slow
@pytest.mark.parametrize("gradient", sorted(GRADIENTS))
@pytest.mark.parametrize("policy", ["reset", "stochastic"])  # with a sum, and without
def test_every_gradient_trains_devices_and_is_the_same_again(
    gradient: str,
    policy: str,
    card: DeviceCard,
    small_digits,  # type: ignore[no-untyped-def]
) -> None:
    config = TrainingConfig(hidden=64, epochs=2, gradient=gradient, policy=policy)
    one, two = (train(card, config, small_digits) for _ in range(2))
    np.testing.assert_array_equal(one.w1, two.w1)
    assert one.pulses_per_device > 0
    assert one.accuracy_mean_last > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["offline", "hybrid"])
def test_a_surrogate_gradient_trains_floats_too(scheme: str, card: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    config = TrainingConfig(scheme=scheme, hidden=64, epochs=4, gradient="surrogate", policy="carry")
    assert train(card, config, small_digits).accuracy_mean_last > 0.7


def test_resume_is_the_default_gradient(card: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    usual, explicit = (
        train(card, TrainingConfig(hidden=64, epochs=2, **more), small_digits)  # type: ignore[arg-type]
        for more in ({}, {"gradient": "resume"})
    )
    np.testing.assert_array_equal(usual.w1, explicit.w1)


def test_a_gradient_brings_its_own_rates(card: DeviceCard) -> None:
    config = TrainingConfig(hidden=50, epochs=4, gradient="surrogate", policy="carry")
    recipe, gradient = choose(config, card), GRADIENTS["surrogate"]
    assert recipe.eta == recipe.offline_eta == (0.04, 0.0192)
    assert choose(replace(config, hidden=1000), card).eta == (0.04, pytest.approx(0.0043))
    assert choose(replace(config, rates="scaled"), card).eta == recipe.eta  # they are for 50 units already
    drive = choose(config, card, drive=2 * 9.8)
    assert drive.eta == recipe.eta  # whatever the drive
    assert gradient.eta_total is not None
    assert recipe.eta_decay**3 == pytest.approx(gradient.eta_total)
    assert recipe.device_step is not None
    level = recipe.thresholds(config, 2)[0].level
    assert level == pytest.approx(recipe.scales[0] * recipe.device_step, rel=1e-6)  # one pulse is one step all the same


def test_settings_of_resume_are_refused_with_other_gradients() -> None:
    with pytest.raises(UsageError, match=r"gradient .*'bptt'"):
        TrainingConfig(gradient="bptt")
    for name, value in (("rule", "multi-resume"), ("non_hebbian", 0.1), ("margin", 3)):
        with pytest.raises(UsageError, match=f'{name} .*"resume"'):
            TrainingConfig(gradient="surrogate", **{name: value})  # type: ignore[arg-type]
