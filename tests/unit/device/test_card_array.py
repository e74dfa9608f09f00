"""The card's contract, and the array that draws devices from it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import CardError, UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.blocks import DeviceRow, Sigma, Window
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.variation import read_sigma
from devicekit.synthetic.pulses import truth_card

THETA = {"ltp": (-4.0, 0.95, 1.3, -6.0, 2.0, 1.0), "ltd": (-3.8, 0.97, 1.2, 5.0, -2.0, 0.6)}


@pytest.fixture
def card() -> DeviceCard:
    return truth_card(THETA, increment=0.01, read=0.02, ln_rate_sd=0.2)


# The card


@given(
    st.floats(1e-9, 1e-3),
    st.floats(1.1, 1e4),
    st.floats(0, 0.3),
    st.tuples(*[st.floats(-5, 1)] * 6),
    st.text(max_size=20),
)
@settings(max_examples=20, deadline=None)
def test_round_trip_is_bit_for_bit(low: float, ratio: float, noise: float, theta: tuple[float, ...], name: str) -> None:
    made = truth_card({"ltp": theta, "ltd": theta}, window=(low, low * ratio), increment=noise, read=noise)
    made = made.model_copy(update={"name": name})
    text = made.to_json()
    again = DeviceCard.from_json(text)
    assert again == made
    assert again.to_json() == text


def test_a_card_is_frozen(card: DeviceCard) -> None:
    with pytest.raises(Exception, match="frozen"):
        card.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(schema_version=4), "schema version 4"),
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c.pop("window"), "window"),
        (lambda c: c["window"].update(low=1.0, high=0.0), "low must be below high"),
        (lambda c: c.update(model="nonsense"), "nonsense"),
        (lambda c: c["ltp"].update(theta=[1.0]), "6 numbers"),
        (lambda c: c["ltp"].update(nrmse=-1.0), "nrmse"),
        (lambda c: c["ltp"].update(nrmse="0.1"), "nrmse"),
        (lambda c: c["variation"]["ltp"]["c2c"]["read"].update(kind="sigma"), "kind"),
        (lambda c: c["ltp"].update(direction="ltd"), "direction"),
    ],
)
def test_wrong_fields_are_refused_by_name(card: DeviceCard, change, message: str) -> None:  # type: ignore[no-untyped-def]
    raw = json.loads(card.to_json())
    change(raw)
    with pytest.raises(CardError) as caught:
        DeviceCard.from_json(json.dumps(raw))
    assert message in str(caught.value)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_number_that_is_not_finite(card: DeviceCard, token: str) -> None:
    text = card.to_json().replace('"low": 2e-05', f'"low": {token}')
    with pytest.raises(CardError):
        DeviceCard.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '"x"', "null", '{"schema_version": true}'])
def test_other_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(CardError):
        load_card(path)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"nothing\.json"):
        load_card(tmp_path / "nothing.json")


def test_window_maps_both_ways() -> None:
    window = Window(quantity="conductance_s", low=1e-5, high=2e-4, scope="test")
    g = np.array([1e-5, 1e-4, 3e-4])
    np.testing.assert_allclose(window.from_state(window.to_state(g)), g)


def test_the_rate_is_total_and_capped(card: DeviceCard) -> None:
    r = np.linspace(0, 1, 101)
    for direction, sign in (("ltp", 1), ("ltd", -1)):
        rate = sign * card.rate(direction, r)
        assert np.isfinite(rate).all()
        assert (rate >= 0).all()
        assert rate.max() <= card.branch(direction).largest_step


# The array


def quiet(card: DeviceCard, n: int = 5, **options: object) -> DeviceArray:
    return DeviceArray(card, n, c2c="none", d2d="none", **options)  # type: ignore[arg-type]


def test_a_pulse_is_one_step_of_the_law(card: DeviceCard) -> None:
    array = quiet(card, 7, initial=np.linspace(0, 1, 7))
    before = array.r.copy()
    array.pulse(+1)
    np.testing.assert_allclose(array.r, np.clip(before + card.rate("ltp", before), 0, 1))
    before = array.r.copy()
    array.pulse(-1)
    np.testing.assert_allclose(array.r, np.clip(before + card.rate("ltd", before), 0, 1))
    assert (array.pulses == 2).all()


def test_only_the_devices_named_are_pulsed(card: DeviceCard) -> None:
    array = quiet(card, 5, initial=0.5)
    array.pulse(np.array([1, -1, 0]), index=np.array([0, 2, 4]))
    assert array.r[0] > 0.5 > array.r[2]
    assert (array.r[[1, 3, 4]] == 0.5).all()
    assert array.pulses.tolist() == [1, 0, 1, 0, 0]


@given(st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=300), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_states_stay_in_the_window(signs: list[int], seed: int) -> None:
    array = DeviceArray(truth_card(THETA, increment=0.2, ln_rate_sd=0.5), 20, seed, d2d="shared", initial=0.5)
    for sign in signs:
        array.pulse(sign)
    assert ((array.r >= 0) & (array.r <= 1)).all()


def test_increments_have_the_cards_standard_deviation(card: DeviceCard) -> None:
    array = DeviceArray(card, 40000, 1, d2d="none", initial=0.5)
    array.pulse(+1)
    assert array.r.std() == pytest.approx(0.01, rel=0.02)
    assert array.r.mean() == pytest.approx(0.5 + float(card.rate("ltp", 0.5)), abs=3e-4)


def test_noise_depends_on_the_device_and_its_pulse_number_alone(card: DeviceCard) -> None:
    together = DeviceArray(card, 6, 9, initial=0.5)
    apart = DeviceArray(card, 6, 9, initial=0.5)
    for _ in range(3):
        together.pulse(+1)
    for device in (5, 1, 0, 4, 2, 3):
        for _ in range(3):
            apart.pulse(+1, index=np.array([device]))
    assert np.array_equal(together.r, apart.r)
    other = DeviceArray(card, 6, 10, initial=0.5)
    other.pulse(+1)
    assert not np.array_equal(other.r, together.r)


def test_devices_are_resampled_with_both_branches_together(card: DeviceCard) -> None:
    rows = tuple(
        DeviceRow(
            device_id=f"d{k}",
            ltp_theta=(THETA["ltp"][0] + k, *THETA["ltp"][1:]),
            ltd_theta=(THETA["ltd"][0] + k, *THETA["ltd"][1:]),
            ltp_largest_step=1.0,
            ltd_largest_step=1.0,
        )
        for k in (-1, 0, 1)
    )
    array = DeviceArray(card.model_copy(update={"devices": rows}), 3000, 2, c2c="none", initial=0.5)
    array.pulse(+1)
    up = array.r - 0.5
    values = np.unique(np.round(up, 12))
    assert values.size == 3
    array.r[:] = 0.5
    array.pulse(-1)
    down = 0.5 - array.r
    assert np.corrcoef(np.log(up), np.log(down))[0, 1] > 0.999
    assert all(abs((np.round(up, 12) == value).mean() - 1 / 3) < 0.04 for value in values)


def test_shared_shape_draws_the_stated_spread(card: DeviceCard) -> None:
    array = DeviceArray(card, 20000, 3, c2c="none", d2d="shared", initial=0.5)
    array.pulse(+1)
    gain = (array.r - 0.5) / float(card.rate("ltp", 0.5))
    assert np.log(gain).std() == pytest.approx(0.2, rel=0.03)
    assert gain.mean() == pytest.approx(1.0, abs=0.01)


def test_read_noise_is_fresh_and_leaves_the_state_alone(card: DeviceCard) -> None:
    array = DeviceArray(card, 5000, 4, initial=0.5, read_noise=True)
    one, two = card.window.to_state(array.read()), card.window.to_state(array.read())
    assert (array.r == 0.5).all()
    assert (one - 0.5).std() == pytest.approx(0.02, rel=0.05)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.05
    assert read_sigma(card) == pytest.approx(0.02)


@pytest.mark.parametrize(
    "bad",
    [
        lambda card: DeviceArray(card, 0),
        lambda card: DeviceArray(card, 3, initial=1.5),
        lambda card: DeviceArray(card, 3, c2c="other"),
        lambda card: DeviceArray(card, 3).pulse(1, index=np.array([3])),
    ],
)
def test_bad_use_is_refused(card: DeviceCard, bad) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError):
        bad(card)


def test_read_noise_of_unlike_branches_is_the_root_of_their_mean_square(card: DeviceCard) -> None:
    """3 and 4 % of the window: sqrt((9 + 16) / 2) %."""
    branches = {
        name: branch.model_copy(update={"c2c": {"read": Sigma(kind="read", value=value, estimator="test")}})
        for name, branch, value in (("ltp", card.variation.ltp, 0.03), ("ltd", card.variation.ltd, 0.04))
    }
    unlike = card.model_copy(update={"variation": card.variation.model_copy(update=branches)})
    assert read_sigma(unlike) == pytest.approx(0.05 / np.sqrt(2.0))
