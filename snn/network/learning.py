"""Every gradient by name, ours and those of other packages, and what is compiled for one of them."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from devicekit import plugins
from devicekit.errors import UsageError
from devicekit.jit import borrowing
from snn.gradient import Gradient
from snn.network.changes import Changes

GRADIENTS: dict[str, Gradient] = dict(sorted(plugins.GRADIENTS.descriptors("GRADIENT", Gradient).items()))
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


def bind_gradient(function: Callable[..., Any], number: int, **known: Any) -> Callable[..., Any]:
    """A function compiled with the `find` and the `add_row` of one gradient, and with other functions, as its own.

    So what is done for each row knows its gradient when it is compiled: asking which one it is, row by row, cost a
    quarter of an epoch. And one that nobody uses is not compiled at all.

    Parameters
    ----------
    function : callable
        Plain Python; its module must define what it uses above it.
    number : int
        Of the gradient.
    **known : callable
        What stands for other names: functions that are passed to `bind_gradient` themselves.
    """
    name, gradient = list(GRADIENTS.items())[number]
    names = {**function.__globals__, "find": gradient.find, "add_row": gradient.add_row, **known}
    inside = [each.__name__ for each in known.values()]
    own = FunctionType(function.__code__, names, "_".join([function.__name__, *inside, name]))
    own.__qualname__ = own.__name__  # by which compiled code is kept
    made: Callable[..., Any] = borrowing(own)
    return made


def find(label, target, w2, rule, dynamics, noise, key, s, c) -> int:  # type: ignore[no-untyped-def]
    """Stands for a gradient's own `find` in a function that is passed to `bind_gradient`; see `Gradient`."""
    raise NotImplementedError


def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Stands for a gradient's own `add_row` in a function that is passed to `bind_gradient`; see `Gradient`."""
    raise NotImplementedError
