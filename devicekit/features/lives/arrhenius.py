"""Times to failure inside retention records, and their line over 1/kT: ln t_f = a + Ea / kT + sigma z, z normal.

Lognormal lives on an Arrhenius line, as in accelerated testing (Escobar and Meeker 2006,
doi:10.1214/088342306000000321). A state that outlives its record is right-censored at the end of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from devicekit.core.constants import BOLTZMANN_EV
from devicekit.core.records import Estimate, Record, column, internal
from devicekit.core.statistics import f_tail, t_quantile
from devicekit.features.lives import censored
from devicekit.features.lives.bake import SAME_K, baked_at
from devicekit.features.lives.censored import Line, Lives
from devicekit.features.stats import Undetermined

LEAST_TEMPERATURES = 3
LEAST_FAILURES = 4
STEADY_K = 5.0  # a record whose temperatures span more is not a bake at one temperature
SUDDEN = 1.0  # change of ln G between two readings, over the limit, from which a life is only known to lie between them
SAME_LOOK = 0.05  # difference of ln t below which readings count as simultaneous
COLDEST = 200.0  # K; no bake is colder: a smaller number is probably in degrees Celsius
COARSE = 1.5  # sd of a life between two readings, over sigma, above which no life is given
BENT = 0.05  # p value of a bend below which the line is not used for a life


@dataclass(frozen=True, kw_only=True)
class Life(Record):
    """The life of one state of one device in one bake."""

    device_id: str
    level: str
    temperature_k: float = column(doc="temperature of the bake")
    n: int = column(doc="readings at different times")
    first_s: float = column(unit="s", doc="time of the first one, which is the reference")
    low_s: float = column(unit="s", doc="time of the last reading before the loss, or of the last one in the record")
    high_s: float | None = column(
        unit="s", doc="time of the first reading beyond the limit; None where the state outlived its record"
    )
    life_s: float | None = column(
        unit="s", doc="time at which ln G, linear in ln t between these two readings, crosses the limit"
    )
    way: str | None = column(doc="direction of the change of conductance: up or down")
    sudden: bool = column(
        doc="True if ln G changed by more than the limit between the two: the life is only taken to lie between them"
    )
    returned: bool = column(doc="True if a later reading lies within the limit again")

    @property
    def failed(self) -> bool:
        """True if the state was lost within its record."""
        return self.life_s is not None


class Crossing(NamedTuple):
    """Time at which a record passes the limit; the fields are those of `Life`."""

    low_s: float
    high_s: float | None
    life_s: float | None
    way: str | None
    sudden: bool


def life(time: np.ndarray, conductance: np.ndarray, factor: float) -> Crossing:
    """Return when a state was lost: where G first was `factor` times, or 1 / `factor` of, its first reading.

    Parameters
    ----------
    time, conductance : ndarray, shape (n,)
        Rising times [s], and readings [S]; the first is above 0. A reading of 0 S is lost.
    factor : float
        More than 1.

    Returns
    -------
    Crossing
        After a time of 0, or at a reading of 0 S, logarithms do not exist: the crossing is then taken half-way in ln t,
        or at half of the later time, and counts as sudden.
    """
    with np.errstate(divide="ignore"):
        away = np.log(conductance / conductance[0])
    limit = float(np.log(factor))
    lost = np.flatnonzero(np.abs(away) >= limit * (1 - 1e-12))
    if not lost.size:
        return Crossing(float(time[-1]), None, None, None, False)
    at = int(lost[0])
    before, after = float(time[at - 1]), float(time[at])
    way = "up" if away[at] > 0 else "down"
    if before <= 0:
        return Crossing(before, after, after / 2, way, True)
    share, sudden = 0.5, True
    if np.isfinite(away[at]):
        sudden = abs(float(away[at] - away[at - 1])) > SUDDEN * limit
        toward = np.sign(away[at]) * away[at - 1 : at + 1]
        share = float((limit - toward[0]) / (toward[1] - toward[0]))
    return Crossing(before, after, float(before * (after / before) ** share), way, bool(sudden))


def lives(frame: pd.DataFrame, factor: float) -> tuple[list[Life], list[tuple[str, str]]]:
    """Return the life of every state of every device in every bake, and the records without one with the reason.

    Parameters
    ----------
    frame : pandas.DataFrame
        Frame of a `RetentionTable`; readings without a temperature are left out.
    factor : float
        See `life`.
    """
    found: list[Life] = []
    left_out: list[tuple[str, str]] = []
    readings = frame[frame["conductance_s"].notna()].assign(bake_k=baked_at(frame))
    for (device, level), state in readings.groupby(["device_id", "level"], sort=False):
        until = -np.inf
        for kelvin, rows in state.groupby("bake_k", sort=False):
            name = f"{device} {level} at {kelvin:.5g} K"
            by_time = rows.groupby("time_s")["conductance_s"].median()
            time, g = by_time.index.to_numpy(float), by_time.to_numpy(float)
            moved = float(np.ptp(rows["temperature_k"].to_numpy(float)))
            reason = None
            if moved > STEADY_K:
                reason = f"its temperature varies by {moved:.3g} K"
            elif time[0] > 0 and time[0] >= until > 0:
                reason = "its time continues from another temperature: the state was not rewritten"
            elif len(time) < 2:
                reason = "it has one reading only"
            elif g[0] <= 0:
                reason = "its first reading is 0 S"
            until = max(until, float(time[-1]))
            if reason:
                left_out.append((name, reason))
                continue
            at = life(time, g, factor)
            later = g[(time > at.high_s) & (g > 0)] if at.high_s else np.empty(0)
            back = bool((np.abs(np.log(later / g[0])) < np.log(factor)).any())
            found.append(
                Life(
                    device_id=str(device),
                    level=str(level),
                    temperature_k=float(str(kelvin)),
                    n=len(time),
                    first_s=float(time[0]),
                    **at._asdict(),
                    returned=back,
                )
            )
    return found, left_out


def temperatures(kelvins: Sequence[float]) -> tuple[float, ...]:
    """Return the different temperatures, ascending [K]; those within `SAME_K` of the next one are averaged."""
    groups: list[list[float]] = []
    for kelvin in sorted(kelvins):
        if groups and kelvin - groups[-1][-1] <= SAME_K:
            groups[-1].append(kelvin)
        else:
            groups.append([kelvin])
    return tuple(float(np.mean(each)) for each in groups)


def inverse_energy(kelvin: float | np.ndarray) -> np.ndarray:
    """Return 1 / kT [1/eV]."""
    return 1.0 / (BOLTZMANN_EV * np.asarray(kelvin, float))


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrheniusFit(Record):
    """Line through the lives at several temperatures."""

    x: np.ndarray = internal("1 / kT of each record [1/eV], shape (n,)")
    low: np.ndarray = internal("ln of the life of each record [s], shape (n,)")
    high: np.ndarray = internal("the same if it failed, infinite if it did not")
    line: Line = internal("intercept at the mean of x, and Ea")
    energy_ev: Estimate = column(unit="eV", doc="activation energy with its 95 % interval")
    failed_k: tuple[float, ...] = column(unit="K", doc="different temperatures with failures, ascending")
    bend_p: float | None = column(
        doc="probability of such a bend if the line is straight; None if the data cannot show one"
    )
    gap: float = column(
        default=0.0, doc="median over the failures of ln(later / earlier time) of the two readings around each"
    )

    @property
    def lowest_k(self) -> float:
        """Lowest temperature with failures [K]."""
        return self.failed_k[0]

    @property
    def highest_k(self) -> float:
        """Highest temperature with failures [K]."""
        return self.failed_k[-1]

    @property
    def reference_k(self) -> float:
        """Temperature of the mean of x [K]."""
        return 1.0 / (BOLTZMANN_EV * float(self.x.mean()))

    @property
    def reference_life_s(self) -> float:
        """Median life at `reference_k` [s]."""
        return float(np.exp(self.line.beta[0]))

    @property
    def n(self) -> int:
        """Number of records."""
        return len(self.x)

    @cached_property
    def failures(self) -> int:
        """Number of records that failed."""
        return int(np.isfinite(self.high).sum())

    @property
    def sigma(self) -> float:
        """Standard deviation of ln of a life, with the failures less two as degrees of freedom."""
        return self.line.sigma * float(np.sqrt(self.failures / (self.failures - 2)))

    @property
    def coldest_k(self) -> float:
        """Lowest temperature of a prediction [K]: in 1/kT as far below the coldest failures as they span."""
        hot, cold = inverse_energy(self.highest_k), inverse_energy(self.lowest_k)
        return float(1.0 / (BOLTZMANN_EV * (2 * cold - hot)))

    @property
    def hottest_k(self) -> float | None:
        """Highest temperature of a prediction [K], by the same rule above the hottest failures; None if unbounded."""
        hot, cold = inverse_energy(self.highest_k), inverse_energy(self.lowest_k)
        end = float(2 * hot - cold)
        return 1.0 / (BOLTZMANN_EV * end) if end > 0 else None

    def median(self, kelvin: float) -> Estimate:
        """Return the median life at a temperature [s], with its 95 % interval."""
        away = self.x - float(inverse_energy(kelvin))
        data = _lives(self.low, self.high, away)
        value, step = self.line.quantile(np.array([1.0, float(inverse_energy(kelvin)) - self.x.mean()]), 0.0)
        return _interval(data, self.line, 0, value, step).map(np.exp)

    def device(self, median: Estimate) -> tuple[float, float] | None:
        """Return the range of the life of one new device at 95 % [s]; None where the median's interval is open."""
        if median.low is None or median.high is None:
            return None
        wide = t_quantile(0.975, self.failures - 2) * self.sigma
        at, low, high = np.log([median.value, median.low, median.high])
        return float(np.exp(at - np.hypot(at - low, wide))), float(np.exp(at + np.hypot(high - at, wide)))

    def refusal(self, kelvin: float) -> str | None:
        """Return why no life at a temperature is given; None where it is."""
        if self.bend_p is not None and self.bend_p < BENT:
            return f"ln t against 1/kT is bent (p = {self.bend_p:.2g}); one activation energy does not fit these bakes"
        if self.gap / np.sqrt(12.0) > COARSE * self.sigma:
            return (
                f"failures lie between readings a factor {np.exp(self.gap):.2g} apart in time, more than the devices "
                "differ: read more often"
            )
        if kelvin < self.coldest_k or (self.hottest_k is not None and kelvin > self.hottest_k):
            colder = kelvin < self.coldest_k
            end = self.lowest_k if colder else self.highest_k
            return (
                f"{kelvin:.5g} K lies further {'below' if colder else 'above'} {end:.5g} K in 1/kT than the failures "
                f"span; the limit is {self.coldest_k if colder else self.hottest_k:.5g} K"
            )
        return None


