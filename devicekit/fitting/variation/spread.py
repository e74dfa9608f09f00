"""Cycle-to-cycle (C2C) and device-to-device (D2D) variation, every number typed by what it is.

All are standard deviations as fractions of the card's one window. `spread`: of the state at the same pulse;
`increment`: of one update; `read`: of one reading. On measured ramps the first is 29 to 42 times the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.statistics import anova, chi2_quantile, levels, mean_curve, nanmean, nanvar
from devicekit.device.blocks import BranchVariation, Sigma, Variation, Window
from devicekit.fitting.branch.rereads import Rereads
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, estimate_noise
from devicekit.fitting.likelihood.filter import NOISES
from devicekit.fitting.likelihood.fit import UNLIKELY, TrainFit
from devicekit.fitting.variation.components import pulse_noise, tracks_of
from devicekit.fitting.variation.windows import WHOLE as WHOLE_WINDOW
from devicekit.fitting.variation.windows import OwnWindow, find_windows, shared_shape
from devicekit.models import kernel
from devicekit.models.tilt import state_factor

WHOLE = "maximum likelihood of whole trains (extended Kalman filter)"
DEVIATIONS = "maximum likelihood of the deviations from the mean curve, which the law does not follow"
ONE = "second differences of one trace"
READ_OR_REVERSIBLE = "; no reading was repeated without a pulse: reading, or a reversible change of the state"
MOST_CYCLES = 12  # of a device, to estimate how its rate scatters


@dataclass(frozen=True)
class BranchSpread:
    """Variation of one branch; None where cycles or devices are too few.

    Attributes
    ----------
    c2c_paper, d2d_paper : float
        Ma et al. 2023: standard deviation at each pulse, averaged over pulses (and devices).
    c2c_anova, d2d_anova : float
        One-way ANOVA at each pulse; variances averaged, root at the end. D2D is clipped at 0.
    d2d_variance : float
        D2D variance before clipping: negative when C2C explains all.
    increment, read : float
        Standard deviation of one update and of one reading.
    step : float
        Standard deviation of one update as a fraction of its own step, beside `increment`.
    held : float
        Standard deviation of a reversible fluctuation that each pulse draws anew and that is held until the next one.
    memory : float
        Correlation of it from pulse to pulse, 0 to 1.
    tilt, read_tilt : float
        By how much ln of what pulses, and what readings, scatter by grows from one end of the window to the other, on
        the rising coordinate.
    read_known : bool
        Whether `read` comes from readings repeated without a pulse; else it may include a reversible fluctuation.
    cycle_offset, cycle_ln_rate, cycle_start : float
        Standard deviation over cycles of the window's offset, of ln rate, and of the starting state.
    intervals : mapping of str to (float, float)
        95 % intervals of the components, by name; from 0 where the data are as likely without one.
    by : str
        How the components were estimated.
    """

    n_devices: int
    n_cycles: int
    c2c_paper: float | None = None
    c2c_anova: float | None = None
    d2d_paper: float | None = None
    d2d_anova: float | None = None
    d2d_variance: float | None = None
    increment: float | None = None
    read: float | None = None
    step: float | None = None
    held: float | None = None
    memory: float | None = None
    tilt: float | None = None
    read_tilt: float | None = None
    read_known: bool = False
    cycle_offset: float | None = None
    cycle_ln_rate: float | None = None
    cycle_start: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    by: str = ""

    def to_card(self) -> BranchVariation:
        """Return the variation as stored in a card: every number typed, with its estimator."""
        c2c = {
            "spread_paper": (
                "spread",
                self.c2c_paper,
                "mean over pulses of the sd over cycles (Ma et al. 2023)",
            ),
            "spread_anova": (
                "spread",
                self.c2c_anova,
                "ANOVA within devices, variances averaged over pulses",
            ),
            "increment": ("increment", self.increment, self.by),
            "read": (
                "read",
                self.read,
                self.by if self.read_known or self.by != WHOLE else self.by + READ_OR_REVERSIBLE,
            ),
            "cycle_offset": ("spread", self.cycle_offset, self.by),
            # absent kinds of noise are not listed, so that such cards are unchanged
            "held": ("held", self.held or None, self.by),
        }
        d2d = {
            "spread_paper": (
                "spread",
                self.d2d_paper,
                "mean over pulses of the sd of device means (Ma et al. 2023)",
            ),
            "spread_anova": ("spread", self.d2d_anova, _d2d_estimator(self.n_cycles)),
        }
        return BranchVariation(
            n_devices=self.n_devices,
            n_cycles=self.n_cycles,
            c2c={name: _sigma(*entry, self.intervals.get(name)) for name, entry in c2c.items() if entry[1] is not None},
            d2d={name: _sigma(*entry) for name, entry in d2d.items() if entry[1] is not None},
            step_noise=self.step,
            cycle_ln_rate=self.cycle_ln_rate,
            held_memory=self.memory if self.held else None,
            tilt=self.tilt or None,
            read_tilt=self.read_tilt or None,
            read_known=self.read_known,
        )


def _d2d_estimator(cycles: int) -> str:
    if cycles < 2:
        return "ANOVA between devices; one cycle a device, so it contains C2C and read noise"
    return "ANOVA between devices, clipped at 0"


def _sigma(kind: str, value: float | None, estimator: str, interval: tuple[float, float] | None = None) -> Sigma:
    assert value is not None
    return Sigma(kind=kind, value=float(value), estimator=estimator, interval=interval)  # type: ignore[arg-type]


@dataclass(frozen=True)
class VariationResult:
    """Variation of both branches, and the covariance of ln rate over devices (rows, columns: LTP, LTD).

    `windows` are those of single devices within that of the set; empty if devices differ by their rates alone.
    """

    branches: dict[str, BranchSpread]
    d2d_ln_rate_covariance: np.ndarray | None
    sources: dict[str, dict[str, float] | None]
    windows: dict[str, OwnWindow] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Return sentences on what the C2C spread of each branch consists of."""
        result = []
        for direction, shares in self.sources.items():
            spread = self.branches[direction]
            if shares is None or spread.increment is None:
                continue
            besides = f" and {spread.step:.1%} of its own step" if spread.step else ""
            held = (
                f"; a reversible fluctuation of {spread.held:.2%} from pulse to pulse (correlation from one pulse to "
                f"the next {spread.memory:.2f})"
                if spread.held
                else ""
            )
            tilt = "".join(
                f"; {what} scatter {np.exp(abs(value)):.1f} times as much at "
                f"{'high' if (value > 0) == (direction == 'ltp') else 'low'} conductance as at the other end"
                for what, value in (("updates", spread.tilt), ("readings", spread.read_tilt))
                if value
            )
            result.append(
                f"{direction.upper()}: the C2C variance is {shares['drift']:.0%} slow drift, {shares['cycle']:.0%} "
                f"cycle to cycle, {shares['pulse']:.0%} updates and {shares['read']:.0%} reading; one update "
                f"scatters by {spread.increment:.3%} of the window{besides}{held}{tilt}."
            )
        if result:
            result.append("Devices drawn from these numbers have this spread, but not the order of the cycles.")
        if self.windows:
            ends = np.array([[each.low, each.high] for each in self.windows.values()])
            low, span = ends[:, 0].std(ddof=1), np.log(ends[:, 1] - ends[:, 0]).std(ddof=1)
            result.append(
                f"Each of the {len(ends)} devices has its own window: the lower ends scatter by {low:.0%} of the "
                f"common window, the spans by {span:.0%}. Rates are relative to these windows."
            )
        return result

    def to_card(self) -> Variation:
        """Return the variation as stored in a card."""
        covariance = self.d2d_ln_rate_covariance
        return Variation(
            ltp=self.branches["ltp"].to_card(),
            ltd=self.branches["ltd"].to_card(),
            d2d_ln_rate_covariance=None
            if covariance is None
            else tuple(tuple(float(v) for v in row) for row in covariance),  # type: ignore[arg-type]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        result: dict[str, Any] = {
            direction: each.to_card().model_dump(mode="json") for direction, each in self.branches.items()
        }
        covariance = self.d2d_ln_rate_covariance
        result["sources_of_c2c_variance"] = self.sources
        result["d2d_ln_rate_covariance"] = None if covariance is None else covariance.tolist()
        result["windows"] = {name: [each.low, each.high] for name, each in self.windows.items()} or None
        return result


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
    noise = _noise(groups, fits, whole, rereads)
    return BranchSpread(
        n_devices=len(groups),
        n_cycles=cycles,
        c2c_paper=float(np.mean([np.nanmean(np.sqrt(nanvar(g))) for g in repeated])) if repeated else None,
        c2c_anova=None if within is None else float(np.sqrt(within)),
        d2d_paper=_mean_sd(means) if len(groups) > 1 else None,
        d2d_anova=None if between is None else float(np.sqrt(max(between, 0.0))),
        d2d_variance=between,
        **noise,
    )


