"""What converters cost: 64-1000-10 on Optdigits (3823 to train, 1797 to test), pairs of the shipped SYNTHETIC card.

`python benchmarks/converters_table.py DATA_DIR [SEEDS]` prints test accuracies of a network that was trained
offline for 8 epochs and programmed, read through converters; no wires. `--evidence` writes them to docs/evidence.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import devicekit
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import Run

BITS = (2, 3, 4, 5, 6)


def main() -> None:
    folder = Path(sys.argv[1])
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = load("optdigits", folder / "optdigits")
    card = devicekit.load_card(Path(__file__).parents[1] / "datasets" / "pt-hfo2-al2o3-ti" / "card.json")
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        run = Run(card, TrainingConfig(scheme="offline", seed=seed, epochs=8, levels=0, program_sigma=0.0), data)
        for epoch in range(8):
            run.learn(epoch)
        synapses = run.learner.program()
        config = run.learner.config
        found.setdefault("none", []).append(run.test(7, synapses=synapses))
        for lines in ("difference", "each"):
            for quantile in (0.999, 1.0):
                for bits in BITS:
                    run.learner.config = replace(config, adc_bits=bits, adc_lines=lines, adc_quantile=quantile)
                    key = f"{lines}, range {quantile:g}, {bits} bits"
                    found.setdefault(key, []).append(run.test(7, synapses=synapses))
    print("| converter | accuracy [%] |\n|---|---|")
    for key, values in found.items():
        se = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
        print(f"| {key} | {100 * np.mean(values):.1f} ± {100 * se:.1f} |")


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "converters_table"))
