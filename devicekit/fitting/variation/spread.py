"""Estimation of the cycle-to-cycle (C2C) and device-to-device (D2D) variation of every branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from devicekit.core.statistics import anova, chi2_quantile, nanmean, nanvar
from devicekit.fitting.branch.rereads import Rereads
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, estimate_noise
from devicekit.fitting.likelihood.filter import NOISES
from devicekit.fitting.likelihood.fit import UNLIKELY, TrainFit
from devicekit.fitting.variation.components import pulse_noise, tracks_of
from devicekit.fitting.variation.predicted import sources_of_spread
from devicekit.fitting.variation.rates import ln_rate_covariance
from devicekit.fitting.variation.result import WHOLE, BranchSpread, VariationResult
from devicekit.fitting.variation.windows import find_windows

DEVIATIONS = "maximum likelihood of the deviations from the mean curve, which the law does not follow"
ONE = "second differences of one trace"


def _mean_sd(values: np.ndarray) -> float:
    """Return the mean over pulses of the standard deviation over the first axis."""
    variances = nanvar(values)
    return float(np.mean(np.sqrt(variances[np.isfinite(variances)])))


def _branch(
    trains: Trains, central: BranchFit, own: dict[str, BranchFit], whole: TrainFit | None, rereads: Rereads | None
) -> BranchSpread:
    rising = trains.rising(central.window)
    names = list(dict.fromkeys(trains.devices))
    groups = [rising[[k for k, name in enumerate(trains.devices) if name == device]] for device in names]
    fits = [own.get(device, central) for device in names]
    cycles = max(len(group) for group in groups)
    within, between, _size = anova(groups)
    repeated = [group for group in groups if len(group) > 1]
    means = np.array([nanmean(group) for group in groups])
    return replace(
        _noise(groups, fits, whole, rereads),
        n_devices=len(groups),
        n_cycles=cycles,
        c2c_paper=float(np.mean([np.nanmean(np.sqrt(nanvar(g))) for g in repeated])) if repeated else None,
        c2c_anova=None if within is None else float(np.sqrt(within)),
        d2d_paper=_mean_sd(means) if len(groups) > 1 else None,
        d2d_anova=None if between is None else float(np.sqrt(max(between, 0.0))),
        d2d_variance=between,
    )


# our names for the components, by those of the likelihood
_NAMES = {name: f"cycle_{name}" if name in ("offset", "ln_rate", "start") else name for name in NOISES}


def _noise(
    groups: list[np.ndarray], fits: list[BranchFit], whole: TrainFit | None, rereads: Rereads | None
) -> BranchSpread:
    """Return the components by whole trains if the law follows them, else by deviations from each mean curve."""
    repeats = max(len(group) for group in groups)
    if whole is not None and (whole.p_value >= UNLIKELY or repeats == 1):
        intervals = {ours: ends for name, ours in _NAMES.items() if (ends := whole.interval(name)) is not None}
        found: dict[str, Any] = {ours: whole.sd(name) for name, ours in _NAMES.items()}
        made = BranchSpread(**found, intervals=intervals, by=WHOLE)
        return made if rereads is None else _split_read_noise(made, whole, rereads)
    about = pulse_noise(tracks_of(groups, fits))
    if about is None:
        return BranchSpread(read=float(np.median([estimate_noise(group[0]) for group in groups])), by=ONE)
    return BranchSpread(**{ours: getattr(about, name) for name, ours in _NAMES.items()}, by=DEVIATIONS)


def _split_read_noise(made: BranchSpread, whole: TrainFit, rereads: Rereads) -> BranchSpread:
    """Split what scatters anew at each reading into read noise and what the pulse before left.

    Scatter that is new at each reading of a train (`read` of the likelihood) is read noise only as far as readings
    without a pulse between show it; the rest is held between pulses and joins the fluctuation.
    """
    each, held, memory = made.read or 0.0, made.held or 0.0, made.memory or 0.0
    error = np.hypot(whole.noise_error[NOISES.index("read")], np.sqrt(0.5 / rereads.degrees))
    seen = rereads.sd * np.sqrt(rereads.share)  # as trains have it
    more = each > 0 and np.log(each / seen) > 1.96 * error
    if not (more or rereads.stated):
        return made  # a pulse may lie between
    ends = chi2_quantile(np.array([0.975, 0.025]), rereads.degrees)
    low, high = (rereads.sd * np.sqrt(rereads.degrees / ends)).tolist()
    known = replace(made, read=rereads.sd, read_known=True, intervals={**made.intervals, "read": (low, high)})
    if not more:
        return known
    variance = held**2 + each**2 - seen**2
    total = float(np.sqrt(variance))
    if "held" in known.intervals and held > 0:
        low, high = (total * end / held for end in known.intervals["held"])
        known.intervals["held"] = (low, high)
    return replace(known, held=total, memory=float(memory * held**2 / variance))


def estimate_variation(
    sets: dict[str, Trains],
    central: dict[str, BranchFit],
    devices: dict[str, dict[str, BranchFit]],
    whole: Mapping[str, TrainFit] = MappingProxyType({}),
    rereads: Mapping[str, Rereads] = MappingProxyType({}),
) -> VariationResult:
    """Estimate C2C and D2D of every branch (see `BranchSpread`).

    Parameters
    ----------
    sets : mapping of direction to Trains
        All trains.
    central : mapping of direction to BranchFit
        Fit of the central device.
    devices : mapping of device to mapping of direction to BranchFit
        Fits of the single devices; empty for one device.
    whole : mapping of direction to TrainFit
        Law and noise by the likelihood of whole trains; if empty, by deviations from mean curves.
    rereads : mapping of direction to Rereads
        Scatter of readings without a pulse between, where there are some.
    """
    branches = {}
    for direction, trains in sets.items():
        own = {name: pair[direction] for name, pair in devices.items() if direction in pair}
        branches[direction] = _branch(trains, central[direction], own, whole.get(direction), rereads.get(direction))
    windows = find_windows(sets, central, devices)
    covariance = ln_rate_covariance(sets, central, devices, windows)
    sources = {
        direction: sources_of_spread(central[direction], branches[direction], trains)
        for direction, trains in sets.items()
    }
    return VariationResult(branches=branches, d2d_ln_rate_covariance=covariance, sources=sources, windows=windows)
