"""Folders of results, each with a marker of what devicekit wrote into it: replaced in one step, or gone on with."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from devicekit.core.errors import FileError
from devicekit.system import work
from devicekit.system.files import sha256
from devicekit.system.ownmark import MARKER, Marker, read_marker
from devicekit.system.writing import check_no_input, claimed, clear, note_replaced, settings_of_command, write_json

_logger = logging.getLogger(__name__)

_NOBODYS = {MARKER, work.LOCK_FILE, ".DS_Store", "Thumbs.db", "desktop.ini"}
_NAMED_SETTINGS = 3  # of those that differ from an earlier run, in words
_OF_FILES = (".csv", ".html", ".json", ".pdf", ".png", ".svg")  # endings that nobody gives a folder


def _files(folder: Path) -> list[str]:
    """Return files below a folder, by relative name, but for the marker and what desktops strew about."""
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


def _changed(out: Path, marker: Marker) -> list[str]:
    """Return files of ours whose content is not what the marker says."""
    sums = marker["sha256"]
    return [name for name in _files(out) if name in sums and sha256(out / name) != sums[name]]


def _sums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: sha256(folder / name) for name in names if (folder / name).is_file()}


def _is_empty(folder: Path) -> bool:
    return {*os.listdir(folder)} <= _NOBODYS - {MARKER}


def _named(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _is_left(name: str, marker: Marker) -> bool:
    """Return whether a file is of a kind that the use of a folder's files leaves there, as the folder's marker says."""
    return any(fnmatchcase(name, pattern) for pattern in marker.get("leaves", ()))


def _settings(out: Path) -> Marker:
    """Return the settings of this command for a marker; paths are relative to the folder, which may be moved."""
    found = settings_of_command()
    return {} if found is None else {"settings": {name: _setting(value, out) for name, value in found.items()}}


def _setting(value: Any, out: Path) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_setting(each, out) for each in value)
    if not isinstance(value, Path):
        return str(value)
    try:
        return Path(os.path.relpath(os.path.realpath(value), out)).as_posix()
    except ValueError:  # another drive
        return value.as_posix()


def _tell_replaced(out: Path, earlier: Marker) -> None:
    """Say that results of the same command are replaced, and which of its settings differ."""
    before, now = earlier.get("settings"), _settings(Path(os.path.realpath(out))).get("settings")
    if not isinstance(before, dict) or now is None or before == now:
        return
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    note_replaced(out, {name: {"before": before.get(name), "now": now.get(name)} for name in names})
    words = [f"{name} was {before.get(name, 'not given')}, now {now.get(name, 'not given')}" for name in names]
    more = "; ..." if len(words) > _NAMED_SETTINGS else ""
    listed = "; ".join(words[:_NAMED_SETTINGS]) + more
    _logger.warning(
        f"{out.name}: replaced the results of an earlier run with other settings: {listed}. Choose another --out to "
        "keep both."
    )


def continued_folder(
    out: Path,
    command: str,
    what: str,
    names: list[str],
    force: bool = False,
    notes: Mapping[str, str] | None = None,
    **marks: str,
) -> Path:
    """Return a folder that a command fills run by run, and goes on with when it is started again; `runs` is in it.

    Raises FileError if `out` is a file, holds anything else, or cannot be written.

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
    """
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file; out= takes a folder")
    real = Path(os.path.realpath(out))
    clear(real.parent)
    clear(real)
    clear(real / "runs")
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
    if (owner := read_marker(out)).get("command") == command and any((out / name).is_file() for name in names):
        _tell_replaced(out, owner)
    try:
        (out / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.of("cannot write", out, error) from error
    noted = {"tool": "devicekit", "command": command, **marks, **(notes or {}), **_settings(real), "files": names}
    write_json(out / MARKER, noted, True)
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

    A folder that the same command made, and to which nothing was added, is replaced whole, with a warning that names
    the settings that differ. Any other non-empty
    folder is refused; with `force` the new files are put beside the ones already there, in place of those of the
    same name. An input of this command is never replaced.

    Raises FileError if `out` is a file, holds anything else, or cannot be written.

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
    """
    out = Path(os.path.realpath(out))  # a link stays a link
    if os.path.lexists(out) and not out.is_dir():
        raise FileError(f"{out} is a file; out= takes a folder")
    if out.suffix.lower() in _OF_FILES and not out.is_dir():
        raise FileError(f"{out.name} is the name of a file; out= takes a folder, such as {out.stem}")
    clear(out.parent)
    try:
        reason = _kept_from(out, command, of)
    except OSError as error:
        raise FileError.of("cannot write", out, error) from error
    if reason and not force:
        raise FileError(f"{out} {reason}; choose another out=, or pass force=True to write into it")
    if not reason:
        check_no_input(out, None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with claimed([out]), work.work_folder(out) as new:
            new.mkdir(0o777 & ~work.umask())
            try:
                yield new
            except FileError as error:  # of what was to be in `out`
                error.message = error.message.replace(str(new), str(out))
                raise
            marker: Marker = {"tool": "devicekit", "command": command, **_settings(out), "files": _files(new)}
            if of:
                marker |= {"of": of, "leaves": list(leaves)}
            write_json(new / MARKER, {**marker, "sha256": _sums(new, marker["files"])})
            check_no_input(out, _files(new) if reason else None)
            if reason:
                with work.locked(out):
                    _merge(new, out, command)
            elif later := _kept_from(out, command, of):  # meanwhile
                raise FileError(f"{out} now {later}; start again with another out=")
            else:
                earlier = read_marker(out)
                work.put_in_place(new, out)
                _tell_replaced(out, earlier)
    except OSError as error:
        raise FileError.of("cannot write", out, error) from error


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
        both: Marker = {
            **marker,
            "files": sorted({*owner["files"], *marker["files"]}),
            "leaves": sorted({*owner["leaves"], *marker["leaves"]}),
            "sha256": {**owner["sha256"], **marker["sha256"]},
        }
        write_json(out / MARKER, both, True)
