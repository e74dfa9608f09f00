"""Brian2: one Python file with `Synapses` as devices, one state per synapse, changed by pulses.

The law of the card is written in closed form in the language of Brian2, so that it runs with every target of its code
generation. A function draws the devices as a `DeviceArray` does. If the card has a spike-timing window, the file has
code for it. A trained network has both layers, with schedule slots that let hidden spikes reach the outputs in the
same step. The export itself does not need Brian2.
"""

from __future__ import annotations

import re

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, lawtext, pyfile
from devicekit.exporters.base import Export, ExportOptions

NAME = "brian2"
TITLE = "Brian2 synapses"
TAKES = frozenset({"network", "window"})

_FUNCTIONS = {"exp", "log", "log1p", "abs", "clip", "int", "sqrt"}
# True: linear in ln G, False: linear in G
_VALUE = {True: "LOW * exp({r} * log(HIGH / LOW))", False: "LOW + (HIGH - LOW) * {r}"}
_STDP_MOVE = {
    True: "r = clip(r + log(clip(1 + change_stdp, 1e-3, 1e6)) / PAIRS / log(HIGH / LOW), 0, 1)",
    False: "r = clip((g * clip(1 + change_stdp, 1e-3, 1e6) ** (1.0 / PAIRS) - LOW) / (HIGH - LOW), 0, 1)",
}


def _rename_variables(direction: str, names: set[str], expression: str) -> str:
    """Add the direction to names of an expression, which could otherwise refer to variables of a neuron."""
    return re.sub(r"\b[A-Za-z_]\w*", lambda word: f"{word[0]}_{direction}" if word[0] in names else word[0], expression)


def _step(law: lawtext.LawNumbers, direction: str) -> list[str]:
    """Return lines of code up to `step_DIRECTION`, the size of a step [1]."""
    end = direction.upper()
    if law.form is None:
        last = law.rows[direction].shape[1] - 1
        return [
            f"place_{direction} = clip(x_{direction}, 0, 1) * {last}",
            f"left_{direction} = clip(floor(place_{direction}), 0, {last - 1})",
            f"share_{direction} = place_{direction} - left_{direction}",
            f"step_{direction} = (1 - share_{direction}) * TABLE_{end}(left_{direction} * second, row)"
            f" + share_{direction} * TABLE_{end}((left_{direction} + 1) * second, row)",
        ]
    lines = lawtext.assignments(law.form, lambda expression: expression)
    names = {"x", "k", "cap", "step", *law.form.parameters, *(line.split(" = ")[0] for line in lines)} - _FUNCTIONS
    # Brian2 does not convert a condition to a number
    lines = [line.replace(f"({law.form.moves}) *", f"int({law.form.moves}) *") for line in lines]
    return [_rename_variables(direction, names, line) for line in (*lines, "step = clip(rate, 0, cap)")]


def pulse(law: lawtext.LawNumbers, direction: str) -> str:
    """Return the code of one pulse in the language of Brian2."""
    end, sign = direction.upper(), "+" if direction == "ltp" else "-"
    lines = [
        f"x_{direction} = {'r' if direction == 'ltp' else '1 - r'}",
        *_step(law, direction),
        f"sd_{direction} = sqrt(UPDATE_SD_{end}**2 + (RELATIVE_SD_{end} * gain_{direction} * step_{direction})**2)",
        f"r = clip(r {sign} gain_{direction} * step_{direction} + sd_{direction} * randn(), 0, 1)",
    ]
    return "\n".join(lines)


def _imports(names: list[str]) -> str:
    """Format the names of an import in the order of isort: classes first."""
    names = sorted(names, key=lambda word: (word[0].islower(), word))
    line = ", ".join(names)
    return line if len(line) <= 100 else "(\n" + "".join(f"    {name},\n" for name in names) + ")"


