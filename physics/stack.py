"""The device stack and its material set: loading, checking and changing of every parameter.

A stack is a list of layers from the bottom electrode to the top one, the laws that hold in them, and what drives it.
A material set is a TOML file in which each number has a value, a unit and a source (a DOI, or the word
"calibrated"). A stack file names a set and overrides some of it. Units are checked, never converted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, SerializeAsAny, ValidationError

from devicekit.errors import BadRow, ParameterError, invalid_rows
from devicekit.text import count
from physics import DEFAULT_MATERIAL, material_sets
from physics.laws.find import KINDS, find_law
from physics.laws.law import (
    ConductionLaw,
    ConductionParameters,
    HeatLaw,
    HeatParameters,
    ReactionLaw,
    ReactionParameters,
)
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

_HEADER = ("title", "summary", "assumptions", "defects", "material")

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
"""Names of the time when a stack was HfO2 and Al2O3, with what they are now; files and scripts may go on using them."""


class Stack(Group):
    """Every parameter of a simulation, in the units of the material sets (nm, eV, S/m, ...).

    `layers` go from the bottom electrode, which is grounded, to the top one, which is driven; one of them is active.
    `material` names the set, `sources` gives each parameter's source by its key, such as ``"reaction.energy"`` or
    ``"layer.HfO2.thickness"``; a parameter that a user changed has the source ``"user"``.
    """

    material: str
    title: str = ""
    summary: str = ""
    assumptions: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)
    layers: tuple[Layer, ...]
    bottom: Electrode
    top: Electrode
    geometry: Geometry
    filament: Filament
    transport: Transport
    reaction: SerializeAsAny[ReactionParameters]
    conduction: SerializeAsAny[ConductionParameters]
    heat: SerializeAsAny[HeatParameters]
    circuit: Circuit
    drive: Drive
    numerics: Numerics

    def __reduce__(self) -> tuple[Any, ...]:
        # A law's parameters may be a class of a file of the user's, which another process must load first.
        return _validated, (self.model_dump(),)

    @cached_property
    def active(self) -> int:
        """Index of the active layer."""
        return next(k for k, layer in enumerate(self.layers) if layer.active)

    @cached_property
    def heights(self) -> np.ndarray:
        """Heights of the bottom, the interfaces and the top [nm], shape (layers + 1,)."""
        return np.concatenate([[0.0], np.cumsum([layer.thickness for layer in self.layers])])

    @property
    def conduction_law(self) -> ConductionLaw:
        """The law of the current."""
        return find_law("conduction", self.conduction.law)

    @property
    def reaction_law(self) -> ReactionLaw:
        """The law of the reaction."""
        return find_law("reaction", self.reaction.law)

    @property
    def heat_law(self) -> HeatLaw:
        """The law of the thermal conductivity."""
        return find_law("heat", self.heat.law)

    def describe(self) -> str:
        """The layers in words, bottom to top: "Pt / HfO2 7 nm / Al2O3 5 nm (active) / Ti"."""
        inner = [f"{x.name} {x.thickness:g} nm{' (active)' if x.active else ''}" for x in self.layers]
        return " / ".join([self.bottom.name, *inner, self.top.name])

    def get(self, key: str) -> Any:
        """Value of one parameter, by a key such as ``"reaction.energy"`` or ``"layer.HfO2.thickness"``."""
        owner, name = self._find(key)
        return getattr(owner, name)

    def replace(self, changes: Mapping[str, Any]) -> Stack:
        """The stack with some parameters changed: ``{"reaction.energy": 1.3}``, in each parameter's own unit.

        With another law go the parameters that it has in common with the one before; others must be given too.

        Raises
        ------
        ParameterError
            If a key is unknown or a value is out of range.
        """
        if not changes:
            return self
        data = self.model_dump()
        given = {target: value for key, value in changes.items() for target in ALIASES.get(key, (key,))}
        for key, value in sorted(given.items(), key=lambda item: not item[0].endswith(".law")):
            if key.endswith(".law"):
                self._find(key)
                _change_law(data, key.split(".")[0], str(value))
            _place(data, key)[key.split(".")[-1]] = value
            data["sources"][key] = "user"
        return _validated(data)

    def units(self) -> dict[str, str]:
        """Unit of every numeric parameter, by key."""
        return {key: unit_of(field) for key, field in self._fields.items() if unit_of(field)}

    @cached_property
    def _owners(self) -> dict[str, Group]:
        groups = {name: value for name in _GROUPS if isinstance(value := getattr(self, name), Group)}
        return {**{f"layer.{layer.name}": layer for layer in self.layers}, **groups}

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return {
            f"{owner}.{name}": field
            for owner, group in self._owners.items()
            for name, field in type(group).model_fields.items()
        }

    def _find(self, key: str) -> tuple[Group, str]:
        key = ALIASES.get(key, (key,))[0]
        if key not in self._fields:
            raise _unknown(key, list(self._fields))
        owner, _, name = key.rpartition(".")
        return self._owners[owner], name


_GROUPS: tuple[str, ...] = tuple(
    name
    for name in Stack.model_fields
    if name not in ("title", "summary", "assumptions", "defects", "sources", "layers", "material")
)


def _unknown(key: str, known: list[str]) -> ParameterError:
    group = key.split(".")[0]
    near = [name for name in known if name.startswith(f"{group}.")]
    return ParameterError(
        f"unknown parameter {key!r}; there are {', '.join(near or dict.fromkeys(k.rpartition('.')[0] for k in known))}"
    )


def _model(data: Mapping[str, Any], group: str) -> type[Group]:
    """The class of a group; that of a law's parameters depends on the law that the group names."""
    if group in KINDS:
        named = data.get(group, {}).get("law")
        if not isinstance(named, str):
            raise ParameterError(f"{group}.law: found {named!r}, expected the name of a law")
        return find_law(group, named).parameters
    if group == "layer":
        return Layer
    return Stack.model_fields[group].annotation  # type: ignore[return-value]


