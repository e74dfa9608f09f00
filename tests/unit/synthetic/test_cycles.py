"""Generated cycles: extremes, marginals, seeds, labels, levels of devices, and the round trip through sweeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.core.errors import TraceError, UsageError
from devicekit.features.cycles.autoregression import autoregression
from devicekit.features.cycles.series import of_sweeps
from devicekit.features.merits import dc, sequence
from devicekit.features.merits.sequence import SequenceResult
from devicekit.synthetic import known_cycles, loops
from devicekit.synthetic.cycles import CycleModel, model
from devicekit.synthetic.known_cycles import CycleTruth, known, walk
from devicekit.system import catalog, files
from devicekit.tables import SweepTable

Run = Callable[..., Any]
COARSE = replace(loops.CLEAN, step=0.04, top=1.2, bottom=1.4)


def result_of(cycles: pd.DataFrame) -> SequenceResult:
    """As if these had been found in sweeps."""
    series = of_sweeps(cycles.assign(outcome="switched"))
    assert series is not None
    rows = pd.DataFrame({"device_id": "d", "cycle": 1, "point": [0, 1], "voltage_v": [0.0, 1.0], "current_a": 1e-6})
    found = sequence.characterize(series, SweepTable(rows, {"source": "table.csv"}))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def skewed() -> pd.DataFrame:
    """Cycles of three devices with an HRS that is far from log-normal."""
    cycles = known(300, 3, seed=5)
    rank = cycles["g_hrs_s"].rank() / (len(cycles) + 1)
    return cycles.assign(g_hrs_s=1e-6 * (1 - np.log(1 - rank)))


@pytest.fixture(scope="module")
def fitted(skewed: pd.DataFrame) -> CycleModel:
    return model(result_of(skewed))


def test_a_walk_is_stationary_from_its_first_cycle() -> None:
    truth = CycleTruth()
    x = walk(truth.coefficients[None], truth.noise, 30, 20_000, np.random.default_rng(1))
    for n in (0, 29):
        np.testing.assert_allclose(np.cov(x[:, n].T), truth.correlation, atol=0.04)
    ahead = x[:, 1:].reshape(-1, 4).T @ x[:, :-1].reshape(-1, 4) / x[:, 1:].reshape(-1, 4).shape[0]
    np.testing.assert_allclose(ahead, truth.coefficients @ truth.correlation, atol=0.02)
    with pytest.raises(UsageError, match="not stationary"):
        walk(np.eye(2)[None], np.eye(2), 3, 1, np.random.default_rng(1))


def test_the_same_seed_makes_the_same_bytes(fitted: CycleModel) -> None:
    one, two = (fitted.generate(50, 2, 7) for _ in range(2))
    assert one.to_csv().encode() == two.to_csv().encode()
    assert not one.equals(fitted.generate(50, 2, 8))
    assert fitted.sweeps(one, seed=1).frame.equals(fitted.sweeps(one, seed=1).frame)
    assert not fitted.sweeps(one, seed=1).frame.equals(fitted.sweeps(one, seed=2).frame)


def test_values_stay_in_the_measured_range(fitted: CycleModel, skewed: pd.DataFrame) -> None:
    names = list(known_cycles.COLUMNS)
    made = fitted.generate(20_000, 3, 1)
    assert (made[names].min() >= skewed[names].min() * (1 - 1e-12) - 1e-12).all()
    assert (made[names].max() <= skewed[names].max() * (1 + 1e-12) + 1e-12).all()
    wild = fitted.generate(20_000, 3, 1, beyond=True)
    assert (wild["v_set_v"].max() > skewed["v_set_v"].max()) or (wild["v_set_v"].min() < skewed["v_set_v"].min())
    assert (wild["v_set_v"] > 0).all()
    assert (wild["v_reset_v"] < 0).all()


def test_marginals_are_the_measured_ones(fitted: CycleModel, skewed: pd.DataFrame) -> None:
    """Deviations about the device's level, quantile by quantile, of one level."""
    alone = skewed[skewed["device_id"] == "device01"]
    one = model(result_of(alone))
    made = one.generate(40_000, 1, 3)
    at = np.linspace(0.02, 0.98, 25)
    for name in ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s"):
        size = alone[name].std()
        np.testing.assert_allclose(made[name].quantile(at), alone[name].quantile(at), atol=0.12 * size)
    assert not result_of(skewed).fit.normal  # type: ignore[union-attr]


def test_correlations_are_the_measured_ones(fitted: CycleModel, skewed: pd.DataFrame) -> None:
    again = result_of(fitted.generate(2000, 5, 2))
    first = result_of(skewed)
    for lag in (0, 1):
        np.testing.assert_allclose(again.rho(lag, False), first.rho(lag, False), atol=0.1)


