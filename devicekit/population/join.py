"""Steps of a cell joined in their order: cycles, states before and after, what became of each cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from devicekit.core.quantities import Quantity
from devicekit.features.definitions import V_FORM
from devicekit.population.steps import HAPPENED, SWITCHING

STUCK = 2  # last attempts that fail in a row, from which a cell counts as stuck
LEAST_READ = 0.5  # share of the states that must be above the noise
LATE = 3  # the same for a set, from which its failures are not V_set beyond the sweep

QUANTITIES = {
    each.name: each
    for each in (
        V_FORM,
        Quantity("v_set_v", "V", "V_set", "size of the voltage of a set"),
        Quantity("v_reset_v", "V", "V_reset", "size of the voltage of a reset"),
        Quantity("g_hrs_s", "S", "G of the HRS", "conductance before a set", log=True),
        Quantity("g_lrs_s", "S", "G of the LRS", "conductance before a reset", log=True),
    )
}
STATES = {
    "works": "set and reset",
    "stuck on": "stuck in the LRS",
    "stuck off": "stuck in the HRS",
    "short": "conducting before forming",
    "not formed": "never formed",
    "never set": "never set",
    "not reset": "never reset",
    "open": "without a current above the noise",
    "unknown": "tried too seldom to tell",
}
UNTRIED = "unknown"  # state of a cell that counts neither as working nor as failed
DEAD = ("short", "not formed", "never set", "open")


def add_cycles(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the steps with columns cycle and idle.

    A set after a reset begins a cycle, 0 before the first; attempts that are repeated belong to one. Of loops every
    sweep is a cycle. Idle is a failed reset of a cell that no set has switched on since its last reset, or the reverse.
    """
    found: list[int] = []
    idle: list[bool] = []
    cell, number, last, place, state = None, 0, "reset", None, ""
    columns = (steps[name] for name in ("cell", "step", "from_loop", "file", "sweep", "outcome"))
    for own, step, from_loop, file, sweep, outcome in zip(*columns, strict=True):
        if own != cell:
            cell, number, last, place, state = own, 0, "reset", None, ""
        switched = outcome in HAPPENED
        idle.append(not switched and (step, state) in (("reset", "off"), ("set", "on"), ("form", "on")))
        if switched or outcome == "already_on":
            state = "off" if step == "reset" else "on"
        if from_loop:
            number += place != (file, sweep)
        elif step == "set" and last == "reset":
            number += 1
        last = step if step in ("set", "reset") else last
        place = file, sweep
        found.append(number)
    return steps.assign(cycle=found, idle=idle)


