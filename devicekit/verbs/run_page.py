"""The page of `devicekit run`: a device from its traces to a trained network, the answer first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devicekit.device.card import DeviceCard
from devicekit.device.report import provenance, rate_section
from devicekit.fitting import report as fits
from devicekit.fitting.result import DeviceFit
from devicekit.report import Report, mark_keys
from devicekit.report.shared import source_line, warnings_section

if TYPE_CHECKING:
    from physics.result import IVResult
    from snn.benchmark.result import Benchmark
    from snn.result import TrainingResult


_FIT_NUMBERS = ("steps", "nrmse", "increment", "c2c_spread")  # stems of the numbers of a fit on the first page


def run_summary(
    fit: DeviceFit,
    name: str,
    training: TrainingResult,
    benchmark: Benchmark | None,
) -> list[str]:
    """Return the plain-language summary of a whole run, the answer first."""
    from snn.report import accuracy_basis, verdict

    words = [
        *verdict(training, benchmark),
        f"The device: {fits.source_text(fit, name)}. {accuracy_basis(training)}",
        f"{fits.fit_sentence(fit)} {fits.scatter_sentence(fit)}",
        fits.notable_sentence(fit),
    ]
    return [*words, *(each for each in (fits.widths_sentence(fit),) if each)]


@dataclass(frozen=True)
class Chain:
    """Result of a whole run."""

    fit: DeviceFit
    card: DeviceCard
    training: TrainingResult
    benchmark: Benchmark | None
    simulated: IVResult


def run_report(title: str, source: str, chain: Chain, command: str, seed: int) -> Report:
    """Return the page of a whole run: the device first, the default stack's simulation, which is not it, last."""
    from physics.report import unrelated_section
    from snn.benchmark.report import loss_scalars, severity_figures
    from snn.report import accuracy_number, training_section

    fit, card, training, benchmark = chain.fit, chain.card, chain.training, chain.benchmark
    curves, rates, trained = fits.fit_section(fit), rate_section(card), training_section(training, card, benchmark)
    sections = [
        curves,
        rates,
        fits.variation_section(fit),
        trained,
        warnings_section(card.warnings),
        provenance(card, command, seed),
        unrelated_section(chain.simulated),
    ]
    matters = trained.figures if benchmark is None else severity_figures([benchmark], 1) or trained.figures
    numbers = [each for each in fits.fit_numbers(fit) if each.name.startswith(_FIT_NUMBERS)]
    losses = [] if benchmark is None else loss_scalars(benchmark)
    splits = [f"accuracy: {training.data.split}"]
    splits += [] if benchmark is None else [f"loss compared with an ideal device: {benchmark.split}"]
    return Report(
        title,
        _verdict(training, benchmark),
        run_summary(fit, source, training, benchmark),
        sections,
        marks=mark_keys(card.provenance.marks),
        pictures=[*curves.figures[:1], *rates.figures, *matters[:1]],
        numbers=[accuracy_number(training), *losses, *numbers],
        warnings=card.warnings,
        source=" · ".join([source_line(fits.source_text(fit, source), card.provenance.sha256), *splits]),
        most_words=600,
    )


def _verdict(training: TrainingResult, benchmark: Benchmark | None) -> str:
    """Return the result of a run in one or two sentences."""
    from snn.benchmark.task import HIDDEN, IMAGES
    from snn.report import accuracy_words

    first = (
        f"Trained in situ with {training.config.hidden} hidden neurons, this device reaches {accuracy_words(training)}"
    )
    if benchmark is None:
        return f"{first}; the loss compared with an ideal device was not measured."
    task = f"With {HIDDEN} hidden neurons and {IMAGES} images, where flaws show,"
    return f"{first}. {task} {benchmark.lost(benchmark.deciding, ' of accuracy against an ideal device')}."
