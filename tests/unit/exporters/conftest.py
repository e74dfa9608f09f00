"""Cards that every exporter must hold, and what a DeviceArray does with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devicekit import DeviceArray, catalog, load_card
from devicekit.device.blocks import Conditions, Window
from devicekit.device.card import DeviceCard
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork
from devicekit.exporters import Export, ExportOptions, make
from devicekit.synthetic.pulses import truth_card

# A fit of measured set and reset ramps (CrossSim's example data), so that it can be tested without the data.
_RAMPS = {
    "ltp": (-5.2048, -5.740, 1.184, -11.30, 8.068, -0.1035),
    "ltd": (-4.9680, 0.7992, -0.2526, -15.08, -2.020, 6.0),
}
# One device a law: (L, shape) of LTP and LTD.
LAWS: dict[str, dict[str, tuple[float, ...]]] = {
    "eq2": {"ltp": (-4.45, 0.97, 1.1, -5.0, 1.0, 0.8), "ltd": (-4.3, 0.98, 1.4, 6.0, -3.0, 0.5)},
    "linear": {"ltp": (-4.6,), "ltd": (-5.0,)},
    "exponential": {"ltp": (-4.2, 0.9), "ltd": (-3.8, 0.95)},
    "softbounds": {"ltp": (-4.4, -1.5), "ltd": (-4.0, 0.9)},
    "powstep": {"ltp": (-4.4, 0.95, 2.0), "ltd": (-4.0, 0.9, 0.6)},
    "expstep": {"ltp": (-4.2, -1.0, -3.0), "ltd": (-4.0, 0.05, 2.5)},
    "log": {"ltp": (-4.2, 2.5), "ltd": (-4.0, 4.0)},
    "vteam": {"ltp": (-4.0, 0.6, 0.4), "ltd": (-3.8, 0.2, 0.6)},
    "yakopcic": {"ltp": (-4.2, 0.3, 0.5), "ltd": (-4.4, 0.6, 1.0)},
    "piecewise": {"ltp": (-4.3, -0.1, -0.4, -0.6, -1.2, -2.0), "ltd": (-4.3, 0.3, 0.1, -0.5, -1.0, -1.5)},
}
CONDITIONS = Conditions(pulse_width_s=50e-6, ltp_voltage_v=0.95, ltd_voltage_v=-0.85, read_voltage_v=0.1)


def _log_card() -> DeviceCard:
    card = truth_card(LAWS["exponential"], model="exponential", conditions=CONDITIONS)
    window = Window(quantity="conductance_s", low=2e-6, high=3e-4, scope="truth", scale="log")
    return card.model_copy(update={"window": window})


def _weight_card() -> DeviceCard:
    card = truth_card(LAWS["eq2"], conditions=CONDITIONS)
    return card.model_copy(
        update={"window": Window(quantity="weight", low=-1.0, high=1.0, scope="truth"), "name": "weights"}
    )


def shipped() -> DeviceCard:
    return load_card(catalog.get("pt-hfo2-al2o3-ti").card)


def soft() -> DeviceCard:
    """Strongly nonlinear and asymmetric: first steps of 8 % and 22 % of the window."""
    return truth_card({"ltp": (-3.2, 0.99), "ltd": (-2.2, 0.995)}, model="softbounds", ln_rate_sd=0.1)


CARDS: dict[str, Callable[[], DeviceCard]] = {
    "shipped": shipped,
    "ramps": lambda: truth_card(_RAMPS, window=(1.637e-3, 2.468e-3), increment=0.0005, n_pulses=184),
    "soft": soft,
    "log window": _log_card,
    **{
        law: (lambda law=law: truth_card(LAWS[law], model=law, conditions=CONDITIONS))  # type: ignore[misc]
        for law in LAWS
    },
}


@pytest.fixture(params=list(CARDS))
def card(request: pytest.FixtureRequest) -> DeviceCard:
    return CARDS[request.param]()


@pytest.fixture
def weights() -> DeviceCard:
    return _weight_card()


def train(card: DeviceCard, pulses: int = 100) -> np.ndarray:
    """Conductances of a noiseless DeviceArray under `pulses` LTP and then LTD pulses, (2 pulses + 1,)."""
    array = DeviceArray(card, 1, c2c="none", d2d="none")
    path = [array.read()[0]]
    for sign in np.repeat([1, -1], pulses):
        array.pulse(sign)
        path.append(array.read()[0])
    return np.array(path)


def deviation(card: DeviceCard, value: np.ndarray) -> float:
    """Largest deviation from the DeviceArray, fraction of the window."""
    return float(np.abs(value - train(card)).max() / card.window.span)


def written(export: Export, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in export.files.items():
        (folder / name).write_bytes(content)
    return folder


def exported(card: DeviceCard, target: str, folder: Path, **options: object) -> Path:
    """The files of an export, on disk."""
    return written(make(card, target, ExportOptions(**options)), folder)  # type: ignore[arg-type]


SPAN = (1e-5, 1.1e-4)


def little(paired: bool = True) -> TrainedNetwork:
    """2 channels, 2 hidden units, 2 outputs, whose answers are worked out by hand below."""
    card = truth_card(LAWS["linear"], model="linear", window=SPAN)

    def layer(w: list[list[float]], scale: float) -> NetworkLayer:
        r = np.array(w) / scale + (0.0 if paired else 0.25)
        plus, minus = np.maximum(r, 0.0), np.maximum(-r, 0.0) if paired else np.full_like(r, 0.25)
        return NetworkLayer(*(SPAN[0] + 1e-4 * each for each in (plus, minus)), scale, paired)

    neurons = Neurons(4, 1e-3, hidden_decay=0.5, output_decay=0.5, threshold=1.0, refractory=1, full_input=0.5)
    spikes = np.zeros((3, 4, 2), bool)
    spikes[0, :, 0] = spikes[1, [0, 2], 1] = spikes[2, 1] = True
    # Sample 0: hidden 0 gets 0.75 a step: v = .75, 1.125 (fires), .75, 1.125 (fires). Output 0 gets 1.25 at steps 1 and
    # 3: fires at both (it rests at 2). Sample 1: hidden 1 fires at 0 and 2 (1.5); output 1 gets .75 then .1875 + .75
    # and does not reach 1: a tie at 0 spikes, potentials .75 + .375 + .9375 + .46875 against 0: class 1.
    # Sample 2: hidden 1 fires at 1 and hidden 0 not (.75); output 1 has .75 + .375 + .1875: class 1.
    counts, classes = np.array([[2, 0], [0, 0], [0, 0]]), np.array([0, 1, 1])
    check = Check(spikes, counts, classes, np.array([0, 1, 0]))
    layers = (layer([[0.75, 0.0], [0.0, 1.5]], 2.0), layer([[1.25, 0.0], [0.0, 0.75]], 2.0))
    facts = {
        "data": "nothing", "split": "all", "n_train": 1, "n_test": 3, "scheme": "insitu", "epochs": 1, "seed": 0,
        "accuracy": 2 / 3, "basis": "of the last epoch", "wires": True,
    }  # fmt: skip
    return TrainedNetwork(card, layers, neurons, check, facts)


def answers(held: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Spike counts and classes of the check of an exported network file, one neuron and step at a time."""
    span = SPAN[1] - SPAN[0]
    w = [held[f"{name}_scale"] * (held[f"{name}_plus"] - held[f"{name}_minus"]) / span for name in ("hidden", "output")]
    counts, classes = np.zeros_like(held["counts"]), np.zeros_like(held["classes"])
    for n, trains in enumerate(held["spikes"]):
        v, u = [0.0] * w[0].shape[1], [0.0] * w[1].shape[1]
        rest, potential = [0] * len(u), [0.0] * len(u)
        for step in trains:
            fired = []
            for h in range(len(v)):
                v[h] = v[h] * float(held["hidden_decay"]) + sum(w[0][c, h] for c in np.flatnonzero(step))
                if v[h] >= held["threshold"]:
                    fired.append(h)
                    v[h] = 0.0
            for o in range(len(u)):
                if rest[o] > 0:
                    rest[o], u[o] = rest[o] - 1, 0.0
                    continue
                u[o] = u[o] * float(held["output_decay"]) + sum(w[1][h, o] for h in fired)
                potential[o] += u[o]
                if u[o] >= held["threshold"]:
                    counts[n, o] += 1
                    rest[o], u[o] = int(held["refractory"]), 0.0
        classes[n] = max(range(len(u)), key=lambda o: (counts[n, o], potential[o]))
    return counts, classes
