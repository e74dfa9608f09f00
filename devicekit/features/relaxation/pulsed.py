"""Records of readings and pulses as data for a decay fit: delays after each pulse, binned if there are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.records import Record, column
from devicekit.features.relaxation.decay import Fit, predict
from devicekit.features.relaxation.squares import Data
from devicekit.tables import TransientTable

MOST_PULSES = 200
MOST_KINDS = 4
MOST_NUMBERS = 20_000  # delays; beyond, readings are averaged in bins of 5 % of the time since the last pulse
LEAST_READINGS = 100  # readings that are kept in any case
BIN = 0.05
FEWEST = 6
TRAIN = 5  # pulses from which a record may be a train instead of a relaxation


@dataclass(frozen=True, eq=False, kw_only=True)
class PulsedRecord(Record):
    """One record: n readings outside its m pulses, and groups of equal pulses."""

    device_id: str
    record: int
    time_s: np.ndarray = column(doc="times of the readings, shape (n,)")
    value: np.ndarray = column(doc="readings [S or A], shape (n,)")
    pulses_s: np.ndarray = column(unit="s", doc="end of each pulse, shape (m,); time 0 without one")
    voltage_v: np.ndarray = column(doc="amplitude of each pulse, shape (m,); NaN without one")
    before: np.ndarray = column(doc="number of pulses before each reading, shape (n,)")
    has_pulses: bool = column(doc="True if the record contains its pulses")
    groups: np.ndarray = column(doc="pulses of one amplitude and width, numbered from 0, shape (m,)")
    temperature_k: float | None

    @property
    def title(self) -> str:
        """Device and number."""
        return f"{self.device_id} record {self.record}"

    @property
    def tail(self) -> tuple[np.ndarray, np.ndarray]:
        """Times since the last pulse [s], and readings after it; after any pulse if there are none."""
        after = self.before == len(self.pulses_s)
        if not (self.time_s[after] > self.pulses_s[-1]).any():
            after = self.before > 0
        return self.time_s[after] - self.pulses_s[self.before[after] - 1], self.value[after]

    @property
    def delays(self) -> np.ndarray:
        """Time of each reading since each pulse [s], shape (n, m); NaN before it."""
        since = np.maximum(self.time_s[:, None] - self.pulses_s[None, :], 0.0)
        return np.where(np.arange(len(self.pulses_s))[None, :] < self.before[:, None], since, np.nan)

    @property
    def level(self) -> float | None:
        """Median of the readings before the first pulse; None without one."""
        early = self.value[self.before == 0]
        return float(np.median(early)) if early.size and self.has_pulses else None

    def refusal(self) -> str | None:
        """Return why no decay can be fitted; None if a fit can be tried."""
        after = self.value[self.before > 0]
        if len(self.pulses_s) > MOST_PULSES:
            return f"{len(self.pulses_s)} pulses, more than {MOST_PULSES}"
        if int(self.groups.max()) + 1 > MOST_KINDS:
            return f"pulses of {int(self.groups.max()) + 1} kinds, more than {MOST_KINDS}"
        if after.size < FEWEST:
            return f"{after.size} readings after a pulse, fewer than {FEWEST}"
        if np.unique(self.time_s[self.before > 0]).size < FEWEST:
            return f"readings at fewer than {FEWEST} times after a pulse"
        if not (self.delays > 0).any():
            return "no reading after its pulse"
        if len(self.pulses_s) >= TRAIN and (self.before == len(self.pulses_s)).sum() < FEWEST:
            return f"a train of {len(self.pulses_s)} pulses without {FEWEST} readings after the last one"
        return None

    def data(self) -> Data:
        """Return the readings, counts of pulses and delays as `devicekit.features.relaxation.decay.fit` takes them."""
        kinds = int(self.groups.max()) + 1
        given = np.isfinite(self.delays)
        columns = [np.ones(len(self.value))]
        for kind in range(kinds) if self.has_pulses else ():
            counted = given[:, self.groups == kind].sum(axis=1).astype(float)
            if np.linalg.matrix_rank(np.column_stack([*columns, counted])) > len(columns):
                columns.append(counted)
        whole = Data(self.value, np.column_stack(columns), self.delays, self.groups)
        most = max(LEAST_READINGS, MOST_NUMBERS // len(self.pulses_s))
        return whole if len(self.value) <= most else _bin_readings(whole, self, most)


def curve(record: PulsedRecord, fit: Fit, since: np.ndarray) -> np.ndarray:
    """Return the fitted curve of a record at times since its last pulse [s]."""
    at = record.pulses_s[-1] + np.asarray(since, float)
    later = replace(record, time_s=at, value=at, before=np.full(at.size, len(record.pulses_s)))
    kinds = range(len(fit.others) - 1)  # as in `PulsedRecord.data`
    counts = [np.full(at.size, float((record.groups == kind).sum())) for kind in kinds]
    return predict(fit, np.column_stack([np.ones(at.size), *counts]), later.delays, record.groups)


def _bin_readings(data: Data, record: PulsedRecord, most: int) -> Data:
    """Average readings in bins of the time since the last pulse, and in ten equal parts before the first one.

    With many pulses, only an even choice of them keeps the readings that follow; the last one always does.
    """
    last = np.where(record.before > 0, record.pulses_s[np.maximum(record.before - 1, 0)], np.nan)
    since = record.time_s - last
    known = since[since > 0]
    least = float(known.min()) if known.size else 1.0
    number = np.floor(np.log(np.maximum(since, least) / least) / BIN)
    early = record.before == 0
    number[early] = np.floor(10 * np.arange(early.sum()) / max(1, early.sum()))
    bins = pd.DataFrame({"before": record.before, "number": number}).groupby(["before", "number"], sort=True).ngroup()
    held = bins.to_numpy()
    tail = (record.before == 0) | (record.before == len(record.pulses_s))
    between, room = np.unique(held[~tail]), max(most - np.unique(held[tail]).size, most // 2)
    if between.size > room:
        between = between[np.linspace(0, between.size - 1, room).astype(int)]
    kept = tail | np.isin(held, between)
    order = np.unique(held[kept], return_inverse=True)[1]
    counts = np.bincount(order)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.zeros((len(counts), *values.shape[1:]))
        np.add.at(sums, order, values[kept])
        return sums / counts.reshape(-1, *[1] * (values.ndim - 1))

    return Data(mean(data.y), mean(data.others), mean(data.delays), data.groups, counts.astype(float))


def records(table: TransientTable) -> Iterator[PulsedRecord]:
    """Yield each record of a table with its readings and pulses.

    Parameters
    ----------
    table : TransientTable
    """
    for (device, number), rows in table.frame.groupby(["device_id", "record"], sort=False):
        yield _record(str(device), int(str(number)), rows, table.quantity)


def _record(device: str, number: int, rows: pd.DataFrame, quantity: str) -> PulsedRecord:
    t, value = rows["time_s"].to_numpy(float), rows[quantity].to_numpy(float)
    volts = rows["pulse_voltage_v"].to_numpy(float) if "pulse_voltage_v" in rows else np.zeros(len(rows))
    width = rows["pulse_width_s"].to_numpy(float) if "pulse_width_s" in rows else np.full(len(rows), np.nan)
    kelvin = float(rows["temperature_k"].median()) if "temperature_k" in rows else np.nan
    under = volts != 0
    # a row starts a new pulse after a row without one, or after a gap longer than the width of the pulse before
    apart = np.r_[True, np.diff(t) > 1.5 * np.where(np.isfinite(width[:-1]), width[:-1], np.inf)]
    first = under & (apart | ~np.r_[False, under[:-1]])
    pulse = np.cumsum(first)
    read = ~under & np.isfinite(value)
    has_pulses = bool(under.any())
    ends, sizes, widths = (
        _pulses(t, volts, width, under, pulse) if has_pulses else (np.zeros(1), *np.full((2, 1), np.nan))
    )
    kinds = [tuple(f"{x:.2g}" for x in pair) for pair in zip(sizes, widths, strict=True)]
    names = list(dict.fromkeys(kinds))
    return PulsedRecord(
        device_id=device,
        record=number,
        time_s=t[read],
        value=value[read],
        pulses_s=ends,
        voltage_v=sizes,
        before=pulse[read] if has_pulses else np.ones(int(read.sum()), int),
        has_pulses=has_pulses,
        groups=np.array([names.index(each) for each in kinds]),
        temperature_k=kelvin if np.isfinite(kelvin) else None,
    )


def _pulses(
    t: np.ndarray, volts: np.ndarray, width: np.ndarray, under: np.ndarray, pulse: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return end [s], largest amplitude [V] and width [s] of each pulse; a pulse of one row ends its width later."""
    ends, sizes, widths = [], [], []
    for number in range(1, int(pulse.max()) + 1):
        own = np.flatnonzero(under & (pulse == number))
        last = int(own[-1])
        end, wide = t[last], width[own[0]]
        if len(own) == 1 and np.isfinite(wide):
            end = min(end + wide, t[last + 1]) if last + 1 < len(t) else end + wide
        ends.append(end)
        sizes.append(volts[own][np.argmax(np.abs(volts[own]))])
        widths.append(wide)
    return np.array(ends), np.array(sizes), np.array(widths)
