"""Run the Brian2 export in the real Brian2, pulse it, and compare with a DeviceArray.

    python benchmarks/roundtrip_brian2.py --python VENV/bin/python --network network.npz [--target cython]

Wanted there: brian2 (2.9 with numpy below 2.4). Measured: a train without noise, given by spikes of generators; the
scatter of 10,000 devices after 10, 50 and 100 pulses (C2C alone, D2D alone); read noise; changes under a spike-timing
window; and a trained network's answers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import each_card, in_peer, log_window, parser, print_scatter, scatter

from devicekit.device.card import DeviceCard
from devicekit.device.measured import StdpWindow
from devicekit.device.symmetry import symmetric_point
from devicekit.device.variation import read_sigma
from devicekit.exporters import export
from devicekit.exporters.base import reference_train

LOAD = r"""
import importlib.util, json, sys
import brian2 as b
import numpy as np

b.prefs.codegen.target = sys.argv[3]
b.BrianLogger.suppress_hierarchy("brian2.codegen")
spec = importlib.util.spec_from_file_location("exported", sys.argv[2])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
ms = b.ms
"""

PULSE = (
    LOAD
    + r"""
def train():
    times = np.arange(100) * ms
    up, down = b.SpikeGeneratorGroup(1, [0] * 100, times), b.SpikeGeneratorGroup(1, [0] * 100, times + 100 * ms)
    neuron = b.NeuronGroup(1, "v : 1")
    made = module.devices(up, neuron, start=0.0, c2c=False, d2d="none")
    pulses = [module.pulse_by(up, made, module.POTENTIATE), module.pulse_by(down, made, module.DEPRESS)]
    watched = b.StateMonitor(made, "g", record=True, dt=1 * ms, when="start")
    b.Network(up, down, neuron, made, pulses, watched).run(201 * ms, namespace={})
    return (watched.g[0] / b.siemens).tolist()

def scatter(**options):
    b.seed(5)
    source = b.NeuronGroup(10_000, "v : 1", threshold="True")
    code = {"potentiate": module.POTENTIATE, "depress": module.DEPRESS}
    made = module.devices(source, source, start=0.0, on_pre=code, connect={"j": "i"}, seed=6, **options)
    network, found, done = b.Network(source, made), {}, 0
    for name, path in (("ltp", made.potentiate), ("ltd", made.depress)):
        made.potentiate.active, made.depress.active = path is made.potentiate, path is made.depress
        for pulse in (1, 10, 50, 100):
            network.run((pulse - done) * b.defaultclock.dt, namespace={})
            done = pulse if pulse < 100 else 0
            found[f"sd {name} {pulse}"], found[f"mean {name} {pulse}"] = float(np.std(made.r)), float(np.mean(made.r))
    return found

answer = {"train": train(), "versions": f"brian2 {b.__version__}, numpy {np.__version__}, target {sys.argv[3]}"}
answer["c2c"] = scatter(d2d="none")
for mode in sys.argv[4:]:
    answer[mode] = scatter(c2c=False, d2d=mode)
source = b.NeuronGroup(10_000, "v : 1", threshold="True")
target = b.NeuronGroup(10_000, "v : 1")
made = module.devices(source, target, d2d="none", read_noise=True, connect={"j": "i"})
b.Network(source, target, made).run(2 * b.defaultclock.dt, namespace={})
answer["read v"] = (np.asarray(target.v) / 2).tolist()
json.dump(answer, open(sys.argv[1], "w"))
"""
)

STDP = (
    LOAD
    + r"""
def change(delay):
    first, second = (0.0, delay) if delay > 0 else (-delay, 0.0)
    pre, post = (b.SpikeGeneratorGroup(1, [0], [t] * b.second) for t in (first, second))
    made = module.devices(pre, post, start=0.5, on_pre={"stdp": module.STDP_PRE}, on_post={"stdp_2": module.STDP_POST},
                          c2c=False, d2d="none")
    before = float(made.g[0])
    b.Network(pre, post, made).run((abs(delay) + 1e-3) * b.second, namespace={})
    return float(made.g[0]) / before - 1

