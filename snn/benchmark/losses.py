"""Loss of a device compared with its ideal device, and the share of one flaw in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.intervals import mean_ends, tenths
from devicekit.core.records import Record, cell, column, derived, internal
from devicekit.core.statistics import t_quantile
from snn.benchmark.task import NETWORKS, Variant

ONE_SIDED = 1.96  # 2.5 %: 5 % for the two variants, of which the worse one is reported
OF_TRAININGS = "95 % over trainings"
OF_DEVICES = "95 % over resampled devices or fits"
CARD_SEEDS = 2  # trainings of each resampled card: cards tell more about the spread over devices than seeds
OTHERS = "all others together"  # flaws without an attribution of their own


def points(share: float) -> str:
    """Format a share [1] as a number of percent or percentage points."""
    return tenths(100 * share)


def ends_in_points(ends: tuple[float, float] | None) -> str:
    """Format an interval of shares [1] as "10.9 to 28.7"; a dash without one."""
    return "–" if ends is None else f"{points(ends[0])} to {points(ends[1])}"


def points_with_error(each: float, half: float) -> str:
    """Format a loss and half its interval [1] as "16.0 ± 1.9"."""
    return f"{points(each)} ± {points(half)}"


@dataclass(frozen=True, kw_only=True)
class VariantResult(Record):
    """One variant of the task: trainings of the device and of its ideal device ("twin"), compared by their means."""

    variant: Variant = column(
        doc="learning rates for 50 hidden neurons; 1000 hidden neurons; or plain rates and the policy chosen by auto"
    )
    device: tuple[float, ...] = column(doc="test accuracy after the last epoch, by seed, 0..1")
    twin: tuple[float, ...] = column(doc="that of the ideal device")
    null_sd: float = column(
        doc="least standard deviation of an accuracy that few trainings are taken to have; 0 for enough of them"
    )
    open_sd: float = column(
        name="sd_left_open_by_the_fit",
        default=0.0,
        doc="standard deviation of the loss over resampled devices, or over fits of one device; 0 if unknown",
    )
    policy: str = column(name="name", default="", optional=True, doc="pulse policy of the variant policy")

    @cell("network")
    def task(self) -> str:
        """The variant in words."""
        return f"pulse policy {self.policy!r}" if self.policy else NETWORKS[self.variant]

    @cell("device [%]", text=points)
    def mean_of_device(self) -> float:
        """Mean accuracy of the device [1]."""
        return float(np.mean(self.device))

    @cell("ideal device [%]", text=points)
    def mean_of_twin(self) -> float:
        """Mean accuracy of the ideal device [1]."""
        return float(np.mean(self.twin))

    @derived("loss [points]", text=points)
    def loss(self) -> float:
        """Mean accuracy of the ideal device minus that of the device [1]."""
        return self.mean_of_twin - self.mean_of_device

    def _error_of_mean(self, accuracies: tuple[float, ...]) -> float:
        """Return the standard error of a mean, in units of the normal distribution that the intervals use."""
        k = len(accuracies)
        own = float(np.std(accuracies, ddof=1)) * t_quantile(0.975, k - 1) / ONE_SIDED if k > 1 else 0.0
        return max(self.null_sd, own) / float(np.sqrt(k))

    @derived(name="standard_error_of_seeds")
    def seed_error(self) -> float:
        """Standard error of the loss of these devices over seeds [1].

        From the scatter of the trainings by Student's t, or from `null_sd` if that is larger.
        """
        return float(np.hypot(self._error_of_mean(self.device), self._error_of_mean(self.twin)))

    @derived()
    def standard_error(self) -> float:
        """Standard error of the loss [1], over seeds and over resampled devices or fits."""
        return float(np.hypot(self.seed_error, self.open_sd))

    def _ends(self, error: float) -> tuple[float, float]:
        return self.loss - ONE_SIDED * error, self.loss + ONE_SIDED * error

    @derived(f"{OF_TRAININGS} [points]", name="interval_of_these_devices", text=ends_in_points, shown=True)
    def own_interval(self) -> tuple[float, float]:
        """95 % interval of the loss of these devices [1], over trainings."""
        return self._ends(self.seed_error)

    @derived(f"{OF_DEVICES} [points]", name="interval_of_this_kind", text=ends_in_points, shown=True)
    def kind_interval(self) -> tuple[float, float] | None:
        """95 % interval of the loss of devices of this kind [1], over resampled devices or fits; None if unknown."""
        return self._ends(self.standard_error) if self.open_sd else None

    @property
    def interval(self) -> tuple[float, float]:
        """The wider of the two intervals that are known [1], by which a verdict is reached."""
        return self.kind_interval or self.own_interval

    @derived()
    def found(self) -> bool:
        """True if the loss is significant at 2.5 %, one-sided: the wider interval lies above 0."""
        return self.interval[0] > 0

    @property
    def words(self) -> str:
        """The loss in points of accuracy and its error over trainings, as the end of a sentence about a device."""
        shown = f"{points_with_error(self.loss, ONE_SIDED * self.seed_error)} points"
        return f"loses {shown}" if self.found else f"shows no significant loss: {shown}"


@dataclass(frozen=True)
class Share(Record):
    """Share of one flaw in the loss."""

    flaw: str = column("flaw", doc="name of the flaw")
    shapley: tuple[float, ...] = internal("Shapley value by seed [1]")
    alone: tuple[float, ...] = internal("loss by this flaw alone, by seed [1]; empty for `OTHERS`")

    @derived("share of the loss [points]", name="shapley", text=points)
    def value(self) -> float:
        """Mean Shapley value [1]."""
        return float(np.mean(self.shapley))

    @cell(f"{OF_TRAININGS} [points]", text=ends_in_points)
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the value over seeds [1], by Student's t; None with one seed."""
        return mean_ends(self.shapley)

    @derived()
    def standard_error(self) -> float:
        """Standard error of the mean over seeds [1]."""
        return float(np.std(self.shapley, ddof=1) / np.sqrt(len(self.shapley))) if len(self.shapley) > 1 else np.inf

    @derived("this flaw alone [points]", name="alone", text=lambda share: "–" if share is None else points(share))
    def mean_alone(self) -> float | None:
        """Mean loss by this flaw alone [1]."""
        return float(np.mean(self.alone)) if self.alone else None
