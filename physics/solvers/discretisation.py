"""Finite volumes on the axisymmetric mesh: everything that the two solvers share, from state to coefficients.

A quantity on faces is a `Faces`: its z part holds every face across z, electrodes included; its r part the
inner faces across r (nothing flows through the axis or the outer rim).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physics import laws
from physics.laws import NM, Array
from physics.solvers.mesh import Mesh
from physics.stack import Stack


@dataclass(frozen=True, eq=False)
class Faces:
    """Values on faces: z of shape (heights + 1, radii), r of shape (heights, radii - 1)."""

    z: Array
    r: Array


@dataclass(frozen=True, eq=False)
class Vacancies:
    """The linear vacancy equation of one step, implicit in the density u.

    V du/dt + sum of face fluxes = V (source - sink u). The flux over a face is
    (D A / d) (B(-P) u_first - B(P) u_second); above the top row u is `reservoir`.

    Attributes
    ----------
    exchange : Faces [nm^3/s]
        Diffusive exchange D A / d; the z row at Pt is zero (no flux).
    number : Faces [1]
        Cell Peclet numbers P, positive towards larger z and r.
    source, sink : array [1/s]
    reservoir : array [1], shape (radii,)
    """

    exchange: Faces
    number: Faces
    source: Array
    sink: Array
    reservoir: Array


class Discretisation:
    """The stack on a mesh: static arrays, and coefficients as functions of the state.

    Parameters
    ----------
    stack : Stack
    mesh : Mesh
    """

    def __init__(self, stack: Stack, mesh: Mesh) -> None:
        self.stack, self.mesh = stack, mesh
        in_al2o3 = np.arange(mesh.shape[0])[:, None] >= mesh.interface
        transport, reaction, heat = stack.transport, stack.reaction, stack.heat
        blend = self._step(in_al2o3, transport.barrier_edge_width)
        self.barrier = transport.barrier_hfo2 + (transport.barrier_al2o3 - transport.barrier_hfo2) * blend
        self.barrier = np.broadcast_to(self.barrier, mesh.shape)
        zone = self._step(in_al2o3, reaction.edge_width)
        self.prefactor = np.broadcast_to(reaction.prefactor * zone, mesh.shape)
        relative = np.minimum(mesh.r / stack.filament.radius, 1.2)
        self.reaction_barrier = reaction.energy + reaction.barrier_spread * (relative**2 - 0.5)
        self.heat_insulating = np.where(in_al2o3, heat.al2o3, heat.hfo2)
        self.reservoir = transport.reservoir_density * self.filament_profile()

    def _step(self, in_al2o3: NDArray[np.bool_], width: float) -> Array:
        """0 in HfO2, 1 in Al2O3; a tanh of the given width [nm] unless that is 0. Shape (heights, 1)."""
        if width == 0:
            return in_al2o3.astype(float)
        return 0.5 * (1 + np.tanh((self.mesh.z[:, None] - self.stack.geometry.hfo2_thickness) / width))

    def filament_profile(self) -> Array:
        """Density over the reference density along the radius, without the gap [1]."""
        filament = self.stack.filament
        core = 0.5 * (1 - np.tanh((self.mesh.r - filament.radius) / filament.edge_width))
        return filament.background_density + (1 - filament.background_density) * core

    def initial_density(self) -> Array:
        """The prescribed state just after a reset: the filament with its gap [1]."""
        filament, bottom = self.stack.filament, self.stack.geometry.hfo2_thickness
        edge = filament.gap_edge_width
        z = self.mesh.z[:, None]
        box = 0.5 * (np.tanh((z - bottom) / edge) - np.tanh((z - bottom - filament.gap_length) / edge))
        profile = np.broadcast_to(self.filament_profile(), self.mesh.shape)
        floor = np.minimum(filament.gap_density, profile)
        return profile + (floor - profile) * box

    def conductances(self, material: Array, electrode: float = 0.0) -> Faces:
        """Conductances k A / d of all faces from a cell conductivity, harmonic over the two half cells.

        Exact for layers in series. The unit is that of `material` times nm. `electrode` is a surface
        resistance on both electrodes, in nm over the unit of `material`.
        """
        mesh = self.mesh
        along = mesh.half_z / material
        z = np.empty((mesh.shape[0] + 1, mesh.shape[1]))
        z[1:-1] = along[1:] + along[:-1]
        z[0] = along[0] + electrode
        z[-1] = along[-1] + electrode
        across = mesh.half_r / material
        return Faces(mesh.area_z / z, mesh.area_r / (across[:, 1:] + across[:, :-1]))

    def conductivity(self, density: Array, temperature: Array) -> Array:
        """Electronic conductivity of every cell [S/m]."""
        c = self.stack.conduction
        return laws.conductivity(
            density, temperature, c.insulating, c.filament, c.activation_insulating, c.activation_filament
        )

    def thermal_conductances(self, density: Array) -> Faces:
        """Heat conductances of all faces [W/(m K) nm], electrode resistance included."""
        heat = self.stack.heat
        conductivity = laws.thermal_conductivity(density, self.heat_insulating, heat.filament)
        return self.conductances(conductivity, heat.electrode_resistance / NM)

    def joule_heat(self, conductivity: Array, faces: Faces, potential: Array) -> Array:
        """Joule power of every cell for the unit potential [S/m nm V^2].

        The power of each face goes to its two half cells in proportion to their resistances, so that the
        sum over cells is exactly current times voltage.
        """
        mesh = self.mesh
        drop = np.diff(potential, axis=0, prepend=0.0, append=1.0)
        squared = (faces.z * drop) ** 2 / mesh.area_z
        current = (faces.r * np.diff(potential, axis=1)) ** 2 / mesh.area_r
        across = mesh.half_r / conductivity
        power = (mesh.half_z / conductivity) * (squared[1:] + squared[:-1])
        power[:, 1:] += current * across[:, 1:]
        power[:, :-1] += current * across[:, :-1]
        return power

    def reaction_rates(self, potential: Array, top: float, temperature: Array) -> tuple[Array, Array]:
        """Source and sink of the vacancy equation [1/s] from the ion potential [V], `top` at Ti."""
        reaction = self.stack.reaction
        if not reaction.generation:
            return np.zeros(self.mesh.shape), np.zeros(self.mesh.shape)
        field = np.diff(potential, axis=0, prepend=0.0, append=top) / self.mesh.distance_z
        signed = 0.5 * (field[1:] + field[:-1])
        if reaction.kind == "reversible":
            forward, reverse = laws.reversible_rates(
                signed,
                temperature,
                self.prefactor,
                self.reaction_barrier,
                (reaction.forward_dipole, reaction.reverse_dipole),
                reaction.oxygen,
                reaction.barrier_floor,
            )
        else:
            strength = np.sqrt(0.5 * (field[1:] ** 2 + field[:-1] ** 2) + self._radial_square(potential))
            forward = laws.gated_rate(
                signed,
                strength,
                temperature,
                self.prefactor,
                self.reaction_barrier,
                reaction.forward_dipole,
                reaction.barrier_floor,
            )
            reverse = np.zeros_like(forward)
        return forward, forward / reaction.max_density + reverse

    def _radial_square(self, potential: Array) -> Array:
        """Mean over a cell's two r faces of the radial field squared [V^2/nm^2]."""
        squared = (np.diff(potential, axis=1) / self.mesh.distance_r) ** 2
        total = np.zeros_like(potential)
        total[:, 1:] += 0.5 * squared
        total[:, :-1] += 0.5 * squared
        return total

    def vacancies(self, density: Array, potential: Array, top: float, temperature: Array) -> Vacancies:
        """The vacancy equation at a state: ion potential [V], `top` at Ti, temperature [K]."""
        transport, mesh = self.stack.transport, self.mesh
        diffusion = laws.diffusivity(temperature, self.barrier, transport.hop_distance, transport.attempt_frequency)
        exchange = self.conductances(diffusion)
        exchange.z[0] = 0.0  # Pt blocks vacancies
        number = Faces(
            self._number(
                -np.diff(potential, axis=0, prepend=0.0, append=top), mesh.distance_z, _face_mean(temperature)
            ),
            self._number(
                -np.diff(potential, axis=1), mesh.distance_r, 0.5 * (temperature[:, 1:] + temperature[:, :-1])
            ),
        )
        number.z[0] = 0.0
        if transport.site_limit > 0:
            above = np.concatenate([density, self.reservoir[None]])
            below = np.concatenate([density[:1], density])
            number.z[:] *= laws.site_exclusion(number.z, below, above, transport.site_limit)
            number.r[:] *= laws.site_exclusion(number.r, density[:, :-1], density[:, 1:], transport.site_limit)
        source, sink = self.reaction_rates(potential, top, temperature)
        return Vacancies(exchange, number, source, sink, self.reservoir)

    def _number(self, drop: Array, distance: Array, temperature: Array) -> Array:
        transport = self.stack.transport
        return laws.peclet(drop, distance, temperature, transport.hop_distance, transport.charge_number)


def _face_mean(cells: Array) -> Array:
    """Arithmetic mean on every z face; the cell's own value at the electrodes."""
    faces = np.empty((cells.shape[0] + 1, cells.shape[1]))
    faces[1:-1] = 0.5 * (cells[1:] + cells[:-1])
    faces[0], faces[-1] = cells[0], cells[-1]
    return faces


def inflow(equation: Vacancies, density: Array, volume: Array) -> float:
    """Vacancies gained in all by reservoir and reactions [nm^3/s times the reference density]."""
    out, back = laws.exchange(equation.number.z[-1])
    reservoir = np.sum(equation.exchange.z[-1] * (back * equation.reservoir - out * density[-1]))
    return float(reservoir + np.sum(volume * (equation.source - equation.sink * density)))
