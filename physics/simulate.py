"""Simulations of a filament in Python, `devicekit.simulate`: `iv`, `pulses` and `kinetics` of a stack.

    import devicekit

    result = devicekit.simulate.iv("electrothermal", cycles=1, mesh="coarse")
    result.plot()

The stack is the name of a material set, the file of a stack (TOML), or a `physics.stack.Stack`.
"""

import sys

from devicekit.core.printing import Uncallable
from physics.iv import simulate_iv as iv
from physics.kinetics import kinetics
from physics.pulses import simulate_pulses as pulses

__all__ = ["iv", "kinetics", "pulses"]

called = "devicekit.simulate is a module: call devicekit.simulate.iv(...), .pulses(...) or .kinetics(...)."
sys.modules[__name__].__class__ = Uncallable


def __dir__() -> list[str]:
    return __all__
