"""Voltage sweeps: current against voltage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, CodedWarning, TableError
from devicekit.core.text import count
from devicekit.readers.borders import Borders, describe_borders, find_swept, split_sweeps
from devicekit.readers.cells import parse_whole_numbers
from devicekit.readers.layout import KEPT, Column
from devicekit.readers.layouts import labels, unnamed_columns
from devicekit.readers.layouts.constants import is_named_sweep
from devicekit.readers.layouts.view import Claim, View
from devicekit.readers.questions import ask
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import SweepTable

NAME = "sweep"
TITLE = "voltage sweeps (current against voltage)"
VALUES = frozenset({"current_a"})
NEEDS = (("voltage_v", "current_a"),)
BARE = {"unit": "A"}  # options to add to kind where columns have no names
JUMPS = 16  # steps of a sweep from which on its order is checked
FEWEST_HELD = 3  # rows at one voltage that are no sweep
ALIKE = 3.0  # ratio of the largest voltages of loops without names
SMALL = 0.1  # A/V: largest current of such a loop over its largest voltage


def claim(view: View) -> Claim | None:
    """Claim a voltage that changes and a current."""
    quantity = view.options.stated_quantity
    if _find_pairs(view) and quantity in (None, "current"):
        return Claim(1, "columns without names: voltages and currents alternate over one range")
    if _find_pair(view) is not None and quantity in (None, "current"):
        volts, amps = _find_pair(view) or ("", "")
        return Claim(1, f"columns without names: {amps} is a current if {volts} is a voltage")
    if view.of("voltage_v") and not view.of("current_a") and view.unknown and quantity in (None, "current"):
        return Claim(2 if quantity == "current" else 1, "a voltage that changes and numbers that may be currents")
    states = view.of("conductance_s", "resistance_before_ohm", "weight") and view.of("pulse_index")
    if not view.sweeps or ((states or _is_held(view)) and view.options.kind != NAME):
        return None
    pulses = view.of("pulse_index", "pulse_voltage_v") or view.words("direction") & {"ltp", "ltd", "potentiation"}
    return Claim(1 if pulses or view.few_voltages else 2, "a voltage that changes and a current")


def _is_held(view: View) -> bool:
    """Return whether one voltage is held: a current in time, retention, or reads after pulses."""
    if any(is_named_sweep(column, view.columns) for column in view.of("voltage_v")):
        return False
    volts = [view.numbers(column.name) for column in view.of("voltage_v")]
    return all(v is not None and v.nunique() == 1 and len(v) > FEWEST_HELD for v in volts)


def _find_pair(view: View) -> tuple[str, str] | None:
    """Find two unnamed columns that can be voltage and current: their signs agree where neither is small."""
    others = [column for column in view.columns if column.role not in ("unknown", "counter") and not _is_label(column)]
    if view.cells.block.named or others:
        return None
    if (
        view.options.kind == NAME and len(view.columns) == 3 and unnamed_columns.find_axis(view) is not None
    ):  # a time, or the number of the point
        return view.columns[1].name, view.columns[2].name
    numbers = view.of("unknown", "counter") if view.options.kind == NAME else view.unknown
    if view.options.kind == NAME and len(numbers) > 2:
        numbers = view.unknown
    if len(numbers) != 2:
        return None
    if view.options.kind == NAME:
        return numbers[0].name, numbers[1].name
    first, second = (view.numbers(column.name) for column in view.unknown)
    if first is None or second is None:
        return None
    v, i = first.to_numpy(float), second.to_numpy(float)
    known = np.isfinite(v) & np.isfinite(i)
    v, i = v[known], i[known]
    large = (np.abs(v) > 0.05 * np.abs(v).max(initial=0.0)) & (np.abs(i) > 0.05 * np.abs(i).max(initial=0.0))
    both = large.sum() >= 4 and (v[large] < 0).any() and (v[large] > 0).any()
    if not both or (np.sign(v[large]) == np.sign(i[large])).mean() < 0.9:
        return None
    return view.unknown[0].name, view.unknown[1].name


def _is_label(column: Column) -> bool:
    """Return whether an option or a recipe makes a column one of devices or cycles, or keeps it."""
    return column.is_explicit and column.role in ("device_id", "cycle", KEPT)


def _find_pairs(view: View) -> list[tuple[str, str]]:
    """Find unnamed columns voltage, current, voltage, current, ... of one range, if the kind is given."""
    names = [column.name for column in view.columns]
    if view.cells.block.named or view.options.kind != NAME or len(names) < 4 or len(names) % 2:
        return []
    if any(column.role not in ("unknown", "counter", "keep", "ignore") for column in view.columns):
        return []
    pairs = list(zip(names[::2], names[1::2], strict=True))
    return pairs if _are_loops(pairs, view) else []


def _are_loops(pairs: Sequence[tuple[str, str]], view: View) -> bool:
    """Return whether pairs of columns can be voltages of one range, or of about one size, beside small currents."""
    volts, amps = ([view.numbers(pair[k]) for pair in pairs] for k in (0, 1))
    if any(each is None or not each.notna().any() for each in (*volts, *amps)):
        return False
    ends = {(round(float(v.min()), 3), round(float(v.max()), 3)) for v in volts if v is not None}
    if len(ends) == 1:
        return next(iter(ends))[0] != next(iter(ends))[1]
    peaks, currents = ([float(each.abs().max()) for each in found if each is not None] for found in (volts, amps))
    varied = all(v is not None and v.nunique() > JUMPS for v in volts)
    return varied and max(peaks) < ALIKE * min(peaks) and max(currents) < SMALL * min(peaks)


def _ask_other_loops(view: View) -> None:
    """Ask whether columns without names beside a mapped voltage and current are further loops.

    Raises
    ------
    QuestionError
    """
    rest = [column.name for column in view.columns if not column.is_explicit]
    mapped = {column.role: column.name for column in view.columns if column.is_explicit}
    if view.cells.block.named or view.options.blocks or set(mapped) != {"voltage_v", "current_a"} or len(rest) % 2:
        return
    pairs = [(mapped["voltage_v"], mapped["current_a"]), *zip(rest[::2], rest[1::2], strict=True)]
    if len(pairs) > 1 and _are_loops(pairs, view):
        raise ask(
            view.where,
            f"are {', '.join(rest[:8])} further loops beside {pairs[0][0]} and {pairs[0][1]}?",
            (
                Choice.of("yes, each pair of columns is a cycle of one device (C2C)", blocks="2", columns_are="cycles"),
                Choice.of("yes, each pair of columns is a device (D2D)", blocks="2", columns_are="devices"),
                Choice.of("no, they are kept without using them", blocks="none"),
            ),
        )


def assign(view: View) -> list[Column]:
    """Assign the roles of sweeps: counters number the points, other states are kept; ask what labels mean."""
    _ask_other_loops(view)
    return labels.check_labels(view, _assign_roles(view))


def _assign_roles(view: View) -> list[Column]:
    if several := _find_pairs(view):
        roles = {name: role for pair in several for name, role in zip(pair, ("voltage_v", "current_a"), strict=True)}
        return [view.change(column, role=roles[column.name], why="by its place") for column in view.columns]
    if (pair := _find_pair(view)) is not None:
        roles = dict(zip(pair, ("voltage_v", "current_a"), strict=True))
        first = unnamed_columns.find_axis(view)
        if first is not None and first.name not in roles:
            roles[first.name] = "point" if first.role == "counter" else KEPT
        roles = {column.name: "point" for column in view.of("counter")} | roles
        return [
            view.change(column, role=roles[column.name], why="by its place") if column.name in roles else column
            for column in view.columns
        ]
    found = []
    for column in view.columns:
        if column.role == "unknown" and view.of("voltage_v") and not view.of("current_a"):
            column = view.change(column, role="current_a", why="numbers beside a voltage")
        elif column.role in ("counter", "pulse_index") and not view.of("point"):
            column = view.change(column, role="point" if view.is_counter(column.name) else "keep")
        elif column.role in ("conductance_s", "resistance_ohm", "weight", "value", "unknown", "direction", "level"):
            column = view.change(column, role="keep")
        found.append(column)
    return found


def build(frame: pd.DataFrame, options: ReadOptions, source: Source, warnings: Sequence[CodedWarning]) -> SweepTable:
    """Build the table from rows under devicekit's column names; number the sweeps of each device."""
    del options
    name = source.path.name
    found = list(warnings)
    frame = frame[frame["voltage_v"].notna() | frame["current_a"].notna()]
    if not len(frame) or frame["current_a"].isna().all() or frame["voltage_v"].isna().all():
        raise TableError(f"{name}: no row holds a voltage and a current. Check that each name is above its numbers.")
    without = frame["voltage_v"].isna() & frame["current_a"].notna()
    if 2 * int(without.sum()) > len(frame):
        raise TableError(
            f"{name}: {int(without.sum())} of {len(frame)} currents have no voltage. Name the columns that belong "
            "together with map={voltage_v: COLUMN, current_a: COLUMN}"
        )
    frame = _sort_points(frame, name, found)
    swept = find_swept(frame, name, found)
    _check_order(frame, name, swept)
    if "cycle" in frame and not _hides_cycles(frame, swept):
        borders = describe_borders(["stated"], frame.groupby(["device_id", "cycle"], sort=False).size().to_numpy())
    else:
        frame, borders = _number_cycles(frame, name, found, swept)
    frame = _restore_sign(frame, name, found)
    if "point" not in frame:
        frame["point"] = frame.groupby(["device_id", "cycle"], sort=False).cumcount()
    for column in ("cycle", "point"):
        frame[column] = parse_whole_numbers(frame, column, name)
    frame["device_id"] = frame["device_id"].astype(str)
    frame = frame.drop(columns=["_part", "_gate", "_step"], errors="ignore")
    return SweepTable(frame, {"format": "table", "source": name, "borders": borders}, tuple(found))


