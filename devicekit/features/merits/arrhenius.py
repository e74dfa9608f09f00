"""Retention over temperature: lives in bakes at several temperatures, activation energy, and the life in use.

ln t_f = a + Ea / kT + sigma z (doi:10.1214/088342306000000321). A state is lost once its conductance has changed by a
factor from its first reading; one that outlives its record is censored. A life in use holds only if no other mechanism
takes over, and is refused too far from the bakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from devicekit.core.constants import YEAR_S, ZERO_C
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Estimate, Record, cell, column, derived, frame, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed, si, span
from devicekit.device.measured import ArrheniusLine
from devicekit.features.bakes.pairs import is_population
from devicekit.features.lives import arrhenius
from devicekit.features.lives.arrhenius import ArrheniusFit, Life
from devicekit.features.lives.bake import baked_at
from devicekit.features.merit import MeritResult, Settings, Skipped
from devicekit.features.stats import Undetermined
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import RetentionTable
from devicekit.tables import Table as AnyTable

IF = "if no other mechanism takes over"
LATE = 0.01  # first reading over life above which the start is missed


def _between(ends: tuple[float, float] | None, unit: str) -> str:
    if ends is None:
        return "open"
    return f"{ends[0]:.3g} to {ends[1]:.3g} {unit}" if unit == "eV" else span(*ends, unit, 2)


def _or_dash(form: str) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else form.format(value)


@dataclass(frozen=True, eq=False, kw_only=True)
class LevelLife(Record):
    """Lives and line of one level."""

    level: str = column("level", card="level")
    lives: tuple[Life, ...] = internal("records with their lives")
    criterion: str = column(card="criterion", doc="when a state counts as lost")
    factor: float = internal("change of the conductance by which a state is lost", card="lost_factor")
    fit: ArrheniusFit | None = internal("line through the lives; None if it is refused", default=None)

    @derived(card="n")
    def n(self) -> int:
        """Number of records."""
        return len(self.lives)

    @derived(card="failures")
    def failures(self) -> int:
        """Number of records that were lost."""
        return sum(each.failed for each in self.lives)

    @cell("lost")
    def lost(self) -> str:
        """Number of records that were lost, of how many."""
        return f"{self.failures} of {self.n}"

    @derived(card="devices")
    def devices(self) -> int:
        """Number of different devices."""
        return len({each.device_id for each in self.lives})

    @derived()
    def temperatures(self) -> int:
        """Number of different temperatures."""
        return len(arrhenius.temperatures(self.kelvins))

    @property
    def kelvins(self) -> list[float]:
        """Temperature of each record [K]."""
        return [each.temperature_k for each in self.lives]

    lowest_k = part("fit.lowest_k", name="lowest_failed_k", card="lowest_k", doc="lowest temperature with a loss")
    highest_k = part("fit.highest_k", name="highest_failed_k", card="highest_k", doc="highest temperature with a loss")
    energy_ev = part(
        "fit.energy_ev",
        "Ea",
        name="activation_energy_ev",
        unit="eV",
        text=_or_dash("{:.3g} eV"),
        flat=True,
        estimate=True,
        card="activation_energy_ev",
        interval="energy_interval",
        doc="activation energy",
    )

    @cell("95 % interval")
    def energy_interval(self) -> str:
        """Interval of the activation energy."""
        return "–" if self.fit is None else _between(self.fit.energy_ev.ends, "eV")

    sigma = part(
        "fit.sigma", "sigma of ln t", text=_or_dash("{:.2g}"), card="sigma", doc="standard deviation of ln of a life"
    )
    reference_k = part("fit.reference_k", json=False, row=False, card="reference_k")
    reference_life_s = part("fit.reference_life_s", json=False, row=False, card="reference_life_s")
    bend_p = part("fit.bend_p", doc="probability of such a bend if the line is straight")
    use_k: float = column(name="life_temperature_k", unit="K", card="life_k", doc="temperature of use")
    median: Estimate | None = column(
        "median life at {:.5g} K",
        name="life_s",
        unit="s",
        flat=True,
        card="life_s",
        interval="life_interval",
        default=None,
        doc="median life in use",
    )

    @cell("95 % interval")
    def median_interval(self) -> str:
        """Interval of the median life."""
        return "–" if self.median is None else _between(self.median.ends, "s")

    device: tuple[float, float] | None = internal(
        "95 % range of the life of a new device [s]", card="device_interval", default=None
    )

    @derived(inline=True)
    def device_ends(self) -> dict[str, float | None]:
        """Ends of `device`."""
        return dict(zip(("new_device_low_s", "new_device_high_s"), self.device or (None, None), strict=True))

    @cell("a new device, 95 %")
    def device_text(self) -> str:
        """Range of a new device, or the reason why there is none."""
        return _between(self.device, "s") if self.device else f"none: {self.refusal}" if self.refusal else "–"

    refusal: str | None = column(
        card="refusal", default=None, doc="reason for a missing line, or a missing life in use"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrheniusResult(MeritResult):
    """Lives over temperature, one line per level."""

    figure_caption = "Lives and lines; the bands end at the limits of a prediction."
    figure_alt = "Time to loss on a logarithmic axis against 1/kT"

    levels: tuple[LevelLife, ...] = column(doc="lives and line of each level")
    criterion: str = column(doc="criterion by which a state counts as lost")
    factor: float = column(name="lost_factor", doc="change of the conductance by which a state is lost")
    use_k: float = column(name="life_temperature_k", unit="K", doc="temperature of use")
    skipped: tuple[Skipped, ...] = column(doc="records without a life")

    @derived()
    def lives(self) -> list[Life]:
        """The lives of all levels."""
        return [life for each in self.levels for life in each.lives]

    def lines_for_card(self) -> tuple[ArrheniusLine, ...]:
        """Return the lines for the block `retention` of a card."""
        return tuple(ArrheniusLine(**each.block()) for each in self.levels if each.fit is not None)

    def scalars(self) -> tuple[Scalar, ...]:
        """Return activation energy and life in use of each level."""
        lines = self.lines_for_card()
        return tuple(scalar for each in lines for scalar in each.scalars(len(lines) > 1))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per level, and one row per record."""
        lives = pd.DataFrame([each.row() for each in self.lives], columns=[each.name for each in Life.columns()])
        return {"arrhenius": frame(self.levels), "lives": lives.assign(criterion=self.criterion)}

    def sentences(self) -> list[str]:
        """Return activation energy and life of each level with their criterion, or the reason for a refusal."""
        several = len(self.levels) > 1
        return [sentence for each in self.levels for sentence in _sentences(each, several)]

    def panel(self) -> Panel:
        """Draw ln of the lives against 1/kT, with the line and its bands up to the last temperature of a prediction."""
        curves, top = [], 0.0
        for n, each in enumerate(self.levels):
            name, colour = each.level, f"C{n % 10}"
            x, median, low, high, least, most = _band(each.fit) if each.fit else [np.empty(0)] * 6
            if x.size:
                new = Curve(f"{name}, a new device", x, median, "band", low=least, high=most, colour=colour, alpha=0.12)
                band = Curve(f"{name}, median", x, median, "band", low=low, high=high, colour=colour, alpha=0.3)
                curves += [new, band, Curve(f"{name}, line", x, median, colour=colour, legend=False)]
            at, time = _points([(life.temperature_k, life.life_s) for life in each.lives if life.life_s is not None])
            at_held, held = _points([(life.temperature_k, life.low_s) for life in each.lives if not life.failed])
            curves.append(Curve(f"{name}, lost", at, time, style="o", colour=colour))
            if held.size:
                curves.append(Curve(f"{name}, held (censored)", at_held, held, style="^", colour=colour, size=5.0))
            top = max([top, *(float(np.nanmax(values)) for values in (time, held, most) if values.size)])
        marks = {kelvin for each in self.levels for kelvin in arrhenius.temperatures(each.kelvins)}
        shown = [(kelvin, float(arrhenius.inverse_energy(kelvin))) for kelvin in [*sorted(marks), self.use_k]]
        notes = [(x, 2.5 * top, f"{kelvin - ZERO_C:.0f} °C") for kelvin, x in shown]
        y = Axis("time to loss", "s", "log")
        return Panel(Axis("1 / kT", "1/eV"), y, curves, notes=notes, lines=(("x", shown[-1][1]),))

    def record_tables(self) -> list[Block]:
        """Return the lives of each level."""
        head = [each.format(self.use_k) for each in LevelLife.head()]
        return [Table(head, [each.cells() for each in self.levels[:ROWS_SHOWN]], "Lives over temperature.")]


