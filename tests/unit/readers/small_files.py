"""Files written line by line for the tests of readers, and what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit
from devicekit.core.errors import QuestionError
from devicekit.readers import read
from devicekit.tables import PulseTable, Table

Write = Callable[..., Path]


def written(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text)
    return path


def trains(table: Table, direction: str) -> dict[int, list[float]]:
    """Return the states of one direction by cycle, of a file with one device."""
    assert isinstance(table, PulseTable)
    assert len(table.devices) == 1
    return {cycle: value.tolist() for _, cycle, _, value in table.traces(direction)}


def codes(table: Table) -> list[str]:
    return [warning.code for warning in table.warnings]


def asked(path: Path | list[Path], **options: object) -> tuple[str, ...]:
    """Return the fields that a reader asks for."""
    with pytest.raises(QuestionError) as caught:
        read(path, **options)
    assert caught.value.question is not None
    return caught.value.question.fields


LOOP = [0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5, 0.0]


def choices(path: Path, **options: Any) -> list[str]:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return [choice.typed_options for choice in caught.value.question.choices]


ROWS = "V (V),I (A)\n" + "".join(f"{k / 10},{k}e-6\n" for k in [*range(10), *range(10, -1, -1)])
