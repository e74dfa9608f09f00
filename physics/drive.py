"""The drive of the source: ramps, loops and pulse trains as segments of linearly changing voltage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devicekit.core.errors import ParameterError
from physics.stack import Stack


@dataclass(frozen=True)
class Segment:
    """A source voltage that goes from `start` to `stop` [V] in `duration` [s], under a current limit [A].

    `label` is set, set_back (to 0 V), reset, reset_back, ltp, ltd, gap, hold or rest; `cycle` counts from 1. `first` is
    the first step [s] of a segment that starts with a jump; 0: a hundredth of the segment, less where that fails.
    `gate` is the saturation current [A] of a transistor in series, for stacks with one (see `Circuit`).
    """

    start: float
    stop: float
    duration: float
    compliance: float
    label: str = ""
    cycle: int = 1
    first: float = 0.0
    gate: float = math.inf

    def voltage(self, time: float) -> float:
        """Return the source voltage [V] at a time since the start of the segment [s]."""
        return self.start + (self.stop - self.start) * min(time / self.duration, 1.0)

    @property
    def rate(self) -> float:
        """Magnitude of the ramp rate [V/s]."""
        return abs(self.stop - self.start) / self.duration


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ParameterError(f"{name}: found {value}, expected a finite number above 0")
    return float(value)


def _limit(value: float) -> float:
    """Check a current limit [A]; infinity for none."""
    if not value > 0:
        raise ParameterError(f"compliance: found {value}, expected more than 0")
    return float(value)


def ramp(
    start: float,
    stop: float,
    rate: float,
    compliance: float,
    label: str = "",
    cycle: int = 1,
    gate: float = math.inf,
) -> Segment:
    """Return one linear ramp.

    Parameters
    ----------
    start, stop : float
        Source voltages [V].
    rate : float
        [V/s].
    compliance : float
        Current limit [A]; inf for none.
    label : str
        Name of the segment.
    cycle : int
        Number of the loop.
    gate : float
        Saturation current of a transistor in series [A]; inf for none.

    Raises
    ------
    ParameterError
        If the ramp has zero length, or rate or compliance is not positive.
    """
    if start == stop or not (math.isfinite(start) and math.isfinite(stop)):
        raise ParameterError(f"stop: a ramp from {start} V to {stop} V has zero length or no end")
    duration = abs(stop - start) / _positive("rate", rate)
    return Segment(start, stop, duration, _limit(compliance), label, cycle, gate=_limit(gate))


def set_ramp(stack: Stack) -> tuple[Segment, ...]:
    """Return the set ramp of the drive of a stack: 0 V to `drive.set_stop`.

    Parameters
    ----------
    stack : Stack
        Its `drive` and its compliance are used.
    """
    return (
        ramp(
            0.0, stack.drive.set_stop, stack.drive.rate, stack.circuit.compliance, "set", gate=stack.circuit.compliance
        ),
    )


def set_sweep(stack: Stack) -> tuple[Segment, ...]:
    """Return the set sweep of the drive of a stack: 0 V to `drive.set_stop` and back, which also reads the new state.

    Parameters
    ----------
    stack : Stack
        Its `drive` and its compliance are used.
    """
    drive, limit = stack.drive, stack.circuit.compliance
    return (*set_ramp(stack), ramp(drive.set_stop, 0.0, drive.rate, limit, "set_back", gate=limit))


def loops(stack: Stack, cycles: int) -> tuple[Segment, ...]:
    """Return bipolar loops 0 -> set_stop -> 0 -> reset_stop -> 0. The compliance acts in the positive half only.

    A transistor keeps its gate voltage in both.

    Parameters
    ----------
    stack : Stack
        Its `drive` and its compliance are used.
    cycles : int
        Number of loops.

    Raises
    ------
    ParameterError
        If `cycles` is less than 1.
    """
    if cycles < 1:
        raise ParameterError(f"cycles: found {cycles}, expected 1 or more")
    drive, limit = stack.drive, stack.circuit.compliance
    segments: list[Segment] = []
    for cycle in range(1, cycles + 1):
        segments += [
            ramp(0.0, drive.set_stop, drive.rate, limit, "set", cycle, limit),
            ramp(drive.set_stop, 0.0, drive.rate, limit, "set_back", cycle, limit),
            ramp(0.0, drive.reset_stop, drive.rate, math.inf, "reset", cycle, limit),
            ramp(drive.reset_stop, 0.0, drive.rate, math.inf, "reset_back", cycle, limit),
        ]
    return tuple(segments)


def forming(stack: Stack, cycles: int = 0) -> tuple[Segment, ...]:
    """Return the drive of a pristine film: its first set ramp goes to `drive.form_stop`, later ones to `set_stop`.

    Parameters
    ----------
    stack : Stack
        Its `drive` and its compliance are used.
    cycles : int
        Number of loops, the first of which forms; 0: a ramp up and back alone.
    """
    first = stack.replace({"drive.set_stop": stack.drive.forming_stop(float(stack.heights[-1]))})
    return (*loops(first, 1), *loops(stack, cycles)[4:]) if cycles else set_sweep(first)


@dataclass(frozen=True)
class PulseTrain:
    """`count` equal pulses of one direction: amplitude [V], width and gap [s].

    With a gap of 0 the pulses follow each other directly: reads change nothing, and a rest at 0 V little.
    """

    direction: str
    amplitude: float
    width: float
    count: int
    compliance: float
    gap: float = 0.0
    cycle: int = 1
    gate: float = math.inf

    def __post_init__(self) -> None:
        _positive("width", self.width)
        _limit(self.compliance)
        if self.count < 1:
            raise ParameterError(f"count: found {self.count}, expected 1 or more pulses")
        if not (math.isfinite(self.gap) and self.gap >= 0):
            raise ParameterError(f"gap: found {self.gap}, expected 0 or more")
        if not math.isfinite(self.amplitude) or self.amplitude == 0:
            raise ParameterError(f"amplitude: found {self.amplitude}, expected a voltage other than 0")

    def pulses(self) -> Iterator[tuple[Segment, ...]]:
        """Yield the segments of each pulse: the pulse, then its gap if any."""
        pulse = Segment(
            self.amplitude, self.amplitude, self.width, self.compliance, self.direction, self.cycle, gate=self.gate
        )
        rest = Segment(0.0, 0.0, self.gap, self.compliance, "gap", self.cycle) if self.gap else None
        for _ in range(self.count):
            yield (pulse, rest) if rest else (pulse,)


def trains(
    stack: Stack,
    width: float,
    count: int = 100,
    pairs: int = 1,
    amplitudes: Sequence[float] | None = None,
    gap: float = 0.0,
) -> tuple[PulseTrain, ...]:
    """Return `pairs` of LTP and LTD trains at one width [s]; `amplitudes` (LTP, LTD) [V] default to the stack's.

    Parameters
    ----------
    stack : Stack
        Source of the default amplitudes.
    width : float
        [s].
    count : int
        Pulses of a train.
    pairs : int
        Pairs of trains.
    amplitudes : (float, float), optional
        Amplitudes of LTP and LTD pulses [V].
    gap : float
        Rest at 0 V after each pulse [s].

    Raises
    ------
    ParameterError
        If a number is out of range, or the amplitudes have the wrong sign.
    """
    up, down = amplitudes or (stack.drive.ltp_voltage, stack.drive.ltd_voltage)
    if not up > 0 > down:
        raise ParameterError(f"amplitude: found {up} V (LTP) and {down} V (LTD), expected above and below 0")
    if pairs < 1:
        raise ParameterError(f"pairs: found {pairs}, expected 1 or more")
    limit = stack.circuit.compliance
    result: list[PulseTrain] = []
    for cycle in range(1, pairs + 1):
        result.append(PulseTrain("ltp", up, width, count, limit, gap, cycle, limit))
        result.append(PulseTrain("ltd", down, width, count, math.inf, gap, cycle, limit))
    return tuple(result)
