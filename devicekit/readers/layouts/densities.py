"""Densities (A/cm2, uA/um, S/m), which become currents and states by the size of the device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devicekit.core.errors import Blank, Choice, QuestionError, UsageError
from devicekit.names.units import multiply_by_size, parse_size
from devicekit.readers.header import Heading
from devicekit.readers.questions import NONE_OF_THESE, ask
from devicekit.system.options import ReadOptions

_UNKNOWN = {2: "1 cm2", 1: "1 m"}  # sizes by which the numbers stay those of the file, or nearly


def is_density(head: Heading) -> bool:
    """Return whether a column holds a density that a size of the device turns into a current or a state."""
    return head.unit is not None and head.unit.quantity == "density" and bool(head.unit.of)


def use_area(head: Heading, options: ReadOptions, where: str) -> Heading:
    """Return the heading of a density as that of a current or a state of a device of the given size.

    Raises
    ------
    UsageError
        If the size does not fit the density: a width for A/cm2.
    """
    size = parse_size(options.device_area) if options.device_area is not None else None
    if size is None or head.unit is None or not is_density(head):
        return head
    unit = multiply_by_size(head.unit, size)
    if unit is None:
        needed = "an area" if abs(head.unit.length) == 2 else "a width, or an area over a length"
        raise UsageError(f"{where}: {head.name} in {head.word} needs {needed}, not device_area={options.device_area}")
    return replace(head, word=None, unit=unit, quantity=unit.quantity)  # without the word: a recipe keeps the factor


def ask_area(headings: Iterable[Heading], options: ReadOptions, where: str) -> QuestionError | None:
    """Return the question for the size of the device if the table holds a density; else None."""
    found = next((head for head in headings if is_density(head)), None)
    if found is None or found.unit is None or options.device_area is not None:
        return None
    unknown = _UNKNOWN.get(abs(found.unit.length), "1 m")
    return ask(
        where,
        f"{found.name} is in {found.word}: which size has the device? Give an area, a width, or an area over a length",
        (
            Choice.of("numbers times the size", device_area=Blank("SIZE")),
            Choice.of(f"unknown: as if the device had {unknown}", device_area=unknown),
            NONE_OF_THESE,
        ),
    )
