"""The ramp rate of a measured sweep from its own times: voltages read twice, stamps shared by steps, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.features.dc.segments import Segment
from physics.calibration.measured import _rate


def rate(v: list[float], t: list[float]) -> float:
    return _rate(np.array(v), np.array(t), Segment(0, len(v), 1, True), None, "d")


def test_the_rate_is_the_rise_over_the_time_of_a_step() -> None:
    assert rate([0.0, 0.1, 0.2, 0.3], [5.0, 5.5, 6.0, 6.5]) == pytest.approx(0.2)
    assert rate([0.0, -0.1, -0.2, -0.3], [5.0, 5.5, 6.0, 6.5]) == pytest.approx(0.2)


def test_a_voltage_that_is_read_twice_is_one_step() -> None:
    """0.1 V a second, every voltage read at two times: the dwell counts to the step."""
    assert rate([0.0, 0.0, 0.1, 0.1, 0.2, 0.2, 0.3], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]) == pytest.approx(0.1)


def test_one_pause_and_one_missing_time_do_not_count() -> None:
    assert rate([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [0.0, 1.0, 2.0, np.nan, 4.0, 90.0]) == pytest.approx(0.1)


def test_steps_that_share_a_stamp_have_no_rate_of_their_own() -> None:
    """Of three steps two have the stamp of the one before: between 0.1 V a second of the first and 0.3 of them all."""
    assert 0.1 * (1 - 1e-9) <= rate([0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 1.0, 1.0]) <= 0.3 * (1 + 1e-9)
    # steps that shrink, 4, 3 and 2 a second, and one more at the stamp before: no faster than the fastest
    assert 2.0 <= rate([0.0, 4.0, 7.0, 9.0, 9.1], [0.0, 1.0, 2.0, 3.0, 3.0]) <= 3.1
