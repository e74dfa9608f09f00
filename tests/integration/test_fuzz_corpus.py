"""Generated files are read correctly or with a question: all of them (heavy), and a fixed 1 % in CI."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "fuzz" / "corpus" / "run.py"
WHOLE = 10_000
CHECK = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from check_judge import check
sys.exit(check(range({first}, {first} + {number}), Path({place!r})))
"""


def run(*arguments: str) -> None:
    ran = subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-20000:] + ran.stderr


@pytest.mark.slow
def test_a_sample_of_the_corpus_is_read_correctly() -> None:
    run("--number", str(WHOLE // 100), "--seed", "1", "--recipes", "--check")


@pytest.mark.heavy
def test_the_whole_corpus_is_read_correctly() -> None:
    run("--number", str(WHOLE), "--seed", "1", "--jobs", "2", "--recipes", "--check")


def test_the_judge_finds_each_fault_in_eight_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; a fault that none of the cases can have would count as a false judgement."""
    monkeypatch.syspath_prepend(str(RUN.parent))
    before = set(sys.modules)
    try:
        assert importlib.import_module("check_judge").check(range(1, 9), tmp_path) == 0
    finally:
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == RUN.parent:
                del sys.modules[name]


@pytest.mark.slow
def test_the_judge_accepts_the_truth_and_finds_each_fault(tmp_path: Path) -> None:
    code = CHECK.format(folder=str(RUN.parent), first=1, number=60, place=str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
