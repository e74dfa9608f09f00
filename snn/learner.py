"""A network in training, with float weights, weights on devices, or first the one and then the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.variation import read_sigma
from snn.config import TrainingConfig
from snn.drift import add_static_telegraph, configured_change, telegraph_regime
from snn.network import converters
from snn.network.converters import Lines, converter, ranges
from snn.network.encoding import Presentations
from snn.network.epochs import Lesson, insitu_epoch, offline_epoch
from snn.network.neurons import Dynamics, Noise, padded, predict
from snn.recipe import Recipe, fit_scales
from snn.synapses import Change, Synapses

QUIET = Noise(np.float32(0.0), np.float32(0.0))


@dataclass
class Learner:
    """Weights of a network, with their training and their use.

    Parameters
    ----------
    card : DeviceCard or None
        None: float weights only.
    config : TrainingConfig
    recipe : Recipe
    dynamics : Dynamics
    start : list of ndarray
        Start weights of both layers [1], shapes (channels, hidden) and (hidden, classes).
    calibrated_on : ndarray of int32, shape (n, channels), optional
        Levels of training samples, to set the ranges of converters.

    Attributes
    ----------
    w1, w2 : ndarray of float32
        Float weights [1], padded.
    synapses : Synapses or None
        None while weights are floats.
    """

    card: DeviceCard | None
    config: TrainingConfig
    recipe: Recipe
    dynamics: Dynamics
    start: list[np.ndarray]
    calibrated_on: np.ndarray | None = None
    w1: np.ndarray = field(init=False)
    w2: np.ndarray = field(init=False)
    synapses: Synapses | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        (channels, hidden), (_, outputs) = (each.shape for each in self.start)
        if self.config.scheme == "insitu":
            assert self.card is not None
            self.synapses = Synapses.start(self.card, self.config, self.recipe, self.start)
        self.w1 = np.zeros((channels, padded(hidden)), np.float32)
        self.w2 = np.zeros((padded(hidden), outputs), np.float32)
        self.w1[:, :hidden], self.w2[:hidden] = self.start

    def learn(self, lesson: Lesson, age: float, least: float = 0.0) -> int:
        """Train one pass over a lesson in place; return the number classified correctly.

        Parameters
        ----------
        lesson : Lesson
        age : float
            Epochs so far, offline or on devices, for the decay of rates or growth of thresholds.
        least : float
            Lower limit of the factor on rates, and inverse of the upper limit of that on thresholds [1].
        """
        if self.synapses is None:
            rule = self.recipe.rule(self.config, insitu=False, epoch=age, least=least)
            return offline_epoch(lesson, self.w1, self.w2, rule, self.dynamics, QUIET)
        rule = self.recipe.rule(self.config, insitu=True, epoch=age, least=least)
        thresholds = self.recipe.thresholds(self.config, age, least)
        layers: Any = self.synapses.fading or self.synapses.layers
        right = insitu_epoch(lesson, layers, thresholds, rule, self.dynamics, self.noise())
        self.synapses.update_after_pulses()
        return right

    def noise(self, samples: int | None = None) -> Noise:
        """Return the read noise in weight units: sd of the state times c, of both devices of a pair.

        `samples` is the number of samples of a test; None: in training.
        """
        if self.card is None:
            return QUIET
        devices = 2 if self.config.mapping == "pair" else 1
        fresh = read_sigma(self.card, self.config.read_noise_of_g) if self.config.read_noise else 0.0
        hidden, output = self.recipe.scales
        regime = telegraph_regime(self.config, samples)
        held = self.config.telegraph if regime == "held" else 0.0
        if regime == "fresh":
            fresh = math.hypot(fresh, self.config.telegraph)
        both = fresh * devices**0.5
        return Noise(
            hidden=np.float32(both * hidden),
            output=np.float32(both * output),
            held_hidden=np.float32(held * hidden),
            held_output=np.float32(held * output),
            devices=devices,
        )

    def program(self) -> Synapses:
        """Program the float weights into devices, with scales adapted to them in `recipe`."""
        assert self.card is not None
        hidden = self.config.hidden
        w = [self.w1[:, :hidden], self.w2[:hidden]]
        self.recipe = fit_scales(self.recipe, self.config, w)
        return Synapses.program(self.card, self.config, self.recipe, w)

    def weights(self, retention: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the present padded weights [1] of both layers, after the time of the last presentation."""
        return (self.w1, self.w2) if self.synapses is None else self.synapses.read(retention)

    def predict(
        self,
        shown: Presentations,
        dynamics: Dynamics,
        scores: np.ndarray,
        synapses: Synapses | None = None,
        change: Change | None = None,
    ) -> np.ndarray:
        """Return classes of samples, shape (n,), and fill `scores` (n, classes); see `snn.network.neurons.predict`.

        `synapses` replaces the synapses of the network; `change` replaces the change of states by the settings
        (`snn.drift`).
        """
        read = self.synapses if synapses is None else synapses
        w1, w2 = self.w1, self.w2
        if read is not None:
            assert self.card is not None
            change = change or configured_change(self.card.window, self.config)
            if telegraph_regime(self.config, len(shown.levels)) == "static":
                change = add_static_telegraph(self.config, change)
            if self.config.adc_bits > 0:
                return self._predict_with_converters(shown, dynamics, scores, read, change)
            w1, w2 = read.read(self.config.retention, self.config.test_delay_s, change)
        # weights from a memory map are read-only, a different type for compiled code
        w1, w2 = (np.require(w, requirements="W") for w in (w1, w2))
        return predict(shown, w1, w2, dynamics, QUIET if read is None else self.noise(len(shown.levels)), scores)

    def _predict_with_converters(
        self, shown: Presentations, dynamics: Dynamics, scores: np.ndarray, read: Synapses, change: Change | None
    ) -> np.ndarray:
        """Predict as `predict`, with every current through a converter."""
        config, hidden = self.config, self.config.hidden
        assert self.calibrated_on is not None
        each, noise = config.adc_lines == "each", self.noise()
        sd = np.array([noise.hidden, noise.output]) / (2**0.5 if each else 1.0)
        if each:
            lines = read.lines(config.retention, config.test_delay_s, change)
        else:
            w1, w2 = read.read(config.retention, config.test_delay_s, change)
            lines = Lines(*(np.ascontiguousarray(w)[None] for w in (w1[:, :hidden], w2[:hidden])))
        rows = (config.tile[0], config.tile[0])
        ids = np.arange(len(self.calibrated_on), dtype=np.uint64)
        calibration = Presentations(self.calibrated_on, ids, shown.stream, 0)
        full = ranges(calibration, lines, rows, dynamics, config.adc_quantile)
        to = [converter(rows[0], config.adc_bits, each_full, not each) for each_full in full]
        return converters.predict(shown, lines, (to[0], to[1]), dynamics, (float(sd[0]), float(sd[1])), scores)
