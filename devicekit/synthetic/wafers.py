"""SYNTHETIC folders of a laboratory: forming, set and reset files of many cells, with planted components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devicekit.names import mark_sentence
from devicekit.system import writing

HEAD = mark_sentence(["synthetic"])


@dataclass(frozen=True)
class WaferTruth:
    """Truth of a synthetic population; voltages in V, conductances in S, standard deviations of V_set in V."""

    wafers: int = 3
    dies: int = 9
    cells: int = 5
    cycles: int = 20
    v_set: float = 2.0
    v_reset: float = 1.2
    v_form: float = 3.0
    sd: tuple[float, float, float, float] = (0.15, 0.10, 0.20, 0.25)  # wafer, die, cell, cycle
    limits: tuple[float, ...] = (50e-6, 100e-6, 200e-6)  # of the current of a set [A]
    per_decade: float = 0.0  # of the limit, of V_set
    shift: float = 0.0  # of V_set on the last wafer
    dead: float = 0.1  # share of the cells that never form
    kept: float = 0.8  # share of the cycles that were measured
    stop: float = 3.0  # end of a set sweep; a larger V_set is not reached
    g_hrs: float = 1e-7
    g_lrs: float = 1e-3
    points: int = 60  # of a way
    noise: float = 1e-10  # A


@dataclass(frozen=True, eq=False)
class Cycle:
    """One cycle of a cell: its place, V_set, and the limit of its set."""

    wafer: int
    die: int
    cell: int
    cycle: int
    v_set: float
    limit: float


def draw(truth: WaferTruth, seed: int) -> tuple[list[Cycle], set[tuple[int, int, int]]]:
    """Return the cycles of the cells that form, and the dead cells."""
    rng = np.random.default_rng(seed)
    wafers = rng.normal(0.0, truth.sd[0], truth.wafers)
    dies = rng.normal(0.0, truth.sd[1], (truth.wafers, truth.dies))
    cells = rng.normal(0.0, truth.sd[2], (truth.wafers, truth.dies, truth.cells))
    dead: set[tuple[int, int, int]] = set()
    found = []
    for w, d, c in np.ndindex(truth.wafers, truth.dies, truth.cells):
        if rng.random() < truth.dead:
            dead.add((w, d, c))
            continue
        for k in range(truth.cycles):
            limit = float(truth.limits[int(rng.integers(len(truth.limits)))])
            size = float(truth.v_set + wafers[w] + dies[w, d] + cells[w, d, c] + rng.normal(0.0, truth.sd[3]))
            size += truth.per_decade * float(np.log10(limit / 1e-4)) + truth.shift * (w == truth.wafers - 1)
            if rng.random() < truth.kept:
                found.append(Cycle(w, d, c, k, size, limit))
    return found, dead


def _sweep(truth: WaferTruth, at: float, stop: float, step: str, limit: float, rng: np.random.Generator) -> str:
    """Return the rows of a loop of one sign that switches at a voltage."""
    up = np.linspace(0.0, stop, truth.points)
    v = np.concatenate([up, up[-2::-1]])
    before, after = (truth.g_lrs, truth.g_hrs) if step == "reset" else (truth.g_hrs, truth.g_lrs)
    switched = np.maximum.accumulate(np.abs(v) >= at)
    i = np.where(switched, after, before) * v + truth.noise * rng.standard_normal(v.size)
    i = np.clip(i, -limit, limit)
    return "\n".join(f"{a:.5g},{b:.6g}" for a, b in zip(v, i, strict=True))


def files(truth: WaferTruth, seed: int) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file."""
    rng = np.random.default_rng([seed, 1])
    cycles, dead = draw(truth, seed)
    of_cell: dict[tuple[int, int, int], list[Cycle]] = {}
    for each in cycles:
        of_cell.setdefault((each.wafer, each.die, each.cell), []).append(each)
    for w, d, c in np.ndindex(truth.wafers, truth.dies, truth.cells):
        place, number = f"W{w + 1}_D{d + 1}_C{c + 1}", 0

        def one(step: str, limit: float, at: float, stop: float, place: str = place) -> tuple[str, str]:
            nonlocal number
            number += 1
            rows = _sweep(truth, at, stop, step, limit, rng)
            return f"{place}_{step}_{number:03d}_{1e6 * limit:g}uA.csv", f"{HEAD}\nV (V),I (A)\n{rows}\n"

        form = truth.v_form + float(rng.normal(0.0, 0.2))
        yield one("form", 1e-4, np.inf if (w, d, c) in dead else form, 5.0)
        reset = truth.v_reset + float(rng.normal(0.0, 0.1))
        yield one("reset", 1e-2, 0.0 if (w, d, c) in dead else reset, -2.0)  # a dead cell is off
        for each in of_cell.get((w, d, c), ()):
            yield one("set", each.limit, each.v_set, truth.stop)
            if each.v_set <= truth.stop:
                yield one("reset", 1e-2, truth.v_reset + float(rng.normal(0.0, 0.1)), -2.0)


def write_wafers(folder: Path, truth: WaferTruth | None = None, seed: int = 0) -> int:
    """Write a folder of files; return their number.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    truth : WaferTruth, optional
    seed : int
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for name, text in files(truth or WaferTruth(), seed):
        writing.write_bytes(folder / name, text.encode())
        number += 1
    return number
