"""Queries as SQL over the index; an unknown name raises an error that lists the known ones."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from devicekit.core.errors import WARNING_CODES, CodedWarning, UsageError
from devicekit.core.scalars import Scalar
from devicekit.device.remarks import UnknownCodeWarning
from devicekit.library.head import Place
from devicekit.library.index import COLUMNS
from devicekit.library.query import Entry, Found, Query, Unreadable
from devicekit.names import MARKS
from devicekit.names.places import PLACES

_SORTED = (
    "name",
    "added",
    "kind",
    "source",
    "law",
    *PLACES,
)  # besides numbers and labels
_SHOWN = tuple(name for name in COLUMNS if name not in ("mtime_ns", "size", "words"))
_MOST_IDS = 500  # ids per SQL statement
LEAST_ID = 4  # least characters of a shortened id


def scalar_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of all numbers, in alphabetical order."""
    rows = connection.execute(
        "SELECT DISTINCT name FROM meaning WHERE EXISTS (SELECT 1 FROM scalar WHERE scalar.name = meaning.name)"
    )
    return tuple(sorted(name for (name,) in rows))


def label_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of all labels, in alphabetical order."""
    return tuple(name for (name,) in connection.execute("SELECT DISTINCT name FROM label ORDER BY name"))


def kinds(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return all kinds of records, in alphabetical order."""
    return tuple(kind for (kind,) in connection.execute("SELECT DISTINCT kind FROM item ORDER BY kind"))


def unreadable(connection: sqlite3.Connection) -> tuple[Unreadable, ...]:
    """Return the files of the folder that are not records."""
    rows = connection.execute("SELECT file, reason FROM unreadable ORDER BY file")
    return tuple(Unreadable(file, reason) for file, reason in rows)


def find(connection: sqlite3.Connection, query: Query) -> Found:
    """Return the records that match a query.

    Raises UsageError if it names an unknown kind, number, label or order.
    """
    where, values = _build_conditions(connection, query)
    join, order, sorted_by = _build_order(connection, query.sort)
    total = connection.execute(f"SELECT COUNT(*) FROM item WHERE {where}", values).fetchone()[0]
    limit = "" if query.limit is None else f" LIMIT {int(query.limit)}"
    text = f"SELECT item.key FROM item {join} WHERE {where} ORDER BY {order}{limit}"
    keys = [key for (key,) in connection.execute(text, [*sorted_by, *values])]
    return Found(_load_entries(connection, keys), total)


def find_by_prefix(connection: sqlite3.Connection, prefix: str) -> Entry:
    """Return the record whose id begins with the prefix.

    Raises UsageError if the prefix is invalid, or matches no record or several.
    """
    word = str(prefix).strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{LEAST_ID},64}}", word):
        raise UsageError(
            f"{prefix!r} is not an id. Give at least {LEAST_ID} of its digits 0-9, a-f; devicekit library list shows "
            "all ids."
        )
    rows = connection.execute("SELECT key FROM item WHERE id >= ? AND id < ? LIMIT 11", (word, word + "g"))
    keys = [key for (key,) in rows]
    if not keys:
        raise UsageError(f"No record has an id beginning with {word}; devicekit library list shows all ids.")
    entries = _load_entries(connection, keys)
    if len(entries) > 1:
        shown = ", ".join(f"{each.id} ({each.name})" for each in entries[:10])
        raise UsageError(f"Several records have an id beginning with {word}: {shown}. Give more digits.")
    return entries[0]


