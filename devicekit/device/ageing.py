"""Ageing of an array of devices: drift of each conductance, and devices that jump between two levels.

Drift is G_i(t) = G_i(t0) (t / t0)^-nu_i with an exponent for each device. It acts on conductances: the state of an aged
device can lie outside 0..1, and is not clipped. The loss common to all devices is a gain, which hardly affects pairs of
devices. The spread of exponents over devices matters, and `static_error` is the number for it.

Sources: drift by device, as of phase-change memory, doi 10.1038/s41467-020-16108-9. Random telegraph noise: two levels
+- a, left at a rate of 1 / tau each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from devicekit.core.constants import BOLTZMANN_EV
from devicekit.core.errors import UsageError
from devicekit.core.statistics import chi2_quantile, t_quantile
from devicekit.core.text import count
from devicekit.device.blocks import Window
from devicekit.device.horizon import refusal_reason
from devicekit.device.measured import Retention, RetentionState
from devicekit.device.random import mix, normal
from devicekit.system.jit import compiled

SAME_K = 1.0  # temperatures closer than this are equal [K]
FRESH_BELOW = 1 / 50  # of a presentation: dwell times below it are averaged over within a presentation

Regime = Literal["fresh", "held", "static"]


@dataclass(frozen=True)
class Drift:
    """Drift exponents of an array: normally distributed over devices.

    Parameters
    ----------
    nu, nu_sd : float
        Mean, and standard deviation over devices [1]; a negative exponent is a conductance that grows.
    t0_s : float
        Time after writing at which the states are still the programmed ones [s].
    measured_s : float
        Time for which every state was measured [s]; infinite for exponents set by hand, which have no limit.
    decades : float
        Decades of time that the data span; infinite for exponents set by hand.
    nu_sd_interval : (float, float), optional
        95 % interval of the standard deviation.
    acceleration : float
        How much faster time runs in the measurement than in use [1]: the law is that of time / acceleration.
    source : str
        Source of the spread over devices, as text.

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    nu: float
    nu_sd: float
    t0_s: float = 1.0
    measured_s: float = math.inf
    decades: float = math.inf
    nu_sd_interval: tuple[float, float] | None = None
    acceleration: float = 1.0
    source: str = "set by hand"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.nu) and 0 <= self.nu_sd < math.inf):
            raise UsageError(
                f"drift needs a finite nu and nu_sd of 0 or more, not nu = {self.nu} and nu_sd = {self.nu_sd}"
            )
        if not (0 < self.t0_s < math.inf and self.acceleration > 0):
            raise UsageError("t0_s and acceleration must be above 0")

    @classmethod
    def from_retention(
        cls,
        block: Retention,
        *,
        level: str | None = None,
        temperature_k: float | None = None,
        nu_sd: float | None = None,
    ) -> Self:
        """Estimate the exponents from the states of a card's retention block.

        The variance of nu is that of the estimates minus their mean squared standard error, not below 0. If several
        devices have states of the same name, the spread is that within a name. The spread of one device's states
        replaces the unmeasured spread over devices, and `source` states this.

        Parameters
        ----------
        block : Retention
        level : str, optional
            States of this name only.
        temperature_k : float, optional
            Of use [K]; None: as measured. Another one needs the block's Arrhenius part: time then runs by
            exp(Ea / k (1 / T_use - 1 / T_measured)) slower than in the measurement.
        nu_sd : float, optional
            Your standard deviation, if the block does not determine one.

        Raises
        ------
        UsageError
            If no state has an exponent with an interval, the spread would come from one state, or another temperature
            than the measured one is given without an activation energy.
        """
        states = [each for each in block.states if level is None or each.level == level]
        known = [each for each in states if each.nu_interval is not None]
        if not known:
            raise UsageError(f"the retention block has no {level or 'state'} with an interval of its drift exponent")
        known, acceleration = _at_temperature(block, known, level, temperature_k)
        nu, se = np.array([each.nu for each in known]), np.array([_standard_error(each) for each in known])
        interval, source = None, "set by hand"
        if nu_sd is None:
            nu_sd, interval, source = _spread([each.level for each in known], nu, se, len({s.device_id for s in known}))
        return cls(
            nu=float(nu.mean()),
            nu_sd=nu_sd,
            t0_s=max(each.first_s for each in known) * acceleration,
            measured_s=min(each.last_s for each in known) * acceleration,
            decades=min(math.log10(each.last_s / each.first_s) for each in known),
            nu_sd_interval=interval,
            acceleration=acceleration,
            source=source,
        )

    def logarithm(self, time_s: float) -> float:
        """Return ln(t / t0) of a time after writing [s].

        Raises
        ------
        UsageError
            If the time is before t0, or beyond data that span too few decades.
        """
        if not self.t0_s <= time_s < math.inf:
            raise UsageError(f"time_s={time_s:g} is before {self.t0_s:.4g} s, where the drift law begins")
        reason = refusal_reason(self.decades, time_s, self.measured_s)
        if reason:
            raise UsageError(
                f"drift at {time_s:.4g} s cannot be predicted: {self.measured_s:.4g} s were measured, and {reason}"
            )
        return math.log(time_s / self.t0_s)

    def extrapolation(self, time_s: float) -> float:
        """Return the time over the longest measured one; above 1 it is an extrapolation by that factor."""
        return time_s / self.measured_s

    def describe(self, time_s: float) -> str:
        """Describe the law, the source of its spread, and how far it is extrapolated."""
        law = f"nu {self.nu:.3g}, sd over devices {self.nu_sd:.3g} ({self.source})"
        far = self.extrapolation(time_s)
        return f"{law}; {time_s:.3g} s is {far:.3g} times the measured time" if far > 1 else law

    def exponents(self, devices: int, seed: int, draw: int = 0) -> np.ndarray:
        """Return nu of each device [1], shape (devices,), by its key alone: independent of the number of workers."""
        return np.asarray(self.nu + self.nu_sd * normals(devices, seed, draw))

    def age(self, g: np.ndarray, time_s: float, seed: int, draw: int = 0) -> np.ndarray:
        """Return conductances [S] at a time after writing, from those at t0, same shape; raises as `logarithm`."""
        g = np.asarray(g, float)
        nu = self.exponents(g.size, seed, draw).reshape(g.shape)
        return np.asarray(g * np.exp(-nu * self.logarithm(time_s)))

    def gain(self, time_s: float) -> float:
        """Return the mean share of a conductance that is left [1]: that of a log-normal."""
        spread = self.nu_sd * self.logarithm(time_s)
        return math.exp(-self.nu * self.logarithm(time_s) + spread**2 / 2)


