"""Rate encoding: an input of level k / 2**16 fires with that probability at each 1 ms step (Bernoulli).

A whole spike train of up to 64 steps is drawn at once, bit by bit of k, from counter-keyed random words, so
that the spikes of a presentation depend on (seed, epoch, sample) alone, not on order, batches or threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.random import mix
from devicekit.system.jit import borrowing, compiled
from snn.network.bits import lowest_bit

ONE = 65536  # the level of an input that fires at every step
LEVEL_BITS = 16
AT_ONCE = 4096  # samples whose levels are computed together


def levels(x: np.ndarray, p: float) -> np.ndarray:
    """Return the firing levels of inputs.

    Parameters
    ----------
    x : ndarray, shape (n, channels)
        Inputs scaled to 0..1 [1].
    p : float
        Firing probability per step of an input of 1, 0 < p <= 1.

    Returns
    -------
    ndarray of int32, shape (n, channels)
        round(2**16 p x).

    Raises
    ------
    UsageError
        If an input is not finite or outside 0..1, or p outside (0, 1].
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    if x.ndim != 2:
        raise UsageError(f"Inputs must have 2 dimensions (samples, channels), not {x.ndim}.")
    if not (np.isfinite(x).all() and (x >= 0).all() and (x <= 1).all()):
        raise UsageError("Inputs must be finite and in 0..1. Scale the pixels first.")
    if not 0 < p <= 1:
        raise UsageError(f"The firing probability p must be above 0 and at most 1, not {p}.")
    found = np.empty(x.shape, np.int32)
    for start in range(0, len(x), AT_ONCE):  # in parts, as 64-bit floats of a large set would fill the memory
        some = slice(start, start + AT_ONCE)
        found[some] = np.rint(ONE * p * x[some].astype(float, copy=False))
    return found


def stream_key(seed: int, purpose: int) -> np.uint64:
    """Return the key of an independent random stream for one purpose."""
    return np.uint64(np.random.SeedSequence([seed, purpose]).generate_state(1, np.uint64)[0])


class Presentations(NamedTuple):
    """Samples to present, and the key of their spikes.

    Attributes
    ----------
    levels : ndarray of int32, shape (n, channels)
        Firing levels of each sample.
    ids : ndarray of uint64, shape (n,)
        Key number of each sample.
    stream : uint64
        Key of the encoding.
    epoch : int
        Number of the epoch.
    """

    levels: np.ndarray
    ids: np.ndarray
    stream: np.uint64
    epoch: int


@compiled
def content_ids(levels: np.ndarray) -> np.ndarray:
    """Return a number for each sample from its content alone, shape (n,), equal for equal rows."""
    ids = np.empty(levels.shape[0], np.uint64)
    for k in range(levels.shape[0]):
        word = np.uint64(levels.shape[1])
        for channel in range(levels.shape[1]):
            word = mix(word, np.uint64(levels[k, channel]))
        ids[k] = word
    return ids


@borrowing
def presentation_key(stream: np.uint64, epoch: int, sample: int) -> np.uint64:
    """Return the key of one presentation of one sample."""
    return mix(mix(stream, np.uint64(epoch)), np.uint64(sample))


@borrowing
def encode(row: np.ndarray, key: np.uint64, every: np.uint64, trains: np.ndarray) -> None:
    """Fill `trains` (channels,) with the spike trains of the levels `row` (channels,).

    From the lowest bit of k up, a set bit gives P(1) -> (1 + P) / 2 (or), a clear one P / 2 (and), with k / 2**16 as
    the result.
    """
    for channel in range(row.size):
        level = np.uint64(row[channel])
        if level == np.uint64(0):
            trains[channel] = np.uint64(0)
            continue
        if level >= np.uint64(ONE):
            trains[channel] = every
            continue
        train = np.uint64(0)
        for bit in range(lowest_bit(level), LEVEL_BITS):
            word = mix(key, np.uint64(channel * LEVEL_BITS + bit))
            if (level >> np.uint64(bit)) & np.uint64(1):
                train |= word
            else:
                train &= word
        trains[channel] = train & every


@borrowing
def shift(row: np.ndarray, side: int, key: np.uint64, fraction: float, out: np.ndarray) -> None:
    """Copy a square image to `out`, moved by one pixel in 8 directions with probability `fraction`."""
    draw = mix(key, np.uint64(row.size * LEVEL_BITS))
    dx: int = 0
    dy: int = 0
    if np.float64(np.int64(draw >> np.uint64(11))) * (1.0 / 9007199254740992.0) < fraction:
        # uses low bits, unused by the comparison; 0..7 skips the middle of the 3 x 3 neighbourhood
        place = int(np.int64(draw & np.uint64(7)))
        cell = place + 1 if place >= 4 else place
        dx, dy = cell % 3 - 1, cell // 3 - 1
    for y in range(side):
        for x in range(side):
            inside = 0 <= y - dy < side and 0 <= x - dx < side
            out[y * side + x] = row[(y - dy) * side + x - dx] if inside else 0
