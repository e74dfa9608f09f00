"""The listed mutants are noticed by the tests: all of them (heavy), and a fixed 1 % in CI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"


def run(*arguments: str) -> None:
    ran = subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_a_sample_of_the_mutants_is_noticed() -> None:
    run("--share", "0.01")


@pytest.mark.heavy
def test_every_mutant_is_noticed() -> None:
    run()


def test_every_listed_mutant_still_has_its_code() -> None:
    listed = json.loads((RUN.parent / "listed.json").read_text(encoding="utf-8"))
    root = RUN.parents[2]
    gone = [each for each in listed if each["original"] not in (root / each["file"]).read_text(encoding="utf-8")]
    assert not gone
