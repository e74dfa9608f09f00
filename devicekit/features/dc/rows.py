"""Transitions and figures of merit of every sweep of a table, one row per sweep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.records import frame
from devicekit.features.dc import compliance, subset
from devicekit.features.dc.sweeps import Sweep, figures_of, only_reads
from devicekit.features.dc.transitions import Polarity, Transition, transitions
from devicekit.features.definitions import COUNTED, V_FORM, V_FORM_METHOD

MOST_READ = 0.9  # share of the sweeps that must look like readings, if none switches
LEVELS = ["g_hrs_s", "g_lrs_s", "on_off", "g_before_reset_s", "g_after_reset_s"]


def apply_shared_limits(sweeps: list[Sweep]) -> list[Sweep]:
    """Return the sweeps with compliances from the data, judged over all of them."""
    found = compliance.assign_shared_limits([(sweep.v, sweep.i, sweep.excursions) for sweep in sweeps])
    return [replace(sweep, excursions=own) for sweep, own in zip(sweeps, found, strict=True)]


def all_transitions(sweeps: list[Sweep], read: float) -> list[tuple[Transition, ...]]:
    """Return the transitions of each sweep; the start of the device's next sweep gives the state after it."""
    following: dict[str, float] = {}
    found = []
    for sweep in reversed(sweeps):
        found.append(() if sweep.other else transitions(sweep, read, following.get(sweep.device, float("nan"))))
        following[sweep.device] = sweep.level(sweep.parts[0], read) if sweep.parts else float("nan")
    return found[::-1]


def forming_cycle(sweeps: pd.DataFrame) -> int | None:
    """Return the one cycle whose rows all have the step `form`, as in a simulation of a pristine film; None without."""
    if "step" not in sweeps:
        return None
    forms = (sweeps["step"] == "form").groupby(sweeps["cycle"]).agg(["all", "any"])
    found = forms.index[forms["all"]]
    return int(found[0]) if len(found) == 1 and int(forms["any"].sum()) == 1 else None


def _with_forming(cycles: pd.DataFrame, forming: int) -> pd.DataFrame:
    """Return the figures of sweeps with the V_set of one cycle, the forming, in a column of its own."""
    forms = cycles["cycle"] == forming
    formed = cycles.assign(**{V_FORM.name: cycles["v_set_v"].where(forms)})
    return formed.assign(v_set_v=cycles["v_set_v"].mask(forms))


def of_sweeps(
    sweeps: list[Sweep],
    found: list[tuple[Transition, ...]],
    read: float,
    side: Polarity,
    v_set: str,
    v_reset: str,
    forming: int | None = None,
) -> pd.DataFrame:
    """Compute the figures of every sweep; sweeps that look like readings count as readings where few or none switch.

    The set of the cycle `forming` has the definition of V_form, in a column of its own. A device that never switches
    has no HRS and no LRS.
    """
    cycles = frame(
        [
            figures_of(sweep, own, side.expected, V_FORM_METHOD if sweep.cycle == forming else v_set, v_reset)
            for sweep, own in zip(sweeps, found, strict=True)
        ]
    )
    quiet = [only_reads(sweep, own, read) for sweep, own in zip(sweeps, found, strict=True)]
    switch = cycles["outcome"].isin(COUNTED).to_numpy()
    if np.mean(quiet) >= MOST_READ and (side.word == "unknown" or subset.is_minority(cycles[switch], cycles)):
        cycles.loc[np.asarray(quiet) & ~switch if switch.any() else slice(None), "outcome"] = "read"
    for k, sweep in enumerate(sweeps):
        if sweep.other:
            cycles.loc[cycles.index[k], "outcome"] = sweep.other
    if side.word == "unknown":
        cycles[LEVELS] = np.nan
    return cycles if forming is None else _with_forming(cycles, forming)
