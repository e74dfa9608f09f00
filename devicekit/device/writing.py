"""Write and verify, compiled: each device independent of all others, with reads drawn by key."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devicekit.device.random import mix, normal
from devicekit.device.state import ArrayState, observed_state, pulse_one
from devicekit.models import kernel
from devicekit.system.jit import borrowing, compiled

RIGHT, FAILED, STUCK = 1, 2, 3  # how writing a device ended
LAW, SIGN, AMPLITUDE = 0, 1, 2  # ways to choose the length of a burst, or the amplitude of its pulse
# a device is stuck if bursts move it by less than SHARE of a due movement of at least SIGMAS
BURSTS, SHARE, SIGMAS = 3, 0.1, 10.0
STILL = 1e-9  # of the window: smaller central steps count as 0


class WriteParameters(NamedTuple):
    """Parameters of writing for compiled code.

    Attributes
    ----------
    law : int
        Number of the update law.
    up, down : ndarray, shape (p,)
        theta of the central device, LTP and LTD.
    up_middle, down_middle, up_cap, down_cap : float
        ell(1/2) and the largest step allowed [1].
    tolerance : float
        Largest accepted error [1].
    limit, reads, way : int
        Most pulses of a device; readings of a verify; LAW, SIGN or AMPLITUDE.
    read_sd : float
        Standard deviation of one reading [1].
    key : uint64
        Key of the readings.
    low, span : float
        Conductance (or weight) of the state r: low + span r, or low exp(span r) where `logarithmic`.
    logarithmic : bool
    up_volts, down_volts : ndarray, shape (a,)
        Amplitudes to choose from [V]; a single one without a choice.
    up_factors, down_factors : ndarray, shape (a,)
        Their steps over the reference pulse's [1].
    """

    law: int
    up: np.ndarray
    down: np.ndarray
    up_middle: float
    down_middle: float
    up_cap: float
    down_cap: float
    tolerance: float
    limit: int
    reads: int
    way: int
    read_sd: float
    key: np.uint64
    low: float
    span: float
    logarithmic: bool
    up_volts: np.ndarray
    down_volts: np.ndarray
    up_factors: np.ndarray
    down_factors: np.ndarray


class WriteCounts(NamedTuple):
    """Cost of writing so far, and how it ended; arrays of shape (n,), changed in place.

    Attributes
    ----------
    pulses, verifies : ndarray of int64
    end : ndarray of int64
        RIGHT, FAILED or STUCK; 0 before.
    pulse_vvg, read_g : ndarray
        Sum over pulses of V^2 G [V^2 S], G before the pulse, and over single readings of G [S].
    """

    pulses: np.ndarray
    verifies: np.ndarray
    end: np.ndarray
    pulse_vvg: np.ndarray
    read_g: np.ndarray


def new_write_counts(n: int) -> WriteCounts:
    """Return counts of nothing written yet."""
    return WriteCounts(np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n), np.zeros(n))


@borrowing
def _value(parameters: WriteParameters, r: float) -> float:
    return (
        parameters.low * math.exp(parameters.span * r)
        if parameters.logarithmic
        else parameters.low + parameters.span * r
    )


@borrowing
def _verify(parameters: WriteParameters, counts: WriteCounts, k: int, r: float) -> float:
    """Return the state of device k as a verify reads it: the mean of its readings."""
    counts.read_g[k] += parameters.reads * _value(parameters, r)
    total = 0.0
    if parameters.read_sd > 0.0:
        own = mix(parameters.key, np.uint64(k))
        for n in range(parameters.reads):
            total += normal(own, np.uint64(counts.verifies[k] * parameters.reads + n))
    counts.verifies[k] += 1
    return r + parameters.read_sd * total / parameters.reads


@borrowing
def _step(parameters: WriteParameters, state: float, up: bool, scratch: np.ndarray) -> float:
    """Return the size of the central device's step by the reference pulse."""
    if up:
        return min(kernel.rate(parameters.law, parameters.up, parameters.up_middle, state, scratch), parameters.up_cap)
    return min(
        kernel.rate(parameters.law, parameters.down, parameters.down_middle, 1.0 - state, scratch), parameters.down_cap
    )


@borrowing
def _burst(
    parameters: WriteParameters, reading: float, target: float, most: int, scratch: np.ndarray
) -> tuple[int, float]:
    """Return how many pulses on the central trajectory end nearest the target, at least 1, and their movement."""
    state, up = min(max(reading, 0.0), 1.0), target > reading
    begin, n = state, 0
    while n < most:
        left = target - state if up else state - target
        step = _step(parameters, state, up, scratch)
        if n > 0 and (step < STILL or step > 2.0 * left):
            break
        state = min(state + step, 1.0) if up else max(state - step, 0.0)
        n += 1
    return n, state - begin


