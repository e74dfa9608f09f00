"""Trained network as stored in devices: conductances, neurons, and responses by which a copy can be checked."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, get_type_hints

import numpy as np

from devicekit.core.errors import CardError, FileError
from devicekit.device.card import DeviceCard
from devicekit.system import files, npz, writing

FORMAT = "devicekit network 1"
SUFFIX = ".npz"
NETWORK = f"network{SUFFIX}"  # as in a training's result
LAYERS = ("hidden", "output")
_LARGEST = 2**53  # largest whole number; floats are exact up to it
_LONGEST = 1000  # characters of a text
_ADVICE = "give the network.npz written by devicekit train --out"
_KINDS: dict[type, str] = {int: "whole number", float: "finite number", bool: "truth value", str: "text"}
_FACTS: dict[str, type] = {
    **{"data": str, "split": str, "n_train": int, "n_test": int, "scheme": str, "epochs": int, "seed": int},
    **{"accuracy": float, "basis": str},
}

DYNAMICS = (
    "At each step v <- decay v + the sum of the weights of the inputs that fire in it. If v >= threshold, the neuron "
    "fires and v is set to 0. An output that fired rests for `refractory` steps: its v stays 0 and inputs are lost. "
    "Hidden spikes reach the outputs in the same step. The class is the output with most spikes. A tie is decided by "
    "the largest sum of v over the steps in which the output did not rest, taken before a spike resets it."
)


@dataclass(frozen=True)
class Neurons:
    """Leaky integrate-and-fire neurons of both layers; `DYNAMICS` describes them in words.

    Attributes
    ----------
    steps : int
        Steps of one presentation.
    step_s : float
        Length of a step [s].
    hidden_decay, output_decay : float
        exp(-step / tau) of the membranes [1].
    threshold : float
        Threshold of a spike [weight units].
    refractory : int
        Steps for which an output rests after a spike.
    full_input : float
        Probability per step that an input of 1 fires; proportional for other inputs [1].
    """

    steps: int
    step_s: float
    hidden_decay: float
    output_decay: float
    threshold: float
    refractory: int
    full_input: float


@dataclass(frozen=True, repr=False)
class NetworkLayer:
    """Devices of one layer.

    Attributes
    ----------
    plus : ndarray, shape (inputs, outputs)
        Conductance [S] of each device, or of the first of each pair; weights of a weight card.
    minus : ndarray, shape (inputs, outputs)
        Conductance of the second of each pair, or of the fixed reference, the same everywhere.
    scale : float
        Weight of the whole window [weight units]: w = scale * (plus - minus) / (high - low).
    paired : bool
        Whether `minus` are devices; else they are the fixed reference.
    """

    plus: np.ndarray
    minus: np.ndarray
    scale: float
    paired: bool

    def __repr__(self) -> str:
        inputs, outputs = self.plus.shape
        each = "two devices" if self.paired else "one device and a fixed reference"
        return f"<NetworkLayer: {inputs} x {outputs} weights of {each}, scale {self.scale:g}>"


@dataclass(frozen=True, repr=False)
class Check:
    """Spikes of test samples and the network's responses: ideal lines, no noise.

    Attributes
    ----------
    spikes : ndarray of bool, shape (n, steps, channels)
    counts : ndarray of int, shape (n, classes)
        Spikes of each output.
    classes : ndarray of int, shape (n,)
        The winning class.
    labels : ndarray of int, shape (n,)
        The true class.
    """

    spikes: np.ndarray
    counts: np.ndarray
    classes: np.ndarray
    labels: np.ndarray

    def __repr__(self) -> str:
        return f"<Check: {len(self.labels)} samples, right in {np.mean(self.classes == self.labels):.1%}>"


@dataclass(frozen=True, repr=False)
class TrainedNetwork:
    """Two layers of devices of one card after a training, before anything is forgotten.

    Attributes
    ----------
    card : DeviceCard
    layers : tuple of NetworkLayer
        Hidden, then output.
    neurons : Neurons
    check : Check
    facts : dict
        Plain values: `data`, `split`, `n_train`, `n_test`, `scheme`, `epochs`, `seed`, `accuracy` (test accuracy of
        these devices, fraction) and `basis` (what that is, in words), `wires` (whether the training had resistive
        lines, which are not in `weights`), `tested_with` (what else of that test is not: texts).
    """

    card: DeviceCard
    layers: tuple[NetworkLayer, NetworkLayer]
    neurons: Neurons
    check: Check
    facts: dict[str, Any]

    def __repr__(self) -> str:
        return f"<TrainedNetwork: {self.sentence}>"

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights of both layers [1], (channels, hidden) and (hidden, classes), through ideal lines."""
        span = self.card.window.span
        first, second = (layer.scale * (layer.plus - layer.minus) / span for layer in self.layers)
        return first, second

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, hidden units, classes."""
        (channels, hidden), (_, classes) = (layer.plus.shape for layer in self.layers)
        return channels, hidden, classes

    @property
    def left_out(self) -> tuple[str, ...]:
        """Parts of the training that `weights` do not contain, a sentence each."""
        found = []
        if self.facts.get("wires"):
            found.append("The training had resistive lines; the weights here are for ideal lines.")
        lines = ["those lines"] if found else []
        if others := [*lines, *self.facts.get("tested_with", ())]:
            had = ", ".join(others)
            found.append(f"The reported test accuracy includes {had}; the devices and the check here do not.")
        return tuple(found)

    @property
    def sentence(self) -> str:
        """Description of the network and its accuracy, with the split."""
        facts = self.facts
        size = "-".join(str(each) for each in self.shape)
        return (
            f"{size} network trained {facts['scheme']} on {facts['data']} ({facts['split']}; {facts['n_test']} test "
            f"samples), seed {facts['seed']}: test accuracy {100 * facts['accuracy']:.1f} %, {facts['basis']}"
        )

    def to_parts(self) -> tuple[str, dict[str, np.ndarray]]:
        """Return the contents of a file: JSON text, and arrays by name."""
        arrays = {
            f"{name}_{part}": getattr(layer, part)
            for name, layer in zip(LAYERS, self.layers, strict=True)
            for part in ("plus", "minus")
        }
        stored = {
            "format": FORMAT,
            "card": json.loads(self.card.to_json()),
            "scales": [layer.scale for layer in self.layers],
            "paired": [layer.paired for layer in self.layers],
            "channels": self.shape[0],
            "neurons": asdict(self.neurons),
            "facts": self.facts,
        }
        packed = {
            "spikes": np.packbits(self.check.spikes, axis=-1),
            **{name: getattr(self.check, name).astype(np.int64) for name in ("counts", "classes", "labels")},
        }
        return json.dumps(stored), {**arrays, **packed}

    @classmethod
    def from_parts(cls, about: str, arrays: Mapping[str, np.ndarray], name: str) -> Self:
        """Build a network from `to_parts`.

        Parameters
        ----------
        about : str
            JSON text.
        arrays : mapping of str to ndarray
            As `to_parts` names them; numbers of any type.
        name : str
            File name for messages.

        Raises
        ------
        FileError
            If parts are missing or inconsistent.
        """
        try:
            stored = json.loads(about)
            if stored["format"] != FORMAT:
                raise ValueError(f"its format is {stored['format']!r}, not {FORMAT!r}")
            layers = tuple(
                NetworkLayer(
                    plus=_read_array(arrays, f"{layer}_plus", 2),
                    minus=_read_array(arrays, f"{layer}_minus", 2),
                    scale=_read_value({f"the scale of {layer}": scale}, f"the scale of {layer}", float),
                    paired=_read_value({f"paired of {layer}": paired}, f"paired of {layer}", bool),
                )
                for layer, scale, paired in zip(LAYERS, stored["scales"], stored["paired"], strict=True)
            )
            card = DeviceCard.from_json(json.dumps(stored["card"]), name)
            neurons = Neurons(
                **{key: _read_value(stored["neurons"], key, kind) for key, kind in get_type_hints(Neurons).items()}
            )
            channels = _read_value(stored, "channels", int)
            bits = _read_whole_numbers(arrays, "spikes", 3)
            if bits.shape[1:] != (neurons.steps, -(-channels // 8)) or not (bits < 256).all():
                raise ValueError("the shape of its spikes does not match its channels and steps")
            spikes = np.unpackbits(bits.astype(np.uint8), axis=-1, count=channels).astype(bool)
            responses = (
                _read_whole_numbers(arrays, each, wide) for each, wide in (("counts", 2), ("classes", 1), ("labels", 1))
            )
            check, facts = (
                Check(spikes, *responses),
                {key: _read_value(stored["facts"], key, kind) for key, kind in _FACTS.items()},
            )
            tested_with = stored["facts"].get("tested_with", [])
            if not isinstance(tested_with, list) or not all(isinstance(each, str) for each in tested_with):
                raise ValueError("tested_with must hold only texts")
            if not isinstance(stored["facts"].get("wires", False), bool) or not 0 <= facts["accuracy"] <= 1:
                raise ValueError("wires must be true or false, and accuracy a fraction")
            _check_fit(layers, neurons, check, channels, card.window.span)
            return cls(card, (layers[0], layers[1]), neurons, check, {**stored["facts"], **facts})
        except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError, CardError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            raise FileError(f"{name} is not a trained network ({reason}); {_ADVICE}") from error

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write a .npz file; the same network gives the same bytes.

        `overwrite` replaces a file that devicekit did not write.

        Raises
        ------
        FileError
        """
        about, arrays = self.to_parts()
        stream = io.BytesIO()
        np.savez_compressed(stream, **{"about": np.array(about), **arrays})  # type: ignore[arg-type]
        writing.write_bytes(Path(path), stream.getvalue(), overwrite)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a file written by `save`.

        Raises
        ------
        FileError
            If the file is not a trained network, or its parts are inconsistent.
        """
        path = Path(path)
        if not files.exists(path):
            raise FileError(f"{path} does not exist; {_ADVICE}")
        files.kind(path)
        try:
            writing.note_input(path)
            arrays = npz.read_arrays(path.read_bytes())
            about = str(arrays.pop("about"))
        except KeyError as error:
            raise FileError(f"{path.name} is not a trained network ({error} is missing); {_ADVICE}") from error
        except Exception as error:  # damaged files make NumPy and zipfile raise many kinds
            reason = (error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split())[:200]
            raise FileError(
                f"{path.name} is not a trained network ({reason or type(error).__name__}); {_ADVICE}"
            ) from error
        return cls.from_parts(about, arrays, path.name)


def _read_value(held: Any, key: Any, kind: type) -> Any:
    """Return a value of the text, of its kind; a whole number may stand for another number, not for a truth value."""
    value = held[key]
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{key} is {value!r:.100}, not a {_KINDS[kind]}")
    if (isinstance(value, int) and not -1 <= value < 2**63) or (isinstance(value, str) and len(value) > _LONGEST):
        raise ValueError(f"{key} is {value!r:.100}, which is out of range")
    return value


def _read_array(arrays: Mapping[str, np.ndarray], name: str, wide: int) -> np.ndarray:
    """Return an array of finite numbers with this many dimensions, none of them empty."""
    found = np.asarray(arrays[name])
    if found.dtype.kind not in "iufb" or found.ndim != wide or found.size == 0:
        raise ValueError(f"{name} must be an array of numbers with {wide} dimensions")
    with np.errstate(over="ignore"):  # numbers beyond the range of a float become infinite and are refused
        found = found.astype(float)
    if not np.isfinite(found).all():
        raise ValueError(f"a number of {name} is not finite")
    return found


def _read_whole_numbers(arrays: Mapping[str, np.ndarray], name: str, wide: int) -> np.ndarray:
    """Return an array of whole numbers from 0, like `_read_array`."""
    found = _read_array(arrays, name, wide)
    if not ((found >= 0) & (found == np.floor(found)) & (found < _LARGEST)).all():
        raise ValueError(f"{name} must hold whole numbers from 0 to {_LARGEST}")
    return found.astype(np.int64)


def _check_fit(layers: tuple[NetworkLayer, ...], neurons: Neurons, check: Check, channels: int, span: float) -> None:
    """Check that the parts of a file fit each other before anything is computed."""
    for layer in layers:
        if layer.plus.shape != layer.minus.shape:
            raise ValueError("plus and minus of a layer must be matrices of the same shape")
        if not layer.paired and not (layer.minus == layer.minus.flat[0]).all():
            raise ValueError("the reference of a layer must be the same everywhere")
        with np.errstate(over="ignore", invalid="ignore"):
            widest = layer.scale * np.ptp(np.concatenate([layer.plus, layer.minus]))
        if not (layer.scale > 0 and widest / span < _LARGEST):
            raise ValueError(f"the scale of a layer must be above 0, and its weights below {_LARGEST}")
    if not 0 < neurons.full_input <= 1:
        raise ValueError(f"full_input must be a probability above 0, not {neurons.full_input:g}")
    for name in ("hidden_decay", "output_decay"):
        if not 0 < getattr(neurons, name) < 1:
            raise ValueError(f"{name} must be above 0 and below 1, not {getattr(neurons, name):g}")
    if not (neurons.threshold > 0 and neurons.step_s > 0 and neurons.refractory >= 0):
        raise ValueError("threshold and step_s must be above 0, and refractory at least 0")
    (inputs, hidden), (inner, classes) = (layer.plus.shape for layer in layers)
    n = len(check.spikes)
    whole = inputs == channels and hidden == inner and check.counts.shape == (n, classes)
    if not whole or not len(check.classes) == len(check.labels) == n or not (check.classes < classes).all():
        raise ValueError("its parts do not fit each other")
