"""The banded solver: LAPACK band factorisations, for studies and pulse trains."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from physics import laws
from physics.laws import Array
from physics.solvers.discretisation import Discretisation, Faces, Vacancies
from physics.solvers.elimination import eliminate, empty_rows


class BandedSolver:
    """Solves the four linear equations of a step directly; cells are numbered row by row, r fastest."""

    name = "banded"

    def __init__(self, grid: Discretisation) -> None:
        self.grid = grid
        self.shape = grid.mesh.shape
        self.width = self.shape[1]
        self.cells = grid.mesh.cells
        self._heat_faces: Faces | None = None
        self._heat: Array
        self.length = grid.stack.transport.ion_potential_length
        if self.length > 0:  # a constant matrix: factored once
            faces = grid.conductances(np.full(self.shape, self.length**2))
            self._ion_top = faces.z[-1]
            self._ion = self._factor(self._symmetric(faces, grid.mesh.volume))

    def potential(self, faces: Faces) -> Array:
        """Potential for 1 V on Ti and 0 V on Pt [V]."""
        right = np.zeros(self.shape)
        right[-1] = faces.z[-1]
        return self._back_substitute(self._factor(self._symmetric(faces)), right)

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Temperature above ambient [K] from the heat of every cell, in the unit of `faces` times K."""
        if faces is not self._heat_faces:  # the electrothermal loop changes the heat only
            self._heat_faces, self._heat = faces, self._factor(self._symmetric(faces))
        return self._back_substitute(self._heat, heat)

    def ion_potential(self, potential: Array) -> Array:
        """Potential phibar - ell^2 lap(phibar) = phi that ions see, for 1 V on Ti [V]."""
        if self.length == 0:
            return potential
        right = self.grid.mesh.volume * potential
        right[-1] += self._ion_top
        return self._back_substitute(self._ion, right)

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Density after an implicit Euler step [1]; an M-matrix, so it stays positive for any step [s]."""
        volume, w = self.grid.mesh.volume, self.width
        up, down = laws.exchange(equation.number.z)
        up, down = equation.exchange.z * up, equation.exchange.z * down
        out, back = laws.exchange(equation.number.r)
        out, back = equation.exchange.r * out, equation.exchange.r * back
        diagonal = volume * (1 / step + equation.sink) + up[1:] + down[:-1]
        diagonal[:, :-1] += out
        diagonal[:, 1:] += back
        right = volume * (before / step + equation.source)
        right[-1] += down[-1] * equation.reservoir
        rows = empty_rows(self.cells, w)
        grid = rows.reshape(*self.shape, 2 * w + 1)
        grid[:, :, w] = diagonal
        grid[:-1, :, 2 * w] = -down[1:-1]
        grid[1:, :, 0] = -up[1:-1]
        grid[:, :-1, w + 1] = -back
        grid[:, 1:, w - 1] = -out
        return eliminate(rows, right.reshape(-1)).reshape(self.shape)

    def _symmetric(self, faces: Faces, extra: Array | None = None) -> Array:
        """Lower bands of the sum over faces of c (x_i - x_j), x given at both electrodes, plus a diagonal."""
        w = self.width
        diagonal = faces.z[1:] + faces.z[:-1]
        diagonal[:, 1:] += faces.r
        diagonal[:, :-1] += faces.r
        if extra is not None:
            diagonal += extra
        band = np.zeros((w + 1, self.cells), order="F")
        band[0] = diagonal.reshape(-1)
        band[w, :-w] = -faces.z[1:-1].reshape(-1)
        beside = np.zeros(self.shape)
        beside[:, :-1] = -faces.r
        band[1] = beside.reshape(-1)
        return band

    def _factor(self, band: Array) -> Array:
        factor, info = lapack.dpbtrf(band, lower=1, overwrite_ab=1)
        _check(info)
        return factor

    def _back_substitute(self, factor: Array, right: Array) -> Array:
        solution, info = lapack.dpbtrs(factor, right.reshape(-1), lower=1)
        _check(info)
        return solution.reshape(self.shape)


def _check(info: int) -> None:
    if info != 0:
        raise FloatingPointError(f"the band factorisation failed (LAPACK info {info})")
