"""`devicekit benchmark`: a task that tells devices apart, and what a device loses on it to its ideal twin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, Report, print_json
from devicekit.cli.settings import parse_settings
from devicekit.cli.train import Data, DataDir

if TYPE_CHECKING:
    from snn.benchmark.result import Benchmark


def _print(result: Benchmark) -> None:
    from snn.benchmark.result import COSTS, ODDS

    terminal.title(result.name)
    terminal.paragraph(result.verdict, 2)
    terminal.table(ODDS, result.odds())
    for variant in result.shares:
        terminal.table((f"what costs it ({variant} rates)", *COSTS), result.costs(variant))
    facts = [("steps a window", f"{result.steps:.3g}")]
    if result.scatter_over_step is not None:
        facts.append(("scatter of an update over a step", f"{result.scatter_over_step:.2g}"))
    facts.append(("flaws that it has here", ", ".join(result.flaws) or "none"))
    facts.append(("data", result.split))
    terminal.fields(facts)


def benchmark_command(
    cards: Annotated[list[Path], typer.Argument(metavar="CARD...", help="Device cards.")],
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Pairs of trainings of each variant.")] = 6,
    attribution: Annotated[
        bool, typer.Option("--attribution/--no-attribution", help="Whether to say what a loss comes from.")
    ] = True,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Processes; results are the same.")] = 1,
    data: Data = "digits",
    data_dir: DataDir = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="What the device has beside its card: stuck=0.2, device_levels=16."
        ),
    ] = None,
    report: Report = None,
    json_output: Json = False,
) -> None:
    """What a device loses to its ideal twin, with odds, and what costs it.

    A network of 50 hidden neurons learns 500 images: devices that differ by a point in a wide network differ by up to
    twenty here. The twin is linear and symmetric, without noise, with 32 to 100 steps a window.

    Examples:
        devicekit benchmark card.json --report benchmark.html
        devicekit benchmark a.json b.json --seeds 10 --jobs 2
        devicekit benchmark card.json --set stuck=0.2 --set stuck_at=ends
    """
    from devicekit.device.card import load_card
    from devicekit.files import check_writable
    from snn.benchmark import benchmark
    from snn.benchmark.report import benchmark_report
    from snn.benchmark.task import few_shot, setting

    if report is not None:
        check_writable(report)
    images = few_shot(data, data_dir)
    changes = parse_settings(settings)
    results = []
    for path in cards:
        card = load_card(path)
        with terminal.counting(f"benchmark of {card.name}", "trainings", json_output) as progress:
            results.append(
                benchmark(card, images, seeds=seeds, attribution=attribution, jobs=jobs, progress=progress, **changes)
            )
        if report is not None:
            page = report if len(cards) == 1 else report.with_name(f"{report.stem}_{card.name}{report.suffix}")
            benchmark_report(results[-1], card, setting("plain", 0, **changes)).save(page)
        if not json_output:
            _print(results[-1])
            if report is not None:
                terminal.fields([("report", str(page))])
    if json_output:
        reports: list[dict[str, Any]] = [each.as_dict() for each in results]
        print_json(reports[0] if len(reports) == 1 else {"results": reports})
