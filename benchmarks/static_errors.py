"""What independent static errors of states cost: measures snn/ageing_curve.json.

python benchmarks/static_errors.py --data-dir FOLDER               # prints the table, about 3 minutes of CPU
python benchmarks/static_errors.py --data-dir FOLDER --write       # and writes the shipped curve
python benchmarks/static_errors.py --data-dir FOLDER --evidence   # as the first, and its tables to docs/evidence

64-1000-10 on Optdigits (UCI 3823/1797, other writers in the test part), 8 epochs, pairs, the shipped SYNTHETIC card; 3
network seeds, several draws of errors each, normal, on every device after programming (levels 0, program_sigma 0).

The programmed network gives the curve. The same network trained in situ gives the one weight that the curve needs for
networks whose layers use the window differently (`output_share`): by least squares over its own losses. A common gain
is tried alone, and the least one that costs less than half a point is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.device.card import load_card
from devicekit.system.catalog import get
from snn import drift
from snn.ageing import SHIPPED, noise_to_signal, pair_spread
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import Run

SIGMAS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.075, 0.09, 0.105, 0.12, 0.14, 0.16, 0.2, 0.25, 0.3)
IN_SITU = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08)
GAINS = (0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)
CARD, EPOCHS, SEEDS, COSTS = "pt-hfo2-al2o3-ti", 8, 3, 0.005


def trained(scheme: str, seed: int, data: Any) -> tuple[Run, Any]:
    """A network, and its devices."""
    config = TrainingConfig(scheme=scheme, epochs=EPOCHS, seed=seed, levels=0, program_sigma=0.0)  # type: ignore[arg-type]
    run = Run(load_card(get(CARD).card), config, data)
    for epoch in range(EPOCHS):
        run.learn(epoch)
    return run, run.synapses if run.synapses is not None else run.learner.program()


def losses(run: Run, synapses: Any, sigmas: tuple[float, ...], draws: int) -> tuple[float, np.ndarray]:
    """Accuracy without errors, and what is lost, shape (sigmas, draws)."""
    before = run.test(EPOCHS - 1, synapses=synapses)
    seed = run.config.seed
    found = [
        [
            before - run.test(EPOCHS - 1, synapses=synapses, change=drift.scatter_change(s, seed, d))
            for d in range(draws)
        ]
        for s in sigmas
    ]
    return before, np.array(found)


def pooled(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean over seeds and draws, and standard deviation over draws within a seed."""
    several = np.array(found)
    return several.mean(axis=(0, 2)), np.sqrt(several.var(axis=2, ddof=1).mean(axis=0))


def share(curve: dict[str, Any], spread: list[float], lost: np.ndarray, sd: np.ndarray) -> float:
    """The weight of the output layer with which the curve gives the losses of the network trained in situ."""
    # along the curve of the programmed network, whose layers differ little
    sigmas, own = np.array([0.0, *SIGMAS]), np.array(curve["loss"])
    best = []
    for value in np.linspace(0, 1, 101):
        trial = {**curve, "output_share": value}
        noise = [noise_to_signal(s, None, trial) for s in sigmas]
        predicted = np.interp([noise_to_signal(s, tuple(spread), trial) for s in IN_SITU], noise, own)  # type: ignore[arg-type]
        best.append((float((((predicted - lost) / np.hypot(sd, 0.003)) ** 2).sum()), value))
    return float(round(min(best)[1], 2))


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    said = parser.parse_args()
    began = time.process_time()
    data = load("optdigits", said.data_dir)
    programmed, in_situ, spreads, before = [], [], {"offline": [], "insitu": []}, []
    gains = np.zeros(len(GAINS))
    for seed in range(SEEDS):
        run, synapses = trained("offline", seed, data)
        spreads["offline"].append(pair_spread(synapses))
        accuracy, found = losses(run, synapses, SIGMAS, said.draws)
        before.append(accuracy)
        programmed.append(found)
        for k, gain in enumerate(GAINS):
            kept = run.test(EPOCHS - 1, synapses=synapses, change=lambda layer, r, gain=gain: gain * r)
            gains[k] += (accuracy - kept) / SEEDS
        run, synapses = trained("insitu", seed, data)
        spreads["insitu"].append(pair_spread(synapses))
        in_situ.append(losses(run, synapses, IN_SITU, max(said.draws // 2, 2))[1])
    mean, sd = pooled(programmed)
    own, own_sd = pooled(in_situ)
    spread = {name: [round(float(x), 4) for x in np.mean(values, axis=0)] for name, values in spreads.items()}
    good = [gain for gain, lost in zip(GAINS, gains, strict=True) if lost > COSTS]
    curve: dict[str, Any] = {
        "what": "accuracy lost to independent static errors of states, 64-1000-10, pairs, programmed, SYNTHETIC card",
        "network": [64, 1000, 10],
        "data": f"{data.name}: {data.split}",
        "card": CARD,
        "epochs": EPOCHS,
        "seeds": SEEDS,
        "draws": said.draws,
        "accuracy": round(float(np.mean(before)), 5),
        "spread": spread["offline"],
        "spread_in_situ": spread["insitu"],
        "sigma_r": [0.0, *SIGMAS],
        "loss": [0.0, *(round(float(x), 5) for x in mean)],
        "sd": [0.0, *(round(float(x), 5) for x in sd)],
        "least_gain": min(gain for gain in GAINS if gain > max(good, default=0.0)),
    }
    curve["output_share"] = share(curve, spread["insitu"], own, own_sd)
    curve["noise"] = [round(noise_to_signal(s, None, curve), 5) for s in curve["sigma_r"]]
    print("| sigma_r | noise | lost, points | sd over draws |\n|---|---|---|---|")
    for row in zip(*(curve[name] for name in ("sigma_r", "noise", "loss", "sd")), strict=True):
        print(f"| {row[0]:g} | {row[1]:.3f} | {100 * row[2]:.2f} | {100 * row[3]:.2f} |")
    print(
        "in situ: "
        + ", ".join(f"{s:g}: {100 * m:.1f} (sd {100 * d:.1f})" for s, m, d in zip(IN_SITU, own, own_sd, strict=True))
    )
    print("common gain: " + ", ".join(f"{g:g}: {100 * lost:.2f}" for g, lost in zip(GAINS, gains, strict=True)))
    print({name: curve[name] for name in ("accuracy", "spread", "spread_in_situ", "output_share", "least_gain")})
    print(f"{time.process_time() - began:.0f} s of CPU")
    if said.write:
        SHIPPED.write_text(json.dumps(curve, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "static_errors"))
