"""Load the CrossSim export with the real CrossSim V2.0, apply its update, and compare with a DeviceArray.

    git clone --branch v2.0 https://github.com/sandialabs/cross-sim
    python benchmarks/roundtrip_crosssim.py --python CROSSSIM_VENV/bin/python --repo cross-sim

Wanted there: numpy 1.23.5, scipy 1.10.1, setuptools < 70, matplotlib. Also measured: the scatter of drawn updates.

    python benchmarks/roundtrip_crosssim.py --python3 VENV3/bin/python --repo3 cross-sim-3 [--network network.npz]

CrossSim 3 (tag v3.2.0; numpy and scipy of any recent version): the device class in its cores, and the conductances of a
network.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import away, cards, each_card, in_peer, made_up, parser, retention

from devicekit.device.card import DeviceCard
from devicekit.device.network import TrainedNetwork
from devicekit.exporters import export, inference
from devicekit.exporters.base import update_sigma

PEER = r"""
import json, os, sys
import numpy as np, scipy
from cross_sim import Parameters

params = Parameters()
numeric = params.numeric_params
lookup = numeric.dG_lookup
lookup.file_increasing = os.path.join(sys.argv[2], "dG_increasing.txt")
lookup.file_decreasing = os.path.join(sys.argv[2], "dG_decreasing.txt")
lookup.Gmin_relative, lookup.Gmax_relative = 0.0, 1.0
numeric.update_model = "DG_LOOKUP"
lookup.manual_post_set()  # as MakeCore does: reads and checks the two files

low, high = lookup.Gmin_clip, lookup.Gmax_clip
clip = params.xbar_params.weight_clipping
w = np.array([[clip.minimum]])
path = [w[0, 0] * high]
for request in [lookup.ave_dw_inc] * 100 + [lookup.ave_dw_dec] * 100:  # one average update: one pulse
    w = clip.clip(w + lookup.compute_update(np.full((1, 1), request), w, disable_writenoise=True))
    path.append(float(w[0, 0] * high))
np.random.seed(0)
middle = np.full((200, 200), 0.5 * (clip.minimum + clip.maximum))
drawn = [lookup.compute_update(np.full(middle.shape, dw), middle, disable_writenoise=False) * high
         for dw in (lookup.ave_dw_inc, lookup.ave_dw_dec)]
json.dump({
    "g": path, "window": [low, high], "mean": [float(d.mean()) for d in drawn], "sd": [float(d.std()) for d in drawn],
    "versions": "numpy " + np.__version__ + ", scipy " + scipy.__version__,
}, open(sys.argv[1], "w"))
"""


PEER3 = r"""
import importlib, json, sys
import numpy as np, scipy
sys.path.insert(0, sys.argv[2])
held = importlib.import_module(sys.argv[3])
from simulator import AnalogCore
from simulator.parameters.core_parameters import CoreStyle

found = {}
for part, layer in zip(("hidden", "output"), held.layers()):
    for side, value in zip(("plus", "minus"), layer.conductances()):
        found[f"{part}_{side}"] = 1.0 * value
np.savez(sys.argv[4], **found)
x = np.load(sys.argv[5])
sums = np.stack([held.layers()[0](each) for each in x])

np.random.seed(0)
targets, rows = np.array(json.loads(sys.argv[6])), 4000

def core(time_s, read):
    made = held.parameters(time_s)
    made.xbar.device.read_noise.enable = read
    if read:
        made.xbar.device.programming_error.enable = made.xbar.device.drift_error.enable = False
    return held._core(np.tile(2.0 * targets - 1.0, (rows, 1)).T, made)

def stats(g):
    u = (1e6 * np.asarray(g) - held.LOW) / (held.HIGH - held.LOW)
    return [u.mean(axis=1).tolist(), u.std(axis=1).tolist()]

answer = {"sums": sums.tolist(), "versions": "numpy " + np.__version__ + ", scipy " + scipy.__version__}
answer["programmed"] = stats(held._conductances(core(0.0, False)))
for t in json.loads(sys.argv[7]):
    answer[f"drift {t:g}"] = stats(held._conductances(core(t, False)))
