"""PyTorch: one Python file with a layer of devices, an `nn.Module` that needs only torch.

The file draws devices as a `DeviceArray` does, changes them by the law of the card in closed form, and reads them as a
matrix of weights with gradients. The layer can replace `nn.Linear` in a network of snnTorch or Norse. Its parameter
`wish` receives the gradient of the weights: an optimizer sums changes in it, and `update` applies pulses for them. The
export itself does not need torch.
"""

from __future__ import annotations

import re

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, lawtext, pyfile
from devicekit.exporters.base import Export, ExportOptions

NAME = "pytorch"
TITLE = "PyTorch layer of devices"
TAKES = frozenset({"network"})
_NEURONS = "the layer of to='pytorch', followed by neurons of {}. For a network of your own: devicekit.torch.convert."
ALSO = {
    "norse": _NEURONS.format("Norse"),
    "snntorch": _NEURONS.format("snnTorch"),
    "torch": "to='pytorch'. For a network of your own: devicekit.torch.convert.",
}

_TABLE = """    place = x.clamp(0, 1) * (numbers.shape[1] - 1)
    left = place.long().clamp(max=numbers.shape[1] - 2)
    share = place - left
    return (1 - share) * numbers[row, left] + share * numbers[row, left + 1]"""


def _spell(expression: str) -> str:
    """Write an expression of a form with functions of torch; abs(x) needs no change."""
    return re.sub(r"\b(clip|exp|log1p|log)\(", r"torch.\1(", expression)


def _law(law: lawtext.LawNumbers) -> tuple[str, str, str]:
    """Return the meaning of the columns of LTP and LTD, the step as a formula, and the body of `step_of`."""
    form = law.form
    if form is None:
        columns = "steps [1] at evenly spaced x of 0 to 1"
        return columns, "Linear between the values at evenly spaced x.", _TABLE
    names = ", ".join(("k", *form.parameters, "cap"))
    lines = [
        f"{names} = numbers[row].unbind(-1)",
        *lawtext.assignments(form, _spell),
        "return torch.minimum(rate, cap)",
    ]
    return f"{names} [1]", f"{form.title}; at most cap.", "\n".join(f"    {line}" for line in lines)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the layer of a card, or a trained network (see the docstring of the module).

    Raises
    ------
    UsageError
        If LTP or LTD never changes the state.
    """
    base.check_moves(card, NAME)
    law = lawtext.numbers(card, options.noise)
    columns, formula, body = _law(law)
    name, made = base.identifier(card.name), base.class_name(card)
    use = [
        "import torch",
        f"from {name}_pytorch import {made}Synapses",
        "torch.manual_seed(1)    # each layer draws its seed from it, for devices, initial weights and noise",
        f"layer = {made}Synapses(64, 10)    # replaces torch.nn.Linear(64, 10, bias=False), with the same initial "
        "weights",
        "optimizer = torch.optim.SGD([layer.wish], lr=0.005)    # without weight decay, which would not act on W",
        "# other initial weights: layer.program(W) or layer.reset_parameters(), not torch.nn.init, which writes wish",
        "# snnTorch: neurons = snntorch.Leaky(beta=0.9); Norse: neurons = norse.torch.LIFCell()",
        "# at each time step: spikes, state = neurons(layer(x), state)    # start with state None",
        "# after each batch: optimizer.zero_grad(); loss.backward(); optimizer.step(); layer.update()",
    ]
    if options.network is not None:
        use[:0] = [
            f"python {name}_pytorch.py            # compares the answers with those in devicekit",
            f"from {name}_pytorch import {made}Network",
            "import numpy",
            f"spikes = numpy.load('{name}_network.npz')['spikes']    # or your own: 0 or 1, (samples, steps, inputs)",
            f"classes, counts = {made}Network()(spikes)",
        ]
    readme = pyfile.Readme(
        use,
        _units(base.unit(card)),
        limits=(
            "Readings are ideal and linear: x @ W, without line resistance, converters or nonlinear I-V.",
            "The default type of torch has 7 digits; dtype=torch.float64 has 16.",
        ),
    )
    text = pyfile.render("pytorch.py.j2", law, options, {"columns": columns, "formula": formula, "law": body})
    return pyfile.export(NAME, law, options, text, readme)


def _units(unit: str) -> base.Units:
    return (
        ("LOW, HIGH, conductances(), put()", unit, "window and devices"),
        ("r, READ_SD, UPDATE_SD, STEP", "1", "state, 0 to 1 over the window, and fractions of the window"),
        ("RELATIVE_SD", "1", "sd of an update as a fraction of its step"),
        ("LN_GAIN_SD", "1", "sd of ln step over devices"),
        ("weight(), wish, level, scale", "1", "weight; scale is the weight of the whole window"),
    )
