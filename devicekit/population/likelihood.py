"""Compiled restricted likelihood of nested random effects, and its derivatives by the variances.

Sums over groups go outwards, level by level, and give log-determinant and quadratic forms; the means and variances of
the effects go back inwards, and give the derivatives (both exact, in a time that goes with the number of groups).
Groups of all levels stand in one row, innermost first.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from devicekit.system.jit import compiled


@compiled
def reduce_groups(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n):
    """Return ln |V|, X'V^-1X, X'V^-1Y, the diagonal of Y'V^-1Y, and weight and sums of every group within its own."""
    residual = variances[-1]
    m = cross.shape[1]
    xx, xy, yy = square_x / residual, cross / residual, square_y / residual
    logdet = n * np.log(residual)
    inner = sizes.size
    weight, total = np.zeros(max(parents.size, inner)), np.zeros((max(parents.size, inner), p + m))
    weight[:inner], total[:inner] = sizes / residual, sums / residual
    for level in range(offsets.size - 1):
        variance = variances[variances.size - 2 - level]
        for g in range(offsets[level], offsets[level + 1]):
            grown = 1.0 + variance * weight[g]
            share = variance / grown
            logdet += np.log(grown)
            for a in range(p):
                for b in range(p):
                    xx[a, b] -= share * total[g, a] * total[g, b]
                for b in range(m):
                    xy[a, b] -= share * total[g, a] * total[g, p + b]
            for b in range(m):
                yy[b] -= share * total[g, p + b] * total[g, p + b]
            if level + 2 < offsets.size:
                outer = offsets[level + 1] + parents[g]
                weight[outer] += weight[g] / grown
                for b in range(p + m):
                    total[outer, b] += total[g, b] / grown
    return logdet, xx, xy, yy, weight, total


@compiled
def _factorise(xx, xy, rest):
    """Turn X'V^-1X into its Cholesky factor, solve for X'V^-1Y and reduce Y'V^-1Y; return ln |X'V^-1X|, inf if none."""
    logdet = 0.0
    for k in range(len(xx)):
        for j in range(k):
            xx[k, k] -= xx[k, j] * xx[k, j]
        if xx[k, k] <= 0.0:
            return np.inf
        root = np.sqrt(xx[k, k])
        logdet += 2.0 * np.log(root)
        xx[k, k] = root
        for i in range(k + 1, len(xx)):
            for j in range(k):
                xx[i, k] -= xx[i, j] * xx[k, j]
            xx[i, k] /= root
        for b in range(rest.size):
            for j in range(k):
                xy[k, b] -= xx[k, j] * xy[j, b]
            xy[k, b] /= root
            rest[b] -= xy[k, b] * xy[k, b]
    return logdet


@compiled
def each_likelihood(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n):
    """Return the restricted log-likelihood of each set of values."""
    logdet, xx, xy, rest, _, _ = reduce_groups(
        variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n
    )
    return -0.5 * (logdet + _factorise(xx, xy, rest) + rest)


@compiled
def restricted_likelihood(variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n, base):
    """Return the log of the mean over the sets of their likelihood ratios to `base`, and its derivatives.

    By a variance, the log-likelihood of one set has the derivative -tr(P Z Z') / 2 + |Z'P y|^2 / 2, with the
    projection P that takes the regressors out; with the residual's, the variances times theirs add up to
    -(n - p) / 2 + y'P y / 2.
    """
    m = cross.shape[1]
    logdet, xx, xy, rest, weight, total = reduce_groups(
        variances, offsets, parents, sizes, sums, p, square_x, cross, square_y, n
    )
    ratio = -0.5 * (logdet + _factorise(xx, xy, rest) + rest) - base
    slope = np.zeros(variances.size)
    top = ratio.max()
    if not top > -np.inf:
        return top, slope
    ratio = np.exp(ratio - top)
    loglik, ratio = top + np.log(ratio.mean()), ratio / ratio.sum()
    spread, pull = np.zeros(weight.size), np.zeros(p + m)  # variance of the effects about a group, given the values
    last = -0.5 * (n - p - (ratio * rest).sum())
    for level in range(offsets.size - 2, -1, -1):
        at = variances.size - 2 - level
        variance, trace, square = variances[at], 0.0, np.zeros(m)
        for g in range(offsets[level], offsets[level + 1]):
            grown = 1.0 + variance * weight[g]
            part = weight[g] / grown
            outer = offsets[level + 1] + parents[g] if level + 2 < offsets.size else -1
            about = spread[outer] if outer >= 0 else 0.0
            spread[g] = variance / grown + about / (grown * grown)
            trace += part - part * part * about
            for b in range(p + m):
                mean = total[outer, b] if outer >= 0 else 0.0  # of the effects outside
                pull[b] = (total[g, b] - weight[g] * mean) / grown  # Z'V^-1 of the column
                total[g, b] = mean + variance * pull[b]
            for b in range(p):
                for j in range(b):
                    pull[b] -= xx[b, j] * pull[j]
                pull[b] /= xx[b, b]
                trace -= pull[b] * pull[b]
                for j in range(m):
                    pull[p + j] -= pull[b] * xy[b, j]
            for b in range(m):
                square[b] += pull[p + b] * pull[p + b]
        slope[at] = 0.5 * ((ratio * square).sum() - trace)
        last -= variance * slope[at]
    slope[-1] = last / variances[-1]
    return loglik, slope
