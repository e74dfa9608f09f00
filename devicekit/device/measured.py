"""Blocks of measurements in a card beside its fit: retention, endurance, spike-timing window, volatile part."""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from devicekit.core.records import Estimate
from devicekit.core.scalars import Scalar
from devicekit.device.bakes import Bakes
from devicekit.device.blocks import Count, NonNegative, Positive, Strict

Interval = tuple[float, float]


def _estimate(value: float, interval: Interval | None) -> Estimate:
    return Estimate(value, *(interval or (None, None)))


class Measured(Strict):
    """Source of a block; unknown entries are left out of the JSON."""

    source: str
    sha256: str | None = Field(default=None, description="of the file, if it was one")
    synthetic: bool = False

    @model_serializer(mode="wrap")
    def _drop_unknown(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in handler(self).items() if value is not None}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the numbers of tables."""
        raise NotImplementedError

    def from_file(self, sha256: str | None, synthetic: bool) -> Self:
        """Return the same block with its file's checksum; synthetic if the block or the file is."""
        return self.model_copy(update={"sha256": sha256, "synthetic": self.synthetic or synthetic})


class StdpWindow(Measured):
    """Fitted spike-timing window: relative change of the weight against the delay post minus pre.

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
        """Return amplitudes and time constants."""
        labels = {
            "a_plus": "STDP amplitude, pre before post",
            "a_minus": "STDP amplitude, post before pre",
            "tau_plus_s": "STDP time constant, pre before post",
            "tau_minus_s": "STDP time constant, post before pre",
        }
        found = {name: _estimate(getattr(self, name), (self.intervals or {}).get(name)) for name in labels}
        return tuple(
            Scalar.from_estimate(f"stdp_{name}", label, found[name], "s" if name.endswith("_s") else "")
            for name, label in labels.items()
        )


class RetentionState(Strict):
    """State of one device: G = G(1 s) (t / 1 s)^-nu over the measured times."""

    device_id: str
    level: str
    n: Count
    first_s: Positive
    last_s: Positive
    nu: float
    nu_interval: Interval | None = Field(description="95 % interval; null where the readings do not determine it")
    g_1s: Positive = Field(description="conductance of the law at 1 s [S]; outside the data where first_s is later")
    noise: NonNegative = Field(description="standard deviation of ln G about the law")
    temperature_k: Positive | None = None

    def change(self) -> float:
        """Return last over first conductance, by the law."""
        return float((self.last_s / self.first_s) ** -self.nu)


class DeadDevices(Measured):
    """Devices of the fitted set that did not switch; left out of the fit, stuck in a network."""

    names: tuple[str, ...]
    devices: Count = Field(description="of the set, including those that do not switch")
    states: tuple[float, ...] = Field(description="state at which each stays, fraction of the window")

    @property
    def share(self) -> float:
        """Share of all devices [1]."""
        return len(self.names) / self.devices

    @property
    def at(self) -> Literal["low", "high", "ends"]:
        """End of the window at which they stay."""
        high = sum(state > 0.5 for state in self.states)
        return "ends" if 0 < high < len(self.states) else "high" if high else "low"

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the share of devices that do not switch."""
        return (Scalar("dead_share", "devices that do not switch", self.share, of="set"),)


