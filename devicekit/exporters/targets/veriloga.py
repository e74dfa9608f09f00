"""Verilog-A: a behavioural memristor whose state changes by the fitted step at every pulse.

Compilers of compact models (OpenVAF) do not support events. While |V| is above its threshold the state changes at the
rate rdot(held) / width, where `held` is the state at the start of the pulse (a second node that follows the state
between pulses). A pulse with the width on the card, measured at half its amplitude, thus changes the state by exactly
one step, and a third node counts pulses. G is ohmic: I = G(r) V.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, compact
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.compact import CompactModel

NAME = "veriloga"
TITLE = "Verilog-A behavioural model"
TAKES = frozenset({"nodes", "window"})


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


def _law_source(model: CompactModel) -> dict[str, str]:
    """Return the parts of the module that depend on the law."""
    if model.published is None:
        lines = [line for direction, values in model.tables.items() for line in _table(direction, values)]
        calls = {f"call_{direction}": f"rate_{direction}(start)" for direction in base.SIGNS}
        return {"parameters": "", "functions": "\n".join(lines), **calls}
    parameters, calls = [], {}
    for direction, law in model.published.items():
        numbers = {"a": abs(law.a), **{name: getattr(law, name) for name in "bcdfghi"}}
        parameters += [
            f"    parameter real {name}_{direction} = {float(value)!r};  // eq. (2), r in 0..1 [1]"
            for name, value in numbers.items()
        ]
        calls[f"call_{direction}"] = f"eq2(start, {', '.join(f'{name}_{direction}' for name in numbers)})"
    return {"parameters": "\n".join(parameters) + "\n", **calls}


def module(model: CompactModel) -> str:
    """Return the Verilog-A module as text."""
    logarithmic = model.card.window.scale == "log"
    values = {
        **model.facts,
        **asdict(model.drive),
        **_law_source(model),
        "published": model.published is not None,
        "conductance": "g_low * pow(g_high / g_low, state)" if logarithmic else "g_low + (g_high - g_low) * state",
    }
    return base.render("veriloga.va.j2", values)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the Verilog-A module of a card and an ngspice netlist (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, or nodes is outside 2..1025.
    """
    model = CompactModel.of(card, options, NAME, "Verilog-A")
    name, mark = model.name, base.mark_of(model.card)
    saved = ("let conductance = -v3#branch / v(a)", f"wrdata {name}.txt n1#moved n1#counted conductance")
    control = (f"pre_osdi {name}.osdi", "set wr_singlescale", "set wr_vecnames", "run", *saved)
    bench = model.bench((f".model device {name}", "N1 a 0 device"), "1e-5", control)
    return Export(
        files={
            f"{name}.va": base.add_mark(module(model), "//", mark).encode(),
            f"{name}.cir": base.add_mark(bench, "*", mark).encode(),
        },
        use=(
            f"openvaf-r {name}.va -o {name}.osdi    (OpenVAF-reloaded; OSDI 0.4 or later for ngspice 44)",
            f"ngspice -b {name}.cir    (writes {name}.txt: time [s], moved [1], counted [1], conductance [S])",
            f"N1 a b device   with   .model device {name} r0=0.2   after   pre_osdi {name}.osdi",
        ),
        leaves=(f"{name}.txt", f"{name}.osdi"),
        exact=(model.law_sentence, "One pulse with the width on the card is one step from the state before it."),
        approximated=model.approximations(
            "Amplitude and width: the card has one pulse. All amplitudes above the threshold (half the amplitude on "
            "the card) have the same effect, and a pulse k times as wide is k steps of the same size.",
            "Pulses need a spacing of a tenth of their width or more, so that the held state can follow. Start a "
            "simulation at a voltage below both thresholds.",
            "A solver finds the edges of pulses within one time step, about 1e-4 of a pulse with this netlist.",
        ),
        units=_UNITS,
        noise=compact.noise_sentence(model.card),
        figures=model.figures,
    )


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
