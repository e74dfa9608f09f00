"""Options and recipe lines of the wrong type, names that a spreadsheet would run, and messages of limited length."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
from devicekit.readers import read, source
from devicekit.readers.layouts import gather
from devicekit.tables import csv_text

ROWS = "V (V),I (A)\n" + "".join(f"{k / 10},{k}e-6\n" for k in [*range(10), *range(10, -1, -1)])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(ROWS)
    return path


@pytest.mark.parametrize(
    "options",
    [
        *({"header": each} for each in (-1, 2, [1, 2], "1", True)),
        *({"skip": each} for each in (-1, "a", 1.5, 10**30)),
        *({"pulses": each} for each in (("a", 1), 5, "60", (), (1, 2, 3), (0,), {"a": 1})),
        *({"blocks": each} for each in (-5, [1], "²", "-5", 1.5)),
        *({name: ["pulse"]} for name in ("kind", "format", "quantity", "unit", "sheet", "device", "decimal")),
        *({name: {"a": 1}} for name in ("files_are", "sheets_are", "columns_are", "recipe", "cycle", "width")),
        *({"read_voltage": each} for each in ("x", [1], float("nan"), True)),
        *({"columns": each} for each in ([1], {"a": 1}, "a")),
        *({"key": each} for each in ([1], {"device": 3})),
        *({name: "yes"} for name in ("absolute", "units_row")),
    ],
    ids=str,
)
def test_an_option_of_the_wrong_kind_is_refused_by_its_name(table: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"{next(iter(options))}="):
        read(table, **options)


@pytest.mark.parametrize(
    "lines",
    [
        "[table]\nblocks = -5",
        "[table]\nheader = [1, 2]",
        "[table]\nheader = -3",
        "[table]\nskip = 1.5",
        "[table]\nsheet = 3",
        "[table]\nunits_row = 'x'",
        "[[columns]]\nx = 1",
        "[columns]\nV = 3",
        "[columns.V]\nrole = ['a']",
        "[columns.V]\nrole = 'voltage_v'\nunit = 3",
        "[columns.V]\nrole = 'voltage_v'\nlevel = [1]",
        "[match]\ncolumns = 'V'",
        "[match]\ncolumns = [1, 2]",
        "[match]\ncolumns = {a = 1}",
        "[trains]\npulses = ['a']",
        "[trains]\npulses = 'x'",
        "[keys]\ndevice = 3",
        "[keys]\nfiles_are = [1]",
        "[read]\nvoltage = 'a'",
        "[read]\nquantity = {}",
        "match = 1",
        "[[match]]",
    ],
)
@pytest.mark.parametrize("head", ["[recipe]\nversion = 1\n", "[recipe]\nversion = 1\nkind = ['pulse']\n"])
def test_a_line_of_a_recipe_of_the_wrong_kind_is_an_error(
    devicekit: Callable[..., Any], tmp_path: Path, table: Path, lines: str, head: str
) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f"{lines}\n{head}" if lines.startswith("match") else f"{head}{lines}\n")
    found = devicekit("read", table, "--recipe", path)
    assert found.code == 2
    assert found.err.startswith("error: r.toml")


def test_numbers_of_other_libraries_are_numbers(table: Path) -> None:
    assert len(read(table, skip=np.int64(0), header=np.int32(1)).frame) == 21


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


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e-160, 1e-155])
def test_readings_near_zero_are_turned_as_others_are(tmp_path: Path, scale: float) -> None:
    rise = 1 - np.exp(-np.arange(50) / 15)
    values = np.concatenate([rise, 1 - rise] * 3) + 1e-9
    for factor, name in ((1.0, "usual.csv"), (scale, "small.csv")):
        (tmp_path / name).write_text("G (S)\n" + "".join(f"{float(x * factor)!r}\n" for x in values))
    usual = read(tmp_path / "usual.csv").frame
    if scale == 5e-324:  # no digit is left
        with pytest.raises(QuestionError):
            read(tmp_path / "small.csv")
        return
    small = read(tmp_path / "small.csv").frame
    assert small[["cycle", "direction", "pulse_index"]].equals(usual[["cycle", "direction", "pulse_index"]])


@pytest.mark.parametrize("end", ["\x1a", "\x1a\x1a", "\n\x1a"])
def test_the_end_mark_of_dos_is_not_a_row(
    tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path = tmp_path / "dos.csv"
    path.write_bytes(ROWS.replace("\n", "\r\n").encode() + end.encode())
    usual = read(table).frame
    assert read(path).frame.equals(usual)
    for module in (source, gather):
        monkeypatch.setattr(module, "LARGE", 100)
    path.write_bytes(ROWS.encode() + b"\x1a")
    assert read(path).frame.equals(usual)


def test_kept_columns_have_the_decimal_mark_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "comma.csv"
    rows = [f"{k / 10};{k}e-6;{k / 4};a,b".replace(".", ",") for k in range(1, 30)]
    path.write_text("V (V);I (A);humidity;note\n" + "\n".join(rows) + "\n")
    frame = read(path).frame
    assert frame["humidity"].tolist() == [k / 4 for k in range(1, 30)]
    assert set(frame["note"]) == {"a,b"}


def test_a_search_for_thousands_of_words_is_refused(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"2000.*50"):
        Query(["x"] * 2000)
    found = devicekit("library", "list", "--library", tmp_path, *["x"] * 2000)
    assert found.code == 2
    assert "2000" in found.err


LONG = "x" * 200_000
READS = ("read", "fit", "characterize", "next", "library add", "train --card", "library list --library")


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
    (tmp_path / "wide.csv").write_text(",".join(f"a name of some length {k}" for k in range(5000)) + "\n1,2\n")
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
