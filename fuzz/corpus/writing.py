"""Grids to bytes: delimiters, decimal commas, thousands, quotes, encodings, line ends, gzip, workbooks."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from grids import Num, Sheet


@dataclass(frozen=True)
class TextFormat:
    """Format of a text file.

    `delimiter` may be several blanks (aligned); `thousands` separates groups of three; `quotes` is few, text or all.
    """

    delimiter: str = ","
    comma: bool = False  # decimal comma
    thousands: str = ""
    whole: bool = False  # thousands in whole numbers too
    quotes: str = "few"
    trailing: bool = False
    padded: bool = False  # titles are padded with delimiters, as by spreadsheets
    hashed: bool = False  # names follow a #
    encoding: str = "utf-8"
    line: str = "\n"
    zipped: bool = False
    suffix: str = ".csv"


def format_number(cell: str, form: TextFormat) -> str:
    """Return a printed number in a text format."""
    mantissa, e, exponent = cell.partition("e") if "e" in cell else cell.partition("E")
    whole, point, rest = mantissa.partition(".")
    if (
        form.thousands
        and (point or form.whole)
        and not e
        and len(whole.lstrip("-")) > 3
        and whole.lstrip("-").isdigit()
    ):
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        first = len(digits) % 3
        groups = ([digits[:first]] if first else []) + [digits[k : k + 3] for k in range(first, len(digits), 3)]
        whole = sign + form.thousands.join(groups)
    return whole + ("," if form.comma and point else point) + rest + e + exponent


def quote(cell: str, form: TextFormat) -> str:
    """Return a cell, in quotes where the format needs them."""
    text = format_number(cell, form) if isinstance(cell, Num) else cell
    blank = form.delimiter.strip() == "" and form.delimiter != "\t"
    needs = '"' in text or (form.delimiter.strip() in text if form.delimiter.strip() else form.delimiter in text)
    wanted = form.quotes == "all" or (form.quotes == "text" and text and not isinstance(cell, Num))
    if blank or not text or not (needs or wanted):
        return text
    return '"' + text.replace('"', '""') + '"'


def build_text(sheet: Sheet, form: TextFormat) -> str:
    """Return a sheet as text; its last row has a line end too."""
    width = max(map(len, sheet.rows))
    cells = [[quote(cell, form) for cell in row] for row in sheet.rows]
    if form.hashed:
        cells[0][0] = "# " + cells[0][0]
    if form.delimiter == "  ":
        wide = [max(len(row[k]) for row in cells if len(row) == width) for k in range(width)]
        body = ["  ".join(cell.rjust(wide[k]) for k, cell in enumerate(row)) for row in cells]
    else:
        body = [form.delimiter.join(row) if len(row) > 1 else "".join(row) for row in cells]
    end = form.delimiter.strip(" ") or form.delimiter
    if form.trailing:
        body = [line + end if line else line for line in body]
    top = [end.join(line) for line in sheet.lines]
    if form.padded:
        top = [line + end * (width - 1 - line.count(end)) for line in top]
        body = [line or end * (width - 1) for line in body]
    return form.line.join([*top, *body]) + form.line


def write_text(sheet: Sheet, path: Path, form: TextFormat) -> None:
    """Write a sheet as text."""
    data = build_text(sheet, form).encode(form.encoding)
    path.write_bytes(gzip.compress(data, mtime=0) if form.zipped else data)


def write_book(sheets: list[Sheet], path: Path, texts: bool) -> None:
    """Write a workbook, with numbers as numbers or as texts."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for line in sheet.lines:
            page.append([cell or None for cell in line])
        for row in sheet.rows:
            page.append([(cell or None) if texts else _cell_value(cell) for cell in row])
    book.save(path)


def _cell_value(cell: str) -> object:
    if not cell or not isinstance(cell, Num):
        return cell or None
    try:
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError:  # a word for a missing reading
        return str(cell)
