"""Flaws of a device, and the device without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.device.idealise import mean_step, with_steps
from devicekit.device.variation import applied_variation
from snn.benchmark.flaws import device, find_flaws, remove_flaws
from snn.benchmark.measure import generic
from snn.benchmark.severity import scatter_over_step
from snn.benchmark.task import setting
from tests.unit.snn.benchmark.made import linear

ON = {"wire_ohm": 3.0, "terminal_ohm": 5.0, "column_gain": True, "adc_bits": 4}


AGED = {"time_s": 1e4, "drift_nu": 0.02, "drift_nu_sd": 0.01}


def test_a_device_that_only_fluctuates_keeps_its_fluctuation() -> None:
    """Removing the scatter of updates must not remove the fluctuation of states, nor the other way round."""
    card, changes = device("fluctuation of states", 0.08)
    config = setting("plain", 0, **changes)
    both = find_flaws(card, config)
    assert {"fluctuation of states", "scatter of updates"} <= set(both)
    for kept in ("fluctuation of states", "scatter of updates"):
        case = remove_flaws(card, config, [name for name in both if name != kept])
        applied = applied_variation(case.card, replace(config, **case.changes).c2c)
        assert applied.fluctuates == (kept == "fluctuation of states")
        assert applied.scatter == (kept == "scatter of updates")
        assert set(applied.held.values()) == (
            set(applied_variation(card).held.values()) if applied.fluctuates else {0.0}
        )


def test_flaws_that_a_device_has_and_the_device_without_them() -> None:
    config = setting("plain", 0)
    assert find_flaws(linear(0.02, 0.02), config) == ("asymmetry",)
    assert find_flaws(linear(0.04, 0.04, 0.01), config) == ("asymmetry", "step size", "scatter of updates")
    assert "step size" in find_flaws(linear(1 / 31.9, 1 / 31.9), config)
    assert "step size" not in find_flaws(linear(1 / 32.1, 1 / 32.1), config)
    assert "step size" in find_flaws(linear(1 / 100.1, 1 / 100.1), config)
    worn = replace(config, stuck=0.1, device_levels=8)
    assert find_flaws(linear(0.02, 0.02), worn)[-2:] == ("states", "stuck devices")
    assert "nonlinearity" in find_flaws(generic(), config)

    card = linear(0.08, 0.02, 0.01)
    assert mean_step(card) == pytest.approx(0.04)
    assert scatter_over_step(card, config) == pytest.approx(0.25)
    even = remove_flaws(card, config, ["asymmetry"]).card
    assert np.exp([even.ltp.theta[0], even.ltd.theta[0]]) == pytest.approx([0.04, 0.04])
    finer = remove_flaws(card, config, ["step size"]).card
    assert mean_step(finer) == pytest.approx(1 / 32)
    assert np.exp(finer.ltp.theta[0] - finer.ltd.theta[0]) == pytest.approx(4.0)  # as asymmetric as before
    assert scatter_over_step(finer, config) == pytest.approx(0.25)  # what counts is kept
    case = remove_flaws(card, worn, ["scatter of updates", "states", "stuck devices", "read noise"])
    silent = {"read_noise": False, "read_noise_of_g": 0.0}
    assert case.changes == {"c2c": "none", "device_levels": 0, "stuck": 0.0, **silent}
    assert not applied_variation(case.card, "none").scatter
    assert with_steps(card, 2.0).ltp.largest_step == pytest.approx(2 * card.ltp.largest_step)


def test_the_array_is_among_the_flaws_where_it_is_set() -> None:
    config, names = setting("plain", 0), ("wires", "converters", "drift")
    assert not set(find_flaws(generic(), config)) & set(names)
    array = setting("plain", 0, **ON, **AGED)
    assert find_flaws(generic(), array)[-3:] == names
    lines = {"wire_ohm": 0.0, "terminal_ohm": 0.0, "column_gain": False, "wire_gains": "separable"}
    off = {**lines, "adc_bits": 0, "time_s": 0.0}
    case = remove_flaws(generic(), array, names)
    assert case.changes == off
    assert case.card == generic()
    assert not set(find_flaws(generic(), replace(array, **case.changes))) & set(names)
    exact = remove_flaws(generic(), replace(array, wire_gains="exact"), names)
    assert exact.changes == off
    only = remove_flaws(generic(), array, ["wires"])
    assert find_flaws(generic(), replace(array, **only.changes))[-2:] == ("converters", "drift")
    assert "wires" in find_flaws(generic(), setting("plain", 0, terminal_ohm=1.0))
    assert "drift" in find_flaws(generic(), setting("plain", 0, time_s=10.0, drift_nu=0.1))
    assert "drift" not in find_flaws(generic(), setting("plain", 0, drift_nu=0.1, drift_nu_sd=0.1))  # no time passes
