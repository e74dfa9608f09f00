"""Block of a card: laws by which amplitude and width of a pulse scale its step."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from devicekit.core.errors import UsageError
from devicekit.core.scalars import Scalar
from devicekit.core.text import si
from devicekit.device.blocks import Count, NonNegative, Positive, Strict
from devicekit.device.measured import Interval, Measured
from devicekit.models.pulselaw import EVERY_LAW, Pulse

EDGE = 1e-6  # of an end of the measured range: rounding
_LABELS = {
    "inverse_v0": ("1 / V0 of the amplitude", "1/V"),
    "n": ("exponent of the amplitude", ""),
    "v_th": ("threshold amplitude", "V"),
    "alpha": ("exponent above the threshold", ""),
    "m": ("exponent of the width", ""),
}


class BranchScaling(Strict):
    """Law of one direction: step of a pulse over the reference pulse's, independent of the state.

    Fields of the amplitude, or of the width, are null if the law does not depend on it.
    """

    law: Literal["exponential", "power", "threshold", "width"]
    parameters: dict[str, float]
    intervals: dict[str, Interval] = Field(description="95 % intervals by parameter, scatter about the law included")
    covariance: tuple[tuple[float, ...], ...] = Field(description="of the parameters, in their order")
    scatter: NonNegative = Field(description="standard deviation of ln rate of a pulse about the law")
    reference_voltage_v: Positive | None
    reference_width_s: Positive | None
    voltage_range_v: tuple[Positive, Positive] | None = Field(description="lowest and highest measured amplitude")
    width_range_s: tuple[Positive, Positive] | None = Field(description="shortest and longest measured width")
    n_pulses: Count = Field(description="kinds of pulses in the fit of the law")
    not_excluded: tuple[str, ...] = Field(description="laws that the data do not exclude, this one first")
    assumed: bool = Field(description="whether the law is untested, or the rates do not follow it")

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        known = EVERY_LAW[self.law].parameters
        wanted = (*known, "m") if self.reference_width_s is not None else known
        if tuple(self.parameters) != wanted:
            raise ValueError(f"the law {self.law} must have the parameters {', '.join(wanted)}")
        if (self.reference_voltage_v is None) != (self.law == "width") or (
            self.law == "width" and self.reference_width_s is None
        ):
            raise ValueError("a law of the amplitude needs a reference amplitude, a law of the width a reference width")
        for value, reference in (
            (self.voltage_range_v, self.reference_voltage_v),
            (self.width_range_s, self.reference_width_s),
        ):
            if (value is None) != (reference is None) or (value is not None and value[0] > value[1]):
                raise ValueError("each reference needs a measured range, its lower end first")
        lowest = np.inf if self.voltage_range_v is None else self.voltage_range_v[0]
        if self.parameters.get("v_th", 0.0) >= lowest:
            raise ValueError("the threshold must lie below the lowest measured amplitude")
        return self

    def factor(self, voltage_v: float | None, width_s: float | None, extrapolate: bool, name: str) -> float:
        """Return the step over the reference's step.

        Parameters
        ----------
        voltage_v, width_s : float or None
            [V], by its size, and [s]; None: the reference's.
        extrapolate : bool
            Whether values outside the measured range are allowed.
        name : str
            Name of the direction, for messages.

        Raises
        ------
        UsageError
            If the law does not depend on a given quantity, or the pulse is outside the measured range.
        """
        for what, value, unit, span in (
            ("amplitude", voltage_v, "V", self.voltage_range_v),
            ("width", width_s, "s", self.width_range_s),
        ):
            if value is None:
                continue
            if not np.isfinite(value) or value == 0 or (what == "width" and value < 0):
                raise UsageError(f"the {what} of a pulse must be above 0 {unit}, not {value:g}")
            if span is None:
                raise UsageError(f"this card's {name} law does not depend on the {what}: only one was measured")
            low, high = span
            if not extrapolate and not low * (1 - EDGE) <= abs(value) <= high * (1 + EDGE):
                raise UsageError(
                    f"{name}: the {what} {si(abs(value), unit)} is outside the measured {si(low, unit)} to "
                    f"{si(high, unit)}; extrapolate=True uses the {self.law} law there"
                )
        if self.law == "threshold" and voltage_v is not None and abs(voltage_v) <= self.parameters["v_th"]:
            return 0.0
        volts = np.array([abs(voltage_v) if voltage_v is not None else self.reference_voltage_v or np.nan])
        wide = np.array([width_s if width_s is not None else self.reference_width_s or np.nan])
        reference = Pulse(self.reference_voltage_v, self.reference_width_s)
        law, values = EVERY_LAW[self.law], np.array(list(self.parameters.values()))
        return float(np.exp(law.ln_factor(values, volts, wide, reference, self.reference_width_s is not None)[0][0]))


class PulseScaling(Measured):
    """Laws by which amplitude and width of a pulse scale its step; null for a direction without one."""

    ltp: BranchScaling | None = None
    ltd: BranchScaling | None = None

    def branch(self, direction: str) -> BranchScaling:
        """Return the law of one direction.

        Raises
        ------
        UsageError
            If the card has no law for it.
        """
        found = {"ltp": self.ltp, "ltd": self.ltd}[direction]
        if found is None:
            raise UsageError(f"this card has no law of amplitude or width for {direction.upper()}")
        return found

    def relative_to(self, ltp: Pulse, ltd: Pulse) -> Self:
        """Return the same laws relative to other reference pulses: those of the card that holds them."""
        changed = {}
        for name, pulse in (("ltp", ltp), ("ltd", ltd)):
            own = getattr(self, name)
            if own is None:
                continue
            volts = None if own.reference_voltage_v is None else (pulse.voltage_v or own.reference_voltage_v)
            wide = None if own.reference_width_s is None else (pulse.width_s or own.reference_width_s)
            changed[name] = own.model_copy(update={"reference_voltage_v": volts, "reference_width_s": wide})
        return self.model_copy(update=changed)

    def scalars(self) -> tuple[Scalar, ...]:
        """Return parameters of the laws with their intervals."""
        shown = []
        for name in ("ltp", "ltd"):
            own = getattr(self, name)
            for key, value in own.parameters.items() if own is not None else ():
                label, unit = _LABELS[key]
                low, high = own.intervals.get(key, (None, None))
                words = f"{name.upper()}: {label} ({own.law}{', assumed' if own.assumed else ''})"
                shown.append(Scalar(f"pulse_{key}_{name}", words, value, unit, low=low, high=high))
        return tuple(shown)

    def sentence(self) -> str:
        """Describe the law of amplitude and width."""
        words = []
        for name in ("ltp", "ltd"):
            own = getattr(self, name)
            if own is not None:
                spans = [
                    f"{si(span[0], unit)} to {si(span[1], unit)}"
                    for unit, span in (("V", own.voltage_range_v), ("s", own.width_range_s))
                    if span is not None
                ]
                words.append(f"{name.upper()} {EVERY_LAW[own.law].title} ({', '.join(spans)})")
        return "; ".join(words)