def _hides_cycles(frame: pd.DataFrame, swept: str) -> bool:
    """Return whether one number of a cycle stands beside several sweeps, as where it counts runs of the instrument."""
    if frame["cycle"].nunique() > 1 or "_part" in frame:
        return False
    found = [split_sweeps(v.to_numpy(float)) for _, v in frame.groupby("device_id", sort=False)[swept]]
    return all(way == "agreed" and number[-1] > 1 for number, way in found)


def _check_order(frame: pd.DataFrame, name: str, swept: str) -> None:
    """Refuse voltages (or swept currents) that jump back and forth: the rows are not in the order of a sweep.

    Raises
    ------
    TableError
    """
    for _, part in frame.groupby([key for key in ("device_id", "cycle", "_part") if key in frame], sort=False):
        steps = np.diff(part[swept].dropna().to_numpy(float))
        steps = steps[steps != 0]
        if steps.size < JUMPS or np.median(np.abs(steps)) < 0.1 * np.ptp(part[swept].dropna()):
            continue
        if (steps[1:] * steps[:-1] < 0).mean() > 0.4:
            raise TableError(
                f"{name}: the voltage jumps back and forth between rows, so they are not in the order of measurement. "
                "Sort the rows, or name the column that numbers them: map={point: COLUMN}"
            )


