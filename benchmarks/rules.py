"""Is it the device or the rule? Gradients and pulse policies on seven cards, with noisy reads, wide, and on MNIST.

python benchmarks/rules.py [table|reads|wide|mnist|constants ...] [--data-dir FOLDER] [--jobs 2]

CrossSim and Gong are measured (DEVICEKIT_TEST_DATA), the other cards SYNTHETIC. `table`, `reads`: 500 images of UCI
Optdigits, 4 epochs, 64-50-10, tested on the 1,797 images of other writers after the last epoch, each shown 8 times;
seeds 10 to 12. `constants`: seeds 0 and 1, tested on 1,000 images held out of the training part: by these the constants
were chosen, one set for all cards. Reads are ideal where no read noise is named. ± is one standard error over seeds.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.model_selection import train_test_split

import devicekit
from devicekit.device.card import DeviceCard
from snn import recipe
from snn.benchmark.changes import with_noise
from snn.benchmark.flaws import device
from snn.benchmark.measure import generic
from snn.benchmark.task import few_shot, setting, showings
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.data.load import load
from snn.network.learning import GRADIENTS
from snn.training import Run

DATA = Path(os.environ.get("DEVICEKIT_TEST_DATA", ""))
SEEDS = (10, 11, 12)
RULES = (
    ("resume", "reset"), ("resume", "carry"), ("resume", "verify"), ("resume", "stochastic"),
    ("surrogate", "carry"), ("surrogate", "verify"), ("surrogate", "stochastic"),
)  # fmt: skip
Work = tuple[DeviceCard, TrainingConfig, Dataset]


def cards() -> dict[str, tuple[DeviceCard, dict[str, Any]]]:
    """Seven cards, and what a training on them is told beside."""
    found: dict[str, tuple[DeviceCard, dict[str, Any]]] = {}
    if (DATA / "crosssim_ramps").is_dir():
        ramps = devicekit.fit(DATA / "crosssim_ramps", quantity="current", read_voltage=0.1)
        found["CrossSim"] = (ramps.to_card("crosssim"), {})
    found["linear, 200 steps"] = (generic(200, 0.0, 1e-3), {})
    found["A: NL 5, 20 steps, scatter 5 %"] = (generic(20, 0.05, 5.0), {})
    found["I: scatter 3 %, LTD x3"] = (generic(scatter=0.03, ltd=3.0), {})
    if (DATA / "gong_reram").is_dir():
        gong = devicekit.fit(DATA / "gong_reram" / "gong_et_al.csv", quantity="weight").to_card("gong")
        found["Gong"] = (gong, {})
        found["Gong, no scatter"] = (gong, {"c2c": "none"})
    found["F: D2D sd of ln rate 1.5"] = device("device-to-device variation", 1.5)
    found["L: 8 states"] = device("states", 8)
    return found


def run(card: DeviceCard, config: TrainingConfig, data: Dataset) -> tuple[float, float, float, float]:
    """Test accuracy [%] after the last epoch, pulses and reads a device, CPU time of training [s]."""
    training = Run(card, config, data)
    began = time.process_time()
    for epoch in range(config.epochs):
        training.learn(epoch)
    took = time.process_time() - began
    synapses = training.synapses
    reached = 100 * training.test(config.epochs - 1, showings(data))
    assert synapses is not None
    return reached, synapses.pulses_per_device, synapses.reads_per_device, took


def runs(work: Sequence[Work], jobs: int) -> Iterator[tuple[float, float, float, float]]:
    """`run` of each, in order; what must be compiled is compiled before the clock starts."""
    card, config, data = work[0]
    few = Dataset(data.name, data.split, data.x_train[:20], data.y_train[:20], data.x_test[:20], data.y_test[:20])
    run(card, replace(config, epochs=1), few)
    yield from joblib.Parallel(n_jobs=jobs, return_as="generator")(joblib.delayed(run)(*each) for each in work)


def told(values: Sequence[float]) -> str:
    x = np.array(values)
    return f"{x.mean():.1f} ± {x.std(ddof=1) / np.sqrt(len(x)):.1f}" if len(x) > 1 else f"{x[0]:.1f}"


def table(data_dir: Path, jobs: int) -> None:
    """Every gradient with every policy on every card."""
    data = few_shot("optdigits", data_dir)
    named = cards()
    work = [
        (card, replace(setting("plain", seed, **changes), gradient=gradient, policy=policy, read_noise=False), data)
        for card, changes in named.values()
        for gradient, policy in RULES
        for seed in SEEDS
    ]
    found = np.array(list(runs(work, jobs))).reshape(len(named), len(RULES), len(SEEDS), 4)
    print(f"few-shot, {data.split}; seeds {SEEDS}; accuracy (paired gain on reset), pulses and reads a device, CPU s")
    for (name, _), rows in zip(named.items(), found, strict=True):
        print(f"\n{name}")
        for (gradient, policy), row in zip(RULES, rows, strict=True):
            gain = told(row[:, 0] - rows[0, :, 0])
            pulses, reads, took = row[:, 1:].mean(axis=0)
            print(
                f"  {gradient:>9} {policy:<10} {told(row[:, 0])}  ({gain})  {pulses:.3g}  {reads:.3g}  {took:.2f}",
                flush=True,
            )


def reads(data_dir: Path, jobs: int) -> None:
    """Verify against the noise of reading, all reads noisy: forward, backward and of what pulses did."""
    data = few_shot("optdigits", data_dir)
    sizes = (0.0, 0.0025, 0.005, 0.01, 0.045)
    print("read noise [of the window]", *sizes)
    for name in ("CrossSim", "linear, 200 steps", "A: NL 5, 20 steps, scatter 5 %", "I: scatter 3 %, LTD x3"):
        if name not in cards():
            continue
        card, changes = cards()[name]
        step = recipe.step_about(card, recipe.symmetric_point(card))
        for policy in ("reset", "carry", "verify"):
            work = [
                (with_noise(card, "read", sd), replace(setting("plain", seed, **changes), policy=policy), data)
                for sd in sizes
                for seed in SEEDS
            ]
            rows = np.array(list(runs(work, jobs))).reshape(len(sizes), len(SEEDS), 4)
            print(f"{name} (step {step:.3g}) {policy}:", ", ".join(told(row[:, 0]) for row in rows), flush=True)


def _wide(data: Dataset, named: Sequence[str], epochs: int, hidden: int, seeds: Sequence[int], jobs: int) -> None:
    for name in named:
        if name not in cards():
            continue
        card, changes = cards()[name]
        for gradient, policy in RULES:
            work = [
                (
                    card,
                    TrainingConfig(
                        epochs=epochs, hidden=hidden, seed=seed, gradient=gradient, policy=policy, **changes
                    ),
                    data,
                )
                for seed in seeds
            ]
            rows = np.array(list(runs(work, jobs)))
            pulses, read, took = rows[:, 1:].mean(axis=0)
            print(
                f"{name}, {gradient} {policy}: {told(rows[:, 0])}  {pulses:.3g}  {read:.3g}  {took:.1f} s", flush=True
            )


def wide(data_dir: Path, jobs: int) -> None:
    """64-1000-10 on all images, 2 epochs."""
    data = load("optdigits", data_dir)
    print(f"64-1000-10, {data.split}, 2 epochs, seeds 0 to 2; accuracy, pulses, reads, CPU s")
    _wide(data, ("A: NL 5, 20 steps, scatter 5 %", "I: scatter 3 %, LTD x3", "CrossSim"), 2, 1000, (0, 1, 2), jobs)


def _idx(path: Path) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    sizes = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def mnist(data_dir: Path, jobs: int) -> None:
    """784-1000-10 on 10,000 MNIST images, 2 epochs, tested on the official 10,000."""
    del data_dir
    part = {
        name: _idx(DATA / "mnist" / f"{name}-ubyte.gz")
        for name in ("train10k-images-idx3", "train10k-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    }
    x, y, x_test, y_test = part.values()
    flat = [each.reshape(len(each), -1) / 255 for each in (x, x_test)]
    data = Dataset("mnist", "10,000 to train, official test part", flat[0], y.astype(int), flat[1], y_test.astype(int))
    print(f"784-1000-10, MNIST, {data.split}, 2 epochs, seeds 0 to 2; accuracy, pulses, reads, CPU s")
    _wide(data, ("CrossSim", "A: NL 5, 20 steps, scatter 5 %"), 2, 1000, (0, 1, 2), jobs)


def constants(data_dir: Path, jobs: int) -> None:
    """What the constants were chosen by: images held out of the training part, seeds 0 and 1."""
    whole = load("optdigits", data_dir)
    x, rest, y, y_rest = train_test_split(
        whole.x_train, whole.y_train, train_size=500, stratify=whole.y_train, random_state=0
    )
    held, _, y_held, _ = train_test_split(rest, y_rest, train_size=1000, stratify=y_rest, random_state=1)
    data = Dataset("optdigits, held out", "", x, y, held, y_held)
    named = {name: card for name, (card, _) in cards().items() if name[0] in "CAI"}
    print("cards:", "; ".join(named))

    def tell(what: str, **settings: Any) -> None:
        work = [(card, replace(setting("plain", s), **settings), data) for card in named.values() for s in (0, 1)]
        reached = np.array([run(*each)[0] for each in work]).reshape(-1, 2).mean(axis=1)
        print(f"{what}: {' '.join(f'{v:.1f}' for v in reached)}; mean {reached.mean():.2f}", flush=True)

    usual = recipe.ETA_TOTAL, recipe.FASTEST_DECAY, GRADIENTS["surrogate"]
    for policy in ("carry", "verify"):
        for total in (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32):
            recipe.ETA_TOTAL, recipe.FASTEST_DECAY = total, 0.01
            tell(f"{policy}, rates fall to {total:.3g}", policy=policy)
        recipe.ETA_TOTAL, recipe.FASTEST_DECAY = usual[:2]
        for most in (1, 5, 20, 60):
            tell(f"{policy}, at most {most} pulses", policy=policy, max_pulses=most)
    for rates in ((0.02, 0.0192), (0.04, 0.0048), (0.04, 0.0096), (0.04, 0.0192), (0.04, 0.0384), (0.08, 0.0192)):
        GRADIENTS["surrogate"] = replace(usual[2], rates=lambda hidden, pair=rates: pair)
        tell(f"surrogate carry, rates {rates}", policy="carry", gradient="surrogate")
    for total in (1.0, 0.7, 1 / 3, 1 / 8, 1 / 32):
        GRADIENTS["surrogate"] = replace(usual[2], eta_total=total)
        recipe.FASTEST_DECAY = 0.01
        tell(f"surrogate carry, rates fall to {total:.3g}", policy="carry", gradient="surrogate")
    recipe.ETA_TOTAL, recipe.FASTEST_DECAY, GRADIENTS["surrogate"] = usual


PARTS = {"table": table, "reads": reads, "wide": wide, "mnist": mnist, "constants": constants}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all, if none is named")
    parser.add_argument("--data-dir", type=Path, default=DATA / "optdigits", help="folder with Optdigits")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    for part in asked.parts or PARTS:
        PARTS[part](asked.data_dir, asked.jobs)


if __name__ == "__main__":
    main()
