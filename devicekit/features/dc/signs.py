"""Currents with the sign opposite to the voltage: a negative conductance, which no passive device has.

It appears in files that hold only the size of the current, or a current measured at the other terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.records import Record, column
from devicekit.features.dc.trace import each_sweep
from devicekit.features.definitions import SIDES
from devicekit.features.stats import noise_of_bends
from devicekit.tables import SweepTable

NOISES = 5.0  # standard deviations of the noise beyond which a current has a sign
OFFSETS = 3.0  # multiple of the current about 0 V beyond which it is not an offset
HOME = 0.02  # share of the largest |V| that counts as about 0 V
IN_A_ROW = 3  # consecutive readings of the wrong sign that are not chance
MOST = (
    0.5  # share of |I V| above which all readings at that sign of the voltage are taken as stored with the wrong sign
)
VARIED = 0.3  # share of the largest |V| that the range must have to separate an offset from a conductance


@dataclass(frozen=True, kw_only=True)
class Reversal(Record):
    """Readings of one sweep at one sign of the voltage whose current has the other sign."""

    device_id: str = column("device", default="")
    cycle: int = column("cycle", text=str, default=0)
    sign: int = column("voltage", text=SIDES.get, doc="sign of the voltage")
    points: int = column("readings", text=str, doc="number of such readings")
    conductance_s: float = column("G", doc="slope of I against V through the origin over these readings: negative")
    whole: bool = column(
        doc="true if most of the sweep at this sign of the voltage is affected: then the size of the current is used"
    )


def reversals(voltage: np.ndarray, current: np.ndarray) -> tuple[Reversal, ...]:
    """Return where the current of a sweep has the sign opposite to the voltage, beyond noise and offset.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,)
        Voltage [V] and current [A]; non-finite readings are ignored.
    """
    known = np.isfinite(voltage) & np.isfinite(current)
    v, i = voltage[known], current[known]
    if not (v * i < 0).any():
        return ()
    reach = float(np.abs(v).max())
    home = np.abs(v) <= HOME * reach
    noise = noise_of_bends(np.diff(i, 2)) if i.size > 4 else 0.0
    found = []
    for sign in (1, -1):
        here = (np.sign(v) == sign) & ~home
        if here.sum() < IN_A_ROW:
            continue
        x, y = np.abs(v[here]), sign * i[here]
        offset = float(np.abs(i[home]).max()) if home.any() else _offset(x, y)
        wrong = y < -(OFFSETS * offset + NOISES * noise)
        if _longest_run(wrong) < IN_A_ROW:
            continue
        power = np.abs(x * y)
        whole = bool(power[wrong].sum() > MOST * power.sum())
        g = float((x[wrong] @ y[wrong]) / (x[wrong] @ x[wrong]))
        found.append(Reversal(sign=sign, points=int(wrong.sum()), conductance_s=g, whole=whole))
    return tuple(found)


def _offset(x: np.ndarray, y: np.ndarray) -> float:
    """Return the size of the current at 0 V by a straight line [A]; 0 where the voltage varies too little."""
    if np.ptp(x) < VARIED * x.max():
        return 0.0
    slope = float((x - x.mean()) @ (y - y.mean()) / ((x - x.mean()) @ (x - x.mean())))
    return abs(float(y.mean()) - slope * float(x.mean()))


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0]))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def find_reversals(table: SweepTable) -> tuple[Reversal, ...]:
    """Return every reversal of a sweep table."""
    frame = table.frame
    suspect = frame["voltage_v"] * frame["current_a"] < 0
    found: list[Reversal] = []
    for device, cycle, part in each_sweep(frame):
        if suspect[part.index].any():
            own = reversals(part["voltage_v"].to_numpy(float), part["current_a"].to_numpy(float))
            found += [replace(each, device_id=device, cycle=cycle) for each in own]
    return tuple(found)


def correct_signs(table: SweepTable) -> SweepTable:
    """Return the table with reversed currents where one sign of the voltage is stored with the wrong sign."""
    wrong = [(each.device_id, each.cycle, float(each.sign)) for each in find_reversals(table) if each.whole]
    if not wrong:
        return table
    frame = table.frame.copy()
    keys = pd.MultiIndex.from_frame(frame[["device_id", "cycle"]].assign(sign=np.sign(frame["voltage_v"])))
    frame.loc[keys.isin(wrong), "current_a"] *= -1.0
    return replace(table, frame=frame)
