"""Outcome of a case: read correctly, after a number of questions, refused, or read WRONG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from generator import Case

from devicekit.core.errors import DevicekitError, QuestionError

RIGHT, ONE, MORE, REFUSED, WRONG = "right", "one question", "more questions", "refused", "WRONG"
NAMES = (RIGHT, ONE, MORE, REFUSED, WRONG)
MOST = 4  # questions that are answered
CLOSE = 2e-6  # relative; files print seven figures or fewer
QUANTUM = 3e-5  # relative, for values in quanta of conductance: 77.48 uS is rounded
SAME = {"pulse": "pulses", "sweep": "sweeps"}


@dataclass(frozen=True)
class Outcome:
    """One of `NAMES`, the reason, the fields of each question, the answers, and the table."""

    name: str
    why: str = ""
    asked: tuple[tuple[str, ...], ...] = ()
    given: dict[str, Any] = field(default_factory=dict)
    table: Any = None


def judge(case: Case, read: Callable[..., Any]) -> Outcome:
    """Read the case, answer only what is asked, and compare with the truth."""
    given: dict[str, Any] = {}
    asked: list[tuple[str, ...]] = []
    while True:
        try:
            table = read(case.path, **given)
        except QuestionError as error:
            fields = tuple(error.question.fields) if error.question else ()
            answers = {name: case.answers[name] for name in fields if name in case.answers and name not in given}
            if "columns_are" in answers and any(name in error.question.text for name in case.beside if len(name) > 1):
                del answers["columns_are"]  # a duplicate is neither a device nor a cycle
            if len(asked) == MOST or not answers:
                lacks = "too many questions" if len(asked) == MOST else f"no answer to {', '.join(fields)}"
                return Outcome(REFUSED, f"{lacks}: {first_line(error)}", tuple(asked), given)
            asked.append(fields)
            given |= answers
        except DevicekitError as error:
            return Outcome(REFUSED, first_line(error), tuple(asked), given)
        except Exception as error:  # a crash is wrong
            return Outcome(WRONG, f"{type(error).__name__}: {first_line(error)}", tuple(asked), given)
        else:
            break
    why = find_difference(case, table)
    if why:
        return Outcome(WRONG, why, tuple(asked), given, table)
    return Outcome((RIGHT, ONE, MORE)[min(len(asked), 2)], "", tuple(asked), given, table)


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def find_difference(case: Case, table: Any) -> str:
    """Describe how a table differs from the truth; "" if it does not."""
    if case.truth is None:
        return f"read without a question ({', '.join(case.traps)})"
    kind = SAME.get(table.kind, table.kind)
    if kind != case.kind:
        return f"kind: {kind} for {case.kind}"
    found = ""
    for truth in (case.truth, *case.also):
        why = _compare(kind, truth, table.frame, QUANTUM if "in quanta (G0)" in case.features else CLOSE)
        if not why:
            return ""
        found = found or why
    return found


@dataclass(frozen=True, eq=False)
class Series:
    """One train, sweep or record: its device and group, a label that must agree, and its columns in order."""

    device: object
    group: object
    label: object
    values: tuple[np.ndarray, ...]


def _compare(kind: str, truth: pd.DataFrame, frame: pd.DataFrame, close: float) -> str:
    states = [name for name in ("weight", "conductance_s") if name in truth]
    if kind == "pulses" and states[0] not in frame:
        return f"scale: no column {states[0]}"
    wants, finds = list(split_series(kind, truth, truth)), list(split_series(kind, frame, truth))
    if len(wants) != len(finds):
        return f"number of records: {len(finds)} for {len(wants)}"
    pairs, left = [], list(finds)
    for want in wants:
        same = next((found for found in left if _is_equal(want, found, close)), None)
        if same is None:
            return _describe_nearest(want, finds, close)
        left.remove(same)
        pairs.append((want, same))
    for name, key in (("devices", lambda one: one.device), ("cycles or levels", lambda one: (one.device, one.group))):
        both = {(key(want), key(found)) for want, found in pairs}
        if not len(both) == len({want for want, _ in both}) == len({found for _, found in both}):
            return f"partition: {name}"
    return ""


def split_series(kind: str, frame: pd.DataFrame, truth: pd.DataFrame) -> Iterator[Series]:
    """Split a frame into its records, without missing readings; `truth` has the columns that separate them."""
    if kind == "pulses":
        state = "weight" if "weight" in truth else "conductance_s"
        wide = ["pulse_width_s"] if "pulse_width_s" in truth and "pulse_width_s" in frame else []
        frame = frame[np.isfinite(frame[state])]
        for key, rows in frame.groupby(["device_id", *wide, "cycle", "direction"], sort=False):
            *device, cycle, direction = key
            rows = rows.sort_values("pulse_index", kind="stable")
            index = rows["pulse_index"].to_numpy(float)
            yield Series(tuple(map(str, device)), cycle, direction, (index - index[0], rows[state].to_numpy(float)))
    elif kind == "sweeps":
        frame = frame[np.isfinite(frame["voltage_v"]) & np.isfinite(frame["current_a"])]
        for (device, cycle), rows in frame.groupby(["device_id", "cycle"], sort=False):
            rows = rows.sort_values("point", kind="stable")
            yield Series(device, cycle, "", (rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)))
    elif kind == "stdp":
        repeat = ["repeat"] if "repeat" in truth else []
        for key, rows in frame.groupby(["device_id", *repeat], sort=False):
            rows = rows.sort_values(["spike_delay_s", "weight_change"])
            delay, change = rows["spike_delay_s"].to_numpy(float), rows["weight_change"].to_numpy(float)
            yield Series(key[0], key[1:], "", (delay, change))
    else:
        frame = frame[np.isfinite(frame["conductance_s"])]
        axis = "cycle" if kind == "endurance" else "time_s"
        for (device, level), rows in frame.groupby(["device_id", "level"], sort=False):
            rows = rows.sort_values(axis, kind="stable")
            label = str(level).lower()
            if kind == "retention" and (label not in ("lrs", "hrs") or set(truth["level"]) != {"lrs", "hrs"}):
                label = None  # named in other words
            yield Series(device, level, label, tuple(rows[c].to_numpy(float) for c in (axis, "conductance_s")))


def _is_equal(want: Series, found: Series, close: float) -> bool:
    return (want.label == found.label or found.label is None) and all(
        len(a) == len(b) and np.allclose(a, b, rtol=close, atol=1e-9 * np.abs(a).max(initial=0.0))
        for a, b in zip(want.values, found.values, strict=True)
    )


def _describe_nearest(want: Series, finds: list[Series], close: float) -> str:
    """Describe how a missing record differs from the most similar one."""
    axis, values = want.values
    alike = [found for found in finds if len(found.values[1]) == len(values)]
    if not alike:
        lengths = sorted({len(found.values[1]) for found in finds})
        return f"length of a record: {lengths[:4]} for {len(values)}"
    for found in alike:
        if _is_equal(want, Series(found.device, found.group, want.label, found.values), close):
            return f"label: {found.label} for {want.label}"
    for found in alike:
        if np.allclose(found.values[1], values, rtol=close, atol=0):
            return "axis: " + _describe_scale(axis, found.values[0])
    for found in alike:
        if np.allclose(np.sort(found.values[1]), np.sort(values), rtol=close, atol=0):
            return "order of the readings"
    for found in alike:
        scale = _describe_scale(values, found.values[1])
        if scale != "other values":
            return "scale: " + scale
    return "other values"


def _describe_scale(want: np.ndarray, found: np.ndarray) -> str:
    with np.errstate(all="ignore"):
        ratio = found / want
    ratio = ratio[np.isfinite(ratio)]
    if len(ratio) and np.allclose(ratio, ratio[0], rtol=1e-5):
        return f"x {ratio[0]:.4g}"
    return "other values"


def save_recipe(table: Any, path: Path) -> None:
    """Save the layout of a table as a recipe."""
    table.layout.save(path)


def check_recipe(case: Case, table: Any, read: Callable[..., Any], path: Path) -> str:
    """Read a case again by its recipe; return what differs, "" if nothing does."""
    try:
        save_recipe(table, path)
        again = read(case.path, recipe=path)
    except Exception as error:
        return f"{type(error).__name__}: {first_line(error)}"
    try:
        pd.testing.assert_frame_equal(table.frame, again.frame)
    except AssertionError as error:
        return f"another table: {first_line(error)}"
    return "" if again.kind == table.kind else f"kind: {again.kind} for {table.kind}"
