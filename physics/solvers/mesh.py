"""The axisymmetric tensor mesh: fine where the filament opens and closes, graded elsewhere.

Arrays of cell values have shape (heights, radii), row 0 at the bottom electrode, column 0 on the axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from devicekit.core.errors import ParameterError
from devicekit.core.printing import Printed
from physics import SPACINGS
from physics.constants import Array
from physics.stack import Stack

# The fine region reaches this far beyond the active layer and beyond the filament's rim [nm].
# The gap moves into both.
_BELOW, _BEYOND = 1.75, 1.5
# the same below a gap that stays at the bottom of its layer [nm]
_MARGIN = 0.5
_GROWTH_Z, _GROWTH_R = 1.15, 1.25
# ratio of cell to tanh edge width above which V_set shifts by over 10 mV
_CELLS_PER_WIDTH = 1.5
# largest number of cells along z or r; more would take hours
_MOST_ALONG = 2000


@dataclass(frozen=True, eq=False)
class Mesh(Printed):
    """Cell faces along r and z [nm], and the layer of each row of cells."""

    r_faces: Array
    z_faces: Array
    layer: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along z and along r."""
        return len(self.z_faces) - 1, len(self.r_faces) - 1

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @cached_property
    def r(self) -> Array:
        """Radii of the cell centres [nm]."""
        return 0.5 * (self.r_faces[1:] + self.r_faces[:-1])

    @cached_property
    def z(self) -> Array:
        """Heights of the cell centres [nm]."""
        return 0.5 * (self.z_faces[1:] + self.z_faces[:-1])

    @cached_property
    def half_r(self) -> Array:
        """Half widths of the cells [nm], shape (radii,)."""
        return 0.5 * np.diff(self.r_faces)

    @cached_property
    def half_z(self) -> Array:
        """Half heights of the cells [nm], shape (heights, 1)."""
        return 0.5 * np.diff(self.z_faces)[:, None]

    @cached_property
    def area_z(self) -> Array:
        """Areas of the faces across z [nm^2], shape (radii,)."""
        return np.pi * np.diff(self.r_faces**2)

    @cached_property
    def area_r(self) -> Array:
        """Areas of the inner faces across r [nm^2], shape (heights, radii - 1)."""
        return 2 * np.pi * self.r_faces[1:-1] * np.diff(self.z_faces)[:, None]

    @cached_property
    def volume(self) -> Array:
        """Volumes of the cells [nm^3]."""
        return self.area_z * np.diff(self.z_faces)[:, None]

    @cached_property
    def distance_z(self) -> Array:
        """Distances across every z face, half a cell at the electrodes [nm], shape (heights + 1, 1)."""
        half = self.half_z
        return np.concatenate([half[:1], half[1:] + half[:-1], half[-1:]])

    @cached_property
    def distance_r(self) -> Array:
        """Distances across the inner r faces [nm], shape (radii - 1,)."""
        return self.half_r[1:] + self.half_r[:-1]


def uniform(length: float, radius: float, heights: int, radii: int) -> Mesh:
    """Return a mesh of equal cells, for tests and teaching."""
    return Mesh(
        np.linspace(0, radius, radii + 1), np.linspace(0, length, heights + 1), np.zeros(heights, dtype=np.int64)
    )


def build_mesh(stack: Stack, mesh: str | float = "default") -> Mesh:
    """Build the mesh of a stack: `mesh` is coarse, default, fine, or the cell size of the fine region [nm].

    Parameters
    ----------
    stack : Stack
        Its geometry and interface widths are used.
    mesh : {"coarse", "default", "fine"} or float

    Raises
    ------
    ParameterError
        If the name is unknown, or the cells cannot resolve one of the stack's interface widths.
    """
    if isinstance(mesh, str) and mesh not in SPACINGS:
        raise ParameterError(f"mesh: found {mesh!r}, expected one of {', '.join(SPACINGS)}")
    spacing = SPACINGS[mesh] if isinstance(mesh, str) else float(mesh)
    if not 0 < spacing < np.inf:
        raise ParameterError(f"mesh: found a cell size of {spacing} nm, expected more than 0")
    # a gap that stays at the bottom of its layer needs fine cells there, and fewer along the radius
    local = stack.numerics.gap_reach > 0
    across = min(2 * spacing, max(stack.filament.edge_width, spacing)) if local else spacing
    _check_resolution(stack, 0.5 * spacing if local else spacing, across)
    heights, layer = _rows(stack, spacing)
    radius = stack.geometry.radius
    core = min(stack.filament_radius + _BEYOND, radius)
    if core / across > _MOST_ALONG:
        raise ParameterError(f"filament.radius: {core} nm needs too many cells of {across} nm; use a coarser mesh")
    radii = np.concatenate([_equal(core, across), _graded(radius - core, across, _GROWTH_R)])
    return Mesh(_faces(radii), _faces(heights), layer)


