"""Studies give the trends that the device has."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.stack import load_material
from physics.studies import (
    chosen_keys,
    compliance_study,
    rate_study,
    retention,
    run_cases,
    sensitivity,
    train_cases,
)

from .pinned import LARGE_STEPS

ROUGH = load_material("reversible").replace(LARGE_STEPS)


def test_v_set_rises_with_the_ramp_rate():
    table = rate_study(ROUGH, rates=(0.1, 10.0, 1e3), mesh="coarse")
    assert np.all(np.diff(table["v_set_v"]) > 0)
    assert list(table["drive.rate"]) == [0.1, 10.0, 1e3]


def test_lrs_rises_with_the_compliance():
    table = compliance_study(ROUGH, currents=(5e-5, 1e-4, 1e-3), mesh="coarse")
    assert np.all(np.diff(table["lrs_s"]) > 0)


def test_sensitivities_are_sorted_and_cover_what_is_chosen():
    table = sensitivity(ROUGH, keys=["transport.hop_distance", "reaction.energy"], mesh="coarse")
    assert list(table["key"]) == ["reaction.energy", "transport.hop_distance"]
    assert table["dv_set_v"].iloc[0] == pytest.approx(0.0076, abs=0.001)
    keys = chosen_keys(load_material("reversible"))
    assert "reaction.energy" in keys
    assert "layer.HfO2.thickness" not in keys  # the paper gives it


def test_cases_are_checked_before_any_runs():
    with pytest.raises(ParameterError, match=r"reaction\.energie"):
        run_cases(None, [{}, {"reaction.energie": 1.0}], mesh="coarse")


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_parallel_runs_give_the_same(backend):
    cases = [{"circuit.compliance": current} for current in (1e-4, 1e-3)]
    stack = load_material("gated").replace(LARGE_STEPS)
    one = run_cases(stack, cases, mesh="coarse")
    with joblib.parallel_config(backend):
        two = run_cases(stack, cases, mesh="coarse", jobs=2)
    assert one.equals(two)


def test_train_cases_give_the_tables_that_a_fit_takes():
    cases = [{"reaction.barrier_spread": spread} for spread in (0.2, 0.5)]
    tables = train_cases(ROUGH, cases, 50e-6, mesh="coarse", count=8, pairs=1, cycles=0)
    ends = [next(table.traces("ltd"))[3] for table in tables]
    assert ends[0][-1] / ends[0][0] > ends[1][-1] / ends[1][0]  # a wider spread: more of LTD
    assert tables[0].widths == [50e-6]


@pytest.mark.slow
def test_both_states_relax_towards_each_other_in_the_heat():
    hot = retention(ROUGH, times=(1.0, 100.0), mesh="coarse")
    assert np.all(np.diff(hot.hrs_s) > 0)
    assert np.all(np.diff(hot.lrs_s) < 0)
    cold = retention(ROUGH, temperature=300.0, times=(1.0, 100.0), mesh="coarse")
    assert cold.hrs_s[-1] / cold.hrs_s[0] < hot.hrs_s[-1] / hot.hrs_s[0]
    with pytest.raises(ParameterError, match="times"):
        retention(times=(10.0, 1.0))