def _place(data: dict[str, Any], key: str) -> dict[str, Any]:
    """The part of plain data that holds a key.

    Raises
    ------
    ParameterError
        If there is no such parameter.
    """
    group, *rest = key.split(".")
    if group == "layer" and len(rest) == 2:
        found = [layer for layer in data.get("layers", ()) if layer["name"] == rest[0]]
        if not found:
            names = ", ".join(layer["name"] for layer in data.get("layers", ()))
            raise ParameterError(f"unknown parameter {key!r}: there is no layer {rest[0]!r}; there are {names}")
        place, fields = found[0], Layer.model_fields
    elif group in _GROUPS and len(rest) == 1:
        place, fields = data.setdefault(group, {}), _model(data, group).model_fields
    else:
        raise ParameterError(f"unknown parameter {key!r}; the groups are layer, {', '.join(_GROUPS)}")
    if rest[-1] not in fields:
        owner = key.rpartition(".")[0]
        raise ParameterError(f"unknown parameter {key!r}; there are {', '.join(f'{owner}.{name}' for name in fields)}")
    return place


def _change_law(data: dict[str, Any], group: str, named: str) -> None:
    """Name another law; what it does not have goes."""
    fields = find_law(group, named).parameters.model_fields
    held = data.get(group, {})
    for name in set(held) - set(fields):
        data["sources"].pop(f"{group}.{name}", None)
    data[group] = {name: value for name, value in held.items() if name in fields} | {"law": named}


def _validated(data: Mapping[str, Any], where: str = "") -> Stack:
    """A stack of plain data; every problem at once, each by its key."""
    bad: list[BadRow] = []
    ready = dict(data)
    for group in KINDS:
        try:
            ready[group] = _model(data, group).model_validate(data.get(group, {}))
        except ValidationError as error:
            bad += [BadRow(r.row, f"{group}.{r.column}", r.found, r.expected) for r in invalid_rows(error, group)]
            ready.pop(group)
    try:
        stack = Stack.model_validate(ready)
    except ValidationError as error:
        bad += [_named(row, data) for row in invalid_rows(error, "stack") if row.column not in KINDS]
    if not bad:
        bad = _contradictions(stack)
    if bad:
        raise ParameterError(f"{count(len(bad), 'bad parameter')}{where}", bad)
    return stack


