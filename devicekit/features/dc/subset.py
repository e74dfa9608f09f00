"""Selection of the sweeps for DC figures of merit: those that switched, unless they are a minority.

Medians, first page and pictures use the same sweeps. A quantity that fewer than one in ten sweeps or devices have is
not representative and has no median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.records import Record, column
from devicekit.core.text import count, listed
from devicekit.features.definitions import COUNTED, OUTCOMES, V_FORM
from devicekit.features.stats import Spread, label_of

LEAST_SHARE = 0.1  # share of the sweeps, or of the devices, below which they are a minority


@dataclass(frozen=True, kw_only=True)
class Minority(Record):
    """Quantity that only a minority has."""

    quantity: str = column(doc='name of the quantity; "" for switching as a whole')
    n: int = column(doc="sweeps that have it")
    n_devices: int = column(doc="devices that have it")


def is_minority(values: pd.DataFrame, cycles: pd.DataFrame) -> bool:
    """Return whether some sweeps are a minority of all sweeps, or of the devices; no sweep is not a minority."""
    devices = values["device_id"].nunique(), cycles["device_id"].nunique()
    return bool(len(values)) and (
        len(values) < LEAST_SHARE * len(cycles) or (devices[0] < LEAST_SHARE * devices[1] and devices[1] > 1)
    )


def counted_sweeps(cycles: pd.DataFrame, forming: int | None = None) -> pd.DataFrame:
    """Return the sweeps that switched, without a forming; none where they are a minority."""
    if V_FORM.name in cycles:
        cycles = cycles[cycles[V_FORM.name].isna() & (cycles["cycle"] != forming)]
    rows = cycles[cycles["outcome"].isin(COUNTED)]
    return rows.iloc[:0] if is_minority(rows, cycles) else rows


def find_minorities(cycles: pd.DataFrame, spreads: Sequence[Spread]) -> tuple[Minority, ...]:
    """Return the switching as a whole if a minority has it, else the quantities of `spreads` that a minority has.

    Parameters
    ----------
    cycles : pandas.DataFrame
        Fields of `devicekit.features.dc.sweeps.Figures`, one row per sweep.
    spreads : sequence of Spread
        Spreads of the sweeps that switched.
    """
    rows = cycles[cycles["outcome"].isin(COUNTED)]
    if is_minority(rows, cycles):
        return (Minority(quantity="", n=len(rows), n_devices=int(rows["device_id"].nunique())),)
    known = {each: rows[np.isfinite(rows[each.quantity].to_numpy(float))] for each in spreads}
    return tuple(
        Minority(quantity=each.quantity, n=each.n, n_devices=each.n_devices)
        for each, own in known.items()
        if is_minority(own, cycles)
    )


def shown_sweeps(cycles: pd.DataFrame) -> pd.DataFrame:
    """Return the sweeps of the pictures: those of the medians, or all of them without medians."""
    rows = counted_sweeps(cycles)
    return rows if len(rows) else cycles


def shown_text(cycles: pd.DataFrame) -> str:
    """Return which sweeps are shown: "95 of 100 sweeps (90 switched, 5 at the limit)"; "" if it is all of them."""
    if not (number := shown_count(cycles)):
        return ""
    outcomes = shown_sweeps(cycles)["outcome"].value_counts()
    parts = ", ".join(f"{int(n)} {OUTCOMES[str(name)]}" for name, n in outcomes.items())
    return f"{number} ({parts})"


def shown_count(cycles: pd.DataFrame) -> str:
    """Return how many sweeps are shown: "95 of 100 sweeps"; "" if it is all of them."""
    rows = shown_sweeps(cycles)
    return "" if len(rows) == len(cycles) else f"{len(rows)} of {count(len(cycles), 'sweep')}"


def minority_text(left_out: Sequence[Minority], cycles: pd.DataFrame) -> list[str]:
    """Return what only a minority has, and that it has no median."""
    devices = int(cycles["device_id"].nunique())
    of = f" of {count(devices, 'device')}" if devices > 1 else ""
    whole = next((each for each in left_out if not each.quantity), None)
    if whole is not None:
        where = f", on {whole.n_devices}{of}" if of else ""
        return [
            f"Only {whole.n} of {count(len(cycles), 'sweep')} {'seems' if whole.n == 1 else 'seem'} to switch{where}. "
            "Fewer than one in ten are not representative; no median, spread or polarity is given."
        ]
    if not left_out:
        return []
    parts = [f"{label_of(each.quantity)} of {each.n}" for each in left_out]
    return [
        f"Only {listed(parts)} of {count(len(cycles), 'sweep')}: fewer than one in ten sweeps or devices, so no median "
        "is given."
    ]


def warnings(left_out: Sequence[Minority], cycles: pd.DataFrame) -> tuple[CodedWarning, ...]:
    """Return the sentences of `minority_text` as warnings."""
    return tuple(CodedWarning("minority", each.removesuffix(".")) for each in minority_text(left_out, cycles))
