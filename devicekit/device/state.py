"""State of an array of devices for compiled code, and the pulse that changes it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devicekit.device.random import mix, normal, normals
from devicekit.models import kernel
from devicekit.models.tilt import state_factor
from devicekit.system.jit import borrowing, inlined


class OwnState(NamedTuple):
    """Fields of an `ArrayState` that only some cards have.

    Attributes
    ----------
    low, high : ndarray, shape (n,) or (0,)
        Ends of each device's own window [1, of the card's]; empty if all have the card's window.
    row_low, row_span : ndarray, shape (rows,)
        Lower end and span of the window over which each row's law was fitted [1]; the law is scaled from it to the
        device's window.
    held : ndarray, shape (n,) or (0,)
        Reversible fluctuation of each device since its last pulse [1]: part of readings, not of the state; empty if
        devices do not fluctuate.
    up_held, down_held, up_memory, down_memory : float
        Standard deviation of it [1], and its correlation from pulse to pulse, by the direction of the pulse.
    up_tilt, down_tilt : float
        Growth of ln of the scatter of updates and fluctuations, over the window on the rising coordinate.
    """

    low: np.ndarray
    high: np.ndarray
    row_low: np.ndarray
    row_span: np.ndarray
    held: np.ndarray
    up_held: float
    down_held: float
    up_memory: float
    down_memory: float
    up_tilt: float
    down_tilt: float


class ArrayState(NamedTuple):
    """Arrays for compiled code; they are those of a `DeviceArray`, changed in place.

    Attributes
    ----------
    law : int
        Number of the update law.
    up, down : ndarray, shape (rows, p)
        theta of each row of parameters, LTP and LTD.
    up_middle, down_middle, up_cap, down_cap : ndarray, shape (rows,)
        ell(1/2) and the largest step allowed [1].
    row : ndarray of int32, shape (n,)
        Row of parameters of each device.
    up_gain, down_gain : ndarray, shape (n,)
        Factor on each device's step [1].
    up_sigma, down_sigma : float
        Standard deviation of one update [1].
    up_relative, down_relative : float
        The same as a fraction of the update's own step [1].
    r : ndarray, shape (n,)
        State of each device, 0 to 1.
    pulses : ndarray of int64, shape (n,)
        Pulses that each device has received.
    key : uint64
        Key of the noise stream.
    own : OwnState
        Own windows and fluctuations of the devices.
    """

    law: int
    up: np.ndarray
    down: np.ndarray
    up_middle: np.ndarray
    down_middle: np.ndarray
    up_cap: np.ndarray
    down_cap: np.ndarray
    row: np.ndarray
    up_gain: np.ndarray
    down_gain: np.ndarray
    up_sigma: float
    down_sigma: float
    up_relative: float
    down_relative: float
    r: np.ndarray
    pulses: np.ndarray
    key: np.uint64
    own: OwnState


@inlined
def observed_state(r, held, k):  # type: ignore[no-untyped-def]
    """Return the state of device k as read without read noise: with its reversible fluctuation."""
    return r[k] + held[k] if held.size > 0 else r[k]


@inlined
def pulse_one(array, k, sign, scratch):  # type: ignore[no-untyped-def]
    """Apply one LTP (sign > 0) or LTD (sign < 0) pulse to device k: eq. (5), with noise, clipped to its window.

    `array` is an `ArrayState`; `scratch` has MAX_SHAPE numbers.
    """
    own, which, state = array.own, array.row[k], array.r[k]
    place, least, most, stretch = state, 0.0, 1.0, 1.0
    if own.low.size > 0:
        least, most = own.low[k], own.high[k]
        stretch = (most - least) / own.row_span[which]
        place = own.row_low[which] + (state - least) / stretch
    if sign > 0:
        step = kernel.rate(array.law, array.up[which], array.up_middle[which], place, scratch)
        step = min(step, array.up_cap[which]) * array.up_gain[k]
        sigma, relative, x = array.up_sigma, array.up_relative, state
        flicker, memory, tilt = own.up_held, own.up_memory, own.up_tilt
    else:
        step = kernel.rate(array.law, array.down[which], array.down_middle[which], 1.0 - place, scratch)
        step = -min(step, array.down_cap[which]) * array.down_gain[k]
        sigma, relative, x = array.down_sigma, array.down_relative, 1.0 - state
        flicker, memory, tilt = own.down_held, own.down_memory, own.down_tilt
    if own.low.size > 0:
        step *= stretch
    larger = 1.0 if tilt == 0.0 else state_factor(tilt, x)
    if own.held.size > 0:
        drawn, second = normals(mix(array.key, np.uint64(k)), np.uint64(array.pulses[k]))
        sigma = math.sqrt(sigma * sigma + (relative * step) ** 2)
        step += sigma * larger * drawn
        own.held[k] = memory * own.held[k] + math.sqrt(1.0 - memory * memory) * flicker * larger * second
    elif sigma > 0.0 or relative > 0.0:
        sigma = math.sqrt(sigma * sigma + (relative * step) ** 2)
        step += sigma * larger * normal(mix(array.key, np.uint64(k)), np.uint64(array.pulses[k]))
    array.r[k] = min(max(state + step, least), most)
    array.pulses[k] += 1


@borrowing
def pulse_many(array: ArrayState, index: np.ndarray, signs: np.ndarray, scratch: np.ndarray) -> None:
    """Apply one pulse to each device of `index`, of its entry of `signs`; 0: none."""
    for j in range(index.size):
        if signs[j] != 0:
            pulse_one(array, index[j], signs[j], scratch)
