"""Training and benchmark in Python: `devicekit.train` and `devicekit.benchmark`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from devicekit.core.calls import called_as
from devicekit.core.errors import UsageError
from devicekit.core.text import closest
from devicekit.device.card import CardSource, as_card
from snn import benchmark as few_shot_benchmark
from snn import training
from snn.benchmark.task import few_shot
from snn.choices import Scheme
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.data.load import load

Progress = Callable[[int, int], None]


@called_as("devicekit.train('card.json')")
def train(
    card: CardSource,
    data: Dataset | Path | str = "digits",
    *,
    scheme: Scheme = "insitu",
    epochs: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
    **settings: Any,
) -> training.TrainingResult:
    """Train a spiking network whose weights are devices of a card.

    Parameters
    ----------
    card : DeviceCard, path-like, str or DeviceFit
        The device: a card, its file, the name of a card that ships, or a fit of LTP and LTD.
    data : Dataset, path-like or str
        Data set by name or file, as for `snn.data.load.load`.
    scheme : {"insitu", "offline", "hybrid"}
        Train by pulses on devices; float weights; or float first, then by pulses.
    epochs : int
        Passes over the training part.
    seed : int
        Seed of every random draw.
    progress : callable, optional
        Called with (samples shown, samples planned).
    **settings
        Any other setting of `TrainingConfig`, such as ``hidden=100`` or ``read_noise=True``.

    Returns
    -------
    TrainingResult
        `accuracy_mean_last` [1] is its test accuracy; ``print(result)`` shows the rest.

    Raises
    ------
    DevicekitError
        If the card or the data cannot be read, a setting is unknown, or the device cannot be trained.

    Examples
    --------
    >>> import devicekit
    >>> result = devicekit.train("pt-hfo2-al2o3-ti", epochs=1, hidden=50)
    >>> result.data.n_test
    450
    """
    _check_names("train", settings, ("data", *TrainingConfig.declared()))
    made = as_card(card)
    config = TrainingConfig(scheme=scheme, epochs=epochs, seed=seed, **settings)
    samples = data if isinstance(data, Dataset) else load(str(data))
    return training.train(made, config, samples, progress and (lambda done, total, _: progress(done, total)))


@called_as("devicekit.benchmark('card.json')")
def benchmark(
    card: CardSource,
    data: Dataset | Path | str = "digits",
    *,
    seeds: int = few_shot_benchmark.Plan.seeds,
    attribution: bool = True,
    wide: bool = True,
    other_policy: bool = True,
    jobs: int = 1,
    progress: Progress | None = None,
    **settings: Any,
) -> few_shot_benchmark.Benchmark:
    """Measure the accuracy that a device loses to an ideal one, on a small task that tells devices apart.

    Parameters
    ----------
    card : DeviceCard, path-like, str or DeviceFit
        The device: a card, its file, the name of a card that ships, or a fit of LTP and LTD.
    data : Dataset, path-like or str
        Data set, of which 500 samples are trained; a `Dataset` is used whole.
    seeds : int
        Trainings of the device in each network; a quarter as many, at least 8, of the ideal device.
    attribution, wide, other_policy : bool
        Find what a loss comes from; also train 1000 hidden neurons; also use another pulse policy.
    jobs : int
        Worker processes; they do not change the results.
    progress : callable, optional
        Called with (trainings done, planned) for each part.
    **settings
        Properties that the card does not hold, such as ``stuck=0.2`` [1] or ``device_levels=16``.

    Returns
    -------
    Benchmark
        `verdict` answers in one sentence; losses are fractions of the test accuracy [1].

    Raises
    ------
    DevicekitError
        If the card or the data cannot be read, a setting is unknown, or the device cannot be trained.

    Examples
    --------
    >>> import devicekit
    >>> result = devicekit.benchmark("pt-hfo2-al2o3-ti", seeds=1, attribution=False, wide=False, other_policy=False)
    >>> result.seeds
    1
    """
    own = ("data", "seeds", "attribution", "wide", "other_policy", "jobs")
    _check_names("benchmark", settings, (*own, *TrainingConfig.names("benchmark")))
    made = as_card(card)
    samples = data if isinstance(data, Dataset) else few_shot(str(data))
    plan = few_shot_benchmark.Plan(seeds=seeds, attribution=attribution, wide=wide, other_policy=other_policy)
    return few_shot_benchmark.benchmark(made, samples, plan, jobs=jobs, progress=progress, **settings)


def _check_names(verb: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a keyword that is not a setting, with the one that is meant."""
    names = list(known)
    for name in given:
        if name not in names:
            meant = closest(name, names)
            hint = f"did you mean {meant}=?" if meant else f"its settings are {', '.join(names)}."
            raise UsageError(f"devicekit.{verb} has no setting {name}=: {hint}")
