"""Endurance: window, yield, failure and drift of HRS and LRS over write cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.device.measured import Endurance, EnduranceDevice
from devicekit.errors import CodedWarning, TraceError, UsageError
from devicekit.features import figures
from devicekit.features.merit import ROWS_SHOWN, Merit, Settings, figure, number, origin
from devicekit.features.stats import Spread, clopper_pearson, spread
from devicekit.plot import Panel
from devicekit.report import Block, Table, Text
from devicekit.scalars import Scalar
from devicekit.tables import EnduranceTable
from devicekit.tables import Table as AnyTable
from devicekit.text import count, percent

IN_A_ROW = 3
MOST_PAIRS = 2000  # readings that Theil-Sen takes; more are reduced to medians on a log grid


@dataclass(frozen=True)
class DeviceEndurance:
    """Endurance of one device.

    Attributes
    ----------
    cycles : float
        Highest cycle number measured.
    window : float
        5 % quantile of G_LRS over 95 % quantile of G_HRS, all cycles.
    median_window : float
        Median of G_LRS / G_HRS of the same cycle.
    good : float
        Share of cycles whose window reaches the threshold, 0..1.
    failed_at : int or None
        First of three measured cycles in a row below the threshold; None if there is none.
    lrs_slope, hrs_slope : float or None
        Theil-Sen slope of log10 G per decade of cycles; None with fewer than 3 cycles.
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

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dict(self.__dict__)


