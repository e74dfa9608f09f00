"""Verilog-A: a behavioural memristor whose state changes by the fitted step at every pulse.

Compilers of compact models (OpenVAF) do not support events. While |V| is above its threshold the state changes at the
rate rdot(held) / width, where `held` is the state at the start of the pulse (a second node that follows the state
between pulses). A pulse with the width on the card, measured at half its amplitude, thus changes the state by exactly
one step, and a third node counts pulses. G is ohmic: I = G(r) V.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, compact
from devicekit.exporters.base import Export, ExportOptions
from devicekit.models.laws.eq2 import Eq2

NAME = "veriloga"
TITLE = "Verilog-A behavioural model"
TAKES = frozenset({"nodes", "window"})

_MODULE = """// {title}: behavioural model of a device card, made by devicekit. README.txt lists what is exact.
// Law: {law}. Source: {source}.
`include "disciplines.vams"

module {module}(te, be);
    inout te, be;
    electrical te, be;  // top and bottom electrode
    electrical moved;   // state r minus r0 [1]
    electrical held;    // state at the start of the present pulse minus r0 [1]
    electrical counted; // pulses so far [1]

    parameter real r0 = 0.0 from [0:1];  // state at the start [1]
    parameter real g_low = {low!r};  // conductance at r = 0 [S]
    parameter real g_high = {high!r};  // conductance at r = 1 [S]
    parameter real width = {width!r} from (0:inf);  // width of one pulse at half its amplitude [s]
    parameter real v_ltp = {v_ltp!r} from (0:inf);  // threshold of an LTP pulse [V]
    parameter real v_ltd = {v_ltd!r} from (0:inf);  // threshold of an LTD pulse, magnitude [V]
    parameter real polarity = {polarity!r};  // 1: LTP at V(te, be) > 0; -1: at V(te, be) < 0
    parameter real gain_ltp = 1.0 from [0:inf);  // factor on every LTP step [1]
    parameter real gain_ltd = 1.0 from [0:inf);  // factor on every LTD step [1]
    parameter real cap_ltp = {cap_ltp!r};  // largest LTP step [1]
    parameter real cap_ltd = {cap_ltd!r};  // largest LTD step [1]
{parameters}
    (* desc="state, 0 to 1", units="1" *) real state;
    (* desc="conductance", units="S" *) real conductance;
    (* desc="pulses so far", units="1" *) real pulses;
    real v, up, down, start, step_up, step_down, r;

{functions}
    analog begin
        v = polarity * V(te, be);
        // 1 above the threshold, 0 below, with an edge of a tenth of it for convergence
        up = min(max(10.0 * (v / v_ltp - 1.0) + 0.5, 0.0), 1.0);
        down = min(max(10.0 * (-v / v_ltd - 1.0) + 0.5, 0.0), 1.0);
        r = r0 + V(moved);
        start = min(max(r0 + V(held), 0.0), 1.0);
        step_up = min(gain_ltp * min({call_ltp}, cap_ltp), 1.0 - start);
        step_down = min(gain_ltd * min({call_ltd}, cap_ltd), start);
        // these factors are 1 inside the window; they limit pulses much wider than that on the card
        step_up = step_up * min(max(100.0 * (1.01 - r), 0.0), 1.0);
        step_down = step_down * min(max(100.0 * (0.01 + r), 0.0), 1.0);
        state = min(max(r, 0.0), 1.0);
        conductance = {conductance};
        pulses = V(counted);
        I(te, be) <+ conductance * V(te, be);
        // the last term only defines the operating point: it decays in 1e9 s
        I(moved) <+ ddt(V(moved)) - (up * step_up - down * step_down) / width + 1e-9 * V(moved);
        I(held) <+ ddt(V(held)) - (1.0 - up - down) * (V(moved) - V(held)) * 100.0 / width + 1e-9 * V(held);
        I(counted) <+ ddt(V(counted)) - (up + down) / width + 1e-9 * V(counted);
        $bound_step(width / 20.0);
    end
endmodule
"""

_EQ2 = """    analog function real eq2;  // eq. (2) of doi 10.1109/JEDS.2023.3311763, magnitude [1 per pulse]
        input r, a, b, c, d, f, g, h, i;
        real r, a, b, c, d, f, g, h, i, base, z, most;
        begin
            base = b - c * r;
            z = f * r + g;
            most = max(z, 0.0);
            if (base > 1e-12)
                eq2 = exp(min(ln(a) + d * ln(base) - h * (most + ln(i * exp(-most) + exp(z - most))), 1.0));
            else
                eq2 = 0.0;
        end
    endfunction
"""


def _tree(values: np.ndarray, first: int, last: int, indent: str, name: str) -> list[str]:
    """Return nested ifs that find the interval of x and interpolate; x is in units of intervals."""
    if last - first == 1:
        slope = float(values[last] - values[first])
        return [f"{indent}{name} = {float(values[first])!r} + {slope!r} * (x - {first}.0);"]
    middle = (first + last) // 2
    return [
        f"{indent}if (x < {middle}.0) begin",
        *_tree(values, first, middle, indent + "    ", name),
        f"{indent}end else begin",
        *_tree(values, middle, last, indent + "    ", name),
        f"{indent}end",
    ]


def _table(direction: str, values: np.ndarray) -> list[str]:
    last = values.size - 1
    return [
        f"    analog function real rate_{direction};  // linear between {values.size} nodes, magnitude [1 per pulse]",
        "        input r;",
        "        real r, x;",
        "        begin",
        f"            x = r * {last}.0;",
        *_tree(values, 0, last, "            ", f"rate_{direction}"),
        "        end",
        "    endfunction",
        "",
    ]


def _law_source(published: dict[str, Eq2] | None, tables: dict[str, np.ndarray]) -> dict[str, str]:
    """Return the parts of the module that depend on the law."""
    if published is None:
        lines = [line for direction, values in tables.items() for line in _table(direction, values)]
        calls = {f"call_{direction}": f"rate_{direction}(start)" for direction in base.SIGNS}
        return {"parameters": "", "functions": "\n".join(lines), **calls}
    parameters, calls = [], {}
    for direction, law in published.items():
        numbers = {"a": abs(law.a), **{name: getattr(law, name) for name in "bcdfghi"}}
        parameters += [
            f"    parameter real {name}_{direction} = {float(value)!r};  // eq. (2), r in 0..1 [1]"
            for name, value in numbers.items()
        ]
        calls[f"call_{direction}"] = f"eq2(start, {', '.join(f'{name}_{direction}' for name in numbers)})"
    return {"parameters": "\n".join(parameters) + "\n", "functions": _EQ2, **calls}


def _module(card: DeviceCard, name: str, drive: dict[str, float], law: dict[str, str]) -> str:
    logarithmic = card.window.scale == "log"
    return _MODULE.format(
        title=base.one_line(card.name),
        law=card.law.title,
        source=base.one_line(card.provenance.source),
        module=name,
        low=float(card.window.low),
        high=float(card.window.high),
        cap_ltp=float(card.ltp.largest_step),
        cap_ltd=float(card.ltd.largest_step),
        **drive,
        **law,
        conductance="g_low * pow(g_high / g_low, state)" if logarithmic else "g_low + (g_high - g_low) * state",
    )


def netlist(module: str, drive: dict[str, float], pulses: int = base.PULSES, read_voltage: float = 0.1) -> str:
    """Return an ngspice netlist that applies LTP and then LTD pulses and writes state and pulse count."""
    width = drive["width"]
    edge, period = width / 1000.0, 2.0 * width
    up, down = 2.0 * drive["v_ltp"] * drive["polarity"], -2.0 * drive["v_ltd"] * drive["polarity"]
    shape = f"{edge:.6g} {edge:.6g} {width - edge:.9g} {period:.9g} {pulses}"
    return "\n".join(
        [
            f"{module}: {pulses} LTP and {pulses} LTD pulses, read at {read_voltage:g} V in between",
            f".model device {module}",
            "N1 a 0 device",
            f"V1 a b PULSE(0 {up - read_voltage:.9g} {0.5 * width:.9g} {shape})",
            f"V2 b c PULSE(0 {down - read_voltage:.9g} {0.5 * width + pulses * period:.9g} {shape})",
            f"V3 c 0 DC {read_voltage:.9g}",
            ".options reltol=1e-5",
            f".tran {width / 20:.6g} {2 * pulses * period + 0.5 * width:.9g} 0 {width / 20:.6g}",
            ".control",
            f"pre_osdi {module}.osdi",
            "set wr_singlescale",
            "set wr_vecnames",
            "run",
            "let conductance = -v3#branch / v(a)",
            f"wrdata {module}.txt n1#moved n1#counted conductance",
            ".endc",
            ".end",
            "",
        ]
    )


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the Verilog-A module of a card and an ngspice netlist (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, or nodes is outside 2..1025.
    """
    card = base.convert_to_siemens(card, options, "Verilog-A")
    base.check_moves(card, NAME)
    published = compact.published_coefficients(card)
    tables = compact.rate_tables(card, options.nodes, NAME)
    drive, assumed = compact.pulse_drive(card)
    name = f"dk_{base.identifier(card.name)}"  # "memristor" is a built-in device of ngspice
    mark = base.mark_of(card)
    read_voltage = min(abs(card.conditions.read_voltage_v or 0.1), drive["v_ltp"] / 2, drive["v_ltd"] / 2)
    figures: dict[str, Any] = {"law": "eq. (2)" if published else f"table of {tables['ltp'].size} nodes"}
    if not published:
        figures["deviation"] = base.deviation(card, card.window.from_state(compact.replay(card, tables)))
    return Export(
        files={
            f"{name}.va": base.add_mark(
                _module(card, name, drive, _law_source(published, tables)), "//", mark
            ).encode(),
            f"{name}.cir": base.add_mark(netlist(name, drive, read_voltage=read_voltage), "*", mark).encode(),
        },
        use=(
            f"openvaf-r {name}.va -o {name}.osdi    (OpenVAF-reloaded; OSDI 0.4 or later for ngspice 44)",
            f"ngspice -b {name}.cir    (writes {name}.txt: time [s], moved [1], counted [1], conductance [S])",
            f"N1 a b device   with   .model device {name} r0=0.2   after   pre_osdi {name}.osdi",
        ),
        leaves=(f"{name}.txt", f"{name}.osdi"),
        exact=_exact(card, published is not None),
        approximated=(*_approximated(figures, published is not None), *assumed),
        units=_UNITS,
        noise=compact.noise_sentence(card),
        figures=figures,
    )


def _exact(card: DeviceCard, closed: bool) -> tuple[str, ...]:
    return (
        compact.law_sentence(card, closed),
        "One pulse with the width on the card is one step from the state before it.",
    )


def _approximated(figures: dict[str, Any], closed: bool) -> list[str]:
    return [
        *compact.approximations(figures, closed),
        "Amplitude and width: the card has one pulse. All amplitudes above the threshold (half the amplitude on the "
        "card) have the same effect, and a pulse k times as wide is k steps of the same size.",
        "Pulses need a spacing of a tenth of their width or more, so that the held state can follow. Start a "
        "simulation at a voltage below both thresholds.",
        "A solver finds the edges of pulses within one time step, about 1e-4 of a pulse with this netlist.",
    ]


_UNITS = (
    ("V(te, be)", "V", "voltage on the top electrode"),
    ("g_low, g_high, conductance", "S", ""),
    ("width", "s", "pulse width at half the amplitude"),
    ("v_ltp, v_ltd", "V", "thresholds, half the amplitudes on the card"),
    ("r0, state, moved, held", "1", "state, 0 to 1 over the window"),
    ("counted, pulses", "1", "pulses so far"),
    ("a ... i", "1", "coefficients of eq. (2) for r in 0..1; magnitude of a"),
    ("cap, gain", "1", ""),
)
