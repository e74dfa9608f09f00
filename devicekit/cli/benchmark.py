"""`devicekit benchmark`: a small task that tells devices apart, and the loss compared with an ideal device."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from devicekit.cli.common import Force, Json, choice
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.cli.settings import parse_settings
from devicekit.cli.train import Data, DataDir, Label
from snn import choices


class Allowed(StrEnum):
    """Cards that the measured data also allow."""

    resampled = "resampled"
    posterior = "posterior"


def benchmark_command(
    cards: Annotated[list[Path], typer.Argument(metavar="CARD...", help="Device cards.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for report.html and benchmark.json.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Pairs of trainings of each variant.")] = 10,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="First seed of the pairs; the next ones follow.")
    ] = 0,
    attribution: Annotated[
        bool, typer.Option("--attribution/--no-attribution", help="Find what a loss comes from.")
    ] = True,
    wide: Annotated[
        bool, typer.Option("--wide/--no-wide", help="Also train 1000 hidden neurons: a wide network hides flaws.")
    ] = True,
    policy: Annotated[
        bool,
        typer.Option(
            "--policy/--no-policy", help="Also use another pulse policy, to separate the rule from the device."
        ),
    ] = True,
    allowed: Annotated[
        Allowed | None,
        typer.Option(
            "--allowed",
            metavar="WHICH",
            help="Also benchmark the cards that fit --resample N wrote beside each card: the uncertainty of the fit.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, help="Processes; they do not change the results.")
    ] = 1,
    data: Data = "digits",
    data_dir: DataDir = None,
    label: Label = None,
    task: Annotated[
        str, choice("--task", get_args(choices.BenchmarkTask), "Train on 500 samples, or on all")
    ] = "few-shot",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Properties that the card does not hold, such as stuck=0.2 or device_levels=16.",
        ),
    ] = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Measure the accuracy that a device loses to an ideal device, and which flaw costs it.

    50 hidden neurons learn 500 images: devices that differ by one point in a wide network differ by up to twenty
    here. The ideal device is linear, symmetric and without noise, with 32 to 100 pulses from lowest to highest state.
    Several cards share one figure. After an interruption with --out, the same command continues.

    Examples:
        devicekit benchmark card.json --out benchmark
        devicekit benchmark a.json b.json --out both --data mnist --task whole --seeds 3
        devicekit benchmark card.json --allowed resampled --set stuck=0.2 --set stuck_at=ends
    """
    from devicekit.device.card import load_card
    from devicekit.system.kept import kept_beside
    from devicekit.verbs.benchmark import BenchmarkCard, BenchmarkRequest, allowed_cards, check_cards, run_benchmark
    from snn.benchmark.task import few_shot, whole

    loaded = [
        BenchmarkCard(load_card(path), path, [] if allowed is None else allowed_cards(path, allowed)) for path in cards
    ]
    images = (few_shot if task == "few-shot" else whole)(data, data_dir, label)
    changes = parse_settings(settings)
    request = BenchmarkRequest(
        cards=check_cards(loaded, changes),
        images=images,
        seeds=seeds,
        first_seed=seed,
        attribution=attribution,
        wide=wide,
        policy=policy,
        settings=changes,
        jobs=jobs,
        out=out,
    )
    progress = TerminalProgress(json_output)
    with kept_beside(out) as kept:
        return conclude(lambda: run_benchmark(request, progress, kept), out, "benchmark", force, json_output)
