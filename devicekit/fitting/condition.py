"""Fit of one device at one pulse width: both branches in one window, with variation and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.text import listed
from devicekit.device.blocks import Window
from devicekit.fitting.branch.checks import update_warnings
from devicekit.fitting.branch.dead_devices import DeadDevice, find_dead_devices
from devicekit.fitting.branch.fit import (
    FEWEST_CLUSTERS,
    find_outliers,
    fit_branch,
    mean_optimum,
    refine_by_innovations,
    with_cluster_covariance,
)
from devicekit.fitting.branch.lattice import find_lattice
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.rereads import Rereads, scatter_at_junctions, scatter_of_repeats
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, choose_window, estimate_noise, select_trains
from devicekit.fitting.branch.unscaled import unscaled, unscaled_trains
from devicekit.fitting.checks import check_branches, check_window
from devicekit.fitting.likelihood.band import device_band, mean_band
from devicekit.fitting.likelihood.fit import UNLIKELY, TrainFit, fit_trains
from devicekit.fitting.likelihood.misfit import HINT, Misfit, local_errors, misfit
from devicekit.fitting.likelihood.priors import PRIOR_SD
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.sampling import spread_ratios
from devicekit.fitting.variation.result import WHOLE, BranchSpread
from devicekit.fitting.variation.spread import estimate_variation
from devicekit.fitting.variation.windows import OwnWindow
from devicekit.models.registry import ladder
from devicekit.tables import PulseTable

MOST_DEVICES = 20  # whose trains determine the noise of a set
MOST_JUDGED = 10  # trains of a device, for a first guess of the noise
OF_ONE_PULSE = ("increment", "read", "held")
CEILING_WORDS = {
    "increment": "the scatter of one update",
    "read": "the scatter of one reading",
    "offset": "the scatter of the window's offset",
    "ln_rate": "the scatter of the rate over cycles",
    "start": "the scatter of the start",
    "step": "the scatter in proportion to the step",
    "held": "the fluctuation from pulse to pulse",
}
FLOOR = 0.02  # of the rate: errors where logistic truths of 20 read trains pass every test are smaller
FURTHEST_CURVE = 0.01  # of the window: most likely laws whose curve misses the mean curve by more are not drawn
MOST_NAMED = 5  # dead devices, in a sentence
LARGE = 10**6  # degrees of freedom of a normal quantile


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


def _fit_whole_trains(
    trains: Trains, central: BranchFit, own: dict[str, BranchFit], options: FitOptions
) -> tuple[TrainFit, tuple[str, ...], Misfit]:
    """Fit law and noise by the likelihood of whole trains; return also the devices used and the misfit."""
    names = list(dict.fromkeys(trains.devices))
    chosen = [names[k] for k in np.unique(np.linspace(0, len(names) - 1, MOST_DEVICES).astype(int))]
    fits = [own.get(name, central) for name in chosen]
    rising = [trains.of(name).rising(central.window) for name in chosen]
    if options.loss == "tukey":
        rising = [np.where(find_outliers(fit), np.nan, rows) for fit, rows in zip(fits, rising, strict=True)]
    noise = float(np.median([estimate_noise(row) for rows in rising for row in rows[:MOST_JUDGED]]))
    starts = [fit.parameters for fit in fits]
    nested = [(law, [mean_optimum(law, fit) for fit in fits]) for law in ladder(central.law)]
    found = fit_trains(central.law, rising, starts, noise, nested)
    return found, tuple(chosen), misfit(found, rising)


def _by_innovations(fitted: BranchFit, trains: Trains, found: TrainFit, spread: BranchSpread) -> BranchFit:
    """Fit by one-step errors: the likelihood's maximum for one device, one gain for the mean of several."""
    if fitted.band is None or len(found.parameters) > 1:
        return refine_by_innovations(fitted, trains, spread.increment or 0.0, spread.read or 0.0)
    cycles = len(trains.values)
    method = f"innovations: {fitted.band.method}"
    top = replace(fitted, parameters=found.parameters[0], method=method, at_bound=found.at_bound(0), final_solve=None)
    return update_warnings(top, explained=cycles > 1, alone=cycles == 1)


