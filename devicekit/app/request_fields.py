"""Fields for the options of a request that have a label, and the values that their entries give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from devicekit.app.forms import Field, format_value
from devicekit.core.constants import ZERO_C
from devicekit.core.declarations import Option, options_of
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.names import parse_unit
from devicekit.names.units import Unit

_METRE, _KELVIN = Unit("length", 1.0), Unit("temperature", 1.0)  # as files write them, m and K may be something else


def build_groups(request: Any, present: Mapping[str, Any]) -> dict[str, tuple[Field, ...]]:
    """Return the fields of a request, with present values, by the topic of their help ("Conduction: ...")."""
    found: dict[str, list[Field]] = {}
    for each in options_of(request).values():
        if each.form:
            topic, mark, _ = each.help.partition(": ")
            found.setdefault(topic if mark else "", []).append(_build_field(each, present.get(each.name)))
    return {topic: tuple(fields) for topic, fields in found.items()}


def build_fields(request: Any, *names: str, **present: Any) -> tuple[Field, ...]:
    """Return the fields of options of a request, with present values."""
    options = options_of(request)
    return tuple(_build_field(options[name], present.get(name)) for name in names)


def _build_field(option: Option, value: Any) -> Field:
    if option.annotation == "bool":
        return Field(option.name, option.form, value="yes" if value else "", mode="check")
    usual = option.default if option.default not in (None, ()) else None
    if option.words:
        chosen = usual if value is None else value
        choices = option.words if usual is not None else ("", *option.words)
        return Field(option.name, option.form, choices, "" if chosen is None else str(chosen))
    hint = option.example or ("" if usual is None else f"{usual:g}" if isinstance(usual, float) else str(usual))
    mode = "decimal" if option.kind.number is not None and not option.parse else ""
    return Field(option.name, option.form, value="" if value is None else _format(value), hint=hint, mode=mode)


def _format(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_format(each)}" for name, each in value.items())
    if isinstance(value, tuple) and all(isinstance(each, float) for each in value):
        return ":".join(f"{each:g}" for each in value)
    return f"{value:g}" if isinstance(value, float) else format_value(value)


def parse_fields(request: Any, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of a request that a form fills in; those that are empty or as by default are left out.

    Raises UsageError if a field does not take its entry.
    """
    found = {}
    for each in options_of(request).values():
        word = str(form.get(each.name, "")).strip()
        if each.form and word:
            value = _parse(each, word)
            if value != each.default:
                found[each.name] = value
    return found


def _parse(option: Option, word: str) -> Any:
    if option.annotation == "bool":
        return word == "yes"
    if option.words:
        if word not in option.words:
            raise UsageError(f"“{option.label}” takes {', '.join(option.words)}, not {word!r}.")
        return word
    if option.annotation == "tuple[int, ...]":
        return tuple(_parse_whole(option, each) for each in word.split(","))
    if option.parse is not None:
        is_pairs = option.annotation.startswith("Mapping")
        try:
            return option.parse([each.strip() for each in word.split(",")] if is_pairs else word)
        except DevicekitError:
            raise UsageError(f"“{option.label}” takes a value such as {option.example}, not {word!r}.") from None
    if option.kind.number is float:
        return _parse_quantity(option, word)
    return _parse_whole(option, word) if option.kind.number is int else word


def _parse_whole(option: Option, word: str) -> int:
    least = "" if option.least is None else f" of {option.least} or more"
    try:
        value = int(word)
    except ValueError:
        value = -1 if option.least is not None else None  # type: ignore[assignment]
    if value is None or (option.least is not None and value < option.least):
        raise UsageError(f"“{option.label}” takes a whole number{least}, not {word!r}.")
    return value


def _parse_quantity(option: Option, word: str) -> float:
    """Return a number in the unit of its label, from one in that unit or with another: 5e-9 or 5 nm."""
    own = option.form.partition("[")[2].rstrip("]")
    found = re.fullmatch(r"([-+]?[\d.,]+(?:e[-+]?\d+)?)\s*(.*)", word, re.IGNORECASE)
    try:
        groups = found and re.match(r"[-+]?[1-9]\d{0,2}(,\d{3})+(?!\d)", found[1])  # 1,000: one or a thousand?
        value = float(found[1].replace(",", ".")) if found and not groups else None
    except ValueError:
        value = None
    unit = found[2] if found else ""
    if value is not None and unit in ("", own):
        return value
    given, target = parse_unit(unit), _parse_own(own)
    if value is None or given is None or target is None or unit == "":
        raise UsageError(f"“{option.label}” takes a number{f' in {own}' if own else ''}, not {word!r}.")
    if given.quantity == "celsius" and target.quantity == "temperature":
        return value * given.factor + ZERO_C
    if given.quantity != target.quantity or given.log10:
        raise UsageError(f"“{option.label}” is in {own}, not in {unit}.")
    return value * given.factor / target.factor


def _parse_own(unit: str) -> Unit | None:
    return {"m": _METRE, "K": _KELVIN}.get(unit) or (parse_unit(unit) if unit else None)
