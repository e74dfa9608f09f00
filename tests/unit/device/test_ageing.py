"""Drift and jumps: closed forms, moments of what is drawn, both sides of every refusal."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.ageing import BOLTZMANN_EV, Drift, Telegraph, normals, static_error
from devicekit.device.blocks import Window
from devicekit.device.horizon import refusal_reason
from devicekit.device.measured import Retention, RetentionState
from devicekit.features.merits import retention
from devicekit.tables import RetentionTable

WINDOW = Window(quantity="conductance_s", low=1e-5, high=3e-5, scope="made")
T_23 = 2.0687  # 97.5 % quantile of Student's t, 23 degrees of freedom, of a printed table


def state(nu: float, se: float | None = 0.0, **more: object) -> RetentionState:
    """25 readings from 1 s to 1e4 s."""
    facts = {"device_id": "d1", "level": "a", "n": 25, "first_s": 1.0, "last_s": 1e4, "g_1s": 1e-5, "noise": 0.01}
    interval = None if se is None else (nu - T_23 * se, nu + T_23 * se)
    return RetentionState(**{**facts, "nu": nu, "nu_interval": interval, **more})  # type: ignore[arg-type]


def block(*states: RetentionState) -> Retention:
    return Retention(source="made", states=states)


def test_a_device_loses_by_the_power_law() -> None:
    law = Drift(0.1, 0.0, t0_s=2.0)
    np.testing.assert_allclose(law.age(np.array([1e-5, 4e-5]), 2048.0, 0), np.array([1e-5, 4e-5]) / 2.0, rtol=1e-12)
    assert law.gain(2048.0) == pytest.approx(0.5)
    np.testing.assert_array_equal(law.age(np.array([1e-5]), 2.0, 0), [1e-5])


def test_exponents_are_each_device_s_own_whatever_their_number() -> None:
    law = Drift(0.02, 0.01)
    many = law.exponents(20_000, 7)
    np.testing.assert_array_equal(many[:100], law.exponents(100, 7))
    assert many.mean() == pytest.approx(0.02, abs=4 * 0.01 / 20_000**0.5)
    assert many.std() == pytest.approx(0.01, rel=4 / 40_000**0.5)
    assert abs(np.corrcoef(many, law.exponents(20_000, 7, draw=1))[0, 1]) < 0.03
    assert abs(np.corrcoef(many, law.exponents(20_000, 8))[0, 1]) < 0.03
    grid = np.full((4, 5), 1e-5)
    np.testing.assert_array_equal(law.age(grid, 10.0, 7).ravel(), law.age(grid.ravel(), 10.0, 7))


def test_a_normal_s_tails() -> None:
    drawn = np.abs(normals(100_000, 3))
    for at, outside in ((1.0, 0.31731), (2.0, 0.04550), (3.0, 0.00270)):
        assert np.mean(drawn > at) == pytest.approx(outside, abs=4 * (outside / 1e5) ** 0.5)


def test_the_error_of_estimation_is_taken_off_the_spread() -> None:
    nus = (0.01, 0.02, 0.03)  # variance 1e-4
    exact = Drift.from_retention(block(*(state(nu) for nu in nus)))
    assert (exact.nu, exact.nu_sd) == (pytest.approx(0.02), pytest.approx(0.01))
    rough = Drift.from_retention(block(*(state(nu, 0.006) for nu in nus)))
    assert rough.nu_sd == pytest.approx((1e-4 - 3.6e-5) ** 0.5, rel=1e-4)
    nothing = Drift.from_retention(block(*(state(nu, 0.011) for nu in nus)))
    assert nothing.nu_sd == 0.0
    # chi-squared of 2 degrees of freedom: -2 ln(1 - q)
    low, high = exact.nu_sd_interval or (0.0, 0.0)
    assert low == pytest.approx((2e-4 / (-2 * math.log(0.025))) ** 0.5)
    assert high == pytest.approx((2e-4 / (-2 * math.log(0.975))) ** 0.5)
    assert "one device" in exact.source


def test_states_of_one_name_on_several_devices_give_the_spread_over_devices() -> None:
    nus = {("d1", "a"): 0.01, ("d2", "a"): 0.03, ("d1", "b"): 0.11, ("d2", "b"): 0.13}
    found = Drift.from_retention(block(*(state(nu, device_id=d, level=of) for (d, of), nu in nus.items())))
    assert found.nu_sd == pytest.approx((4e-4 / 2) ** 0.5)
    assert found.nu == pytest.approx(0.07)
    assert "2 devices" in found.source
    assert Drift.from_retention(
        block(*(state(nu, device_id=d, level=of) for (d, of), nu in nus.items())), level="a"
    ).nu == (pytest.approx(0.02))


def test_missing_exponents_are_refused() -> None:
    with pytest.raises(UsageError, match="nu_sd="):
        Drift.from_retention(block(state(0.02)))
    assert Drift.from_retention(block(state(0.02)), nu_sd=0.004).nu_sd == 0.004
    with pytest.raises(UsageError, match="interval"):
        Drift.from_retention(block(state(0.02, None), state(0.03, None)))
    with pytest.raises(UsageError, match="lrs"):
        Drift.from_retention(block(state(0.02)), level="lrs")
    drift = Drift.from_retention(block(state(0.02), state(0.04), state(0.5, None)))
    assert drift.nu == pytest.approx(0.03)


@pytest.mark.parametrize(("first", "fine"), [(10.1, False), (9.9, True)])
def test_beyond_the_data_only_where_retention_itself_goes(first: float, fine: bool) -> None:
    """2.996 and 3.004 decades to 1e4 s; the same rule, in the same words."""
    law = Drift.from_retention(block(state(0.01, first_s=first), state(0.02, first_s=first)))
    assert law.logarithm(1e4) == pytest.approx(math.log(1e4 / first))
    t = np.geomspace(first, 1e4, 20)
    frame = pd.DataFrame({"device_id": "d", "level": "a", "time_s": t, "conductance_s": 1e-5 * t**-0.01})
    own = retention.characterize(RetentionTable(frame), horizon=1.1e4).states[0].refusal
    if fine:
        assert law.logarithm(1.1e4) == pytest.approx(math.log(1.1e4 / first))
        assert own is None
        assert law.extrapolation(1.1e4) == pytest.approx(1.1)
        assert "1.1 times" in law.describe(1.1e4)
        assert "times" not in law.describe(1e4)
    else:
        assert own is not None
        with pytest.raises(UsageError, match=own):
            law.logarithm(1.1e4)
    assert (
        refusal_reason(2.99, 2.0, 1.0) is None,
        refusal_reason(3.0, 2.0, 1.0) is None,
        refusal_reason(0.1, 1.0, 1.0) is None,
    ) == (
        False,
        True,
        True,
    )


def test_times_before_t0_are_refused() -> None:
    law = Drift.from_retention(block(state(0.01, first_s=2.0), state(0.02)))
    assert (law.t0_s, law.measured_s) == (2.0, 1e4)
    with pytest.raises(UsageError, match="before 2 s"):
        law.logarithm(1.9)
    for wrong in ({"nu": math.nan, "nu_sd": 0.0}, {"nu": 0.1, "nu_sd": -0.1}, {"nu": 0.1, "nu_sd": 0.1, "t0_s": 0.0}):
        with pytest.raises(UsageError):
            Drift(**wrong)


def test_another_temperature_needs_an_activation_energy() -> None:
    hot = block(*(state(nu, temperature_k=400.0) for nu in (0.01, 0.02)))
    assert Drift.from_retention(hot, temperature_k=400.5).acceleration == 1.0
    with pytest.raises(UsageError, match="activation energy"):
        Drift.from_retention(hot, temperature_k=300.0)
    with pytest.raises(UsageError, match="temperature"):
        Drift.from_retention(block(state(0.01), state(0.02)), temperature_k=300.0)
    line = SimpleNamespace(level="a", activation_energy_ev=BOLTZMANN_EV * 1200.0 * math.log(8.0))
    for arrhenius in (line, (line,)):  # 1/300 - 1/400 is 1/1200: time runs 8 times slower in use
        changed = hot.model_copy(update={"arrhenius": arrhenius})
        law = Drift.from_retention(changed, temperature_k=300.0)
        assert law.acceleration == pytest.approx(8.0)
        assert (law.t0_s, law.measured_s) == (pytest.approx(8.0), pytest.approx(8e4))
        assert law.gain(8e3) == pytest.approx(Drift.from_retention(hot).gain(1e3))
    for more, says in (
        ({"refusal": "the line is bent"}, "the line is bent"),
        ({"life_k": 301.1}, "holds from 301.1"),
        ({"highest_k": 298.9}, "to 298.9 K"),
    ):
        changed = hot.model_copy(update={"arrhenius": (SimpleNamespace(**vars(line), **more),)})
        with pytest.raises(UsageError, match=says):
            Drift.from_retention(changed, temperature_k=300.0)
    for more in ({"refusal": None, "life_k": 300.9}, {"highest_k": 299.1}):
        changed = hot.model_copy(update={"arrhenius": (SimpleNamespace(**vars(line), **more),)})
        assert Drift.from_retention(changed, temperature_k=300.0).acceleration == pytest.approx(8.0)
    several = hot.model_copy(update={"arrhenius": (line, SimpleNamespace(level="b", activation_energy_ev=1.0))})
    with pytest.raises(UsageError, match="level="):
        Drift.from_retention(several, temperature_k=300.0)
    assert Drift.from_retention(several, level="a", temperature_k=300.0).acceleration == pytest.approx(8.0)


def test_states_of_several_temperatures_are_not_mixed() -> None:
    both = block(*(state(nu, temperature_k=t) for t, nu in ((300.0, 0.01), (300.0, 0.02), (400.0, 0.1), (400.0, 0.3))))
    with pytest.raises(UsageError, match="300 K, 400 K"):
        Drift.from_retention(both)
    assert Drift.from_retention(both, temperature_k=300.0).nu == pytest.approx(0.015)
    assert Drift.from_retention(both, temperature_k=400.0).nu == pytest.approx(0.2)


@pytest.mark.parametrize("law", [Drift(0.0, 0.005), Drift(0.1, 0.02), Drift(-0.05, 0.05)])
def test_static_error_is_the_deviation_of_drawn_devices(law: Drift) -> None:
    """With the common gain put right, of 200,000 devices in the same state: sd of the state."""
    g = np.full(200_000, 2.4e-5)
    aged = law.age(g, 1e4, 5)
    drawn = WINDOW.to_state(aged / law.gain(1e4)).std()
    assert aged.mean() / 2.4e-5 == pytest.approx(law.gain(1e4), rel=0.005)
    assert static_error(law, g, WINDOW, 1e4) == pytest.approx(drawn, rel=0.02)
    assert static_error(Drift(0.1, 0.001), g, WINDOW, 1e4) == pytest.approx(0.001 * math.log(1e4) * 1.2, rel=1e-4)
    mixed = np.array([1e-5, 3e-5])
    assert static_error(Drift(0.1, 0.001), mixed, WINDOW, math.e) == pytest.approx(0.001 * 5**0.5 / 2, rel=1e-6)


def test_weights_do_not_drift() -> None:
    with pytest.raises(UsageError, match="weights, not conductances"):
        static_error(Drift(0.1, 0.1), np.ones(2), Window(quantity="weight", low=0.0, high=1.0, scope="made"), 10.0)


@pytest.mark.parametrize(
    ("tau", "regime"),
    [(0.99e-3, "fresh"), (1.01e-3, "held"), (0.05, "held"), (89.0, "held"), (91.0, "static"), (math.inf, "static")],
)
def test_how_jumps_are_drawn_goes_by_their_dwell_time(tau: float, regime: str) -> None:
    assert Telegraph(0.1, tau).regime(0.05, 90.0) == regime
    with pytest.raises(UsageError):
        Telegraph(0.1, tau).regime(1.0, 0.5)


def test_a_jumping_device_is_at_either_level_equally_often() -> None:
    drawn = Telegraph(0.1, 1.0).levels(10_000, 3)
    assert set(np.unique(drawn)) == {-0.1, 0.1}
    assert abs(drawn.mean()) < 4 * 0.1 / 100
    np.testing.assert_array_equal(drawn[:50], Telegraph(0.1, 1.0).levels(50, 3))
    assert 0.45 < np.mean(drawn == Telegraph(0.1, 1.0).levels(10_000, 3, draw=1)) < 0.55
