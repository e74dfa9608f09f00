"""Retention: drift of states in time, G = G0 (t / t0)^-nu, and what may be said about ten years.

The power law is the straight line of ln G against ln t. A prediction states how far it extrapolates, and is
refused where the data do not span enough decades. An exponential exp(-t / tau) is not offered: fitted to the
same data it predicts total loss.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from devicekit.errors import Flag, TraceError, UsageError
from devicekit.tables import PulseTable, RetentionTable

TEN_YEARS = 3.15576e8  # s
LEAST_DECADES = 3.0
LEAST_POINTS = 5


@dataclass(frozen=True)
class Prediction:
    """Conductance at a later time [S], with the interval of the mean and of one more reading.

    `factor` is the horizon over the last measured time; `log_linear_s` what a line in log t predicts instead.
    """

    time_s: float
    conductance_s: float
    low_s: float
    high_s: float
    reading_low_s: float
    reading_high_s: float
    level: float
    factor: float
    log_linear_s: float


@dataclass(frozen=True)
class StateRetention:
    """One state of one device: the power law and its prediction, or why there is none."""

    device_id: str
    level: str
    n: int
    first_s: float
    last_s: float
    decades: float
    nu: float
    nu_se: float
    g_1s: float  # conductance of the law at 1 s [S]
    noise: float  # sd of ln G around the law
    change: float  # last over first fitted conductance
    temperature_k: float | None
    prediction: Prediction | None
    refusal: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RetentionResult:
    """Every state of every device."""

    states: tuple[StateRetention, ...]
    flags: tuple[Flag, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "states": [state.as_dict() for state in self.states],
            "warnings": [flag.as_dict() for flag in self.flags],
        }


def characterize(
    table: RetentionTable,
    *,
    horizon: float = TEN_YEARS,
    confidence: float = 0.95,
    least_decades: float = LEAST_DECADES,
) -> RetentionResult:
    """Power law and prediction of every state.

    Parameters
    ----------
    table : RetentionTable
        Readings against the time since the state was written; t = 0 is left out.
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
        raise UsageError("the horizon is a positive time [s] and the confidence lies between 0 and 1")
    states, flags, short = [], [], []
    frame = table.frame
    usable = frame[(frame["time_s"] > 0) & (frame["conductance_s"] > 0)]
    for (device, level), rows in usable.groupby(["device_id", "level"], sort=False):
        if rows["time_s"].nunique() < LEAST_POINTS:
            short.append(f"{device} {level}")
            continue
        kelvin = float(rows["temperature_k"].median()) if "temperature_k" in rows else float("nan")
        t, g = rows["time_s"].to_numpy(float), rows["conductance_s"].to_numpy(float)
        known = None if np.isnan(kelvin) else kelvin
        states.append(_state(str(device), str(level), t, g, known, horizon, confidence, least_decades))
    if not states:
        raise TraceError(f"no state has readings at {LEAST_POINTS} or more times after t = 0")
    lost = len(frame) - len(usable)
    if lost:
        flags.append(Flag("dropped", f"{lost} readings at t = 0, missing or 0 S"))
    if short:
        flags.append(Flag("few_points", f"too few times for a law: {', '.join(short[:10])}"))
    flags += _extrapolations(states)
    return RetentionResult(tuple(states), tuple(flags))


@dataclass(frozen=True)
class BakeResult:
    """What a bake did to the states of many devices, read before and after it.

    Attributes
    ----------
    n : int
        Devices read both times; `unpaired` were read once.
    median_ratio : float
        Median of G after over G before.
    sd_decades : float
        Standard deviation of log10 of that ratio.
    moved : float
        Share of devices whose conductance changed more than twofold, 0..1.
    """

    n: int
    unpaired: int
    median_ratio: float
    sd_decades: float
    moved: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def bake(before: PulseTable, after: PulseTable) -> BakeResult:
    """Shift of states by a bake, device by device.

    Parameters
    ----------
    before, after : PulseTable
        One reading a device (the median is taken where there are more).

    Raises
    ------
    TraceError
        If no device is in both.
    """
    first, second = (
        table.frame[table.frame["conductance_s"] > 0].groupby("device_id")["conductance_s"].median()
        for table in (before, after)
    )
    ratio = (second / first).dropna()
    if ratio.empty:
        raise TraceError("no device was read both before and after the bake")
    decades = np.log10(ratio.to_numpy(float))
    total = len(first.index.union(second.index))
    sd = float(decades.std(ddof=1)) if len(ratio) > 1 else 0.0
    return BakeResult(
        len(ratio), total - len(ratio), float(10 ** np.median(decades)), sd,
        float((np.abs(decades) > np.log10(2)).mean()),
    )  # fmt: skip


def _extrapolations(states: list[StateRetention]) -> list[Flag]:
    flags = []
    factors = [state.prediction.factor for state in states if state.prediction]
    if factors:
        flags.append(
            Flag("extrapolation", f"predictions reach up to {max(factors):.3g} times the measured time")
        )
    refused = sorted({state.refusal for state in states if state.refusal})
    flags += [Flag("extrapolation", f"no prediction: {reason}") for reason in refused]
    kelvins = {state.temperature_k for state in states if state.temperature_k}
    if kelvins:
        words = ", ".join(f"{k:g} K" for k in sorted(kelvins))
        flags.append(
            Flag(
                "extrapolation",
                f"measured at {words}: a prediction holds there; another temperature needs three of them",
            )
        )
    return flags


def _state(
    device: str, level: str, t: np.ndarray, g: np.ndarray, kelvin: float | None, horizon: float, confidence: float,
    least_decades: float,
) -> StateRetention:  # fmt: skip
    x, y = np.log(t), np.log(g)
    line = _Line.fit(x, y)
    decades = float(np.log10(t.max() / t.min()))
    refusal = None
    if horizon > t.max() and decades < least_decades:
        refusal = f"the data span {decades:.1f} decades of time, less than {least_decades:g}"
    prediction = None if refusal else _predict(line, t, g, horizon, confidence)
    fitted = line.at(np.log([t.min(), t.max()]))
    return StateRetention(
        device, level, int(t.size), float(t.min()), float(t.max()), decades, -line.slope, line.slope_se,
        float(np.exp(line.at(0.0))), line.noise, float(np.exp(fitted[1] - fitted[0])), kelvin, prediction, refusal,
    )  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """Least-squares line with what its intervals need."""

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
    from scipy.stats import t as student

    x = float(np.log(horizon))
    wide = float(student.ppf(0.5 + confidence / 2, line.n - 2))
    centre, se = float(line.at(x)), line.se(x)
    reading = float(np.hypot(se, line.noise))
    straight = _Line.fit(np.log(t), g)
    low, high, reading_low, reading_high = (
        float(np.exp(centre + sign * wide * width)) for width in (se, reading) for sign in (-1, 1)
    )
    return Prediction(
        horizon, float(np.exp(centre)), low, high, reading_low, reading_high, confidence,
        float(horizon / t.max()), float(straight.at(x)),
    )  # fmt: skip
