"""A training and a test part with the name of their split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.printing import Printed
from snn.data.split import stratified


@dataclass(frozen=True)
class Dataset(Printed):
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
        Names of the classes in the order of their numbers; empty if they are numbers.
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
                raise UsageError("Data need inputs of shape (n, channels) and one class number per sample.")
            if not ((x >= 0) & (x <= 1)).all():  # false for NaN
                raise UsageError(
                    f"Inputs must be scaled to 0..1; found {np.nanmin(x):g} to {np.nanmax(x):g}"
                    + (" and NaN." if np.isnan(x).any() else ".")
                )
            if len(y) and not (np.isfinite(y).all() and (y >= 0).all() and (y == np.floor(y)).all()):
                raise UsageError("Class numbers must be whole numbers from 0.")
        if self.x_train.shape[1] != self.x_test.shape[1]:
            raise UsageError("The training and the test part have different numbers of channels.")
        if len(self.y_train) == 0 or len(self.y_test) == 0:
            raise UsageError("The training and the test part each need at least one sample.")

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of names and arrays, as hex digits."""
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
        """Split the training part at random, for choices without the test part."""
        kept, held = stratified(self.y_train, int(np.ceil(fraction * len(self.y_train))), seed)
        x, x_held, y, y_held = self.x_train[kept], self.x_train[held], self.y_train[kept], self.y_train[held]
        split = f"{fraction:.0%} of the training part of [{self.split}] held out, random_state {seed}"
        return Dataset(self.name, split, x, y, x_held, y_held, self.classes)
