"""Devices that forget, against a plain recursion and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Term, Volatile
from devicekit.models import relaxation
from devicekit.synthetic.pulses import generate, truth_card

LAW = {"ltp": (-4.0, 0.95), "ltd": (-3.8, 0.9)}


def forgetful(kept: float, *terms: tuple[float, float], card: DeviceCard | None = None) -> DeviceCard:
    """A card whose device keeps that share of a step; terms are (tau, share) of the rest."""
    block = Volatile(
        source="made",
        kernel="exponential",
        parameters={"tau_s": terms[0][0]},
        persistent_share=kept,
        terms=tuple(Term(tau_s=tau, share=share) for tau, share in terms),
        terms_error=0.0,
        n=0,
    )
    return (card or truth_card(LAW, model="softbounds", increment=0.01)).with_blocks({"volatile": block})


def linear(step: float) -> DeviceCard:
    """Every LTP and LTD pulse moves the state by `step`, without noise."""
    return truth_card({"ltp": (math.log(step),), "ltd": (math.log(step),)}, model="linear", increment=0.0, read=0.0)


def test_one_pulse_decays_to_its_persistent_part() -> None:
    card = forgetful(0.3, (1.0, 0.75), (20.0, 0.25), card=linear(0.2))
    array = DeviceArray(card, 1, initial=0.4)
    still = DeviceArray(card, 1, initial=0.4)
    for each in (array, still):
        each.pulse(1, time_s=5.0)
    assert array.r[0] == pytest.approx(0.6)
    for t in (0.1, 1.0, 7.0, 70.0, 1e5):
        left = 0.75 * math.exp(-t) + 0.25 * math.exp(-t / 20.0)
        expected = 0.4 + 0.2 * (0.3 + 0.7 * left)
        assert still.states_after(t)[0] == pytest.approx(expected, abs=1e-12)
        assert card.window.to_state(array.read(time_s=5.0 + t))[0] == pytest.approx(expected, abs=1e-12)
    assert array.time_s == 5.0 + 1e5


@pytest.mark.parametrize("period", [0.05, 0.4, 3.0])
def test_a_train_settles_where_the_closed_form_says(period: float) -> None:
    """Before a pulse a / (e^(1/(f tau)) - 1), after it a / (1 - e^(-1/(f tau)))."""
    step, tau = 0.001, 0.7
    array = DeviceArray(forgetful(0.0, (tau, 1.0), card=linear(step)), 1, initial=0.2)
    for n in range(400):
        array.pulse(1, time_s=period * (n + 1))
    after = array.r[0] - 0.2
    assert after == pytest.approx(step / (1.0 - math.exp(-period / tau)), rel=1e-9)
    assert array.states_after(period)[0] - 0.2 == pytest.approx(step / (math.exp(period / tau) - 1.0), rel=1e-9)


def test_paired_pulses_add_up_as_published() -> None:
    """A2 / A1 from the original baseline: 1 + (a_nv + a_v K(dt)) / (a_nv + a_v)."""
    card = forgetful(0.25, (0.1, 1.0), card=linear(0.05))
    for interval in (0.01, 0.1, 1.0):
        array = DeviceArray(card, 1, initial=0.5)
        array.pulse(1, time_s=0.0)
        array.pulse(1, time_s=interval)
        ratio = (array.r[0] - 0.5) / 0.05
        assert ratio == pytest.approx(1.0 + 0.25 + 0.75 * math.exp(-interval / 0.1), abs=1e-12)


@pytest.mark.parametrize("c2c", ["none", "increment"])
def test_random_pulses_follow_the_recursion(c2c: str) -> None:
    """Every device by itself: a persistent part and terms, each decaying from pulse to pulse."""
    card = forgetful(0.4, (0.3, 0.5), (4.0, 0.3), (60.0, 0.2))
    rng, n = np.random.default_rng(3), 5
    array = DeviceArray(card, n, 7, initial=0.5, c2c=c2c)  # type: ignore[arg-type]
    free = DeviceArray(card, n, 7, initial=0.5, c2c=c2c)  # type: ignore[arg-type]
    free.fading = None  # the same device, that does not forget
    p, v, t = np.full(n, 0.5), np.zeros((n, 3)), 0.0
    taus = np.array([0.3, 4.0, 60.0])
    for _ in range(400):
        wait = float(rng.choice([0.0, 0.01, 1.0, 30.0, 500.0], p=[0.3, 0.3, 0.3, 0.08, 0.02]))
        t += wait
        k, sign = int(rng.integers(n)), int(rng.choice([1, 1, -1]))
        v *= np.exp(-wait / taus)
        before = p + v.sum(axis=1)
        free.r[:] = np.clip(before, 0.0, 1.0)  # put where the recursion is
        free.pulse(sign, np.array([k]))
        change = free.r[k] - before[k]
        p[k] += 0.4 * change
        v[k] += 0.6 * np.array([0.5, 0.3, 0.2]) * change
        array.pulse(sign, np.array([k]), time_s=t)
        np.testing.assert_allclose(array.r, p + v.sum(axis=1), atol=1e-11)
    assert array.pulses.sum() == 400


@settings(max_examples=25, deadline=None)
@given(
    kept=st.floats(0.0, 0.9),
    shares=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_no_state_leaves_the_window_by_forgetting(kept: float, shares: list[float], seed: int) -> None:
    """Pulses so large that they hit both ends; the parts add up to a state within 0..1 at all later times."""
    total = sum(shares)
    card = forgetful(kept, *[(10.0**m, share / total) for m, share in enumerate(shares)], card=linear(0.7))
    array, rng = DeviceArray(card, 1, initial=float(seed % 3) / 2), np.random.default_rng(seed)
    t = 0.0
    for _ in range(30):
        t += float(10.0 ** rng.uniform(-1, 4))
        array.pulse(int(rng.choice([1, -1])), time_s=t)
        f = array.fading
        assert f is not None
        for ahead in (0.0, 0.3, 3.0, 30.0, 3000.0):
            state = float((f.persistent + f.parts @ (f.factor * np.exp(-ahead / f.tau_s)))[0])
            assert -1e-9 <= state <= 1 + 1e-9


def test_clipped_changes_are_in_no_part() -> None:
    array = DeviceArray(forgetful(0.5, (1.0, 1.0), card=linear(0.4)), 1, initial=0.8)
    array.pulse(1, time_s=0.0)  # 0.4 wanted, 0.2 done
    assert array.r[0] == 1.0
    assert array.states_after(1e3)[0] == pytest.approx(0.9)
    array.pulse(1, time_s=0.0)  # nothing done
    assert array.states_after(1e3)[0] == pytest.approx(0.9)


def test_the_scatter_of_an_update_is_part_of_its_step() -> None:
    """Half of the variance that updates add is forgotten in amplitude: sd kept sigma, long after one pulse."""
    card = truth_card({"ltp": (math.log(0.1),), "ltd": (math.log(0.1),)}, model="linear", increment=0.05, read=0.0)
    array = DeviceArray(forgetful(0.25, (1.0, 1.0), card=card), 20000, 1, initial=0.4)
    array.pulse(1, time_s=0.0)
    assert (array.r - 0.4).std() == pytest.approx(0.05, rel=0.03)
    assert (array.states_after(1e3) - 0.4).std() == pytest.approx(0.25 * 0.05, rel=0.03)
    assert (array.states_after(1e3) - 0.4).mean() == pytest.approx(0.25 * 0.1, rel=0.03)


def test_a_card_that_forgets_nothing_takes_times_and_gives_the_same_bits() -> None:
    plain = truth_card(LAW, model="softbounds", increment=0.01, read=0.02)
    keeps = forgetful(1.0, (1.0, 1.0), card=plain)
    still = forgetful(0.2, (1.0, 1.0), card=plain)  # forgets, but no time passes
    arrays = [DeviceArray(each, 30, 5, read_noise=True) for each in (plain, plain, keeps, still)]
    for n in range(80):
        for array, timed in zip(arrays, (False, True, True, False), strict=True):
            array.pulse(1 if n % 3 else -1, time_s=0.1 * n if timed else None)
        reads = [
            array.read(time_s=0.1 * n + 0.05 if t else None) for array, t in zip(arrays, (0, 1, 1, 0), strict=True)
        ]
        for other in reads[1:]:
            np.testing.assert_array_equal(reads[0], other)
    assert (arrays[1].time_s, arrays[0].time_s) == (pytest.approx(7.95), 0.0)


def test_times_do_not_go_back() -> None:
    for card in (truth_card(LAW, model="softbounds"), forgetful(0.2, (1.0, 1.0))):
        array = DeviceArray(card, 2)
        array.pulse(1, time_s=1.0)
        array.read(time_s=1.0)
        for wrong in (0.5, math.nan, math.inf, -1.0):
            with pytest.raises(UsageError, match="time_s"):
                array.pulse(1, time_s=wrong)
            with pytest.raises(UsageError, match="time_s"):
                array.read(time_s=wrong)
        assert array.pulses.tolist() == [1, 1]


def test_programming_is_forgotten_as_pulses_are() -> None:
    array = DeviceArray(forgetful(0.25, (2.0, 1.0)), 4, initial=0.5)
    array.set_states(np.array([0.1, 0.9]), np.array([1, 3]))
    np.testing.assert_allclose(array.r, [0.5, 0.1, 0.5, 0.9])
    np.testing.assert_allclose(array.states_after(1e4), [0.5, 0.4, 0.5, 0.6])
    with pytest.raises(UsageError, match="0 to 1"):
        array.set_states(np.array([1.1]), np.array([0]))


def test_a_kernel_is_followed_by_its_terms() -> None:
    """A stretched kernel on the card: its sum of exponentials is what decays, to its stated error."""
    sum_of = relaxation.terms("stretched", tau_s=1.0, beta=0.6)
    card = forgetful(0.0, *zip(sum_of.tau_s, sum_of.share, strict=True), card=linear(0.5))
    array = DeviceArray(card, 1)
    array.pulse(1)
    for t in np.logspace(-2, 1.5, 20):
        wanted = 0.5 * float(relaxation.kernel("stretched", t, tau_s=1.0, beta=0.6))
        assert array.states_after(float(t))[0] == pytest.approx(wanted, abs=0.5 * sum_of.error + 1e-9)


def test_trains_of_a_volatile_card_depend_on_period_and_delay() -> None:
    card = forgetful(0.2, (1.0, 1.0), card=truth_card(LAW, model="softbounds", increment=0.0, read=0.0))
    plain = generate(card, 2, 1, 30, 1).frame
    np.testing.assert_array_equal(plain, generate(card, 2, 1, 30, 1, pulse_period_s=0.0).frame)
    slow = generate(card, 2, 1, 30, 1, pulse_period_s=5.0).frame
    late = generate(card, 2, 1, 30, 1, pulse_period_s=5.0, read_delay_s=4.0).frame
    ltp = plain["direction"] == "ltp"
    tops = [each.loc[ltp, "conductance_s"].max() for each in (plain, slow, late)]
    assert tops[0] > tops[1] > tops[2]
    for wrong in ({"pulse_period_s": -1.0}, {"pulse_period_s": 1.0, "read_delay_s": 2.0}, {"read_delay_s": 1.0}):
        with pytest.raises(UsageError, match="_s"):
            generate(card, 2, 1, 3, 1, **wrong)
