"""The updates of aihwkit 1.1.0's pulsed devices in NumPy, and how devices scatter under trains of pulses.

Each update is the documented one of its class (https://github.com/IBM/aihwkit, MIT): PiecewiseStepDevice,
LinearStepDevice with additive noise, and the cell of both from `pulsed_fields.cell_fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.device.ageing import normals
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.variation import D2dMode
from devicekit.exporters import base

DEVICES = 4000  # devices of an ensemble
AFTER = (10, 50, 100)  # pulses after which the scatter is reported
AT = (-1.0, 0.0, 1.0)  # weights at which the scatter of one update is reported
TRAINS = np.repeat([1, -1], base.PULSES)  # LTP, and then LTD pulses
PAIRS = np.tile([1, -1], base.PULSES)  # alternating

Fields = Mapping[str, Any]
# States of a cell's devices (devices, cells), sign, standard normals (cells,) -> states.
Update = Callable[[np.ndarray, int, np.ndarray], np.ndarray]


def piecewise(fields: Fields) -> Update:
    """Return the update of a PiecewiseStepDevice with up_down = 0; noise is proportional to the step."""
    at = np.linspace(fields["w_min"], fields["w_max"], len(fields["piecewise_up"]))
    values = {1: np.array(fields["piecewise_up"]), -1: np.array(fields["piecewise_down"])}

    def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
        step = fields["dw_min"] * np.interp(w, at, values[sign]) * (1.0 + fields["dw_min_std"] * noise)
        return np.asarray(np.clip(w + sign * step, fields["w_min"], fields["w_max"]))

    return update


def linear_step(fields: Fields) -> Update:
    """Return the update of a LinearStepDevice with mult_noise False; noise is a share of the step at w = 0."""
    scale = {1: 1.0 + min(fields["up_down"], 0.0), -1: 1.0 - max(fields["up_down"], 0.0)}
    slope = {1: -fields["gamma_up"] / fields["w_max"], -1: -fields["gamma_down"] / fields["w_min"]}

    def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
        step = fields["dw_min"] * scale[sign] * (1.0 + slope[sign] * w + fields["dw_min_std"] * noise)
        return np.asarray(np.clip(w + sign * step, fields["w_min"], fields["w_max"]))

    return update


def cell(steps: Fields, noise: Fields) -> Update:
    """Return the update of a cell of a PiecewiseStepDevice and a LinearStepDevice."""
    both = piecewise(steps), linear_step(noise)

    def update(w: np.ndarray, sign: int, drawn: np.ndarray) -> np.ndarray:
        return np.stack([each(own, sign, drawn) for each, own in zip(both, w, strict=True)])

    return update


def replay(update: Update, start: float = -1.0, pulses: int = base.PULSES) -> np.ndarray:
    """Return the weights of a noiseless device under `pulses` LTP and then LTD pulses, shape (2 pulses + 1,)."""
    w, quiet = np.full((1, 1), start), np.zeros(1)
    path = [start]
    for sign in np.repeat([1, -1], pulses):
        w = update(w, int(sign), quiet)
        path.append(float(w[0, 0]))
    return np.array(path)


@dataclass(frozen=True)
class Scatter:
    """C2C of identical devices: standard deviations, fractions of the window.

    Attributes
    ----------
    path : ndarray, shape (2 x 100 + 1,)
        Of the state after each of 100 LTP and then 100 LTD pulses from the low end of the window.
    pairs : ndarray, shape (2 x 100 + 1,)
        Of the state after each of 200 alternating LTP and LTD pulses from w = 0.
    up, down : tuple of float
        Of one LTP and of one LTD update at w = -1, 0 and 1.
    """

    path: np.ndarray
    pairs: np.ndarray
    up: tuple[float, ...]
    down: tuple[float, ...]

    @property
    def after(self) -> tuple[float, ...]:
        """`path` after 10, 50, 100 LTP and then 10, 50, 100 LTD pulses; `pairs` after 10, 50, 100 of both."""
        return (*_after_trains(self.path), *(float(self.pairs[2 * k]) for k in AFTER))

    def describe(self, card: Scatter) -> str:
        """Compare the scatter with that of the card, for a README."""

        def both(own: tuple[float, ...], wanted: tuple[float, ...]) -> str:
            return f"{percents(own)} (card {percents(wanted)})"

        n = len(AFTER)
        return (
            f"sd of one LTP update at w = -1, 0, 1: {both(self.up, card.up)}, of one LTD update: "
            f"{both(self.down, card.down)}. Sd of the state after 10, 50, 100 LTP pulses from the low end: "
            f"{both(self.after[:n], card.after[:n])}; after 10, 50, 100 further LTD pulses: "
            f"{both(self.after[n : 2 * n], card.after[n : 2 * n])}; after 10, 50, 100 LTP/LTD pairs from w = 0: "
            f"{both(self.after[2 * n :], card.after[2 * n :])}. In % of the window"
        )


def percents(values: tuple[float, ...]) -> str:
    """Format fractions as numbers in per cent, for a sentence."""
    return ", ".join(f"{100 * value:.2g}" for value in values)


def scatter(update: Update, gammas: tuple[float, ...] = (1.0,)) -> Scatter:
    """Simulate the C2C of an update with an ensemble; `gammas` are the weights of the devices of a cell."""
    weigh = np.array(gammas)

    def sd(w: np.ndarray) -> float:
        return float((weigh @ w).std()) / 2.0

    def along(start: float, signs: np.ndarray) -> np.ndarray:
        w, path = np.full((weigh.size, DEVICES), start), [0.0]
        for k, sign in enumerate(signs):
            w = update(w, int(sign), normals(DEVICES, 0, k))
            path.append(sd(w))
        return np.array(path)

    drawn = normals(DEVICES, 1)
    up, down = (tuple(sd(update(np.full((weigh.size, DEVICES), at), sign, drawn)) for at in AT) for sign in (1, -1))
    return Scatter(along(-1.0, TRAINS), along(0.0, PAIRS), up, down)


def piecewise_by_devices(fields: Fields) -> Update:
    """Return the update of PiecewiseStepDevices with D2D but without update noise; up_down is 0.

    aihwkit draws one log-normal gain for both directions, and an asymmetry that increases one and decreases the other.
    """
    gain = np.exp(fields["dw_min_dtod"] * normals(DEVICES, 2))
    tilt = fields["up_down_dtod"] * normals(DEVICES, 3)
    at = np.linspace(fields["w_min"], fields["w_max"], len(fields["piecewise_up"]))
    values = {1: np.array(fields["piecewise_up"]), -1: np.array(fields["piecewise_down"])}

    def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
        step = fields["dw_min"] * np.interp(w, at, values[sign]) * gain * (1.0 + sign * tilt)
        return np.asarray(np.clip(w + sign * step, fields["w_min"], fields["w_max"]))

    return update


def device_path(update: Update) -> tuple[float, ...]:
    """Return the sd of states over devices after 10, 50, 100 LTP and then LTD pulses from the low end [window]."""
    w, quiet, path = np.full((1, DEVICES), -1.0), np.zeros(DEVICES), [0.0]
    for sign in TRAINS:
        w = update(w, int(sign), quiet)
        path.append(float(w[0].std()) / 2.0)
    return _after_trains(path)


def array_path(card: DeviceCard, d2d: D2dMode) -> tuple[float, ...]:
    """Return the same of a DeviceArray of a card."""
    array, path = DeviceArray(card, DEVICES, c2c="none", d2d=d2d), [0.0]
    for sign in TRAINS:
        array.pulse(int(sign))
        path.append(float(card.window.from_state(array.r).std()) / card.window.span)
    return _after_trains(path)


def _after_trains(path: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    """Return the reported points of a path over `TRAINS`."""
    return tuple(float(path[k]) for k in (*AFTER, *(base.PULSES + k for k in AFTER)))


def card_scatter(card: DeviceCard) -> Scatter:
    """Simulate the C2C of the central device of a card, as drawn by a DeviceArray."""
    window = card.window

    def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
        direction = "ltp" if sign > 0 else "ltd"
        r = np.clip(window.to_state(window.low + window.span * (w + 1.0) / 2.0), 0.0, 1.0)
        step = card.rate(direction, r)
        after = np.clip(r + step + base.update_sigma(card, direction, step) * noise, 0.0, 1.0)
        return np.asarray(2.0 * (window.from_state(after) - window.low) / window.span - 1.0)

    return scatter(update)
