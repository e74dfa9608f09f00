"""NIR: a trained network as a graph of Input, Linear, LIF, Linear, LIF and Output, with its devices in the metadata.

The Neuromorphic Intermediate Representation (https://github.com/neuromorphs/NIR, BSD-3) describes neurons by equations
without a time step: tau dv/dt = (v_leak - v) + R I, a spike if v > v_threshold. Programs that import it use forward
Euler, v <- (1 - dt/tau) v + (dt/tau) R I, and Norse assumes R = 1. So R is 1 here, tau is dt / (1 - d) of our
v <- d v + w, and the weights are w / (1 - d), which is our network in steps of dt. The tau for programs that integrate
exactly, d = exp(-dt / tau), is in the metadata; the weights are the same.
"""

from __future__ import annotations

import io
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.errors import FileError, UsageError
from devicekit.device.card import DeviceCard
from devicekit.device.network import DYNAMICS, Neurons, TrainedNetwork
from devicekit.exporters import base, trained
from devicekit.exporters.base import Export, ExportOptions
from devicekit.readers import matparts
from devicekit.system import files, writing
from devicekit.system.extras import need

NAME = "nir"
TITLE = "NIR graph of a trained network"
TAKES = frozenset({"network"})
ALSO = {"lava": "to='nir', which Lava imports."}
NEEDS = "network"
SUFFIX = ".nir"
_ABOUT = "devicekit"


def _lif(decay: float, size: int, neurons: Neurons) -> Any:
    """Build a layer of neurons. It fires if v > v_threshold, ours if v >= 1: the same here in float32."""
    import nir

    values = {
        "tau": neurons.step_s / (1.0 - decay),
        "r": 1.0,
        "v_leak": 0.0,
        "v_reset": 0.0,
        "v_threshold": float(np.nextafter(np.float32(neurons.threshold), np.float32(0.0))),
    }
    return nir.LIF(**{name: np.full(size, value) for name, value in values.items()})


def graph(network: TrainedNetwork) -> Any:
    """Build the `nir.NIRGraph` of a network; metadata contain the devices and all that NIR cannot represent.

    Raises UsageError if nir is not installed.

    Parameters
    ----------
    network : TrainedNetwork
        The network.

    Returns
    -------
    nir.NIRGraph
        Nodes input, hidden_weights, hidden, output_weights, output_neurons, output.
    """
    need("nir", "nir", "NIR files")
    import nir

    channels, hidden, classes = network.shape
    neurons = network.neurons
    first, second = network.weights()
    nodes = {
        "input": nir.Input(input_type={"input": np.array([channels])}),
        "hidden_weights": nir.Linear(weight=np.ascontiguousarray(first.T) / (1.0 - neurons.hidden_decay)),
        "hidden": _lif(neurons.hidden_decay, hidden, neurons),
        "output_weights": nir.Linear(weight=np.ascontiguousarray(second.T) / (1.0 - neurons.output_decay)),
        "output_neurons": _lif(neurons.output_decay, classes, neurons),
        "output": nir.Output(output_type={"output": np.array([classes])}),
    }
    about, arrays = network.to_parts()
    metadata = {
        "dt": neurons.step_s,
        "steps": neurons.steps,
        "refractory_steps": neurons.refractory,
        "tau_exact_hidden": -neurons.step_s / math.log(neurons.hidden_decay),
        "tau_exact_output": -neurons.step_s / math.log(neurons.output_decay),
        "dynamics": DYNAMICS,
        _ABOUT: about,
        **({"marks": mark} if (mark := base.mark_of(network.card)) else {}),
        **arrays,
    }
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(names)), metadata=metadata)


def load(path: Path | str) -> TrainedNetwork:
    """Load the network from a NIR file of this export; conductances are restored exactly.

    Raises FileError if it is not such a file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    TrainedNetwork
    """
    path = Path(path)
    if not files.exists(path):
        raise FileError(f"{path} does not exist.")
    files.kind(path)
    writing.note_input(path)
    node = matparts.read_hdf5(path).get("node")
    metadata = node.get("metadata") if isinstance(node, dict) else None
    about = metadata.get(_ABOUT) if isinstance(metadata, dict) else None
    if not (isinstance(metadata, dict) and isinstance(about, list) and len(about) == 1 and isinstance(about[0], str)):
        raise FileError(f"{path.name} was not written by devicekit: its NIR metadata contain no devices.")
    return TrainedNetwork.from_parts(about[0], metadata, path.name)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the graph of a trained network.

    Raises
    ------
    UsageError
        If no network is given, or nir is not installed.
    """
    network = options.network
    if network is None:
        raise UsageError("nir needs a trained network. Give the network.npz written by devicekit train --out.")
    need("nir", "nir", "NIR files")
    import nir

    stream = io.BytesIO()
    nir.write(stream, graph(network))
    name = f"{base.identifier(card.name)}{SUFFIX}"
    rest = network.neurons.refractory
    approximated = [
        f"Outputs have a refractory time of {rest} steps, which LIF of NIR cannot represent: other programs may count "
        "more output spikes. The number is in the metadata.",
        "The class is the output with most spikes; the summed potential decides ties. NIR cannot represent a readout.",
        "Programs integrate the equations differently. Forward Euler in steps of 1 ms, as in Norse, equals our "
        "step. The steps of snnTorch are always .1 ms: scale tau as in HOW TO USE. For exact integration replace tau "
        "with tau_exact_hidden and tau_exact_output of the metadata.",
    ]
    return Export(
        carries=(base.WHOLE_CARD,),  # the metadata contain the card
        files={name: stream.getvalue()},
        use=(
            "import nir, numpy, torch",
            f"graph = nir.read({name!r})",
            "metadata = graph.metadata                   # spikes of test samples, and the answers of the network",
            f"spikes = numpy.unpackbits(metadata['spikes'], axis=-1, count={network.shape[0]})",
            "spikes = torch.from_numpy(spikes).float()   # (samples, steps, inputs), 0 or 1",
            "import norse.torch                          # Norse",
            "model, state, counts = norse.torch.from_nir(graph, dt=1e-3), None, 0",
            "with torch.no_grad():                       # nothing is trained here",
            "    for now in spikes.unbind(1):",
            "        out, state = model(now, state)",
            "        counts = counts + out               # spikes of each output; counts.argmax(1) is the class",
            "from snntorch.import_nir import import_from_nir  # snnTorch, whose steps are .1 ms",
            "for each in ('hidden', 'output_neurons'):",
            "    graph.nodes[each].tau *= 0.1",
            "model = import_from_nir(graph)              # prints its nodes; then as above, starting with state None",
            "import devicekit                            # every device, the neurons and the card",
            f"network = devicekit.load_network({name!r})",
        ),
        exact=(
            "Weights of both layers, scale (plus - minus) / (high - low) / (1 - d), in double precision; d is the "
            "decay of v in one step.",
            "Metadata: the conductance of each device, the neurons, the card, and spikes of test samples with the "
            "answers of the network; devicekit.load_network restores all of it exactly.",
        ),
        approximated=tuple(approximated),
        units=(
            ("weight", "1", "change of v by one spike divided by 1 - d, one row per output"),
            ("tau", "s", "1 ms / (1 - d)"),
            ("r", "1", "1"),
            ("v_threshold", "1", "largest float32 below 1: NIR fires above it, devicekit at 1"),
            *trained.unit_rows(network, "metadata/", _ABOUT),
        ),
        noise="Not exported: the graph has the trained conductances; readings are exact.",
        forgetting="LEFT OUT: conductances are those right after the training, without decay.",
    )
