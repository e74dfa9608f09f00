"""Devices that forget in the network: against pulses at times one by one; bit for bit where nothing is forgotten."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Term, Volatile
from snn import forgetting
from snn.benchmark.flaws import device, find_flaws, own_severity, remove_flaws
from snn.benchmark.measure import generic
from snn.benchmark.run import Plan, benchmark
from snn.benchmark.task import EPOCHS, IMAGES, setting
from snn.classifier import SpikingClassifier
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.network import encoding
from snn.network.changes import Rule
from snn.network.crossbar import Threshold, WeightMap, make_layer, states
from snn.network.epochs import Lesson, insitu_epoch
from snn.network.fading import make_fading
from snn.network.learning import NUMBERS as GRADIENTS
from snn.network.neurons import Noise, padded
from snn.network.pulsing import NUMBERS, get_policy
from snn.recipe import make_dynamics
from snn.result import TrainingResult
from snn.training import Run, train

CHANNELS, HIDDEN, CLASSES, SAMPLES = 16, 70, 3, 12
QUIET = Noise(np.float32(0), np.float32(0))


def forgetful(card: DeviceCard, kept: float, *terms: tuple[float, float]) -> DeviceCard:
    """The card with a volatile part; terms are (tau, share)."""
    block = Volatile(
        source="made",
        kernel="exponential",
        parameters={"tau_s": terms[0][0]},
        persistent_share=kept,
        terms=tuple(Term(tau_s=tau, share=share) for tau, share in terms),
        terms_error=0.0,
        n=0,
    )
    return card.with_blocks({"volatile": block}, replace=True)


@pytest.fixture(scope="module")
def tiny() -> Dataset:
    rng = np.random.default_rng(5)
    x, y = rng.random((60, CHANNELS)), np.arange(60) % CLASSES
    x[:, :CLASSES] = np.eye(CLASSES)[y]
    return Dataset("made", "none", x[:40], y[:40], x[40:], y[40:])


SMALL = TrainingConfig(hidden=20, epochs=2, schedule="constant")


def same(a: TrainingResult, b: TrainingResult) -> None:
    np.testing.assert_array_equal(a.w1, b.w1)
    np.testing.assert_array_equal(a.w2, b.w2)
    assert a.epochs == b.epochs
    assert (a.accuracy_programmed, a.accuracy_after_mapping) == (b.accuracy_programmed, b.accuracy_after_mapping)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"policy": "verify", "mapping": "reference"},
        {"policy": "stochastic", "telegraph": 0.02},
        {"scheme": "hybrid", "policy": "carry", "stuck": 0.1, "stuck_at": "ends", "refresh": 0.2},
        {"scheme": "offline", "levels": 16, "program_sigma": 0.02},
        {"device_levels": 16, "retention": 0.1},
    ],
)
def test_what_forgets_nothing_gives_today_s_bits(card: DeviceCard, tiny: Dataset, changes: dict) -> None:
    """No block, a block of which all persists, and one in a training where no time passes."""
    config, times = replace(SMALL, **changes), {"presentation_s": 3.0, "pulse_period_s": 0.1, "test_delay_s": 5.0}
    today = train(card, config, tiny)
    same(today, train(card, replace(config, **times), tiny))
    keeps = train(forgetful(card, 1.0, (1.0, 1.0)), replace(config, **times), tiny)
    same(today, keeps)
    assert keeps.forgetting == today.forgetting == ""
    assert "forgetting" not in today.as_dict()
    still = train(forgetful(card, 0.3, (1.0, 1.0)), config, tiny)
    same(today, still)
    assert "nothing was forgotten" in still.as_dict()["forgetting"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "reference", "presentation", "period", "terms"),
    [
        ("reset", None, 0.2, 0.0, ((1.0, 1.0),)),
        ("reset", 0.5, 50.0, 0.0, ((1.0, 0.6), (40.0, 0.4))),  # the first is forgotten from one to the next
        ("carry", None, 3.0, 0.15, ((0.1, 0.5), (30.0, 0.5))),
        ("stochastic", None, 900.0, 40.0, ((1.0, 0.5), (25.0, 0.3), (1e4, 0.2))),
    ],
)
def test_an_epoch_gives_what_pulses_at_times_do(  # type: ignore[no-untyped-def]
    oracle, rng, card_maker: Callable[..., DeviceCard], policy, reference, presentation, period, terms
) -> None:
    """The weights that each presentation reads, and every device in the end, as of DeviceArray.pulse(time_s=...)."""
    card = forgetful(card_maker(increment=0.01), 0.3, *terms)
    x = encoding.levels(rng.integers(0, 17, size=(SAMPLES, CHANNELS)) / 16, 0.5)
    y, ids = rng.integers(0, CLASSES, size=SAMPLES).astype(np.int64), np.arange(SAMPLES, dtype=np.uint64)
    dynamics = make_dynamics(TrainingConfig(hidden=HIDDEN), 0, 0.0)
    rule = Rule(np.float32(8e-3), np.float32(4e-3), np.float32(0), True, 0, GRADIENTS["resume"], False)
    shapes = ((CHANNELS, HIDDEN), (HIDDEN, CLASSES))
    wholes = ((CHANNELS, padded(HIDDEN)), (padded(HIDDEN), CLASSES))
    fast, plain, arrays = [], [], []
    for number, (shape, sd) in enumerate(zip(shapes, (0.3, 0.2), strict=True)):
        start = states(sd * rng.standard_normal(shape), 2.0, 0.5, reference is None)
        one, other = (DeviceArray(card, start.size, number, initial=start) for _ in range(2))
        coin, stuck = encoding.stream_key(number, 9), np.arange(start.size) % 9 == 0
        layer = make_layer(one, WeightMap(shape, 2.0, reference), wholes[number], coin, stuck)
        assert one.fading is not None
        fast.append(make_fading(layer, one.fading, shape, period, presentation))
        plain.append(Timed(oracle.Layer(other, shape, 2.0, reference, coin), period, stuck))
        arrays.append(one)
    own = get_policy(policy)
    most = 4 if own.most > 1 or policy == "stochastic" else 1
    thresholds = [
        Threshold(np.float32(t), np.float32(1), NUMBERS[policy], most, own.summed, own.verifies) for t in (2e-2, 1e-2)
    ]
    stream, several = encoding.stream_key(3, 1), 0
    for number, k in enumerate(rng.permutation(SAMPLES)):
        now = number * presentation
        for layer in plain:
            layer.wait(now)
        inputs = oracle.encode(x[k], oracle.presentation_key(stream, 1, k), dynamics.steps)
        hidden, output, _ = oracle.forward(inputs, plain[0].w, plain[1].w, dynamics)
        wanted = oracle.changes(y[k], inputs, hidden, output, plain[1].w, rule, dynamics)
        before = [layer.array.pulses.copy() for layer in fast]
        lesson = Lesson(encoding.Presentations(x, ids, stream, 1), y, np.array([k]))
        insitu_epoch(lesson, tuple(fast), tuple(thresholds), rule, dynamics, QUIET)  # type: ignore[arg-type]
        for layer, its, was, dw in zip(fast, plain, before, wanted, strict=True):
            # how many pulses the policy asks for is its own test's; when they come, and what they do, is this one's
            given = (layer.array.pulses - was).reshape(*its.shape, -1).sum(axis=2)
            several += int((given > 1).sum())
            its.give(given, np.sign(dw + its.sums), now)
            its.sums = layer.sums[: its.shape[0], : its.shape[1]].astype(float)
        for layer, its in zip(fast, plain, strict=True):
            np.testing.assert_array_equal(layer.array.pulses, its.array.pulses)
    assert several > 5 or most == 1
    end = SAMPLES * presentation
    for layer, its, array in zip(fast, plain, arrays, strict=True):
        assert layer.pulses[0] > 20
        its.wait(end)
        array.record_changes(forgot=True)
        np.testing.assert_allclose(array.r, its.array.r, atol=1e-10)
        # lists hold exactly the synapses of which something is left
        for m in range(layer.factor.size):
            listed = np.sort(layer.touched[m, : layer.touches[m]])
            parts = layer.parts[:, m].reshape(its.shape[0] * its.shape[1], -1)
            assert set(np.flatnonzero(parts.any(axis=1))) <= set(listed.tolist())
            np.testing.assert_array_equal(np.flatnonzero(layer.is_touched[m]), listed)


class Timed:
    """An oracle's layer whose pulses come at times, a period apart."""

    def __init__(self, layer, period: float, stuck: np.ndarray) -> None:  # type: ignore[no-untyped-def]
        self.layer, self.period, self.stuck, self.shape, self.array = layer, period, stuck, layer.shape, layer.array
        self.sums = np.zeros(layer.shape)

    @property
    def w(self) -> np.ndarray:
        return np.asarray(self.layer.w)

    def wait(self, time_s: float) -> None:
        self.array.read(time_s=max(time_s, self.array.time_s))

    def give(self, number: np.ndarray, sign: np.ndarray, now: float) -> None:
        for turn in range(int(number.max(initial=0))):
            self.wait(now + turn * self.period)
            for i, j in np.argwhere(number > turn):
                k = int(i * self.shape[1] + j)
                plus = True
                if self.layer.reference is None:
                    given = int(self.array.pulses[2 * k : 2 * k + 2].sum())
                    plus = bool(_mix(_mix(self.layer.coin, k), given) & 1)
                    k = 2 * k if plus else 2 * k + 1
                if self.stuck[k]:
                    self.array.pulses[k] += 1
                else:
                    self.array.pulse(int(sign[i, j]) if plus else -int(sign[i, j]), np.array([k]))


