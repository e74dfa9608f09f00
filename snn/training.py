"""Training of the network on a fitted device: offline, in situ (by pulses), or hybrid."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.quantities import LAST_EPOCHS
from devicekit.core.records import Record, column, derived, internal, part
from devicekit.core.statistics import clopper_pearson
from devicekit.core.text import count, percent, percent_span
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import idealise
from devicekit.device.network import TrainedNetwork
from devicekit.device.programmed import ProgrammingSummary
from devicekit.plot import Panel
from snn import drift, figures, forgetting
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.learner import Learner
from snn.network.encoding import Presentations, levels, stream_key
from snn.network.epochs import Lesson
from snn.recipe import Recipe, choose, make_dynamics, with_card
from snn.synapses import Change, Synapses
from snn.trained_network import capture_network, describe_test_conditions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_START, _ORDER, TRAIN_STREAM, TEST_STREAM = 11, 12, 13, 14  # purposes of the random streams
_AT_A_TIME = 500  # samples
_SHOWN = 1000  # from one presentation of the test samples to the next

# fields of a result, besides its epochs, that are numbers or texts made of the settings
_NUMBERS = (
    *("pulses_per_device", "pulses_per_layer", "reads_per_device", "write_energy_j", "seconds_per_epoch"),
    *("accuracy_programmed", "accuracy_after_mapping", "refreshed_pairs", "forgetting"),
)

Progress = Callable[[int, int, float], None]

__all__ = ["EpochRow", "TrainingConfig", "TrainingResult", "train"]


@dataclass(frozen=True)
class EpochRow(Record):
    """One epoch."""

    epoch: int = column(doc="number from 1")
    train_accuracy: float = column(doc="accuracy while learning, 0..1")
    test_accuracy: float = column(doc="accuracy after the epoch, 0..1")
    pulses: int = column(doc="pulses given in it")


@dataclass(frozen=True)
class DataFacts(Record):
    """The data of a training run."""

    name: str = column(doc="name of the data")
    split: str = column(doc="how they were split")
    n_train: int = column(doc="samples of the training part")
    n_test: int = column(doc="samples of the test part")

    @classmethod
    def of(cls, data: Dataset) -> Self:
        """Describe a data set."""
        return cls(data.name, data.split, len(data.y_train), len(data.y_test))


@dataclass(frozen=True, kw_only=True)
class TrainingResult(Record):
    """Result of a training run."""

    config: TrainingConfig = column(name="settings", doc="settings, completed by the card")
    recipe: Recipe = column(doc="settings chosen by the automatic recipe")
    data: DataFacts = column(doc="the data")
    epochs: tuple[EpochRow, ...] = column(doc="accuracies and pulses of each epoch")
    pulses_per_device: float = column(doc="mean over all devices")
    pulses_per_layer: tuple[float, ...] = column(doc="means over the devices of the hidden and of the output layer")
    reads_per_device: float = column(
        doc="verifying reads of a weight, mean over all devices; 0 for policies without verification"
    )
    write_energy_j: float | None = column(
        unit="J",
        doc="energy of all pulses if the conductance at the pulse voltage is that of a read: V^2 G t with the mean "
        "conductance of the window; None if the card lacks voltage, width or conductance",
    )
    seconds_per_epoch: float = column(
        unit="s",
        doc="median wall time of training one epoch, without the test pass and without the first of several epochs, "
        "which may compile",
    )
    accuracy_programmed: float | None = internal(
        "offline: test accuracy of the weights programmed into devices (`levels`, `program_sigma`); None without a card"
    )
    accuracy_after_mapping: float | None = internal("hybrid: the same, before the first pulse of in-situ training")
    refreshed_pairs: int = column(doc="pairs reprogrammed because a device was near an end of its window (`refresh`)")
    w1: np.ndarray = internal("final weights of the hidden layer [1], shape (channels, hidden)")
    w2: np.ndarray = internal("final weights of the output layer [1], shape (hidden, classes)")
    forgetting: str = column(default="", optional=True, doc="effect of the card's volatile part, in words")
    programming: ProgrammingSummary | None = column(
        default=None,
        optional=True,
        doc='effort and error of writing the weights into devices; None with `programming` "sigma" and for weights '
        "that were not programmed. Not part of `pulses_per_device` and `write_energy_j`, which belong to the training",
    )
    warnings: tuple[CodedWarning, ...] = column(default=(), optional=True, doc="warnings about the programming")
    network: TrainedNetwork | None = internal(
        "devices with the final weights, to be saved and exported; None without a card", default=None
    )

    @derived(inline=True)
    def after_programming(self) -> dict[str, float | None]:
        """Accuracy of programmed weights, by its name in a scheme that programs them."""
        name = {"offline": "accuracy_programmed", "hybrid": "accuracy_after_mapping"}.get(self.scheme)
        return {name: getattr(self, name)} if name else {}

    scheme = part("config.scheme", doc="offline, insitu or hybrid")
    seed = part("config.seed", doc="seed of the run")

    def numbers(self) -> dict[str, Any]:
        """Return the numbers of an in-situ training as plain values, the input of `of_numbers`."""
        return {name: getattr(self, name) for name in _NUMBERS} | {"epochs": [row.as_dict() for row in self.epochs]}

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, Any], card: DeviceCard, config: TrainingConfig, data: Dataset) -> Self:
        """Rebuild the result of an in-situ training from its numbers, without its weights and devices.

        Parameters
        ----------
        numbers : mapping
            Result of `numbers`.
        card, config, data
            Those of the training.

        Returns
        -------
        TrainingResult
            With empty `w1` and `w2`, and without `network`.
        """
        card = idealise(card, linear=config.linear, symmetric=config.symmetric)
        config = with_card(config, card)
        given = {name: numbers[name] for name in _NUMBERS}
        return cls(
            config=config,
            recipe=choose(config, card),
            data=DataFacts.of(data),
            epochs=tuple(EpochRow(**row) for row in numbers["epochs"]),
            w1=np.empty((0, 0)),
            w2=np.empty((0, 0)),
            **{**given, "pulses_per_layer": tuple(given["pulses_per_layer"])},
        )

    @derived()
    def accuracy_mean_last(self) -> float:
        """Mean test accuracy of the last 3 epochs, fraction 0..1."""
        return float(np.mean([row.test_accuracy for row in self.epochs[-LAST_EPOCHS:]]))

    @derived()
    def accuracy_std_last(self) -> float:
        """Standard deviation over those epochs (0 with one epoch)."""
        last = [row.test_accuracy for row in self.epochs[-LAST_EPOCHS:]]
        return float(np.std(last, ddof=1)) if len(last) > 1 else 0.0

    @property
    def accuracy_ends(self) -> tuple[float, float]:
        """Ends of the 95 % interval of `accuracy_mean_last` from the number of test samples (Clopper and Pearson)."""
        return clopper_pearson(self.accuracy_mean_last * self.data.n_test, self.data.n_test)

    @property
    def basis(self) -> str:
        """Basis of `accuracy_mean_last` in words: mean of the last 3 epochs, or after 1 epoch."""
        last = min(LAST_EPOCHS, len(self.epochs))
        return f"mean of the last {last} epochs" if last > 1 else "after 1 epoch"

    def __repr__(self) -> str:
        return f"<TrainingResult {self.scheme}: test accuracy {percent(self.accuracy_mean_last)} ({self.basis})>"

    def summary_lines(self) -> list[str]:
        """Return the test accuracy with its error, the data and the effort."""
        programmed = (
            f"{name}: {percent(value)}" for name, value in self.after_programming.items() if value is not None
        )
        return [
            f"test accuracy {percent(self.accuracy_mean_last)} (95 %: {percent_span(*self.accuracy_ends)}, by "
            f"{self.data.n_test} test samples)",
            *programmed,
            f"data: {self.data.name}, {self.data.split}",
            f"{count(len(self.epochs), 'epoch')}, {self.pulses_per_device:.3g} pulses per device",
        ]

    def panel(self) -> Panel:
        """Return the figure of training and test accuracy after each epoch."""
        mapped = None
        if self.accuracy_after_mapping is not None:
            mapped = (self.config.offline_epochs + 0.5, self.accuracy_after_mapping)
        title = f"{self.data.name}: {percent(self.accuracy_mean_last)}, {self.basis}"
        names = ("epoch", "train_accuracy", "test_accuracy")
        epochs, learning, test = (np.array([getattr(row, name) for row in self.epochs]) for name in names)
        return figures.accuracy(epochs, learning, test, mapped, title)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        rows = [
            (f"test accuracy, {self.basis}", percent(self.accuracy_mean_last)),
            ("95 % interval, by the number of test samples", percent_span(*self.accuracy_ends)),
            ("data", f"{self.data.name}, {self.data.split}"),
            ("scheme", self.scheme),
            ("pulses per device, mean", f"{self.pulses_per_device:.3g}"),
            *([("volatile part", self.forgetting)] if self.forgetting else []),
            *([("programming", self.programming.words)] if self.programming is not None else []),
        ]
        return html("Training of a spiking network", rows, self.panel())


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
