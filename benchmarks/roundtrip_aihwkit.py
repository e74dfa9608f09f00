"""Load the aihwkit export in the real aihwkit, pulse it, read it, age it, and compare with devicekit.

    python benchmarks/roundtrip_aihwkit.py --python AIHWKIT_VENV/bin/python [--network network.npz]

Wanted there: torch 2.10.0 and the wheel of aihwkit 1.1.0 (pip install --only-binary=:all:); with other versions of
torch that wheel imports, and then fails when weights are set. Fractions are of the window. Measured in the real tile:
the mean train, C2C of single updates and along trains, D2D, read noise, the start state, a trained network's
conductances (`devicekit train --out` writes one; else a made-up one), and the noise model of inference.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import away, cards, each_card, in_peer, made_up, parser, retention

from devicekit.device.card import DeviceCard
from devicekit.device.network import TrainedNetwork
from devicekit.device.variation import read_sigma
from devicekit.exporters import export, inference, pulsed
from devicekit.fitting.device import fit
from devicekit.synthetic.pulses import truth_card

HEAD = r"""
import importlib, json, sys
import numpy as np, torch, aihwkit
from aihwkit.nn import AnalogLinear
from aihwkit.optim import AnalogSGD
from aihwkit.simulator.configs import SingleRPUConfig, UnitCellRPUConfig
from aihwkit.simulator.parameters import BoundManagementType, NoiseManagementType
from aihwkit.simulator.tiles import AnalogTile

sys.path.insert(0, sys.argv[2])
stem, name = sys.argv[3], sys.argv[4]
versions = f"aihwkit {aihwkit.__version__}, torch {torch.__version__}"

def ideal(passes):
    # converters, bounds and output noise off: what is left is the read noise
    passes.inp_res = passes.out_res = -1.0
    passes.out_noise, passes.inp_bound, passes.out_bound = 0.0, 1e9, 1e9
    passes.noise_management, passes.bound_management = NoiseManagementType.NONE, BoundManagementType.NONE
"""

PULSED = (
    HEAD
    + r"""
preset = importlib.import_module(stem + "_preset")
quiet = dict(dw_min_std=0.0, dw_min_dtod=0.0, up_down_dtod=0.0)
alike = dict(dw_min_dtod=0.0, up_down_dtod=0.0)

def device(kind, **off):
    made = getattr(preset, name + kind + "PresetDevice")
    if kind != "Noisy":
        return made(**off)
    cell = made()
    for key, value in off.items():
        for each in cell.unit_cell_devices:
            setattr(each, key, value)
    return cell

def tile(kind, n, **off):
    # a preset of the exported module, n devices in one row; one pulse an update
    config = (UnitCellRPUConfig if kind == "Noisy" else SingleRPUConfig)(device=device(kind, **off))
    config.update.desired_bl = 1
    config.update.update_bl_management = config.update.update_management = False
    made = AnalogTile(1, n, config)
    made.set_learning_rate(1.0)
    return made

def weights(made):
    return made.get_weights()[0].numpy().ravel().copy()

def start(made, n, w):
    made.set_weights(torch.full((1, n), float(w)))
    assert np.allclose(weights(made), w, atol=1e-6), "set_weights does not work with this torch"

def pulse(made, n, sign):
    made.update(sign * torch.ones(n), -torch.ones(1))  # a positive product of the two is a step down

def train(kind):
    made = tile(kind, 1, **quiet)
    start(made, 1, -1.0)
    path = [float(weights(made)[0])]
    for sign in [1] * 100 + [-1] * 100:
        pulse(made, 1, sign)
        path.append(float(weights(made)[0]))
    return path

def scatter(kind, n=8000):
    made = tile(kind, n, **alike)
    once = {}
    for key, sign in (("up", 1), ("down", -1)):
        once[key] = []
        for w in (-1.0, 0.0, 1.0):
            start(made, n, w)
            pulse(made, n, sign)
            once[key].append(float(weights(made).std()) / 2)
    def along(w, signs):
        start(made, n, w)
        path = [0.0]
        for sign in signs:
            pulse(made, n, sign)
            path.append(float(weights(made).std()) / 2)
        return path

    return {"path": along(-1.0, [1] * 100 + [-1] * 100), "pairs": along(0.0, [1, -1] * 100), **once}

def covariance(kind, n=20000):
    made = tile(kind, n, dw_min_std=0.0)
    steps = []
    for sign in (1, -1):
        start(made, n, 0.0)
        pulse(made, n, sign)
        steps.append(np.log(np.maximum(np.abs(weights(made)), 1e-9)))
    return np.cov(*steps).tolist()