def refusal(records: Sequence[Life]) -> str | None:
    """Return why no line is drawn through these lives; None where one is."""
    kelvins = temperatures([each.temperature_k for each in records])
    failures = sum(each.failed for each in records)
    if len(kelvins) < LEAST_TEMPERATURES:
        return f"{len(kelvins)} temperature{'s' * (len(kelvins) != 1)}; an activation energy needs {LEAST_TEMPERATURES}"
    if failures < LEAST_FAILURES:
        return f"{failures} of {len(records)} records failed; an activation energy needs {LEAST_FAILURES} failures"
    if len(temperatures([each.temperature_k for each in records if each.failed])) < 2:
        return "all failures are at one temperature"
    if min(kelvins) < COLDEST:
        return (
            f"a bake at {min(kelvins):g} K is not plausible: temperatures are read in kelvin; convert degrees Celsius"
        )
    if all(_lost_before_first_reading(each) for each in records) and _first_reading_times(records) == len(kelvins):
        return (
            "every loss happened before the first reading after the start, so its time is unknown: "
            "read three times or more in each bake"
        )
    return None


def _first_reading_times(records: Sequence[Life]) -> int:
    """Return the number of different times of the reading after the first, counted in each bake (within 5 %)."""
    by_bake: dict[float, list[float]] = {}
    for each in records:
        by_bake.setdefault(each.temperature_k, []).append(each.high_s or each.low_s)
    return sum(1 + int((np.diff(np.log(sorted(times))) > SAME_LOOK).sum()) for times in by_bake.values())


