"""Terminals in column names: AV and AI, V_top and I_top, SMU1.V and SMU1.I, Voltage1 and Current1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.readers.lexicon import means, normalise_name

HELD = 0.01  # of the largest change of a voltage; a voltage that changes less is held
_WORD = r"(?P<quantity>voltage|volt|current|curr|v|i)"
_FORMS = (
    re.compile(rf"(?i){_WORD}[ _.\-]*(?P<terminal>[a-z0-9]\w*)"),
    re.compile(rf"(?i)(?P<terminal>(?:\w|[ .\-])*?[a-z0-9])[ _.\-]*{_WORD}(?P<index>(?:\[\d+\])*)"),
)
_UNIT = re.compile(r"\s*\([^)]*\)\s*$")
_CHANGE = re.compile(r"[dδΔ][VI]")  # dI, dV


def is_gate(name: str) -> bool:
    """Return whether a column is named for a transistor's gate."""
    return means("gate", normalise_name(name))


def warn_of_gate(swept: Iterable[str], where: str) -> list[CodedWarning]:
    """Return the warning that swept voltages are those of a gate; none for other names."""
    gate = next(filter(is_gate, swept), None)
    if gate is None:
        return []
    text = f"{where}: {gate} is the voltage of a gate: voltage_v and current_a are a transistor's transfer curve"
    return [CodedWarning("transistor", f"{text}, not the I-V of two terminals")]


def split_terminal(name: str) -> list[tuple[str, str, str]]:
    """Return each way to read a name as quantity, terminal and form: AV is a voltage of `a`, in front of it."""
    bare = _UNIT.sub("", name).strip()
    found = []
    for form in () if _CHANGE.fullmatch(bare) else _FORMS:
        if match := form.fullmatch(bare):
            parts = match.groupdict(default="")
            terminal = re.sub(r"[ _.\-]", "", parts["terminal"]).lower() + parts.get("index", "")
            quantity = "voltage" if parts["quantity"][0] in "vV" else "current"
            found.append((quantity, terminal, f"{form.groupindex['quantity']} {len(terminal)}"))
    return found


def find_pairs(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the columns of each terminal by quantity, where at least one terminal has a voltage and a current.

    A name of the same form as those of a pair counts alone too: AV beside BV and BI.
    """
    found: dict[tuple[str, str], list[str]] = {}
    forms: dict[tuple[str, str], str] = {}
    for name in names:
        for quantity, terminal, form in split_terminal(name):
            found.setdefault((terminal, quantity), []).append(name)
            forms[terminal, quantity] = form
    single = {key: names[0] for key, names in found.items() if len(names) == 1}
    paired = {t for t, _ in single if {(t, "voltage"), (t, "current")} <= set(single)}
    paired = {t for t in paired if single[t, "voltage"] != single[t, "current"]}
    shapes = {forms[t, quantity] for t in paired for quantity in ("voltage", "current")}
    pairs: dict[str, dict[str, str]] = {}
    for (terminal, quantity), name in single.items():
        if terminal in paired or forms[terminal, quantity] in shapes:
            pairs.setdefault(terminal, {})[quantity] = name
    used = [name for pair in pairs.values() for name in pair.values()]
    return {terminal: pair for terminal, pair in pairs.items() if all(used.count(name) == 1 for name in pair.values())}


def find_swept(names: Iterable[str], values: Callable[[str], pd.Series | None]) -> list[str]:
    """Return the voltages that change; if none changes, those that are not 0 V."""
    numbers = {name: each.dropna().to_numpy(float) for name in names if (each := values(name)) is not None}
    ranges = {name: float(np.ptp(each)) for name, each in numbers.items() if each.size}
    largest = max(ranges.values(), default=0.0)
    if largest > 0:
        return [name for name, each in ranges.items() if each > HELD * largest]
    return [name for name in ranges if numbers[name].any()]


def find_driven(pairs: Mapping[str, Mapping[str, str]], values: Callable[[str], pd.Series | None]) -> str | None:
    """Return the one terminal whose voltage changes, or is not 0 V if none changes; None if it is unclear."""
    terminals = {pair["voltage"]: terminal for terminal, pair in pairs.items() if "voltage" in pair}
    swept = find_swept(terminals, values)
    return terminals[swept[0]] if len(swept) == 1 else None
