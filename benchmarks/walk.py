"""How many files of the project a number passes through on the way from a trace file to an accuracy.

    python benchmarks/walk.py

Counts, by `sys.setprofile`, the files whose functions `devicekit run` calls from reading the shipped example to the
accuracy of the network. The command line, reports, figures and the filament physics (which `run` simulates beside it)
are left out with all that they enter, and so is what a file does while it is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("devicekit", "physics", "snn")
LEFT_OUT = ("cli", "report", "plot", "physics")
ASIDE = re.compile(r"(devicekit/(report|plot|studies)|/physics)/|/(figures|report|plot|sections|summary)\.py$")


def counts(name: str) -> bool:
    """Whether a file of the project counts, by its path below the project's root."""
    parts = Path(name).with_suffix("").parts
    return parts[0] in PACKAGES and not set(parts) & set(LEFT_OUT)


def walk(arguments: list[str]) -> list[str]:
    """Run a command line in a folder of its own; the files that it enters, sorted."""
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app

    for package in PACKAGES:  # what a file does while it is imported is no part of the way
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    entered: set[str] = set()
    beside = 0  # calls of reports, figures and the filament that are open: what they enter is not on the way

    def see(frame, event, argument):
        nonlocal beside
        name = frame.f_code.co_filename
        if event in ("call", "return") and ASIDE.search(name):
            beside += 1 if event == "call" else -1
        elif event == "call" and not beside and frame.f_code.co_name != "<module>":
            entered.add(name)

    with tempfile.TemporaryDirectory() as folder:
        threading.setprofile(see)
        sys.setprofile(see)
        try:
            code = run_app(build_app(), [*arguments, "--out", f"{folder}/run", "--json"])
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    assert code == 0, code
    inside = (Path(name).resolve() for name in entered if name.endswith(".py"))
    found = (path.relative_to(ROOT).as_posix() for path in inside if path.is_relative_to(ROOT))
    return sorted(name for name in found if counts(name))


if __name__ == "__main__":
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        files = walk(["run", "--epochs", "1", *sys.argv[1:]])
    print("\n".join(files))
    print(f"{len(files)} files")
