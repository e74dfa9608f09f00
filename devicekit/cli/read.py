"""`devicekit read`: what devicekit understands of a file, and the file as one validated table."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, ReplaceFile, print_json, print_warnings, with_options
from devicekit.core.text import count
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.features.describe import Description
    from devicekit.tables import Table

SHOWN = 10


def _check_suffix(path: Path) -> str:
    """Return the kind of picture that a file name asks for."""
    from devicekit.core.errors import UsageError

    kind = path.suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise UsageError(f"--plot takes a file that ends in .png, .svg or .pdf, not {path.name}")
    return kind


def _preview(table: Table, path: Path) -> None:
    """Draw the pictures that betray a wrong reading, one below the other."""
    from matplotlib.figure import Figure

    from devicekit.features.confirm import panels
    from devicekit.system import ownmark, writing

    kind = _check_suffix(path)
    shown = panels(table)
    canvas = Figure(figsize=(6.0, 4.0 * len(shown)), layout="constrained")
    for (panel, _), axes in zip(shown, canvas.subplots(len(shown), squeeze=False)[:, 0], strict=True):
        panel.draw(axes)
    buffer = io.BytesIO()
    canvas.savefig(buffer, format=kind, metadata=ownmark.figure_metadata(kind))
    writing.write_bytes(path, buffer.getvalue())


def _print(table: Table, summary: Description, written: dict[str, Path | None], title: str, path: Path | None) -> None:
    """Print what was read, and how."""
    from devicekit.cli.prompt import confirmation_rows
    from devicekit.core.text import si

    terminal.title(title)
    devices = count(summary.devices, "device")
    rows = [
        (
            "content",
            f"format {summary.format}: {count(summary.rows, 'row')}, {devices}, {summary.in_words()}",
        )
    ]
    if widths := summary.contents.get("pulse_widths_s"):
        rows.append(("pulse width", ", ".join(si(each, "s") for each in widths)))
    text = {name: value for name, value in summary.text.items() if name != "header"}
    if text:
        rows.append(("text", ", ".join(f"{name} {value}" for name, value in text.items()).replace(" ,", " comma")))
    rows.append(("columns", ", ".join(f"{n} [{u}]" if u else n for n, u in summary.columns_read.items())))
    rows += [(name, str(path)) for name, path in written.items() if path is not None]
    terminal.fields([*rows, *confirmation_rows(table, path)])
    layout = table.meta["layout"]
    if layout.format == "table":
        terminal.paragraph("layout (keep it for such files: --save-recipe FILE.toml):")
        terminal.fields(layout.lines())
    records = summary.records
    for number, record in enumerate(records[:SHOWN], 1):
        facts = [f"{key} {record[key]}" for key in ("name", "device", "date") if record.get(key)]
        terminal.paragraph(f"record {number}: " + ", ".join([*facts, f"{record['rows']} rows"]), 2)
    if len(records) > SHOWN:
        terminal.paragraph(f"... and {len(records) - SHOWN} more records", 2)


@with_options
def read_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="File, folder or several files of measurements.")
    ],
    reading: ReadOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="TABLE.csv", help="Write the table into this file; TABLE.h5: as HDF5."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw a preview into this file (.png, .svg, .pdf)."),
    ] = None,
    save_recipe: Annotated[
        Path | None,
        typer.Option("--save-recipe", metavar="FILE.toml", help="Write the layout as a recipe for other such files."),
    ] = None,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> None:
    """Read a measurement file and show how it was understood.

    --out TABLE.csv writes one CSV table, --out TABLE.h5 an HDF5 file. The layout is printed: the row of column
    names, the meaning of each column, and why. Several files become devices or cycles of one table.

    Examples:
        devicekit read ramps/ --quantity current --read-voltage 0.1 --out table.csv
        devicekit read mine.csv --map value=G --unit uS
        devicekit read sweeps.csv --plot sweeps.svg
    """
    from devicekit.features.describe import describe
    from devicekit.readers import hdf5, read

    if plot is not None:
        _check_suffix(plot)
    table = read(files if len(files) > 1 else files[0], reading)
    if save_recipe is not None:
        table.meta["layout"].save(save_recipe)
    if out is not None and out.suffix.lower() in hdf5.SUFFIXES:
        hdf5.save(out, tables=[table])
    elif out is not None:
        table.to_csv(out)
    if plot is not None:
        _preview(table, plot)
    summary = describe(table)
    if json_output:
        written = {"table": str(out) if out else None, "recipe": str(save_recipe) if save_recipe else None}
        print_json({**summary.as_dict(), **written})
        return
    print_warnings(table.warnings)
    shown = {"table": out, "preview": plot, "recipe": save_recipe}
    _print(table, summary, shown, ", ".join(map(str, files)), files[0] if len(files) == 1 else None)
