"""Small files that once took long to read: the time is proportional to the size, or a row is refused."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from devicekit.core.errors import FileError
from devicekit.readers import read

ROWS = "".join(f"{k / 100},{k + 1}e-6\n" for k in range(1000))
RANDOM = np.random.default_rng(0)


def _row(width: int) -> str:
    return ",".join(f"{value:.3f}" for value in RANDOM.random(width))


def _turned(width: int, rows: int) -> str:
    """A sweep whose voltages and currents are rows."""
    volts = np.abs(np.linspace(-1, 1, width))
    amps = ["I (A)," + ",".join(f"{value:.1e}" for value in volts * k) for k in range(1, rows)]
    return "\n".join(["V (V)," + ",".join(f"{value:.3f}" for value in volts), *amps]) + "\n"


FILES: dict[str, tuple[str, str]] = {
    "commas": ("V (V),I (A)\n" + ROWS + "," * 3000 + "\n", ""),
    "commas without names": (ROWS + "," * 3000 + "\n", "column 1, column 2"),
    "201 cells": (ROWS + _row(201) + "\n", ""),
    "800 cells": (ROWS + _row(800) + "\n", "row 1001: found 800"),
    "3000 ones": (ROWS + ",".join("1" * 3000) + "\n", "row 1001: found 3000"),
    "600 names": (",".join(f"name{k}" for k in range(600)) + "\n" + ROWS, "600 names"),
    "2500 columns": ("\n".join(",".join("1729"[(k + j) % 4] for k in range(2500)) for j in range(4)), ""),
    "clocks without times": ("V (V),I (A)\n" + '"1","2\n' * 3000, ""),
    "a sweep in rows": (_turned(1000, 2), ""),
    "sweeps in rows": (_turned(100, 16), ""),
    "many sweeps in rows": (_turned(30, 60), ""),
}


FILES["11000 cells in a row"] = ("1," * 10_999 + "1\n", "")
QUICK = ("commas", "800 cells", "3000 ones", "a sweep in rows", "sweeps in rows")  # a second, not some


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=() if each in QUICK else pytest.mark.slow) for each in FILES]
)
def test_a_file_of_some_kilobytes_takes_seconds_at_most(
    devicekit: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    text, words = FILES[name]
    path = tmp_path / "small.csv"
    path.write_text(text)
    assert path.stat().st_size < 25_000
    began = time.process_time()
    found = devicekit("read", path)
    assert time.process_time() - began < 50  # ten times what a busy machine takes
    assert found.code in (0, 2)
    assert words in found.err


WIDE: dict[str, tuple[list[str], int, dict[str, Any], float]] = {  # names, rows, options, seconds
    "one line of 2005 numbers": ([], 1, {"quantity": "conductance", "columns_are": "devices", "accept": True}, 20.0),
    "a device and 2003 numbers": (
        ["D1", "HRS"],
        1,
        {"kind": "endurance", "unit": "ohm", "columns_are": "cycles", "accept": True},
        30.0,
    ),
    "2500 names": (
        [f"I{k} (A)" for k in range(1, 2501)],
        3,
        {"read_voltage": 0.1, "columns_are": "cycles", "accept": True},
        100.0,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDE)
def test_thousands_of_columns_with_their_answers_take_seconds(tmp_path: Path, name: str) -> None:
    words, rows, options, most = WIDE[name]
    numbers = RANDOM.uniform(1e-6, 2e-6, (rows, 2500 if len(words) > 2 else 2005 - len(words)))
    lines = [",".join([*(words if len(words) < 3 else ()), *(f"{x:.4e}" for x in row)]) for row in numbers]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(words), *lines] if len(words) > 2 else lines) + "\n")
    began = time.process_time()
    table = read(tmp_path / "wide.csv", **options)
    assert time.process_time() - began < most
    assert len(table) == numbers.size


HDF5: dict[str, Callable[[Any], Any]] = {
    "a group within itself": lambda file: [
        file.create_group("g"),
        *(file["g"].__setitem__(f"{k}", file["g"]) for k in range(100)),
    ],
    "a table of terabytes": lambda file: file.create_dataset("x", (10**6, 10**6), chunks=(1, 100), dtype="f8"),
    "packed zeros": lambda file: file.create_dataset("x", data=np.zeros(20_000_000), compression="gzip"),
    "another file": lambda file: file.__setitem__("e", h5py.ExternalLink("/etc/passwd", "/x")),
    "references to nothing": lambda file: file.create_dataset("r", (3,), dtype=h5py.ref_dtype),
    "letters outside Unicode": lambda file: file.create_dataset(
        "c", data=np.full((3, 3), 2**21, np.uint32)
    ).attrs.__setitem__("MATLAB_class", np.bytes_("char")),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.slow if "within" in each or "packed" in each else ()) for each in HDF5],
)
def test_malicious_hdf5_files_are_an_error(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        HDF5[name](file)
    with pytest.raises(FileError) as caught:
        read(tmp_path / "x.h5")
    assert len(str(caught.value)) < 300


_CELL = (
    '<table:table-cell office:value-type="float" office:value="1"{columns}><text:p>{word}</text:p></table:table-cell>'
)
ODS = {
    "a thousand million rows": (' table:number-rows-repeated="1000000000"', "", "1"),
    "a number of rows below zero": (' table:number-rows-repeated="-5"', ' table:number-columns-repeated="-7"', "#REF!"),
    "a number of rows that is a word": (' table:number-rows-repeated="x"', "", "#REF!"),
    "a number of rows without end": (f' table:number-rows-repeated="{"9" * 5000}"', "", "#REF!"),
    "errors without end": (' table:number-rows-repeated="100000"', ' table:number-columns-repeated="16000"', "#REF!"),
}


@pytest.mark.parametrize("name", ODS)
def test_malicious_ods_files_are_an_error(tmp_path: Path, name: str) -> None:
    rows, columns, word = ODS[name]
    spaces = "".join(
        f' xmlns:{each}="urn:oasis:names:tc:opendocument:xmlns:{each}:1.0"' for each in ("office", "table", "text")
    )
    body = f"<table:table-row{rows}>{_CELL.format(columns=columns, word=word) * 2}</table:table-row>"
    table = f'<table:table table:name="a">{body}</table:table>'
    text = (
        f"<office:document-content{spaces}><office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    )
    with zipfile.ZipFile(tmp_path / "x.ods", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<m/>")
        archive.writestr("content.xml", f'<?xml version="1.0"?>{text}</office:document-content>')
    with pytest.raises(FileError) as caught:
        read(tmp_path / "x.ods")
    assert len(str(caught.value)) < 400
