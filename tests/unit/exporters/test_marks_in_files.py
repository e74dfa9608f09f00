"""Every file of an export is marked if it is not of a measurement, also outside its folder."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat

import devicekit
from devicekit.core.errors import DevicekitError
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, exporters, make
from devicekit.names import mark_sentence, marks_in, marks_of_cells
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.system import catalog
from devicekit.tables import PulseTable

from . import neurosim_standin
from .conftest import LAWS, exported, shipped, soft
from .small_network import small_network

SAID = "SYNTHETIC, CALIBRATED: not from a measurement"
NETWORKS = ("aihwkit", "crosssim", "pytorch", "brian2", "csv", "mat", "hdf5", "nir")
NEEDS = {"hdf5": "h5py", "nir": "nir"}


def of(card: DeviceCard, synthetic: bool = True, more: str = "calibrated") -> DeviceCard:
    origin = card.provenance.model_copy(update={"synthetic": synthetic, "settings": {"marks": more} if more else {}})
    return card.model_copy(update={"provenance": origin, "warnings": ()})


def says(name: str, content: bytes) -> str:
    """Return the mark of a file, read according to its format."""
    match Path(name).suffix:
        case ".npz":
            with np.load(io.BytesIO(content)) as held:
                return str(held["marks"]) if "marks" in held else ""
        case ".mat":
            return content[:116].decode()
        case ".csv":
            frame = pd.read_csv(io.BytesIO(content), skiprows=[1])
            cells = frame["data_origin"].unique() if "data_origin" in frame else []
            return mark_sentence(marks_of_cells(cells) or ())
        case ".json":
            return str(json.loads(content)["marks"])
        case ".h5":
            import h5py

            with h5py.File(io.BytesIO(content)) as file:
                return str(file.attrs.get("marks", ""))
        case ".nir":
            import nir

            return str(nir.read(io.BytesIO(content)).metadata.get("marks", ""))
    return content.decode("latin-1")


@pytest.mark.parametrize("target", sorted(exporters()))
def test_every_file_of_every_target_has_the_mark(target: str, request: pytest.FixtureRequest) -> None:
    if target in NEEDS:
        pytest.importorskip(
            NEEDS[target], reason=f"{target} files are NOT tested here: {NEEDS[target]} is not installed"
        )
    plain = truth_card(LAWS["linear"], model="linear", increment=0.0)
    card = of(plain)
    options: dict[str, Any] = {"network": small_network(card)} if target in NETWORKS else {}
    if target == "neurosim":
        options = {"source": request.getfixturevalue("copy")}
    result = make(card, target, ExportOptions(**options))
    for name, content in result.files.items():
        wanted = SAID.replace("SYNTHETIC", "SYNTHETIC, SIMULATED") if name == "train.csv" else SAID
        if name != "README.txt":
            assert marks_in(says(name, content)) == marks_in(wanted), name
    measured = of(plain, False, "")
    options |= {"network": small_network(measured)} if target in NETWORKS else {}
    for name, content in make(measured, target, ExportOptions(noise=False, **options)).files.items():
        assert marks_in(says(name, content)) == (("simulated",) if name == "train.csv" else ()), name


def test_the_python_files_say_it_in_their_docstring() -> None:
    files = make(of(soft()), "aihwkit", ExportOptions(noise=False)).files
    (text,) = (content.decode() for name, content in files.items() if name.endswith("_preset.py"))
    assert compile(text, "preset", "exec").co_consts[0].endswith(f"exact.\n\n{SAID}.\n")


def test_the_struct_of_matlab_has_the_mark(tmp_path: Path) -> None:
    (path,) = exported(of(soft()), "mat", tmp_path).glob("*.mat")
    assert loadmat(path, simplify_cells=True)["device"]["marks"] == "synthetic, calibrated"
    assert SAID in str(loadmat(path)["__header__"])


def test_tables_of_crosssim_bear_the_marks_of_the_data_that_they_are_made_of() -> None:
    table = generate(soft(), 1, 3, 100, 1)
    assert table.marks == ("synthetic",)
    result = make(of(soft(), False, "simulated"), "crosssim", ExportOptions(data=table, points=101))
    for name in ("dG_increasing.txt", "dG_decreasing.txt"):
        lines = result.files[name].decode().splitlines()
        assert "SYNTHETIC, SIMULATED:" in lines[0]
        # CrossSim takes one line of text, and numbers from the second one on
        assert np.loadtxt(io.StringIO("\n".join(lines[3:])), delimiter=",").shape == (101, 101)


def test_the_patched_program_has_the_mark_and_patch_ignores_the_first_line(copy: Path, tmp_path: Path) -> None:
    files = make(of(shipped()), "neurosim", ExportOptions(source=copy, noise=False)).files
    diff = files["neurosim.patch"]
    assert diff.startswith(f"{SAID}\n--- a/Cell.cpp".encode())
    for command in (["git", "apply", "-p1"], ["git", "apply", "-p1", "-R"]):
        subprocess.run(command, input=diff, cwd=copy, check=True)
        changed = "-R" not in command
        assert (f"// devicekit: {SAID}" in (copy / "Cell.cpp").read_text()) == changed
    assert (copy / "Cell.cpp").read_bytes() == neurosim_standin.FILES["Cell.cpp"].encode()


@pytest.mark.parametrize("name", ["train.csv", "nonlinear_fit_data.m"])
def test_trains_taken_out_of_their_folder_are_known_when_they_are_read(name: str, tmp_path: Path) -> None:
    target = "csv" if name == "train.csv" else "neurosim"
    content = make(of(soft(), more=""), target, ExportOptions(noise=False)).files[name]
    (tmp_path / name).write_bytes(content)
    table = devicekit.read(tmp_path / name)
    assert "synthetic" in table.marks
    assert "data_origin" not in table.frame


def trains(marks: list[str] | None, **columns: Any) -> PulseTable:
    frame = pd.DataFrame(
        {
            "device_id": "d",
            "cycle": 1,
            "direction": ["ltp"] * 3 + ["ltd"] * 3,
            "pulse_index": [0, 1, 2] * 2,
            "conductance_s": [1e-6, 2e-6, 3e-6, 3e-6, 2e-6, 1e-6],
            **columns,
        }
    )
    return PulseTable(frame, {} if marks is None else {"marks": marks})


@pytest.mark.parametrize("marks", [["synthetic"], ["simulated", "calibrated"], ["calibrated", "synthetic"]])
def test_a_table_written_and_read_keeps_its_marks(marks: list[str], tmp_path: Path) -> None:
    table = trains(marks)
    table.to_csv(tmp_path / "t.csv")
    header, *rows = (tmp_path / "t.csv").read_text().splitlines()
    assert header == "device_id,cycle,direction,pulse_index,conductance_s,data_origin"
    assert len(rows) == 6
    plain = pd.read_csv(tmp_path / "t.csv")
    np.testing.assert_array_equal(plain["conductance_s"], table.frame["conductance_s"])
    for again in (devicekit.read(tmp_path / "t.csv"), devicekit.read(plain), PulseTable(plain)):
        assert set(again.marks) == set(marks)
        assert again.synthetic == ("synthetic" in marks)
    again = devicekit.read(tmp_path / "t.csv")
    assert list(again.frame) == list(table.frame)
    again.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    (tmp_path / "one.csv").write_text("\n".join([header, rows[0], rows[1], ""]))  # some rows alone
    assert set(devicekit.read(tmp_path / "one.csv").marks) == set(marks)


def test_measured_data_get_no_mark_column(tmp_path: Path) -> None:
    trains(None).to_csv(tmp_path / "t.csv")
    assert "data_origin" not in (tmp_path / "t.csv").read_text()
    theirs = trains(None, data_origin=["wafer 3"] * 6)
    theirs.to_csv(tmp_path / "u.csv")
    table = devicekit.read(tmp_path / "u.csv")
    assert table.marks == ()
    assert table.frame["data_origin"].unique().tolist() == ["wafer 3"]
    trains(["synthetic"], data_origin=["wafer 3"] * 6).to_csv(tmp_path / "both.csv")
    both = devicekit.read(tmp_path / "both.csv")
    assert (both.marks, both.frame["data_origin.1"].unique().tolist()) == (("synthetic",), ["wafer 3"])


def test_files_of_both_kinds_make_a_marked_table(tmp_path: Path) -> None:
    for name, marks in (("d1.csv", ["synthetic"]), ("d2.csv", None)):
        trains(marks, device_id=name[:2]).to_csv(tmp_path / name)
    assert devicekit.read([tmp_path / "d1.csv", tmp_path / "d2.csv"]).marks == ("synthetic",)


def test_a_file_of_a_card_and_of_measured_tables_leaves_these_measured(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    (path,) = exported(of(soft()), "hdf5", tmp_path, data=trains(None)).glob("*.h5")
    assert devicekit.read(path).marks == ()
    assert catalog.marks(path) == ()


def test_words_of_marks() -> None:
    assert mark_sentence([]) == ""
    assert marks_in(f"* {SAID}; and more") == ("synthetic", "calibrated")
    assert marks_in("SYNTHETIC data") == ()
    assert marks_of_cells(["SYNTHETIC", float("nan"), "simulated"]) == ("synthetic", "simulated")
    assert marks_of_cells([float("nan")]) is None
    assert marks_of_cells(["SYNTHETIC", 3.0]) is None


def test_a_table_that_a_reader_refuses_is_still_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "device_id,cycle,direction,pulse_index,conductance_s,data_origin\nd,1,ltp,0,x,SYNTHETIC\n"
    )
    with pytest.raises(DevicekitError):
        devicekit.read(tmp_path / "x.csv")
