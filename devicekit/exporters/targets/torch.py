"""PyTorch: one Python file with a layer of such devices, an `nn.Module` that needs nothing but torch.

The file draws devices as a `DeviceArray` does, moves them by the card's own law in closed form, and reads them as a
matrix of weights through which gradients flow, so that it stands where `nn.Linear` does in a network of snnTorch or
Norse. A parameter `wish` takes the gradient of the weights: an optimizer sums changes in it, and `update` gives pulses
for them. The export itself needs no torch.
"""

from __future__ import annotations

import re
from string import Template

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.symmetry import symmetric_point
from devicekit.exporters import base, lawtext, trained
from devicekit.exporters.base import Export, ExportOptions

NAME = "torch"
TITLE = "PyTorch layer of devices"
TAKES = frozenset({"network"})

_USAGE = """    layer = {Class}Synapses(64, 10, seed=1)
    y = layer(x)  # in the place of torch.nn.Linear(64, 10, bias=False)
    layer.pulse(1)  # one LTP pulse on every device

Run as a program it pulses one device up and down."""
_USAGE_NETWORK = """    classes, counts = {Class}Network()(spikes)  # spikes of shape (n, steps, channels)

Run as a program it compares the network's answers with those in {name}_network.npz."""
_IMPORTS = """from pathlib import Path
from typing import Any

import numpy as np"""
_FILE = """FILE = Path(__file__).with_name("{name}_network.npz")
"""

_HEAD = '''"""Layers of devices for PyTorch, made by devicekit from a device card. README.txt says what is exact.

$usage
"""

from __future__ import annotations

import math
${imports}
import torch
from torch import Tensor, nn

${file}# name, source and SHA-256 of the device card's data
CARD = $card
SYNTHETIC = $synthetic  # whether the card was made up, not measured
LOW, HIGH = $low, $high  # window [$unit]
LOGARITHMIC = $logarithmic  # whether the state r, 0 to 1 over the window, is linear in ln G; else in G
UPDATE_SD = $update_sd  # standard deviation of one update, LTP and LTD [window]
RELATIVE_SD = $relative_sd  # the same as a fraction of the update's own step, beside it [1]
READ_SD = $read_sd  # standard deviation of one reading [window]
LN_GAIN_SD = $gain_sd  # standard deviation of ln step over devices, LTP and LTD [1]
LN_GAIN_CORRELATION = $gain_correlation
STEP = $step  # what one pulse does in the middle of the window, mean of LTP and LTD [window]
# $columns
# first row: the central device; others: measured devices one by one
# fmt: off
LTP = $ltp
LTD = $ltd
# fmt: on


def step_of(x: Tensor, numbers: Tensor, row: Tensor) -> Tensor:
    """Size of the step of one pulse [1] at x, which is r for LTP and 1 - r for LTD.

    $formula
    """
$law


def value_of(r: Tensor) -> Tensor:
    """$Quantity [$unit] of states [1]."""
    return LOW * (HIGH / LOW) ** r if LOGARITHMIC else LOW + (HIGH - LOW) * r


def state_of(value: Tensor) -> Tensor:
    """States [1] of $quantity [$unit]."""
    return torch.log(value / LOW) / math.log(HIGH / LOW) if LOGARITHMIC else (value - LOW) / (HIGH - LOW)

'''

