"""Declaration of a law of each kind: name, parameters, equation and its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from physics.constants import Array
from physics.parameters import Group, number


class ConductionParameters(Group):
    """Common parameters of conduction laws."""

    law: str = Field(description="conduction law: a registered name, or the path of a .py file")
    density_length: float = number(
        "nm", "length over which electrons see the density of vacancies; 0: off", ge=0, default=0.0
    )


class ReactionParameters(Group):
    """Common parameters of reaction laws."""

    law: str = Field(description="reaction law: a registered name, or the path of a .py file")
    generation: bool = Field(description="false runs the paper's bare equations")
    prefactor: float = number("Hz", "attempt frequency G0 of the reaction", ge=0)
    energy: float = number("eV", "barrier Eg at zero field", gt=0)
    barrier_spread: float = number("eV", "radial spread of the barrier", ge=0)
    barrier_floor: float = number("eV", "lowest barrier", gt=0)
    edge_width: float = number("nm", "width of the reaction zone's edges; 0: sharp", ge=0)
    max_density: float = number("1", "density at which generation stops", gt=0)


class HeatParameters(Group):
    """Common parameters of thermal conductivity laws."""

    law: str = Field(description="law of the thermal conductivity: a registered name, or the path of a .py file")
    ambient: float = number("K", "ambient temperature", gt=0)


Halves = tuple[Array, Array]


@dataclass(frozen=True)
class ConductionLaw:
    """Conduction law: sigma(u, T, E) = sigma(u, T, 0) times an enhancement by the field.

    Parameters
    ----------
    name : str
        Name of the law and of its file.
    parameters : type
        Subclass of `ConductionParameters` with the parameters of the law.
    conductivity : callable (density, temperature, parameters) -> array [S/m]
        At zero field, for arrays of any one shape; density over the reference density [1], temperature [K].
    enhancement : callable (density, temperature, field, parameters) -> (factor, slope), or None
        sigma(E) / sigma(0) and d ln sigma / d ln E [1], for a field [V/nm] of 0 or more with additional leading axes.
        The slope must stay above -1, so that the current rises with the field. None: ohmic.
    """

    name: str
    parameters: type[ConductionParameters]
    conductivity: Callable[[Array, Array, Any], Array]
    enhancement: Callable[[Array, Array, Array, Any], Halves] | None = None


@dataclass(frozen=True)
class ReactionLaw:
    """Reaction law: generation (forward) and recombination (reverse) rates, per site and per vacancy.

    Parameters
    ----------
    name : str
        Name of the law and of its file.
    parameters : type
        Subclass of `ReactionParameters` with the parameters of the law.
    rates : callable (field, strength, temperature, prefactor, barrier, parameters) -> (forward, reverse) [1/s]
        For the signed field dphi/dz [V/nm], above 0 while the top electrode is the anode, the magnitude of the field
        [V/nm] (root mean square over the faces of a cell), temperature [K], prefactor [1/s] and barrier [eV].
    slopes : callable, same arguments -> (forward, reverse) [nm/V]
        d ln rate / d field; 0 where a rate is 0 or its barrier at the floor.
    """

    name: str
    parameters: type[ReactionParameters]
    rates: Callable[[Array, Array, Array, Array, Array, Any], Halves]
    slopes: Callable[[Array, Array, Array, Array, Array, Any], Halves]


@dataclass(frozen=True)
class HeatLaw:
    """Thermal conductivity against the density.

    Parameters
    ----------
    name : str
        Name of the law and of its file.
    parameters : type
        Subclass of `HeatParameters` with the parameters of the law.
    conductivity : callable (density, insulating, parameters) -> array [W/(m K)]
        For the density over the reference density [1] and the thermal conductivity of the layer [W/(m K)].
    slope : callable, same arguments -> array [W/(m K)]
        d conductivity / d density.
    """

    name: str
    parameters: type[HeatParameters]
    conductivity: Callable[[Array, Array, Any], Array]
    slope: Callable[[Array, Array, Any], Array]
