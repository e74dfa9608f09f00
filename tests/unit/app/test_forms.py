"""Forms of the app: every reading option goes into a field and back, and into the command that a page shows."""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from devicekit.app.forms import (
    build_reading_fields,
    parse_reading_form,
    split_question,
)
from devicekit.app.labels import use_field_labels
from devicekit.app.questions import build_parts, combine, list_entries, parse_answers
from devicekit.core.errors import Blank, Choice, Question, UsageError
from devicekit.system import commands
from devicekit.system.answers import Answered, FormAnswers
from devicekit.system.blanks import fill_blanks, list_blank_labels
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
@settings(max_examples=60, deadline=None)
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
        ({"key": "wafer=w"}, "device, cycle"),
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


def test_the_parts_of_a_form_become_answers_by_their_questions() -> None:
    accept = Choice(typed_options="accept=True", means="yes", options={"accept": True})
    first, second = Question("what?", ("quantity", "unit"), (CURRENT, TWO)), Question("right?", ("accept",), (accept,))
    whole = replace(first, parts=(first, second))
    shown = build_parts(whole.each, {})
    assert [each.chosen for each in shown] == ["0", "0"]  # the first that can be given as it stands, else the first
    kept = Choice.of("kept as they are", kind="record")
    chosen = build_parts([replace(first, choices=(TWO, kept)), replace(first, choices=(kept, TWO))], {})
    assert [each.chosen for each in chosen] == ["0", "0"]  # what nobody asked for is no answer before others
    assert [each.name for each in shown[0].fields] == ["own-0-quantity", "own-0-unit"]
    assert shown[1].fields == []
    form = FormData([("choice-0", "1"), ("blank-0-1", "U"), ("blank-0-1", "G"), ("blank-0-1", "60"), ("choice-1", "0")])
    answers = parse_answers(whole.each, form)
    assert answers == {
        "what?": {"columns": {"voltage_v": "U", "value": "G"}, "pulses": (60, 50)},
        "right?": {"accept": True},
    }
    assert [each.chosen for each in build_parts(whole.each, list_entries(whole.each, form))] == ["1", "0"]
    form = FormData([("choice-0", "own"), ("own-0-quantity", "weight"), ("choice-1", "0")])
    assert parse_answers(whole.each, form)["what?"] == {"quantity": "weight"}
    with pytest.raises(UsageError, match="Choose"):
        parse_answers(whole.each, FormData([("choice-0", "own")]))
    known = ReadOptions(read_voltage=0.2, columns={"value": "G"})
    form = FormData([("choice-0", "0"), ("blank-0-0", " ")])
    assert parse_answers([first], form, known) == {"what?": {"quantity": "current"}}
    form = FormData([("choice-0", "1"), ("blank-0-1", "U"), ("blank-0-1", ""), ("blank-0-1", "60")])
    assert parse_answers([first], form, known) == {"what?": {"columns": {"voltage_v": "U"}, "pulses": (60, 50)}}
    assert len(build_parts([first], list_entries([first], form))[0].missing) == 1
    turned = replace(second, parts=(second, first))
    form = FormData([("choice-0", "0"), ("choice-1", "0"), ("blank-1-0", " ")])
    assert parse_answers(turned.each, form) == {"right?": {"accept": True}}  # it may not be asked at all
    with pytest.raises(UsageError, match="Fill in"):
        parse_answers(whole.each, FormData([("choice-0", "0"), ("blank-0-0", " "), ("choice-1", "0")]))


def test_an_answer_names_the_columns_and_sheets_that_its_words_leave_out() -> None:
    pair = Choice.of("read these two only", map={"voltage_v": "V1", "current_a": "I, 2"})
    sheet = Choice.of("columns V1 and I, 27 rows", sheet="Figure 3c")
    named = Choice.of("V1 is the voltage", map={"voltage_v": "V1"}, unit="mA")
    (part,) = build_parts([Question("which?", ("columns", "sheet"), (pair, sheet, named, TWO))], {})
    assert [choice.means.partition(" (")[2] for choice, _ in part.choices] == [
        "“Columns” voltage_v=V1, current_a=I, 2)",
        "“Sheets” Figure 3c)",
        "",
        "",
    ]


def test_fields_beside_an_answer_take_precedence() -> None:
    both = combine({"map": {"voltage_v": "U", "value": "G"}}, {"columns": {"value": "R"}})
    assert both == {"columns": {"voltage_v": "U", "value": "R"}}
    assert combine({"quantity": "conductance", "unit": "S"}, {"quantity": "weight"}) == {"quantity": "weight"}
    assert combine({"accept": True}, {"kind": "endurance"}) == {"kind": "endurance"}


def test_answers_are_used_for_their_questions_alone() -> None:
    asked = Question("what?", ("unit",), (CURRENT,))
    form = FormAnswers({"what?": {"unit": "uA"}, "another?": {"skip": 2}})
    state = form.apply(asked, Answered(ReadOptions()))
    assert state is not None
    assert state.options == ReadOptions(unit="uA")
    assert form.apply(asked, state) is None  # once
    accepted = FormAnswers({"a": {"accept": True}, "b": {"kind": "sweep"}, "c": {"accept": True}})
    parts = tuple(Question(text, ("accept",)) for text in "abc")
    state = accepted.apply(replace(parts[0], parts=parts), Answered(ReadOptions()))
    assert state == Answered(ReadOptions(kind="sweep"), frozenset("a"))
    assert list(accepted.by_question) == ["c"]  # behind a change the file decides whether it is asked


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
        ("key={device: dev(.)}", "“Device, cycle or condition in names” device=dev(.)"),
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
