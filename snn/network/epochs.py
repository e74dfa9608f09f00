"""One epoch of training, compiled: samples one after the other, changes applied after each.

Kernels are compiled for one gradient and one kind of policy; their memory is allocated before, in Python.

All random numbers are keyed by (seed, epoch, sample) or by (device, its pulse count), so that the result of an epoch
does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from devicekit.device.random import mix
from devicekit.models.kernel import MAX_SHAPE
from snn.network.bits import lowest_bit
from snn.network.changes import Changes, Rule, make_changes, row_changes, target_train
from snn.network.crossbar import (
    Layer,
    PulseRequests,
    Threshold,
    apply_pulses,
    make_pulse_requests,
    pulse_request_each,
    pulse_request_row,
)
from snn.network.encoding import Presentations, presentation_key
from snn.network.fading import FadingLayer, apply_pulses_with_decay, next_presentation, renew
from snn.network.lanes import LANES
from snn.network.learning import add_row, bind_gradient, find
from snn.network.neurons import Dynamics, Noise, Scratch, hold, is_held, make_scratch, present
from snn.network.pulsing import pulse_request


class Lesson(NamedTuple):
    """Samples to learn: their presentations, classes (n,), and order of presentation (m,)."""

    shown: Presentations
    labels: np.ndarray
    order: np.ndarray


class Room(NamedTuple):
    """Working memory of an epoch on devices."""

    s: Scratch
    c: Changes
    requests: PulseRequests
    memory: np.ndarray


def _offline(  # type: ignore[no-untyped-def]
    lesson: Lesson, w1, w2, rule: Rule, dynamics: Dynamics, noise: Noise, s: Scratch, c: Changes
) -> int:
    """Present samples one after the other and add their changes to both weights."""
    (levels, ids, stream, epoch), labels, order = lesson
    target = target_train(dynamics)
    right = 0
    for position in range(order.size):
        k = order[position]
        key = presentation_key(stream, epoch, ids[k])
        right += present(levels[k], key, w1, w2, dynamics, noise, s) == labels[k]
        n = find(labels[k], target, w2, rule, dynamics, noise, key, s, c)
        if n == 0:
            continue
        for i in range(w1.shape[0]):
            if row_changes(i, n, rule, s):
                add_row(w1[i : i + 1], i, n, c, np.float32(0.0))
        for b in range(c.updated.size):
            word = c.updated[b]
            while word != np.uint64(0):
                h = LANES * b + lowest_bit(word)
                word &= word - np.uint64(1)
                for m in range(n):
                    w2[h, c.outputs[m]] += c.output_changes[m, h]
    return right


def offline_epoch(lesson: Lesson, w1: np.ndarray, w2: np.ndarray, rule: Rule, dynamics: Dynamics, noise: Noise) -> int:
    """Train float weights in place over a lesson; return the number classified correctly.

    Parameters
    ----------
    lesson : Lesson
    w1, w2 : ndarray of float32, shapes (channels, width) and (width, outputs)
        Weights [1].
    """
    channels, width, outputs = lesson.shown.levels.shape[1], w1.shape[1], w2.shape[1]
    s = make_scratch(channels, width, outputs, dynamics.steps, False, rule.deep)
    c = make_changes(channels, width, outputs, dynamics.steps, rule.deep)
    return int(_offline_of(rule.gradient)(lesson, w1, w2, rule, dynamics, noise, s, c))


def settle_sums(  # type: ignore[no-untyped-def]
    first: Layer, second: Layer, n: int, th1, th2, rule, s, c: Changes, noise, key, requests: PulseRequests, memory
) -> None:
    """Add changes to the sums and apply pulses; only rows and units with changes can cross the threshold."""
    count, sums, columns = np.int64(0), first.sums, first.columns  # a literal 0 would have another type
    for i in range(sums.shape[0]):
        if row_changes(i, n, rule, s) and add_row(sums[i : i + 1], i, n, c, th1.level):
            count = pulse_request_row(sums[i], i * columns, c.beyond, th1, requests, count)
    apply_pulses(first, requests, count, th1.verifies, th1.level, noise.hidden, key, memory)
    count, sums, columns = np.int64(0), second.sums, second.columns
    outputs, changes, synapses, pulses = c.outputs, c.output_changes, requests.synapses, requests.pulses
    for b in range(c.updated.size):
        word = c.updated[b]
        while word != np.uint64(0):
            h = LANES * b + lowest_bit(word)
            word &= word - np.uint64(1)
            for m in range(n):
                o = outputs[m]
                wanted = sums[h, o] + changes[m, h]
                if abs(wanted) > th2.level:
                    number, wanted = pulse_request(
                        th2.policy, wanted, np.float32(0.0), th2.level, th2.alpha, th2.most, 0.0
                    )
                    synapses[count] = h * columns + o
                    pulses[count] = number
                    count += 1
                sums[h, o] = wanted
    apply_pulses(second, requests, count, th2.verifies, th2.level, noise.output, key, memory)


def settle_each(  # type: ignore[no-untyped-def]
    first: Layer, second: Layer, n: int, th1, th2, rule, s, c: Changes, noise, key, requests: PulseRequests, memory
) -> None:
    """Request pulses for every updated synapse each time, and apply them."""
    changes = c.row
    count, stream, columns = np.int64(0), mix(first.coin, key), first.columns
    for i in range(first.w.shape[0]):
        if row_changes(i, n, rule, s):
            for j in range(changes.shape[1]):
                changes[0, j] = np.float32(0.0)
            add_row(changes, i, n, c, th1.level)
            count = pulse_request_each(first.sums[i], i * columns, changes[0, :columns], th1, stream, requests, count)
    apply_pulses(first, requests, count, th1.verifies, th1.level, noise.hidden, key, memory)
    count, stream, columns = np.int64(0), mix(second.coin, key), second.columns
    few = changes[0, :columns]
    for b in range(c.updated.size):
        word = c.updated[b]
        while word != np.uint64(0):
            h = LANES * b + lowest_bit(word)
            word &= word - np.uint64(1)
            for o in range(columns):
                few[o] = np.float32(0.0)
            for m in range(n):
                few[c.outputs[m]] = c.output_changes[m, h]
            count = pulse_request_each(second.sums[h], h * columns, few, th2, stream, requests, count)
    apply_pulses(second, requests, count, th2.verifies, th2.level, noise.output, key, memory)


settle = settle_sums  # placeholder, replaced by `bind_gradient`


def _insitu(  # type: ignore[no-untyped-def]
    lesson: Lesson, layers: Sequence[Layer], thresholds, rule: Rule, dynamics: Dynamics, noise: Noise, read, room: Room
) -> int:
    """Present samples one after the other and apply the pulses requested by their changes."""
    (levels, ids, stream, epoch), labels, order = lesson
    (first, second), (th1, th2), (read1, read2), (s, c, requests, memory) = layers, thresholds, read, room
    held = s.w_hidden.size > 0
    target = target_train(dynamics)
    right = 0
    for position in range(order.size):
        k = order[position]
        key = presentation_key(stream, epoch, ids[k])
        if held:
            hold(first.w, second.w, dynamics, noise, key, s)
        right += present(levels[k], key, read1, read2, dynamics, noise, s) == labels[k]
        n = find(labels[k], target, read2, rule, dynamics, noise, key, s, c)
        if n > 0:
            settle(first, second, n, th1, th2, rule, s, c, noise, key, requests, memory)
    return right


def _fading(  # type: ignore[no-untyped-def]
    lesson: Lesson,
    layers: Sequence[FadingLayer],
    thresholds,
    rule: Rule,
    dynamics: Dynamics,
    noise: Noise,
    read,
    room: Room,
) -> int:
    """Train as `_insitu` with forgetting: weights at the time of reading, and pulses at their times."""
    (levels, ids, stream, epoch), labels, order = lesson
    (first, second), (th1, th2), (read1, read2), (s, c, requests, memory) = layers, thresholds, read, room
    held = s.w_hidden.size > 0
    target = target_train(dynamics)
    right = 0
    every = dynamics.side > 0  # images move, so that any input may fire
    for position in range(order.size):
        k = order[position]
        key = presentation_key(stream, epoch, ids[k])
        renew(first, levels[k], every)
        renew(second, levels[k], True)
        if held:
            hold(first.w, second.w, dynamics, noise, key, s)
        right += present(levels[k], key, read1, read2, dynamics, noise, s) == labels[k]
        n = find(labels[k], target, read2, rule, dynamics, noise, key, s, c)
        if n > 0:
            settle(first, second, n, th1, th2, rule, s, c, noise, key, requests, memory)  # type: ignore[arg-type]
        next_presentation(first)
        next_presentation(second)
    return right


@cache
def _offline_of(gradient: int) -> Callable[..., Any]:
    """Return `_offline` compiled for the gradient of that number."""
    return bind_gradient(_offline, gradient)


@cache
def insitu_kernel(gradient: int, summed: bool) -> Callable[..., Any]:
    """Return `_insitu` compiled for the gradient of that number and a policy with or without sums."""
    return bind_gradient(_insitu, gradient, settle=bind_gradient(settle_sums if summed else settle_each, gradient))


@cache
def _fading_of(gradient: int, summed: bool) -> Callable[..., Any]:
    """Return `_fading` compiled as by `insitu_kernel`."""
    settled = settle_sums if summed else settle_each  # works for any layer with the same fields
    own = bind_gradient(settled, gradient, apply_pulses=apply_pulses_with_decay)
    return bind_gradient(_fading, gradient, settle=own)


def insitu_epoch(
    lesson: Lesson,
    layers: tuple[Layer, Layer] | tuple[FadingLayer, FadingLayer],
    thresholds: tuple[Threshold, Threshold],
    rule: Rule,
    dynamics: Dynamics,
    noise: Noise,
) -> int:
    """Train weights on devices in place by pulses; parameters and result as in `offline_epoch`.

    Either both layers forget or neither does.
    """
    first, second = layers
    held = is_held(noise)
    channels, width, outputs = lesson.shown.levels.shape[1], first.w.shape[1], second.w.shape[1]
    s = make_scratch(channels, width, outputs, dynamics.steps, held, rule.deep)
    c = make_changes(channels, width, outputs, dynamics.steps, rule.deep)
    room = Room(s, c, make_pulse_requests(max(first.w.size, second.w.size)), np.empty(MAX_SHAPE))
    read = (s.w_hidden, s.w_output) if held else (first.w, second.w)
    run = (_fading_of if isinstance(first, FadingLayer) else insitu_kernel)(rule.gradient, thresholds[0].summed)
    return int(run(lesson, layers, thresholds, rule, dynamics, noise, read, room))