@borrowing
def _nearest(parameters: WriteParameters, reading: float, target: float, scratch: np.ndarray) -> tuple[int, float]:
    """Return the number of the amplitude with the central step nearest the error, and its movement."""
    up = target > reading
    step, wanted = _step(parameters, min(max(reading, 0.0), 1.0), up, scratch), abs(target - reading)
    factors = parameters.up_factors if up else parameters.down_factors
    best = 0
    for n in range(1, factors.size):
        if abs(step * factors[n] - wanted) < abs(step * factors[best] - wanted):
            best = n
    step, state = step * factors[best], min(max(reading, 0.0), 1.0)
    return best, min(step, 1.0 - state) if up else -min(step, state)


@compiled
def verify_many(parameters: WriteParameters, counts: WriteCounts, r: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Verify the devices of `index` once more and return their states as read, shape of `index`."""
    seen = np.empty(index.size)
    for j in range(index.size):
        seen[j] = _verify(parameters, counts, index[j], r[index[j]])
    return seen


def write_many(
    array: ArrayState,
    parameters: WriteParameters,
    counts: WriteCounts,
    index: np.ndarray,
    target: np.ndarray,
    stuck: np.ndarray,
) -> None:
    """Write the devices of `index` to their entry of `target`, shape (n,); `stuck` devices, shape (n,), do not move.

    Bursts of one sign had no effect if they should have moved the reading by SIGMAS of its standard deviations (two
    verifies, and the scatter of the updates) and by the tolerance, but moved it by less than SHARE of that.
    """
    scaled = array._replace(up_gain=array.up_gain.copy(), down_gain=array.down_gain.copy())
    _write(array, scaled, parameters, counts, index, target, stuck, np.empty(kernel.MAX_SHAPE))


@borrowing
def _write(
    array: ArrayState,
    scaled: ArrayState,
    parameters: WriteParameters,
    counts: WriteCounts,
    index: np.ndarray,
    target: np.ndarray,
    stuck: np.ndarray,
    scratch: np.ndarray,
) -> None:
    """Write as `write_many`; the gains of `scaled` are changed with the amplitudes."""
    r, pulses, held, up_held, down_held = array.r, array.pulses, array.own.held, array.own.up_held, array.own.down_held
    up_gain, down_gain = array.up_gain, array.down_gain
    two_verifies = 2.0 * parameters.read_sd**2 / parameters.reads
    for j in range(index.size):
        k = index[j]
        bursts, since, moves, scatter = 0, 0.0, 0.0, 0.0
        while True:
            reading = _verify(parameters, counts, k, observed_state(r, held, k))
            sign = 1 if target[k] > reading else -1
            if bursts == 0 or sign * moves < 0.0:  # on the other side now: it moved, or readings scatter to both sides
                bursts, since, moves, scatter = 0, reading, 0.0, two_verifies
            if abs(target[k] - reading) <= parameters.tolerance:
                counts.end[k] = RIGHT
                break
            if bursts >= BURSTS and abs(moves) >= max(SIGMAS * math.sqrt(scatter), parameters.tolerance):
                if sign * (reading - since) < SHARE * abs(moves):
                    counts.end[k] = STUCK
                    break
                bursts, since, moves, scatter = 0, reading, 0.0, two_verifies
            left = parameters.limit - counts.pulses[k]
            if left <= 0:
                counts.end[k] = FAILED
                break
            n, place = 1, 0
            if parameters.way == AMPLITUDE:
                place, due = _nearest(parameters, reading, target[k], scratch)
            else:
                n, due = _burst(parameters, reading, target[k], left if parameters.way == LAW else 1, scratch)
            volts = parameters.up_volts[place] if sign > 0 else parameters.down_volts[place]
            scaled.up_gain[k] = up_gain[k] * parameters.up_factors[place]
            scaled.down_gain[k] = down_gain[k] * parameters.down_factors[place]
            for _ in range(n):
                counts.pulse_vvg[k] += volts * volts * _value(parameters, r[k])
                if stuck[k]:
                    pulses[k] += 1
                    continue
                pulse_one(scaled, k, sign, scratch)
            counts.pulses[k] += n
            bursts += 1
            moves += due
            sigma, relative = (
                (array.up_sigma, array.up_relative) if sign > 0 else (array.down_sigma, array.down_relative)
            )
            scatter += 2.0 * (up_held if sign > 0 else down_held) ** 2  # of the state before and after
            scatter += n * (sigma**2 + (relative * due / n) ** 2)
