"""One presentation to a small network, for tests of its kernels by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn.network import encoding
from snn.network.neurons import Dynamics, Noise, Scratch, make_scratch, padded, present

ALWAYS = 65536  # the level of an input that fires in every step
WIDTH = padded(64)


def dynamics(steps: int = 1, hidden: int = 64, **changes: Any) -> Dynamics:
    """Neurons that forget all between steps, unless changed."""
    zero = np.float32(0.0)
    usual = Dynamics(hidden, steps, zero, zero, zero, 0, 0, 1, 0, 0.0)
    return usual._replace(**changes)


def noise(hidden: float = 0.0, output: float = 0.0) -> Noise:
    return Noise(np.float32(hidden), np.float32(output))


def network(units: int, outputs: list[float], first: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """One input that drives `units` hidden ones by `first`, each of them every output by that output's weight."""
    w1, w2 = np.zeros((1, WIDTH), np.float32), np.zeros((WIDTH, len(outputs)), np.float32)
    w1[0, :units] = first
    w2[:units] = outputs
    return w1, w2


def show(
    w1: np.ndarray, w2: np.ndarray, how: Dynamics, read: Noise, key: int = 1, inputs: int = 1
) -> tuple[int, Scratch]:
    """The winner of one presentation in which every input fires in every step, and the kernel's memory after it."""
    scratch = make_scratch(w1.shape[0], WIDTH, w2.shape[1], how.steps)
    levels = np.full(inputs, ALWAYS, np.int32)
    return present(levels, np.uint64(encoding.stream_key(7, key)), w1, w2, how, read, scratch), scratch
