"""What one way alone says about a table is asked about, all at once, and accepted by a person or an option."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import Question, QuestionError
from devicekit.readers import read
from devicekit.system.answers import Answered, answering
from devicekit.system.options import ReadOptions

LOOP = np.concatenate([np.linspace(0, 1, 20), np.linspace(0.95, -1, 40), np.linspace(-0.95, 0, 20)])
TRAIN = np.concatenate([10 + np.arange(30.0), 40 - np.arange(1, 25.0)])


def _csv(path: Path, head: str, *columns: Any) -> Path:
    path.write_text(head + "\n" + "\n".join(",".join(f"{x:.6g}" for x in row) for row in zip(*columns, strict=True)))
    return path


def _asked(path: Path, **options: Any) -> Question:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return caught.value.asked


def test_names_and_numbers_that_agree_are_not_asked_about(tmp_path: Path) -> None:
    volts = np.tile(LOOP, 3)
    table = devicekit.read(_csv(tmp_path / "a.csv", "Voltage (V),Current (A)", volts, volts * 1e-6))
    origins = {each.subject: each.origin for each in table.meta["statements"]}
    assert origins == {"kind": "agreed", "borders": "agreed"}


def test_a_column_of_states_alone_is_asked_about(tmp_path: Path) -> None:
    file = _csv(tmp_path / "g.csv", "G (uS)", TRAIN)
    question = _asked(file)
    assert [each.subject for each in question.each] == ["kind", "borders"]
    table = devicekit.read(file, accept=True)
    (warning,) = [each for each in table.warnings if each.code == "accepted"]
    assert "23 to 31 rows" in warning.message
    assert [each.subject for each in _asked(file, kind="pulse").each] == ["borders"]
    assert devicekit.fit(file, accept=True).table.kind == "pulse"


def test_directions_that_contradict_the_trend_are_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    rows = [f"{k},ltp,{50 - k}" for k in range(20)] + [f"{k},ltd,{30 + k}" for k in range(20)]
    file.write_text("pulse,direction,G (uS)\n" + "\n".join(rows))
    assert "direction" in [each.subject for each in _asked(file).each]


def test_everything_that_is_open_is_one_question_and_no_answer_is_refused(tmp_path: Path) -> None:
    file = _csv(tmp_path / "two.csv", "state 1,state 2", TRAIN, TRAIN * 1.1)
    question = _asked(file)
    assert len(question.each) > 1
    whole = [each for each in question.each[0].choices if not each.has_blank]
    assert len(whole) > 1
    for choice in whole:
        options = Answered(ReadOptions()).with_answer(question.each[0], choice.options).options
        with contextlib.suppress(QuestionError):  # what else is open; any other error is a refusal
            read(file, options)


def test_names_and_states_that_lie_apart_agree_on_endurance(tmp_path: Path) -> None:
    cycles = np.arange(1.0, 11.0)
    good = _csv(tmp_path / "good.csv", "Cycle,HRS (kohm),LRS (kohm)", cycles, 100 + cycles, 5 + cycles / 10)
    (kind,) = [each for each in devicekit.read(good).meta["statements"] if each.subject == "kind"]
    assert kind.origin == "agreed"


def test_a_function_may_answer(tmp_path: Path) -> None:
    file = _csv(tmp_path / "g.csv", "G", TRAIN)
    seen: list[str] = []

    def answer(question: Question, state: Answered, trial: Any) -> Answered:
        assert trial.kind == "pulse"
        for part in question.each:
            seen.append(part.text)
            state = state.with_answer(part, part.choices[0].options)
        return state

    with answering(answer):
        table = read(file, quantity="conductance")
    assert table.kind == "pulse"
    assert any("unit" in text for text in seen)
    assert any(text.startswith("kind: ") for text in seen)


def test_the_question_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _csv(tmp_path / "g.csv", "G (uS)", TRAIN)
    assert run_app(build_app(), ["read", str(file), "--json"]) == 2
    question = json.loads(capsys.readouterr().out)["error"]["question"]
    assert [each["subject"] for each in question["parts"]] == ["kind", "borders"]
    assert question["parts"][0]["choices"][0]["say"] == "--accept"
    assert run_app(build_app(), ["read", str(file), "--accept", "--json"]) == 0
    assert "accepted" in capsys.readouterr().out


def test_trains_below_each_other_in_one_column_are_shown(tmp_path: Path) -> None:
    rows = [f"{k + 1},{9 - k}" for _ in range(3) for k in range(9)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["potentiation (uS),depression (uS)", *rows, ""]))
    with pytest.raises(QuestionError) as error:
        devicekit.read(path)
    borders = [each.text for each in error.value.asked.each if each.subject == "borders"]
    assert [re.findall(r"\d+", each) for each in borders] == [["2", "27"]]


@pytest.mark.parametrize(("names", "kind"), [("时间 (s),脉冲电压 (V)", "transient"), ("time (s),voltage (V)", "?")])
def test_a_voltage_that_changes_beside_states_is_a_pulse_or_asked_about(tmp_path: Path, names: str, kind: str) -> None:
    rows = [f"{k},{2 if k % 8 == 4 else 0},{1 + 0.1 * k}" for k in range(32)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join([f"{names},G (uS)", *rows, ""]), "utf-8")
    if kind == "?":
        with pytest.raises(QuestionError) as error:
            devicekit.read(path)
        assert error.value.asked.subject == "kind"
    else:
        assert devicekit.read(path).kind == kind
