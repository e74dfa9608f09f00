"""What a benchmark gives back: losses with their odds, what causes them, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from devicekit.statistics import mean_above_zero
from devicekit.text import listed
from snn.benchmark.curves import Distance, distance
from snn.benchmark.pairs import OTHERS, Share, VariantResult, quantile
from snn.benchmark.severity import SEVERITIES
from snn.benchmark.task import HIDDEN, WIDE_HIDDEN

ODDS = ("task", "device [%]", "twin [%]", "z", "the difference")  # heads of `Benchmark.odds`
COSTS = ("Shapley [points]", "alone [points]")  # and of `costs`, after the flaw
LEFT_OPEN, WIDE_WORDS = 0.01, " Measure more before comparing this device with another."  # sd, from so much on
FEWEST = 4  # seeds from which on a main flaw is named


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
        Plain and scaled rates.
    flaws : tuple of str
        That the device had; what the data do not tell, it did not have.
    shares : dict of str to tuple of Share
        By variant, the largest first; empty where there is no loss, or none was asked for.
    scatter_over_step : float or None
        Standard deviation of one update over the mean step.
    steps : float
        Mean steps a window.
    severities : dict of str to float
        How bad each flaw is that has a curve; without those that the device has not, or that are not known.
    wide : VariantResult or None
        1000 hidden neurons on the same images.
    allowed : tuple of tuple of float
        Losses, by seed, of devices that the measured data also allow, to the same twin and on the variant of `worst`.
    synthetic : bool
        Whether the card is of synthetic data.
    policy : VariantResult or None
        With the pulse policy that "auto" takes for the card.
    reason : (str, str)
        Which one that is, and why.
    forgetting : str
        What was made of the card's volatile part, in words; empty where it has none.
    unknown : tuple of str
        What the data do not tell, and what was therefore taken as absent.
    by_bands : bool
        Whether `allowed` are devices within the card's own bands, not of the data.
    first_seed : int
        Of the pairs.
    """

    name: str
    split: str
    seeds: int
    variants: tuple[VariantResult, ...]
    flaws: tuple[str, ...]
    shares: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    scatter_over_step: float | None = None
    steps: float = np.nan
    severities: dict[str, float] = field(default_factory=dict)
    wide: VariantResult | None = None
    allowed: tuple[tuple[float, ...], ...] = ()
    synthetic: bool = False
    policy: VariantResult | None = None
    reason: tuple[str, str] = ("", "")
    forgetting: str = ""
    unknown: tuple[str, ...] = ()
    by_bands: bool = False
    first_seed: int = 0

    @property
    def all_variants(self) -> tuple[VariantResult, ...]:
        """Every variant that was trained, the two that decide first."""
        return (*self.variants, *(each for each in (self.wide, self.policy) if each is not None))

    @property
    def worst(self) -> VariantResult:
        """The variant that shows the loss best; by the seeds, for what the fit leaves open is known of one only."""
        return max(self.variants, key=lambda each: each.loss / each.seed_error)

    @property
    def _named(self) -> tuple[Share, ...]:
        return tuple(share for share in self.shares.get(self.worst.variant, ()) if share.flaw != OTHERS)

    @property
    def main(self) -> tuple[str, ...]:
        """The flaw that leads, or those that share the lead within two paired standard errors.

        None without a loss, or of fewer than four seeds.
        """
        shares = self._named
        if not self.worst.found or not shares or self.seeds < FEWEST:
            return ()
        first = np.array(shares[0].shapley)
        lead = [shares[0].flaw]
        for share in shares[1:]:
            apart = first - np.array(share.shapley)
            error = apart.std(ddof=1) / np.sqrt(apart.size) if apart.size > 1 else np.inf
            if apart.mean() <= 2 * error and share.value > 0:
                lead.append(share.flaw)
        return tuple(lead)

    @property
    def also(self) -> tuple[str, ...]:
        """Flaws beside the main ones that cost more than chance."""
        shares = self._named
        return tuple(
            share.flaw
            for share in shares
            if self.main and share.flaw not in self.main and share.value > 2 * share.standard_error
        )

    @property
    def distances(self) -> tuple[Distance, ...]:
        """From the cliffs of the flaws that it has, the nearest first."""
        found = (distance(flaw, self.severities.get(flaw.name)) for flaw in SEVERITIES)
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.ratio))

    @property
    def interval(self) -> tuple[float, float] | None:
        """5 and 95 % quantile of the mean losses [1] of devices that the data also allow; None if there are none."""
        if not self.allowed:
            return None
        low, high = np.quantile(np.mean(self.allowed, axis=1), [0.05, 0.95])
        return float(low), float(high)

    @property
    def _unresolved_variance(self) -> tuple[float, float]:
        """Variance of the true losses of those devices [1], which chance may leave below 0, and its standard error."""
        losses = np.array(self.allowed)
        if losses.shape[0] < 2 or losses.shape[1] < 2:
            return np.nan, np.nan
        devices, seeds = losses.shape[0] - 1, losses.shape[1] - 1
        residuals = losses - losses.mean(axis=0) - losses.mean(axis=1, keepdims=True) + losses.mean()
        chance = (residuals**2).sum() / (devices * seeds) / losses.shape[1]
        means = losses.mean(axis=1).var(ddof=1)
        return float(means - chance), float(np.hypot(means, chance / np.sqrt(seeds)) * np.sqrt(2.0 / devices))

    @property
    def left_open_sd(self) -> float:
        """Standard deviation of the true losses of those devices [1]: what their means vary by beyond chance."""
        return float(np.sqrt(np.maximum(self._unresolved_variance[0], 0.0)))

    @property
    def left_open_error(self) -> float:
        """What the fit adds to the standard error of the loss [1].

        The root of the mean that their variance has, given its estimate, if any value from 0 on is as likely: a few
        devices that happen to agree do not show that all do.
        """
        variance, error = self._unresolved_variance
        return float(np.sqrt(mean_above_zero(variance, error)))

    def odds(self) -> list[tuple[str, ...]]:
        """Rows of a table under `ODDS`, one for each variant, the wide network last."""
        names = {
            "plain": "plain rates",
            "scaled": "scaled rates",
            "wide": f"{WIDE_HIDDEN} hidden neurons",
            "policy": f"plain rates, policy {self.reason[0]}",
        }
        return [
            (
                names[each.variant],
                f"{100 * np.mean(each.device):.1f}",
                f"{100 * np.mean(each.twin):.1f}",
                f"{each.z:.1f}",
                each.words,
            )
            for each in self.all_variants
        ]

    def costs(self, variant: str) -> list[tuple[str, ...]]:
        """Rows of a table under the flaw and `COSTS`, for a variant of `shares`."""
        return [
            (
                each.flaw,
                f"{100 * each.value:.1f}" + (f" ± {100 * each.standard_error:.1f}" if len(each.shapley) > 1 else ""),
                f"{100 * np.mean(each.alone):.1f}" if each.alone else "–",
            )
            for each in self.shares[variant]
        ]

    def _describe_flaw(self, flaw: str) -> str:
        """A flaw in a sentence; of the step size, on which side it is wrong."""
        if flaw != "step size":
            return flaw
        if self.steps > 100:
            return f"too fine steps ({self.steps:.0f} a window move too little per pulse for this budget)"
        return f"too coarse steps ({self.steps:.0f} a window)"

    @property
    def _cause(self) -> str:
        """What matters for this device, in half a sentence: its main flaws, or how it stands to the cliffs."""
        if self.main:
            costs = {share.flaw: share for share in self._named}
            told = [f"{self._describe_flaw(flaw)} ({100 * costs[flaw].value:.1f} points)" for flaw in self.also]
            also = f", also by {listed(told)}" if told else ""
            return f"; above all by {listed([self._describe_flaw(flaw) for flaw in self.main])}{also}"
        beyond = [each for each in self.distances if each.ratio < 1]
        if beyond and self.worst.found:
            told = [f"{self._describe_flaw(each.flaw.name)} ({1 / each.ratio:.2g} times)" for each in beyond]
            return f"; past the cliff, where a good device loses 2 points by it: {listed(told)}"
        if self.distances:
            nearest = self.distances[0]
            past = f"{1 / nearest.ratio:.2g} times past it"
            far = past if nearest.ratio < 1 else f"{nearest.ratio:.2g} times away"
            name = self._describe_flaw(nearest.flaw.name)
            return f"; nearest to its cliff, where a good device loses 2 points by it: {name}, {far}"
        return ""

    @property
    def fit_uncertainty(self) -> str:
        """What the fit leaves open, in a sentence; "" where no other device was tried."""
        if self.interval is None:
            return ""
        low, high = (100 * each for each in self.interval)
        sd = self.left_open_sd
        chance = (
            f"the devices differ by {100 * sd:.1f} points (sd) beyond the chance in devices and training"
            if sd > 0
            else "no more than the chance in devices and training makes"
        )
        who = "the bands of the card" if self.by_bands else "these data"
        return (
            f"On {len(self.allowed)} devices that {who} also allow the difference is {low:.1f} to {high:.1f} points "
            f"(5 to 95 % of them; {self.worst.variant} rates, {self.seeds} pairs each): {chance}."
            f"{WIDE_WORDS if sd > LEFT_OPEN else ''}"
        )

    @property
    def error_words(self) -> str:
        """What the error of a loss is of."""
        return "standard error over seeds" + (" and what the fit leaves open" if self.allowed else "")

    @property
    def unknown_properties(self) -> str:
        """What the data do not tell, in a sentence; "" where they tell all that is looked at."""
        return f"Not known of this device, and taken as absent: {listed(list(self.unknown))}." if self.unknown else ""

    @property
    def verdict(self) -> str:
        """One sentence."""
        found = [each for each in self.variants if each.found]
        # what the fit leaves open may hide the loss that seeds show best, and not the other one
        worst = max(found, key=lambda each: each.z) if found else max(self.variants, key=lambda each: each.upper_bound)
        odds = f"{worst.variant} rates, {self.seeds} pair{'s' if self.seeds > 1 else ''} of seeds"
        if not worst.found:
            return (
                f"Against its ideal twin, in a network of {HIDDEN} hidden neurons, this device shows {worst.words} "
                f"({odds}; a loss of {100 * worst.smallest:.1f} would be found with 80 %){self._cause}."
            )
        return (
            f"Against its ideal twin, in a network of {HIDDEN} hidden neurons, this device {worst.words} ({odds}, "
            f"z = {worst.z:.1f}){self._cause}."
        )

    @property
    def wide_network(self) -> str:
        """What a wide network makes of the loss, in a sentence; "" if none was trained."""
        if self.wide is None:
            return ""
        shown = self.wide.words if self.wide.found else f"shows {self.wide.words}"
        return f"With {WIDE_HIDDEN} hidden neurons, and the same images, it {shown}."

    @property
    def policy_gain(self) -> np.ndarray:
        """What that policy gains for the device, by seed [1]; empty if it was not tried."""
        if self.policy is None:
            return np.empty(0)
        plain = next(each for each in self.variants if each.variant == "plain")
        return np.subtract(self.policy.device, plain.device)

    @property
    def policy_effect(self) -> str:
        """What is the rule's and what is the device's, in a sentence; "" if no other policy was tried."""
        if self.policy is None:
            return ""
        gain = 100 * self.policy_gain
        error = float(gain.std(ddof=1) / np.sqrt(gain.size)) if gain.size > 1 else np.inf
        size = f"{abs(gain.mean()):.1f} ± {error:.1f} points"
        if gain.size >= FEWEST and abs(gain.mean()) > quantile(gain.size - 1) * error:
            mends = f"gains {size}, which are the rule's" if gain.mean() > 0 else f"loses {size} more"
        else:
            mends = "neither gains nor loses what could be told" + (
                f" ({gain.mean():+.1f} ± {error:.1f})" if gain.size > 1 else ""
            )
        rest = self.policy.words if self.policy.found else f"shows {self.policy.words}"
        name, why = self.reason
        return (
            f"Rule or device: with plain rates, pulses spent by the policy {name!r} instead of the paper's ({why}) the "
            f"device {mends}; against its twin trained that way it {rest}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "split": self.split,
            "seeds": self.seeds,
            "verdict": self.verdict,
            "variants": [each.as_dict() for each in self.variants],
            "wide": None if self.wide is None else self.wide.as_dict(),
            "policy": None if self.policy is None else {**self.policy.as_dict(), "name": self.reason[0]},
            "flaws": list(self.flaws),
            **({"forgetting": self.forgetting} if self.forgetting else {}),
            "main": list(self.main),
            "also": list(self.also),
            "shares": {variant: [each.as_dict() for each in shares] for variant, shares in self.shares.items()},
            "scatter_over_step": self.scatter_over_step,
            "steps_a_window": self.steps,
            "severities": dict(self.severities),
            "distances": [each.as_dict() for each in self.distances],
            "losses_of_allowed_devices": np.mean(self.allowed, axis=1).tolist() if self.allowed else [],
            "left_open_sd": self.left_open_sd if self.allowed and np.isfinite(self.left_open_sd) else None,
            "allowed_by_bands": self.by_bands,
            "unknown": list(self.unknown),
            "first_seed": self.first_seed,
            "interval_5_95": None if self.interval is None else list(self.interval),
        }
