"""Bakes of many cells: pairs, shifts, loss, relaxation, bit errors, refusals; all cells are SYNTHETIC."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from devicekit.core.errors import UsageError
from devicekit.device.card import load_card
from devicekit.features.bakes.bits import bake_errors, later_errors
from devicekit.features.bakes.errors import Placement, count_errors, error_rate, place
from devicekit.features.bakes.law import equivalent_time, predict_shifts, times
from devicekit.features.bakes.loss import find_loss
from devicekit.features.bakes.pairs import Pairs, is_population, pair
from devicekit.features.bakes.relaxation import find_relaxation, relaxed
from devicekit.features.bakes.shifts import level_shifts
from devicekit.features.characterize import characterize
from devicekit.features.lives.bake import bake
from devicekit.features.merit import Settings
from devicekit.features.stats import clopper_pearson
from devicekit.synthetic.pulses import truth_card
from devicekit.tables import PulseTable, RetentionTable
from tests.unit.features.synthetic_bakes import KELVINS, TIMES, K, bakes, relaxing

Run = Callable[..., Any]


def paired(frame: pd.DataFrame) -> Pairs:
    found = pair(frame)
    assert found is not None
    return found


def small() -> pd.DataFrame:
    """Two cells of each of two levels at two temperatures; one is read once, and first readings lack a temperature."""
    rows = [
        ("a", "low", 0.0, 1e-5, None), ("a", "low", 100.0, 2e-5, 400.0),
        ("a", "low", 0.0, 1e-5, None), ("a", "low", 110.0, 4e-5, 450.5),
        ("b", "low", 0.0, 1e-5, 400.4), ("b", "low", 90.0, 1e-5, 400.4),
        ("c", "high", 0.0, 9e-5, 450.0), ("c", "high", 100.0, 7e-5, 450.0),
        ("d", "high", 0.0, 9e-5, 400.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["device_id", "level", "time_s", "conductance_s", "temperature_k"])


def test_pairs_by_hand() -> None:
    found = paired(small())
    assert found.levels == ("low", "high")
    assert [each.temperature_k for each in found.bakes] == pytest.approx([400.2, 450.25], abs=0.3)
    assert [each.time_s for each in found.bakes] == [95.0, 105.0]
    np.testing.assert_allclose(found.shift * 1e5, [[1, 3], [0, np.nan], [np.nan, -2], [np.nan, np.nan]], atol=1e-9)
    assert found.unpaired.tolist() == [0, 1]
    low = level_shifts(found)[0]
    assert (low.n, low.g_before_s, low.shift.value, low.lost_10) == (2, 1e-5, pytest.approx(0.5e-5), 0.0)


def test_order_of_rows_does_not_matter() -> None:
    frame = bakes(0, levels=2, cells=40)
    mixed = frame.sample(frac=1.0, random_state=1)
    one, other = level_shifts(paired(frame)), level_shifts(paired(mixed))
    assert [each.quantiles_s for each in one] == [each.quantiles_s for each in other]


def test_few_devices_or_many_readings_are_no_population() -> None:
    assert is_population(bakes(0, levels=2, cells=40))
    assert is_population(bakes(0, levels=4, cells=10))  # pairs, which nothing else can use
    assert not is_population(bakes(0, levels=2, cells=10))
    assert not is_population(relaxing(0, levels=4, cells=20))
    assert not is_population(relaxing(0, levels=1, cells=40, times=tuple(np.logspace(0, 3, 20))))


def test_the_planted_loss_is_found_and_nothing_is_found_without_it() -> None:
    found = find_loss(paired(bakes(1)))
    assert found.loss_k == (453.15, 493.15, 533.15)
    assert found.reference_k == 413.15
    assert found.energy is not None
    assert found.energy.value == pytest.approx(1.0, abs=0.03)
    assert found.upper is not None
    assert found.upper.value > found.energy.value
    assert found.tested
    nothing = find_loss(paired(bakes(1, energy=None)))
    assert (nothing.loss_k, nothing.energy) == ((), None)


def test_an_energy_needs_two_bakes_with_loss_of_one_mechanism() -> None:
    one = find_loss(paired(bakes(1, energy=1.6, kelvins=KELVINS[:4], times=TIMES[:4], median=0.3, relaxation=0.1)))
    assert one.loss_k == (493.15,)
    assert one.energy is None
    two = bakes(2, energy=0.3, median=0.5)
    hot = two["temperature_k"].eq(KELVINS[-1]) & two["time_s"].gt(0)
    two.loc[hot, "conductance_s"] *= 0.1  # another mechanism takes over
    bent = find_loss(paired(two))
    assert len(bent.loss_k) >= 3
    assert bent.energy is None
    assert bent.refusal is not None
    assert "bent" in bent.refusal


def test_a_hotter_bake_is_the_loss_of_each_rank_times_one_factor() -> None:
    """With a loss that all cells share, -ln of the ratio grows by exp(E' (1/kT_hot - 1/kT)) beyond the reference."""
    frame = bakes(3, energy=1.6, kelvins=KELVINS[:4], times=TIMES[:4], median=0.3, spread=0.0, relaxation=1e-6)
    cells = paired(frame)
    (first, *_) = predict_shifts(cells, find_loss(cells), 533.15, 1.6)
    factor = np.exp(1.6 / K * (1 / 493.15 - 1 / 533.15))
    lost = 0.3 * factor * (1 - np.exp(-1.6 / K * (1 / 453.15 - 1 / 493.15)))
    before = np.mean(cells.before[cells.level == 0, 3])
    left = np.exp(-lost - 0.3 * np.exp(-1.6 / K * (1 / 453.15 - 1 / 493.15)))
    assert first.shift_s == pytest.approx(before * (left - 1), rel=0.01)
    assert first.low_s < first.shift_s < first.high_s
    mean = [float(cells.shift[cells.level == 0, k].mean()) for k in (2, 3)]
    assert first.copied_s == pytest.approx(mean[1])
    assert first.line_s == pytest.approx(2 * mean[1] - mean[0])
    nothing = paired(bakes(3, energy=None))
    with pytest.raises(UsageError):
        predict_shifts(nothing, find_loss(nothing), 573.15, 1.0)


def test_an_equivalent_time_by_hand() -> None:
    cells = paired(bakes(0, levels=2, cells=40))
    bake = cells.bakes[2]
    assert equivalent_time(bake, 1.0, 358.15) == pytest.approx(
        5300 * np.exp(1 / K * (1 / 358.15 - 1 / 453.15)), rel=1e-6
    )
    assert times(60730.0) == "60,700 times"


def test_levels_are_placed_and_wrong_bits_counted() -> None:
    """Normal cells about the middle of two windows: errors at half the distance."""
    rng = np.random.default_rng(0)
    before = np.repeat([10e-6, 20e-6], 20_000)
    after = before + 4e-6 * rng.standard_normal(before.size)
    placed = place(before, after, 2, 1e-6)
    assert placed is not None
    assert placed.thresholds_s[0] == pytest.approx(15e-6, abs=0.1e-6)
    assert placed.q == pytest.approx(norm.sf(1.25), abs=0.005)
    rate = error_rate([count_errors(before, after, placed)])
    assert rate.value == pytest.approx(norm.sf(1.25), abs=0.005)
    low, high = rate.ends or (1.0, 0.0)
    assert low < norm.sf(1.25) < high
    assert place(before, after, 4, 1e-6) is None


def test_gray_code_and_no_error_at_all() -> None:
    placed = Placement(np.array([0.0, 1.0, 2.0, 3.0]), 0.5, np.array([0.75, 1.75, 2.75]), 0.0)
    table = count_errors(np.array([0.1, 0.1, 2.1, 3.1]), np.array([0.1, 1.2, 0.3, 0.3]), placed)
    assert table.tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]  # 00 as 01, 11 as 00, 10 as 00
    sure = error_rate([np.array([[50, 0, 0], [50, 0, 0]])])
    assert sure.value == 0.0
    assert sure.ends == pytest.approx((0.0, clopper_pearson(0, 100)[1] / 2))


