"""Forms of long runs: fields from declarations, and the arguments of a job from their entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicekit.app.run_forms import (
    RunForm,
    build_benchmark_form,
    build_simulation_form,
    build_training_form,
    parse_benchmark,
    parse_simulation,
    parse_training,
)
from devicekit.core.errors import UsageError
from devicekit.verbs.benchmark import BenchmarkRequest
from devicekit.verbs.simulate import IVRequest
from devicekit.verbs.train import TrainRequest
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
    assert parse_benchmark({"seeds": "3"}, CARD).seeds == 3
    with pytest.raises(UsageError, match="Pairs of seeds"):
        parse_benchmark({"seeds": "4"}, CARD)
    with pytest.raises(UsageError, match="stuck"):
        parse_benchmark({"stuck": "2"}, CARD)


def test_a_refused_form_keeps_its_entries() -> None:
    form = build_training_form("a").fill({"hidden": "x", "scheme": "hybrid", "margin": "1"})
    values = {each.name: each.value for each in (*form.fields, *(each for _, group in form.groups for each in group))}
    assert (values["hidden"], values["scheme"], values["margin"], values["beside"]) == ("x", "hybrid", "1", "")
