"""What floating instead of grounded word lines add to the currents of a tile, solved node by node.

`python benchmarks/floating_rows.py` prints the mean over eight draws of 64 x 64 devices (63 to 280 uS) and of the
30 % of their rows that are on, and the standard deviation over draws; with `--evidence` also to docs/evidence.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

SIDE, DRAWS = 64, 8


def currents(g: np.ndarray, ohm: float, on: np.ndarray, floating: bool) -> np.ndarray:
    """Current out of each bit line with 1 V on the rows that are on [A], shape (columns,)."""
    m, n = g.shape
    entries: list[tuple[int, int, float]] = []
    right = np.zeros(2 * m * n)

    def connect(p: int, q: int, conductance: float) -> None:
        entries.extend([(p, p, conductance), (q, q, conductance), (p, q, -conductance), (q, p, -conductance)])

    for i in range(m):
        for j in range(n):
            word, bit = i * n + j, m * n + i * n + j
            connect(word, bit, g[i, j])
            if j > 0:
                connect(word - 1, word, 1 / ohm)
            elif on[i] or not floating:
                entries.append((word, word, 1 / ohm))
                right[word] = on[i] / ohm
            if i > 0:
                connect(bit - n, bit, 1 / ohm)
            if i == m - 1:
                entries.append((bit, bit, 1 / ohm))
    rows, columns, values = zip(*entries, strict=True)
    solved = spsolve(coo_matrix((values, (rows, columns)), (right.size, right.size)).tocsc(), right)
    return np.asarray(solved[m * n + (m - 1) * n :] / ohm)


def main() -> None:
    rng = np.random.default_rng(0)
    print("| wire resistance per device [ohm] | mean [%] | sd over patterns [points] |\n|---|---|---|")
    for ohm in (0.1, 1.0, 10.0):
        added = []
        for _ in range(DRAWS):
            g, on = rng.uniform(63e-6, 280e-6, (SIDE, SIDE)), rng.random(SIDE) < 0.3
            added.append((currents(g, ohm, on, True) / currents(g, ohm, on, False) - 1).mean())
        print(f"| {ohm:g} | {100 * np.mean(added):.1f} | {100 * np.std(added, ddof=1):.1f} |")


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "floating_rows"))
