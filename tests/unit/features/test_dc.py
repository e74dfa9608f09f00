"""DC estimators against synthetic sweeps with a known truth, and the traps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import TraceError, UsageError
from devicekit.features.merits import dc
from devicekit.features.stats import spread, weibull
from devicekit.synthetic import records
from devicekit.tables import SweepTable

NOISES = ((0.005, 1e-9), (0.03, 10e-9), (0.10, 100e-9))


def errors(table: SweepTable, **methods: str) -> pd.DataFrame:
    """Estimate minus truth of V_set and V_reset [V], one row a sweep."""
    found = dc.characterize(table, **methods).cycles.set_index(["device_id", "cycle"])
    truth = table.frame.groupby(["device_id", "cycle"])[["true_v_set_v", "true_v_reset_v"]].first()
    return pd.DataFrame(
        {
            "set": found["v_set_v"] - truth["true_v_set_v"],
            "reset": found["v_reset_v"] - truth["true_v_reset_v"],
        }
    )


@pytest.mark.parametrize(
    ("noise", "floor"), [NOISES[0], *(pytest.param(*each, marks=pytest.mark.slow) for each in NOISES[1:])]
)
def test_v_set_and_v_reset_estimators(noise: float, floor: float) -> None:
    table = records.sweeps(120, truth=records.SweepTruth(noise=noise, floor=floor))
    default = errors(table)
    assert default["set"].std() <= 3e-3
    assert default["set"].mean() == pytest.approx(-0.037, abs=2e-3)  # the definition's offset, as documented
    assert default["reset"].std() <= 35e-3
    steepest = errors(table, v_set="max_didv")
    assert abs(steepest["set"].mean()) <= 2e-3
    assert default["set"].notna().mean() > 0.99


@pytest.mark.slow
def test_levels_ratio_and_spreads() -> None:
    result = dc.characterize(records.sweeps(100, 4))
    assert result.outcomes == {"switched": 400}
    hrs, lrs = result.spread("g_hrs_s"), result.spread("g_lrs_s")
    assert hrs is not None
    assert lrs is not None
    assert hrs.median == pytest.approx(1e-6, rel=0.05)
    assert lrs.median == pytest.approx(0.47e-3, rel=0.02)
    assert hrs.c2c is not None
    assert lrs.c2c is not None
    assert hrs.c2c.value == pytest.approx(0.10, rel=0.15)
    assert lrs.c2c.value == pytest.approx(0.02, rel=0.15)
    v_set = result.spread("v_set_v")
    assert v_set is not None
    assert v_set.c2c is not None
    assert v_set.c2c.value == pytest.approx(0.03, rel=0.1)
    assert v_set.d2d is not None
    assert v_set.scale == "linear"
    assert {fit.quantity for fit in result.weibulls} == {"v_set_v", "v_reset_v"}
    assert "NaN" not in str(result.as_dict())


def test_a_gradual_sweep_keeps_its_v_set_and_a_failed_one_has_none() -> None:
    v = np.r_[np.linspace(0, 1, 51), np.linspace(1, 0, 51)[1:]]
    share = np.r_[np.linspace(0, 1, 51), np.ones(50)]
    gradual = v * (1e-5 + 9e-5 * share)
    frames = [
        pd.DataFrame({"device_id": "d", "cycle": k, "point": np.arange(v.size), "voltage_v": v, "current_a": i})
        for k, i in enumerate((gradual, v * 1e-5), 1)
    ]
    result = dc.characterize(SweepTable(pd.concat(frames, ignore_index=True)))
    assert list(result.cycles["outcome"]) == ["gradual", "failed"]
    near = np.arange(0.06, 0.251, 0.02)  # G = 1e-5 + 9e-5 v: its level before by least squares over these voltages
    before = 1e-5 + 9e-5 * (near**3).sum() / (near**2).sum()
    assert result.cycles["v_set_v"][0] == pytest.approx((np.sqrt(before * 1e-4) - 1e-5) / 9e-5, rel=1e-3)
    assert np.isnan(result.cycles["v_set_v"][1])
    assert result.cycles["on_off"][0] == pytest.approx(4.9, rel=0.02)  # the HRS at 0.1 V has begun to switch
    assert result.cycles["hysteresis_w"][0] > 0
    assert [warning.code for warning in result.warnings] == ["gradual", "no_switching"]


def test_set_at_negative_voltage_is_recognised() -> None:
    table = records.sweeps(20)
    frame = table.frame.assign(voltage_v=-table.frame["voltage_v"], current_a=-table.frame["current_a"])
    frame["compliance_a"] = np.where(frame["voltage_v"] <= 0, 0.25e-3, np.nan)
    result = dc.characterize(SweepTable(frame))
    assert (result.cycles["v_set_v"] < 0).all()
    assert (result.cycles["v_reset_v"] > 0).all()


def test_levels_against_compliance() -> None:
    frames = []
    for k, limit in enumerate((1e-4, 2e-4, 4e-4)):
        truth = records.SweepTruth(compliance=limit, g_lrs=limit / 0.55)
        part = records.sweeps(20, truth=truth, seed=k).frame
        frames.append(part.assign(cycle=part["cycle"] + 100 * k))
    result = dc.characterize(SweepTable(pd.concat(frames, ignore_index=True)))
    assert list(result.by_compliance["compliance_a"]) == [1e-4, 2e-4, 4e-4]
    assert result.by_compliance["g_lrs_s"].is_monotonic_increasing


def test_usage() -> None:
    table = records.sweeps(2)
    with pytest.raises(UsageError, match=r"eye.*half_ln_g"):
        dc.characterize(table, v_set="eye")
    with pytest.raises(UsageError, match="outside the sweeps"):
        dc.characterize(table, read_voltage=5.0)
    flat = table.frame.assign(voltage_v=0.0)
    with pytest.raises(TraceError):
        dc.characterize(SweepTable(flat))


def test_an_offset_current_is_taken_off_only_when_it_is_plain() -> None:
    noisy = records.sweeps(50, truth=records.SweepTruth(noise=0.1, floor=100e-9))
    assert (dc.characterize(noisy).cycles["outcome"] == "switched").mean() > 0.97
    clean = records.sweeps(5, truth=records.SweepTruth(noise=0.0, floor=1e-12))
    shifted = SweepTable(clean.frame.assign(current_a=clean.frame["current_a"] + 5e-8))
    before, after = dc.characterize(clean), dc.characterize(shifted)
    np.testing.assert_allclose(before.cycles["g_hrs_s"], after.cycles["g_hrs_s"], rtol=1e-3)


def test_random_effects_are_unbiased() -> None:
    rng = np.random.default_rng(0)
    c2c, d2d, none = [], [], []
    for _ in range(60):
        device = np.repeat(np.arange(10), 20)
        noise = rng.normal(0, 0.02, 200)
        with_devices = spread(pd.Series(1 + rng.normal(0, 0.05, 10)[device] + noise), pd.Series(device), "x", "V")
        without = spread(pd.Series(1 + noise), pd.Series(device), "x", "V")
        assert with_devices is not None
        assert without is not None
        c2c.append(with_devices.c2c.value**2)  # type: ignore[union-attr]
        d2d.append(with_devices.d2d.value**2)  # type: ignore[union-attr]
        none.append(without.d2d.value)  # type: ignore[union-attr]
    assert np.sqrt(np.mean(c2c)) == pytest.approx(0.02, rel=0.05)
    assert np.sqrt(np.mean(d2d)) == pytest.approx(0.05, rel=0.1)
    assert np.mean(none) < 0.004  # what C2C puts into the devices' means is taken off


def test_weibull_recovers_its_parameters() -> None:
    fit = weibull(0.65 * np.random.default_rng(1).weibull(20, 2000), "v_set_v")
    assert fit is not None
    assert fit.shape == pytest.approx(20, rel=0.06)
    assert fit.scale == pytest.approx(0.65, rel=0.01)
    assert weibull(np.ones(100), "x") is None


def test_a_compliance_below_100_ua_is_named_where_v_set_is_taken_there() -> None:
    """Sets that the limit ends before their V_set have none, and they are not failures."""
    table = records.sweeps(6, truth=records.SweepTruth(noise=0.005, floor=1e-9))
    limit = 99.9e-6  # more than rounding below
    frame = table.frame.assign(compliance_a=limit)
    frame["current_a"] = frame["current_a"].where(frame["voltage_v"] < 0, frame["current_a"].clip(upper=limit))
    low = SweepTable(frame, table.meta)
    found = dc.characterize(low, v_set="at_100ua")
    assert "unreached" in {each.code for each in found.warnings}
    assert found.outcomes == {"switched": 6}
    assert found.cycles["v_set_v"].isna().all()
    for other in (dc.characterize(low), dc.characterize(table, v_set="at_100ua")):
        assert "unreached" not in {each.code for each in other.warnings}
        assert other.cycles["v_set_v"].notna().all()
