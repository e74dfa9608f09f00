"""Placement of devices, cycles and directions: in a column, side by side, stacked, in sheets, in files, or nowhere."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from grids import Column, Num
from measurements import Part
from words import CYCLE_FORMS, CYCLE_WORDS, DEVICE_FORMS, DEVICE_VALUES, DEVICE_WORDS, DIRECTION_WORDS, LEVEL_WORDS

ORDER = ("width", "device", "cycle", "direction", "level", "repeat")
PANELS = ("side", "stack")

# weight of each placement
PLACEMENTS: dict[str, dict[str, float]] = {
    "device": {"column": 5, "wide": 3, "side": 1.5, "stack": 1, "sheets": 1.5, "files": 3},
    "cycle": {"column": 4, "wide": 3, "side": 1.2, "stack": 1, "sheets": 1, "files": 2, "order": 3},
    "direction": {"column": 5, "sign": 2, "wide": 2.5, "order": 4.5, "stack": 0.4, "files": 0.5, "sheets": 0.4},
    "level": {"column": 3, "wide": 5},
    "repeat": {"column": 1, "order": 1},
    "width": {"files": 1},
}


def draw_placements(rng: random.Random, counts: dict[str, int]) -> dict[str, str]:
    """Draw where each of them is given; `none` where there is only one, given nowhere."""
    while True:
        placements = {}
        for name, n in counts.items():
            options = PLACEMENTS[name]
            if n == 1:
                placements[name] = "column" if name != "width" and rng.random() < 0.25 else "none"
            else:
                placements[name] = rng.choices(tuple(options), tuple(options.values()))[0]
        if _is_possible(placements):
            return placements


def _is_possible(placements: dict[str, str]) -> bool:
    where: dict[str, set[str]] = {}
    for name, how in placements.items():
        where.setdefault(how, set()).add(name)
    files, sheets, wide = (where.get(how, set()) for how in ("files", "sheets", "wide"))
    panels = where.get("side", set()) | where.get("stack", set())
    many = (panels | wide) & {"device", "cycle"}
    if len(many) > 1 or len(panels) > 1 or len(sheets) > 1:
        return False
    if len(files) > 2 or (len(files) == 2 and "device" not in files) or ("width" in files and len(files) > 1):
        return False
    if placements.get("cycle") == "order" and placements.get("direction", "column") not in ("column", "sign", "order"):
        return False
    return not (placements.get("level") == "wide" and panels and placements["device"] == "stack")


@dataclass
class Labels:
    """Names of devices, cycles and so on: `forms` by name; `named` is true if the form contains a word."""

    forms: dict[str, Callable[[object], str]] = field(default_factory=dict)
    patterns: dict[str, str] = field(default_factory=dict)
    named: dict[str, bool] = field(default_factory=dict)

    def of(self, name: str, part: Part) -> str:
        return self.forms[name](part.keys[name])


def _letter(number: object) -> str:
    return "ABCDEFGH"[int(str(number)) - 1]


def draw_label(rng: random.Random, labels: Labels, name: str, how: str) -> None:
    """Draw the names of devices or cycles."""
    form = rng.choice(DEVICE_FORMS if name == "device" else CYCLE_FORMS)
    named = how in ("column", "order", "none") or rng.random() < 0.72
    if how == "column":
        form = rng.choice(DEVICE_VALUES) if name == "device" else "{}"
    elif not named:
        options = {
            "wide": ("\0{}", "\0 {}", "\0", "letter"),
            "sheets": ("Sheet{}", "Sheet{}", "{}", "letter"),
            "files": ("{}", "letter", "{}"),
            "side": ("",),
            "stack": ("",),
        }[how]
        form = rng.choice(options)
        if form == "letter" and name == "cycle":
            form = "{}" if how != "wide" else "\0{}"
    labels.named[name] = named
    labels.patterns[name] = re.escape(form).replace(r"\{\}", r"(\d+)")
    if form == "letter":
        labels.patterns[name] = "([A-H])"
        labels.forms[name] = _letter
    else:
        labels.forms[name] = lambda number: form.format(number)


def group_parts(parts: Iterable[Part], names: list[str]) -> list[tuple[tuple[object, ...], list[Part]]]:
    """Group parts by their keys, in their order."""
    found: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        found.setdefault(tuple(part.keys[name] for name in names), []).append(part)
    return list(found.items())


@dataclass
class Layout:
    """Properties of the columns of a table, drawn once for all tables of a case."""

    kind: str
    placements: dict[str, str]
    labels: Labels
    words: dict[str, str]
    units: dict[str, str]
    index: str = "none"  # none, restart, running
    base: int = 1
    cycle_base: int = 1
    twice: str = ""  # name of a second counter
    amplitude: tuple[str, str] = ("", "")
    point: bool = False
    before: bool = True
    worded: bool = True  # a word for the quantity in wide names
    axis: str = ""  # the role of the axis: voltage, number, time, delay; empty for pulses

    def names_placed(self, how: str) -> list[str]:
        return [name for name in ORDER if self.placements.get(name) == how]


ROLES = {"voltage": "voltage_v", "number": "cycle", "time": "time_s", "delay": "spike_delay_s", "state": "state"}


def build_columns(layout: Layout, parts: list[Part]) -> list[Column]:
    """Build the columns of one table: labels, index or axis, and one column of states for each series."""
    wide = layout.names_placed("wide")
    rows = [name for name in ORDER if name in layout.placements and name not in wide]
    lines = group_parts(parts, rows)
    keys = [key for key, _ in group_parts(parts, wide)]
    labels: dict[str, list[str]] = {name: [] for name in layout.names_placed("column")}
    signs: list[str] = []
    index: list[str] = []
    axis: list[str] = []
    states: dict[tuple[object, ...], list[str]] = {key: [] for key in keys}
    ran: dict[object, int] = {}
    for _, group in lines:
        longest = max(group, key=lambda part: part.size)
        n = longest.size
        for name, cells in labels.items():
            word = _label_cell(layout, name, longest)
            cells += [word] * n
        if layout.placements.get("direction") == "sign":
            signs += [Num(layout.amplitude[longest.keys["direction"] == "ltd"])] * n
        who = (longest.keys.get("device"), longest.keys.get("cycle") if "cycle" in layout.names_placed("column") else 0)
        start = layout.base + (ran.get(who[0], 0) if layout.index == "running" else 0)
        index += [Num(start + k) for k in range(n)]
        ran[who[0]] = ran.get(who[0], 0) + n
        axis += longest.cells.get(layout.axis, [])
        here = {tuple(part.keys[name] for name in wide): part for part in group}
        for key, cells in states.items():
            part = here.get(key)
            own = part.cells["state"] if part else []
            cells += own + [""] * (n - len(own))
    columns = [_label_column(layout, name, cells) for name, cells in labels.items()]
    if signs:
        columns.append(Column(layout.words["sign"], signs, layout.units["sign"], role="pulse_voltage_v"))
    if layout.twice:
        columns.append(Column(layout.twice, [Num(k + 1) for k in range(len(index))]))
    if layout.index != "none":
        role = "point" if layout.kind == "sweeps" else "pulse_index"
        columns.append(Column(layout.words["index"], index, role=role))
    if layout.axis:
        unit = layout.units.get("axis", "")
        columns.append(Column(layout.words["axis"], axis, unit, role=ROLES[layout.axis]))
    for key, cells in states.items():
        found = next(part for part in parts if tuple(part.keys[name] for name in wide) == key)
        qualifier = " ".join(filter(None, (layout.labels.of(name, found) for name in wide)))
        if qualifier.startswith("\0") and " " in qualifier.strip("\0 "):  # a number and a direction: G 1 LTP
            qualifier = qualifier.lstrip("\0 ")
        word = layout.words["state"]
        if wide and qualifier.strip("\0 ") and not layout.worded:
            word, qualifier = "", qualifier.lstrip("\0 ")
        columns.append(Column(word, cells, layout.units["state"], qualifier, "" if wide else "state", layout.before))
    return columns


def _label_cell(layout: Layout, name: str, part: Part) -> str:
    if name == "cycle":
        return Num(int(str(part.keys["cycle"])) - 1 + layout.cycle_base)
    if name == "repeat":
        return Num(part.keys["repeat"])
    text = layout.labels.of(name, part)
    return Num(text) if text.isdigit() else text


def _label_column(layout: Layout, name: str, cells: list[str]) -> Column:
    role = {"device": "device_id", "cycle": "cycle"}.get(name, name)
    return Column(layout.words[name], cells, role=role)


def draw_label_words(rng: random.Random) -> dict[str, str]:
    """Draw names for columns of labels."""
    return {
        "device": rng.choice(DEVICE_WORDS),
        "cycle": rng.choice(CYCLE_WORDS),
        "direction": rng.choice(DIRECTION_WORDS),
        "level": rng.choice(LEVEL_WORDS),
        "repeat": rng.choice(("Repeat", "Trial #", "repeat", "Repetition")),
    }
