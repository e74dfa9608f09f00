"""Numbers of a card for simulators of inference: programming error, read noise, drift; also as Python text.

States are r, 0 to 1 over the window. Programming error: residuals of `program_and_verify` on devices of the card.
Read noise: `read_sigma`. Drift: `Drift.from_retention` with the retention block of the card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.text import percent
from devicekit.device.ageing import Drift
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.horizon import LEAST_DECADES
from devicekit.device.programming import program_and_verify
from devicekit.device.variation import read_sigma
from devicekit.exporters import base
from devicekit.exporters.tiles import TileFile

TARGETS = 11  # target states, evenly over the window
DEVICES = 400  # devices per target state
TOLERANCE = 0.02  # of the window, or twice the read noise if larger: noise hides smaller errors from a verify
MICRO = 1e6  # siemens to microsiemens


@dataclass(frozen=True)
class InferenceNumbers:
    """Numbers of a card for inference; errors and noise are fractions of the window.

    Attributes
    ----------
    low, high : float
        The window [S].
    log : bool
        True if the state is ln G over the window, False if it is G.
    mean, sd : tuple of float
        Mean and standard deviation of state - target after write and verify, at `TARGETS` even targets from 0 to 1.
    tolerance : float
        Tolerance of the verify.
    failed : float
        Share of devices flagged as failed (outside the tolerance after 200 pulses, or stuck); included in `mean` and
        `sd`.
    read_sd : float
        Standard deviation of one reading, 0 if the card has none.
    drift : Drift or None
    no_drift : str
        Reason why `drift` is None.
    noise : bool
        False if the export was requested without noise; then all errors are 0.
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
        """Longest time after writing at which the drift law is used [s]; infinite if it covers enough decades."""
        if self.drift is None or self.drift.decades >= LEAST_DECADES:
            return math.inf
        return self.drift.measured_s

    def sentences(self) -> list[str]:
        """Return the README sentences."""
        if not self.noise:
            return ["No programming error, read noise or drift: noise was switched off."]
        failed = f", including the {percent(self.failed)} that failed" if self.failed > 0 else ""
        lines = [
            "Programming error: normal distribution with the mean and sd after write and verify (tolerance "
            f"{percent(self.tolerance)} of the window, bursts by the law, at most 200 pulses, from the low end) of "
            f"{DEVICES} devices of this card at each of {TARGETS} states{failed}. The distribution of the errors is "
            "flatter than a normal one. Results are clipped to the window. Rms error over states: "
            f"{percent(self.rms)} of the window.",
            f"Read noise: sd {percent(self.read_sd)} of the window"
            + ("." if self.read_sd > 0 else " (the card has none)."),
        ]
        if self.drift is None:
            lines.append(f"Drift: none. {self.no_drift[:1].upper()}{self.no_drift[1:].rstrip('.')}.")
        else:
            law = self.drift
            lines.append(
                f"Drift: G(t) = G (t / {law.t0_s:.4g} s)^-nu with nu normally distributed over devices, mean "
                f"{law.nu:.3g}, sd {law.nu_sd:.3g} ({law.source}). Measured up to {law.measured_s:.3g} s"
                + (
                    f" over {law.decades:.1f} decades; later times raise an error."
                    if math.isfinite(self.longest_s)
                    else "; later times are extrapolated."
                )
            )
        return lines

    @property
    def rms(self) -> float:
        """Root mean square of the programming error over all targets."""
        return float(np.sqrt(np.mean(np.square(self.mean) + np.square(self.sd))))


def noiseless(card: DeviceCard) -> InferenceNumbers:
    """Return the window of a card with all errors 0."""
    none = (0.0,) * TARGETS
    window = card.window
    log = window.scale == "log"
    return InferenceNumbers(window.low, window.high, log, none, none, TOLERANCE, 0.0, 0.0, None, "not requested", False)


def numbers(card: DeviceCard) -> InferenceNumbers | str:
    """Return the numbers of a card, or the reason why it has none."""
    window = card.window
    if window.quantity != "conductance_s":
        return "this card holds weights, but a model of inference needs conductances"
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


def _render(template: str, found: InferenceNumbers, log: str, name: str, **more: object) -> str:
    """Fill a template with the numbers, conductances in microsiemens; `log` is the logarithm of arrays there."""
    drift = found.drift
    constants = [
        ("LOW, HIGH", (found.low * MICRO, found.high * MICRO), "the window [uS]"),
        ("PROGRAMMING_MEAN", found.mean, "mean programming error at even states from 0 to 1 [window]"),
        ("PROGRAMMING_SD", found.sd, "its standard deviation [window]"),
        ("READ_SD", found.read_sd, "standard deviation of one reading [window]"),
        ("DRIFT", None if drift is None else (drift.nu, drift.nu_sd), "mean and sd over devices of nu, or None"),
        ("T_0", 1.0 if drift is None else drift.t0_s, "time after writing at which drift begins [s]"),
        ("T_MOST", found.longest_s if math.isfinite(found.longest_s) else None, "longest time of the drift law [s]"),
    ]
    log_range = math.log(found.high / found.low) if found.log else 0.0
    values = {"constants": constants, "logarithmic": found.log, "log_range": log_range, "log": log, "name": name}
    return base.render(template, {**values, **more})


def aihwkit_module(found: InferenceNumbers, name: str) -> str:
    """Return the module with the noise model for aihwkit; `name` is the prefix of its classes."""
    return _render("aihwkit_inference.py.j2", found, "log", name)


def crosssim_module(found: InferenceNumbers, name: str, network: TileFile | None = None) -> str:
    """Return the module for CrossSim 3: the device class of a card, and the loader of a network if there is one."""
    return _render("crosssim3.py.j2", found, "xp.log", name, network=network)
