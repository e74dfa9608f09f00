"""Lexicon of the words in names: each entry fits its example, and no other entry of whole names does by accident."""

from __future__ import annotations

import pytest

from devicekit.readers.lexicon import LEXICON, means, normalise_name


@pytest.mark.parametrize("name", LEXICON)
def test_the_words_fit_their_example(name: str) -> None:
    assert means(name, LEXICON[name].example)
    assert not means(name, "unrelated")


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("device_id", "device name of cell"),
        ("cycle", "bicycle"),
        ("level", "level of noise"),
        ("gate", "voltage"),
        ("error", "terror"),
        ("one level", "level"),
        ("quotient", "a2/b1"),
        ("word for a device", "deviation"),
    ],
)
def test_words_that_look_alike_do_not_fit(entry: str, name: str) -> None:
    assert not means(entry, name)


@pytest.mark.parametrize(
    ("name", "words"), [("Read_Voltage (V)", "read voltage v"), ("pulseNumber", "pulse number"), ("  ", "")]
)
def test_names_become_words(name: str, words: str) -> None:
    assert normalise_name(name) == words
