"""Wires against two public solvers and a sparse solution of all nodes, and what each way costs.

    python benchmarks/wires_peers.py DATA_DIR           # DATA_DIR/optdigits: 64-1000-10, for the cost of an epoch
    python benchmarks/wires_peers.py DATA_DIR --check   # exit code 1 if a figure misses its target

About a minute with OMP_NUM_THREADS=1, which the CPU seconds are meant for. The peers are imported if they are there,
and named if not; put them in a folder of their own:

    pip install --no-deps --target PEERS badcrossbar==1.1.0 pathvalidate sigfig  # without pycairo, which only draws
    git clone --branch v3.2.0 https://github.com/sandialabs/cross-sim CROSSSIM
    PYTHONPATH=$PYTHONPATH:PEERS:CROSSSIM python benchmarks/wires_peers.py DATA_DIR

badcrossbar (doi 10.1016/j.softx.2020.100617) solves the same circuit: word lines driven at the first column, bit lines
grounded below the last row, a segment of wire before the first device and behind the last. CrossSim's
`NoninterleavedInputSourceArray` is the same circuit too, its matrix transposed (inputs enter at the first output); its
terminal resistances are 0 here. It repeats an under-relaxed fixed point until every voltage agrees to a tolerance, with
shorter and shorter steps where wires take most of the voltage: it is asked at G_eff / G of 0.15 or more only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import sys
import time
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

import devicekit
from devicekit.device.wires import Wires, effective_conductance
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import Run

WINDOWS = {"63-280 uS": (63e-6, 280e-6), "1.64-2.47 mS": (1.64e-3, 2.47e-3)}
SIDES = (32, 64)
OHMS = (0.1, 1.0, 10.0)
SHAPES = ((64, 64), (128, 128), (256, 256), (64, 1000))
REPEATS = 3
AT_A_TIME = 16  # right-hand sides of the sparse solver: 64 at once take longer, in memory
LEAST_LEFT = 0.15  # mean G_eff / G from which CrossSim is asked
TOLERANCE = 1e-10  # of its voltages, in volt per volt of input
VECTORS = 3
SEEDS, EPOCHS = 3, 6

missed: list[str] = []


def devices(shape: tuple[int, int], window: tuple[float, float]) -> np.ndarray:
    """Conductances of a tile [S], uniform over a window."""
    return np.random.default_rng(list(shape)).uniform(*window, shape)


def inputs(rows: int) -> np.ndarray:
    """Voltages, a column each: half of the word lines at 1 V, the others grounded."""
    return (np.random.default_rng(rows).random((rows, VECTORS)) < 0.5).astype(float)


def whole(wires: float, shape: tuple[int, int]) -> Wires:
    """The wires of one tile of that shape."""
    return Wires(wires, tile=shape)


def sparse(g: np.ndarray, ohm: float) -> np.ndarray:
    """Kirchhoff's current law at every node: word node (i, j) is i n + j, bit node m n + i n + j."""
    m, n = g.shape
    word, bit = np.arange(m * n).reshape(m, n), m * n + np.arange(m * n).reshape(m, n)
    wire = 1.0 / ohm
    pairs = [
        (word.ravel(), bit.ravel(), g.ravel()),
        (word[:, :-1].ravel(), word[:, 1:].ravel(), np.full(m * (n - 1), wire)),
        (bit[:-1].ravel(), bit[1:].ravel(), np.full((m - 1) * n, wire)),
    ]
    here, there, value = (np.concatenate(each) for each in zip(*pairs, strict=True))
    ends = np.concatenate([word[:, 0], bit[-1]])
    rows = np.concatenate([here, there, here, there, ends])
    columns = np.concatenate([here, there, there, here, ends])
    values = np.concatenate([value, value, -value, -value, np.full(m + n, wire)])
    matrix = coo_matrix((values, (rows, columns)), (2 * m * n, 2 * m * n)).tocsc()
    options = {"SymmetricMode": True}
    solved = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
    # as few right-hand sides as there are lines on the shorter side: outputs may be driven instead of inputs
    driven, sensed = (word[:, 0], bit[-1]) if m <= n else (bit[-1], word[:, 0])
    found = np.empty((sensed.size, driven.size))
    for start in range(0, driven.size, AT_A_TIME):
        some = driven[start : start + AT_A_TIME]
        right = np.zeros((2 * m * n, some.size))
        right[some, np.arange(some.size)] = wire
        found[:, start : start + some.size] = wire * solved.solve(right)[sensed]
    return found.T if m <= n else found