# our names for the components, by those of the likelihood
_NAMES = {
    "increment": "increment",
    "read": "read",
    "step": "step",
    "held": "held",
    "memory": "memory",
    "tilt": "tilt",
    "read_tilt": "read_tilt",
    "offset": "cycle_offset",
    "ln_rate": "cycle_ln_rate",
    "start": "cycle_start",
}


def _noise(
    groups: list[np.ndarray], fits: list[BranchFit], whole: TrainFit | None, rereads: Rereads | None
) -> dict[str, Any]:
    """Return the components by whole trains if the law follows them, else by deviations from each mean curve."""
    repeats = max(len(group) for group in groups)
    if whole is not None and (whole.p_value >= UNLIKELY or repeats == 1):
        intervals = {ours: ends for name, ours in _NAMES.items() if (ends := whole.interval(name)) is not None}
        found = {ours: whole.sd(name) for name, ours in _NAMES.items()}
        made = {**found, "intervals": intervals, "by": WHOLE}
        return made if rereads is None else _split_read_noise(made, whole, rereads)
    about = pulse_noise(tracks_of(groups, fits))
    if about is None:
        return {"read": float(np.median([estimate_noise(group[0]) for group in groups])), "by": ONE}
    return {**{ours: getattr(about, name) for name, ours in _NAMES.items()}, "by": DEVIATIONS}


