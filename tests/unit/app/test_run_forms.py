"""Forms of long runs: fields from declarations, and the arguments of a job from their entries."""

from __future__ import annotations

from pathlib import Path

import pytest

import physics
from devicekit.app.choices import choice_text
from devicekit.app.run_forms import (
    STACK,
    RunForm,
    build_benchmark_form,
    build_simulation_form,
    build_training_form,
    parse_benchmark,
    parse_simulation,
    parse_training,
    write_stack,
)
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.verbs.benchmark import BenchmarkRequest
from devicekit.verbs.simulate import IVRequest
from devicekit.verbs.train import TrainRequest
from physics.stack import load_material, load_stack
from snn.config import TrainingConfig


def entries_of(form: RunForm) -> dict[str, str]:
    """Return what a browser sends if nothing is changed."""
    fields = [*form.fields, *(each for _, fields in form.groups for each in fields)]
    return {each.name: each.value for each in fields if each.mode != "check" or each.value}


def test_every_setting_of_a_training_has_one_field() -> None:
    form = build_training_form("card.json")
    names = [each.name for each in (*form.fields, *(field for _, fields in form.groups for field in fields))]
    assert sorted(names) == sorted([*TrainingConfig.declared(), "data", "beside"])
    assert all(title and fields for title, fields in form.groups)


def test_documentation_has_the_words_of_the_field_that_it_names() -> None:
    fields = {each.name: each.doc for _, fields in build_training_form("a").groups for each in fields}
    assert choice_text("programming", "verify") in fields["tolerance"]
    assert choice_text("policy", "leaky") in fields["alpha"]
    assert all('"' not in doc for doc in fields.values())


def test_every_property_that_a_card_may_lack_has_a_field_of_a_benchmark() -> None:
    ((_, fields),) = build_benchmark_form("card.json").groups
    assert [each.name for each in fields] == list(TrainingConfig.names("benchmark"))


CARD = Path("card.json")


def test_a_form_that_is_not_changed_means_the_defaults() -> None:
    assert parse_training(entries_of(build_training_form("a")), CARD) == TrainRequest(card=CARD)
    assert parse_benchmark(entries_of(build_benchmark_form("a")), CARD) == BenchmarkRequest(cards=(CARD,))
    found = parse_simulation(entries_of(build_simulation_form()))
    assert found == IVRequest(material=found.material, solver="banded")


