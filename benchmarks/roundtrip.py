"""What the round-trip scripts share: the cards, the reference trains, and running code in a peer's own Python."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from devicekit import DeviceArray, load_card
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Retention, RetentionState
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork
from devicekit.exporters import export
from devicekit.exporters.base import PULSES, SIGNS, reference_train
from devicekit.synthetic.pulses import truth_card
from devicekit.system import catalog

SOFT = {"ltp": (-3.2, 0.99), "ltd": (-2.2, 0.995)}  # steps of 8 % and 22 % of the window where it starts


def cards() -> dict[str, DeviceCard]:
    """The cards of docs/exports.md; the measured one only where DEVICEKIT_TEST_DATA names the data."""
    found = {
        "shipped": load_card(catalog.get("pt-hfo2-al2o3-ti").card),
        "soft bounds": truth_card(SOFT, model="softbounds", ln_rate_sd=0.1),
    }
    data = Path(os.environ.get("DEVICEKIT_TEST_DATA", "")) / "crosssim_ramps"
    if data.is_dir():
        from devicekit.fitting.device import fit

        fitted = fit(data, quantity="current", read_voltage=0.1)
        found["measured ramps"] = fitted.to_card("measured ramps", data)
    else:
        print("no measured card: set DEVICEKIT_TEST_DATA to the folder that holds crosssim_ramps")
    return found


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    made.add_argument("--python", default=sys.executable, help="Python in which the peer is installed")
    return made


def scatter(card: DeviceCard, noise: str, n: int = 10_000) -> dict[str, float]:
    """How a DeviceArray's states scatter: standard deviations and means after so many pulses [window].

    Parameters
    ----------
    card : DeviceCard
    noise : str
        "c2c": updates scatter; "resample" or "shared": devices differ.
    n : int
        Devices.
    """
    array = DeviceArray(
        card, n, seed=3, c2c="increment" if noise == "c2c" else "none", d2d="none" if noise == "c2c" else noise
    )
    found = {}
    for direction, sign in SIGNS.items():
        for pulse in range(1, PULSES + 1):
            array.pulse(sign)
            if pulse in (1, 10, 50, 100):
                found[f"sd {direction} {pulse}"] = float(array.r.std())
                found[f"mean {direction} {pulse}"] = float(array.r.mean())
    return found


def print_scatter(noise: str, theirs: dict[str, float], ours: dict[str, float]) -> None:
    """Standard deviations in the peer and of a DeviceArray, side by side, and the largest difference of the means."""
    keys = [key for key in ours if key.startswith("sd")]
    pairs = ", ".join(f"{key[3:]} {theirs[key]:.5f}/{ours[key]:.5f}" for key in keys)
    bias = max(abs(theirs[key] - value) for key, value in ours.items() if key.startswith("mean"))
    ratios = [theirs[key] / ours[key] - 1 for key in keys if ours[key] > 1e-4]
    worst = max(ratios, key=abs) if ratios else 0.0
    print(f"    sd of the path, {noise} (peer/ours): {pairs}; worst {worst:+.1%}; means within {bias:.1e}")


def in_peer(python: str, code: str, *arguments: str, cwd: Path | None = None) -> Any:
    """Run `code` in the peer's Python; it writes JSON to the path in sys.argv[1]. Exit with a message if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        ran = subprocess.run(
            [python, "-c", code, str(result), *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            check=False,
        )
        if ran.returncode or not result.exists():
            last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"skipped: the peer does not work in {python}: {last}")
            sys.exit(0)
        return json.loads(result.read_text())


def log_window() -> DeviceCard:
    """A made-up device whose state is linear in ln G, 2 to 300 uS."""
    card = truth_card({"ltp": (-4.2, 0.9), "ltd": (-3.8, 0.95)}, model="exponential", ln_rate_sd=0.1)
    window = Window(quantity="conductance_s", low=2e-6, high=3e-4, scope="truth", scale="log")
    return card.model_copy(update={"window": window})


def each_card(
    target: str,
    peer: Callable[[DeviceCard, Path], dict[str, Any]],
    more: dict[str, DeviceCard] | None = None,
    **options: Any,
) -> None:
    """Export every card, run the peer on it, and print the largest deviation from a DeviceArray.

    `more` are cards beside those of `cards`.
    `peer` returns "value" (conductances or weights in the card's unit, 2 x 100 + 1) and anything else to print.
    """
    for name, card in {**cards(), **(more or {})}.items():
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "export"
            made = export(card, target, out, **options)
            answer = peer(card, out)
        value = np.asarray(answer.pop("value"), float)
        deviation = np.abs(value - reference_train(card).value).max() / card.window.span
        said = made.figures.get("deviation")
        print(
            f"{name}: largest deviation over {PULSES} + {PULSES} pulses {deviation:.2e} of the range"
            + (f" (foretold {said:.2e})" if said is not None else "")
            + "".join(f"; {key} {value}" for key, value in answer.items())
        )


def made_up(card: DeviceCard) -> TrainedNetwork:
    """A network of devices at random states, the second layer against a fixed reference."""
    rng = np.random.default_rng(5)
    window = card.window
    first, second = (window.from_state(rng.random((2, *shape))) for shape in ((64, 200), (200, 10)))
    reference = np.full((200, 10), window.from_state(np.array(0.4)))
    layers = (NetworkLayer(first[0], first[1], 1.7, True), NetworkLayer(second[0], reference, 0.9, False))
    neurons = Neurons(50, 1e-3, 0.9, 0.9, 1.0, 0, 0.5)
    check = Check(np.zeros((1, 50, 64), bool), np.zeros((1, 10), int), np.zeros(1, int), np.zeros(1, int))
    facts = {
        "data": "none",
        "split": "none",
        "n_train": 0,
        "n_test": 1,
        "scheme": "made up",
        "epochs": 0,
        "seed": 5,
        "accuracy": 0.0,
        "basis": "not trained",
        "wires": False,
    }
    return TrainedNetwork(card, layers, neurons, check, facts)


def away(network: TrainedNetwork, path: Path) -> float:
    """Largest deviation of a peer's conductances, as it saved them by name, from a network's [window]."""
    with np.load(path) as held:
        return max(
            float(np.abs(held[f"{part}_{side}"] - getattr(layer, side)).max() / network.card.window.span)
            for part, layer in zip(("hidden", "output"), network.layers, strict=True)
            for side in ("plus", "minus")
        )


def retention(card: DeviceCard) -> DeviceCard:
    """The card with four made-up states of two devices that were watched for 4 decades."""
    states = tuple(
        RetentionState(
            device_id=f"d{k % 2}",
            level=f"level {k // 2}",
            n=40,
            first_s=10.0,
            last_s=1e5,
            nu=nu,
            nu_interval=(nu - 1e-4, nu + 1e-4),
            g_1s=1e-4,
            noise=1e-3,
        )
        for k, nu in enumerate((0.004, 0.016, 0.007, 0.013))
    )
    return card.with_blocks({"retention": Retention(source="made up", sha256="", synthetic=True, states=states)})
