"""The device stack and its material set: loading, checking and changing of every parameter.

A material set is a TOML file in which each number has a value, a unit and a source (a DOI, or the word
"calibrated"). A stack file names a set and overrides some of it. Units are checked, never converted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devicekit.errors import ParameterError, invalid_rows
from devicekit.text import count
from physics import DEFAULT_MATERIAL, material_sets

_HEADER = ("title", "summary", "assumptions", "defects", "material")


def _number(unit: str, description: str, **limits: float) -> Any:
    """A numeric parameter: its unit, its meaning and its range."""
    extra: Any = {"json_schema_extra": {"unit": unit}, "allow_inf_nan": False, **limits}
    return Field(description=description, **extra)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Geometry(_Group):
    """The layers and the simulated cylinder."""

    hfo2_thickness: float = _number("nm", "thickness of HfO2, on the Pt electrode", gt=0)
    al2o3_thickness: float = _number("nm", "thickness of Al2O3, under the Ti electrode", gt=0)
    radius: float = _number("nm", "outer radius of the simulated cylinder", gt=0)


class Filament(_Group):
    """The prescribed state just after a reset: a filament with a gap in Al2O3."""

    radius: float = _number("nm", "radius of the filament", gt=0)
    edge_width: float = _number("nm", "width of its tanh rim", gt=0)
    gap_length: float = _number("nm", "length of the gap, from the interface into Al2O3", ge=0)
    gap_edge_width: float = _number("nm", "width of the tanh edges of the gap", gt=0)
    gap_density: float = _number("1", "density in the gap over reference_density", gt=0, le=1)
    background_density: float = _number("1", "density outside over reference_density", gt=0, le=1)
    reference_density: float = _number("m^-3", "vacancy density of the filament", gt=0)


class Transport(_Group):
    """How vacancies hop."""

    hop_distance: float = _number("nm", "hopping distance a", gt=0)
    attempt_frequency: float = _number("Hz", "attempt frequency f", gt=0)
    charge_number: float = _number("1", "charge number Z of a vacancy", ge=0)
    barrier_hfo2: float = _number("eV", "hopping barrier in HfO2", gt=0)
    barrier_al2o3: float = _number("eV", "hopping barrier in Al2O3", gt=0)
    barrier_edge_width: float = _number("nm", "width of the barrier's step; 0: sharp", ge=0)
    site_limit: float = _number("1", "density at which drift into a cell stops; 0: off", ge=0)
    reservoir_density: float = _number("1", "density in Ti over reference_density", ge=0)
    ion_potential_length: float = _number("nm", "internal length ell of the ion potential; 0: off", ge=0)


class Reaction(_Group):
    """How vacancies come and go."""

    generation: bool = Field(description="false runs the paper's bare equations")
    kind: Literal["reversible", "gated"] = Field(description="form of the reaction's rates")
    prefactor: float = _number("Hz", "attempt frequency G0 of the reaction", ge=0)
    energy: float = _number("eV", "barrier Eg at zero field", gt=0)
    forward_dipole: float = _number("e nm", "lowering b of the forward barrier by the field", ge=0)
    reverse_dipole: float = _number("e nm", "raising b' of the reverse barrier by the field", ge=0)
    oxygen: float = _number("1", "activity of interstitial oxygen; 0: no reverse reaction", ge=0)
    barrier_spread: float = _number("eV", "radial spread of the barrier", ge=0)
    barrier_floor: float = _number("eV", "lowest barrier", gt=0)
    edge_width: float = _number("nm", "width of the reaction zone's edge; 0: sharp", ge=0)
    max_density: float = _number("1", "density at which generation stops", gt=0)


class Conduction(_Group):
    """How electrons pass."""

    insulating: float = _number("S/m", "prefactor without vacancies", gt=0)
    filament: float = _number("S/m", "prefactor at reference_density", gt=0)
    activation_insulating: float = _number("eV", "activation energy without vacancies", ge=0)
    activation_filament: float = _number("eV", "activation energy at reference_density", ge=0)


class Heat(_Group):
    """How heat leaves."""

    hfo2: float = _number("W/(m K)", "thermal conductivity of HfO2", gt=0)
    al2o3: float = _number("W/(m K)", "thermal conductivity of Al2O3", gt=0)
    filament: float = _number("W/(m K)", "thermal conductivity at reference_density", gt=0)
    electrode_resistance: float = _number("m^2 K/W", "thermal resistance of each electrode", ge=0)
    ambient: float = _number("K", "ambient temperature", gt=0)


class Circuit(_Group):
    """What is in series with the device."""

    series_resistance: float = _number("ohm", "resistance in series with the device", ge=0)
    compliance: float = _number("A", "current limit", gt=0)


class Drive(_Group):
    """Voltages and rates that the instrument applies."""

    set_stop: float = _number("V", "end of the set ramp", gt=0)
    reset_stop: float = _number("V", "end of the reset ramp", lt=0)
    rate: float = _number("V/s", "ramp rate", gt=0)
    read_voltage: float = _number("V", "read voltage", gt=0)
    ltp_voltage: float = _number("V", "amplitude of LTP pulses", gt=0)
    ltd_voltage: float = _number("V", "amplitude of LTD pulses", lt=0)


class Numerics(_Group):
    """Steps and tolerances of the solvers."""

    density_step: float = _number("1", "target of the largest density change in a step", gt=0, le=0.5)
    conductance_step: float = _number("1", "target of the change of ln G in a step", gt=0, le=1)
    voltage_step: float = _number("V", "largest change of the source voltage in a step", gt=0)
    temperature_tolerance: float = _number("K", "end of the electrothermal iteration", gt=0)


class Stack(_Group):
    """Every parameter of a simulation, in the units of the material sets (nm, eV, S/m, ...).

    `material` names the set, `sources` gives each parameter's source by its key, such as
    ``"reaction.energy"``; a parameter that a user changed has the source ``"user"``.
    """

    material: str
    title: str = ""
    summary: str = ""
    assumptions: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)
    geometry: Geometry
    filament: Filament
    transport: Transport
    reaction: Reaction
    conduction: Conduction
    heat: Heat
    circuit: Circuit
    drive: Drive
    numerics: Numerics

    def get(self, key: str) -> Any:
        """Value of one parameter, by a key such as ``"reaction.energy"``."""
        _field(key)
        group, name = key.split(".")
        return getattr(getattr(self, group), name)

    def replace(self, changes: Mapping[str, Any]) -> Stack:
        """The stack with some parameters changed: ``{"reaction.energy": 1.3}``, in each parameter's own unit.

        Raises
        ------
        ParameterError
            If a key is unknown or a value is out of range.
        """
        if not changes:
            return self
        data = self.model_dump()
        for key, value in changes.items():
            _field(key)
            group, name = key.split(".")
            data[group][name] = value
            data["sources"][key] = "user"
        return _validated(data)

    def units(self) -> dict[str, str]:
        """Unit of every numeric parameter, by key."""
        return {key: _unit(field) for key, field in _FIELDS.items() if _unit(field)}


_GROUPS: dict[str, type[_Group]] = {
    name: field.annotation
    for name, field in Stack.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, _Group)
}
_FIELDS = {f"{group}.{name}": field for group, model in _GROUPS.items() for name, field in model.model_fields.items()}


def _unit(field: Any) -> str:
    return (field.json_schema_extra or {}).get("unit", "")


def _field(key: str) -> Any:
    if key not in _FIELDS:
        group = key.split(".")[0]
        known = [name for name in _FIELDS if name.startswith(f"{group}.")] or list(_GROUPS)
        raise ParameterError(f"unknown parameter {key!r}; there are {', '.join(known)}")
    return _FIELDS[key]


def _validated(data: Mapping[str, Any], where: str = "") -> Stack:
    try:
        return Stack.model_validate(data)
    except ValidationError as error:
        bad = invalid_rows(error, "stack")
        raise ParameterError(f"{count(len(bad), 'bad parameter')}{where}", bad) from error


def _entry(key: str, entry: Any) -> tuple[Any, str]:
    """Value and source of one TOML entry; numbers must carry the unit that the parameter has."""
    field = _field(key)
    unit = _unit(field)
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


def _merge(data: dict[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    for group, table in document.items():
        if group in _HEADER:
            continue
        if group not in _GROUPS or not isinstance(table, Mapping):
            raise ParameterError(f"unknown parameter {group!r}; the groups are {', '.join(_GROUPS)}")
        for name, entry in table.items():
            value, source = _entry(f"{group}.{name}", entry)
            data.setdefault(group, {})[name] = value
            data["sources"][f"{group}.{name}"] = source
    return data


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
    document = _read_file(known.get(name, Path(name)))
    data: dict[str, Any] = {"material": name, "sources": {}}
    data |= {key: document[key] for key in _HEADER[:-1] if key in document}
    return _validated(_merge(data, document), f" in material set {name}")


def load_stack(path: Path | str | None = None) -> Stack:
    """The stack of a TOML file that names its set and overrides some parameters; None: the default set.

    ::

        material = "reversible"          # or a path, relative to this file
        [geometry]
        hfo2_thickness = { value = 6.0, unit = "nm", source = "ellipsometry" }

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
    return _validated(_merge(load_material(name).model_dump(), document), f" in {path}")
