"""Writing of files so that nothing is ever half-written or lost.

A result is written under a temporary name and renamed. No file that does not bear devicekit's mark
(`devicekit.system.ownmark`) is replaced, and no file that was read for it, unless the caller says so (`replace`); while
a command runs (`one_command`), `allow_replacing` says so for all but its inputs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devicekit.core.errors import FileError, UsageError
from devicekit.system import ownmark, work
from devicekit.system.files import dump_json, exists, sha256, special

_LARGEST_MARKED = 1 << 30  # bytes; a page has some MiB


@dataclass
class _Command:
    """Files that the running command has read and written, and folders searched for remains of killed commands."""

    inputs: set[Path] = field(default_factory=set)
    written: set[Path] = field(default_factory=set)
    cleared: set[Path] = field(default_factory=set)
    claimed: set[Path] = field(default_factory=set)
    may_replace: bool = False
    settings: dict[str, Any] | None = None
    replaced: list[dict[str, Any]] = field(default_factory=list)


_command: ContextVar[_Command | None] = ContextVar("command", default=None)
_of_python: dict[Path, tuple[int, int, int]] = {}  # by file: as Python wrote it outside a command


@contextmanager
def one_command() -> Iterator[None]:
    """A block in which what is read (`note_input`) and what devicekit did not write is never replaced."""
    token = _command.set(_Command())
    try:
        yield
    finally:
        _command.reset(token)


def note_input(path: Path) -> None:
    """Remember a file as an input of this command, if one runs."""
    if (running := _command.get()) is not None:
        running.inputs.add(Path(os.path.realpath(path)))


def list_inputs() -> list[Path]:
    """Return the inputs of this command so far."""
    running = _command.get()
    return [] if running is None else sorted(running.inputs)


def allow_replacing() -> None:
    """Let this command, if one runs, replace files that devicekit did not write; its inputs are kept all the same."""
    if (running := _command.get()) is not None:
        running.may_replace = True


def note_settings(settings: Mapping[str, Any]) -> None:
    """Remember the settings of this command, if one runs, which folders of its results keep in their markers."""
    if (running := _command.get()) is not None:
        running.settings = dict(settings)


def settings_of_command() -> dict[str, Any] | None:
    """Return the settings of this command; None outside a command."""
    running = _command.get()
    return None if running is None else running.settings


def note_replaced(folder: Path, settings: Mapping[str, Any]) -> None:
    """Remember that the results of an earlier run in a folder are replaced, and the settings that differ."""
    if (running := _command.get()) is not None:
        running.replaced.append({"folder": str(folder), "settings": dict(settings)})


def list_replaced() -> list[dict[str, Any]]:
    """Return the folders in which this command replaced results of other settings."""
    running = _command.get()
    return [] if running is None else running.replaced


def check_apart(outputs: Mapping[str, Path], inputs: Sequence[Path] = ()) -> None:
    """Refuse outputs of one command that would replace each other, or an input, before the work for them is done.

    Raises UsageError if two of them are one file, or one is to hold the other. Raises FileError if one is an input.

    Parameters
    ----------
    outputs : mapping of str to Path
        Files and folders that are written, by the options that name them.
    inputs : sequence of Path
        Files and folders that are read.
    """
    places = {option: Path(os.path.realpath(path)) for option, path in outputs.items()}
    pairs = [(one, other) for one in places for other in places if one != other]
    for one, other in pairs:
        if places[one] in places[other].parents:
            raise UsageError(f"{other} {outputs[other]} lies in {one} {outputs[one]}: choose another folder or name")
        if _is_same(places[one], places[other]):
            raise UsageError(f"{one} and {other} are both {outputs[one]}; choose two names")
    for option, place in places.items():
        if any(_is_same(place, Path(os.path.realpath(each))) for each in inputs):
            raise FileError(f"{option} {outputs[option]} would replace an input file; choose another {option}")


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two paths, links followed, are one file; of two that do not exist yet, on any file system."""
    if exists(one) or exists(other):
        return one == other or (exists(one) and exists(other) and one.samefile(other))
    return one.parent == other.parent and one.name.casefold() == other.name.casefold()


