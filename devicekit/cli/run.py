"""`devicekit run`: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import (
    Force,
    Json,
    Seed,
    print_json,
    print_warnings,
    this_command,
    with_reading_options,
)
from devicekit.cli.fit import Model
from devicekit.cli.train import Data, DataDir, Epochs, print_training
from devicekit.core.errors import TraceError
from devicekit.core.text import count, width_suffix
from devicekit.features.definitions import definition
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.fitting.result import DeviceFit
    from devicekit.system.kept import Kept
    from snn.benchmark.result import Benchmark
    from snn.config import TrainingConfig
    from snn.data.dataset import Dataset
    from snn.training import TrainingResult

DEFAULT_OUT = Path("devicekit-run")
PAIRS = 3  # of the short benchmark: about two seconds


def _train(card: DeviceCard, config: TrainingConfig, samples: Dataset, quiet: bool, kept: Kept) -> TrainingResult:
    from snn.training import TrainingResult, train

    key = kept.key("training", card.to_json(), asdict(config), samples.sha256)
    if known := kept.known([key], "trained network"):
        return TrainingResult.of_numbers(known[key], card, config, samples)
    with terminal.counting("training in situ", "samples", quiet) as progress:
        result = train(card, config, samples, lambda done, total, _: progress(done, total))
    kept.put(key, result.numbers())
    return result


def _benchmark(
    fit: DeviceFit, card: DeviceCard, draws: int, seed: int, images: Dataset, quiet: bool, kept: Kept
) -> Benchmark:
    """A short benchmark: few pairs, no attribution; where few data leave much open, on other devices as well."""
    from devicekit.fitting.resampling import reason_to_resample, resampled_cards
    from snn.benchmark import benchmark

    allowed = resampled_cards(fit, draws, "open", seed) if draws and reason_to_resample(fit) else []
    with terminal.counting("benchmark", "trainings", quiet) as progress:
        return benchmark(
            card,
            images,
            seeds=PAIRS,
            attribution=False,
            wide=False,
            other_policy=False,
            allowed=allowed,
            fit_error=False,  # where few data leave much open, the allowed devices say so
            progress=progress,
            kept=kept,
        )


def _cards(fit: DeviceFit, file: Path, folder: Path, name: str, synthetic: bool) -> DeviceCard:
    """Write card.json (the middle width's where there are several, the others named by width)."""
    card = fit.to_card(name, file, synthetic)
    card.save(folder / "card.json")
    for condition in fit.conditions:
        if condition.ltp is not fit.ltp:
            suffix = width_suffix(condition.table.widths[0])
            condition.to_card(f"{name}_{suffix}", file, synthetic).save(folder / f"card_{suffix}.json")
    return card


@with_reading_options
def run_command(
    reading: ReadOptions,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="File or folder of pulse trains; the shipped example if not given."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")] = DEFAULT_OUT,
    model: Model = "eq2",
    epochs: Epochs = 15,
    data: Data = "digits",
    data_dir: DataDir = None,
    benchmark: Annotated[
        bool,
        typer.Option(
            "--benchmark/--no-benchmark", help="Also run a short benchmark: accuracy lost, and to which flaw."
        ),
    ] = True,
    draws: Annotated[
        int,
        typer.Option(
            "--draws",
            metavar="N",
            min=0,
            help="For few cycles: devices that the data also allow, for the benchmark; 0 for none.",
        ),
    ] = 12,
    seed: Seed = 0,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Run the whole chain, from traces to one report.

    Reads, fits, makes the card, trains a network in situ, simulates the set I-V of the default stack, and writes
    table.csv, card.json, metrics.json and report.html.

    Examples:
        devicekit run
        devicekit run ramps/ --quantity current --read-voltage 0.1 --out ramps-run
        devicekit run ramps/ --quantity current --read-voltage 0.1 --data optdigits
    """
    from devicekit.fitting.device import fit as fit_table
    from devicekit.fitting.device import read_pulses
    from devicekit.studies.beside import CompilingBeside
    from devicekit.studies.run import run_report
    from devicekit.system import catalog, folders, writing
    from devicekit.system.kept import kept_beside
    from physics.iv import simulate_iv
    from snn.benchmark.task import few_shot
    from snn.config import TrainingConfig
    from snn.data.load import load

    began = time.perf_counter()
    example = catalog.get(catalog.EXAMPLE) if file is None else None
    path = example.data if example else file
    assert path is not None
    synthetic = bool(example and example.synthetic)
    name = example.name if example else path.stem
    with (
        kept_beside(out) as kept,
        folders.result_folder(out, "run", force) as folder,
        CompilingBeside() as beside,
    ):
        table = read_pulses(path, reading)
        table.to_csv(folder / "table.csv")
        with terminal.doing(f"fitting {count(len(table), 'reading')}", json_output):
            fit = fit_table(table, model)
        if fit.ltp is None or fit.ltd is None:
            raise TraceError(
                f"{path} has only {' '.join(fit.branches).upper()} trains; training needs LTP and LTD "
                "(devicekit fit fits one)"
            )
        card = _cards(fit, path, folder, name, synthetic)
        config = TrainingConfig(scheme="insitu", epochs=epochs, seed=seed)
        samples = load(data, data_dir)
        with terminal.doing("compiling", json_output):
            beside.wait("training")
        training = _train(card, config, samples, json_output, kept)
        short = None
        if benchmark:
            short = _benchmark(fit, card, draws, seed, few_shot(data, data_dir), json_output, kept)
        with terminal.doing("simulating the set I-V of the default stack", json_output):
            beside.wait("filament")
            simulated = simulate_iv(solver="banded")
        iv = simulated.summary()
        title = f"{name}: from traces to a trained network"
        page = run_report(title, path.name, fit, card, training, short, simulated, this_command(), seed)
        page.save(folder / "report.html")
        fitted = fit.as_dict()
        fitted.pop("devices", None)  # each device's own fit is in card.json
        metrics = {
            "name": name,
            "synthetic": synthetic,
            "seed": seed,
            "fit": fitted,
            "train": training.as_dict(),
            "benchmark": None if short is None else short.as_dict(),
            "set_iv": iv,
        }
        writing.write_json(folder / "metrics.json", metrics)
    seconds = round(time.perf_counter() - began, 2)
    if json_output:
        print_json({"out": str(out), "seconds": seconds, "summary": list(page.summary), **metrics})
        return
    if example and not synthetic:
        terminal.paragraph(f"Measured, shipped with devicekit ({example.licence}): {example.title}.")
    print_warnings(card.warnings)
    _print(path, fit, training, list(page.summary), iv, synthetic)
    terminal.fields([("report", f"{out / 'report.html'}  ({seconds:.0f} s)")])


def _print(
    path: Path,
    fit: DeviceFit,
    training: TrainingResult,
    words: list[str],
    iv: dict[str, Any],
    synthetic: bool,
) -> None:
    """A run for people: the answer, then the numbers."""
    if synthetic:
        terminal.title("SYNTHETIC DATA: generated by devicekit, not measured")
    for sentence in words[:2]:
        terminal.paragraph(sentence)
    typer.echo()
    from devicekit.cli.outcome import show
    from devicekit.verbs.fit import fit_text

    show(fit_text(path.name, fit))
    print_training(training)
    if iv["v_set_v"] is not None:
        terminal.title("default stack, simulated (not this device)")
        by = definition(iv["v_set_method"], iv["read_voltage_v"])
        values = f"V_set {iv['v_set_v']:.3f} V (by {by}), conductance of LRS over HRS {iv['on_off']:.3g}"
        terminal.fields([("set I-V", values)])
