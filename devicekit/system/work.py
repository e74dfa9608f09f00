"""Hidden work folders beside what is written, locks between processes, and names that are exchanged in one step.

A work folder `.NAME.devicekit-XXXXXXXX` holds `lock`, held while its process lives, `new`, what is being written, and
for a moment `was`, what that takes the place of. What a killed process left is restored or removed by the next one.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.errors import FileError

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = ".devicekit.lock"  # of a folder whose files are changed by several processes
PATIENCE = 60.0  # s to wait for another process
_LOCK, _NEW, _WAS = "lock", "new", "was"
_CLAIM = "claimed_"  # in the name of a work folder that a running command holds for what it will write
_LONGEST_STEM = 40  # characters of a name that the name of its work folder repeats
_NAME = re.compile(r"\.(?P<stem>.*)\.devicekit-[a-z0-9_]{8}", re.DOTALL)
_TRIES = 8  # of a work folder that another process cleared before it was locked
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_HERE = -100  # AT_FDCWD
_logger = logging.getLogger(__name__)


def umask() -> int:
    """Give the bits that new files of this process do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _lock(path: Path) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(path, mode=0o666)  # whoever may write into the folder may wait for it


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of the same block for a folder; what a killed one held is free again.

    Raises FileError if the folder cannot be written, or another process does not leave it for a minute.
    """
    from filelock import Timeout

    lock = _lock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise FileError(f"another process has been writing into {folder} for {PATIENCE:g} s: try again") from None
    except (OSError, NotImplementedError) as error:
        raise FileError.of("cannot write", folder, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Keep another command from working on the same result; what a killed one claimed is free again.

    Raises FileError if another command works on it.
    """
    from filelock import Timeout

    folder = target.parent / f".{target.name[:_LONGEST_STEM]}.devicekit-{_CLAIM}"
    lock = _lock(folder / _LOCK)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise FileError(f"another command is writing {target}: wait until it ends, or choose another out=") from None
    except (OSError, NotImplementedError):  # a folder that is missing or may not be written: for the caller to say
        yield
        return
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)  # where a file that is open stays


@contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """Make a hidden folder beside `target` for what will take its name; yield the path `new` in it.

    It is removed when the block ends, however it ends.

    Raises OSError if it cannot be made.
    """
    folder, lock = _born(target)
    try:
        yield folder / _NEW
    finally:  # after an interrupt too
        _empty(folder)
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def _born(target: Path) -> tuple[Path, BaseFileLock]:
    """Return a new work folder and its lock, held; another process may clear it before it is locked."""
    from filelock import Timeout

    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:_LONGEST_STEM]}.devicekit-"))
        lock = _lock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, FileNotFoundError):
            continue
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if (folder / _LOCK).exists():
            return folder, lock
        lock.release()
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _empty(folder: Path) -> None:
    """Remove what a work folder holds, but for the lock."""
    for child in (folder / _NEW, folder / _WAS):
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        else:
            with suppress(OSError):
                child.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Restore or remove what killed processes left in a folder, and log a line of each."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if ".devicekit-" in entry.name and entry.is_dir()]
    except OSError:
        return
    for name in sorted(found):
        match = _NAME.fullmatch(name)
        if match and _is_ours(folder / name):
            _clear(folder / name, match["stem"])


def _is_ours(work: Path) -> bool:
    try:
        own = not hasattr(os, "getuid") or work.lstat().st_uid == os.getuid()
        return own and not work.is_symlink() and {*os.listdir(work)} <= {_LOCK, _NEW, _WAS}
    except OSError:
        return False


def _clear(work: Path, stem: str) -> None:
    if not (work / _LOCK).exists():  # being made, or left as it was made
        with suppress(OSError):
            work.rmdir()
        return
    from filelock import Timeout

    lock = _lock(work / _LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        return  # its process lives
    try:
        restored = _restore(work)
        left = (work / _NEW).exists()
        _empty(work)
    except OSError as error:
        _logger.warning(f"{work} holds what a killed command replaced: {error.strerror or error}")
        return
    finally:
        lock.release()
    shutil.rmtree(work, ignore_errors=True)
    for path in restored:
        _logger.warning(f"{path} was restored: a command was killed while it replaced it")
    if left and not restored:
        _logger.warning(f"{work.parent / stem}: what a killed command had not finished was removed")


def _restore(work: Path) -> list[Path]:
    """Put back what was taken away and has no successor."""
    restored = []
    for child in (work / _WAS).iterdir() if (work / _WAS).is_dir() else ():
        target = work.parent / child.name
        if not os.path.lexists(target):
            os.replace(child, target)
            restored.append(target)
    return restored


def put_in_place(new: Path, out: Path) -> None:
    """Give a folder of a work folder its name; what had that name stays in the work folder, and goes with it.

    Where the system cannot exchange two names in one step there is a moment with neither.
    """
    if not os.path.lexists(out):
        os.replace(new, out)
        return
    if exchange(new, out):
        return
    was = new.parent / _WAS
    was.mkdir()
    try:
        os.replace(out, was / out.name)
        os.replace(new, out)
    finally:  # after an interrupt too
        if not os.path.lexists(out) and (was / out.name).exists():
            os.replace(was / out.name, out)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot.

    Raises OSError if they may not be exchanged.
    """
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(*names, _SWAP)
    elif sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_HERE, names[0], _HERE, names[1], _SWAP)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM):
        return False
    raise OSError(number, os.strerror(number), str(one))
