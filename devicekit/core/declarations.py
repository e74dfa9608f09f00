"""Options declared once: command line, form of the app, recipe, checks and documentation follow from a field.

    @dataclass(frozen=True)
    class ReadOptions:
        skip: int | None = option(
            metavar="N", most=100, help="Rows above the column names.", form="Rows above the column names", row=9,
            toml="table.skip", doc="Rows above the names of the columns.",
        )

The type of the field says what the option takes; see `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from textwrap import wrap
from typing import Any, Protocol

from devicekit.core.errors import UsageError

MOST_WHOLE = 2**53  # largest whole number that an option without a limit of its own takes
_META = "option"


@dataclass(frozen=True)
class Kind:
    """Values that an option of one type takes.

    Parameters
    ----------
    type : type or tuple of type
        Types of its value in Python.
    words : str
        The same in messages.
    typed : type
        Type of what is typed on the command line; a list if the option may be repeated.
    doc : str
        The same in documentation.
    number : type, optional
        Converts a word of a form; None for text.
    """

    type: Any
    words: str
    typed: Any
    doc: str
    number: type | None = None


KINDS = {
    "str": Kind(str, "a text", str | None, "str"),
    "Path": Kind(Path, "a file", Path | None, "path"),
    "Path | str": Kind((str, Path), "a file", str | None, "path"),
    "int": Kind(Integral, "a whole number", int | None, "int", int),
    "float": Kind(Real, "a number", float | None, "float", float),
    "bool": Kind(bool, "true or false", bool | None, "bool"),
    "tuple[float, float]": Kind(tuple, "two numbers", tuple[float, float] | None, "tuple of float", float),
    "tuple[int, ...]": Kind(object, "whole numbers", str | None, "tuple of int", int),
    "tuple[float, ...]": Kind(tuple, "numbers", list[float] | None, "sequence of float", float),
    "tuple[str, ...]": Kind(tuple, "texts", list[str] | None, "sequence of str"),
    "tuple[Path, ...]": Kind(tuple, "files", list[Path] | None, "sequence of path"),
    "Mapping[str, str]": Kind(Mapping, "names with a text each", list[str] | None, "mapping of str to str"),
}


@dataclass(frozen=True)
class Limits:
    """Finite numbers that a setting takes.

    Parameters
    ----------
    above, most : float
        Lower end, left out, and upper end, included, in `unit`.
    unit : str
        SI unit; "" for a pure number.
    meant : str
        Unit in which such a number is usual, where a number out of range is probably in it: "nm".
    factor, offset : float
        From it to the SI unit.
    """

    above: float = 0.0
    most: float = math.inf
    unit: str = ""
    meant: str = ""
    factor: float = 1.0
    offset: float = 0.0

    def includes(self, value: Any) -> bool:
        """Return whether it takes a number."""
        return math.isfinite(value) and self.above < value <= self.most

    def check(self, value: Any, name: str) -> None:
        """Refuse a number that is out of range.

        Raises
        ------
        UsageError
            The message begins with the name, such as ``thickness_m=`` or ``--thickness``.
        """
        if not self.includes(value):
            ends = f"a finite number above {self.above:g}"
            if math.isfinite(self.most):
                ends += f" and at most {self.most:g}"
            message = f"{name} must be {ends}{f' [{self.unit}]' if self.unit else ''}, not {value}"
            if self.meant and self.includes(meant := value * self.factor + self.offset):
                message += f". For {value:g} {self.meant} give {meant:g}"
            raise UsageError(message)


def check_finite(value: Any, name: str) -> None:
    """Raise a UsageError that begins with the name, if a value is not finite, or is several and one is not."""
    for each in value if isinstance(value, tuple | list) else (value,):
        if isinstance(each, float) and not math.isfinite(each):
            raise UsageError(f"{name} takes a finite number, not {each}")


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option, as a field of a dataclass declares it.

    Attributes
    ----------
    name, annotation : str
        Name and type of the field.
    default
        Its default.
    flag : str
        On the command line; the name with dashes if "".
    alias : str
        Keyword of Python and messages, if it differs from the name.
    metavar, help : str
        Placeholder and text of the help; choices are added to the text.
    form : str
        Label in the app.
    row : int
        Place in the form.
    example : str
        In the field of the form.
    toml : str
        Section and line of a recipe: "table.skip"; the section for pairs; "" if it is not kept there.
    rank : int
        Place among the lines of its section where it is not that of the fields.
    choices : sequence of str, or callable
        Words to choose from.
    offered : sequence of str
        Those that the form offers, if not all; of pairs, the names that it offers.
    names : sequence of str
        Names that pairs may have; any if empty.
    least, most : int, optional
        Range of a whole number.
    valid, needs : callable, str
        Another check of a value, and its message.
    tables : bool
        False if tables without a format of their own do not take it.
    doc : str
        Meaning, for the documentation; that of the help if not given.
    argument : bool
        It has no flag on the command line.
    typed, parse : type, callable
        Type of what is typed on the command line, and the value of it, where they are not those of the kind.
    """

    name: str
    annotation: str
    default: Any
    flag: str = ""
    alias: str = ""
    metavar: str | None = "NAME"
    help: str = ""
    form: str = ""
    row: int = 0
    example: str = ""
    toml: str = ""
    rank: int = 0
    choices: Sequence[str] | Callable[[], Sequence[str]] = ()
    offered: Sequence[str] = ()
    names: Sequence[str] = ()
    least: int | None = None
    most: int | None = None
    valid: Callable[[Any], bool] | None = None
    needs: str = ""
    tables: bool = True
    doc: str = ""
    argument: bool = False
    typed: Any = None
    parse: Callable[[Any], Any] | None = None

    @property
    def kind(self) -> Kind:
        """Kind of its values."""
        name = self.annotation.removesuffix(" | None")
        return KINDS.get(name) or Kind(object, name, self.typed, name)

    @property
    def is_required(self) -> bool:
        """True if it has no default."""
        return self.default is MISSING

    @property
    def is_repeated(self) -> bool:
        """True if it may be given several times on the command line."""
        return self.annotation in ("tuple[float, ...]", "tuple[str, ...]", "tuple[Path, ...]")

    @property
    def keyword(self) -> str:
        """Keyword of Python, as messages write it."""
        return self.alias or self.name

    @property
    def is_pairs(self) -> bool:
        """True if it takes names with a text each."""
        return self.kind.type is Mapping

    @property
    def is_negated(self) -> bool:
        """True if its flag switches off what is on by default: --no-noise."""
        return self.default is True and self.flag.startswith("--no-")

    @property
    def is_either(self) -> bool:
        """True if it may be true, false or left open."""
        return self.annotation == "bool | None"

    @property
    def is_switch(self) -> bool:
        """True if its flag has an opposite: --wide, --no-wide."""
        return self.is_either or (self.default is True and not self.is_negated)

    @property
    def label(self) -> str:
        """Label in the app without the unit."""
        return self.form.partition(" [")[0]

    @property
    def words(self) -> tuple[str, ...]:
        """Words to choose from."""
        return tuple(self.choices() if callable(self.choices) else self.choices)

    @property
    def section(self) -> str:
        """Section of a recipe that keeps it; "" for none."""
        return self.toml.partition(".")[0]

    @property
    def form_choices(self) -> tuple[str, ...]:
        """Words that the form offers."""
        if self.annotation.startswith("bool"):
            return ("yes", "no") if self.is_either else ("yes",)
        if self.most is not None and self.most < MOST_WHOLE:
            return tuple(map(str, range(self.least or 0, self.most + 1)))
        return () if self.is_pairs else tuple(self.offered) or self.words

    @property
    def help_text(self) -> str:
        """Text of the help with the choices."""
        *first, last = self.words or ("",)
        return self.help if not last else f"{self.help}: {', '.join(first)} or {last}."

    @property
    def doc_type(self) -> str:
        """Type as numpydoc writes it."""
        words = () if callable(self.choices) else self.choices
        listed = "{" + ", ".join(f'"{word}"' for word in words) + "}" if words else self.kind.doc
        return listed + (", optional" if self.default is None else "")

    def check(self, value: Any) -> None:
        """Check a value, None excepted.

        Raises UsageError if it has the wrong type or is out of range; the message names the keyword.
        """
        kind = self.kind
        if value is None:
            return
        is_typed = isinstance(value, kind.type) and (kind.type is bool or not isinstance(value, bool))
        if not is_typed or (
            self.is_pairs and not all(isinstance(each, str) for pair in value.items() for each in pair)
        ):
            raise UsageError(f"{self.name}= takes {kind.words}, not {value!r}")
        check_finite(value, f"{self.name}=")
        if self.valid is not None:
            wrong, needs = not self.valid(value), self.needs
        elif self.is_pairs:
            wrong, needs = bool(self.names) and any(name not in self.names for name in value), self.needs
        elif words := () if callable(self.choices) else self.choices:
            wrong, needs = value not in words, f"is one of {', '.join(words)}"
        elif self.least is not None or self.most is not None:
            least, most = self.least or 0, self.most
            wrong = value < least or (most is not None and value > most)
            needs = f"is a whole number {f'of {least} or more' if most is None else f'from {least} to {most}'}"
        else:
            return
        if wrong:
            raise UsageError(f"{self.name}= {needs}, not {_show(value, kind)}")