def cells_of(steps: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell: place, attempts and successes of each step, and what became of it."""
    places = [name for name in ("wafer", "die", "row", "column") if name in steps]
    columns = {name: steps[name].to_numpy() for name in ("step", "outcome", "idle", *places)}
    rows = []
    for cell, at in steps.reset_index(drop=True).groupby("cell", sort=False).indices.items():
        row: dict[str, object] = {"cell": cell, **{name: columns[name][at[0]] for name in places}}
        step, outcome = columns["step"][at], columns["outcome"][at]
        switched = np.isin(outcome, HAPPENED)
        done = {name: switched[(step == name) & ~columns["idle"][at].astype(bool)] for name in SWITCHING}
        for name, own in done.items():
            row |= {f"{name}_tried": len(own), f"{name}_done": int(own.sum())}
        rows.append({**row, "state": _state(done, step, outcome)})
    return pd.DataFrame(rows)


def all_values(steps: pd.DataFrame, cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the values of each quantity; see `values_of`."""
    states = dict(zip(cells["cell"], cells["state"], strict=True))
    return {name: values_of(steps, name, states) for name in QUANTITIES}


def add_medians(cells: pd.DataFrame, values: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the cells with the median of each quantity; NaN where no value is known."""
    found = cells.copy()
    for name, own in values.items():
        medians = own[own["low"] == own["high"]].groupby("cell")["low"].median().astype(float)
        found[name] = found["cell"].map(medians).astype(float)
    return found


def _trailing(done: np.ndarray) -> int:
    """Return how many of the last attempts failed in a row."""
    return int(done.size if not done.any() else np.argmax(done[::-1]))


def _state(done: Mapping[str, np.ndarray], step: np.ndarray, outcome: np.ndarray) -> str:
    """Return what became of a cell, a key of `STATES`, by the attempts of each step and what every sweep did."""
    tried = outcome[np.isin(step, SWITCHING)]
    if not len(tried):
        return UNTRIED
    if (tried == "no_current").all():
        return "open"
    ever_set = done["set"].any() or done["form"].any()
    if not ever_set:
        if done["reset"].any():
            return "works" if not done["set"].size else "never set"
        if (outcome[np.isin(step, ("form", "set"))] == "already_on").any():
            return "short"
        return "not formed" if done["form"].size else "never set" if done["set"].size else "not reset"
    if _trailing(done["reset"]) >= STUCK:
        return "stuck on" if done["reset"].any() or done["reset"].size else "not reset"
    if _trailing(done["set"]) >= STUCK and done["set"].size:
        return "stuck off" if done["set"].any() else "never set"
    if done["set"].any() and done["reset"].any():
        return "works"
    if done["reset"].size and not done["reset"].any():
        return "not reset"
    return "works" if done["form"].any() and done["reset"].any() else UNTRIED


def values_of(steps: pd.DataFrame, quantity: str, states: Mapping[str, str]) -> pd.DataFrame:
    """Return the values of one quantity, one per cycle: low and high, equal where the value is known, with the keys.

    A voltage of a cell that works is known to be larger than the sweep in which it did not switch; a cell that never
    switches, and the last failures of one that is stuck, say nothing of it.

    Parameters
    ----------
    steps : pandas.DataFrame
        With cycles (`add_cycles`).
    quantity : str
        A key of `QUANTITIES`.
    states : mapping of str to str
        What became of each cell.
    """
    alive = ~steps["cell"].map(states).isin(DEAD)
    if quantity == "v_form_v":
        return _forming(steps)
    if quantity in ("g_hrs_s", "g_lrs_s"):
        return _levels(steps[alive], quantity)
    step = quantity.removeprefix("v_").removesuffix("_v")
    own = steps[alive & (steps["step"] == step) & ~steps["idle"]]
    if not len(own):
        return own.assign(low=[], high=[])
    exact = own[quantity].abs()
    bound = own["bound_v"].abs().where(own["outcome"].isin(("at_limit", "no_switching")) & ~_is_limited(own, step))
    own = own.assign(low=exact.fillna(bound), high=exact.fillna(np.inf))
    own = own[own["low"].notna() & (own["outcome"] != "already_on")]
    late = own.groupby("cell", sort=False)["high"].transform(lambda high: _is_late(np.isfinite(high.to_numpy())))
    own = own[~late.astype(bool)]
    # of repeated attempts in a cycle the first success counts, or the highest bound
    order = own.assign(_bound=own["low"].where(np.isinf(own["high"]), np.inf))
    order = order.sort_values("_bound", kind="stable", ascending=False)
    return order.drop_duplicates(["cell", "cycle"]).drop(columns="_bound").sort_index()


def _is_limited(own: pd.DataFrame, step: str) -> pd.Series:
    """Return whether a failed step says nothing of the voltage: a reset that its current limit held back."""
    return own["limited"] if step == "reset" else pd.Series(False, own.index)


def _is_late(known: np.ndarray) -> np.ndarray:
    """Return which attempts belong to a run of failures at the end, of a cell that is stuck."""
    run = _trailing(known)
    return np.arange(known.size) >= known.size - run if run >= LATE else np.zeros(known.size, bool)


def _forming(steps: pd.DataFrame) -> pd.DataFrame:
    """Return the first forming of each cell, or the bound of one that has never formed."""
    own = steps[steps["step"] == "form"]
    if not len(own):
        return own.assign(low=[], high=[])
    exact = own["v_form_v"].abs()
    bound = own["bound_v"].abs().where(own["outcome"].isin(("at_limit", "no_switching")))
    own = own.assign(low=exact.fillna(bound), high=exact.fillna(np.inf))
    own = own[own["low"].notna()]
    first = own.assign(_known=np.isfinite(own["high"])).sort_values("_known", kind="stable", ascending=False)
    return first.drop_duplicates("cell").drop(columns="_known").sort_index()


def _levels(steps: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return each state once: read before it is left, else after it was reached.

    Its conditions are those of the step that reached it, such as the current limit of the set of an LRS; NaN where no
    step shows how it was reached.
    """
    leaving, reaching = ("set", ("reset",)) if quantity == "g_hrs_s" else ("reset", ("form", "set"))
    shown = steps.groupby(["cell", "file", "sweep"], sort=False)[quantity].transform("count")  # one row of a loop does
    shown = shown[(steps["step"] == leaving) & (steps["outcome"] == "switched")]
    if len(shown) and float((shown > 0).mean()) < LEAST_READ:  # those above the noise are not typical
        return steps.iloc[:0].assign(low=[], high=[])
    rows, makers = _states(steps, quantity, leaving, reaching)
    found, made = steps.iloc[rows], steps.iloc[np.maximum(makers, 0)]
    names = [name for name in map(str, steps) if name in ("compliance_a", "rate_v_s") or name.startswith("key_")]
    for name in names:
        if (steps.groupby("cell")[name].nunique(dropna=False) > 1).any():  # others are of the cell
            found = found.assign(**{name: made[name].where(makers >= 0).set_axis(found.index)})
    if quantity == "g_hrs_s":  # the HRS after the reset of a cycle is the one before the next set
        found = found.assign(cycle=found["cycle"] + found["step"].isin(reaching))
    return found.assign(low=found[quantity], high=found[quantity])


def _states(
    steps: pd.DataFrame, quantity: str, leaving: str, reaching: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row that shows each state, and the row of the step that reached it, -1 if that is unknown.

    Of several steps in a row that reach it, the last one counts; a second step that leaves it begins between states.
    """
    values = steps[quantity].to_numpy(float)
    rows: list[int] = []
    makers: list[int] = []
    cell, maker, away = None, -1, False  # away: it was left, and no step has tried to reach it again
    columns = (steps[name] for name in ("cell", "step", "outcome"))
    for k, (own, step, outcome) in enumerate(zip(*columns, strict=True)):
        if own != cell:
            cell, maker, away = own, -1, False
        switched, known = outcome in HAPPENED, values[k] > 0
        if step in reaching:
            if switched and maker >= 0 and rows and rows[-1] == maker:
                del rows[-1], makers[-1]  # its own reading is of a state before the last one
            if switched and known:
                rows.append(k)
                makers.append(k)
            maker, away = k if switched else maker, False
        elif step in SWITCHING and switched:
            if known and step == leaving and not away:
                if maker >= 0 and rows and rows[-1] == maker:
                    del rows[-1], makers[-1]
                rows.append(k)
                makers.append(maker)
            maker, away = -1, step == leaving
        elif outcome == "already_on" and leaving == "set":
            maker, away = -1, False
    return np.array(rows, int), np.array(makers, int)
