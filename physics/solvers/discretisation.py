"""Finite volumes on the axisymmetric mesh: the discretisation shared by both solvers.

A quantity on faces is a `Faces`: its z part contains every face across z, electrodes included; its r part the inner
faces across r (no flux through the axis or the outer rim).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physics.constants import NM, Array
from physics.laws import transport
from physics.solvers import kernels
from physics.solvers.mesh import Mesh
from physics.stack import Stack


@dataclass(frozen=True, eq=False)
class Faces:
    """Values on faces: z of shape (heights + 1, radii), r of shape (heights, radii - 1)."""

    z: Array
    r: Array


@dataclass(frozen=True, eq=False)
class Current:
    """The equation of the current, linearised about a potential: see `kernels`.

    Attributes
    ----------
    faces : Faces [S/m nm]
        t (1 + p).
    bend : Faces [S/m nm]
        t p.
    potential : array [V]
    top : float [V]
        Point of linearisation: potential of the cells and of the top electrode.
    conductivity : array [S/m]
        At zero field.
    factor : array [1], shape (4, heights, radii)
        Enhancement of each half cell.
    """

    faces: Faces
    bend: Faces
    potential: Array
    top: float
    conductivity: Array
    factor: Array


@dataclass(frozen=True, eq=False)
class Vacancies:
    """The linear vacancy equation of one step, implicit in the density u.

    V du/dt + sum of face fluxes = V (source - sink u). The flux over a face is up u_first - down u_second with
    (up, down) = (D A / d) (B(-P), B(P)); beyond the bottom and the top row u is that of their reservoir.

    Attributes
    ----------
    exchange : Faces [nm^3/s]
        Diffusive exchange D A / d; the z row at an electrode that blocks is zero (no flux).
    number : Faces [1]
        Cell Peclet numbers P, positive towards larger z and r.
    up, down : Faces [nm^3/s]
    source, sink : array [1/s]
        Forward rate; reverse rate and effect of filled sites.
    bottom, top : array [1], shape (radii,)
        Densities of the reservoirs.
    """

    exchange: Faces
    number: Faces
    up: Faces
    down: Faces
    source: Array
    sink: Array
    bottom: Array
    top: Array


class Discretisation:
    """The stack on a mesh: static arrays, and coefficients as functions of the state.

    Parameters
    ----------
    stack : Stack
    mesh : Mesh
    """

    def __init__(self, stack: Stack, mesh: Mesh) -> None:
        self.stack, self.mesh = stack, mesh
        self._conduction, self._reaction, self._heat = stack.conduction_law, stack.reaction_law, stack.heat_law
        self._halves = np.ascontiguousarray(mesh.half_z[:, 0]), np.ascontiguousarray(mesh.half_r)
        self._ohmic = np.ones((4, *mesh.shape)), np.zeros((4, *mesh.shape))
        reaction = stack.reaction
        self.barrier = self._blend([x.hopping_barrier for x in stack.layers], stack.transport.barrier_edge_width)
        zone = self._blend([x.reaction for x in stack.layers], reaction.edge_width)
        self.prefactor = reaction.prefactor * zone
        relative = np.minimum(mesh.r / stack.filament_radius, 1.2)
        self.reaction_barrier = reaction.energy + reaction.barrier_spread * (relative**2 - 0.5)
        own = np.array([x.thermal_conductivity for x in stack.layers])
        self.heat_insulating = np.ascontiguousarray(np.broadcast_to(own[mesh.layer][:, None], mesh.shape))
        self.reservoirs = tuple(x.reservoir_density * self.filament_profile() for x in (stack.bottom, stack.top))

    def _blend(self, values: Sequence[float], width: float) -> Array:
        """Return a property of the layers per row, with tanh steps of a width [nm] at the interfaces (0: sharp)."""
        rows = self.mesh.layer[:, None]
        result = np.full(rows.shape, values[0])
        for k in range(1, len(values)):
            if width == 0:
                step = (rows >= k).astype(float)
            else:
                step = 0.5 * (1 + np.tanh((self.mesh.z[:, None] - self.stack.heights[k]) / width))
            result = result + (values[k] - values[k - 1]) * step
        return np.ascontiguousarray(np.broadcast_to(result, self.mesh.shape))

    def filament_profile(self) -> Array:
        """Return the density over the reference density along the radius, without the gap [1]."""
        filament = self.stack.filament
        core = 0.5 * (1 - np.tanh((self.mesh.r - self.stack.filament_radius) / filament.edge_width))
        return filament.background_density + (1 - filament.background_density) * core

    def initial_density(self) -> Array:
        """Return the prescribed state just after a reset: the filament with its gap [1]."""
        filament, bottom = self.stack.filament, self.stack.heights[self.stack.active]
        edge = filament.gap_edge_width
        z = self.mesh.z[:, None]
        box = 0.5 * (np.tanh((z - bottom) / edge) - np.tanh((z - bottom - filament.gap_length) / edge))
        profile = np.broadcast_to(self.filament_profile(), self.mesh.shape)
        floor = np.minimum(self.stack.gap_density, profile)
        return profile + (floor - profile) * box

    def pristine_density(self) -> Array:
        """Return a film in which nothing has formed: `filament.background_density` everywhere [1].

        Its weak spot is that of the rates, whose barrier is lowest on the axis; a mean field makes no nucleus.
        """
        return np.full(self.mesh.shape, self.stack.filament.background_density)

    def vacancies_per_height(self, density: Array) -> Array:
        """Return the vacancies of the filament per nanometre of height, for each row of the active layer [nm^-1]."""
        rows = self.mesh.layer == self.stack.active
        area = self.mesh.area_z * (self.mesh.r < self.stack.filament_radius)
        return (density[rows] @ area) * self.stack.filament.reference_density * NM**3

    def conductances(self, material: Array, electrodes: tuple[float, float] = (0.0, 0.0)) -> Faces:
        """Return the conductances k A / d of all faces from a cell conductivity; see `kernels.series`."""
        mesh = self.mesh
        return Faces(*kernels.series(material, *self._halves, mesh.area_z, mesh.area_r, electrodes))

    def conductivity(self, density: Array, temperature: Array) -> Array:
        """Return the electronic conductivity of every cell without a field [S/m]."""
        return self._conduction.conductivity(density, temperature, self.stack.conduction)

    def thermal_conductances(self, density: Array) -> Faces:
        """Return the heat conductances of all faces [W/(m K) nm], electrode resistances included."""
        conductivity = self._heat.conductivity(density, self.heat_insulating, self.stack.heat)
        electrodes = self.stack.bottom.thermal_resistance / NM, self.stack.top.thermal_resistance / NM
        return self.conductances(conductivity, electrodes)

    def current(self, conductivity: Array, density: Array, temperature: Array, potential: Array, top: float) -> Current:
        """Return the equation of the current about a potential [V], `top` at the top electrode.

        Parameters
        ----------
        conductivity : array [S/m]
            At zero field, as `conductivity` gives it.
        density : array [1]
        temperature : array [K]
        potential : array [V]
        top : float [V]
        """
        law, mesh = self._conduction, self.mesh
        if law.enhancement is None:
            factor, slope = self._ohmic
        else:
            field = kernels.half_cell_fields(potential, top, *self._halves)
            factor, slope = law.enhancement(density, temperature, field, self.stack.conduction)
        z, z_bend, r, r_bend = kernels.face_conductances(
            conductivity, factor, slope, *self._halves, mesh.area_z, mesh.area_r
        )
        return Current(Faces(z + z_bend, r + r_bend), Faces(z_bend, r_bend), potential, top, conductivity, factor)

    @property
    def ohmic(self) -> bool:
        """True if the current is linear in the voltage."""
        return self._conduction.enhancement is None

    def remainder(self, current: Current) -> Array:
        """Return the remainder of the linearised current per cell [S/m nm V]: divergence of t p times old drops."""
        return kernels.divergence(current.bend.z, current.bend.r, current.potential, current.top)

    def joule_heat(self, current: Current, potential: Array, top: float) -> Array:
        """Return the Joule power per cell at a potential [S/m nm V^2]; the sum is exactly current times voltage."""
        bend = current.bend
        return kernels.joule_heat(
            current.faces.z - bend.z,
            bend.z,
            current.faces.r - bend.r,
            bend.r,
            potential,
            top,
            current.potential,
            current.top,
            current.conductivity,
            current.factor,
            *self._halves,
        )

    def largest_field(self, potential: Array, top: float) -> float:
        """Return the largest field of a half cell [V/nm]."""
        return float(kernels.half_cell_fields(potential, top, *self._halves).max())

    def reaction_rates(self, potential: Array, top: float, temperature: Array) -> tuple[Array, Array]:
        """Return source and sink of the vacancy equation [1/s] from ion potential [V], `top` at the top electrode."""
        reaction = self.stack.reaction
        if not reaction.generation:
            return np.zeros(self.mesh.shape), np.zeros(self.mesh.shape)
        signed, strength = kernels.cell_fields(potential, top, *self._halves)
        forward, reverse = self._reaction.rates(
            signed, strength, temperature, self.prefactor, self.reaction_barrier, reaction
        )
        return forward, forward / reaction.max_density + reverse

    def vacancies(self, density: Array, potential: Array, top: float, temperature: Array) -> Vacancies:
        """Return the vacancy equation at a state: ion potential [V], `top` at the top electrode, temperature [K]."""
        hop, mesh, (bottom, above) = self.stack.transport, self.mesh, self.reservoirs
        z_exchange, z_number, z_up, z_down, r_exchange, r_number, r_up, r_down = transport.exchange_faces(
            density,
            potential,
            top,
            temperature,
            self.barrier,
            (hop.hop_distance, hop.attempt_frequency, hop.charge_number, hop.site_limit, hop.field_diffusion),
            *self._halves,
            mesh.area_z,
            mesh.area_r,
            bottom,
            above,
            self.stack.bottom.vacancies == "reservoir",
            self.stack.top.vacancies == "reservoir",
        )
        source, sink = self.reaction_rates(potential, top, temperature)
        return Vacancies(
            Faces(z_exchange, r_exchange),
            Faces(z_number, r_number),
            Faces(z_up, r_up),
            Faces(z_down, r_down),
            source,
            sink,
            bottom,
            above,
        )


def inflow(equation: Vacancies, density: Array, volume: Array) -> float:
    """Return the total gain of vacancies from reservoirs and reactions [nm^3/s times the reference density]."""
    up, down = equation.up.z, equation.down.z
    reservoir = np.sum(down[-1] * equation.top - up[-1] * density[-1])
    reservoir += np.sum(up[0] * equation.bottom - down[0] * density[0])
    return float(reservoir + np.sum(volume * (equation.source - equation.sink * density)))
