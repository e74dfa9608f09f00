"""Noise that is held, noise that depends on the state, readings without a pulse between, windows of single devices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.fitting.branch.rereads import scatter_at_junctions, scatter_of_repeats
from devicekit.fitting.condition import train_sets
from devicekit.fitting.likelihood.band import LocalErrors, RateBand
from devicekit.fitting.likelihood.fit import fit_trains
from devicekit.fitting.likelihood.misfit import basis, local_errors, misfit
from devicekit.fitting.variation.result import READ_OR_REVERSIBLE
from devicekit.fitting.variation.windows import OwnWindow, shared_shape
from devicekit.models.registry import get_law

SOFT, LINEAR = get_law("softbounds"), get_law("linear")
START = np.array([np.log(0.03), 0.9, 0.0])


def trains(
    rng: np.random.Generator,
    cycles: int,
    held: float = 0.0,
    memory: float = 0.0,
    tilt: float = 0.0,
    read: float = 0.004,
) -> np.ndarray:
    """Of soft bounds; increments of 0.4 % of the window."""
    x, y = np.zeros(cycles), np.empty((cycles, 101))
    flicker = held * rng.standard_normal(cycles)
    for n in range(101):
        y[:, n] = x + flicker + read * rng.standard_normal(cycles)
        here = np.exp(tilt * (x - 0.5))
        x = x + 0.03 * (1 - 0.9 * x) / (1 - 0.45) + 0.004 * here * rng.standard_normal(cycles)
        flicker = memory * flicker + held * np.sqrt(1 - memory**2) * rng.standard_normal(cycles)
    return y


def test_a_held_fluctuation_is_found_with_its_memory_only_if_present() -> None:
    found = fit_trains(SOFT, [trains(np.random.default_rng(1), 10, 0.02, 0.7)], [START], 0.02)
    assert found.sd("held") == pytest.approx(0.02, rel=0.15)
    assert found.sd("increment") == pytest.approx(0.004, rel=0.3)
    for name, true in (("held", 0.02), ("memory", 0.7)):
        low, high = found.interval(name) or (1.0, 0.0)
        assert low < true < high
        assert high - low < 0.7 * true
    for seed in range(6):
        none = fit_trains(SOFT, [trains(np.random.default_rng(seed), 10)], [START], 0.005)
        assert (none.sd("held"), none.sd("tilt"), none.sd("read_tilt"), none.sd("step")) == (0.0, 0.0, 0.0, 0.0)
        assert none.at_ceiling == ()


@pytest.mark.slow
def test_tilt_of_updates_is_separated_from_tilt_of_readings() -> None:
    found = fit_trains(SOFT, [trains(np.random.default_rng(2), 20, tilt=1.2)], [START], 0.005)
    assert found.sd("tilt") == pytest.approx(1.2, abs=0.3)
    assert found.sd("read_tilt") == 0.0
    assert found.sd("increment") == pytest.approx(0.004, rel=0.12)


def test_four_tests_pass_the_true_model_and_detect_deviations() -> None:
    functions = basis(80)
    np.testing.assert_allclose(functions @ functions.T, np.eye(len(functions)), atol=1e-12)
    quiet = [
        misfit(fit_trains(SOFT, [y], [START], 0.005), [y])
        for y in (trains(np.random.default_rng(k), 8) for k in range(8))
    ]
    assert not any(each.shape or each.noise for each in quiet)
    bent = trains(np.random.default_rng(6), 8) + 0.03 * np.sin(np.arange(101) / 8)
    assert misfit(fit_trains(SOFT, [bent], [START], 0.005), [bent]).shape
    wild = trains(np.random.default_rng(7), 20)
    wild += np.where(np.random.default_rng(8).random(wild.shape) < 0.01, 0.05, 0.0)
    assert any("normal" in words for words in misfit(fit_trains(SOFT, [wild], [START], 0.005), [wild]).noise)


def frame(y: dict[str, np.ndarray], device: str = "a") -> pd.DataFrame:
    rows = []
    for direction, group in y.items():
        for cycle, row in enumerate(group, start=1):
            columns = {"device_id": device, "cycle": cycle, "direction": direction, "pulse_index": np.arange(row.size)}
            g = 5e-5 + 4e-5 * (row if direction == "ltp" else 1 - row)
            rows.append(pd.DataFrame({**columns, "conductance_s": g}))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.slow
def test_readings_of_one_pulse_separate_read_noise_from_fluctuations() -> None:
    """Each state fluctuates by 1 % and is read three times with 0.3 %; the mean of three is what a fit sees."""
    rng = np.random.default_rng(3)
    parts = []
    states = {name: trains(rng, 6, 0.01, 0.0, read=0.0) for name in ("ltp", "ltd")}
    for _ in range(3):
        parts.append(frame({name: each + 0.003 * rng.standard_normal(each.shape) for name, each in states.items()}))
    fit = devicekit.fit(pd.concat(parts, ignore_index=True), model="softbounds")
    rereads = scatter_of_repeats(fit.table, "ltp", fit.window)
    assert rereads is not None
    span = fit.window.span / 4e-5
    assert rereads.sd == pytest.approx(0.003 / span, rel=0.06)
    assert (rereads.degrees, rereads.share) == (2 * 6 * 101, pytest.approx(1 / 3))
    spread = fit.variation.branches["ltp"]
    assert spread.read_known
    assert spread.read == pytest.approx(0.003 / span, rel=0.06)
    assert spread.held == pytest.approx(0.01 / span, rel=0.15)
    card = fit.to_card("a").variation.ltp
    assert card.read_known
    assert READ_OR_REVERSIBLE not in card.c2c["read"].estimator
    single = devicekit.fit(parts[0], model="softbounds")
    assert not single.variation.branches["ltp"].read_known
    assert single.to_card("a").variation.ltp.c2c["read"].estimator.endswith(READ_OR_REVERSIBLE)


def test_the_last_reading_of_a_train_and_the_first_of_the_next_are_readings_of_one_state_only_if_they_agree() -> None:
    """Equal steps from one end to the other; states fluctuate by 2 %, a reading is off by 0.3 %."""
    rng = np.random.default_rng(4)
    flicker = 0.02 * rng.standard_normal((2, 12, 61))
    flicker[0, 1:, 0] = -flicker[1, :-1, -1]  # the last of LTD is the first of the next LTP
    up, down = np.arange(61) / 60 + flicker + 0.003 * rng.standard_normal((2, 12, 61))
    down[:, 0] = 1 - up[:, -1]  # a copy: tells nothing
    fit = devicekit.fit(frame({"ltp": up, "ltd": down}), model="linear")
    rereads = scatter_at_junctions(train_sets(fit.table), fit.window)
    assert rereads is not None
    assert rereads.degrees == 10
    assert not rereads.stated
    assert rereads.sd * fit.window.span / 4e-5 == pytest.approx(0.003, rel=0.5)
    assert fit.variation.branches["ltp"].read_known
    assert fit.variation.branches["ltp"].held == pytest.approx(0.02, rel=0.2)
    up[1:, 0] = rng.normal(0.0, 0.05, 11)  # something lies between
    apart = devicekit.fit(frame({"ltp": up, "ltd": down}), model="linear")
    assert not apart.variation.branches["ltp"].read_known


def population(rng: np.random.Generator, rates: float, windows: float) -> pd.DataFrame:
    parts = []
    for k in range(8):
        factor, low, span = np.exp(rates * rng.standard_normal()), windows * rng.standard_normal(), 1.0
        span = np.exp(windows * rng.standard_normal())
        y = {}
        for name in ("ltp", "ltd"):
            x = np.zeros(3)
            rows = [x]
            for _ in range(80):
                x = x + 0.05 * factor * (1 - 0.95 * x) / (1 - 0.475) + 0.002 * rng.standard_normal(3)
                rows.append(x)
            r = np.array(rows).T + 0.003 * rng.standard_normal((3, 81))
            y[name] = low + span * r if name == "ltp" else 1 - (low + span * (1 - r))
        parts.append(frame(y, f"d{k}"))
    return pd.concat(parts, ignore_index=True).assign(conductance_s=lambda f: f["conductance_s"] + 5e-5)


@pytest.mark.slow
def test_different_windows_are_not_taken_for_rates_nor_rates_for_windows() -> None:
    by_window = devicekit.fit(population(np.random.default_rng(5), 0.0, 0.12), model="softbounds")
    assert len(by_window.variation.windows) == 8
    assert np.sqrt(np.diag(by_window.variation.d2d_ln_rate_covariance)).max() < 0.05
    assert any("own window" in words for words in by_window.variation.sentences())
    rows = by_window.to_card("w").devices
    assert all(row.low is not None and row.high is not None for row in rows)
    by_rate = devicekit.fit(population(np.random.default_rng(6), 0.2, 0.0), model="softbounds")
    assert by_rate.variation.windows == {}
    assert np.sqrt(np.diag(by_rate.variation.d2d_ln_rate_covariance)).min() > 0.1


@pytest.mark.slow
def test_a_curve_in_its_own_window_is_the_central_one() -> None:
    fit = devicekit.fit(population(np.random.default_rng(7), 0.0, 0.0), model="softbounds")
    central = fit.branches["ltd"]
    window = OwnWindow(-0.2, 0.9)
    moved = replace(central, x=(1 - window.high) + 1.1 * central.trajectory)
    found = shared_shape(moved, central, window)
    assert found.ln_rate == pytest.approx(0.0, abs=1e-6)
    assert found.squares == pytest.approx(0.0, abs=1e-10)


def test_a_band_holds_what_one_step_errors_show_beyond_chance() -> None:
    left = LocalErrors(np.array([0.0, 1.0]), np.array([0.0, 0.004]), np.array([0.001, 0.001]))
    assert left.excess(np.array([0.0, 0.25, 1.0])) == pytest.approx([0.0, 0.0, 1.6e-5 - 2e-6])
    band = RateBand(LINEAR, np.array([[np.log(0.02), 0.0]]), np.diag([0.01, 0.0])[None], 0.0, np.inf, "")
    _, sd = band.rate_and_sd(np.array([1.0]))
    wider = RateBand(LINEAR, band.parameters, band.covariance, 0.0, np.inf, "", left)
    assert wider.rate_and_sd(np.array([1.0]))[1] == pytest.approx(np.sqrt(sd**2 + 1.4e-5))
    # of one parameter all rates move together: the band of the whole curve is the pointwise one
    assert band.factor_of_all(np.linspace(0, 1, 21), 0.95) == pytest.approx(1.0, abs=0.05)


def test_errors_of_the_rate_along_the_trains_are_the_true_ones() -> None:
    """Equal steps of 1 %, fitted as 0.8 % in a state that is read without noise: off by 0.2 % everywhere."""
    rng = np.random.default_rng(9)
    y = 0.01 * np.arange(101) + np.cumsum(0.001 * rng.standard_normal((40, 101)), axis=1)
    found = fit_trains(LINEAR, [y], [np.array([np.log(0.01), 0.0])], 0.002)
    wrong = replace(found, parameters=np.array([[np.log(0.008), 0.0]]))
    left = local_errors(wrong, 0, y)
    assert left is not None
    assert np.mean(left.error) == pytest.approx(0.002, rel=0.07)
    assert left.error == pytest.approx(0.002, abs=6 * left.sd.max())
    assert local_errors(found, 0, y[:1]) is None


def test_a_gap_left_by_one_pulse_is_not_measured() -> None:
    rng = np.random.default_rng(10)
    y = np.r_[0.0, 0.2 + 0.8 * (1 - np.exp(-np.arange(100) / 40))] + 0.002 * rng.standard_normal((5, 101))
    fit = devicekit.fit(frame({"ltp": y, "ltd": trains(rng, 5)}), model="softbounds")
    curve = fit.branches["ltp"].rate_curve(np.array([0.19, 0.5]))
    assert curve.lower[0] == 0.0
    assert curve.upper[0] >= 0.15
    assert curve.lower[1] > 0.0


@pytest.mark.slow
def test_windows_of_devices_are_not_in_the_band_of_their_rate() -> None:
    fit = devicekit.fit(population(np.random.default_rng(5), 0.0, 0.12), model="softbounds")
    curve = fit.branches["ltp"].rate_curve(np.array([0.3, 0.5]))
    assert "windows" in curve.method
    half = (np.array(curve.upper) - np.array(curve.lower)) / 2 / np.array(curve.rate)
    assert half.max() < 0.06  # of one rate; in the window of the set they would differ by .2
