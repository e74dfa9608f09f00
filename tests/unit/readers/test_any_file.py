"""Files of any content: a valid table or a devicekit error, in limited time and memory, without a guessed unit."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicekit.core.errors import DevicekitError, UsageError
from devicekit.readers import read
from devicekit.system.plugins import READERS
from devicekit.tables import PulseTable, SweepTable

from .damage import survey  # type: ignore[import-not-found]

CELL = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=8),
    st.sampled_from(["", "1,5", "2e-6", "-", "LTP", "=1"]),
)


@st.composite
def generated(draw: st.DrawFn) -> bytes:
    """A table of arbitrary cells under a header of likely names."""
    names = st.sampled_from(
        [
            "V",
            "I",
            "V (V)",
            "I (uA)",
            "R (kohm)",
            "Time (s)",
            "cycle",
            "device_id",
            "level",
            "conductance_s",
            "pulse_index",
            "direction",
            "pulse_voltage_v",
            "HRS (ohm)",
            "LRS (ohm)",
            "x",
            "",
            "voltage_v",
            "current_a",
            "time_s",
            "weight",
        ]
    )
    width = draw(st.integers(1, 6))
    delimiter = draw(st.sampled_from([",", ";", "\t", " "]))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12))
    head = [draw(st.lists(names, min_size=width, max_size=width))] if draw(st.booleans()) else []
    text = draw(st.sampled_from(["\n", "\r\n"])).join(delimiter.join(row) for row in [*head, *rows])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])), errors="replace")


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from(READERS.builtin_names()),
        "quantity": st.sampled_from(["conductance", "current", "resistance", "weight"]),
        "read_voltage": st.sampled_from([0.1, -0.1]),
        "absolute": st.booleans(),
        "unit": st.sampled_from(["uS", "nA", "kohm", "A"]),
        "columns": st.sampled_from(
            [{"voltage_v": "V1"}, {"value": "column 1"}, {"device_id": "column 1", "value": "column 2"}]
        ),
    },
)


def _check(path: Path, data: bytes, options: dict[str, Any]) -> None:
    path.write_bytes(data)
    try:
        table = read(path, **options)
    except DevicekitError:
        pass
    else:
        assert len(table) > 0
        again = type(table)(table.frame, table.meta, table.warnings)  # it is valid
        assert len(again) == len(table)


def _run(path: Path, cases: int) -> None:
    @settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(data=st.one_of(generated(), st.binary(max_size=300)), options=OPTIONS)
    def any_file(data: bytes, options: dict[str, Any]) -> None:
        _check(path, data, options)

    any_file()


def test_any_file_gives_a_table_or_a_devicekit_error(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 15)


@pytest.mark.slow
def test_any_file_many(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 300)


@pytest.mark.heavy
def test_any_file_full(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 20_000)


@pytest.mark.parametrize(
    "count",
    [
        15,
        pytest.param(500, marks=pytest.mark.slow),
        pytest.param(100_000, marks=pytest.mark.heavy),
    ],
)
def test_damaged_files_give_a_table_or_a_devicekit_error_in_time(
    tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds, faults = survey(tmp_path / "x.dat", range(count))
    with capsys.disabled():
        print("", *(f"{number:7d} {kind}" for kind, number in sorted(kinds.items())), sep="\n")
    assert not faults, "\n".join(faults[:5])


def test_a_file_that_crashes_a_native_parser_ends_only_its_process(tmp_path: Path) -> None:
    """loadmat of scipy 1.17 ends the interpreter over this one."""
    kinds, faults = survey(tmp_path / "x.dat", [79788])
    assert not faults
    assert sum(kinds.values()) >= 1


@pytest.mark.parametrize("examples", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_no_unit_is_guessed(tmp_path: Path, examples: int) -> None:
    path = tmp_path / "x.csv"

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        numbers=st.lists(
            st.tuples(st.floats(1e-9, 1e3), st.floats(1e-9, 1e3), st.floats(1e-9, 1e3)), min_size=4, max_size=12
        ),
        names=st.sampled_from([None, ("V", "I", "x"), ("a", "b", "c"), ("Voltage", "Current", "n"), ("x", "R", "G")]),
    )
    def no_unit(numbers: list[Any], names: tuple[str, ...] | None) -> None:
        head = ",".join(names) + "\n" if names else ""
        path.write_text(head + "".join(",".join(map(repr, row)) + "\n" for row in numbers))
        with pytest.raises(UsageError):
            read(path)

    no_unit()


@pytest.mark.slow
def test_conventional_units_are_always_flagged(fixtures: Path) -> None:
    for path in sorted(fixtures.rglob("*")):
        if not path.is_file():
            continue
        try:
            table = read(path, accept=True)
        except DevicekitError:
            continue
        stated = {unit for record in table.meta.get("records", []) for unit in record["units"].values()}
        names = path.read_text(errors="ignore").lower().replace("\n", ",").split(",")
        named = any(name.endswith(("_s", "_v", "_a", "_ohm")) for name in names)
        flagged = any(warning.code == "assumed_unit" for warning in table.warnings)
        stated |= {column.unit for column in table.layout.columns if column.unit}
        assert not isinstance(table, SweepTable | PulseTable) or stated or named or flagged


@pytest.mark.slow
def test_memory_of_a_wide_spreadsheet(tmp_path: Path, memory_within: Any) -> None:
    """A workbook of 10,000 cells that repeat one text: 5 kB of memory for each cell at most."""
    path = tmp_path / "x.xlsx"
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("d")
    for k in range(500):
        sheet.append([k, *["same text"] * 20])
    book.save(path)
    assert zipfile.is_zipfile(path)
    with memory_within(50), pytest.raises(DevicekitError):
        read(path)
