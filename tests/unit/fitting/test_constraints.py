"""Coefficients that a user fixes or bounds: what is kept, what the rest becomes, what is refused and recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.core.errors import UsageError
from devicekit.models.laws.eq2 import Eq2

UP = Eq2(a=0.06, b=1.0, c=0.95, d=1.3, f=3.0, g=-2.0, h=0.4, i=1.0)
DOWN = Eq2(a=-0.07, b=0.05, c=-0.95, d=1.2, f=-2.0, g=1.0, h=0.3, i=1.0)  # b - c r is 1 where LTD starts
WINDOW = (10.0, 20.0)  # low and width [uS]


def train(law: Eq2, start: float, pulses: int = 60) -> np.ndarray:
    """States of a train of a law, shape (pulses + 1,)."""
    states = [start]
    for _ in range(pulses):
        states.append(float(states[-1] + law.rate(states[-1])))
    return np.array(states)


def readings(states: np.ndarray, cycles: int, seed: int) -> np.ndarray:
    """Conductances [uS] of five cycles, with read noise of 0.4 % of the window."""
    noise = np.random.default_rng(seed).normal(0, 0.004, (cycles, states.size))
    return WINDOW[0] + WINDOW[1] * (states + noise)


LTP, LTD = readings(train(UP, 0.0), 5, 1), readings(train(DOWN, 1.0), 5, 2)


def fit(**options: Any) -> Any:
    return dk.fit(ltp=LTP, ltd=LTD, unit="uS", **options)


@pytest.fixture(scope="module")
def free() -> Any:
    return fit()


def test_the_others_are_known_better_where_one_is_fixed_at_its_truth(free: Any) -> None:
    held = fit(fix={"ltp.d": 1.3})
    assert held.ltp.coefficients["d"] == 1.3
    assert held.ltp.standard_errors["d"] is None
    assert held.ltp.fixed == {"d": 1.3}
    assert held.ltd.fixed == {}
    assert held.ltd.coefficients == free.ltd.coefficients
    assert held.ltp.standard_errors["kappa"] < free.ltp.standard_errors["kappa"]
    r = np.linspace(0.05, 0.9, 18)
    span = held.window.span / (1e-6 * WINDOW[1])
    low = (held.window.low - 1e-6 * WINDOW[0]) / (1e-6 * WINDOW[1])
    truth = UP.rate(low + span * r) / span
    curve = held.ltp.rate_curve(r)
    assert np.mean((np.array(curve.lower) <= truth) & (truth <= np.array(curve.upper))) > 0.8
    assert not [each for each in held.warnings if each.code == "at_bound"]


@pytest.mark.parametrize("value", [0.05, 0.2])
def test_the_scale_is_fixed_as_published(value: float, free: Any) -> None:
    held = fit(fix={"ltp.a": value, "ltd.a": -value})
    assert held.ltp.coefficients["a"] == pytest.approx(value, rel=1e-9)
    assert held.ltd.coefficients["a"] == pytest.approx(-value, rel=1e-9)
    assert held.ltp.nrmse < 1.1 * free.ltp.nrmse  # h and g take it over: a alone is not determined
    assert held.ltp.standard_errors["L"] == pytest.approx(free.ltp.standard_errors["L"], rel=0.3)
    np.testing.assert_allclose(held.ltp.rate(np.array([0.2, 0.5])), free.ltp.rate(np.array([0.2, 0.5])), rtol=0.03)
    card = held.to_card("held")
    np.testing.assert_allclose(card.rate("ltp", 0.4), held.ltp.rate(0.4), rtol=1e-9)
    assert card.provenance.settings["fix"] == f"ltp.a={value:g}, ltd.a={-value:g}"


@pytest.mark.slow
def test_a_wrong_value_shows_in_the_misfit_and_in_a_warning() -> None:
    right, wrong = fit(model="powstep"), fit(model="powstep", fix={"kappa": 0.3})
    assert wrong.ltp.coefficients["kappa"] == 0.3
    assert wrong.ltp.nrmse > 5 * right.ltp.nrmse
    assert "structured" in {each.code for each in wrong.warnings}


def test_a_bound_that_is_hit_is_reported_and_one_that_is_not_changes_nothing(free: Any) -> None:
    hit = fit(model="powstep", bounds={"ltp.d": (0.0, 0.8)})
    assert hit.ltp.coefficients["d"] == pytest.approx(0.8)
    assert "d" in hit.ltp.at_bound
    assert hit.ltp.standard_errors["d"] is None
    assert "at_bound" in {each.code for each in hit.ltp.warnings}
    scale = fit(model="exponential", bounds={"ltp.first_step": (0.001, 0.03)})
    assert scale.ltp.coefficients["first_step"] == pytest.approx(0.03)
    assert "first_step" in scale.ltp.at_bound
    wide = fit(bounds={"ltp.c": (-5.0, 1.2)})
    assert wide.ltp.nrmse == pytest.approx(free.ltp.nrmse, rel=1e-3)
    assert wide.ltp.at_bound == free.ltp.at_bound == ()


def test_every_device_of_a_set_keeps_what_is_fixed() -> None:
    rows = [
        {"device_id": f"d{k}", "cycle": c, "direction": name, "pulse_index": n, "conductance_s": 1e-6 * g}
        for k in range(3)
        for name, states in (("ltp", train(UP, 0.0, 40)), ("ltd", train(DOWN, 1.0, 40)))
        for c, train_ in enumerate(readings(states, 2, k))
        for n, g in enumerate(train_)
    ]
    held = dk.fit(pd.DataFrame(rows), fix={"ltp.d": 1.3, "ltp.a": 0.06})
    for branch in (held.ltp, *(pair["ltp"] for pair in held.devices.values())):
        assert branch.coefficients["d"] == pytest.approx(1.3)
        assert branch.coefficients["a"] == pytest.approx(0.06)


@pytest.mark.parametrize(
    "options",
    [
        {"fix": {"e": 1}},
        {"fix": {"b": 1}},
        {"fix": {"up.d": 1}},
        {"fix": {"ltd.g": 1}},  # moves with f
        {"fix": {"a": 0.3}},  # of LTD it is negative
        {"fix": {"ltp.d": 9}},
        {"fix": {"ltp.a": "x"}},
        {"bounds": {"a": 3}},
        {"bounds": {"ltp.d": (1, 0)}},
        {"fix": {"ltp.d": 1}, "bounds": {"ltp.d": (0, 1)}},
        {"fix": {"ltp.d": 1}, "share": "width"},
        {"fix": {"A_pulses": 10}, "model": "exponential"},
    ],
)
def test_what_cannot_be_fixed_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        fit(**options)


def test_what_does_not_keep_it_refuses_such_a_fit() -> None:
    held = fit(fix={"ltp.d": 1.3})
    for refuse in (dk.next_measurement, dk.posterior):
        with pytest.raises(UsageError):
            refuse(held)


def test_the_command_line_says_the_same_and_repeats_it(
    tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    held = fit(fix={"ltp.d": 1.3}, bounds={"ltd.c": (-1.0, -0.9)})
    held.table.frame.to_csv("t.csv", index=False)
    ran = devicekit("fit", "t.csv", "--fix", "ltp.d=1.3", "--bound", "ltd.c=-1:-0.9", "--out", "c.json", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)["branches"]["ltp"]
    assert found["fixed"] == {"d": 1.3}
    assert found["coefficients"]["c"] == pytest.approx(held.ltp.coefficients["c"], rel=1e-6)
    settings = dk.load_card("c.json").provenance.settings
    assert settings["fix"] == "ltp.d=1.3"
    assert settings["bounds"].startswith("ltd.c=-1:-0.9")
    for words in (("--fix", "ltp.d"), ("--fix", "ltp.d=x"), ("--bound", "ltp.d=1"), ("--fix", "e=1")):
        assert devicekit("fit", "t.csv", *words).code == 2
    assert devicekit("fit", "t.csv", "--fix", "ltp.d=1.3", "--posterior").code == 2
