"""Calls that do not fit the signature of a public function, answered like any other mistake of a user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from devicekit.core.errors import UsageError
from devicekit.core.text import closest, count, listed

if TYPE_CHECKING:
    import numpy as np

ROUNDING = 1e-9  # by which a state that was computed may lie outside
Given = ParamSpec("Given")
Returned = TypeVar("Returned")


def called_as(example: str) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned]]:
    """Let a function answer a call with missing, unknown or too many arguments by a UsageError.

    Parameters
    ----------
    example : str
        A call as a user writes it, such as ``devicekit.load_card('card.json')``; it ends the message.
    """

    def decorate(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
        @wraps(function)
        def call(*given: Given.args, **named: Given.kwargs) -> Returned:
            try:
                return function(*given, **named)
            except TypeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                    raise  # from inside the function, whose signature the call fits
            raise UsageError(f"{_mistake(function, given, named, example)} Write {example}.")

        return call

    return decorate


def _mistake(function: Callable[..., Any], given: Sequence[Any], named: Mapping[str, Any], example: str) -> str:
    """Return what is wrong with a call, in one sentence."""
    name, known = example.partition("(")[0], list(signature(function).parameters.values())
    if known[0].name == "self":
        known, given = known[1:], given[1:]
    places = [each.name for each in known if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    if len(given) > len(places):
        return f"{name} takes at most {count(len(places), 'positional argument')}, not {len(given)}."
    for each in named:
        if each in places[: len(given)]:
            return f"{name} was given {each}= twice."
        if each not in {one.name for one in known}:
            meant = closest(each, (one.name for one in known))
            return f"{name} has no keyword {each}={f': did you mean {meant}=?' if meant else '.'}"
    needed = [each.name for each in known if each.default is Parameter.empty and each.kind is not Parameter.VAR_KEYWORD]
    return f"{name} needs {listed([f'{each}=' for each in needed if each not in {*places[: len(given)], *named}])}."


def as_number(value: Any, name: str) -> float:
    """Return a number that a user gives, which may be infinite or NaN; refuse another type."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise UsageError(f"{name}= takes a number, not {value!r:.40}.")
    return float(value)


def as_whole(value: Any, name: str, least: int | None = None) -> int:
    """Return a whole number that a user gives; refuse another type, or less than the least one."""
    if not isinstance(value, Integral) or isinstance(value, bool) or (least is not None and value < least):
        limit = "" if least is None else f" of at least {least}"
        raise UsageError(f"{name}= takes a whole number{limit}, not {value!r:.40}.")
    return int(value)


def as_numbers(values: Any, name: str) -> list[float]:
    """Return one number or several as a list."""
    several = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    return [as_number(each, name) for each in several]


def as_reals(values: Any, what: str) -> np.ndarray:
    """Return numbers as an array of float64, masked ones as NaN; refuse complex numbers and truth values.

    Raises UsageError if they are such; ValueError or TypeError if they are no numbers at all.
    """
    import numpy as np

    array = np.ma.asanyarray(values)
    kinds = {array.dtype.kind} if array.dtype.kind != "O" else {np.asarray(each).dtype.kind for each in array.flat}
    if wrong := kinds & {"b", "c"}:
        found = "complex numbers: give .real or abs()" if "c" in wrong else "true and false"
        raise UsageError(f"{what} must hold real numbers, not {found}.")
    return np.ma.filled(array.astype(float), np.nan)


def as_states(values: Any, name: str = "r", low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Return states as an array; refuse what is not a number from 0 to 1, or within `low` and `high`."""
    try:
        states = as_reals(values, f"{name}=")
    except (TypeError, ValueError):
        raise UsageError(f"{name}= takes states, numbers from 0 to 1, not {values!r:.40}.") from None
    outside = states[~((states >= low - ROUNDING) & (states <= high + ROUNDING))]
    if outside.size:
        which = f"; {outside.size} of {states.size} are not" if states.size > 1 else ""
        raise UsageError(
            f"{name}= takes states from 0 to 1, not {outside.flat[0]:g}{which}. card.window.to_state(G) turns "
            "conductances [S] into states."
        )
    return states


def as_path(value: Any, verb: str) -> Path:
    """Return the path that a user gives to a function; refuse what cannot be one."""
    if not isinstance(value, str | os.PathLike) or value == "":
        given = "an empty text" if value == "" else type(value).__name__
        raise UsageError(f"{verb} takes the path of a file or folder, not {given}.")
    return Path(value)
