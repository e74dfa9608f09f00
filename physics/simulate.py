"""Simulations of a filament in Python, `devicekit.simulate`: `iv`, `pulses` and `kinetics` of a stack.

    import devicekit

    result = devicekit.simulate.iv("electrothermal", cycles=1, mesh="coarse")
    result.plot()

The stack is the name of a material set, the file of a stack (TOML), or a `physics.stack.Stack`.
"""

from physics.iv import simulate_iv as iv
from physics.kinetics import kinetics
from physics.pulses import simulate_pulses as pulses

__all__ = ["iv", "kinetics", "pulses"]


def __dir__() -> list[str]:
    return __all__
