"""Page of a comparison of update laws."""

from __future__ import annotations

from collections.abc import Iterable

from devicekit.core.scalars import Scalar
from devicekit.core.text import listed, percent, percent_span
from devicekit.fitting.comparison import Comparison
from devicekit.models import law_names
from devicekit.report import Block, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section

HEAD = ("law", "rms [of window]", "BIC - best", "AICc - best", "parameters")
MOST_NAMED = 3  # laws in a verdict


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
        verdict(found),
        [advice(found)],
        [_laws(found), _labels(found), provenance_section([], command)],
        pictures=pictures,
        numbers=_numbers(found),
        source=name,
        marks=mark_keys(marks),
    )


def verdict(found: Comparison) -> str:
    """Return which laws describe the branches best, in one sentence."""
    parts = []
    for direction in found.branches:
        best = found.equal(direction)
        misfits = [score.rms for score in best]
        misfit = f"rms misfit {percent_span(min(misfits), max(misfits))} of the window"
        names = [each.model for each in best]
        if len(names) > MOST_NAMED:
            words = f"{len(names)} laws are equally likely, {names[0]} first"
        else:
            words = f"{listed(names)} {'is the most' if len(names) == 1 else 'are equally'} likely"
        parts.append(f"{direction.upper()}: {words} ({misfit})")
    return f"{'; '.join(parts)}."


def advice(found: Comparison) -> str:
    """Return with which law to fit, in one sentence."""
    known = [{each.model for each in found.equal(direction)} & {*law_names()} for direction in found.branches]
    shared = set.intersection(*known)
    if "eq2" in shared:
        return "Keep eq. (2), the default of devicekit fit: no law is clearly more likely."
    if shared:
        return (
            f"Fit with devicekit fit --model {_likeliest(found, shared)}: it is among the most likely for each branch."
        )
    return "No law is the most likely for both branches: keep eq. (2), and trust the rate curve."


def _likeliest(found: Comparison, laws: set[str]) -> str:
    """Return the law of the least BIC, over all branches."""
    every = [each for scores in found.branches.values() for each in scores]
    return min(sorted(laws), key=lambda law: sum(each.bic for each in every if each.model == law))


def _laws(found: Comparison) -> Section:
    blocks: list[Block] = [Text([advice(found)])]
    for direction, scores in found.branches.items():
        least = min(score.aicc for score in scores)
        rows = [
            (
                score.model,
                percent(score.rms),
                f"{score.bic - scores[0].bic:.1f}",
                f"{score.aicc - least:.1f}",
                str(score.k),
            )
            for score in scores
        ]
        caption = (
            f"{direction.upper()}, ranked by BIC on {found.basis[direction]}. rms: free-running curve, mean curve."
        )
        blocks.append(Table(HEAD, rows, caption))
    return Section("Laws", "laws", blocks)


def _labels(found: Comparison) -> Section:
    rows = [
        (direction.upper(), f"{each['data']:.2f}", f"{each['fit']:.2f}", percent(each["fit_rms"]))
        for direction, each in found.nl.items()
    ]
    head = ("branch", "from the data", "from the exponential", "its rms misfit [of window]")
    return Section("NL labels", "labels", [Table(head, rows, "NeuroSim's labels of nonlinearity.")])


def _numbers(found: Comparison) -> list[Scalar]:
    numbers = []
    for direction, scores in found.branches.items():
        name = direction.upper()
        words = f"{name} rms misfit of {scores[0].model}"
        numbers.append(Scalar(f"rms_{direction}", words, scores[0].rms, of="window"))
        numbers.append(Scalar(f"nl_{direction}", f"{name} label NL, from the data", found.nl[direction]["data"]))
    return numbers
