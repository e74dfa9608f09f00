"""FiPy against the banded solver, and FiPy's traps."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pytest

from physics import material_files
from physics.drive import ramp
from physics.iv import simulate_iv
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation
from physics.solvers.fipy_solver import FipySolver, import_fipy
from physics.solvers.mesh import build_mesh
from physics.stack import load_material


@pytest.fixture(scope="module")
def grid():
    stack = load_material("reversible").replace({"geometry.radius": 8.0})
    return Discretisation(stack, build_mesh(stack, "coarse"))


@pytest.fixture(scope="module")
def pair(grid):
    return BandedSolver(grid), FipySolver(grid)


def hot(grid, peak):
    """A temperature with its maximum on the axis [K]."""
    mesh = grid.mesh
    return 300 + peak * np.exp(-((mesh.r / 5) ** 2)) * np.sin(np.pi * mesh.z / 12)[:, None]


def equation(grid, solver, peak, volts=0.7):
    density, temperature = grid.initial_density(), hot(grid, peak)
    unit = solver.potential(grid.conductances(grid.conductivity(density, temperature)))[0]
    return grid.vacancies(density, volts * solver.ion_potential(unit, 1.0), volts, temperature)


def test_each_equation_agrees(grid, pair):
    banded, fipy = pair
    density, temperature = grid.initial_density(), hot(grid, 150.0)
    conductivity = grid.conductivity(density, temperature)
    start = grid.current(conductivity, density, temperature, np.zeros(grid.mesh.shape), 0.0)
    first = 0.3 * banded.potential(start.faces)[0]
    current = grid.current(conductivity, density, temperature, first, 0.3)
    assert current.bend.z.max() > 0.1 * current.faces.z[current.bend.z == current.bend.z.max()][0]  # not nearly ohmic
    (unit, shift), (other, moved) = (s.potential(current.faces, grid.remainder(current)) for s in (banded, fipy))
    np.testing.assert_allclose(other, unit, atol=1e-12)
    np.testing.assert_allclose(moved, shift, atol=1e-12)
    assert np.max(np.abs(shift)) > 1e-3
    np.testing.assert_allclose(fipy.ion_potential(unit, 1.0), banded.ion_potential(unit, 1.0), atol=1e-12)
    heat, thermal = grid.joule_heat(current, 0.3 * unit + shift, 0.3), grid.thermal_conductances(density)
    np.testing.assert_allclose(fipy.temperature_rise(thermal, heat), banded.temperature_rise(thermal, heat), rtol=1e-10)


def test_peclet_weights_follow_a_changing_diffusivity(grid, pair):
    """FiPy's own exponential weights would stay those of the first D (usnistgov/fipy #1223)."""
    banded, fipy = pair
    before = grid.initial_density()
    for peak in (0.0, 100.0, 200.0):  # D grows by orders of magnitude
        now = equation(grid, banded, peak)
        np.testing.assert_allclose(fipy.vacancies(now, before, 1e-3), banded.vacancies(now, before, 1e-3), rtol=1e-9)


def test_an_almost_steady_state_is_solved(grid, pair):
    """At its default tolerance FiPy's LU solver would take a start within 1e-5 for the solution."""
    banded, fipy = pair
    now = equation(grid, banded, 200.0)
    before = grid.initial_density()
    for _ in range(60):
        before = banded.vacancies(now, before, 1e-2)
    step = 1e-7
    change = banded.vacancies(now, before, step) - before
    assert 0 < np.max(np.abs(change)) < 1e-5
    np.testing.assert_allclose(fipy.vacancies(now, before, step) - before, change, atol=1e-4 * np.max(np.abs(change)))


def test_tiny_coefficients_are_not_clamped_to_zero(grid, pair):
    """FiPy's harmonic mean takes values below 1e-20 for zero; a cold oxide has such a diffusivity."""
    banded, fipy = pair
    density = grid.initial_density()
    before = density * (1 + 0.5 * np.cos(np.pi * grid.mesh.r / 8))
    stack = grid.stack.replace(
        {"reaction.generation": False, "transport.barrier_hfo2": 2.2, "transport.barrier_al2o3": 2.2}
    )
    cold = Discretisation(stack, grid.mesh)
    now = cold.vacancies(density, np.zeros(grid.mesh.shape), 0.0, np.full(grid.mesh.shape, 300.0))
    assert 0 < now.exchange.r.max() < 1e-20
    change = banded.vacancies(now, before, 1e25) - before
    assert np.max(np.abs(change)) > 0.1
    np.testing.assert_allclose(fipy.vacancies(now, before, 1e25) - before, change, atol=1e-9)


def test_a_uniform_rod_stays_uniform_across(grid, pair):
    """FiPy's gradient on a cylindrical mesh is wrong, and would drive vacancies sideways."""
    fipy = pair[1]
    ones = np.ones(grid.mesh.shape)
    unit = fipy.potential(grid.conductances(ones))[0]
    np.testing.assert_allclose(unit, np.broadcast_to(grid.mesh.z[:, None] / 12, grid.mesh.shape), atol=1e-12)
    stack = grid.stack.replace(
        {
            "transport.site_limit": 0.0,
            "reaction.generation": False,
            "transport.reservoir_density": 0.0,
            "transport.barrier_hfo2": 1.35,
            "transport.barrier_al2o3": 0.95,
        }
    )
    rod = Discretisation(stack, grid.mesh)
    now = rod.vacancies(ones, unit, 1.0, 500.0 * ones)
    assert np.max(np.abs(now.number.r)) < 1e-10
    after = fipy.vacancies(now, ones, 1e-3)
    np.testing.assert_allclose(after, np.broadcast_to(after[:, :1], after.shape), rtol=1e-9)
    assert np.ptp(after[:, 0]) > 0.1


