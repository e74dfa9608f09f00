"""Spreadsheets, .mat and .json files of known content, with changes that must or must not alter a number."""

from __future__ import annotations

import io
import json
import random
import string
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import DevicekitError
from devicekit.readers import read

from .conftest import xls_bytes  # type: ignore[import-not-found]
from .damage import ods_bytes  # type: ignore[import-not-found]

FORMS = ("xlsx", "ods", "xls", "mat", "json")
PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "k": 1e3}
COMPARED = ("cycle", "point", "pulse_index", "voltage_v", "current_a", "conductance_s", "time_s")


@dataclass(frozen=True)
class Book:
    """A table to be written to a file.

    Parameters
    ----------
    names, units : list of str
        Names and units of the columns.
    rows : list of list
        Numbers.
    above, left, below : int
        Empty rows and columns around the table.
    titles : list of str
        Rows with one text above the names.
    others : dict of str to rows
        Further sheets without measurements.
    style : frozenset of str
        Styles of the workbook.
    sheet : str
        Name of the sheet.
    units_row : bool
        True if the units are in a row below the names.
    gap : int
        Empty rows above the numbers.
    notes_first : bool
        True if the other sheets come first.
    """

    names: list[str]
    units: list[str]
    rows: list[list[Any]]
    above: int = 0
    left: int = 0
    below: int = 0
    titles: tuple[str, ...] = ()
    others: dict[str, list[list[Any]]] = field(default_factory=dict)
    style: frozenset[str] = frozenset()
    sheet: str = "Data"
    units_row: bool = False
    gap: int = 0
    notes_first: bool = False

    def heads(self) -> list[str]:
        """Return the names with their units, unless these are in a separate row."""
        if self.units_row:
            return list(self.names)
        return [f"{name} ({unit})" if unit else name for name, unit in zip(self.names, self.units, strict=True)]

    def grid(self) -> list[list[Any]]:
        """Return the cells of the sheet."""
        pad: list[Any] = [None] * self.left
        rows = [[*pad, title] for title in self.titles] + [[] for _ in range(self.above)]
        rows += [[*pad, *self.heads()], *([[*pad, *self.units]] if self.units_row else []), *[[]] * self.gap]
        rows += [[*pad, *row] for row in self.rows]
        return rows + [[] for _ in range(self.below)]


def sweep(rng: random.Random) -> Book:
    """Make up to three bipolar sweeps of one device."""
    rows = []
    top, steps = rng.uniform(0.8, 2.0), rng.randint(8, 20)
    for cycle in range(1, rng.randint(1, 3) + 1):
        up = [round(top * k / steps, 4) for k in range(steps + 1)]
        for sign in (1, -1):
            for half, volts in enumerate((up, up[::-1])):
                low = (half == 0) == (sign == 1)
                g = (1e-6 if low else 1e-4) * rng.uniform(0.9, 1.1)
                rows += [[cycle, sign * v, float(f"{sign * v * g * rng.uniform(0.99, 1.01):.6g}")] for v in volts]
    return Book(["Cycle", "Voltage", "Current"], ["", "V", "A"], rows)


def pulses(rng: random.Random) -> Book:
    """Make pulse trains of one device, LTP and LTD in turn, as conductances."""
    rows = []
    count = rng.randint(10, 30)
    for cycle in range(1, rng.randint(1, 3) + 1):
        for sign in (1.0, -1.0):
            for k in range(count):
                g = 1e-5 + 4e-5 * (1 - 0.9 ** (k if sign > 0 else count - k))
                rows.append([cycle, k + 1, sign, float(f"{g * rng.uniform(0.999, 1.001):.6g}")])
    return Book(["Cycle", "Pulse", "Pulse voltage", "Conductance"], ["", "", "V", "S"], rows)


def _change_prefix(rng: random.Random, book: Book) -> Book:
    """Change the prefix of a unit, and the numbers with it."""
    at = rng.choice([k for k, unit in enumerate(book.units) if unit])
    prefix = rng.choice([each for each in PREFIXES if each not in ("", "k")])
    rows = [[cell / PREFIXES[prefix] if k == at else cell for k, cell in enumerate(row)] for row in book.rows]
    return replace(book, rows=rows, units=[prefix + u if k == at else u for k, u in enumerate(book.units)])


def _permute_columns(rng: random.Random, book: Book) -> Book:
    order = rng.sample(range(len(book.names)), len(book.names))
    return replace(
        book,
        names=[book.names[k] for k in order],
        units=[book.units[k] for k in order],
        rows=[[row[k] for k in order] for row in book.rows],
    )


def _store_as_text(rng: random.Random, book: Book) -> Book:
    """Store the numbers of one column as text, as spreadsheets do after a paste."""
    at = rng.randrange(len(book.names))
    rows = [
        [repr(cell) if k == at and not isinstance(cell, str) else cell for k, cell in enumerate(row)]
        for row in book.rows
    ]
    return replace(book, rows=rows)


