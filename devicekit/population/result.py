"""Result of a population: what is in the folder, yields, distributions, components, conditions, what stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.estimates import Estimate
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed, percent, si
from devicekit.features.definitions import V_FORM_METHOD, definition
from devicekit.population import components as mixed
from devicekit.population.compare import Comparison, compare, shared
from devicekit.population.components import Component, Effect, Model
from devicekit.population.distributions import (
    STEP_NAMES,
    Distribution,
    Yield,
    distribution_of,
    state_share,
    working_text,
    yields_of,
)
from devicekit.population.grammar import is_unnamed
from devicekit.population.join import DEAD, QUANTITIES, STATES, add_cycles, add_medians, all_values, cells_of
from devicekit.population.notes import parse_note
from devicekit.population.standouts import Ageing, Standout, ageing_of, corrected, standouts_of
from devicekit.population.steps import HAPPENED, OUTCOMES, SWITCHING
from devicekit.population.templates import STEPS

NEAR_NOTE = 0.15  # V, within which a voltage agrees with that of a note
FEW = 6  # wafers or dies, up to which an interval that begins at 0 holds the truth in 99 % (benchmarks)
MAIN = ("v_set_v", "v_form_v", "v_reset_v", "g_lrs_s", "g_hrs_s")  # quantities by importance


@dataclass(frozen=True, kw_only=True)
class Unread(Record):
    """A file that is left out."""

    file: str = column("file", doc="name of the file in its folder")
    reason: str = column("reason", doc="why it is left out")


@dataclass(frozen=True, kw_only=True)
class Disagreement(Record):
    """A sweep of which the note in the file says something else than its numbers."""

    file: str = column("file", doc="name of the file")
    sweep: int = column(doc="number of the sweep in the file")
    note: str = column("note", doc="words in the file")
    found: str = column("numbers say", doc="outcome, and voltage")


@dataclass(frozen=True, kw_only=True)
class Notes(Record):
    """Agreement of the numbers with what a person wrote into the files."""

    volts: int = column(doc="sweeps whose note names the voltage of a forming or a set")
    near: int = column(doc="of these, where V_form or V_set is within 0.15 V of it")
    failures: int = column(doc="sweeps whose note says that it failed, or was on before")
    failures_found: int = column(doc="of these, where the numbers say that it did not switch")
    successes: int = column(doc="sweeps whose note says that it switched")
    false_alarms: int = column(doc="of these, where the numbers say that it did not")

    def sentence(self) -> str:
        """Return the agreement in a sentence."""
        parts = []
        if self.volts:
            parts.append(f"V_form and V_set within {NEAR_NOTE:g} V of the note in {self.near} of {self.volts}")
        if self.failures:
            parts.append(f"{self.failures_found} of {self.failures} noted failures found")
        if self.successes:
            parts.append(f"{self.false_alarms} of {self.successes} noted successes judged as failures")
        return f"Notes in the files: {'; '.join(parts)}." if parts else ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Population(Record):
    """Result of the files of many cells."""

    name: str = column(doc="name of the folder, or of the two that are compared")
    files: int = column(doc="number of files that were read")
    templates: tuple[str, ...] = column(doc="templates of the names of the files")
    left_out: tuple[Unread, ...] = column(table="left_out", doc="files that are left out, with the reason")
    steps: pd.DataFrame = column(json=False, table="steps", doc="one row per sweep: place, step, figures, conditions")
    of_cells: pd.DataFrame = column(
        json=False,
        name="cells_table",
        table="cells",
        doc="one row per cell: place, attempts, medians, what became of it",
    )
    yields: tuple[Yield, ...] = column(table="yields", doc="yield of each step")
    distributions: tuple[Distribution, ...] = column(table="distributions", doc="distribution of each quantity")
    components: tuple[Component, ...] = column(table="components", doc="variance components of each quantity")
    effects: tuple[Effect, ...] = column(table="effects", doc="what each condition does to each quantity")
    ageing: tuple[Ageing, ...] = column(table="ageing", doc="drift of each quantity over the cycles of a cell")
    standouts: tuple[Standout, ...] = column(table="standouts", doc="cells that stand out")
    comparisons: tuple[Comparison, ...] = column(table="comparison", doc="two populations compared")
    notes: Notes | None = column(doc="agreement with the notes in the files; None without notes")
    disagreements: tuple[Disagreement, ...] = column(table="disagreements", doc="sweeps that disagree with their notes")
    unknown: tuple[str, ...] = column(doc="what the files cannot tell, a sentence each")
    read_voltage_v: float = column(doc="read voltage of HRS and LRS")
    v_set_method: str = column(doc="name of the definition of V_set")
    v_reset_method: str = column(doc="name of the definition of V_reset")
    values: Mapping[str, pd.DataFrame] = internal("values of each quantity, one per cycle")
    models: Mapping[str, Model] = internal("mixed model of each quantity")
    marks: tuple[str, ...] = column(default=(), doc="synthetic, simulated, calibrated: what the data are")
    warnings: tuple[CodedWarning, ...] = column(default=(), doc="warnings about the data")

    @derived()
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.of_cells)

    @derived()
    def states(self) -> dict[str, int]:
        """Number of cells by what became of them."""
        return {str(name): int(number) for name, number in self.of_cells["state"].value_counts(sort=True).items()}

    @derived()
    def working(self) -> Estimate:
        """Share that still set and reset at the end, of the cells that were tried often enough to tell."""
        return state_share(self.of_cells, ("works",))

    @cached_property
    def step_counts(self) -> dict[str, int]:
        """Number of sweeps by step."""
        numbers = self.steps["step"].value_counts()
        return {name: int(numbers[name]) for name in STEPS if name in numbers}

    def distribution(self, quantity: str) -> Distribution | None:
        """Return the distribution of a quantity; None if it has none."""
        return next((each for each in self.distributions if each.quantity == quantity), None)

    def components_of(self, quantity: str) -> list[Component]:
        """Return the components of a quantity, outermost first."""
        return [each for each in self.components if each.quantity == quantity]

    @property
    def main(self) -> str:
        """The quantity that matters most of those with components, else with a distribution; "" without any."""
        known = {each.quantity for each in self.components} or {each.quantity for each in self.distributions}
        return next((name for name in MAIN if name in known), "")

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the numbers that matter most: yield, medians, the component of the cycles and of the cells."""
        works, label = self.working, "cells that work"
        found = [Scalar.from_estimate("working_share", label, works, of="cells")] if works.known else []
        methods = {"v_set_v": self.v_set_method, "v_form_v": V_FORM_METHOD, "v_reset_v": self.v_reset_method}
        read = {name: definition(each, self.read_voltage_v) for name, each in methods.items()}
        for name in MAIN:
            if (own := self.distribution(name)) is not None:
                by = read.get(name, f"read at {self.read_voltage_v:g} V")
                words = f"{mixed.label(name)}, median"
                found.append(Scalar.from_estimate(name, words, own.median, own.unit, by=by))
        for each in self.components:
            stem = each.quantity.removesuffix("_v").removesuffix("_s")
            unit = "decades" if each.unit == "decades" else "v"
            words = f"{mixed.label(each.quantity)}, sd between {mixed.PLURAL[each.level]}"
            found.append(Scalar.from_estimate(f"{stem}_{each.level}_sd_{unit}", words, each.sd, each.unit))
        return tuple(found)

    def verdict(self) -> str:
        """Return the main result in one sentence."""
        text = working_text(self.states)
        own = self.components_of(self.main) if self.main else []
        if own:
            largest = max(own, key=lambda each: each.share)
            middle = self.distribution(self.main)
            size = f" ({si(middle.median.value, middle.unit)})" if middle else ""
            between = {"cycle": "from cycle to cycle", "cell": "from cell to cell", "die": "between dies"}
            between |= {"file": "from file to file"}
            where = between.get(largest.level, "between wafers")
            text += f"; {mixed.label(self.main)}{size} varies most {where}, {percent(largest.share)} of the variance"
        return f"{text}."

    def sentences(self) -> list[str]:
        """Return the findings: what is here, states, conditions, ageing, comparison, notes, and what is unknown."""
        steps = ", ".join(f"{number} {STEP_NAMES.get(name, name)}" for name, number in self.step_counts.items())
        states = ", ".join(f"{number} {STATES[name]}" for name, number in self.states.items())
        found = [f"{count(self.files, 'file')} of {count(self.n_cells, 'cell')}: {steps}.", f"Cells: {states}."]
        found += self.findings()
        return [*found, *([self.notes.sentence()] if self.notes else []), *self.unknown]

    def findings(self) -> list[str]:
        """Return what conditions, order and the comparison show, in sentences."""
        found = []
        seen = [each for each in self.effects if each.seen]
        for each in seen:
            way = "rises" if each.change.value > 0 else "falls"
            found.append(
                f"{mixed.label(each.quantity)} {way} with the {each.factor}: {each.change_text} "
                f"from {each.range_text} (p {each.p_holm:.2g})."
            )
        if self.effects and not seen:
            tested = listed(list(dict.fromkeys(each.factor for each in self.effects)))
            found.append(f"No effect of {tested} is beyond chance ({count(len(self.effects), 'test')}).")
        for own in self.ageing:
            if own.seen:
                change, cells = own.slope_text, count(own.n_cells, "cell")
                found.append(f"{mixed.label(own.quantity)} drifts by {change} in ten cycles, mean of {cells}.")
        for pair in self.comparisons:
            if pair.seen:
                found.append(f"{pair.first} and {pair.second} differ in {pair.cells()[0]}: {pair.difference_text}.")
        if self.comparisons and not any(pair.seen for pair in self.comparisons):
            pair = self.comparisons[0]
            found.append(f"{pair.first} and {pair.second} differ in nothing beyond chance.")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready values."""
        return super().as_dict()


def analyse(
    steps: pd.DataFrame,
    *,
    name: str,
    files: int,
    templates: Sequence[str],
    left_out: Sequence[Unread],
    definitions: tuple[float, str, str],
    split: tuple[str, tuple[str, str]] | None = None,
    seed: int = 0,
    marks: tuple[str, ...] = (),
) -> Population:
    """Analyse the sweeps of many cells.

    Parameters
    ----------
    steps : pandas.DataFrame
        See `devicekit.population.measure.to_frame`.
    name : str
    files : int
    templates, left_out : sequence
    definitions : (float, str, str)
        Read voltage [V] and definitions of V_set and V_reset.
    split : (str, (str, str)), optional
        Column whose two values are compared.
    seed : int
        Seed of resamples, draws and permutations.
    marks : tuple of str
    """
    from threadpoolctl import threadpool_limits

    steps = add_cycles(steps)
    cells = cells_of(steps)
    if split is not None and split[0] not in cells:
        first = steps.drop_duplicates("cell").set_index("cell")[split[0]]
        cells[split[0]] = cells["cell"].map(first)
    values = all_values(steps, cells)
    cells = add_medians(cells, values)
    models: dict[str, Model] = {}
    distributions, aged, effects, rare = [], [], [], list[str]()
    with threadpool_limits(1):  # many small problems
        for quantity, of_cycles in values.items():
            if (own := distribution_of(of_cycles, quantity, seed)) is not None:
                distributions.append(own)
            model = mixed.fit_model(of_cycles, quantity, mixed.find_factors(of_cycles), seed)
            rare += mixed.missing(of_cycles, quantity)
            if model is not None:
                models[quantity] = model
                effects += mixed.effects_of(model)
                aged += [drift] if (drift := ageing_of(model)) is not None else []
        components = [each for model in models.values() for each in mixed.components_of(model)]
        comparisons = compare(values, cells, *split, seed=seed) if split is not None else []
    notes, disagreements = _check_notes(steps)
    unknown = _unknown(steps, cells, distributions, models)
    return Population(
        name=name,
        files=files,
        templates=tuple(templates),
        left_out=tuple(left_out),
        steps=steps,
        of_cells=cells,
        yields=tuple(yields_of(steps)),
        distributions=tuple(distributions),
        components=tuple(components),
        effects=mixed.correct(effects),
        ageing=corrected(aged),
        standouts=tuple(standouts_of(cells, models)),
        comparisons=tuple(comparisons),
        notes=notes,
        disagreements=tuple(disagreements),
        unknown=(*unknown, *_cautious(components), *rare, *_confounded(cells, split), *_not_held(comparisons)),
        read_voltage_v=definitions[0],
        v_set_method=definitions[1],
        v_reset_method=definitions[2],
        values=values,
        models=models,
        marks=marks,
    )


def _cautious(components: Sequence[Component]) -> list[str]:
    """Return that intervals of few wafers or dies that begin at 0 are wider than they need to be."""
    places = (each for each in components if each.level in ("wafer", "die") and each.groups <= FEW)
    found = [each for each in places if each.sd.low == 0.0]
    levels = listed(list(dict.fromkeys(mixed.PLURAL[each.level] for each in found)))
    return [f"Few {levels}: intervals of their deviation from 0 on hold 99 % of the truths, not 95 %."] if found else []


def _confounded(cells: pd.DataFrame, split: tuple[str, tuple[str, str]] | None) -> list[str]:
    """Return that wafers or dies and populations cannot be separated, or that some of them hold one population only."""
    if split is None:
        return []
    own = cells[cells[split[0]].astype(str).isin(split[1])]
    for level, codes in (("wafer", own["wafer"]), ("die", own["wafer"].astype(str) + "\0" + own["die"].astype(str))):
        groups = codes.astype(str).groupby(own[split[0]].astype(str)).unique()
        inside = own[split[0]].astype(str).groupby(codes.astype(str)).nunique()
        partly = shared(own, *split) if {1, 2} <= set(inside) else None
        if partly is not None and partly[0] == mixed.PLURAL[level]:
            words = f"{(inside == 1).sum()} of {count(len(inside), level)} hold one of the populations only"
            return [f"{words}: the comparison is within the others."]
        if {1, 2} <= set(inside) and partly is None:
            return [
                f"{(inside == 1).sum()} of {count(len(inside), level)} hold one of the populations only: the deviation "
                f"between {mixed.PLURAL[level]} is not in the p values, which are too small if there is one."
            ]
        if all(len(each) == 1 for each in groups) and len({each[0] for each in groups}) == len(groups) > 1:
            return [f"One {level} a population: their difference may be that of the {mixed.PLURAL[level]}."]
    return []


def _not_held(comparisons: Sequence[Comparison]) -> list[str]:
    """Return that conditions and populations cannot be separated."""
    found = dict.fromkeys(each for pair in comparisons for each in pair.not_held)
    return [f"The {each} differs between the populations: their difference may be its effect." for each in found]


def _check_notes(steps: pd.DataFrame) -> tuple[Notes | None, list[Disagreement]]:
    """Return how far the numbers agree with the notes in the files."""
    numbers = dict.fromkeys(("volts", "near", "failures", "failures_found", "successes", "false_alarms"), 0)
    other = []
    rows = steps[steps["step"].isin(SWITCHING) & (steps["note"] != "") & ~steps["from_loop"]]
    for row in rows.to_dict("records"):
        remark = parse_note(str(row["note"]))
        switched = row["outcome"] in HAPPENED
        at = next((abs(row[name]) for name in ("v_form_v", "v_set_v") if np.isfinite(row[name])), np.nan)
        wrong = False
        if remark.volts is not None and switched and row["step"] != "reset":
            near = abs(at - abs(remark.volts)) <= NEAR_NOTE
            numbers["volts"] += 1
            numbers["near"] += bool(near)
            wrong = not near
        if remark.verdict in ("failed", "before"):
            numbers["failures"] += 1
            numbers["failures_found"] += not switched
            wrong = wrong or switched
        elif remark.verdict == "done":
            numbers["successes"] += 1
            numbers["false_alarms"] += not switched
            wrong = wrong or not switched
        if wrong:
            volts = f" at {at:.3g} V" if np.isfinite(at) else ""
            found = f"{OUTCOMES[str(row['outcome'])]}{volts}{'' if switched else _numbers(row)}"
            other.append(Disagreement(file=row["file"], sweep=int(row["sweep"]), note=str(row["note"]), found=found))
    return (Notes(**numbers) if any(numbers.values()) else None), other


def _numbers(row: Mapping[Any, Any]) -> str:
    """Return the conductances of a sweep that did not switch, and its limit if it ends there, in brackets."""
    states = [(row["g_before_s"], "before"), (row["g_end_s"], "at the end")]
    words = [f"{si(value, 'S')} {when}" for value, when in states if np.isfinite(value)]
    if row["limited"]:
        words.append(f"at its limit of {si(row['compliance_a'], 'A')}")
    return f" ({', '.join(words)})" if words else ""


def _unknown(
    steps: pd.DataFrame, cells: pd.DataFrame, distributions: Sequence[Distribution], models: Mapping[str, Model]
) -> list[str]:
    """Return what the files cannot tell."""
    found = []
    wafers, dies = cells["wafer"].nunique(), cells.groupby(["wafer", "die"]).ngroups
    if wafers < 2:
        found.append("One wafer: the deviation between wafers is unknown.")
    elif wafers == 2:
        found.append("Two wafers: their standard deviation is known within a factor of 30 at best.")
    if dies < 2:
        found.append("One die: the deviation between dies is unknown.")
    named = [each for each in ("wafer", "die") if (cells[each].astype(str) != "").any()]
    numbers = {"wafer": wafers, "die": dies, "cell": len(cells)}
    for outer, inner in pairwise([*named, "cell"]):
        if 1 < numbers[outer] == numbers[inner]:
            words = f"{mixed.PLURAL[outer]} and {mixed.PLURAL[inner]}"
            found.append(f"One {inner} a {outer}: {words} cannot be separated.")
    alive = cells[~cells["state"].isin(DEAD)]
    if len(alive) and float((steps.groupby("cell")["cycle"].max() <= 1).mean()) > 0.9:
        found.append("One cycle a cell: cells and cycles cannot be separated.")
    found += [
        f"Nothing says what {name.removeprefix('key_')} of the file names is: name it by --template."
        for name in map(str, steps)
        if is_unnamed(name.removeprefix("key_"))
    ]
    single = [
        words
        for name, (words, _) in mixed.LABELS.items()
        if name in steps and name != "rate_v_s" and steps.loc[steps["step"] == "set", name].nunique() == 1
    ]
    if single:
        found.append(f"One {listed(single)}: its effect is unknown.")
    sets = steps[(steps["step"] == "set") & (steps["outcome"] == "switched")]
    hidden = int(sets["g_hrs_s"].isna().sum())
    if hidden > 0.5 * len(sets) > 0:
        found.append(f"The HRS lies below the noise in {hidden} of {count(len(sets), 'set')}: its median is not known.")
    known = {each.quantity for each in distributions}
    few = [mixed.label(name) for name in QUANTITIES if name in known and name not in models]
    if few:
        found.append(f"No components of {listed(few)}: too few values, or all the same.")
    return found
