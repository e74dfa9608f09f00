"""`devicekit simulate kinetics`: files, --json, exit codes."""

from __future__ import annotations

import pandas as pd
import pytest

from .commands import refused, run, strict


def kinetics(lab, *more):
    return "simulate", "kinetics", "--mesh", "coarse", "--stack", lab / "stack.toml", *more


@pytest.mark.slow
def test_kinetics_writes_tables_and_report(lab, capsys, tmp_path):
    out = tmp_path / "kinetics"
    options = ("--voltage", 0.7, "--voltage", 0.5, "--voltage", 2, "--rate", 1, "--rate", "1e6", "--out", out)
    code, text, _ = run(capsys, *kinetics(lab, *options, "--json"))
    assert code == 0
    report = strict(text)
    assert {path.name for path in out.iterdir()} == {
        ".devicekit.json",
        "kinetics.csv",
        "ramps.csv",
        "report.html",
        "summary.json",
    }
    assert {"tool": "devicekit", **report} == strict((out / "summary.json").read_text())
    holds, ramps = pd.read_csv(out / "kinetics.csv"), pd.read_csv(out / "ramps.csv")
    assert holds.to_dict("records") == [pytest.approx(row, rel=1e-12) for row in report["holds"]]
    assert ramps.to_dict("records") == [pytest.approx(row, rel=1e-12) for row in report["ramps"]]
    assert list(holds["voltage_v"]) == [0.7, 0.5, 2.0]
    assert holds["set_time_s"].rank().to_list() == [2, 3, 1]
    assert ramps["v_100ua_v"].is_monotonic_increasing
    assert [each["code"] for each in report["remarks"]] == ["thermal_time"]
    assert report["slopes"] == {}  # two voltages within 0.3 to 0.9 V give none
    page = (out / "report.html").read_text()
    for words in ("Simulated kinetics", "Constant voltage", "Ramps", "JART VCM v1b", "thermal_time"):
        assert words in page
    code, text, _ = run(capsys, *kinetics(lab, "--voltage", 0.6, "--rate", 1, "--out", out))
    assert code == 0
    assert len(pd.read_csv(out / "kinetics.csv")) == 1  # replaced whole
    for words in ("simulated kinetics", "0.6 V", "1e+00 V/s", str(out / "report.html")):
        assert words in text
    (out / "notes.txt").write_text("mine")
    message = refused(capsys, *kinetics(lab, "--voltage", 0.6, "--rate", 1, "--out", out))
    assert "notes.txt" in message
    assert (out / "notes.txt").read_text() == "mine"


def test_what_does_not_switch_is_null(lab, capsys):
    options = ("--voltage", 0.6, "--rate", 1, "--compliance", "9e-5", "--json")
    code, text, _ = run(capsys, *kinetics(lab, *options))
    assert code == 0
    report = strict(text)
    assert report["ramps"][0]["v_100ua_v"] is None
    assert report["ramps"][0]["jart_v_100ua_v"] == pytest.approx(0.55, abs=1e-3)
    assert report["holds"][0]["set_time_s"] > 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--voltage", "0"], "voltage: found 0"),
        (["--voltage", "-0.5"], "voltage: found -0.5"),
        (["--voltage", "0.5", "--rate", "0"], "rate: found 0"),
        (["--rate", "nan"], "--rate takes a finite number"),
        (["--compliance", "0"], "circuit.compliance"),
        (["--mesh", "huge"], "mesh: found 'huge'"),
        (["--jobs", "0"], "--jobs"),
        (["--voltage", "x"], "--voltage"),
        (["--material", "reversible"], "--material"),
    ],
)
def test_bad_kinetics_end_with_2_and_the_key(lab, capsys, more, words):
    assert words in refused(capsys, *kinetics(lab, *more))
