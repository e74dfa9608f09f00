"""Pages made from the code at each build: glossary, command line, targets, warnings, settings, options, results.

Also the tables of contents of pages that are read on a git host too, where a directive would show as code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

GLOSSARY = "glossary.md"
COMMAND_LINE = "reference/cli.md"
TARGETS = "reference/targets.md"
WARNINGS = "warnings.md"
SETTINGS = "reference/settings.md"
READING = "reference/reading-options.md"
RESULTS = "reference/results.md"
_WIDTH = 92

CONTENTS = {
    "paper/index": "## Figures and errata\n\n```{toctree}\n:maxdepth: 1\n\n/auto_paper/index\nerrata\n```\n",
    "validation/index": "```{toctree}\n:hidden:\n:glob:\n\n*\n```\n",
}


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def glossary() -> str:
    """The glossary as a Markdown page."""
    from devicekit.core import quantities
    from devicekit.names import units

    lines = [
        "# Glossary",
        "",
        "Every column of a table, every quantity of a figure and the terms of the field, as "
        "`devicekit.core.quantities` defines them: this page is made from that file. Units are SI throughout.",
        "",
        "## Columns and quantities",
        "",
        _row("name", "unit", "label", "meaning"),
        _row(*["---"] * 4),
    ]
    lines += [
        _row(f"`{quantity.name}`", quantity.unit or "1", quantity.label, quantity.description)
        for quantity in quantities.GLOSSARY.values()
    ]
    lines += ["", "## Terms", "", "```{glossary}"]
    for term, meaning in quantities.TERMS.items():
        lines += [*term.split(", "), f"  {meaning}", ""]
    lines[-1] = "```"
    words: dict[str, list[str]] = {}
    for symbol, quantity in units.UNIT_SYMBOLS.items():
        words.setdefault(quantity, []).append(f"`{symbol}`")
    lines += ["", "## Unit words", "", _row("quantity", "symbols"), _row("---", "---")]
    lines += [_row(quantity, ", ".join(spelt)) for quantity, spelt in words.items()]
    prefixes = ", ".join(f"`{prefix}`" for prefix in units.UNIT_PREFIXES if prefix)
    lines += ["", f"Each with one of the prefixes {prefixes}, or none; `--unit 1` is a weight."]
    lines += ["", "## Words for a direction", "", _row("direction", "also read as"), _row("---", "---")]
    for direction in quantities.DIRECTIONS:
        aliases = [f"`{word}`" for word, meant in quantities.DIRECTION_ALIASES.items() if meant == direction]
        lines.append(_row(f"`{direction}`", ", ".join(aliases)))
    return "\n".join(lines) + "\n"


def _help(path: list[str]) -> str:
    from typer.testing import CliRunner

    from devicekit.cli import build_app

    ran = CliRunner().invoke(
        build_app(), [*path, "--help"], prog_name="devicekit", terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    if ran.exit_code:
        raise RuntimeError(f"devicekit {' '.join(path)} --help: exit code {ran.exit_code}\n{ran.output}")
    return ran.output.strip()


def _commands(command: Any, path: list[str]) -> list[list[str]]:
    """Paths of all leaf commands below a click command."""
    below = getattr(command, "commands", None)
    if not below:
        return [path]
    return [leaf for name, each in below.items() for leaf in _commands(each, [*path, name])]


def command_line() -> str:
    """The help text of every command as a Markdown page."""
    import typer

    from devicekit.cli import build_app

    lines = [
        "# Command line",
        "",
        "The help text of every command, as the program prints it. Every command exits with 0 on success, 2 on bad "
        "usage or bad input (the message says what was expected and what to do) and 1 on a failure of its own; with "
        "`--json` it prints one JSON object on standard output and nothing else there. In a log, a command that takes "
        "more than a few seconds prints how far it is, on standard error.",
    ]
    for path in [[__file__], *_commands(typer.main.get_command(build_app()), [])]:
        title = "FILE" if path == [__file__] else " ".join(path)
        lines += ["", f"## {title}", "", "```text", _help(path), "```"]
    return "\n".join(lines) + "\n"


def targets() -> str:
    """Every export target that is installed, of other packages too, as a Markdown page."""
    from devicekit.exporters import exporters
    from devicekit.system.exporting import OPTIONS

    lines = [
        "# Export targets",
        "",
        "Every target of `devicekit export CARD --to NAME`, as its module declares it, those of other packages among "
        "them; [exports](../exports.md) has what was measured in the programs themselves.",
        "",
        _row("name", "what it writes", "takes"),
        _row(*["---"] * 3),
    ]
    flags = {each.name: each.flag for each in OPTIONS.values()} | {"network": "a trained network in place of the card"}
    for name, module in sorted(exporters().items()):
        takes = ", ".join(flags.get(each, f"--{each}") for each in sorted(module.TAKES))
        lines.append(_row(f"`{name}`", module.TITLE, takes))
    return "\n".join(lines) + "\n"


def warnings() -> str:
    """Return every warning code with rank, meaning and advice, and the rules by which warnings add up, as Markdown."""
    from devicekit.core import advice
    from devicekit.core.codes import RANKS, WARNING_CODES

    lines = [
        "# Warnings",
        "",
        "A warning has a code, a sentence, and advice. Codes are stable: they appear on standard error, in `--json`, "
        "in reports and in cards. A first page, a notebook and a terminal show the three that matter most; `--json` "
        "and the section Warnings of a report list all. This page is made from `devicekit.core.codes` and "
        "`devicekit.core.advice`.",
        "",
        *(f"- **{rank}**: {words}" for rank, words in RANKS.items()),
        "",
        _row("code", "rank", "meaning", "what to do"),
        _row(*["---"] * 4),
    ]
    ordered = sorted(WARNING_CODES.items(), key=lambda item: item[1].rank)
    lines += [_row(f"`{code}`", str(kind.rank), kind.meaning, kind.what_to_do) for code, kind in ordered]
    lines += [
        "",
        "## Where they add up",
        "",
        "A single warning rarely condemns a result: a weak coefficient is usual, and the rate curve may still be well "
        "determined. Some combinations do, and then a verdict comes first. Warnings add up within one branch (LTP or "
        "LTD); a warning about the whole device counts for both.",
        "",
        _row("verdict", "codes, all of them", "because"),
        _row(*["---"] * 3),
    ]
    for words, rules in advice.RULES.items():
        for rule in rules:
            codes = ", ".join(f"`{code}`" for code in WARNING_CODES if code in rule.codes)
            lines.append(_row(words, codes, rule.because))
    return "\n".join(lines) + "\n"


def settings() -> str:
    """Return every setting of a training with its default, as Markdown."""
    from snn.config import TrainingConfig

    lines = [
        "# Settings of a training",
        "",
        "Fields of `snn.TrainingConfig`, in Python and for `devicekit train --set NAME=VALUE`; this page is "
        "made from it.",
        "",
        _row("setting", "type", "default", "meaning"),
        _row(*["---"] * 4),
    ]
    lines += [
        _row(f"`{each.name}`", each.doc_type, f"`{each.default!r}`", each.doc)
        for each in TrainingConfig.declared().values()
    ]
    return "\n".join(lines) + "\n"


def reading_options() -> str:
    """Return every reading option with its name on the command line, as Markdown."""
    from devicekit.system.options import OPTIONS

    lines = [
        "# Reading options",
        "",
        "Every command that reads a file takes these; in Python they are keywords of `devicekit.read` and fields of "
        "`devicekit.readers.ReadOptions`, from which this page is made.",
        "",
        _row("option", "keyword", "type", "meaning"),
        _row(*["---"] * 4),
    ]
    lines += [_row(f"`{each.flag}`", f"`{each.name}`", each.doc_type, each.doc) for each in OPTIONS.values()]
    return "\n".join(lines) + "\n"


def results() -> str:
    """Return the numbers of every result, as its record declares them, as Markdown."""
    import pkgutil
    from dataclasses import is_dataclass
    from importlib import import_module

    import devicekit
    from devicekit.core.records import Record

    for package in (devicekit, import_module("physics"), import_module("snn")):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # devicekit.torch needs an extra, with which or without which this page is the same
            if not module.name.endswith("__main__") and not module.name.startswith("devicekit.torch"):
                import_module(module.name)
    lines = [
        "# Numbers of results",
        "",
        "What each result holds, by its name in the JSON of a command and in its CSV files; an interval has three "
        "columns there: `tau_s`, `tau_low_s`, `tau_high_s`. This page is made from the results themselves.",
    ]
    kinds = [
        each
        for each in Record.known
        if is_dataclass(each)
        and not each.__name__.startswith("_")
        and not each.__module__.startswith("devicekit.torch")
    ]
    for kind in sorted(kinds, key=lambda each: f"{each.__module__}.{each.__name__}"):
        rows = [
            _row(f"`{each.name}`", each.quantity.unit, " ".join(each.quantity.description.split()))
            for each in kind.columns()
            if (each.json or each.row) and not each.inline and each.quantity.description and each.name != "warnings"
        ]
        if rows:
            lines += ["", f"## {kind.__name__}", "", f"`{kind.__module__}`: {(kind.__doc__ or '').splitlines()[0]}"]
            lines += ["", _row("name", "unit", "meaning"), _row(*["---"] * 3), *rows]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # an unchanged page is not built again
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_pages(app: Sphinx) -> None:
    """Write the pages into the source folder, where git ignores them."""
    source = Path(app.srcdir)
    _write(source / GLOSSARY, glossary())
    _write(source / COMMAND_LINE, command_line())
    _write(source / TARGETS, targets())
    _write(source / WARNINGS, warnings())
    _write(source / SETTINGS, settings())
    _write(source / READING, reading_options())
    _write(source / RESULTS, results())


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append its table of contents to a page that keeps none of its own."""
    if docname in CONTENTS:
        source[0] += f"\n{CONTENTS[docname]}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages, priority=100)
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
