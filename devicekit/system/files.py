"""Files: what is one, strict JSON, and writing so that nothing is ever half-written or lost.

A result is written under a temporary name and renamed. While a command runs (`one_command`), no file that it has read
is replaced, and no file that does not bear devicekit's mark (`devicekit.system.ownmark`), unless it may
(`allow_replacing`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from devicekit.core.errors import FileError, UsageError
from devicekit.system import ownmark, work

MARKER = ".devicekit.json"
LARGEST_JSON = 32 << 20  # bytes; a card has some 40 kB
LARGEST_TOML = 1 << 20
MOST_HASHED = 10_000  # files of a folder
# A key of parts with points between them takes a time that goes with the square of their number.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}){{50}}")
_LARGEST_MARKED = 1 << 30  # bytes; a page has some MiB
_NOBODYS = {MARKER, work.LOCK_FILE, ".DS_Store", "Thumbs.db", "desktop.ini"}
_SPECIAL = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}


@dataclass
class _Command:
    """Files that the running command has read and written, and folders searched for remains of killed commands."""

    inputs: set[Path] = field(default_factory=set)
    written: set[Path] = field(default_factory=set)
    cleared: set[Path] = field(default_factory=set)
    may_replace: bool = False


_command: ContextVar[_Command | None] = ContextVar("command", default=None)


def kind(path: Path) -> str:
    """`file` or `folder`, links followed.

    Raises
    ------
    FileError
        If there is nothing, it may not be looked at, or it is a pipe, a socket or a device.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if special := _special(mode):
        raise FileError(f"{path} is {special}, not a file. Copy its content to a file.")
    return "folder" if stat.S_ISDIR(mode) else "file"