def static_error(drift: Drift, g: np.ndarray, window: Window, time_s: float) -> float:
    """Return sigma_r [1]: the independent error of each device's state by drift, with the common gain corrected.

    sd(nu) ln(t / t0) rms(G) / span, with G as programmed. The relative deviation of a log-normal is sqrt(exp(s^2) - 1)
    with s = sd(nu) ln(t / t0), and s where that is small. The loss common to all devices is a gain of the weights;
    errors are relative to weights with that gain, so it is not subtracted from G here.

    Parameters
    ----------
    drift : Drift
    g : ndarray
        Conductances as programmed [S], over which the root mean square is taken.
    window : Window
        In conductance.
    time_s : float
        Time after writing [s].

    Raises
    ------
    UsageError
        If the window is one of weights; and as `Drift.logarithm`.
    """
    require_conductance(window)
    spread = drift.nu_sd * drift.logarithm(time_s)
    return math.sqrt(math.expm1(spread**2) * float(np.mean(np.square(g)))) / window.span


def require_conductance(window: Window) -> None:
    """Refuse a window of weights: drift is a share of a conductance, which a weight does not have.

    Raises
    ------
    UsageError
        If its quantity is not a conductance.
    """
    if window.quantity != "conductance_s":
        raise UsageError("this card holds weights, not conductances, so drift of conductances does not apply")


@dataclass(frozen=True)
class Telegraph:
    """Random telegraph noise: each device is at +- a, and leaves it after a mean dwell time.

    Parameters
    ----------
    amplitude : float
        a [of the window].
    tau_s : float
        Mean dwell time [s].
    """

    amplitude: float
    tau_s: float

    def regime(self, presentation_s: float, test_s: float) -> Regime:
        """Return how the noise is to be drawn.

        Parameters
        ----------
        presentation_s : float
            Time of one presentation [s].
        test_s : float
            Time of a whole test [s].

        Returns
        -------
        {"fresh", "held", "static"}
            "fresh" if it jumps many times in a presentation (white read noise). "held" from a dwell time of 1/50 of a
            presentation on: one level for each device and presentation. Between 1/50 and 1 this is conservative, as
            jumps within a presentation average out. "static" from the length of the test on: one level for each device.
            Slow jumps within a test are drawn as held: their mean is right, but tests scatter less than they should.
        """
        if not (presentation_s > 0 and test_s >= presentation_s):
            raise UsageError("test_s must be at least presentation_s, which must be above 0")
        if self.tau_s >= test_s:
            return "static"
        return "held" if self.tau_s >= FRESH_BELOW * presentation_s else "fresh"

    def levels(self, devices: int, seed: int, draw: int = 0) -> np.ndarray:
        """Return +- a of each device [of the window], equally often, shape (devices,); `draw` is one held level."""
        return self.amplitude * _signs(devices, _key(seed, draw))


