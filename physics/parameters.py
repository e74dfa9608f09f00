"""Groups of parameters, each with unit, meaning and range."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from devicekit.core.printing import short_repr


def number(unit: str, description: str, **limits: float) -> Any:
    """Declare a numeric parameter: unit, meaning, range (gt, ge, lt, le), and optionally a default."""
    extra: Any = {"json_schema_extra": {"unit": unit}, "allow_inf_nan": False, **limits}
    return Field(description=description, **extra)


def unit_of(field: Any) -> str:
    """Return the unit of a numeric parameter; "" for a text."""
    return (field.json_schema_extra or {}).get("unit", "")


_SIGNS = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))


def describe_entry(name: str, field: Any) -> str:
    """Return what an entry takes, with unit, range and the line to write: for an error about a missing one."""
    unit = unit_of(field)
    if not unit:
        return f'a text, such as {name} = "..."'
    limits = [f"{word} {getattr(m, sign):g}" for m in field.metadata for sign, word in _SIGNS if hasattr(m, sign)]
    words = ", ".join([f"a number in {unit}", *limits])
    return f'{words}: {name} = {{ value = ..., unit = "{unit}", source = "..." }}'


class Group(BaseModel):
    """Group of parameters, base class of the parameters of a law."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    def __repr__(self) -> str:
        return short_repr(self)

    __str__ = __repr__


class Layer(Group):
    """One layer of the stack."""

    name: str = Field(description="name of the layer, as in its keys", pattern=r"^[A-Za-z0-9_-]+$")
    active: bool = Field(default=False, description="true for the one layer in which the gap opens")
    thickness: float = number("nm", "thickness", gt=0)
    hopping_barrier: float = number("eV", "hopping barrier of vacancies", gt=0)
    thermal_conductivity: float = number("W/(m K)", "thermal conductivity without vacancies", gt=0)
    reaction: float = number("1", "factor on the prefactor of the reaction; 0: no generation or recombination", ge=0)


class Electrode(Group):
    """One electrode, with its boundary conditions for heat and vacancies."""

    name: str = Field(description="material, for display")
    vacancies: Literal["blocked", "reservoir"] = Field(description="boundary condition for vacancies")
    reservoir_density: float = number("1", "density of the reservoir above the filament over reference_density", ge=0)
    thermal_resistance: float = number("m^2 K/W", "thermal resistance; 0: at ambient temperature", ge=0)


class Geometry(Group):
    """The simulated cylinder."""

    radius: float = number("nm", "outer radius of the simulated cylinder", gt=0)


REFERENCE_COMPLIANCE = 1e-4
"""Compliance [A] at which a filament has the stated radius and density in its gap."""


class Filament(Group):
    """The prescribed state just after a reset: a filament with a gap at the bottom of the active layer."""

    radius: float = number("nm", "radius of the filament", gt=0)
    edge_width: float = number("nm", "width of its tanh rim", gt=0)
    gap_length: float = number("nm", "length of the gap, from the bottom of the active layer", ge=0)
    gap_edge_width: float = number("nm", "width of the tanh edges of the gap", gt=0)
    gap_density: float = number("1", "density in the gap over reference_density", gt=0, le=1)
    radius_exponent: float = number(
        "1", "exponent p of the radius at other compliances: radius (compliance / 100 uA)^p", ge=0, le=2, default=0.0
    )
    gap_exponent: float = number(
        "1", "exponent q of the gap at other compliances: gap_density (compliance / 100 uA)^-q", ge=0, le=4, default=0.0
    )
    background_density: float = number("1", "density outside over reference_density", gt=0, le=1)
    reference_density: float = number("m^-3", "vacancy density of the filament", gt=0)


class Transport(Group):
    """Hopping of vacancies."""

    hop_distance: float = number("nm", "hopping distance a", gt=0)
    attempt_frequency: float = number("Hz", "attempt frequency f", gt=0)
    charge_number: float = number("1", "charge number Z of a vacancy", ge=0)
    barrier_edge_width: float = number("nm", "width of the barrier's steps between layers; 0: sharp", ge=0)
    site_limit: float = number("1", "density at which drift into a cell stops; 0: off", ge=0)
    ion_potential_length: float = number("nm", "internal length ell of the ion potential; 0: off", ge=0)
    field_diffusion: float = number(
        "1",
        "share of the enhancement sinh(x) / x by the field in the diffusivity; 1: Einstein's relation at any field",
        ge=0,
        le=1,
        default=0.0,
    )


class Circuit(Group):
    """Circuit in series with the device."""

    series_resistance: float = number("ohm", "resistance in series with the device", ge=0)
    compliance: float = number("A", "current limit", gt=0)
    saturation_voltage: float = number(
        "V",
        "voltage at which a transistor in series saturates, at the compliance; 0: an ideal limiter",
        ge=0,
        default=0.0,
    )
    transistor_beta: float = number(
        "A/V^2",
        "gain factor of a transistor in series, which saturates at sqrt(2 compliance / beta); 0: saturation_voltage",
        ge=0,
        default=0.0,
    )

    def saturation(self, gate: float) -> float:
        """Return the voltage at which the transistor saturates [V], for a saturation current [A]; 0 without one."""
        beta = self.transistor_beta
        return math.sqrt(2 * gate / beta) if beta > 0 and math.isfinite(gate) else self.saturation_voltage


FORMING_FIELD = 0.5
"""Mean field at the end of a forming ramp [V/nm]."""


class Drive(Group):
    """Voltages and rates that the instrument applies."""

    set_stop: float = number("V", "end of the set ramp", gt=0)
    reset_stop: float = number("V", "end of the reset ramp", lt=0)
    form_stop: float = number(
        "V",
        f"end of the forming ramp of a pristine film; 0: {FORMING_FIELD:g} V for each nanometre of all layers. "
        "A study of thickness scales it with their height",
        ge=0,
        default=0.0,
    )
    rate: float = number("V/s", "ramp rate", gt=0)
    read_voltage: float = number("V", "read voltage", gt=0)
    ltp_voltage: float = number("V", "amplitude of LTP pulses", gt=0)
    ltd_voltage: float = number("V", "amplitude of LTD pulses", lt=0)

    def forming_stop(self, height: float) -> float:
        """Return the end of the forming ramp [V] of a film whose layers have a height [nm] together."""
        return self.form_stop or FORMING_FIELD * height


class Numerics(Group):
    """Steps and tolerances of the solvers."""

    density_step: float = number("1", "target of the largest density change in a step", gt=0, le=0.5)
    conductance_step: float = number("1", "target of the change of ln G in a step", gt=0, le=1)
    voltage_step: float = number("V", "largest change of the source voltage in a step", gt=0)
    temperature_tolerance: float = number("K", "end of the electrothermal iteration", gt=0)
    gap_reach: float = number(
        "nm",
        "height above the bottom of the active layer up to which cells have half the size; 0: equal cells in the layer",
        ge=0,
        default=0.0,
    )


FITTED = "fitted by devicekit"
"""Beginning of the source of a number that a calibration found."""

HEADER = ("title", "summary", "assumptions", "defects", "material")
"""Entries of a material set that are no parameters."""

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
