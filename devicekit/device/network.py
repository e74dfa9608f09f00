"""A trained network as the devices hold it: conductances, neurons, and answers by which a copy of it can be checked."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from devicekit import files
from devicekit.device.card import DeviceCard
from devicekit.errors import CardError, FileError

FORMAT = "devicekit network 1"
SUFFIX = ".npz"
NETWORK = f"network{SUFFIX}"  # as a training calls it
LAYERS = ("hidden", "output")
_ADVICE = "give the network.npz that devicekit train --out writes"


DYNAMICS = (
    "At each step v <- decay v + the sum of the weights of the inputs that fire in it. Where v >= threshold the "
    "neuron fires and v is 0. An output that fired rests for `refractory` steps: its v stays 0 and inputs are lost. "
    "Hidden spikes reach the outputs in the same step. The class is the output with most spikes; of a tie that whose "
    "v, summed over the steps in which it did not rest, before a spike resets it, is largest."
)


@dataclass(frozen=True)
class Neurons:
    """Leaky integrate-and-fire neurons of both layers; `DYNAMICS` says in words what they do.

    Attributes
    ----------
    steps : int
        Steps of one presentation.
    step_s : float
        Length of a step [s].
    hidden_decay, output_decay : float
        exp(-step / tau) of the membranes [1].
    threshold : float
        Of a spike [weight units].
    refractory : int
        Steps for which an output rests after a spike.
    full_input : float
        Probability at each step that an input of 1 fires; of others in proportion [1].
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
        Of the second of each pair, or of the fixed reference, the same everywhere.
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
    """Spikes of test samples and what the network said to them: ideal lines, no noise.

    Attributes
    ----------
    spikes : ndarray of bool, shape (n, steps, channels)
    counts : ndarray of int, shape (n, classes)
        Spikes of each output.
    classes : ndarray of int, shape (n,)
        The class that won.
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
    """Two layers of devices of one card after a training, before anything of them is forgotten.

    Attributes
    ----------
    card : DeviceCard
    layers : tuple of NetworkLayer
        Hidden, then output.
    neurons : Neurons
    check : Check
    facts : dict
        Plain values: `data`, `split`, `n_train`, `n_test`, `scheme`, `epochs`, `seed`, `accuracy` (test accuracy,
        fraction) and `basis` (what that is, in words), `wires` (whether the training had resistive lines, which are not
        in `weights`).
    """

    card: DeviceCard
    layers: tuple[NetworkLayer, NetworkLayer]
    neurons: Neurons
    check: Check
    facts: dict[str, Any]

    def __repr__(self) -> str:
        return f"<TrainedNetwork: {self.sentence}>"

    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of both layers [1], shapes (channels, hidden) and (hidden, classes), through ideal lines."""
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
        """What of the training `weights` do not show, a sentence each."""
        wires = "The training had resistive lines: the weights here are through ideal ones."
        return (wires,) if self.facts.get("wires") else ()

    @property
    def sentence(self) -> str:
        """What it is and how well it does, with the split."""
        facts = self.facts
        size = "-".join(str(each) for each in self.shape)
        return (
            f"{size} network trained {facts['scheme']} on {facts['data']} ({facts['split']}; {facts['n_test']} test "
            f"samples), seed {facts['seed']}: test accuracy {100 * facts['accuracy']:.1f} %, {facts['basis']}"
        )

    def parts(self) -> tuple[str, dict[str, np.ndarray]]:
        """What a file of it holds: JSON text, and arrays by name."""
        arrays = {
            f"{name}_{part}": getattr(layer, part)
            for name, layer in zip(LAYERS, self.layers, strict=True)
            for part in ("plus", "minus")
        }
        said = {
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
        return json.dumps(said), {**arrays, **packed}

    @classmethod
    def of_parts(cls, about: str, arrays: Mapping[str, np.ndarray], name: str) -> Self:
        """What `parts` was made of.

        Parameters
        ----------
        about : str
            JSON text.
        arrays : mapping of str to ndarray
            As `parts` names them; numbers of any type.
        name : str
            File name for messages.

        Raises
        ------
        FileError
            If parts are missing, or do not fit each other.
        """
        try:
            said = json.loads(about)
            if said["format"] != FORMAT:
                raise ValueError(f"its format is {said['format']!r}, not {FORMAT!r}")
            layers = tuple(
                NetworkLayer(
                    plus=np.asarray(arrays[f"{layer}_plus"], float),
                    minus=np.asarray(arrays[f"{layer}_minus"], float),
                    scale=float(scale),
                    paired=bool(paired),
                )
                for layer, scale, paired in zip(LAYERS, said["scales"], said["paired"], strict=True)
            )
            bits = np.asarray(arrays["spikes"]).astype(np.uint8)
            spikes = np.unpackbits(bits, axis=-1, count=int(said["channels"])).astype(bool)
            told = (np.asarray(arrays[each]).astype(np.int64) for each in ("counts", "classes", "labels"))
            check = Check(spikes, *told)
            _fit(layers, check)
            card = DeviceCard.from_json(json.dumps(said["card"]), name)
            return cls(card, (layers[0], layers[1]), Neurons(**said["neurons"]), check, said["facts"])
        except (ValueError, KeyError, TypeError, IndexError, CardError) as error:
            raise FileError(f"{name} is no trained network ({error}); {_ADVICE}") from error

    def save(self, path: Path | str) -> None:
        """Write a .npz file; the same network gives the same bytes.

        Raises
        ------
        FileError
        """
        about, arrays = self.parts()
        stream = io.BytesIO()
        np.savez_compressed(stream, **{"about": np.array(about), **arrays})  # type: ignore[arg-type]
        files.write_bytes(Path(path), stream.getvalue())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        FileError
            If it is no such file, or parts of it do not fit each other.
        """
        path = Path(path)
        try:
            files.note_input(path)
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
            about = str(arrays.pop("about"))
        except FileNotFoundError as error:
            raise FileError(f"{path}: there is no such file; {_ADVICE}") from error
        except (OSError, ValueError, KeyError, AttributeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise FileError(f"{path.name} is no trained network ({error}); {_ADVICE}") from error
        return cls.of_parts(about, arrays, path.name)


def _fit(layers: tuple[NetworkLayer, ...], check: Check) -> None:
    """Shapes and numbers of a file, before anybody computes with them."""
    for layer in layers:
        if layer.plus.ndim != 2 or layer.plus.shape != layer.minus.shape:
            raise ValueError("plus and minus of a layer must be matrices of one shape")
        if not (np.isfinite(layer.plus).all() and np.isfinite(layer.minus).all()):
            raise ValueError("a conductance is not finite")
    n, classes = check.counts.shape
    whole = layers[0].plus.shape[1] == layers[1].plus.shape[0] and classes == layers[1].plus.shape[1]
    if not whole or not len(check.spikes) == len(check.classes) == len(check.labels) == n:
        raise ValueError("its parts do not fit each other")
