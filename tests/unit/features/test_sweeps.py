"""Figures of single voltage sweeps against numbers worked out by hand from their definitions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.signal import savgol_filter

from devicekit.features.dc import sweeps
from devicekit.features.dc.sweeps import Figures, Segment, Sweep, split_segments
from devicekit.features.dc.switching import Switching, _smooth, at_compliance, crossing, half_ln_g, max_didv, onset
from devicekit.features.merits import dc
from devicekit.tables import SweepTable

STEP = 0.02
UP = np.round(np.arange(0, 1 + STEP / 2, STEP), 10)
DOWN = UP[::-1][1:]
LOOP = np.r_[UP, DOWN]


def table(v: np.ndarray, i: np.ndarray, **columns: object) -> SweepTable:
    """One sweep as a table."""
    frame = {"device_id": "d", "cycle": 1, "point": np.arange(v.size), "voltage_v": v, "current_a": i, **columns}
    return SweepTable(pd.DataFrame(frame))


def sweep(v: np.ndarray, i: np.ndarray, **columns: object) -> Sweep:
    """One sweep."""
    return Sweep.of(("d", 1), table(v, i, **columns).frame)


def figures(of: Sweep, v_set: str = "half_ln_g", v_reset: str = "peak_current", polarity: int = 1) -> Figures:
    """Its figures, read at 0.1 V."""
    return sweeps.figures(of, 0.1, polarity, v_set, v_reset)


def jump(at: float, before: float, after: float) -> np.ndarray:
    """Current of a loop of positive voltages: conductance `before` below `at` on the way up, `after` from there on."""
    return np.r_[np.where(at - 1e-9 > UP, before, after) * UP, after * DOWN]


def both(up: float, down: float, lost: float) -> tuple[np.ndarray, np.ndarray]:
    """A loop of both signs: set at 0.5 V from `up` to `down`, reset at -0.5 V from `down` to `lost`."""
    negative = np.r_[np.where(UP < 0.5 - 1e-9, down, lost) * UP, lost * DOWN]
    return np.r_[LOOP, -LOOP[1:]], np.r_[jump(0.5, up, down), -negative[1:]]


def test_the_area_of_a_loop_is_that_of_its_triangles() -> None:
    """Two straight lines of conductance 2 and 5 uS up to 1 V enclose 0.5 * 3 uW; two such loops twice that."""
    there_and_back = np.r_[UP, UP[::-1]]  # read twice at 1 V, where the state changes
    up, down = 2e-6 * UP, 5e-6 * UP[::-1]
    assert figures(sweep(there_and_back, np.r_[up, down])).hysteresis_w == pytest.approx(1.5e-6, rel=1e-3)
    v, i = np.r_[there_and_back, -there_and_back[1:]], np.r_[up, down, -5e-6 * UP[1:], -2e-6 * UP[::-1]]
    assert figures(sweep(v, i)).hysteresis_w == pytest.approx(3e-6, rel=1e-3)
    assert figures(sweep(LOOP, 2e-6 * LOOP)).hysteresis_w == pytest.approx(0, abs=1e-15)


def test_the_area_of_a_loop_that_jumps() -> None:
    """1 to 101 uS at 0.5 V: a triangle of height 48 uA up to 0.48 V, and one over the step of 20 mV to 0.5 V."""
    expected = 48e-6 * 0.48 / 2 + 48e-6 * STEP / 2
    assert figures(sweep(LOOP, jump(0.5, 1e-6, 101e-6))).hysteresis_w == pytest.approx(expected, rel=3e-3)


def test_a_conductance_is_the_least_squares_slope_around_the_read_voltage() -> None:
    """I = 1, 3, 4 uA at 0.05, 0.1, 0.15 V and wild values at 0.04 and 0.16 V: (0.05 + 0.3 + 0.6) / 0.035 uS."""
    v = np.array([0.0, 0.04, 0.05, 0.1, 0.15, 0.16, 1.0])
    found = sweep(v, np.array([0, 9, 1, 3, 4, 99, 5]) * 1e-6)
    assert found.conductance(found.part(1, True), 0.1) == pytest.approx(0.95e-6 / 0.035)
    wider = (0.05 + 0.3 + 0.6 + 99 * 0.16) * 1e-6 / (0.035 + 0.16**2)
    assert found.conductance(found.part(1, True), 0.1, widest=2.5) == pytest.approx(wider)
    # where no point is near, the nearest one tells: 4 uA at 0.15 V
    assert found.conductance(found.part(1, True), 0.15, widest=0.9) > 0
    sparse = sweep(np.array([0.0, 0.4, 0.8, 1.0]), np.array([0, 2, 6, 9]) * 1e-6)
    assert sparse.conductance(sparse.part(1, True), 0.1) == pytest.approx(5e-6)


def test_levels_ratio_and_v_set_of_a_jump() -> None:
    """A jump between 0.48 and 0.50 V from 1 to 100 uS passes half of ln G in its middle."""
    found = figures(sweep(LOOP, jump(0.5, 1e-6, 1e-4)))
    assert (found.g_hrs_s, found.g_lrs_s, found.on_off) == (
        pytest.approx(1e-6),
        pytest.approx(1e-4),
        pytest.approx(100),
    )
    assert found.v_set_v == pytest.approx(0.49)
    assert found.outcome == "switched"


def test_an_hrs_lost_in_noise_is_read_over_a_wider_range() -> None:
    """Currents below 0.15 V are drowned (negative); up to 0.25 V the device shows 2 uS in part."""
    i = jump(0.5, 2e-6, 1e-3)
    drowned = (LOOP <= 0.15) & (np.arange(LOOP.size) < UP.size)
    i[drowned] = -1e-9 * (LOOP[drowned] > 0)
    found = figures(sweep(LOOP, i))
    v = np.round(np.arange(0.06, 0.2501, 0.02), 10)  # 0.5 to 2.5 times the read voltage
    own = np.where(v <= 0.15, -1e-9, 2e-6 * v)
    assert found.g_hrs_s == pytest.approx(float(v @ own) / float(v @ v))
    assert found.g_lrs_s == pytest.approx(1e-3)


def test_levels_that_the_set_leg_lacks_are_taken_from_the_reset_leg() -> None:
    """No way back from the set: its new state is read before the reset. No set at all: both are read there."""
    v, i = both(1e-6, 1e-4, 1e-5)
    one_way = np.r_[0 : UP.size, LOOP.size : v.size]
    found = figures(sweep(v[one_way], i[one_way]))
    assert (found.g_hrs_s, found.g_lrs_s) == (pytest.approx(1e-6), pytest.approx(1e-4))
    only = figures(sweep(v[LOOP.size - 1 :], i[LOOP.size - 1 :]))
    assert (only.g_hrs_s, only.g_lrs_s) == (pytest.approx(1e-5), pytest.approx(1e-4))
    assert only.outcome == "reset_only"
    assert np.isnan(only.v_set_v)


def limited(limit: float) -> np.ndarray:
    """A loop that sets at 0.6 V from 0.1 to 1 mS, its current limited on the way up and down."""
    return np.minimum(jump(0.6, 1e-4, 1e-3), limit)


def test_points_after_the_compliance_do_not_change_v_set() -> None:
    """At the limit of 0.2 mA I / V falls from 1/3 to 0.2 mS, below half-way (0.316 mS), without any reset."""
    expected = 0.58 + STEP * np.log(np.sqrt(10)) / np.log(10 / 3)
    for columns in ({}, {"compliance_a": 2e-4}):  # seen as a plateau, or stated
        found = figures(sweep(LOOP, limited(2e-4), **columns))
        assert found.v_set_v == pytest.approx(expected)
        assert found.compliance_a == pytest.approx(2e-4)
    by_limit = figures(sweep(LOOP, limited(2e-4)), v_set="compliance")
    assert by_limit.v_set_v == pytest.approx(0.6)


def test_a_compliance_of_100_ua_reaches_100_ua() -> None:
    """0.2 mS from 0.3 V on: 98 uA at 0.49 V already count as limited, and an instrument may give 99.995 uA."""
    v = np.round(np.arange(0, 1.0001, 0.01), 10)
    for limit in (1e-4, 0.99995e-4):
        conductance = np.r_[np.where(v > 0.295, 2e-4, 2e-6), np.full(v.size - 1, 2e-4)]
        there_and_back = np.r_[v, v[-2::-1]]
        found = figures(sweep(there_and_back, np.minimum(conductance * there_and_back, limit)), v_set="at_100ua")
        assert found.v_set_v == pytest.approx(0.5, abs=1e-4)


def test_a_plateau_of_three_points_is_a_compliance_and_one_of_two_is_not() -> None:
    for points, limit in ((3, 2e-4), (2, np.nan)):
        i = jump(2.0, 1e-4, 1e-4)
        i[UP.size - points : UP.size] = 2e-4
        assert figures(sweep(LOOP, i)).compliance_a == pytest.approx(limit, nan_ok=True)


def test_98_percent_of_the_compliance_is_at_the_limit() -> None:
    leg = Switching(np.arange(1.0, 4), np.array([0.5, 0.979, 0.981]), 0.1, 1.0, 1.0, 0.1)
    assert at_compliance(leg) == 3.0


def test_a_reset_needs_a_twofold_fall() -> None:
    for lost, there in ((0.49e-4, True), (0.51e-4, False)):
        found = figures(sweep(*both(1e-6, 1e-4, lost)), v_reset="steepest_drop")
        assert np.isfinite(found.v_reset_v) == there
    found = figures(sweep(*both(1e-6, 1e-4, 0.1e-4)), v_reset="steepest_drop")
    assert found.v_reset_v == pytest.approx(-0.49)


def test_a_set_needs_a_twofold_rise() -> None:
    """As good as no jump: conductances of 1.98 and 2.02 times the one before."""
    assert figures(sweep(LOOP, jump(0.5, 1e-5, 1.98e-5))).outcome == "failed"
    assert figures(sweep(LOOP, jump(0.5, 1e-5, 2.02e-5))).outcome == "switched"


def test_below_half_the_read_voltage_nothing_counts() -> None:
    """Three orders of magnitude of ln I between 0.02 and 0.04 V are the instrument's, not a jump at 0.03 V."""
    i = jump(0.5, 1e-6, 1e-4)
    i[1] = 1e-12
    assert figures(sweep(LOOP, i), v_set="max_dlnidv").v_set_v == pytest.approx(0.49)