_LAYER = '''
class ${Class}Synapses(nn.Module):
    """Devices between inputs and outputs: y = x @ W with W = scale (G+ - G-) / (HIGH - LOW).

    Parameters
    ----------
    in_features, out_features : int
        Shape of W.
    pairs : bool
        Two devices a weight; else one, and G- is a fixed reference.
    scale : float
        Weight of the whole window [1].
    middle : float
        State in which every device starts, and of the reference, 0 to 1 [1].
    seed : int
        Says which devices are drawn, and all noise. Give each layer its own.
    c2c : bool
        Whether updates scatter.
    d2d : {"resample", "shared", "none"}
        Devices drawn from the measured ones, LTP and LTD of one device together; or one law with correlated ln gains;
        or every device the central one. What the card does not say has no effect.
    read_noise : bool
        Whether readings (`conductances`, `weight`, `forward`) have noise, fresh each time.
    level : float, optional
        Change of a weight that `update` takes one pulse to do [1]; scale * STEP if not given.
    most : int
        Pulses that a weight gets in one `update` at most.
    dtype, device : optional
        As of any tensor.

    Attributes
    ----------
    r : Tensor, shape (in_features, out_features, 2 or 1)
        States [1]; the first of a pair is G+.
    wish : Parameter, shape (in_features, out_features)
        Changes of weights that pulses have not done yet [1]. W does not hold it; it takes the gradient of W.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        pairs: bool = True,
        scale: float = 1.0,
        middle: float = $middle,
        seed: int = 0,
        c2c: bool = True,
        d2d: str = "$d2d",
        read_noise: bool = False,
        level: float | None = None,
        most: int = 20,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if d2d not in ("resample", "shared", "none") or not 0 <= middle <= 1:
            raise ValueError(f"d2d is resample, shared or none, middle 0 to 1; not {d2d!r}, {middle!r}")
        self.pairs, self.scale, self.middle = pairs, scale, middle
        self.c2c, self.read_noise, self.most = c2c, read_noise, most
        self.level = scale * STEP if level is None else level
        kind: dict = {"dtype": dtype or torch.get_default_dtype(), "device": device}
        shape = (in_features, out_features, 2 if pairs else 1)
        self.register_buffer("r", torch.full(shape, float(middle), **kind))
        # what all noise follows from: the seed, and how many random tensors there were so far
        self.register_buffer("stream", torch.tensor([seed, 0], dtype=torch.int64, device=device))
        self.register_buffer("row", torch.zeros(shape, dtype=torch.int64, device=device))  # of LTP and LTD
        self.register_buffer("gain", torch.ones((2, *shape), **kind))  # on the steps of LTP and of LTD
        self.register_buffer("ltp", torch.tensor(LTP, **kind), persistent=False)
        self.register_buffer("ltd", torch.tensor(LTD, **kind), persistent=False)
        self.wish = nn.Parameter(torch.zeros(shape[:2], **kind))
        if d2d == "resample" and len(LTP) > 1:
            self.row = torch.randint(1, len(LTP), shape, generator=self._generator(), device=device)
        elif d2d == "shared":
            up, down = self._normal(shape), self._normal(shape)
            down = LN_GAIN_CORRELATION * up + math.sqrt(1 - LN_GAIN_CORRELATION**2) * down
            for k, normal in enumerate((up, down)):  # of mean 1
                self.gain[k] = torch.exp(LN_GAIN_SD[k] * normal - LN_GAIN_SD[k] ** 2 / 2)

    def _generator(self) -> torch.Generator:
        """Of the next random tensor; a layer whose state_dict is loaded goes on as the one that was saved."""
        seed, draws = self.stream.tolist()
        self.stream[1] += 1
        return torch.Generator(self.r.device).manual_seed((seed * 1_000_003 + draws) * 0x9E3779B1 % 2**63)

    def _normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator(), dtype=self.r.dtype, device=self.r.device)

    def forward(self, x: Tensor) -> Tensor:
        """x @ W: x of shape (..., in_features) to (..., out_features); gradients flow to x and to `wish`."""
        return x @ self.weight()

    def weight(self) -> Tensor:
        """W [1] as it is read now, shape (in_features, out_features)."""
        value = self.conductances()
        minus = value[..., 1] if self.pairs else value_of(torch.full_like(value[..., 0], self.middle))
        return self.scale * (value[..., 0] - minus) / (HIGH - LOW) + (self.wish - self.wish.detach())

    @torch.no_grad()
    def conductances(self) -> Tensor:
        """$Quantity [$unit] of all devices as they are read now, shape of `r`."""
        noise = READ_SD * self._normal(self.r.shape) if self.read_noise and READ_SD > 0 else 0.0
        return value_of(self.r + noise)

    @torch.no_grad()
    def put(self, value: Tensor) -> None:
        """Set the $quantity [$unit] of all devices, shape of `r`, clipped to the window."""
        self.r.copy_(state_of(value.to(self.r)).clamp(0, 1))

    @torch.no_grad()
    def program(self, weight: Tensor) -> None:
        """Set devices about `middle` so that W is `weight` [1]; beyond +-scale it is clipped."""
        middle = value_of(torch.tensor(self.middle, dtype=self.r.dtype, device=self.r.device))
        change = weight.to(self.r) * (HIGH - LOW) / self.scale
        if self.pairs:  # where one device reaches its end the other makes up for it
            minus = ((middle + change / 2).clamp(LOW, HIGH) - change).clamp(LOW, HIGH)
            self.put(torch.stack([(minus + change).clamp(LOW, HIGH), minus], -1))
        else:
            self.put((middle + change).clamp(LOW, HIGH).unsqueeze(-1))

    @torch.no_grad()
    def pulse(self, counts: Tensor | int) -> None:
        """Pulses on each device, which may be given for all alike or as whole numbers of the shape of `r`.

        `counts` > 0 are LTP pulses, < 0 LTD pulses.
        """
        counts = torch.as_tensor(counts, device=self.r.device).expand(self.r.shape)
        for done in range(int(counts.abs().max())):
            self._pulse_once(torch.sign(counts) * (counts.abs() > done))

    def _pulse_once(self, sign: Tensor) -> None:
        at = sign != 0
        r, up, row = self.r[at], sign[at] > 0, self.row[at]
        step = torch.where(up, step_of(r, self.ltp, row), -step_of(1 - r, self.ltd, row))
        step = step * torch.where(up, self.gain[0][at], self.gain[1][at])
        if self.c2c and max(*UPDATE_SD, *RELATIVE_SD) > 0:
            fixed, share = (torch.where(up, *sd).to(r) for sd in (UPDATE_SD, RELATIVE_SD))
            step = step + torch.hypot(fixed, share * step) * self._normal(tuple(r.shape))
        self.r[at] = (r + step).clamp(0, 1)

    @torch.no_grad()
    def update(self, dw: Tensor | None = None) -> int:
        """Turn wished changes into pulses: one for each `level` in `wish`, at most `most`; the rest is carried over.

        An optimizer that holds `wish` writes its changes there: call `optimizer.step()`, then `update()`. A rule
        without an optimizer gives them as `dw` [1]. Each pulse goes to one device of a pair, by chance.
        Returns the number of pulses.
        """
        if dw is not None:
            self.wish += dw
        counts = torch.trunc(self.wish / self.level).clamp(-self.most, self.most)
        self.wish -= counts * self.level
        for done in range(int(counts.abs().max())):
            sign = torch.sign(counts) * (counts.abs() > done)
            if self.pairs:
                plus = torch.rand(sign.shape, generator=self._generator(), device=sign.device) < 0.5
                self._pulse_once(torch.stack([sign * plus, -sign * ~plus], -1))
            else:
                self._pulse_once(sign.unsqueeze(-1))
        return int(counts.abs().sum())

'''

