"""The verb run: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.declarations import document, option
from devicekit.core.errors import TraceError
from devicekit.core.text import count, width_suffix
from devicekit.features.definitions import definition
from devicekit.fitting.branch.options import FitOptions
from devicekit.models import law_names
from devicekit.system import catalog
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared
from devicekit.verbs.fit import fit_text
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Paragraph, Title, Warnings, marks_title
from devicekit.verbs.train import train_once, training_text

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.fitting.result import DeviceFit
    from devicekit.system.kept import Kept
    from devicekit.verbs.run_page import Chain
    from snn.benchmark.result import Benchmark

PAIRS = 3  # of the short benchmark: about two seconds


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
    draws: int = option(
        default=12,
        metavar="N",
        least=0,
        help="For few cycles: devices that the data also allow, for the benchmark; 0 for none.",
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
    text = _text(path, chain, words)
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
    """Run a short benchmark: few pairs, no attribution; where few data leave much open, on other devices as well."""
    from devicekit.fitting.resampling import reason_to_resample, resampled_cards
    from snn.benchmark import Plan, benchmark
    from snn.benchmark.task import few_shot

    images, draws = few_shot(request.data, request.data_dir), request.draws
    allowed = resampled_cards(fit, draws, "open", request.seed) if draws and reason_to_resample(fit) else []
    with progress.counting("benchmark", "trainings") as count:
        return benchmark(
            card,
            images,
            # where few data leave much open, the allowed devices say so
            Plan(seeds=PAIRS, attribution=False, wide=False, other_policy=False, fit_error=False),
            allowed=allowed,
            progress=count,
            kept=kept,
        )


def _text(path: Path, chain: Chain, words: list[str]) -> list[Block]:
    """Return a run for people: the answer, then the numbers."""
    iv = chain.simulated
    text: list[Block] = [Warnings(chain.card.warnings), *marks_title(chain.card.provenance.marks)]
    text += [Paragraph(sentence, 0) for sentence in words[:2]]
    text += [Paragraph("", 0), *fit_text(path.name, chain.fit), *training_text(chain.training)]
    if iv.v_set_v is not None:
        by = definition(iv.v_set_method, iv.read_voltage_v)
        values = f"V_set {iv.v_set_v:.3f} V (by {by}), conductance of LRS over HRS {iv.on_off:.3g}"
        text += [Title("default stack, simulated (not this device)"), Fields([("set I-V", values)])]
    return text
