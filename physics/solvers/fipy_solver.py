"""The FiPy solver: the four equations of a step, stated declaratively; the reference for the banded solver.

In FiPy's terms, with u the density, P the potential and T the rise of temperature; t (1 + p) is the differential
conductance and the source what linearising the current leaves out (Newton's step; 0 for an ohmic law)::

    DiffusionTerm(t (1 + p)) + source == 0                                          (P)
    DiffusionTerm(k) + heat == ImplicitSourceTerm(h)                                (T)
    ImplicitSourceTerm(1) - DiffusionTerm(ell^2) == P                               (ion potential)
    TransientTerm() == DiffusionTerm(D) - ExponentialConvectionTerm(v)
                       + source - ImplicitSourceTerm(sink)                          (u)

Work-arounds for FiPy (4.0.3), each covered by a test: exponential weights are frozen at the first D, so the
vacancy equation is rebuilt for every step (usnistgov/fipy #1223); the LU solver's default tolerance leaves
an almost steady system unsolved; its harmonic mean takes values below 1e-20 for zero and its cylindrical
gradient is wrong (usnistgov/fipy #547), so means and differences on faces are ours, in nm.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

import numpy as np

from physics.constants import Array
from physics.solvers.discretisation import Discretisation, Faces, Vacancies

# one solve and one refinement: the residual of a direct solve does not fall further
_TOLERANCE, _ITERATIONS = 1e-14, 3


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


class FipySolver:
    """Solver with FiPy; coefficients from the shared discretisation, lengths in nm."""

    name = "fipy"

    def __init__(self, grid: Discretisation) -> None:
        self.fipy = fipy = import_fipy()
        self.grid = grid
        self.mesh = fipy.CylindricalGrid2D(dx=np.diff(grid.mesh.r_faces), dy=np.diff(grid.mesh.z_faces))
        self.linear = fipy.LinearLUSolver(tolerance=_TOLERANCE, iterations=_ITERATIONS)
        self._state_potential()
        self._state_temperature()
        self._state_ions()
        self._density = self._cells()
        self._diffusivity, self._velocity = self._faces(), self._faces(rank=1)
        self._source, self._sink = self._cells(), self._cells()

    def _cells(self) -> Any:
        return self.fipy.CellVariable(mesh=self.mesh, value=0.0)

    def _faces(self, rank: int = 0) -> Any:
        return self.fipy.FaceVariable(mesh=self.mesh, value=0.0, rank=rank)

    def _state_potential(self) -> None:
        self._conductivity, self._source_current = self._faces(), self._cells()
        self._unit, self._shift = self._cells(), self._cells()
        for variable, top in ((self._unit, 1.0), (self._shift, 0.0)):
            variable.constrain(0.0, where=self.mesh.facesBottom)
            variable.constrain(top, where=self.mesh.facesTop)
        term = self.fipy.DiffusionTerm(coeff=self._conductivity)
        self._unit_equation = term == 0
        self._shift_equation = term + self._source_current == 0

    def _state_temperature(self) -> None:
        fipy = self.fipy
        self._heat_conductivity, self._rise = self._faces(), self._cells()
        self._heat, self._loss = self._cells(), self._cells()
        self._temperature_equation = (
            fipy.DiffusionTerm(coeff=self._heat_conductivity) + self._heat - fipy.ImplicitSourceTerm(self._loss) == 0
        )

    def _state_ions(self) -> None:
        fipy = self.fipy
        self._ions, self._potential, self._top = self._cells(), self._cells(), fipy.Variable(0.0)
        self._ions.constrain(0.0, where=self.mesh.facesBottom)
        self._ions.constrain(self._top, where=self.mesh.facesTop)
        length = self.grid.stack.transport.ion_potential_length
        self._ion_equation = fipy.ImplicitSourceTerm(1.0) - fipy.DiffusionTerm(coeff=length**2) == self._potential

    def potential(self, faces: Faces, source: Array | None = None) -> tuple[Array, Array]:
        """Return the potential for 1 V on the top and 0 V on the bottom electrode, and for a source between 0 V [V]."""
        self._conductivity.setValue(self._per_length(faces))
        unit = self._solve(self._unit_equation, self._unit)
        if source is None:
            return unit, np.zeros_like(unit)
        self._source_current.setValue((source / self.grid.mesh.volume).reshape(-1))
        return unit, self._solve(self._shift_equation, self._shift)

    def temperature_rise(self, faces: Faces, heat: Array) -> Array:
        """Return the temperature above ambient [K]; the electrodes, resistance included, are a loss of their cells."""
        volume = self.grid.mesh.volume
        loss = np.zeros_like(volume)
        loss[0] += faces.z[0] / volume[0]
        loss[-1] += faces.z[-1] / volume[-1]
        inner = faces.z.copy()
        inner[0] = inner[-1] = 0.0
        self._heat_conductivity.setValue(self._per_length(Faces(inner, faces.r)))
        self._loss.setValue(loss.reshape(-1))
        self._heat.setValue((heat / volume).reshape(-1))
        return self._solve(self._temperature_equation, self._rise)

    def ion_potential(self, potential: Array, top: float) -> Array:
        """Return the ion potential, phibar - ell^2 lap(phibar) = phi [V], `top` at the top electrode."""
        if self.grid.stack.transport.ion_potential_length == 0:
            return potential
        self._potential.setValue(potential.reshape(-1))
        self._top.setValue(top)
        return self._solve(self._ion_equation, self._ions)

    def vacancies(self, equation: Vacancies, before: Array, step: float) -> Array:
        """Return the density after an implicit Euler step [1]; a reservoir is a source and sink of adjacent cells."""
        fipy, mesh = self.fipy, self.grid.mesh
        exchange, number = equation.exchange, equation.number
        up, down = equation.up.z, equation.down.z
        source, sink = equation.source.copy(), equation.sink.copy()
        source[-1] += down[-1] * equation.top / mesh.volume[-1]
        sink[-1] += up[-1] / mesh.volume[-1]
        source[0] += up[0] * equation.bottom / mesh.volume[0]
        sink[0] += down[0] / mesh.volume[0]
        inner = exchange.z.copy()
        inner[0] = inner[-1] = 0.0
        self._diffusivity.setValue(self._per_length(Faces(inner, exchange.r)))
        self._velocity.setValue(self._velocities(Faces(inner, exchange.r), number))
        self._source.setValue(source.reshape(-1))
        self._sink.setValue(sink.reshape(-1))
        self._density.setValue(before.reshape(-1))
        # rebuilt for every step: a reused equation would keep the weights of the first D
        balance = fipy.TransientTerm() == (
            fipy.DiffusionTerm(coeff=self._diffusivity)
            - fipy.ExponentialConvectionTerm(coeff=self._velocity)
            + self._source
            - fipy.ImplicitSourceTerm(self._sink)
        )
        return self._solve(balance, self._density, step)

    def _per_length(self, faces: Faces) -> Array:
        """Return face coefficients from conductances: c d / A, in FiPy's order of faces, 0 on axis and rim."""
        mesh = self.grid.mesh
        return self._order(faces.z * mesh.distance_z / mesh.area_z, faces.r * mesh.distance_r / mesh.area_r)

    def _velocities(self, exchange: Faces, number: Faces) -> Array:
        """Return drift velocities v = P D / d on faces, shape (2, faces): along r, then along z."""
        mesh = self.grid.mesh
        along_z = self._order(exchange.z * number.z / mesh.area_z, np.zeros_like(exchange.r))
        along_r = self._order(np.zeros_like(exchange.z), exchange.r * number.r / mesh.area_r)
        return np.array([along_r, along_z])

    def _order(self, z: Array, r: Array) -> Array:
        """Return faces in FiPy's order: across z row by row, then across r, axis and rim included."""
        return np.concatenate([z.reshape(-1), np.pad(r, ((0, 0), (1, 1))).reshape(-1)])

    def _solve(self, equation: Any, variable: Any, step: float | None = None) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 on the faces of the axis, which have no area
            equation.solve(var=variable, dt=step, solver=self.linear)
        return np.array(variable.value).reshape(self.grid.mesh.shape)
