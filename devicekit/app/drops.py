"""What was dropped on the page: the file or folder, how it is read, and what became of it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devicekit.app.forms import filled
from devicekit.app.results import FitChoice
from devicekit.app.security import plain_name
from devicekit.app.worker import Job
from devicekit.commands import non_default
from devicekit.errors import FileError, QuestionError
from devicekit.options import ReadOptions

MOST_BYTES = 2 << 30  # of one drop


@dataclass(eq=False)
class Drop:
    """One file, or one folder of files.

    Attributes
    ----------
    key : str
        Random; part of its address.
    name : str
        Name of the file or folder.
    folder : Path
        Where it is kept, with nothing else in it.
    is_folder, made : bool
        Whether it is a folder, and one that the user does not have: files that were dropped together.
    reading : ReadOptions
        How it is read.
    choice : FitChoice
        How it is fitted.
    read, found : Job, optional
        Reading it; fitting or characterising what was read.
    kept : str
        Id of its record in the library; "" if it was not kept.
    size : int
        Bytes received.
    whole : bool
        Whether all of it is there; before that it is not read.
    """

    key: str
    name: str
    folder: Path
    is_folder: bool = False
    made: bool = False
    reading: ReadOptions = field(default_factory=ReadOptions)
    choice: FitChoice = field(default_factory=FitChoice)
    read: Job | None = None
    found: Job | None = None
    kept: str = ""
    size: int = 0
    whole: bool = False

    @property
    def path(self) -> Path:
        """The file, or the folder."""
        return self.folder / self.name

    @property
    def question(self) -> Any:
        """The question that the reader asks, if it does."""
        error = self.read.error if self.read is not None and self.read.state == "failed" else None
        return error.question if isinstance(error, QuestionError) else None

    def again(self, options: ReadOptions) -> None:
        """Read it in another way."""
        self.reading, self.read, self.found, self.kept = options, None, None, ""


class Drops:
    """All drops of a running app, in a temporary folder.

    Parameters
    ----------
    root : Path
        The folder.
    most : int
        Bytes that one drop may have.
    """

    def __init__(self, root: Path, most: int = MOST_BYTES) -> None:
        self.root, self.most = root, most
        self._held: dict[str, Drop] = {}

    def __iter__(self) -> Any:
        return iter(list(self._held.values())[::-1])

    def get(self, key: str) -> Drop | None:
        """A drop by its key."""
        return self._held.get(key)

    def open(self, name: str, is_folder: bool, made: bool = False) -> Drop:
        """A new one, to which files are added; the folder may be `made` for them."""
        key = uuid.uuid4().hex
        folder = self.root / key
        folder.mkdir(parents=True)
        drop = Drop(key, plain_name(name), folder, is_folder, made)
        if is_folder:
            drop.path.mkdir()
        self._held[key] = drop
        return drop

    async def receive(self, drop: Drop, name: str, body: AsyncIterator[bytes]) -> None:
        """Write a file as it comes; of one that does not come whole nothing is left.

        Raises
        ------
        FileError
            If the drop becomes too large, holds that name already, or cannot be written.
        """
        target = drop.path / plain_name(name) if drop.is_folder else drop.path
        whole = began = False
        try:
            with target.open("xb") as stream:
                began = True
                async for block in body:
                    drop.size += len(block)
                    if drop.size > self.most:
                        raise FileError(f"{drop.name} is larger than {self.most / 2**30:.3g} GiB: use the command line")
                    stream.write(block)
            whole = True
        except FileExistsError:
            raise FileError(f"{drop.name} holds two files named {target.name}") from None
        except OSError as error:  # no room left, say
            raise FileError(f"{target.name} cannot be stored: {error.strerror or error}") from error
        finally:
            if began and not whole:  # a file of that name that was there before stays
                target.unlink(missing_ok=True)
                if not drop.is_folder:
                    self.close(drop)

    def holds(self, drop: Drop, name: str) -> bool:
        """Return whether a file of that name has come, or comes, already."""
        return (drop.path / plain_name(name) if drop.is_folder else drop.path).exists()

    def close(self, drop: Drop) -> None:
        """Forget it and remove its files."""
        self._held.pop(drop.key, None)
        shutil.rmtree(drop.folder, ignore_errors=True)


def answered(drop: Drop, number: int | None, blanks: list[str], more: ReadOptions) -> ReadOptions:
    """The reading options with an answer to the question of a drop.

    Parameters
    ----------
    drop : Drop
        One with a question.
    number : int or None
        Of the choice; None for none of them.
    blanks : list of str
        What was filled in, in the order of the choice's blanks.
    more : ReadOptions
        What was said beside it, which counts more.

    Raises
    ------
    UsageError
        If something that was filled in is no number where one is wanted, or out of range.
    """
    options = {} if number is None else filled(drop.question.choices[number].options, blanks)
    if columns := options.pop("map", None):
        options["columns"] = columns
    if more.quantity is not None:
        options.pop("unit", None)  # that of another quantity
    said = {**options, **non_default(more)}
    for name in ("columns", "key"):
        if name in said:
            said[name] = {**getattr(drop.reading, name), **options.get(name, {}), **getattr(more, name)}
    return replace(drop.reading, **said)
