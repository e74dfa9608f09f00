"""A network of the user's own on devices: CNN and MLP on MNIST, and LIF neurons of snnTorch.

    python benchmarks/own_network.py --data MNIST_FOLDER --card CARD.json ... [--network cnn] [--out FILE.json]
    python benchmarks/own_network.py --data MNIST_FOLDER --card CARD.json --aihwkit PRESET_FOLDER

Float weights, the card's ideal device (linear, symmetric, without noise), and each card, over seeds, with the same
start weights and order of images. Accuracies are those of the test part after the last epoch. The ratio of times is
that of CPU times of training epochs in one process. PRESET_FOLDER is what `devicekit export CARD --to aihwkit` wrote;
there the same network is trained by aihwkit, in an environment that has it, with the preset whose scatter does not
depend on the step and one device a weight, as with `--mapping reference`.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import devicekit.torch
from devicekit.device.card import as_card
from devicekit.device.idealise import idealise
from devicekit.device.variation import read_sigma
from devicekit.torch.layers import ROOM
from snn.data.load import load

BATCH = 32
STEPS = 10  # of a spiking network


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        *(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))


class Spiking(nn.Module):
    """784-100-10 with leaky integrate-and-fire neurons of snnTorch and a rate code."""

    def __init__(self) -> None:
        import snntorch

        super().__init__()
        self.hidden, self.output = nn.Linear(784, 100), nn.Linear(100, 10)
        self.neurons = nn.ModuleList([snntorch.Leaky(beta=0.9), snntorch.Leaky(beta=0.9)])

    def forward(self, x: Tensor) -> Tensor:
        first, second = (each.init_leaky() for each in self.neurons)
        total: Any = 0.0
        for _ in range(STEPS):
            spikes, first = self.neurons[0](self.hidden(torch.bernoulli(x)), first)
            _, second = self.neurons[1](self.output(spikes), second)
            total = total + second
        return total / STEPS


NETWORKS: dict[str, Callable[[], nn.Module]] = {"cnn": cnn, "mlp": mlp, "lif": Spiking}
RATE = 0.1  # of stochastic gradient descent in the first epoch


class Task:
    """MNIST as tensors."""

    def __init__(self, folder: Path) -> None:
        data = load("mnist", folder)
        self.words = f"{data.name}, {data.split}"
        self.x, self.x_test = (torch.tensor(each, dtype=torch.float32) for each in (data.x_train, data.x_test))
        self.y, self.y_test = torch.tensor(data.y_train), torch.tensor(data.y_test)

    def epoch(self, net: nn.Module, optimizer: Any, order: torch.Generator) -> float:
        """Train one epoch; return its CPU time [s]."""
        net.train()
        start = time.process_time()
        for batch in torch.randperm(len(self.x), generator=order).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(self.x[batch]), self.y[batch]).backward()
            optimizer.step()
        return time.process_time() - start

    @torch.no_grad()
    def accuracy(self, net: nn.Module) -> float:
        net.eval()
        return float(np.mean([(net(x).argmax(1) == y).float().mean() for x, y in self._tests()]))

    def _tests(self) -> Any:
        return zip(self.x_test.split(1000), self.y_test.split(1000), strict=True)

    def train(self, net: nn.Module, optimizer: Any, epochs: int, seed: int) -> tuple[float, float]:
        """Train; return accuracy and the median CPU time of an epoch, the first left out [s]."""
        order = torch.Generator().manual_seed(seed)
        torch.manual_seed(1000 + seed)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        times = []
        for _ in range(epochs):
            times.append(self.epoch(net, optimizer, order))
            schedule.step()
        return self.accuracy(net), float(np.median(times[1:] or times))


def variants(cards: list[str]) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return card and options by name."""
    found: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name in cards:
        card = as_card(name)
        ideal = idealise(card, linear=True, symmetric=True)
        found[f"{card.name}, ideal"] = (ideal, {"c2c": "none", "d2d": "none"})
        found[card.name] = (card, {})
    return found