def off(found: np.ndarray, ours: np.ndarray) -> float:
    """Largest relative difference."""
    return float(np.abs(found / ours - 1).max())


def judge(what: str, value: float, target: tuple[float, float]) -> str:
    """A figure beside its target; remembered if it is missed."""
    low, high = target
    good = low <= value <= high
    if not good:
        missed.append(what)
    bounds = f"<= {high:g}" if low == 0 else f"{low:g} to {high:g}"
    return f"{what}: {value:.3g} (target {bounds}){'' if good else '  MISSED'}"


def against_sparse() -> None:
    """Exact G_eff against the sparse solution, shapes that are not square too."""
    currents = entries = 0.0
    for shape in ((32, 32), (64, 64), (64, 200), (200, 64)):
        for window in WINDOWS.values():
            for ohm in OHMS:
                g = devices(shape, window)
                theirs, ours = sparse(g, ohm), effective_conductance(g, whole(ohm, shape))
                on = inputs(shape[0]).T
                currents, entries = max(currents, off(on @ theirs, on @ ours)), max(entries, off(theirs, ours))
    print(judge(f"block against splu (scipy {scipy.__version__}), output currents", currents, (0, 1e-12)))
    print(f"  each entry of G_eff against itself, down to those of 1e-5 of the largest: {entries:.1e}")


def against_badcrossbar() -> None:
    """Output currents of each word line driven alone, and of half of them."""
    try:
        with warnings.catch_warnings(record=True):  # it says that it cannot draw
            import badcrossbar  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        print("badcrossbar is not there: pip install --no-deps --target PEERS badcrossbar pathvalidate sigfig")
        return
    logging.getLogger("badcrossbar").setLevel(logging.WARNING)
    version = importlib.metadata.version("badcrossbar")
    worst = 0.0
    for name, window in WINDOWS.items():
        for side in SIDES:
            for ohm in OHMS:
                g = devices((side, side), window)
                volts = np.hstack([np.eye(side), inputs(side)])
                options = {"r_i_word_line": ohm, "r_i_bit_line": ohm, "node_voltages": False, "all_currents": False}
                theirs = badcrossbar.compute(volts, 1 / g, **options).currents.output
                ours = effective_conductance(g, whole(ohm, g.shape))
                error = off(theirs, volts.T @ ours)
                print(f"  {name} {side} x {side} {ohm:g} ohm, G_eff/G {(ours / g).mean():.2f}: {error:.1e}")
                worst = max(worst, error)
    print(judge(f"exact against badcrossbar {version}, output currents", worst, (0, 1e-10)))


