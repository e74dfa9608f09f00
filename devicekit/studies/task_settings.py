"""Form of a task, how settings become a training, its data and a card, and bases of the tasks that train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from devicekit.core.errors import ParameterError
from devicekit.names import MARK_COLUMN, mark_cell
from devicekit.studies.spec import Row, Scalar, resolve
from devicekit.system import files
from devicekit.verbs.train import training_config

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from snn.config import TrainingConfig
    from snn.data.dataset import Dataset

_NUMBERS = (
    "accuracy_mean_last",
    "accuracy_std_last",
    "accuracy_after_mapping",
    "accuracy_programmed",
    "pulses_per_device",
    "write_energy_j",
)  # of a training, that belong in a table; no times


class Task(Protocol):
    """A kind of run: `check` refuses bad settings before anything runs, `run` gives scalars.

    `outcome` names the one that a study is about.
    """

    outcome: ClassVar[str]

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """Refuse settings that cannot run, by ParameterError or another of our errors."""

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """Run once; plain values by name."""


class Training:
    """Base of tasks whose outcome is the accuracy of a training; `extra` are settings that are not the training's."""

    outcome: ClassVar[str] = "accuracy_mean_last"
    extra: ClassVar[frozenset[str]]

    def config(self, settings: Mapping[str, Scalar], seed: int = 0) -> TrainingConfig:
        """Return the settings of the training."""
        return training_config(settings, seed, self.extra)

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        self.config(settings)
        check_data(settings)

    def train(self, card: DeviceCard | None, settings: Mapping[str, Scalar], seed: int) -> Row:
        """Train on a card; return its numbers."""
        from snn.training import train

        data = data_of(settings)
        result = train(card, self.config(settings, seed), data)
        row = {name: value for name in _NUMBERS if (value := getattr(result, name)) is not None}
        return {**row, **facts_of(data, result.config.hidden)}


class FewShot:
    """Base of tasks whose outcome is the accuracy of the task of `devicekit benchmark`."""

    outcome: ClassVar[str] = "accuracy"
    extra: ClassVar[frozenset[str]]

    def config(self, settings: Mapping[str, Scalar], seed: int = 0) -> TrainingConfig:
        """Return the settings of the training; `variant` is plain, scaled or wide.

        Raises ParameterError or UsageError if the variant or a setting is unknown.
        """
        from snn.benchmark.task import VARIANTS, setting

        variant = settings.get("variant", "plain")
        if variant not in (*VARIANTS, "wide"):
            raise ParameterError(f"variant is {', '.join(VARIANTS)} or wide, not {variant!r}")
        changes = {name: value for name, value in settings.items() if name not in self.extra}
        return setting(variant, seed, **changes)  # type: ignore[arg-type]

    def train(self, card: DeviceCard, settings: Mapping[str, Scalar], seed: int) -> Row:
        """Train on a card; return the accuracy."""
        from snn.benchmark.task import accuracy, few_shot

        data = few_shot(*_data(settings))
        config = self.config(settings, seed)
        return {"accuracy": accuracy(card, config, data), **facts_of(data, config.hidden)}


def facts_of(data: Dataset, hidden: int) -> Row:
    """Return the split of the data and the sizes of the layers, such as 64-100-10."""
    return {"data_split": data.split, "network": f"{data.x_train.shape[1]}-{hidden}-{data.n_classes}"}


def check_data(settings: Mapping[str, Scalar]) -> None:
    """Refuse unknown data, and a folder without the files, before anything runs."""
    name, folder = settings.get("data", "digits"), settings.get("data_dir")
    from snn.data.load import NAMES, OPENML

    if name not in NAMES and not str(name).startswith(OPENML) and not files.exists(Path(str(name))):
        raise ParameterError(f"data is {', '.join(NAMES)}, {OPENML}NAME, or a file or folder; {name!r} is none")
    if name == "optdigits" and folder is not None and not files.is_file(Path(str(folder)) / "optdigits.tra"):
        raise ParameterError(f"data_dir: {folder} does not hold optdigits.tra and optdigits.tes")


def _data(settings: Mapping[str, Scalar]) -> tuple[str, Path | None]:
    """Return the name of the data and the folder with their files."""
    folder = settings.get("data_dir")
    return str(settings.get("data", "digits")), Path(str(folder)) if folder else None


def data_of(settings: Mapping[str, Scalar]) -> Dataset:
    """Return the data set that the settings name."""
    from snn.data.load import load

    return load(*_data(settings))


def card_file(settings: Mapping[str, Scalar], base: Path) -> Path | None:
    """Return the card's file: a path, NAME of a shipped set, or NAME/CARD for another card of that set."""
    from devicekit.system import catalog

    named = settings.get("card")
    if named is None:
        return None
    return catalog.card_file(str(named)) or resolve(str(named), base)


def load_named_card(settings: Mapping[str, Scalar], base: Path) -> tuple[DeviceCard, Row] | None:
    """Return the card that the settings name with its row of a table; None where they name none.

    `labels` names a device of `devicekit card from-labels`.

    Raises ParameterError if they name a card and labels.
    """
    from devicekit.device.card import load_card

    file = card_file(settings, base)
    if "labels" in settings:
        from devicekit.fitting.labels import card_from_labels, known_labels

        if file is not None:
            raise ParameterError("card and labels name two devices: give one of them")
        card = card_from_labels(known_labels(str(settings["labels"])))
        return card, {"synthetic": False, MARK_COLUMN: mark_cell(card.marks)}
    if file is None:
        return None
    card = load_card(file)
    facts: Row = {"card_sha256": files.sha256(file), "synthetic": card.provenance.synthetic}
    return card, {**facts, MARK_COLUMN: mark_cell(card.marks)}


def errors_of(fit: Any) -> Row:
    """Return the errors of a fit by direction."""
    return {f"{direction}_nrmse": branch.nrmse for direction, branch in fit.branches.items()}
