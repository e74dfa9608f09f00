"""Options of an export, as they are typed: flags, help and documentation follow from the fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devicekit.core.declarations import option, options_of


@dataclass(frozen=True)
class TypedExport:
    """Options of `devicekit export`; `devicekit.exporters.base.ExportOptions` holds their values."""

    nodes: int | None = option(
        metavar="N",
        help="Nodes of the rate curve: aihwkit (33 or 63), veriloga and spice tables (129).",
        doc="Nodes of a piecewise-linear rate, 2 or more (aihwkit: default 33 or 63, as needed; Verilog-A: default "
        "129).",
    )
    points: int | None = option(
        metavar="N",
        help="Rows and columns of a crosssim table (501).",
        doc="Conductances and CDF values of a lookup table, 101 or more (crosssim: default 501).",
    )
    noise: bool = option(
        "--no-noise",
        default=True,
        help="Leave out the card's variation.",
        doc="True to export the variation of the card.",
    )
    window: tuple[float, float] | None = option(
        metavar="LOW HIGH",
        help="Conductances [S] that the lowest and the highest weight stand for, of a card that holds weights.",
        doc="Conductances [S] of the lowest and the highest weight of a weight card.",
    )
    data: Path | None = option(
        "--from-data",
        metavar="FILE",
        help="crosssim: tables straight from these pulse trains; hdf5: a table that goes into the file.",
        doc="Pulse trains from which a lookup table is made without a law (crosssim), or a table of any kind to store "
        "with the card (hdf5).",
    )
    source: Path | None = option(
        metavar="DIR",
        help="neurosim: your own copy of MLP+NeuroSim V3.0, for a patch of it.",
        doc="Your own copy of the program to patch (neurosim).",
    )


OPTIONS = options_of(TypedExport)
