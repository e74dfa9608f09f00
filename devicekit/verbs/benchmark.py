"""The verb benchmark: the accuracy that devices lose to ideal devices, on a small task that tells them apart."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from devicekit.core.declarations import document, option
from devicekit.core.errors import UsageError
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Columns, Fields, Title, marks_title, paragraphs, report_field
from devicekit.verbs.train import Scalar
from snn import choices

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.system.kept import Kept
    from snn.benchmark.result import Benchmark


class Allowed(StrEnum):
    """Cards that the measured data also allow."""

    resampled = "resampled"
    posterior = "posterior"


@dataclass(frozen=True, kw_only=True)
class BenchmarkRequest:
    """Request for a benchmark; its cards share one page."""

    cards: tuple[Path, ...] = shared.cards()
    out: Path | None = shared.out_folder("Folder for report.html and benchmark.json.")
    seeds: int = shared.trainings()
    seed: int = shared.seed("First seed of the trainings; the next ones follow.")
    attribution: bool = option(default=True, help="Find what a loss comes from.")
    wide: bool = option(default=True, help="Also train 1000 hidden neurons: a wide network hides flaws.")
    policy: bool = option(default=True, help="Also use another pulse policy, to separate the rule from the device.")
    allowed: Allowed | None = option(
        metavar="WHICH",
        typed=Allowed | None,
        help="Also benchmark the cards that fit --resample N wrote beside each card: the uncertainty of the fit.",
    )
    jobs: int = shared.jobs("Processes; they do not change the results.")
    data: str = shared.data()
    data_dir: Path | None = shared.data_dir()
    label: str | None = shared.label()
    task: str = option(
        default="few-shot", choices=get_args(choices.BenchmarkTask), help="Train on 500 samples, or on all"
    )
    settings: Mapping[str, Scalar] = shared.settings(
        "Properties that the card does not hold, such as stuck=0.2 or device_levels=16."
    )

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        names = [each.name for each in self.cards]
        asked = {"attribution": self.attribution, "wide": self.wide, "policy": self.policy}
        left_out = {f"no-{name}": True for name, value in asked.items() if not value}
        keywords = {"other_policy" if name == "policy" else name: False for name, value in asked.items() if not value}
        data = [repr(self.data)] if self.data != "digits" else []
        options = {"seeds": self.seeds, **keywords, **self.settings}
        python = [
            "import devicekit",
            "result = " + call("devicekit.benchmark", repr(names[0]), *data, **options),
            "print(result)",
        ]
        line = command("benchmark", names, {"seeds": self.seeds, **left_out, "set": self.settings, "out": "benchmark"})
        return Reproduction(line, "\n".join(python))


document(BenchmarkRequest)


def _allowed_cards(path: Path, kind: Allowed) -> list[DeviceCard]:
    """Return the cards that `devicekit fit --resample` wrote beside a card, NAME_r001.json or NAME_p001.json, ..."""
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


def _check_cards(cards: Mapping[Path, DeviceCard], settings: Mapping[str, Scalar]) -> None:
    """Refuse cards that cannot be trained with these settings, before the first of them is trained."""
    from devicekit.device.variation import read_sigma
    from snn.benchmark.task import setting
    from snn.recipe import choose

    config = setting("plain", 0, **settings)
    for path, card in cards.items():
        try:
            choose(config, card)
            read_sigma(card, config.read_noise_of_g)
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}") from error


def _apart(cards: Mapping[Path, DeviceCard]) -> list[DeviceCard]:
    """Return the cards with names that tell them apart in tables and pictures."""
    if len({card.name for card in cards.values()}) == len(cards):
        return list(cards.values())
    words = [path.stem for path in cards]
    words = words if len(set(words)) == len(words) else [str(path.with_suffix("")) for path in cards]
    named = zip(words, cards.values(), strict=True)
    return [card.model_copy(update={"name": f"{card.name} ({word})"}) for word, card in named]


def run_benchmark(
    request: BenchmarkRequest, progress: Progress = SILENT, kept: Kept | None = None
) -> Outcome[list[Benchmark]]:
    """Benchmark cards against their ideal devices; what is found of each is shown at once.

    Raises DevicekitError if a card is given twice, or cannot be trained with these settings.

    Parameters
    ----------
    request : BenchmarkRequest
    progress : Progress
    kept : Kept, optional
        Store of finished trainings.
    """
    from devicekit.device.card import load_card
    from devicekit.system import writing
    from snn.benchmark import Plan, benchmark
    from snn.benchmark.report import benchmark_report
    from snn.benchmark.task import few_shot, whole

    paths = request.cards
    cards = {path: load_card(path) for path in paths}
    others = [[] if request.allowed is None else _allowed_cards(path, request.allowed) for path in paths]
    load = few_shot if request.task == "few-shot" else whole
    images = load(request.data, request.data_dir, request.label)
    _check_cards(cards, request.settings)
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("A card is given twice. Give each once.")
    results = []
    for card, allowed in zip(_apart(cards), others, strict=True):
        with progress.counting(f"benchmark of {card.name}", "trainings") as count:
            result = benchmark(
                card,
                images,
                Plan(
                    seeds=request.seeds,
                    first_seed=request.seed,
                    attribution=request.attribution,
                    wide=request.wide,
                    other_policy=request.policy,
                ),
                allowed=allowed,
                jobs=request.jobs,
                progress=count,
                kept=kept,
                **request.settings,  # type: ignore[arg-type]
            )
        results.append(result)
        progress.show(_text(result))
    json = {"results": [each.as_dict() for each in results]}
    return Outcome(
        result=results,
        json=json["results"][0] if len(results) == 1 else json,
        page=lambda command: benchmark_report(results),
        files={"benchmark.json": lambda path: writing.write_results(path, json)},
        text=report_field(request.out),
        reproduction=request.reproduction(),
    )


def _text(result: Benchmark) -> list[Block]:
    from snn.benchmark.result import COSTS, ODDS
    from snn.benchmark.risks import RISKS, risks
    from snn.benchmark.task import NETWORKS

    words = (result.verdict, result.unknown_properties, result.policy_effect, result.fit_uncertainty)
    facts = [("steps per window", f"{result.steps:.3g}")]
    if result.scatter_over_step is not None:
        facts.append(("sd of one update, in steps", f"{result.scatter_over_step:.2g}"))
    if result.forgetting:
        facts.append(("volatile part", result.forgetting))
    facts.append(("data", result.split))
    costs = [
        Columns((f"cause ({NETWORKS[name]})", *COSTS), [each.cells() for each in shares])  # type: ignore[index]
        for name, shares in result.shares.items()
    ]
    dangers = risks(result)
    return [
        *marks_title(result.marks),
        Title(result.name),
        *paragraphs(each for each in words if each),
        Columns(ODDS, result.odds()),
        *([Columns(RISKS, dangers)] if dangers else []),
        *costs,
        Fields(facts),
    ]
