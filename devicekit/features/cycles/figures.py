"""Panels of correlations over cycles: matrices of rho, and a quantity against its previous value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from devicekit.core.quantities import Quantity
from devicekit.plot import Axis, Curve, Image, Panel

_COLOURS = "RdBu_r"


def _image(values: np.ndarray, names: Sequence[str], axes: tuple[str, str], title: str) -> Image:
    edges = np.arange(len(names) + 1) - 0.5
    across, down = (Axis(label, names=tuple(names)) for label in axes)
    return Image(across, down, edges, edges, values, "Spearman's rho", _COLOURS, (-1.0, 1.0), title=title, numbers=True)


def within_cycle(values: np.ndarray, changes: np.ndarray, names: Sequence[str]) -> Image:
    """Draw rho of each pair within a cycle: of values above the diagonal, of changes from cycle to cycle below.

    Parameters
    ----------
    values, changes : ndarray, shape (k, k)
        Symmetric; the diagonal is not shown.
    names : sequence of str
        Names of the k quantities.
    """
    both = np.triu(values, 1) + np.tril(changes, -1)
    np.fill_diagonal(both, np.nan)
    return _image(both, names, ("", ""), "within a cycle; above: values, below: changes")


def previous_cycle(rho: np.ndarray, names: Sequence[str], title: str) -> Image:
    """Draw rho of each quantity (down) with each one of the previous cycle (across), shape (k, k)."""
    return _image(rho, names, ("one cycle before", "this cycle"), title)


def against_previous(devices: Mapping[str, tuple[np.ndarray, np.ndarray]], quantity: Quantity, before: str) -> Panel:
    """Draw a quantity against that of the previous cycle.

    Parameters
    ----------
    devices : mapping of str to (ndarray, ndarray)
        Previous and present values of each device.
    quantity : Quantity
        The quantity; if its logarithm is followed, the values are its own, on logarithmic axes.
    before : str
        Words for the horizontal axis: the distance to the previous value.
    """
    curves = [
        Curve(name, x, y, style=".", colour=f"C{n % 10}", size=3.0, legend=len(devices) > 1)
        for n, (name, (x, y)) in enumerate(devices.items())
    ]
    label, scale = quantity.plain or quantity.label, "log" if quantity.log else "linear"
    across = Axis(f"{label}, {before}", quantity.unit, scale, ticks=5, name=quantity.name)  # type: ignore[arg-type]
    up = Axis(label, quantity.unit, scale, ticks=6, name=quantity.name)  # type: ignore[arg-type]
    return Panel(across, up, curves, legend="in" if len(devices) <= 5 else "none")