def _build_conditions(connection: sqlite3.Connection, query: Query) -> tuple[str, list[Any]]:
    """Return the SQL conditions of a query, and their values."""
    parts: list[str] = ["1"]
    values: list[Any] = []
    if query.kind is not None:
        _check_name("kind", query.kind, kinds(connection))
        parts.append("kind = ?")
        values.append(query.kind)
    for word in query.words:
        parts.append("words GLOB ?")
        values.append("*" + re.sub(r"([*?[])", r"[\1]", word.casefold()) + "*")
    for each in query.ranges:
        _check_name("number", each.name, scalar_names(connection))
        ends = [("value >= ?", each.low), ("value <= ?", each.high)]
        finite = [(text, end) for text, end in ends if math.isfinite(end)]
        inner = " AND ".join(["name = ?", *(text for text, _ in finite)])
        parts.append(f"key IN (SELECT item FROM scalar WHERE {inner})")
        values += [each.name, *(end for _, end in finite)]
    for name, value in query.labels.items():
        _check_name("label", name, label_names(connection))
        parts.append("key IN (SELECT item FROM label WHERE name = ? AND value = ?)")
        values += [name, value]
    for name in PLACES:
        if (part := getattr(query.place, name)) is not None:
            parts.append(f'"{name}" = ?')
            values.append(part)
    if query.ids is not None:
        if len(query.ids) > _MOST_IDS:
            raise UsageError(f"At most {_MOST_IDS} ids are allowed in a query; got {len(query.ids)}.")
        parts.append(f"id IN ({', '.join('?' * len(query.ids))})")
        values += query.ids
    return " AND ".join(parts), values


def _check_name(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        available = f"Available: {', '.join(known)}." if known else f"No record has a {what} yet."
        raise UsageError(f"The library has no {what} {name!r}. {available}")


def _build_order(connection: sqlite3.Connection, sort: str) -> tuple[str, str, list[Any]]:
    """Return the SQL join and order of a query, and their values; records without a value come last."""
    name, down = sort.removeprefix("-"), "DESC" if sort.startswith("-") else "ASC"
    last = "item.name COLLATE NOCASE, item.id"
    if name in _SORTED:
        text = "" if name in ("row", "column") else " COLLATE NOCASE"
        column = f'item."{name}"'
        return "", f"{column} IS NULL OR {column} = '', {column}{text} {down}, {last}", []
    numbers, labels = scalar_names(connection), label_names(connection)
    if name in numbers or name in labels:
        table, text = ("scalar", "") if name in numbers else ("label", " COLLATE NOCASE")
        join = f"LEFT JOIN {table} AS by ON by.item = item.key AND by.name = ?"
        return join, f"by.value IS NULL, by.value{text} {down}, {last}", [name]
    known = [*_SORTED, *numbers, *labels]
    raise UsageError(f"Cannot sort by {name!r}. Available: {', '.join(known)}.")


def _load_entries(connection: sqlite3.Connection, keys: Sequence[int]) -> tuple[Entry, ...]:
    """Load the records of these keys, in their order, with their numbers."""
    rows: dict[int, tuple[Any, ...]] = {}
    values: dict[int, list[tuple[Scalar, float]]] = {key: [] for key in keys}
    meanings = {
        key: Scalar(name, label, math.nan, unit, of, by=by)
        for key, name, label, unit, of, by in connection.execute("SELECT * FROM meaning")
    }
    columns = ", ".join(f'"{name}"' for name in _SHOWN)
    for start in range(0, len(keys), _MOST_IDS):
        some = keys[start : start + _MOST_IDS]
        marks = ", ".join("?" * len(some))
        rows |= {row[0]: row for row in connection.execute(f"SELECT {columns} FROM item WHERE key IN ({marks})", some)}
        text = f"SELECT item, meaning, value FROM scalar WHERE item IN ({marks}) ORDER BY item, position"
        for item, meaning, value in connection.execute(text, some):
            values[item].append((meanings[meaning], value))
    return tuple(_make_entry(rows[key], values[key]) for key in keys)


def _make_entry(row: tuple[Any, ...], values: Sequence[tuple[Scalar, float]]) -> Entry:
    held = dict(zip(_SHOWN, row, strict=True))
    place = Place(**{name: held[name] for name in PLACES})
    plain = {name: held[name] for name in ("file", "id", "name", "kind", "added", "source", "law")}
    marks: dict[str, Any] = {mark: bool(held[mark]) for mark in MARKS}
    warnings = tuple(_warning(code, message) for code, message in json.loads(held["warnings"]))
    return Entry(**plain, **marks, place=place, labels=json.loads(held["labels"]), warnings=warnings, _values=values)


def _warning(code: str, message: str) -> CodedWarning:
    return (CodedWarning if code in WARNING_CODES else UnknownCodeWarning)(code, message)
