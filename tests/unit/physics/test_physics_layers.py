"""Stacks of one, two and three layers: files old and new, meshes, static arrays by hand, electrodes."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics import SPACINGS, material_sets
from physics.drive import ramp
from physics.iv import simulate_iv
from physics.parameters import ALIASES
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation, inflow
from physics.solvers.mesh import Mesh, build_mesh, uniform
from physics.solvers.stepping import Stepper
from physics.stack import load_material, load_stack, to_toml

K = 8.617333262e-5  # Boltzmann constant [eV/K]
OLD_FILE = Path(__file__).parent / "conducting_film.toml"


def layer(name, thickness, barrier, heat, reaction, active=None):
    """A [[layer]] of a stack file."""
    numbers = {
        "thickness": (thickness, "nm"),
        "hopping_barrier": (barrier, "eV"),
        "thermal_conductivity": (heat, "W/(m K)"),
        "reaction": (reaction, "1"),
    }
    lines = [f'{key} = {{ value = {value}, unit = "{unit}" }}' for key, (value, unit) in numbers.items()]
    words = [] if active is None else [f"active = {str(active).lower()}"]
    return "\n".join(["[[layer]]", f'name = "{name}"', *words, *lines, ""])


HFO2, AL2O3 = layer("HfO2", 5.0, 1.3, 0.5, 0.0), layer("Al2O3", 5.0, 0.95, 1.0, 1.0, active=True)
TIOX = layer("TiOx", 4.0, 0.8, 3.0, 0.25)


# What the formulas hold, so that a default set calibrated anew changes none of them.
NUMBERS = {
    "geometry.radius": 20.0,
    "filament.radius": 5.0,
    "filament.edge_width": 0.5,
    "filament.gap_length": 2.4,
    "filament.gap_edge_width": 0.4,
    "filament.gap_density": 0.02,
    "filament.background_density": 1e-6,
    "transport.barrier_edge_width": 0.7,
    "transport.hop_distance": 0.25,
    "transport.attempt_frequency": 1e13,
    "transport.charge_number": 1.0,
    "reaction.prefactor": 1e13,
    "reaction.edge_width": 0.5,
    "conduction.insulating": 1e-6,
    "conduction.filament": 8e4,
    "conduction.activation_insulating": 0.05,
    "conduction.activation_filament": 0.006,
    "circuit.series_resistance": 500.0,
    "heat.ambient": 300.0,
}


def stack_of(tmp_path, *parts):
    """The stack of a file that names the default set with `NUMBERS`."""
    (tmp_path / "base.toml").write_text(to_toml(load_stack().replace(NUMBERS)), encoding="utf-8")
    path = tmp_path / "stack.toml"
    path.write_text("\n".join(['material = "base.toml"', *parts]), encoding="utf-8")
    return load_stack(path)


def plain(stack):
    """A stack as plain data, without the name of its set."""
    return {name: value for name, value in stack.model_dump().items() if name != "material"}


@pytest.fixture
def three(tmp_path):
    return stack_of(tmp_path, HFO2, AL2O3, TIOX)


# A file of the time of two layers


def test_a_file_in_the_old_names_holds_what_it_says():
    """Every number of the file, read by another reader, under its new key; and the source that it gives."""
    stack, document = load_material(str(OLD_FILE)), tomllib.loads(OLD_FILE.read_text(encoding="utf-8"))
    seen = 0
    for group, table in document.items():
        for name, entry in table.items() if isinstance(table, dict) else ():
            for key in ALIASES.get(f"{group}.{name}", (f"{group}.{name}",)):
                seen += 1
                wanted = entry["value"] if isinstance(entry, dict) else entry
                assert stack.get(key) == wanted, key
                if isinstance(entry, dict):
                    assert stack.sources[key] == entry["source"], key
    assert seen == 52  # its entries, one of which is now two
    assert stack.describe() == "Pt / HfO2 7 nm / Al2O3 5 nm (active) / Ti"
    assert (stack.conduction.law, stack.heat.law, stack.reaction.law) == ("ohmic", "linear", "reversible")
    assert (stack.get("layer.HfO2.reaction"), stack.get("layer.Al2O3.reaction")) == (0.0, 1.0)
    assert (stack.bottom.vacancies, stack.bottom.reservoir_density, stack.top.vacancies) == (
        "blocked",
        0.0,
        "reservoir",
    )


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


@pytest.mark.parametrize("old", ALIASES)
def test_old_and_new_names_are_one_parameter(old):
    stack, new = load_stack(), ALIASES[old]
    value = "gated" if old == "reaction.kind" else stack.get(old) * 1.1 + 1e-9
    changed = stack.replace({old: value})
    assert plain(changed) == plain(stack.replace(dict.fromkeys(new, value)))
    assert plain(changed) != plain(stack)
    for key in (old, *new):
        assert changed.get(key) == value
        assert changed.unit(key) == stack.unit(new[0])
    assert all(changed.sources[key] == "user" for key in new)


def test_old_names_in_a_stack_file_change_a_new_set(tmp_path):
    text = '[heat]\nelectrode_resistance = { value = 2e-9, unit = "m^2 K/W", source = "10.1000/x" }\n'
    text += '[transport]\nreservoir_density = { value = 0.7, unit = "1" }\n[reaction]\nkind = "gated"\n'
    stack = stack_of(tmp_path, text)
    assert stack.bottom.thermal_resistance == stack.top.thermal_resistance == 2e-9
    assert stack.sources["bottom.thermal_resistance"] == stack.sources["top.thermal_resistance"] == "10.1000/x"
    assert (stack.top.reservoir_density, stack.bottom.reservoir_density) == (0.7, 0.0)
    assert stack.reaction.law == "gated"
    assert not hasattr(stack.reaction, "reverse_dipole")


# Layers in a stack file


def test_a_list_of_layers_replaces_that_of_the_set(three):
    assert three.describe() == "Pt / HfO2 5 nm / Al2O3 5 nm (active) / TiOx 4 nm / Ti"
    assert three.active == 1
    np.testing.assert_array_equal(three.heights, [0.0, 5.0, 10.0, 14.0])
    assert three.get("layer.TiOx.hopping_barrier") == 0.8
    assert three.get("layer.HfO2.hopping_barrier") == 1.3
    assert [three.sources[f"layer.{x.name}.thickness"] for x in three.layers] == ["user"] * 3
    assert {key.split(".")[1] for key in three.sources if key.startswith("layer.")} == {"HfO2", "Al2O3", "TiOx"}
    assert three.get("geometry.hfo2_thickness") == 5.0  # the old name finds a layer of that name


def test_a_table_of_one_layer_changes_that_layer_alone(tmp_path):
    text = '[layer.HfO2]\nthickness = { value = 6.0, unit = "nm", source = "a" }\n'
    stack, base = stack_of(tmp_path, text), load_material(str(tmp_path / "base.toml"))
    wanted = plain(base)
    wanted["layers"][0]["thickness"] = 6.0
    wanted["sources"]["layer.HfO2.thickness"] = "a"
    assert plain(stack) == wanted


def test_a_layer_alone_is_active_without_a_word(tmp_path):
    stack = stack_of(tmp_path, layer("HfO2", 5.0, 1.0, 0.5, 1.0))
    assert stack.layers[0].active
    assert stack.describe() == "Pt / HfO2 5 nm (active) / Ti"
    assert not [key for key in stack.sources if key.startswith("layer.Al2O3.")]  # of the layer that went
    with pytest.raises(ParameterError, match=r"layer\.Al2O3\.thickness"):
        stack.get("geometry.al2o3_thickness")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([HFO2 + "active = true\n", AL2O3], ["layer", "2 active layers"]),
        ([HFO2, TIOX], ["layer", "0 active layers"]),
        ([layer("HfO2", 5.0, 1.0, 0.5, 1.0, active=False)], ["layer", "0 active layers"]),
        (['[layer.HfO2]\nname = "Al2O3"\n'], ["layer", "Al2O3, Al2O3", "different names"]),
        (['[filament]\nradius = { value = 20.0, unit = "nm" }\n'], ["filament.radius", "geometry.radius, 20 nm"]),
        (['[geometry]\nradius = { value = 4.999, unit = "nm" }\n'], ["filament.radius", "geometry.radius, 4.999 nm"]),
        (
            ['[filament]\ngap_length = { value = 5.001, unit = "nm" }\n'],
            ["filament.gap_length", "layer.Al2O3.thickness"],
        ),
        ([AL2O3.replace("5.0", "2.39")], ["filament.gap_length: found 2.4 nm", "layer.Al2O3.thickness, 2.39 nm"]),
        (['[layer.TiOx]\nreaction = { value = 1.0, unit = "1" }\n'], ["layer.TiOx", "HfO2, Al2O3"]),
        (["[layer]\nHfO2 = 7.0\n"], ["layer.HfO2", "a table"]),
        (["[[layer]]\nactive = true\n"], ["layer 1", "name"]),
        ([HFO2.replace('"HfO2"', '"Hf O2"'), AL2O3], ["layer.Hf O2.name"]),
        ([HFO2, AL2O3, TIOX.replace("value = 4.0", "value = 0.0")], ["layer.TiOx.thickness"]),
        ([HFO2, AL2O3, TIOX.replace("hopping_barrier", "barrier")], ["layer.TiOx.barrier"]),
        ([HFO2, AL2O3, re.sub("(?m)^hopping_barrier.*\n", "", TIOX)], ["layer.TiOx.hopping_barrier", "nothing"]),
        ([HFO2, AL2O3, TIOX.replace('"eV"', '"meV"')], ["layer.TiOx.hopping_barrier", "'meV'", "'eV'"]),
        (['[bottom]\nvacancies = "open"\n'], ["bottom.vacancies", "'blocked' or 'reservoir'"]),
    ],
)
def test_a_contradiction_is_refused_by_name(tmp_path, parts, words):
    with pytest.raises(ParameterError) as caught:
        stack_of(tmp_path, *parts)
    for each in words:
        assert each in str(caught.value)


def test_just_inside_each_limit_a_stack_is_good(tmp_path):
    """A filament just narrower than the pad, a gap as long as the active layer."""
    stack = stack_of(tmp_path, '[filament]\nradius = { value = 19.999, unit = "nm" }\n', AL2O3.replace("5.0", "2.4"))
    assert stack.filament.gap_length == stack.layers[0].thickness
    assert stack.filament.radius < stack.geometry.radius


def test_two_contradictions_are_reported_together():
    with pytest.raises(ParameterError) as caught:
        load_stack().replace(NUMBERS | {"filament.radius": 30.0, "filament.gap_length": 6.0})
    assert [row.column for row in caught.value.rows] == ["filament.radius", "filament.gap_length"]


@pytest.mark.parametrize("name", material_sets())
def test_a_set_survives_being_written(tmp_path, name):
    stack, path = load_material(name), tmp_path / "again.toml"
    path.write_text(to_toml(stack), encoding="utf-8")
    assert plain(load_material(str(path))) == plain(stack)


def test_changed_stacks_survive_being_written(tmp_path, three):
    """With other laws, electrodes and layers; numbers of any size; a title that TOML must escape."""
    changes = {
        "conduction.law": "ohmic",
        "heat.law": "additive",
        "heat.electronic": 1 / 3,
        "bottom.vacancies": "reservoir",
        "reaction.generation": False,
        "filament.reference_density": 1.2345678901234567e27,
        "filament.background_density": 5e-324,
        "transport.attempt_frequency": 1e16,
    }
    stack = three.replace(changes).model_copy(update={"title": 'a "quoted" \\ title, µ\n of two lines'})
    path = tmp_path / "again.toml"
    path.write_text(to_toml(stack), encoding="utf-8")
    again = load_material(str(path))
    words = {"conduction.law", "heat.law", "bottom.vacancies", "reaction.generation"}  # a file gives them no source
    wanted, sources = plain(stack), {key: source for key, source in stack.sources.items() if key not in words}
    assert plain(again) | {"sources": sources} == wanted | {"sources": sources}
    assert {key: again.sources[key] for key in sources} == sources
    assert again.sources["heat.electronic"] == "user"


# Laws in a stack


def test_another_law_keeps_what_both_have():
    stack = load_stack().replace({"conduction.filament": 5e4})
    ohms = stack.replace({"conduction.law": "ohmic"})
    kept = {name: value for name, value in stack.conduction.model_dump().items() if name not in ("law", "hop_length")}
    assert ohms.conduction.model_dump() == kept | {"law": "ohmic"}
    assert ohms.sources["conduction.filament"] == "user"
    assert ohms.sources["conduction.insulating"] == stack.sources["conduction.insulating"]
    assert "conduction.hop_length" not in ohms.sources
    assert plain(ohms)["layers"] == plain(stack)["layers"]


def test_hopping_needs_its_length():
    ohms = load_material(str(OLD_FILE))
    with pytest.raises(ParameterError, match=r"conduction\.hop_length: found nothing"):
        ohms.replace({"conduction.law": "hopping"})
    for changes in (
        {"conduction.law": "hopping", "conduction.hop_length": 0.3},
        {"conduction.hop_length": 0.3, "conduction.law": "hopping"},  # in any order
    ):
        assert ohms.replace(changes).get("conduction.hop_length") == 0.3
    with pytest.raises(ParameterError, match=r"conduction\.hop_length"):
        ohms.replace({"conduction.hop_length": 0.3})
    with pytest.raises(ParameterError, match=r"reaction\.reverse_dipole"):
        load_stack().replace({"reaction.law": "gated", "reaction.reverse_dipole": 1.0})


# Meshes


@pytest.mark.parametrize("size", SPACINGS)
@pytest.mark.parametrize(
    ("thickness", "active"),
    [
        ((5.0,), 0),
        ((5.0, 5.0, 4.0), 1),
        ((3.3, 2.7, 0.4, 6.1), 1),
        ((0.3, 0.2, 5.0), 2),
        ((2.5, 0.1, 0.1, 9.0), 0),
        ((1.75, 3.0, 1.75), 1),
        ((1 / 3, math.e, math.pi), 1),
    ],
)
def test_every_interface_is_a_face(tmp_path, size, thickness, active):
    """To rounding, with the rows counted to the right layer and the active one cut evenly."""
    parts = [layer(f"L{k}", each, 1.0, 1.0, 1.0, active=k == active) for k, each in enumerate(thickness)]
    mesh = build_mesh(stack_of(tmp_path, *parts), size)
    sums = [math.fsum(thickness[:k]) for k in range(len(thickness) + 1)]
    edges = [0, *(np.flatnonzero(np.diff(mesh.layer)) + 1), len(mesh.layer)]
    np.testing.assert_allclose(mesh.z_faces[edges], sums, rtol=0, atol=1e-12)
    assert list(dict.fromkeys(mesh.layer.tolist())) == list(range(len(thickness)))
    widths = np.diff(mesh.z_faces)
    assert widths.min() > 0
    own = widths[mesh.layer == active]
    np.testing.assert_allclose(own, thickness[active] / max(1, round(thickness[active] / SPACINGS[size])), rtol=1e-9)
    assert widths.max() < 1.5
    bottom, top = sums[active], sums[active + 1]
    away = np.maximum(bottom - mesh.z_faces[1:], mesh.z_faces[:-1] - top)  # of the near face from the active layer
    assert widths[away < 1.0].max() <= 1.4 * SPACINGS[size]  # fine where the gap may move
    assert np.all(widths <= 1.4 * (SPACINGS[size] + np.maximum(away, 0.0)))


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


def test_one_layer_cut_in_two_is_the_same_stack(tmp_path):
    """HfO2 of 7 nm, and of 3 and 4 nm: the same arrays on the same cells, and the same set on its own mesh."""
    two = stack_of(tmp_path, layer("HfO2", 7.0, 1.35, 0.5, 0.0), AL2O3)
    cut = stack_of(tmp_path, layer("a", 3.0, 1.35, 0.5, 0.0), layer("b", 4.0, 1.35, 0.5, 0.0), AL2O3)
    mesh = build_mesh(cut, "coarse")
    one = Discretisation(two, Mesh(mesh.r_faces, mesh.z_faces, (mesh.layer == 2).astype(np.int64)))
    other = Discretisation(cut, mesh)
    for name in ("barrier", "prefactor", "heat_insulating", "reaction_barrier"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
    np.testing.assert_array_equal(other.initial_density(), one.initial_density())
    found = [simulate_iv(each, mesh="coarse") for each in (two, cut)]
    assert found[1].v_100ua_v == pytest.approx(found[0].v_100ua_v, abs=1e-3)
    assert found[1].first.device.on_off == pytest.approx(found[0].first.device.on_off, rel=0.01)


@pytest.mark.parametrize("parts", [(AL2O3,), (HFO2, AL2O3, TIOX)], ids=["one", "three"])
def test_one_and_three_layers_run_a_short_ramp(tmp_path, parts):
    """The books close, and the circuit is V = V_d + I R at every point."""
    stack = stack_of(tmp_path, *parts)
    result = simulate_iv(stack, mesh="coarse", segments=(ramp(0.0, 0.4, 1.0, 1e-3, "set"),))
    assert result.complete
    frame = result.sweep.frame
    volts, amperes = frame["voltage_v"].to_numpy(), frame["current_a"].to_numpy()
    np.testing.assert_allclose(frame["device_voltage_v"] + 500.0 * amperes, volts, rtol=0, atol=1e-12)
    assert volts[-1] == pytest.approx(0.4, rel=1e-12)
    assert np.diff(amperes).min() > 0
    assert result.quality.mass_error <= 1e-9
    assert result.quality.power_error <= 1e-9


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
    stack = load_stack().replace(NUMBERS | settings | changes)
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
        stack = load_stack().replace(NUMBERS | settings | {"bottom.vacancies": kind})
        result = simulate_iv(stack, mesh="coarse", segments=drive)
        assert result.complete
        assert result.quality.mass_error <= 1e-9
        begin, end = (np.sum(result.mesh.volume * result.stages[k].density) for k in (0, -1))
        contents[kind] = end / begin - 1
    assert contents["reservoir"] - contents["blocked"] > 1e-3
