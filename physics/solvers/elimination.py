"""Matrices of the banded solver: symmetric bands for LAPACK, and band elimination without pivots.

The matrix of the vacancy equation is an M-matrix with dominant columns, so pivoting would never swap a row. Hopping
rates span tens of orders of magnitude, so the fill of a plain band solver ends in subnormal numbers, which cost three
times the arithmetic; factors that cannot reach the result are dropped here instead.
"""

from __future__ import annotations

import numpy as np

from devicekit.system.jit import compiled
from physics.constants import Array

# relative to a pivot: far below rounding
_NOTHING = 1e-40


@compiled
def fill_symmetric(z: Array, r: Array, bands: Array) -> None:
    """Fill the lower bands of the sum over faces of c (x_i - x_j), x given at both electrodes.

    Parameters
    ----------
    z, r : array
        Face conductances, shapes (heights + 1, radii) and (heights, radii - 1).
    bands : array, shape (cells, radii + 1)
        Row i receives the diagonal and what is below it in column i; overwritten.
    """
    heights, radii = z.shape[0] - 1, z.shape[1]
    bands[:] = 0.0
    for i in range(heights):
        for j in range(radii):
            row = i * radii + j
            total = z[i, j] + z[i + 1, j]
            if j < radii - 1:
                total += r[i, j]
                bands[row, 1] = -r[i, j]
            if j > 0:
                total += r[i, j - 1]
            bands[row, 0] = total
            if i < heights - 1:
                bands[row, radii] = -z[i + 1, j]


@compiled
def vacancy_system(
    up_z: Array,
    down_z: Array,
    up_r: Array,
    down_r: Array,
    source: Array,
    sink: Array,
    volume: Array,
    before: Array,
    step: float,
    bottom: Array,
    top: Array,
) -> tuple[Array, Array]:
    """Return the rows for `eliminate` and the right-hand side of an implicit Euler step of the vacancy equation.

    Parameters as in `discretisation.Vacancies`; density before [1], step [s].
    """
    heights, radii = volume.shape
    rows, right = np.zeros((heights * radii, 2 * radii + 1)), np.empty(heights * radii)
    for i in range(heights):
        for j in range(radii):
            k = i * radii + j
            total = volume[i, j] * (1 / step + sink[i, j]) + up_z[i + 1, j] + down_z[i, j]
            known = volume[i, j] * (before[i, j] / step + source[i, j])
            if j < radii - 1:
                total += up_r[i, j]
                rows[k, radii + 1] = -down_r[i, j]
            if j > 0:
                total += down_r[i, j - 1]
                rows[k, radii - 1] = -up_r[i, j - 1]
            if i < heights - 1:
                rows[k, 2 * radii] = -down_z[i + 1, j]
            else:
                known += down_z[heights, j] * top[j]
            if i > 0:
                rows[k, 0] = -up_z[i, j]
            else:
                known += up_z[0, j] * bottom[j]
            rows[k, radii] = total
            right[k] = known
    return rows, right


@compiled
def eliminate(rows: Array, right: Array) -> Array:
    """Solve a banded system in place.

    Parameters
    ----------
    rows : array, shape (cells, 2 w + 1)
        Row i holds its entries in the columns i - w .. i + w; overwritten.
    right : array, shape (cells,)
        Right-hand side; overwritten.

    Returns
    -------
    array, shape (cells,)
        The solution, in the memory of `right`.
    """
    cells, width = rows.shape[0], rows.shape[1] // 2
    for j in range(cells):
        pivot = rows[j, width]
        upper = rows[j, width + 1 :]
        for k in range(width):
            if abs(upper[k]) < _NOTHING * pivot:
                upper[k] = 0.0
        for i in range(j + 1, min(j + width + 1, cells)):
            at = width - (i - j)
            factor = rows[i, at] / pivot
            if abs(factor) < _NOTHING:
                continue
            target = rows[i, at + 1 : at + 1 + width]
            for k in range(width):
                target[k] -= factor * upper[k]
            right[i] -= factor * right[j]
    for j in range(cells - 1, -1, -1):
        total = right[j]
        for k in range(1, min(width, cells - 1 - j) + 1):
            total -= rows[j, width + k] * right[j + k]
        right[j] = total / rows[j, width]
    return right
