"""`devicekit export`: a card in the format of another simulator or program."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, choice, print_json, print_warnings, with_options
from devicekit.core.errors import UsageError
from devicekit.system.commands import flag, non_default
from devicekit.system.exporting import TypedExport
from devicekit.system.options import ReadOptions
from devicekit.system.plugins import EXPORTERS
from devicekit.verbs.shared import CARD_HELP

LONGEST = 160  # characters of one note on the terminal; README.txt and --json have the whole
_ENDS = re.compile(r"(?<=[a-z0-9)][.;:]) (?=[A-Z])")  # of sentences

if TYPE_CHECKING:
    from devicekit.tables import Table


def _brief(text: str) -> str:
    """Return as many whole sentences as fit, or the beginning of the text if none does."""
    shown = ""
    for each in _ENDS.split(text):
        if len(shown) + len(each) >= LONGEST:
            return f"{shown} ..." if len(shown) > LONGEST // 3 else textwrap.shorten(text, LONGEST, placeholder=" ...")
        shown = f"{shown} {each}".strip()
    return shown


def _data(file: Path | None, reading: ReadOptions, to: str) -> Table | None:
    """Return the table of --from-data: pulse trains of one pulse width, or of any kind where the target takes these."""
    from devicekit.exporters import exporters
    from devicekit.fitting.device import read_pulses
    from devicekit.readers import read

    if file is None:
        if reading != ReadOptions():
            given = ", ".join(flag(name) for name in non_default(reading))
            raise UsageError(
                f"{given} is for a data file given with --from-data; a device card needs no reading options. Remove it."
            )
        return None
    kinds = getattr(exporters().get(to), "DATA", "pulse")
    table = read(file, reading) if kinds == "any" else read_pulses(file, reading)
    print_warnings(table.warnings)
    return table


@with_options
def export_command(
    card: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=f"{CARD_HELP[:-1]}; the trained devices of a network (network.npz of a training), or an .h5 or .nir "
            "file of an export.",
        ),
    ],
    reading: ReadOptions,
    to: Annotated[
        str,
        choice("--to", EXPORTERS.names(), "Target program"),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the files and a README.txt.")],
    *,
    typed: TypedExport,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Write a device card, or a trained network, for another simulator or program.

    README.txt in the folder explains use and units, and what is exact or approximated. The options from --format on
    describe the file of --from-data.

    Examples:
        devicekit export trained/network.npz --to pytorch --out my-network
        devicekit export card.json --to neurosim --source MLP_NeuroSim_V3.0 --out my-device
        devicekit export card.json --to crosssim --from-data ramps/ --quantity current --read-voltage 0.1 --out lut
    """
    from devicekit.exporters import export, resolve_target

    to, other = resolve_target(to)
    if other:
        typer.echo(other, err=True)
    chosen = {**vars(typed), "data": _data(typed.data, reading, to)}
    result = export(card, to, out, force=force, **chosen)
    if json_output:
        print_json(
            {
                "to": to,
                "out": str(out),
                "files": list(result.files),
                "exact": list(result.exact),
                "approximated": list(result.approximated),
                "noise": result.noise,
                "figures": dict(result.figures),
                **({"diff": result.diff} if result.diff else {}),
            }
        )
        return
    if result.diff:
        typer.echo(result.diff)
    terminal.title(f"{to}: written to {out}")
    terminal.fields(
        [
            ("files", ", ".join(result.files)),
            *(("approximated", _brief(each)) for each in result.approximated),
            ("noise", result.noise),
            *(("use", line) for line in result.use),
            ("in full", str(out / "README.txt")),
        ]
    )