def _add_remarks(rng: random.Random, book: Book) -> Book:
    words = ["", "ok", "checked", "see notes", "T = 25 C"]
    return replace(
        book,
        names=[*book.names, "Remark"],
        units=[*book.units, ""],
        rows=[[*row, rng.choice(words)] for row in book.rows],
    )


def _add_notes(rng: random.Random, book: Book) -> Book:
    rows = [["Operator", "".join(rng.sample(string.ascii_lowercase, 5))], ["Date", "12.11.2026"], ["Remark", "none"]]
    return replace(book, others={**book.others, rng.choice(["Notes", "Info", "Sheet3"]): rows})


def _number_rows(rng: random.Random, book: Book) -> Book:
    """Add a first column without a name that counts the rows, as pandas writes it."""
    rows = [[k, *row] for k, row in enumerate(book.rows)]
    return replace(book, names=["", *book.names], units=["", *book.units], rows=rows)


def _change_case(rng: random.Random, book: Book) -> Book:
    way: Callable[[str], str] = rng.choice([str.lower, str.upper, lambda name: f" {name} "])
    return replace(book, names=[way(name) for name in book.names])


HARMLESS: dict[str, Callable[[random.Random, Book], Book]] = {
    "rows above": lambda rng, book: replace(book, above=book.above + rng.randint(1, 3)),
    "columns left": lambda rng, book: replace(book, left=book.left + rng.randint(1, 2)),
    "rows below": lambda rng, book: replace(book, below=book.below + rng.randint(1, 5)),
    "title": lambda rng, book: replace(book, titles=(*book.titles, rng.choice(["HfO2 batch 12", "Sample A", "run 3"]))),
    "unit": _change_prefix,
    "order of columns": _permute_columns,
    "text": _store_as_text,
    "remarks": _add_remarks,
    "notes": _add_notes,
    "case of names": _change_case,
    "units in a row": lambda rng, book: replace(book, units_row=True),
    "a gap": lambda rng, book: replace(book, gap=1),
    "notes first": lambda rng, book: replace(_add_notes(rng, book), notes_first=True),
    "numbered": _number_rows,
    "sheet": lambda rng, book: replace(book, sheet=rng.choice(["Sheet1", "Messung", "raw data", "R1C1"])),
    "style": lambda rng, book: replace(book, style=book.style | {rng.choice(sorted(STYLES))}),
}
TABLES_ONLY = {  # not of .mat and .json
    *("rows above", "columns left", "rows below", "title", "notes", "sheet", "style"),
    *("units in a row", "a gap", "notes first", "numbered"),
}
NO_SCALARS = {"text"}  # MATLAB's vectors are of numbers


def _change_number(rng: random.Random, book: Book) -> Book:
    at, which = rng.randrange(len(book.rows)), len(book.names) - 1
    rows = [list(row) for row in book.rows]
    rows[at][which] = rows[at][which] * 1.1 + 1e-12
    return replace(book, rows=rows)


def _drop_row(rng: random.Random, book: Book) -> Book:
    at = rng.randrange(len(book.rows))
    return replace(book, rows=[row for k, row in enumerate(book.rows) if k != at])


def _change_unit(rng: random.Random, book: Book) -> Book:
    at = rng.choice([k for k, unit in enumerate(book.units) if unit in ("A", "S")])
    return replace(book, units=[("m" + u if k == at else u) for k, u in enumerate(book.units)])


HARMFUL = {"another number": _change_number, "a row left out": _drop_row, "another unit": _change_unit}
STYLES: dict[str, Callable[[Any], None]] = {
    "bold": lambda sheet: _each(sheet, "font", "bold"),
    "digits": lambda sheet: _each(sheet, "number_format", "0.00"),
    "percent": lambda sheet: _each(sheet, "number_format", "0.0E+00"),
    "freeze": lambda sheet: setattr(sheet, "freeze_panes", "B2"),
    "filter": lambda sheet: setattr(sheet.auto_filter, "ref", sheet.dimensions),
    "widths": lambda sheet: setattr(sheet.column_dimensions["A"], "width", 40),
    "hidden column": lambda sheet: setattr(sheet.column_dimensions["A"], "hidden", True),
    "hidden row": lambda sheet: setattr(sheet.row_dimensions[3], "hidden", True),
    "comment": lambda sheet: _comment(sheet),
    "print": lambda sheet: setattr(sheet, "print_area", "A1:B4"),
}


def _each(sheet: Any, name: str, value: Any) -> None:
    from openpyxl.styles import Font

    for row in sheet.iter_rows():
        for cell in row:
            setattr(cell, name, Font(bold=True) if value == "bold" else value)


