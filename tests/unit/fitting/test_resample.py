"""Resampled cards: as far apart as the band says, reproducible, usable."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, t

from devicekit.core.errors import UsageError
from devicekit.fitting import condition
from devicekit.fitting.device import fit
from devicekit.fitting.resampling import resampled_cards, resampled_fit, resampled_fits
from devicekit.synthetic.pulses import generate, truth_card

THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}
SOFT = {"ltp": (-4.0, 0.9, 1.0, 0.0, 0.0, 0.0), "ltd": (-4.1, 0.9, 1.0, 0.0, 0.0, 0.0)}  # as the law softbounds has it


def bounds(draws: int) -> np.ndarray:
    """Of the spread of draws over their true sd, which is chi(N - 1) / sqrt(N - 1) for N normal ones.

    For six such spreads (two branches, three states), which chance crosses in one of a thousand tests: 0.49 to 1.58 for
    24 draws, 0.20 to 2.08 for 8.
    """
    found: np.ndarray = np.sqrt(chi2.ppf([0.5e-3 / 6, 1 - 0.5e-3 / 6], draws - 1) / (draws - 1))
    return found


@pytest.mark.parametrize("number", [8, pytest.param(24, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("model", "devices", "cycles", "repeats"),
    [
        ("softbounds", 1, 6, 6),
        pytest.param("softbounds", 6, 1, 6, marks=pytest.mark.slow),
        ("eq2", 1, 1, np.inf),
    ],
    ids=["cycles", "devices", "residuals"],
)
def test_draws_scatter_as_wide_as_the_band(
    model: str, devices: int, cycles: int, repeats: float, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sd of the draws = sqrt(1 - 1/k) times the band's, k the repeats drawn from (a bootstrap divides by k, not k - 1).

    The band's own sd is its half-width over the t quantile of its degrees of freedom.
    """
    card = truth_card(THETA if model == "eq2" else SOFT, increment=0.003, read=0.01, ln_rate_sd=0.05)
    result = fit(generate(card, devices, cycles, 60, 4, conditioning=2), model)
    # to tell the noise of each draw's updates takes most of the time, and its curves do not depend on it
    monkeypatch.setattr(condition, "estimate_variation", lambda *_: result.variation)
    draws = resampled_fits(result, number, seed=1)
    assert all(each.window == result.window for each in draws)
    r = np.array([0.3, 0.5, 0.7])
    for direction, branch in result.branches.items():
        curve = branch.rate_curve(r)
        sd = (np.array(curve.upper) - np.array(curve.lower)) / 2 / t.ppf(0.975, branch.degrees)
        rates = np.array([each.branches[direction].rate(r) for each in draws])
        ratio = rates.std(axis=0, ddof=1) / (sd * np.sqrt(1 - 1 / repeats))
        least, most = bounds(number)
        assert (ratio > least).all(), (direction, ratio)
        assert (ratio < most).all(), (direction, ratio)


@pytest.mark.slow
def test_an_array_of_resampled_devices_differs_from_card_to_card() -> None:
    """The network draws from the card's devices, so they must be the resampled ones."""
    from devicekit.device.array import DeviceArray

    card = truth_card(THETA, increment=0.002, read=0.004, ln_rate_sd=0.2)
    result = fit(generate(card, 5, 2, 40, 4, conditioning=2), "softbounds")
    means = []
    for drawn in (result.to_card("base"), *resampled_cards(result, 3, "x")):
        array = DeviceArray(drawn, 500, 1, c2c="none")
        for _ in range(20):
            array.pulse(+1)
        means.append(float(array.r.mean()))
    assert len({round(mean, 6) for mean in means}) == 4


@pytest.mark.slow
def test_the_same_seed_draws_the_same_cards() -> None:
    result = fit(generate(truth_card(THETA), 1, 6, 60, 4, conditioning=2))
    one, two = (resampled_cards(result, 3, "x", seed=5) for _ in range(2))
    assert one == two
    assert [card.name for card in one] == ["x_r001", "x_r002", "x_r003"]
    assert one != resampled_cards(result, 3, "x", seed=6)


def test_a_draw_does_not_depend_on_the_others() -> None:
    result = fit(generate(truth_card(THETA), 1, 6, 60, 4, conditioning=2))
    third = resampled_fits(result, 3, seed=5)[2]
    alone = resampled_fit(result, 3, seed=5)
    assert alone.to_card("x") == third.to_card("x")


def test_bad_counts_are_refused() -> None:
    result = fit(generate(truth_card(THETA), 1, 6, 60, 4, conditioning=2))
    with pytest.raises(UsageError):
        resampled_fits(result, 0)
