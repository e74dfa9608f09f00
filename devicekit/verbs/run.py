"""The verb run: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.declarations import document, option
from devicekit.core.errors import TraceError
from devicekit.core.text import count, span, width_suffix
from devicekit.fitting.branch.options import FitOptions
from devicekit.models import law_names
from devicekit.system import catalog
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Paragraph, Warnings, marks_title
from devicekit.verbs.train import train_once

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.fitting.result import DeviceFit
    from devicekit.system.kept import Kept
    from devicekit.verbs.run_page import Chain
    from snn.benchmark.result import Benchmark


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Request for a whole run."""

    file: Path | None = option(
        argument=True, metavar="[FILE]", help="File or folder of pulse trains; the shipped example if not given."
    )
    out: Path = shared.out_folder(default=Path("devicekit-run"))
    model: str = option(default=FitOptions.model, metavar="LAW", choices=law_names, help="Update law")
    epochs: int = shared.epochs()
    data: str = shared.data()
    data_dir: Path | None = shared.data_dir()
    benchmark: bool = option(default=True, help="Also run a short benchmark: accuracy lost, and to which flaw.")
    seeds: int = shared.trainings()
    draws: int = option(
        default=40,
        metavar="N",
        least=0,
        help="Resampled devices or fits, for the loss of devices of this kind; 0 for none.",
    )
    show: str = shared.show()
    seed: int = shared.seed()
    reading: ReadOptions = field(default_factory=ReadOptions)


document(RunRequest)


def run_all(request: RunRequest, progress: Progress = SILENT, kept: Kept | None = None) -> Outcome[Chain]:
    """Read, fit, make the card, train a network in situ, benchmark it, and simulate the set I-V of the default stack.

    Raises DevicekitError if the file cannot be read or fitted, or has not both branches.

    Parameters
    ----------
    request : RunRequest
    progress : Progress
    kept : Kept, optional
        Store of finished parts.
    """
    from devicekit.fitting.device import fit, read_pulses
    from devicekit.system.writing import write_results
    from devicekit.verbs.beside import CompilingBeside
    from devicekit.verbs.run_page import Chain, run_report, run_summary
    from physics.iv import simulate_iv
    from snn.config import TrainingConfig
    from snn.data.load import load

    example = catalog.get(catalog.EXAMPLE) if request.file is None else None
    path = example.data if example else request.file
    assert path is not None
    synthetic = bool(example and example.synthetic)
    name = example.name if example else path.stem
    with CompilingBeside() as beside:
        table = read_pulses(path, request.reading)
        with progress.doing(f"fitting {count(len(table), 'reading')}"):
            found = fit(table, request.model)
        if found.ltp is None or found.ltd is None:
            raise TraceError(
                f"{path} has only {' '.join(found.branches).upper()} trains; training needs LTP and LTD "
                "(devicekit fit fits one)"
            )
        cards = _cards(found, path, name, synthetic)
        card = cards["card.json"]
        config = TrainingConfig(scheme="insitu", epochs=request.epochs, seed=request.seed)
        samples = load(request.data, request.data_dir)
        with progress.doing("compiling"):
            beside.wait("training")
        training = train_once(card, config, samples, progress, kept, "training in situ")
        short = None
        if request.benchmark:
            short = _benchmark(found, card, request, progress, kept)
        with progress.doing("simulating the set I-V of the default stack"):
            beside.wait("filament")
            simulated = simulate_iv(solver="banded")
    chain = Chain(found, card, training, short, simulated)
    marks = card.provenance.marks  # also those that the file itself has
    title = f"{name}: from traces to a trained network"
    words = run_summary(found, path.name, training, short)
    fitted = found.as_dict()
    fitted.pop("devices", None)  # each device's own fit is in card.json
    metrics = {
        "name": name,
        "synthetic": card.provenance.synthetic,
        "marks": list(marks),
        "seed": request.seed,
        "fit": fitted,
        "train": training.as_dict(),
        "benchmark": None if short is None else short.as_dict(),
        "set_iv": simulated.summary(),
    }
    text = _text(path, chain)
    if example and not marks:
        text.insert(0, Paragraph(f"Measured, shipped with devicekit ({example.licence}): {example.title}.", 0))
    return Outcome(
        result=chain,
        json={"summary": words, **metrics},
        page=lambda command: replace(
            run_report(title, path.name, chain, command, request.seed), resistance=request.show == "ohm"
        ),
        files={
            "table.csv": table.to_csv,
            **{file: each.save for file, each in cards.items()},
            "metrics.json": lambda file: write_results(file, metrics),
        },
        text=text,
        cards=tuple(cards),
    )


def _cards(fit: DeviceFit, file: Path, name: str, synthetic: bool) -> dict[str, DeviceCard]:
    """Return card.json (the middle width's where there are several) and the others, named by width."""
    cards = {"card.json": fit.to_card(name, file, synthetic)}
    for condition in fit.conditions:
        if condition.ltp is not fit.ltp:
            suffix = width_suffix(condition.table.widths[0])
            cards[f"card_{suffix}.json"] = condition.to_card(f"{name}_{suffix}", file, synthetic)
    return cards


def _benchmark(
    fit: DeviceFit, card: DeviceCard, request: RunRequest, progress: Progress, kept: Kept | None
) -> Benchmark:
    """Run a short benchmark without attribution; fits of few data are resampled, other cards draw their devices."""
    from devicekit.fitting.resampling import reason_to_resample, resampled_cards
    from snn.benchmark import Plan, benchmark
    from snn.benchmark.task import few_shot

    images, draws = few_shot(request.data, request.data_dir), request.draws
    allowed = resampled_cards(fit, draws, "open", request.seed) if draws and reason_to_resample(fit) else []
    with progress.counting("benchmark", "trainings") as count:
        return benchmark(
            card,
            images,
            Plan(seeds=request.seeds, attribution=False, wide=False, other_policy=False, resampled=draws),
            allowed=allowed,
            progress=count,
            kept=kept,
        )


def _text(path: Path, chain: Chain) -> list[Block]:
    """Return the lines of a run that decide; the page has the others."""
    from devicekit.fitting.report import fit_sentence, scatter_sentence, source_text
    from snn.report import accuracy_words

    fit, short, window = chain.fit, chain.benchmark, chain.fit.window
    unit = "S" if window.quantity == "conductance_s" else ""
    rows = [("trained in situ", accuracy_words(chain.training))]
    rows += [("verdict", "the loss to an ideal device was not measured" if short is None else short.answer)]
    rows += [] if short is None else [("why", short.cause), ("error", short.trainings)]
    rows += [
        ("measured", source_text(fit, path.name)),
        ("window", f"{span(window.low, window.high, unit)} ({window.scope})"),
        ("law", fit_sentence(fit)),
        ("scatter", scatter_sentence(fit)),
    ]
    return [Warnings(chain.card.warnings), *marks_title(chain.card.provenance.marks), Fields(rows)]
