"""What wires cost: 64-1000-10 on Optdigits (3823 to train, 1797 to test), weights on pairs of two cards.

`python benchmarks/wires_table.py DATA_DIR [SEEDS]` prints accuracies of a network that was trained offline for
8 epochs and then programmed, one gain a layer or one a bit line, and of one that was trained in situ under the wires:
as it is (separable gains, made anew at each epoch), with a gain each bit line, and with exact gains in training as
well; each with the paired difference from the programmed one with a gain a layer. About 5 CPU minutes for 3 seeds.
Cards: the shipped SYNTHETIC one ("uS", 63 to 280 uS) and one fitted to the measured ramps of crosssim_ramps ("mS", 1.6
to 2.5 mS).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import devicekit
from devicekit.device.wires import Wires, effective_conductance
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import Run

TILE = (64, 128)
PROGRAMMED = {"uS": (0.3, 1.0, 3.0, 10.0), "mS": (0.03, 0.1, 0.3, 1.0)}
INSITU = {"uS": (1.0, 3.0), "mS": (0.1, 0.3)}


def cards(folder: Path) -> dict[str, devicekit.DeviceCard]:
    """The two cards."""
    shipped = devicekit.load_card(Path(__file__).parents[1] / "datasets" / "pt-hfo2-al2o3-ti" / "card.json")
    ramps = devicekit.fit(devicekit.read(folder / "crosssim_ramps", quantity="current", read_voltage=0.1))
    return {"uS": shipped, "mS": ramps.to_card("ramps")}


def mean_and_error(values: np.ndarray | list[float]) -> str:
    """Mean and standard error over seeds, in %."""
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return f"{100 * np.mean(values):.1f} +- {100 * error:.1f}"


def back(key: str, found: dict[str, list[float]]) -> str:
    """What training in situ brings back of the loss of the programmed network, seed by seed."""
    programmed = found.get(f"programmed, {key.split(',')[1].split()[0]} ohm, a layer")
    if not key.startswith("in situ") or ", 0 ohm" in key or programmed is None:
        return ""
    return f"  over programmed {mean_and_error(np.subtract(found[key], programmed))}"


def main() -> None:
    folder = Path(sys.argv[1])
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = load("optdigits", folder / "optdigits")
    for name, card in cards(folder).items():
        g = card.window.from_state(np.full(TILE, 0.5))
        found: dict[str, list[float]] = {}
        for seed in range(seeds):
            base = TrainingConfig(seed=seed, epochs=8, tile=TILE, levels=0, program_sigma=0.0)
            run = Run(card, replace(base, scheme="offline"), data)
            for epoch in range(8):
                run.learn(epoch)
            for ohm in (0.0, *PROGRAMMED[name]):
                for gain in (False, True) if ohm else (False,):
                    run.learner.config = replace(run.config, wire_ohm=ohm, column_gain=gain)
                    key = f"programmed, {ohm:g} ohm, {'a bit line' if gain else 'a layer'}"
                    found.setdefault(key, []).append(run.test(7, synapses=run.learner.program()))
            for ohm in (0.0, *INSITU[name]):
                for way in ("a layer", "a bit line", "a layer, exact in training") if ohm else ("a layer",):
                    gains = "exact" if "exact" in way else "separable"
                    changes = {"wire_ohm": ohm, "column_gain": way == "a bit line", "wire_gains": gains}
                    trained = Run(card, replace(base, **changes), data)
                    for epoch in range(8):
                        trained.learn(epoch)
                    found.setdefault(f"in situ, {ohm:g} ohm, {way}", []).append(trained.test(7))
        for key, values in found.items():
            ohm = float(key.split(",")[1].split()[0])
            drop = (effective_conductance(g, Wires(ohm, tile=TILE)) / g).mean()
            shown = " ".join(f"{100 * value:.1f}" for value in values)
            print(f"{name} {key:46s} G_eff/G {drop:.2f}  {mean_and_error(values)}  ({shown}){back(key, found)}")


if __name__ == "__main__":
    main()
