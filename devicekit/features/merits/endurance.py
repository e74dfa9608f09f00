"""Endurance: window, yield, failure and drift of HRS and LRS over write cycles, and the lives of the devices.

A device fails at the first of three consecutive measured cycles with an on/off below the threshold. Lives follow a
Weibull law (`devicekit.features.lives.wear`); with too few failures there is a bound on the yield instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate, Record, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, percent
from devicekit.device.measured import Endurance, EnduranceLife
from devicekit.features.figures import LEVELS
from devicekit.features.lives import figures as life_figures
from devicekit.features.lives import sentences as wear_text
from devicekit.features.lives import wear
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings, figure, origin
from devicekit.features.stats import Spread, Undetermined, clopper_pearson, spread
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import Block
from devicekit.tables import EnduranceTable
from devicekit.tables import Table as AnyTable

IN_A_ROW = 3


@dataclass(frozen=True, kw_only=True)
class DeviceEndurance(Record):
    """Endurance of one device."""

    device_id: str = column("device", card="device_id")
    cycles: int = column("cycles", card="cycles", doc="highest measured cycle number")
    n: int = column(card="n", doc="cycles whose HRS and LRS were read")
    window: float = column(
        "window (LRS p5 / HRS p95)", card="window", doc="5 % quantile of G_LRS over 95 % quantile of G_HRS, all cycles"
    )
    median_window: float = column("median on/off", card="median_on_off", doc="median G_LRS / G_HRS of the same cycle")
    good: float = column(
        "good cycles", card="good", text=percent, doc="share of cycles at or above the threshold, 0..1"
    )
    failed_at: int | None = column(
        "failed at",
        card="failed_at",
        text=lambda cycle: "none" if cycle is None else f"{cycle:g}",
        doc=f"first of {IN_A_ROW} consecutive measured cycles below the threshold; None if there is none",
    )
    lrs_slope: float | None = column(
        "LRS slope", doc="Theil-Sen slope of log10 G per decade of cycles; None with fewer than 3 cycles"
    )
    hrs_slope: float | None = column("HRS slope", doc="the same of the HRS")
    held_to: int = column(doc="last good cycle before the failure, or before bad cycles at the end; 0 if none")
    ends_bad_at: int | None = column(
        doc="first of one or two bad cycles at the end of the record, too few for a failure; None if it ends good"
    )
    on_off_slope: Estimate | None = column(
        unit="decades", doc="Theil-Sen slope of log10 on/off per decade of cycles before the failure"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class EnduranceResult(MeritResult):
    """Endurance of every device, and the lives over devices."""

    figure_caption = "Readings of HRS and LRS (dots), and their medians per decade of cycles (lines)."
    figure_alt = "Conductance of HRS and LRS against cycles"

    threshold: float = column(card="threshold", doc="least G_LRS / G_HRS of a good cycle")
    devices: tuple[DeviceEndurance, ...] = column(
        card="devices", table="devices", caption="Endurance of each device", doc="endurance of each device"
    )
    decades: pd.DataFrame = column(table="decades", doc="median and quartiles of each level per decade of cycles")
    spreads: tuple[Spread, ...] = column(doc="spreads of G_HRS and G_LRS")
    table: EnduranceTable = internal("the readings")
    life: wear.WeibullLife | None = column(default=None, doc="Weibull law of the cycles to failure")
    no_life: str | None = column(default=None, doc="why there is none")
    on_off_slope: Estimate | None = column(
        card="on_off_slope", default=None, unit="decades", doc="trend of the window over all devices"
    )

    @derived()
    def criterion(self) -> str:
        """Criterion by which a device counts as failed."""
        return f"on/off below {self.threshold:g} in {IN_A_ROW} measured cycles in a row"

    @derived(name="yield")
    def yield_(self) -> float:
        """Share of devices that did not fail, 0..1."""
        return float(np.mean([device.failed_at is None for device in self.devices]))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return figures of every device, medians of every decade, and the life over devices."""
        life = {"endurance_life": pd.DataFrame(wear_text.rows(self.life, self.criterion))} if self.life else {}
        return super().tables() | life

    def for_card(self) -> Endurance:
        """Return the block of a device card, with the interval of the share that survived."""
        held = sum(each.failed_at is None for each in self.devices)
        life = EnduranceLife(criterion=self.criterion, **self.life.block()) if self.life else None
        interval = clopper_pearson(held, len(self.devices))
        return Endurance(**self.block(), life=life, yield_interval=interval, **origin(self.table))

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars`, of a single device with its window over all cycles instead of the share that survived."""
        if len(self.devices) > 1:
            return self.scalars()
        words = "5 % quantile of LRS over 95 % quantile of HRS"
        shown = [each for each in self.scalars() if each.name != "endurance_yield"]
        return (*shown, Scalar("endurance_window", words, self.devices[0].window))

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
        return [text, *([wear_text.window_text(self.on_off_slope)] if self.on_off_slope else []), life]

    def panel(self) -> Panel:
        """Draw every reading and the median of each decade, HRS and LRS."""
        curves = []
        for level, colour in LEVELS.items():
            rows = self.table.frame[self.table.frame["level"] == level]
            decade = np.floor(np.log10(np.maximum(rows["cycle"].to_numpy(float), 1.0)))
            cycle = np.maximum(rows["cycle"].to_numpy(float), 1)
            g, step = rows["conductance_s"].to_numpy(float), max(1, len(rows) // 5000)
            dots = Curve(f"{level.upper()}, readings", cycle[::step], g[::step], style=".", size=2.0, colour=colour)
            curves.append(replace(dots, alpha=0.5, legend=False, data=False))
            own = [rows[decade == each] for each in np.unique(decade)]
            at = [float(np.exp(np.log(np.maximum(part["cycle"], 1)).median())) for part in own]
            median = np.array([part["conductance_s"].median() for part in own])
            curves.append(Curve(level.upper(), np.array(at), median, style="-o", colour=colour))
        return Panel(Axis.of("cycle", scale="log"), Axis.of("conductance_s", scale="log"), curves)

    def notes(self) -> list[str]:
        """Return when a device counts as failed, and the unit of the slopes."""
        return [
            f"Failure: {self.criterion}; the first of them counts. Slopes are in decades of G per decade of cycles."
        ]

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        window = figure(self.window_panel(), "On/off of each device against cycles.", "On/off against cycles")
        shown = [*super().blocks(), window]
        if self.life:
            words = "Cycles to failure on Weibull paper; surviving devices are marked below."
            shown.append(figure(self.life_panel(), words, "Share of failed devices against cycles"))
        words = (
            f"Readings of HRS and LRS up to cycle {self._middle():.4g} (solid) and later ones (dashed): half of the "
            "readings each."
        )
        return [*shown, figure(self.distribution_panel(), words, "Share of readings against conductance")]

    def distribution_panel(self) -> Panel:
        """Draw the cumulative distribution of HRS and LRS, of the first and the second half of the readings."""
        frame = self.table.frame[self.table.frame["conductance_s"] > 0]
        middle, curves = self._middle(), []
        for level, colour in reversed(LEVELS.items()):
            for late, style in ((False, "-"), (True, "--")):
                own = (frame["level"] == level) & ((frame["cycle"] > middle) == late)
                g = np.sort(frame.loc[own, "conductance_s"].to_numpy(float))
                kept = np.unique(np.linspace(0, max(len(g) - 1, 0), 400).astype(int))[: len(g)]
                name, share = f"{level.upper()}, {'second' if late else 'first'} half", (kept + 1) / max(len(g), 1)
                curves.append(Curve(name, g[kept], share, style=style, colour=colour, legend=not late))
        return Panel(Axis.of("conductance_s", scale="log"), Axis("share of readings", cumulative=True), curves)

    def _middle(self) -> float:
        """Return the median cycle of the readings above 0 S."""
        return float(self.table.frame.loc[self.table.frame["conductance_s"] > 0, "cycle"].median())

    def window_panel(self) -> Panel:
        """Draw on/off of each device against cycles, with the mean trend before failure and the threshold."""
        windows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, rows in self.table.frame[self.table.frame["conductance_s"] > 0].groupby("device_id", sort=False):
            ratio = _pairs(rows)
            if len(windows) < MOST_CURVES and len(ratio):
                windows[str(name)] = (np.maximum(ratio.index.to_numpy(float), 1.0), ratio.to_numpy(float))
        return life_figures.window_over_cycles(windows, self.on_off_slope, self.threshold)

    def life_panel(self) -> Panel:
        """Draw Weibull plot of the cycles to failure.

        Raises
        ------
        TraceError
            Without a life.
        """
        if self.life is None:
            raise TraceError(f"no lifetime to draw: {self.no_life}")
        return life_figures.weibull_life(self.life)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> EnduranceResult | None:
    """Find the endurance of an endurance table."""
    return characterize(table, threshold=settings.threshold) if isinstance(table, EnduranceTable) else None


def characterize(table: EnduranceTable, *, threshold: float = Settings.threshold) -> EnduranceResult:
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
        devices=tuple(devices),
        decades=_decades(frame),
        spreads=tuple(each for each in spreads if each),
        threshold=threshold,
        table=table,
        warnings=tuple(warnings),
        life=life,
        no_life=why,
        on_off_slope=wear.common_trend([each.on_off_slope for each in devices if each.on_off_slope is not None]),
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
