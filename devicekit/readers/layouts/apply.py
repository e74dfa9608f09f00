"""Build a table from a layout and its blocks: rows under devicekit's column names, in SI units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, QuestionError, TableError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import count
from devicekit.names.places import meaning
from devicekit.readers.cells import EMPTY_WORDS, parse_column
from devicekit.readers.checks import OF_NAMES, add_checks, check_conductance
from devicekit.readers.layout import IGNORED, KEPT, Column, Tag
from devicekit.readers.layouts.groups import add_groups
from devicekit.readers.layouts.infer import Reading
from devicekit.readers.layouts.keys import translate_cell
from devicekit.readers.layouts.roles import READ, TEXT, Cells
from devicekit.readers.layouts.rows import TEXT as TEXT_ROWS
from devicekit.readers.layouts.series import Series
from devicekit.readers.layouts.shape import Shape
from devicekit.readers.layouts.temperatures import convert_to_kelvin
from devicekit.readers.layouts.view import names_as_text
from devicekit.readers.origins import ask_kind_first, of_course, of_kind, states_borders
from devicekit.readers.repeats import of_parts
from devicekit.readers.source import Source
from devicekit.readers.terminals import warn_of_gate
from devicekit.system.options import ReadOptions
from devicekit.tables import Table

_SPARSE = "_sparse"  # column of rows of which more than half were empty
_LATE = "_late"  # a train that begins below empty cells
_COUNTS = {"cycle", "pulse_index", "point", "repeat"}
MOST_PIECES = 10_000  # runs of rows beyond which only their column names the devices
_STANDARD = {"voltage_v", "current_a", "cycle", "point", "device_id", "level", "direction", "pulse_index"}


def apply(reading: Reading, source: Source, strict: bool = True) -> Table:
    """Build the validated table of an inferred layout; `strict` refuses a pattern of `key` that no name fits.

    Raises
    ------
    TableError
        If a cell of a column of numbers holds a word, or there are no rows.
    """
    roles = {column.role for column in reading.layout.columns}
    blocks = [Cells(block) for block in reading.blocks]
    frames = [
        frame
        for cells, tags in zip(blocks, reading.block_tags, strict=True)
        for frame in _read_block(reading, cells, tags)
    ]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise TableError(f"{source.path.name} has a header but no rows with numbers")
    warnings = [
        *reading.warnings,
        *_warn_columns(reading, source.path.name),
        *_warn_overflow(reading, blocks, source.path.name),
        *_warn_rounded(reading, blocks, source.path.name),
    ]
    if any(_SPARSE in frame for frame in frames):
        words = "rows without a reading left out of columns that are mostly empty: a pulse is counted for each reading"
        warnings.append(CodedWarning("dropped", f"{source.path.name}: {words}"))
        frames = [frame.drop(columns=_SPARSE, errors="ignore") for frame in frames]
    if any(_LATE in frame for frame in frames):
        words = "a train begins below empty cells: its first reading is that after pulse 1"
        warnings.append(CodedWarning("dropped", f"{source.path.name}: {words}"))
        frames = [frame.drop(columns=_LATE, errors="ignore") for frame in frames]
    if len(frames) > 1:
        for number, frame in enumerate(frames):
            frame["_part"] = number
    whole = frames[0] if len(frames) == 1 else pd.concat(frames)
    whole = whole.reset_index(drop=True)
    whole = add_groups(whole, reading.options, source.path.name, _list_names(reading, source), strict)
    answered = reading.options.blocks is not None or TEXT_ROWS in reading.options.drop  # what lies between parts
    unnamed = "device_id" not in whole and len(reading.blocks) == 1 == len(reading.arranged.series) and not answered
    if "device_id" not in whole:
        whole["device_id"] = _name_by_place(whole)
    elif "device_id" in roles and len(reading.arranged.series) < 2:
        others = [c.name for c in reading.layout.columns if c.role == KEPT]
        whole, more = _name_by_condition(whole, others, source.path.name)
        warnings += more
    gate = warn_of_gate([c.name for c in reading.layout.columns if c.role == "voltage_v"], source.path.name)
    warnings += gate
    if gate:
        whole["_gate"] = True  # then currents need not have the sign of the voltage
    whole["device_id"] = whole["device_id"].astype(str) if whole["device_id"].dtype == object else whole["device_id"]
    whole, celsius = convert_to_kelvin(whole, source.path.name)
    warnings += celsius
    stated = states_borders(whole, reading.options)
    try:
        table: Table = reading.kind.build(whole, _remaining_options(reading), source, warnings)
    except QuestionError as error:
        raise ask_kind_first(error, reading.kind.NAME, reading.claim, reading.other_kinds, reading.options) from None
    frame = table.frame.drop(columns=["_part", "_gate"], errors="ignore")
    lead = [str(name) for name in type(table).schema.columns if name in frame]
    order = [*lead, *(name for name in frame if name not in lead)]
    # replace() would validate again
    object.__setattr__(table, "frame", frame if list(frame) == order else frame[order])
    given = reading.options.unit is not None  # then its warning is enough
    table = add_checks(table, [each for each in OF_NAMES if not given or each is not check_conductance])
    kind = of_kind(table, reading.layout, reading.options.kind is not None, reading.claim, reading.other_kinds)
    statements = [kind, *of_course(table, reading.layout, stated), *table.meta.get("statements", ())]
    statements += of_parts(whole, table) if unnamed else []
    object.__setattr__(table, "meta", {**table.meta, "layout": reading.layout, "statements": tuple(statements)})
    return table


def _list_names(reading: Reading, source: Source) -> list[str]:
    """Return the names of the file, and of its sheet, table and column of values where there is one."""
    sheets = {block.sheet for block in reading.blocks}
    titles = [block.title for block in reading.blocks]
    values = [column.name for each in reading.arranged.series for column in each.columns[:1]]
    rest = [names[0] for names in (list(sheets), titles, values) if len(names) == 1]
    return [source.path.name.rpartition(".")[0] or source.path.name, *filter(None, rest)]


def _name_by_place(frame: pd.DataFrame) -> pd.Series | str:
    """Name devices by their place, R3C5, where columns give it; else return the name of one device."""
    parts = {part: str(name) for name in frame if (part := meaning(str(name))) is not None}
    if not {"row", "column"} <= set(parts):
        return "device1"
    numbers = [pd.to_numeric(frame[parts[part]], errors="coerce") for part in ("row", "column")]
    if not all(bool((values % 1 == 0).all()) for values in numbers):
        return "device1"
    row, column = (values.astype("int64").astype(str) for values in numbers)
    names = "R" + row + "C" + column
    for part in ("die", "wafer"):
        if part in parts:
            names = part + names_as_text(frame[parts[part]]) + "_" + names
    return names


def _name_by_condition(
    frame: pd.DataFrame, others: Sequence[str], name: str
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Name devices by a second column too, where device numbers repeat in it: sample 5 % / 1, sample 10 % / 1."""
    keys = [key for key in ("device_id", "cycle", "direction") if key in frame]
    if "cycle" not in keys or not {"voltage_v", "pulse_index"} & set(frame):
        return frame, []
    train = frame.groupby(keys, sort=False, dropna=False).ngroup()
    runs = (train != train.shift()).cumsum()
    pieces = frame.groupby(runs, sort=False)
    if int(runs.iloc[-1]) == train.nunique() or int(runs.iloc[-1]) > MOST_PIECES:
        return frame, []
    first = train[~runs.duplicated()]
    for other in others:
        if other not in frame or frame[other].nunique() < 2 or (pieces[other].nunique(dropna=False) > 1).any():
            continue
        if not pd.MultiIndex.from_arrays([first, frame.loc[first.index, other]]).has_duplicates:
            message = f"{name}: device_id repeats in each {other}; devices are named by both"
            frame = frame.assign(device_id=names_as_text(frame[other]) + "_" + names_as_text(frame["device_id"]))
            return frame, [CodedWarning("columns", message)]
    return frame, []


