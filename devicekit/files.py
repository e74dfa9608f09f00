"""Writing results so that nothing is ever half-written: temporary names, then one rename."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devicekit.errors import FileError

MARKER = ".devicekit.json"
_NOBODYS = {MARKER, ".DS_Store", "Thumbs.db", "desktop.ini"}


def sha256(path: Path) -> str:
    """SHA-256 of a file, or of the sorted files of a folder (names and contents), as hex digits."""
    digest = hashlib.sha256()
    paths = [path] if path.is_file() else sorted(child for child in path.rglob("*") if child.is_file())
    for child in paths:
        if child != path:
            digest.update(child.relative_to(path).as_posix().encode())
        with child.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _fail(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot write {path}: {error.strerror or error}")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    FileError
        If the folder is missing or not writable, or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise _fail(path, error) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all (see `write_bytes`).

    A file name that is no UTF-8 may be part of the text: what cannot be written of it becomes a question mark.
    """
    write_bytes(path, text.encode("utf-8", "replace"))


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises
    ------
    FileError
        If the folder is missing or not writable, or the path is a folder.
    """
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise _fail(path, error) from error


def dump_json(value: Any) -> str:
    """JSON as devicekit writes it: indented, UTF-8, NaN and infinity refused."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write a value as strict JSON, whole or not at all."""
    write_text(path, dump_json(value))


def read_marker(folder: Path) -> dict[str, Any]:
    """What devicekit noted in a folder that it made: tool, command and files; empty for any other folder."""
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _files(folder: Path) -> list[str]:
    """Files below a folder, by relative name, but for the marker and what desktops strew about."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return sorted(path.as_posix() for path in found if path.name not in _NOBODYS)


def _kept_from(out: Path, command: str) -> str | None:
    """Why a folder must not be replaced by the results of `command`; None if it may."""
    if not out.is_dir() or not any(out.iterdir()):
        return None
    marker = read_marker(out)
    if marker.get("command") not in (command, None):
        return f"holds the results of devicekit {marker['command']}"
    others = sorted(set(_files(out)) - set(marker.get("files", ())))
    if marker and not others:
        return None
    named = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return "holds files that devicekit did not make" + (f" ({named})" if named else "")


@contextmanager
def result_folder(out: Path, command: str, force: bool = False) -> Iterator[Path]:
    """A folder to write results into, which replaces `out` in one step when the block ends well.

    A folder that the same command made, and to which nothing was added, is replaced whole. Any other non-empty
    folder is refused; with `force` the new files are put beside the ones already there, in place of those of the
    same name.

    Raises
    ------
    FileError
        If `out` is a file, holds anything else, or cannot be written.
    """
    out = Path(out).resolve()  # a link stays a link
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file; out= takes a folder")
    reason = _kept_from(out, command)
    if reason and not force:
        raise FileError(f"{out} {reason}; choose another out=, or pass force=True to write into it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise _fail(out, error) from error
    try:
        work.chmod(0o777 & ~_umask())
        yield work
        write_json(work / MARKER, {"tool": "devicekit", "command": command, "files": _files(work)})
        if reason:
            _merge(work, out)
        else:
            _swap(work, out)
    except OSError as error:
        raise _fail(out, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _merge(work: Path, out: Path) -> None:
    for name in _files(work):
        for path in (out / name, *(out / name).parents):
            if path == out:
                break
            if path.exists() and path.is_dir() == (path == out / name):
                raise FileError(f"{path} is in the way of {out / name}; nothing was written")
    for child in sorted(work.rglob("*")):
        target = out / child.relative_to(work)
        if child.is_dir():
            target.mkdir(exist_ok=True)
        elif child.name != MARKER:  # the folder stays its owner's
            os.replace(child, target)


def _swap(work: Path, out: Path) -> None:
    if not out.exists():
        os.replace(work, out)
        return
    old = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.old."))
    try:
        os.replace(out, old / "was")
        try:
            os.replace(work, out)
        except OSError:
            os.replace(old / "was", out)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
