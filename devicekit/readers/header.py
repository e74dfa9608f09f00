"""What a column's name says: the quantity, the unit in brackets, and whether it names a device or a cycle."""

from __future__ import annotations

import re

from devicekit.names import GLOSSARY, Unit, parse_unit

_BRACKETS = re.compile(r"^(.*?)\s*[\[(]\s*([^\])]+?)\s*[\])]\s*$")
_SLASH = re.compile(r"^(.*?)\s*/\s*(\S+)$")
_SUFFIX = re.compile(r"^(.*?)_([fpnuµμmkMG]?(?:A|V|S|ohm|Ohm|Ω))$")
_CYCLE = re.compile(r"(?i)(cycle|cyc|ramp|rmp|run|sweep|loop)[ _#-]*(\d+)")
_DEVICE = re.compile(r"(?i)^(dev(ice)?|cell|sample|d|dut|r\d+c)[ _#-]*\w*$")


def unit_of(name: str) -> tuple[str, str | None]:
    """The bare name and the unit word of a column such as `I (uA)`, `V [V]`, `R/kohm`, `I_nA`."""
    if name in GLOSSARY and parse_unit(GLOSSARY[name].unit) is not None:  # one of our own names: time_s
        return name.rpartition("_")[0], GLOSSARY[name].unit
    for pattern in (_BRACKETS, _SLASH, _SUFFIX):
        found = pattern.match(name.strip())
        if found and parse_unit(found[2]) is not None:
            return found[1].strip(), found[2]
    return name.strip(), None


def stated_unit(name: str) -> Unit | None:
    """The unit that a column's name states, or None."""
    word = unit_of(name)[1]
    return parse_unit(word) if word else None


def quantity_of(name: str) -> str | None:
    """What the stated unit of a column measures, or None."""
    unit = stated_unit(name)
    return unit.quantity if unit else None


def cycle_of(name: str) -> int | None:
    """The cycle that a column's name states (`cycle 3`, `rmp12`), or None."""
    found = _CYCLE.search(name)
    return int(found[2]) if found and len(found[2]) < 10 else None


def names_device(name: str) -> bool:
    """Whether the name is that of a device (`dev1`, `cell 4`, `D7`)."""
    return bool(_DEVICE.match(unit_of(name)[0]))


_BARE = {"v": "voltage", "voltage": "voltage", "bias": "voltage", "i": "current", "current": "current"}


def names_quantity(name: str) -> str | None:
    """What a column measures: by its unit, or because it is plainly called V, I, voltage or current."""
    return quantity_of(name) or _BARE.get(unit_of(name)[0].lower())
