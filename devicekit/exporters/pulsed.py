"""Pulsed devices of aihwkit 1.1.0: their fields, their updates in NumPy, and how they scatter under trains of pulses.

Each update is the documented one of its class (https://github.com/IBM/aihwkit, MIT), and of the cell of both from
`pulsed_fields.cell_noise`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

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

# States of a cell's devices (devices, cells), sign, standard normals (cells,) -> states.
Update = Callable[[np.ndarray, int, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class PulsedDevice:
    """Fields of every pulsed device of aihwkit; the defaults switch their effects off.

    Several defaults of aihwkit switch one on: dw_min_dtod 0.3, dw_min_std 0.3, w_max_dtod 0.3, up_down_dtod 0.01.
    """

    construction_seed: int = 0
    corrupt_devices_prob: float = 0.0
    corrupt_devices_range: float = 0.1
    diffusion: float = 0.0
    diffusion_dtod: float = 0.0
    dw_min_dtod: float = 0.0
    dw_min_dtod_log_normal: bool = True
    dw_min_std: float = 0.0
    enforce_consistency: bool = True
    lifetime: float = 0.0
    lifetime_dtod: float = 0.0
    perfect_bias: bool = False
    reset: float = 0.0
    reset_dtod: float = 0.0
    reset_std: float = 0.0
    up_down_dtod: float = 0.0
    w_max_dtod: float = 0.0
    w_min_dtod: float = 0.0
    count_pulses: bool = False
    write_noise_std: float = 0.0
    apply_write_noise_on_set: bool = False

    def values(self) -> dict[str, int | float | list[float]]:
        """Return the fields by name as they are written: those of the class first."""
        shared = [each.name for each in fields(PulsedDevice)]
        own = [each.name for each in fields(self) if each.name not in shared]
        return {name: getattr(self, name) for name in [*own, *shared]}


@dataclass(frozen=True, kw_only=True)
class PiecewiseStep(PulsedDevice):
    """PiecewiseStepDevice: steps at nodes evenly spaced over the range of weights, in units of dw_min."""

    w_min: float = -1.0
    w_max: float = 1.0
    dw_min: float
    up_down: float = 0.0
    piecewise_up: list[float]
    piecewise_down: list[float]

    def update(self, gain: np.ndarray | float = 1.0, tilt: np.ndarray | float = 0.0) -> Update:
        """Return its update with up_down = 0 for gains and asymmetries of devices; noise is proportional to the step.

        aihwkit draws one gain for both directions, and an asymmetry that increases one and decreases the other.
        """
        at = np.linspace(self.w_min, self.w_max, len(self.piecewise_up))
        nodes = {1: np.array(self.piecewise_up), -1: np.array(self.piecewise_down)}

        def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
            step = self.dw_min * np.interp(w, at, nodes[sign]) * (1.0 + self.dw_min_std * noise)
            return np.asarray(np.clip(w + sign * step * gain * (1.0 + sign * tilt), self.w_min, self.w_max))

        return update

    def update_of_devices(self) -> Update:
        """Return the update of an ensemble with D2D, log-normal gains, but without update noise."""
        tilt = self.up_down_dtod * normals(DEVICES, 3)
        return replace(self, dw_min_std=0.0).update(np.exp(self.dw_min_dtod * normals(DEVICES, 2)), tilt)


@dataclass(frozen=True, kw_only=True)
class LinearStep(PulsedDevice):
    """LinearStepDevice with additive noise: steps fall linearly with the weight.

    In the code of aihwkit dw_min is the LARGER of the two steps, unlike the docstring of `up_down` (`shares`).
    """

    w_min: float = -1.0
    w_max: float = 1.0
    dw_min: float
    up_down: float
    gamma_up: float
    gamma_down: float
    gamma_up_dtod: float = 0.0
    gamma_down_dtod: float = 0.0
    allow_increasing: bool = False
    mean_bound_reference: bool = True
    mult_noise: bool = False
    reverse_up: bool = False
    reverse_down: bool = False
    reverse_offset: float = 0.01

    def update(self) -> Update:
        """Return its update; noise is a share of the step at w = 0."""
        scale = dict(zip((1, -1), shares(self.up_down), strict=True))
        slope = {1: -self.gamma_up / self.w_max, -1: -self.gamma_down / self.w_min}

        def update(w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
            step = self.dw_min * scale[sign] * (1.0 + slope[sign] * w + self.dw_min_std * noise)
            return np.asarray(np.clip(w + sign * step, self.w_min, self.w_max))

        return update


def shares(up_down: float) -> tuple[float, float]:
    """Return the steps up and down divided by dw_min, at w = 0."""
    return 1.0 + min(up_down, 0.0), 1.0 - max(up_down, 0.0)


def cell(steps: PiecewiseStep, noise: LinearStep) -> Update:
    """Return the update of a cell of two devices, the first without noise."""
    both = replace(steps, dw_min_std=0.0).update(), noise.update()

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
