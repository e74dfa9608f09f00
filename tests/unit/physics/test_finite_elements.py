"""Potential and temperature against quadratic finite elements (scikit-fem), which share no code with us."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physics.iv import make_stepper
from physics.solvers.mesh import build_mesh
from physics.solvers.state import Limit
from physics.stack import load_material

K = 8.617333262e-5


def finite_elements(stack, mesh, volts, hop):
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

    @skfem.BilinearForm
    def average(v, w, p):
        return p.x[0] * (v * w + c.density_length**2 * dot(grad(v), grad(w)))

    @skfem.LinearForm
    def content(w, p):
        return p.x[0] * density(p.x[0], p.x[1]) * w

    r, z = basis.global_coordinates()
    u = density(r, z)
    if c.density_length > 0:  # what electrons see
        u = np.asarray(basis.interpolate(skfem.solve(average.assemble(basis), content.assemble(basis))))
    u = np.minimum(u, 1)
    k = np.where(z > 7, stack.layers[1].thermal_conductivity, stack.layers[0].thermal_conductivity)
    k = k + (heat.filament - k) * u
    energy = c.activation_insulating + (c.activation_filament - c.activation_insulating) * u

    @skfem.BilinearForm
    def stiffness(v, w, p):
        return p.x[0] * p.k * dot(grad(v), grad(w))

    @skfem.BilinearForm
    def conduction(v, w, p):
        return p.x[0] * (p.across * grad(v)[0] * grad(w)[0] + p.along * grad(v)[1] * grad(w)[1])

    @skfem.LinearForm
    def joule(w, p):
        return p.x[0] * p.q * w

    @skfem.Functional
    def power(p):
        return 2 * math.pi * p.x[0] * p.q

    bottom = basis.get_dofs(lambda x: np.isclose(x[1], 0.0))
    top = basis.get_dofs(lambda x: np.isclose(x[1], 12.0))
    ends = np.concatenate([bottom.all(), top.all()])
    temperature, rise, fields = np.full_like(u, 300.0), np.zeros(basis.N), np.zeros((2, *u.shape))
    for _ in range(200):
        sigma = (c.insulating + (c.filament - c.insulating) * u) * np.exp(-energy / (K * temperature))
        reduced = np.maximum(hop * (1 - u) * fields / (2 * K * temperature), 1e-6)
        across, along = sigma * np.sinh(reduced) / reduced
        x = basis.zeros()
        x[top.all()] = volts
        x = skfem.solve(*skfem.condense(conduction.assemble(basis, across=across, along=along), x=x, D=ends))
        gradient = basis.interpolate(x).grad
        q = across * gradient[0] ** 2 + along * gradient[1] ** 2
        old, before = rise, fields
        fields = 0.5 * (fields + np.abs(gradient)) if hop else fields  # damped: field and conductivity chase each other
        rise = skfem.solve(*skfem.condense(stiffness.assemble(basis, k=k), joule.assemble(basis, q=q), D=ends))
        temperature = 300.0 + np.asarray(basis.interpolate(rise))
        if np.max(np.abs(rise - old)) < 1e-6 and np.max(np.abs(fields - before)) < 1e-8:
            return 1e-9 * power.assemble(basis, q=q) / volts, rise.max()
    raise AssertionError("the finite-element loop did not settle")


def finite_volumes(stack, mesh):
    """The same from ours."""
    stepper = make_stepper(stack, "banded", mesh)
    ambient = np.full(stepper.grid.mesh.shape, 300.0)
    fields = stepper.fields(stepper.grid.initial_density(), 0.6, Limit(), ambient)
    return fields.current, fields.temperature.max() - 300


def at_rest(material, law):
    changes = {
        "circuit.series_resistance": 0.0,
        "heat.electrode_resistance": 0.0,
        "numerics.temperature_tolerance": 1e-7,
        "conduction.law": law,
    }
    return load_material(material).replace(changes)


@pytest.mark.slow
@pytest.mark.parametrize("material", ["gated", "reversible"])
def test_static_fields_of_an_ohmic_stack_agree_with_finite_elements(material):
    stack = at_rest(material, "ohmic")
    current, rise = finite_volumes(stack, "default")
    exact, hottest = finite_elements(stack, build_mesh(stack, "default"), 0.6, 0.0)
    assert current == pytest.approx(exact, rel=0.002)
    error = abs(rise / hottest - 1)
    assert error < 0.02  # beyond this the heat balance is broken
    if error > 0.015:
        # the reversible set starts with a shorter gap, whose heat source the default mesh resolves less well
        pytest.xfail(f"aim 1.5 % in the temperature rise, missed on the default mesh: {error:.2%}")


@pytest.mark.slow
@pytest.mark.parametrize("material", ["drift", "enthalpy"])
def test_the_first_state_agrees_with_finite_elements_to_half_a_percent(material):
    """From its own two meshes, extrapolated; elements on the lines of the default mesh average the density, too."""
    stack = at_rest(material, "hopping")
    coarse, fine = finite_volumes(stack, "default"), finite_volumes(stack, "fine")
    exact, hottest = finite_elements(stack, build_mesh(stack, "default"), 0.6, stack.conduction.hop_length)
    assert (4 * fine[0] - coarse[0]) / 3 == pytest.approx(exact, rel=0.005)
    assert (4 * fine[1] - coarse[1]) / 3 == pytest.approx(hottest, rel=0.005)
    assert fine[0] == pytest.approx(exact, rel=0.005)
    assert coarse[0] == pytest.approx(exact, rel=0.01 if material == "drift" else 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("material", ["gated", "reversible"])
def test_static_fields_of_a_hopping_stack_converge_to_those_of_finite_elements(material):
    """To second order: extrapolated from two meshes the current is theirs, though the default mesh leaves 1 to 3 %.

    Both take the field along each axis for the conduction along that axis.
    """
    stack = at_rest(material, "hopping")
    coarse, fine = finite_volumes(stack, "default"), finite_volumes(stack, "fine")
    exact, hottest = finite_elements(stack, build_mesh(stack, "default"), 0.6, stack.conduction.hop_length)
    assert (4 * fine[0] - coarse[0]) / 3 == pytest.approx(exact, rel=0.002)
    assert fine[0] == pytest.approx(exact, rel=0.01)
    assert coarse[0] == pytest.approx(exact, rel=0.04)
    assert fine[1] == pytest.approx(hottest, rel=0.003)


def test_coarse_fields_of_a_hopping_stack_extrapolate_to_those_of_finite_elements():
    """The same to the current alone, from the coarse and the default mesh, against elements on coarse mesh lines."""
    stack = at_rest("gated", "hopping")
    coarse, default = finite_volumes(stack, "coarse"), finite_volumes(stack, "default")
    exact, _ = finite_elements(stack, build_mesh(stack, "coarse"), 0.6, stack.conduction.hop_length)
    assert (4 * default[0] - coarse[0]) / 3 == pytest.approx(exact, rel=0.002)
    assert default[0] != pytest.approx(exact, rel=0.01)  # neither mesh is there by itself
