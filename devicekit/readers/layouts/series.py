"""Columns of one quantity side by side: devices, cycles, directions or levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from devicekit.core.errors import Blank, Choice, QuestionError
from devicekit.core.quantities import DIRECTION_ALIASES, GLOSSARY
from devicekit.readers.layout import Column, Tag
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.keys import take_keys, translate
from devicekit.readers.layouts.label_rows import label_choices, label_tags
from devicekit.readers.layouts.meanings import list_choices, option_of
from devicekit.readers.layouts.view import View
from devicekit.readers.questions import ask
from devicekit.system.options import ReadOptions

_CONDITIONS = {
    "width": "pulse_width_s",
    "amplitude": "pulse_voltage_v",
    "compliance": "compliance_a",
    "temperature": "temperature_k",
}
_NUMBER = re.compile(r"(?:[GRI]|#)?[ _]?\d+")  # a number without a word for what it counts
BY_KEY = "the patterns of key"
MOST_COMPARED = 40  # columns whose words and trends are compared
MIDDLE = 0.5  # rank correlation beyond which a train rises or falls


@dataclass(frozen=True)
class Series:
    """Columns that belong together: one of values and those paired with it; tags that hold for all of its rows."""

    columns: tuple[Column, ...]
    tags: Mapping[str, Tag] = field(default_factory=dict)


@dataclass(frozen=True)
class Arranged:
    """Columns that all series share, the series, how they are distinguished ("" if one), and their given meaning.

    `keys` are the patterns that the names of columns do not use.
    """

    shared: tuple[Column, ...]
    series: tuple[Series, ...]
    basis: str = ""
    meaning: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


def build_tags(key: pooling.Key) -> dict[str, Tag]:
    """Return the tags of a parsed name as devicekit columns; geometry becomes part of the device."""
    device, conditions = key.device, {}
    for name, value in key.conditions.items():
        if name in _CONDITIONS:
            conditions[_CONDITIONS[name]] = value
        else:
            device = "_".join(filter(None, (device, f"{value:g}")))
    named = {"device_id": device, "cycle": key.cycle, "direction": key.direction, "level": key.level}
    return {name: value for name, value in {**named, **conditions}.items() if value is not None}


def arrange(columns: Sequence[Column], values: frozenset[str], view: View, levels: bool) -> Arranged:
    """Pair the columns of each series, and distinguish the series.

    Raises
    ------
    QuestionError
        If it is unclear what several columns of one quantity mean, or which of several quantities is the state.
    """
    value_columns = [column for column in columns if column.role in values]
    side_by_side = {column.name for column in value_columns}
    labels = _label_tags(value_columns, view)
    if len(value_columns) < 2:
        alone = {**_name_tags(value_columns), **(labels[0] if labels else {})}
        return Arranged(tuple(columns), (Series(tuple(value_columns), alone),), keys=view.options.key)
    by_role: dict[str, list[Column]] = {}
    for column in columns:
        if column.role in GLOSSARY and column.name not in side_by_side:
            by_role.setdefault(column.role, []).append(column)
    several = {role: found for role, found in by_role.items() if len(found) > 1}
    if wrong := [role for role, found in several.items() if len(found) != len(value_columns)]:
        raise _ask_pairs(wrong[0], several[wrong[0]], value_columns, view)
    shared = tuple(c for c in columns if c.name not in side_by_side and c.role not in several)
    tags = [{**_name_tags([column]), **own} for column, own in zip(value_columns, labels, strict=True)]
    basis, meaning, keys = "rows of labels", view.options.meaning("columns"), view.options.key
    if not any(labels) or len({str(each) for each in tags}) < len(tags):
        tags, keys = _take_keys(value_columns, tags, view)
        if keys != view.options.key and _are_distinct(tags):
            basis, meaning = BY_KEY, None
        else:
            basis, meaning, found = _separate_series(value_columns, tags, view, levels)
            tags = [{**each, **own} for each, own in zip(found, labels, strict=False)]
    if not basis:
        raise _ask_series(value_columns, view, levels)
    series = []
    for k, column in enumerate(value_columns):
        series.append(Series((column, *(found[k] for found in several.values())), tags[k]))
    return Arranged(shared, tuple(series), basis, meaning, keys)


def _label_tags(value_columns: Sequence[Column], view: View) -> list[dict[str, Tag]]:
    """Return the tags of columns by the rows of labels that an option gives."""
    block = view.cells.block
    return label_tags(block, [block.places[column.name] for column in value_columns], view.options)


def _name_tags(value_columns: Sequence[Column]) -> dict[str, Tag]:
    kept = {"level", "direction"}
    return {name: value for column in value_columns for name, value in column.tags.items() if name in kept}


def _separate_series(
    value_columns: Sequence[Column], own: list[dict[str, Tag]], view: View, levels: bool
) -> tuple[str, str | None, list[dict[str, Tag]]]:
    """Return how the columns are distinguished ("" if they are not), by which option, and the tags of each."""
    meaning = view.options.meaning("columns")
    names = _candidate_names(value_columns, view, view.options.words)
    if meaning in ("devices", "cycles") and not levels and not view.cells.block.named and len(value_columns) % 2 == 0:
        ways = _trend_directions(value_columns, view)
        if ways[:2] in (("ltp", "ltd"), ("ltd", "ltp")) and ways == ways[:2] * (len(value_columns) // 2):
            own = [{"direction": way} for way in ways]  # without names they rise and fall in turn: pairs
    if meaning is not None:
        if levels and (split := next(filter(None, (_split_two_ways(each, meaning) for each in names)), None)):
            return f"{option_of('columns')}={meaning}", meaning, split
        return f"{option_of('columns')}={meaning}", meaning, _tag_by_option(meaning, names[0], own, names[-1])
    for each in names:
        parsed = pooling.parse_names(each)
        if not parsed.unclear:
            return "their names", None, [{**build_tags(key), **own[k]} for k, key in enumerate(parsed.keys)]
    for each in names if levels else []:
        if (part := pooling.find_counted(each)) and (split := _split_two_ways(each, f"{part}s")):
            return "their names", None, split
    distinct = len({str(tags.get("level")) for tags in own}) == len(value_columns)
    if (
        levels
        and distinct
        and (view.cells.block.named or {tags.get("level") for tags in own}.isdisjoint(view.cells.block.names))
        and not all(map(_NUMBER.fullmatch, names[0]))
        and all((pooling.count_differences(each) or 1) < 2 for each in names)
    ):
        return "their names", None, own
    if len({str(tags.get("direction")) for tags in own}) == len(value_columns) and len(value_columns) == 2:
        return "their names", None, own
    if (
        len(value_columns) == 2
        and not view.cells.block.named
        and set(ways := _trend_directions(value_columns, view)) == {"ltp", "ltd"}
    ):
        return "one rises, one falls", None, [{"direction": way} for way in ways]
    return "", None, []


def _take_keys(
    value_columns: Sequence[Column], own: Sequence[dict[str, Tag]], view: View
) -> tuple[list[dict[str, Tag]], Mapping[str, str]]:
    """Return tags with what patterns of `key` find in the names of columns, and the patterns that are left."""
    tags, options = [dict(each) for each in own], view.options
    for names in _candidate_names(value_columns, view, {}) if options.key else []:
        found, options = take_keys(names, options, view.where)
        tags = [{**old, **new} for old, new in zip(tags, found, strict=True)]
    return tags, options.key


def _are_distinct(tags: Sequence[dict[str, Tag]]) -> bool:
    return len({str(sorted(each.items())) for each in tags}) == len(tags)


def _split_two_ways(names: Sequence[str], meaning: str) -> list[dict[str, Tag]] | None:
    """Split names into devices (or cycles) by the first number that differs, and levels: `1 L1, 1 L2, 2 L1`."""
    if (pooling.count_differences(names) or 0) < 2:
        return None
    split = [pooling.split_tokens(name) for name in names]
    at = next(k for k in range(len(split[0])) if len({each[k].text for each in split}) > 1)
    part = "device_id" if meaning == "devices" else "cycle"
    order = list(dict.fromkeys(each[at].text for each in split))
    found: list[dict[str, Tag]] = []
    for each in split:
        level = " ".join(token.text for k, token in enumerate(each) if k != at)
        found.append({part: each[at].text if meaning == "devices" else order.index(each[at].text) + 1, "level": level})
    return found


def _candidate_names(value_columns: Sequence[Column], view: View, words: Mapping[str, str]) -> list[list[str]]:
    """Return what may distinguish the columns: names, names with the comments below them, comments alone."""
    block = view.cells.block
    bare = [translate(_bare_name(column, view), words) for column in value_columns]
    places = [block.places[column.name] for column in value_columns]
    notes = [block.notes[k] if k < len(block.notes) else "" for k in places]
    if not any(notes):
        return [bare]
    return [bare, [f"{name} {note}".strip() for name, note in zip(bare, notes, strict=True)], notes]


def _tag_by_option(
    meaning: str, names: Sequence[str], own: Sequence[dict[str, Tag]], notes: Sequence[str]
) -> list[dict[str, Tag]]:
    """Tag columns as devices, cycles or levels: by their names without directions and levels, else by their order."""
    if meaning != "levels":  # without a word for a level, the level is only the column's name
        worded = [any(t.number is None and _is_tag(t.text) for t in pooling.split_tokens(name)) for name in names]
        if 1 < len(set(names)) < len(names):  # State 1, State 2, State 1, State 2: the state repeats
            worded = [True] * len(names)
        own = [
            {**tags, **({} if k or "level" not in tags else {"level": "state"})}
            for tags, k in zip(own, worded, strict=True)
        ]
    rest = [_strip_tags(name, tags) for name, tags in zip(names, own, strict=True)]
    seen: dict[str, int] = {}
    order = []
    alone = len(set(notes)) == len(notes) or len(set(notes)) == 1
    for tags, note in zip(own, notes, strict=True):  # number of times that this direction or level has occurred
        key = str(sorted(tags.items())) + ("" if alone else note)
        seen[key] = seen.get(key, 0) + 1
        order.append(seen[key])
    groups = {name: number for number, name in enumerate(dict.fromkeys(rest), start=1)}
    apart = len(groups) == max(order) and len(set(zip(rest, map(str, own), strict=True))) == len(rest)
    number = [groups[name] for name in rest] if apart else order
    found: list[dict[str, Tag]] = []
    distinct = len(set(names)) == len(names)
    for k, tags in enumerate(own):
        if meaning == "levels":
            found.append({**tags, "level": names[k] if distinct else f"state{k + 1}"})
        elif meaning == "devices":
            named = apart and rest[k] != ""
            found.append({"device_id": rest[k] if named else f"device{number[k]}", **tags})
        else:
            found.append({"cycle": number[k], **tags})
    return found


def _strip_tags(name: str, tags: Mapping[str, Tag]) -> str:
    """Return a name without the words for its direction or level."""
    if not tags:
        return name
    words = [token.text for token in pooling.split_tokens(name) if token.number is not None or not _is_tag(token.text)]
    return " ".join(words)


def _is_tag(word: str) -> bool:
    return word.lower() in DIRECTION_ALIASES or word.lower() in ("lrs", "hrs", "low", "high", "on", "off")


def _bare_name(column: Column, view: View) -> str:
    block = view.cells.block
    return block.headings[block.places[column.name]].name or ("" if not block.named else column.name)


def _trend_directions(value_columns: Sequence[Column], view: View) -> tuple[str, ...]:
    """Return ltp or ltd for each column that rises or falls throughout, else ""."""
    return tuple(_trend_direction(view.numbers(column.name)) for column in value_columns)


def _trend_direction(values: pd.Series | None) -> str:
    known = np.array([]) if values is None else values.dropna().to_numpy()
    if known.size < 2:
        return ""
    ranks = np.argsort(np.argsort(known, kind="stable"), kind="stable")
    trend = np.corrcoef(ranks, np.arange(known.size))[0, 1] if known.size > 2 else np.sign(known[-1] - known[0])
    return "ltp" if trend > MIDDLE else "ltd" if trend < -MIDDLE else ""


def _ask_pairs(role: str, found: Sequence[Column], value_columns: Sequence[Column], view: View) -> QuestionError:
    names = ", ".join(column.name for column in found)
    text = (
        f"which columns belong together? {len(found)} columns of {GLOSSARY[role].label} ({names}) cannot be paired "
        f"with {len(value_columns)} others ({', '.join(column.name for column in value_columns)})"
    )
    choices = tuple(
        Choice.of("read these two only", map={column.role: column.name, role: other.name})
        for column in value_columns[:2]
        for other in found[:2]
    )
    return ask(view.where, text, choices)


def word_choices(value_columns: Sequence[Column], view: View) -> tuple[Choice, ...]:
    """Return the answers that one word stands for LTP and another for LTD, where each column has one of the two.

    The word of the columns that rise comes first as LTP.
    """
    columns = value_columns[:MOST_COMPARED]
    names = [_bare_name(column, view) for column in columns]
    found = [set(re.findall(r"[^\W\d_]{2,}", name)) for name in names]
    words = sorted(set().union(*found), key=lambda word: (-len(word), word))
    pairs = [
        (a, b)
        for a in words
        for b in words
        if a.lower() < b.lower() and all((a in each) != (b in each) for each in found)
    ]
    if not pairs or view.sweeps:
        return ()
    ways = _trend_directions(columns, view)
    first, second = max(pairs, key=lambda pair: len("".join(pair)))
    rises = sum((way == "ltp") - (way == "ltd") for way, each in zip(ways, found, strict=True) if first in each)
    orders = [(first, second), (second, first)] if rises >= 0 else [(second, first), (first, second)]
    more = {"key": {"device": Blank("PATTERN")}} if len(columns) > 2 else {}
    return tuple(
        Choice.of(f"{up} is potentiation (LTP), {down} depression (LTD)", words={"ltp": up, "ltd": down}, **more)
        for up, down in orders
    )


def _single_column_choices(value_columns: Sequence[Column], view: View) -> tuple[Choice, ...]:
    """Return the choices of reading one column: each current of a sweep by name, else one state."""
    if view.sweeps:
        volts = view.of("voltage_v")
        pairs = zip(volts, value_columns, strict=True) if len(volts) == len(value_columns) > 1 else ()
        more = {} if view.cells.block.named else {"blocks": "none"}
        return tuple(
            Choice.of(
                f"only {volt.name} and {column.name} are a sweep",
                map={"voltage_v": volt.name, "current_a": column.name},
                **more,
            )
            for volt, column in [*pairs][:4]
        ) or tuple(
            Choice.of(f"only {column.name} is the device current", map={"current_a": column.name})
            for column in value_columns[:4]
        )
    return (Choice.of("one column holds the states; the others are kept but not used", map={"value": Blank("COLUMN")}),)


def _alike_choices(value_columns: Sequence[Column], view: View) -> list[Choice]:
    """Return the answer that only the columns of one form of name are the states: dev1, dev2 beside Amplitude."""
    names = [_bare_name(column, view) for column in value_columns]
    found = []
    for form in dict.fromkeys(re.sub(r"\d+", "#", name) for name in names):
        alike = [c.name for c, name in zip(value_columns, names, strict=True) if re.sub(r"\d+", "#", name) == form]
        parsed = pooling.parse_names([name for name in names if re.sub(r"\d+", "#", name) == form])
        plain = not any("," in name for name in alike)
        if "#" in form and plain and 1 < len(alike) < len(names) and not parsed.unclear:
            rest = ", ".join(c.name for c in value_columns if c.name not in alike)
            words = (
                f"{', '.join(alike)} are told apart by their names; {rest} {'is' if ',' not in rest else 'are'} kept"
            )
            found.append(Choice.of(words, map={"value": ",".join(alike)}))
    return found


def _ask_series(value_columns: Sequence[Column], view: View, levels: bool) -> QuestionError:
    names = ", ".join(column.name for column in value_columns[:8]) + (", ..." if len(value_columns) > 8 else "")
    roles = {column.role for column in value_columns}
    options: ReadOptions = view.options
    if len(roles) > 1 and roles - {"value"} == roles:
        quantities = ", ".join(f"{column.name} ({GLOSSARY[column.role].label})" for column in value_columns)
        return ask(
            view.where,
            f"which column holds the state: {quantities}?",
            tuple(Choice.of(f"{column.name} is the state", map={column.role: column.name}) for column in value_columns),
        )
    fields = [option_of("columns")]
    more = ""
    if roles == {"value"} and options.stated_quantity is None:
        fields += ["quantity", "unit", "read_voltage"]
        more = " Add quantity= (conductance, current with read_voltage=, resistance or weight)"
    unclear = pooling.parse_names([_bare_name(column, view) for column in value_columns]).unclear
    return ask(
        view.where,
        f"are the {len(value_columns)} columns {names} devices, or cycles of one device?{more}",
        (
            *label_choices(view.cells.block, [view.cells.block.places[column.name] for column in value_columns]),
            *(_alike_choices(value_columns, view) or word_choices(value_columns, view)),
            *list_choices("columns", "column", "a state of one device" if levels else ""),
            *(_single_column_choices(value_columns, view)),
        ),
        (unclear,) if unclear else (),
        fields=tuple(fields),
    )
