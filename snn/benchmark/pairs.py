"""Pairs of trainings: a device against its ideal twin, and what one flaw takes part in the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.statistics import t_quantile
from snn.benchmark.task import Variant

ONE_SIDED = 1.96  # 2.5 %: 5 % for the two variants, of which the worse one is told
OTHERS = "all others together"  # flaws that were not told one by one
POWER_80 = ONE_SIDED + 0.84  # standard errors: a loss of so many is found with 80 %


def quantile(freedom: int) -> float:
    """97.5 % of Student's t."""
    return t_quantile(0.975, freedom)


@dataclass(frozen=True)
class VariantResult:
    """One variant of the task: the device against its ideal twin, paired by seed.

    Attributes
    ----------
    variant : {"plain", "scaled", "wide", "policy"}
        Rates of 50 hidden neurons; or 1000 of them; or plain rates, and the policy that auto takes.
    device, twin : tuple of float
        Test accuracy after the last epoch, by seed [1].
    null_sd : float
        Standard deviation of such a difference where there is none [1], measured beforehand, or of these pairs.
    open_sd : float
        Standard deviation of the loss over devices that the fit allows [1]; 0 where that is not known.
    """

    variant: Variant
    device: tuple[float, ...]
    twin: tuple[float, ...]
    null_sd: float
    open_sd: float = 0.0

    @property
    def losses(self) -> np.ndarray:
        """Twin less device, by seed [1]."""
        return np.subtract(self.twin, self.device)

    @property
    def loss(self) -> float:
        """Their mean [1]."""
        return float(self.losses.mean())

    @property
    def seed_error(self) -> float:
        """Standard error of the loss over seeds [1].

        Of the pairs' own scatter, or of the null where that is larger: a few pairs may happen to agree.
        """
        k = len(self.device)
        own = float(self.losses.std(ddof=1)) if k > 1 else 0.0
        return max(self.null_sd, own) / float(np.sqrt(k))

    @property
    def standard_error(self) -> float:
        """Of the loss [1], by the seeds and by what the fit leaves open."""
        return float(np.hypot(self.seed_error, self.open_sd))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the loss [1]."""
        wide = ONE_SIDED * self.standard_error
        return self.loss - wide, self.loss + wide

    @property
    def z(self) -> float:
        """The loss in standard errors: decides whether there is one."""
        return self.loss / self.standard_error

    @property
    def found(self) -> bool:
        """True if there is a loss, at 2.5 % one-sided: whether the interval lies above 0."""
        return self.z > ONE_SIDED

    @property
    def smallest(self) -> float:
        """The loss that would have been found with a probability of 80 % [1]."""
        return POWER_80 * self.standard_error

    @property
    def upper_bound(self) -> float:
        """What the loss is not larger than, at 2.5 % [1]; at least what would have been found with 80 %."""
        return max(self.smallest, self.interval[1])

    @property
    def words(self) -> str:
        """The loss in points, or how large one may be."""
        if self.found:
            return f"costs {100 * self.loss:.1f} ± {100 * self.standard_error:.1f} points"
        return f"no loss larger than {100 * self.upper_bound:.1f} points"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
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
    """What one flaw takes part in [1]: Shapley value over seeds, and what it costs by itself (not for `OTHERS`)."""

    flaw: str
    shapley: tuple[float, ...]
    alone: tuple[float, ...]

    @property
    def value(self) -> float:
        """Mean Shapley value [1]."""
        return float(np.mean(self.shapley))

    @property
    def standard_error(self) -> float:
        """Of it, over seeds [1]."""
        return float(np.std(self.shapley, ddof=1) / np.sqrt(len(self.shapley))) if len(self.shapley) > 1 else np.inf

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        error = self.standard_error
        return {
            "flaw": self.flaw,
            "shapley": self.value,
            "standard_error": error if np.isfinite(error) else None,
            "alone": float(np.mean(self.alone)) if self.alone else None,
        }
