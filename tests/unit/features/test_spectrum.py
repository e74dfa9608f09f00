"""The slope of a spectrum: how wide its interval is, by weighted least squares here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal
from scipy.stats import t as student

from devicekit.core.errors import TraceError
from devicekit.features.merits import noise
from devicekit.features.noise import spectrum
from devicekit.synthetic import records

X = np.log(np.geomspace(1.0, 60.0, 8))
WORTH = np.array([2.0, 3.0, 4.0, 8.0, 16.0, 30.0, 60.0, 100.0])
OFF = np.array([1.0, -1, 1, 1, -1, -1, 1, -1])


@pytest.mark.parametrize("size", [0.01, 2.0])
def test_the_interval_is_by_the_scatter_or_by_the_number_of_values_whichever_is_wider(size: float) -> None:
    """About y = 3 - 0.7 x, each point off by so many of its own errors 1 / sqrt(worth)."""
    y = 3.0 - 0.7 * X + size * OFF / np.sqrt(WORTH) - 0.5 / WORTH  # the log of an average of so many is low by that
    found = spectrum._line(X, y, WORTH, np.exp(X)).exponent
    mended = y + 0.5 / WORTH
    design = np.column_stack([np.ones(8), X])
    inverse = np.linalg.inv(design.T @ (WORTH[:, None] * design))
    beta = inverse @ design.T @ (WORTH * mended)
    rest = mended - design @ beta
    scatter = float((WORTH * rest**2).sum() / 6)
    assert (scatter > 1) is (size > 1)
    wide = student.ppf(0.975, 6) * np.sqrt(max(scatter, 1.0) * inverse[1, 1])
    assert found.value == pytest.approx(-beta[1], rel=1e-9)
    assert found.ends == pytest.approx((-beta[1] - wide, -beta[1] + wide), rel=1e-9)


def test_a_band_is_worth_its_frequencies_over_hann_s_width_times_its_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def line(x: np.ndarray, y: np.ndarray, worth: np.ndarray, frequency: np.ndarray) -> str:
        seen.update(x=x, y=y, worth=worth, frequency=frequency)
        return "line"

    monkeypatch.setattr(spectrum, "_line", line)
    value = np.random.default_rng(0).standard_normal(2048)
    assert spectrum.slope(value, 0.5) == "line"
    f = seen["frequency"]
    place = np.searchsorted(np.geomspace(f[0], f[-1] * 1.0001, 13), f, "right")
    numbers = np.array([(place == k).sum() for k in np.unique(place)])
    assert numbers.max() > 20
    assert numbers.sum() == f.size
    expected = 0.95 * spectrum.SEGMENTS * np.maximum(numbers / 1.5, 1.0)
    assert seen["worth"] == pytest.approx(expected)
    length = 2 * 2048 // (spectrum.SEGMENTS + 1)
    frequency, density = signal.welch(value, 2.0, "hann", length, length // 2, detrend="linear")
    inside = np.isin(frequency, f)
    means = [np.log(density[inside][place == k].mean()) for k in np.unique(place)]
    assert seen["y"] == pytest.approx(means)


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
