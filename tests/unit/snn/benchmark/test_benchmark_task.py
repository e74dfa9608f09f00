"""The small task of a benchmark: its images and settings."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from snn.benchmark.measure import generic
from snn.benchmark.task import accuracy, few_shot, setting, showings
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.recipe import choose
from tests.unit.snn.benchmark.made import linear


def test_the_task_is_500_images_and_all_others(data: Dataset) -> None:
    assert data.x_train.shape == (500, 64)
    assert len(data.y_test) == 1797 - 500
    assert np.bincount(data.y_train).min() >= 48  # stratified
    train_rows = {row.tobytes() for row in data.x_train}
    assert not any(row.tobytes() in train_rows for row in data.x_test)
    again = few_shot()
    np.testing.assert_array_equal(again.x_train, data.x_train)
    config = setting("scaled", 3, stuck=0.2)
    assert (config.epochs, config.hidden, config.seed, config.rates, config.stuck) == (4, 50, 3, "scaled", 0.2)
    for wrong in ({"stuk": 0.1}, {"hidden": 9}, {"steps": 20}, {"retention": 0.1}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            setting("plain", 0, **wrong)


def test_scaled_rates_are_those_of_fewer_hidden_units() -> None:
    plain, scaled = (choose(TrainingConfig(hidden=50, rates=rates), generic()) for rates in ("plain", "scaled"))
    assert scaled.eta == pytest.approx((plain.eta[0], 20 * plain.eta[1]))
    assert scaled.start_sd == pytest.approx((plain.start_sd[0], math.sqrt(20) * plain.start_sd[1]))
    assert scaled.offline_eta[1] == pytest.approx(20 * plain.offline_eta[1])
    assert scaled.theta is not None
    assert plain.theta is not None
    assert scaled.theta[1] == pytest.approx(plain.theta[1] / 20)  # one pulse stays one wanted change


def test_another_draw_changes_the_devices_alone(few: Dataset) -> None:
    noisy = generic(scatter=0.02)
    one, two = (accuracy(noisy, setting("plain", 1, draw=draw), few) for draw in (0, 1))
    assert one != two
    still = linear(0.02, 0.02)
    same = [accuracy(still, setting("plain", 1, draw=draw), few) for draw in (0, 1)]
    assert same[0] == same[1]  # nothing of it is drawn


@pytest.mark.parametrize(("images", "times"), [(1297, 1), (625, 1), (624, 2), (313, 2), (312, 3), (200, 4)])
def test_few_test_images_are_shown_again(images: int, times: int, data: Dataset) -> None:
    """Until spikes alone cause an sd of at most 2 points: 0.5 / sqrt(n)."""
    assert showings(replace(data, x_test=np.zeros((images, 64)), y_test=np.zeros(images, int))) == times
