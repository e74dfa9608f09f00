"""Just inside and just outside: the end of a sweep, plateaus, readings, compliances of one level, few values.

The measured test and its twin that runs everywhere:
test_the_measured_ladder_...: test_measured_twins.py::test_a_ladder_has_four_levels_of_sets_and_resets
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit.features.dc.compliance import Plateau, is_flat, plateau
from devicekit.features.definitions import MEANINGS, OUTCOMES, POLARITIES
from devicekit.features.merits import dc
from devicekit.features.merits.dc import DcResult
from devicekit.features.stats import spread
from devicekit.tables import SweepTable

UP = np.round(np.arange(0, 1.005, 0.02), 10)
LOOP = np.r_[UP, UP[-2::-1]]
FINE = np.round(np.arange(0, 1.0025, 0.005), 10)
DOCS = Path(__file__).parents[3] / "docs" / "concepts" / "set-voltage.md"


def loop(g: np.ndarray, up: np.ndarray = UP, after: float | None = None) -> np.ndarray:
    """Current of a loop whose conductance is g on the way up, and stays (or is `after`) on the way back."""
    return np.r_[g * up, (g[-1] if after is None else after) * up[-2::-1]]


def characterized(*currents: np.ndarray, up: np.ndarray = UP, **columns: object) -> DcResult:
    """DC figures of loops of positive voltage with these currents."""
    v = np.r_[up, up[-2::-1]]
    frames = [
        pd.DataFrame(
            {"device_id": "d", "cycle": k, "point": np.arange(v.size), "voltage_v": v, "current_a": i, **columns}
        )
        for k, i in enumerate(currents, 1)
    ]
    return dc.characterize(SweepTable(pd.concat(frames, ignore_index=True)))


def jump(at: float, before: float, after: float) -> np.ndarray:
    """A loop whose conductance jumps at a voltage."""
    return loop(np.where(at - 1e-9 > UP, before, after))


@pytest.mark.parametrize(("at", "inside"), [(0.98, True), (1.0, False)])
def test_two_voltages_beyond_v_set_are_enough_and_one_is_not(at: float, inside: bool) -> None:
    """A jump between 0.96 and 0.98 V leaves 0.98 and 1 V; one between 0.98 and 1 V leaves 1 V."""
    result = characterized(jump(at, 1e-6, 1e-4))
    row = result.cycles.iloc[0]
    assert row["outcome"] == ("switched" if inside else "at_limit")
    assert row["v_set_v"] == pytest.approx(0.97 if inside else np.nan, nan_ok=True)
    assert row["set_limit_v"] == pytest.approx(np.nan if inside else 1.0, nan_ok=True)
    assert (row["g_hrs_s"], row["g_lrs_s"]) == (pytest.approx(1e-6), pytest.approx(1e-4))
    assert (result.spread("v_set_v") is None) != inside


def test_a_set_that_reaches_its_compliance_is_over() -> None:
    row = characterized(np.minimum(jump(1.0, 1e-6, 1e-4), 5e-5), compliance_a=5e-5).cycles.iloc[0]
    assert row["v_set_v"] == pytest.approx(0.98 + 0.02 * np.log(10) / np.log(50), abs=1e-6)
    assert np.isnan(row["set_limit_v"])


def test_a_set_that_the_compliance_cuts_off_before_half_way_happened_there() -> None:
    """At 0.6 V the current is limited to 3 uA: I / V is 5 uS, short of half-way from 1 to 100 uS, which is 10 uS."""
    row = characterized(np.minimum(jump(0.6, 1e-6, 1e-4), 3e-6), compliance_a=3e-6).cycles.iloc[0]
    assert row["v_set_v"] == pytest.approx(0.6)


def test_a_compliance_does_not_make_a_set_gradual() -> None:
    """ln G rises evenly over 0.3 V about 0.6 V: two thirds of it within a twentieth of 2 V, limited or not."""
    up = np.round(np.arange(0, 2.005, 0.01), 10)
    i = loop(1e-6 * 1000 ** np.clip((up - 0.45) / 0.3, 0, 1), up)
    for limit in (7.55e-4, 1.0):
        row = characterized(np.minimum(i, limit), up=up, compliance_a=limit).cycles.iloc[0]
        assert row["outcome"] == "switched"
        assert row["v_set_v"] == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize(("at", "inside"), [(0.98, True), (1.0, False)])
def test_two_voltages_beyond_v_reset_are_enough_and_one_is_not(at: float, inside: bool) -> None:
    frame = pd.DataFrame({"voltage_v": LOOP, "current_a": jump(at, 1e-4, 1e-6), "device_id": "d", "cycle": 1})
    table = SweepTable(frame.assign(point=range(len(frame))))
    row = dc.characterize(table, v_reset="steepest_drop").cycles.iloc[0]
    assert row["outcome"] == ("reset_only" if inside else "at_limit")
    assert row["v_reset_v"] == pytest.approx(0.97 if inside else np.nan, nan_ok=True)
    assert row["reset_limit_v"] == pytest.approx(np.nan if inside else 1.0, nan_ok=True)


def parabola(peak: float) -> np.ndarray:
    """I = V (1 - V / 2 peak) x 100 uS on the way up; back along the conductance reached at 1 V."""
    return loop(1e-4 * (1 - FINE / (2 * peak)), FINE)


@pytest.mark.parametrize(("peak", "inside"), [(0.81, True), (0.83, False)])
def test_a_peak_is_passed_when_the_current_has_fallen_by_5_percent(peak: float, inside: bool) -> None:
    """I(1 V) over I(peak) is (2 p - 1) / p^2: 0.945 for 0.81 V, and 0.958 for 0.83 V."""
    assert ((2 * peak - 1) / peak**2 < 0.95) == inside
    row = characterized(parabola(peak), up=FINE).cycles.iloc[0]
    assert row["on_off"] == pytest.approx((1 - 0.1 / peak / 2) / (1 - 1 / peak / 2), rel=0.02)
    assert row["v_reset_v"] == pytest.approx(peak if inside else np.nan, abs=1e-9, nan_ok=True)
    assert row["outcome"] == ("reset_only" if inside else "at_limit")


def test_what_lies_at_the_limit_is_counted_and_left_out() -> None:
    result = characterized(*(parabola(peak) for peak in (0.70, 0.84, 0.72, 0.90, 0.74)), up=FINE)
    found = result.spread("v_reset_v")
    assert found is not None
    assert (found.n, found.median) == (3, pytest.approx(0.72))
    assert found.c2c is not None
    assert found.c2c.value == pytest.approx(0.02)
    assert result.at_limit == {"v_set_v": 0, "v_reset_v": 2}
    assert result.as_dict()["at_limit"] == {"v_set_v": 0, "v_reset_v": 2}
    assert any(
        "2 of 5 sweeps" in sentence and "(about 1 V)" in sentence and "V_reset" in sentence
        for sentence in result.sentences()
    )
    levels = result.spread("g_hrs_s")
    assert levels is not None
    assert levels.n == 5  # the states before and after are what they are


def test_noise_at_the_end_is_not_a_peak() -> None:
    """A reset whose current still rises slowly at the end of the sweep, under noise of 3 %, has no V_reset."""
    rng = np.random.default_rng(3)
    g = 1e-4 * (1 - 0.75 * FINE**2 / (FINE**2 + 0.25))
    rising = [loop(g, FINE) * (1 + 0.03 * rng.standard_normal(2 * FINE.size - 1)) for _ in range(40)]
    assert np.diff(g * FINE).min() > 0
    result = characterized(*rising, up=FINE)
    assert result.outcomes == {"at_limit": 40}
    assert result.spread("v_reset_v") is None


def test_a_plateau_is_flat_within_two_standard_errors() -> None:
    """Slope plus two errors: 0.20 + 0.04 is below 0.25 and 0.22 + 0.04 is not, but over two sweeps 0.22 + 0.028 is."""

    def of(slope: float, points: int = 6) -> Plateau:
        return Plateau(1e-4, points, False, slope, 0.02, 0.05)

    assert is_flat([of(0.20)])
    assert not is_flat([of(0.22)])
    assert is_flat([of(0.22), of(0.22)])
    assert not is_flat([of(0.0, 4)])
    assert is_flat([of(0.0, 5)])


def limited(noise: float, level: float, at: float, seed: int) -> np.ndarray:
    """A set at a voltage whose current is limited, with noise on all readings, those at the limit too."""
    rng = np.random.default_rng(seed)
    return np.minimum(jump(at, 1e-6, 1e-3), level) * (1 + noise * rng.standard_normal(LOOP.size))


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.03])
def test_a_compliance_under_noise_is_found_over_several_sweeps(noise: float) -> None:
    result = characterized(*(limited(noise, 2e-4, 0.5, seed) for seed in range(6)))
    np.testing.assert_allclose(result.cycles["compliance_a"], 2e-4, rtol=1e-9 + noise / 4)
    assert set(result.cycles["compliance_source"]) == {"data"}
    assert any("Compliance 20" in sentence and "in 6 of 6 sweeps" in sentence for sentence in result.sentences())


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_resistor_at_its_largest_voltage_has_no_compliance(noise: float) -> None:
    free = [limited(noise, 1.0, 0.5, seed) for seed in range(10)]
    result = characterized(*free)
    assert result.outcomes == {"switched": 10}
    assert result.cycles["compliance_a"].isna().all()
    assert not any("from the data" in sentence for sentence in result.sentences())


@pytest.mark.parametrize(("others", "known"), [(3, True), (2, False)])
def test_three_plateaus_give_the_compliance_of_a_sweep_that_reaches_it_at_its_end(others: int, known: bool) -> None:
    """The last sweep carries 0.2 mA at its last voltage only, by chance of a single step or by the limit."""
    i = jump(1.0, 1e-6, 1e-3)
    i[: UP.size] = np.where(UP >= 0.96 - 1e-9, 2e-4, i[: UP.size])
    i[UP.size - 3] = 1.9e-4
    i[UP.size :] = 1e-4 * UP[-2::-1]
    result = characterized(*(limited(0.01, 2e-4, 0.5, seed) for seed in range(others)), i)
    assert np.isfinite(result.cycles["compliance_a"].iloc[-1]) == known


@pytest.mark.parametrize(("second", "levels"), [(2.08e-4, 1), (2.12e-4, 2)])
def test_plateaus_within_5_percent_are_one_compliance(second: float, levels: int) -> None:
    result = characterized(*(limited(0.0, level, 0.5, 0) for level in (2e-4, second)))
    assert result.cycles["compliance_a"].nunique() == levels


def test_a_stated_limit_that_is_far_from_reached_gives_way_to_the_plateau() -> None:
    """An instrument's 10 mA beside a transistor that limits at 0.2 mA; at half of what is stated, it stands."""
    for stated, limit, source in ((1e-2, 2e-4, "data"), (4.1e-4, 2e-4, "data"), (3.9e-4, 3.9e-4, "stated")):
        row = characterized(limited(0.0, 2e-4, 0.5, 0), compliance_a=stated).cycles.iloc[0]
        assert (row["compliance_a"], row["compliance_source"]) == (pytest.approx(limit), source)