def _comment(sheet: Any) -> None:
    from openpyxl.comments import Comment

    sheet["A1"].comment = Comment("checked", "x")


def file_bytes(book: Book, form: str, rng: random.Random) -> bytes:
    """Return the table as the bytes of a file."""
    if form == "xlsx":
        return _xlsx(book)
    sheets = {**book.others, book.sheet: book.grid()} if book.notes_first else {book.sheet: book.grid(), **book.others}
    if form == "ods":
        return bytes(ods_bytes(sheets))
    if form == "xls":
        return bytes(xls_bytes(sheets))
    columns = {head: [row[k] for row in book.rows] for k, head in enumerate(book.heads())}
    return _mat(columns, rng) if form == "mat" else _json(columns, rng)


def _xlsx(book: Book) -> bytes:
    import openpyxl

    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = book.sheet
    for row in book.grid():
        sheet.append(row)
    for name in sorted(book.style):
        STYLES[name](sheet)
    for at, (name, rows) in enumerate(book.others.items()):
        other = workbook.create_sheet(name, at if book.notes_first else None)
        for row in rows:
            other.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def _mat(columns: dict[str, list[Any]], rng: random.Random) -> bytes:
    from scipy.io import savemat

    vectors: dict[str, Any] = {}
    for head, cells in columns.items():
        name = head.strip().replace(" (", "_").replace(")", "").replace(" ", "_")
        vectors[name] = np.array(cells, dtype=object if isinstance(cells[0], str) else float)
    content = {"run1": vectors} if rng.random() < 0.3 else vectors
    stream = io.BytesIO()
    how = {"oned_as": rng.choice(["row", "column"]), "do_compression": rng.random() < 0.5}
    savemat(stream, content, **how)  # type: ignore[arg-type]
    return stream.getvalue()


def _json(columns: dict[str, list[Any]], rng: random.Random) -> bytes:
    held: Any = columns
    if rng.random() < 0.4:
        held = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    elif rng.random() < 0.3:
        held = {"columns": list(columns), "data": [list(row) for row in zip(*columns.values(), strict=True)]}
    return json.dumps(held, indent=rng.choice([None, 1, 4])).encode()


def survey(folder: Path, numbers: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Return the outcomes of numbered changes, and the faults: numbers that changed wrongly or should have changed."""
    outcomes: Counter[str] = Counter()
    faults = []
    for number in numbers:
        rng = random.Random(number)
        form = FORMS[number % len(FORMS)]
        book = rng.choice([sweep, pulses])(rng)
        before = _values(folder, file_bytes(book, form, random.Random(number)), form)
        if not isinstance(before, pd.DataFrame):
            faults.append(f"{number} ({form}): the file itself is not read: {before}")
            continue
        must_change = rng.random() < 0.3
        if must_change:
            names = [rng.choice(sorted(HARMFUL))]
            changed = HARMFUL[names[0]](rng, book)
        else:
            left_out = (TABLES_ONLY if form in ("mat", "json") else set()) | (NO_SCALARS if form == "mat" else set())
            known = [name for name in HARMLESS if name not in left_out and (name != "style" or form == "xlsx")]
            names = sorted(
                rng.sample(known, rng.randint(1, 3)), key=lambda name: name == "text"
            )  # which ends arithmetic
            changed = book
            for name in names:
                changed = HARMLESS[name](rng, changed)
        after = _values(folder, file_bytes(changed, form, random.Random(number + 1)), form)
        word = "must change" if must_change else "must not change"
        if not isinstance(after, pd.DataFrame):
            outcomes[f"{form}, {word}: refused or asked"] += 1
            if not must_change:
                faults.append(f"{number} ({form}, {', '.join(names)}): {after}")
            continue
        same = _same(before, after)
        outcomes[f"{form}, {word}: {'the same' if same else 'other numbers'}"] += 1
        if same == must_change:
            faults.append(f"{number} ({form}, {', '.join(names)}): {'the same' if same else 'other'} numbers")
    return outcomes, faults


def _values(folder: Path, data: bytes, form: str) -> pd.DataFrame | str:
    path = folder / f"x.{form}"
    path.write_bytes(data)
    try:
        frame = read(path).frame
    except DevicekitError as error:
        return f"{type(error).__name__}: {error.message[:300]}"
    return frame[[name for name in (*COMPARED, "direction") if name in frame]]


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    if list(one) != list(other) or len(one) != len(other):
        return False
    numbers = [name for name in one if name != "direction"]
    words = [name for name in one if name == "direction"]
    close = np.isclose(one[numbers].astype(float), other[numbers].astype(float), rtol=1e-9, atol=1e-18, equal_nan=True)
    return bool(close.all() and (one[words].to_numpy() == other[words].to_numpy()).all())
