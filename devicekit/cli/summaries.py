"""Fits and cards as tables for people: both branches side by side, every number with its unit and type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from devicekit.cli import terminal

if TYPE_CHECKING:
    from devicekit.device.blocks import BranchVariation


_STANDS_FOR = {"c": "kappa", "bound": "kappa", "A_pulses": "kappa"}  # printed: fitted


def print_branches(branches: Mapping[str, Any], variation: Mapping[str, BranchVariation]) -> None:
    """Quality, coefficients and variation of LTP and LTD; `branches` are those of a fit or of a card."""
    rows: list[tuple[str, ...]] = []
    rows.append(("nrmse [% of the curve's range]", *(f"{100 * b.nrmse:.3f}" for b in branches.values())))
    rows.append(("noise of the mean [% of window]", *(f"{100 * b.noise:.3f}" for b in branches.values())))
    rows.append(("R²", *(f"{b.r2:.5f}" for b in branches.values())))
    rows.append(("points", *(str(b.n_points) for b in branches.values())))
    rows += _variation_rows(variation)
    terminal.table(("", *(direction.upper() for direction in branches)), rows)
    marked = any({*b.weak, *b.at_bound} for b in branches.values())
    terminal.table(("coefficient", *(direction.upper() for direction in branches)), _coefficient_rows(branches))
    if all({"b", "c", "i"} <= set(b.coefficients) for b in branches.values()):
        terminal.paragraph("i = 1, and b - c r = 1 where a train starts: r = 0 for LTP, r = 1 for LTD", 2)
    if marked:
        terminal.paragraph("* weakly determined or at a bound: trust the rate curve, not this number", 2)


def _coefficient_rows(branches: Mapping[str, Any]) -> list[tuple[str, ...]]:
    names = dict.fromkeys(name for branch in branches.values() for name in branch.coefficients)
    rows = []
    for name in names:
        cells = []
        for branch in branches.values():
            marked = {*branch.weak, *branch.at_bound}
            mark = "*" if name in marked or _STANDS_FOR.get(name) in marked else " "
            cells.append(f"{branch.coefficients[name]:.4g}{mark}" if name in branch.coefficients else " ")
        rows.append((name, *cells))
    return rows


def _variation_rows(variation: Mapping[str, BranchVariation]) -> list[tuple[str, ...]]:
    from devicekit.device.report import variation_rows

    return [
        (
            f"{row.group} {row.what} ({row.kind}) [% of {row.of}]",
            *("not known" if value is None else f"{100 * value:.3f}" for value in row.values),
        )
        for row in variation_rows(variation)
    ]
