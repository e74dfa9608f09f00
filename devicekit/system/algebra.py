"""Products, solutions and decompositions of small matrices, summed in one order on every CPU.

BLAS and LAPACK sum in an order that depends on the CPU. A training turns a last digit of a card into another accuracy,
so what leads to a card, a training or a verdict is calculated here.
"""

from __future__ import annotations

import math

import numpy as np

from devicekit.system.jit import compiled

SWEEPS, ORTHOGONAL = 60, 1e-15
NO_DIRECTION = 1e-15  # of the largest singular value, as in numpy's pinv


@compiled
def _multiply(a, b):  # type: ignore[no-untyped-def]
    found = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                found[i, j] += a[i, k] * b[k, j]
    return found


@compiled
def _eliminate(a, x):  # type: ignore[no-untyped-def]
    """Solve a y = x with partial pivoting, y in place of x; return ln |det a|, -inf if it is singular."""
    size, total = len(a), 0.0
    for k in range(size):
        best = k
        for i in range(k + 1, size):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if a[best, k] == 0.0:
            return -math.inf
        total += math.log(abs(a[best, k]))
        for each in (a, x):
            for j in range(each.shape[1]):
                each[k, j], each[best, j] = each[best, j], each[k, j]
        for i in range(k + 1, size):
            factor = a[i, k] / a[k, k]
            for each in (a, x):
                for j in range(each.shape[1]):
                    each[i, j] -= factor * each[k, j]
    for k in range(size - 1, -1, -1):
        for i in range(k + 1, size):
            for j in range(x.shape[1]):
                x[k, j] -= a[k, i] * x[i, j]
        for j in range(x.shape[1]):
            x[k, j] /= a[k, k]
    return total


@compiled
def _orthogonalise(rows, turned):  # type: ignore[no-untyped-def]
    """Turn rows pairwise, in place, until all are orthogonal: one-sided Jacobi (Hestenes, 1958)."""
    for _ in range(SWEEPS):
        done = True
        for p in range(len(rows)):
            for q in range(p + 1, len(rows)):
                a, b, c = 0.0, 0.0, 0.0
                for k in range(rows.shape[1]):
                    a += rows[p, k] * rows[p, k]
                    b += rows[q, k] * rows[q, k]
                    c += rows[p, k] * rows[q, k]
                if abs(c) <= ORTHOGONAL * math.sqrt(a) * math.sqrt(b):
                    continue
                done = False
                half = (b - a) / (2.0 * c)
                tangent = math.copysign(1.0, half) / (abs(half) + math.sqrt(1.0 + half * half))
                cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                for each in (rows, turned):
                    for k in range(each.shape[1]):
                        first, second = each[p, k], each[q, k]
                        each[p, k] = cosine * (first - tangent * second)
                        each[q, k] = cosine * (second + tangent * first)
        if done:
            break


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of a matrix (n, k) with another (k, m) or a vector (k,)."""
    second = np.ascontiguousarray(b, float)
    found = _multiply(np.ascontiguousarray(a, float), second[:, None] if second.ndim == 1 else second)
    return np.asarray(found.reshape(len(a), *second.shape[1:]))


def solve(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the solution of a square system, and ln of the absolute determinant; that is -inf if it is singular."""
    found = np.array(right, float, order="C")
    logarithm = _eliminate(np.array(matrix, float, order="C"), found[:, None] if found.ndim == 1 else found)
    return found, float(logarithm)


def svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return u, values and v of u @ diag(values) @ v for n rows and m columns: (n, k), (k,), (k, m), k = min(n, m)."""
    rows, turned = np.array(np.transpose(matrix), float, order="C"), np.eye(np.shape(matrix)[1])
    _orthogonalise(rows, turned)
    values = np.sqrt((rows**2).sum(axis=1))
    order = np.argsort(-values, kind="stable")[: min(rows.shape)]
    values, rows = values[order], rows[order]
    return (rows / np.where(values > 0, values, 1.0)[:, None]).T, values, turned[order]


def pinv(matrix: np.ndarray) -> np.ndarray:
    """Return the Moore-Penrose inverse."""
    u, values, v = svd(matrix)
    kept = ~(values <= NO_DIRECTION * values.max(initial=0.0))  # NaN stays NaN
    return product(v[kept].T / values[kept], u[:, kept].T)


def covariance_of(rows: np.ndarray) -> np.ndarray:
    """Return the covariance of columns over rows."""
    centred = rows - rows.mean(axis=0)
    return product(centred.T, centred) / (len(rows) - 1)


def draw_normal(rng: np.random.Generator, matrix: np.ndarray, count: int) -> np.ndarray:
    """Draw from a normal distribution of mean 0 and this covariance, shape (count, m).

    For two numbers the signs are those of LAPACK, so that a seed gives the draws of numpy's multivariate_normal.
    """
    _, values, v = svd(matrix)
    if len(v) == 2 and matrix[0, 1] != 0:
        (a, b), (_, d) = matrix
        positive = b > 0 and a * a + 2 * b * b < a * d
        first, second = v[0] if (v[0, 0] > 0) == positive else -v[0]
        v = np.array([[first, second], [second, -first]])
    return product(rng.standard_normal((count, len(values))), np.sqrt(values)[:, None] * v)