def shared_rise(share: float) -> np.ndarray:
    """ln G rises by ln 1000 from 0.2 to 0.8 V, evenly but for a jump of `share` of it in the step up to 0.5 V."""
    even = np.clip((UP - 0.2) / 0.6, 0, 1) * (1 - share)
    rise = even + np.where(UP >= 0.5 - 1e-9, share, 0.0)
    return np.r_[1e-6 * 1000**rise * UP, 1e-3 * DOWN]


def test_a_third_of_the_switching_at_once_is_abrupt() -> None:
    """Within 0.05 V on either side of V_set lie the jump and a sixth of the rest: s + (1 - s) / 6 is 1/3 at s = 0.2."""
    for share, outcome in ((0.16, "gradual"), (0.24, "switched"), (0.0, "gradual"), (1.0, "switched")):
        found = figures(sweep(LOOP, shared_rise(share)))
        assert found.outcome == outcome
        assert found.v_set_v == pytest.approx(0.49, abs=0.02)


def test_an_offset_current_counts_at_ten_of_its_standard_errors() -> None:
    """Of three readings at 0 V: their mean over s / sqrt(3) is 10.8 for s = 0.16 of the mean, 9.1 for s = 0.19."""
    v = np.r_[0.0, 0.0, 0.0, UP[1:]]
    for s, kept in ((0.16, 0.0), (0.19, 1.0)):
        i = np.r_[1e-9 * np.array([1 - s, 1, 1 + s]), 1e-9 + 1e-6 * UP[1:]]
        found = sweep(v, i)
        assert found.i[-1] == pytest.approx(1e-6 + kept * 1e-9, rel=1e-9)
    two = sweep(v[1:], np.r_[1e-9, 1e-9, 1e-9 + 1e-6 * UP[1:]])
    assert two.i[-1] == pytest.approx(1e-6 + 1e-9, rel=1e-9)  # two readings are too few


