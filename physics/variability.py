"""Scatter of the figures of merit of loops, raw and without the slow drift of the filament."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.core.records import Record, cell, column
from devicekit.core.text import si
from physics.result import IVResult
from physics.stack import Stack

MERITS = {
    "v_set_v": ("V_set", "V"),
    "v_100ua_v": ("voltage at 100 µA", "V"),
    "v_reset_v": ("V_reset (peak_current)", "V"),
    "hrs_s": ("HRS of the device", "S"),
    "lrs_s": ("LRS of the device", "S"),
}
"""Figures of merit of a loop, with label and unit; HRS and LRS of the device alone."""

_FEWEST = 5  # loops


def _share(value: float) -> str:
    return f"{100 * value:.2g} %"


@dataclass(frozen=True, kw_only=True)
class Scatter(Record):
    """Scatter of one figure of merit over loops; NaN with fewer than five loops."""

    name: str = column("figure of merit", text=lambda name: MERITS[name][0])
    loops: int = column("loops", text=str, doc="loops with a value")
    mean: float = column(default=math.nan, doc="mean, in the unit of the figure")
    sd: float = column("sd", text=_share, default=math.nan, doc="standard deviation over the magnitude of the mean")
    detrended: float = column(
        "detrended",
        text=_share,
        default=math.nan,
        doc="the same after subtraction of a straight line over the loops",
    )
    lag1: float = column(
        "lag 1",
        text="{:+.2f}".format,
        default=math.nan,
        doc="correlation of one loop with the next, detrended: near 0 for random scatter, near 1 for a slow drift",
    )

    @cell("mean", after="loops")
    def mean_text(self) -> str:
        return si(self.mean, MERITS[self.name][1], 4)

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row of a table; dashes with too few loops."""
        found = super().cells()
        return found if self.loops >= _FEWEST else (*found[:2], *["–"] * len(found[2:]))


def scatter(result: IVResult, skip: int = 1) -> tuple[Scatter, ...]:
    """Compute the scatter of the figures of merit over the loops of a run.

    Parameters
    ----------
    result : IVResult
        Result of `simulate_iv` with many cycles.
    skip : int
        Number of first loops to leave out; the first loop does not start after a reset.

    Raises
    ------
    ParameterError
        If fewer than five loops remain.
    """
    cycles = result.cycles[skip:]
    if len(cycles) < _FEWEST:
        raise ParameterError(f"cycles: found {len(cycles)} after the first {skip}, expected 5 or more")
    found = []
    for name in MERITS:
        values = [getattr(each.device if name in ("hrs_s", "lrs_s") else each, name) for each in cycles]
        known = np.array([(n, value) for n, value in enumerate(values) if value is not None], dtype=float)
        if len(known) < _FEWEST:
            found.append(Scatter(name=name, loops=len(known)))
            continue
        at, value = known.T
        rest = value - np.polyval(np.polyfit(at, value, 1), at)
        mean = float(value.mean())
        detrended = float(rest.std(ddof=2)) / abs(mean)
        beside = np.diff(at) == 1  # a loop without a value separates its neighbours
        still = float(rest @ rest) <= 1e-24 * float(value @ value)
        pairs = float(np.sum((rest[1:] * rest[:-1])[beside]))
        lag1 = np.nan if still or not beside.any() else pairs / float(rest @ rest)
        sd = float(value.std(ddof=1)) / abs(mean)
        found.append(Scatter(name=name, loops=len(known), mean=mean, sd=sd, detrended=detrended, lag1=lag1))
    return tuple(found)


def devices(stack: Stack, spread: Mapping[str, float], number: int, seed: int = 0) -> list[Stack]:
    """Draw stacks as devices of one batch: each parameter log-normal about the value of the stack.

    Parameters
    ----------
    stack : Stack
    spread : mapping of keys to float
        Standard deviation of the logarithm of each parameter [1], roughly the relative one. Report its origin with the
        results: it is an assumption unless you have measured it.
    number : int
        Number of devices.
    seed : int

    Raises
    ------
    ParameterError
        If a key is unknown, a spread is not above 0, or a drawn device is an impossible stack.
    """
    for key, size in spread.items():
        if not stack.unit(key):
            raise ParameterError(f"{key} is not a number: it cannot vary")
        if not 0 < size < 1:
            raise ParameterError(f"spread: found {size:g} for {key}, expected a number between 0 and 1")
    random = np.random.default_rng(seed)
    draws = random.standard_normal((number, len(spread)))
    return [
        stack.replace(
            {
                key: float(stack.get(key)) * float(np.exp(size * z))
                for (key, size), z in zip(spread.items(), row, strict=True)
            }
        )
        for row in draws
    ]
