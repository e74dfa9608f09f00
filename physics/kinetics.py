"""Switching kinetics of a stack: times at constant voltages, and set voltages of ramps over many decades."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from devicekit.core.calls import as_numbers, as_whole, called_as
from devicekit.core.errors import CodedWarning, ParameterError
from devicekit.core.records import Estimate, Record, column, derived, internal, part
from devicekit.core.text import si
from devicekit.features.dc.switching import crossing
from devicekit.plot import Panel
from physics import figures, jart
from physics.constants import Array
from physics.drive import Segment, ramp, set_sweep
from physics.iv import make_stepper, resolve_stack
from physics.records import THERMAL_TIME
from physics.solvers.state import State
from physics.solvers.stepping import NotConvergedError
from physics.stack import Stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VOLTAGES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
"""Voltages of the holds [V]; the negative ones for the RESET."""

RATES = tuple(10.0**k for k in range(-4, 11, 2))
"""Ramp rates [V/s], over 14 decades."""

RATIO = 3.0
"""Change of the conductance that ends a hold: threefold in a SET, to a third in a RESET."""

SLOPE_RANGE = (0.3, 0.9)
"""Voltages of the slope of the kinetics [V]."""

_FIRST = 1e-16  # first step of a hold [s]
_LONGEST = 1e7  # longest hold [s]
_HIGHEST = 3.0  # end of a ramp [V]
_RAMP_CURRENT = 1e-4  # end of a ramp [A]
_NORMAL = 1.96  # standard errors of a 95 % interval


def _seconds(time: float) -> str:
    return "–" if math.isnan(time) else si(time, "s")


@dataclass(frozen=True, kw_only=True)
class Hold(Record):
    """Times at a constant voltage; NaN without switching within 1e7 s or without convergence."""

    voltage_v: float = column(
        "voltage", text="{:g} V".format, doc="voltage of the hold; the RESET has the negative one"
    )
    set_time_s: float = column("SET time", text=_seconds, unit="s", doc="time until the conductance has tripled")
    reset_time_s: float = column(
        "RESET time, negative voltage", text=_seconds, unit="s", doc="time until a third of the conductance is left"
    )
    jart_set_time_s: float = column(
        "SET time of JART VCM v1b",
        text=_seconds,
        unit="s",
        doc="the compact model's, from its initial state to 100 uA",
    )


@dataclass(frozen=True, kw_only=True)
class Ramp(Record):
    """Voltages at 100 uA of a ramp; NaN above 3 V or without convergence."""

    rate_v_s: float = column("ramp rate", text="{:.0e} V/s".format, unit="V/s", doc="ramp rate")
    v_100ua_v: float = column("voltage at 100 µA", unit="V", doc="source voltage at which the ramp reaches 100 uA")
    jart_v_100ua_v: float = column("of JART VCM v1b", unit="V", doc="that of the compact model")


@dataclass(frozen=True, kw_only=True)
class VoltagePerDecade(Record):
    """Slope of the kinetics: voltage per decade of time."""

    value: float = column(name="v_per_decade", unit="V", doc="voltage per decade of time; NaN with too few points")
    stderr: float = column(unit="V", doc="its standard error")
    points: int = column(doc="number of points")

    @property
    def estimate(self) -> Estimate:
        """Slope with its 95 % interval."""
        return Estimate(self.value, self.value - _NORMAL * self.stderr, self.value + _NORMAL * self.stderr)


def slope(voltage: Array, time: Array, within: tuple[float, float] = SLOPE_RANGE) -> VoltagePerDecade:
    """Fit the voltage per decade of time by a straight line of V over log10 t.

    Parameters
    ----------
    voltage : array [V]
        Magnitudes of the voltage.
    time : array [s]
        NaN without switching.
    within : (float, float)
        Voltage range of the fit [V].
    """
    known = np.isfinite(time) & (voltage >= within[0] - 1e-9) & (voltage <= within[1] + 1e-9)
    known &= time > 0
    x, y = np.log10(time[known]), voltage[known]
    if x.size < 3 or np.ptp(x) == 0:
        return VoltagePerDecade(value=math.nan, stderr=math.nan, points=int(x.size))
    line = np.polyfit(x, y, 1)
    off = y - np.polyval(line, x)
    error = math.sqrt(float(off @ off) / (x.size - 2) / float(np.sum((x - x.mean()) ** 2)))
    return VoltagePerDecade(value=-float(line[0]), stderr=error, points=int(x.size))


def _numbers(records: Sequence[Record], name: str) -> Array:
    return np.array([getattr(each, name) for each in records], float)


@dataclass(frozen=True, eq=False, kw_only=True)
class Kinetics(Record):
    """Kinetics of a stack, and of the compact model JART VCM v1b (`physics.jart`)."""

    stack: Stack = internal("the stack")
    mesh: str | float = internal("mesh of the simulations")
    holds: tuple[Hold, ...] = column(table="kinetics", doc="times at constant voltages")
    ramps: tuple[Ramp, ...] = column(table="ramps", doc="voltages at 100 uA of ramps")
    notes: tuple[str, ...] = column(doc="runs that did not converge")
    material = part("stack.material", doc="material set of the stack")

    def summary_lines(self) -> list[str]:
        """Return the voltage per decade of time of SET and RESET."""
        names = {"set": "SET", "reset": "RESET", "jart_set": "SET of JART VCM v1b"}
        known = [
            f"{names[name]}: {1e3 * each.value:.3g} ± {1e3 * each.stderr:.2g} mV per decade of time"
            for name, each in self.known_slopes.items()
        ]
        ends = dict.fromkeys((self.holds[0], self.holds[-1])) if self.holds else ()
        times = [f"{e.voltage_v:g} V: SET {si(e.set_time_s, 's')}, RESET {si(e.reset_time_s, 's')}" for e in ends]
        return [*known, *times, *self.notes, ".holds and .ramps list every voltage and rate"]

    @cached_property
    def slopes(self) -> dict[str, VoltagePerDecade]:
        """Voltage per decade of time of SET, RESET and the SET of JART, over 0.3 to 0.9 V."""
        voltage = _numbers(self.holds, "voltage_v")
        names = {"set": "set_time_s", "reset": "reset_time_s", "jart_set": "jart_set_time_s"}
        return {name: slope(voltage, _numbers(self.holds, column)) for name, column in names.items()}

    @derived(name="slopes")
    def known_slopes(self) -> dict[str, VoltagePerDecade]:
        """Those of them that are known."""
        return {name: each for name, each in self.slopes.items() if math.isfinite(each.value)}

    @derived()
    def remarks(self) -> tuple[CodedWarning, ...]:
        """Warning if a time is shorter than the thermal time."""
        times = ((each.voltage_v, time) for each in self.holds for time in (each.set_time_s, each.reset_time_s))
        short = [voltage for voltage, time in times if time < THERMAL_TIME]
        if not short:
            return ()
        low = min(short)
        words = f"From {low:g} V on, times are below the thermal time of {THERMAL_TIME:g} s; a real device is slower."
        return (CodedWarning("thermal_time", words),)

    def panel(self) -> Panel:
        """Return the figure of times against the voltage of a hold."""
        names = {"SET": "set_time_s", "RESET, negative voltage": "reset_time_s", "SET, JART VCM v1b": "jart_set_time_s"}
        times = {words: _numbers(self.holds, name) for words, name in names.items()}
        return figures.kinetics(_numbers(self.holds, "voltage_v"), times)

    def ramps_panel(self) -> Panel:
        """Return the figure of the voltage at 100 uA against the ramp rate."""
        rate, own, jart_own = (
            np.array([(x.rate_v_s, x.v_100ua_v, x.jart_v_100ua_v) for x in self.ramps]).reshape(-1, 3).T
        )
        return figures.ramps(rate, {"simulated": own, "JART VCM v1b": jart_own})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)

    def summary(self) -> Mapping[str, object]:
        """Return the JSON of `devicekit simulate kinetics --json`."""
        return self.as_dict()


@called_as("devicekit.simulate.kinetics('electrothermal')")
def kinetics(
    stack: Stack | Path | str | None = None,
    voltages: Sequence[float] = VOLTAGES,
    rates: Sequence[float] = RATES,
    mesh: str | float = "default",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Kinetics:
    """Simulate SET and RESET times at constant voltages without compliance, and the voltage at 100 uA of ramps.

    A SET starts from the prescribed state just after a reset and ends when the conductance has tripled; a RESET starts
    from the state after the set sweep of the stack and ends at a third of its conductance. A ramp ends at 100 uA.

    Parameters
    ----------
    stack
        As for `simulate_iv`.
    voltages : sequence of float
        Voltages above 0 [V]; the RESET uses the negative ones.
    rates : sequence of float
        Ramp rates, above 0 [V/s].
    mesh : str or float
        As for `simulate_iv`.
    jobs : int
        Number of parallel simulations.
    progress : callable, optional
        Called with the completed fraction.

    Raises
    ------
    ParameterError
        If a voltage or rate is not above 0.

    Examples
    --------
    >>> import devicekit
    >>> result = devicekit.simulate.kinetics(voltages=[0.5, 0.8], rates=[1.0], mesh="coarse")
    >>> result.holds[0].set_time_s > result.holds[1].set_time_s
    True
    """
    from joblib import Parallel, delayed

    base, jobs = resolve_stack(stack), as_whole(jobs, "jobs", 1)
    voltages, rates = as_numbers(voltages, "voltages"), as_numbers(rates, "rates")
    for name, values in (("voltage", voltages), ("rate", rates)):
        for value in values:
            if not (math.isfinite(value) and value > 0):
                raise ParameterError(f"{name}: found {value:g}, expected more than 0")
    tasks = (
        [(set_time, v) for v in voltages] + [(reset_time, -v) for v in voltages] + [(ramp_voltage, r) for r in rates]
    )
    pool = Parallel(n_jobs=jobs, return_as="generator")
    found: list[tuple[float, str]] = []
    for each in pool(delayed(_run_noting_failure)(task, base, value, mesh) for task, value in tasks):
        found.append(each)
        if progress:
            progress(len(found) / len(tasks))
    numbers = iter([value for value, _ in found])
    sets, resets, ramps = ([next(numbers) for _ in values] for values in (voltages, voltages, rates))
    model = jart.Jart()
    return Kinetics(
        stack=base,
        mesh=mesh,
        holds=tuple(
            Hold(voltage_v=v, set_time_s=up, reset_time_s=down, jart_set_time_s=_finite(jart.set_time(model, v)))
            for v, up, down in zip(voltages, sets, resets, strict=True)
        ),
        ramps=tuple(
            Ramp(rate_v_s=rate, v_100ua_v=own, jart_v_100ua_v=_finite(jart.v_set(model, rate)))
            for rate, own in zip(rates, ramps, strict=True)
        ),
        notes=tuple(words for _, words in found if words),
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def _run_noting_failure(task: Callable[..., float], stack: Stack, value: float, mesh: str | float) -> tuple[float, str]:
    """Return the result of a task, or NaN with the reason."""
    try:
        return task(stack, value, mesh), ""
    except NotConvergedError as error:
        return math.nan, f"{task.__name__.replace('_', ' ')} at {value:g}: {error}"


def set_time(stack: Stack, voltage: float, mesh: str | float = "default", longest: float = _LONGEST) -> float:
    """Return the time at a constant source voltage [V] until the conductance has tripled [s]; NaN if it takes longer.

    No compliance holds the current back: below three times the conductance it would hold the voltage back instead.

    Parameters
    ----------
    stack
        Stack with its circuit.
    voltage
        Source voltage [V], above 0.
    mesh
        "coarse", "default", "fine", or the cell size of the fine region [nm].
    longest
        Longest time [s].

    Raises
    ------
    NotConvergedError
        If no step converges.
    """
    stepper = make_stepper(stack, mesh=mesh)
    hold = Segment(voltage, voltage, longest, math.inf, "hold", first=_FIRST, gate=stack.circuit.compliance)
    return _until(stepper.start(), stepper.run, hold, RATIO)


def reset_time(stack: Stack, voltage: float, mesh: str | float = "default", longest: float = _LONGEST) -> float:
    """Return the time at a constant negative voltage [V] until a third of the conductance is left [s], or NaN.

    The state is that after a SET sweep at the stack's compliance.

    Parameters
    ----------
    stack
        Stack with its circuit.
    voltage
        Source voltage [V], below 0.
    mesh
        "coarse", "default", "fine", or the cell size of the fine region [nm].
    longest
        Longest time [s].

    Raises
    ------
    NotConvergedError
        If no step converges, or the SET does not double the conductance.
    """
    stepper = make_stepper(stack, mesh=mesh)
    state = stepper.start()
    before = stepper.conductance(state.density)
    for segment in set_sweep(stack):
        state = stepper.run(state, segment)
    if stepper.conductance(state.density) < 2 * before:  # what has not been set has no RESET
        raise NotConvergedError("the SET before it does not double the conductance at this compliance")
    hold = Segment(voltage, voltage, longest, math.inf, "hold", first=_FIRST, gate=stack.circuit.compliance)
    return _until(state, stepper.run, hold, 1 / RATIO)


def _until(state: State, run: Callable[..., State], hold: Segment, ratio: float) -> float:
    """Return the time of a hold at which the conductance has changed by a ratio [s], ln G interpolated over ln t."""
    begin, times, values = state.time, [], []

    def see(now: State, _source: float) -> None:
        times.append(now.time - begin)
        values.append(math.log(now.fields.conductance))

    def over(_now: State) -> bool:
        return (values[-1] - values[0]) / math.log(ratio) >= 1

    run(state, hold, see, over)
    if (values[-1] - values[0]) / math.log(ratio) < 1 or len(values) < 2:
        return math.nan
    share = (values[0] + math.log(ratio) - values[-2]) / (values[-1] - values[-2])
    return math.exp(math.log(times[-2]) + share * math.log(times[-1] / times[-2]))


def ramp_voltage(stack: Stack, rate: float, mesh: str | float = "default") -> float:
    """Return the source voltage at which a ramp from the prescribed state reaches 100 uA [V]; NaN if above 3 V.

    Parameters
    ----------
    stack
        Stack with its circuit; NaN also if its compliance is below 100 uA.
    rate
        Rate of the ramp [V/s].
    mesh
        "coarse", "default", "fine", or the cell size of the fine region [nm].

    Raises
    ------
    NotConvergedError
        If no step converges.
    """
    stepper = make_stepper(stack, mesh=mesh)
    seen: list[tuple[float, float]] = []

    def see(now: State, source: float) -> None:
        seen.append((source, now.fields.current))

    limit = stack.circuit.compliance
    if limit < _RAMP_CURRENT:
        return math.nan
    segment = ramp(0.0, _HIGHEST, rate, math.inf, "set", gate=limit)  # ends before the compliance
    stepper.run(stepper.start(), segment, see, lambda now: now.fields.current >= _RAMP_CURRENT)
    voltage, current = np.array(seen).T
    found = crossing(voltage, current)
    return math.nan if found is None else float(found)
