"""Unsupervised learning by spike-timing-dependent plasticity, with the window that was fitted to the device.

One layer of leaky integrate-and-fire neurons with winner-take-all (the neuron furthest above its threshold fires, all
others are reset) and thresholds that rise with each spike, as in Diehl and Cook 2015 (doi 10.3389/fncom.2015.00099).
A weight is the conductance of one device over the sum for its neuron, so that a common growth has no effect. The window
is not tuned: each pair of neighbouring spikes changes the conductance by the value of the window at their delay.
(Pairing neighbours only was chosen on digits, where all pairs did worse; the constants of the neurons come from a study
on Optdigits.)

    ln G -> ln G + ln(1 + change(delay) + noise) / pairs,

within the card's conductance window; `noise` is the scatter of the measured changes and `pairs` the number of spike
pairs behind one measured change. Labels are used afterwards only: a neuron stands for the class whose training images
made it fire most, and a test image gets the class whose neurons fire most for it on average.

`python -m snn.stdp CARD.json` prints the accuracy, and that of the same network with fixed weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.declarations import document
from devicekit.core.errors import UsageError
from devicekit.core.printing import Printed
from devicekit.core.records import Record, column, internal
from devicekit.core.text import count
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import StdpWindow
from devicekit.device.random import mix
from devicekit.system.jit import borrowing, compiled
from snn.data.dataset import Dataset
from snn.network.bits import all_steps
from snn.network.encoding import encode, levels, presentation_key, stream_key
from snn.network.neurons import bell
from snn.settings import Settings, setting

_START, _ORDER, _TRAIN, _ASSIGN, _TEST = 31, 32, 33, 34, 35  # purposes of the random streams
_NEVER = -10_000  # a step before the reach of any window
MEMBRANE_MS, THRESHOLD, RISE, FORGET = 30.0, 0.5, 0.01, 0.9999  # of a neuron; rise per spike, and decay factor per step
GAIN = 5.0  # steady potential of a neuron under the mean input, if nothing fired


@dataclass(frozen=True, kw_only=True)
class StdpConfig(Settings):
    """Settings of an unsupervised run.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    neurons: int = setting(100, "Neurons of the layer.", within=(1, 100_000))
    epochs: int = setting(4, "Passes over the training images.", within=(1, 1000))
    steps: int = setting(50, "Steps of 1 ms of one presentation.", within=(2, 64))
    p: float = setting(0.5, "Firing probability of a full pixel in one step [1].")
    pairs: int = setting(1, "Spike pairs behind one change of the measured window.", within=(1, 100_000))
    noise: bool = setting(True, "True if changes scatter as the measured ones.")
    plastic: bool = setting(True, "False for fixed weights.")
    seed: int = setting(0, "Seed of start, order and encoding.", within=(0, 2**63))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.p <= 1:
            raise UsageError(f"p must be above 0 and at most 1, not {self.p!r}.")


document(StdpConfig, StdpConfig.declared().values())


@borrowing
def _apply_pair(g: float, change: float, pairs: int, low: float, high: float) -> float:
    """Return the conductance after one pair, within the window."""
    return min(max(g * max(1.0 + change, 1e-3) ** (1.0 / pairs), low), high)


