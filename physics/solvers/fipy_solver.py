"""The FiPy solver: the four equations of a step, stated declaratively; the reference for the banded solver.

In FiPy's terms, with u the density, P the potential and T the rise of temperature; t (1 + p) is the differential
conductance and the source what linearising the current leaves out (Newton's step; 0 for an ohmic law)::

    DiffusionTerm(t (1 + p)) + source == 0                                          (P)
    DiffusionTerm(k) + heat == ImplicitSourceTerm(h)                                (T)
    ImplicitSourceTerm(1) - DiffusionTerm(ell^2) == P                               (ion potential)
    ImplicitSourceTerm(1) - DiffusionTerm(length^2) == values                       (averages)
    TransientTerm() == DiffusionTerm(D B(|P|)) - UpwindConvectionTerm(v)
                       + source - ImplicitSourceTerm(sink)                          (u)

Exponential fitting is the sum of a central and an upwind flux: B(-P) u1 - B(P) u2 = B(|P|) (u1 - u2) + P u_upwind.

FiPy assembles each equation once. The system is linear in the coefficients, so that the assembled matrices give its
derivative by each of them; a solve then updates coefficients in place. Tests compare the systems with those that FiPy
assembles afresh. FiPy's harmonic mean (which takes values below 1e-20 for zero) and its gradient on a cylindrical mesh
(wrong: usnistgov/fipy #547) are not used: means and differences on faces are ours, in nm.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from physics.constants import Array
from physics.solvers.discretisation import Discretisation, Faces, Vacancies

_SYMMETRIC = {"SymmetricMode": True}  # SuperLU orders rows and columns alike, and keeps the diagonal as pivot


def import_fipy() -> ModuleType:
    """Import FiPy with the scipy solvers; its first import reads the command line and FIPY_SOLVERS."""
    if "fipy" in sys.modules:
        return sys.modules["fipy"]
    arguments, wanted = sys.argv, os.environ.get("FIPY_SOLVERS")
    sys.argv = arguments[:1]
    os.environ["FIPY_SOLVERS"] = "scipy"
    try:
        import fipy
    finally:
        sys.argv = arguments
        if wanted is None:
            del os.environ["FIPY_SOLVERS"]
        else:
            os.environ["FIPY_SOLVERS"] = wanted
    return fipy


class Assembled:
    """The system of a FiPy equation, linear in its coefficients: assembled by FiPy once, then filled in place.

    Parameters
    ----------
    equation, variable : FiPy equation and CellVariable
        The equation; every coefficient is 1 (a velocity 0), and the source and the old value of the variable 0.
    coefficients : FiPy variables, by name
        On faces (a velocity has rank 1), or in cells.
    """

    def __init__(self, equation: Any, variable: Any, **coefficients: Any) -> None:
        self.equation, self.variable, self.coefficients = equation, variable, coefficients
        first, second = np.ma.filled(variable.mesh.faceCellIDs, -1)
        self._inner = np.flatnonzero(second >= 0)
        self._first, self._second = first[self._inner], second[self._inner]
        ends = variable.mesh.facesBottom.value | variable.mesh.facesTop.value
        self._ends, self._beside = np.flatnonzero(ends), first[ends]
        equation.cacheMatrix()
        equation.cacheRHSvector()
        base = self.assemble()
        self._pattern = base[0].copy()
        self._place = sparse.csc_array(
            (np.arange(1, self._pattern.nnz + 1), self._pattern.indices, self._pattern.indptr), self._pattern.shape
        )
        self._matrix_by, self._right_by = {}, {}
        for name, coefficient in coefficients.items():
            for sign in (1.0, -1.0) if coefficient.rank else (1.0,):
                before = np.array(coefficient.value)
                coefficient.setValue(before + sign)
                found = self.assemble()
                coefficient.setValue(before)
                change = found[0] - base[0], found[1] - base[1]
                on_faces = coefficient.value.shape[-1] == len(ends)
                self._matrix_by[name, sign] = self._entries(change[0], on_faces)
                self._right_by[name, sign] = self._rows(change[1], on_faces)
        slow = self.assemble(step=0.5)
        self._matrix_by["per_step", 1.0] = self._entries(slow[0] - base[0], False)

    def assemble(self, step: float = 1.0) -> tuple[Any, Array]:
        """Return matrix and right-hand side as FiPy assembles them for the present coefficients and old values."""
        before = np.array(self.variable.value)
        with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 on the faces of the axis, which have no area
            self.equation.sweep(var=self.variable, dt=step)
        self.variable.setValue(before)
        return sparse.csc_array(self.equation.matrix.matrix), np.array(self.equation.RHSvector)

    def _entries(self, change: Any, on_faces: bool) -> Any:
        """Return the derivative of the matrix's entries by a coefficient, from the change by 1 everywhere.

        What an inner face takes from one cell it gives to the other, so that columns sum to 0.
        """
        place, diagonal = self._place, self._place.diagonal() - 1
        if not on_faces:
            return sparse.csr_array(
                (change.diagonal(), (diagonal, np.arange(len(diagonal)))), (place.nnz, len(diagonal))
            )
        i, j, faces = self._first, self._second, self._inner
        up, down = change[i, j], change[j, i]
        rest = change.diagonal()
        np.add.at(rest, j, up)
        np.add.at(rest, i, down)
        values = [up, down, -up, -down, rest[self._beside]]
        rows = [place[i, j] - 1, place[j, i] - 1, diagonal[j], diagonal[i], diagonal[self._beside]]
        columns = [faces, faces, faces, faces, self._ends]
        entries = [np.concatenate([np.asarray(each).ravel() for each in part]) for part in (values, rows, columns)]
        return sparse.csr_array((entries[0], (entries[1], entries[2])), (place.nnz, len(self._all_faces())))

    def _rows(self, change: Array, on_faces: bool) -> Any:
        """Return the derivative of the right-hand side by a coefficient, from the change by 1 everywhere."""
        if not on_faces:
            return sparse.dia_array((change[None], [0]), (len(change), len(change)))
        return sparse.csr_array(
            (change[self._beside], (self._beside, self._ends)), (len(change), len(self._all_faces()))
        )

    def _all_faces(self) -> Any:
        return self.variable.mesh.faceCellIDs[0]

    def matrix(self, step: float | None = None, **values: Array) -> Any:
        """Return the matrix for coefficients, filled in place, and for a time step [s] of an equation in time."""
        pattern = self._pattern
        pattern.data[:] = 0.0
        if step is not None:
            pattern.data += self._matrix_by["per_step", 1.0] @ np.full(pattern.shape[0], 1 / step)
        for (name, sign), derivative in self._matrix_by.items():
            if name in values:
                pattern.data += derivative @ np.maximum(sign * values[name], 0.0)
        return pattern

    def right(self, **values: Array) -> Array:
        """Return the right-hand side for coefficients."""
        return sum(self._right_by[name, 1.0] @ value for name, value in values.items())


class Factors:
    """LU factors of a matrix with a symmetric pattern; a solve refines once."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.copy()
        self._factors = splu(self.matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=_SYMMETRIC)

    def solve(self, right: Array) -> Array:
        """Return the solution of the system."""
        found = self._factors.solve(right)
        return found + self._factors.solve(right - self.matrix @ found)