def test_bit_errors_of_each_bake_and_of_the_chosen_one() -> None:
    cells = paired(bakes(4, levels=8, cells=100))
    found, levels = bake_errors(cells, (1, 2), 2e-5, 2)
    assert [(each.bits, each.bake) for each in found[:2]] == [(1, "100 °C"), (1, "140 °C")]
    assert [len([each for each in levels if each.bits == bits]) for bits in (1, 2)] == [2, 4]
    for each in found:
        assert each.rate is not None
        assert each.moved is not None
        assert each.n > 50
        if each.bake == "180 °C":
            assert each.rate == each.moved


def test_the_variance_is_a_line_in_log_t() -> None:
    cells = paired(relaxing(5, levels=8, cells=400))
    found = find_relaxation(cells, 1e8)
    assert found is not None
    assert found.refusal is None
    assert [each.levels for each in found.groups] == ["0 to 3", "4 to 7"]
    for each in found.groups:
        assert each.variance_slope.value == pytest.approx(0.5e-12, rel=0.15)
        assert each.sd(1e8) == pytest.approx(1e-6 * (0.5 * 12) ** 0.5, rel=0.1)
    after = relaxed(cells, found, 1e8)
    assert np.std(after - cells.before[:, 0]) == pytest.approx(1e-6 * 6**0.5, rel=0.1)
    assert [each.bits for each in later_errors(cells, found, (2,), 5e-6, 1e8)] == [2]


