"""Page of a fit."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.device.report import provenance, rate_section
from devicekit.fitting import report
from devicekit.fitting.pulses.report import pulse_section
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.uncertainty.posterior import Posterior
from devicekit.fitting.uncertainty.report import posterior_section
from devicekit.report import Report, mark_keys
from devicekit.report.shared import provenance_section, source_line, warnings_section
from devicekit.system import files


def fit_page(
    fit: DeviceFit,
    name: str,
    card: DeviceCard | None,
    command: str,
    synthetic: bool = False,
    drawn: Posterior | None = None,
) -> Report:
    """Build the page of a fit.

    Parameters
    ----------
    fit : DeviceFit
    name : str
        Name of the file or folder, for the title.
    card : DeviceCard or None
        The card of the fit; None where a branch is missing: the page is then without a rate curve.
    command : str
        Command that makes the page again.
    synthetic : bool
        Whether the data are synthetic.
    drawn : Posterior, optional
        Draws of the posterior, which get a section.
    """
    curves = report.fit_section(fit)
    rates = [] if card is None else [rate_section(card)]
    warnings = (*fit.warnings, *(() if drawn is None else drawn.warnings))
    follows, misses = curves.figures[:2]
    sections = [
        curves,
        *([] if fit.pulse_law is None else [pulse_section(fit.pulse_law)]),
        *rates,
        *([] if drawn is None else [posterior_section(drawn)]),
        report.variation_section(fit),
        warnings_section(warnings),
        provenance_section([], command) if card is None else provenance(card, command),
    ]
    return Report(
        f"Fit of {name}",
        report.fit_sentence(fit),
        report.fit_summary(fit),
        sections,
        marks=mark_keys(fit.marks(synthetic)),
        pictures=[follows, *(figure for section in rates for figure in section.figures), misses],
        numbers=report.fit_numbers(fit),
        warnings=warnings,
        source=source_line(report.source_text(fit, name), _sha256(fit, card)),
    )


def _sha256(fit: DeviceFit, card: DeviceCard | None) -> str | None:
    return files.checksum(fit.table.meta.get("files", [])) if card is None else card.provenance.sha256