def _mix(key: int, counter: int) -> int:
    from devicekit.device.random import mix

    return int(mix(np.uint64(key), np.uint64(counter)))


@pytest.mark.slow
def test_weights_that_are_renewed_are_those_of_the_devices(card: DeviceCard, tiny: Dataset) -> None:
    """Of many terms at once, some of many synapses and some of few; the same in one piece and in several."""
    config = replace(SMALL, presentation_s=1.0, policy="carry", pulse_period_s=0.01, refresh=0.2)
    run = Run(forgetful(card, 0.4, (0.2, 0.3), (3.0, 0.4), (500.0, 0.3)), config, tiny)
    assert run.synapses is not None
    for epoch in range(2):
        run.learn(epoch)
        for layer, array, read in zip(run.synapses.fading, run.synapses.arrays, run.synapses.read(0.0), strict=True):
            rows, columns = layer.stays.shape
            now = layer.stays + (layer.factor.astype(np.float32) @ layer.terms.reshape(-1, rows * columns)).reshape(
                rows, columns
            )
            np.testing.assert_allclose(now, read, atol=2e-6)
            assert ((array.r >= 0) & (array.r <= 1)).all()
    late, later = run.synapses.read(0.0, 1e9)[0], run.synapses.fading[0].stays
    np.testing.assert_allclose(late, later, atol=1e-6)


