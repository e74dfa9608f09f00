"""Retention over temperature: lives in bakes at several temperatures, activation energy, and the life in use.

ln t_f = a + Ea / kT + sigma z (doi:10.1214/088342306000000321). A state is lost once its conductance has changed by a
factor from its first reading; one that outlives its record is censored. A life in use holds only if no other mechanism
takes over, and is refused too far from the bakes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Estimate
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, listed, si, span
from devicekit.device.measured import ArrheniusLine
from devicekit.features.lives import arrhenius
from devicekit.features.lives import figures as life_figures
from devicekit.features.lives.arrhenius import ArrheniusFit, Life
from devicekit.features.lives.bake import baked_at
from devicekit.features.lives.censored import Undetermined
from devicekit.features.merit import Merit, Settings, figure
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import RetentionTable
from devicekit.tables import Table as AnyTable

IF = "if no other mechanism takes over"
YEAR = 3.15576e7  # s
LATE = 0.01  # first reading over life above which the start is missed


@dataclass(frozen=True, eq=False)
class LevelLife:
    """Lives and line of one level.

    Attributes
    ----------
    level : str
    lives : tuple of Life
    fit : ArrheniusFit or None
    refusal : str or None
        Reason for a missing line, or a missing life in use.
    median : Estimate or None
        Median life in use [s].
    device : (float, float) or None
        95 % range of the life of a new device [s].
    """

    level: str
    lives: tuple[Life, ...]
    fit: ArrheniusFit | None
    refusal: str | None
    median: Estimate | None
    device: tuple[float, float] | None

    @property
    def failures(self) -> int:
        """Number of records that were lost."""
        return sum(each.failed for each in self.lives)

    @property
    def devices(self) -> int:
        """Number of different devices."""
        return len({each.device_id for each in self.lives})

    def row(self, use_k: float, criterion: str) -> dict[str, Any]:
        """Return the row of the table; unknown values are NaN or None."""
        fit, nan = self.fit, float("nan")
        energy = fit.energy_ev if fit else Estimate(nan)
        median = self.median or Estimate(nan)
        ends = self.device or (None, None)
        return {
            "level": self.level,
            "criterion": criterion,
            "n": len(self.lives),
            "failures": self.failures,
            "devices": self.devices,
            "temperatures": len(arrhenius.temperatures([each.temperature_k for each in self.lives])),
            "lowest_failed_k": fit.failed_k[0] if fit else nan,
            "highest_failed_k": fit.failed_k[-1] if fit else nan,
            "activation_energy_ev": energy.value,
            "activation_energy_low_ev": energy.low,
            "activation_energy_high_ev": energy.high,
            "sigma": fit.sigma if fit else nan,
            "bend_p": fit.bend_p if fit else None,
            "life_temperature_k": use_k,
            "life_s": median.value,
            "life_low_s": median.low,
            "life_high_s": median.high,
            "new_device_low_s": ends[0],
            "new_device_high_s": ends[1],
            "refusal": self.refusal,
        }


@dataclass(frozen=True, eq=False)
class ArrheniusResult:
    """Lives over temperature, one line per level.

    Attributes
    ----------
    levels : tuple of LevelLife
    factor : float
        Change of the conductance by which a state is lost.
    use_k : float
        Temperature of use [K].
    skipped : tuple of (str, str)
        Records without a life, and the reason.
    """

    levels: tuple[LevelLife, ...]
    factor: float
    use_k: float
    skipped: tuple[tuple[str, str], ...]
    warnings: tuple[CodedWarning, ...]

    @property
    def criterion(self) -> str:
        """Criterion by which a state counts as lost."""
        return f"G changed by a factor {self.factor:g} from its first reading, up or down"

    def lines_for_card(self) -> tuple[ArrheniusLine, ...]:
        """Return the lines for the block `retention` of a card."""
        return tuple(_for_card(each, each.fit, self) for each in self.levels if each.fit is not None)

    def scalars(self) -> tuple[Scalar, ...]:
        """Return activation energy and life in use of each level."""
        lines = self.lines_for_card()
        return tuple(scalar for each in lines for scalar in each.scalars(len(lines) > 1))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "criterion": self.criterion,
            "lost_factor": self.factor,
            "life_temperature_k": self.use_k,
            "levels": [each.row(self.use_k, self.criterion) for each in self.levels],
            "lives": [asdict(life) for each in self.levels for life in each.lives],
            "skipped": [{"record": name, "reason": reason} for name, reason in self.skipped],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per level, and one row per record."""
        lives = pd.DataFrame([asdict(life) for each in self.levels for life in each.lives], columns=_COLUMNS)
        return {
            "arrhenius": pd.DataFrame([each.row(self.use_k, self.criterion) for each in self.levels]),
            "lives": lives.assign(criterion=self.criterion),
        }

    def sentences(self) -> list[str]:
        """Return activation energy and life of each level with their criterion, or the reason for a refusal."""
        several = len(self.levels) > 1
        return [sentence for each in self.levels for sentence in _sentences(each, self, several)]

    def panel(self) -> Panel:
        """Draw ln of the lives against 1/kT, with the line and its bands up to the last temperature of a prediction."""
        shown, marks = {}, set()
        for each in self.levels:
            failed = [(life.temperature_k, life.life_s) for life in each.lives if life.life_s is not None]
            held = [(life.temperature_k, life.low_s) for life in each.lives if not life.failed]
            marks |= set(arrhenius.temperatures([life.temperature_k for life in each.lives]))
            shown[each.level] = {
                "failed": _points(failed),
                "held": _points(held),
                "line": tuple(_band(each.fit)) if each.fit else (np.empty(0),) * 6,
            }
        return life_figures.arrhenius(shown, self.use_k, sorted(marks))

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = []
        for each in self.levels[:ROWS_SHOWN]:
            fit = each.fit
            energy = fit.energy_ev if fit else None
            rows.append(
                (
                    each.level,
                    f"{each.failures} of {len(each.lives)}",
                    "–" if energy is None else f"{energy.value:.3g} eV",
                    "–" if energy is None else _between(energy.ends, "eV"),
                    "–" if fit is None else f"{fit.sigma:.2g}",
                    "–" if each.median is None else format_number(each.median.value, "s"),
                    "–" if each.median is None else _between(each.median.ends, "s"),
                    _between(each.device, "s") if each.device else f"none: {each.refusal}" if each.refusal else "–",
                )
            )
        head = (
            "level",
            "lost",
            "Ea",
            "95 % interval",
            "sigma of ln t",
            f"median life at {self.use_k:.5g} K",
            "95 % interval",
            "a new device, 95 %",
        )
        alt = "Time to loss on a logarithmic axis against 1/kT"
        shown = figure(self.panel(), "Lives and lines; the bands end at the limits of a prediction.", alt)
        return [Table(head, rows, "Lives over temperature."), shown]


