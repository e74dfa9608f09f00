"""A stratified random split, identical to that of scikit-learn.

The published splits are those of `train_test_split(..., stratify=y, random_state=seed)`. As its import takes a second,
they are drawn here with the algorithm of `sklearn.model_selection.StratifiedShuffleSplit` (BSD-3-Clause).
"""

from __future__ import annotations

import numpy as np

from devicekit.core.errors import UsageError


def stratified(y: np.ndarray, n_test: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the training part and of the test part.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Classes.
    n_test : int
        Samples of the test part; all others are the training part.
    seed : int
        Seed of the draw.

    Raises
    ------
    UsageError
        If a class has one member, or a part would have fewer samples than classes.
    """
    numbers = np.unique(y, return_inverse=True)[1]
    sizes = np.bincount(numbers)
    n_train = len(y) - n_test
    if sizes.min() < 2:
        raise UsageError("A stratified split needs two samples of each class; the rarest class has 1.")
    if min(n_train, n_test) < sizes.size:
        raise UsageError(
            f"A stratified split needs at least {sizes.size} samples, one per class, in each part; got {n_train} and "
            f"{n_test}."
        )
    rng = np.random.RandomState(seed)  # the generator of scikit-learn
    members = np.split(np.argsort(numbers, kind="stable"), np.cumsum(sizes)[:-1])
    of_train = _shares(sizes, n_train, rng)
    of_test = _shares(sizes - of_train, n_test, rng)
    train, test = [], []
    for own, first, second in zip(members, of_train, of_test, strict=True):
        drawn = own[rng.permutation(own.size)]
        train.append(drawn[:first])
        test.append(drawn[first : first + second])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))


def _shares(sizes: np.ndarray, total: int, rng: np.random.RandomState) -> np.ndarray:
    """Distribute `total` over the classes in proportion, ties at random (mode of a hypergeometric draw)."""
    exact = sizes / sizes.sum() * total
    found = np.floor(exact)
    missing = int(total - found.sum())
    left = exact - found
    for value in np.sort(np.unique(left))[::-1]:
        if missing <= 0:
            break
        tied = np.flatnonzero(left == value)
        chosen = rng.choice(tied, size=min(tied.size, missing), replace=False)
        found[chosen] += 1
        missing -= chosen.size
    return found.astype(int)
