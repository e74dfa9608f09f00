"""Train on the seven published devices in other simulators, from devicekit's exports, and print the accuracies.

    python benchmarks/rankings.py --optdigits FOLDER --aihwkit VENV/bin/python
    python benchmarks/rankings.py --optdigits FOLDER --crosssim VENV2/bin/python --repo cross-sim
    python benchmarks/rankings.py --optdigits FOLDER --torch
    python benchmarks/rankings.py --study RESULTS --figure docs/img/rankings.png --evidence
    python benchmarks/rankings.py --study APART --evidence

FOLDER holds optdigits.tra and optdigits.tes. Wanted: torch 2.10.0 and aihwkit 1.1.0; for CrossSim the tag v2.0, numpy
1.23.5, scipy 1.10.1, setuptools < 70 and matplotlib; `--torch` runs here, with devicekit[torch]. Everywhere the network
is CrossSim's for these data, 64-36-10 with sigmoid and softmax, batches of 10. Printed lines go into
devicekit/studies/shipped/published-devices.toml, from which `devicekit study published-devices --out RESULTS` makes its
page, and `--study` the tables of the documentation. APART is of `devicekit study where-devices-differ --out APART`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.exporters import export
from devicekit.fitting.labels import card_from_labels, published_devices

SEEDS = (0, 1, 2)
EPOCHS = {"aihwkit": 4, "crosssim": 4, "torch": 4}
ROOM = 4.0  # weight of a whole window over the largest start weight, as in devicekit.torch
EVIDENCE = {"published-devices": "rankings", "where-devices-differ": "devices-alike"}  # files of docs/evidence
RATE = 0.2  # for means over batches of 10; CrossSim sums the gradients of a batch

CROSSSIM = """
import random, sys
sys.path.insert(0, "..")
import training_net
folder, core, seed, epochs, rate = sys.argv[1:]
net = training_net.train_neural_net(folder + "/log/")
both = (True, True)
given = net.set_params(task="small", lookup_table=folder, a2dmodel="NONE", wtmodel=core, learnbias=both)
random.seed(int(seed))
found = net.train(
    filename="log.txt", dataset="small", params=given, n_epochs=int(epochs), activate="SIGMOID",
    activate_output="SOFTMAX", alpha=float(rate), learnbias=both, batchsize=10, sizes=(64, 36, 10),
)
print("FOUND", *(found[0] if isinstance(found, tuple) else found))
"""

NETWORK = """
import sys
import numpy as np, torch
from torch import nn
torch.set_num_threads(1)

def make(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 36), nn.Sigmoid(), nn.Linear(36, 10))

def load(name):
    held = np.loadtxt(name, delimiter=",", dtype=np.float32)
    return torch.tensor(held[:, :-1] / 16.0), torch.tensor(held[:, -1].astype(int))

def train(net, optimizer, seed, epochs, folder):
    (x, y), (x_test, y_test) = load(folder + "/optdigits.tra"), load(folder + "/optdigits.tes")
    order, found = torch.Generator().manual_seed(seed), []
    for _ in range(epochs):
        net.train()
        for batch in torch.randperm(len(x), generator=order).split(10):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            found.append(float((net(x_test).argmax(1) == y_test).float().mean()))
    return found
"""

AIHWKIT = (
    NETWORK
    + """