_COLUMNS = list(Life.__dataclass_fields__)


def _points(values: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    kelvin, time = (np.array([each[k] for each in values], float) for k in (0, 1))
    return arrhenius.inverse_energy(kelvin), time


def _band(fit: ArrheniusFit) -> list[np.ndarray]:
    """Return 1/kT, median with its interval, and the range of a new device, over the range of predictions."""
    ends = arrhenius.inverse_energy(np.array([fit.failed_k[-1], fit.coldest_k]))
    x = np.linspace(float(ends[0]), float(ends[1]), 25)
    rows = []
    for kelvin in 1.0 / (arrhenius.BOLTZMANN_EV * x):
        median = fit.median(float(kelvin))
        low, high = median.ends or (math.nan, math.nan)
        rows.append((median.value, low, high, *(fit.device(median) or (math.nan, math.nan))))
    return [x, *np.array(rows).T]


def _between(ends: tuple[float, float] | None, unit: str) -> str:
    if ends is None:
        return "open"
    return f"{ends[0]:.3g} to {ends[1]:.3g} {unit}" if unit == "eV" else span(*ends, unit, 2)


def _time(seconds: float) -> str:
    """Format a time, from one year on with the years."""
    years = seconds / YEAR
    return si(seconds, "s") + (f" ({years:.2g} years)" if years >= 1 else "")


def _for_card(each: LevelLife, fit: ArrheniusFit, result: ArrheniusResult) -> ArrheniusLine:
    middle = 1.0 / (arrhenius.BOLTZMANN_EV * float(fit.x.mean()))
    return ArrheniusLine(
        level=each.level,
        criterion=result.criterion,
        lost_factor=result.factor,
        n=len(each.lives),
        failures=each.failures,
        devices=each.devices,
        lowest_k=fit.failed_k[0],
        highest_k=fit.failed_k[-1],
        activation_energy_ev=fit.energy_ev.value,
        energy_interval=fit.energy_ev.ends,
        sigma=fit.sigma,
        reference_k=middle,
        reference_life_s=float(np.exp(fit.line.beta[0])),
        life_k=result.use_k,
        life_s=each.median.value if each.median else None,
        life_interval=each.median.ends if each.median else None,
        device_interval=each.device,
        refusal=each.refusal,
    )


def _sentences(each: LevelLife, result: ArrheniusResult, several: bool) -> list[str]:
    """Return the life in use and the activation energy of a level, or the reason for a refusal."""
    of = f" of level {each.level}" if several else ""
    if each.fit is None:
        verb = "was" if each.failures == 1 else "were"
        lost = f"{each.failures} of {count(len(each.lives), 'record')}{of} {verb} lost ({result.criterion})."
        return [f"No activation energy{of}: {each.refusal}.", lost]
    fit = each.fit
    energy = f"Activation energy{of} {fit.energy_ev.value:.3g} eV (95 %: {_between(fit.energy_ev.ends, 'eV')}) from "
    energy += f"{each.failures} losses in {count(len(each.lives), 'record')} ({result.criterion})."
    if each.median is None:
        return [f"No life{of} at {result.use_k:.5g} K: {each.refusal}.", energy]
    life = f"Median life{of} at {result.use_k:.5g} K: {_time(each.median.value)}, {IF} (95 %: "
    life += f"{_between(each.median.ends, 's')}; a new device: {_between(each.device, 's')})."
    return [life, energy]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> ArrheniusResult | None:
    """Find lives over temperature in a retention table with several temperatures."""
    if not isinstance(table, RetentionTable):
        return None
    kelvins = baked_at(table.frame).dropna()
    if len(arrhenius.temperatures(list(kelvins.unique()))) < 2:
        return None
    return characterize(table, lost_factor=settings.lost_factor, life_temperature_k=settings.life_temperature_k)


def characterize(
    table: RetentionTable, *, lost_factor: float = 2.0, life_temperature_k: float = 358.15
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
    lives, skipped = arrhenius.lives(table.frame, lost_factor)
    names = dict.fromkeys(each.level for each in lives)
    levels = tuple(_level(name, [each for each in lives if each.level == name], life_temperature_k) for name in names)
    return ArrheniusResult(
        levels, lost_factor, life_temperature_k, tuple(skipped), _warnings(levels, skipped, lost_factor)
    )


def _level(name: str, lives: list[Life], use_k: float) -> LevelLife:
    try:
        fit = arrhenius.fit(lives)
    except Undetermined as error:
        return LevelLife(name, tuple(lives), None, str(error), None, None)
    if (refusal := fit.refusal(use_k)) is not None:
        return LevelLife(name, tuple(lives), fit, refusal, None, None)
    median = fit.median(use_k)
    return LevelLife(name, tuple(lives), fit, None, median, fit.device(median))


def _warnings(
    levels: Sequence[LevelLife], skipped: Sequence[tuple[str, str]], factor: float
) -> tuple[CodedWarning, ...]:
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
        shown = "; ".join(f"{name}: {why}" for name, why in skipped[:5])
        found.append(CodedWarning("dropped", f"records without a life: {shown}"))
    return tuple(found)