def exists(path: Path) -> bool:
    """Return whether a path exists; False where `Path.exists` fails."""
    return os.path.exists(path)


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; False where that cannot be found out, as for a name that is too long."""
    return os.path.isdir(path)


def is_file(path: Path) -> bool:
    """Return whether a path is a file; False where that cannot be found out, as for a name that is too long."""
    return os.path.isfile(path)


def _special(mode: int) -> str | None:
    return next((what for test, what in _SPECIAL.items() if test(mode)), None)


def sha256(path: Path) -> str:
    """SHA-256 of a file, or of the sorted files of a folder (names and contents), as hex digits.

    Raises
    ------
    FileError
        If one cannot be read, or a folder holds very many.
    """
    digest = hashlib.sha256()
    try:
        inside = (child for child in path.rglob("*") if child.is_file())
        paths = [path] if path.is_file() else sorted(islice(inside, MOST_HASHED + 1))
        if len(paths) > MOST_HASHED:
            raise FileError(f"{path} holds more than {MOST_HASHED} files: name a file of it, or a smaller folder")
        for child in paths:
            if child != path:
                digest.update(os.fsencode(child.relative_to(path).as_posix()))
            with child.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    except OSError as error:
        raise FileError(f"cannot read {error.filename or path}: {error.strerror or error}") from error
    return digest.hexdigest()


def checksum(paths: Iterable[Path | str]) -> str:
    """SHA-256 of a file; of several files that of their checksums, one a line; "" if there is none."""
    each = [sha256(Path(path)) for path in paths if Path(path).exists()]
    if len(each) < 2:
        return each[0] if each else ""
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def read_text(path: Path, most: int = LARGEST_JSON) -> str:
    """The text of a UTF-8 file of at most so many bytes.

    Raises
    ------
    FileError
        If it is not a file, cannot be read, is not text, or is larger than any file of ours.
    """
    if kind(path) == "folder":
        raise FileError(f"cannot read {path}: it is a folder")
    try:
        size = path.stat().st_size
        if size > most:
            raise FileError(f"{path} has {size >> 20} MiB; devicekit makes and reads such files up to {most >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"cannot read {path}: it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path) -> Any:
    """The value of a file of strict JSON: see `read_text` and `parse_json`."""
    return parse_json(read_text(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file: see `read_text`.

    Raises
    ------
    FileError
        If it cannot be read, or is not plain TOML.
    """
    text = read_text(path, LARGEST_TOML)
    if _LONG_KEY.search(text):
        raise FileError(f"{path} is not valid TOML: a key has more than 50 parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise FileError(f"{path} is not valid TOML: its brackets are nested too deep") from error
    except ValueError as error:  # of TOML, or a whole number of thousands of digits
        raise FileError(f"{path} is not valid TOML: {error}") from error


def parse_json(text: str, name: str) -> Any:
    """The value of strict JSON: every number finite, every key once.

    Raises
    ------
    FileError
        If it is anything else; the message names the key, the number or the line.
    """

    def refuse(word: str) -> NoReturn:
        raise FileError(f"{name}: {word[:40]} is not allowed in it; every number must be finite")

    def finite(word: str) -> float:
        number = float(word)
        return number if abs(number) < float("inf") else refuse(word)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key, each in pairs:
            if key in value:
                raise FileError(f"{name}: the key {key[:80]!r} stands there twice; remove one")
            value[key] = each
        return value

    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise FileError(f"{name} is not valid JSON: {error.msg} (line {error.lineno})") from error
    except RecursionError as error:
        raise FileError(f"{name} cannot be read as JSON: its brackets are nested too deep") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise FileError(f"{name} cannot be read as JSON: a number has too many digits") from error


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


def allow_replacing() -> None:
    """Let this command, if one runs, replace files that devicekit did not write; its inputs are kept all the same."""
    if (running := _command.get()) is not None:
        running.may_replace = True


def check_apart(outputs: Mapping[str, Path], inputs: Sequence[Path] = ()) -> None:
    """Refuse outputs of one command that would replace each other, or an input, before the work for them is done.

    Parameters
    ----------
    outputs : mapping of str to Path
        Files and folders that are written, by the options that name them.
    inputs : sequence of Path
        Files and folders that are read.

    Raises
    ------
    UsageError
        If two of them are one file, or one is to hold the other.
    FileError
        If one is an input.
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


def _fail(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot write {path}: {error.strerror or error}")


def _target(path: Path, data: bytes | None = None, replace: bool = False) -> Path:
    """The file that a path stands for, links followed, if it may be written."""
    target = Path(os.path.realpath(path))
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target
    except (OSError, ValueError) as error:
        raise FileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    if stat.S_ISDIR(mode):
        raise FileError(f"cannot write {path}: it is a folder")
    if special := _special(mode):
        raise FileError(f"cannot write {path}: it is {special}, not a file")
    running = _command.get()
    if running is None or replace:
        return target
    if _is_input(target, running.inputs):
        raise FileError(f"{path} is an input file and would be replaced; choose another out=")
    if target in running.written and data is not None:
        if target.name in read_marker(target.parent)["files"] or _holds(target, data):
            return target  # of a folder that is filled step by step; or nothing is lost
        raise FileError(f"{path} holds another result of this command already; choose another out=")
    if not running.may_replace and not _is_ours(target, data):
        raise FileError(
            f"{path} exists and devicekit did not write it, or not as it is: it is kept; choose another out=, or "
            "replace it with force=True"
        )
    return target


def _is_input(target: Path, inputs: set[Path]) -> bool:
    return any(each == target or (exists(each) and each.samefile(target)) for each in inputs)


def _is_ours(path: Path, data: bytes | None) -> bool:
    """Return whether devicekit wrote an existing file (by its mark or its folder), or nothing would be lost."""
    try:
        size = path.stat().st_size
        if size == 0 or ownmark.is_hdf5(path) or (data is not None and _holds(path, data)):
            return True
        marker = read_marker(path.parent)
        if path.name in marker["files"]:
            return marker["sha256"].get(path.name) in (None, sha256(path))
        return size <= _LARGEST_MARKED and ownmark.bears(path.read_bytes(), lambda text: parse_json(text, str(path)))
    except (OSError, FileError, UnicodeDecodeError):
        return False


def _holds(path: Path, data: bytes) -> bool:
    return path.stat().st_size == len(data) and path.read_bytes() == data


def _clear(folder: Path) -> None:
    """Restore or remove what killed commands left in a folder, once a command."""
    running = _command.get()
    if running is not None and folder not in running.cleared:
        running.cleared.add(folder)
        work.clear(folder)


def write_bytes(path: Path, data: bytes, replace: bool = False) -> None:
    """Write a file whole or not at all; a link stays a link.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        Its content.
    replace : bool
        Whether it may take the place of an input of this command, or of a file that devicekit did not write.

    Raises
    ------
    FileError
        If the file must be kept, the folder is missing or not writable, or the disk is full.
    """
    target = _target(Path(path), data, replace)
    _clear(target.parent)
    try:
        with work.work_folder(target) as new:
            new.write_bytes(data)
            os.replace(new, target)
    except OSError as error:
        raise _fail(path, error) from error
    if (running := _command.get()) is not None:
        running.written.add(target)


def write_text(path: Path, text: str, replace: bool = False) -> None:
    """Write a UTF-8 text file whole or not at all (see `write_bytes`).

    A file name that is not UTF-8 may be part of the text: such characters become question marks.
    """
    write_bytes(path, text.encode("utf-8", "replace"), replace)


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises
    ------
    FileError
        If the folder is missing or not writable, or the path is a folder, or a file that must be kept.
    """
    target = _target(path)
    _clear(target.parent)
    try:
        with work.work_folder(target):
            pass
    except OSError as error:
        raise _fail(path, error) from error


def dump_json(value: Any) -> str:
    """JSON as devicekit writes it: indented, UTF-8, NaN and infinity refused."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any, replace: bool = False) -> None:
    """Write a value as strict JSON, whole or not at all."""
    write_text(path, dump_json(value), replace)


def read_marker(folder: Path) -> dict[str, Any]:
    """Notes of devicekit in a folder that it made: tool, command, files; without command and files in other folders."""
    try:
        found = read_json(folder / MARKER)
    except FileError:
        found = {}
    if not isinstance(found, dict) or found.get("tool") != "devicekit":
        found = {}
    lists = {key: found.get(key, []) for key in ("files", "leaves")}
    texts = {
        key: [each for each in held if isinstance(each, str)] if isinstance(held, list) else []
        for key, held in lists.items()
    }
    sums = found.get("sha256", {})
    return {**found, **texts, "sha256": sums if isinstance(sums, dict) else {}}


def _files(folder: Path) -> list[str]:
    """Files below a folder, by relative name, but for the marker and what desktops strew about."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return sorted(path.as_posix() for path in found if path.name not in _NOBODYS)


def _kept_from(out: Path, command: str, of: str = "") -> str | None:
    """Return why a folder must not be replaced by the results of `command`; None if it may."""
    if not out.is_dir() or _is_empty(out):
        return None
    marker = read_marker(out)
    if marker.get("command") not in (command, None):
        return f"holds the results of devicekit {marker['command']}"
    if of and marker.get("of", of) != of:
        return f"holds the results of {marker['of']}"
    there = _files(out)
    others = [name for name in there if name not in marker["files"] and not _is_left(name, marker)]
    if others or "tool" not in marker:
        return "holds files that devicekit did not make" + (f" ({_named(others)})" if others else "")
    changed = _changed(out, marker)
    return f"holds files that were changed since devicekit wrote them ({_named(changed)})" if changed else None


def _changed(out: Path, marker: dict[str, Any]) -> list[str]:
    """Files of ours whose content is not what the marker says."""
    sums = marker["sha256"]
    return [name for name in _files(out) if name in sums and sha256(out / name) != sums[name]]


def _sums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: sha256(folder / name) for name in names if (folder / name).is_file()}


