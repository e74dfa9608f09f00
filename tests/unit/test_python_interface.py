"""The Python interface as a new user meets it: prints, arrays, predictions, and the answers to wrong calls."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
import devicekit.device.card
import devicekit.features.characterize
import devicekit.fitting.device
import physics.iv
import physics.kinetics
import physics.pulses
import snn.interface
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.features.merits import mechanism
from devicekit.synthetic.pulses import reference_table

N = np.arange(41)
LTP, LTD = 10 + 20 * (1 - np.exp(-N / 12)), 10 + 20 * np.exp(-N / 9)
ROOT = Path(__file__).parents[2]


def cycles(train: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Readings of a train, shape (count, 41), with noise of 0.5 % of the window."""
    return train + np.random.default_rng(seed).normal(0, 0.1, (count, train.size))


@pytest.fixture(scope="module")
def fit() -> Any:
    """A fit of five cycles whose truth is known."""
    return dk.fit(ltp=cycles(LTP, 5, 1), ltd=cycles(LTD, 5, 2), unit="uS")


# ---- arrays ----


def test_arrays_are_fitted_as_the_table_of_the_same_numbers(fit: Any) -> None:
    rows = [
        {"device_id": "a", "cycle": k + 1, "direction": name, "pulse_index": n, "conductance_s": 1e-6 * g}
        for name, trains in (("ltp", cycles(LTP, 5, 1)), ("ltd", cycles(LTD, 5, 2)))
        for k, train in enumerate(trains)
        for n, g in enumerate(train)
    ]
    table = dk.fit(pd.DataFrame(rows))
    assert fit.as_dict()["branches"] == table.as_dict()["branches"]
    assert len(fit.table.devices) == 1
    assert set(fit.table.frame["cycle"]) == {1, 2, 3, 4, 5}


def test_resistances_currents_and_weights_are_arrays_too() -> None:
    siemens = dk.fit(ltp=LTP, ltd=LTD, unit="uS").window
    assert dk.fit(ltp=1e3 / LTP, ltd=1e3 / LTD, unit="kohm").window.high == pytest.approx(siemens.high)
    by_current = dk.fit(ltp=0.2 * LTP, ltd=0.2 * LTD, unit="uA", read_voltage=0.2)
    assert by_current.window.high == pytest.approx(siemens.high)
    assert dk.fit(ltp=LTP / 40, ltd=LTD / 40, unit="1").window.quantity == "weight"


def test_trains_of_unequal_length_and_readings_that_are_missing() -> None:
    ltp = [*cycles(LTP, 2, 3), cycles(LTP, 1, 4)[0, :30]]
    ltp[0][7] = np.nan
    table = dk.fit(ltp=ltp, ltd=cycles(LTD, 3, 5), unit="uS").table.frame
    counts = table[table["direction"] == "ltp"].groupby("cycle").size().tolist()
    assert counts == [40, 41, 30]


def test_a_mapping_of_columns_is_characterised() -> None:
    v = np.tile(np.r_[np.linspace(0, 0.5, 26), np.linspace(0.5, 0, 26)[1:]], 2)
    found = dk.characterize({"voltage_v": v, "current_a": 1e-5 * v}, accept=True)
    assert found.tables["linearity"]["conductance_s"].tolist() == pytest.approx([1e-5] * 2, rel=1e-6)
    loops = dk.characterize({"voltage_v": v, "current_a": 1e-5 * v}, accept=True, v_set="max_didv")
    assert set(loops.results) == set(found.results)


# ---- prediction ----


def test_a_prediction_follows_the_truth_within_its_band(fit: Any) -> None:
    for direction, truth in (("ltp", LTP), ("ltd", LTD)):
        curve = fit.predict(N, direction)
        assert curve.quantity == "conductance_s"
        inside = curve.is_measured
        assert inside.all()
        within = (curve.low <= 1e-6 * truth) & (1e-6 * truth <= curve.high)
        assert within.mean() > 0.9
        assert np.median(curve.high - curve.low) < 0.02 * 20e-6  # 5 cycles of 0.5 %: a band of some tenths of a percent


def test_a_prediction_from_a_state_is_the_train_from_there(fit: Any) -> None:
    whole = fit.predict(range(41), "ltd")
    later = fit.predict(range(31), "ltd", start=float(whole.value[10]))
    np.testing.assert_allclose(later.value, whole.value[10:], rtol=1e-9)
    assert later.low[0] == pytest.approx(later.value[0], rel=0.01)  # the start itself is given
    assert list(later.frame().columns) == ["pulses", "conductance_s", "low", "high"]


