"""Speed of the network: `python benchmarks/bench_snn.py [--data-dir FOLDER] [--repeats N]`.

CPU seconds of one epoch of 3823 presentations, 64-1000-10, 50 steps, one thread: the least of some repeats,
because other work on the machine only ever adds. With scikit-learn's digits (no folder given) the samples are
repeated up to that number. The NumPy time is that of the tests' oracle with spikes drawn by NumPy.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import devicekit
from devicekit.device.card import load_card
from devicekit.system.catalog import get
from snn.baselines import spike_counts
from snn.data.dataset import Dataset
from snn.data.load import load
from snn.network.encoding import Presentations, stream_key
from snn.network.epochs import Lesson
from snn.network.neurons import Noise
from snn.training import TRAIN_STREAM, Run, TrainingConfig

PRESENTATIONS = 3823
QUIET = Noise(np.float32(0), np.float32(0))


def least(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)


def load_oracle():
    path = Path(__file__).parents[1] / "tests" / "unit" / "snn" / "snn_oracle.py"
    spec = importlib.util.spec_from_file_location("snn_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sized(data: Dataset) -> Dataset:
    index = np.arange(PRESENTATIONS) % len(data.y_train)
    return replace(
        data,
        x_train=data.x_train[index],
        y_train=data.y_train[index],
        x_test=data.x_train[index],
        y_test=data.y_train[index],
    )


def numpy_seconds(data: Dataset, samples: int = 200) -> float:
    """Plain NumPy online training, scaled to an epoch."""
    oracle = load_oracle()
    run = Run(None, TrainingConfig(scheme="offline", epochs=1), data)
    rule = run.learner.recipe.rule(run.config, insitu=False)
    w1, w2 = run.learner.w1[:, :1000].astype(np.float32), run.learner.w2[:1000].astype(np.float32)
    rng = np.random.default_rng(0)

    def train() -> None:
        nonlocal w1, w2
        for x, label in zip(data.x_train[:samples], data.y_train[:samples], strict=True):
            inputs = rng.random((50, x.size)) < 0.5 * x
            hidden, output, _ = oracle.forward(inputs, w1, w2, run.dynamics)
            dw1, dw2 = oracle.changes(label, inputs, hidden, output, w2, rule, run.dynamics)
            w1, w2 = w1 + dw1.astype(np.float32), w2 + dw2.astype(np.float32)

    return least(train, 2) * PRESENTATIONS / samples


def snntorch_seconds(data: Dataset, batch: int = 64) -> float | None:
    """An epoch of the same network, steps and input rates in snnTorch: surrogate gradients through time, Adam.

    None where snnTorch is not installed.
    """
    try:
        import snntorch
        import torch
        from snntorch import surrogate
    except ImportError:
        return None
    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = 50
    first, second = torch.nn.Linear(64, 1000, bias=False), torch.nn.Linear(1000, 10, bias=False)
    spike = surrogate.fast_sigmoid(slope=25)
    hidden = snntorch.Leaky(beta=float(np.exp(-1 / 10)), spike_grad=spike, reset_mechanism="zero")
    output = snntorch.Leaky(beta=float(np.exp(-1 / 20)), spike_grad=spike, reset_mechanism="zero")
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-3)
    x, y = torch.tensor(data.x_train, dtype=torch.float32), torch.tensor(data.y_train)
    print(f"torch {torch.__version__}, snntorch {snntorch.__version__}, batches of {batch}")

    def train() -> None:
        for start in range(0, len(x), batch):
            rate, label = 0.5 * x[start : start + batch], y[start : start + batch]
            v1, v2, counts = hidden.init_leaky(), output.init_leaky(), 0
            for _ in range(steps):
                s1, v1 = hidden(first(torch.bernoulli(rate)), v1)
                s2, v2 = output(second(s1), v2)
                counts = counts + s2
            loss = torch.nn.functional.cross_entropy(counts, label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return least(train, 2)


def ratios(data: Dataset) -> None:
    """CPU time of training an epoch in situ over that of the median offline epoch, on cards that take many pulses."""
    cards = {"shipped SYNTHETIC": load_card(get("pt-hfo2-al2o3-ti").card)}
    folder = Path(os.environ.get("DEVICEKIT_TEST_DATA", "")) / "crosssim_ramps"
    if folder.is_dir():
        cards["CrossSim"] = devicekit.fit(folder, quantity="current", read_voltage=0.1).to_card("crosssim")

    def seconds(run: Run) -> np.ndarray:
        taken = []
        for epoch in range(run.config.epochs):
            began = time.process_time()
            run.learn(epoch)
            taken.append(time.process_time() - began)
        return np.array(taken)

    offline = np.median(seconds(Run(None, TrainingConfig(scheme="offline", epochs=6), data))[1:])
    for name, card in cards.items():
        for schedule, epochs in (("constant", 12), ("growth", 20)):
            run = Run(card, TrainingConfig(epochs=epochs, schedule=schedule), data)
            found = seconds(run) / offline
            pulses = f"{run.synapses.pulses_per_device:.1f} pulses a device"
            print(
                f"{name}, {schedule}, {epochs} epochs: first {found[0]:.1f}, mean {found.mean():.2f}, "
                f"last {found[-1]:.1f} times an offline epoch of {offline:.3f} s ({pulses})"
            )


def shown(run: Run, epoch: int, order: np.ndarray) -> int:
    stream = stream_key(run.config.seed, TRAIN_STREAM)
    return run.learner.learn(
        Lesson(Presentations(run.x_train, run.train_ids, stream, epoch), run.y_train, order), epoch
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data-dir", type=Path)
    options.add_argument("--repeats", type=int, default=5)
    arguments = options.parse_args()
    name = "optdigits" if arguments.data_dir else "digits"
    data = sized(load(name, arguments.data_dir))
    card = load_card(get("pt-hfo2-al2o3-ti").card)
    began = time.perf_counter()
    offline = Run(None, TrainingConfig(scheme="offline", epochs=1), data)
    insitu = Run(card, TrainingConfig(epochs=1, schedule="constant"), data)
    order = np.arange(PRESENTATIONS)
    shown(offline, 0, order)
    shown(insitu, 0, order)
    offline.test(0)
    spike_counts(data.x_train, offline.config, stream_key(0, 0), 0)
    print(f"first epochs, compilation included: {time.perf_counter() - began:.1f} s")
    for epoch in range(1, 6):  # time trained networks: fewer errors, fewer pulses
        shown(offline, epoch, order)
        shown(insitu, epoch, order)
    encoding = least(lambda: spike_counts(data.x_train, offline.config, stream_key(0, 0), 0), arguments.repeats)
    forward = least(lambda: offline.test(0), arguments.repeats)
    train = least(lambda: shown(offline, 6, order), arguments.repeats)
    pulsed = least(lambda: shown(insitu, 6, order), arguments.repeats)
    ratios(data)
    plain = numpy_seconds(data)
    print(f"encoding {encoding:.3f} s, forward {forward - encoding:.3f} s, update {train - forward:.3f} s")
    print(f"offline epoch {train:.3f} s (forward pass alone, the floor: {forward:.3f} s)")
    print(f"in-situ epoch {pulsed:.3f} s: {pulsed / train:.2f} times the offline one")
    print(f"NumPy oracle {plain:.2f} s: {plain / train:.1f} times the compiled epoch")
    peer = snntorch_seconds(data)
    if peer is None:
        print("snnTorch is not installed: not compared (pip install torch snntorch)")
    else:
        print(f"snnTorch {peer:.2f} s: {peer / train:.1f} times the compiled epoch")


if __name__ == "__main__":
    main()