def _points(values: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    kelvin, time = (np.array([each[k] for each in values], float) for k in (0, 1))
    return arrhenius.inverse_energy(kelvin), time


def _band(fit: ArrheniusFit) -> list[np.ndarray]:
    """Return 1/kT, median with its interval, and the range of a new device, over the range of predictions."""
    ends = arrhenius.inverse_energy(np.array([fit.highest_k, fit.coldest_k]))
    x = np.linspace(float(ends[0]), float(ends[1]), 25)
    rows = []
    for kelvin in 1.0 / (arrhenius.BOLTZMANN_EV * x):
        median = fit.median(float(kelvin))
        low, high = median.ends or (math.nan, math.nan)
        rows.append((median.value, low, high, *(fit.device(median) or (math.nan, math.nan))))
    return [x, *np.array(rows).T]


def time_words(seconds: float) -> str:
    """Format a time, from one year on with the years."""
    years = seconds / YEAR_S
    return si(seconds, "s") + (f" ({years:.2g} years)" if years >= 1 else "")


def _sentences(each: LevelLife, several: bool) -> list[str]:
    """Return the life in use and the activation energy of a level, or the reason for a refusal."""
    of = f" of level {each.level}" if several else ""
    if each.fit is None:
        verb = "was" if each.failures == 1 else "were"
        lost = f"{each.failures} of {count(each.n, 'record')}{of} {verb} lost ({each.criterion})."
        return [f"No activation energy{of}: {each.refusal}.", lost]
    fit = each.fit
    energy = f"Activation energy{of} {fit.energy_ev.value:.3g} eV (95 %: {_between(fit.energy_ev.ends, 'eV')}) from "
    energy += f"{each.failures} losses in {count(len(each.lives), 'record')} ({each.criterion})."
    if each.median is None:
        return [f"No life{of} at {each.use_k:.5g} K: {each.refusal}.", energy]
    life = f"Median life{of} at {each.use_k:.5g} K: {time_words(each.median.value)}, {IF} (95 %: "
    life += f"{_between(each.median.ends, 's')}; a new device: {_between(each.device, 's')})."
    return [life, energy]


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> ArrheniusResult | None:
    """Find lives over temperature in a retention table with several temperatures."""
    if not isinstance(table, RetentionTable) or table.quantity == "weight" or is_population(table.frame):
        return None
    kelvins = baked_at(table.frame).dropna()
    if len(arrhenius.temperatures(list(kelvins.unique()))) < 2:
        return None
    return characterize(table, lost_factor=settings.lost_factor, life_temperature_k=settings.life_temperature_k)


def characterize(
    table: RetentionTable,
    *,
    lost_factor: float = Settings.lost_factor,
    life_temperature_k: float = Settings.life_temperature_k,
) -> ArrheniusResult:
    """Compute the lives over temperature of every level.

    Parameters
    ----------
    table : RetentionTable
        States at several temperatures, in a column `temperature_k`; a reading at or near time 0 is the reference.
    lost_factor : float
        Change of the conductance by which a state is lost, more than 1.
    life_temperature_k : float
        Temperature of use [K].

    Raises
    ------
    UsageError
        If a setting is out of its range.
    """
    if not 1 < lost_factor < math.inf:
        raise UsageError(f"lost_factor= must be a finite number above 1, not {lost_factor:g}")
    if not 0 < life_temperature_k < math.inf:
        raise UsageError(f"life_temperature_k= must be above 0 K, not {life_temperature_k:g}")
    lives, left_out = arrhenius.lives(table.frame, lost_factor)
    skipped = tuple(Skipped(record=name, reason=reason) for name, reason in left_out)
    criterion = f"G changed by a factor {lost_factor:g} from its first reading, up or down"
    levels = []
    for name in dict.fromkeys(each.level for each in lives):
        own = tuple(each for each in lives if each.level == name)
        levels.append(
            _add_line(
                LevelLife(level=name, lives=own, criterion=criterion, factor=lost_factor, use_k=life_temperature_k)
            )
        )
    return ArrheniusResult(
        levels=tuple(levels),
        criterion=criterion,
        factor=lost_factor,
        use_k=life_temperature_k,
        skipped=skipped,
        warnings=_warnings(levels, skipped, lost_factor),
    )


def _add_line(each: LevelLife) -> LevelLife:
    try:
        fit = arrhenius.fit(each.lives)
    except Undetermined as error:
        return replace(each, refusal=str(error))
    if (refusal := fit.refusal(each.use_k)) is not None:
        return replace(each, fit=fit, refusal=refusal)
    median = fit.median(each.use_k)
    return replace(each, fit=fit, median=median, device=fit.device(median))


def _warnings(levels: Sequence[LevelLife], skipped: Sequence[Skipped], factor: float) -> tuple[CodedWarning, ...]:
    found = []
    lives = [life for each in levels for life in each.lives]
    for each in levels:
        of = f" of level {each.level}" if len(levels) > 1 else ""
        if each.refusal:
            what = "no activation energy" if each.fit is None else "no life in use"
            found.append(CodedWarning("no_life", f"{what}{of}: {each.refusal}"))
        if each.fit is not None and each.fit.bend_p is None:
            words = f"the failures{of} are at {len(each.fit.failed_k)} temperatures, or too few, to test for a bend"
            found.append(CodedWarning("line_untested", words))
        again = {life.device_id for life in each.lives}
        repeated = [name for name in again if len({k.temperature_k for k in each.lives if k.device_id == name}) > 1]
        if repeated and each.fit is not None:
            words = (
                f"{count(len(repeated), 'device name')}{of} at several temperatures; records are treated as independent"
            )
            found.append(CodedWarning("same_device", words))
    back = [life for life in lives if life.returned]
    if back:
        names = listed([f"{life.device_id} at {life.temperature_k:.5g} K" for life in back[:5]])
        words = f"{count(len(back), 'record')} returned within the factor {factor:g} after a loss: {names}"
        found.append(CodedWarning("state_returned", words))
    late = [life for life in lives if life.life_s is not None and life.first_s > LATE * life.life_s]
    if late:
        words = (
            f"{count(len(late), 'record')} were first read later than a hundredth of their life; "
            "earlier losses are missed, so the life is too long"
        )
        found.append(CodedWarning("late_start", words))
    if skipped:
        found.append(CodedWarning("dropped", f"records without a life: {'; '.join(map(str, skipped[:5]))}"))
    return tuple(found)
