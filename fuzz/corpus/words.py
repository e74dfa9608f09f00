"""Spellings of units, quantities, devices, cycles and directions in laboratory files, collected without devicekit."""

from __future__ import annotations

import random
from typing import NamedTuple

CONDUCTANCE_QUANTUM = 7.748091729e-5  # S

# quantity -> factor to SI -> spellings that can mean one thing only beside a word for that quantity
UNITS: dict[str, dict[float, tuple[str, ...]]] = {
    "conductance": {
        1.0: ("S", "S", "Siemens", "siemens", "mho", "mhos"),
        1e-3: ("mS", "mS", "millisiemens", "10^-3 S"),
        1e-6: ("uS", "uS", "\u00b5S", "\u03bcS", "US", "microsiemens", "umho", "1e-6 S", "10^-6 S", "x10^-6 S"),
        1e-9: ("nS", "nS", "nanosiemens", "1E-9 S", "10^-9 S"),
        CONDUCTANCE_QUANTUM: ("G0",),
    },
    "resistance": {
        1.0: ("ohm", "Ohm", "ohms", "Ohms", "OHM", "\u03a9", "\u2126"),
        1e3: ("kohm", "kOhm", "KOhm", "kohms", "kOhms", "KOHM", "k\u03a9", "k\u2126", "kilohm"),
        1e6: ("Mohm", "MOhm", "MOhms", "M\u03a9", "Megaohm"),
    },
    "current": {
        1.0: ("A", "A", "Amps", "amps", "Ampere", "amperes"),
        1e-3: ("mA", "mA", "ma", "milliamps"),
        1e-6: ("uA", "uA", "\u00b5A", "\u03bcA", "ua", "microamps", "10^-6 A", "1e-6 A"),
        1e-9: ("nA", "nA", "nanoamps", "10^-9 A", "x1e-9 A"),
        1e-12: ("pA",),
    },
    "voltage": {1.0: ("V", "V", "V", "v", "volts", "Volts", "Volt"), 1e-3: ("mV", "mv", "millivolts")},
    "time": {
        1.0: ("s", "s", "sec", "Sec", "SEC", "seconds"),
        1e-3: ("ms", "msec"),
        1e-6: ("us", "\u00b5s"),
        60.0: ("min", "Min", "minutes"),
        3600.0: ("h", "hr", "hrs", "hours"),
        86400.0: ("days", "Days"),
    },
    "change": {1.0: ("",), 0.01: ("%", "%", "percent")},
    "weight": {1.0: ("", "a.u.", "arb. units", "norm.")},
}

# spellings about which a reader must ask: two meanings, or those of another quantity
TRAPS: dict[str, dict[float, tuple[str, ...]]] = {
    "conductance": {1e-3: ("ms", "MS"), 1e-9: ("NS",)},
    "resistance": {1e3: ("k",), 1e6: ("mohm", "mOhm")},
    "current": {1e-9: ("na", "NA"), 1e-12: ("PA", "pa")},
}

# a state for an unknown area or length: not to be read at all
DENSITIES = {"conductance": "S/cm", "resistance": "ohm/sq", "current": "A/cm2"}

# values of devicekit's option `unit`
UNIT_OPTIONS: dict[str, dict[float, str]] = {
    "conductance": {1.0: "S", 1e-3: "mS", 1e-6: "uS", 1e-9: "nS", CONDUCTANCE_QUANTUM: "G0"},
    "resistance": {1.0: "ohm", 1e3: "kohm", 1e6: "Mohm"},
    "current": {1.0: "A", 1e-3: "mA", 1e-6: "uA", 1e-9: "nA", 1e-12: "pA"},
    "weight": {1.0: "1"},
    "change": {1.0: "1", 0.01: "%"},
}

WORDS = {
    "conductance": ("G", "G", "Conductance", "conductance", "Cond.", "CONDUCTANCE", "G_read", "Gread"),
    "resistance": ("R", "R", "Resistance", "resistance", "RESISTANCE", "R_read", "Read resistance"),
    "current": ("I", "I", "Current", "current", "Iread", "I_read", "Read current", "CURRENT"),
    "weight": ("Weight", "weight", "WEIGHT", "Synaptic weight", "Normalized weight"),
    "voltage": ("V", "V", "Voltage", "voltage", "VOLTAGE", "V_TE", "Applied voltage", "Bias voltage"),
    "time": ("Time", "time", "t", "TIME", "Elapsed time"),
    "delay": ("dt", "\u0394t", "delta t", "Delta_t", "Spike timing", "Spike delay", "t_post - t_pre"),
    "change": ("dw", "\u0394w", "Weight change", "dG/G", "\u0394G/G", "Delta W", "Synaptic weight change"),
}
SIMPLE = {  # words that can have a unit after an underscore
    "conductance": ("G", "conductance", "Conductance"),
    "resistance": ("R", "resistance", "Resistance"),
    "current": ("I", "current", "Current"),
    "weight": ("weight", "Weight"),
    "voltage": ("V", "voltage", "Voltage"),
    "time": ("t", "time", "Time"),
    "delay": ("dt", "delay", "spike_delay"),
    "change": ("dw", "dW", "weight_change"),
}
SWEEP_CURRENT = ("I", "I", "Current", "current", "CURRENT", "I_TE", "Measured current")

