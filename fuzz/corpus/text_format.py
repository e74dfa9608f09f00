"""Text format of a case, and the lines above its names."""

from __future__ import annotations

import words
from drafts import Draft
from grids import Num
from layouts import Layout
from writing import TextFormat

DELIMITERS = {",": 5, ";": 2.5, "\t": 3, " ": 1, "  ": 1, "|": 0.6, " | ": 0.3, ", ": 0.6}
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", " ": "blank", "  ": "aligned blanks", ", ": "comma and blank"}


def draw_text_format(draft: Draft, book: bool, layout: Layout, panel: str, unnamed: bool) -> TextFormat:
    """Draw delimiter, decimal comma, thousands, quotes, encoding and so on."""
    rng = draft.rng
    if book:
        return TextFormat(quotes="all" if draft.chance(0.06, "numbers as texts") else "few")
    delimiter = rng.choices(tuple(DELIMITERS), tuple(DELIMITERS.values()))[0]
    lengths = {part.size for part in draft.parts}
    if delimiter.strip(" ") == "" and delimiter:
        ragged = len(lengths) > 1 and ("wide" in draft.placements.values() or panel)
        odd = draft.style not in ("round", "square", "slash", "none") or " " in draft.unit.spelled
        spaced = panel or draft.voltage_place == "name" or draft.title_unit
        if ragged or odd or spaced or (draft.style == "none" and draft.placements.get("direction") == "wide"):
            delimiter = "\t"
    draft.features.add(f"delimiter: {NAMES.get(delimiter, 'bar')}")
    comma = delimiter in (";", "\t") and draft.chance(0.5 if delimiter == ";" else 0.15, "decimal comma")
    thousands, whole = _draw_thousands(draft, delimiter, comma)
    quotes = "few"
    if delimiter in (",", ";", "\t") and draft.chance(0.12, "quotes"):
        quotes = rng.choice(("text", "all"))
    if draft.style == "comma" and delimiter == ", ":
        draft.style = "round"
    trailing = delimiter in (",", ";", "\t") and not panel and draft.chance(0.08, "trailing delimiters")
    padded = delimiter in (",", ";") and not trailing and draft.chance(0.1, "titles filled up with delimiters")
    hashed = not (panel or unnamed or draft.style.startswith("origin") or layout.index == "none")
    hashed = hashed and quotes == "few" and not layout.words["index"].startswith("#")
    hashed = hashed and not draft.style.startswith("units row") and draft.chance(0.07, "names behind a #")
    line = "\r\n" if draft.chance(0.3, "CRLF") else "\n"
    zipped = draft.chance(0.05, "gzip")
    suffix = rng.choice((".csv", ".csv", ".txt", ".dat")) if delimiter != "\t" else rng.choice((".txt", ".tsv", ".dat"))
    encoding = rng.choices(("utf-8", "utf-8-sig", "utf-16"), (80, 13, 7))[0]
    if _fits_latin(draft, layout) and rng.random() < 0.6:
        encoding = "cp1252"
    if encoding != "utf-8":
        draft.features.add({"utf-8-sig": "BOM", "utf-16": "UTF-16", "cp1252": "cp1252"}[encoding])
    return TextFormat(
        delimiter, comma, thousands, whole, quotes, trailing, padded, hashed, encoding, line, zipped, suffix
    )


def _fits_latin(draft: Draft, layout: Layout) -> bool:
    """Return whether the names can be written, and differ from ASCII, in Windows-1252."""
    text = "".join([*layout.words.values(), *layout.units.values(), draft.unit.spelled])
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return not text.isascii()


def _draw_thousands(draft: Draft, delimiter: str, comma: bool) -> tuple[str, bool]:
    """Draw a thousands separator, only where it differs from a decimal mark, or as a trap."""
    cells = [cell for part in draft.parts for cell in part.cells["state"] if isinstance(cell, Num)]
    plain = all("e" not in cell.lower() for cell in cells)
    if not plain or delimiter.strip(" ") == "" or draft.kind == "stdp":
        return "", False
    sizes = [abs(float(cell)) for cell in cells if cell[:3] != "9.9"]
    if not sizes or max(sizes) < 1000:
        return "", False
    if any("." in cell for cell in cells) and draft.chance(0.25, "thousands separators"):
        return ("." if comma else draft.rng.choice((",", ",", "'"))), False
    whole = all("." not in cell for cell in cells) and min(sizes) >= 1000 and max(sizes) < 1e6
    if whole and not comma and delimiter == "\t" and draft.chance(0.8):
        draft.traps.add("thousands or decimals")
        return ",", True
    return "", False


def draw_lines_above(draft: Draft, form: TextFormat, book: bool) -> list[list[str]]:
    """Draw title rows, comments, remarks as key and value, and blank lines."""
    rng = draft.rng
    lines: list[list[str]] = []
    if draft.chance(0.25, "title rows"):
        titles = [each for each in (*words.PLAIN_TITLES, *words.TITLES[draft.kind]) if _is_consistent(draft, each)]
        lines += [[each] for each in rng.sample(titles, rng.randint(1, 2))]
    if draft.title_unit:
        lines.append([rng.choice(("{} in {}", "All values: {} in {}", "{} [{}]")).format(*_quantity_and_unit(draft))])
    remarks: list[tuple[str, str]] = []
    if draft.chance(0.2, "remarks as key and value"):
        fitting = [remark for remark in words.REMARKS if _is_consistent(draft, " ".join(remark))]
        remarks += rng.sample(fitting, rng.randint(1, 4))
    if draft.voltage_place == "remark":
        name = rng.choice(("Read voltage", "Vread", "V_read", "Read Voltage"))
        remarks.insert(rng.randint(0, len(remarks)), (name, f"{draft.read_voltage} V"))
    form = rng.choice((": ", " = ", ":", "cells"))
    lines += [[key, value] if form == "cells" else [key + form + value] for key, value in remarks]
    if not book and lines and draft.chance(0.3, "comment lines"):
        lines = [["# " + line[0], *line[1:]] for line in lines]
    if lines and draft.chance(0.3, "blank lines"):
        lines.append([""])
    return lines


def _is_consistent(draft: Draft, line: str) -> bool:
    """Return whether a line does not contradict a column or a file name."""
    if "constant temperature" in draft.features and ("85 C" in line or "300 K" in line):
        return False
    return "100 ns" not in line or not ("width" in draft.placements or "constant pulse width" in draft.features)


def _quantity_and_unit(draft: Draft) -> tuple[str, str]:
    return draft.quantity.capitalize(), draft.unit.option
