"""`devicekit train`: a spiking network trained on a card."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from devicekit.cli.common import Force, Json, Out, Seed, print_json


def epoch_progress(show: bool) -> Callable[[int, int, float], None] | None:
    """A progress bar on standard error, if that is a terminal."""
    if not show or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    bar = tqdm(total=1, unit="epoch", leave=False, file=sys.stderr)

    def update(epoch: int, epochs: int, test_accuracy: float) -> None:
        bar.total = epochs
        bar.set_postfix_str(f"test {test_accuracy:.2%}")
        bar.n = epoch
        bar.refresh()
        if epoch >= epochs:
            bar.close()

    return update


def summary_line(result: dict[str, Any]) -> str:
    data = result["data"]
    more = "".join(
        f", {result[name]:.2%} {words}"
        for name, words in (
            ("accuracy_after_mapping", "after mapping"),
            ("accuracy_programmed", "programmed into devices"),
        )
        if result.get(name) is not None
    )
    return (
        f"{result['scheme']}: test accuracy {result['accuracy_mean_last']:.2%} (mean of the last "
        f"{min(3, len(result['epochs']))} epochs, sd "
        f"{result['accuracy_std_last']:.2%}){more} on {data['name']}, {data['split']}; "
        f"{result['pulses_per_device']:.3g} pulses per device, {result['seconds_per_epoch']:.2g} s per epoch"
    )


def train_command(
    card: Annotated[Path, typer.Option("--card", metavar="CARD.json", help="The device card.")],
    scheme: Annotated[str, typer.Option("--scheme", help="offline, insitu or hybrid.")] = "insitu",
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training part.")] = 15,
    data: Annotated[
        str, typer.Option("--data", help="digits (ships with scikit-learn) or optdigits.")
    ] = "digits",
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder with optdigits.tra and optdigits.tes; fetched if not given."),
    ] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="paper (sparse spikes) or dense.")] = "paper",
    schedule: Annotated[
        str, typer.Option("--schedule", help="growth (of the threshold) or constant.")
    ] = "growth",
    mapping: Annotated[str, typer.Option("--mapping", help="pair (differential) or reference.")] = "pair",
    read_noise: Annotated[
        bool, typer.Option("--read-noise", help="Add the card's read noise at every reading.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Train a 64-1000-10 spiking network on the card's devices and report accuracy per epoch.

    Example: devicekit train --card card.json --data optdigits --data-dir optdigits/ --epochs 15
    """
    from devicekit.card import load_card
    from devicekit.files import result_folder, write_json
    from devicekit.report import Report
    from devicekit.report.sections import provenance_section, training_section, warnings_section
    from snn import digits
    from snn.training import TrainingConfig, train

    loaded = load_card(card)
    config = TrainingConfig(
        scheme=scheme, epochs=epochs, seed=seed, encoding=encoding, schedule=schedule, mapping=mapping,  # type: ignore[arg-type]
        read_noise=read_noise,
    )  # fmt: skip
    samples = digits.load(data, data_dir)
    result = train(loaded, config, samples, progress=epoch_progress(not json_output)).as_dict()
    if out is not None:
        command = shlex.join(["devicekit", *sys.argv[1:]])
        with result_folder(out, "train", force) as folder:
            write_json(folder / "metrics.json", result)
            sections = [
                training_section(result, loaded),
                warnings_section([row.flag() for row in loaded.flags]),
                provenance_section(loaded, command, seed),
            ]
            title = f"Training on {loaded.name}"
            Report(title, [summary_line(result)], sections, loaded.provenance.synthetic).save(
                folder / "report.html"
            )
    if json_output:
        print_json(result)
        return
    typer.echo(summary_line(result))
    if out is not None:
        typer.echo(f"written to {out}")
