"""Paired pulses: A2/A1 against the interval, R = R_inf + c e^(-dt / tau), one exponential or two (PPF, PPD).

R_inf is free: with R_inf = 1 and a third of the step permanent, tau would come out several times too long. If A2 is
measured from the ORIGINAL level (before both pulses), R_inf - 1 is the permanent share of a step. If it is measured
from the level just BEFORE the second pulse, a device with additive steps has R = 1 at every interval, and a difference
from 1 is a change of the step itself. Curve and tau are the same in both cases and are given without a baseline; the
share is not. See doi:10.1146/annurev.physiol.64.092501.114547.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate, Record, cell, cell_of, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, percent, si
from devicekit.features.merit import MeritResult, Settings
from devicekit.features.merits.volatile import interval_text
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.decay import Fit
from devicekit.features.relaxation.squares import Data
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.system.options import BASELINES
from devicekit.tables import PairedTable
from devicekit.tables import Table as AnyTable

FEWEST_INTERVALS = 6  # for one time constant
FEWEST_FOR_TWO = 8
KERNELS = {1: "exponential", 2: "double"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Facilitation(Record):
    """Paired pulses of one device."""

    device_id: str = column("device")
    interval_s: np.ndarray = internal("interval of each pair [s], shape (n,)")
    ratio: np.ndarray = internal("ratio of each pair, shape (n,)")
    fit: Fit | None = internal(
        "fitted curve; None with too few intervals, or without a change with the interval", default=None
    )
    n = part("ratio.size", doc="pairs")

    @derived(row=False)
    def intervals(self) -> int:
        """Number of different intervals."""
        return int(np.unique(self.interval_s).size)

    @derived("kind")
    def kind(self) -> str:
        """Facilitation, depression or none: the sign of the change with the interval."""
        if self.fit is None:
            return "none"
        return "facilitation" if self.fit.amplitude > 0 else "depression"

    kernel = part("fit.kernel", doc="kernel of the curve")
    candidates: tuple[str, ...] = column(default=(), doc="kernels that are not excluded")
    baseline: str | None = column(doc="baseline of A2, if known")
    refusal: str | None = column(default=None, doc="reason for a missing tau")
    amplitude = part("fit.amplitude", row=False, doc="change of the ratio at short intervals")
    noise = part("fit.noise", row=False, doc="standard deviation of a ratio about the curve")
    tau = part("fit.tau", "tau", unit="s", json=False, row=False, doc="time constant")

    @cell("95 % interval")
    def tau_interval(self) -> str:
        """Interval of tau, or the reason why it is missing."""
        return self.refusal or "" if self.tau is None else interval_text(self.tau, "s")

    end: Estimate | None = column("A2/A1 at long intervals", default=None, doc="R_inf")
    shown_baseline = cell_of("baseline", "baseline of A2", lambda baseline: baseline or "unknown")

    @derived("permanent share", name="permanent_share", row=False, text=percent)
    def permanent(self) -> Estimate | None:
        """Permanent share of a step, R_inf - 1; None unless A2 is measured from the original level."""
        return None if self.end is None or self.baseline != "original" else self.end.map(lambda ratio: ratio - 1.0)

    shown_candidates = cell_of("candidates", "kernels that fit")
    permanent_columns = part("permanent", name="permanent", json=False, estimate=True)

    @derived(row=False)
    def parameters(self) -> Mapping[str, Estimate]:
        """Parameters of the kernel."""
        return self.fit.parameters if self.fit else {}

    parameter_columns = part("parameters", json=False, inline=True)

    def curve(self, interval: np.ndarray) -> np.ndarray:
        """Return R at intervals [s] by the fit."""
        at = np.asarray(interval, float)
        assert self.fit is not None
        return decay.predict(self.fit, np.ones((at.size, 1)), at[:, None])


@dataclass(frozen=True, eq=False, kw_only=True)
class FacilitationResult(MeritResult):
    """Paired pulses of every device."""

    figure_caption = "Pairs and the fitted curve."
    figure_alt = "Paired-pulse ratio against the interval"

    devices: tuple[Facilitation, ...] = column(
        table="facilitation",
        caption="Paired pulses: R = R_inf + c exp(-interval / tau), R_inf free",
        doc="paired pulses of each device",
    )
    table: PairedTable = internal()

    def scalars(self) -> tuple[Scalar, ...]:
        """Return time constant, R at long intervals and at the shortest one, of a single device."""
        if len(self.devices) != 1 or self.devices[0].tau is None:
            return ()
        only = self.devices[0]
        assert only.end is not None
        by = f"A2 from {only.baseline}" if only.baseline else ""
        return (
            Scalar.from_estimate("ppf_tau_s", "time constant of the paired-pulse ratio", only.tau, "s"),
            Scalar.from_estimate("ppf_end", "A2/A1 at long intervals", only.end, by=by),
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
        curves = [Curve("pairs", each.interval_s, each.ratio, style=".", colour="0.45", size=4.0)]
        if each.fit is not None:
            at = np.geomspace(each.interval_s.min(), each.interval_s.max(), 200)
            curves.append(Curve("fit", at, each.curve(at), width=1.2, colour=COLOURS["ltp"]))
        lines = [("y", 1.0)]
        if each.end is not None and abs(each.end.value - 1.0) > 1e-9:
            lines.append(("y", each.end.value))
        return Panel(Axis.of("interval_s", scale="log"), Axis.of("ratio"), curves, lines=tuple(lines))


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> FacilitationResult | None:
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
    warnings = tuple(_warnings(devices, baseline, lost))
    return FacilitationResult(devices=devices, table=table, warnings=warnings)


def _device(
    name: str, interval: np.ndarray, ratio: np.ndarray, baseline: str | None, number: int | None
) -> Facilitation:
    none = Facilitation(device_id=name, interval_s=interval, ratio=ratio, baseline=baseline)
    least = FEWEST_FOR_TWO if number == 2 else FEWEST_INTERVALS
    if none.intervals < least:
        return replace(none, refusal=f"{count(none.intervals, 'interval')}, fewer than {least}")
    data = Data(ratio, np.ones((len(ratio), 1)), interval[:, None])
    two = none.intervals >= FEWEST_FOR_TWO
    kernels = tuple(KERNELS[n] for n in (1, 2) if n == number or (number is None and (n == 1 or two)))
    choice = decay.choose(data, kernels, KERNELS[number] if number else None)
    if choice.verdict == "no_decay":
        return replace(none, refusal="the ratio does not change with the interval beyond its noise")
    fit = choice.fit
    wide = t_quantile(0.975, fit.n - fit.k) * float(np.sqrt(fit.covariance[0, 0]))
    return replace(none, fit=fit, candidates=choice.candidates, end=Estimate.symmetric(fit.level, wide))


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
