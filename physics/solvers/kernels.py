"""Compiled passes over the mesh for the electrothermal iteration.

The linearised current over a face is I = t (1 + p) d_new - t p d_old, with the secant conductance t = A / (rho_1 +
rho_2) of its two half cells at the old drop d_old, and p = d ln sigma / d ln E weighted by their resistances: Newton's
step, whose matrix stays symmetric and positive because p > -1. An ohmic law has p = 0, and nothing to iterate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devicekit.system.jit import compiled
from physics.constants import Array


@compiled
def half_cell_fields(potential: Array, top: float, half_z: Array, half_r: Array) -> Array:
    """Return the field magnitude in the half cells below, above, inside and outside of each centre [V/nm].

    Shape (4, heights, radii).

    Parameters
    ----------
    potential : array [V], shape (heights, radii)
    top : float
        Potential of the top electrode [V]; the bottom one is at 0 V.
    half_z, half_r : array [nm]
        Half heights (heights,) and half widths (radii,) of the cells.
    """
    heights, radii = potential.shape
    field = np.zeros((4, heights, radii))
    for k in range(heights + 1):
        for j in range(radii):
            upper = top if k == heights else potential[k, j]
            lower = 0.0 if k == 0 else potential[k - 1, j]
            distance = (0.0 if k == heights else half_z[k]) + (0.0 if k == 0 else half_z[k - 1])
            size = abs(upper - lower) / distance
            if k < heights:
                field[0, k, j] = size
            if k > 0:
                field[1, k - 1, j] = size
    for i in range(heights):
        for j in range(radii - 1):
            size = abs(potential[i, j + 1] - potential[i, j]) / (half_r[j + 1] + half_r[j])
            field[2, i, j + 1] = size
            field[3, i, j] = size
    return field


@compiled
def face_conductances(
    conductivity: Array,
    factor: Array,
    slope: Array,
    half_z: Array,
    half_r: Array,
    area_z: Array,
    area_r: Array,
) -> Any:
    """Return the secant conductances t and t p of all faces, across z and across r [S/m nm].

    Parameters
    ----------
    conductivity : array [S/m], shape (heights, radii)
        At zero field.
    factor, slope : array [1], shape (4, heights, radii)
        Enhancement of each half cell by its field, and d ln sigma / d ln E.
    half_z, half_r, area_z, area_r : array
        Geometry of the mesh [nm], [nm^2].

    Returns
    -------
    z, z_slope : array, shape (heights + 1, radii)
    r, r_slope : array, shape (heights, radii - 1)
    """
    heights, radii = conductivity.shape
    z, z_slope = np.empty((heights + 1, radii)), np.empty((heights + 1, radii))
    r, r_slope = np.empty((heights, radii - 1)), np.empty((heights, radii - 1))
    for k in range(heights + 1):
        for j in range(radii):
            above = half_z[k] / (conductivity[k, j] * factor[0, k, j]) if k < heights else 0.0
            below = half_z[k - 1] / (conductivity[k - 1, j] * factor[1, k - 1, j]) if k > 0 else 0.0
            bent = above * slope[0, k, j] if k < heights else 0.0
            bent += below * slope[1, k - 1, j] if k > 0 else 0.0
            z[k, j] = area_z[j] / (above + below)
            z_slope[k, j] = z[k, j] * bent / (above + below)
    for i in range(heights):
        for j in range(radii - 1):
            outer = half_r[j + 1] / (conductivity[i, j + 1] * factor[2, i, j + 1])
            inner = half_r[j] / (conductivity[i, j] * factor[3, i, j])
            r[i, j] = area_r[i, j] / (outer + inner)
            r_slope[i, j] = r[i, j] * (outer * slope[2, i, j + 1] + inner * slope[3, i, j]) / (outer + inner)
    return z, z_slope, r, r_slope


@compiled
def divergence(z: Array, r: Array, potential: Array, top: float) -> Array:
    """Sum over the faces of a cell of c (x_cell - x_neighbour), electrodes at 0 and `top` [c V], (heights, radii)."""
    heights, radii = potential.shape
    out = np.zeros((heights, radii))
    for k in range(heights + 1):
        for j in range(radii):
            upper = top if k == heights else potential[k, j]
            lower = 0.0 if k == 0 else potential[k - 1, j]
            flow = z[k, j] * (upper - lower)
            if k < heights:
                out[k, j] += flow
            if k > 0:
                out[k - 1, j] -= flow
    for i in range(heights):
        for j in range(radii - 1):
            flow = r[i, j] * (potential[i, j + 1] - potential[i, j])
            out[i, j + 1] += flow
            out[i, j] -= flow
    return out


@compiled
def joule_heat(
    z: Array,
    z_slope: Array,
    r: Array,
    r_slope: Array,
    potential: Array,
    top: float,
    old: Array,
    old_top: float,
    conductivity: Array,
    factor: Array,
    half_z: Array,
    half_r: Array,
) -> Array:
    """Return the Joule power of every cell [S/m nm V^2], shape (heights, radii).

    The power of a face, its linearised current times its drop, goes to its half cells in proportion to their
    resistances. The current is conserved, so the sum over cells is current times voltage to rounding.
    """
    heights, radii = potential.shape
    power = np.zeros((heights, radii))
    for k in range(heights + 1):
        for j in range(radii):
            drop = (top if k == heights else potential[k, j]) - (0.0 if k == 0 else potential[k - 1, j])
            before = (old_top if k == heights else old[k, j]) - (0.0 if k == 0 else old[k - 1, j])
            heat = ((z[k, j] + z_slope[k, j]) * drop - z_slope[k, j] * before) * drop
            if k == 0:
                power[0, j] += heat
            elif k == heights:
                power[k - 1, j] += heat
            else:
                above = half_z[k] / (conductivity[k, j] * factor[0, k, j])
                below = half_z[k - 1] / (conductivity[k - 1, j] * factor[1, k - 1, j])
                share = above / (above + below)
                power[k, j] += share * heat
                power[k - 1, j] += (1.0 - share) * heat
    for i in range(heights):
        for j in range(radii - 1):
            drop = potential[i, j + 1] - potential[i, j]
            heat = ((r[i, j] + r_slope[i, j]) * drop - r_slope[i, j] * (old[i, j + 1] - old[i, j])) * drop
            outer = half_r[j + 1] / (conductivity[i, j + 1] * factor[2, i, j + 1])
            inner = half_r[j] / (conductivity[i, j] * factor[3, i, j])
            share = outer / (outer + inner)
            power[i, j + 1] += share * heat
            power[i, j] += (1.0 - share) * heat
    return power


@compiled
def series(
    material: Array, half_z: Array, half_r: Array, area_z: Array, area_r: Array, ends: tuple[float, float]
) -> Any:
    """Return the conductances k A / d of all faces from a cell conductivity, harmonic over the two half cells.

    Exact for layers in series. `ends` are surface resistances on the bottom and the top electrode, in nm over the
    unit of `material`. Across z, shape (heights + 1, radii), and across r, shape (heights, radii - 1).
    """
    heights, radii = material.shape
    z, r = np.empty((heights + 1, radii)), np.empty((heights, radii - 1))
    for k in range(heights + 1):
        for j in range(radii):
            above = half_z[k] / material[k, j] if k < heights else ends[1]
            below = half_z[k - 1] / material[k - 1, j] if k > 0 else ends[0]
            z[k, j] = area_z[j] / (above + below)
    for i in range(heights):
        for j in range(radii - 1):
            r[i, j] = area_r[i, j] / (half_r[j + 1] / material[i, j + 1] + half_r[j] / material[i, j])
    return z, r


@compiled
def cell_fields(potential: Array, top: float, half_z: Array, half_r: Array) -> Any:
    """Return the signed field dphi/dz of every cell, mean of its two faces, and the magnitude of the field [V/nm].

    The magnitude is the root mean square over the faces; a mean would cancel the field of a gap one cell wide.
    """
    heights, radii = potential.shape
    signed, square = np.zeros((heights, radii)), np.zeros((heights, radii))
    for k in range(heights + 1):
        for j in range(radii):
            upper = top if k == heights else potential[k, j]
            lower = 0.0 if k == 0 else potential[k - 1, j]
            distance = (0.0 if k == heights else half_z[k]) + (0.0 if k == 0 else half_z[k - 1])
            field = (upper - lower) / distance
            if k < heights:
                signed[k, j] += 0.5 * field
                square[k, j] += 0.5 * field * field
            if k > 0:
                signed[k - 1, j] += 0.5 * field
                square[k - 1, j] += 0.5 * field * field
    for i in range(heights):
        for j in range(radii - 1):
            field = (potential[i, j + 1] - potential[i, j]) / (half_r[j + 1] + half_r[j])
            square[i, j + 1] += 0.5 * field * field
            square[i, j] += 0.5 * field * field
    return signed, np.sqrt(square)
