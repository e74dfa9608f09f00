"""Resampled cards: as far apart as the band says, reproducible, usable."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.errors import UsageError
from devicekit.fitting.device import fit
from devicekit.fitting.resampling import resampled_cards, resampled_fit, resampled_fits
from devicekit.synthetic.pulses import generate, truth_card

THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}


@pytest.mark.parametrize(("devices", "cycles"), [(1, 12), (6, 2), (1, 1)])
def test_draws_scatter_as_wide_as_the_band(devices: int, cycles: int) -> None:
    card = truth_card(THETA, increment=0.003, read=0.01, ln_rate_sd=0.05)
    result = fit(generate(card, devices, cycles, 100, 4, conditioning=2))
    draws = resampled_fits(result, 40, seed=1)
    r = np.array([0.3, 0.5, 0.7])
    for direction, branch in result.branches.items():
        curve = branch.rate_curve(r)
        half = (np.array(curve.upper) - np.array(curve.lower)) / 2
        rates = np.array([each.branches[direction].rate(r) for each in draws])
        ratio = 2 * rates.std(axis=0) / half
        assert (ratio > 0.3).all()
        assert (ratio < 2.0).all()
        assert all(each.window == result.window for each in draws)


def test_an_array_of_resampled_devices_differs_from_card_to_card() -> None:
    """The network draws from the card's devices, so they must be the resampled ones."""
    from devicekit.device.array import DeviceArray

    card = truth_card(THETA, increment=0.002, read=0.004, ln_rate_sd=0.2)
    result = fit(generate(card, 5, 2, 100, 4, conditioning=2))
    means = []
    for drawn in (result.to_card("base"), *resampled_cards(result, 3, "x")):
        array = DeviceArray(drawn, 500, 1, c2c="none")
        for _ in range(20):
            array.pulse(+1)
        means.append(float(array.r.mean()))
    assert len({round(mean, 6) for mean in means}) == 4


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
