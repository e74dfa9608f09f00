"""Fields of models, records and dataclasses as an Attributes section, from the code: type, unit, limits, meaning."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from sphinx.application import Sphinx

from devicekit.core.records import Record

SECTION = re.compile(r"^(Attributes|Parameters)$")


def _type_of(annotation: Any) -> str:
    """An annotation as text, without module names and without what pydantic hangs on it."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None) or str(annotation)
    if not isinstance(annotation, str) and getattr(annotation, "__args__", None):
        text = str(annotation)
    text = re.sub(r"Annotated\[([^,\]]+),[^\]]*\]+", r"\1", text)
    return re.sub(r"\b(?:typing|numpy|pandas|np|pd|\w+(?:\.\w+)*)\.(?=\w)", "", text)


def _model_rows(model: Any) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        unit = f" [{extra['unit']}]" if extra.get("unit") else ""
        rows.append((name, _type_of(field.annotation), f"{field.description or ''}{unit}".strip()))
    return rows


def _dataclass_rows(kind: Any) -> list[tuple[str, str, str]]:
    return [(each.name, _type_of(each.type), "") for each in dataclasses.fields(kind) if not each.name.startswith("_")]


def _record_rows(kind: type[Record]) -> list[tuple[str, str, str]]:
    meanings = {each.field: each.quantity for each in kind.columns()}
    rows = []
    for name, type_name, _ in _dataclass_rows(kind):
        unit = f" [{meanings[name].unit}]" if meanings[name].unit else ""
        rows.append((name, type_name, f"{meanings[name].description}{unit}".strip()))
    return rows


def add_fields(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Append the fields to the docstring of a class that does not list them itself."""
    if what != "class" or any(SECTION.match(line.strip()) for line in lines):
        return
    if hasattr(obj, "model_fields"):
        rows = _model_rows(obj)
    elif issubclass(obj, Record) and dataclasses.is_dataclass(obj):
        rows = _record_rows(obj)
    elif dataclasses.is_dataclass(obj):
        rows = _dataclass_rows(obj)
    else:
        return
    first = next((n for n, line in enumerate(lines) if line.strip() in ("Raises", "Notes", "Returns")), len(lines))
    section = ["", "Attributes", "----------"]
    for field, kind, meaning in rows:
        section += [f"{field} : {kind}", *([f"    {meaning}"] if meaning else [])]
    lines[first:first] = [*section, ""]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", add_fields, priority=100)  # before numpydoc reads it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
