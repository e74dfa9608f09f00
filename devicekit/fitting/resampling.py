"""Cards that the data would also have allowed: a fit's uncertainty, carried through to whatever uses the card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.device.card import DeviceCard
from devicekit.errors import CodedWarning, UsageError
from devicekit.fitting.branch.fit import FEWEST_CLUSTERS
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.result import DeviceFit
from devicekit.tables import PulseTable


def _devices_drawn(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Whole devices with replacement, LTP and LTD of a device together."""
    names = frame["device_id"].unique()
    parts = [
        frame[frame["device_id"] == name].assign(device_id=f"draw{k:03d}")
        for k, name in enumerate(rng.choice(names, len(names)), start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def _cycles_drawn(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Cycles of each device and branch with replacement."""
    parts = []
    for _, trains in frame.groupby(["device_id", "direction"], sort=False):
        cycles = trains["cycle"].unique()
        parts += [
            trains[trains["cycle"] == cycle].assign(cycle=k)
            for k, cycle in enumerate(rng.choice(cycles, len(cycles)), start=1)
        ]
    return pd.concat(parts, ignore_index=True)


def _new_noise(fit: DeviceFit, rng: np.random.Generator) -> pd.DataFrame:
    """One train a branch on the fitted curve, with the fit's residuals drawn anew (parametric bootstrap).

    Drawing parameters from their normal distribution instead would leave the curve: they are far from linear.
    """
    parts = []
    for direction, branch in fit.branches.items():
        residuals = branch.residuals - branch.residuals.mean()
        # a fit with p parameters leaves residuals too small by this factor
        residuals = residuals * np.sqrt(residuals.size / max(residuals.size - branch.parameters.size, 1))
        r = branch.fitted + rng.choice(residuals, branch.fitted.size)
        r[~np.isfinite(branch.measured)] = np.nan
        values = fit.window.from_state(r)
        if fit.window.quantity == "conductance_s":
            values = np.maximum(values, 0.0)
        index = np.arange(values.size)
        columns = {"device_id": "draw001", "cycle": 1, "direction": direction, "pulse_index": index}
        parts.append(pd.DataFrame({**columns, fit.window.quantity: values}))
    return pd.concat(parts, ignore_index=True)


def resampled_fit(fit: DeviceFit, draw: int, seed: int = 0) -> DeviceFit:
    """The fit of resampled data in the same window, with everything that the fit itself has.

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
        By bootstrap of devices (4 or more) or of cycles (4 or more); with fewer repeats the fitted curve with
        its residuals drawn anew, which takes them for read noise.

    Raises
    ------
    UsageError
        If a branch is missing, the shape was shared over widths, or `draw` is below 1.
    """
    if fit.ltp is None or fit.ltd is None:
        raise UsageError("resampling cards needs LTP and LTD")
    if fit.joint:
        raise UsageError("resampling does not know how to redo a joint fit over widths")
    if draw < 1:
        raise UsageError(f"the number of a resampled card must be at least 1, not {draw}")
    names = ("model", "loss", "estimator", "state")
    options = FitOptions(**{name: fit.settings[name] for name in names})
    frame = fit.table.frame
    cycles = max(spread.n_cycles for spread in fit.variation.branches.values())
    rng = np.random.default_rng([seed, 21, draw])
    if len(fit.table.devices) >= FEWEST_CLUSTERS:
        drawn, how = _devices_drawn(frame, rng), "devices"
    elif cycles >= FEWEST_CLUSTERS:
        drawn, how = _cycles_drawn(frame, rng), "cycles"
    else:
        drawn, how = _new_noise(fit, rng), "residuals"
    made = fit_condition(PulseTable(drawn, fit.table.meta), options, fit.window)
    note = CodedWarning(
        "resampled", f"fitted to resampled {how} (draw {draw}, seed {seed}), not to the data themselves"
    )
    # one trace tells no variation: keep that of the fit
    variation = fit.variation if how == "residuals" else made.variation
    settings = {**made.settings, "resampled": how, "draw": draw, "resampling_seed": seed}
    return replace(made, own_warnings=(note, *made.own_warnings), variation=variation, settings=settings)


def resampled_fits(fit: DeviceFit, count: int, seed: int = 0) -> list[DeviceFit]:
    """The first `count` (at least 1) fits of `resampled_fit`, which also says what is raised.

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
    """Cards of `resampled_fits`, named NAME_r001, NAME_r002, ...

    Parameters
    ----------
    fit : DeviceFit
        The fit to resample.
    count : int
        Number of cards.
    name : str
        What the numbers are appended to.
    seed : int
        Seed of every draw.
    """
    return [each.to_card(f"{name}_r{k:03d}") for k, each in enumerate(resampled_fits(fit, count, seed), start=1)]
