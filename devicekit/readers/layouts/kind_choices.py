"""Question about the kind of a table: every kind that its columns can be, with the options to read it, best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from devicekit.core.errors import Blank, Choice, QuestionError, TableError
from devicekit.names import parse_unit
from devicekit.readers.layout import Column
from devicekit.readers.layouts import unnamed_columns
from devicekit.readers.layouts.densities import ask_area
from devicekit.readers.layouts.evidence import (
    MOST_VOLTS,
    are_weights,
    find_sweep,
    find_time,
    free_columns,
    in_time,
    is_count,
    jumps,
    show_kinds,
)
from devicekit.readers.layouts.meanings import HINT, option_of
from devicekit.readers.layouts.needs import (
    ask_missing,
    find_missing,
    is_rising,
    known_roles,
    label_role,
    numeric_columns,
)
from devicekit.readers.layouts.roles import LEVEL_IN_NAME
from devicekit.readers.layouts.scale import describe_ranges, refuse_images
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.own import kind_of
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.readers.sizes import IMPROBABLE, UNITS, describe_others, median_size, rank_units
from devicekit.readers.state import NEGATIVE_SHARE_OF_A_WEIGHT, STATE_COLUMNS
from devicekit.system import plugins

STATES = ("lrs", "hrs", "value", "current_a", "voltage_v")  # roles of columns that change, the smaller first
LEVELS = "([HhLl][Rr][Ss])"  # pattern of a level in a name
OFTEN = ("pulse", "sweep", "endurance", "retention", "transient", "summary")  # kinds offered without a word for them
OF_UNITS = ("endurance", "multilevel", "summary", "transient")  # kinds whose states are conductances
OF_STATES = (*OF_UNITS[:-1], "pulse", "retention")  # a transient may be one of currents
_POSITIVE = ("conductance", "resistance")  # quantities that are refused where many numbers are negative
_GIVEN: dict[str, dict[str, Any]] = {"summary": {"row_is": "device"}}  # options that a kind needs besides columns
_MORE = {  # options that a kind may ask for next, beside unit= and columns
    "pulse": "say which; with read_voltage=V for currents, and pulses=N,M",
    "sweep": "say which; with rows_per={cycle: N} for loops of N rows",
    "transient": "say which, and map={voltage_v: COLUMN} of a voltage; with read_voltage=V",
    "retention": "say which; with read_voltage=V for currents",
    "endurance": "say which; with read_voltage=V for currents",
}
WHOLE, MAPPED, BLANK = 0, 10, 20  # ranks of answers


def collect_claims(view: View) -> list[tuple[ModuleType, Claim]]:
    """Return every kind that the columns are by themselves, with its claim."""
    kinds = plugins.KINDS.all()
    if view.options.kind == "record":  # others may ask what does not matter then
        kinds = {"record": kinds["record"]}
    found = [(module, claim) for module in kinds.values() if (claim := module.claim(view)) is not None]
    return [(module, claim) for module, claim in found if claim.strength == 2 or not _has_both_signs(view, module)]


def choose_kind(view: View) -> tuple[ModuleType, Claim]:
    """Return the kind that an option or a word gives, or ask."""
    kind, written = view.options.kind, kind_of(view.cells.block.names)
    if kind is None and written is not None:  # a table of devicekit that somebody has edited
        view = replace(view, options=replace(view.options, kind=written.kind))
    claims = collect_claims(view)
    if view.options.kind is not None:
        fits = [(module, claim) for module, claim in claims if view.options.kind == module.NAME]
        if fits:
            return fits[0]
    if kind is not None:
        module = plugins.KINDS.all()[kind]
        if kind in OF_UNITS and view.options.stated_quantity == "weight":
            needs = "needs conductances, currents or resistances, not weights"
            raise TableError(f"{view.where}: {module.TITLE} {needs}. Give the numbers in a unit: unit=uS")
        if missing := find_missing(view, module):
            raise ask_missing(view, module, missing)
        return module, Claim(1, "the kind and its columns are given")
    if all(claim.strength < 2 for _, claim in claims) and (
        question := ask_area(view.cells.block.headings, view.options, view.where)
    ):
        raise question
    known = numbers_known(view)
    if unnamed_columns.has_no_names(view) and view.unknown and (not known or unnamed_columns.has_distinct_axis(view)):
        raise ask_kind(view)
    strong = [each for each in claims if each[1].strength == 2]
    if len(strong) == 1:
        return strong[0]
    if len(claims) == 1 and known:
        return claims[0]
    raise ask_kind(view)


def numbers_known(view: View) -> bool:
    """Return whether the quantity of the states is known, from the name of a column or from an option."""
    return bool([c for c in view.states if c.role != "value"]) or view.options.stated_quantity is not None


def list_kinds(view: View) -> tuple[Choice, ...]:
    """Return every kind that the columns can be as an answer, best first, and plain records last."""
    found: list[tuple[tuple[bool, bool, int, int], Choice]] = []
    if any(view.numbers(column.name) is None for column in view.states):  # a "Value" of words is no state
        return (NONE_OF_THESE,)
    shown = show_kinds(view) if _is_open(view) else in_time(view)
    swept = find_sweep(view) if "sweep" in shown else None
    for module in plugins.KINDS.all().values():
        if module.NAME == "record":
            continue
        as_kind = replace(view, options=replace(view.options, kind=module.NAME))
        claim = _claim(module, as_kind)
        if module.NAME == "sweep" and swept is not None and (claim is None or len(view.unknown) < 3):
            answers = [(WHOLE, _as_sweep(module, swept, view))]
        else:
            answers = [] if claim is None else _whole(as_kind, module, claim, _claim(module, view))
            answers = answers or _with_columns(as_kind, module)
        for rank, choice in answers:
            is_shown = module.NAME in shown and not _is_improbable(choice)
            order = shown.index(module.NAME) if is_shown else len(shown)
            found.append(((not is_shown, rank >= BLANK, order, rank), choice))
    return (*(choice for _, choice in sorted(found, key=lambda each: each[0])), NONE_OF_THESE)


def list_other_kinds(view: View, kind: str, weak: bool) -> tuple[Choice, ...]:
    """Return the other kinds that the columns are by themselves as answers; with a weak claim, all that they can be."""
    if view.options.kind is not None:
        return ()
    if weak:
        return tuple(each for each in list_kinds(view) if each.options["kind"] != kind)
    modules = [m for m in plugins.KINDS.all().values() if m.NAME not in (kind, "record") and _claim(m, view)]
    return (*(Choice.of(f"no: {module.TITLE}", kind=module.NAME) for module in modules), NONE_OF_THESE)


def ask_kind(view: View) -> QuestionError:
    """Return the question what kind of measurement a table is."""
    refuse_images(view)
    names = ", ".join(column.name for column in view.columns[:8]) + (", ..." if len(view.columns) > 8 else "")
    wide = len(view.unknown) > 2
    open_ = _is_open(view)
    unshown = open_ and not show_kinds(view) and not _is_named(view)
    choices = list_kinds(view)
    hints = [
        *(["nothing in the file shows the kind"] if unshown else []),
        *(["change quantity=, unit= or read_voltage= if needed"] if open_ else []),
        *([f"add {HINT} for several states"] if wide else []),
    ]
    hint = "; ".join(hints)
    fields = ("kind", *(("quantity", "unit", "read_voltage") if open_ else ()), "columns")
    unclear = [column.unclear for column in view.columns if column.unclear]
    return ask(
        view.where,
        f"what kind of measurement is this (columns {names})?{f' {hint[0].upper()}{hint[1:]}' if hint else ''}",
        (choices[-1], *choices[:-1]) if unshown else choices,
        (*describe_ranges(view), *unclear),
        fields=(*fields, *((option_of("columns"),) if wide else ())),
    )


def _is_improbable(choice: Choice) -> bool:
    """Return whether even the most probable unit of an answer makes the numbers improbable."""
    text = choice.means
    return text[: text.rfind(" (") if text.endswith(")") else None].endswith(IMPROBABLE)


def _is_open(view: View) -> bool:
    """Return whether the quantity of the columns is not known."""
    return not numbers_known(view) and not view.sweeps


def _is_named(view: View) -> bool:
    """Return whether a word says the kind: in the name of a column, the file, a sheet or a table."""
    return _names_level(view) or bool(view.extracted) or any(claim.strength == 2 for _, claim in collect_claims(view))


def list_without_unit(view: View, module: ModuleType) -> list[Column]:
    """Return the columns of states if all are dimensionless and a kind of table needs conductances."""
    dimensionless = {"weight", "value"} if view.options.stated_quantity == "weight" else {"weight"}
    states = [c for c in view.columns if c.role in module.VALUES and c.role in (*STATE_COLUMNS, "value")]
    return states if module.NAME in OF_UNITS and all(c.role in dimensionless for c in states) else []


def _has_both_signs(view: View, module: ModuleType) -> bool:
    """Return whether the states, which no option names, are of both signs, as no conductance is."""
    of_states = [c for c in view.states if c.role not in ("weight", "value") and not c.is_explicit]
    values = [view.numbers(column.name) for column in of_states]
    shares = [float((each < 0).mean()) for each in values if each is not None]
    signed = bool(shares) and all(NEGATIVE_SHARE_OF_A_WEIGHT < s < 1 - NEGATIVE_SHARE_OF_A_WEIGHT for s in shares)
    return signed and module.NAME in OF_STATES and not (view.options.absolute or view.options.drop)


def _claim(module: ModuleType, view: View) -> Claim | None:
    """Return the claim of a kind; None if it has a question, which comes later, or the states lack a unit."""
    if list_without_unit(view, module) or _has_both_signs(view, module):
        return None
    try:
        claim: Claim | None = module.claim(view)
    except QuestionError:
        return None
    return claim


def _misfit(module: ModuleType, view: View) -> int:
    """Return a rank: trains and sweeps last where no column runs, trains beside times; first what a name gives."""
    if (module.NAME == "endurance" and _names_level(view)) or (module.NAME == "summary" and view.extracted):
        return -4
    varying = [name for name in free_columns(view) if not is_rising(name, view) and view.cells.varies(name)]
    rough = bool(varying) and all(jumps(name, view) for name in varying)
    timed = module.NAME == "pulse" and find_time(view) is not None
    return 5 if (rough and module.NAME in ("pulse", "sweep")) or timed else 0


def _names_level(view: View) -> bool:
    """Return whether the name of the file, a sheet or a table contains HRS or LRS."""
    return any(LEVEL_IN_NAME.search(label) for label in view.labels)


def _whole(view: View, module: ModuleType, claim: Claim, own: Claim | None) -> list[tuple[int, Choice]]:
    """Return a kind that the columns can be without other roles, and its rank; none if many numbers are negative."""
    bare = {} if numbers_known(view) or not view.unknown else _suitable(module, [c.name for c in view.unknown], view)
    if bare is None:
        return []
    names = [each.name for each in view.unknown]
    is_axis = len(names) > 1 and (module.NAME == "sweep" or unnamed_columns.find_axis(view) is not None)
    volts = median_size(view.numbers(names[0])) if module.NAME == "sweep" and is_axis else float("nan")
    if module.NAME == "sweep" and is_axis:  # voltages are larger than currents
        names = sorted(names[1:], key=lambda name: median_size(view.numbers(name)))[:1]
    words, unit = _in_unit(view, names[1:] if is_axis and module.NAME != "sweep" else names, bare, volts)
    rank = WHOLE + (3 if own is None else 2 - own.strength) + _misfit(module, view)
    return [(rank, Choice.of(f"{module.TITLE}: {claim.why}{words}", kind=module.NAME, **unit))]


def _as_sweep(module: ModuleType, roles: dict[str, str], view: View) -> Choice:
    """Return the answer that columns are the voltage and current of sweeps."""
    says = ", ".join(f"{name} is {label_role(role)}" for role, name in roles.items())
    words, unit = _in_unit(view, [roles["current_a"]], module.BARE, median_size(view.numbers(roles["voltage_v"])))
    return Choice.of(f"{module.TITLE}: {says}{words}", kind=module.NAME, map=roles, **unit)


def _suitable(module: ModuleType, names: Iterable[str], view: View) -> dict[str, str] | None:
    """Return the quantity and unit of states, weights where many are negative; None if they cannot be weights."""
    bare = getattr(module, "BARE", {})
    numbers = [values for name in names if (values := view.numbers(name)) is not None]
    negative = any((values < 0).mean() > NEGATIVE_SHARE_OF_A_WEIGHT for values in numbers)
    if not negative or bare.get("quantity") not in _POSITIVE:
        return dict(bare)
    small = all(are_weights(values) for values in numbers)
    return {"quantity": "weight"} if module.NAME == "pulse" and small else None


def _in_unit(
    view: View, names: Iterable[str], bare: Mapping[str, str], volts: float = float("nan")
) -> tuple[str, dict[str, str]]:
    """Return the unit that makes numbers of a quantity probable, in words with the others beside it, and as options."""
    unit = parse_unit(bare.get("unit", ""))
    values = [size for name in names if np.isfinite(size := median_size(view.numbers(name)))]
    if unit is None or not values:
        return "", dict(bare)
    ranked = rank_units(float(np.median(values)), UNITS[unit.quantity], volts)
    word, text = next(iter(ranked.items()))
    return f"; {word}: {text}{describe_others(ranked)}", {**bare, "unit": word}


def _with_columns(view: View, module: ModuleType) -> list[tuple[int, Choice]]:
    """Return a kind with the columns that can have its roles, else with blanks for them, and its rank."""
    free, ways = free_columns(view), find_missing(view, module)
    given: dict[str, Any] = {"kind": module.NAME, **_GIVEN.get(module.NAME, {})}
    labelled = _names_level(view)
    ways = sorted(ways, key=lambda way: labelled and "level" not in way)
    for way in ways if module.NAME != "summary" else ():
        if "level" in way and not (labelled and module.NAME == "endurance"):
            continue
        stated = bool(view.states) or "level" not in way
        roles = _match(way if stated else tuple({*way, "value"}), free, view)
        states = [name for role, name in (roles or {}).items() if role in ("hrs", "lrs", "value")]
        bare = _suitable(module, states, view) if states and not numbers_known(view) else {}
        if roles is None or bare is None:
            continue
        words, unit = _in_unit(view, states, bare)
        key = {"key": {"level": LEVELS}} if "level" in way else {}
        says = ", ".join(f"{name} is {label_role(role)}" for role, name in roles.items())
        timed = bool({"time_s", "cycle"} & set(roles)) and find_time(view) in roles.values()
        rank = MAPPED - 8 * timed + _misfit(module, view)
        columns = {"map": roles} if roles else {}
        return [(rank, Choice.of(f"{module.TITLE}: {says}{words}", **given, **columns, **unit, **key))]
    fitting = [way for way in ways if len(way) <= len(numeric_columns(view))]
    own = {role for each in module.NEEDS for role in each} - {"value"}
    if not fitting or (module.NAME not in OFTEN and not own & known_roles(view)):
        return []
    choice = Choice.of(
        f"{module.TITLE}: {_MORE.get(module.NAME, 'say which')}",
        **given,
        map={role: Blank("COLUMN") for role in fitting[0]},
    )
    return [(BLANK + len(fitting[0]), choice)]


def _match(way: Sequence[str], free: Sequence[str], view: View) -> dict[str, str] | None:
    """Return the column of each role, if the columns that change are as many as those roles; else None."""
    rising = [name for name in free if is_rising(name, view)]
    varying = [name for name in free if name not in rising and view.cells.varies(name)]
    states = [role for role in STATES if role in way]
    if "level" in way and not rising and len(varying) == len(states) + 1:
        rising, varying = varying[:1], varying[1:]  # the abscissa of a digitised figure, in any order
    if set(way) - {*states, "time_s", "level"} or len(states) != len(varying) or ("time_s" in way and not rising):
        return None
    varying = sorted(varying, key=lambda name: median_size(view.numbers(name)))
    if {"current_a", "voltage_v"} <= set(way) and max(map(abs, _ends(varying[1], view))) > MOST_VOLTS:
        return None
    found = dict(zip(states, varying, strict=True))
    if "time_s" in way:
        return {"time_s": rising[0], **found}
    if not rising or not {"hrs", "level"} & set(way):
        return found
    return {**found, "cycle": rising[0]} if "level" in way or is_count(rising[0], view) else None


def _ends(name: str, view: View) -> tuple[float, float]:
    values = view.numbers(name)
    return (0.0, 0.0) if values is None else (float(values.min()), float(values.max()))
