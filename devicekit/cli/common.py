"""Reading options, --json, exit codes, and warnings on standard error, for every command."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from devicekit.cli import terminal
from devicekit.cli.progress import logging_lines
from devicekit.core import advice
from devicekit.core.declarations import MOST_WHOLE, Option, check_finite, option_of, options_of
from devicekit.core.errors import CodedWarning, DevicekitError, FileError, OwnFileError, UsageError, bounded
from devicekit.core.pairs import parse_pairs
from devicekit.system import left_out, writing
from devicekit.system.commands import command, in_command_words
from devicekit.system.options import OPTIONS, ReadOptions
from devicekit.verbs.outcome import shown

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Write into a folder with other or changed files; files of the same name are replaced."
    ),
]


ReplaceFile = Annotated[
    bool, typer.Option("--force", help="Replace files that devicekit did not write, or that were changed since.")
]
READING = "Reading the file"  # title of the reading options in a help page
_NO_NUMBERS = {
    "--out",
    "--force",
    "--json",
    "--jobs",
    "--accept",
    "--dask",
    "--redo",
}  # options without an effect on them
WRITTEN = ("--out", "--report", "--plot", "--save-recipe")  # options that name what is written


class Command(TyperCommand):
    """A command that checks, before it begins, that its outputs differ from each other and from its inputs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed; a card, which is an argument, may also follow --card."""
        if {"card", "cards"} & {each.name for each in self.params}:
            args = [word.removeprefix("--card=") for word in args if word != "--card"]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options; reading options stand in a list of their own, the last."""
        listed: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], READING: []}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            panel = "Arguments" if each.param_type_name == "argument" else getattr(each, "rich_help_panel", None)
            listed[panel or "Options"] += [record] if record else []
        for title, records in listed.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def invoke(self, ctx: Any) -> Any:
        """Check and run it."""
        named = {parameter.opts[0]: ctx.params.get(parameter.name) for parameter in self.params}
        for option, value in named.items():
            check_finite(value, option)
        outputs = {option: named[option] for option in WRITTEN if isinstance(named.get(option), Path)}
        inputs = [path for option, value in named.items() if option not in outputs for path in _paths(value)]
        for path in inputs:
            if os.path.isfile(path):
                writing.note_input(path)
        if ctx.params.get("force"):
            writing.allow_replacing()
        writing.check_apart(outputs, inputs)
        writing.note_settings(self._settings(ctx))
        if getattr(self.callback, "is_served", False):
            return super().invoke(ctx)
        with logging_lines(f"devicekit {ctx.info_name}".strip()), writing.claimed(outputs.values()):
            try:
                return super().invoke(ctx)
            except UsageError as error:  # thickness_m= must be ...
                for each in self.params:
                    keyword = rf"^{each.name}(?:_(?:m2?|k|s|ev))?= "
                    error.message = re.sub(keyword, f"{each.opts[0]} ", error.message)
                raise

    def _settings(self, ctx: Any) -> dict[str, Any]:
        """Return inputs and options other than the defaults on which the results depend."""
        names = {
            each.name: "input" if each.param_type_name == "argument" else each.opts[0]
            for each in self.params
            if each.opts[0] not in (*WRITTEN, *_NO_NUMBERS)
            and ctx.params.get(each.name) not in (None, [], (), each.default)
        }
        return {option: ctx.params[name] for name, option in names.items()}


def _paths(value: Any) -> list[Path]:
    """Return the paths that the value of a parameter names; a word is one if such a file, with an ending, exists."""
    each = value if isinstance(value, (list, tuple)) else [value]
    return [
        Path(one)
        for one in each
        if isinstance(one, Path) or (isinstance(one, str) and Path(one).suffix and os.path.isfile(one))
    ]


class _TerminalHandler(logging.Handler):
    """Handler that prints messages of the library on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            terminal.warning(record.getMessage())
        else:
            terminal.paragraph(record.getMessage(), err=True)


@contextmanager
def _logging_to_terminal() -> Iterator[None]:
    handler, logger = _TerminalHandler(), logging.getLogger("devicekit")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextmanager
def _answering(as_json: bool) -> Iterator[None]:
    """Let a person at a terminal answer the questions of the readers."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        yield
        return
    from devicekit.cli.prompt import asked_on_terminal
    from devicekit.system.answers import answering

    with answering(asked_on_terminal):
        yield


