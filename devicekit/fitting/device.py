"""Fit of a device: LTP and LTD in one window, every device and pulse width of a table, with the variation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.calls import called_as
from devicekit.core.errors import CodedWarning, TableError, UsageError
from devicekit.core.text import si
from devicekit.fitting.amplitudes import fit_amplitudes
from devicekit.fitting.arrays import is_nameless, refuse_nameless, trains_frame
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.programmes import warn_of_several_amplitudes
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.widths import fit_widths
from devicekit.system.commands import call, non_default
from devicekit.system.options import ReadOptions, check_keywords
from devicekit.tables import PulseTable, Table
from devicekit.tables.base import ValidTable

MOST_NAMED = 4  # files in a message
Data = PulseTable | pd.DataFrame | Mapping[str, Any] | np.ndarray | Path | str | Sequence[Any]


def read_pulses(path: Data, options: ReadOptions) -> PulseTable:
    """Read a file, several files or data in memory, which must hold pulse trains.

    Raises DevicekitError if the file cannot be read, or holds something else.
    """
    from devicekit.readers import read

    table = path if isinstance(path, ValidTable) else read(path, options, expected="pulse")
    if not isinstance(table, PulseTable):
        raise UsageError(_other_kind(table, path, options))
    return table


def _other_kind(table: Table, path: Any, options: ReadOptions) -> str:
    """Return the message of a file that holds something else than pulse trains, with the call that takes it."""
    given = non_default(options)
    if isinstance(path, (str, Path)):
        way = call("devicekit.characterize", repr(str(path)), **given)
    elif not isinstance(path, list | tuple) or len(path) > MOST_NAMED:
        way = call("devicekit.characterize", "FILE", **given)
    else:
        way = f"devicekit.characterize({call('devicekit.read', repr([str(each) for each in path]), **given)})"
    source = table.meta["source"] if isinstance(path, (str, Path)) else "The data"
    holds = f"{source} {'holds' if source != 'The data' else 'are'} {table.contents}"
    if table.kind not in ("sweep", "record"):
        return f"{holds}: {way}"
    columns = "map={read_current_a: COLUMN, pulse_voltage_v: COLUMN} and read_voltage=V"
    return f"{holds}{f': {way}' * (table.kind == 'sweep')}\nIf each row is a reading after a pulse: {columns}"


@called_as("devicekit.fit('trains.csv')")
def fit(
    table: Data | None = None,
    model: str = "eq2",
    *,
    ltp: Any = None,
    ltd: Any = None,
    loss: str = "linear",
    estimator: str = "auto",
    share: str | None = None,
    state: str = "linear",
    fix: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    **reading: Any,
) -> DeviceFit:
    """Fit an update law to LTP and LTD trains.

    Parameters
    ----------
    table : PulseTable, path-like, sequence of path-like, or data in memory, optional
        Pulse trains; paths, a frame or a mapping of names to columns are read with `devicekit.read` and the keywords of
        `ReadOptions`.
    model, loss, estimator, share, state
        See `FitOptions`.
    fix : mapping of str to float, optional
        Coefficients at a given value, as the fit prints them: ``{"ltp.a": 0.3}``; without a branch, of both.
    bounds : mapping of str to (float, float), optional
        Limits of coefficients: ``{"ltp.a": (0, 1)}``. See `FitOptions` for the names.
    ltp, ltd : array-like, shape (N + 1,) or (cycles, N + 1), optional
        Trains instead of a table: the reading before the first pulse, then one after each. They need ``unit="uS"`` or
        another unit [of G, of I with ``read_voltage`` in V, or of R], or ``unit="1"`` for weights.
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

    Examples
    --------
    >>> import devicekit
    >>> import numpy as np
    >>> n = np.arange(41)
    >>> fit = devicekit.fit(ltp=10 + 20 * (1 - np.exp(-n / 12)), ltd=10 + 20 * np.exp(-n / 9), unit="uS")
    >>> round(float(fit.predict(12).value[0]) * 1e6, 1)
    22.6
    """
    check_keywords("devicekit.fit", reading, *_OWN)
    for name, each in (("fix", fix), ("bounds", bounds)):
        if not isinstance(each, Mapping | None):
            raise UsageError(f"{name}= takes coefficients by name, such as {{'ltp.d': 1.0}}, not {each!r:.40}.")
    options = FitOptions(model, loss, estimator, share, state, dict(fix or {}), dict(bounds or {}))
    return fit_table(_read_table(table, {"ltp": ltp, "ltd": ltd}, **reading), options)


_OWN = (
    "model",
    "loss",
    "estimator",
    "share",
    "state",
    "fix",
    "bounds",
    "ltp",
    "ltd",
)  # keywords that are not reading options


def _read_table(table: Data | None, arrays: Mapping[str, Any], **reading: Any) -> PulseTable:
    trains = {name: given for name, given in arrays.items() if given is not None}
    if (table is None) == (not trains):
        raise UsageError("devicekit.fit takes a file or a table, or trains by ltp= and ltd=: give one of them.")
    if table is None:
        return read_pulses(trains_frame(trains, reading), ReadOptions.of(**reading))
    if is_nameless(table):
        refuse_nameless(reading)
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
