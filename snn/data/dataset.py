"""A training and a test part, with the name of the split: an accuracy without it means nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devicekit.errors import UsageError
from snn.data.split import stratified


@dataclass(frozen=True)
class Dataset:
    """A training and a test part.

    Attributes
    ----------
    name, split : str
        Data set and how it was split.
    x_train, x_test : ndarray of float, shapes (n, channels)
        Inputs scaled to 0..1 [1].
    y_train, y_test : ndarray of int, shapes (n,)
        Class numbers from 0.
    classes : tuple of str
        Names of the classes, in the order of their numbers; empty where they are numbers anyway.
    """

    name: str
    split: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for x, y in ((self.x_train, self.y_train), (self.x_test, self.y_test)):
            if x.ndim != 2 or y.shape != x.shape[:1]:
                raise UsageError("data need inputs of shape (n, channels) and one class number a sample")
            if not ((x >= 0) & (x <= 1)).all():  # not a number is neither
                raise UsageError(
                    f"inputs are scaled to 0..1; found {np.nanmin(x):g} to {np.nanmax(x):g}"
                    + (" and values that are no numbers" if np.isnan(x).any() else "")
                )
            if len(y) and not (np.isfinite(y).all() and (y >= 0).all() and (y == np.floor(y)).all()):
                raise UsageError("class numbers are whole numbers from 0")
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise UsageError("training and test part differ in their number of channels")
        if len(self.y_train) == 0 or len(self.y_test) == 0:
            raise UsageError("the training and the test part each need at least one sample")

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all that it holds, as hex digits."""
        digest = hashlib.sha256(repr((self.name, self.split, self.classes)).encode())
        for each in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(f"{each.dtype} {each.shape} ".encode())
            digest.update(np.ascontiguousarray(each).data)
        return digest.hexdigest()

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(max(self.y_train.max(), self.y_test.max())) + 1

    def hold_out(self, fraction: float = 0.2, seed: int = 0) -> Dataset:
        """The training part alone, split at random: for choices that the test part must not see."""
        kept, held = stratified(self.y_train, int(np.ceil(fraction * len(self.y_train))), seed)
        x, x_held, y, y_held = self.x_train[kept], self.x_train[held], self.y_train[kept], self.y_train[held]
        split = f"{fraction:.0%} of the training part of [{self.split}] held out, random_state {seed}"
        return Dataset(self.name, split, x, y, x_held, y_held, self.classes)
