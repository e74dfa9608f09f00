"""Errors speak of keywords in Python, and of options on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit import read
from devicekit.cli.common import in_command_words
from devicekit.cli.prompt import _with_options
from devicekit.core.errors import UsageError, shorten
from devicekit.system.answers import Answered
from devicekit.system.options import ReadOptions

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("pass read_voltage=V", "pass --read-voltage V"),
        ("read_voltage=5 V lies outside", "--read-voltage 5 V lies outside"),
        ("quantity=current (with read_voltage=), or", "--quantity current (with --read-voltage), or"),
        ("with map={voltage_v: A, current_a: B} now", "with --map voltage_v=A --map current_a=B now"),
        ("(absolute=True takes magnitudes)", "(--abs takes magnitudes)"),
        ("choose another out=, or pass force=True to write", "choose another --out, or pass --force to write"),
        ("stand for: window=(LOW, HIGH) [S]", "stand for: --window LOW HIGH [S]"),
        ("nodes= is not an option of to=csv; it", "--nodes is not an option of --to csv; it"),
        ("left as asked (noise=False).", "left as asked (--no-noise)."),
        ("my_unit=3 and a-unit=4", "my_unit=3 and a-unit=4"),
        ("data/out=3/x.csv is empty", "data/out=3/x.csv is empty"),
    ],
)
def test_keywords_become_options(message: str, shown: str) -> None:
    assert in_command_words(message) == shown


def test_an_option_that_is_cut_short_takes_nothing_from_the_next_line() -> None:
    text = "or name columns with map={'NAME': COLUMN} and so on"
    for most in range(20, len(text)):
        assert "{" not in shorten(text, most) or "}" in shorten(text, most)
    assert in_command_words("with map={a: b and\nthen columns_are=devices, words={ltp: AV}") == (
        "with map={a: b and\nthen --columns-are devices, --word ltp=AV"
    )


def test_one_error_two_tongues(tmp_path: Path, devicekit: Run) -> None:
    file = tmp_path / "t.csv"
    file.write_text("direction,pulse_index,read_current_a\n" + "".join(f"ltp,{n},{n}e-6\n" for n in range(1, 9)))
    with pytest.raises(UsageError, match="read_voltage=V"):
        read(file)
    ran = devicekit("read", file)
    assert ran.code == 2
    assert "--read-voltage V" in ran.err
    assert "read_voltage=" not in ran.err


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("--abs", {"absolute": True}),
        ("--abs --unit nS", {"absolute": True, "unit": "nS"}),
        ("--unit nS --abs", {"absolute": True, "unit": "nS"}),
        ("--no-units-row", {"units_row": False}),
        ("--accept --kind sweep", {"accept": True, "kind": "sweep"}),
        ("unit=nA --map 'value=G (S)'", {"unit": "nA", "columns": {"value": "G (S)"}}),
    ],
)
def test_typed_options(typed: str, options: dict[str, Any]) -> None:
    assert _with_options(typed, Answered(ReadOptions())) == Answered(ReadOptions(**options))


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(UsageError, match="--wrong"):
        _with_options("--wrong 3", Answered(ReadOptions()))
