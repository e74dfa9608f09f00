"""Compiled passes over the mesh, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from physics.solvers import kernels

from .hopping_rods import rod


# Kernels
def two_cells():
    """Halves of 0.3 and 0.7 nm, one column; conductivities, enhancements and slopes that differ everywhere."""
    half_z, half_r = np.array([0.3, 0.7]), np.array([2.0])
    area_z, area_r = np.array([5.0]), np.empty((2, 0))
    conductivity = np.array([[2.0], [3.0]])
    factor = 1.0 + np.arange(8.0).reshape(4, 2, 1)
    slope = 0.1 * np.arange(8.0).reshape(4, 2, 1)
    return conductivity, factor, slope, half_z, half_r, area_z, area_r


def test_a_face_weighs_its_slopes_by_the_resistances_of_its_halves():
    """t = A / (rho_1 + rho_2) and t p, with p the mean of both slopes weighted by rho."""
    z, bent, _, _ = kernels.face_conductances(*two_cells())
    below, above = 0.3 / (2.0 * 3.0), 0.7 / (3.0 * 2.0)  # factor[1, 0] = 3, factor[0, 1] = 2
    wanted = [5.0 / (0.3 / (2.0 * 1.0)), 5.0 / (below + above), 5.0 / (0.7 / (3.0 * 4.0))]
    slopes = [0.0, (0.2 * below + 0.1 * above) / (below + above), 0.3]
    np.testing.assert_allclose(z[:, 0], wanted, rtol=1e-14)
    np.testing.assert_allclose(bent[:, 0], np.multiply(wanted, slopes), rtol=1e-14)


def test_the_heat_of_a_face_is_shared_by_resistance():
    """Drops 0.2, 0.5 and 0.3 V; without bends the power t d^2 of the inner face goes 3 : 7 over 6 : 6 to its halves."""
    conductivity, factor, _, *mesh = two_cells()
    z, zero, r, none = kernels.face_conductances(conductivity, factor, np.zeros((4, 2, 1)), *mesh)
    old = np.zeros((2, 1))
    potential = np.array([[0.2], [0.7]])
    power = kernels.joule_heat(z, zero, r, none, potential, 1.0, old, 0.0, conductivity, factor, *mesh[:2])
    inner = z[1, 0] * 0.25
    assert power[0, 0] == pytest.approx(z[0, 0] * 0.04 + 0.3 * inner, rel=1e-12)
    assert power[1, 0] == pytest.approx(z[2, 0] * 0.09 + 0.7 * inner, rel=1e-12)


def test_the_bend_of_a_face_is_the_derivative_of_its_current():
    """t (1 + p) against differences of t d, in a field that is different on every face, across z and across r."""
    grid = rod(heights=6, radii=5).grid
    shape, rng = grid.mesh.shape, np.random.default_rng(11)
    density, hot = rng.uniform(0.0, 0.9, shape), rng.uniform(280.0, 500.0, shape)
    material, potential = grid.conductivity(density, hot), rng.uniform(0.0, 1.5, shape)

    def flow(values):
        about = grid.current(material, density, hot, values, 1.7)
        return (about.faces.z - about.bend.z)[3, 2] * (values[3, 2] - values[2, 2]), (about.faces.r - about.bend.r)[
            1, 3
        ] * (values[1, 4] - values[1, 3])

    about, h = grid.current(material, density, hot, potential, 1.7), 1e-6
    for face, (row, column), bends in ((0, (3, 2), about.faces.z[3, 2]), (1, (1, 4), about.faces.r[1, 3])):
        more, less = potential.copy(), potential.copy()
        more[row, column] += h
        less[row, column] -= h
        assert bends == pytest.approx((flow(more)[face] - flow(less)[face]) / (2 * h), rel=1e-7)


def test_fields_of_half_cells_by_hand():
    """A row of unequal cells: each face has one field, the same in the halves on its both sides; the axis has none."""
    potential = np.array([[0.1, 0.4], [0.8, 0.2]])
    found = kernels.half_cell_fields(potential, 1.0, np.array([0.5, 1.0]), np.array([1.0, 2.0]))
    below, inner, above = np.array([0.1, 0.4]) / 0.5, np.array([0.7, 0.2]) / 1.5, np.array([0.2, 0.8]) / 1.0
    np.testing.assert_allclose(found[0], [below, inner], rtol=1e-14)
    np.testing.assert_allclose(found[1], [inner, above], rtol=1e-14)
    np.testing.assert_allclose(found[2], [[0.0, 0.1], [0.0, 0.2]], rtol=1e-14)
    np.testing.assert_allclose(found[3], [[0.1, 0.0], [0.2, 0.0]], rtol=1e-14)
