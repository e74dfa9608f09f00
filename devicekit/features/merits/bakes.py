"""Bakes of many cells: shifts by level, visible loss and its apparent energy, relaxation, and bit errors.

Cells that are read once before and once after a bake show how conductances move and how often bits are then misread.
They do not show a life: one time a bake determines the product of energy and time exponent only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from devicekit.core.constants import ZERO_C
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Estimate, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed, percent, percent_span, si
from devicekit.device.bakes import SHARES, Bake, BakedLevel, BakeLaw, Bakes, RelaxedLevels, TimeExponent, celsius
from devicekit.device.measured import Retention
from devicekit.features.bakes import figures
from devicekit.features.bakes.bits import BakeErrors, LaterErrors, PlacedLevel, bake_errors, later_errors, write_window
from devicekit.features.bakes.errors import LEAST_IN_WINDOW
from devicekit.features.bakes.law import LAW_EV, BakeReach, PredictedShift, copy_coverage, predict_shifts, reach, times
from devicekit.features.bakes.loss import GroupEnergy, GroupMove, Loss, energy_words, find_loss, measure_exponent
from devicekit.features.bakes.pairs import Pairs, is_population, pair
from devicekit.features.bakes.relaxation import Relaxation, find_relaxation
from devicekit.features.bakes.shifts import LOST, LevelShift, level_shifts
from devicekit.features.merit import MeritResult, Settings, figure, origin
from devicekit.features.merits.arrhenius import time_words
from devicekit.features.stats import clopper_pearson
from devicekit.plot import Axis, Panel
from devicekit.report import Block, Table
from devicekit.tables import RetentionTable
from devicekit.tables import Table as AnyTable

BY_HAND = "set by hand"
ONE_TEMPERATURE = "one temperature gives no energy"
NO_EXPONENT = (
    "one time a bake gives only the product of energy and time exponent. Measure three times over three decades at one "
    "temperature, or set --time-exponent"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class BakesResult(MeritResult):
    """Shifts of many cells by bakes, and what they allow."""

    card_block: ClassVar[str] = "retention"
    figure_caption: ClassVar[str] = "Mean shift of each level (lines), and 95 % of its cells (bands)."
    figure_alt: ClassVar[str] = "Shift by a bake against conductance"

    shifts: tuple[LevelShift, ...] = column(table="bake_shifts", doc="shift of each level by each bake")
    moves: tuple[GroupMove, ...] = column(
        table="bake_groups", caption="Groups of levels against the colder bakes", doc="groups of levels at each bake"
    )
    energies: tuple[GroupEnergy, ...] = column(
        table="bake_energies",
        caption="Apparent energy of the loss (95 % interval)",
        doc="energy of each group of levels",
    )
    loss: Loss | None = column(inline=True, doc="visible loss and its apparent energy; None at one temperature")
    errors: tuple[BakeErrors, ...] = column(
        table="bake_errors", caption="Wrong bits (95 % interval)", doc="bit errors after each bake"
    )
    placed: tuple[PlacedLevel, ...] = column(
        table="placed_levels", caption="Levels placed for the chosen bake", doc="levels placed for the chosen bake"
    )
    chosen: str = column(name="placed_for", doc="bake for which levels are placed, unless stated otherwise")
    write_window_s: float | None = column(unit="S", doc="width of a window to write; None without levels")
    reaches: tuple[BakeReach, ...] = column(
        table="bake_reach", caption="Time in use that each bake stands for", doc="what each bake can stand for"
    )
    relaxation: Relaxation | None = column(doc="relaxation in time; None with fewer than three times")
    later: tuple[LaterErrors, ...] = column(
        table="later_errors", caption="Wrong bits at a later time", doc="bit errors at the horizon"
    )
    predicted: tuple[PredictedShift, ...] = column(
        table="predicted_shifts", caption="Predicted bake, and both baselines", doc="prediction of a hotter bake"
    )
    time_exponent: float | None = column(doc="exponent of time of the loss; None if unknown")
    exponent_source: str | None = column(name="time_exponent_source", doc="measured, or set by hand")
    energy_of_time: Estimate | None = column(
        name="energy_of_time_ev", unit="eV", doc="apparent energy over the time exponent; None if one is unknown"
    )
    life_refusal: str | None = column(doc="why no life in use is given")
    population: Pairs = internal("the cells")
    table: RetentionTable = internal("the readings")

    @derived(name="cells")
    def n(self) -> int:
        """Number of cells."""
        return int(self.population.level.size)

    def for_card(self) -> Retention:
        """Return the block `retention` of a card, with its part `bakes`."""
        loss, exponent = self.loss, None
        if self.time_exponent is not None:
            exponent = TimeExponent(value=self.time_exponent, source=self.exponent_source or BY_HAND)
        energy = loss.energy if loss else None
        law = BakeLaw(
            loss_k=loss.loss_k if loss else (),
            apparent_energy_ev=None if energy is None else energy.value,
            energy_interval=None if energy is None else energy.ends,
            time_exponent=exponent,
            relaxation=tuple(RelaxedLevels(**each.block()) for each in self.relaxation.groups)
            if self.relaxation
            else (),
            refusal=self.life_refusal,
        )
        levels = tuple(BakedLevel(**each.block()) for each in self.shifts)
        return Retention(states=(), bakes=Bakes(shares=SHARES, levels=levels, bake_law=law), **origin(self.table))

    def scalars(self) -> tuple[Scalar, ...]:
        """Return bit errors of each number of levels at the chosen bake, and the numbers of its block of a card."""
        shown = []
        for each in self.errors:
            if each.rate is not None and bake_label(each) == self.chosen:
                label = f"wrong bits of {2**each.bits} levels after {self.chosen}"
                shown.append(
                    Scalar.from_estimate(f"bake_bit_errors_{each.bits}", label, each.rate, of="bits", by=self.chosen)
                )
        return (*shown, *self.for_card().scalars())

    def verdict(self) -> str:
        """Return the main result in one sentence."""
        first = next((each for each in self.errors if each.rate is not None and bake_label(each) == self.chosen), None)
        read = (
            f"{2**first.bits} levels are misread in {percent(first.rate.value)} of their bits after {self.chosen}"
            if first and first.rate
            else f"{count(self.n, 'cell')} were read after {count(len(self.population.bakes), 'bake')}"
        )
        if self.loss is None:
            return f"{read}."
        if not self.loss.loss_k:
            return f"{read}, and no bake shows a loss of conductance."
        return f"{read}; from {celsius(self.loss.loss_k[0])} on cells lose conductance."

    def sentences(self) -> list[str]:
        """Return the verdict, what the loss and the relaxation follow, and what is refused."""
        found = [self.verdict()]
        if self.loss is not None:
            found.append(self._energy_sentence(self.loss))
            found.append(self._life_sentence())
        if self.relaxation is not None:
            found.append(self._relaxation_sentence(self.relaxation))
        if self.later:
            found.append(f"Wrong bits of {2 ** self.later[0].bits} levels: {self.later[0].words}.")
        return found

    def _relaxation_sentence(self, found: Relaxation) -> str:
        slopes = [1e12 * each.variance_slope.value for each in found.groups]
        text = f"At {place_words(found.temperature_k)} the variance of the shift grows by {min(slopes):.2g} to "
        text += f"{max(slopes):.2g} µS² per decade of time, over {found.decades:.1f} decades."
        return text if not found.refusal else f"{text} Bit errors at a later time are not predicted: {found.refusal}."

    def _energy_sentence(self, loss: Loss) -> str:
        if loss.energy is None:
            return f"No apparent energy: {loss.refusal}."
        text = f"Apparent energy of the loss at the bakes' time: {energy_words(loss.energy)}"
        if loss.upper is not None and loss.reference_k is not None:
            text += f", or {energy_words(loss.upper)} if nothing was lost at {celsius(loss.reference_k)}"
        text += "." if loss.tested else "; two bakes do not test the law."
        return f"{text} It does not hold at use, where relaxation rules."

    def _life_sentence(self) -> str:
        last = self.reaches[-1]
        if self.life_refusal is not None:
            text = f"No life in use: {self.life_refusal}."
            if last.needed_ev is None:
                return text
            text += (
                f" The bake at {last.bake} stands for {time_words(last.horizon_s)} at {celsius(last.use_k)} only above "
            )
            return f"{text}{last.needed_ev:.3g} eV; that is {times(last.factor)} its time."
        assert last.use_time is not None
        text = f"With a time exponent of {self.time_exponent:.3g} ({self.exponent_source}) the energy of time is "
        text += f"{self.energy_of_time.value:.3g} eV: " if self.energy_of_time else ""
        text += f"the bake at {last.bake} stands for {time_words(last.use_time.value)} at {celsius(last.use_k)}, "
        return f"{text}{times(last.use_time.value / last.time_s)} its time."

    def notes(self) -> list[str]:
        """Return what a shift is, how levels are placed, and what a group's loss is."""
        text = "A shift is G after less G before."
        if self.errors:
            text += " Levels are placed on half of the cells and counted on the other half, in windows of "
            text += f"{si(self.write_window_s, 'S')} to write. The chosen bake is {self.chosen}."
        if any(each.rate is None for each in self.errors):
            text += f" A dash: fewer windows than levels hold {LEAST_IN_WINDOW} cells or more."
        moved = (
            "A loss is visible where a group moves by more than 0.3 sd and 5 standard errors below the colder bakes."
        )
        return [text, moved] if self.loss else [text]

    def panel(self) -> Panel:
        """Draw the mean shift of each level by each bake, with the range of 95 % of the cells."""
        names = list(dict.fromkeys(each.bake for each in self.shifts))
        bakes = []
        for name in names:
            rows = sorted((each for each in self.shifts if each.bake == name), key=lambda each: each.g_before_s)
            values = [(r.g_before_s, r.shift.value, r.quantiles_s[1], r.quantiles_s[-2]) for r in rows]
            bakes.append((name, *np.array(values).T))
        predicted = ""
        if self.predicted:
            predicted = f"{celsius(self.predicted[0].temperature_k)}, predicted"
            centre = dict(zip(self.population.levels, self.population.centres, strict=True))
            values = [(centre[r.level], r.shift_s, r.low_s, r.high_s) for r in self.predicted]
            bakes.append((predicted, *np.array(values).T))
        return figures.shifts(bakes, predicted)

    def errors_panel(self) -> Panel:
        """Draw the bit errors against temperature, or time if there is one temperature."""
        warm = self.loss is not None
        lines = {}
        for bits in dict.fromkeys(each.bits for each in self.errors):
            own = [each for each in self.errors if each.bits == bits and each.rate is not None]
            own = [each for each in own if not warm or each.temperature_k is not None]
            if own:
                at = [(each.temperature_k or 0.0) - ZERO_C if warm else each.time_s for each in own]
                rates = [(r.value, *(r.ends or (r.value, r.value))) for r in (each.rate for each in own) if r]
                lines[f"{2**bits} levels"] = (np.array(at), *np.array(rates).T)
        x = Axis("temperature of the bake", "°C") if warm else Axis("time", "s", "log")
        return figures.shares(lines, x, "wrong bits")

    def lost_panel(self) -> Panel:
        """Draw the shares of cells that lost conductance against temperature, or time if there is one temperature."""
        warm, pairs = self.loss is not None, self.population
        own = [k for k, each in enumerate(pairs.bakes) if not warm or each.temperature_k is not None]
        at = [(pairs.bakes[k].temperature_k or 0.0) - ZERO_C if warm else pairs.bakes[k].time_s for k in own]
        order, lines = np.argsort(at, kind="stable"), {}
        for share in LOST:
            ratios = [pairs.ratio[np.isfinite(pairs.ratio[:, own[k]]), own[k]] for k in order]
            counts = [(int((each <= 1.0 - share).sum()), each.size) for each in ratios]
            ends = np.array([clopper_pearson(*each) if each[1] else (np.nan, np.nan) for each in counts])
            rates = np.array([lost / n if n else np.nan for lost, n in counts])
            lines[f"lost {percent(share)} or more"] = (np.array(at)[order], rates, *ends.T)
        x = Axis("temperature of the bake", "°C") if warm else Axis("time", "s", "log")
        return figures.shares(lines, x, "cells")

    def relaxation_panel(self) -> Panel:
        """Draw the variance of the shift of each group of levels against time, with its line."""
        assert self.relaxation is not None
        found, pairs = self.relaxation, self.population
        own = [k for k, bake in enumerate(pairs.bakes) if bake.temperature_k == found.temperature_k]
        times = np.array([pairs.bakes[k].time_s for k in own])
        named = {pairs.name(group): group for group in pairs.groups(len(pairs.levels), 4)}
        drawn = []
        for each in found.groups:
            shift = pairs.shift[pairs.cells(named[each.levels])][:, own]
            line = each.variance_1s_s2 + each.variance_slope.value * np.log10(times)
            drawn.append((each.levels, times, np.nanvar(shift, axis=0, ddof=1), line))
        return figures.variances(drawn)

    def record_tables(self) -> list[Block]:
        """Return the tables of records, and that of the relaxation."""
        shown = super().record_tables()
        if self.relaxation is not None:
            shown.append(Table.of(self.relaxation.groups, "Relaxation of each group of levels"))
        return shown

    def blocks(self) -> list[Block]:
        """Return the blocks of the report: notes, figures, tables."""
        notes, *tables = super().blocks()
        shown = [notes, tables.pop()]
        words = "Cells that lost a tenth or more, and a fifth or more, of their conductance; bars: 95 % intervals."
        if len(self.population.bakes) > 1:
            shown.append(figure(self.lost_panel(), words, "Share of lost cells against the bake"))
        words = "Wrong bits, levels placed for each bake; bars: 95 % intervals."
        if sum(each.rate is not None for each in self.errors) > 1:
            shown.append(figure(self.errors_panel(), words, "Wrong bits against the bake"))
        if self.relaxation is not None:
            words = "Variance of the shift (dots), and lines in log t."
            shown.append(figure(self.relaxation_panel(), words, "Variance of the shift against time"))
        return [*shown, *tables]


