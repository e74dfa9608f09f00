"""`devicekit` and `python -m devicekit`: one command, with what an interrupt must not leave behind."""

from __future__ import annotations

import gc
import signal
import sys

INTERRUPTED = 130  # exit code
OBJECTS_ADDED = 100_000  # between two looks for garbage; every 700, as usual, they take 3 % of a command


def _quiet(found: sys.UnraisableHookArgs) -> None:
    """Say nothing of an interrupt that falls into a callback of a library, or into the end of the process."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)


def main() -> None:
    """Entry point of the `devicekit` command."""
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
    sys.exit(code)


if __name__ == "__main__":
    main()
