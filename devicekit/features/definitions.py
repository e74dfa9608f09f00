"""Vocabulary of the DC figures of merit: definitions of V_set and V_reset, outcomes of a sweep, polarities.

This module imports nothing heavy, because the command line reads its choices here.
"""

from typing import Literal, get_args

SetDefinition = Literal["half_ln_g", "max_didv", "max_dlnidv", "compliance", "at_100ua"]
ResetDefinition = Literal["peak_current", "onset", "steepest_drop", "half_ln_g"]

V_SET: tuple[str, ...] = get_args(SetDefinition)
V_RESET: tuple[str, ...] = get_args(ResetDefinition)
DEFAULT_V_SET, DEFAULT_V_RESET = "half_ln_g", "peak_current"
LEVELLED = ("half_ln_g", "onset")  # depend on levels at the read voltage: 0.1 V more shifted half_ln_g by 25 mV

# Outcomes of one sweep, as they are counted in a sentence.
OUTCOMES = {
    "switched": "switched",
    "gradual": "gradual",
    "reset_only": "reset only",
    "at_limit": "at the limit",
    "failed": "failed",
    "one_way": "one way only",
    "in_noise": "not read above the noise",
    "against": "against the polarity of the others",
    "read": "read only",
}
COUNTED = ("switched", "gradual", "reset_only", "at_limit")  # outcomes whose levels enter medians and spreads

# Explanations of outcomes.
MEANINGS = {
    "gradual": (
        "A sweep that switches gradually has its V_set where ln G is half-way between its levels, without a jump."
    ),
    "reset_only": "A sweep that only resets starts in the LRS and ends in the HRS: it has a V_reset and no V_set.",
    "at_limit": "A sweep at the limit was still switching at its end, so its switching voltage is unknown.",
    "failed": "A failed sweep did not switch (on/off below 2).",
    "one_way": (
        "A sweep one way only does not show both states at the read voltage, so it gives no V_set, HRS or LRS. Measure "
        "a loop (up and back)."
    ),
    "in_noise": (
        "In a sweep that is not read above the noise, the two ways differ by less than the noise at the read voltage. "
        "Try a higher read voltage."
    ),
    "against": "A sweep against the polarity of most others is left out of medians and spreads.",
}

# Signs of set and reset over all sweeps of a table; the sentences are in `Polarity.sentence`.
POLARITIES = ("bipolar", "unipolar", "set_only", "reset_only", "mixed", "unknown")


def definition(method: str, read: float | None) -> str:
    """Return a definition of V_set or V_reset, with the read voltage if its levels depend on it."""
    return f"{method}, read at {read:g} V" if method in LEVELLED and read is not None else method
