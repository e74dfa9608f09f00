"""Tables of the fitting engine's acceptance: recovery, variance components, joint widths, speed.

    python benchmarks/fitting_tables.py recovery|variation|joint|tukey|real|speed|all [--quick]
    python benchmarks/fitting_tables.py recovery|variation|joint|tukey --evidence    # also writes docs/evidence

Every figure comes from synthetic truths with fixed seeds, but for `real`, which reads the folder named by
DEVICEKIT_TEST_DATA. Speed is reported as ratios measured side by side in this process (CPU time).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from fitting_truths import random_truth, truths

from devicekit.core.records import Record
from devicekit.device.blocks import Window
from devicekit.fitting.branch import search
from devicekit.fitting.branch.fit import build_box, fit_branch
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, estimate_noise
from devicekit.fitting.device import fit
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.tables import PulseTable

UNIT = Window(quantity="weight", low=0.0, high=1.0, scope="truth")
NAIVE_EVALUATIONS = 4000


def one_trace(x: np.ndarray) -> Trains:
    rows = np.atleast_2d(x)
    return Trains("ltp", ("d",) * len(rows), np.arange(len(rows)), rows)


def rate_error(found: BranchFit, theta: np.ndarray, x: np.ndarray, trim: int) -> float:
    """Rms error of the rate over the range the trace covers, less `trim` % at either end, over the mean rate."""
    grid = np.linspace(x[0], x[-1], 101)[trim : 101 - trim]
    true = kernel.rates(EQ2.id, theta, grid)
    return float(np.sqrt(np.mean((found.rate(grid) - true) ** 2)) / true.mean())


def recovery(count: int) -> None:
    print(
        f"{count} truths each:\n| class | noise | success | curve error | rate error, whole | rate error, 10-90 % |\n"
        "|---|---|---|---|---|---|"
    )
    for kind in ("eq2", "eq2, gradual", "exponential", "linear"):
        for noise in (0.005, 0.01, 0.02, 0.05):
            rng = np.random.default_rng(1)
            curves, rates = [], []
            for theta in truths(kind, count):
                x = kernel.simulate(EQ2.id, theta, 0.0, 100)
                trace = one_trace(x + noise * rng.standard_normal(x.size))
                found = fit_branch(trace, UNIT, FitOptions(), with_lmfit=False, judge=False)
                curves.append(float(np.sqrt(np.mean((found.trajectory - x) ** 2))))
                rates.append([rate_error(found, theta, x, trim) for trim in (0, 10)])
            success = np.mean(np.array(curves) < max(0.004, noise / 2))
            whole, inner = np.median(rates, axis=0)
            print(f"| {kind} | {noise:.1%} | {success:.1%} | {np.median(curves):.4f} | {whole:.1%} | {inner:.1%} |")


COVERED = (
    np.array([-4.0, 0.95, 1.3, -6.0, 2.0, 1.0]),
    np.array([-4.2, 0.9, 1.0, 0.0, 0.0, 0.0]),
    np.array([-4.1, 0.97, 1.2, 5.0, -2.0, 0.6]),
)
THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}


def _components(card_noise: dict[str, float], rate_sd: float, repeats: int) -> dict[str, float]:
    """Median components over repeated sets of 20 devices x 20 cycles, in units of the true window."""
    found: dict[str, list[float]] = {"increment": [], "read": [], "ln_rate": [], "d2d": []}
    for seed in range(repeats):
        card = truth_card(THETA, **card_noise)  # type: ignore[arg-type]
        table = generate(card, 20, 20, 100, seed, conditioning=2)
        if rate_sd:
            table = _with_cycle_rates(rate_sd, card_noise, seed)
        result = fit(table)
        scale = result.window.span / card.window.span
        for branch in result.variation.branches.values():
            found["increment"].append((branch.increment or 0.0) * scale)
            found["read"].append((branch.read or 0.0) * scale)
            found["ln_rate"].append(branch.cycle_ln_rate or 0.0)
            found["d2d"].append((branch.d2d_anova or 0.0) * scale)
    return {name: float(np.median(values)) for name, values in found.items()}


def _with_cycle_rates(rate_sd: float, noise: dict[str, float], seed: int) -> PulseTable:
    """Cycles that run faster or slower as a whole: each train starts afresh at its end of the window."""
    rng = np.random.default_rng([seed, 9])
    parts = []
    for device in range(20):
        for cycle in range(20):
            for direction, theta in THETA.items():
                gain = rate_sd * rng.standard_normal()
                x = kernel.simulate(EQ2.id, np.array([theta[0] + gain, *theta[1:]]), 0.0, 100)
                r = (x if direction == "ltp" else 1 - x) + noise["read"] * rng.standard_normal(101)
                parts.append(
                    pd.DataFrame(
                        {
                            "device_id": f"d{device}",
                            "cycle": cycle,
                            "direction": direction,
                            "pulse_index": range(101),
                            "conductance_s": 1e-4 + 2.8e-4 * r,
                        }
                    )
                )
    return PulseTable(pd.concat(parts, ignore_index=True))


def variation(repeats: int) -> None:
    print(f"20 devices x 20 cycles, median of {repeats} sets and both branches:")
    print("| truth | increment | read | ln rate per cycle | D2D |\n|---|---|---|---|---|")
    cases: list[tuple[str, dict[str, float], float]] = [
        ("increment 1 %, read 2 %", {"increment": 0.01, "read": 0.02}, 0.0),
        ("increment 0.3 %, read 2 %", {"increment": 0.003, "read": 0.02}, 0.0),
        ("increment 1 %, no read", {"increment": 0.01, "read": 0.0}, 0.0),
        ("read 2 % alone", {"increment": 0.0, "read": 0.02}, 0.0),
        ("cycle rate 10 %, read 1 %", {"increment": 0.0, "read": 0.01}, 0.1),
    ]
    for name, noise, rate_sd in cases:
        c = _components(noise, rate_sd, repeats)
        print(f"| {name} | {c['increment']:.4f} | {c['read']:.4f} | {c['ln_rate']:.3f} | {c['d2d']:.4f} |")
    found, raw = [], []
    for seed in range(4 * repeats):
        card = truth_card(THETA, increment=0.01, read=0.02)
        result = fit(generate(card, 20, 5, 100, seed, conditioning=2))
        found += [b.d2d_anova for b in result.variation.branches.values() if b.d2d_anova is not None]
        raw += [b.d2d_variance for b in result.variation.branches.values() if b.d2d_variance is not None]
    print(
        f"\n  D2D truly 0, 5 cycles: median {np.median(found):.4f}, 90 % below {np.quantile(found, 0.9):.4f}; "
        f"root of the mean unclipped variance {np.sign(np.mean(raw)) * np.sqrt(abs(np.mean(raw))):.4f}"
    )
    _spread_of_samples()


def _rounded(record: Record) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 3) for name, value in record.as_dict().items()}


def _spread_of_samples() -> None:
    """Spread of devices and cycles drawn from a fitted card against that of the data it was fitted to."""
    from devicekit.fitting.sampling import spread_ratio

    card = truth_card(THETA, increment=0.004, read=0.01, ln_rate_sd=0.12)
    result = fit(generate(card, 20, 20, 100, 3, conditioning=2))
    for direction in result.branches:
        ratio = _rounded(spread_ratio(result, direction, seed=1))
        print(f"  spread of samples / of data, synthetic {direction}: {ratio}")


def joint(repeats: int) -> None:
    theta = COVERED[0]
    widths, shifts = (5e-6, 5e-5, 5e-4), (-1.2, 0.0, 0.8)
    errors: dict[str, list[list[float]]] = {"separate": [], "joint": []}
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 4])
        parts, truth = [], []
        for width, shift in zip(widths, shifts, strict=True):
            own = np.array([theta[0] + shift, *theta[1:]])
            x = kernel.simulate(EQ2.id, own, 0.0, 100)
            truth.append(own)
            for direction in ("ltp", "ltd"):
                y = (x if direction == "ltp" else 1 - x) + 0.03 * rng.standard_normal(101)
                parts.append(
                    pd.DataFrame(
                        {
                            "device_id": "d",
                            "cycle": 1,
                            "direction": direction,
                            "pulse_index": range(101),
                            "weight": y,
                            "pulse_width_s": width,
                        }
                    )
                )
        table = PulseTable(pd.concat(parts, ignore_index=True))
        for name, share in (("separate", None), ("joint", "width")):
            conditions = fit(table, share=share).conditions
            row = []
            for condition, own in zip(conditions, truth, strict=True):
                r = np.linspace(0.03, 0.93, 19)
                true = kernel.rates(EQ2.id, own, r)
                rate = condition.branches["ltp"].rate(condition.window.to_state(r)) * condition.window.span
                row.append(float(np.sqrt(np.mean((rate - true) ** 2)) / true.mean()))
            errors[name].append(row)
    cells = [" / ".join(f"{value:.1%}" for value in np.median(rows, axis=0)) for rows in errors.values()]
    print(f"| | {' | '.join(errors)} |\n|---|---|---|")
    print(
        f"| three widths at 3 % noise, median rate error of short / middle / long pulses, {repeats} sets | "
        f"{' | '.join(cells)} |"
    )


def tukey(repeats: int) -> None:
    errors: dict[str, list[float]] = {"linear": [], "tukey": []}
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 5])
        x = kernel.simulate(EQ2.id, COVERED[seed % 3], 0.0, 100)
        y = x + 0.01 * rng.standard_normal(101)
        y[rng.choice(np.arange(1, 100), 2, replace=False)] += rng.choice([-0.5, 0.5], 2)
        for loss, found in errors.items():
            trajectory = fit_branch(one_trace(y), UNIT, FitOptions(loss=loss), with_lmfit=False, judge=False).trajectory
            found.append(float(np.sqrt(np.mean((trajectory - x) ** 2))))
    print(
        "| | least squares | Tukey |\n|---|---|---|\n| 2 % outliers of half the window, median curve error | "
        f"{np.median(errors['linear']):.4f} | {np.median(errors['tukey']):.4f} |"
    )


def real() -> None:
    from devicekit.fitting.comparison import compare
    from devicekit.fitting.sampling import spread_ratio

    folder = Path(os.environ["DEVICEKIT_TEST_DATA"])
    sets = {
        "CrossSim ramps": (folder / "crosssim_ramps", {"quantity": "current", "read_voltage": 0.1}),
        "Gong ReRAM": (folder / "gong_reram" / "gong_et_al.csv", {"quantity": "weight"}),
    }
    for name, (path, reading) in sets.items():
        result = fit(path, **reading)  # type: ignore[arg-type]
        comparison = compare(path, **reading)
        for direction, branch in result.branches.items():
            spread = result.variation.branches[direction]
            best = [score.model for score in comparison.branches[direction][:3]]
            print(
                f"{name} {direction}: nrmse {branch.nrmse:.4f} R2 {branch.r2:.5f} noise {branch.noise:.4f}; best "
                f"by BIC {best}; "
                f"NL {comparison.nl[direction]['data']:.2f} (data) {comparison.nl[direction]['fit']:.2f} (fit)"
            )
            if spread.n_cycles > 1:
                ratio = _rounded(spread_ratio(result, direction, seed=1))
                print(
                    f"    paper spread {spread.c2c_paper:.4f}, increment {spread.increment:.5f}, read "
                    f"{spread.read:.5f}, offset "
                    f"{spread.cycle_offset:.4f}, ln rate {spread.cycle_ln_rate:.4f}; samples "
                    f"{ratio}"
                )
        for sentence in result.variation.sentences():
            print("   ", sentence)
        print("    warnings:", ", ".join(dict.fromkeys(warning.code for warning in result.warnings)))


def naive(y: np.ndarray) -> tuple[float, bool]:
    """What a user writes first: eight coefficients, lmfit leastsq, a Python loop, a generic start."""
    import lmfit

    parameters = lmfit.Parameters()
    start = {
        "a": (0.02, 0, 5),
        "b": (1.0, 0.5, 3),
        "c": (0.9, 0, 3),
        "d": (1.0, 0, 6),
        "f": (1.0, -40, 40),
        "g": (-1.0, -15, 15),
        "h": (1.0, 0, 6),
        "i": (1.0, 0.01, 5),
    }
    for name, (value, low, high) in start.items():
        parameters.add(name, value=value, min=low, max=high)

    def residual(p: lmfit.Parameters) -> np.ndarray:
        v = p.valuesdict()
        r, path = y[0], np.empty(y.size)
        for n in range(y.size):
            path[n] = r
            base = max(v["b"] - v["c"] * r, 0.0)
            r = min(r + v["a"] * base ** v["d"] / (v["i"] + np.exp(min(v["f"] * r + v["g"], 50.0))) ** v["h"], 3.0)
        return path - y

    result = lmfit.minimize(residual, parameters, method="leastsq", max_nfev=NAIVE_EVALUATIONS)
    return float(np.sqrt(np.mean(np.asarray(result.residual) ** 2))), bool(result.success)


def timed(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def speed(count: int) -> None:
    rng = np.random.default_rng(0)
    clean = [kernel.simulate(EQ2.id, random_truth(rng), 0.0, 100) for _ in range(400)]
    traces = [x + 0.01 * rng.standard_normal(101) for x in clean]
    options = FitOptions()

    def ours(y: np.ndarray) -> search.Optimum:
        noise = estimate_noise(y)
        return search.search(EQ2, y, np.ones(y.size), build_box(EQ2, y, noise), noise)

    ours(traces[0])
    fit_branch(one_trace(traces[0]), UNIT, options, judge=False)
    searching = timed(lambda: [ours(y) for y in traces]) / len(traces)
    whole = timed(lambda: [fit_branch(one_trace(y), UNIT, options, judge=False) for y in traces[:100]]) / 100
    few = traces[:count]
    plain: list[tuple[float, bool]] = []
    naive_time = timed(lambda: plain.extend(naive(y) for y in few)) / len(few)
    rms_ours = [float(np.sqrt(ours(y).sse / y.size)) for y in few]
    better = np.mean([mine <= theirs[0] * 1.01 for mine, theirs in zip(rms_ours, plain, strict=True)])
    print(
        f"search {1e3 * searching:.2f} ms a trace; with lmfit's last call {1e3 * whole:.2f} ms; plain lmfit "
        f"{1e3 * naive_time:.0f} ms"
    )
    print(f"plain lmfit / search = {naive_time / searching:.0f}; / search with lmfit = {naive_time / whole:.0f}")
    print(
        f"ours at equal or better rms in {better:.0%} of {len(few)}; plain lmfit succeeded in "
        f"{np.mean([p[1] for p in plain]):.0%}"
    )
    if "DEVICEKIT_TEST_DATA" in os.environ:
        _crosssim_speed(ours)


def _crosssim_speed(ours: Callable[[np.ndarray], search.Optimum]) -> None:
    folder = Path(os.environ["DEVICEKIT_TEST_DATA"]) / "crosssim_ramps"
    ramps = []
    for name, sign in (("set.csv", 1), ("reset.csv", -1)):
        for _, column in pd.read_csv(folder / name).items():
            g = column.dropna().to_numpy() / 0.1
            r = (g - 1.58e-3) / 0.92e-3
            ramps.append(r if sign > 0 else 1 - r)
    found: list[float] = []
    mine = timed(lambda: found.extend(ours(x).objective for x in ramps)) / len(ramps)
    brute = []
    for x in ramps:
        noise = estimate_noise(x)
        box, w = build_box(EQ2, x, noise), np.ones(x.size)
        starts = search.library_starts(EQ2, x, w, box, search.THOROUGH_STARTS)
        brute.append(min(search.descend(EQ2, start, x, w, box).objective for start in starts))
    ratio = np.sqrt(np.array(found) / np.array(brute))
    print(
        f"CrossSim ramps: {1e3 * mine:.1f} ms each; rms over the best of 16 full starts: median "
        f"{np.median(ratio):.4f}, worst {ratio.max():.3f}, within 1 % in {np.mean(ratio < 1.01):.0%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {
        "recovery": lambda quick: recovery(20 if quick else 200),
        "variation": lambda quick: variation(1 if quick else 5),
        "joint": lambda quick: joint(5 if quick else 60),
        "tukey": lambda quick: tukey(20 if quick else 200),
        "real": lambda quick: real(),
        "speed": lambda quick: speed(5 if quick else 40),
    }
    parser.add_argument("table", choices=[*tables, "all"])
    parser.add_argument("--quick", action="store_true", help="few repeats: a smoke test")
    arguments = parser.parse_args()
    for name, make in tables.items():
        if arguments.table in (name, "all"):
            print(f"== {name}")
            make(arguments.quick)


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, *(f"fitting_{name}" for name in sys.argv[1:2])))
