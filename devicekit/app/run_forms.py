"""Forms of long runs: simulate a stack, train on a card, benchmark a card; and what their entries ask for.

Fields of settings follow from their declarations (`snn.settings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import physics
from devicekit.app.forms import Field
from devicekit.core.errors import UsageError

if TYPE_CHECKING:
    from devicekit.verbs.benchmark import BenchmarkRequest
    from devicekit.verbs.simulate import IVRequest
    from devicekit.verbs.train import Scalar, TrainRequest
    from snn.settings import Setting, Settings

SEEDS = ("3", "10", "20")
MOST_LOOPS = 1000
_FIRST = ("scheme", "epochs", "hidden", "encoding", "seed")  # settings of a training that are not folded away


@dataclass(frozen=True)
class RunForm:
    """A form that starts a run.

    Parameters
    ----------
    task : str
        Name of the task, which is the address of the form too.
    title, words, button : str
        Texts of the page.
    fields : sequence of Field
    groups : sequence of (str, sequence of Field)
        Further fields, folded away under a title.
    """

    task: str
    title: str
    words: str
    button: str
    fields: tuple[Field, ...]
    groups: tuple[tuple[str, tuple[Field, ...]], ...] = field(default=())

    def fill(self, entries: Mapping[str, str]) -> RunForm:
        """Return the form with other entries."""

        def filled(fields: Iterable[Field]) -> tuple[Field, ...]:
            return tuple(replace(each, value=entries.get(each.name, "")) for each in fields)

        groups = tuple((name, filled(each)) for name, each in self.groups)
        return replace(self, fields=filled(self.fields), groups=groups)


def build_simulation_form() -> RunForm:
    """Return the form of a simulation."""
    usual = "as in the material set"
    return RunForm(
        "simulate",
        "Simulate a filament",
        "Simulates the I-V of a stack: vacancy drift and diffusion, current continuity and Joule heating. Results are "
        "marked SIMULATED.",
        "Simulate",
        (
            Field("material", "Material set", tuple(physics.material_files()), physics.DEFAULT_MATERIAL),
            Field("cycles", "Loops (0: one set, up and back)", value="0", mode="numeric"),
            Field("compliance", "Compliance [A]", hint=usual, mode="decimal"),
            Field("stop", "End of the set ramp [V]", hint=usual, mode="decimal"),
            Field("mesh", "Mesh", tuple(physics.SPACINGS), "default"),
        ),
    )


def parse_simulation(form: Mapping[str, str]) -> IVRequest:
    """Return what the form of a simulation asks for.

    Raises
    ------
    UsageError
        If an entry is not valid.
    """
    from devicekit.verbs.simulate import IVRequest

    request = IVRequest(
        material=form.get("material") or None,
        solver="banded",
        mesh=form.get("mesh", "default"),
        cycles=_parse_number(form, "cycles", "Loops", int) or 0,
        compliance=_parse_number(form, "compliance", "Compliance"),
        stop=_parse_number(form, "stop", "End of the set ramp"),
    )
    if request.material not in physics.material_files() or request.mesh not in physics.SPACINGS:
        raise UsageError("Choose a material set and a mesh from the lists.")
    if not 0 <= request.cycles <= MOST_LOOPS:
        raise UsageError(f"“Loops” takes 0 (one set) to {MOST_LOOPS}.")
    return request


def _parse_number(form: Mapping[str, str], name: str, label: str, kind: type = float) -> Any:
    word = form.get(name, "").strip()
    if not word:
        return None
    try:
        return kind(word)
    except ValueError:
        raise UsageError(f"“{label}” takes a number, not {word!r}.") from None


def build_benchmark_form(card: str) -> RunForm:
    """Return the form of a benchmark of a card of that name."""
    from devicekit.verbs.benchmark import BenchmarkRequest
    from snn.config import TrainingConfig

    declared = TrainingConfig.declared()
    more = tuple(_setting_field(declared[name]) for name in TrainingConfig.names("benchmark"))
    return RunForm(
        "benchmark",
        f"Benchmark of {card}",
        "A small network learns 500 images on this device and on an ideal device, with the same pairs of seeds. The "
        "result is the loss of accuracy, its confidence, and its causes. Ten pairs take a minute or two.",
        "Run the benchmark",
        (
            Field("seeds", "Pairs of seeds", SEEDS, str(BenchmarkRequest.seeds)),
            Field(
                "whole",
                "Also find the causes of the loss and the effect of width and pulse policy",
                value="yes",
                mode="check",
            ),
        ),
        (("Properties that the card does not hold", more),),
    )


def parse_benchmark(form: Mapping[str, str], card: Path) -> BenchmarkRequest:
    """Return what the form of a benchmark of a card asks for.

    Raises
    ------
    UsageError
        If a setting is not valid.
    """
    from devicekit.verbs.benchmark import BenchmarkRequest
    from snn.benchmark.task import setting
    from snn.config import TrainingConfig

    settings = _parse_settings(form, TrainingConfig, TrainingConfig.names("benchmark"))
    setting("plain", 0, **settings)  # refused before the job
    seeds, whole = form.get("seeds", str(BenchmarkRequest.seeds)), form.get("whole") == "yes"
    if seeds not in SEEDS:
        raise UsageError(f"“Pairs of seeds” takes {', '.join(SEEDS)}, not {seeds!r}.")
    return BenchmarkRequest(
        cards=(card,),
        seeds=int(seeds),
        attribution=whole,
        wide=whole,
        policy=whole,
        settings=settings,
    )


def build_training_form(card: str) -> RunForm:
    """Return the form of a training on a card of that name."""
    from snn.config import TrainingConfig
    from snn.data.load import NAMES

    declared = TrainingConfig.declared()
    groups = []
    for kind in reversed(TrainingConfig.__bases__):
        names: Any = [name for name in kind.__annotations__ if name in declared and name not in _FIRST]
        title = (kind.__doc__ or "").strip().rstrip(".")
        groups.append((title, tuple(_setting_field(declared[name]) for name in names)))
    return RunForm(
        "train",
        f"Train a network on {card}",
        "A spiking network learns images with its weights on this device. The result is the test accuracy, and what "
        "the training asks of the device.",
        "Train",
        (
            Field("data", "data", NAMES, "digits", doc="Images; others than digits are fetched once."),
            *(_setting_field(declared[name]) for name in _FIRST),
            Field("beside", "Also train ordinary classifiers on the same images", value="yes", mode="check"),
        ),
        tuple(groups),
    )


def parse_training(form: Mapping[str, str], card: Path) -> TrainRequest:
    """Return what the form of a training on a card asks for.

    Raises
    ------
    DevicekitError
        If an entry is not valid.
    """
    from devicekit.verbs.train import TrainRequest
    from snn.config import TrainingConfig
    from snn.data.load import NAMES

    settings = _parse_settings(form, TrainingConfig, TrainingConfig.declared())
    seed: Any = settings.pop("seed", 0)
    data = form.get("data", "digits")
    if data not in NAMES:
        raise UsageError("Choose the data from the list.")
    request = TrainRequest(card=card, data=data, beside=form.get("beside") == "yes", settings=settings, seed=seed)
    request.config()  # refused before the job
    return request


def _setting_field(setting: Setting) -> Field:
    """Return the field of a setting, named as its documentation and `--set` name it."""
    usual = setting.default
    if get_origin(setting.kind) is Literal or setting.kind is bool:
        words = ("yes", "no") if setting.kind is bool else get_args(setting.kind)
        value = "" if usual is None else {True: "yes", False: "no"}[bool(usual)] if setting.kind is bool else str(usual)
        choices = ("", *words) if setting.optional else words
        return Field(setting.name, setting.name, choices, value, doc=setting.doc.replace("`", ""))
    hint = ",".join(map(str, usual)) if isinstance(usual, tuple) else setting.example if usual is None else str(usual)
    mode = "decimal" if setting.kind in (int, float) else ""
    return Field(setting.name, setting.name, hint=hint, mode=mode, doc=setting.doc.replace("`", ""))


def _parse_settings(form: Mapping[str, str], kind: type[Settings], names: Iterable[str]) -> dict[str, Scalar]:
    """Return the settings in a form that differ from their defaults; values that are none are left to the check."""
    found: dict[str, Scalar] = {}
    declared = kind.declared()
    for name in names:
        word = form.get(name, "").strip()
        value = _parse_value(declared[name], word) if word else None
        if value is not None and value != declared[name].default:
            found[name] = value
    return found


def _parse_value(setting: Setting, word: str) -> Any:
    if setting.kind is bool:
        return {"yes": True, "no": False}.get(word, word)
    for number in {int: (int, float), float: (float,)}.get(setting.kind, ()):
        try:
            return number(word)
        except ValueError:
            continue
    return word
