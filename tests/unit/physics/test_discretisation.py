"""Static arrays, reactions and boundaries of the discretisation, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.drive import ramp
from physics.iv import simulate_iv
from physics.laws import transport
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation, inflow
from physics.solvers.mesh import Mesh, build_mesh, uniform
from physics.solvers.stepping import Stepper
from physics.stack import load_material, load_stack

from .layered_stacks import AL2O3, HFO2, NUMBERS, OLD_FILE, TIOX, stack_of

K = 8.617333262e-5  # Boltzmann constant [eV/K]


def test_the_static_arrays_of_the_old_file_are_its_formulas():
    """Barrier 1.35 to 0.95 eV over 0.7 nm at 7 nm, G0 from there over 0.5 nm, a gap of 2.4 nm with edges of 0.4 nm."""
    grid = Discretisation(load_material(str(OLD_FILE)), build_mesh(load_material(str(OLD_FILE)), "coarse"))
    mesh = grid.mesh
    for i, z in enumerate(mesh.z):
        up = 0.5 * (1 + math.tanh((z - 7.0) / 0.7))
        here = 0.5 * (1 + math.tanh((z - 7.0) / 0.5))
        box = 0.5 * (math.tanh((z - 7.0) / 0.4) - math.tanh((z - 9.4) / 0.4))
        for j, r in enumerate(mesh.r):
            profile = 1e-3 + 0.999 * 0.5 * (1 - math.tanh((r - 5.0) / 0.5))
            bottom = min(0.02, profile)
            assert grid.barrier[i, j] == pytest.approx(1.35 - 0.4 * up, rel=1e-12)
            assert grid.prefactor[i, j] == pytest.approx(1e13 * here, rel=1e-12, abs=1.0)
            assert grid.heat_insulating[i, j] == (0.5 if z < 7.0 else 1.0)
            assert grid.initial_density()[i, j] == pytest.approx(profile * (1 - box) + bottom * box, rel=1e-12)
            assert grid.reservoirs[1][j] == pytest.approx(profile, rel=1e-12)
    assert not grid.reservoirs[0].any()
    assert (mesh.z < 7.0).sum() == (mesh.layer == 0).sum()


# Static arrays of three layers
def test_the_static_arrays_of_three_layers_are_their_formulas(three):
    """Two steps of each property; the gap begins at the bottom of the active layer, 5 nm up."""
    grid = Discretisation(three, build_mesh(three, "coarse"))
    for i, z in enumerate(grid.mesh.z):
        first, second = (0.5 * (1 + math.tanh((z - at) / 0.7)) for at in (5.0, 10.0))
        assert grid.barrier[i, 3] == pytest.approx(1.3 - 0.35 * first - 0.15 * second, rel=1e-12)
        first, second = (0.5 * (1 + math.tanh((z - at) / 0.5)) for at in (5.0, 10.0))
        assert grid.prefactor[i, 3] == pytest.approx(1e13 * (first - 0.75 * second), rel=1e-12, abs=1.0)
        assert grid.heat_insulating[i, 3] == (0.5 if z < 5.0 else 1.0 if z < 10.0 else 3.0)
        box = 0.5 * (math.tanh((z - 5.0) / 0.4) - math.tanh((z - 7.4) / 0.4))
        profile = 1e-6 + (1 - 1e-6) * 0.5 * (1 - math.tanh((grid.mesh.r[2] - 5.0) / 0.5))
        assert grid.initial_density()[i, 2] == pytest.approx(profile + (0.02 - profile) * box, rel=1e-12)


def test_steps_without_a_width_are_sharp(three):
    sharp = three.replace({"transport.barrier_edge_width": 0.0, "reaction.edge_width": 0.0})
    grid = Discretisation(sharp, build_mesh(sharp, "default"))
    for k, (barrier, share) in enumerate([(1.3, 0.0), (0.95, 1.0), (0.8, 0.25)]):
        np.testing.assert_allclose(grid.barrier[grid.mesh.layer == k], barrier, rtol=1e-14)
        np.testing.assert_allclose(grid.prefactor[grid.mesh.layer == k], 1e13 * share, rtol=1e-14)


@pytest.mark.parametrize(("parts", "bottom"), [((AL2O3,), 0.0), ((HFO2, AL2O3, TIOX), 5.0)], ids=["one", "three"])
def test_the_first_conductance_lies_between_rings_and_planes(tmp_path, parts, bottom):
    """Bounds of an ohmic stack: current that cannot go sideways, and planes that are metal."""
    stack = stack_of(tmp_path, *parts).replace({"conduction.law": "ohmic"})
    grid = Discretisation(stack, build_mesh(stack, "default"))
    found = Stepper(grid, BandedSolver(grid)).conductance(grid.initial_density())
    height, rows, rings = float(stack.heights[-1]), 3000, 2000
    z, r = (np.arange(rows)[:, None] + 0.5) * height / rows, (np.arange(rings) + 0.5) * 20.0 / rings
    profile = 1e-6 + (1 - 1e-6) * 0.5 * (1 - np.tanh((r - 5.0) / 0.5))
    box = 0.5 * (np.tanh((z - bottom) / 0.4) - np.tanh((z - bottom - 2.4) / 0.4))
    u = profile * (1 - box) + np.minimum(0.02, profile) * box
    sigma = (1e-6 + (8e4 - 1e-6) * u) * np.exp(-(0.05 - 0.044 * u) / (K * 300.0))
    ring, slice_ = 2 * np.pi * r * 20.0 / rings, height / rows
    least = np.sum(ring / np.sum(slice_ / sigma, axis=0)) * 1e-9
    most = 1e-9 / np.sum(slice_ / np.sum(sigma * ring, axis=1))
    assert most / least < 1.2
    assert least < found < most


# Electrodes
def bare(bottom, top, **changes):
    """Two equal layers of 6 nm that hop over 0.9 eV, without a reaction, on 240 rows of cells."""
    settings = {
        "layer.HfO2.thickness": 6.0,
        "layer.Al2O3.thickness": 6.0,
        "layer.HfO2.hopping_barrier": 0.9,
        "layer.Al2O3.hopping_barrier": 0.9,
        "reaction.generation": False,
        "transport.site_limit": 0.0,
        "bottom.vacancies": bottom,
        "top.vacancies": top,
    }
    stack = load_material("reversible").replace(NUMBERS | settings | changes)
    cells = uniform(12.0, 20.0, 240, 10)
    return Discretisation(stack, Mesh(cells.r_faces, cells.z_faces, (np.arange(240) >= 120).astype(np.int64)))


def hopping(temperature, barrier=0.9):
    """a^2 f exp(-Ea / kT) / 2 [nm^2/s]."""
    return 0.5 * 0.25**2 * 1e13 * math.exp(-barrier / (K * temperature))


@pytest.mark.parametrize("top", ["blocked", "reservoir"])
@pytest.mark.parametrize("bottom", ["blocked", "reservoir"])
def test_an_electrode_that_blocks_passes_nothing(bottom, top):
    grid = bare(bottom, top, **{"bottom.reservoir_density": 0.5})
    mesh, rng = grid.mesh, np.random.default_rng(5)
    before = rng.uniform(0.0, 0.4, mesh.shape)
    potential = 0.3 * mesh.z[:, None] / 12.0 * np.ones(mesh.shape)
    now = grid.vacancies(before, potential, 0.3, np.full(mesh.shape, 600.0))
    for row, kind in ((0, bottom), (-1, top)):
        for part in (now.exchange.z, now.up.z, now.down.z):
            assert part[row].all() == (kind == "reservoir")
            assert part[row].any() == (kind == "reservoir")
    after = BandedSolver(grid).vacancies(now, before, 1.0 / hopping(600.0))
    gained = np.sum(mesh.volume * (after - before)) / np.sum(mesh.volume * before)
    assert np.max(np.abs(after - before)) > 0.1
    if bottom == top == "blocked":
        assert abs(gained) < 1e-12
    else:
        assert abs(gained) > 1e-3


def test_a_reservoir_at_the_bottom_fills_an_empty_film_by_diffusion():
    """Into a half space of density 0 go A u 2 sqrt(D t / pi), until the front is far into the film."""
    grid = bare("reservoir", "blocked", **{"bottom.reservoir_density": 0.8})
    mesh, solver = grid.mesh, BandedSolver(grid)
    hot = np.full(mesh.shape, 600.0)
    density, gained = np.zeros(mesh.shape), 0.0
    steps, end = 400, 1.0 / hopping(600.0)
    for _ in range(steps):
        now = grid.vacancies(density, np.zeros(mesh.shape), 0.0, hot)
        density = solver.vacancies(now, density, end / steps)
        gained += end / steps * inflow(now, density, mesh.volume)
    profile = 1e-6 + (1 - 1e-6) * 0.5 * (1 - np.tanh((mesh.r - 5.0) / 0.5))
    wanted = 0.8 * np.sum(profile * np.pi * np.diff(mesh.r_faces**2)) * 2 / math.sqrt(math.pi)
    assert np.sum(mesh.volume * density) == pytest.approx(wanted, rel=0.01)
    assert gained == pytest.approx(np.sum(mesh.volume * density), rel=1e-12)


@pytest.mark.parametrize("volts", [-1.2, 0.6])
def test_a_reservoir_at_the_bottom_feeds_and_drains_by_drift(volts):
    """In a film as dense as its reservoir flow A u D (2 / a) sinh(Z a E / 2kT), inwards while the bottom is anode."""
    grid = bare("reservoir", "blocked", **{"bottom.reservoir_density": 0.8})
    mesh = grid.mesh
    profile = 0.8 * (1e-6 + (1 - 1e-6) * 0.5 * (1 - np.tanh((mesh.r - 5.0) / 0.5)))
    density = np.broadcast_to(profile, mesh.shape).copy()
    now = grid.vacancies(
        density, volts * mesh.z[:, None] / 12.0 * np.ones(mesh.shape), volts, np.full(mesh.shape, 500.0)
    )
    field = -volts / 12.0  # that pushes a positive charge upwards
    speed = hopping(500.0) * 2 / 0.25 * math.sinh(0.25 * field / (2 * K * 500.0))
    wanted = speed * np.sum(profile * np.pi * np.diff(mesh.r_faces**2))
    assert inflow(now, density, mesh.volume) == pytest.approx(wanted, rel=1e-8)


def test_a_film_as_dense_as_both_reservoirs_rests():
    """Without a field a density of 1 everywhere stays; one of a half fills from both ends alike."""
    changes = {"bottom.reservoir_density": 1.0, "filament.radius": 19.9, "filament.edge_width": 0.01}
    grid = bare("reservoir", "reservoir", **changes)
    mesh, ones = grid.mesh, np.ones(grid.mesh.shape)
    now = grid.vacancies(ones, 0.0 * ones, 0.0, 600.0 * ones)
    after = BandedSolver(grid).vacancies(now, ones, 1e3 / hopping(600.0))
    np.testing.assert_allclose(after, 1.0, rtol=1e-9)
    after = BandedSolver(grid).vacancies(now, 0.5 * ones, 1e-3 / hopping(600.0))
    gained = np.sum(mesh.volume * (after - 0.5 * ones))
    assert gained == pytest.approx(1e-3 / hopping(600.0) * inflow(now, after, mesh.volume), rel=1e-9)
    assert after[0, 0] == pytest.approx(after[-1, 0], rel=1e-12)
    assert 0.5 < after[0, 0] < 1.0


def test_the_books_close_with_a_reservoir_at_each_end():
    """A ramp to -0.4 V with a mobile HfO2: the bottom is the anode and fills the film; blocked, it does not."""
    settings = {"layer.HfO2.hopping_barrier": 0.6, "reaction.generation": False, "bottom.reservoir_density": 1.0}
    drive = (ramp(0.0, -0.4, 1.0, math.inf, "reset"),)
    contents = {}
    for kind in ("blocked", "reservoir"):
        stack = load_material("reversible").replace(NUMBERS | settings | {"bottom.vacancies": kind})
        result = simulate_iv(stack, mesh="coarse", segments=drive)
        assert result.complete
        assert result.quality.mass_error <= 1e-9
        begin, end = (np.sum(result.mesh.volume * result.stages[k].density) for k in (0, -1))
        contents[kind] = end / begin - 1
    assert contents["reservoir"] - contents["blocked"] > 1e-3


LENGTH, RADIUS = 12.0, 20.0  # nm


def discretise(heights: int = 24, radii: int = 20, **changes: object) -> Discretisation:
    stack = load_material("reversible").replace({key.replace("__", "."): value for key, value in changes.items()})
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


def test_the_filament_grows_with_the_compliance() -> None:
    stack = load_material("reversible").replace(
        {"circuit.compliance": 4e-4, "filament.radius_exponent": 0.5, "filament.gap_exponent": 1.0}
    )
    same = load_material("reversible").replace(
        {
            "circuit.compliance": 4e-4,
            "filament.radius": 2 * stack.filament.radius,
            "filament.gap_density": stack.filament.gap_density / 4,
        }
    )
    grid, other = (Discretisation(each, build_mesh(each, "coarse")) for each in (stack, same))
    np.testing.assert_allclose(grid.initial_density(), other.initial_density(), rtol=1e-12)
    np.testing.assert_allclose(grid.reaction_barrier, other.reaction_barrier, rtol=1e-12)
    np.testing.assert_allclose(grid.reservoirs[1], other.reservoirs[1], rtol=1e-12)
    for changes, key in (
        ({"circuit.compliance": 1e-6, "filament.gap_density": 0.5}, "gap_density"),  # denser than the filament
        ({"circuit.compliance": 1e-2}, "filament.radius"),  # wider than the cylinder
    ):
        with pytest.raises(ParameterError, match=rf"{key}.* at circuit\.compliance"):
            stack.replace(changes)
    with pytest.raises(ParameterError, match=r"radius_exponent: found 0\.5"):
        simulate_iv(load_stack("hfo2").replace({"filament.radius_exponent": 0.5}), start="pristine", mesh="coarse")
