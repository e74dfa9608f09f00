"""Spike trains as 64-bit words: bit t is set where the neuron fires at step t."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from devicekit.system.jit import borrowing

MAX_STEPS = 64


@intrinsic
def _count_trailing_zeros(typing_context: Any, word: Any) -> Any:

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 1))

    return types.int64(types.uint64), generate


# index of the lowest set bit of a uint64 (undefined for 0); for compiled code only
lowest_bit: Any = _count_trailing_zeros


@borrowing
def all_steps(steps: int) -> np.uint64:
    """Return a word with the `steps` lowest bits set, 1 <= steps <= 64."""
    return np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - steps)
