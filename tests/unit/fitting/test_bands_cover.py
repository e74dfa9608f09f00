"""Bands, posterior and advice on truths from a generator of their own: the whole tables (heavy), and a few in CI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def run(script: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_a_sample_of_the_bands_covers() -> None:
    printed = run("bands.py", "--truths", "8", "--laws", "eq2,softbounds", "--cycles", "1,3", "--jobs", "1", "--check")
    assert printed.count("cycle rate 5 %") == 4


@pytest.mark.heavy
def test_every_band_covers() -> None:
    run("bands.py", "--check")


@pytest.mark.heavy
def test_ranks_of_truths_among_draws_are_uniform() -> None:
    run("calibration.py", "200")
