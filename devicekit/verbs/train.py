"""The verb train: a spiking network trained on a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import ParameterError
from devicekit.core.text import percent, si
from devicekit.device.network import NETWORK
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Title, Warnings

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.system.kept import Kept
    from snn.baselines import Baseline
    from snn.config import TrainingConfig
    from snn.data.dataset import Dataset
    from snn.training import TrainingResult

Scalar = str | int | float | bool
_OPTIONS = ("scheme", "epochs", "encoding", "schedule", "mapping", "read_noise", "seed")  # others: --set


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What to train.

    Parameters
    ----------
    card : DeviceCard
    config : TrainingConfig
    samples : Dataset
    beside : bool
        Also train ordinary classifiers on the same split.
    out : Path, optional
        Folder of the results.
    source, data : str
        File of the card and name of the data, for the lines that repeat it.
    """

    card: DeviceCard
    config: TrainingConfig
    samples: Dataset
    beside: bool = True
    out: Path | None = None
    source: str = "card.json"
    data: str = "digits"

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        declared = self.config.declared()
        changed = {name: value for name in declared if (value := getattr(self.config, name)) != declared[name].default}
        options: dict[str, Any] = {"card": self.source, **{name: changed.get(name) for name in _OPTIONS}}
        options["data"] = self.data if self.data != "digits" else None
        options["set"] = {name: value for name, value in changed.items() if name not in _OPTIONS}
        options |= {"no-beside": not self.beside, "out": "trained"}
        python = [
            "import devicekit",
            "from snn.config import TrainingConfig",
            "from snn.data.load import load",
            "from snn.training import train",
            f"config = {call('TrainingConfig', **changed)}",
            f"result = train(devicekit.load_card({self.source!r}), config, load({self.data!r}))",
            "result.accuracy_mean_last",
        ]
        return Reproduction(command("train", [], options), "\n".join(python))


def training_config(settings: Mapping[str, Scalar], seed: int, extra: frozenset[str] = frozenset()) -> TrainingConfig:
    """Return the settings of a training from words, those in `extra` left out; `preset` "paper" is one of them.

    Raises
    ------
    ParameterError, UsageError
        If a setting is unknown, or its value is not allowed.
    """
    from snn.config import TrainingConfig

    known = set(TrainingConfig.declared()) - {"seed"}
    given = {name: value for name, value in settings.items() if name not in {*extra, "preset"}}
    preset = settings.get("preset", "default")
    if preset not in ("default", "paper"):
        raise ParameterError(f"preset is default or paper (literal eq. (4), as in Fig. 6), not {preset!r}")
    unknown = sorted(set(given) - known)
    if unknown:
        raise ParameterError(
            f"unknown setting {unknown[0]!r}; there are {', '.join(sorted({*known, *extra, 'preset'}))}"
        )
    made = TrainingConfig.of_words(given)
    return (TrainingConfig.paper if preset == "paper" else TrainingConfig)(seed=seed, **made)


def train_once(
    request: TrainRequest, progress: Progress = SILENT, kept: Kept | None = None, words: str = "training"
) -> TrainingResult:
    """Train, or return the numbers of a training that an interrupted command has kept.

    Parameters
    ----------
    request : TrainRequest
    progress : Progress
    kept : Kept, optional
        Store of finished parts.
    words : str
        What is being done.
    """
    from snn.training import TrainingResult, train

    card, config, samples, key = request.card, request.config, request.samples, ""
    if kept is not None:
        key = kept.key("training", card.to_json(), asdict(config), samples.sha256)
        if known := kept.known([key], "trained network"):
            return TrainingResult.of_numbers(known[key], card, config, samples)
    with progress.counting(words, "samples") as count:
        result = train(card, config, samples, lambda done, total, _: count(done, total))
    if kept is not None:
        kept.put(key, result.numbers())
    return result


def run_training(request: TrainRequest, progress: Progress = SILENT) -> Outcome[TrainingResult]:
    """Train a spiking network on the devices of a card, and ordinary classifiers beside it."""
    from devicekit.system.writing import write_json
    from snn.baselines import reference_classifiers
    from snn.report import train_page

    config, network = request.config, NETWORK
    result = train_once(request, progress)
    others: tuple[Baseline, ...] = ()
    if request.beside:
        with progress.doing("training ordinary classifiers"):
            others = reference_classifiers(request.samples, config)
    metrics = {**result.as_dict(), "beside": [each.as_dict() for each in others]}
    text = [*training_text(result), Warnings(result.warnings)]
    if others:
        text.append(Fields([("beside it", "; ".join(each.words for each in others))]))
    if request.out is None:
        text.append(Fields([("kept", "nothing; --out DIR keeps metrics, a report and the trained devices")]))
    else:
        text.append(Fields([("report", str(request.out / REPORT))]))
        if result.network is not None:
            words = f"{request.out / network}, the trained devices: for devicekit export"
            text.append(Fields([("network", words)]))
    return Outcome(
        result=result,
        json=metrics,
        page=lambda command: train_page(result, request.card, others, command, config.seed),
        files={
            "metrics.json": lambda path: write_json(path, metrics),
            **({network: result.network.save} if result.network is not None else {}),
        },
        text=text,
        reproduction=request.reproduction(),
    )


def training_text(result: TrainingResult) -> list[Block]:
    """Return a training for people."""
    from snn.report import SCHEMES

    data = result.data
    spread = f", sd {percent(result.accuracy_std_last)}" if len(result.epochs) > 1 else ""
    basis = f"{result.basis}{spread}"
    reached = f"{percent(result.accuracy_mean_last)} ± {percent(result.standard_error)}"
    rows = [("test accuracy", f"{reached} ({basis}; ± by {data.n_test} test samples)")]
    if result.accuracy_programmed is not None:
        rows.append(("programmed", f"{percent(result.accuracy_programmed)} once the weights are in devices"))
    if result.accuracy_after_mapping is not None:
        rows.append(("after mapping", f"{percent(result.accuracy_after_mapping)} before the first pulse"))
    rows += [
        ("data", f"{data.name}: {data.split}"),
        ("pulses per device", f"{result.pulses_per_device:.3g}"),
        *([("programming", result.programming.words)] if result.programming is not None else []),
        *([("volatile part", result.forgetting)] if result.forgetting else []),
        ("time per epoch", si(result.seconds_per_epoch, "s", 2)),
    ]
    return [Title(f"spiking network, {SCHEMES[result.scheme]}"), Fields(rows)]
