"""Read noise at constant voltage: its size, and the levels of its histogram."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.core.errors import TraceError
from devicekit.features.merits import noise
from devicekit.synthetic import records


def test_telegraph_noise_levels_and_dwell_times() -> None:
    frame = records.telegraph(60000).frame
    result = noise.noise(frame["time_s"].to_numpy(), frame["current_a"].to_numpy(), 0.1)
    assert [round(level.current_a * 1e6, 2) for level in result.levels] == [1.0, 1.2]
    assert result.amplitude_a == pytest.approx(0.2e-6, rel=0.02)
    assert result.levels[0].dwell_s == pytest.approx(0.2, rel=0.25)
    assert result.levels[1].dwell_s == pytest.approx(0.1, rel=0.25)


def test_white_noise_is_one_level() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        result = noise.noise(np.arange(2000.0), 1e-6 * (1 + 0.02 * rng.standard_normal(2000)))
        assert not result.telegraph
        assert result.relative == pytest.approx(0.02, rel=0.1)
    assert not noise.noise(np.arange(100.0), np.full(100, 1e-6)).telegraph
    with pytest.raises(TraceError):
        noise.noise(np.arange(10.0), np.ones(10))


def test_both_levels_of_telegraph_noise_have_the_standard_deviation_of_the_white_noise() -> None:
    """Levels 0.2 uA apart, white noise of 0.02 uA on each."""
    rng = np.random.default_rng(4)
    on = np.repeat(rng.permutation(200) % 2, 20)
    result = noise.noise(np.arange(4000.0), 1e-6 + 2e-7 * on + 2e-8 * rng.standard_normal(4000))
    assert [level.sd_a for level in result.levels] == pytest.approx([2e-8, 2e-8], rel=0.05)