def _named(row: BadRow, data: Mapping[str, Any]) -> BadRow:
    """A problem of a layer, by the layer's name instead of its number."""
    parts = str(row.column).split(".")
    if parts[0] == "layers" and len(parts) > 2:
        name = data["layers"][int(parts[1])].get("name", parts[1])
        return BadRow(row.row, f"layer.{name}.{'.'.join(parts[2:])}", row.found, row.expected)
    return row


def _contradictions(stack: Stack) -> list[BadRow]:
    """What each number allows, and all of them together do not."""
    bad = []
    names = [layer.name for layer in stack.layers]
    active = [layer.name for layer in stack.layers if layer.active]
    if len(set(names)) < len(names):
        bad.append(BadRow(None, "layer", ", ".join(names), "names that differ"))
    if len(active) != 1:
        return [*bad, BadRow(None, "layer", f"{count(len(active), 'active layer')}", "active = true for one layer")]
    radius, rim = stack.filament.radius, stack.geometry.radius
    if radius >= rim:
        bad.append(BadRow(None, "filament.radius", f"{radius:g} nm", f"less than geometry.radius, {rim:g} nm"))
    gap, layer = stack.filament.gap_length, stack.layers[stack.active]
    if gap > layer.thickness:
        bad.append(
            BadRow(
                None,
                "filament.gap_length",
                f"{gap:g} nm",
                f"at most layer.{layer.name}.thickness, {layer.thickness:g} nm: the gap is in the active layer",
            )
        )
    return bad


def _entry(key: str, field: Any, entry: Any) -> tuple[Any, str]:
    """Value and source of one TOML entry; numbers must carry the unit that the parameter has."""
    unit = unit_of(field)
    if not unit:
        return (entry["value"], entry.get("source", "user")) if isinstance(entry, Mapping) else (entry, "user")
    if not isinstance(entry, Mapping) or "value" not in entry:
        raise ParameterError(f'{key}: write {{ value = ..., unit = "{unit}" }}; found {entry!r}')
    unknown = set(entry) - {"value", "unit", "source", "note"}
    if unknown:
        raise ParameterError(f"{key}: unknown field {sorted(unknown)[0]!r}; there are value, unit, source, note")
    if entry.get("unit") != unit:
        raise ParameterError(f"{key}: found unit {entry.get('unit')!r}, expected {unit!r}")
    if isinstance(entry["value"], bool) or not isinstance(entry["value"], int | float):
        raise ParameterError(f"{key}: found {entry['value']!r}, expected a number")
    return entry["value"], entry.get("source", "user")


def _put(data: dict[str, Any], key: str, entry: Any, base: Path) -> None:
    """Set one parameter of plain data from a TOML entry; an old name sets what it is now."""
    for target in ALIASES.get(key, (key,)):
        group, name = target.split(".")[0], target.split(".")[-1]
        if name == "law" and group in KINDS:
            if not isinstance(entry, str):
                raise ParameterError(f"{key}: found {entry!r}, expected the name of a law")
            try:
                _change_law(data, group, str((base / entry).resolve()) if entry.endswith(".py") else entry)
            except ParameterError as error:
                raise ParameterError(str(error).replace(target, key, 1)) from error
            continue
        place = _place(data, target)
        value, source = _entry(key, _model(data, group).model_fields[name], entry)
        place[name] = value
        if unit_of(_model(data, group).model_fields[name]):
            data["sources"][target] = source


def _put_layers(data: dict[str, Any], entries: Any, base: Path) -> None:
    """A list of layers replaces what there is; tables by name change what they name."""
    if isinstance(entries, Mapping):
        for name, table in entries.items():
            if not isinstance(table, Mapping):
                raise ParameterError(f"layer.{name}: found {table!r}, expected a table")
            for field, entry in table.items():
                _put(data, f"layer.{name}.{field}", entry, base)
        return
    data["layers"] = []
    data["sources"] = {key: source for key, source in data["sources"].items() if not key.startswith("layer.")}
    for number, table in enumerate(entries, 1):
        if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
            raise ParameterError(f"layer {number}: give it a name")
        data["layers"].append({"name": table["name"], "active": len(entries) == 1})
        for field, entry in table.items():
            _put(data, f"layer.{table['name']}.{field}", entry, base)


