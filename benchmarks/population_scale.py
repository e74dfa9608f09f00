"""Time and memory of `devicekit population` on thousands of files: `python benchmarks/population_scale.py FOLDER`.

Writes 10,000 SYNTHETIC files of 70 kB into FOLDER (once), reads them with two processes, and prints seconds, the
largest memory of any process and of all together, and the load of the machine before.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from devicekit.synthetic.wafers import HEAD

CYCLES, ROWS, SHAPES = 9, 1080, 400


def write(folder: Path, number: int) -> None:
    """Write so many files: set and reset of cells of 20 files each, of some hundred shapes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    up = np.linspace(0.0, 3.0, ROWS // 2)
    v = np.concatenate([up, up[::-1]])
    bodies: dict[str, list[str]] = {"set": [], "reset": []}
    for step, sign, before, after in (("set", 1.0, 1e-7, 1e-3), ("reset", -1.0, 1e-3, 1e-7)):
        for at in rng.normal(2.0 if step == "set" else 1.2, 0.25, SHAPES):
            g = np.where(np.maximum.accumulate(v >= at), after, before)
            i = sign * np.minimum(g * v, 1e-4 if step == "set" else 1.0) + 1e-10 * rng.standard_normal(v.size)
            rows = zip(0.01 * np.arange(v.size), -i, np.zeros(v.size), i, sign * v, strict=True)
            text = "\n".join(",".join(f"{each:.8E}" for each in row) for row in rows)
            bodies[step].append(f"Time,BI,BV,AI,AV\n{text}\n")
    for k in range(number):
        cell, file = divmod(k, 20)
        step = "set" if file % 2 == 0 else "reset"
        name = f"W{1 + cell // 250}_D{1 + cell // 25 % 10}_C{1 + cell % 25}_{step}_{file:03d}_100uA.csv"
        if step == "reset":
            name = name.replace("100uA", "10mA")
        body = bodies[step][int(rng.integers(SHAPES))]
        (folder / name).write_text(f"{HEAD}\nfile {k}\n{body}")


def memory(root: int) -> tuple[float, float]:
    """Return the memory of the largest of a process and its children, and of all [MB]."""
    sizes = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text().rpartition(")")[2].split()
            rss = int((path / "statm").read_text().split()[1]) * resource.getpagesize() / 1e6
        except OSError:
            continue
        sizes[int(path.name)] = (int(words[1]), rss)
    tree = {root}
    for _ in range(4):
        tree |= {pid for pid, (parent, _) in sizes.items() if parent in tree}
    own = [sizes[pid][1] for pid in tree if pid in sizes]
    return max(own, default=0.0), sum(own)


def main() -> None:
    """Write the files if they are missing, run the command, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    data, out = given.folder / f"files-{given.files}", given.folder / "result"
    if not data.exists():
        write(data, given.files)
    shutil.rmtree(out, ignore_errors=True)
    print("load before:", *(f"{each:.1f}" for each in os.getloadavg()))
    line = [sys.executable, "-m", "devicekit", "population", str(data), "--accept", "--jobs", str(given.jobs)]
    start, top = time.perf_counter(), [0.0, 0.0]
    process = subprocess.Popen([*line, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def watch() -> None:
        while process.poll() is None:
            for k, size in enumerate(memory(process.pid)):
                top[k] = max(top[k], size)
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    watcher.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"exit {code}: {given.files} files in {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processors")
    print(f"memory: {top[0]:.0f} MB of the largest process, {top[1]:.0f} MB of all")


if __name__ == "__main__":
    main()
