"""Both solvers against solutions that are known, and their orders of convergence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from physics.laws import transport
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation, Faces, Vacancies, inflow
from physics.solvers.fipy_solver import FipySolver
from physics.solvers.mesh import Mesh, uniform
from physics.stack import load_material

LENGTH, RADIUS = 12.0, 20.0


SOLVERS = [BandedSolver, FipySolver]


def discretise(heights, radii=4, **changes):
    stack = load_material("reversible").replace({key.replace("__", "."): value for key, value in changes.items()})
    mesh = uniform(LENGTH, RADIUS, heights, radii)
    return Discretisation(stack, Mesh(mesh.r_faces, mesh.z_faces, (np.arange(heights) >= round(heights * 7 / 12)) * 1))


def conductance(solver, faces):
    return float(np.sum(faces.z[0] * solver.potential(faces)[0][0]))


@pytest.mark.parametrize("make", SOLVERS)
def test_cylinder_resistance(make):
    grid = discretise(12)
    faces = grid.conductances(np.full(grid.mesh.shape, 3.0))
    assert conductance(make(grid), faces) == pytest.approx(3.0 * np.pi * RADIUS**2 / LENGTH, rel=1e-12)


@pytest.mark.parametrize("make", SOLVERS)
def test_layers_in_series(make):
    grid = discretise(12)
    material = np.where(grid.mesh.z[:, None] < 7, 2.0, 1e-3) * np.ones(grid.mesh.shape)
    exact = np.pi * RADIUS**2 / (7 / 2.0 + 5 / 1e-3)
    assert conductance(make(grid), grid.conductances(material)) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("make", SOLVERS)
def test_joule_power_is_current_times_voltage(make):
    grid = discretise(24, 10)
    density, temperature = grid.initial_density(), np.full(grid.mesh.shape, 300.0)
    material = grid.conductivity(density, temperature)
    current = grid.current(material, density, temperature, np.zeros(grid.mesh.shape), 0.0)
    faces = current.faces
    unit = make(grid).potential(faces)[0]
    bottom, top = np.sum(faces.z[0] * unit[0]), np.sum(faces.z[-1] * (1 - unit[-1]))
    assert top == pytest.approx(bottom, rel=1e-11)
    assert grid.joule_heat(current, unit, 1.0).sum() == pytest.approx(bottom, rel=1e-11)


@pytest.mark.parametrize("make", SOLVERS)
def test_joule_heated_rod_is_a_parabola_to_second_order(make):
    sigma, k = 3.0, 0.5
    errors = []
    for heights in (12, 24, 48):
        grid = discretise(heights)
        ones = np.ones(grid.mesh.shape)
        current = grid.current(sigma * ones, ones, 300.0 * ones, np.zeros(grid.mesh.shape), 0.0)
        solver = make(grid)
        heat = grid.joule_heat(current, solver.potential(current.faces)[0], 1.0)
        rise = solver.temperature_rise(grid.conductances(np.full(grid.mesh.shape, k)), heat)
        s = grid.mesh.z[:, None] / LENGTH
        errors.append(np.max(np.abs(rise - sigma / (2 * k) * s * (1 - s))))
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.05)


def test_electrode_resistance_lifts_the_rod_by_its_heat_flow():
    grid = discretise(24)
    ones = np.ones(grid.mesh.shape)
    heat = grid.mesh.volume
    solver = BandedSolver(grid)
    lifted = solver.temperature_rise(grid.conductances(ones, electrodes=(5.0, 5.0)), heat)
    flow = LENGTH / 2  # a unit source over half the length, per area
    np.testing.assert_allclose(lifted - solver.temperature_rise(grid.conductances(ones), heat), 5.0 * flow, rtol=1e-10)


@pytest.mark.parametrize("make", SOLVERS)
def test_manufactured_solution_of_second_order(make):
    errors = []
    for n in (8, 16, 32):
        grid = discretise(n, n)
        r, z = grid.mesh.r / RADIUS, grid.mesh.z[:, None]
        wave = np.sin(np.pi * z / LENGTH)
        exact = wave * (1 - r**2) ** 2
        # -lap of it: (1/r) d/dr r d/dr (1 - r^2)^2 = -8 + 16 r^2 over R^2
        source = wave * ((np.pi / LENGTH) ** 2 * (1 - r**2) ** 2 + (8 - 16 * r**2) / RADIUS**2)
        solution = make(grid).temperature_rise(grid.conductances(np.ones(grid.mesh.shape)), grid.mesh.volume * source)
        weight = grid.mesh.volume / grid.mesh.volume.sum()
        errors.append(np.sqrt(np.sum(weight * (solution - exact) ** 2)))
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.06)


def closed_box(grid, diffusivity, number):
    """Constant D [nm^2/s] and Peclet number along z; no flux through the electrodes."""
    exchange = grid.conductances(np.full(grid.mesh.shape, diffusivity))
    exchange.z[0] = exchange.z[-1] = 0.0
    numbers = Faces(np.full_like(exchange.z, number), np.zeros_like(exchange.r))
    forth, back = transport.weights(number)
    up, down = Faces(exchange.z * forth, exchange.r), Faces(exchange.z * back, exchange.r)
    zero, none = np.zeros(grid.mesh.shape), np.zeros(grid.mesh.shape[1])
    return Vacancies(exchange, numbers, up, down, zero, zero, none, none)


@pytest.mark.parametrize("make", SOLVERS)
@pytest.mark.parametrize("number", [0.01, 1.0, -2.5])
def test_drift_against_diffusion_ends_in_an_exponential(make, number):
    grid = discretise(12)
    density = np.ones(grid.mesh.shape)
    equation = closed_box(grid, 1.0, number)
    solver = make(grid)
    for _ in range(6):
        density = solver.vacancies(equation, density, 1e5)
    exact = np.exp(number * grid.mesh.z)[:, None] * np.ones(grid.mesh.shape[1])  # cells of 1 nm: v/D = P
    np.testing.assert_allclose(density / density.sum(), exact / exact.sum(), rtol=1e-9)
    assert np.sum(grid.mesh.volume * density) == pytest.approx(grid.mesh.volume.sum(), rel=1e-9)


@pytest.mark.parametrize("make", SOLVERS)
def test_backward_euler_damps_a_mode_by_one_over_one_plus_rate_times_step(make):
    """Of first order, with exactly that error: (1 + k t/n)^-n for exp(-k t)."""
    grid = discretise(16)
    equation = closed_box(grid, 1.0, 0.0)
    h = LENGTH / 16
    wave = np.cos(np.pi * grid.mesh.z / LENGTH)[:, None] * np.ones(grid.mesh.shape[1])
    rate = (2 / h * np.sin(np.pi * h / (2 * LENGTH))) ** 2  # of the discrete mode: only the error of time is left
    solver = make(grid)
    for steps in (1, 4, 8):
        density = 1 + 0.5 * wave
        for _ in range(steps):
            density = solver.vacancies(equation, density, 10.0 / steps)
        exact = 1 + 0.5 * wave * (1 + 10.0 * rate / steps) ** -steps
        np.testing.assert_allclose(density, exact, rtol=1e-9)


def test_any_step_keeps_densities_positive_and_the_balance():
    grid = discretise(24, 10)
    rng = np.random.default_rng(1)
    before = rng.random(grid.mesh.shape) * (rng.random(grid.mesh.shape) > 0.5)
    ions = 5.0 * rng.random(grid.mesh.shape)
    solver = BandedSolver(grid)
    for step in (1e-12, 1e-3, 1e6):
        equation = grid.vacancies(before, ions, 5.0, np.full(grid.mesh.shape, 450.0))
        after = solver.vacancies(equation, before, step)
        assert after.min() >= 0
        gained = np.sum(grid.mesh.volume * (after - before))
        turnover = equation.source + equation.sink * after
        scale = np.sum(grid.mesh.volume * (1 + step * turnover))
        assert abs(gained - step * inflow(equation, after, grid.mesh.volume)) <= 1e-12 * scale


def test_ion_potential_averages_over_its_length():
    """phibar - ell^2 phibar'' = phi has the mode cos(k z) damped by 1 / (1 + (k ell)^2)."""
    grid = discretise(480, 2, transport__ion_potential_length=1.3)
    k = 2 * np.pi / 3
    wave = np.sin(k * grid.mesh.z)[:, None] * np.ones(2)
    line = grid.mesh.z[:, None] / LENGTH * np.ones(2)
    mean = BandedSolver(grid).ion_potential(line + 0.1 * wave, 1.0)
    np.testing.assert_allclose(mean - line, 0.1 * wave / (1 + (1.3 * k) ** 2), atol=2e-5)


def test_no_generation_means_the_bare_equation():
    grid = discretise(24, 10, reaction__generation=False)
    ones = np.ones(grid.mesh.shape)
    source, sink = grid.reaction_rates(ones, 1.0, 400 * ones)
    assert not source.any()
    assert not sink.any()


def test_results_are_frozen():
    grid = discretise(12)
    faces = grid.conductances(np.ones(grid.mesh.shape))
    with pytest.raises(dataclasses.FrozenInstanceError):
        faces.z = faces.r
