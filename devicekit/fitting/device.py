"""Fit of a device: LTP and LTD in one window, every device and pulse width of a table, with the variation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from devicekit.core.errors import CodedWarning, TableError, UsageError
from devicekit.core.text import si
from devicekit.fitting.amplitudes import fit_amplitudes
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.programmes import warn_of_several_amplitudes
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.widths import fit_widths
from devicekit.system.commands import call, non_default
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable, Table

MOST_NAMED = 4  # files in a message


def read_pulses(path: Path | str | pd.DataFrame | Sequence[Path | str], options: ReadOptions) -> PulseTable:
    """Read a file, several files or a frame in memory, which must hold pulse trains.

    Raises
    ------
    DevicekitError
        If the file cannot be read, or holds something else.
    """
    from devicekit.readers import read

    table = read(path, options, expected="pulse")
    if not isinstance(table, PulseTable):
        raise UsageError(_other_kind(table, path, options))
    return table


def _other_kind(table: Table, path: Any, options: ReadOptions) -> str:
    """Return the message of a file that holds something else than pulse trains, with the call that takes it."""
    given = non_default(options)
    if isinstance(path, (str, Path)):
        way = call("devicekit.characterize", repr(str(path)), **given)
    elif isinstance(path, pd.DataFrame) or len(path) > MOST_NAMED:
        way = call("devicekit.characterize", "FILE", **given)
    else:
        way = f"devicekit.characterize({call('devicekit.read', repr([str(each) for each in path]), **given)})"
    source = table.meta["source"] if isinstance(path, (str, Path)) else "The data"
    holds = f"{source} {'holds' if source != 'The data' else 'are'} {table.contents}"
    if table.kind not in ("sweep", "record"):
        return f"{holds}: {way}"
    columns = "map={read_current_a: COLUMN, pulse_voltage_v: COLUMN} and read_voltage=V"
    return f"{holds}{f': {way}' * (table.kind == 'sweep')}\nIf each row is a reading after a pulse: {columns}"


def fit(
    table: PulseTable | pd.DataFrame | Path | str | Sequence[Path | str],
    model: str = "eq2",
    *,
    loss: str = "linear",
    estimator: str = "auto",
    share: str | None = None,
    state: str = "linear",
    **reading: Any,
) -> DeviceFit:
    """Fit an update law to LTP and LTD trains.

    Parameters
    ----------
    table : PulseTable, pandas.DataFrame, path-like or sequence of path-like
        Pulse trains; a path, several of them or a frame is read with `devicekit.read` and the keywords of
        `ReadOptions`.
    model, loss, estimator, share, state
        See `FitOptions`.
    **reading
        Fields of `ReadOptions` for a path or a frame; for a table only `device`, `cycle` and `width`, which
        choose its rows.

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
    return fit_table(_read_table(table, **reading), options)


def _read_table(table: PulseTable | pd.DataFrame | Path | str | Sequence[Path | str], **reading: Any) -> PulseTable:
    if not isinstance(table, PulseTable):
        return read_pulses(table, ReadOptions.of(**reading))
    late = sorted(set(reading) - {"device", "cycle", "width"})
    if late:
        raise UsageError(f"{', '.join(late)}: these options apply to reading a file, not to a table. Give the path")
    return table.select(**reading)


def _with_width_law(conditions: tuple[DeviceFit, ...], table: PulseTable, options: FitOptions) -> tuple[DeviceFit, ...]:
    """Return the fits of all widths with the law of the width, if the pulses differ in nothing else."""
    if any(len(sizes) > 1 for sizes in table.amplitudes.values()):
        return conditions
    law = pulse_law(table, options, conditions[0].window, needed=False)
    if law is None:
        return conditions
    return tuple(replace(each, pulse_law=law, own_warnings=(*each.own_warnings, *law.warnings)) for each in conditions)


def fit_table(table: PulseTable, options: FitOptions) -> DeviceFit:
    """Fit a table with given options (see `fit`)."""
    if options.share in ("amplitude", "both"):
        return fit_amplitudes(table, options)
    mixed = warn_of_several_amplitudes(table)
    if options.share == "width":
        conditions = _with_width_law(fit_widths(table, options), table, options)
    elif table.has_one_width:
        return _add_warning(fit_condition(table, options), mixed)
    else:
        conditions = tuple(fit_condition(_select_width(table, width), options) for width in table.widths)
    conditions = tuple(_add_warning(each, mixed) for each in conditions)
    return replace(conditions[len(conditions) // 2], conditions=conditions)


def _select_width(table: PulseTable, width: float) -> PulseTable:
    """Return the trains of a pulse width [s]; LTP of one device must not be paired with LTD of another."""
    part = table.select(width=width)
    directions = part.frame.groupby("device_id")["direction"].nunique()
    if part.frame["direction"].nunique() > 1 and directions.max() < 2:
        raise TableError(
            f"no device has both LTP and LTD trains of {si(width, 's')} pulses, because devices differ in their "
            "widths. Fit them one by one with device="
        )
    return part


def _add_warning(fitted: DeviceFit, warning: CodedWarning | None) -> DeviceFit:
    return fitted if warning is None else replace(fitted, own_warnings=(*fitted.own_warnings, warning))