def _split_read_noise(made: dict[str, Any], whole: TrainFit, rereads: Rereads) -> dict[str, Any]:
    """Split what scatters anew at each reading into read noise and what the pulse before left.

    Scatter that is new at each reading of a train (`read` of the likelihood) is read noise only as far as readings
    without a pulse between show it; the rest is held between pulses and joins the fluctuation.
    """
    each, held, memory = made["read"] or 0.0, made["held"] or 0.0, made["memory"] or 0.0
    error = np.hypot(whole.noise_error[NOISES.index("read")], np.sqrt(0.5 / rereads.degrees))
    seen = rereads.sd * np.sqrt(rereads.share)  # as trains have it
    more = each > 0 and np.log(each / seen) > 1.96 * error
    if not (more or rereads.stated):
        return made  # a pulse may lie between
    ends = chi2_quantile(np.array([0.975, 0.025]), rereads.degrees)
    low, high = (rereads.sd * np.sqrt(rereads.degrees / ends)).tolist()
    intervals = {**made["intervals"], "read": (low, high)}
    if not more:
        return {**made, "read": rereads.sd, "read_known": True, "intervals": intervals}
    variance = held**2 + each**2 - seen**2
    total = float(np.sqrt(variance))
    if "held" in intervals and held > 0:
        intervals["held"] = tuple(total * end / held for end in intervals["held"])
    apart = {"read": rereads.sd, "held": total, "memory": float(memory * held**2 / variance)}
    return {**made, **apart, "read_known": True, "intervals": intervals}


def predicted_variance(fit: BranchFit, spread: BranchSpread) -> np.ndarray:
    """Return the variance over cycles at each pulse from the components, shape (N + 1,) [window^2].

    v_{n+1} = q^2 v_n + increment^2, and the responses to a cycle's own rate and start, plus offset and read.
    """
    path = np.ascontiguousarray(fit.trajectory)
    q = kernel.slopes(fit.law.id, fit.theta, path)
    rho = kernel.rates(fit.law.id, fit.theta, path)
    increment, read, offset, rate, start, step, held, tilt, read_tilt = (
        value or 0.0
        for value in (
            spread.increment,
            spread.read,
            spread.cycle_offset,
            spread.cycle_ln_rate,
            spread.cycle_start,
            spread.step,
            spread.held,
            spread.tilt,
            spread.read_tilt,
        )
    )
    variance = np.empty(path.size)
    own, by_rate, by_start = 0.0, 0.0, 1.0
    for n in range(path.size):
        here = state_factor(2.0 * tilt, path[n])
        constant = (rate * by_rate) ** 2 + (start * by_start) ** 2 + offset**2
        variance[n] = own + constant + held**2 * here + read**2 * state_factor(2.0 * read_tilt, path[n])
        own = q[n] ** 2 * own + (increment**2 + (step * rho[n]) ** 2) * here
        by_rate = q[n] * by_rate + rho[n]
        by_start *= q[n]
    return variance


def scatter(trains: Trains, window: Window) -> np.ndarray:
    """Return the measured variance over cycles at each pulse, mean over devices, shape (N + 1,) [window^2].

    Raises
    ------
    UsageError
        If no device has two cycles.
    """
    rising = trains.rising(window)
    names = list(dict.fromkeys(trains.devices))
    own = [rising[[k for k, name in enumerate(trains.devices) if name == device]] for device in names]
    variances = [nanvar(group) for group in own if len(group) > 1]
    if not variances:
        raise UsageError("scatter over cycles needs at least two cycles of a device")
    return nanmean(np.array(variances))


