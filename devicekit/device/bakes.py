"""Bakes of many cells in a card: shifts by level as quantiles, their law, and conductances drawn after a bake."""

from __future__ import annotations

import math
import re
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from devicekit.core.constants import BOLTZMANN_EV, ZERO_C
from devicekit.core.errors import UsageError
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import normal_quantiles
from devicekit.core.text import listed, si
from devicekit.device.blocks import Count, NonNegative, Positive, Strict

SHARES = (0.005, 0.025, 0.16, 0.5, 0.84, 0.975, 0.995)  # of the cells, of the quantiles of a shift
SAME_BAKE_K = 1.0  # K; a bake asked for within this of a measured one is that bake
SAME_TIME = 0.05  # of ln t; a time asked for within this of a measured one is that time

Interval = tuple[float, float]


def celsius(kelvin: float) -> str:
    """Return a temperature in degrees Celsius as text: celsius(453.15) is "180 °C"."""
    return f"{kelvin - ZERO_C:.4g} °C"


def parse_temperature(text: str) -> float:
    """Return the temperature [K] that 180C, 180 °C, 453.15K or 453.15 stand for.

    Raises
    ------
    UsageError
        If the text is not a temperature, or a number without a unit is too cold to be kelvin.
    """
    found = re.fullmatch(r"\s*([-+]?\d+(?:\.\d*)?)\s*(°?\s*C|K)?\s*", text, re.IGNORECASE)
    if found is None:
        raise UsageError(f"a bake is a temperature such as 180C or 453.15K, not {text!r}")
    value, unit = float(found[1]), (found[2] or "").upper()
    if not unit and value < 273.0:
        raise UsageError(f"is the bake at {text} in degrees Celsius? Write {value:g}C or {value:g}K.")
    kelvin = value + ZERO_C if unit.endswith("C") else value
    if not kelvin > 0:
        raise UsageError(f"the bake at {text} is not above 0 K")
    return kelvin


class Bake(Strict):
    """Temperature and time of a bake."""

    temperature_k: Positive | None = Field(description="null where it is unknown")
    time_s: Positive = Field(description="median over the cells")

    @property
    def words(self) -> str:
        """Temperature and time in words."""
        place = "unknown temperature" if self.temperature_k is None else celsius(self.temperature_k)
        return f"{place}, {si(self.time_s, 's')}"


class BakedLevel(Bake):
    """Shift of one level by one bake: G after less G before."""

    level: str
    n: Count = Field(description="cells read before and after")
    unpaired: int = Field(ge=0, description="records of the level with one reading")
    g_before_s: NonNegative = Field(description="median before the bake [S]")
    shift_s: float = Field(description="mean shift [S]")
    shift_interval: Interval | None = None
    sd_s: NonNegative = Field(description="standard deviation of the shift over cells [S]")
    sd_interval: Interval | None = None
    quantiles_s: tuple[float, ...] = Field(description="of the shift, at `shares` of the cells [S]")
    lost_10: NonNegative = Field(le=1, description="share of the cells that lost 10 % of their conductance or more")
    lost_20: NonNegative = Field(le=1, description="the same of 20 %")


class TimeExponent(Strict):
    """Exponent of time of the loss, and its source: set by hand, or measured."""

    value: Positive
    source: str


class RelaxedLevels(Strict):
    """Relaxation of neighbouring levels: variance of the shift against log10 of time."""

    levels: str
    variance_slope_s2: float = Field(description="per decade of time [S2]")
    slope_interval: Interval | None = None
    variance_1s_s2: float = Field(description="of the line at 1 s [S2]")


class BakeLaw(Strict):
    """Law of the shifts over temperature and time."""

    loss_k: tuple[float, ...] = Field(description="temperatures of the bakes with visible loss [K]")
    apparent_energy_ev: float | None = Field(description="of the loss at the bakes' time; null where it is refused")
    energy_interval: Interval | None = Field(description="95 % interval, by resampling cells")
    time_exponent: TimeExponent | None = None
    relaxation: tuple[RelaxedLevels, ...] = ()
    refusal: str | None = Field(description="reason for the missing life in use")


