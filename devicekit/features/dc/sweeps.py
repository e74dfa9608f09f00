"""Figures of one voltage sweep: V_set, V_reset, HRS, LRS, on/off.

Measured and simulated sweeps use the same functions. HRS and LRS are slopes of I against V about the read voltage,
including a series resistance. A sweep is a sequence of excursions from 0 V; each of them sets (G at the read voltage at
least doubles), resets (at least halves), or does neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Record, column
from devicekit.features.dc.segments import Segment, split_segments
from devicekit.features.dc.switching import V_RESET, V_SET, Switching, cut, half_ln_g, reset_at_limit, set_at_limit
from devicekit.features.dc.trace import Sweep
from devicekit.features.dc.transitions import LEAST_SWITCHING, Transition, transitions

__all__ = ["Figures", "Segment", "Sweep", "figures", "figures_of", "is_abrupt", "only_reads", "split_segments"]

JUMP_SHARE = 1 / 3  # least share of the switching in the jump of an abrupt set
REACH = 0.05  # half-width of a jump about V_set, as a share of the largest |V|
GRID = 10  # points of the fixed grid on either side
STEADY = np.log(1.2)  # ln of the ratio of states before and after, below which a sweep only reads
STRAIGHT = 2.0  # ratio of the conductances along a leg, below which it only reads
AT_ZERO = 1e-3  # share of the largest |V| up to which a reading shows the offset current
BINS = 5  # parts of a leg whose conductances are compared


@dataclass(frozen=True, kw_only=True)
class Figures(Record):
    """Figures of merit of one sweep; NaN where there is none."""

    device_id: str
    cycle: int
    v_set_v: float = column(unit="V", doc="voltage of the set by its definition, with its sign")
    v_reset_v: float = column(unit="V", doc="voltage of the reset by its definition, with its sign")
    set_limit_v: float = column(unit="V", doc="end of the way up if the set was still going on: a bound")
    reset_limit_v: float = column(unit="V", doc="end of the way up if the reset was still going on: a bound")
    g_hrs_s: float = column(
        unit="S", doc="conductance at the read voltage before the set; after the reset if the sweep only resets"
    )
    g_lrs_s: float = column(unit="S", doc="the same after the set; before the reset if the sweep only resets")
    on_off: float = column(doc="g_lrs_s over g_hrs_s")
    g_before_reset_s: float = column(unit="S", doc="conductance at the read voltage before the reset")
    g_after_reset_s: float = column(unit="S", doc="the same after the reset")
    compliance_a: float
    compliance_source: str = column(doc='"stated" by a column, "data" (a plateau of the current), or ""')
    hysteresis_w: float = column(unit="W", doc="area of the loop, V times A")
    outcome: str = column(doc="a key of `devicekit.features.definitions.OUTCOMES`")


def is_abrupt(leg: Switching, at: float, reach: float) -> bool:
    """Return whether a leg makes a third of its switching within a twentieth of `reach` on either side of `at`.

    ln G is interpolated on a fixed grid of voltages, so that the result does not depend on the spacing of points.

    Parameters
    ----------
    leg : Switching
        The leg of the set, cut at the compliance.
    at : float
        |V| where ln G is half-way [V].
    reach : float
        Largest |V| of the whole way up [V].
    """
    ln_g = leg.ln_g
    known = np.isfinite(ln_g)
    grid = at + REACH * reach * np.linspace(-1.0, 1.0, 2 * GRID + 1)
    on_grid = np.interp(grid, leg.v[known], ln_g[known])
    rise = float(on_grid[GRID:].max() - on_grid[: GRID + 1].min())
    return rise > max(LEAST_SWITCHING, JUMP_SHARE * float(np.log(leg.after / leg.level)))


def figures(
    sweep: Sweep,
    read: float,
    polarity: int,
    v_set: str,
    v_reset: str,
    *,
    reset_polarity: int | None = None,
    following: float = float("nan"),
) -> Figures:
    """Compute V_set, V_reset, HRS, LRS and outcome of one sweep.

    Parameters
    ----------
    sweep : Sweep
    read : float
        Size of the voltage at which HRS and LRS are read [V].
    polarity : int
        Sign of the voltage that sets (see `devicekit.features.dc.transitions.polarity`); 0 if unknown.
    v_set, v_reset : str
        Names of the definitions.
    reset_polarity : int, optional
        Sign of the voltage that resets, 0 if unknown; the opposite of the set if not given.
    following : float
        Conductance where the next sweep of the device starts [S]; NaN if there is none.
    """
    signs = polarity, -polarity if reset_polarity is None else reset_polarity
    return figures_of(sweep, transitions(sweep, read, following), signs, v_set, v_reset)


def figures_of(sweep: Sweep, found: Sequence[Transition], signs: tuple[int, int], v_set: str, v_reset: str) -> Figures:
    """Compute the figures of a sweep whose transitions are known.

    Parameters
    ----------
    sweep : Sweep
    found : sequence of Transition
        Transitions of its excursions.
    signs : (int, int)
        Signs of the voltages that set and that reset, 0 if unknown.
    v_set, v_reset : str
        Names of the definitions.
    """
    up, down = _longest(found, ("set",), signs[0]), _longest(found, ("reset",), signs[1])
    idle_up, idle_down = _idle(found, signs)
    hrs, lrs = _levels(up, down, idle_up, idle_down)
    ratio = lrs / hrs if hrs > 0 and lrs > 0 else float("nan")
    at_set, set_limit, jumps = _set(up, v_set)
    at_reset, reset_limit = _reset(down, v_reset)
    if up is not None:
        outcome = "at_limit" if np.isfinite(set_limit) else "switched" if jumps else "gradual"
    elif down is not None:
        outcome = "at_limit" if np.isfinite(reset_limit) else "reset_only"
    elif any(each.kind in ("set", "reset") for each in found):
        outcome = "against"
    else:
        loops = any(each.excursion.back is not None for each in found)
        outcome = "failed" if np.isfinite(ratio) else "in_noise" if loops else "one_way"
    limit, source = _limit(up, down, idle_up)
    return Figures(
        device_id=sweep.device,
        cycle=sweep.cycle,
        v_set_v=at_set,
        v_reset_v=at_reset,
        set_limit_v=set_limit,
        reset_limit_v=reset_limit,
        g_hrs_s=hrs,
        g_lrs_s=lrs,
        on_off=ratio,
        g_before_reset_s=down.before if down else float("nan"),
        g_after_reset_s=down.after if down else float("nan"),
        compliance_a=limit,
        compliance_source=source,
        hysteresis_w=_area(sweep),
        outcome=outcome,
    )


def _longest(found: Sequence[Transition], kinds: tuple[str, ...], sign: int) -> Transition | None:
    """Return the transition of these kinds and sign (0: any) with the longest way up."""
    fitting = [each for each in found if each.kind in kinds and sign in (0, each.sign)]
    return max(fitting, key=lambda each: each.leg.v.size, default=None)


def _idle(found: Sequence[Transition], signs: tuple[int, int]) -> tuple[Transition | None, Transition | None]:
    """Return excursions that would have set, and reset, had they switched."""
    idle = [each for each in found if each.kind in ("none", "unknown")]
    to_set = [each for each in idle if signs[0] == each.sign or (signs[0] == 0 and signs[1] != each.sign)]
    up = _longest(to_set, ("none", "unknown"), 0)
    rest = [each for each in idle if each is not up]
    return up, _longest(rest, ("none", "unknown"), signs[1])


def _levels(*found: Transition | None) -> tuple[float, float]:
    """Return HRS and LRS [S] from a set, a reset or the idle excursions, whichever shows them first."""
    set_, reset, idle_up, idle_down = found
    hrs = [(set_, "before"), (reset, "after"), (idle_up, "before"), (idle_down, "after")]
    lrs = [(set_, "after"), (reset, "before"), (idle_up, "after"), (idle_down, "before")]
    first = []
    for places in (hrs, lrs):
        values = [getattr(each, name) for each, name in places if each is not None]
        first.append(next((float(value) for value in values if np.isfinite(value)), float("nan")))
    return first[0], first[1]


def _set(up: Transition | None, name: str) -> tuple[float, float, bool]:
    """Return V_set [V], the end of the sweep where it is at the limit [V], and whether the set jumps."""
    if up is None:
        return float("nan"), float("nan"), False
    leg = cut(up.leg)
    # a compliance of 100 uA ends the cut leg at 98 of them
    middle, at = half_ln_g(leg), V_SET[name](up.leg if name == "at_100ua" else leg)
    if set_at_limit(leg, middle) or (np.isfinite(at) and set_at_limit(leg, at)):
        return float("nan"), up.sign * float(up.leg.v.max()), False
    return up.sign * at, float("nan"), bool(np.isfinite(middle) and is_abrupt(leg, middle, float(up.leg.v.max())))


def _reset(down: Transition | None, name: str) -> tuple[float, float]:
    """Return V_reset [V], and the end of the sweep where it is at the limit [V]."""
    if down is None:
        return float("nan"), float("nan")
    at = V_RESET[name](down.leg)
    if reset_at_limit(down.leg, at, name):
        return float("nan"), down.sign * float(down.leg.v.max())
    return down.sign * at, float("nan")


def _limit(up: Transition | None, down: Transition | None, idle: Transition | None) -> tuple[float, str]:
    """Return the compliance of the set [A]; of a sweep that only resets, the stated one."""
    shown = (up or idle) if up is not None or down is None else down
    if shown is None or shown.excursion.limit is None or (shown is down and shown.excursion.source != "stated"):
        return float("nan"), ""
    return shown.excursion.limit, shown.excursion.source


def _area(sweep: Sweep) -> float:
    """Return the area between the branches of the loop, both polarities [V A]; NaN without a way up and a way back."""
    loops = [each for each in sweep.excursions if each.back is not None]
    total = 0.0 if loops else float("nan")
    for sign in {each.sign for each in loops}:
        own = [each for each in loops if each.sign == sign]
        here = np.sign(sweep.v) == sign
        for each in own:  # two loops of one sign have areas of their own, which may run in opposite senses
            inside = here if len(own) == 1 else here & _between(here.size, each.span)
            if inside.sum() > 2:
                total += abs(float(np.trapezoid(sweep.i[inside], sweep.v[inside])))
    return total


def _between(size: int, span: slice) -> np.ndarray:
    inside = np.zeros(size, bool)
    inside[span] = True
    return inside


def only_reads(sweep: Sweep, found: Sequence[Transition], read: float) -> bool:
    """Return whether a sweep leaves the state unchanged, with the I-V of a reading.

    The states before and after differ by less than a fifth, and along every leg G stays within a factor of two after
    removal of an offset current at 0 V.

    Parameters
    ----------
    sweep : Sweep
    found : sequence of Transition
        Transitions of its excursions.
    read : float
        Size of the read voltage [V].
    """
    for each in found:
        if each.kind in ("set", "reset"):
            return False
        if each.kind == "none" and abs(np.log(each.leg.after / (each.before or np.nan))) >= STEADY:
            return False
    ratios = [_curvature(sweep, part, read) for part in sweep.parts]
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return bool(known) and max(known) < STRAIGHT


def _curvature(sweep: Sweep, part: Segment, read: float) -> float:
    """Return the largest over least conductance of the parts of a leg above the noise; NaN with fewer than two."""
    v, i = np.abs(sweep.v[part.start : part.stop]), part.sign * sweep.i[part.start : part.stop]
    home = v <= AT_ZERO * sweep.reach
    i = i - (i[home].mean() if home.any() else 0.0)
    keep = (v >= 0.5 * read) & ~home
    v, i = v[keep], i[keep]
    if v.size < 2 or np.ptp(v) == 0:
        return float("nan")
    places = np.minimum((BINS * (v - v.min()) / np.ptp(v)).astype(int), BINS - 1)
    values = []
    for k in range(BINS):
        x, y = v[places == k], i[places == k]
        if x.size == 0:
            continue
        g = float((x @ y) / (x @ x))
        error = float(np.sqrt(((y - g * x) @ (y - g * x)) / max(x.size - 1, 1) / (x @ x)))
        if g > 3 * error:
            values.append(g)
    return max(values) / min(values) if len(values) > 1 else float("nan")