@dataclass(frozen=True, eq=False)
class EnduranceResult:
    """Endurance of every device; `decades` has median and quartiles of each level per decade of cycles."""

    devices: tuple[DeviceEndurance, ...]
    decades: pd.DataFrame
    spreads: tuple[Spread, ...]
    threshold: float
    table: EnduranceTable
    warnings: tuple[CodedWarning, ...]

    @property
    def yield_(self) -> float:
        """Share of devices that did not fail, 0..1."""
        return float(np.mean([device.failed_at is None for device in self.devices]))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "threshold": self.threshold,
            "yield": self.yield_,
            "devices": [device.as_dict() for device in self.devices],
            "decades": self.decades.to_dict("records"),
            "spreads": [each.as_dict() for each in self.spreads],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Figures of every device, and medians of every decade."""
        return {
            "devices": pd.DataFrame([device.as_dict() for device in self.devices]),
            "decades": self.decades,
        }

    def for_card(self) -> Endurance:
        """The devices as a block of a device card, with the interval of the share that held."""
        held = sum(each.failed_at is None for each in self.devices)
        return Endurance(
            threshold=self.threshold,
            devices=tuple(map(_for_card, self.devices)),
            yield_interval=clopper_pearson(held, len(self.devices)),
            **origin(self.table),
        )

    def scalars(self) -> tuple[Scalar, ...]:
        """Cycles, share of devices that held, median on/off."""
        return self.for_card().scalars()

    def sentences(self) -> list[str]:
        """How many devices held, for how long, and with what window."""
        longest = max((d.cycles for d in self.devices), default=0)
        ratios = [d.median_window for d in self.devices if np.isfinite(d.median_window)]
        failed = sum(d.failed_at is not None for d in self.devices)
        held = "it did not fail" if len(self.devices) == 1 else "none failed"
        told = held if not failed else f"{failed} failed" if len(self.devices) > 1 else "it failed"
        text = f"{count(len(self.devices), 'device')} over {longest:.3g} cycles: {told}"
        return [f"{text}; median on/off {np.median(ratios):.3g}." if ratios else f"{text}."]

    def panel(self) -> Panel:
        """Every reading and the median of each decade, HRS and LRS."""
        readings, medians = {}, {}
        for level in ("lrs", "hrs"):
            rows = self.table.frame[self.table.frame["level"] == level]
            own = self.decades[self.decades["level"] == level]
            readings[level] = (rows["cycle"].to_numpy(float), rows["conductance_s"].to_numpy(float))
            medians[level] = (10.0 ** (own["decade"].to_numpy(float) + 0.5), own["median_s"].to_numpy(float))
        return figures.endurance(readings, medians)

    def blocks(self) -> list[Block]:
        """Its part of a report."""
        rows = [
            (
                d.device_id,
                f"{d.cycles:g}",
                number(d.window),
                number(d.median_window),
                percent(d.good),
                "none" if d.failed_at is None else f"{d.failed_at:g}",
                number(d.lrs_slope),
                number(d.hrs_slope),
            )
            for d in self.devices[:ROWS_SHOWN]
        ]
        head = (
            "device",
            "cycles",
            "window p5/p95",
            "median on/off",
            "good cycles",
            "failed at",
            "LRS slope",
            "HRS slope",
        )
        text = (
            f"{self.sentences()[0]} Failure: the first of three measured cycles in a row with on/off below "
            f"{self.threshold:g}. Slopes: decades of G per decade of cycles."
        )
        alt = "Conductance of HRS and LRS against cycles"
        return [
            Text([text]),
            Table(head, rows, "Endurance of each device."),
            figure(self.panel(), "Readings and medians of each decade.", alt),
        ]


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
    """Endurance, of an endurance table."""
    return characterize(table, threshold=settings.threshold) if isinstance(table, EnduranceTable) else None


def characterize(table: EnduranceTable, *, threshold: float = 2.0) -> EnduranceResult:
    """Window, yield, failure and slope per decade of every device.

    Parameters
    ----------
    table : EnduranceTable
        Readings of LRS and HRS against cycle number.
    threshold : float
        Least G_LRS / G_HRS of a working cycle, more than 1.

    Raises
    ------
    UsageError
        If the threshold is not more than 1.
    TraceError
        If no device has both levels.
    """
    if not threshold > 1:
        raise UsageError(f"the threshold is a ratio of more than 1, not {threshold:g}")
    frame = table.frame[table.frame["conductance_s"] > 0]
    devices = []
    for name, rows in frame.groupby("device_id", sort=False):
        pairs = rows.pivot_table(index="cycle", columns="level", values="conductance_s", aggfunc="median")
        if {"lrs", "hrs"} <= set(pairs.columns):
            devices.append(_device(str(name), pairs, threshold))
    if not devices:
        raise TraceError("no device has readings of both LRS and HRS")
    lost = len(table.frame) - len(frame)
    warnings = [CodedWarning("dropped", f"left out, missing or 0 S: {count(lost, 'reading')}")] if lost else []
    spreads = [
        spread(rows["conductance_s"], rows["device_id"], f"g_{level}_s", "S", log=True)
        for level, rows in frame.groupby("level", sort=False)
    ]
    return EnduranceResult(
        tuple(devices),
        _decades(frame),
        tuple(each for each in spreads if each),
        threshold,
        table,
        tuple(warnings),
    )


def _device(name: str, pairs: pd.DataFrame, threshold: float) -> DeviceEndurance:
    lrs, hrs = pairs["lrs"].dropna(), pairs["hrs"].dropna()
    ratio = (pairs["lrs"] / pairs["hrs"]).dropna()
    bad = (ratio < threshold).to_numpy()
    runs = np.convolve(bad, np.ones(IN_A_ROW), "valid") if bad.size >= IN_A_ROW else np.zeros(0)
    failed = np.flatnonzero(runs == IN_A_ROW)
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
    )


def slope_per_decade(level: pd.Series) -> float | None:
    """Theil-Sen slope of log10 G [S] against log10 of the cycle (index); None with fewer than 3 cycles from 1."""
    from scipy.stats import theilslopes

    level = level[level.index > 0]
    if len(level) < 3:
        return None
    x, y = np.log10(level.index.to_numpy(float)), np.log10(level.to_numpy(float))
    if x.size > MOST_PAIRS:
        bins = pd.cut(x, 200, labels=False)
        medians = pd.DataFrame({"x": x, "y": y}).groupby(bins).median()
        x, y = medians["x"].to_numpy(), medians["y"].to_numpy()
    return float(theilslopes(y, x)[0])


def _decades(frame: pd.DataFrame) -> pd.DataFrame:
    decade = np.floor(np.log10(np.maximum(frame["cycle"], 1))).astype(int)
    groups = frame.assign(decade=decade).groupby(["decade", "level"])["conductance_s"]
    return groups.agg(
        n="size", median_s="median", q25_s=lambda g: g.quantile(0.25), q75_s=lambda g: g.quantile(0.75)
    ).reset_index()