def module(law: lawtext.LawNumbers, options: ExportOptions) -> str:
    """Return the text of the Python file."""
    logarithmic, stdp = law.card.window.scale == "log", law.card.stdp
    names = () if law.form is None else ("k", *law.form.parameters, "cap")
    table = law.form is None
    imported = ["Network", "NeuronGroup", "SpikeGeneratorGroup", "Synapses", "prefs", "second", "siemens"]
    imported += ["SpikeMonitor"] if options.network is not None else ["StateMonitor", "ms"]
    imported += ["TimedArray"] if table else []
    if not table and stdp is None and options.network is None:
        imported.remove("second")
    parameters = [f"{name}_{direction} : 1 (constant)" for direction in base.SIGNS for name in names]
    more = {
        "imports": _imports(imported),
        "columns": "steps [1] at evenly spaced x of 0 to 1" if table else "numbers of LTP and LTD [1]",
        "names": ", ".join(f'"{name}"' for name in names),
        "table": table,
        "parameters": ["row : integer (constant)"] if table else parameters,
        "formula": "linear between the values in the table." if law.form is None else f"{law.form.title}; at most cap.",
        "value": _VALUE[logarithmic].format(r="r"),
        "value_read": _VALUE[logarithmic].format(r="{state}"),
        "potentiate": pulse(law, "ltp"),
        "depress": pulse(law, "ltd"),
        "stdp": None if stdp is None else {**stdp.model_dump(), "noise": stdp.noise if options.noise else 0.0},
        "stdp_mark": " (SYNTHETIC)" if stdp is not None and stdp.synthetic else "",
        "stdp_move": _STDP_MOVE[logarithmic],
    }
    return pyfile.render("brian2.py.j2", law, options, more)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the synapses of a card, or a trained network (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, or LTP or LTD never changes the state.
    """
    card = base.convert_to_siemens(card, options, "Brian2")
    base.check_moves(card, NAME)
    law, stdp = lawtext.numbers(card, options.noise), card.stdp
    name = base.identifier(card.name)
    use = [
        f"from {name}_brian2 import DEPRESS, POTENTIATE, devices, pulse_by, read",
        "synapses = devices(inputs, neurons, scale=0.5)       # a spike adds a weight to v of the neurons",
        "pulses = pulse_by(generator, synapses, POTENTIATE)   # spikes of a generator act as pulses",
        'rule = devices(inputs, neurons, on_pre={"read": read(), "down": DEPRESS}, on_post={"up": POTENTIATE})',
    ]
    if stdp is not None:
        use.append(
            'rule = devices(inputs, neurons, on_pre={"read": read(), "stdp": STDP_PRE}, on_post={"stdp_2": STDP_POST})'
        )
    if options.network is None:
        use[:0] = [
            f"python {name}_brian2.py    # 100 LTP and 100 LTD pulses as CSV; ignore the warnings of Brian2 here"
        ]
    else:
        use[:0] = [
            f"python {name}_brian2.py              # compares the answers with those in devicekit",
            "import numpy",
            f"from {name}_brian2 import answers, load_network",
            f"spikes = numpy.load('{name}_network.npz')['spikes']    # or your own: 0 or 1, (samples, steps, inputs)",
            "classes, counts = answers(*load_network(), spikes)",
        ]
    pairs = (
        "The spike-timing window of the card (STDP_PRE, STDP_POST): relative change of G for each pair of "
        "neighbouring spikes, within the window of conductance."
    )
    unknown = "The number of spike pairs behind one measured change is not on the card: set pairs=, 1 by default."
    readme = pyfile.Readme(
        use,
        _UNITS,
        exact=() if stdp is None else (pairs,),
        approximated=() if stdp is None else (unknown,),
        limits=(
            "Readings are ideal and linear: a spike adds a weight, without line resistance or nonlinear I-V. A pulse "
            "is an event without duration.",
        ),
        carries=("stdp",),
        origin=_origin(card),
        window=card.window,
    )
    return pyfile.export(NAME, law, options, module(law, options), readme)


def _origin(card: DeviceCard) -> tuple[str, ...]:
    """Return the source of the spike-timing window of a card."""
    if card.stdp is None:
        return ()
    mark = "SYNTHETIC: " if card.stdp.synthetic else ""
    return (f"Spike-timing window: {mark}{card.stdp.source}, {card.stdp.n} readings.",)


_UNITS = (
    ("LOW, HIGH, g, reference", "S", "window and conductance"),
    ("r, READ_SD, UPDATE_SD", "1", "state, 0 to 1 over the window, and fractions of the window"),
    ("RELATIVE_SD", "1", "sd of an update as a fraction of its step"),
    ("LN_GAIN_SD", "1", "sd of ln step over devices"),
    ("scale", "unit of v", "weight of the whole window"),
)
