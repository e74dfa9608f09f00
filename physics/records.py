"""Records of a simulation besides its table: fields at one moment, quality, and figures of merit of a loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from devicekit.core.errors import CodedWarning
from physics.constants import Array
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


THERMAL_TIME = 1e-10
"""Thermal time of such a stack [s]: L^2 c / (pi^2 k) with 12 nm, 3e6 J/(m^3 K) and 0.5 W/(m K)."""

_HOT, _STRONG, _OVERFULL = 1000.0, 1.0, 2.0


@dataclass(frozen=True)
class Quality:
    """Errors of the balances of a run, and extremes beyond the validity of the model.

    `mass_error` is the largest vacancy imbalance over the initial content (reservoir flux and reactions
    counted), `power_error` the largest difference of summed Joule power and I V, over I V, `n_min` and `n_max` the
    lowest and highest density [m^-3], `field_max` the largest field [V/nm], `vacancies_per_nm` the lowest number of
    vacancies in a nanometre of the filament's height within the active layer. `remarks` list those beyond
    their limits.
    """

    steps: int
    rejected: int
    solves: int
    mass_error: float
    power_error: float
    n_min: float
    n_max: float
    t_max_k: float
    field_max: float
    vacancies_per_nm: float
    remarks: tuple[CodedWarning, ...] = ()

    @classmethod
    def from_tally(cls, tally: Tally, stack: Stack, noisy: bool = False) -> Quality:
        """Return the quality from the tally of a run, with or without noise."""
        if tally.steps == 0:
            return cls(0, tally.rejected, tally.solves, 0.0, 0.0, 0.0, 0.0, stack.heat.ambient, 0.0, 0.0)
        reference = stack.filament.reference_density
        return cls(
            tally.steps,
            tally.rejected,
            tally.solves,
            tally.mass_error,
            tally.power_error,
            tally.lowest_density * reference,
            tally.highest_density * reference,
            tally.hottest,
            tally.strongest,
            tally.fewest,
            tuple(_remarks(tally, noisy)),
        )


def _remarks(tally: Tally, noisy: bool) -> Iterator[CodedWarning]:
    """Yield warnings where a run left the range of validity of the model."""
    if tally.hottest > _HOT:
        yield CodedWarning(
            "hot", f"The filament reaches {tally.hottest:.0f} K; electrodes and oxides change above {_HOT:g} K."
        )
    if tally.strongest > _STRONG:
        yield CodedWarning(
            "strong_field",
            f"The field reaches {tally.strongest:.2g} V/nm; oxides break down at about {_STRONG:g} V/nm.",
        )
    if tally.fewest < 1:
        yield CodedWarning(
            "sparse",
            f"The gap contains {tally.fewest:.2g} vacancies per nanometre of height: "
            + (
                "a density is hardly meaningful for single vacancies, even with noise."
                if noisy
                else "the curve is a mean over many devices; simulate a single one with noise."
            ),
        )
    if tally.shortest < THERMAL_TIME:
        yield CodedWarning(
            "thermal_time",
            f"A pulse or ramp of {tally.shortest:.2g} s is shorter than the thermal time ({THERMAL_TIME:g} s); the "
            "model has no heat capacity.",
        )
    if tally.highest_density > _OVERFULL:
        yield CodedWarning(
            "overfull",
            f"The largest density is {tally.highest_density:.2g} times that of the filament: no site is free.",
        )


@dataclass(frozen=True)
class DeviceReads:
    """Conductances of the device alone [S]: at a small voltage, at ambient temperature, without series resistance.

    `hrs_s` is the value before the set of a loop, `lrs_s` that after it; None if not reached.
    """

    hrs_s: float
    lrs_s: float | None

    @property
    def on_off(self) -> float | None:
        """LRS over HRS, or None."""
        return None if self.lrs_s is None else self.lrs_s / self.hrs_s


@dataclass(frozen=True)
class Cycle:
    """Figures of merit of one loop or a set alone, as in `devicekit.features.dc.sweeps`; None if undefined.

    Attributes
    ----------
    cycle : int
    v_set_v, v_reset_v : float or None
        By `half_ln_g` and by `peak_current` [V].
    v_100ua_v : float or None
        Source voltage at which the set reaches 100 uA [V]. It converges with mesh and step, but does not define a SET.
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
        """Return the fields as JSON-ready values."""
        reads = {"hrs_device_s": self.device.hrs_s, "lrs_device_s": self.device.lrs_s}
        return {**{k: v for k, v in asdict(self).items() if k != "device"}, **reads}
