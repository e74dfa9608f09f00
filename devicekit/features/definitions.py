"""Vocabulary of the DC figures of merit: definitions of V_set and V_reset, outcomes of a sweep, polarities.

This module imports nothing heavy, because the command line reads its choices here.
"""

import re
from collections.abc import Container, Iterable
from typing import Literal, get_args

from devicekit.core.constants import ZERO_C
from devicekit.core.declarations import Limits
from devicekit.core.errors import UsageError
from devicekit.core.quantities import Quantity

SetDefinition = Literal["half_ln_g", "max_didv", "max_dlnidv", "compliance", "at_100ua"]
ResetDefinition = Literal["peak_current", "onset", "steepest_drop", "half_ln_g"]

V_SET: tuple[str, ...] = get_args(SetDefinition)
V_RESET: tuple[str, ...] = get_args(ResetDefinition)
DEFAULT_V_SET, DEFAULT_V_RESET = "half_ln_g", "peak_current"
THRESHOLD = 2.0  # on/off of a good cycle, at least
LIFE_TEMPERATURE_K = 358.15  # of use, for a predicted life
LOST_FACTOR = 2.0  # change of a conductance at which its state is lost
BITS = (2, 3, 4)  # of a cell, whose errors after a bake are counted
MOST_BITS = 6
TEMPERATURE = Limits(50.0, 2000.0, "K", "°C", offset=ZERO_C)  # 25 is a room in the other unit
OF_LIFE = Limits(200.0, 2000.0, "K", "°C", offset=ZERO_C)
RATIO = Limits(1.0)
LIMITS = {  # of settings, by the names of their options
    "threshold": RATIO,
    "horizon": Limits(most=1e12, unit="s"),
    "thickness": Limits(1e-10, 1e-3, "m", "nm", 1e-9),
    "area": Limits(1e-18, 1e-3, "m2", "um2", 1e-12),
    "temperature": TEMPERATURE,
    "life_temperature": OF_LIFE,
    "lost_factor": RATIO,
    "write_window": Limits(most=10.0, unit="S", meant="uS", factor=1e-6),
    "bake": OF_LIFE,
    "apparent_energy": Limits(most=20.0, unit="eV"),
    "time_exponent": Limits(most=10.0),
}
_BAKES = ("bakes of many cells", ("bakes",))
USES = {  # data for which a setting is, and the figures of merit that use it
    **dict.fromkeys(("v_set", "v_reset"), ("voltage sweeps", ("dc",))),
    "threshold": ("endurance data", ("endurance",)),
    "horizon": ("retention data", ("retention", "bakes")),
    "kernel": ("a relaxation after pulses", ("volatile",)),
    "ppf_baseline": ("paired pulses", ("facilitation",)),
    **dict.fromkeys(("thickness", "area", "temperature", "permittivity"), ("the conduction of sweeps", ("mechanism",))),
    "life_temperature": ("retention at several temperatures", ("arrhenius", "bakes")),
    "lost_factor": ("retention at several temperatures", ("arrhenius",)),
    **dict.fromkeys(("bits", "write_window", "bake", "apparent_energy", "time_exponent"), _BAKES),
}
APART = 0.05  # V between two definitions of a voltage, above which a page says so
LEVELLED = ("half_ln_g", "onset")  # depend on levels at the read voltage: 0.1 V more shifted half_ln_g by 25 mV

# Numbers of a sweep whose spreads over cycles and devices are reported.
QUANTITIES = {
    each.name: each
    for each in (
        Quantity("v_set_v", "V", "V_set", "voltage of the set by its definition, with its sign"),
        Quantity("v_reset_v", "V", "V_reset", "voltage of the reset by its definition, with its sign"),
        Quantity("g_hrs_s", "S", "G of the HRS", "conductance of the HRS at the read voltage", log=True),
        Quantity("g_lrs_s", "S", "G of the LRS", "conductance of the LRS at the read voltage", log=True),
        Quantity("on_off", "", "on/off", "conductance of the LRS over that of the HRS", log=True),
    )
}

FORMED_AT = 0.5  # share of its limit that the current of a forming must reach: half of ln G is still leakage
V_FORM_METHOD = "half_limit"
V_FORM = Quantity(
    "v_form_v",
    "V",
    "V_form",
    "voltage at which the first sweep of a pristine device reaches half of its current limit (half_ln_g without one)",
)

SIDES = {1: "positive", -1: "negative"}  # of the voltage, by its sign

