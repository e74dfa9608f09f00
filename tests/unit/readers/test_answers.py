"""Every answer that a question offers leads on: to a table, or to one more question, never to a refusal.

Awkward tables of all kinds, drawn by a seed; each choice of each question is taken, as a person would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from devicekit.core.errors import Blank, Choice, DevicekitError, QuestionError
from devicekit.readers import ReadOptions, read
from devicekit.system.answers import Answered
from devicekit.system.commands import non_default

ROUNDS = 6  # answers to one file at most, if each is given alone
QUICK, TABLES = 4, 150
BOTH = {"voltage_v": "V", "current_a": "I", "value": "G", "conductance_s": "G", "time_s": "t", "pulse_index": "n"}


@dataclass(frozen=True)
class Awkward:
    """One table: its columns by what they hold, the name of each in the file ("" for none), and its sheets."""

    kind: str
    columns: dict[str, np.ndarray]
    names: dict[str, str]
    sheets: tuple[str, ...] = ()
    blocks: int = 1

    def write(self, folder: Path) -> Path:
        named = any(self.names.values())
        columns = [self.columns[key] for key in self.columns]
        rows: list[list[Any]] = [[self.names[key] for key in self.columns]] if named else []
        rows += [
            [each.item() if hasattr(each, "item") else each for each in row] for row in zip(*columns, strict=False)
        ]
        rows = [row * self.blocks for row in rows]
        if not self.sheets:
            path = folder / "t.csv"
            path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
            return path
        book = openpyxl.Workbook()
        book.remove(book.active)
        for number, title in enumerate(self.sheets):
            sheet = book.create_sheet(title)
            for at, row in enumerate(rows):
                shift = 1 + 0.03 * number
                sheet.append(
                    [cell * shift if isinstance(cell, float) and not (named and at == 0) else cell for cell in row]
                )
        book.save(folder / "t.xlsx")
        return folder / "t.xlsx"

    def column(self, role: str) -> str | None:
        """Return the name by which a person would map a column; None if the table has none of the role."""
        key = next((each for each in self.columns if each.startswith(BOTH.get(role, role))), None)
        if key is None:
            return None
        return self.names[key] or f"column {list(self.columns).index(key) + 1}"


def _states(random: np.random.Generator, n: int) -> np.ndarray:
    x = np.linspace(0, 1, n) ** random.uniform(0.4, 1.6)
    return np.round((1 + 9 * x) * random.uniform(0.5, 2) + random.normal(0, 0.02, n), 6)


def _loop(random: np.random.Generator, loops: int) -> tuple[np.ndarray, np.ndarray]:
    top = random.choice([0.8, 1.5, 3.0])
    once = np.concatenate([np.linspace(0, top, 15), np.linspace(top, -top, 29)[1:], np.linspace(-top, 0, 15)[1:]])
    v = np.round(np.tile(once, loops), 6)
    on = np.tile(np.arange(once.size) % 57 > 11, loops)
    return v, np.round(v * np.where(on, 1.0, 0.1) * (1 + random.normal(0, 0.01, v.size)), 9)


def _choose(random: np.random.Generator, *words: str) -> str:
    return str(random.choice(words))


def draw(seed: int) -> Awkward:
    """Return the awkward table of a seed."""
    random = np.random.default_rng(seed)
    kind = _choose(random, "train", "wide", "loop", "loops", "endurance", "retention", "levels", "transient")
    unit = _choose(random, "", "", " (uS)", "/uS", " [S]", " (ms)", " (a.u.)", " (mS?)")
    amps = _choose(random, "", "", " (uA)", "(A)", " (m)", " [nA]")
    sec = _choose(random, "", " (s)", " (m)", "/ms", "")
    n = int(random.integers(9, 40))
    columns: dict[str, np.ndarray] = {}
    names: dict[str, str] = {}

    def add(key: str, values: Any, name: str) -> None:
        columns[key], names[key] = np.asarray(values), name

    if kind == "train":
        if random.random() < 0.7:
            add("n", np.arange(n), _choose(random, "pulse", "#", "No.", "x", "Number"))
        add("G", _states(random, n), _choose(random, "G", "conductance", "value", "state", "R", "I", "y") + unit)
        if random.random() < 0.4:
            add("k", np.resize([1, 2, 3], n), _choose(random, "run", "batch", "Sample", "z"))
    elif kind == "wide":
        if random.random() < 0.6:
            add("n", np.arange(n), _choose(random, "pulse", "x", ""))
        word = _choose(random, "dev", "cell ", "G", "a", "c", "Run", "T")
        for k in range(int(random.integers(2, 6))):
            states = _states(random, n)[:: -1 if random.random() < 0.3 else 1]
            add(f"G{k}", states, f"{word}{'abcdef'[k] if random.random() < 0.2 else k + 1}{unit}")
    elif kind in ("loop", "loops"):
        v, i = _loop(random, 1 if kind == "loop" else 3)
        if random.random() < 0.3:
            add("t", np.arange(v.size) * 0.1, "t" + sec)
        add("V", v, _choose(random, "V", "Voltage", "AV", "V1", "U", "bias", "x") + _choose(random, "", " (V)"))
        add("I", i, _choose(random, "I", "Current", "AI", "I1", "abs(I)", "y") + amps)
        more = random.random()
        if more < 0.25:
            add("I2", np.round(i * 0.7 + 0.003 * v**3, 9), _choose(random, "I2", "BI", "Is", "Ig") + amps)
        elif more < 0.45:
            add("V2", np.round(v * 0.9 + 0.01 * v**2, 6), _choose(random, "V2", "BV", "Vg"))
        elif more < 0.6:
            add("k", np.repeat([4, 7, 9], -(-v.size // 3))[: v.size], _choose(random, "batch", "set", "n", "label"))
        elif more < 0.7:
            add("c", np.full(v.size, 5), "T")
    elif kind == "endurance":
        add("c", np.logspace(0, 6, n).astype(int), _choose(random, "cycle", "cycles", "N", "count", "#"))
        add("G", _states(random, n) * 10, _choose(random, "LRS", "Ron", "on", "low", "G1") + unit)
        add("G2", _states(random, n)[::-1], _choose(random, "HRS", "Roff", "off", "high", "G2") + unit)
    elif kind == "retention":
        add("t", np.logspace(0, 4, n).round(2), _choose(random, "time", "t", "Time", "x") + sec)
        for k in range(int(random.integers(1, 4))):
            add(f"G{k}", _states(random, n)[::-1], _choose(random, "LRS", "level ", "state", "S") + str(k + 1) + unit)
        if random.random() < 0.3:
            add(
                "T",
                np.repeat([25, 85], -(-n // 2))[:n],
                _choose(random, "T", "temperature_k", "Temp (C)", "temperature"),
            )
    elif kind == "levels":
        add("k", np.repeat(np.arange(-(-n // 4)), 4)[:n], _choose(random, "level", "target", "bit", "L", "state"))
        add("G", _states(random, n), _choose(random, "G", "value", "I", "read") + unit)
        add("r", np.resize(np.arange(4), n), _choose(random, "repeat", "trial", "k", "cycle"))
    else:
        volts = np.where(np.arange(n) == 3, 2.0, 0.0)
        add("t", np.arange(n) * 0.01, _choose(random, "t", "time", "Time") + sec)
        add("V", volts, _choose(random, "V", "pulse_voltage_v", "Vpulse (V)"))
        add("G", _states(random, n)[::-1], _choose(random, "G", "I", "current", "response") + unit)
    if random.random() < 0.25:
        names = dict.fromkeys(names, "")
    sheets: tuple[str, ...] = ()
    if random.random() < 0.25:
        sheets = [("Sheet1", "Sheet2"), ("a", "b", "c"), ("dev1", "dev2"), ("LTP", "LTD"), ("Data",)][
            random.integers(5)
        ]
    blocks = 2 if not sheets and random.random() < 0.08 else 1
    return Awkward(kind, columns, names, sheets, blocks)


def fill(value: Any, table: Awkward, role: str = "") -> Any:
    """Return a value of a choice as a person would type it."""
    if isinstance(value, dict):
        filled = {name: fill(each, table, name) for name, each in value.items()}
        return filled if all(each is not None for each in filled.values()) else None
    if isinstance(value, Blank):
        return {"COLUMN": table.column(role), "V": 0.1}.get(value)
    return None if isinstance(value, tuple) and any(isinstance(each, Blank) for each in value) else value


def answers(table: Awkward, choices: tuple[Choice, ...]) -> Iterator[dict[str, Any]]:
    """Yield the options of each answer, its blanks filled in."""
    for choice in choices:
        unit = {"conductance": "uS", "current": "uA", "resistance": "kohm"}.get(choice.options.get("quantity", ""))
        given = {name: unit if value == "UNIT" else value for name, value in choice.options.items()}
        filled = {name: fill(value, table) for name, value in given.items()}
        if all(value is not None for value in filled.values()):
            yield filled


def follow(path: Path, table: Awkward, state: Answered, asked: tuple[str, ...]) -> list[str]:
    """Return what goes wrong on any way of answers from here, one line each."""
    try:
        read(path, state.options, accepted=state.accepted)
    except QuestionError as error:
        question = error.asked
        if len(asked) >= ROUNDS or question.text in asked:
            return [f"asks {len(asked) + 1} times {non_default(state.options)}: {question.text}"]
        if not question.choices:
            return [f"offers nothing after {non_default(state.options)}: {question.text}"]
        ways = [state.with_answer(question, answer) for answer in answers(table, question.choices)]
        if ways and len(question.each) > 1:  # the best answer to all that is asked at once
            for part in question.each[1:]:
                if best := next(answers(table, part.choices), None):
                    ways[0] = ways[0].with_answer(part, best)
        return [fault for way in ways for fault in follow(path, table, way, (*asked, question.text))]
    except DevicekitError as error:
        return [f"{type(error).__name__} after {non_default(state.options)}: {error}"] if asked else []
    return []


def _seeds() -> list[Any]:
    return [*range(QUICK), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, TABLES))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", _seeds())
def test_every_answer_leads_on(seed: int, tmp_path: Path) -> None:
    table = draw(seed)
    faults = follow(table.write(tmp_path), table, Answered(ReadOptions()), ())
    assert not faults, "\n".join([f"{table.kind} {list(table.names.values())} {table.sheets}", *faults])