@pytest.mark.parametrize(("ratio", "reads"), [(1.19, True), (1.21, False)])
def test_a_change_of_a_fifth_is_more_than_a_reading(ratio: float, reads: bool) -> None:
    result = characterized(jump(0.5, 1e-5, 1e-5 * ratio))
    assert result.outcomes == ({"read": 1} if reads else {"failed": 1})
    assert len(result.sentences()) == (1 if reads else 2)
    assert result.spreads == ()
    assert result.polarity.word == "unknown"


@pytest.mark.parametrize(("ratio", "reads"), [(1.95, True), (2.05, False)])
def test_a_reading_is_straight_within_a_factor_of_two(ratio: float, reads: bool) -> None:
    """G is this much larger from 0.5 V on, there and back: no state changes."""
    g = np.where(UP >= 0.5, 1e-5 * ratio, 1e-5)
    i = np.r_[g * UP, (g * UP)[-2::-1]]
    assert characterized(i).outcomes == ({"read": 1} if reads else {"failed": 1})


@pytest.mark.parametrize(("straight", "reads"), [(9, True), (8, False)])
def test_nine_in_ten_sweeps_make_a_table_of_readings(straight: int, reads: bool) -> None:
    curved = loop(np.where(UP >= 0.5, 3e-5, 1e-5), after=3e-5)[: UP.size]
    parts = [1e-5 * UP] * straight + [curved] * (10 - straight)
    frames = [
        pd.DataFrame({"device_id": f"d{k}", "cycle": 1, "point": range(UP.size), "voltage_v": UP, "current_a": i})
        for k, i in enumerate(parts)
    ]
    result = dc.characterize(SweepTable(pd.concat(frames)))
    assert result.reads == reads
    assert (result.sentences()[0].startswith("10 sweeps up to 1 V")) == reads


