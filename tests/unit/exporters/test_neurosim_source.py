"""The patch of a copy of NeuroSim, tested on a stand-in: changes and refusals."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import DevicekitError, FileError, UsageError
from devicekit.device.blocks import DeviceRow
from devicekit.exporters import ExportOptions, make
from devicekit.exporters.neurosim import source
from devicekit.synthetic.pulses import truth_card

from .conftest import shipped
from .neurosim_standin import CONSTRUCTOR, FILES, exported, fields, needs_compiler, needs_patch, patched, run, write


def test_without_a_source_there_is_no_patch_and_nothing_else_changes(copy: Path) -> None:
    without, having = make(shipped(), "neurosim", ExportOptions()), exported(copy)
    assert not without.diff
    assert set(having.files) - set(without.files) == {"neurosim.patch"}
    for name in ("RealDevice.txt", "train_arguments.txt", "nonlinear_fit_data.m", "neurosim.json"):
        assert having.files[name] == without.files[name]


def test_the_diff_is_shown_and_the_copy_is_not_touched(copy: Path) -> None:
    made = exported(copy)
    assert made.diff == made.files["neurosim.patch"].decode()
    assert {name: (copy / name).read_bytes().decode() for name in FILES} == FILES
    removed = sorted(row[1:] for row in made.diff.splitlines() if row[0] == "-" and row[:3] != "---")
    removed.sort(key=lambda row: "weight" not in row)
    assert set(removed[1:]) <= set(CONSTRUCTOR.splitlines())
    assert removed[0] == "        conductance = (weight - low) * (high - low);"
    assert not any("7;" in row for row in removed)
    text = made.files["README.txt"].decode()
    assert f"patch -p1 -d {copy.resolve()} < neurosim.patch" in text
    assert f"patch -R -p1 -d {copy.resolve()} < neurosim.patch" in text
    assert f"replaces {len(removed)} lines" in text


def test_first_weights_begin_at_the_low_end(copy: Path) -> None:
    """A window of 20 to 120 uS: without its low end a weight of share s is at s 100 uS, 20 of 100 uS too low."""
    card = truth_card({"ltp": (-4.0, 0.99), "ltd": (-4.0, 0.99)}, model="exponential", window=(2e-5, 1.2e-4))
    made = exported(copy, card)
    low, high = fields(made)["minConductance"], fields(made)["maxConductance"]
    assert f"too low by {low / (high - low):.0%} of their range" in " ".join(made.approximated)
    (added,) = [row for row in made.diff.splitlines() if row[0] == "+" and "weight" in row]
    wanted = "+        conductance = (weight - low) * (high - low) + minConductance;"
    assert added.partition("  // devicekit: ")[0] == wanted
    assert "  // devicekit: " in added


@needs_patch
@needs_compiler
def test_the_patched_program_has_the_numbers_of_the_card_and_different_devices(copy: Path) -> None:
    """Later lines of the constructor see the card's numbers: the labels drawn, and sigmaCtoC at its window."""
    made = exported(copy)
    patched(copy, made)
    found, wanted = run(copy, 2000), fields(made)
    labels_ltp, labels_ltd, low, high = found[:, :4].T
    assert len(set(labels_ltp)) == 2000
    assert labels_ltp.mean() == pytest.approx(wanted["NL_LTP"], abs=5 * wanted["sigmaDtoD"] / math.sqrt(2000))
    assert labels_ltd.mean() == pytest.approx(wanted["NL_LTD"], abs=5 * wanted["sigmaDtoD"] / math.sqrt(2000))
    for sd, name in (
        (labels_ltp.std(), "sigmaDtoD"),
        (low.std(), "minConductanceVar"),
        (high.std(), "maxConductanceVar"),
    ):
        assert sd == pytest.approx(wanted[name], rel=0.08)  # 5 standard errors of 2,000 draws
    for one, other in ((labels_ltp, labels_ltd), (labels_ltp, low), (low, high), (low[1:], low[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / math.sqrt(2000)
    assert found[0, 5:8].tolist() == [wanted["sigmaReadNoise"], wanted["maxNumLevelLTP"], wanted["maxNumLevelLTD"]]
    assert found[0, 9] == 1
    assert (run(copy, 20) == found[:20]).all()  # the same at every start
    patched(copy, made, "-R")
    assert (copy / "Cell.cpp").read_bytes().decode() == FILES["Cell.cpp"]


@needs_patch
@needs_compiler
def test_without_noise_every_device_is_the_same(copy: Path) -> None:
    made = exported(copy, noise=False)
    patched(copy, made)
    found, wanted = run(copy, 5), fields(made)
    assert (found == found[0]).all()
    assert found[0, :5].tolist() == pytest.approx(
        [wanted["NL_LTP"], wanted["NL_LTD"], wanted["minConductance"], wanted["maxConductance"], 0.0], rel=1e-8
    )


@needs_patch
@needs_compiler
def test_an_empty_window_is_drawn_again(copy: Path) -> None:
    """Ends that scatter by a third of the window: the program as it was would stop at one of 2,000 devices."""
    made = exported(copy)
    span = fields(made)["maxConductance"] - fields(made)["minConductance"]
    patched(copy, made)
    text = (copy / "Cell.cpp").read_text()
    for name in ("maxConductanceVar", "minConductanceVar"):
        text = re.sub(rf"\b{name} = [^;]*;", f"{name} = {span / 3};", text)
    write(copy, "Cell.cpp", text)
    found = run(copy, 2000)
    assert len(found) == 2000
    assert (found[:, 2] > 0).all()
    assert (found[:, 2] < found[:, 3]).all()


@needs_patch
def test_carriage_returns_and_foreign_bytes_stay(copy: Path) -> None:
    content = FILES["Cell.cpp"].replace("the user's own", "d\xe9j\xe0 \x85").replace("\n", "\r\n").encode("latin-1")
    (copy / "Cell.cpp").write_bytes(content)
    made = exported(copy)
    patched(copy, made)
    after = (copy / "Cell.cpp").read_bytes()
    assert b"d\xe9j\xe0 \x85" in after
    assert after.count(b"\n") == after.count(b"\r\n") > content.count(b"\n")
    patched(copy, made, "-R")
    assert (copy / "Cell.cpp").read_bytes() == content


@needs_patch
def test_a_patched_copy_is_recognised(copy: Path) -> None:
    made = exported(copy)
    patched(copy, made)
    with pytest.raises(UsageError, match=r"already patched.*patch -R"):
        exported(copy)
    patched(copy, made, "-R")
    assert exported(copy).diff == made.diff


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("Cell.cpp", "w = w * 2;", "w = w * 3;", "RealDevice's Write in .* differs"),
        ("Cell.cpp", "\tnonlinearWrite = false;\n", "", "RealDevice's constructor in .* differs"),
        ("Cell.cpp", "\tNL_LTP = 1;\n", "\tNL_LTP = 1;\n\tNL_LTP = 1;\n", "RealDevice's constructor"),
        ("Cell.cpp", "::Write(", "::Put(", "RealDevice's Write in .* found 0 times"),
        ("formula.cpp", "getParamA", "getA", "getParamA in .*formula.cpp .* 0 times"),
        ("formula.cpp", "return x;", "return 2 * x;", "truncate in .*formula.cpp differs"),
        ("NeuroSim/formula.cpp", "1 / x", "2 / x", "CalculateOnResistance in .* differs"),
        ("Array.cpp", "return 1", "return 2", "ReadCell in .*Array.cpp differs"),
        ("Array.cpp", "> 9", "> 8", "WriteCell in .*Array.cpp differs"),
        ("main.cpp", "//a->Initialization<Other>", "a->Initialization<RealDevice>", "both arrays of RealDevice"),
        ("main.cpp", "b->", "//b->", "both arrays of RealDevice"),
        ("Param.cpp", "20", "14", "vdd|voltage.*14 nm"),
        ("Param.cpp", "processNode", "node", "does not set processNode"),
        ("NeuroSim.cpp", "temperature", "heat", "does not set the temperature"),
    ],
)
def test_a_version_that_is_not_known_is_refused(copy: Path, name: str, old: str, new: str, words: str) -> None:
    assert old in FILES[name]
    write(copy, name, FILES[name].replace(old, new))
    with pytest.raises(UsageError, match=words) as caught:
        exported(copy)
    assert source.VERSIONS in str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Cell.cpp", "1e-8;\t// the user's own", "3.5e-7; /* mine */"),
        ("Cell.cpp", "w = w * 2;", "w  =  w*2;  // doubled"),
        ("Cell.cpp", "0.02 * (max", "0.05*(max"),
        ("formula.cpp", "return x;", "return\n        x;"),
    ],
)
def test_numbers_comments_and_blanks_may_be_edited(copy: Path, name: str, old: str, new: str) -> None:
    assert old in FILES[name]
    write(copy, name, FILES[name].replace(old, new))
    assert exported(copy).diff


