"""What is kept of a simulation besides its table: fields at one moment, how well it balanced, figures of one loop."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from physics.laws import Array
from physics.solvers.stepping import Tally
from physics.stack import Stack


@dataclass(frozen=True, eq=False)
class Stage:
    """Fields at one moment, arrays of shape (heights, radii).

    Attributes
    ----------
    label : str
    cycle : int
    voltage_v, current_a, time_s : float
        Source voltage, current and time.
    potential : array [V]
    density : array [m^-3]
    temperature : array [K]
    """

    label: str
    cycle: int
    voltage_v: float
    current_a: float
    time_s: float
    potential: Array
    density: Array
    temperature: Array


@dataclass(frozen=True)
class Quality:
    """How well the balances of a run close.

    `mass_error` is the largest vacancy imbalance over the initial content (reservoir flux and reactions
    counted), `power_error` the largest difference of summed Joule power and I V, over I V, `n_min` the lowest
    density [m^-3].
    """

    steps: int
    rejected: int
    solves: int
    mass_error: float
    power_error: float
    n_min: float
    t_max_k: float

    @classmethod
    def of(cls, tally: Tally, stack: Stack) -> Quality:
        """From the tally of a run."""
        empty = tally.steps == 0
        return cls(
            tally.steps,
            tally.rejected,
            tally.solves,
            tally.mass_error,
            tally.power_error,
            0.0 if empty else tally.lowest_density * stack.filament.reference_density,
            stack.heat.ambient if empty else tally.hottest,
        )


@dataclass(frozen=True)
class DeviceReads:
    """Conductances of the device alone [S]: at a small voltage, at ambient temperature, without series resistance.

    `hrs_s` is that before the set of a loop, `lrs_s` that after it; None if the run did not get that far.
    """

    hrs_s: float
    lrs_s: float | None

    @property
    def on_off(self) -> float | None:
        """LRS over HRS, or None."""
        return None if self.lrs_s is None else self.lrs_s / self.hrs_s


@dataclass(frozen=True)
class Cycle:
    """Figures of merit of one loop, or of a set alone, as `devicekit.features.sweeps` defines them; None: none.

    Attributes
    ----------
    cycle : int
    v_set_v, v_reset_v : float or None
        By `half_ln_g` and by `peak_current` [V].
    v_100ua_v : float or None
        Source voltage at which the set reaches 100 uA [V]: it converges with mesh and step, and is no measure of a
        switch.
    hrs_s, lrs_s, on_off : float or None
        Slopes of I against V about the read voltage, as a measurement gives them, series resistance included [S].
    outcome : str
        switched, gradual, failed or one_way.
    device : DeviceReads
    """

    cycle: int
    v_set_v: float | None
    v_reset_v: float | None
    v_100ua_v: float | None
    hrs_s: float | None
    lrs_s: float | None
    on_off: float | None
    outcome: str
    device: DeviceReads

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        reads = {"hrs_device_s": self.device.hrs_s, "lrs_device_s": self.device.lrs_s}
        return {**{k: v for k, v in asdict(self).items() if k != "device"}, **reads}
