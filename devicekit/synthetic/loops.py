"""SYNTHETIC voltage sweeps with a known truth: drawn independently, or for given cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.synthetic.marks import SEED, synthetic
from devicekit.tables import SweepTable


@dataclass(frozen=True)
class SweepTruth:
    """Truth of the synthetic sweeps; the defaults are those of the reference device.

    The set is a logistic transition of G around V_set, of width `set_width`; the reset a logistic fall of G
    that has lost 5 % at V_reset, its onset, and half at three `reset_width` more.
    """

    v_set: float = 0.65  # V
    v_set_sd: float = 0.03
    v_reset: float = 0.70  # V, magnitude, of the onset
    v_reset_sd: float = 0.03
    g_lrs: float = 0.47e-3  # S
    g_hrs: float = 1e-6
    lrs_sd: float = 0.02  # decades
    hrs_sd: float = 0.10
    set_width: float = 0.012  # V
    reset_width: float = 0.03
    compliance: float = 0.25e-3  # A
    step: float = 0.01  # V
    top: float = 1.0
    bottom: float = 1.2
    noise: float = 0.03  # multiplicative
    floor: float = 10e-9  # A
    sinh_v: float = 0.4  # the HRS carries G V sinh(V / sinh_v) / (V / sinh_v)
    device_v_set_sd: float = 0.02  # V, over devices


def sweeps(n_cycles: int, n_devices: int = 1, truth: SweepTruth | None = None, seed: int = SEED) -> SweepTable:
    """Generate sweeps 0, top, 0, -bottom, 0 with noise and compliance.

    Parameters
    ----------
    n_cycles, n_devices : int
        Size of the set.
    truth : SweepTruth, optional
        True parameters; default: the reference device.
    seed : int
        Seed of every draw.

    Returns
    -------
    SweepTable
        With the true voltages of each sweep in the columns true_v_set_v and true_v_reset_v.
    """
    truth = truth or SweepTruth()
    rng = np.random.default_rng(seed)
    v = voltages(truth.top, truth.bottom, truth.step)[0]
    frames = []
    for device in range(n_devices):
        shift = rng.normal(0, truth.device_v_set_sd) if n_devices > 1 else 0.0
        for cycle in range(1, n_cycles + 1):
            at_set = rng.normal(truth.v_set + shift, truth.v_set_sd)
            at_reset = rng.normal(truth.v_reset, truth.v_reset_sd)
            hrs = truth.g_hrs * 10 ** rng.normal(0, truth.hrs_sd)
            lrs = truth.g_lrs * 10 ** rng.normal(0, truth.lrs_sd)
            i = _loop(truth, _Cycle(at_set, at_reset, hrs, lrs), rng)
            one = sweep_rows(f"device{device + 1:02d}", cycle, v, i, truth.compliance)
            frames.append(one.assign(true_v_set_v=at_set, true_v_reset_v=-at_reset))
    return synthetic(SweepTable, pd.concat(frames, ignore_index=True))


def voltages(top: float, bottom: float, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the voltages of a loop 0, top, 0, -bottom, 0, and of its two rising parts."""
    up, down = (np.arange(0, end + step / 2, step) for end in (top, bottom))
    return np.r_[up, up[-2::-1], -down[1:], -down[-2::-1]], up, down


def sweep_rows(device: str, cycle: int, v: np.ndarray, i: np.ndarray, compliance: float) -> pd.DataFrame:
    """Return the rows of one sweep, with a compliance [A] at positive voltages."""
    return pd.DataFrame(
        {
            "device_id": device,
            "cycle": cycle,
            "point": np.arange(v.size),
            "voltage_v": v,
            "current_a": i,
            "compliance_a": np.where(v >= 0, compliance, np.nan),
        }
    )


class _Cycle(NamedTuple):
    """Events of one loop: voltages of set and reset [V], conductances of HRS and LRS [S]."""

    at_set: float
    at_reset: float
    hrs: float
    lrs: float


def _loop(truth: SweepTruth, cycle: _Cycle, rng: np.random.Generator) -> np.ndarray:
    """Return the current of one loop [A]."""
    at_set, at_reset, hrs, lrs = cycle
    v, up, down = voltages(truth.top, truth.bottom, truth.step)
    n_up, n_down = up.size, down.size
    size = np.abs(v)
    curved = np.where(size > 0, np.sinh(size / truth.sinh_v) / np.maximum(size / truth.sinh_v, 1e-12), 1.0)
    share = np.ones(v.size)
    share[:n_up] = 1 / (1 + np.exp(-(v[:n_up] - at_set) / truth.set_width))
    turn = 2 * n_up - 1
    falling = slice(turn - 1, turn - 1 + n_down)
    middle = at_reset + 3 * truth.reset_width
    share[falling] = 1 / (1 + np.exp((size[falling] - middle) / truth.reset_width))
    share[turn - 1 + n_down :] = share[turn - 2 + n_down]
    i = v * (hrs * curved * (1 - share) + lrs * share)
    i = i * (1 + truth.noise * rng.standard_normal(v.size)) + truth.floor * rng.standard_normal(v.size)
    return np.where(v >= 0, np.minimum(i, truth.compliance), i)


