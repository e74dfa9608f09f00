"""What a start costs: `python benchmarks/start_up.py [run fit characterize train warm] [--repeats N]`.

User CPU seconds and wall seconds of each command in a process of its own, the first time (nothing compiled: a fresh
NUMBA_CACHE_DIR) and the least of some later times. Byte code is kept in a folder of its own, and is there from the
start, as pip leaves it. `fit` is of the shipped example, `characterize` of 1000 synthetic sweeps, `train` 3 epochs.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devicekit.synthetic import records
from devicekit.system import catalog

EXAMPLE = catalog.get("pt-hfo2-al2o3-ti")


def seconds(words: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """User CPU and wall seconds of one command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "devicekit", *words], env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", default=["run", "fit", "characterize"])
    parser.add_argument("--repeats", type=int, default=3, help="later times of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweeps = records.sweeps(50, 20).frame.drop(columns=["true_v_set_v", "true_v_reset_v"])
        sweeps.to_csv(folder / "sweeps.csv", index=False)
        commands = {
            "run": ["run", "--out", "run", "--force", "--json"],
            "fit": ["fit", str(EXAMPLE.data), "--out", "card.json", "--json"],
            "characterize": ["characterize", "sweeps.csv", "--out", "dc", "--force", "--json"],
            "train": ["train", str(EXAMPLE.card), "--epochs", "3", "--no-beside", "--json"],
            "warm": ["warm", "--json"],
        }
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        print("user CPU s (wall s)       first       later")
        for command in options.commands:
            words = commands[command]
            seconds(words, {**environment, "NUMBA_CACHE_DIR": str(folder / "other")}, folder)  # byte code
            fresh = {**environment, "NUMBA_CACHE_DIR": str(folder / f"kernels-{command}")}
            first = seconds(words, fresh, folder)
            later = min(seconds(words, fresh, folder) for _ in range(options.repeats))
            print(f"{command:<20} {first[0]:6.1f} ({first[1]:3.0f}) {later[0]:6.1f} ({later[1]:3.0f})", flush=True)


if __name__ == "__main__":
    main()
