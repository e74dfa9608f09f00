"""Regular expressions of recipes and options: their matches, and limits of time."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import DevicekitError, UsageError
from devicekit.library.rows import natural
from devicekit.readers import isolated, read
from devicekit.readers.layout import matches_pattern

ROWS = "V (V),I (A)\n" + "".join(f"{k / 10},{k}e-6\n" for k in [*range(10), *range(10, -1, -1)])
NAMES = ("a" * 40 + "-1", "a" * 40 + "-2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sweeps with long names."""
    made = tmp_path / "sweeps"
    made.mkdir()
    for name in NAMES:
        (made / f"{name}.csv").write_text(ROWS)
    return made


@pytest.mark.parametrize(
    ("way", "pattern"),
    [
        ("--recipe", "^((a+)+)+$"),
        pytest.param("--key", "(a|aa)+$", marks=pytest.mark.slow),
        pytest.param("--key", ".*.*.*.*.*.*.*.*.*.*.*.*.*x", marks=pytest.mark.slow),
    ],
)
def test_a_slow_pattern_is_an_error(
    devicekit: Callable[..., Any], tmp_path: Path, folder: Path, pattern: str, way: str
) -> None:
    (tmp_path / "r.toml").write_text(f"[recipe]\nversion = 1\n[keys]\nfiles_are = 'devices'\ndevice = '{pattern}'\n")
    options = ["--recipe", tmp_path / "r.toml"] if way == "--recipe" else ["--key", f"device={pattern}"]
    began = time.process_time()
    found = devicekit("read", folder, *options)
    assert time.process_time() - began < 10  # of this process; the other is ended after as much
    assert found.code == 2
    assert f"--key {shlex.quote(f'device={pattern}')} takes too long" in found.err
    assert "repeat" in found.err


@pytest.mark.slow
def test_a_slow_pattern_is_an_error_for_places_too(devicekit: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 60}.csv").write_text(ROWS)
    words = ["library", "add", tmp_path / f"{'a' * 60}.csv", "--library", tmp_path / "l"]
    found = devicekit(*words, "--place-from", "(?P<wafer>(a+)+)$")
    assert found.code == 2
    assert "'aaaa" in found.err
    assert "repeat" in found.err


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("a(", "regular expression"),
        ("a{99999999999999999999}", "regular expression"),
        ("(" * 240 + "a" + ")" * 240, "key="),
        ("a" * 5000, "500"),
    ],
)
def test_an_invalid_pattern_is_refused(folder: Path, pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        read(folder, key={"device": pattern})
    assert len(str(caught.value)) < 1000


def test_matches_of_a_pattern(folder: Path) -> None:
    assert read(folder, key={"device": r"-(\d)$"}).devices == ["1", "2"]
    found = isolated.search(r"(a)(?P<x>b)?", ("-ab", "a\udcff", "c"), "key=")
    assert found == [("ab", ("a", "b"), {"x": "b"}), ("a", ("a", None), {"x": None}), None]


def test_a_star_matches_anything_quickly() -> None:
    assert matches_pattern("abc", "a*c")
    assert matches_pattern("ac", "a*c")
    assert matches_pattern("a\nb", "*")
    assert matches_pattern("x1y2z", "x*y*z")
    assert not matches_pattern("a", "a*a")
    assert not matches_pattern("xyx", "x*x*x")
    assert not matches_pattern("a" * 5000, "*a" * 2000 + "*b")
    assert matches_pattern("a" * 5000, "*a" * 2000 + "*")


@pytest.mark.parametrize("cycle", ["²", "9" * 1900])
def test_digits_that_are_not_a_number_stay_text(tmp_path: Path, cycle: str) -> None:
    """As numbers of columns, in headings, and in the names of files."""
    with pytest.raises(UsageError, match="blocks="):
        read(tmp_path, blocks=cycle)
    path = tmp_path / "set.csv"
    path.write_text(f"G (S) {cycle},G (S) 2\n" + "".join(f"{k}e-6,{k + 1}e-6\n" for k in range(1, 30)))
    (tmp_path / "reset.csv").write_text(path.read_text())
    for where in (path, tmp_path):
        for options in ({}, {"kind": "pulse", "columns_are": "cycles"}):
            with contextlib.suppress(DevicekitError):
                read(where, **options)
    (tmp_path / "names").mkdir()
    for k in (cycle[:100], "2"):
        (tmp_path / "names" / f"run {k}.csv").write_text(ROWS)
    with contextlib.suppress(DevicekitError):
        read(tmp_path / "names", key={"cycle": r"run (.*)$"})
    assert natural(f"a{cycle}") > natural("a2")
