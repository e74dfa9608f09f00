"""Settings that are declared once: validation, documentation, command line and study files follow.

    @dataclass(frozen=True, kw_only=True)
    class WireSettings(Settings):
        wire_ohm: float = setting(0.0, "Resistance of a line between neighbouring devices [ohm].", within=(0.0, 1e6))

What a setting accepts is its type: one of the words of a Literal, a number within its range, true or false, or two
numbers; None where the type has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from inspect import get_annotations
from types import NoneType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from devicekit.core.errors import ParameterError, UsageError

_META = "setting"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Declaration of a setting.

    Attributes
    ----------
    name, kind, optional, default
        Of the field; `kind` is its type without None, `optional` is True if it may be None.
    doc : str
        What it does.
    label : str
        Label in the app; the name if "".
    within : (float, float) or None
        Range of a number, both ends included.
    zero : str
        What 0 means for a number of levels, of which there are at least two; "" for other numbers.
    example : str
        Two numbers as they are written in one word.
    sets : str
        Sets that it belongs to (`Settings.names`), those of its group if not given: "benchmark" may change it (others
        would define another task, for which no null was measured); "classifier" has it as a parameter, which makes
        sense with "devices" alone; it is taken from the "card" where it is None.
    """

    name: str
    kind: Any
    optional: bool
    default: object
    doc: str
    label: str = ""
    within: tuple[float, float] | None = None
    zero: str = ""
    example: str = ""
    sets: str = ""

    @property
    def form(self) -> str:
        """Label in the app."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def doc_type(self) -> str:
        """Type and range, as documentation writes them."""
        if get_origin(self.kind) is Literal:
            words = "{" + ", ".join(f'"{each}"' for each in get_args(self.kind)) + "}"
        elif get_origin(self.kind) is tuple:
            words = "(" + ", ".join(each.__name__ for each in get_args(self.kind)) + ")"
        else:
            words = self.kind.__name__
        if self.within is not None:
            words += ", {} to {}".format(*(str(each) if self.kind is int else f"{each:g}" for each in self.within))
        return f"{words} or None" if self.optional else words

    def check(self, value: object) -> None:
        """Refuse a value that is not allowed, by UsageError."""
        kind = self.kind
        if value is None and self.optional:
            return
        if get_origin(kind) is Literal and value not in get_args(kind):
            *first, last = (repr(each) for each in get_args(kind))
            raise UsageError(f"{self.name} must be {', '.join(first)} or {last}, not {value!r}.")
        if kind is bool and not isinstance(value, bool):
            raise UsageError(f"{self.name} must be true or false, not {value!r}.")
        if self.within is not None:
            low, high = self.within
            words, kinds = ("a whole number", (int,)) if kind is int else ("a number", (int, float))
            if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
                raise UsageError(f"{self.name} must be {words} from {low} to {high}, not {value!r}.")
        if self.zero and value == 1:
            raise UsageError(f"{self.name} must be 0 ({self.zero}) or at least 2, not 1.")
        if kind == tuple[float, float]:
            two = isinstance(value, tuple) and len(value) == 2
            if not two or not all(isinstance(v, (int, float)) and 0 < v < float("inf") for v in value):  # type: ignore[attr-defined]
                words = f"two positive numbers, one per layer, such as {self.example}"
                raise UsageError(f"{self.name} must be {words}; not {value!r}.")

    def of_word(self, value: object) -> object:
        """Return the value of a study file or the command line; two numbers are one word there, 64x64 or 1.5,2.0.

        Raises
        ------
        ParameterError
            If the word is not two numbers.
        """
        if get_origin(self.kind) is not tuple or not isinstance(value, str):
            return value
        try:
            first, second = (float(part) for part in value.replace("x", ",").split(","))
        except ValueError:
            raise ParameterError(f"{self.name} takes two numbers, such as {self.example}, not {value!r}") from None
        whole = int in get_args(self.kind) and first.is_integer() and second.is_integer()
        return (int(first), int(second)) if whole else (first, second)


def setting(default: object, doc: str, **how: Any) -> Any:
    """Declare a setting; `how` are other attributes of `Setting`."""
    return field(default=default, metadata={_META: {"doc": doc, **how}})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of a group of settings that are declared by `setting`, with the sets of all; their values are checked."""

    _sets: ClassVar[str] = ""

    def __init_subclass__(cls, sets: str = "") -> None:
        cls._sets = sets

    def __post_init__(self) -> None:
        for each in self.declared().values():
            each.check(getattr(self, each.name))

    @classmethod
    def declared(cls) -> dict[str, Setting]:
        """Return the declarations by name."""
        kind: Any = cls  # hashable, which its metaclass does not say
        return _declared(kind)

    @classmethod
    def names(cls, of: str) -> tuple[str, ...]:
        """Return the names of a set."""
        return tuple(name for name, each in cls.declared().items() if of in each.sets.split())

    @classmethod
    def of_words(cls, given: Mapping[str, object]) -> dict[str, Any]:
        """Return values of a study file or the command line as they are passed in Python (`Setting.of_word`)."""
        known = cls.declared()
        return {name: known[name].of_word(value) if name in known else value for name, value in given.items()}


@cache
def _declared(cls: Any) -> dict[str, Setting]:
    hints, found = get_type_hints(cls), dict[str, Setting]()
    groups = {name: group._sets for group in reversed(cls.__mro__[:-1]) for name in get_annotations(group)}
    for each in fields(cls):
        kinds = get_args(hints[each.name]) if NoneType in get_args(hints[each.name]) else (hints[each.name],)
        found[each.name] = Setting(
            name=each.name,
            kind=next(kind for kind in kinds if kind is not NoneType),
            optional=NoneType in kinds,
            default=each.default,
            **{"sets": groups[each.name], **each.metadata[_META]},
        )
    return found
