"""Seed and marks of what devicekit generates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.tables import Table

SEED = 2023
SYNTHETIC = (CodedWarning("synthetic", "made by devicekit, not measured"),)

AnyTable = TypeVar("AnyTable", bound=Table)


def synthetic(
    kind: Callable[..., AnyTable],
    frame: pd.DataFrame,
    meta: Mapping[str, Any] | None = None,
    warnings: tuple[CodedWarning, ...] = SYNTHETIC,
) -> AnyTable:
    """Return a frame as a table of a kind that is marked as synthetic; `meta` adds to its metadata."""
    return kind(frame, {"format": "synthetic", **(meta or {})}, warnings)
