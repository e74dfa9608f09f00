"""Every gradient by name, ours and those of other packages, and the compiled switch over them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import FunctionType
from typing import Any

import numpy as np

from devicekit import plugins
from devicekit.errors import UsageError
from devicekit.models.kernel import compiled, switch
from snn.gradient import Gradient
from snn.network.changes import Changes

GRADIENTS: dict[str, Gradient] = dict(sorted(plugins.GRADIENTS.described("GRADIENT", Gradient).items()))
NUMBERS = {name: number for number, name in enumerate(GRADIENTS)}


def get_gradient(name: str) -> Gradient:
    """The gradient of that name.

    Parameters
    ----------
    name : str
        A key of `GRADIENTS`, such as resume.

    Raises
    ------
    UsageError
        If there is none; the message lists the names.
    """
    if name not in GRADIENTS:
        raise UsageError(f"gradient is {' or '.join(GRADIENTS)}, not {name!r}")
    return GRADIENTS[name]


def switched(function: Callable[..., Any]) -> Any:
    """A function that calls `add_row`, compiled for every gradient; a first argument more says for which.

    So what is done for each row knows its gradient when it is compiled: asking which one it is, row by row, cost a
    quarter of an epoch. The module must define what the function uses above it.
    """
    made = []
    for name, gradient in GRADIENTS.items():
        known = {**function.__globals__, "add_row": gradient.add_row}
        own = FunctionType(function.__code__, known, f"{function.__name__}_{name}")
        own.__qualname__ = own.__name__  # by which compiled code is kept
        made.append(compiled(own))
    return switch(made, f"{function.__name__}_of", ", ".join(signature(function).parameters), "None", __name__)


def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Stands for a gradient's own `add_row` in a function that is `switched`."""
    raise NotImplementedError


_ARGUMENTS = "label, target, w2, rule, dynamics, noise, key, s, c"
find = switch([gradient.find for gradient in GRADIENTS.values()], "find", _ARGUMENTS, "0", __name__)
find.__doc__ = "By gradient number `number`: fill `c` with what the presentation in `s` asks for; see `Gradient`."
