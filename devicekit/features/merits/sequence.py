"""Memory over cycles: correlations of V_set, V_reset, HRS and LRS within a cycle and with the previous one.

For voltage sweeps, ends of pulse trains, and evenly spaced endurance readings. Figures of merit run in alphabetical
order, and this one uses the results of `dc` and `pulses`: hence a name after theirs.

Drift correlates all quantities with each other, and memory reduces the number of independent cycles:
`devicekit.features.cycles.correlations` allows for both, `devicekit.features.cycles.autoregression` describes the
memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import Quantity
from devicekit.core.records import Record, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si
from devicekit.features.cycles import correlations
from devicekit.features.cycles import figures as cycle_figures
from devicekit.features.cycles import sentences as sequence_text
from devicekit.features.cycles.autoregression import (
    LEAST_CYCLES,
    NOT_NORMAL,
    Autoregression,
    Coefficient,
    Cycles,
    autoregression,
)
from devicekit.features.cycles.correlations import Combined, Correlation, Drift
from devicekit.features.cycles.series import Series, of_endurance, of_sweeps, of_trains
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings
from devicekit.features.merits.dc import DcResult
from devicekit.features.merits.pulses import PulseSummary
from devicekit.plot import Image, Panel
from devicekit.report import ROWS_SHOWN, Block, Table, draw
from devicekit.tables import EnduranceTable
from devicekit.tables import Table as AnyTable

LEAST = 20  # cycles per device, in runs, for a correlation
_MATRICES = ("within a cycle", "with the previous cycle", "with the previous cycle, of changes")


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceSequence(Record):
    """Sequence of cycles of one device (at one compliance, if there are several)."""

    device: str = column(name="device_id", doc="name of the device, and its compliance if there are several")
    cycles: Cycles = column(json=False, doc="unbroken runs of the device")
    drifts: dict[str, Drift] = column(doc="drift of each quantity")
    correlations: tuple[Correlation, ...] = column(doc="result of `devicekit.features.cycles.correlations.matrix`")
    n = part("cycles.n", name="cycles", doc="cycles in its runs")

    @derived()
    def runs(self) -> int:
        """Number of unbroken runs."""
        return len(self.cycles.numbers)


@dataclass(frozen=True, kw_only=True)
class Skipped(Record):
    """Device that is left out."""

    device: str = column(doc="name of the device")
    reason: str = column(doc="why it is left out")


@dataclass(frozen=True, eq=False, kw_only=True)
class SequenceResult(MeritResult):
    """Correlations over cycles of every device and of all together, and the autoregression."""

    figure_caption = "Each cycle against the one before."
    figure_alt = "Scatter of a quantity against its previous one"

    quantities: tuple[Quantity, ...] = column(
        json=False, doc="correlated quantities: magnitudes of voltages, logarithms of conductances"
    )
    devices: tuple[DeviceSequence, ...] = column(doc="sequence of each device")
    combined: tuple[Combined, ...] = column(name="correlations", doc="correlations over the devices")
    fit: Autoregression | None = column(json=False, doc="fit to the devices with `LEAST_CYCLES` or more")
    why_not: str = column(name="why_no_autoregression", doc='reason for a missing fit, or ""')
    skipped: tuple[Skipped, ...] = column(doc="devices that are left out")
    step: str = column(doc='distance between neighbouring values: "one cycle", or "50000 cycles" of an endurance log')
    table: AnyTable = internal("the sweeps, or the cycles of an endurance log")
    sweeps: DcResult | None = internal("DC figures of the sweeps, if the table has sweeps")

    @derived(name="quantities")
    def names(self) -> list[str]:
        """Names of the quantities."""
        return [each.name for each in self.quantities]

    @derived(name="autoregression")
    def fit_with_limits(self) -> dict[str, object] | None:
        """The autoregression, its quantities, and the limits of a fit and of its normality."""
        limits = {"quantities": self.names, "least_cycles": LEAST_CYCLES, "normal_below": NOT_NORMAL}
        return None if self.fit is None else {**self.fit.as_dict(), **limits}

    @property
    def fitted(self) -> list[DeviceSequence]:
        """Devices in the autoregression."""
        return [each for each in self.devices if each.cycles.n >= LEAST_CYCLES]

    def correlation(self, first: str, second: str, lag: int = 0, differenced: bool = False) -> Combined:
        """Return one correlation over the devices; the order of the two does not matter within a cycle.

        Parameters
        ----------
        first, second : str
            Names of quantities; with `lag` 1 the second is that of the previous cycle.
        lag : int
            0 or 1.
        differenced : bool
            True for changes instead of values.

        Raises
        ------
        KeyError
            If there is none.
        """
        by_key = {each.key: each for each in self.combined}
        key = first, second, lag, differenced
        return by_key[key] if lag or key in by_key else by_key[second, first, lag, differenced]

    def rho(self, lag: int, differenced: bool, excess: bool = False) -> np.ndarray:
        """Return rho over the devices, shape (k, k), or rho beyond the expected one; NaN on the diagonal of lag 0."""
        found = np.full((len(self.names),) * 2, np.nan)
        for one in self.combined:
            if (one.lag, one.differenced) == (lag, differenced):
                a, b = self.names.index(one.first), self.names.index(one.second)
                found[a, b] = one.rho.value - one.expected * excess
                if lag == 0:
                    found[b, a] = found[a, b]
        return found

    @derived(json=False, table="autoregression")
    def coefficients(self) -> list[Coefficient]:
        """Coefficients of the autoregression; empty without one, or without memory."""
        return [] if self.fit is None else self.fit.terms(self.names)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return correlations of all devices together and of each; coefficients of the autoregression."""
        rows = [{"device_id": "all", **each.row()} for each in self.combined]
        if len(self.devices) > 1:
            rows += [{"device_id": each.device, **one.row()} for each in self.devices for one in each.correlations]
        return {"correlations": pd.DataFrame(rows), **super().tables()}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the spectral radius of the autoregression: the memory over cycles."""
        if self.fit is None:
            return ()
        words = "memory over cycles (spectral radius of the autoregression)"
        return (Scalar("cycle_memory", words, self.fit.radius, by=f"order {self.fit.order}"),)

    def sentences(self) -> list[str]:
        """Return correlations, drift and memory in sentences."""
        return [
            *sequence_text.correlation_text(self.combined, self.quantities, len(self.devices), self.total, self.step),
            *sequence_text.drift_text(self.drifting(), self.quantities),
            *sequence_text.autoregression_text(self.fit, self.why_not, len(self.fitted)),
        ]

    @property
    def read_voltage_v(self) -> float | None:
        """Read voltage of the conductances [V]; None if the table has none."""
        if self.sweeps is not None:
            return self.sweeps.read_voltage_v
        voltages = self.table.frame.get("read_voltage_v", pd.Series(dtype=float)).dropna().unique()
        return float(voltages[0]) if len(voltages) == 1 else None

    @property
    def total(self) -> int:
        """Number of cycles in all runs."""
        return sum(each.cycles.n for each in self.devices)

    def drifting(self) -> dict[str, list[str]]:
        """Return names of the quantities that drift, by device; only devices where one does."""
        found = {each.device: [name for name, one in each.drifts.items() if one.seen] for each in self.devices}
        return {device: names for device, names in found.items() if names}

    def panel(self) -> Panel:
        """Draw the quantity with the longest memory against that of the previous cycle."""
        own = np.abs(np.diag(self.rho(1, False)))
        return self.scatter_panel(self.names[int(np.argmax(np.where(np.isfinite(own), own, -1.0)))])

    def scatter_panel(self, name: str) -> Panel:
        """Draw a quantity against that of the previous cycle.

        Parameters
        ----------
        name : str
            One of `names`.
        """
        at = self.names.index(name)
        quantity = self.quantities[at]
        shown = {}
        for each in self.devices[:MOST_CURVES]:
            before = np.concatenate([run[:-1, at] for run in each.cycles.values])
            now = np.concatenate([run[1:, at] for run in each.cycles.values])
            shown[each.device] = (np.exp(before), np.exp(now)) if quantity.log else (before, now)
        words = f"{self.step} before"
        return cycle_figures.against_previous(shown, quantity, words)

    def images(self) -> list[Image]:
        """Return matrices of rho: within a cycle, with the previous cycle, and the same of changes."""
        labels = [each.label for each in self.quantities]
        return [
            cycle_figures.within_cycle(self.rho(0, False), self.rho(0, True), labels),
            cycle_figures.previous_cycle(self.rho(1, False), labels, "values, with the previous"),
            cycle_figures.previous_cycle(self.rho(1, True, True), labels, "changes, less those without memory"),
        ]

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = sequence_text.rows(self.combined, self.quantities)
        caption = (
            "Spearman's rho with 95 % interval. p uses the effective number of cycles; Holm's p corrects it for the "
            f"{len(self.combined) // 2} correlations tested. Changes are free of drift; without memory, a change "
            "against the previous one has a rho near -0.48."
        )
        matrices = [
            draw([image], f"Spearman's rho {words}.", f"Matrix of Spearman's rho {words}")
            for image, words in zip(self.images(), _MATRICES, strict=True)
        ]
        shown = [*matrices, self.drawn(), Table(sequence_text.HEAD, rows[:ROWS_SHOWN], caption)]
        if found := self.coefficients:
            caption = "Autoregression: coefficients of quantities divided by their standard deviation, 95 % intervals."
            head, cells = sequence_text.coefficient_rows(found, self.quantities)
            shown.append(Table(head, cells[:ROWS_SHOWN], caption))
        return shown


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> SequenceResult | None:
    """Find correlations over cycles; None where no device has `LEAST` cycles in unbroken runs."""
    sweeps, trains = found.get("dc"), found.get("pulses")
    if isinstance(sweeps, DcResult):
        series = of_sweeps(sweeps.cycles, _conditions(sweeps))
    elif isinstance(trains, PulseSummary):
        several = not trains.table.has_one_width  # trains of several widths end at different states anyway
        series = None if several else of_trains(trains.ends, trains.table.quantity)
    elif isinstance(table, EnduranceTable):
        series = of_endurance(table)
    else:
        return None
    return None if series is None else characterize(series, table, sweeps if isinstance(sweeps, DcResult) else None)


def _conditions(found: DcResult) -> dict[tuple[str, int], str]:
    """Return the compliance of each sweep in words, where there are several."""
    return {
        (str(device), int(cycle)): si(each.compliance_a, "A") for each in found.levels for device, cycle in each.sweeps
    }


def characterize(series: Series, table: AnyTable, sweeps: DcResult | None = None) -> SequenceResult | None:
    """Compute the correlations over the cycles of some devices, and fit their autoregression.

    Parameters
    ----------
    series : Series
        Result of `devicekit.features.cycles.series.of_sweeps`, `of_trains` or `of_endurance`.
    table : Table
        Source table.
    sweeps : DcResult, optional
        DC figures of the sweeps.

    Returns
    -------
    SequenceResult or None
        None if no device has `LEAST` cycles in unbroken runs, or fewer than two quantities vary.
    """
    kept = {name: runs for name, runs in series.devices.items() if sum(map(len, runs.numbers)) >= LEAST}
    skipped = [
        Skipped(device=name, reason=f"{count(runs.n, 'cycle')} in unbroken runs")
        for name, runs in series.devices.items()
        if name not in kept
    ]
    vary = [
        k
        for k in range(len(series.quantities))
        if all(np.ptp(np.concatenate(runs.values)[:, k]) > 0 for runs in kept.values())
    ]
    if not kept or len(vary) < 2:
        return None
    quantities = tuple(series.quantities[k] for k in vary)
    names = [each.name for each in quantities]
    devices = []
    for device, runs in kept.items():
        values = tuple(each[:, vary] for each in runs.values)
        drifts = {
            name: correlations.drift(runs.numbers, [each[:, k] for each in values]) for k, name in enumerate(names)
        }
        cycles = Cycles(runs.numbers, values, any(each.seen for each in drifts.values()))
        found = correlations.matrix(values, names)
        devices.append(DeviceSequence(device=device, cycles=cycles, drifts=drifts, correlations=found))
    fit, why_not = _fit([each.cycles for each in devices])
    combined = correlations.combine([each.correlations for each in devices])
    result = SequenceResult(
        quantities=quantities,
        devices=tuple(devices),
        combined=combined,
        fit=fit,
        why_not=why_not,
        skipped=tuple(skipped),
        step=series.step,
        table=table,
        sweeps=sweeps,
    )
    return replace(result, warnings=_warnings(result))


def _fit(devices: Sequence[Cycles]) -> tuple[Autoregression | None, str]:
    """Fit the autoregression to the devices with enough cycles, or return the reason for a refusal."""
    enough = [each for each in devices if each.n >= LEAST_CYCLES]
    if not enough:
        most = max(each.n for each in devices)
        return None, f"no device has {LEAST_CYCLES} cycles in unbroken runs (at most {most})"
    try:
        return autoregression(enough), ""
    except (ValueError, np.linalg.LinAlgError) as error:
        return None, str(error)


def _warnings(result: SequenceResult) -> tuple[CodedWarning, ...]:
    drifting = result.drifting()
    if not drifting:
        return ()
    words = sequence_text.drift_text(drifting, result.quantities)[0].removesuffix(".")
    return (CodedWarning("drift", words[0].lower() + words[1:]),)