def test_legs_share_the_turning_point() -> None:
    assert split_segments(np.array([0.0, 0.5, 1.0, 0.5, 0.0])) == (Segment(0, 3, 1, True), Segment(2, 5, 1, False))
    signed = split_segments(np.array([0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5, -0.1]))
    assert [(leg.sign, leg.rising) for leg in signed] == [(1, True), (1, False), (-1, True), (-1, False)]


def test_turns_of_less_than_2_percent_of_the_range_are_noise() -> None:
    for dip, number in ((0.015, 1), (0.025, 3)):
        assert len(split_segments(np.array([0.1, 0.3, 0.5, 0.5 - dip, 0.7, 1.0]))) == number


def test_voltages_below_2_percent_of_the_range_have_no_sign() -> None:
    """A last point of -0.01 V is still of the way back; one of -0.03 V is on the other side."""
    for last, stop in ((-0.01, 5), (-0.03, 4)):
        found = split_segments(np.array([0.1, 1.0, 0.5, 0.1, last]))
        assert (found[0].start, found[-1].stop) == (0, stop)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (half_ln_g, 2 + np.log(1e-5 / 2e-6) / np.log(1e-3 / 2e-6)),
        (max_didv, 2.5),
        (lambda leg: crossing(leg.v, leg.i), 2 + np.log(1e-4 / 4e-6) / np.log(3e-3 / 4e-6)),
    ],
)
def test_definitions_of_v_set(method: Callable[[Switching], float], expected: float) -> None:
    """G = 1, 2, 1000, 1000 uS at 1, 2, 3, 4 V; half-way between 0.1 uS and 1 mS is 10 uS."""
    v, g = np.arange(1.0, 5), np.array([1e-6, 2e-6, 1e-3, 1e-3])
    assert method(Switching(v, g * v, 1e-7, 1e-3, None, 1e-7)) == pytest.approx(expected)


