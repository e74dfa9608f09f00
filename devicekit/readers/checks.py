"""Checks of every table after it is read: signs of a wrong reading that no single column shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.text import count
from devicekit.readers.sizes import LARGEST_G, LARGEST_OF_OPTION, LEAST_G, is_improbable, median_size
from devicekit.tables import EnduranceTable, PulseTable, SweepTable, Table

Check = Callable[[Table], Iterator[CodedWarning]]
OVERFLOW_G = 1e10  # S
DISTINCT = 5  # different numbers of a group from which on an identical one is a copy
FEWEST = 3  # devices, trains or cycles that show a pattern
SHARE = 0.1  # share of trains that hold one reading
SEPARATE = 0.9  # share of cycles in which one state is above the other
HALF = 0.5  # of the range of a train: a step back that is as large begins another train
JUMP = 6.0  # median steps of such a step
MAJORITY = 0.5  # share of trains that run against their names: single pulses may fail, names do not
LONG = 4  # readings of a train that shows a direction
TRENDS = 0.5  # rank correlation from which a train rises or falls
CHANCE = 2.0  # standard errors of a rank correlation
AT_LIMIT, FLAT = 0.99, 0.05  # share of the largest current at a limit, and of the largest voltage for which it stays
ZEROS = 10  # rows
EARLY = 0.1  # share of the voltage at the limit from which on the way up is judged
LEAST_RISE = 2.0  # of the conductance, before the limit, if a device sets
_GROUPS = ("device_id", "cycle", "direction", "level", "record", "pulse_width_s", "temperature_k", "compliance_a")
_COPIED = {"pulse": ("conductance_s", "weight"), "sweep": ("current_a", "voltage_v"), "retention": ("conductance_s",)}


def add_checks(table: Table, checks: Iterable[Check] = ()) -> Table:
    """Return a table with warnings about what betrays a wrong reading, by these checks or by all."""
    codes = {each.code for each in table.warnings}
    found = [warning for check in checks or _CHECKS for warning in check(table) if warning.code not in codes]
    if found:  # replace() would validate again
        object.__setattr__(table, "warnings", (*table.warnings, *found))
    return table


def _group(table: Table) -> pd.Series:
    """Return the number of each row's train, sweep or record; the level that a pulse led to divides no train."""
    keys = [name for name in _GROUPS if name in table.frame and not (name == "level" and isinstance(table, PulseTable))]
    return table.frame.groupby(keys, sort=False, dropna=False).ngroup()


def find_copies(table: Table) -> Iterator[CodedWarning]:
    """Find cycles or devices with identical numbers, and states that are the same in every cycle."""
    frame = table.frame
    names = [each for each in _COPIED.get(table.kind, ()) if each in frame]  # what is driven repeats: all of them
    if table.kind == "endurance" and len(frame):
        states = frame.groupby(["device_id", "level"], sort=False)["conductance_s"]
        same = (states.nunique() == 1) & (states.count() >= FEWEST)
        if same.any():
            device, level = map(str, same[same].index.tolist()[0])
            text = f"{level.upper()} of {device} is the same in every cycle: C2C is exactly 0"
            yield CodedWarning("repeated_data", text)
    if not names or table.marks:  # simulated cycles are equal where no noise is simulated
        return
    group = _group(table)
    place = group.groupby(group).cumcount().to_numpy(np.uint64)
    codes = sum(pd.util.hash_array(frame[name].to_numpy(float)) * (2 * place + k) for k, name in enumerate(names, 1))
    parts = pd.Series(codes).groupby(group.to_numpy()).sum()
    sizes = group.value_counts(sort=False).sort_index()
    copies = pd.DataFrame({"sum": parts, "size": sizes}).duplicated()
    if not copies.any():
        return
    copied = group.isin(copies.index[copies])
    distinct = frame.loc[copied, names].groupby(group[copied]).nunique().max(axis=1)
    number = int((distinct >= DISTINCT).sum())
    if not number:
        return
    first = frame.loc[group[group == distinct.index[distinct >= DISTINCT][0]].index[0]]
    what = " ".join(f"{key} {first[key]}" for key in ("cycle", "direction") if key in frame)
    text = f"{number} of {len(parts)} records repeat the numbers of another, first {first['device_id']} {what}"
    if number == len(parts) - 1:
        text = f"all {len(parts)} records hold the same numbers: C2C and D2D are exactly 0"
    yield CodedWarning("repeated_data", text)


