"""How far devices that the data also allow differ beyond chance, and what quantised states are off by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from devicekit.core.statistics import mean_above_zero
from snn.ageing import _predict_accuracy, _programming_error, noise_to_signal, predicted_loss
from snn.benchmark.losses import VariantResult
from snn.benchmark.result import Benchmark
from snn.config import TrainingConfig
from snn.report import accuracy_number
from snn.result import TrainingResult


def benchmark(losses: np.ndarray) -> Benchmark:
    plain = VariantResult(variant="plain", device=(0.9,) * 3, twin=(0.95,) * 3, null_sd=0.01)
    return Benchmark(name="d", split="s", seeds=3, variants=(plain,), flaws=(), allowed=tuple(map(tuple, losses)))


def test_what_seeds_make_of_a_mean_is_taken_off_what_devices_differ_by() -> None:
    """Two-way table: devices -2, 0 and 2 points, seeds any, residuals of +-1.5 that sum to 0 both ways.

    Four seeds: residuals of 12 x 2.25 / 1.5 have a variance of 27 / 6 = 3 x 1.5, a quarter of which a mean varies by.
    """
    devices, seeds = np.array([-2.0, 0.0, 2.0])[:, None], np.array([5.0, 1.0, 0.0, 9.0])
    residuals = 1.5 * np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [0, 0, 0, 0]])
    losses = devices + seeds + residuals
    chance = (residuals**2).sum() / (2 * 3) / 4
    assert chance == pytest.approx(0.75)
    assert benchmark(losses).left_open_sd == pytest.approx(np.sqrt(4.0 - 0.75))


@pytest.mark.parametrize("size", [4.0, 2.0])
def test_chance_is_never_more_than_all_there_is(size: float) -> None:
    """Devices of -1, 0 and 1 (variance 1) under residuals of +-4 (chance 5.33) and of +-2 (1.33)."""
    residuals = size * np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [0, 0, 0, 0]])
    losses = np.array([-1.0, 0.0, 1.0])[:, None] + residuals
    assert benchmark(losses).left_open_sd == 0.0


def test_a_few_devices_that_agree_leave_an_error() -> None:
    """What the variance of true losses is expected to be, any value from 0 on being as likely: by integration."""
    residuals = np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [0, 0, 0, 0]])
    for size in (0.5, 1.5, 4.0):
        found = benchmark(np.array([-1.0, 0.0, 1.0])[:, None] + size * residuals)
        chance = 8 * size**2 / 6 / 4
        value, error = 1.0 - chance, np.hypot(1.0, chance / np.sqrt(3)) * np.sqrt(2 / 2)
        variance = np.linspace(0, 40 * error, 400_001)
        weight = np.exp(-0.5 * ((variance - value) / error) ** 2)
        assert found.left_open_error == pytest.approx(np.sqrt((variance * weight).sum() / weight.sum()), rel=1e-3)
    assert mean_above_zero(-1.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"levels": 5, "program_sigma": 0.0}, 0.25 / np.sqrt(12)),
        ({"levels": 2, "program_sigma": 0.0}, 1.0 / np.sqrt(12)),
        ({"levels": 0, "program_sigma": 0.03}, 0.03),
        ({"levels": 17, "program_sigma": 0.03}, np.sqrt(0.03**2 + (1 / 16) ** 2 / 12)),
    ],
)
def test_states_on_a_grid_are_off_by_its_step_over_the_root_of_twelve(
    settings: dict[str, float], expected: float
) -> None:
    assert _programming_error(TrainingConfig(scheme="offline", **settings)) == pytest.approx(expected)  # type: ignore[arg-type]
    assert _programming_error(TrainingConfig(scheme="insitu", **settings)) == 0.0  # type: ignore[arg-type]


CURVE = {
    "noise": [0.0, 1.0, 2.0], "loss": [0.0, 0.1, 0.5], "sd": [0.0, 0.01, 0.03], "spread": [0.2, 0.4],
    "output_share": 0.25, "least_gain": 0.6,
}  # fmt: skip


def test_an_error_counts_against_what_the_states_of_each_layer_differ_by() -> None:
    """sqrt(2 sigma^2 (3/4 / a^2 + 1/4 / b^2)) of layers that differ by a = 0.2 and b = 0.4."""
    expected = np.sqrt(2 * 0.1**2 * (0.75 / 0.04 + 0.25 / 0.16))
    assert noise_to_signal(0.1, curve=CURVE) == pytest.approx(expected)
    assert noise_to_signal(0.1, (0.4, 0.2), CURVE) == pytest.approx(np.sqrt(2 * 0.01 * (0.75 / 0.16 + 0.25 / 0.04)))
    loss = predicted_loss(0.1, curve=CURVE)
    assert 0 < expected < 1
    assert loss == pytest.approx((0.1 * expected, 0.01 * expected))


def test_what_was_lost_in_programming_is_not_lost_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors add in squares; the accuracy before any time holds what programming costs."""
    import snn.ageing

    monkeypatch.setattr(snn.ageing, "shipped", lambda: CURVE)
    spread = (0.2, 0.2)
    scale = np.sqrt(2 / 0.04)
    found = _predict_accuracy(0.9, 0.04, 0.03, spread, 1.0)
    assert found == pytest.approx(0.9 - 0.1 * scale * 0.05 + 0.1 * scale * 0.03)
    assert _predict_accuracy(0.9, 0.04, 0.03, spread, 0.59) is None
    assert _predict_accuracy(0.9, 1.0, 0.0, spread, 1.0) is None
    assert _predict_accuracy(0.9, 0.04, 0.03, None, 1.0) is None


@pytest.mark.parametrize("right", [0, 8, 320, 396, 400])
def test_an_accuracy_has_the_binomial_interval_of_its_test_samples(right: int) -> None:
    """That of Clopper and Pearson, which keeps a width at 100 %."""
    value, exact = right / 400, stats.binomtest(right, 400).proportion_ci(0.95, "exact")
    made: Any = SimpleNamespace(
        accuracy_mean_last=value, data=SimpleNamespace(name="digits", n_test=400), basis="of the last epoch"
    )
    made.accuracy_ends = TrainingResult.accuracy_ends.fget(made)  # type: ignore[attr-defined]
    found = accuracy_number(made)
    assert (found.value, found.low, found.high) == pytest.approx((value, exact.low, exact.high))
