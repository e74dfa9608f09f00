"""Endurance: window, yield, failure and drift of HRS and LRS over write cycles, and the lives of the devices.

A device fails at the first of three consecutive measured cycles with an on/off below the threshold. Lives follow a
Weibull law (`devicekit.features.wear`); with too few failures there is a bound on the yield instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.device.measured import Endurance, EnduranceDevice
from devicekit.errors import CodedWarning, TraceError, UsageError
from devicekit.features import figures, life_figures, wear, wear_text
from devicekit.features.censored import Undetermined
from devicekit.features.decay import Estimate
from devicekit.features.merit import MOST_CURVES, ROWS_SHOWN, Merit, Settings, figure, format_number, origin, rows_text
from devicekit.features.stats import Spread, clopper_pearson, spread
from devicekit.plot import Panel
from devicekit.report import Block, Table, Text
from devicekit.scalars import Scalar
from devicekit.tables import EnduranceTable
from devicekit.tables import Table as AnyTable
from devicekit.text import count, percent

IN_A_ROW = 3


@dataclass(frozen=True)
class DeviceEndurance:
    """Endurance of one device.

    Attributes
    ----------
    cycles : float
        Highest measured cycle number.
    window : float
        5 % quantile of G_LRS over 95 % quantile of G_HRS, all cycles.
    median_window : float
        Median of G_LRS / G_HRS of the same cycle.
    good : float
        Share of cycles with a window at or above the threshold, 0..1.
    failed_at : int or None
        First of three consecutive measured cycles below the threshold; None if there is none.
    lrs_slope, hrs_slope : float or None
        Theil-Sen slope of log10 G per decade of cycles; None with fewer than 3 cycles.
    held_to : int
        Last measured good cycle before the failure, or before bad cycles at the end; 0 if none.
    ends_bad_at : int or None
        First of one or two bad cycles at the end of the record, too few for a failure; None if it ends good.
    on_off_slope : Estimate or None
        Theil-Sen slope of log10 on/off per decade of cycles before the failure, with its 95 % interval.
    """

    device_id: str
    cycles: int
    n: int
    window: float
    median_window: float
    good: float
    failed_at: int | None
    lrs_slope: float | None
    hrs_slope: float | None
    held_to: int
    ends_bad_at: int | None
    on_off_slope: Estimate | None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {**self.__dict__, "on_off_slope": self.on_off_slope.as_dict() if self.on_off_slope else None}

    def row(self) -> dict[str, Any]:
        """Return the fields as a row of a table."""
        slope = self.on_off_slope or Estimate(float("nan"))
        ends = {"on_off_slope_low": slope.low, "on_off_slope_high": slope.high}
        return {**self.__dict__, "on_off_slope": slope.value, **ends}


@dataclass(frozen=True, eq=False)
class EnduranceResult:
    """Endurance of every device; `decades` has median and quartiles of each level per decade of cycles.

    `life` is a Weibull law of the cycles to failure, or None with the reason in `no_life`; `slope` is the trend of the
    window over all devices.
    """

    devices: tuple[DeviceEndurance, ...]
    decades: pd.DataFrame
    spreads: tuple[Spread, ...]
    threshold: float
    table: EnduranceTable
    warnings: tuple[CodedWarning, ...]
    life: wear.WeibullLife | None = None
    no_life: str | None = None
    slope: Estimate | None = None

    @property
    def criterion(self) -> str:
        """Criterion by which a device counts as failed."""
        return f"on/off below {self.threshold:g} in {IN_A_ROW} measured cycles in a row"

    @property
    def yield_(self) -> float:
        """Share of devices that did not fail, 0..1."""
        return float(np.mean([device.failed_at is None for device in self.devices]))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "threshold": self.threshold,
            "yield": self.yield_,
            "devices": [device.as_dict() for device in self.devices],
            "decades": self.decades.to_dict("records"),
            "spreads": [each.as_dict() for each in self.spreads],
            "criterion": self.criterion,
            "on_off_slope": self.slope.as_dict() if self.slope else None,
            "life": wear_text.as_dict(self.life) if self.life else None,
            "no_life": self.no_life,
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return figures of every device, medians of every decade, and the life over devices."""
        shown = {
            "devices": pd.DataFrame([device.row() for device in self.devices]),
            "decades": self.decades,
        }
        if self.life:
            shown["endurance_life"] = pd.DataFrame(wear_text.rows(self.life, self.criterion))
        return shown

    def for_card(self) -> Endurance:
        """Return the block of a device card, with the interval of the share that survived."""
        held = sum(each.failed_at is None for each in self.devices)
        return Endurance(
            threshold=self.threshold,
            devices=tuple(map(_for_card, self.devices)),
            yield_interval=clopper_pearson(held, len(self.devices)),
            life=wear_text.for_card(self.life, self.criterion) if self.life else None,
            on_off_slope=self.slope.value if self.slope else None,
            on_off_slope_interval=self.slope.ends if self.slope else None,
            **origin(self.table),
        )

    def scalars(self) -> tuple[Scalar, ...]:
        """Return cycles, share of surviving devices, median on/off."""
        return self.for_card().scalars()

    def verdict(self) -> str:
        """Return the main result in one sentence."""
        return self.sentences()[0]

    def sentences(self) -> list[str]:
        """Return how many devices survived, for how long, and with which window."""
        longest = max((d.cycles for d in self.devices), default=0)
        ratios = [d.median_window for d in self.devices if np.isfinite(d.median_window)]
        failed = sum(d.failed_at is not None for d in self.devices)
        if len(self.devices) == 1:
            result = "it failed" if failed else "it did not fail"
        else:
            result = f"{failed} failed" if failed else "none failed"
        text = f"{count(len(self.devices), 'device')} over {longest:.3g} cycles: {result}"
        text = f"{text}; median on/off {np.median(ratios):.3g}." if ratios else f"{text}."
        if not any(d.failed_at is not None for d in self.devices):
            life = wear_text.no_failure_text(len(self.devices), min(d.held_to for d in self.devices))
        else:
            life = wear_text.life_text(self.life) if self.life else f"Lifetime not estimated: {self.no_life}."
        return [text, *([wear_text.window_text(self.slope)] if self.slope else []), life]

    def panel(self) -> Panel:
        """Draw every reading and the median of each decade, HRS and LRS."""
        readings, medians = {}, {}
        for level in ("lrs", "hrs"):
            rows = self.table.frame[self.table.frame["level"] == level]
            own = self.decades[self.decades["level"] == level]
            readings[level] = (rows["cycle"].to_numpy(float), rows["conductance_s"].to_numpy(float))
            medians[level] = (10.0 ** (own["decade"].to_numpy(float) + 0.5), own["median_s"].to_numpy(float))
        return figures.endurance(readings, medians)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = [
            (
                d.device_id,
                f"{d.cycles:g}",
                format_number(d.window),
                format_number(d.median_window),
                percent(d.good),
                "none" if d.failed_at is None else f"{d.failed_at:g}",
                format_number(d.lrs_slope),
                format_number(d.hrs_slope),
            )
            for d in self.devices[:ROWS_SHOWN]
        ]
        head = (
            "device",
            "cycles",
            "window (LRS p5 / HRS p95)",
            "median on/off",
            "good cycles",
            "failed at",
            "LRS slope",
            "HRS slope",
        )
        text = f"Failure: {self.criterion}; the first of them counts. Slopes are in decades of G per decade of cycles."
        alt = "Conductance of HRS and LRS against cycles"
        shown: list[Block] = [
            Text([text]),
            Table(head, rows, f"Endurance of each device{rows_text(len(self.devices))}."),
            figure(
                self.panel(), "Readings of HRS and LRS (dots), and their medians per decade of cycles (lines).", alt
            ),
            figure(self.window_panel(), "On/off of each device against cycles.", "On/off against cycles"),
        ]
        if self.life:
            words = "Cycles to failure on Weibull paper; surviving devices are marked below."
            shown.append(figure(self.life_panel(), words, "Share of failed devices against cycles"))
        return shown

    def window_panel(self) -> Panel:
        """Draw on/off of each device against cycles, with the mean trend before failure and the threshold."""
        windows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, rows in self.table.frame[self.table.frame["conductance_s"] > 0].groupby("device_id", sort=False):
            ratio = _pairs(rows)
            if len(windows) < MOST_CURVES and len(ratio):
                windows[str(name)] = (np.maximum(ratio.index.to_numpy(float), 1.0), ratio.to_numpy(float))
        return life_figures.window_over_cycles(windows, self.slope.value if self.slope else None, self.threshold)

    def life_panel(self) -> Panel:
        """Draw Weibull plot of the cycles to failure.

        Raises
        ------
        TraceError
            Without a life.
        """
        if self.life is None:
            raise TraceError(f"no lifetime to draw: {self.no_life}")
        cycles, shares = wear.positions(self.life.low, self.life.high)
        held = self.life.low[~np.isfinite(self.life.high)]
        points = [(e.cycles, e.share) for e in self.life.shares if e.cycles is not None]
        return life_figures.weibull_life(cycles, shares, held, self.life.shape.value, self.life.scale.value, points)