class StableStates(Measured):
    """Evenly spaced states on which the readings of the fitted trains lie."""

    count: Count = Field(ge=2, description="in the window, its ends included")
    spacing: Positive = Field(description="fraction of the window")
    coherence: NonNegative = Field(description="1: all readings exactly on the states; 0: no relation to them")

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the number of states."""
        return (Scalar("states", "stable states in the window", float(self.count)),)


class ArrheniusLine(Strict):
    """Lives of one level over temperature: ln t = ln reference_life_s + Ea (1/kT - 1/kT_reference) + sigma z, z normal.

    The line holds if no other mechanism takes over at another temperature.
    """

    level: str
    criterion: str = Field(description="when a state counts as lost")
    lost_factor: float = Field(gt=1)
    n: Count = Field(description="records, each of one state of a device in a bake")
    failures: Count = Field(description="records with a loss; the others are censored at their end")
    devices: Count
    lowest_k: Positive = Field(description="lowest temperature with a loss [K]")
    highest_k: Positive
    activation_energy_ev: float
    energy_interval: Interval | None = Field(description="95 % interval; null where it is open")
    sigma: NonNegative = Field(description="standard deviation of ln t")
    reference_k: Positive
    reference_life_s: Positive = Field(description="median life at reference_k")
    life_k: Positive = Field(description="temperature of use")
    life_s: Positive | None = Field(description="median life there; null if refused")
    life_interval: Interval | None = Field(description="95 % interval of the median")
    device_interval: Interval | None = Field(description="95 % prediction interval for the life of a new device")
    refusal: str | None = Field(default=None, description="reason for the missing life at life_k")

    def scalars(self, several: bool) -> tuple[Scalar, ...]:
        """Return activation energy, and median life at the temperature of use; with the level if several."""
        suffix, words = (f"_{self.level}", f" of {self.level}") if several else ("", "")
        label = f"activation energy{words} (loss: {self.criterion})"
        by = f"lost at a factor {self.lost_factor:g}"
        energy = _estimate(self.activation_energy_ev, self.energy_interval)
        shown = (Scalar.from_estimate(f"activation_energy{suffix}_ev", label, energy, "eV", by=by),)
        if self.life_s is None:
            return shown
        at = f"at {self.life_k:.5g} K"
        label = f"median retention life{words} {at}, if no other mechanism takes over"
        life = _estimate(self.life_s, self.life_interval)
        return *shown, Scalar.from_estimate(f"retention_life{suffix}_s", label, life, "s", by=f"{by}, {at}")


class Retention(Measured):
    """Drift of the states in time, each by a power law; lives over temperature; bakes of many cells."""

    states: tuple[RetentionState, ...]
    arrhenius: tuple[ArrheniusLine, ...] | None = Field(default=None, description="lives over temperature, by level")
    bakes: Bakes | None = Field(default=None, description="shifts of many cells, read before and after bakes")

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if not self.states and not self.arrhenius and not self.bakes:
            raise ValueError("a retention block needs a state, a line over temperatures, or bakes")
        return self

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the watched time, drift exponents, and results of the lives over temperature and of bakes.

        Exponents are those of LRS, of HRS and of all other states, the median where there are several. Only a single
        state has an interval. Of several temperatures the lowest is used, and the label names it.
        """
        shown = [line for each in self.arrhenius or () for line in each.scalars(len(self.arrhenius or ()) > 1)]
        shown += self.bakes.scalars() if self.bakes else ()
        return (*self._drift_scalars(), *shown) if self.states else tuple(shown)

    def _drift_scalars(self) -> tuple[Scalar, ...]:
        last = max(each.last_s for each in self.states)
        shown = [Scalar("retention_time_s", "time of the retention measurement", last, "s")]
        kelvins = sorted({each.temperature_k for each in self.states if each.temperature_k})
        several = len(kelvins) > 1
        by = f"at {kelvins[0]:.5g} K" if several else ""
        groups: dict[str, list[RetentionState]] = {}
        for state in self.states:
            if several and state.temperature_k != kelvins[0]:
                continue
            groups.setdefault(state.level if state.level in ("lrs", "hrs") else "", []).append(state)
        for level, own in groups.items():
            words = [level.upper()] * bool(level) + [f"median of {len(own)} states"] * (len(own) > 1) + [by] * several
            label = "drift exponent nu" + (f" ({', '.join(words)})" if words else "")
            nu = _estimate(float(np.median([each.nu for each in own])), own[0].nu_interval if len(own) == 1 else None)
            shown.append(Scalar.from_estimate(f"nu_{level}".rstrip("_"), label, nu, by=by))
        return tuple(shown)


class Term(Strict):
    """Exponential of a sum."""

    tau_s: Positive
    share: Positive = Field(le=1, description="of the volatile part, 0..1; those of a sum add up to 1")


def volatile_scalars(tau: Estimate, stays: Estimate | None, by: str = "") -> tuple[Scalar, ...]:
    """Return the time constant of a volatile part and the share of a step that stays, if it is known."""
    shown = (Scalar.from_estimate("tau_s", "time constant of the volatile part", tau, "s", by=by),)
    if stays is None:
        return shown
    return *shown, Scalar.from_estimate("persistent_share", "permanent share of an update", stays, of="step")


