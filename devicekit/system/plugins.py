"""Registries: modules of one kind, one file each in a folder of ours, and those that other packages announce."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from devicekit.core.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


@cache
def _find_entry_points(group: str, path: tuple[str, ...]) -> Sequence[EntryPoint]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def find_announcements(group: str) -> Sequence[EntryPoint]:
    """Return what other packages announce in an entry-point group.

    It is looked for once for each `sys.path`: every installed package is opened for it, and a reading asks many times.
    """
    return _find_entry_points(group, tuple(sys.path))


def discover(group: str, noun: str) -> dict[str, Any]:
    """Load everything that other packages announce in an entry-point group; `noun` names the kind in messages.

    Raises UsageError if one cannot be imported.
    """
    found = {}
    for entry in find_announcements(group):
        try:
            found[entry.name] = entry.load()
        except Exception as error:  # whatever a foreign package trips over
            raise UsageError(f"the {noun} {entry.name!r} of another package does not load: {error}") from error
    return found


@dataclass(frozen=True)
class Registry:
    """Modules of one kind. A new one is a new file in the folder, or an entry point of another package.

    Parameters
    ----------
    package : str
        Package of ours, such as devicekit.exporters.targets: one file each, named as users type it.
    group : str
        Entry-point group of other packages.
    noun : str
        Name of the kind in messages, such as "exporter".
    """

    package: str
    group: str
    noun: str

    def builtin_names(self) -> list[str]:
        """Return the names of ours, in alphabetical order, without importing one of them."""
        folder = Path(__file__).parents[2].joinpath(*self.package.split("."))
        return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")

    def names(self) -> list[str]:
        """Return the names of ours, then of those that other packages announce."""
        foreign = (entry.name for entry in find_announcements(self.group))
        return list(dict.fromkeys([*self.builtin_names(), *foreign]))

    def load(self, name: str) -> Any:
        """Import one of ours by its name."""
        return import_module(f"{self.package}.{name}")

    def all(self) -> dict[str, Any]:
        """Load all by name: those of other packages first, then ours.

        Raises
        ------
        UsageError
            If another package announces one that cannot be imported.
        """
        return {**discover(self.group, self.noun), **_load_builtin(self)}

    def descriptors(self, attribute: str, kind: type[T]) -> dict[str, T]:
        """Return what each module holds under `attribute`: a descriptor of that kind, which bears the module's name.

        Raises
        ------
        UsageError
            If one holds something else.
        """
        found = {}
        for name, module in self.all().items():
            descriptor = getattr(module, attribute)
            if not isinstance(descriptor, kind) or descriptor.name != name:  # type: ignore[attr-defined]
                raise UsageError(
                    f"the {self.noun} {name!r}: {attribute} must be a {kind.__name__} of that name, not {descriptor!r}"
                )
            found[name] = descriptor
        return found


@cache
def _load_builtin(registry: Registry) -> dict[str, Any]:
    return {name: registry.load(name) for name in registry.builtin_names()}


LAWS = Registry("devicekit.models.laws", "devicekit.laws", "update law")
CURVES = Registry("devicekit.models.curves", "devicekit.curves", "curve law")
READERS = Registry("devicekit.readers.formats", "devicekit.readers", "reader")
KINDS = Registry("devicekit.readers.kinds", "devicekit.kinds", "kind of table")
EXPORTERS = Registry("devicekit.exporters.targets", "devicekit.exporters", "exporter")
POLICIES = Registry("snn.policies", "devicekit.policies", "pulse policy")
GRADIENTS = Registry("snn.gradients", "devicekit.gradients", "gradient")
MERITS = Registry("devicekit.features.merits", "devicekit.merits", "figure of merit")
FIGURES = Registry("devicekit.figures.panels", "devicekit.figures", "panel")
CONDUCTION = Registry("physics.laws.conduction", "devicekit.conduction", "conduction law")
REACTIONS = Registry("physics.laws.reaction", "devicekit.reactions", "reaction law")
HEAT = Registry("physics.laws.heat", "devicekit.heat", "heat law")