# Outcomes of one sweep, as they are counted in a sentence.
OUTCOMES = {
    "switched": "switched with a jump",
    "gradual": "switched gradually",
    "reset_only": "only reset",
    "at_limit": "still switching at the end",
    "failed": "did not switch",
    "one_way": "without a way back",
    "in_noise": "not read above the noise",
    "against": "against the polarity of the others",
    "read": "only read",
    "capacitive": "charging a capacitance",
    "current_driven": "driven by a current",
    "transistor": "of a transistor",
}
OTHER = ("capacitive", "current_driven", "transistor")  # outcomes that are not those of a memristor's voltage sweep
COUNTED = ("switched", "gradual", "reset_only", "at_limit")  # outcomes whose levels enter medians and spreads

# Explanations of outcomes.
MEANINGS = {
    "gradual": "For sweeps that switch gradually the same rule gives V_set, although there is no jump.",
    "reset_only": "A sweep that only resets starts in the LRS and ends in the HRS: it has a V_reset and no V_set.",
    "at_limit": "The switching voltage of a sweep that is still switching at its end is unknown.",
    "failed": "A sweep that did not switch has an on/off ratio below 2.",
    "one_way": (
        "A sweep without a way back does not show both states at the read voltage, so it gives no V_set, HRS or LRS. "
        "Measure a loop (up and back)."
    ),
    "in_noise": (
        "In a sweep that is not read above the noise, the two ways differ by less than the noise at the read voltage. "
        "Try a higher read voltage."
    ),
    "capacitive": "A capacitive sweep is not pinched at 0 V: its current follows the direction of the sweep.",
    "current_driven": "A sweep that is driven by a current shows thresholds of the voltage, not V_set and V_reset.",
    "transistor": "Output and transfer curves of a transistor show no V_set and no V_reset.",
    "against": "A sweep against the polarity of most others is left out of medians and spreads.",
}

# Definitions of V_set and V_reset in words.
_RULES = {
    "half_ln_g": "voltage where ln(I/V) is half-way between its HRS and LRS values",
    "max_didv": "voltage of the steepest rise of the current",
    "max_dlnidv": "voltage of the steepest rise of ln I",
    "compliance": "voltage where the current reaches the compliance",
    "at_100ua": "voltage where the current reaches 100 µA",
    "half_limit": "voltage where the current first reaches half of its limit; without a limit half_ln_g",
    "peak_current": "voltage of the peak current",
    "onset": "voltage where G falls 10 % below the LRS",
    "steepest_drop": "voltage of the steepest fall of the current",
}

NAMES_IN_LABELS = {
    "half_ln_g": "half-way in ln G",
    "max_didv": "steepest I",
    "max_dlnidv": "steepest ln I",
    "compliance": "at compliance",
    "at_100ua": "at 100 µA",
    "half_limit": "half of the limit",
    "peak_current": "peak current",
    "onset": "G falls 10 %",
    "steepest_drop": "steepest fall",
}

# Signs of set and reset over all sweeps of a table; the sentences are in `Polarity.sentence`.
POLARITIES = ("bipolar", "unipolar", "set_only", "reset_only", "mixed", "unknown")


def definition(method: str, read: float | None) -> str:
    """Return a definition of V_set or V_reset, with the read voltage if its levels depend on it."""
    return f"{method}, read at {read:g} V" if method in LEVELLED and read is not None else method


def check_definitions(v_set: str, v_reset: str) -> None:
    """Refuse unknown definitions of V_set and V_reset.

    Raises
    ------
    UsageError
    """
    for name, known in ((v_set, V_SET), (v_reset, V_RESET)):
        if name not in known:
            raise UsageError(f"{name!r} is not a definition; choose one of {', '.join(known)}")


def option_name(setting: str) -> str:
    """Return the name of the option for a setting: life_temperature_k is that of life_temperature."""
    return re.sub(r"_(?:m|m2|k|s|ev)$", "", setting)


def refuse_unused(given: Iterable[tuple[str, str]], found: Container[str]) -> None:
    """Refuse settings that no figure of merit at hand uses.

    Parameters
    ----------
    given : iterable of (str, str)
        Names of options that are not as by default, and how messages write them.
    found : container of str
        Names of the figures of merit.

    Raises
    ------
    UsageError
    """
    for name, written in given:
        data, users = USES.get(name, ("", ()))
        if data and not any(each in found for each in users):
            raise UsageError(f"{written} has no effect: it is for {data}, which these data do not hold. Remove it.")


def rule(method: str, read: float | None) -> str:
    """Return a definition of V_set or V_reset in words, with the read voltage if its levels depend on it."""
    words = _RULES[method]
    if method in LEVELLED and read is not None:
        words += f", {'both' if method == 'half_ln_g' else 'LRS'} at {read:g} V"
    return f"{words} ({method})"
