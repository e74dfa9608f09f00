"""Samples of makes, written by the grammars of known exports, are read back without an option."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.readers import goldens, made, matching, recipe
from devicekit.readers.goldens import Golden
from devicekit.readers.source import Source

FOLDER = Path(__file__).parents[2] / "data" / "makes"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
SHIPPED = {path.stem: path for path in recipe.FOLDER.glob("*.toml")}
MADE = [name for name in NAMES if name in SHIPPED]


@pytest.mark.parametrize("name", NAMES)
def test_a_make_is_read_back(name: str) -> None:
    golden = Golden.load(FOLDER / f"{name}.json")
    table = devicekit.read(FOLDER / golden.file)
    assert golden.differences(Golden.of(table, golden.file)) == []
    used = [each for each in table.warnings if each.code == "recipe"]
    assert used == ([made.notice(recipe.load(SHIPPED[name]))] if name in SHIPPED else [])
    assert name not in SHIPPED or goldens.check(SHIPPED[name], FOLDER) == []


def test_sixty_makes_ship_in_little_space() -> None:
    assert len(MADE) >= 60
    assert sum(path.stat().st_size for path in SHIPPED.values()) < 120_000
    assert all(recipe.load(path).about for path in SHIPPED.values())


@pytest.mark.parametrize("name", MADE)
def test_no_two_recipes_fit_one_make(name: str) -> None:
    source = Source(FOLDER / Golden.load(FOLDER / f"{name}.json").file)
    assert [each.path.stem for each in matching.find(source, recipe.list_known()).exact] == [name]


def test_a_file_is_compared_in_milliseconds() -> None:
    known, times = recipe.list_known(), []
    for name in MADE:
        source = Source(FOLDER / Golden.load(FOLDER / f"{name}.json").file)
        _ = source.head
        start = time.perf_counter()
        matching.find(source, known)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.2  # s; some milliseconds on a quiet machine


def test_a_file_that_departs_from_a_shipped_recipe_is_read_by_its_own_words(tmp_path: Path) -> None:
    text = (FOLDER / "digilent-waveforms.csv").read_text()
    path = tmp_path / "milliampere.csv"
    path.write_text(text.replace("Math 1 (A)", "Math 1 (mA)"))
    table = devicekit.read(path, columns={"current_a": "Math 1 (mA)"})
    assert table.frame["current_a"].max() == pytest.approx(3.059706e-7)
    with_remark = devicekit.read(path)
    assert with_remark.frame["current_a"].max() == pytest.approx(3.059706e-7)
    remarks = [each.message for each in with_remark.warnings if each.code == "recipe"]
    assert [("Math 1 (mA)" in each, "Math 1 (A)" in each) for each in remarks] == [(True, True)]
