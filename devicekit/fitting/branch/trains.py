"""Trains of one direction side by side, and the window, from a pulse table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import TraceError
from devicekit.core.statistics import mean_curve
from devicekit.core.text import count
from devicekit.device.blocks import FURTHEST_BELOW, LARGEST_CONDUCTANCE, Window
from devicekit.tables import PulseTable

FEWEST_POINTS = 8


@dataclass(frozen=True)
class Trains:
    """All trains of one direction.

    Attributes
    ----------
    direction : str
        ltp or ltd.
    devices : tuple of str
        Device of each train.
    cycles : ndarray of int, shape (T,)
        Cycle of each train.
    values : ndarray, shape (T, N + 1)
        State after pulse n in the table's unit; NaN where it was not read, and beyond a train's end.
    """

    direction: str
    devices: tuple[str, ...]
    cycles: np.ndarray
    values: np.ndarray

    def of(self, device: str) -> Trains:
        """Return the trains of one device."""
        keep = [k for k, name in enumerate(self.devices) if name == device]
        return Trains(self.direction, tuple(self.devices[k] for k in keep), self.cycles[keep], self.values[keep])

    def rising(self, window: Window) -> np.ndarray:
        """Return the trains on the rising coordinate x in [0, 1], shape (T, N + 1)."""
        r = window.to_state(self.values)
        return r if self.direction == "ltp" else 1.0 - r

    def mean_states(self, window: Window) -> np.ndarray:
        """Return each device's mean state r over cycles, shape (devices, N + 1); mean of ln G on a log window."""
        names = dict.fromkeys(self.devices)
        return np.array([mean_curve(window.to_state(self.of(name).values)) for name in names])

    def mean_by_device(self) -> np.ndarray:
        """Return each device's mean train over cycles, shape (devices, N + 1)."""
        return np.array([mean_curve(self.of(name).values) for name in dict.fromkeys(self.devices)])

    @property
    def ragged(self) -> bool:
        """True if trains end, or were read, at different pulses."""
        read = np.isfinite(self.values)
        return bool((read != read[0]).any())


def select_trains(table: PulseTable, direction: str) -> Trains | None:
    """Return all trains of one direction, each at its own length; None if there are none."""
    trains = list(table.traces(direction))
    if not trains:
        return None
    starts = _starts([index for _, _, index, _ in trains])
    longest = max(int(index[_last(state)]) - start for (_, _, index, state), start in zip(trains, starts, strict=True))
    values = np.full((len(trains), longest + 1), np.nan)
    for row, ((_, _, index, state), start) in enumerate(zip(trains, starts, strict=True)):
        position = index - start
        inside = (position <= longest) & np.isfinite(state)
        total, count = np.zeros(longest + 1), np.zeros(longest + 1)
        np.add.at(total, position[inside], state[inside])  # a pulse that was read twice has the mean of its readings
        np.add.at(count, position[inside], 1.0)
        values[row] = np.divide(total, count, out=np.full(longest + 1, np.nan), where=count > 0)
    return Trains(direction, tuple(train[0] for train in trains), np.array([train[1] for train in trains]), values)


def _starts(indices: list[np.ndarray]) -> list[int]:
    """Return the pulse number at which each train begins, so that pulse n is the same pulse in every train.

    A train without a reading before its first pulse, like later trains of a sequence, begins where the others begin.
    A train that begins further away has pulse numbers that continue from train to train: it begins at its own first
    reading.
    """
    first = min(int(index.min()) for index in indices)
    steps = (np.diff(np.unique(index)) for index in indices)
    spacing = min((int(step.min()) for step in steps if step.size), default=1)
    return [first if index.min() - first <= spacing else int(index.min()) for index in indices]


def _last(values: np.ndarray) -> int:
    """Return the position of the last reading."""
    finite = np.flatnonzero(np.isfinite(values))
    return int(finite[-1]) if finite.size else 0


def check_length(finite: np.ndarray, name: str, least: int = FEWEST_POINTS) -> None:
    """Refuse a curve of fewer than `least` readings."""
    if finite.size < least:
        raise TraceError(f"the {name} curve has {count(finite.size, 'reading')}; a fit needs at least {FEWEST_POINTS}")


def choose_window(sets: list[Trains], quantity: str, scope: str, scale: str = "linear") -> Window:
    """Choose one window for both branches: the range of their mean curves, smoothed to a monotone course.

    The monotone smoother (isotonic regression) is the identity on a clean curve; on a noisy one it keeps
    single extreme readings from setting the window.
    """
    from scipy.optimize import isotonic_regression

    ends = []
    for each in sets:
        curve = mean_curve(each.mean_by_device())
        finite = curve[np.isfinite(curve)]
        name = each.direction.upper()
        check_length(finite, name, 2)
        if finite.max() == finite.min():
            raise TraceError(f"the device does not switch: all {finite.size} readings of the {name} curve are equal")
        smooth = isotonic_regression(finite, increasing=each.direction == "ltp").x
        ends += [smooth[0], smooth[-1]]
    low, high = float(min(ends)), float(max(ends))
    if not high > low:
        raise TraceError("the device does not switch: the mean curve does not move in the direction of its label")
    if quantity == "conductance_s" and high > LARGEST_CONDUCTANCE:
        most = f"but a device has at most {LARGEST_CONDUCTANCE:g} S"
        raise TraceError(f"the conductances reach {high:g} S, {most}: give the unit of the readings, such as unit='uS'")
    if quantity == "conductance_s" and low < -FURTHEST_BELOW * high:
        raise TraceError(f"the conductances fall to {low:g} S, of at most {high:g} S: take the offset off the readings")
    if scale == "log" and (quantity != "conductance_s" or low <= 0):
        raise TraceError("state='log' needs conductances above 0 S")
    return Window(quantity=quantity, low=low, high=high, scope=scope, scale=scale)  # type: ignore[arg-type]


def estimate_noise(y: np.ndarray) -> float:
    """Estimate the standard deviation of independent reading noise on a smooth curve, from second differences.

    1.4826 MAD(second differences) / sqrt(6); never below the quantisation step / sqrt(12).
    """
    y = y[np.isfinite(y)]
    if y.size < 4:
        return 0.0
    second = np.diff(y, 2)
    sigma = 1.4826 * float(np.median(np.abs(second - np.median(second)))) / np.sqrt(6)
    steps = np.diff(np.unique(y))
    repeated = np.unique(y).size < 0.5 * y.size
    return max(sigma, float(steps.min()) / np.sqrt(12)) if repeated and steps.size else sigma
