"""Two layers of leaky integrate-and-fire neurons: Ma et al. 2023 (doi 10.1109/JEDS.2023.3311763), Fig. 5.

Discrete time of 1 ms steps, instantaneous synaptic currents, threshold 1, reset to 0. Hidden units are padded
with units of weight 0, which never fire (see `padded`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devicekit.device.random import mix
from devicekit.system.jit import borrowing
from snn.network import lanes
from snn.network.bits import all_steps, lowest_bit
from snn.network.encoding import Presentations, encode, shift

FIRE = np.float32(1.0)
RESTS = np.float32(-np.inf)  # stored potential of an output that rests after a spike
_BYTE_PAIRS = np.uint64(0x00FF00FF00FF00FF)
_ADD_PAIRS = np.uint64(0x0001000100010001)
_BYTES_MEAN = np.float32(1020.0)  # of the sum of 8 random bytes
_PER_BYTES_SD = np.float32(1 / math.sqrt(8 * (256**2 - 1) / 12))
_OUTPUT_READS = 1 << 20  # counter offset of the output layer's read noise
_HELD = 1 << 30  # and of the telegraph noise


class Dynamics(NamedTuple):
    """Constants of the neurons; decay factors are per step [1].

    Attributes
    ----------
    hidden : int
        Hidden units, without the padding.
    steps : int
        Steps of one presentation, at most 64 [ms].
    hidden_decay, output_decay, trace_decay : float32
        exp(-1 / tau) of the hidden and output membranes and of the learning window.
    refractory : int
        Steps during which an output neuron stays at 0 after a spike.
    target_first, target_every : int
        The target of the true class fires at target_first, + target_every, ...; those of the others never.
    side, shift_fraction : int, float
        Images of side x side pixels are moved by one pixel in this fraction of the presentations; side 0: never.
    """

    hidden: int
    steps: int
    hidden_decay: np.float32
    output_decay: np.float32
    trace_decay: np.float32
    refractory: int
    target_first: int
    target_every: int
    side: int
    shift_fraction: float


class Noise(NamedTuple):
    """Read noise of the weights of each layer [weight units]; 0 for none.

    Attributes
    ----------
    hidden, output : float32
        Standard deviation of the noise of a weight, fresh at every read.
    held_hidden, held_output : float32
        Half the step of the telegraph noise of each device, constant through a presentation.
    devices : int
        Devices of a weight: 2 for a pair, 1 against a fixed reference.
    """

    hidden: np.float32
    output: np.float32
    held_hidden: np.float32 = np.float32(0.0)
    held_output: np.float32 = np.float32(0.0)
    devices: int = 2


class Scratch(NamedTuple):
    """Working memory of one presentation; see `make_scratch` for the shapes."""

    row: np.ndarray
    trains: np.ndarray
    events: np.ndarray
    event_count: np.ndarray
    noise: np.ndarray
    fired: np.ndarray
    spikes: np.ndarray
    spike_end: np.ndarray
    v_output: np.ndarray
    rest: np.ndarray
    out_trains: np.ndarray
    counts: np.ndarray
    potential: np.ndarray
    w_hidden: np.ndarray
    w_output: np.ndarray
    v_hidden: np.ndarray
    v_steps: np.ndarray


def padded(hidden: int) -> int:
    """Return the number of hidden units rounded up to an odd multiple of 64 (`snn.network.lanes`).

    With an even multiple, especially a power of two, the rows of a weight matrix would compete for few cache sets.
    """
    return (-(-hidden // lanes.LANES) // 2 * 2 + 1) * lanes.LANES


def make_scratch(
    channels: int, width: int, outputs: int, steps: int, held: bool = False, deep: bool = False
) -> Scratch:
    """Allocate working memory for `channels` inputs, `width` (padded) hidden units and `outputs` outputs.

    With `held`, also for the weights of one presentation (`hold`); with `deep`, for the potentials of hidden units and
    outputs at each step, before a spike resets them.
    """
    kept = steps if deep else 0
    held_channels, held_width = (channels, width) if held else (0, 0)
    return Scratch(
        row=np.zeros(channels, np.int32),
        trains=np.zeros(channels, np.uint64),
        events=np.zeros((steps, channels), np.int32),
        event_count=np.zeros(steps, np.int64),
        noise=np.zeros((1, lanes.LANES), np.float32),
        fired=np.zeros((steps, width // lanes.LANES), np.uint64),
        spikes=np.zeros(steps * width, np.int32),
        spike_end=np.zeros(steps, np.int64),
        v_output=np.zeros(outputs, np.float32),
        rest=np.zeros(outputs, np.int64),
        out_trains=np.zeros(outputs, np.uint64),
        counts=np.zeros(outputs, np.int64),
        potential=np.zeros(outputs, np.float32),
        w_hidden=np.zeros((held_channels, width), np.float32),
        w_output=np.zeros((held_width, outputs), np.float32),
        v_hidden=np.zeros((kept, width), np.float32),
        v_steps=np.zeros((kept, outputs), np.float32),
    )


@borrowing
def bell(key: np.uint64, counter: np.uint64) -> np.float32:
    """Draw a nearly normal number, mean 0 and sd 1: the sum of 8 random bytes (Irwin-Hall, excess kurtosis -0.15).

    The bytes are one step of SplitMix64 from a well-mixed key; without a loop, it vectorises.
    """
    word = key + counter * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    pairs = (word & _BYTE_PAIRS) + ((word >> np.uint64(8)) & _BYTE_PAIRS)
    total = (pairs * _ADD_PAIRS) >> np.uint64(48)
    return (np.float32(np.int32(total)) - _BYTES_MEAN) * _PER_BYTES_SD


@borrowing
def _hold(
    w: np.ndarray, rows: int, columns: int, half: np.float32, key: np.uint64, devices: int, out: np.ndarray
) -> None:
    """Write `w` with each device at one of its two levels, equally likely, to `out`; the padding stays 0."""
    word, left = np.uint64(0), 0
    drawn = np.uint64(0)
    for i in range(rows):
        for j in range(columns):
            if left < devices:
                word, left = mix(key, drawn), 64
                drawn += np.uint64(1)
            level = np.int64(word & np.uint64(1)) * 2 - 1
            if devices == 2:
                level -= np.int64((word >> np.uint64(1)) & np.uint64(1)) * 2 - 1
            word >>= np.uint64(devices)
            left -= devices
            out[i, j] = w[i, j] + half * np.float32(level)


@borrowing
def hold(w1: np.ndarray, w2: np.ndarray, dynamics: Dynamics, noise: Noise, key: np.uint64, s: Scratch) -> None:
    """Fill the weights of one presentation in `s`, with the telegraph noise of each device on one of two levels."""
    one, two = mix(key, np.uint64(_HELD)), mix(key, np.uint64(_HELD + 1))
    _hold(w1, w1.shape[0], dynamics.hidden, noise.held_hidden, one, noise.devices, s.w_hidden)
    _hold(w2, dynamics.hidden, w2.shape[1], noise.held_output, two, noise.devices, s.w_output)


def is_held(noise: Noise) -> bool:
    """Return whether each presentation has its own weights (`hold`)."""
    return bool(noise.held_hidden > np.float32(0.0)) or bool(noise.held_output > np.float32(0.0))


@borrowing
def encode_events(levels: np.ndarray, key: np.uint64, dynamics: Dynamics, s: Scratch) -> None:
    """Encode the spike trains of a sample and, for each step, the channels that fire (in rising order)."""
    if dynamics.side > 0:
        shift(levels, dynamics.side, key, dynamics.shift_fraction, s.row)
    else:
        for channel in range(levels.size):
            s.row[channel] = levels[channel]
    encode(s.row, key, all_steps(dynamics.steps), s.trains)
    s.event_count[:] = 0
    for channel in range(s.trains.size):
        train = s.trains[channel]
        while train != np.uint64(0):
            t = lowest_bit(train)
            train &= train - np.uint64(1)
            s.events[t, s.event_count[t]] = channel
            s.event_count[t] += 1


@borrowing
def _run_hidden(w: np.ndarray, dynamics: Dynamics, noise: np.float32, key: np.uint64, s: Scratch) -> None:
    """Compute the spikes of the hidden units: 64 units through all steps, then the next 64."""
    kept = s.v_hidden
    deep = kept.shape[0] > 0
    for b in range(s.fired.shape[1]):
        start = lanes.LANES * b
        v = lanes.filled(np.float32(0.0))
        for t in range(dynamics.steps):
            n = s.event_count[t]
            v = lanes.scale(v, dynamics.hidden_decay)
            k = 0
            while n - k >= 8:
                v = lanes.add_rows(v, w, s.events, t, k, start, 8)
                k += 8
            if n - k >= 4:
                v = lanes.add_rows(v, w, s.events, t, k, start, 4)
                k += 4
            if n - k >= 2:
                v = lanes.add_rows(v, w, s.events, t, k, start, 2)
                k += 2
            if n - k == 1:
                v = lanes.add_rows(v, w, s.events, t, k, start, 1)
            if noise > np.float32(0.0) and n > 0:
                # independent noise of each active device adds up to one draw per neuron
                sd = noise * np.float32(math.sqrt(n))
                step_key = mix(key, np.uint64(_OUTPUT_READS * 2 + t))
                for j in range(lanes.LANES):
                    drawn = sd * bell(step_key, np.uint64(start + j))
                    s.noise[0, j] = drawn if start + j < dynamics.hidden else np.float32(0.0)
                v = lanes.add(v, lanes.load(s.noise, 0, 0))
            if deep:
                lanes.store(v, kept, t, start)
            s.fired[t, b] = lanes.at_least(v, FIRE)
            v = lanes.zero_from(v, FIRE)
    n = 0
    for t in range(dynamics.steps):
        for b in range(s.fired.shape[1]):
            word = s.fired[t, b]
            while word != np.uint64(0):
                s.spikes[n] = lanes.LANES * b + lowest_bit(word)
                word &= word - np.uint64(1)
                n += 1
        s.spike_end[t] = n


@borrowing
def _run_output(w: np.ndarray, dynamics: Dynamics, noise: np.float32, key: np.uint64, s: Scratch) -> None:
    v = s.v_output
    outputs, kept = v.size, s.v_steps
    deep = kept.shape[0] > 0
    for o in range(outputs):
        v[o] = np.float32(0.0)
        s.rest[o] = 0
        s.out_trains[o] = np.uint64(0)
        s.counts[o] = 0
        s.potential[o] = np.float32(0.0)
    start = 0
    for t in range(dynamics.steps):
        for o in range(outputs):
            v[o] *= dynamics.output_decay
        for k in range(start, s.spike_end[t]):
            h = s.spikes[k]
            for o in range(outputs):
                v[o] += w[h, o]
        if noise > np.float32(0.0) and s.spike_end[t] > start:
            sd = noise * np.float32(math.sqrt(s.spike_end[t] - start))
            for o in range(outputs):
                v[o] += sd * bell(key, np.uint64(_OUTPUT_READS + t * outputs + o))
        start = s.spike_end[t]
        for o in range(outputs):
            if s.rest[o] > 0:
                s.rest[o] -= 1
                v[o] = np.float32(0.0)
                if deep:
                    kept[t, o] = RESTS
                continue
            s.potential[o] += v[o]
            if deep:
                kept[t, o] = v[o]
            if v[o] >= FIRE:
                s.out_trains[o] |= np.uint64(1) << np.uint64(t)
                s.counts[o] += 1
                s.rest[o] = dynamics.refractory
                v[o] = np.float32(0.0)


@borrowing
def present(
    levels: np.ndarray,
    key: np.uint64,
    w1: np.ndarray,
    w2: np.ndarray,
    dynamics: Dynamics,
    noise: Noise,
    s: Scratch,
) -> int:
    """Show one sample and return the winning class: most spikes, then the summed membrane potential.

    Parameters
    ----------
    levels : ndarray of int32, shape (channels,)
        Firing levels of the sample (`snn.network.encoding.levels`).
    key : uint64
        Key of the presentation.
    w1, w2 : ndarray of float32, shapes (channels, width) and (width, outputs)
        Weights [1]; width is the padded number of hidden units, rows and columns of the padding are 0.
    """
    encode_events(levels, key, dynamics, s)
    _run_hidden(w1, dynamics, noise.hidden, key, s)
    _run_output(w2, dynamics, noise.output, key, s)
    best = 0
    for o in range(1, s.counts.size):
        more = s.counts[o] > s.counts[best]
        if more or (s.counts[o] == s.counts[best] and s.potential[o] > s.potential[best]):
            best = o
    return best


@borrowing
def _predict(  # type: ignore[no-untyped-def]
    shown: Presentations, w1, w2, dynamics: Dynamics, noise: Noise, held, read, s: Scratch, scores, winners
) -> None:
    levels, ids, key_of_epoch = shown.levels, shown.ids, mix(shown.stream, np.uint64(shown.epoch))
    read1, read2 = read
    for k in range(levels.shape[0]):
        key = mix(key_of_epoch, np.uint64(ids[k]))
        if held:
            hold(w1, w2, dynamics, noise, key, s)
        winners[k] = present(levels[k], key, read1, read2, dynamics, noise, s)
        for o in range(scores.shape[1]):
            z = s.potential[o] / np.float32(dynamics.steps)
            scores[k, o] = s.counts[o] + 0.5 + 0.5 * z / (1.0 + abs(z))


def predict(
    shown: Presentations, w1: np.ndarray, w2: np.ndarray, dynamics: Dynamics, noise: Noise, scores: np.ndarray
) -> np.ndarray:
    """Predict classes of samples, shape (n,); fill `scores` (n, outputs) with spike counts and a fraction by potential.

    The fraction is in (0, 1) and never outweighs a spike.
    """
    held, (n, channels) = is_held(noise), shown.levels.shape
    s = make_scratch(channels, w1.shape[1], w2.shape[1], dynamics.steps, held)
    winners = np.empty(n, np.int64)
    _predict(shown, w1, w2, dynamics, noise, held, (s.w_hidden, s.w_output) if held else (w1, w2), s, scores, winners)
    return winners
