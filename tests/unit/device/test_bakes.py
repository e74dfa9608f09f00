"""Bakes in a card: conductances drawn by quantiles, between levels and temperatures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from devicekit.core.errors import UsageError
from devicekit.device.bakes import SHARES, BakedLevel, BakeLaw, Bakes, TimeExponent, parse_temperature
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Retention
from devicekit.synthetic.pulses import truth_card

Z = norm.ppf(SHARES)


def level(g: float, kelvin: float, mean: float, sd: float, time_s: float = 1000.0) -> BakedLevel:
    return BakedLevel(
        level=f"{g:g}", temperature_k=kelvin, time_s=time_s, n=100, unpaired=0, g_before_s=g, shift_s=mean, sd_s=sd,
        quantiles_s=tuple(mean + sd * Z), lost_10=0.0, lost_20=0.0,
    )  # fmt: skip


def block(exponent: float | None = None) -> Bakes:
    """Normal shifts that grow with G: no loss at 373 and 413 K, loss at 473 and 493 K, of 1 eV."""
    rows = [
        level(g, kelvin, part * g, 0.01 * g)
        for kelvin, part in ((373.15, 0.0), (413.15, -0.02), (473.15, -0.1), (493.15, -0.2))
        for g in (1e-5, 3e-5)
    ]
    law = BakeLaw(
        loss_k=(473.15, 493.15),
        apparent_energy_ev=1.0,
        energy_interval=(0.9, 1.1),
        time_exponent=None if exponent is None else TimeExponent(value=exponent, source="set by hand"),
        refusal="one time",
    )
    return Bakes(shares=SHARES, levels=tuple(rows), bake_law=law)


@pytest.fixture
def card() -> DeviceCard:
    theta = {"ltp": (-4.0,), "ltd": (-3.0,)}
    return truth_card(theta, model="linear", window=(1e-5, 3e-5), increment=0.0, read=0.0)


def test_draws_have_the_measured_quantiles_between_the_levels() -> None:
    g = np.full(20_000, 2e-5)
    aged = block().age(g, 473.15, seed=1)
    shift = aged - g
    assert shift.mean() == pytest.approx(-0.1 * 2e-5, abs=2e-9)
    assert shift.std() == pytest.approx(0.01 * 2e-5, rel=0.03)  # the outermost half per cent is cut
    np.testing.assert_array_equal(block().age(g[:10], 473.15, seed=1), aged[:10])
    assert not np.array_equal(block().age(g, 473.15, seed=1, draw=1), aged)
    assert (block().age(np.full(9, 1e-5), 493.15, 0) >= 0).all()


def test_between_bakes_lines_are_those_of_the_process() -> None:
    def middle(kelvin: float) -> float:
        return float(block().quantiles(kelvin)[1][0, 3])

    x = [-1 / kelvin for kelvin in (373.15, 393.15, 413.15)]
    assert middle(393.15) == pytest.approx(-0.02e-5 * (x[1] - x[0]) / (x[2] - x[0]))
    y = [np.exp(-1.0 / 8.617333262e-5 / kelvin) for kelvin in (473.15, 483.15, 493.15)]
    assert middle(483.15) == pytest.approx(-1e-6 - 1e-6 * (y[1] - y[0]) / (y[2] - y[0]))


@pytest.mark.parametrize("kelvin", [350.0, 440.0, 520.0])
def test_other_temperatures_are_refused(kelvin: float) -> None:
    with pytest.raises(UsageError):
        block().age(np.array([2e-5]), kelvin, 0)


def test_another_time_needs_an_exponent_and_conductances_must_lie_among_the_levels() -> None:
    with pytest.raises(UsageError):
        block().age(np.array([2e-5]), 493.15, 0, time_s=1e4)
    with pytest.raises(UsageError):
        block(0.5).age(np.array([2e-5]), 413.15, 0, time_s=1e4)  # the exponent is that of a loss
    g, shift = block(0.5).quantiles(493.15, 4e3)
    assert shift[0, 3] == pytest.approx(g[0] * (0.8**2.0 - 1.0))
    np.testing.assert_array_equal(block(0.5).quantiles(493.15, 1010.0)[1], block().quantiles(493.15)[1])
    with pytest.raises(UsageError):
        block().age(np.array([6e-5]), 493.15, 0)


def test_the_block_survives_a_file_and_a_card_without_it_still_loads(card: DeviceCard, tmp_path: Path) -> None:
    with_bakes = card.with_blocks({"retention": Retention(states=(), bakes=block(0.1), source="made")}, False)
    with_bakes.save(tmp_path / "card.json")
    text = (tmp_path / "card.json").read_text("utf-8")
    assert DeviceCard.from_json(text, "card.json").retention == with_bakes.retention
    names = [each.name for each in with_bakes.retention.scalars()] if with_bakes.retention else []
    assert names == ["bake_lost_20", "apparent_energy_ev"]
    stored = json.loads(text)
    stored["retention"] = None
    assert DeviceCard.from_json(json.dumps(stored), "old.json").retention is None
    for wrong in ({"quantiles_s": [0.0]}, {"quantiles_s": [1.0, *[0.0] * 6]}):
        rows = [{**each, **wrong} for each in json.loads(text)["retention"]["bakes"]["levels"]]
        bad = json.loads(text)
        bad["retention"]["bakes"]["levels"] = rows
        with pytest.raises(Exception, match="quantiles_s"):
            DeviceCard.from_json(json.dumps(bad), "bad.json")


@pytest.mark.parametrize(
    ("text", "kelvin"),
    [("180C", 453.15), ("180 °C", 453.15), ("453.15K", 453.15), ("453.15", 453.15), ("-20C", 253.15)],
)
def test_temperatures_as_they_are_typed(text: str, kelvin: float) -> None:
    assert parse_temperature(text) == pytest.approx(kelvin)


@pytest.mark.parametrize("text", ["180", "hot", "", "-300C", "180F"])
def test_temperatures_that_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_temperature(text)
