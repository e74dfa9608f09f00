"""Files of a folder that could not be read and were left out: a command lists them and ends with exit code 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """A file that is left out, and why."""

    file: str
    reason: str


_NOTED: ContextVar[dict[str, LeftOut] | None] = ContextVar("left_out", default=None)


@contextmanager
def noting() -> Iterator[None]:
    """Note the files that are left out in a block."""
    token = _NOTED.set({})
    try:
        yield
    finally:
        _NOTED.reset(token)


def note(found: Iterable[LeftOut]) -> None:
    """Note files that were left out, each once; nothing outside `noting`."""
    if (noted := _NOTED.get()) is not None:
        noted.update({each.file: each for each in found})


def noted() -> tuple[LeftOut, ...]:
    """Return the files that were left out so far."""
    return tuple((_NOTED.get() or {}).values())
