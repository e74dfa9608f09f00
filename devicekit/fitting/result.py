"""Result of the fit of a device: both branches in one window, with the variation."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.text import count, percent, si, span
from devicekit.device.blocks import Conditions, DeviceRow, Provenance, Window
from devicekit.device.card import DeviceCard
from devicekit.device.measured import DeadDevices, StableStates
from devicekit.device.pulselaw import PulseScaling
from devicekit.fitting.branch.dead_devices import DeadDevice
from devicekit.fitting.branch.lattice import Lattice
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, select_trains
from devicekit.fitting.likelihood.fit import TrainFit
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.fitting.variation.spread import VariationResult, predicted_variance, scatter
from devicekit.models.law import Law
from devicekit.models.pulselaw import Pulse
from devicekit.plot import Panel
from devicekit.tables import PulseTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class DeviceFit:
    """Fit of LTP and LTD of one device in one window, with variation, fits of single devices, and warnings.

    Attributes
    ----------
    ltp, ltd : BranchFit or None
        The central device: mean over devices and cycles. None where the table has no such trains.
    devices : mapping of str to mapping of str to BranchFit
        Fits of the single devices by direction; empty for one device.
    conditions : tuple of DeviceFit
        One fit for each pulse width of the table, ascending; empty if there is only one.
    joint : mapping of direction to mapping
        Facts of the joint fit over pulse widths, if the shape was shared (see `devicekit.fitting.widths.JointFit`).
    likelihood : mapping of direction to TrainFit
        Law and noise by the likelihood of whole trains, behind the band and the components.
    pulse_law : PulseLaw or None
        How amplitude and width scale the rate, if the shape was shared over them.
    dead : tuple of Dead
        Devices of the table that do not switch; they are left out of the fit.
    lattice : Lattice or None
        States of even spacing on which the trains lie, if they do.
    spread_ratios : mapping of direction to float
        Spread of cycles drawn from the variation over that of the measured ones [1], of branches of several cycles.
    """

    window: Window
    law: Law
    ltp: BranchFit | None
    ltd: BranchFit | None
    devices: dict[str, dict[str, BranchFit]]
    variation: VariationResult
    table: PulseTable
    own_warnings: tuple[CodedWarning, ...]
    settings: dict[str, Any]
    conditions: tuple[DeviceFit, ...] = ()
    joint: dict[str, dict[str, Any]] = field(default_factory=dict)
    likelihood: dict[str, TrainFit] = field(default_factory=dict)
    pulse_law: PulseLaw | None = None
    dead: tuple[DeadDevice, ...] = ()
    lattice: Lattice | None = None
    spread_ratios: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        branches = ", ".join(
            f"{direction.upper()} nrmse {branch.nrmse:.2%}" for direction, branch in self.branches.items()
        )
        widths = f", {len(self.conditions)} pulse widths" if self.conditions else ""
        return f"<DeviceFit {self.law.name}: {branches}; {count(len(self.table.devices), 'device')}{widths}>"

    @property
    def branches(self) -> dict[str, BranchFit]:
        """The fitted branches by direction."""
        pair = {"ltp": self.ltp, "ltd": self.ltd}
        return {direction: branch for direction, branch in pair.items() if branch is not None}

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings of the table, the device and its branches, each once."""
        branches = [warning for branch in self.branches.values() for warning in branch.warnings]
        return tuple(dict.fromkeys([*self.table.warnings, *self.own_warnings, *branches]))

    def to_card(self, name: str, source: Path | str | None = None, synthetic: bool = False) -> DeviceCard:
        """Return the device card of this fit.

        Parameters
        ----------
        name : str
            Of the device.
        source : path-like, optional
            The file that was fitted; default: that of the table.
        synthetic : bool
            Whether the data are synthetic; data known to be (`devicekit.system.catalog.marks`) are marked anyway.

        Returns
        -------
        DeviceCard

        Raises
        ------
        TraceError
            If a branch is missing: a card describes LTP and LTD.
        """
        if self.ltp is None or self.ltd is None:
            lacking = "LTP" if self.ltp is None else "LTD"
            if wide := self.table.widths:
                raise TraceError(
                    f"a device card needs LTP and LTD trains, but there are no {lacking} trains of {si(wide[0], 's')} "
                    "pulses. Choose one device with device=, or leave the column pulse_width_s out"
                )
            raise TraceError(
                f"a device card needs LTP and LTD trains, but the table has no {lacking} trains. For CrossSim ramps, "
                "give the folder of set.csv and reset.csv, not one of the files"
            )
        rows = tuple(
            DeviceRow(
                device_id=device,
                ltp_theta=tuple(pair["ltp"].theta.tolist()),
                ltd_theta=tuple(pair["ltd"].theta.tolist()),
                ltp_largest_step=pair["ltp"].largest_step,
                ltd_largest_step=pair["ltd"].largest_step,
                low=self.variation.windows[device].low if device in self.variation.windows else None,
                high=self.variation.windows[device].high if device in self.variation.windows else None,
            )
            for device, pair in self.devices.items()
            if len(pair) == 2
        )
        conditions = self._conditions()
        provenance = Provenance.of(source, self.table, synthetic, self.settings)
        made = (
            [CodedWarning("synthetic", "fitted to synthetic data, not to a measurement")]
            if provenance.synthetic
            else []
        )
        return DeviceCard(
            name=name,
            model=self.law.name,
            window=self.window,
            ltp=self.ltp.to_card(),
            ltd=self.ltd.to_card(),
            devices=rows,
            variation=self.variation.to_card(),
            conditions=conditions,
            pulse_law=self._pulse_block(provenance, conditions),
            dead=self._dead_block(provenance),
            states=self._states_block(provenance),
            warnings=(*made, *self.warnings),
            provenance=provenance,
        )

    def _dead_block(self, provenance: Provenance) -> DeadDevices | None:
        if not self.dead:
            return None
        return DeadDevices(
            source=provenance.source,
            synthetic=provenance.synthetic,
            names=tuple(each.name for each in self.dead),
            devices=len(self.dead) + len(self.table.devices),
            states=tuple(each.state for each in self.dead),
        )

    def _states_block(self, provenance: Provenance) -> StableStates | None:
        if self.lattice is None:
            return None
        return StableStates(
            source=provenance.source,
            synthetic=provenance.synthetic,
            count=self.lattice.count,
            spacing=self.lattice.spacing,
            coherence=self.lattice.coherence,
        )

    def _conditions(self) -> Conditions:
        """Return the conditions that the table states; for growing amplitudes those of the branches' pulse."""
        stated = Conditions.of(self.table)
        if self.pulse_law is None:
            return stated
        changed: dict[str, float] = {}
        for direction, joint in self.pulse_law.joints.items():
            if joint.with_amplitude and joint.reference.voltage_v is not None:
                sign = 1.0 if direction == "ltp" else -1.0
                changed[f"{direction}_voltage_v"] = sign * joint.reference.voltage_v
        return stated.model_copy(update=changed)

    def _pulse_block(self, provenance: Provenance, conditions: Conditions) -> PulseScaling | None:
        """Return the law of amplitude and width relative to the pulse of the card."""
        if self.pulse_law is None:
            return None
        wide = conditions.pulse_width_s
        block = self.pulse_law.to_block(provenance.source, provenance.synthetic)
        return block.relative_to(
            *(Pulse(None if v is None else abs(v), wide) for v in (conditions.ltp_voltage_v, conditions.ltd_voltage_v))
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the body of `devicekit fit --json`, without the card's path."""
        result: dict[str, Any] = {
            "model": self.law.name,
            "branches": {direction: branch.as_dict() for direction, branch in self.branches.items()},
            "variation": {**self.variation.as_dict(), "spread_ratio": self.spread_ratios},
            "warnings": [warning.as_dict() for warning in self.warnings],
        }
        if self.joint:
            result["joint"] = self.joint
        if self.pulse_law is not None:
            result["pulse_law"] = self.pulse_law.as_dict()
        if self.devices:
            result["devices"] = [
                {"device_id": name, "branches": {direction: fit.as_dict() for direction, fit in pair.items()}}
                for name, pair in self.devices.items()
            ]
        return result

    def fit_report(self) -> str:
        """Return each branch in the form of lmfit's report: statistics, parameters with errors, correlations.

        Parameters are those of the rising coordinate: L, the shape of the law, and the start x0; a star marks weakly
        determined ones. lmfit's own result, which assumes independent residuals, is `fit.ltp.lmfit`.
        """
        return "\n".join(branch.fit_report() for branch in self.branches.values())

    def report(self, file: IO[str] | None = None) -> None:
        """Print `fit_report`, as `lmfit.report_fit` does."""
        print(self.fit_report(), file=file or sys.stdout)

    def trains(self, direction: str) -> Trains:
        """Return all trains of one direction.

        Raises
        ------
        UsageError
            If the table has none.
        """
        trains = select_trains(self.table, direction)
        if trains is None:
            raise UsageError(f"the table has no {direction.upper()} trains")
        return trains

    def panel(self) -> Panel:
        """Return measured mean curves (dots), the range of all trains (shade) and the fit (line), LTP then LTD."""
        from devicekit.fitting import figures

        branches = {}
        for direction, branch in self.branches.items():
            values = self.trains(direction).values[:, : branch.x.size]
            low, high = (np.nanmin(values, axis=0), np.nanmax(values, axis=0)) if len(values) > 1 else (None, None)
            measured, fitted = (self.window.from_state(r) for r in (branch.measured, branch.fitted))
            branches[direction] = figures.Branch(measured, fitted, low, high, len(values))
        return figures.fit(branches, self.window.quantity, self.law.name)

    def residuals_panel(self) -> Panel:
        """Return measured minus fitted state along the trains, with the noise of the mean curve."""
        from devicekit.fitting import figures

        return figures.residuals(
            {name: (branch.measured - branch.fitted, branch.noise) for name, branch in self.branches.items()}
        )

    def cycles_panel(self, direction: str = "ltp") -> Panel:
        """Return all cycles of the first device, early cycles light and late ones dark, to show C2C and drift."""
        from devicekit.fitting import figures

        trains = self.trains(direction)
        own = trains.of(trains.devices[0])
        order = np.argsort(own.cycles, kind="stable")
        values = {int(own.cycles[k]): own.values[k] for k in order}
        return figures.cycles(values, self.window.quantity, direction, trains.devices[0])

    def devices_panel(self, direction: str = "ltp") -> Panel:
        """Return the mean curve of each device, and the central fit."""
        from devicekit.fitting import figures

        trains = self.trains(direction)
        curves = dict(zip(dict.fromkeys(trains.devices), trains.mean_by_device(), strict=True))
        central = self.window.from_state(self.branches[direction].fitted)
        return figures.devices(curves, central, self.window.quantity, direction)

    def variances_panel(self, direction: str = "ltp") -> Panel:
        """Return the variance over cycles against pulse number, measured and from increments, reads and offsets."""
        from devicekit.fitting import figures

        spread = self.variation.branches[direction]
        known = spread.increment is not None
        predicted = predicted_variance(self.branches[direction], spread) if known else None
        measured = scatter(self.trains(direction), self.window)
        return figures.variances(measured, predicted, direction)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`: measured and fitted curves."""
        return self.panel().draw(ax)

    def table_of_coefficients(self) -> Any:
        """Return the coefficients of both branches as a pandas frame."""
        import pandas as pd

        return pd.DataFrame({direction: branch.coefficients for direction, branch in self.branches.items()})

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        unit = "S" if self.window.quantity == "conductance_s" else ""
        rows = [("window", span(self.window.low, self.window.high, unit))]
        for direction, branch in self.branches.items():
            name, spread = direction.upper(), self.variation.branches[direction]
            rows.append((f"{name}: nrmse (rms misfit over the range of its mean curve)", percent(branch.nrmse)))
            rows.append((f"{name}: sd of one update (increment), of the window", percent(spread.increment)))
            rows.append((f"{name}: sd of the state over cycles (spread), of the window", percent(spread.c2c_anova)))
        return html(f"Fit: {self.law.title}", rows, self.panel(), self.warnings)
