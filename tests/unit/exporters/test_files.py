"""MATLAB and CSV files read back, and checks of every target."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat

import devicekit
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, exporters, make
from devicekit.synthetic.pulses import truth_card
from devicekit.system import plugins
from devicekit.tables import neutral

from .conftest import LAWS, VARIANCE, exported, linear, shipped, soft, train, with_covariance


def device_of(folder: Path) -> Any:
    (path,) = folder.glob("*.mat")
    return loadmat(path, squeeze_me=True, struct_as_record=False)["device"]


def test_mat_holds_the_law_and_a_train(card: DeviceCard, tmp_path: Path) -> None:
    device = device_of(exported(card, "mat", tmp_path))
    assert device.name == card.name
    assert bool(device.synthetic) == card.provenance.synthetic
    assert device.marks == "synthetic"
    for direction, branch in (("ltp", device.ltp), ("ltd", device.ltd)):
        np.testing.assert_array_equal(branch.rate, card.rate(direction, device.r))
        np.testing.assert_array_equal(np.atleast_1d(branch.theta), card.branch(direction).theta)
        for name, value in card.branch(direction).coefficients.items():
            assert getattr(branch.coefficients, name) == value
    np.testing.assert_array_equal(device.train.conductance_s, train(card))
    assert device.units.conductance_s == "S"


def test_mat_variation_and_unknowns(tmp_path: Path) -> None:
    card = shipped()
    device = device_of(exported(card, "mat", tmp_path))
    assert device.variation.ltp.c2c.increment == card.variation.ltp.c2c["increment"].value
    np.testing.assert_array_equal(device.variation.d2d_ln_rate_covariance, card.variation.d2d_ln_rate_covariance)
    assert device.conditions.pulse_width_s == 50e-6
    assert device.ltp.band_lower.size == len(card.ltp.rate_curve.r) > 0
    assert not hasattr(device_of(exported(card, "mat", tmp_path, noise=False)), "variation")
    unknown = device_of(exported(truth_card(LAWS["eq2"]), "mat", tmp_path / "truth"))
    assert np.isnan(unknown.conditions.pulse_width_s)


def test_mat_in_octave(tmp_path: Path) -> None:
    octave = shutil.which("octave-cli") or shutil.which("octave")
    if octave is None:
        pytest.skip("octave is not installed: the .mat file is read by scipy only")
    card = shipped()
    (path,) = exported(card, "mat", tmp_path).glob("*.mat")
    code = f"load('{path.name}'); printf('%s %.17g', device.name, device.ltp.rate(251))"
    ran = subprocess.run([octave, "--quiet", "--eval", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    name, rate = ran.stdout.split()
    assert name == card.name
    assert float(rate) == float(card.rate("ltp", 0.5))


def test_mat_of_weights_has_no_siemens(weights: DeviceCard, tmp_path: Path) -> None:
    device = device_of(exported(weights, "mat", tmp_path))
    assert device.weight[0] == -1.0
    assert not hasattr(device, "conductance_s")
    assert device.units.weight == "1"


def test_csv_names_then_units(card: DeviceCard, tmp_path: Path) -> None:
    folder = exported(card, "csv", tmp_path)
    frame = pd.read_csv(folder / "rate.csv", skiprows=[1])
    units = pd.read_csv(folder / "rate.csv", nrows=1, dtype=str).iloc[0].dropna().to_dict()
    assert units == {
        "state": "1",
        "conductance_s": "S",
        "rate_ltp": "1/pulse",
        "rate_ltd": "1/pulse",
        "step_ltp": "S/pulse",
        "step_ltd": "S/pulse",
    }
    np.testing.assert_allclose(frame["rate_ltp"], card.rate("ltp", frame["state"].to_numpy()), rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(
        frame["step_ltd"],
        card.window.from_state(np.clip(frame["state"] + frame["rate_ltd"], 0, 1))
        - card.window.from_state(frame["state"]),
        rtol=1e-4,
        atol=1e-12,
    )
    assert (folder / "rate.csv").read_bytes().count(b"\r") == 0


def test_csv_train_is_read_by_devicekit(card: DeviceCard, tmp_path: Path) -> None:
    table = devicekit.read(exported(card, "csv", tmp_path) / "train.csv")
    path = train(card)
    for direction, wanted in (("ltp", path[:101]), ("ltd", path[100:])):
        ((device, cycle, pulses, value),) = table.traces(direction)
        assert (device, cycle) == (card.name, 1)
        assert pulses.tolist() == list(range(101))
        np.testing.assert_allclose(value, wanted, rtol=1e-8)


def test_csv_train_of_weights_is_read_as_weights(weights: DeviceCard, tmp_path: Path) -> None:
    table = devicekit.read(exported(weights, "csv", tmp_path) / "train.csv")
    assert table.quantity == "weight"
    assert len(table) == 202


@pytest.mark.parametrize("row", [",,,,uS,1", "x,,,,S,1"])
def test_another_second_row_is_still_refused(row: str, tmp_path: Path) -> None:
    folder = exported(soft(), "csv", tmp_path)
    path = folder / "train.csv"
    path.write_text(path.read_text().replace(",,,,S,1", row, 1))
    with pytest.raises(DevicekitError):
        devicekit.read(path)


def test_csv_parameters(tmp_path: Path) -> None:
    card = shipped()
    frame = pd.read_csv(exported(card, "csv", tmp_path) / "parameters.csv", skiprows=[1])
    ltp = frame[frame["direction"] == "ltp"].set_index("parameter")
    assert ltp.loc["a", "value"] == pytest.approx(card.ltp.coefficients["a"], rel=1e-8)
    assert ltp.loc["a of G", "unit"] == "G in S"
    assert ltp.loc["theta kappa", "standard_error"] == pytest.approx(card.ltp.standard_errors["kappa"], rel=1e-8)
    assert ltp.loc["C2C increment (increment)", "unit"] == "of the window"
    assert frame.set_index("parameter").loc["pulse_width_s", "value"] == 50e-6


def test_a_formula_in_a_name_stays_text(tmp_path: Path) -> None:
    card = soft().model_copy(update={"name": "=cmd|calc\n,x"})
    folder = exported(card, "csv", tmp_path)
    assert pd.read_csv(folder / "train.csv", skiprows=[1])["device_id"].unique().tolist() == ["'=cmd|calc ,x"]


def _quiet(card: DeviceCard) -> DeviceCard:
    empty = card.variation.ltp.model_copy(update={"c2c": {}, "d2d": {}, "step_noise": None})
    variation = card.variation.model_copy(update={"ltp": empty, "ltd": empty, "d2d_ln_rate_covariance": None})
    return card.model_copy(update={"variation": variation, "devices": ()})


@pytest.mark.parametrize("target", ["aihwkit", "crosssim", "neurosim", "mat", "csv"])
def test_export_of_a_card_without_variation_reports_no_noise(target: str) -> None:
    text = make(_quiet(shipped()), target, ExportOptions()).noise
    assert "without noise" in text
    assert "noise=False" in make(shipped(), target, ExportOptions(noise=False)).noise
    assert text != make(shipped(), target, ExportOptions()).noise


def test_read_noise_alone_goes_where_it_can() -> None:
    card = truth_card(LAWS["eq2"], increment=0.0, read=0.05)
    nothing = {"c2c": {"read": card.variation.ltp.c2c["read"]}}
    branch = card.variation.ltp.model_copy(update=nothing)
    card = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": branch, "ltd": branch})})
    noise = {target: make(card, target, ExportOptions()).noise for target in ("aihwkit", "crosssim", "neurosim", "mat")}
    assert noise["aihwkit"].startswith("Exported: no C2C")
    assert "no D2D" in noise["aihwkit"]
    assert "w_noise" in noise["aihwkit"]
    assert noise["crosssim"].startswith("Exported without noise")
    assert noise["neurosim"] == "Exported: sigmaReadNoise."
    assert noise["mat"].startswith("Exported:")


@pytest.mark.parametrize("target", ["aihwkit", "crosssim", "neurosim"])
def test_a_card_that_only_rises_is_refused(target: str) -> None:
    card = soft()
    still = card.ltd.model_copy(update={"largest_step": 0.0})
    with pytest.raises(UsageError, match=r"LTD .*card"):
        make(card.model_copy(update={"ltd": still}), target, ExportOptions())


@pytest.mark.parametrize(
    ("target", "options", "option"),
    [
        ("mat", {"nodes": 33}, "nodes="),
        ("aihwkit", {"points": 501}, "points="),
        ("neurosim", {"nodes": 33}, "nodes="),
        ("csv", {"window": (1e-6, 1e-4)}, "window="),
    ],
)
def test_an_option_of_another_target_is_refused(target: str, options: dict[str, Any], option: str) -> None:
    with pytest.raises(UsageError, match=rf"^{option}.*to={target}\b"):
        make(soft(), target, ExportOptions(**options))


@pytest.mark.parametrize("window", [(1e-4, 1e-6), (0.0, 1e-4), (-1e-6, 1e-4), (1e-6, float("inf"))])
def test_a_window_must_be_two_conductances(window: tuple[float, float], weights: DeviceCard) -> None:
    with pytest.raises(UsageError, match="0 < LOW < HIGH"):
        make(weights, "crosssim", ExportOptions(window=window))


def test_window_is_rejected_for_a_card_in_siemens() -> None:
    with pytest.raises(UsageError, match="already in S"):
        make(soft(), "neurosim", ExportOptions(window=(1e-6, 1e-4)))


class _Entry:
    name = "hspice"

    def __init__(self, module: object) -> None:
        self.module = module

    def load(self) -> object:
        if isinstance(self.module, Exception):
            raise self.module
        return self.module


def test_another_package_may_bring_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "devicekit.system.plugins.find_announcements", lambda group: [_Entry(plugins.EXPORTERS.load("csv"))]
    )
    assert list(exporters()) == ["hspice", *plugins.EXPORTERS.builtin_names()]
    assert "rate.csv" in make(soft(), "hspice", ExportOptions()).files
    monkeypatch.setattr(
        "devicekit.system.plugins.find_announcements", lambda group: [_Entry(ImportError("no such thing"))]
    )
    with pytest.raises(UsageError, match=r"'hspice'.*no such thing"):
        exporters()


def test_all_of_the_variation_is_in_the_files(tmp_path: Path) -> None:
    card = shipped()
    ltp = card.variation.ltp.model_copy(update={"step_noise": 0.0625, "cycle_ln_rate": None})
    card = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": ltp})})
    folder = exported(card, "csv", tmp_path / "csv")
    rows = pd.read_csv(folder / "parameters.csv", skiprows=[1]).set_index(["parameter", "direction"])["value"]
    ltp = {name: value for (name, direction), value in rows.items() if direction == "ltp"}
    (update,) = (value for name, value in ltp.items() if name.startswith("C2C") and name.endswith("one update"))
    (cycle,) = (value for name, value in ltp.items() if "constant in a cycle" in name)
    assert update == 0.0625
    assert np.isnan(cycle)
    covariance = card.variation.d2d_ln_rate_covariance
    assert covariance is not None
    (ltd,) = (value for (name, direction), value in rows.items() if direction == "ltd" and "variance" in name)
    assert ltd == pytest.approx(covariance[1][1], rel=1e-8)
    (path,) = exported(card, "mat", tmp_path / "mat").glob("*.mat")
    device = loadmat(path, simplify_cells=True)["device"]
    found = device["variation"]["ltp"]
    assert found["step_noise"] == 0.0625
    assert np.isnan(found["cycle_ln_rate"])
    assert device["ltp"]["noise"] == card.ltp.noise
    assert set(device["ltp"]["standard_errors"]) == set(card.ltp.standard_errors)


def test_csv_steps_end_at_the_window(tmp_path: Path) -> None:
    card = shipped()
    rates = pd.read_csv(exported(card, "csv", tmp_path) / "rate.csv", skiprows=[1])
    assert rates["step_ltp"].iloc[-1] == 0
    assert rates["step_ltd"].iloc[0] == 0
    assert (rates["step_ltp"].iloc[:-1] > 0).all()


def test_csv_puts_each_element_of_the_covariance_in_its_row(tmp_path: Path) -> None:
    folder = exported(with_covariance(linear(), VARIANCE), "csv", tmp_path)
    frame = pd.read_csv(folder / "parameters.csv", skiprows=[1], keep_default_na=False)
    rows = {row.direction: float(row.value) for row in frame.itertuples() if row.parameter.startswith("D2D")}
    assert rows == {"ltp": 0.04, "ltd": 0.0225, "": 0.006}
    (covariance,) = frame[frame["direction"] == ""]["parameter"].loc[lambda each: each.str.startswith("D2D")]
    assert "covariance" in covariance


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-cmd", "@SUM(A1)", "-=1"])
def test_csv_writes_a_name_that_looks_like_a_formula_as_text(name: str, tmp_path: Path) -> None:
    """A spreadsheet runs cells that begin with = + - or @."""
    card = linear().model_copy(update={"name": name})
    folder = exported(card, "csv", tmp_path)
    lines = (folder / "train.csv").read_text().splitlines()
    assert all(line.startswith(f"'{name},") for line in lines[2:])


@pytest.mark.parametrize("text", ["-1.5", "-.5", "device-1", "a=b", "3+4", "x@y", ""])
def test_numbers_and_plain_words_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", ["=x", "+x", "-x", "@x", "\tx", "\rx", "+1", "-(1)"])
def test_a_leading_sign_is_made_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_csv_rates_and_steps_of_a_linear_card(tmp_path: Path) -> None:
    """+0.01 and -0.02 of a window of 100 uS: 1 and -2 uS a pulse; the ends of the window stop them."""
    frame = pd.read_csv(exported(linear(), "csv", tmp_path) / "rate.csv", skiprows=[1])
    np.testing.assert_allclose(frame["conductance_s"], 2e-5 + 1e-4 * np.linspace(0, 1, 201), rtol=1e-8)
    np.testing.assert_allclose(frame["rate_ltp"], 0.01, rtol=1e-8)
    np.testing.assert_allclose(frame["rate_ltd"], -0.02, rtol=1e-8)
    np.testing.assert_allclose(frame["step_ltp"][:199], 1e-6, rtol=1e-6)
    np.testing.assert_allclose(frame["step_ltd"][4:], -2e-6, rtol=1e-6)
    # one step of the grid, half a per cent, is left at the last but one state
    assert frame["step_ltp"][199] == pytest.approx(5e-7, rel=1e-6)
    assert frame["step_ltd"][[0, 1]].tolist() == pytest.approx([0.0, -5e-7], rel=1e-6)


def test_csv_gives_the_states_of_both_trains_of_a_linear_card(tmp_path: Path) -> None:
    """Up by 1 % of 100 uS a pulse to the end of the window, and from there down by 2 % of it."""
    frame = pd.read_csv(exported(linear(), "csv", tmp_path) / "train.csv", skiprows=[1])
    n = np.arange(101)
    for direction, state in (("ltp", 0.01 * n), ("ltd", np.maximum(1.0 - 0.02 * n, 0.0))):
        rows = frame[frame["direction"] == direction]
        assert rows["pulse_index"].tolist() == n.tolist()
        np.testing.assert_allclose(rows["state"], state, atol=1e-8)
        np.testing.assert_allclose(rows["conductance_s"], 2e-5 + 1e-4 * state, rtol=1e-6)


def test_mat_has_the_direction_of_pulses(tmp_path: Path) -> None:
    """0 before the first pulse, 1 for 100 LTP pulses, -1 for 100 LTD ones; the states of a linear card."""
    (path,) = exported(linear(), "mat", tmp_path).glob("*.mat")
    train = loadmat(path, simplify_cells=True)["device"]["train"]
    assert train["pulse"].tolist() == list(range(201))
    assert train["direction"].tolist() == [0.0] + [1.0] * 100 + [-1.0] * 100
    up = np.minimum(0.01 * np.arange(101), 1.0)
    down = np.maximum(1.0 - 0.02 * np.arange(1, 101), 0.0)
    np.testing.assert_allclose(train["r"], [*up, *down], atol=1e-12)
    np.testing.assert_allclose(train["conductance_s"], 2e-5 + 1e-4 * np.array([*up, *down]), rtol=1e-12)


def test_mat_rates_have_their_signs_and_the_covariance_its_places(tmp_path: Path) -> None:
    (path,) = exported(with_covariance(linear(), VARIANCE), "mat", tmp_path).glob("*.mat")
    device = loadmat(path, simplify_cells=True)["device"]
    np.testing.assert_allclose(device["ltp"]["rate"], 0.01, rtol=1e-12)
    np.testing.assert_allclose(device["ltd"]["rate"], -0.02, rtol=1e-12)
    assert device["variation"]["d2d_ln_rate_covariance"].tolist() == [list(row) for row in VARIANCE]
    assert device["variation"]["ltp"]["c2c"] == {"increment": 0.003, "read": 0.004}
