"""Figure of a card from arrays: rate curves with their bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Panel

LEAST_GAP = 0.15  # of the states, where "no data" has room


@dataclass(frozen=True, eq=False)
class Rate:
    """Rate curve with its band: all (n,); rates in windows per pulse, `inside` where the data cover r."""

    r: np.ndarray
    rate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    inside: np.ndarray
    level: float


def rates(branches: Mapping[str, Rate], top: float) -> Panel:
    """Draw the size of rdot(r) of both branches with its band; dashed and paler where it was not measured.

    Parameters
    ----------
    branches : mapping of direction to Rate
    top : float
        Largest fitted step [windows per pulse]; the axis ends a quarter above it.
    """
    curves = []
    for direction, each in branches.items():
        name, colour, size = direction.upper(), COLOURS[direction], np.abs(each.rate)
        low, high = np.sort(np.abs([each.lower, each.upper]), axis=0)
        words = f"{name} {each.level:.0%} band".replace("%", " %")
        curves.append(Curve(f"{name}, extrapolated", each.r, size, style="--", width=0.8, colour=colour, legend=False))
        curves.append(Curve(name, each.r[each.inside], size[each.inside], width=1.5, colour=colour))
        measured, pale = (np.where(each.inside, end, np.nan) for end in (low, high)), _outside(each.inside, low, high)
        for (bottom, ceiling), alpha in ((measured, 0.2), (pale, 0.07)):
            shade = Curve(words, each.r, size, "band", low=bottom, high=ceiling, colour=colour, alpha=alpha)
            curves.append(shade if alpha > 0.1 else replace(shade, name=f"{words}, extrapolated", legend=False))
    y = Axis("|change by one pulse|", "window", limits=(0.0, 1.25 * top))
    notes = [(at, 1.18 * top, "no data") for at in _gaps([each.r[each.inside] for each in branches.values()])]
    return Panel(Axis.of("state", limits=(0.0, 1.0)), y, curves, notes=notes)


def _outside(inside: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the band where it was not measured, to the edge of the measured range."""
    next_to = inside & np.r_[inside[1:], True] & np.r_[True, inside[:-1]]
    return np.where(next_to, np.nan, low), np.where(next_to, np.nan, high)


def _gaps(measured: Sequence[np.ndarray]) -> list[float]:
    """Return where the states begin that no branch has measured, if they are wide enough for two words."""
    known = np.concatenate([*measured, np.empty(0)])
    if not known.size:
        return []
    low, high = float(known.min()), float(known.max())
    return [at for at, wide in ((0.01, low), (high + 0.01, 1.0 - high)) if wide > LEAST_GAP]
