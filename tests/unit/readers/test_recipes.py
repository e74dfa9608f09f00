"""Recipes: the same table again, and lines of the wrong type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.readers import read

from .small_files import Write  # type: ignore[import-not-found]


def test_a_recipe_gives_the_same_table(lines: Write, tmp_path: Path) -> None:
    path = lines("some title", "date: today", "n;I [nA];T (C)", "1;10,5;25", "2;12,5;25", "3;14,0;26", "4;13,0;25")
    table = read(path, read_voltage=0.1, accept=True)
    table.meta["layout"].save(tmp_path / "lab.toml")
    again = read(path, recipe=tmp_path / "lab.toml", accept=True)
    pd.testing.assert_frame_equal(table.frame, again.frame)
    other = lines("n;U [V]", "1;2", "2;3", name="other.csv")
    with pytest.raises(UsageError, match=r"lab\.toml.*I \[nA\]"):
        read(other, recipe=tmp_path / "lab.toml")


@pytest.mark.parametrize(
    "lines",
    [
        "[table]\nblocks = -5",
        "[table]\nheader = [1, 2]",
        "[table]\nheader = -3",
        "[table]\nskip = 1.5",
        "[table]\nsheet = 3",
        "[table]\nunits_row = 'x'",
        "[[columns]]\nx = 1",
        "[columns]\nV = 3",
        "[columns.V]\nrole = ['a']",
        "[columns.V]\nrole = 'voltage_v'\nunit = 3",
        "[columns.V]\nrole = 'voltage_v'\nlevel = [1]",
        "[match]\ncolumns = 'V'",
        "[match]\ncolumns = [1, 2]",
        "[match]\ncolumns = {a = 1}",
        "[trains]\npulses = ['a']",
        "[trains]\npulses = 'x'",
        "[keys]\ndevice = 3",
        "[keys]\nfiles_are = [1]",
        "[read]\nvoltage = 'a'",
        "[read]\nquantity = {}",
        "match = 1",
        "[[match]]",
    ],
)
@pytest.mark.parametrize("head", ["[recipe]\nversion = 1\n", "[recipe]\nversion = 1\nkind = ['pulse']\n"])
def test_a_line_of_a_recipe_of_the_wrong_kind_is_an_error(
    devicekit: Callable[..., Any], tmp_path: Path, table: Path, lines: str, head: str
) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f"{lines}\n{head}" if lines.startswith("match") else f"{head}{lines}\n")
    found = devicekit("read", table, "--recipe", path)
    assert found.code == 2
    assert found.err.startswith("error: r.toml")
