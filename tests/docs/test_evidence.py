"""Evidence of the pages: files that are whole and shown, and the way from a benchmark's output to a file."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .conftest import load_script

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "evidence"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    return load_script(ROOT / "benchmarks" / "evidence_tables.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_has_full_tables(file: Path) -> None:
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert content["title"]
    assert content["command"]
    assert content["tables"]
    for table in content["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_command_names_a_file_that_exists(file: Path) -> None:
    for script in re.findall(r"benchmarks/\w+\.py", json.loads(file.read_text("utf-8"))["command"]):
        assert (ROOT / script).is_file()


def test_each_file_is_shown_and_each_directive_has_a_file() -> None:
    text = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r"\{evidence\} ([\w-]+)", text)) == {file.stem for file in FILES}


PRINTED = """title of the first:
| a | b |
|---|---|
| 1 | 2 % |
| 3 | – |
some words

| c |
|:---|
| 4 |
3 s of CPU
"""


def test_printed_tables_are_parsed(tables: ModuleType) -> None:
    assert tables.parse_tables(PRINTED) == [
        {"title": "title of the first", "columns": ["a", "b"], "rows": [["1", "2 %"], ["3", "–"]]},
        {"columns": ["c"], "rows": [["4"]]},
    ]


def test_a_benchmark_writes_its_tables_and_keeps_titles_and_notes(
    tables: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {
        "title": "T",
        "command": "C",
        "note": "N",
        "tables": [{"note": "kept", "columns": ["c"], "rows": [["0"]]}],
    }
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(before), "utf-8")
    monkeypatch.setattr(tables, "FOLDER", tmp_path)

    def main() -> int:
        assert sys.argv == ["script", "--runs", "3"]
        print(PRINTED)
        return 1

    monkeypatch.setattr(sys, "argv", ["script", "--runs", "3", "--evidence"])
    assert tables.run(main, "one", "two") == 1
    assert "3 s of CPU" in capsys.readouterr().out
    one, two = (json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("one", "two"))
    assert {**one, "tables": before["tables"]} == before
    assert one["tables"] == [{"title": "title of the first", "columns": ["a", "b"], "rows": [["1", "2 %"], ["3", "–"]]}]
    assert two["tables"] == [{"note": "kept", "columns": ["c"], "rows": [["4"]]}]


def test_without_the_option_nothing_is_written(tables: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["script"])
    monkeypatch.setattr(tables, "update", lambda *_: pytest.fail("written"))
    assert tables.run(lambda: None, "absent") == 0
