"""The banded solver with LAPACK band factorisations, for studies and pulse trains."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from physics.constants import Array
from physics.solvers.discretisation import Discretisation, Faces, Vacancies
from physics.solvers.elimination import eliminate, fill_symmetric, vacancy_system


class BandedSolver:
    """Direct solver of the four linear equations of a step; cells are numbered row by row, r fastest."""

    name = "banded"

    def __init__(self, grid: Discretisation) -> None:
        self.grid = grid
        self.shape = grid.mesh.shape
        self.width = self.shape[1]
        self.cells = grid.mesh.cells
        self._heat_faces: Faces | None = None
        self._heat: Array
        self._smoothing: dict[float, Array] = {}
        self.length = grid.stack.transport.ion_potential_length
        if self.length > 0:  # a constant matrix: factored once
            faces = grid.conductances(np.full(self.shape, self.length**2))
            self._ion_top = faces.z[-1]
            self._ion = self._factor(faces, grid.mesh.volume)

    def potential(self, faces: Faces, source: Array | None = None) -> tuple[Array, Array]:
        """Return the potential for 1 V on the top and 0 V on the bottom electrode, and for a source between 0 V [V].

        `source` is in the unit of `faces` times V; without one the second potential is 0.
        """
        right = np.zeros((self.cells, 1 if source is None else 2), order="F")
        right[-self.width :, 0] = faces.z[-1]
        if source is not None:
            right[:, 1] = source.reshape(-1)
        found = self._back_substitute(self._factor(faces), right)
        unit = found[:, 0].reshape(self.shape)
        return unit, np.zeros(self.shape) if source is None else found[:, 1].reshape(self.shape)

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Return the temperature above ambient [K] from the heat of every cell, in the unit of `faces` times K."""
        if faces is not self._heat_faces:  # the electrothermal loop changes the heat only
            self._heat_faces, self._heat = faces, self._factor(faces)
        return self._back_substitute(self._heat, heat.reshape(-1)).reshape(self.shape)

    def ion_potential(self, potential: Array, top: float) -> Array:
        """Return the ion potential, phibar - ell^2 lap(phibar) = phi [V], `top` at the top electrode."""
        if self.length == 0:
            return potential
        right = self.grid.mesh.volume * potential
        right[-1] += self._ion_top * top
        return self._back_substitute(self._ion, right.reshape(-1)).reshape(self.shape)

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Return the density after an implicit Euler step [1]; an M-matrix, so it stays positive for any step [s]."""
        rows, right = vacancy_system(
            equation.up.z,
            equation.down.z,
            equation.up.r,
            equation.down.r,
            equation.source,
            equation.sink,
            self.grid.mesh.volume,
            before,
            step,
            equation.bottom,
            equation.top,
        )
        return eliminate(rows, right).reshape(self.shape)

    def smooth(self, values: Array, length: float) -> Array:
        """Return (1 - length^2 lap)^-1 of cell values, without flux at boundaries; the volume integral is conserved."""
        if length not in self._smoothing:
            faces = self.grid.conductances(np.full(self.shape, length**2))
            faces.z[0] = faces.z[-1] = 0.0
            self._smoothing[length] = self._factor(faces, self.grid.mesh.volume)
        return self._back_substitute(self._smoothing[length], (self.grid.mesh.volume * values).reshape(-1)).reshape(
            self.shape
        )

    def _factor(self, faces: Faces, extra: Array | None = None) -> Array:
        """Return the factors of the sum over faces of c (x_i - x_j), x given at both electrodes, plus a diagonal."""
        bands = np.empty((self.cells, self.width + 1))
        fill_symmetric(faces.z, faces.r, bands)
        if extra is not None:
            bands[:, 0] += extra.reshape(-1)
        factor, info = lapack.dpbtrf(bands.T, lower=1, overwrite_ab=1)
        _check(info)
        return factor

    def _back_substitute(self, factor: Array, right: Array) -> Array:
        solution, info = lapack.dpbtrs(factor, right, lower=1)
        _check(info)
        return solution


def _check(info: int) -> None:
    if info != 0:
        raise FloatingPointError(f"the band factorisation failed (LAPACK info {info})")
