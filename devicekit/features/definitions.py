"""Words of the DC figures of merit: definitions of V_set and V_reset, outcomes of a sweep, polarities of a table.

Light: the command line reads its choices here. This is the one list of outcomes and of polarities.
"""

from typing import Literal, get_args

SetDefinition = Literal["half_ln_g", "max_didv", "max_dlnidv", "compliance", "at_100ua"]
ResetDefinition = Literal["peak_current", "onset", "steepest_drop", "half_ln_g"]

V_SET: tuple[str, ...] = get_args(SetDefinition)
V_RESET: tuple[str, ...] = get_args(ResetDefinition)
DEFAULT_V_SET, DEFAULT_V_RESET = "half_ln_g", "peak_current"
LEVELLED = ("half_ln_g", "onset")  # go by levels at the read voltage: 0.1 V more moved half_ln_g by 25 mV

# What became of one sweep, as it is counted in a sentence.
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

# What an outcome means, where that needs a sentence.
MEANINGS = {
    "gradual": (
        "A sweep that switches gradually has a V_set where ln G is half-way between its levels, but no jump there."
    ),
    "reset_only": "A sweep that only resets starts in the LRS and ends in the HRS: it has a V_reset and no V_set.",
    "at_limit": "A sweep at the limit was still switching where it ended: its voltage is not known.",
    "failed": "A sweep that failed did not switch (on/off below 2).",
    "one_way": (
        "A sweep one way only holds one state before and another after, not both at the read voltage: it has no V_set, "
        "HRS, LRS or spread here. A loop (up and back) gives them."
    ),
    "in_noise": (
        "A sweep that is not read above the noise shows no state at the read voltage: the two ways differ there by no "
        "more than the noise does. A higher read voltage may tell."
    ),
    "against": "A sweep that switches against the polarity of most others is left out of medians and spreads.",
}

# What all sweeps of a table say together about the sign of set and reset; the words stand in `Polarity.sentence`.
POLARITIES = ("bipolar", "unipolar", "set_only", "reset_only", "mixed", "unknown")


def definition(method: str, read: float | None) -> str:
    """Return a definition of V_set or V_reset, with the read voltage if its levels depend on it."""
    return f"{method}, read at {read:g} V" if method in LEVELLED and read is not None else method