def _lost_before_first_reading(record: Life) -> bool:
    """Return whether a record has one reading after the first, so that a loss can only lie before that one."""
    return record.n == 2 and (not record.failed or record.low_s <= 0 or record.sudden)


def fit(records: Sequence[Life], between: bool | None = None) -> ArrheniusFit:
    """Fit the most likely line through lives; least squares where every record failed.

    Parameters
    ----------
    records : sequence of Life
        Lives of one level.
    between : bool, optional
        Treat every failure (or none) as lying between two readings; by default only the sudden ones.

    Raises
    ------
    Undetermined
        If there are too few temperatures or failures; the message says which.
    """
    if (reason := refusal(records)) is not None:
        raise Undetermined(reason)
    ends = [_ends(each, between) for each in records]
    with np.errstate(divide="ignore"):
        low, high = (np.log(np.array(side)) for side in zip(*ends, strict=True))
    x = inverse_energy(np.array([each.temperature_k for each in records]))
    failed_k = temperatures([each.temperature_k for each in records if each.failed])
    drawn = [each for each, (start, end) in zip(records, ends, strict=True) if start == end and each.low_s > 0]
    gaps = [np.log((each.high_s or each.low_s) / each.low_s) for each in drawn]
    try:
        return fit_lives(x, low, high, failed_k, float(np.median(gaps)) if gaps else 0.0)
    except Undetermined:
        if len(drawn) == sum(each.failed for each in records):
            raise
        words = "readings are too far apart in time to separate devices and temperatures"
        raise Undetermined(words) from None


