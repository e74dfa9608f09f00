"""CPU times of the physics, in one run: SET by both solvers, a loop, pulse trains, and bare linear algebra.

Run as ``OMP_NUM_THREADS=1 python benchmarks/physics_solvers.py [--json]``. Times are of the process, not
of the clock, for machines that are shared. "Bare" repeats the SET's linear systems, already assembled, through
LAPACK's factorisation and substitution and nothing else.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import lapack

from physics.drive import loops, set_sweep, trains
from physics.iv import make_stepper, simulate_iv
from physics.pulses import DEFAULT_WIDTHS, simulate_pulses
from physics.solvers.elimination import eliminate
from physics.stack import load_stack

REPEATS = 5


def cpu(work: Callable[[], Any]) -> float:
    """CPU time of one call [s]."""
    start = time.process_time()
    work()
    return time.process_time() - start


class _Recording:
    """Stands for scipy's lapack: keeps every factorisation and substitution."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Any]] = []

    def dpbtrf(self, bands: Any, **options: Any) -> Any:
        self.calls.append(("factor", bands.copy(order="F"), None))
        return lapack.dpbtrf(bands, **options)

    def dpbtrs(self, factor: Any, right: Any, **options: Any) -> Any:
        self.calls.append(("substitute", factor, right.copy(order="F")))
        return lapack.dpbtrs(factor, right, **options)


def _sweep(stepper: Any) -> None:
    """The default set sweep, up and back."""
    state = stepper.start()
    for segment in set_sweep(load_stack()):
        state = stepper.run(state, segment)


def bare_time(mesh: str) -> float:
    """CPU time of the SET's linear systems alone [s]: the same calls on the same matrices."""
    import physics.solvers.banded_solver as module

    stepper = make_stepper(load_stack(), "banded", mesh)
    recording, kept = _Recording(), []

    def keep(rows: Any, right: Any) -> Any:
        kept.append((rows.copy(), right.copy()))
        return eliminate(rows, right)

    module.lapack, module.eliminate = recording, keep
    try:
        _sweep(stepper)
    finally:
        module.lapack, module.eliminate = lapack, eliminate

    def solve() -> None:
        for kind, matrix, right in recording.calls:
            if kind == "factor":
                lapack.dpbtrf(matrix, lower=1, overwrite_ab=1)
            else:
                lapack.dpbtrs(matrix, right, lower=1)
        for rows, right in kept:
            eliminate(rows, right)

    return cpu(solve)  # in place: it can run once only


def lapack_time() -> float:
    """CPU time of the same vacancy systems through LAPACK's general band solver, per solve [ms]."""
    import physics.solvers.banded_solver as module

    stepper = make_stepper(load_stack(), "banded", "default")
    width = stepper.grid.mesh.shape[1]
    spent, count = 0.0, 0

    def timed(rows: Any, right: Any) -> Any:
        nonlocal spent, count
        cells = len(rows)
        band = np.zeros((3 * width + 1, cells), order="F")
        for offset in range(-width, width + 1):
            column = rows[:, width + offset]
            band[2 * width - offset, max(offset, 0) : cells + min(offset, 0)] = column[
                max(-offset, 0) : cells - max(offset, 0)
            ]
        b = right.copy()
        spent += cpu(lambda: lapack.dgbsv(width, width, band, b, overwrite_ab=1, overwrite_b=1))
        count += 1
        return eliminate(rows, right)

    module.eliminate = timed
    try:
        _sweep(stepper)
    finally:
        module.eliminate = eliminate
    return 1e3 * spent / count


def _trains() -> float:
    """CPU time of one LTP and LTD pair at each of three widths, conditioning loops left out [s]."""
    stack = load_stack()
    stepper = make_stepper(stack, "banded", "default")
    state = stepper.start()
    for segment in loops(stack, 3):
        state = stepper.run(state, segment)

    def work() -> None:
        for width in DEFAULT_WIDTHS:
            device = state
            for train in trains(stack, width):
                for pulse in train.pulses():
                    for segment in pulse:
                        device = stepper.run(device, segment)
                    stepper.conductance(device.density)

    return cpu(work)


def main() -> None:
    report: dict[str, float] = {}
    for mesh in ("coarse", "default"):
        simulate_iv(mesh=mesh)  # compiled and warm
        result = simulate_iv(mesh=mesh)
        report[f"{mesh}_cells"] = result.mesh.cells
        report[f"{mesh}_set_steps"], report[f"{mesh}_set_solves"] = result.quality.steps, result.quality.solves
        pairs = [(cpu(lambda: simulate_iv(mesh=mesh)), bare_time(mesh)) for _ in range(REPEATS)]  # noqa: B023
        report[f"{mesh}_set_banded_s"], report[f"{mesh}_set_bare_s"] = (
            min(column) for column in zip(*pairs, strict=True)
        )
        report[f"{mesh}_banded_over_bare"] = report[f"{mesh}_set_banded_s"] / report[f"{mesh}_set_bare_s"]
    fipy = cpu(lambda: simulate_iv(solver="fipy"))
    report |= {
        "set_fipy_s": fipy,
        "fipy_over_banded": fipy / report["default_set_banded_s"],
        "vacancy_solve_lapack_ms": lapack_time(),
        "loop_s": cpu(lambda: simulate_iv(cycles=1)),
        "trains_s": _trains(),
        "study_two_pairs_s": cpu(simulate_pulses),
    }
    if "--json" in sys.argv:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        print(f"{name:28} {value:.4g}")


if __name__ == "__main__":
    main()
