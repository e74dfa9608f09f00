"""Tables of a source that are read: those of the same columns; of several groups, the one that is a measurement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from devicekit.core.errors import Choice, CodedWarning, UsageError
from devicekit.core.text import count, natural_number
from devicekit.readers.layout import list_mapped
from devicekit.readers.layouts.gather import SourceBlocks
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.rows import TEXT
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions

MOST_CHOICES = 8  # tables that a question lists
SHARED = (
    ("voltage_v", "current_a"),
    ("conductance_s",),
    ("resistance_ohm",),
)  # roles by which tables are read together


def select_blocks(
    gathered: SourceBlocks,
    where: str,
    options: ReadOptions,
    strength: Callable[[Block], int],
    roles: Callable[[Block], Mapping[str, str]],
) -> list[Block]:
    """Return the tables with the same names; of several groups, the one whose `strength` as a measurement is 2.

    Tables of different names are read together if all have the columns that `map` names. `roles` are the roles of a
    table's columns, by name.

    Raises
    ------
    QuestionError
        If several groups of tables may be read.
    UsageError
        If there is no table of a given number, or their columns differ.
    """
    groups: dict[tuple[str, ...], list[Block]] = {}
    for block in gathered.blocks:
        groups.setdefault(tuple(re.sub(r"\.\d+$", "", name).lower() for name in block.names), []).append(block)
    if options.block is not None:
        return _numbered_blocks(gathered.blocks, options.block, where)
    if options.columns:  # columns that the user names decide
        groups = {key: found for key, found in groups.items() if _has_mapped(found[0], options)} or groups
        if all(_has_mapped(found[0], options) for found in groups.values()):
            return [block for found in groups.values() for block in found]
    if len(groups) == 1:
        return next(iter(groups.values()))
    if options.kind == "record":  # whose columns need not agree
        return [block for found in groups.values() for block in found]
    good = [found for found in groups.values() if strength(found[0]) == 2]
    if len(good) == 1:
        return good[0]
    owners = [{block.sheet for block in found} for found in groups.values()]
    apart = all(all(owner) for owner in owners) and sum(map(len, owners)) == len(set().union(*owners))
    ordered = [*good, *(found for found in groups.values() if found not in good)]
    choices = [_choose_group(found, gathered.blocks, apart) for found in ordered][:MOST_CHOICES]
    if shared := _shared_columns([found[0] for found in good or ordered], roles):
        names = ", ".join(shared.values())
        choices.append(Choice.of(f"all {'sheets' if apart else 'tables'} that have {names}, by these", map=shared))
    what = "sheets" if apart else "tables"
    meanings = {tuple(head.quantity for head in each[0].headings) for each in groups.values()}
    if not any(block.sheet for block in gathered.blocks) and len(meanings) == 1:
        choices.append(Choice.of("all rows, under the first names", drop=(TEXT,)))
    raise ask(where, f"which {what} should be read? Their columns differ{_describe_rest(groups, apart)}", choices)


def _describe_rest(groups: Mapping[tuple[str, ...], Sequence[Block]], apart: bool) -> str:
    rest = len(groups) - MOST_CHOICES
    return f"; {count(rest, 'other kind')} of {'sheets' if apart else 'tables'} not listed" if rest > 0 else ""


def _shared_columns(blocks: Sequence[Block], roles: Callable[[Block], Mapping[str, str]]) -> dict[str, str]:
    """Return the columns of a sweep or of one state that all tables have, by role; {} if there are none."""
    names = set(blocks[0].names).intersection(*(block.names for block in blocks[1:]))
    by_role: dict[str, list[str]] = {}
    for name, role in roles(blocks[0]).items():
        if name in names:
            by_role.setdefault(role, []).append(name)
    found = {role: each[0] for role, each in by_role.items() if len(each) == 1}
    wanted = next((each for each in SHARED if set(each) <= set(found)), ()) if len(blocks) > 1 else ()
    return {role: found[role] for role in wanted}


def _has_mapped(block: Block, options: ReadOptions) -> bool:
    return {name for _, name in list_mapped(options.columns, block.names)} <= set(block.names)


def _choose_group(group: Sequence[Block], blocks: Sequence[Block], by_sheet: bool) -> Choice:
    """Return the choice of reading tables of equal columns: by their sheets, or by their numbers."""
    rows = sum(len(block.cells) for block in group)
    label = next((f"{block.label}: " for block in group if block.label), "")
    columns = ", ".join(group[0].names[:6])
    means = f"{label}columns {columns}, {count(rows, 'row')}"
    if by_sheet:
        names = list(dict.fromkeys(block.sheet for block in group))
        pattern = _sheet_pattern(names, [block.sheet for block in blocks])
        if len(names) > MOST_CHOICES and not pattern.endswith("*"):  # too long to be typed
            first = ",".join(names[:MOST_CHOICES])
            return Choice.of(f"the first {MOST_CHOICES} of {len(names)} sheets with columns {columns}", sheet=first)
        more = f"{len(names)} sheets, " if len(names) > MOST_CHOICES else ""
        return Choice.of(f"{more}{means}", sheet=pattern)
    return Choice.of(means, block=",".join(str(k) for k, block in enumerate(blocks, 1) if block in group))


def _sheet_pattern(names: Sequence[str], every: Sequence[str]) -> str:
    """Return sheets as an option: their names, or the beginning of many that no other sheet has."""
    first, last = min(names), max(names)
    same = next((k for k, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))
    start = re.sub(r"[^\w. ]+$", "", first[:same])
    alone = bool(start) and all(name in names for name in every if name.lower().startswith(start.lower()))
    return f"{start}*" if alone and len(names) > MOST_CHOICES else ",".join(names)


def _numbered_blocks(blocks: Sequence[Block], wanted: str, where: str) -> list[Block]:
    """Return the tables with the given numbers.

    Raises
    ------
    UsageError
        If there is no such table, or their columns differ.
    """
    numbers = [natural_number(word.strip()) for word in wanted.split(",")]
    listed = "; ".join(f"{k}: {', '.join(block.names[:4])}" for k, block in enumerate(blocks[:MOST_CHOICES], 1))
    if any(number is None or not 1 <= number <= len(blocks) for number in numbers):
        raise UsageError(f"block={wanted}: {where} has {count(len(blocks), 'table')} ({listed})")
    found = [blocks[number - 1] for number in numbers if number]
    if len({tuple(block.names) for block in found}) > 1:
        raise UsageError(f"block={wanted}: these tables have different columns ({listed})")
    return found


def warn_left_out(gathered: SourceBlocks, blocks: Sequence[Block], where: str) -> list[CodedWarning]:
    """Report the sheets and tables of a file that are not read."""
    used = {block.sheet for block in blocks}
    rest = [*gathered.left_out, *(b.sheet for b in gathered.blocks if b.sheet not in used)]
    others = [block for block in gathered.blocks if block.sheet in used and block not in blocks]
    if others and not rest:
        left_out = "; ".join(f"{', '.join(block.names[:4])} ({count(len(block.cells), 'row')})" for block in others[:4])
        return [CodedWarning("dropped", f"{where}: {count(len(others), 'other table')} left out: {left_out}")]
    if not rest:
        return []
    read = ", ".join(sorted(used))
    return [CodedWarning("sheets", f"{where}: read sheet {read}; skipped {', '.join(dict.fromkeys(rest))}")]
