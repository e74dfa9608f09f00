"""Layers of weights on devices drawn from a card: start, programming and reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.programmed import Programming, merge_programming
from devicekit.device.programming import program_and_verify
from devicekit.device.variation import read_sigma
from snn import forgetting
from snn.config import TrainingConfig
from snn.network.converters import Lines
from snn.network.crossbar import Layer, WeightMap, make_layer, states
from snn.network.encoding import stream_key
from snn.network.fading import FadingLayer, make_fading, take_over
from snn.network.neurons import padded
from snn.recipe import Recipe
from snn.wiring import Wiring, wiring

# purposes of random streams, + layer number
_ARRAY, _COIN, _PROGRAM, _STUCK, _STATES, _REFRESH, _ENDS, _VERIFY = 101, 103, 105, 107, 109, 111, 113, 115
_DRAWS = 1000  # from one draw of devices to the next

Change = Callable[[int, np.ndarray], np.ndarray]  # (layer number, states (devices,)) -> states as read


@dataclass(frozen=True)
class Synapses:
    """The devices of both layers, and their layers for compiled code (shared memory).

    `fading` holds the layers of devices that forget in training; empty without forgetting. `wiring` is None for ideal
    lines. `programming` is the result of write and verify on both layers; None without it.
    """

    arrays: tuple[DeviceArray, ...]
    layers: tuple[Layer, ...]
    shapes: tuple[tuple[int, int], ...]
    reference: float | None
    fading: tuple[FadingLayer, ...] = ()
    wiring: Wiring | None = None
    programming: Programming | None = None

    @classmethod
    def start(cls, card: DeviceCard, config: TrainingConfig, recipe: Recipe, w: list[np.ndarray]) -> Self:
        """Create devices about `recipe.middle` with start weights `w`."""
        assert recipe.middle is not None
        pair = config.mapping == "pair"
        initial = [
            _place_stuck(states(layer, c, recipe.middle, pair), config, number)
            for number, (layer, c) in enumerate(zip(w, recipe.scales, strict=True))
        ]
        return cls._build(card, config, recipe, initial, [layer.shape for layer in w])

    @classmethod
    def program(cls, card: DeviceCard, config: TrainingConfig, recipe: Recipe, w: list[np.ndarray]) -> Self:
        """Create devices programmed to the weights `w`: rounded to `levels`, with noise `program_sigma` or verified.

        Stuck devices stay at `recipe.middle` or at an end of the window (`stuck_at`). Devices with a volatile part
        forget part of the change from `recipe.middle`.
        """
        assert recipe.middle is not None
        pair = config.mapping == "pair"
        initial, before = [], []
        for number, (layer, c) in enumerate(zip(w, recipe.scales, strict=True)):
            r = states(layer.astype(float), c, recipe.middle, pair)
            if config.programming == "verify":
                initial.append(round_to_levels(r, config))
            else:
                rng = np.random.default_rng([config.seed, _PROGRAM + number])
                kept = np.where(_draw_stuck(config, number, r.size), recipe.middle, program_states(r, config, rng))
                initial.append(_place_stuck(kept, config, number))
            before.append(_place_stuck(np.full(r.size, recipe.middle), config, number))
        return cls._build(card, config, recipe, initial, [layer.shape for layer in w], before)

    @classmethod
    def _build(
        cls,
        card: DeviceCard,
        config: TrainingConfig,
        recipe: Recipe,
        initial: list[np.ndarray],
        shapes: list,
        before: list[np.ndarray] | None = None,
    ) -> Self:
        reference = None if config.mapping == "pair" else recipe.middle
        arrays, layers, fading, written = [], [], [], []
        wires = wiring(card, config)
        for number, (r, shape) in enumerate(zip(initial, shapes, strict=True)):
            if config.stable_states > 0:
                r = round_to_stable_states(
                    r, config.stable_states, np.random.default_rng([config.seed, _STATES + number])
                )
            seed = int(stream_key(config.seed, _ARRAY + number + _DRAWS * config.draw) >> np.uint64(1))
            rest = r if before is None else before[number]
            array = DeviceArray(card, r.size, seed, initial=rest, c2c=config.c2c, d2d=config.d2d)
            stuck = _draw_stuck(config, number, r.size)
            if before is not None and config.programming == "verify":
                written.append(_write_and_verify(array, r, stuck, config, number))
            else:
                array.set_states(r)
            whole = (shape[0], padded(shape[1])) if number == 0 else (padded(shape[0]), shape[1])
            coin = stream_key(config.seed, _COIN + number)
            arrays.append(array)
            gain = None if wires is None else wires.gains(number, array.observed_states, shape, wires.in_training)
            base = 0.0 if wires is None else wires.base
            of = WeightMap(shape, recipe.scales[number], reference, gain, base)
            layer = make_layer(array, of, whole, coin, stuck, config.stable_states)
            layers.append(layer)
            if array.fading is not None and forgetting.in_training(card, config):
                times = (config.pulse_period_s, config.presentation_s)
                fading.append(make_fading(layer, array.fading, shape, *times))
        done = merge_programming(written) if written else None
        return cls(tuple(arrays), tuple(layers), tuple(shapes), reference, tuple(fading), wires, done)

    def rewire(self) -> None:
        """Update the gains of the wires from the present states, before an epoch."""
        if self.wiring is None:
            return
        for number, (array, layer, shape) in enumerate(zip(self.arrays, self.layers, self.shapes, strict=True)):
            layer.gain[:] = self.wiring.gains(number, array.observed_states, shape, self.wiring.in_training)
            layer.w[: shape[0], : shape[1]] = self._weights(layer, array.observed_states, shape, layer.gain)

    def _weights(self, layer: Layer, r: np.ndarray, shape: tuple[int, int], gain: np.ndarray) -> np.ndarray:
        return WeightMap(shape, layer.scale, self.reference, gain, layer.base).weights(r)

    def read(self, retention: float, delay: float = 0.0, change: Change | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return padded weights [1] of both layers for the kernels.

        Parameters
        ----------
        retention : float
            Loss of every state [1].
        delay : float
            Time from now [s], in which devices with a volatile part forget.
        change : callable, optional
            Change of states before reading (`snn.drift`), possibly beyond 0..1.
        """
        first, second = self.read_layers(retention, delay, change)
        return first, second

    def read_layers(self, retention: float, delay: float = 0.0, change: Change | None = None) -> list[np.ndarray]:
        """Return padded weights [1] of every layer, for any number of layers; parameters as of `read`."""
        forget = self.arrays[0].fading is not None and (delay > 0 or len(self.fading) > 0)
        if retention == 0 and not forget and self.wiring is None and change is None:
            return [layer.w for layer in self.layers]
        found = []
        for layer, shape, r, gain in self._read(retention, delay if forget else None, change):
            w = np.zeros_like(layer.w)
            w[: shape[0], : shape[1]] = self._weights(layer, r, shape, gain)
            found.append(w)
        return found

    def lines(self, retention: float, delay: float = 0.0, change: Change | None = None) -> Lines:
        """Return the plus and minus line of each weight [weight units], as `read`; pairs of conductances only.

        Raises
        ------
        UsageError
            If the card has no conductances: the current of a state of 0 is then unknown.
        """
        window = self.arrays[0].card.window
        if window.quantity != "conductance_s" or window.scale != "linear":
            raise UsageError('adc_lines "each" needs a card with conductances and the linear state.')
        base, found = window.low / window.span, []
        forget = self.arrays[0].fading is not None and (delay > 0 or len(self.fading) > 0)
        for layer, shape, r, gain in self._read(retention, delay if forget else None, change):
            seen = layer.scale * (gain if gain.size else 1.0) * (r + base)
            found.append(np.ascontiguousarray(np.moveaxis(seen.reshape(*shape, 2), 2, 0), np.float32))
        return Lines(*found)

    def _read(
        self, retention: float, delay: float | None, change: Change | None
    ) -> Iterator[tuple[Layer, tuple[int, int], np.ndarray, np.ndarray]]:
        """Yield each layer with its shape, the states read in a test, and the gain of each device."""
        for number, (array, layer, shape) in enumerate(zip(self.arrays, self.layers, self.shapes, strict=True)):
            r = (array.observed_states if delay is None else array.states_after(delay)) * (1.0 - retention)
            if change is not None:
                r = change(number, r)
            gain = layer.gain if self.wiring is None else self.wiring.gains(number, r, shape, "exact")
            yield layer, shape, r, gain

    def update_after_pulses(self) -> None:
        """Update the devices after pulses by compiled code, including their forgetting."""
        for array in self.arrays:
            array.record_changes(forgot=len(self.fading) > 0)

    def refresh(self, config: TrainingConfig, recipe: Recipe, epoch: int) -> int:
        """Reprogram pairs with a device near an end of the window about the middle; return their number."""
        assert recipe.middle is not None
        count = 0
        for number, (array, layer, shape) in enumerate(zip(self.arrays, self.layers, self.shapes, strict=True)):
            r, width = array.r.reshape(-1, 2), config.refresh
            fresh = states((r[:, 0] - r[:, 1]), 1.0, recipe.middle, True).reshape(-1, 2)
            room, fresh_room = (np.minimum(x, 1.0 - x).min(axis=1) for x in (r, fresh))
            # a pair whose weight needs the whole window is left as it is
            wanted = (room < width) & (fresh_room > room + width / 2)
            wanted &= ~layer.stuck.reshape(-1, 2).any(axis=1)
            rng = np.random.default_rng([config.seed, _REFRESH + number, epoch])
            new = program_states(fresh.ravel(), config, rng)
            if config.stable_states > 0:
                new = round_to_stable_states(new, config.stable_states, rng)
            array.set_states(new.reshape(-1, 2)[wanted].ravel(), np.flatnonzero(np.repeat(wanted, 2)))
            layer.w[: shape[0], : shape[1]] = self._weights(layer, array.observed_states, shape, layer.gain)
            count += int(wanted.sum())
        for fading, shape in zip(self.fading, self.shapes, strict=True) if self.fading else ():
            take_over(fading, shape)
        return count

    @property
    def total_pulses(self) -> int:
        """Pulses given so far, over all devices."""
        return int(sum(layer.pulses[0] for layer in self.layers))

    @property
    def pulses_per_layer(self) -> tuple[float, ...]:
        """Mean pulses of a device of each layer."""
        return tuple(float(layer.pulses[0]) / array.n for layer, array in zip(self.layers, self.arrays, strict=True))

    @property
    def write_energy(self) -> float | None:
        """Energy of all pulses so far [J]: V^2 G t with the mean conductance of the window; None if unknown."""
        card = self.arrays[0].card
        at, window = card.conditions, card.window
        if window.quantity != "conductance_s" or at.pulse_width_s is None:
            return None
        if at.ltp_voltage_v is None or at.ltd_voltage_v is None:
            return None
        mean_square = (at.ltp_voltage_v**2 + at.ltd_voltage_v**2) / 2
        return self.total_pulses * mean_square * (window.low + window.high) / 2 * at.pulse_width_s

    @property
    def reads_per_device(self) -> float:
        """Mean verifying reads of a device, over both layers; a read of a weight reads each of its devices."""
        per_weight = 2 if self.reference is None else 1
        reads = sum(int(layer.reads[0]) * per_weight for layer in self.layers)
        return reads / sum(array.n for array in self.arrays)

    @property
    def pulses_per_device(self) -> float:
        """Mean pulses of a device, over both layers."""
        return self.total_pulses / sum(array.n for array in self.arrays)