def _remaining_options(reading: Reading) -> ReadOptions:
    """Return the options that still apply once every column with a unit is in SI units."""
    options = reading.options
    values = [column for each in reading.arranged.series for column in each.columns[:1]]
    open_ = any(column.role == "value" or column.by == "glossary" for column in values) or not values
    # columns with devicekit names are in SI units; an option that contradicts this is refused later
    return options if open_ else replace(options, quantity=None, unit=None)


def _read_block(reading: Reading, cells: Cells, tags: Mapping[str, Tag]) -> list[pd.DataFrame]:
    """Read the rows of one block, a frame for each series; sweeps that differ only by direction share a frame."""
    arranged = reading.arranged
    frames = []
    for each in arranged.series:
        columns = [*arranged.shared, *each.columns] if len(arranged.series) > 1 else list(reading.layout.columns)
        frame = _build_frame(columns, cells, reading.options.words)
        own = {name: value for name, value in each.tags.items() if name != "level" or "level" not in tags}
        frame = _add_tags(frame, {**tags, **own})
        frames.append(_drop_empty(frame, each, reading.kind.NAME))
    if reading.kind.NAME == "sweep":
        return _join_directions(frames, arranged.series)
    return frames


def _build_frame(columns: Sequence[Column], cells: Cells, words: Mapping[str, str]) -> pd.DataFrame:
    """Build rows with devicekit columns in SI units, and the other columns as they are."""
    taken = {column.role for column in columns if column.role not in (KEPT, IGNORED)}
    values: dict[str, Any] = {}
    for column in columns:
        name, role = column.name, column.role
        if name not in cells.block.cells:
            if role in (KEPT, IGNORED):
                continue  # another sheet has it
            raise UsageError(
                f"{cells.block.where} has no column {name!r} for {role}, unlike other sheets. Choose sheets with sheet="
            )
        if role == "value" or (role in GLOSSARY and role not in TEXT):
            values[role] = _read_numbers(column, cells)
        elif role in TEXT:
            text = _read_text(cells.block.cells[name])
            if role in ("direction", "level"):
                text = text.str.replace(READ, "", regex=True)
                text = text.map(lambda cell: translate_cell(str(cell), words)) if words else text
            # chip and cell name a device together; no other role has two columns here
            values[role] = values[role].astype(str) + "_" + text.astype(str) if role in values else text
        else:
            free = name if name not in taken and name not in _STANDARD else f"{name} (file)"
            values[free] = _read_kept(cells.block.cells[name], cells.block.shape)
    return pd.DataFrame({**values, "file_row": cells.block.cells.index}, copy=False)


