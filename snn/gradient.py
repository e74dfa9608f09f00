"""Description of a gradient: a learning rule for the weight changes of one presentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gradient:
    """Learning rule for the weight changes of one presentation.

    Parameters
    ----------
    name, title, source : str
        Stable id, equal to the file name; title for display; reference.
    find : callable
        (label, target, w2, rule, dynamics, noise, key, s, c) -> n, compiled: fills `snn.network.changes.Changes` `c`
        from the presentation in `s` and returns the number of outputs with weight changes; 0 for no change.
    add_row : callable
        (row, i, n, c, level) -> bool, compiled: adds the changes of input i to `row` (1, width), marks in `c.beyond`
        where it then exceeds +- level, and returns True if it does anywhere.
    deep : bool
        True if it needs the potentials of each step (`s.v_hidden`, `s.v_steps`) and the memory for changes of each step
        (`c.deep`, `c.fired_at`, `c.fired`).
    rates : callable or None
        Number of hidden units -> learning rates of the hidden and output layer; None: those of the recipe.
    eta_total : float or None
        Total decay of the rates over the epochs; None: that of the recipe.
    """

    name: str
    title: str
    source: str
    find: Callable[..., Any]
    add_row: Callable[..., Any]
    deep: bool = False
    rates: Callable[[int], tuple[float, float]] | None = None
    eta_total: float | None = None
