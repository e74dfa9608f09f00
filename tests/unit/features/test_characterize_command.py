"""`devicekit characterize`: what it writes, many files, bad files, hostile names."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.features.definitions import MEANINGS, OUTCOMES
from devicekit.synthetic import records

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    records.sweeps(8, 2).to_csv(folder / "dc.csv")
    records.endurance().to_csv(folder / "endurance.csv")
    records.retention(3).to_csv(folder / "retention.csv")
    records.stdp().to_csv(folder / "stdp.csv")
    records.telegraph(2000).to_csv(folder / "noise.csv")
    return folder


KINDS = ["dc", "endurance", "retention", "stdp", "noise"]
SMALL = ["reference-endurance", "reference-retention", "reference-stdp"]


@pytest.fixture(scope="module")
def every_kind(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What is printed about a file of every kind, and the folder that is written."""
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app

    output, out = io.StringIO(), tmp_path_factory.mktemp("every") / "out"
    arguments = [*(str(tables / f"{name}.csv") for name in KINDS), "--out", str(out), "--jobs", "1"]
    with contextlib.redirect_stdout(output), pytest.MonkeyPatch.context() as patch:
        # most of the time, and not looked at
        patch.setattr("devicekit.features.merits.mechanism.find", lambda *_: None)
        patch.setattr("devicekit.report.pictures.render", lambda *_, **__: b"<svg/>")
        assert run_app(build_app(), ["characterize", *arguments]) == 0
    return output.getvalue(), out


def test_every_kind_gives_its_results(every_kind: tuple[str, Path]) -> None:
    out = every_kind[1]
    found = {name: json.loads((out / name / "results.json").read_text()) for name in KINDS}
    assert all(name in found[name] for name in KINDS)
    assert found["dc"]["dc"]["outcomes"] == {"switched": 16}
    page = (out / "report.html").read_text()
    assert "Weibull" in page
    for name in KINDS:
        assert list((out / name).glob("*.csv"))


@pytest.mark.usefixtures("without_mechanism")
@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=[pytest.mark.slow] if each in ("dc", "endurance", "noise") else []) for each in KINDS],
)
def test_figures_of_every_kind_are_drawn(name: str, tables: Path, tmp_path: Path, devicekit: Run) -> None:
    assert devicekit("characterize", tables / f"{name}.csv", "--out", tmp_path / "out").code == 0
    assert (tmp_path / "out" / name / "figure1.svg").read_text().startswith("<?xml")


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_a_sweep_without_v_set_is_explained(tmp_path: Path, devicekit: Run) -> None:
    """Gradual and one-way sweeps give no V_set: the page says why instead of showing an empty table."""
    rising = np.linspace(0.01, 1.0, 100)
    one_way = pd.DataFrame({"voltage_v": rising, "current_a": 1e-5 * rising + 1e-4 * rising**4})
    one_way.to_csv(tmp_path / "one_way.csv", index=False)
    up, down = 1e-5 * rising + 2e-4 * rising**4, 2.1e-4 * rising
    loop = pd.DataFrame({"voltage_v": [*rising, *rising[::-1]], "current_a": [*up, *down[::-1]]})
    loop.to_csv(tmp_path / "gradual.csv", index=False)
    ran = devicekit("characterize", tmp_path / "one_way.csv", tmp_path / "gradual.csv", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    page = (tmp_path / "out" / "report.html").read_text()
    for text in (ran.out, page):
        assert f"1 {OUTCOMES['one_way']}" in text
        assert MEANINGS["one_way"] in " ".join(text.split())
        assert f"1 {OUTCOMES['gradual']}" in text
        assert MEANINGS["gradual"] in " ".join(text.split())
    assert "<tbody>\n</tbody>" not in page


def test_the_summary_names_each_kind(every_kind: tuple[str, Path]) -> None:
    output, out = every_kind
    for words in (
        "V_set 0.6",
        " cycles: ",
        "states observed",
        "STDP window",
        "Read noise of 1 record",
    ):
        assert words in output
    page = (out / "report.html").read_text()
    assert page.count('class="data"') == page.count("<figure")  # the data behind every figure


@pytest.mark.usefixtures("without_pictures")
def test_one_bad_file_never_stops_the_rest(tables: Path, tmp_path: Path, devicekit: Run) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("voltage_v,current_a\n0,0\n1,oops\n")
    ran = devicekit(
        "characterize", bad, tables / "stdp.csv", tmp_path / "absent.csv", "--out", tmp_path / "out", "--json"
    )
    assert ran.code == 2
    assert [Path(each["file"]).name for each in ran.json["errors"]] == ["bad.csv", "absent.csv"]
    assert ran.json["errors"][0]["rows"] == [
        {"row": 3, "column": "current_a", "found": "'oops'", "expected": "a number"}
    ]
    assert (tmp_path / "out" / "stdp" / "parameters.csv").is_file()


def test_a_single_bad_file_is_one_error(tmp_path: Path, devicekit: Run) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("voltage_v,current_a\n0,0\n1,oops\n")
    ran = devicekit("characterize", bad, "--out", tmp_path / "out", "--json")
    assert ran.code == 2
    assert ran.json["error"]["kind"] == "table"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
def test_html_and_formulas_in_device_names_are_made_harmless(tmp_path: Path, devicekit: Run) -> None:
    """HTML is escaped in the page, and a formula is text in every table."""
    html, formula = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
    frame = records.sweeps(3, 2).frame
    frame = frame.assign(
        device_id=frame["device_id"].map(dict(zip(frame["device_id"].unique(), (html, formula), strict=True)))
    )
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert devicekit("characterize", tmp_path / "x.csv", "--out", tmp_path / "out").code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    written = pd.read_csv(tmp_path / "out" / "x" / "cycles.csv")
    assert set(written["device_id"]) == {html, f"'{formula}"}


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
def test_names_in_the_file_never_choose_a_path(tmp_path: Path, devicekit: Run) -> None:
    lines = ["DataName, V1, I1", *(f"DataValue, {k / 20}, {1e-6 * k}" for k in range(21))]
    head = ["", "SetupTitle, ../../../evil", "MetaData, TestRecord.TestTarget, ../../../../evil"]
    source = tmp_path / "in" / "..x..csv"
    source.parent.mkdir()
    source.write_text("\n".join([*head, *lines]) + "\n")
    ran = devicekit("characterize", source, "--out", tmp_path / "deep" / "out")
    assert ran.code == 0, ran.err
    assert not list(tmp_path.rglob("evil*"))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "deep"}


