"""The README.txt of an export: content, loading, what is exact, what is approximated, and every unit."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace

from devicekit._version import __version__
from devicekit.core.text import si
from devicekit.device.card import DeviceCard
from devicekit.device.network import TrainedNetwork
from devicekit.device.variation import applied_variation
from devicekit.exporters.base import WHOLE_CARD, Export, mark_of, one_line

_WIDTH = 100


def _wrap_lines(lines: Iterable[str]) -> list[str]:
    return [
        row
        for line in lines
        for row in textwrap.wrap(
            one_line(line),
            _WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _format_value(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


# Unit and meaning of the figures of our targets, by the beginning of their names; the longest match counts.
_MEANINGS = {
    "deviation": (
        "window",
        "largest deviation from a DeviceArray over 100 LTP and 100 LTD pulses, no noise; calculated",
    ),
    "nodes": ("1", "nodes of a step curve"),
    "points": ("1", "tabulated conductances, states or rows"),
    "mean_bias": ("window per pulse", "error of the average update of CrossSim, which is too low"),
    "path_sd_": (
        "window",
        "sd of states by C2C after 10, 50, 100 LTP, as many further LTD, as many pairs; calculated",
    ),
    "device_sd_": ("window", "sd of states by D2D after 10, 50, 100 LTP and as many further LTD; calculated"),
    "NL_": ("1", "nonlinearity label with the sign of NeuroSim"),
    "misfit_rms_": ("window", "rms difference between the exponential of NeuroSim and the law over a train"),
    "misfit_largest_": ("window", "largest difference between the exponential of NeuroSim and the law"),
    "recursion_": ("window", "largest deviation of the recursion of NeuroSim from its exponential; calculated"),
    "loop_gap": ("window", "gap between the ends of the loop of trains"),
    "scatter_off_": ("1", "largest relative error of the sd of conductances in NeuroSim; calculated"),
    "on_off": ("1", "conductance at the high end divided by that at the low end; calculated"),
    "resistance_access_ohm": ("ohm", "resistance of the access transistor"),
    "law": ("text", "form of the step"),
}


def _describe_figure(key: str) -> str:
    """Return unit and meaning of a figure; an empty string for figures of other packages."""
    known = max((each for each in _MEANINGS if key.startswith(each)), key=len, default="")
    return "  [{}] {}".format(*_MEANINGS[known]) if known else ""


def _figure_lines(result: Export) -> list[str]:
    """Return one line per figure; a meaning that is the same as in the line before is not repeated."""
    rows, before = [], ""
    for key, value in result.figures.items():
        meaning = _describe_figure(key)
        shown = f"{meaning.partition(']')[0]}] as above" if meaning and meaning == before else meaning
        rows.append(f"  {key} = {_format_value(value)}{shown}")
        before = meaning
    return rows


def _origin_lines(card: DeviceCard) -> list[str]:
    source = card.provenance
    siemens = card.window.quantity == "conductance_s"
    linear_in = "ln G" if card.window.scale == "log" else "G" if siemens else "the weight"
    lines = [
        f"Card: {card.name}; law: {card.law.title}; window {card.window.low:.6g} to {card.window.high:.6g} "
        f"{'S' if siemens else '(weight)'}, state linear in {linear_in}.",
        f"Source: {source.source}, SHA-256 {source.sha256 or 'unknown'}; exported by devicekit {__version__}.",
    ]
    if mark := mark_of(card):
        lines.append(f"{mark}.")
    else:
        lines.append("MEASURED: the data of the card are not marked as synthetic or simulated.")
    lines += [f"Warning on the card [{warning.code}]: {warning.message}" for warning in card.warnings]
    return lines


def _forgetting_lines(card: DeviceCard, result: Export) -> list[str]:
    """Return the sentences on the volatile part of the card; none for a card without one."""
    block = card.volatile
    if block is None or block.persistent_share == 1.0:
        return []
    forgotten = f"{100 * (1.0 - block.persistent_share):.3g} %"
    return [
        f"On the card {forgotten} of an update decays ({block.kernel}, time constant "
        f"{block.parameters['tau_s']:.4g} s).",
        result.forgetting or "LEFT OUT: steps are exported as right after a pulse, without decay.",
    ]


_BLOCKS = {
    "retention": "the drift of states in time",
    "endurance": "the window over write cycles",
    "dead": "devices that do not switch",
    "states": "stable states; a device takes any state here",
    "stdp": "the spike-timing (STDP) window",
    "volatile": "the decay of updates; steps are permanent here",
}


def _left_out_lines(card: DeviceCard, result: Export) -> list[str]:
    """Return one sentence for each part of the card that the target does not represent."""
    carried = {*result.carries, *(["volatile"] if result.forgetting else [])}
    found = [
        f"LEFT OUT: {words}."
        for name, words in _BLOCKS.items()
        if getattr(card, name) is not None and name not in carried
    ]
    has = applied_variation(card)
    if has.fluctuates:
        found.append(
            "LEFT OUT: the reversible fluctuation of states from pulse to pulse (sd "
            f"{max(has.held.values()):.2%} of the window)."
        )
    if any(has.tilt.values()) or any(each.read_tilt for each in (card.variation.ltp, card.variation.ltd)):
        found.append("LEFT OUT: the dependence of noise on the state; the noise is that in the middle of the window.")
    if has.windows:
        found.append("LEFT OUT: the individual windows of devices; all have the window of the card.")
    return found


def _pulse_law_lines(card: DeviceCard) -> list[str]:
    """Return the sentence on a law of amplitude and width: no target supports it, an export is for one pulse."""
    if card.pulse_law is None:
        return []
    conditions = card.conditions
    parts = [
        f"{name} {si(abs(value), unit)}"
        for name, value, unit in (
            ("LTP", conditions.ltp_voltage_v, "V"),
            ("LTD", conditions.ltd_voltage_v, "V"),
            ("width", conditions.pulse_width_s, "s"),
        )
        if value is not None
    ]
    of = f" ({', '.join(parts)})" if parts else ""
    return [
        f"LEFT OUT: the law of amplitude and width ({card.pulse_law.sentence()}). The export is for the reference "
        f"pulse of the card{of}; a DeviceArray takes other pulses."
    ]


def compose(card: DeviceCard, title: str, result: Export, network: TrainedNetwork | None = None) -> Export:
    """Add the README.txt to an export of a card or of a network."""
    if network is not None:
        result = replace(
            result,
            approximated=(*result.approximated, *network.left_out),
            origin=(f"Network: {network.sentence}.", *result.origin),
        )
    left_out = () if WHOLE_CARD in result.carries else _left_out_lines(card, result)
    result = replace(result, approximated=(*result.approximated, *_pulse_law_lines(card), *left_out))
    names = [*result.files, "README.txt"]
    wide = max((len(row[0]) for row in result.units), default=0)
    across = max((len(row[1]) for row in result.units), default=0)
    sections = [
        ("FILES", [f"  {each}" for each in names]),
        ("HOW TO USE", [f"  {line}" for line in result.use]),
        ("EXACT", _wrap_lines(result.exact)),
        ("APPROXIMATED", _wrap_lines(result.approximated) or ["- nothing"]),
        ("NOISE", _wrap_lines([result.noise])),
        ("FORGETTING", _wrap_lines(_forgetting_lines(card, result))),
        (
            "UNITS",
            [f"  {row[0]:<{wide}}  [{row[1]}]{'':<{across - len(row[1])}}  {row[2]}" for row in result.units],
        ),
        ("FIGURES", _figure_lines(result)),
        ("WHERE IT COMES FROM", _wrap_lines([*result.origin, *_origin_lines(card)])),
    ]
    heading = f"{title}, made by devicekit from the device card {one_line(card.name)!r}"
    rows = [heading, "=" * min(len(heading), _WIDTH)]
    for caption, lines in sections:
        if lines:
            rows += ["", caption, *lines]
    return replace(result, files={**result.files, "README.txt": ("\n".join(rows) + "\n").encode()})
