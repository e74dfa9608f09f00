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
    """Write a UTF-8 text file whole or not at all (see `write_bytes`)."""
    write_bytes(path, text.encode("utf-8"))


def dump_json(value: Any) -> str:
    """JSON as devicekit writes it: indented, UTF-8, NaN and infinity refused."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write a value as strict JSON, whole or not at all."""
    write_text(path, dump_json(value))


def _is_ours(folder: Path) -> bool:
    return (folder / MARKER).is_file()


@contextmanager
def result_folder(out: Path, command: str, force: bool = False) -> Iterator[Path]:
    """A folder to write results into, which replaces `out` in one step when the block ends well.

    A folder that devicekit made before is replaced whole. Any other non-empty folder is refused; with
    `force` the new files are put beside the ones already there.

    Raises
    ------
    FileError
        If `out` is a file, is a folder that devicekit did not make, or cannot be written.
    """
    out = Path(out).absolute()
    if out.exists() and not out.is_dir():
        raise FileError(f"{out} is a file; --out takes a folder")
    foreign = out.is_dir() and any(out.iterdir()) and not _is_ours(out)
    if foreign and not force:
        raise FileError(
            f"{out} holds files that devicekit did not make; choose another --out, or pass --force to add to it"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise _fail(out, error) from error
    try:
        work.chmod(0o777 & ~_umask())
        yield work
        write_json(work / MARKER, {"tool": "devicekit", "command": command})
        if foreign:
            _merge(work, out)
        else:
            _swap(work, out)
    except OSError as error:
        raise _fail(out, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _merge(work: Path, out: Path) -> None:
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
