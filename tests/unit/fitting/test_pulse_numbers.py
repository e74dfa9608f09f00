"""Pulse n is pulse n: trains that lack a first reading, trains numbered on, gaps between readings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f, linregress

from devicekit import fit
from devicekit.fitting.branch.checks import check_curve
from devicekit.fitting.branch.joint import _exponent, fit_joint
from devicekit.fitting.branch.trains import select_trains
from devicekit.tables import PulseTable


def table(trains: list[tuple[int, np.ndarray, np.ndarray]]) -> PulseTable:
    """LTP trains (cycle, pulse numbers, conductances) of one device."""
    parts = [
        pd.DataFrame(
            {"device_id": "d", "cycle": cycle, "direction": "ltp", "pulse_index": index, "conductance_s": values}
        )
        for cycle, index, values in trains
    ]
    return PulseTable(pd.concat(parts, ignore_index=True))


def state(n: np.ndarray) -> np.ndarray:
    return 1e-5 + 9e-5 * (1.0 - np.exp(-n / 15.0))


def test_a_train_without_its_first_reading_has_none_there() -> None:
    n = np.arange(41)
    trains = select_trains(table([(1, n, state(n)), (2, n[1:], state(n[1:]))]), "ltp")
    assert trains is not None
    assert np.isnan(trains.values[1, 0])
    np.testing.assert_array_equal(trains.values[1, 1:], trains.values[0, 1:])


def test_trains_that_are_numbered_on_begin_at_their_own_first_pulse() -> None:
    n = np.arange(1, 41)
    trains = select_trains(table([(1, n, state(n)), (2, n + 40, state(n))]), "ltp")
    assert trains is not None
    np.testing.assert_array_equal(trains.values[0], trains.values[1])


def test_identical_cycles_in_one_column_have_no_spread() -> None:
    up = state(np.arange(51))
    down = up[0] + up[-1] - up  # it starts fast, as LTD does; mirrored, no reader could tell where the top turns
    column = np.concatenate([up, down[1:], up[1:], down[1:], up[1:], down[1:]])
    result = fit(pd.DataFrame({"g": 1e6 * column}), model="exponential", unit="uS")
    for branch in result.variation.branches.values():
        assert branch.n_cycles == 3
        assert branch.c2c_paper == pytest.approx(0.0, abs=1e-9)


def test_a_pulse_is_one_pulse_where_every_tenth_was_read() -> None:
    curve = np.full(101, np.nan)
    curve[::10] = 1.0 - np.exp(-np.arange(0, 101, 10) / 20.0)  # a step of one pulse is 4.9 % at most
    codes = [warning.code for warning in check_curve(curve, "ltp", 1e-4)]
    assert "abrupt" not in codes
    sparse = np.full(101, np.nan)
    sparse[::5] = np.minimum(np.arange(0, 101, 5) / 42.0, 1.0)  # 95 % of the change is done at pulse 40
    (plateau,) = [warning for warning in check_curve(sparse, "ltp", 1e-4) if warning.code == "plateau"]
    assert "after 40 of 100 pulses" in plateau.message


def test_a_joint_fit_counts_the_readings_of_every_width() -> None:
    fits = []
    for count in (51, 101):
        n = np.arange(count)
        branch = fit(table([(1, n, state(n) + 1e-9 * np.cos(n * n))]), model="exponential").ltp
        assert branch is not None
        fits.append(branch)
    joint = fit_joint(fits, [1e-6, 1e-5])
    shape, widths = fits[0].law.n_parameters - 1, 2
    assert joint.degrees == 51 + 101 - (shape + 2 * widths)


def test_sharing_a_shape_is_tested_with_the_degrees_that_separate_fits_leave() -> None:
    """Each of three widths takes its L, shape and start; F and the gain in BIC are of the same two sums of squares."""
    rng = np.random.default_rng(3)
    fits = []
    for count, noise in ((21, 0.01), (31, 0.02), (41, 0.015)):
        n = np.arange(count)
        branch = fit(table([(1, n, state(n) + noise * 1e-4 * rng.standard_normal(count))]), model="softbounds").ltp
        assert branch is not None
        fits.append(branch)
    joint = fit_joint(fits, [1e-6, 1e-5, 1e-4])
    n, shape = 21 + 31 + 41, fits[0].law.n_parameters - 1
    extra, rest = 2 * shape, n - 3 * (shape + 2)
    ratio = np.exp((extra * np.log(n) - joint.bic_gain) / n)  # of the shared over the separate sum
    assert ratio > 1
    assert joint.p_value == pytest.approx(f.sf((ratio - 1) * rest / extra, extra, rest), rel=1e-6)


@pytest.mark.parametrize("widths", [3, 5])
def test_the_exponent_of_the_width_has_the_error_of_a_regression(widths: int) -> None:
    """Of ln rate on ln width, with the readings less two as degrees."""
    wide, levels = np.geomspace(1e-7, 1e-4, widths), np.array([0.1, 0.3, 1.4, 1.2, 2.2])[:widths]
    expected = linregress(np.log(wide), levels)
    slope, error = _exponent(wide, levels)
    assert slope == pytest.approx(expected.slope)
    assert error == pytest.approx(expected.stderr)
