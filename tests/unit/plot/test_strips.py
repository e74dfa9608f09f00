"""Maps of one grid side by side in one Axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from devicekit.plot import Axis, Image, draw_strip, fit_in_strip

EDGES = np.linspace(-20, 20, 5)
FIRST = Image(
    Axis("r", "nm"),
    Axis("z", "nm"),
    EDGES,
    np.linspace(0, 12, 4),
    np.arange(12.0).reshape(3, 4),
    "temperature",
    "cividis",
    (0.0, 20.0),
    lines=(7.0,),
    title="before",
    unit="K",
)
SECOND = replace(FIRST, values=FIRST.values + 8, title="after")


def test_each_map_of_a_strip_has_its_own_place_values_and_ticks() -> None:
    ax = Figure().subplots()
    draw_strip([FIRST, SECOND], ax)
    one, two = (mesh for mesh in ax.collections if mesh.get_array() is not None and mesh.get_array().size == 12)
    for mesh, image in ((one, FIRST), (two, SECOND)):
        np.testing.assert_array_equal(np.ravel(mesh.get_array()), image.values.ravel())
        assert mesh.get_clim() == (0.0, 20.0)
    starts = [mesh.get_coordinates()[0, 0, 0] for mesh in (one, two)]
    assert starts == pytest.approx([-20.0, 28.0])
    ticks = dict(
        zip(ax.get_xticks() - np.repeat([0.0, 48.0], 3), (t.get_text() for t in ax.get_xticklabels()), strict=True)
    )
    assert all(float(words) == pytest.approx(at) for at, words in ticks.items())
    assert [text.get_text() for text in ax.texts] == ["before", "after"]
    assert ax.get_xlim() == pytest.approx((-20.0, 68.0))


def test_only_maps_of_numbers_on_one_grid_share_an_axes() -> None:
    assert fit_in_strip([FIRST, SECOND])
    assert not fit_in_strip([FIRST])
    assert not fit_in_strip([FIRST, replace(SECOND, x_edges=EDGES + 1)])
    assert not fit_in_strip([FIRST, replace(SECOND, numbers=True)])
    assert not fit_in_strip([replace(each, x=Axis("column", whole=True)) for each in (FIRST, SECOND)])
