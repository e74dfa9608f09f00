"""Fitting a device: LTP and LTD in one window, every device and pulse width of a table, with the variation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from devicekit.device.card import Window
from devicekit.errors import CodedWarning, UsageError
from devicekit.fitting.branch.fit import fit_branch, refine_by_innovations
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, choose_window, trains_of
from devicekit.fitting.checks import check_window, judge_pair
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.variation.spread import estimate_variation
from devicekit.options import ReadOptions
from devicekit.tables import PulseTable


def _single_devices(
    sets: dict[str, Trains], names: list[str], window: Window, options: FitOptions
) -> dict[str, dict[str, BranchFit]]:
    devices: dict[str, dict[str, BranchFit]] = {}
    for name in names if len(names) > 1 else ():
        own = {direction: trains.of(name) for direction, trains in sets.items()}
        devices[name] = {
            direction: fit_branch(trains, window, options, with_lmfit=False)
            for direction, trains in own.items()
            if trains.values.size
        }
    return devices


def train_sets(table: PulseTable) -> tuple[dict[str, Trains], list[CodedWarning]]:
    """Trains of both directions, and what was left out."""
    warnings: list[CodedWarning] = []
    sets: dict[str, Trains] = {}
    for direction in ("ltp", "ltd"):
        trains, remarks = trains_of(table, direction)
        warnings += remarks
        if trains is not None:
            sets[direction] = trains
    return sets, warnings


def fit_condition(table: PulseTable, options: FitOptions, window: Window | None = None) -> DeviceFit:
    """Fit the trains of one pulse width; in a given window, or in the range of their own mean curves."""
    sets, warnings = train_sets(table)
    names = table.devices
    if window is None:
        scope = "range of the mean curves" + (f" of {len(names)} devices" if len(names) > 1 else "")
        window = choose_window(list(sets.values()), table.quantity, scope, options.state)
    warnings += check_window(sets, window)
    central = {direction: fit_branch(trains, window, options) for direction, trains in sets.items()}
    devices = _single_devices(sets, names, window, options)
    variation = estimate_variation(sets, central, devices)
    if options.estimator == "innovations":
        for direction, spread in variation.branches.items():
            if spread.increment:
                central[direction] = refine_by_innovations(
                    central[direction], sets[direction], spread.increment, spread.read or 0.0
                )
    warnings += judge_pair(central, sets, window)
    if all(spread.increment is None for spread in variation.branches.values()):
        warnings.append(
            CodedWarning(
                "no_variation",
                "too few cycles to tell how updates scatter: devices drawn from this fit have no C2C",
            )
        )
    return DeviceFit(
        window, options.law, central.get("ltp"), central.get("ltd"), devices, variation, table, tuple(warnings),
        options.as_settings(),
    )  # fmt: skip


def read_pulses(path: Path | str, options: ReadOptions) -> PulseTable:
    """Read a file that must hold pulse trains.

    Raises
    ------
    DevicekitError
        If the file cannot be read, or holds something else.
    """
    from devicekit.readers import read

    table = read(path, options)
    if not isinstance(table, PulseTable):
        raise UsageError(
            f"{path} holds {table.kind} data; an update law is fitted to pulse trains. If each row is a reading after "
            "a pulse, name its columns: --map read_current_a=COLUMN --read-voltage V, and --map "
            "pulse_voltage_v=COLUMN"
        )
    return table


def fit(
    table: PulseTable | Path | str,
    model: str = "eq2",
    *,
    loss: str = "linear",
    estimator: str = "mean",
    share: str | None = None,
    state: str = "linear",
    **reading: Any,
) -> DeviceFit:
    """Fit an update law to LTP and LTD trains.

    Parameters
    ----------
    table : PulseTable or path
        Pulse trains; a path is read with `devicekit.read` and the keywords of `ReadOptions`.
    model, loss, estimator, share, state
        See `FitOptions`.
    **reading
        Fields of `ReadOptions` for a path; for a table only `device`, `cycle` and `width`, which choose its rows.

    Returns
    -------
    DeviceFit
        Of the middle pulse width where the table has several; `conditions` then holds every one.

    Raises
    ------
    DevicekitError
        If the file, the table or a trace does not allow a fit.
    """
    options = FitOptions(model, loss, estimator, share, state)
    return fit_table(_pulses(table, reading), options)


def _pulses(table: PulseTable | Path | str, reading: dict[str, Any]) -> PulseTable:
    if not isinstance(table, PulseTable):
        return read_pulses(table, ReadOptions(**reading))
    late = sorted(set(reading) - {"device", "cycle", "width"})
    if late:
        raise UsageError(f"{', '.join(late)}: for reading a file, and a table has been read already; give the path")
    return table.select(**reading)


def fit_table(table: PulseTable, options: FitOptions) -> DeviceFit:
    """Fit a table as the options say (see `fit`)."""
    widths = table.widths
    if options.share == "width":
        from devicekit.fitting.widths import fit_widths

        conditions = fit_widths(table, options)
    elif len(widths) < 2:
        return fit_condition(table, options)
    else:
        conditions = tuple(fit_condition(table.select(width=width), options) for width in widths)
    return replace(conditions[len(conditions) // 2], conditions=conditions)
