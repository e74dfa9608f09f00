"""`devicekit FILE`: what fits a file is done, and the command that does it is printed first."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import escape, glob
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, print_json, report_error, with_options
from devicekit.cli.outcome import TerminalProgress, show
from devicekit.core.errors import DevicekitError, QuestionError, UsageError
from devicekit.system.commands import command, non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import REPORT, Input, shown, stem

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.tables import Table

SHOWN = 8  # numbers of a card


@dataclass(frozen=True)
class _Read:
    """A file that was read, with the options by which it is read unasked."""

    file: Input
    table: Table
    reading: ReadOptions


@with_options
def start_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files or folders of measurements, or a device card.")
    ],
    *,
    reading: ReadOptions,
    json_output: Json = False,
) -> int:
    """Do what fits a file, and print the command that does it.

    Pulse trains are fitted, with a page and a device card; other measurements are characterized; a card is summarized.
    Results get new names in the current folder.

    Examples:
        devicekit mine.csv
        devicekit ramps/ --quantity current --read-voltage 0.1
    """
    from devicekit.cli.mistakes import check_order
    from devicekit.population.opening import is_population
    from devicekit.readers.multiple_files import group_files

    check_order(files)
    results, errors = list[dict[str, Any]](), list[dict[str, Any]]()
    others: list[_Read] = []
    inputs, one_by_one = group_files(files, reading)
    parts = [(file, one_by_one if isinstance(file, Path) else reading) for file in inputs]
    while parts:
        file, options = parts.pop(0)
        try:
            if isinstance(file, Path):
                _refuse_other_files(file)
            if isinstance(file, Path) and (card := _load_card(file)) is not None:
                results.append(_summarize(file, card, json_output))
                continue
            if isinstance(file, Path) and is_population(file):
                results.append(_population(file, options, json_output))
                continue
            try:
                found = _read(file, options)
            except DevicekitError as error:
                if kinds := _kinds_of(error):  # a table of each
                    parts[:0] = [(file, replace(options, kind=kind)) for kind in kinds]
                    continue
                # files that make no table together are done one by one
                if not (apart := _files_apart(file, error)):
                    raise
                parts[:0] = [(each, replace(options, files_are=None)) for each in apart]
                continue
            if found.table.kind == "pulse":
                results.append(_fit(found, json_output))
            else:
                others.append(found)
        except DevicekitError as error:
            if len(files) == 1 and isinstance(file, Path) and file == files[0]:
                raise
            else:
                errors.append(report_error(file, error, json_output))
    for alike in _group_alike(others):
        results.append(_characterize(alike, json_output))
    codes = [each.pop("code", 0) for each in results]
    if json_output:
        print_json(results[0] if len(results) == 1 and not errors else {"results": results, "errors": errors})
    return 2 if errors else max(codes)


def _kinds_of(error: DevicekitError) -> list[str]:
    """Return the kinds of a folder that holds several; none of another error."""
    from devicekit.readers.alike import KINDS

    is_open = isinstance(error, QuestionError) and error.asked.subject == KINDS
    return [choice.options["kind"] for choice in error.asked.choices] if is_open else []  # type: ignore[attr-defined]


def _files_apart(file: Input, error: DevicekitError) -> list[Path]:
    """Return the files of a folder, or of several, that do not make one table; none if only a question is open."""
    from devicekit.readers.multiple_files import list_files
    from devicekit.system import files

    if isinstance(error, QuestionError):
        return []
    try:
        several = (list_files(file) or []) if isinstance(file, list) or files.is_folder(file) else []
    except DevicekitError:
        return []
    return several if len(several) > 1 else []


def _read(file: Input, options: ReadOptions) -> _Read:
    """Read a file; a person at a terminal answers what it leaves open."""
    from devicekit.readers import read
    from devicekit.system.answers import recording

    with recording() as answers:
        table = read(file, options, elsewhere=frozenset({"read_voltage"}))
    for state in answers[-1:]:
        options = replace(state.options, accept=state.options.accept or bool(state.accepted))
    return _Read(file, table, options)


def _group_alike(found: list[_Read]) -> list[list[_Read]]:
    """Return files that one command reads, together."""
    groups: list[list[_Read]] = []
    for each in found:
        for group in groups:
            if group[0].reading == each.reading:
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _print_command(what: str, line: str, as_json: bool) -> None:
    """Print what a file holds, and the command for it, on a line of its own."""
    if not as_json:
        terminal.title(f"{what}:")
        typer.echo(f"  {line}\n")


def _free(file: Input, *ends: str) -> list[Path]:
    """Return names for results that nothing has yet, with a number before their endings if needed."""
    name = stem(file) or Path(str(file)).resolve().name
    name = f"results{name}" if name.startswith("-") else name  # a dash would be an option
    for number in count(1):
        begun = [f"{name}-{Path(end).stem}{f'-{number}' * (number > 1)}" for end in ends]
        if not any(glob(f"{escape(each)}*") for each in begun):
            return [Path(each + Path(end).suffix) for each, end in zip(begun, ends, strict=True)]
    raise AssertionError


def _fit(found: _Read, as_json: bool) -> dict[str, Any]:
    """Fit pulse trains, with a page, and with a card if there are LTP and LTD."""
    from devicekit.verbs.fit import FitRequest, run_fit

    card_file, page = _free(found.file, "card.json", "fit.html")
    out = card_file if set(found.table.frame["direction"]) >= {"ltp", "ltd"} else None
    options = {**non_default(found.reading), "out": out, "report": page}
    files = [found.file] if isinstance(found.file, Path) else found.file
    line = command("fit", list(map(str, files)), options)
    _print_command(f"{shown(found.file)} holds {found.table.contents}", line, as_json)
    request = FitRequest(file=found.file, reading=found.reading, out=out, report=page)
    outcome = run_fit(request, TerminalProgress(as_json), found.table)  # type: ignore[arg-type]
    outcome.write(page.parent)
    outcome.page(line).save(page)
    if not as_json:
        show(outcome.text)
        card = next(iter(outcome.cards), "")
        if card:
            folder = re.sub(r"-card(?=(-\d+)?$)", "-benchmark", card.removesuffix(".json"))
            typer.echo(f"  next  {command('benchmark', [card], {'out': folder})}")  # unwrapped, to be copied
    return {"command": line, **outcome.json}


def _characterize(found: list[_Read], as_json: bool) -> dict[str, Any]:
    """Characterize files that are read alike, on one page."""
    from devicekit.system import folders
    from devicekit.verbs.characterize import CharacterizeRequest, run_characterize

    files = [path for each in found for path in ([each.file] if isinstance(each.file, Path) else each.file)]
    (out,) = _free(files[0] if len(files) == 1 else files, "results")
    reading = replace(found[0].reading, files_are=None)  # it takes files one by one
    line = command("characterize", list(map(str, files)), {**non_default(reading), "out": out})
    contents = " and ".join(dict.fromkeys(each.table.contents for each in found))
    verb = "holds" if len(files) == 1 else "hold"
    _print_command(f"{shown(files[0] if len(files) == 1 else files)} {verb} {contents}", line, as_json)
    request = CharacterizeRequest(files=tuple(files), out=out, reading=reading)
    with folders.result_folder(out, "characterize") as folder:
        outcome = run_characterize(request, TerminalProgress(as_json), found[0].table if len(files) == 1 else None)
        outcome.write(folder)
        outcome.page(line).save(folder / REPORT)
    if not as_json:
        show(outcome.text)
    return {"command": line, **outcome.json, "code": outcome.code}


def _refuse_other_files(path: Path) -> None:
    """Refuse files of devicekit that hold no measurement, with the command that takes them.

    Raises UsageError.
    """
    from devicekit.system import files

    named, suffix, way = shlex.quote(str(path)), path.suffix.lower(), ""
    if suffix == ".html":
        raise UsageError(f"{path} is a page. Open it in a browser.")
    if suffix == ".npz" and files.is_file(path):
        from devicekit.exporters import load_network

        with suppress(DevicekitError):
            load_network(path)
            way = f"a trained network: devicekit export {named} --to pytorch --out DIR"
    elif suffix == ".toml" and files.is_file(path):
        keys = files.read_toml(path).keys()
        if "task" in keys:
            way = f"a study: devicekit study {named} --out DIR"
        elif "recipe" in keys:
            way = f"a recipe for reading: devicekit read FILE --recipe {named}"
        else:
            way = f"a stack, if anything: devicekit simulate iv --stack {named}"
    if way:
        raise UsageError(f"{path} holds {way}")


def _population(folder: Path, options: ReadOptions, as_json: bool) -> dict[str, Any]:
    """Analyse a folder of many cells as a population."""
    from devicekit.system import folders
    from devicekit.verbs.population import PopulationRequest, run_population

    out = _free(folder, "population")[0]
    line = command("population", [str(folder)], {**non_default(options), "accept": True, "out": out})
    request = PopulationRequest(folders=(folder,), out=out, reading=options)
    _print_command(f"{folder} holds many cells", line, as_json)
    with folders.result_folder(out, "population") as place:
        outcome = run_population(request, TerminalProgress(as_json))
        outcome.write(place)
        outcome.page(line).save(place / REPORT)
    if not as_json:
        show(outcome.text)
    return {"command": line, **outcome.json, "code": outcome.code}


def _load_card(path: Path) -> DeviceCard | None:
    """Return the device card in a file; None if it holds something else."""
    from devicekit.device.card import load_card
    from devicekit.system import files

    if path.suffix.lower() != ".json" or not files.is_file(path):
        return None
    try:
        value = files.parse_json(files.read_text(path), path.name)
    except DevicekitError:
        return None
    return load_card(path) if isinstance(value, dict) and {"schema_version", "law"} & set(value) else None


TAKE_A_CARD: tuple[tuple[str, dict[str, str], str], ...] = (  # commands, options, what they give
    ("card show", {}, "all its numbers"),
    ("benchmark", {}, "accuracy lost to an ideal device, and to which flaw"),
    ("train", {}, "a spiking network on its devices"),
    ("array", {}, "the array that holds a network"),
    ("export", {"to": "neurosim"}, "NeuroSim, or ten other programs and formats"),
)


def _summarize(file: Path, card: DeviceCard, as_json: bool) -> dict[str, Any]:
    """Print a card in short, and the commands that take it."""
    from devicekit.names import mark_sentence

    lines = {
        verb: command(verb, [str(file)], {**given, **({} if verb == "card show" else {"out": f"{file.stem}-{verb}"})})
        for verb, given, _ in TAKE_A_CARD
    }
    if not as_json:
        terminal.title(f"{file} is the device card of {card.name}: {mark_sentence(card.provenance.marks)}".rstrip(": "))
        terminal.fields([(each.label, each.text) for each in card.figures()[:SHOWN]])
        terminal.title("It goes to:")
        terminal.fields([(lines[verb], gives) for verb, _, gives in TAKE_A_CARD])
    return {"commands": list(lines.values()), "name": card.name}