def _show(value: Any, kind: Kind) -> str:
    """Return a wrong value for a message."""
    if kind.type is Mapping:
        return ", ".join(value)
    if kind.type is Real:
        return str(value)[:20]
    return repr(value) if isinstance(value, str) and kind.type is str else str(value)


def option(flag: str = "", *, default: Any = None, default_factory: Any = None, **how: Any) -> Any:
    """Declare a field that is an option; parameters as in `Option`; `default=MISSING` makes it required."""
    given = {_META: {"flag": flag, **how}}
    if default_factory is not None:
        return field(default_factory=default_factory, metadata=given)
    return field(default=default, metadata=given)


def option_of(name: str, annotation: str, declared: Any) -> Option | None:
    """Return the option that a field declares, of a dataclass or as the default of a parameter; None of any other."""
    if _META not in getattr(declared, "metadata", ()):
        return None
    how = dict(declared.metadata[_META])
    words = how.get("help", "")
    how["doc"] = how.get("doc") or (f"{words.rstrip('.')}." if words else "")
    flag = how.pop("flag") or f"--{name.replace('_', '-')}"
    default = None if callable(declared.default_factory) else declared.default
    return Option(name=name, annotation=annotation, default=default, flag=flag, **how)


@cache
def options_of(declared: Any) -> dict[str, Option]:
    """Return the options of a dataclass by name, in the order of its fields; other fields are left out."""
    made = (option_of(each.name, str(each.type), each) for each in fields(declared))
    return {each.name: each for each in made if each is not None}


