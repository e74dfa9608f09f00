"""A card that says how amplitude and width scale a step, and arrays pulsed by it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import ADDED, BLOCKS, DeviceCard
from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.exporters import ExportOptions, make
from devicekit.models.pulselaw import Pulse
from devicekit.synthetic.amplitudes import amplitude_truth, generate_programmes
from devicekit.synthetic.pulses import truth_card


def branch(law: str = "exponential", **changed: Any) -> BranchScaling:
    parameters = {"exponential": {"inverse_v0": 10.0}, "power": {"n": 4.0}, "threshold": {"v_th": 0.5, "alpha": 2.0}}
    fields: dict[str, Any] = {
        "law": law,
        "parameters": {**parameters.get(law, {}), "m": 0.5},
        "intervals": {"m": (0.4, 0.6)},
        "covariance": ((1.0, 0.0), (0.0, 1.0)),
        "scatter": 0.03,
        "reference_voltage_v": None if law == "width" else 0.9,
        "reference_width_s": 1e-5,
        "voltage_range_v": None if law == "width" else (0.7, 1.1),
        "width_range_s": (1e-6, 1e-4),
        "n_pulses": 9,
        "not_excluded": (law,),
        "assumed": False,
    }
    return BranchScaling(**{**fields, **changed})


def card_of(ltp: BranchScaling | None, ltd: BranchScaling | None = None, increment: float = 0.0) -> DeviceCard:
    card = truth_card({"ltp": (-5.0,), "ltd": (-5.0,)}, model="linear", increment=increment, read=0.0)
    return card.with_blocks({"pulse_law": PulseScaling(source="made here", ltp=ltp, ltd=ltd)})


def step(card: DeviceCard, sign: int = 1, **pulse: Any) -> float:
    array = DeviceArray(card, 3, initial=0.5)
    array.pulse(sign, **pulse)
    assert np.ptp(array.r) == 0
    return float(array.r[0] - 0.5)


@pytest.mark.parametrize(
    ("law", "voltage", "factor"),
    [
        ("exponential", 1.0, np.exp(1.0)),
        ("exponential", -0.8, np.exp(-1.0)),
        ("power", 1.0, (1.0 / 0.9) ** 4),
        ("threshold", 0.7, 0.25),
        ("threshold", 1.1, 2.25),
    ],
)
def test_a_pulse_moves_by_the_laws_factor(law: str, voltage: float, factor: float) -> None:
    card = card_of(branch(law), branch(law))
    plain = step(card)
    assert plain == pytest.approx(np.exp(-5.0))
    assert step(card, voltage_v=voltage) == pytest.approx(factor * plain)
    assert step(card, -1, voltage_v=voltage) == pytest.approx(-factor * plain)
    assert step(card, voltage_v=voltage, width_s=4e-5) == pytest.approx(2 * factor * plain)
    assert step(card, voltage_v=0.9, width_s=1e-5) == pytest.approx(plain)
    assert step(card, width_s=1e-6) == pytest.approx(plain / np.sqrt(10))


def test_outside_the_measured_range_needs_extrapolate() -> None:
    card = card_of(branch())
    inside = step(card, voltage_v=1.1)
    assert step(card, voltage_v=1.1 * (1 + 1e-9)) == pytest.approx(inside)
    for outside in ({"voltage_v": 1.1001}, {"voltage_v": 0.6999}, {"width_s": 1.01e-4}, {"width_s": 9.9e-7}):
        with pytest.raises(UsageError, match="outside the measured"):
            step(card, **outside)
        step(card, **outside, extrapolate=True)
    assert step(card, voltage_v=1.2, extrapolate=True) == pytest.approx(np.exp(3.0) * step(card))


def test_below_a_threshold_nothing_moves() -> None:
    card = card_of(branch("threshold"))
    assert step(card, voltage_v=0.5, extrapolate=True) == 0.0
    assert step(card, voltage_v=0.3, extrapolate=True) == 0.0


@pytest.mark.parametrize("bad", [{"voltage_v": 0.0}, {"voltage_v": np.nan}, {"width_s": -1e-5}, {"width_s": np.inf}])
def test_invalid_pulses_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        step(card_of(branch()), extrapolate=True, **bad)


def test_a_law_of_one_direction_or_of_the_width_alone() -> None:
    card = card_of(branch())
    with pytest.raises(UsageError, match="LTD"):
        step(card, -1, voltage_v=1.0)
    mixed = DeviceArray(card, 2, initial=0.5)
    with pytest.raises(UsageError, match="LTD"):
        mixed.pulse(np.array([1, -1]), voltage_v=1.0)
    assert (mixed.r == 0.5).all()  # refused before anything moved
    width = card_of(branch("width"))
    assert step(width, width_s=4e-5) == pytest.approx(2 * step(width))
    with pytest.raises(UsageError, match="amplitude"):
        step(width, voltage_v=1.0)
    plain = truth_card({"ltp": (-5.0,), "ltd": (-5.0,)}, model="linear")
    with pytest.raises(UsageError, match="share="):
        step(plain, voltage_v=1.0)


def test_noise_and_counters_are_those_of_any_pulse() -> None:
    card = card_of(branch(), increment=0.01)
    one, other = DeviceArray(card, 50, seed=3, initial=0.5), DeviceArray(card, 50, seed=3, initial=0.5)
    one.pulse(1)
    other.pulse(1, voltage_v=1.0)
    assert (other.pulses == 1).all()
    assert other.r - one.r == pytest.approx(np.full(50, (np.e - 1) * np.exp(-5.0)))
    one.pulse(1)
    other.pulse(1)  # the scaling is of one pulse
    assert other.r - one.r == pytest.approx(np.full(50, (np.e - 1) * np.exp(-5.0)))


def test_the_block_is_strict_and_comes_back() -> None:
    card = card_of(branch(), branch("threshold"))
    assert DeviceCard.from_json(card.to_json()) == card
    assert "pulse_law" in json.loads(card.to_json())
    assert "pulse_law" in BLOCKS
    assert "pulse_law" not in ADDED
    names = {each.name: each for each in card.figures()}
    assert names["pulse_inverse_v0_ltp"].unit == "1/V"
    assert names["pulse_m_ltp"].low == 0.4
    for wrong in (
        {"parameters": {"n": 4.0, "m": 0.5}},
        {"reference_voltage_v": None},
        {"voltage_range_v": None},
        {"voltage_range_v": (1.1, 0.7)},
        {"reference_width_s": None, "width_range_s": None},
    ):
        with pytest.raises(ValidationError):
            branch(**wrong)
    with pytest.raises(ValidationError, match="threshold"):
        branch("threshold", parameters={"v_th": 0.7, "alpha": 2.0, "m": 0.5})


def test_another_reference_changes_no_ratio() -> None:
    block = PulseScaling(source="made here", ltp=branch(), ltd=branch("power"))
    moved = block.relative_to(Pulse(1.0, 1e-4), Pulse(1.0, 1e-4))
    for name in ("ltp", "ltd"):
        before, after = block.branch(name), moved.branch(name)
        ratio = before.factor(0.8, 1e-6, False, "x") / before.factor(1.0, 1e-4, False, "x")
        assert after.factor(0.8, 1e-6, False, "x") == pytest.approx(ratio)
        assert after.factor(None, None, False, "x") == 1.0


@pytest.mark.parametrize("to", ["csv", "neurosim"])
def test_readmes_mention_the_omitted_law(to: str) -> None:
    text = make(amplitude_truth("power"), to, ExportOptions()).files["README.txt"].decode()
    words = " ".join(text.split())
    assert "law of amplitude" in words
    assert "LTP 900 mV" in words or "LTP 0.9 V" in words
    plain = make(truth_card({"ltp": (-5.0,), "ltd": (-5.0,)}, model="linear"), to, ExportOptions())
    assert "law of amplitude" not in " ".join(plain.files["README.txt"].decode().split())


def test_synthetic_trains_follow_the_cards_law() -> None:
    quiet = amplitude_truth("exponential", increment=0.0, read=0.0)
    table = generate_programmes(quiet, [np.full(5, 0.9), np.full(5, 1.0), np.linspace(0.7, 1.1, 5)], 1, 0)
    up = table.frame[table.frame["direction"] == "ltp"]
    r = quiet.window.to_state(up.pivot(index="cycle", columns="pulse_index", values="conductance_s").to_numpy())
    rate = 2 * np.exp(-3.9)  # soft bounds with kappa 1, against half the window
    assert r[0] == pytest.approx(1 - (1 - rate) ** np.arange(6))
    assert r[1] == pytest.approx(1 - (1 - rate * np.exp(0.8)) ** np.arange(6))
    steps = rate * np.exp(8.0 * (np.linspace(0.7, 1.1, 5) - 0.9))
    assert r[2] == pytest.approx(np.append(0.0, 1 - np.cumprod(1 - steps)))
    with pytest.raises(UsageError, match="exponential, power, threshold"):
        amplitude_truth("step")
