"""Pulse policies at a leak that is not 1, at their thresholds, and for changes below 0."""

from __future__ import annotations

import numpy as np
import pytest

from snn.network.pulsing import POLICIES


def asked(
    name: str,
    total: float,
    change: float = 0.0,
    level: float = 0.5,
    alpha: float = 0.5,
    most: int = 20,
    draw: float = 0.5,
) -> tuple[int, float]:
    """In double precision, so that sums are exact."""
    pulses, left = POLICIES[name].pulse_request.py_func(total, change, level, alpha, most, draw)
    return int(pulses), float(left)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_literal_sum_counts_by_alpha_and_is_kept_whole(sign: int) -> None:
    """dC = dw + alpha S: 0.25 + 0.5 x 0.75 is above 0.5; 0.125 + 0.375 is not, but the sum grows."""
    assert asked("literal", sign * 0.75, sign * 0.25) == (sign, sign * 1.0)
    assert asked("literal", sign * 0.75, sign * 0.125) == (0, sign * 0.875)
    assert asked("literal", sign * 0.75, sign * -0.25) == (0, sign * 0.5)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_leaky_sum_is_what_was_wanted_last(sign: int) -> None:
    assert asked("leaky", sign * 0.75, sign * 0.25) == (sign, sign * 0.625)
    assert asked("leaky", sign * 0.75, sign * 0.125) == (0, sign * 0.5)
    assert asked("leaky", sign * 2.0, sign * -3.0) == (-sign, sign * -2.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_of_two_and_a_half_thresholds_gives_two_pulses(sign: int) -> None:
    assert asked("carry", sign * 0.625, level=0.25) == (2 * sign, sign * 0.125)
    assert asked("carry", sign * 0.5, level=0.25) == (2 * sign, 0.0)
    assert asked("carry", sign * 2.0, level=0.25, most=3) == (3 * sign, sign * 1.25)
    assert asked("verify", sign * 0.625, level=0.25) == (2 * sign, sign * 0.625)
    assert asked("verify", sign * 2.0, level=0.25, most=3) == (3 * sign, sign * 2.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_chance_gives_what_is_left_of_a_change_its_share_of_a_pulse(sign: int) -> None:
    """0.625 is two thresholds of 0.25 and half of one: a third pulse for draws below 1/2, whatever the sum."""
    for draw in (0.0, 0.25, 0.4375):
        assert asked("stochastic", 9.0, sign * 0.625, level=0.25, draw=draw) == (3 * sign, 9.0)
    for draw in (0.5, 0.75, 0.9375):
        assert asked("stochastic", 9.0, sign * 0.625, level=0.25, draw=draw) == (2 * sign, 9.0)
    assert asked("stochastic", 0.0, sign * 0.625, level=0.25, draw=0.0, most=2) == (2 * sign, 0.0)
    assert asked("stochastic", 0.0, sign * 0.5, level=0.25, draw=0.0) == (2 * sign, 0.0)  # nothing is left


def test_on_the_mean_chance_gives_the_change_that_is_wanted() -> None:
    draws = (np.arange(1000) + 0.5) / 1000
    mean = np.mean([asked("stochastic", 0.0, -0.43, level=0.25, draw=draw)[0] for draw in draws])
    assert mean * 0.25 == pytest.approx(-0.43, abs=0.25 / 1000)


def test_properties_of_the_policies() -> None:
    declared = {name: (p.summed, p.verifies, p.needs_theta, p.most, p.decay_by) for name, p in POLICIES.items()}
    usual = POLICIES["reset"].decay_by
    assert declared == {
        "carry": (True, False, False, 20, "eta"),
        "leaky": (False, False, True, 1, usual),
        "literal": (False, False, True, 1, usual),
        "reset": (True, False, False, 1, usual),
        "stochastic": (False, False, False, 1, usual),
        "verify": (True, True, False, 20, "eta"),
    }
