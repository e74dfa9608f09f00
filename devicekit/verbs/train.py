"""The verb train: a spiking network trained on a card."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from devicekit.core.declarations import document, option
from devicekit.core.errors import ParameterError
from devicekit.core.text import count, percent, percent_span, si
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs import shared
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Title, Warnings, marks_title
from snn import choices

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.system.kept import Kept
    from snn.baselines import Baseline
    from snn.config import TrainingConfig
    from snn.data.dataset import Dataset
    from snn.result import TrainingResult

_logger = logging.getLogger(__name__)
Scalar = str | int | float | bool
_OPTIONS = ("scheme", "epochs", "encoding", "schedule", "mapping", "read_noise", "seed")  # others: --set


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Request for a training; `settings` replace those that have an option of their own."""

    card: Path = shared.card()
    scheme: str = option(default="insitu", choices=get_args(choices.Scheme), help="Training scheme")
    epochs: int = shared.epochs()
    data: str = shared.data()
    data_dir: Path | None = shared.data_dir()
    label: str | None = shared.label()
    beside: bool = option(default=True, help="Also train ordinary classifiers on the same split, to compare.")
    encoding: str = option(
        default="paper", choices=get_args(choices.Encoding), help="Sparse spikes as in the paper, or dense ones"
    )
    schedule: str | None = option(
        choices=get_args(choices.Schedule), help="Pulse threshold over the epochs; growing if not given"
    )
    mapping: str | None = option(
        choices=get_args(choices.Mapping), help="Weights as pairs of devices (default) or against a reference"
    )
    read_noise: bool = option(default=False, help="Add the card's read noise at every reading.")
    settings: Mapping[str, Scalar] = shared.settings(
        "Any other setting, such as margin=3 or c2c=none (TrainingConfig, or preset=paper); may be repeated."
    )
    seed: int = shared.seed()
    out: Path | None = option(metavar="PATH", help="Where to write the results.")

    def config(self) -> TrainingConfig:
        """Return the settings of the training.

        Raises DevicekitError if one is unknown, or its value is not allowed.
        """
        named = {"schedule": self.schedule, "mapping": self.mapping, "read_noise": self.read_noise or None}
        given = {name: value for name, value in named.items() if value is not None}
        words = {"scheme": self.scheme, "epochs": self.epochs, "encoding": self.encoding, **given, **self.settings}
        return training_config(words, self.seed)

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        config, card = self.config(), self.card.name
        declared = config.declared()
        changed = {name: value for name in declared if (value := getattr(config, name)) != declared[name].default}
        options: dict[str, object] = {**{name: changed.get(name) for name in _OPTIONS}}
        options["data"] = self.data if self.data != "digits" else None
        options["set"] = {name: value for name, value in changed.items() if name not in _OPTIONS}
        options |= {"no-beside": not self.beside, "out": "trained"}
        data = [repr(self.data)] if self.data != "digits" else []
        python = [
            "import devicekit",
            f"result = {call('devicekit.train', repr(card), *data, **changed)}",
            "print(result)",
        ]
        return Reproduction(command("train", [card], options), "\n".join(python))


document(TrainRequest)


def training_config(settings: Mapping[str, Scalar], seed: int, extra: frozenset[str] = frozenset()) -> TrainingConfig:
    """Return the settings of a training from words, those in `extra` left out; `preset` "paper" is one of them.

    Raises ParameterError or UsageError if a setting is unknown, or its value is not allowed.
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
    card: DeviceCard,
    config: TrainingConfig,
    samples: Dataset,
    progress: Progress = SILENT,
    kept: Kept | None = None,
    words: str = "training",
) -> TrainingResult:
    """Train, or return the numbers of a training that an interrupted command has kept.

    Parameters
    ----------
    card, config, samples
        As for `snn.training.train`.
    progress : Progress
    kept : Kept, optional
        Store of finished parts.
    words : str
        What is being done.
    """
    from snn.result import TrainingResult
    from snn.training import train

    key = ""
    if kept is not None:
        key = kept.key("training", card.to_json(), asdict(config), samples.sha256)
        if known := kept.known([key], "trained network"):
            return TrainingResult.of_numbers(known[key], card, config, samples)
    with progress.counting(words, "samples") as show:
        result = train(card, config, samples, lambda done, total, _: show(done, total))
    if kept is not None:
        kept.put(key, result.numbers())
    return result


def _one_card(path: Path) -> Path:
    """Return the card, or the middle one of several pulse widths, with a message that names it."""
    from devicekit.device.card import cards_of_widths

    found = [] if os.path.exists(path) else cards_of_widths(path)
    if not found:
        return path
    middle = found[len(found) // 2]
    names = ", ".join(each.name for each in found)
    _logger.warning(f"{path.name} is a fit of {count(len(found), 'pulse width')} ({names}): {middle.name} is used")
    return middle


def run_training(request: TrainRequest, progress: Progress = SILENT) -> Outcome[TrainingResult]:
    """Train a spiking network on the devices of a card, and ordinary classifiers beside it."""
    from devicekit.device.card import load_card
    from devicekit.device.network import NETWORK
    from devicekit.system.writing import write_results
    from snn.baselines import reference_classifiers
    from snn.data.load import load
    from snn.report import train_page

    card, network = load_card(_one_card(request.card)), NETWORK
    config, samples = request.config(), load(request.data, request.data_dir, request.label)
    result = train_once(card, config, samples, progress)
    others: tuple[Baseline, ...] = ()
    if request.beside:
        with progress.doing("training ordinary classifiers"):
            others = reference_classifiers(samples, config)
    marks = card.provenance.marks
    metrics = {**result.as_dict(), "marks": list(marks), "beside": [each.as_dict() for each in others]}
    text = [*marks_title(marks), *training_text(result), Warnings(result.warnings)]
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
        page=lambda command: train_page(result, card, others, command, config.seed),
        files={
            "metrics.json": lambda path: write_results(path, metrics),
            **({network: result.network.save} if result.network is not None else {}),
        },
        text=text,
        reproduction=request.reproduction(),
    )


def training_text(result: TrainingResult) -> list[Block]:
    """Return a training for people."""
    from snn.report import SCHEMES

    data, ends = result.data, percent_span(*result.accuracy_ends)
    spread = f" (sd over them {percent(result.accuracy_std_last)})" if len(result.epochs) > 1 else ""
    reached = f"{percent(result.accuracy_mean_last)} (95 % over {data.n_test} test images: {ends})"
    rows = [("test accuracy", f"{reached}, {result.basis}{spread}")]
    if result.still_learning:
        rows.append(("still learning", result.still_learning))
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
