"""Result of programming an array: errors and costs by device, and in summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.text import percent

Steps = Literal["law", "sign", "amplitude"]
_WAY = ("tolerance", "read_sd", "limit", "reads", "steps")  # how devices were programmed
_COSTS = ("write_energy_j", "verify_energy_j", "time_s")


@dataclass(frozen=True, kw_only=True)
class ProgrammingSummary(Record):
    """Cost and error of programming; shares are of all devices, errors fractions of the window.

    Errors are true minus programmed states. The bias is of devices that got pulses, passed the verify, and were
    programmed once. Energies are as if devices conducted at the pulse voltage as they do when read; they are None where
    the card lacks a voltage, the width, or a conductance.
    """

    devices: int = column(doc="number of devices")
    tolerance: float = column(doc="largest accepted error")
    read_sd: float = column(doc="standard deviation of one verify (the mean of its readings)")
    limit: int = column(doc="pulses of a device at most")
    reads: int = column(doc="readings of a verify")
    steps: Steps = column(doc="law, sign or amplitude")
    pulses_mean: float = column(doc="pulses of a device, mean")
    pulses_p99: float = column(doc="pulses of a device, 99 % quantile")
    verifies_mean: float = column(doc="verifies of a device, mean")
    failed: float = column(doc="share of devices that were not within the tolerance at the limit")
    stuck: float = column(doc="share of devices that did not move")
    compensated: float = column(doc="share of devices that were programmed again for their partner")
    error_mean: float | None = column(doc="mean error of devices that passed the verify; None if there are none")
    error_sd: float | None = column(doc="standard deviation of the error of these devices")
    error_rms: float = column(doc="root mean square error over all devices, flagged ones included")
    bias: float | None = column(
        doc="mean error in the direction of the approach: below 0 devices stopped short of their targets"
    )
    write_energy_j: float | None = column(unit="J", doc="sum over pulses of V^2 G t, G before the pulse")
    verify_energy_j: float | None = column(unit="J", doc="sum over readings of V^2 G t")
    time_s: float | None = column(
        unit="s", doc="of all pulses and readings one after another; None where the card has no width"
    )

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Programming(Record):
    """Devices that were programmed; arrays have shape (n,), states are fractions of the window."""

    target: np.ndarray = internal("requested state")
    aim: np.ndarray = internal(
        "state that each device was finally programmed to: the target, except for `compensated` devices"
    )
    start: np.ndarray = internal("true states before")
    state: np.ndarray = internal("true states after")
    pulses: np.ndarray = internal("pulses, those on devices that do not move included")
    verifies: np.ndarray = internal("verifies, of `reads` readings each")
    failed: np.ndarray = internal("not within the tolerance when the limit was reached, by the last verify")
    stuck: np.ndarray = internal("given up, because bursts had no effect that verifies could detect")
    compensated: np.ndarray = internal(
        "programmed again to compensate the error of a flagged partner, as far as the window allows"
    )
    paired: bool = internal("whether devices 2 k and 2 k + 1 are a weight")
    tolerance: float = internal("see `ProgrammingSummary`, as the next ones")
    read_sd: float = internal()
    limit: int = internal()
    reads: int = internal()
    steps: Steps = internal()
    write_energy_j: float | None = internal()
    verify_energy_j: float | None = internal()
    time_s: float | None = internal()
    read_known: bool = internal("whether the read noise is known, by the card or because it was given")

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
        return -np.diff((self.state - self.target).reshape(-1, 2), axis=1)[:, 0]

    @property
    def bias(self) -> float | None:
        """Mean error in the direction of the approach (`ProgrammingSummary.bias`): below 0, stopped short."""
        moved = ~self.flagged & ~self.compensated & (self.pulses > 0)
        return _mean((self.error * np.sign(self.target - self.start))[moved])

    @derived(inline=True)
    def summary(self) -> ProgrammingSummary:
        """The numbers over all devices."""
        right = self.error[~self.flagged]
        return ProgrammingSummary(
            **{name: getattr(self, name) for name in (*_WAY, *_COSTS)},
            devices=self.target.size,
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
        )

    @derived(row=False)
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
    ways = {tuple(getattr(part, name) for name in (*_WAY, "paired", "read_known")) for part in parts}
    if len(ways) != 1:
        raise UsageError("only arrays programmed in the same way can be merged")
    names = ("target", "aim", "start", "state", "pulses", "verifies", "failed", "stuck", "compensated")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    sums: dict[str, Any] = {name: _sum([getattr(part, name) for part in parts]) for name in _COSTS}
    return replace(parts[0], **joined, **sums)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
