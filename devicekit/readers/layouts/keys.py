"""Patterns and words that options give for names: of columns, of tables, of sheets and of files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from devicekit.core.constants import ZERO_C
from devicekit.core.declarations import Limits
from devicekit.core.errors import Choice, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES, GLOSSARY
from devicekit.core.text import natural_number
from devicekit.names import parse_unit
from devicekit.readers.layout import Tag
from devicekit.readers.layouts import pooling
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions

_WITH_UNIT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")
_TEXTS = {"device_id", "level"}
_LIMITS = {"temperature_c": Limits(-ZERO_C, unit="°C"), "temperature_k": Limits(unit="K")}
LTP_AND_LTD = 2  # words
SHOWN = 6  # names in a message
VALUE = r"([\w.+-]+)"  # a word or a number, in a pattern that is suggested


def translate(name: str, words: Mapping[str, str]) -> str:
    """Return a name in which the words that an option gives are ltp, ltd, lrs and hrs, apart from the rest."""
    for meaning, several in words.items():
        for word in several.split("|"):  # a part of a longer word is another word
            name = re.sub(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", f" {meaning} ", name) if word else name
    return name


def translate_cell(cell: str, words: Mapping[str, str]) -> str:
    """Return what a cell means by the words that an option gives, in any case; else the cell itself."""
    return next((way for way, several in words.items() if cell.lower() in several.lower().split("|")), cell)


def parse_value(name: str, text: str, words: Mapping[str, str] | None = None) -> Tag:
    """Return what a text says of a column, in SI units: `100ns` is 1e-7 for pulse_width_s.

    Raises
    ------
    UsageError
        If it is not a finite number of that quantity.
    """
    text = translate_cell(text.strip(), words or {}) if name in ("direction", "level") else text
    if name in _TEXTS:
        return text
    if name == "direction":
        if (way := DIRECTION_ALIASES.get(text.lower())) is None:
            raise UsageError(f"direction={text} is neither ltp nor ltd")
        return way
    found = _WITH_UNIT.match(text)
    word = found[2] if found else ""
    own = GLOSSARY[name].unit if name in GLOSSARY else "C"
    unit = parse_unit(word) if word and word != own else None
    stated = parse_unit(own or "")
    other = word not in ("", own) and (unit is None or stated is None or unit.quantity != stated.quantity)
    if found is None or other:
        raise UsageError(f"{name}={text} is not a number{f' in {own}' if own else ''}")
    value = float(found[1]) * (unit.factor if unit else 1.0)
    _LIMITS.get(name, Limits(-math.inf)).check(value, f"{name}={text}:")
    return value


def take_keys(
    names: Sequence[str], options: ReadOptions, where: str, alone: bool = False
) -> tuple[list[dict[str, Tag]], ReadOptions]:
    """Return what the patterns of `key` find in names, and the options with the patterns that are left.

    A pattern is used where it fits every name and finds different values; with `alone`, the same value too.

    Raises
    ------
    QuestionError
        If the words of a pattern for directions are not known.
    UsageError
        If a value is not a number of its quantity.
    """
    found: list[dict[str, Tag]] = [{} for _ in names]
    left = dict(options.key)
    for field, pattern in options.key.items() if names else ():
        texts = pooling.match_pattern(names, pattern, f"key={{{field}: {pattern}}}")
        if any(text is None for text in texts) or (len(set(texts)) < 2 and not alone):
            continue
        del left[field]
        known = [str(text) for text in texts]
        if field == "direction":
            check_directions(known, options, where)
        for tags, text in zip(found, known, strict=True):
            tags["device_id" if field == "device" else field] = _read(field, text, options)
    return found, replace(options, key=left)


def _read(field: str, text: str, options: ReadOptions) -> Tag:
    if field in ("device", "cycle"):
        number = natural_number(text) if field == "cycle" else None
        return text if number is None else number
    return parse_value(field, text, options.words)


def check_directions(texts: Sequence[str], options: ReadOptions, where: str) -> None:
    """Ask which word is potentiation, where a pattern for directions finds words that are not known.

    Raises
    ------
    QuestionError
    """
    unknown = [
        text
        for text in dict.fromkeys(each.strip() for each in texts)
        if translate_cell(text, options.words).lower() not in DIRECTION_ALIASES
    ]
    if not unknown:
        return
    words = unknown if len(unknown) == LTP_AND_LTD else [unknown[0]]
    pairs = [("ltp", "ltd"), ("ltd", "ltp")]
    raise ask(
        where,
        f"which word is potentiation (LTP), which is depression (LTD): {' or '.join(unknown[:SHOWN])}?",
        [
            Choice.of(
                " and ".join(f"{word} is {way.upper()}" for way, word in zip(ways, words, strict=False)),
                words=dict(zip(ways, words, strict=False)),
            )
            for ways in pairs
        ],
    )


def check_keys(names: Sequence[str], options: ReadOptions, where: str) -> None:
    """Refuse a pattern of `key` that fits none of the names in a file.

    Raises
    ------
    UsageError
    """
    for field, pattern in options.key.items():
        option = f"key={{{field}: {pattern}}}"
        if not any(pooling.match_pattern(names, pattern, option)):
            more = ", ..." if len(names) > SHOWN else ""
            raise UsageError(f"{where}: {option} does not match {', '.join(map(repr, names[:SHOWN]))}{more}")


def check_words(names: Sequence[str], cells: Iterable[str], options: ReadOptions, where: str) -> None:
    """Refuse words of `words` of which none stands in a name or is a cell; a pattern of `key` may find them.

    Raises
    ------
    UsageError
    """
    words = options.words
    if not words or {"direction", "level"} & set(options.key) or any(translate(name, words) != name for name in names):
        return
    if all(translate_cell(cell, words) == cell for cell in cells):
        given = " ".join(f"words={{{meaning}: {word}}}" for meaning, word in words.items())
        raise UsageError(f"{where}: {given} stands in no name and in no cell. Remove it, or write it as the file does.")


def find_in_names(names: Sequence[str], options: ReadOptions, where: str, strict: bool = True) -> dict[str, Tag]:
    """Return what the patterns of `key` find in the first of several names that each of them fits.

    Parameters
    ----------
    names : sequence of str
        Of a file, its sheet, its table and its column.
    options : ReadOptions
    where : str
        File name for messages.
    strict : bool
        True if a pattern that fits none of them is refused.

    Raises
    ------
    UsageError
    """
    found: dict[str, Tag] = {}
    for name in names:
        (tags,), options = take_keys([name], options, where, alone=True)
        found |= tags
    if options.key and strict:
        field, pattern = next(iter(options.key.items()))
        listed = ", ".join(repr(name) for name in names[:SHOWN])
        raise UsageError(f"key={{{field}: {pattern}}} does not match {listed}, nor the columns or tables of {where}")
    return found


def find_words(name: str, options: ReadOptions) -> dict[str, Tag]:
    """Return the direction and the level that the words of an option give for a name."""
    meant = {token.text for token in pooling.split_tokens(translate(name, options.words))} & set(options.words)
    found: dict[str, Tag] = {}
    for role, ways in (("direction", {"ltp", "ltd"}), ("level", {"lrs", "hrs"})):
        if len(meant & ways) == 1:
            found[role] = (meant & ways).pop()
    return found


def suggest_pattern(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return a pattern for what differs first in several names, and what it finds; "" if it finds no other in each."""
    first, last = min(names), max(names)
    same = next((k for k, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), 0)
    head = re.sub(r"[\w.+-]+$", "", first[:same])
    texts = [re.match(re.escape(head) + VALUE, name) for name in names]
    found = [text[1] for text in texts if text]
    return (re.escape(head).replace(r"\ ", " ") + VALUE, found) if len(set(found)) == len(names) else ("", [])


def fits_all(names: Sequence[str], field: str, pattern: str) -> bool:
    """Return whether a pattern of `key` fits every name."""
    return None not in pooling.match_pattern(names, pattern, f"key={{{field}: {pattern}}}")