def ladder(order: list[tuple[str, float | None, float]]) -> DcResult:
    """Sweeps of one device: set or reset, stated compliance or none, LRS."""
    frames = []
    for k, (kind, limit, lrs) in enumerate(order, 1):
        i = jump(0.5, 1e-6, lrs) if kind == "set" else jump(0.5, lrs, 2e-6)
        sign = 1 if kind == "set" else -1
        frame = pd.DataFrame({"device_id": "d", "cycle": k, "voltage_v": sign * LOOP, "current_a": sign * i})
        frames.append(frame.assign(point=range(LOOP.size), compliance_a=np.nan if limit is None else limit))
    return dc.characterize(SweepTable(pd.concat(frames)))


def test_figures_stand_by_compliance_where_there_are_several() -> None:
    """A reset goes with its own stated compliance, else with the last set of the device before it."""
    interleaved = ladder([("set", 1e-3, 1e-4), ("reset", None, 1e-4), ("set", 2e-3, 2e-4), ("reset", None, 2e-4)])
    stated = ladder([("set", 1e-3, 1e-4), ("set", 2e-3, 2e-4), ("reset", 1e-3, 1e-4), ("reset", 2e-3, 2e-4)])
    for result in (interleaved, stated):
        assert result.spreads == ()
        table = result.by_compliance
        assert list(table["compliance_a"]) == [1e-3, 2e-3]
        assert list(table["n"]) == list(table["n_reset"]) == [1, 1]
        np.testing.assert_allclose(table["g_lrs_s"], [1e-4, 2e-4])
        np.testing.assert_allclose(table["g_before_reset_s"], [1e-4, 2e-4])
        np.testing.assert_allclose(table["g_after_reset_s"], 2e-6)
        np.testing.assert_allclose(table["v_set_v"], 0.49)
        np.testing.assert_allclose(table["v_reset_v"], -0.48)
        assert table[["v_set_c2c_v", "v_reset_c2c_v", "g_lrs_low_s", "log10_sd"]].isna().all(axis=None)
        assert any("100 to 200 µS" in sentence for sentence in result.sentences())
        assert [each.cells()[:3] for each in result.levels] == [("1 mA", "1", "0.49 V"), ("2 mA", "1", "0.49 V")]


