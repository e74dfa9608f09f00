"""`devicekit benchmark`: a small task that tells devices apart, and the loss compared with an ideal device."""

from __future__ import annotations

import glob
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Force, Json, choice, print_json
from devicekit.cli.settings import parse_settings
from devicekit.cli.train import Data, DataDir, Label
from devicekit.core.errors import UsageError
from snn import choices

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from snn.benchmark.result import Benchmark


class Allowed(StrEnum):
    """Cards that the measured data also allow."""

    resampled = "resampled"
    posterior = "posterior"


def _print(result: Benchmark) -> None:
    from snn.benchmark.result import COSTS, ODDS

    terminal.title(result.name)
    shown = (
        result.verdict,
        result.unknown_properties,
        result.policy_effect,
        result.wide_network,
        result.fit_uncertainty,
    )
    for words in shown:
        if words:
            terminal.paragraph(words, 2)
    terminal.table(ODDS, result.odds())
    for variant in result.shares:
        terminal.table((f"flaw ({variant} learning rates)", *COSTS), result.costs(variant))
    facts = [("steps per window", f"{result.steps:.3g}")]
    if result.scatter_over_step is not None:
        facts.append(("scatter of an update over a step", f"{result.scatter_over_step:.2g}"))
    facts.append(("flaws", ", ".join(result.flaws) or "none"))
    if result.forgetting:
        facts.append(("volatile part", result.forgetting))
    facts.append(("data", result.split))
    terminal.fields(facts)


def _allowed(path: Path, kind: Allowed) -> list[DeviceCard]:
    """The cards that `devicekit fit --resample` wrote beside a card, NAME_r001.json or NAME_p001.json, ..."""
    from devicekit.device.card import load_card

    suffix, letter = path.suffix or ".json", kind.value[0]
    found = sorted(path.parent.glob(f"{glob.escape(path.stem)}_{letter}[0-9][0-9][0-9]{suffix}"))
    if not found:
        draw = "--posterior --resample 12" if kind is Allowed.posterior else "--resample 12"
        raise UsageError(
            f"no {path.stem}_{letter}001{suffix} beside {path}: write devices that the data also allow with "
            f"devicekit fit {draw}, or leave --allowed out"
        )
    return [load_card(each) for each in found]


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
) -> None:
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
    from devicekit.device.variation import read_sigma
    from devicekit.system import folders, writing
    from devicekit.system.kept import Kept, kept_beside
    from snn.benchmark import benchmark
    from snn.benchmark.report import benchmark_report
    from snn.benchmark.task import few_shot, setting, whole
    from snn.recipe import choose

    loaded = [(load_card(path), [] if allowed is None else _allowed(path, allowed)) for path in cards]
    images = (few_shot if task == "few-shot" else whole)(data, data_dir, label)
    changes: dict[str, Any] = dict(parse_settings(settings))
    config = setting("plain", 0, **changes)
    for path, (card, _) in zip(cards, loaded, strict=True):  # before the first of them is trained
        try:
            choose(config, card)
            read_sigma(card, config.read_noise_of_g)
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}") from error
    if len({path.resolve() for path in cards}) < len(cards):
        raise UsageError("A card is given twice. Give each once.")
    names = [card.name for card, _ in loaded]
    if len(set(names)) < len(names):  # tell them apart in tables and pictures
        apart = [path.stem for path in cards]
        apart = apart if len(set(apart)) == len(apart) else [str(path.with_suffix("")) for path in cards]
        loaded = [
            (card.model_copy(update={"name": f"{card.name} ({draw})"}), others)
            for draw, (card, others) in zip(apart, loaded, strict=True)
        ]

    def measure(kept: Kept) -> list[Benchmark]:
        results = []
        for card, others in loaded:
            with terminal.counting(f"benchmark of {card.name}", "trainings", json_output) as progress:
                results.append(
                    benchmark(
                        card,
                        images,
                        seeds=seeds,
                        first_seed=seed,
                        attribution=attribution,
                        wide=wide,
                        other_policy=policy,
                        allowed=others,
                        jobs=jobs,
                        progress=progress,
                        kept=kept,
                        **changes,
                    )
                )
            if not json_output:
                _print(results[-1])
        return results

    if out is None:
        results = measure(Kept(None))
    else:
        with kept_beside(out) as kept, folders.result_folder(out, "benchmark", force) as folder:
            results = measure(kept)
            benchmark_report(results).save(folder / "report.html")
            writing.write_json(folder / "benchmark.json", {"results": [each.as_dict() for each in results]})
        if not json_output:
            terminal.fields([("report", str(out / "report.html"))])
    if json_output:
        reports: list[dict[str, Any]] = [each.as_dict() for each in results]
        print_json(reports[0] if len(reports) == 1 else {"results": reports})