def rough(rng, shape):
    """Positive numbers over six decades."""
    return 10.0 ** rng.uniform(-3, 3, shape)


def test_a_matrix_filled_in_place_is_the_one_that_fipy_assembles(grid, pair):
    """FiPy assembles each equation once; for any coefficients a fresh assembly gives the same system."""
    banded, fipy = pair
    rng = np.random.default_rng(0)
    now = equation(grid, banded, 150.0)
    found = fipy.coefficients(now)
    before, step = rough(rng, grid.mesh.cells), 1e-3
    balance = fipy.balance
    names = {name: value for name, value in found.items() if name != "source"}
    matrix = balance.matrix(step, **names).toarray()
    right = balance.right(source=found["source"] + before / step)
    normal = np.array(fipy.mesh.faceNormals)
    for name, value in found.items():
        balance.coefficients[name].setValue(value * np.abs(normal) if name == "velocity" else value)
    balance.variable.setValue(before)
    fresh, fresh_right = balance.assemble(step)
    assert np.max(np.abs(fresh.toarray() - matrix)) <= 1e-12 * np.max(np.abs(matrix))
    np.testing.assert_allclose(right, fresh_right, rtol=1e-12)
    assert (found["velocity"] > 0).any()
    assert (found["velocity"] < 0).any()


def test_the_other_systems_filled_in_place_are_those_that_fipy_assembles(grid, pair):
    fipy = pair[1]
    rng = np.random.default_rng(1)
    for stated in (fipy.current, fipy.heat, fipy.ions, fipy.average):
        values = {name: rough(rng, each.value.shape) for name, each in stated.coefficients.items()}
        matrix, right = stated.matrix(**values).toarray(), stated.right(**values)
        for name, value in values.items():
            stated.coefficients[name].setValue(value)
        fresh, fresh_right = stated.assemble()
        rim = np.abs(fresh.toarray() - matrix)
        assert np.max(rim / np.max(np.abs(matrix), axis=1)[:, None]) <= 1e-12
        np.testing.assert_allclose(right, fresh_right, rtol=1e-12)


def test_averages_agree(grid, pair):
    banded, fipy = pair
    values = np.random.default_rng(2).uniform(size=grid.mesh.shape)
    for length in (0.3, 1.3):
        found = fipy.smooth(values, length)
        np.testing.assert_allclose(found, banded.smooth(values, length), atol=1e-12)
        assert np.sum(grid.mesh.volume * found) == pytest.approx(np.sum(grid.mesh.volume * values), rel=1e-12)


@pytest.mark.parametrize("material", sorted(material_files()))
def test_fipy_and_banded_agree_on_the_start_of_a_set(material):
    stack = load_material(material)
    drive = (ramp(0.1, 0.12, 5.0, 1e-3, "set"),)
    one = simulate_iv(stack, mesh="coarse", segments=drive)
    two = simulate_iv(stack, mesh="coarse", segments=drive, solver="fipy")
    a, b = one.sweep.frame["current_a"].to_numpy(), two.sweep.frame["current_a"].to_numpy()
    np.testing.assert_allclose(b[1:], a[1:], rtol=1e-8)
    assert two.solver == "fipy"
    assert two.quality.mass_error <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("material", sorted(material_files()))
def test_fipy_and_banded_agree_on_a_loop_and_cost_alike(material):
    stack = load_material(material)
    for name in ("banded", "fipy"):
        simulate_iv(stack, mesh="coarse", solver=name, segments=(ramp(0.0, 0.01, 1.0, 1e-3, "set"),))  # compiles
    found, cost = {}, {}
    for name in ("banded", "fipy"):
        begin = time.process_time()
        found[name] = simulate_iv(stack, solver=name, cycles=0)
        cost[name] = time.process_time() - begin
    one, two = found["banded"], found["fipy"]
    a, b = one.sweep.frame["current_a"].to_numpy(), two.sweep.frame["current_a"].to_numpy()
    np.testing.assert_allclose(b[1:], a[1:], rtol=1e-8, atol=1e-18)  # the last point is at 0 V
    assert two.v_set_v == pytest.approx(one.v_set_v, abs=1e-6)
    for result in (one, two):
        assert result.quality.mass_error <= 1e-9
        assert result.quality.power_error <= 1e-6
        assert result.quality.n_min >= 0
    assert cost["fipy"] <= 10 * cost["banded"]


def test_importing_fipy_leaves_command_line_and_environment_alone():
    arguments, wanted = list(sys.argv), os.environ.get("FIPY_SOLVERS")
    fipy = import_fipy()
    assert sys.argv == arguments
    assert os.environ.get("FIPY_SOLVERS") == wanted
    assert "scipy" in fipy.solvers.solver_suite


@pytest.mark.slow
def test_fipy_is_not_imported_for_the_banded_solver():
    import subprocess

    code = "import sys, physics.iv, physics.figures; assert 'fipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
