"""What a gradient brings along: which change of each weight one presentation asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gradient:
    """Which change of each weight one presentation asks for.

    Parameters
    ----------
    name, title, source : str
        Stable id, which is the name of the gradient's file; words for people; where it comes from.
    find : callable
        (label, target, w2, rule, dynamics, noise, key, s, c) -> n, compiled: fills `snn.network.changes.Changes` `c`
        from the presentation in `s` and says for how many outputs weights change; 0 asks for no change at all.
    add_row : callable
        (row, i, n, c, level) -> bool, compiled: adds the changes of input i to `row` (1, width), sets in `c.beyond`
        where it then exceeds +- level, and says whether it does anywhere.
    deep : bool
        Whether it needs the potentials of each step (`s.v_hidden`, `s.v_steps`) and the memory for changes that differ
        from step to step (`c.deep`, `c.fired_at`, `c.fired`).
    rates : callable or None
        Hidden units -> learning rates of the hidden and the output layer; None: those of the recipe.
    eta_total : float or None
        Factor on them from the first to the last epoch, where they fall; None: that of the recipe.
    """

    name: str
    title: str
    source: str
    find: Callable[..., Any]
    add_row: Callable[..., Any]
    deep: bool = False
    rates: Callable[[int], tuple[float, float]] | None = None
    eta_total: float | None = None
