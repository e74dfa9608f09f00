"""Known tables in the guises in which laboratories write them: kind, names, units, layout, each drawn by a seed.

`draw` gives the table (SI units) with the columns that a file shows of it; `guise_files` writes them and
`guise_judge` compares what is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

KINDS = (
    *("pulse",) * 4,
    *("sweep",) * 4,
    *("endurance", "retention") * 2,
    *("transient", "stdp", "paired", "multilevel", "summary", "record"),
)
GROUPS = ("device_id", "cycle", "direction", "level")
STATE = "state"  # role of the column of readings, whatever quantity it is written in
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}
UNITS = {"conductance": "S", "resistance": "ohm", "current": "A", "weight": ""}
ROLE_UNITS = {
    **dict.fromkeys(("voltage_v", "pulse_voltage_v", "read_voltage_v", "v_set_v", "v_reset_v"), "V"),
    **dict.fromkeys(("time_s", "spike_delay_s", "interval_s"), "s"),
    "current_a": "A",
}
DIRECTIONS = (("LTP", "LTD"), ("potentiation", "depression"), ("SET", "RESET"), ("up", "down"))


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a file: its role, its cells as written, its unit and its name; "" for none."""

    role: str
    cells: list[Any]
    unit: str = ""
    name: str = ""


@dataclass(frozen=True, eq=False)
class Guise:
    """A table and how a laboratory writes it.

    Parameters
    ----------
    seed : int
    kind : str
    truth : pandas.DataFrame
        What must be read: groups, and values in SI units.
    pieces : list of (str, list of Column)
        Tables of the file, each with its label; one for a long or a wide table.
    layout : {"long", "wide", "beside", "stacked", "files", "sheets"}
    over : str
        Group that columns, tables, files or sheets stand for.
    facts : dict of str to value
        Reading options that are true of the file.
    style : dict of str to value
        Delimiter, marks of numbers, encoding, container, lines above and below.
    """

    seed: int
    kind: str
    truth: pd.DataFrame
    pieces: list[tuple[str, list[Column]]]
    layout: str
    over: str
    facts: dict[str, Any]
    style: dict[str, Any] = field(default_factory=dict)

    @property
    def above(self) -> int:
        """Number of rows above the table."""
        lines = len(self.style["preamble"])
        return lines + bool(lines and self.style["gap"])


def _rounded(values: Any, digits: int = 7) -> np.ndarray:
    return np.array([float(f"{value:.{digits}g}") for value in np.asarray(values, float)])


def _rows(groups: dict[str, Any], **values: Any) -> pd.DataFrame:
    frame = pd.DataFrame(values)
    for name, value in reversed(groups.items()):
        frame.insert(0, name, value)
    return frame


def _curve(random: np.random.Generator, n: int, rising: bool) -> np.ndarray:
    """Return conductances [S] of a train of n pulses."""
    x = np.arange(1, n + 1) / n  # read after each pulse
    shape = random.uniform(1.5, 4)
    y = (1 - np.exp(-shape * x)) / (1 - np.exp(-shape))
    y = y if rising else 1 - y
    return np.asarray(2e-5 * (1 + 8 * y) * (1 + random.normal(0, 0.003, n)))


def _pulse(random: np.random.Generator, devices: int, cycles: int) -> pd.DataFrame:
    lengths = random.integers(12, 40, 2)
    uneven = random.random() < 0.2
    found = []
    for device in range(devices):
        for cycle in range(cycles):
            for way, n in zip(("ltp", "ltd"), lengths, strict=True):
                n = int(n + random.integers(0, 4)) if uneven else int(n)
                groups = {"device_id": device, "cycle": cycle + 1, "direction": way}
                states = _curve(random, n, way == "ltp") * (1 + 0.3 * device)
                volts = 1.5 if way == "ltp" else -1.2
                found.append(_rows(groups, pulse_index=np.arange(1, n + 1), pulse_voltage_v=volts, state=states))
    return pd.concat(found, ignore_index=True)


