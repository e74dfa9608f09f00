"""The network as a scikit-learn classifier for tables, with or without memristors."""

from __future__ import annotations

from dataclasses import replace
from inspect import Parameter, signature
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
from snn.network.encoding import Presentations, content_ids, levels, stream_key
from snn.network.epochs import Lesson
from snn.recipe import choose, make_dynamics, with_card
from snn.scaling import TwoSided, round_to_grid

FEWEST_PRESENTATIONS = 500  # per epoch: tiny sets are shown several times
STREAMED = 1000  # samples of `partial_fit` per epoch
LEAST_RATE = 0.5  # of the initial rates: lower limit for streams
WIDTHS = (256, 1000)  # smallest and largest automatic number of hidden neurons
A_CLASS = 10  # features that a class counts as for this number
_TRAINING = {name: TrainingConfig.declared()[name].default for name in TrainingConfig.names("classifier")}
_START, _ORDER, _TRAIN, _TEST = 21, 22, 23, 24


class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Two-layer spiking network, trained on devices if a card is given, by default with Multi-ReSuMe.

    Parameters
    ----------
    card : DeviceCard or None
        Device that holds the weights; None: float weights.
    hidden : int or None
        Hidden neurons; None: features + 10 per class, 256 to 1000.
    p : float
        Firing probability per 1 ms step of a full input, 0 < p <= 1.
    draws : int
        Presentations of a sample whose spike counts are averaged in prediction.
    input_range : (float, float) or None
        One range for all inputs, with one channel each (for images: (0, 16) for scikit-learn's digits). None: two
        channels per feature, for values above and below its mean, saturating at 2.5 standard deviations; repeated if
        there are few features, plus one channel that is always 1.
    scheme : {"insitu", "hybrid", "offline"} or None
        As in `snn.config.TrainingConfig`; None: in situ with a card, else offline.
    random_state : int, RandomState or None
        Seed of start weights, order, encoding and devices.
    **training
        Settings of `snn.config.TrainingConfig`, as the signature lists them: `epochs` (several passes to an epoch on
        sets of fewer than 500 samples), `steps`, `margin`, `gradient`; with a card also `schedule`, `mapping`, `policy`
        and those of the devices.

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

    epochs: int
    steps: int

    def __init__(
        self,
        card: DeviceCard | None = None,
        *,
        hidden: int | None = None,
        p: float = 0.5,
        draws: int = 1,
        input_range: tuple[float, float] | None = None,
        scheme: str | None = None,
        random_state: Any = None,
        **training: Any,
    ) -> None:
        if unknown := sorted(set(training) - set(_TRAINING)):
            raise TypeError(f"SpikingClassifier got an unexpected keyword argument {unknown[0]!r}")
        self.card = card
        self.hidden = hidden
        self.p = p
        self.draws = draws
        self.input_range = input_range
        self.scheme = scheme
        self.random_state = random_state
        for name, usual in _TRAINING.items():
            setattr(self, name, training.get(name, usual))

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
            seed=self._seed,
            hidden=hidden,
            **{name: getattr(self, name) for name in _TRAINING},
        )
        if self.card is None:
            idle = [name for name in TrainingConfig.names("devices") if getattr(self, name) != _TRAINING[name]]
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
        stream = stream_key(self._seed, _TRAIN)
        for repeat in range(repeats):
            shown = Presentations(x, ids, stream, self._epoch * repeats + repeat)
            learner.learn(Lesson(shown, labels, rng.permutation(len(labels))), age, least)
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
            self._learner.predict(Presentations(x, ids, stream, draw), self._learner.dynamics, scores)
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


def _sign(init: Any) -> None:
    """List the settings of a training in the signature of a constructor, where scikit-learn looks for parameters."""
    own = [each for each in signature(init).parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    shared = [Parameter(name, Parameter.KEYWORD_ONLY, default=usual) for name, usual in _TRAINING.items()]
    init.__signature__ = signature(init).replace(parameters=[*own, *shared])


_sign(SpikingClassifier.__init__)


def _width(features: int, classes: int) -> int:
    """Return the automatic number of hidden neurons."""
    return int(np.clip(features + A_CLASS * classes, *WIDTHS))