def lines_of_recipe(options: Iterable[Option]) -> dict[str, dict[str, Option]]:
    """Return the options that a recipe keeps by section and line, in the order in which they are written."""
    found: dict[str, dict[str, Option]] = {}
    for each in sorted(options, key=lambda each: each.rank):
        section, _, line = each.toml.partition(".")
        if section:
            found.setdefault(section, {}).update(dict.fromkeys([line] if line else each.names, each))
    return found


class Documented(Protocol):
    """A declaration, as documentation lists it."""

    @property
    def name(self) -> str:
        """Name of the field."""

    @property
    def doc_type(self) -> str:
        """Type as numpydoc writes it."""

    @property
    def doc(self) -> str:
        """Meaning."""


def document(declared: Any, options: Iterable[Documented] | None = None) -> None:
    """Insert the section Parameters into the docstring of a dataclass of options; its own if none are passed."""
    lines = ["    Parameters", "    ----------"]
    for each in options_of(declared).values() if options is None else options:
        lines += [
            f"    {each.name} : {each.doc_type}",
            *wrap(each.doc, 112, initial_indent=" " * 8, subsequent_indent=" " * 8),
        ]
    summary, _, rest = declared.__doc__.partition("\n\n")
    declared.__doc__ = "\n\n".join([summary, "\n".join(lines), rest])
