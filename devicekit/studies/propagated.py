"""What a network's accuracy owes to what the fit leaves open: a training on each of several devices it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.fitting.resampling import resampled_cards
from devicekit.fitting.result import DeviceFit
from devicekit.text import listed

if TYPE_CHECKING:
    from snn.config import TrainingConfig
    from snn.digits import Digits

FEW_CYCLES, LARGE_INCREMENT = 3, 0.01  # of the window
WIDE, WIDE_WORDS = 0.02, " Measure more before comparing this device with another."
SEEN = 1 / 3  # of the window, that a train must go through


def reason_to_propagate(fit: DeviceFit) -> str:
    """Why the fit's uncertainty may matter for a network, in words; "" where it is less than what seeds differ by.

    Measured on four simulated devices: it matters with three cycles or fewer whose updates scatter by 1 % of the window
    or more, and for trains that go through less than a third of the window.
    """
    found = []
    for direction, branch in fit.branches.items():
        spread = fit.variation.branches[direction]
        few = spread.n_devices == 1 and spread.n_cycles <= FEW_CYCLES
        if few and (spread.increment or 0.0) >= LARGE_INCREMENT:
            found.append(f"{direction.upper()} has few cycles, whose updates scatter by {spread.increment:.1%}")
        elif np.ptp(branch.measured_range) < SEEN:
            found.append(f"{direction.upper()} goes through {np.ptp(branch.measured_range):.0%} of the window")
    return listed(found)


@dataclass(frozen=True)
class Propagated:
    """Accuracies on devices that the data also allow.

    Attributes
    ----------
    accuracies : tuple of float
        One training each, all of one seed.
    split : str
        Which samples test.
    reason : str
        Why they were made.
    """

    accuracies: tuple[float, ...]
    split: str
    reason: str

    @property
    def median(self) -> float:
        """Of the accuracies."""
        return float(np.median(self.accuracies))

    @property
    def interval(self) -> tuple[float, float]:
        """5 and 95 % quantile."""
        low, high = np.quantile(self.accuracies, [0.05, 0.95])
        return float(low), float(high)

    @property
    def sentence(self) -> str:
        """For people."""
        low, high = self.interval
        return (
            f"What the fit leaves open: on {len(self.accuracies)} devices that these data also allow the accuracy is "
            f"{100 * self.median:.1f} % in the median, {100 * low:.1f} to {100 * high:.1f} % from 5 to 95 % of them "
            f"({self.reason}; one seed).{WIDE_WORDS if high - low > WIDE else ''}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "median": self.median,
            "interval_5_95": list(self.interval),
            "accuracies": list(self.accuracies),
            "split": self.split,
            "reason": self.reason,
        }


def propagated(
    fit: DeviceFit, config: TrainingConfig, data: Digits, count: int, progress: Callable[[int, int], None] | None = None
) -> Propagated | None:
    """Train on `count` cards that the data also allow; None where that is not worth it (`reason_to_propagate`).

    Parameters
    ----------
    fit : DeviceFit
        With both branches, not joint over widths.
    config : TrainingConfig
        Of the training that this goes with.
    data : Digits
    count : int
        Trainings, at least 1.
    progress : callable, optional
        Called after each with (done, count).
    """
    from snn.training import train

    reason = "" if fit.joint else reason_to_propagate(fit)
    if not reason:
        return None
    found = []
    for card in resampled_cards(fit, count, "open", config.seed):
        trained = train(card, config, data)
        found.append(trained.accuracy_mean_last)
        if progress is not None:
            progress(len(found), count)
    return Propagated(tuple(found), data.split, reason)
