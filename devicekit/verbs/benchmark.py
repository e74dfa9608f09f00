"""The verb benchmark: the accuracy that devices lose to ideal devices, on a small task that tells them apart."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import UsageError
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Columns, Fields, Title, paragraphs

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.system.kept import Kept
    from snn.benchmark.result import Benchmark
    from snn.data.dataset import Dataset


@dataclass(frozen=True)
class BenchmarkCard:
    """A card to benchmark.

    Attributes
    ----------
    card : DeviceCard
    source : Path
        Its file.
    allowed : sequence of DeviceCard
        Devices that its data also allow.
    """

    card: DeviceCard
    source: Path
    allowed: Sequence[DeviceCard] = ()


@dataclass(frozen=True, kw_only=True)
class BenchmarkRequest:
    """What to benchmark; the cards share one page.

    Parameters
    ----------
    cards : sequence of BenchmarkCard
    images : Dataset
    seeds, first_seed : int
        Pairs of trainings of each variant, and the first seed.
    attribution, wide, policy : bool
        Find the causes of a loss; train a wide network; use another pulse policy.
    settings : mapping
        Properties that a card does not hold.
    jobs : int
        Processes.
    out : Path, optional
        Folder of the results.
    """

    cards: Sequence[BenchmarkCard]
    images: Dataset
    seeds: int = 10
    first_seed: int = 0
    attribution: bool = True
    wide: bool = True
    policy: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1
    out: Path | None = None

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        names = [each.source.name for each in self.cards]
        asked = {"attribution": self.attribution, "wide": self.wide, "policy": self.policy}
        left_out = {f"no-{name}": True for name, value in asked.items() if not value}
        keywords = {"other_policy" if name == "policy" else name: False for name, value in asked.items() if not value}
        card = f"devicekit.load_card({names[0]!r})"
        python = [
            "import devicekit",
            "from snn.benchmark import benchmark",
            "from snn.benchmark.task import few_shot",
            "result = " + call("benchmark", card, 'few_shot("digits")', seeds=self.seeds, **keywords, **self.settings),
            "result.verdict",
        ]
        line = command("benchmark", names, {"seeds": self.seeds, **left_out, "set": self.settings, "out": "benchmark"})
        return Reproduction(line, "\n".join(python))


def allowed_cards(path: Path, kind: str) -> list[DeviceCard]:
    """Return the cards that `devicekit fit --resample` wrote beside a card, NAME_r001.json or NAME_p001.json, ...

    Parameters
    ----------
    path : Path
        The card.
    kind : {"resampled", "posterior"}

    Raises
    ------
    UsageError
        If there are none.
    """
    from devicekit.device.card import load_card

    suffix, letter = path.suffix or ".json", kind[0]
    found = sorted(path.parent.glob(f"{glob.escape(path.stem)}_{letter}[0-9][0-9][0-9]{suffix}"))
    if not found:
        draw = "--posterior --resample 12" if kind == "posterior" else "--resample 12"
        raise UsageError(
            f"no {path.stem}_{letter}001{suffix} beside {path}: write devices that the data also allow with "
            f"devicekit fit {draw}, or leave --allowed out"
        )
    return [load_card(each) for each in found]


def check_cards(cards: Sequence[BenchmarkCard], settings: Mapping[str, object]) -> list[BenchmarkCard]:
    """Return cards with names that tell them apart, before the first of them is trained.

    Raises
    ------
    DevicekitError
        If a card is given twice, or cannot be trained with these settings.
    """
    from devicekit.device.variation import read_sigma
    from snn.benchmark.task import setting
    from snn.recipe import choose

    config = setting("plain", 0, **settings)
    for each in cards:
        try:
            choose(config, each.card)
            read_sigma(each.card, config.read_noise_of_g)
        except UsageError as error:
            raise UsageError(f"{each.source}: {error.message}") from error
    paths = [each.source for each in cards]
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("A card is given twice. Give each once.")
    if len({each.card.name for each in cards}) == len(cards):
        return list(cards)
    apart = [path.stem for path in paths]
    apart = apart if len(set(apart)) == len(apart) else [str(path.with_suffix("")) for path in paths]
    return [
        replace(each, card=each.card.model_copy(update={"name": f"{each.card.name} ({words})"}))
        for words, each in zip(apart, cards, strict=True)
    ]


def run_benchmark(
    request: BenchmarkRequest, progress: Progress = SILENT, kept: Kept | None = None
) -> Outcome[list[Benchmark]]:
    """Benchmark cards against their ideal devices; what is found of each is shown at once.

    Parameters
    ----------
    request : BenchmarkRequest
    progress : Progress
    kept : Kept, optional
        Store of finished trainings.
    """
    from devicekit.system import writing
    from snn.benchmark import Plan, benchmark
    from snn.benchmark.report import benchmark_report

    results = []
    for each in request.cards:
        with progress.counting(f"benchmark of {each.card.name}", "trainings") as count:
            result = benchmark(
                each.card,
                request.images,
                Plan(
                    seeds=request.seeds,
                    first_seed=request.first_seed,
                    attribution=request.attribution,
                    wide=request.wide,
                    other_policy=request.policy,
                ),
                allowed=each.allowed,
                jobs=request.jobs,
                progress=count,
                kept=kept,
                **request.settings,
            )
        results.append(result)
        progress.show(_text(result))
    json = {"results": [each.as_dict() for each in results]}
    return Outcome(
        result=results,
        json=json["results"][0] if len(results) == 1 else json,
        page=lambda command: benchmark_report(results),
        files={"benchmark.json": lambda path: writing.write_json(path, json)},
        text=[] if request.out is None else [Fields([("report", str(request.out / REPORT))])],
        reproduction=request.reproduction(),
    )


def _text(result: Benchmark) -> list[Block]:
    from snn.benchmark.result import COSTS, ODDS

    words = (
        result.verdict,
        result.unknown_properties,
        result.policy_effect,
        result.wide_network,
        result.fit_uncertainty,
    )
    facts = [("steps per window", f"{result.steps:.3g}")]
    if result.scatter_over_step is not None:
        facts.append(("scatter of an update over a step", f"{result.scatter_over_step:.2g}"))
    facts.append(("flaws", ", ".join(result.flaws) or "none"))
    if result.forgetting:
        facts.append(("volatile part", result.forgetting))
    facts.append(("data", result.split))
    costs = [Columns((f"flaw ({name} learning rates)", *COSTS), result.costs(name)) for name in result.shares]
    return [
        Title(result.name),
        *paragraphs(each for each in words if each),
        Columns(ODDS, result.odds()),
        *costs,
        Fields(facts),
    ]
