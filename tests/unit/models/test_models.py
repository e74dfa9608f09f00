"""Eq. (2): gauges, the affine map, totality, and the compiled kernel against the published form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import UsageError
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.models.laws.eq2 import Eq2
from devicekit.models.registry import LAWS, get_law

SHAPES = st.tuples(
    st.floats(-6, 0),  # L
    st.floats(-20, 1.2),  # kappa
    st.floats(-2, 5),  # d
    st.floats(-30, 30),  # f
    st.floats(-12, 12),  # g
    st.floats(-4, 4),  # h
)
STATES = np.linspace(0.02, 0.78, 9)  # kappa <= 1.2 keeps the base positive here


@given(SHAPES, st.sampled_from(["ltp", "ltd"]))
@settings(max_examples=200, deadline=None)
def test_kernel_agrees_with_the_published_form(theta: tuple[float, ...], direction: str) -> None:
    law = Eq2.from_internal(np.array(theta), direction)
    r = STATES if direction == "ltp" else 1 - STATES
    steps = kernel.rates(EQ2.id, np.array(theta), STATES)
    small = np.log(steps) < kernel.LARGEST_LOG_RATE - 1e-6
    sign = 1 if direction == "ltp" else -1
    np.testing.assert_allclose(sign * law.rate(r)[small], steps[small], rtol=1e-9)


@given(SHAPES, st.floats(0.1, 10), st.floats(0.1, 10))
@settings(max_examples=100, deadline=None)
def test_the_two_gauges_leave_the_rate_unchanged(theta: tuple[float, ...], lam: float, mu: float) -> None:
    law = Eq2.from_internal(np.array(theta), "ltp")
    one = replace(law, b=lam * law.b, c=lam * law.c, a=law.a * lam**-law.d)
    two = replace(law, i=mu * law.i, g=law.g + np.log(mu), a=law.a * mu**law.h)
    np.testing.assert_allclose(one.rate(STATES), law.rate(STATES), rtol=1e-9)
    np.testing.assert_allclose(two.rate(STATES), law.rate(STATES), rtol=1e-9)


@given(SHAPES, st.floats(1e-6, 1e-3), st.floats(-1e-4, 1e-3))
@settings(max_examples=100, deadline=None)
def test_the_affine_map_to_siemens_is_exact(theta: tuple[float, ...], scale: float, offset: float) -> None:
    law = Eq2.from_internal(np.array(theta), "ltp")
    siemens = law.rescaled(scale, offset)
    np.testing.assert_allclose(siemens.rate(scale * STATES + offset), scale * law.rate(STATES), rtol=1e-7)
    back = siemens.rescaled(1 / scale, -offset / scale)
    np.testing.assert_allclose(back.rate(STATES), law.rate(STATES), rtol=1e-7)


@given(SHAPES, st.floats(-3, 4))
@settings(max_examples=300, deadline=None)
def test_the_rate_is_total(theta: tuple[float, ...], x: float) -> None:
    step = kernel.rates(EQ2.id, np.array(theta), np.array([x]))
    assert np.isfinite(step).all()
    assert (step >= 0).all()
    assert np.isfinite(Eq2.from_internal(np.array(theta), "ltd").rate(x))


def test_a_saturated_device_does_not_move() -> None:
    theta = np.array([-3.0, 1.0, 1.5, 0.0, 0.0, 0.0])
    assert kernel.rates(EQ2.id, theta, np.array([1.0, 1.5]))[0] == 0.0


@given(SHAPES)
@settings(max_examples=100, deadline=None)
def test_sensitivities_agree_with_central_differences(theta: tuple[float, ...]) -> None:
    given_theta = np.array(theta)
    states, sensitivities = np.empty(31), np.empty((31, 7))
    kernel.simulate_with_sensitivities(EQ2.id, given_theta, 0.05, states, sensitivities)
    steps = np.diff(states)
    up, down = (kernel.rates(EQ2.id, given_theta, states + shift) for shift in (1e-6, -1e-6))
    slope = 1 + (up - down) / 2e-6
    if states.max() > 0.75 or steps.max() > 0.2 or slope.min() < kernel.SMALLEST_SLOPE:
        return  # clipped on purpose there; the derivative is that of the clip
    assert np.array_equal(states, kernel.simulate(EQ2.id, given_theta, 0.05, 30))
    for j in range(7):
        shift = 1e-5
        ends = []
        for sign in (1, -1):
            moved, start = given_theta.copy(), 0.05
            if j < 6:
                moved[j] += sign * shift
            else:
                start += sign * shift
            ends.append(kernel.simulate(EQ2.id, moved, start, 30))
        numerical = (ends[0] - ends[1]) / (2 * shift)
        np.testing.assert_allclose(sensitivities[:, j], numerical, rtol=2e-5, atol=2e-7)


def test_rate_gradients_agree_with_central_differences() -> None:
    theta = np.array([-3.5, 0.9, 1.3, -6.0, 2.0, 1.0])
    gradients = kernel.rate_gradients(EQ2.id, theta, STATES)
    for j in range(6):
        up, down = theta.copy(), theta.copy()
        up[j] += 1e-6
        down[j] -= 1e-6
        numerical = (kernel.rates(EQ2.id, up, STATES) - kernel.rates(EQ2.id, down, STATES)) / 2e-6
        np.testing.assert_allclose(gradients[:, j], numerical, rtol=1e-7, atol=1e-11)


def test_known_rate_by_hand() -> None:
    law = Eq2(a=0.05, b=1.02, c=1.0, d=1.5, f=2.0, g=-2.0, h=1.0, i=1.0)
    r = 0.3
    assert law.rate(r) == pytest.approx(0.05 * (1.02 - r) ** 1.5 / (1 + np.exp(2 * r - 2)))


def test_an_unknown_law_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="eq2"):
        get_law("nonsense")


def test_the_help_offers_the_laws_that_there_are():
    from devicekit.models import law_names

    assert list(LAWS) == law_names()
