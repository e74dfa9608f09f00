"""Draft of a case: its data, the names of its numbers, and what the file leaves unstated."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import measurements
import numpy as np
import words
from grids import Num, choose_fixed_format, format_numbers
from layouts import Labels, Layout, draw_label, draw_label_words, draw_placements
from measurements import Part
from words import Unit

KINDS = {"pulses": 0.56, "sweeps": 0.18, "endurance": 0.09, "retention": 0.1, "stdp": 0.07}


@dataclass
class Draft:
    """A case while it is drawn. A reader must ask about `unstated` and must not read `traps` without a question."""

    rng: random.Random
    kind: str
    features: set[str] = field(default_factory=set)
    unstated: set[str] = field(default_factory=set)
    traps: set[str] = field(default_factory=set)
    answers: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    quantity: str = ""
    unit: Unit = field(default_factory=lambda: Unit("", 1.0, ""))
    read_voltage: float | None = None
    voltage_place: str = ""  # column, name, remark, or nowhere
    title_unit: bool = False
    style: str = "round"
    placements: dict[str, str] = field(default_factory=dict)

    def chance(self, share: float, feature: str = "") -> bool:
        """Return True in this share of the draws, and then add the feature."""
        drawn = self.rng.random() < share
        if drawn and feature:
            self.features.add(feature)
        return drawn


def draw_measurements(draft: Draft) -> None:
    """Draw the known data, and the placement of their devices, cycles and directions."""
    rng = draft.rng
    devices = rng.choice((1, 1, 2, 3))
    if draft.kind == "pulses":
        cycles = rng.randint(1, 4 if devices < 3 else 3)
        widths = rng.choice(((1e-7, 3e-7), (1e-7, 3e-7, 1e-6))) if draft.chance(0.03, "files of pulse widths") else ()
        devices = 1 if widths else devices
        most = 60 if devices * cycles < 5 else 30
        up = rng.randint(20, most)
        lengths = (up, up if rng.random() < 0.5 else rng.randint(20, most))
        counts = {"device": devices, "cycle": cycles, "direction": 2}
        draft.placements = draw_placements(rng, counts | ({"width": len(widths)} if widths else {}))
        quiet = draft.placements["direction"] == "order"
        weights = rng.random() < 0.1
        draft.quantity = "weight" if weights else rng.choice(("conductance", "conductance", "current", "resistance"))
        draft.parts = measurements.make_pulses(rng, devices, cycles, lengths, quiet, weights, widths)
        draft.answers["pulses"] = lengths[:1] if lengths[0] == lengths[1] else lengths
    elif draft.kind == "sweeps":
        cycles = rng.randint(1, 4)
        draft.placements = draw_placements(rng, {"device": devices, "cycle": cycles})
        draft.quantity = "current"
        draft.parts = measurements.make_sweeps(rng, devices, cycles)
    elif draft.kind == "stdp":
        repeats = rng.choice((1, 1, 2, 3))
        draft.placements = draw_placements(rng, {"device": devices, "repeat": repeats})
        draft.quantity = "change"
        draft.parts = measurements.make_stdp(rng, devices, repeats)
    else:
        levels: tuple[str, ...] = ("hrs", "lrs")
        if draft.kind == "retention" and rng.random() < 0.4:
            levels = tuple(f"level{k}" for k in range(1, rng.choice((1, 3, 4)) + 1))
        draft.placements = draw_placements(rng, {"device": devices, "level": len(levels)})
        draft.quantity = rng.choice(("conductance", "resistance", "resistance", "current"))
        draft.parts = (
            measurements.make_endurance(rng, devices)
            if draft.kind == "endurance"
            else measurements.make_retention(rng, devices, levels)
        )
    draft.answers["kind"] = draft.kind


FACTORS = {"conductance": (1.0, 1e-3, 1e-6, 1e-6, 1e-9), "resistance": (1.0, 1e3, 1e3, 1e6)}
SWEEP_FACTORS = (1.0, 1.0, 1e-3, 1e-6)


def draw_numbers(draft: Draft) -> None:
    """Draw quantity, unit and read voltage with their spelling, or leave them out; then print."""
    rng, quantity = draft.rng, draft.quantity
    how = rng.choices(("stated", "trap", "none", "title", "density"), (81, 7, 8.5, 2, 1.5))[0]
    if draft.style == "none":
        how = "none"
    elif quantity in ("weight", "change") and how != "none":
        how = "stated"
    factors = SWEEP_FACTORS if draft.kind == "sweeps" else FACTORS.get(quantity, ())
    draft.unit = words.draw_unit(rng, quantity, factors, plain=draft.style == "underscore")
    if quantity == "conductance" and draft.chance(0.03, "in quanta (G0)") and how == "stated":
        draft.unit = words.draw_unit(rng, quantity, (words.CONDUCTANCE_QUANTUM,))
    if how == "trap":
        draft.unit = words.draw_trap(rng, quantity)
        draft.traps.add(f"unit written {draft.unit.spelled}")
    elif how == "density":
        draft.unit = Unit(words.DENSITIES[quantity], 1.0, "")
        draft.traps.add("density")
    elif how in ("none", "title"):
        draft.unit = draft.unit._replace(spelled="")
        draft.features.add("no unit" if how == "none" else "unit in the title")
        draft.title_unit = how == "title"
    # a weight needs no unit; a change without one may be a fraction or in %
    if (how != "stated" and quantity != "weight") or (quantity == "change" and not draft.unit.spelled):
        draft.unstated.add("numbers")
    if how == "density":
        return _print_cells(draft)
    draft.answers |= {"unit": draft.unit.option}
    if quantity != "change":
        draft.answers |= {"quantity": quantity}
    if quantity == "current" and draft.kind != "sweeps":
        draft.read_voltage = rng.choice((0.1, 0.1, 0.2, 0.05, 0.5, 0.3))
        if draft.kind == "pulses" and draft.chance(0.05, "negative read voltage"):
            draft.read_voltage *= -1
        draft.answers["read_voltage"] = draft.read_voltage
        draft.voltage_place = rng.choice(("column", "column", "name", "remark", "nowhere"))
        draft.features.add(f"read voltage: {draft.voltage_place}")
        if draft.voltage_place == "nowhere":
            draft.unstated.add("numbers")
    _print_cells(draft)


def to_file_units(draft: Draft, state: np.ndarray) -> np.ndarray:
    """Convert the state to the quantity and unit of the file."""
    if draft.quantity == "resistance":
        return 1 / state / draft.unit.factor
    if draft.quantity == "current" and draft.kind != "sweeps":
        return state * (draft.read_voltage or 0.1) / draft.unit.factor
    return state / draft.unit.factor


def to_si(draft: Draft, value: np.ndarray) -> np.ndarray:
    """Convert a printed value to conductance [S] (current of a sweep [A], weight)."""
    value = value * draft.unit.factor
    if draft.quantity == "resistance":
        return 1 / value
    if draft.quantity == "current" and draft.kind != "sweeps":
        return value / (draft.read_voltage or 0.1)
    return value


def _print_cells(draft: Draft) -> None:
    rng = draft.rng
    state = np.concatenate([to_file_units(draft, part.raw["state"]) for part in draft.parts])
    spread = np.abs(state).max() / max(np.abs(state).min(), 1e-300)
    plain = choose_fixed_format(list(np.abs(state)), rng.choice((5, 6, 7)))
    fixed = draft.quantity != "change" and spread < 1e4 and int(plain[1:]) <= 9
    style = rng.choice(("e6", "E6", "E5", "g7", "g8"))
    whole = np.abs(state).min() >= 1000 and np.abs(state).max() < 1e6 and rng.random() < 0.4
    plain = "f0" if whole else plain
    style = plain if fixed and rng.random() < 0.7 else "f5" if draft.quantity == "change" else style
    for part in draft.parts:
        cells = format_numbers(list(to_file_units(draft, part.raw["state"])), style)
        part.cells["state"] = cells
        part.truth["state"] = to_si(draft, np.array([float(cell) for cell in cells]))


def drop_readings(draft: Draft) -> None:
    """Drop readings that failed, although their pulse was applied."""
    if draft.kind == "stdp" or "order" in draft.placements.values() or not draft.chance(0.06, "missing readings"):
        return
    word = draft.rng.choice(("nan", "NaN", "", "N/A", "-", "9.91E+37"))
    for part in draft.parts:
        for k in draft.rng.sample(range(2, part.size - 2), draft.rng.randint(0, 2)):
            part.cells["state"][k] = Num(word) if word[:1] == "9" else word
            part.truth["state"][k] = np.nan


def draw_axis(draft: Draft) -> tuple[str, Unit]:
    """Print the axis of the readings; return its role and unit."""
    rng = draft.rng
    role = {"sweeps": "voltage", "endurance": "number", "retention": "time", "stdp": "delay"}.get(draft.kind, "")
    if not role:
        return "", Unit("", 1.0, "")
    unit = Unit("", 1.0, "")
    style, values = "f0", draft.parts[0].raw[role]
    if role == "voltage":
        unit = words.draw_unit(rng, "voltage", (1.0,) if draft.style == "none" else ())
        style = rng.choice(("f3", "f2", "g6")) if unit.factor == 1 else "f0"
        if draft.chance(0.04, "voltage without unit"):
            unit = Unit("", 1.0, "")
            draft.unstated.add("voltage")
            style = "f3"
    elif role == "time":
        unit = words.draw_unit(rng, "time", (1.0, 1.0, 60.0, 3600.0, 86400.0), draft.style == "underscore")
        style = rng.choice(("g8", "e6")) if unit.factor != 1 else rng.choice(("f0", "f1", "E4"))
        if unit.factor == 1.0 and draft.chance(0.04):
            unit = Unit("S", 1.0, "")
            draft.traps.add("time in S")
    elif role == "delay":
        reach = float(np.abs(values).max())
        factors = (1e-3,) if reach > 2e-3 else (1e-3, 1e-6) if reach > 1e-4 else (1e-6,)
        unit = words.draw_unit(rng, "time", factors, draft.style == "underscore")
        style = rng.choice(("g5", "f3"))
    for part in draft.parts:
        cells = format_numbers([round(value / unit.factor, 9) + 0.0 for value in part.raw[role]], style)
        part.cells[role] = cells
        part.truth[role] = np.array([float(cell) for cell in cells]) * unit.factor
    return role, unit


def draw_layout(draft: Draft) -> Layout:
    """Draw the columns of the tables, and the words of their names."""
    rng = draft.rng
    labels, named = Labels(), draw_label_words(rng)
    for name, how in draft.placements.items():
        if name in ("device", "cycle"):
            draw_label(rng, labels, name, how)
    if "direction" in draft.placements:
        pair = rng.choice(words.LEARNING if rng.random() < 0.75 else words.SWITCHING)
        if draft.placements["direction"] != "column" and pair[0] in ("P", "+1"):
            pair = ("LTP", "LTD")
        labels.forms["direction"] = lambda key: pair[key == "ltd"]
        draft.features.add(f"directions: {draft.placements['direction']}")
    if "level" in draft.placements:
        _draw_levels(draft, labels, named)
    if "width" in draft.placements:
        labels.forms["width"] = lambda width: f"{round(float(str(width)) * 1e9)}ns"
        draft.answers["files_are"] = "widths"
        draft.unstated.add("parts")
    labels.forms["repeat"] = str
    role, unit = draw_axis(draft)
    simple = draft.style == "underscore"
    kind = "voltage" if role == "voltage" else role
    named["axis"] = rng.choice(words.WRITES_WORDS) if role == "number" else ""
    if role and role != "number":
        named["axis"] = words.draw_word(rng, kind, simple)
    state = words.SWEEP_CURRENT if draft.kind == "sweeps" and not simple else ()
    named["state"] = rng.choice(state) if state else words.draw_word(rng, draft.quantity, simple)
    if draft.voltage_place == "name":
        at = rng.choice((" @ {} V", " @{}V", " at {} V"))
        named["state"] = rng.choice(("I", "Current", "Read current")) + at.format(draft.read_voltage)
    named["sign"] = rng.choice(words.PULSE_VOLTAGE_WORDS)
    size = rng.choice((0.8, 1.0, 1.2, 1.5, 2.0))
    signs = (f"{size}", f"-{size}") if rng.random() > 0.12 else (f"-{size}", f"{size}")
    made = Layout(
        draft.kind, draft.placements, labels, named, {"axis": unit.spelled, "state": draft.unit.spelled}, axis=role
    )
    made.amplitude = signs
    made.units["sign"] = rng.choice(("V", "V", "volts"))
    made.before = rng.random() < 0.5
    made.base, made.cycle_base = rng.choice((0, 1, 1)), rng.choice((0, 1, 1))
    _draw_indices(draft, made)
    return made


def _draw_levels(draft: Draft, labels: Labels, named: dict[str, str]) -> None:
    rng = draft.rng
    high, low = rng.choice(words.LEVELS)
    if high.lower() == "high" and draft.quantity != "resistance":
        high, low = low, high
    if draft.placements["level"] == "wide" and high == "RESET":
        high, low = "HRS", "LRS"
    several = rng.choice(("State {}", "Level {}", "state{}", "L{}"))

    def form(key: object) -> str:
        if key in ("hrs", "lrs"):
            return high if key == "hrs" else low
        return several.format(str(key)[-1])

    labels.forms["level"] = form
    if draft.parts[0].keys["level"] not in ("hrs", "lrs"):
        named["level"] = rng.choice(("State", "Level", "state"))
    draft.features.add(f"levels: {draft.placements['level']}")


def _draw_indices(draft: Draft, made: Layout) -> None:
    rng = draft.rng
    if draft.kind == "pulses":
        made.index = rng.choices(("none", "restart", "running"), (2, 5, 3))[0]
        if "wide" in (draft.placements["direction"], draft.placements["cycle"]) and made.index == "running":
            made.index = "restart"
        made.words["index"] = rng.choice(words.PULSE_WORDS if rng.random() < 0.85 else words.COUNTER_WORDS)
        draft.features.add(f"index: {made.index}")
    elif draft.kind == "sweeps" and draft.chance(0.3, "index: point"):
        made.index = "restart"
        made.words["index"] = rng.choice(words.POINT_WORDS)
    if made.index != "none" and made.base == 0:
        draft.features.add("index from 0")
