"""Results as `print` shows them: a line that names the result, a few sentences or numbers, the warnings that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import islice
from numbers import Integral, Real
from textwrap import fill
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from devicekit.core.codes import WARNING_CODES
from devicekit.core.text import closest, count

WIDTH, LONGEST_REPR = 100, 120  # characters
MOST_LINES = 6
_USUAL = {
    **dict.fromkeys(("summary", "describe", "info"), "print(result)"),
    **dict.fromkeys(("to_dict", "to_json", "json", "asdict"), "as_dict()"),
    **dict.fromkeys(("show", "figure", "draw"), "plot(), which returns the Axes"),
}  # what users of other packages look for, and what it is here


class Printed:
    """Base of a public result: `print` shows a few lines of it, and a wrong attribute names the right one.

    Attributes
    ----------
    also_called : mapping of str to str
        Names under which users look for something, and where it is.
    """

    also_called: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in vars(cls):  # a dataclass would make a long one
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        return short_repr(self)

    def summary_lines(self) -> list[str]:
        """Return what `print` shows below the first line: verdict and sentences, or labelled numbers."""
        verdict, sentences = getattr(self, "verdict", ""), getattr(self, "sentences", None)
        found = [verdict() if callable(verdict) else verdict, *(sentences() if callable(sentences) else ())]
        if not any(found) and hasattr(self, "pairs"):
            found = [f"{name}: {value}" for name, value in self.pairs()]
        return [line for line in dict.fromkeys(found) if line]

    def __str__(self) -> str:
        lines = self.summary_lines()
        shown = lines[:MOST_LINES]
        if len(lines) > MOST_LINES:
            shown.append(f"... {len(lines) - MOST_LINES} more lines: .summary_lines()")
        shown += _warning_lines(getattr(self, "warnings", ()))
        indented = [fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ") for line in shown]
        return "\n".join([repr(self), *indented])

    if not TYPE_CHECKING:  # a checker would take every name for an attribute

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or hasattr(type(self), name):
                return object.__getattribute__(self, name)  # raises what it raised before
            raise AttributeError(unknown_attribute(self, name))

        def __getitem__(self, key: Any) -> Any:
            known = isinstance(key, str) and not key.startswith("_") and hasattr(self, key)
            way = f".{key}" if known else self.also_called.get("[]", "attributes, which dir(...) lists")
            raise TypeError(f"{type(self).__name__} has no items such as [{key!r}]: use {way}")


class Uncallable(ModuleType):
    """A module that users take for a function; its `called` says what to call."""

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Refuse the call."""
        raise TypeError(self.called)


def _warning_lines(warnings: Sequence[Any]) -> list[str]:
    """Return the most important warning with what to do, and how many others there are."""
    coded = [each for each in dict.fromkeys(warnings) if each.code in WARNING_CODES]
    if not coded:
        return []
    first = min(coded, key=lambda each: WARNING_CODES[each.code].rank)
    what = WARNING_CODES[first.code].what_to_do
    more = f" ({count(len(coded) - 1, 'more warning')}: .warnings)" if len(coded) > 1 else ""
    return [f"[{first.code}] {first.message}. {what[0].upper()}{what[1:]}.{more}"]


def unknown_attribute(value: Any, name: str) -> str:
    """Return the message of an attribute that a result does not have, with where it is or what is near."""
    message = f"{type(value).__name__} has no attribute {name!r}"
    meant = value.also_called.get(name) or _USUAL.get(name)
    if meant is None:
        meant = closest(name, (each for each in dir(value) if not each.startswith("_")))
    return f"{message}: use {meant}" if meant else f"{message}; dir(...) lists what it has, print(...) shows it"


def short_repr(value: Any) -> str:
    """Return a dataclass or a block of a card in one line: its numbers and texts, and the sizes of what it holds."""
    kind: Any = type(value)
    names = [each.name for each in fields(kind) if each.repr] if is_dataclass(kind) else kind.model_fields
    parts = [text for name in names if (text := _describe_field(name, getattr(value, name))) is not None]
    shown, length = [], len(type(value).__name__)
    for part in parts:
        length += len(part) + 2
        if length > LONGEST_REPR - 5:
            shown.append("...")
            break
        shown.append(part)
    return f"<{type(value).__name__}{': ' if shown else ''}{', '.join(shown)}>"


def _describe_field(name: str, value: Any) -> str | None:
    """Return a field in a few characters; None for what takes more, or for nothing."""
    if value is None or (isinstance(value, str | Sequence | Mapping) and not len(value)):
        return None
    if isinstance(value, bool | Integral):
        return f"{name}={value}"
    if isinstance(value, Real):
        return f"{name}={float(value):.4g}"
    if isinstance(value, str):
        return f"{name}={value if len(value) <= 40 else value[:37] + '...'!r}"
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not _is_short(value)):
        return f"{len(value)} {name}"
    return f"{name}={', '.join(map(str, value))}" if isinstance(value, Sequence) else None


def _is_short(values: Sequence[Any]) -> bool:
    return len(values) <= 3 and all(isinstance(each, str | int | float) for each in islice(values, 3))
