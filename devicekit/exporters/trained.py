"""Shared parts of exports of a trained network: its arrays as a plain .npz file, and README sentences.

`exporters.readme` adds the training of the network and what is left out of it.
"""

from __future__ import annotations

import numpy as np

from devicekit.device.blocks import Window
from devicekit.device.network import LAYERS, TrainedNetwork
from devicekit.exporters import base, tiles


def network_file(network: TrainedNetwork, window: Window | None = None) -> bytes:
    """Pack a network as a .npz file of plain arrays, readable by NumPy without devicekit.

    Raises UsageError if a conductance is outside the window of the card.

    Parameters
    ----------
    network : TrainedNetwork
    window : Window, optional
        Window of the conductances in the file, if not that of the card (`ExportOptions.window`).

    Returns
    -------
    bytes
        `hidden_plus`, `hidden_minus`, `hidden_scale`, `hidden_paired`, `hidden_decay`, the same for `output`,
        `threshold`, `refractory`, `step_s`, `full_input`, and a check: `spikes`, `counts`, `classes`, `labels`.
    """
    tiles.fractions(network)
    own, neurons = network.card.window, network.neurons
    arrays: dict[str, object] = {}
    for name, layer in zip(LAYERS, network.layers, strict=True):
        for part in ("plus", "minus"):
            value = np.asarray(getattr(layer, part), float)
            arrays[f"{name}_{part}"] = value if window is None else window.from_state(own.to_state(value))
        arrays |= {f"{name}_scale": layer.scale, f"{name}_paired": layer.paired}
        arrays[f"{name}_decay"] = getattr(neurons, f"{name}_decay")
    arrays |= {name: getattr(neurons, name) for name in ("threshold", "refractory", "step_s", "full_input")}
    arrays |= {name: getattr(network.check, name) for name in ("spikes", "counts", "classes", "labels")}
    return base.npz(arrays, base.mark_of(network.card))


EXACT = (
    "The network: the state of every device, the scales of the weights, and the equations of the neurons. Run the "
    "file to compare its answers with those stored in the .npz file.",
)
_PACKED_ARRAYS = (
    ("..._plus, ..._minus", "{unit}", "each device of a pair, or the fixed reference, inputs by outputs"),
    ("about", "text", "JSON: scales of the weights (hidden, output), neurons, split and accuracy, the card"),
    (
        "spikes",
        "bits",
        "samples, steps, inputs: numpy.unpackbits(spikes, axis=-1, count={channels}) gives 0 or 1",
    ),
    ("counts, classes, labels", "1", "spikes of each output, predicted class, true class"),
)  # as `TrainedNetwork.to_parts` has it


def unit_rows(network: TrainedNetwork, prefix: str, about: str = "about") -> base.Units:
    """Return the UNITS rows of a file that holds `TrainedNetwork.to_parts` under `prefix`."""
    facts = {"unit": base.unit(network.card), "channels": network.shape[0]}
    return tuple(
        (f"{prefix}{about if name == 'about' else name}", unit.format(**facts), meaning.format(**facts))
        for name, unit, meaning in _PACKED_ARRAYS
    )


APPROXIMATED = (
    "Conductances are exact, but the measured device behind each conductance is unknown: further pulses act on newly "
    "drawn devices.",
)
UNITS = (
    ("hidden_decay, output_decay", "1", "exp(-step / tau) of the membranes"),
    ("threshold", "weight", "threshold of a spike"),
    ("refractory", "steps", "refractory time of an output after a spike"),
    ("step_s", "s", "length of a step"),
    ("full_input", "1", "probability per step that an input of 1 fires; other inputs in proportion"),
    (
        "spikes, counts, classes, labels",
        "1",
        "check: input spikes, spikes of each output, predicted class, true class",
    ),
)
