"""Load the PyTorch export in the real torch, pulse it, and compare with a DeviceArray.

    python benchmarks/roundtrip_pytorch.py --python VENV/bin/python --network network.npz

Wanted there: torch, snntorch and norse. Measured: trains without noise (float32 and float64), the first pulse, the
scatter of 10,000 devices after 10, 50 and 100 pulses (C2C alone, D2D alone), read noise; a layer of each device
trained on load_digits inside snnTorch and Norse networks; and a trained network's answers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import cards, each_card, in_peer, log_window, parser, print_scatter, scatter

from devicekit.device.card import DeviceCard
from devicekit.device.variation import read_sigma
from devicekit.exporters import export
from devicekit.exporters.base import reference_train

LOAD = r"""
import importlib.util, json, sys
import numpy as np, torch

def load(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

module = load(sys.argv[2])
Synapses = next(v for k, v in vars(module).items() if k.endswith("Synapses"))
"""

PULSE = (
    LOAD
    + r"""
def train(dtype):
    layer = Synapses(1, 1, pairs=False, middle=0.0, start="middle", c2c=False, d2d="none", dtype=dtype)
    path = [float(layer.conductances())]
    for sign in [1] * 100 + [-1] * 100:
        layer.pulse(sign)
        path.append(float(layer.conductances()))
    return path

def scatter(**options):
    layer = Synapses(100, 100, pairs=False, middle=0.0, start="middle", seed=5, dtype=torch.float64, **options)
    found = {}
    for name, sign in (("ltp", 1), ("ltd", -1)):
        for pulse in range(1, 101):
            layer.pulse(sign)
            if pulse in (1, 10, 50, 100):
                found[f"sd {name} {pulse}"] = float(layer.r.std(unbiased=False))
                found[f"mean {name} {pulse}"] = float(layer.r.mean())
    return found

answer = {"double": train(torch.float64), "single": train(torch.float32), "versions": f"torch {torch.__version__}"}
answer["c2c"] = scatter(d2d="none")
for mode in sys.argv[3:]:
    answer[mode] = scatter(c2c=False, d2d=mode)
layer = Synapses(100, 100, pairs=False, start="middle", d2d="none", read_noise=True, dtype=torch.float64)
one, two = (module.state_of(layer.conductances()) for _ in range(2))
answer["read"] = float((one - two).std() / 2**0.5)
json.dump(answer, open(sys.argv[1], "w"))
"""
)

TRAIN = (
    LOAD
    + r"""
import snntorch, norse
import norse.torch as norse_torch

data = np.load(sys.argv[3])
x, y, test_x, test_y = (torch.tensor(data[k]) for k in ("x", "y", "test_x", "test_y"))
STEPS = 10
RATES = {"snntorch": 0.005, "norse": 0.2}  # the best of four with floating weights; the first that was tried

def votes(layer, kind, x):
    cell = snntorch.Leaky(beta=0.9) if kind == "snntorch" else norse_torch.LIFCell()
    state, spikes = (cell.init_leaky() if kind == "snntorch" else None), 0.0
    for _ in range(STEPS):
        out, state = cell(layer(x), state)
        spikes = spikes + out
    return spikes

def run(kind, layer, on_devices):
    torch.manual_seed(0)
    parameters = [layer.wish] if on_devices else list(layer.parameters())
    optimizer = torch.optim.SGD(parameters, lr=RATES[kind])
    order, pulses = torch.Generator().manual_seed(0), 0
    for _ in range(8):
        for batch in torch.randperm(len(x), generator=order).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(votes(layer, kind, x[batch]), y[batch]).backward()
            optimizer.step()
            if on_devices:
                pulses += layer.update()
    with torch.no_grad():
        right = (votes(layer, kind, test_x).argmax(1) == test_y).float().mean()
    return float(right), pulses

answer = {"versions": f"torch {torch.__version__}, snntorch {snntorch.__version__}, norse {norse.__version__}"}
for kind in ("snntorch", "norse"):
    torch.manual_seed(0)
    answer[kind] = {
        "float": run(kind, torch.nn.Linear(64, 10, bias=False), False)[0],
        "devices": run(kind, Synapses(64, 10, scale=2.0, start="middle", seed=1), True),
    }
json.dump(answer, open(sys.argv[1], "w"))
"""
)

NETWORK = (
    LOAD
    + r"""
held = np.load(sys.argv[3])
network = next(v for k, v in vars(module).items() if k.endswith("Network"))()
apart = max(
    float(np.abs(layer.conductances()[..., k].numpy() / held[f"{name}_{part}"] - 1).max())
    for name, layer in (("hidden", network.hidden), ("output", network.output))
    for k, part in enumerate(("plus", "minus")[: layer.r.shape[-1]])
)
json.dump({"same": module.check(), "apart": apart}, open(sys.argv[1], "w"))
"""
)


def pulsed(python: str, card: DeviceCard, folder: Path) -> dict[str, Any]:
    (module,) = folder.glob("*_pytorch.py")
    modes = ["resample"] if len(card.devices) > 1 else []
    modes += ["shared"] if card.variation.d2d_ln_rate_covariance else []
    answer = in_peer(python, PULSE, str(module), *modes)
    print(answer["versions"])
    for noise in ("c2c", *modes):
        print_scatter(noise, answer[noise], scatter(card, noise))
    wanted, span = reference_train(card).value, card.window.span
    return {
        "value": answer["double"],
        "float32": f"{np.abs(np.array(answer['single']) - wanted).max() / span:.1e}",
        "first pulse": f"{abs(answer['double'][1] - wanted[1]) / span:.1e}",
        "read noise (peer/ours)": f"{answer['read']:.5f}/{read_sigma(card):.5f}",
    }


def trained_layers(python: str) -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split((x / 16).astype(np.float32), y, stratify=y, random_state=0)
    for name, card in cards().items():
        with tempfile.TemporaryDirectory() as folder:
            export(card, "pytorch", Path(folder) / "out")
            np.savez(Path(folder) / "digits.npz", x=x, y=y, test_x=test_x, test_y=test_y)
            (module,) = (Path(folder) / "out").glob("*_pytorch.py")
            answer = in_peer(python, TRAIN, str(module), str(Path(folder) / "digits.npz"))
        print(f"64-10 on load_digits, 8 epochs, test accuracy float / on {name}, pulses: {answer}")


def networks(python: str, path: Path | None) -> None:
    if path is None:
        print("no trained network: give --network")
        return
    with tempfile.TemporaryDirectory() as folder:
        made = export(path, "pytorch", Path(folder) / "out")
        (module,), (held,) = ((Path(folder) / "out").glob(each) for each in ("*_pytorch.py", "*_network.npz"))
        answer = in_peer(python, NETWORK, str(module), str(held))
        print(made.files["README.txt"].decode().split("Network: ")[1].split("\n- ")[0])
    counts, classes, n = answer["same"]
    print(f"network: same counts {counts}, same classes {classes} of {n}; conductances within {answer['apart']:.1e}")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--network", type=Path, help="network.npz of a training")
    options = arguments.parse_args()
    each_card("pytorch", lambda card, folder: pulsed(options.python, card, folder), {"log window": log_window()})
    trained_layers(options.python)
    networks(options.python, options.network)


if __name__ == "__main__":
    main()