def test_entries_take_the_type_of_their_setting() -> None:
    entries = {"epochs": "3", "seed": "7", "stuck": "0.2", "read_noise": "yes", "tile": "64x64", "scheme": "hybrid"}
    found = parse_training({**entries, "beside": ""}, CARD)
    assert found.config() == TrainingConfig(
        epochs=3, seed=7, stuck=0.2, read_noise=True, tile=(64, 64), scheme="hybrid"
    )
    assert not found.beside


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"hidden": "x"}, "hidden must be a whole number"),
        ({"epochs": "2.5"}, "epochs must be a whole number"),
        ({"scheme": "none"}, "scheme must be"),
        ({"read_noise": "perhaps"}, "read_noise must be true or false"),
        ({"seed": "-1"}, "seed must be a whole number"),
        ({"data": "/etc/passwd"}, "from the list"),
    ],
)
def test_wrong_entries_are_refused_before_the_job(entries: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_training(entries, CARD)


def test_a_benchmark_refuses_what_its_task_fixes() -> None:
    assert parse_benchmark({"hidden": "10", "stuck": "0.1"}, CARD).settings == {"stuck": 0.1}
    assert [parse_benchmark(each, CARD).seeds for each in ({}, {"seeds": "8"})] == [30, 8]
    with pytest.raises(UsageError, match="Trainings of"):
        parse_benchmark({"seeds": "4"}, CARD)
    with pytest.raises(UsageError, match="stuck"):
        parse_benchmark({"stuck": "2"}, CARD)


def test_a_refused_form_keeps_its_entries() -> None:
    form = build_training_form("a").fill({"hidden": "x", "scheme": "hybrid", "margin": "1"})
    values = {each.name: each.value for each in (*form.fields, *(each for _, group in form.groups for each in group))}
    assert (values["hidden"], values["scheme"], values["margin"], values["beside"]) == ("x", "hybrid", "1", "")


@pytest.mark.parametrize("name", physics.material_files())
def test_the_text_of_a_stack_is_the_stack(name: str, tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(write_stack(name), "utf-8")
    known, again = load_material(name).model_dump(), load_stack(tmp_path / "stack.toml").model_dump()
    assert again.pop("title") == "My stack"
    assert again == {key: value for key, value in known.items() if key != "title"}


def test_a_pristine_film_is_formed_where_the_stack_can() -> None:
    (start,) = (each for each in build_simulation_form().fields if each.name == "start")
    assert list(start.choices) == list(physics.STARTS)
    found = parse_simulation({"material": "hfo2", "start": "pristine", "cycles": "3"})
    assert found == IVRequest(stack=Path("hfo2"), solver="banded", start="pristine", cycles=3)
    assert found.reproduction().command.endswith(
        "--stack hfo2 --solver banded --cycles 3 --out simulated --from pristine"
    )
    text = write_stack("hfo2")
    assert parse_simulation({"stack": text, "start": "pristine"}) == IVRequest(
        stack=STACK, solver="banded", start="pristine"
    )
    for entries in ({}, {"material": "electrothermal"}, {"stack": write_stack("gated")}):
        with pytest.raises(DevicekitError, match="cannot form"):
            parse_simulation({**entries, "start": "pristine"})


@pytest.mark.parametrize("name", physics.starter_files())
def test_the_text_of_a_starter_is_the_starter(name: str, tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(write_stack(name), "utf-8")
    known, again = load_stack(name).model_dump(), load_stack(tmp_path / "stack.toml").model_dump()
    words = {"title", "summary"}
    assert {k: v for k, v in again.items() if k not in words} == {k: v for k, v in known.items() if k not in words}


def test_a_stack_is_simulated_with_the_changes_beside_it() -> None:
    found = parse_simulation({"stack": write_stack("gated"), "material": "drift", "stop": "800 mV", "cycles": "2"})
    assert found == IVRequest(stack=STACK, solver="banded", stop=0.8, cycles=2)
    assert "--stack stack.toml" in found.reproduction().command


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "thickness = { value = 7.0",
            "thickness = { value = -7.0",
            r"HfO2\.thickness: found -7.0 nm, expected greater",
        ),
        ('value = 7.0, unit = "nm"', 'value = 7e-9, unit = "m"', r"HfO2\.thickness: found unit 'm', expected 'nm'"),
        ("series_resistance", "series_resistor", r"'circuit\.series_resistor'; known: .*circuit\.series_resistance"),
        ("[[layer]]", "[[layer]", "^“Stack” is not valid TOML: .*line 4"),
        ('law = "', 'law = "mine.py" # "', "laws in Python files run on the command line only"),
    ],
)
def test_a_wrong_stack_is_one_error_that_names_key_unit_and_range(old: str, new: str, words: str) -> None:
    text = write_stack("reversible")
    assert old in text
    with pytest.raises(DevicekitError, match=words):
        parse_simulation({"stack": text.replace(old, new, 1)})


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"cycles": "1001"}, "“Loops” takes 0"),
        ({"cycles": "-1"}, "whole number of 0 or more"),
        ({"compliance": "1 V"}, "“Compliance” is in A, not in V"),
        ({"stop": "0"}, r"drive\.set_stop: found 0.0 V, expected greater than 0 V"),
        ({"seed": "1"}, "“Noise of single vacancies”"),
        ({"material": "../../x"}, "from the list"),
    ],
)
def test_a_wrong_simulation_is_refused_before_the_job(entries: dict[str, str], words: str) -> None:
    with pytest.raises(DevicekitError, match=words):
        parse_simulation(entries)