# Truth of sweeps of given cycles: sharp, quiet and ohmic, so that sweeps reproduce the given values.
CLEAN = SweepTruth(
    set_width=0.005, reset_width=0.01, compliance=np.inf, noise=2e-3, floor=1e-10, sinh_v=1e3, hrs_sd=0.0, lrs_sd=0.0
)
_STEPS = np.array([0.002, 0.005, 0.01, 0.02])  # V


def sweeps_of_cycles(
    cycles: pd.DataFrame, truth: SweepTruth | None = None, seed: int = SEED, meta: Mapping[str, Any] | None = None
) -> SweepTable:
    """Generate a sweep of each cycle of a table: its V_set (half_ln_g), V_reset (peak_current), HRS and LRS.

    The sweep of a cycle starts and ends in the HRS of that cycle. What `devicekit characterize` finds in it differs
    from the cycle by the step of the voltage and by the noise.

    Parameters
    ----------
    cycles : pandas.DataFrame
        device_id, cycle, v_set_v and v_reset_v [V], of opposite signs, g_hrs_s and g_lrs_s [S].
    truth : SweepTruth, optional
        Widths, noise, step, compliance and reach of the sweeps. Default: `CLEAN`, with a reach and a step for these
        cycles: a quarter of the smaller standard deviation of the voltages, 2 to 20 mV.
    seed : int
        Of the noise.
    meta : mapping, optional
        Metadata of the table.

    Raises
    ------
    UsageError
        If a voltage lies beyond the sweep, the voltages of set and reset have one sign, or an LRS is below its HRS.
    """
    at_set, at_reset = (cycles[name].to_numpy(float) for name in ("v_set_v", "v_reset_v"))
    sign = 1.0 if at_set[0] > 0 else -1.0
    hrs, lrs = (cycles[name].to_numpy(float) for name in ("g_hrs_s", "g_lrs_s"))
    if not ((sign * at_set > 0).all() and (sign * at_reset < 0).all()):
        raise UsageError("sweeps of cycles must be bipolar: V_set and V_reset need opposite signs")
    if not (lrs > hrs).all():
        raise UsageError("a cycle has an LRS conductance that is not above its HRS conductance")
    at_set, at_reset = np.abs(at_set), np.abs(at_reset)
    truth = truth or _adapted_truth(at_set, at_reset)
    if at_set.max() > truth.top or at_reset.max() > truth.bottom:
        raise UsageError(f"a voltage lies outside the sweep, which goes from {truth.top:g} V to {-truth.bottom:g} V")
    v = voltages(truth.top, truth.bottom, truth.step)[0]
    rng = np.random.default_rng(seed)
    middle = at_set + 0.5 * truth.set_width * np.log(lrs / hrs)  # G is a logistic share of the LRS; ln G half-way there
    onset = at_reset - truth.reset_width * (np.log(truth.reset_width / (at_reset - truth.reset_width)) + 3.0)
    frames = []
    for k, (device, cycle) in enumerate(zip(cycles["device_id"], cycles["cycle"], strict=True)):
        i = _loop(truth, _Cycle(middle[k], onset[k], hrs[k], lrs[k]), rng)
        frames.append(sweep_rows(str(device), int(cycle), v, i, truth.compliance))
    frame = pd.concat(frames, ignore_index=True)
    frame[["voltage_v", "current_a"]] *= sign
    if not np.isfinite(truth.compliance):
        frame = frame.drop(columns="compliance_a")
    return synthetic(SweepTable, frame, meta)


def _adapted_truth(at_set: np.ndarray, at_reset: np.ndarray) -> SweepTruth:
    """Return `CLEAN` with a reach and a step for these voltages."""
    scatter = min(float(at_set.std()), float(at_reset.std())) / 4
    step = float(_STEPS[max(int(np.searchsorted(_STEPS, scatter, "right")) - 1, 0)])
    reach = [float(np.ceil((1.1 * each.max() + 0.2) / step) * step) for each in (at_set, at_reset)]
    return replace(CLEAN, step=step, top=reach[0], bottom=reach[1])
