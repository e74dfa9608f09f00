"""What a study can run: train a network on a card, or go from a stack's parameters to an accuracy.

The packages that do the work are imported when a task runs, never before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from devicekit.errors import ParameterError
from devicekit.studies.spec import Scalar, resolve

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


def training_config(settings: Mapping[str, Scalar], seed: int, extra: frozenset[str] = frozenset()) -> Any:
    """A `snn.training.TrainingConfig` from settings, those in `extra` left out; `preset` "paper" is one of them.

    Raises
    ------
    ParameterError, UsageError
        If a setting is unknown, or its value is not allowed.
    """
    from snn.training import TrainingConfig

    known = {field.name for field in fields(TrainingConfig)} - {"seed"}
    given = {name: value for name, value in settings.items() if name not in {*extra, "preset"}}
    preset = settings.get("preset", "default")
    if preset not in ("default", "paper"):
        raise ParameterError(f"preset is default or paper (literal eq. (4), as in Fig. 6), not {preset!r}")
    unknown = sorted(set(given) - known)
    if unknown:
        raise ParameterError(
            f"unknown setting {unknown[0]!r}; there are {', '.join(sorted({*known, *extra, 'preset'}))}"
        )
    if preset == "paper":
        return TrainingConfig.paper(seed=seed, **given)
    return TrainingConfig(seed=seed, **given)  # type: ignore[arg-type]


def _check_data(settings: Mapping[str, Scalar]) -> None:
    """Refuse unknown data, and a folder without the files, before anything runs."""
    name, folder = settings.get("data", "digits"), settings.get("data_dir")
    from snn.data.load import NAMES, OPENML

    if name not in NAMES and not str(name).startswith(OPENML) and not Path(str(name)).exists():
        raise ParameterError(f"data is {', '.join(NAMES)}, {OPENML}NAME, or a file or folder; {name!r} is none")
    if name == "optdigits" and folder is not None and not (Path(str(folder)) / "optdigits.tra").is_file():
        raise ParameterError(f"data_dir: {folder} does not hold optdigits.tra and optdigits.tes")


def _data(settings: Mapping[str, Scalar]) -> Any:
    from snn.data.load import load

    folder = settings.get("data_dir")
    return load(str(settings.get("data", "digits")), Path(str(folder)) if folder else None)


def _scalars(result: TrainingResult) -> dict[str, Any]:
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
    from devicekit import catalog

    named = settings.get("card")
    if named is None:
        return None
    name, _, other = str(named).partition("/")
    shipped = catalog.shipped()
    if name in shipped:
        return shipped[name].folder / f"{other or 'card'}.json"
    return resolve(str(named), base)


class _Trains:
    """A task whose outcome is the accuracy of a training."""

    outcome = "accuracy_mean_last"


class TrainTask(_Trains):
    """Train on a card: settings `card` (a path, or the name of a shipped data set), `data`, `data_dir` and
    any field of `snn.training.TrainingConfig` but the seed."""

    extra = frozenset({"card", "data", "data_dir"})

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        from devicekit.device.card import load_card

        config = training_config(settings, 0, self.extra)
        file = card_file(settings, base)
        if file is not None:
            load_card(file)
        if file is None and config.scheme != "offline":
            raise ParameterError(f'scheme "{config.scheme}" needs the setting card')
        _check_data(settings)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """See `Task`."""
        from devicekit.device.card import load_card
        from devicekit.files import sha256
        from snn.training import train

        file = card_file(settings, base)
        card = None if file is None else load_card(file)
        result = train(card, training_config(settings, seed, self.extra), _data(settings))
        row = _scalars(result)
        if file is not None and card is not None:
            row |= {"card_sha256": sha256(file), "synthetic": card.provenance.synthetic}
        return row


class FewShotTask:
    """The task of `devicekit benchmark`: settings `card`, `variant` (plain, scaled or wide), `data`, `data_dir`, and
    what a device has beside its card, as there."""

    outcome = "accuracy"
    extra = frozenset({"card", "variant", "data", "data_dir"})

    def _config(self, settings: Mapping[str, Scalar], seed: int) -> Any:
        from snn.benchmark.task import VARIANTS, setting

        variant = settings.get("variant", "plain")
        if variant not in (*VARIANTS, "wide"):
            raise ParameterError(f"variant is {', '.join(VARIANTS)} or wide, not {variant!r}")
        changes = {name: value for name, value in settings.items() if name not in self.extra}
        return setting(variant, seed, **changes)  # type: ignore[arg-type]

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        from devicekit.device.card import load_card

        self._config(settings, 0)
        file = card_file(settings, base)
        if file is None:
            raise ParameterError('task "few-shot" needs the setting card')
        load_card(file)
        _check_data(settings)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """See `Task`."""
        from devicekit.device.card import load_card
        from devicekit.files import sha256
        from snn.benchmark.task import accuracy, few_shot

        file = card_file(settings, base)
        assert file is not None
        card, folder = load_card(file), settings.get("data_dir")
        data = few_shot(str(settings.get("data", "digits")), Path(str(folder)) if folder else None)
        return {
            "accuracy": accuracy(card, self._config(settings, seed), data),
            "data_split": data.split,
            "card_sha256": sha256(file),
            "synthetic": card.provenance.synthetic,
        }


class StackTask(_Trains):
    """From a stack to an accuracy: simulate LTP and LTD, fit them, train on the card.

    Settings: `stack` (a TOML file, or the name of a material set), `mesh`, `width_s` [s], `ltp_voltage_v`,
    `ltd_voltage_v` [V], `parameter` and `value` (a stack parameter and what it is set to), `data`, `data_dir`
    and the training's.
    """

    extra = frozenset(
        {
            "stack",
            "mesh",
            "width_s",
            "ltp_voltage_v",
            "ltd_voltage_v",
            "parameter",
            "value",
            "data",
            "data_dir",
        }
    )

    def _stack(self, settings: Mapping[str, Scalar], base: Path) -> Any:
        from physics.stack import load_material, load_stack

        named = settings.get("stack")
        is_file = named is not None and str(named).endswith(".toml")
        stack = load_stack(resolve(str(named), base)) if is_file else load_material(*([str(named)] if named else []))
        if "parameter" in settings:
            if "value" not in settings:
                raise ParameterError("the setting parameter needs a value")
            stack = stack.replace({str(settings["parameter"]): settings["value"]})
        return stack

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        training_config(settings, 0, self.extra)
        _check_data(settings)
        self._stack(settings, base)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """See `Task`."""
        from devicekit.fitting.device import fit
        from physics.studies import train_cases
        from snn.training import train

        options: dict[str, Any] = {}
        if "ltp_voltage_v" in settings or "ltd_voltage_v" in settings:
            pair = (float(settings.get("ltp_voltage_v", 0.95)), float(settings.get("ltd_voltage_v", -0.95)))
            options["amplitudes"] = pair
        (table,) = train_cases(
            self._stack(settings, base),
            [{}],
            float(settings.get("width_s", 50e-6)),
            mesh=settings.get("mesh", "coarse"),
            **options,  # type: ignore[arg-type]
        )
        fitted = fit(table)
        card = fitted.to_card("simulated")
        result = train(card, training_config(settings, seed, self.extra), _data(settings))
        errors = {f"{direction}_nrmse": branch.nrmse for direction, branch in fitted.branches.items()}
        return {
            **_scalars(result),
            **errors,
            "synthetic": True,
            "window_low_s": fitted.window.low,
            "window_high_s": fitted.window.high,
        }


class ResampleTask(_Trains):
    """Accuracy over the fit's uncertainty: fit a resample of the data, train on its card.

    Settings: `table` (a pulse table, or the name of a shipped data set; of several conditions the middle one),
    `draw` (number of the resample, see `devicekit.fitting.resampling`; 0: the data themselves), `quantity`,
    `read_voltage` [V] (as in `devicekit.read`), `data`, `data_dir` and the training's.
    """

    extra = frozenset({"table", "draw", "quantity", "read_voltage", "data", "data_dir"})

    def file(self, settings: Mapping[str, Scalar], base: Path) -> Path:
        """The file of the pulse table."""
        from devicekit import catalog

        named = settings.get("table")
        if named is None:
            raise ParameterError('task "resample" needs the setting table: the pulse table to fit')
        shipped = catalog.shipped()
        return shipped[str(named)].data if named in shipped else resolve(str(named), base)

    def _synthetic(self, settings: Mapping[str, Scalar]) -> bool:
        """Whether the table is a shipped one that was made, not measured."""
        from devicekit import catalog

        shipped = catalog.shipped().get(str(settings["table"]))
        return shipped is not None and shipped.synthetic

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        training_config(settings, 0, self.extra)
        _check_data(settings)
        if not (file := self.file(settings, base)).exists():
            raise ParameterError(f"table: {file} does not exist")
        draw = settings.get("draw", 0)
        if isinstance(draw, bool) or not isinstance(draw, int) or draw < 0:
            raise ParameterError(f"draw is a whole number from 0, not {draw!r}")

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """See `Task`."""
        import devicekit
        from devicekit.fitting.resampling import resampled_fit
        from snn.training import train

        options = {name: settings[name] for name in ("quantity", "read_voltage") if name in settings}
        fitted = devicekit.fit(devicekit.read(self.file(settings, base), **options))  # type: ignore[arg-type]
        draw = int(settings.get("draw", 0))
        used = fitted if draw == 0 else resampled_fit(fitted, draw)
        result = train(used.to_card(f"draw {draw}"), training_config(settings, seed, self.extra), _data(settings))
        errors = {f"{direction}_nrmse": branch.nrmse for direction, branch in used.branches.items()}
        return {**_scalars(result), **errors, "synthetic": self._synthetic(settings)}


class BaselineTask(_Trains):
    """An ordinary classifier on the spikes that the network sees: settings `classifier`, `data`, `data_dir` and
    the training's, of which the encoding and the hidden units count."""

    extra = frozenset({"classifier", "card", "table", "data", "data_dir"})

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        from snn.baselines import NAMES

        training_config(settings, 0, self.extra)
        if settings.get("classifier") not in NAMES:
            raise ParameterError(
                f"classifier: found {settings.get('classifier')!r}, expected one of {', '.join(NAMES)}"
            )

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> dict[str, Any]:
        """See `Task`."""
        from snn.baselines import baselines

        data = _data(settings)
        (row,) = baselines(data, training_config(settings, seed, self.extra), [str(settings["classifier"])])
        return {"accuracy_mean_last": row.test_accuracy, "data_split": data.split}


def files_of(settings: Mapping[str, Scalar], base: Path) -> dict[str, Path]:
    """What a run reads, by the settings that name it: its card, its stack, its table (Optdigits never change)."""

    found = {}
    card = card_file(settings, base)
    if card is not None:
        found["card"] = card
    if str(settings.get("stack", "")).endswith(".toml"):
        found["stack"] = resolve(str(settings["stack"]), base)
    if "table" in settings:
        found["table"] = ResampleTask().file(settings, base)
    return found


TASKS: dict[str, Task] = {
    "train": TrainTask(),
    "few-shot": FewShotTask(),
    "stack": StackTask(),
    "resample": ResampleTask(),
    "baseline": BaselineTask(),
}


def get_task(name: str) -> Task:
    """The task of a name.

    Raises
    ------
    ParameterError
        If there is none; the message lists the names.
    """
    if name not in TASKS:
        raise ParameterError(f"task: found {name!r}, expected one of {', '.join(TASKS)}")
    return TASKS[name]
