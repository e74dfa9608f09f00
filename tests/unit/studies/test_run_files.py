"""Run files of a study that were damaged or changed: named, made again, never used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import DevicekitError, FileError, ParameterError
from devicekit.studies.run_result import RunResult
from devicekit.studies.runner import run_study
from devicekit.studies.spec import load_spec, study_file
from devicekit.system import writing

STUDY = """
name = "v"
task = "baseline"
seeds = [0]
[fixed]
hidden = 32
[grid]
classifier = ["logistic"]
steps = [12, 16]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "v.toml"
    path.write_text(STUDY)
    return path


def _edited(text: str) -> str:
    raw = json.loads(text)
    raw["metrics"]["accuracy_mean_last"] = 0.999
    return json.dumps(raw)


def _without_checksum(text: str) -> str:
    raw = json.loads(text)
    del raw["sha256"]
    return json.dumps(raw)


DAMAGE: dict[str, Callable[[str], str]] = {
    "a number changed by hand": _edited,
    "no checksum": _without_checksum,
    "cut": lambda text: text[:40],
    "empty": lambda text: "",
    "a key twice": lambda text: text.replace('"status"', '"status": "failed", "status"', 1),
    "nested": lambda text: "[" * 100_000,
    "a list": lambda text: "[1]",
    "more keys": lambda text: text.replace("{", '{"more": 1,', 1),
    "not finite": lambda text: text.replace('"metrics": {', '"metrics": {"x": NaN,', 1),
}


@pytest.mark.parametrize("which", DAMAGE)
def test_a_damaged_result_is_named_and_repeated(study: Path, tmp_path: Path, which: str) -> None:
    out = tmp_path / "out"
    first = run_study(study, out)
    assert first.redone == ()
    expected = (out / "results.csv").read_text()
    hit, kept = sorted((out / "runs").glob("*.json"))
    hit.write_text(DAMAGE[which](hit.read_text()))
    before = kept.stat().st_mtime_ns
    again = run_study(study, out)
    assert len(again.redone) == 1
    assert hit.name in again.redone[0]
    assert "is repeated" in again.redone[0]
    assert again.as_dict()["redone"] == list(again.redone)
    assert (out / "results.csv").read_text() == expected
    assert kept.stat().st_mtime_ns == before
    assert run_study(study, out).redone == ()


def test_the_result_of_one_run_is_not_that_of_another(study: Path, tmp_path: Path) -> None:
    run_study(study, tmp_path / "out")
    one, other = sorted((tmp_path / "out" / "runs").glob("*.json"))
    expected = (tmp_path / "out" / "results.csv").read_text()
    other.write_text(one.read_text())
    assert other.name in run_study(study, tmp_path / "out").redone[0]
    assert (tmp_path / "out" / "results.csv").read_text() == expected


def test_the_command_says_it(devicekit: Callable[..., Any], study: Path, tmp_path: Path) -> None:
    run_study(study, tmp_path / "out")
    hit = sorted((tmp_path / "out" / "runs").glob("*.json"))[0]
    hit.write_text(_edited(hit.read_text()))
    ran = devicekit("study", study, "--out", tmp_path / "out")
    assert ran.code == 0
    assert f"{hit.name} was damaged" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_a_pipe_in_the_place_of_a_result_is_an_error(study: Path, tmp_path: Path) -> None:
    run_study(study, tmp_path / "out")
    hit = sorted((tmp_path / "out" / "runs").glob("*.json"))[0]
    hit.unlink()
    os.mkfifo(hit)
    with pytest.raises(FileError, match="pipe"):
        run_study(study, tmp_path / "out")


def test_reasons_with_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    outcome = RunResult("failed", "m\udcff.csv is damaged", {"a": 0.1, "n": 3, "t": "x"}, "0.1")
    outcome.save(tmp_path, "k")
    loaded = RunResult.load(tmp_path, "k")
    assert loaded is not None
    assert loaded.reason == "m?.csv is damaged"
    assert loaded.metrics == outcome.metrics
    assert RunResult.load(tmp_path, "other") is None


def test_results_of_a_study_are_ours_in_a_command(study: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with writing.one_command():
            run_study(study, tmp_path / "out", redo=True)
    with writing.one_command(), pytest.raises(FileError, match="is a file"):
        run_study(study, study)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 100_000, "nested too deep"),
        ("a = " + "1" * 10_000, "not valid TOML"),
        ("a = 1\na = 2", "not valid"),
    ],
)
def test_study_files_made_to_harm(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ParameterError, match=words):
        load_spec(tmp_path / "a.toml")


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_study_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xff")
    for name in ("pipe.toml", "latin.toml", "gone.toml", ".", "x" * 5000):
        with pytest.raises(DevicekitError, match="cannot read"):
            load_spec(tmp_path / name)
    with pytest.raises(DevicekitError, match="no study file"):
        study_file("x" * 5000)


def test_another_study_file_of_the_same_name_keeps_its_results(
    study: Path, tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devicekit.studies.report.study_report", lambda *_: pytest.fail("nothing was to be run"))
    out = tmp_path / "out"
    run_study(study, out)
    before = (out / "results.csv").read_bytes()
    other = tmp_path / "there" / "v.toml"
    other.parent.mkdir()
    other.write_text(STUDY.replace("[12, 16]", "[12]"))
    ran = devicekit("study", other, "--out", out)
    assert ran.code == 2
    assert "the same name" in ran.err
    assert "--force" in ran.err
    assert (out / "results.csv").read_bytes() == before
    run_study(other, out, force=True)
    assert (out / "results.csv").read_bytes() != before
    moved = other.rename(tmp_path / "moved.toml")
    run_study(moved, out)  # the file that was noted is gone: this is it
    moved.write_text(STUDY)
    run_study(moved, out)  # and may be edited
    assert (out / "results.csv").read_bytes() == before


def test_results_that_were_edited_are_kept(study: Path, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    out = tmp_path / "out"
    run_study(study, out)
    table = out / "results.csv"
    table.write_text(table.read_text() + "my own row\n")
    ran = devicekit("study", study, "--out", out)
    assert ran.code == 2
    assert "them (results.csv)" in ran.err
    assert table.read_text().endswith("my own row\n")
    run_study(study, out, force=True)
    assert "my own row" not in table.read_text()


def test_a_continued_study_reports_how_many_runs_are_kept(
    study: Path, tmp_path: Path, devicekit: Callable[..., Any]
) -> None:
    out = tmp_path / "out"
    run_study(study, out)
    min((out / "runs").glob("*.json")).unlink()
    ran = devicekit("study", study, "--out", out)
    assert ran.code == 0, ran.err
    assert "from 1 of 2 runs" in ran.err
    assert devicekit("study", study, "--out", out).code == 0  # the page that the command wrote is its own
