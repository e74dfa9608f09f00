"""Result of a benchmark: losses with their statistics, their causes, and sentences about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.intervals import mean_ends
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.statistics import mean_above_zero
from devicekit.core.text import count, listed
from snn.benchmark.curves import CRITICAL_LOSS, Distance, distance
from snn.benchmark.flaws import SEVERITIES
from snn.benchmark.losses import (
    OF_DEVICES,
    OF_TRAININGS,
    ONE_SIDED,
    OTHERS,
    Share,
    VariantResult,
    points,
    points_with_error,
)
from snn.benchmark.task import NETWORKS

ODDS = VariantResult.head()  # column heads of `Benchmark.odds`
COSTS = Share.head()[1:]  # column heads of shares, after the flaw
MEASURE_MORE_FROM = 0.01  # sd left open by the fit from which more measurements are advised
MEASURE_MORE = " Measure more before you compare this device with another."
MOST_SEEDS = 400  # trainings that are advised
_PLURAL = frozenset({"step size", "stuck devices", "wires", "converters"})  # flaws that are not one quantity
FEWEST = 4  # seeds needed to name a main cause


@dataclass(frozen=True, kw_only=True)
class Benchmark(Record):
    """Result of one device on the few-shot task, compared with an ideal device ("twin" in field names).

    The ideal device is the same card without its flaws: linear, symmetric, without variation and noise.
    """

    name: str = column(doc="name of the card")
    split: str = column(doc="images for training and for testing")
    seeds: int = column(doc="trainings of the device in each decisive variant")
    devices: int = column(default=1, doc="measured devices of the card, from which those of the network are drawn")
    variants: tuple[VariantResult, ...] = column(doc="plain and scaled learning rates")
    flaws: tuple[str, ...] = column(doc="flaws of the device; properties unknown from the data are taken as absent")
    shares: dict[str, tuple[Share, ...]] = column(
        default_factory=dict,
        doc="attribution by variant, the largest first; empty without a loss or if none was requested",
    )
    scatter_over_step: float | None = column(default=None, doc="standard deviation of one update over the mean step")
    steps: float = column(name="steps_a_window", default=np.nan, doc="mean steps per window")
    severities: dict[str, float] = column(
        default_factory=dict, doc="severity of each known flaw of the device that has a curve"
    )
    wide: VariantResult | None = column(default=None, doc="result with 1000 hidden neurons on the same images")
    allowed: tuple[tuple[float, ...], ...] = internal(
        "losses, by seed, of resampled devices or fits against the same ideal device, on the variant of `worst`",
        default=(),
    )
    marks: tuple[str, ...] = column(
        default=(),
        optional=True,
        doc="synthetic, simulated, calibrated: what the data of the card are, if not measured",
    )
    policy: VariantResult | None = column(
        default=None, doc="result with the pulse policy that auto chooses for the card"
    )
    reason: str = internal("reason for that policy", default="")
    forgetting: str = column(default="", optional=True, doc="effect of the card's volatile part, in words")
    unknown: tuple[str, ...] = column(default=(), doc="properties unknown from the data, taken as absent")
    by_bands: bool = column(
        name="allowed_by_bands",
        default=False,
        doc="whether those are within the bands of the card, not from the data",
    )
    first_seed: int = column(default=0, doc="seed of the first training")

    @property
    def all_variants(self) -> tuple[VariantResult, ...]:
        """All variants that were trained, the two decisive ones first."""
        return (*self.variants, *(each for each in (self.wide, self.policy) if each is not None))

    @property
    def worst(self) -> VariantResult:
        """The variant with the largest loss that its trainings show; resampled devices are known for one only."""
        return max(self.variants, key=lambda each: each.own_interval[0])

    @derived()
    def good_enough(self) -> bool | None:
        """True if the loss is below 2 percentage points in both variants, false if above in one; None: undecided.

        By the wider interval of the loss that is known.
        """
        if any(each.interval[0] > CRITICAL_LOSS for each in self.variants):
            return False
        return True if all(each.interval[1] < CRITICAL_LOSS for each in self.variants) else None

    @property
    def deciding(self) -> VariantResult:
        """The variant that answers whether the device is good enough."""
        if self.good_enough is False:
            return max(self.variants, key=lambda each: each.interval[0])
        found = [each for each in self.variants if each.found]
        if self.good_enough and found:
            return max(found, key=lambda each: each.interval[0])
        return max(self.variants, key=lambda each: each.interval[1])

    @property
    def _named(self) -> tuple[Share, ...]:
        return tuple(share for share in self.shares.get(self.worst.variant, ()) if share.flaw != OTHERS)

    @derived()
    def main(self) -> tuple[str, ...]:
        """The flaw with the largest share, and those of which a paired t test does not tell it apart.

        Empty without a loss or with fewer than four seeds.
        """
        shares = self._named
        if not self.worst.found or not shares or self.seeds < FEWEST:
            return ()
        first = np.array(shares[0].shapley)
        lead = [shares[0].flaw]
        for share in shares[1:]:
            apart = first - np.array(share.shapley)
            ends = mean_ends(apart.tolist())
            if (ends is None or ends[0] <= 0) and share.value > 0:
                lead.append(share.flaw)
        return tuple(lead)

    @derived()
    def also(self) -> tuple[str, ...]:
        """Other flaws whose share is significant: its interval lies above 0."""
        shares = self._named
        return tuple(
            share.flaw
            for share in shares
            if self.main and share.flaw not in self.main and share.interval is not None and share.interval[0] > 0
        )

    @derived()
    def helps(self) -> tuple[str, ...]:
        """Flaws that make the loss smaller: the interval of their share lies below 0."""
        return tuple(share.flaw for share in self._named if share.interval is not None and share.interval[1] < 0)

    @derived()
    def distances(self) -> tuple[Distance, ...]:
        """Distances from the critical severities of its flaws, the nearest first."""
        found = (distance(flaw, self.severities.get(flaw.name)) for flaw in SEVERITIES)
        return tuple(sorted((each for each in found if each is not None), key=lambda each: each.ratio))

    @property
    def _unresolved_variance(self) -> tuple[float, float]:
        """Estimated variance of the true losses of those devices [1], possibly below 0, and its standard error."""
        losses = np.array(self.allowed)
        if losses.shape[0] < 2 or losses.shape[1] < 2:
            return np.nan, np.nan
        devices, seeds = losses.shape[0] - 1, losses.shape[1] - 1
        residuals = losses - losses.mean(axis=0) - losses.mean(axis=1, keepdims=True) + losses.mean()
        chance = (residuals**2).sum() / (devices * seeds) / losses.shape[1]
        means = losses.mean(axis=1).var(ddof=1)
        return float(means - chance), float(np.hypot(means, chance / np.sqrt(seeds)) * np.sqrt(2.0 / devices))

    @derived()
    def losses_of_allowed_devices(self) -> list[float]:
        """Mean loss of each of those devices [1]."""
        return np.mean(self.allowed, axis=1).tolist() if self.allowed else []

    @derived()
    def left_open_sd(self) -> float:
        """Standard deviation of the true losses of those devices [1], beyond random variation."""
        return float(np.sqrt(np.maximum(self._unresolved_variance[0], 0.0)))

    @property
    def left_open_error(self) -> float:
        """Contribution of the fit to the standard error of the loss [1].

        Root of the posterior mean of the variance, given its estimate and a flat prior from 0: a few devices that
        happen to agree do not show that all do.
        """
        variance, error = self._unresolved_variance
        return float(np.sqrt(mean_above_zero(variance, error)))

    def odds(self) -> list[tuple[str, ...]]:
        """Return the rows of a table under `ODDS`, one for each variant, the wide network last."""
        return [each.cells() for each in self.all_variants]

    def _describe_flaw(self, flaw: str) -> str:
        """Return the name of a flaw for a sentence; for the step size, say in which direction it is off."""
        if flaw != "step size":
            return flaw
        if self.steps > 100:
            return f"steps that are too small, {self.steps:.0f} per window"
        return f"steps that are too large, {self.steps:.0f} per window"

    @property
    def cause(self) -> str:
        """The main flaws in one sentence, or the flaw nearest to its critical severity; empty without either."""
        if self.main:
            costs = {share.flaw: share.value for share in self._named}
            main, also, helps = (
                listed([f"{self._describe_flaw(flaw)} ({points(costs[flaw])} points)" for flaw in flaws])
                for flaws in (self.main, self.also, self.helps)
            )
            rest = self.worst.loss - sum(costs[flaw] for flaw in (*self.main, *self.also, *self.helps))
            of = "" if self.deciding is self.worst else f" of {points(self.worst.loss)} points, {self.worst.task}"
            words = [f"Main cause{of}: {main}", also and f"also {also}", helps and f"partly offset by {helps}"]
            return f"{', '.join(filter(None, words))}; the rest makes {points(rest)}."
        beyond = [each for each in self.distances if each.ratio < 1]
        if beyond and self.worst.found:
            return self._beyond(beyond)
        return self.distances[0].risk if self.distances else ""

    def _beyond(self, beyond: Sequence[Distance]) -> str:
        """Return the flaws beyond their critical severities in a sentence."""
        level = "level at which an otherwise good device loses 2 points"
        first = beyond[0]
        if len(beyond) == 1 and first.side == "more" and first.flaw.name not in _PLURAL:
            return f"The {first.flaw.name} is {1 / first.ratio:.2g} times the {level}."
        causes = [f"{self._describe_flaw(each.flaw.name)} (by a factor of {1 / each.ratio:.2g})" for each in beyond]
        return f"Worse than the {level}: {listed(causes)}."

    @property
    def fit_uncertainty(self) -> str:
        """Spread of resampled devices or fits, in a sentence; empty if none was trained."""
        if not self.allowed:
            return ""
        sd = self.left_open_sd
        differ = f"differ by {points(sd)} points (sd) beyond chance" if sd > 0 else "differ by no more than chance"
        of = "within the error bands of the card" if self.by_bands else f"of {self.kind}"
        more = MEASURE_MORE if sd > MEASURE_MORE_FROM else ""
        return f"{len(self.allowed)} draws {of} {differ} ({NETWORKS[self.worst.variant]}).{more}"

    @property
    def who(self) -> str:
        """The devices that were measured, as the subject of a sentence."""
        return "this device" if self.devices == 1 else f"these {self.devices} devices"

    @property
    def kind(self) -> str:
        """The population of the wider interval."""
        fits = "other fits of this device" if self.devices == 1 else "other fits of these devices"
        return fits if self.devices == 1 or self.by_bands else "devices of this kind"

    def lost(self, each: VariantResult, words: str = "") -> str:
        """Return a loss with its intervals: "these 20 devices lose 16.0 ± 1.9 points; devices of this kind ..."."""
        lose = "loses" if self.devices == 1 else "lose"
        own, kind = (points_with_error(each.loss, ONE_SIDED * sd) for sd in (each.seed_error, each.standard_error))
        others = f"; {self.kind} {kind} (resampled)" if each.open_sd else ""
        return f"{self.who} {lose} {own} points{words}{others}"

    @property
    def trainings(self) -> str:
        """Numbers of trainings, and what the intervals are over, as a clause."""
        of_device, of_ideal = count(self.seeds, "training"), len(self.variants[0].twin)
        draws = f", for {self.kind} {OF_DEVICES} ({len(self.allowed)} draws)" if self.allowed else ""
        return f"{of_device} of the device, {of_ideal} of the ideal one; ± is {OF_TRAININGS}{draws}"

    @property
    def unknown_properties(self) -> str:
        """Properties unknown from the data, in a sentence; empty if all are known."""
        return f"Unknown for this device and taken as absent: {listed(list(self.unknown))}." if self.unknown else ""

    @property
    def answer(self) -> str:
        """Judgement of the device, and its loss compared with the ideal device."""
        judged, than = {True: ("Good enough", ", less than 2"), False: ("Not good enough", ", more than 2")}.get(
            self.good_enough, ("Undecided, 2 points being the limit", "")
        )
        lost = self.lost(self.deciding, f" of accuracy against an ideal device{than}")
        return f"{judged}: {lost}.{f' {self.advice}' if self.good_enough is None else ''}"

    @derived()
    def verdict(self) -> str:
        """The answer, and the main cause or risk."""
        return f"{self.answer} {self.cause}".strip()

    @property
    def advice(self) -> str:
        """Number of trainings that would decide whether the loss is below 2 points, in a sentence."""
        each = self.deciding
        variance = ((CRITICAL_LOSS - each.loss) / ONE_SIDED) ** 2 - each.open_sd**2  # that trainings may cause
        if variance <= 0:
            return "More trainings would not decide; more measured devices or cycles would."
        seeds = int(np.ceil(self.seeds * each.seed_error**2 / variance))
        if seeds > MOST_SEEDS:
            return f"The loss is so close to 2 that even {MOST_SEEDS} trainings would not decide."
        return f"About {max(seeds, self.seeds + 1)} trainings (--seeds) would decide."

    @property
    def policy_effect(self) -> str:
        """Effect of another pulse policy on the loss, in sentences; empty if none was tried."""
        if self.policy is None:
            return ""
        gain = np.subtract(self.policy.device, self.variants[0].device)  # one learning rate in both
        mean, ends = float(gain.mean()), mean_ends(gain.tolist())
        size = f"{points(abs(mean)) if ends is None else points_with_error(abs(mean), (ends[1] - ends[0]) / 2)} points"
        if gain.size < FEWEST or ends is None or ends[0] <= 0 <= ends[1]:
            effect = f"The change of its accuracy by {size} is not significant."
        elif mean > 0:
            effect = f"The device gains {size} by it: a loss due to the learning rule."
        else:
            effect = f"The device loses another {size} by it."
        name, why = self.policy.policy, self.reason
        return (
            f"{why[:1].upper()}{why[1:]}, so pulse policy {name!r} was tried instead of the paper's. {effect} "
            f"Compared with an ideal device trained by {name!r}, it {self.policy.words}."
        )
