"""Laws as text: every form against the kernel's own rates, read by plain Python; tables; variation by hand."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import DeviceRow, Window
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, lawtext
from devicekit.models.registry import LAWS as REGISTRY
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, shipped


def python_rate(law: lawtext.LawNumbers, direction: str, row: int, x: float) -> float:
    """The text of a form, evaluated by the standard library at one x."""
    assert law.form is not None
    names: dict[str, Any] = {
        "exp": math.exp, "log": math.log, "log1p": math.log1p, "abs": abs,
        "clip": lambda value, low, high: min(max(value, low), high), "x": x,
    }  # fmt: skip
    k, *shape, cap = law.rows[direction][row]
    names |= {"k": k, **dict(zip(law.form.parameters, shape, strict=True))}
    for line in lawtext.assignments(law.form, lambda expression: expression):
        exec(line, names)
    return min(names["rate"], cap)


def test_every_builtin_law_has_a_form() -> None:
    assert set(lawtext.FORMS) == set(REGISTRY) == set(LAWS)


@pytest.mark.parametrize("name", list(LAWS))
def test_forms_are_the_laws(name: str) -> None:
    card = truth_card(LAWS[name], model=name)
    law = lawtext.numbers(card)
    for direction in ("ltp", "ltd"):
        for x in (0.0, 0.013, 0.2, 0.4999, 0.6, 0.83, 1.0):
            wanted = abs(float(card.rate(direction, x if direction == "ltp" else 1.0 - x)))
            assert python_rate(law, direction, 0, x) == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "theta", "dead", "alive"),
    [
        ("softbounds", (-3.0, 1.25), 0.8000001, 0.79),  # the bound 1 / kappa
        ("eq2", (-3.0, 1.25, 1.1, -5.0, 1.0, 0.8), 0.8000001, 0.79),
        ("powstep", (-3.0, 1.25, 0.6), 0.8000001, 0.79),
        ("expstep", (-3.0, 0.1, math.log(10.0) / 0.8), 0.8000001, 0.79),
        ("vteam", (-3.0, 0.2, 0.05), 0.5000001, 0.499),  # 6 w above a
        ("yakopcic", (-3.0, 0.3, 0.5), 1.0, 0.999),
    ],
)
def test_saturated_devices_do_not_move(name: str, theta: tuple[float, ...], dead: float, alive: float) -> None:
    card = truth_card({"ltp": theta, "ltd": theta}, model=name)
    law = lawtext.numbers(card)
    assert python_rate(law, "ltp", 0, dead) == 0.0 == float(card.rate("ltp", dead))
    assert python_rate(law, "ltp", 0, alive) == pytest.approx(float(card.rate("ltp", alive)), rel=1e-9, abs=1e-300)
    assert float(card.rate("ltp", alive)) > 0.0


def test_a_step_is_capped_at_the_largest_fitted_one() -> None:
    card = truth_card({"ltp": (math.log(0.02), 10.0), "ltd": (math.log(0.02), 10.0)}, model="log")
    low = card.ltp.model_copy(update={"largest_step": 0.05})
    law = lawtext.numbers(card.model_copy(update={"ltp": low}))
    # 0.02 exp(-10 (x - 1/2)) reaches 0.05 at x = 0.40837
    assert python_rate(law, "ltp", 0, 0.408) == 0.05
    assert python_rate(law, "ltp", 0, 0.409) == pytest.approx(0.02 * math.exp(0.91), rel=1e-12)
    assert python_rate(law, "ltd", 0, 0.408) == pytest.approx(0.02 * math.exp(0.92), rel=1e-12)


def test_measured_devices_are_rows_after_the_central_one() -> None:
    card = shipped()
    law = lawtext.numbers(card)
    assert law.devices == len(card.devices) == 20
    only = {"ltp": card.devices[7].ltp_theta, "ltd": card.devices[7].ltd_theta}
    alone = truth_card(only, n_pulses=1)
    for direction in ("ltp", "ltd"):
        assert python_rate(law, direction, 8, 0.3) == pytest.approx(
            abs(float(alone.rate(direction, 0.3 if direction == "ltp" else 0.7))), rel=1e-12
        )
        assert law.rows[direction][8, -1] == getattr(card.devices[7], f"{direction}_largest_step")
    assert lawtext.numbers(card, noise=False).devices == 0
    one = card.model_copy(update={"devices": card.devices[:1]})
    assert lawtext.numbers(one).devices == 0  # of one device nothing says how devices differ


def test_a_law_without_a_form_becomes_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(lawtext.FORMS, "powstep")
    card = truth_card(LAWS["powstep"], model="powstep")
    law = lawtext.numbers(card)
    assert law.form is None
    assert law.rows["ltd"].shape == (1, lawtext.NODES)
    at = np.linspace(0.0, 1.0, lawtext.NODES)
    assert np.interp(0.3, at, law.rows["ltd"][0]) == pytest.approx(float(-card.rate("ltd", 0.7)), rel=1e-5)
    found = law.deviation
    assert found is not None
    assert found < 1e-6
    assert f"{lawtext.NODES} nodes" in law.approximated[0]
    assert law.exact.startswith("The cap")
    assert lawtext.numbers(shipped()).deviation is None


def _varied(card: DeviceCard, **changes: Any) -> DeviceCard:
    branch = card.variation.ltp.model_copy(update=changes)
    return card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": branch})})


def test_spread_is_that_of_the_card() -> None:
    card = truth_card(LAWS["linear"], model="linear", increment=0.003, read=0.004, ln_rate_sd=0.2)
    spread = lawtext.drawn_variation(_varied(card, step_noise=0.25), True)
    assert (spread.update, spread.relative, spread.read) == ((0.003, 0.003), (0.25, 0.0), 0.004)
    assert spread.gains == pytest.approx((0.2, 0.2, 0.6))
    assert spread.d2d == "resample"  # the default of a DeviceArray; gains are its mode "shared"
    row = DeviceRow(
        device_id="a", ltp_theta=card.ltp.theta, ltd_theta=card.ltd.theta, ltp_largest_step=0.1, ltd_largest_step=0.1
    )
    assert lawtext.drawn_variation(card.model_copy(update={"devices": (row, row)}), True).d2d == "resample"
    assert lawtext.drawn_variation(truth_card(LAWS["linear"], model="linear"), True).gains == (0.0, 0.0, 0.0)
    none = lawtext.drawn_variation(card, False)
    assert (none.update, none.read, none.gains, none.d2d) == ((0.0, 0.0), 0.0, (0.0, 0.0, 0.0), "none")


def test_correlation_is_at_most_one() -> None:
    """Of two devices it is 1 or -1, which rounding passes by one digit."""
    up, down, both = 0.0057268564031579755, 8.922419891742212e-05, -0.0007148245763030814
    assert both / (math.sqrt(up) * math.sqrt(down)) < -1.0
    card = truth_card(LAWS["linear"], model="linear")
    variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": ((up, both), (both, down))})
    assert lawtext.drawn_variation(card.model_copy(update={"variation": variation}), True).gains[2] == -1.0


def test_the_noise_sentence_names_what_there_is() -> None:
    card = truth_card(LAWS["linear"], model="linear", read=0.0, increment=0.0, ln_rate_sd=0.0)
    text = lawtext.noise_sentence(lawtext.numbers(card), ExportOptions())
    assert "without noise" in text
    shared = truth_card(LAWS["linear"], model="linear", read=0.0, increment=0.0, ln_rate_sd=0.2)
    text = lawtext.noise_sentence(lawtext.numbers(shared), ExportOptions())
    assert "log-normal" in text
    assert not re.search("C2C|read noise", text)
    assert "no D2D by default" in text
    assert "d2d='shared'" in text
    drifting = _varied(shared, cycle_ln_rate=0.1)
    assert "C2C of ln rate" in lawtext.noise_sentence(lawtext.numbers(drifting), ExportOptions())
    assert "noise=False" in lawtext.noise_sentence(lawtext.numbers(shared, False), ExportOptions(noise=False))
    text = lawtext.noise_sentence(lawtext.numbers(shipped()), ExportOptions())
    assert re.search(r"20 measured devices.*d2d='resample'.*d2d='shared'", text)


def test_the_usual_step_is_that_of_the_conductance() -> None:
    """Steps of 1 % up and 3 % down, of the window; in ln G a step of the state is another share of G everywhere."""
    card = truth_card({"ltp": (math.log(0.01),), "ltd": (math.log(0.03),)}, model="linear")
    assert lawtext.typical_step(card) == pytest.approx(0.02, rel=1e-9)
    window = Window(quantity="conductance_s", low=1e-6, high=1e-4, scope="truth", scale="log")
    r = np.linspace(0.3, 0.7, 4001)
    g = 100.0**r
    wanted = np.mean([np.abs(g * (100.0**step - 1)).mean() for step in (0.01, -0.03)]) / 99.0
    assert lawtext.typical_step(card.model_copy(update={"window": window})) == pytest.approx(wanted, rel=0.01)


def test_the_usual_step_of_a_device_that_is_stuck_in_the_middle() -> None:
    """1 - 12.5 x is not positive beyond x = 0.08, so that nothing moves at 0.1..0.9; it does at the ends."""
    theta = (-3.0, 12.5)
    card = truth_card({"ltp": theta, "ltd": theta}, model="softbounds")
    assert float(card.rate("ltp", 0.1)) == 0.0 < float(card.rate("ltp", 0.07))
    # exp(-3) (1 - 12.5 x): the mean over 0..1 is exp(-3) 0.04, taken at 101 points
    wanted = math.exp(-3.0) * np.maximum(1 - 12.5 * np.linspace(0, 1, 101), 0.0).mean()
    assert lawtext.typical_step(card) == pytest.approx(wanted, rel=1e-9)
