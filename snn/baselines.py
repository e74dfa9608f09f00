"""Ordinary classifiers on the same data or spikes, as a reference for the accuracy of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column
from devicekit.core.text import percent
from devicekit.system.jit import compiled
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.network.bits import all_steps
from snn.network.encoding import encode, levels, presentation_key, stream_key
from snn.recipe import P
from snn.training import TEST_STREAM, TRAIN_STREAM


@dataclass(frozen=True)
class Baseline(Record):
    """Test accuracy of one classifier on one kind of input."""

    classifier: str = column("classifier", doc="name of the classifier")
    inputs: str = column("on", doc="spike counts or pixels")
    test_accuracy: float = column("test accuracy", text=percent, doc="test accuracy, 0..1")

    @property
    def words(self) -> str:
        """The accuracy in words."""
        return f"{self.classifier} {100 * self.test_accuracy:.1f} % ({self.inputs})"


@compiled
def _counts(rows: np.ndarray, stream: np.uint64, epoch: int, steps: int) -> np.ndarray:
    out = np.zeros(rows.shape, np.int64)
    trains = np.zeros(rows.shape[1], np.uint64)
    for k in range(rows.shape[0]):
        encode(rows[k], presentation_key(stream, epoch, k), all_steps(steps), trains)
        for channel in range(trains.size):
            train = trains[channel]
            while train != np.uint64(0):
                train &= train - np.uint64(1)
                out[k, channel] += 1
    return out


def spike_counts(x: np.ndarray, config: TrainingConfig, stream: np.uint64, epoch: int) -> np.ndarray:
    """Count the spikes of each input in one presentation, shape of x, as the network sees them in that epoch.

    Shifts of the dense encoding are not included.

    Parameters
    ----------
    x : ndarray, shape (n, channels)
        Inputs scaled to 0..1 [1].
    config : TrainingConfig
        Encoding and steps are used.
    stream : uint64
        Key of the random stream.
    epoch : int
        Epoch of the presentation.
    """
    return _counts(levels(x, P[config.encoding]), stream, epoch, config.steps)


NAMES = ("logistic", "mlp", "svc", "svc-pixels")
MOST = 10_000  # samples used to train an ordinary classifier


def reference_classifiers(data: Dataset, config: TrainingConfig) -> tuple[Baseline, ...]:
    """Train a linear model, a perceptron as wide as the network and a support vector machine on the inputs themselves.

    With more than 10,000 training samples a stratified subset of 10,000 is used and reported.

    Parameters
    ----------
    data : Dataset
    config : TrainingConfig
        Source of the number of hidden units and the seed.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    x, y, words = data.x_train, data.y_train, "inputs"
    if len(y) > MOST:
        x, _, y, _ = train_test_split(x, y, train_size=MOST, stratify=y, random_state=config.seed)
        words = f"inputs, {MOST} of {len(data.y_train)} samples"
    models = (
        ("logistic regression", LogisticRegression(max_iter=1000)),
        (f"MLP {config.hidden}", MLPClassifier((config.hidden,), random_state=config.seed)),
        ("SVC", SVC(C=10.0)),
    )
    rows = []
    for name, model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # compared without convergence
            model.fit(x, y)
        rows.append(Baseline(name, words, float(model.score(data.x_test, data.y_test))))
    return tuple(rows)


def baselines(data: Dataset, config: TrainingConfig, names: Sequence[str] = NAMES) -> tuple[Baseline, ...]:
    """Train logistic regression, a perceptron as wide as the network, and a support vector machine on spike counts.

    Parameters
    ----------
    data : Dataset
        Training and test part.
    config : TrainingConfig
        Source of the encoding, the number of hidden units and the seed.
    names : sequence of str
        Some of `NAMES`.

    Returns
    -------
    tuple of Baseline
        Each classifier on one draw of spike counts, and the support vector machine on the pixels themselves.

    Raises
    ------
    UsageError
        If a name is not one of `NAMES`.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise UsageError(f"Unknown classifier {', '.join(map(repr, unknown))}. Use {', '.join(NAMES)}.")
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    full = P[config.encoding] * config.steps
    x_train = spike_counts(data.x_train, config, stream_key(config.seed, TRAIN_STREAM), 0) / full
    x_test = spike_counts(data.x_test, config, stream_key(config.seed, TEST_STREAM), 0) / full
    width = config.hidden
    cases = (
        ("logistic regression", "spike counts", LogisticRegression(max_iter=2000), x_train, x_test),
        (
            f"MLP {width}",
            "spike counts",
            MLPClassifier((width,), random_state=config.seed, max_iter=2000),
            x_train,
            x_test,
        ),
        ("SVC", "spike counts", SVC(C=10.0), x_train, x_test),
        ("SVC", "pixels", SVC(C=10.0), data.x_train, data.x_test),
    )
    rows = []
    for key, (name, inputs, model, train_part, test_part) in zip(NAMES, cases, strict=True):
        if key not in names:
            continue
        model.fit(train_part, data.y_train)
        rows.append(Baseline(name, inputs, float(model.score(test_part, data.y_test))))
    return tuple(rows)