@pytest.mark.parametrize(("second", "levels"), [(1.019e-3, 0), (1.021e-3, 2)])
def test_compliances_within_2_percent_are_one(second: float, levels: int) -> None:
    result = ladder([("set", 1e-3, 1e-4), ("set", second, 2e-4)])
    assert len(result.levels) == levels
    assert bool(result.spreads) == (levels == 0)


def test_confidence_intervals_of_c2c_and_d2d() -> None:
    """Chi-squared of 2 degrees of freedom: 7.3778 and 0.050636; of 3: 9.3484 and 0.21580; of 1: 0.00098207."""
    each = spread(pd.Series([1.0, 2, 4]), pd.Series(["a", "b", "c"]), "x", "V")
    assert each is not None
    assert each.c2c is None
    assert each.d2d is not None
    assert each.d2d.ends == pytest.approx((np.sqrt(7 / 3 * 2 / 7.3778), np.sqrt(7 / 3 * 2 / 0.050636)), rel=1e-4)
    # within 4/3 with 3 degrees of freedom, between devices 19.2 with 1, mean size 2.4; F(1, 3) 17.443 and 0.0011572
    both = spread(pd.Series([1.0, 2, 3, 5, 7]), pd.Series(["a", "a", "a", "b", "b"]), "x", "V")
    assert both is not None
    assert both.c2c is not None
    assert both.d2d is not None
    assert both.c2c.ends == pytest.approx((np.sqrt(4 / 9.3484), np.sqrt(4 / 0.21580)), rel=1e-4)
    assert both.d2d.low == 0
    assert both.d2d.high == pytest.approx(np.sqrt((19.2 - 0.0011572 * 4 / 3) / (2.4 * 0.00098207)), rel=1e-4)
    one = spread(pd.Series([0.5]), pd.Series(["a"]), "x", "V")
    assert one is not None
    assert (one.n, one.median, one.c2c, one.d2d) == (1, 0.5, None, None)
    assert np.isnan([one.low, one.high]).all()