def _with_bands(
    central: BranchFit,
    own: dict[str, BranchFit],
    found: TrainFit,
    chosen: tuple[str, ...],
    trains: Trains,
    options: FitOptions,
) -> tuple[BranchFit, dict[str, BranchFit]]:
    """Return the fits with what their bands are computed from.

    From four repeats on the cluster sandwich is kept where the law does not follow the trains (the likelihood would
    take the misfit for noise), and for the mean of four devices or more, since it measures their scatter.
    """
    clear = found.p_value >= UNLIKELY
    cycles = max(trains.devices.count(name) for name in set(trains.devices))
    left = [local_errors(found, k, trains.of(name).rising(central.window)) for k, name in enumerate(chosen)]
    if len(own) < FEWEST_CLUSTERS and (clear or max(cycles, len(own)) < FEWEST_CLUSTERS):
        band = replace(mean_band(found, cycles), left=left[0] if len(chosen) == 1 else None)
        central = replace(central, band=band)
        if not own:
            central = replace(central, covariance=band.covariance[0], degrees=LARGE, method=band.method)
            # the law holds: take the estimate of the same likelihood as the errors
            if cycles > 1 and options.estimator == "auto":
                parameters, bounds = found.parameters[0], found.at_bound(0)
                likely = replace(central, parameters=parameters, at_bound=bounds, final_solve=None)
                central = likely if likely.rms <= central.rms + FURTHEST_CURVE else central
        central = update_warnings(central, explained=clear and cycles > 1, alone=cycles == 1)
    for k, name in enumerate(chosen if own else ()):
        if name in own and (clear or cycles < FEWEST_CLUSTERS):
            band = replace(device_band(found, k, cycles), left=left[k])
            covariance = band.covariance[0]
            fitted = replace(own[name], band=band, covariance=covariance, degrees=LARGE, method=band.method)
            own[name] = update_warnings(fitted, explained=clear and cycles > 1, alone=cycles == 1)
    return central, own


def train_sets(table: PulseTable) -> dict[str, Trains]:
    """Return the trains of both directions."""
    found = {direction: select_trains(table, direction) for direction in DIRECTIONS}
    return {direction: trains for direction, trains in found.items() if trains is not None}