def normals(devices: int, seed: int, draw: int = 0) -> np.ndarray:
    """Return a standard normal number for each device, shape (devices,), by (seed, draw, device) alone."""
    return np.asarray(_normals(devices, _key(seed, draw)))


def _key(seed: int, draw: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence([seed, 4, draw]).generate_state(1, np.uint64)[0])


@compiled
def _normals(devices: int, key: np.uint64) -> np.ndarray:
    found = np.empty(devices)
    for k in range(devices):
        found[k] = normal(mix(key, np.uint64(k)), np.uint64(0))
    return found


@compiled
def _signs(devices: int, key: np.uint64) -> np.ndarray:
    found = np.empty(devices)
    for k in range(devices):
        found[k] = 1.0 if mix(key, np.uint64(k)) & np.uint64(1) else -1.0
    return found


def _standard_error(state: RetentionState) -> float:
    """Return the standard error of an exponent, from its 95 % interval by Student's t."""
    assert state.nu_interval is not None
    low, high = state.nu_interval
    return float((high - low) / 2 / t_quantile(0.975, state.n - 2))


def _spread(
    levels: Sequence[str], nu: np.ndarray, se: np.ndarray, devices: int
) -> tuple[float, tuple[float, float], str]:
    """Return the standard deviation over devices, its interval, and its source as text."""
    named = np.array(levels)
    groups = [nu[named == name] for name in dict.fromkeys(levels)]
    shared = [group for group in groups if group.size > 1]
    if shared and devices > 1:
        free = sum(group.size - 1 for group in shared)
        total = sum(float(((group - group.mean()) ** 2).sum()) for group in shared)
        source = f"{count(free + len(shared), 'state')} of {count(devices, 'device')}, within states of one name"
    else:
        free, total = nu.size - 1, float(((nu - nu.mean()) ** 2).sum())
        of = "one device, used for the spread over devices" if devices == 1 else f"{count(devices, 'device')}"
        source = f"{count(nu.size, 'state')} of {of}"
    if free < 1:
        raise UsageError("the spread over devices cannot be estimated from one state: give nu_sd=")
    error = float(np.mean(se**2))
    low, high = (max(total / float(chi2_quantile(np.array(q), free)) - error, 0.0) ** 0.5 for q in (0.975, 0.025))
    return max(total / free - error, 0.0) ** 0.5, (low, high), source


def _at_temperature(
    block: Retention, states: list[RetentionState], level: str | None, temperature_k: float | None
) -> tuple[list[RetentionState], float]:
    """Return the relevant states, and how much faster time ran for them than at the temperature of use."""
    kelvins = sorted({each.temperature_k for each in states if each.temperature_k is not None})
    if temperature_k is None:
        if len(kelvins) > 1:
            words = ", ".join(f"{k:g} K" for k in kelvins)
            raise UsageError(f"states were measured at {words}: choose one with temperature_k=")
        return states, 1.0
    if not temperature_k > 0:
        raise UsageError(f"temperature_k must be above 0, not {temperature_k!r}")
    if not kelvins:
        raise UsageError("the retention block does not state the temperature of its states")
    nearest = min(kelvins, key=lambda k: abs(1 / k - 1 / temperature_k))
    states = [each for each in states if each.temperature_k == nearest]
    if abs(nearest - temperature_k) <= SAME_K:
        return states, 1.0
    energy = _activation(block, level, temperature_k)
    if energy is None:
        raise UsageError(
            f"states were measured at {nearest:g} K; drift at {temperature_k:g} K needs an activation energy, from "
            "data at three temperatures, which the retention block does not have"
        )
    return states, math.exp(energy / BOLTZMANN_EV * (1 / temperature_k - 1 / nearest))


def _activation(block: Retention, level: str | None, temperature_k: float) -> float | None:
    """Return the activation energy [eV] of the block's Arrhenius part; of one level if it has several lines.

    A line holds from its temperature of use up to the hottest bake; a refused line is refused here too.
    """
    part: Any = getattr(block, "arrhenius", None)
    if part is None:
        return None
    lines = list(part) if isinstance(part, Sequence) else [part]
    own = [each for each in lines if level is None or getattr(each, "level", level) == level]
    if len(own) > 1:
        names = ", ".join(str(each.level) for each in own)
        raise UsageError(f"the retention block has activation energies of {names}: choose one with level=")
    if not own:
        return None
    line = own[0]
    if reason := getattr(line, "refusal", None):
        raise UsageError(f"drift at {temperature_k:g} K cannot be predicted: {reason}")
    low, high = getattr(line, "life_k", 0.0), getattr(line, "highest_k", math.inf)
    if not low - SAME_K <= temperature_k <= high + SAME_K:
        raise UsageError(
            f"drift at {temperature_k:g} K cannot be predicted: the Arrhenius line holds from {low:g} to {high:g} K"
        )
    return float(line.activation_energy_ev)
