"""Statistics of numbers that were extracted before: switching voltages, HRS, LRS, on/off, yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.records import Estimate, Record, column, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, percent
from devicekit.features.dc import figures
from devicekit.features.dc.sentences import median_sentence, median_text
from devicekit.features.definitions import QUANTITIES
from devicekit.features.merit import MeritResult, Settings, figure
from devicekit.features.stats import Spread, label_of, spread, spreads
from devicekit.plot import Panel
from devicekit.report import Block
from devicekit.tables import SummaryTable
from devicekit.tables import Table as AnyTable

LEAST_PLOTTED = 5  # values that a probability plot needs
_BY = "as the file gives it"


@dataclass(frozen=True, kw_only=True)
class SummaryMedian(Record):
    """Median of one quantity."""

    quantity: str = column("quantity", text=label_of, doc="name of the quantity")
    unit: str = column("unit", doc="its unit")
    of: str = column("median of", doc="values, or medians of devices with several values")
    median: Estimate = column("median", doc="median with its 95 % interval by ranks")


@dataclass(frozen=True, eq=False, kw_only=True)
class SummaryResult(MeritResult):
    """Medians and spreads of a summary."""

    figure_alt = "Distribution of the numbers of the summary"

    rows: pd.DataFrame = column(json=False, table="summary", doc="the rows, with on/off")
    medians: tuple[SummaryMedian, ...] = column(
        table="summary_medians", caption="Medians with 95 % intervals by ranks", doc="median of each quantity"
    )
    spreads: tuple[Spread, ...] = column(
        caption="Spreads of conductances and ratios are in decades (log-normal). D2D excludes the contribution of C2C",
        doc="C2C and D2D of each quantity",
    )
    yield_share: float | None = column(default=None, text=percent, doc="mean of the yield in the file, 0..1")
    table: SummaryTable = internal("the rows as they were read")

    def scalars(self) -> tuple[Scalar, ...]:
        """Return medians, C2C and D2D of each quantity."""
        return tuple(one for each in self.spreads for one in each.scalars(_BY))

    def verdict(self) -> str:
        """Return the medians in one sentence."""
        return median_sentence(self.spreads, len(self.rows)).replace("sweeps", "rows")

    def sentences(self) -> list[str]:
        """Return the medians, the forming voltage, the yield, and that nothing was measured here."""
        devices = count(self.rows["device_id"].nunique(), "device")
        found = [self.verdict(), f"{count(len(self.rows), 'row')} of {devices}, {_BY}: nothing was extracted here."]
        forming = next((each for each in self.spreads if each.quantity == "v_form_v"), None)
        found += [f"Forming at {median_text(forming)} (median of {forming.n})."] if forming else []
        found += [f"Yield {percent(self.yield_share)}."] if self.yield_share is not None else []
        return [each for each in found if each]

    def panel(self) -> Panel:
        """Draw the distribution of HRS and LRS, else the probability plot of the first quantity."""
        if {"g_hrs_s", "g_lrs_s"} & {each.quantity for each in self.spreads}:
            empty = np.array([])
            levels = [self.rows[name].to_numpy(float) if name in self.rows else empty for name in _STATES]
            return figures.levels(*levels)
        return self.probability_panel(self.spreads[0].quantity, "normal")

    def probability_panel(self, quantity: str, kind: str = "weibull") -> Panel:
        """Draw the probability plot of the size of a quantity."""
        known = {each.quantity: each for each in self.spreads}[quantity]
        return figures.probability(self.rows[quantity].to_numpy(float), label_of(quantity), known.unit, kind)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report: tables, distribution, probability plots of the voltages."""
        shown = super().blocks()
        for each in self.spreads:
            if each.unit == "V" and each.n >= LEAST_PLOTTED:
                alt = f"{label_of(each.quantity)}: Weibull probability plot"
                shown.append(figure(self.probability_panel(each.quantity), f"{alt}.", alt))
        return shown


_STATES = ("g_hrs_s", "g_lrs_s")


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> SummaryResult | None:
    """Find the statistics of a summary; None for other tables."""
    return characterize(table) if isinstance(table, SummaryTable) else None


def characterize(table: SummaryTable) -> SummaryResult:
    """Compute medians with intervals, C2C and D2D of every quantity of a summary.

    Parameters
    ----------
    table : SummaryTable
        One row a cycle or a device.
    """
    rows = table.frame
    if "on_off" not in rows and set(_STATES) <= set(rows):
        rows = rows.assign(on_off=(rows["g_lrs_s"] / rows["g_hrs_s"]).where(rows["g_hrs_s"] > 0))
    known = spreads(rows, [name for name in QUANTITIES if name in rows])
    if "v_form_v" in rows and (forming := spread(rows["v_form_v"], rows["device_id"], "v_form_v", "V")) is not None:
        known["v_form_v"] = forming
    return SummaryResult(
        rows=rows,
        medians=tuple(_median(rows, each) for each in known.values()),
        spreads=tuple(known.values()),
        yield_share=float(rows["yield_share"].mean()) if "yield_share" in rows else None,
        table=table,
    )


def _median(rows: pd.DataFrame, each: Spread) -> SummaryMedian:
    """Return the median of the values, or of the medians of devices, whose values are not independent."""
    values = rows[each.quantity].where(np.isfinite(rows[each.quantity])).dropna()
    of_devices = values.groupby(rows["device_id"]).median()
    several = 1 < len(of_devices) < len(values)
    low, high = median_interval((of_devices if several else values).to_numpy(float))
    middle = float((of_devices if several else values).median())
    of = count(len(of_devices), "device") if several else count(len(values), "value")
    return SummaryMedian(quantity=each.quantity, unit=each.unit, of=of, median=Estimate(middle, low, high))


def median_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a median by ranks, without an assumption; None, None with fewer than 6 values.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite values.
    """
    from scipy.stats import binom

    k = int(binom.ppf(0.025, values.size, 0.5)) - 1  # P(fewer than k + 1 values below the median) <= 2.5 %
    if values.size < 6 or k < 0:
        return None, None
    ordered = np.sort(values)
    return float(ordered[k]), float(ordered[-k - 1])
