"""Which fits leave an accuracy open, and how that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.fitting.device import fit
from devicekit.fitting.result import DeviceFit
from devicekit.studies.propagated import Propagated, propagated, reason_to_propagate
from devicekit.synthetic.pulses import generate, truth_card
from snn import digits
from snn.config import TrainingConfig

THETA = {"ltp": (-4.0, 0.9, 1.0, 0.0, 0.0, 0.0), "ltd": (-4.1, 0.9, 1.0, 0.0, 0.0, 0.0)}


@pytest.fixture(scope="module")
def fitted() -> DeviceFit:
    """Two cycles of one device."""
    return fit(generate(truth_card(THETA, increment=0.004, read=0.004), 1, 2, 80, 1, conditioning=1), "softbounds")


def with_spread(fitted: DeviceFit, **changes: object) -> DeviceFit:
    spreads = {name: replace(each, **changes) for name, each in fitted.variation.branches.items()}  # type: ignore[arg-type]
    return replace(fitted, variation=replace(fitted.variation, branches=spreads))


def test_few_cycles_with_large_increments_or_trains_that_see_little_are_a_reason(fitted: DeviceFit) -> None:
    assert reason_to_propagate(with_spread(fitted, increment=0.0099)) == ""
    words = reason_to_propagate(with_spread(fitted, increment=0.0101))
    assert (
        words
        == "LTP has few cycles, whose updates scatter by 1.0% and LTD has few cycles, whose updates scatter by 1.0%"
    )
    assert reason_to_propagate(with_spread(fitted, increment=0.02, n_cycles=3))
    assert reason_to_propagate(with_spread(fitted, increment=0.02, n_cycles=4)) == ""
    assert reason_to_propagate(with_spread(fitted, increment=0.02, n_devices=4)) == ""
    assert fitted.ltp is not None
    short = replace(fitted.ltp, parameters=np.array([np.log(0.002), 0.0, 0.0]))  # 80 equal steps
    assert short.trajectory[-1] < 1 / 3
    assert reason_to_propagate(replace(fitted, ltp=short)) == "LTP goes through 16% of the window"


def test_what_is_left_open_is_a_median_with_quantiles() -> None:
    found = Propagated((0.80, 0.90, 0.91, 0.92, 0.70), "a split", "because")
    assert found.median == 0.90
    assert found.interval == pytest.approx((0.72, 0.918))
    assert "90.0 % in the median, 72.0 to 91.8 %" in found.sentence
    assert "Measure more" in found.sentence
    assert "Measure more" not in replace(found, accuracies=(0.90, 0.91, 0.915)).sentence
    assert found.as_dict()["accuracies"] == [0.80, 0.90, 0.91, 0.92, 0.70]


def test_trainings_are_made_where_there_is_a_reason_only(fitted: DeviceFit) -> None:
    data = digits.load("digits")
    config = TrainingConfig(scheme="insitu", epochs=1, hidden=32, seed=2)
    assert propagated(fitted, config, data, 2) is None
    noisy = fit(generate(truth_card(THETA, increment=0.03, read=0.004), 1, 1, 80, 1, conditioning=1), "softbounds")
    steps: list[tuple[int, int]] = []
    found = propagated(noisy, config, data, 2, lambda done, total: steps.append((done, total)))
    assert found is not None
    assert steps == [(1, 2), (2, 2)]
    assert len(set(found.accuracies)) == 2
    assert found.split == data.split
    again = propagated(noisy, config, data, 2)
    assert again == found