class Volatile(Measured):
    """Part of each update that is forgotten: the share 1 - persistent_share of a step decays by K(t).

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
    def _check_parts(self) -> Self:
        if abs(sum(term.share for term in self.terms) - 1.0) > 1e-6:
            raise ValueError("the shares of the terms must add up to 1")
        return self

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the time constant and the share of a step that stays."""
        tau = _estimate(self.parameters["tau_s"], self.intervals.get("tau_s"))
        return volatile_scalars(tau, _estimate(self.persistent_share, self.persistent_interval))


class EnduranceDevice(Strict):
    """Endurance of one device; `failed_at` is null if it survived all its cycles (censored there)."""

    device_id: str
    cycles: Count
    n: Count = Field(description="cycles whose HRS and LRS were read")
    window: NonNegative = Field(description="5 % quantile of G_LRS over 95 % quantile of G_HRS")
    median_on_off: NonNegative | None
    good: NonNegative | None = Field(description="share of the read cycles that reach the threshold, 0..1")
    failed_at: Count | None


class LifeShare(Strict):
    """Cycles until a share of the devices has failed; null where that lies far beyond the longest record."""

    share: float = Field(gt=0, lt=1)
    cycles: Positive | None
    interval: Interval | None = Field(description="95 % interval; null where it is open")


class EnduranceLife(Strict):
    """Weibull law of the cycles to failure: F = 1 - exp(-(cycles / scale)^shape)."""

    criterion: str = Field(description="when a device counts as failed")
    n: Count = Field(description="devices")
    failures: Count = Field(description="failed devices; the others are censored at their last cycle")
    shape: Positive
    shape_interval: Interval | None
    scale_cycles: Positive
    scale_interval: Interval | None
    longest_cycles: Positive = Field(description="of the longest record")
    shares: tuple[LifeShare, ...]

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the Weibull shape, and the cycles until a tenth has failed."""
        shape = _estimate(self.shape, self.shape_interval)
        shown = [Scalar.from_estimate("endurance_shape", "Weibull shape of the cycles to failure", shape)]
        for each in self.shares:
            if each.share == 0.1 and each.cycles is not None:
                words, cycles = "cycles until 10 % of the devices have failed", _estimate(each.cycles, each.interval)
                shown.append(Scalar.from_estimate("endurance_life_10", words, cycles, by=self.criterion))
        return tuple(shown)


class Endurance(Measured):
    """Window over write cycles of every device, and their lives if enough of them failed."""

    threshold: float = Field(gt=1, description="least on/off of a working cycle")
    devices: tuple[EnduranceDevice, ...] = Field(min_length=1)
    yield_interval: Interval = Field(
        description="95 % interval (Clopper and Pearson) of the share of devices that survive that long"
    )
    life: EnduranceLife | None = Field(default=None, description="cycles to failure over the devices")
    on_off_slope: float | None = Field(
        default=None, description="decades of on/off in a decade of cycles, before failure"
    )
    on_off_slope_interval: Interval | None = Field(default=None, description="95 % interval")

    def surviving_share(self) -> float:
        """Return the share of the devices that did not fail, 0..1."""
        return float(np.mean([each.failed_at is None for each in self.devices]))

    def scalars(self) -> tuple[Scalar, ...]:
        """Return cycles, surviving share, median on/off, trend of the window, life."""
        ratios = [each.median_on_off for each in self.devices if each.median_on_off is not None]
        longest = float(max(each.cycles for each in self.devices))
        held, by = _estimate(self.surviving_share(), self.yield_interval), f"on/off of {self.threshold:g} or more"
        shown = [
            Scalar("endurance_cycles", "cycles of the endurance measurement", longest),
            Scalar.from_estimate("endurance_yield", "devices that survived", held, of="devices", by=by),
            Scalar("endurance_on_off", "median on/off over cycles", float(np.median(ratios)) if ratios else math.nan),
        ]
        if self.on_off_slope is not None:
            words, slope = (
                "change of on/off per decade of cycles",
                _estimate(self.on_off_slope, self.on_off_slope_interval),
            )
            shown.append(Scalar.from_estimate("on_off_slope_decades", words, slope, "decades"))
        return (*shown, *(self.life.scalars() if self.life else ()))
