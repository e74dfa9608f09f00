"""Outputs of one command that would replace each other or an input are refused before the work, by one error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from devicekit.cli import COMMANDS
from devicekit.cli.common import WRITTEN
from devicekit.cli.lazy import built
from devicekit.core.errors import FileError, UsageError
from devicekit.system import catalog, writing

SWEEP = "V (V),I (A)\n0,0\n0.5,1e-6\n1,1e-3\n0,0\n"
TRAINS = "pulse,G (uS)\n" + "".join(f"{n},{g}\n" for n, g in enumerate([*range(10, 21), *range(19, 9, -1)]))


def outputs(name: str, command: Any) -> Iterator[tuple[str, str, str]]:
    if hasattr(command, "commands"):
        for word, each in command.commands.items():
            yield from outputs(f"{name} {word}", each)
        return
    options = [parameter.opts[0] for parameter in command.params if parameter.opts[0] in WRITTEN]
    for one, other in permutations(options, 2):
        yield name, one, other


PAIRS = [pair for word, place in COMMANDS.items() for pair in outputs(word, built(place))]


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.csv").write_text(SWEEP)
    (tmp_path / "trains.csv").write_text(TRAINS)
    (tmp_path / "real").mkdir()
    (tmp_path / "soft").symlink_to("real")
    (tmp_path / "soft.x").symlink_to("real/x")
    return tmp_path


@pytest.mark.parametrize(("command", "one", "other"), PAIRS)
@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("x", "x", "choose two names"),
        ("x", "./real/../x", "choose two names"),
        ("real/x", "soft/x", "choose two names"),
        ("real/x", "soft.x", "choose two names"),
        ("x", "X", "choose two names"),
        ("x", "x/page.html", "lies in"),
        ("real", "soft/page.html", "lies in"),
    ],
)
def test_two_outputs_that_are_one(
    inputs: Path, devicekit: Callable[..., Any], command: str, one: str, other: str, first: str, second: str, words: str
) -> None:
    ran = devicekit(*command.split(), "trains.csv", one, first, other, second)
    assert ran.code == 2
    assert words in ran.err
    assert one in ran.err
    assert other in ran.err
    assert len(ran.err.split()) <= 31
    assert not (inputs / "x").exists()
    assert list((inputs / "real").iterdir()) == []


def test_there_are_such_commands() -> None:
    assert {("fit", "--out", "--report"), ("read", "--plot", "--save-recipe")} <= {*PAIRS}


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    "arguments",
    [
        ("read", "sweep.csv", "--out", "sweep.csv"),
        ("read", "sweep.csv", "--plot", "./real/../sweep.csv"),
        ("fit", "trains.csv", "--out", "trains.csv"),
        ("fit", "trains.csv", "--report", "trains.csv"),
        ("fit", "sweep.csv", "trains.csv", "--report", "trains.csv"),
        ("fit", "trains.csv", "--stdp", "sweep.csv", "--out", "sweep.csv"),
        ("characterize", "real", "--out", "soft"),
        ("run", "real", "--out", "real"),
    ],
)
def test_an_output_that_is_an_input(
    inputs: Path, devicekit: Callable[..., Any], arguments: tuple[str, ...], force: list[str]
) -> None:
    ran = devicekit(*arguments, *force)
    assert ran.code == 2
    assert "choose another --" in ran.err
    assert (inputs / "sweep.csv").read_text() == SWEEP
    assert (inputs / "trains.csv").read_text() == TRAINS


@pytest.mark.slow
def test_a_word_is_no_input(inputs: Path, devicekit: Callable[..., Any]) -> None:
    for name in ("eq2", "digits"):
        (inputs / name).touch()
        for _ in range(2):
            assert devicekit("fit", "trains.csv", "--model", "eq2", "--out", name).code == 0
    (inputs / "mine.toml").write_text('[recipe]\nname = "mine"\n')
    ran = devicekit("read", "sweep.csv", "--recipe", "mine.toml", "--save-recipe", "mine.toml", "--force")
    assert ran.code == 2
    assert "an input file" in ran.err


def test_no_result_of_a_command_takes_the_place_of_another(tmp_path: Path) -> None:
    with writing.one_command():
        writing.write_text(tmp_path / "a", "one")
        writing.write_text(tmp_path / "a", "one")
        with pytest.raises(FileError, match="another result"):
            writing.write_text(tmp_path / "a", "two")
    assert (tmp_path / "a").read_text() == "one"


def test_outputs_apart_are_taken(tmp_path: Path) -> None:
    writing.check_apart({"--out": tmp_path / "a.json", "--report": tmp_path / "a.html"}, [tmp_path / "a.csv"])
    with pytest.raises(UsageError, match="choose two names"):
        writing.check_apart({"--out": tmp_path / "a", "--report": tmp_path / "." / "a"})


@pytest.mark.parametrize(
    "command", ["train {card}", "characterize {sweep}", "run {sweep}", "benchmark {card}", "array {card}"]
)
def test_a_folder_of_others_is_refused_before_the_work(
    command: str, tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for work in (
        "snn.training.train",
        "devicekit.verbs.characterize._characterize_files",
        "snn.benchmark.benchmark",
        "snn.array.measure.measure",
    ):
        monkeypatch.setattr(work, lambda *_, **__: pytest.fail("it worked before it refused"))
    (tmp_path / "sweep.csv").write_text(SWEEP)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    words = command.format(card=catalog.get("pt-hfo2-al2o3-ti").folder / "card.json", sweep=tmp_path / "sweep.csv")
    ran = devicekit(*words.split(), "--out", tmp_path / "out")
    assert ran.code == 2
    assert "--force" in ran.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