class FipySolver:
    """Solver with FiPy; coefficients from the shared discretisation, lengths in nm."""

    name = "fipy"

    def __init__(self, grid: Discretisation) -> None:
        self.fipy = fipy = import_fipy()
        self.grid, self.length = grid, grid.stack.transport.ion_potential_length
        self.mesh = fipy.CylindricalGrid2D(dx=np.diff(grid.mesh.r_faces), dy=np.diff(grid.mesh.z_faces))
        self.current = self._state_current()
        self.heat = self._state_heat()
        self.average = self._state_average()
        self.ions = self._state_average(electrodes=True)
        self.balance = self._state_balance()
        self._heat_faces: Faces | None = None
        self._heat_factors: Factors
        self._averages: dict[float, Factors] = {}

    def _cells(self, value: float = 0.0) -> Any:
        return self.fipy.CellVariable(mesh=self.mesh, value=value)

    def _faces(self, value: float = 1.0, rank: int = 0) -> Any:
        return self.fipy.FaceVariable(mesh=self.mesh, value=value, rank=rank)

    def _between_electrodes(self) -> Any:
        """Return a variable that is 0 at the bottom and 1 at the top electrode."""
        variable = self._cells()
        variable.constrain(0.0, where=self.mesh.facesBottom)
        variable.constrain(1.0, where=self.mesh.facesTop)
        return variable

    def _state_current(self) -> Assembled:
        conductivity, source = self._faces(), self._cells()
        equation = self.fipy.DiffusionTerm(coeff=conductivity) + source == 0
        return Assembled(equation, self._between_electrodes(), conductivity=conductivity, source=source)

    def _state_heat(self) -> Assembled:
        fipy = self.fipy
        conductivity, heat, loss = self._faces(), self._cells(), self._cells(1.0)
        equation = fipy.DiffusionTerm(coeff=conductivity) + heat == fipy.ImplicitSourceTerm(loss)
        return Assembled(equation, self._cells(), conductivity=conductivity, heat=heat, loss=loss)

    def _state_average(self, electrodes: bool = False) -> Assembled:
        fipy = self.fipy
        square, values, share = self._faces(), self._cells(), self._cells(1.0)
        equation = fipy.ImplicitSourceTerm(share) - fipy.DiffusionTerm(coeff=square) == values
        variable = self._between_electrodes() if electrodes else self._cells()
        return Assembled(equation, variable, square=square, values=values, share=share)

    def _state_balance(self) -> Assembled:
        fipy = self.fipy
        diffusivity, velocity = self._faces(), self._faces(0.0, rank=1)
        source, sink = self._cells(), self._cells(1.0)
        equation = fipy.TransientTerm() == (
            fipy.DiffusionTerm(coeff=diffusivity)
            - fipy.UpwindConvectionTerm(coeff=velocity)
            + source
            - fipy.ImplicitSourceTerm(sink)
        )
        return Assembled(equation, self._cells(), diffusivity=diffusivity, velocity=velocity, source=source, sink=sink)

    def potential(self, faces: Faces, source: Array | None = None) -> tuple[Array, Array]:
        """Return the potential for 1 V on the top and 0 V on the bottom electrode, and for a source between 0 V [V]."""
        conductivity = self._per_length(faces)
        factors = Factors(self.current.matrix(conductivity=conductivity))
        unit = self._solve(factors, self.current.right(conductivity=conductivity))
        if source is None:
            return unit, np.zeros_like(unit)
        return unit, self._solve(factors, self.current.right(source=self._density(source)))

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Return the temperature above ambient [K]; the electrodes, resistance included, are a loss of their cells."""
        if faces is not self._heat_faces:  # the electrothermal loop changes the heat only
            loss = np.zeros_like(heat)
            loss[0] += faces.z[0]
            loss[-1] += faces.z[-1]
            matrix = self.heat.matrix(conductivity=self._per_length(_inner(faces)), loss=self._density(loss))
            self._heat_faces, self._heat_factors = faces, Factors(matrix)
        return self._solve(self._heat_factors, self.heat.right(heat=self._density(heat)))

    def ion_potential(self, potential: Array, top: float) -> Array:
        """Return the ion potential, phibar - ell^2 lap(phibar) = phi [V], `top` at the top electrode."""
        if self.length == 0:
            return potential
        square = np.full(self.mesh.numberOfFaces, self.length**2)
        right = self.ions.right(values=potential.ravel()) + top * self.ions.right(square=square)
        return self._solve(self._averaging(self.ions, self.length), right)

    def smooth(self, values: Array, length: float) -> Array:
        """Return (1 - length^2 lap)^-1 of cell values, without flux at boundaries; the volume integral is conserved."""
        return self._solve(self._averaging(self.average, length), self.average.right(values=values.ravel()))

    def _averaging(self, equation: Assembled, length: float) -> Factors:
        """Return the factors of an average over a length, which never change."""
        key = length if equation is self.average else -length
        if key not in self._averages:
            square, ones = np.full(self.mesh.numberOfFaces, length**2), np.ones(self.mesh.numberOfCells)
            self._averages[key] = Factors(equation.matrix(square=square, share=ones))
        return self._averages[key]

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Return the density after an implicit Euler step [1]; a reservoir is a source and sink of adjacent cells."""
        coefficients = self.coefficients(equation)
        matrix = self.balance.matrix(step, **{name: coefficients[name] for name in ("diffusivity", "velocity", "sink")})
        right = self.balance.right(source=coefficients["source"] + before.ravel() / step)
        return self._solve(Factors(matrix), right)

    def coefficients(self, equation: Vacancies) -> dict[str, Array]:
        """Return the coefficients of the vacancy equation: a velocity is that along the normal of a face."""
        up, down, volume = equation.up.z, equation.down.z, self.grid.mesh.volume
        source, sink = equation.source.copy(), equation.sink.copy()
        source[-1] += down[-1] * equation.top / volume[-1]
        sink[-1] += up[-1] / volume[-1]
        source[0] += up[0] * equation.bottom / volume[0]
        sink[0] += down[0] / volume[0]
        # the smaller of both exponential weights: B(|P|)
        central = Faces(np.minimum(equation.up.z, equation.down.z), np.minimum(equation.up.r, equation.down.r))
        drift = Faces(equation.exchange.z * equation.number.z, equation.exchange.r * equation.number.r)
        return {
            "diffusivity": self._per_length(_inner(central)),
            "velocity": self._per_area(_inner(drift)),
            "source": source.ravel(),
            "sink": sink.ravel(),
        }

    def _density(self, amount: Array) -> Array:
        """Return an amount in every cell per volume, in FiPy's order."""
        return (amount / self.grid.mesh.volume).ravel()

    def _per_length(self, faces: Faces) -> Array:
        """Return face coefficients from conductances: c d / A, in FiPy's order of faces, 0 on axis and rim."""
        mesh = self.grid.mesh
        return _order(faces.z * mesh.distance_z / mesh.area_z, faces.r * mesh.distance_r / mesh.area_r)

    def _per_area(self, faces: Faces) -> Array:
        """Return flows over areas, in FiPy's order of faces."""
        return _order(faces.z / self.grid.mesh.area_z, faces.r / self.grid.mesh.area_r)

    def _solve(self, factors: Factors, right: Array) -> Array:
        return factors.solve(right).reshape(self.grid.mesh.shape)


def _inner(faces: Faces) -> Faces:
    """Return values on faces, 0 at the electrodes."""
    inner = faces.z.copy()
    inner[0] = inner[-1] = 0.0
    return Faces(inner, faces.r)


def _order(z: Array, r: Array) -> Array:
    """Return faces in FiPy's order: across z row by row, then across r, axis and rim included."""
    return np.concatenate([z.reshape(-1), np.pad(r, ((0, 0), (1, 1))).reshape(-1)])
