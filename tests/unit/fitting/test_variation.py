"""Variation: unbiased components on known truths, every number typed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.statistics import anova
from devicekit.fitting.branch.trains import select_trains
from devicekit.fitting.device import fit
from devicekit.fitting.variation.components import _variogram_design, fit_components, tracks_of
from devicekit.fitting.variation.spread import _mean_sd
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.tables import PulseTable

THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}


def made(seed: int = 0, devices: int = 4, cycles: int = 12, **noise: float) -> PulseTable:
    card = truth_card(THETA, **noise)  # type: ignore[arg-type]
    return generate(card, devices, cycles, 100, seed, conditioning=2)


@pytest.mark.parametrize(
    ("increment", "read"),
    [
        (0.004, 0.01),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((0.0, 0.02), (0.01, 0.0), (0.01, 0.02))),
    ],
)
def test_increments_and_read_noise_are_separated(increment: float, read: float) -> None:
    table = made(increment=increment, read=read, devices=8, cycles=16)
    result = fit(table)
    scale = 2.8e-4 / result.window.span
    for branch in result.variation.branches.values():
        assert branch.increment == pytest.approx(increment * scale, rel=0.08, abs=0.0012)
        assert branch.read == pytest.approx(read * scale, rel=0.08, abs=0.0012)


def test_anova_is_unbiased_where_the_papers_estimator_is_not() -> None:
    rng = np.random.default_rng(0)
    between, naive = [], []
    for _ in range(60):
        groups = [0.04 * rng.standard_normal((3, 50)) for _ in range(10)]  # no D2D at all
        between.append(anova(groups)[1])
        naive.append(np.array([group.mean(axis=0) for group in groups]).var(axis=0, ddof=1).mean())
    assert abs(np.mean(between)) < 3 * np.std(between) / np.sqrt(len(between)) + 1e-6
    assert np.mean(naive) == pytest.approx(0.04**2 / 3, rel=0.1)  # C2C / K, taken for D2D


def test_anova_recovers_both_components() -> None:
    rng = np.random.default_rng(1)
    groups = [0.05 * rng.standard_normal((1, 400)) + 0.02 * rng.standard_normal((5, 400)) for _ in range(40)]
    within, between, size = anova(groups)
    assert within == pytest.approx(0.02**2, rel=0.05)
    assert between == pytest.approx(0.05**2, rel=0.1)
    assert size == pytest.approx(5)


def test_anova_weighs_unequal_numbers_of_cycles() -> None:
    rng = np.random.default_rng(2)
    groups = [0.05 * rng.standard_normal((1, 800)) + 0.02 * rng.standard_normal((k, 800)) for k in (2, 3, 8, 9) * 8]
    within, between, _ = anova(groups)
    assert within == pytest.approx(0.02**2, rel=0.05)
    assert between == pytest.approx(0.05**2, rel=0.12)


def test_anova_with_gaps() -> None:
    rng = np.random.default_rng(4)
    groups = [0.05 * rng.standard_normal((1, 500)) + 0.02 * rng.standard_normal((6, 500)) for _ in range(20)]
    for group in groups:
        group[rng.random(group.shape) < 0.3] = np.nan
    groups[0][:, 7] = np.nan
    within, between, _ = anova(groups)
    assert within == pytest.approx(0.02**2, rel=0.06)
    assert between == pytest.approx(0.05**2, rel=0.15)


@pytest.mark.slow
def test_scatter_of_cycles_is_not_taken_for_devices() -> None:
    """D2D truly 0, cycles that run 10 % faster or slower: the ln-rate covariance must not absorb them."""
    rng = np.random.default_rng(5)
    parts = []
    for device in range(20):
        for cycle in range(5):
            for direction, theta in THETA.items():
                own = np.array([theta[0] + 0.1 * rng.standard_normal(), *theta[1:]])
                x = kernel.simulate(EQ2.id, own, 0.0, 100)
                r = (x if direction == "ltp" else 1 - x) + 0.005 * rng.standard_normal(101)
                columns = {
                    "device_id": f"d{device}",
                    "cycle": cycle,
                    "direction": direction,
                    "pulse_index": range(101),
                }
                parts.append(pd.DataFrame({**columns, "conductance_s": 1e-4 + 2.8e-4 * r}))
    covariance = fit(PulseTable(pd.concat(parts, ignore_index=True))).variation.d2d_ln_rate_covariance
    assert covariance is not None
    assert np.sqrt(np.diag(covariance)).max() < 0.035


def test_a_window_offset_is_not_read_as_increments() -> None:
    table = made(increment=0.0, read=0.005, devices=1, cycles=30)
    rng = np.random.default_rng(3)
    shift = dict(enumerate(0.02 * 2.8e-4 * rng.standard_normal(31)))
    frame = table.frame.assign(conductance_s=table.frame["conductance_s"] + table.frame["cycle"].map(shift) + 2e-5)
    spread = fit(PulseTable(frame)).variation.branches["ltp"]
    assert spread.cycle_offset == pytest.approx(0.02, rel=0.35)
    assert spread.increment is not None
    assert spread.increment < 0.0015


@pytest.mark.slow
def test_one_cycle_gives_increments_without_spread_and_one_device_no_d2d() -> None:
    ratios = []
    for seed in range(8):
        fitted = fit(made(seed, increment=0.006, read=0.004, devices=1, cycles=1))
        spread = fitted.variation.branches["ltp"]
        assert spread.increment is not None
        ratios.append(spread.increment * fitted.window.span / (0.006 * 2.8e-4))
        assert "increment" not in spread.intervals  # one train cannot contradict the noise model
    assert np.median(ratios) == pytest.approx(1.0, abs=0.25)
    assert spread.cycle_ln_rate is None
    assert spread.c2c_anova is None
    assert spread.d2d_anova is None
    card = spread.to_card()
    assert set(card.c2c) == {"increment", "read"}
    assert card.c2c["increment"].interval is None
    assert card.d2d == {}


def test_every_number_is_typed() -> None:
    card = fit(made(devices=2, cycles=6, increment=0.005, read=0.01)).variation.branches["ltp"].to_card()
    assert {name: sigma.kind for name, sigma in card.c2c.items()} == {
        "spread_paper": "spread",
        "spread_anova": "spread",
        "increment": "increment",
        "read": "read",
        "cycle_offset": "spread",
    }
    # an increment and the spread it leads to differ by a factor of several
    assert card.c2c["spread_anova"].value > 2 * card.c2c["increment"].value


def test_device_spread_is_that_of_the_rate() -> None:
    card = truth_card(THETA, increment=0.002, read=0.004, ln_rate_sd=0.15, ln_rate_correlation=0.8)
    covariance = fit(generate(card, 30, 4, 60, 5, conditioning=1)).variation.d2d_ln_rate_covariance
    assert covariance is not None
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(sd, 0.15, rtol=0.35)
    assert covariance[0, 1] / np.prod(sd) > 0.4


def test_a_guess_far_off_does_not_lose_the_noise() -> None:
    """The variogram of a curve that is nearly straight leaves the offset open: it may guess 200 windows."""
    truth = truth_card({"ltp": (-5.0, -0.2), "ltd": (-5.0, 0.5)}, model="softbounds", increment=0.001, read=0.0005)
    fitted = fit(generate(truth, 1, 20, 100, 3), "exponential")
    window = truth.window.span / fitted.window.span
    trains = select_trains(fitted.table, "ltp")
    assert trains is not None
    tracks = tracks_of([trains.rising(fitted.window)], [fitted.branches["ltp"]])
    found = fit_components(tracks, (0.0005, 0.0003, 200.0, 0.0))
    assert np.isfinite(found.log_likelihood)
    assert found.increment == pytest.approx(0.001 * window, rel=0.15)
    assert found.read == pytest.approx(0.0005 * window, rel=0.25)


def test_the_expected_squares_of_a_variogram_by_hand() -> None:
    """q = 0.5 and rho = 0.3 over two pulses: Q = 1/4, updates leave 1 + 1/4, the rate 0.3 (1 + 1/2)."""
    design, product = _variogram_design(np.full(6, 0.5), np.full(6, 0.3), 2)
    assert product == pytest.approx(np.full(4, 0.25))
    assert design == pytest.approx(np.tile([1.25, 1 + 0.25**2, 0.75**2, 0.45**2], (4, 1)))


def test_the_papers_estimator_is_a_mean_of_deviations_and_not_of_variances() -> None:
    """Two devices that are sqrt(2), 2 sqrt(2) and 3 sqrt(2) apart: sd of 1, 2 and 3."""
    assert _mean_sd(np.sqrt(2.0) * np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])) == pytest.approx(2.0)
