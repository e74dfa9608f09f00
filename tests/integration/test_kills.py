"""SIGKILL at drawn moments and a full disk, over every command that writes: nothing lost, nothing half-written."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from devicekit.device.card import load_card
from devicekit.system import catalog, files, ownmark
from physics.stack import load_stack, to_toml

ROOT = Path(__file__).parents[2]
KILLS = 23  # of each command, in the heavy test: some 200 in all
ROOM = 4096  # bytes that a file may have on the full disk
TRAINS = "pulse,G (uS)\n" + "".join(f"{n},{g}\n" for n, g in enumerate([*range(10, 21), *range(19, 9, -1)]))
STUDY = 'name = "tiny"\ntask = "baseline"\nseeds = [0, 1]\n[fixed]\nhidden = 32\nclassifier = "logistic"\n'
COARSE = {"numerics.voltage_step": 0.05, "numerics.conductance_step": 0.5, "numerics.density_step": 0.2}
COMMANDS = {
    "fit": "fit trains.csv --out out.json --report out.html",
    "run": "run trains.csv --out out --epochs 1 --no-benchmark",
    "benchmark": "benchmark card.json --seeds 2 --no-attribution --no-wide --no-policy --out out",
    "calibrate": "calibrate iv.csv --rate 1 --free filament.radius=4:6 --stack stack.toml --iterations 1 --out out",
    "array": "array card.json --seeds 1 --epochs 1 --hidden 16 --wire-ohm 1 --out out",
    "study": "study tiny.toml --out out",
    "train": "train card.json --epochs 1 --set hidden=32 --no-beside --out out",
    "simulate": "simulate iv --stack stack.toml --mesh coarse --stop 0.4 --out out",
    "library": "library add card.json --library out --label lot=7",
}
SAME = {"benchmark": "benchmark.json", "array": "array.json", "study": "results.csv", "calibrate": "levels.csv"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands read, and a file of the user."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "trains.csv").write_text(TRAINS)
    (folder / "tiny.toml").write_text(STUDY)
    (folder / "mine.txt").write_text("mine")
    (folder / "stack.toml").write_text(to_toml(load_stack().replace(COARSE)))
    shutil.copy(catalog.get("pt-hfo2-al2o3-ti").folder / "card.json", folder / "card.json")
    up = np.linspace(0, 0.75, 60)
    current = np.where(np.arange(60) < 40, 1e-6 * np.exp(4 * up), 8e-5)
    rows = [f"{v},{i}" for v, i in [*zip(up, current, strict=True), *zip(up[::-1], 1e-4 * up[::-1], strict=True)]]
    (folder / "iv.csv").write_text("V (V),I (A)\n" + "\n".join(rows) + "\n")
    return folder


@dataclass(frozen=True)
class Ran:
    code: int
    err: str
    seconds: float


def run(folder: Path, command: str, kill_after: float | None = None, limited: bool = False) -> Ran:
    """Run a command in a folder, all of it killed after some time, or where no file may grow."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {"XDG_CACHE_HOME": str(folder / ".." / "cache")} if command.startswith("library") else {}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "devicekit", *command.split()],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=full if limited else None,
    )
    try:
        _, err = process.communicate(timeout=kill_after or 600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    return Ran(process.returncode, err, time.monotonic() - began)


def check_whole(folder: Path) -> None:
    """Every file that is seen is whole: JSON is valid, results are what their marker says; the user's is there."""
    assert (folder / "mine.txt").read_text() == "mine"
    for path in folder.rglob("*.json"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            json.loads(path.read_text(encoding="utf-8"))
    if (folder / "out.json").exists():
        load_card(folder / "out.json")
    if (folder / "out.html").exists():
        assert (folder / "out.html").read_text(encoding="utf-8").endswith("</html>")
    for name, checksum in ownmark.read_marker(folder / "out")["sha256"].items():
        assert files.sha256(folder / "out" / name) == checksum, name


def left(folder: Path) -> list[Path]:
    """What killed commands left that says more than that they had begun."""
    works = [path for path in folder.rglob(".*.devicekit-*") if path.is_dir()]
    return [path for path in works if path.name.endswith("-kept") or {*os.listdir(path)} & {"new", "was"}]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def kill_and_restart(lab: Path, work: Path, name: str, kills: int, seed: int) -> None:
    command, rng = COMMANDS[name], random.Random(f"{name} {seed}")
    whole = work / "whole"
    shutil.copytree(lab, whole)
    clean = run(whole, command)
    assert clean.code == 0, clean.err
    for k in range(kills):
        folder = work / f"{k}"
        shutil.copytree(whole if k % 2 else lab, folder)  # over older results, and where there are none
        before = content(folder)
        ended = run(folder, command, rng.uniform(0.05, 1.05) * clean.seconds)
        assert ended.code in (0, -signal.SIGKILL), ended.err
        check_whole(folder)
        if name != "calibrate" and k % 2:  # one that is filled step by step has them anew
            assert {*before} <= {*content(folder)}
        waiting = left(folder)
        again = run(folder, command)
        assert again.code == 0, again.err
        assert "Traceback" not in again.err
        if waiting:
            assert re.search(r"killed|going on", again.err), (waiting, again.err)
        check_whole(folder)
        assert [path for path in folder.rglob(".*.devicekit-*") if path.is_dir()] == []
        if name in SAME:
            assert (folder / "out" / SAME[name]).read_bytes() == (whole / "out" / SAME[name]).read_bytes()
        shutil.rmtree(folder)


pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["benchmark", "fit", "study"])
def test_a_few_kills(name: str, lab: Path, tmp_path: Path) -> None:
    kill_and_restart(lab, tmp_path, name, 1, seed=1)


@pytest.mark.heavy
@pytest.mark.parametrize("name", COMMANDS)
def test_kills_at_drawn_moments(name: str, lab: Path, tmp_path: Path) -> None:
    kill_and_restart(lab, tmp_path, name, KILLS, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(name: str, lab: Path, tmp_path: Path) -> None:
    folder = tmp_path / "full"
    shutil.copytree(lab, folder)
    ran = run(folder, COMMANDS[name], limited=True)
    assert ran.code == 2, ran.err
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ran.err
    assert "cannot write" in errors[0]
    assert "Traceback" not in ran.err
    check_whole(folder)
    assert [path for path in left(folder) if not path.name.endswith("-kept")] == []
    results = [path for path in content(folder) if path.startswith("out/") and "/runs/" not in path]
    done = [path for path in results if not Path(path).name.startswith(".")]
    assert all(Path(path).suffix in (".csv", ".json", ".toml") for path in done), done
