"""Sections that many reports have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devicekit.core.errors import CodedWarning
from devicekit.report import Block, CodedList, Listing, Section, Table, Text


def short(value: Any) -> str:
    """Return a setting in few digits."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(short(each) for each in value)
    return str(value)


def warnings_section(warnings: Sequence[CodedWarning]) -> Section:
    """Return the warnings, each with its code and its sentence."""
    block: Block = CodedList([(warning.code, warning.message) for warning in warnings]) if warnings else Text(["None."])
    return Section("Warnings", "warnings", [block])


def source_line(what: str, sha256: str | None = None) -> str:
    """Return where numbers come from, in a line: what, and the start of the SHA-256 of its data."""
    return f"{what} · SHA-256 {sha256[:12]}" if sha256 else what


def provenance_section(rows: Sequence[tuple[str, str]], command: str, again: str = "") -> Section:
    """Return where the numbers come from, and the command that makes the report again."""
    blocks: list[Block] = [Table(("item", "value"), rows, "Where these numbers come from.")] if rows else []
    words = again or "To make this report again:"
    return Section("Provenance", "provenance", [*blocks, Text([words]), Listing(command)])
