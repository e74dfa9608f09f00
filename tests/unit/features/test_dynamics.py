"""Relaxation, paired pulses and trains: figures of merit of tables that are written here by recursion or by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import TraceError, UsageError
from devicekit.device.measured import Volatile
from devicekit.features.characterize import characterize
from devicekit.features.merit import Settings
from devicekit.features.merits import facilitation, rates, volatile
from devicekit.features.preview import preview
from devicekit.features.relaxation.pulsed import curve, records
from devicekit.synthetic import dynamics
from devicekit.system import catalog
from devicekit.tables import PairedTable, TransientTable


def train(
    rate: float, n: int, record: int = 1, tau: float = 0.05, stays: float = 0.0, noise: float = 0.0
) -> pd.DataFrame:
    """A train carried from pulse to pulse: G 1 uS, a step of 2 uS, read 0.1 % of a gap before and after each pulse."""
    tau, gap, left, level, rows = 0.05, 1 / rate, 0.0, 1e-6, []
    near = 1e-3 * gap
    rng = np.random.default_rng(record)
    for k in range(n):
        at = gap * (k + 1)
        rows.append((at - near, level + left, 0.0))
        left *= np.exp(-near / tau)
        rows.append((at, np.nan, 1.5))
        level += stays * 2e-6
        left = (left + (1 - stays) * 2e-6) * np.exp(-near / tau)
        rows.append((at + near, level + left, 0.0))
        left *= np.exp(-(gap - 2 * near) / tau)
    frame = pd.DataFrame(rows, columns=["time_s", "conductance_s", "pulse_voltage_v"])
    frame["conductance_s"] += noise * rng.standard_normal(len(frame))
    return frame.assign(device_id="d", record=record)


def relaxed(
    tau: float = 0.1, stays: float = 0.25, early: bool = True, noise: float = 5e-9, n: int = 60
) -> pd.DataFrame:
    """One pulse of 1 V that ends at 1 s: 10 uS before, a step of 1 uS of which a quarter stays, noise of 5 nS."""
    stays, noise = 0.25, 5e-9
    rng = np.random.default_rng(5)
    t = 1.0 + np.geomspace(0.02 * tau, 6 * tau, n)
    g = 10e-6 + stays * 1e-6 + (1 - stays) * 1e-6 * np.exp(-(t - 1.0) / tau)
    before = np.linspace(0, 0.9, 10) if early else np.array([])
    whole = pd.DataFrame(
        {
            "time_s": np.r_[before, 1.0, t],
            "conductance_s": np.r_[np.full(before.size, 10e-6), np.nan, g],
            "pulse_voltage_v": np.r_[0 * before, 1.0, 0 * t],
        }
    )
    whole["conductance_s"] += noise * rng.standard_normal(len(whole))
    return whole.assign(device_id="d", record=1)


def test_a_relaxation_has_a_time_constant_and_a_permanent_share() -> None:
    found = volatile.characterize(TransientTable(relaxed()))
    only = found.records[0]
    assert only.tau.value == pytest.approx(0.1, rel=0.03)
    assert only.tau.low is not None
    assert only.tau.low < 0.1 < (only.tau.high or 0)
    assert only.permanent is not None
    assert only.permanent.value == pytest.approx(0.25, abs=0.01)
    assert (only.choice.verdict, found.kernel) == ("parsimony", "exponential")
    assert only.fit.others[0] == pytest.approx(10e-6, rel=1e-3)
    assert only.fit.noise == pytest.approx(5e-9, rel=0.3)
    block = found.for_card()
    assert isinstance(block, Volatile)
    assert block.terms[0].tau_s == only.tau.value
    assert block.intervals["tau_s"] == (only.tau.low, only.tau.high)
    assert found.warnings == ()
    row = found.tables()["relaxation"].iloc[0]
    assert (row["tau_s"], row["tau_low_s"], row["pulses"]) == (only.tau.value, only.tau.low, 1)
    assert curve(only.record, only.fit, np.array([1e9]))[0] == pytest.approx(10.25e-6, rel=1e-3)


def test_without_readings_before_the_pulse_the_permanent_share_is_unknown() -> None:
    found = volatile.characterize(TransientTable(relaxed(early=False)))
    assert found.records[0].permanent is None
    assert found.records[0].tau.value == pytest.approx(0.1, rel=0.05)
    with pytest.raises(TraceError, match="first pulse"):
        found.for_card()


def test_a_record_without_a_pulse_is_counted_from_its_start() -> None:
    t = np.geomspace(0.002, 0.6, 50)
    frame = pd.DataFrame({"device_id": "d", "record": 1, "time_s": t, "current_a": 1e-6 + 1e-6 * np.exp(-t / 0.1)})
    frame["current_a"] += 5e-9 * np.sin(1e4 * t)
    found = volatile.characterize(TransientTable(frame))
    assert found.records[0].tau.value == pytest.approx(0.1, rel=0.05)
    assert "no_pulse" in [warning.code for warning in found.warnings]
    assert found.tables()["relaxation"]["pulses"].isna().all()


def test_several_records_give_the_mean_of_ln_tau_with_students_interval() -> None:
    frame = pd.concat([relaxed(0.08), relaxed(0.125).assign(record=2)], ignore_index=True)
    found = volatile.characterize(TransientTable(frame), kernel="exponential")
    x = np.log([each.tau.value for each in found.records])
    tau = found.parameters["tau_s"]
    assert tau.value == pytest.approx(np.exp(x.mean()))
    assert tau.high == pytest.approx(np.exp(x.mean() + 12.7062 * x.std(ddof=1) / np.sqrt(2)), rel=1e-4)
    with pytest.raises(UsageError, match=r"kernel=.*linear"):
        volatile.characterize(TransientTable(frame), kernel="linear")


def test_noise_leaves_the_kernel_undecided() -> None:
    table = dynamics.transient(1, 40, noise=0.1, span=4.0)
    found = characterize(table)
    assert [warning.code for warning in found.warnings if warning.code == "undecided"] == ["undecided"]
    assert any("undecided" in each for each in found.sentences())
    assert characterize(table, Settings(kernel="exponential")).results["volatile"].warnings == ()


@pytest.mark.parametrize(("n", "known"), [(6, True), (5, False)])
def test_readings_after_a_pulse_are_counted(n: int, known: bool) -> None:
    table = TransientTable(relaxed(n=n))
    assert (next(records(table)).refusal() is None) is known


def test_pulses_are_runs_of_rows_and_end_with_the_last() -> None:
    frame = pd.DataFrame(
        {
            "device_id": "d",
            "record": 1,
            "time_s": [0.0, 1.0, 1.1, 1.2, 2.0, 3.0, 4.0],
            "conductance_s": [1.0, 9.0, 9.0, 9.0, 2.0, 9.0, 3.0],
            "pulse_voltage_v": [0.0, 0.5, 1.0, 0.5, 0.0, -2.0, 0.0],
        }
    )
    only = next(records(TransientTable(frame)))
    assert only.pulses_s.tolist() == [1.2, 3.0]
    assert only.voltage_v.tolist() == [1.0, -2.0]
    assert only.value.tolist() == [1.0, 2.0, 3.0]
    assert only.before.tolist() == [0, 1, 2]
    assert only.groups.tolist() == [0, 1]
    assert only.delays[2].tolist() == pytest.approx([2.8, 1.0])
    wide = next(records(TransientTable(frame.assign(pulse_width_s=0.06))))
    assert wide.pulses_s.tolist() == pytest.approx([1.06, 1.16, 1.26, 3.06])


def test_a_long_record_is_averaged_without_another_tau() -> None:
    rng = np.random.default_rng(0)
    t = 1.0 + np.linspace(1e-3, 0.8, 30_000)
    g = 1e-5 + 1e-6 * np.exp(-(t - 1) / 0.1) + 5e-8 * rng.standard_normal(t.size)
    head = pd.DataFrame(
        {"time_s": [0.0, 0.5, 1.0], "conductance_s": [9e-6, 9e-6, np.nan], "pulse_voltage_v": [0, 0, 1.0]}
    )
    tail = pd.DataFrame({"time_s": t, "conductance_s": g, "pulse_voltage_v": 0.0})
    table = TransientTable(pd.concat([head, tail]).assign(device_id="d", record=1))
    assert len(next(records(table)).data().y) < 300
    tau = volatile.characterize(table, kernel="exponential").records[0].tau
    assert tau.low is not None
    assert tau.low < 0.1 < (tau.high or 0)


def pairs(tau: float = 0.02, stays: float = 0.5, n: int = 12, **more: object) -> PairedTable:
    dt = np.geomspace(0.1 * tau, 5 * tau, n)
    ripple = 0.002 * (-1.0) ** np.arange(n)
    ratio = 1 + stays + (1 - stays) * np.exp(-dt / tau) + ripple
    return PairedTable(pd.DataFrame({"device_id": "d", "repeat": 1, "interval_s": dt, "ratio": ratio}).assign(**more))


def test_the_permanent_share_needs_the_original_baseline() -> None:
    original = facilitation.characterize(pairs(), baseline="original").devices[0]
    assert original.tau is not None
    assert original.tau.value == pytest.approx(0.02, rel=0.02)
    assert original.permanent is not None
    assert original.permanent.value == pytest.approx(0.5, abs=0.01)
    for baseline in (None, "before"):
        other = facilitation.characterize(pairs(), baseline=baseline)
        assert other.devices[0].permanent is None
        assert other.devices[0].tau == original.tau
        assert other.devices[0].end == original.end
        assert ("ppf_baseline" in [warning.code for warning in other.warnings]) is (baseline is None)


def test_a_baseline_of_the_file_cannot_be_contradicted() -> None:
    found = characterize(pairs(baseline="original")).results["facilitation"]
    assert found.as_dict()["devices"][0]["permanent_share"] is not None
    with pytest.raises(UsageError, match="original"):
        characterize(pairs(baseline="original"), Settings(ppf_baseline="before"))
    with pytest.raises(UsageError, match="original, before"):
        characterize(pairs(), Settings(ppf_baseline="first"))


@pytest.mark.parametrize(
    ("n", "exponentials", "known"), [(6, None, True), (5, None, False), (8, 2, True), (7, 2, False)]
)
def test_intervals_are_counted(n: int, exponentials: int | None, known: bool) -> None:
    only = facilitation.characterize(pairs(n=n), exponentials=exponentials).devices[0]
    assert (only.tau is not None) is known
    assert (only.refusal is None) is known


def test_depression_and_no_change_are_separated() -> None:
    table = pairs()
    down = PairedTable(table.frame.assign(ratio=2.0 - table.frame["ratio"]))
    assert facilitation.characterize(down).devices[0].kind == "depression"
    same = PairedTable(table.frame.assign(ratio=1.0 + 0.01 * (-1.0) ** np.arange(12)))
    assert facilitation.characterize(same).devices[0].kind == "none"
    assert facilitation.characterize(table).devices[0].kind == "facilitation"


def test_levels_settle_where_adding_up_leads() -> None:
    before, after = rates.settled_levels(3.0, 0.05, np.array([10.0, 40.0]))
    for rate, low, high in zip((10.0, 40.0), before, after, strict=True):
        left = 0.0
        for _ in range(500):
            peak = left + 3.0
            left = peak * np.exp(-1 / (rate * 0.05))
        assert low == pytest.approx(left, rel=1e-12)
        assert high == pytest.approx(peak, rel=1e-12)


def test_trains_at_several_rates_have_one_tau() -> None:
    frame = pd.concat([train(f, 24, k, stays=0.2, noise=1e-9) for k, f in enumerate((4.0, 15.0, 60.0), 1)])
    found = rates.characterize(TransientTable(frame.reset_index(drop=True)))
    assert found is not None
    fit = found.fits["d"]
    assert fit.values["tau_s"] == pytest.approx(0.05, rel=0.01)
    assert fit.amplitudes[0] == pytest.approx(1.6e-6, rel=0.01)
    assert fit.others[-1] == pytest.approx(0.4e-6, rel=0.01)
    assert [each.rate_hz for each in found.trains] == pytest.approx([4.0, 15.0, 60.0])
    for each in found.trains:
        low, high = rates.late_levels(fit, np.array([each.rate_hz]), 24)
        assert each.before == pytest.approx(low[0], rel=0.01)
        assert each.after == pytest.approx(high[0], rel=0.01)
    assert found.warnings[0].code == "unsettled"


def test_a_train_that_keeps_nothing_settles() -> None:
    frame = pd.concat([train(10.0, 24), train(20.0, 24, 2)], ignore_index=True)
    found = rates.characterize(TransientTable(frame))
    assert found is not None
    low, high = rates.settled_levels(2e-6, 0.05, np.array([10.0, 20.0]))
    assert [each.before for each in found.trains] == pytest.approx(low, rel=0.01)
    assert [each.after for each in found.trains] == pytest.approx(high, rel=0.01)
    assert [each.gain for each in found.trains] == pytest.approx(high / 2e-6, rel=0.01)
    assert all(each.settled for each in found.trains)
    assert found.fits == {}  # of two rates no tau


@pytest.mark.parametrize(("n", "there"), [(5, True), (4, False)])
def test_pulses_of_a_train_are_counted(n: int, there: bool) -> None:
    assert (rates.characterize(TransientTable(train(20.0, n))) is not None) is there


def test_responses_of_one_train_are_sums_over_its_pulses() -> None:
    found = rates.characterize(TransientTable(train(20.0, 6)))
    assert found is not None
    gain = found.tables()["rates_pulses"]["gain"].to_numpy()
    assert gain == pytest.approx([sum(np.exp(-j) for j in range(n)) for n in range(1, 7)], rel=2e-3)  # f tau = 1
    found.panel().draw()


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_extreme_sizes_do_not_fail(size: float) -> None:
    rng = np.random.default_rng(0)
    frame = relaxed().assign(conductance_s=lambda each: each["conductance_s"] * rng.random(len(each)) * size)
    with np.errstate(all="ignore"):
        assert json.dumps(characterize(TransientTable(frame)).as_dict(), allow_nan=False)


def test_a_record_that_ends_before_time_0_is_left_out() -> None:
    frame = relaxed().drop(columns="pulse_voltage_v").assign(time_s=lambda each: each["time_s"] - 99.0)
    with pytest.raises(TraceError, match="after its pulse"):
        volatile.characterize(TransientTable(frame.dropna(subset="conductance_s")))


@pytest.mark.parametrize(
    "name", [pytest.param("reference-transient", marks=pytest.mark.slow), "reference-paired", "reference-trains"]
)
def test_a_shipped_set_is_read_and_gives_its_truth(name: str) -> None:
    dataset = catalog.get(name)
    assert dataset.synthetic
    assert "SYNTHETIC" in dataset.title
    found = devicekit.characterize(dataset.data)
    json.dumps(found.as_dict(), allow_nan=False)
    preview(found.table).draw()
    scalars = {each.name: each for each in found.scalars()}
    if name == "reference-transient":
        assert scalars["tau_s"].low < 0.05 < scalars["tau_s"].high
        assert scalars["persistent_share"].low < 1 / 3 < scalars["persistent_share"].high
        assert found.for_card(dataset.data, True)["volatile"].synthetic
    elif name == "reference-paired":
        assert scalars["ppf_tau_s"].low < 0.05 < scalars["ppf_tau_s"].high
        assert scalars["ppf_end"].low < 4 / 3 < scalars["ppf_end"].high
    else:
        assert "volatile" not in found.results
        assert scalars["train_gain"].value == pytest.approx(5.5, rel=0.05)
    for result in found.results.values():
        assert result.blocks()
        result.panel().draw()


def test_a_table_of_transients_refuses_other_frames() -> None:
    good = relaxed()
    with pytest.raises(devicekit.core.errors.TableError, match="run backwards"):
        TransientTable(good.iloc[::-1])
    with pytest.raises(devicekit.core.errors.TableError, match="conductance_s or current_a"):
        TransientTable(good.drop(columns="conductance_s"))
    with pytest.raises(devicekit.core.errors.TableError):
        PairedTable(pairs().frame.assign(interval_s=0.0))


@pytest.mark.slow
def test_intervals_cover(tmp_path: Path) -> None:
    """A fixed-seed part of `benchmarks/relaxation_coverage.py`: 100 runs a cell, pooled."""
    inside = []
    for truth, n, noise in (
        (dynamics.DynamicsTruth(), 30, 0.05),
        (dynamics.DynamicsTruth("double", {"tau_s": 0.01, "tau2_s": 0.2, "share": 0.5}), 60, 0.01),
    ):
        found = volatile.characterize(
            dynamics.transient(100, n, noise=noise, truth=truth, seed=11), kernel=truth.kernel
        )
        for each in found.records:
            for name in ("tau_s", "tau2_s"):
                if (tau := each.fit.parameters.get(name)) is not None and tau.closed:
                    inside.append(tau.low <= truth.parameters[name] <= tau.high)
    assert len(inside) > 280
    assert 0.91 <= np.mean(inside) <= 0.99


@pytest.mark.usefixtures("without_pictures")
def test_the_command_takes_the_kernel_and_the_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app

    pairs().to_csv(tmp_path / "pairs.csv")
    dynamics.transient(1, 30).to_csv(tmp_path / "relaxed.csv")
    files = [str(tmp_path / name) for name in ("pairs.csv", "relaxed.csv")]
    options = ["--ppf-baseline", "original", "--kernel", "stretched", "--jobs", "1", "--json", "--out"]
    assert run_app(build_app(), ["characterize", *files, *options, str(tmp_path / "out")]) == 0
    first, second = json.loads(capsys.readouterr().out)["files"]
    assert first["facilitation"]["devices"][0]["permanent_share"]["value"] == pytest.approx(0.5, abs=0.01)
    assert (second["volatile"]["kernel"], second["volatile"]["candidates"]) == ("stretched", ["stretched"])
    assert (tmp_path / "out" / "relaxed" / "relaxation_kernels.csv").exists()
    assert run_app(build_app(), ["characterize", *files, "--ppf-baseline", "first", "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert "--ppf-baseline" in error
    assert "original, before" in error.replace("\n", " ")


def test_a_card_takes_the_volatile_part(tmp_path: Path) -> None:
    import shutil

    from devicekit.cli import build_app
    from devicekit.cli.common import run_app
    from devicekit.device.card import load_card

    card = tmp_path / "card.json"
    shutil.copy(catalog.get("pt-hfo2-al2o3-ti").card, card)
    dynamics.transient(1, 40).to_csv(tmp_path / "relaxed.csv")
    assert run_app(build_app(), ["card", "add", str(card), str(tmp_path / "relaxed.csv")]) == 0
    block = load_card(card).volatile
    assert block is not None
    assert block.intervals["tau_s"][0] < 0.05 < block.intervals["tau_s"][1]
    assert block.persistent_share == pytest.approx(1 / 3, abs=0.03)