def _target(path: Path, data: bytes | None = None, replace: bool = False, sources: Iterable[Path | str] = ()) -> Path:
    """Return the file that a path stands for, links followed, if it may be written."""
    target = Path(os.path.realpath(path))
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target
    except (OSError, ValueError) as error:
        raise FileError.of("cannot write", path, error) from error
    if stat.S_ISDIR(mode):
        raise FileError(f"cannot write {path}: it is a folder")
    if what := special(mode):
        raise FileError(f"cannot write {path}: it is {what}, not a file")
    if replace:
        return target
    running = _command.get() or _Command()
    in_python = _command.get() is None
    if _is_input(target, running.inputs | {Path(os.path.realpath(each)) for each in sources}):
        other = "another name, or pass overwrite=True" if in_python else "another out="
        raise FileError(f"{path} is an input file and would be replaced; choose {other}")
    if target in running.written and data is not None:
        if target.name in ownmark.read_marker(target.parent)["files"] or _holds(target, data):
            return target  # of a folder that is filled step by step; or nothing is lost
        raise FileError(f"{path} holds another result of this command already; choose another out=")
    if not running.may_replace and not _is_ours(target, data):
        other = "name, or pass overwrite=True" if in_python else "out=, or replace it with force=True"
        raise FileError(
            f"{path} exists and devicekit did not write it, or not as it is: it is kept; choose another {other}"
        )
    return target


def _is_input(target: Path, inputs: set[Path]) -> bool:
    return any(each == target or (exists(each) and each.samefile(target)) for each in inputs)


def check_no_input(out: Path, names: Sequence[str] | None) -> None:
    """Refuse to replace an input of this command: anything in a folder, or these files of it.

    Raises FileError if one is an input.
    """
    running = _command.get()
    inputs = running.inputs if running is not None else set()
    inside = [each for each in inputs if out in each.parents]
    if names is not None:
        targets = [out / name for name in names if (out / name).exists()]
        inside = [each for each in targets if _is_input(each, inputs)]
    if inside:
        raise FileError(f"{inside[0]} is an input file and would be replaced; choose another out=")


def _is_ours(path: Path, data: bytes | None) -> bool:
    """Tell whether devicekit wrote a file (by its mark, its folder, or just now), or nothing would be lost."""
    try:
        size = path.stat().st_size
        if _command.get() is None and _of_python.get(path) == _state(path):
            return True
        if size == 0 or ownmark.is_hdf5(path) or (data is not None and _holds(path, data)):
            return True
        marker = ownmark.read_marker(path.parent)
        if path.name in marker["files"]:
            return marker["sha256"].get(path.name) in (None, sha256(path))
        return size <= _LARGEST_MARKED and ownmark.bears(path.read_bytes(), str(path))
    except (OSError, FileError, UnicodeDecodeError):
        return False


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _holds(path: Path, data: bytes) -> bool:
    return path.stat().st_size == len(data) and path.read_bytes() == data


@contextmanager
def claimed(paths: Iterable[Path]) -> Iterator[None]:
    """Keep other commands from writing these files or folders in the meantime.

    Raises FileError if another command is writing one.
    """
    held = (_command.get() or _Command()).claimed
    with ExitStack() as stack:
        for path in paths:
            target = Path(os.path.realpath(path))
            if target not in held:
                stack.enter_context(work.claimed(target))
                stack.callback(held.discard, target)
                held.add(target)
        yield


def clear(folder: Path) -> None:
    """Restore or remove what killed commands left in a folder, once a command."""
    running = _command.get()
    if running is not None and folder not in running.cleared:
        running.cleared.add(folder)
        work.clear(folder)


def write_bytes(path: Path, data: bytes, replace: bool = False, sources: Iterable[Path | str] = ()) -> None:
    """Write a file whole or not at all; a link stays a link.

    Raises FileError if the file must be kept, the folder is missing or not writable, or the disk is full.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        Its content.
    replace : bool
        Whether it may take the place of one of the sources or inputs, or of a file that devicekit did not write.
    sources : iterable of path-like
        Files that the content comes from, beside the inputs of this command.
    """
    target = _target(Path(path), data, replace, sources)
    clear(target.parent)
    try:
        with work.work_folder(target) as new:
            new.write_bytes(data)
            os.replace(new, target)
        if (running := _command.get()) is not None:
            running.written.add(target)
        else:
            _of_python[target] = _state(target)
    except OSError as error:
        raise FileError.of("cannot write", path, error) from error


def write_text(path: Path, text: str, replace: bool = False, sources: Iterable[Path | str] = ()) -> None:
    """Write a UTF-8 text file whole or not at all (see `write_bytes`).

    A file name that is not UTF-8 may be part of the text: such characters become question marks.
    """
    write_bytes(path, text.encode("utf-8", "replace"), replace, sources)


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises FileError if the folder is missing or not writable, or the path is a folder, or a file that must be kept.
    """
    target = _target(path)
    clear(target.parent)
    try:
        with work.work_folder(target):
            pass
    except OSError as error:
        raise FileError.of("cannot write", path, error) from error


def write_json(path: Path, value: Any, replace: bool = False) -> None:
    """Write a value as strict JSON, whole or not at all."""
    write_text(path, dump_json(value), replace)


def write_results(path: Path, numbers: Mapping[str, Any], replace: bool = False) -> None:
    """Write the numbers of a result as JSON, with the mark that tells it from measured data."""
    write_json(path, {"tool": ownmark.TOOL, **numbers}, replace)