def _merge(data: dict[str, Any], document: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Plain data with what a TOML document says; paths in it are relative to the folder `base`."""
    if "layer" in document:
        _put_layers(data, document["layer"], base)
    for group, table in document.items():
        if group in (*_HEADER, "layer"):
            continue
        if group not in _GROUPS or not isinstance(table, Mapping):
            raise ParameterError(f"unknown parameter {group!r}; the groups are layer, {', '.join(_GROUPS)}")
        for name, entry in sorted(table.items(), key=lambda item: item[0] not in ("law", "kind")):
            if group == "reaction" and table.get("kind") == "gated" and name in _UNUSED:
                continue
            _put(data, f"{group}.{name}", entry, base)
    return data


# What the gated law never used, and files of its time had to say.
_UNUSED = ("reverse_dipole", "oxygen")

# What a set of the time of two layers says without words.
_TWO_LAYERS: dict[str, Any] = {
    "layers": [{"name": "HfO2", "active": False, "reaction": 0.0}, {"name": "Al2O3", "active": True, "reaction": 1.0}],
    "bottom": {"name": "Pt", "vacancies": "blocked", "reservoir_density": 0.0},
    "top": {"name": "Ti", "vacancies": "reservoir"},
    "conduction": {"law": "ohmic"},
    "heat": {"law": "linear"},
}


def _blank(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a material set starts from: nothing, or two layers where it is written in their old names."""
    old = any(key.split(".")[1] in document.get(key.split(".")[0], {}) for key in ALIASES)
    if "layer" in document or not old:
        return {"layers": [], "sources": {}}
    keys = [f"layer.{name}.reaction" for name in ("HfO2", "Al2O3")] + ["bottom.reservoir_density"]
    data = {key: [dict(x) for x in value] if key == "layers" else dict(value) for key, value in _TWO_LAYERS.items()}
    return {**data, "sources": dict.fromkeys(keys, "calibrated")}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(f"{path} is not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"cannot read {path}: {error}") from error


def load_material(name: str = DEFAULT_MATERIAL) -> Stack:
    """The stack of a material set: the name of one that ships, or a TOML file with every parameter.

    Parameters
    ----------
    name : str
        One of `material_sets`, or a path.

    Raises
    ------
    ParameterError
        If there is no such set, or the file has an unknown key, a wrong unit or a value out of range.
    """
    known = material_sets()
    if name not in known and not name.endswith(".toml"):
        raise ParameterError(f"no material set {name!r}; there are {', '.join(known)}, or give a .toml file")
    path = known.get(name, Path(name))
    document = _read_file(path)
    data = _blank(document) | {"material": name}
    data |= {key: document[key] for key in _HEADER[:-1] if key in document}
    return _validated(_merge(data, document, path.parent), f" in material set {name}")


def load_stack(path: Path | str | None = None) -> Stack:
    """The stack of a TOML file that names its set and overrides some parameters; None: the default set.

    ::

        material = "reversible"          # or a path, relative to this file
        [layer.HfO2]
        thickness = { value = 6.0, unit = "nm", source = "ellipsometry" }

    Layers as a list, ``[[layer]]``, replace those of the set.

    Parameters
    ----------
    path : path-like, optional
        The TOML file.

    Raises
    ------
    ParameterError
        As `load_material`; the message names the key.
    """
    if path is None:
        return load_material()
    path = Path(path)
    document = _read_file(path)
    name = document.get("material", DEFAULT_MATERIAL)
    if not isinstance(name, str):
        raise ParameterError(f"{path}: material: found {name!r}, expected the name of a material set")
    if name.endswith(".toml"):
        name = str(path.parent / name)
    data = load_material(name).model_dump()
    data |= {key: document[key] for key in ("title", "summary") if key in document}
    return _validated(_merge(data, document, path.parent), f" in {path}")
