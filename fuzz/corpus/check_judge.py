"""Check of `judge`: it must accept the truth under other names, and find every fault that is added."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from compare import REFUSED, RIGHT, WRONG, judge
from generator import Case, make_case

from devicekit.core.errors import Question, QuestionError

Fault = Callable[[pd.DataFrame], pd.DataFrame | None]  # None: the frame cannot have this fault


def _state_column(frame: pd.DataFrame) -> str:
    names = ("conductance_s", "current_a", "weight", "weight_change")
    return next(name for name in names if name in frame)


def rename(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the truth under other names, in another order, counted from another number, with one more column."""
    frame = frame.sample(frac=1, random_state=1).reset_index(drop=True).assign(remark="x")
    for name in ("pulse_index", "point"):
        if name in frame:
            frame[name] += 5
    if "level" in frame and set(frame["level"]) != {"lrs", "hrs"}:
        frame["level"] = "L" + frame["level"]
    if "cycle" in frame and "level" not in frame:
        frame["cycle"] += 7
    return frame.assign(device_id="chip " + frame["device_id"])


def scale(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{_state_column(frame): frame[_state_column(frame)] * 1000})


def shift_slightly(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{_state_column(frame): frame[_state_column(frame)] * (1 + 1e-4)})


def change_one_value(frame: pd.DataFrame) -> pd.DataFrame:
    state = frame[_state_column(frame)].to_numpy(float).copy()
    state[len(state) // 2] *= 1.01
    return frame.assign(**{_state_column(frame): state})


def drop_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(index=frame.index[len(frame) // 2])


def repeat_row(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[3]]], ignore_index=True)


def merge_devices(frame: pd.DataFrame) -> pd.DataFrame | None:
    return frame.assign(device_id="all") if frame["device_id"].nunique() > 1 else None


def split_device(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Turn cycles (or levels) into devices: C2C into D2D."""
    name = next((name for name in ("cycle", "level") if name in frame and "voltage_v" not in frame), "")
    if not name or ("level" in frame and name == "cycle") or frame[name].nunique() < 2:
        return None
    return frame.assign(device_id=frame["device_id"] + frame[name].astype(str))


def swap_directions(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Swap the directions, or HRS and LRS."""
    other = {"ltp": "ltd", "ltd": "ltp", "hrs": "lrs", "lrs": "hrs"}
    name = next((name for name in ("direction", "level") if name in frame), "")
    if not name or not set(frame[name]) <= set(other):
        return None
    return frame.assign(**{name: frame[name].map(other)})


def move_turn(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Move the first reading of every LTD train to the LTP train before it."""
    if "direction" not in frame:
        return None
    first = (frame["direction"] == "ltd") & (frame["pulse_index"] == 0)
    index = frame["pulse_index"].where(~first, 10_000)
    return frame.assign(direction=frame["direction"].where(~first, "ltp"), pulse_index=index)


def reverse(frame: pd.DataFrame) -> pd.DataFrame | None:
    name = next((name for name in ("pulse_index", "point") if name in frame), "")
    return frame.assign(**{name: frame[name].max() - frame[name]}) if name else None


def scale_axis(frame: pd.DataFrame) -> pd.DataFrame | None:
    name = next((name for name in ("voltage_v", "time_s", "spike_delay_s") if name in frame), "")
    return frame.assign(**{name: frame[name] * 60}) if name else None


FAULTS: tuple[Fault, ...] = (
    *(
        scale,
        shift_slightly,
        change_one_value,
        drop_row,
        repeat_row,
        merge_devices,
        split_device,
        swap_directions,
        move_turn,
        reverse,
    ),
    scale_axis,
)


def check(seeds: Iterable[int], folder: Path) -> int:
    """Return the number of false judgements, and print each."""
    false = 0
    seen: set[str] = set()
    for seed in seeds:
        case = make_case(seed, folder)
        assert make_case(seed, folder / "again").answers == case.answers, f"{seed} is not made the same twice"
        if case.truth is None:
            false += judge(case, lambda path, **_: _make_table("pulses", pd.DataFrame())).name != WRONG
            continue
        false += _is_misjudged(case, rename(case.truth), RIGHT, "renamed")
        for fault in FAULTS:
            frame = fault(case.truth)
            if frame is not None:
                seen.add(fault.__name__)
                false += _is_misjudged(case, frame, WRONG, fault.__name__)
        false += _misjudges_questions(case)
    missed = {fault.__name__ for fault in FAULTS} - seen
    if missed:
        print("never tried:", *missed)
    return false + len(missed)


def _make_table(kind: str, frame: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(kind=kind, frame=frame)


def _is_misjudged(case: Case, frame: pd.DataFrame, wanted: str, name: str) -> bool:
    found = judge(case, lambda path, **_: _make_table(case.kind, frame))
    if found.name != wanted:
        print(f"{case.seed} {case.kind} {name}: {found.name} ({found.why}), not {wanted}; {case.features}")
    return found.name != wanted


def _misjudges_questions(case: Case) -> bool:
    """Check that only the question asked is answered, and that one without an answer is a refusal."""

    def read(path: object, **given: object) -> SimpleNamespace:
        if "kind" not in given:
            raise QuestionError("file", Question("What are they?", ("kind", "format")))
        assert set(given) == {"kind"}
        return _make_table(case.kind, case.truth)

    def never(path: object, **given: object) -> SimpleNamespace:
        raise QuestionError("file", Question("Which format?", ("format",)))

    one, none = judge(case, read), judge(case, never)
    good = one.name == "one question" and none.name == REFUSED and np.isfinite(case.truth.iloc[:, -1]).all()
    if not good:
        print(f"{case.seed}: {one}, {none}")
    return not good
