"""A card in numbers for simulators of inference: errors of programming, read noise, drift; and as Python text.

States are r, 0 to 1 over the window. Programming: what `program_and_verify` leaves of the card's own devices, the same
for every target that wants it. Read noise: `read_sigma`. Drift: `Drift.from_retention`, of the card's retention block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from devicekit.device.ageing import Drift
from devicekit.device.array import DeviceArray, read_sigma
from devicekit.device.card import DeviceCard
from devicekit.device.horizon import LEAST_DECADES
from devicekit.device.programming import program_and_verify
from devicekit.errors import UsageError
from devicekit.text import percent

TARGETS = 11  # states, evenly over the window, that devices are programmed to
DEVICES = 400  # programmed to each
TOLERANCE = 0.02  # of the window, or twice the read noise where that is more: below it a verify does not tell
MICRO = 1e6  # siemens to microsiemens


@dataclass(frozen=True)
class InferenceNumbers:
    """What inference needs of a card; errors and noise are fractions of the window.

    Attributes
    ----------
    low, high : float
        The window [S].
    log : bool
        Whether the state is ln G over the window; else G.
    mean, sd : tuple of float
        Mean and standard deviation of state less target after write and verify, at `TARGETS` even targets from 0 to 1.
    tolerance : float
        Of the verify.
    failed : float
        Share of all devices that were flagged (not within the tolerance after 200 pulses, or stuck); they are counted
        in `mean` and `sd`.
    read_sd : float
        Of one reading, 0 where the card does not know it.
    drift : Drift or None
    no_drift : str
        Why there is none.
    noise : bool
        Whether they were wanted; else all of them are 0.
    """

    low: float
    high: float
    log: bool
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    tolerance: float
    failed: float
    read_sd: float
    drift: Drift | None
    no_drift: str
    noise: bool = True

    @property
    def longest_s(self) -> float:
        """Time after writing up to which the law of drift holds [s]; infinite where it spans enough decades."""
        if self.drift is None or self.drift.decades >= LEAST_DECADES:
            return math.inf
        return self.drift.measured_s

    def sentences(self) -> list[str]:
        """Return what is said of it in a README."""
        if not self.noise:
            return ["Without noise, as asked: no errors of programming, no read noise, no drift."]
        failed = f"; {percent(self.failed)} of them were flagged, and count" if self.failed > 0 else ""
        lines = [
            "Programming error: normal, with the mean and sd that write and verify (tolerance "
            f"{percent(self.tolerance)} of the window, bursts by the law, 200 pulses at most, from the low end) left "
            f"of {DEVICES} devices of this card at each of {TARGETS} states{failed}; the errors themselves are flatter "
            f"than normal ones. It is clipped to the window. Rms over states: {percent(self.rms)} of the window.",
            f"Read noise: {percent(self.read_sd)} of the window" + ("." if self.read_sd > 0 else ": not on the card."),
        ]
        if self.drift is None:
            lines.append(f"Drift: none; {self.no_drift}.")
        else:
            law = self.drift
            lines.append(
                f"Drift: G(t) = G (t / {law.t0_s:.4g} s)^-nu, nu normal over devices, mean {law.nu:.3g}, sd "
                f"{law.nu_sd:.3g} ({law.source}). Measured up to {law.measured_s:.3g} s"
                + (
                    f" over {law.decades:.1f} decades: later times are refused."
                    if math.isfinite(self.longest_s)
                    else "; later times extrapolate."
                )
            )
        return lines

    @property
    def rms(self) -> float:
        """Root mean square of the programming error over all targets."""
        return float(np.sqrt(np.mean(np.square(self.mean) + np.square(self.sd))))


def noiseless(card: DeviceCard) -> InferenceNumbers:
    """The window of a card, and no errors at all."""
    none = (0.0,) * TARGETS
    window = card.window
    log = window.scale == "log"
    return InferenceNumbers(window.low, window.high, log, none, none, TOLERANCE, 0.0, 0.0, None, "not wanted", False)


def numbers(card: DeviceCard) -> InferenceNumbers | str:
    """The numbers of a card, or why it has none."""
    window = card.window
    if window.quantity != "conductance_s":
        return "this card holds weights, and a model of inference needs conductances"
    if window.low < 0:
        return "the window goes below 0 S"
    read = read_sigma(card)
    tolerance = min(max(TOLERANCE, 2.0 * read), 0.5)
    targets = np.repeat(np.linspace(0.0, 1.0, TARGETS), DEVICES)
    programmed = program_and_verify(DeviceArray(card, targets.size), targets, tolerance=tolerance)
    error = (programmed.state - targets).reshape(TARGETS, DEVICES)
    drift, reason = None, "the card has no retention block"
    if card.retention is not None:
        try:
            drift = Drift.from_retention(card.retention)
        except UsageError as problem:
            reason = str(problem)
    return InferenceNumbers(
        low=window.low,
        high=window.high,
        log=window.scale == "log",
        mean=tuple(error.mean(axis=1).tolist()),
        sd=tuple(error.std(axis=1).tolist()),
        tolerance=tolerance,
        failed=float((programmed.failed | programmed.stuck).mean()),
        read_sd=read,
        drift=drift,
        no_drift=reason,
    )


def constants(found: InferenceNumbers) -> str:
    """The numbers as Python text, conductances in microsiemens."""
    drift = found.drift
    rows = [
        ("LOW, HIGH", (found.low * MICRO, found.high * MICRO), "the window [uS]"),
        ("PROGRAMMING_MEAN", found.mean, "mean error of programming at even states from 0 to 1 [window]"),
        ("PROGRAMMING_SD", found.sd, "its standard deviation [window]"),
        ("READ_SD", found.read_sd, "standard deviation of one reading [window]"),
        ("DRIFT", None if drift is None else (drift.nu, drift.nu_sd), "mean and sd over devices of nu, or None"),
        ("T_0", 1.0 if drift is None else drift.t0_s, "time after writing at which drift begins [s]"),
        ("T_MOST", found.longest_s if math.isfinite(found.longest_s) else None, "last time that is not refused [s]"),
    ]
    return "\n".join(f"{name} = {value!r}  # {meaning}" for name, value, meaning in rows)


def functions(found: InferenceNumbers, log: str) -> str:
    """Python text of `conductance(r)` [uS], `state(g)` and `between(values, r)`, for arrays of any library.

    Parameters
    ----------
    found : InferenceNumbers
    log : str
        Name of the logarithm of an array.
    """
    there, back = (
        ("LOW * (HIGH / LOW) ** r", f"{log}((g / LOW).clip(min=1e-6)) / LOG_RANGE")
        if found.log
        else ("LOW + (HIGH - LOW) * r", _BACK)
    )
    extra = f"LOG_RANGE = {math.log(found.high / found.low)!r}  # ln(HIGH / LOW)\n\n\n" if found.log else "\n"
    return extra + _FUNCTIONS.format(there=there, back=back)


_BACK = "(g - LOW) / (HIGH - LOW)"
_FUNCTIONS = '''def conductance(r):
    """Conductance [uS] of a state r, 0 to 1 over the window."""
    return {there}


def state(g):
    """State of a conductance [uS]."""
    return {back}


def between(values, r):
    """Linear between values at even states from 0 to 1, at states r."""
    slopes = [(b - a) * (len(values) - 1) for a, b in zip(values, values[1:])]
    found = values[0] + slopes[0] * r
    for k in range(1, len(slopes)):
        found = found + (slopes[k] - slopes[k - 1]) * (r - k / len(slopes)).clip(min=0.0)
    return found
'''


_AIHWKIT = '''"""Noise model of inference for aihwkit 1.1.0, made by devicekit. README.txt says what is exact."""

from dataclasses import dataclass, field

from aihwkit.inference.converter.conductance import SinglePairConductanceConverter
from aihwkit.inference.noise.base import BaseNoiseModel
from aihwkit.simulator.configs import InferenceRPUConfig
from torch import log, randn_like

{constants}
{functions}

class {name}NoiseModel(BaseNoiseModel):
    """Programming error, drift and read noise of the card's devices, one pair of them for a weight.

    Parameters
    ----------
    g_converter : converter of weights to conductances [uS], by default a single pair over the card's window
    programming_scale : factor on the programming error; 1 is what write and verify left, 0 none
    read_sd : standard deviation of the reading that `drift_analog_weights` freezes [window]; set it to 0 where the
        forward pass draws read noise itself
    drift : whether conductances drift
    """

    def __init__(self, g_converter=None, programming_scale=1.0, read_sd=READ_SD, drift=True):
        super().__init__(g_converter or SinglePairConductanceConverter(g_max=HIGH, g_min=LOW))
        self.programming_scale = programming_scale
        self.read_sd = read_sd
        self.drift = drift and DRIFT is not None

    def apply_programming_noise_to_conductance(self, g_target):
        r = state(g_target)
        error = between(PROGRAMMING_MEAN, r) + between(PROGRAMMING_SD, r) * randn_like(r)
        return conductance((r + self.programming_scale * error).clip(min=0.0, max=1.0))

    def generate_drift_coefficients(self, g_target):
        return DRIFT[0] + DRIFT[1] * randn_like(g_target) if self.drift else None

    def apply_drift_noise_to_conductance(self, g_prog, drift_noise_param, t_inference):
        if self.drift and T_MOST is not None and t_inference > T_MOST:
            raise ValueError(f"drift was measured up to {{T_MOST:g}} s, over too few decades for {{t_inference:g}} s")
        if drift_noise_param is not None and t_inference > T_0:
            g_prog = g_prog * (t_inference / T_0) ** -drift_noise_param
        if self.read_sd == 0.0:
            return g_prog
        return conductance(state(g_prog) + self.read_sd * randn_like(g_prog)).clip(min=0.0)


@dataclass
class {name}InferencePreset(InferenceRPUConfig):
    """aihwkit's own defaults with the card's noise model."""

    noise_model: BaseNoiseModel = field(default_factory={name}NoiseModel)
'''


def aihwkit_module(found: InferenceNumbers, name: str) -> str:
    """The module of aihwkit's noise model; `name` begins its classes."""
    text = _AIHWKIT.format(constants=constants(found), functions=functions(found, "log"), name=name)
    return text if found.log else text.replace("from torch import log, randn_like", "from torch import randn_like")
