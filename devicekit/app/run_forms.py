"""Forms of long runs: simulate a stack, train on a card, benchmark a card; and what their entries ask for.

Fields of settings follow from their declarations (`snn.settings`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import physics
from devicekit.app.choices import use_words
from devicekit.app.forms import Field
from devicekit.app.labels import name_settings
from devicekit.app.request_fields import build_fields, parse_fields
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.system import files
from devicekit.system.plugins import GRADIENTS, POLICIES

if TYPE_CHECKING:
    from devicekit.verbs.benchmark import BenchmarkRequest
    from devicekit.verbs.simulate import IVRequest
    from devicekit.verbs.train import Scalar, TrainRequest
    from snn.settings import Setting, Settings

SEEDS = ("8", "30", "100")  # trainings of the device
MOST_LOOPS = 1000
STACK = Path("stack.toml")  # of a simulation, beside its results
_NAMED = {"policy": POLICIES, "gradient": GRADIENTS}  # settings that take a name
_USUAL = "as in the stack"
_UNKNOWN = "Choose a material set from the list."
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
    edit : (str, str)
        Address and text of a button that sends the form elsewhere; "" for none.
    """

    task: str
    title: str
    words: str
    button: str
    fields: tuple[Field, ...]
    groups: tuple[tuple[str, tuple[Field, ...]], ...] = field(default=())
    edit: tuple[str, str] = ("", "")

    def fill(self, entries: Mapping[str, str]) -> RunForm:
        """Return the form with other entries."""

        def filled(fields: Iterable[Field]) -> tuple[Field, ...]:
            return tuple(replace(each, value=entries.get(each.name, "")) for each in fields)

        groups = tuple((name, filled(each)) for name, each in self.groups)
        return replace(self, fields=filled(self.fields), groups=groups)


def build_simulation_form(stack: str = "") -> RunForm:
    """Return the form of a simulation, of a shipped stack or of the text of a stack file."""
    from devicekit.verbs.simulate import IVRequest

    (material,) = build_fields(IVRequest, "material", material=physics.DEFAULT_MATERIAL)
    return RunForm(
        "simulate",
        "Simulate a filament",
        "Simulates the I-V of a stack: vacancy drift and diffusion, current continuity and Joule heating. Results are "
        "marked SIMULATED.",
        "Simulate",
        (
            replace(
                material,
                label="Start from" if stack else material.label,
                choices=tuple(_list_stacks()),
            ),
            *([Field("stack", "Stack", value=stack, mode="lines")] if stack else []),
            *(
                replace(each, hint=each.hint or _USUAL)
                for each in build_fields(IVRequest, "start", "cycles", "compliance", "stop")
            ),
            *build_fields(IVRequest, "mesh"),
        ),
        (("More", build_fields(IVRequest, "reset_stop", "rate", "noise", "seed")),),
        ("/simulate/stack", "Load its text" if stack else "Edit its layers and parameters"),
    )


def _list_stacks() -> dict[str, Path]:
    """Return the files of the material sets and of the stacks to start from, by name."""
    return physics.material_files() | physics.starter_files()


def read_title(text: str) -> str:
    """Return the title of a stack or material set."""
    return str(tomllib.loads(text).get("title", "a stack"))


def write_stack(material: str) -> str:
    """Return a stack file that names a material set and repeats the layers and parameters of a stack, to be changed.

    Raises UsageError if the stack does not ship.
    """
    known = _list_stacks()
    if material not in known:
        raise UsageError(_UNKNOWN)
    text = known[material].read_text("utf-8")
    base = tomllib.loads(text).get("material", material)
    return f'material = "{base}"\ntitle = "My stack"\n\n{text[text.index("[[layer]]") :]}'


def parse_simulation(form: Mapping[str, str]) -> IVRequest:
    """Return what the form of a simulation asks for; a stack is to be written into its file before it runs.

    Raises DevicekitError if an entry, or the stack, is not valid.
    """
    from devicekit.verbs.simulate import IVRequest

    material = form.get("material") or physics.DEFAULT_MATERIAL
    if material not in _list_stacks():
        raise UsageError(_UNKNOWN)
    given = parse_fields(IVRequest, {**form, "material": "", "stack": ""})
    if given.get("cycles", 0) > MOST_LOOPS:
        raise UsageError(f"“Loops” takes 0 (one set) to {MOST_LOOPS}.")
    if "seed" in given and not given.get("noise"):
        raise UsageError("“Seed of the noise” has no effect without “Noise of single vacancies”.")
    source: dict[str, Any] = (
        {"material": material} if material in physics.material_files() else {"stack": Path(material)}
    )
    if form.get("stack", "").strip():
        source = {"stack": STACK}
    request = IVRequest(solver="banded", **source, **given)
    check_stack(request, form.get("stack", ""))
    return request


