"""`devicekit` and `python -m devicekit`: one command, with what an interrupt must not leave behind."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys

INTERRUPTED = 130  # exit code
OBJECTS_ADDED = 100_000  # between two looks for garbage; every 700, as usual, they take 3 % of a command


def _quiet(found: sys.UnraisableHookArgs) -> None:
    """Say nothing of an interrupt that falls into a callback of a library, or into the end of the process."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)


def _leave(code: list[str | int | None]) -> None:
    """End the process without freeing its memory piece by piece, which takes seconds after compiled code was loaded.

    It is the last exit function. What cannot be flushed, and a code that is a message, are left to the usual end.
    """
    if not code or isinstance(code[0], str):
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit((code[0] or 0) & 0xFF)


def main() -> None:
    """Entry point of the `devicekit` command."""
    ended: list[str | int | None] = []
    count = getattr(atexit, "_ncallbacks", None)  # of CPython
    if count is not None and not count():  # else exit functions of another program would be left out
        atexit.register(_leave, ended)
    sys.unraisablehook = _quiet
    gc.set_threshold(OBJECTS_ADDED, 20, 20)
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:  # an interrupt while the imports run ends the process at once, without a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from devicekit.cli import main as command
    from devicekit.system import workers

    if hasattr(sys.stdout, "reconfigure"):  # a file name that is not UTF-8 can be printed
        sys.stdout.reconfigure(errors="backslashreplace")
    code: str | int | None = INTERRUPTED
    try:
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        command()
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:
        pass
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
        workers.end_workers()
    ended.append(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
