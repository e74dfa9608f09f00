"""What the numbers of columns of unknown quantity show about the kind of their table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from devicekit.readers.layouts.needs import is_rising, numeric_columns
from devicekit.readers.layouts.unnamed_columns import APART
from devicekit.readers.layouts.view import View
from devicekit.readers.sizes import median_size

STEP = 0.2  # of the range: median step of a column from which on it is no train and no sweep
LEAST_VOLTS, MOST_VOLTS = 0.01, 200.0
FEWEST = 4  # readings of a train
FEWEST_OF_SWEEP = 8
TURNS = 0.25  # share of the rows of a sweep at which the voltage turns, at most
REPEATED = 0.2  # share of the rows with a voltage of another row, at least, where all have one sign
NEAR = 0.05  # of the largest voltage: what is near 0 V
LEAST_WEIGHT, LARGEST_WEIGHT = 0.01, 2.0  # of the largest weight of a device
LARGEST_RATIO = 1e4  # of the states of a train
FACTOR = 3.0  # between the medians of HRS and LRS, at least
COUNTERS = ("counter", "point", "cycle", "pulse_index")
OPEN = ("unknown", "counter", "point")


def show_kinds(view: View) -> tuple[str, ...]:
    """Return the kinds for which the numbers speak, best first; none if nothing does, or most columns hold words."""
    states = changing(view)
    if view.extracted:
        return ("summary",)
    if _is_of_words(view) or not states:
        return ()
    if view.pulses_by_label and not view.of("time_s", "voltage_v"):
        return ("pulse",)
    if find_sweep(view) is not None or (view.of("voltage_v") and not view.few_voltages):
        return ("sweep",)
    if view.alternates or (_has_counter(view) and are_levels(states, view)):
        return ("endurance",)
    if view.of("time_s") or find_time(view) is not None:
        return _in_time(states)
    return ("pulse",) if all(_is_train(name, view) for name in states) and not _has_axis(view) else ()


def in_time(view: View) -> tuple[str, ...]:
    """Return the kinds of states that are known beside a time and no voltage, best first; none without a time."""
    return _in_time([each.name for each in view.states]) if view.of("time_s") and not view.of("voltage_v") else ()


def _in_time(states: list[str]) -> tuple[str, str]:
    return ("retention", "transient") if len(states) == 1 else ("transient", "retention")


def find_sweep(view: View) -> dict[str, str] | None:
    """Return the columns of a voltage, which turns, the current beside it and a time; None without such columns."""
    if view.of("voltage_v", "current_a"):
        return None
    names = [name for name in free_columns(view) if view.cells.varies(name) and not is_count(name, view)]
    rising = [name for name in names if is_rising(name, view)]
    names = [name for name in names if name not in rising]
    volts = max((name for name in names if _turns(name, view)), key=lambda name: _repeats(name, view), default=None)
    others = sorted((name for name in names if name != volts), key=lambda name: median_size(view.numbers(name)))
    if volts is None or not others:
        return None
    time = {"time_s": rising[0]} if rising and not view.of("time_s") else {}
    return {**time, "voltage_v": volts, "current_a": others[0]}


def find_time(view: View) -> str | None:
    """Return the unknown column that rises, in equal whole steps or of another size than the rest, as a time may."""
    names = [column.name for column in view.unknown if view.cells.varies(column.name)]
    sizes = {name: median_size(view.numbers(name)) for name in names}
    for name in names:
        own, others = sizes[name], [sizes[each] for each in names if each != name]
        apart = all(max(own, each) > APART * min(own, each) for each in others)
        if others and (apart or _counts(name, view)) and is_rising(name, view):
            return name
    return None


def free_columns(view: View) -> list[str]:
    """Return the columns of numbers whose role is not known."""
    return [column.name for column in numeric_columns(view) if column.role in OPEN]


def changing(view: View) -> list[str]:
    """Return the columns of unknown quantity that change, without counters and a time."""
    time = find_time(view)
    unknown = [column.name for column in view.unknown]
    return [name for name in unknown if name != time and view.cells.varies(name) and not _counts(name, view)]


def jumps(name: str, view: View) -> bool:
    """Return whether the numbers of a column change by much from row to row."""
    x = _numbers(name, view)
    spread = float(np.subtract(*np.percentile(x, (95, 5)))) if x.size > 2 else 0.0
    return spread > 0 and float(np.median(np.abs(np.diff(x)))) > STEP * spread


def are_levels(names: list[str], view: View) -> bool:
    """Return whether two columns are positive and apart by a factor, as HRS and LRS are."""
    if len(names) != 2:
        return False
    low, high = sorted((_numbers(name, view) for name in names), key=np.median)
    apart = np.percentile(high, 5) > np.percentile(low, 95) and np.median(high) > FACTOR * np.median(low)
    return bool(low.min() > 0 and apart)


def _numbers(name: str, view: View) -> np.ndarray:
    values = view.numbers(name)
    return np.array([]) if values is None else values.dropna().to_numpy(float)


def _counts(name: str, view: View) -> bool:
    """Return whether a column holds whole numbers in equal steps."""
    x = _numbers(name, view)
    return bool((x == np.round(x)).all() and x.size > 2 and np.ptp(np.diff(x)) == 0)


def _turns(name: str, view: View) -> bool:
    """Return whether a column rises and falls as a swept voltage: smoothly, through both signs or from 0 and back."""
    x = _numbers(name, view)
    steps = np.sign(np.diff(x))
    reversals = int((np.diff(steps[steps != 0]) != 0).sum())
    if x.size < FEWEST_OF_SWEEP or not LEAST_VOLTS <= np.abs(x).max() <= MOST_VOLTS:
        return False
    both = x.min() < -NEAR * x.max() < 0
    size = np.abs(x)
    again = size[0] <= NEAR * size.max() and _repeats(name, view) >= REPEATED
    return 0 < reversals <= TURNS * x.size and (both or again)


def _repeats(name: str, view: View) -> float:
    """Return the share of the rows with a value of an earlier row."""
    x = _numbers(name, view)
    return 1 - np.unique(x).size / max(x.size, 1)


def _is_train(name: str, view: View) -> bool:
    """Return whether a column moves in small steps and is positive, or a weight."""
    x = _numbers(name, view)
    if x.size < FEWEST or jumps(name, view):
        return False
    if x.min() < 0:
        return are_weights(x)
    size = x[x > 0]
    return bool(size.max() <= LARGEST_RATIO * size.min())


def are_weights(numbers: np.ndarray | pd.Series) -> bool:
    """Return whether numbers are of the size of weights."""
    return bool(LEAST_WEIGHT <= np.abs(numbers).max() <= LARGEST_WEIGHT)


def _has_counter(view: View) -> bool:
    """Return whether a column counts rows or cycles."""
    return bool(view.of(*COUNTERS)) or any(is_count(column.name, view) for column in view.unknown)


def is_count(name: str, view: View) -> bool:
    """Return whether a column holds whole numbers that never fall."""
    return is_rising(name, view) and bool((_numbers(name, view) % 1 == 0).all())


def _has_axis(view: View) -> bool:
    """Return whether the rows run along another quantity, such as an energy or a temperature."""
    rest = [c.name for c in view.columns if c.role not in (*OPEN, *COUNTERS, "time_s") and view.cells.varies(c.name)]
    return any(len(set(np.sign(np.diff(_numbers(name, view))))) == 1 and not _counts(name, view) for name in rest)


def _is_of_words(view: View) -> bool:
    """Return whether most columns hold words, or one names each row."""
    cells = view.cells.block.cells
    words = [cells[c.name] for c in view.columns if view.numbers(c.name) is None and (cells[c.name] != "").any()]
    names = [each for each in words if each.is_unique and each.str[:1].str.isalpha().all()]
    return 2 * len(words) > len(view.columns) or bool(names)
