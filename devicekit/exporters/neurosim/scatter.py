"""Scatter of trains of many devices in a DeviceArray and in NeuroSim with the exported parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.neurosim.exponential import Loop, a_of_label, card_pulses
from devicekit.exporters.neurosim.parameters import Parameters

DEVICES = 4000
SEED = 0
SETTLING = 5  # loops until every device has settled
_LABELS = np.arange(1, 901) / 100.0


@dataclass(frozen=True)
class Scatter:
    """Standard deviations over devices along a train, as fractions of the exported window.

    Attributes
    ----------
    kind : str
        C2C or D2D; the other one is switched off.
    pulses : mapping of direction to tuple of int
    ours, theirs : mapping of direction to tuple of float
        In a DeviceArray of the card, and with the update of NeuroSim.
    """

    kind: str
    pulses: dict[str, tuple[int, ...]]
    ours: dict[str, tuple[float, ...]]
    theirs: dict[str, tuple[float, ...]]

    @property
    def largest_error(self) -> float:
        """Largest relative deviation of NeuroSim from the DeviceArray."""
        return max(
            abs(theirs / ours - 1.0)
            for direction in self.pulses
            for ours, theirs in zip(self.ours[direction], self.theirs[direction], strict=True)
            if ours > 0
        )

    def sentence(self) -> str:
        """Return the README sentence."""
        parts = []
        for direction, pulses in self.pulses.items():
            theirs, ours = (", ".join(f"{value:.2%}" for value in each[direction]) for each in (self.theirs, self.ours))
            after = ", ".join(map(str, pulses))
            parts.append(f"after {after} {direction.upper()} pulses {theirs} instead of {ours}")
        return (
            f"{self.kind} only: sd of the conductance over {DEVICES} devices, as a fraction of the window, in NeuroSim "
            f"instead of in a DeviceArray: {'; '.join(parts)} (largest error {self.largest_error:.0%})."
        )


def _sampled_pulses(pulses: int) -> tuple[int, ...]:
    return tuple(sorted({min(10, pulses), min(50, pulses), pulses}))


def measure(card: DeviceCard, loop: Loop, p: Parameters, kind: str) -> Scatter:
    """Measure the scatter of trains from the ends of the loop, with only C2C or only D2D.

    Parameters
    ----------
    card : DeviceCard
        The device, with a window in siemens.
    loop : Loop
        The loop whose window is exported.
    p : Parameters
        Parameters for NeuroSim.
    kind : str
        C2C or D2D.
    """
    pulses = {direction: _sampled_pulses(each) for direction, each in card_pulses(card).items()}
    ours = _array_scatter(card, loop, p, kind == "C2C", pulses)
    theirs = _neurosim_scatter(p, kind == "C2C", pulses)
    return Scatter(kind, pulses, ours, theirs)


def _array_scatter(
    card: DeviceCard, loop: Loop, p: Parameters, c2c: bool, pulses: dict[str, tuple[int, ...]]
) -> dict[str, tuple[float, ...]]:
    from devicekit.device.array import DeviceArray

    array = DeviceArray(
        card,
        DEVICES,
        seed=SEED,
        initial=loop.low,
        c2c="increment" if c2c else "none",
        d2d="none" if c2c else "resample",
    )
    if not c2c:
        for _ in range(SETTLING):
            for direction, sign in base.SIGNS.items():
                for _ in range(pulses[direction][-1]):
                    array.pulse(sign)
    found = {}
    for direction, sign in base.SIGNS.items():
        if c2c:  # both trains start at an end of the loop
            array.set_states(np.full(DEVICES, loop.low if sign > 0 else loop.high))
        sds = []
        for k in range(1, pulses[direction][-1] + 1):
            array.pulse(sign)
            if k in pulses[direction]:
                sds.append(float(card.window.from_state(array.r).std()) / (p.high - p.low))
        found[direction] = tuple(sds)
    return found


def label_constants(labels: np.ndarray) -> np.ndarray:
    """Return A (fraction of the number of pulses) of labels, truncated to hundredths (0.01 to 9) as in NeuroSim."""
    constants = np.array([a_of_label(label) for label in _LABELS])
    which = np.clip((np.abs(labels) * 100).astype(int), 1, _LABELS.size) - 1
    return np.where(labels > 0, 1.0, -1.0) * constants[which]


def _neurosim_scatter(p: Parameters, c2c: bool, pulses: dict[str, tuple[int, ...]]) -> dict[str, tuple[float, ...]]:
    """Apply the update of NeuroSim: find the pulse number of G, add one, add noise, clip at the device window."""
    rng = np.random.default_rng(SEED)
    low, high = np.zeros(DEVICES), np.ones(DEVICES)  # on the exported window
    labels = {direction: np.full(DEVICES, p.nl[direction]) for direction in base.SIGNS}
    if not c2c:
        for label in labels.values():
            label += p.sigma_d2d * rng.standard_normal(DEVICES)
        low, high = _draw_windows(p, rng)
    found = {}
    for direction, sign in base.SIGNS.items():
        levels = p.levels[direction]
        a = label_constants(labels[direction]) * levels
        b = (high - low) / -np.expm1(-levels / a)
        g = low.copy() if sign > 0 else high.copy()
        sds = []
        for k in range(1, pulses[direction][-1] + 1):
            position = -a * np.log(np.maximum(1.0 - (g - low) / b, 1e-300))
            g = b * -np.expm1(-(position + sign) / a) + low
            if c2c:
                g += p.sigma_c2c * rng.standard_normal(DEVICES)
            g = np.clip(g, low, high)
            if k in pulses[direction]:
                sds.append(float(g.std()))
        found[direction] = tuple(sds)
    return found


def _draw_windows(p: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the windows of the devices relative to the exported one; empty windows are drawn again."""
    span = p.high - p.low
    low, high = np.zeros(DEVICES), np.zeros(DEVICES)
    todo = np.arange(DEVICES)
    while todo.size:
        high[todo] = 1.0 + p.high_sd / span * rng.standard_normal(todo.size)
        low[todo] = p.low_sd / span * rng.standard_normal(todo.size)
        todo = todo[(low[todo] + p.low / span < 0) | (low[todo] >= high[todo])]
    return low, high
