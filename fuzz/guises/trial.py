"""The judge on trial: it has to take the truth under other names, and to see every fault that is put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from compare import REFUSED, RIGHT, WRONG, outcome
from generator import Guise, make

from devicekit.errors import Question, QuestionError

Fault = Callable[[pd.DataFrame], pd.DataFrame | None]  # None: the frame cannot have this fault


def _state(frame: pd.DataFrame) -> str:
    names = ("conductance_s", "current_a", "weight", "weight_change")
    return next(name for name in names if name in frame)


def renamed(frame: pd.DataFrame) -> pd.DataFrame:
    """The truth under other names, in another order, counted from elsewhere, with a column more."""
    frame = frame.sample(frac=1, random_state=1).reset_index(drop=True).assign(remark="x")
    for name in ("pulse_index", "point"):
        if name in frame:
            frame[name] += 5
    if "level" in frame and set(frame["level"]) != {"lrs", "hrs"}:
        frame["level"] = "L" + frame["level"]
    if "cycle" in frame and "level" not in frame:
        frame["cycle"] += 7
    return frame.assign(device_id="chip " + frame["device_id"])


def scaled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{_state(frame): frame[_state(frame)] * 1000})


def nearly(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{_state(frame): frame[_state(frame)] * (1 + 1e-4)})


def one_value(frame: pd.DataFrame) -> pd.DataFrame:
    state = frame[_state(frame)].to_numpy(float).copy()
    state[len(state) // 2] *= 1.01
    return frame.assign(**{_state(frame): state})


def one_less(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(index=frame.index[len(frame) // 2])


def one_more(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[3]]], ignore_index=True)


def one_device(frame: pd.DataFrame) -> pd.DataFrame | None:
    return frame.assign(device_id="all") if frame["device_id"].nunique() > 1 else None


def split_device(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Cycles (or levels) as devices: C2C as D2D."""
    name = next((name for name in ("cycle", "level") if name in frame and "voltage_v" not in frame), "")
    if not name or ("level" in frame and name == "cycle") or frame[name].nunique() < 2:
        return None
    return frame.assign(device_id=frame["device_id"] + frame[name].astype(str))


def swapped(frame: pd.DataFrame) -> pd.DataFrame | None:
    """The directions, or HRS and LRS, the wrong way round."""
    other = {"ltp": "ltd", "ltd": "ltp", "hrs": "lrs", "lrs": "hrs"}
    name = next((name for name in ("direction", "level") if name in frame), "")
    if not name or not set(frame[name]) <= set(other):
        return None
    return frame.assign(**{name: frame[name].map(other)})


def turn_moved(frame: pd.DataFrame) -> pd.DataFrame | None:
    """The first reading of every LTD train given to the LTP train before it."""
    if "direction" not in frame:
        return None
    first = (frame["direction"] == "ltd") & (frame["pulse_index"] == 0)
    index = frame["pulse_index"].where(~first, 10_000)
    return frame.assign(direction=frame["direction"].where(~first, "ltp"), pulse_index=index)


def backwards(frame: pd.DataFrame) -> pd.DataFrame | None:
    name = next((name for name in ("pulse_index", "point") if name in frame), "")
    return frame.assign(**{name: frame[name].max() - frame[name]}) if name else None


def axis_scaled(frame: pd.DataFrame) -> pd.DataFrame | None:
    name = next((name for name in ("voltage_v", "time_s", "spike_delay_s") if name in frame), "")
    return frame.assign(**{name: frame[name] * 60}) if name else None


FAULTS: tuple[Fault, ...] = (
    *(scaled, nearly, one_value, one_less, one_more, one_device, split_device, swapped, turn_moved, backwards),
    axis_scaled,
)


def trial(seeds: Iterable[int], folder: Path) -> int:
    """How many judgements were false; each is printed."""
    false = 0
    seen: set[str] = set()
    for seed in seeds:
        guise = make(seed, folder)
        assert make(seed, folder / "again").answers == guise.answers, f"{seed} is not made the same twice"
        if guise.truth is None:
            false += outcome(guise, lambda path, **_: _table("pulses", pd.DataFrame())).name != WRONG
            continue
        false += _judged(guise, renamed(guise.truth), RIGHT, "renamed")
        for fault in FAULTS:
            frame = fault(guise.truth)
            if frame is not None:
                seen.add(fault.__name__)
                false += _judged(guise, frame, WRONG, fault.__name__)
        false += _asked(guise)
    missed = {fault.__name__ for fault in FAULTS} - seen
    if missed:
        print("never tried:", *missed)
    return false + len(missed)


def _table(kind: str, frame: pd.DataFrame) -> SimpleNamespace:
    return SimpleNamespace(kind=kind, frame=frame)


def _judged(guise: Guise, frame: pd.DataFrame, wanted: str, name: str) -> bool:
    found = outcome(guise, lambda path, **_: _table(guise.kind, frame))
    if found.name != wanted:
        print(f"{guise.seed} {guise.kind} {name}: {found.name} ({found.why}), not {wanted}; {guise.features}")
    return found.name != wanted


def _asked(guise: Guise) -> bool:
    """A question is answered by what was asked only; one that no answer fits is a refusal."""

    def read(path: object, **given: object) -> SimpleNamespace:
        if "kind" not in given:
            raise QuestionError("file", Question("What are they?", ("kind", "format")))
        assert set(given) == {"kind"}
        return _table(guise.kind, guise.truth)

    def never(path: object, **given: object) -> SimpleNamespace:
        raise QuestionError("file", Question("Which format?", ("format",)))

    one, none = outcome(guise, read), outcome(guise, never)
    good = one.name == "one question" and none.name == REFUSED and np.isfinite(guise.truth.iloc[:, -1]).all()
    if not good:
        print(f"{guise.seed}: {one}, {none}")
    return not good