def place_words(kelvin: float | None) -> str:
    """Return a temperature in words, also where it is unknown."""
    return "an unknown temperature" if kelvin is None else celsius(kelvin)


def bake_label(each: BakeErrors | Bake) -> str:
    """Return a bake as it is named in sentences: time and temperature."""
    return f"{si(each.time_s, 's')} at {place_words(each.temperature_k)}"


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> BakesResult | None:
    """Find the bakes of a retention table of many cells."""
    if not isinstance(table, RetentionTable) or not is_population(table.frame):
        return None
    pairs = pair(table.frame)
    return None if pairs is None else characterize(table, pairs, settings)


def characterize(table: RetentionTable, pairs: Pairs, settings: Settings) -> BakesResult:
    """Compute shifts, loss, relaxation and bit errors.

    Parameters
    ----------
    table : RetentionTable
    pairs : Pairs
        Its cells, by `pair`.
    settings : Settings

    Raises
    ------
    UsageError
        If the bake that is asked for is neither measured nor predictable.
    """
    warm = [bake for bake in pairs.bakes if bake.temperature_k is not None]
    loss = find_loss(pairs) if len({bake.temperature_k for bake in warm}) > 1 else None
    relaxation = find_relaxation(pairs, settings.horizon)
    chosen, predicted, baseline = _choose(pairs, loss, settings)
    width = settings.write_window_s or write_window(pairs)
    errors, placed = ((), ()) if width is None else bake_errors(pairs, settings.bits, width, chosen)
    later: tuple[LaterErrors, ...] = ()
    if width is not None and relaxation is not None and relaxation.refusal is None:
        later = later_errors(pairs, relaxation, settings.bits, width, settings.horizon)
    exponent, source = _exponent(pairs, loss, settings)
    energy = None
    if loss is not None and loss.energy is not None and exponent is not None:
        energy = loss.energy.map(lambda each: each / exponent)
    refusal = None
    if energy is None:
        refusal = ONE_TEMPERATURE if loss is None else NO_EXPONENT if exponent is None else loss.refusal
    reaches = reach(pairs, settings.life_temperature_k, settings.horizon, energy) if loss else ()
    return BakesResult(
        shifts=level_shifts(pairs),
        moves=loss.moves if loss else (),
        energies=loss.energies if loss else (),
        loss=loss,
        errors=errors,
        placed=placed,
        chosen=bake_label(pairs.bakes[chosen]),
        write_window_s=width,
        reaches=reaches,
        relaxation=relaxation,
        later=later,
        predicted=predicted,
        time_exponent=exponent,
        exponent_source=source,
        energy_of_time=energy,
        life_refusal=refusal,
        population=pairs,
        table=table,
        warnings=(*_warnings(pairs, relaxation, predicted, settings), *baseline),
    )