def test_a_synthetic_device_has_the_level_of_a_measured_one(fitted: CycleModel) -> None:
    assert fitted.levels.shape == (3, 4)
    made = fitted.generate(2000, 30, 4)
    means = made.groupby("device_id")["v_set_v"].mean().to_numpy()
    nearest = np.abs(means[:, None] - fitted.levels[None, :, 0]).min(axis=1)
    assert nearest.max() < 0.012
    assert np.ptp(means) > 0.5 * np.ptp(fitted.levels[:, 0])
    single = replace(fitted, levels=fitted.levels[:1])
    means = single.generate(2000, 10, 4).groupby("device_id")["v_set_v"].mean()
    assert np.ptp(means) < 0.02


def test_levels_beyond_the_measured_ones_have_their_covariance(fitted: CycleModel) -> None:
    rng = np.random.default_rng(1)
    drawn = fitted._levels(50_000, rng, beyond=True)
    wanted = np.cov(fitted.levels.T) - fitted.within.mean(axis=0)
    values, vectors = np.linalg.eigh(wanted)
    np.testing.assert_allclose(np.cov(drawn.T), vectors * np.maximum(values, 0) @ vectors.T, atol=2e-3)


def test_the_level_of_cycles_that_remember_is_less_sure() -> None:
    """Variance of the mean of an AR(1): s^2 (1 + r) / (1 - r) / n."""
    truth = CycleTruth(coefficients=0.8 * np.eye(4), correlation=np.eye(4))
    own = model(result_of(known(3000, 1, truth, 3)))
    wanted = truth.deviation**2 * 9 / 3000
    np.testing.assert_allclose(np.diag(own.within[0]), wanted, rtol=0.35)


def test_a_drift_is_not_generated() -> None:
    truth = CycleTruth(drift=np.array([6.0, 0, 0, 0]))
    result = result_of(known(400, 1, truth, 2))
    assert result.drifting() == {"device01": ["v_set_v"]}
    made = model(result).generate(400, 1, 1)
    assert made["v_set_v"].std() < 1.4 * truth.deviation[0]


def test_everything_is_marked_synthetic(fitted: CycleModel) -> None:
    made = fitted.generate(5, 1, 1)
    for table in (fitted.sweeps(made), fitted.endurance(made)):
        assert [each.code for each in table.warnings] == ["synthetic"]
        assert "table.csv" in table.warnings[0].message
        assert table.meta["fitted_to"] == "table.csv"
    dataset = catalog.get("reference-cycles")
    assert fitted.meta["fitted_sha256"] is None
    origin = model(result_of(known(60)), dataset.data).meta
    assert origin == {
        "fitted_to": "sweeps.csv.gz",
        "fitted_sha256": files.sha256(dataset.data),
        "fitted_is_synthetic": True,
    }


def test_an_endurance_table_has_both_levels_of_every_cycle(fitted: CycleModel) -> None:
    made = fitted.generate(4, 2, 1)
    frame = fitted.endurance(made).frame
    assert list(frame["level"][:4]) == ["lrs", "hrs", "lrs", "hrs"]
    assert len(frame) == 16
    for level in ("hrs", "lrs"):
        np.testing.assert_array_equal(frame.loc[frame["level"] == level, "conductance_s"], made[f"g_{level}_s"])


def test_impossible_cycles_are_refused(fitted: CycleModel) -> None:
    made = fitted.generate(5, 1, 1)
    with pytest.raises(UsageError, match="v_reset_v"):
        fitted.sweeps(made.drop(columns="v_reset_v"))
    with pytest.raises(UsageError, match="HRS and LRS"):
        fitted.endurance(made.drop(columns="g_hrs_s"))
    with pytest.raises(UsageError, match="n_cycles="):
        fitted.generate(0)
    with pytest.raises(UsageError, match="bipolar"):
        loops.sweeps_of_cycles(made.assign(v_reset_v=0.7))
    with pytest.raises(UsageError, match="HRS"):
        loops.sweeps_of_cycles(made.assign(g_hrs_s=1.0))
    with pytest.raises(UsageError, match="outside the sweep"):
        loops.sweeps_of_cycles(made, replace(loops.CLEAN, top=0.5))
    with pytest.raises(TraceError, match="50 cycles"):
        model(result_of(known(49)))


def test_cycles_that_run_away_are_not_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    from devicekit.synthetic import cycles

    def away(devices: Any, order: int | None = None) -> Any:
        return replace(autoregression(devices, order), radius=1.0)

    monkeypatch.setattr(cycles, "autoregression", away)
    with pytest.raises(TraceError, match="not stationary"):
        model(result_of(known(60)))


@pytest.mark.parametrize("sign", [1, -1])
def test_sweeps_show_the_cycles_that_they_are_made_of(sign: int) -> None:
    cycles = known(40, 1, seed=3)
    cycles[["v_set_v", "v_reset_v"]] *= sign
    found = dc.characterize(loops.sweeps_of_cycles(cycles)).cycles
    assert set(found["outcome"]) == {"switched"}
    np.testing.assert_allclose(found["v_set_v"], cycles["v_set_v"], atol=1e-3)
    np.testing.assert_allclose(found["v_reset_v"], cycles["v_reset_v"], atol=0.011)  # a step
    np.testing.assert_allclose(found["g_hrs_s"], cycles["g_hrs_s"], rtol=5e-3)
    np.testing.assert_allclose(found["g_lrs_s"], cycles["g_lrs_s"], rtol=5e-3)