@pytest.mark.slow
def test_a_training_is_the_same_again_and_after_pickling(card: DeviceCard, tiny: Dataset) -> None:
    config = replace(SMALL, presentation_s=1.0, epochs=3)
    made = forgetful(card, 0.4, (0.2, 0.3), (30.0, 0.7))
    whole = train(made, config, tiny)
    same(whole, train(made, config, tiny))
    run = Run(made, config, tiny)
    for epoch in range(3):
        run.epoch(epoch)
        run = pickle.loads(pickle.dumps(run))
    same(whole, run.result())
    assert "1 s from" in whole.forgetting
    assert not np.array_equal(whole.w1, train(card, config, tiny).w1)


def test_programmed_weights_wait(card: DeviceCard, tiny: Dataset) -> None:
    """Long after programming a pair holds what persists of its weight."""
    made = forgetful(card, 0.25, (1.0, 1.0))
    run = Run(made, replace(SMALL, scheme="offline", test_delay_s=1e6, stuck=0.1, stuck_at="ends"), tiny)
    run.learn(0)
    synapses = run.learner.program()
    now, late = synapses.read(0.0)[0], synapses.read(0.0, 1e6)[0]
    stuck = synapses.layers[0].stuck.reshape(CHANNELS, 20, 2).any(axis=2)
    np.testing.assert_allclose(late[:, :20][~stuck], 0.25 * now[:, :20][~stuck], atol=1e-6)
    assert run.result().accuracy_programmed is not None
    assert "before a test" in forgetting.words(made, run.config)


