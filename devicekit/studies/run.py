"""The page of `devicekit run`: a device from its traces to a trained network, the answer first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from devicekit.device.card import DeviceCard
from devicekit.device.report import provenance, rate_section
from devicekit.errors import CodedWarning
from devicekit.fitting import report as fits
from devicekit.fitting.result import DeviceFit
from devicekit.report import Report
from devicekit.report.shared import warnings_section, warnings_sentence

if TYPE_CHECKING:
    from physics.result import IVResult
    from snn.benchmark.result import Benchmark
    from snn.training import TrainingResult


def run_summary(
    fit: DeviceFit,
    name: str,
    training: TrainingResult,
    benchmark: Benchmark | None,
    warnings: Sequence[CodedWarning],
) -> list[str]:
    """The plain-language summary of a whole run, the answer first."""
    from snn.report import accuracy_basis, verdict

    words = [
        *verdict(training, benchmark),
        f"The device: {fits.source_words(fit, name)}. {accuracy_basis(training)}",
        f"{fits.fit_sentence(fit)} {fits.scatter_sentence(fit)}",
        fits.standing_out_sentence(fit),
    ]
    return [*words, *(each for each in (fits.widths_sentence(fit), warnings_sentence(warnings)) if each)]


def run_report(
    title: str,
    source: str,
    fit: DeviceFit,
    card: DeviceCard,
    training: TrainingResult,
    benchmark: Benchmark | None,
    simulated: IVResult,
    command: str,
    seed: int,
) -> Report:
    """The page of a whole run: the device first, the default stack's simulation, which is not it, last."""
    from physics.report import unrelated_section
    from snn.report import training_facts, training_section

    sections = [
        fits.fit_section(fit),
        rate_section(card),
        fits.variation_section(fit),
        training_section(training, card, benchmark),
        warnings_section(card.warnings),
        provenance(card, command, seed),
        unrelated_section(simulated),
    ]
    facts = [*training_facts(training)[:1], *fits.fit_facts(fit)]
    words = run_summary(fit, source, training, benchmark, card.warnings)
    return Report(title, words, sections, card.provenance.synthetic, facts)