def test_the_onset_is_the_first_of_two_points_a_tenth_down() -> None:
    v = np.arange(1.0, 7)
    g = np.array([1.0, 0.89, 0.91, 0.89, 0.89, 0.5])
    assert onset(Switching(v, g * v, 1.0, 0.5, None, 1.0)) == 4.0


def test_levels_against_compliance_have_quantiles_and_a_sample_spread() -> None:
    """LRS of 0.1, 1 and 10 mS at one limit: median 1 mS, standard deviation of log10 over n - 1 is 1 decade."""
    frames = []
    for k, (limit, lrs) in enumerate(((1e-3, 1e-4), (1e-3, 1e-3), (1e-3, 1e-2), (2e-2, 1e-2)), 1):
        frames.append(table(LOOP, jump(0.5, 1e-6, lrs), compliance_a=limit).frame.assign(cycle=k))
    levels = dc.characterize(SweepTable(pd.concat(frames))).by_compliance
    first = levels.iloc[0]
    assert first["n"] == 3
    assert first["g_lrs_s"] == pytest.approx(1e-3)
    assert first["log10_sd"] == pytest.approx(1)
    assert first["g_lrs_low_s"] == pytest.approx(1.9e-4)
    assert first["g_lrs_high_s"] == pytest.approx(9.1e-3)
    assert np.isnan(list(levels["log10_sd"])[1])


@pytest.mark.parametrize("size", [7, 8, 40])
def test_smoothing_is_that_of_savitzky_and_golay(size: int) -> None:
    i = np.random.default_rng(size).random(size)
    assert _smooth(i) == pytest.approx(savgol_filter(i, 7, 2), rel=1e-12)


@pytest.mark.parametrize("reach", [1.0, 5.0, 20.0])
def test_a_far_set_leaves_the_peak_of_the_reset_where_it_is(reach: float) -> None:
    """The last voltages of the way back lie within 2 % of the largest, and are no part of the way to the reset."""
    step = 0.01
    up, way = np.arange(0, reach + step / 2, step), np.arange(step, 1.5 + step / 2, step)
    reset = 2.5e-5 * way * (1 + way**2) * np.where(way < 0.9 - step / 2, 1.0, 0.3)  # largest before 0.9 V, then a tenth
    v = np.r_[up, up[::-1][1:], -way, -way[::-1][1:]]
    i = np.r_[np.where(up < 0.6 * reach, 1e-9, 2.5e-5) * up, 2.5e-5 * up[::-1][1:], -reset, -2e-6 * way[::-1][1:]]
    found = sweeps.figures(sweep(v, i), 0.1, 1, "half_ln_g", "peak_current")
    assert found.v_reset_v == pytest.approx(-0.89, abs=step / 2)


def test_a_rate_that_noise_rounding_or_repeats_hide_is_not_given() -> None:
    from devicekit.features.dc.rate import sweep_rate

    up = np.linspace(0.0, 1.0, 101)
    loop = np.concatenate([up, up[-2::-1], -up[1:], -up[-2::-1]])
    time = 0.01 * np.arange(loop.size)
    assert sweep_rate(loop, time) == pytest.approx(1.0)
    assert np.isnan(sweep_rate(np.repeat(loop, 4), 0.0025 * np.arange(4 * loop.size)))
    assert np.isnan(sweep_rate(np.round(0.5 * loop, 2), time))
    assert np.isnan(sweep_rate(loop + np.random.default_rng(0).normal(0.0, 0.01, loop.size), time))