_DEMO = """
if __name__ == "__main__":
    layer = ${Class}Synapses(1, 1, pairs=False, middle=0.0, c2c=False, d2d="none", dtype=torch.float64)
    for sign, name in ((1, "LTP"), (-1, "LTD")):
        for count in (1, 9, 40, 50):
            layer.pulse(sign * count)
            print(f"{name}, {count} more: {float(layer.conductances()):.6g} $unit")
"""

_NETWORK = '''
class ${Class}Network(nn.Module):
    """The trained network: the devices of both layers, and leaky integrate-and-fire neurons.

    At each step v <- decay v + (weights of the inputs that fire now); where v >= threshold a neuron fires, and v is 0.
    Hidden spikes reach the outputs in the same step. An output that fired rests: for `refractory` steps v stays 0 and
    inputs are lost. The class is the output with most spikes; of several the one whose v, summed over the steps in
    which it did not rest and before a spike resets it, is largest.

    Parameters
    ----------
    file : path-like
        $npz.
    **options
        Of both layers; float64 if not said otherwise.
    """

    def __init__(self, file: str | Path = FILE, **options: Any) -> None:
        super().__init__()
        with np.load(file) as archive:
            held = dict(archive)
        options = {"dtype": torch.float64, **options}
        for seed, name in enumerate(("hidden", "output")):
            plus, minus = (torch.as_tensor(held[f"{name}_{part}"]) for part in ("plus", "minus"))
            pairs = bool(held[f"{name}_paired"])
            middle = 0.5 if pairs else float(state_of(minus[0, 0]))
            own: dict = {"pairs": pairs, "scale": float(held[f"{name}_scale"]), "middle": middle, "seed": seed}
            layer = ${Class}Synapses(*plus.shape, **{**own, **options})
            layer.put(torch.stack([plus, minus], -1) if pairs else plus.unsqueeze(-1))
            setattr(self, name, layer)
        self.decay = float(held["hidden_decay"]), float(held["output_decay"])
        self.threshold, self.refractory = float(held["threshold"]), int(held["refractory"])

    def forward(self, spikes: Tensor) -> tuple[Tensor, Tensor]:
        """Classes (n,) and spikes of each output (n, classes) for inputs of shape (n, steps, channels), 0 or 1."""
        spikes = spikes.to(self.hidden.r)
        v = spikes.new_zeros(len(spikes), self.hidden.wish.shape[1])
        u = spikes.new_zeros(len(spikes), self.output.wish.shape[1])
        rest, counts, potential = (torch.zeros_like(u) for _ in range(3))
        for now in spikes.unbind(1):
            v = self.decay[0] * v + self.hidden(now)
            fired = v >= self.threshold
            v = v * ~fired
            resting = rest > 0
            u = (self.decay[1] * u + self.output(fired.to(v))) * ~resting
            potential = potential + u
            out = u >= self.threshold
            counts, u = counts + out, u * ~out
            rest = torch.where(out, float(self.refractory), (rest - 1).clamp(min=0))
        tied = torch.where(counts == counts.max(1, keepdim=True).values, potential, -math.inf)
        return tied.argmax(1), counts.long()


@torch.no_grad()
def check(file: str | Path = FILE) -> tuple[int, int, int]:
    """How many samples of the file's check have the same spike counts and class here, and how many there are."""
    with np.load(file) as archive:
        held = dict(archive)
    classes, counts = ${Class}Network(file)(torch.as_tensor(held["spikes"]))
    same = (counts.numpy() == held["counts"]).all(1).sum(), (classes.numpy() == held["classes"]).sum()
    return int(same[0]), int(same[1]), len(classes)


if __name__ == "__main__":
    print("same spike counts in {}, same class in {} of {} samples".format(*check()))
'''