def run(task: Task, network: str, cards: list[str], seeds: int, epochs: int, mapping: str) -> list[dict[str, Any]]:
    make, lr = NETWORKS[network], RATE
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        torch.manual_seed(seed)
        base = make()
        net = copy.deepcopy(base)
        accuracy, plain = task.train(net, torch.optim.SGD(net.parameters(), lr=lr), epochs, seed)
        rows.setdefault("float weights", []).append({"accuracy": accuracy, "loss": 0.0, "ratio": 1.0})
        best = accuracy
        for name, (card, options) in variants(cards).items():
            net = devicekit.torch.convert(base, card, seed=seed, mapping=mapping, **options)
            optimizer = devicekit.torch.PulseOptimizer(net, torch.optim.SGD, lr=lr)
            accuracy, seconds = task.train(net, optimizer, epochs, seed)
            used = devicekit.torch.usage(net)
            devices = sum(each.devices for each in used.layers)
            row = {"accuracy": accuracy, "loss": best - accuracy, "ratio": seconds / plain}
            row["pulses"] = used.pulses / devices
            if not options and read_sigma(card) > 0:
                with devicekit.torch.reading(net, read_noise=True):
                    row["noisy"] = task.accuracy(net)
            rows.setdefault(name, []).append(row)
            print(seed, name, row, optimizer.policies[0], flush=True)
    return [summary(name, each) for name, each in rows.items()]


def summary(name: str, rows: list[dict[str, float]]) -> dict[str, Any]:
    """Return means and standard errors over the seeds; a loss is that of pairs of seeds."""
    made: dict[str, Any] = {"name": name, "seeds": len(rows)}
    for key in rows[0]:
        values = np.array([each[key] for each in rows])
        made[key] = [float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0]
    return made


def run_aihwkit(task: Task, network: str, folder: Path, seeds: int, epochs: int, perfect: bool) -> list[dict[str, Any]]:
    """Train the same network with the exported preset in aihwkit."""
    from aihwkit.nn.conversion import convert_to_analog
    from aihwkit.optim import AnalogSGD

    file = next(folder.glob("*_preset.py"))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make, lr = NETWORKS[network], RATE
    rows: dict[str, list[dict[str, float]]] = {}
    presets = [value for name, value in vars(module).items() if name.endswith("NoisyPreset")]
    for preset in presets:
        for seed in range(seeds):
            torch.manual_seed(seed)
            config = preset()
            config.mapping.weight_scaling_omega = 1 / ROOM  # the same room to grow
            config.mapping.weight_scaling_lr_compensation = True
            config.mapping.digital_bias = True
            config.forward.is_perfect = config.backward.is_perfect = perfect
            net = convert_to_analog(make(), config)
            optimizer = AnalogSGD(net.parameters(), lr=lr)
            optimizer.regroup_param_groups(net)
            accuracy, seconds = task.train(net, optimizer, epochs, seed)
            rows.setdefault(preset.__name__, []).append({"accuracy": accuracy, "seconds": seconds})
            print(seed, preset.__name__, rows[preset.__name__][-1], flush=True)
    return [summary(name, each) for name, each in rows.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--card", action="append", default=[])
    parser.add_argument("--network", choices=NETWORKS, default="cnn")
    parser.add_argument("--mapping", choices=("pair", "reference"), default="pair")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--aihwkit", type=Path)
    parser.add_argument("--perfect-passes", action="store_true", help="aihwkit without converters and output noise")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    task = Task(given.data)
    if given.aihwkit is None:
        rows = run(task, given.network, given.card, given.seeds, given.epochs, given.mapping)
    else:
        rows = run_aihwkit(task, given.network, given.aihwkit, given.seeds, given.epochs, given.perfect_passes)
    result = {"data": task.words, "network": given.network, "epochs": given.epochs, "rows": rows}
    print(json.dumps(result, indent=1))
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