def _rows(stack: Stack, spacing: float) -> tuple[Array, NDArray[np.int64]]:
    """Return row heights [nm] and the layer of each row: equal in and near the active layer, graded beyond."""
    thickness, active = [layer.thickness for layer in stack.layers], stack.active
    if thickness[active] / spacing > _MOST_ALONG:
        name = stack.layers[active].name
        raise ParameterError(
            f"layer.{name}.thickness: {thickness[active]} nm needs too many cells of {spacing} nm; coarsen the mesh"
        )
    reach = min(stack.numerics.gap_reach, thickness[active])
    finest, margin = (0.5 * spacing, _MARGIN) if reach > 0 else (spacing, _BELOW)
    rest = thickness[active] - reach if reach > 0 else 0.0
    own = np.concatenate([_equal(thickness[active] - rest, finest), _graded(rest, finest, _GROWTH_Z)])
    below = _outward(thickness[:active][::-1], finest, margin)[::-1]
    above = _outward(thickness[active + 1 :], float(own[-1]), margin if rest == 0 else 0.0)
    parts = [*(part[::-1] for part in below), own, *above]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _outward(thickness: Sequence[float], spacing: float, reach: float) -> list[Array]:
    """Return cells of the layers on one side of the active one, outwards: equal over a reach [nm], then growing."""
    parts, size = [], spacing
    for length in thickness:
        # a whole number of cells, rounded up
        fine = spacing * round(min(reach, length) / spacing + 0.25) if reach > 0 else 0.0
        fine = length if fine > length - 0.5 * spacing else fine
        rest = _graded(length - fine, size, _GROWTH_Z)
        parts.append(np.concatenate([_equal(fine, spacing) if fine > 0 else np.empty(0), rest]))
        size = float(rest[-1]) if len(rest) else size
        reach = reach - fine if len(rest) == 0 else 0.0
    return parts


def _faces(widths: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(widths)])


def _equal(length: float, spacing: float) -> Array:
    """Return equal cells of about `spacing` over `length` [nm]."""
    count = max(1, round(length / spacing))
    return np.full(count, length / count)


def _graded(length: float, spacing: float, growth: float) -> Array:
    """Return cells over `length` that grow from `spacing` by one ratio, at most `growth` [nm]."""
    if length <= 1e-9:
        return np.empty(0)
    if length <= spacing * growth:
        return np.array([length])

    def excess(ratio: float, count: int) -> float:
        return float(spacing * np.sum(ratio ** np.arange(1, count + 1)) - length)

    count = 1
    while excess(growth, count) < 0:
        count += 1
    widths = spacing * brentq(excess, 1e-3, growth, args=(count,)) ** np.arange(1, count + 1)
    return widths * (length / widths.sum())


_HEIGHTS = ("filament.gap_edge_width", "transport.barrier_edge_width", "reaction.edge_width")
"""Widths of steps along z."""


def _check_resolution(stack: Stack, finest: float, across: float) -> None:
    """Refuse widths that the cells along z and along r cannot resolve [nm]."""
    for key in ("filament.edge_width", *_HEIGHTS):
        spacing = finest if key in _HEIGHTS else across
        width, least = stack.get(key), spacing / _CELLS_PER_WIDTH
        if 0 < width < least:
            raise ParameterError(
                f"{key}: {width} nm is too narrow for cells of {spacing} nm; "
                f"use a finer mesh, or a width of at least {least:.3g} nm"
            )