import importlib.util, pathlib
from aihwkit.nn.conversion import convert_to_analog
from aihwkit.optim import AnalogSGD
folder, data, seed, epochs, rate, room = sys.argv[1:]
file = next(pathlib.Path(folder).glob("*_preset.py"))
spec = importlib.util.spec_from_file_location(file.stem, file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
(name,) = (each for each in vars(module) if each.endswith("NoisyPreset"))
config = getattr(module, name)()
config.mapping.weight_scaling_omega, config.mapping.weight_scaling_lr_compensation = 1 / float(room), True
config.mapping.digital_bias = True
net = convert_to_analog(make(int(seed)), config)
optimizer = AnalogSGD(net.parameters(), lr=float(rate))
optimizer.regroup_param_groups(net)
print("FOUND", *train(net, optimizer, int(seed), int(epochs), data))
"""
)


def in_process(python: str, code: str, *given: object, folder: Path | None = None) -> list[float]:
    """Run code in another Python and return the accuracies after each epoch."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        [python, "-c", code, *map(str, given)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    if not lines:
        raise SystemExit(done.stderr[-2000:])
    return [float(each) for each in lines[-1].split()[1:]]


def crosssim(given: argparse.Namespace, card: Any, folder: Path, seed: int) -> list[float]:
    """Train in CrossSim 2.0 on the exported tables."""
    export(card, "crosssim", folder)
    held = given.repo / "cross_sim" / "data" / "datasets" / "small_digits"
    held.mkdir(parents=True, exist_ok=True)
    for part, name in (("tra", "train"), ("tes", "test")):
        shutil.copy(given.optdigits / f"optdigits.{part}", held / f"image_digit_small.{name}")
    arguments = (folder, given.core, seed, EPOCHS["crosssim"], RATE / 10)
    return in_process(given.crosssim, CROSSSIM, *arguments, folder=given.repo / "training")


def aihwkit(given: argparse.Namespace, card: Any, folder: Path, seed: int) -> list[float]:
    """Train in aihwkit with the exported preset whose scatter is the card's."""
    export(card, "aihwkit", folder)
    return in_process(given.aihwkit, AIHWKIT, folder, given.optdigits, seed, EPOCHS["aihwkit"], RATE, ROOM)


def ours(given: argparse.Namespace, card: Any, folder: Path, seed: int) -> list[float]:
    """Train by devicekit.torch."""
    import torch

    import devicekit.torch

    scope: dict[str, Any] = {}
    exec(NETWORK, scope)
    net = devicekit.torch.convert(scope["make"](seed), card, seed=seed, mapping=given.mapping)
    optimizer = devicekit.torch.PulseOptimizer(net, torch.optim.SGD, lr=RATE, policy=given.policy)
    found: list[float] = scope["train"](net, optimizer, seed, EPOCHS["torch"], str(given.optdigits))
    return found


def study_of(folder: Path) -> str:
    """Return the name of the study whose results a folder holds."""
    return str(pd.read_csv(folder / "results.csv", nrows=1)["study"].iloc[0])


def evidence_of(words: list[str]) -> str:
    """Return the evidence file of the study that was typed."""
    folders = [after for word, after in itertools.pairwise(words) if word == "--study"]
    return EVIDENCE[study_of(Path(folders[0]))] if folders else "rankings"


def print_study(folder: Path, figure: Path | None) -> None:
    """Print the tables of a finished study as Markdown, and draw its figure."""
    from devicekit.report import Table
    from devicekit.studies.ranking import ranks_panel
    from devicekit.studies.ranking_report import rank_section
    from devicekit.studies.result import StudyResult
    from devicekit.studies.spec import load_spec, shipped

    result = StudyResult(load_spec(shipped()[study_of(folder)]), pd.read_csv(folder / "results.csv"))
    if figure:
        from matplotlib.figure import Figure

        drawn = Figure((7.0, 6.0), layout="constrained")
        ranks_panel(result.rankings()).draw(drawn.subplots())
        drawn.savefig(figure, dpi=110)
    for block in rank_section(result.rankings(), result.pairs()).blocks:
        if isinstance(block, Table):
            print(f"{block.caption.removesuffix('.')}:")
            for row in (block.header, ["---"] * len(block.header), *block.rows):
                print("| " + " | ".join(row) + " |")
            print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optdigits", type=Path)
    parser.add_argument("--study", type=Path, help="folder that holds results.csv")
    parser.add_argument("--figure", type=Path, help="with --study")
    parser.add_argument("--aihwkit")
    parser.add_argument("--crosssim")
    parser.add_argument("--repo", type=Path)
    parser.add_argument(
        "--core", choices=("BALANCED", "OFFSET"), default="BALANCED", help="pair or one device, CrossSim"
    )
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--mapping", choices=("pair", "reference"), default="pair", help="with --torch")
    parser.add_argument("--policy", default="auto", help="with --torch")
    given = parser.parse_args()
    if given.study:
        return print_study(given.study, given.figure)
    train = ours if given.torch else crosssim if given.crosssim else aihwkit
    for name, labels in published_devices().items():
        found = []
        for seed in SEEDS:
            started = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                found.append(train(given, card_from_labels(labels), Path(folder) / "export", seed))
            print(f"# {name}, seed {seed}: {np.round(found[-1], 4)}, {time.perf_counter() - started:.0f} s", flush=True)
        print(f"{json.dumps(name)} = {[round(each[-1], 4) for each in found]}", flush=True)


if __name__ == "__main__":
    from evidence_tables import run

    run(main, evidence_of(sys.argv))
