"""Currents with the wrong sign are a finding in every kind of sweep table; transfer curves are named and left alone.

The measured test and its twin that runs everywhere:
test_measured_transfer_curves_are_accepted: readers/test_measured_twins.py::test_a_transfer_curve_is_not_an_error
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.features.characterize import characterize
from devicekit.features.dc.signs import correct_signs, find_reversals, reversals
from devicekit.features.dc.transistors import transfer_curves
from devicekit.features.merits import dc
from devicekit.synthetic import records
from devicekit.tables import SweepTable

Run = Callable[..., Any]
READS = np.repeat(-np.arange(1, 11) * 0.02, 20)  # a staircase of reads, twenty at each voltage


def table(v: np.ndarray, i: np.ndarray, meta: dict[str, Any] | None = None, **columns: object) -> SweepTable:
    """One record as a table."""
    frame = pd.DataFrame({"device_id": "d", "cycle": 1, "point": np.arange(v.size), "voltage_v": v, "current_a": i})
    return SweepTable(frame.assign(**columns), meta or {})


def noisy(size: int, share: float = 0.01) -> np.ndarray:
    """Factors about 1."""
    return 1 + share * np.random.default_rng(5).standard_normal(size)


def test_a_staircase_of_reads_with_the_wrong_sign_is_a_finding() -> None:
    found = characterize(table(READS, -99e-6 * READS * noisy(READS.size)))
    assert list(found.results) == ["dc", "linearity", "mechanism", "sign"]
    sentences = found.results["dc"].sentences()
    assert len(sentences) == 1
    assert sentences[0].startswith("1 sweep up to 0.2 V")
    (finding,) = found.results["sign"].sentences()
    assert "(G = -9" in finding
    assert found.results["sign"].as_dict()["negative_conductance"][0]["conductance_s"] == pytest.approx(
        -99e-6, rel=5e-3
    )
    assert found.results["linearity"].as_dict()["median"]["conductance_s"] == pytest.approx(99e-6, rel=5e-3)
    assert [warning.code for warning in found.warnings] == ["abs"]


def test_readings_at_constant_voltage_with_the_wrong_sign_are_a_finding() -> None:
    v = np.full(400, -0.1)
    found = characterize(table(v, 1e-6 * noisy(400)))
    assert list(found.results) == ["noise", "sign"]
    assert found.results["sign"].as_dict()["negative_conductance"][0]["conductance_s"] == pytest.approx(-1e-5, rel=0.01)


@pytest.mark.usefixtures("without_mechanism")
def test_loops_whose_reset_current_is_stored_without_its_sign_keep_their_figures() -> None:
    signed = records.sweeps(10)
    sizes = SweepTable(signed.frame.assign(current_a=signed.frame["current_a"].abs()))
    found, right = characterize(sizes), dc.characterize(signed)
    cycles = found.results["dc"].tables()["cycles"]
    for name in ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s"):
        np.testing.assert_allclose(cycles[name], right.cycles[name], rtol=0.02)
    assert any("in 10 of 10 sweeps" in each for each in found.sentences())
    np.testing.assert_array_less(correct_signs(sizes).frame.query("voltage_v < -0.1")["current_a"], 0)
    assert find_reversals(signed) == ()
    assert correct_signs(signed) is signed


LINE = np.round(np.arange(-1, 1.0005, 0.01), 10)


@pytest.mark.parametrize(("many", "there"), [(2, False), (3, True)])
def test_three_consecutive_readings_are_a_reversal(many: int, there: bool) -> None:
    i = 1e-5 * LINE
    i[150 : 150 + many] *= -1
    found = reversals(LINE, i)
    assert bool(found) == there
    if there:
        assert (found[0].sign, found[0].points, found[0].whole) == (1, 3, False)
        assert found[0].conductance_s == pytest.approx(-1e-5)


@pytest.mark.parametrize(("offset", "there"), [(0.9e-6, True), (1.1e-6, False)])
def test_three_times_the_current_at_zero_is_an_offset(offset: float, there: bool) -> None:
    """-3 uA at 0.5 V against an offset that is read at 0 V alone."""
    i = 1e-5 * LINE
    i[150:160], i[np.abs(LINE) <= 0.02] = -3e-6, offset
    assert bool(reversals(LINE, i)) == there


@pytest.mark.parametrize(("sigmas", "there"), [(4.0, False), (8.0, True)])
def test_a_current_within_five_standard_deviations_of_the_noise_has_no_sign(sigmas: float, there: bool) -> None:
    """The noise of a record that alternates by one unit has second differences of four, which stands for 2.42 units."""
    v = np.full(200, -0.1)
    noise = np.tile([1e-9, -1e-9], 100)
    level = sigmas * 4e-9 / (0.6745 * np.sqrt(6))
    assert bool(reversals(v, level + noise)) == there


def test_an_offset_current_of_a_staircase_follows_from_a_straight_line() -> None:
    """2 uA + 99 uS V between -0.02 and -0.2 V: what lies above 0 is the offset, not a conductance."""
    assert reversals(READS, 2e-6 + 99e-6 * READS) == ()


@pytest.mark.parametrize(("share", "whole"), [(0.45, False), (0.55, True)])
def test_more_than_half_of_the_power_with_the_wrong_sign_is_a_matter_of_storing(share: float, whole: bool) -> None:
    v = np.round(np.arange(0.005, 1.0005, 0.005), 10)
    power = np.cumsum(v**2)
    i = np.where(power <= share * power[-1], -1e-5, 1e-5) * v
    (found,) = reversals(np.r_[np.zeros(3), v], np.r_[np.zeros(3), i])
    assert found.whole == whole
    turned = correct_signs(table(np.r_[0.0, v], np.r_[0.0, i])).frame["current_a"]
    assert np.sign(turned.iloc[1]) == (1 if whole else -1)


GATE = np.linspace(-40, 60, 201)
DRAIN = 1e-11 + 1e-6 * np.log1p(np.exp((GATE - 10) / 4))
COLUMNS = ["Time", "DrainI", "DrainV", "GateI", "GateV"]


def transistor(drain: np.ndarray | float = 0.1, columns: list[str] = COLUMNS, **more: object) -> SweepTable:
    """Drain current against gate voltage as a reader hands it over: these two columns have our names."""
    kept = {"DrainV": drain, "GateI": 1e-11}
    return table(GATE, DRAIN, {"records": [{"columns": columns, **more}]}, **kept)


def test_a_transfer_curve_is_named_and_has_no_figure_of_merit() -> None:
    found = characterize(transistor())
    assert list(found.results) == ["transfer"]
    (sentence,) = found.sentences()
    assert "transistor" in sentence
    assert "-40 to 60 V" in sentence
    assert "0.1 V)" in sentence
    assert found.warnings == ()
    curve = found.tables["transfer"].iloc[0]
    assert (curve["gate_from_v"], curve["gate_to_v"], curve["drain_voltage_v"], curve["points"]) == (-40, 60, 0.1, 201)
    assert found.panel().curves[0].y == pytest.approx(DRAIN)


@pytest.mark.parametrize(("span", "there"), [(1.9, True), (2.1, False)])
def test_the_drain_voltage_of_a_transfer_curve_is_constant(span: float, there: bool) -> None:
    """Within 2 % of the 100 V of the gate."""
    assert bool(transfer_curves(transistor(np.linspace(0, span, GATE.size)))) == there


def test_a_sweep_of_the_drain_at_a_constant_gate_is_a_sweep() -> None:
    """1T1R: the drain's voltage and current have our names, the gate's voltage is another column."""
    sweeps = records.sweeps(1)
    frame = sweeps.frame.assign(GateV=1.2, record=1)
    found = characterize(SweepTable(frame, {"records": [{"columns": ["DrainV", "DrainI", "GateV"]}]}))
    assert list(found.results) == ["dc", "mechanism"]


def test_roles_of_the_reader_have_priority() -> None:
    gate = transistor(roles={"voltage_v": "Vg", "current_a": "Ids"})
    assert [(each.gate, each.drain) for each in transfer_curves(gate)] == [("Vg", "Ids")]
    assert transfer_curves(transistor(roles={"voltage_v": "DrainV", "current_a": "DrainI"})) == ()
    assert transfer_curves(table(GATE, DRAIN)) == ()


def test_of_several_records_only_the_transfer_curves_are_left_out() -> None:
    sweeps = records.sweeps(1).frame.assign(record=2)
    other = transistor().frame.assign(record=1, device_id="t")
    meta = {"records": [{"columns": COLUMNS}, {"columns": ["AnodeV", "AnodeI"]}]}
    found = characterize(SweepTable(pd.concat([other, sweeps], ignore_index=True), meta))
    assert list(found.results) == ["dc", "mechanism", "transfer"]
    assert set(found.results["dc"].tables()["cycles"]["device_id"]) == {"device01"}


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
def test_measured_transfer_curves_are_accepted(measured: Path, tmp_path: Path, devicekit: Run) -> None:
    files = sorted((measured / "keithley4200").glob("*.xls"))
    ran = devicekit("characterize", *files, "--out", tmp_path / "out", "--jobs", 1)
    assert ran.code == 0, ran.err
    assert ran.out.count("transfer curve") == 2
    assert "one way" not in ran.out