def check_stack(request: IVRequest, text: str) -> None:
    """Refuse a stack, or changes to it, that cannot be simulated.

    Raises
    ------
    DevicekitError
        The message names key, unit and range.
    """
    if request.stack != STACK:
        request.load()
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / STACK.name
        path.write_text(text, encoding="utf-8")
        try:
            document = files.read_toml(path)
            laws = {key: table.get("law") for key, table in document.items() if isinstance(table, dict)}
            if document.get("material", physics.DEFAULT_MATERIAL) not in physics.material_files():
                raise UsageError(f"material takes {', '.join(physics.material_files())} here.")
            if own := [key for key, law in laws.items() if str(law).endswith(".py")]:
                raise UsageError(f"{own[0]}.law: laws in Python files run on the command line only. Name a law here.")
            replace(request, stack=path).load()
        except DevicekitError as error:
            raise error.in_words(lambda words: words.replace(f"{path}", "“Stack”")) from None


def build_benchmark_form(card: str) -> RunForm:
    """Return the form of a benchmark of a card of that name."""
    from devicekit.verbs.benchmark import BenchmarkRequest
    from snn.config import TrainingConfig

    declared = TrainingConfig.declared()
    more = tuple(_setting_field(declared[name]) for name in TrainingConfig.names("benchmark"))
    return RunForm(
        "benchmark",
        f"Benchmark of {card}",
        "A small network learns 500 images on this device and on an ideal device, several times. The result is "
        "the loss of accuracy of these devices and of devices of this kind, and its causes. It takes a minute.",
        "Run the benchmark",
        (
            Field("seeds", "Trainings of the device", SEEDS, str(BenchmarkRequest.seeds)),
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

    Raises UsageError if a setting is not valid.
    """
    from devicekit.verbs.benchmark import BenchmarkRequest
    from snn.benchmark.task import setting
    from snn.config import TrainingConfig

    settings = _parse_settings(form, TrainingConfig, TrainingConfig.names("benchmark"))
    setting("plain", 0, **settings)  # refused before the job
    seeds, whole = form.get("seeds", str(BenchmarkRequest.seeds)), form.get("whole") == "yes"
    if seeds not in SEEDS:
        raise UsageError(f"“Trainings of the device” takes {', '.join(SEEDS)}, not {seeds!r}.")
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
            Field("data", "Images", NAMES, "digits", doc="Others than digits are fetched once."),
            *(_setting_field(declared[name]) for name in _FIRST),
            Field("beside", "Also train ordinary classifiers on the same images", value="yes", mode="check"),
        ),
        tuple(groups),
    )


def parse_training(form: Mapping[str, str], card: Path) -> TrainRequest:
    """Return what the form of a training on a card asks for.

    Raises DevicekitError if an entry is not valid.
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
    """Return the field of a setting; an empty one is None."""
    usual = setting.default
    doc = use_words(name_settings(setting.doc).replace("None:", "empty:"), setting.name)
    if get_origin(setting.kind) is Literal or setting.kind is bool:
        words = ("yes", "no") if setting.kind is bool else get_args(setting.kind)
        value = "" if usual is None else {True: "yes", False: "no"}[bool(usual)] if setting.kind is bool else str(usual)
        choices = ("", *words) if setting.optional else words
        return Field(setting.name, setting.form, choices, value, doc=doc)
    if registry := _NAMED.get(setting.name):
        named = {"auto"} if setting.name == "policy" else set()
        return Field(setting.name, setting.form, tuple(sorted({*registry.names(), *named})), str(usual), doc=doc)
    hint = ",".join(map(str, usual)) if isinstance(usual, tuple) else setting.example if usual is None else str(usual)
    mode = "decimal" if setting.kind in (int, float) else ""
    return Field(setting.name, setting.form, hint=hint, mode=mode, doc=doc)


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
