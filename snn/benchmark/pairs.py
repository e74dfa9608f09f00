"""Pairs of trainings, a device and its ideal device, and the share of one flaw in the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.statistics import t_quantile
from snn.benchmark.task import Variant

ONE_SIDED = 1.96  # 2.5 %: 5 % for the two variants, of which the worse one is reported
OTHERS = "all others together"  # flaws without an attribution of their own
POWER_80 = ONE_SIDED + 0.84  # standard errors of a loss that is found with a probability of 80 %


def quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution."""
    return t_quantile(0.975, freedom)


@dataclass(frozen=True)
class VariantResult:
    """One variant of the task: the device and its ideal device ("twin"), paired by seed.

    Attributes
    ----------
    variant : {"plain", "scaled", "wide", "policy"}
        Learning rates for 50 hidden neurons; 1000 hidden neurons; or plain rates and the policy chosen by "auto".
    device, twin : tuple of float
        Test accuracy after the last epoch, by seed [1].
    null_sd : float
        Standard deviation of the difference between equal devices [1], measured beforehand or from these pairs.
    open_sd : float
        Standard deviation of the loss over devices that the fit allows [1]; 0 if unknown.
    """

    variant: Variant
    device: tuple[float, ...]
    twin: tuple[float, ...]
    null_sd: float
    open_sd: float = 0.0

    @property
    def losses(self) -> np.ndarray:
        """Accuracy of the ideal device minus that of the device, by seed [1]."""
        return np.subtract(self.twin, self.device)

    @property
    def loss(self) -> float:
        """Mean loss [1]."""
        return float(self.losses.mean())

    @property
    def seed_error(self) -> float:
        """Standard error of the loss over seeds [1].

        From the scatter of the pairs, or from `null_sd` if that is larger: a few pairs may happen to agree.
        """
        k = len(self.device)
        own = float(self.losses.std(ddof=1)) if k > 1 else 0.0
        return max(self.null_sd, own) / float(np.sqrt(k))

    @property
    def standard_error(self) -> float:
        """Standard error of the loss [1], over seeds and over the uncertainty of the fit."""
        return float(np.hypot(self.seed_error, self.open_sd))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the loss [1]."""
        wide = ONE_SIDED * self.standard_error
        return self.loss - wide, self.loss + wide

    @property
    def z(self) -> float:
        """The loss in standard errors."""
        return self.loss / self.standard_error

    @property
    def found(self) -> bool:
        """True if the loss is significant at 2.5 %, one-sided: the interval lies above 0."""
        return self.z > ONE_SIDED

    @property
    def smallest(self) -> float:
        """Loss that would be found with a probability of 80 % [1]."""
        return POWER_80 * self.standard_error

    @property
    def upper_bound(self) -> float:
        """Upper bound of the loss at 2.5 % [1], at least `smallest`."""
        return max(self.smallest, self.interval[1])

    @property
    def words(self) -> str:
        """The loss in percentage points of accuracy, or its upper bound."""
        if self.found:
            return f"loses {100 * self.loss:.1f} ± {100 * self.standard_error:.1f} percentage points of accuracy"
        return f"no loss larger than {100 * self.upper_bound:.1f} percentage points of accuracy"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "variant": self.variant,
            "device": list(self.device),
            "twin": list(self.twin),
            "loss": self.loss,
            "standard_error": self.standard_error,
            "standard_error_of_seeds": self.seed_error,
            "sd_left_open_by_the_fit": self.open_sd,
            "z": self.z,
            "found": self.found,
            "null_sd": self.null_sd,
            "found_with_80_percent": self.smallest,
        }


@dataclass(frozen=True)
class Share:
    """Share of one flaw in the loss [1]: Shapley value by seed, and its loss alone (empty for `OTHERS`)."""

    flaw: str
    shapley: tuple[float, ...]
    alone: tuple[float, ...]

    @property
    def value(self) -> float:
        """Mean Shapley value [1]."""
        return float(np.mean(self.shapley))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean over seeds [1]."""
        return float(np.std(self.shapley, ddof=1) / np.sqrt(len(self.shapley))) if len(self.shapley) > 1 else np.inf

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        error = self.standard_error
        return {
            "flaw": self.flaw,
            "shapley": self.value,
            "standard_error": error if np.isfinite(error) else None,
            "alone": float(np.mean(self.alone)) if self.alone else None,
        }
