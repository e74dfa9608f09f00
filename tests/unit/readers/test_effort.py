"""What is asked at once depends on the file alone, never on how fast a machine is."""

import time
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import Question, QuestionError
from devicekit.readers import effort
from devicekit.system.answers import Answered, answering


def _ask(path: Path) -> list[str]:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path)
    return [each.text for each in caught.value.asked.each]


def test_questions_do_not_depend_on_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{k / 7:.5f},{(k % 9 + 1) / 3:.5f}\n" for k in range(40)))
    first = _ask(path)
    now = time.process_time
    monkeypatch.setattr(time, "process_time", lambda: 1000 * now())
    monkeypatch.setattr(time, "monotonic", lambda: 1000 * now())
    assert _ask(path) == first


def test_estimate_counts_bytes_columns_and_packing(tmp_path: Path) -> None:
    narrow, wide, packed = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.xlsx"
    narrow.write_bytes(b"1,2\n" * 1000)
    wide.write_bytes(b"1," * 1999 + b"2\n")
    packed.write_bytes(bytes(4000))
    assert effort.estimate(narrow) == effort.PER_FILE + 2 * effort.PER_COLUMN + 4000
    assert effort.estimate(wide) == effort.PER_FILE + 2000 * effort.PER_COLUMN + 4000
    assert effort.estimate(packed) == effort.PER_FILE + 6 * 4000
    assert effort.estimate([narrow, wide]) == effort.estimate(narrow) + effort.estimate(wide)
    assert effort.estimate(tmp_path / "missing.csv") == effort.PER_FILE


def test_a_person_is_asked_again_where_an_answer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{k / 7:.5f},{(k % 9 + 1) / 3:.5f}\n" for k in range(40)))
    seen: list[tuple[str, ...]] = []

    def answer(question: Question, state: Answered, trial: object) -> Answered:
        seen.append(question.each[0].evidence)
        given = {"kind": "record"} if len(seen) > 1 else {"map": {"value": "missing"}}
        return state.with_answer(question, given)

    with answering(answer):
        table = devicekit.read(path)
    assert table.kind == "record"
    assert len(seen) == 2
    assert "missing" in seen[1][0]
