"""`devicekit train`: a spiking network trained on a card."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, get_args

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, Out, Seed, choice
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.cli.settings import parse_settings
from devicekit.core.text import count
from snn import choices

Epochs = Annotated[int, typer.Option("--epochs", metavar="N", min=1, help="Passes over the training part.")]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DATA",
        help="digits (ships with scikit-learn), optdigits, mnist, fashion-mnist, openml:NAME, a .npz or .csv file, or "
        "a folder of idx files or of train.csv and test.csv.",
    ),
]
Label = Annotated[
    str | None, typer.Option("--label", metavar="COLUMN", help="Column of a .csv that holds the classes.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder with the files of optdigits, mnist, fashion-mnist; fetched if not given.",
    ),
]


def _one_card(path: Path) -> Path:
    """Return the card, or the middle one of several pulse widths, with a message that names it."""
    from devicekit.device.card import cards_of_widths

    found = [] if os.path.exists(path) else cards_of_widths(path)
    if not found:
        return path
    middle = found[len(found) // 2]
    names = ", ".join(each.name for each in found)
    terminal.warning(f"{path.name} is a fit of {count(len(found), 'pulse width')} ({names}): {middle.name} is used")
    return middle


def train_command(
    card: Annotated[Path, typer.Option("--card", metavar="CARD.json", help="The device card.")],
    scheme: Annotated[
        str,
        choice("--scheme", get_args(choices.Scheme), "Training scheme"),
    ] = "insitu",
    epochs: Epochs = 20,
    data: Data = "digits",
    data_dir: DataDir = None,
    label: Label = None,
    beside: Annotated[
        bool,
        typer.Option("--beside/--no-beside", help="Also train ordinary classifiers on the same split, to compare."),
    ] = True,
    encoding: Annotated[
        str,
        choice("--encoding", get_args(choices.Encoding), "Sparse spikes as in the paper, or dense ones"),
    ] = "paper",
    schedule: Annotated[
        str | None,
        choice(
            "--schedule",
            get_args(choices.Schedule),
            "Pulse threshold over the epochs; growing if not given",
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        choice(
            "--mapping",
            get_args(choices.Mapping),
            "Weights as pairs of devices (default) or against a reference",
        ),
    ] = None,
    read_noise: Annotated[
        bool, typer.Option("--read-noise", help="Add the card's read noise at every reading.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, such as margin=3 or c2c=none (TrainingConfig, or preset=paper); may be repeated.",
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Train a spiking network on the devices of a card.

    The network is 64-1000-10; --out DIR receives metrics.json, report.html and network.npz, the
    trained devices one by one, which devicekit export takes.

    Examples:
        devicekit train --card card.json --scheme hybrid --out hybrid
        devicekit train --card card.json --data optdigits --data-dir optdigits/
        devicekit train --card card.json --set margin=3 --set stuck=0.02
    """
    from devicekit.device.card import load_card
    from devicekit.verbs.train import TrainRequest, run_training, training_config
    from snn.data.load import load

    loaded = load_card(_one_card(card))
    named = {"schedule": schedule, "mapping": mapping, "read_noise": read_noise or None}
    given = {name: value for name, value in named.items() if value is not None}
    words = {"scheme": scheme, "epochs": epochs, "encoding": encoding, **given, **parse_settings(settings)}
    request = TrainRequest(
        card=loaded,
        config=training_config(words, seed),
        samples=load(data, data_dir, label),
        beside=beside,
        out=out,
        source=card.name,
        data=data,
    )
    progress = TerminalProgress(json_output)
    return conclude(lambda: run_training(request, progress), out, "train", force, json_output)