def test_a_later_time_needs_three_decades_and_complete_times_count() -> None:
    short = find_relaxation(paired(relaxing(5, times=(0.01, 0.1, 1.0))), 1e8)
    assert short is not None
    assert short.refusal is not None
    frame = relaxing(5)
    partly = frame[(frame["time_s"] != 0.1) | (frame["level"] == "0")]
    assert find_relaxation(paired(partly), 1e8).times_s == (0.01, 1.0, 1e3)  # type: ignore[union-attr]
    assert find_relaxation(paired(relaxing(5, times=(1.0, 10.0))), 1e8) is None


def test_two_readings_give_no_life_and_an_exponent_gives_the_time_a_bake_stands_for() -> None:
    table = RetentionTable(bakes(6))
    found = characterize(table)
    assert list(found.results) == ["bakes"]  # neither lives nor drift laws of single cells
    result: Any = found.results["bakes"]
    assert result.life_refusal is not None
    assert result.energy_of_time is None
    assert all(each.use_time is None for each in result.reaches)
    needed = {each.bake: each.needed_ev for each in result.reaches}
    expected = np.log(315576000.0 / 5300.0) * K / (1 / 358.15 - 1 / 453.15)
    assert needed["180 °C"] == pytest.approx(expected, rel=1e-6)
    by_hand: Any = characterize(table, Settings(time_exponent=0.5)).results["bakes"]
    assert by_hand.life_refusal is None
    assert by_hand.energy_of_time.value == pytest.approx(2 * result.loss.energy.value)
    assert by_hand.exponent_source == "set by hand"


