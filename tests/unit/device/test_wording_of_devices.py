"""The wording of messages of cards and arrays, kept in one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np

from devicekit.core import advice
from devicekit.core.errors import CodedWarning, DevicekitError
from devicekit.device.ageing import Drift, Telegraph
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import Endurance, EnduranceDevice, EnduranceLife, Retention, RetentionState
from devicekit.device.network import TrainedNetwork
from devicekit.device.programming import program_and_verify
from devicekit.device.pulselaw import PulseScaling
from devicekit.device.variation import read_sigma
from devicekit.device.wear import inference_energy, wear
from devicekit.device.wires import Wires, effective_conductance
from devicekit.synthetic.amplitudes import amplitude_truth
from devicekit.synthetic.cycles import CycleModel
from devicekit.synthetic.pulses import generate, truth_card

LINEAR = {"ltp": (-4.0,), "ltd": (-4.0,)}
CARD = truth_card(LINEAR, model="linear", window=(1e-6, 1e-5), increment=0.01, read=0.0)
ARRAY = DeviceArray(CARD, 4)
LAW = cast(PulseScaling, amplitude_truth("power").pulse_law).branch("ltp")
FACTS = {"n": 10, "first_s": 1.0, "last_s": 1e4, "nu": 0.02, "nu_interval": None, "g_1s": 1e-5, "noise": 0.01}
STATE = RetentionState(device_id="a", level="hrs", **FACTS)  # type: ignore[arg-type]


def _retention(**changes: Any) -> Retention:
    """Return a block of two states, the second without an interval."""
    states = (STATE.model_copy(update={"nu_interval": (0.01, 0.03), **changes}), STATE)
    return Retention(source="x", states=states)


def _card(**changes: Any) -> Callable[[], Any]:
    """Return a call that reads the card with changed fields."""
    return lambda: DeviceCard.from_json(json.dumps({**json.loads(CARD.to_json()), **changes}), "card.json")


def _program(**options: Any) -> Callable[[], Any]:
    """Return a call that programs an array with these options."""
    return lambda: program_and_verify(ARRAY, 0.5, **options)


def _endurance(*devices: tuple[int, int | None], life: EnduranceLife | None = None) -> Endurance:
    """Return a block of devices with these cycles and failures."""
    rows = tuple(
        EnduranceDevice(device_id=f"d{k}", cycles=cycles, n=10, window=5.0, median_on_off=9.0, good=1.0, failed_at=at)
        for k, (cycles, at) in enumerate(devices)
    )
    return Endurance(source="x", threshold=2.0, devices=rows, yield_interval=(0.1, 0.9), life=life)


REFUSED: dict[str, Callable[[], Any]] = {
    "drift below 0": lambda: Drift(0.02, -1.0),
    "before t0": lambda: Drift(0.02, 0.01, t0_s=2.0).logarithm(1.0),
    "too few decades": lambda: Drift(0.02, 0.01, measured_s=10.0, decades=1.0).logarithm(1e3),
    "one state": lambda: Drift.from_retention(_retention()),
    "no such state": lambda: Drift.from_retention(_retention(), level="lrs"),
    "no temperature": lambda: Drift.from_retention(_retention(), temperature_k=300.0),
    "no energy": lambda: Drift.from_retention(_retention(temperature_k=358.0), temperature_k=300.0, nu_sd=0.01),
    "a test of no time": lambda: Telegraph(0.01, 1.0).regime(0.0, 1.0),
    "no device": lambda: DeviceArray(CARD, 0),
    "another device": lambda: DeviceArray(CARD, 4).pulse(1, np.array([7])),
    "no pulse law": lambda: DeviceArray(CARD, 4).pulse(1, voltage_v=1.0),
    "outside": lambda: LAW.model_copy(update={"voltage_range_v": (0.8, 1.0)}).factor(9.0, None, False, "ltp"),
    "a mode": lambda: DeviceArray(CARD, 4, c2c="all"),  # type: ignore[arg-type]
    "a share of a weight": lambda: read_sigma(
        CARD.model_copy(update={"window": CARD.window.model_copy(update={"quantity": "weight"})}), of_g=0.03
    ),
    "a later card": _card(schema_version=99),
    "an unknown law": _card(model="quantum"),
    "no version": _card(schema_version="1"),
    "no file": lambda: load_card("missing.json"),
    "a network file": lambda: TrainedNetwork.load("missing.npz"),
    "a tolerance": _program(tolerance=2.0),
    "a limit": _program(limit=0),
    "reads": _program(read_s=0.0),
    "stuck": _program(stuck=np.zeros(3, bool)),
    "amplitudes": _program(steps="amplitude"),
    "pairs": lambda: program_and_verify(DeviceArray(CARD, 3), 0.5, pairs=True),
    "no law of LTP": lambda: PulseScaling(source="x").branch("ltp"),
    "nothing pulsed": lambda: wear(np.zeros(3, int), _endurance((100, None))),
    "spikes": lambda: inference_energy(np.ones((2, 3)), np.ones(3), 0.1, 1e-6),
    "wires": lambda: Wires(-1.0),
    "tiles": lambda: Wires(1.0, tile=(0, 4)),
    "conductances": lambda: effective_conductance(np.array([[-1.0]]), Wires(1.0)),
    "times": lambda: generate(CARD, 1, 1, 4, 0, pulse_period_s=1.0, read_delay_s=2.0),
    "a kind": lambda: amplitude_truth("cubic"),
    "no cycles": lambda: CycleModel.generate(None, 0),  # type: ignore[arg-type]
}


def _refusal(call: Callable[[], Any]) -> str:
    """Return the message of a refused call."""
    try:
        call()
    except DevicekitError as error:
        return str(error)
    raise AssertionError(call)


def test_the_wording_of_devices(file_regression: Any) -> None:
    lines = [f"{name}: {_refusal(call)}" for name, call in REFUSED.items()]
    none = wear(np.array([1, 2, 10]), _endurance((1000, None), (2000, None)))
    shares = ((0.1, 100.0, 50.0, 300.0), (0.5, 500.0, None, None))
    one = replace(wear(np.array([1, 2, 10]), _endurance((1000, 900), (2000, None))), shares=shares)
    lines += ["", "Wear", none.words, *none.sentences(), *one.sentences()]
    done = program_and_verify(DeviceArray(CARD, 4), 0.5, tolerance=0.02, steps="sign")
    noisy = replace(done, read_known=False, read_sd=0.1)
    lines += ["", "Programming", *(each.message for each in noisy.warnings)]
    lines += ["", "Drift", Drift(0.02, 0.01, measured_s=10.0).describe(100.0)]
    lines += ["", "Verdicts"]
    for rules in advice.RULES.values():
        for rule in rules:
            lines.append(str(advice.verdict([CodedWarning(code, "x") for code in sorted(rule.codes)])))
    file_regression.check("\n".join(lines) + "\n", extension=".txt")