def _sort_points(frame: pd.DataFrame, name: str, warnings: list[CodedWarning]) -> pd.DataFrame:
    """Sort rows by their point numbers, where these count within a sweep."""
    if "point" not in frame:
        return frame
    keys = [key for key in ("device_id", "cycle", "_part") if key in frame]
    points = frame["point"].to_numpy()
    if (np.diff(points) > 0).all():
        return frame
    if frame.duplicated([*keys, "point"]).any():
        if "cycle" in keys:
            return frame
        # without a column of cycles, the number restarts with every sweep: the rows are in order
        return frame
    ordered = frame.sort_values([*keys, "point"], kind="stable")
    if (ordered.index != frame.index).any():
        warnings.append(CodedWarning("split", f"{name}: rows sorted by their point numbers"))
    return ordered.reset_index(drop=True)


def _number_cycles(
    frame: pd.DataFrame, name: str, warnings: list[CodedWarning], swept: str
) -> tuple[pd.DataFrame, Borders]:
    """Number the sweeps of each device from 1, through all parts."""
    keys = ["device_id", *(["_part"] if "_part" in frame else [])]
    if "third_voltage_v" in frame:  # each of its steps begins a curve
        frame = frame.assign(_step=(frame["third_voltage_v"] != frame["third_voltage_v"].shift()).cumsum())
        keys.append("_step")
    number, found, before = pd.Series(0, frame.index), [], dict[object, int]()
    for key, rows in frame.groupby(keys, sort=False)[swept]:
        within, way = split_sweeps(rows.to_numpy(float))
        number[rows.index] = within + before.get(key[0], 0)
        before[key[0]] = before.get(key[0], 0) + int(within[-1])
        found.append(way)
    frame = frame.assign(cycle=number)
    borders = describe_borders(found, frame.groupby(["device_id", "cycle"], sort=False).size().to_numpy())
    noun = "voltage" if swept == "voltage_v" else "current"
    if borders.cycles > len(found) or len(found) == len(before):
        words = f"{count(borders.cycles, 'sweep')} counted, a new one each time the {noun} leaves its first value"
        warnings.append(CodedWarning("split", f"{name}: {words}: {borders.points}"))
    return frame, borders


def _restore_sign(frame: pd.DataFrame, name: str, warnings: list[CodedWarning]) -> pd.DataFrame:
    """Give current magnitudes the sign of the voltage, where only voltages have both signs."""
    v, i = frame["voltage_v"].to_numpy(float), frame["current_a"].to_numpy(float)
    positive = np.nanmin(i, initial=np.inf) >= 0
    if {"_gate", "third_voltage_v"} & set(frame) or not positive or not ((v < 0).any() and (v > 0).any()):
        return frame  # a drain current need not follow the sign of the gate voltage
    at = (v < 0) & (i > 0)
    if not at.any():
        return frame
    words = f"{name}: currents are magnitudes; {int(at.sum())} at negative voltages became negative"
    warnings.append(CodedWarning("abs", words))
    return frame.assign(current_a=np.where(at, -i, i))
