"""The few-shot task: 500 fixed images, 4 epochs and 50 hidden neurons, sensitive to properties of the device."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from snn.choices import Rates
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.data.load import load
from snn.data.split import stratified
from snn.training import Run

Variant = Literal["plain", "scaled", "wide", "policy"]

IMAGES, EPOCHS, HIDDEN = 500, 4, 50
WIDE_HIDDEN = 1000
MOST_BY_SPIKES = 0.02  # sd of an accuracy [1] that the spikes of the test may cause
VARIANTS: tuple[Variant, ...] = ("plain", "scaled")
NETWORKS: dict[Variant, str] = {  # as people read them
    "plain": "small learning rate",
    "scaled": "large learning rate",
    "wide": f"{WIDE_HIDDEN} neurons",
    "policy": "automatic pulse policy",
}
SPLIT_SEED = 0
# Standard deviation [1] of the accuracy of `measure.generic` over 400 seeds (policy 200, wide 100) of digits, two
# standard errors above the estimate; that of optdigits is the same within 2 %. For trainings too few to show their own.
NULL_SD: dict[Variant, float] = {"plain": 0.0067, "scaled": 0.0118, "wide": 0.0057, "policy": 0.0067}


def few_shot(name: str = "digits", data_dir: Path | str | None = None, label: str | None = None) -> Dataset:
    """Load the fixed images of the task: 500 to train, stratified; all others (of the test part) to test.

    Parameters
    ----------
    name, data_dir, label
        As for `snn.data.load.load`. For "digits" the test part is the 1,297 images outside the training part.

    Raises
    ------
    UsageError, FileError
        As `snn.data.load.load`, or if the training part has 500 samples or fewer.
    """
    data = load(name, data_dir, label)
    if len(data.y_train) <= IMAGES:
        raise UsageError(
            f"{data.name} has {len(data.y_train)} samples to train; the few-shot task needs more than {IMAGES}."
        )
    # the name as requested: a folder called digits is another data set
    chosen, others = stratified(data.y_train, len(data.y_train) - IMAGES, SPLIT_SEED)
    x, rest, y, y_rest = data.x_train[chosen], data.x_train[others], data.y_train[chosen], data.y_train[others]
    x_test, y_test = data.x_test, data.y_test
    of = "of other writers " if name == "optdigits" else ""
    words = f"{IMAGES} images to train, {len(y_test)} {of}to test"
    if name == "digits":
        x_test, y_test = np.vstack([rest, x_test]), np.concatenate([y_rest, y_test])
        words = f"{IMAGES} images to train, the other {len(y_test)} to test (same writers in both parts)"
    return Dataset(f"{name}, few-shot", f"{words}, stratified, random_state {SPLIT_SEED}", x, y, x_test, y_test)


def whole(name: str = "mnist", data_dir: Path | str | None = None, label: str | None = None) -> Dataset:
    """Load the large task: every sample of the training part, with the same number of epochs.

    With MNIST, 50 and 1000 hidden neurons are then 784-50-10 and 784-1000-10.

    Parameters
    ----------
    name, data_dir, label
        As for `snn.data.load.load`.

    Raises
    ------
    UsageError, FileError
        As `snn.data.load.load`.
    """
    data = load(name, data_dir, label)
    return replace(data, name=f"{name}, all samples")


def setting(variant: Variant, seed: int, **changes: object) -> TrainingConfig:
    """Return the training settings of a variant.

    Plain learning rates (small) are sensitive to large, small and noisy steps, scaled ones (large) to asymmetry; "wide"
    is the least sensitive. "policy" has plain learning rates and the pulse policy given in the changes.
    """
    known = TrainingConfig.names("benchmark")
    wrong = sorted(set(changes) - set(known))
    if wrong:
        raise UsageError(f"Unknown setting of a benchmark: {', '.join(wrong)}. Its settings are {', '.join(known)}.")
    rates: Rates = "scaled" if variant == "scaled" else "plain"
    return TrainingConfig(
        epochs=EPOCHS,
        hidden=WIDE_HIDDEN if variant == "wide" else HIDDEN,
        seed=seed,
        rates=rates,
        **{"read_noise": True, **TrainingConfig.of_words(changes)},
    )


def showings(data: Dataset) -> int:
    """Return how often each test image is shown, with new spikes: once, unless there are fewer than 625."""
    return math.ceil(0.25 / len(data.y_test) / MOST_BY_SPIKES**2)  # a share of n images has an sd of at most 0.5 / √n


def accuracy(card: DeviceCard, config: TrainingConfig, data: Dataset) -> float:
    """Return the test accuracy [1] after the last epoch of one training."""
    run = Run(card, config, data)
    for epoch in range(config.epochs):
        run.learn(epoch)
    return run.test(config.epochs - 1, showings(data))
