"""Files that are read: what is one, its checksum, its text, strict JSON and TOML."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from devicekit.core.errors import FileError

LARGEST_JSON = 32 << 20  # bytes; a card has some 40 kB
LARGEST_TOML = 1 << 20
MOST_HASHED = 10_000  # files of a folder
# A key of parts with points between them takes a time that goes with the square of their number.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}){{50}}")
_SPECIAL = {stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device", stat.S_ISBLK: "a device"}


PACKED = {".gz", ".bz2", ".xz", ".zip", ".zst"}


def stem(path: Path) -> str:
    """Return the name of a file without its ending, packed or not: sweeps for sweeps.csv.gz; of a folder its name."""
    bare = Path(path.name if path.name not in ("", ".", "..") else path.resolve().name)
    if is_folder(path):
        return bare.name
    return (Path(bare.stem) if bare.suffix.lower() in PACKED else bare).stem


ADDRESS = ("http:/", "https:/", "ftp:/")  # where nothing is read from


def kind(path: Path) -> str:
    """`file` or `folder`, links followed.

    Raises FileError if there is nothing, it may not be looked at, or it is a pipe, a socket or a device.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        if str(path).startswith(ADDRESS):
            raise FileError(f"{path} is an address. Download the file first.") from None
        link = f" links to {os.readlink(path)}, which" if os.path.islink(path) else ""
        raise FileError(f"{path}{link} does not exist") from None
    except (OSError, ValueError) as error:
        raise FileError.of("cannot read", path, error) from error
    if what := special(mode):
        raise FileError(f"{path} is {what}, not a file. Copy its content to a file.")
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


def special(mode: int) -> str | None:
    """Return what a path of such a mode is, if it is neither a file nor a folder: "a pipe", "a socket", "a device"."""
    return next((what for test, what in _SPECIAL.items() if test(mode)), None)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the sorted files of a folder (names and contents), as hex digits.

    Raises FileError if one cannot be read, or a folder holds very many.
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
        raise FileError.of("cannot read", error.filename or path, error) from error
    return digest.hexdigest()


def checksum(paths: Iterable[Path | str]) -> str:
    """Return the SHA-256 of a file; of several files that of their checksums, one a line; "" if there is none."""
    each = [sha256(Path(path)) for path in paths if Path(path).exists()]
    if len(each) < 2:
        return each[0] if each else ""
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


def read_text(path: Path, most: int = LARGEST_JSON) -> str:
    """Read the text of a UTF-8 file of at most so many bytes.

    Raises FileError if it is not a file, cannot be read, is not text, or is larger than any file of ours.
    """
    if kind(path) == "folder":
        raise FileError(f"cannot read {path}: it is a folder")
    try:
        size = path.stat().st_size
        if size > most:
            raise FileError(f"{path} has {size >> 20} MiB; devicekit makes and reads such files up to {most >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError.of("cannot read", path, error) from error
    except UnicodeDecodeError as error:
        raise FileError(f"cannot read {path}: it is not UTF-8 text (byte {error.start})") from error


def read_json(path: Path) -> Any:
    """Read a file of strict JSON: see `read_text` and `parse_json`."""
    return parse_json(read_text(path), str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read the tables of a TOML file: see `read_text`.

    Raises FileError if it cannot be read, or is not plain TOML.
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
    """Parse strict JSON: every number finite, every key once.

    Raises FileError if it is anything else; the message names the key, the number or the line.
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


def dump_json(value: Any) -> str:
    """Return JSON as devicekit writes it: indented, UTF-8, NaN and infinity refused."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
