"""Curves of transistors: which terminal is swept is asked, and they have no V_set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import QuestionError

from .small_files import Write, choices  # type: ignore[import-not-found]

VDS, VGS = np.tile(np.linspace(0, 2, 21), 4), np.repeat([0.5, 1.0, 1.5, 2.0], 21)
ID = 1e-5 * np.maximum(VGS - 0.3, 0) * np.tanh(VDS) + 1e-10


def written(lines: Write, names: str, *columns: np.ndarray) -> Path:
    return lines(names, *(",".join(f"{cell:.6g}" for cell in row) for row in zip(*columns, strict=True)))


def outcomes(path: Path, **options: Any) -> tuple[dict[str, int], str]:
    table = devicekit.read(path, **options)
    result = devicekit.characterize(table)
    cycles = result.results["dc"].cycles  # type: ignore[attr-defined]
    assert cycles[["v_set_v", "v_reset_v"]].isna().all(axis=None)
    reasons = [each.message for each in result.warnings if each.code == "no_switching"]
    return cycles["outcome"].value_counts().to_dict(), "; ".join(reasons)


@pytest.mark.parametrize(
    "names", ["Vds (V),Vgs (V),Id (A)", "VD (V),VG (V),ID (A)", "Drain V (V),Gate V (V),Drain I (A)"]
)
def test_output_curves_are_asked_about_with_what_each_answer_gives(names: str, lines: Write) -> None:
    path = written(lines, names, VDS, VGS, ID)
    vds, vgs, _ = names.split(",")
    assert choices(path) == [
        f"map={{voltage_v: {vds}, third_voltage_v: {vgs}}}",
        f"map={{voltage_v: {vgs}, third_voltage_v: {vds}}}",
        f"map={{voltage_v: {vds}, keep: {vgs}}}",
    ]
    with pytest.raises(QuestionError, match="drain sweep"):
        devicekit.read(path)
    drain = {"voltage_v": vds, "third_voltage_v": vgs}
    frame = devicekit.read(path, map=drain).frame
    assert frame.groupby("cycle")["third_voltage_v"].agg(["min", "max"]).to_numpy().tolist() == [
        [v, v] for v in (0.5, 1.0, 1.5, 2.0)
    ]
    assert outcomes(path, map=drain)[0] == {"transistor": 4}
    assert devicekit.read(path, map={"voltage_v": vds, "keep": vgs}, accept=True).frame["cycle"].nunique() == 4


def test_transfer_curves_offer_the_gate_sweep_first(lines: Write) -> None:
    gate, drain = np.tile(np.linspace(-2, 2, 41), 2), np.repeat([0.1, 1.0], 41)
    path = written(lines, "Vgs (V),Vds (V),Id (A)", gate, drain, 1e-8 * np.exp(2 * np.minimum(gate, 1)) * drain)
    answer = {"voltage_v": "Vgs (V)", "third_voltage_v": "Vds (V)"}
    assert choices(path)[0] == "map={voltage_v: Vgs (V), third_voltage_v: Vds (V)}"
    table = devicekit.read(path, map=answer)
    assert table.frame.groupby("cycle").size().to_list() == [41, 41]
    assert "dc" not in devicekit.characterize(table).results


def test_a_constant_drain_voltage_is_kept_and_the_gate_is_named(lines: Write) -> None:
    gate = np.r_[np.linspace(-1, 1, 21), np.linspace(1, -1, 21)]
    path = written(lines, "Drain V (V),Drain I (A),Gate V (V)", 0 * gate - 0.2, 1e-6 * np.exp(gate), gate)
    table = devicekit.read(path)
    assert table.frame["third_voltage_v"].unique().tolist() == [-0.2]
    (warning,) = [each.message for each in table.warnings if each.code == "transistor"]
    assert "Gate V (V)" in warning
    assert "dc" not in devicekit.characterize(table).results


def test_a_gate_sweep_of_a_workbook_keeps_the_drain_bias_of_its_settings(write_xls: Callable[..., Path]) -> None:
    gate = np.linspace(-2, 2, 9)
    settings = [
        ["Test Name", "vgs-id"],
        ["KTEI Version", "V8.2"],
        ["Device Terminal", "Source", "Drain", "Gate"],
        ["Name", "SourceV", "DrainV", "GateV"],
        ["Forcing Function", "Voltage Bias", "Voltage Bias", "Voltage Sweep"],
        ["Start/Level", "0", "0.1", "-2"],
        ["Compliance", "0.1", "0.1", "0.01"],
    ]
    rows = [["DrainI", "GateV"], *([1e-6 * (3 + v), v] for v in gate)]
    table = devicekit.read(write_xls({"Data": rows, "Calc": [], "Settings": settings}))
    assert table.frame["third_voltage_v"].unique().tolist() == [0.1]
    assert table.frame["compliance_a"].unique().tolist() == [0.1]
    assert table.frame["current_a"].iloc[-1] == pytest.approx(5e-6)
    curves = devicekit.characterize(table).tables["transfer"]
    assert curves["drain_voltage_v"].tolist() == [0.1]
    assert "transistor" in [each.code for each in table.warnings]


def test_id_beside_a_gate_is_the_drain_current(lines: Write) -> None:
    leak = 1e-12 * (1 + np.arange(VDS.size) % 7)
    path = written(lines, "Vds,Vgs,Id,Ig", VDS, VGS, ID, leak)
    table = devicekit.read(path, unit="A", map={"voltage_v": "Vds", "third_voltage_v": "Vgs"})
    assert table.frame["current_a"].max() == pytest.approx(ID.max(), rel=1e-4)


LOOP = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 50), np.linspace(0, -1, 50), np.linspace(-1, 0, 50)])


def test_a_stepped_voltage_of_the_settings_alone_is_kept(lines: Write) -> None:
    """Four output curves; the rows hold drain voltage and current, VAR2 holds start and step of the gate."""
    settings = [
        "Channel.VName, Vg, Vd",
        "Channel.IName, Ig, Id",
        "Channel.Mode, V, V",
        "Channel.Func, VAR2, VAR1",
        "Measurement.Secondary.Start, 0.5",
        "Measurement.Secondary.Step, 0.5",
    ]
    rows = [f"DataValue, {v:.6g}, {i:.6g}" for v, i in zip(VDS, ID, strict=True)]
    head = [f"TestParameter, {each}" for each in settings]
    path = lines("SetupTitle, Id-Vd", *head, "Dimension1, 21, 21", "Dimension2, 4, 4", "DataName, Vd, Id", *rows)
    table = devicekit.read(path)
    assert table.frame.groupby("cycle")["third_voltage_v"].unique().explode().tolist() == [0.5, 1.0, 1.5, 2.0]
    assert list(devicekit.characterize(table).results) == ["transfer"]


@pytest.mark.parametrize(("swept", "stepped"), [("Vgate", "Vdrain"), ("Vdrain", "Vgate")])
def test_an_instrument_steps_one_voltage_between_sweeps_of_the_other(swept: str, stepped: str, lines: Write) -> None:
    rows = [f"{v:.6g},{i:.6g},0,{step:.6g}" for v, i, step in zip(VDS, ID, VGS, strict=True)]
    path = lines("Setup title,curves", "Test date,11/14/2019", f"{swept},Idrain,Vsource,{stepped}", *rows)
    table = devicekit.read(path)
    assert table.frame.groupby("cycle")["third_voltage_v"].unique().explode().tolist() == [0.5, 1.0, 1.5, 2.0]
    assert table.frame["voltage_v"].to_numpy() == pytest.approx(VDS)
    assert ("transistor" in {each.code for each in table.warnings}) == (swept == "Vgate")


@pytest.mark.parametrize("seed", range(5))
def test_leakage_has_no_switching_voltages(seed: int, lines: Write) -> None:
    noise = np.random.default_rng(seed).normal(size=3 * LOOP.size)
    v = np.tile(LOOP, 3)
    path = written(lines, "V (V),I (A)", v, 2e-12 * v + 1e-12 * noise)
    found, reason = outcomes(path)
    assert set(found) <= {"in_noise", "failed", "read"}
    assert reason or set(found) == {"read"}


def test_a_current_that_is_swept_is_named_and_gives_no_switching_voltages(lines: Write) -> None:
    up = np.linspace(0, 1e-3, 101)
    i = np.tile(np.concatenate([up, up[::-1]]), 3)
    noise = 1e-3 * np.random.default_rng(1).normal(size=i.size)
    path = written(lines, "V (V),I (A)", np.where(i < 3e-4, 5e3 * i, 0.5 + 300 * i) + noise, i)
    table = devicekit.read(path)
    assert "current_driven" in {each.code for each in table.warnings}
    assert table.frame.groupby("cycle").size().to_list() == [202] * 3
    assert outcomes(path)[0] == {"current_driven": 3}


def test_a_buffer_of_an_instrument_with_a_swept_current_is_split_by_it(lines: Write) -> None:
    up = np.linspace(0, 1e-3, 41)
    i = np.tile(np.concatenate([up, up[::-1]]), 2)
    v = np.where(i < 3e-4, 5e3 * i, 0.5 + 300 * i) + 1e-3 * np.random.default_rng(1).normal(size=i.size)
    rows = (f"{u:.6g},{amps:.6g},{0.1 * k:.1f},20486" for k, (u, amps) in enumerate(zip(v, i, strict=True)))
    table = devicekit.read(lines("Voltage,Current,Time,Status", *rows))
    assert table.meta["format"] == "smu"
    assert table.frame.groupby("cycle").size().to_list() == [82, 82]
    assert "current_driven" in {each.code for each in table.warnings}


def test_a_sweep_of_the_voltage_is_not_called_driven_by_a_current(lines: Write) -> None:
    for amps in (1e-5 * LOOP, 1e-5 * np.sinh(3 * LOOP), np.clip(1e-3 * LOOP, -1e-4, 1e-4)):
        path = written(lines, "V (V),I (A)", LOOP, amps + 1e-9 * (np.arange(LOOP.size) % 3))
        assert "current_driven" not in {each.code for each in devicekit.read(path).warnings}


def test_a_capacitive_loop_gives_no_switching_voltages(lines: Write) -> None:
    v = np.tile(LOOP, 3)
    step = np.append(np.diff(v), 1.0)
    noise = 1e-11 * np.random.default_rng(2).normal(size=v.size)
    path = written(lines, "V (V),I (A)", v, 1e-9 * np.sign(step) + 1e-10 * v + noise)
    assert outcomes(path)[0] == {"capacitive": 3}
