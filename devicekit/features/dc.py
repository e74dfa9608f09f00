"""DC figures of merit of voltage sweeps: V_set, V_reset, HRS, LRS, on/off, compliance, failed cycles.

A definition goes with every number. On an abrupt set with a logistic transition of width w in G and a ratio
R = G_LRS / G_HRS, `half_ln_g` lies w ln(sqrt(R) - 1) below the midpoint that `max_didv` finds: 37 mV for
w = 12 mV and R = 500. It has the smallest spread, and is therefore the default for C2C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.errors import Flag, TraceError, UsageError
from devicekit.features.stats import Spread, Weibull, spread, weibull
from devicekit.features.switching import AT_COMPLIANCE, V_RESET, V_SET, Rising, half_ln_g
from devicekit.readers.splitting import SweepBranch, branches
from devicekit.tables import SweepTable

LEAST_SWITCHING = np.log(2.0)  # ln of G_LRS / G_HRS below which a cycle did not switch
JUMP_SHARE = 1 / 3  # share of the switching that an abrupt set makes at once


@dataclass(frozen=True, eq=False)
class DcResult:
    """DC figures of merit of a sweep table.

    Attributes
    ----------
    cycles : pandas.DataFrame
        One row a sweep: device_id, cycle, v_set_v, v_reset_v (signed), g_hrs_s, g_lrs_s, on_off, compliance_a,
        hysteresis_w (area of the loop [V A]), outcome: switched | gradual | failed | one_way.
    spreads : tuple of Spread
        C2C and D2D of each quantity over the sweeps that switched.
    weibulls : tuple of Weibull
        Of V_set and V_reset.
    levels : pandas.DataFrame
        LRS against compliance: one row a compliance, if there are several.
    read_voltage_v : float
        Voltage that HRS and LRS are read at.
    v_set_method, v_reset_method : str
        Names of the definitions.
    flags : tuple of Flag
    """

    cycles: pd.DataFrame
    spreads: tuple[Spread, ...]
    weibulls: tuple[Weibull, ...]
    levels: pd.DataFrame
    read_voltage_v: float
    v_set_method: str
    v_reset_method: str
    flags: tuple[Flag, ...]

    @property
    def outcomes(self) -> dict[str, int]:
        """Number of sweeps by outcome."""
        return {str(name): int(count) for name, count in self.cycles["outcome"].value_counts().items()}

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
            "levels": self.levels.to_dict("records"),
            "warnings": [flag.as_dict() for flag in self.flags],
        }


def characterize(
    table: SweepTable,
    *,
    read_voltage: float | None = None,
    v_set: str = "half_ln_g",
    v_reset: str = "peak_current",
) -> DcResult:
    """V_set, V_reset, HRS, LRS, on/off and outcome of every sweep, with C2C and D2D.

    Parameters
    ----------
    table : SweepTable
        Sweeps of one or both polarities.
    read_voltage : float, optional
        Size of the voltage at which HRS and LRS are read [V]; if not given 0.1 V, or a tenth of the range if that
        is less.
    v_set, v_reset : str
        Definitions: a key of `V_SET` and of `V_RESET`.

    Raises
    ------
    UsageError
        If a definition is not known, or the read voltage lies outside the sweeps.
    TraceError
        If no sweep has a branch with rising voltage.
    """
    for name, known in ((v_set, V_SET), (v_reset, V_RESET)):
        if name not in known:
            raise UsageError(f"no definition {name!r}; there are {', '.join(known)}")
    sweeps = [_Sweep.of(key, rows) for key, rows in table.frame.groupby(["device_id", "cycle"], sort=False)]
    reach = max((sweep.reach for sweep in sweeps), default=0.0)
    if reach == 0:
        raise TraceError("no sweep has a branch with rising voltage")
    read = abs(read_voltage) if read_voltage is not None else min(0.1, reach / 10)
    if read > reach:
        raise UsageError(f"--read-voltage {read:g} V lies outside the sweeps, which reach {reach:g} V")
    polarity = _set_polarity(sweeps, read)
    rows = [_one(sweep, read, polarity, V_SET[v_set], V_RESET[v_reset]) for sweep in sweeps]
    cycles = pd.DataFrame(rows)
    flags = _flags(cycles)
    switched = cycles[cycles["outcome"].isin(("switched", "gradual"))]
    spreads = [
        spread(switched[name], switched["device_id"], name, unit, log)
        for name, unit, log in (
            ("v_set_v", "V", False), ("v_reset_v", "V", False), ("g_hrs_s", "S", True), ("g_lrs_s", "S", True),
            ("on_off", "", True),
        )
    ]  # fmt: skip
    fits = [weibull(switched[name].to_numpy(float), name) for name in ("v_set_v", "v_reset_v")]
    return DcResult(
        cycles, tuple(each for each in spreads if each), tuple(fit for fit in fits if fit), _levels(switched), read,
        v_set, v_reset, flags,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Sweep:
    device: str
    cycle: int
    v: np.ndarray
    i: np.ndarray
    parts: tuple[SweepBranch, ...]
    limit: float | None

    @staticmethod
    def of(key: Any, rows: pd.DataFrame) -> _Sweep:
        v, i = rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)
        known = np.isfinite(v) & np.isfinite(i)
        limit = None
        if "compliance_a" in rows:
            stated = rows["compliance_a"].to_numpy(float)
            limit = float(np.nanmin(stated)) if np.isfinite(stated).any() else None
        v, i = v[known], i[known]
        return _Sweep(str(key[0]), int(key[1]), v, i - _offset(i[v == 0]), branches(v), limit)

    @property
    def reach(self) -> float:
        return float(np.abs(self.v).max(initial=0.0)) if self.parts else 0.0

    def part(self, sign: int, rising: bool) -> SweepBranch | None:
        """The longest branch of that sign and direction."""
        found = [p for p in self.parts if p.sign == sign and p.rising == rising]
        return max(found, key=lambda p: p.stop - p.start) if found else None

    def conductance(self, part: SweepBranch | None, read: float, widest: float = 1.5) -> float:
        """Least-squares I = G V through the origin over half to one and a half times the read voltage [S].

        At a noise floor it is twice as precise as a point or a median; a sinh-shaped HRS reads 1 % high.
        """
        if part is None:
            return float("nan")
        v, i = self.v[part.start : part.stop], self.i[part.start : part.stop]
        near = (np.abs(v) >= 0.5 * read) & (np.abs(v) <= widest * read)
        if not near.any():
            distance = np.where(v != 0, np.abs(np.abs(v) - read), np.inf)
            near = np.isfinite(distance) & (distance == distance.min())
        return float((v[near] @ i[near]) / (v[near] @ v[near])) if near.any() else float("nan")


def _offset(at_zero: np.ndarray) -> float:
    """Offset current of the instrument [A]: the mean at 0 V, if it is far outside its own scatter, else 0.

    Taking off three noisy readings would put their noise into every HRS.
    """
    if at_zero.size < 3:
        return 0.0
    mean, error = float(at_zero.mean()), float(at_zero.std(ddof=1) / np.sqrt(at_zero.size))
    return mean if abs(mean) > 10 * error else 0.0


def _change(sweep: _Sweep, sign: int, read: float) -> float:
    """ln of the conductance after over before the branch of that sign; NaN if unknown."""
    before = sweep.conductance(sweep.part(sign, True), read)
    after = sweep.conductance(sweep.part(sign, False), read)
    return float(np.log(after / before)) if before > 0 and after > 0 else float("nan")


def _set_polarity(sweeps: Sequence[_Sweep], read: float) -> int:
    """The sign of the voltage that raises the conductance, over all sweeps."""
    totals = {}
    for sign in (1, -1):
        changes = np.array([_change(sweep, sign, read) for sweep in sweeps])
        changes = changes[np.isfinite(changes)]
        totals[sign] = float(np.median(changes)) if changes.size else -np.inf
    return 1 if totals[1] >= totals[-1] else -1


def _limit(sweep: _Sweep, i: np.ndarray) -> float | None:
    """Compliance: as stated, else a plateau of at least 3 points at the largest current."""
    if sweep.limit is not None:
        return sweep.limit
    top = i.max(initial=0.0)
    return (
        float(top)
        if top > 0 and (i >= AT_COMPLIANCE * top).sum() >= 3 and np.ptp(i[i >= AT_COMPLIANCE * top]) == 0
        else None
    )


def _rising(sweep: _Sweep, sign: int, read: float, cut: bool) -> Rising | None:
    part = sweep.part(sign, True)
    if part is None:
        return None
    v = np.abs(sweep.v[part.start : part.stop])
    i = sign * sweep.i[part.start : part.stop]
    limit = _limit(sweep, i)
    if cut and limit is not None:
        hit = np.flatnonzero(i >= AT_COMPLIANCE * limit)
        if hit.size:  # points after the first one at the limit say nothing about the device
            v, i = v[: hit[0] + 1], i[: hit[0] + 1]
    keep = v >= 0.5 * read  # below, I/V is offset and noise
    return Rising(
        v[keep], i[keep], sweep.conductance(part, read), sweep.conductance(sweep.part(sign, False), read), limit,
        sweep.conductance(part, read, widest=2.5),
    )  # fmt: skip


def _is_abrupt(branch: Rising, at: float) -> bool:
    """Whether the branch makes a good share of its switching within a twentieth of its span around `at`."""
    total = np.log(branch.after / branch.level)
    step = float(np.median(np.diff(branch.v))) if branch.v.size > 1 else 0.0
    half = max(0.05 * float(branch.v.max()), 3 * step)
    ln_g = branch.ln_g
    left = ln_g[(branch.v <= at) & (branch.v >= at - half) & np.isfinite(ln_g)]
    right = ln_g[(branch.v >= at) & (branch.v <= at + half) & np.isfinite(ln_g)]
    if left.size == 0 or right.size == 0:
        return False
    return bool(right.max() - left.min() > max(LEAST_SWITCHING, JUMP_SHARE * total))


def _one(
    sweep: _Sweep,
    read: float,
    polarity: int,
    set_of: Callable[[Rising], float],
    reset_of: Callable[[Rising], float],
) -> dict[str, Any]:
    up, down = _rising(sweep, polarity, read, cut=True), _rising(sweep, -polarity, read, cut=False)
    hrs = float("nan")
    if up:  # where the noise swallows the reading, the wider range still tells the level
        hrs = up.before if up.before > 0 else up.level
    lrs = up.after if up else float("nan")
    if not np.isfinite(lrs) and down:
        lrs = down.before
    if not np.isfinite(hrs) and down:
        hrs = down.after
    ratio = lrs / hrs if hrs > 0 and lrs > 0 else float("nan")
    v_set, outcome = float("nan"), "one_way"
    if up is not None and np.isfinite(ratio):
        outcome = "failed"
        if np.log(ratio) >= LEAST_SWITCHING and up.level > 0:
            at = half_ln_g(up)
            outcome = "switched" if np.isfinite(at) and _is_abrupt(up, at) else "gradual"
            v_set = set_of(up) if outcome == "switched" else float("nan")
    v_reset = float("nan")
    if down is not None and down.before > 0 and down.after > 0 and down.before >= 2 * down.after:
        v_reset = reset_of(down)
    return {
        "device_id": sweep.device, "cycle": sweep.cycle, "v_set_v": polarity * v_set, "v_reset_v": -polarity * v_reset,
        "g_hrs_s": hrs, "g_lrs_s": lrs, "on_off": ratio,
        "compliance_a": up.limit if up and up.limit is not None else float("nan"),
        "hysteresis_w": _area(sweep), "outcome": outcome,
    }  # fmt: skip


def _area(sweep: _Sweep) -> float:
    """Area between the branches of the loop, both polarities [V A]."""
    total = 0.0
    for sign in (1, -1):
        here = np.sign(sweep.v) == sign
        if here.sum() > 2:
            total += abs(float(np.trapezoid(sweep.i[here], sweep.v[here])))
    return total


def _flags(cycles: pd.DataFrame) -> tuple[Flag, ...]:
    found = []
    gradual = int((cycles["outcome"] == "gradual").sum())
    failed = int((cycles["outcome"] == "failed").sum())
    if gradual:
        found.append(
            Flag("no_switching", f"{gradual} of {len(cycles)} sweeps switch gradually: they have no V_set")
        )
    if failed:
        found.append(
            Flag("no_switching", f"{failed} of {len(cycles)} sweeps did not switch (on/off below 2)")
        )
    return tuple(found)


def _levels(switched: pd.DataFrame) -> pd.DataFrame:
    """LRS against compliance, one row a compliance, if there are several."""
    known = switched[np.isfinite(switched["compliance_a"]) & (switched["g_lrs_s"] > 0)]
    if known["compliance_a"].nunique() < 2:
        return pd.DataFrame(
            columns=["compliance_a", "n", "g_lrs_s", "g_lrs_low_s", "g_lrs_high_s", "log10_sd"]
        )
    groups = known.groupby("compliance_a")["g_lrs_s"]
    table = groups.agg(
        n="size",
        g_lrs_s="median",
        g_lrs_low_s=lambda g: g.quantile(0.05),
        g_lrs_high_s=lambda g: g.quantile(0.95),
    )
    table["log10_sd"] = groups.agg(lambda g: float(np.log10(g).std()) if len(g) > 1 else 0.0)
    return table.reset_index()
