"""Two levels of telegraph noise: criteria by their sums, shares of time by the chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.features.noise import telegraph as rtn
from devicekit.features.noise import twostate
from devicekit.features.noise.twostate import Chain

CHAIN = Chain(low=-0.5, high=1.5, slope=0.4, sd=0.6, up=0.05, down=0.2)  # a fifth of the time above


def jumping(n: int, low: int, high: int) -> np.ndarray:
    """On the lower level for `low` readings, on the upper for `high`, and so on, with a ripple of 0.3."""
    above = np.arange(n) % (low + high) >= low
    return np.asarray(np.where(above, 1.5, -0.5) + 0.3 * np.cos(5.0 * np.arange(n) ** 2))


def test_two_levels_in_no_order_are_a_mixture_of_five_parameters() -> None:
    """Levels, trend, noise and a share; -2 ln likelihood without ln 2 pi, of the readings after the sixteenth."""
    t = np.linspace(-0.5, 0.5, 120)
    y = jumping(120, 20, 5) + 0.4 * t
    rest = (y - 0.4 * t)[16:]
    density = 0.8 * np.exp(-0.5 * ((rest + 0.5) / 0.6) ** 2) + 0.2 * np.exp(-0.5 * ((rest - 1.5) / 0.6) ** 2)
    expected = -2 * np.log(density / 0.6).sum() + 5 * np.log(104)
    assert rtn._mixture_bic(y, t, CHAIN) == pytest.approx(expected, rel=1e-12)


def test_two_levels_in_order_have_a_parameter_more() -> None:
    """With a chance to jump that forgets the level before, order is worth nothing: ln n more, no better."""
    t = np.linspace(-0.5, 0.5, 120)
    y = jumping(120, 20, 5)
    forgets = replace(CHAIN, up=0.2, down=0.8)
    assert rtn._bic(y, t, forgets) - rtn._mixture_bic(y, t, CHAIN) == pytest.approx(np.log(104), rel=1e-9)


@pytest.mark.parametrize("kind", ["white", "trend", "bend", "memory"])
def test_one_level_has_the_least_criterion_over_trends_and_memories(kind: str) -> None:
    """n ln s^2 + n + (coefficients + 1) ln n, each by a least-squares fit of its own."""
    white = np.random.default_rng(1).standard_normal(400)
    t = np.linspace(-0.5, 0.5, 400)
    more = {"white": 0.0 * t, "trend": 3.0 * t, "bend": 12.0 * t * t, "memory": np.append(0.0, 0.8 * white[:-1])}
    y = white + more[kind]
    found = []
    for degree in (0, 1, 2):
        for order in (0, 1, 2, 4, 8, 16):
            x = np.column_stack(
                [np.vander(t[16:], degree + 1), *(y[16 - lag : 400 - lag] for lag in range(1, order + 1))]
            )
            rest = y[16:] - x @ np.linalg.lstsq(x, y[16:], rcond=None)[0]
            found.append(384 * np.log((rest**2).mean()) + 384 + (degree + 1 + order + 1) * np.log(384))
    assert rtn._one_level_bic(y, t) == pytest.approx(min(found), rel=1e-9)


def test_each_level_has_its_share_of_the_time_its_dwell_and_its_interval() -> None:
    """20 readings below, 5 above: the lower level has b / (a + b) of the time, and dwells that are longer."""
    y = jumping(1000, 20, 5)
    low, high = rtn.dwells(y, replace(CHAIN, slope=0.0), 1e-3)
    assert (low.level, high.level) == (-0.5, 1.5)
    assert (low.share, high.share) == pytest.approx((0.8, 0.2))
    rates, worth = twostate.peak(y, replace(CHAIN, slope=0.0)) or ((0, 0), (0, 0))
    assert (low.samples, high.samples) == pytest.approx((1 / rates[0], 1 / rates[1]))
    assert (low.samples, high.samples) == pytest.approx((20, 5), rel=0.15)
    assert (low.mean.value, high.mean.value) == pytest.approx((1e-3 / rates[0], 1e-3 / rates[1]))
    assert (low.dwells, high.dwells) == pytest.approx(worth)
    assert (low.dwells, high.dwells) == pytest.approx((40, 40), rel=0.15)  # of each, seen in the record
    assert low.mean.ends == pytest.approx(rtn.interval(1e-3 / rates[0], worth[0]))


def test_a_record_with_few_jumps_has_the_shares_of_its_path() -> None:
    y = jumping(320, 64, 16) + 4.0 * (np.arange(320) % 80 >= 64)  # seven jumps
    y = y[:312]
    found = rtn.find(np.arange(312) * 1e-3, y)
    assert found.verdict == "jumps"
    assert found.low is not None
    assert found.high is not None
    above = 3 * 16 + 8
    assert (found.low.share, found.high.share) == pytest.approx((1 - above / 312, above / 312))
