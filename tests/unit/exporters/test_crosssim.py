"""CrossSim tables, read and applied as documented for CrossSim V2.0."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.exporters.targets.crosssim import data_table, increments, law_table
from devicekit.synthetic.pulses import generate, reference_table, truth_card
from devicekit.tables import PulseTable

from .conftest import CARDS, LAWS, deviation, exported, linear, shipped


@dataclass(frozen=True)
class Lookup:
    """Both tables: conductances [S], CDF, dG [S] by (CDF, G)."""

    g: np.ndarray
    cdf: np.ndarray
    up: np.ndarray
    down: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> Lookup:
        parts = []
        for name in ("dG_increasing.txt", "dG_decreasing.txt"):
            path = folder / name
            rows = [np.loadtxt(path, delimiter=",", skiprows=skip, max_rows=1) for skip in (1, 2)]
            parts.append((*rows, np.loadtxt(path, delimiter=",", skiprows=3)))
        (g, cdf, up), (other_g, other_cdf, down) = parts
        assert (g == other_g).all()
        assert (cdf == other_cdf).all()
        return cls(g, cdf, up, down)

    def column(self, g: np.ndarray) -> np.ndarray:
        step = np.mean(np.diff(self.g))
        return ((g - (self.g[0] - step / 2)) / step).astype(int)

    def average(self, sign: int) -> np.ndarray:
        return (np.diff(self.cdf)[:, None] * (self.up if sign > 0 else self.down)[:-1]).sum(axis=0)

    def draw(self, sign: int, g: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        step = np.mean(np.diff(self.cdf))
        row = ((rng.random(g.shape) + step / 2) / step).astype(int)
        return (self.up if sign > 0 else self.down)[row, self.column(g)]

    def train(self) -> np.ndarray:
        path = [np.array([self.g[0]])]
        for sign in [1] * 100 + [-1] * 100:
            path.append(np.clip(path[-1] + self.average(sign)[self.column(path[-1])], self.g[0], self.g[-1]))
        return np.array(path).ravel()


def test_within_two_thousandths_of_the_array(card: DeviceCard, tmp_path: Path) -> None:
    table = Lookup.load(exported(card, "crosssim", tmp_path, noise=False))
    assert table.up.shape == table.down.shape == (501, 501)
    assert np.ptp(np.diff(table.g)) < np.diff(table.g).max() / 1e4  # CrossSim's test of a uniform grid
    assert np.ptp(np.diff(table.cdf)) < np.diff(table.cdf).max() / 1e4
    assert table.average(1).mean() > 0 > table.average(-1).mean()
    assert deviation(card, table.train()) <= 2e-3


@pytest.mark.parametrize("name", ["shipped", "soft"])
def test_with_noise_the_average_still_is_within_two_thousandths(name: str, tmp_path: Path) -> None:
    card = CARDS[name]()
    assert deviation(card, Lookup.load(exported(card, "crosssim", tmp_path)).train()) <= 2e-3


def test_draws_have_the_cards_mean_and_increment(tmp_path: Path) -> None:
    card = shipped()
    table = Lookup.load(exported(card, "crosssim", tmp_path, points=201))
    rng = np.random.default_rng(0)
    for direction, sign in (("ltp", 1), ("ltd", -1)):
        g = np.full(400_000, table.g[100])
        drawn = table.draw(sign, g, rng) / card.window.span
        assert drawn.mean() == pytest.approx(float(card.rate(direction, 0.5)), abs=3e-5)
        c2c = (card.variation.ltp if direction == "ltp" else card.variation.ltd).c2c
        assert drawn.std() == pytest.approx(c2c["increment"].value, rel=0.02)


def test_step_noise_scales_with_the_step(tmp_path: Path) -> None:
    card = truth_card(LAWS["exponential"], model="exponential", increment=0.0, read=0.0)
    noisy = card.variation.ltp.model_copy(update={"step_noise": 0.3})
    card = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": noisy, "ltd": noisy})})
    table = Lookup.load(exported(card, "crosssim", tmp_path, points=201))
    sd = np.diff(table.up[[32, 168]], axis=0)[0] / (2 * 0.99446) / card.window.span  # quantiles .16 and .84
    np.testing.assert_allclose(sd, 0.3 * card.rate("ltp", np.linspace(0, 1, 201)), rtol=1e-3)


def test_a_log_card_is_converted(tmp_path: Path) -> None:
    card = CARDS["log window"]()
    table = Lookup.load(exported(card, "crosssim", tmp_path, noise=False))
    r = np.log(table.g / 2e-6) / np.log(150.0)
    wanted = 2e-6 * 150.0 ** (r + card.rate("ltp", np.clip(r, 0, 1))) - table.g
    np.testing.assert_allclose(table.up[0], wanted, rtol=1e-5)
    assert "ln G" in (tmp_path / "README.txt").read_text()


def test_weights_need_a_window(weights: DeviceCard, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"window=\(LOW, HIGH\)"):
        exported(weights, "crosssim", tmp_path)
    table = Lookup.load(exported(weights, "crosssim", tmp_path, window=(1e-6, 1e-4), points=101))
    assert (table.g[0], table.g[-1]) == (1e-6, 1e-4)


@pytest.mark.parametrize(("points", "good"), [(100, False), (101, True), (2002, False), (0, False)])
def test_points_have_bounds(points: int, good: bool, tmp_path: Path) -> None:
    if good:
        assert Lookup.load(exported(shipped(), "crosssim", tmp_path, points=points)).g.size == points
    else:
        with pytest.raises(UsageError, match="101 to 2001"):
            exported(shipped(), "crosssim", tmp_path, points=points)


def test_straight_from_data_is_near_the_law_that_made_them(tmp_path: Path) -> None:
    card = truth_card(LAWS["exponential"], model="exponential", increment=0.004, read=0.0)
    data = generate(card, 4, 20, 60, 3)
    table = Lookup.load(exported(card, "crosssim", tmp_path, points=101, data=data))
    r = np.linspace(0, 1, 101)
    inside = slice(10, 60)  # LTP of 60 pulses reaches 0.7
    steps = table.up.mean(axis=0) / card.window.span
    np.testing.assert_allclose(steps[inside], card.rate("ltp", r)[inside], atol=1.2e-3)
    spread = np.quantile(table.up, [0.1587, 0.8413], axis=0) / card.window.span
    assert np.mean((spread[1] - spread[0])[inside]) / 2 == pytest.approx(0.004, rel=0.1)
    assert (np.diff(table.up, axis=0) >= 0).all()
    assert "directly from data" in (tmp_path / "README.txt").read_text()


def test_data_must_be_enough_and_in_siemens(weights: DeviceCard, tmp_path: Path) -> None:
    card = shipped()
    with pytest.raises(UsageError, match="at least 20"):
        exported(card, "crosssim", tmp_path, data=generate(card, 1, 1, 10, 0))
    data = generate(weights, 1, 2, 40, 0)
    with pytest.raises(UsageError, match="holds weights"):
        exported(
            card,
            "crosssim",
            tmp_path,
            data=type(data)(data.frame.rename(columns={"conductance_s": "weight"})),
        )


def test_a_table_that_falls_in_ltp_is_refused(tmp_path: Path) -> None:
    card = shipped()
    data = generate(card, 1, 4, 60, 0)
    swapped = data.frame.assign(direction=data.frame["direction"].map({"ltp": "ltd", "ltd": "ltp"}))
    with pytest.raises(UsageError, match="wrong sign"):
        exported(card, "crosssim", tmp_path, data=type(data)(swapped))


def test_the_window_may_start_below_zero(tmp_path: Path) -> None:
    """Read noise can put the low end of a window below 0 S; the format allows it."""
    card = shipped().model_copy(
        update={"window": Window(quantity="conductance_s", low=-1e-6, high=1e-4, scope="truth")}
    )
    table = Lookup.load(exported(card, "crosssim", tmp_path, noise=False))
    assert deviation(card, table.train()) <= 2e-3


def test_tables_from_data_name_their_source_and_one_width(tmp_path: Path) -> None:
    table = reference_table(2, 2, 60)
    with pytest.raises(UsageError, match=r"5e-06, 5e-05, 0\.0005 s"):
        make(shipped(), "crosssim", ExportOptions(data=table))
    one = table.select(width=50e-6)
    one = replace(one, meta={**one.meta, "source": "trains.csv"})
    text = make(shipped(), "crosssim", ExportOptions(data=one)).files["README.txt"].decode()
    assert "pulse table of trains.csv." in text


def table(pulses: list[int], states: list[float], direction: str = "ltp") -> PulseTable:
    frame = pd.DataFrame({"device_id": "d", "cycle": 1, "direction": direction, "pulse_index": pulses})
    return PulseTable(frame.assign(conductance_s=states))


def test_crosssim_takes_no_increment_over_a_gap() -> None:
    """Pulses 2 and 5 have no row: 1 to 3 and 4 to 6 are two pulses, not one."""
    start, change = increments(table([0, 1, 3, 4, 6], [1e-5, 3e-5, 7e-5, 8e-5, 9e-5]), "ltp")
    np.testing.assert_allclose(start, [1e-5, 7e-5])
    np.testing.assert_allclose(change, [2e-5, 1e-5])


def test_crosssim_takes_no_increment_to_or_from_a_missing_reading() -> None:
    """Pulse 2 was given and not read."""
    start, change = increments(table([0, 1, 2, 3, 4], [1e-5, 3e-5, math.nan, 7e-5, 8e-5]), "ltp")
    np.testing.assert_allclose(start, [1e-5, 7e-5])
    np.testing.assert_allclose(change, [2e-5, 1e-5])


def test_crosssim_takes_the_first_of_repeated_readings_and_one_direction() -> None:
    repeated = table([0, 1, 1, 2], [1e-5, 3e-5, 4e-5, 6e-5])
    start, change = increments(repeated, "ltp")
    np.testing.assert_allclose(start, [1e-5, 3e-5])
    np.testing.assert_allclose(change, [2e-5, 3e-5])
    assert [part.size for part in increments(repeated, "ltd")] == [0, 0]


def test_a_crosssim_column_holds_quantiles_of_the_nearest_twenty_increments() -> None:
    """41 increments start at 0, 1, ... 40 uS and are their own start in nS: at 20 uS those of 10 to 29 or 11 to 30."""
    pulses, states = [], []
    for k in range(41):
        pulses += [3 * k, 3 * k + 1]  # pairs, with a gap between them
        states += [k * 1e-6, k * 1e-6 + k * 1e-9]
    columns = data_table(table(pulses, states), "ltp", np.array([0.0, 2e-5, 4e-5]))
    np.testing.assert_allclose(columns[:, 0] * 1e9, [0.0, 9.5, 19.0], atol=1e-6)
    np.testing.assert_allclose(columns[:, 2] * 1e9, [21.0, 30.5, 40.0], atol=1e-6)
    assert columns[1, 1] * 1e9 == pytest.approx(20.0, abs=0.51)
    assert np.ptp(columns[:, 1]) * 1e9 == pytest.approx(19.0, abs=1e-6)


@pytest.mark.parametrize(("direction", "step"), [("ltp", 1e-6), ("ltd", -2e-6)])
def test_a_crosssim_law_table_holds_normal_quantiles(direction: str, step: float) -> None:
    """Step + ndtri(CDF) times the increment, 0.003 of 100 uS; the outer rows stand for half steps of the CDF."""
    columns = law_table(linear(), direction, 101, noise=True)
    cdf = np.array([0.0025, *np.arange(1, 100) / 100, 0.9975])
    np.testing.assert_allclose(columns[:, 50], step + 3e-7 * ndtri(cdf), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(law_table(linear(), direction, 101, noise=False)[:, 50], step, rtol=1e-9)