def check_conductance(table: Table) -> Iterator[CodedWarning]:
    """Find a conductance that no device has, as of a wrong unit."""
    frame = table.frame
    if table.kind == "sweep":
        v = frame["voltage_v"].abs()
        large = v > 0.5 * v.max()
        values = frame.loc[large, "current_a"].abs() / v[large]
    elif "conductance_s" in frame:
        values = frame["conductance_s"]
    else:
        return
    layout = table.meta.get("layout")
    given = layout is not None and layout.options.unit is not None
    median = median_size(values)
    if is_improbable(median, given) and np.isfinite(median):
        most = LARGEST_OF_OPTION if given else LARGEST_G
        text = f"the median conductance is {median:.3g} S, outside {LEAST_G:g} to {most:g} S"
        yield CodedWarning("suspect_unit", text)
    elif number := int((values > OVERFLOW_G).sum()):
        text = f"{count(number, 'reading')} above {OVERFLOW_G:g} S, as of an overflow code of the instrument"
        yield CodedWarning("suspect_unit", text)


def states(table: PulseTable) -> pd.Series:
    """Return the states of a table of pulses: conductances [S], or weights."""
    return table.frame["conductance_s" if "conductance_s" in table.frame else "weight"]


def find_trends(table: PulseTable) -> pd.DataFrame:
    """Return the trend of each train of four readings or more.

    Returns
    -------
    pandas.DataFrame
        sign (1 for LTP, -1 for LTD), size (readings), and along: the rank correlation of state and pulse number, 1
        where the states move as the direction says.
    """
    frame, values = table.frame, states(table)
    known = values.notna().to_numpy()
    values, pulses, train = values[known], frame["pulse_index"][known], _group(table)[known]
    ranks = pd.DataFrame({"train": train, "x": pulses.groupby(train).rank(), "y": values.groupby(train).rank()})
    mean = ranks.groupby("train")[["x", "y"]].transform("mean")
    dx, dy = ranks["x"] - mean["x"], ranks["y"] - mean["y"]
    sums = pd.DataFrame({"xy": dx * dy, "xx": dx**2, "yy": dy**2}).groupby(train).sum()
    size = train.value_counts().reindex(sums.index)
    sign = np.where(frame["direction"][known].groupby(train).first() == "ltp", 1.0, -1.0)
    spread = (sums["xx"] * sums["yy"]) ** 0.5
    along = sign * sums["xy"] / spread.where(spread > 0)
    found = pd.DataFrame({"sign": sign, "size": size, "along": along})
    return found[(size >= LONG) & along.notna()]


def check_directions(table: Table) -> Iterator[CodedWarning]:
    """Find trains that fall though they are named LTP, or rise though they are named LTD."""
    if not isinstance(table, PulseTable):
        return
    trends = find_trends(table)
    against = (trends["along"] < -TRENDS) & (trends["along"] * np.sqrt(trends["size"] - 1) < -CHANCE)
    sign = trends["sign"]
    for way, name in ((1.0, "LTP"), (-1.0, "LTD")):
        number, total = int(against[sign == way].sum()), int((sign == way).sum())
        if number > MAJORITY * total:
            verb = "fall" if way > 0 else "rise"
            yield CodedWarning(
                "against_name", f"{number} of {count(total, f'{name} train')} {verb} from first to last reading"
            )


def check_division(table: Table) -> Iterator[CodedWarning]:
    """Find trains that are divided at wrong places: they jump back inside, or begin where the one before ended."""
    if not isinstance(table, PulseTable):
        return
    frame, values = table.frame, states(table)
    train = _group(table)
    trains = values.groupby(train)
    sign = np.where(frame["direction"].groupby(train).first() == "ltp", 1.0, -1.0)
    steps = trains.diff()
    usual = steps.abs().groupby(train).median()
    extent = trains.max() - trains.min()
    back = -(steps * np.asarray(sign)[train.to_numpy()]).groupby(train).min()
    jumps = (back > HALF * extent) & (back > JUMP * usual)
    ends = pd.DataFrame({"first": trains.first(), "last": trains.last(), "extent": extent, "usual": usual})
    keys = [name for name in _GROUPS if name in frame and name not in ("cycle", "level")]
    before = ends.groupby([frame[name].groupby(train).first() for name in keys], sort=False, dropna=False).shift()
    goes_on = (ends["first"] - before["last"]).abs() <= 2 * usual
    goes_on &= (ends["first"] - before["first"]).abs() > HALF * before["extent"]
    long = trains.count() >= LONG
    wrong = (jumps | goes_on) & long
    if int(wrong.sum()) >= max(2.0, MAJORITY * int(long.sum())):
        text = f"{int(wrong.sum())} of {count(int(long.sum()), 'train')} jump back, or begin where the one before ended"
        yield CodedWarning("misdivided", text)


