"""Page of a population: what is here, yield, distributions, components, map, conditions, order, what stands out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from devicekit.core.intervals import IN_BRACKETS
from devicekit.core.text import count, listed
from devicekit.features.definitions import V_FORM, V_FORM_METHOD, rule
from devicekit.plot import Panel
from devicekit.population import figures
from devicekit.population.components import label
from devicekit.population.distributions import STEP_NAMES
from devicekit.population.join import QUANTITIES, STATES
from devicekit.population.result import Population
from devicekit.report import Block, Figure, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section, warnings_section

Curves = Mapping[str, tuple[np.ndarray, np.ndarray]]
MOST_MAPS = 4
MOST_SURFACES = 4
MOST_PICTURES = 24  # of sweeps that stand out
SMALL = (4.8, 3.1)


def population_page(found: Population, command: str, sweeps: Callable[[Sequence[tuple[str, int]]], Curves]) -> Report:
    """Build the page.

    Parameters
    ----------
    found : Population
    command : str
        Command that reproduces the page.
    sweeps : callable
        Reads sweeps again: (file, number) of each -> voltage and current by name.
    """
    cdf, place, parts = _cdf(found), _map(found), _components(found)
    pictures = sorted(
        (each for each in (cdf, place or _yield_figure(found), parts) if each is not None), key=lambda each: each.wide
    )  # a wide one below the others
    sections = [
        _here(found),
        _yield(found),
        Section("Distributions", "distributions", _distributions(found, cdf)),
        Section("Variance components", "components", _component_blocks(found, parts)),
        *([Section("Map", "map", [place, *_more_maps(found)])] if place else []),
        *([Section("Conditions", "conditions", blocks)] if (blocks := _conditions(found)) else []),
        *([Section("Comparison", "comparison", _comparison(found))] if found.comparisons else []),
        *([Section("Change over cycles", "order", blocks)] if (blocks := _order(found)) else []),
        Section("What stands out", "standouts", _standouts(found, sweeps)),
        *([Section("What these files cannot tell", "unknown", [Text(list(found.unknown))])] if found.unknown else []),
        *(
            [Section("Files left out", "left-out", [Table.of(found.left_out, "Files left out")])]
            if found.left_out
            else []
        ),
        *([warnings_section(found.warnings)] if found.warnings else []),
        provenance_section(_provenance(found), command),
    ]
    return Report(
        f"Population: {found.name}",
        found.verdict(),
        found.sentences(),
        sections,
        marks=mark_keys(found.marks),
        pictures=pictures,
        numbers=_numbers(found),
        warnings=found.warnings,
        source=f"{count(found.files, 'file')}, {count(found.n_cells, 'cell')}",
    )


def _numbers(found: Population) -> list[Any]:
    """Return the five numbers of the first page: yield, medians, and the largest component of the main quantity."""
    scalars = {each.name: each for each in found.scalars()}
    own = found.components_of(found.main) if found.main else []
    stem = found.main.removesuffix("_v").removesuffix("_s")
    largest = [
        f"{stem}_{each.level}_sd_{'decades' if each.unit == 'decades' else 'v'}"
        for each in own
        if each.share == max(one.share for one in own)
    ]
    wanted = ["working_share", "v_set_v", "v_reset_v", "g_lrs_s", *largest, "v_form_v", "g_hrs_s"]
    return [scalars[name] for name in wanted if name in scalars]


def _bounds(found: Population, names: Sequence[str]) -> dict[str, tuple[np.ndarray, np.ndarray, bool]]:
    shown = {}
    for name in names:
        if found.distribution(name) is None:
            continue
        values = found.values[name]
        if len(values) > 1:
            about = QUANTITIES[name]
            shown[about.label] = (values["low"].to_numpy(float), values["high"].to_numpy(float), about.log)
    return shown


def _draw(panel: Panel, caption: str, alt: str, **more: Any) -> Figure:
    return draw(panel, caption, alt, **more)


def _cdf(found: Population) -> Figure | None:
    shown = _bounds(found, ("v_form_v", "v_set_v", "v_reset_v"))
    if not shown:
        return None
    words = "Cumulative distributions of the voltages over cells and cycles; values beyond a sweep stay in the share"
    return _draw(figures.distributions(shown, "V"), f"{words}.", words, title="Distributions of the voltages.")


def _distributions(found: Population, cdf: Figure | None) -> list[Block]:
    blocks: list[Block] = [Table.of(found.distributions, f"Distributions over cells and cycles. {IN_BRACKETS[:-1]}")]
    definitions = (
        f"V_set: {rule(found.v_set_method, found.read_voltage_v)}. {V_FORM.label}: "
        f"{rule(V_FORM_METHOD, found.read_voltage_v)}. V_reset: "
        f"{rule(found.v_reset_method, found.read_voltage_v)}. HRS, LRS: conductances at {found.read_voltage_v:g} V. "
        "Intervals of medians resample whole cells."
    )
    blocks += [cdf] if cdf else []
    levels = _bounds(found, ("g_hrs_s", "g_lrs_s"))
    if levels:
        alt = f"Cumulative distributions of {listed(list(levels))}"
        blocks.append(_draw(figures.distributions(levels, "S"), f"{alt}.", alt))
    for each in found.distributions:
        if each.quantity in ("v_set_v", "v_reset_v") and np.isfinite(each.weibull_shape):
            values = found.values[each.quantity]
            low, high = values["low"].to_numpy(float), values["high"].to_numpy(float)
            for kind in ("weibull", "normal"):
                words = f"{label(each.quantity)} on a {'Weibull' if kind == 'weibull' else 'normal'} scale"
                blocks.append(
                    _draw(figures.probability(low, high, QUANTITIES[each.quantity], kind), f"{words}.", words)
                )
    return [*blocks, Text([definitions])]


def _components(found: Population) -> Figure | None:
    shown = [each for each in found.components if each.unit == "V"] or list(found.components)
    if not shown:
        return None
    own = [each for each in shown if each.unit == shown[0].unit]
    panel = figures.components(own, [label(each.quantity) for each in own], own[0].unit)
    size = (4.8, min(max(2.2, 0.3 * len(own) + 1.0), 4.6))
    words = "Standard deviations between wafers, dies, cells and cycles, with 95 % intervals"
    return _draw(
        panel, f"{words}; one that reaches the edge goes on.", words, size=size, title="Where the voltages vary."
    )


def _component_blocks(found: Population, figure: Figure | None) -> list[Block]:
    if not found.components:
        return [Text(["Too few values for variance components."])]
    words = (
        "By restricted maximum likelihood of the nested design, conditions held; intervals by profile likelihood, "
        "with the degrees of freedom of the level. One that begins at 0 is cautious: with few wafers or dies it "
        "holds the truth in 99 %. A value beyond its sweep enters as a bound."
    )
    table = Table.of(found.components, "Variance components of each quantity", len(found.components))
    return [table, *([figure] if figure else []), Text([words])]


def _here(found: Population) -> Section:
    rows = [(STEP_NAMES.get(name, name), str(number)) for name, number in found.step_counts.items()]
    states = [(STATES[name], str(number)) for name, number in found.states.items()]
    blocks: list[Block] = [
        Table(("step", "sweeps"), rows, "Sweeps by step."),
        Table(("at the end", "cells"), states, "Cells by their state at the end."),
    ]
    if found.notes is not None:
        blocks.append(Text([found.notes.sentence()]))
    return Section("What is here", "here", blocks)


def _yield_figure(found: Population) -> Figure | None:
    if not found.yields:
        return None
    words = "Yield of each step: share of cells, and of attempts, with 95 % intervals"
    return _draw(figures.yields(found.yields), f"{words}.", words, size=(4.8, 2.4), title="Yield of each step.")


def _yield(found: Population) -> Section:
    figure = _yield_figure(found)
    table = Table.of(found.yields, "Yield of each step") if found.yields else Text(["No steps."])
    return Section("Yield", "yield", [table, *([figure] if figure else [])])


def _map(found: Population, name: str = "") -> Figure | None:
    placed = figures.positions(found.of_cells)
    name = name or next(
        (each for each in (found.main, "v_set_v", "v_form_v") if each and _has_medians(found, each)), ""
    )
    if placed is None or not name or placed["wafer"].nunique() > MOST_MAPS:
        return None
    about = QUANTITIES[name]
    images = figures.maps(placed, name, about.label, about.unit, about.log)
    size = SMALL if len(images) < 3 else (9.6, 3.1)
    words = f"Map of {about.label}, median of each cell; gaps separate dies; blank: no value"
    return draw(images, f"{words}.", words, size, wide=len(images) > 2, title=f"{about.label} by position.")


def _has_medians(found: Population, name: str) -> bool:
    return int(found.of_cells[name].notna().sum()) >= 2


def _more_maps(found: Population) -> list[Block]:
    names = [each for each in ("v_set_v", "v_reset_v", "g_lrs_s") if each != found.main and _has_medians(found, each)]
    return [figure for name in names if (figure := _map(found, name)) is not None]


def _conditions(found: Population) -> list[Block]:
    if not found.effects:
        return []
    blocks: list[Block] = [
        Table.of(
            found.effects, "Change of each quantity over the range of a condition, other conditions held; p by Holm"
        )
    ]
    shown = [each for each in found.effects if each.levels > 2 and np.isfinite(each.p)]
    for each in sorted(shown, key=lambda each: each.p)[:MOST_SURFACES]:
        model = found.models[each.quantity]
        words = f"{label(each.quantity)} against {each.factor}"
        blocks.append(_draw(figures.surface(model, each), f"{words}, with the 95 % band of the model.", words))
    return blocks


def _comparison(found: Population) -> list[Block]:
    first = found.comparisons[0]
    words = (
        f"{first.second} against {first.first}. Cycles of one cell are not independent: intervals and p take the units "
        "of the table as what was drawn; the permutation exchanges whole units."
    )
    return [
        Table.of(found.comparisons, f"{first.second} minus {first.first}; p of all quantities by Holm"),
        Text([words]),
    ]


def _order(found: Population) -> list[Block]:
    blocks: list[Block] = [Table.of(found.ageing, "Drift over the cycles of a cell; p by Holm")] if found.ageing else []
    for name in ("v_set_v", "v_reset_v"):
        if name in found.models and found.models[name].values["cycle"].nunique() > 3:
            words = f"{label(name)} over the cycles of the cells with most of them"
            panel = figures.over_cycles(found.values[name], QUANTITIES[name])
            blocks.append(_draw(panel, f"{words}, a line each.", words))
    return blocks


def _standouts(found: Population, sweeps: Callable[[Sequence[tuple[str, int]]], Curves]) -> list[Block]:
    blocks: list[Block] = []
    if found.standouts:
        blocks.append(Table.of(found.standouts, "Cells far from the others, beyond 3.5 robust standard deviations"))
    if found.disagreements:
        words = "Sweeps of which the note says something else than the numbers; a switch changes G at least twofold"
        blocks.append(Table.of(found.disagreements, words))
        for each in found.disagreements[:MOST_PICTURES]:
            curves = sweeps([(each.file, each.sweep)])
            if curves:
                caption = f"{each.file}. Note: {each.note}. Numbers: {each.found}."
                curves = {f"sweep {each.sweep}": curve for curve in curves.values()}  # the name of a file is long
                figure = _draw(figures.sweeps(curves), caption, f"Sweep of {each.file}")
                blocks.append(replace(figure, title=each.found))
    return blocks or [Text(["No cell is beyond 3.5 robust standard deviations."])]


def _provenance(found: Population) -> list[tuple[str, str]]:
    rows = [("names", each) for each in found.templates]
    return [*rows, ("files read", str(found.files)), ("files left out", str(len(found.left_out)))]
