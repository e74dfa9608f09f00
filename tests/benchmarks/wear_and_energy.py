"""Pulses of a training, trainings until wear-out, energy of reading and writing: about half a minute of CPU.

python tests/benchmarks/wear_and_energy.py --data-dir FOLDER

64-1000-10 in situ on Optdigits, 8 epochs, seed 0, the shipped SYNTHETIC card and the SYNTHETIC endurance record.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import devicekit
from devicekit.catalog import get
from devicekit.device.card import load_card
from devicekit.device.wear import wear
from snn.config import TrainingConfig
from snn.data.load import load
from snn.energy import per_inference
from snn.training import Run

EPOCHS = 8


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    data = load("optdigits", parser.parse_args().data_dir)
    card = load_card(get("pt-hfo2-al2o3-ti").card)
    run = Run(card, TrainingConfig(epochs=EPOCHS), data)
    for epoch in range(EPOCHS):
        run.learn(epoch)
    assert run.synapses is not None
    pulses = np.concatenate([array.pulses for array in run.synapses.arrays])
    endurance = devicekit.characterize(get("reference-endurance").data).results["endurance"].for_card()
    found = wear(pulses, endurance)
    print(found.pulses, f"median {np.median(pulses):g}")
    print("\n".join(found.sentences()))
    energy = per_inference(run)
    print(energy)
    reads = energy.of_training(EPOCHS * len(data.y_train))
    print(f"inference {energy.total_j:.3g} J; training: reads {reads:.3g} J, writes {run.synapses.write_energy:.3g} J")


if __name__ == "__main__":
    main()
