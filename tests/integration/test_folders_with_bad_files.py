"""Bad files of a folder are listed and left out: the others are done, and the exit code is 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.synthetic.wafers import WaferTruth, write_wafers

Run = Callable[..., Any]
BAD = {"0.xlsx", "sweep7.csv", "unnamed.csv", "pulses.csv"}


def sweep(at: float) -> str:
    """Return a sweep that sets at a voltage."""
    up = np.linspace(0.0, 2.0, 21)
    v = np.concatenate([up, up[::-1], -up, -up[::-1]])
    g = np.where((np.arange(v.size) >= 10 * at) & (np.arange(v.size) < 57), 1e-4, 1e-5)
    return "V (V),I (A)\n" + "".join(f"{a:.3f},{a * b:.4e}\n" for a, b in zip(v, g, strict=True))


def train(pulses: int) -> str:
    """Return an LTP and an LTD train."""
    level = 1.0 - np.exp(-np.arange(pulses) / (pulses / 3))
    rows = [(1e-5 * (1 + 8 * each), word) for word, own in (("LTP", level), ("LTD", 1 - level)) for each in own]
    return "pulse,direction,G (S)\n" + "".join(f"{n % pulses},{w},{g:.5e}\n" for n, (g, w) in enumerate(rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six sweeps, and files that are damaged, hold a word, have no names, or hold pulses; two without measurements."""
    made = tmp_path / "sweeps"
    made.mkdir()
    for k in range(1, 7):
        (made / f"sweep{k}.csv").write_text(sweep(1.0 + 0.1 * k))
    (made / "0.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (made / "sweep7.csv").write_text(sweep(1.5).replace("0.500,", "0.500,oops", 1))
    (made / "unnamed.csv").write_text(sweep(1.5).replace("V (V),I (A)", "x,y"))
    (made / "pulses.csv").write_text(train(30))
    (made / "empty.csv").write_text("")
    (made / "words.csv").write_text("V (V),I (A)\nnothing here\n")
    return made


def names(ran: Any) -> set[str]:
    return {Path(each["file"]).name for each in ran.json["left_out"]}


def test_read_reads_the_good_files_of_a_folder_and_lists_the_bad_ones(devicekit: Run, folder: Path) -> None:
    ran = devicekit("read", folder, "--json")
    assert ran.code == 2
    assert names(ran) == BAD
    assert ran.json["sweeps"] == 6
    assert [each["code"] for each in ran.json["warnings"]].count("unreadable") == 1
    assert len({each["says"] for each in ran.json["statements"] if each["subject"] == "kind"}) == 1  # of no bad file
    for name in BAD:
        (folder / name).unlink()
    ran = devicekit("read", folder, "--json")
    assert ran.code == 0  # files without measurements are no bad files
    assert "left_out" not in ran.json


def test_more_bad_files_than_good_ones_stop_the_reading(devicekit: Run, folder: Path) -> None:
    for k in range(1, 4):
        (folder / f"sweep{k}.csv").unlink()
    ran = devicekit("read", folder, "--json")
    assert ran.code == 2
    assert ran.json["error"]["message"]


def test_characterize_evaluates_the_good_files_of_a_folder(
    devicekit: Run, folder: Path, tmp_path: Path, without_mechanism: None, without_pictures: None
) -> None:
    ran = devicekit("characterize", folder, "--out", tmp_path / "out", "--json")
    assert ran.code == 2
    assert names(ran) == BAD
    (found,) = ran.json["files"]
    assert found["kind"] == "sweep"
    assert found["dc"]["outcomes"] == {"switched": 6}
    assert "unreadable" in (tmp_path / "out" / "report.html").read_text()


def test_fit_fits_the_good_files_of_a_folder(devicekit: Run, tmp_path: Path) -> None:
    folder = tmp_path / "trains"
    folder.mkdir()
    for k in range(1, 3):
        (folder / f"device{k}.csv").write_text(train(30))
    (folder / "device3.csv").write_text(sweep(1.5))
    ran = devicekit("fit", folder, "--out", tmp_path / "card.json", "--json")
    assert ran.code == 2
    assert names(ran) == {"device3.csv"}
    assert len(ran.json["devices"]) == 2


def test_a_population_of_which_a_file_cannot_be_read_ends_with_2(
    devicekit: Run, tmp_path: Path, without_pictures: None
) -> None:
    folder = tmp_path / "lot"
    write_wafers(folder, WaferTruth(wafers=1, dies=1, cells=2, cycles=2, points=20, dead=0.0, kept=1.0), 1)
    (folder / "W1_D1_C1_set_099_100uA.csv").write_text("")
    (folder / "copy of monday.csv").write_text("V (V),I (A)\n0,0\n1,1e-6\n")
    ran = devicekit("population", folder, "--accept", "--jobs", 1, "--json", "--out", tmp_path / "out")
    assert ran.code == 2
    assert names(ran) == {"copy of monday.csv", "W1_D1_C1_set_099_100uA.csv"}


def test_a_folder_of_mostly_bad_files_is_refused_in_words(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    """Four cannot be read and two have another column: the four that are left are fewer than half."""
    folder = tmp_path / "mix"
    folder.mkdir()
    for n in range(10):
        text = "voltage (V),current (A)\n" + "".join(f"{v / 10},{1e-6 * v}\n" for v in range(12))
        if n < 4:
            text = "voltage (V),current (A)\n0.1,abc\n0.2,def\n0.3,x\n"
        elif n < 6:
            rows = "".join(f"{v / 10},{1e-6 * v},{v}\n" for v in range(12))
            text = f"voltage (V),current (A),time (s)\n{rows}"
        (folder / f"cell{n}.csv").write_text(text)
    ran = devicekit("characterize", str(folder), "--out", str(tmp_path / "out"))
    assert ran.code == 2
    assert not (tmp_path / "out").exists()


def test_of_readings_in_time_the_stated_kind_takes_those_with_the_same_columns(devicekit: Run, tmp_path: Path) -> None:
    """A transient with a pulse before each reading is taken for a pulse train if nothing is stated."""
    folder = tmp_path / "relaxation"
    folder.mkdir()
    for name, every in (("cell1", 20), ("cell2", 20), ("cell3", 1), ("cell4", 0)):
        head = "time (s),pulse voltage (V),conductance (uS)" if every else "time (s),conductance (uS)"
        pulses = [f",{int(n % every == 0)}" if every else "" for n in range(60)]
        rows = "".join(f"{n / 10}{pulse},{1 + n / 50:.2f}\n" for n, pulse in enumerate(pulses))
        (folder / f"{name}.csv").write_text(f"{head}\n{rows}")
    found = {}
    for kind in ("transient", "pulse"):
        ran = devicekit("read", folder, "--kind", kind, "--accept", "--json")
        assert ran.code == 0
        assert ran.json["kind"] == kind
        found[kind] = ran.json["devices"]
    assert found == {"transient": 3, "pulse": 1}  # a record with few pulses is not a train


def test_of_a_folder_of_two_kinds_one_is_chosen(devicekit: Run, tmp_path: Path) -> None:
    """Neither is that of most files: one question names both; an answer leaves the others out, which are not bad."""
    folder = tmp_path / "halves"
    folder.mkdir()
    for k in range(1, 3):
        (folder / f"cell{k}_iv.csv").write_text(sweep(1.0 + 0.1 * k))
        (folder / f"cell{k}_pulses.csv").write_text(train(30 + k))
    ran = devicekit("read", folder, "--json")
    assert ran.code == 2
    choices = ran.json["error"]["question"]["choices"]
    assert [each["options"] for each in choices] == [{"kind": "sweep"}, {"kind": "pulse"}]
    for kind in ("sweep", "pulse"):
        ran = devicekit("read", folder, "--kind", kind, "--json")
        assert ran.code == 0
        assert ran.json["kind"] == kind
        assert {each["says"] for each in ran.json["statements"] if each["subject"] == "kind"} == {
            f"the table holds {kind} data"
        }  # those of the other files do not count
        assert "left_out" not in ran.json
        assert "dropped" in [each["code"] for each in ran.json["warnings"]]
        assert ran.json["devices"] == 2
