"""The network as a scikit-learn classifier, for people who have a table, with or without memristors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: TID253 - this module is loaded on demand
from sklearn.utils.multiclass import check_classification_targets, unique_labels  # noqa: TID253
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data  # noqa: TID253

from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
from snn.config import TrainingConfig
from snn.network.encoding import content_ids, levels, stream_key
from snn.network.epochs import insitu_epoch, offline_epoch
from snn.network.neurons import Noise, padded, predict
from snn.recipe import choose, make_dynamics, with_policy
from snn.synapses import Synapses

GRID = 4096  # inputs are rounded to 1 / 4096, so that rounding errors do not change the spikes
FEWEST_PRESENTATIONS = 500  # per epoch: tiny sets are shown several times
POPULATION = 32  # features that a table of few features is repeated up to: averages the spikes' randomness
QUIET = Noise(np.float32(0.0), np.float32(0.0))
_START, _ORDER, _TRAIN, _TEST = 21, 22, 23, 24


class SpikingClassifier(ClassifierMixin, BaseEstimator):
    """Two-layer spiking network trained on devices if a card is given, with Multi-ReSuMe if nothing else is said.

    Parameters
    ----------
    card : DeviceCard or None
        Device that holds the weights; None: float weights.
    hidden : int
        Hidden neurons.
    epochs : int
        Passes over the training samples (several to an epoch on sets of fewer than 500).
    p : float
        Firing probability per 1 ms step of a full input, 0 < p <= 1.
    steps : int
        Steps of one presentation [ms], 12 to 64.
    draws : int
        Presentations of a sample whose spike counts are averaged in prediction.
    input_range : (float, float) or None
        One range for all inputs, which are then the network's only channels (for images: (0, 16) for
        scikit-learn's digits). None: each feature is scaled by its own range and enters as x and 1 - x, over
        several channels where there are few features, with one channel that is always 1.
    schedule, mapping, margin, gradient, policy, max_pulses, decay_by
        As in `snn.config.TrainingConfig`; for a card only, but for `margin` and `gradient`.
    random_state : int, RandomState or None
        Seeds start weights, order, encoding and devices.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    n_features_in_ : int
    recipe_ : snn.recipe.Recipe
        Rates and thresholds that were chosen.

    Notes
    -----
    A prediction's spikes are drawn from a stream keyed by the sample's content, so that a prediction does not
    depend on order or on the other samples; equal rows get equal draws. Sources: doi
    10.1109/JEDS.2023.3311763, doi 10.1162/NECO_a_00396.
    """

    def __init__(
        self,
        card: DeviceCard | None = None,
        *,
        hidden: int = 1000,
        epochs: int = 20,
        p: float = 0.5,
        steps: int = 50,
        draws: int = 1,
        input_range: tuple[float, float] | None = None,
        schedule: str = "growth",
        mapping: str = "pair",
        margin: int = 0,
        gradient: str = "resume",
        policy: str = "reset",
        max_pulses: int | None = None,
        decay_by: str | None = None,
        random_state: Any = None,
    ) -> None:
        self.card = card
        self.hidden = hidden
        self.epochs = epochs
        self.p = p
        self.steps = steps
        self.draws = draws
        self.input_range = input_range
        self.schedule = schedule
        self.mapping = mapping
        self.margin = margin
        self.gradient = gradient
        self.policy = policy
        self.max_pulses = max_pulses
        self.decay_by = decay_by
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on samples X, shape (n, features), with labels y, shape (n,).

        Raises
        ------
        ValueError
            If X or y is not valid, or there is only one class.
        UsageError
            If a parameter is not allowed.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self._start(X, unique_labels(y))
        repeats = -(-FEWEST_PRESENTATIONS // len(y))
        for _ in range(self.epochs):
            self._train(X, y, repeats)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """One more pass over X and y; the first fixes the classes (default: those in y) and the scaling."""
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], reset=first)
        check_classification_targets(y)
        if first:
            self._start(X, unique_labels(y) if classes is None else unique_labels(classes))
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"labels not among the classes of the first call: {list(unknown)}")
        self._train(X, y, 1)
        return self

    def _start(self, X: np.ndarray, classes: np.ndarray) -> None:
        if len(classes) < 2:
            raise ValueError("a classifier needs at least 2 classes; the data have 1 class")
        if isinstance(self.draws, bool) or not isinstance(self.draws, (int, np.integer)) or self.draws < 1:
            raise UsageError(f"draws must be a whole number from 1, not {self.draws!r}")
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._config = TrainingConfig(
            scheme="offline" if self.card is None else "insitu",
            epochs=self.epochs,
            seed=self._seed,
            hidden=self.hidden,
            steps=self.steps,
            schedule=self.schedule,  # type: ignore[arg-type]
            mapping=self.mapping,  # type: ignore[arg-type]
            margin=self.margin,
            gradient=self.gradient,
            policy=self.policy,
            max_pulses=self.max_pulses,
            decay_by=self.decay_by,  # type: ignore[arg-type]
        )
        self._config = with_policy(self._config, self.card)
        self._fix_scaling(X)
        x = self._levels(X)
        recipe = choose(self._config, self.card, drive=float(x.sum(axis=1).mean()) / 65536)
        recipe = replace(recipe, p=self.p)
        self._dynamics = make_dynamics(self._config, 0, 0.0)
        shapes = ((x.shape[1], self.hidden), (self.hidden, len(classes)))
        rng = np.random.default_rng([self._seed, _START])
        start = [sd * rng.standard_normal(s) for sd, s in zip(recipe.start_sd, shapes, strict=True)]
        self._synapses, self._weights = None, None
        if self.card is None:
            w1 = np.zeros((shapes[0][0], padded(self.hidden)), np.float32)
            w2 = np.zeros((padded(self.hidden), shapes[1][1]), np.float32)
            w1[:, : self.hidden], w2[: self.hidden] = start
            self._weights = w1, w2
        else:
            self._synapses = Synapses.start(self.card, self._config, recipe, start)
        self._epoch = 0
        self.recipe_, self.classes_ = recipe, classes  # last: a start that failed leaves nothing fitted

    def _fix_scaling(self, X: np.ndarray) -> None:
        if self.input_range is not None:
            low, high = (np.full(X.shape[1], float(value)) for value in self.input_range)
            if not (high > low).all():
                raise ValueError(f"input_range must rise, not {self.input_range}")
        else:
            low, high = X.min(axis=0).astype(float), X.max(axis=0).astype(float)
        self._low = low
        # halves do not overflow; a constant feature is 0
        self._half_span = np.where(high > low, high / 2 - low / 2, 1.0)

    def _levels(self, X: np.ndarray) -> np.ndarray:
        half = np.asarray(X, float) / 2 - self._low / 2
        x = np.rint(np.clip(half / self._half_span, 0.0, 1.0) * GRID) / GRID
        if self.input_range is None:
            copies = max(POPULATION // x.shape[1], 1)
            x = np.hstack([np.tile(np.hstack([x, 1.0 - x]), copies), np.ones((len(x), 1))])
        return levels(x, self.p)

    def _train(self, X: np.ndarray, y: np.ndarray, repeats: int) -> None:
        """One epoch; training draws are keyed by row, so that equal rows get different spikes."""
        x = self._levels(X)
        labels = np.searchsorted(self.classes_, y).astype(np.int64)
        rng = np.random.default_rng([self._seed, _ORDER, self._epoch])
        ids = np.arange(len(labels), dtype=np.uint64)
        stream = stream_key(self._seed, _TRAIN)
        for repeat in range(repeats):
            epoch = self._epoch * repeats + repeat
            shown = (x, labels, ids, rng.permutation(len(labels)), stream, epoch)
            if self._weights is not None:
                rule = self.recipe_.rule(self._config, insitu=False, epoch=self._epoch)
                offline_epoch(*shown, *self._weights, rule, self._dynamics, QUIET)
            else:
                assert self._synapses is not None
                age = min(self._epoch, self.epochs - 1)
                rule = self.recipe_.rule(self._config, insitu=True, epoch=age)
                first, second = self.recipe_.thresholds(self._config, age)
                layers = self._synapses.layers
                insitu_epoch(*shown, *layers, first, second, rule, self._dynamics, QUIET)  # type: ignore[call-arg, arg-type]
        self._epoch += 1

    def _scores(self, X: Any) -> np.ndarray:
        """Spike counts, mean over the draws, shape (n, n_classes); ties broken by the membrane potential."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        x = self._levels(X)
        ids = content_ids(x)
        # weights from a memory map are read-only, which would be another compiled type
        weights = self._weights if self._synapses is None else self._synapses.read(0.0)
        assert weights is not None
        w1, w2 = (np.require(w, requirements="W") for w in weights)
        total = np.zeros((len(x), len(self.classes_)))
        scores = np.empty_like(total)
        for draw in range(self.draws):
            stream = stream_key(self._seed, _TEST)
            predict(x, ids, stream, draw, w1, w2, self._dynamics, QUIET, scores)
            total += scores
        return total / self.draws

    def decision_function(self, X: Any) -> np.ndarray:
        """Mean spike counts, shape (n, n_classes); for two classes their difference, shape (n,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Labels of samples X, shape (n,)."""
        decision = self.decision_function(X)
        chosen = (decision > 0).astype(int) if decision.ndim == 1 else decision.argmax(axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Softmax of the mean spike counts, shape (n, n_classes): in their order, not calibrated."""
        decision = self.decision_function(X)
        scores = np.stack([-decision / 2, decision / 2], axis=1) if decision.ndim == 1 else decision
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
