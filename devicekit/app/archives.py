"""Zip archives of a folder: unpacked into a folder of the app, within limits, with no path outside."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

from devicekit.app.security import clean_file_name, clean_path
from devicekit.core.errors import FileError
from devicekit.core.text import count
from devicekit.population.opening import MOST_FILES

ENDING = ".zip"
_WORKBOOK = "[Content_Types].xml"  # an archive with it is one file
_BESIDE = "__MACOSX"  # folder that one system adds
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError)


def is_archive(path: Path) -> bool:
    """Return whether a file is to be unpacked, by its name."""
    return path.suffix.lower() == ENDING


def unpack(archive: Path, folder: Path, name: str, size_limit: int) -> Path | None:
    """Unpack the files of a folder; return the folder, the only file, or None if the archive is itself a format.

    A folder that holds everything in the archive gives its name, else the archive does. Hidden files and links are
    left out.

    Raises FileError if the archive is damaged or encrypted, too large, holds paths outside it, one name twice, or no
    file.

    Parameters
    ----------
    archive : Path
    folder : Path
        In which the folder is made.
    name : str
        Name of the archive.
    size_limit : int
        Largest size of all files together [bytes].
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            if _WORKBOOK in opened.namelist():
                return None
            items = [(item, clean_path(quote(item.filename), name)) for item in opened.infolist() if not item.is_dir()]
            items = [(item, path) for item, path in items if not _is_left_out(item)]
            _check(items, folder, name, size_limit)
            if len(items) == 1 and len(items[0][1].parts) == 1:
                top = folder
            else:
                tops = {path.parts[0] for _, path in items}
                is_one = len(tops) == 1 and all(len(path.parts) > 1 for _, path in items)
                top = folder if is_one else folder / clean_file_name(quote(Path(name).stem))
            for item, path in items:
                _write(opened, item, top / path, name)
    except _DAMAGED as error:
        raise FileError(f"{name} is not a zip archive, or is damaged. Pack the folder again.") from error
    except NotImplementedError as error:
        raise FileError(f"{name} is packed in an unknown way. Unpack it, and open the folder.") from error
    except OSError as error:  # such as no space left, or a file and a folder of one name
        raise FileError.of("Cannot unpack", name, error) from error
    return folder / items[0][1].parts[0] if top == folder else top


def _is_left_out(item: zipfile.ZipInfo) -> bool:
    """Return whether an entry is hidden, or a link."""
    parts = item.filename.replace("\\", "/").split("/")
    return any(each.startswith((".", _BESIDE)) for each in parts) or stat.S_ISLNK(item.external_attr >> 16)


def _check(items: list[tuple[zipfile.ZipInfo, Path]], folder: Path, name: str, size_limit: int) -> None:
    """Refuse an archive before anything is written; no entry unpacks to more than its size."""
    if not items:
        raise FileError(f"{name} holds no files.")
    if len(items) > MOST_FILES:
        raise FileError(f"{name} holds {len(items)} files; at most {MOST_FILES}. Pack fewer.")
    if any(item.flag_bits & 1 for item, _ in items):
        raise FileError(f"{name} has a password. Unpack it, and open the folder.")
    total = sum(item.file_size for item, _ in items)
    if total > size_limit:
        limit = f"{size_limit / 2**30:.3g} GiB"
        raise FileError(f"{name} unpacks to {total / 2**30:.3g} GiB; at most {limit}. Use the command line.")
    if total > (free := shutil.disk_usage(folder).free):
        raise FileError(f"{name} unpacks to {total / 2**30:.3g} GiB; {free / 2**30:.3g} GiB are free on the disk.")
    if twice := len(items) - len({path for _, path in items}):
        raise FileError(f"{name} holds {count(twice, 'file')} twice by name. Pack the folder again.")


def _write(opened: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with opened.open(item) as source, target.open("xb") as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
    except FileExistsError:  # names that differ in capitals alone, on some systems
        raise FileError(f"{name} holds two files named {target.name}. Rename one.") from None
