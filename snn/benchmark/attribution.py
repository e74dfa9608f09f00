"""Attribution of a loss to flaws by Shapley values, exact for few flaws and sampled for many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from snn.benchmark.losses import OTHERS, Share

MOST_EXACT = 5  # flaws up to which every subset is trained
ORDERS = 4  # orders of the flaws drawn by each seed beyond that: two and their reverses
ENTERS = 2.0  # smallest effect of a flaw, alone or by its removal, for an attribution [standard errors of the loss]
MOST_UNNAMED = 0.01  # of the loss [1] that flaws without an attribution of their own may make together
_ORDERS = 31  # purpose of the random stream

Subset = tuple[str, ...]


class Loss:
    """Losses [1] of a device with some of its flaws, by seed, each measured once.

    Parameters
    ----------
    measure : callable
        (flaws kept, seed) pairs -> one loss for each.
    known : dict
        Losses measured already.
    """

    def __init__(
        self, measure: Callable[[Sequence[tuple[Subset, int]]], list[float]], known: dict[tuple[Subset, int], float]
    ) -> None:
        self._measure, self._known = measure, dict(known)

    def measure(self, wanted: Iterable[tuple[Subset, int]]) -> None:
        """Measure all of these that are unknown, together."""
        new = [each for each in dict.fromkeys(wanted) if each not in self._known]
        self._known |= dict(zip(new, self._measure(new), strict=True))

    def get(self, kept: Subset, seed: int) -> float:
        """Return the measured loss with these flaws at that seed."""
        return self._known[kept, seed]

    def by_seed(self, kept: Subset, seeds: int) -> np.ndarray:
        """Return the losses with these flaws, shape (seeds,)."""
        return np.array([self.get(kept, seed) for seed in range(seeds)])


def shares(loss: Loss, flaws: Subset, seeds: int, error: float) -> tuple[Share, ...]:
    """Return Shapley values of the flaws with an effect above 2 standard errors of the loss, the largest first.

    The effect of a flaw is its loss alone or the change by its removal, whichever is larger in size: a flaw may help.
    Flaws enter until the others together make less than a point of the loss. Up to five are attributed exactly, from
    all subsets. With more, each seed draws its own orders of the flaws and uses each order and its reverse, so that the
    standard error over seeds includes the sampling of orders. The joint effect of the remaining flaws comes last, so
    that all shares add up to the loss of each seed.

    Parameters
    ----------
    loss : Loss
        Contains the losses with no flaw and with all flaws.
    flaws : tuple of str
        Flaws of the device.
    seeds : int
    error : float
        Standard error of the loss [1].
    """
    removed = {flaw: tuple(each for each in flaws if each != flaw) for flaw in flaws}
    loss.measure((kept, seed) for flaw in flaws for kept in ((flaw,), removed[flaw]) for seed in range(seeds))
    whole = loss.by_seed(flaws, seeds)
    effect = {
        flaw: max(abs(loss.by_seed((flaw,), seeds).mean()), abs((whole - loss.by_seed(removed[flaw], seeds)).mean()))
        for flaw in flaws
    }
    ranked = sorted(flaws, key=lambda flaw: -effect[flaw])
    for entered in range(max(1, sum(size > ENTERS * error for size in effect.values())), len(flaws) + 1):
        players = tuple(flaw for flaw in flaws if flaw in ranked[:entered])
        loss.measure((players, seed) for seed in range(seeds))
        rest = whole - loss.by_seed(players, seeds)
        if abs(rest.mean()) <= MOST_UNNAMED:
            break
    values = exact(loss, players, seeds) if len(players) <= MOST_EXACT else sampled(loss, players, seeds)
    found = [
        Share(flaw, tuple(values[flaw].tolist()), tuple(loss.by_seed((flaw,), seeds).tolist())) for flaw in players
    ]
    found.sort(key=lambda each: -each.value)
    if len(players) < len(flaws):
        found.append(Share(OTHERS, tuple(rest.tolist()), ()))
    return tuple(found)


def exact(loss: Loss, players: Subset, seeds: int) -> dict[str, np.ndarray]:
    """Return Shapley values (seeds,) of all players from every subset of them."""
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
    """Return unbiased estimates (seeds,) of the Shapley values from orders drawn by each seed."""
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
