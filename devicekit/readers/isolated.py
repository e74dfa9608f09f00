"""Foreign native parsers at work in a process of their own (`parser_process`), with limits on memory and time.

A file made to harm can make such a parser loop, panic or ask for all memory; then that process ends, not this one.
"""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
from pathlib import Path
from typing import Any

from devicekit.errors import FileError

MEMORY = 1 << 28  # bytes, plus MEMORY_A_BYTE for each byte of the file
MEMORY_A_BYTE = 64
SECONDS = 2  # of processor time, plus one for each quarter of a megabyte; a tenth of it would do
WAIT = 30  # times as long on the clock: the machine may be busy
_SCRIPT = Path(__file__).with_name("parser_process.py")


def parse(how: str, path: Path, name: str, **settings: Any) -> Any:
    """What a parser makes of a file: plain values.

    Parameters
    ----------
    how : {"workbook", "hdf5", "matlab"}
        Function of `parser_process`.
    path : Path
        The file to parse.
    name : str
        File name for messages.
    **settings
        Handed to the function.

    Raises
    ------
    FileError
        If the file is refused, or the parser ends over it.
    """
    size = path.stat().st_size
    seconds = SECONDS + (size >> 18)
    said = {"memory": MEMORY + MEMORY_A_BYTE * size, "seconds": seconds, "path": sys.path, "settings": settings}
    command = [sys.executable, "-I", "-S", str(_SCRIPT), how, str(path), json.dumps(said)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT * seconds)
    except subprocess.TimeoutExpired as error:
        raise FileError(f"{name} takes far longer to read than its size explains: refused as unsafe") from error
    except OSError as error:
        raise FileError(f"cannot read {name}: no process can be started ({error.strerror or error})") from error
    try:
        word, value = marshal.loads(done.stdout)
    except (EOFError, ValueError, TypeError) as error:  # it was ended: out of memory, out of time, or a crash
        raise FileError(
            f"{name} is damaged: its parser ended over it, or wanted more memory or time than the file's size explains"
        ) from error
    if word == "refused":
        raise FileError(f"{name} {value}")
    return value
