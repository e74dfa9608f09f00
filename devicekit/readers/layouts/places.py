"""Devices, cycles and levels by the names of sheets and files, and by labels above tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devicekit.core.errors import Blank, Choice, QuestionError, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES
from devicekit.readers.layout import Tag
from devicekit.readers.layouts import delimiters, pooling
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.keys import SHOWN, suggest_pattern, take_keys, translate
from devicekit.readers.layouts.label_rows import block_choices, label_block
from devicekit.readers.layouts.meanings import list_choices, option_of
from devicekit.readers.layouts.series import build_tags
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions


def tag_blocks(blocks: Sequence[Block], options: ReadOptions, where: str) -> tuple[list[dict[str, Tag]], ReadOptions]:
    """Return the tags of each block by the name of its sheet and its label, and the options with the keys left."""
    sheets = list(dict.fromkeys(block.sheet for block in blocks))
    within = [[block for block in blocks if block.sheet == sheet] for sheet in sheets]
    by_key, options = _tag_by_words_above(within, options, where)
    by_sheet: list[dict[str, Tag]] = [{}]
    if len(sheets) > 1:
        by_sheet, options = tag_names(sheets, options, "sheets", where)
    found: dict[int, dict[str, Tag]] = {}
    for own, tags in zip(within, by_sheet, strict=True):
        several = len(own) > 1
        labels = [{**label_block(block, options), **by_key[id(block)]} if several else {} for block in own]
        if several and (not any(labels) or len({str(each) for each in labels}) < len(own)):
            more = _tag_labels(own, options, where)
            labels = [{**new, **label} for new, label in zip(more, labels, strict=True)]
        for block, label in zip(own, labels, strict=True):
            found[id(block)] = {**label, **tags}
    return [found[id(block)] for block in blocks], options


def _tag_by_words_above(
    within: Sequence[Sequence[Block]], options: ReadOptions, where: str
) -> tuple[dict[int, dict[str, Tag]], ReadOptions]:
    """Return the tags that patterns of `key` find in the words above each table of a sheet, and the options left."""
    several = [block for own in within if len(own) > 1 for block in own]
    tags, options = take_keys([block.title for block in several], options, where)
    found: dict[int, dict[str, Tag]] = {id(block): {} for own in within for block in own}
    return found | {id(block): each for block, each in zip(several, tags, strict=True)}, options


def _tag_labels(blocks: Sequence[Block], options: ReadOptions, where: str) -> list[dict[str, Tag]]:
    """Return the tags of tables of one sheet or file by their labels."""
    labels = [translate(block.label, options.words) for block in blocks]
    parsed = pooling.parse_names(labels)
    if not parsed.unclear:
        return [build_tags(key) for key in parsed.keys]
    meaning = options.meaning("columns")
    if meaning == "cycles":
        return [{"cycle": k} for k in range(1, len(labels) + 1)]
    if meaning is not None:
        role, word = ("device_id", "device") if meaning == "devices" else ("level", "state")
        named = len(set(labels)) == len(labels) and all(labels)
        return [{role: label if named else f"{word}{k}"} for k, label in enumerate(labels, 1)]
    if options.kind == "record":
        return [{"table": label or k} for k, label in enumerate(labels, 1)]
    raise ask(
        where,
        f"are the {len(labels)} tables with the same columns devices, or cycles of one device?",
        (
            *_pattern_choices(labels),
            *block_choices(blocks),
            *list_choices("columns", "table", "a state of one device (retention)"),
            *((Choice.of("all rows belong to one table", blocks="none"),) if options.blocks is None else ()),
        ),
        (parsed.unclear,),
        fields=(option_of("columns"),),
    )


def _pattern_choices(labels: Sequence[str]) -> list[Choice]:
    """Return the answers that what differs first in the words above tables is the device, or the voltage of a gate."""
    pattern, found = suggest_pattern(labels)
    if not pattern or len(labels) < 2:
        return []
    shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
    choices = [Choice.of(f"they are devices: {shown}", key={"device": pattern})]
    numbers = all(map(delimiters.is_plain, found))
    gate = Choice.of(f"each has its voltage of a third terminal: {shown} V", key={"third_voltage_v": pattern})
    return [gate, *choices] if numbers else choices


def tag_names(
    names: Sequence[str], options: ReadOptions, what: str, where: str
) -> tuple[list[dict[str, Tag]], ReadOptions]:
    """Return the tags of sheets or files by their names, and the options with the keys that they do not use.

    Parameters
    ----------
    names : sequence of str
    options : ReadOptions
    what : {"sheets", "files"}
    where : str
        File name for messages.

    Raises
    ------
    QuestionError
        If the meaning is neither given nor clear from the names.
    """
    meaning = options.meaning(what)
    # where files are cycles and sheets devices, each pattern applies to its names
    part = {"devices": "device", "cycles": "cycle"}.get(meaning or "", "")
    tried = {part: options.key[part]} if part in options.key else options.key
    by_key, left = take_keys(names, replace(options, key=tried), where)
    options = replace(
        options, key={**{name: each for name, each in options.key.items() if name not in tried}, **left.key}
    )
    names = [translate(name, options.words) for name in names]
    if any(by_key):
        found = by_key if _are_distinct(by_key) else _add_directions(by_key, names)
        if _are_distinct(found):
            return found, options
        if meaning is None:
            raise UsageError(f"{where}: key={dict(tried)} does not separate the {what} {', '.join(names[:6])}")
        if meaning == "cycles" and all("direction" in tags for tags in by_key):
            return _count_cycles(by_key), options
    parsed = pooling.parse_names(names)
    if meaning is not None and (split := _split_directions(names)) is not None:
        rest, directions = split
        groups = list(dict.fromkeys(rest))
        of = dict(zip(groups, _tag_in_order(groups, meaning), strict=True))
        return [{**of[name], "direction": way} for name, way in zip(rest, directions, strict=True)], options
    if meaning is not None:
        return _tag_in_order(names, meaning), options
    if not parsed.unclear:
        return [build_tags(key) for key in parsed.keys], options
    if options.kind == "record":  # whose rows need no device
        return [{what[:-1]: name} for name in names], options
    raise _ask_meaning(names, what, where, parsed.unclear)


def _are_distinct(tags: Sequence[dict[str, Tag]]) -> bool:
    return len({tuple(sorted((name, str(value)) for name, value in each.items())) for each in tags}) == len(tags)


def _add_directions(tags: Sequence[dict[str, Tag]], names: Sequence[str]) -> list[dict[str, Tag]]:
    """Return tags with the direction that the words of each name give, if one word does."""
    ways = [_list_directions(name) for name in names]
    return [{**each, **({"direction": way[0]} if len(way) == 1 else {})} for each, way in zip(tags, ways, strict=True)]


def _count_cycles(tags: Sequence[dict[str, Tag]]) -> list[dict[str, Tag]]:
    """Return tags with a cycle: the first LTP and the first LTD are cycle 1."""
    seen: Counter[str] = Counter()
    found = []
    for each in tags:
        seen[str(each)] += 1
        found.append({**each, "cycle": seen[str(each)]})
    return found


def _ask_meaning(names: Sequence[str], what: str, where: str, unclear: str) -> QuestionError:
    words = Choice.of(
        "one is LTP, the other LTD of one device, by a word in their names",
        words={"ltp": Blank("WORD"), "ltd": Blank("WORD")},
    )
    worded = len({re.sub(r"[\d\W_]+", " ", name) for name in names}) > 1
    return ask(
        where,
        f"are the {len(names)} {what} with the same columns devices, or cycles of one device?",
        (
            *list_choices(what, what[:-1]),
            Choice.of(
                f"the names contain both, such as {names[0]}",
                key={"device": Blank("PATTERN"), "cycle": Blank("PATTERN")},
            ),
            *((words,) if worded else ()),
            *((Choice.of("read this sheet only", sheet=names[0]),) if what == "sheets" else ()),
        ),
        (unclear,),
    )


def _split_directions(names: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Split names into the rest and the one word for a direction; None unless each pair occurs once."""
    rest, directions = [], []
    for name in names:
        tokens = pooling.split_tokens(name)
        ways = _list_directions(name)
        if len(ways) != 1:
            return None
        directions.append(ways[0])
        rest.append(" ".join(f"{t.text}{t.unit}" for t in tokens if not _is_direction(t)))
    pairs = set(zip(rest, directions, strict=True))
    return (rest, directions) if len(pairs) == len(names) and len(set(directions)) == 2 else None


def _list_directions(name: str) -> list[str]:
    """Return the direction of each word of a name that is one."""
    return [DIRECTION_ALIASES[t.text.lower()] for t in pooling.split_tokens(name) if _is_direction(t)]


def _is_direction(token: Any) -> bool:
    return token.number is None and len(token.text) > 1 and token.text.lower() in DIRECTION_ALIASES


def _tag_in_order(names: Sequence[str], meaning: str) -> list[dict[str, Tag]]:
    """Return names as devices, or as cycles by their last numbers; cycles are counted if those do not differ."""
    if meaning == "devices":
        return [{"device_id": name} for name in names]
    numbers = {number: None for name in names if (number := _last_number(name)) is not None}
    return [{"cycle": number} for number in (numbers if len(numbers) == len(names) else range(1, len(names) + 1))]


def _last_number(name: str) -> int | None:
    numbers = [token.number for token in pooling.split_tokens(name) if token.number is not None]
    return int(numbers[-1]) if numbers and numbers[-1] == int(numbers[-1]) else None
