"""Duplicate columns: |I|, log I, R beside I, a moving average.

Found before columns are counted: a moving average read as a cycle, or |I| as a second sweep, would be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.readers.layout import IGNORED, Column
from devicekit.readers.layouts import pooling
from devicekit.readers.layouts.roles import UNKNOWN, Cells
from devicekit.readers.lexicon import means
from devicekit.readers.state import STATE_COLUMNS
from devicekit.system.options import ReadOptions

TOLERANCE = 2e-3  # relative: duplicates are often written with fewer digits
MOST_TESTED = 60  # columns
LEAST = 4  # readings that two columns must share
_TESTED = {"current_a", "value", UNKNOWN, *STATE_COLUMNS}


def ignore_duplicates(columns: Sequence[Column], cells: Cells, options: ReadOptions) -> list[Column]:
    """Give columns that repeat an earlier (or better named) one the role `ignore`.

    Raises
    ------
    UsageError
        If a current and a resistance beside it imply another read voltage than the given one.
    """
    found = list(columns)
    places = [k for k, column in enumerate(found) if column.role in _TESTED and column.by != "map"]
    if len(places) > MOST_TESTED:  # so many columns are cycles or devices, and each pair would be tested
        return found
    places.sort(key=lambda k: (_originality_rank(found[k]), k))
    values = {k: cells.numbers(found[k].name) for k in places}
    volts = next((cells.numbers(c.name) for c in found if c.role in ("voltage_v", "read_voltage_v")), None)
    for at, k in enumerate(places):
        y = values[k]
        if y is None or found[k].role == IGNORED:
            continue
        for j in places[:at]:
            x = values[j]
            if found[k].role == IGNORED:
                break
            if x is None or found[j].role == IGNORED or len(x) != len(y):
                continue
            if _have_distinct_names(found[j], found[k], cells):
                continue
            v = None if volts is None else volts.to_numpy(float)
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # the largest and smallest floats
                why = _describe_relation(x.to_numpy(float), y.to_numpy(float), v, found[j], found[k])
            if why:
                if v is None and (
                    implied := _implied_read_voltage(x.to_numpy(float), y.to_numpy(float), found[j], found[k])
                ):
                    given = options.read_voltage
                    if given is not None and not np.isclose(abs(given), implied, rtol=0.02):
                        raise UsageError(
                            f"read_voltage={given:g} contradicts {found[j].name} and {found[k].name} of "
                            f"{cells.block.where}, which imply {implied:.4g} V. Remove the option."
                        )
                    why = f"{{}} at {implied:.4g} V"
                    j, k = k, j  # the state needs no read voltage
                found[k] = replace(found[k], role=IGNORED, why=why.format(found[j].name))
                break
    return found


def _implied_read_voltage(x: np.ndarray, y: np.ndarray, first: Column, second: Column) -> float | None:
    """Return the read voltage [V] that a current and the state beside it imply, if both state their units."""
    roles = (first.role, second.role)
    if roles not in (("current_a", "resistance_ohm"), ("current_a", "conductance_s")):
        return None
    if not (first.stated and second.stated) or first.log10 or second.log10:
        return None
    ohm = y * second.factor if second.role == "resistance_ohm" else 1.0 / np.where(y == 0, np.nan, y * second.factor)
    return float(np.nanmedian(np.abs(x * first.factor * ohm)))


def _have_distinct_names(first: Column, second: Column, cells: Cells) -> bool:
    """Return whether two columns are named as two measurements: cycles 1 and 2 may hold equal numbers."""
    same_tags = {name: first.tags.get(name) for name in ("level", "direction")} == {
        name: second.tags.get(name) for name in ("level", "direction")
    }
    if not same_tags:
        return True
    places = cells.block.places
    notes = [
        (cells.block.notes[k] if k < len(cells.block.notes) else "") for k in (places[first.name], places[second.name])
    ]
    with_notes = [
        f"{column.name.partition('.')[0]} {note}" for column, note in zip((first, second), notes, strict=True)
    ]
    pairs = ([first.name, second.name], with_notes)
    return first.role == second.role and any(not pooling.parse_names(pair).unclear for pair in pairs)


def _originality_rank(column: Column) -> int:
    """Rank a column as an original: measured quantities first, magnitudes and averages last."""
    order = {"current_a": 0, "read_current_a": 0, "conductance_s": 1, "resistance_ohm": 2, "weight": 3, "value": 4}
    name = column.name.lower()
    derived = column.log10 or column.magnitude or means("computed", name)
    return order.get(column.role, 5) + 10 * derived


def _describe_relation(x: np.ndarray, y: np.ndarray, v: np.ndarray | None, first: Column, second: Column) -> str:
    """Describe how y follows from x, with a placeholder for the name of x; "" if it does not."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < LEAST:
        return ""
    x, y = x[known], y[known]
    v = v[known] if v is not None and len(v) == len(known) else None
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return ""
    size = np.abs(x) > 0
    if _is_close(y, np.abs(x)) and (x < 0).any():
        return "the magnitude of {}"
    if (first.role, second.role) == ("current_a", "current_a") and _is_mirrored(x, y):
        return "{} with opposite sign"
    if _is_close(x, y):
        return "the same numbers as {}" if second.tags.get("level") == first.tags.get("level") else ""
    if _is_log(x, y, size):
        return "the logarithm of {}"
    scale = y[size] / x[size]
    if scale.size >= LEAST and _is_constant(scale):
        power = np.log10(np.abs(scale[0]))
        agree = not (first.stated and second.stated) or np.isclose(scale[0], first.factor / second.factor, rtol=1e-3)
        if abs(power - round(power)) < 1e-3 and round(power) != 0 and agree:
            return "{} in another unit"
        if first.role != second.role:
            return "{} times a constant (a read voltage)"
    if _is_constant((x * y)[size]) and np.ptp(np.log(np.abs(x[size]))) > 10 * TOLERANCE:
        return "the inverse of {} times a constant (a read voltage)"
    if v is not None and first.role == "current_a" and second.role in ("resistance_ohm", "conductance_s", UNKNOWN):
        ohm = v[size] / x[size]
        usual = np.abs(v[size]) > 0.05 * np.abs(v).max()
        for state in (ohm, 1 / np.where(ohm == 0, np.nan, ohm)):
            ratio = np.abs(y[size][usual] / state[usual])
            if np.isfinite(ratio).sum() >= LEAST and _is_constant(ratio[np.isfinite(ratio)]):
                return "voltage divided by {}, or the inverse"
    named = means("computed", second.name.lower()) and not means("computed", first.name.lower())
    # the same name twice, or names that differ by a number: two measurements
    repeated = second.name.rpartition(".")[0] == first.name
    repeated |= re.sub(r"\d+", "#", second.name) == re.sub(r"\d+", "#", first.name)
    return "a moving average of {}" if not repeated and _is_smoothed(x, y, named) else ""


