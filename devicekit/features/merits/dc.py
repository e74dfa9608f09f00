"""DC figures of merit of voltage sweeps: V_set, V_reset, HRS, LRS, on/off, compliance, failed cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from devicekit.errors import CodedWarning, TraceError, UsageError
from devicekit.features import figures
from devicekit.features import sweeps as single
from devicekit.features.definitions import DEFAULT_V_RESET, DEFAULT_V_SET
from devicekit.features.merit import QUANTITIES, Merit, Settings, figure, middle, number, spread_table
from devicekit.features.stats import Spread, Weibull, spread, weibull
from devicekit.features.sweeps import Sweep, legs, set_polarity
from devicekit.features.switching import V_RESET, V_SET
from devicekit.plot import Panel
from devicekit.report import Block, Table, Text
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable
from devicekit.text import count, si

STILL = 1e-3  # V; a record whose voltage moves less is a reading at constant voltage
LEAST_PLOTTED = 5  # values that a probability plot needs
_OUTCOMES = {"switched": "switched", "gradual": "gradual", "one_way": "one way only", "failed": "failed"}
_MEANING = {
    "gradual": (
        "A sweep that switches gradually has a V_set where ln G is half-way between its levels, but no jump there."
    ),
    "one_way": (
        "A sweep one way only holds one state before and another after, not both at the read voltage: it has no V_set, "
        "HRS, LRS or spread here. A loop (up and back) gives them."
    ),
    "failed": "A sweep that failed did not switch (on/off below 2).",
}
_SPREADS = (
    ("v_set_v", "V", False),
    ("v_reset_v", "V", False),
    ("g_hrs_s", "S", True),
    ("g_lrs_s", "S", True),
    ("on_off", "", True),
)


@dataclass(frozen=True, eq=False)
class DcResult:
    """DC figures of merit of a sweep table.

    Attributes
    ----------
    cycles : pandas.DataFrame
        One row a sweep: the fields of `devicekit.features.sweeps.Figures`.
    spreads : tuple of Spread
        C2C and D2D of each quantity over the sweeps that switched, at once or gradually.
    weibulls : tuple of Weibull
        Of V_set and V_reset.
    by_compliance : pandas.DataFrame
        LRS against compliance: one row a compliance, if there are several.
    read_voltage_v : float
        Voltage that HRS and LRS are read at.
    v_set_method, v_reset_method : str
        Names of the definitions.
    table : SweepTable
        The sweeps.
    warnings : tuple of CodedWarning
    """

    cycles: pd.DataFrame
    spreads: tuple[Spread, ...]
    weibulls: tuple[Weibull, ...]
    by_compliance: pd.DataFrame
    read_voltage_v: float
    v_set_method: str
    v_reset_method: str
    table: SweepTable
    warnings: tuple[CodedWarning, ...]

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of sweeps by outcome."""
        return {str(name): int(number) for name, number in self.cycles["outcome"].value_counts().items()}

    def spread(self, quantity: str) -> Spread | None:
        """The spread of one quantity, or None if no cycle has it."""
        return next((each for each in self.spreads if each.quantity == quantity), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "read_voltage_v": self.read_voltage_v,
            "v_set_method": self.v_set_method,
            "v_reset_method": self.v_reset_method,
            "outcomes": self.outcomes,
            "spreads": [each.as_dict() for each in self.spreads],
            "weibull": [each.as_dict() for each in self.weibulls],
            "levels": self.by_compliance.to_dict("records"),
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Figures of every sweep; LRS by compliance if there are several."""
        return {"cycles": self.cycles, **({"levels": self.by_compliance} if len(self.by_compliance) else {})}

    def _counted(self) -> str:
        parts = ", ".join(f"{number} {_OUTCOMES[name]}" for name, number in self.outcomes.items())
        return f"{count(len(self.cycles), 'sweep')}: {parts}."

    def sentences(self) -> list[str]:
        """Outcomes, voltages with their definitions, on/off."""
        found = []
        for name, method in (("v_set_v", self.v_set_method), ("v_reset_v", self.v_reset_method)):
            each = self.spread(name)
            if each is None:
                continue
            if each.n == 1:
                told = "one sweep"
            else:
                known = each.c2c is not None and np.isfinite(each.c2c)
                told = f"median of {each.n}" + (f", C2C standard deviation {si(each.c2c, 'V', 2)}" if known else "")
            found.append(f"{QUANTITIES[name]} {si(each.median, 'V', 4)} (by {method}, {told})")
        if (ratio := self.spread("on_off")) is not None:
            found.append(f"on/off {ratio.median:.3g}")
        values = [f"{'; '.join(found)}."] if found else []
        return [self._counted(), *values, *(text for name, text in _MEANING.items() if name in self.outcomes)]

    def panel(self) -> Panel:
        """Size of the current of every sweep against voltage; the middle one on top."""
        shown, top = middle(self.table.frame)
        curves = [(rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)) for rows in [*shown, top]]
        return figures.sweeps(curves[:-1], curves[-1])

    def conduction_panel(self) -> Panel:
        """Size of I against size of V on log scales, the legs of the middle sweep."""
        _, top = middle(self.table.frame)
        rows = top.dropna(subset=["voltage_v", "current_a"])
        v, i = rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)
        return figures.conduction(
            {
                f"{'+' if leg.sign > 0 else '-'}V {'rising' if leg.rising else 'falling'}": (
                    v[leg.start : leg.stop],
                    i[leg.start : leg.stop],
                )
                for leg in legs(v)
            }
        )

    def levels_panel(self) -> Panel:
        """Distribution of HRS and LRS; against the compliance if there are several."""
        if len(self.by_compliance):
            columns = ("compliance_a", "g_lrs_s", "g_lrs_low_s", "g_lrs_high_s")
            return figures.against_compliance(*(self.by_compliance[name].to_numpy(float) for name in columns))
        return figures.levels(*(self.cycles[name].to_numpy(float) for name in ("g_hrs_s", "g_lrs_s")))

    def probability_panel(self, quantity: str = "v_set_v", kind: str = "weibull") -> Panel:
        """Probability plot of the size of V_set or V_reset."""
        return figures.probability(self.cycles[quantity].to_numpy(float), QUANTITIES[quantity], "V", kind)

    def blocks(self) -> list[Block]:
        """Its part of a report."""
        text = (
            f"{self._counted()} V_set by {self.v_set_method}, V_reset by {self.v_reset_method}; HRS and LRS read at "
            f"{self.read_voltage_v:g} V."
        )
        meaning = [words for name, words in _MEANING.items() if name in self.outcomes]
        caption = "Spreads of conductances and ratios are in decades (log-normal). D2D without the share of C2C."
        blocks: list[Block] = [Text([text, *meaning])]
        if self.spreads:
            blocks.append(spread_table(self.spreads, caption))
        blocks += [
            figure(
                self.panel(),
                "Sweeps; the middle one, on top, is in the data.",
                "Magnitude of the current against voltage, logarithmic",
            ),
            figure(
                self.conduction_panel(),
                "Conduction: the middle sweep on logarithmic axes.",
                "Magnitude of the current against magnitude of the voltage on logarithmic axes",
            ),
        ]
        if len(self.by_compliance) or self.cycles[["g_hrs_s", "g_lrs_s"]].notna().any(axis=None):
            alt = "Distribution of the conductance of HRS and LRS"
            blocks.append(figure(self.levels_panel(), "HRS and LRS at the read voltage.", alt))
        for name in ("v_set_v", "v_reset_v"):
            if np.isfinite(self.cycles[name].to_numpy(float)).sum() < LEAST_PLOTTED:
                continue
            for kind, words in (("weibull", "Weibull"), ("normal", "normal")):
                alt = f"{QUANTITIES[name]}: {words} probability plot"
                caption = f"{alt}; a straight line means that distribution."
                blocks.append(figure(self.probability_panel(name, kind), caption, alt))
        if len(self.by_compliance):
            rows = [
                (number(r.compliance_a, "A"), str(r.n), number(r.g_lrs_s, "S"), number(r.log10_sd, "decades"))
                for r in cast(Any, self.by_compliance.itertuples())
            ]
            head = ("compliance", "cycles", "median G of the LRS", "spread")
            blocks.append(Table(head, rows, "Levels by compliance."))
        return blocks


def moving(table: SweepTable) -> SweepTable | None:
    """The sweeps of a table whose voltage moves; None if there is none."""
    span = table.frame.groupby(["device_id", "cycle"])["voltage_v"].transform(np.ptp)
    frame = table.frame[span.fillna(0) > STILL]
    return None if frame.empty else SweepTable(frame.copy(), table.meta)


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> DcResult | None:
    """DC figures of what sweeps; None where nothing does."""
    sweeps = moving(table) if isinstance(table, SweepTable) else None
    if sweeps is None:
        return None
    try:
        return characterize(sweeps, read_voltage=settings.read_voltage, v_set=settings.v_set, v_reset=settings.v_reset)
    except TraceError:
        return None


def characterize(
    table: SweepTable,
    *,
    read_voltage: float | None = None,
    v_set: str = DEFAULT_V_SET,
    v_reset: str = DEFAULT_V_RESET,
) -> DcResult:
    """V_set, V_reset, HRS, LRS, on/off and outcome of every sweep, with C2C and D2D.

    Parameters
    ----------
    table : SweepTable
        Sweeps of one or both polarities, measured or simulated.
    read_voltage : float, optional
        Size of the voltage at which HRS and LRS are read [V]; if not given 0.1 V, or a tenth of the range if that
        is less.
    v_set, v_reset : str
        Definitions: a key of `V_SET` and of `V_RESET` of `devicekit.features.sweeps`.

    Raises
    ------
    UsageError
        If a definition is not known, or the read voltage lies outside the sweeps.
    TraceError
        If no sweep has a leg with rising voltage.
    """
    for name, known in ((v_set, V_SET), (v_reset, V_RESET)):
        if name not in known:
            raise UsageError(f"no definition {name!r}; there are {', '.join(known)}")
    sweeps = [Sweep.of(key, rows) for key, rows in table.frame.groupby(["device_id", "cycle"], sort=False)]
    reach = max((sweep.reach for sweep in sweeps), default=0.0)
    if reach == 0:
        raise TraceError("no sweep has a leg with rising voltage")
    read = abs(read_voltage) if read_voltage is not None else min(0.1, reach / 10)
    if read > reach:
        raise UsageError(f"read_voltage={read:g} V lies outside the sweeps, which reach {reach:g} V")
    polarity = set_polarity(sweeps, read)
    cycles = pd.DataFrame([asdict(single.figures(sweep, read, polarity, v_set, v_reset)) for sweep in sweeps])
    switched = cycles[cycles["outcome"].isin(("switched", "gradual"))]
    spreads = [spread(switched[name], switched["device_id"], name, unit, log) for name, unit, log in _SPREADS]
    fits = [weibull(switched[name].to_numpy(float), name) for name in ("v_set_v", "v_reset_v")]
    return DcResult(
        cycles=cycles,
        spreads=tuple(each for each in spreads if each),
        weibulls=tuple(fit for fit in fits if fit),
        by_compliance=_levels(switched),
        read_voltage_v=read,
        v_set_method=v_set,
        v_reset_method=v_reset,
        table=table,
        warnings=_warnings(cycles),
    )


def _warnings(cycles: pd.DataFrame) -> tuple[CodedWarning, ...]:
    total, outcome = len(cycles), cycles["outcome"]
    gradual, failed = int((outcome == "gradual").sum()), int((outcome == "failed").sum())
    found = []
    if gradual:
        words = f"{gradual} of {count(total, 'sweep')} switched gradually: a V_set is given, but there is no jump"
        found.append(CodedWarning("no_switching", words))
    if failed:
        found.append(
            CodedWarning("no_switching", f"{failed} of {count(total, 'sweep')} did not switch (on/off below 2)")
        )
    return tuple(found)


def _levels(switched: pd.DataFrame) -> pd.DataFrame:
    """LRS against compliance, one row a compliance, if there are several."""
    known = switched[np.isfinite(switched["compliance_a"]) & (switched["g_lrs_s"] > 0)]
    if known["compliance_a"].nunique() < 2:
        return pd.DataFrame(columns=["compliance_a", "n", "g_lrs_s", "g_lrs_low_s", "g_lrs_high_s", "log10_sd"])
    groups = known.groupby("compliance_a")["g_lrs_s"]
    table = groups.agg(
        n="size",
        g_lrs_s="median",
        g_lrs_low_s=lambda g: g.quantile(0.05),
        g_lrs_high_s=lambda g: g.quantile(0.95),
    )
    table["log10_sd"] = groups.agg(lambda g: float(np.log10(g).std()) if len(g) > 1 else np.nan)
    return table.reset_index()