def test_conductances_that_neurosim_would_change_are_refused(copy: Path) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace("nonlinearIV = false", "nonlinearIV = true"))
    with pytest.raises(UsageError, match="nonlinearIV is true"):
        exported(copy)


@needs_patch
@needs_compiler
def test_a_window_from_zero_is_one(copy: Path) -> None:
    """Nothing to divide by, no draw that could never end; the high end alone scatters."""
    theta = (-3.0, 0.99)
    card = truth_card({"ltp": theta, "ltd": theta}, model="exponential", window=(0.0, 1e-4), increment=0.0)
    rows = tuple(
        DeviceRow(device_id=str(k), ltp_theta=each, ltd_theta=theta, ltp_largest_step=1.0, ltd_largest_step=1.0)
        for k, each in enumerate([(-3.0, 0.99), (-4.5, 0.9), (-4.6, 0.9), (-4.7, 0.9)])
    )
    made = exported(copy, card.model_copy(update={"devices": rows}))
    wanted = fields(made)
    assert wanted["minConductance"] == wanted["minConductanceVar"] == 0
    assert wanted["maxConductanceVar"] > 0
    assert "on/off ratio is inf" in " ".join(made.approximated)
    patched(copy, made)
    found = run(copy, 50)
    assert (found[:, 2] == 0).all()
    assert len(set(found[:, 3])) == 50


