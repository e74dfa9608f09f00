"""`devicekit train`: a spiking network trained on a card."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, Out, Seed, choice, print_json, print_warnings, this_command
from devicekit.cli.settings import parse_settings
from devicekit.core.text import count
from snn import choices

if TYPE_CHECKING:
    from snn.baselines import Baseline
    from snn.training import TrainingResult

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


def print_training(result: TrainingResult) -> None:
    """A training run for people."""
    from devicekit.core.text import percent, si
    from snn.report import SCHEMES

    data = result.data
    terminal.title(f"spiking network, {SCHEMES[result.scheme]}")
    spread = f", sd {percent(result.accuracy_std_last)}" if len(result.epochs) > 1 else ""
    basis = f"{result.basis}{spread}"
    reached = f"{percent(result.accuracy_mean_last)} ± {percent(result.standard_error)}"
    rows = [("test accuracy", f"{reached} ({basis}; ± by {data.n_test} test samples)")]
    if result.accuracy_programmed is not None:
        rows.append(("programmed", f"{percent(result.accuracy_programmed)} once the weights are in devices"))
    if result.accuracy_after_mapping is not None:
        rows.append(("after mapping", f"{percent(result.accuracy_after_mapping)} before the first pulse"))
    rows += [
        ("data", f"{data.name}: {data.split}"),
        ("pulses per device", f"{result.pulses_per_device:.3g}"),
        *([("programming", result.programming.words)] if result.programming is not None else []),
        *([("volatile part", result.forgetting)] if result.forgetting else []),
        ("time per epoch", si(result.seconds_per_epoch, "s", 2)),
    ]
    terminal.fields(rows)


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
) -> None:
    """Train a spiking network on the devices of a card.

    The network is 64-1000-10; --out DIR receives metrics.json, report.html and network.npz, the
    trained devices one by one, which devicekit export takes.

    Examples:
        devicekit train --card card.json --scheme hybrid --out hybrid
        devicekit train --card card.json --data optdigits --data-dir optdigits/
        devicekit train --card card.json --set margin=3 --set stuck=0.02
    """
    from devicekit.device.card import load_card
    from devicekit.device.network import NETWORK
    from devicekit.studies.task_settings import training_config
    from devicekit.system.folders import result_folder
    from devicekit.system.writing import write_json
    from snn.baselines import reference_classifiers
    from snn.data.load import load
    from snn.report import train_page
    from snn.training import train

    loaded = load_card(_one_card(card))
    named = {"schedule": schedule, "mapping": mapping, "read_noise": read_noise or None}
    given = {name: value for name, value in named.items() if value is not None}
    base: dict[str, str | int | float | bool] = {"scheme": scheme, "epochs": epochs, "encoding": encoding}
    config = training_config({**base, **given, **parse_settings(settings)}, seed)
    samples = load(data, data_dir, label)
    with ExitStack() as held:  # a folder that must be kept is refused before the work
        folder = None if out is None else held.enter_context(result_folder(out, "train", force))
        with terminal.counting("training", "samples", json_output) as progress:
            result = train(loaded, config, samples, lambda done, total, _: progress(done, total))
        others: tuple[Baseline, ...] = ()
        if beside:
            with terminal.doing("training ordinary classifiers", json_output):
                others = reference_classifiers(samples, config)
        metrics = {**result.as_dict(), "beside": [each.as_dict() for each in others]}
        if folder is not None:
            write_json(folder / "metrics.json", metrics)
            page = train_page(result, loaded, others, this_command(), seed)
            page.save(folder / "report.html")
            if result.network is not None:
                result.network.save(folder / NETWORK)
    if json_output:
        print_json(metrics)
        return
    print_training(result)
    print_warnings(result.warnings)
    if others:
        terminal.fields([("beside it", "; ".join(each.words for each in others))])
    if out is None:
        terminal.fields([("kept", "nothing; --out DIR keeps metrics, a report and the trained devices")])
        return
    terminal.fields([("report", str(out / "report.html"))])
    if result.network is not None:
        terminal.fields([("network", f"{out / NETWORK}, the trained devices: for devicekit export")])
