"""A stack as plain data: entries of a TOML file inserted by keys such as "layer.HfO2.thickness"."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devicekit.core.errors import ParameterError
from physics.laws.find import KINDS, find_law
from physics.parameters import (
    Circuit,
    Drive,
    Electrode,
    Filament,
    Geometry,
    Group,
    Layer,
    Numerics,
    Transport,
    unit_of,
)

MOST_LAYERS = 100
HEADER = ("title", "summary", "assumptions", "defects", "material")

GROUPS: dict[str, type[Group] | None] = {
    "bottom": Electrode,
    "top": Electrode,
    "geometry": Geometry,
    "filament": Filament,
    "transport": Transport,
    "reaction": None,
    "conduction": None,
    "heat": None,
    "circuit": Circuit,
    "drive": Drive,
    "numerics": Numerics,
}
"""Groups of parameters besides the layers, with their class; None if it depends on the law of the group."""

ALIASES: dict[str, tuple[str, ...]] = {
    "geometry.hfo2_thickness": ("layer.HfO2.thickness",),
    "geometry.al2o3_thickness": ("layer.Al2O3.thickness",),
    "transport.barrier_hfo2": ("layer.HfO2.hopping_barrier",),
    "transport.barrier_al2o3": ("layer.Al2O3.hopping_barrier",),
    "transport.reservoir_density": ("top.reservoir_density",),
    "heat.hfo2": ("layer.HfO2.thermal_conductivity",),
    "heat.al2o3": ("layer.Al2O3.thermal_conductivity",),
    "heat.electrode_resistance": ("bottom.thermal_resistance", "top.thermal_resistance"),
    "reaction.kind": ("reaction.law",),
}
"""Old names, from stacks of HfO2 and Al2O3 only, with the present ones; files and scripts may still use them."""


def group_class(data: Mapping[str, Any], group: str) -> type[Group]:
    """Return the class of a group; for the parameters of a law it depends on the law of the group."""
    if group in KINDS:
        named = data.get(group, {}).get("law")
        if not isinstance(named, str):
            raise ParameterError(f"{group}.law: found {named!r}, expected the name of a law")
        return find_law(group, named).parameters
    if group == "layer":
        return Layer
    found = GROUPS[group]
    assert found is not None
    return found


def find_group(data: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the part of plain data that contains a key.

    Raises
    ------
    ParameterError
        If the parameter is unknown.
    """
    group, *rest = key.split(".")
    if group == "layer" and len(rest) == 2:
        found = [layer for layer in data.get("layers", ()) if layer["name"] == rest[0]]
        if not found:
            names = ", ".join(layer["name"] for layer in data.get("layers", ()))
            raise ParameterError(f"unknown parameter {key!r}: no layer {rest[0]!r}; the layers are {names}")
        place, fields = found[0], Layer.model_fields
    elif group in GROUPS and len(rest) == 1:
        place, fields = data.setdefault(group, {}), group_class(data, group).model_fields
    else:
        raise ParameterError(f"unknown parameter {key!r}; the groups are layer, {', '.join(GROUPS)}")
    if rest[-1] not in fields:
        owner = key.rpartition(".")[0]
        raise ParameterError(f"unknown parameter {key!r}; known: {', '.join(f'{owner}.{name}' for name in fields)}")
    return place


def change_law(data: dict[str, Any], group: str, named: str) -> None:
    """Replace the law of a group and remove parameters that the new law does not have."""
    fields = find_law(group, named).parameters.model_fields
    held = data.get(group, {})
    for name in set(held) - set(fields):
        data["sources"].pop(f"{group}.{name}", None)
    data[group] = {name: value for name, value in held.items() if name in fields} | {"law": named}


def rename_sources(data: dict[str, Any], old: str, new: str) -> None:
    """Rename a layer in the sources."""
    old, new = f"layer.{old}.", f"layer.{new}."
    data["sources"] = {
        new + key.removeprefix(old) if key.startswith(old) else key: source for key, source in data["sources"].items()
    }


def _entry(key: str, field: Any, entry: Any) -> tuple[Any, str]:
    """Return value and source of one TOML entry; a number must have the unit of the parameter."""
    unit = unit_of(field)
    if not unit:
        if isinstance(entry, Mapping):
            raise ParameterError(f"{key}: found {entry!r}, expected a text, true or false")
        return entry, "user"
    if not isinstance(entry, Mapping) or "value" not in entry:
        raise ParameterError(f'{key}: write {{ value = ..., unit = "{unit}" }}; found {entry!r}')
    unknown = set(entry) - {"value", "unit", "source", "note"}
    if unknown:
        raise ParameterError(f"{key}: unknown field {sorted(unknown)[0]!r}; known: value, unit, source, note")
    if entry.get("unit") != unit:
        raise ParameterError(f"{key}: found unit {entry.get('unit')!r}, expected {unit!r}")
    if isinstance(entry["value"], bool) or not isinstance(entry["value"], int | float):
        raise ParameterError(f"{key}: found {entry['value']!r}, expected a number")
    return entry["value"], entry.get("source", "user")


