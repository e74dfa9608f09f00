"""`devicekit doctor`: what is installed, where things are kept, and what stands in the way."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from devicekit.cli import terminal
from devicekit.cli.common import Json, print_json
from devicekit.core.errors import UsageError

_NEIGHBOURS = ("physics", "snn")
_PROGRAMS = {
    "ngspice": "runs the exported Verilog-A in a circuit",
    "openvaf-r": "compiles the exported Verilog-A for ngspice",
    "octave-cli": "opens the exported .mat file",
}


def _origin(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent


def foreign_neighbours() -> dict[str, str]:
    """Return packages with the names of ours that are not ours, and where they are."""
    ours = Path(__file__).resolve().parents[2]
    found = {name: _origin(name) for name in _NEIGHBOURS}
    return {name: str(place or "missing") for name, place in found.items() if place != ours / name}


def check_neighbours() -> None:
    """Refuse to go on with another package's module under one of our names.

    Raises UsageError.
    """
    for name, place in foreign_neighbours().items():
        raise UsageError(
            f"devicekit installs a package named {name}, and another one stands in its place: {place}. Install "
            "devicekit into an environment of its own: python -m venv NEW, then NEW/bin/python -m pip install devicekit"
        )


def _requirements() -> dict[str, dict[str, str | None]]:
    """Installed versions of what devicekit requires, and of what its extras add."""
    import re
    from importlib.metadata import PackageNotFoundError, requires, version

    found: dict[str, dict[str, str | None]] = {}
    for line in requires("devicekit") or ():
        parts = re.match(r"([\w.-]+)(?:\[[^]]*\])?([^;]*)(?:;(.*))?", line)
        if parts is None or (parts[3] and not re.search(r"extra == .(hdf5|cluster)", parts[3])):
            continue
        try:
            installed: str | None = version(parts[1])
        except PackageNotFoundError:
            installed = None
        found[parts[1]] = {"installed": installed, "wanted": parts[2].strip() or "any"}
    return found


def doctor_command(json_output: Json = False) -> int:
    """Report what is installed, where compiled code and data are kept, and problems.

    Add its output to a bug report. Exit code 2 if this installation cannot work.

    Example:
        devicekit doctor
    """
    import platform
    import shutil

    import pooch

    from devicekit._version import __version__
    from devicekit.system.jit import cache_folder

    places = {"compiled_code": cache_folder(), "fetched_data": Path(pooch.os_cache("devicekit"))}
    strangers = foreign_neighbours()
    report: dict[str, Any] = {
        "devicekit": {"version": __version__, "path": str(Path(__file__).parents[1])},
        "python": platform.python_version(),
        "system": platform.platform(),
        "requirements": _requirements(),
        **{name: {"path": str(path), "writable": _is_writable(path)} for name, path in places.items()},
        "programs": {name: shutil.which(name) for name in _PROGRAMS},
        "foreign_packages": strangers,
    }
    if json_output:
        print_json(report)
        return 2 if strangers else 0
    terminal.title(f"devicekit {__version__}, Python {report['python']}")
    terminal.fields([("in", report["devicekit"]["path"]), ("system", report["system"])])
    terminal.title("packages")
    rows = [
        (name, each["installed"] or "not installed", f"{each['wanted']}")
        for name, each in report["requirements"].items()
    ]
    terminal.table(("", "installed", "wanted"), rows)
    terminal.title("kept")
    compiled_again = " (not writable: compiled or fetched again each time)"
    terminal.fields(
        [
            (name.replace("_", " "), f"{path}{'' if _is_writable(path) else compiled_again}")
            for name, path in places.items()
        ]
    )
    terminal.title("optional programs")
    terminal.fields([(name, f"{report['programs'][name] or 'not found'} ({use})") for name, use in _PROGRAMS.items()])
    for name, place in strangers.items():
        terminal.error(f"the package {name} is not devicekit's: {place}")
    return 2 if strangers else 0


def _is_writable(path: Path) -> bool:
    """Return whether a folder, or its nearest existing parent, can be written to."""
    while not path.exists():
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK)
