"""Fits and variation against numbers worked out by hand: on a device of equal steps, a fit is a straight line."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import Window
from devicekit.fitting.branch import search
from devicekit.fitting.branch.fit import _tukey_weights, build_box, fit_branch
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, estimate_noise
from devicekit.fitting.sampling import match_variance
from devicekit.fitting.variation.components import Track, fit_components
from devicekit.fitting.variation.predicted import predicted_variance, scatter, sources_of_spread
from devicekit.fitting.variation.result import BranchSpread
from devicekit.fitting.variation.spread import estimate_variation
from devicekit.fitting.variation.windows import shared_shape
from devicekit.models.registry import get_law

WINDOW = Window(quantity="weight", low=0.0, high=1.0, scope="test")
OPTIONS = FitOptions(model="linear")
LINEAR = get_law("linear")
N = np.arange(11)
RAMP = 0.02 + 0.09 * N
T_9 = 2.2621571628540993  # Student's t, 9 degrees of freedom, 97.5 % quantile (tables: 2.262)
DEVIATIONS = 1e-3 * np.array(
    [
        [3.0, -1, 4, -1, -5, 9, -2, 6, -5, 3, 5],
        [-2, 7, -1, 8, -2, -8, 1, -8, 2, 8, -4],
        [1, 6, -1, -8, 0, 3, 3, 9, -8, 8, -7],
        [-4, 9, 8, -9, 4, 8, -2, 0, 4, -5, 8],
    ]
)


def trains(values: np.ndarray, devices: tuple[str, ...] | None = None, direction: str = "ltp") -> Trains:
    """Trains of one device, or of those named; cycles count from 1."""
    return Trains(direction, devices or ("d",) * len(values), np.arange(1, len(values) + 1), np.atleast_2d(values))


def line_fit(values: np.ndarray, devices: tuple[str, ...] | None = None, direction: str = "ltp") -> BranchFit:
    """Their fit by equal steps."""
    return fit_branch(trains(values, devices, direction), WINDOW, OPTIONS, with_lmfit=False, judge=False)


def by_rate(covariance: np.ndarray, slope: float) -> np.ndarray:
    """Covariance of (ln slope, intercept) from that of (slope, intercept)."""
    scale = np.array([1 / slope, 1.0])
    return covariance * np.outer(scale, scale)


def test_one_curve_has_the_covariance_of_a_straight_line_with_n_minus_2_degrees_of_freedom() -> None:
    y = RAMP + DEVIATIONS[0]
    found = line_fit(y[None])
    design = np.stack([N, np.ones(11)], axis=1)
    (slope, intercept), (rss,), *_ = np.linalg.lstsq(design, y, rcond=None)
    assert found.parameters == pytest.approx([np.log(slope), intercept], rel=1e-5)
    expected = by_rate(rss / 9 * np.linalg.inv(design.T @ design), slope)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-4)
    assert found.degrees == 9
    curve = found.rate_curve()
    half = T_9 * np.sqrt(rss / 9 / 110)  # the sum of squares of 0 ... 10 about 5 is 110
    assert curve.upper[50] / curve.rate[50] == pytest.approx(np.exp(half / curve.rate[50]), rel=1e-6)
    assert curve.rate[50] - curve.lower[50] == pytest.approx(half, rel=1e-4)


def test_four_cycles_have_the_covariance_of_a_mean_of_four_lines() -> None:
    """Sample covariance (over k - 1) of the lines through the single cycles, over k."""
    values = RAMP + DEVIATIONS
    lines = np.array([np.polyfit(N, row, 1) for row in values])
    slope = float(lines[:, 0].mean())
    expected = by_rate(np.cov(lines, rowvar=False) / 4, slope)
    found = line_fit(values)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-4)
    assert found.degrees == 3
    assert found.method.startswith("cluster sandwich over 4 cycles")
    devices = line_fit(values, ("a", "b", "c", "d"))
    np.testing.assert_allclose(devices.covariance, expected, rtol=1e-4)
    assert devices.method.startswith("cluster sandwich over 4 devices")


def test_three_cycles_are_too_few_for_a_sandwich() -> None:
    found = line_fit(RAMP + DEVIATIONS[:3])
    assert found.method.startswith("delta method")
    assert found.degrees == 9


def test_a_pulse_that_was_not_read_costs_a_degree_of_freedom() -> None:
    y = RAMP + DEVIATIONS[0]
    y[5] = np.nan
    assert line_fit(y[None]).degrees == 8


def test_the_start_lies_within_2_percent_of_the_range_or_four_standard_deviations() -> None:
    x = np.linspace(0.1, 0.6, 11)
    x[0] = 0.1
    for noise, reach in ((0.0, 0.01), (0.001, 0.01), (0.01, 0.04)):
        box = build_box(LINEAR, x, noise)
        assert (box.lower[-1], box.upper[-1]) == (pytest.approx(0.1 - reach), pytest.approx(0.1 + reach))


def test_tukey_weights_of_a_clean_curve_have_a_floor() -> None:
    """All but two residuals 0: the scale is 0.3 % of the range; 0.005 of it counts in part and 0.02 not at all."""
    x = 0.1 * N.astype(float)
    x[3] += 0.005
    x[6] -= 0.02
    x[8] = np.nan
    expected = np.ones(11)
    expected[[3, 6, 8]] = (1 - (0.005 / (4.685 * 0.003)) ** 2) ** 2, 0.0, 0.0
    np.testing.assert_allclose(_tukey_weights(x, np.array([np.log(0.1), 0.0]), LINEAR), expected, rtol=1e-9)


def test_tukey_weights_of_a_noisy_curve_go_by_the_median_residual() -> None:
    """Residuals of -0.02, 0 and 0.02 in turn: half of them lie within 0.02 of the median, 0."""
    x = 0.1 * N + 0.02 * np.array([1, 0, -1, 1, -1, 0, 1, -1, 1, 0, -1])
    u = 1 / (4.685 * 1.4826)
    weights = _tukey_weights(x, np.array([np.log(0.1), 0.0]), LINEAR)
    assert weights[:3] == pytest.approx([(1 - u**2) ** 2, 1.0, (1 - u**2) ** 2])


def of_levels(levels: list[float]) -> np.ndarray:
    """Ramps shifted by these levels."""
    return 0.05 + 0.07 * N + np.array(levels)[:, None]


def test_spreads_over_cycles_and_devices_of_unequal_numbers() -> None:
    """Device a at 1, 2, 3 and b at 5, 7 (in %): sample deviations 1 and sqrt 2, means 2 and 6, mean size 2.4."""
    values = of_levels([0.01, 0.02, 0.03, 0.05, 0.07])
    names = ("a", "a", "a", "b", "b")
    central = line_fit(values, names)
    found = estimate_variation({"ltp": trains(values, names)}, {"ltp": central}, {}).branches["ltp"]
    assert found.c2c_paper == pytest.approx(0.01 * (1 + np.sqrt(2)) / 2)
    assert found.c2c_anova == pytest.approx(0.01 * np.sqrt(4 / 3))
    assert found.d2d_paper == pytest.approx(0.01 * np.sqrt(8))
    assert found.d2d_variance == pytest.approx(1e-4 * (19.2 - 4 / 3) / 2.4)
    assert found.d2d_anova == pytest.approx(0.01 * np.sqrt((19.2 - 4 / 3) / 2.4))
    assert (found.n_devices, found.n_cycles) == (2, 3)
    assert scatter(trains(values, names), WINDOW) == pytest.approx(np.full(11, 1.5e-4))  # mean of 1 and 2


def test_one_cycle_of_three_has_the_sample_deviation_of_the_paper() -> None:
    values = of_levels([-0.01, 0.0, 0.01])
    found = estimate_variation({"ltp": trains(values)}, {"ltp": line_fit(values)}, {}).branches["ltp"]
    assert found.c2c_paper == pytest.approx(0.01)
    assert found.c2c_anova == pytest.approx(0.01)
    assert found.d2d_anova is None


def test_variance_of_components_on_equal_steps() -> None:
    """After n pulses of 0.07: n (inc^2 + (step 0.07)^2) + (rate 0.07 n)^2 + start^2 + offset^2 + read^2."""
    spread = BranchSpread(
        1, 4, increment=0.01, read=0.02, step=0.5, cycle_offset=0.03, cycle_ln_rate=0.2, cycle_start=0.04
    )
    expected = N * (1e-4 + 0.035**2) + (0.014 * N) ** 2 + 0.04**2 + 0.03**2 + 0.02**2
    np.testing.assert_allclose(predicted_variance(line_fit(of_levels([0.0])), spread), expected, rtol=1e-4)


def test_variance_over_cycles_fades_as_steps_do_where_they_shrink() -> None:
    """Soft bounds: a step leaves q; increments then (1 - q^2n) / (1 - q^2), a rate n q^(n-1) and a start q^n."""
    law, kappa, rate = get_law("softbounds"), 0.8, 0.1  # e^L of the middle; q = 1 - 0.1 x 0.8 / 0.6
    q = 1.0 - rate * kappa / (1.0 - kappa / 2)
    path = (1.0 - q**N) / kappa
    fitted: Any = SimpleNamespace(law=law, theta=np.array([np.log(rate), kappa]), trajectory=path)
    spread = BranchSpread(1, 4, increment=0.01, read=0.02, cycle_offset=0.03, cycle_ln_rate=0.2, cycle_start=0.04)
    first = rate / (1.0 - kappa / 2)
    expected = 1e-4 * (1 - q ** (2 * N)) / (1 - q * q) + (0.2 * first * N * q ** (N - 1.0)) ** 2
    expected += (0.04 * q**N) ** 2 + 0.03**2 + 0.02**2
    np.testing.assert_allclose(predicted_variance(fitted, spread), expected, rtol=1e-9)


def test_sources_of_spread_subtract_the_chance_part_of_drift() -> None:
    """Levels -3, 1, -1, 3 (in %) of four cycles: the line explains 12.8 of 20, and 7.2 / 2 by chance: 9.2 / 20."""
    values = of_levels([-0.03, 0.01, -0.01, 0.03])
    spread = BranchSpread(1, 4, c2c_anova=np.sqrt(20e-4 / 3), increment=0.0, read=0.0)
    shares = sources_of_spread(line_fit(values), spread, trains(values))
    assert shares == pytest.approx({"drift": 0.46, "cycle": 0.54, "pulse": 0.0, "read": 0.0}, abs=1e-9)


def test_sources_of_spread_separate_pulses_cycles_and_reading() -> None:
    """Variance 0.01: of increments 5 pulses on average, of one reading; start, offset and rate are of the cycle."""
    values = of_levels([0.01, -0.01])
    spread = BranchSpread(
        1, 2, c2c_anova=0.1, increment=0.02, read=0.03, step=0.0, cycle_offset=0.5, cycle_ln_rate=0.5, cycle_start=0.5
    )
    shares = sources_of_spread(line_fit(values), spread, trains(values))
    assert shares == pytest.approx({"drift": 0.0, "cycle": 0.71, "pulse": 0.2, "read": 0.09}, abs=1e-9)


def test_the_rate_of_a_device_against_the_central_one() -> None:
    central = line_fit((0.05 + 0.07 * N)[None])
    faster = line_fit((0.02 + 0.07 * 1.2 * N)[None])
    assert shared_shape(faster, central).ln_rate == pytest.approx(np.log(1.2), abs=1e-5)


def rate_covariance(ltp: list[float], ltd: list[float], between_cycles: float = 0.0) -> np.ndarray | None:
    """Of devices with these ln rates over 0.05; with two cycles a device if they differ by +- `between_cycles`."""
    names = [f"d{k}" for k in range(len(ltp))]
    sets, central = {}, {}
    devices: dict[str, dict[str, BranchFit]] = {name: {} for name in names}
    shifts = (-between_cycles, between_cycles) if between_cycles else (0.0,)
    for direction, rates in (("ltp", ltp), ("ltd", ltd)):
        rows = np.array([0.05 * np.exp(rate + shift) * N for rate in rates for shift in shifts]) + 0.1
        values = rows if direction == "ltp" else 1 - rows
        own = tuple(name for name in names for _ in shifts)
        sets[direction] = trains(values, own, direction)
        central[direction] = line_fit((0.1 + 0.05 * N if direction == "ltp" else 0.9 - 0.05 * N)[None], None, direction)
        for name in names:
            devices[name][direction] = fit_branch(
                sets[direction].of(name), WINDOW, OPTIONS, with_lmfit=False, judge=False
            )
    return estimate_variation(sets, central, devices).d2d_ln_rate_covariance


def test_the_covariance_of_rates_is_that_of_a_sample() -> None:
    """(-0.1, -0.05), (0, 0.02), (0.1, 0.03): 0.02, 0.0038 and 0.008 over two."""
    found = rate_covariance([-0.1, 0.0, 0.1], [-0.05, 0.02, 0.03])
    np.testing.assert_allclose(found, [[0.01, 0.004], [0.004, 0.0019]], rtol=1e-3)
    assert rate_covariance([-0.1, 0.1], [-0.05, 0.03]) is None


def test_the_covariance_of_rates_excludes_cycle_scatter() -> None:
    """Two cycles at +- 0.03 have a variance of 0.0018; their mean has half of it. The covariance, 0.004, is cut."""
    found = rate_covariance([-0.1, 0.0, 0.1], [-0.05, 0.02, 0.03], between_cycles=0.03)
    most = np.sqrt(0.0091 * 0.001)
    np.testing.assert_allclose(found, [[0.0091, most], [most, 0.001]], rtol=2e-2)


def test_components_of_whole_cycles_are_matched_to_the_variance_measured() -> None:
    """Increments give 0.0005 on average and an offset of 0.02 another 0.0004; 0.0021 asks for twice that offset."""
    fit = line_fit(of_levels([0.0]))
    spread = BranchSpread(1, 4, increment=0.01, read=0.0, cycle_offset=0.02, cycle_ln_rate=0.0, cycle_start=0.0)
    found = match_variance(fit, spread, np.full(11, 0.0021))
    assert found.cycle_offset == pytest.approx(0.04)
    assert found.increment == 0.01
    assert match_variance(fit, spread, np.full(11, 0.0003)).cycle_offset == 0
    nothing = replace(spread, cycle_offset=0.0)
    assert match_variance(fit, nothing, np.full(11, 0.0021)) == nothing


def walks(seed: int, increment: float, read: float, rho: np.ndarray, cycles: int = 20) -> Track:
    """Deviations of cycles that add up independent increments, and are read with noise."""
    rng = np.random.default_rng(seed)
    steps = np.zeros((cycles, rho.size))
    steps[:, 1:] = increment * rng.standard_normal((cycles, rho.size - 1))
    readings = np.cumsum(steps, axis=1) + read * rng.standard_normal(steps.shape)
    return Track(readings, np.ones(rho.size), rho)


def test_increments_of_a_tenth_of_the_window_are_found() -> None:
    track = walks(0, 0.1, 0.03, np.full(61, 0.015))
    found = fit_components([track], (0.1, 0.03, 0.01, 0.01))
    assert found.increment == pytest.approx(0.1, rel=0.08)  # 1200 increments: 2 % standard error
    assert found.read == pytest.approx(0.03, rel=0.25)


def with_step_noise(seed: int, step: float, rho: np.ndarray, cycles: int = 20) -> Track:
    """Deviations of cycles whose increments scatter by a share of their own step."""
    track = walks(seed, 0.0, 0.0, rho, cycles)
    steps = np.zeros((cycles, rho.size))
    noise = np.random.default_rng(seed).standard_normal((cycles, rho.size - 1))
    steps[:, 1:] = step * rho[:-1] * noise
    return replace(track, deviation=np.cumsum(steps, axis=1))


def test_a_step_noise_is_reported_only_if_the_data_ask_for_it() -> None:
    """In the first case 0.09 would fit a little better by chance; in the second the steps scatter by half of them."""
    rho = np.geomspace(0.06, 0.002, 61)
    start = (0.01, 0.005, 0.002, 0.01)
    assert fit_components([walks(4, 0.01, 0.0, rho)], start).step == 0
    asked = fit_components([with_step_noise(4, 0.5, rho)], start)
    assert asked.step == pytest.approx(0.5, rel=0.08)
    assert asked.increment < 5e-4


@pytest.mark.parametrize("seed", [0, 8])
def test_negligible_components_are_reported_as_zero(seed: int) -> None:
    """Pure increments of 0.01: the likeliest ln rate, 0.03, is no better than none."""
    rho = np.geomspace(0.06, 0.002, 61)
    found = fit_components([walks(seed, 0.01, 0.0, rho)], (0.01, 0.005, 0.002, 0.01))
    assert found.increment == pytest.approx(0.01, rel=0.08)
    assert (found.read, found.offset, found.ln_rate, found.start, found.step) == (0, 0, 0, 0, 0)


def s_curve(steepness: float, middle: float) -> np.ndarray:
    """A logistic curve of 100 pulses from 0 to 1."""
    y = 1 / (1 + np.exp(-2 * steepness * (np.arange(101) / 100 - middle)))
    return (y - y[0]) / (y[-1] - y[0])


@pytest.mark.parametrize("middle", [0.5, 0.8])
def test_an_exhaustive_search_finds_what_sixteen_starts_miss(middle: float) -> None:
    """A logistic curve is a rate proportional to x (1 - x), which the law follows to 0.2 % of the window."""
    found = fit_branch(trains(s_curve(30, middle)[None]), WINDOW, FitOptions(model="piecewise"), judge=False)
    assert found.rms < 0.002


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_poor_fit_of_the_quick_starts_is_not_good_enough(seed: int) -> None:
    """The law follows this curve to twice its noise of 0.003; the four quick starts alone end at three times it."""
    y = s_curve(5, 0.8) + 0.003 * np.random.default_rng(seed).standard_normal(101)
    law = get_law("eq2")
    noise = estimate_noise(y)
    found = search.search(law, y, np.ones(101), build_box(law, y, noise), noise)
    assert np.sqrt(found.sse / 101) < 0.007


def test_a_hundredth_of_the_window_before_the_first_state_the_band_still_holds() -> None:
    found = line_fit((RAMP + DEVIATIONS[0])[None])
    start, end = found.trajectory[0], found.trajectory[-1]
    curve = found.rate_curve(np.array([start - 0.0101, start - 0.0099, end + 0.0099, end + 0.0101]))
    assert [value > 0 for value in curve.lower] == [False, True, True, False]
