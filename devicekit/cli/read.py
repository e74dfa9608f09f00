"""`devicekit read`: what devicekit understands of a file, and the file as one validated table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Json, Out, print_flags, print_json, with_reading_options
from devicekit.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.tables import PulseTable, SweepTable


def describe(table: PulseTable | SweepTable) -> dict[str, Any]:
    """What was understood: counts, columns with units, flags."""
    from devicekit.names import GLOSSARY

    columns = {name: GLOSSARY[name].unit if name in GLOSSARY else None for name in table.frame.columns}
    summary: dict[str, Any] = {
        "kind": table.kind,
        "format": table.meta.get("format"),
        "source": table.meta.get("source"),
        "rows": len(table),
        "devices": len(table.devices),
        "columns": columns,
    }
    if table.kind == "pulse":
        trains = table.frame.drop_duplicates(["device_id", "cycle", "direction"])
        summary["trains"] = {way: int((trains["direction"] == way).sum()) for way in ("ltp", "ltd")}
        summary["pulse_widths_s"] = table.widths  # type: ignore[union-attr]
    else:
        summary["sweeps"] = len(table.frame.drop_duplicates(["device_id", "cycle"]))
    summary["warnings"] = [flag.as_dict() for flag in table.flags]
    return summary


@with_reading_options
def read_command(
    file: Annotated[Path, typer.Argument(help="File or folder of measurements.")],
    reading: ReadOptions,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Read a measurement file, say what was understood, and write it as one CSV table (--out TABLE.csv).

    Example: devicekit read ramps/ --quantity current --read-voltage 0.1 --out table.csv
    """
    from devicekit.readers import read

    table = read(file, reading)
    if out is not None:
        table.to_csv(out)
    summary = describe(table)
    if json_output:
        print_json({**summary, "table": str(out) if out else None})
        return
    print_flags(table.flags)
    counts = (
        f"{summary['trains']['ltp']} LTP and {summary['trains']['ltd']} LTD trains"
        if table.kind == "pulse"
        else f"{summary['sweeps']} sweeps"
    )
    typer.echo(
        f"{file}: format {summary['format']}, {summary['rows']} rows, {summary['devices']} device(s), {counts}"
    )
    typer.echo("columns: " + ", ".join(f"{n} [{u}]" if u else n for n, u in summary["columns"].items()))
    if out is not None:
        typer.echo(f"table written to {out}")
