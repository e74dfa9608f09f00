"""Result of a training: its epochs, its numbers, and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import LAST_EPOCHS
from devicekit.core.records import Record, column, derived, internal, part
from devicekit.core.statistics import clopper_pearson
from devicekit.core.text import count, percent, percent_span
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import idealise
from devicekit.device.network import TrainedNetwork
from devicekit.device.programmed import ProgrammingSummary
from devicekit.plot import Panel
from snn import figures
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.recipe import Recipe, choose, with_card

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# fields of a result, besides its epochs, that are numbers or texts made of the settings
_NUMBERS = (
    *("pulses_per_device", "pulses_per_layer", "reads_per_device", "write_energy_j", "seconds_per_epoch"),
    *("accuracy_programmed", "accuracy_after_mapping", "refreshed_pairs", "forgetting"),
)


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
    def still_learning(self) -> str:
        """That the accuracy still rose over the last epochs by more than its interval, in words; empty if not."""
        last = [row.test_accuracy for row in self.epochs[-LAST_EPOCHS:]]
        low, high = self.accuracy_ends
        if last[-1] - last[0] <= high - low:
            return ""
        return f"from {percent_span(last[0], last[-1])} over the last {len(last)} epochs; train more epochs"

    @property
    def basis(self) -> str:
        """Basis of `accuracy_mean_last` in words: mean of the last 3 epochs, or after 1 epoch."""
        last = min(LAST_EPOCHS, len(self.epochs))
        return f"mean of the last {last} epochs" if last > 1 else "after 1 epoch"

    def __repr__(self) -> str:
        return f"<TrainingResult {self.scheme}: test accuracy {percent(self.accuracy_mean_last)} ({self.basis})>"

    def summary_lines(self) -> list[str]:
        """Return the test accuracy with its error, the data and the effort."""
        learning = [f"still learning: {self.still_learning}"] if self.still_learning else []
        programmed = (
            f"{name}: {percent(value)}" for name, value in self.after_programming.items() if value is not None
        )
        return [
            f"test accuracy {percent(self.accuracy_mean_last)} (95 %: {percent_span(*self.accuracy_ends)}, by "
            f"{self.data.n_test} test samples)",
            *learning,
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
            *([("still learning", self.still_learning)] if self.still_learning else []),
            ("data", f"{self.data.name}, {self.data.split}"),
            ("scheme", self.scheme),
            ("pulses per device, mean", f"{self.pulses_per_device:.3g}"),
            *([("volatile part", self.forgetting)] if self.forgetting else []),
            *([("programming", self.programming.words)] if self.programming is not None else []),
        ]
        return html("Training of a spiking network", rows, self.panel())