@pytest.mark.parametrize(
    "wrong",
    [{"bits": (0,)}, {"bits": ()}, {"write_window_s": 0.0}, {"time_exponent": -1.0}, {"apparent_energy_ev": 0.0}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    frame = bakes(7, levels=8, cells=40)
    celsius = frame.assign(T=frame["temperature_k"] - 273.15).drop(columns="temperature_k")
    path = tmp_path / "bake.csv"
    celsius.to_csv(path, index=False)
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_the_command_line(file: Path, tmp_path: Path, devicekit: Run) -> None:
    common = (file, "--kind", "retention", "--map", "temperature_c=T", "--out", tmp_path / "out", "--force")
    ran = devicekit("characterize", *common, "--bits", 1, "--bits", 2, "--bake", "180C", "--json")
    assert ran.code == 0
    (found,) = json.loads(ran.out)["files"]
    assert {each["bits_per_cell"] for each in found["bakes"]["errors"]} == {1, 2}
    assert found["bakes"]["placed_for"] == "5300 s at 180 °C"
    assert found["bakes"]["life_refusal"]
    names = {each.name for each in (tmp_path / "out" / "bake").iterdir()}
    assert {"bake_shifts.csv", "bake_groups.csv", "bake_errors.csv", "placed_levels.csv", "bake_reach.csv"} <= names
    assert devicekit("characterize", *common, "--bake", "200C").code == 2
    assert devicekit("characterize", *common, "--bake", "180").code == 2
    hotter = devicekit("characterize", *common, "--bake", "300C", "--json")
    (found,) = json.loads(hotter.out)["files"]
    assert "extrapolation" in {each["code"] for each in found["warnings"]}
    assert len(found["bakes"]["predicted"]) == 8


def test_bakes_are_added_to_a_card(file: Path, tmp_path: Path, devicekit: Run) -> None:
    card = tmp_path / "card.json"
    truth_card({"ltp": (-4.0,), "ltd": (-3.0,)}, model="linear", window=(3e-5, 1e-4)).save(card)
    ran = devicekit(
        "card", "add", card, file, "--kind", "retention", "--map", "temperature_c=T", "--time-exponent", 0.2
    )
    assert ran.code == 0
    block = load_card(card).retention
    assert block is not None
    assert block.bakes is not None
    assert len(block.bakes.levels) == 40
    assert block.bakes.bake_law.time_exponent is not None
    aged = block.bakes.age(np.full(2000, 8e-5), 493.15, 0)
    cells = paired(pd.read_csv(file).assign(temperature_k=lambda frame: frame["T"] + 273.15))
    assert aged.mean() - 8e-5 == pytest.approx(cells.shift[cells.level == 3, 3].mean(), rel=0.05)


def test_degrees_are_questioned_and_first_readings_without_a_temperature_refused(file: Path, devicekit: Run) -> None:
    kelvin = devicekit("characterize", file, "--kind", "retention", "--map", "temperature_k=T", "--json")
    assert kelvin.code == 2
    assert json.loads(kelvin.out)["error"]["question"]["fields"]
    assert devicekit("characterize", file, "--kind", "retention", "--json").code == 2
    own = pd.read_csv(file).rename(columns={"T": "temperature_c"})
    own.to_csv(file, index=False)
    ran = devicekit("read", file, "--json")
    assert json.loads(ran.out)["warnings"][0]["code"] == "celsius"


def baked(values: list[float]) -> PulseTable:
    """One reading of each device d0, d1, ..."""
    names = [f"d{k}" for k in range(len(values))]
    columns = {"device_id": names, "cycle": 1, "direction": "ltp", "pulse_index": 0, "conductance_s": values}
    return PulseTable(pd.DataFrame(columns))


def test_a_bake_moves_devices_up_and_down() -> None:
    ratio = [1 / 3, 3.0, 0.49, 0.51, 1.99, 2.01, 1.0, 1.0, 1.0, 1.0]
    found = bake(baked([1e-5] * 11), baked([1e-5 * each for each in ratio]))
    assert found.moved == pytest.approx(0.4)  # 1/3, 3, 0.49 and 2.01
    assert (found.n, found.unpaired) == (10, 1)
    assert found.median_ratio == pytest.approx(1)


def test_the_spread_of_a_bake_is_a_sample_standard_deviation_in_decades() -> None:
    found = bake(baked([1e-5, 1e-5, 1e-5]), baked([1e-6, 1e-5, 1e-4]))
    assert found.sd_decades == pytest.approx(1)  # of -1, 0 and 1, over n - 1
