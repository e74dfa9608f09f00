"""The pages of simulations."""

from __future__ import annotations

from collections.abc import Sequence

from devicekit.core.scalars import Scalar
from devicekit.core.text import count, si
from devicekit.report import Figure, Report, Section
from devicekit.report.shared import provenance_section
from devicekit.tables import SweepTable
from physics import report
from physics.kinetics import Kinetics, VoltagePerDecade
from physics.parameters import FITTED
from physics.result import IVResult, PulseResult
from physics.stack import Stack
from physics.variability import Scatter


def marks_of(stack: Stack) -> tuple[str, ...]:
    """Return the marks of a simulation: SIMULATED, and CALIBRATED if `devicekit calibrate` fitted a parameter."""
    fitted = any(source.startswith(FITTED) for source in stack.sources.values())
    return ("SIMULATED", "CALIBRATED") if fitted else ("SIMULATED",)


def _source(result: IVResult | PulseResult) -> str:
    noise = "without noise" if result.noise is None else f"noise of seed {result.noise}"
    return f"material set “{result.material}”, solver {result.solver}, {count(result.mesh_cells, 'cell')}, {noise}"


def _figures(sections: Sequence[Section], anchor: str) -> list[Figure]:
    """Return the figures of a section."""
    return [figure for section in sections if section.anchor == anchor for figure in section.figures]


def iv_page(
    result: IVResult, command: str, measured: SweepTable | None = None, scatter: Sequence[Scatter] = ()
) -> Report:
    """Build the page of a simulated I-V: curve, loops or temperatures, and figures of merit.

    Parameters
    ----------
    result : IVResult
    command : str
        Command that makes the page.
    measured : SweepTable, optional
        Measured sweep to draw below the curve.
    scatter : sequence of Scatter
        Scatter over the loops of a run with noise.
    """
    sections = report.iv_sections(result, measured)
    pictures = [*_figures(sections, "iv"), *reversed(_figures(sections, "maps"))]
    if scatter:
        sections.insert(1, report.scatter_section(scatter))
    typical, of = result.typical, f" ({result.typical_of})" if result.typical_of else ""
    verdict = (
        report.no_set_sentence(result)
        if typical.v_set_v is None
        else f"The simulated stack sets at {si(typical.v_set_v, 'V', 3)}{of}"
        + (
            "."
            if typical.on_off is None
            else f"; the conductance of its LRS is {typical.on_off:.3g} times that of its HRS."
        )
    )
    formed = [] if result.v_form_v is None else [Scalar.from_record(result, "v_form_v")]
    if result.start == "pristine":
        forming = report.forming_sentence(result)
        verdict = forming if result.forms_alone else f"{forming} {verdict}"
    sets = [
        Scalar.from_record(typical, "v_set_v", f"V_set ({result.v_set_words}{', ' + of[2:-1] if of else ''})"),
        *([Scalar.from_record(typical, "v_100ua_v")] if result.v_set_method != "at_100ua" else []),
        Scalar.from_record(typical, "on_off", "conductance of LRS over HRS, at the read voltage"),
    ]
    numbers = [
        *formed,
        *([] if result.forms_alone else sets),
        Scalar.from_record(typical, "v_reset_v", "V_reset (largest current)"),
        Scalar.from_record(result.quality, "t_max_k"),
        Scalar.from_record(typical, "lrs_s", "LRS"),
    ]
    return Report(
        "Simulated I-V",
        _finished(verdict, result),
        report.iv_summary(result),
        [*sections, provenance_section([], command)],
        marks_of(result.stack),
        pictures,
        numbers,
        result.quality.remarks,
        _source(result),
    )


def _finished(verdict: str, result: IVResult | PulseResult) -> str:
    return verdict if result.complete else f"The run did not finish ({result.message}). {verdict}"


def pulses_page(result: PulseResult, command: str) -> Report:
    """Build the page of simulated pulse trains.

    Parameters
    ----------
    result : PulseResult
    command : str
        Command that makes the page.
    """
    sections = report.pulse_sections(result)
    last = result.last_ends
    low = min(min(p.first_s, p.last_s) for p in last)
    high = max(max(p.first_s, p.last_s) for p in last)
    words = count(len(result.pulses.widths), "pulse width")
    verdict = f"In the last trains of {words}, the simulated stack covers {si(low, 'S')} to {si(high, 'S')}."
    numbers = [
        Scalar("g_low_s", "lowest end of the last trains", low, "S"),
        Scalar("g_high_s", "highest end of the last trains", high, "S"),
        Scalar("pulses", "pulses of a train", max(p.pulses for p in last)),
        Scalar.from_record(result.quality, "t_max_k"),
        Scalar.from_record(result.quality, "field_max"),
    ]
    return Report(
        "Simulated pulse trains",
        _finished(verdict, result),
        report.pulses_summary(result),
        [*sections, provenance_section([], command)],
        marks_of(result.stack),
        [*_figures(sections, "pulses"), *reversed(_figures(sections, "maps"))],
        numbers,
        result.quality.remarks,
        _source(result),
    )


def kinetics_page(result: Kinetics, command: str) -> Report:
    """Build the page of switching kinetics: times and ramps.

    Parameters
    ----------
    result : Kinetics
    command : str
        Command that makes the page.
    """
    sections = report.kinetics_sections(result)
    slopes = [_slope(name, label, result.slopes[name]) for name, label in (("set", "SET"), ("reset", "RESET"))]
    ramps = sorted(result.ramps, key=lambda each: each.rate_v_s)
    known = slopes[0].known
    verdict = (
        f"The SET voltage rises by {slopes[0].text} per decade of shorter time between 0.3 and 0.9 V."
        if known
        else "The slope of the SET time is unknown: too few voltages between 0.3 and 0.9 V switch."
    )
    ends = [ramps[k] for k in dict.fromkeys((0, len(ramps) - 1))] if ramps else []
    numbers = [
        *slopes,
        *(
            Scalar(f"v_100ua_{n}_v", f"voltage at 100 µA, ramp of {ramp.rate_v_s:g} V/s", ramp.v_100ua_v, "V")
            for n, ramp in enumerate(ends)
        ),
        _slope("jart_set", "SET of JART VCM v1b", result.slopes["jart_set"]),
    ]
    return Report(
        "Simulated kinetics",
        verdict,
        report.kinetics_summary(result),
        [*sections, provenance_section([], command)],
        marks_of(result.stack),
        [figure for section in sections for figure in section.figures],
        numbers,
        result.remarks,
        f"material set “{result.stack.material}”, mesh {result.mesh}",
    )


def _slope(name: str, label: str, found: VoltagePerDecade) -> Scalar:
    return Scalar.from_estimate(f"{name}_slope_v", f"{label}: voltage per decade of time", found.estimate, "V")
