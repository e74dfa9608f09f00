"""Numbers with their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.core.intervals import mean_ends, tenths, with_interval


def test_a_number_with_its_interval() -> None:
    assert with_interval(19.84, (10.91, 28.7), "points") == "19.8 points (10.9 to 28.7)"
    assert with_interval(19.84, (10.91, 28.7), "points", level=0.95) == "19.8 points (95 %: 10.9 to 28.7)"
    assert with_interval(19.84, None, "points") == "19.8 points"
    assert with_interval(0.5, (0.1, math.inf), show=lambda value: f"{value:g}") == "0.5"
    assert tenths(-0.04) == "0.0"


def test_the_interval_of_a_mean() -> None:
    values = (1.0, 2.0, 3.0)
    half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # t of two degrees of freedom
    assert mean_ends(values) == pytest.approx((2.0 - half, 2.0 + half))
    assert mean_ends((1.0,)) is None