def _is_empty(folder: Path) -> bool:
    return {*os.listdir(folder)} <= _NOBODYS - {MARKER}


def _named(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _is_left(name: str, marker: dict[str, Any]) -> bool:
    """Return whether a file is of a kind that the use of a folder's files leaves there, as the folder's marker says."""
    return any(fnmatchcase(name, pattern) for pattern in marker.get("leaves", ()))


def _check_inputs(out: Path, names: list[str] | None) -> None:
    """Refuse to replace an input of this command: anything in `out`, or these files of it."""
    running = _command.get()
    inputs = running.inputs if running is not None else set()
    inside = [each for each in inputs if out in each.parents]
    if names is not None:
        targets = [out / name for name in names if (out / name).exists()]
        inside = [each for each in targets if _is_input(each, inputs)]
    if inside:
        raise FileError(f"{inside[0]} is an input file and would be replaced; choose another out=")


def continued_folder(
    out: Path,
    command: str,
    what: str,
    names: list[str],
    force: bool = False,
    notes: Mapping[str, str] | None = None,
    **marks: str,
) -> Path:
    """A folder that a command fills run by run, and goes on with when it is started again; `runs` is in it.

    Parameters
    ----------
    out : path
        Made if it does not exist.
    command : str
        Whose folder it is.
    what : str
        The same for people: "the study 'widths'".
    names : list of str
        What the command writes into it; `finish_folder` notes their content.
    force : bool
        Take a folder that holds something else, or results that were changed.
    notes : mapping of str to str, optional
        What else is noted in it.
    **marks
        What else must be noted in a folder of it.

    Raises
    ------
    FileError
        If `out` is a file, holds anything else, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file; out= takes a folder")
    real = Path(os.path.realpath(out))
    _clear(real.parent)
    _clear(real)
    _clear(real / "runs")
    if out.is_dir() and not _is_empty(out):
        owner = read_marker(out)
        if not force and any(owner.get(name) != value for name, value in {"command": command, **marks}.items()):
            raise FileError(
                f"{out} is not a folder of {what}; choose another out=, or pass force=True to write into it"
            )
        if not force and (changed := _changed(out, owner)):
            raise FileError(
                f"{out} holds results that were changed since devicekit wrote them ({_named(changed)}); choose another "
                "out=, or pass force=True to replace them"
            )
    try:
        (out / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot write {out}: {error.strerror}") from error
    write_json(out / MARKER, {"tool": "devicekit", "command": command, **marks, **(notes or {}), "files": names}, True)
    return out


def finish_folder(out: Path, names: Iterable[str]) -> None:
    """Note what the results of these names in a `continued_folder` are: one that is changed later is not replaced."""
    marker = {name: value for name, value in read_marker(out).items() if name != "leaves"}
    write_json(out / MARKER, {**marker, "sha256": _sums(out, names)}, True)


@contextmanager
def result_folder(
    out: Path, command: str, force: bool = False, of: str = "", leaves: Iterable[str] = ()
) -> Iterator[Path]:
    """A folder to write results into, which replaces `out` in one step when the block ends well.

    A folder that the same command made, and to which nothing was added, is replaced whole. Any other non-empty
    folder is refused; with `force` the new files are put beside the ones already there, in place of those of the
    same name. An input of this command is never replaced.

    Parameters
    ----------
    out : Path
    command : str
        Whose results it holds.
    force : bool
        Write into a folder that holds something else, or results that were changed.
    of : str
        What the results are of, where another one's are to be kept too.
    leaves : iterable of str
        Patterns of names below `out`: what the use of the results leaves there, which goes with them.

    Raises
    ------
    FileError
        If `out` is a file, holds anything else, or cannot be written.
    """
    out = Path(os.path.realpath(out))  # a link stays a link
    if os.path.lexists(out) and not out.is_dir():
        raise FileError(f"{out} is a file; out= takes a folder")
    _clear(out.parent)
    try:
        reason = _kept_from(out, command, of)
    except OSError as error:
        raise _fail(out, error) from error
    if reason and not force:
        raise FileError(f"{out} {reason}; choose another out=, or pass force=True to write into it")
    if not reason:
        _check_inputs(out, None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with work.work_folder(out) as new:
            new.mkdir(0o777 & ~work.umask())
            try:
                yield new
            except FileError as error:  # of what was to be in `out`
                error.message = error.message.replace(str(new), str(out))
                raise
            marker: dict[str, Any] = {"tool": "devicekit", "command": command, "files": _files(new)}
            if of:
                marker |= {"of": of, "leaves": list(leaves)}
            write_json(new / MARKER, {**marker, "sha256": _sums(new, marker["files"])})
            _check_inputs(out, _files(new) if reason else None)
            if reason:
                with work.locked(out):
                    _merge(new, out, command)
            elif later := _kept_from(out, command, of):  # meanwhile
                raise FileError(f"{out} now {later}; start again with another out=")
            else:
                work.put_in_place(new, out)
    except OSError as error:
        raise _fail(out, error) from error


def _of_both(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The marker of a folder of the same command into which other results of it were written."""
    lists = {key: sorted({*old[key], *new[key]}) for key in ("files", "leaves")}
    return {**new, **lists, "sha256": {**old["sha256"], **new["sha256"]}}


def _merge(new: Path, out: Path, command: str) -> None:
    """Put results beside what a folder holds, which stays its owner's."""
    for name in _files(new):
        for path in (out / name, *(out / name).parents):
            if path == out:
                break
            if path.exists() and path.is_dir() == (path == out / name):
                raise FileError(f"{path} is in the way of {out / name}; nothing was written")
    marker = read_marker(new)
    for child in sorted(new.rglob("*")):
        target = out / child.relative_to(new)
        if child.is_dir():
            target.mkdir(exist_ok=True)
        elif child.name != MARKER:
            os.replace(child, target)
    if (owner := read_marker(out)).get("command") == command:
        write_json(out / MARKER, _of_both(owner, marker), True)