class Bakes(Strict):
    """Shifts of many cells by bakes. They are drawn within the measured temperatures and at the measured times only."""

    shares: tuple[float, ...] = Field(description="of the cells, of the quantiles")
    levels: tuple[BakedLevel, ...] = Field(min_length=1)
    bake_law: BakeLaw

    @model_validator(mode="after")
    def _check_quantiles(self) -> Self:
        for each in self.levels:
            if len(each.quantiles_s) != len(self.shares) or any(np.diff(each.quantiles_s) < 0):
                raise ValueError(f"level {each.level}: quantiles_s needs {len(self.shares)} rising values")
        return self

    @property
    def kelvins(self) -> list[float]:
        """Known temperatures of the bakes, ascending [K]."""
        return sorted({each.temperature_k for each in self.levels if each.temperature_k is not None})

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the share of cells lost at the hottest bake, and the apparent energy."""
        last = max((each.temperature_k or 0.0, each.time_s) for each in self.levels)
        own = [each for each in self.levels if (each.temperature_k or 0.0, each.time_s) == last]
        at = own[0].words
        lost = float(np.average([each.lost_20 for each in own], weights=[each.n for each in own]))
        shown = [Scalar("bake_lost_20", f"cells that lost 20 % by the bake at {at}", lost, of="cells", by=at)]
        if self.bake_law.apparent_energy_ev is not None:
            low, high = self.bake_law.energy_interval or (None, None)
            label, value = "apparent energy of the loss at the bakes' time", self.bake_law.apparent_energy_ev
            shown.append(Scalar("apparent_energy_ev", label, value, "eV", low=low, high=high))
        return tuple(shown)

    def quantiles(self, kelvin: float, time_s: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return levels [S], shape (levels,), and quantiles of the shift [S], shape (levels, shares), of a bake.

        Between two bakes without visible loss quantiles lie on a line in 1/kT, between two with loss on one in
        exp(-E / kT) with the apparent energy E.

        Parameters
        ----------
        kelvin : float
            Temperature of the bake [K].
        time_s : float, optional
            Its time [s]; that of the measured bakes if not given.

        Raises
        ------
        UsageError
            If the temperature is outside the bakes, loss begins between its neighbours, or the time is another one.
        """
        known = self.kelvins
        if not known:
            raise UsageError("the card does not state the temperature of its bakes, so none can be chosen")
        shown = listed([celsius(each) for each in known])
        near = min(known, key=lambda each: abs(each - kelvin))
        if abs(near - kelvin) <= SAME_BAKE_K:
            return self._of_bake(near, time_s)
        if not known[0] < kelvin < known[-1]:
            raise UsageError(f"a bake at {celsius(kelvin)} lies outside the measured bakes ({shown})")
        below, above = max(k for k in known if k < kelvin), min(k for k in known if k > kelvin)
        lossy = [k in self.bake_law.loss_k for k in (below, above)]
        energy = self.bake_law.apparent_energy_ev
        if lossy[0] != lossy[1] or (lossy[1] and energy is None):
            raise UsageError(
                f"a bake at {celsius(kelvin)} cannot be drawn: the mechanism changes between {celsius(below)} and "
                f"{celsius(above)}. Choose a measured bake: {shown}"
            )
        (g, cold), (_, hot) = (self._of_bake(each, time_s) for each in (below, above))
        x = -1.0 / (BOLTZMANN_EV * np.array([below, kelvin, above]))
        x = np.exp((energy or 0.0) * (x - x[2])) if lossy[1] else x
        return g, cold + (x[1] - x[0]) / (x[2] - x[0]) * (hot - cold)

    def _of_bake(self, kelvin: float, time_s: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Return levels and quantiles of a measured bake, at its longest time or the time that is asked for."""
        own = [each for each in self.levels if each.temperature_k == kelvin]
        times = sorted({each.time_s for each in own})
        at = times[-1] if time_s is None else min(times, key=lambda t: abs(math.log(t / time_s)))
        rows = sorted((each for each in own if each.time_s == at), key=lambda each: each.g_before_s)
        g, shift = np.array([each.g_before_s for each in rows]), np.array([each.quantiles_s for each in rows])
        if time_s is None or abs(math.log(at / time_s)) <= SAME_TIME:
            return g, shift
        exponent = self.bake_law.time_exponent
        if exponent is None or kelvin not in self.bake_law.loss_k:
            why = "the card has no time exponent" if exponent is None else "its time exponent is that of a loss"
            raise UsageError(
                f"the bake at {celsius(kelvin)} was measured for {listed([si(t, 's') for t in times])}; "
                f"{si(time_s, 's')} cannot be drawn, since {why}"
            )
        left = np.clip(1.0 + shift / g[:, None], 1e-9, None)
        return g, g[:, None] * (np.where(left < 1, left ** ((time_s / at) ** exponent.value), left) - 1.0)

    def age(self, g: np.ndarray, kelvin: float, seed: int, draw: int = 0, time_s: float | None = None) -> np.ndarray:
        """Return conductances [S] after a bake, from those before it, same shape; raises as `quantiles`.

        Each device keeps one rank among the cells, drawn by its number alone; shifts lie between those of the
        levels next to it in conductance.
        """
        g = np.asarray(g, float)
        rank = np.random.default_rng([seed, 6, draw]).random(g.size)
        return baked(g.ravel(), rank, *self.quantiles(kelvin, time_s), self.shares).reshape(g.shape)

    def describe(self, kelvin: float) -> str:
        """Describe the bake and the cells behind its draws."""
        own = [each for each in self.levels if each.temperature_k is not None]
        near = min(own, key=lambda each: abs((each.temperature_k or 0.0) - kelvin))
        cells = sum(each.n for each in own if each.temperature_k == near.temperature_k)
        return f"bake at {celsius(kelvin)} for {si(near.time_s, 's')}, by quantiles of {cells} cells"


def baked(
    g: np.ndarray, rank: np.ndarray, levels: np.ndarray, quantiles: np.ndarray, shares: tuple[float, ...]
) -> np.ndarray:
    """Return conductances [S] after a shift of this rank, shape (n,).

    Parameters
    ----------
    g, rank : ndarray, shape (n,)
        Conductances before [S], and ranks of the shifts among cells, 0..1.
    levels : ndarray, shape (levels,)
        Conductances of the levels, ascending [S].
    quantiles : ndarray, shape (levels, shares)
        Quantiles of the shift [S]; straight in the normal quantile of the rank, constant beyond the outermost.
    shares : tuple of float

    Raises
    ------
    UsageError
        If a conductance lies further outside the levels than they lie apart.
    """
    apart = float(np.diff(levels).max()) if levels.size > 1 else math.inf
    if g.size and (g.min() < levels[0] - apart or g.max() > levels[-1] + apart):
        ends = [si(float(each), "S") for each in (g.min(), g.max(), levels[0], levels[-1])]
        raise UsageError(f"devices of {ends[0]} to {ends[1]} lie outside the baked levels, {ends[2]} to {ends[3]}")
    by_share = np.array([np.interp(g, levels, column) for column in quantiles.T])
    at = np.interp(normal_quantiles(rank), normal_quantiles(np.array(shares)), np.arange(len(shares)))
    below = np.minimum(at.astype(int), len(shares) - 2)
    one = np.arange(g.size)
    low, high = by_share[below, one], by_share[below + 1, one]
    return np.asarray(np.maximum(g + low + (at - below) * (high - low), 0.0))
