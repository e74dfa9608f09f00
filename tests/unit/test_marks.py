"""What is synthetic, simulated or calibrated is known without being told, and stays known on the way to a card."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit
from devicekit.readers import hdf5
from devicekit.system import catalog, folders
from devicekit.system.catalog import marks

SET = catalog.get("reference-stdp")


def trains(path: Path) -> Path:
    """Ten pulses up and ten down of a made-up device."""
    rows = [f"{n},{g}\n" for n, g in enumerate([*range(10, 21), *range(19, 9, -1)])]
    path.write_text("pulse,G (uS)\n" + "".join(rows))
    return path


@pytest.mark.parametrize("name", [each.name for each in catalog.shipped().values() if each.synthetic])
def test_a_copy_of_any_of_our_sets_is_known_packed_or_not(name: str, tmp_path: Path) -> None:
    data = catalog.get(name).data
    packed, plain = tmp_path / "a" / "mine.csv.gz", tmp_path / "b" / "mine.csv"
    for each in (packed, plain):
        each.parent.mkdir()
    shutil.copy(data, packed)
    plain.write_bytes(gzip.decompress(data.read_bytes()))
    assert marks(packed) == marks(plain) == ("synthetic",)
    assert marks(packed.parent) == marks(plain.parent) == ("synthetic",)


def test_one_other_byte_of_the_same_size_is_not_known(tmp_path: Path) -> None:
    content = bytearray(gzip.decompress(SET.data.read_bytes()))
    content[-3] ^= 1
    (tmp_path / "x.csv").write_bytes(content)
    assert marks(tmp_path / "x.csv") == ()


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("simulate pulses", ("simulated",)),
        ("simulate iv", ("simulated",)),
        ("calibrate", ("simulated", "calibrated")),
        ("train", ()),
    ],
)
def test_the_folder_of_a_simulation_says_so(command: str, found: tuple[str, ...], tmp_path: Path) -> None:
    with folders.result_folder(tmp_path / "made", command) as folder:
        trains(folder / "t.csv")
    assert marks(tmp_path / "made") == marks(tmp_path / "made" / "t.csv") == found
    table = devicekit.read(tmp_path / "made" / "t.csv")
    assert tuple(table.meta.get("marks", ())) == found


def test_several_files_bear_the_marks_of_each(tmp_path: Path) -> None:
    for k, synthetic in ((1, False), (2, True)):
        folder = tmp_path / f"dev{k}"
        folder.mkdir()
        trains(folder / f"dev{k}.csv")
        (folder / "datapackage.json").write_text(json.dumps({"synthetic": synthetic}))
    table = devicekit.read([tmp_path / "dev1" / "dev1.csv", tmp_path / "dev2" / "dev2.csv"])
    assert table.meta["marks"] == ["synthetic"]


@pytest.mark.slow
def test_a_card_knows_without_being_told(tmp_path: Path) -> None:
    """By the table's marks, by the file that it names, through HDF5, and not where there is nothing to know."""
    (tmp_path / "datapackage.json").write_text('{"synthetic": true}')
    path = trains(tmp_path / "t.csv")
    table = devicekit.read(path)
    card = devicekit.fit(table).to_card("x")
    assert card.provenance.synthetic
    assert card.provenance.marks == ("synthetic",)
    assert [warning.code for warning in card.warnings].count("synthetic") == 1
    hdf5.save(tmp_path / "elsewhere.h5", tables=[table])
    moved = tmp_path / "away" / "t.h5"
    moved.parent.mkdir()
    shutil.move(tmp_path / "elsewhere.h5", moved)
    assert devicekit.fit(devicekit.read(moved)).to_card("x").provenance.synthetic
    measured = trains(tmp_path / "away" / "m.csv")
    card = devicekit.fit(measured).to_card("m", measured)
    assert card.provenance.marks == ()
    assert "synthetic" not in [warning.code for warning in card.warnings]