def test_there_is_no_band_beyond_the_measured_states(fit: Any) -> None:
    curve = fit.predict([40, 400])
    assert curve.is_measured.tolist() == [True, False]
    assert np.isnan(curve.low[1])
    assert curve.value[1] > curve.value[0]
    assert curve.plot().has_data()


def test_a_fit_saves_its_card_under_the_name_of_the_file(fit: Any, tmp_path: Path) -> None:
    fit.save(tmp_path / "mine.json")
    assert dk.load_card(tmp_path / "mine.json").name == "mine"


# ---- networks and simulations ----


def test_a_fit_a_card_its_file_and_a_shipped_name_train_alike(fit: Any, tmp_path: Path) -> None:
    fit.save(tmp_path / "device.json")
    card = dk.load_card(tmp_path / "device.json")
    reached = [
        dk.train(each, epochs=1, hidden=20, seed=3).accuracy_mean_last
        for each in (fit, card, tmp_path / "device.json", str(tmp_path / "device.json"))
    ]
    assert len(set(reached)) == 1
    assert dk.load_card("vcm-trains").name == dk.load_card(dk.catalog.get("vcm-trains").card).name
    assert len(dk.DeviceArray("vcm-trains", 5).r) == 5


def test_a_material_set_is_simulated_by_its_name() -> None:
    result = dk.simulate.iv("electrothermal", mesh="coarse")
    assert result.stack.material == "electrothermal"
    assert dir(dk.simulate) == ["iv", "kinetics", "pulses"]


@pytest.mark.slow
def test_the_examples_of_docstrings_run() -> None:
    run = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    functions = (
        *(devicekit.device.card.load_card, devicekit.fitting.device.fit, devicekit.features.characterize.characterize),
        *(physics.iv.simulate_iv, physics.pulses.simulate_pulses, physics.kinetics.kinetics),
        *(snn.interface.train, snn.interface.benchmark),
    )
    tests = [each for function in functions for each in doctest.DocTestFinder(recurse=False).find(function)]
    assert sum(len(each.examples) for each in tests) > 15
    for each in tests:
        run.run(each)
    assert run.summarize().failed == 0


# ---- printing ----


@pytest.fixture(scope="module")
def results(fit: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One of every public result."""
    card = fit.to_card("mine")
    v = np.tile(np.r_[np.linspace(0, 0.5, 26), np.linspace(0.5, 0, 26)[1:]], 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mechanism, "find", lambda *_: None)
        sweeps = dk.characterize({"voltage_v": v, "current_a": 1e-5 * v}, accept=True)
    return {
        "fit": fit,
        "branch": fit.ltp,
        "variation": fit.variation,
        "card": card,
        "branch of a card": card.ltp,
        "table": fit.table,
        "characterization": sweeps,
        "figure of merit": sweeps.results["linearity"],
        "comparison": dk.compare(fit.table),
        "advice": dk.next_measurement(fit),
        "prediction": fit.predict(range(41)),
        "training": dk.train(card, epochs=1, hidden=20),
        "benchmark": dk.benchmark(card, seeds=1, attribution=False, wide=False, other_policy=False),
        "simulation": dk.simulate.iv("electrothermal", mesh="coarse"),
        "library": dk.Library(tmp_path_factory.mktemp("library")),
        "data set": dk.catalog.get("vcm-trains"),
        "array": dk.DeviceArray(card, 3),
    }


@pytest.mark.slow
def test_every_result_prints_a_few_lines_and_its_repr_is_one(results: dict[str, Any]) -> None:
    for name, result in results.items():
        lines = str(result).splitlines()
        assert "\n" not in repr(result), name
        assert len(repr(result)) <= 200, name
        assert len(lines) <= 20, name
        assert "array(" not in str(result), name
        assert max(map(len, lines)) <= 200, name
        if name not in ("data set", "array", "branch of a card", "variation", "library"):
            assert len(lines) > 1, name


def test_a_print_holds_the_numbers_that_matter(results: dict[str, Any]) -> None:
    shown = {name: " ".join(str(result).split()) for name, result in results.items()}
    fit, training, simulation = results["fit"], results["training"], results["simulation"]
    assert f"{100 * fit.ltp.nrmse:.2g} %" in shown["fit"]
    assert f"a {fit.ltp.coefficients['a']:.4g}" in shown["branch"]
    assert f"{100 * training.accuracy_mean_last:.1f} %" in shown["training"]
    assert f"{simulation.v_set_v:.4g} V" in shown["simulation"]
    assert results["benchmark"].verdict in shown["benchmark"]


def test_a_result_without_a_text_of_its_own_shows_its_numbers(fit: Any) -> None:
    row = replace(fit.variation.branches["ltp"], increment=0.123456)
    assert repr(row).startswith("<BranchSpread: n_devices=1, n_cycles=5, ")
    assert "increment=0.1235" in repr(row)


# ---- figures in a script ----

SCRIPT = """
import sys, types
import matplotlib
backend = types.ModuleType("fake_window")
from matplotlib.backends.backend_agg import FigureCanvasAgg, FigureManagerBase
class Manager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block=None):
        import matplotlib.pyplot as plt
        print("windows:", plt.get_fignums())
