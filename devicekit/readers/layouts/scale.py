"""Factors to SI units and the read voltage, from the file or from options; refused where the two disagree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np

from devicekit.core.errors import Blank, Choice, CodedWarning, FileError, QuestionError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.names import parse_unit
from devicekit.names.units import readings
from devicekit.readers.header import parse_heading, scaled_word
from devicekit.readers.layout import IGNORED, KEPT, Column
from devicekit.readers.layouts.grid import Block
from devicekit.readers.layouts.meanings import HINT, option_of
from devicekit.readers.layouts.view import View
from devicekit.readers.lexicon import means
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.readers.sizes import IMPROBABLE, UNITS, median_size, rank_units
from devicekit.readers.state import STATE_COLUMNS, list_quantity_choices
from devicekit.system.options import ReadOptions
from devicekit.system.plugins import KINDS

OHM = 1.5  # factor by which current over read voltage may differ from the conductance
IMAGE = 16  # unnamed columns of small whole numbers beyond which a table holds images, not devices
NEEDED = frozenset(
    {"time_s", "spike_delay_s", "interval_s", "resistance_before_ohm", "resistance_after_ohm", "compliance_a"}
)


def assign_factors(view: View, kind: ModuleType, block: Block) -> tuple[View, list[CodedWarning]]:
    """Give each column a factor to SI, by its unit or by the options; refuse where the two disagree."""
    found, warnings = [], []
    assumed = []
    for column in view.columns:
        percent = "percent" in column.unclear or re.search(r"(?i)(?:\b|_)percent(?:\b|_)|%", column.name)
        if column.role == "weight_change" and not column.stated and percent:
            column = replace(column, factor=0.01, unit="%", stated=True, unclear="")
        is_state = column.role in (*STATE_COLUMNS, "value") and column.role in kind.VALUES
        is_current = column.role == "current_a" and kind.NAME in ("sweep", "transient")
        if column.role == "temperature_k" and parse_heading(column.name).quantity in ("celsius", "fahrenheit"):
            words = f"{view.where}: column {column.name!r} is not in kelvin, but temperature_k must be"
            raise UsageError(f"{words}. If it is in °C, give map={{temperature_c: {column.name}}}")
        if column.unclear and column.role in GLOSSARY:
            column = _resolve_unclear_unit(column, view, is_state or is_current)
        elif (is_state or is_current) and column.by not in ("glossary", "recipe"):
            column = _resolve_state_unit(column, view, "current" if is_current else STATE_COLUMNS.get(column.role))
        elif column.role == "weight_change":
            if "weight_change" in kind.VALUES:
                column = _resolve_relative_change(column, view)
            elif not column.is_explicit:
                column = replace(column, role=KEPT, why="a change, which is no state")
        elif column.role in GLOSSARY and GLOSSARY[column.role].unit and not column.stated:
            column, names = _assume_volts(column, view)
            assumed += names
        found.append(column)
    if assumed:
        warnings.append(CodedWarning("assumed_unit", f"{block.where}: no unit in {', '.join(assumed)}; volts assumed"))
    ignored = [f"{column.name} ({column.why})" for column in view.columns if column.role == IGNORED and column.why]
    if ignored:
        warnings.append(CodedWarning("columns", f"{block.where}: ignored columns: {', '.join(ignored)}"))
    scaled = View(tuple(found), view.cells, view.options)
    return scaled, [*warnings, *_check_ohms_law(scaled)]


def _check_ohms_law(view: View) -> list[CodedWarning]:
    """Report a read voltage that contradicts the currents and the states of its rows."""
    volts = view.of("read_voltage_v")
    states = [column for column in view.columns if column.role in ("conductance_s", "resistance_ohm")]
    units = {column.name: parse_heading(column.name).unit for column in view.columns}
    amps = [column for column in view.columns if getattr(units[column.name], "quantity", None) == "current"]
    if not (volts and states and amps):
        return []
    v, x, i = (view.numbers(each[0].name) for each in (volts, states, amps))
    if v is None or x is None or i is None:
        return []
    x = x * states[0].factor
    g = 1 / x.where(x != 0) if states[0].role == "resistance_ohm" else x
    i = i * units[amps[0].name].factor  # type: ignore[union-attr]
    ratio = median_size(i / (v * volts[0].factor).where(v != 0) / g.where(g != 0))
    if not np.isfinite(ratio) or 1 / OHM < ratio < OHM:
        return []
    text = f"{amps[0].name} over {volts[0].name} is {ratio:.3g} times the conductance by {states[0].name}"
    return [CodedWarning("ohms_law", f"{view.where}: {text}: is it the voltage across the device?")]


def _resolve_state_unit(column: Column, view: View, quantity: str | None) -> Column:
    """Return a column of states (or a current) with the factor from its unit or from the options."""
    options = view.options
    if column.stated:
        wanted = options.factor if options.unit else column.factor
        if options.stated_quantity not in (None, quantity) or not np.isclose(
            wanted, column.factor, rtol=1e-9, atol=0.0
        ):
            raise UsageError(
                f"{view.where}: column {column.name!r} has a unit of {quantity}, which contradicts "
                f"{_describe_option(options)}. Remove the option."
            )
        return column
    if quantity is None:  # only an option gives the quantity
        if options.stated_quantity is None:
            raise ask_quantity(view)
        if column.unclear and not options.unit and options.stated_quantity != "weight":
            scaled = scaled_word(parse_heading(column.name).word or "")
            words = [scaled, *UNITS[options.stated_quantity]] if scaled else []
            raise _ask_unit(column, view, options.stated_quantity, words)
        return column
    if options.stated_quantity is not None and options.stated_quantity != quantity:
        raise UsageError(
            f"{view.where}: column {column.name!r} is a {quantity}, which contradicts {_describe_option(options)}"
        )
    if options.stated_quantity == quantity or quantity == "weight":
        return replace(column, factor=options.factor if options.unit else 1.0, unit=options.unit)
    if column.by == "map":
        return column
    raise _ask_unit(column, view, quantity)


def _resolve_relative_change(column: Column, view: View) -> Column:
    """Return a relative change as a fraction: by its unit (%), by an option, or by its name."""
    options = view.options
    if options.unit is not None and options.stated_quantity == "weight":
        if column.stated and not np.isclose(options.factor, column.factor, atol=0.0):
            raise UsageError(
                f"{view.where}: column {column.name!r} is in {column.unit}, which contradicts unit={options.unit}"
            )
        return replace(column, factor=options.factor, unit=options.unit)
    values = view.numbers(column.name)
    impossible = not column.stated and values is not None and bool((values < -1).any())  # a weight cannot fall by 200 %
    if (column.stated or column.is_explicit) and not impossible:
        return column
    raise ask(
        view.where,
        f"is column {column.name!r} a fraction or in percent?",
        (Choice.of("0.5 means half (fraction)", unit="1"), Choice.of("0.5 means half a percent", unit="%")),
        describe_ranges(View((replace(column, role="value"),), view.cells, options)),
    )


def _describe_option(options: ReadOptions) -> str:
    return f"unit={options.unit}" if options.unit else f"quantity={options.quantity}"


_ROLES = {"conductance": "conductance_s", "current": "read_current_a", "resistance": "resistance_ohm"}


def _ask_unit(column: Column, view: View, quantity: str, words: Sequence[str] = ()) -> QuestionError:
    more = quantity == "current" and column.role != "current_a" and not knows_read_voltage(view)
    volts = {"read_voltage": Blank("V")} if more else {}
    ranked = rank_units(median_size(view.numbers(column.name)), words or UNITS.get(quantity, ()), _swept_volts(view))
    ranked = {each: ranked[each] for each in sorted(ranked, key=lambda each: each not in words[:1])}  # its own word
    reason = f" ({column.unclear})" if column.unclear else ""
    text = f"in which unit is column {column.name!r}{reason}?"
    if not ranked:
        text += " Add unit=UNIT"
    return ask(
        view.where,
        text + (" Add read_voltage=V too" if more else ""),
        tuple(
            Choice.of(f"{column.name} is in {w}{size and f': {size}'}", unit=w, **(volts if _is_current(w) else {}))
            for w, size in ranked.items()
        ),
        describe_ranges(View((replace(column, role="value"),), view.cells, view.options)),
        fields=("unit", *(("read_voltage",) if more else ())),
    )


def _swept_volts(view: View) -> float:
    """Return the median magnitude of a swept voltage, or the read voltage that is given [V]; NaN if neither is."""
    column = next(iter(view.of("voltage_v")), None)
    given = view.options.read_voltage
    return abs(given or float("nan")) if column is None else median_size(view.numbers(column.name)) * column.factor


def _is_current(word: str) -> bool:
    unit = parse_unit(word)
    return unit is not None and unit.quantity == "current"


def _resolve_unclear_unit(column: Column, view: View, asked: bool) -> Column:
    """Return a column whose unit word was not understood with the unit of an option, or ask."""
    quantity = STATE_COLUMNS.get(column.role, "current" if column.role == "current_a" else None)
    options = view.options
    if asked and options.stated_quantity == quantity and options.unit:
        return replace(column, factor=options.factor, unit=options.unit)
    word = parse_heading(column.name).word or ""
    is_state = column.role in STATE_COLUMNS
    if asked and is_state and options.unit and (role := _ROLES.get(options.stated_quantity or "")):
        return replace(column, role=role, factor=options.factor, unit=options.unit, unclear="")  # the unit is right
    if asked and quantity:
        words = [each for each, unit in readings(word) if unit.quantity == quantity]
        if scaled := scaled_word(word):
            words = [scaled, *UNITS[quantity]]
        unit = parse_unit(word)
        if is_state and unit is not None and unit.quantity in _ROLES:
            words = [word, *(words or UNITS[quantity])]
        raise _ask_unit(column, view, quantity, words)
    reason = column.unclear
    raise ask(
        view.where,
        f"is column {column.name!r} in {GLOSSARY[column.role].unit} ({reason})? If not, correct the name in the file",
        (Choice.of(f"yes, in {GLOSSARY[column.role].unit}", map={column.role: column.name}),),
    )


def _assume_volts(column: Column, view: View) -> tuple[Column, list[str]]:
    """Assume volts for a voltage without a unit and return its name for a warning; ask for others or keep them."""
    if column.is_explicit:
        return column, []
    if GLOSSARY[column.role].unit == "V":
        return column, [column.name]
    needed = column.role in NEEDED
    by_kind = any(column.role in way for way in getattr(KINDS.all().get(view.options.kind or ""), "NEEDS", ()))
    needed = needed and (by_kind or not (view.options.kind == "sweep" or view.sweeps or view.of("pulse_index")))
    if not needed:
        return replace(column, role=KEPT, why="no unit"), []
    unit = GLOSSARY[column.role].unit
    raise ask(
        view.where,
        f"is column {column.name!r} in {unit}? If not, add its unit to the name in the file",
        (Choice.of(f"yes, in {unit}", map={column.role: column.name}),),
    )


def add_read_voltage(view: View, kind: ModuleType, options: ReadOptions) -> ReadOptions:
    """Add the read voltage that the file states to the options; refuse another one."""
    stated = _stated_voltages(view)
    columns = view.of("read_voltage_v")
    if columns and options.read_voltage is not None:
        values = view.numbers(columns[0].name)
        known = None if values is None else values.dropna() * columns[0].factor
        if (
            known is not None
            and len(known)
            and not np.allclose(np.abs(known), abs(options.read_voltage), rtol=1e-6, atol=0.0)
        ):
            raise UsageError(
                f"read_voltage={options.read_voltage:g} contradicts column {columns[0].name!r} of {view.where}, which "
                f"gives {known.iloc[0]:g} V. Remove the option."
            )
    if stated and options.read_voltage is not None and not np.isclose(abs(stated[0][1]), abs(options.read_voltage)):
        raise UsageError(
            f"read_voltage={options.read_voltage:g} contradicts {view.where}, which gives {stated[0][0]}. Remove the "
            "option."
        )
    converts = bool(kind.VALUES & set(STATE_COLUMNS))  # currents are to become conductances
    stays = "current_a" in kind.VALUES
    current = converts and (bool(view.of("read_current_a")) or (options.stated_quantity == "current" and not stays))
    named = {volts for c in view.of("read_current_a") if (volts := _voltage_in_name(c.name)) is not None}
    if (
        named
        and options.read_voltage is not None
        and not all(np.isclose(abs(v), abs(options.read_voltage)) for v in named)
    ):
        raise UsageError(
            f"read_voltage={options.read_voltage:g} contradicts a column name of {view.where}, which gives "
            f"{min(named):g} V. Remove the option."
        )
    if not current or columns or options.read_voltage is not None:
        return options
    if len(named) == 1:
        return replace(options, read_voltage=named.pop())
    if stated:
        return replace(options, read_voltage=stated[0][1])
    raise ask(
        view.where,
        "at which read voltage were the currents measured?",
        (Choice.of("conductance = current / read voltage", read_voltage=Blank("V")),),
    )


def _stated_voltages(view: View) -> list[tuple[str, float]]:
    """Return the lines above a table that state the read voltage [V]."""
    facts = view.cells.block.shape.facts.items()
    return [(f"{name} {value}", v) for name, value in facts if (v := _voltage_in_line(name, value))]


def knows_read_voltage(view: View) -> bool:
    """Return whether an option, a column, a line above the table or a name of a current gives the read voltage."""
    known = view.options.read_voltage is not None or view.of("read_voltage_v") or _stated_voltages(view)
    return bool(known or any(_voltage_in_name(c.name) for c in view.of("current_a", "read_current_a")))


def _voltage_in_name(name: str) -> float | None:
    """Return the read voltage [V] that a column's name states (`I at 0.1 V`, `I@50mV`), or None."""
    found = re.search(r"(?:\bat|@|\bV(?:_?read)? ?=) ?(-?\d+(?:[.,]\d+)?) ?(m?V)\b", name)
    if not found:
        return None
    unit = parse_unit(found[2])
    return float(found[1].replace(",", ".")) * (unit.factor if unit else 1.0) or None