def _for_card(device: DeviceEndurance) -> EnduranceDevice:
    return EnduranceDevice(
        device_id=device.device_id,
        cycles=device.cycles,
        n=device.n,
        window=device.window,
        median_on_off=device.median_window if np.isfinite(device.median_window) else None,
        good=device.good if np.isfinite(device.good) else None,
        failed_at=device.failed_at,
    )


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> EnduranceResult | None:
    """Find the endurance of an endurance table."""
    return characterize(table, threshold=settings.threshold) if isinstance(table, EnduranceTable) else None


def characterize(table: EnduranceTable, *, threshold: float = 2.0) -> EnduranceResult:
    """Compute window, yield, failure and slope per decade of every device.

    Parameters
    ----------
    table : EnduranceTable
        Readings of LRS and HRS against cycle number.
    threshold : float
        Least G_LRS / G_HRS of a good cycle, above 1.

    Raises
    ------
    UsageError
        If the threshold is not above 1.
    TraceError
        If no device has both levels.
    """
    if not threshold > 1:
        raise UsageError(f"threshold= must be a ratio above 1, not {threshold:g}")
    frame = table.frame[table.frame["conductance_s"] > 0]
    devices = []
    for name, rows in frame.groupby("device_id", sort=False):
        pairs = _levels(rows)
        if {"lrs", "hrs"} <= set(pairs.columns):
            devices.append(_device(str(name), pairs, threshold))
    if not devices:
        raise TraceError("no device has readings of both LRS and HRS")
    lost = len(table.frame) - len(frame)
    warnings = [CodedWarning("dropped", f"{count(lost, 'reading')} left out: missing or 0 S")] if lost else []
    spreads = [
        spread(rows["conductance_s"], rows["device_id"], f"g_{level}_s", "S", log=True)
        for level, rows in frame.groupby("level", sort=False)
    ]
    never = [each for each in devices if each.failed_at is not None and each.failed_at <= 1 and not each.held_to]
    if never:
        names = ", ".join(each.device_id for each in never[:10])
        warnings.append(CodedWarning("dropped", f"devices that never worked are not part of the lifetime: {names}"))
    unsure = [each.device_id for each in devices if each.ends_bad_at is not None]
    if unsure:
        words = "devices with one or two bad cycles at the end count as failed in the lifetime but not in the yield: "
        warnings.append(CodedWarning("unsettled_end", f"{words}{', '.join(unsure[:10])}"))
    life, why = _life([each for each in devices if each not in never and each.n])
    return EnduranceResult(
        tuple(devices),
        _decades(frame),
        tuple(each for each in spreads if each),
        threshold,
        table,
        tuple(warnings),
        life,
        why,
        wear.common_trend([each.on_off_slope for each in devices if each.on_off_slope is not None]),
    )


