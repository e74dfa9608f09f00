"""Exporting again into the same folder: what is replaced, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import FileError
from devicekit.device.card import DeviceCard
from devicekit.system import ownmark, writing

from .conftest import shipped, soft

LEFT = {
    "spice": ("dk_{}.txt",),
    "veriloga": ("dk_{}.txt", "dk_{}.osdi"),
    "pytorch": ("__pycache__/{}_pytorch.cpython-311.pyc",),
    "brian2": ("__pycache__/{}_brian2.cpython-311.pyc",),
    "aihwkit": ("__pycache__/{}_preset.cpython-311.pyc", "__pycache__/{}_inference.cpython-311.pyc"),
    "crosssim": ("__pycache__/{}_crosssim3.cpython-311.pyc",),
}


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_files_left_by_programs_are_replaced(tmp_path: Path) -> None:
    """The line for ngspice in README.txt, for example, leaves dk_NAME.txt."""
    for target in ("spice", "veriloga", "pytorch", "brian2"):
        devicekit.export(soft(), target, tmp_path / target)
        for name in LEFT[target]:
            put(tmp_path / target / name.format("truth"), "time conductance\n")
        devicekit.export(soft(), target, tmp_path / target)
        assert not any((tmp_path / target / name.format("truth")).exists() for name in LEFT[target])


@pytest.mark.parametrize("name", ["mine.txt", "dk_other.txt", "notes.pyc", "deeper/dk_truth.txt"])
def test_any_other_file_is_kept(name: str, tmp_path: Path) -> None:
    devicekit.export(soft(), "spice", tmp_path / "out")
    put(tmp_path / "out" / name, "x")
    with pytest.raises(FileError, match=name):
        devicekit.export(soft(), "spice", tmp_path / "out")


@pytest.mark.parametrize(("target", "name"), [("pytorch", "truth_pytorch.py"), ("spice", "dk_truth.cir")])
def test_an_edited_file_is_kept_until_it_is_forced(target: str, name: str, tmp_path: Path) -> None:
    devicekit.export(soft(), target, tmp_path / "out")
    path = tmp_path / "out" / name
    written = path.read_bytes()
    path.write_bytes(written + b"# mine\n")
    with pytest.raises(FileError, match=rf"{name}.*force=True"):
        devicekit.export(soft(), target, tmp_path / "out")
    assert path.read_bytes().endswith(b"# mine\n")
    devicekit.export(soft(), target, tmp_path / "out", force=True)
    assert path.read_bytes() == written
    devicekit.export(soft(), target, tmp_path / "out")  # and the folder is ours again


def _named(name: str) -> DeviceCard:
    return soft().model_copy(update={"name": name})


def test_another_cards_export_is_kept_until_it_is_forced(tmp_path: Path) -> None:
    devicekit.export(_named("one"), "csv", tmp_path / "out")
    before = (tmp_path / "out" / "train.csv").read_bytes()
    with pytest.raises(FileError, match=r"results of 'one' .*force=True"):
        devicekit.export(_named("two"), "csv", tmp_path / "out")
    assert (tmp_path / "out" / "train.csv").read_bytes() == before
    devicekit.export(_named("two"), "csv", tmp_path / "out", force=True)
    assert b"two" in (tmp_path / "out" / "train.csv").read_bytes()
    devicekit.export(_named("two"), "csv", tmp_path / "out")
    with pytest.raises(FileError, match="results of 'two'"):
        devicekit.export(_named("one"), "csv", tmp_path / "out")


def test_a_card_fitted_again_counts_as_the_same(tmp_path: Path) -> None:
    card = soft()
    devicekit.export(card, "csv", tmp_path / "out")
    again = card.model_copy(update={"window": shipped().window})
    devicekit.export(again, "csv", tmp_path / "out")
    assert ownmark.read_marker(tmp_path / "out")["of"] == "'truth' (synthetic)"


def test_a_folder_of_an_older_version_is_replaced(tmp_path: Path) -> None:
    devicekit.export(soft(), "csv", tmp_path / "out")
    marker = ownmark.read_marker(tmp_path / "out")
    old = {key: marker[key] for key in ("tool", "command", "files")}
    writing.write_json(tmp_path / "out" / ownmark.MARKER, old)
    (tmp_path / "out" / "rate.csv").write_text("x")
    devicekit.export(_named("two"), "csv", tmp_path / "out")
    assert ownmark.read_marker(tmp_path / "out")["sha256"].keys() == set(marker["files"])


def test_a_damaged_marker_does_not_permit_overwriting(tmp_path: Path) -> None:
    devicekit.export(soft(), "csv", tmp_path / "out")
    marker = ownmark.read_marker(tmp_path / "out")
    writing.write_json(tmp_path / "out" / ownmark.MARKER, {**marker, "leaves": 5, "sha256": ["x"]})
    (tmp_path / "out" / "mine").write_text("x")
    with pytest.raises(FileError, match="mine"):
        devicekit.export(soft(), "csv", tmp_path / "out")
