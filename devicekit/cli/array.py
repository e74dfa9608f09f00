"""`devicekit array`: what an array of a card's devices needs to hold a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Force, Json
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.cli.train import Data, DataDir, Label


def array_command(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="Device card.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for report.html and array.json.")
    ] = None,
    wire_ohm: Annotated[
        list[float] | None,
        typer.Option(
            "--wire-ohm",
            metavar="OHM",
            help="Line resistance from one device to the next; may be repeated. Default: 0.1, 1 and 10.",
        ),
    ] = None,
    read_s: Annotated[float, typer.Option("--read-s", metavar="S", help="Duration of a read [s].")] = 1e-6,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Number of trainings.")] = 3,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", min=1, help="Epochs of each training.")] = 8,
    hidden: Annotated[int, typer.Option("--hidden", metavar="N", min=1, help="Hidden neurons.")] = 1000,
    data: Data = "digits",
    data_dir: DataDir = None,
    label: Label = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Find the tile size, converter bits and tolerance an array needs, its lifetime, and the energy of an inference.

    Each limit allows a loss of one point of accuracy by that flaw alone. The time to retrain needs a card with
    retention, the trainings until wear-out one with endurance (devicekit card add); otherwise they are unknown.

    Examples:
        devicekit array card.json --out array
        devicekit array card.json --wire-ohm 2.5 --read-s 1e-7 --data optdigits --seeds 1
    """
    from devicekit.device.card import load_card
    from devicekit.system.kept import kept_beside
    from devicekit.verbs.array import ArrayRequest, run_array
    from snn.array.measure import OHMS, Plan
    from snn.data.load import load

    request = ArrayRequest(
        card=load_card(card),
        source=card.name,
        images=load(data, data_dir, label),
        plan=Plan(seeds, epochs, hidden, tuple(wire_ohm or OHMS), read_s),
        out=out,
    )
    progress = TerminalProgress(json_output)
    with kept_beside(out) as kept:
        return conclude(lambda: run_array(request, progress, kept), out, "array", force, json_output)
