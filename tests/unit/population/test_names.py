"""Names of files: what their parts are, by words, units, brackets and what the files hold."""

from __future__ import annotations

import itertools

import pytest

from devicekit.core.errors import UsageError
from devicekit.population.grammar import Sample, find_grammar
from devicekit.population.templates import Template, parse_date, read_keys

STEPS = ("form", "set", "reset", "read")


def names(pattern: str, **values: object) -> list[str]:
    """Return the names of all combinations of some values."""
    keys, lists = list(values), [list(each) for each in values.values()]  # type: ignore[call-overload]
    return [pattern.format(**dict(zip(keys, each, strict=True))) for each in itertools.product(*lists)]


def found(stems: list[str]) -> str:
    (template,) = find_grammar(stems).templates
    assert all(read_keys(stem, [template]) is not None for stem in stems)
    return template.text


def test_words_before_numbers_name_wafer_die_and_cell_and_a_number_after_the_step_counts() -> None:
    stems = names("W{w}_D{d:02d}_C{c}_{s}_{n:03d}", w=range(1, 3), d=range(1, 4), c=range(3), s=STEPS, n=range(2))
    assert found(stems) == "W{wafer}_D{die}_C{cell}_{step}_{run}"


def test_row_and_column_a_date_with_dashes_and_a_limit_with_its_unit() -> None:
    stems = names(
        "S1-R{r}C{c}-{s}-2024-03-{d:02d}-1415{m:02d}-{i}uA",
        r=range(2),
        c=range(2),
        s=STEPS,
        d=(1, 9),
        m=(0, 30),
        i=(50, 99),
    )
    assert found(stems) == "S1-R{row}C{column}-{step}-{date}-{compliance}"
    keys = read_keys(stems[0], find_grammar(stems).templates)
    assert keys is not None
    assert keys.order == ("20240301141500",)
    assert keys.numbers == pytest.approx({"compliance": 50e-6})


def test_numbers_in_brackets_are_a_place_and_numbers_behind_are_known_by_the_files() -> None:
    stems = names(
        "(w{w},{x},0,{r},{c})_22022{d}1333_{s}_{v}_{i}uA",
        w=(1, 2),
        x=(0, 3),
        r=(0, 1),
        c=(0, 1),
        d=(1, 2),
        s=STEPS,
        v=(-3, 5),
        i=(20, 50),
    )
    samples = {stem: Sample(0.0, float(stem.split("_")[3]), 1.0, 1e-5) for stem in stems}
    (template,) = find_grammar(stems, samples).templates
    assert template.text == "(w{wafer},{die},0,{row},{column})_{date}_{step}_{stop:V}_{compliance}"
    assert "stop" in find_grammar(stems, samples).seen[0]


def test_names_of_two_forms_share_their_fields() -> None:
    stems = names("W{w}_C{c}_{s}_{v}V_{i}uA", w=(1, 2), c=(1, 2, 3), s=("form", "set"), v=(3, 5), i=(20, 50))
    reads = names("W{w}_C{c}_read_{i}uA", w=(1, 2), c=(1, 2, 3), i=(20, 50))
    texts = [each.text for each in find_grammar([*stems, *reads]).templates]
    assert texts == ["W{wafer}_C{cell}_{step}_{stop}_{compliance}", "W{wafer}_C{cell}_{step}_{compliance}"]


def test_a_name_of_another_form_is_left_out() -> None:
    stems = names("W{w}_C{c}_{s}_{n}", w=(1, 2), c=range(9), s=STEPS, n=range(3))
    assert find_grammar([*stems, "notes of monday"]).left_out == ("notes of monday",)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("220317160422", "20220317160422"),
        ("2202211333", "20220221133300"),
        ("20240305", "20240305000000"),
        ("2024-03-05_141500", "20240305141500"),
        ("000123", ""),
        ("991399", ""),
    ],
)
def test_dates_are_those_of_a_calendar(text: str, date: str) -> None:
    assert parse_date(text) == date


def test_a_template_names_fields_gives_units_and_joins_what_stands_twice() -> None:
    keys = read_keys("lot_3_7-set12-0.5-25C", [Template("lot_{die}_{die}-{step}{run}-{rate:V/s}-{temperature}")])
    assert keys is not None
    assert (keys.die, keys.step, keys.order) == ("3,7", "set", ("0000000000012.000000",))
    assert keys.numbers == pytest.approx({"rate": 0.5, "temperature": 298.15})


@pytest.mark.parametrize("text", ["no fields", "{cell}_{compliance:V}", "{rate:parsec}"])
def test_a_template_without_fields_or_with_a_wrong_unit_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Template(text)


def test_a_plain_number_is_named_by_the_word_before_it() -> None:
    stems = names("W1_C{c}_{s}_dose{d}_rate{r}", c=range(3), s=STEPS, d=(1, 3), r=(0.5, 2))
    assert found(stems) == "W1_C{cell}_{step}_dose{dose}_rate{rate value}"  # a rate without its unit is no rate
    keys = read_keys(stems[0], find_grammar(stems).templates)
    assert keys is not None
    assert keys.numbers == {"dose": 1.0, "rate value": 0.5}


def test_a_plain_number_without_a_word_is_asked_about() -> None:
    grammar = find_grammar(names("W1_C{c}_{s}_{r}", c=range(3), s=STEPS, r=(0.5, 2)))
    assert grammar.templates[0].text == "W1_C{cell}_{step}_{number1}"
    assert len(grammar.seen) == 1
    assert not find_grammar(names("W1_C{c}_{s}_{r}V", c=range(3), s=STEPS, r=(0.5, 2))).seen
