"""Devices, cycles and levels by the names of sheets and files, and by labels above tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from devicekit.core.errors import Blank, Choice, UsageError
from devicekit.core.quantities import DIRECTION_ALIASES
from devicekit.core.text import natural_number
from devicekit.readers.layout import Tag
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.label_rows import label_block
from devicekit.readers.layouts.meanings import list_choices, option_of
from devicekit.readers.layouts.series import build_tags
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions


def tag_blocks(blocks: Sequence[Block], options: ReadOptions, where: str) -> list[dict[str, Tag]]:
    """Return the tags of each block by the name of its sheet and its label."""
    sheets = list(dict.fromkeys(block.sheet for block in blocks))
    within = [[block for block in blocks if block.sheet == sheet] for sheet in sheets]
    by_sheet = tag_names(sheets, options, "sheets", where) if len(sheets) > 1 else [{}]
    found: dict[int, dict[str, Tag]] = {}
    for own, tags in zip(within, by_sheet, strict=True):
        several = len(own) > 1
        labels = [label_block(block, options) if several and block.above else {} for block in own]
        if several and (not any(labels) or len({str(each) for each in labels}) < len(own)):
            labels = _tag_labels([block.label for block in own], options, where)
        for block, label in zip(own, labels, strict=True):
            found[id(block)] = {**label, **tags}
    return [found[id(block)] for block in blocks]


def _tag_labels(labels: Sequence[str], options: ReadOptions, where: str) -> list[dict[str, Tag]]:
    """Return the tags of tables of one sheet or file by their labels."""
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
            *list_choices("columns", "table", "a state of one device (retention)"),
            Choice.of("all rows belong to one table", blocks="none"),
        ),
        (parsed.unclear,),
        fields=(option_of("columns"),),
    )


def tag_names(names: Sequence[str], options: ReadOptions, what: str, where: str) -> list[dict[str, Tag]]:
    """Return the tags of sheets or files by their names.

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
    if part in options.key:
        options = replace(options, key={part: options.key[part]})
    if options.key:
        found = _tag_by_key(names, options, where)
        if len({tuple(sorted(tags.items())) for tags in found}) == len(names):
            return found
        if meaning is None:
            raise UsageError(f"{where}: key={dict(options.key)} does not separate the {what} {', '.join(names[:6])}")
    parsed = pooling.parse_names(names)
    if meaning is not None and (split := _split_directions(names)) is not None:
        rest, directions = split
        groups = list(dict.fromkeys(rest))
        of = dict(zip(groups, _tag_in_order(groups, meaning), strict=True))
        return [{**of[name], "direction": way} for name, way in zip(rest, directions, strict=True)]
    if meaning is not None:
        return _tag_in_order(names, meaning)
    if not parsed.unclear:
        return [build_tags(key) for key in parsed.keys]
    if options.kind == "record":  # whose rows need no device
        return [{what[:-1]: name} for name in names]
    raise ask(
        where,
        f"are the {len(names)} {what} with the same columns devices, or cycles of one device?",
        (
            *list_choices(what, what[:-1]),
            Choice.of(
                f"the names contain both, such as {names[0]}",
                key={"device": Blank("PATTERN"), "cycle": Blank("PATTERN")},
            ),
            *((Choice.of("read this sheet only", sheet=names[0]),) if what == "sheets" else ()),
        ),
        (parsed.unclear,),
    )


def _split_directions(names: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Split names into the rest and the one word for a direction; None unless each pair occurs once."""
    rest, directions = [], []
    for name in names:
        tokens = pooling.split_tokens(name)
        ways = [DIRECTION_ALIASES[t.text.lower()] for t in tokens if _is_direction(t)]
        if len(ways) != 1:
            return None
        directions.append(ways[0])
        rest.append(" ".join(f"{t.text}{t.unit}" for t in tokens if not _is_direction(t)))
    pairs = set(zip(rest, directions, strict=True))
    return (rest, directions) if len(pairs) == len(names) and len(set(directions)) == 2 else None


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


def _tag_by_key(names: Sequence[str], options: ReadOptions, where: str) -> list[dict[str, Tag]]:
    found: list[dict[str, Tag]] = [{} for _ in names]
    for field, pattern in options.key.items():
        role = {"device": "device_id", "cycle": "cycle"}[field]
        option = f"key={{{field}: {pattern}}}"
        values = pooling.match_pattern(names, pattern, option)
        for name, value, tags in zip(names, values, found, strict=True):
            if value is None:
                raise UsageError(f"{where}: {option} does not match {name!r}")
            number = natural_number(value) if role == "cycle" else None
            tags[role] = value if number is None else number
    return found
