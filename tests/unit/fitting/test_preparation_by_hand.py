"""From a table to curves that can be fitted: cuts, windows and the thresholds of warnings, just inside and outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.device.blocks import Window
from devicekit.fitting.branch.checks import check_branch, check_curve, lag_one_correlation
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, choose_window, estimate_noise, select_trains
from devicekit.fitting.checks import check_branches, check_window, drift
from devicekit.models.registry import get_law
from devicekit.readers.borders import split_sweeps
from devicekit.readers.splitting import (
    mend_train_order,
    split_values,
    warn_about_growing_amplitude,
)
from devicekit.tables import PulseTable

WINDOW = Window(quantity="weight", low=0.0, high=1.0, scope="test")


def rows(weights: list[float], cycle: int = 1, direction: str = "ltp", device: str = "d") -> pd.DataFrame:
    """One train."""
    columns = {"device_id": device, "cycle": cycle, "direction": direction, "pulse_index": range(len(weights))}
    return pd.DataFrame({**columns, "weight": weights})


def trains(curve: np.ndarray, direction: str = "ltp") -> Trains:
    """One train of one device."""
    return Trains(direction, ("d",), np.array([1]), np.atleast_2d(np.asarray(curve, float)))


def codes(warnings: list[CodedWarning]) -> set[str]:
    """Codes of these warnings."""
    return {warning.code for warning in warnings}


def test_every_train_is_kept_as_long_as_it_is() -> None:
    lengths = (10, 9, 4, 1)
    table = PulseTable(pd.concat([rows(np.arange(n + 1.0).tolist(), k) for k, n in enumerate(lengths)]))
    found = select_trains(table, "ltp")
    assert found is not None
    assert found.ragged
    expected = np.array([[float(n) if n <= length else np.nan for n in range(11)] for length in lengths])
    np.testing.assert_array_equal(found.values, expected)


def test_a_pulse_read_twice_counts_with_its_mean() -> None:
    table = PulseTable(pd.concat([rows([0.0, 0.1, 0.4]), rows([0.2]).assign(pulse_index=1)]))
    found = select_trains(table, "ltp")
    assert found is not None
    np.testing.assert_allclose(found.values, [[0.0, 0.15, 0.4]])


def test_the_window_is_the_range_of_the_monotone_course_not_of_the_readings() -> None:
    """Pooled neighbours: 0.3 and 0 make 0.15, 1.0 and 0.8 make 0.9; on the way down 0.95, 1.05 and 0.1, 0.0, 0.05."""
    up, down = np.array([0.3, 0.0, 0.5, 0.6, 1.0, 0.8]), np.array([0.95, 1.05, 0.5, 0.4, 0.3, 0.4])
    window = choose_window([trains(up)], "weight", "test")
    assert (window.low, window.high) == (pytest.approx(0.15), pytest.approx(0.9))
    window = choose_window([trains(down, "ltd")], "weight", "test")
    assert (window.low, window.high) == (pytest.approx(0.35), pytest.approx(1.0))
    window = choose_window([trains(up), trains(down, "ltd")], "weight", "test")
    assert (window.low, window.high) == (pytest.approx(0.15), pytest.approx(1.0))


def test_reading_noise_from_second_differences_and_its_quantisation() -> None:
    """Second differences -2, -1, 0, 1, 2 deviate by 1 in the median; a stair of 0.1 has 0.1 / sqrt 12 at least."""
    y = np.cumsum(np.r_[0.0, np.cumsum(np.r_[7.0, -2, -1, 0, 1, 2])])
    assert estimate_noise(0.01 * y) == pytest.approx(0.01 * 1.4826 / np.sqrt(6))
    assert estimate_noise(np.repeat([0.0, 0.1, 0.2], 4)) == pytest.approx(0.1 / np.sqrt(12))
    assert estimate_noise(np.array([0.0, 1.0, np.nan, 5.0])) == 0.0


def curve_with_a_jump(jump: float, n: int = 20) -> np.ndarray:
    """Even steps from 0 to 1, but for one of `jump` in the last quarter."""
    steps = np.full(n, (1 - jump) / (n - 1))
    steps[3 * n // 4] = jump
    return np.r_[0.0, np.cumsum(steps)]


@pytest.mark.parametrize(("jump", "abrupt"), [(0.29, False), (0.31, True)])
def test_a_step_of_30_percent_is_abrupt(jump: float, abrupt: bool) -> None:
    assert ("abrupt" in codes(check_curve(curve_with_a_jump(jump), "ltp", 0.0))) == abrupt


@pytest.mark.parametrize(("reached", "plateau"), [(10, True), (11, False)])
def test_a_plateau_is_more_than_half_of_the_readings(reached: int, plateau: bool) -> None:
    """21 readings, of which number 10 or 11 (from 0) is the first at 95 % or more."""
    curve = np.minimum(np.arange(21) / reached, 1.0)
    assert ("plateau" in codes(check_curve(curve, "ltp", 0.0))) == plateau


@pytest.mark.parametrize(("readings", "few"), [(15, True), (16, False)])
def test_fewer_than_16_readings_are_few(readings: int, few: bool) -> None:
    assert ("few_points" in codes(check_curve(np.linspace(0, 1, readings), "ltp", 0.0))) == few


def test_a_curve_is_noisy_if_its_noise_exceeds_its_mean_step_and_2_percent() -> None:
    """Mean steps of 0.01 and of 0.025; the last tenth, whose median is the end, stands still."""
    for n, noise, noisy in ((100, 0.0201, True), (100, 0.0199, False), (40, 0.0245, False), (40, 0.0255, True)):
        found = codes(check_curve(np.minimum(np.arange(n + 1) / (0.9 * n), 1.0), "ltp", noise))
        assert ("noisy" in found) == noisy


def test_a_change_counts_from_four_standard_deviations_on() -> None:
    """Of the first reading and the mean of the last two of 20: 4 sqrt(3/2) = 4.9 times the noise (here 0.01)."""
    for size, seen in ((0.0495, True), (0.0485, False)):
        curve = np.r_[0.0, size * np.tile([1.0, 0.02], 9), size]
        curve[-2:] = size
        curve[1] = 1.2 * size  # the mean of the first two readings gives nothing away
        if seen:
            check_curve(curve, "ltp", 0.01)
        else:
            with pytest.raises(TraceError):
                check_curve(curve, "ltp", 0.01)


def fitted(x: np.ndarray, start: float = 0.0, step: float = 0.05, noise: float = 0.0) -> BranchFit:
    """A fit of equal steps to x."""
    return BranchFit(
        direction="ltp",
        law=get_law("linear"),
        window=WINDOW,
        parameters=np.array([np.log(step), start]),
        covariance=np.zeros((2, 2)),
        degrees=x.size - 2,
        method="cluster sandwich",
        x=x,
        noise=noise,
        at_bound=(),
    )


@pytest.mark.parametrize(("off", "warned"), [(0.017, False), (0.019, True)])
def test_outliers_are_six_robust_deviations_off(off: float, warned: bool) -> None:
    """The least deviation of a clean curve is 0.3 % of its range."""
    x = 0.05 * np.arange(21)
    x[10] += off
    assert ("outliers" in codes(check_branch(fitted(x), True))) == warned


@pytest.mark.parametrize(
    ("start", "end", "warned"), [(0.049, 0.951, False), (0.051, 0.951, True), (0.049, 0.949, True)]
)
def test_a_fit_extrapolates_beyond_5_percent_of_the_window(start: float, end: float, warned: bool) -> None:
    x = np.linspace(start, end, 21)
    assert ("extrapolated" in codes(check_branch(fitted(x, start, (end - start) / 20), True))) == warned


@pytest.mark.parametrize(("noise", "warned"), [(0.0049, True), (0.0051, False)])
def test_structured_residuals_are_twice_the_noise(noise: float, warned: bool) -> None:
    """Residuals of 0.01, the first ten up and the others down."""
    x = 0.05 * np.arange(20) + 0.01 * np.repeat([1.0, -1.0], 10)
    assert ("structured" in codes(check_branch(fitted(x, noise=noise), True))) == warned


def test_the_correlation_of_neighbours() -> None:
    """Of 1, 2, 3: deviations -1, 0, 1 have products 0 and 0; of 1, 1, -1, -1 they are 1, -1 and 1 over 4."""
    assert lag_one_correlation(np.array([1.0, 2, 3])) == 0
    assert lag_one_correlation(np.array([1.0, 1, -1, -1])) == pytest.approx(0.25)


def pair(end: float, start: float, low: float = 0.0, high: float = 1.0) -> set[str]:
    """Codes for an LTP curve from 0 to `end` and an LTD curve from `start` down to `low`, in a window up to `high`."""
    sets = {"ltp": trains(np.linspace(0, end, 101)), "ltd": trains(np.linspace(start, low, 101), "ltd")}
    return codes(check_window(sets, Window(quantity="weight", low=0.0, high=high, scope="test")))


def test_a_gap_of_5_percent_between_the_branches_is_a_jump() -> None:
    """Below the end of LTP one step of LTD more is allowed: here 1 % or a little less."""
    assert "junction" not in pair(1.0, 1.049)
    assert "junction" in pair(1.0, 1.051)
    assert "junction" not in pair(1.0, 0.942)  # 5.8 % less a step of 0.94 %
    assert "junction" in pair(1.0, 0.939)


def test_ranges_of_the_branches_may_differ_twofold() -> None:
    assert "range_ratio" not in pair(1.0, 1.0, 0.49)
    assert "range_ratio" not in pair(1.0, 1.0, 0.499)
    assert "range_ratio" in pair(1.0, 1.0, 0.51)
    pair(1.0, 1.0, 0.899)
    with pytest.raises(TraceError):
        pair(1.0, 1.0, 0.901)


@pytest.mark.parametrize(("high", "wide"), [(29.9e-6, False), (30.1e-6, True)])
def test_a_conductance_range_of_thirtyfold_is_wide(high: float, wide: bool) -> None:
    window = Window(quantity="conductance_s", low=1e-6, high=high, scope="test")
    assert ("wide_range" in codes(check_window({"ltp": trains(np.linspace(1e-6, high, 20))}, window))) == wide


@pytest.mark.parametrize(("pulses", "warned"), [(7, False), (8, True)])
def test_a_start_error_that_grows_by_5_percent_is_flagged(pulses: int, warned: bool) -> None:
    """Steps of 0.01 (1 + x) / 1.5 raise an error by 1 / 150 a pulse, equal steps back not: 1.0476 or 1.0546."""
    ltp = replace(
        fitted(np.linspace(0, 1, pulses + 1)),
        law=get_law("softbounds"),
        parameters=np.array([np.log(0.01), -1.0, 0.0]),
    )
    ltd = replace(fitted(np.linspace(0, 1, pulses + 1)), direction="ltd")
    sets = {"ltp": trains(ltp.x), "ltd": trains(1 - ltd.x, "ltd")}
    assert ("loop_gain" in codes(check_branches({"ltp": ltp, "ltd": ltd}, sets, WINDOW))) == warned


def test_drift_needs_five_cycles_and_reports_its_size() -> None:
    """Levels that rise by 1 % a cycle: over five cycles by 4 %."""
    values = np.linspace(0, 1, 11) + 0.01 * np.arange(5)[:, None]
    found = drift(Trains("ltp", ("d",) * 5, np.arange(5), values), WINDOW)
    assert found is not None
    assert "upward by 4.0%" in found.message
    assert drift(Trains("ltp", ("d",) * 4, np.arange(4), values[:4]), WINDOW) is None


def test_a_single_rising_or_falling_train_gets_its_own_label() -> None:
    for values, label in (([0.0, 0.5, 1.0, 1.1], "ltp"), ([1.1, 1.0, 0.5, 0.0], "ltd")):
        found = split_values(np.array(values), "x")
        assert set(found.direction) == {label}
        assert found.pulse_index.tolist() == [0, 1, 2, 3]


def test_falling_trains_that_are_all_called_ltp_are_ltd() -> None:
    frame, warnings = mend_train_order(rows([1.0, 0.5, 0.0]), "weight")
    assert list(frame["direction"]) == ["ltd"] * 3
    assert frame["pulse_index"].tolist() == [0, 1, 2]
    assert codes(warnings) == {"reversed"}


def test_falling_trains_beside_true_falling_ones_are_stored_backwards() -> None:
    both = pd.concat([rows([1.0, 0.5, 0.0]), rows([1.0, 0.4, 0.1], direction="ltd")], ignore_index=True)
    frame, warnings = mend_train_order(both, "weight")
    assert frame["direction"].tolist() == ["ltp"] * 3 + ["ltd"] * 3
    assert frame["pulse_index"].tolist() == [2, 1, 0, 0, 1, 2]
    assert codes(warnings) == {"reversed"}


def test_rising_trains_that_are_called_ltd_alone_are_turned_round() -> None:
    """NeuroSim stores LTD that way."""
    frame, _ = mend_train_order(rows([0.0, 0.4, 1.0], direction="ltd"), "weight")
    assert frame["direction"].tolist() == ["ltd"] * 3
    assert frame["pulse_index"].tolist() == [2, 1, 0]


def test_an_excursion_of_less_than_a_tenth_of_the_range_is_no_sweep() -> None:
    for bump, expected in ((0.09, [1, 1, 1, 1, 2, 2, 2]), (0.11, [1, 1, 2, 2, 3, 3, 3])):
        assert split_sweeps(np.array([0, bump, 0, 1, 0, 1, 0]))[0].tolist() == expected
    for start, expected in ((0.015, [1, 1, 2, 2, 2]), (0.025, [1, 1, 1, 1, 1])):  # 2 % of the range is still home
        assert split_sweeps(np.array([0, 1, start, 1, 0]))[0].tolist() == expected


@pytest.mark.parametrize(("last", "warned"), [(1.49, False), (1.51, True)])
def test_amplitudes_that_grow_by_half_are_a_ramp(last: float, warned: bool) -> None:
    frame = rows([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]).assign(pulse_voltage_v=[0.0, 1.0, 1.1, 1.2, 1.3, last])
    assert (warn_about_growing_amplitude(frame) is not None) == warned