def test_the_standin_is_not_a_version_of_neurosim(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path, name, text)
    with pytest.raises(UsageError, match="differs from all"):
        exported(tmp_path)


@pytest.mark.parametrize("name", list(FILES))
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(UsageError, match=f"does not contain {name}"):
        exported(copy)


def test_a_missing_folder_and_a_file_are_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        exported(tmp_path / "none")
    with pytest.raises(DevicekitError, match=r"Cell\.cpp"):
        exported(copy / "Cell.cpp")


def test_a_name_of_a_card_cannot_leave_its_comment(copy: Path) -> None:
    card = shipped().model_copy(update={"name": "a\nb \\ ü \\g<1> \\"})
    (line,) = [row for row in exported(copy, card).diff.splitlines() if "card a" in row]
    comment = line.partition("  // devicekit: ")[2]
    assert comment.startswith("card a b / ? /g<1> /; ")


def test_the_command_shows_the_diff_first(copy: Path, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    shipped().save(tmp_path / "card.json")
    arguments = ("export", tmp_path / "card.json", "--to", "neurosim", "--source", copy, "--out", tmp_path / "out")
    ran = devicekit(*arguments, "--json")
    diff = (tmp_path / "out" / "neurosim.patch").read_bytes().decode()
    assert ran.json["diff"] == diff
    assert "neurosim.patch" in ran.json["files"]
    ran = devicekit(*arguments)
    assert ran.code == 0
    assert ran.out.startswith(diff)
    assert "diff" not in devicekit(*arguments[:4], *arguments[6:], "--json").json
    write(copy, "formula.cpp", "")
    ran = devicekit(*arguments[:-1], tmp_path / "other")
    assert ran.code == 2
    assert source.VERSIONS in ran.err
    assert not (tmp_path / "other").exists()
    ran = devicekit("export", tmp_path / "card.json", "--to", "csv", "--source", copy, "--out", tmp_path / "other")
    assert ran.code == 2
    assert re.search(r"--source .*--to csv\b.*neurosim", ran.err)
