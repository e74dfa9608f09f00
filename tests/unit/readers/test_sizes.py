"""Units that make numbers improbable: each is shown with what it makes of the numbers, the probable first."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import Choice, Question, QuestionError, TraceError, UsageError
from devicekit.system.answers import Answered
from devicekit.system.options import ReadOptions

from .small_files import Write, codes  # type: ignore[import-not-found]


def _choices(path: object, **options: object) -> list[Choice]:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)  # type: ignore[arg-type]
    return [choice for each in caught.value.asked.each if each.subject != "kind" for choice in each.choices]


def test_units_are_offered_by_what_they_make_of_the_numbers(lines: Write) -> None:
    rows = [f"{n} {4 + n / 10:g}" for n in range(30)]
    offered = _choices(lines("n R", *rows))
    assert [each.options["unit"] for each in offered if "unit" in each.options] == ["kohm", "Mohm", "ohm"]
    assert "median 5.45 kΩ" in offered[0].means
    assert "improbable" in next(each.means for each in offered if each.options.get("unit") == "ohm")


def test_columns_without_names_are_offered_in_a_probable_unit(lines: Write) -> None:
    loop = np.concatenate([np.linspace(0, 0.4, 20), np.linspace(0.4, -0.8, 60), np.linspace(-0.8, 0, 40)])
    sweep = lines(*(f"{v:.4f} {150 * v:.4f}" for v in loop), name="m.dat")
    assert [each.options["unit"] for each in _choices(sweep) if each.options.get("kind") == "sweep"] == ["uA"]
    states = lines(*(f"{n} {0.0015 + 0.0025 * n:.4f}" for n in range(1, 32)), name="g.dat")
    pulse = next(each for each in _choices(states) if each.options["kind"] == "pulse")
    assert pulse.options["unit"] == "mS"
    assert "S: median 41.5 mS" in pulse.means


@pytest.mark.parametrize(("unit", "reported"), [("S", True), ("mS", False), ("uS", False)])
def test_an_improbable_unit_that_is_given_is_reported(unit: str, reported: bool, lines: Write) -> None:
    path = lines(*(f"{n} {0.0015 + 0.0025 * n:.4f}" for n in range(1, 32)), name="g.dat")
    table = devicekit.read(path, kind="pulse", quantity="conductance", unit=unit, accept=True)
    assert ("suspect_unit" in codes(table)) == reported


def test_a_unit_as_an_answer_is_refused_where_the_option_is() -> None:
    given = ReadOptions(quantity="resistance")
    with pytest.raises(UsageError, match="unit of conductance"):
        ReadOptions(quantity="resistance", unit="uS")
    with pytest.raises(UsageError, match="unit of conductance"):
        Answered(given).with_answer(Question("in which unit?", ("unit",)), {"unit": "uS"})
    answer = {"quantity": "conductance", "unit": "uS"}
    assert Answered(given).with_answer(Question("", ()), answer).options.quantity == "conductance"


def test_widths_of_ltp_and_ltd_that_differ_stand_on_the_card(
    lines: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"{cycle},{way},{n},{width},{1 + 4 * (1 - np.exp(-(n if way == 'ltp' else 20 - n) / 8)) + 0.01 * cycle:.5f}"
        for cycle in (1, 2, 3)
        for way, width in (("ltp", 1e-5), ("ltd", 3e-5))
        for n in range(21)
    ]
    file = lines("cycle,direction,pulse_index,pulse_width_s,G (uS)", *rows)
    card = tmp_path / "card.json"
    assert run_app(build_app(), ["fit", str(file), "--out", str(card), "--accept"]) == 0
    conditions = json.loads(card.read_text())["conditions"]
    assert (conditions["pulse_width_s"], conditions["ltp_width_s"], conditions["ltd_width_s"]) == (None, 1e-5, 3e-5)
    capsys.readouterr()
    assert run_app(build_app(), ["card", "show", str(card)]) == 0
    assert "LTP 10 µs, LTD 30 µs" in capsys.readouterr().out


def test_one_width_stands_on_the_card_alone(lines: Write, tmp_path: Path) -> None:
    rows = [f"{way},{n},1e-5,{n if way == 'ltp' else 20 - n}" for way in ("ltp", "ltd") for n in range(21)]
    card = tmp_path / "card.json"
    file = lines("direction,pulse_index,pulse_width_s,G (uS)", *rows)
    assert run_app(build_app(), ["fit", str(file), "--out", str(card), "--accept"]) == 0
    conditions = json.loads(card.read_text())["conditions"]
    assert conditions["pulse_width_s"] == 1e-5
    assert "ltp_width_s" not in conditions


def test_states_without_a_unit_over_time_are_retention(lines: Write) -> None:
    path = lines("time (s),state", *(f"{10**k},{1 - 0.04 * k:g}" for k in range(6)))
    table = devicekit.read(path, kind="retention", quantity="weight")
    assert table.frame["weight"].tolist() == pytest.approx([1, 0.96, 0.92, 0.88, 0.84, 0.8])
    assert "conductance_s" not in table.frame
    with pytest.raises(TraceError, match="conductances"):
        devicekit.characterize(table)
