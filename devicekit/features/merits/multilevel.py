"""Several levels of a device: thresholds between neighbours, and misread readings.

Errors are counted with thresholds computed without the reading (or its device), and compared with error rates of
normal levels (`devicekit.features.states.separation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.records import Estimate, column, derived, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, percent, percent_span, si
from devicekit.features.merit import MeritResult, Settings, figure
from devicekit.features.states import separation as multilevel
from devicekit.features.states.pairs import Level, OwnThresholds, Pair
from devicekit.features.states.separation import Readings, Scale, Side
from devicekit.plot import COLOURS, MOST_COLOURS, Axis, Curve, Panel, colours_of
from devicekit.report import ROWS_SHOWN, Block, Table, rows_text
from devicekit.tables import MultilevelTable
from devicekit.tables import Table as AnyTable

MOST_POINTS = 200  # of a curve
MOST_LEVELS = 256  # eight bits
WITHIN = "one lies within the other"
SEEN = 12  # names of levels in a warning
ERRORS = (
    "level",
    "threshold",
    "misread readings",
    "their share",
    "95 % interval",
    "share if normal",
    "95 % interval if normal",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class MultilevelResult(MeritResult):
    """Levels in ascending order of their medians, and their neighbours."""

    figure_caption = "Histogram and fitted normal density of each level; vertical lines are thresholds."
    figure_alt = "Levels with their thresholds"

    levels: tuple[Level, ...] = column(table="levels", caption="Levels", doc="the levels")
    neighbours: tuple[Pair, ...] = column(name="pairs", table="level_pairs", doc="pairs of neighbouring levels")
    scale: Scale = column(inline=True, doc="scale on which levels are normal: G or ln G")
    bit_errors: Estimate | None = column(
        name="bit_error_rate", doc="in Gray code for equally used levels; None if a pair has no threshold"
    )
    own: tuple[OwnThresholds, ...] = column(
        name="own_thresholds", table="level_devices", doc="devices with their own thresholds; empty with one device"
    )
    table: MultilevelTable = internal()

    @derived()
    def bits(self) -> float:
        """log2 of the number of levels."""
        return float(np.log2(len(self.levels)))

    @property
    def worst(self) -> tuple[Pair, Side] | None:
        """Pair and side with the largest counted error rate; None without a threshold."""
        sides = [(pair, side) for pair in self.neighbours for side in (pair.below, pair.above) if side is not None]
        return max(sides, key=lambda each: (each[1].counted.value, each[1].counted.high or 0.0), default=None)

    def own_share(self) -> float | None:
        """Return the share of readings misread with each device's own thresholds; None if one is missing."""
        if not self.own or any(each.wrong is None for each in self.own):
            return None
        return sum(each.wrong or 0 for each in self.own) / sum(each.n for each in self.own)

    def scalars(self) -> tuple[Scalar, ...]:
        """Return levels, bits, bit error rate, and the error rate of the worst level at one threshold."""
        shown = [Scalar("levels", "levels", float(len(self.levels))), Scalar("bits", "bits of a device", self.bits)]
        if (found := self.bit_errors) is not None:
            shown.append(Scalar.from_estimate("bit_error_rate", "bit error rate (Gray code)", found, of="bits"))
        if (worst := self.worst) is not None:
            label, rate = "largest error rate of a level at one threshold", worst[1].counted
            shown.append(Scalar.from_estimate("level_error", label, rate, of="its readings", by="counted"))
        return tuple(shown)

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars`, and the number of pairs that no threshold separates, if there are any."""
        without = sum(pair.threshold_s is None for pair in self.neighbours)
        words = f"of {count(len(self.neighbours), 'pair')} of neighbours without a threshold"
        return (*self.scalars(), *([Scalar("levels_open", words, float(without))] if without else []))

    def verdict(self) -> str:
        """Return the number of levels, and how many of their readings are misread."""
        return self.sentences()[0]

    def sentences(self) -> list[str]:
        """Return the number of levels, the share of wrong bits, and the worst pair."""
        n = len(self.levels)
        devices = len(self.table.devices)
        text = f"{n} levels ({format_number(self.bits)} bits) of {count(devices, 'device')}"
        if (found := self.bit_errors) is not None:
            text += f": {percent(found.value)} of the bits in Gray code are misread (95 %: {_ends(found)})"
        open_ = [pair for pair in self.neighbours if pair.threshold_s is None]
        if open_:
            text += f"; {count(len(open_), 'pair')} of neighbours {'has' if len(open_) == 1 else 'have'} no threshold"
        found_text = [text + "."]
        if (worst := self.worst) is not None:
            pair, side = worst
            name = pair.low if side is pair.below else pair.high
            found_text.append(
                f"The worst level is {name}: at its threshold of {si(pair.threshold_s, 'S')} {side.wrong} of {side.n} "
                f"readings are misread (95 %: {_ends(side.counted)}{_normal_text(side)})."
            )
        if (share := self.own_share()) is not None:
            found_text.append(f"With thresholds per device, {percent(share)} of the readings are misread.")
        return found_text

    def panel(self) -> Panel:
        """Draw the histogram and fitted density of each level, with the thresholds."""
        log = self.scale.name == "log"
        few, curves = len(self.levels) <= MOST_COLOURS, []
        for each, colour in zip(self.levels, self._colours(), strict=True):
            values = each.readings.values
            mean, sd = each.readings.mean, each.readings.sd if values.size > 1 else 0.0
            many = int(np.clip(np.sqrt(values.size), 4, 30))
            height, edges = np.histogram(values, many, density=True) if np.ptp(values) > 0 else (np.ones(1), [mean] * 2)
            x, y = np.repeat(edges, 2), np.r_[0.0, np.repeat(height, 2), 0.0]
            x = np.exp(x) if log else x
            curves.append(Curve(each.name, x, y, colour=colour, width=0.8, alpha=0.6, legend=few))
            if sd > 0:
                at = mean + sd * np.linspace(-4, 4, 81)
                at = at if log else at[at >= 0]
                density = np.exp(-0.5 * ((at - mean) / sd) ** 2) / sd / np.sqrt(2 * np.pi)
                fit = (np.exp(at) if log else at, density)
                curves.append(Curve(f"{each.name}, normal", *fit, colour=colour, width=1.4, legend=False))
        across = Axis.of("conductance_s", scale="log") if log else Axis("conductance G", "S", ticks=6)
        density_axis = Axis("density of ln G") if log else Axis("density of G", "1/S")
        lines = [("x", pair.threshold_s) for pair in self.neighbours if pair.threshold_s is not None]
        return Panel(across, density_axis, curves, lines=lines, legend="above", bar=self._bar())

    def _colours(self) -> list[str]:
        return colours_of(list(range(len(self.levels))))

    def _bar(self) -> tuple[str, str, str] | None:
        """Return what the colours of many levels are."""
        many = len(self.levels) > MOST_COLOURS
        return ("level", self.levels[0].name, self.levels[-1].name) if many else None

    def distribution_panel(self) -> Panel:
        """Draw the cumulative distribution of the readings of each level, with the thresholds."""
        curves = []
        for each, colour in zip(self.levels, self._colours(), strict=True):
            g = np.sort(each.conductance_s)
            kept = np.unique(np.linspace(0, g.size - 1, MOST_POINTS).astype(int))
            curves.append(Curve(each.name, g[kept], (kept + 1) / g.size, colour=colour, width=1.0))
        x = Axis.of("conductance_s", scale="log" if self.scale.name == "log" else "linear")
        lines = [("x", pair.threshold_s) for pair in self.neighbours if pair.threshold_s is not None]
        legend: Literal["above", "none"] = "above" if len(self.levels) <= MOST_COLOURS else "none"
        return Panel(x, Axis("share of readings", cumulative=True), curves, lines=lines, legend=legend, bar=self._bar())

    def errors_panel(self) -> Panel:
        """Draw the counted share of misread readings of the levels on both sides of each threshold."""
        known = [pair for pair in self.neighbours if pair.below is not None and pair.above is not None]
        at = np.array([pair.threshold_s for pair in known], float)
        curves = []
        for name, side, colour in (("lower level", "below", "ltp"), ("upper level", "above", "ltd")):
            found = [getattr(pair, side).counted for pair in known]
            value, low, high = (
                np.array([100 * (np.nan if v is None else v) for v in each])
                for each in zip(*((e.value, *(e.ends or (None, None))) for e in found), strict=True)
            )
            curves.append(Curve(name, at, value, "errors", "o", low, high, COLOURS[colour]))
        x = Axis("threshold", "S", "log" if self.scale.name == "log" else "linear", name="conductance_s")
        return Panel(x, Axis("misread readings", "%"), curves, legend="above")

    def blocks(self) -> list[Block]:
        """Return the blocks of the report: notes, figures, tables."""
        words = "Distribution of the readings of each level; vertical lines are thresholds."
        shown = [*super().blocks(), figure(self.distribution_panel(), words, "Share of readings against conductance")]
        if any(pair.below is not None for pair in self.neighbours):
            words = "Misread readings of the levels below and above each threshold, with 95 % intervals."
            shown.append(figure(self.errors_panel(), words, "Misread readings against the threshold"))
        return shown

    def notes(self) -> list[str]:
        """Return the scale on which levels are normal, and what the bit error rate assumes."""
        scale, other = ("ln G", "G") if self.scale.name == "log" else ("G", "ln G")
        how = f"The readings of each level are taken as normal in {scale}"
        if self.scale.advantage is None:
            how += ", as readings of 0 have no ln G"
        elif self.scale.decided:
            how += f", which fits better than {other} (log-likelihood {abs(self.scale.advantage):.1f} higher)"
        else:
            how += f"; G and ln G fit equally well (log-likelihood {abs(self.scale.advantage):.1f} apart)"
        assumed = " The bit error rate assumes equally used levels, and one wrong bit per misread reading."
        return [f"{how}.{assumed if self.bit_errors else ''}"]

    def record_tables(self) -> list[Block]:
        """Return the levels, and the errors at each threshold."""
        errors = [row for pair in self.neighbours[:ROWS_SHOWN] for row in _rows(pair)]
        shown = rows_text(len(self.neighbours))
        caption = f"Errors at the thresholds between neighbours{shown}: counted, and for normal levels."
        return [*super().record_tables(), Table(ERRORS, errors, caption)]


def _rows(pair: Pair) -> list[tuple[str, ...]]:
    """Return a pair as two rows of a report."""
    if pair.below is None or pair.above is None:
        return [(f"{pair.low}, {pair.high}", "–", "–", "–", "–", pair.why_not, "–")]
    found: list[tuple[str, ...]] = []
    for name, side in ((pair.low, pair.below), (pair.high, pair.above)):
        normal = ("refused: " + side.refused, "–")
        if (ends := side.normal.ends) is not None:
            normal = (_small(side.normal.value), f"{_small(ends[0])} to {_small(ends[1])}")
        counted = (f"{side.wrong} of {side.n}", percent(side.counted.value), _ends(side.counted))
        found.append((name, si(pair.threshold_s, "S"), *counted, *normal))
    return found


def _ends(found: Estimate) -> str:
    return percent_span(*found.ends) if found.ends else "open"


def _small(share: float) -> str:
    return percent(share) if share >= 1e-4 else f"{share:.1e}"


def _normal_text(side: Side) -> str:
    return f"; {_small(side.normal.value)} if it is normal" if side.normal.known else ""


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> MultilevelResult | None:
    """Find the levels of a table of several levels."""
    del settings, found
    return characterize(table) if isinstance(table, MultilevelTable) else None


def characterize(table: MultilevelTable) -> MultilevelResult:
    """Compute thresholds and errors of neighbouring levels.

    Parameters
    ----------
    table : MultilevelTable
        Readings that are missing are left out.

    Raises
    ------
    TraceError
        If there are fewer than two levels, more than 256, or fewer than two with five readings.
    """
    frame = table.frame[table.frame["conductance_s"].notna()].sort_values(["device_id", "repeat"], kind="stable")
    names = list(dict.fromkeys(frame["level"]))
    if not 2 <= len(names) <= MOST_LEVELS:
        raise TraceError(f"the table has {len(names)} levels; 2 to {MOST_LEVELS} can be compared")
    parts = [frame[frame["level"] == name] for name in names]
    if sum(len(part) >= multilevel.LEAST for part in parts) < 2:
        raise TraceError(f"fewer than two levels have {multilevel.LEAST} readings or more")
    parts.sort(key=lambda part: float(part["conductance_s"].median()))
    scale = multilevel.scale([part["conductance_s"].to_numpy(float) for part in parts])
    devices = {name: k for k, name in enumerate(table.devices)}
    levels = [_level(part, scale, devices) for part in parts]
    pairs = tuple(_pair(low, high, scale) for low, high in pairwise(levels))
    levels = [_count_wrong(level, pairs) for level in levels]
    errors = None
    if all(level.wrong is not None for level in levels):
        errors = multilevel.bit_error_rate(
            [((level.wrong or 0) / level.readings.values.size, level.readings.effective) for level in levels]
        )
    own = tuple(_own_thresholds(name, k, levels) for name, k in devices.items()) if len(devices) > 1 else ()
    return MultilevelResult(
        levels=tuple(levels),
        neighbours=pairs,
        scale=scale,
        bit_errors=errors,
        own=own,
        table=table,
        warnings=_warnings(levels, pairs),
    )


def _level(part: pd.DataFrame, scale: Scale, devices: Mapping[str, int]) -> Level:
    g = part["conductance_s"].to_numpy(float)
    values = np.log(g) if scale.name == "log" else g
    readings = Readings(values, part["device_id"].map(devices).to_numpy(int))
    targets = part["target_s"].dropna().unique() if "target_s" in part else np.empty(0)
    tested = g.size >= multilevel.LEAST_NORMAL and readings.sd > 0
    return Level(
        name=str(part["level"].iloc[0]),
        conductance_s=g,
        readings=readings,
        target_s=float(targets[0]) if len(targets) == 1 else None,
        p_normal=multilevel.normality(values) if tested else None,
    )


def _pair(low: Level, high: Level, scale: Scale) -> Pair:
    few = [level.name for level in (low, high) if not level.enough]
    if few:
        why = f"fewer than {multilevel.LEAST} readings of {' and '.join(few)}"
        return Pair(low=low.name, high=high.name, why_not=why)
    found = multilevel.sides(low.readings, high.readings)
    if found is None:
        return Pair(low=low.name, high=high.name, why_not=f"{WITHIN}: their densities do not cross")
    threshold, below, above = found
    at = float(np.exp(threshold)) if scale.name == "log" else threshold
    return Pair(low=low.name, high=high.name, threshold_s=at, below=below, above=above)


def _count_wrong(level: Level, pairs: Sequence[Pair]) -> Level:
    """Return the level with the number of its readings beyond the threshold below or above it."""
    mine = [pair for pair in pairs if level.name in (pair.low, pair.high)]
    sides = [pair.below if pair.low == level.name else pair.above for pair in mine]
    wrong = None if any(side is None for side in sides) else sum(side.wrong for side in sides if side is not None)
    return replace(level, wrong=wrong)


def _own_thresholds(name: str, number_: int, levels: Sequence[Level]) -> OwnThresholds:
    """Judge a device by thresholds of its own, each reading by a threshold without it."""
    mine = []
    for level in levels:
        values = level.readings.values[level.readings.device == number_]
        mine.append(Readings(values, np.zeros(values.size, int)))
    n = sum(each.values.size for each in mine)
    if min(each.values.size for each in mine) < multilevel.LEAST:
        why = f"fewer than {multilevel.LEAST} readings of a level"
        return OwnThresholds(device_id=name, n=n, why_not=why)
    wrong = 0
    for low, high in pairwise(mine):
        found = multilevel.sides(low, high)
        if found is None:
            return OwnThresholds(device_id=name, n=n, why_not="two levels have no threshold")
        wrong += found[1].wrong + found[2].wrong
    return OwnThresholds(device_id=name, n=n, wrong=wrong)


def _warnings(levels: Sequence[Level], pairs: Sequence[Pair]) -> tuple[CodedWarning, ...]:
    found = []
    tested = [level for level in levels if level.p_normal is not None]
    odd = [level.name for level in tested if (level.p_normal or 0.0) < multilevel.ALPHA / len(tested)]
    if odd:
        words = (
            f"readings of levels {_first_names(odd)} are not normal (tests at 5 % for all {len(tested)} levels): "
            "for them no error rate is computed from a normal law"
        )
        found.append(CodedWarning("heavy_tail", words))
    few = [level.name for level in levels if not level.enough]
    if few:
        words = f"fewer than {multilevel.LEAST} readings of {_first_names(few)}: neighbours cannot be judged"
        found.append(CodedWarning("few_points", words))
    within = [f"{pair.low} and {pair.high}" for pair in pairs if pair.why_not.startswith(WITHIN)]
    if within:
        found.append(
            CodedWarning(
                "undecided",
                f"no threshold between levels {_first_names(within)}: the density of one lies within that of the other",
            )
        )
    wander = [level.readings.serial for level in levels if level.readings.serial]
    if wander:
        words = f"readings of {count(len(wander), 'level')} depend on the one before (r up to {max(wander):.2f})"
        found.append(CodedWarning("drift", f"{words}; levels may drift, and intervals are wider"))
    return tuple(found)


def _first_names(names: Sequence[str]) -> str:
    return ", ".join(names[:SEEN]) + (f" and {len(names) - SEEN} more" if len(names) > SEEN else "")
