"""What a loss consists of: Shapley values of the flaws that do something, exact for few flaws and sampled for many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from snn.benchmark.pairs import OTHERS, Share

MOST_EXACT = 5  # flaws of which every subset is trained
ORDERS = 4  # of the flaws that each seed draws beyond that: two, each there and back
ENTERS = 2.0  # null standard errors of a flaw's effect, alone or by its removal, from which on it is looked at
_ORDERS = 31  # purpose of the random stream

Subset = tuple[str, ...]


class Loss:
    """Losses [1] of a device with some of its flaws, by seed; each is measured once.

    Parameters
    ----------
    measure : callable
        Takes (flaws kept, seed) pairs and gives a loss for each.
    known : dict
        What has been measured already.
    """

    def __init__(
        self, measure: Callable[[Sequence[tuple[Subset, int]]], list[float]], known: dict[tuple[Subset, int], float]
    ) -> None:
        self._measure, self._known = measure, dict(known)

    def measure(self, wanted: Iterable[tuple[Subset, int]]) -> None:
        """Measure all of these that are not known, in one go."""
        new = [each for each in dict.fromkeys(wanted) if each not in self._known]
        self._known |= dict(zip(new, self._measure(new), strict=True))

    def get(self, kept: Subset, seed: int) -> float:
        """The loss with these flaws at that seed, which has been asked for."""
        return self._known[kept, seed]

    def by_seed(self, kept: Subset, seeds: int) -> np.ndarray:
        """The same, shape (seeds,)."""
        return np.array([self.get(kept, seed) for seed in range(seeds)])


def shares(loss: Loss, flaws: Subset, seeds: int, null_error: float) -> tuple[Share, ...]:
    """Shapley values of the flaws whose effect exceeds 2 null standard errors, alone or by removal; the largest first.

    Up to five flaws are told exactly, by every subset of them. Of more, each seed draws orders of its own in which the
    flaws come to the device one after the other, and goes each order there and back: the standard error over seeds
    then holds the chance in the orders too. What the flaws that were left out change together stands last, so that all
    of it adds up to the loss, seed by seed.

    Parameters
    ----------
    loss : Loss
        Knows that of no flaw and that of all.
    flaws : tuple of str
        That the device has.
    seeds : int
    null_error : float
        Standard error of a mean loss where there is none [1].
    """
    removed = {flaw: tuple(each for each in flaws if each != flaw) for flaw in flaws}
    loss.measure((kept, seed) for flaw in flaws for kept in ((flaw,), removed[flaw]) for seed in range(seeds))
    whole = loss.by_seed(flaws, seeds)
    effect = {
        flaw: max(loss.by_seed((flaw,), seeds).mean(), (whole - loss.by_seed(removed[flaw], seeds)).mean())
        for flaw in flaws
    }
    largest = max(flaws, key=lambda flaw: effect[flaw])
    players = tuple(flaw for flaw in flaws if effect[flaw] > ENTERS * null_error or flaw == largest)
    values = exact(loss, players, seeds) if len(players) <= MOST_EXACT else sampled(loss, players, seeds)
    found = [
        Share(flaw, tuple(values[flaw].tolist()), tuple(loss.by_seed((flaw,), seeds).tolist())) for flaw in players
    ]
    found.sort(key=lambda each: -each.value)
    if len(players) < len(flaws):
        rest = whole - loss.by_seed(players, seeds)
        found.append(Share(OTHERS, tuple(rest.tolist()), ()))
    return tuple(found)


def exact(loss: Loss, players: Subset, seeds: int) -> dict[str, np.ndarray]:
    """Shapley values (seeds,) of all players, from every subset of them."""
    subsets = [some for size in range(len(players) + 1) for some in itertools.combinations(players, size)]
    loss.measure((some, seed) for some in subsets for seed in range(seeds))
    values = {}
    for flaw in players:
        value = np.zeros(seeds)
        for some in subsets:
            if flaw in some:
                continue
            weight = math.factorial(len(some)) * math.factorial(len(players) - len(some) - 1)
            with_it = tuple(each for each in players if each in some or each == flaw)
            value += weight * (loss.by_seed(with_it, seeds) - loss.by_seed(some, seeds))
        values[flaw] = value / math.factorial(len(players))
    return values


def sampled(loss: Loss, players: Subset, seeds: int) -> dict[str, np.ndarray]:
    """Unbiased estimates (seeds,) of the Shapley values, from orders that each seed draws."""
    steps: list[tuple[int, str, Subset, Subset]] = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, _ORDERS])
        for _ in range(ORDERS // 2):
            order = [players[k] for k in rng.permutation(len(players))]
            for one_way in (order, order[::-1]):
                for k, flaw in enumerate(one_way):
                    before, after = (tuple(each for each in players if each in one_way[:end]) for end in (k, k + 1))
                    steps.append((seed, flaw, before, after))
    loss.measure((kept, seed) for seed, _, *both in steps for kept in both)
    values = {flaw: np.zeros(seeds) for flaw in players}
    for seed, flaw, before, after in steps:
        values[flaw][seed] += (loss.get(after, seed) - loss.get(before, seed)) / ORDERS
    return values
