"""Small files that took long: what is read goes with the size of a file, or one row is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROWS = "".join(f"{k / 100},{k + 1}e-6\n" for k in range(1000))
RANDOM = np.random.default_rng(0)


def _row(width: int) -> str:
    return ",".join(f"{value:.3f}" for value in RANDOM.random(width))


def _turned(width: int, rows: int) -> str:
    """A sweep whose voltages and currents are rows."""
    volts = np.abs(np.linspace(-1, 1, width))
    amps = ["I (A)," + ",".join(f"{value:.1e}" for value in volts * k) for k in range(1, rows)]
    return "\n".join(["V (V)," + ",".join(f"{value:.3f}" for value in volts), *amps]) + "\n"


FILES: dict[str, tuple[str, str]] = {
    "commas": ("V (V),I (A)\n" + ROWS + "," * 3000 + "\n", ""),
    "commas without names": (ROWS + "," * 3000 + "\n", "the columns have no names"),
    "201 cells": (ROWS + _row(201) + "\n", ""),
    "800 cells": (ROWS + _row(800) + "\n", "row 1001: found 800 cells"),
    "3000 ones": (ROWS + ",".join("1" * 3000) + "\n", "row 1001: found 3000 cells"),
    "600 names": (",".join(f"name{k}" for k in range(600)) + "\n" + ROWS, "row 1: found 600 cells"),
    "2500 columns": ("\n".join(",".join("1729"[(k + j) % 4] for k in range(2500)) for j in range(4)), ""),
    "clocks that are none": ("V (V),I (A)\n" + '"1","2\n' * 3000, ""),
    "a sweep in rows": (_turned(1000, 2), ""),
    "sweeps in rows": (_turned(100, 16), ""),
    "many sweeps in rows": (_turned(30, 60), ""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_some_kilobytes_takes_seconds_at_most(
    devicekit: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    text, words = FILES[name]
    path = tmp_path / "small.csv"
    path.write_text(text)
    assert path.stat().st_size < 25_000
    began = time.process_time()
    found = devicekit("read", path)
    assert time.process_time() - began < 5
    assert found.code in (0, 2)
    assert words in found.err
