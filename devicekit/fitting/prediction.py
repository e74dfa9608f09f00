"""Mean curve of a fit after any number of pulses from any state, with its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column, internal
from devicekit.core.text import count, si, span
from devicekit.device.blocks import Window
from devicekit.fitting.branch import search
from devicekit.fitting.branch.result import BAND_LEVEL, EDGE, BranchFit
from devicekit.fitting.likelihood.band import quantile
from devicekit.models import kernel
from devicekit.plot import COLOURS, Axis, Curve, Panel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_PULSES = 1_000_000
FAR = 1.0  # windows beyond the window from which on a start is taken for one in another unit


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictedCurve(Record):
    """Mean state after given numbers of pulses, by a fit."""

    direction: str = column(doc="ltp or ltd")
    quantity: str = column(doc="quantity of value, low and high: conductance_s [S] or weight [1]")
    pulses: np.ndarray = column(doc="numbers of pulses, shape (n,)")
    value: np.ndarray = column(doc="state after them, shape (n,) [S, or 1 for a weight]")
    low: np.ndarray = column(doc="lower end of the band of the mean curve; NaN beyond the measured states")
    high: np.ndarray = column(doc="upper end")
    level: float = column(doc="confidence of the band, 0..1")
    window: Window = internal("normalisation of the fit")

    @property
    def is_measured(self) -> np.ndarray:
        """Where the states lie within those of the fitted trains, shape (n,)."""
        return np.isfinite(self.low)

    def frame(self) -> pd.DataFrame:
        """Return the numbers as a pandas frame, one row for each number of pulses."""
        import pandas as pd

        return pd.DataFrame({"pulses": self.pulses, self.quantity: self.value, "low": self.low, "high": self.high})

    def summary_lines(self) -> list[str]:
        """Return the states at the first and last numbers of pulses."""
        unit, n = "S" if self.quantity == "conductance_s" else "", self.pulses.size
        lines = []
        for k in range(n) if n <= 4 else (0, n // 2, n - 1):
            band = f"{self.level:.0%} band of the mean: {span(self.low[k], self.high[k], unit, 4)}"
            words = band if self.is_measured[k] else "beyond the measured states: the law alone, no band"
            lines.append(f"{count(int(self.pulses[k]), 'pulse')}: {si(self.value[k], unit, 4)} ({words})")
        return lines

    def panel(self) -> Panel:
        """Draw the states with their band against the number of pulses."""
        order, colour = np.argsort(self.pulses, kind="stable"), COLOURS[self.direction]
        n, value, low, high = (each[order] for each in (self.pulses, self.value, self.low, self.high))
        words = f"{self.level:.0%} band of the mean"
        band = Curve(words, n, low, "band", low=low, high=high, colour=colour, alpha=0.2)
        line = Curve(self.direction.upper(), n, value, style=".-" if n.size < 30 else "-", colour=colour)
        return Panel(Axis.of("pulse_index"), Axis.of(self.quantity), [band, line], legend="above")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)


def predict(
    branch: BranchFit, pulses: int | Sequence[int] | np.ndarray, start: float | None, level: float = BAND_LEVEL
) -> PredictedCurve:
    """Predict the mean curve of a branch (`DeviceFit.predict`)."""
    if branch.ln_factors is not None:
        raise UsageError("The pulses of this fit differ. Use fit.pulse_law.predict(direction, voltage=, width=).")
    numbers = np.atleast_1d(np.asarray(pulses))
    whole = numbers.ndim == 1 and numbers.size and np.issubdtype(numbers.dtype, np.number)
    if not whole or not ((numbers == np.floor(numbers)) & (numbers >= 0) & (numbers <= MOST_PULSES)).all():
        raise UsageError(f"pulses= must be whole numbers from 0 to {MOST_PULSES}, such as 20 or range(101).")
    if not 0 < level < 1:
        raise UsageError(f"level= must be between 0 and 1, not {level!r}.")
    numbers = numbers.astype(int)
    x0, rising = branch.x0, branch.direction == "ltp"
    if start is not None:
        is_number = isinstance(start, Real) and np.isfinite(start)
        r = float(branch.window.to_state(np.array([float(start)]))[0]) if is_number else np.nan
        if not np.isfinite(r):
            raise UsageError(f"start= must be a state in the unit of the data [S], not {start!r}.")
        if not -FAR <= r <= 1 + FAR:
            low, high = branch.window.from_state(np.array([0.0, 1.0]))
            raise UsageError(
                f"start={start!r} lies far outside the window, {low:.3g} to {high:.3g}. Give it in the same unit."
            )
        x0 = r if rising else 1.0 - r
    states, half = _states(branch, x0, start is not None, int(numbers.max()), level)
    inside = (states >= branch.trajectory[0] - EDGE) & (states <= branch.trajectory[-1] + EDGE)
    inside = np.logical_and.accumulate(inside)  # a law that left the measured states does not come back
    half = np.where(inside, half, np.nan)

    def unscaled(x: np.ndarray) -> np.ndarray:
        return branch.window.from_state((x if rising else 1.0 - x)[numbers])

    ends = unscaled(states - half), unscaled(states + half)
    return PredictedCurve(
        direction=branch.direction,
        quantity=branch.window.quantity,
        pulses=numbers,
        value=unscaled(states),
        low=ends[0] if rising else ends[1],
        high=ends[1] if rising else ends[0],
        level=level,
        window=branch.window,
    )


def _states(branch: BranchFit, x0: float, is_given: bool, n: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the states on the rising coordinate and half their band, by the parameters and the misfit of the law."""
    states = kernel.simulate(branch.law.id, branch.theta, x0, n)
    band, degrees = branch.band, float(branch.degrees)
    sets = [(branch.parameters, branch.covariance)]
    between = 0.0
    if band is not None:
        sets, between = list(zip(band.parameters, band.covariance, strict=True)), band.between
        degrees = band.degrees
    variance = np.zeros(n + 1)
    for parameters, covariance in sets:
        _, slopes = search.jacobian(branch.law, np.append(parameters[:-1], x0 if is_given else parameters[-1]), n)
        used = slopes[:, :-1] if is_given else slopes
        p = used.shape[1]
        variance += np.einsum("ni,ij,nj->n", used, covariance[:p, :p], used) / len(sets)
        variance += (between * slopes[:, 0]) ** 2 / len(sets)  # over devices whose rates differ
    variance = np.maximum(variance, 0.0) / len(sets)
    misfit = max(branch.rms**2 - branch.noise**2, 0.0)  # of the law, on the curve that it was fitted to
    return states, quantile(level, degrees) * np.sqrt(variance + misfit)
