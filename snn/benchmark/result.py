"""What a benchmark gives back: losses with their odds, what causes them, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

ONE_SIDED = 1.96  # 2.5 %: 5 % for the two variants, of which the worse one is told
ODDS = ("task", "device [%]", "twin [%]", "z", "the difference")  # heads of `Benchmark.odds`
COSTS = ("Shapley [points]", "alone [points]")  # and of `costs`, after the flaw
POWER_80 = ONE_SIDED + 0.84  # null standard errors: a loss of so many is found with 80 %


@dataclass(frozen=True)
class VariantResult:
    """One variant of the task: the device against its ideal twin, paired by seed.

    Attributes
    ----------
    variant : str
        plain or scaled rates.
    device, twin : tuple of float
        Mean test accuracy of the last 3 epochs, by seed [1].
    null_sd : float
        Standard deviation of such a difference where there is none [1], measured beforehand.
    """

    variant: str
    device: tuple[float, ...]
    twin: tuple[float, ...]
    null_sd: float

    @property
    def losses(self) -> np.ndarray:
        """Twin less device, by seed [1]."""
        return np.subtract(self.twin, self.device)

    @property
    def loss(self) -> float:
        """Their mean [1]."""
        return float(self.losses.mean())

    @property
    def null_error(self) -> float:
        """Standard error of the mean of that many differences where there is none [1]."""
        return self.null_sd / float(np.sqrt(len(self.device)))

    @property
    def z(self) -> float:
        """The loss in null standard errors: decides whether there is one."""
        return self.loss / self.null_error

    @property
    def found(self) -> bool:
        """Whether there is a loss, at 2.5 % one-sided."""
        return self.z > ONE_SIDED

    @property
    def standard_error(self) -> float:
        """Of the loss, over seeds [1]; says how large it is. The null one for a single seed."""
        k = len(self.device)
        return float(self.losses.std(ddof=1) / np.sqrt(k)) if k > 1 else self.null_error

    @property
    def smallest(self) -> float:
        """The loss that would have been found with a probability of 80 % [1]."""
        return POWER_80 * self.null_error

    @property
    def words(self) -> str:
        """The loss in points, or how large one may be."""
        if self.found:
            return f"costs {100 * self.loss:.1f} +- {100 * self.standard_error:.1f} points"
        return f"no loss larger than {100 * max(self.smallest, self.loss + ONE_SIDED * self.null_error):.1f} points"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "variant": self.variant,
            "device": list(self.device),
            "twin": list(self.twin),
            "loss": self.loss,
            "standard_error": self.standard_error,
            "z": self.z,
            "found": self.found,
            "null_sd": self.null_sd,
            "found_with_80_percent": self.smallest,
        }


@dataclass(frozen=True)
class Share:
    """What one flaw takes part in [1]: Shapley value over seeds, and what it costs by itself."""

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
            "alone": float(np.mean(self.alone)),
        }


@dataclass(frozen=True)
class Benchmark:
    """A device on the few-shot task.

    Attributes
    ----------
    name : str
        Of the card.
    split : str
        Which images train and which test.
    seeds : int
        Pairs of trainings, of each variant.
    variants : tuple of VariantResult
    flaws : tuple of str
        That the device had; what the data do not tell, it did not have.
    shares : dict of str to tuple of Share
        By variant, the largest first; empty where there is no loss, or none was asked for.
    scatter_over_step : float or None
        Standard deviation of one update over the mean step.
    steps : float
        Mean steps a window.
    """

    name: str
    split: str
    seeds: int
    variants: tuple[VariantResult, ...]
    flaws: tuple[str, ...]
    shares: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    scatter_over_step: float | None = None
    steps: float = np.nan

    @property
    def worst(self) -> VariantResult:
        """The variant that shows the loss best."""
        return max(self.variants, key=lambda each: each.z)

    @property
    def main(self) -> tuple[str, ...]:
        """The flaw that leads, or those that share the lead within two paired standard errors; none without a loss."""
        shares = self.shares.get(self.worst.variant, ())
        if not self.worst.found or not shares:
            return ()
        first = np.array(shares[0].shapley)
        lead = [shares[0].flaw]
        for share in shares[1:]:
            apart = first - np.array(share.shapley)
            error = apart.std(ddof=1) / np.sqrt(apart.size) if apart.size > 1 else np.inf
            if apart.mean() <= 2 * error and share.value > 0:
                lead.append(share.flaw)
        return tuple(lead)

    def odds(self) -> list[tuple[str, ...]]:
        """Rows of a table under `ODDS`, one for each variant."""
        return [
            (
                f"{each.variant} rates",
                f"{100 * np.mean(each.device):.1f}",
                f"{100 * np.mean(each.twin):.1f}",
                f"{each.z:.1f}",
                each.words,
            )
            for each in self.variants
        ]

    def costs(self, variant: str) -> list[tuple[str, ...]]:
        """Rows of a table under the flaw and `COSTS`, for a variant of `shares`."""
        return [
            (
                each.flaw,
                f"{100 * each.value:.1f} ± {100 * each.standard_error:.1f}",
                f"{100 * np.mean(each.alone):.1f}",
            )
            for each in self.shares[variant]
        ]

    @property
    def verdict(self) -> str:
        """One sentence."""
        worst = self.worst
        if not worst.found:
            return (
                f"Against its ideal twin this device shows {worst.words} ({worst.variant} rates, {self.seeds} pairs of "
                "seeds; a loss that large would be found with 80 %)."
            )
        cause = f"; above all by {' and '.join(self.main)}" if self.main else ""
        return (
            f"Against its ideal twin this device {worst.words}{cause} ({worst.variant} rates, {self.seeds} pairs of "
            f"seeds, z = {worst.z:.1f})."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "split": self.split,
            "seeds": self.seeds,
            "verdict": self.verdict,
            "variants": [each.as_dict() for each in self.variants],
            "flaws": list(self.flaws),
            "main": list(self.main),
            "shares": {variant: [each.as_dict() for each in shares] for variant, shares in self.shares.items()},
            "scatter_over_step": self.scatter_over_step,
            "steps_a_window": self.steps,
        }
