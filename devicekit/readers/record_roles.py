"""Voltage, current and time of an instrument's record by the names of its columns; a question where they do not say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from devicekit.core.errors import Choice, QuestionError
from devicekit.names import parse_unit
from devicekit.readers.header import find_stated_unit, parse_heading
from devicekit.readers.layout import KEPT
from devicekit.readers.lexicon import means, normalise_name
from devicekit.readers.linked import Record
from devicekit.readers.questions import ask
from devicekit.readers.state import STATE_COLUMNS
from devicekit.readers.terminals import find_driven, find_pairs, find_swept, split_terminal

MOST_CHOICES = 6
_SETTINGS = ("width", "delay", "limit")  # of a pulse or an instrument: not what runs along a record
_SHORT = re.compile(r"[VI](?:[A-Z]|[A-EGKS]{2})\d*")  # VCE, IC
_QUANTITY = {"time_s": "time", "voltage_v": "voltage", "current_a": "current"}
_STEPPED = 0.1  # of the rows; a voltage that changes at fewer is stepped between curves
_LIKELY = 0.1  # of the median voltage [V]; a current [A] is smaller


def find_named_roles(record: Record, roles: Mapping[str, str], where: str) -> dict[str, str]:
    """Add the columns of time, voltage and current that follow from names and content to the known roles.

    Raises
    ------
    QuestionError
        If several voltages change, or several currents differ, and none of them belongs to the driven terminal.
    """
    roles = dict(roles)
    free = [str(name) for name in record.columns if name not in roles.values()]
    pairs = find_pairs([*free, *roles.values()])
    quantities = {name: _find_quantity(record, name, pairs) for name in free}
    of = {ours: [n for n in free if quantities[n] == quantity] for ours, quantity in _QUANTITY.items()}
    if "time_s" not in roles and of["time_s"]:
        roles["time_s"] = _varying(record, of["time_s"])[0]
    voltages = [*of["voltage_v"], *(roles[ours] for ours in ("voltage_v",) if ours in roles)]
    stepped = _find_stepped(record, voltages)
    if "voltage_v" not in roles and of["voltage_v"]:
        rest = [name for name in of["voltage_v"] if name != stepped]
        roles["voltage_v"] = _choose_voltage(record, rest, pairs if stepped is None else {}, where)
    if stepped is not None and stepped not in roles.values():
        roles.setdefault("third_voltage_v", stepped)
    if "current_a" not in roles and of["current_a"]:
        roles["current_a"] = _choose_current(record, of["current_a"], roles.get("voltage_v"), pairs, where)
    return roles


def _find_quantity(record: Record, name: str, pairs: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the quantity of a column by its unit or channel, else by the words of its name, else by its terminal."""
    if word := record.units.get(name):
        unit = parse_unit(word)
        return unit.quantity if unit else None
    if name in record.quantities:
        return record.quantities[name]
    head = parse_heading(name)
    if head.magnitude or head.log10 or any(means(words, normalise_name(head.name)) for words in _SETTINGS):
        return None
    paired = next((q for pair in pairs.values() for q, each in pair.items() if each == name), None)
    bare = normalise_name(name)
    if head.quantity or paired or means("other quantity", bare) or bare == "vt":
        return head.quantity or paired
    return split_terminal(name)[0][0] if _SHORT.fullmatch(name) else None


def _numbers(record: Record, name: str) -> pd.Series:
    return pd.to_numeric(record.columns[name], errors="coerce")


def _varying(record: Record, names: Sequence[str]) -> Sequence[str]:
    return [name for name in names if record.columns[name].nunique() > 1] or names


def _choose_voltage(record: Record, names: Sequence[str], pairs: Mapping[str, Mapping[str, str]], where: str) -> str:
    """Return the voltage of the driven terminal, or the one that changes; the first of several that agree."""
    driven = find_driven(pairs, lambda name: _numbers(record, name))
    if driven is not None and pairs[driven]["voltage"] in names:
        return pairs[driven]["voltage"]
    swept = find_swept(names, lambda name: _numbers(record, name)) or list(names)
    if len(swept) == 1 or _agree(record, swept, signed=True):
        return swept[0]
    raise ask(
        where,
        f"{len(swept)} voltages change ({', '.join(swept)}): which one is applied to the device?",
        tuple(Choice.of(f"read {name} as the voltage", map={"voltage_v": name}) for name in swept),
        _describe(record, swept),
    )


def _find_stepped(record: Record, names: Sequence[str]) -> str | None:
    """Return the one voltage that is stepped between the curves of another one; None if there is none."""
    swept = find_swept(names, lambda name: _numbers(record, name))
    changes = {name: float((_numbers(record, name).diff().iloc[1:] != 0).mean()) for name in swept}
    stepped = [name for name, share in changes.items() if share <= _STEPPED]
    return stepped[0] if len(stepped) == 1 and any(share > 0.5 for share in changes.values()) else None


