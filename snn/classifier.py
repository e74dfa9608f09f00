"""The network as a scikit-learn classifier for tables, with or without memristors."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: TID253 - this module is loaded on demand
from sklearn.utils.multiclass import check_classification_targets, unique_labels  # noqa: TID253
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data  # noqa: TID253

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from snn.config import TrainingConfig
from snn.forgetting import check, words
from snn.learner import Learner
from snn.network.encoding import content_ids, levels, stream_key
from snn.recipe import choose, make_dynamics, with_card
from snn.scaling import TwoSided, round_to_grid

FEWEST_PRESENTATIONS = 500  # per epoch: tiny sets are shown several times
STREAMED = 1000  # samples of `partial_fit` per epoch
LEAST_RATE = 0.5  # of the initial rates: lower limit for streams
WIDTHS = (256, 1000)  # smallest and largest automatic number of hidden neurons
A_CLASS = 10  # features that a class counts as for this number
OF_DEVICES = (
    "schedule", "mapping", "policy", "max_pulses", "decay_by", "c2c", "d2d", "read_noise", "stuck",
    "presentation_s",
)  # fmt: skip
_START, _ORDER, _TRAIN, _TEST = 21, 22, 23, 24


class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Two-layer spiking network, trained on devices if a card is given, by default with Multi-ReSuMe.

    Parameters
    ----------
    card : DeviceCard or None
        Device that holds the weights; None: float weights.
    hidden : int or None
        Hidden neurons; None: features + 10 per class, 256 to 1000.
    epochs : int
        Passes over the training samples (several to an epoch on sets of fewer than 500).
    p : float
        Firing probability per 1 ms step of a full input, 0 < p <= 1.
    steps : int
        Steps of one presentation [ms], 12 to 64.
    draws : int
        Presentations of a sample whose spike counts are averaged in prediction.
    input_range : (float, float) or None
        One range for all inputs, with one channel each (for images: (0, 16) for scikit-learn's digits). None: two
        channels per feature, for values above and below its mean, saturating at 2.5 standard deviations; repeated if
        there are few features, plus one channel that is always 1.
    scheme : {"insitu", "hybrid", "offline"} or None
        As in `snn.config.TrainingConfig`; None: in situ with a card, else offline.
    schedule, mapping, margin, gradient, policy, max_pulses, decay_by, c2c, d2d, read_noise, stuck, presentation_s
        As in `snn.config.TrainingConfig`; all but `margin` and `gradient` need a card.
    random_state : int, RandomState or None
        Seed of start weights, order, encoding and devices.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    n_features_in_ : int
    recipe_ : snn.recipe.Recipe
        Learning rates and thresholds, chosen automatically.
    forgetting_ : str
        Effect of the card's volatile part in the training, in words; empty without one. With `presentation_s` 0 nothing
        is forgotten.

    Notes
    -----
    The spikes of a prediction are drawn from a stream keyed by the content of the sample, so that it does not depend on
    the order or on other samples; equal rows get equal draws. Sources: doi
    10.1109/JEDS.2023.3311763, doi 10.1162/NECO_a_00396.
    """

    def __init__(
        self,
        card: DeviceCard | None = None,
        *,
        hidden: int | None = None,
        epochs: int = 20,
        p: float = 0.5,
        steps: int = 50,
        draws: int = 1,
        input_range: tuple[float, float] | None = None,
        scheme: str | None = None,
        schedule: str = "growth",
        mapping: str = "pair",
        margin: int = 0,
        gradient: str = "resume",
        policy: str = "reset",
        max_pulses: int | None = None,
        decay_by: str | None = None,
        c2c: str = "increment",
        d2d: str = "resample",
        read_noise: bool = False,
        stuck: float | None = None,
        presentation_s: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.card = card
        self.hidden = hidden
        self.epochs = epochs
        self.p = p
        self.steps = steps
        self.draws = draws
        self.input_range = input_range
        self.scheme = scheme
        self.schedule = schedule
        self.mapping = mapping
        self.margin = margin
        self.gradient = gradient
        self.policy = policy
        self.max_pulses = max_pulses
        self.decay_by = decay_by
        self.c2c = c2c
        self.d2d = d2d
        self.read_noise = read_noise
        self.stuck = stuck
        self.presentation_s = presentation_s
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples X, shape (n, features), with labels y, shape (n,).

        Raises
        ------
        ValueError
            If X or y is invalid, or there is only one class.
        UsageError
            If a parameter is not allowed.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self._start(X, unique_labels(y))
        repeats = -(-FEWEST_PRESENTATIONS // len(y))
        for epoch in range(self.epochs):
            self._train(X, y, repeats, float(epoch), 0.0)
        self._age = float(self.epochs - 1)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train one more pass over X and y; the first call fixes the classes (default: those in y) and the scaling.

        Learning rates fall with the samples seen (1000 per epoch), down to half of the initial ones.
        """
        if self.scheme == "hybrid":
            raise UsageError('partial_fit does not support scheme "hybrid". Use fit.')
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=first)
        check_classification_targets(y)
        if first:
            self._start(X, unique_labels(y) if classes is None else unique_labels(classes))
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"labels not among the classes of the first call: {list(unknown)}")
        self._train(X, y, 1, min(self._age, float(self.epochs - 1)), LEAST_RATE)
        self._age += len(y) / STREAMED
        return self

    def _start(self, X: np.ndarray, classes: np.ndarray) -> None:
        if len(classes) < 2:
            raise ValueError("a classifier needs at least 2 classes; the data have 1 class")
        if isinstance(self.draws, bool) or not isinstance(self.draws, (int, np.integer)) or self.draws < 1:
            raise UsageError(f"draws must be a whole number from 1, not {self.draws!r}.")
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        hidden = _width(X.shape[1], len(classes)) if self.hidden is None else self.hidden
        self._config = TrainingConfig(
            scheme=self.scheme or ("offline" if self.card is None else "insitu"),  # type: ignore[arg-type]
            epochs=self.epochs,
            seed=self._seed,
            hidden=hidden,
            steps=self.steps,
            schedule=self.schedule,  # type: ignore[arg-type]
            mapping=self.mapping,  # type: ignore[arg-type]
            margin=self.margin,
            gradient=self.gradient,
            policy=self.policy,
            max_pulses=self.max_pulses,
            decay_by=self.decay_by,  # type: ignore[arg-type]
            c2c=self.c2c,  # type: ignore[arg-type]
            d2d=self.d2d,  # type: ignore[arg-type]
            read_noise=self.read_noise,
            stuck=self.stuck,
            presentation_s=self.presentation_s,
        )
        if self.card is None:
            usual = {name: each.default for name, each in signature(type(self)).parameters.items()}
            idle = [name for name in OF_DEVICES if getattr(self, name) != usual[name]]
            if idle:
                raise UsageError(f"{', '.join(idle)} cannot be used without devices. Pass a card.")
        if self.card is None and self._config.scheme != "offline":
            raise UsageError(f'Scheme "{self._config.scheme}" trains devices. Pass a card.')
        self._config = with_card(self._config, self.card)
        check(self.card, self._config)
        self._fix_scaling(X)
        x = self._levels(X)
        recipe = choose(self._config, self.card, drive=float(x.sum(axis=1).mean()) / 65536)
        recipe = replace(recipe, p=self.p)
        shapes = ((x.shape[1], hidden), (hidden, len(classes)))
        rng = np.random.default_rng([self._seed, _START])
        start = [sd * rng.standard_normal(s) for sd, s in zip(recipe.start_sd, shapes, strict=True)]
        card = None if self._config.scheme == "offline" else self.card
        self._learner = Learner(card, self._config, recipe, make_dynamics(self._config, 0, 0.0), start)
        self._epoch, self._age = 0, 0.0
        self.forgetting_ = words(self.card, self._config)
        self.recipe_, self.classes_ = recipe, classes  # last, so that a failed start leaves the classifier unfitted

    def _fix_scaling(self, X: np.ndarray) -> None:
        if self.input_range is None:
            self._scaling = TwoSided.fit(X)
            return
        low, high = (float(value) for value in self.input_range)
        if not high > low:
            raise ValueError(f"input_range must rise, not {self.input_range}")

    def _levels(self, X: np.ndarray) -> np.ndarray:
        X = np.asarray(X, float)
        if self.input_range is None:
            return levels(self._scaling.channels(X), self.p)
        low, high = (float(value) for value in self.input_range)
        half = high / 2 - low / 2  # halves do not overflow
        return levels(round_to_grid(np.clip((X / 2 - low / 2) / half, 0.0, 1.0)), self.p)

    def _train(self, X: np.ndarray, y: np.ndarray, repeats: int, age: float, least: float) -> None:
        """Train one epoch, with draws keyed by row, so that equal rows get different spikes."""
        x = self._levels(X)
        labels = np.searchsorted(self.classes_, y).astype(np.int64)
        rng = np.random.default_rng([self._seed, _ORDER, self._epoch])
        ids = np.arange(len(labels), dtype=np.uint64)
        learner, offline = self._learner, self._config.offline_epochs
        if learner.synapses is None and self._config.scheme == "hybrid" and age >= offline:
            learner.synapses, self.recipe_ = learner.program(), learner.recipe
        if learner.synapses is not None:
            age -= offline
            learner.synapses.rewire()
        learner.calibrated_on = x
        for repeat in range(repeats):
            shown = (x, labels, ids, rng.permutation(len(labels)), _TRAIN, self._epoch * repeats + repeat)
            learner.learn(*shown, age, least)
        self._epoch += 1

    def _scores(self, X: Any) -> np.ndarray:
        """Return spike counts, mean over the draws, shape (n, n_classes); the membrane potential breaks ties."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        x = self._levels(X)
        ids = content_ids(x)
        total = np.zeros((len(x), len(self.classes_)))
        scores = np.empty_like(total)
        for draw in range(self.draws):
            stream = stream_key(self._seed, _TEST)
            self._learner.predict(x, ids, stream, draw, self._learner.dynamics, scores)
            total += scores
        return total / self.draws

    def decision_function(self, X: Any) -> np.ndarray:
        """Return mean spike counts, shape (n, n_classes); for two classes their difference, shape (n,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels of samples X, shape (n,)."""
        decision = self.decision_function(X)
        chosen = (decision > 0).astype(int) if decision.ndim == 1 else decision.argmax(axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the softmax of the mean spike counts, shape (n, n_classes); not calibrated."""
        decision = self.decision_function(X)
        scores = np.stack([-decision / 2, decision / 2], axis=1) if decision.ndim == 1 else decision
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def _width(features: int, classes: int) -> int:
    """Return the automatic number of hidden neurons."""
    return int(np.clip(features + A_CLASS * classes, *WIDTHS))
