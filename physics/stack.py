"""The device stack and its material set: loading, checking and changing of all parameters.

A stack is a list of layers from the bottom to the top electrode, with laws and a drive.
A material set is a TOML file in which each number has a value, a unit and a source (a DOI, or the word
"chosen"). A stack file names a set and overrides some parameters. Units are checked, never converted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, SerializeAsAny, ValidationError
from pydantic.fields import FieldInfo

from devicekit.core.calls import as_path
from devicekit.core.errors import BadRow, FileError, ParameterError, invalid_rows
from devicekit.core.text import count
from devicekit.system import files
from physics import DEFAULT_MATERIAL, material_sets, starter_files
from physics.draft import Draft, group_class
from physics.guards import contradictions
from physics.laws.find import KINDS, Files, allow_laws, find_law
from physics.laws.law import (
    ConductionLaw,
    ConductionParameters,
    HeatLaw,
    HeatParameters,
    ReactionLaw,
    ReactionParameters,
)
from physics.parameters import (
    ALIASES,
    GROUPS,
    HEADER,
    REFERENCE_COMPLIANCE,
    Circuit,
    Drive,
    Electrode,
    Filament,
    Geometry,
    Group,
    Layer,
    Numerics,
    Transport,
    describe_entry,
    unit_of,
)


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
        # the parameters of a law may be a class of a user file, which another process must load first
        laws = [law for law in (getattr(self, group).law for group in KINDS) if law.endswith(".py")]
        return _restore, (self.model_dump(), laws)

    @cached_property
    def active(self) -> int:
        """Index of the active layer."""
        return next(k for k, layer in enumerate(self.layers) if layer.active)

    @property
    def heights(self) -> np.ndarray:
        """Heights of the bottom, the interfaces and the top [nm], shape (layers + 1,)."""
        return np.concatenate([[0.0], np.cumsum([layer.thickness for layer in self.layers])])

    @property
    def filament_radius(self) -> float:
        """Radius of the filament at the compliance [nm]."""
        return self.filament.radius * self._over_reference**self.filament.radius_exponent

    @property
    def gap_density(self) -> float:
        """Density in the gap at the compliance, over the reference density."""
        return self.filament.gap_density * self._over_reference**-self.filament.gap_exponent

    @property
    def _over_reference(self) -> float:
        return self.circuit.compliance / REFERENCE_COMPLIANCE

    @property
    def generates(self) -> bool:
        """Whether a layer generates vacancies."""
        return self.reaction.generation and any(layer.reaction > 0 for layer in self.layers)

    @property
    def conduction_law(self) -> ConductionLaw:
        """Conduction law."""
        return find_law("conduction", self.conduction.law)

    @property
    def reaction_law(self) -> ReactionLaw:
        """Reaction law."""
        return find_law("reaction", self.reaction.law)

    @property
    def heat_law(self) -> HeatLaw:
        """Law of the thermal conductivity."""
        return find_law("heat", self.heat.law)

    def describe(self) -> str:
        """Return the layers in words, bottom to top: "Pt / HfO2 7 nm / Al2O3 5 nm (active) / Ti"."""
        inner = [f"{x.name} {x.thickness:g} nm{' (active)' if x.active else ''}" for x in self.layers]
        return " / ".join([self.bottom.name, *inner, self.top.name])

    def get(self, key: str) -> Any:
        """Return the value of one parameter, by a key such as ``"reaction.energy"`` or ``"layer.HfO2.thickness"``."""
        owner, name = self._find(key)
        return getattr(owner, name)

    def replace(self, changes: Mapping[str, Any], *, laws: Files = ()) -> Stack:
        """Return the stack with changed parameters: ``{"reaction.energy": 1.3}``, in the unit of each parameter.

        A new law keeps the parameters in common with the old one; give all others. A law in a .py file must be in
        `laws`.

        Raises
        ------
        ParameterError
            If a key is unknown or a value is out of range.
        """
        allow_laws(laws)
        if not changes:
            return self
        draft = Draft(self.model_dump())
        given = {target: value for key, value in changes.items() for target in ALIASES.get(key, (key,))}
        # laws first, as they define the keys; names of layers last, as keys use the old names
        for key, value in sorted(
            given.items(), key=lambda item: (not item[0].endswith(".law"), item[0].endswith(".name"))
        ):
            if key.endswith(".law"):
                self._find(key)
                draft.put_law(key.split(".")[0], str(value))
                draft.values["sources"][key] = "user"
            else:
                draft.put(key, value, "user")
        return _validate(draft.values)

    def unit(self, key: str) -> str:
        """Return the unit of one parameter; "" for a text."""
        owner, name = self._find(key)
        return unit_of(type(owner).model_fields[name])

    def units(self) -> dict[str, str]:
        """Return the unit of every numeric parameter, by key."""
        return {key: unit_of(field) for key, field in self._fields.items() if unit_of(field)}

    @cached_property
    def _owners(self) -> dict[str, Group]:
        groups = {name: value for name in GROUPS if isinstance(value := getattr(self, name), Group)}
        return {**{f"layer.{layer.name}": layer for layer in self.layers}, **groups}

    @cached_property
    def _fields(self) -> dict[str, FieldInfo]:
        return {
            f"{owner}.{name}": field
            for owner, group in self._owners.items()
            for name, field in type(group).model_fields.items()
        }

    def _find(self, key: str) -> tuple[Group, str]:
        key = ALIASES.get(key, (key,))[0]
        if key not in self._fields:
            raise _unknown_parameter(key, list(self._fields))
        owner, _, name = key.rpartition(".")
        return self._owners[owner], name


def _unknown_parameter(key: str, known: list[str]) -> ParameterError:
    group = key.split(".")[0]
    near = [name for name in known if name.startswith(f"{group}.")]
    return ParameterError(
        f"unknown parameter {key!r}; known: {', '.join(near or dict.fromkeys(k.rpartition('.')[0] for k in known))}"
    )


def _validate(data: Mapping[str, Any], where: str = "") -> Stack:
    """Build a stack from plain data; report all problems together, each with its key."""
    bad: list[BadRow] = []
    ready = dict(data)
    for group in KINDS:
        try:
            ready[group] = group_class(data, group).model_validate(data.get(group, {}))
        except ValidationError as error:
            fields = group_class(data, group).model_fields
            bad += [
                _name_unit(BadRow(r.row, f"{group}.{r.column}", r.found, r.expected), fields)
                for r in invalid_rows(error, group)
            ]
            ready.pop(group)
    try:
        stack = Stack.model_validate(ready)
    except ValidationError as error:
        bad += [_name_layer(row, data) for row in invalid_rows(error, "stack") if row.column not in KINDS]
    if not bad:
        bad = contradictions(stack)
    if bad:
        rows = [_explain_missing(row, data) for row in bad]
        raise ParameterError(f"{count(len(bad), 'bad parameter')}{where}", rows)
    return stack


def _explain_missing(row: BadRow, data: Mapping[str, Any]) -> BadRow:
    """Add unit, range and the line to write to a problem with a missing parameter."""
    owner, _, name = str(row.column).rpartition(".")
    group = owner.split(".")[0]
    if row.found != "nothing" or group not in ("layer", *GROUPS):
        return row
    field = group_class(data, group).model_fields.get(name)
    return row if field is None else BadRow(row.row, row.column, row.found, describe_entry(name, field))


def _restore(data: Mapping[str, Any], laws: list[str]) -> Stack:
    """Restore a stack from another process, in which its laws were allowed."""
    allow_laws(laws)
    return _validate(data)


def _name_layer(row: BadRow, data: Mapping[str, Any]) -> BadRow:
    """Replace the number of a layer in a problem by its name."""
    parts = str(row.column).split(".")
    if parts[0] == "layers" and len(parts) > 2:
        name = data["layers"][int(parts[1])].get("name", parts[1])
        named = BadRow(row.row, f"layer.{name}.{'.'.join(parts[2:])}", row.found, row.expected)
        return _name_unit(named, Layer.model_fields)
    group = GROUPS.get(parts[0])
    return row if group is None else _name_unit(row, group.model_fields)


def _name_unit(row: BadRow, fields: Mapping[str, FieldInfo]) -> BadRow:
    """Return a problem with the unit of its parameter beside the numbers."""
    field = fields.get(str(row.column).rpartition(".")[2])
    unit = unit_of(field) if field is not None else ""
    if unit in ("", "1") or not row.expected.startswith(("greater", "less")):
        return row
    return BadRow(row.row, row.column, f"{row.found} {unit}", f"{row.expected} {unit}")


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        return files.read_toml(path)
    except FileError as error:
        raise ParameterError(error.message) from error


def load_material(name: str = DEFAULT_MATERIAL, *, laws: Files = ()) -> Stack:
    """Load the stack of a material set: a built-in name, or a TOML file with all parameters.

    Parameters
    ----------
    name : str
        Name from `material_sets`, or a path.
    laws : path-like or iterable of path-like
        Files (.py) allowed as laws; they are run as code.

    Raises
    ------
    ParameterError
        If the set is unknown, it names a law outside of `laws`, or the file has an unknown key, a wrong unit or a value
        out of range.
    """
    allow_laws(laws)
    known = material_sets()
    if name not in known and not name.endswith(".toml"):
        raise ParameterError(f"material: found {name!r}, expected one of {', '.join(known)} or a .toml file")
    path = known.get(name, Path(name))
    document = _read_file(path)
    draft = Draft.of_document(document)
    draft.values |= {key: document[key] for key in HEADER if key in document} | {"material": name}
    draft.merge(document, path.parent)
    return _validate(draft.values, f" in material set {name}")


def load_stack(path: Path | str | None = None, *, laws: Files = ()) -> Stack:
    """Load the stack of a TOML file that names a set and overrides some parameters; None: the default set.

    ::

        material = "reversible"          # or a path, relative to this file
        [layer.HfO2]
        thickness = { value = 6.0, unit = "nm", source = "ellipsometry" }

    Layers as a list, ``[[layer]]``, replace those of the set.

    Parameters
    ----------
    path : path-like, optional
        The TOML file, or the name of one to start from (`physics.starter_files`).
    laws : path-like or iterable of path-like
        Files (.py) allowed as laws; they are run as code.

    Raises
    ------
    ParameterError
        As `load_material`; the message names the key.
    """
    allow_laws(laws)
    if path is None:
        return load_material()
    path = as_path(path, "stack=")
    path = path if path.is_file() else starter_files().get(str(path), path)
    if not path.suffix and not path.exists():
        raise ParameterError(f"{path} is not a stack. Use a .toml file, or one of: {', '.join(starter_files())}")
    document = _read_file(path)
    name = document.get("material", DEFAULT_MATERIAL)
    if not isinstance(name, str):
        raise ParameterError(f"{path}: material: found {name!r}, expected the name of a material set")
    if name.endswith(".toml"):
        name = str(path.parent / name)
    base = load_material(name)
    draft = Draft(base.model_dump())
    draft.values |= {key: document[key] for key in ("title", "summary") if key in document}
    draft.merge(document, path.parent)
    stack = _validate(draft.values, f" in {path}")
    if "defects" in document or _numbers(stack) == _numbers(base):
        return stack
    note = f"What follows was written for the unchanged set {Path(name).stem}; its numbers need not hold here."
    return stack.model_copy(update={"defects": (note, *stack.defects)})


def _numbers(stack: Stack) -> dict[str, Any]:
    """Return what a simulation depends on, without words and sources."""
    return stack.model_dump(exclude={"material", "title", "summary", "assumptions", "defects", "sources"})


def to_toml(stack: Stack) -> str:
    """Return a stack as the text of a material set: every parameter with its unit and source.

    Parameters
    ----------
    stack : Stack
    """
    units = stack.units()

    def lines(owner: str) -> list[str]:
        return [
            f'{key.rpartition(".")[2]} = {{ value = {_number(stack.get(key))}, unit = "{units[key]}", '
            f"source = {_text(stack.sources.get(key, 'user'))} }}"
            for key in units
            if key.rpartition(".")[0] == owner and not _is_default(stack, key)
        ]

    out = [f"title = {_text(stack.title)}", f"summary = {_text(stack.summary)}"]
    for name in ("assumptions", "defects"):
        out += [f"{name} = [", *(f"  {_text(words)}," for words in getattr(stack, name)), "]"]
    for layer in stack.layers:
        out += ["", "[[layer]]", f"name = {_text(layer.name)}", *(["active = true"] if layer.active else [])]
        out += lines(f"layer.{layer.name}")
    for group in GROUPS:
        own = getattr(stack, group)
        words = {name: value for name, value in own if f"{group}.{name}" not in units}
        out += ["", f"[{group}]", *(f"{name} = {_word(value)}" for name, value in words.items()), *lines(group)]
    return "\n".join(out) + "\n"


def _is_default(stack: Stack, key: str) -> bool:
    """Return whether nobody set a parameter: it has its default, and no source."""
    return key not in stack.sources and stack.get(key) == stack._fields[key].default


def _number(value: float) -> str:
    text = repr(float(value))
    return text.replace("e+", "e")


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _text(str(value))


def _text(words: str) -> str:
    """Return a TOML string: that of JSON, with one more escaped character."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
