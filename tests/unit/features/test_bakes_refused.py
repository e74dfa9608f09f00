"""Bakes without a life: two readings each, and temperatures that are not in kelvin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.features.merits import arrhenius
from devicekit.tables import RetentionTable


def bakes(kelvins: list[float], times: list[float], first: float = 0.0, cells: int = 16) -> RetentionTable:
    """Cells read at `first` and at the times of each bake; the hotter it was, the more had lost half by its end."""
    rng, rows = np.random.default_rng(5), []
    for k, kelvin in enumerate(kelvins):
        for cell in range(cells):
            loss = np.exp(rng.normal(-1.6 + 0.5 * k, 0.5))
            for n, time in enumerate([first, *times]):
                rows.append((f"c{k}_{cell}", "g4", time, 1e-4 * np.exp(-loss * n / len(times)), kelvin))
    names = ["device_id", "level", "time_s", "conductance_s", "temperature_k"]
    return RetentionTable(pd.DataFrame(rows, columns=names))


HOT = [373.15, 413.15, 453.15, 493.15, 533.15]


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_two_readings_give_no_life_and_no_activation_energy(first: float) -> None:
    """Before: "activation energy ... (95 %: open); median life at 358.15 K", with both intervals open."""
    made = bakes(HOT, [5000.0], first)
    frame = made.frame.copy()
    if first:  # lost by far more than the factor at once: then it is only known to lie between the two readings
        frame.loc[(frame["time_s"] > first) & (frame["conductance_s"] < 5e-5), "conductance_s"] = 1e-6
    found = arrhenius.characterize(RetentionTable(frame))
    (level,) = found.levels
    assert level.failures >= 4
    assert level.fit is None
    assert level.median is None
    assert "three times" in str(level.refusal)
    assert found.scalars() == found.lines_for_card() == ()
    assert "no_life" in [warning.code for warning in found.warnings]


def test_more_readings_in_a_bake_still_give_a_line() -> None:
    (level,) = arrhenius.characterize(bakes(HOT, [500.0, 1000.0, 2000.0, 3500.0, 5000.0])).levels
    assert "three times" not in str(level.refusal)
    assert level.fit is not None


def test_degrees_celsius_in_a_table_in_memory_give_no_energy() -> None:
    (level,) = arrhenius.characterize(bakes([100.0, 140.0, 180.0, 220.0, 260.0], [500.0, 2000.0, 5000.0])).levels
    assert level.fit is None
    assert "degrees Celsius" in (level.refusal or "")
