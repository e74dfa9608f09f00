"""A measured compliance ladder, one level left out, all of them in turn: what a calibration on the others predicts.

    python benchmarks/ladder.py DIR [--jobs N] [--ideal] [--ends] [--growth] [--material NAME]

DIR keeps the simulations, so that an interrupted run goes on. Needs the measured file compliance_ladder of the test
data (DEVICEKIT_TEST_DATA). For every level left out it prints the root mean square of ln I of SET, way back and RESET,
beside those of two baselines without a model: the nearest other level clipped at the compliance, and the logarithmic
mean of the two nearest, clipped too. `--ends` leaves both ends out at once and scores them beside log-linear
extrapolation of the others: the simulation itself, and the nearest measured level changed as the simulation changes.
`--growth` frees the exponents of the filament's radius and of the density in its gap, too. `--ideal` leaves the
transistor out. V_reset is the voltage of the largest RESET current.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

import devicekit
from physics.calibration.fit import calibrate
from physics.calibration.measured import Level, levels_of
from physics.stack import load_material

FREE = {
    "reaction.energy": (1.38, 1.55),
    "reaction.forward_dipole": (2.5, 7.7),
    "reaction.reverse_dipole": (0.2, 10.0),
    "reaction.oxygen": (0.14, 7.0),
    "conduction.filament": (4.4e4, 1.45e5),
    "conduction.hop_length": (0.1, 1.6),
    "filament.radius": (3.7, 6.8),
    "filament.gap_density": (0.005, 0.08),
    "heat.electrode_resistance": (3e-11, 1.2e-9),
    "circuit.transistor_beta": (5e-4, 2e-2),
}
"""The free parameters, with 95 % of what one would believe before."""

OF_H = {
    "reaction.energy": (2.25, 2.6),
    "reaction.forward_dipole": (7.0, 20.0),
    "reaction.reverse_dipole": (0.1, 3.0),
    "reaction.oxygen": (0.05, 20.0),
    "conduction.filament": (2.5e4, 1e5),
    "filament.radius": (3.5, 7.0),
    "filament.gap_density": (0.002, 0.1),
    "heat.electrode_resistance": (1e-10, 2.5e-9),
}
"""What differs for set H."""

GROWTH = {"filament.radius_exponent": (0.1, 0.9), "filament.gap_exponent": (0.1, 2.0)}

RATE = 1.0  # V/s: the file does not state it


def baselines(left: Level, others: list[Level]) -> dict[str, dict[str, float]]:
    """Root mean square of ln I by branch, of the nearest level and of the mean of the two nearest."""
    near = sorted(others, key=lambda each: abs(np.log(each.compliance / left.compliance)))
    found: dict[str, dict[str, float]] = {"nearest": {}, "mean": {}}
    for branch in left.branches:
        size, values = np.abs(branch.voltage), []
        for each in near[:2]:
            own = each.branch(branch.name)
            assert own is not None
            order = np.argsort(np.abs(own.voltage))
            # beyond its last usable point the other level sits at its compliance
            beyond = np.log(each.compliance) if branch.name != "reset" else own.log_current[order][-1]
            log_i = np.interp(size, np.abs(own.voltage)[order], own.log_current[order], right=beyond)
            values.append(np.minimum(log_i, np.log(left.compliance)) if branch.name != "reset" else log_i)
        for name, guess in (("nearest", values[0]), ("mean", np.mean(values, axis=0))):
            found[name][branch.name] = float(np.sqrt(np.mean((guess - branch.log_current) ** 2)))
    return found


def extrapolated(left: Level, others: list[Level]) -> dict[str, float]:
    """Root mean square of ln I by branch, of a line in ln I against ln compliance through two levels, clipped."""
    found = {}
    one, two = sorted(others, key=lambda each: each.compliance)
    share = float(np.log(left.compliance / one.compliance) / np.log(two.compliance / one.compliance))
    for branch in left.branches:
        size, values = np.abs(branch.voltage), []
        for each in (one, two):
            own = each.branch(branch.name)
            assert own is not None
            order = np.argsort(np.abs(own.voltage))
            beyond = np.log(each.compliance) if branch.name != "reset" else own.log_current[order][-1]
            values.append(np.interp(size, np.abs(own.voltage)[order], own.log_current[order], right=beyond))
        guess = values[0] + share * (values[1] - values[0])
        if branch.name != "reset":
            guess = np.minimum(guess, np.log(left.compliance))
        found[branch.name] = float(np.sqrt(np.mean((guess - branch.log_current) ** 2)))
    return found


def v_reset(level: Level, log_current: list[float] | np.ndarray) -> float:
    """Voltage of the largest RESET current [V]."""
    branch = level.branch("reset")
    assert branch is not None
    return float(branch.voltage[int(np.argmax(log_current))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--material", choices=["reversible", "enthalpy"], default="reversible")
    parser.add_argument("--ideal", action="store_true")
    parser.add_argument("--ends", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--iterations", type=int, default=12)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    file = Path(os.environ["DEVICEKIT_TEST_DATA"]) / "compliance_ladder" / "iv_50_100_200_400uA.csv"
    levels = levels_of(devicekit.read(file, unit="uA"), RATE)
    stack, free = load_material(options.material), FREE | (OF_H if options.material == "enthalpy" else {})
    if options.ideal:
        free.pop("circuit.transistor_beta")
    else:
        stack = stack.replace({"circuit.transistor_beta": 4e-3})
    if options.growth:
        free |= GROWTH
        stack = stack.replace({"filament.radius_exponent": 0.3, "filament.gap_exponent": 0.5})
    levels = sorted(levels, key=lambda each: each.compliance)
    if options.ends:
        ends = [levels[0], levels[-1]]
        out, inner = [each.compliance for each in ends], levels[1:-1]
        fit = calibrate(
            levels, stack, free, hold_out=out, jobs=options.jobs, store=options.out, most_iterations=options.iterations
        )
        for each in fit.levels:
            row = {"left_out": each.held_out, "level": each.level.name, "model": each.rms}
            if each.held_out:
                row |= {"change": each.change, "extrapolated": extrapolated(each.level, inner)}
            row["v_reset"] = {
                "measured": v_reset(each.level, each.level.branch("reset").log_current),  # type: ignore[union-attr]
                "model": v_reset(each.level, each.simulated.branches["reset"]),
            }
            print(json.dumps(row), flush=True)
        print(
            json.dumps(
                {"rms": fit.rms, "misfit": fit.misfit, "parameters": {x.key: x.estimate.value for x in fit.parameters}}
            )
        )
        return
    rows = []
    for left in [None, *levels]:
        out = [] if left is None else [left.compliance]
        fit = calibrate(levels, stack, free, hold_out=out, jobs=options.jobs, store=options.out)
        for each in fit.levels:
            if left is None or each.held_out:
                row = {"left_out": left is not None, "level": each.level.name, "model": each.rms}
                row["v_reset"] = {
                    "measured": v_reset(each.level, each.level.branch("reset").log_current),  # type: ignore[union-attr]
                    "model": v_reset(each.level, each.simulated.branches["reset"]),
                }
                if left is not None:
                    row |= baselines(left, [other for other in levels if other is not left])
                rows.append(row)
                print(json.dumps(row), flush=True)
        print(
            json.dumps({"rms": fit.rms, "misfit": fit.misfit, "runs": fit.model.runs, "converged": fit.converged}),
            flush=True,
        )


if __name__ == "__main__":
    main()
