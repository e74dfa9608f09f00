"""Devices with windows of their own, states that fluctuate reversibly, and noise that depends on the state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.blocks import DeviceRow, Sigma
from devicekit.device.card import DeviceCard
from devicekit.device.programming import program_and_verify
from devicekit.device.variation import draw_windows, own_windows
from devicekit.synthetic.pulses import truth_card

LINEAR = {"ltp": (np.log(0.01),), "ltd": (np.log(0.01),)}


def plain(**more: Any) -> DeviceCard:
    return truth_card(LINEAR, model="linear", **{"increment": 0.0, "read": 0.0, **more})


def changed(card: DeviceCard, held: float = 0.0, **more: Any) -> DeviceCard:
    """The card with a fluctuation and other numbers of both branches' variation."""
    branches = {}
    for direction in ("ltp", "ltd"):
        own = getattr(card.variation, direction)
        c2c = {**own.c2c, **({"held": Sigma(kind="held", value=held, estimator="made")} if held else {})}
        branches[direction] = own.model_copy(update={"c2c": c2c, **more})
    return card.model_copy(update={"variation": card.variation.model_copy(update=branches)})


def test_a_fluctuation_is_drawn_by_each_pulse_held_until_the_next_and_does_not_carry_the_state() -> None:
    card = plain(increment=0.004)
    still, moved = DeviceArray(card, 4000, 3), DeviceArray(changed(card, 0.03, held_memory=0.6), 4000, 3)
    assert still.kernel_state.own.held.size == 0
    before = []
    for _ in range(4):
        for array in (still, moved):
            array.pulse(1)
        before.append(moved.observed_states - moved.r)
        assert moved.observed_states == pytest.approx(moved.observed_states, abs=0)  # nothing changes without a pulse
    np.testing.assert_array_equal(still.r, moved.r)  # to the last bit
    assert np.std(before[-1]) == pytest.approx(0.03, rel=0.05)
    assert np.corrcoef(before[-2], before[-1])[0, 1] == pytest.approx(0.6, abs=0.04)
    assert np.corrcoef(before[-3], before[-1])[0, 1] == pytest.approx(0.36, abs=0.05)
    np.testing.assert_allclose(moved.read(), moved.card.window.from_state(moved.observed_states))
    first = moved.observed_states[:10] - moved.r[:10]
    moved.pulse(1, np.array([3]))
    assert np.flatnonzero(moved.observed_states[:10] - moved.r[:10] != first).tolist() == [3]
    assert DeviceArray(changed(card, 0.03), 5, c2c="none").kernel_state.own.held.size == 0


def test_programmed_states_fluctuate_too() -> None:
    card = changed(plain(), 0.02, held_memory=0.0)
    array = DeviceArray(card, 2000, 1, initial=0.2)
    array.set_states(np.full(2000, 0.7))
    assert np.std(array.observed_states - 0.7) == pytest.approx(0.02, rel=0.06)
    written = program_and_verify(DeviceArray(card, 500, 1, initial=0.2), np.full(500, 0.5), tolerance=0.05)
    assert np.abs(written.state[~written.flagged] - 0.5).max() <= 0.05 + 1e-12  # as it is read


def test_updates_scatter_by_the_tilt_of_their_state() -> None:
    card = changed(plain(increment=0.002), tilt=1.4)
    for start, sign in ((0.1, 1), (0.9, 1), (0.1, -1), (0.9, -1)):
        array = DeviceArray(card, 6000, 2, initial=start)
        array.pulse(sign)
        x = start if sign > 0 else 1 - start  # on the rising coordinate of the pulse's direction
        assert np.std(array.r) == pytest.approx(0.002 * np.exp(1.4 * (x - 0.5)), rel=0.05)


def rows(low: list[float], high: list[float]) -> tuple[DeviceRow, ...]:
    return tuple(
        DeviceRow(
            device_id=f"d{k}", ltp_theta=(np.log(0.01),), ltd_theta=(np.log(0.01),), ltp_largest_step=1.0,
            ltd_largest_step=1.0, low=a, high=b,
        )
        for k, (a, b) in enumerate(zip(low, high, strict=True))
    )  # fmt: skip


LOWS, HIGHS = [-0.2, 0.0, 0.1, 0.05, -0.1, 0.2], [0.9, 1.2, 1.0, 0.7, 1.1, 1.3]


def test_each_device_stays_in_a_window_of_its_own_and_its_law_is_stretched_to_it() -> None:
    card = plain().model_copy(update={"devices": rows(LOWS, HIGHS)})
    array = DeviceArray(card, 300, 4, initial=0.5)
    own = array.kernel_state.own
    which = array.kernel_state.row
    before = array.r.copy()
    array.pulse(1)
    spans = np.subtract(HIGHS, LOWS)[which]
    stretch = (own.high - own.low) / spans
    np.testing.assert_allclose(array.r, np.minimum(before + 0.01 * stretch, own.high))
    for _ in range(400):
        array.pulse(1)
    np.testing.assert_allclose(array.r, own.high)
    for _ in range(400):
        array.pulse(-1)
    np.testing.assert_allclose(array.r, own.low)
    array.set_states(np.ones(300))
    np.testing.assert_array_equal(array.r, np.clip(1.0, own.low, own.high))
    assert DeviceArray(card, 5, d2d="none").kernel_state.own.low.size == 0


def test_windows_scatter_as_those_of_new_devices_do() -> None:
    """(1 + 1/k)(k - 1)/(k - 3) of the covariance of k: that of Student's t for one more."""
    card = plain().model_copy(update={"devices": rows(LOWS, HIGHS)})
    known = own_windows(card)
    assert known is not None
    assert known[:, 0].tolist() == LOWS
    row = np.random.default_rng(0).integers(6, size=200_000)
    low, high = draw_windows(card, row, row.size, 5)
    drawn = np.stack([low, np.log(high - low)])
    expected = np.cov(known, rowvar=False) * (1 + 1 / 6) * 5 / 3
    np.testing.assert_allclose(np.cov(drawn), expected, rtol=0.02, atol=2e-4)
    few = card.model_copy(update={"devices": rows(LOWS[:4], HIGHS[:4])})
    assert own_windows(few) is None  # of four nothing is known of the others
    without = card.model_copy(
        update={"devices": (*rows(LOWS, HIGHS), rows([0.0], [1.0])[0].model_copy(update={"low": None, "high": None}))}
    )
    assert own_windows(without) is None


def test_a_card_keeps_windows_and_fluctuations_and_an_old_one_has_none() -> None:
    card = changed(plain().model_copy(update={"devices": rows(LOWS, HIGHS)}), 0.03, held_memory=0.6, tilt=-0.4)
    again = DeviceCard.from_json(card.to_json())
    assert again == card
    text = plain().to_json()
    for word in ("held", "tilt", "read_known", '"low": null', "factor_of_all"):
        assert word not in text