def _sweep(random: np.random.Generator, devices: int, cycles: int) -> pd.DataFrame:
    top, bottom, n = random.choice([0.8, 1.5, 3.0]), -random.choice([1.0, 1.6, 2.5]), int(random.integers(8, 25))
    up, down = np.linspace(0, top, n), np.linspace(0, bottom, n)
    once = np.concatenate([up, up[::-1][1:], down[1:], down[::-1][1:]])
    if random.random() < 0.15:  # from one end to the other and back
        once = np.concatenate([np.linspace(bottom, top, 2 * n), np.linspace(top, bottom, 2 * n)[1:]])
    found = []
    for device in range(devices):
        for cycle in range(cycles):
            cut = int(random.integers(0, 3)) if random.random() < 0.1 else 0  # an unfinished loop
            volts = once[: once.size - cut]
            at = np.arange(volts.size)
            on = (at > 0.6 * n) & (at < 2.6 * n)
            amps = volts * np.where(on, 1e-4, 1e-6) * (1 + 0.4 * device) * (1 + random.normal(0, 0.02, volts.size))
            amps = amps + random.choice([0.0, 2e-9])
            found.append(_rows({"device_id": device, "cycle": cycle + 1}, voltage_v=volts, current_a=amps))
    frame = pd.concat(found, ignore_index=True)
    if random.random() < 0.3:
        frame["time_s"] = np.arange(len(frame)) * 0.05
    return frame


def _levels(random: np.random.Generator, devices: int, x: str, levels: tuple[str, ...]) -> pd.DataFrame:
    """Return readings of levels over cycles or times."""
    n = int(random.integers(10, 40))
    at = np.unique(np.logspace(0, 5, n).round()) if random.random() < 0.7 else np.arange(1.0, n + 1) * 10
    found = []
    for device in range(devices):
        for k, level in enumerate(levels):
            states = 1e-6 * 12.0 ** (len(levels) - 1 - k) * (1 + 0.2 * device)
            drift = at ** (-0.01 * (x == "time_s")) * (1 + random.normal(0, 0.01, at.size))
            found.append(_rows({"device_id": device, "level": level}, **{x: at, "state": states * drift}))
    return pd.concat(found, ignore_index=True)


def _transient(random: np.random.Generator) -> pd.DataFrame:
    pulses, gap = int(random.integers(2, 5)), int(random.integers(8, 20))
    at = np.arange(pulses * (gap + 1) + 5)
    on = (at % (gap + 1) == 5) & (at < pulses * (gap + 1))
    since = np.where(at > 5, (at - 5) % (gap + 1), 0)
    states = 1e-6 * (1 + np.cumsum(on) * np.exp(-since / gap)) * (1 + random.normal(0, 0.005, at.size))
    return _rows({"device_id": 0}, time_s=at * 1e-3, pulse_voltage_v=np.where(on, 2.0, 0.0), state=states)


def _delays(random: np.random.Generator, devices: int) -> pd.DataFrame:
    delays = np.concatenate([-np.geomspace(0.1, 0.005, 10), np.geomspace(0.005, 0.1, 10)])
    found = []
    for device in range(devices):
        change = np.sign(delays) * (0.5 + 0.1 * device) * np.exp(-np.abs(delays) / 0.03)
        change = change + random.normal(0, 0.01, delays.size)
        found.append(_rows({"device_id": device}, spike_delay_s=delays, weight_change=change))
    return pd.concat(found, ignore_index=True)


def _pairs(random: np.random.Generator, devices: int) -> pd.DataFrame:
    at = np.geomspace(0.01, 1, 12)
    found = []
    for k in range(devices):
        ratio = 1 + (0.6 + 0.1 * k) * np.exp(-at / 0.2) + random.normal(0, 0.01, 12)
        found.append(_rows({"device_id": k}, interval_s=at, ratio=ratio))
    return pd.concat(found, ignore_index=True)


def _multilevel(random: np.random.Generator) -> pd.DataFrame:
    levels, reads = int(random.integers(3, 7)), int(random.integers(4, 12))
    found = []
    for level in range(levels):
        states = 1e-5 * (1 + level) * (1 + random.normal(0, 0.01, reads))
        found.append(_rows({"device_id": 0, "level": str(level)}, repeat=np.arange(1, reads + 1), state=states))
    return pd.concat(found, ignore_index=True)


def _summary(random: np.random.Generator, devices: int) -> pd.DataFrame:
    n, found = int(random.integers(8, 30)), []
    for k in range(devices):
        volts = {"v_set_v": random.normal(1.2, 0.1, n), "v_reset_v": random.normal(-0.9, 0.1, n)}
        ohms = {"r_lrs": random.normal(5e3, 200, n), "r_hrs": random.lognormal(13, 0.3, n)}
        found.append(_rows({"device_id": k}, cycle=np.arange(1, n + 1), **volts, **ohms))
    return pd.concat(found, ignore_index=True)


def _record(random: np.random.Generator) -> pd.DataFrame:
    f = np.geomspace(1e3, 1e6, int(random.integers(10, 30)))
    return _rows({"device_id": 0}, frequency=f, capacitance=1e-12 * (1 + 10 / np.sqrt(f)), loss=0.01 + 1e-9 * f)


