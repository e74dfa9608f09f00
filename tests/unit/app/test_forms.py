"""Forms of the app: every reading option goes into a field and back, and into the command that a page shows."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.app.forms import (
    build_reading_fields,
    parse_reading_form,
    split_question,
    use_field_labels,
)
from devicekit.app.uploads import Upload, apply_answer
from devicekit.app.worker import Job
from devicekit.core.errors import Blank, Choice, Question, QuestionError, UsageError
from devicekit.system import commands
from devicekit.system.answers import fill_blanks, list_blank_labels
from devicekit.system.options import OPTIONS as DECLARED
from devicekit.system.options import ReadOptions

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="="), min_size=1)
WORDS = NAMES.filter(lambda name: not name.startswith("-"))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "format": st.sampled_from(["table", "arcone"]),
    "quantity": st.sampled_from(DECLARED["quantity"].form_choices),
    "read_voltage": st.floats(-10, 10).filter(lambda v: abs(v) > 1e-9),
    "columns": st.dictionaries(st.sampled_from(["value", "cycle", "voltage_v"]), WORDS, min_size=1),
    "absolute": st.just(True),
    "device": WORDS,
    "cycle": st.integers(0, 10**6),
    "width": st.floats(1e-12, 1.0),
    "kind": st.sampled_from(DECLARED["kind"].form_choices),
    "sheet": WORDS,
    "skip": st.integers(0, 1000),
    "header": st.sampled_from([0, 1]),
    "units_row": st.booleans(),
    "blocks": st.sampled_from(DECLARED["blocks"].form_choices),
    "decimal": st.sampled_from([".", ","]),
    "pulses": st.lists(st.integers(1, 10**6), min_size=1, max_size=2).map(tuple),
    "files_are": st.sampled_from(DECLARED["files_are"].form_choices),
    "sheets_are": st.sampled_from(DECLARED["sheets_are"].form_choices),
    "columns_are": st.sampled_from(DECLARED["columns_are"].form_choices),
    "key": st.dictionaries(st.sampled_from(["device", "cycle"]), WORDS, min_size=1),
}
OPTIONS = st.fixed_dictionaries({}, optional=VALUES).map(lambda options: ReadOptions(**options))


def test_every_option_has_a_field_and_a_label() -> None:
    names = [each.name for each in build_reading_fields(ReadOptions(), [], [])]
    assert set(names) == set(ReadOptions.__dataclass_fields__)


@given(OPTIONS)
@settings(max_examples=200, deadline=None)
def test_options_go_through_the_form_unchanged(options: ReadOptions) -> None:
    form = {each.name: each.value for each in build_reading_fields(options, ["mine"], ["table"])}
    assert parse_reading_form(form) == options


@pytest.fixture(scope="module")
def parsed() -> Any:
    """Reading options that the command line makes of arguments of `read`."""
    from typer import Typer
    from typer.testing import CliRunner

    from devicekit.cli.common import with_options

    seen: list[tuple[list[str], ReadOptions]] = []

    def read(files: list[str], reading: ReadOptions) -> None:
        seen.append((files, reading))

    app = Typer()
    app.command()(with_options(read))

    def parse(arguments: list[str]) -> tuple[list[str], ReadOptions]:
        outcome = CliRunner().invoke(app, arguments)
        assert outcome.exit_code == 0, outcome.output
        return seen.pop()

    return parse


@given(options=OPTIONS, name=NAMES)
@settings(max_examples=60, deadline=None)
def test_the_command_line_of_a_page_gives_the_same_options(options: ReadOptions, name: str, parsed: Any) -> None:
    line = commands.command("read", [name], commands.non_default(options))
    program, verb, *arguments = shlex.split(line)
    assert (program, verb) == ("devicekit", "read")
    files, understood = parsed(arguments)
    assert [file.removeprefix("./") for file in files] == [name.removeprefix("./")]
    assert understood == options


@given(OPTIONS)
@settings(max_examples=60, deadline=None)
def test_the_python_line_of_a_page_gives_the_same_options(options: ReadOptions) -> None:
    line = commands.call("devicekit.read", repr("a.csv"), **commands.non_default(options))
    called = ast.parse(line, mode="eval").body
    assert isinstance(called, ast.Call)
    assert ast.literal_eval(called.args[0]) == "a.csv"
    same = {each.arg: ast.literal_eval(each.value) for each in called.keywords}
    assert ReadOptions.of(**same) == options  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"read_voltage": "x"}, "“Read voltage” takes a number"),
        ({"read_voltage": "0"}, "other than 0"),
        ({"skip": "1.5"}, "whole number"),
        ({"pulses": "60,a"}, "whole number"),
        ({"columns": "G"}, "value=G"),
        ({"columns": "value="}, "value=G"),
        ({"key": "wafer=w"}, "device and cycle"),
        ({"unit": "parsec"}, "not a unit"),
    ],
)
def test_an_invalid_field_is_refused(form: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_reading_form(form)


def test_a_comma_is_a_decimal_mark_too() -> None:
    assert parse_reading_form({"read_voltage": "0,1", "width": " 5e-5 "}) == ReadOptions(read_voltage=0.1, width=5e-5)


def test_a_column_name_may_contain_a_comma() -> None:
    assert parse_reading_form({"columns": "value=I, mean, cycle=Run"}).columns == {"value": "I, mean", "cycle": "Run"}


CURRENT = Choice.of("currents", quantity="current", read_voltage=Blank("V"))
TWO = Choice.of("columns", map={"voltage_v": Blank("COLUMN"), "value": Blank("COLUMN")}, pulses=(Blank("N"), 50))


def test_blanks_are_labelled_and_filled_in_order() -> None:
    assert list_blank_labels(CURRENT) == ["Read voltage [V]"]
    assert list_blank_labels(TWO)[-1] == "N"
    assert fill_blanks(CURRENT.options, ["0,1"]) == {"quantity": "current", "read_voltage": 0.1}
    assert fill_blanks(TWO.options, ["U", "G", "60"]) == {"map": {"voltage_v": "U", "value": "G"}, "pulses": (60, 50)}
    for words, says in ((["", ""], "Fill in"), ([], "Fill in"), (["ten"], "takes a number")):
        with pytest.raises(UsageError, match=says):
            fill_blanks(CURRENT.options, words)


def test_an_answer_is_added_to_the_reading_options(tmp_path: Path) -> None:
    upload = Upload("0", "a.csv", tmp_path, reading=ReadOptions(skip=2, columns={"cycle": "Run"}))
    assert upload.question is None
    question = Question("what?", ("quantity", "unit"), (CURRENT, TWO))
    upload.read_job = Job("reading", "read", {}, tmp_path, state="failed", error=QuestionError("a.csv", question))
    assert upload.question == question
    options = apply_answer(upload, 0, ["0.2"], ReadOptions(unit="uA"))
    assert options == ReadOptions(skip=2, columns={"cycle": "Run"}, quantity="current", read_voltage=0.2, unit="uA")
    options = apply_answer(upload, 1, ["U", "G", "60"], ReadOptions(columns={"value": "R"}))
    # fields beside the answer take precedence
    assert options.columns == {"cycle": "Run", "voltage_v": "U", "value": "R"}
    assert options.pulses == (60, 50)
    assert apply_answer(upload, None, [], ReadOptions(quantity="weight")).quantity == "weight"
    with pytest.raises(UsageError, match="conductance"):
        apply_answer(upload, 0, ["0.2"], ReadOptions(unit="uS"))
    trains = Choice.of("pulse trains", kind="pulse", quantity="conductance", unit="S")
    upload.read_job.error = QuestionError("a.csv", Question("what?", ("kind", "quantity"), (trains,)))
    assert apply_answer(upload, 0, [], ReadOptions(quantity="weight")).unit is None  # the unit was for conductances


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("pass unit=uS", "fill in “Unit” uS"),
        ("current (with read_voltage=)", "current (with “Read voltage”)"),
        ("quantity=current read_voltage=V: states", "“State quantity” current “Read voltage” V: states"),
        ("map={value: G, cycle: Run}", "“Columns” value=G, cycle=Run"),
        ("columns_are=devices or cycles", "“Columns of one quantity are” devices or cycles"),
        ("absolute=True takes", "“Use magnitudes of negative conductances” takes"),
        ("pulses=(60, 50) fits", "“Pulses per LTP, LTD train” 60, 50 fits"),
        ("key={device: dev(.)}", "“Device or cycle in names” device=dev(.)"),
        ("the file /tmp/unit=3/a.csv", "the file /tmp/unit=3/a.csv"),
        ("no option here", "no option here"),
    ],
)
def test_messages_use_the_labels_of_the_page(message: str, expected: str) -> None:
    assert use_field_labels(message) == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("which unit?", ("which unit?", "")),
        ("which unit? Add “Columns” too.", ("which unit?", "Add “Columns” too")),
        ("which unit? Fill in “Unit” A.", ("which unit?", "Fill in “Unit” A")),
        ("unit missing: fill in “Unit” A (or mA)", ("unit missing", "fill in “Unit” A (or mA)")),
    ],
)
def test_a_question_is_split_from_its_hint(text: str, parts: tuple[str, str]) -> None:
    assert split_question(text) == parts