def fit_condition(table: PulseTable, options: FitOptions, window: Window | None = None) -> DeviceFit:
    """Fit the trains of one pulse width, in a given window or in the range of their own mean curves."""
    sets = train_sets(table)
    names = table.devices
    dead: list[DeadDevice] = []
    if len(names) > 1:
        dead = find_dead_devices(sets, window or choose_window(list(sets.values()), table.quantity, "", options.state))
        if len(dead) == len(names):
            dead = []  # the checks of the mean curve report what is wrong with all of them
        if dead:
            table = table.without([each.name for each in dead])
            sets, names = train_sets(table), table.devices
    if window is None:
        scope = "range of the mean curves" + (f" of {len(names)} devices" if len(names) > 1 else "")
        window = choose_window(list(sets.values()), table.quantity, scope, options.state)
    warnings = check_window(sets, window)
    warnings += [CodedWarning("dead_devices", _dead_text(dead, len(names) + len(dead)))] if dead else []
    found = find_lattice(
        [row for trains in sets.values() for row in window.to_state(trains.of(trains.devices[0]).values)]
    )
    if found is not None:
        warnings.append(
            CodedWarning(
                "states",
                f"readings lie on {found.count} evenly spaced states ({found.spacing:.1%} of the window apart); a "
                "network on this card uses only these states",
            )
        )
    central = {direction: fit_branch(trains, window, options) for direction, trains in sets.items()}
    devices = _single_devices(sets, names, window, options)
    whole: dict[str, TrainFit] = {}
    rereads: dict[str, Rereads] = {}
    left: dict[str, Misfit] = {}
    for direction, trains in sets.items():
        own = {name: pair[direction] for name, pair in devices.items() if direction in pair}
        if found_again := scatter_of_repeats(table, direction, window) or scatter_at_junctions(sets, window):
            rereads[direction] = found_again
        whole[direction], chosen, left[direction] = _fit_whole_trains(trains, central[direction], own, options)
        central[direction], own = _with_bands(central[direction], own, whole[direction], chosen, trains, options)
        floor = FLOOR if left[direction].course_p < HINT else 0.0
        central[direction] = replace(central[direction], log_likelihood=whole[direction].log_likelihood, floor=floor)
        for name, fitted in own.items():
            devices[name][direction] = replace(fitted, floor=floor)
    variation = estimate_variation(sets, central, devices, whole, rereads)
    if len(variation.windows) >= FEWEST_CLUSTERS:
        for direction, fitted in central.items():
            if fitted.band is None:  # the band of the devices' mean would include differences of their windows
                central[direction] = update_warnings(_in_own_windows(fitted, devices, variation.windows))
    for direction, each in left.items():
        # the noise model does not hold, or a single train cannot test it: no intervals
        if (each.noise or len(sets[direction].devices) == 1) and variation.branches[direction].by == WHOLE:
            intervals = {
                name: ends for name, ends in variation.branches[direction].intervals.items() if name not in OF_ONE_PULSE
            }
            variation.branches[direction] = replace(variation.branches[direction], intervals=intervals)
    for direction, spread in variation.branches.items():
        trains = sets[direction]
        # a mean over trains of unequal length has fewer of them at late pulses, which the likelihood accounts for
        alone = len(set(trains.devices)) == 1
        wanted = options.estimator == "innovations" or (options.estimator == "auto" and trains.ragged and alone)
        if wanted and spread.increment:
            central[direction] = _by_innovations(central[direction], trains, whole[direction], spread)
    warnings += check_branches(central, sets, window)
    for direction, each in left.items():
        if each.shape and all(warning.code != "structured" for warning in central[direction].warnings):
            warnings.append(
                CodedWarning(
                    "structured",
                    f"{direction.upper()}: one-step errors, averaged over cycles, follow a curve over the pulses (p = "
                    f"{each.course_p:.1g}): the law misses the shape of these trains",
                )
            )
        if each.noise:
            warnings.append(
                CodedWarning(
                    "noise_model",
                    f"{direction.upper()}: the noise model does not hold: one-step errors are "
                    f"{listed(list(each.noise))}. No confidence intervals are given for the scatter of updates and "
                    "of readings",
                )
            )
    warnings += [
        CodedWarning(
            "noise_model",
            f"{direction.upper()}: {listed([CEILING_WORDS[name] for name in fitted.at_ceiling])} reached the upper "
            "limit of the search: the noise of these trains is of another kind",
        )
        for direction, fitted in whole.items()
        if fitted.at_ceiling
    ]
    if all(spread.n_cycles == 1 for spread in variation.branches.values()):
        warnings.append(
            CodedWarning(
                "assumed_c2c",
                "one cycle shows how updates scatter, not how cycles differ: the band assumes that their rates scatter "
                f"by about {PRIOR_SD['ln_rate']:.0%} (a prior), and drawn devices repeat one rate. No "
                "confidence intervals are given for increment and read",
            )
        )
    central = {direction: unscaled(fitted) for direction, fitted in central.items()}
    devices = {name: {direction: unscaled(each) for direction, each in pair.items()} for name, pair in devices.items()}
    whole = {direction: unscaled_trains(each) for direction, each in whole.items()}
    made = DeviceFit(
        window=window,
        law=options.law,
        ltp=central.get("ltp"),
        ltd=central.get("ltd"),
        devices=devices,
        variation=variation,
        table=table,
        own_warnings=tuple(warnings),
        settings=options.as_settings(),
        likelihood=whole,
        dead=tuple(dead),
        lattice=found,
    )
    return replace(made, variation=replace(variation, spread_ratios=spread_ratios(made)))


def _in_own_windows(
    fitted: BranchFit, devices: dict[str, dict[str, BranchFit]], windows: dict[str, OwnWindow]
) -> BranchFit:
    """Return the fit with the error of devices that differ by their rates, each within its own window."""
    curves = [
        window.rising(devices[name][fitted.direction].x, fitted.direction)
        for name, window in windows.items()
        if fitted.direction in devices[name]
    ]
    return with_cluster_covariance(fitted, np.array(curves), "devices in windows of their own")


def _dead_text(dead: Sequence[DeadDevice], devices: int) -> str:
    """Describe which devices do not switch, and why."""
    named = "; ".join(f"{each.name}: {each.reason}" for each in dead[:MOST_NAMED])
    more = f"; and {len(dead) - MOST_NAMED} more" if len(dead) > MOST_NAMED else ""
    does, are = ("does", "is") if len(dead) == 1 else ("do", "are")
    return (
        f"{len(dead)} of {devices} devices {does} not switch and {are} left out of the fit; in a network on this card "
        f"the same share is stuck ({named}{more})"
    )
