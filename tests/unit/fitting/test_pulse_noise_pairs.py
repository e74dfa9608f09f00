"""Sums over pairs of neighbouring changes are divided by the number of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.fitting.pulses.noise import estimate

from .test_pulse_noise_by_hand import INCREMENT, READ, WINDOW, path, programme, walks


@pytest.mark.parametrize("pulses", [2, 4])
def test_read_noise_and_increments_are_exact_for_every_combination_of_signs(pulses: int) -> None:
    rows = walks(pulses)
    found = estimate([programme(each[None]) for each in rows], [path(pulses)] * len(rows), WINDOW)
    assert (found.read, found.increment) == pytest.approx((READ, INCREMENT), rel=1e-9)


def test_missing_readings_do_not_make_increments_of_read_noise() -> None:
    """Every fourth reading is missing: of four places two changes are known, and one pair of neighbours."""
    rows = walks(7)[::3]
    rows[:, 3::4] = np.nan
    found = estimate([programme(each[None]) for each in rows], [path(7)] * len(rows), WINDOW)
    assert (found.read, found.increment) == pytest.approx((READ, INCREMENT), rel=0.02)