def _voltage_in_line(name: str, value: str) -> float | None:
    """Return the read voltage [V] that a line above a table states, or None."""
    if not means("read voltage of a line", name):
        return None
    head = parse_heading(name)
    found = re.match(r"^([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(\S*)$", value.strip())
    if not found:
        return None
    unit = parse_unit(found[2]) if found[2] else head.unit
    if unit is None or unit.quantity != "voltage":
        return None
    try:
        return float(found[1]) * unit.factor or None
    except ValueError:
        return None


def describe_ranges(view: View) -> tuple[str, ...]:
    """Describe the range of each column in question: magnitude never decides a unit, but helps the user."""
    return describe_columns([*view.states, *view.unknown], view)


def describe_columns(columns: Sequence[Column], view: View) -> tuple[str, ...]:
    """Describe the range of each of six columns."""
    found = []
    for column in columns[:6]:
        values = view.numbers(column.name)
        if values is not None and values.notna().any():
            found.append(f"{column.name}: {values.min():.4g} to {values.max():.4g}")
    return tuple(found)


def refuse_images(view: View) -> None:
    """Refuse a table of images.

    Raises
    ------
    FileError
    """
    values = [view.numbers(column.name) for column in view.unknown]
    small = all(v is not None and v.between(0, 255).all() and (v % 1 == 0).all() for v in values)
    if len(values) >= IMAGE and not view.cells.block.named and small:
        raise FileError(
            f"{view.where} is not a table of measured devices: {len(values)} columns of whole numbers without names. "
            "Give a data set for training to devicekit train --data."
        )


