"""Accuracy of an array after a bake of its card, against drawing the same shifts one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from devicekit.core.errors import UsageError
from devicekit.device.bakes import SHARES, BakedLevel, BakeLaw, Bakes
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Retention
from snn.array.baked import accuracy_after_bake, card_bakes
from snn.array.measure import Plan, _train, measure
from snn.data.dataset import Dataset

KELVIN, SD = 453.15, 4e-6


@pytest.fixture(scope="module")
def baked(card: DeviceCard) -> DeviceCard:
    levels = tuple(
        BakedLevel(
            level=str(k), temperature_k=KELVIN, time_s=5e3, n=500, unpaired=0, g_before_s=g, shift_s=0.0, sd_s=SD,
            quantiles_s=tuple(SD * norm.ppf(SHARES)), lost_10=0.0, lost_20=0.0,
        )
        for k, g in enumerate(np.linspace(1e-5, 3e-5, 5))
    )  # fmt: skip
    law = BakeLaw(loss_k=(), apparent_energy_ev=None, energy_interval=None, refusal="one time")
    bakes = Bakes(shares=SHARES, levels=levels, bake_law=law)
    window = Window(quantity="conductance_s", low=1e-5, high=3e-5, scope="made")
    return card.model_copy(update={"window": window, "retention": Retention(states=(), bakes=bakes, source="made")})


def test_quantiles_and_the_shifts_themselves_give_one_accuracy(baked: DeviceCard, small_digits: Dataset) -> None:
    plan = Plan(seeds=1, epochs=2, hidden=32)
    run = _train(baked, plan.settings(0), small_digits)
    found = accuracy_after_bake(baked, [run], KELVIN, 12)
    synapses, window = run.learner.program(), baked.window

    def test(draw: int) -> float:
        rng = np.random.default_rng([draw, 7])

        def change(layer: int, r: np.ndarray) -> np.ndarray:
            g = window.from_state(r) + SD * rng.standard_normal(r.size)
            return np.asarray(window.to_state(np.maximum(g, 0.0)))

        return run.test(1, synapses=synapses, change=change)

    own = np.array([test(draw) for draw in range(12)])
    error = np.sqrt(found.sd**2 / 12 + own.var(ddof=1) / 12)
    assert abs(found.mean - own.mean()) < 2 * error
    assert found.mean < found.accuracy
    assert found.lowest <= found.mean <= found.highest


@pytest.mark.slow
def test_the_answers_of_an_array_include_the_bake(
    baked: DeviceCard, small_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snn.array.measure.BITS", ())
    monkeypatch.setattr("snn.array.measure.TILES", (32,))
    plan = Plan(seeds=1, epochs=1, hidden=16, wire_ohm=(1.0,), draws=2, bake_k=KELVIN)
    found = measure(baked, small_digits, plan)
    assert found.baked is not None
    assert found.baked.words in [answer for _, answer, _ in found.answers()]
    assert found.as_dict()["baked"]["temperature_k"] == KELVIN
    with pytest.raises(UsageError):
        measure(baked, small_digits, replace(plan, bake_k=500.0))


def test_a_bake_that_is_not_in_the_card_is_refused(baked: DeviceCard, card: DeviceCard) -> None:
    with pytest.raises(UsageError):
        card_bakes(baked, 493.15)
    with pytest.raises(UsageError):
        card_bakes(baked.model_copy(update={"retention": None}), KELVIN)
