"""Training of the network on a fitted device: offline, in situ (by pulses), or hybrid."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.text import count
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import idealise
from devicekit.device.network import TrainedNetwork
from snn import drift, forgetting
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.learner import Learner
from snn.network.encoding import Presentations, levels, stream_key
from snn.network.epochs import Lesson
from snn.recipe import Recipe, choose, make_dynamics, with_card
from snn.result import DataFacts, EpochRow, TrainingResult
from snn.synapses import Change, Synapses
from snn.trained_network import capture_network, describe_test_conditions

_START, _ORDER, TRAIN_STREAM, TEST_STREAM = 11, 12, 13, 14  # purposes of the random streams
_AT_A_TIME = 500  # samples
_SHOWN = 1000  # from one presentation of the test samples to the next

Progress = Callable[[int, int, float], None]

__all__ = ["TrainingConfig", "train"]


def train(
    card: DeviceCard | None, config: TrainingConfig, data: Dataset, progress: Progress | None = None
) -> TrainingResult:
    """Train a network of LIF neurons, with weights on devices of `card` depending on the scheme.

    Parameters
    ----------
    card : DeviceCard or None
        The fitted device; None only for scheme "offline".
    config : TrainingConfig
        Settings.
    data : Dataset
        Training and test part; the test part is evaluated only, never used for choices.
    progress : callable, optional
        Called several times per epoch with (samples shown, samples planned, last test accuracy or NaN).

    Returns
    -------
    TrainingResult
        The same for the same arguments, up to `seconds_per_epoch`.

    Raises
    ------
    UsageError
        If a required card is missing, its device cannot move, or the data do not fit the settings.

    Notes
    -----
    Source: eqs. (3) to (6) of Ma et al. 2023, doi 10.1109/JEDS.2023.3311763; see `snn.gradients.resume` and
    `snn.network.crossbar`.
    """
    run = Run(card, config, data)
    planned = config.epochs * len(data.y_train)

    def report_progress(shown: int) -> None:
        if progress is not None:
            progress(shown, planned, run.rows[-1].test_accuracy if run.rows else float("nan"))

    for epoch in range(config.epochs):
        run.epoch(epoch, report_progress)
        report_progress((epoch + 1) * len(data.y_train))
    return run.result()


class Run:
    """A training run in progress, with `learn` for its epochs and `test`."""

    def __init__(self, card: DeviceCard | None, config: TrainingConfig, data: Dataset) -> None:
        if card is None and config.scheme != "offline":
            raise UsageError(f'Scheme "{config.scheme}" trains devices. Pass a device card.')
        if card is not None and card.window.scale == "log" and config.scheme == "offline":
            card = None  # not programmed; the recipe refuses other schemes
        if card is not None:
            card = idealise(card, linear=config.linear, symmetric=config.symmetric)
        config = with_card(config, card)
        forgetting.check(card, config)
        drift.check(card, config)
        self.card, self.config, self.data = card, config, data
        self.recipe = choose(config, card)
        self.rows: list[EpochRow] = []
        self.seconds: list[float] = []
        self.after_mapping: float | None = None
        self.refreshed = 0
        self.x_train = levels(data.x_train, self.recipe.p)
        self.x_test = levels(data.x_test, self.recipe.p)
        self.y_train = np.ascontiguousarray(data.y_train, np.int64)
        self.train_ids = np.arange(len(self.y_train), dtype=np.uint64)
        self.test_ids = np.arange(len(data.y_test), dtype=np.uint64)
        channels = self.x_train.shape[1]
        self.dynamics = make_dynamics(config, _side(channels, self.recipe), self.recipe.shift_fraction)
        self.test_dynamics = self.dynamics._replace(side=0)
        self.shapes = ((channels, config.hidden), (config.hidden, data.n_classes))
        rng = np.random.default_rng([config.seed, _START])
        start = [sd * rng.standard_normal(s) for sd, s in zip(self.recipe.start_sd, self.shapes, strict=True)]
        self.learner = Learner(card, config, self.recipe, self.dynamics, start, self.x_train)

    @property
    def synapses(self) -> Synapses | None:
        """The devices, once they hold the weights."""
        return self.learner.synapses

    def epoch(self, epoch: int, progress: Callable[[int], None] | None = None) -> None:
        """Train one epoch (from 0), test, and record both accuracies."""
        before = 0 if self.synapses is None else self.synapses.total_pulses
        right = self.learn(epoch, progress)
        pulses = 0 if self.synapses is None else self.synapses.total_pulses - before
        accuracy = self.test(epoch)
        self.rows.append(EpochRow(epoch + 1, right / len(self.y_train), accuracy, pulses))

    def learn(self, epoch: int, progress: Callable[[int], None] | None = None) -> int:
        """Train one epoch (from 0); return the number of samples classified correctly.

        `progress` is called with the samples shown so far in all epochs.
        """
        offline, learner = epoch < self.config.offline_epochs, self.learner
        if not offline and learner.synapses is None:
            learner.synapses = learner.program()
            self.after_mapping = self.test(epoch)
        if learner.synapses is not None:
            learner.synapses.rewire()
        order = np.random.default_rng([self.config.seed, _ORDER, epoch]).permutation(len(self.y_train))
        stream = stream_key(self.config.seed, TRAIN_STREAM)
        lesson = Lesson(Presentations(self.x_train, self.train_ids, stream, epoch), self.y_train, order)
        age = epoch if offline else epoch - self.config.offline_epochs
        began = time.perf_counter()
        right = 0
        for start in range(0, len(order), _AT_A_TIME):  # in parts, to report progress; the result is the same
            some = order[start : start + _AT_A_TIME]
            right += learner.learn(lesson._replace(order=some), age)
            if progress is not None:
                progress(epoch * len(order) + start + len(some))
        self.seconds.append(time.perf_counter() - began)
        if learner.synapses is not None and self.config.refresh > 0:
            self.refreshed += learner.synapses.refresh(self.config, learner.recipe, epoch)
        return right

    def test(self, epoch: int, shown: int = 1, synapses: Synapses | None = None, change: Change | None = None) -> float:
        """Return the test accuracy [1] after an epoch, each sample shown `shown` times with new spikes.

        `synapses` replaces the synapses of the network; `change` replaces the change of states by the settings.
        """
        scores = np.empty((len(self.test_ids), self.shapes[1][1]))
        right = 0
        for time_shown in range(shown):
            stream = stream_key(self.config.seed, TEST_STREAM + _SHOWN * time_shown)
            shown_now = Presentations(self.x_test, self.test_ids, stream, epoch)
            found = self.learner.predict(shown_now, self.test_dynamics, scores, synapses, change)
            right += int(np.count_nonzero(found == self.data.y_test))
        return right / (shown * len(self.test_ids))

    def result(self) -> TrainingResult:
        config, data = self.config, self.data
        programmed, written = None, self.synapses
        if config.scheme == "offline" and self.card is not None:
            written = self.learner.program()
            programmed = self.test(config.epochs - 1, synapses=written)
        writing = None if written is None else written.programming
        w1, w2 = self.learner.weights()
        result = TrainingResult(
            config=replace(config),
            recipe=self.learner.recipe,
            data=DataFacts.of(data),
            epochs=tuple(self.rows),
            pulses_per_device=0.0 if self.synapses is None else self.synapses.pulses_per_device,
            pulses_per_layer=(0.0, 0.0) if self.synapses is None else self.synapses.pulses_per_layer,
            reads_per_device=0.0 if self.synapses is None else self.synapses.reads_per_device,
            write_energy_j=None if self.synapses is None else self.synapses.write_energy,
            seconds_per_epoch=float(np.median(self.seconds[1:] or self.seconds)),
            accuracy_programmed=programmed,
            accuracy_after_mapping=self.after_mapping,
            refreshed_pairs=self.refreshed,
            w1=w1[:, : config.hidden].copy(),
            w2=w2[: config.hidden].copy(),
            forgetting=forgetting.words(self.card, config),
            programming=None if writing is None else writing.summary,
            warnings=() if writing is None else writing.warnings,
        )
        return result if written is None else replace(result, network=self._capture_network(result, written))

    def _capture_network(self, result: TrainingResult, synapses: Synapses) -> TrainedNetwork:
        assert self.card is not None
        offline = result.accuracy_programmed
        facts = {
            **{"data": result.data.name, "split": result.data.split},
            **{"n_train": result.data.n_train, "n_test": result.data.n_test},
            **{"scheme": self.config.scheme, "epochs": self.config.epochs, "seed": self.config.seed},
            # accuracy of these devices, not the mean over epochs
            "accuracy": self.rows[-1].test_accuracy if offline is None else offline,
            "basis": f"after {count(len(self.rows), 'epoch')}" if offline is None else "as programmed",
            "wires": synapses.wiring is not None,
            "tested_with": describe_test_conditions(self.config, self.card),
        }
        stream = stream_key(self.config.seed, TEST_STREAM + _SHOWN)
        shown = Presentations(self.x_test, self.test_ids, stream, self.config.epochs - 1)
        return capture_network(
            self.card, synapses, self.learner.recipe, self.test_dynamics, shown, self.data.y_test, facts
        )


def _side(channels: int, recipe: Recipe) -> int:
    if recipe.shift_fraction == 0:
        return 0
    side = round(channels**0.5)
    if side * side != channels:
        raise UsageError(f'Encoding "dense" needs square images, but there are {channels} channels. Use "paper".')
    return side
