"""Trains at several rates: levels before and after a pulse, gains, and the time constant.

For a part that decays with e^(-t / tau) the level before a pulse settles at a_v / (e^(1/(f tau)) - 1) above the start,
and after it at a_v / (1 - e^(-1/(f tau))): both follow from adding a_v at each pulse. The permanent part of a pulse,
a_nv, accumulates. The fit uses both, with the number of pulses as measured, over all rates at once.
See doi:10.1073/pnas.94.2.719 and doi:10.1146/annurev.physiol.64.092501.114547 for such trains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.records import Record, cell, cell_of, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, si
from devicekit.features.figures import readings
from devicekit.features.merit import MeritResult, Settings
from devicekit.features.merits.volatile import interval_text
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.decay import Fit
from devicekit.features.relaxation.pulsed import MOST_PULSES, PulsedRecord, records
from devicekit.features.relaxation.squares import Data
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.tables import Table as AnyTable
from devicekit.tables import TransientTable

FEWEST_PULSES = 5
FEWEST_RATES = 3
EVEN = 0.05  # largest relative deviation of a gap from the median gap
SETTLED = 0.05  # largest relative change of the level after a pulse from the third to the fourth quarter of a train


@dataclass(frozen=True, kw_only=True)
class Train(Record):
    """Train of pulses at one rate; levels are relative to the one before the first pulse [S or A]."""

    device_id: str = column("device")
    record: int = column("record")
    rate_hz: float = column("rate", unit="Hz")
    n_pulses: int = column("pulses", text=str)
    first: float = column(doc="level after the first pulse: A1")
    last: float = column(doc="level after the last pulse: An")
    gain: float = column(doc="gain An/A1")
    before: float = column(doc="mean level just before a pulse over the last quarter of the train")
    after: float = column(doc="mean level just after a pulse over the last quarter of the train")
    unit: str = internal("of the levels")

    @cell("before a pulse")
    def before_text(self) -> str:
        """Level before a pulse with its unit."""
        return format_number(self.before, self.unit)

    @cell("after a pulse")
    def after_text(self) -> str:
        """Level after a pulse with its unit."""
        return format_number(self.after, self.unit)

    gain_text = cell_of("gain", "An/A1", "{:.3g}".format)
    settled: bool = column(
        "settled", doc="True if the level after a pulse changes by less than 5 % from the third quarter to the fourth"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class RateFit(Record):
    """Decay fitted over the rates of one device."""

    device_id: str
    fit: Fit = internal()
    tau = part("fit.tau", name="tau_s", unit="s", flat=True, estimate=True, doc="time constant")
    volatile_step = part("fit.amplitude", doc="step of a pulse that decays [S or A]")

    @derived()
    def permanent_step(self) -> float:
        """Step of a pulse that stays [S or A]."""
        return self.fit.others[-1]

    noise = part("fit.noise", doc="standard deviation of a reading about the fit [S or A]")
    n = part("fit.n", row=False, doc="readings")


@dataclass(frozen=True, eq=False, kw_only=True)
class RatesResult(MeritResult):
    """Trains, their pulses, and the fit over the rates of each device."""

    figure_caption = "Levels before and after a pulse."
    figure_alt = "Level against the rate of the pulses"

    trains: tuple[Train, ...] = column(
        table="rates",
        caption="Trains by rate: levels above the start, over the last quarter of each train",
        doc="trains of pulses",
    )
    pulses: pd.DataFrame = column(json=False, table="rates_pulses", doc="levels before and after each pulse")
    fits: Mapping[str, Fit] = internal("fit over the rates of each device")
    table: TransientTable = internal()

    @derived(name="fits", table="rates_fit")
    def device_fits(self) -> tuple[RateFit, ...]:
        """Decay over the rates of each device that has one."""
        return tuple(RateFit(device_id=device, fit=fit) for device, fit in self.fits.items())

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the gain of the fastest train, where there is one device."""
        if len({each.device_id for each in self.trains}) != 1:
            return ()
        fastest = max(self.trains, key=lambda each: each.rate_hz)
        by = f"{fastest.n_pulses} pulses at {fastest.rate_hz:.3g} Hz"
        return (Scalar("train_gain", "response to the last pulse of a train over the first", fastest.gain, by=by),)

    def sentences(self) -> list[str]:
        """Return gains over the rates, and tau."""
        if len(self.trains) == 1:
            only = self.trains[0]
            words = f"{count(only.n_pulses, 'pulse')} at {si(only.rate_hz, 'Hz')}"
            return [f"In a train of {words}, the last response is {only.gain:.3g} times the first."]
        slow, fast = (pick(self.trains, key=lambda each: each.rate_hz) for pick in (min, max))
        text = f"{count(len(self.trains), 'train')} from {si(slow.rate_hz, 'Hz')} to {si(fast.rate_hz, 'Hz')}: "
        found = [f"{text}the last response is {slow.gain:.3g} to {fast.gain:.3g} times the first."]
        for device, fit in list(self.fits.items())[:3]:
            found.append(f"{device}: tau is {si(fit.tau.value, 's')} ({interval_text(fit.tau, 's')}) over all rates.")
        return found

    def panel(self) -> Panel:
        """Draw levels of the first device before and after a pulse against the rate (or the pulse number)."""
        device, unit = self.trains[0].device_id, self.trains[0].unit
        if len({each.rate_hz for each in self.trains if each.device_id == device}) == 1:
            first = self.pulses[self.pulses["record"] == self.trains[0].record]
            number_, levels = first["pulse"].to_numpy(float), ("after", "before")
            shown = {f"{name} a pulse": (number_, first[name].to_numpy(float)) for name in levels}
            return readings(shown, Axis("pulse", whole=True), Axis("level above the start", unit), "o-")
        own = sorted((t for t in self.trains if t.device_id == device), key=lambda each: each.rate_hz)
        rate, before, after = (np.array([getattr(t, name) for t in own]) for name in ("rate_hz", "before", "after"))
        curves = [
            Curve("after a pulse", rate, after, style="o", colour=COLOURS["ltp"], size=4.0),
            Curve("before a pulse", rate, before, style="o", colour=COLOURS["ltd"], size=4.0),
        ]
        if device in self.fits and len({t.n_pulses for t in own}) == 1:
            at = np.geomspace(rate.min(), rate.max(), 100)
            low, high = late_levels(self.fits[device], at, own[0].n_pulses)
            curves += [
                Curve("after, fit", at, high, width=1.0, colour=COLOURS["ltp"], legend=False),
                Curve("before, fit", at, low, width=1.0, colour=COLOURS["ltd"], legend=False),
            ]
        label = "conductance above the start" if unit == "S" else "current above the start"
        return Panel(Axis("rate of the pulses", "Hz", "log"), Axis(label, unit), curves)