def sources_of_spread(fit: BranchFit, spread: BranchSpread, trains: Trains) -> dict[str, float] | None:
    """Return shares of the C2C variance: slow drift, cycle to cycle, updates, reading; None for one cycle.

    The drift is the part of the cycles' mean levels that a straight line over the cycles explains.
    """
    if spread.increment is None or not spread.c2c_anova:
        return None
    rising = trains.rising(fit.window)
    level = levels(rising)
    explained = 0.0
    for device in dict.fromkeys(trains.devices):
        own = [k for k, name in enumerate(trains.devices) if name == device]
        if len(own) > 2:
            k = len(own)
            line = np.polyval(np.polyfit(trains.cycles[own], level[own], 1), trains.cycles[own])
            rest = float(np.sum((level[own] - line) ** 2))
            # by chance a line explains one degree of freedom of the noise
            by_line = float(np.sum((line - line.mean()) ** 2)) - rest / (k - 2)
            explained += max(by_line, 0.0) / (k - 1) * k / len(level)
    total = spread.c2c_anova**2
    seen = np.isfinite(rising).sum(axis=0) > 1
    drift = min(explained / total, 1.0)
    read = min((spread.read or 0.0) ** 2 / total, 1.0 - drift)
    pulse_only = replace(spread, cycle_offset=0.0, cycle_ln_rate=0.0, cycle_start=0.0, read=0.0)
    pulse = min(float(np.mean(predicted_variance(fit, pulse_only)[seen])) / total, 1.0 - drift - read)
    return {"drift": drift, "cycle": max(1.0 - drift - read - pulse, 0.0), "pulse": pulse, "read": read}


def _ln_rate_covariance(
    sets: dict[str, Trains],
    central: dict[str, BranchFit],
    devices: dict[str, dict[str, BranchFit]],
    windows: dict[str, OwnWindow],
) -> np.ndarray | None:
    """Return the covariance of ln rate over devices (LTP, LTD); None below three devices with both branches.

    Rates are relative to each device's own window, where devices have one. The mean over K cycles of a device still
    has C2C scatter; its variance over cycles / K is subtracted from the diagonal, except with one cycle per device.
    LTP and LTD scatter independently, so the off-diagonal is not biased.
    """
    complete = {name: pair for name, pair in devices.items() if len(pair) == 2}
    if len(complete) < 3 or len(central) < 2:
        return None
    directions = ("ltp", "ltd")
    ln_rates = np.array(
        [
            [
                shared_shape(pair[direction], central[direction], windows.get(name, WHOLE_WINDOW)).ln_rate
                for direction in directions
            ]
            for name, pair in complete.items()
        ]
    )
    covariance = np.cov(ln_rates, rowvar=False)
    for k, direction in enumerate(directions):
        sampling = [
            _sampling_variance(
                sets[direction].of(name), pair[direction], central[direction], windows.get(name, WHOLE_WINDOW)
            )
            for name, pair in complete.items()
        ]
        covariance[k, k] = max(covariance[k, k] - float(np.mean(sampling)), 0.0)
    limit = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    covariance[0, 1] = covariance[1, 0] = float(np.clip(covariance[0, 1], -limit, limit))
    return np.asarray(covariance)


def _sampling_variance(trains: Trains, own: BranchFit, central: BranchFit, window: OwnWindow) -> float:
    """Return the variance of ln rate of a device's mean curve from its cycles, by the jackknife.

    If each device has its own window, a level that moves from cycle to cycle belongs to the window, not to the rate.
    """
    rows = trains.rising(central.window)
    if len(rows) < 2:
        return 0.0
    if window != WHOLE_WINDOW:
        own_levels = levels(rows)
        rows = rows - (own_levels - own_levels.mean())[:, None]
    some = rows[:MOST_CYCLES]
    n = len(some)
    means = [mean_curve(np.delete(some, k, axis=0)) for k in range(n)]
    rates = [shared_shape(replace(own, x=mean), central, window).ln_rate for mean in means]
    return float(np.var(rates)) * (n - 1) * n / len(rows)


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
    covariance = _ln_rate_covariance(sets, central, devices, windows)
    sources = {
        direction: sources_of_spread(central[direction], branches[direction], trains)
        for direction, trains in sets.items()
    }
    return VariationResult(branches, covariance, sources, windows)
