"""Severities of flaws, in the terms of each curve."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from snn.benchmark.flaws import SEVERITIES, device, find_flaws, own_severity
from snn.benchmark.measure import generic
from snn.benchmark.task import setting
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.training import train
from tests.unit.snn.benchmark.made import linear

ON = {"wire_ohm": 3.0, "terminal_ohm": 5.0, "column_gain": True, "adc_bits": 4}


AGED = {"time_s": 1e4, "drift_nu": 0.02, "drift_nu_sd": 0.01}


FLAWS = {flaw.name: flaw for flaw in SEVERITIES}


def test_how_bad_an_array_is() -> None:
    config = setting("plain", 0, **ON, **AGED)
    middle = (2e-5 + 3e-4) / 2  # of the window, 20 to 300 uS
    assert own_severity("wires", generic(), config) == pytest.approx(3 * middle * (64**2 + 100**2) / 2)
    wide = replace(config, hidden=1000)
    assert own_severity("wires", generic(), wide) == pytest.approx(3 * middle * (64**2 + 128**2) / 2)
    assert own_severity("wires", generic(), wide, 784) == pytest.approx(3 * middle * 128**2)
    assert own_severity("converters", generic(), config) == 4
    spread = 0.01 * math.log(1e4)
    assert own_severity("drift", generic(), config) == pytest.approx(
        math.sqrt(math.exp(spread**2) - 1) * middle / 2.8e-4
    )
    off = setting("plain", 0)
    assert [own_severity(name, generic(), off) for name in ("wires", "converters", "drift")] == [None] * 3
    assert own_severity("wires", generic(), setting("plain", 0, terminal_ohm=1.0)) is None  # no curve for drivers
    assert own_severity("drift", generic(), setting("plain", 0, time_s=1e4, drift_nu=0.1)) is None  # a common gain
    for name, sizes in (("wires", (0.3, 10.0)), ("drift", (0.01, 0.1)), ("converters", (3.0,))):
        for size in sizes:
            card, changes = device(name, size)
            assert own_severity(name, card, setting("plain", 0, **changes)) == pytest.approx(size)


def test_how_bad_a_device_is_in_the_terms_of_each_curve() -> None:
    config = setting("plain", 0)
    own = {name: own_severity(name, linear(0.04, 0.01, 0.01), config) for name in FLAWS}
    assert own["scatter of updates"] == pytest.approx(0.5)  # 0.01 over the geometric mean of the steps
    assert own["step size"] == pytest.approx(50.0)
    assert own["asymmetry"] == pytest.approx(4.0)
    assert own["nonlinearity"] == pytest.approx(0.0, abs=1e-9)
    assert (own["states"], own["stuck devices"], own["read noise"], own["telegraph noise"]) == (None,) * 4
    worn = replace(config, stuck=0.2, stuck_at="ends", device_levels=8, telegraph=0.03)
    assert own_severity("stuck devices", generic(), worn) == 0.2
    assert own_severity("stuck devices", generic(), replace(worn, stuck_at="start")) is None  # is benign
    assert own_severity("states", generic(), worn) == 8
    assert own_severity("telegraph noise", generic(), worn) == 0.03
    spread, changes = device("device-to-device variation", 1.5)
    assert changes == {"d2d": "shared"}
    assert own_severity("device-to-device variation", spread, replace(config, d2d="shared")) == pytest.approx(1.5)
    assert own_severity("device-to-device variation", spread, config) is None  # one device: nothing to resample
    assert own_severity("read noise", device("read noise", 0.05)[0], config) == pytest.approx(0.05)
    assert own_severity("read noise", device("read noise", 0.05)[0], replace(config, read_noise=False)) is None
    assert own_severity("scatter of updates", generic(), replace(config, c2c="none")) is None
    # soft bounds of NL 3: the rate falls by exp(-3) over the window, of which 2 to 98 % are looked at
    kappa = 1 - math.exp(-3)
    wanted = math.log((1 - 0.02 * kappa) / (1 - 0.98 * kappa))
    assert own_severity("nonlinearity", device("nonlinearity", 3)[0], config) == pytest.approx(wanted, rel=1e-6)


def test_read_noise_of_g_counts_by_the_ratio_of_the_window() -> None:
    card = linear(0.02, 0.02)
    for high, wanted in ((2e-6, 0.045), (1e-5, 0.03 * 5.5 / 9)):  # on/off ratios of 2 and 10
        window = card.window.model_copy(update={"quantity": "conductance_s", "low": 1e-6, "high": high})
        own = card.model_copy(update={"window": window})
        config = setting("plain", 0, read_noise_of_g=0.03)
        assert own_severity("read noise", own, config) == pytest.approx(wanted)
        assert "read noise" in find_flaws(own, config)
    weight = card.model_copy(update={"window": card.window.model_copy(update={"quantity": "weight"})})
    with pytest.raises(UsageError, match="weights"):
        find_flaws(weight, setting("plain", 0, read_noise_of_g=0.03))
    with pytest.raises(UsageError, match="read_noise"):
        TrainingConfig(read_noise_of_g=0.03)


def test_places_of_stuck_devices(few: Dataset) -> None:
    config = TrainingConfig(epochs=1, hidden=20, stuck=1.0, scales=(1.5, 2.0))
    for where in ("low", "high"):
        found = train(linear(0.02, 0.02), replace(config, stuck_at=where), few)  # type: ignore[arg-type]
        assert not found.w1.any()  # both devices of each pair at one end
    ends = train(linear(0.02, 0.02), replace(config, stuck_at="ends"), few)
    assert set(np.unique(ends.w1).tolist()) == {-1.5, 0.0, 1.5}
    assert np.mean(ends.w1 == 0) == pytest.approx(0.5, abs=0.05)
    start = train(linear(0.02, 0.02), config, few)
    assert np.unique(start.w1).size > 100
