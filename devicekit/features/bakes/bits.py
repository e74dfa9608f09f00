"""Bit errors at each bake, with levels placed for it and for the chosen bake, and at a later time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Estimate, Record, cell, column
from devicekit.core.text import percent, percent_span, si
from devicekit.features.bakes.errors import Placement, count_errors, error_rate, halves, place
from devicekit.features.bakes.law import times
from devicekit.features.bakes.pairs import Pairs
from devicekit.features.bakes.relaxation import Relaxation, relaxed


def rate_text(found: Estimate | None) -> str:
    """Return a rate with its interval in words."""
    if found is None:
        return "–"
    return f"{percent(found.value)} ({percent_span(*found.ends)})" if found.ends else percent(found.value)


@dataclass(frozen=True, kw_only=True)
class BakeErrors(Record):
    """Wrong bits of one number of levels after one bake."""

    bits: int = column("bits", name="bits_per_cell", doc="bits of a cell, log2 of its levels")
    bake: str = column("bake", json=False, row=False)
    temperature_k: float | None = column(doc="temperature of the bake; None if unknown")
    time_s: float = column("time", doc="time of the bake, median over the cells")
    n: int = column("cells", doc="cells counted, none of which placed the levels")
    outside: float = column(
        name="outside_share", doc="share of a level's cells outside its read range, on each side, as placed"
    )
    rate: Estimate | None = column(
        name="bake_bit_errors", flat=True, estimate=True, doc="share of wrong bits, levels placed for this bake"
    )
    moved: Estimate | None = column(
        name="chosen_bit_errors", flat=True, estimate=True, doc="share of wrong bits, levels placed for the chosen bake"
    )

    @cell("wrong bits, placed for this bake", after="n")
    def own_text(self) -> str:
        """Share of wrong bits with its interval, or a dash."""
        return rate_text(self.rate)

    @cell("wrong bits, placed for the chosen bake", after="own_text")
    def moved_text(self) -> str:
        """The same with the levels of the chosen bake."""
        return rate_text(self.moved)


@dataclass(frozen=True, kw_only=True)
class PlacedLevel(Record):
    """Window to write and range to read of one level, for the chosen bake."""

    bits: int = column("bits", name="bits_per_cell", doc="bits of a cell, log2 of its levels")
    number: int = column("level", name="placed_level", doc="number of the level, lowest conductance first, from 0")
    write_low_s: float = column("write from", unit="S", doc="lower end of the window to write")
    write_high_s: float = column("to", unit="S", doc="upper end of the window to write")
    read_low_s: float | None = column("read from", unit="S", doc="threshold below; None of the lowest level")
    read_high_s: float | None = column("to", unit="S", doc="threshold above; None of the highest level")


@dataclass(frozen=True, kw_only=True)
class LaterErrors(Record):
    """Wrong bits at a later time, with two shapes of the cells; levels placed for that time."""

    bits: int = column("bits", name="bits_per_cell", doc="bits of a cell, log2 of its levels")
    time_s: float = column("time", doc="time of the prediction")
    factor: float = column("extrapolation", text=times, doc="that time over the last one of the fit")
    measured: Estimate = column(name="cells_bit_errors", flat=True, doc="share of wrong bits, shape of the cells")
    normal: Estimate = column(name="normal_bit_errors", flat=True, doc="share of wrong bits, normal cells")

    @cell("wrong bits, shape of the cells", after="factor")
    def measured_text(self) -> str:
        """Rate with its interval."""
        return rate_text(self.measured)

    @cell("wrong bits, normal cells", after="measured_text")
    def normal_text(self) -> str:
        """Rate with its interval."""
        return rate_text(self.normal)

    @property
    def bracket(self) -> tuple[float, float]:
        """Least and largest end of both intervals, 0..1."""
        ends = [end for each in (self.measured, self.normal) for end in each.ends or (each.value,)]
        return min(ends), max(ends)

    @property
    def words(self) -> str:
        """Bracket in words, with its factor of extrapolation."""
        return f"{percent_span(*self.bracket)} at {si(self.time_s, 's')}, {times(self.factor)} the measured time"


def write_window(pairs: Pairs) -> float | None:
    """Return the default width of a window to write [S]: the median distance of neighbouring levels; None of one."""
    return float(np.median(np.diff(pairs.centres))) if len(pairs.levels) > 1 else None


def bake_errors(
    pairs: Pairs, bits: Sequence[int], width_s: float, chosen: int
) -> tuple[tuple[BakeErrors, ...], tuple[PlacedLevel, ...]]:
    """Return the bit errors of each number of bits after each bake, and the levels placed for the chosen bake.

    Parameters
    ----------
    pairs : Pairs
    bits : sequence of int
    width_s : float
        Width of a window to write [S].
    chosen : int
        Number of the bake for which levels are placed.
    """
    half = halves(pairs.level.size)
    folds = [(half, ~half), (~half, half)]
    found: list[BakeErrors] = []
    levels: list[PlacedLevel] = []
    for each in bits:
        placed = [[_place(pairs, k, on, 2**each, width_s) for on, _ in folds] for k in range(len(pairs.bakes))]
        for k, bake in enumerate(pairs.bakes):
            tables = [
                [_count(pairs, k, off, one) for one, (_, off) in zip(ones, folds, strict=True)]
                for ones in (placed[k], placed[chosen])
            ]
            rates = [_rate(each) for each in tables]
            own = [one.q for one in placed[k] if one is not None]
            found.append(
                BakeErrors(
                    bits=each,
                    bake=pairs.bake_name(k),
                    temperature_k=bake.temperature_k,
                    time_s=bake.time_s,
                    n=sum(int(one.sum()) for one in tables[0] if one is not None),
                    outside=float(np.mean(own)) if own else float("nan"),
                    rate=rates[0],
                    moved=rates[1],
                )
            )
        if (one := _place(pairs, chosen, np.ones_like(half), 2**each, width_s)) is not None:
            levels += _levels(each, one)
    return tuple(found), tuple(levels)


def _place(pairs: Pairs, k: int, own: np.ndarray, levels: int, width_s: float) -> Placement | None:
    """Place levels for a bake on some of the cells."""
    own = own & np.isfinite(pairs.shift[:, k])
    return place(pairs.before[own, k], pairs.after[own, k], levels, width_s) if own.any() else None


def _count(pairs: Pairs, k: int, own: np.ndarray, placed: Placement | None) -> np.ndarray | None:
    own = own & np.isfinite(pairs.shift[:, k])
    return None if placed is None else count_errors(pairs.before[own, k], pairs.after[own, k], placed)


def _rate(tables: Sequence[np.ndarray | None]) -> Estimate | None:
    known = [each for each in tables if each is not None and each.size]
    return error_rate(known) if len(known) == len(tables) else None


def _levels(bits: int, placed: Placement) -> list[PlacedLevel]:
    limits = [None, *map(float, placed.thresholds_s), None]
    return [
        PlacedLevel(
            bits=bits,
            number=number,
            write_low_s=float(low),
            write_high_s=float(low) + placed.width_s,
            read_low_s=limits[number],
            read_high_s=limits[number + 1],
        )
        for number, low in enumerate(placed.write_s)
    ]


def later_errors(
    pairs: Pairs, found: Relaxation, bits: Sequence[int], width_s: float, time_s: float
) -> tuple[LaterErrors, ...]:
    """Return the bit errors at a later time by the lines of the relaxation, for both shapes of the cells.

    Parameters
    ----------
    pairs : Pairs
    found : Relaxation
    bits : sequence of int
    width_s : float
        Width of a window to write [S].
    time_s : float
        Time of the prediction [s].
    """
    last = [k for k, bake in enumerate(pairs.bakes) if bake.time_s == found.times_s[-1]][-1]
    both = [
        bake_errors(pairs.select([last]).moved(relaxed(pairs, found, time_s, normal)), bits, width_s, 0)[0]
        for normal in (False, True)
    ]
    return tuple(
        LaterErrors(bits=a.bits, time_s=time_s, factor=time_s / found.times_s[-1], measured=a.rate, normal=b.rate)
        for a, b in zip(*both, strict=True)
        if a.rate is not None and b.rate is not None
    )
