"""A table described in the form: role and unit of each column, with all reading options; and the same at a prompt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from starlette.datastructures import FormData

from devicekit import read
from devicekit.app import state
from devicekit.app.describe import Described, parse_described
from devicekit.cli.prompt import asked_on_terminal
from devicekit.core.errors import Choice, Question, UsageError
from devicekit.system import writing
from devicekit.system.answers import Answered
from devicekit.system.options import OPTIONS, ROLES, ReadOptions, group_options
from tests.unit.app.test_confirm import ask, facts

LOOP = [*range(11), *range(9, -11, -1), *range(-9, 1)]
NAMELESS = "".join(f"{k},{v},{7 * v + 30}\n" for k, v in enumerate(3 * LOOP))  # number, mV / 100, nA


def columns(*rows: tuple[str, str, str], **more: str) -> FormData:
    pairs = [pair for row in rows for pair in zip(("column-name", "column-role", "column-unit"), row, strict=True)]
    return FormData([*pairs, *more.items()])


def test_units_become_names_and_roles_a_map() -> None:
    found = parse_described(columns(("a", "", ""), ("V, set", "voltage_v", "mV"), ("I (A)", "current_a", "uA")))
    assert found.columns == {"voltage_v": "V, set (mV)", "current_a": "I (uA)"}
    assert found.names == 'a,"V, set (mV)",I (uA)'
    options = found.apply(ReadOptions(columns={"cycle": "a", "voltage_v": "a"}))
    assert options.columns == {"cycle": "a", "voltage_v": "V, set (mV)", "current_a": "I (uA)"}
    assert parse_described(columns(("a", "", ""))) == Described()
    two = parse_described(columns(("a", "value", ""), ("b", "value", ""), ("c", "keep", "")))
    assert two.columns == {"value": "a,b", "keep": "c"}
    assert two.names is None


def test_a_wrong_unit_and_a_unit_of_one_of_too_many_columns_are_refused() -> None:
    with pytest.raises(UsageError, match="parsec"):
        parse_described(columns(("a", "", "parsec")))
    with pytest.raises(UsageError, match="Column names"):
        parse_described(columns(("a", "", "V"), **{"columns-left": "3"}))


def test_every_option_has_one_place_in_the_form_and_every_role_is_offered(app: state.App, opened: Any) -> None:
    page = ask(app, opened(NAMELESS))[1]
    form = page.partition("Describe it yourself")[2]
    for name in OPTIONS:
        assert len(re.findall(rf'name="{name}"', form)) == 1, name
    assert sum(map(len, group_options().values())) == len(OPTIONS)
    assert re.findall(r'name="column-name" value="([^"]*)"', form) == ["column 1", "column 2", "column 3"]
    (first, *_) = re.findall(r'(?s)<select name="column-role".*?</select>', form)
    assert re.findall(r'<option value="([^"]*)"', first) == ["", "keep", *ROLES]


@pytest.mark.slow
def test_a_table_without_names_is_described_in_one_form_and_read_by_a_command(
    app: state.App,
    opened: Any,
    tmp_path: Path,
) -> None:
    where = opened(NAMELESS)
    ask(app, where)
    (upload,) = app.uploads
    assert upload.question is not None
    own = {f"choice-{k}": ["own"] for k in range(len(upload.question.each))}
    rows = {"column-name": ["column 1", "column 2", "column 3"], "column-role": ["keep", "voltage_v", "current_a"]}
    form = {**own, **rows, "column-unit": ["", "mV", "nA"], "kind": ["sweep"], "columns-left": ["0"]}
    status, page = post_many(app, f"{where}/look", form)
    assert status == 200
    assert facts(page)["points per sweep"] == "41"
    assert "current 30 nA" in page
    assert re.findall(r'<option value="voltage_v" selected', page) == ['<option value="voltage_v" selected']
    assert 'name="column-unit" value="nA"' in page
    status, _ = post_many(app, f"{where}/answer", {**form, "accept": ["yes"]})
    assert status == 303
    ask(app, where)
    result = upload.read_result
    assert result is not None
    assert result.is_whole
    assert result.reading.names == "column 1,column 2 (mV),column 3 (nA)"
    file = tmp_path / "again.csv"
    file.write_text(NAMELESS)
    frame = read(file, result.reading).frame
    assert len(frame) == 123
    assert frame["voltage_v"].max() == pytest.approx(0.01)
    assert frame["current_a"].iloc[0] == pytest.approx(30e-9)


def test_several_columns_take_one_role_by_map(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b,c,d\n" + "".join(f"{k + 1},{k + 2},{50 - k},{k % 3}\n" for k in range(20)))
    table = read(
        file, map={"value": "a, b, c", "keep": "d"}, kind="pulse", unit="uS", columns_are="devices", accept=True
    )
    assert sorted(table.devices) == ["a", "b", "c"]
    assert table.frame["conductance_s"].max() == pytest.approx(50e-6)


def test_a_question_mark_at_the_prompt_lists_columns_and_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("V (V),I\n" + "".join(f"{v / 10},{v}\n" for v in LOOP))
    words = iter(["?", "2"])
    monkeypatch.setattr("typer.prompt", lambda *what, **how: next(words))
    question = Question("unit?", ("unit",), (Choice.of("A", unit="A"), Choice.of("nA", unit="nA")))
    with writing.one_command():
        writing.note_input(file)
        found = asked_on_terminal(question, Answered(ReadOptions()), None)
    assert found.options.unit == "nA"
    shown = capsys.readouterr().err
    assert "V (V)  0.0, 0.1, 0.2, in V" in shown
    assert all(option.flag in shown for option in OPTIONS.values())


def post_many(app: state.App, path: str, form: dict[str, list[str]]) -> tuple[int, str]:
    from urllib.parse import urlencode

    return ask(app, path, [urlencode(form, doseq=True).encode()], kind="application/x-www-form-urlencoded")