reader = core(0.0, True)
one = np.eye(len(targets))
y = np.stack([reader.matvec(each) for each in one])  # the weights of one device each, as they are read
answer["read"] = stats(1e-6 * (held.LOW + (held.HIGH - held.LOW) * (y + 1.0) / 2.0))
json.dump(answer, open(sys.argv[1], "w"))
"""


def _version3(python: str, repo: Path, network: TrainedNetwork) -> None:
    """The device class and the tiles of a network in CrossSim 3."""
    card = retention(network.card)
    network = TrainedNetwork(card, network.layers, network.neurons, network.check, network.facts)
    found = inference.numbers(card)
    assert not isinstance(found, str)
    assert found.drift is not None
    targets, times = np.array([0.0, 0.15, 0.3, 0.5, 0.8, 1.0]), [1e3, 1e5]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(network, "crosssim", folder / "export")
        (module,) = (folder / "export").glob("*_crosssim3.py")
        x = np.random.default_rng(0).random((3, network.shape[0]))
        np.save(folder / "x.npy", x)
        code = f"import sys; sys.path.insert(0, {str(repo.resolve())!r})\n" + PEER3
        files = [str(folder / each) for each in ("g.npz", "x.npy")]
        lists = json.dumps(targets.tolist()), json.dumps(times)
        answer = in_peer(python, code, str(folder / "export"), module.stem, *files, *lists)
        apart = away(network, folder / "g.npz")
    wanted = x @ network.weights()[0]
    sums = np.abs(np.array(answer["sums"]) - wanted).max() / np.abs(wanted).max()
    print(
        f"CrossSim 3 ({answer['versions']}), {network.sentence}: conductances in the cores within {apart:.1e} of the "
        f"window, weighted sums of the hidden layer within {sums:.1e} of the largest"
    )
    print(f"its device class at states {targets.tolist()}, real / devicekit, of the window")
    at = np.linspace(0.0, 1.0, inference.TARGETS)
    mean, sd = targets + np.interp(targets, at, found.mean), np.interp(targets, at, found.sd)
    _row("programmed", answer["programmed"], mean, sd)
    _row("read", answer["read"], targets, np.full(targets.size, found.read_sd))
    window, rng = card.window, np.random.default_rng(1)
    for t in times:
        r = np.clip(mean + sd * rng.standard_normal((20000, targets.size)), 0.0, 1.0)
        aged = window.to_state(found.drift.age(window.from_state(r), t, seed=0))
        _row(f"drift {t:g}", answer[f"drift {t:g}"], aged.mean(axis=0), aged.std(axis=0))


def _row(what: str, real: list[list[float]], mean: np.ndarray, sd: np.ndarray) -> None:
    means, sds = ([np.round(each, 4).tolist() for each in pair] for pair in ((real[0], mean), (real[1], sd)))
    print(f"  {what}: mean {means[0]} / {means[1]}, sd {sds[0]} / {sds[1]}")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--repo", type=Path, help="checkout of cross-sim at tag v2.0")
    made.add_argument("--python3", default=sys.executable, help="Python for CrossSim 3")
    made.add_argument("--repo3", type=Path, help="checkout of cross-sim at tag v3.2.0")
    made.add_argument("--network", type=Path, help="network.npz of a training; else a made-up one")
    asked = made.parse_args()
    if asked.repo is None and asked.repo3 is None:
        made.error("give --repo, --repo3 or both")
    if asked.repo3 is not None:
        network = made_up(cards()["shipped"]) if asked.network is None else TrainedNetwork.load(asked.network)
        _version3(asked.python3, asked.repo3, network)
    if asked.repo is None:
        return
    package = asked.repo.resolve() / "cross_sim"

    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        code = f"import sys; sys.path.insert(0, {str(package.parent)!r})\n" + PEER
        answer = in_peer(asked.python, code, str(folder))
        span = card.window.span
        wanted = [float(card.rate(direction, 0.5)) for direction in ("ltp", "ltd")]
        sigma = [
            float(update_sigma(card, direction, np.array(rate)))
            for direction, rate in zip(("ltp", "ltd"), wanted, strict=True)
        ]
        return {
            "value": answer["g"],
            "mean and sd of drawn updates at mid-window (real, card)": [
                np.round(np.array(answer[key]) / span, 6).tolist() for key in ("mean", "sd")
            ]
            + [np.round(wanted, 6).tolist(), np.round(sigma, 6).tolist()],
            "with": answer["versions"],
        }

    for noise in (False, True):
        print("with update noise in the tables" if noise else "without noise (--no-noise)")
        each_card("crosssim", peer, noise=noise)
    _from_data(peer)


def _from_data(peer: Callable[[DeviceCard, Path], dict[str, Any]]) -> None:
    """The table made straight from the measured ramps, against their mean."""
    import devicekit

    card = cards().get("measured ramps")
    if card is None:
        return
    folder = Path(os.environ["DEVICEKIT_TEST_DATA"]) / "crosssim_ramps"
    table = devicekit.read(folder, quantity="current", read_voltage=0.1)
    with tempfile.TemporaryDirectory() as name:
        devicekit.export(card, "crosssim", Path(name) / "lut", data=table)
        value = np.array(peer(card, Path(name) / "lut")["value"])
    ramps = np.array([g[:101] for _, _, _, g in table.traces("ltp")])
    away = np.abs(value[:101] - np.nanmean(ramps, axis=0)).max() / card.window.span
    print(f"straight from the ramps: 100 LTP pulses stay within {away:.2e} of the range of the mean ramp")


if __name__ == "__main__":
    main()
