"""Size of numbers in each unit: what they would be in SI, and how probable that is for a device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.text import si
from devicekit.names import parse_unit

LEAST_G, LARGEST_G = 1e-15, 1.0  # S; no memristor conducts less or more
LARGEST_OF_OPTION = 0.02  # S, where an option or an answer gave the unit
USUAL = (1e-8, 1e-3)  # S
UNITS = {
    "conductance": ("S", "mS", "uS", "nS"),
    "current": ("A", "mA", "uA", "nA"),
    "resistance": ("ohm", "kohm", "Mohm"),
}
IMPROBABLE = "which is improbable"
_SYMBOLS = {"conductance": "S", "current": "A", "resistance": "Ω"}


def median_size(values: pd.Series | np.ndarray | None) -> float:
    """Return the median magnitude of the numbers other than 0; NaN without any."""
    x = np.array([]) if values is None else np.abs(np.asarray(values, float))
    x = x[np.isfinite(x) & (x > 0)]
    return float(np.median(x)) if x.size else float("nan")


def is_improbable(conductance: float, by_option: bool = False) -> bool:
    """Return whether a median conductance [S] is that of no device."""
    return not LEAST_G <= conductance <= (LARGEST_OF_OPTION if by_option else LARGEST_G)


def rank_units(size: float, units: Sequence[str], volts: float = float("nan")) -> dict[str, str]:
    """Return units, the most probable first, each with what it makes of the numbers.

    Parameters
    ----------
    size : float
        Median magnitude of the numbers, in the unit in question.
    units : sequence of str
        Units of conductance, current or resistance.
    volts : float
        Voltage of currents [V]; 1 V if it is NaN.
    """
    found = {}
    for word in units:
        unit = parse_unit(word)
        if unit is None or unit.quantity not in _SYMBOLS or not np.isfinite(size):
            found[word] = (0.0, "")
            continue
        value = size * unit.factor
        if not 1e-100 < value < 1e100:
            found[word] = (np.inf, "")
            continue
        g = {"resistance": 1 / value, "current": value / (volts if np.isfinite(volts) else 1.0)}.get(
            unit.quantity, value
        )
        away = max(np.log10(USUAL[0] / g), np.log10(g / USUAL[1]), 0.0)
        doubt = f", {IMPROBABLE}" if is_improbable(g, by_option=True) else ""
        found[word] = (away, f"median {si(value, _SYMBOLS[unit.quantity])}{doubt}")
    return {word: found[word][1] for word in sorted(found, key=lambda each: found[each][0])}


def describe_others(ranked: dict[str, str]) -> str:
    """Return what the units after the first one make of the numbers: " (S: median 77 mS; uS: median 77 nS)"."""
    rest = "; ".join(f"{word}: {text}" for word, text in list(ranked.items())[1:3] if text)
    return f" ({rest})" if rest else ""