def settled_levels(amplitude: float, tau: float, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a volatile part settles just before and just after a pulse.

    Parameters
    ----------
    amplitude : float
        Step of a pulse, a_v.
    tau : float
        Time constant [s].
    rate : ndarray, shape (n,)
        Pulse rate [Hz].

    Returns
    -------
    before, after : ndarray, shape (n,)
        In the unit of the amplitude: a_v / (e^(1/(f tau)) - 1) and a_v / (1 - e^(-1/(f tau))).
    """
    x = 1.0 / (np.asarray(rate, float) * tau)
    return amplitude / np.expm1(x), -amplitude / np.expm1(-x)


def late_levels(fit: Fit, rate: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the fitted mean levels before and after a pulse over the last quarter of n pulses at rates [Hz]."""
    x = 1.0 / (np.asarray(rate, float) * fit.tau.value)
    pulse = np.arange(n - quarter(n), n)[:, None] + 1.0
    volatile, stays = fit.amplitude, fit.others[-1]
    left = -np.expm1(-pulse * x) / -np.expm1(-x)  # after that many pulses, of one
    earlier = np.exp(-x) * np.expm1(-(pulse - 1) * x) / np.expm1(-x)
    return (volatile * earlier + stays * (pulse - 1)).mean(axis=0), (volatile * left + stays * pulse).mean(axis=0)


def quarter(n: int) -> int:
    """Return pulses of the last quarter of n, at least 1."""
    return max(1, n // 4)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> RatesResult | None:
    """Find trains in a transient table; None without trains."""
    return characterize(table) if isinstance(table, TransientTable) else None


def characterize(table: TransientTable) -> RatesResult | None:
    """Compute the levels of every even train, and fit one decay over the rates of each device.

    Parameters
    ----------
    table : TransientTable
        Records with pulses; those with five or more evenly spaced ones are trains, if they were read before the first
        pulse and around each of them.

    Returns
    -------
    RatesResult or None
        None if no record is a train.
    """
    unit = "S" if table.quantity == "conductance_s" else "A"
    found = [(each, train) for each in records(table) if (train := _train(each, unit)) is not None]
    if not found:
        return None
    fits = {}
    for device in dict.fromkeys(train.device_id for _, train in found):
        own = [each for each, train in found if train.device_id == device and len(each.pulses_s) <= MOST_PULSES]
        if len({f"{train.rate_hz:.3g}" for _, train in found if train.device_id == device}) < FEWEST_RATES or not own:
            continue
        try:
            fits[device] = decay.fit(_joint_data(own))
        except decay.Undetermined:
            continue
    unsettled = [f"record {train.record}" for _, train in found if not train.settled]
    warnings: tuple[CodedWarning, ...] = ()
    if unsettled:
        words = f"the level still changes at the end of the train in {', '.join(unsettled[:10])}"
        warnings = (CodedWarning("unsettled", words),)
    pulses = pd.concat([_pulses(each) for each, _ in found], ignore_index=True)
    trains = tuple(train for _, train in found)
    return RatesResult(trains=trains, pulses=pulses, fits=fits, table=table, warnings=warnings)


def _around(record: PulsedRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of the last reading before and the first after each pulse; empty if one is missing."""
    numbers = np.arange(len(record.pulses_s))
    last = np.searchsorted(record.before, numbers, side="right") - 1
    first = np.searchsorted(record.before, numbers + 1, side="left")
    known = (first < len(record.before)) & (last >= 0)
    if not known.all() or (record.before[last] != numbers).any() or (record.before[first] != numbers + 1).any():
        return np.array([], int), np.array([], int)
    return last, first


def _train(record: PulsedRecord, unit: str) -> Train | None:
    n = len(record.pulses_s)
    if not record.has_pulses or n < FEWEST_PULSES or record.groups.max() > 0 or record.level is None:
        return None
    gaps = np.diff(record.pulses_s)
    if not gaps.min() > 0 or np.abs(gaps / np.median(gaps) - 1.0).max() > EVEN:
        return None
    last, first = _around(record)
    if not last.size:
        return None
    before, after = record.value[last] - record.level, record.value[first] - record.level
    size = quarter(n)
    fourth, third = after[-size:].mean(), after[-2 * size : -size].mean()
    return Train(
        device_id=record.device_id,
        record=record.record,
        rate_hz=float(1.0 / np.median(gaps)),
        n_pulses=n,
        first=float(after[0]),
        last=float(after[-1]),
        gain=float(after[-1] / after[0]) if after[0] else float("nan"),
        before=float(before[-size:].mean()),
        after=float(fourth),
        unit=unit,
        settled=bool(abs(fourth - third) < SETTLED * abs(fourth)),
    )


def _pulses(record: PulsedRecord) -> pd.DataFrame:
    """Return levels before and after each pulse, and the latter over the first one."""
    last, first = _around(record)
    before, after = record.value[last] - record.level, record.value[first] - record.level
    gain = after / after[0] if after[0] else np.full(after.size, np.nan)
    names = {"device_id": record.device_id, "record": record.record, "pulse": np.arange(1, after.size + 1)}
    return pd.DataFrame({**names, "before": before, "after": after, "gain": gain})


def _joint_data(own: Sequence[PulsedRecord]) -> Data:
    """Return readings before and after each pulse of several records, each with a level of its own."""
    most = max(len(each.pulses_s) for each in own)
    y, others, delays = [], [], []
    for number_, each in enumerate(own):
        at = np.unique(np.concatenate(_around(each)))
        since = np.full((at.size, most), np.nan)
        since[:, : len(each.pulses_s)] = each.delays[at]
        level = np.zeros((at.size, len(own)))
        level[:, number_] = 1.0
        y.append(each.value[at])
        delays.append(since)
        others.append(np.column_stack([level, each.before[at]]))
    return Data(np.concatenate(y), np.vstack(others).astype(float), np.vstack(delays))
