"""Pulses of a training, trainings until wear-out, energy of reading and writing: about half a minute of CPU.

python benchmarks/wear_and_energy.py --data-dir FOLDER
python benchmarks/wear_and_energy.py --data-dir FOLDER --ramps FOLDER    # and a card of CrossSim's ramps

64-1000-10 in situ on Optdigits, 8 epochs, seed 0, the shipped SYNTHETIC card and the SYNTHETIC endurance record. Beside
them how many devices get more pulses in the training than one cycle of the card's trains has: what drifts from cycle to
cycle can only touch those.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import devicekit
from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.wear import wear
from devicekit.system.catalog import get
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.data.load import load
from snn.energy import per_inference
from snn.training import Run

EPOCHS = 8


def shown(name: str, card: DeviceCard, data: Dataset, cycle: int) -> None:
    """The numbers of one card, whose trains have so many pulses a cycle and direction at least."""
    run = Run(card, TrainingConfig(epochs=EPOCHS), data)
    for epoch in range(EPOCHS):
        run.learn(epoch)
    assert run.synapses is not None
    pulses = np.concatenate([array.pulses for array in run.synapses.arrays])
    endurance = devicekit.characterize(get("reference-endurance").data).results["endurance"].for_card()
    found = wear(pulses, endurance)
    print(f"\n{name}: {found.pulses}, median {np.median(pulses):g}")
    print("\n".join(found.sentences()))
    print(f"{100 * np.mean(pulses > cycle):.3g} % of the devices get more than the {cycle} pulses of a cycle")
    try:
        energy = per_inference(run)
    except UsageError as error:
        print(error)
        return
    print(energy)
    reads = energy.of_training(EPOCHS * len(data.y_train))
    print(f"inference {energy.total_j:.3g} J; training: reads {reads:.3g} J, writes {run.synapses.write_energy} J")


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--ramps", type=Path)
    said = parser.parse_args()
    data = load("optdigits", said.data_dir)
    shown("SYNTHETIC card", load_card(get("pt-hfo2-al2o3-ti").card), data, 100)
    if said.ramps:
        ramps = devicekit.read(said.ramps, quantity="current", read_voltage=0.1)
        fewest = int(ramps.frame.groupby(["device_id", "cycle", "direction"]).size().min()) - 1
        shown("CrossSim ramps", devicekit.fit(ramps).to_card("crosssim", said.ramps, False), data, fewest)


if __name__ == "__main__":
    main()
