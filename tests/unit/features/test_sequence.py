"""Cycle after cycle: runs, what ends them, words, tables, figures; of sweeps, trains, logs, measured files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.records import Estimate
from devicekit.features.characterize import characterize
from devicekit.features.cycles import sentences as sequence_text
from devicekit.features.cycles.autoregression import LEAST_CYCLES
from devicekit.features.cycles.correlations import Combined
from devicekit.features.cycles.series import OF_SWEEPS, SHORTEST_RUN, of_endurance, of_sweeps, of_trains
from devicekit.features.merits import sequence
from devicekit.features.merits.sequence import LEAST, SequenceResult
from devicekit.system import catalog
from devicekit.tables import EnduranceTable, PulseTable, SweepTable


def figures(n: int, device: str = "d", seed: int = 1) -> pd.DataFrame:
    """Figures of n sweeps, in which a high V_set goes with a low HRS, and the next HRS follows."""
    rng = np.random.default_rng(seed)
    hrs, rows = 0.0, []
    for cycle in range(1, n + 1):
        hrs = 0.6 * hrs + 0.8 * rng.standard_normal()
        v_set = -0.7 * hrs + 0.7 * rng.standard_normal()
        rows.append(
            {
                "device_id": device,
                "cycle": cycle,
                "v_set_v": -(0.8 + 0.05 * v_set),  # sets at negative voltages: sizes count
                "v_reset_v": 0.9 + 0.05 * rng.standard_normal(),
                "g_hrs_s": 1e-5 * np.exp(0.2 * hrs),
                "g_lrs_s": 1e-3 * np.exp(0.1 * rng.standard_normal()),
                "outcome": "switched",
            }
        )
    return pd.DataFrame(rows)


def table() -> SweepTable:
    """Something that a result may say it comes from."""
    frame = pd.DataFrame({"device_id": "d", "cycle": 1, "point": [0, 1], "voltage_v": [0.0, 1.0], "current_a": 1e-6})
    return SweepTable(frame)


def found(cycles: pd.DataFrame) -> SequenceResult | None:
    series = of_sweeps(cycles)
    return None if series is None else sequence.characterize(series, table())


def test_the_name_comes_after_those_it_builds_on() -> None:
    from devicekit.system import plugins

    names = sorted(plugins.MERITS.all())
    assert names.index("sequence") > max(names.index("dc"), names.index("pulses"))


def test_a_failed_cycle_ends_a_run() -> None:
    cycles = figures(60)
    cycles.loc[29, "outcome"] = "failed"
    cycles.loc[49, "v_reset_v"] = np.nan  # at its limit: not known
    runs = of_sweeps(cycles).devices["d"]  # type: ignore[union-attr]
    assert [(each[0], each[-1]) for each in runs.numbers] == [(1, 29), (31, 49), (51, 60)]
    np.testing.assert_allclose(runs.values[1][0], [abs(cycles["v_set_v"][30]), *_logs(cycles, 30)])


def _logs(cycles: pd.DataFrame, row: int) -> list[float]:
    return [cycles["v_reset_v"][row], np.log(cycles["g_hrs_s"][row]), np.log(cycles["g_lrs_s"][row])]


def test_a_gap_in_the_numbers_ends_a_run_and_order_does_not_matter() -> None:
    cycles = figures(40).drop(index=[20]).sample(frac=1, random_state=1)
    runs = of_sweeps(cycles).devices["d"]  # type: ignore[union-attr]
    assert [len(each) for each in runs.numbers] == [20, 19]
    assert all((np.diff(each) == 1).all() for each in runs.numbers)


@pytest.mark.parametrize(("length", "kept"), [(SHORTEST_RUN, 1), (SHORTEST_RUN - 1, 0)])
def test_short_runs_are_dropped(length: int, kept: int) -> None:
    cycles = figures(40 + length)
    cycles.loc[length, "outcome"] = "failed"
    runs = of_sweeps(cycles).devices["d"]  # type: ignore[union-attr]
    assert len(runs.numbers) == 1 + kept


@pytest.mark.parametrize(("n", "some"), [(LEAST, True), (LEAST - 1, False)])
def test_the_least_number_of_cycles(n: int, some: bool) -> None:
    assert (found(figures(n)) is not None) is some


@pytest.mark.parametrize(("n", "fitted"), [(LEAST_CYCLES, True), (LEAST_CYCLES - 1, False)])
def test_the_least_number_of_cycles_for_an_autoregression(n: int, fitted: bool) -> None:
    result = found(figures(n))
    assert result is not None
    assert (result.fit is not None) is fitted
    if not fitted:
        assert "50 cycles" in result.why_not
        assert "49" in result.why_not
        assert f"No autoregression: {result.why_not}." in result.sentences()
        assert "autoregression" not in result.tables()


def test_a_quantity_that_most_cycles_lack_is_left_out() -> None:
    result = found(figures(60).assign(v_reset_v=np.nan))
    assert result is not None
    assert result.names == ["v_set_v", "ln_g_hrs", "ln_g_lrs"]
    assert found(figures(60).assign(v_reset_v=np.nan, v_set_v=np.nan, g_lrs_s=np.nan)) is None


def test_a_constant_is_left_out() -> None:
    result = found(figures(60).assign(v_reset_v=0.9))
    assert result is not None
    assert result.names == ["v_set_v", "ln_g_hrs", "ln_g_lrs"]


def test_correlations_and_memory_are_found() -> None:
    result = found(pd.concat([figures(200, "d1", 1), figures(200, "d2", 2), figures(10, "d3", 3)]))
    assert result is not None
    within = result.correlation("ln_g_hrs", "v_set_v")  # either order
    assert within is result.correlation("v_set_v", "ln_g_hrs")
    assert within.rho.high < -0.4
    assert result.correlation("v_set_v", "ln_g_hrs", 0, True).rho.high < -0.3
    memory = result.correlation("ln_g_hrs", "ln_g_hrs", 1)
    assert memory.rho.low < 0.57 < memory.rho.high
    assert result.correlation("v_set_v", "ln_g_hrs", 1).rho.high < 0
    text = " ".join(result.sentences())
    assert "Over 400 cycles of 2 devices" in text
    assert "|V_set| and ln HRS -0." in text
    assert "of order 1 (by BIC, 398 cycles of 2 devices)" in text
    (left_out,) = result.skipped
    assert (left_out.device, left_out.reason.split()[:2]) == ("d3", ["10", "cycles"])
    (scalar,) = result.scalars()
    assert scalar.value == result.fit.radius  # type: ignore[union-attr]
    assert 0.4 < scalar.value < 0.8


def test_independent_cycles_have_no_significant_correlation() -> None:
    rng = np.random.default_rng(4)
    cycles = figures(100)
    for name in ("v_set_v", "v_reset_v", "g_hrs_s", "g_lrs_s"):
        cycles[name] = cycles[name].to_numpy()[rng.permutation(100)]
    result = found(cycles)
    assert result is not None
    assert result.fit is not None
    assert result.fit.order == 0
    none, memory = result.sentences()
    assert none.startswith("Over 100 cycles of 1 device none of 22")
    assert memory.endswith("(100 cycles).")


def test_a_drift_is_reported() -> None:
    cycles = figures(200)
    rise = np.linspace(0, 1, 200)
    cycles["v_reset_v"] += 0.15 * rise
    cycles["g_lrs_s"] *= np.exp(0.3 * rise)
    result = found(cycles)
    assert result is not None
    assert result.drifting() == {"d": ["v_reset_v", "ln_g_lrs"]}
    assert [each.code for each in result.warnings] == ["drift"]
    assert result.warnings[0].message.startswith("d (|V_reset| and ln LRS)")


def given(values: float, changes: float, lag: int = 0, expected: float = 0.0, p: float = 1e-6) -> list[Combined]:
    """One correlation of values that stands out, and that of changes with its p."""
    of_values = Combined(
        first="v_set_v",
        second="ln_g_hrs",
        lag=lag,
        n=99,
        n_effective=50.0,
        rho=Estimate(values, 0.1, 0.9),
        expected=0.0,
        p=1e-6,
        null_variance=0.02,
        p_holm=1e-5,
        n_devices=1,
        p_heterogeneity=float("nan"),
    )
    of_changes = replace(
        of_values, differenced=True, n=98, rho=Estimate(changes, 0.1, 0.9), expected=expected, p=p, p_holm=p
    )
    return [of_values, of_changes]


@pytest.mark.parametrize(
    ("changes", "lag", "expected", "p", "lasts"),
    [
        (0.4, 0, 0.0, 0.049, True),
        (0.4, 0, 0.0, 0.051, False),  # not seen in the changes
        (-0.4, 0, 0.0, 1e-6, False),  # seen there with the other sign
        (-0.1, 1, -0.48, 1e-6, True),  # less below 0 than without memory: it remembers
        (-0.48, 1, -0.48, 0.9, False),
    ],
)
def test_what_changes_do_not_show_may_be_a_drift(
    changes: float, lag: int, expected: float, p: float, lasts: bool
) -> None:
    (text,) = sequence_text.correlation_text(given(0.5, changes, lag, expected, p), OF_SWEEPS, 1, 99, "one cycle")
    assert text.startswith("Over 99 cycles of 1 device 1 of 1")
    assert ("drift" not in text) is lasts


def test_devices_that_differ_are_named() -> None:
    other = figures(200, "d2", 2)
    other["v_set_v"] = -1.6 - other["v_set_v"]  # the other way round
    result = found(pd.concat([figures(200, "d1"), other]))
    assert result is not None
    assert result.correlation("v_set_v", "ln_g_hrs").p_heterogeneity < 1e-6


def test_tables_are_complete_and_strict() -> None:
    result = found(pd.concat([figures(60, "d1", 1), figures(60, "d2", 2)]))
    assert result is not None
    rows = result.tables()["correlations"]
    assert len(rows) == 3 * 2 * 22
    assert set(rows["device_id"]) == {"all", "d1", "d2"}
    matrix = result.rho(1, False)
    assert matrix[2, 0] == result.correlation("ln_g_hrs", "v_set_v", 1).rho.value
    within = result.rho(0, True)
    np.testing.assert_array_equal(within, within.T)
    assert np.isnan(np.diag(within)).all()
    from devicekit.core.records import plain

    json.dumps(plain(result.as_dict()), allow_nan=False)


@pytest.mark.slow
def test_figures_are_drawn() -> None:
    result = found(pd.concat([figures(60, "d1", 1), figures(60, "d2", 2)]))
    assert result is not None
    first = result.images()[0]
    assert first.values[0, 2] == result.correlation("v_set_v", "ln_g_hrs").rho.value  # above: values
    assert first.values[2, 0] == result.correlation("v_set_v", "ln_g_hrs", 0, True).rho.value
    panel = result.panel()
    assert panel.y.label == {each.name: each.plain for each in OF_SWEEPS}["ln_g_hrs"]
    assert panel.curves[0].x[1] == pytest.approx(panel.curves[0].y[0])  # each value is the next one's past
    panel.draw()
    assert len(result.blocks()) >= 4
    voltages = result.scatter_panel("v_set_v")
    assert voltages.x.unit == "V"
    assert (voltages.curves[0].x > 0).all()


def test_each_compliance_is_a_device_of_its_own() -> None:
    cycles = figures(60)
    at = {("d", n): "100 µA" if n <= 30 else "200 µA" for n in range(1, 61)}
    assert list(of_sweeps(cycles, at).devices) == ["d at 100 µA", "d at 200 µA"]  # type: ignore[union-attr]


def trains(n: int, widths: int = 1, unit: str = "conductance_s") -> PulseTable:
    """n LTP and LTD trains of five readings; where an LTP train ends, the LTD train ends high too."""
    rng = np.random.default_rng(5)
    rows = []
    for cycle in range(1, n + 1):
        high = rng.standard_normal()
        for direction, level in (("ltp", 20 + high), ("ltd", 10 + 0.5 * high + 0.2 * rng.standard_normal())):
            rows += [
                {"device_id": "d", "cycle": cycle, "direction": direction, "pulse_index": k, unit: 1e-6 * level}
                for k in range(5)
            ]
    frame = pd.DataFrame(rows)
    if widths > 1:
        frame["pulse_width_s"] = np.where(frame["cycle"] % 2, 1e-6, 2e-6)
    return PulseTable(frame)


def test_ends_of_trains_go_together() -> None:
    result = characterize(trains(60)).results["sequence"]
    assert isinstance(result, SequenceResult)
    assert result.names == ["ln_g_ltp", "ln_g_ltd"]
    assert result.correlation("ln_g_ltp", "ln_g_ltd").rho.low > 0.7
    assert result.panel().x.unit == "S"
    assert "sequence" not in characterize(trains(60, widths=2)).results
    weights = characterize(trains(60, unit="weight")).results["sequence"]
    assert isinstance(weights, SequenceResult)
    assert weights.names == ["weight_ltp", "weight_ltd"]
    assert weights.panel().x.unit == ""


def test_trains_of_one_direction_have_no_pairs() -> None:
    ends = pd.DataFrame({"device_id": "d", "cycle": range(40), "direction": "ltp", "end": 1e-6})
    assert of_trains(ends, "conductance_s") is None


def log(cycles: np.ndarray) -> EnduranceTable:
    """HRS and LRS after these numbers of cycles."""
    rng = np.random.default_rng(6)
    levels = [
        pd.DataFrame(
            {"device_id": "d", "cycle": cycles, "level": level, "conductance_s": g * rng.lognormal(0, 0.1, len(cycles))}
        )
        for level, g in (("hrs", 1e-5), ("lrs", 1e-3))
    ]
    return EnduranceTable(pd.concat(levels).sort_values("cycle", kind="stable"))


def test_an_endurance_log_has_a_step_between_readings() -> None:
    result = characterize(log(1000 * np.arange(1, 81))).results["sequence"]
    assert isinstance(result, SequenceResult)
    assert result.step == "1000 cycles"
    assert "Over 80 readings of 1 device, 1000 cycles apart," in result.sentences()[0]
    assert result.panel().x.label.endswith("1000 cycles before")
    assert of_endurance(log(np.arange(1, 81))).step == "one cycle"  # type: ignore[union-attr]


def test_readings_on_a_logarithmic_grid_have_no_previous_cycle() -> None:
    grid = np.unique(np.round(np.logspace(0, 6, 120)).astype(int))
    assert of_endurance(log(grid)) is None
    assert "sequence" not in characterize(log(grid)).results


@pytest.mark.slow
def test_the_shipped_set_gives_its_truth() -> None:
    from devicekit.synthetic.known_cycles import CycleTruth

    dataset = catalog.get("reference-cycles")
    assert dataset.synthetic
    found = devicekit.characterize(dataset.data)
    result = found.results["sequence"]
    assert isinstance(result, SequenceResult)
    json.dumps(found.as_dict(), allow_nan=False)
    assert result.fit is not None
    assert result.fit.order == 1
    truth = CycleTruth()
    scale = truth.deviation / result.fit.scale  # V_reset is read on a grid of 25 mV, which adds to its scatter
    true = truth.coefficients * scale[:, None] / scale[None, :]
    inside = (result.fit.low[0] <= true) & (true <= result.fit.high[0])
    assert inside.sum() >= 14
    assert result.drifting() == {"device05": ["v_set_v", "ln_g_hrs"]}
    assert [each.name for each in result.quantities] == [each.name for each in OF_SWEEPS]


def test_measured_ramps_drift_too_much_to_be_judged(measured: Path) -> None:
    """rho 0.92 of the ends of 39 ramps, as if independent p 1e-16; of changes 0.20."""
    result = devicekit.characterize(measured / "crosssim_ramps", read_voltage=0.1).results["sequence"]
    assert isinstance(result, SequenceResult)
    values = result.correlation("ln_g_ltp", "ln_g_ltd")
    changes = result.correlation("ln_g_ltp", "ln_g_ltd", 0, True)
    assert values.rho.value == pytest.approx(0.92, abs=0.01)
    assert values.n_effective < 6
    assert not values.p < 0.01
    assert changes.rho.value == pytest.approx(0.20, abs=0.01)
    assert changes.p > 0.2
    assert "cannot be judged" in result.sentences()[0]
    assert [each.code for each in result.warnings] == ["drift"]


@pytest.mark.usefixtures("without_mechanism")
def test_a_measured_log_remembers_a_little(measured: Path) -> None:
    result = devicekit.characterize(measured / "rram_1t1r" / "endurance_log.csv").results["sequence"]
    assert isinstance(result, SequenceResult)
    assert result.step == "50000 cycles"
    own = result.correlation("ln_g_hrs", "ln_g_hrs", 1)
    assert own.rho.low > 0.08
    assert own.rho.high < 0.25
    ladder = devicekit.characterize(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA")
    assert "sequence" not in ladder.results  # four loops, each of another compliance
