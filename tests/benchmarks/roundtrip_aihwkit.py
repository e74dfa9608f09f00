"""Load the aihwkit export in the real aihwkit, pulse it, and compare with a DeviceArray.

    python tests/benchmarks/roundtrip_aihwkit.py --python AIHWKIT_VENV/bin/python

Wanted there: torch 2.10.0 and the wheel of aihwkit 1.1.0 (pip install --only-binary=:all:); with other versions of
torch that wheel imports, and then fails when weights are set. Also measured: the noise of one update and the
scatter over devices of the real tile, against the card's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import each_card, in_peer, parser

from devicekit.device.card import DeviceCard
from devicekit.exporters.targets.aihwkit import linear_fields

PEER = r"""
import importlib.util, json, sys
import numpy as np, torch, aihwkit
from aihwkit.simulator.configs import SingleRPUConfig
from aihwkit.simulator.tiles import AnalogTile

spec = importlib.util.spec_from_file_location("preset", sys.argv[2])
preset = importlib.util.module_from_spec(spec)
spec.loader.exec_module(preset)
quiet = dict(dw_min_std=0.0, dw_min_dtod=0.0, up_down_dtod=0.0)

def tile(device, n):
    # a preset of the exported module, n devices in one row; one pulse an update
    config = SingleRPUConfig(device=device)
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

def train(device):
    made = tile(device, 1)
    start(made, 1, -1.0)
    path = [float(weights(made)[0])]
    for sign in [1] * 100 + [-1] * 100:
        pulse(made, 1, sign)
        path.append(float(weights(made)[0]))
    return path

def scatter(device, n=20000):
    torch.manual_seed(0)
    found = {}
    for name, sign in (("up", 1), ("down", -1)):
        made = tile(device, n)
        start(made, n, 0.0)
        pulse(made, n, sign)
        found[name] = weights(made)
    return found

name = sys.argv[3]
answer = {"w": train(getattr(preset, name + "PresetDevice")(**quiet))}
if sys.argv[4] == "linear":
    answer["linear"] = train(getattr(preset, name + "LinearPresetDevice")(**quiet))
    sd = scatter(getattr(preset, name + "LinearPresetDevice")(dw_min_dtod=0.0, up_down_dtod=0.0))
    answer["linear noise"] = [float(v.std()) for v in sd.values()]
noise = scatter(getattr(preset, name + "PresetDevice")(dw_min_dtod=0.0, up_down_dtod=0.0))
answer["noise"] = {k: [float(v.mean()), float(v.std())] for k, v in noise.items()}
made = tile(getattr(preset, name + "PresetDevice")(dw_min_std=0.0), 20000)
steps = {}
for key, sign in (("up", 1), ("down", -1)):
    start(made, 20000, 0.0)
    pulse(made, 20000, sign)
    steps[key] = np.log(np.maximum(np.abs(weights(made)), 1e-9))
answer["dtod"] = np.cov(steps["up"], steps["down"]).tolist()
answer["mean"] = [float(np.exp(s).mean()) for s in steps.values()]
from aihwkit.nn import AnalogLinear
from aihwkit.optim import AnalogSGD

layer = AnalogLinear(8, 3, bias=False, rpu_config=getattr(preset, name + "Preset")())
before = layer.get_weights()[0].clone()
optimizer = AnalogSGD(layer.parameters(), lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    ((layer(torch.rand(16, 8)) - 0.5) ** 2).mean().backward()
    optimizer.step()
answer["trains"] = bool((layer.get_weights()[0] != before).any())
answer["versions"] = f"aihwkit {aihwkit.__version__}, torch {torch.__version__}"
json.dump(answer, open(sys.argv[1], "w"))
"""


def main() -> None:
    python = parser(__doc__).parse_args().python

    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        (module,) = folder.glob("*_preset.py")
        source = module.read_text()
        name = source.split("PresetDevice(PiecewiseStepDevice)")[0].rsplit("class ", 1)[1]
        linear = linear_fields(card, True) is not None
        answer = in_peer(python, PEER, str(module), name, "linear" if linear else "none")
        window = card.window

        def value(w: list[float]) -> np.ndarray:
            return window.low + window.span * (np.array(w) + 1.0) / 2.0

        report: dict[str, Any] = {"value": value(answer["w"]), "with": answer["versions"]}
        report["a layer of the whole preset trains"] = answer["trains"]
        if linear:
            difference = value(answer["linear"]) - value(answer["w"])
            report["LinearStep noise up, down"] = np.round(answer["linear noise"], 5).tolist()
            report["LinearStep from it"] = f"{np.abs(difference).max() / window.span:.1e}"
        middle = 2 * np.abs([float(card.rate(direction, 0.5)) for direction in ("ltp", "ltd")])
        report["step noise up, down (real, card) at w = 0"] = [
            round(answer["noise"][key][1], 5) for key in ("up", "down")
        ] + [round(2 * _sigma(card, direction), 5) for direction in ("ltp", "ltd")]
        report["ln-rate covariance (real, card)"] = (
            np.round(answer["dtod"], 5).tolist(),
            card.variation.d2d_ln_rate_covariance,
        )
        report["mean step over devices / card's"] = np.round(np.array(answer["mean"]) / middle, 4).tolist()
        return report

    each_card("aihwkit", peer)


def _sigma(card: DeviceCard, direction: str) -> float:
    from devicekit.exporters.base import update_sigma

    return float(update_sigma(card, direction, np.abs(card.rate(direction, 0.5))))


if __name__ == "__main__":
    main()