@pytest.mark.usefixtures("without_pictures")
def test_same_file_name_in_two_folders(tables: Path, tmp_path: Path, devicekit: Run) -> None:
    other = tmp_path / "stdp.csv"
    other.write_bytes((tables / "stdp.csv").read_bytes())
    ran = devicekit("characterize", tables / "stdp.csv", other, "--out", tmp_path / "out", "--json", "--jobs", 1)
    assert [each["folder"] for each in ran.json["files"]] == ["stdp", "stdp_2"]
    for each in ran.json["files"]:  # what is printed is what is written
        assert json.loads((tmp_path / "out" / each["folder"] / "results.json").read_text())["stdp"] == each["stdp"]


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("name", ["reference-dc", *SMALL])
def test_shipped_sets_are_labelled_and_characterised(name: str, tmp_path: Path, devicekit: Run) -> None:
    from devicekit.system import catalog, files

    dataset = catalog.get(name)
    assert dataset.synthetic
    assert "SYNTHETIC" in dataset.title
    assert dataset.checksum == f"sha256:{files.sha256(dataset.data)}"
    if name != "reference-dc":
        assert devicekit("characterize", dataset.data, "--out", tmp_path / "out").code == 0
        assert "SYNTHETIC DATA" in (tmp_path / "out" / "report.html").read_text()


MADE = [*SMALL, "reference-transient", "reference-paired", "reference-trains", "reference-multilevel"]


def same_as_shipped(root: Path, name: str) -> None:
    from devicekit.system import catalog

    fresh = pd.read_csv(next((root / name).glob("*.gz")))
    pd.testing.assert_frame_equal(fresh, pd.read_csv(catalog.get(name).data), rtol=1e-4)


@pytest.mark.slow
def test_shipped_sets_come_from_their_generator(tmp_path: Path) -> None:
    records.write_all(tmp_path)
    for name in MADE:
        same_as_shipped(tmp_path, name)


@pytest.mark.parametrize("name", MADE)
def test_a_shipped_set_comes_from_its_generator(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_SETS", {name: records._SETS[name]})
    records.write_all(tmp_path)
    same_as_shipped(tmp_path, name)


def test_read_previews_and_describes(tables: Path, tmp_path: Path, devicekit: Run) -> None:
    ran = devicekit("read", tables / "dc.csv", "--plot", tmp_path / "p.png", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["sweeps"] == 16
    assert ran.json["branches"] == 64
    assert ran.json["text"]["delimiter"] == "comma"
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert devicekit("read", tables / "dc.csv", "--plot", tmp_path / "p.txt").code == 2


@pytest.mark.parametrize(
    "devices", [pytest.param(75, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.heavy)]
)
def test_thousands_of_sweeps_are_characterized(devices: int, tmp_path: Path, devicekit: Run) -> None:
    """Ten thousand take a minute; 1,500, as many as a map of a wafer, are tested every time."""
    truth = records.SweepTruth(step=0.0222)
    table = records.sweeps(devices, 20, truth)
    frame = table.frame.drop(columns=["true_v_set_v", "true_v_reset_v"])
    assert len(frame) >= 20 * devices * 199
    frame.to_csv(tmp_path / "many.csv", index=False)
    ran = devicekit("characterize", tmp_path / "many.csv", "--out", tmp_path / "out", "--json")
    assert ran.code == 0
    assert ran.json["files"][0]["dc"]["outcomes"]["switched"] > 0.99 * 20 * devices


@pytest.mark.usefixtures("without_pictures")
def test_unused_options_of_the_sample_are_refused(tables: Path, tmp_path: Path, devicekit: Run) -> None:
    words = ["characterize", tables / "endurance.csv", "--out", tmp_path / "out"]
    ran = devicekit(*words, "--thickness", "1e-8")
    assert ran.code == 2
    assert "--thickness has no effect" in ran.err
    assert "conduction" not in devicekit(*words).err


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_workers_of_an_earlier_folder_find_relative_files(
    tables: Path, tmp_path: Path, devicekit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        for each in ("a", "b"):
            (folder / f"{name}_{each}.csv").write_bytes((tables / "stdp.csv").read_bytes())
        ran = devicekit("characterize", f"{name}_a.csv", f"{name}_b.csv", "--out", "made", "--jobs", 2)
        assert ran.code == 0, ran.err
