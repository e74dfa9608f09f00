"""Recipes that are found by the fingerprint of a file: applied, offered, asked about, left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import DevicekitError, QuestionError, UsageError
from devicekit.tables import Table

HEAD = "Operator: N. N.\nDevice: D3\n"
NAMES = "t;U;I;Range"
ROWS = "0,0;0,00;1,5;2\n0,1;0,10;11,5;2\n0,2;0,20;21,0;2\n0,3;0,10;12,5;2\n0,4;0,00;1,0;2\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's recipes."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("DEVICEKIT_RECIPES", str(folder))
    return folder


def _write(path: Path, text: str = HEAD + NAMES + "\n" + ROWS) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _save(path: Path, name: Path, **options: object) -> Table:
    table = devicekit.read(path, **options)
    table.meta["layout"].save(name)
    return table


@pytest.fixture
def known(own: Path, tmp_path: Path) -> Table:
    """Table of a file whose layout was saved as a recipe: the current column is in microamperes."""
    path = _write(tmp_path / "first.csv")
    text = devicekit.read(path, kind="sweep", columns={"current_a": "I"}, accept=True).meta["layout"].toml()
    assert '"I" = { role = "current_a" }' in text
    (own / "lab.toml").write_text(text.replace('"I" = { role = "current_a"', '"I" = { role = "current_a", unit = "uA"'))
    return devicekit.read(path)


def _codes(table: Table) -> list[str]:
    return [each.code for each in table.warnings]


def test_the_next_file_of_a_make_is_read_by_its_recipe(known: Table, tmp_path: Path) -> None:
    longer = _write(tmp_path / "second.csv", f"{HEAD}Remark: again\n\n{NAMES}\n{ROWS}")
    for table in (known, devicekit.read(longer)):
        assert table.frame["current_a"].tolist() == pytest.approx([1.5e-6, 1.15e-5, 2.1e-5, 1.25e-5, 1e-6])
        assert [each.message.split()[-1] for each in table.warnings if each.code == "recipe"] == ["lab"]
    assert devicekit.read(longer, recipe="lab").frame.equals(devicekit.read(longer).frame)
    with pytest.raises(QuestionError, match="column 'I'"):
        devicekit.read(longer, recipe="none")
    other = devicekit.read(longer, unit="nA")  # says what the recipe says, in another way
    assert other.frame["current_a"].max() == pytest.approx(21e-9)
    assert "recipe" not in _codes(other)


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (NAMES, "t;U;I [nA];Range", "it has column 'I [nA]', the recipe 'I'"),
        (NAMES, "t;U;J;Range", "column 'I' is missing"),
        (NAMES, "U;t;I;Range", "columns stand in another order"),
        (",", ".", "the decimal mark is ., not ,"),
    ],
)
def test_a_file_that_departs_is_asked_about(known: Table, tmp_path: Path, old: str, new: str, difference: str) -> None:
    path = _write(tmp_path / "other.csv", (HEAD + NAMES + "\n" + ROWS).replace(old, new))
    with pytest.raises(QuestionError) as asked:
        devicekit.read(path)
    assert difference in str(asked.value)
    assert [each.options for each in asked.value.question.choices] == [{"recipe": "none"}]


def test_another_preamble_is_another_make(known: Table, tmp_path: Path) -> None:
    path = _write(tmp_path / "other.csv", f"Run: 1\nDevice: D3\n{NAMES}\n{ROWS}")
    with pytest.raises(QuestionError, match="column 'I'"):
        devicekit.read(path)


def test_several_recipes_that_fit_are_offered(known: Table, own: Path, tmp_path: Path) -> None:
    text = (own / "lab.toml").read_text()
    (own / "twin.toml").write_text(
        text.replace("version = 1", 'version = 1\nabout = "currents in nA"').replace("uA", "nA")
    )
    path = _write(tmp_path / "second.csv")
    with pytest.raises(QuestionError) as asked:
        devicekit.read(path)
    offered = [each.options["recipe"] for each in asked.value.question.choices]
    assert offered == ["lab", "twin", "none"]
    largest = [devicekit.read(path, recipe=name).frame["current_a"].max() for name in offered[:2]]
    assert largest == pytest.approx([2.1e-5, 2.1e-8])


def test_the_section_of_marks_may_have_a_comment_and_stand_anywhere(known: Table, own: Path, tmp_path: Path) -> None:
    text = (own / "lab.toml").read_text()
    (own / "lab.toml").write_text(text.replace("[match]", "[match] # marks").replace("\n", "\r\n"))
    assert "recipe" in _codes(devicekit.read(_write(tmp_path / "second.csv")))


def test_a_damaged_recipe_of_the_user_is_left_out(known: Table, own: Path, tmp_path: Path) -> None:
    (own / "a.toml").write_text("[recipe\n\n[match]\nnames = 3\n")
    (own / "b.toml").write_text('[recipe]\nversion = 1\n\n[match]\nnames = ["t"\n')
    (own / "c.toml").write_bytes(b"\xff\xfe\n[match]\n")
    assert "recipe" in _codes(devicekit.read(_write(tmp_path / "second.csv")))
    (own / "lab.toml").write_text((own / "lab.toml").read_text().replace("unit = ", "unti = 3\nunit = "))
    with pytest.raises(QuestionError, match="column 'I'"):
        devicekit.read(tmp_path / "second.csv")


def test_an_error_of_a_recipe_that_was_found_names_it(known: Table, tmp_path: Path) -> None:
    path = _write(tmp_path / "words.csv", HEAD + NAMES + "\n" + ROWS.replace("0,20", "open").replace("0,10", "open"))
    with pytest.raises(DevicekitError, match=r"recipe lab; recipe=none"):
        devicekit.read(path)


def test_files_without_names_are_offered_the_recipes_of_their_form(tmp_path: Path) -> None:
    rows = "".join(f"{k}\t{1e5 + 1234.5678 * k * (-1) ** k}\n" for k in range(12))
    path = _write(tmp_path / "cells.tsv", rows)
    with pytest.raises(QuestionError) as asked:
        devicekit.read(path)
    assert asked.value.question.choices[0].options == {"recipe": "rram-1t1r-bake"}
    assert devicekit.read(path, recipe="rram-1t1r-bake").frame["device_id"].nunique() == 12


def test_sheets_and_units_are_marks(own: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")

    def book(name: str, unit: str) -> Path:
        made = openpyxl.Workbook()
        made.active.title = "Trace"
        for row in [["Voltage", "Current"], ["V", unit], *([v / 10, v * v] for v in [0, 1, 2, 3, 2, 1, 0])]:
            made.active.append(row)
        made.save(tmp_path / name)
        return tmp_path / name

    _save(book("a.xlsx", "uA"), own / "book.toml")
    text = (own / "book.toml").read_text()
    assert 'units = ["V", "uA"]' in text
    assert 'sheets = ["Trace"]' in text
    again = devicekit.read(book("b.xlsx", "uA"))
    assert again.frame["current_a"].max() == pytest.approx(9e-6)
    assert "recipe" in _codes(again)
    with pytest.raises(QuestionError, match="nA, not uA"):
        devicekit.read(book("c.xlsx", "nA"))


def test_keys_are_the_marks_of_json(own: Path, tmp_path: Path) -> None:
    def write(name: str, *keys: str) -> Path:
        values = {key: [0, 1, 2, 3, 2, 1, 0] for key in keys}
        return _write(tmp_path / name, json.dumps({"operator": "N. N.", **values}))

    given = {"columns": {"voltage_v": "bias", "current_a": "probe"}, "quantity": "current", "unit": "nA"}
    _save(write("a.json", "bias", "probe"), own / "json.toml", **given)
    again = devicekit.read(write("b.json", "bias", "probe"))
    assert again.frame["current_a"].max() == pytest.approx(3e-9)
    assert "recipe" in _codes(again)
    with pytest.raises(QuestionError):
        devicekit.read(write("c.json", "drive", "probe"))


def test_a_recipe_from_before_fingerprints_is_read_and_not_found(own: Path, tmp_path: Path) -> None:
    old = '[recipe]\nversion = 1\nkind = "sweep"\n\n[match]\ncolumns = ["U"]\n\n[table]\ndecimal = ","\n\n[columns]\n'
    (own / "old.toml").write_text(old + '"U" = { role = "voltage_v" }\n"I" = { role = "current_a", unit = "mA" }\n')
    path = _write(tmp_path / "first.csv")
    with pytest.raises(QuestionError, match="column 'I'"):
        devicekit.read(path)
    assert devicekit.read(path, recipe="old").frame["current_a"].max() == pytest.approx(21e-3)


@pytest.mark.parametrize("line", ["names = 3", "names = [1]", "decimal = ['.']", "keys = 'a'", "colour = 'red'"])
def test_a_mark_of_the_wrong_type_is_an_error(tmp_path: Path, line: str) -> None:
    (tmp_path / "r.toml").write_text(f"[recipe]\nversion = 1\n\n[match]\n{line}\n")
    with pytest.raises(UsageError, match=r"r\.toml"):
        devicekit.read(_write(tmp_path / "first.csv"), recipe=tmp_path / "r.toml")


def test_the_folder_of_the_user_is_that_of_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from devicekit.readers.recipe import own_folder

    monkeypatch.delenv("DEVICEKIT_RECIPES")
    monkeypatch.setenv("DEVICEKIT_LIBRARY", str(tmp_path / "lib"))
    assert own_folder() == tmp_path / "lib" / "recipes"
    monkeypatch.delenv("DEVICEKIT_LIBRARY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    if os.name == "posix":
        assert own_folder().parts[-3:] == ("devicekit", "library", "recipes")
