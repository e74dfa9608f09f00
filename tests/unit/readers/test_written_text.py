"""Text that is written: cells that a spreadsheet would run, and messages of limited length."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from devicekit.core.errors import (
    LONGEST_MESSAGE,
    BadRow,
    CodedWarning,
    DevicekitError,
    FileError,
    Question,
    QuestionError,
    UsageError,
    bounded,
)
from devicekit.library import Query
from devicekit.tables import csv_text, neutral

from .small_files import ROWS  # type: ignore[import-not-found]

LONG = "x" * 200_000


READS = ("read", "fit", "characterize", "next", "library add", "train", "library list --library")


@pytest.mark.parametrize("text", ["-2+3+cmd|' /C calc'!A0", "-1+1", "-a", "=1", "+1", "@x"])
def test_formulas_are_written_as_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "-1.5e-6", "-.5", "-3.", "1-1", "a=b"])
def test_numbers_and_plain_text_are_unchanged(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("name", ["=1+1", "+a", "-b", "@c", "\td", "\re"])
def test_names_of_columns_are_not_run_by_a_spreadsheet(
    devicekit: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    frame = pd.DataFrame({name: ["=2", "x"], "b": [1.0, 2.0], 3: [1, 2]})
    assert csv_text(frame).replace('"', "").startswith(f"'{name},b,3\n'=2,1.0,1")
    assert list(frame.columns) == [name, "b", 3]
    if name.strip() == name:
        path = tmp_path / "table.csv"
        path.write_text(ROWS.replace("I (A)", f"I (A),{name}").replace("e-6\n", "e-6,1\n"))
        assert devicekit("read", path, "--out", tmp_path / "out.csv").code == 0
        assert f"'{name}" in (tmp_path / "out.csv").read_text().splitlines()[0].split(",")


def test_a_search_for_thousands_of_words_is_refused(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2000.*50"):
        Query(["x"] * 2000)
    found = devicekit("library", "list", "--library", tmp_path, *["x"] * 2000)
    assert found.code == 2
    assert "2000" in found.err


def test_no_message_is_as_long_as_a_file(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    errors = [
        DevicekitError(LONG, [BadRow(k, LONG, LONG, LONG) for k in range(20)]),
        QuestionError(LONG, Question(LONG, (), (), (LONG,) * 5)),
        pickle.loads(pickle.dumps(FileError("é" * 10**5))),
        FileError("a").in_words(lambda _: LONG),
    ]
    for error in errors:
        assert len(str(error).encode()) <= LONGEST_MESSAGE
        assert "bytes left out" in str(error)
    assert len(CodedWarning("columns", LONG).message) <= LONGEST_MESSAGE
    assert bounded("short") == "short"
    assert bounded("x" * LONGEST_MESSAGE) == "x" * LONGEST_MESSAGE
    (tmp_path / "wide.csv").write_text(",".join(f"a name of some length {k}" for k in range(1000)) + "\n1,2\n")
    (tmp_path / "long.toml").write_text(f'name = "t"\ntask = "{LONG}"\n["{LONG}"]\n')
    (tmp_path / "stack.toml").write_text(f'material = "{LONG}"\n')
    (tmp_path / "card.json").write_text(f'{{"schema_version": "{LONG}", "{LONG}": 1}}')
    for words in (
        ("read", tmp_path / "wide.csv"),
        ("study", tmp_path / "long.toml", "--out", tmp_path / "o"),
        ("simulate", "iv", "--stack", tmp_path / "stack.toml"),
        ("card", "show", tmp_path / "card.json"),
        *((*words.split(), LONG[:5000]) for words in READS),
        ("calibrate", LONG[:5000], "--free", "reaction.energy=1:2", "--out", tmp_path / "o"),
        ("read", tmp_path / "wide.csv", "--recipe", LONG[:5000]),
        ("simulate", "iv", "--allow-law", f"{LONG[:5000]}.py"),
        ("nosuch" + LONG,),
        ("read", tmp_path / "wide.csv", "--unit", LONG),
    ):
        found = devicekit(*words)
        assert found.code == 2
        assert len(found.err) <= LONGEST_MESSAGE + 1000, words