def _choose_current(
    record: Record, names: Sequence[str], voltage: str | None, pairs: Mapping[str, Mapping[str, str]], where: str
) -> str:
    """Return the current of the voltage's terminal, of the drain if a gate is swept, or the first of those that agree.

    Raises
    ------
    QuestionError
        If several currents vary and none has the voltage's name: IB and IC beside VCE.
    """
    varying = list(_varying(record, names))
    if voltage is None or len(varying) == 1:
        return varying[0]
    if means("gate", normalise_name(voltage)):
        paired = [name for name in varying if means("drain", normalise_name(name))]
    else:
        paired = [pair.get("current", "") for pair in pairs.values() if pair.get("voltage") == voltage]
        paired = [name for name in paired if name in varying]
    if paired or _agree(record, varying):
        return (paired or varying)[0]
    raise ask(
        where,
        f"there are {len(varying)} currents beside voltage {voltage}: which one is the device's?",
        tuple(Choice.of(f"read {name} as the current", map={"current_a": name}) for name in varying),
        _describe(record, varying),
    )


def _agree(record: Record, names: Sequence[str], *, signed: bool = False) -> bool:
    """Return whether columns agree: an applied and a measured voltage, in magnitude the currents of both ends."""
    values = [_numbers(record, name).to_numpy(float) for name in names]
    sizes = values if signed else [np.abs(each) for each in values]
    largest = np.nanmax(np.abs(sizes[0]), initial=0.0)
    return all(np.allclose(sizes[0], size, rtol=0.2, atol=0.05 * largest, equal_nan=True) for size in sizes[1:])


def ask_for_columns(record: Record, roles: Mapping[str, str], where: str) -> QuestionError | None:
    """Return the question which columns are voltage, current and time; None if every column has a known meaning."""
    free = [str(name) for name in record.columns if name not in roles.values()]
    if STATE_COLUMNS.keys() & set(free) or {"voltage_v", "current_a"} <= set(roles):
        return None
    pairs = find_pairs(free)
    candidates = {name: _numbers(record, name).to_numpy(float) for name in free}
    candidates = {name: x for name, x in candidates.items() if np.isfinite(x).any() and np.nanmax(x) > np.nanmin(x)}
    known = [n for n in candidates if _find_quantity(record, n, pairs) or record.units.get(n) or find_stated_unit(n)]
    open_ = [name for name in candidates if name not in known and not _counts(candidates[name])]
    wanted = [ours for ours in ("voltage_v", "current_a") if ours not in roles]
    if len(open_) < len(wanted):
        return None
    answers = [dict(zip(wanted, names, strict=True)) for names in permutations(open_, len(wanted))]
    volts = {name: _numbers(record, name).to_numpy(float) for name in [*open_, *roles.values()]}
    answers.sort(key=lambda answer: -_score(volts, {**roles, **answer}))
    choices = [
        Choice.of(" and ".join(f"{name} is the {_QUANTITY[ours]}" for ours, name in answer.items()), map=answer)
        for answer in (_add_time(answer, candidates, roles) for answer in answers[:MOST_CHOICES])
    ]
    keep = Choice.of("none is: keep every column under its own name", map={KEPT: open_[0]})
    text = f"which columns are voltage, current and time? The names {', '.join(open_[:8])} do not say it"
    return ask(where, text, (*choices, keep), _describe(record, open_[:8]), fields=("columns",))


def _counts(values: np.ndarray) -> bool:
    """Return whether a column numbers the rows."""
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def _rises(values: np.ndarray) -> bool:
    return bool(np.nanmin(values) >= 0 and (np.diff(values[np.isfinite(values)]) > 0).all())


def _add_time(
    answer: Mapping[str, str], candidates: Mapping[str, np.ndarray], roles: Mapping[str, str]
) -> dict[str, str]:
    """Add the one other column that rises as the time."""
    rising = [name for name, x in candidates.items() if name not in answer.values() and not _counts(x) and _rises(x)]
    return {**answer, **({"time_s": rising[0]} if "time_s" not in roles and len(rising) == 1 else {})}


def _score(values: Mapping[str, np.ndarray], roles: Mapping[str, str]) -> float:
    """Return how well a voltage and a current fit: even steps, a small current, one sign, and no column that rises."""
    v, i = values[roles["voltage_v"]], values[roles["current_a"]]
    steps = np.round(np.abs(np.diff(v)), 9)
    even = np.unique(steps, return_counts=True)[1].max() / steps.size if steps.size else 0.0
    smaller = np.nanmax(np.abs(i)) <= 1 and np.nanmedian(np.abs(i)) < _LIKELY * np.nanmedian(np.abs(v))
    large = (np.abs(v) > 0.1 * np.nanmax(np.abs(v))) & (np.abs(i) > 0.1 * np.nanmax(np.abs(i)))
    same = float((np.sign(v) == np.sign(i))[large].mean()) if large.any() else 0.0
    return even + 2 * smaller + same - 2 * _rises(i) - _rises(v)


def _describe(record: Record, names: Iterable[str]) -> tuple[str, ...]:
    numbers = {name: _numbers(record, name) for name in names}
    return tuple(f"{name}: {x.min():.4g} to {x.max():.4g}" for name, x in numbers.items())
