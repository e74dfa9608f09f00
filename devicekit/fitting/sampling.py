"""Spread of samples drawn from a fit over that of the data: cycles and devices simulated from the components."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.records import Record, column
from devicekit.core.statistics import nanmean
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.variation.predicted import predicted_variance, scatter
from devicekit.fitting.variation.result import BranchSpread
from devicekit.models import kernel
from devicekit.models.tilt import tilt_factor


@dataclass(frozen=True, kw_only=True)
class SpreadRatio(Record):
    """Mean spread of samples over mean spread of the data."""

    c2c: float = column(
        doc="of cycles simulated with all components, those of whole cycles matched to the mean variance"
    )
    c2c_paper: float = column(
        doc="as in the paper: the spread itself injected at each update pulse, clipped to the window"
    )
    d2d: float | None = column(doc="of mean curves of resampled devices; None for one device")


def match_variance(fit: BranchFit, spread: BranchSpread, measured: np.ndarray) -> BranchSpread:
    """Return the components with those of whole cycles scaled so that the mean variance is the measured one.

    The likelihood weighs every pulse's prediction and hardly constrains the slow part, which makes most of the spread
    of a drifting device. The components of single pulses are unchanged.

    Parameters
    ----------
    measured : ndarray, shape (N + 1,)
        Variance over cycles at each pulse [window^2], NaN where fewer than two were read (`scatter`).
    """
    seen = np.isfinite(measured)
    whole = float(np.mean(predicted_variance(fit, spread)[seen]))
    pulse = float(np.mean(predicted_variance(fit, spread.of_pulses())[seen]))
    if whole <= pulse:
        return spread
    factor = np.sqrt(max(float(np.mean(measured[seen])) - pulse, 0.0) / (whole - pulse))
    return replace(
        spread,
        cycle_offset=(spread.cycle_offset or 0.0) * factor,
        cycle_ln_rate=(spread.cycle_ln_rate or 0.0) * factor,
        cycle_start=(spread.cycle_start or 0.0) * factor,
    )


def simulate_cycles(fit: BranchFit, spread: BranchSpread, cycles: int, seed: int, *, paper: bool = False) -> np.ndarray:
    """Simulate readings of cycles from the components, on the rising coordinate, shape (cycles, N + 1).

    Parameters
    ----------
    fit : BranchFit
        Law and starting state.
    spread : BranchSpread
        Standard deviations of the components.
    cycles : int
        Cycles to draw.
    seed : int
        Seed of every draw.
    paper : bool
        Inject the paper's spread as an increment at each pulse instead, and nothing else.
    """
    rng = np.random.default_rng([seed, 11])
    sd = {
        "increment": (spread.c2c_paper if paper else spread.increment) or 0.0,
        **{
            name: 0.0 if paper else (getattr(spread, name) or 0.0)
            for name in (
                *("read", "step", "held", "memory", "tilt", "read_tilt"),
                *("cycle_offset", "cycle_ln_rate", "cycle_start"),
            )
        },
    }
    gain = np.exp(sd["cycle_ln_rate"] * rng.standard_normal(cycles))
    offset = sd["cycle_offset"] * rng.standard_normal(cycles)
    x = fit.parameters[-1] + sd["cycle_start"] * rng.standard_normal(cycles)
    held = sd["held"] * tilt_factor(sd["tilt"], x) * rng.standard_normal(cycles) if sd["held"] > 0 else np.zeros(cycles)
    renewed = sd["held"] * np.sqrt(1.0 - sd["memory"] ** 2)
    reach = (float(fit.trajectory[0]), max(float(fit.trajectory[-1]), 1.0))
    readings = np.empty((cycles, fit.x.size))
    for n in range(fit.x.size):
        here = tilt_factor(sd["tilt"], x)
        readings[:, n] = x + offset + held + sd["read"] * tilt_factor(sd["read_tilt"], x) * rng.standard_normal(cycles)
        inside = np.clip(x, *reach)  # beyond the fitted states a law is arbitrary
        step = np.minimum(kernel.rates(fit.law.id, fit.theta, inside), fit.largest_step) * gain
        noise = np.hypot(sd["increment"], sd["step"] * step) * here * rng.standard_normal(cycles)
        if renewed > 0:
            held = sd["memory"] * held + renewed * here * rng.standard_normal(cycles)
        x = x + step + noise
        if paper:
            x = np.clip(x, 0.0, 1.0)  # as the array does
    return readings


def spread_ratios(fit: DeviceFit) -> dict[str, float]:
    """Return `SpreadRatio.c2c` by direction, for branches of several cycles whose noise is known."""
    return {
        direction: spread_ratio(fit, direction).c2c
        for direction, spread in fit.variation.branches.items()
        if spread.c2c_anova and spread.increment is not None
    }


def spread_ratio(fit: DeviceFit, direction: str, seed: int = 0, cycles: int = 400) -> SpreadRatio:
    """Return the mean spread of sampled cycles and devices over that of the data (1: they scatter alike).

    Devices are drawn from the n fitted ones with replacement, as a network draws them; for few devices the ratio is
    below 1 by sqrt((n - 1) / n).

    Parameters
    ----------
    fit : DeviceFit
        A fit of several cycles.
    direction : str
        ltp or ltd.
    seed : int
        Seed of every draw.
    cycles : int
        Cycles to sample.
    """
    branch = fit.branches[direction]
    spread = fit.variation.branches[direction]
    measured = scatter(fit.trains(direction), fit.window)
    seen = np.isfinite(measured)  # read in two trains or more
    real = float(np.mean(np.sqrt(measured[seen])))
    own = simulate_cycles(branch, match_variance(branch, spread, measured), cycles, seed)
    paper = simulate_cycles(branch, spread, cycles, seed, paper=True)
    d2d = None
    if len(fit.devices) > 2:
        curves = [pair[direction] for pair in fit.devices.values() if direction in pair]
        measured = np.array([curve.x for curve in curves])
        rng = np.random.default_rng([seed, 12])
        drawn = np.array([curves[k].trajectory for k in rng.integers(len(curves), size=cycles)])
        d2d = float(np.mean(drawn.std(axis=0)) / np.mean(np.nanstd(measured - nanmean(measured), axis=0, ddof=1)))
    c2c, c2c_paper = (float(each.std(axis=0)[seen].mean()) / real for each in (own, paper))
    return SpreadRatio(c2c=c2c, c2c_paper=c2c_paper, d2d=d2d)
