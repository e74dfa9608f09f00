"""The fit of one device at one pulse width: both branches in one window, with variation and warnings."""

from __future__ import annotations

from devicekit.device.card import Window
from devicekit.errors import CodedWarning
from devicekit.fitting.branch.fit import fit_branch, refine_by_innovations
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, choose_window, trains_of
from devicekit.fitting.checks import check_window, judge_pair
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.variation.spread import estimate_variation
from devicekit.tables import PulseTable


def _single_devices(
    sets: dict[str, Trains], names: list[str], window: Window, options: FitOptions
) -> dict[str, dict[str, BranchFit]]:
    devices: dict[str, dict[str, BranchFit]] = {}
    for name in names if len(names) > 1 else ():
        own = {direction: trains.of(name) for direction, trains in sets.items()}
        devices[name] = {
            direction: fit_branch(trains, window, options, with_lmfit=False)
            for direction, trains in own.items()
            if trains.values.size
        }
    return devices


def train_sets(table: PulseTable) -> tuple[dict[str, Trains], list[CodedWarning]]:
    """Trains of both directions, and what was left out."""
    warnings: list[CodedWarning] = []
    sets: dict[str, Trains] = {}
    for direction in ("ltp", "ltd"):
        trains, remarks = trains_of(table, direction)
        warnings += remarks
        if trains is not None:
            sets[direction] = trains
    return sets, warnings


def fit_condition(table: PulseTable, options: FitOptions, window: Window | None = None) -> DeviceFit:
    """Fit the trains of one pulse width; in a given window, or in the range of their own mean curves."""
    sets, warnings = train_sets(table)
    names = table.devices
    if window is None:
        scope = "range of the mean curves" + (f" of {len(names)} devices" if len(names) > 1 else "")
        window = choose_window(list(sets.values()), table.quantity, scope, options.state)
    warnings += check_window(sets, window)
    central = {direction: fit_branch(trains, window, options) for direction, trains in sets.items()}
    devices = _single_devices(sets, names, window, options)
    variation = estimate_variation(sets, central, devices)
    if options.estimator == "innovations":
        for direction, spread in variation.branches.items():
            if spread.increment:
                central[direction] = refine_by_innovations(
                    central[direction], sets[direction], spread.increment, spread.read or 0.0
                )
    warnings += judge_pair(central, sets, window)
    if all(spread.increment is None for spread in variation.branches.values()):
        warnings.append(
            CodedWarning(
                "no_variation",
                "too few cycles to tell how updates scatter: devices drawn from this fit have no C2C",
            )
        )
    return DeviceFit(
        window,
        options.law,
        central.get("ltp"),
        central.get("ltd"),
        devices,
        variation,
        table,
        tuple(warnings),
        options.as_settings(),
    )
