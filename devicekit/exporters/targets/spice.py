"""SPICE: a subcircuit of behavioural sources whose state changes by the fitted step at every pulse, for plain ngspice.

A pulse is an event: while |V| is above its threshold, the node `moved` goes to the state one step away from `held` and
stays there for the whole pulse; between pulses `held` follows. So a pulse of any width is one step, and a third pair
of nodes counts pulses. G is ohmic: I = G(r) V. Expressions only use min, max, exp, ln and products, with the same
syntax in ngspice and LTspice.
"""

from __future__ import annotations

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, compact
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.compact import CompactModel
from devicekit.models.laws.eq2 import Eq2

NAME = "spice"
TITLE = "SPICE subcircuit (ngspice)"
TAKES = frozenset({"nodes", "window"})
FAST = 50.0  # rate at which the state follows, per pulse width
LINE = 12  # terms of a sum per line of a netlist


def _eq2(node: str, law: Eq2) -> list[str]:
    """Return lines of |eq. (2)|; 0 if b - c r is not positive."""
    return [
        f"Bz{node} z{node} 0 V={float(law.f)!r}*V(start)+({float(law.g)!r})",
        f"Bb{node} b{node} 0 V={float(law.b)!r}-({float(law.c)!r})*V(start)",
        f"Bm{node} m{node} 0 V=max(V(z{node}),0)",
        f"B{node} {node} 0 V=min(1,1e15*max(V(b{node})-1e-12,0))*exp(min(1,{float(np.log(abs(law.a)))!r}",
        f"+ +({float(law.d)!r})*ln(max(V(b{node}),1e-12))",
        f"+ -({float(law.h)!r})*(V(m{node})+ln({float(law.i)!r}*exp(-V(m{node}))+exp(V(z{node})-V(m{node}))))))",
    ]


def _table(node: str, values: np.ndarray) -> list[str]:
    """Return lines of a piecewise-linear table: first value plus slope changes times max(x - k, 0)."""
    x = f"V(x{node})"
    slopes = np.diff(values)
    bends = np.diff(slopes, prepend=0.0)
    terms = [f"{float(bend)!r}*max({x}-{k},0)" for k, bend in enumerate(bends) if bend != 0]
    lines = [f"Bx{node} x{node} 0 V={values.size - 1}*V(start)"]
    parts = [terms[k : k + LINE] for k in range(0, len(terms), LINE)] or [[]]
    for number, part in enumerate(parts):
        lines.append(f"Bs{node}{number} s{node}{number} 0 V=" + "+".join(part or ["0"]).replace("+-", "-"))
    total = "+".join([repr(float(values[0])), *(f"V(s{node}{number})" for number in range(len(parts)))])
    return [*lines, f"B{node} {node} 0 V=max(0,{total})"]


def subcircuit(model: CompactModel) -> str:
    """Return the subcircuit as text."""
    rates = [
        line
        for direction in base.SIGNS
        for line in (
            _eq2(direction, model.published[direction])
            if model.published
            else _table(direction, model.tables[direction])
        )
    ]
    window, drive = model.card.window, model.drive
    state = "max(0,min(1,{r0}+V(moved)))"
    low, high = float(window.low), float(window.high)
    ohmic = f"{low!r}+{high - low!r}*{state}"
    law = {
        "width": drive.width,
        "v_ltp": drive.v_ltp / 1.05,
        "v_ltd": drive.v_ltd / 1.05,
        "polarity": f"{drive.polarity:g}",
        "rates": "\n".join(rates),
        "fast": f"{FAST:g}",
        "conductance": f"{low!r}*exp({float(np.log(high / low))!r}*{state})" if window.scale == "log" else ohmic,
    }
    return base.render("spice.lib.j2", {**model.facts, **law})


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the subcircuit of a card and a test bench (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, or nodes are outside 2..1025 or do not apply.
    """
    model = CompactModel.of(card, options, NAME, "SPICE")
    name, mark = model.name, base.mark_of(model.card)
    saved = ("let conductance = -v3#branch / v(a)", f"wrdata {name}.txt conductance v(x1.counted)")
    control = ("set wr_singlescale", "set wr_vecnames", "set numdgt=12", "run", *saved)
    bench = model.bench((f".include {name}.lib", f"X1 a 0 {name}"), "1e-6", control, comment="* ")
    return Export(
        files={
            f"{name}.lib": base.add_mark(subcircuit(model), "*", mark).encode(),
            f"{name}.cir": base.add_mark(bench, "*", mark).encode(),
        },
        use=(
            f"ngspice -b {name}.cir    (writes {name}.txt: time [s], conductance [S], pulses so far)",
            f"X1 a b {name} r0=0.2   after   .include {name}.lib",
        ),
        leaves=(f"{name}.txt",),
        exact=(
            model.law_sentence,
            "One pulse of any width above the threshold is one step from the state before it.",
        ),
        approximated=model.approximations(
            "Amplitude and width: the card has one pulse. All amplitudes above the threshold (half the amplitude on "
            "the card) have the same effect, and so have all widths above a fifth of the width on the card.",
            "Pulses need a spacing of half the width on the card or more, so that the held state can follow. Start a "
            "simulation at a voltage below both thresholds.",
            "Tested in ngspice 44. LTspice has the same syntax, but was not tested. Xyce needs braces around each "
            "expression, which ngspice rejects.",
        ),
        units=_UNITS,
        noise=compact.noise_sentence(model.card),
        figures=model.figures,
    )


_UNITS = (
    ("V(te, be)", "V", "voltage on the top electrode"),
    ("V(cond)", "S", "conductance, one volt per siemens"),
    ("capacitors", "F", "numerically the pulse width in s; sets how fast the state follows"),
    ("r0, V(moved), V(held)", "1", "state, 0 to 1 over the window; moved and held minus r0"),
    ("V(counted)", "1", "pulses so far; column v(x1.counted) of the bench"),
    ("gain_ltp, gain_ltd", "1", "factors on every step"),
)
