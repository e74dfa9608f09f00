"""Steps that share a time stamp rise together."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.features.dc.segments import Segment
from physics.calibration.measured import _rate


def test_two_steps_a_stamp_rise_by_both() -> None:
    """0.2 V a second in steps of 0.1 V, times in whole seconds."""
    v = 0.1 * np.arange(11)
    t = np.floor(0.5 * np.arange(11))
    assert _rate(v, t, Segment(0, 11, 1, True), None, "d") == pytest.approx(0.2)
