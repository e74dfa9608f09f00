"""Figures of merit by compliance, for tables whose sets were limited at several currents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.features.definitions import COUNTED
from devicekit.features.stats import Spread, spread

SAME = 1.02  # ratio below which stated compliances are equal
OF_SETS = (
    ("v_set_v", "V", False),
    ("g_hrs_s", "S", True),
    ("g_lrs_s", "S", True),
    ("on_off", "", True),
)
V_RESET = ("v_reset_v", "V", False)
COLUMNS = (
    "compliance_a",
    "n",
    "v_set_v",
    "v_set_c2c_v",
    "g_hrs_s",
    "g_lrs_s",
    "g_lrs_low_s",
    "g_lrs_high_s",
    "log10_sd",
    "on_off",
    "n_reset",
    "v_reset_v",
    "v_reset_c2c_v",
    "g_before_reset_s",
    "g_after_reset_s",
    "set_at_limit",
    "reset_at_limit",
)


@dataclass(frozen=True, eq=False)
class Level:
    """Sweeps and figures at one compliance.

    Attributes
    ----------
    compliance_a : float
        Compliance of the set that made the LRS [A].
    sets, resets : pandas.DataFrame
        Rows of the sweeps that set, and of those that only reset.
    """

    compliance_a: float
    sets: pd.DataFrame
    resets: pd.DataFrame

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """Spreads of the sets, and of V_reset over all sweeps; of the resets if the level has no sets."""
        shown = self.sets if len(self.sets) else self.resets
        both = pd.concat([each for each in (self.sets, self.resets) if len(each)])
        found = [spread(shown[name], shown["device_id"], name, unit, log) for name, unit, log in OF_SETS]
        name, unit, log = V_RESET
        found.insert(1, spread(both[name], both["device_id"], name, unit, log))
        return tuple(each for each in found if each)

    def row(self) -> dict[str, float]:
        """Return the row of the table by compliance, with the names of `COLUMNS`."""
        found = {each.quantity: each for each in self.spreads}
        lrs = (self.sets if len(self.sets) else self.resets)["g_lrs_s"]
        lrs = lrs[lrs > 0]
        several = len(lrs) > 1
        both = pd.concat([each for each in (self.sets, self.resets) if len(each)])
        nan = float("nan")
        return {
            "compliance_a": self.compliance_a,
            "n": len(self.sets),
            **{name: found[name].median if name in found else nan for name in ("v_set_v", "v_reset_v", "g_hrs_s")},
            **{f"{name[:-2]}_c2c_v": _c2c(found.get(name)) for name in ("v_set_v", "v_reset_v")},
            "g_lrs_s": float(lrs.median()),
            "g_lrs_low_s": float(lrs.quantile(0.05)) if several else nan,
            "g_lrs_high_s": float(lrs.quantile(0.95)) if several else nan,
            "log10_sd": float(np.log10(lrs).std()) if several else nan,
            "on_off": found["on_off"].median if "on_off" in found else nan,
            "n_reset": int(np.isfinite(both[["v_reset_v", "reset_limit_v"]].to_numpy(float)).any(axis=1).sum()),
            **{name: float(both[name].median()) for name in ("g_before_reset_s", "g_after_reset_s")},
            **{f"{name}_at_limit": int(np.isfinite(both[f"{name}_limit_v"]).sum()) for name in ("set", "reset")},
        }


def _c2c(each: Spread | None) -> float:
    return float("nan") if each is None or each.c2c is None else each.c2c


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
    found = []
    for step in steps:
        here = own == step
        found.append(Level(step, counted[here & is_set], counted[here & ~is_set]))
    return tuple(found)


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


def table_of(found: Sequence[Level]) -> pd.DataFrame:
    """Return one row per compliance, with `COLUMNS`."""
    return pd.DataFrame([each.row() for each in found], columns=list(COLUMNS))
