"""Content of a table and columns of a file, as the pages of the app show them before they are believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.app.choices import choice_text
from devicekit.app.results import FileColumn, Seen
from devicekit.core.text import count, si

if TYPE_CHECKING:
    from devicekit.features.describe import Description
    from devicekit.readers.opening import Opening
    from devicekit.tables import Table

ROWS_SHOWN = 8


def describe_table(table: Table, path: Path, is_open: bool) -> Seen:
    """Return what of a table is shown before it is believed."""
    from devicekit.features import confirm
    from devicekit.features.describe import describe

    summary = describe(table)
    points = confirm.points(table)
    facts = _count_facts(summary)
    if points is not None:
        facts = (
            *facts[:-1],
            (f"points per {points.noun}", points.of_each + (", unequal" if not points.is_equal else "")),
            facts[-1],
        )
    alt = f"The {table.kind} table as read"
    return Seen(
        kind=table.kind,
        format=str(summary.format),
        facts=facts,
        odd=() if points is None or points.is_equal else (f"points per {points.noun}",),
        layout=tuple(table.meta["layout"].lines()),
        warnings=tuple((each.code, each.message) for each in table.warnings if not is_open or each.code != "accepted"),
        statements=confirm.statements(table),
        ends=tuple((each.name, each.in_si, each.place, each.file_cells) for each in confirm.end_rows(table, path)),
        rows=_format_first_rows(table),
        preview="".join(draw_figure(panel, caption, alt) for panel, caption in confirm.panels(table)),
    )


def list_columns(opening: Opening, table: Table | None) -> tuple[FileColumn, ...]:
    """Return the columns of a file with the roles that a table gives them."""
    layout = None if table is None else table.meta["layout"]
    roles = {} if layout is None else {each.name: each for each in layout.columns}
    found = []
    for each in opening.columns:
        column = roles.get(each.name)
        role, unit = ("", each.unit) if column is None else (column.role, column.unit or each.unit)
        found.append(FileColumn(each.name, each.cells, role, unit))
    return tuple(found)


def draw_figure(panel: Any, caption: str, alt: str) -> str:
    """Draw a figure as HTML, with its data for the script that makes it interactive."""
    from devicekit.report import draw

    return draw(panel, caption, alt).to_html()


def _count_facts(summary: Description) -> tuple[tuple[str, str], ...]:
    """Return the counts of a table."""
    facts = [
        ("content", choice_text("kind", summary.kind)),
        ("rows", f"{summary.rows}"),
        ("devices", f"{summary.devices}"),
    ]
    if summary.kind in ("pulse", "sweep"):
        facts.append(("trains" if summary.kind == "pulse" else "sweeps", summary.in_words()))
    if widths := summary.contents.get("pulse_widths_s"):
        facts.append((f"pulse width{'s' * (len(widths) > 1)}", ", ".join(si(each, "s") for each in widths)))
    if levels := summary.contents.get("levels"):
        facts.append((count(len(levels), "level"), ", ".join(levels[:6])))
    return (*facts, ("format", choice_text("format", str(summary.format))))


def _format_first_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    frame = table.frame.head(ROWS_SHOWN)
    cells = frame.map(lambda value: f"{value:.6g}" if isinstance(value, float) else str(value))
    return (tuple(map(str, frame.columns)), *(tuple(row) for row in cells.itertuples(index=False, name=None)))
