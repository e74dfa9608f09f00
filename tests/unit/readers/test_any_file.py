"""Whatever the bytes: a valid table or one of our own errors, in bounded time and memory, no unit guessed."""

from __future__ import annotations

import functools
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devicekit.errors import DevicekitError, UsageError
from devicekit.plugins import READERS
from devicekit.readers import read
from devicekit.tables import PulseTable, SweepTable

from .conftest import DATA, xls_bytes  # type: ignore[import-not-found]

TOKENS = [
    b"DataName, V1, I1\n",
    b"DataValue, 1, 2\n",
    b"SetupTitle, x\n",
    b"Setup title,x\n",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"9.91E+37",
    b"1e400",
    b"-1e400",
    b"nan",
    b"inf",
    b",,,,",
    b"\t",
    b";",
    b'"',
    b"\r",
    b"\n\n",
    b"1,5",
    b"\xb5A",
    b"#REF!",
    b"Wordline,Bitline,Resistance",
    b"Item,Smu1.V[1][1],Smu1.I[1][1]\n",
    b"Index,",
    b"Measurement Data\n",
    b"Dimension2, 0, 0",
    b"exp_LTP_raw=[",
    b"];",
    b"device_id",
    b"cycle",
    b"voltage_v",
    b"=cmd()",
    b"99999999999999999999",
    b"1_0",
    b"(2.5, 1.3)",
]


def _workbooks() -> list[bytes]:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["V (V)", "I (A)"], [0, 0], [1, 1e-3], [0, 0]):
        book.active.append(row)
    buffer = BytesIO()
    book.save(buffer)
    rows = [["Time", "AnodeI", "AnodeV"], [0.1, 1e-9, 0.0], [0.2, 1e-3, 1.0]]
    kept = [["Test Name", "x"], ["Device Terminal", "Anode"], ["Forcing Function", "Voltage Sweep"]]
    return [buffer.getvalue(), xls_bytes({"Data": rows, "Settings": kept})]


@functools.cache  # a workbook's bytes hold the time it was written
def seeds() -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(DATA.rglob("*")) if path.is_file()]
    return [
        *texts,
        *_workbooks(),
        b"exp_LTP_raw=[\n1 1e-6\n2 2e-6\n];\nexp_LTD_raw=[\n1 2e-6\n2 1e-6\n];\n",
        b"C4,1.5,778,RESET,2.5,0,3,1e-06\nC4,1.6,778,READ,28039.7,3.5e-05\nC4,1.7,778,SET,1.3,3,0,1e-06\n",
    ]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A fixture with a few cuts, doublings, swaps and insertions."""
    data = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 60))
        how = draw(st.sampled_from(["cut", "double", "insert", "random", "end"]))
        if how == "cut":
            del data[at : at + length]
        elif how == "double":
            data[at:at] = data[at : at + length]
        elif how == "insert":
            data[at:at] = draw(st.sampled_from(TOKENS))
        elif how == "random":
            data[at : at + length] = draw(st.binary(max_size=60))
        else:
            del data[at:]
    return bytes(data)


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
        "format": st.sampled_from(READERS.own()),
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
    @given(data=st.one_of(mutated(), generated(), st.binary(max_size=300)), options=OPTIONS)
    def any_file(data: bytes, options: dict[str, Any]) -> None:
        _check(path, data, options)

    any_file()


def test_any_file_gives_a_table_or_our_error(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 250)


@pytest.mark.slow
def test_any_file_many(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 2_000)


@pytest.mark.heavy
def test_any_file_full(tmp_path: Path) -> None:
    _run(tmp_path / "x.dat", 20_000)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    numbers=st.lists(
        st.tuples(st.floats(1e-9, 1e3), st.floats(1e-9, 1e3), st.floats(1e-9, 1e3)), min_size=4, max_size=12
    ),
    names=st.sampled_from([None, ("V", "I", "x"), ("a", "b", "c"), ("Voltage", "Current", "n"), ("x", "R", "G")]),
)
def test_no_unit_is_guessed(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[Any], names: tuple[str, ...] | None
) -> None:
    path = tmp_path_factory.mktemp("units") / "x.csv"
    head = ",".join(names) + "\n" if names else ""
    path.write_text(head + "".join(",".join(map(repr, row)) + "\n" for row in numbers))
    with pytest.raises(UsageError):
        read(path)


def test_conventional_units_are_always_flagged(fixtures: Path) -> None:
    for path in sorted(fixtures.rglob("*")):
        if not path.is_file():
            continue
        try:
            table = read(path)
        except DevicekitError:
            continue
        stated = {unit for record in table.meta.get("records", []) for unit in record["units"].values()}
        named = any(name.endswith(("_s", "_v", "_a", "_ohm")) for name in path.read_text(errors="ignore").split(","))
        flagged = any(warning.code == "assumed_unit" for warning in table.warnings)
        assert not isinstance(table, SweepTable | PulseTable) or stated or named or flagged


def test_memory_of_a_wide_spreadsheet(tmp_path: Path, memory_within: Any) -> None:
    """A workbook with shared strings repeated many times stays within 200 MB plus ten times the file."""
    path = tmp_path / "x.xlsx"
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("d")
    for k in range(1000):
        sheet.append([k, *["same text"] * 20])
    book.save(path)
    assert zipfile.is_zipfile(path)
    with memory_within(100), pytest.raises(DevicekitError):
        read(path)
