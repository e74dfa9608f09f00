"""The flaws of a device as a table of risks: its own size, the size at which 2 points are lost, and the margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from snn.benchmark.curves import distance, least_critical
from snn.benchmark.flaws import SEVERITIES, Flaw

if TYPE_CHECKING:
    from snn.benchmark.result import Benchmark

RISKS = ("flaw", "this device", "2 points lost at", "margin")
_MEASURES = {  # of the numbers beside a flaw
    "nonlinearity": "ln of largest over smallest step",
    "asymmetry": "larger over smaller mean step",
    "step size": "steps to cross the window",
    "scatter of updates": "sd of one update",
    "device-to-device variation": "sd of ln rate",
    "read noise": "sd, of the window",
    "telegraph noise": "sd, of the window",
    "fluctuation of states": "sd, of the window",
    "states": "stable ones per device",
    "stuck devices": "share, at either end",
    "volatility": "share of an update forgotten",
    "wires": "r mean(G) (m² + n²)/2",
    "converters": "bits",
    "drift": "sd of a state, of the window",
}
_UNKNOWN_AS = {"stuck devices": "dead devices"}  # names in `Benchmark.unknown`, if they differ from the flaw's


def is_unknown(flaw: Flaw, result: Benchmark) -> bool:
    """Return whether the data of a device leave open if it has a flaw."""
    return _UNKNOWN_AS.get(flaw.name, flaw.name) in result.unknown


def matters(flaw: Flaw, result: Benchmark) -> bool:
    """Return whether a device has a flaw, or may have it."""
    return flaw.name in result.flaws or flaw.name in result.severities or is_unknown(flaw, result)


def risks(result: Benchmark) -> list[tuple[str, ...]]:
    """Return the rows of a table under `RISKS`, the smallest margin first, then what is unknown."""
    rows = []
    for flaw in (each for each in SEVERITIES if matters(each, result)):
        own = result.severities.get(flaw.name)
        far = distance(flaw, own)
        level = _level(flaw) if far is None else flaw.amount(far.critical)
        margin = "–" if far is None else far.margin
        order = far.ratio if far is not None else 1e6 if own is not None else 1e9
        rows.append((order, (_title(flaw), _size(flaw, own), level, margin)))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def risks_of_several(results: Sequence[Benchmark]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of a table of several devices side by side, a row for each flaw that one has or may have."""
    rows = []
    for flaw in (each for each in SEVERITIES if any(matters(each, result) for result in results)):
        cells = []
        for result in results:
            own = result.severities.get(flaw.name)
            far = distance(flaw, own)
            absent = own is None and not matters(flaw, result)
            margin = "" if far is None else f" ({far.margin})"
            cells.append("none" if absent else f"{_size(flaw, own)}{margin}")
        rows.append((_title(flaw), _level(flaw), *cells))
    return ("flaw", "2 points lost at", *(f"{each.name} (margin)" for each in results)), rows


def _title(flaw: Flaw) -> str:
    return f"{flaw.name} ({_MEASURES[flaw.name]})"


def _size(flaw: Flaw, own: float | None) -> str:
    return "unknown" if own is None else flaw.amount(own)


def _level(flaw: Flaw) -> str:
    """Return the least severity at which a flaw costs 2 points, or up to which it does not."""
    critical = least_critical(flaw)
    return f"not up to {flaw.amount(max(flaw.sizes))}" if critical is None else flaw.amount(critical)