def _truth(random: np.random.Generator, kind: str, devices: int, cycles: int) -> pd.DataFrame:
    named = ("L1", "L2", "L3")[: int(random.integers(1, 4))]
    made = {
        "pulse": lambda: _pulse(random, devices, cycles),
        "sweep": lambda: _sweep(random, devices, cycles),
        "endurance": lambda: _levels(random, devices, "cycle", ("lrs", "hrs")),
        "retention": lambda: _levels(random, devices, "time_s", ("lrs", "hrs") if random.random() < 0.6 else named),
        "transient": lambda: _transient(random),
        "stdp": lambda: _delays(random, devices),
        "paired": lambda: _pairs(random, devices),
        "multilevel": lambda: _multilevel(random),
        "summary": lambda: _summary(random, devices),
        "record": lambda: _record(random),
    }
    return made[kind]()


# names of a role: in English, German, Chinese, and as a letter
ENGLISH, GERMAN, CHINESE, BARE = "english", "german", "chinese", "bare"
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    role: dict(zip((ENGLISH, GERMAN, CHINESE, BARE), words, strict=True))
    for role, words in {
        "voltage_v": (("Voltage", "Bias", "Applied voltage"), ("Spannung",), ("电压",), ("V", "U")),
        "current_a": (("Current", "I_TE"), ("Strom",), ("电流",), ("I",)),
        "time_s": (("Time", "Elapsed time"), ("Zeit",), ("时间",), ("t",)),
        "pulse_voltage_v": (("Pulse voltage", "V_pulse", "Amplitude"), ("Pulsspannung",), ("脉冲电压",), ("Vp",)),
        "pulse_index": (("Pulse", "Pulse number", "# pulses"), ("Pulsnummer",), ("脉冲",), ("n", "#")),
        "device_id": (("Device", "Sample", "cell"), ("Bauteil", "Probe"), ("器件",), ("dev",)),
        "cycle": (("Cycle", "Run", "Sweep"), ("Zyklus",), ("循环",), ("cyc",)),
        "direction": (("Direction", "Operation"), ("Richtung",), ("方向",), ("dir",)),
        "level": (("State", "Level"), ("Zustand",), ("状态",), ("state",)),
        "repeat": (("Repeat", "Read"), ("Wiederholung",), ("重复",), ("rep",)),
        "spike_delay_s": (("dt", "Spike timing"), ("Verzögerung",), ("延迟",), ("Δt",)),
        "weight_change": (("Weight change", "dW"), ("Gewichtsänderung",), ("权重变化",), ("ΔW",)),
        "interval_s": (("Interval", "Pulse interval"), ("Pulsabstand",), ("间隔",), ("Δt",)),
        "ratio": (("PPF ratio", "A2/A1"), ("PPF",), ("PPF",), ("PPF",)),
        "v_set_v": (("V_set", "Set voltage"), ("V_set",), ("Vset",), ("Vset",)),
        "v_reset_v": (("V_reset", "Reset voltage"), ("V_reset",), ("Vreset",), ("Vreset",)),
        "r_lrs": (("R_LRS", "Ron"), ("R_LRS",), ("LRS",), ("LRS",)),
        "r_hrs": (("R_HRS", "Roff"), ("R_HRS",), ("HRS",), ("HRS",)),
        "conductance": (("Conductance", "Device conductance"), ("Leitwert",), ("电导",), ("G",)),
        "resistance": (("Resistance", "Read resistance"), ("Widerstand",), ("电阻",), ("R",)),
        "current": (("Read current", "I_read"), ("Lesestrom",), ("读电流",), ("I",)),
        "weight": (("Weight", "Synaptic weight"), ("Gewicht",), ("权重",), ("w",)),
        "frequency": (("Frequency",), ("Frequenz",), ("频率",), ("f",)),
        "capacitance": (("Capacitance",), ("Kapazität",), ("电容",), ("C",)),
        "loss": (("Loss tangent",), ("Verlustfaktor",), ("损耗",), ("D",)),
    }.items()
}
RECORD_UNITS = {"frequency": "Hz", "capacitance": "F", "r_lrs": "ohm", "r_hrs": "ohm"}
STANDARD = {"conductance": "conductance_s", "resistance": "resistance_ohm", "current": "read_current_a"}


def pick(random: np.random.Generator, options: Iterable[Any]) -> Any:
    options = list(options)
    return options[int(random.integers(len(options)))]


