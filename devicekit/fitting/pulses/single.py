"""One pulse on each of many cells: a regression on amplitude and width.

Each cell has one pulse and one change. The scatter is that of cells and of pulses together, the dependence on the
cell's state is unknown, and trains cannot be predicted from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.printing import Printed
from devicekit.core.statistics import t_quantile
from devicekit.plot import COLOURS, Axis, Curve, Panel

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 8  # cells beyond the number of coefficients
SEEN = 2.0  # a change of G by this factor counts as switching


@dataclass(frozen=True, eq=False)
class SinglePulses(Printed):
    """Change of ln G by one pulse a cell, regressed on the pulse.

    Attributes
    ----------
    names : tuple of str
        Names: constant, voltage_v, gate_v if there is one, ln_width, ln_before (ln G before the pulse).
    values, errors : ndarray, shape (p,)
        Least squares, and standard errors that allow the scatter to differ from cell to cell (White's).
    scatter : float
        Standard deviation of the change about the regression: D2D and C2C together.
    r2 : float
        Share of the variance that the pulse explains.
    change, voltage, width : ndarray, shape (n,)
    gate : ndarray, shape (n,), or None
    """

    names: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    scatter: float
    r2: float
    change: np.ndarray
    voltage: np.ndarray
    width: np.ndarray
    gate: np.ndarray | None

    def __repr__(self) -> str:
        words = ", ".join(
            f"{n} {v:.3g} ± {e:.2g}" for n, v, e in zip(self.names, self.values, self.errors, strict=True)
        )
        return f"<SinglePulses: {self.change.size} cells; {words}; scatter {self.scatter:.2g}>"

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of a coefficient."""
        k = self.names.index(name)
        half = t_quantile(0.5 + level / 2, self.change.size - len(self.names)) * self.errors[k]
        return float(self.values[k] - half), float(self.values[k] + half)

    def table(self) -> pd.DataFrame:
        """Return by amplitude and width: cells, quartiles of the change of ln G, share that at least doubled."""
        import pandas as pd

        frame = pd.DataFrame({"voltage_v": self.voltage, "width_s": self.width, "change": self.change})
        groups = frame.groupby(["voltage_v", "width_s"])["change"]
        found = groups.quantile(np.array([0.25, 0.5, 0.75])).unstack()
        found.columns = ["q25", "median", "q75"]
        found.insert(0, "cells", groups.size())
        found["doubled"] = groups.apply(lambda each: float((each >= np.log(SEEN)).mean()))
        return found.reset_index()

    def panel(self) -> Panel:
        """Return the median change against the amplitude, one curve per width, with the quartiles of all widths."""
        table = self.table()
        at = np.array(sorted(set(self.voltage.tolist())))
        ends = [np.quantile(self.change[self.voltage == v], (0.25, 0.75)) for v in at]
        low, high = np.array(ends).T
        curves = [Curve("middle half of all cells", at, low, "band", low=low, high=high, colour="0.7", alpha=0.5)]
        widths = sorted(set(self.width.tolist()))
        for width, alpha in zip(widths, np.linspace(0.3, 1.0, len(widths)), strict=True):
            own = table[table["width_s"] == width]
            x, y = own["voltage_v"].to_numpy(float), own["median"].to_numpy(float)
            curves.append(Curve(f"median at {width:.3g} s", x, y, colour=COLOURS["ltp"], alpha=float(alpha)))
        return Panel(Axis("pulse amplitude", "V"), Axis("change of ln G by one pulse"), curves, lines=(("y", 0.0),))


def single_pulses(
    voltage: np.ndarray,
    width: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    gate: np.ndarray | None = None,
    *,
    state: bool = True,
) -> SinglePulses:
    """Regress the change of ln G by one pulse a cell on amplitude and width.

    Parameters
    ----------
    voltage, width : ndarray, shape (n,)
        Amplitude [V], by its size, and width [s] of each cell's pulse.
    before, after : ndarray, shape (n,)
        Conductance of the cell before and after it, in any one unit.
    gate : ndarray, shape (n,), optional
        Gate (word line) voltage of each pulse [V].
    state : bool
        Whether ln G before the pulse is among the regressors. It differs from cell to cell, and its reading error is
        part of the change too, so its coefficient is not a law of the state.

    Raises
    ------
    UsageError
        If arrays differ in length, too few cells are left, or neither amplitude nor width varies.
    """
    columns = [np.asarray(each, float) for each in (voltage, width, before, after, *([] if gate is None else [gate]))]
    if len({each.shape for each in columns}) > 1 or columns[0].ndim != 1:
        raise UsageError("voltage, width, before, after and gate must have one number for each cell")
    good = np.all([np.isfinite(each) for each in columns], axis=0) & np.all([each > 0 for each in columns[1:4]], axis=0)
    volts, wide, first, last, *rest = (each[good] for each in columns)
    volts = np.abs(volts)
    change = np.log(last / first)
    terms = {"voltage_v": volts, "ln_width": np.log(wide)}
    if rest:
        terms["gate_v"] = rest[0]
    if state:
        terms["ln_before"] = np.log(first)
    kept = {name: each for name, each in terms.items() if each.size and np.ptp(each) > 1e-12 * np.abs(each).max()}
    if change.size < len(kept) + 1 + FEWEST:
        raise UsageError(f"only {change.size} cells have a usable change; at least {len(kept) + 1 + FEWEST} are needed")
    if not {"voltage_v", "ln_width"} & set(kept):
        raise UsageError("neither the amplitude nor the width varies over the cells")
    design = np.stack([np.ones(change.size), *kept.values()], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    values = inverse @ design.T @ change
    away = change - design @ values
    spare = change.size - values.size
    meat = (design * away[:, None] ** 2).T @ design * (change.size / spare)
    errors = np.sqrt(np.diag(inverse @ meat @ inverse))
    scatter = float(np.sqrt(np.sum(away**2) / spare))
    r2 = 1.0 - float(np.sum(away**2) / np.sum((change - change.mean()) ** 2))
    names = ("constant", *kept)
    return SinglePulses(names, values, errors, scatter, r2, change, volts, wide, rest[0] if rest else None)
