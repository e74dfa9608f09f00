"""The mesh covers the stack, has a face on every interface, and refines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics import SPACINGS
from physics.solvers.mesh import build_mesh
from physics.stack import load_material

from .layered_stacks import layer, stack_of


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


def test_a_mesh_too_coarse_for_a_width_names_the_width():
    stack = load_material("reversible").replace({"filament.gap_edge_width": 0.2})
    build_mesh(stack, "default")
    with pytest.raises(ParameterError, match=r"filament\.gap_edge_width"):
        build_mesh(stack, "coarse")


@pytest.mark.parametrize("name", SPACINGS)
def test_mesh_covers_the_stack(name):
    stack = load_material("reversible")
    mesh = build_mesh(stack, name)
    assert mesh.z_faces[0] == 0
    assert mesh.z_faces[-1] == pytest.approx(12.0, abs=1e-12)
    assert mesh.r_faces[-1] == pytest.approx(20.0, abs=1e-12)
    assert mesh.z_faces[np.argmax(mesh.layer)] == pytest.approx(7.0, abs=1e-12)
    assert mesh.volume.sum() == pytest.approx(np.pi * 20**2 * 12, rel=1e-12)
    ratio = np.diff(mesh.r_faces)[1:] / np.diff(mesh.r_faces)[:-1]
    assert ratio.max() <= 1.25 + 1e-9
    assert np.diff(mesh.z_faces).min() == pytest.approx(SPACINGS[name])


def test_default_mesh_has_the_size_that_the_figures_are_quoted_for():
    assert 1300 <= build_mesh(load_material("reversible")).cells <= 1500


@pytest.mark.parametrize(
    ("hfo2", "al2o3", "radius"), [(1.0, 0.6, 5.2), (1.75, 5.0, 30.0), (1.9, 3.3, 7.0), (20, 10, 50)]
)
def test_other_stacks_mesh_too(hfo2, al2o3, radius):
    stack = load_material("reversible").replace(
        {
            "layer.HfO2.thickness": hfo2,
            "layer.Al2O3.thickness": al2o3,
            "geometry.radius": radius,
            "filament.radius": min(5.0, radius - 0.5),
            "filament.gap_length": min(2.4, al2o3),
        }
    )
    mesh = build_mesh(stack, "default")
    assert mesh.z_faces[-1] == pytest.approx(hfo2 + al2o3)
    assert mesh.z_faces[np.argmax(mesh.layer)] == pytest.approx(hfo2)
    assert mesh.r_faces[-1] == pytest.approx(radius)
    assert np.all(np.diff(mesh.z_faces) > 0)


@pytest.mark.parametrize("key", ["layer.Al2O3.thickness", "filament.radius"])
def test_a_stack_too_large_for_its_cells_is_refused(key):
    with pytest.raises(ParameterError, match=key):
        build_mesh(load_material("reversible").replace({"geometry.radius": 2e6, key: 1e6}))


@pytest.mark.parametrize("bad", ["huge", 0.0, -1.0, float("nan")])
def test_bad_mesh(bad):
    with pytest.raises(ParameterError, match="mesh"):
        build_mesh(load_material("reversible"), bad)