json.dump([change(d) for d in json.loads(sys.argv[4])], open(sys.argv[1], "w"))
"""
)

NETWORK = (
    LOAD
    + r"""
held = np.load(sys.argv[4])
network, parts = module.load_network(sys.argv[4])
apart = 0.0
for name in ("hidden", "output"):
    for part in ("plus", "minus"):
        if f"{name}_{part}" in parts:
            made = parts[f"{name}_{part}"]
            wanted = held[f"{name}_{part}"][made.i[:], made.j[:]]
            apart = max(apart, float(np.abs(np.asarray(made.g) / wanted - 1).max()))
json.dump({"same": module.check(sys.argv[4]), "apart": apart}, open(sys.argv[1], "w"))
"""
)

WINDOW = StdpWindow(
    source="made", synthetic=True, n=0, noise=0.0,
    a_plus=0.8, a_minus=-0.4, tau_plus_s=0.015, tau_minus_s=0.025, offset=0.05,
)  # fmt: skip
DELAYS = (-0.05, -0.01, -0.002, 0.001, 0.01, 0.04)  # s


def pulsed(python: str, target: str, card: DeviceCard, folder: Path) -> dict[str, Any]:
    (module,) = folder.glob("*_brian2.py")
    modes = ["resample"] if len(card.devices) > 1 else []
    modes += ["shared"] if card.variation.d2d_ln_rate_covariance else []
    answer = in_peer(python, PULSE, str(module), target, *modes)
    print(answer["versions"])
    for noise in ("c2c", *modes):
        print_scatter(noise, answer[noise], scatter(card, noise))
    wanted, window = reference_train(card).value, card.window
    read = np.std(answer["read v"]) * 2**0.5  # weights as fractions of the window, means of two readings
    middle, rng = symmetric_point(card), np.random.default_rng(7)
    noisy = window.from_state(middle + read_sigma(card) * rng.standard_normal(1_000_000))
    ours = float(np.std(noisy)) / window.span
    return {
        "value": answer["train"],
        "first pulse": f"{abs(answer['train'][1] - wanted[1]) / window.span:.1e}",
        "read noise of G (peer/ours)": f"{read:.5f}/{ours:.5f}",
    }


def windows(python: str, target: str) -> None:
    """Changes for single pairs of spikes, against A exp(-delay / tau) + offset."""
    card = log_window().with_blocks({"stdp": WINDOW})
    linear = card.window.model_copy(update={"scale": "linear"})
    for each in (card, card.model_copy(update={"window": linear})):
        with tempfile.TemporaryDirectory() as folder:
            export(each, "brian2", Path(folder) / "out")
            (module,) = (Path(folder) / "out").glob("*_brian2.py")
            found = in_peer(python, STDP, str(module), target, str(list(DELAYS)))
        wanted = [
            WINDOW.offset
            + (
                WINDOW.a_plus * np.exp(-d / WINDOW.tau_plus_s)
                if d > 0
                else WINDOW.a_minus * np.exp(d / WINDOW.tau_minus_s)
            )
            for d in DELAYS
        ]
        apart = np.abs(np.array(found) - wanted).max()
        print(f"spike-timing window, {each.window.scale} window: changes within {apart:.1e} of its own")


def networks(python: str, target: str, path: Path | None) -> None:
    if path is None:
        print("no trained network: give --network")
        return
    with tempfile.TemporaryDirectory() as folder:
        export(path, "brian2", Path(folder) / "out")
        (module,), (held,) = ((Path(folder) / "out").glob(each) for each in ("*_brian2.py", "*_network.npz"))
        answer = in_peer(python, NETWORK, str(module), target, str(held))
    counts, classes, n = answer["same"]
    print(f"network: same counts {counts}, same classes {classes} of {n}; conductances within {answer['apart']:.1e}")


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--network", type=Path, help="network.npz of a training")
    arguments.add_argument("--target", default="numpy", help="Brian2's code generation target: numpy or cython")
    options = arguments.parse_args()
    more = {"log window": log_window()}
    each_card("brian2", lambda card, folder: pulsed(options.python, options.target, card, folder), more)
    windows(options.python, options.target)
    networks(options.python, options.target, options.network)


if __name__ == "__main__":
    main()