@compiled
def _present(  # type: ignore[no-untyped-def]
    row, key, g, thresholds, plastic, rises, window, pairs, low, high, steps, gain, decay, trains, counts
) -> None:
    """Present one sample: fill `counts` with spikes; update `g` (neurons, inputs) and thresholds if plastic.

    `window` is a_plus, tau_plus [ms], a_minus, tau_minus [ms], offset, noise.
    """
    encode(row, key, all_steps(steps), trains)
    neurons, inputs = g.shape
    total = g.sum(axis=1)
    v = np.zeros(neurons)
    last_in = np.full(inputs, _NEVER)
    last_out = np.full(neurons, _NEVER)
    counts[:] = 0
    drawn = np.uint64(0)
    for t in range(steps):
        v *= decay
        for i in range(inputs):
            if not (trains[i] >> np.uint64(t)) & np.uint64(1):
                continue
            for u in range(neurons):
                v[u] += gain * g[u, i] / total[u]
            before, last_in[i] = last_in[i], t
            for u in range(neurons):  # the first input after the neuron's last spike
                if plastic and before <= last_out[u] != _NEVER:
                    change = window[2] * np.exp((last_out[u] - t) / window[3]) + window[4]
                    if window[5] > 0.0:
                        change += window[5] * bell(key, drawn)
                        drawn += np.uint64(1)
                    g[u, i] = _apply_pair(g[u, i], change, pairs, low, high)
        winner, most = -1, 0.0
        for u in range(neurons):
            over = v[u] - thresholds[u]
            if over > most:
                winner, most = u, over
        if rises > 0.0:
            for u in range(neurons):
                thresholds[u] = THRESHOLD + (thresholds[u] - THRESHOLD) * FORGET
        if winner < 0:
            continue
        counts[winner] += 1
        v[:] = 0.0
        thresholds[winner] += rises
        if not plastic:
            continue
        for i in range(inputs):  # it fires at the end of the step: 1 ms after the inputs of the same step
            if last_in[i] > last_out[winner]:
                change = window[0] * np.exp((last_in[i] - t - 1) / window[1]) + window[4]
                if window[5] > 0.0:
                    change += window[5] * bell(key, drawn)
                    drawn += np.uint64(1)
                g[winner, i] = _apply_pair(g[winner, i], change, pairs, low, high)
        last_out[winner] = t
        total[winner] = g[winner].sum()


@compiled
def _pass(  # type: ignore[no-untyped-def]
    rows, order, stream, epoch, g, thresholds, plastic, rises, window, pairs, low, high, steps, gain, decay, counts
) -> None:
    trains = np.zeros(rows.shape[1], np.uint64)
    for k in order:
        key = mix(presentation_key(stream, epoch, k), np.uint64(0))
        _present(
            rows[k], key, g, thresholds, plastic, rises, window, pairs, low, high, steps, gain, decay, trains, counts[k]
        )


@dataclass(frozen=True)
class StdpRun(Printed):
    """Result of an unsupervised run.

    Attributes
    ----------
    config : StdpConfig
    accuracy : float
        Test accuracy after the last epoch [1].
    used : int
        Neurons that fired for a training image and were assigned a class.
    g : ndarray, shape (neurons, channels)
        Final conductances [S].
    """

    config: StdpConfig
    accuracy: float
    used: int
    g: np.ndarray


def learn(card: DeviceCard, data: Dataset, config: StdpConfig | None = None) -> StdpRun:
    """Learn images without labels by the spike-timing window of the card, then label the neurons and test.

    Parameters
    ----------
    card : DeviceCard
        Card with a window (`stdp`) and conductances above 0.
    data : Dataset
    config : StdpConfig, optional

    Raises
    ------
    UsageError
        If the card has no window, or its states are not conductances.
    """
    config = config or StdpConfig()
    window = card.stdp
    if window is None:
        raise UsageError(
            f"Card {card.name!r} has no spike-timing window. Fit it with --stdp FILE (a table of delays and changes)."
        )
    if card.window.quantity != "conductance_s" or card.window.low <= 0:
        raise UsageError(f"Card {card.name!r} has no conductances above 0, which relative changes need.")
    x_train, x_test = (levels(x, config.p) for x in (data.x_train, data.x_test))
    rng = np.random.default_rng([config.seed, _START])
    low, high = card.window.low, card.window.high
    g = low + (high - low) * rng.uniform(0.2, 0.8, size=(config.neurons, x_train.shape[1]))
    thresholds = np.full(config.neurons, THRESHOLD)
    shape = np.array(
        [
            window.a_plus, 1e3 * window.tau_plus_s, window.a_minus, 1e3 * window.tau_minus_s, window.offset,
            window.noise if config.noise else 0.0,
        ]
    )  # fmt: skip
    mean = float(x_train.mean()) / 65536
    gain = GAIN / (mean * MEMBRANE_MS)
    constants = (shape, config.pairs, low, high, config.steps, gain, float(np.exp(-1.0 / MEMBRANE_MS)))

    def present(rows: np.ndarray, order: np.ndarray, purpose: int, epoch: int, plastic: bool) -> np.ndarray:
        counts = np.zeros((len(rows), config.neurons), np.int64)
        stream = stream_key(config.seed, purpose)
        rises = RISE if purpose == _TRAIN else 0.0
        _pass(rows, order, stream, epoch, g, thresholds, plastic, rises, *constants, counts)
        return counts

    for epoch in range(config.epochs):
        order = np.random.default_rng([config.seed, _ORDER, epoch]).permutation(len(x_train))
        present(x_train, order, _TRAIN, epoch, config.plastic)
    seen = present(x_train, np.arange(len(x_train)), _ASSIGN, 0, False)
    by_class = np.array([seen[data.y_train == k].mean(axis=0) for k in range(data.n_classes)])
    stands_for = by_class.argmax(axis=0)
    used = by_class.max(axis=0) > 0
    counts = present(x_test, np.arange(len(x_test)), _TEST, 0, False)
    votes = np.zeros((len(x_test), data.n_classes))
    for k in range(data.n_classes):
        mine = used & (stands_for == k)
        if mine.any():
            votes[:, k] = counts[:, mine].mean(axis=1)
    accuracy = float(np.mean(votes.argmax(axis=1) == data.y_test))
    return StdpRun(config, accuracy, int(used.sum()), g)