def test_a_card_of_a_simulation_keeps_that_it_is_one(tmp_path: Path) -> None:
    with folders.result_folder(tmp_path / "made", "simulate pulses") as folder:
        trains(folder / "t.csv")
    card = devicekit.fit(tmp_path / "made" / "t.csv").to_card("x", tmp_path / "made" / "t.csv")
    assert card.provenance.marks == ("simulated",)
    assert not card.provenance.synthetic
    again = type(card).from_json(card.to_json())
    assert again.provenance.marks == ("simulated",)


def test_trains_that_an_export_makes_of_a_card_are_no_measurement(tmp_path: Path) -> None:
    card = catalog.get("pt-hfo2-al2o3-ti").card
    devicekit.export(card, "csv", tmp_path / "csv")
    assert devicekit.read(tmp_path / "csv" / "train.csv").meta["marks"] == ["synthetic", "simulated"]
    devicekit.export(card, "mat", tmp_path / "mat")
    assert marks(tmp_path / "mat") == ()


def test_a_data_package_nested_without_end_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "datapackage.json").write_text("[" * 100_000)
    (tmp_path / "x.csv").write_text("1,2\n")
    assert marks(tmp_path / "x.csv") == ()


SYNTHETIC, SIMULATED = "SYNTHETIC: not from a measurement", "SIMULATED: not from a measurement"
SHORT = ("--epochs", "1", "--seeds", "1", "--hidden", "8", "--wire-ohm", "1")


@pytest.mark.parametrize(
    "command",
    [
        ("fit", "{trains}", "--out", "card.json", "--report", "{out}/report.html"),
        pytest.param(("run", "{trains}", "--epochs", "1", "--no-benchmark", "--out", "{out}"), marks=pytest.mark.slow),
        ("characterize", "{trains}", "--out", "{out}"),
        ("compare", "{trains}", "--report", "{out}/report.html"),
        ("next", "{trains}", "--report", "{out}/report.html"),
        pytest.param(
            ("train", "{card}", "--epochs", "1", "--set", "hidden=8", "--no-beside", "--out", "{out}"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("benchmark", "{card}", "--seeds", "1", "--no-attribution", "--no-wide", "--no-policy", "--out", "{out}"),
            marks=pytest.mark.slow,
        ),
        pytest.param(("array", "{card}", *SHORT, "--out", "{out}"), marks=pytest.mark.slow),
    ],
    ids=lambda command: command[0],
)
def test_every_command_says_that_its_data_are_not_measured(
    command: tuple[str, ...], devicekit: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = _device_of_the_known_set(tmp_path)
    given = {"trains": str(table), "card": str(catalog.get(catalog.KNOWN_TRUTH).card), "out": "out"}
    (tmp_path / "out").mkdir()
    words = [word.format(**given) for word in command]
    said = devicekit(*words, "--force")
    assert said.code == 0, said.err
    assert SYNTHETIC in said.out
    assert "SYNTHETIC DATA" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    if command[0] != "characterize":
        assert devicekit(*words, "--force", "--json").json["marks"] == ["synthetic"]


def _device_of_the_known_set(folder: Path) -> Path:
    """One device of the set whose laws are known, as a table of ours that says what it is."""
    table: Any = devicekit.read(catalog.get(catalog.KNOWN_TRUTH).data, width=5e-5)
    path = folder / "one.csv"
    table.select(table.devices[0], 1).to_csv(path)
    return path


def test_a_measured_card_says_nothing(devicekit: Callable[..., Any]) -> None:
    card = catalog.get(catalog.EXAMPLE).card
    words = ("train", card, "--epochs", "1", "--set", "hidden=8", "--no-beside")
    assert "SYNTHETIC" not in devicekit(*words).out
    assert devicekit(*words, "--json").json["marks"] == []


def test_the_figures_of_merit_of_a_simulation_are_marked(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    with folders.result_folder(tmp_path / "made", "simulate iv") as folder:
        rows = [f"{v / 10},{1e-4 * v / 10}\n" for v in (*range(11), *range(9, -11, -1), *range(-9, 1))]
        (folder / "iv.csv").write_text("V (V),I (A)\n" + "".join(rows))
    said = devicekit("characterize", tmp_path / "made" / "iv.csv", "--out", tmp_path / "out")
    assert SIMULATED in said.out
    assert "SIMULATED: from equations" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