def against_crosssim() -> None:
    """Output currents of half of the word lines, where not all is lost on the way."""
    try:
        from simulator.backend import ComputeBackend  # type: ignore[import-not-found]

        ComputeBackend(use_gpu=False)  # before all else: its modules ask for it
        import simulator  # type: ignore[import-not-found]
        from simulator.circuits.array import NoninterleavedInputSourceArray  # type: ignore[import-not-found]
        from simulator.parameters import CrossSimParameters  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        print("CrossSim is not there: git clone https://github.com/sandialabs/cross-sim CROSSSIM, on PYTHONPATH")
        return
    worst = 0.0
    for name, window in WINDOWS.items():
        for side in SIDES:
            for ohm in OHMS:
                g = devices((side, side), window)
                ours = effective_conductance(g, whole(ohm, g.shape))
                drop = (ours / g).mean()
                if drop < LEAST_LEFT:
                    print(f"  {name} {side} x {side} {ohm:g} ohm, G_eff/G {drop:.2f}: not asked")
                    continue
                settings = CrossSimParameters()
                settings.xbar.device.Rmin = 1 / window[1]  # its unit of resistance
                settings.xbar.array.parasitics.enable = True
                settings.xbar.array.parasitics.Rp_row = settings.xbar.array.parasitics.Rp_col = ohm
                settings.simulation.Verr_th_mvm = TOLERANCE
                settings.simulation.Niters_max_parasitics = 1000
                settings.simulation.relaxation_gamma = 0.9
                settings.simulation.hide_convergence_msg = True
                array = NoninterleavedInputSourceArray(settings)
                began = time.process_time()
                with np.errstate(all="ignore"):  # it tries steps that diverge, and shortens them
                    theirs = [array.iterative_solve((g / window[1]).T, volts) for volts in inputs(side).T]
                seconds = (time.process_time() - began) / VECTORS
                error = off(np.array(theirs) * window[1], inputs(side).T @ ours)
                shown = f"{error:.1e}, {seconds:.3f} CPU s a vector, step {array.gamma:.2f}"
                print(f"  {name} {side} x {side} {ohm:g} ohm, G_eff/G {drop:.2f}: {shown}")
                worst = max(worst, error)
    version = tomllib.loads((Path(simulator.__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]
    what = f"exact against CrossSim {version} (tolerance {TOLERANCE:g}), output currents where G_eff/G >= {LEAST_LEFT}"
    print(judge(what, worst, (0, 1e-8)))


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds, the least of some repeats."""
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def costs_of_solving() -> None:
    """Sparse and separable beside block elimination."""
    for shape in SHAPES:
        g = devices(shape, WINDOWS["63-280 uS"])
        wires = whole(1.0, shape)
        block = seconds(lambda g=g, wires=wires: effective_conductance(g, wires))
        cheap = seconds(lambda g=g, wires=wires: [effective_conductance(g, wires, "separable") for _ in range(10)]) / 10
        full = seconds(lambda g=g: sparse(g, 1.0))
        size = f"{shape[0]} x {shape[1]}"
        print(f"  {size}: block {block:.3g}, splu {full:.3g}, separable {cheap:.2g} CPU s")
        print("  " + judge(f"{size} splu / block", full / block, (1.2, 5)))
        if min(shape) >= 128:
            print("  " + judge(f"{size} separable / block", cheap / block, (0, 1 / 30)))


def cost_of_an_epoch(folder: Path) -> None:
    """CPU seconds of an in-situ epoch with wires over one without, in turn, and in turn the first."""
    card = devicekit.load_card(Path(__file__).parents[1] / "datasets" / "pt-hfo2-al2o3-ti" / "card.json")
    data = load("optdigits", folder / "optdigits")
    ratios = []
    for seed in range(SEEDS):
        base = TrainingConfig(seed=seed, epochs=EPOCHS + 1, tile=(64, 128))
        runs = {ohm: Run(card, replace(base, wire_ohm=ohm), data) for ohm in (0.0, 1.0)}
        for epoch in range(EPOCHS + 1):
            taken = {}
            for ohm in sorted(runs, reverse=epoch % 2 == 1):
                began = time.process_time()
                runs[ohm].learn(epoch)
                taken[ohm] = time.process_time() - began
            if epoch > 0:  # the first one compiles
                ratios.append(taken[1.0] / taken[0.0])
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    print("  " + judge("in-situ epoch under wires of 1 ohm / without, median", float(middle), (0, 1.1)))
    print(f"  quartiles of {len(ratios)} pairs of epochs {low:.2f}, {high:.2f}; one without: {taken[0.0]:.2f} CPU s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true", help="exit code 1 if a figure misses its target")
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}, scipy {scipy.__version__}")
    against_sparse()
    against_badcrossbar()
    against_crosssim()
    costs_of_solving()
    cost_of_an_epoch(given.data)
    if given.check and missed:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
