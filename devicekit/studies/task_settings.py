"""Form of a task, and how settings become a training, its data and a card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from devicekit.core.errors import ParameterError
from devicekit.studies.spec import Scalar, resolve
from devicekit.system import files

if TYPE_CHECKING:
    from snn.training import TrainingResult


class Task(Protocol):
    """A kind of run: `check` refuses bad settings before anything runs, `run` gives scalars.

    `outcome` names the one that a study is about.
    """

    outcome: str

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """Refuse settings that cannot run, by ParameterError or another of our errors."""

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """Run once; plain values by name."""


def few_shot_config(settings: Mapping[str, Scalar], seed: int, extra: frozenset[str]) -> Any:
    """The benchmark's training from settings, those in `extra` left out; `variant` is plain, scaled or wide.

    Raises
    ------
    ParameterError, UsageError
        If the variant or a setting is unknown.
    """
    from snn.benchmark.task import VARIANTS, setting

    variant = settings.get("variant", "plain")
    if variant not in (*VARIANTS, "wide"):
        raise ParameterError(f"variant is {', '.join(VARIANTS)} or wide, not {variant!r}")
    changes = {name: value for name, value in settings.items() if name not in extra}
    return setting(variant, seed, **changes)  # type: ignore[arg-type]


def check_data(settings: Mapping[str, Scalar]) -> None:
    """Refuse unknown data, and a folder without the files, before anything runs."""
    name, folder = settings.get("data", "digits"), settings.get("data_dir")
    from snn.data.load import NAMES, OPENML

    if name not in NAMES and not str(name).startswith(OPENML) and not files.exists(Path(str(name))):
        raise ParameterError(f"data is {', '.join(NAMES)}, {OPENML}NAME, or a file or folder; {name!r} is none")
    if name == "optdigits" and folder is not None and not files.is_file(Path(str(folder)) / "optdigits.tra"):
        raise ParameterError(f"data_dir: {folder} does not hold optdigits.tra and optdigits.tes")


def data_of(settings: Mapping[str, Scalar]) -> Any:
    """The data set that the settings name."""
    from snn.data.load import load

    folder = settings.get("data_dir")
    return load(str(settings.get("data", "digits")), Path(str(folder)) if folder else None)


def scalars(result: TrainingResult) -> dict[str, Any]:
    """The numbers of a training result that belong in a table; no times."""
    names = (
        "accuracy_mean_last",
        "accuracy_std_last",
        "accuracy_after_mapping",
        "accuracy_programmed",
        "pulses_per_device",
        "write_energy_j",
    )
    row = {name: value for name in names if (value := getattr(result, name)) is not None}
    return {**row, "data_split": result.data.split}


def card_file(settings: Mapping[str, Scalar], base: Path) -> Path | None:
    """The card's file: a path, NAME of a shipped set, or NAME/CARD for another card of that set."""
    from devicekit.system import catalog

    named = settings.get("card")
    if named is None:
        return None
    name, _, other = str(named).partition("/")
    shipped = catalog.shipped()
    if name in shipped:
        return shipped[name].folder / f"{other or 'card'}.json"
    return resolve(str(named), base)


class Trains:
    """A task whose outcome is the accuracy of a training."""

    outcome = "accuracy_mean_last"