def _is_close(x: np.ndarray, y: np.ndarray) -> bool:
    scale = np.maximum(np.abs(x), np.abs(y))
    return bool((np.abs(x - y) <= TOLERANCE * scale).all())


def _is_mirrored(x: np.ndarray, y: np.ndarray) -> bool:
    """Return whether y is -x within the error of two instruments, as the current at the other terminal is."""
    large = np.abs(x) > 0.05 * np.abs(x).max()
    ratio = y[large] / x[large]
    return bool(abs(np.median(ratio) + 1) < 0.03 and np.corrcoef(x, y)[0, 1] < -0.999)


def _is_constant(x: np.ndarray) -> bool:
    x = x[np.isfinite(x)]
    middle = float(np.median(x)) if x.size >= LEAST else 0.0
    with np.errstate(over="ignore"):  # the largest floats of both signs
        return middle != 0 and bool((np.abs(x - middle) < TOLERANCE * abs(middle)).all())


def _is_log(x: np.ndarray, y: np.ndarray, size: np.ndarray) -> bool:
    if size.sum() < LEAST:
        return False
    with np.errstate(divide="ignore"):
        logarithm = np.log10(np.abs(x[size]))
    shift = y[size] - logarithm  # a constant shift is another unit
    return bool(np.ptp(logarithm) > 0.05 and np.abs(shift - np.median(shift)).max() < 0.02 * np.ptp(logarithm) + 1e-6)


def _is_smoothed(x: np.ndarray, y: np.ndarray, named: bool) -> bool:
    """Return whether y is x smoothed: closer to the 5-point mean of x than to x, the same level, smaller steps.

    Where the name says so (`named`), following x is enough.
    """
    if x.size < 12 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return False
    mean = np.convolve(x, np.ones(5) / 5, "valid")
    inner = y[2:-2]
    if np.ptp(mean) == 0 or np.ptp(inner) == 0:
        return False
    with_mean = np.corrcoef(mean, inner)[0, 1]
    with_x = np.corrcoef(x, y)[0, 1]
    steps = np.abs(np.diff(y)).mean() < 0.7 * np.abs(np.diff(x)).mean()
    level = abs(y.mean() - x.mean()) <= 0.05 * max(abs(x.mean()), np.ptp(x))
    return bool((with_mean > 0.98 and with_mean > with_x and steps and level) or (named and with_x > 0.8 and level))
