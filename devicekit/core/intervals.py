"""A number with its interval as pages and terminals write it: "19.8 points (95 %: 10.9 to 28.7)"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from devicekit.core.statistics import t_quantile

LEVEL = 0.95
IN_BRACKETS = "In brackets: 95 % intervals."  # stated once a page


def tenths(value: float) -> str:
    """Format a number with one decimal: points and percentages of an accuracy."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def with_interval(
    value: float,
    ends: tuple[float, float] | None,
    unit: str = "",
    show: Callable[[float], str] = tenths,
    level: float | None = None,
) -> str:
    """Return a number with its unit and interval: "19.8 points (10.9 to 28.7)"; the number alone without an interval.

    Parameters
    ----------
    value, ends : float, tuple of float
        In the unit that `show` formats.
    unit : str
    show : callable
        Number -> text without the unit.
    level : float, optional
        Stated before the interval, as "95 %: "; not given where the page or the heading of the column states it.
    """
    number = f"{show(value)} {unit}".rstrip()
    if ends is None or not all(map(math.isfinite, ends)):
        return number
    stated = "" if level is None else f"{100 * level:g} %: "
    return f"{number} ({stated}{show(ends[0])} to {show(ends[1])})"


FEWEST_VALUES = 3
"""Values that give a study an interval: with two, Student's t makes it 13 standard errors wide on each side."""


def mean_ends(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Return the interval of a mean by Student's t, over independent values; None below two of them."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    error = math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (n - 1) / n)
    return t_ends(mean, error, n, level)


def t_ends(mean: float, error: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of a mean of n values by Student's t, from its standard error."""
    half = t_quantile(0.5 + level / 2, n - 1) * error
    return mean - half, mean + half
