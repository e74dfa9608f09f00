"""PyTorch: one Python file with a layer of such devices, an `nn.Module` that needs nothing but torch.

The file draws devices as a `DeviceArray` does, moves them by the card's own law in closed form, and reads them as a
matrix of weights through which gradients flow, so that it stands where `nn.Linear` does in a network of snnTorch or
Norse. A parameter `wish` takes the gradient of the weights: an optimizer sums changes in it, and `update` gives pulses
for them. The export itself needs no torch.
"""

from __future__ import annotations

import re

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, lawtext, pyfile, trained
from devicekit.exporters.base import Export, ExportOptions

NAME = "pytorch"
TITLE = "PyTorch layer of devices"
TAKES = frozenset({"network"})

_TABLE = """    place = x.clamp(0, 1) * (numbers.shape[1] - 1)
    left = place.long().clamp(max=numbers.shape[1] - 2)
    share = place - left
    return (1 - share) * numbers[row, left] + share * numbers[row, left + 1]"""


def _spell(expression: str) -> str:
    """An expression of a form with torch's functions; abs(x) is read as it is."""
    return re.sub(r"\b(clip|exp|log1p|log)\(", r"torch.\1(", expression)


def _law(law: lawtext.LawNumbers) -> tuple[str, str, str]:
    """Return what the columns of LTP and LTD are, the step as a formula, and the body of `step_of`."""
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


def module(card: DeviceCard, options: ExportOptions, law: lawtext.LawNumbers) -> str:
    """The text of the Python file."""
    columns, formula, body = _law(law)
    return pyfile.render("pytorch.py.j2", card, options, law, {"columns": columns, "formula": formula, "law": body})


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """The layer of a card, or the trained network (see the module's docstring).

    Raises
    ------
    UsageError
        If LTP or LTD never moves the device.
    """
    base.check_moves(card, NAME)
    law, network = lawtext.numbers(card, options.noise), options.network
    name, layer = base.identifier(card.name), f"{base.class_name(card)}Synapses"
    found = lawtext.deviation(card, law)
    exact, approximated = lawtext.law_sentences(card, law, found)
    files = {f"{name}_pytorch.py": module(card, options, law).encode()}
    use = [
        "import torch",
        f"from {name}_pytorch import {layer}",
        "torch.manual_seed(1)    # every layer draws a seed of its own from it: devices, first weights, noise",
        f"layer = {layer}(64, 10)    # where torch.nn.Linear(64, 10, bias=False) would be; W starts as that one's",
        "optimizer = torch.optim.SGD([layer.wish], lr=0.005)    # without weight decay, which would not reach W",
        "# other first weights: layer.program(W), or layer.reset_parameters() anew; torch.nn.init would write wishes",
        "# snnTorch: neurons = snntorch.Leaky(beta=0.9); Norse: neurons = norse.torch.LIFCell()",
        "# at each step of time: spikes, state = neurons(layer(x), state)    # state is None at first",
        "# after each batch: optimizer.zero_grad(); loss.backward(); optimizer.step(); layer.update()",
    ]
    units = _units(base.unit(card))
    if network is not None:
        files[f"{name}_network.npz"] = trained.network_file(network)
        use = [
            f"python {name}_pytorch.py            # does the network answer as it did in devicekit?",
            f"from {name}_pytorch import {base.class_name(card)}Network",
            "import numpy",
            f"spikes = numpy.load('{name}_network.npz')['spikes']    # or your own: 0 or 1, (samples, steps, inputs)",
            f"classes, counts = {base.class_name(card)}Network()(spikes)",
            *use,
        ]
        exact += trained.EXACT
        approximated += trained.APPROXIMATED
        units = (*units, *trained.UNITS)
    return Export(
        files=files,
        use=tuple(use),
        leaves=base.COMPILED,
        exact=tuple(exact),
        approximated=(
            *approximated,
            "Readings are linear and ideal: x @ W, without lines of the crossbar, converters or a law of the voltage.",
            "The default type of torch has 7 digits; dtype=torch.float64 has 16.",
        ),
        units=units,
        noise=lawtext.noise_sentence(card, options, law),
        figures={"law": "closed form" if found is None else "table", **({} if found is None else {"deviation": found})},
    )


def _units(unit: str) -> tuple[tuple[str, str, str], ...]:
    return (
        ("LOW, HIGH, conductances(), put()", unit, "window and devices"),
        ("r, READ_SD, UPDATE_SD, STEP", "1", "state, 0 to 1 over the window, and fractions of it"),
        ("RELATIVE_SD", "1", "fraction of an update's own step"),
        ("LN_GAIN_SD", "1", "of ln step over devices"),
        ("weight(), wish, level, scale", "1", "weight; scale is that of the whole window"),
    )