@pytest.mark.slow
def test_in_situ_a_delay_before_a_test_counts_where_no_time_passes_else(card: DeviceCard, tiny: Dataset) -> None:
    made = forgetful(card, 0.0, (1.0, 1.0))
    run = Run(made, replace(SMALL, test_delay_s=1e6), tiny)
    start = run.learner.weights()[0].copy()
    run.learn(0)
    assert run.synapses is not None
    assert not np.array_equal(run.learner.weights()[0], start)
    np.testing.assert_allclose(run.synapses.read(0.0, 1e6)[0], start, atol=1e-6)


def test_impossible_settings_are_refused(card: DeviceCard, tiny: Dataset) -> None:
    made = forgetful(card, 0.4, (1.0, 1.0))
    for wrong, words in (
        ({"presentation_s": -1.0}, "presentation_s"),
        ({"test_delay_s": float("nan")}, "test_delay_s"),
        ({"pulse_period_s": 0.1, "policy": "carry", "presentation_s": 1.0}, "20 pulses"),
        ({"device_levels": 8, "presentation_s": 1.0}, "device_levels"),
    ):
        with pytest.raises(UsageError, match=words):
            train(made, replace(SMALL, **wrong), tiny)


@pytest.mark.slow
def test_a_classifier_says_what_it_made_of_a_volatile_part(card: DeviceCard, tiny: Dataset) -> None:
    made = forgetful(card, 0.4, (1.0, 1.0))
    still = SpikingClassifier(made, hidden=20, epochs=1, random_state=0).fit(tiny.x_train, tiny.y_train)
    assert "nothing was forgotten" in still.forgetting_
    moving = SpikingClassifier(made, hidden=20, epochs=1, random_state=0, presentation_s=1.0)
    moving.fit(tiny.x_train, tiny.y_train)
    assert "nothing was forgotten" not in moving.forgetting_
    assert moving.forgetting_
    again = pickle.loads(pickle.dumps(moving))
    for each in (moving, again):
        each.partial_fit(tiny.x_train, tiny.y_train)
    np.testing.assert_array_equal(moving.decision_function(tiny.x_test), again.decision_function(tiny.x_test))


def test_volatility_is_a_flaw_where_time_passes() -> None:
    config = setting("plain", 0, presentation_s=1.0)
    made, changes = device("volatility", 0.7)
    assert changes == {"presentation_s": 1.0}
    assert "volatility" in find_flaws(made, config)
    assert "volatility" not in find_flaws(made, setting("plain", 0))
    assert "volatility" not in find_flaws(generic(), config)
    assert remove_flaws(made, config, ["volatility"]).card == generic()
    assert own_severity("volatility", made, config) == pytest.approx(0.7)
    assert own_severity("volatility", made, setting("plain", 0)) is None
    slow = forgetful(generic(), 0.2, (float(IMAGES * EPOCHS), 1.0))
    assert own_severity("volatility", slow, config) == pytest.approx(0.8 * (1 - np.exp(-1)))
    waiting = setting("plain", 0, presentation_s=0.5, test_delay_s=float(IMAGES * EPOCHS))
    assert own_severity("volatility", slow, waiting) == pytest.approx(0.8 * (1 - np.exp(-1.5)))


@pytest.mark.slow
def test_a_benchmark_of_a_volatile_device_does_not_depend_on_workers(tiny: Dataset) -> None:
    made = device("volatility", 0.9)[0]
    results = [
        benchmark(
            made, tiny, Plan(seeds=2, wide=False, other_policy=False, attribution=False), jobs=jobs, presentation_s=1.0
        )
        for jobs in (1, 2)
    ]
    assert results[0].variants == results[1].variants
    assert "volatility" in results[0].flaws
    assert "presentation" in results[0].as_dict()["forgetting"]