def _matrix(rows: np.ndarray) -> str:
    """Numbers as nested lists, lines of less than 120 characters."""
    lines = ["["]
    for row in rows:
        words, line = [repr(float(value)) for value in row], "    ["
        for k, word in enumerate(words):
            word += "]," if k == len(words) - 1 else ","
            if len(line) + len(word) > 116:
                lines.append(line.rstrip())
                line = "     "
            line += word + " "
        lines.append(line.rstrip())
    return "\n".join([*lines, "]"])


_TABLE = """    place = x.clamp(0, 1) * (numbers.shape[1] - 1)
    left = place.long().clamp(max=numbers.shape[1] - 2)
    share = place - left
    return (1 - share) * numbers[row, left] + share * numbers[row, left + 1]"""


def _spell(expression: str) -> str:
    """An expression of a form with torch's functions; abs(x) is read as it is."""
    return re.sub(r"\b(clip|exp|log1p|log)\(", r"torch.\1(", expression)


def _law(law: lawtext.LawNumbers) -> tuple[str, str, str]:
    """What the columns of LTP and LTD are, the step as a formula, and the body of `step_of`."""
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
    spread, network = lawtext.spread(card, options.noise), options.network is not None
    columns, formula, body = _law(law)
    siemens = base.unit(card) == "S"
    words = "conductances" if siemens else "weights of the card"
    name = base.identifier(card.name)
    usage = _USAGE_NETWORK if network else _USAGE
    values = {
        "usage": usage.format(name=name, Class=class_name(card)),
        "imports": _IMPORTS if network else "",
        "file": _FILE.format(name=name) if network else "",
        "card": ascii((card.name, card.provenance.source, card.provenance.sha256)),
        "synthetic": card.provenance.synthetic,
        "low": repr(float(card.window.low)),
        "high": repr(float(card.window.high)),
        "logarithmic": card.window.scale == "log",
        "update_sd": spread.update,
        "relative_sd": spread.relative,
        "read_sd": spread.read,
        "gain_sd": spread.gains[:2],
        "gain_correlation": spread.gains[2],
        "step": lawtext.usual_step(card),
        "middle": symmetric_point(card),
        "columns": columns,
        "ltp": _matrix(law.rows["ltp"]),
        "ltd": _matrix(law.rows["ltd"]),
        "formula": formula,
        "law": body,
        "Class": class_name(card),
        "d2d": spread.d2d,
        "unit": base.unit(card),
        "Quantity": words.capitalize(),
        "quantity": words,
        "npz": f"{name}_network.npz",
    }
    return Template(_HEAD + _LAYER + (_NETWORK if network else _DEMO)).substitute(values)


