"""Layers whose devices forget: weights at the time of reading, and pulses at their times.

The volatile parts decay by a clock common to all devices of an array (`devicekit.device.fading`), so that time costs
one multiplication per term, and the weights of a presentation, persistent + sum_m factor_m part_m, computed for the
rows that fire. These kernels are compiled only if devices forget.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devicekit.device.fading import NOTHING, RESCALED, Fading
from devicekit.device.random import mix
from devicekit.device.state import ArrayState, observed_state, pulse_one
from devicekit.system.jit import borrowing
from snn.network import lanes
from snn.network.crossbar import NO_MOVE, WINDS_UP, Layer, PulseRequests
from snn.network.neurons import bell

SMALLEST = math.exp(-RESCALED)
SPARSE = 50  # cost of a single weight over that of one of many, per term


class FadingLayer(NamedTuple):
    """A `Layer` whose devices forget: the fields of `Layer` for pulses, and those of the `Fading` of its array.

    Attributes
    ----------
    array, w, sums, columns, scale, reference, coin, stuck, pulses, reads
        As in `Layer`; `w` holds the weights at the last read of a row or pulse of a synapse.
    persistent, parts, factor, tau_s, kept, shares
        As in `Fading`.
    stays : ndarray of float32, shape of w
        Weights after complete forgetting [1].
    terms : ndarray of float32, shape (m * padded rows, padded columns)
        Contribution of each term to the weights, over its factor [1].
    touched : ndarray of int64, shape (m, synapses)
        Synapses with a term other than 0; the first `touches[m]` are in use.
    touches : ndarray of int64, shape (m,)
    is_touched : ndarray of bool, shape (m, synapses)
    order : ndarray of int64, shape (m,)
        Room for an order of the terms.
    befores : ndarray of float32, shape (synapses,)
        Room for the weights before pulses.
    elapsed : ndarray, shape (1,)
        Time since the presentation [s].
    pulse_period, presentation : float
        Time between the pulses of a presentation, and between presentations [s].
    """

    array: ArrayState
    w: np.ndarray
    sums: np.ndarray
    columns: int
    scale: float
    reference: float
    coin: np.uint64
    stuck: np.ndarray
    pulses: np.ndarray
    reads: np.ndarray
    persistent: np.ndarray
    parts: np.ndarray
    factor: np.ndarray
    tau_s: np.ndarray
    kept: float
    shares: np.ndarray
    stays: np.ndarray
    terms: np.ndarray
    touched: np.ndarray
    touches: np.ndarray
    is_touched: np.ndarray
    order: np.ndarray
    befores: np.ndarray
    elapsed: np.ndarray
    pulse_period: float
    presentation: float


def make_fading(
    layer: Layer, f: Fading, shape: tuple[int, int], pulse_period: float, presentation: float
) -> FadingLayer:
    """Return the layer with the forgetting of its devices.

    Parameters
    ----------
    layer : Layer
    f : Fading
        State of forgetting of the array of the layer.
    shape : (int, int)
        Rows and columns without padding.
    pulse_period, presentation : float
        As in `FadingLayer` [s].
    """
    number, synapses = f.factor.size, shape[0] * shape[1]
    of_layer = {name: value for name, value in layer._asdict().items() if name in FadingLayer._fields}
    of_array = {name: getattr(f, name) for name in ("persistent", "parts", "factor", "tau_s", "kept", "shares")}
    fading = FadingLayer(
        **of_layer,
        **of_array,
        stays=np.zeros_like(layer.w),
        terms=np.zeros((number * layer.w.shape[0], layer.w.shape[1]), np.float32),
        touched=np.zeros((number, synapses), np.int64),
        touches=np.zeros(number, np.int64),
        is_touched=np.zeros((number, synapses), bool),
        order=np.zeros(number, np.int64),
        befores=np.zeros(synapses, np.float32),
        elapsed=np.zeros(1),
        pulse_period=float(pulse_period),
        presentation=float(presentation),
    )
    take_over(fading, shape)
    return fading


def take_over(layer: FadingLayer, shape: tuple[int, int]) -> None:
    """Recompute weights and lists from the states of all devices, after changes other than pulses."""
    rows, columns = shape
    pair = layer.reference < 0.0

    def weights(of: np.ndarray, other: float) -> np.ndarray:
        values = of.reshape(rows, columns, -1)
        return layer.scale * (values[..., 0] - (values[..., 1] if pair else other))

    held = layer.array.own.held
    layer.stays[:rows, :columns] = weights(layer.persistent + held if held.size else layer.persistent, layer.reference)
    for m in range(layer.factor.size):
        start = m * layer.w.shape[0]
        layer.terms[start : start + rows, :columns] = weights(layer.parts[:, m], 0.0)
        touched = np.flatnonzero(layer.parts[:, m].reshape(rows * columns, -1).any(axis=1))
        layer.touches[m] = touched.size
        layer.touched[m, : touched.size] = touched
        layer.is_touched[m] = False
        layer.is_touched[m, touched] = True
    layer.w[:] = layer.stays
    for term, by in zip(layer.terms.reshape(-1, *layer.w.shape), layer.factor, strict=True):
        layer.w[:] += np.float32(by) * term


@borrowing
def renew(layer: FadingLayer, levels: np.ndarray, whole: bool) -> None:
    """Update the weights of the inputs that may fire in a presentation (levels above 0), or of all inputs.

    The synapses of a sparse term are updated one by one, with all their terms.
    """
    w, stays, terms, factor, touched, count, order = (
        layer.w, layer.stays, layer.terms, layer.factor, layer.touched, layer.touches, layer.order,
    )  # fmt: skip
    rows, width, columns, number = w.shape[0], w.shape[1], layer.columns, factor.size
    size, many, few = rows * width, 0, 0
    for m in range(number):  # dense terms first in the order, sparse ones last
        if count[m] * number * SPARSE >= size:
            order[many] = m
            many += 1
        else:
            few += 1
            order[number - few] = m
    blocks = (size if whole else width) // lanes.LANES if many > 0 else 0
    for i in range(1 if whole else rows):
        if not whole and levels[i] <= 0:
            continue
        for b in range(blocks):
            at = i * width + lanes.LANES * b
            v = lanes.load(stays, 0, at)
            for n in range(many):
                m = order[n]
                v = lanes.add(v, lanes.scale(lanes.load(terms, 0, m * size + at), np.float32(factor[m])))
            lanes.store(v, w, 0, at)
    for at in range(many, number):
        m = order[at]
        for n in range(count[m]):
            k = touched[m, n]
            i, j = k // columns, k % columns
            now = stays[i, j]
            for other in range(number):
                now += terms[other * rows + i, j] * np.float32(factor[other])
            w[i, j] = now


@borrowing
def start_again(layer: FadingLayer, m: int) -> None:
    """Rescale term m to a factor of 1, and drop synapses with a negligible rest from its list."""
    parts, terms, touched, is_touched = layer.parts, layer.terms, layer.touched, layer.is_touched
    columns, scale, by, w, stays, factor = (
        layer.columns, layer.scale, layer.factor[m], layer.w, layer.stays, layer.factor,
    )  # fmt: skip
    rows, devices = w.shape[0], 2 if layer.reference < 0.0 else 1
    factor[m] = 1.0
    left = 0
    for n in range(layer.touches[m]):
        k = touched[m, n]
        something, value = False, 0.0
        for d in range(devices):
            part = parts[devices * k + d, m] * by
            part = part if abs(part) >= NOTHING else 0.0
            parts[devices * k + d, m] = part
            something |= part != 0.0
            value += part if d == 0 else -part
        i, j = k // columns, k % columns
        terms[m * rows + i, j] = np.float32(scale * value)
        if something:
            touched[m, left] = k
            left += 1
            continue
        is_touched[m, k] = False
        now = stays[i, j]
        for other in range(factor.size):
            now += terms[other * rows + i, j] * np.float32(factor[other])
        w[i, j] = now
    layer.touches[m] = left


@borrowing
def pass_on(layer: FadingLayer, seconds: float) -> None:
    """Let time pass [s]; rescale terms with a small factor."""
    factor, tau_s = layer.factor, layer.tau_s
    if seconds <= 0.0:
        return
    for m in range(factor.size):
        factor[m] *= math.exp(-seconds / tau_s[m])
        if factor[m] < SMALLEST:
            start_again(layer, m)


@borrowing
def apply_pulses_with_decay(
    layer: FadingLayer,
    requests: PulseRequests,
    count: int,
    verifies: bool,
    level: np.float32,
    read: np.float32,
    key: np.uint64,
    scratch: np.ndarray,
) -> None:
    """Apply pulses as `snn.network.crossbar.apply_pulses`, to devices that forget between the pulses.

    All synapses get their first pulse at the same time, then their second, and so on.
    """
    array = layer.array
    r, pulses, low, high, held = array.r, array.pulses, array.own.low, array.own.high, array.own.held
    w, stuck, columns, scale, coin, sums = layer.w, layer.stuck, layer.columns, layer.scale, layer.coin, layer.sums
    reference, period = layer.reference, layer.pulse_period
    persistent, parts, factor, kept, shares = layer.persistent, layer.parts, layer.factor, layer.kept, layer.shares
    stays, terms, touched, is_touched = layer.stays, layer.terms, layer.touched, layer.is_touched
    touches, elapsed, rows, number = layer.touches, layer.elapsed, w.shape[0], factor.size
    synapses, wanted, befores = requests.synapses, requests.pulses, layer.befores
    pair, total, most = reference < 0.0, 0, 0
    for n in range(count):
        total += abs(wanted[n])
        most = max(most, abs(wanted[n]))
        if verifies:  # weight before the pulses
            i, j = synapses[n] // columns, synapses[n] % columns
            now = stays[i, j]
            for m in range(number):
                now += terms[m * rows + i, j] * np.float32(factor[m])
            befores[n] = now
    for turn in range(most):
        if turn > 0:
            pass_on(layer, period)
            elapsed[0] += period
        for n in range(count):
            if abs(wanted[n]) <= turn:
                continue
            k = synapses[n]
            i, j = k // columns, k % columns
            sign = 1 if wanted[n] > 0 else -1
            device = k
            if pair:
                given = pulses[2 * k] + pulses[2 * k + 1]
                heads = (mix(mix(coin, np.uint64(k)), np.uint64(given)) & np.uint64(1)) != np.uint64(0)
                device = 2 * k if heads else 2 * k + 1
                sign = sign if heads else -sign
            if stuck[device]:
                pulses[device] += 1
            else:
                before = persistent[device]
                for m in range(number):
                    before += factor[m] * parts[device, m]
                least, highest = (low[device], high[device]) if low.size > 0 else (0.0, 1.0)
                r[device] = min(max(before, least), highest)
                pulse_one(array, device, sign, scratch)
                change = r[device] - before
                persistent[device] += kept * change
                for m in range(number):
                    parts[device, m] += shares[m] * change / factor[m]
                    other = parts[2 * k + 1, m] if pair else 0.0
                    terms[m * rows + i, j] = np.float32(scale * ((parts[2 * k, m] if pair else parts[k, m]) - other))
                    if not is_touched[m, k]:
                        is_touched[m, k] = True
                        touched[m, touches[m]] = k
                        touches[m] += 1
                other = observed_state(persistent, held, 2 * k + 1) if pair else reference
                stays[i, j] = np.float32(scale * (observed_state(persistent, held, 2 * k if pair else k) - other))
            if turn + 1 < abs(wanted[n]):
                continue
            now = stays[i, j]
            for m in range(number):
                now += terms[m * rows + i, j] * np.float32(factor[m])
            w[i, j] = now
            if verifies:
                moved = now - befores[n]
                size = abs(wanted[n])
                sums[i, j] -= moved
                if read > np.float32(0.0):  # two reads
                    sums[i, j] -= read * np.float32(1.4142135) * bell(mix(key, coin), np.uint64(k))
                if size >= WINDS_UP and abs(moved) < NO_MOVE * size * level:
                    sums[i, j] = np.float32(0.0)  # stuck or at an end: do not request the change again
    layer.pulses[0] += total
    if verifies:
        layer.reads[0] += 2 * count


@borrowing
def next_presentation(layer: FadingLayer) -> None:
    """Let time pass until the next presentation."""
    pass_on(layer, layer.presentation - layer.elapsed[0])
    layer.elapsed[0] = 0.0
