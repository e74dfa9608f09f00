"""Parts of a report about simulations: set I-V, pulse trains, kinetics, and the stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devicekit.core.text import count, listed, si, span
from devicekit.features.definitions import DEFAULT_V_RESET
from devicekit.report import CodedList, Figure, Section, Table, Text, draw
from devicekit.tables import SweepTable
from physics.figures import MAPS
from physics.kinetics import Kinetics
from physics.result import IVResult, PulseResult, _Result
from physics.stack import Stack
from physics.variability import Scatter


def no_set_sentence(result: IVResult) -> str:
    """Say why a run has no V_set."""
    if not result.complete:
        return "Whether the simulated stack sets is not known: the run ended early."
    if result.cycles and all(each.outcome == "one_way" for each in result.cycles):
        return "Whether the simulated stack sets is not known: the sweep has no way back."
    return "The simulated stack does not set: its conductance does not double over this sweep."


def iv_summary(result: IVResult) -> list[str]:
    """Return sentences about the set I-V."""
    stack = result.stack
    words = f"The simulated stack (material set “{stack.material}”)"
    typical, of = result.typical, f", {result.typical_of}" if result.typical_of else ""
    if result.forms_alone:
        first = forming_sentence(result)
    elif typical.v_set_v is None:
        first = no_set_sentence(result)
    else:
        first = f"{words} sets at {typical.v_set_v:.3f} V ({result.set_by}{of})"
        ratio = typical.on_off
        first += "." if ratio is None else f"; its conductance in the LRS is {ratio:.3g} times that in the HRS."
    if typical.v_100ua_v not in (None, typical.v_set_v):
        first += f" Its current reaches 100 µA at {typical.v_100ua_v:.3f} V."
    elif result.v_100ua_missing and not result.forms_alone:
        first += f" It does not reach 100 µA, as {result.v_100ua_missing}."
    resets = [each.v_reset_v for each in result.cycles if each.v_reset_v is not None]
    sentences = [first]
    if resets:
        ends = span(min(resets), max(resets), "V")
        sentences.append(f"Over {count(len(resets), 'bipolar loop')} the largest reset current falls at {ends}.")
    sentences.append(
        f"The highest temperature is {result.quality.t_max_k:.0f} K. Nothing here was measured; most parameters are "
        "chosen, so that the voltages are not predictions."
    )
    return [*sentences, *_incomplete(result)]


def forming_sentence(result: IVResult) -> str:
    """Return a sentence about the forming of a pristine film."""
    if result.melts and result.forms_alone:
        return result.melting_sentence
    if result.v_form_v is None:
        return "The pristine film does not form over this sweep."
    return f"The pristine film forms at {si(result.v_form_v, 'V', 3)} (V_form, at half of the compliance)."


def _incomplete(result: _Result) -> list[str]:
    return [] if result.complete else [f"The run did not finish ({result.message}); results are partial."]


def _iv_table(result: IVResult) -> Table:
    sets = () if result.forms_alone else ("v_set_v", "v_100ua_v")
    names = (*sets, "on_off", "hrs_s", "lrs_s", "hrs_device_s", "lrs_device_s")
    rows = [*result.pairs(*names), *result.quality_rows()]
    rows = [(f"V_set ({result.v_set_words})" if name == "V_set" else name, value) for name, value in rows]
    which = f"loop {result.first.cycle}" if len(result.cycles) > 1 else "the simulated SET sweep"
    read = result.read_voltage_v
    at = "" if read is None else f" HRS and LRS: slopes of I against V around the read voltage of {read:g} V."
    return Table(("quantity", "value"), rows, f"Figures of merit of {which}.{at}")


def _iv_figure(result: IVResult, measured: SweepTable | None) -> Figure:
    start = "a pristine film" if result.start == "pristine" else "the state just after a reset"
    caption = f"Simulated I-V from {start}."
    return draw(
        result.panel(measured),
        caption if measured is None else f"{caption} Grey: measured.",
        "Magnitude of the simulated current on a logarithmic axis against voltage",
        title="Simulated I-V" + ("." if measured is None else "; grey: measured."),
    )


def unrelated_section(result: IVResult) -> Section:
    """Build the section with the set I-V of the default stack in a run on measured traces."""
    words = (
        "This is not the device of this page, but the default stack of devicekit (Pt / HfO2 / Al2O3 / Ti, material set "
        f"“{result.stack.material}”), independent of the traces above. Its parameters are chosen so that its third "
        "loop passes 100 µA near the 0.65 V reported by Ma et al. 2023 (the first set is shown). For your own stack: "
        "devicekit simulate iv --stack STACK.toml --out iv"
    )
    return Section(
        "Simulated set I-V of the default stack",
        "set-iv",
        [
            Text([words, *([result.dc.apart] if result.dc and result.dc.apart else [])]),
            _iv_figure(result, None),
            _iv_table(result),
        ],
    )


def iv_sections(result: IVResult, measured: SweepTable | None = None) -> list[Section]:
    """Build the sections: I-V with figures of merit, loops, maps, and the stack."""
    blocks: list[Any] = [_iv_figure(result, measured)]
    if len(result.cycles) > 1:
        words = f"Bipolar loops. V_set by {result.set_by}, V_reset by {DEFAULT_V_RESET}"
        if any(each.hrs_s or each.lrs_s for each in result.cycles):
            alt = "Conductance of HRS and LRS against loop number"
            blocks.append(draw(result.levels_panel(), "HRS and LRS over the loops.", alt))
        blocks.append(Table.of(result.cycles, words, len(result.cycles)))
    sections = [Section("I-V", "iv", [*blocks, _iv_table(result)])]
    if result.stages:
        sections.append(maps_section(result))
    return [*sections, *stack_sections(result.stack)]


def maps_section(result: _Result) -> Section:
    """Build the section of maps of potential, density and temperature before, near and after V_set."""
    shown = result.first_stages()
    stages = [shown[k] for k in sorted({0, max(len(shown) - 2, 0), len(shown) - 1})]
    drawn = [
        draw(
            [result.image(stage, name) for stage in stages],
            f"{words} over the cross-section, axis of the filament in the middle.",
            f"Maps of the {words.lower()} at {listed([stage.label for stage in stages])}",
            (4.8, 2.3),
            title=f"{words} over the cross-section.",
        )
        for name, (_, _, _, words) in MAPS.items()
    ]
    return Section("Inside the stack", "maps", drawn)


def stack_sections(stack: Stack) -> list[Section]:
    """Build the sections: assumptions, known defects, and every parameter with its source."""
    sections = []
    known = [("assumption", words) for words in stack.assumptions] + [("defect", words) for words in stack.defects]
    if known:
        sections.append(Section("Assumptions and known defects", "defects", [CodedList(known)]))
    units = stack.units()
    rows = [
        (key, f"{stack.get(key):g}", "" if unit == "1" else unit, stack.sources.get(key, "–"))
        for key, unit in units.items()
    ]
    rows[:0] = [("layers", stack.describe(), "", "")]
    name = stack.title or stack.material
    caption = f"All parameters of the stack ({name}): value, unit and source (DOI, chosen, or user)."
    head = ("parameter", "value", "unit", "source")
    return [*sections, Section("Parameters", "parameters", [Table(head, rows, caption)])]


def scatter_section(found: Sequence[Scatter]) -> Section:
    """Build the section of scatter over loops with noise."""
    caption = (
        "Standard deviation over the mean of the loops after the first: raw, and after subtraction of a straight line "
        "over the loops. Lag 1: correlation of one loop with the next. The noise is that of single vacancies, without "
        "that of instruments and traps"
    )
    return Section("Scatter over the loops", "scatter", [Table.of(found, caption)])


def kinetics_summary(result: Kinetics) -> list[str]:
    """Return sentences about switching kinetics."""
    words = []
    for name, label in (("set", "SET"), ("reset", "RESET"), ("jart_set", "SET of JART VCM v1b")):
        each = result.slopes[name]
        if each.value == each.value:
            words.append(
                f"{label}: {1e3 * each.value:.3g} ± {1e3 * each.stderr:.2g} mV per decade of time (0.3 to 0.9 V)."
            )
    words += [each.message for each in result.remarks]
    words += list(result.notes)
    return [*words, "Nothing here was measured; most parameters are chosen."]


def kinetics_sections(result: Kinetics) -> list[Section]:
    """Build the sections: times, ramps, and the stack."""
    times: list[Any] = [
        draw(
            result.panel(),
            "Time until the conductance has tripled (SET) or fallen to a third (RESET).",
            "Time to switch against voltage, on a logarithmic axis",
        ),
        Table.of(result.holds, "JART VCM v1b: from its initial state to 100 µA", len(result.holds)),
    ]
    ramps: list[Any] = [
        draw(result.ramps_panel(), "Voltage at 100 µA of a ramp.", "Voltage at 100 µA against the ramp rate"),
        Table.of(result.ramps, "Ramps from the prescribed state to 100 µA", len(result.ramps)),
    ]
    return [
        Section("Constant voltage", "times", times),
        Section("Ramps", "ramps", ramps),
        *stack_sections(result.stack),
    ]


def pulses_summary(result: PulseResult) -> list[str]:
    """Return sentences about pulse trains."""
    last = result.last_ends
    sentences = [
        f"Simulated stack (material set “{result.stack.material}”) with "
        f"{count(len(result.pulses.widths), 'pulse width')}; conductances are those of the last of "
        f"{count(last[0].cycle, 'LTP and LTD pair')}."
    ]
    for width, table in result.last_pairs().items():
        parts = [
            f"{p.direction.upper()} goes from {si(p.first_s, 'S')} to {si(p.last_s, 'S')} in {p.pulses} pulses"
            for p in last
            if p.pulse_width_s == width
        ]
        sentences.append(f"At {si(width, 's')}: {listed(parts)}{_first_pulse(table)}.")
    return [
        *sentences,
        "Nothing here was measured; most parameters are chosen.",
        *_incomplete(result),
    ]


def _first_pulse(table: Any) -> str:
    """Describe the share of the first pulse in the LTP train, if it is large."""
    for _, _, _, train in table.traces("ltp"):
        share = float((train[1] - train[0]) / (train[-1] - train[0])) if train[-1] != train[0] else 0.0
        if share > 0.15:
            return f"; the first LTP pulse does {share:.0%} of the change".replace("%", " %")
    return ""


def pulse_sections(result: PulseResult) -> list[Section]:
    """Build the sections: trains, their ends, maps, and the stack."""
    figure = draw(
        result.panel(),
        "Conductance at the read voltage along every train, LTD after LTP.",
        "Simulated conductance against pulse number for LTP and LTD trains of every pulse width",
    )
    ends = Table.of(result.ends, "First and last conductance of every train", len(result.ends))
    quality = Table(("quantity", "value"), result.quality_rows(), "Errors of the balances of the run.")
    sections = [Section("Pulse trains", "pulses", [figure, ends, quality])]
    if result.stages:
        sections.append(maps_section(result))
    return [*sections, *stack_sections(result.stack)]
