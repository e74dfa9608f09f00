"""Figures of merit by compliance, for tables whose sets were limited at several currents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.records import Record, cell, column
from devicekit.core.text import format_number, si
from devicekit.features.definitions import COUNTED, QUANTITIES
from devicekit.features.stats import Spread, spreads

SAME = 1.02  # ratio below which stated compliances are equal


@dataclass(frozen=True, eq=False, kw_only=True)
class Level(Record):
    """Sweeps and figures at one compliance: medians over its sets, over its resets if it has no sets."""

    compliance_a: float = column("compliance", text=lambda value: si(value, "A"), doc="compliance of the set")
    n: int = column("sets", text=str, doc="sweeps that set")
    v_set_v: float = column(unit="V", doc="median V_set of the sets")

    @cell("V_set")
    def v_set_text(self) -> str:
        """V_set with its C2C."""
        return _with_spread(self.v_set_v, self.v_set_c2c_v, self.set_at_limit, self.n)

    v_set_c2c_v: float = column(unit="V", doc="standard deviation of V_set over cycles")
    g_hrs_s: float = column("HRS before set", unit="S", doc="median conductance of the HRS")
    g_lrs_s: float = column("LRS after set", unit="S", doc="median conductance of the LRS")
    g_lrs_low_s: float = column(unit="S", doc="5 % quantile of the LRS; one value has none")
    g_lrs_high_s: float = column(unit="S", doc="95 % quantile of the LRS; one value has none")
    log10_sd: float = column(unit="decades", doc="standard deviation of log10 of the LRS")
    on_off: float = column(doc="median on/off")
    n_reset: int = column("resets", text=str, doc="sweeps that reset")
    v_reset_v: float = column(unit="V", doc="median V_reset of all its sweeps")

    @cell("V_reset")
    def v_reset_text(self) -> str:
        """V_reset with its C2C."""
        return _with_spread(self.v_reset_v, self.v_reset_c2c_v, self.reset_at_limit, self.n_reset)

    v_reset_c2c_v: float = column(unit="V", doc="standard deviation of V_reset over cycles")
    g_before_reset_s: float = column("LRS before reset", unit="S", doc="median conductance before the reset")
    g_after_reset_s: float = column("HRS after reset", unit="S", doc="median conductance after the reset")
    set_at_limit: int = column(doc="sets that were not finished at the end of the sweep")
    reset_at_limit: int = column(doc="resets that were not finished at the end of the sweep")
    spreads: tuple[Spread, ...] = column(
        row=False, doc="spreads of the sets, and of V_reset over all sweeps; of the resets if the level has no sets"
    )
    sets: pd.DataFrame = column(json=False, row=False, doc="rows of the sweeps that set")
    resets: pd.DataFrame = column(json=False, row=False, doc="rows of the sweeps that only reset")

    @property
    def sweeps(self) -> list[tuple[str, int]]:
        """Device and cycle of each sweep."""
        return [key for part in (self.sets, self.resets) for key in zip(part["device_id"], part["cycle"], strict=True)]


def _with_spread(value: float, deviation: float, at_limit: int, total: int) -> str:
    """Format a voltage, with its C2C if there is one, and in how many sweeps it was not reached."""
    shown = format_number(value, "V") + (f" ± {si(deviation, 'V', 2)}" if np.isfinite(deviation) else "")
    if not at_limit:
        return shown
    share = f"{at_limit} of {total}"
    return f"{shown} (not reached in {share})" if np.isfinite(value) else f"not reached ({share})"


def _level(compliance: float, sets: pd.DataFrame, resets: pd.DataFrame) -> Level:
    """Compute the figures at one compliance."""
    shown = sets if len(sets) else resets
    both = pd.concat([each for each in (sets, resets) if len(each)])
    found = (
        spreads(shown, ["v_set_v"]) | spreads(both, ["v_reset_v"]) | spreads(shown, ["g_hrs_s", "g_lrs_s", "on_off"])
    )
    medians = {name: found[name].median if name in found else float("nan") for name in QUANTITIES}
    lrs = shown["g_lrs_s"]
    lrs = lrs[lrs > 0]
    low, high, deviation = float("nan"), float("nan"), float("nan")
    if len(lrs) > 1:
        low, high, deviation = (float(each) for each in (*lrs.quantile([0.05, 0.95]), np.log10(lrs).std()))
    return Level(
        compliance_a=compliance,
        n=len(sets),
        v_set_v=medians["v_set_v"],
        v_set_c2c_v=_c2c(found.get("v_set_v")),
        g_hrs_s=medians["g_hrs_s"],
        g_lrs_s=float(lrs.median()),
        g_lrs_low_s=low,
        g_lrs_high_s=high,
        log10_sd=deviation,
        on_off=medians["on_off"],
        n_reset=int(np.isfinite(both[["v_reset_v", "reset_limit_v"]].to_numpy(float)).any(axis=1).sum()),
        v_reset_v=medians["v_reset_v"],
        v_reset_c2c_v=_c2c(found.get("v_reset_v")),
        g_before_reset_s=float(both["g_before_reset_s"].median()),
        g_after_reset_s=float(both["g_after_reset_s"].median()),
        set_at_limit=int(np.isfinite(both["set_limit_v"]).sum()),
        reset_at_limit=int(np.isfinite(both["reset_limit_v"]).sum()),
        spreads=tuple(found.values()),
        sets=sets,
        resets=resets,
    )


def _c2c(found: Spread | None) -> float:
    return found.c2c.value if found and found.c2c else float("nan")


def levels(cycles: pd.DataFrame) -> tuple[Level, ...]:
    """Group the sweeps that switched by the compliance of the set; empty unless there are several.

    A sweep that only resets belongs to its own stated compliance if sets have the same one, else to the device's last
    set before it, which made the LRS that it starts from.

    Parameters
    ----------
    cycles : pandas.DataFrame
        Fields of `devicekit.features.dc.sweeps.Figures`, a row a sweep, in the order of measurement.
    """
    counted = cycles[cycles["outcome"].isin(COUNTED)]
    is_set = (counted["outcome"].isin(("switched", "gradual")) | np.isfinite(counted["set_limit_v"])).to_numpy()
    limit = counted["compliance_a"].to_numpy(float)
    known = limit[np.isfinite(limit) & is_set]
    steps = _steps(known if known.size else limit[np.isfinite(limit)])
    if len(steps) < 2:
        return ()
    own = np.array([_nearest(value, steps) for value in limit])
    last: dict[str, float] = {}
    for k, device in enumerate(counted["device_id"]):
        if is_set[k]:
            last[str(device)] = float(own[k])
        elif not np.isfinite(own[k]):
            own[k] = last.get(str(device), np.nan)
    here = {step: own == step for step in steps}
    return tuple(_level(step, counted[at & is_set], counted[at & ~is_set]) for step, at in here.items())


def _steps(values: np.ndarray) -> list[float]:
    """Return the distinct compliances [A]: medians of values that lie within 2 % of the next one."""
    groups: list[list[float]] = []
    for value in np.sort(values):
        if groups and value <= SAME * groups[-1][-1]:
            groups[-1].append(float(value))
        else:
            groups.append([float(value)])
    return [float(np.median(group)) for group in groups]


def _nearest(value: float, steps: Sequence[float]) -> float:
    """Return the step within 2 % of a value; NaN if there is none."""
    if not np.isfinite(value):
        return float("nan")
    best = min(steps, key=lambda step: abs(np.log(value / step)))
    return best if abs(np.log(value / best)) <= np.log(SAME) + 1e-12 else float("nan")
