"""Errors against exact solutions on three meshes or steps, and the orders of convergence, for both solvers.

    python benchmarks/physics_orders.py [--evidence]

The same problems that tests/unit/physics/test_banded_solver.py asserts: a Joule-heated rod, a manufactured
axisymmetric solution of the elliptic operator, backward Euler on one diffusion mode, and the exponential in which
drift against diffusion ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from physics.laws import transport
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation, Faces, Vacancies
from physics.solvers.fipy_solver import FipySolver
from physics.solvers.mesh import Mesh, uniform
from physics.stack import load_stack

LENGTH, RADIUS = 12.0, 20.0  # nm
Solver = Callable[[Discretisation], Any]


def discretise(heights: int, radii: int = 4) -> Discretisation:
    mesh = uniform(LENGTH, RADIUS, heights, radii)
    return Discretisation(
        load_stack(), Mesh(mesh.r_faces, mesh.z_faces, (np.arange(heights) >= round(heights * 7 / 12)) * 1)
    )


def rod(make: Solver, heights: int) -> float:
    """Largest error of the temperature of a Joule-heated rod, over its peak: a parabola."""
    sigma, k = 3.0, 0.5
    grid = discretise(heights)
    ones = np.ones(grid.mesh.shape)
    current = grid.current(sigma * ones, ones, 300.0 * ones, np.zeros(grid.mesh.shape), 0.0)
    solver = make(grid)
    heat = grid.joule_heat(current, solver.potential(current.faces)[0], 1.0)
    rise = solver.temperature_rise(grid.conductances(np.full(grid.mesh.shape, k)), heat)
    s = grid.mesh.z[:, None] / LENGTH
    exact = sigma / (2 * k) * s * (1 - s)
    return float(np.max(np.abs(rise - exact)) / exact.max())


def manufactured(make: Solver, n: int) -> float:
    """Volume-weighted L2 error of sin(pi z / L) (1 - (r/R)^2)^2."""
    grid = discretise(n, n)
    r, z = grid.mesh.r / RADIUS, grid.mesh.z[:, None]
    wave = np.sin(np.pi * z / LENGTH)
    exact = wave * (1 - r**2) ** 2
    source = wave * ((np.pi / LENGTH) ** 2 * (1 - r**2) ** 2 + (8 - 16 * r**2) / RADIUS**2)
    found = make(grid).temperature_rise(grid.conductances(np.ones(grid.mesh.shape)), grid.mesh.volume * source)
    weight = grid.mesh.volume / grid.mesh.volume.sum()
    return float(np.sqrt(np.sum(weight * (found - exact) ** 2)))


def closed_box(grid: Discretisation, number: float) -> Vacancies:
    """D = 1 nm^2/s and a constant Peclet number along z; no flux through the electrodes."""
    exchange = grid.conductances(np.ones(grid.mesh.shape))
    exchange.z[0] = exchange.z[-1] = 0.0
    numbers = Faces(np.full_like(exchange.z, number), np.zeros_like(exchange.r))
    forth, back = transport.weights(number)
    up, down = Faces(exchange.z * forth, exchange.r), Faces(exchange.z * back, exchange.r)
    zero, none = np.zeros(grid.mesh.shape), np.zeros(grid.mesh.shape[1])
    return Vacancies(exchange, numbers, up, down, zero, zero, none, none)


def euler(make: Solver, steps: int) -> float:
    """Largest error of one decaying cosine after 10 s, the error of the mesh taken out."""
    grid = discretise(16)
    h = LENGTH / 16
    wave = np.cos(np.pi * grid.mesh.z / LENGTH)[:, None] * np.ones(grid.mesh.shape[1])
    decay = (2 / h * np.sin(np.pi * h / (2 * LENGTH))) ** 2
    solver, density = make(grid), 1 + 0.5 * wave
    for _ in range(steps):
        density = solver.vacancies(closed_box(grid, 0.0), density, 10.0 / steps)
    return float(np.max(np.abs(density - 1 - 0.5 * np.exp(-10.0 * decay) * wave)))


def equilibrium(make: Solver) -> float:
    """Largest relative error of n ~ exp(v z / D), Peclet number 1 a cell."""
    grid = discretise(12)
    solver, density = make(grid), np.ones(grid.mesh.shape)
    for _ in range(6):
        density = solver.vacancies(closed_box(grid, 1.0), density, 1e5)
    exact = np.exp(grid.mesh.z)[:, None] * np.ones(grid.mesh.shape[1])
    return float(np.max(np.abs(density / density.sum() / (exact / exact.sum()) - 1)))


def main() -> None:
    for name, make in (("banded", BandedSolver), ("fipy", FipySolver)):
        print(f"\n{name} solver:\n| problem | sizes | error | order |\n|---|---|---|---|")
        for what, problem, sizes in (
            ("Joule-heated rod, cells along z", rod, (12, 24, 48)),
            ("manufactured solution, cells a side", manufactured, (8, 16, 32)),
            ("backward Euler, steps", euler, (8, 16, 32)),
        ):
            errors = np.array([problem(make, size) for size in sizes])
            orders = ", ".join(f"{order:.2f}" for order in np.log2(errors[:-1] / errors[1:]))
            shown = ", ".join(f"{error:.2e}" for error in errors)
            print(f"| {what} | {', '.join(map(str, sizes))} | {shown} | {orders} |")
        print(
            "| drift against diffusion, exponential equilibrium (relative) | 12 cells "
            f"| {equilibrium(make):.1e} | exact |"
        )


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "physics_orders"))