torch.manual_seed(0)
kinds = json.loads(sys.argv[5])
answer = {"w": {k: train(k) for k in kinds}, "scatter": {k: scatter(k) for k in kinds}}
answer["dtod"] = {k: covariance(k) for k in kinds}

layer = AnalogLinear(100, 50, bias=False, rpu_config=getattr(preset, name + "Preset")())
preset.put_at_start(layer)
answer["start"] = [preset.START, float((layer.get_weights()[0] - preset.START).abs().max())]
config = getattr(preset, name + "Preset")()
ideal(config.forward)
layer = AnalogLinear(100, 50, bias=False, rpu_config=config)
layer.set_weights(torch.zeros(50, 100))
for x in (0.5, 1.0):
    with torch.no_grad():
        y = torch.stack([layer(torch.full((1, 100), x)) for _ in range(400)]).numpy()
    answer[f"read {x}"] = float(y.std()) / (x * 10.0)  # 100 devices: sqrt(100) x sd

trains = {}
for kind in kinds:
    layer = AnalogLinear(8, 3, bias=False, rpu_config=getattr(preset, name + kind + "Preset")())
    before = layer.get_weights()[0].clone()
    optimizer = AnalogSGD(layer.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        ((layer(torch.rand(16, 8)) - 0.5) ** 2).mean().backward()
        optimizer.step()
    trains[kind or "Preset"] = bool((layer.get_weights()[0] != before).any())
answer["trains"] = trains
answer["versions"] = versions
json.dump(answer, open(sys.argv[1], "w"))
"""
)

NETWORK = (
    HEAD
    + r"""
held = importlib.import_module(stem + "_network")
layers = held.layers()
found = {}
for part, layer in zip(("hidden", "output"), layers):
    for side, value in zip(("plus", "minus"), layer.conductances()):
        found[f"{part}_{side}"] = value
np.savez(sys.argv[5], **found)

def perfect():
    config = getattr(held, name + "Preset")()
    config.forward.is_perfect = True
    return config

x = torch.from_numpy(np.load(sys.argv[6]))
with torch.no_grad():
    sums = held.layers(make_config=perfect)[0](x).numpy()
np.save(sys.argv[7], sums)
json.dump({"versions": versions}, open(sys.argv[1], "w"))
"""
)

INFERENCE = (
    HEAD
    + r"""
model = importlib.import_module(stem + "_inference")
torch.manual_seed(0)
targets, rows = json.loads(sys.argv[5]), 4000

def layer(**options):
    config = getattr(model, name + "InferencePreset")()
    config.noise_model = getattr(model, name + "NoiseModel")(**options)
    config.drift_compensation = None
    config.mapping.max_input_size = config.mapping.max_output_size = 0  # one tile
    made = AnalogLinear(len(targets), rows, bias=False, rpu_config=config)
    made.set_weights(torch.tensor(targets).repeat(rows, 1))
    made.eval()
    return made

def stats(made):
    w = made.get_weights()[0].numpy()
    return [w.mean(axis=0).tolist(), w.std(axis=0).tolist()]

answer = {"versions": versions}
made = layer()
made.program_analog_weights()
answer["programmed"] = stats(made)
made = layer(programming_scale=0.0)
made.program_analog_weights()
made.drift_analog_weights(0.0)
answer["read"] = stats(made)
for t in json.loads(sys.argv[6]):
    made = layer(programming_scale=0.0, read_sd=0.0)
    made.program_analog_weights()
    made.drift_analog_weights(t)
    answer[f"drift {t:g}"] = stats(made)
json.dump(answer, open(sys.argv[1], "w"))
"""
)


def _names(folder: Path) -> tuple[str, str]:
    """What the exported modules and classes of a folder begin with."""
    (module,) = folder.glob("*_preset.py")
    name = module.read_text().split("PresetDevice(PiecewiseStepDevice)")[0].rsplit("class ", 1)[1]
    return module.stem.removesuffix("_preset"), name


def _pulsed(python: str) -> None:
    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        stem, name = _names(folder)
        text = (folder / f"{stem}_preset.py").read_text()
        kinds = ["", *(kind for kind in ("Noisy", "Linear") if f"{name}{kind}Preset(" in text)]
        answer = in_peer(python, PULSED, str(folder), stem, name, json.dumps(kinds))
        window, wanted = card.window, pulsed.card_scatter(card)
        rows = [f"  with {answer['versions']}; layers of the presets train: {answer['trains']}"]
        value = {k: window.low + window.span * (np.array(w) + 1.0) / 2.0 for k, w in answer["w"].items()}
        for kind in kinds:
            own = answer["scatter"][kind]
            real = pulsed.Scatter(np.array(own["path"]), np.array(own["pairs"]), tuple(own["up"]), tuple(own["down"]))
            away = np.abs(value[kind] - value[""]).max() / window.span
            rows.append(
                f"  {kind}Preset, C2C in the tile: {real.describe(wanted)}; its mean from the preset's {away:.1e}"
            )
            if card.variation.d2d_ln_rate_covariance is not None:
                found = np.round(answer["dtod"][kind], 5).tolist()
                rows.append(
                    f"  {kind}Preset, ln-rate covariance {found} (card {card.variation.d2d_ln_rate_covariance})"
                )
        rows.append(
            f"  one reading, sd {answer['read 0.5']:.5f}, {answer['read 1.0']:.5f} (card {2 * read_sigma(card):.5f})"
        )
        rows.append(f"  start w = {answer['start'][0]:.4f}, put there within {answer['start'][1]:.1e}")
        print("\n".join(rows))
        return {"value": value[""]}

    each_card("aihwkit", peer, _more())


def _more() -> dict[str, DeviceCard]:
    """A device whose first pulse is a large step; Gong's, whose trains do not start at the low end."""
    steep = truth_card({"ltp": (-1.5, -1.0, -8.0), "ltd": (-4.0, 0.05, 2.5)}, model="expstep")
    found = {"first-pulse collapse": steep}
    data = Path(os.environ.get("DEVICEKIT_TEST_DATA", "")) / "gong_reram" / "gong_et_al.csv"
    if data.is_file():
        found["Gong"] = fit(data, quantity="weight").to_card("gong", data)
    return found


def _network(python: str, network: TrainedNetwork, words: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(network, "aihwkit", folder / "export")
        x = np.random.default_rng(0).random((5, network.shape[0])).astype(np.float32)
        np.save(folder / "x.npy", x)
        files = [str(folder / each) for each in ("g.npz", "x.npy", "y.npy")]
        answer = in_peer(python, NETWORK, str(folder / "export"), *_names(folder / "export"), *files)
        apart = away(network, folder / "g.npz")
        wanted = x @ network.weights()[0]
        sums = np.abs(np.load(folder / "y.npy") - wanted).max() / np.abs(wanted).max()
    print(
        f"{words}: conductances in the tiles within {apart:.1e} of the window, weighted sums of the hidden layer "
        f"within {sums:.1e} of the largest (perfect forward pass); {answer['versions']}"
    )


def _inference(python: str, card: DeviceCard, words: str) -> None:
    card = retention(card)
    found = inference.numbers(card)
    assert not isinstance(found, str)
    assert found.drift is not None
    drift, window = found.drift, card.window
    targets, times = [0.15, 0.3, 0.5, 0.8, 1.0], [1e3, 1e5]
    with tempfile.TemporaryDirectory() as name:
        export(card, "aihwkit", Path(name) / "export")
        folder = Path(name) / "export"
        answer = in_peer(python, INFERENCE, str(folder), *_names(folder), json.dumps(targets), json.dumps(times))
    at = np.linspace(0.0, 1.0, inference.TARGETS)
    print(
        f"{words}, inference in the tile at weights {targets} ({answer['versions']}); real / devicekit, of the window"
    )

    def row(what: str, mean: np.ndarray, sd: np.ndarray) -> None:
        real = np.array(answer[what])
        means, sds = ([np.round(each, 4).tolist() for each in pair] for pair in ((real[0], mean), (real[1], sd)))
        print(f"  {what}: mean {means[0]} / {means[1]}, sd {sds[0]} / {sds[1]}")

    row("programmed", np.array(targets) + np.interp(targets, at, found.mean), np.interp(targets, at, found.sd))
    row("read", np.array(targets), np.full(len(targets), np.sqrt(2.0) * found.read_sd))
    low = window.low
    plus = low + window.span * np.array(targets)
    for t in times:
        # devicekit's own ageing of both conductances of each weight, 20,000 devices each
        aged = [drift.age(np.tile(g, (20000, 1)), t, seed=k) for k, g in enumerate((plus, np.full(len(targets), low)))]
        w = (aged[0] - aged[1]) / window.span
        row(f"drift {t:g}", w.mean(axis=0), w.std(axis=0))


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--network", type=Path, help="network.npz of a training")
    asked = made.parse_args()
    _pulsed(asked.python)
    shipped = cards()["shipped"]
    _network(asked.python, made_up(shipped), "made-up network, its output layer against a reference")
    if asked.network is not None:
        network = TrainedNetwork.load(asked.network)
        _network(asked.python, network, network.sentence)
    _inference(asked.python, shipped, "shipped card with a made-up retention block")


if __name__ == "__main__":
    main()
