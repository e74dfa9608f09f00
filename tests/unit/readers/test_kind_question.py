"""The question what kind of measurement a table is: its first answer is what the numbers speak for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import Blank, Choice, Question, QuestionError

RNG = np.random.default_rng(3)
VOLTS = np.tile(np.r_[np.linspace(0, 1, 11), np.linspace(0.9, -1, 20), np.linspace(-0.9, -0.1, 9)], 3)
AMPS = 20 * VOLTS**3 * RNG.uniform(0.9, 1.1, VOLTS.size)
UP_AND_DOWN = np.r_[np.linspace(1, 8, 15), np.linspace(7.5, 1, 14)]
TIMES = 7.3 * np.arange(40) ** 1.5
NOISE = RNG.normal(0, 0.2, 60)
AXIS = np.linspace(546, 530, 60)
TABLES: dict[str, tuple[list[Any], list[str] | None, dict[str, Any]]] = {
    "voltage and current": (
        [VOLTS, AMPS],
        None,
        {"kind": "sweep", "map": {"voltage_v": "column 1", "current_a": "column 2"}, "unit": "uA"},
    ),
    "time, voltage, current and resistance": (
        [3.7e9 + 0.01 * np.arange(VOLTS.size), 20 * VOLTS, 1e-8 * AMPS, 2e9 * VOLTS / (AMPS + 0.03)],
        None,
        {
            "kind": "sweep",
            "map": {"time_s": "column 1", "voltage_v": "column 2", "current_a": "column 3"},
            "unit": "A",
        },
    ),
    "a voltage of one sign": (
        [np.abs(VOLTS), np.abs(AMPS)],
        ["a", "b"],
        {"kind": "sweep", "map": {"voltage_v": "a", "current_a": "b"}, "unit": "uA"},
    ),
    "two trains": ([UP_AND_DOWN, 1.1 * UP_AND_DOWN], ["state a", "state b"], {"kind": "pulse"}),
    "current before voltage": (
        [1e-3 * AMPS, VOLTS],
        ["y", "x"],
        {"kind": "sweep", "map": {"voltage_v": "x", "current_a": "y"}, "unit": "mA"},
    ),
    "time and state": ([TIMES, 1e5 * RNG.uniform(1, 1.05, 40)], None, {"kind": "retention"}),
    "counter and train": ([1 + np.arange(29), UP_AND_DOWN], None, {"kind": "pulse", "quantity": "conductance"}),
    "counter and weights": (
        [1 + np.arange(29), UP_AND_DOWN / 9 - 0.5],
        ["no", "w8"],
        {"kind": "pulse", "quantity": "weight"},
    ),
    "counter and two levels": (
        [1 + np.arange(40), 1e4 * RNG.uniform(1, 1.2, 40), 3e5 * RNG.uniform(1, 1.2, 40)],
        ["no", "a", "b"],
        {"kind": "endurance"},
    ),
    "numbers of both signs": ([40 * NOISE, 90 * RNG.normal(0, 1, 60)], ["a", "b"], {"kind": "record"}),
    "noise": ([NOISE], None, {"kind": "record"}),
    "charges": ([10.0 ** np.arange(6), 1e-10 * (np.arange(6) - 1)], ["n", "Psw"], {"kind": "record"}),
    "an axis of another quantity": ([AXIS, 7 + np.sin(AXIS)], ["BE/eV", "counts per s"], {"kind": "record"}),
    "six decades": ([np.geomspace(10, 1e7, 35)], ["f"], {"kind": "record"}),
    "parts": (
        [["R1", "R2", "C1", "C2"], ["1k", "30k", "2.2nF", "10nF"], ["small", "large", "large", "small"], [4, 2, 9, 16]],
        ["Reference", "Value", "Description", "Qty"],
        {"kind": "record"},
    ),
}


def asked(path: Path, **options: Any) -> Question:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return caught.value.asked


@pytest.mark.parametrize("name", TABLES)
def test_the_first_answer_is_what_the_numbers_speak_for(name: str, tmp_path: Path) -> None:
    columns, names, expected = TABLES[name]
    path = tmp_path / "t.csv"
    pd.DataFrame(dict(enumerate(columns))).to_csv(path, index=False, header=names or False)
    kind = asked(path).each[0]
    first = kind.choices[0].options
    assert {key: first[key] for key in expected} == expected
    assert {"kind": "record"} in [each.options for each in kind.choices]
    if expected["kind"] in ("sweep", "record"):
        table = devicekit.read(path, **first)
        assert (table.kind, len(table.frame)) == (expected["kind"], len(columns[0]))


def test_an_example_of_answers_has_no_blank_first() -> None:
    filled = Question("a?", ("unit",), (Choice.of("one", unit="A"),))
    blank = Question("b?", ("columns",), (Choice.of("one", map={"value": Blank("COLUMN")}),))
    assert Question("", (), parts=(filled, blank)).first_answers == "unit=A map={value: COLUMN}"
    both = Question("", (), parts=(blank, filled))
    assert both.first_answers == ""
    assert len(str(both).splitlines()) == 6  # the last: as plain records
