"""Levels: thresholds, counted and normal error rates, against closed forms and made-up readings."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import devicekit
from devicekit.core.errors import TraceError
from devicekit.features.describe import describe
from devicekit.features.merits import multilevel as merit
from devicekit.features.preview import preview
from devicekit.features.states import separation as multilevel
from devicekit.features.states.separation import Readings
from devicekit.features.stats import clopper_pearson
from devicekit.synthetic.levels import LevelTruth
from devicekit.synthetic.levels import multilevel as made
from devicekit.system import catalog
from devicekit.tables import MultilevelTable


def shuffled(values: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permutation(values)


def one(values: object) -> Readings:
    x = np.asarray(values, float)
    return Readings(x, np.zeros(x.size, int))


def test_the_threshold_is_half_way_between_equal_levels_and_else_where_the_densities_are_equal() -> None:
    assert multilevel.crossing(0, 1, 4, 1) == pytest.approx(2.0)
    at = float(multilevel.crossing(1.0, 0.5, 4.0, 1.5))
    assert 1 < at < 4
    assert stats.norm.pdf(at, 1.0, 0.5) == pytest.approx(stats.norm.pdf(at, 4.0, 1.5), rel=1e-9)
    assert np.isnan(multilevel.crossing(0, 1, 0.1, 5))  # one within the other
    assert np.isnan(multilevel.crossing(1, 1, 1, 1))
    assert multilevel.crossing(0, 0, 4, 0) == pytest.approx(2.0)  # readings that are all equal
    assert 0 < multilevel.crossing(0, 0, 4, 1) < 0.2


def test_the_threshold_that_exists_just_so() -> None:
    """f1(m2) = f2(m2) is where the crossing reaches the second mean: ln(s2/s1) = d^2/(2 s1^2)."""
    wide = np.exp(0.5 * 1.0**2)
    assert np.isfinite(multilevel.crossing(0, 1, 1, wide * 0.999))
    assert np.isnan(multilevel.crossing(0, 1, 1, wide * 1.001))
    assert np.isfinite(multilevel.crossing(0, wide * 0.999, 1, 1))
    assert np.isnan(multilevel.crossing(0, wide * 1.001, 1, 1))


@pytest.mark.parametrize(("z", "n"), [(2.0, 10), (3.0, 50), (2.5, 500)])
def test_the_normal_interval_is_that_of_the_noncentral_t(z: float, n: int) -> None:
    found = multilevel.normal_error(z, n)
    assert found.value == pytest.approx(stats.norm.sf(z))
    for end, tail in ((found.high, 0.975), (found.low, 0.025)):
        shift = -stats.norm.ppf(end) * np.sqrt(n)
        assert stats.nct.cdf(z * np.sqrt(n), n - 1, shift) == pytest.approx(tail, abs=1e-4)


@pytest.mark.parametrize("draws", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_normality_has_its_nominal_level(draws: int) -> None:
    rng = np.random.default_rng(1)
    p = np.array([multilevel.normality(rng.standard_normal(30)) for _ in range(draws)])
    for level in (0.01, 0.05, 0.2):
        assert (p < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level / draws))


def test_normality_agrees_with_the_simulated_statistic() -> None:
    rng = np.random.default_rng(1)
    assert multilevel.normality(np.r_[rng.standard_normal(50), 30.0]) < 1e-6
    x = rng.standard_t(2, 60)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    square = (
        60
        * integrate.quad(
            lambda u: (np.searchsorted(z, special.ndtri(u), "right") / 60 - u) ** 2 / u / (1 - u), 0, 1, limit=2000
        )[0]
    )
    a = square * (1 + 0.75 / 60 + 2.25 / 60**2)
    assert 0.6 < a < 10
    assert multilevel.normality(x) == pytest.approx(np.exp(1.2937 - 5.709 * a + 0.0186 * a * a), rel=0.05)


def test_each_reading_is_judged_by_the_others() -> None:
    rng = np.random.default_rng(5)
    low, high = rng.standard_normal(12), 3 + 1.5 * rng.standard_normal(9)
    threshold, below, above = multilevel.sides(one(low), one(high))  # type: ignore[misc]
    assert threshold == pytest.approx(
        float(multilevel.crossing(low.mean(), low.std(ddof=1), high.mean(), high.std(ddof=1)))
    )
    wrong = 0
    for k in range(12):
        rest = np.delete(low, k)
        wrong += low[k] > multilevel.crossing(rest.mean(), rest.std(ddof=1), high.mean(), high.std(ddof=1))
    assert below.wrong == wrong
    assert below.apparent == (low > threshold).sum()
    assert above.apparent == (high < threshold).sum()
    assert (below.counted.low, below.counted.high) == pytest.approx(clopper_pearson(wrong, 12))


def test_a_reading_that_moves_its_own_threshold_is_wrong_without_itself() -> None:
    """The far reading widens its level, so that its own threshold lies beyond it."""
    low = np.r_[-1.0, -0.5, 0.0, 0.5, 1.0, 2.45]
    high = 4 + np.array([-0.7, -0.3, 0.0, 0.3, 0.7])
    found = multilevel.sides(one(low), one(high))
    assert found is not None
    assert found[1].apparent == 0
    assert found[1].wrong == 1


def test_devices_are_judged_by_the_other_devices() -> None:
    rng = np.random.default_rng(2)
    device = np.repeat([0, 1, 2], 8)
    low = rng.standard_normal(24) + np.array([0.0, 0.0, 2.5])[device]
    high = 5 + rng.standard_normal(24)
    found = multilevel.sides(Readings(low, device), Readings(high, device))
    wrong = 0
    for k in range(3):
        a, b = low[device != k], high[device != k]
        at = multilevel.crossing(a.mean(), a.std(ddof=1), b.mean(), b.std(ddof=1))
        wrong += int((low[device == k] > at).sum())
    assert found is not None
    assert found[1].wrong == wrong > found[1].apparent


def test_readings_of_devices_that_differ_are_worth_fewer() -> None:
    rng = np.random.default_rng(3)
    device = np.repeat(np.arange(200), 10)
    same = Readings(rng.standard_normal(2000), device)
    assert same.icc < 0.03
    differ = Readings(
        np.sqrt(0.8) * rng.standard_normal(200)[device] + np.sqrt(0.2) * rng.standard_normal(2000), device
    )
    assert differ.icc == pytest.approx(0.8, abs=0.05)
    assert differ.effective == pytest.approx(2000 / (1 + 9 * differ.icc))
    stuck = Readings(np.repeat(rng.standard_normal(5), 10), np.repeat(np.arange(5), 10))
    assert stuck.icc == pytest.approx(1.0)
    assert stuck.effective == pytest.approx(5.0)
    alone = Readings(rng.standard_normal(50), np.arange(50))
    assert alone.effective == pytest.approx(50.0)


def test_readings_that_follow_each_other_are_worth_fewer() -> None:
    rng = np.random.default_rng(4)
    steps = rng.standard_normal(2000)
    x = np.zeros(2000)
    for k in range(1, 2000):
        x[k] = 0.7 * x[k - 1] + steps[k]
    assert one(x).serial == pytest.approx(0.7, abs=0.05)
    assert one(x).effective == pytest.approx(2000 * 0.3 / 1.7, rel=0.2)
    chance = [one(np.random.default_rng(k).standard_normal(40)).serial > 0 for k in range(500)]
    assert np.mean(chance) < 0.006


def test_the_scale_is_chosen_by_the_likelihood_of_both() -> None:
    rng = np.random.default_rng(6)
    levels = [np.exp(rng.normal(m, 0.5, 60)) for m in (0.0, 1.0, 2.0)]
    found = multilevel.scale(levels)
    by_hand = sum(
        stats.lognorm.logpdf(x, np.log(x).std(), scale=np.exp(np.log(x).mean())).sum()
        - stats.norm.logpdf(x, x.mean(), x.std()).sum()
        for x in levels
    )
    assert found.name == "log"
    assert found.decided
    assert found.advantage == pytest.approx(by_hand)
    assert multilevel.scale([1e-6 * x for x in levels]).advantage == pytest.approx(by_hand)  # of no unit
    plain = multilevel.scale([rng.normal(10, 2, 200), rng.normal(20, 2, 200)])
    assert plain.name == "linear"
    assert plain.decided
    narrow = multilevel.scale([rng.normal(10, 0.01, 30)])
    assert not narrow.decided
    assert multilevel.scale([np.array([0.0, 1.0, 2.0])]).advantage is None


def test_bits_by_hand() -> None:
    found = multilevel.bit_error_rate([(0.0, 100.0), (0.1, 100.0), (0.1, 100.0), (0.0, 100.0)])
    assert found.value == pytest.approx(0.05 / 2)
    low, high = clopper_pearson(20, 400)
    assert (found.low, found.high) == pytest.approx((low / 2, high / 2))


@pytest.mark.parametrize(("n", "given"), [(8, True), (7, False)])
def test_how_many_readings_a_normal_rate_needs(n: int, given: bool) -> None:
    x = stats.norm.ppf((np.arange(n) + 0.5) / n)
    found = multilevel.sides(one(x), one(x + 2.5))
    assert found is not None
    assert found[1].normal.known is given


def test_a_normal_rate_is_refused_beyond_what_the_readings_reach() -> None:
    x = shuffled(stats.norm.ppf((np.arange(100) + 0.5) / 100))
    sd = x.std(ddof=1)
    limit = -stats.norm.ppf(1 / 1000)  # of 100 readings
    for z, given in ((limit - 0.01, True), (limit + 0.01, False)):
        found = multilevel.sides(one(x), one(x + 2 * z * sd))
        assert found is not None
        assert found[1].normal.known is given
    assert "below 1/(10 n)" in found[1].refused
    heavy = shuffled(stats.t.ppf((np.arange(300) + 0.5) / 300, 3))
    side = multilevel.sides(one(heavy), one(heavy + 5))[1]  # type: ignore[index]
    assert side.refused == "not normal"


@pytest.mark.parametrize(("devices", "apart", "why"), [(4, 0.0, "5 devices"), (5, 0.0, ""), (5, 3.0, "independent")])
def test_a_normal_rate_needs_several_devices(devices: int, apart: float, why: str) -> None:
    x = shuffled(stats.norm.ppf((np.arange(20 * devices) + 0.5) / 20 / devices))
    device = np.tile(np.arange(devices), 20)
    level = Readings(x + apart * stats.norm.ppf((device + 0.5) / devices), device)
    side = multilevel.sides(level, Readings(level.values + 3.5 + 2 * apart, device))[1]  # type: ignore[index]
    assert side.normal.known is not bool(why)
    assert why in side.refused


def table(levels: dict[str, list[float]], device: str = "d") -> MultilevelTable:
    rows = [(device, name, k, g) for name, values in levels.items() for k, g in enumerate(values, 1)]
    return MultilevelTable(pd.DataFrame(rows, columns=["device_id", "level", "repeat", "conductance_s"]))


def spaced(middle: float, n: int = 20, sd: float = 1.0) -> list[float]:
    return list(1e-6 * (middle + sd * shuffled(stats.norm.ppf((np.arange(n) + 0.5) / n))))


def test_levels_are_sorted_by_their_medians_and_counts_add_up() -> None:
    found = merit.characterize(table({"c": spaced(30), "a": spaced(10), "b": [*spaced(20), 28.5e-6, 11.5e-6]}))
    assert [each.name for each in found.levels] == ["a", "b", "c"]
    b = found.levels[1]
    assert b.wrong == 2
    assert found.levels[0].wrong == found.levels[2].wrong == 0
    assert found.bit_errors is not None
    assert found.bit_errors.value == pytest.approx(2 / 22 / 3 / np.log2(3))
    assert found.worst is not None
    assert found.worst[1].wrong == 1
    assert "heavy_tail" in {each.code for each in found.warnings}


def test_levels_without_a_threshold_are_reported() -> None:
    inside = merit.characterize(table({"a": spaced(10, sd=0.5), "b": spaced(10.2, sd=3.0), "c": spaced(60)}))
    assert inside.bit_errors is None
    assert "undecided" in {each.code for each in inside.warnings}
    assert any(pair.threshold_s is None for pair in inside.neighbours)
    few = merit.characterize(table({"a": spaced(10), "b": spaced(20, 4), "c": spaced(30), "d": spaced(40)}))
    assert [pair.threshold_s is None for pair in few.neighbours] == [True, True, False]
    assert few.bit_errors is None
    assert "few_points" in {each.code for each in few.warnings}
    assert {each.name for each in few.scalars()} == {"levels", "bits", "level_error"}
    with pytest.raises(TraceError, match="2 to 256"):
        merit.characterize(table({"a": spaced(10)}))
    with pytest.raises(TraceError, match="5 readings"):
        merit.characterize(table({"a": spaced(10), "b": spaced(20, 4)}))
    for result in (inside, few):
        assert result.blocks()
        json.dumps(result.as_dict(), allow_nan=False)


def test_devices_with_thresholds_of_their_own_make_fewer_errors() -> None:
    truth = LevelTruth((10e-6, 20e-6, 30e-6), 1e-6, 0.0)
    frames = [made(1, 30, truth=truth, seed=k).frame for k in range(4)]
    shifted = [f.assign(device_id=f"d{k}", conductance_s=f["conductance_s"] + 2e-6 * k) for k, f in enumerate(frames)]
    found = merit.characterize(MultilevelTable(pd.concat(shifted, ignore_index=True)))
    common = sum(each.wrong or 0 for each in found.levels)
    assert common > 10
    assert found.own_share() is not None
    assert sum(each.wrong or 0 for each in found.own) < common / 5
    assert list(found.tables()) == ["levels", "level_pairs", "level_devices"]


def test_equal_readings_and_zeros_are_accepted() -> None:
    found = merit.characterize(table({"a": [0.0] * 6, "b": [2e-6] * 6, "c": spaced(9, 8)}))
    assert found.scale.name == "linear"
    assert found.neighbours[0].threshold_s == pytest.approx(1e-6)
    assert found.neighbours[0].below is not None
    assert "equal" in found.neighbours[0].below.refused
    assert not found.neighbours[0].below.normal.known
    found.panel().draw()
    assert found.blocks()


def test_the_shipped_set_gives_its_truth() -> None:
    dataset = catalog.get("reference-multilevel")
    assert dataset.synthetic
    found = devicekit.characterize(dataset.data)
    json.dumps(found.as_dict(), allow_nan=False)
    assert describe(found.table).contents["levels"] == [f"L{k}" for k in range(8)]
    preview(found.table).draw()
    result = found.results["multilevel"]
    assert isinstance(result, merit.MultilevelResult)
    truth = LevelTruth()
    wide = np.hypot(truth.sd_s, truth.device_sd_s)
    error = 2 * 7 / 8 * stats.norm.sf(10e-6 / wide) / 3
    scalars = {each.name: each for each in found.scalars()}
    assert scalars["bits"].value == 3
    assert scalars["bit_error_rate"].low < error < scalars["bit_error_rate"].high
    assert [pair.threshold_s for pair in result.neighbours] == pytest.approx([2e-5 * k for k in range(1, 8)], rel=0.06)
    assert result.levels[3].target_s == pytest.approx(70e-6)
    result.panel().draw()
    assert found.section("x", "y").blocks


@pytest.mark.slow
def test_counted_intervals_cover() -> None:
    """Ten runs of each line of the benchmark, taken together."""
    path = Path(__file__).parents[3] / "benchmarks" / "level_coverage.py"
    spec = importlib.util.spec_from_file_location("level_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with np.errstate(all="ignore"):
        assert np.mean([each.covered for each in module.cells(40)]) > 0.95


def test_devices_of_unequal_numbers_count_by_the_mean_size_that_a_reading_sees() -> None:
    """2, 4 and 6 equal readings: a reading sees (4 + 16 + 36) / 12 of its own device, so 12 are worth 12 x 12 / 56."""
    device = np.repeat([0, 1, 2], [2, 4, 6])
    assert Readings(np.array([1.0, 2.0, 4.0])[device], device).effective == pytest.approx(144 / 56)


@pytest.mark.parametrize("device", [[0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 2, 2]])
def test_the_other_readings_have_a_sample_mean_and_deviation(device: list[int]) -> None:
    """Of one device all but the reading itself, of several those of the other devices."""
    x, which = np.array([1.0, 2.0, 4.0, 8.0, 9.0, 9.5]), np.array(device)
    mean, sd = Readings(x, which).without()
    others = [x[which != which[k]] if which.any() else np.delete(x, k) for k in range(6)]
    assert mean == pytest.approx([each.mean() for each in others])
    assert sd == pytest.approx([each.std(ddof=1) for each in others])