def _written_state(truth: pd.DataFrame, quantity: str, prefix: str, volts: float) -> np.ndarray:
    """Write the column of states in a quantity; set the truth to what the written digits say. Return the cells."""
    factor = PREFIXES[prefix]
    base = truth.pop(STATE).to_numpy()
    if quantity == "weight":
        cells = _rounded(base / base.max())
        truth["weight"] = cells
    elif quantity == "resistance":
        cells = _rounded(1 / base / factor)
        truth["conductance_s"] = 1 / (cells * factor)
    elif quantity == "current":
        cells = _rounded(base * volts / factor)
        truth["conductance_s"] = cells * factor / volts
    else:
        cells = _rounded(base / factor)
        truth["conductance_s"] = cells * factor
    return cells


def _written(random: np.random.Generator, truth: pd.DataFrame, role: str, free: bool) -> tuple[np.ndarray, str]:
    """Write a column of numbers, in a unit that is free or not; the truth becomes what the digits say."""
    unit = ROLE_UNITS.get(role) or RECORD_UNITS.get(role, "")
    choices = {"V": ("", "", "m"), "s": ("", "m", "u"), "A": ("", "u", "n", "m"), "ohm": ("", "k")}.get(unit, ("",))
    prefix = pick(random, choices) if free else ""
    cells = _rounded(truth[role].to_numpy() / PREFIXES[prefix])
    truth[role] = cells * PREFIXES[prefix]
    return cells, prefix + unit


def translate(random: np.random.Generator, role: str, words: str) -> str:
    if words == "standard":
        return STANDARD.get(role, {"r_lrs": "R_LRS (ohm)", "r_hrs": "R_HRS (ohm)"}.get(role, role))
    return "" if words == "none" else str(pick(random, NAMES[role][words]))


def label_cells(random: np.random.Generator, role: str, values: pd.Series) -> list[Any]:
    """Return the groups as a file names them."""
    if role == "device_id":
        way = pick(random, ("D{}", "dev{}", "chip-{}", "{}"))
        return [way.format(k + 1) if way != "{}" else k + 1 for k in values]
    if role == "direction":
        up, down = pick(random, DIRECTIONS)
        return [up if each == "ltp" else down for each in values]
    return [each.upper() if isinstance(each, str) else each for each in values]


def draw(seed: int) -> Guise:
    """Return the table of a seed, and its guise."""
    from .guise_files import draw_style, lay_out  # type: ignore[import-not-found]

    random = np.random.default_rng(seed)
    kind = pick(random, KINDS)
    devices, cycles = int(pick(random, (1, 1, 1, 2, 3))), int(pick(random, (1, 1, 2, 3)))
    truth = _truth(random, kind, devices, cycles)
    words = pick(random, ("standard", *(ENGLISH,) * 4, *(GERMAN, CHINESE, BARE) * 1, BARE, "none"))
    place = pick(random, ("brackets", "brackets", "parentheses", "slash", "row", "none"))
    place = {"standard": "none", "none": "none"}.get(words, place)
    quantity = pick(random, ("conductance", "conductance", "resistance", "current", "weight"))
    if kind != "pulse" and quantity == "weight":
        quantity = "conductance"
    volts = pick(random, (0.1, 0.2, 0.5))
    facts: dict[str, Any] = {"kind": kind}
    columns: list[Column] = []
    for role in [
        each for each in truth.columns if each not in GROUPS or (kind in ("endurance", "summary") and each == "cycle")
    ]:
        if role in ("pulse_index", "repeat", "cycle"):
            columns.append(Column(role, truth[role].astype(int).tolist(), "", translate(random, role, words)))
        elif role != STATE:
            cells, unit = _written(random, truth, role, place != "none")
            name = translate(random, role, words)
            columns.append(Column(role, cells.tolist(), "" if words == "standard" else unit, name))
            if role in ("weight_change", "ratio"):
                facts["unit"] = "1"
            if role == "r_lrs" and place == "none":
                facts |= {"quantity": "resistance", "unit": "ohm"}
            if role == "current_a" and place == "none" and words != "standard":
                facts |= {"unit": "A", "quantity": "current"}
    if STATE in truth:
        small = {"conductance": ("", "u", "n", "m"), "resistance": ("", "k", "M"), "current": ("", "u", "n")}
        prefix = pick(random, small.get(quantity, ("",))) if words != "standard" else ""
        cells = _written_state(truth, quantity, prefix, volts)
        name = "weight" if words == "standard" and quantity == "weight" else translate(random, quantity, words)
        unit = prefix + UNITS[quantity]
        columns.append(Column(STATE, cells.tolist(), "" if words == "standard" else unit, name))
        facts |= {"quantity": quantity, "unit": unit or "1"}
        if quantity == "current":
            facts["read_voltage"] = volts
    return lay_out(random, seed, kind, truth, columns, words, place, facts, draw_style(random))
