"""Draws of the posterior against distributions that are known, and advice against least squares that is written out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import devicekit
from devicekit.core.errors import FileError, UsageError
from devicekit.device.blocks import Window
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.uncertainty import sampler
from devicekit.fitting.uncertainty.advice import Advice, Candidate, next_measurement
from devicekit.fitting.uncertainty.mixing import effective_size, split_rhat
from devicekit.fitting.uncertainty.posterior import Posterior, posterior
from devicekit.fitting.uncertainty.priors import priors_of
from devicekit.models.registry import get_law
from devicekit.tables import PulseTable

WINDOW = Window(quantity="weight", low=0.0, high=1.0, scope="truth")
LINEAR, SOFT = get_law("linear"), get_law("softbounds")


def table(
    cycles: int, increment: float = 0.004, read: float = 0.005, devices: int = 1, pulses: int = 60, kappa: float = 0.8
) -> PulseTable:
    """Trains of soft bounds up and down, written out."""
    rng = np.random.default_rng(cycles)
    parts = []
    for device in range(devices):
        for cycle in range(1, cycles + 1):
            for direction in ("ltp", "ltd"):
                x, y = 0.0, np.empty(pulses + 1)
                for n in range(pulses + 1):
                    y[n] = x + read * rng.standard_normal()
                    x += 0.03 * (1 - kappa * x) / (1 + 0.25 * kappa) + increment * rng.standard_normal()
                weight = y if direction == "ltp" else 1 - y
                columns = {"device_id": f"d{device}", "cycle": cycle, "direction": direction}
                parts.append(pd.DataFrame({**columns, "pulse_index": np.arange(pulses + 1), "weight": weight}))
    return PulseTable(pd.concat(parts, ignore_index=True))


def fitted(cycles: int, model: str = "softbounds", devices: int = 1, **noise: float) -> DeviceFit:
    return fit_condition(table(cycles, devices=devices, **noise), FitOptions(model), WINDOW)


def test_the_density_is_that_of_its_priors_where_nothing_was_read() -> None:
    (lower, upper), (mean, precision, below), words = priors_of(SOFT, 0.0, [])
    nothing = np.full((1, 5), np.nan)
    z = np.array([-3.0, 0.7, 0.01, *np.log([0.003, 0.006, 0.01, 0.04, 0.004, 1e-6])])
    found = sampler.log_density(SOFT.id, z, nothing, lower, upper, mean, precision, below)
    distance = np.log(1.9 - 0.7)  # of kappa from its bound, normal about -0.7
    expected = -0.5 * ((distance + 0.7) / 0.8) ** 2 - distance
    sds, prior_sds, widths = z[3:8], np.log([0.004, 0.004, 0.008, 0.05, 0.005]), np.array([1.2, 1.2, 1.0, 0.8, 1.0])
    assert found == pytest.approx(expected - 0.5 * np.sum(((sds - prior_sds) / widths) ** 2))
    z[1] = 1.95
    assert sampler.log_density(SOFT.id, z, nothing, lower, upper, mean, precision, below) == -np.inf
    assert words["L"] == "flat from -14 to 1"
    assert words["kappa"] == "ln(1.9 - kappa) normal, -0.7 +- 0.8"


@pytest.mark.slow
def test_draws_without_readings_are_draws_of_the_prior() -> None:
    (lower, upper), (mean, precision, below), _words = priors_of(SOFT, 0.0, [])
    lower[0], upper[0] = -5.0, -3.0
    free = np.flatnonzero(upper > lower)
    rng = np.random.default_rng(1)
    cloud = np.tile(np.array([-4.0, 0.8, 0.0, *np.log([0.004, 0.004, 0.008, 0.05, 0.005]), *lower[-5:]]), (90, 1))
    cloud[:, free] += 0.3 * rng.standard_normal((90, free.size))
    cloud = np.clip(cloud, lower, upper)
    number = 60_000
    archive = np.empty((90 + 3 * number // sampler.KEPT, 13))
    archive[:90] = cloud
    out = np.empty((3, number // sampler.KEPT, 13))
    nothing = np.full((1, 2), np.nan)
    _filled, accepted = sampler.run(
        SOFT.id, nothing, lower, upper, mean, precision, below, free, cloud[:3].copy(), archive, 90, number, rng, out
    )
    assert 0.1 < accepted < 0.9
    flat = out[:, 1000:].reshape(-1, 13)
    assert flat[:, 0].mean() == pytest.approx(-4.0, abs=0.05)  # flat between its bounds
    assert flat[:, 0].std() == pytest.approx(2 / np.sqrt(12), rel=0.06)
    inside = np.log(1.9 - flat[:, 1])
    cut = norm.cdf((np.log(1.9 + 60.0) + 0.7) / 0.8)  # the lower bound takes nothing away
    assert cut == pytest.approx(1.0)
    assert (inside.mean(), inside.std()) == pytest.approx((-0.7, 0.8), abs=0.06)
    assert flat[:, 6].mean() == pytest.approx(np.log(0.05), abs=0.06)
    assert flat[:, 6].std() == pytest.approx(0.8, rel=0.06)
    assert (flat[:, 8:] == lower[-5:]).all()  # noise in proportion to the step, and what is asked for later, stay out


def test_the_posterior_of_equal_steps_is_about_a_straight_line_and_wider_than_its_error() -> None:
    """The error of a slope by read noise alone is read / sqrt(SUM (n - mean)^2); updates that may scatter widen it."""
    fit = fitted(1, "linear", increment=0.0, read=0.01, kappa=0.0)
    n = np.arange(61)
    drawn = posterior(fit, seed=2).branches["ltp"]
    assert drawn.mixed
    steps = np.exp(drawn.draws[:, 0])
    error = 0.01 / np.sqrt(np.sum((n - 30) ** 2))
    of_the_mean = np.hypot(error, steps.std() / np.sqrt(min(drawn.ess.values())))  # a few hundred draws
    assert steps.mean() == pytest.approx(np.polyfit(n, fit.branches["ltp"].x, 1)[0], abs=4 * of_the_mean)
    assert steps.std() > error
    low, high = drawn.interval("read")
    assert low < 0.01 < high


@pytest.mark.slow
def test_draws_agree_with_the_band_where_that_is_near_normal() -> None:
    fit = fitted(6)
    drawn = posterior(fit, seed=1)
    r = np.array([0.3, 0.5, 0.7])
    for direction, branch in fit.branches.items():
        of_draws, of_fit = drawn.rate_band(direction, r), branch.rate_curve(r)
        widths = np.subtract(of_draws.upper, of_draws.lower) / np.subtract(of_fit.upper, of_fit.lower)
        assert (widths > 0.6).all()
        assert (widths < 1.3).all()
        assert np.sign(of_draws.rate).tolist() == np.sign(of_fit.rate).tolist()
        low, high = drawn.branches[direction].interval("increment")
        own = fit.variation.branches[direction].intervals["increment"]
        assert (low, high) == pytest.approx(own, rel=0.25)
    assert drawn.rhat < 1.02
    assert drawn.ess >= 100
    assert drawn.warnings == ()


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    fit = fitted(2, pulses=20)
    one, two, other = (posterior(fit, draws=50, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.branches["ltp"].draws, two.branches["ltp"].draws)
    assert (one.branches["ltp"].draws != other.branches["ltp"].draws).any()
    assert one.branches["ltp"].draws.shape == (50, 2 + 1 + 5)


def test_cards_are_draws_and_files_keep_them(tmp_path: Path) -> None:
    fit = fitted(2, pulses=20)
    drawn = devicekit.posterior(fit, draws=40, seed=5)
    cards = drawn.cards(4, "dev")
    assert [card.name for card in cards] == ["dev_p001", "dev_p002", "dev_p003", "dev_p004"]
    draws = drawn.branches["ltp"].draws
    for card, k in zip(cards, (0, 13, 26, 39), strict=True):
        assert card.ltp.theta == pytest.approx(tuple(draws[k, :2]))
        assert card.variation.ltp.c2c["increment"].value == pytest.approx(np.exp(draws[k, 3]))
        assert card.variation.ltp.cycle_ln_rate == pytest.approx(np.exp(draws[k, 6]))
        assert "resampled" in {warning.code for warning in card.warnings}
    path = tmp_path / "draws.json"
    drawn.save(path)
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    again = Posterior.load(path)
    np.testing.assert_array_equal(again.branches["ltd"].draws, drawn.branches["ltd"].draws)
    assert again.rhat == drawn.rhat
    assert [card.ltp.theta for card in again.cards(4, "dev", fit)] == [card.ltp.theta for card in cards]
    with pytest.raises(UsageError, match="give the fit"):
        again.cards(4, "dev")
    with pytest.raises(UsageError, match="1 to 40"):
        drawn.cards(41, "dev")
    (tmp_path / "no.json").write_text('{"branches": {"ltp": {}}}')
    with pytest.raises(FileError, match=r"no\.json"):
        Posterior.load(tmp_path / "no.json")


def test_chains_that_do_not_mix_are_flagged() -> None:
    drawn = posterior(fitted(2, pulses=20), draws=20)
    apart = replace(drawn.branches["ltp"], rhat={"rate at 0.5": 1.31}, mixed=False)
    found = Posterior({"ltp": apart, "ltd": drawn.branches["ltd"]})
    assert [warning.code for warning in found.warnings] == ["not_mixed"]
    assert found.rhat == 1.31


def test_r_hat_and_ess_of_known_chains() -> None:
    rng = np.random.default_rng(6)
    independent = rng.standard_normal((3, 2000))
    assert split_rhat(independent) == pytest.approx(1.0, abs=0.003)
    assert effective_size(independent) == pytest.approx(6000, rel=0.1)
    assert split_rhat(independent + np.array([[0.0], [0.0], [2.0]])) > 1.2
    slow = np.zeros((3, 20_000))
    for n in range(1, 20_000):  # autocorrelation 0.9: (1 - 0.9) / (1 + 0.9) of the draws count
        slow[:, n] = 0.9 * slow[:, n - 1] + rng.standard_normal(3)
    assert effective_size(slow) == pytest.approx(60_000 / 19, rel=0.15)
    assert split_rhat(np.ones((3, 100))) == 1.0


def test_a_posterior_is_of_one_device() -> None:
    with pytest.raises(UsageError, match="device="):
        posterior(fitted(2, devices=2))
    with pytest.raises(UsageError, match="at least 20"):
        posterior(fitted(1), draws=19)


def sd_then(advice: Advice, words: str) -> float:
    return next(each.sd_then for each in advice.candidates if each.name.startswith(words))


def test_advice_for_equal_steps_is_that_of_least_squares() -> None:
    """Read noise alone: the variance of ln step falls with the trains; one long one tells more than two short ones."""
    fit = fitted(1, "linear", increment=0.0, read=0.005, pulses=40)
    quiet = {}
    for direction, found in fit.likelihood.items():
        noise = np.array([*np.log([1e-6, 0.005, *[1e-6] * 5]), 0.4, 0.0, 0.0])
        quiet[direction] = replace(found, noise=noise, parameters=np.array([[np.log(0.02), 0.0]]))
    fit = replace(fit, likelihood=quiet)
    found = next_measurement(fit, "rate", "free", 80)
    n = np.arange(41)
    one = 0.005 / np.sqrt(np.sum((n - n.mean()) ** 2)) / 0.02
    assert found.candidates[0].sd_now == pytest.approx(one, rel=0.05)
    assert sd_then(found, "the same again: 2 trains") == pytest.approx(one / np.sqrt(3), rel=0.05)
    long = np.arange(81)  # beside the train of 40, with a common start
    design = np.concatenate([np.stack([n, np.ones(41)], 1), np.stack([long, np.ones(81)], 1)])
    step = np.sqrt(np.linalg.inv(design.T @ design)[0, 0]) * 0.005 / 0.02
    assert sd_then(found, "one long train: 1 train of 80") == pytest.approx(step, rel=0.05)
    assert sd_then(found, "the same, 4 readings") == pytest.approx(one / np.sqrt(1 + 8), rel=0.05)
    assert [each.sd_then for each in found.candidates] == sorted(each.sd_then for each in found.candidates)


@pytest.mark.parametrize(
    ("sd_now", "sd_then", "pays", "is_enough"),
    [(0.004, 0.0038, False, True), (0.004, 0.003, True, False), (0.4, 0.38, False, False), (0.05, 0.0448, False, True)],
)
def test_advice_ends_where_no_measurement_pays(sd_now: float, sd_then: float, pays: bool, is_enough: bool) -> None:
    plan = Candidate(name="p", trains=1, pulses=9, cost=9, reads=10, sd_now=sd_now, sd_then=sd_then)
    found = Advice(goal="rate", reset="free", budget=9, candidates=(plan,), assumptions=())
    assert (found.pays, found.is_enough) == (pays, is_enough)
    assert found.as_dict()["is_enough"] is is_enough
    assert f"{100 * sd_now:.2g}" in str(found)
    assert f"{100 * sd_then:.2g}" in found.as_dict()["verdict"]


def test_advice_counts_resets_and_asks_for_other_devices_for_a_population() -> None:
    fit = fitted(2)
    found = next_measurement(fit, "population", "train")
    assert found.budget == 2 * (60 + 60)
    assert "another device: 2 trains of 60 pulses" in found.candidates[0].name
    assert found.candidates[0].variance_left == pytest.approx(0.5)
    costs = {
        each.name.partition(":")[0]: (each.trains, each.pulses, each.cost, each.reads) for each in found.candidates
    }
    assert costs["short trains"] == (240 // 72, 12, 3 * 72, 3 * 13)
    (seldom,) = (value for name, value in costs.items() if "5th pulse" in name)
    assert seldom == (2, 60, 240, 2 * 13)
    (often,) = (value for name, value in costs.items() if "4 readings" in name)
    assert often == (2, 60, 240, 2 * 61 * 4)
    assert costs["one long train"] == (1, 180, 240, 181)
    rate = next_measurement(fitted(1, pulses=100), "rate", "free")
    assert sd_then(rate, "short trains") < sd_then(
        rate, "the same again"
    )  # more starts tell how cycles differ, which one cycle leaves to the prior
    assert rate.pays
    assert rate.candidates[0].name in rate.verdict
    increment = next_measurement(fit, "increment")
    assert increment.candidates[0].name.startswith("the same, 4 readings")
    for wrong in ({"goal": "money"}, {"reset": "never"}, {"budget": 3}):
        with pytest.raises(UsageError):
            next_measurement(fit, **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="one device"):
        next_measurement(fitted(2, devices=2))
