"""Exports with names and no rows, aborted sweeps, segments under names of their own, and copies of a record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import FileError, Question, QuestionError, TableError, UsageError
from devicekit.tables import SweepTable

V = np.r_[np.linspace(0, 1, 11), np.linspace(0.9, -1, 20), np.linspace(-0.9, 0, 10)].round(6)
AMPS = 1e-5 * V**3 + 1e-7 * V
TIME = 0.1 * np.arange(V.size).round(6)

Form = Callable[[list[str]], str]  # rows `time, voltage, current` -> file
FORMS: dict[str, Form] = {
    "easyexpert": lambda rows: "\n".join(
        ["SetupTitle, x", "DataName, Time, V1, I1", *(f"DataValue, {r}" for r in rows)]
    ),
    "single file": lambda rows: "\n".join(
        ["Setup title,x", "Test date,2025/03/03", "AutoAnalysis.A,1", "Time,V1,I1", *rows]
    ),
    "wgfmu": lambda rows: "\n".join(["Time,MeasResult1_value,MeasResult2_value", *rows]),
    "acs": lambda rows: "\n".join(["Smu1.Time[1][1],Smu1.V[1][1],Smu1.I[1][1]", *rows]),
    "tsp": lambda rows: "\n".join(["Time,Voltage,Current,Status", *(f"{r},0" for r in rows)]),
    "kickstart": lambda rows: "\n".join(
        [".Channel,SMU-1", ".Limit,0.1", "Index,SMU-1 Time (s),SMU-1 Voltage (V),SMU-1 Current (A)"]
        + [f"{k},{r}" for k, r in enumerate(rows, 1)]
    ),
}
SEGMENTS = {"easyexpert", "single file", "wgfmu", "tsp"}


def rows(factor: float = 1.0) -> list[str]:
    return [f"{t:g},{v:g},{factor * i:.8g}" for t, v, i in zip(TIME, V, AMPS, strict=True)]


def write(path: Path, text: str) -> Path:
    path.write_text(text + "\n", encoding="utf-8")
    return path


def check(table: object, *factors: float) -> None:
    assert isinstance(table, SweepTable)
    assert table.frame["cycle"].nunique() == len(factors)
    for cycle, factor in enumerate(factors, 1):
        part = table.frame[table.frame["cycle"] == cycle]
        np.testing.assert_allclose(part["voltage_v"], V)
        np.testing.assert_allclose(part["current_a"], factor * AMPS, rtol=1e-6)
        np.testing.assert_allclose(part["time_s"], TIME, atol=1e-9)


def dropped(table: object) -> str:
    return "; ".join(each.message for each in table.warnings if each.code == "dropped")  # type: ignore[attr-defined]


@pytest.mark.parametrize("form", FORMS)
def test_names_without_rows_are_one_clear_error(form: str, tmp_path: Path) -> None:
    with pytest.raises((FileError, TableError), match=r"a\.csv.*(?:no|without|rows|readings)") as caught:
        read(write(tmp_path / "a.csv", FORMS[form]([])))
    assert caught.value.question is None


@pytest.mark.parametrize("form", FORMS)
def test_a_sweep_that_was_aborted_within_a_row_ends_before_it(form: str, tmp_path: Path) -> None:
    """Without its current the row would be the first of a new sweep."""
    table = read(write(tmp_path / "a.csv", FORMS[form]([*rows(), "4.2,0.5,"])))
    check(table, 1.0)
    assert "1 row" in dropped(table)


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_cut_in_half_is_named(form: str, tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        read(write(tmp_path / "a.csv", FORMS[form]([*rows(), "4.2,0.5,1e"])))
    assert [bad.found for bad in caught.value.rows] == ["'1e'"]


@pytest.mark.parametrize("form", sorted(SEGMENTS))
def test_a_record_of_one_row_among_sweeps_is_an_aborted_one(form: str, tmp_path: Path) -> None:
    text = FORMS[form](rows()[:1]) + "\n" + FORMS[form](rows())
    table = read(write(tmp_path / "a.csv", text))
    check(table, 1.0)
    assert "record 1" in dropped(table)


@pytest.mark.parametrize("form", sorted(SEGMENTS))
def test_segments_under_the_same_names_are_records(form: str, tmp_path: Path) -> None:
    text = FORMS[form](rows()) + "\n" + FORMS[form](rows(2.0))
    check(read(write(tmp_path / "a.csv", text)), 1.0, 2.0)


def test_segments_of_other_columns_keep_their_roles(tmp_path: Path) -> None:
    other = [f"{i:.8g},{v:g},{t:g}" for t, v, i in zip(TIME, V, 3 * AMPS, strict=True)]
    text = FORMS["single file"](rows()) + "\nItop,Vtop,time\n" + "\n".join(other)
    check(read(write(tmp_path / "a.csv", text)), 1.0, 3.0)


@pytest.mark.parametrize("form", sorted(SEGMENTS))
def test_a_copy_of_a_record_counts_once(form: str, tmp_path: Path) -> None:
    table = read(write(tmp_path / "a.csv", FORMS[form](rows()) + "\n" + FORMS[form](rows())))
    check(table, 1.0)
    assert "1 record" in dropped(table)


QUESTIONS: dict[str, str] = {
    "names of the user": "DataName, X, Y, Z\n" + "".join(f"DataValue, {row}\n" for row in rows()),
    "many names": "DataName, A, B, C, D\n" + "".join(f"DataValue, {row},{k * k}\n" for k, row in enumerate(rows())),
    "two voltages": "DataName, Time, VD, VG, ID\n"
    + "".join(f"DataValue, {k}, {k % 5 / 4:g}, {k // 5}, {k % 5 * (k // 5 + 1)}e-7\n" for k in range(15)),
    "two currents": "DataName, VCE, IB, IC\n"
    + "".join(f"DataValue, {v:g}, {(-1) ** k * 1e-6:g}, {v * v:g}e-4\n" for k, v in enumerate(V)),
    "no current": "Time,MeasResult1_value,Value2\n" + "\n".join(rows()),
    "swept pulses": "Setup title\tx\nMeasurement Data\nindex, pulse amplitude (V), R_low (ohm), R_high (ohm)\n"
    + "".join(f"{k}, {0.5 + 0.1 * k:g}, {9000 - 300 * k}, {1e6 - 1e4 * k:g}\n" for k in range(1, 13)),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_no_answer_that_an_instrument_reader_offers_is_refused(case: str, tmp_path: Path) -> None:
    """Each answer, and each answer to a question that follows it, leads to a table."""
    path = write(tmp_path / "a.csv", QUESTIONS[case])
    waiting: list[dict[str, Any]] = [{}]
    tables = 0
    while waiting:
        given = waiting.pop()
        question = ask(path, given)
        if question is None:
            tables += 1
            continue
        assert question.choices
        assert len(given) < 4
        for choice in question.choices:
            columns = {**given.get("map", {}), **choice.options.get("map", {})}
            waiting.append({**given, **choice.options, **({"map": columns} if columns else {})})
    assert tables > 1


def ask(path: Path, options: dict[str, Any]) -> Question | None:
    """Return the question that a file raises; any error but a question fails the test."""
    try:
        read(path, **options)
    except QuestionError as error:
        return error.question
    return None


NAMES = {
    "easyexpert": ("V1", "I1"),
    "single file": ("V1", "I1"),
    "wgfmu": ("MeasResult1_value", "MeasResult2_value"),
    "tsp": ("Voltage", "Current"),
    "acs": ("Smu1.V[1][1]", "Smu1.I[1][1]"),
    "kickstart": ("SMU-1 Voltage (V)", "SMU-1 Current (A)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_columns_of_the_user_beat_those_of_the_format(form: str, tmp_path: Path) -> None:
    """Voltage and current change places, unless the file states the unit of each."""
    path = write(tmp_path / "a.csv", FORMS[form](rows()))
    v, i = NAMES[form]
    check(read(path, map={"voltage_v": v, "current_a": i}), 1.0)
    if form in ("acs", "kickstart"):
        with pytest.raises(UsageError, match="unit of current"):
            read(path, map={"current_a": v})
        return
    table = read(path, map={"voltage_v": i, "current_a": v}, accept=True)
    np.testing.assert_allclose(table.frame["current_a"], V)
    np.testing.assert_allclose(table.frame["voltage_v"], AMPS, rtol=1e-6)