def _levels(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot_table(index="cycle", columns="level", values="conductance_s", aggfunc="median")


def _pairs(rows: pd.DataFrame) -> pd.Series:
    """Return on/off of one device by cycle, where both levels were read."""
    pairs = _levels(rows)
    return (pairs["lrs"] / pairs["hrs"]).dropna() if {"lrs", "hrs"} <= set(pairs.columns) else pd.Series(dtype=float)


def _life(devices: list[DeviceEndurance]) -> tuple[wear.WeibullLife | None, str | None]:
    """Fit Weibull's law, or return the reason for a refusal."""
    if not devices:
        return None, "no device worked"
    low = np.array([float(each.held_to) for each in devices])
    ends = [each.ends_bad_at if each.failed_at is None else each.failed_at for each in devices]
    high = np.array([np.inf if end is None else float(end) for end in ends])
    known = np.isfinite(high) | (low > 0)  # a device that neither reached the threshold nor failed is not informative
    try:
        return wear.weibull(low[known], high[known]), None
    except Undetermined as error:
        return None, str(error)


def _device(name: str, pairs: pd.DataFrame, threshold: float) -> DeviceEndurance:
    lrs, hrs = pairs["lrs"].dropna(), pairs["hrs"].dropna()
    ratio = (pairs["lrs"] / pairs["hrs"]).dropna()
    bad = (ratio < threshold).to_numpy()
    runs = np.convolve(bad, np.ones(IN_A_ROW), "valid") if bad.size >= IN_A_ROW else np.zeros(0)
    failed = np.flatnonzero(runs == IN_A_ROW)
    end = int(failed[0]) if failed.size else len(ratio)
    good = np.flatnonzero(~bad[:end])
    return DeviceEndurance(
        device_id=name,
        cycles=int(pairs.index.max()),
        n=len(ratio),
        window=float(lrs.quantile(0.05) / hrs.quantile(0.95)),
        median_window=float(ratio.median()) if len(ratio) else float("nan"),
        good=float(1 - bad.mean()) if bad.size else float("nan"),
        failed_at=int(ratio.index[failed[0]]) if failed.size else None,
        lrs_slope=slope_per_decade(lrs),
        hrs_slope=slope_per_decade(hrs),
        held_to=int(ratio.index[good[-1]]) if good.size else 0,
        ends_bad_at=int(ratio.index[good[-1] + 1]) if not failed.size and good.size and good[-1] + 1 < end else None,
        on_off_slope=wear.trend(ratio.iloc[:end]),
    )


def slope_per_decade(level: pd.Series) -> float | None:
    """Fit the Theil-Sen slope of log10 G [S] against log10 of the cycle (index); None with fewer than 3 cycles."""
    found = wear.trend(level)
    return None if found is None else found.value


def _decades(frame: pd.DataFrame) -> pd.DataFrame:
    decade = np.floor(np.log10(np.maximum(frame["cycle"], 1))).astype(int)
    groups = frame.assign(decade=decade).groupby(["decade", "level"])["conductance_s"]
    return groups.agg(
        n="size", median_s="median", q25_s=lambda g: g.quantile(0.25), q75_s=lambda g: g.quantile(0.75)
    ).reset_index()