def ask_quantity(view: View) -> QuestionError:
    """Return the question for the quantity of the states."""
    refuse_images(view)
    names = ", ".join(column.name for column in [*view.states, *view.unknown][:8])
    wide = len(view.unknown) > 2
    several = f" and {HINT}" if wide else ""
    text = (
        f"which quantity do columns {names} hold? Add unit= if they are not in SI units{several}, or name columns with "
        "map={NAME: COLUMN}"
    )
    kind = ("kind",) if len(view.unknown) > 1 else ()
    fields = (*kind, "quantity", "unit", "read_voltage", *((option_of("columns"),) if wide else ()))
    more = () if view.options.kind else (NONE_OF_THESE,)
    unclear = any(column.unclear for column in [*view.states, *view.unknown])
    known = [view.numbers(column.name) for column in [*view.states, *view.unknown][:8]]
    sizes = [size for each in known if np.isfinite(size := median_size(each))]
    size = float(np.median(sizes)) if sizes else float("nan")
    likely = [_with_size(each, size, view) for each in list_quantity_choices(view.options, unclear)]
    choices = (*sorted(likely, key=lambda each: each.means.endswith(IMPROBABLE)), *more)
    return ask(view.where, text, choices, describe_ranges(view), fields=fields)


def _with_size(choice: Choice, size: float, view: View) -> Choice:
    """Return the answer that states are of a quantity, with what the numbers are then, unless a unit is open too."""
    unit = UNITS.get(choice.options["quantity"], ("",))[0]
    if "unit" in choice.options or view.options.unit:
        return choice
    text = rank_units(size, (unit,), _swept_volts(view))[unit]
    return replace(choice, means=f"{choice.means}; in {unit}: {text}") if text else choice
