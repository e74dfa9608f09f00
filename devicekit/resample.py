"""Cards that the data would also have allowed: a fit's uncertainty, carried through to whatever uses the card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.card import DeviceCard
from devicekit.errors import UsageError
from devicekit.fit_result import BranchFit, DeviceFit
from devicekit.fitting import FEWEST_CLUSTERS, FitOptions, fit_branch, stacks_of
from devicekit.prepare import Stack


def _drawn(trains: Stack, rng: np.random.Generator) -> Stack:
    """Trains drawn with replacement: whole devices if there are 4 or more, else cycles within each device."""
    names = list(dict.fromkeys(trains.devices))
    of = {name: np.array([k for k, each in enumerate(trains.devices) if each == name]) for name in names}
    if len(names) >= FEWEST_CLUSTERS:
        chosen = [(f"draw{k}", of[name]) for k, name in enumerate(rng.choice(names, len(names)))]
    else:
        chosen = [(name, rng.choice(of[name], of[name].size)) for name in names]
    rows = np.concatenate([index for _, index in chosen])
    devices = tuple(name for name, index in chosen for _ in index)
    return Stack(trains.direction, devices, trains.cycles[rows], trains.values[rows])


def _with_new_noise(fit: BranchFit, rng: np.random.Generator) -> Stack:
    """One train on the fitted curve with its own residuals, drawn anew: the parametric bootstrap of one trace.

    (Drawing parameters from their normal distribution instead leaves the curve: they are far from linear.)
    """
    residuals = fit.residuals - fit.residuals.mean()
    # a fit with p parameters leaves residuals too small by this factor
    residuals *= np.sqrt(residuals.size / max(residuals.size - fit.parameters.size, 1))
    r = fit.fitted + rng.choice(residuals, fit.fitted.size)
    r[~np.isfinite(fit.measured)] = np.nan
    return Stack(fit.direction, ("draw",), np.array([1]), fit.window.from_state(r)[None, :])


def resampled_fits(fit: DeviceFit, count: int, seed: int = 0) -> list[DeviceFit]:
    """Fits of resampled data in the same window.

    Parameters
    ----------
    fit : DeviceFit
        With both branches.
    count : int
        Number of draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of DeviceFit
        By bootstrap of devices (4 or more) or of cycles (4 or more), LTP and LTD each from its own trains; with
        fewer repeats the fitted curve with its residuals drawn anew, which takes them for read noise.

    Raises
    ------
    UsageError
        If a branch is missing or count is below 1.
    """
    if fit.ltp is None or fit.ltd is None:
        raise UsageError("resampling cards needs LTP and LTD")
    if count < 1:
        raise UsageError(f"the number of resampled cards must be at least 1, not {count}")
    stacks, _ = stacks_of(fit.table)
    options = FitOptions(
        **{name: fit.settings[name] for name in ("model", "loss", "state") if name in fit.settings}
    )
    rng = np.random.default_rng([seed, 21])
    draws = []
    for _ in range(count):
        branches = {}
        for way, branch in fit.branches.items():
            trains = stacks[way]
            enough = (
                max(len(set(trains.devices)), len(trains.values) // len(set(trains.devices)))
                >= FEWEST_CLUSTERS
            )
            drawn = _drawn(trains, rng) if enough else _with_new_noise(branch, rng)
            branches[way] = fit_branch(drawn, fit.window, options, with_lmfit=False, judge=False)
        draws.append(replace(fit, ltp=branches["ltp"], ltd=branches["ltd"]))
    return draws


def resampled_cards(fit: DeviceFit, count: int, name: str, seed: int = 0) -> list[DeviceCard]:
    """Cards of `resampled_fits`, named NAME_r001, NAME_r002, ..."""
    return [
        each.to_card(f"{name}_r{k:03d}") for k, each in enumerate(resampled_fits(fit, count, seed), start=1)
    ]
