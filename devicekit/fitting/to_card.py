"""From a fit to a device card, with its provenance."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from devicekit import files
from devicekit._version import __version__
from devicekit.device.card import Branch, Conditions, DeviceCard, DeviceRow, FlagRow, Provenance
from devicekit.errors import Flag, TraceError
from devicekit.tables import PulseTable

if TYPE_CHECKING:
    from devicekit.fitting.result import BranchFit, DeviceFit


def _branch(fit: BranchFit) -> Branch:
    return Branch(
        direction=fit.direction,  # type: ignore[arg-type]
        theta=tuple(fit.theta.tolist()),
        x0=float(fit.parameters[-1]),
        coefficients=fit.coefficients,
        coefficients_s=fit.coefficients_s,
        standard_errors=fit.standard_errors,
        weak=fit.weak,
        at_bound=fit.at_bound,
        n_points=fit.n_points,
        n_pulses=fit.x.size - 1,
        nrmse=fit.nrmse,
        r2=fit.r2,
        noise=fit.noise,
        largest_step=fit.largest_step,
        measured_range=fit.measured_range,
        rate_curve=fit.rate_curve(),
    )


def _one(table: PulseTable, column: str, direction: str | None = None) -> float | None:
    """The one value of a column (of one direction's pulses), None if there is none or more than one."""
    if column not in table.frame:
        return None
    frame = table.frame[table.frame["pulse_index"] > 0]
    if direction is not None:
        frame = frame[frame["direction"] == direction]
    values = frame[column].dropna().unique()
    return float(values[0]) if values.size == 1 else None


def _conditions(table: PulseTable) -> Conditions:
    return Conditions(
        pulse_width_s=_one(table, "pulse_width_s"),
        ltp_voltage_v=_one(table, "pulse_voltage_v", "ltp"),
        ltd_voltage_v=_one(table, "pulse_voltage_v", "ltd"),
        read_voltage_v=_one(table, "read_voltage_v"),
    )


def _provenance(fit: DeviceFit, source: Path | str | None, synthetic: bool) -> Provenance:
    import lmfit
    import numba
    import scipy

    path = Path(source) if source is not None else None
    return Provenance(
        source=path.name if path else str(fit.table.meta.get("source", "table in memory")),
        sha256=files.sha256(path) if path is not None and path.exists() else "",
        synthetic=synthetic,
        versions={
            "devicekit": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "lmfit": lmfit.__version__,
            "numba": numba.__version__,
        },
        settings=fit.settings,
    )


def build_card(fit: DeviceFit, name: str, source: Path | str | None, synthetic: bool) -> DeviceCard:
    """The card of a fit (see `DeviceFit.to_card`)."""
    if fit.ltp is None or fit.ltd is None:
        raise TraceError(
            "a device card needs LTP and LTD trains; the table has only one of them (of CrossSim ramps, name the "
            "folder that holds set.csv and reset.csv, not one of the files)"
        )
    rows = tuple(
        DeviceRow(
            device_id=device,
            ltp_theta=tuple(pair["ltp"].theta.tolist()),
            ltd_theta=tuple(pair["ltd"].theta.tolist()),
            ltp_largest_step=pair["ltp"].largest_step,
            ltd_largest_step=pair["ltd"].largest_step,
        )
        for device, pair in fit.devices.items()
        if len(pair) == 2
    )
    flags = fit.warnings
    if synthetic:
        flags = (Flag("synthetic", "fitted to synthetic data, not to a measurement"), *flags)
    return DeviceCard(
        name=name,
        model=fit.law.name,
        window=fit.window,
        ltp=_branch(fit.ltp),
        ltd=_branch(fit.ltd),
        devices=rows,
        variation=fit.variation.to_card(),
        conditions=_conditions(fit.table),
        flags=tuple(FlagRow(**flag.as_dict()) for flag in flags),
        provenance=_provenance(fit, source, synthetic),
    )
