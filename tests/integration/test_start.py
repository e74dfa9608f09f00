"""`devicekit FILE`: what fits a file is done by a command that is printed, and nothing of the user's is replaced."""

from __future__ import annotations

import gzip
import os
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.system import catalog
from devicekit.system.ownmark import MARKER

Run = Callable[..., Any]


def trains(name: str = "conductance (uS)") -> pd.DataFrame:
    """One device, LTP and LTD trains of 30 pulses, with a little scatter."""
    n, rng = np.arange(30), np.random.default_rng(1)
    up = 10 + 40 * (1 - np.exp(-n / 8))
    state = np.concatenate([up, 60 - up]) + rng.normal(0, 0.2, 60)
    return pd.DataFrame({"pulse": np.tile(n, 2), "direction": ["LTP"] * 30 + ["LTD"] * 30, name: state})


def sweeps() -> pd.DataFrame:
    """A loop that sets at 0.8 V and resets at -0.8 V."""
    volts = np.concatenate(
        [np.linspace(0, 1, 30), np.linspace(1, 0, 30), np.linspace(0, -1, 30), np.linspace(-1, 0, 30)]
    )
    on = (np.arange(120) >= 24) & (np.arange(120) < 84)
    return pd.DataFrame({"Voltage (V)": volts, "Current (A)": volts * np.where(on, 1e-4, 1e-5)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file of pulse trains and one of sweeps."""
    monkeypatch.chdir(tmp_path)
    trains().to_csv("mine.csv", index=False)
    sweeps().to_csv("sweeps.csv", index=False)
    return tmp_path


def test_pulse_trains_become_a_page_and_a_card(devicekit: Run, folder: Path, without_pictures: None) -> None:
    ran = devicekit("mine.csv", "--json")
    assert ran.code == 0
    line = shlex.split(ran.json["command"])
    assert line == shlex.split("devicekit fit mine.csv --out mine-card.json --report mine-fit.html")
    card = (folder / "mine-card.json").read_text()
    assert ran.json["card"] == "mine-card.json"
    assert "Fit of mine.csv" in (folder / "mine-fit.html").read_text()
    assert devicekit(*line[1:]).code == 0  # the printed command does the same
    assert (folder / "mine-card.json").read_text() == card
    assert devicekit("mine.csv").out.splitlines()[1].split()[-1] == "mine-fit-2.html"  # and it is done once more


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_sweeps_are_characterized(devicekit: Run, folder: Path) -> None:
    ran = devicekit("sweeps.csv")
    assert ran.code == 0
    assert ran.out.splitlines()[1].strip() == "devicekit characterize sweeps.csv --out sweeps-results"
    assert (folder / "sweeps-results" / "report.html").exists()


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_a_packed_file_or_one_with_points_in_its_name_finds_a_free_name(devicekit: Run, folder: Path) -> None:
    content = (folder / "sweeps.csv").read_bytes()
    (folder / "W1.R3C5.csv.gz").write_bytes(gzip.compress(content))
    assert devicekit("W1.R3C5.csv.gz", "--json").json["command"].endswith("--out W1.R3C5-results")
    assert devicekit("W1.R3C5.csv.gz", "--json").json["command"].endswith("--out W1.R3C5-results-2")


@pytest.mark.parametrize("option", [("--unit", "uS"), ("--map", "value=G")])
def test_reading_options_are_taken_and_printed(
    devicekit: Run, folder: Path, option: tuple[str, str], without_pictures: None
) -> None:
    trains("G (uS)" if option[0] == "--map" else "G").to_csv("own.csv", index=False)
    given = ("--map", "value=G (uS)") if option[0] == "--map" else option
    ran = devicekit("own.csv", *given, "--json")
    assert ran.code == 0, ran.out
    assert shlex.split(ran.json["command"])[3:5] == list(given)


def test_nothing_of_the_user_is_replaced(devicekit: Run, folder: Path, without_pictures: None) -> None:
    for name in ("mine-card.json", "mine-fit-2.html"):
        (folder / name).write_text("my notes")
    ran = devicekit("mine.csv", "--json")
    assert ran.json["card"] == "mine-card-3.json"
    assert (folder / "mine-card.json").read_text() == (folder / "mine-fit-2.html").read_text() == "my notes"
    assert ran.json["command"].endswith("--report mine-fit-3.html")


@pytest.mark.parametrize("name", ["{0} [a] 5%.csv", "-x.csv"])
def test_any_name_of_a_file_gives_a_command_that_runs(
    devicekit: Run, folder: Path, name: str, without_pictures: None
) -> None:
    (folder / "mine.csv").rename(folder / name)
    ran = devicekit(f"./{name}", "--json")
    assert ran.code == 0, ran.out
    for path in folder.glob("*-card.json"):
        path.unlink()
    assert devicekit(*shlex.split(ran.json["command"])[1:]).code == 0
    assert len(list(folder.glob("*-card.json"))) == 1


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_several_kinds_are_done_one_by_one(devicekit: Run, folder: Path) -> None:
    (folder / "notes.csv").write_text("nothing\n")
    ran = devicekit("mine.csv", "notes.csv", "sweeps.csv", "--json")
    assert ran.code == 2
    assert [shlex.split(each["command"])[1] for each in ran.json["results"]] == ["fit", "characterize"]
    assert [each["file"] for each in ran.json["errors"]] == ["notes.csv"]


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_a_folder_of_several_kinds_is_done_file_by_file(devicekit: Run, folder: Path) -> None:
    ran = devicekit(folder, "--json")
    assert ran.code == 0
    assert [shlex.split(each["command"])[1] for each in ran.json["results"]] == ["fit", "characterize"]


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
def test_trains_of_set_and_reset_in_files_of_several_devices_are_fitted(
    devicekit: Run, folder: Path, tmp_path: Path
) -> None:
    for device in ("d1", "d2"):
        both = trains()
        for name, part in (("set", both.iloc[:30]), ("reset", both.iloc[30:])):
            (tmp_path / "px").mkdir(exist_ok=True)
            part.to_csv(tmp_path / "px" / f"{device}_{name}.csv", index=False)
    ran = devicekit(tmp_path / "px", "--json")
    assert (ran.code, shlex.split(ran.json["command"])[1]) == (0, "fit")


def test_a_train_of_one_direction_is_fitted_without_a_card(
    devicekit: Run, folder: Path, without_pictures: None
) -> None:
    trains().iloc[:30].to_csv("up.csv", index=False)
    ran = devicekit("up.csv", "--json")
    assert (ran.code, ran.json["command"]) == (0, "devicekit fit up.csv --report up-fit.html")


@pytest.mark.usefixtures("without_pictures")
def test_a_result_that_cannot_be_written_is_an_error_and_nothing_else_is_done(
    devicekit: Run, folder: Path, tmp_path: Path
) -> None:
    ramps = tmp_path / "apart" / ("r" * 250)
    ramps.mkdir(parents=True)
    for name in ("device1.csv", "device2.csv"):
        trains().to_csv(ramps / name, index=False)
    before = sorted(folder.iterdir())
    assert devicekit(ramps).code == 2
    assert sorted(folder.iterdir()) == before


def test_an_empty_folder_beside_a_file_does_not_stop_the_file(
    devicekit: Run, folder: Path, without_pictures: None
) -> None:
    (folder / "empty").mkdir()
    ran = devicekit("empty", "mine.csv", "--json")
    assert (ran.code, len(ran.json["results"]), len(ran.json["errors"])) == (2, 1, 1)


def test_a_path_that_is_too_long_does_not_exist(devicekit: Run) -> None:
    assert devicekit("x" * 300 + "/a.csv").code == 2


def test_a_card_lists_the_commands_that_take_it(devicekit: Run, folder: Path) -> None:
    (folder / "card.json").write_bytes(catalog.get(catalog.EXAMPLE).card.read_bytes())
    ran = devicekit("card.json", "--json")
    assert ran.code == 0
    verbs = [shlex.split(line)[1] for line in ran.json["commands"]]
    assert verbs == ["card", "benchmark", "train", "array", "export"]
    assert devicekit("card.json").out.count("devicekit ") == len(verbs)
    (folder / "card.json").write_text('{"schema_version": 3}')
    assert devicekit("card.json").code == 2


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("s.toml", 'task = "train"', "devicekit study s.toml"),
        ("s.toml", '[recipe]\nformat = "table"', "--recipe s.toml"),
        ("s.toml", '[conduction]\nlaw = "ohmic"', "devicekit simulate iv --stack s.toml"),
        ("s.html", "<p>", "browser"),
        ("s.json", '{"t": [1.0, 2.0, 3.0]}', "devicekit s.json"),
    ],
)
def test_other_files_name_what_takes_them(name: str, text: str, command: str, devicekit: Run, folder: Path) -> None:
    (folder / name).write_text(text)
    if name == "s.json":  # a result among others
        (folder / MARKER).write_text('{"tool": "devicekit", "files": ["s.json"]}')
    ran = devicekit(name)
    assert ran.code == 2
    assert command in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("verb", ["fit", "run", "compare", "next"])
def test_other_data_than_pulse_trains_name_their_command(devicekit: Run, folder: Path, verb: str) -> None:
    ran = devicekit(verb, "sweeps.csv", "--map", "voltage_v=Voltage (V)")
    assert ran.code == 2
    assert "devicekit characterize sweeps.csv --map 'voltage_v=Voltage (V)'" in ran.err
    assert not list(folder.glob("devicekit-*"))


@pytest.mark.usefixtures("without_pictures")
def test_characterized_pulse_trains_name_the_fit(devicekit: Run, folder: Path) -> None:
    trains("G").to_csv("own.csv", index=False)
    ran = devicekit("characterize", "own.csv", "--unit", "uS")
    assert ran.code == 0
    assert "devicekit fit own.csv --unit uS --out card.json" in ran.out


def test_a_card_follows_the_command_or_its_old_option(devicekit: Run, folder: Path) -> None:
    (folder / "c.json").write_bytes(catalog.get(catalog.EXAMPLE).card.read_bytes())
    shown = [devicekit("card", "show", *words).out for words in (["c.json"], ["--card", "c.json"], ["--card=c.json"])]
    assert shown[0] == shown[1] == shown[2] == devicekit("card", "show", catalog.EXAMPLE).out != ""


@pytest.mark.slow
def test_a_persons_path_on_a_terminal(folder: Path) -> None:
    """From `devicekit own.csv`, over a question that Enter answers, to the page of the fit."""
    pytest.importorskip("fcntl", reason="terminals are driven on Unix only")
    import pty

    trains("G").to_csv("own.csv", index=False)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "devicekit", "own.csv"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}
    ) as ran:
        os.close(theirs)
        printed, answered = "", False
        while select.select([ours], [], [], 60)[0]:
            try:
                printed += os.read(ours, 65536).decode()
            except OSError:  # the other end has gone
                break
            if not answered and "Answer, options" in printed:
                assert "--unit uS" in printed
                answered = bool(os.write(ours, b"\n"))
    os.close(ours)
    assert answered
    assert ran.returncode == 0, printed
    line = shlex.split(re.search(r"devicekit fit own\.csv.*", printed)[0])  # type: ignore[index]
    assert line[3:5] == ["--unit", "uS"]
    assert "Fit of own.csv" in Path(line[line.index("--report") + 1]).read_text()
    assert line[line.index("--out") + 1] == "own-card.json"
