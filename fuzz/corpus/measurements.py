"""Known data of the cases in SI units, one `Part` for each train, sweep or record."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Part:
    """One train, sweep, level of an endurance or retention record, or STDP curve.

    `keys` name it (device, cycle, direction, level, width; numbers from 1, or words), `raw` holds SI values as
    they were before printing, `cells` the printed numbers, and `truth` their values in SI.
    """

    keys: dict[str, object]
    raw: dict[str, np.ndarray]
    cells: dict[str, list[str]] = field(default_factory=dict)
    truth: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(next(iter(self.raw.values())))


def draw_window(rng: random.Random) -> tuple[float, float]:
    """Draw the lowest and highest conductance [S]."""
    low = 10 ** rng.uniform(-7.5, -4.5)
    return low, low * rng.uniform(2, 15)


def make_pulses(
    rng: random.Random,
    devices: int,
    cycles: int,
    lengths: tuple[int, int],
    quiet: bool,
    weights: bool,
    widths: tuple[float, ...] = (),
) -> list[Part]:
    """Make trains of `lengths` (LTP, LTD) that run from one end of a window to the other and back."""
    noise = np.random.default_rng(rng.getrandbits(32))
    low, high = (0.02, 0.98) if weights else draw_window(rng)
    sd = rng.uniform(0.001, 0.01) if quiet else 10 ** rng.uniform(-3, -1.6)
    tau = {name: n * rng.uniform(0.35, 1.2) for name, n in zip(("ltp", "ltd"), lengths, strict=True)}
    parts = []
    for device in range(1, devices + 1):
        scale = 1.0 if weights else noise.normal(1, 0.12)
        for width in widths or (None,):
            # a wider pulse reaches further
            reach = 1.0 if width is None else 0.4 + 0.6 * (widths.index(width) + 1) / len(widths)
            for cycle in range(1, cycles + 1):
                shift = noise.normal(0, 0.005)
                for name, n in zip(("ltp", "ltd"), lengths, strict=True):
                    k = np.arange(1, n + 1)
                    done = (1 - np.exp(-k / tau[name])) / (1 - np.exp(-n / tau[name]))
                    state = (done if name == "ltp" else 1 - done) * reach + shift + noise.normal(0, sd, n)
                    values = np.maximum((low + (high - low) * state) * scale, 0.2 * low)
                    keys = {"device": device, "cycle": cycle, "direction": name}
                    if width is not None:
                        keys["width"] = width
                    parts.append(Part(keys, {"state": values}))
    return parts


def make_sweeps(rng: random.Random, devices: int, cycles: int) -> list[Part]:
    """Make current-voltage loops that set and reset, all with the same voltages."""
    noise = np.random.default_rng(rng.getrandbits(32))
    top, bottom = rng.choice((1.0, 1.5, 2.0, 3.0)), rng.choice((1.0, 1.2, 1.5, 2.0))
    step = rng.choice((0.05, 0.1))
    up = np.arange(0, round(top / step) + 1) * step
    down = -np.arange(0, round(bottom / step) + 1) * step
    voltage = np.concatenate([up, up[-2::-1], down[1:], down[-2::-1]])
    if rng.random() < 0.15:
        voltage = np.concatenate([up, up[-2::-1]])
    low, high = draw_window(rng)
    high *= rng.uniform(3, 30)
    parts = []
    for device in range(1, devices + 1):
        scale = noise.normal(1, 0.1)
        for cycle in range(1, cycles + 1):
            on, off = top * noise.normal(0.75, 0.03), -bottom * noise.normal(0.6, 0.03)
            state, values = low, []
            for v in voltage:
                if v >= on:
                    state = high
                elif v <= off:
                    state = low + 0.5 * (state - low)
                values.append(v * state * (1 + 0.3 * v * v / top**2))
            current = np.array(values) * scale * noise.normal(1, 0.02, len(voltage))
            current += noise.choice((-1, 1), len(voltage)) * noise.uniform(0.1, 1, len(voltage)) * low * 1e-3
            parts.append(Part({"device": device, "cycle": cycle}, {"voltage": voltage, "state": current}))
    return parts


def make_endurance(rng: random.Random, devices: int) -> list[Part]:
    """Make HRS and LRS against the number of cycles."""
    noise = np.random.default_rng(rng.getrandbits(32))
    if rng.random() < 0.6:
        number = np.arange(rng.choice((0, 1)), rng.randint(12, 40))
    else:
        decades = [1, 2, 5] if rng.random() < 0.5 else [1, 3]
        number = np.array([k * 10**decade for decade in range(rng.randint(4, 7)) for k in decades])
    low, high = draw_window(rng)
    high = low * rng.uniform(10, 200)
    parts = []
    for device in range(1, devices + 1):
        for level, middle, spread in (("hrs", low, 0.3), ("lrs", high, 0.08)):
            state = middle * np.exp(noise.normal(0, spread, len(number)))
            parts.append(Part({"device": device, "level": level}, {"number": number, "state": state}))
    return parts


def make_retention(rng: random.Random, devices: int, levels: tuple[str, ...]) -> list[Part]:
    """Make states that drift slowly over log-spaced times."""
    noise = np.random.default_rng(rng.getrandbits(32))
    time = np.unique(np.round(np.geomspace(rng.choice((1, 10)), 10 ** rng.uniform(3.5, 5.5), rng.randint(10, 30))))
    low, _ = draw_window(rng)
    two = levels == ("hrs", "lrs")
    places = [low, low * rng.uniform(10, 100)] if two else [low * (1 + 2 * k) for k in range(len(levels))]
    parts = []
    for device in range(1, devices + 1):
        scale = noise.normal(1, 0.1)
        for level, place in zip(levels, places, strict=True):
            drift = (time / time[0]) ** noise.uniform(-0.03, 0.0)
            state = place * scale * drift * noise.normal(1, 0.01, len(time))
            parts.append(Part({"device": device, "level": level}, {"time": time, "state": state}))
    return parts


def make_stdp(rng: random.Random, devices: int, repeats: int) -> list[Part]:
    """Make changes of a weight against the delay of two spikes."""
    noise = np.random.default_rng(rng.getrandbits(32))
    reach, n = rng.choice((0.05, 0.1, 1e-3, 5e-6)), rng.randint(8, 20)
    delay = np.concatenate([np.linspace(-1, -1 / n, n), np.linspace(1 / n, 1, n)]) * reach
    parts = []
    for device in range(1, devices + 1):
        size = noise.uniform(0.3, 0.9, 2)
        for repeat in range(1, repeats + 1):
            change = np.where(delay > 0, size[0], -0.8 * size[1]) * np.exp(-np.abs(delay) / (0.3 * reach))
            change = change + noise.normal(0, 0.02, len(delay))
            parts.append(Part({"device": device, "repeat": repeat}, {"delay": delay, "state": change}))
    return parts