@pytest.mark.usefixtures("without_mechanism")
def test_a_model_of_sweeps_that_set_at_negative_voltages_makes_such() -> None:
    cycles = known(60, 1, seed=3)
    cycles[["v_set_v", "v_reset_v"]] *= -1
    found = dk.characterize(loops.sweeps_of_cycles(cycles, COARSE))
    result = found.results["sequence"]
    assert isinstance(result, SequenceResult)
    made = model(result).generate(10, 1, 1)
    assert (made["v_set_v"] < 0).all()
    assert (made["v_reset_v"] > 0).all()


@pytest.mark.slow
def test_the_command_writes_marked_tables(tmp_path: Path, devicekit: Run) -> None:
    source = tmp_path / "measured.csv"
    loops.sweeps_of_cycles(known(50, seed=3), COARSE).frame.to_csv(source, index=False)  # without our mark
    out = tmp_path / "out"
    words = ("simulate", "cycles", source, "--cycles", 5, "--devices", 2, "--seed", 4)
    ran = devicekit(*words, "--out", out, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["fitted_sha256"] == files.sha256(source)
    assert ran.json["fitted_is_synthetic"] is False
    assert ran.json["synthetic"] is True
    assert [Path(each).name for each in ran.json["tables"]] == ["cycles.csv", "sweeps.csv", "endurance.csv"]
    assert catalog.is_synthetic(out / "sweeps.csv")
    facts = json.loads((out / "datapackage.json").read_text())
    assert all(each["hash"] == f"sha256:{files.sha256(out / each['path'])}" for each in facts["resources"])
    again = devicekit("characterize", out / "sweeps.csv", "--out", tmp_path / "page", "--json")
    assert again.json["files"][0]["dc"]["outcomes"] == {"switched": 10}
    assert "SYNTHETIC DATA" in (tmp_path / "page" / "report.html").read_text()
    second = tmp_path / "second"
    assert devicekit(*words, "--out", second).code == 0
    assert (second / "sweeps.csv").read_bytes() == (out / "sweeps.csv").read_bytes()
    other = tmp_path / "other"
    assert devicekit(*words[:-1], 5, "--out", other).code == 0
    assert (other / "sweeps.csv").read_bytes() != (out / "sweeps.csv").read_bytes()
    printed = devicekit(*words)
    assert "SYNTHETIC" in printed.out
    assert "measured.csv" in printed.out
    assert "measured.csv" in printed.err


@pytest.mark.usefixtures("without_mechanism")
def test_the_command_refuses_what_it_cannot_do(tmp_path: Path, devicekit: Run) -> None:
    few = tmp_path / "few.csv"
    loops.sweeps_of_cycles(known(12, seed=3), COARSE).to_csv(few)
    ran = devicekit("simulate", "cycles", few, "--json")
    assert ran.code == 2
    assert "20 consecutive cycles" in ran.json["error"]["message"]
    log = tmp_path / "log.csv"
    cycles = known(60, seed=3)
    model(result_of(cycles)).endurance(cycles).to_csv(log)
    ran = devicekit("simulate", "cycles", log, "--cycles", 20, "--out", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert list(ran.json["not_written"]) == ["sweeps.csv"]
    assert [Path(each).name for each in ran.json["tables"]] == ["cycles.csv", "endurance.csv"]


@pytest.mark.slow
def test_the_reference_set_is_what_the_generator_makes() -> None:
    shipped = pd.read_csv(catalog.get("reference-cycles").data)
    fresh = known_cycles.reference().frame
    assert len(shipped) == len(fresh)
    for name in ("voltage_v", "current_a"):
        np.testing.assert_allclose(shipped[name], fresh[name], rtol=1e-4, atol=1e-12)


@pytest.mark.slow
def test_a_round_trip_recovers_the_law() -> None:
    """2,000 cycles of a known law, through sweeps and their figures, to the fitted law."""
    truth = CycleTruth()
    table = loops.sweeps_of_cycles(known(2000, 1, truth, 9))
    result = dk.characterize(table).results["sequence"]
    assert isinstance(result, SequenceResult)
    fit = result.fit
    assert fit is not None
    assert fit.order == 1
    assert fit.normal
    scale = truth.deviation / fit.scale
    true = truth.coefficients * scale[:, None] / scale[None, :]
    inside = (fit.low[0] <= true) & (true <= fit.high[0])
    assert inside.sum() >= 14  # of 16 at 95 %
    again = model(result)
    made = again.generate(2000, 1, 3)
    second = dk.characterize(again.sweeps(made)).results["sequence"]
    assert isinstance(second, SequenceResult)
    both = (second.fit.low[0] <= again.fit.coefficients[0]) & (again.fit.coefficients[0] <= second.fit.high[0])  # type: ignore[union-attr]
    assert both.sum() >= 14
