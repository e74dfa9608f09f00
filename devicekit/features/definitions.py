"""Names of the definitions of V_set and V_reset. Light: the command line reads its choices here."""

from typing import Literal, get_args

SetDefinition = Literal["half_ln_g", "max_didv", "max_dlnidv", "compliance", "at_100ua"]
ResetDefinition = Literal["peak_current", "onset", "steepest_drop", "half_ln_g"]

V_SET: tuple[str, ...] = get_args(SetDefinition)
V_RESET: tuple[str, ...] = get_args(ResetDefinition)
DEFAULT_V_SET, DEFAULT_V_RESET = "half_ln_g", "peak_current"
