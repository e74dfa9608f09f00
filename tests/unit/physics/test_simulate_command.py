"""`devicekit simulate`: files, --json, exit codes."""

from __future__ import annotations

import html
import json

import numpy as np
import pytest

from devicekit.readers import own, read

from .commands import SUMMARY, run


def simulate(capsys, *arguments):
    """Exit code, standard output, standard error of `devicekit simulate`."""
    return run(capsys, "simulate", *arguments)


COARSE = ["iv", "--solver", "banded", "--mesh", "coarse"]


@pytest.fixture(params=[pytest.param("drawn", marks=pytest.mark.slow), "empty"])
def pictures(request):
    """As they are; or empty, which takes a quarter of the time."""
    if request.param == "empty":
        request.getfixturevalue("without_pictures")


@pytest.mark.usefixtures("pictures")
def test_iv_writes_table_fields_and_figures(capsys, tmp_path):
    out, measured = tmp_path / "iv", tmp_path / "measured.csv"
    measured.write_text("voltage_v,current_a\n" + "".join(f"{v / 10},{v}e-6\n" for v in range(10)))
    code, text, _ = simulate(capsys, *COARSE, "--measured", str(measured), "--out", str(out), "--json")
    assert code == 0
    report = json.loads(text)
    assert set(report) >= SUMMARY
    assert {"tool": "devicekit", **report} == json.loads((out / "summary.json").read_text())
    assert {path.name for path in out.iterdir()} >= {
        "iv.csv",
        "iv.png",
        "maps.png",
        "fields.npz",
        "stack.json",
        "report.html",
    }
    page = (out / "report.html").read_text()
    for words in (
        "The simulated stack",
        "Inside the stack",
        "Assumptions and known defects",
        "reaction.energy",
    ):
        assert words in page
    with np.load(out / "fields.npz", allow_pickle=False) as fields:
        assert len(fields["label"]) == 5
    code, text, _ = simulate(capsys, *COARSE, "--measured", str(out / "iv.csv"), "--compliance", "1e-4")
    assert code == 0
    assert "V_set" in text
    table = read(out / "iv.csv")
    assert (table.kind, table.marks, table.layout.evidence) == ("sweep", ("simulated",), own.EVIDENCE)


def test_fipy_is_the_default_for_a_set(capsys):
    code, text, _ = simulate(capsys, "iv", "--mesh", "coarse", "--stop", "0.01", "--json")
    assert code == 0
    assert json.loads(text)["solver"] == "fipy"


@pytest.mark.usefixtures("pictures")
def test_pulse_tables_can_be_fitted(capsys, tmp_path):
    out = tmp_path / "trains"
    wanted = "pulses --mesh coarse --width 50e-6 --count 12 --pairs 1 --cycles 0 --json"
    code, text, _ = simulate(capsys, *wanted.split(), "--out", out)
    assert code == 0
    tables = json.loads(text)["tables"]
    assert tables == [str(out / "pulses_50us.csv")]
    assert [path.name for path in out.glob("*.csv")] == ["pulses_50us.csv"]
    code, text, _ = run(capsys, "fit", tables[0], "--out", tmp_path / "card.json", "--json")
    assert code == 0
    fit = json.loads(text)
    assert fit["branches"]["ltp"]["nrmse"] < 0.05
    assert fit["branches"]["ltd"]["nrmse"] < 0.05


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["iv", "--stop", "0"], "drive.set_stop"),
        (["iv", "--rate", "0"], "drive.rate"),
        (["iv", "--mesh", "huge"], "mesh"),
        (["iv", "--solver", "comsol"], "solver"),
        (["iv", "--material", "unobtainium"], "unobtainium"),
        (["iv", "--stack", "absent.toml"], "absent.toml"),
        (["pulses", "--width", "0"], "width"),
        (["pulses", "--ltp", "-1"], "drive.ltp_voltage"),
        (["pulses", "--count", "0"], "count"),
    ],
)
def test_bad_input_ends_with_2_and_the_key(capsys, arguments, name):
    code, text, _ = simulate(capsys, *arguments, "--json")
    assert code == 2
    error = json.loads(text)["error"]
    assert name in error["message"] + json.dumps(error["rows"])
    assert simulate(capsys, *arguments)[0] == 2


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("[geometry]\nhfo2_thickness = { value = -7.0, unit = 'nm' }", "layer.HfO2.thickness"),
        ("[geometry]\nhfo2_thickness = { value = 7.0, unit = 'm' }", "geometry.hfo2_thickness"),
        ("[geometry]\nwidth = { value = 7.0, unit = 'nm' }", "geometry.width"),
        ("[filament]\nedge_width = { value = 0.1, unit = 'nm' }", "filament.edge_width"),
    ],
)
def test_a_bad_stack_ends_with_2_and_the_key(capsys, tmp_path, line, key):
    path = tmp_path / "stack.toml"
    path.write_text(f"material = 'reversible'\n{line}\n")
    code, text, _ = simulate(capsys, "iv", "--stack", str(path), "--mesh", "coarse", "--json")
    assert code == 2
    error = json.loads(text)["error"]
    assert key in error["message"] + json.dumps(error["rows"])


@pytest.mark.slow
def test_an_incomplete_run_is_saved_and_ends_with_1(capsys, tmp_path):
    path, out = tmp_path / "stack.toml", tmp_path / "out"
    path.write_text("[numerics]\ntemperature_tolerance = { value = 1e-300, unit = 'K' }\n")
    code, _, warned = simulate(
        capsys, "iv", "--stack", str(path), "--solver", "banded", "--mesh", "coarse", "--out", str(out)
    )
    assert code == 1
    assert "incomplete" in warned
    assert json.loads((out / "summary.json").read_text())["complete"] is False


@pytest.mark.usefixtures("without_pictures")
def test_the_headline_is_the_median_of_the_loops_after_the_prescribed_one(capsys, tmp_path):
    stack = tmp_path / "stack.toml"
    stack.write_text("[numerics]\nvoltage_step = { value = 0.05, unit = 'V' }\n")
    wanted = ["--stack", stack, "--cycles", 3, "--stop", 0.8, "--reset-stop", -0.6, "--out", tmp_path / "out", "--json"]
    code, text, _ = simulate(capsys, *COARSE, *wanted)
    assert code == 0
    found = json.loads(text)
    first, *later = (each["v_set_v"] for each in found["cycles"])
    headline = html.unescape((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert f" at {np.median(later):.3g} V (" in headline
    assert f" at {first:.3g} V" not in headline
    assert found["headline"]["of"] == "median of loops 2 to 3"
    assert found["headline"]["v_set_v"] == pytest.approx(np.median(later), rel=1e-12)
    assert found["v_set_v"] == first
    remarks = {each["code"]: each["message"] for each in found["remarks"]}
    assert "e-" not in remarks.get("sparse", "")  # 6e-26 vacancies are none


def test_trains_show_their_remarks(capsys):
    arguments = ["--mesh", "coarse", "--width", "5e-6", "--count", "2", "--pairs", "1", "--cycles", "0"]
    code, text, errors = simulate(capsys, "pulses", *arguments)
    assert code == 0
    assert "[sparse]" in text + errors
