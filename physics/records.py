"""Records of a simulation besides its table: fields at one moment, quality, and figures of merit of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.records import Record, column
from devicekit.core.text import conductance
from devicekit.features.cycles.correlations import drift
from physics.constants import Array
from physics.guards import holding_time
from physics.solvers.state import Noise, Tally
from physics.stack import Stack


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage(Record):
    """Fields at one moment, arrays of shape (heights, radii); the names are those of the npz file."""

    label: str = column(doc="what the moment is")
    cycle: int = column(doc="number of the loop")
    voltage_v: float = column(doc="source voltage")
    current_a: float = column(doc="current")
    time_s: float = column(doc="time since the start of the run")
    potential: Array = column(name="potential_v", doc="potential")
    density: Array = column(name="vacancy_density_m3", doc="vacancy density")
    temperature: Array = column(name="temperature_k", doc="temperature")


THERMAL_TIME = 1e-10
"""Thermal time of such a stack [s]: L^2 c / (pi^2 k) with 12 nm, 3e6 J/(m^3 K) and 0.5 W/(m K)."""

_NONE = 0.01  # vacancies
_HOT, _STRONG, _OVERFULL, _COLD, _HELD = 1000.0, 1.0, 2.0, 77.0, 1.0
_BOUNDED = 0.05  # of the cells


def digits(form: str, unit: str = "") -> Callable[[float | None], str]:
    """Return what formats a number by a format specification such as ".3g"; a dash for None."""
    return lambda value: "–" if value is None else f"{value:{form}} {unit}".rstrip()


def siemens(value: float | None) -> str:
    """Format a conductance with three digits."""
    return conductance(value, 3)


@dataclass(frozen=True, kw_only=True)
class Quality(Record):
    """Errors of the balances of a run, and extremes beyond the validity of the model."""

    t_max_k: float = column("highest temperature", unit="K", doc="highest temperature")
    field_max: float = column("largest field", unit="V/nm", text=digits(".2g", "V/nm"), doc="largest field")
    vacancies_per_nm: float = column(
        "fewest vacancies per nanometre of the gap (1 or more needed)",
        text=lambda number: "none" if number < _NONE else f"{number:.2g}",
        doc="lowest number of vacancies in a nanometre of the filament's height within the active layer",
    )
    steps: int = column("time steps", text=str, doc="accepted steps")
    rejected: int = column(json=False, doc="rejected steps")
    solves: int = column(json=False, doc="linear systems solved")
    mass_error: float = column(
        "relative error of the vacancy balance",
        text=digits(".1e"),
        doc="largest vacancy imbalance over the initial content, reservoir flux and reactions counted",
    )
    power_error: float = column(
        "relative error of the power balance",
        text=digits(".1e"),
        doc="largest difference of summed Joule power and I V, over I V",
    )
    n_min: float = column(unit="m^-3", doc="lowest density")
    n_max: float = column(unit="m^-3", json=False, doc="highest density")
    bounded_share: float = column(
        default=0.0, doc="largest share of cells in a step whose noise was bounded by what they held; 0 without noise"
    )
    remarks: tuple[CodedWarning, ...] = column(default=(), doc="where the run left the validity of the model")

    @classmethod
    def from_tally(cls, tally: Tally, stack: Stack, noise: Noise | None = None) -> Quality:
        """Return the quality from the tally of a run, with or without noise."""
        reference, ran = stack.filament.reference_density, tally.steps > 0
        return cls(
            t_max_k=tally.hottest if ran else stack.heat.ambient,
            field_max=tally.strongest,
            vacancies_per_nm=tally.fewest if ran else 0.0,
            steps=tally.steps,
            rejected=tally.rejected,
            solves=tally.solves,
            mass_error=tally.mass_error,
            power_error=tally.power_error,
            n_min=tally.lowest_density * reference if ran else 0.0,
            n_max=tally.highest_density * reference,
            bounded_share=0.0 if noise is None else noise.bounded,
            remarks=(*_of_stack(stack), *_remarks(tally, noise)) if ran else (),
        )


def _of_stack(stack: Stack) -> Iterator[CodedWarning]:
    """Yield warnings about a stack that the equations do not describe."""
    ambient, held = stack.heat.ambient, holding_time(stack)
    if ambient < _COLD:
        yield CodedWarning("cold", f"heat.ambient is {ambient:g} K; below {_COLD:g} K tunnelling replaces hopping.")
    if held < _HELD:
        yield CodedWarning(
            "volatile", f"At rest and {ambient:g} K the active layer changes in {held:.1g} s: it keeps no state."
        )


def _remarks(tally: Tally, noise: Noise | None) -> Iterator[CodedWarning]:
    """Yield warnings where a run left the range of validity of the model."""
    noisy = noise is not None
    if noise is not None and noise.bounded > _BOUNDED:
        yield CodedWarning(
            "bounded_noise",
            f"In a step up to {100 * noise.bounded:.0f} % of the cells hold too few vacancies for Gaussian noise, "
            "which is bounded there: spreads depend on the time step.",
        )
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
            f"A nanometre of the gap's height contains {_vacancies(tally.fewest)}: "
            + (
                "a density is hardly meaningful for single vacancies, even with noise."
                if noisy
                else "the curve is a mean over many devices."
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


def _vacancies(number: float) -> str:
    return "no vacancy" if number < _NONE else f"{number:.2g} vacancies"


_MOVED = 0.05  # of V_set, or of the median of another quantity


def moving_loops(voltages: Sequence[float | None]) -> tuple[CodedWarning, ...]:
    """Return warnings if of three or more loops some do not set, or if V_set [V] differs between the last two."""
    known = [each for each in voltages if each is not None]
    if len(voltages) < 3 or not known:
        return ()
    found = []
    if len(known) < len(voltages):
        words = f"V_set is unknown in {len(voltages) - len(known)} of {len(voltages)} loops."
        found.append(CodedWarning("moving_loops", words))
    before, last = voltages[-2:]
    if before is not None and last is not None and abs(last / before - 1) > _MOVED:
        words = f"V_set moves from {before:.3g} V to {last:.3g} V between the last two loops."
        found.append(CodedWarning("moving_loops", words))
    return tuple(found)


def drifting_loops(
    loops: Sequence[int], quantities: Mapping[str, Sequence[float | None]], noisy: bool = False
) -> tuple[CodedWarning, ...]:
    """Return a warning for each quantity that drifts by over 5 % of its median from the second loop to the last.

    The largest comes first. A line is fitted to six loops or more; the first one starts from a prescribed state.

    Parameters
    ----------
    loops : sequence of int
        Numbers of the loops.
    quantities : mapping
        Values of every loop by the name of the quantity; None where it is unknown.
    noisy : bool
        Whether the loops have noise: the slope must then differ from 0 with p below 0.001
        (`devicekit.features.cycles.correlations.drift`).
    """
    found: list[tuple[float, CodedWarning]] = []
    for name, values in quantities.items():
        known = [(number, value) for number, value in zip(loops[1:], values[1:], strict=True) if value is not None]
        if len(known) < 5:
            continue
        loop, value = np.array(known, dtype=float).T
        line = np.polyfit(loop, value, 1)
        share = line[0] * (loop[-1] - loop[0]) / float(np.median(value))
        gaps = np.flatnonzero(np.diff(loop) > 1) + 1
        if abs(share) > _MOVED and (not noisy or drift(np.split(loop, gaps), np.split(value, gaps)).p < 0.001):
            words = f"{name} drifts by {100 * share:+.0f} % from loop {loop[0]:g} to loop {loop[-1]:g}."
            found.append((-abs(share), CodedWarning("moving_loops", words)))
    return tuple(warning for _, warning in sorted(found, key=lambda each: each[0]))


@dataclass(frozen=True, kw_only=True)
class DeviceReads(Record):
    """Conductances of the device alone: at a small voltage, at ambient temperature, without series resistance."""

    hrs_s: float = column(
        name="hrs_device_s",
        unit="S",
        title="HRS without series resistance, at ambient temperature",
        text=siemens,
        doc="conductance of the device alone before the set of a loop",
    )
    lrs_s: float | None = column(
        name="lrs_device_s",
        unit="S",
        title="LRS without series resistance, at ambient temperature",
        text=siemens,
        doc="conductance of the device alone after the set; None if not reached",
    )

    @property
    def on_off(self) -> float | None:
        """LRS over HRS, or None."""
        return None if self.lrs_s is None else self.lrs_s / self.hrs_s


_RATIO = digits(".3g")


@dataclass(frozen=True, kw_only=True)
class Cycle(Record):
    """Figures of merit of one loop or a set alone, as in `devicekit.features.dc.sweeps`; None if undefined.

    HRS and LRS are slopes of I against V about the read voltage, as a measurement gives them, series resistance
    included.
    """

    cycle: int = column("cycle", text=str)
    v_set_v: float | None = column("V_set", unit="V", title="V_set", doc="V_set by `v_set_method`")
    v_reset_v: float | None = column(
        "V_reset", unit="V", title="V_reset of the first loop", doc="V_reset by `peak_current`"
    )
    v_100ua_v: float | None = column(
        unit="V",
        title="voltage at 100 µA",
        doc="source voltage at which the set reaches 100 uA; it converges with mesh and step",
    )
    hrs_s: float | None = column("HRS", unit="S", title="conductance in HRS", text=siemens, doc="HRS before the set")
    lrs_s: float | None = column("LRS", unit="S", title="conductance in LRS", text=siemens, doc="LRS after the set")
    on_off: float | None = column("LRS / HRS", title="LRS / HRS at the read voltage", text=_RATIO, doc="LRS over HRS")
    outcome: str = column(doc="switched, gradual, failed or one_way")
    device: DeviceReads = column(inline=True)