def fit_lives(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, failed_k: tuple[float, ...], gap: float = 0.0
) -> ArrheniusFit:
    """Fit the line to arrays; see `ArrheniusFit` for their meaning."""
    centred = _lives(low, high, x - x.mean())
    line = censored.fit(centred, "normal")
    bend = _bend(centred, line, len(failed_k))
    energy = _interval(centred, line, 1, float(line.beta[1]), float(np.sqrt(line.covariance[1, 1])))
    return ArrheniusFit(x=x, low=low, high=high, line=line, energy_ev=energy, failed_k=failed_k, bend_p=bend, gap=gap)


def _ends(record: Life, between: bool | None) -> tuple[float, float]:
    if record.life_s is None:
        return record.low_s, np.inf
    loose = record.sudden if between is None else between
    return (record.low_s, record.high_s or np.inf) if loose else (record.life_s, record.life_s)


def _lives(low: np.ndarray, high: np.ndarray, x: np.ndarray) -> Lives:
    return Lives(low, high, np.column_stack([np.ones(len(x)), x]))


def _interval(data: Lives, line: Line, which: int, value: float, step: float) -> Estimate:
    """Return one coefficient with its 95 % interval, from its estimate and standard error.

    By least squares if every record failed; else by the profile likelihood, with Student's t at the failures less two
    in place of a normal quantile (the two agree if every record failed).
    """
    others = np.array([1 - which])
    k = data.failures
    if (data.low == data.high).all():
        wide = t_quantile(0.975, k - 2) * step * float(np.sqrt(k / (k - 2)))
        return Estimate.symmetric(value, wide)
    low, high = censored.profile(
        "normal",
        line.loglik,
        value,
        step,
        lambda held: (data.shift(held * data.x[:, which], others), 0.0, None),
        censored.limit(k, 2),
    )
    return Estimate(value, low, high)


def _bend(data: Lives, line: Line, kinds: int) -> float | None:
    """Return the p value of a square term: exact where every record failed, else by the likelihood ratio."""
    k = data.failures
    if kinds < 3 or k < 5:
        return None
    more = Lives(data.low, data.high, np.column_stack([data.x, data.x[:, 1] ** 2]))
    try:
        gain = 2.0 * (censored.fit(more, "normal").loglik - line.loglik)
    except Undetermined:
        return None
    return f_tail((k - 3) * float(np.expm1(max(gain, 0.0) / k)), 1, k - 3)
