"""Potential and temperature against quadratic finite elements (scikit-fem), which share no code with us."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physics.iv import make_stepper
from physics.solvers.mesh import build_mesh
from physics.stack import load_material

K = 8.617333262e-5


def finite_elements(stack, mesh, volts):
    """Current [A] and peak temperature rise [K] of the initial state, by Q2 elements on our mesh lines."""
    skfem = pytest.importorskip("skfem")
    from skfem.helpers import dot, grad

    quads = skfem.MeshQuad.init_tensor(mesh.r_faces, mesh.z_faces)
    basis = skfem.Basis(quads, skfem.ElementQuad2(), intorder=5)
    c, heat, f = stack.conduction, stack.heat, stack.filament

    def density(r, z):
        core = f.background_density + (1 - f.background_density) * 0.5 * (1 - np.tanh((r - f.radius) / f.edge_width))
        box = 0.5 * (np.tanh((z - 7) / f.gap_edge_width) - np.tanh((z - 7 - f.gap_length) / f.gap_edge_width))
        return core + (np.minimum(f.gap_density, core) - core) * box

    r, z = basis.global_coordinates()
    u = np.minimum(density(r, z), 1)
    k = np.where(z > 7, heat.al2o3, heat.hfo2)
    k = k + (heat.filament - k) * u
    energy = c.activation_insulating + (c.activation_filament - c.activation_insulating) * u

    @skfem.BilinearForm
    def stiffness(v, w, p):
        return p.x[0] * p.k * dot(grad(v), grad(w))

    @skfem.LinearForm
    def joule(w, p):
        return p.x[0] * p.q * w

    @skfem.Functional
    def power(p):
        return 2 * math.pi * p.x[0] * p.q

    bottom = basis.get_dofs(lambda x: np.isclose(x[1], 0.0))
    top = basis.get_dofs(lambda x: np.isclose(x[1], 12.0))
    ends = np.concatenate([bottom.all(), top.all()])
    temperature, rise = np.full_like(u, 300.0), np.zeros(basis.N)
    for _ in range(60):
        sigma = (c.insulating + (c.filament - c.insulating) * u) * np.exp(-energy / (K * temperature))
        x = basis.zeros()
        x[top.all()] = volts
        x = skfem.solve(*skfem.condense(stiffness.assemble(basis, k=sigma), x=x, D=ends))
        gradient = basis.interpolate(x).grad
        q = sigma * (gradient[0] ** 2 + gradient[1] ** 2)
        old = rise
        rise = skfem.solve(*skfem.condense(stiffness.assemble(basis, k=k), joule.assemble(basis, q=q), D=ends))
        temperature = 300.0 + np.asarray(basis.interpolate(rise))
        if np.max(np.abs(rise - old)) < 1e-7:
            return 1e-9 * power.assemble(basis, q=q) / volts, rise.max()
    raise AssertionError("the finite-element loop did not settle")


@pytest.mark.parametrize("material", ["gated", "reversible"])
def test_static_fields_agree_with_finite_elements(material):
    stack = load_material(material).replace({"circuit.series_resistance": 0.0, "numerics.temperature_tolerance": 1e-7})
    stepper = make_stepper(stack, "banded", "default")
    ambient = np.full(stepper.grid.mesh.shape, 300.0)
    fields = stepper.fields(stepper.grid.initial_density(), 0.6, math.inf, ambient)
    current, rise = finite_elements(stack, build_mesh(stack, "default"), 0.6)
    assert fields.current == pytest.approx(current, rel=0.002)
    error = abs((fields.temperature.max() - 300) / rise - 1)
    assert error < 0.02  # beyond this the heat balance is broken
    if error > 0.015:
        # the reversible set starts with a shorter gap, whose heat source the default mesh resolves less well
        pytest.xfail(f"aim 1.5 % in the temperature rise, missed on the default mesh: {error:.2%}")