def _set_parameter(data: dict[str, Any], key: str, entry: Any, base: Path) -> None:
    """Set one parameter of plain data from a TOML entry; an old name sets the present one."""
    for target in ALIASES.get(key, (key,)):
        group, name = target.split(".")[0], target.split(".")[-1]
        if name == "law" and group in KINDS:
            if not isinstance(entry, str):
                raise ParameterError(f"{key}: found {entry!r}, expected the name of a law")
            try:
                change_law(data, group, str((base / entry).resolve()) if entry.endswith(".py") else entry)
            except ParameterError as error:
                raise ParameterError(str(error).replace(target, key, 1)) from error
            continue
        place = find_group(data, target)
        value, source = _entry(key, group_class(data, group).model_fields[name], entry)
        place[name] = value
        if unit_of(group_class(data, group).model_fields[name]):
            data["sources"][target] = source


def _set_layers(data: dict[str, Any], entries: Any, base: Path) -> None:
    """Set layers: a list replaces all layers, tables by name change single ones."""
    if isinstance(entries, Mapping | list) and len(entries) > MOST_LAYERS:
        raise ParameterError(f"layer: found {len(entries)} layers, expected at most {MOST_LAYERS}")
    if isinstance(entries, Mapping):
        for name, table in entries.items():
            if not isinstance(table, Mapping):
                raise ParameterError(f"layer.{name}: found {table!r}, expected a table")
            for field, entry in sorted(table.items(), key=lambda item: item[0] == "name"):
                _set_parameter(data, f"layer.{name}.{field}", entry, base)
                if field == "name":
                    rename_sources(data, name, str(entry))
        return
    if not isinstance(entries, list):
        raise ParameterError(f"layer: found {entries!r}, expected a list of tables, [[layer]]")
    names = [table.get("name") for table in entries if isinstance(table, Mapping)]
    if len(set(map(str, names))) < len(names):
        raise ParameterError(f"layer: found {', '.join(map(str, names))}, expected different names")
    data["layers"] = []
    data["sources"] = {key: source for key, source in data["sources"].items() if not key.startswith("layer.")}
    for number, table in enumerate(entries, 1):
        if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
            raise ParameterError(f"layer {number}: the name is missing")
        data["layers"].append({"name": table["name"], "active": len(entries) == 1})
        for field, entry in table.items():
            _set_parameter(data, f"layer.{table['name']}.{field}", entry, base)


def merge(data: dict[str, Any], document: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Merge a TOML document into plain data; its paths are relative to the folder `base`."""
    if "layer" in document:
        _set_layers(data, document["layer"], base)
    for group, table in document.items():
        if group in (*HEADER, "layer"):
            continue
        if group not in GROUPS or not isinstance(table, Mapping):
            raise ParameterError(f"unknown parameter {group!r}; the groups are layer, {', '.join(GROUPS)}")
        for name, entry in sorted(table.items(), key=lambda item: item[0] not in ("law", "kind")):
            if group == "reaction" and table.get("kind") == "gated" and name in _UNUSED:
                continue
            _set_parameter(data, f"{group}.{name}", entry, base)
    return data


# Old keys, required in old files but unused by the gated law.
_UNUSED = ("reverse_dipole", "oxygen")

# Defaults of old sets with two layers.
_TWO_LAYERS: dict[str, Any] = {
    "layers": [{"name": "HfO2", "active": False, "reaction": 0.0}, {"name": "Al2O3", "active": True, "reaction": 1.0}],
    "bottom": {"name": "Pt", "vacancies": "blocked", "reservoir_density": 0.0},
    "top": {"name": "Ti", "vacancies": "reservoir"},
    "conduction": {"law": "ohmic"},
    "heat": {"law": "linear"},
}


def blank(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initial data of a material set: none, or two layers if it uses their old names."""
    tables = {name: table for name, table in document.items() if isinstance(table, Mapping)}
    old = any(key.split(".")[1] in tables.get(key.split(".")[0], {}) for key in ALIASES)
    if "layer" in document or not old:
        return {"layers": [], "sources": {}}
    keys = [f"layer.{name}.reaction" for name in ("HfO2", "Al2O3")] + ["bottom.reservoir_density"]
    data = {key: [dict(x) for x in value] if key == "layers" else dict(value) for key, value in _TWO_LAYERS.items()}
    return {**data, "sources": dict.fromkeys(keys, "calibrated")}
