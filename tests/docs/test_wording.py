"""The style of docs/style.md, as far as it can be counted. `python tests/wording.py FOLDER` lists the places."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from .conftest import load_script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wording() -> ModuleType:
    return load_script(ROOT / "tests" / "wording.py")


def test_the_source_keeps_to_the_style(wording: ModuleType) -> None:
    found = Counter(place.rule for place in wording.source_places())
    assert found["said or told"] <= 40
    assert found["is no"] <= 20
    assert found["clause"] <= 60
    assert [place for place in wording.source_places() if place.rule == "name"] == []


def test_tests_compare_no_prose(wording: ModuleType) -> None:
    assert len(wording.test_places()) <= 30


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_pages_are_short_and_so_are_their_sentences(wording: ModuleType) -> None:
    read = [file.read_text("utf-8") for file in wording.pages()]
    assert sum(map(wording.words, read)) <= 40_800
    lengths = sorted(wording.words(each) for page in read for each in wording.sentences(page))
    assert len(lengths) > 1000
    assert lengths[-1] <= 45
    assert lengths[len(lengths) * 95 // 100] <= 28


def test_words_to_avoid_are_found(wording: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text('"""What it is."""\ndef _told():\n    """Return what is no law, as it is said."""\n')
    assert Counter(place.rule for place in wording.in_source(file)) == {
        "clause": 1,
        "name": 1,
        "is no": 1,
        "said or told": 2,
    }
    file.write_text('def test():\n    assert "four words of prose" in text\n    assert x == "a.csv: 4 rows"\n')
    assert [place.line for place in wording.in_test(file)] == [2]


def test_sentences_of_a_page(wording: ModuleType) -> None:
    page = "# A title\n\nOne [link](x.md). Two, see `a b c`:\n\n- An item\n- Another. Really.\n"
    page += "\n```sh\nno prose\n```\n| a | b |\n"
    assert wording.sentences(page) == ["A title", "One link.", "Two, see CODE:", "An item", "Another.", "Really."]
