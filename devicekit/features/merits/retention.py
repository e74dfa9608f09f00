"""Retention: drift of states in time, G = G0 (t / t0)^-nu, and predictions for ten years.

The power law is the straight line of ln G against ln t. A prediction reports how far it extrapolates, and is refused
if the data do not span enough decades. An exponential exp(-t / tau) is not offered: fitted to the same data it
predicts total loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate, Record, cell, cell_of, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, format_number, percent, percent_span, si, span
from devicekit.device.horizon import LEAST_DECADES, refusal_reason
from devicekit.device.measured import ArrheniusLine, Retention
from devicekit.features.lives.bake import baked_at
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings, figure, origin
from devicekit.features.merits.arrhenius import ArrheniusResult, time_words
from devicekit.plot import MOST_COLOURS, Axis, Curve, Panel, colours_of
from devicekit.readers.kinds.retention import explain_several_starts
from devicekit.report import Block
from devicekit.tables import RetentionTable
from devicekit.tables import Table as AnyTable

LEAST_POINTS = 5


@dataclass(frozen=True, kw_only=True)
class Prediction(Record):
    """Conductance at a later time."""

    time_s: float = column(doc="time of the prediction")
    conductance: Estimate = column(
        name="conductance_s", flat=True, stem="", doc="predicted conductance, with the interval of the mean"
    )
    reading_low_s: float = column(unit="S", doc="lower end of the interval of one more reading")
    reading_high_s: float = column(unit="S", doc="upper end of the interval of one more reading")
    level = part("conductance.level", doc="level of the intervals, 0..1")
    factor: float = column(doc="horizon over the last measured time")
    log_linear_s: float = column(unit="S", doc="prediction of a line in log t")


@dataclass(frozen=True, kw_only=True)
class StateRetention(Record):
    """State of one device: the power law and its prediction, or the reason for a refusal."""

    device_id: str = column("device", card="device_id")
    level: str = column("state", card="level")
    kelvin = cell_of("temperature_k", "temperature", lambda kelvin: format_number(kelvin, "K"))
    n: int = column(card="n", doc="readings")
    first_s: float = column(card="first_s", unit="s", doc="time of the first reading")
    last_s: float = column(card="last_s", unit="s", doc="time of the last reading")
    decades: float = column("decades of time", text="{:.1f}".format, doc="decades of time of the readings")
    nu: float = column(card="nu", doc="exponent of the law")
    nu_se: float = column(doc="standard error of the exponent")

    @cell("nu ± standard error")
    def nu_text(self) -> str:
        """Exponent with its standard error."""
        return f"{self.nu:.4g} ± {self.nu_se:.1g}"

    @derived(json=False, row=False, card="nu_interval")
    def nu_interval(self) -> tuple[float, float] | None:
        """95 % interval of the exponent; None where the readings do not determine it."""
        wide = t_quantile(0.975, self.n - 2) * self.nu_se
        return (self.nu - wide, self.nu + wide) if np.isfinite(wide) else None

    g_1s: float = column(card="g_1s", unit="S", doc="conductance of the law at 1 s")
    noise: float = column(card="noise", doc="standard deviation of ln G about the law")
    change: float = column("fitted G, last over first", text=percent, doc="last over first fitted conductance")
    temperature_k: float | None = column(card="temperature_k", doc="temperature of the bake")
    prediction: Prediction | None = column(doc="prediction of the law")
    refusal: str | None = column(doc="why there is none")

    @cell("prediction (interval of the mean)")
    def later(self) -> str:
        """Predicted conductance, or the reason of the refusal."""
        if self.prediction is None:
            return f"none: {self.refusal}"
        found = self.prediction.conductance
        ends = span(*found.ends, "S", 4) if found.ends else "open"
        return f"{format_number(found.value, 'S')} ({ends})"

    @cell("extrapolation, and prediction of a line in log t")
    def reach(self) -> str:
        """Factor of the extrapolation, and prediction of a line in log t."""
        p = self.prediction
        return "–" if p is None else f"{max(p.factor, 1):.3g} times; {format_number(p.log_linear_s, 'S')}"

    @property
    def name(self) -> str:
        """Device, level and temperature."""
        return _name(self.device_id, self.level, self.temperature_k)


@dataclass(frozen=True, eq=False, kw_only=True)
class RetentionResult(MeritResult):
    """Every state of every device at every temperature."""

    figure_caption = "Readings (dots), fitted power laws (lines) and predictions (squares with their intervals)."
    figure_alt = "Conductance against time on logarithmic axes"

    states: tuple[StateRetention, ...] = column(card="states", caption="Retention of each state", doc="the states")
    table: RetentionTable = internal()
    lines: tuple[ArrheniusLine, ...] = internal("lives over temperature, for the card", default=())

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return law and prediction of every state."""
        return {"states": pd.json_normalize([state.as_dict() for state in self.states], sep="_")}

    def for_card(self) -> Retention:
        """Return the states as a block of a device card, each exponent with its 95 % interval."""
        return Retention(**self.block(), arrhenius=self.lines or None, **origin(self.table))

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars`, and of several states of a level the middle of what is left of their conductance.

        Not of states that were held at different temperatures, or read for different times.
        """
        held = {(each.temperature_k, round(each.decades, 1)) for each in self.states}
        found = []
        for level in dict.fromkeys(each.level for each in self.states) if len(held) == 1 else ():
            own = [each.change for each in self.states if each.level == level and np.isfinite(each.change)]
            if len(own) > 1:
                words = f"fitted conductance of the {level.upper()} at the end (median of {len(own)} states)"
                found.append(Scalar(f"change_{level}", words, float(np.median(own)), of="the first"))
        return (*self.scalars(), *found)

    def sentences(self) -> list[str]:
        """Return how long states were observed, what remains of them, and how far predictions reach."""
        if not self.states:
            return [f"Drift not fitted: it needs readings of a state at {LEAST_POINTS} or more times."]
        decades = [s.decades for s in self.states]
        changes = [s.change for s in self.states if np.isfinite(s.change)]
        text = f"{count(len(self.states), 'state')} observed over {_range(decades, '.1f')} decades of time"
        if changes:
            span = percent_span(min(changes), max(changes))
            text += f"; the fitted conductance at the end is {span} of the first"
        predicted = [s.prediction for s in self.states if s.prediction]
        if not predicted:
            return [f"{text}.", "These data allow no prediction; see the table."]
        if (far := max(p.factor for p in predicted)) > 1:
            return [f"{text}.", f"Predictions extrapolate to {si(far, '')} times the measured time."]
        return [f"{text}.", f"Predictions are for {time_words(predicted[0].time_s)}, inside the measured time."]

    def panel(self) -> Panel:
        """Draw readings and the power law of every state; the prediction with its interval where there is one."""
        frame, curves = self.table.frame, []
        kelvin, few = baked_at(frame), len(self.states) <= MOST_COLOURS
        colours = colours_of([state.g_1s for state in self.states[:MOST_CURVES]])
        for n, state in enumerate(self.states[:MOST_CURVES]):
            own = kelvin.isna() if state.temperature_k is None else kelvin == state.temperature_k
            rows = frame[(frame["device_id"] == state.device_id) & (frame["level"] == state.level) & own]
            p, colour = state.prediction, colours[n]
            at = np.array([state.first_s, max(p.time_s, state.last_s) if p else state.last_s])
            curves.append(_readings(state.name, rows, colour))
            law = (at, state.g_1s * at**-state.nu)
            curves.append(
                Curve(f"{state.name}, law", *law, style="--" if p else "-", width=0.8, colour=colour, legend=False)
            )
            if p:
                later = (p.conductance.value, p.conductance.low, p.conductance.high)
                value, low, high = (np.array([each], float) for each in later)
                name, ahead = f"{state.name}, prediction", np.array([p.time_s])
                curves.append(Curve(name, ahead, value, "errors", "s", low, high, colour, legend=False))
        if not curves:  # too few readings for a law: show them alone
            groups = frame[frame["conductance_s"] > 0].groupby(["device_id", "level"], sort=False)
            for n, ((device, level), rows) in enumerate(groups):
                curves.append(_readings(f"{device} {level}", rows, f"C{n % 10}"))
                curves.append(
                    Curve(f"{device} {level}, law", np.array([]), np.array([]), width=0.8, colour=f"C{n % 10}")
                )
        x = Axis("time since the state was written", "s", "log")
        return Panel(
            x,
            Axis.of("conductance_s", scale="log"),
            curves,
            legend="in" if few and self.states else "none",
            bar=self._bar(),
        )

    def drawn(self) -> Block:
        """Return the figure; the caption says how many of many states it shows."""
        return figure(self.panel(), f"{self.figure_caption}{self._how_many()}", self.figure_alt)

    def _how_many(self) -> str:
        """Return how many of many states a figure shows."""
        return f" {MOST_CURVES} of {len(self.states)} states." if len(self.states) > MOST_CURVES else ""

    def _bar(self) -> tuple[str, str, str] | None:
        """Return what the colours of many states are."""
        known = [each.g_1s for each in self.states[:MOST_CURVES]]
        many = len(known) > MOST_COLOURS
        return ("rank of the conductance after 1 s", si(min(known), "S"), si(max(known), "S")) if many else None

    def blocks(self) -> list[Block]:
        """Return the blocks of the report; of many states also their exponents."""
        if len(self.states) <= MOST_COLOURS:
            return super().blocks()
        words = f"Exponent of each state with its 95 % interval; above 0 the conductance falls.{self._how_many()}"
        return [*super().blocks(), figure(self.exponents_panel(), words, "Exponent of drift against conductance")]

    def exponents_panel(self) -> Panel:
        """Draw the exponent of every state against its conductance at 1 s."""
        known = [each for each in self.states[:MOST_CURVES] if each.nu_interval is not None]
        colours = dict(zip(map(id, known), colours_of([each.g_1s for each in known]), strict=True))
        curves = []
        for each in known:
            low, high = (np.array([end]) for end in each.nu_interval or (0.0, 0.0))
            at, nu = np.array([each.g_1s]), np.array([each.nu])
            curves.append(Curve(each.name, at, nu, "errors", "o", low, high, colours[id(each)], 0.7))
        x = Axis("conductance after 1 s", "S", "log", name="conductance_s")
        return Panel(x, Axis("exponent of drift"), curves, lines=(("y", 0.0),), legend="none", bar=self._bar())

    def notes(self) -> list[str]:
        """Return the law, and what the predictions are for."""
        sentence = "Power law G = G0 (t / t0)^-nu."
        horizon = next((s.prediction.time_s for s in self.states if s.prediction), None)
        if horizon:
            sentence += f" Predictions are for {time_words(horizon)} at the temperature of the measurement."
        return [sentence]


def _readings(name: str, rows: pd.DataFrame, colour: str) -> Curve:
    return Curve(name, rows["time_s"].to_numpy(float), rows["conductance_s"].to_numpy(float), style=".", colour=colour)


def _name(device: str, level: str, kelvin: float | None) -> str:
    return f"{device} {level}" + (f" at {kelvin:g} K" if kelvin else "")


def _range(values: list[float], form: str) -> str:
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> RetentionResult | None:
    """Find the retention of a retention table without `bakes` of many cells; lines over temperature: `arrhenius`."""
    if not isinstance(table, RetentionTable) or "bakes" in found:
        return None
    lives = found.get("arrhenius")
    lines = lives.lines_for_card() if isinstance(lives, ArrheniusResult) else ()
    try:
        return replace(characterize(table, horizon=settings.horizon), lines=lines)
    except TraceError as error:
        if not lines:
            raise
        warning = CodedWarning("few_points", f"drift not fitted: {error.message}")
        return RetentionResult(states=(), table=table, warnings=(warning,), lines=lines)


def characterize(
    table: RetentionTable,
    *,
    horizon: float = Settings.horizon,
    confidence: float = 0.95,
    least_decades: float = LEAST_DECADES,
) -> RetentionResult:
    """Fit the power law of every state, and predict its conductance.

    Parameters
    ----------
    table : RetentionTable
        Readings against the time since the state was written; t = 0 is left out. A state at several temperatures is
        fitted at each of them.
    horizon : float
        Time of the prediction [s].
    confidence : float
        Level of the intervals, 0..1.
    least_decades : float
        Decades of time that the data must span for a prediction.

    Raises
    ------
    UsageError
        If horizon or confidence are out of range.
    TraceError
        If no state has enough readings at different times.
    """
    if not horizon > 0 or not 0 < confidence < 1:
        raise UsageError("horizon= must be above 0 s, and confidence= between 0 and 1")
    states, warnings, short = [], [], []
    frame = table.frame
    if table.quantity == "weight":
        raise TraceError("states without a unit are drawn, not fitted: drift and lifetimes need conductances")
    if (refusal := explain_several_starts(frame)) is not None:
        raise TraceError(refusal)
    usable = frame[(frame["time_s"] > 0) & (frame["conductance_s"] > 0)]
    kelvins = baked_at(frame)
    keys = ["device_id", "level", "bake_k"]
    for (device, level, at), rows in usable.assign(bake_k=kelvins).groupby(keys, sort=False, dropna=False):
        kelvin = float(str(at))
        known = None if np.isnan(kelvin) else kelvin
        if rows["time_s"].nunique() < LEAST_POINTS:
            short.append(f"device {_name(str(device), f'state {level}', known)}")
            continue
        t, g = rows["time_s"].to_numpy(float), rows["conductance_s"].to_numpy(float)
        states.append(_state(str(device), str(level), t, g, known, horizon, confidence, least_decades))
    if not states:
        raise TraceError(f"no state has readings at {LEAST_POINTS} or more times after t = 0")
    lost = len(frame) - len(usable)
    if lost:
        warnings.append(CodedWarning("dropped", f"{count(lost, 'reading')} left out: at t = 0, missing or 0 S"))
    if short:
        more = " and others" if len(short) > 10 else ""
        warnings.append(
            CodedWarning("few_points", f"states with too few times for a power law: {', '.join(short[:10])}{more}")
        )
    warnings += [*_unused_temperatures(frame), *_extrapolations(states)]
    return RetentionResult(states=tuple(states), table=table, warnings=tuple(warnings))


def _unused_temperatures(frame: pd.DataFrame) -> list[CodedWarning]:
    """Return warnings about columns that look like changing temperatures and are not used."""
    from devicekit.readers.header import parse_heading

    if "temperature_k" in frame:
        return []
    kinds = {"temperature", "celsius", "fahrenheit"}
    names = [name for name in map(str, frame) if parse_heading(name).quantity in kinds and frame[name].nunique() > 1]
    words = "looks like a changing temperature but is not used; a state may combine several"
    return [CodedWarning("unused_temperature", f"column {name!r} {words}") for name in names]


def _extrapolations(states: list[StateRetention]) -> list[CodedWarning]:
    warnings = []
    factors = [state.prediction.factor for state in states if state.prediction]
    if max(factors, default=0.0) > 1:
        warnings.append(
            CodedWarning("extrapolation", f"predictions extrapolate to {si(max(factors), '')} times the measured time")
        )
    refused = sorted({state.refusal for state in states if state.refusal})
    warnings += [CodedWarning("extrapolation", f"no prediction: {reason}") for reason in refused]
    kelvins = {state.temperature_k for state in states if state.temperature_k}
    if kelvins:
        words = ", ".join(f"{k:g} K" for k in sorted(kelvins))
        text = f"measured at {words}; predictions hold there only"
        text += " (bakes at three temperatures allow others)" if len(kelvins) < 3 else ""
        warnings.append(CodedWarning("extrapolation", text))
    return warnings


def _state(
    device: str,
    level: str,
    t: np.ndarray,
    g: np.ndarray,
    kelvin: float | None,
    horizon: float,
    confidence: float,
    least_decades: float,
) -> StateRetention:
    x, y = np.log(t), np.log(g)
    line = _Line.fit(x, y)
    decades = float(np.log10(t.max() / t.min()))
    refusal = refusal_reason(decades, horizon, float(t.max()), least_decades)
    prediction = None if refusal else _predict(line, t, g, horizon, confidence)
    fitted = line.at(np.log([t.min(), t.max()]))
    return StateRetention(
        device_id=device,
        level=level,
        n=int(t.size),
        first_s=float(t.min()),
        last_s=float(t.max()),
        decades=decades,
        nu=-line.slope,
        nu_se=line.slope_se,
        g_1s=float(np.exp(line.at(0.0))),
        noise=line.noise,
        change=float(np.exp(fitted[1] - fitted[0])),
        temperature_k=kelvin,
        prediction=prediction,
        refusal=refusal,
    )


@dataclass(frozen=True)
class _Line:
    """Least-squares line with the sums for its intervals."""

    slope: float
    mean_x: float
    mean_y: float
    sxx: float
    noise: float
    n: int

    @staticmethod
    def fit(x: np.ndarray, y: np.ndarray) -> _Line:
        from scipy.stats import linregress

        found = linregress(x, y)
        rest = y - found.intercept - found.slope * x
        noise = float(np.sqrt((rest**2).sum() / (x.size - 2)))
        sxx = float(((x - x.mean()) ** 2).sum())
        return _Line(float(found.slope), float(x.mean()), float(y.mean()), sxx, noise, x.size)

    @property
    def slope_se(self) -> float:
        return self.noise / float(np.sqrt(self.sxx))

    def at(self, x: Any) -> Any:
        return self.mean_y + self.slope * (np.asarray(x) - self.mean_x)

    def se(self, x: float) -> float:
        return self.noise * float(np.sqrt(1 / self.n + (x - self.mean_x) ** 2 / self.sxx))


def _predict(line: _Line, t: np.ndarray, g: np.ndarray, horizon: float, confidence: float) -> Prediction:
    x = float(np.log(horizon))
    wide = t_quantile(0.5 + confidence / 2, line.n - 2)
    centre, se = float(line.at(x)), line.se(x)
    reading = float(np.hypot(se, line.noise))
    straight = _Line.fit(np.log(t), g)
    conductance, one_more = (Estimate.symmetric(centre, wide * width).map(np.exp) for width in (se, reading))
    return Prediction(
        time_s=horizon,
        conductance=replace(conductance, level=confidence),
        reading_low_s=one_more.low or 0.0,
        reading_high_s=one_more.high or 0.0,
        factor=float(horizon / t.max()),
        log_linear_s=float(straight.at(x)),
    )
