"""STDP window: A+ exp(-dt / tau+) + c for dt > 0, A- exp(dt / tau-) + c for dt < 0, dt = t_post - t_pre.

The offset c is fitted by default: without it an offset of 0.1 changes tau+ from 15 to 23 ms and tau- from 25 to 14 ms
on curves of amplitude 0.8 and -0.5. Points at dt = 0 belong to neither side and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.records import Estimate, Record, cell, column, internal, part
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, format_number, si
from devicekit.device.measured import StdpWindow
from devicekit.features.merit import MeritResult, Settings, origin
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.report import Block, Table
from devicekit.tables import StdpTable
from devicekit.tables import Table as AnyTable

LEAST_DELAYS = 4  # on each side
WORDS = {
    "a_plus": "A+, change when pre comes just before post",
    "a_minus": "A−, change when post comes just before pre",
    "tau_plus_s": "τ+, time constant of pre before post",
    "tau_minus_s": "τ−, time constant of post before pre",
    "offset": "offset, at every delay",
}


@dataclass(frozen=True, kw_only=True)
class Parameter(Record):
    """Fitted number with its standard error and interval (Student's t on its own scale)."""

    name: str = column("parameter", text=lambda name: WORDS[name])
    unit: str = column(doc="unit of the number")
    estimate: Estimate = internal("the number with its interval")
    value = part("estimate.value", doc="the number")
    se: float = column(doc="standard error")
    low = part("estimate.low", doc="lower end of the interval")
    high = part("estimate.high", doc="upper end of the interval")

    def _format(self, value: float) -> str:
        return format_number(1e3 * value, "ms") if self.unit == "s" else format_number(value, self.unit)

    @cell("value")
    def value_text(self) -> str:
        """Number with its unit, times in ms."""
        return self._format(self.value)

    @cell("standard error")
    def se_text(self) -> str:
        """Standard error in the same unit."""
        return self._format(self.se)

    @cell("{:g} % interval")
    def interval_text(self) -> str:
        """Interval in the same unit."""
        return f"{format_number((1e3 if self.unit == 's' else 1.0) * self.low)} to {self._format(self.high)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class StdpResult(MeritResult):
    """Fitted window."""

    figure_caption = "STDP window."
    figure_alt = "Weight change against spike delay"

    parameters: tuple[Parameter, ...] = column(table="parameters", doc="parameters of the window")
    offset: bool = column(name="offset_fitted", doc="True if an offset was fitted, too")
    noise: float = column(doc="standard deviation of a reading about the window")
    n: int = column(doc="readings fitted")
    confidence: float = column(doc="level of the intervals, 0..1")
    delays: pd.DataFrame = column(table="delays", doc="median, quartiles and range of the weight change at each delay")
    table: StdpTable = internal()

    def __getitem__(self, name: str) -> Parameter:
        return next(each for each in self.parameters if each.name == name)

    def window(self, delay: np.ndarray) -> np.ndarray:
        """Return the fitted weight change at spike delays [s]; NaN at 0."""
        value = {each.name: each.value for each in self.parameters}
        curve = window(delay, value["a_plus"], value["tau_plus_s"], value["a_minus"], value["tau_minus_s"])
        return curve + value.get("offset", 0.0)

    def for_card(self) -> StdpWindow:
        """Return the window as a block of a device card."""
        value = {each.name: each.value for each in self.parameters}
        ends = {each.name: each.estimate.ends for each in self.parameters if each.estimate.ends is not None}
        return StdpWindow(
            **value,
            noise=self.noise,
            n=self.n,
            intervals=ends if self.confidence == 0.95 else None,
            **origin(self.table),
        )

    def sentences(self) -> list[str]:
        """Return the window's amplitudes, time constants and offset."""
        value = {each.name: each.value for each in self.parameters}
        sides = [
            f"{order} {value[f'a_{sign}']:+.3g} with {si(value[f'tau_{sign}_s'], 's')}"
            for sign, order in (("plus", "pre before post"), ("minus", "post before pre"))
        ]
        rest = f"; offset {value['offset']:+.3g}" if "offset" in value else ""
        return [f"Exponential STDP window of {count(self.n, 'reading')}: {', '.join(sides)}{rest}."]

    def panel(self) -> Panel:
        """Draw the readings, medians with ranges at each delay, and the fitted window."""
        frame, at = self.table.frame, self.delays["spike_delay_s"].to_numpy(float)
        delay, change = (frame[name].to_numpy(float) for name in ("spike_delay_s", "weight_change"))
        median, low, high = (self.delays[name].to_numpy(float) for name in ("median", "low", "high"))
        curves = [
            Curve("readings", delay, change, style=".", colour="0.55"),
            Curve("median, range", at, median, "errors", "o", low, high, COLOURS["ltp"]),
        ]
        for side, name in ((-1, "post before pre"), (1, "pre before post")):
            ends = np.abs(at[np.sign(at) == side])
            t = side * np.linspace(ends.min(), ends.max(), 200)
            curves.append(Curve(f"fit, {name}", t, self.window(t), width=1.0, legend=side < 0))
        return Panel(Axis.of("spike_delay_s"), Axis.of("weight_change"), curves, lines=(("y", 0.0),))

    def record_tables(self) -> list[Block]:
        """Return the parameters with their intervals."""
        caption = f"Exponential window, delay = post minus pre; {'offset fitted' if self.offset else 'no offset'}"
        shown = Table.of(self.parameters, caption)
        return [replace(shown, header=[each.format(100 * self.confidence) for each in shown.header])]


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> StdpResult | None:
    """Find the window of an STDP table."""
    return characterize(table) if isinstance(table, StdpTable) else None


def window(delay: np.ndarray, a_plus: float, tau_plus: float, a_minus: float, tau_minus: float) -> np.ndarray:
    """Return the exponential window without offset; NaN at delay 0.

    Parameters
    ----------
    delay : ndarray, shape (n,)
        Post less pre [s].
    a_plus, a_minus : float
        Change at a delay just above and just below 0 [1].
    tau_plus, tau_minus : float
        Time constants of the two sides [s].
    """
    delay = np.asarray(delay, float)
    size = np.abs(delay)
    curve = np.where(delay > 0, a_plus * np.exp(-size / tau_plus), a_minus * np.exp(-size / tau_minus))
    return np.where(delay == 0, np.nan, curve)


def characterize(table: StdpTable, *, offset: bool = True, confidence: float = 0.95) -> StdpResult:
    """Fit the window to every reading, by least squares.

    Parameters
    ----------
    table : StdpTable
        Weight changes against spike delay.
    offset : bool
        Fit a constant c, too.
    confidence : float
        Level of the intervals, 0..1.

    Raises
    ------
    TraceError
        If a side has fewer than four delays, or the fit fails.
    """
    import lmfit

    frame = table.frame.dropna(subset=["weight_change"])
    zero = int((frame["spike_delay_s"] == 0).sum())
    frame = frame[frame["spike_delay_s"] != 0]
    t, w = frame["spike_delay_s"].to_numpy(float), frame["weight_change"].to_numpy(float)
    for side, name in ((t > 0, "positive"), (t < 0, "negative")):
        if np.unique(t[side]).size < LEAST_DELAYS:
            raise TraceError(f"an STDP window needs at least {LEAST_DELAYS} {name} delays")
    unit = float(np.abs(t).max())
    scale = float(np.abs(w).max()) or 1.0
    model = lmfit.Parameters()
    start = _start(t / unit, w / scale)
    for name in ("a_plus", "a_minus"):
        model.add(name, value=start[name], min=-20, max=20)
    for name in ("ln_tau_plus", "ln_tau_minus"):  # the log keeps tau positive and its error symmetric
        model.add(name, value=start[name], min=np.log(1e-4), max=np.log(1e3))
    model.add("c", value=start["c"] if offset else 0.0, vary=offset)
    found = lmfit.minimize(_residual, model, args=(t / unit, w / scale), method="leastsq")
    if not found.success or not found.errorbars:
        raise TraceError("these data do not determine the STDP window: an amplitude or a time constant diverges")
    delays = _delays(frame)
    warnings = (
        (CodedWarning("dropped", f"{zero} readings at delay 0 left out; they belong to neither side"),) if zero else ()
    )
    return StdpResult(
        parameters=_parameters(found, unit, scale, offset, confidence, t.size),
        offset=offset,
        noise=float(np.sqrt(found.redchi)) * scale,
        n=int(t.size),
        confidence=confidence,
        delays=delays,
        table=table,
        warnings=warnings,
    )


def _start(t: np.ndarray, w: np.ndarray) -> dict[str, float]:
    """Return starting values: offset from far readings, amplitudes from near ones, time constants from 1/e."""
    far = np.abs(t) >= np.quantile(np.abs(t), 0.8)
    start = {"c": float(np.median(w[far]))}
    for side, name in ((t > 0, "plus"), (t < 0, "minus")):
        size = np.abs(t[side])
        near = size <= np.quantile(size, 0.25)
        start[f"a_{name}"] = float(np.clip(np.median(w[side][near]) - start["c"], -10, 10)) or 0.1
        left = (w[side] - start["c"]) / start[f"a_{name}"]
        fallen = size[left < np.exp(-1.0)]
        tau = float(np.clip(fallen.min() if fallen.size else 0.3, 1e-3, 1.0))
        start[f"ln_tau_{name}"] = float(np.log(tau))
    return start


def _residual(model: Any, t: np.ndarray, w: np.ndarray) -> np.ndarray:
    v = model.valuesdict()
    curve = window(t, v["a_plus"], np.exp(v["ln_tau_plus"]), v["a_minus"], np.exp(v["ln_tau_minus"]))
    return curve + v["c"] - w


def _parameters(
    found: Any, unit: float, scale: float, offset: bool, confidence: float, n: int
) -> tuple[Parameter, ...]:
    wide = t_quantile(0.5 + confidence / 2, max(n - found.nvarys, 1))
    result = []
    for name, label in (("a_plus", "a_plus"), ("a_minus", "a_minus"), ("c", "offset")):
        if name == "c" and not offset:
            continue
        value, se = found.params[name].value * scale, found.params[name].stderr * scale
        result.append(Parameter(name=label, unit="", estimate=Estimate.symmetric(value, wide * se), se=se))
    for name, label in (("ln_tau_plus", "tau_plus_s"), ("ln_tau_minus", "tau_minus_s")):
        ln, se = found.params[name].value, found.params[name].stderr
        value = Estimate.symmetric(ln, wide * se).map(lambda each: unit * float(np.exp(each)))
        result.append(Parameter(name=label, unit="s", estimate=value, se=value.value * se))
    return tuple(result)


def _delays(frame: pd.DataFrame) -> pd.DataFrame:
    groups = frame.groupby("spike_delay_s")["weight_change"]
    return groups.agg(
        n="size", median="median", q25=lambda g: g.quantile(0.25), q75=lambda g: g.quantile(0.75), low="min", high="max"
    ).reset_index()
