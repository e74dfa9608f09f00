"""`devicekit calibrate`: files, --json, exit codes, and going on where it ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import ParameterError
from physics.calibration.fit import calibrate
from physics.calibration.measured import levels_of
from physics.calibration.model import Simulated
from physics.parameters import FITTED
from physics.stack import load_material, load_stack

from .commands import TRUTH, refused, run, strict
from .pinned import ROUGH_NUMBERS

FREE = ("--free", "reaction.energy=1.15:1.4")


def ladder(lab, out, *more):
    options = ("--rate", 2, *FREE, "--stack", lab / "stack.toml", "--hold-out", "4e-5", "--iterations", 2, "--chain", 8)
    return "calibrate", lab / "ladder.csv", *options, "--out", out, *more


@pytest.fixture(scope="module")
def done(lab):
    """The folder of a calibration of the 80 uA level, and what it printed."""
    out = lab / "fit"
    with pytest.MonkeyPatch.context() as patch:
        printed = []
        patch.setattr("devicekit.cli.outcome.print_json", printed.append)
        assert run_app(build_app(), [str(each) for each in ladder(lab, out, "--json")]) == 0
    return out, printed[0]


@pytest.mark.slow
def test_a_calibration_writes_numbers_stack_curves_and_report(done, lab):
    out, report = done
    names = {path.name for path in out.iterdir()}
    assert names == {".devicekit.json", "calibration.json", "levels.csv", "report.html", "runs", "stack.toml"}
    written = strict((out / "calibration.json").read_text())
    assert {"out": str(out), **written} == {"tool": "devicekit", **report}
    (energy,) = report["parameters"]
    assert energy["key"] == "reaction.energy"
    assert energy["low"] < TRUTH < energy["high"]
    assert energy["value"] == pytest.approx(TRUTH, rel=0.01)
    assert energy["determined"]
    assert [(each["held_out"], each["compliance_a"], each["rate_v_s"]) for each in report["levels"]] == [
        (False, pytest.approx(8e-5), 2.0),
        (True, pytest.approx(4e-5), 2.0),
    ]
    assert report["misfit"] < 0.06
    assert max(report["levels"][1]["rms_ln_current"].values()) < 0.1
    assert [row["step"] for row in report["profile"]] == [-2.0, -1.0, 1.0, 2.0]
    assert report["chain"]["runs"] == 8
    assert len(report["chain"]["laplace"]) == 1
    assert report["simulations"] == len(list((out / "runs").glob("*.json"))) > 10
    stack = load_stack(out / "stack.toml")
    assert stack.reaction.energy == pytest.approx(energy["value"], rel=1e-12)
    assert stack.conduction.filament == ROUGH_NUMBERS["conduction.filament"]
    assert stack.sources["reaction.energy"].startswith(FITTED)
    page = (out / "report.html").read_text()
    for words in ("Calibrated stack", "Levels", "Determined parameters", "Laplace", "reaction.energy"):
        assert words in page


@pytest.mark.slow
def test_the_curves_are_those_of_the_file(done, lab):
    out, report = done
    rows, file = pd.read_csv(out / "levels.csv"), pd.read_csv(lab / "ladder.csv")
    assert set(zip(rows["level"], rows["held_out"], strict=True)) == {
        (each["level"], each["held_out"]) for each in report["levels"]
    }
    for compliance, held_out in ((4e-5, True), (8e-5, False)):
        own = rows[rows["held_out"] == held_out]
        cycle = file[file["cycle"] == (1 if compliance == 4e-5 else 2)]
        assert set(own["branch"]) == {"set", "set_back", "reset"}
        for each in own.itertuples():
            near = cycle[np.isclose(cycle["voltage_v"], each.voltage_v, rtol=1e-12)]["current_a"].abs()
            assert np.isclose(near, each.measured_a, rtol=1e-9).any()
        off = (
            np.log(own["simulated_a"] / own["measured_a"])
            .groupby(own["branch"])
            .apply(lambda x: np.sqrt((x**2).mean()))
        )
        level = next(each for each in report["levels"] if each["held_out"] == held_out)
        assert off.to_dict() == pytest.approx(level["rms_ln_current"], rel=1e-9)
        assert own[own["branch"] == "set"]["measured_a"].max() < 0.97 * compliance


@pytest.mark.slow
def test_a_second_run_reuses_stored_simulations(done, lab, capsys):
    out, first = done
    runs = {path: path.read_bytes() for path in (out / "runs").iterdir()}
    code, text, _ = run(capsys, *ladder(lab, out, "--json"))
    assert code == 0
    second = strict(text)
    assert second.pop("simulations") == 0
    assert second == {name: value for name, value in first.items() if name != "simulations"}
    lost = sorted(runs)[3]
    lost.write_bytes(runs[lost][:30])
    code, text, _ = run(capsys, *ladder(lab, out))
    assert code == 0
    assert runs == {path: path.read_bytes() for path in (out / "runs").iterdir()}
    assert strict((out / "calibration.json").read_text())["simulations"] == 1
    for words in (
        "1 parameter fitted to 1 level",
        "reaction.energy",
        "Predicted, not fitted",
        str(out / "report.html"),
    ):
        assert words in text


@pytest.mark.slow
def test_the_calibrated_stack_can_be_simulated(done, capsys):
    out, _ = done
    options = ("--mesh", "coarse", "--solver", "banded", "--stop", 0.05, "--json")
    code, text, _ = run(capsys, "simulate", "iv", "--stack", out / "stack.toml", *options)
    assert code == 0
    assert strict(text)["complete"]


@pytest.mark.usefixtures("without_pictures")
def test_the_rate_of_a_file_with_times_need_not_be_given(lab, capsys, tmp_path, monkeypatch):
    def near(_stack, level, _mesh):  # the measured currents and a tenth; no simulation
        return Simulated({each.name: (each.log_current + 0.1).tolist() for each in level.branches}, True)

    monkeypatch.setattr("physics.calibration.model.simulate_level", near)
    options = (*FREE, "--stack", lab / "stack.toml", "--iterations", 1, "--out", tmp_path / "fit", "--json")
    code, text, _ = run(capsys, "calibrate", lab / "timed.csv", lab / "second.csv", *options)
    assert code == 0
    report = strict(text)
    assert [each["rate_v_s"] for each in report["levels"]] == pytest.approx([2.0, 2.0])
    assert [each["level"].split(": ")[0] for each in report["levels"]] == ["timed.csv", "second.csv"]
    assert report["misfit"] == pytest.approx(0.1)
    assert (report["chain"], report["profile"]) == (None, [])  # nothing is determined
    assert report["parameters"][0]["share"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("free", "words"),
    [
        ([], "at least one parameter"),
        (["reaction.energy"], "--free takes KEY=LOW:HIGH"),
        (["reaction.energy:1.1=1.5"], "--free takes KEY=LOW:HIGH"),
        (
            ["reaction.energy=1.1"],
            "--free takes KEY=LOW:HIGH, such as transport.charge_number=6:12, not 'reaction.energy=1.1'",
        ),
        (["reaction.energy=1.1-1.5"], "not 'reaction.energy=1.1-1.5'"),
        (["reaction.energy=1.1:x"], "not 'reaction.energy=1.1:x'"),
        (["reaction.energy=:1.5"], "not 'reaction.energy=:1.5'"),
        (["reaction.energy=1.1:1.3:1.5"], "not 'reaction.energy=1.1:1.3:1.5'"),
        (["reaction.energie=1.1:1.5"], "reaction.energie"),
        (["reaction.law=1:2"], "reaction.law"),
        (["reaction.energy=1.5:1.1"], "reaction.energy: found bounds 1.5 to 1.1"),
        (["reaction.energy=1.1:1.5", "heat.filament=40:20"], "heat.filament: found bounds 40 to 20"),
        (["reaction.energy=1.1:nan"], "reaction.energy: found bounds 1.1 to nan"),
        (["reaction.energy=1.3:1.5"], "reaction.energy: the stack has 1.26 eV"),
    ],
)
def test_bad_free_parameters_end_with_2_and_the_key(lab, capsys, tmp_path, free, words):
    options = [option for each in free for option in ("--free", each)]
    stack = ("--stack", lab / "stack.toml")
    message = refused(capsys, "calibrate", lab / "timed.csv", *options, *stack, "--out", tmp_path / "fit")
    assert words in message
    assert not (tmp_path / "fit" / "calibration.json").exists()


@pytest.mark.parametrize(
    ("file", "more", "words"),
    [
        ("ladder.csv", [], "rate: device1 loop 1 has no times"),
        ("ladder.csv", ["--rate", "0"], "rate: found 0"),
        ("timed.csv", ["--rate", "20"], "rate: found 20 V/s, but the times of"),
        ("pulses.csv", ["--rate", "1"], "pulses.csv"),
        ("resistor.csv", ["--rate", "1"], "no sweep contains a SET"),
        ("absent.csv", ["--rate", "1"], "absent.csv"),
        ("ladder.csv", ["--rate", "2", "--hold-out", "5e-5"], "no level at 50 µA, expected one of 40 µA, 80 µA"),
        ("ladder.csv", ["--rate", "2", "--hold-out", "4e-5", "--hold-out", "8e-5"], "hold-out: no level is left"),
        ("ladder.csv", ["--rate", "2", "--mesh", "huge"], "mesh: found 'huge'"),
        ("ladder.csv", ["--rate", "2", "--stack", "absent.toml"], "absent.toml"),
        ("ladder.csv", ["--rate", "2", "--iterations", "0"], "--iterations"),
        ("ladder.csv", ["--rate", "2", "--jobs", "0"], "--jobs"),
        ("ladder.csv", ["--rate", "fast"], "--rate"),
    ],
)
def test_bad_input_exits_with_2_and_the_reason(lab, capsys, tmp_path, file, more, words):
    given = [] if "--stack" in more else ["--stack", lab / "stack.toml"]
    message = refused(capsys, "calibrate", lab / file, *FREE, *given, *more, "--out", tmp_path / "fit")
    assert words in message
    assert not (tmp_path / "fit" / "calibration.json").exists()


def test_a_finished_calibration_that_is_replaced_with_another_prior_is_named(lab, capsys, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise ParameterError("stopped")

    monkeypatch.setattr("physics.calibration.fit.calibrate", stop)
    options = ("--stack", lab / "stack.toml", "--out", tmp_path / "fit")
    found = []
    for upper in (1.4, 1.5, 1.6):
        _, _, printed = run(capsys, "calibrate", lab / "timed.csv", "--free", f"reaction.energy=1.15:{upper}", *options)
        found.append([prior in printed for prior in ("reaction.energy=1.15:1.5", "reaction.energy=1.15:1.6")])
        if upper == 1.5:  # the second run finishes, the first has left no result
            (tmp_path / "fit" / "calibration.json").write_text("{}")
    assert found == [[False, False], [False, False], [True, True]]


def test_out_is_needed(lab, capsys):
    assert "--out" in refused(capsys, "calibrate", lab / "timed.csv", *FREE)


@pytest.mark.slow
def test_a_folder_of_something_else_is_kept(lab, capsys, tmp_path):
    foreign, other, file = tmp_path / "photos", tmp_path / "other", tmp_path / "file"
    foreign.mkdir()
    (foreign / "stack.toml").write_text("mine")
    other.mkdir()
    (other / ".devicekit.json").write_text('{"tool": "devicekit", "command": "simulate iv", "files": ["iv.csv"]}')
    file.write_text("mine")
    for out, words in (
        (foreign, "is not a folder of a calibration"),
        (other, "is not a folder of a calibration"),
        (file, "is a file; --out takes a folder"),
        (file / "below", "cannot write"),
    ):
        options = (*FREE, "--stack", lab / "stack.toml", "--out", out)
        assert words in refused(capsys, "calibrate", lab / "timed.csv", *options)
    assert [path.name for path in foreign.iterdir()] == ["stack.toml"]
    assert (foreign / "stack.toml").read_text() == file.read_text() == "mine"
    assert [path.name for path in other.iterdir()] == [".devicekit.json"]


def test_levels_of_a_measured_ladder(measured: Path) -> None:
    levels = levels_of(dk.read(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA"), 1.0)
    assert [level.compliance for level in levels] == pytest.approx([5e-5, 1e-4, 2e-4, 4e-4])
    for level in levels:
        assert [each.name for each in level.branches] == ["set", "set_back", "reset"]
        assert (level.rate, level.mirrored) == (1.0, False)
        assert level.reset_stop == pytest.approx(-1.2)
        assert level.set_stop > 1.1
        up, back, down = level.branches
        assert np.exp(up.log_current).max() < 0.97 * level.compliance
        assert np.all(np.diff(up.voltage) > 0)
        assert np.all(np.diff(back.voltage) < 0)
        assert np.all(np.diff(down.voltage) < 0)
        low = {
            each.name: np.exp(each.log_current[np.argmin(np.abs(np.abs(each.voltage) - 0.15))])
            for each in level.branches
        }
        assert low["set_back"] > 2 * low["set"]  # it has set
        assert low["reset"] == pytest.approx(low["set_back"], rel=0.35)  # and starts its RESET where it was left
    with pytest.raises(ParameterError, match="rate: device1 loop 1 has no times"):
        levels_of(dk.read(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA"))


@pytest.mark.slow
def test_a_calibration_predicts_the_set_of_a_measured_level(measured: Path) -> None:
    """Three parameters fitted to 50, 100 and 400 uA; a transistor of 0.3 V in series."""
    table = dk.read(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA")
    stack = load_material("reversible").replace(
        {
            **ROUGH_NUMBERS,
            "heat.electrode_resistance": 2e-10,
            "circuit.saturation_voltage": 0.3,
            "numerics.voltage_step": 0.02,
        }
    )
    free = {"reaction.energy": (1.15, 1.5), "conduction.filament": (4e4, 1.6e5), "filament.gap_density": (0.005, 0.08)}
    fit = calibrate(table, stack, free, rate=1.0, hold_out=[2e-4], most_iterations=4)
    (held,) = (each for each in fit.levels if each.held_out)
    assert held.level.compliance == pytest.approx(2e-4)
    assert held.rms["set"] < 0.2
    others = {each.level.compliance: each.level for each in fit.levels if not each.held_out}
    assert sorted(others) == pytest.approx([5e-5, 1e-4, 4e-4])
    assert fit.costs[-1] < 0.8 * fit.costs[0]


def test_a_seed_without_a_chain_is_refused(lab, capsys, tmp_path):
    printed = refused(capsys, "calibrate", lab / "timed.csv", *FREE, "--out", tmp_path / "out", "--seed", "3")
    assert "without --chain" in printed
