"""Parts of a long work that are finished, each in a file of its own: a command that is started again goes on from them.

A part is named by what it depends on and by the version that made it, so that nothing that was changed is ever taken.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from devicekit._version import __version__
from devicekit.core.errors import FileError
from devicekit.core.text import count
from devicekit.system import files, work, writing

_LONGEST_STEM = 40  # characters of a name that the name of the folder beside it repeats
_PART = re.compile(r"[0-9a-f]{64}\.json")
_logger = logging.getLogger(__name__)


def checksum(key: str, value: Mapping[str, object]) -> str:
    """Give the SHA-256 of a value and of the key that it belongs to, as hex digits."""
    text = json.dumps([key, value], sort_keys=True, allow_nan=False, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def write_part(folder: Path, key: str, value: Mapping[str, object]) -> None:
    """Write the file of a finished part, whole or not at all."""
    writing.write_json(folder / f"{key}.json", {**value, "sha256": checksum(key, value)}, replace=True)


def read_part(folder: Path, key: str, names: Iterable[str]) -> dict[str, Any] | None:
    """Read what `write_part` wrote, None if the file does not exist.

    Raises FileError if the file is damaged, was changed by hand, or is of another part.

    Parameters
    ----------
    folder : Path
    key : str
    names : iterable of str
        What the value has.
    """
    path = folder / f"{key}.json"
    if not path.exists():
        return None
    found = files.read_json(path)
    if not isinstance(found, dict) or set(found) != {*names, "sha256"}:
        raise FileError(f"{path} is not a result of a run, or comes from a version without checksums")
    stated = found.pop("sha256")
    if stated != checksum(key, found):
        raise FileError(f"{path} was damaged or changed after it was written (its checksum differs)")
    return found


class Kept:
    """Finished parts of one work: numbers, or what JSON can hold.

    Parameters
    ----------
    folder : Path or None
        Where they are kept, made with the first; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._announced: set[str] = set()

    def key(self, *parts: Any) -> str:
        """Give the name of a part by all that it depends on, as plain values; this version is among it."""
        text = json.dumps([__version__, *parts], sort_keys=True, allow_nan=False, default=str)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()

    def known(self, keys: Iterable[str], what: str) -> dict[str, Any]:
        """Give the parts that are there; the first time a line in the log says how many `what`, such as "training"."""
        if self._folder is None or not self._folder.is_dir():
            return {}
        found = {key: value for key in dict.fromkeys(keys) if (value := self._read(key)) is not None}
        if found and what not in self._announced:
            self._announced.add(what)
            _logger.info(f"continuing from {count(len(found), what)} kept in {self._folder}")
        return found

    def put(self, key: str, value: Any) -> None:
        """Keep a part."""
        if self._folder is not None:
            try:
                self._folder.mkdir(exist_ok=True)
            except OSError as error:
                raise FileError.of("cannot write", self._folder, error) from error
            write_part(self._folder, key, {"value": value})

    def _read(self, key: str) -> Any:
        assert self._folder is not None
        try:
            found = read_part(self._folder, key, ["value"])
        except FileError:
            return None  # made again
        return None if found is None else found["value"]

    def forget(self) -> None:
        """Remove the parts, and their folder unless it holds anything else."""
        if self._folder is None or not self._folder.is_dir():
            return
        work.clear(self._folder)
        with suppress(OSError):
            for path in self._folder.iterdir():
                if _PART.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            self._folder.rmdir()


@contextmanager
def kept_beside(out: Path | None) -> Iterator[Kept]:
    """Keep what is finished in a hidden folder beside an output, until the block ends well; None keeps nothing."""
    if out is None:
        yield Kept(None)
        return
    out = Path(os.path.realpath(out))
    stem = out.name
    if len(stem) > _LONGEST_STEM:
        stem = f"{stem[:_LONGEST_STEM]}-{hashlib.sha256(os.fsencode(out.name)).hexdigest()[:8]}"
    kept = Kept(out.parent / f".{stem}.devicekit-kept")
    yield kept
    kept.forget()
