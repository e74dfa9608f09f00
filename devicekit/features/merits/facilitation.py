"""Paired pulses: A2/A1 against the interval, R = R_inf + c e^(-dt / tau), one exponential or two (PPF, PPD).

R_inf is free: with R_inf = 1 and a third of the step permanent, tau would come out several times too long. If A2 is
measured from the ORIGINAL level (before both pulses), R_inf - 1 is the permanent share of a step. If it is measured
from the level just BEFORE the second pulse, a device with additive steps has R = 1 at every interval, and a difference
from 1 is a change of the step itself. Curve and tau are the same in both cases and are given without a baseline; the
share is not. See doi:10.1146/annurev.physiol.64.092501.114547.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, format_number, percent, si
from devicekit.features import figures
from devicekit.features.merit import Merit, Settings, figure
from devicekit.features.merits.volatile import interval_text
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.decay import Data, Fit
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.system.options import BASELINES
from devicekit.tables import PairedTable
from devicekit.tables import Table as AnyTable

FEWEST_INTERVALS = 6  # for one time constant
FEWEST_FOR_TWO = 8
KERNELS = {1: "exponential", 2: "double"}


@dataclass(frozen=True, eq=False)
class Facilitation:
    """Paired pulses of one device.

    Attributes
    ----------
    device_id : str
    interval_s, ratio : ndarray, shape (n,)
        Interval and ratio of each pair [s, 1].
    fit : Fit or None
        Fitted curve; None with too few intervals, or without a change with the interval.
    candidates : tuple of str
        Kernels that are not excluded.
    end : Estimate or None
        R_inf.
    baseline : str or None
        Baseline of A2, if known.
    refusal : str or None
        Reason for a missing tau.
    """

    device_id: str
    interval_s: np.ndarray
    ratio: np.ndarray
    fit: Fit | None
    candidates: tuple[str, ...]
    end: Estimate | None
    baseline: str | None
    refusal: str | None

    @property
    def permanent(self) -> Estimate | None:
        """Permanent share of a step, R_inf - 1; None unless A2 is measured from the original level."""
        if self.end is None or self.baseline != "original":
            return None
        low, high = self.end.low, self.end.high
        ends = (low - 1.0, high - 1.0) if low is not None and high is not None else (None, None)
        return Estimate(self.end.value - 1.0, *ends)

    @property
    def tau(self) -> Estimate | None:
        """Time constant (the shorter of two) [s]."""
        return None if self.fit is None else self.fit.parameters["tau_s"]

    @property
    def kind(self) -> str:
        """Facilitation, depression or none: the sign of the change with the interval."""
        if self.fit is None:
            return "none"
        return "facilitation" if self.fit.amplitudes[0] > 0 else "depression"

    def curve(self, interval: np.ndarray) -> np.ndarray:
        """Return R at intervals [s] by the fit."""
        at = np.asarray(interval, float)
        assert self.fit is not None
        return decay.predict(self.fit, np.ones((at.size, 1)), at[:, None])

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        fit = self.fit
        return {
            "device_id": self.device_id,
            "n": len(self.ratio),
            "intervals": int(np.unique(self.interval_s).size),
            "kind": self.kind,
            "kernel": fit.kernel if fit else None,
            "candidates": list(self.candidates),
            "parameters": {name: each.as_dict() for name, each in fit.parameters.items()} if fit else {},
            "amplitude": fit.amplitudes[0] if fit else None,
            "end": self.end.as_dict() if self.end else None,
            "baseline": self.baseline,
            "permanent_share": self.permanent.as_dict() if self.permanent else None,
            "noise": fit.noise if fit else None,
            "refusal": self.refusal,
        }


@dataclass(frozen=True, eq=False)
class FacilitationResult:
    """Paired pulses of every device."""

    devices: tuple[Facilitation, ...]
    table: PairedTable
    warnings: tuple[CodedWarning, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "devices": [each.as_dict() for each in self.devices],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per device."""
        rows = []
        for each in self.devices:
            row: dict[str, Any] = {
                "device_id": each.device_id,
                "n": len(each.ratio),
                "kind": each.kind,
                "kernel": each.fit.kernel if each.fit else "",
                "candidates": " ".join(each.candidates),
                "baseline": each.baseline or "",
                "refusal": each.refusal or "",
            }
            named = {"end": each.end, "permanent": each.permanent}
            for name, estimate in [*named.items(), *(each.fit.parameters.items() if each.fit else ())]:
                stem, unit = name.removesuffix("_s"), "_s" if name.endswith("_s") else ""
                shown = estimate or Estimate(float("nan"))
                row |= {name: shown.value, f"{stem}_low{unit}": shown.low, f"{stem}_high{unit}": shown.high}
            rows.append(row)
        return {"facilitation": pd.DataFrame(rows)}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return time constant, R at long intervals and at the shortest one, of a single device."""
        if len(self.devices) != 1 or self.devices[0].tau is None:
            return ()
        only = self.devices[0]
        tau, end = only.tau, only.end
        assert tau is not None
        assert end is not None
        ends = (tau.low, tau.high) if tau.closed else (None, None)
        by = f"A2 from {only.baseline}" if only.baseline else ""
        return (
            Scalar("ppf_tau_s", "time constant of the paired-pulse ratio", tau.value, "s", low=ends[0], high=ends[1]),
            Scalar("ppf_end", "A2/A1 at long intervals", end.value, low=end.low, high=end.high, by=by),
        )

    def sentences(self) -> list[str]:
        """Return kind, time constant and the ratio at long intervals of each device."""
        found = []
        for each in self.devices[:3]:
            if each.tau is None or each.end is None:
                found.append(f"{each.device_id}: no time constant ({each.refusal}).")
                continue
            text = f"{each.device_id}: paired-pulse {each.kind} with tau {si(each.tau.value, 's')} "
            text += f"({interval_text(each.tau, 's')}), A2/A1 {each.end.value:.3g} at long intervals"
            if each.permanent is not None:
                text += f"; {percent(each.permanent.value)} of a step is permanent"
            elif each.baseline is None:
                text += "; its meaning depends on the baseline of A2 (--ppf-baseline)"
            found.append(f"{text}.")
        return found

    def panel(self) -> Panel:
        """Draw pairs of the first device that has a fit, with its curve."""
        each = next((each for each in self.devices if each.fit is not None), self.devices[0])
        at = np.geomspace(each.interval_s.min(), each.interval_s.max(), 200) if each.fit else np.array([])
        fitted = each.curve(at) if each.fit else np.array([])
        return figures.facilitation(each.interval_s, each.ratio, at, fitted, each.end.value if each.end else None)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = []
        for each in self.devices[:ROWS_SHOWN]:
            tau, stays = each.tau, each.permanent
            rows.append(
                (
                    each.device_id,
                    each.kind,
                    "–" if tau is None else format_number(tau.value, "s"),
                    each.refusal or "" if tau is None else interval_text(tau, "s"),
                    "–" if each.end is None else format_number(each.end.value),
                    each.baseline or "unknown",
                    "–" if stays is None else percent(stays.value),
                    ", ".join(each.candidates) or "–",
                )
            )
        head = (
            "device",
            "kind",
            "tau",
            "95 % interval",
            "A2/A1 at long intervals",
            "baseline of A2",
            "permanent share",
        )
        caption = "Paired pulses: R = R_inf + c exp(-interval / tau), R_inf free."
        shown = figure(self.panel(), "Pairs and the fitted curve.", "Paired-pulse ratio against the interval")
        return [Table((*head, "kernels that fit"), rows, caption), shown]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> FacilitationResult | None:
    """Find paired pulses in a paired table."""
    return characterize(table, baseline=settings.ppf_baseline) if isinstance(table, PairedTable) else None


def characterize(
    table: PairedTable, *, baseline: str | None = None, exponentials: int | None = None
) -> FacilitationResult:
    """Fit A2/A1 against the interval, a device at a time.

    Parameters
    ----------
    table : PairedTable
    baseline : {"original", "before"}, optional
        Baseline of A2; by default that of the table. Without one, tau and R_inf are given, and the permanent share of a
        step is not.
    exponentials : {1, 2}, optional
        Number of exponentials; by default two only if their BIC is better by more than 6.

    Raises
    ------
    UsageError
        If the baseline is unknown, or contradicts the table.
    """
    if baseline is not None and baseline not in BASELINES:
        raise UsageError(f"ppf_baseline= must be one of {', '.join(BASELINES)}, not {baseline!r}")
    if baseline is not None and table.baseline not in (None, baseline):
        raise UsageError(f"ppf_baseline={baseline} contradicts the table ({table.baseline}). Remove it.")
    if exponentials not in (None, 1, 2):
        raise UsageError(f"exponentials= must be 1 or 2, not {exponentials}")
    baseline = baseline or table.baseline
    frame = table.frame.dropna(subset=["ratio"])
    lost = len(table.frame) - len(frame)
    devices = tuple(
        _device(str(name), rows["interval_s"].to_numpy(float), rows["ratio"].to_numpy(float), baseline, exponentials)
        for name, rows in frame.groupby("device_id", sort=False)
    )
    if not devices:
        raise TraceError("no pair has a ratio")
    return FacilitationResult(devices, table, tuple(_warnings(devices, baseline, lost)))


def _device(
    name: str, interval: np.ndarray, ratio: np.ndarray, baseline: str | None, number: int | None
) -> Facilitation:
    different = int(np.unique(interval).size)
    least = FEWEST_FOR_TWO if number == 2 else FEWEST_INTERVALS
    if different < least:
        why = f"{count(different, 'interval')}, fewer than {least}"
        return Facilitation(name, interval, ratio, None, (), None, baseline, why)
    data = Data(ratio, np.ones((len(ratio), 1)), interval[:, None])
    kernels = tuple(
        KERNELS[n] for n in (1, 2) if n == number or (number is None and (n == 1 or different >= FEWEST_FOR_TWO))
    )
    choice = decay.choose(data, kernels, KERNELS[number] if number else None)
    if choice.verdict == "no_decay":
        why = "the ratio does not change with the interval beyond its noise"
        return Facilitation(name, interval, ratio, None, (), None, baseline, why)
    fit = choice.fit
    wide = t_quantile(0.975, fit.n - fit.k) * float(np.sqrt(fit.covariance[0, 0]))
    end = fit.others[0]
    return Facilitation(
        name, interval, ratio, fit, choice.candidates, Estimate(end, end - wide, end + wide), baseline, None
    )


def _warnings(devices: tuple[Facilitation, ...], baseline: str | None, lost: int) -> list[CodedWarning]:
    found = []
    if baseline is None and any(each.fit for each in devices):
        words = "the baseline of the second amplitude is unknown, so the permanent share of a step is not given"
        found.append(CodedWarning("ppf_baseline", words))
    unbound = [each.device_id for each in devices if each.tau is not None and not each.tau.closed]
    if unbound:
        words = (
            f"the interval of tau is open for {', '.join(unbound[:10])}: the pulse intervals do not reach far enough"
        )
        found.append(CodedWarning("open_interval", words))
    refused = [f"{each.device_id}: {each.refusal}" for each in devices if each.refusal]
    if refused:
        found.append(CodedWarning("few_points", f"no time constant: {'; '.join(refused[:10])}"))
    if lost:
        found.append(CodedWarning("dropped", f"{count(lost, 'pair')} without a ratio left out"))
    return found
