"""Page of a comparison of update laws."""

from __future__ import annotations

from collections.abc import Iterable

from devicekit.core.scalars import Scalar
from devicekit.core.text import listed
from devicekit.fitting.comparison import PREDICTION_ERRORS, STRONG, Comparison
from devicekit.models.registry import CURVE_LAWS
from devicekit.report import Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section


def comparison_page(found: Comparison, name: str, command: str, marks: Iterable[str] = ()) -> Report:
    """Build the page of a comparison: verdict, ranks of the laws, misfits, labels, and the command to fit with.

    Parameters
    ----------
    found : Comparison
    name : str
        Name of the file or folder, for the title.
    command : str
        Command that makes the page again.
    marks : iterable of str
        What the data are known to be: synthetic, simulated, calibrated.
    """
    pictures = [
        draw(
            found.panel(direction),
            f"BIC above the best law, {direction.upper()}; beside each bar the rms misfit in percent of the window.",
            f"Bars of BIC above the best law for {direction.upper()}",
            title=f"BIC above the best law, {direction.upper()}.",
        )
        for direction in found.branches
    ]
    return Report(
        f"Update laws compared: {name}",
        found.verdict(),
        sections=[_laws(found), _labels(found), provenance_section([], command)],
        pictures=pictures,
        numbers=_numbers(found),
        source=name,
        marks=mark_keys(marks),
    )


def comparison_notes(found: Comparison) -> list[str]:
    """Return how to read the tables: which laws are likely, which cannot be fitted, and what the numbers are of."""
    names = {each.model for scores in found.branches.values() for each in scores}
    curves = [name for name in CURVE_LAWS if name in names]
    notes = [
        f"Laws less than {STRONG:g} above the best by a criterion are likely by it. A law is ruled out where both BIC "
        "and AICc oppose it."
    ]
    if curves:
        notes.append(
            f"Not for devicekit fit: {listed(curves)}, which are curves over the pulse number, not laws of the state."
        )
    notes.append(
        "rms: the law's curve from its starting state, which readings do not correct, against the mean curve. The laws "
        "were fitted to what BIC is on, devicekit fit to the mean curve; its nrmse is over the range of each branch's "
        "own curve."
    )
    if any(each.startswith(PREDICTION_ERRORS) for each in found.basis.values()):
        notes.append(
            "One-step prediction errors: each reading minus its prediction from the readings before it. Kalman gain: "
            "share of such an error by which the predicted state is corrected."
        )
    return notes


def _laws(found: Comparison) -> Section:
    tables = [Table.of(scores, found.caption(direction)) for direction, scores in found.branches.items()]
    return Section("Laws", "laws", [Text([found.advice(), *comparison_notes(found)]), *tables])


def _labels(found: Comparison) -> Section:
    table = Table(found.label_head, found.label_rows(), "NeuroSim's labels of nonlinearity.")
    return Section("NL labels", "labels", [table])


def _numbers(found: Comparison) -> list[Scalar]:
    numbers = []
    for direction, scores in found.branches.items():
        name = direction.upper()
        words = f"{name} rms misfit of {scores[0].model}"
        numbers.append(Scalar(f"rms_{direction}", words, scores[0].rms, of="window"))
        numbers.append(Scalar(f"nl_{direction}", f"{name} label NL, from the data", found.nl[direction]["data"]))
    return numbers
