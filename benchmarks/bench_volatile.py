"""CPU time of an epoch in situ on a card with a volatile part over that of the same card without, side by side.

python benchmarks/bench_volatile.py OPTDIGITS_FOLDER [--hidden 1000] [--epochs 5] [--policy reset]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import Term, Volatile
from devicekit.system import catalog
from snn.benchmark.measure import generic
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import Run

# time constants in presentations, with equal shares of the half that is forgotten
CASES = {
    "1 slow": (100.0,),
    "2 slow": (10.0, 1000.0),
    "4 slow": (1.0, 10.0, 100.0, 1000.0),
    "1 fast": (0.04,),
    "4 fast": (0.01, 0.02, 0.03, 0.04),
}


def forgetful(card: DeviceCard, taus: tuple[float, ...]) -> DeviceCard:
    """The card with a volatile part of these time constants [s]."""
    block = Volatile(
        source="made",
        kernel="exponential",
        parameters={"tau_s": taus[0]},
        persistent_share=0.5,
        terms=tuple(Term(tau_s=tau, share=1 / len(taus)) for tau in taus),
        terms_error=0.0,
        n=0,
    )
    return card.with_blocks({"volatile": block})


def main() -> None:
    """Print a ratio a case and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--hidden", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--policy", default="reset")
    told = parser.parse_args()
    data = load("optdigits", told.folder)
    for name, card in (("generic", generic()), ("shipped", load_card(catalog.get("pt-hfo2-al2o3-ti").card))):
        config = TrainingConfig(hidden=told.hidden, epochs=12, policy=told.policy, schedule="constant")
        runs = {"none": Run(card, config, data)}
        for case, taus in CASES.items():
            runs[case] = Run(forgetful(card, taus), replace(config, presentation_s=1.0), data)
        seconds: dict[str, list[float]] = {case: [] for case in runs}
        for epoch in range(told.epochs):
            for case, run in runs.items():
                began = time.process_time()
                run.learn(epoch)
                seconds[case].append(time.process_time() - began)
        medians = {case: float(np.median(taken[1:])) for case, taken in seconds.items()}  # the first may compile
        for case, median in medians.items():
            print(f"64-{told.hidden}-10, {name}, {case}: {median:.3f} s an epoch, {median / medians['none']:.2f} times")


if __name__ == "__main__":
    main()
