"""Which fits leave an accuracy open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.fitting.device import fit
from devicekit.fitting.resampling import reason_to_resample
from devicekit.fitting.result import DeviceFit
from devicekit.synthetic.pulses import generate, truth_card

THETA = {"ltp": (-4.0, 0.9, 1.0, 0.0, 0.0, 0.0), "ltd": (-4.1, 0.9, 1.0, 0.0, 0.0, 0.0)}


@pytest.fixture(scope="module")
def fitted() -> DeviceFit:
    """Two cycles of one device."""
    return fit(generate(truth_card(THETA, increment=0.004, read=0.004), 1, 2, 80, 1, conditioning=1), "softbounds")


def with_spread(fitted: DeviceFit, **changes: object) -> DeviceFit:
    spreads = {name: replace(each, **changes) for name, each in fitted.variation.branches.items()}  # type: ignore[arg-type]
    return replace(fitted, variation=replace(fitted.variation, branches=spreads))


def test_few_noisy_cycles_or_short_trains_are_a_reason_to_resample(fitted: DeviceFit) -> None:
    assert reason_to_resample(with_spread(fitted, increment=0.0099)) == ""
    words = reason_to_resample(with_spread(fitted, increment=0.0101))
    assert words.count("1.0%") == 2
    assert words.startswith("LTP")
    assert reason_to_resample(with_spread(fitted, increment=0.02, n_cycles=3))
    assert reason_to_resample(with_spread(fitted, increment=0.02, n_cycles=4)) == ""
    assert reason_to_resample(with_spread(fitted, increment=0.02, n_devices=4)) == ""
    assert fitted.ltp is not None
    short = replace(fitted.ltp, parameters=np.array([np.log(0.002), 0.0, 0.0]))  # 80 equal steps
    assert short.trajectory[-1] < 1 / 3
    short = replace(short, x=short.trajectory)  # readings that end there, too
    words = reason_to_resample(replace(fitted, ltp=short))
    assert words.startswith("LTP")
    assert "16%" in words