PULSE_WORDS = (
    *("Pulse #", "Pulse number", "pulse", "Pulse No.", "Pulses", "# pulse", "Pulse", "PULSE", "pulse_index"),
    *("Pulse count", "No. of pulses", "Pulse Index"),
)
COUNTER_WORDS = ("No.", "Index", "n", "#", "N", "Row", "Point")
POINT_WORDS = ("Point", "Index", "No.", "point", "#")
PULSE_VOLTAGE_WORDS = ("Vpulse", "V_write", "Pulse amplitude", "Vprog", "Pulse voltage", "Write voltage", "V_pulse")
READ_VOLTAGE_WORDS = ("Vread", "V_read", "Read voltage", "Vmeas", "Read Voltage", "V read")
DEVICE_WORDS = ("Device", "device", "Dev", "Cell", "DUT", "Device ID", "device_id", "DEVICE")
CYCLE_WORDS = ("Cycle", "cycle", "Cyc", "Cycle #", "Run", "CYCLE", "cycle_no", "Cycle number", "Loop")
WRITES_WORDS = ("Cycle", "Cycles", "cycle", "Cycle #", "Cycle number", "CYCLE", "Number of cycles", "Switching cycles")
DIRECTION_WORDS = ("Direction", "Type", "LTP/LTD", "Mode", "direction", "Operation", "Process", "Polarity")
LEVEL_WORDS = ("State", "Level", "level", "state", "STATE", "HRS/LRS")

# LTP, LTD in a column of words: words of learning, words of switching
LEARNING = (
    ("LTP", "LTD"),
    ("ltp", "ltd"),
    ("potentiation", "depression"),
    ("Potentiation", "Depression"),
    ("P", "D"),
)
SWITCHING = (("SET", "RESET"), ("set", "reset"), ("up", "down"), ("Up", "Down"), ("+1", "-1"))
# HRS, LRS; high and low refer to the quantity in the file
LEVELS = (
    ("HRS", "LRS"),
    ("HRS", "LRS"),
    ("hrs", "lrs"),
    ("OFF", "ON"),
    ("off", "on"),
    ("high", "low"),
    ("High", "Low"),
    ("RESET", "SET"),
)

DEVICE_FORMS = ("dev{}", "Dev{}", "Dev {}", "dev_{}", "Device{}", "Device {}", "device{}", "cell{}", "Cell {}", "die{}")
CYCLE_FORMS = ("cyc{}", "cyc_{}", "Cyc{}", "cycle{}", "Cycle {}", "cycle_{}", "Cycle{}", "run{}", "Run {}", "rep{}")
DEVICE_VALUES = ("D{}", "dev{}", "{}", "A{}", "Dev {}", "R1C{}", "cell {}", "S{}")

TITLES = {
    "pulses": ("LTP/LTD of sample A7", "Potentiation and depression, 100 ns pulses", "Synaptic plasticity"),
    "sweeps": ("I-V curves of sample A7", "DC switching", "IV sweep, TiN/HfO2/Pt"),
    "endurance": ("Endurance of sample A7", "Cycling endurance, HfO2", "Endurance test"),
    "retention": ("Retention of sample A7", "Retention at 85 C", "State retention, HfO2"),
    "stdp": ("STDP of sample A7", "Spike-timing-dependent plasticity", "STDP curve"),
}
PLAIN_TITLES = (
    "HfO2 5 nm, 10 um x 10 um",
    "Sample A7, batch 12",
    "Measured 2024-03-11 by JS",
    "Export",
    "Lot 4 wafer 2",
    "Messung f\u00fcr Probe A7",
)
REMARKS = (
    ("Operator", "J. Smith"),
    ("Date", "2024-03-11"),
    ("Date", "11.03.2024 14:05"),
    ("Sample", "HfOx 10 nm"),
    ("Temperature", "300 K"),
    ("Comment", "second batch"),
    ("Pulse width", "100 ns"),
    ("Area", "10 um x 10 um"),
    ("File version", "3"),
    ("Averages", "16"),
)


class Unit(NamedTuple):
    """A unit as the file spells it, its factor to SI, and the value of devicekit's option `unit`."""

    spelled: str
    factor: float
    option: str


def draw_unit(rng: random.Random, quantity: str, factors: tuple[float, ...] = (), plain: bool = False) -> Unit:
    """Draw a spelling of a unit of `quantity`, with one of `factors` if given; letters only if `plain`."""
    known = UNITS[quantity]
    factor = rng.choice(factors or tuple(known))
    spelled = [each for each in known[factor] if not plain or not each or (each.isalnum() and each.isascii())]
    return Unit(rng.choice(spelled), factor, UNIT_OPTIONS.get(quantity, {}).get(factor, ""))


def draw_trap(rng: random.Random, quantity: str) -> Unit:
    """Draw a spelling about which a reader must ask."""
    factor = rng.choice(tuple(TRAPS[quantity]))
    return Unit(rng.choice(TRAPS[quantity][factor]), factor, UNIT_OPTIONS[quantity][factor])


def draw_word(rng: random.Random, quantity: str, simple: bool) -> str:
    return rng.choice(SIMPLE[quantity] if simple else WORDS[quantity])
