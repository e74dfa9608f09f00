"""Judgement of guises: what is read is compared with the truth, and questions are answered as their owner would."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import Blank, Choice, DevicekitError, Question, QuestionError
from devicekit.core.quantities import GLOSSARY
from devicekit.names import parse_unit
from devicekit.readers import ReadOptions, read
from devicekit.readers.layout import KEPT
from devicekit.system.answers import FormAnswers, answered_by
from devicekit.system.commands import non_default
from devicekit.tables import Table

from .guise_files import VALUES, heading, write  # type: ignore[import-not-found]
from .guises import CHINESE, ENGLISH, GERMAN, NAMES, STATE, Guise, draw  # type: ignore[import-not-found]

ROUNDS = 4
CLOSE = 1e-9
OUTCOMES = ("right bare", "one form", "more rounds", "described", "refused", "WRONG")
NUMBERS = {  # columns that must agree, where the truth has them
    "pulse": ("conductance_s", "weight", "pulse_voltage_v"),
    "sweep": ("voltage_v", "current_a", "time_s"),
    "endurance": ("cycle", "conductance_s"),
    "retention": ("time_s", "conductance_s"),
    "transient": ("time_s", "pulse_voltage_v", "conductance_s"),
    "stdp": ("spike_delay_s", "weight_change"),
    "paired": ("interval_s", "ratio"),
    "multilevel": ("conductance_s",),
    "summary": ("v_set_v", "v_reset_v", "g_lrs_s", "g_hrs_s"),
}
INNER = {
    "pulse": ("cycle", "direction"),
    "sweep": ("cycle",),
    **dict.fromkeys(("endurance", "retention", "multilevel"), ("level",)),
}


@dataclass(frozen=True)
class Judgement:
    """Outcome of one guise, and why it is not right."""

    seed: int
    outcome: str
    why: str = ""


def _expected(guise: Guise) -> pd.DataFrame:
    """Return the truth with the columns that a table has."""
    truth = guise.truth.copy()
    if "r_lrs" in truth:
        truth = truth.assign(g_lrs_s=1 / truth["r_lrs"], g_hrs_s=1 / truth["r_hrs"])
    return truth


def _groups(frame: pd.DataFrame, kind: str, names: list[str]) -> list[tuple[Any, ...]]:
    """Return for each device its groups, each with its label, if that has a meaning, and its numbers."""
    found = []
    inner = [name for name in INNER.get(kind, ()) if name in frame]
    measured = [k for k, name in enumerate(names) if name not in ("time_s", "pulse_voltage_v")]
    for _, device in frame.groupby("device_id", sort=False):
        parts = []
        for key, rows in device.groupby(inner, sort=kind == "pulse") if inner else [((), device)]:
            label = key[-1] if kind in ("pulse", "endurance") else ""
            numbers = rows[names].to_numpy(float)
            read_rows = ~np.isnan(numbers[:, measured]).any(axis=1)
            parts.append((label, numbers[read_rows]))
        if kind not in ("pulse", "sweep"):
            parts.sort(key=lambda part: (part[0], tuple(part[1][0][::-1]) if len(part[1]) else ()))
        found.append(tuple(parts))
    return sorted(found, key=lambda each: [float(f"{value:.6g}") for value in each[0][1][:3].ravel()])


def differs(guise: Guise, table: Table) -> str:
    """Return how a table differs from the truth; "" if it does not."""
    if table.kind != guise.kind:
        return f"kind {table.kind}, not {guise.kind}"
    truth, frame = _expected(guise), table.frame
    if guise.kind == "record":
        return _differs_as_record(truth, frame)
    names = [name for name in NUMBERS[guise.kind] if name in truth]
    if guise.kind == "transient" and "conductance_s" not in frame:  # the read voltage is not known
        truth["conductance_s"] *= guise.facts.get("read_voltage", np.nan)
        frame = frame.rename(columns={"current_a": "conductance_s"})
    conditions = {"pulse": "pulse_voltage_v", "sweep": "time_s"}  # may be kept under their own names
    names = [name for name in names if name in frame or name != conditions.get(guise.kind)]
    if missing := [name for name in names if name not in frame]:
        return f"no {missing[0]}"
    if guise.kind == "transient":  # what is read under a pulse is not a state
        truth, frame = (each[each["pulse_voltage_v"] == 0] for each in (truth, frame))
    ours, theirs = (_groups(each, guise.kind, names) for each in (truth, frame))
    if len(ours) != len(theirs):
        return f"{len(theirs)} devices, not {len(ours)}"
    for one, other in zip(ours, theirs, strict=True):
        if [part[0] for part in one] != [part[0] for part in other]:
            return f"groups {[part[0] for part in other]}, not {[part[0] for part in one]}"
        for (_, true), (_, found) in zip(one, other, strict=True):
            if true.shape != found.shape:
                return f"{len(found)} rows in a group, not {len(true)}"
            if not np.allclose(true, found, rtol=CLOSE, atol=0, equal_nan=True):
                at = np.argwhere(~np.isclose(true, found, rtol=CLOSE, atol=0, equal_nan=True))[0]
                return f"{names[at[1]]} {found[at[0], at[1]]:.9g}, not {true[at[0], at[1]]:.9g}"
    return ""


def _differs_as_record(truth: pd.DataFrame, frame: pd.DataFrame) -> str:
    columns = [frame[name].to_numpy(float) for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    for name in ("frequency", "capacitance", "loss"):
        base = truth[name].to_numpy()
        near = (each / base for each in columns if each.shape == base.shape)
        if not any(np.allclose(ratio / ratio[0], 1, rtol=CLOSE) for ratio in near):
            return f"no column of {name}"
    return ""


class Owner:
    """The person who measured: answers a question if it has the true answer, else gives the options that are true."""

    def __init__(self, guise: Guise) -> None:
        self.guise, self.facts = guise, guise.facts
        self.columns: dict[str, str] = {}
        value = VALUES.get(guise.kind, STATE)
        for number, each in enumerate(guise.pieces[0][1], 1):
            if guise.layout == "wide" and each.role == value:
                continue  # no column is the only one
            name = heading(each, guise.style["place"]) or f"column {number}"
            if each.role == STATE:
                quantity = self.facts["quantity"]
                standard = {"conductance": "conductance_s", "resistance": "resistance_ohm", "current": "read_current_a"}
                self.columns |= {"value": name, standard.get(quantity, "weight"): name}
                if quantity == "current":
                    self.columns["current_a"] = name
            self.columns.setdefault(each.role, name)
        self.columns |= {"g_lrs_s": self.columns.get("r_lrs", ""), "g_hrs_s": self.columns.get("r_hrs", "")}

    def agrees(self, choice: Choice, question: Question, accepted_is_right: bool) -> dict[str, Any] | None:
        """Return the options of a choice, filled in, if all of them are true; else None."""
        filled: dict[str, Any] = {}
        for name, value in choice.options.items():
            if name == "accept":
                if not self._holds(question, accepted_is_right):
                    return None
                filled[name] = value
            elif name == "encoding":
                shown = [word for each in self.guise.pieces[0][1] for word in [each.name] if not word.isascii()]
                if not any(word in choice.means for word in shown):
                    return None
                filled[name] = value
            elif name == "header" and value == 0 and self.is_nameless:
                filled[name] = value
            elif name == "columns_are" and self._lists_others(question):
                return None
            elif name in ("columns", "map"):
                pairs = {ours: self._column(ours) for ours in value}
                wrong = [
                    ours
                    for ours, theirs in value.items()
                    if pairs[ours] is None or (not isinstance(theirs, Blank) and theirs != pairs[ours])
                ]
                if wrong:
                    return None
                filled[name] = {
                    ours: (pairs[ours] if isinstance(theirs, Blank) else theirs) for ours, theirs in value.items()
                }
            else:
                if name not in self.facts or not self._same(name, value):
                    return None
                filled[name] = self.facts[name] if _has_blank(value) or isinstance(value, Mapping) else value
        if "quantity" in filled and "unit" in self.facts and self.guise.style["place"] == "none":
            filled["unit"] = self.facts["unit"]
        return filled

    def _column(self, ours: str) -> str | None:
        """Return the column, or all columns, of a role."""
        value = VALUES.get(self.guise.kind, STATE)
        if ours not in ("value", value) or self.guise.layout != "wide":
            return self.columns.get(ours)
        states = [heading(each, self.guise.style["place"]) for each in self.guise.pieces[0][1] if each.role == value]
        return ",".join(states) if all(states) else None

    def _lists_others(self, question: Question) -> bool:
        """Return whether a question lists columns side by side of which one does not hold readings."""
        value = VALUES.get(self.guise.kind, STATE)
        names = {heading(each, self.guise.style["place"]) for each in self.guise.pieces[0][1] if each.role != value}
        listed = re.search(r"the \d+ columns (.+?) devices", question.text)
        return bool(listed and names & set(listed[1].split(", ")))

    def _same(self, name: str, value: Any) -> bool:
        true = self.facts[name]
        if _has_blank(value):
            return True
        if name == "unit" and str(value) not in ("1", "%") and str(true) not in ("1", "%"):
            one, other = parse_unit(str(value)), parse_unit(str(true))
            return one is not None and one == other
        return set(value.items()) <= set(true.items()) if isinstance(value, Mapping) else bool(value == true)

    def _holds(self, question: Question, accepted_is_right: bool) -> bool:
        """Return whether a statement is true; of those that cannot be told, whether they lead to the truth."""
        if kind := re.search(r"the table holds (\w+) data", question.text):
            return kind[1] == self.guise.kind
        if borders := re.search(r"(\d+) (train|sweep)s? of (\d+)(?: to (\d+))? rows", question.text):
            keys = [each for each in ("device_id", "cycle", "direction") if each in self.guise.truth]
            sizes = self.guise.truth.groupby(keys).size()
            return [int(borders[1]), int(borders[3]), int(borders[4] or borders[3])] == [
                len(sizes),
                sizes.min(),
                sizes.max(),
            ]
        return accepted_is_right

    def _names(self) -> str:
        """Return names with units for columns that have none in the file."""
        found = []
        for each in self.guise.pieces[0][1]:
            role = self.facts["quantity"] if each.role == STATE else each.role
            name = NAMES[role][ENGLISH][0] if role in NAMES else role
            found.append(f"{name} ({each.unit})" if each.unit else name)
        return ",".join(found)

    def answer(self, question: Question, accepted_is_right: bool) -> dict[str, Any] | None:
        """Return the true answer among those offered, or the options of the question that are true; None for none."""
        for choice in question.choices:
            if (filled := self.agrees(choice, question, accepted_is_right)) is not None:
                return filled
        return None

    @property
    def is_foreign(self) -> bool:
        """Return whether the names of the columns do not say in English what they hold."""
        return self.guise.style["words"] in ("none", GERMAN, CHINESE)

    @property
    def is_nameless(self) -> bool:
        """Return whether the columns have no names."""
        return bool(self.guise.style["words"] == "none")

    def unread(self, table: Table) -> dict[str, str]:
        """Return the columns of a table that are shown as kept, of which the owner knows the meaning."""
        if len(self.guise.pieces) > 1:
            return {}
        kept = {each.name for each in table.meta["layout"].columns if each.role == KEPT}
        return {ours: theirs for ours, theirs in self.roles().items() if theirs in kept}

    def roles(self) -> dict[str, str]:
        """Return the columns by their roles, each once."""
        left = ("conductance_s", "resistance_ohm", "read_current_a", "weight") if "value" in self.columns else ()
        left += ("current_a",) if "value" in self.columns else ()
        return {
            ours: theirs
            for ours, theirs in self.columns.items()
            if theirs and (ours in GLOSSARY or ours == "value") and ours not in (STATE, *left)
        }

    def description(self) -> dict[str, Any]:
        """Return everything that the owner can say, at once."""
        facts = {**self.facts}
        if self.is_nameless and self.guise.layout == "long":
            facts |= {"header": 0, "skip": self.guise.above, "names": self._names()}
            return {**facts, "accept": True, "unit": None, "quantity": None}
        if self.is_foreign:
            facts["columns"] = self.roles()
        if self.is_nameless:
            facts |= {"header": 0, "skip": self.guise.above}
        if self.guise.style["place"] != "none":
            facts.pop("unit", None)
        return {**facts, "accept": True}


def _has_blank(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else [value]
    return any(isinstance(each, Blank) for each in parts)


def _read(
    paths: list[Path], options: ReadOptions, form: Mapping[str, Any], accepted: frozenset[str] = frozenset()
) -> Table:
    with warnings.catch_warnings(), answered_by(FormAnswers(dict(form))):
        warnings.simplefilter("ignore")
        return read(paths if len(paths) > 1 else paths[0], options, accepted=accepted)


def judge(guise: Guise, folder: Path) -> Judgement:
    """Return how a guise is read: bare, by forms, or not."""
    paths, owner = write(guise, folder), Owner(guise)
    options, form = ReadOptions(), {}
    asked: list[str] = []
    for number in range(ROUNDS + 1):
        try:
            table = _read(paths, options, form)
        except QuestionError as error:
            asked.append(error.asked.text)
            options, answers = _answers(owner, error.asked, options, paths, form)
            if not answers and len(asked) > 1 and asked[-1] == asked[-2]:
                return _described(guise, owner, paths, f"no answer to: {error.asked.text}")
            form = {**form, **answers}
        except DevicekitError as error:
            return _described(guise, owner, paths, f"{type(error).__name__} after {number} forms: {error}"[:300])
        else:
            if why := differs(guise, table):
                said = [each.message for each in table.warnings if each.code == "accepted"]
                return Judgement(
                    guise.seed, "WRONG", f"{why} after {number} forms {non_default(options)} {form} {said}"
                )
            return Judgement(
                guise.seed,
                ("right bare", "one form")[number] if number < 2 else "more rounds",
                "" if number < 2 else " | ".join(asked[1:]),
            )
    return _described(guise, owner, paths, f"asks on: {' | '.join(asked)}")


def _answers(
    owner: Owner, question: Question, options: ReadOptions, paths: list[Path], form: Mapping[str, Any]
) -> tuple[ReadOptions, dict[str, Any]]:
    """Return the answers of the owner to everything that is asked; where none is offered, further options."""
    right = False
    answers: dict[str, Any] = {}
    more: dict[str, Any] = {}
    with suppress(DevicekitError):
        trial = _read(paths, replace(options, accept=True), form)
        right = not differs(owner.guise, trial)
        if columns := owner.unread(trial):
            more["columns"] = {**options.columns, **columns}
    if owner.is_nameless:
        more["columns"] = {**options.columns, **owner.roles()}
    for each in question.each:
        if (answer := owner.answer(each, right)) is not None:
            answers[each.text] = answer
            continue
        more |= {name: owner.facts[name] for name in each.fields if name in owner.facts}
        more.setdefault("kind", owner.guise.kind)
        if owner.is_foreign:
            more["columns"] = {**options.columns, **owner.roles()}
    if not answers and more == {name: getattr(options, name) for name in more}:  # no news: everything at once
        more = {name: value for name, value in owner.description().items() if name not in ("accept", "skip")}
        more.setdefault("columns", {})
    with suppress(DevicekitError):
        options = replace(options, **more)
    with suppress(DevicekitError):  # the table that the answers lead to is shown beside the form
        trial = _read(paths, replace(options, accept=True), {**form, **answers})
        options = replace(options, columns={**options.columns, **owner.unread(trial)})
    return options, answers


def _described(guise: Guise, owner: Owner, paths: list[Path], why: str) -> Judgement:
    """Return whether a description of the whole file is enough where answers were not."""
    described = owner.description()
    try:
        table = _read(paths, ReadOptions.of(**described), {})
    except DevicekitError as error:
        return Judgement(guise.seed, "refused", f"{why} || {described}: {error}"[:700])
    if wrong := differs(guise, table):
        return Judgement(guise.seed, "refused", f"{why} || {described}: {wrong}"[:700])
    return Judgement(guise.seed, "described", why)


def describe(guise: Guise) -> str:
    """Return a guise in one line."""
    names = [heading(each, guise.style["place"]) for each in guise.pieces[0][1]]
    style = {name: value for name, value in guise.style.items() if value and value not in (".", "utf-8")}
    return f"{guise.kind} {guise.layout} {guise.over} {names} {guise.facts} {style}"


def survey(folder: Path, seeds: Iterable[int]) -> tuple[Counter[str], list[Judgement]]:
    """Return the counts of outcomes, and every judgement that is not right by one form."""
    counts: Counter[str] = Counter()
    faults = []
    for seed in seeds:
        judgement = judge_seed(folder, seed)
        counts[judgement.outcome] += 1
        if judgement.outcome not in OUTCOMES[:2]:
            faults.append(judgement)
    return counts, faults


def judge_seed(folder: Path, seed: int) -> Judgement:
    """Return the judgement of the guise of a seed; a fault of the program is WRONG."""
    guise = draw(seed)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            return judge(guise, Path(own))
        except Exception:
            return Judgement(seed, "WRONG", traceback.format_exc(limit=-3))


def log(path: Path, first: int) -> None:
    """Judge fresh seeds without end from the last one in a log on, one line each."""
    done = [json.loads(line)["seed"] for line in path.read_text().splitlines()] if path.exists() else []
    seed = max([first - 1, *done]) + 1
    with path.open("a") as out:
        while True:
            found = judge_seed(Path(tempfile.gettempdir()), seed)
            out.write(json.dumps({"seed": seed, "outcome": found.outcome, "why": found.why}) + "\n")
            out.flush()
            seed += 1


if __name__ == "__main__":
    log(Path(sys.argv[1]), int(sys.argv[2]))
