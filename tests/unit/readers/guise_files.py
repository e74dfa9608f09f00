"""Layout and writing of guises: columns into tables, tables into text, workbooks, JSON and arrays by key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd

from .guises import ENGLISH, STATE, Column, Guise, label_cells, pick, translate  # type: ignore[import-not-found]

VALUES = {"pulse": STATE, "sweep": "current_a", "stdp": "weight_change", "paired": "ratio"}
INNER = {
    "pulse": ("device_id", "cycle", "direction"),
    "sweep": ("device_id", "cycle"),
    **dict.fromkeys(("endurance", "retention", "multilevel"), ("device_id", "level")),
}
SEVERAL = {"device_id": "devices", "cycle": "cycles", "level": "levels"}
TITLES = {"device_id": "Device {}", "cycle": "Cycle {}", "level": "{}", "direction": "{}"}
PREAMBLES = ("Sample: A12", "Date: 2024-03-01", "Measurement of memristors", "Comment,none", "Program version 2.1")
TRAILERS = ("End of data", "Remarks: none", "--- finished ---")
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252", "gbk")
CONTAINERS = (*("csv",) * 10, "txt", "txt", "xlsx", "xlsx", "json", "npz", "h5", "mat")
EXTRAS = ("index", "timestamp", "temperature", "gate", "leakage")


def draw_style(random: np.random.Generator) -> dict[str, Any]:
    """Return delimiter, marks, encoding, container and lines around the table."""
    delimiter = pick(random, (",", ",", ";", "\t", "\t", "|", "  "))
    decimal = "," if delimiter in (";", "\t") and random.random() < 0.4 else "."
    return {
        "delimiter": delimiter,
        "decimal": decimal,
        "thousands": pick(random, (".", " ") if decimal == "," else ("'", " ")) if random.random() < 0.04 else "",
        "suffix": random.random() < 0.03,
        "encoding": pick(random, ENCODINGS),
        "container": pick(random, CONTAINERS),
        "preamble": [pick(random, PREAMBLES) for _ in range(int(pick(random, (0, 0, 0, 1, 3))))],
        "gap": random.random() < 0.3,
        "trailer": [pick(random, TRAILERS)] if random.random() < 0.08 else [],
        "blank_rows": random.random() < 0.04,
        "extra": pick(random, EXTRAS) if random.random() < 0.25 else "",
        "turned": random.random() < 0.03,
        "pair_of_rows": random.random() < 0.5,
    }


def lay_out(
    random: np.random.Generator,
    seed: int,
    kind: str,
    truth: pd.DataFrame,
    columns: list[Column],
    words: str,
    place: str,
    facts: dict[str, Any],
    style: dict[str, Any],
) -> Guise:
    """Return the guise of a table: its columns in a layout that can hold its groups."""
    columns, truth = _thin(random, kind, truth, columns)
    several = [each for each in truth.columns if each in (*SEVERAL, "direction") and truth[each].nunique() > 1]
    if kind in ("endurance", "summary"):
        several = [each for each in several if each != "cycle"]
    wide = [each for each in several if _is_shared(truth, columns, each, kind)]
    split = [each for each in several if each in ("device_id", "cycle")]
    ways = [("long", "")] * 4
    ways += [("wide", pick(random, wide))] * 4 if wide else []
    if split:
        ways += [(how, pick(random, split)) for how in ("beside", "stacked", "files", "sheets")]
    if kind == "endurance" and random.random() < 0.7 and "level" in wide:
        ways = [("wide", "level")]
    layout, over = pick(random, ways)
    groups = [each for each in several if each != over]
    names_of_groups = _group_columns(random, kind, truth, columns, groups, words, facts)
    columns = [*names_of_groups, *columns]
    style = {**style, "place": place, "words": words}
    style["turned"] &= words != "none" and place != "row" and layout == "long" and not hold_words(columns)
    style["turned"] &= style["extra"] != "timestamp"
    if style["delimiter"] == "  " and (place == "row" or layout in ("wide", "beside")):
        style["delimiter"] = "\t"  # blanks cannot hold an empty cell
    if layout == "wide":
        pieces = [("", _widen(random, truth, columns, over, kind, words))]
        if words == "standard" and kind == "sweep":
            facts |= {"unit": "A", "quantity": "current"}
        if over in SEVERAL and not (over == "level" and kind == "endurance"):
            facts["columns_are"] = SEVERAL[over]
    elif layout == "long":
        pieces = [("", columns)]
    else:
        pieces = [(str(value), _select(columns, (truth[over] == value).to_numpy())) for value in truth[over].unique()]
        title = TITLES[over]
        pieces = [(title.format(int(name) + (over == "device_id")), each) for name, each in pieces]
        if layout in ("files", "sheets"):
            facts[f"{layout}_are"] = SEVERAL[over]
        else:
            facts["columns_are"] = SEVERAL[over]
            facts["blocks"] = {
                "beside": pick(random, ("empty-column", "repeated-names")),
                "stacked": pick(random, ("empty-row", "text-row", "repeated-names")),
            }[layout]
            if words == "none" and layout == "beside":
                facts["blocks"] = "empty-column"
            levels = truth["level"].nunique() if "level" in groups else 1
            sizes = {len(each[0].cells) for _, each in pieces}
            if layout == "stacked" and over == "device_id" and words == "none" and len(sizes) == 1:
                facts["rows_per"] = {**facts.get("rows_per", {}), "device": str(min(sizes) // levels)}
                if facts["blocks"] == "repeated-names":  # nothing lies between
                    del facts["blocks"], facts["columns_are"]
            elif layout == "stacked" and words == "none" and facts["blocks"] == "repeated-names":
                facts["blocks"] = "empty-row"  # nothing else can say where a table of another length ends
    if layout in ("long", "wide") and words != "none" and style["extra"]:
        pieces = [("", _with_extra(random, pieces[0][1], style["extra"]))]
    return Guise(seed, kind, truth, pieces, layout, over, facts, style)


def hold_words(columns: list[Column]) -> bool:
    """Return whether columns hold words."""
    return any(isinstance(cell, str) for each in columns for cell in each.cells)


def _thin(
    random: np.random.Generator, kind: str, truth: pd.DataFrame, columns: list[Column]
) -> tuple[list[Column], pd.DataFrame]:
    """Leave out what a laboratory often does not write: pulse numbers and pulse voltages."""
    left = set()
    if kind == "pulse":
        if random.random() < 0.7:
            left.add("pulse_voltage_v")
        if random.random() < 0.25:
            left.add("pulse_index")
    if kind == "multilevel" and random.random() < 0.2:
        left.add("repeat")
    return [each for each in columns if each.role not in left], truth.drop(columns=[*left])


def _is_shared(truth: pd.DataFrame, columns: list[Column], over: str, kind: str) -> bool:
    """Return whether groups have their other columns in common, so that they stand beside one of these."""
    value = VALUES.get(kind, STATE)
    others = [each for each in columns if each.role not in (value, over)]
    if value not in {each.role for each in columns}:
        return False
    parts = [np.flatnonzero(truth[over] == each) for each in truth[over].unique()]
    longest = max(parts, key=len)
    inner = [each for each in INNER.get(kind, ("device_id",)) if each in truth and each != over]
    sizes = [truth.iloc[part].groupby(inner, sort=False).size().tolist() if inner else [len(part)] for part in parts]
    if any(each != sizes[0] for each in sizes) and max(map(len, sizes)) > 1:
        return False  # only one train may be shorter than its neighbour
    return all(
        all(each.cells[at] == each.cells[long] for at, long in zip(part, longest, strict=False))
        for part in parts
        for each in others
    )


def _group_columns(
    random: np.random.Generator,
    kind: str,
    truth: pd.DataFrame,
    columns: list[Column],
    groups: Sequence[str],
    words: str,
    facts: dict[str, Any],
) -> list[Column]:
    """Return columns that name groups; some borders are left to the course of the numbers."""
    found = []
    for role in groups:
        sizes = truth.groupby([each for each in ("device_id", "cycle", "direction") if each in truth]).size()
        even = truth.groupby([each for each in ("device_id", "cycle", "direction") if each in truth])
        lengths = even.size()
        if role == "direction":
            by_way = [lengths.xs(way, level="direction").unique() for way in ("ltp", "ltd")]
            if random.random() < 0.5 and all(each.size == 1 for each in by_way):
                facts["pulses"] = tuple(int(each[0]) for each in by_way)
                continue
        if role == "cycle" and kind == "sweep" and random.random() < 0.4 and sizes.nunique() == 1:
            facts["rows_per"] = {"cycle": str(int(sizes.iloc[0]))}
            continue
        if role == "cycle" and kind == "pulse" and random.random() < 0.5:
            continue
        found.append(Column(role, label_cells(random, role, truth[role]), "", translate(random, role, words)))
    return found


def _select(columns: list[Column], mask: np.ndarray) -> list[Column]:
    return [
        replace(each, cells=[cell for cell, kept in zip(each.cells, mask, strict=True) if kept]) for each in columns
    ]


def _widen(
    random: np.random.Generator, truth: pd.DataFrame, columns: list[Column], over: str, kind: str, words: str
) -> list[Column]:
    """Return the columns of a table with one column of readings for each value of a group."""
    role = VALUES.get(kind, STATE)
    value = next(each for each in columns if each.role == role)
    values = list(truth[over].unique())
    parts = [_select(columns, (truth[over] == each).to_numpy()) for each in values]
    longest = max(parts, key=lambda part: len(part[0].cells))
    shared = [each for each in longest if each.role not in (role, over)]
    n = len(longest[0].cells)
    labels = [str(each) for each in label_cells(random, over, pd.Series(values))]
    if over == "cycle":
        way = pick(random, ("Cycle {}", "run{}", "{}"))
        labels = [way.format(each) for each in labels]
    prefix = {ENGLISH: value.name + " "}.get(words, "") if random.random() < 0.3 else ""
    found = list(shared)
    for label, part in zip(labels, parts, strict=True):
        cells = next(each for each in part if each.role == role).cells
        name = "" if words == "none" else prefix + label
        unit = value.unit or _standard_unit(value, words)
        found.append(Column(role, [*cells, *[None] * (n - len(cells))], unit, name))
    return found


def _standard_unit(value: Column, words: str) -> str:
    """Return the unit that a standard name says, which is lost with the name."""
    units = {"conductance_s": "S", "resistance_ohm": "ohm", "read_current_a": "A", "current_a": "A"}
    return units.get(value.name, "") if words == "standard" else ""


def _with_extra(random: np.random.Generator, columns: list[Column], extra: str) -> list[Column]:
    """Add a column that is not a measurement."""
    n = len(columns[0].cells)
    cells: dict[str, tuple[list[Any], str, str]] = {
        "index": (list(range(n)), "", pick(random, ("index", "No.", ""))),
        "timestamp": ([f"2024-03-01 12:{k // 60 % 60:02d}:{k % 60:02d}" for k in range(n)], "", "Timestamp"),
        "temperature": (np.round(25 + random.normal(0, 0.1, n), 2).tolist(), "C", "Temperature"),
        "gate": ([float(pick(random, (0, 2)))] * n, "V", "Vg"),
        "leakage": (np.round(random.normal(0, 1, n), 4).tolist(), "pA", "Leakage"),
    }
    made = Column(f"extra {extra}", *cells[extra])
    return [made, *columns] if extra in ("index", "timestamp") else [*columns, made]


def heading(column: Column, place: str) -> str:
    """Return the name of a column with its unit."""
    if not column.name or not column.unit or place in ("none", "row"):
        standard = place == "none" and column.name and column.role.startswith("extra") and column.unit
        return f"{column.name} ({column.unit})" if standard else column.name
    how = {"brackets": "{} [{}]", "parentheses": "{} ({})", "slash": "{}/{}"}[place]
    return how.format(column.name, column.unit)


def _cell(cell: Any, style: dict[str, Any], role: str) -> str:
    """Return a cell as text: with the marks of the style."""
    if cell is None:
        return ""
    if isinstance(cell, str | int):
        return str(cell)
    text = f"{cell:.7g}"
    if style["suffix"] and role in (STATE, "current_a") and cell != 0 and abs(cell) < 1e-3:
        text = f"{cell / 1e-6:.9g}u"
    if style["thousands"] and "e" not in text and abs(cell) >= 1000:
        whole, dot, rest = text.partition(".")
        text = f"{int(whole):,}".replace(",", style["thousands"]) + dot + rest
        if style["decimal"] == ",":
            return text[: -len(dot + rest)] + "," + rest if rest else text
    return text.replace(".", ",") if style["decimal"] == "," else text


def grid_of(columns: list[Column], style: dict[str, Any], text: bool) -> list[list[Any]]:
    """Return names, units and cells of one table, row by row."""
    place = style["place"]
    rows: list[list[Any]] = []
    if any(each.name for each in columns):
        rows.append([heading(each, place) for each in columns])
        if place == "row" and any(each.unit for each in columns):
            rows.append([each.unit for each in columns])
    cells = [[_cell(cell, style, each.role) if text else cell for cell in each.cells] for each in columns]
    rows += [list(row) for row in zip(*cells, strict=True)]
    return [list(row) for row in zip(*rows, strict=True)] if style["turned"] else rows


def _beside(grids: list[list[list[Any]]], labels: list[str], how: str, empty: Any) -> list[list[Any]]:
    """Return tables beside each other, with a row of their labels above where a column separates them."""
    gap = [empty] if how == "empty-column" else []
    widths = [len(each[0]) for each in grids]
    if how == "empty-column" and labels:
        grids = [[[label, *[empty] * (w - 1)], *g] for label, w, g in zip(labels, widths, grids, strict=True)]
    rows = []
    for k in range(max(map(len, grids))):
        parts = [(each[k] if k < len(each) else [empty] * w) for each, w in zip(grids, widths, strict=True)]
        rows.append([cell for part in parts for cell in (*part, *gap)])
    return rows


def sheet_rows(guise: Guise, pieces: list[tuple[str, list[Column]]], text: bool) -> list[list[Any]]:
    """Return all rows of a file or a sheet."""
    style, empty = guise.style, "" if text else None
    grids = [grid_of(columns, style, text) for _, columns in pieces]
    labels = [label for label, _ in pieces]
    how = guise.facts.get("blocks", "")
    if len(pieces) == 1:
        rows = grids[0]
    elif guise.layout == "beside":
        rows = _beside(grids, labels if style["pair_of_rows"] else [], how, empty)
    else:
        rows = []
        for label, each in zip(labels, grids, strict=True):
            above = [[label]] if how == "text-row" else [[]] if how == "empty-row" and rows else []
            rows += [*above, *each]
    if style["blank_rows"] and not style["turned"] and len(pieces) == 1:
        at = len(rows) // 2
        rows = [*rows[:at], [], *rows[at:]]
    gap: list[list[Any]] = [[]] if style["gap"] and style["preamble"] else []
    return [
        *[[line] for line in style["preamble"]],
        *gap,
        *rows,
        *[line for each in style["trailer"] for line in ([], [each])],
    ]


def _by_key(columns: list[Column], style: dict[str, Any]) -> dict[str, Any] | None:
    """Return arrays by their names; None if the names cannot be keys."""
    names = [heading(each, style["place"]) for each in columns]
    if style["place"] == "row" or len(set(names)) < len(names) or not all(names):
        return None
    return dict(zip(names, (each.cells for each in columns), strict=True))


def _write_arrays(path: Path, arrays: dict[str, Any]) -> bool:
    """Write arrays by key; return whether the container can hold them."""
    if any(not isinstance(cell, int | float) for each in arrays.values() for cell in each):
        return False
    held = {name: np.array(cells) for name, cells in arrays.items()}
    if path.suffix == ".mat":
        from scipy.io import savemat

        if not all(name.isidentifier() and name.isascii() for name in held):
            return False
        savemat(path, held)
    elif path.suffix == ".npz":
        np.savez(path, **held)
    else:
        import h5py

        if any("/" in name for name in held):
            return False
        with h5py.File(path, "w") as file:
            for name, array in held.items():
                file[name] = array
    return True


def _write_one(guise: Guise, path: Path, pieces: list[tuple[str, list[Column]]]) -> Path:
    """Write one file, in its container or, where that cannot hold it, as text."""
    style, container = guise.style, guise.style["container"]
    sheets = [[each] for each in pieces] if guise.layout == "sheets" else [pieces]
    if container == "xlsx" or guise.layout == "sheets":
        book = openpyxl.Workbook()
        book.remove(book.active)
        for k, each in enumerate(sheets):
            sheet = book.create_sheet(each[0][0] or f"Sheet{k + 1}")
            for row in sheet_rows(guise, each, False):
                sheet.append(row)
        book.save(path.with_suffix(".xlsx"))
        return path.with_suffix(".xlsx")
    if container in ("json", "npz", "h5", "mat") and len(pieces) == 1 and not style["turned"]:
        arrays = _by_key(pieces[0][1], style)
        path = path.with_suffix(f".{container}")
        if arrays is not None and container == "json":
            records = [dict(zip(arrays, row, strict=True)) for row in zip(*arrays.values(), strict=True)]
            path.write_text(json.dumps(records if style["pair_of_rows"] else arrays, ensure_ascii=False), "utf-8")
            return path
        if arrays is not None and _write_arrays(path, arrays):
            return path
    rows = sheet_rows(guise, pieces, True)
    text = "".join(style["delimiter"].join(map(str, row)).rstrip(" ") + "\n" for row in rows)
    path = path.with_suffix(".txt" if container == "txt" else ".csv")
    try:
        path.write_bytes(text.encode(style["encoding"]))
    except UnicodeEncodeError:
        path.write_bytes(text.encode("utf-8"))
    return path


def write(guise: Guise, folder: Path) -> list[Path]:
    """Write the files of a guise into a folder; return their paths."""
    if guise.layout == "files":
        return [_write_one(guise, folder / label.replace(" ", "_"), [(label, each)]) for label, each in guise.pieces]
    return [_write_one(guise, folder / "data", guise.pieces)]
