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
    from devicekit.studies.propagated import Propagated
    from physics.result import IVResult
    from snn.limits import Limits
    from snn.training import TrainingResult


def run_summary(
    fit: DeviceFit,
    name: str,
    training: TrainingResult,
    limits: Limits | None,
    warnings: Sequence[CodedWarning],
    left_open: Propagated | None = None,
) -> list[str]:
    """The plain-language summary of a whole run, the answer first."""
    from snn.report import accuracy_basis, verdict

    words = [
        *verdict(training, limits),
        *([] if left_open is None else [left_open.sentence]),
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
    limits: Limits | None,
    simulated: IVResult,
    command: str,
    seed: int,
    left_open: Propagated | None = None,
) -> Report:
    """The page of a whole run: the device first, the default stack's simulation, which is not it, last."""
    from physics.report import unrelated_section
    from snn.report import training_facts, training_section

    sections = [
        fits.fit_section(fit),
        rate_section(card),
        fits.variation_section(fit),
        training_section(training, card, limits),
        warnings_section(card.warnings),
        provenance(card, command, seed),
        unrelated_section(simulated),
    ]
    facts = [*training_facts(training)[:1], *fits.fit_facts(fit)]
    words = run_summary(fit, source, training, limits, card.warnings, left_open)
    return Report(title, words, sections, card.provenance.synthetic, facts)