def one_of(*words: str) -> Callable[[str], list[str]]:
    """Return a completion for an option that takes one of these words."""

    def offered(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return offered


def choice(option: str, words: Iterable[str | None], help: str, metavar: str = "NAME") -> Any:
    """Declare an option that takes one of some words, which its help lists and the shell offers."""
    known = [word for word in words if word]
    listed = f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else known[0]
    return typer.Option(option, metavar=metavar, help=f"{help}: {listed}.", autocompletion=one_of(*known))


@functools.cache
def parameter(each: Option) -> Any:
    """Return the annotation of a declared option for typer."""
    most = None if each.most == MOST_WHOLE else each.most
    if each.argument:
        made = typer.Argument(metavar=each.metavar, help=each.help_text)
    else:
        made = typer.Option(
            f"{each.flag}/--no-{each.flag.removeprefix('--')}" if each.is_switch else each.flag,
            *(["-o"] if each.flag == "--out" else []),
            metavar=None if each.kind.type is bool else each.metavar,
            help=each.help_text,
            min=each.least,
            max=most,
            autocompletion=one_of(*each.words) if each.words else None,
            rich_help_panel=READING if OPTIONS.get(each.name) is each else None,
        )
    typed = bool if each.annotation == "bool" else each.typed or each.kind.typed
    if each.is_required and each.typed is None:
        typed = get_args(typed)[0]  # without None
    return Annotated[typed, made]


def parse_typed(each: Option, typed: Any) -> Any:
    """Return the value of a declared option from what was typed.

    Raises UsageError.
    """
    if each.parse is not None:
        return each.parse(typed)
    if each.is_negated:
        return not typed
    if each.is_repeated:
        return tuple(typed or ())
    if each.is_pairs:
        return parse_pairs(typed, f"{each.flag} takes {each.metavar}", f"{each.flag} gives {{}} twice. Give it once.")
    if typed is None or each.annotation != "tuple[int, ...] | None":
        return typed
    try:
        return tuple(int(word) for word in typed.split(","))
    except ValueError as error:
        raise UsageError(f"{each.flag} takes one or two whole numbers, such as 60 or 60,50, not {typed!r}") from error


@dataclass(frozen=True)
class _Typed:
    """A field of a group of options: its parameter for typer, and the value of what was typed."""

    parameter: inspect.Parameter
    parse: Callable[[Any], Any]


def _typed(declared: Option) -> _Typed:
    """Return the parameter of a declared option."""
    default = False if declared.is_negated else declared.default
    if declared.is_repeated or default is MISSING:
        default = inspect.Parameter.empty if declared.is_required else None
    kind = inspect.Parameter.KEYWORD_ONLY
    made = inspect.Parameter(declared.name, kind, default=default, annotation=parameter(declared))
    return _Typed(made, functools.partial(parse_typed, declared))


def _fields_of(group: Any) -> dict[str, _Typed]:
    """Return the options of a dataclass, declared by `option` or annotated for typer, by name."""
    hints, declared = get_type_hints(group, include_extras=True), options_of(group)
    found = {}
    for each in fields(group):
        if each.name in declared:
            found[each.name] = _typed(declared[each.name])
        elif get_origin(hints[each.name]) is Annotated:  # others are set by the command
            kind = inspect.Parameter.KEYWORD_ONLY
            made = inspect.Parameter(each.name, kind, default=each.default, annotation=hints[each.name])
            found[each.name] = _Typed(made, lambda typed: typed)
    return found


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each parameter of a command that is a dataclass of options by these; reading options stand last.

    A parameter whose default is an `option` is declared by it.
    """
    signature = inspect.signature(command, eval_str=True)
    written = inspect.signature(command).parameters  # annotations as text
    single = {
        name: _typed(declared)
        for name, each in written.items()
        if (declared := option_of(name, str(each.annotation), each.default)) is not None
    }
    groups: dict[str, Any] = {
        name: each.annotation for name, each in signature.parameters.items() if is_dataclass(each.annotation)
    }
    options = {name: _fields_of(group) for name, group in groups.items()}
    last = [name for name, group in groups.items() if group is ReadOptions]
    parameters = []
    for name, each in signature.parameters.items():
        if name in single:
            parameters.append(single[name].parameter)
        elif name not in groups:
            parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        elif name not in last:
            parameters += [one.parameter for one in options[name].values()]
    parameters += [one.parameter for name in last for one in options[name].values()]

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        made = {
            name: groups[name](**{field: one.parse(kwargs.pop(field)) for field, one in typed.items()})
            for name, typed in options.items()
        }
        made |= {name: one.parse(kwargs.pop(name)) for name, one in single.items()}
        return command(*args, **kwargs, **made)

    del wrapper.__wrapped__  # typer would look through it at the original signature
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def print_json(value: Any) -> None:
    """Print one JSON object on standard output, with the files left out of folders, and the results replaced."""
    if (left := left_out.noted()) and isinstance(value, dict):
        value = {"left_out": [asdict(each) for each in left], **value}
    if (replaced := writing.list_replaced()) and isinstance(value, dict):
        value = {"replaced": replaced, **value}
    typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def print_warnings(warnings: Iterable[CodedWarning]) -> None:
    """Print warnings on standard error, each once; of more than three, the three that matter, with what to do.

    A verdict comes first where warnings add up.
    """
    ranked = advice.rank(warnings)
    if (words := advice.verdict(ranked)) is not None:
        terminal.warning(words)
    shown = ranked if len(ranked) <= advice.MOST else advice.top(ranked)
    for each in shown:
        what = "" if shown is ranked else f" What to do: {in_command_words(advice.what_to_do(each.code))}"
        write = terminal.note if advice.is_remark(each.code) else terminal.warning
        write(f"{each}{'' if not what or str(each).endswith('.') else '.'}{what}")
    if rest := advice.remaining(ranked, shown):
        write = terminal.note if all(advice.is_remark(each.code) for each in rest) else terminal.warning
        write(f"{len(rest)} more; --json lists all")


def this_command() -> str:
    """Return the command line as it was given, to be run again."""
    return shlex.join(["devicekit", *sys.argv[1:]])


def over_files(
    inputs: Sequence[Path | list[Path]], as_json: bool, work: Callable[[Path | list[Path]], dict[str, Any]]
) -> int:
    """Do `work` on each input; the good ones are done, the bad ones listed, and the exit code is then 2.

    `work` prints for people (unless `as_json`) and returns the JSON object of its file. One file's object is
    printed as it is; of several, `{"results": [...], "errors": [...]}` with each file's name.
    """
    reports: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for file in inputs:
        try:
            reports.append({"file": shown(file), **work(file)})
        except DevicekitError as error:
            if len(inputs) == 1:
                raise
            errors.append(report_error(file, error, as_json))
    if as_json and len(inputs) == 1:
        print_json({key: value for key, value in reports[0].items() if key != "file"})
    elif as_json:
        print_json({"results": reports, "errors": errors})
    return 2 if errors else 0


def in_words(error: DevicekitError) -> DevicekitError:
    """Return an error in the words of the command line."""
    again = error.in_words(in_command_words)
    if isinstance(error, OwnFileError) and error.results:
        again.message += f". What draws results: {command('figure', [str(error.path)], {})}"
    elif isinstance(error, OwnFileError):
        again.message += f". What takes a card: {command('', [str(error.path)], {})}"
    elif isinstance(error, FileError) and again.message.endswith(" does not exist"):
        from devicekit.cli.mistakes import missing_file

        again.message = missing_file(again.message.removesuffix(" does not exist"))
    return again


def report_error(file: Path | list[Path], error: DevicekitError, as_json: bool) -> dict[str, Any]:
    """Report the error of one file among several, and return it for JSON."""
    again = in_words(error)
    if not as_json:
        words, name = str(again), shown(file)
        terminal.error(words if words.startswith(name) else f"{name}: {words}")
    return {"file": shown(file), **again.as_dict()}


def fail(error: Exception, as_json: bool, code: int) -> int:
    """Report an error the way the contract says, and return the exit code."""
    if isinstance(error, DevicekitError):
        error = in_words(error)
        report = error.as_dict()
    else:
        report = {"kind": "usage" if code == 2 else "internal", "message": bounded(str(error)), "rows": []}
    if as_json:
        print_json({"error": report})
    else:
        terminal.error(bounded(str(error)).replace("(.rows lists", "(--json lists"))
    return code


def _came_of_interrupt(error: BaseException | None) -> bool:
    """Return whether an interrupt stands behind an error: Python and libraries wrap what falls into an import."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def run_app(app: typer.Typer, arguments: list[str]) -> int:
    """Run the command line; 0 success, 2 bad usage or any bad input, 1 a failure of our own, 130 interrupted.

    Set DEVICEKIT_DEBUG=1 to see the traceback of a failure of our own.
    """
    as_json = "--json" in arguments
    try:
        with writing.one_command(), _logging_to_terminal(), _answering(as_json), left_out.noting():
            if "" in arguments:  # a path of no characters would be the current folder
                raise UsageError("An argument is empty, as of a shell variable that is not set. For this folder type .")
            result = app(args=arguments, standalone_mode=False)
            code = 2 if left_out.noted() else 0
        return int(result) if isinstance(result, int) and result else code
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  the reader of our output has gone: end quietly
        return 0
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort" or _came_of_interrupt(error):
            typer.echo("interrupted", err=True)
            return 130
        if isinstance(error, DevicekitError):
            return fail(error, as_json, 2)
        if type(error).__name__ == "NoArgsIsHelpError" and not as_json:  # help is not an error message
            from devicekit.cli.mistakes import name_commands

            typer.echo(error.format_message(), err=True)  # type: ignore[attr-defined]
            if words := name_commands(error):
                terminal.error(words)
            return 2
        if hasattr(error, "format_message"):  # typer's own usage errors; typer vendors click
            from devicekit.cli.mistakes import answer

            return fail(UsageError(answer(error, arguments)), as_json, 2)
        if os.environ.get("DEVICEKIT_DEBUG"):
            raise
        message = f"{type(error).__name__}: {error} (a bug in devicekit; DEVICEKIT_DEBUG=1 shows where)"
        return fail(RuntimeError(message), as_json, 1)