def _exponent(pairs: Pairs, loss: Loss | None, settings: Settings) -> tuple[float | None, str | None]:
    """Return the exponent of time of the loss and its source."""
    if settings.time_exponent is not None:
        return settings.time_exponent, BY_HAND
    measured = measure_exponent(pairs, loss) if loss is not None else None
    return (None, None) if measured is None else (measured.value, "measured")


def _choose(
    pairs: Pairs, loss: Loss | None, settings: Settings
) -> tuple[int, tuple[PredictedShift, ...], tuple[CodedWarning, ...]]:
    """Return the bake for which levels are placed, and the prediction of a hotter one, or its baseline if refused."""
    longest = pairs.longest() or [len(pairs.bakes) - 1]
    kelvins = [float(pairs.bakes[k].temperature_k or 0.0) for k in longest]
    calm = [k for k, kelvin in zip(longest, kelvins, strict=True) if loss is None or kelvin not in loss.loss_k]
    if (asked := settings.bake_k) is None:
        return (calm or longest)[-1], (), ()
    near = int(np.argmin(np.abs(np.array(kelvins) - asked)))
    if abs(kelvins[near] - asked) <= 2.0:
        return longest[near], (), ()
    shown = listed([celsius(each) for each in kelvins if each])
    if loss is None or asked < max(kelvins):
        raise UsageError(f"no bake at {celsius(asked)} was measured: choose one of {shown}")
    energy = settings.apparent_energy_ev or (loss.energy.value if loss.energy else None)
    if energy is None:
        covered, last = copy_coverage(pairs), celsius(kelvins[-1])
        words = (
            f"a bake at {celsius(asked)} is not predicted: {loss.refusal}. Set --apparent-energy, or take the "
            f"baseline, a copy of the shifts at {last}: 95 % of a copy of the colder bake held "
            f"{percent_span(min(covered), max(covered))} of the cells, {percent(covered[-1])} at {last}"
        )
        return longest[-1], (), (CodedWarning("extrapolation", words),)
    return longest[-1], predict_shifts(pairs, loss, asked, energy), ()


