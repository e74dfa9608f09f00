"""Cards that the data would also have allowed: the uncertainty of a fit for whatever uses its card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.text import listed
from devicekit.device.card import DeviceCard
from devicekit.fitting.branch.fit import FEWEST_CLUSTERS
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.likelihood.filter import NOISES, standard_deviations
from devicekit.fitting.likelihood.fit import UNLIKELY
from devicekit.fitting.likelihood.priors import FURTHER, bounds_of_noise
from devicekit.fitting.result import DeviceFit, require_fit
from devicekit.fitting.sampling import simulate_cycles
from devicekit.tables import PulseTable

FEW_CYCLES, LARGE_INCREMENT = 3, 0.01  # of the window
SEEN = 1 / 3  # of the window, that a train must go through


def _draw_devices(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw whole devices with replacement, LTP and LTD of a device together."""
    names = frame["device_id"].unique()
    parts = [
        frame[frame["device_id"] == name].assign(device_id=f"draw{k:03d}")
        for k, name in enumerate(rng.choice(names, len(names)), start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def _draw_cycles(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cycles of each device and branch with replacement."""
    parts = []
    for _, trains in frame.groupby(["device_id", "direction"], sort=False):
        cycles = trains["cycle"].unique()
        parts += [
            trains[trains["cycle"] == cycle].assign(cycle=k)
            for k, cycle in enumerate(rng.choice(cycles, len(cycles)), start=1)
        ]
    return pd.concat(parts, ignore_index=True)


def _simulate_trains(fit: DeviceFit, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate as many trains as were measured, with the noise found (parametric bootstrap).

    The noise is drawn too, within its uncertainty, so that cycles of a device with one train differ as in the band.
    Drawing parameters from their normal distribution instead would not follow the curve, which depends on them far
    from linearly.
    """
    parts = []
    for direction, central in fit.branches.items():
        found, trains = fit.likelihood[direction], fit.trains(direction)
        # shifted by half their variance, so that the mean square is that of the band
        drawn = found.noise + np.sqrt(0.5) * found.noise_error * rng.standard_normal(found.noise.size)
        sd = standard_deviations(np.minimum(drawn, bounds_of_noise()[1]))
        step, held, memory, tilt, read_tilt = (
            sd[name] if found.present[NOISES.index(name)] else 0.0 for name in FURTHER
        )
        noise = replace(
            fit.variation.branches[direction],
            increment=sd["increment"],
            read=sd["read"],
            step=step,
            held=held,
            memory=memory,
            tilt=tilt,
            read_tilt=read_tilt,
            cycle_offset=sd["offset"],
            cycle_ln_rate=sd["ln_rate"],
            cycle_start=sd["start"],
        )
        devices = list(dict.fromkeys(trains.devices))
        between = central.band.between if central.band is not None else 0.0
        for device in devices:
            own = fit.devices.get(device, {}).get(direction, central)
            parameters = own.parameters.copy()
            parameters[0] += between * rng.standard_normal()
            own = replace(own, parameters=parameters)
            read = np.isfinite(trains.of(device).rising(fit.window))
            x = simulate_cycles(own, noise, len(read), int(rng.integers(2**31)))[:, : read.shape[1]]
            r = np.where(read, x if direction == "ltp" else 1.0 - x, np.nan)
            values = fit.window.from_state(r)
            if fit.window.quantity == "conductance_s":
                values = np.maximum(values, 0.0)
            index = np.arange(read.shape[1])
            parts += [
                pd.DataFrame(
                    {
                        "device_id": device,
                        "cycle": cycle,
                        "direction": direction,
                        "pulse_index": index,
                        fit.window.quantity: row,
                    }
                )
                for cycle, row in enumerate(values, start=1)
            ]
    return pd.concat(parts, ignore_index=True)


def resampled_fit(fit: DeviceFit, draw: int, seed: int = 0) -> DeviceFit:
    """Fit resampled data in the same window, with everything that the fit itself has.

    Parameters
    ----------
    fit : DeviceFit
        With both branches, not a joint fit over widths.
    draw : int
        Number of the draw, at least 1; one draw does not depend on which others are made.
    seed : int
        Seed of all draws.

    Returns
    -------
    DeviceFit
        By bootstrap over 4 devices or more, or over 4 cycles or more that the law does not follow; else fitted to
        trains simulated with the estimated noise.

    Raises
    ------
    UsageError
        If a branch is missing, the shape was shared over widths, or `draw` is below 1.
    """
    if fit.ltp is None or fit.ltd is None:
        raise UsageError("resampling needs both LTP and LTD trains")
    if fit.joint or fit.pulse_law is not None:
        raise UsageError("resampling does not work for a joint fit over widths or amplitudes: leave share= out")
    if draw < 1:
        raise UsageError(f"the number of a resampled card must be at least 1, not {draw}")
    require_fit("resampled_fit", fit)
    names = ("model", "loss", "estimator", "state")
    options = replace(FitOptions(), **{name: fit.settings[name] for name in names})  # type: ignore[arg-type]
    frame = fit.table.frame
    cycles = max(spread.n_cycles for spread in fit.variation.branches.values())
    rng = np.random.default_rng([seed, 21, draw])
    if len(fit.table.devices) >= FEWEST_CLUSTERS:
        drawn, how = _draw_devices(frame, rng), "devices"
    elif cycles >= FEWEST_CLUSTERS and any(each.p_value < UNLIKELY for each in fit.likelihood.values()):
        drawn, how = _draw_cycles(frame, rng), "cycles"
    else:
        drawn, how = _simulate_trains(fit, rng), "simulated"
    made = fit_condition(PulseTable(drawn, fit.table.meta), options, fit.window)
    what = "simulated trains" if how == "simulated" else f"resampled {how}"
    note = CodedWarning("resampled", f"fitted to {what} (draw {draw}, seed {seed}), not to the data")
    # few trains determine the variation poorly: keep that of the fit
    variation = fit.variation if how == "simulated" else made.variation
    settings = {**made.settings, "resampled": how, "draw": draw, "resampling_seed": seed}
    return replace(made, own_warnings=(note, *made.own_warnings), variation=variation, settings=settings)


def resampled_fits(fit: DeviceFit, count: int, seed: int = 0) -> list[DeviceFit]:
    """Yield the first `count` (at least 1) fits of `resampled_fit`; raises as that does.

    Parameters
    ----------
    fit : DeviceFit
        The fit to resample.
    count : int
        Number of fits.
    seed : int
        Seed of every draw.
    """
    if count < 1:
        raise UsageError(f"the number of resampled cards must be at least 1, not {count}")
    return [resampled_fit(fit, draw, seed) for draw in range(1, count + 1)]


def resampled_cards(fit: DeviceFit, count: int, name: str, seed: int = 0) -> list[DeviceCard]:
    """Yield cards of `resampled_fits`, named NAME_r001, NAME_r002, ...

    Parameters
    ----------
    fit : DeviceFit
        The fit to resample.
    count : int
        Number of cards.
    name : str
        Name to which the numbers are appended.
    seed : int
        Seed of every draw.
    """
    return [each.to_card(f"{name}_r{k:03d}") for k, each in enumerate(resampled_fits(fit, count, seed), start=1)]


def reason_to_resample(fit: DeviceFit) -> str:
    """Explain why the fit's uncertainty can matter for a network; "" if it is less than the spread over seeds.

    By simulation of four devices it matters for at most three cycles whose updates scatter by 1 % of the window or
    more, and for trains that cover less than a third of the window. A joint fit over widths is not resampled.
    """
    if fit.joint or fit.pulse_law is not None:
        return ""
    found = []
    for direction, branch in fit.branches.items():
        spread = fit.variation.branches[direction]
        few = spread.n_devices == 1 and spread.n_cycles <= FEW_CYCLES
        if few and (spread.increment or 0.0) >= LARGE_INCREMENT:
            found.append(f"{direction.upper()} has few cycles, and their updates scatter by {spread.increment:.1%}")
        elif np.ptp(branch.measured_range) < SEEN:
            found.append(f"{direction.upper()} covers only {np.ptp(branch.measured_range):.0%} of the window")
    return listed(found)
