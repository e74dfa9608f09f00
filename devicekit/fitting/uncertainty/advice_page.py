"""Page of an advice on the next measurement."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from devicekit.core.scalars import Scalar
from devicekit.core.text import percent
from devicekit.fitting.uncertainty.advice import NOUNS, Advice
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.report import Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section

HEAD = ("measurement", "of each branch", "pulses", "readings", "sd now", "sd then", "variance left")


def advice_page(found: Advice, name: str, command: str, marks: Iterable[str] = ()) -> Report:
    """Build the page of an advice: verdict, what each measurement would leave, and what was assumed.

    Parameters
    ----------
    found : Advice
    name : str
        Name of the file or folder, for the title.
    command : str
        Command that makes the page again.
    marks : iterable of str
        What the data are known to be: synthetic, simulated, calibrated.
    """
    picture = draw(
        panel(found),
        f"Standard deviation of the {NOUNS[found.goal]} after each measurement of {found.budget} pulses; line: now.",
        "Bars of the standard deviation that each possible measurement would leave",
        title=f"What each measurement of {found.budget} pulses would leave; line: now.",
    )
    rows = [
        (
            each.name.partition(": ")[0],
            each.name.partition(": ")[2],
            str(each.cost),
            str(each.reads),
            percent(each.sd_now, 3),
            percent(each.sd_then, 3),
            percent(each.variance_left),
        )
        for each in found.candidates
    ]
    assumed = [f"{each[:1].upper()}{each[1:]}." for each in found.assumptions]
    sections = [
        Section("Measurements", "measurements", [Table(HEAD, rows, "Possible measurements, the best first.")]),
        Section("Assumptions", "assumptions", [Text(assumed)]),
        provenance_section([], command),
    ]
    return Report(
        f"What to measure next: {name}",
        found.verdict,
        sections=sections,
        pictures=[picture],
        numbers=_numbers(found),
        source=name,
        marks=mark_keys(marks),
    )


def panel(found: Advice) -> Panel:
    """Return the figure: relative standard deviation after each measurement, the best on top, beside that of now."""
    then = np.array([100 * each.sd_then for each in found.candidates])
    now = 100 * found.best.sd_now
    rows = np.arange(then.size, dtype=float)
    bars = Curve("after the measurement", then, rows, "bars", colour=COLOURS["ltp"], legend=False)
    x = Axis("standard deviation", "%", limits=(0.0, 1.15 * max(now, float(then.max()), 1e-9)))
    names = tuple(each.name.partition(":")[0] for each in found.candidates)
    return Panel(x, Axis("", names=names), [bars], lines=[("x", now)])


def _numbers(found: Advice) -> list[Scalar]:
    noun, best = NOUNS[found.goal], found.best
    return [
        Scalar("sd_now", f"standard deviation of the {noun} now", best.sd_now, of=noun),
        Scalar("sd_then", "the same after the best measurement", best.sd_then, of=noun),
        Scalar("variance_left", "variance that it leaves", best.variance_left, of="variance now"),
        Scalar("cost", "pulses of each branch that it costs", float(best.cost)),
    ]