def test_the_page_lists_every_outcome_and_polarity() -> None:
    page = DOCS.read_text("utf-8")
    assert [word for word in [*OUTCOMES, *POLARITIES] if f"`{word}`" not in page] == []
    assert set(MEANINGS) <= set(OUTCOMES)


def test_the_measured_ladder_has_four_levels_of_sets_and_resets(measured: Path) -> None:
    """Set and reset of one memristor at four compliances; the reset at 50 uA has its largest current at its end."""
    wide = pd.read_csv(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv")
    frames = []
    for limit in (50, 100, 200, 400):
        for kind in ("set", "reset"):
            names = {f"V_{kind}_{limit}uA": "voltage_v", f"I_{kind}_{limit}uA": "current_a"}
            rows = wide[list(names)].rename(columns=names).dropna()
            frames.append(rows.assign(current_a=1e-6 * rows["current_a"], device_id="d", cycle=len(frames) + 1))
            frames[-1]["point"] = range(len(rows))
    result = dc.characterize(SweepTable(pd.concat(frames)))
    assert result.polarity.word == "bipolar"
    assert list(result.cycles["outcome"][::2]) == ["gradual", "gradual", "switched", "switched"]
    assert list(result.cycles["outcome"][1::2]) == ["at_limit", "reset_only", "reset_only", "reset_only"]
    table = result.by_compliance
    np.testing.assert_allclose(table["compliance_a"], [50e-6, 100e-6, 200e-6, 400e-6], rtol=2e-3)
    np.testing.assert_allclose(table["g_lrs_s"], [95.06e-6, 173.0e-6, 320.8e-6, 524.7e-6], rtol=1e-3)
    np.testing.assert_allclose(table["v_reset_v"], [np.nan, -0.936, -0.912, -0.672], atol=1e-6)
    assert list(table["reset_at_limit"]) == [1, 0, 0, 0]
    assert table["v_set_v"].between(0.5, 0.7).all()


def test_a_plateau_is_as_wide_as_three_standard_deviations_of_its_noise() -> None:
    """Half-widths of 3 x 1.2 % of the level, by second differences, whose standard deviation is sqrt(6) times that."""
    rng = np.random.default_rng(5)
    v = np.r_[np.linspace(0.5, 1.0, 1000), np.linspace(1.0, 0.5, 1000)]
    found = plateau(v, 1e-3 * (1.0 + 0.012 * rng.standard_normal(2000)), 999)
    assert found is not None
    assert found.width == pytest.approx(0.036, rel=0.1)


def test_a_current_at_its_limit_does_not_count_as_the_state() -> None:
    """An LRS of 500 uS reaches 40 uA at 0.08 V, below the read voltage of 0.1 V."""
    g = np.where(UP > 0.8, 5e-4, 5e-6)
    full = loop(g)
    limited = characterized(*[np.minimum(full, 4e-5)] * 3)
    assert limited.cycles["g_lrs_s"].to_numpy() == pytest.approx(5e-4, rel=1e-6)
    assert limited.cycles["g_hrs_s"].to_numpy() == pytest.approx(5e-6, rel=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize(
    ("high", "readings", "at_zero", "is_limit"),
    [
        (1.9, 2, 0.0, True),  # a transient after the jump
        (1.9, 3, 0.0, False),
        (2.1, 2, 0.0, False),
        (8.0, 20, 0.0, False),  # a reset: the LRS carried more
        (1.0, 2, 0.4, True),
        (1.0, 2, 0.6, False),  # an offset, or the floor of the instrument
    ],
)
def test_a_flat_current_is_a_limit_only_where_the_current_is_largest(
    high: float, readings: int, at_zero: float, is_limit: bool, noise: float
) -> None:
    level, back = 1e-4, UP[-2::-1]
    i = np.r_[np.where(UP > 0.5, level, 0.1 * level * UP), np.minimum(level, 4 * level * back)]
    i[26 : 26 + min(readings, 3)] = high * level
    i[26 - max(readings - 3, 0) : 26] = high * level
    i[[0, -1]] = at_zero * level
    i *= 1 + noise * np.random.default_rng(3).standard_normal(i.size)
    found = plateau(np.r_[UP, back], i, UP.size - 1)
    assert (found is not None) == is_limit
    assert found is None or found.level == pytest.approx(level, rel=0.01)
