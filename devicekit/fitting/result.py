"""Result of the fit of a device: both branches in one window, with the variation."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from devicekit.core.calls import as_path, called_as
from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.text import count, percent, si, span
from devicekit.device.blocks import Conditions, Provenance, Setting, Window
from devicekit.device.card import DeviceCard
from devicekit.fitting import card_blocks, figures
from devicekit.fitting.branch.dead_devices import DeadDevice
from devicekit.fitting.branch.joint import JointFit
from devicekit.fitting.branch.lattice import Lattice
from devicekit.fitting.branch.result import BAND_LEVEL, BranchFit
from devicekit.fitting.branch.trains import Trains, select_trains
from devicekit.fitting.likelihood.fit import TrainFit
from devicekit.fitting.prediction import PredictedCurve, predict
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.fitting.variation.predicted import predicted_variance, scatter
from devicekit.fitting.variation.result import VariationResult
from devicekit.models.law import Law
from devicekit.names.marks import ordered
from devicekit.plot import Panel
from devicekit.system import files
from devicekit.tables import PulseTable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def require_fit(verb: str, value: object) -> None:
    """Refuse anything but a fit.

    Raises UsageError if it is something else.
    """
    if not isinstance(value, DeviceFit):
        raise UsageError(
            f"{verb} takes a fit, not {type(value).__name__}. Fit the trains first: "
            f"devicekit.{verb}(devicekit.fit(FILE))."
        )
    if any(branch.law.fixed or branch.law.bounded for branch in value.branches.values()):
        raise UsageError(f"{verb} does not keep fixed or bounded coefficients. Fit without them.")


IN_MEMORY = "the table"  # source of a table that was read from memory


@dataclass(frozen=True, repr=False, kw_only=True, eq=False)
class DeviceFit(Record):
    """Fit of LTP and LTD of one device in one window, with variation, fits of single devices, and warnings."""

    not_data = "it is fitted already; the trains that it was fitted to are fit.table"
    also_called = {  # noqa: RUF012
        **dict.fromkeys(
            ("params", "parameters", "coefficients", "coef_", "popt", "best_values"),
            "fit.table_of_coefficients(), or fit.ltp.coefficients and fit.ltp.standard_errors",
        ),
        **dict.fromkeys(("rmse", "rms", "nrmse", "r2", "rsquared", "chisqr", "redchi"), "fit.ltp.nrmse, .rms and .r2"),
        **dict.fromkeys(("aic", "bic"), "devicekit.compare(table), which ranks laws by BIC"),
        **dict.fromkeys(("residual", "residuals", "best_fit"), "fit.ltp.residuals and fit.ltp.fitted"),
        **dict.fromkeys(("summary", "report_fit"), "print(fit), or fit.report() for every parameter"),
        **dict.fromkeys(("card", "export", "to_json"), "fit.to_card(name)"),
        **dict.fromkeys(("eval", "conductance", "rate", "curve"), "fit.predict(pulses), or fit.ltp.rate(r)"),
    }

    window: Window = internal("normalisation of LTP and LTD and every device")
    law: Law = internal("the update law")
    ltp: BranchFit | None = internal(
        "LTP of the central device: mean over devices and cycles; None where the table has no such trains"
    )
    ltd: BranchFit | None = internal("the same of LTD")
    devices: dict[str, dict[str, BranchFit]] = internal("fits of the single devices by direction; empty for one device")
    variation: VariationResult = column(doc="cycle-to-cycle and device-to-device variation")
    table: PulseTable = internal("the trains that were fitted")
    own_warnings: tuple[CodedWarning, ...] = internal("warnings on the device, without those of table and branches")
    settings: Mapping[str, Setting] = internal("options of the fit, as a card keeps them")
    conditions: tuple[DeviceFit, ...] = internal(
        "one fit for each pulse width of the table, ascending; empty if there is only one", default=()
    )
    joint: dict[str, JointFit] = column(
        default_factory=dict,
        optional=True,
        doc="joint fit over pulse widths by direction, if the shape was shared",
    )
    likelihood: dict[str, TrainFit] = internal(
        "law and noise by the likelihood of whole trains, behind the band and the components", default_factory=dict
    )
    pulse_law: PulseLaw | None = column(
        default=None,
        optional=True,
        doc="how amplitude and width scale the rate, if the shape was shared over them",
    )
    dead: tuple[DeadDevice, ...] = internal(
        "devices of the table that do not switch; they are left out of the fit", default=()
    )
    lattice: Lattice | None = internal("states of even spacing on which the trains lie, if they do", default=None)

    @derived()
    def model(self) -> str:
        """Name of the update law."""
        return self.law.name

    @derived(name="devices", optional=True)
    def device_branches(self) -> list[dict[str, object]]:
        """Fits of the single devices; none for one device."""
        return [{"device_id": name, "branches": pair} for name, pair in self.devices.items()]

    def __repr__(self) -> str:
        branches = ", ".join(
            f"{direction.upper()} nrmse {branch.nrmse:.2%}" for direction, branch in self.branches.items()
        )
        widths = f", {len(self.conditions)} pulse widths" if self.conditions else ""
        return f"<DeviceFit {self.law.name}: {branches}; {count(len(self.table.devices), 'device')}{widths}>"

    @derived()
    def branches(self) -> dict[str, BranchFit]:
        """The fitted branches by direction."""
        pair = {"ltp": self.ltp, "ltd": self.ltd}
        return {direction: branch for direction, branch in pair.items() if branch is not None}

    @derived()
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings of the table, the device and its branches, each once."""
        branches = [warning for branch in self.branches.values() for warning in branch.warnings]
        return tuple(dict.fromkeys([*self.table.warnings, *self.own_warnings, *branches]))

    def marks(self, synthetic: bool = False) -> tuple[str, ...]:
        """Return what the data are, if not measured: synthetic (also if `synthetic` says so), simulated, calibrated."""
        return ordered([*(("synthetic",) if synthetic else ()), *self.table.marks])

    @property
    def source_name(self) -> str:
        """Name of the file that was fitted, without its ending; "" of data in memory."""
        source = str(self.table.meta.get("source", IN_MEMORY))
        return "" if source == IN_MEMORY else files.stem(Path(source))

    @property
    def pulse_conditions(self) -> Conditions:
        """Conditions that the table states; for growing amplitudes those of the pulse of the branches."""
        return card_blocks.conditions(self.table, self.pulse_law)

    def to_card(self, name: str | None = None, source: Path | str | None = None, synthetic: bool = False) -> DeviceCard:
        """Return the device card of this fit.

        Parameters
        ----------
        name : str, optional
            Of the device; that of the file if not given.
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
        UsageError
            If data in memory are fitted, and no name is given.
        """
        if not isinstance(name, str | None):
            raise UsageError(f"name= takes the name of the device, a text, not {name!r}.")
        name = name or (files.stem(Path(source)) if source is not None else self.source_name)
        if not name:
            raise UsageError("The data were in memory. Name the device: fit.to_card('my device').")
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
        conditions = self.pulse_conditions
        provenance = Provenance.of(source, self.table, synthetic, self.settings)
        made = [CodedWarning("synthetic", "fitted to synthetic data, not to a measurement")] * provenance.synthetic
        return DeviceCard(
            name=name,
            model=self.law.name,
            window=self.window,
            ltp=self.ltp.to_card(),
            ltd=self.ltd.to_card(),
            devices=card_blocks.device_rows(self.devices, self.variation.windows),
            variation=self.variation.to_card(),
            conditions=conditions,
            pulse_law=card_blocks.pulse_scaling(self.pulse_law, conditions, provenance),
            dead=card_blocks.dead_devices(self.dead, len(self.table.devices), provenance),
            states=card_blocks.stable_states(self.lattice, provenance),
            warnings=(*made, *self.warnings),
            provenance=provenance,
        )

    @called_as("fit.save('card.json')")
    def save(
        self,
        path: Path | str,
        source: Path | str | None = None,
        synthetic: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Write the device card of this fit; the file names the device.

        Parameters
        ----------
        path : path-like
            File to write, whole or not at all, such as ``card.json``.
        source, synthetic
            As for `to_card`.
        overwrite : bool
            Replace a file that devicekit did not write, or one that was fitted.

        Raises
        ------
        TraceError
            If a branch is missing.
        UsageError
            If there is a fit for each of several pulse widths.
        FileError
            If such a file exists, or the file cannot be written.
        """
        if self.conditions:
            raise UsageError(
                f"This fit has {len(self.conditions)} pulse widths. Save each: "
                "for one in fit.conditions: one.save(FILE)."
            )
        file = as_path(path, "fit.save")
        read = [*self.table.meta.get("files", ()), *([source] if source is not None else [])]
        self.to_card(file.stem, source, synthetic).save(file, overwrite, read)

    @called_as("fit.predict(range(101), 'ltp')")
    def predict(
        self,
        pulses: int | Sequence[int] | np.ndarray,
        direction: str = "ltp",
        start: float | None = None,
        level: float = BAND_LEVEL,
    ) -> PredictedCurve:
        """Return the mean state after so many pulses, with its band.

        Parameters
        ----------
        pulses : int or sequence of int
            Numbers of pulses from the start, from 0; ``range(101)`` gives the whole curve.
        direction : {"ltp", "ltd"}
            Pulses that raise or lower the state.
        start : float, optional
            State before the first pulse [S, or 1 for a weight]; that of the fitted trains if not given.
        level : float
            Confidence of the band of the mean curve, 0 to 1. Single trains scatter about it by `variation`.

        Returns
        -------
        PredictedCurve
            `value`, `low` and `high` of shape (n,). Beyond the measured states there is no band (NaN).

        Raises
        ------
        UsageError
            If there are no trains of this direction, a number is out of range, or the pulses of the fit differ.
        """
        if direction not in ("ltp", "ltd") or direction not in self.branches:
            raise UsageError(f"direction= must be {' or '.join(self.branches)}, not {direction!r}.")
        return predict(self.branches[direction], pulses, start, level)

    def summary_lines(self) -> list[str]:
        """Return window, misfit and scatter of LTP and LTD, and the law of the pulse."""
        unit = "S" if self.window.quantity == "conductance_s" else ""
        lines = [f"{self.law.title}; window {span(self.window.low, self.window.high, unit)} ({self.window.scope})"]
        for direction, branch in self.branches.items():
            sd = self.variation.branches[direction].increment
            scatter = "" if sd is None else f"; one update scatters by {percent(sd)} of the window (sd)"
            weak = f"; weakly determined: {', '.join(branch.weak)}" if branch.weak else ""
            lines.append(f"{direction.upper()}: misfit {percent(branch.nrmse)} of its range{scatter}{weak}")
        lines += [f"fixed: {self.fixed_text}"] if self.fixed_text else []
        return [*lines, *([] if self.pulse_law is None else self.pulse_law.sentences())]

    @property
    def fixed_text(self) -> str:
        """Coefficients that were fixed, such as "ltp.d = 1.3"; "" without any."""
        return ", ".join(
            f"{name}.{each} = {value:.4g}"
            for name, branch in self.branches.items()
            for each, value in branch.fixed.items()
        )

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
        branches = {}
        for direction, branch in self.branches.items():
            values = self.trains(direction).values[:, : branch.x.size]
            low, high = (np.nanmin(values, axis=0), np.nanmax(values, axis=0)) if len(values) > 1 else (None, None)
            measured, fitted = (self.window.from_state(r) for r in (branch.measured, branch.fitted))
            branches[direction] = figures.Branch(measured, fitted, low, high, len(values))
        return figures.fit(branches, self.window.quantity, self.law.name)

    def residuals_panel(self) -> Panel:
        """Return measured minus fitted state along the trains, with the noise of the mean curve."""
        return figures.residuals(
            {name: (branch.measured - branch.fitted, branch.noise) for name, branch in self.branches.items()}
        )

    def cycles_panel(self, direction: str = "ltp") -> Panel:
        """Return all cycles of the first device, early cycles light and late ones dark, to show C2C and drift."""
        trains = self.trains(direction)
        own = trains.of(trains.devices[0])
        order = np.argsort(own.cycles, kind="stable")
        values = {int(own.cycles[k]): own.values[k] for k in order}
        return figures.cycles(values, self.window.quantity, direction, trains.devices[0])

    def devices_panel(self, direction: str = "ltp") -> Panel:
        """Return the mean curve of each device, and the central fit."""
        trains = self.trains(direction)
        curves = dict(zip(dict.fromkeys(trains.devices), trains.mean_by_device(), strict=True))
        central = self.window.from_state(self.branches[direction].fitted)
        return figures.devices(curves, central, self.window.quantity, direction)

    def variances_panel(self, direction: str = "ltp") -> Panel:
        """Return the variance over cycles against pulse number, measured and from increments, reads and offsets."""
        spread = self.variation.branches[direction]
        known = spread.increment is not None
        predicted = predicted_variance(self.branches[direction], spread) if known else None
        measured = scatter(self.trains(direction), self.window)
        return figures.variances(measured, predicted, direction)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw measured and fitted curves into an Axes, by default a new one, and return it (see `Panel.draw`)."""
        return self.panel().draw(ax)

    def table_of_coefficients(self) -> pd.DataFrame:
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
