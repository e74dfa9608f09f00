"""The parameters of a card in the terms of NeuroSim: window, labels, and variation over pulses, devices, readings."""

from __future__ import annotations

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.device.variation import read_sigma
from devicekit.exporters import base
from devicekit.exporters.neurosim.exponential import (
    SMALLEST_WINDOW,
    Choice,
    Device,
    branch_fits,
    closed_loop,
)
from devicekit.exporters.neurosim.parameters import Parameters

MOST_DEVICES = 400  # most devices for a standard deviation over devices


def sign_label(direction: str, label: float) -> float:
    """Return a label with the sign of NeuroSim: positive for LTP and negative for LTD if steep at first."""
    return label if direction == "ltp" else -label


def parameters_of(card: DeviceCard, chosen: Choice, noise: bool) -> Parameters:
    """Return the parameters of a card, with its variation if `noise`.

    Raises UsageError if a train reaches conductances below 0 S.
    """
    low, high = (float(value) for value in card.window.from_state(np.array([chosen.loop.low, chosen.loop.high])))
    if low < 0:
        raise UsageError(f"NeuroSim needs conductances of 0 S or more, but trains of this card reach {low:.3g} S.")
    labels = {direction: sign_label(direction, fit.label) for direction, fit in chosen.fits.items()}
    return Parameters(low, high, chosen.levels, labels, **(_noise(card, chosen, low, high) if noise else {}))


def _device_spread(card: DeviceCard, chosen: Choice) -> dict[str, float]:
    """Return the fields of `Parameters` on label and window over the measured devices; none for fewer than 3."""
    if len(card.devices) < 3:
        return {}
    labels: dict[str, list[float]] = {"ltp": [], "ltd": []}
    ends = []
    for row in card.devices[:MOST_DEVICES]:
        device = Device.measured(row)
        loop = closed_loop(card, device, chosen.loop_pulses)
        if loop.high - loop.low < SMALLEST_WINDOW:
            continue
        ends.append(card.window.from_state(np.array([loop.low, loop.high])))
        for direction, fit in branch_fits(card, device, loop, chosen.levels).items():
            labels[direction].append(fit.label)
    if len(ends) < 3:
        return {}
    low_sd, high_sd = np.std(ends, axis=0, ddof=1)
    variance = np.mean([np.var(values, ddof=1) for values in labels.values()])
    return {"sigma_d2d": float(np.sqrt(variance)), "low_sd": float(low_sd), "high_sd": float(high_sd)}


def _noise(card: DeviceCard, chosen: Choice, low: float, high: float) -> dict[str, float]:
    """Return the fields of `Parameters` on C2C, D2D and read noise."""
    variances = []
    for direction, states in (("ltp", chosen.loop.ltp), ("ltd", chosen.loop.ltd)):
        sigma = base.update_sigma(card, direction, np.diff(states))
        slope = np.gradient(card.window.from_state(np.linspace(0, 1, 1001)), 1e-3)
        in_siemens = sigma * np.interp(states[:-1], np.linspace(0, 1, 1001), slope)
        variances.append(np.mean(in_siemens**2))
    if card.window.scale == "log":  # a step of ln G is a fraction of G
        read = read_sigma(card) * np.log(card.window.high / card.window.low)
    else:
        read = read_sigma(card) * card.window.span / ((low + high) / 2.0)
    return {
        "sigma_c2c": float(np.sqrt(np.mean(variances))) / (high - low),
        "sigma_read": float(read),
        **_device_spread(card, chosen),
    }
