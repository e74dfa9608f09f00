"""Prediction with converters: one conversion per time step, tile and bit line, then LIF neurons.

Used in tests only; without rounding the result is that of `snn.network.neurons.predict`. Binary spikes need no
converter at the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from devicekit.device.random import mix
from devicekit.system.jit import borrowing, compiled
from snn.network.encoding import Presentations, presentation_key
from snn.network.neurons import FIRE, Dynamics, Scratch, bell, encode_events, make_scratch

_READS = 1 << 24  # counter offset of the reads of a tile
CALIBRATED_ON = 100  # training images for setting ranges


class Converter(NamedTuple):
    """Converters of one layer.

    Attributes
    ----------
    rows : int
        Rows of a tile, whose currents are summed before conversion.
    step : float32
        Current of one code [weight units]; 0: not rounded.
    least, most : float32
        Smallest and largest code.
    """

    rows: int
    step: np.float32
    least: np.float32
    most: np.float32


def converter(rows: int, bits: int, full: float, signed: bool) -> Converter:
    """Return a converter with `bits` bits for currents up to `full` [weight units], of both signs or of one.

    Zero is a code; for both signs there are 2^bits - 1 codes. With 0 bits nothing is rounded.
    """
    if bits == 0 or full == 0:
        return Converter(rows, np.float32(0.0), np.float32(0.0), np.float32(0.0))
    most = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return Converter(rows, np.float32(full / most), np.float32(-most if signed else 0), np.float32(most))


@borrowing
def _convert(current: np.float32, to: Converter) -> np.float32:
    if to.step == np.float32(0.0):
        return current
    code = np.float32(np.rint(current / to.step))
    return to.step * min(max(code, to.least), to.most)


@borrowing
def _currents(  # type: ignore[no-untyped-def]
    w: np.ndarray, active: np.ndarray, count: int, to: Converter, noise: np.float32, key: np.uint64, line: np.ndarray,
    out: np.ndarray, record: np.ndarray, at: int,
) -> int:  # fmt: skip
    """Sum the currents of one step into each column of `out`, tile by tile and line by line; record them."""
    lines, rows, columns = w.shape
    out[:] = np.float32(0.0)
    k = 0
    for first in range(0, rows, to.rows):
        start = k
        while k < count and active[k] < first + to.rows:
            k += 1
        if k == start:
            continue
        sd = noise * np.float32(math.sqrt(k - start))
        for number in range(lines):
            line[:] = np.float32(0.0)
            for each in range(start, k):
                row = w[number, active[each]]
                for j in range(columns):
                    line[j] += row[j]
            if sd > np.float32(0.0):
                tile_key = mix(key, np.uint64(_READS + first * lines + number))
                for j in range(columns):
                    line[j] += sd * bell(tile_key, np.uint64(j))
            sign = np.float32(1.0) if number == 0 else np.float32(-1.0)
            for j in range(columns):
                out[j] += sign * _convert(line[j], to)
                if at < record.size:
                    record[at] = abs(line[j])
                    at += 1
    return at


@compiled
def _predict(  # type: ignore[no-untyped-def]
    shown: Presentations,
    w1,
    w2,
    to: Sequence[Converter],
    noise,
    dynamics: Dynamics,
    s: Scratch,
    scores,
    winners,
    records,
):
    """Compute winners and scores, and record currents up to the size of the records; return their number per layer."""
    hidden, outputs = w1.shape[2], w2.shape[2]
    v1, current1, line1 = np.empty(hidden, np.float32), np.empty(hidden, np.float32), np.empty(hidden, np.float32)
    v2, current2, line2 = np.empty(outputs, np.float32), np.empty(outputs, np.float32), np.empty(outputs, np.float32)
    fired = np.empty(hidden, np.int32)
    rest, counts = np.empty(outputs, np.int64), np.empty(outputs, np.int64)
    potential = np.empty(outputs, np.float32)
    (to1, to2), (noise1, noise2), (record1, record2) = to, noise, records
    levels, ids = shown.levels, shown.ids
    at1 = at2 = 0
    for n in range(levels.shape[0]):
        key = presentation_key(shown.stream, shown.epoch, ids[n])
        encode_events(levels[n], key, dynamics, s)
        v1[:] = np.float32(0.0)
        v2[:] = np.float32(0.0)
        potential[:] = np.float32(0.0)
        rest[:] = 0
        counts[:] = 0
        for t in range(dynamics.steps):
            one, two = mix(key, np.uint64(2 * t)), mix(key, np.uint64(2 * t + 1))
            at1 = _currents(w1, s.events[t], s.event_count[t], to1, noise1, one, line1, current1, record1, at1)
            spikes = 0
            for j in range(hidden):
                v1[j] = v1[j] * dynamics.hidden_decay + current1[j]
                if v1[j] >= FIRE:
                    fired[spikes] = j
                    spikes += 1
                    v1[j] = np.float32(0.0)
            at2 = _currents(w2, fired, spikes, to2, noise2, two, line2, current2, record2, at2)
            for o in range(outputs):
                v2[o] = v2[o] * dynamics.output_decay + current2[o]
                if rest[o] > 0:
                    rest[o] -= 1
                    v2[o] = np.float32(0.0)
                    continue
                potential[o] += v2[o]
                if v2[o] >= FIRE:
                    counts[o] += 1
                    rest[o] = dynamics.refractory
                    v2[o] = np.float32(0.0)
        best = 0
        for o in range(outputs):
            more = counts[o] > counts[best]
            if more or (counts[o] == counts[best] and potential[o] > potential[best]):
                best = o
            z = potential[o] / np.float32(dynamics.steps)
            scores[n, o] = counts[o] + 0.5 + 0.5 * z / (1.0 + abs(z))
        winners[n] = best
    return at1, at2


class Lines(NamedTuple):
    """Weights of bit lines: float32, shape (1, rows, columns), or (2, ...) for plus and minus lines."""

    hidden: np.ndarray
    output: np.ndarray


def predict(
    shown: Presentations,
    lines: Lines,
    converters: tuple[Converter, Converter],
    dynamics: Dynamics,
    noise: tuple[float, float],
    scores: np.ndarray,
) -> np.ndarray:
    """Predict classes of samples, shape (n,), and `scores` (n, outputs), as `snn.network.neurons.predict`.

    Parameters
    ----------
    shown : Presentations
    lines : Lines
    converters : (Converter, Converter)
        Converters of the hidden and the output layer.
    noise : (float, float)
        Standard deviation of reading one weight (difference), or one device (each line) [weight units].
    """
    winners, _ = _run(shown, lines, converters, dynamics, noise, scores, (0, 0))
    return winners


def ranges(
    shown: Presentations, lines: Lines, rows: tuple[int, int], dynamics: Dynamics, quantile: float
) -> tuple[float, float]:
    """Return the quantile of the magnitudes of the converted currents of each layer [weight units].

    Parameters
    ----------
    shown : Presentations
        Training samples; the first 100 are used.
    rows : (int, int)
        Rows of a tile of each layer.
    quantile : float
        0 to 1; 1: the largest.
    """
    shown = shown._replace(levels=shown.levels[:CALIBRATED_ON], ids=shown.ids[:CALIBRATED_ON])
    some = len(shown.levels)
    room = [
        some * dynamics.steps * layer.shape[0] * layer.shape[2] * -(-layer.shape[1] // tile)
        for layer, tile in zip(lines, rows, strict=True)
    ]
    plain = (converter(rows[0], 0, 0.0, True), converter(rows[1], 0, 0.0, True))
    scores = np.empty((some, lines.output.shape[2]))
    _, found = _run(shown, lines, plain, dynamics, (0.0, 0.0), scores, room)
    first, second = (float(np.quantile(each, quantile)) if each.size else 0.0 for each in found)
    return first, second


def _run(
    shown: Presentations,
    lines: Lines,
    converters: tuple[Converter, Converter],
    dynamics: Dynamics,
    noise: tuple[float, float],
    scores: np.ndarray,
    room: Sequence[int],
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return classes and recorded currents, of each layer as many as there is `room` for; fill `scores`."""
    width, (n, channels) = lines.hidden.shape[2], shown.levels.shape
    s = make_scratch(channels, 64 * (width // 64 + 1), lines.output.shape[2], dynamics.steps)
    winners = np.empty(n, np.int64)
    records = (np.empty(room[0], np.float32), np.empty(room[1], np.float32))
    sd = (np.float32(noise[0]), np.float32(noise[1]))
    used = _predict(shown, lines.hidden, lines.output, converters, sd, dynamics, s, scores, winners, records)
    return winners, [record[:count] for record, count in zip(records, used, strict=True)]
