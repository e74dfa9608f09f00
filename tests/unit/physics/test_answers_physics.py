"""What the laws of the physics must answer at their limits, worked out by hand: clamps, floors, caps, fields."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physics.laws import transport
from physics.laws.conduction import ohmic
from physics.laws.heat import linear
from physics.laws.reaction import gated as gated_law
from physics.laws.reaction import reversible
from physics.solvers.circuit import operate
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import Mesh, uniform
from physics.stack import load_stack

K = 8.617333262e-5  # Boltzmann constant [eV/K]
LENGTH, RADIUS = 12.0, 20.0  # nm


def discretise(heights: int = 24, radii: int = 20, **changes: object) -> Discretisation:
    stack = load_stack().replace({key.replace("__", "."): value for key, value in changes.items()})
    mesh = uniform(LENGTH, RADIUS, heights, radii)
    return Discretisation(stack, Mesh(mesh.r_faces, mesh.z_faces, (np.arange(heights) >= round(heights * 7 / 12)) * 1))


def gated(**changes: object) -> Discretisation:
    """Gated generation everywhere in Al2O3, one barrier of 1 eV, b = 2 e nm, a floor of 0.1 eV, G0 = 1e13 Hz."""
    settings: dict[str, object] = {
        "reaction__generation": True,
        "reaction__kind": "gated",
        "reaction__prefactor": 1e13,
        "reaction__energy": 1.0,
        "reaction__forward_dipole": 2.0,
        "reaction__barrier_spread": 0.0,
        "reaction__barrier_floor": 0.1,
        "reaction__edge_width": 0.0,
        "reaction__max_density": 4.0,
    }
    return discretise(**{**settings, **changes})


@pytest.mark.parametrize(
    ("density", "prefactor", "energy"),
    [(0.0, 2.0, 0.3), (0.25, 26.5, 0.24), (1.0, 100.0, 0.06), (1.5, 100.0, 0.06), (8.0, 100.0, 0.06)],
)
def test_conductivity_ends_at_the_reference_density(density: float, prefactor: float, energy: float) -> None:
    """2 to 100 S/m and 0.3 to 0.06 eV, both linear up to u = 1 and constant from there on."""
    temperature = 400.0
    found = ohmic.conductivity(np.array([density]), np.array([temperature]), 2.0, 100.0, 0.3, 0.06)
    assert found[0] == pytest.approx(prefactor * math.exp(-energy / (K * temperature)), rel=1e-8)


@pytest.mark.parametrize(("density", "wanted"), [(0.0, 0.5), (0.5, 2.75), (1.0, 5.0), (3.0, 5.0)])
def test_thermal_conductivity_ends_at_the_reference_density(density: float, wanted: float) -> None:
    assert linear.conductivity(np.array([density]), np.array([0.5]), 5.0)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("field", "forward", "reverse"),
    [
        (0.0, 1.2, 1.2),
        (0.2, 0.7, 1.5),  # 1.2 - 2.5 s and 1.2 + 1.5 s
        (0.44, 0.1, 1.86),
        (0.6, 0.1, 2.1),  # the forward barrier would be -0.3 eV: the floor holds it
        (-0.2, 1.7, 0.9),
        (-1.0, 3.7, 0.1),  # and here the reverse one
    ],
)
def test_no_barrier_sinks_below_the_floor(field: float, forward: float, reverse: float) -> None:
    temperature = 350.0
    up, down = reversible.rates(
        np.array([field]),
        np.array([temperature]),
        np.array([1e13]),
        np.array([1.2]),
        (2.5, 1.5),
        oxygen=3.0,
        floor=0.1,
    )
    assert up[0] == pytest.approx(1e13 * math.exp(-forward / (K * temperature)), rel=1e-6)
    assert down[0] == pytest.approx(3e13 * math.exp(-reverse / (K * temperature)), rel=1e-6)


@pytest.mark.parametrize(("strength", "barrier"), [(0.0, 1.0), (0.3, 0.4), (0.45, 0.1), (2.0, 0.1)])
def test_the_gated_barrier_has_the_same_floor(strength: float, barrier: float) -> None:
    temperature = 500.0
    rate = gated_law.rate(
        np.array([0.1]),
        np.array([strength]),
        np.array([temperature]),
        np.array([1e13]),
        np.array([1.0]),
        dipole=2.0,
        floor=0.1,
    )
    assert rate[0] == pytest.approx(1e13 * math.exp(-barrier / (K * temperature)), rel=1e-6)


def test_the_spread_of_the_reaction_barrier_stops_at_1_2_radii() -> None:
    """Eg + spread ((r / R)^2 - 1/2) with R = 5 nm: lower by half the spread on the axis, + 0.94 of it beyond 6 nm."""
    grid = discretise(radii=20, filament__radius=5.0, reaction__energy=1.3, reaction__barrier_spread=0.2)
    found = np.broadcast_to(grid.reaction_barrier, (1, 20))[0]
    r = np.arange(20) + 0.5
    inside = r < 6
    np.testing.assert_allclose(found[inside], 1.3 + 0.2 * ((r[inside] / 5.0) ** 2 - 0.5), rtol=1e-12)
    np.testing.assert_allclose(found[~inside], 1.3 + 0.2 * (1.44 - 0.5), rtol=1e-12)
    assert found[0] == pytest.approx(1.3 + 0.2 * (0.01 - 0.5), rel=1e-12)


@pytest.mark.parametrize(("axial", "radial"), [(0.2, 0.0), (0.2, 0.15), (0.05, -0.3), (0.4, 0.3)])
def test_generation_counts_the_radial_field_once(axial: float, radial: float) -> None:
    """A potential s z + e r has the field sqrt(s^2 + e^2) in every inner cell."""
    grid, temperature = gated(), 450.0
    mesh, interface = grid.mesh, int(np.argmax(grid.mesh.layer))
    potential = axial * mesh.z[:, None] + radial * mesh.r
    source, sink = grid.reaction_rates(potential, axial * LENGTH, np.full(mesh.shape, temperature))
    strength = math.hypot(axial, radial)
    wanted = 1e13 * math.exp(-max(1.0 - 2.0 * strength, 0.1) / (K * temperature))
    rows = slice(interface, -1)  # of Al2O3, less the one at the electrode, whose potential is not s z + e r
    np.testing.assert_allclose(source[rows, 1:-1], wanted, rtol=1e-6)
    np.testing.assert_allclose(sink, source / 4.0, rtol=1e-12)
    assert not source[:interface].any()


def test_the_axis_and_the_rim_have_one_face_with_a_radial_field() -> None:
    """Nothing crosses the axis or the outer rim, so the mean square over two faces is e^2 / 2 there."""
    grid, temperature, axial, radial = gated(), 450.0, 0.1, 0.2
    mesh, interface = grid.mesh, int(np.argmax(grid.mesh.layer))
    potential = axial * mesh.z[:, None] + radial * mesh.r
    source, _ = grid.reaction_rates(potential, axial * LENGTH, np.full(mesh.shape, temperature))
    wanted = 1e13 * math.exp(-(1.0 - 2.0 * math.sqrt(0.01 + 0.04 / 2)) / (K * temperature))
    np.testing.assert_allclose(source[interface:-1, [0, -1]], wanted, rtol=1e-6)


def test_a_gap_one_cell_wide_counts_the_root_mean_square_of_its_faces() -> None:
    """Fields of 0.6 and 0 V/nm on the two faces of a cell: 0.6 / sqrt 2, not their mean of 0.3."""
    grid, temperature = gated(), 450.0
    mesh, interface = grid.mesh, int(np.argmax(grid.mesh.layer))
    cell = interface + 3
    faces = np.zeros(mesh.shape[0] + 1)
    faces[cell] = 0.6
    levels = np.cumsum(faces[:-1] * mesh.distance_z[:-1, 0])
    potential = np.repeat(levels[:, None], mesh.shape[1], axis=1)
    source, _ = grid.reaction_rates(potential, float(levels[-1]), np.full(mesh.shape, temperature))
    wanted = 1e13 * math.exp(-(1.0 - 2.0 * 0.6 / math.sqrt(2.0)) / (K * temperature))
    np.testing.assert_allclose(source[cell, :], wanted, rtol=1e-6)
    np.testing.assert_allclose(source[cell - 1, :], wanted, rtol=1e-6)
    assert not source[cell + 1].any()


def test_the_reaction_without_a_field_is_its_own_arrhenius_law() -> None:
    """Reversible: source G0 exp(-Eg / kT), sink that over max_density plus cO times the same."""
    grid = discretise(
        reaction__generation=True,
        reaction__kind="reversible",
        reaction__prefactor=1e12,
        reaction__energy=0.9,
        reaction__barrier_spread=0.0,
        reaction__oxygen=2.0,
        reaction__max_density=5.0,
        reaction__edge_width=0.0,
    )
    mesh, interface = grid.mesh, int(np.argmax(grid.mesh.layer))
    source, sink = grid.reaction_rates(np.zeros(mesh.shape), 0.0, np.full(mesh.shape, 400.0))
    rate = 1e12 * math.exp(-0.9 / (K * 400.0))
    np.testing.assert_allclose(source[interface:], rate, rtol=1e-6)
    np.testing.assert_allclose(sink[interface:], rate / 5.0 + 2.0 * rate, rtol=1e-6)
    assert not source[:interface].any()


def test_hopping_diffusivity() -> None:
    """a^2 f exp(-Ea / kT) / 2 with a = 0.25 nm, f = 1e13 Hz, Ea = 1 eV at 600 K."""
    found = transport.diffusivity(600.0, 1.0, 0.25, 1e13)
    assert found == pytest.approx(0.5 * 0.0625 * 1e13 * math.exp(-1.0 / (K * 600.0)), rel=1e-7)


@pytest.mark.parametrize(("number", "wanted"), [(1.0, 0.25), (-1.0, 0.8), (0.0, 0.8)])
def test_site_exclusion_looks_downstream(number: float, wanted: float) -> None:
    """Densities 1 and 3.75 of 5: drift to the second cell finds a quarter of its sites free, to the first 0.8."""
    grid = discretise(radii=4, transport__site_limit=5.0, transport__charge_number=1.0, reaction__generation=False)
    mesh, hot = grid.mesh, np.full(grid.mesh.shape, 400.0)
    density = np.where(np.arange(mesh.shape[0])[:, None] < 10, 1.0, 3.75) * np.ones(mesh.shape)
    potential = -0.02 * number * np.arange(1, mesh.shape[0] + 1)[:, None] * np.ones(mesh.shape)
    free = discretise(radii=4, transport__site_limit=0.0, transport__charge_number=1.0, reaction__generation=False)
    found, bare = (each.vacancies(density, potential, 0.0, hot).number.z[10] for each in (grid, free))
    if number == 0.0:
        assert not found.any()
    else:
        np.testing.assert_allclose(found / bare, wanted, rtol=1e-12)
    assert transport.free_share(6.0, 5.0) == 0.0
    assert transport.free_share(6.0, 0.0) == 1.0


@pytest.mark.parametrize(
    ("source", "conductance", "voltage", "current", "limited"),
    [
        (1.0, 1e-3, 2 / 3, 2e-3 / 3, False),  # 1 kohm behind 500 ohm
        (2.0, 1e-3, 1.0, 1e-3, True),  # 1.33 mA would flow
        (-2.0, 1e-3, -1.0, -1e-3, True),
        (1.5, 1e-3, 1.0, 1e-3, False),  # just the limit is no more than it
    ],
)
def test_operating_point_of_a_device_in_series(
    source: float, conductance: float, voltage: float, current: float, limited: bool
) -> None:
    found = operate(source, 0.0, conductance, 500.0, 1e-3)
    assert found.voltage == pytest.approx(voltage, rel=1e-12)
    assert found.current == pytest.approx(current, rel=1e-12)
    assert found.limited is limited
