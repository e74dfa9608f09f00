"""Lives over write cycles: Weibull's law, what refuses it, trends of the window, and what a card says of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from devicekit.core.errors import TraceError
from devicekit.core.records import Estimate
from devicekit.device.measured import Endurance
from devicekit.features.characterize import characterize as everything
from devicekit.features.lives import wear
from devicekit.features.lives.censored import Undetermined
from devicekit.features.merits import endurance
from devicekit.features.relaxation import decay
from devicekit.synthetic import ageing
from devicekit.tables import EnduranceTable


def cut(t: np.ndarray, end: float) -> tuple[np.ndarray, np.ndarray]:
    return np.minimum(t, end), np.where(t > end, np.inf, t)


def test_shape_scale_and_lives_are_scipys() -> None:
    from scipy.stats import CensoredData, weibull_min

    t = 4e5 * np.random.default_rng(4).weibull(1.8, 20)
    low, high = cut(t, 5e5)
    life = wear.weibull(low, high)
    held = int((t > 5e5).sum())
    assert (life.n, life.failures, life.longest) == (20, 20 - held, 5e5)
    shape, _, scale = weibull_min.fit(CensoredData(uncensored=t[t <= 5e5], right=np.full(held, 5e5)), floc=0)
    assert life.shape.value == pytest.approx(shape, rel=1e-4)
    assert life.scale.value == pytest.approx(scale, rel=1e-4)
    for each in life.shares:
        assert each.cycles is not None
        assert each.cycles.value == pytest.approx(weibull_min.ppf(each.share, shape, scale=scale), rel=1e-3)


def test_intervals_are_where_the_profile_has_fallen_by_students_t() -> None:
    """Of the shape: with exact and right-censored lives, the scale has a closed form at each shape."""
    from scipy.stats import t as student

    t = np.random.default_rng(8).weibull(1.8, 12)
    low, high = cut(t, 1.1)
    failed = np.isfinite(high)
    k = int(failed.sum())

    def loglik(shape: float) -> float:
        scale = ((low**shape).sum() / k) ** (1 / shape)
        u = (low / scale) ** shape
        return float((np.log(shape / low) + np.log(u))[failed].sum() - u.sum()) + float(np.log(low[failed]).sum())

    life = wear.weibull(low, high)
    fall = k * np.log1p(student.ppf(0.975, k - 1) ** 2 / (k - 1))
    assert life.shape.ends is not None
    for end in life.shape.ends:
        assert 2 * (loglik(life.shape.value) - loglik(end)) == pytest.approx(fall, rel=1e-3)


def test_of_a_failure_only_its_two_readings_count() -> None:
    """A grid much finer than the scatter gives the exact fit; a coarse one a wider interval about the same truth."""
    t = np.random.default_rng(2).weibull(2.0, 200)
    exact = wear.weibull(t, t)
    fine = wear.weibull(t * 0.9999, t * 1.0001)
    assert fine.shape.value == pytest.approx(exact.shape.value, rel=1e-3)
    edges = np.geomspace(0.05, 4, 12)
    at = np.searchsorted(edges, t)
    inside = (at > 0) & (at < 12)
    coarse = wear.weibull(edges[at[inside] - 1], edges[at[inside]])
    assert coarse.shape.ends is not None
    assert exact.shape.ends is not None
    assert coarse.shape.ends[0] < 2.0 < coarse.shape.ends[1]
    assert np.ptp(coarse.shape.ends) > np.ptp(exact.shape.ends)


@pytest.mark.parametrize(("failures", "given"), [(2, False), (3, True)])
def test_three_failures_are_needed(failures: int, given: bool) -> None:
    t = np.array([1e4, 3e4, 5e4, 1e6, 1e6])
    high = np.where(np.arange(5) < failures, t, np.inf)
    if given:
        assert wear.weibull(t, high).failures == 3
    else:
        with pytest.raises(Undetermined, match="2 of 5 devices failed"):
            wear.weibull(t, high)


def test_failures_between_the_same_two_readings_give_no_law() -> None:
    with pytest.raises(Undetermined, match="same two readings"):
        wear.weibull(np.full(4, 1e3), np.full(4, 1e4))
    with pytest.raises(Undetermined):  # at the last reading, and another device held until then
        wear.weibull(np.array([1e3, 1e3, 1e3, 1e4]), np.array([1e4, 1e4, 1e4, np.inf]))


def test_no_life_far_beyond_the_longest_record() -> None:
    """Four early failures of two hundred: half of them have failed long after the record."""
    t = np.r_[[2e3, 2e4, 1e5, 6e5], np.full(196, 1e6)]
    high = np.where(np.arange(200) < 4, t, np.inf)
    one, tenth, half = wear.weibull(t, high).shares
    assert one.cycles is not None
    assert one.cycles.value < 1e6
    assert half.cycles is None
    assert str(half.reason).startswith("beyond 3 times")
    assert tenth.cycles is None


@pytest.mark.parametrize(("last", "given"), [(1.01, True), (0.99, False)])
def test_where_that_limit_lies(monkeypatch: pytest.MonkeyPatch, last: float, given: bool) -> None:
    t = np.random.default_rng(1).weibull(1.5, 30)
    found = wear.weibull(*cut(t, 0.5))
    shares = [each.cycles.value for each in found.shares if each.cycles]
    monkeypatch.setattr(wear, "FARTHEST", last * shares[-1] / 0.5)
    assert (wear.weibull(*cut(t, 0.5)).shares[-1].cycles is not None) is given


def test_places_of_a_probability_plot() -> None:
    """Complete: (i - 1/2) / n. Censored: the steps of Kaplan and Meier, by hand."""
    t = np.array([30.0, 10.0, 20.0, 40.0])
    cycles, shares = wear.positions(t, t)
    assert cycles.tolist() == [10, 20, 30, 40]
    assert shares == pytest.approx([0.125, 0.375, 0.625, 0.875])
    cycles, shares = wear.positions(t, np.array([30.0, 10.0, np.inf, 40.0]))  # 20 held
    assert cycles.tolist() == [10, 30, 40]
    assert shares == pytest.approx([0.125, 0.25 + 0.375 / 2, 0.625 + 0.375 / 2])
    cycles, _ = wear.positions(np.array([100.0, 0.0]), np.array([400.0, 50.0]))
    assert cycles == pytest.approx([50.0, 200.0])


def test_the_trend_is_that_of_a_power_law() -> None:
    cycle = np.array([0, 1, 10, 100, 1000, 10_000])
    found = wear.trend(pd.Series(50.0 * np.maximum(cycle, 1.0) ** -0.08, cycle))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((-0.08,) * 3)
    assert wear.trend(pd.Series([5.0, 4.0], [1, 10])) is None
    assert wear.trend(pd.Series([5.0, 4.0, 3.0], [0, 1, 10])) is None


def test_a_window_that_drifts_has_a_trend_without_an_interval() -> None:
    rng = np.random.default_rng(0)
    cycle = np.unique(np.geomspace(1, 1e6, 61).astype(int))
    noise = 0.05 * rng.standard_normal(cycle.size)
    straight = 100 * cycle**-0.08
    scattered, drifting = (wear.trend(pd.Series(straight * 10**z, cycle)) for z in (noise, np.cumsum(noise)))
    assert scattered is not None
    assert scattered.ends is not None
    assert scattered.ends[0] < -0.08 < scattered.ends[1]
    assert drifting is not None
    assert drifting.ends is None


def test_over_devices_it_is_students() -> None:
    own = [Estimate(-0.05, -0.06, -0.04), Estimate(-0.09, -0.1, -0.08)]
    both = wear.common_trend(own)
    assert both is not None
    assert both.value == pytest.approx(-0.07)
    assert both.ends == pytest.approx((-0.07 - 12.706 * 0.02, -0.07 + 12.706 * 0.02), rel=1e-3)
    assert wear.common_trend(own[:1]) == own[0]
    assert wear.common_trend([]) is None


def readings(cycles: list[int], ratios: dict[str, list[float]]) -> EnduranceTable:
    """On/off of each device at each cycle."""
    rows = [
        {"device_id": name, "cycle": cycle, "level": level, "conductance_s": 1e-4 if level == "lrs" else 1e-4 / ratio}
        for name, own in ratios.items()
        for cycle, ratio in zip(cycles, own, strict=True)
        for level in ("lrs", "hrs")
    ]
    return EnduranceTable(pd.DataFrame(rows))


def test_between_which_cycles_a_device_failed() -> None:
    cycles = [1, 10, 100, 1000, 10_000, 100_000]
    table = readings(
        cycles,
        {
            "fails": [9, 1, 9, 1, 1, 1],
            "holds": [9, 9, 9, 9, 9, 9],
            "ends badly": [9, 9, 9, 9, 1, 1],
            "never": [1, 1, 1, 1, 1, 1],
            "late": [9, 1, 1, 1, 9, 9],
        },
    )
    found = endurance.characterize(table)
    state = {each.device_id: (each.held_to, each.failed_at, each.ends_bad_at) for each in found.devices}
    assert state == {
        "fails": (100, 1000, None),
        "holds": (100_000, None, None),
        "ends badly": (1000, None, 10_000),
        "never": (0, 1, None),
        "late": (1, 10, None),
    }
    assert found.yield_ == 0.4
    assert found.life is not None
    assert found.life.n == 4
    assert sorted(zip(found.life.low, found.life.high, strict=True)) == [
        (1, 10), (100, 1000), (1000, 10_000), (100_000, np.inf)
    ]  # fmt: skip
    messages = {warning.code: warning.message for warning in found.warnings}
    assert "never" in messages["dropped"]
    assert "ends badly" in messages["unsettled_end"]


def test_the_trend_ends_where_the_device_fails() -> None:
    cycles = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
    found = endurance.characterize(readings(cycles, {"d": [80, 40, 20, 10, 1, 1, 1]}))
    slope = found.devices[0].on_off_slope
    assert slope is not None
    assert slope.value == pytest.approx(-np.log10(2))
    assert found.on_off_slope == slope


def test_without_a_failure_there_is_a_bound_and_no_life() -> None:
    found = endurance.characterize(readings([1, 10, 100, 1000], {name: [9, 9, 9, 9] for name in "abcde"}))
    assert found.life is None
    words = found.sentences()[-1]
    assert "at least 47.8 %" in words  # 0.025^(1/5)
    assert "1e+03 cycles" in words
    assert "endurance_life" not in found.tables()
    with pytest.raises(TraceError, match="lifetime"):
        found.life_panel()
    one = endurance.characterize(readings([1, 10, 100, 1000], {"a": [9, 1, 1, 1], "b": [9, 9, 9, 9]}))
    assert one.life is None
    assert str(one.no_life).startswith("1 of 2 devices")
    assert one.no_life in one.sentences()[-1]


def test_the_reference_set_recovers_its_truth_and_goes_on_a_card() -> None:
    table, truth = ageing.wear(), ageing.WearTruth()
    found = everything(table)
    result = found.results["endurance"]
    life = result.life
    assert (life.n, sum(each.failed_at is not None for each in result.devices)) == (20, 13)
    truths = [truth.shape, truth.scale, *(truth.scale * (-np.log1p(-s)) ** (1 / truth.shape) for s in wear.SHARES)]
    for estimate, value in zip((life.shape, life.scale, *(s.cycles for s in life.shares)), truths, strict=True):
        assert estimate.low < value < estimate.high
    assert result.on_off_slope.low < -truth.narrowing < result.on_off_slope.high
    json.dumps(found.as_dict(), allow_nan=False)
    text = " ".join(result.sentences())
    assert "1 % after" in text
    assert "below 1 in 20" in text
    block = found.for_card()["endurance"]
    again = Endurance.model_validate_json(block.model_dump_json())
    assert again == block
    scalars = {each.name: each for each in block.scalars()}
    assert scalars["endurance_life_10"].value == life.shares[1].cycles.value
    assert scalars["endurance_life_10"].by == result.criterion
    assert scalars["endurance_shape"].low == life.shape.low
    rows = found.tables["endurance_life"].set_index("number")
    assert rows.loc["cycles_10_percent", "value"] == life.shares[1].cycles.value
    assert (rows["criterion"] == result.criterion).all()
    for panel in (result.panel(), result.window_panel(), result.life_panel()):
        assert panel.draw() is not None
        assert panel.csv()


@pytest.mark.heavy
def test_the_intervals_cover() -> None:
    import subprocess
    import sys
    from pathlib import Path

    script = Path(__file__).parents[3] / "benchmarks" / "wear_coverage.py"
    command = [sys.executable, str(script), "--runs", "60", "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def weibull_loglik(low: np.ndarray, failed: np.ndarray) -> Callable[[float, float], float]:
    """Of a scale and a shape, exact failures and devices that held."""

    def loglik(scale: float, shape: float) -> float:
        u = (low / scale) ** shape
        return float((np.log(shape / low) + np.log(u))[failed].sum() - u.sum())

    return loglik


def most_over_shapes(of_shape: Callable[[float], float]) -> float:
    """The greatest value over shapes of 0.1 to 20."""
    found = minimize_scalar(lambda ln: -of_shape(np.exp(ln)), bounds=np.log([0.1, 20.0]), method="bounded")
    return -float(found.fun)


@pytest.mark.parametrize("share", [None, 0.1, 0.5])
def test_a_scale_and_a_life_end_where_their_profile_has_fallen_by_students_t_of_the_failures(
    share: float | None,
) -> None:
    """With 8 failures of 20 devices: what held counts in the likelihood, and not in Student's t."""
    t = np.sort(np.random.default_rng(8).weibull(1.8, 20))
    low, failed = np.minimum(t, t[7]), t <= t[7]
    life = wear.weibull(low, np.where(failed, t, np.inf))
    loglik = weibull_loglik(low, failed)
    over = 1.0 if share is None else -np.log1p(-share)  # the life of that share is scale (-ln(1 - share))^(1/shape)
    estimate = life.scale if share is None else next(each.cycles for each in life.shares if each.share == share)
    assert estimate is not None
    assert estimate.ends is not None
    most = most_over_shapes(lambda shape: loglik(float((low**shape).sum() / 8) ** (1 / shape), shape))
    fall = 8 * np.log1p(student.ppf(0.975, 7) ** 2 / 7)
    for end in estimate.ends:
        held = most_over_shapes(lambda shape, end=end: loglik(end / over ** (1 / shape), shape))  # type: ignore[misc]
        assert 2 * (most - held) == pytest.approx(fall, rel=1e-3)


def test_the_slope_of_a_window_over_three_devices_has_students_interval() -> None:
    own = [decay.Estimate(each) for each in (-0.05, -0.09, -0.16)]
    found = wear.common_trend(own)
    assert found is not None
    wide = 4.302653 * np.sqrt((0.05**2 + 0.01**2 + 0.06**2) / 2 / 3)
    assert found.value == pytest.approx(-0.1)
    assert found.ends == pytest.approx((-0.1 - wide, -0.1 + wide), rel=1e-6)