def _draw_stuck(config: TrainingConfig, layer: int, devices: int) -> np.ndarray:
    """Draw which devices (devices,) of a layer never move."""
    return np.random.default_rng([config.seed, _STUCK + layer]).random(devices) < config.stuck_share


def _place_stuck(r: np.ndarray, config: TrainingConfig, layer: int) -> np.ndarray:
    """Return the states (devices,) with stuck devices at their places."""
    if config.stuck_share == 0 or config.stuck_place == "start":
        return r
    high = np.random.default_rng([config.seed, _ENDS + layer]).random(r.size) < 0.5
    at = high.astype(float) if config.stuck_place == "ends" else np.full(r.size, float(config.stuck_place == "high"))
    return np.where(_draw_stuck(config, layer, r.size), at, r)


def _write_and_verify(
    array: DeviceArray, r: np.ndarray, stuck: np.ndarray, config: TrainingConfig, layer: int
) -> Programming:
    """Write the devices of a layer to the states `r` (devices,), verified with the read noise of the settings."""
    return program_and_verify(
        array,
        r,
        tolerance=config.tolerance,
        limit=config.verify_limit,
        reads=config.verify_reads,
        steps=config.program_steps,
        pairs=config.mapping == "pair" and config.compensate,
        stuck=stuck,
        read_sd=read_sigma(array.card, config.read_noise_of_g) if config.read_noise_of_g > 0 else None,
        seed=int(stream_key(config.seed, _VERIFY + layer) >> np.uint64(1)),
    )


def round_to_levels(r: np.ndarray, config: TrainingConfig) -> np.ndarray:
    """Round states (devices,) to `levels`; 0 levels leave them unchanged."""
    return np.rint(r * (config.levels - 1)) / (config.levels - 1) if config.levels > 0 else r


def program_states(r: np.ndarray, config: TrainingConfig, rng: np.random.Generator) -> np.ndarray:
    """Program states (devices,): round to `levels`, add noise `program_sigma`, clip to 0..1."""
    r = round_to_levels(r, config)
    return np.clip(r + config.program_sigma * rng.standard_normal(r.size), 0.0, 1.0)


def round_to_stable_states(r: np.ndarray, levels: int, rng: np.random.Generator) -> np.ndarray:
    """Move each state (devices,) to one of the two nearest of `levels` stable ones at random, its mean kept."""
    return np.floor(r * (levels - 1) + rng.random(r.size)) / (levels - 1)
