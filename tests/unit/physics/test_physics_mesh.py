"""The mesh covers the stack, has a face on the interface, and refines."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics import SPACINGS
from physics.solvers.mesh import build_mesh
from physics.stack import load_stack


@pytest.mark.parametrize("name", SPACINGS)
def test_mesh_covers_the_stack(name):
    stack = load_stack()
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
    assert 1300 <= build_mesh(load_stack()).cells <= 1500


@pytest.mark.parametrize(
    ("hfo2", "al2o3", "radius"), [(1.0, 0.6, 5.2), (1.75, 5.0, 30.0), (1.9, 3.3, 7.0), (20, 10, 50)]
)
def test_other_stacks_mesh_too(hfo2, al2o3, radius):
    stack = load_stack().replace(
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
        build_mesh(load_stack().replace({"geometry.radius": 2e6, key: 1e6}))


@pytest.mark.parametrize("bad", ["huge", 0.0, -1.0, float("nan")])
def test_bad_mesh(bad):
    with pytest.raises(ParameterError, match="mesh"):
        build_mesh(load_stack(), bad)
