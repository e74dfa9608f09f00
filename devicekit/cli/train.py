"""`devicekit train`: a spiking network trained on a card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, Out, Seed, one_of, print_json, this_command

Epochs = Annotated[int, typer.Option("--epochs", metavar="N", min=1, help="Passes over the training part.")]
Data = Annotated[
    str,
    typer.Option(
        "--data", metavar="NAME", help="digits (ships with scikit-learn) or optdigits.",
        autocompletion=one_of("digits", "optdigits"),
    ),
]  # fmt: skip
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="Folder with optdigits.tra and optdigits.tes; fetched if not given."
    ),
]


def print_training(result: dict[str, Any]) -> None:
    """A training run for people."""
    from devicekit.report.summary import SCHEMES, standard_error
    from devicekit.text import count, percent, si

    data, value = result["data"], result["accuracy_mean_last"]
    last = count(min(3, len(result["epochs"])), "epoch")
    error = percent(standard_error(value, data["n_test"]))
    terminal.title(f"spiking network, {SCHEMES[result['scheme']]}")
    rows = [("test accuracy", f"{percent(value)} ± {error} (mean of the last {last}, sd "
             f"{percent(result['accuracy_std_last'])}; ± by {data['n_test']} test samples)")]  # fmt: skip
    if result.get("accuracy_programmed") is not None:
        rows.append(
            ("programmed", f"{percent(result['accuracy_programmed'])} once the weights are in devices")
        )
    if result.get("accuracy_after_mapping") is not None:
        rows.append(("after mapping", f"{percent(result['accuracy_after_mapping'])} before the first pulse"))
    rows += [
        ("data", f"{data['name']}: {data['split']}"),
        ("pulses per device", f"{result['pulses_per_device']:.3g}"),
        ("time per epoch", si(result["seconds_per_epoch"], "s", 2)),
    ]
    terminal.fields(rows)


def train_command(
    card: Annotated[Path, typer.Option("--card", metavar="CARD.json", help="The device card.")],
    scheme: Annotated[
        str,
        typer.Option(
            "--scheme",
            metavar="NAME",
            help="offline, insitu or hybrid.",
            autocompletion=one_of("offline", "insitu", "hybrid"),
        ),
    ] = "insitu",
    epochs: Epochs = 15,
    data: Data = "digits",
    data_dir: DataDir = None,
    encoding: Annotated[
        str,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="paper (sparse spikes) or dense.",
            autocompletion=one_of("paper", "dense"),
        ),
    ] = "paper",
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule",
            metavar="NAME",
            help="growth (of the threshold) or constant.",
            autocompletion=one_of("growth", "constant"),
        ),
    ] = "growth",
    mapping: Annotated[
        str,
        typer.Option(
            "--mapping",
            metavar="NAME",
            help="pair (differential) or reference.",
            autocompletion=one_of("pair", "reference"),
        ),
    ] = "pair",
    read_noise: Annotated[
        bool, typer.Option("--read-noise", help="Add the card's read noise at every reading.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Train a spiking network on the devices of a card.

    The network is 64-1000-10; --out DIR receives metrics.json and report.html.

    Examples:
        devicekit train --card card.json --epochs 15
        devicekit train --card card.json --scheme hybrid --out hybrid
        devicekit train --card card.json --data optdigits --data-dir optdigits/
    """
    from devicekit.card import load_card
    from devicekit.files import result_folder, write_json
    from devicekit.report import Report, summary
    from devicekit.report.sections import provenance_section, training_section, warnings_section
    from snn import digits
    from snn.training import TrainingConfig, train

    loaded = load_card(card)
    config = TrainingConfig(
        scheme=scheme, epochs=epochs, seed=seed, encoding=encoding, schedule=schedule, mapping=mapping,  # type: ignore[arg-type]
        read_noise=read_noise,
    )  # fmt: skip
    samples = digits.load(data, data_dir)
    with terminal.counting("training", "epochs", json_output) as progress:
        result = train(loaded, config, samples, lambda done, total, _: progress(done, total)).as_dict()
    if out is not None:
        with result_folder(out, "train", force) as folder:
            write_json(folder / "metrics.json", result)
            sections = [
                training_section(result, loaded),
                warnings_section([row.flag() for row in loaded.flags]),
                provenance_section(loaded, this_command(), seed),
            ]
            title = f"Training on {loaded.name}"
            page = Report(
                title, summary.training_summary(result, loaded), sections, loaded.provenance.synthetic,
                summary.training_facts(result),
            )  # fmt: skip
            page.save(folder / "report.html")
    if json_output:
        print_json(result)
        return
    print_training(result)
    if out is not None:
        terminal.fields([("report", str(out / "report.html"))])
