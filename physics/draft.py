"""A stack as it is changed, by the entries of a TOML file or by keys such as "layer.HfO2.thickness"."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from devicekit.core.errors import ParameterError
from physics.laws.find import KINDS, find_law
from physics.parameters import ALIASES, GROUPS, HEADER, Group, Layer, unit_of

MOST_LAYERS = 100

# Old keys, required in old files but unused by the gated law.
_UNUSED = ("reverse_dipole", "oxygen")

# Defaults of old sets with two layers.
_TWO_LAYERS = {
    "layers": [{"name": "HfO2", "active": False, "reaction": 0.0}, {"name": "Al2O3", "active": True, "reaction": 1.0}],
    "bottom": {"name": "Pt", "vacancies": "blocked", "reservoir_density": 0.0},
    "top": {"name": "Ti", "vacancies": "reservoir"},
    "conduction": {"law": "ohmic"},
    "heat": {"law": "linear"},
    "sources": dict.fromkeys(("layer.HfO2.reaction", "layer.Al2O3.reaction", "bottom.reservoir_density"), "chosen"),
}


def group_class(values: Mapping[str, Any], group: str) -> type[Group]:
    """Return the class of a group; for the parameters of a law it depends on the law of the group."""
    if group in KINDS:
        named = values.get(group, {}).get("law")
        if not isinstance(named, str):
            raise ParameterError(f"{group}.law: found {named!r}, expected the name of a law")
        return find_law(group, named).parameters
    if group == "layer":
        return Layer
    found = GROUPS[group]
    assert found is not None
    return found


class Draft:
    """Values of a stack by group, before they are checked.

    Parameters
    ----------
    values : mapping
        As `Stack.model_dump` gives them.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Draft:
        """Return the initial values of a material set: none, or two layers if it uses their old names."""
        tables = {name: table for name, table in document.items() if isinstance(table, Mapping)}
        old = any(key.split(".")[1] in tables.get(key.split(".")[0], {}) for key in ALIASES)
        return cls({"layers": [], "sources": {}} if "layer" in document or not old else deepcopy(_TWO_LAYERS))

    def find(self, key: str) -> tuple[dict[str, object], FieldInfo]:
        """Return the group of a parameter, with its values, and its declaration.

        Raises
        ------
        ParameterError
            If the parameter is unknown.
        """
        group, *rest = key.split(".")
        if group == "layer" and len(rest) == 2:
            layers = self.values.get("layers", ())
            found = [layer for layer in layers if layer["name"] == rest[0]]
            if not found:
                names = ", ".join(layer["name"] for layer in layers)
                raise ParameterError(f"unknown parameter {key!r}: no layer {rest[0]!r}; the layers are {names}")
            place, fields = found[0], Layer.model_fields
        elif group in GROUPS and len(rest) == 1:
            place, fields = self.values.setdefault(group, {}), group_class(self.values, group).model_fields
        else:
            raise ParameterError(f"unknown parameter {key!r}; the groups are layer, {', '.join(GROUPS)}")
        if rest[-1] not in fields:
            owner = key.rpartition(".")[0]
            raise ParameterError(f"unknown parameter {key!r}; known: {', '.join(f'{owner}.{name}' for name in fields)}")
        return place, fields[rest[-1]]

    def put(self, key: str, value: object, source: str | None = None) -> None:
        """Set a parameter, and its source if there is one; a layer that is renamed keeps its sources."""
        place, _ = self.find(key)
        place[key.rpartition(".")[2]] = value
        group, *rest = key.split(".")
        sources = self.values["sources"]
        if group == "layer" and rest[-1] == "name":
            old, new = f"layer.{rest[0]}.", f"layer.{value}."
            self.values["sources"] = {
                new + each.removeprefix(old) if each.startswith(old) else each: own for each, own in sources.items()
            }
        elif source is not None:
            sources[key] = source

    def put_law(self, group: str, named: str, base: Path = Path()) -> None:
        """Replace the law of a group and remove parameters that the new one does not have; files are below `base`."""
        named = str((base / named).resolve()) if named.endswith(".py") else named
        fields = find_law(group, named).parameters.model_fields
        before = self.values.get(group, {})
        for name in set(before) - set(fields):
            self.values["sources"].pop(f"{group}.{name}", None)
        self.values[group] = {name: value for name, value in before.items() if name in fields} | {"law": named}

    def merge(self, document: Mapping[str, Any], base: Path) -> None:
        """Merge a TOML document; its paths are relative to the folder `base`."""
        if "layer" in document:
            self._merge_layers(document["layer"], base)
        for group, table in document.items():
            if group in (*HEADER, "layer"):
                continue
            if group not in GROUPS or not isinstance(table, Mapping):
                raise ParameterError(f"unknown parameter {group!r}; the groups are layer, {', '.join(GROUPS)}")
            for name, entry in sorted(table.items(), key=lambda item: item[0] not in ("law", "kind")):
                if group == "reaction" and table.get("kind") == "gated" and name in _UNUSED:
                    continue
                self._merge_entry(f"{group}.{name}", entry, base)

    def _merge_entry(self, key: str, entry: object, base: Path) -> None:
        """Set a parameter from a TOML entry; an old name sets the present one."""
        for target in ALIASES.get(key, (key,)):
            group, name = target.split(".")[0], target.split(".")[-1]
            if name == "law" and group in KINDS:
                if not isinstance(entry, str):
                    raise ParameterError(f"{key}: found {entry!r}, expected the name of a law")
                try:
                    self.put_law(group, entry, base)
                except ParameterError as error:
                    raise ParameterError(str(error).replace(target, key, 1)) from error
            else:
                _, field = self.find(target)
                self.put(target, *_entry(key, unit_of(field), entry))

    def _merge_layers(self, entries: object, base: Path) -> None:
        """Set layers: a list replaces all layers, tables by name change single ones."""
        if isinstance(entries, Mapping | list) and len(entries) > MOST_LAYERS:
            raise ParameterError(f"layer: found {len(entries)} layers, expected at most {MOST_LAYERS}")
        if isinstance(entries, Mapping):
            for name, table in entries.items():
                if not isinstance(table, Mapping):
                    raise ParameterError(f"layer.{name}: found {table!r}, expected a table")
                for field, entry in sorted(table.items(), key=lambda item: item[0] == "name"):
                    self._merge_entry(f"layer.{name}.{field}", entry, base)
            return
        if not isinstance(entries, list):
            raise ParameterError(f"layer: found {entries!r}, expected a list of tables, [[layer]]")
        names = [str(table.get("name")) for table in entries if isinstance(table, Mapping)]
        if len(set(names)) < len(names):
            raise ParameterError(f"layer: found {', '.join(names)}, expected different names")
        self.values["layers"] = []
        sources = self.values["sources"]
        self.values["sources"] = {key: source for key, source in sources.items() if not key.startswith("layer.")}
        for number, table in enumerate(entries, 1):
            if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
                raise ParameterError(f"layer {number}: the name is missing")
            self.values["layers"].append({"name": table["name"], "active": len(entries) == 1})
            for field, entry in table.items():
                self._merge_entry(f"layer.{table['name']}.{field}", entry, base)


def _entry(key: str, unit: str, entry: object) -> tuple[object, str | None]:
    """Return value and source of one TOML entry; a number must have the unit of the parameter, a text has no source."""
    if not unit:
        if isinstance(entry, Mapping):
            raise ParameterError(f"{key}: found {entry!r}, expected a text, true or false")
        return entry, None
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
