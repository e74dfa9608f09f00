"""Grids to bytes: delimiters, decimal commas, thousands, quotes, encodings, line ends, gzip, workbooks."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from grids import Num, Sheet


@dataclass(frozen=True)
class Dress:
    """How text is written.

    `delimiter` may be several blanks (aligned); `thousands` separates groups of three; `quotes` is few, text or all.
    """

    delimiter: str = ","
    comma: bool = False  # decimal comma
    thousands: str = ""
    whole: bool = False  # thousands in whole numbers too
    quotes: str = "few"
    trailing: bool = False
    padded: bool = False  # titles are filled up with delimiters, as spreadsheets do
    hashed: bool = False  # names stand behind a #
    encoding: str = "utf-8"
    line: str = "\n"
    zipped: bool = False
    suffix: str = ".csv"


def number(cell: str, dress: Dress) -> str:
    """A printed number as the dress has it."""
    mantissa, e, exponent = cell.partition("e") if "e" in cell else cell.partition("E")
    whole, point, rest = mantissa.partition(".")
    if (
        dress.thousands
        and (point or dress.whole)
        and not e
        and len(whole.lstrip("-")) > 3
        and whole.lstrip("-").isdigit()
    ):
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        first = len(digits) % 3
        groups = ([digits[:first]] if first else []) + [digits[k : k + 3] for k in range(first, len(digits), 3)]
        whole = sign + dress.thousands.join(groups)
    return whole + ("," if dress.comma and point else point) + rest + e + exponent


def quoted(cell: str, dress: Dress) -> str:
    text = number(cell, dress) if isinstance(cell, Num) else cell
    blank = dress.delimiter.strip() == "" and dress.delimiter != "\t"
    needs = '"' in text or (dress.delimiter.strip() in text if dress.delimiter.strip() else dress.delimiter in text)
    wanted = dress.quotes == "all" or (dress.quotes == "text" and text and not isinstance(cell, Num))
    if blank or not text or not (needs or wanted):
        return text
    return '"' + text.replace('"', '""') + '"'


def text_of(sheet: Sheet, dress: Dress) -> str:
    """A sheet as text; its last row has a line end too."""
    width = max(map(len, sheet.rows))
    cells = [[quoted(cell, dress) for cell in row] for row in sheet.rows]
    if dress.hashed:
        cells[0][0] = "# " + cells[0][0]
    if dress.delimiter == "  ":
        wide = [max(len(row[k]) for row in cells if len(row) == width) for k in range(width)]
        body = ["  ".join(cell.rjust(wide[k]) for k, cell in enumerate(row)) for row in cells]
    else:
        body = [dress.delimiter.join(row) if len(row) > 1 else "".join(row) for row in cells]
    end = dress.delimiter.strip(" ") or dress.delimiter
    if dress.trailing:
        body = [line + end if line else line for line in body]
    top = [end.join(line) for line in sheet.lines]
    if dress.padded:
        top = [line + end * (width - 1 - line.count(end)) for line in top]
        body = [line or end * (width - 1) for line in body]
    return dress.line.join([*top, *body]) + dress.line


def write_text(sheet: Sheet, path: Path, dress: Dress) -> None:
    data = text_of(sheet, dress).encode(dress.encoding)
    path.write_bytes(gzip.compress(data, mtime=0) if dress.zipped else data)


def write_book(sheets: list[Sheet], path: Path, texts: bool) -> None:
    """A workbook, with numbers as numbers, or as texts."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.name)
        for line in sheet.lines:
            page.append([cell or None for cell in line])
        for row in sheet.rows:
            page.append([(cell or None) if texts else _value(cell) for cell in row])
    book.save(path)


def _value(cell: str) -> object:
    if not cell or not isinstance(cell, Num):
        return cell or None
    try:
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError:  # a word for a reading that is missing
        return str(cell)
