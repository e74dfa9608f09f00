"""`devicekit export` as a contract: JSON, exit codes, messages, folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit as dk
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.system import catalog
from devicekit.system.plugins import EXPORTERS

Run = Callable[..., Any]
THETA = (-4.0, 0.95, 1.0, 0.0, 0.0, 0.0)
TARGETS = {
    "aihwkit": {"mine_preset.py", "mine_preset.json", "mine_inference.py"},
    "crosssim": {"dG_increasing.txt", "dG_decreasing.txt", "mine_crosssim3.py"},
    "neurosim": {"RealDevice.txt", "train_arguments.txt", "nonlinear_fit_data.m", "neurosim.json"},
    "mat": {"mine.mat"},
    "csv": {"rate.csv", "train.csv", "parameters.csv"},
    "veriloga": {"dk_mine.va", "dk_mine.cir"},
    "spice": {"dk_mine.lib", "dk_mine.cir"},
}


@pytest.fixture(scope="module")
def card_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("card") / "card.json"
    truth_card({"ltp": THETA, "ltd": THETA}).model_copy(update={"name": "mine"}).save(path)
    return path


@pytest.mark.parametrize("target", list(TARGETS))
def test_json_and_files(target: str, devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    ran = devicekit("export", card_file, "--to", target, "--out", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {"to", "out", "files", "exact", "approximated", "noise", "figures"}
    names = {path.name for path in (tmp_path / "out").iterdir() if path.name != ".devicekit.json"}
    assert names == set(ran.json["files"]) == TARGETS[target] | {"README.txt"}
    again = devicekit("export", card_file, "--to", target, "--out", tmp_path / "out")  # ours: replaced
    assert again.code == 0
    assert "written to" in again.out
    assert "approximated" in again.out or not ran.json["approximated"]
    assert ran.json["noise"] in again.out


def test_python_verb(card_file: Path, tmp_path: Path) -> None:
    result = dk.export(card_file, "crosssim", tmp_path / "lut", points=101, noise=False)
    assert result.figures["deviation"] < 2e-3
    assert (tmp_path / "lut" / "dG_increasing.txt").read_bytes() == result.files["dG_increasing.txt"]


def test_the_shipped_card_exports(devicekit: Run, tmp_path: Path) -> None:
    card = catalog.get("pt-hfo2-al2o3-ti").card
    ran = devicekit("export", card, "--to", "aihwkit", "--out", tmp_path / "out", "--nodes", 17, "--json")
    assert ran.json["figures"]["nodes"] == 17
    assert ran.json["figures"]["deviation"] < 1e-3


def test_from_data(devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    table = generate(truth_card({"ltp": THETA, "ltd": THETA}), 2, 4, 60, 1)
    table.to_csv(tmp_path / "data.csv")
    arguments = ("export", card_file, "--to", "crosssim", "--points", 101, "--out", tmp_path / "out")
    ran = devicekit(*arguments, "--from-data", tmp_path / "data.csv", "--json")
    assert ran.code == 0, ran.err
    assert "directly from data" in " ".join(ran.json["approximated"])
    assert devicekit(*arguments, "--from-data", tmp_path / "data.csv", "--device", "nobody").code == 2
    ran = devicekit("export", card_file, "--to", "mat", "--from-data", tmp_path / "data.csv", "--out", tmp_path / "mat")
    assert ran.code == 2
    assert re.search(r"--from-data .*--to mat\b.*crosssim", ran.err)
    frame = table.frame.assign(pulse_width_s=[1e-6 if cycle > 2 else 1e-5 for cycle in table.frame["cycle"]])
    frame.to_csv(tmp_path / "widths.csv", index=False)
    ran = devicekit(*arguments, "--from-data", tmp_path / "widths.csv")
    assert ran.code == 2
    assert "--width" in ran.err
    assert devicekit(*arguments, "--from-data", tmp_path / "widths.csv", "--width", "1e-6").code == 0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--to", "hspice"], ", ".join(EXPORTERS.builtin_names())),
        (["--to", "aihwkit", "--nodes", 64], "2 to 63"),
        (["--to", "aihwkit", "--nodes", 0], "2 to 63"),
        (["--to", "crosssim", "--points", 100], "101 to 2001"),
        (["--to", "mat", "--nodes", 33], "aihwkit, spice, veriloga"),
        (["--to", "crosssim", "--window", 1e-6, 1e-4], "already in S"),
        (["--to", "crosssim", "--quantity", "current"], "--from-data"),
        (["--to", "crosssim", "--from-data", "missing.csv"], "does not exist"),
        ([], "--to"),
    ],
)
def test_bad_usage_gives_one_message_and_code_2(
    more: list[object], words: str, devicekit: Run, card_file: Path, tmp_path: Path
) -> None:
    ran = devicekit("export", card_file, *more, "--out", tmp_path / "out")
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out").exists()
    as_json = devicekit("export", card_file, *more, "--out", tmp_path / "out", "--json")
    assert set(as_json.json) == {"error"}


def test_a_foreign_folder_is_not_changed(devicekit: Run, card_file: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    arguments = ("export", card_file, "--to", "csv", "--out", tmp_path)
    ran = devicekit(*arguments)
    assert ran.code == 2
    assert "--force" in ran.err
    assert devicekit(*arguments, "--force").code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "rate.csv").exists()


def test_a_bad_card_is_refused(devicekit: Run, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    ran = devicekit("export", tmp_path / "card.json", "--to", "csv", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "card.json" in ran.err


@pytest.mark.slow
def test_the_terminal_output_is_short_and_names_the_readme(devicekit: Run, tmp_path: Path) -> None:
    arguments = ("export", catalog.get("pt-hfo2-al2o3-ti").card, "--to", "aihwkit", "--out", tmp_path / "out")
    shown, whole = devicekit(*arguments).out, devicekit(*arguments, "--json").json["approximated"]
    assert max(map(len, whole)) > 300
    assert max(len(line) for line in shown.splitlines() if line.startswith("  approximated")) < 180
    assert str(tmp_path / "out" / "README.txt") in shown