def _warnings(
    pairs: Pairs, relaxation: Relaxation | None, predicted: tuple[PredictedShift, ...], settings: Settings
) -> tuple[CodedWarning, ...]:
    found = []
    if len(pairs.levels) == 1 and settings.write_window_s is None:
        words = "bit errors are not counted, since all cells have one level. Name its column with --map level=COLUMN"
        found.append(CodedWarning("columns", words))
    if (once := int(pairs.unpaired.sum())) > 0:
        found.append(CodedWarning("dropped", f"{count(once, 'record')} of one reading left out"))
    if relaxation is not None:
        left = [
            pairs.bake_name(k)
            for k, bake in enumerate(pairs.bakes)
            if bake.temperature_k == relaxation.temperature_k and bake.time_s not in relaxation.times_s
        ]
        if left:
            words = f"left out of the lines in time, since fewer than nine in ten cells were read: {listed(left)}"
            found.append(CodedWarning("dropped", words))
        if relaxation.refusal is None and settings.horizon > relaxation.times_s[-1]:
            factor = settings.horizon / relaxation.times_s[-1]
            words = f"bit errors at {si(settings.horizon, 's')} extrapolate to {times(factor)} the measured time"
            found.append(CodedWarning("extrapolation", words))
    if predicted:
        kelvin, hottest = predicted[0].temperature_k, max(float(bake.temperature_k or 0.0) for bake in pairs.bakes)
        by_hand = settings.apparent_energy_ev
        energy = "" if by_hand is None else f" with an apparent energy of {by_hand:g} eV set by hand"
        words = (
            f"the bake at {celsius(kelvin)} is {kelvin - hottest:.3g} K hotter than the measured ones: losses are "
            f"extrapolated{energy}; intervals include ± {LAW_EV:g} eV"
        )
        found.append(CodedWarning("extrapolation", words))
    return tuple(found)