def class_name(card: DeviceCard) -> str:
    """A card's name in the manner of classes: MyDevice."""
    return "".join(part.capitalize() for part in base.identifier(card.name).split("_") if part)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """The layer of a card, or the trained network (see the module's docstring).

    Raises
    ------
    UsageError
        If LTP or LTD never moves the device.
    """
    base.check_moves(card, NAME)
    law, network = lawtext.numbers(card, options.noise), options.network
    name, layer = base.identifier(card.name), f"{class_name(card)}Synapses"
    found = lawtext.deviation(card, law)
    exact, approximated = lawtext.law_sentences(card, law, found)
    files = {f"{name}_torch.py": module(card, options, law).encode()}
    use = [
        f"from {name}_torch import {layer}",
        f"layer = {layer}(64, 10, seed=1)    # where torch.nn.Linear(64, 10, bias=False) would be",
        "optimizer = torch.optim.SGD([layer.wish], lr=0.005)",
        "snnTorch, at each step of time:  spikes, membrane = snntorch.Leaky(beta=0.9)(layer(x), membrane)",
        "Norse, at each step of time:     spikes, state = norse.torch.LIFCell()(layer(x), state)",
        "training:  optimizer.zero_grad(); loss.backward(); optimizer.step(); layer.update()",
    ]
    units = _units(base.unit(card))
    if network is not None:
        files[f"{name}_network.npz"] = trained.file_of(network)
        use = [
            f"python {name}_torch.py              # does the network answer as it did in devicekit?",
            f"from {name}_torch import {class_name(card)}Network",
            f"classes, counts = {class_name(card)}Network()(spikes)   # spikes of shape (n, steps, channels)",
            *use,
        ]
        exact.append(
            "The network: the state of every device, the scales of the weights, and the neurons' equations. The file "
            "compares its answers with those of the check."
        )
        approximated.append(
            "Which measured device is which is not known of a trained network: its conductances are as they were, "
            "and pulses move them as newly drawn devices."
        )
        units = (*units, *trained.UNITS)
    return Export(
        files=files,
        use=tuple(use),
        exact=tuple(exact),
        approximated=(
            *approximated,
            "Readings are linear and ideal: x @ W, without lines of the crossbar, converters or a law of the voltage.",
            "The default type of torch has 7 digits; dtype=torch.float64 has 16.",
        ),
        units=units,
        noise=lawtext.noise_sentence(card, options, law),
        figures={"law": "closed form" if found is None else "table", **({} if found is None else {"deviation": found})},
        origin=() if network is None else trained.origin(network),
    )


def _units(unit: str) -> tuple[tuple[str, str, str], ...]:
    return (
        ("LOW, HIGH, conductances(), put()", unit, "window and devices"),
        ("r, READ_SD, UPDATE_SD, STEP", "1", "state, 0 to 1 over the window, and fractions of it"),
        ("RELATIVE_SD", "1", "fraction of an update's own step"),
        ("LN_GAIN_SD", "1", "of ln step over devices"),
        ("weight(), wish, level, scale", "1", "weight; scale is that of the whole window"),
    )
