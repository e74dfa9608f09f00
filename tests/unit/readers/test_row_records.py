"""Rows that are records: identifiers, then readings, as many as there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import QuestionError, TableError
from devicekit.tables import MultilevelTable

MAP = {"device_id": "column 1", "level": "column 2", "read_voltage_v": "column 3"}


def record(*lead: object, size: float, readings: int) -> str:
    return ",".join([*map(str, lead), *(f"{size * (1 + 0.001 * (k % 7)):.6g}" for k in range(readings))])


def test_ragged_records_of_thousands_of_readings(lines: Callable[..., Path]) -> None:
    rows = [(1, "HRS", 1e-7, 2000), (1, "LRS", 1e-5, 1900), (2, "HRS", 2e-7, 1500), (2, "LRS", 2e-5, 3)]
    file = lines(*[record(d, level, 0.1, size=size, readings=n) for d, level, size, n in rows])
    known = {"row_is": "record", "map": MAP, "quantity": "current", "accept": True}
    with pytest.raises(QuestionError) as asked:
        devicekit.read(file, **known)
    kinds = {str(each.options.get("kind")) for each in asked.value.question.choices}
    assert {"multilevel", "endurance"} <= kinds
    table = devicekit.read(file, kind="multilevel", **known)
    assert isinstance(table, MultilevelTable)
    sizes = table.frame.groupby(["device_id", "level"], sort=False).size()
    assert sizes.tolist() == [2000, 1900, 1500, 3]
    first = table.frame[(table.frame["device_id"] == "2") & (table.frame["level"] == "LRS")]
    assert first["conductance_s"].to_numpy() == pytest.approx([2e-4, 2.002e-4, 2.004e-4])
    assert first["repeat"].tolist() == [1, 2, 3]


def test_names_tell_where_the_readings_begin(lines: Callable[..., Path]) -> None:
    short = lines("device,level,V (V),I (A)", *[record(1, f"L{k}", 0.1, size=k * 1e-6, readings=9) for k in (1, 2, 3)])
    wide = lines(
        "device,level,V (V)," + ",".join(f"I{k} (A)" for k in range(1, 10)),
        *[record(1, f"L{k}", 0.1, size=k * 1e-6, readings=9) for k in (1, 2, 3)],
        name="wide.csv",
    )
    for file in (short, wide):
        table = devicekit.read(file, row_is="record", accept=True)
        assert table.kind == "multilevel"
        levels = table.frame.groupby("level")["conductance_s"].min()
        assert levels.to_numpy() == pytest.approx([1e-5, 2e-5, 3e-5])
        assert table.frame["read_voltage_v"].tolist() == [0.1] * 27


def test_where_the_readings_begin_is_asked_and_can_be_answered(lines: Callable[..., Path]) -> None:
    file = lines(record(7, 25, size=1e-6, readings=40), record(8, 25, size=2e-6, readings=30))
    known = {"row_is": "record", "quantity": "conductance", "columns_are": "levels"}
    with pytest.raises(QuestionError) as asked:
        devicekit.read(file, accept=True, **known)
    assert "first_reading" in asked.value.question.fields
    table = devicekit.read(file, accept=True, first_reading=3, **known)
    assert table.frame.groupby("level").size().tolist() == [40, 30]
    assert table.frame.groupby("level")["conductance_s"].min().tolist() == pytest.approx([1e-6, 2e-6])


def test_a_reading_that_is_no_number_is_named(lines: Callable[..., Path]) -> None:
    rows = ["device,level,I (A)", "1,a,1e-6,2e-6,x", "1,b,1e-6,2e-6"]
    with pytest.raises(TableError) as caught:
        devicekit.read(lines(*rows), row_is="record", read_voltage=0.1)
    (bad,) = caught.value.rows
    assert (bad.row, bad.column) == (2, "column 5")


def test_a_recipe_reads_records_again(lines: Callable[..., Path]) -> None:
    rows = [record(1, f"L{k}", 0.1, size=k * 1e-6, readings=9) for k in (1, 2, 3)]
    file = lines("device,level,V (V),I (A)", *rows)
    table = devicekit.read(file, row_is="record", accept=True)
    recipe = file.with_name("r.toml")
    table.layout.save(recipe)
    again = devicekit.read(file, recipe=recipe)
    assert again.frame.equals(table.frame)
