"""DC figures of merit of voltage sweeps: V_set, V_reset, HRS, LRS, on/off, polarity, compliance, outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from devicekit.core.errors import TraceError, UsageError
from devicekit.core.records import column, derived, frame, internal
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si
from devicekit.features.dc import figures, signs, subset
from devicekit.features.dc import rows as cycle_rows
from devicekit.features.dc import sentences as dc_text
from devicekit.features.dc.levels import Level, levels
from devicekit.features.dc.rate import rate_text
from devicekit.features.dc.sweeps import Sweep
from devicekit.features.dc.transistors import without_transistors
from devicekit.features.dc.transitions import Polarity, polarity
from devicekit.features.definitions import (
    DEFAULT_V_RESET,
    DEFAULT_V_SET,
    NAMES_IN_LABELS,
    check_definitions,
    definition,
    rule,
)
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings, curve, figure, middle, middle_curves
from devicekit.features.stats import Spread, Weibull, label_of, spreads, weibull
from devicekit.plot import Panel
from devicekit.report import Block, Table
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

STILL = 1e-3  # V; a record whose voltage varies less is a reading at constant voltage
LEAST_PLOTTED = 5  # values that a probability plot needs


@dataclass(frozen=True, eq=False, kw_only=True)
class DcResult(MeritResult):
    """DC figures of merit of a sweep table."""

    figure_alt = "Magnitude of the current against voltage, logarithmic"

    cycles: pd.DataFrame = column(
        json=False, table="cycles", doc="one row per sweep: the fields of `devicekit.features.dc.sweeps.Figures`"
    )
    polarity: Polarity = column(
        doc="signs of the voltage at which the device sets and resets, from all sweeps; unknown if only a minority "
        "switches"
    )
    spreads: tuple[Spread, ...] = column(
        caption="Spreads of conductances and ratios are in decades (log-normal). D2D excludes the contribution of C2C. "
        "Below ten values, 95 % confidence intervals are added",
        doc="C2C and D2D of each quantity over the sweeps that switched; none if there are several compliances, or if "
        "fewer than one in ten sweeps or devices have the quantity. A V_set or V_reset at the limit is left out",
    )
    weibulls: tuple[Weibull, ...] = column(
        name="weibull", doc="Weibull fits of V_set and V_reset; none if there are several compliances"
    )
    levels: tuple[Level, ...] = column(table="levels", doc="figures at each compliance, if there are several")
    read_voltage_v: float = column(doc="read voltage of HRS and LRS")
    v_set_method: str = column(doc="name of the definition of V_set")
    v_reset_method: str = column(doc="name of the definition of V_reset")
    table: SweepTable = internal("the sweeps")
    left_out: tuple[subset.Minority, ...] = column(default=(), doc="quantities of a minority of the sweeps or devices")
    forming: int | None = internal("cycle that forms a pristine device", default=None)
    apart: str = internal("where another definition puts V_set, if that is far away", default="")

    @derived()
    def outcomes(self) -> dict[str, int]:
        """Number of sweeps by outcome."""
        return {str(name): int(number) for name, number in self.cycles["outcome"].value_counts().items()}

    @property
    def reads(self) -> bool:
        """True if the sweeps only read the device."""
        return set(self.cycles["outcome"]) == {"read"}

    @derived()
    def at_limit(self) -> dict[str, int]:
        """Number of sweeps whose V_set, or V_reset, lies at the end of the sweep."""
        columns = {"v_set_v": "set_limit_v", "v_reset_v": "reset_limit_v"}
        return {name: int(np.isfinite(self.cycles[column].to_numpy(float)).sum()) for name, column in columns.items()}

    @derived()
    def compliance_from_data(self) -> int:
        """Number of sweeps whose compliance was found in the data."""
        return int((self.cycles["compliance_source"] == "data").sum())

    @cached_property
    def by_compliance(self) -> pd.DataFrame:
        """LRS, V_set and V_reset against compliance: one row per compliance, if there are several."""
        return frame(self.levels)

    @cached_property
    def _shown_frame(self) -> pd.DataFrame:
        """Rows of the table for the sweeps in medians and pictures."""
        rows = subset.shown_sweeps(self.cycles)
        if len(rows) == len(self.cycles):
            return self.table.frame
        keys = pd.MultiIndex.from_frame(rows[["device_id", "cycle"]])
        frame = self.table.frame
        own = pd.MultiIndex.from_arrays([frame["device_id"].astype(str), frame["cycle"].astype("int64")])
        return frame[own.isin(keys)]

    def spread(self, quantity: str) -> Spread | None:
        """Return the spread of one quantity, or None if no cycle has it."""
        return next((each for each in self.spreads if each.quantity == quantity), None)

    def scalars(self) -> tuple[Scalar, ...]:
        """Return medians, C2C and D2D of the voltages and states; none where there are several compliances."""
        read = f"read at {self.read_voltage_v:g} V"
        return tuple(one for each in self.spreads for one in each.scalars(self.methods.get(each.quantity, read)))

    @property
    def methods(self) -> dict[str, str]:
        """Definitions of V_set and V_reset, with the read voltage if they depend on it."""
        named = {"v_set_v": self.v_set_method, "v_reset_v": self.v_reset_method}
        return {name: definition(method, self.read_voltage_v) for name, method in named.items()}

    def tiles(self) -> tuple[Scalar, ...]:
        """Return `scalars` with definition and number of sweeps where it is not all; the ranges of a ladder."""
        if self.levels:
            return self._ranges()
        total, numbers = len(self.cycles), {each.quantity: each.n for each in self.spreads}
        found = []
        for each in self.scalars():
            n = numbers.get(each.name, total)
            of = f" of {n} of {total} sweeps" if n < total else ""
            by = f" ({_short(each.by)})" if each.name in ("v_set_v", "v_reset_v", "on_off") else ""
            found.append(replace(each, label=f"{each.label}{of}{by}"))
        return tuple(found)

    def _ranges(self) -> tuple[Scalar, ...]:
        """Return lowest and highest LRS, V_set and on/off over the compliances."""
        found = []
        at = f"at {self.read_voltage_v:g} V"
        for name, label, unit, by in (
            ("g_lrs_{}_s", "LRS", "S", at),
            ("v_set_{}_v", "V_set", "V", _short(self.methods["v_set_v"])),
            ("on_off_{}", "on/off", "", at),
        ):
            values = self.by_compliance[name.replace("_{}", "")].to_numpy(float)
            known = values[np.isfinite(values)]
            if known.size:
                low, high = float(known.min()), float(known.max())
                ends = [("low", "lowest", low), ("high", "highest", high)][: 1 if label == "on/off" else 2]
                found += [Scalar(name.format(end), f"{word} {label}, {by}", value, unit) for end, word, value in ends]
        return tuple(found)

    def verdict(self) -> str:
        """Return the main result in one sentence; "" if the sweeps only read the device."""
        if self.reads:
            return ""
        total = count(len(self.cycles), "sweep")
        if (rare := next((each for each in self.left_out if not each.quantity), None)) is not None:
            return f"Only {rare.n} of {total} {'switches' if rare.n == 1 else 'switch'}; no on/off ratio is given."
        if self.levels:
            return dc_text.by_compliance(self.levels)[0]
        return dc_text.median_sentence(self.spreads, len(self.cycles)) or dc_text.outcome_counts(self.cycles)

    def remarks(self) -> list[str]:
        """Return outcomes, polarity, and what was left out; numbers stand in the verdict and the tiles."""
        return [] if self.reads else [*self._outcomes(), *dc_text.forming(self.cycles), *self._conditions()]

    def sentences(self) -> list[str]:
        """Return outcomes, polarity, voltages with their definitions, on/off, and what was left out."""
        if self.reads:
            return [dc_text.readings_only(self.cycles, float(self.table.frame["voltage_v"].abs().max()))]
        values = dc_text.values(self.spreads, self.methods)
        return [
            *self._outcomes(),
            *dc_text.forming(self.cycles),
            *values,
            *self._conditions(),
            *dc_text.meanings(self.cycles),
        ]

    @property
    def _counted(self) -> pd.DataFrame:
        """Rows of the sweeps that are in medians: no forming."""
        return subset.counted_sweeps(self.cycles, self.forming)

    def _outcomes(self) -> list[str]:
        polarity = [] if self.polarity.word == "unknown" else [self.polarity.sentence()]
        return [dc_text.outcome_counts(self.cycles), *polarity]

    def _conditions(self) -> list[str]:
        """Return what a minority has, figures by compliance, sweeps at the limit, compliances from the data."""
        whole = any(not each.quantity for each in self.left_out)
        return [
            *subset.minority_text(self.left_out, self.cycles),
            *dc_text.by_compliance(self.levels),
            *([] if whole else dc_text.at_limit(self.cycles)),
            *dc_text.compliance(self.cycles),
            *([self.apart] if self.apart else []),
        ]

    def panel(self) -> Panel:
        """Draw `|I|` against V of the counted sweeps: by compliance, or with the middle one on top."""
        if self.levels:
            return figures.sweeps_by_level(self._by_level())
        return figures.sweeps(*middle_curves(self._shown_frame))

    def _by_level(self) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
        """Return voltage and current of the sweeps of each compliance, by its name."""
        groups = dict(iter(self.table.frame.groupby(["device_id", "cycle"], sort=False)))
        found = {}
        for each in self.levels:
            keys = each.sweeps
            shown = keys[: max(1, MOST_CURVES // len(self.levels))]
            found[si(each.compliance_a, "A")] = [curve(groups[key]) for key in shown]
        return found

    def conduction_panel(self) -> Panel:
        """Draw `|I|` against `|V|` of the legs of the middle sweep on log scales."""
        _, top = middle(self._shown_frame)
        return figures.conduction(*curve(top.dropna(subset=["voltage_v", "current_a"])))

    def _middle_sweep(self) -> str:
        """Return which sweep the middle one is: device and cycle, and the compliance if there are several."""
        _, top = middle(self._shown_frame)
        device, cycle = str(top["device_id"].iloc[0]), int(top["cycle"].iloc[0])
        rows = self.cycles[(self.cycles["device_id"].astype(str) == device) & (self.cycles["cycle"] == cycle)]
        limit = float(rows["compliance_a"].iloc[0]) if self.levels and len(rows) else float("nan")
        at = f" at {si(limit, 'A')}" if np.isfinite(limit) else ""
        return f"cycle {cycle} of {device}{at}"

    def levels_panel(self) -> Panel:
        """Draw distribution of HRS and LRS; against the compliance if there are several."""
        if self.levels:
            return figures.against_compliance(self.by_compliance)
        rows = self._counted
        return figures.levels(*(rows[name].to_numpy(float) for name in ("g_hrs_s", "g_lrs_s")))

    def probability_panel(self, quantity: str = "v_set_v", kind: str = "weibull") -> Panel:
        """Draw the probability plot of the size of V_set or V_reset."""
        values = self._counted[quantity].to_numpy(float)
        return figures.probability(values, label_of(quantity), "V", kind)

    def notes(self) -> list[str]:
        """Return the definitions, which sweeps count, and what the outcomes mean."""
        text = (
            f"V_set: {rule(self.v_set_method, self.read_voltage_v)}. V_reset: "
            f"{rule(self.v_reset_method, self.read_voltage_v)}. HRS and LRS: conductances at {self.read_voltage_v:g} V."
        )
        which = subset.shown_text(self.cycles)
        return [f"{text} Medians and figures use {which}." if which else text, *dc_text.meanings(self.cycles)]

    def record_tables(self) -> list[Block]:
        """Return the spreads; medians by compliance if there are several."""
        if not self.levels:
            return super().record_tables()
        words = "V_set, V_reset and conductances by compliance: medians, with ± C2C standard deviation where known"
        if any(each.n == 0 for each in self.levels):
            words += ". Without a set, HRS and LRS are those after and before the reset"
        return [Table.of(self.levels, words, len(self.levels))]

    def drawn(self) -> Block:
        """Return the figure of the sweeps."""
        words = f"{subset.shown_count(self.cycles) or 'Sweeps'}; in front {self._middle_sweep()}."
        caption = "Sweeps by compliance." if self.levels else f"{words} The CSV has only this one."
        rate = rate_text([self.table.frame])
        return figure(self.panel(), f"{caption} {rate}".rstrip(), self.figure_alt)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        if self.reads:
            return [self.drawn()]
        top, rows = self._middle_sweep(), self._counted
        words = "Magnitude of the current against magnitude of the voltage on logarithmic axes"
        on_log_axes = figure(self.conduction_panel(), f"{top[0].upper()}{top[1:]}, on logarithmic axes.", words)
        blocks = super().blocks()
        if self.levels or rows[["g_hrs_s", "g_lrs_s"]].notna().sum().max() > 1:  # one value has no distribution
            alt = "Distribution of the conductance of HRS and LRS"
            against = " against the compliance" if self.levels else ""
            blocks.append(figure(self.levels_panel(), f"HRS and LRS at the read voltage{against}.", alt))
        note = " Points on a straight line follow that distribution."
        for name in ("v_set_v", "v_reset_v"):
            known = int(np.isfinite(rows[name].to_numpy(float)).sum())
            if self.levels or known < LEAST_PLOTTED or self.spread(name) is None:
                continue
            for kind, words in (("weibull", "Weibull"), ("normal", "normal")):
                alt = f"{label_of(name)}: {words} probability plot"
                blocks.append(figure(self.probability_panel(name, kind), f"{alt}.{note}", alt))
                note = ""
        return [*blocks, on_log_axes]


def _short(definition: str) -> str:
    """Return a definition in the words of a label: "half-way in ln G, read at 0.1 V"."""
    method, comma, read = definition.partition(",")
    return f"{NAMES_IN_LABELS.get(method, method)}{comma}{read}"


def select_sweeps(table: SweepTable) -> SweepTable | None:
    """Select records with a changing voltage, without transfer curves of transistors; None if there is none.

    Currents with the sign opposite to the voltage are reversed (`devicekit.features.dc.signs`).
    """
    kept = without_transistors(table)
    if kept is None:
        return None
    table = signs.correct_signs(kept)
    span = table.frame.groupby(["device_id", "cycle"])["voltage_v"].transform(np.ptp)
    frame = table.frame[span.fillna(0) > STILL]
    return None if frame.empty else SweepTable(frame.copy(), table.meta)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> DcResult | None:
    """Find the DC figures of the sweeps of a table; None without sweeps."""
    sweeps = select_sweeps(table) if isinstance(table, SweepTable) else None
    if sweeps is None:
        return None
    try:
        return characterize(
            sweeps,
            read_voltage=settings.read_voltage,
            v_set=settings.v_set,
            v_reset=settings.v_reset,
            forming=cycle_rows.forming_cycle(sweeps.frame),
        )
    except TraceError:
        return None


def characterize(
    table: SweepTable,
    *,
    read_voltage: float | None = None,
    v_set: str = DEFAULT_V_SET,
    v_reset: str = DEFAULT_V_RESET,
    forming: int | None = None,
) -> DcResult:
    """Compute V_set, V_reset, HRS, LRS, on/off and outcome of every sweep, with C2C and D2D.

    Parameters
    ----------
    table : SweepTable
        Sweeps of one or both polarities, measured or simulated.
    read_voltage : float, optional
        Size of the voltage at which HRS and LRS are read [V]; if not given 0.1 V, or a tenth of the range if that
        is less.
    v_set, v_reset : str
        Definitions: a key of `V_SET` and of `V_RESET` of `devicekit.features.dc.sweeps`.
    forming : int, optional
        Cycle that forms a pristine device: its set is V_form, and its states are in no median.

    Raises
    ------
    UsageError
        If a definition is unknown, or the read voltage lies outside the sweeps.
    TraceError
        If no sweep has a leg with rising voltage.
    """
    check_definitions(v_set, v_reset)
    groups = signs.correct_signs(table).frame.groupby(["device_id", "cycle"], sort=False)
    sweeps = cycle_rows.apply_shared_limits([Sweep.of(key, rows) for key, rows in groups])
    reach = max((sweep.reach for sweep in sweeps), default=0.0)
    if reach == 0:
        raise TraceError("no sweep has a leg with rising voltage")
    read = abs(read_voltage) if read_voltage is not None else min(0.1, reach / 10)
    if read > reach:
        raise UsageError(
            f"read_voltage={read:g} V lies outside the sweeps, which reach {reach:g} V. Choose a smaller one."
        )
    found = cycle_rows.all_transitions(sweeps, read)
    side = polarity([each for of_one in found for each in of_one])
    cycles = cycle_rows.of_sweeps(sweeps, found, read, side, v_set, v_reset, forming)
    other = "max_didv" if v_set == DEFAULT_V_SET else DEFAULT_V_SET  # the jump in a figure
    others = cycle_rows.of_sweeps(sweeps, found, read, side, other, v_reset, forming)
    counted = subset.counted_sweeps(cycles, forming)
    by_level = levels(cycles) if len(counted) else ()
    found_spreads = tuple(spreads(counted).values())
    left_out = subset.find_minorities(cycles, found_spreads)
    rare = {each.quantity for each in left_out}
    fits = [weibull(counted[name].to_numpy(float), name) for name in ("v_set_v", "v_reset_v") if name not in rare]
    return DcResult(
        cycles=cycles,
        polarity=replace(side, word="unknown", set_sign=0, reset_sign=0) if "" in rare else side,
        spreads=() if by_level else tuple(each for each in found_spreads if each.quantity not in rare),
        weibulls=() if by_level else tuple(fit for fit in fits if fit),
        levels=by_level,
        read_voltage_v=read,
        v_set_method=v_set,
        v_reset_method=v_reset,
        table=table,
        warnings=(*dc_text.warnings(cycles, table.frame, v_set), *subset.warnings(left_out, cycles)),
        left_out=left_out,
        forming=forming,
        apart=dc_text.apart(cycles["v_set_v"], others["v_set_v"], v_set, other),
    )
