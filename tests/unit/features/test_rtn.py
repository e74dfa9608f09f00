"""Telegraph noise: recursions against sums over all paths, verdicts on what is none, dwells in continuous time."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.linalg import expm

import devicekit
from devicekit.features.merits import rtn as merit
from devicekit.features.noise import spectrum, twostate
from devicekit.features.noise import telegraph as rtn
from devicekit.features.noise.twostate import Chain
from devicekit.synthetic.noise import flicker, still, telegraph_record, telegraph_states
from devicekit.tables import SweepTable, TransientTable


def of_paths(y: np.ndarray, chain: Chain) -> dict[tuple[int, ...], float]:
    """Likelihood of the readings with each path of the states, times that of the path."""
    start = chain.up / (chain.up + chain.down)
    found = {}
    for path in itertools.product((0, 1), repeat=y.size):
        p = start if path[0] else 1 - start
        for a, b in itertools.pairwise(path):
            p *= (1 - chain.down if b else chain.down) if a else (chain.up if b else 1 - chain.up)
        levels = np.where(path, chain.high, chain.low)
        found[path] = p * float(np.exp(-((y - levels) ** 2).sum() / 2 / chain.sd**2) / chain.sd**y.size)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_forward_recursion_sums_over_all_paths_and_viterbi_finds_the_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain = Chain(-0.3, 1.4, 0.0, 0.8, *rng.uniform(0.05, 0.6, 2))
    y = rng.standard_normal(9) + (rng.random(9) > 0.5)
    known = of_paths(y, chain)
    assert twostate.forward(y, chain)[0].sum() == pytest.approx(np.log(sum(known.values())))
    even = {  # the path alone, without what the first state is worth
        path: p / (chain.up if path[0] else chain.down) for path, p in known.items()
    }
    best = max(even, key=even.__getitem__)
    assert twostate.viterbi(y, chain.low, chain.high, chain.sd, chain.up, chain.down).tolist() == [
        bool(k) for k in best
    ]


def test_chances_of_a_step_are_those_of_a_chain_in_continuous_time() -> None:
    a, b = 0.13, 0.4
    step = expm(np.array([[-a, a], [b, -b]]))
    chain = twostate.with_rates(Chain(0, 1, 0, 1, 0.5, 0.5), a, b)
    assert (chain.up, chain.down) == pytest.approx((step[0, 1], step[1, 0]))
    assert twostate.rates(chain) == pytest.approx((a, b))
    assert twostate.rates(replace(chain, up=0.5, down=0.5)) is None


def test_the_interval_is_that_of_an_exponential_mean() -> None:
    low, high = rtn.interval(2.0, 7)
    assert stats.chi2.cdf(2 * 7 * 2.0 / high, 14) == pytest.approx(0.025)
    assert stats.chi2.cdf(2 * 7 * 2.0 / low, 16) == pytest.approx(0.975)


def test_telegraph_states_are_drawn_in_continuous_time() -> None:
    rng = np.random.default_rng(0)
    on = telegraph_states(np.arange(0, 2000, 0.01), (1.0, 0.5), rng)
    assert on.mean() == pytest.approx(1 / 3, abs=0.03)
    ends = np.flatnonzero(np.diff(on.astype(int))) * 0.01
    assert np.diff(ends)[::2].mean() + np.diff(ends)[1::2].mean() == pytest.approx(1.5, rel=0.08)
    assert stats.kstest(np.diff(ends)[::2] / np.diff(ends)[::2].mean(), "expon").pvalue > 1e-3


def record(n: int, dwell: tuple[float, float], distance: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Times, readings, and dwells that ended."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) * 1e-3
    on = telegraph_states(t, (dwell[0] * 1e-3, dwell[1] * 1e-3), rng)
    return t, 1e-6 + 1e-8 * (distance * on + rng.standard_normal(n)), float((np.diff(on.astype(int)) == 1).sum())


def test_dwell_times_are_found_in_any_unit() -> None:
    t, y, ups = record(4000, (40.0, 20.0), 6.0)
    found = rtn.find(t, y)
    assert found.verdict == "telegraph"
    assert found.amplitude == pytest.approx(6e-8, rel=0.03)
    assert found.noise == pytest.approx(1e-8, rel=0.05)
    assert found.low is not None
    assert found.high is not None
    for side, truth in ((found.low, 0.04), (found.high, 0.02)):
        assert side.mean.low < truth < side.mean.high  # type: ignore[operator]
        assert side.dwells == pytest.approx(ups, rel=0.15)
    again = rtn.find(1e3 * t, -1e9 * y)
    assert again.low is not None
    assert again.low.mean.value == pytest.approx(1e3 * found.high.mean.value, rel=0.02)


def test_short_dwells_are_corrected_and_the_shortest_refused() -> None:
    t, y, seen = record(4000, (5.0, 5.0), 6.0, seed=4)
    found = rtn.find(t, y)
    assert found.low is not None
    assert found.low.mean.closed
    naive = 2e-3 / seen * 1000  # half of the time, over what was seen of the jumps
    assert found.low.mean.low < 0.005 < found.low.mean.high  # type: ignore[operator]
    assert naive > 1.08 * found.low.mean.value
    found = rtn.find(*record(4000, (2.0, 2.0), 6.0, seed=2)[:2])
    assert found.verdict == "telegraph"
    assert found.low is not None
    assert not found.low.mean.known
    assert "sampling" in found.low.refused


@pytest.mark.parametrize(
    "name", ["white", "flicker", "walk", "drift", "decay", "tails", "steps of a converter", "digitised flicker"]
)
def test_other_noise_is_not_telegraph_noise(name: str) -> None:
    n = 1000
    for seed in range(3):
        rng = np.random.default_rng(seed)
        white, t = rng.standard_normal(n), np.arange(n)
        y = {
            "white": white,
            "flicker": flicker(n, 1.0, rng),
            "walk": np.cumsum(white),
            "drift": 5 * t / n + white,
            "decay": 20 * np.exp(-t / 200) + white,
            "tails": rng.standard_t(3, n),
            "steps of a converter": np.round(0.5 * white),
            "digitised flicker": np.round(2 * flicker(n, 1.0, rng)),
        }[name]
        found = rtn.find(t, y)
        assert found.verdict == "none", found.reason
        assert found.reason
        assert found.amplitude is None


def test_few_jumps_have_a_verdict_of_their_own() -> None:
    rng = np.random.default_rng(0)
    for jumps, verdict in ((1, "jumps"), (9, "jumps"), (10, "telegraph")):
        at = np.arange(1100) // (1100 // (jumps + 1) + 1) % 2
        assert int((np.diff(at) != 0).sum()) == jumps
        found = rtn.find(np.arange(1100.0), 8.0 * at + rng.standard_normal(1100))
        assert found.verdict == verdict
        assert found.low is not None
        assert not found.low.mean.known  # worth less than five dwells


def test_a_trend_under_the_levels_is_taken_along() -> None:
    t, y, _ = record(3000, (40.0, 20.0), 6.0)
    found = rtn.find(t, y + 3e-8 * t / t[-1])
    assert found.verdict == "telegraph"
    assert found.amplitude == pytest.approx(6e-8, rel=0.03)


@pytest.mark.parametrize(("n", "good"), [(100, True), (99, False)])
def test_how_many_readings_are_needed(n: int, good: bool) -> None:
    y = np.random.default_rng(0).standard_normal(n)
    if good:
        assert rtn.find(np.arange(n), y).verdict == "none"
    else:
        with pytest.raises(rtn.Unsuited, match="99 readings"):
            rtn.find(np.arange(n), y)


def test_small_jitter_is_even_and_gaps_are_not() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(1001.0)
    assert rtn.sampling_step(t + 0.05 * rng.uniform(-1, 1, 1001)) == pytest.approx(1.0, abs=0.01)
    gaps = np.zeros(1001)
    gaps[50 : 50 + 20 * 40 : 40] = 5.0  # 20 of 1000 steps
    assert rtn.sampling_step(t + np.cumsum(gaps)) == 1.0
    gaps[900] = 5.0
    with pytest.raises(rtn.Unsuited, match="uneven"):
        rtn.sampling_step(t + np.cumsum(gaps))
    with pytest.raises(rtn.Unsuited, match="increase"):
        rtn.sampling_step(np.zeros(200))
    assert "equal" in rtn.find(t, np.ones(1001)).reason


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_slope_of_a_spectrum(exponent: float) -> None:
    rng = np.random.default_rng(1)
    found = spectrum.slope(3e-9 * flicker(8192, exponent, rng), 1e-3)
    assert found.exponent.ends is not None
    low, high = found.exponent.ends
    assert low < exponent < high
    assert high - low < 0.3
    assert found.band_high_hz <= 200.0 < 1.01 * found.band_high_hz
    if exponent == 0:  # the level of white noise: its variance over half of the sampling rate
        assert np.median(found.density) == pytest.approx((3e-9) ** 2 / 500, rel=0.1)


def test_the_slope_of_a_short_record_is_refused() -> None:
    y = np.random.default_rng(0).standard_normal(1024)
    assert spectrum.slope(y, 1.0).exponent.known
    assert "fewer than 1024" in spectrum.slope(y[:-1], 1.0).refused
    assert spectrum.slope(np.zeros(2000), 1.0).refused


def test_a_sweep_that_stands_still_is_judged() -> None:
    found = devicekit.characterize(telegraph_record(3000))
    result = found.results["rtn"]
    assert isinstance(result, merit.RtnResult)
    scalars = {each.name: each for each in found.scalars()}
    assert scalars["telegraph"].value == 1
    assert scalars["telegraph_amplitude"].value == pytest.approx(0.1, rel=0.05)
    assert scalars["dwell_low_s"].low < 0.03 < scalars["dwell_low_s"].high
    assert scalars["dwell_high_s"].low < 0.015 < scalars["dwell_high_s"].high
    text = " ".join(found.sentences())
    assert "Telegraph noise: levels 10" in text
    json.dumps(found.as_dict(), allow_nan=False)
    assert found.tables["rtn"]["verdict"].tolist() == ["telegraph"]
    assert result.blocks()
    result.panel().draw()
    assert abs(result.records[0].spectrum.exponent.value) < 0.2  # of what is left without the levels


def test_white_noise_more_levels_and_a_record_without_times() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(2000) * 1e-3
    white = devicekit.characterize(still(t, 1e-6 + 1e-8 * rng.standard_normal(2000)))
    assert white.tables["rtn"]["verdict"].tolist() == ["none"]
    assert {each.name: each.value for each in white.scalars()}["telegraph"] == 0
    three = telegraph_states(t, (0.03, 0.03), rng) + 2.0 * telegraph_states(t, (0.05, 0.05), rng)
    several = devicekit.characterize(still(t, 1e-6 + 1e-7 * three + 1e-8 * rng.standard_normal(2000)))
    assert several.tables["rtn"]["verdict"].tolist() != ["telegraph"]
    assert several.tables["rtn"]["low_dwell_s"].isna().all()
    untimed = telegraph_record(500).frame.drop(columns="time_s")
    assert list(devicekit.characterize(SweepTable(untimed)).results) == ["noise"]
    uneven = still(np.sort(rng.uniform(0, 1, 300)), 1e-6 + 1e-8 * rng.standard_normal(300))
    found = devicekit.characterize(uneven)
    assert "rtn" not in found.results
    assert any("uneven" in each.message for each in found.warnings)


def test_a_transient_without_a_pulse_is_judged() -> None:
    made = telegraph_record(1500).frame
    frame = pd.DataFrame(
        {"device_id": "d", "record": 1, "time_s": made["time_s"], "conductance_s": made["current_a"] / 0.1}
    )
    result = merit.find(TransientTable(frame), devicekit.features.merit.Settings(), {})
    assert result is not None
    assert result.quantity == "conductance_s"
    assert [each.verdict for each in result] == ["telegraph"]
    result.panel().draw()


@pytest.mark.slow
def test_no_false_alarms_and_intervals_cover() -> None:
    """A few runs of each line of the benchmark."""
    path = Path(__file__).parents[3] / "benchmarks" / "rtn_coverage.py"
    spec = importlib.util.spec_from_file_location("rtn_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.false_alarms(8) == 0
    assert module.dwell_times(12)[0] > 0.92
    assert module.slopes(20) > 0.9