@dataclass(frozen=True)
class StdpComparison(Record):
    """Accuracies by seed, with plasticity and with fixed weights."""

    plastic: tuple[float, ...] = column(doc="test accuracies with plasticity, 0..1")
    fixed: tuple[float, ...] = column(doc="test accuracies with fixed weights")
    split: str = column(doc="split of the data")
    window: StdpWindow = internal("window of the card")
    spike_pairs: int = column(name="pairs", doc="spike pairs behind one change of the measured window")

    @property
    def words(self) -> str:
        """The comparison in sentences."""
        one, two = 100 * np.array(self.plastic), 100 * np.array(self.fixed)
        gain = one - two
        error = f" ± {gain.std(ddof=1) / len(gain) ** 0.5:.1f}" if len(gain) > 1 else ""
        origin = "SYNTHETIC window" if self.window.synthetic else "measured window"
        return (
            f"Unsupervised STDP with the {origin} reaches {one.mean():.1f} %, the same network with fixed weights "
            f"{two.mean():.1f} %: {gain.mean():+.1f}{error} percentage points over {count(len(gain), 'seed')} "
            f"({count(self.spike_pairs, 'spike pair')} per measured change; {self.split}). Supervised rules reach far "
            "more; this shows the effect of the window only."
        )


def compare(card: DeviceCard, data: Dataset, seeds: Sequence[int] = (0, 1, 2), **settings: Any) -> StdpComparison:
    """Run `learn` with and without plasticity, seed by seed.

    Parameters
    ----------
    card, data
        As for `learn`.
    seeds : sequence of int
        One for both runs of each pair.
    **settings
        Fields of `StdpConfig`.

    Raises
    ------
    UsageError
        As `learn`.
    """
    runs = {
        plastic: tuple(learn(card, data, StdpConfig(seed=s, plastic=plastic, **settings)).accuracy for s in seeds)
        for plastic in (True, False)
    }
    assert card.stdp is not None
    return StdpComparison(runs[True], runs[False], data.split, card.stdp, StdpConfig(**settings).pairs)


def main() -> None:
    """Read the command line and compare."""
    from snn.data.load import load

    parser = argparse.ArgumentParser(prog="python -m snn.stdp", description=__doc__)
    parser.add_argument("card")
    parser.add_argument("--pairs", type=int, default=1, help="spike pairs behind one measured change")
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    card = load_card(arguments.card)
    print(compare(card, load("digits"), range(arguments.seeds), pairs=arguments.pairs, neurons=arguments.neurons).words)


if __name__ == "__main__":
    main()
