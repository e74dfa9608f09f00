"""Meaning of several names (of files, sheets or columns): devices, cycles, directions, pulse widths.

Names are words and numbers. All must have one form; a number belongs to the word before it, or to its own unit. The
user is asked about the rest: devices taken for cycles turn D2D into C2C.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devicekit.core.quantities import DIRECTION_ALIASES
from devicekit.names import parse_unit
from devicekit.readers import isolated
from devicekit.readers.lexicon import means

_TOKEN = re.compile(r"(\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2}(?!\d))?)|([^\W\d_]+)")
_PLACE = re.compile(r"(?i)(?<![^\W_])r(\d{1,4})[ _]?c(\d{1,4})(?![^\W_])")  # place in an array: R2C3
_ORDINAL = re.compile(r"(?i)(?<![^\W_])(\d{1,9})(?:st|nd|rd|th)[ _]+([^\W\d_]+)")  # 50th cycle
_SIGNED = re.compile(r"(?<![^\W_])(?<!\.)-(?=\d+(?:\.\d+)?[a-zA-Z])")  # after a letter or a digit it is a hyphen
_GRID = ({"r", "c"}, {"x", "y"})  # letters that name a device only together: r3c7
_GEOMETRY = {"um", "nm", "µm", "μm", "mm", "um2", "nm2"}
_LEVEL = {"lrs": "lrs", "on": "lrs", "hrs": "hrs", "off": "hrs"}
# condition of a measurement, by the quantity of a number's unit
_OF_UNIT = {"time": "width", "voltage": "amplitude", "current": "compliance", "temperature": "temperature"}


@dataclass(frozen=True)
class Key:
    """Content of one name: device and cycle, direction, level, and measuring conditions in SI units."""

    device: str | None = None
    cycle: int | None = None
    direction: str | None = None
    level: str | None = None
    conditions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ParsedNames:
    """Keys of several names; `unclear` is the reason why they are ambiguous ("" if they are not)."""

    keys: tuple[Key, ...]
    unclear: str = ""


@dataclass(frozen=True)
class _Token:
    text: str
    number: float | None = None
    unit: str = ""


def split_tokens(name: str) -> list[_Token]:
    """Split a name into words and numbers; a number keeps the unit attached to it: 100ns, -2V, 0.3um."""
    name = _PLACE.sub(r"r\1 c\2", _SIGNED.sub(" minus", _ORDINAL.sub(r"\2 \1", name)))
    found: list[_Token] = []
    last_end = -1
    for match in _TOKEN.finditer(name):
        if match[1]:
            negative = bool(found) and found[-1].text == "minus" and last_end == match.start()
            if negative:
                found.pop()
            found.append(_Token(match[1], -float(match[1]) if negative else float(match[1])))
        elif found and found[-1].number is not None and not found[-1].unit and last_end == match.start():
            word = match[2]
            if parse_unit(word) is not None or word.lower() in _GEOMETRY or word in ("K", "C"):
                found[-1] = _Token(found[-1].text, found[-1].number, word)
            else:
                found.append(_Token(word))
        else:
            found.append(_Token(match[2]))
        last_end = match.end()
    return found


def _are_consecutive_letters(words: Sequence[str]) -> bool:
    """Return whether words are a, b, c, ...; u and d, h and l, f and r may be abbreviations."""
    first = ord(min(words)[0])
    return sorted(words) == [chr(first + k) for k in range(len(words))]


def parse_names(names: Sequence[str]) -> ParsedNames:
    """Parse the names of several files, sheets or columns together."""
    split = [split_tokens(name) for name in names]
    if len(names) == 1:
        return _parse_single(split[0])
    form = [("#" + token.unit if token.number is not None else "w") for token in split[0]]
    if any([("#" + token.unit if token.number is not None else "w") for token in each] != form for each in split):
        return ParsedNames(tuple(Key() for _ in names), f"names without a common form: {_list_names(names)}")
    keys: list[dict[str, object]] = [{} for _ in names]
    unnamed: list[int] = []
    for place, kind in enumerate(form):
        values = [each[place] for each in split]
        if kind == "w":
            words = [value.text.lower() for value in values]
            if len(set(words)) == 1:
                continue
            if all(word in DIRECTION_ALIASES for word in words):
                _set_field(keys, "direction", [DIRECTION_ALIASES[word] for word in words])
            elif all(word in _LEVEL for word in words):
                _set_field(keys, "level", [_LEVEL[word] for word in words])
            elif (
                place
                and means("word for a device", split[0][place - 1].text.lower())
                and _are_consecutive_letters(words)
            ):
                _set_field(keys, "device", [value.text for value in values])  # Device A, Device B
            else:
                return ParsedNames(tuple(Key() for _ in names), f"names that differ by a word: {_list_names(names)}")
            continue
        if len({value.number for value in values}) == 1:
            continue
        named = _find_field(split[0], place)
        if named is None:
            unnamed.append(place)
        else:
            word = split[0][place - 1].text if place else ""
            _set_field(keys, named, [_convert_value(named, value, word) for value in values])
    if unnamed and not (keys[0] and len(unnamed) == 1 and _all_differ(split, unnamed[0])):
        return ParsedNames(
            tuple(Key() for _ in names), f"names with a number without a word before it: {_list_names(names)}"
        )
    if not keys[0]:
        same = f"equal names: {_list_names(names)}" if any(names) else "no names"
        return ParsedNames(tuple(Key() for _ in names), same)
    found = tuple(_build_key(each) for each in keys)
    if len({(key.device, key.cycle, key.direction, key.level, tuple(key.conditions.items())) for key in found}) < len(
        found
    ):
        return ParsedNames(found, f"two names with the same meaning: {_list_names(names)}")
    return ParsedNames(found)


def count_differences(names: Sequence[str]) -> int | None:
    """Count the words or numbers by which the names differ; None if they have no common form."""
    split = [split_tokens(name) for name in names]
    if len({len(each) for each in split}) != 1:
        return None
    return sum(len({each[place].text for each in split}) > 1 for place in range(len(split[0])))


def find_counted(names: Sequence[str]) -> str | None:
    """Return "device" or "cycle" by the word before the first number that differs; None if it is neither."""
    if not count_differences(names):
        return None
    split = [split_tokens(name) for name in names]
    at = next(k for k in range(len(split[0])) if len({each[k].text for each in split}) > 1)
    named = _find_field(split[0], at) if split[0][at].number is not None else None
    return named if named in ("device", "cycle") else None


def _parse_single(split: Sequence[_Token]) -> ParsedNames:
    key: dict[str, object] = {}
    for place, token in enumerate(split):
        if token.number is not None and (named := _find_field(split, place)) is not None:
            key.setdefault(named, _convert_value(named, token, split[place - 1].text if place else ""))
        elif token.text.lower() in ("ltp", "ltd", "potentiation", "depression"):
            key.setdefault("direction", DIRECTION_ALIASES[token.text.lower()])
    return ParsedNames((_build_key(key),))


def _find_field(split: Sequence[_Token], place: int) -> str | None:
    """Find what the number at a place counts or measures; None if it is unknown."""
    token = split[place]
    if token.unit:
        if token.unit.lower() in _GEOMETRY:
            return "geometry"
        if token.unit in ("K", "C"):
            return "temperature"
        unit = parse_unit(token.unit)
        return _OF_UNIT.get(unit.quantity) if unit else None
    word = split[place - 1].text.lower() if place and split[place - 1].number is None else ""
    if means("word for a cycle", word):
        return "cycle"
    whole = token.number == int(token.number or 0)
    words = {each.text.lower() for each in split if each.number is None}
    grid = any(word in letters and letters <= words for letters in _GRID)
    return "device" if whole and (means("word for a device", word) or grid) else None


def _convert_value(named: str, token: _Token, word: str) -> object:
    if named == "device":
        return word + token.text
    if named == "cycle":
        return int(token.number or 0)
    if named == "geometry" or token.unit in ("K", "C"):
        return float(token.number or 0)
    unit = parse_unit(token.unit)
    return float(token.number or 0) * (unit.factor if unit else 1.0)


def _set_field(keys: list[dict[str, object]], named: str, values: Sequence[object]) -> None:
    for key, value in zip(keys, values, strict=True):
        # two device words (row 3, col 7) name one device together
        key[named] = f"{key[named]}_{value}" if named == "device" and named in key else value


def _build_key(found: Mapping[str, object]) -> Key:
    plain = {name: found.get(name) for name in ("cycle", "direction", "level")}
    conditions = {name: value for name, value in found.items() if name not in (*plain, "device")}
    device = found.get("device")
    return Key(None if device is None else str(device), **plain, conditions=conditions)  # type: ignore[arg-type]


def _all_differ(split: Sequence[Sequence[_Token]], place: int) -> bool:
    return len({each[place].number for each in split}) == len(split)


def _list_names(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")


def match_pattern(names: Sequence[str], pattern: str, option: str) -> list[str | None]:
    """Match a regular expression in each name: its first group (or all of it), None where it does not match.

    `option` is the option that holds the pattern, for messages.
    """
    matches = isolated.search(pattern, tuple(names), option)
    return [None if each is None else each.groups[0] if each.groups else each.whole for each in matches]