def _read_kept(column: pd.Series, shape: Shape) -> pd.Series:
    """Return a column that is kept, as numbers if it holds them; codes such as 0010 stay text."""
    words = [str(each).strip() for each in column.to_numpy()] if column.dtype == object else []
    if any(len(word) > 1 and word[0] == "0" and word.isdigit() for word in words):
        return pd.Series(words, column.index, name=column.name)
    return parse_column(column, shape.decimal, shape.thousands)


def _read_text(column: pd.Series) -> pd.Series:
    """Return names of devices, directions or levels as text, without a copy as objects for large tables."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        stripped = [str(word).strip() for word in column.cat.categories]
        if len(set(stripped)) == len(stripped):
            return column.cat.rename_categories(stripped).astype(str)
    parsed = parse_column(column)
    if parsed.dtype.kind == "f":  # 1 and 1.0 are one number; 01 and 1.10 are codes
        spelled = {str(each).strip(): number for each, number in zip(column, parsed, strict=True) if number == number}
        if len({word.removesuffix(".0") for word in spelled}) > len(set(spelled.values())):
            return column.astype(str).str.strip()
    return names_as_text(parsed)


def _read_numbers(column: Column, cells: Cells) -> pd.Series:
    raw = cells.block.cells[column.name]
    if column.role in _COUNTS and raw.dtype.kind == "i":  # no copy of a large table's counts
        return raw
    values = cells.read(column.name)
    if column.log10:
        values = 10.0**values
    if column.role == "pulse_index" and column.by == "map":
        values = values.round()
    if column.factor != 1.0:
        return values * column.factor
    return values.copy() if values is cells.block.parsed.get(column.name) else values


def _add_tags(frame: pd.DataFrame, tags: Mapping[str, Tag]) -> pd.DataFrame:
    for name, value in tags.items():
        if name == "device_id" and name in frame:
            frame[name] = frame["device_id"].astype(str) + "_" + str(value)
        else:
            frame[name] = value
    return frame


def _drop_empty(frame: pd.DataFrame, each: Series, kind: str) -> pd.DataFrame:
    """Drop rows without a value, where a column ends early; in pulse trains only those at the end."""
    if not each.columns:
        return frame
    role = each.columns[0].role
    known = frame[role].notna()
    if "voltage_v" in frame and kind == "sweep":
        known |= frame["voltage_v"].notna()
    if kind in ("retention", "endurance", "multilevel"):
        return frame[known & (frame["time_s"].notna() if "time_s" in frame and kind == "retention" else True)]
    if "pulse_index" in frame and kind == "pulse" and not frame["pulse_index"].duplicated().any():
        frame = frame.sort_values("pulse_index", kind="stable")
        known = known.reindex(frame.index)
    places = np.flatnonzero(known.to_numpy())
    if (
        kind == "pulse" and places.size and 2 * places.size < places[-1] + 1
    ):  # such rows are not pulses without a reading
        return frame[known].assign(**{_SPARSE: True})
    if kind == "pulse" and "direction" in each.tags and places.size and places[0] > 1:
        # the other direction came first, under one counter
        frame = frame.iloc[places[0] :]
        places = places - places[0]
        frame = frame.assign(**{_LATE: True})
        if "pulse_index" in frame:
            frame = frame.assign(pulse_index=frame["pulse_index"] - frame["pulse_index"].iloc[0] + 1)
    return frame.iloc[: places[-1] + 1] if places.size else frame.iloc[:0]


def _join_directions(frames: Sequence[pd.DataFrame], series: Sequence[Series]) -> list[pd.DataFrame]:
    """Join a set and a reset that share all other tags to one loop."""
    groups: dict[tuple[Any, ...], list[pd.DataFrame]] = {}
    for number, (frame, each) in enumerate(zip(frames, series, strict=True)):
        rest = {name: value for name, value in each.tags.items() if name != "direction"}
        alone = "direction" not in each.tags or not rest
        key = (number,) if alone else tuple(sorted((name, str(value)) for name, value in rest.items()))
        groups.setdefault(key, []).append(frame)
    return [parts[0] if len(parts) == 1 else pd.concat(parts) for parts in groups.values()]


def _warn_overflow(reading: Reading, blocks: Sequence[Cells], name: str) -> list[CodedWarning]:
    """Warn of overflow values (1e400, Keithley's 9.91e37), which are not readings."""
    lost = 0
    for block in blocks:
        for column in (each.columns[0] for each in reading.arranged.series if each.columns):
            cells = block.block.cells[column.name]
            if cells.dtype.kind in "iuf":
                continue
            nowhere = cells.to_numpy()[np.isnan(block.read(column.name).to_numpy(float))]
            lost += sum(str(cell).strip().lower() not in EMPTY_WORDS for cell in nowhere)
    return (
        [CodedWarning("dropped", f"{name}: {lost} readings left out, overflow values of 9.9e37 or more")]
        if lost
        else []
    )


def _warn_rounded(reading: Reading, blocks: Sequence[Cells], name: str) -> list[CodedWarning]:
    """Report pulse numbers that were fractions, as in a digitised figure."""
    found = []
    for column in (each for each in reading.layout.columns if each.role == "pulse_index" and each.by == "map"):
        numbers = [block.read(column.name) for block in blocks if column.name in block.block.names]
        rounded = sum(int((x.dropna() != x.dropna().round()).sum()) for x in numbers)
        if rounded:
            words = f"{name}: {count(rounded, 'pulse number')} in {column.name} rounded to whole pulses"
            found.append(CodedWarning("columns", words))
    return found


def _warn_columns(reading: Reading, name: str) -> list[CodedWarning]:
    """Report the roles of columns whose names are not devicekit's."""
    layout, series = reading.layout, reading.arranged.series
    if not layout.options.header and len(series) < 2:
        return []
    named = [c for c in layout.columns if c.role in (*GLOSSARY, "value") and c.role != c.name.strip().lower()]
    if not named:
        return []
    if len(series) > 1:
        what = f"read each of {len(series)} columns as {_describe_series(series)}"
    else:
        what = "read " + ", ".join(f"{column.name} as {column.role}" for column in named)
    return [CodedWarning("columns", f"{name}: {what}")]


def _describe_series(series: Sequence[Series]) -> str:
    names = {name for each in series for name in each.tags}
    of = "one device" if "device_id" in names else "one cycle of one device" if "cycle" in names else ""
    if not of:
        return f"one {' and '.join(sorted(names)) or 'record'}"
    parts = [name for name in ("direction", "level") if len({each.tags.get(name) for each in series}) > 1]
    return f"one {' and '.join(parts)} of {of}" if parts else of
