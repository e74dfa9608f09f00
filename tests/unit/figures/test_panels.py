"""Each panel shows what characterize, a fit, a training and a benchmark found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.figures.looks import COLOURS, looks
from devicekit.synthetic import levels, records
from devicekit.tables import EnduranceTable, SweepTable

Run = Callable[..., Any]


def panel(name: str, *given: Any, **how: Any) -> Any:
    (found,) = [each for each in dk.figure(*given, panels=[name], **how).panels if each.name == name]
    return found


def curve(drawn: Any, name: str) -> Any:
    (found,) = [each for each in drawn.panel.curves if each.name == name]
    return found


def test_the_front_cycle_is_nearest_to_the_median_of_each_polarity() -> None:
    """Set and reset sweeps apart: the conductance rises, or falls, fivefold at their ends."""
    up = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 50)])
    sweeps = [(1, 1.0), (-1, 1.0), (1, 9.0), (-1, 0.1), (1, 5.0), (-1, 7.0), (1, 3.0), (1, 0.5)]
    rows = [
        ("d", cycle, point, sign * v, sign * factor * 1e-6 * v * (5.0**sign if point > 50 else 1))
        for cycle, (sign, factor) in enumerate(sweeps, 1)
        for point, v in enumerate(up)
    ]
    frame = pd.DataFrame(rows, columns=["device_id", "cycle", "point", "voltage_v", "current_a"])
    front = [each for each in panel("iv", SweepTable(frame)).panel.curves if each.name.startswith("median cycle")]
    found = {float(np.sign(each.x[np.argmax(np.abs(each.x))])): float(np.nanmax(each.y)) for each in front}
    assert found == {1.0: pytest.approx(1.5e-5, rel=0.1), -1.0: pytest.approx(1e-6, rel=0.1)}


def test_compliances_of_one_file_are_told_apart() -> None:
    drawn = panel("iv", dk.catalog.get("readc-sweeps").data)
    assert [each.name for each in drawn.panel.curves if each.legend] == ["50 µA", "100 µA", "200 µA", "400 µA"]


def endurance(devices: int, cycles: int = 200) -> EnduranceTable:
    """LRS of device k at cycle c is (k + 1) times 100 µS, HRS a hundredth of it."""
    rows = [
        (f"d{k}", cycle, level, (k + 1) * (1e-4 if level == "lrs" else 1e-6))
        for k in range(devices)
        for cycle in range(1, cycles + 1)
        for level in ("lrs", "hrs")
    ]
    return EnduranceTable(pd.DataFrame(rows, columns=["device_id", "cycle", "level", "conductance_s"]))


def test_endurance_has_the_band_over_devices_or_the_readings_of_one() -> None:
    several = panel("endurance", endurance(5))
    middle, band = curve(several, "LRS"), curve(several, "LRS, band")
    np.testing.assert_allclose(middle.y, 3e-4)
    np.testing.assert_allclose([band.low[0], band.high[0]], np.quantile(np.arange(1, 6) * 1e-4, [0.05, 0.95]))
    alone = curve(panel("endurance", endurance(1)), "HRS, readings")
    assert alone.y.size == 200
    ohms = curve(panel("endurance", endurance(5), show="ohm"), "HRS")
    np.testing.assert_allclose(ohms.y, 1 / 3e-6)


def test_retention_shows_the_law_and_the_prediction_of_characterize() -> None:
    table = records.retention(2)
    drawn = panel("retention", table)
    for state in dk.characterize(table).results["retention"].states:
        law = curve(drawn, f"{state.level}, law")
        np.testing.assert_allclose(law.y, state.g_1s * law.x**-state.nu)
        ahead = curve(drawn, f"{state.level}, prediction")
        found = state.prediction.conductance
        assert (ahead.y[0], ahead.low[0], ahead.high[0]) == pytest.approx((found.value, found.low, found.high))


def test_levels_are_distributions_of_their_readings_and_beyond_eight_a_scale() -> None:
    truth = levels.LevelTruth(targets_s=tuple(np.linspace(2e-5, 2e-4, 10)))
    table = levels.multilevel(4, 10, truth=truth)
    drawn = panel("levels", table, probability="normal")
    found = dk.characterize(table).results["multilevel"].levels
    np.testing.assert_allclose(drawn.panel.curves[3].x, np.sort(found[3].conductance_s))
    assert drawn.scale == ("level", 1.0, 10.0)
    assert len({each.colour for each in drawn.panel.curves}) == 10


def test_eight_looks_differ_in_colour_and_in_grey() -> None:
    found = looks(8)
    assert len({each.colour for each in found}) == len(COLOURS) == 8
    assert len({(each.dash, each.marker) for each in found}) == 8


@pytest.mark.slow
def test_trains_and_rates_are_those_of_the_fit() -> None:
    table = dk.read(dk.catalog.get("vcm-trains").data, device="C4")
    fit = dk.fit(table)
    drawn = {each.name: each for each in dk.figure(fit).panels}
    assert list(drawn) == ["trains", "rates"]
    np.testing.assert_allclose(curve(drawn["trains"], "LTP, eq2 law").y, fit.window.from_state(fit.ltp.fitted))
    rate = curve(drawn["rates"], "LTD, rate")
    np.testing.assert_allclose(rate.y, np.abs(fit.ltd.rate(rate.x)), rtol=1e-9)


def test_clouds_have_a_point_a_device(without_mechanism: None) -> None:
    table = records.sweeps(6, 5)
    found = dk.characterize(table).results["dc"].cycles.groupby("device_id", sort=False)
    drawn = panel("devices-states", table)
    point = next(each for each in drawn.panel.curves if each.kind == "errors")
    np.testing.assert_allclose(point.x, found["g_hrs_s"].median())
    np.testing.assert_allclose(point.y, found["g_lrs_s"].median())
    card = dk.load_card(dk.catalog.get("vcm-trains").card)
    rates = panel("devices-rates", card).panel.curves[0]
    np.testing.assert_allclose(rates.x, [np.exp(each.ltp_theta[0]) for each in card.devices])


def training(folder: Path, seed: int, accuracies: list[float]) -> Path:
    folder.mkdir()
    rows = [{"epoch": n, "test_accuracy": each} for n, each in enumerate(accuracies, 1)]
    facts = {"name": "digits", "split": "given", "n_test": 100}
    metrics = {"settings": {"seed": seed}, "data": facts, "epochs": rows, "accuracy_mean_last": 0.9, "marks": []}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / ".devicekit.json").write_text(json.dumps({"tool": "devicekit", "files": ["metrics.json"]}))
    return folder


def test_trainings_of_several_seeds_are_one_curve_with_a_t_interval(tmp_path: Path) -> None:
    folders = [training(tmp_path / f"run{seed}", seed, [0.5, 0.6 + 0.1 * seed]) for seed in range(3)]
    drawn = panel("accuracy", *folders)
    line, band = curve(drawn, "run"), curve(drawn, "run, 95 %")
    np.testing.assert_allclose(line.y, [50.0, 70.0])
    np.testing.assert_allclose(band.high[1] - 70.0, 4.302653 * 10 / np.sqrt(3), rtol=1e-6)


def test_a_benchmark_stands_beside_its_ideal_device_and_on_the_curve_of_its_flaw(tmp_path: Path) -> None:
    from snn.benchmark.curves import shipped

    plain = {"variant": "plain", "device": [0.8, 0.9], "twin": [0.9, 0.9]}
    result = {
        "name": "mine",
        "split": shipped()["split"],
        "seeds": 2,
        "variants": [plain],
        "distances": [{"flaw": "read noise"}],
        "severities": {"read noise": 0.02},
    }
    file = tmp_path / "benchmark.json"
    file.write_text(json.dumps({"results": [result]}))
    drawn = {each.name: each for each in dk.figure(file).panels}
    assert list(drawn) == ["benchmark", "flaw"]
    assert curve(drawn["benchmark"], "device").x[0] == pytest.approx(85.0)
    own = curve(drawn["flaw"], "mine")
    assert (own.x[0], own.y[0]) == pytest.approx((2.0, 85.0))  # in percent of the window, as on pages


def test_results_and_records_give_the_distributions_of_the_measurement(
    tmp_path: Path, devicekit: Run, without_mechanism: None, without_pictures: None
) -> None:
    records.sweeps(8, 1).to_csv(tmp_path / "s.csv")
    assert devicekit("characterize", tmp_path / "s.csv", "--out", tmp_path / "c").code == 0
    added = devicekit("library", "add", tmp_path / "s.csv", "--library", tmp_path / "l", "--json").json
    given = [tmp_path / "s.csv", tmp_path / "c", f"library:{added['records'][0]['id']}"]
    shown = [curve(panel("cdf-states", each, library=tmp_path / "l"), "LRS") for each in given]
    for each in shown[1:]:
        np.testing.assert_allclose(each.x, shown[0].x, rtol=1e-9)
    for each in given[1:]:
        common = ["--library", tmp_path / "l", "--out", tmp_path / "f", "--json"]
        ran = devicekit("figure", each, "--panels", "iv", *common)
        assert ran.code == 2
        assert "measured file" in ran.json["error"]["message"]
        assert "SYNTHETIC" in dk.figure(each, library=tmp_path / "l").captions()
