"""All gradients by name, built-in and from other packages, and compilation for one of them."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.system import plugins
from devicekit.system.jit import borrowing
from snn.gradient import Gradient
from snn.network.changes import Changes

GRADIENTS: dict[str, Gradient] = dict(sorted(plugins.GRADIENTS.descriptors("GRADIENT", Gradient).items()))
NUMBERS = {name: number for number, name in enumerate(GRADIENTS)}


def get_gradient(name: str) -> Gradient:
    """Return the gradient with a name.

    Parameters
    ----------
    name : str
        A key of `GRADIENTS`, such as resume.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the names.
    """
    if name not in GRADIENTS:
        raise UsageError(f"gradient must be {' or '.join(GRADIENTS)}, not {name!r}.")
    return GRADIENTS[name]


def bind_gradient(function: Callable[..., Any], number: int, **known: Any) -> Callable[..., Any]:
    """Compile a function with the `find` and `add_row` of one gradient, and with other functions.

    Choosing the gradient at run time, row by row, would take a quarter of an epoch. Unused gradients are not compiled.

    Parameters
    ----------
    function : callable
        Python function; its module must define the names it uses before it.
    number : int
        Number of the gradient.
    **known : callable
        Functions for other names, themselves results of `bind_gradient`.
    """
    name, gradient = list(GRADIENTS.items())[number]
    names = {**function.__globals__, "find": gradient.find, "add_row": gradient.add_row, **known}
    inside = [each.__name__ for each in known.values()]
    own = FunctionType(function.__code__, names, "_".join([function.__name__, *inside, name]))
    own.__qualname__ = own.__name__  # key of the compiled code in the cache
    made: Callable[..., Any] = borrowing(own)
    return made


def find(label, target, w2, rule, dynamics, noise, key, s, c) -> int:  # type: ignore[no-untyped-def]
    """Find changes: placeholder for the `find` of a gradient, replaced by `bind_gradient`."""
    raise NotImplementedError


def add_row(row: np.ndarray, i: int, n: int, c: Changes, level: np.float32) -> bool:
    """Add changes: placeholder for the `add_row` of a gradient, replaced by `bind_gradient`."""
    raise NotImplementedError
