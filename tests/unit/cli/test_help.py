"""Help pages: every command has examples that parse, and short lines that are not cut off."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from devicekit.cli import START, build_app
from devicekit.cli.help import COLUMNS, epilog, split
from devicekit.cli.lazy import built
from devicekit.system.options import OPTIONS

Run = Callable[..., Any]
APP = typer.main.get_command(build_app())


def commands(group: Any = APP, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*names, name))
        else:
            yield (*names, name), command


COMMANDS = dict(commands())
FILE = Path(__file__)  # `devicekit FILE` has no word of its own


def examples(page: str) -> list[list[str]]:
    """The commands at the end of a help page, as words."""
    _, found, rest = re.sub(r"(?m)^ +", "", page).partition("\nExample")
    assert found, page
    joined = rest.partition("\n")[2].replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.strip()]


def test_the_commands_are_those_of_the_contract() -> None:
    names = {" ".join(words) for words in COMMANDS}
    assert names >= {
        "run",
        "read",
        "fit",
        "compare",
        "characterize",
        "simulate iv",
        "simulate pulses",
        "simulate cycles",
        "train",
        "study",
        "card show",
        "card validate",
        *(f"library {word}" for word in ("add", "list", "show", "compare", "remove", "refresh")),
        "datasets",
        "warm",
        "export",
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_page_ends_with_examples_that_parse(words: tuple[str, ...], devicekit: Run) -> None:
    ran = devicekit(*words, "--help")
    assert ran.code == 0
    found = examples(ran.out)
    assert 1 <= len(found) <= 3
    for example in found:
        assert tuple(example[: len(words) + 1]) == ("devicekit", *words)
        # parsing alone: unknown options, missing arguments and values of a wrong type are errors here
        COMMANDS[words].make_context(words[-1], list(example[len(words) + 1 :]))


def test_the_help_of_a_file_ends_with_examples_that_parse(devicekit: Run) -> None:
    ran = devicekit(FILE, "--help")
    assert ran.code == 0
    for program, *words in examples(ran.out):
        assert program == "devicekit"
        assert built(START).make_context("", words).params["files"]


@pytest.mark.parametrize("words", [("fit",), ("characterize",), ("read",), ("run",), ("export",), (FILE,)])
def test_reading_options_stand_in_a_list_of_their_own(words: tuple[Any, ...], devicekit: Run) -> None:
    page = devicekit(*words, "--help").out.partition("Example")[0]
    own, _, reading = page.partition("\nReading the file:")
    assert set(re.findall(r"(?m)^  (--[a-z-]+)", reading)) == {each.flag for each in OPTIONS.values()}
    assert "--json" in own


def test_commands_stand_in_groups(devicekit: Run) -> None:
    page = devicekit("--help").out
    titles = re.findall(r"(?m)^([A-Z][a-z ]+):$", page)
    assert titles == ["Options", "Start", "Measure", "Simulate", "Network", "Take away", "Machine"]
    listed = re.findall(r"(?m)^  ([a-z]+) ", page.partition("Start:")[2].partition("Examples:")[0])
    assert sorted(listed) == sorted(APP.commands)


def test_an_example_with_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match=r"(?i)no such option"):
        COMMANDS[("fit",)].make_context("fit", ["ramps/", "--nonsense"])


@pytest.mark.parametrize(
    "words", [(), ("simulate",), ("card",), ("library",), *COMMANDS], ids=lambda words: " ".join(words) or "root"
)
def test_help_fits_eighty_columns_and_nothing_is_cut_off(
    words: tuple[str, ...], devicekit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = devicekit(*words, "--help").out
    assert max(len(line) for line in page.splitlines()) <= 80
    listing = page.partition("\n\nStart:" if not words else "\nCommands:")[2].partition("Example")[0]
    assert "..." not in listing.replace("FILE...", "")
    assert "Example:" not in page.partition("Options:")[0]
    assert "<list[Path]>" not in page.partition("Arguments:")[0]


def test_options_say_what_they_take() -> None:
    """A value has a name (V, N, DIR), not the name of a Python type."""
    for words, command in COMMANDS.items():
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.is_flag and parameter.name != "help":
                assert parameter.metavar, (words, parameter.name)


def test_examples_are_taken_from_docstrings() -> None:
    words, found = split("Do it.\n\nMore.\n\nExamples:\n    devicekit do a\n    devicekit do b\n")
    assert words == "Do it.\n\nMore."
    assert found == ["devicekit do a", "devicekit do b"]
    assert split("Do it.\n\nExample: devicekit do a") == ("Do it.", ["devicekit do a"])
    assert split(None) == ("", [])


def test_a_long_example_is_broken_so_that_it_can_be_copied() -> None:
    long = "devicekit study schemes --out folder " + " ".join(f"--set name{k}=value" for k in range(8))
    page = str(epilog([long, "devicekit run"]))
    assert all(len(line) <= COLUMNS + 4 for line in page.splitlines())  # an indent of 2, and a backslash
    assert not re.search(r"--set \\$", page, re.MULTILINE)  # an option stays with its value
    assert examples(page) == [shlex.split(long), ["devicekit", "run"]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """What the scripts of `--install-completion` ask for."""

    def offered(*words: str) -> str:
        monkeypatch.setenv("_DEVICEKIT_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", " ".join(("devicekit", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", " ".join(("devicekit", *words)))
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        capfd.readouterr()
        with pytest.raises(SystemExit):
            build_app()(args=[], prog_name="devicekit", standalone_mode=False)
        return capfd.readouterr().out

    assert "characterize" in offered("char")
    assert "hybrid" in offered("train", "--scheme", "hy")
    assert "nonidealities" in offered("study", "non")
    assert "softbounds" in offered("fit", "--model", "sof")
    assert "crosssim" in offered("export", "--to", "cro")
    assert "--read-voltage" in offered("fit", "--read")


def test_completion_can_be_installed(devicekit: Run) -> None:
    page = devicekit("--help").out
    assert "--install-completion" in page
    assert "--show-completion" in page


def test_the_help_lists_every_export_target(devicekit: Callable[..., Any]) -> None:
    from devicekit.exporters import exporters

    page = devicekit("export", "--help").out
    assert len(exporters()) >= 6
    for name in exporters():
        assert name in page