def check_levels(table: Table) -> Iterator[CodedWarning]:
    """Find an endurance table whose HRS conducts more than its LRS."""
    share = share_above(table) if isinstance(table, EnduranceTable) else None
    if share is not None and share <= 1 - SEPARATE:
        text = f"HRS conducts more than LRS in {100 * (1 - share):.0f} % of the cycles: the names may be swapped"
        yield CodedWarning("swapped_levels", text)


def share_above(table: EnduranceTable) -> float | None:
    """Return the share of the cycles with both states in which LRS conducts more; None with fewer than two cycles."""
    frame = table.frame
    wide = frame.pivot_table(index=["device_id", "cycle"], columns="level", values="conductance_s").dropna()
    if not {"hrs", "lrs"} <= set(wide) or len(wide) < 2:
        return None
    return float((wide["lrs"] > wide["hrs"]).mean())


def check_sizes(table: Table) -> Iterator[CodedWarning]:
    """Find trains of one reading, and devices of one row."""
    frame = table.frame
    devices = frame["device_id"].nunique()
    if devices == len(frame) >= FEWEST:
        yield CodedWarning("row_devices", f"{devices} devices in as many rows")
    elif isinstance(table, PulseTable):
        sizes = _group(table).value_counts()
        single = int((sizes == 1).sum())
        if single > SHARE * len(sizes):
            yield CodedWarning(
                "single_readings", f"{single} of {count(len(sizes), 'train')} hold one reading, thus no pulse"
            )


def check_limits(table: Table) -> Iterator[CodedWarning]:
    """Find sweeps whose current rises to its limit as that of a resistor does."""
    if table.kind != "sweep" or "third_voltage_v" in table.frame:
        return
    sweep = _group(table).to_numpy()
    v, i = table.frame["voltage_v"].to_numpy(float), np.abs(table.frame["current_a"].to_numpy(float))
    rows = pd.DataFrame({"sweep": sweep, "row": np.arange(v.size), "volts": np.abs(v), "side": np.sign(v), "amps": i})
    most = rows.groupby("sweep")[["volts", "amps"]].max()
    high = rows[(i >= AT_LIMIT * most["amps"].to_numpy()[sweep]) & (i > 0)].groupby("sweep")
    start = high.first().reindex(most.index)  # where the limit is reached
    limited = high["volts"].max().reindex(most.index) - start["volts"] > FLAT * most["volts"]
    if not limited.any():
        return
    at = start.iloc[sweep].reset_index(drop=True)
    near = (rows["volts"] >= EARLY * at["volts"]) & (rows["volts"] <= at["volts"]) & (rows["volts"] > 0)
    way = rows[near & (rows["row"] <= at["row"]) & (rows["side"] == at["side"])]
    g = (way["amps"] / way["volts"]).groupby(way["sweep"])
    ohmic = limited & (g.max() < LEAST_RISE * g.min()).reindex(most.index, fill_value=False)
    if 2 * int(ohmic.sum()) > int(limited.sum()):
        text = (
            f"{int(ohmic.sum())} of {count(int(limited.sum()), 'sweep')} with a current limit reach it without a jump"
        )
        yield CodedWarning("limit_without_jump", text)


OF_NAMES: tuple[Check, ...] = (
    check_conductance,
    check_directions,
    check_levels,
    check_sizes,
)  # what contradicts names and units


def check_zeros(table: Table) -> Iterator[CodedWarning]:
    """Find sweeps that hold many currents of exactly 0 in a row, at voltages that change."""
    if not isinstance(table, SweepTable) or table.marks:
        return
    frame = table.frame
    group = _group(table)
    zero = (frame["current_a"] == 0) & (frame["voltage_v"] != 0)
    run = (zero != zero.shift()).cumsum().astype(str) + "_" + group.astype(str)
    longest = zero.groupby(run).sum()
    inside = zero.groupby(group).mean()
    if int(longest.max()) < ZEROS or not bool((inside[inside > 0] < 1).any()):
        return
    number = int(zero.groupby(run).transform("sum").ge(ZEROS).sum())
    yield CodedWarning("exact_zeros", f"{number} currents in runs of {ZEROS} rows or more are exactly 0")


_CHECKS: tuple[Check, ...] = (check_zeros, find_copies, *OF_NAMES, check_division, check_limits)
