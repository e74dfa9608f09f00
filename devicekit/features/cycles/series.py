"""Quantities over consecutive cycles, in unbroken runs, from sweeps, pulse trains or endurance readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.quantities import Quantity
from devicekit.features.cycles.autoregression import Cycles
from devicekit.features.definitions import COUNTED, QUANTITIES
from devicekit.tables import EnduranceTable

SHORTEST_RUN = 8  # cycles; shorter runs are not used
MOST_MISSING = 0.5  # share of the cycles without a quantity above which that quantity is left out


@dataclass(frozen=True, eq=False)
class Series:
    """Quantities over the cycles of some devices.

    Attributes
    ----------
    quantities : tuple of Quantity
    devices : mapping of str to Cycles
        Runs of consecutive cycles in which every quantity is known.
    step : str
        Distance between neighbouring values.
    """

    quantities: tuple[Quantity, ...]
    devices: dict[str, Cycles]
    step: str = "one cycle"


OF_SWEEPS = (
    Quantity("v_set_v", "V", "|V_set|"),
    Quantity("v_reset_v", "V", "|V_reset|"),
    Quantity("ln_g_hrs", "S", "ln HRS", log=True, plain=QUANTITIES["g_hrs_s"].label),
    Quantity("ln_g_lrs", "S", "ln LRS", log=True, plain=QUANTITIES["g_lrs_s"].label),
)


def of_sweeps(cycles: pd.DataFrame, at: Mapping[tuple[str, int], str] | None = None) -> Series | None:
    """Return V_set, V_reset, HRS and LRS of the sweeps that switched.

    A sweep that failed, went against the others or was at its limit ends a run.

    Parameters
    ----------
    cycles : pandas.DataFrame
        Figures of each sweep, as in `DcResult.cycles`.
    at : mapping of (str, int) to str, optional
        Condition of the sweep by device and cycle, if there are several; each counts as a device of its own.
    """
    device = cycles["device_id"].astype(str)
    if at:
        keys = [at.get(key, "") for key in zip(device, cycles["cycle"], strict=True)]
        device = device + [f" at {key}" if key else "" for key in keys]
    columns = {
        "v_set_v": cycles["v_set_v"].abs(),
        "v_reset_v": cycles["v_reset_v"].abs(),
        "ln_g_hrs": _log(cycles["g_hrs_s"]),
        "ln_g_lrs": _log(cycles["g_lrs_s"]),
    }
    good = cycles["outcome"].isin(COUNTED).to_numpy()
    return _series(OF_SWEEPS, pd.DataFrame(columns), device, cycles["cycle"], good)


def of_trains(ends: pd.DataFrame, quantity: str) -> Series | None:
    """Return where the LTP train and the LTD train of each cycle end.

    Starts are left out: each train starts where the other one ended, so they repeat the same states.

    Parameters
    ----------
    ends : pandas.DataFrame
        device_id, cycle, direction and end, a row a train.
    quantity : {"conductance_s", "weight"}
        Quantity of the ends.
    """
    wide = ends.pivot_table(index=["device_id", "cycle"], columns="direction", values="end", sort=False)
    if not {"ltp", "ltd"} <= set(wide.columns):
        return None
    wide = wide.reset_index().sort_values(["device_id", "cycle"], kind="stable")
    log = quantity == "conductance_s" and bool((ends["end"] > 0).all())
    plain, unit = ("G", "S") if quantity == "conductance_s" else (quantity, "")
    start, label = ("ln_g", "ln G") if log else (plain.lower(), plain)
    quantities, columns = [], {}
    for way in ("ltp", "ltd"):
        after = f"after {way.upper()}"
        named = Quantity(f"{start}_{way}", unit, f"{label} {after}", log=log, plain=f"{plain} {after}")
        quantities.append(named)
        columns[f"{start}_{way}"] = _log(wide[way]) if log else wide[way].to_numpy(float)
    good = np.ones(len(wide), bool)
    return _series(quantities, pd.DataFrame(columns), wide["device_id"].astype(str), wide["cycle"], good)


def of_endurance(table: EnduranceTable) -> Series | None:
    """Return HRS and LRS of an endurance log with evenly spaced readings; the lag is then one such step.

    Parameters
    ----------
    table : EnduranceTable
    """
    wide = table.frame.pivot_table(index=["device_id", "cycle"], columns="level", values="conductance_s")
    if not {"hrs", "lrs"} <= set(wide.columns):
        return None
    wide = wide.reset_index().sort_values(["device_id", "cycle"], kind="stable")
    steps = wide.groupby("device_id", sort=False)["cycle"].diff().dropna()
    if steps.empty:
        return None
    step = int(steps.mode().iloc[0])
    if step < 1 or (steps == step).mean() < MOST_MISSING:
        return None
    frame = pd.DataFrame({"ln_g_hrs": _log(wide["hrs"]), "ln_g_lrs": _log(wide["lrs"])})
    words = "one cycle" if step == 1 else f"{step} cycles"
    good = np.ones(len(wide), bool)
    return _series(OF_SWEEPS[2:], frame, wide["device_id"].astype(str), wide["cycle"], good, step, words)


def _log(values: pd.Series) -> np.ndarray:
    """Return ln of what is above 0; NaN elsewhere."""
    x = values.to_numpy(float)
    return np.log(np.where(x > 0, x, np.nan))


def _series(
    quantities: Sequence[Quantity],
    frame: pd.DataFrame,
    device: pd.Series,
    cycle: pd.Series,
    good: np.ndarray,
    step: int = 1,
    words: str = "one cycle",
) -> Series | None:
    """Return runs of consecutive good cycles in which every quantity that most cycles have is known."""
    known = np.isfinite(frame.to_numpy(float))
    kept = [k for k in range(len(quantities)) if good.any() and known[good, k].mean() > MOST_MISSING]
    if len(kept) < 2:
        return None
    values = frame.to_numpy(float)[:, kept]
    whole = good & known[:, kept].all(axis=1)
    number = cycle.to_numpy(int)
    found = {}
    for name in dict.fromkeys(device):
        own = np.flatnonzero((device == name).to_numpy())
        own = own[np.argsort(number[own], kind="stable")]
        own = own[whole[own]]
        parts = np.split(own, np.flatnonzero(np.diff(number[own]) != step) + 1)
        runs = [part for part in parts if part.size >= SHORTEST_RUN]
        found[name] = Cycles(tuple(number[part] for part in runs), tuple(values[part] for part in runs))
    return Series(tuple(quantities[k] for k in kept), found, words)
