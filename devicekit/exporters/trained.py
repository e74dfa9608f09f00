"""What exports of a trained network share: its arrays as a plain .npz file, and what is said of it.

`exporters.readme` says of which training it is and what of that is left out.
"""

from __future__ import annotations

import numpy as np

from devicekit.device.blocks import Window
from devicekit.device.network import LAYERS, TrainedNetwork
from devicekit.exporters import base, tiles


def network_file(network: TrainedNetwork, window: Window | None = None) -> bytes:
    """The network as a .npz file of plain arrays that NumPy reads without devicekit.

    Parameters
    ----------
    network : TrainedNetwork
    window : Window, optional
        In which conductances are given instead of the card's own (`ExportOptions.window`).

    Returns
    -------
    bytes
        `hidden_plus`, `hidden_minus`, `hidden_scale`, `hidden_paired`, `hidden_decay`, the same of `output`,
        `threshold`, `refractory`, `step_s`, `full_input`, and the check: `spikes`, `counts`, `classes`, `labels`.

    Raises
    ------
    UsageError
        If a conductance is outside the card's window.
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
    "The network: the state of every device, the scales of the weights, and the neurons' equations. The file compares "
    "its answers with those of the check.",
)
_PACKED_ARRAYS = (
    ("..._plus, ..._minus", "{unit}", "each device of a pair, or the fixed reference, inputs by outputs"),
    ("about", "text", "JSON: scales of the weights (hidden, output), neurons, split and accuracy, the card"),
    (
        "spikes",
        "bits",
        "of samples, steps and inputs: numpy.unpackbits(spikes, axis=-1, count={channels}) gives 0 or 1",
    ),
    ("counts, classes, labels", "1", "spikes of each output, the class that won, the truth"),
)  # as `TrainedNetwork.to_parts` has it


def unit_rows(network: TrainedNetwork, prefix: str, about: str = "about") -> tuple[tuple[str, str, str], ...]:
    """Units of what `TrainedNetwork.to_parts` gives, for a file that holds it under `prefix`."""
    facts = {"unit": base.unit(network.card), "channels": network.shape[0]}
    return tuple(
        (f"{prefix}{about if name == 'about' else name}", unit.format(**facts), meaning.format(**facts))
        for name, unit, meaning in _PACKED_ARRAYS
    )


APPROXIMATED = (
    "Which measured device is which is not known of a trained network: its conductances are as they were, and pulses "
    "move them as newly drawn devices.",
)
UNITS = (
    ("hidden_decay, output_decay", "1", "exp(-step / tau) of the membranes"),
    ("threshold", "weight", "of a spike"),
    ("refractory", "steps", "rest of an output after a spike"),
    ("step_s", "s", "length of a step"),
    ("full_input", "1", "probability at each step that an input of 1 fires; of others in proportion"),
    (
        "spikes, counts, classes, labels",
        "1",
        "inputs of the check, spikes of each output, the class that won, the truth",
    ),
)
