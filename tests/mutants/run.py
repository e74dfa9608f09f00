"""Tests that can fail: apply each listed mutant to a copy of the project and see that its test notices.

    python tests/mutants/run.py                    # every one, about half an hour
    python tests/mutants/run.py --share 0.02       # a fixed sample
    python tests/mutants/run.py --drawn 100        # as many drawn by script, against the tests of their package

A survivor is a number that could go wrong unseen. Drawn mutants swap an operator or a comparison, or change a number;
some change nothing that anyone could see, so survivors among them are listed, by file, to be judged.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("listed.json")
COPIED = ("devicekit", "physics", "snn", "tests", "benchmarks", "fuzz", "datasets", "docs")
FILES = ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
LONGEST = 300  # s of a test; a mutant that never ends is noticed too


class Mutant(NamedTuple):
    """One change of one file, and what must notice it."""

    file: str
    original: str
    mutated: str
    test: str


class Outcome(NamedTuple):
    """What became of a mutant: killed, survived, or not found where its original text is gone."""

    mutant: Mutant
    verdict: str


def copy(folder: Path) -> None:
    """The project without caches and compiled code."""
    ignored = shutil.ignore_patterns("__pycache__", "_build", "*.nb?", ".*_cache")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)


def judge(mutant: Mutant, folder: Path) -> Outcome:
    """Apply a mutant in a copy, run its test, and put the file back."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    if mutant.original not in text:
        return Outcome(mutant, "not found")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not heavy"]  # slow tests, too
    command = [sys.executable, "-m", "pytest", *options, *mutant.test.split()]
    path.write_text(text.replace(mutant.original, mutant.mutated), encoding="utf-8")
    try:
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        verdict = "survived" if ran.returncode == 0 else "killed" if ran.returncode == 1 else f"error {ran.returncode}"
    except subprocess.TimeoutExpired:
        verdict = "killed"
    finally:
        path.write_text(text, encoding="utf-8")
    return Outcome(mutant, verdict)


_SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.GtE, ast.LtE: ast.Gt,
    ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_AREAS = {
    "devicekit/features": "tests/unit/features",
    "devicekit/fitting": "tests/unit/fitting",
    "devicekit/readers": "tests/unit/readers",
    "devicekit/exporters": "tests/unit/exporters",
    "devicekit/device": "tests/unit/device tests/unit/snn",
    "physics": "tests/unit/physics",
    "snn": "tests/unit/snn",
}


def _changes(text: str) -> list[tuple[str, str]]:
    """Every change of one operator or number, as (statement, changed statement), where the statement stands once."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt) or hasattr(node, "body"):
            continue
        source = ast.get_source_segment(text, node)
        if source is None or text.count(source) != 1:
            continue
        for k, part in enumerate(ast.walk(node)):
            copied = ast.parse(source).body[0]
            twin = list(ast.walk(copied))[k] if k < len(list(ast.walk(copied))) else None
            if type(twin) is not type(part):
                continue
            if isinstance(twin, ast.BinOp | ast.BoolOp) and type(twin.op) in _SWAPS:
                twin.op = _SWAPS[type(twin.op)]()
            elif isinstance(twin, ast.Compare) and type(twin.ops[0]) in _SWAPS:
                twin.ops[0] = _SWAPS[type(twin.ops[0])]()
            elif isinstance(twin, ast.Constant) and isinstance(twin.value, int | float) and twin.value is not True:
                twin.value = twin.value * 2 + 1
            else:
                continue
            indent = " " * node.col_offset
            found.append((source, ast.unparse(copied).replace("\n", "\n" + indent)))
    return found


def drawn(number: int, seed: int) -> list[Mutant]:
    """Mutants drawn over the files of `_AREAS`, the same for the same seed."""
    rng = random.Random(seed)
    files = {area: sorted((ROOT / area).rglob("*.py")) for area in _AREAS}
    made: list[Mutant] = []
    while len(made) < number:
        area = rng.choice(list(_AREAS))
        file = rng.choice(files[area])
        changes = _changes(file.read_text(encoding="utf-8"))
        if changes:
            original, mutated = rng.choice(changes)
            made.append(Mutant(file.relative_to(ROOT).as_posix(), original, mutated, _AREAS[area]))
    return made


def main() -> int:
    """Run what the command line asks for; exit code 1 if a listed mutant survived or is gone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="share of the listed ones, a fixed sample")
    parser.add_argument("--drawn", type=int, default=0, help="instead, so many drawn by script")
    parser.add_argument("--seed", type=int, default=1, help="seed of the drawn ones")
    options = parser.parse_args()
    if options.drawn:
        mutants = drawn(options.drawn, options.seed)
    else:
        listed = [Mutant(**each) for each in json.loads(LISTED.read_text(encoding="utf-8"))]
        mutants = random.Random(0).sample(listed, max(round(options.share * len(listed)), 1))
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        copy(Path(folder))
        for mutant in mutants:
            verdict = judge(mutant, Path(folder)).verdict
            counts[verdict] = counts.get(verdict, 0) + 1
            if verdict != "killed":
                print(
                    f"{verdict}: {mutant.file}: {mutant.original!r} -> {mutant.mutated!r} ({mutant.test})", flush=True
                )
    print(", ".join(f"{number} {verdict}" for verdict, number in counts.items()), f"of {len(mutants)}")
    return 0 if options.drawn or set(counts) <= {"killed"} else 1


if __name__ == "__main__":
    sys.exit(main())
