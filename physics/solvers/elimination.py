"""Band elimination without pivots, for the vacancy equation.

Its matrix is an M-matrix with dominant columns, so pivoting would never swap a row. Hopping rates span tens
of orders of magnitude, so the fill of a plain band solver ends in subnormal numbers, which cost three times
the arithmetic; factors that cannot reach the result are dropped here instead.
"""

from __future__ import annotations

import numba
import numpy as np

from physics.laws import Array

# Relative to a pivot: far below rounding, so dropping it changes no digit.
_NOTHING = 1e-40


@numba.njit(cache=True)
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


def empty_rows(cells: int, width: int) -> Array:
    """Storage for `eliminate`, all zero."""
    return np.zeros((cells, 2 * width + 1))
