"""Cards that every exporter must support, and their trains in a DeviceArray."""

from __future__ import annotations

import hashlib
import importlib
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import DeviceArray, load_card
from devicekit.device.blocks import Conditions, Window
from devicekit.device.card import DeviceCard
from devicekit.exporters import Export, ExportOptions, make
from devicekit.exporters.neurosim import source
from devicekit.synthetic.pulses import truth_card
from devicekit.system import catalog

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
    """Return a strongly nonlinear and asymmetric card: first steps of 8 % and 22 % of the window."""
    return truth_card({"ltp": (-3.2, 0.99), "ltd": (-2.2, 0.995)}, model="softbounds", ln_rate_sd=0.1)


SPAN = (2e-5, 1.2e-4)  # S
VARIANCE = ((0.04, 0.006), (0.006, 0.0225))  # of ln rate: sd 0.2 (LTP) and 0.15 (LTD), correlation 0.2
STEPS = {"ltp": 0.01, "ltd": 0.02}  # of a linear card


def with_covariance(card: DeviceCard, covariance: tuple[tuple[float, float], tuple[float, float]]) -> DeviceCard:
    variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    return card.model_copy(update={"variation": variation})


def linear(n_pulses: int = 50, **settings: object) -> DeviceCard:
    """Steps of 1 % (LTP) and 2 % (LTD) of the window at every state."""
    theta = {direction: (math.log(step),) for direction, step in STEPS.items()}
    return truth_card(theta, model="linear", window=SPAN, n_pulses=n_pulses, **settings)  # type: ignore[arg-type]


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

# The slowest parts of exports: pure functions, called by most tests with the same few cards.
COSTLY = (
    ("devicekit.exporters.inference", "numbers"),
    ("devicekit.exporters.neurosim.scatter", "measure"),
    ("devicekit.exporters.pulsed", "card_scatter"),
    ("devicekit.exporters.targets.aihwkit", "_scatters"),
    ("devicekit.exporters.targets.aihwkit", "_steps"),
    ("devicekit.exporters.targets.crosssim", "text"),
    ("devicekit.exporters.neurosim.variation", "_noise"),
    ("devicekit.exporters.targets.neurosim", "choose"),
)


def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """Cache the results of a function; every result is a copy."""
    known: dict[bytes, bytes] = {}

    def answer(*arguments: Any) -> Any:
        plain = [each.to_json() if isinstance(each, DeviceCard) else each for each in arguments]
        key = hashlib.sha256(pickle.dumps(plain)).digest()
        if key not in known:
            known[key] = pickle.dumps(function(*arguments))
        return pickle.loads(known[key])

    return answer


@pytest.fixture(scope="session")
def done_once() -> dict[tuple[str, str], Callable[..., Any]]:
    return {(room, name): remembering(getattr(importlib.import_module(room), name)) for room, name in COSTLY}


@pytest.fixture(autouse=True)
def afresh(done_once: dict[tuple[str, str], Callable[..., Any]]) -> Iterator[Callable[[], None]]:
    """Cache costly functions, until the returned function is called."""
    with pytest.MonkeyPatch.context() as patch:
        for (room, name), function in done_once.items():
            patch.setattr(f"{room}.{name}", function)
        yield patch.undo


@pytest.fixture(params=list(CARDS))
def card(request: pytest.FixtureRequest) -> DeviceCard:
    return CARDS[request.param]()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the program of neurosim_standin to disk and register its fingerprints."""
    from . import neurosim_standin

    folder = tmp_path / "copy"
    for name, text in neurosim_standin.FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    read = source.Copy(folder, dict(neurosim_standin.FILES))
    known = tuple(replace(each, known_fingerprint=source.identity(read, each)) for each in source.FUNCTIONS)
    monkeypatch.setattr(source, "FUNCTIONS", known)
    return folder


@pytest.fixture
def weights() -> DeviceCard:
    return _weight_card()


def train(card: DeviceCard, pulses: int = 100) -> np.ndarray:
    """Return the conductances of a noiseless DeviceArray under `pulses` LTP and then LTD pulses, (2 pulses + 1,)."""
    array = DeviceArray(card, 1, c2c="none", d2d="none")
    path = [array.read()[0]]
    for sign in np.repeat([1, -1], pulses):
        array.pulse(sign)
        path.append(array.read()[0])
    return np.array(path)


def deviation(card: DeviceCard, value: np.ndarray) -> float:
    """Return the largest deviation from the DeviceArray, fraction of the window."""
    return float(np.abs(value - train(card)).max() / card.window.span)


def written(export: Export, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in export.files.items():
        (folder / name).write_bytes(content)
    return folder


def exported(card: DeviceCard, target: str, folder: Path, **options: object) -> Path:
    """Write the files of an export to disk."""
    return written(make(card, target, ExportOptions(**options)), folder)  # type: ignore[arg-type]
