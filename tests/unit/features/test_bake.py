"""Bakes: states of many devices before and after."""

from __future__ import annotations

import pandas as pd
import pytest

from devicekit.features.lives.bake import bake
from devicekit.tables import PulseTable


def baked(values: list[float]) -> PulseTable:
    """One reading of each device d0, d1, ..."""
    names = [f"d{k}" for k in range(len(values))]
    columns = {"device_id": names, "cycle": 1, "direction": "ltp", "pulse_index": 0, "conductance_s": values}
    return PulseTable(pd.DataFrame(columns))


def test_a_bake_moves_devices_up_and_down() -> None:
    ratio = [1 / 3, 3.0, 0.49, 0.51, 1.99, 2.01, 1.0, 1.0, 1.0, 1.0]
    found = bake(baked([1e-5] * 11), baked([1e-5 * each for each in ratio]))
    assert found.moved == pytest.approx(0.4)  # 1/3, 3, 0.49 and 2.01
    assert (found.n, found.unpaired) == (10, 1)
    assert found.median_ratio == pytest.approx(1)


def test_the_spread_of_a_bake_is_a_sample_standard_deviation_in_decades() -> None:
    found = bake(baked([1e-5, 1e-5, 1e-5]), baked([1e-6, 1e-5, 1e-4]))
    assert found.sd_decades == pytest.approx(1)  # of -1, 0 and 1, over n - 1
