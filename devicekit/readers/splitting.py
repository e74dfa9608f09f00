"""Splitting of concatenated trains by pulse sign, index reset or turning point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import Blank, Choice, CodedWarning, Question, QuestionError, TableError, UsageError
from devicekit.core.text import count
from devicekit.readers.placing import Contradiction, Unclear, find_turns

LEAST_ALTERNATING = 16  # readings
GROWTH_OF_A_RAMP = 1.5  # last over first amplitude of a train with growing amplitude


def train_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that identify a train."""
    return ["device_id", "cycle", "direction", *(["pulse_width_s"] if "pulse_width_s" in frame else [])]


def split_by_sign(voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return direction and cycle of each pulse from the sign of its voltage [V].

    A reading without a pulse (0 V or NaN) belongs to the train that follows it.

    Returns
    -------
    direction : ndarray of str, shape of voltage
    cycle : ndarray of int, from 1; a cycle ends where the first direction returns
    """
    sign = np.sign(np.nan_to_num(voltage))
    known = np.flatnonzero(sign)
    if known.size == 0:
        raise ValueError("no pulse has a voltage")
    following = np.searchsorted(known, np.arange(sign.size))
    sign = sign[known[np.minimum(following, known.size - 1)]]
    starts_again = (sign == sign[0]) & (np.r_[sign[0], sign[:-1]] != sign[0])
    return np.where(sign > 0, "ltp", "ltd"), 1 + np.cumsum(starts_again)


def split_by_reset(index: np.ndarray) -> np.ndarray:
    """Return the number (from 0) of each row's train; a new train starts where the index falls."""
    return np.cumsum(np.r_[0, np.diff(index) < 0]).astype(int)


@dataclass(frozen=True)
class Split:
    """Direction, cycle and pulse index of each reading, with warnings on the split.

    Parameters
    ----------
    direction : ndarray of str, shape (n,)
        "ltp" or "ltd".
    cycle : ndarray of int, shape (n,)
        From 1, counted for each direction.
    pulse_index : ndarray of int, shape (n,)
        Pulses of the train before the reading; 0 is the state before the first pulse.
    warnings : tuple of CodedWarning
    how : str
        Method: "equal lengths", "single turns", "stated" or "one train".
    """

    direction: np.ndarray
    cycle: np.ndarray
    pulse_index: np.ndarray
    warnings: tuple[CodedWarning, ...]
    how: str


def split_values(values: np.ndarray, name: str, pulses: tuple[int, ...] | None = None) -> Split:
    """Split one column of concatenated up and down trains at the turning points of the readings.

    The reading at a turn ends one train and is also the state before the next: pulse_index 1 of the next train is
    the reading after the turn.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings in order; a missing one is NaN.
    name : str
        File or column, for messages.
    pulses : tuple of int, optional
        Pulses of each LTP and each LTD train, one number for both, or one for every train in order, if the user
        states them.

    Raises
    ------
    QuestionError
        If the turns are not clear enough in the readings.
    UsageError
        If trains of `pulses` do not add up to the readings.
    TableError
        If there are no readings.
    """
    if not np.isfinite(values).any():
        raise TableError(f"{name} holds no numbers to split into trains")
    if is_alternating(values):
        raise TableError(
            f"{name}: readings alternate between two levels, as in an endurance test, not in a pulse train. Put HRS "
            "and LRS into separate columns."
        )
    if pulses is not None and (not pulses or min(pulses) < 1):
        raise UsageError(
            f"pulses={pulses} must be the pulses of each train, each 1 or more: N, or N,M for LTP and LTD, or one "
            "number for every train in order"
        )
    try:
        found = find_turns(values, pulses)
    except Unclear as unclear:
        raise QuestionError(name, _ask_for_pulses(unclear, values)) from None
    except Contradiction as contradiction:
        lengths = ",".join(map(str, pulses or ()))
        raise UsageError(f"{name}: pulses={lengths} contradicts the readings: {contradiction}") from None
    against: tuple[CodedWarning, ...] = ()
    if found.against:
        against = (CodedWarning("against_turns", f"{name}: {found.explanation}, although {found.against}"),)
    starts = np.r_[0, found.turns + 1, values.size]
    number = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    within = np.arange(values.size) - starts[number]
    up, down = (int(((np.arange(starts.size - 1) % 2 == 0) == (found.rising == up)).sum()) for up in (True, False))
    message = (
        f"{name}: one {'LTP' if up else 'LTD'} train by its direction"
        if found.how == "one train"
        else f"{name}: split at turning points into {up} LTP and {down} LTD trains: {found.explanation}"
    )
    return Split(
        direction=np.where((number % 2 == 0) == found.rising, "ltp", "ltd").astype(object),
        cycle=number // 2 + 1,
        pulse_index=within + np.where((number > 0) | (not found.opens), 1, 0),
        warnings=(CodedWarning("split", message), *against),
        how=found.how,
    )


def is_alternating(values: np.ndarray) -> bool:
    """Return whether nearly all readings jump by more than a third of the range, up and down alternately."""
    known = values[np.isfinite(values)]
    if known.size < LEAST_ALTERNATING:
        return False
    known = np.log(known) if known.min() > 0 else known
    low, high = np.quantile(known, (0.1, 0.9))
    steps = np.diff(known)
    if high <= low:
        return False
    return bool((steps[1:] * steps[:-1] < 0).mean() > 0.9 and np.median(np.abs(steps)) > 0.5 * (high - low))


def _ask_for_pulses(unclear: Unclear, values: np.ndarray) -> Question:
    """Build the question about pulses of trains whose turns are not clear."""
    choices = []
    for guess in unclear.guesses:
        up, down = (guess.first, guess.second) if unclear.rising else (guess.second, guess.first)
        if not guess.same and _contradicts(values, (up, down)):
            continue
        before = "with" if guess.opens else "without"
        choices.append(
            Choice.of(f"{up} LTP and {down} LTD pulses, {before} a reading before the first pulse", pulses=(up, down))
        )
    choices.append(
        Choice.of(
            "N pulses in every LTP train and M in every LTD train (if lengths vary, one number for every train)",
            pulses=(Blank("N"), Blank("M")),
        )
    )
    choices.append(Choice.of(f"one train of {values.size - 1} pulses", pulses=(values.size - 1,)))
    return Question(
        text="the ends of the trains are not clear in the readings: how many pulses has each train?",
        fields=("pulses",),
        choices=tuple(choices),
        evidence=unclear.evidence,
    )


def _contradicts(values: np.ndarray, pulses: tuple[int, ...]) -> bool:
    """Return whether readings contradict lengths of trains."""
    try:
        return bool(find_turns(values, pulses).against)
    except (Unclear, Contradiction):
        return True


def find_train_starts(frame: pd.DataFrame) -> np.ndarray | None:
    """Return the first row of each train if its rows are together with growing pulse numbers, else None."""
    changes = np.zeros(len(frame), bool)
    changes[0] = True
    for name in train_columns(frame):
        # codes: text as an array of objects would take ten times the memory of the column
        text = frame[name].dtype.kind not in "iuf"
        values = pd.factorize(frame[name])[0] if text else frame[name].to_numpy()
        changes[1:] |= values[1:] != values[:-1]
    starts = np.flatnonzero(changes)
    if frame.iloc[starts][train_columns(frame)].duplicated().any():
        return None
    grows = np.diff(frame["pulse_index"].to_numpy()) > 0
    return starts if bool((grows | changes[1:]).all()) else None


def _find_ends(frame: pd.DataFrame, column: str, starts: np.ndarray | None) -> pd.DataFrame:
    """Return first and last reading of each train, with its direction."""
    if starts is not None and not frame[column].isna().any():
        values = frame[column].to_numpy()
        stops = np.r_[starts[1:], len(frame)]
        directions = frame["direction"].iloc[starts].to_numpy()
        return pd.DataFrame({"direction": directions, "first": values[starts], "last": values[stops - 1]})
    ordered = frame.sort_values("pulse_index", kind="stable").dropna(subset=[column])
    groups = ordered.groupby(train_columns(frame), sort=False, dropna=False)[column]
    return groups.agg(["first", "last"]).reset_index()


def mend_train_order(
    frame: pd.DataFrame, column: str, starts: np.ndarray | None = None
) -> tuple[pd.DataFrame, list[CodedWarning]]:
    """Correct trains that run against their direction.

    If all trains of both directions do, the labels are swapped ("prog" can mean LTD). If only one direction does, its
    trains are stored last pulse first, as NeuroSim stores LTD, and are reversed. `starts` is the result of
    `find_train_starts`, which avoids sorting a large table.
    """
    ends = _find_ends(frame, column, starts)
    net = (ends["last"] - ends["first"]).groupby(ends["direction"])
    against = {direction: [change for change in changes if change != 0] for direction, changes in net}
    against = {"ltp": [], "ltd": [], **against}
    wrong_up = bool(against["ltp"]) and all(change < 0 for change in against["ltp"])
    wrong_down = bool(against["ltd"]) and all(change > 0 for change in against["ltd"])
    if wrong_up and (wrong_down or not against["ltd"]):
        swapped = frame["direction"].map({"ltp": "ltd", "ltd": "ltp"})
        words = "all LTP trains fall and all LTD trains rise; the labels were swapped"
        if not against["ltd"]:
            words = "all LTP trains fall and there are no LTD trains; they are read as LTD"
        return frame.assign(direction=swapped), [CodedWarning("reversed", words)]
    if wrong_down or wrong_up:
        direction = "ltd" if wrong_down else "ltp"
        rows = frame["direction"] == direction
        last = frame[rows].groupby(train_columns(frame), dropna=False)["pulse_index"].transform("max")
        frame = frame.copy()
        frame.loc[rows, "pulse_index"] = last - frame.loc[rows, "pulse_index"]
        return frame, [
            CodedWarning(
                "reversed",
                f"the {direction.upper()} trains are stored last pulse first and were reversed",
            )
        ]
    return frame, []


def warn_about_growing_amplitude(frame: pd.DataFrame) -> CodedWarning | None:
    """Return a warning if pulse amplitudes grow along the trains: eq. (2) describes identical pulses only."""
    if "pulse_voltage_v" not in frame:
        return None
    pulses = frame[frame["pulse_index"] > 0].assign(size=frame["pulse_voltage_v"].abs()).dropna(subset=["size"])
    growing = []
    varied = pulses.groupby(train_columns(frame), sort=False, dropna=False)["size"].transform("nunique") > 3
    for _, train in pulses[varied].groupby(train_columns(frame), sort=False, dropna=False):
        size = train.sort_values("pulse_index")["size"].to_numpy()
        if size.size >= 4 and size[-1] > GROWTH_OF_A_RAMP * size[0] and (np.diff(size) >= 0).mean() > 0.9:
            growing.append(size)
    if not growing:
        return None
    first, last = growing[0][0], growing[0][-1]
    return CodedWarning(
        "growing_amplitude",
        f"the pulse amplitude grows in {count(len(growing), 'train')} ({first:.3g} to {last:.3g} V); eq. (2) "
        "describes identical pulses only",
    )
