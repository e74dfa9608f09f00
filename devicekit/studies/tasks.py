"""Tasks of a study: train a network on a card, or go from the parameters of a stack to an accuracy.

The packages that do the work are imported when a task runs, never before.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from devicekit.core.errors import ParameterError
from devicekit.studies.spec import Row, Scalar, resolve
from devicekit.studies.stack_tasks import MaterialTask, StackTask
from devicekit.studies.task_settings import (
    FewShot,
    Task,
    Training,
    card_file,
    check_data,
    data_of,
    errors_of,
    load_named_card,
)
from devicekit.system import catalog, files


class TrainTask(Training):
    """Train on a card: settings `card` (a path, or the name of a shipped data set) or `labels` (a device of
    `devicekit card from-labels`), `data`, `data_dir` and any field of `snn.training.TrainingConfig` but the seed."""

    extra = frozenset({"card", "labels", "data", "data_dir"})

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        config = self.config(settings)
        if load_named_card(settings, base) is None and config.scheme != "offline":
            raise ParameterError(f'scheme "{config.scheme}" needs a device card: add card = "card.json" under [fixed]')
        check_data(settings)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        card, facts = load_named_card(settings, base) or (None, {})
        row = {**self.train(card, settings, seed), **facts}
        if card is not None:  # an offline run tests float weights after its epochs
            row["accuracy_on_devices"] = row.get("accuracy_programmed", row["accuracy_mean_last"])
        return row


class FewShotTask(FewShot):
    """The task of `devicekit benchmark`: settings `card` or `labels`, `variant` (plain, scaled or wide), `data`,
    `data_dir`, and what a device has beside its card, as there."""

    extra = frozenset({"card", "labels", "variant", "data", "data_dir"})

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        self.config(settings)
        if load_named_card(settings, base) is None:
            raise ParameterError('task "few-shot" needs a device card: add card = "card.json" under [fixed]')
        check_data(settings)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        found = load_named_card(settings, base)
        assert found is not None
        card, facts = found
        return {**self.train(card, settings, seed), **facts}


class ResampleTask(Training):
    """Accuracy over the fit's uncertainty: fit a resample of the data, train on its card.

    Settings: `table` (a pulse table, or the name of a shipped data set; of several conditions the middle one),
    `draw` (number of the resample, see `devicekit.fitting.resampling`; 0: the data themselves), `quantity`,
    `read_voltage` [V] (as in `devicekit.read`), `data`, `data_dir` and the training's.
    """

    extra = frozenset({"table", "draw", "quantity", "read_voltage", "data", "data_dir"})

    def file(self, settings: Mapping[str, Scalar], base: Path) -> Path:
        """Return the file of the pulse table."""
        named = settings.get("table")
        if named is None:
            raise ParameterError('task "resample" needs a pulse table to fit: add table = "FILE" under [fixed]')
        shipped = catalog.shipped()
        return shipped[str(named)].data if named in shipped else resolve(str(named), base)

    def is_synthetic(self, settings: Mapping[str, Scalar]) -> bool:
        """Return whether the table is a shipped one that was made, not measured."""
        shipped = catalog.shipped().get(str(settings["table"]))
        return shipped is not None and shipped.synthetic

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        super().check(settings, base)
        if not files.exists(file := self.file(settings, base)):
            raise ParameterError(f"table: {file} does not exist")
        draw = settings.get("draw", 0)
        if isinstance(draw, bool) or not isinstance(draw, int) or draw < 0:
            raise ParameterError(f"draw is a whole number from 0, not {draw!r}")

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        import devicekit
        from devicekit.fitting.resampling import resampled_fit

        options = {name: settings[name] for name in ("quantity", "read_voltage") if name in settings}
        fitted = devicekit.fit(devicekit.read(self.file(settings, base), **options))  # type: ignore[arg-type]
        draw = int(settings.get("draw", 0))
        used = fitted if draw == 0 else resampled_fit(fitted, draw)
        row = self.train(used.to_card(f"draw {draw}"), settings, seed)
        return {**row, **errors_of(used), "synthetic": self.is_synthetic(settings)}


class BaselineTask(Training):
    """An ordinary classifier on the spikes that the network sees: settings `classifier`, `data`, `data_dir` and
    the training's, of which the encoding and the hidden units count."""

    extra = frozenset({"classifier", "card", "labels", "table", "data", "data_dir"})

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        from snn.baselines import NAMES

        self.config(settings)
        if settings.get("classifier") not in NAMES:
            raise ParameterError(
                f"classifier: found {settings.get('classifier')!r}, expected one of {', '.join(NAMES)}"
            )

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        from snn.baselines import baselines

        data = data_of(settings)
        (row,) = baselines(data, self.config(settings, seed), [str(settings["classifier"])])
        return {"accuracy_mean_last": row.test_accuracy, "data_split": data.split}


def files_of(settings: Mapping[str, Scalar], base: Path) -> dict[str, Path]:
    """Return the inputs of a run by setting: its card, stack or table (Optdigits never change)."""

    found = {}
    card = card_file(settings, base)
    if card is not None:
        found["card"] = card
    if "labels" in settings:
        from devicekit.fitting.labels import PUBLISHED

        found["labels"] = PUBLISHED
    if str(settings.get("stack", "")).endswith(".toml"):
        found["stack"] = resolve(str(settings["stack"]), base)
    if "table" in settings:
        found["table"] = ResampleTask().file(settings, base)
    return found


TASKS: dict[str, Task] = {
    "train": TrainTask(),
    "few-shot": FewShotTask(),
    "stack": StackTask(),
    "material": MaterialTask(),
    "resample": ResampleTask(),
    "baseline": BaselineTask(),
}


def get_task(name: str) -> Task:
    """Return the task of a name.

    Raises ParameterError if there is none; the message lists the names.
    """
    if name not in TASKS:
        raise ParameterError(f"task: found {name!r}, expected one of {', '.join(TASKS)}")
    return TASKS[name]
