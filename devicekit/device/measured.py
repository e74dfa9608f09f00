"""Blocks that a card may carry beside its fit: retention, endurance and the spike-timing window, as measured."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from devicekit.device.blocks import Count, NonNegative, Positive, Strict
from devicekit.scalars import Scalar

Interval = tuple[float, float]


class Measured(Strict):
    """Where a block comes from; what is not known is left out of the JSON."""

    source: str
    sha256: str | None = Field(default=None, description="of the file, if it was one")
    synthetic: bool = False

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}

    def scalars(self) -> tuple[Scalar, ...]:
        """The numbers that tables show."""
        raise NotImplementedError

    def from_file(self, sha256: str | None, synthetic: bool) -> Self:
        """The same block with the checksum of its file; synthetic if either says so."""
        return self.model_copy(update={"sha256": sha256, "synthetic": self.synthetic or synthetic})


class StdpWindow(Measured):
    """Fitted spike-timing window: change of the weight, relative to it, against the delay post less pre.

    A+ exp(-d / tau+) + offset after the input's spike, A- exp(d / tau-) + offset before it.
    """

    a_plus: float
    a_minus: float
    tau_plus_s: Positive
    tau_minus_s: Positive
    offset: float = 0.0
    noise: NonNegative = Field(description="standard deviation of a reading about the window")
    n: Count = Field(description="readings fitted")
    intervals: dict[str, Interval] | None = Field(default=None, description="95 % intervals by parameter")

    def scalars(self) -> tuple[Scalar, ...]:
        """Amplitudes and time constants."""
        labels = {
            "a_plus": "STDP amplitude, pre before post",
            "a_minus": "STDP amplitude, post before pre",
            "tau_plus_s": "STDP time constant, pre before post",
            "tau_minus_s": "STDP time constant, post before pre",
        }
        shown = []
        for name, label in labels.items():
            low, high = (self.intervals or {}).get(name, (None, None))
            unit = "s" if name.endswith("_s") else ""
            shown.append(Scalar(f"stdp_{name}", label, getattr(self, name), unit, low=low, high=high))
        return tuple(shown)


class RetentionState(Strict):
    """One state of one device: G = G(1 s) (t / 1 s)^-nu over the times that were measured."""

    device_id: str
    level: str
    n: Count
    first_s: Positive
    last_s: Positive
    nu: float
    nu_interval: Interval | None = Field(description="95 % interval; null where the readings do not tell")
    g_1s: Positive = Field(description="conductance of the law at 1 s [S]; outside the data where first_s is later")
    noise: NonNegative = Field(description="standard deviation of ln G about the law")
    temperature_k: Positive | None = None

    def change(self) -> float:
        """Last over first conductance, by the law."""
        return float((self.last_s / self.first_s) ** -self.nu)


class Retention(Measured):
    """Drift of the states in time, a power law each."""

    states: tuple[RetentionState, ...] = Field(min_length=1)

    def scalars(self) -> tuple[Scalar, ...]:
        """How long, and drift exponents: of LRS, of HRS and of all other states, the median where there are several.

        The interval is that of a single state; a median has none here.
        """
        shown = [Scalar("retention_time_s", "retention watched for", max(each.last_s for each in self.states), "s")]
        groups: dict[str, list[RetentionState]] = {}
        for state in self.states:
            groups.setdefault(state.level if state.level in ("lrs", "hrs") else "", []).append(state)
        for level, own in groups.items():
            low, high = own[0].nu_interval or (None, None) if len(own) == 1 else (None, None)
            words = [level.upper()] * bool(level) + [f"median of {len(own)} states"] * (len(own) > 1)
            label = "drift exponent nu" + (f" ({', '.join(words)})" if words else "")
            nu = float(np.median([each.nu for each in own]))
            shown.append(Scalar(f"nu_{level}".rstrip("_"), label, nu, low=low, high=high))
        return tuple(shown)


class Term(Strict):
    """One exponential of a sum."""

    tau_s: Positive
    share: Positive = Field(le=1, description="of the volatile part, 0..1; those of a sum add up to 1")


class Volatile(Measured):
    """A part of each update that is forgotten: of the step of a pulse the share 1 - persistent_share decays by K(t).

    The state is a persistent part plus the terms; a pulse changes the state by the law's step s(state), of which
    persistent_share goes to the persistent part and the rest to the terms by their shares; between pulses each term
    decays by exp(-t / tau). A card without the block forgets nothing.
    """

    kernel: Literal["exponential", "stretched", "double", "power"]
    parameters: dict[str, float] = Field(description="of `devicekit.models.relaxation.kernel`")
    intervals: dict[str, Interval] = Field(default_factory=dict, description="95 % intervals by parameter")
    persistent_share: float = Field(ge=0, le=1, description="of a step, 0..1")
    persistent_interval: Interval | None = None
    terms: tuple[Term, ...] = Field(min_length=1, description="the kernel as a sum of exponentials")
    terms_error: NonNegative = Field(description="largest error of the sum on K")
    n: Count = Field(description="readings fitted")
    temperature_k: Positive | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(term.share for term in self.terms) - 1.0) > 1e-6:
            raise ValueError("the shares of the terms add up to 1")
        return self

    def scalars(self) -> tuple[Scalar, ...]:
        """Time constant and the share of a step that stays."""
        low, high = self.intervals.get("tau_s", (None, None))
        least, most = self.persistent_interval or (None, None)
        return (
            Scalar("tau_s", "time constant of the volatile part", self.parameters["tau_s"], "s", low=low, high=high),
            Scalar(
                "persistent_share", "what stays of an update", self.persistent_share, of="step", low=least, high=most
            ),
        )


class EnduranceDevice(Strict):
    """Endurance of one device; `failed_at` is null where it held for all its cycles: then it is censored there."""

    device_id: str
    cycles: Count
    n: Count = Field(description="cycles whose HRS and LRS were read")
    window: NonNegative = Field(description="5 % quantile of G_LRS over 95 % quantile of G_HRS")
    median_on_off: NonNegative | None
    good: NonNegative | None = Field(description="share of the cycles read that reach the threshold, 0..1")
    failed_at: Count | None


class Endurance(Measured):
    """Window over write cycles of every device."""

    threshold: float = Field(gt=1, description="least on/off of a working cycle")
    devices: tuple[EnduranceDevice, ...] = Field(min_length=1)
    yield_interval: Interval = Field(
        description="95 % interval (Clopper and Pearson) of the share of devices that hold so long"
    )

    def held(self) -> float:
        """Share of the devices that did not fail, 0..1."""
        return float(np.mean([each.failed_at is None for each in self.devices]))

    def scalars(self) -> tuple[Scalar, ...]:
        """Cycles, share that held, median on/off."""
        ratios = [each.median_on_off for each in self.devices if each.median_on_off is not None]
        low, high = self.yield_interval
        by = f"on/off of {self.threshold:g} or more"
        return (
            Scalar("endurance_cycles", "endurance measured to, cycles", float(max(d.cycles for d in self.devices))),
            Scalar("endurance_yield", "devices that held", self.held(), of="devices", low=low, high=high, by=by),
            Scalar("endurance_on_off", "median on/off over cycles", float(np.median(ratios)) if ratios else math.nan),
        )