class FigureCanvas(FigureCanvasAgg):
    required_interactive_framework = "headless"
    manager_class = Manager
backend.FigureCanvas, backend.FigureManager = FigureCanvas, Manager
sys.modules["fake_window"] = backend
matplotlib.use("module://fake_window")
import matplotlib.pyplot as plt
import numpy as np
from devicekit.plot import Axis, Curve, Panel
panel = Panel(Axis("x"), Axis("y"), [Curve("line", np.arange(3.0), np.arange(3.0))])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "windows"),
    [
        ("panel.draw(); panel.draw().figure.savefig('a.pdf'); plt.subplots(); panel.draw()", "[1, 4]"),
        ("panel.draw().figure.savefig('a.png'); panel.draw(); plt.close(2); plt.subplots()", None),
    ],
)
def test_a_script_shows_at_its_end_what_nobody_has_seen(lines: str, windows: str | None, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    code = SCRIPT + lines
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip() == ("" if windows is None else f"windows: {windows}")


# ---- wrong usages ----

WRONG: dict[str, Callable[[Any, Any, Path], Any]] = {
    "fit('nofile.csv')": lambda fit, card, data: dk.fit("nofile.csv"),
    "fit(FILE of sweeps)": lambda fit, card, data: dk.fit(data / "sweep.csv"),
    "fit([1.0, 2.0, ...])": lambda fit, card, data: dk.fit(LTP.tolist()),
    "fit(array)": lambda fit, card, data: dk.fit(LTP),
    "fit(ltp=array, ltd=array)": lambda fit, card, data: dk.fit(ltp=LTP, ltd=LTD),
    "fit(ltp='trains.csv', unit='uS')": lambda fit, card, data: dk.fit(ltp="trains.csv", unit="uS"),
    "fit()": lambda fit, card, data: dk.fit(),
    "fit(..., unit='microsiemenz')": lambda fit, card, data: dk.fit(ltp=LTP, ltd=LTD, unit="microsiemenz"),
    "fit(FILE, read_volt=0.1)": lambda fit, card, data: dk.fit(data / "pulses.csv", read_volt=0.1),
    "fit(FILE, law='eq2')": lambda fit, card, data: dk.fit(data / "pulses.csv", law="eq2"),
    "fit(fit)": lambda fit, card, data: dk.fit(fit),
    "characterize(fit)": lambda fit, card, data: dk.characterize(fit),
    "characterize(voltage=v, current=i)": lambda fit, card, data: dk.characterize(voltage=[1], current=[1]),
    "characterize(FILE, treshold=5)": lambda fit, card, data: dk.characterize(data / "sweep.csv", treshold=5),
    "read(CARD.json)": lambda fit, card, data: dk.read(dk.catalog.get("vcm-trains").card),
    "read(card)": lambda fit, card, data: dk.read(card),
    "load_card(FILE.csv)": lambda fit, card, data: dk.load_card("sweep.csv"),
    "load_card(fit)": lambda fit, card, data: dk.load_card(fit),
    "next_measurement(table)": lambda fit, card, data: dk.next_measurement(fit.table),
    "posterior(table)": lambda fit, card, data: dk.posterior(fit.table),
    "train('mine.csv')": lambda fit, card, data: dk.train("sweep.csv"),
    "train(table)": lambda fit, card, data: dk.train(fit.table),
    "train(card, hiden=50)": lambda fit, card, data: dk.train(card, hiden=50),
    "train(card, 'mnst')": lambda fit, card, data: dk.train(card, "mnst"),
    "benchmark(card, seed=3)": lambda fit, card, data: dk.benchmark(card, seed=3),
    "simulate.iv('electrothermic')": lambda fit, card, data: dk.simulate.iv("electrothermic"),
    "DeviceArray(card, (8, 8))": lambda fit, card, data: dk.DeviceArray(card, (8, 8)),
    "fit.to_card()": lambda fit, card, data: fit.to_card(),
    "fit.predict(10, 'up')": lambda fit, card, data: fit.predict(10, "up"),
    "fit.predict(2.5)": lambda fit, card, data: fit.predict(2.5),
    "fit.params": lambda fit, card, data: fit.params,
    "fit.summary()": lambda fit, card, data: fit.summary(),
    "fit.rmse": lambda fit, card, data: fit.rmse,
    "fit.windw": lambda fit, card, data: fit.windw,
    "card.conductance": lambda fit, card, data: card.conductance,
    "table.df": lambda fit, card, data: fit.table.df,
    "table.plot()": lambda fit, card, data: fit.table.plot(),
    "table['G']": lambda fit, card, data: fit.table["G"],
    "fit['ltp']": lambda fit, card, data: fit["ltp"],
    "fit.ltp.a": lambda fit, card, data: fit.ltp.a,
    "fit.plot('fit.png')": lambda fit, card, data: fit.plot("fit.png"),
    "card.rate('up', 0.5)": lambda fit, card, data: card.rate("up", 0.5),
    "card.rate('ltp', [0.5, 2.0])": lambda fit, card, data: card.rate("ltp", [0.5, 2.0]),
    "compare('a.csv', 'b.csv')": lambda fit, card, data: dk.compare("a.csv", "b.csv"),
    "export(card, 'spice')": lambda fit, card, data: dk.export(card, "spice"),
    "fit.save()": lambda fit, card, data: fit.save(),
    "DeviceArray(card, 4).pulse('up')": lambda fit, card, data: dk.DeviceArray(card, 4).pulse("up"),
    "simulate('iv')": lambda fit, card, data: dk.simulate("iv"),
    "simulate.pulses(amplitude=1)": lambda fit, card, data: dk.simulate.pulses(amplitude=1),
    "plot('mine.csv')": lambda fit, card, data: dk.plot("mine.csv"),
    "devicekit.load": lambda fit, card, data: dk.load,
    "devicekit.read_csv": lambda fit, card, data: dk.read_csv,
    "devicekit.fit_device": lambda fit, card, data: dk.fit_device,
    "devicekit.Fit": lambda fit, card, data: dk.Fit,
    "devicekit.show": lambda fit, card, data: dk.show,
    "devicekit.charaterize": lambda fit, card, data: dk.charaterize,
}


def test_a_wrong_usage_is_answered_in_a_sentence_that_names_the_way(
    fit: Any, tmp_path: Path, file_regression: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    v = np.tile(np.r_[np.linspace(0, 0.5, 26), np.linspace(0.5, 0, 26)[1:]], 2)
    pd.DataFrame({"voltage_v": v, "current_a": 1e-5 * v}).to_csv("sweep.csv", index=False)
    reference_table(1, 1, 20).frame.to_csv("pulses.csv", index=False)
    card, answers = fit.to_card("mine"), []
    for call, run in WRONG.items():
        with pytest.raises((DevicekitError, AttributeError, TypeError)) as caught:
            run(fit, card, Path())
        message = str(caught.value)
        assert len(message.splitlines()) <= 2, call
        answers.append(f"{call}\n{textwrap.indent(textwrap.fill(message, 110), '    ')}")
    file_regression.check("\n".join(answers) + "\n", extension=".txt")


def test_infinite_readings_far_starts_and_constrained_rankings_are_refused() -> None:
    steps = np.arange(21.0)
    up, down = 20 + 30 * (1 - np.exp(-steps / 6)), 20 + 30 * np.exp(-steps / 6)
    with pytest.raises(UsageError):
        devicekit.fit(ltp=np.where(steps == 4, np.inf, up), ltd=down, unit="uS")
    with pytest.raises(UsageError):
        devicekit.compare(ltp=up, ltd=down, unit="uS", fix={"ltp.d": 6.0})
    with pytest.raises(UsageError):
        devicekit.fit(ltp=up, ltd=down, unit="uS").predict([0, 12], start=15)


@pytest.mark.parametrize("state", [2.0, -0.1, np.nan, np.inf, [0.5, 1.2], [0.5, np.nan], "half", None])
def test_states_that_are_not_from_0_to_1_are_refused(fit: Any, state: Any) -> None:
    card = fit.to_card("mine")
    array = dk.DeviceArray(card, 2)
    for take in (lambda r: card.rate("ltd", r), fit.ltp.rate, lambda r: array.set_states(r),
                 lambda r: dk.DeviceArray(card, 2, initial=r)):  # fmt: skip
        with pytest.raises(UsageError):
            take(state)
    assert array.r.tolist() == [0.0, 0.0]
    with pytest.raises(UsageError):
        array.set_states(0.5, [-1])  # of NumPy, the last one


def test_a_type_error_inside_a_function_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn.interface.as_card", lambda card: card + 1)
    with pytest.raises(TypeError, match="concatenate"):
        dk.train("card.json")
