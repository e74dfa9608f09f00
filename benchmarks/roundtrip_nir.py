"""A trained network in Norse and in snnTorch by way of NIR: do they say what the network said?

python benchmarks/roundtrip_nir.py network.npz --python VENV/bin/python     (norse, snntorch, nirtorch there)

Without the rest after a spike, which NIR has no words for, outputs may spike more often. So the peers are compared with
the network itself, and with the network without that rest: the second shows what the import does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from roundtrip import in_peer, parser

from devicekit.device.network import TrainedNetwork
from devicekit.exporters import export

PEER = """
import json, sys
import numpy as np, torch, nir, norse, snntorch
import norse.torch
from snntorch.import_nir import import_from_nir

result, path, check = sys.argv[1:4]
spikes = torch.from_numpy(np.load(check)["spikes"]).float()
found = {"versions": {"torch": torch.__version__, "norse": norse.__version__, "snntorch": snntorch.__version__,
                      "nir": nir.version}}

def run(model, step):
    state, counts = None, 0
    for t in range(spikes.shape[1]):
        out, state = step(model, spikes[:, t], state)
        counts = counts + out
    return counts.numpy().tolist()

with torch.no_grad():
    model = norse.torch.from_nir(nir.read(path), dt=1e-3)
    found["norse"] = run(model, lambda m, x, s: m(x, s))
    graph = nir.read(path)
    for each in ("hidden", "output_neurons"):
        graph.nodes[each].tau *= 0.1
    model = import_from_nir(graph)
    def step(m, x, s):
        out = m(x, s)
        return out if isinstance(out, tuple) else (out, s)
    found["snntorch"] = run(model, step)
json.dump(found, open(result, "w"))
"""


def without_rest(network: TrainedNetwork) -> np.ndarray:
    """Spikes of the outputs if these did not rest after a spike, (samples, classes)."""
    n, (w1, w2) = network.neurons, (w.astype(np.float32) for w in network.weights())
    v, u = np.zeros((len(network.check.spikes), w1.shape[1])), np.zeros(network.check.counts.shape)
    counts = np.zeros(u.shape, int)
    for t in range(n.steps):
        v = n.hidden_decay * v + network.check.spikes[:, t] @ w1
        fired = v >= n.threshold
        v[fired] = 0.0
        u = n.output_decay * u + fired @ w2
        out = u >= n.threshold
        counts += out
        u[out] = 0.0
    return counts


def main() -> None:
    made = parser(__doc__)
    made.add_argument("network", help="network.npz of a training")
    said = made.parse_args()
    network = TrainedNetwork.load(said.network)
    print(network.sentence)
    with tempfile.TemporaryDirectory() as folder:
        export(network, "nir", Path(folder) / "out")
        (path,) = (Path(folder) / "out").glob("*.nir")
        np.savez(Path(folder) / "check.npz", spikes=network.check.spikes)
        found = in_peer(said.python, PEER, str(path), str(Path(folder) / "check.npz"))
    print(found.pop("versions"))
    bare, n = without_rest(network), len(network.check.classes)
    right, without = (float((each == network.check.labels).mean()) for each in (network.check.classes, bare.argmax(1)))
    print(f"{n} test samples; devicekit right in {right:.1%}; without the rest {without:.1%}")
    for name, counts in found.items():
        theirs = np.array(counts)
        same = (theirs.argmax(1) == network.check.classes).sum()
        alike = (theirs.argmax(1) == bare.argmax(1)).sum()
        print(
            f"{name}: class as devicekit's in {same} of {n}; as the network without rest in {alike}; all counts of a "
            f"sample as without rest in {(theirs == bare).all(1).sum()}; right in "
            f"{(theirs.argmax(1) == network.check.labels).mean():.1%}"
        )


if __name__ == "__main__":
    main()
