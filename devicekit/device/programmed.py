"""Result of programming an array: errors and costs by device, and in summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.text import percent

Steps = Literal["law", "sign", "amplitude"]


@dataclass(frozen=True)
class ProgrammingSummary:
    """Cost and error of programming; shares are of all devices, errors fractions of the window.

    Attributes
    ----------
    devices : int
    tolerance, read_sd : float
        Tolerance, and standard deviation of one verify (the mean of its readings).
    limit, reads : int
        Pulses of a device at most, and readings of a verify.
    steps : {"law", "sign", "amplitude"}
    pulses_mean, pulses_p99, verifies_mean : float
        Of a device.
    failed, stuck, compensated : float
        Shares of devices that were not within the tolerance at the limit, that did not move, and that were programmed
        again for their partner.
    error_mean, error_sd : float or None
        True minus programmed state, for devices that passed the verify; None if there are none.
    error_rms : float
        Root mean square of it over all devices, flagged ones included.
    bias : float or None
        Mean of the same error in the direction of the approach: below 0 devices stopped short of their targets. For
        devices that got pulses, passed the verify, and were programmed once; None if there are none.
    write_energy_j, verify_energy_j : float or None
        Sum over pulses of V^2 G t, G before the pulse, as if devices conducted at the pulse voltage as they do when
        read, and over readings [J]; None where the card lacks a voltage, the width, or a conductance.
    time_s : float or None
        Of all pulses and readings one after another [s]; None where the card has no width.
    """

    devices: int
    tolerance: float
    read_sd: float
    limit: int
    reads: int
    steps: Steps
    pulses_mean: float
    pulses_p99: float
    verifies_mean: float
    failed: float
    stuck: float
    compensated: float
    error_mean: float | None
    error_sd: float | None
    error_rms: float
    bias: float | None
    write_energy_j: float | None
    verify_energy_j: float | None
    time_s: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)

    @property
    def words(self) -> str:
        """Summary in one line."""
        flagged = [
            f"{percent(share)} {name}"
            for name, share in (("failed", self.failed), ("stuck", self.stuck), ("compensated", self.compensated))
            if share > 0
        ]
        return "; ".join(
            [
                f"tolerance {percent(self.tolerance)} of the window, {self.steps} steps",
                f"{self.pulses_mean:.3g} pulses a device (99 % at most {self.pulses_p99:.3g})",
                f"{self.verifies_mean:.3g} verifies",
                *flagged,
            ]
        )


@dataclass(frozen=True, eq=False)
class Programming:
    """Devices that were programmed; arrays have shape (n,), states are fractions of the window.

    Attributes
    ----------
    target : ndarray
        Requested state.
    aim : ndarray
        State that each device was finally programmed to: the target, except for `compensated` devices.
    start, state : ndarray
        True states before and after.
    pulses, verifies : ndarray of int64
        Pulses, those on devices that do not move included, and verifies, of `reads` readings each.
    failed : ndarray of bool
        Not within the tolerance when the limit was reached, by the last verify.
    stuck : ndarray of bool
        Given up, because bursts had no effect that verifies could detect.
    compensated : ndarray of bool
        Programmed again to compensate the error of a flagged partner, as far as the window allows.
    paired : bool
        Whether devices 2 k and 2 k + 1 are a weight.
    tolerance, read_sd : float
        Tolerance, and standard deviation of one verify.
    limit, reads : int
    steps : {"law", "sign", "amplitude"}
    write_energy_j, verify_energy_j, time_s : float or None
        As of `ProgrammingSummary`.
    read_known : bool
        Whether the read noise is known, by the card or because it was given.
    """

    target: np.ndarray
    aim: np.ndarray
    start: np.ndarray
    state: np.ndarray
    pulses: np.ndarray
    verifies: np.ndarray
    failed: np.ndarray
    stuck: np.ndarray
    compensated: np.ndarray
    paired: bool
    tolerance: float
    read_sd: float
    limit: int
    reads: int
    steps: Steps
    write_energy_j: float | None
    verify_energy_j: float | None
    time_s: float | None
    read_known: bool

    @property
    def error(self) -> np.ndarray:
        """True state minus the programmed one [1], shape (n,)."""
        return self.state - self.aim

    @property
    def flagged(self) -> np.ndarray:
        """Failed or stuck devices, shape (n,)."""
        return self.failed | self.stuck

    @property
    def weight_error(self) -> np.ndarray:
        """Error of r+ - r- of pairs [1], shape (n / 2,).

        Raises
        ------
        UsageError
            If devices were not programmed as pairs.
        """
        if not self.paired:
            raise UsageError("the devices were not programmed as pairs (pairs=True)")
        return np.asarray((self.state - self.target).reshape(-1, 2) @ np.array([1.0, -1.0]))

    @property
    def bias(self) -> float | None:
        """Mean error in the direction of the approach (`ProgrammingSummary.bias`): below 0, stopped short."""
        moved = ~self.flagged & ~self.compensated & (self.pulses > 0)
        return _mean((self.error * np.sign(self.target - self.start))[moved])

    @property
    def summary(self) -> ProgrammingSummary:
        """The numbers over all devices."""
        right = self.error[~self.flagged]
        return ProgrammingSummary(
            devices=self.target.size,
            tolerance=self.tolerance,
            read_sd=self.read_sd,
            limit=self.limit,
            reads=self.reads,
            steps=self.steps,
            pulses_mean=float(self.pulses.mean()),
            pulses_p99=float(np.quantile(self.pulses, 0.99)),
            verifies_mean=float(self.verifies.mean()),
            failed=float(self.failed.mean()),
            stuck=float(self.stuck.mean()),
            compensated=float(self.compensated.mean()),
            error_mean=_mean(right),
            error_sd=float(right.std()) if right.size else None,
            error_rms=float(np.sqrt(np.mean(self.error**2))),
            bias=self.bias,
            write_energy_j=self.write_energy_j,
            verify_energy_j=self.verify_energy_j,
            time_s=self.time_s,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the summary, and warnings, as JSON-ready values."""
        return {**self.summary.as_dict(), "warnings": [each.as_dict() for each in self.warnings]}

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings on these numbers."""
        found = []
        if not self.read_known:
            words = "the card has no read noise: verifies were assumed exact, so errors come out too small"
            found.append(CodedWarning("exact_verify", words))
        if self.tolerance < self.read_sd:
            words = (
                f"the tolerance, {percent(self.tolerance)} of the window, is below the scatter of a verify "
                f"({percent(self.read_sd)}), which limits the errors. Use more reads for each verify"
            )
            found.append(CodedWarning("below_read_noise", words))
        if self.steps == "sign" and self.bias is not None and self.bias < -self.tolerance / 2:
            words = (
                f"single pulses stop at the near edge of the tolerance: devices lie {percent(-self.bias)} of the "
                "window short of their targets on average. This cancels in pairs, not with a fixed reference"
            )
            found.append(CodedWarning("near_side", words))
        return tuple(found)


def merge_programming(parts: Sequence[Programming]) -> Programming:
    """Merge several arrays programmed in the same way into one, such as the layers of a network.

    Parameters
    ----------
    parts : sequence of Programming
        One or more, programmed to the same tolerance in the same way.

    Returns
    -------
    Programming
        Devices one after the other; energies and times added.

    Raises
    ------
    UsageError
        If there are none, or they were not programmed in the same way.
    """
    ways = {(p.tolerance, p.read_sd, p.limit, p.reads, p.steps, p.paired, p.read_known) for p in parts}
    if len(ways) != 1:
        raise UsageError("only arrays programmed in the same way can be merged")
    names = ("target", "aim", "start", "state", "pulses", "verifies", "failed", "stuck", "compensated")
    added = ("write_energy_j", "verify_energy_j", "time_s")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    sums: dict[str, Any] = {name: _sum([getattr(part, name) for part in parts]) for name in added}
    return replace(parts[0], **joined, **sums)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
