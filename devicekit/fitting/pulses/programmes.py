"""Trains of one direction sorted by their pulses: one amplitude and width, or a growing amplitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.statistics import mean_curve, nanmean
from devicekit.core.text import si
from devicekit.device.blocks import Window
from devicekit.fitting.branch.checks import check_curve
from devicekit.fitting.branch.trains import FEWEST_POINTS, Trains, estimate_noise
from devicekit.models.pulselaw import Pulse
from devicekit.tables import PulseTable

ALIKE = 0.02  # of the amplitude: pulses that differ by less have the same amplitude
DIGITS = 3  # rounding of an amplitude, for grouping trains


@dataclass(frozen=True, eq=False)
class Programme:
    """Trains whose pulses were alike, pulse by pulse.

    Attributes
    ----------
    trains : Trains
    voltages : ndarray, shape (N,)
        Size of each pulse [V]; NaN where unknown.
    widths : ndarray, shape (N,)
        [s]; NaN where unknown.
    """

    trains: Trains
    voltages: np.ndarray
    widths: np.ndarray

    @property
    def varied(self) -> bool:
        """True if the amplitude changes along the train."""
        return bool(self.voltages.size) and _is_varied(self.voltages)

    @property
    def pulse(self) -> Pulse:
        """Its pulse; the middle one if pulses grow."""
        volts, wide = float(np.median(self.voltages)), float(np.median(self.widths))
        return Pulse(volts if np.isfinite(volts) else None, wide if np.isfinite(wide) else None)

    @property
    def words(self) -> str:
        """Description of the pulses."""
        parts = []
        if np.isfinite(self.voltages).all():
            first, last = self.voltages[0], self.voltages[-1]
            parts.append(f"{first:.3g} to {last:.3g} V" if self.varied else f"{np.median(self.voltages):.3g} V")
        if np.isfinite(self.widths).all():
            parts.append(si(float(self.widths[0]), "s"))
        return ", ".join(parts) or "pulses"

    def clusters(self, window: Window) -> np.ndarray:
        """Return independent repeats on the rising coordinate, shape (K, N + 1): devices if several, else cycles."""
        rows = self.trains.rising(window)
        names = list(dict.fromkeys(self.trains.devices))
        if len(names) < 2:
            return rows
        return np.array([mean_curve(rows[[d == name for d in self.trains.devices]]) for name in names])

    @property
    def trains_read(self) -> float:
        """Mean number of trains read at a pulse; all of them if they have equal length."""
        return float(np.isfinite(self.trains.values).sum(axis=0).mean())

    def curve(self, window: Window) -> np.ndarray:
        """Return the mean over the repeats, shape (N + 1,)."""
        return mean_curve(self.clusters(window))


def _is_varied(volts: np.ndarray) -> bool:
    known = volts[np.isfinite(volts)]
    return bool(known.size) and float(np.ptp(known)) > ALIKE * float(np.max(known))


def _round_amplitude(value: float) -> float:
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else -1.0


def _pieces(frame: pd.DataFrame) -> list[tuple[Any, pd.DataFrame]]:
    """Return single trains: by device, cycle and width, and by amplitude if those do not separate pulses."""
    keys = ["device_id", "cycle", *(["pulse_width_s"] if "pulse_width_s" in frame else [])]
    pieces = []
    for key, train in frame.groupby(keys, sort=False, dropna=False):
        repeated = train["pulse_index"].duplicated().any() and "pulse_voltage_v" in train
        parts = [each for _, each in train.groupby(train["pulse_voltage_v"].abs())] if repeated else [train]
        pieces += [(key, part.sort_values("pulse_index", kind="stable")) for part in parts]
    return pieces


@dataclass(frozen=True, eq=False)
class _Train:
    """One train from its first reading on: states (n + 1,), amplitudes [V] (n,) and width [s]; NaN where unknown."""

    device: str
    cycle: int
    values: np.ndarray
    volts: np.ndarray
    width: float

    @property
    def signature(self) -> tuple[float | bool, ...]:
        """Key that trains of like pulses share."""
        wide = self.width if np.isfinite(self.width) else -1.0
        if not self.volts.size or not np.isfinite(self.volts).all():
            return (wide, False, -1.0)
        if not _is_varied(self.volts):
            return (wide, False, _round_amplitude(float(np.median(self.volts))))
        return (wide, True, *(_round_amplitude(each) for each in self.volts[:3]))


def _read(key: tuple[object, ...], train: pd.DataFrame, quantity: str, first: int) -> _Train:
    """Return one train as arrays from its first reading on; amplitudes between readings are interpolated linearly."""
    index = train["pulse_index"].to_numpy(int)
    start = first if index[0] - first <= 1 else int(index[0])
    position = index - start
    state = train[quantity].to_numpy(float)
    finite = np.flatnonzero(np.isfinite(state))
    length = int(position[finite[-1]]) if finite.size else 0
    values = np.full(length + 1, np.nan)
    inside = (position <= length) & np.isfinite(state)
    values[position[inside]] = state[inside]
    volts = np.full(length, np.nan)
    if "pulse_voltage_v" in train:
        size = np.abs(train["pulse_voltage_v"].to_numpy(float))
        stated = np.isfinite(size) & (position > 0)
        if stated.any():
            volts = np.interp(np.arange(1, length + 1), position[stated], size[stated])
    width = float(train["pulse_width_s"].iloc[0]) if "pulse_width_s" in train else np.nan
    return _Train(str(key[0]), int(str(key[1])), values, volts, width)


def programmes_of(table: PulseTable, direction: str) -> list[Programme]:
    """Return the programmes of one direction, by width and then amplitude, each train at its own length."""
    frame = table.frame[table.frame["direction"] == direction]
    if frame.empty:
        return []
    first = int(frame["pulse_index"].min())
    read = [_read(key, train, table.quantity, first) for key, train in _pieces(frame)]
    groups: dict[tuple[float | bool, ...], list[_Train]] = {}
    for train in read:
        groups.setdefault(train.signature, []).append(train)
    found = []
    for key in sorted(groups):
        group = groups[key]
        longest = max(each.volts.size for each in group)
        if longest < 1:
            continue
        values = np.array([_to_length(each.values, longest + 1) for each in group])
        volts = nanmean(np.array([_to_length(each.volts, longest) for each in group]))
        if not _is_varied(volts):
            volts = np.full(longest, float(np.median(volts)))
        devices, cycles = tuple(each.device for each in group), np.array([each.cycle for each in group])
        trains = Trains(direction, devices, cycles, values)
        found.append(Programme(trains, volts, np.full(longest, group[0].width)))
    return found


def _to_length(values: np.ndarray, length: int) -> np.ndarray:
    return np.pad(values, (0, length - values.size), constant_values=np.nan)


def select_moving(programmes: list[Programme], window: Window) -> tuple[list[Programme], list[CodedWarning]]:
    """Return the programmes whose mean curve moves beyond its noise, and warnings for the others."""
    moving, still = [], []
    for each in programmes:
        x = each.curve(window)
        try:
            if np.isfinite(x).sum() < FEWEST_POINTS:
                raise TraceError("too short")
            check_curve(x, each.trains.direction, estimate_noise(x))
            moving.append(each)
        except TraceError:
            still.append(each.words)
    direction = programmes[0].trains.direction.upper() if programmes else ""
    words = f"{direction}: trains of {'; '.join(still)} do not change by more than their noise and are left out"
    return moving, [CodedWarning("dropped", words)] if still else []


def warn_of_several_amplitudes(table: PulseTable) -> CodedWarning | None:
    """Warn if trains of one amplitude each, but of several amplitudes, are about to be averaged."""
    if "pulse_voltage_v" not in table.frame or all(len(sizes) < 2 for sizes in table.amplitudes.values()):
        return None
    keys = ["direction", "device_id", "cycle", *(["pulse_width_s"] if "pulse_width_s" in table.frame else [])]
    given = table.frame[table.frame["pulse_index"] > table.frame["pulse_index"].min()]
    size = given["pulse_voltage_v"].abs().groupby([given[key] for key in keys], dropna=False).agg(["min", "max"])
    alike = size[(size["max"] <= (1 + ALIKE) * size["min"]) & (size["min"] > 0)]
    spread = alike["max"].groupby(level="direction").agg(["min", "max"])
    apart = spread[spread["max"] > (1 + ALIKE) * spread["min"]]
    if apart.empty:
        return None
    words = [f"{name.upper()} {low:.3g} to {high:.3g} V" for name, (low, high) in apart.iterrows()]
    return CodedWarning(
        "several_amplitudes",
        f"trains of several amplitudes ({', '.join(words)}) are averaged into one curve; share=amplitude fits them "
        "with one shape and a law of the amplitude",
    )
