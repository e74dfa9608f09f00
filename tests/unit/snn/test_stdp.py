"""Unsupervised learning by a card's spike-timing window: each pair of neighbours, the bounds, and what it is told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import StdpWindow
from devicekit.features.merits.stdp import characterize
from devicekit.synthetic import records
from snn import stdp
from snn.data.dataset import Dataset
from snn.network.encoding import ONE
from snn.stdp import StdpComparison, StdpConfig, compare, learn

WINDOW = {"a_plus": 0.8, "a_minus": -0.5, "tau_plus_s": 15e-3, "tau_minus_s": 25e-3, "offset": 0.1}


@pytest.fixture
def timed(card: DeviceCard) -> DeviceCard:
    window = card.window.model_copy(update={"quantity": "conductance_s", "low": 1e-6, "high": 1e-5})
    block = StdpWindow(**WINDOW, noise=0.05, n=240, source="a test", synthetic=True)
    return card.model_copy(update={"window": window, "stdp": block})


def one_pair(pairs: int = 1, plastic: bool = True, steps: int = 2, high: float = 1.0) -> tuple[float, int]:
    """Conductance (0.1 at first) and spikes of one neuron whose one input fires at every step; each makes it fire."""
    g, thresholds = np.full((1, 1), 0.1), np.full(1, stdp.THRESHOLD)
    counts, trains = np.zeros(1, np.int64), np.zeros(1, np.uint64)
    shape = np.array([0.8, 15.0, -0.5, 25.0, 0.1, 0.0])
    row = np.array([ONE], np.int32)
    stdp._present(
        row, np.uint64(1), g, thresholds, plastic, 0.0, shape, pairs, 0.01, high, steps, 10.0, 0.5, trains, counts
    )
    return float(g[0, 0]), int(counts[0])


@pytest.mark.slow
def test_each_spike_pairs_with_the_input_before_it_and_with_the_one_after_it() -> None:
    """Inputs at the start of each step of 1 ms, the neuron's spike at its end: 1 ms after, and 1 ms before the next."""
    up, down = 1 + 0.8 * math.exp(-1 / 15) + 0.1, 1 - 0.5 * math.exp(-1 / 25) + 0.1
    assert one_pair(steps=1) == (pytest.approx(0.1 * up), 1)
    assert one_pair(steps=2) == (pytest.approx(0.1 * up * down * up), 2)
    assert one_pair(steps=2, pairs=10)[0] == pytest.approx(0.1 * (up * down * up) ** 0.1)


@pytest.mark.slow
def test_conductances_end_at_the_window_and_stay_where_nothing_is_plastic() -> None:
    assert one_pair(steps=40, high=0.15)[0] == pytest.approx(0.15)
    assert one_pair(steps=40, plastic=False) == (0.1, 40)


@pytest.mark.slow
def test_labels_are_learnt_without_labels_better_than_by_chance(timed: DeviceCard, small_digits) -> None:  # type: ignore[no-untyped-def]
    settings = {"neurons": 40, "epochs": 2, "pairs": 60}
    one, two = (learn(timed, small_digits, StdpConfig(**settings)) for _ in range(2))  # type: ignore[arg-type]
    np.testing.assert_array_equal(one.g, two.g)
    assert one.accuracy == two.accuracy > 0.3
    assert 0 < one.used <= 40
    assert one.g.min() >= 1e-6
    assert one.g.max() <= 1e-5
    found = compare(timed, small_digits, (0, 1), **settings)
    assert found.plastic[0] == one.accuracy
    assert found.fixed[0] == learn(timed, small_digits, StdpConfig(plastic=False, **settings)).accuracy  # type: ignore[arg-type]
    assert "SYNTHETIC window" in found.words
    assert "60 spike pairs" in found.words
    assert "fixed weights" in found.words
    assert found.as_dict()["split"] == small_digits.split


def test_a_card_without_a_window_or_without_conductances_is_refused(
    card: DeviceCard, timed: DeviceCard, small_digits
) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="no spike-timing window"):
        learn(card, small_digits)
    weights = timed.model_copy(update={"window": timed.window.model_copy(update={"quantity": "weight"})})
    with pytest.raises(UsageError, match="conductances above 0"):
        learn(weights, small_digits)
    for name, value in (("pairs", 0), ("steps", 65), ("neurons", 1.5), ("epochs", True)):
        with pytest.raises(UsageError, match=name):
            StdpConfig(**{name: value})
    with pytest.raises(UsageError, match="p must be"):
        StdpConfig(p=0.0)


def test_a_card_keeps_its_window_and_others_say_nothing_of_one(card: DeviceCard, timed: DeviceCard) -> None:
    fitted = load_card("pt-hfo2-al2o3-ti").model_copy(update={"stdp": timed.stdp})
    assert DeviceCard.from_json(fitted.to_json()) == fitted
    assert "stdp" not in card.to_json()


@pytest.mark.slow
def test_a_fit_puts_the_measured_window_on_the_card(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    g = 1e-6 + 1e-7 * np.r_[np.arange(31), np.arange(29, -1, -1)] ** 0.9
    rows = [f"{k},{value:.6e}" for k, value in enumerate(g)]
    (tmp_path / "pulses.csv").write_text("pulse,G (S)\n" + "\n".join(rows) + "\n")
    table = records.stdp(noise=0.02)
    delays = table.frame[["spike_delay_s", "weight_change"]]
    lines = [f"{1e3 * t:.3f},{100 * w:.4f}" for t, w in delays.itertuples(index=False)]
    (tmp_path / "pairs.csv").write_text("dt (ms),dw (%)\n" + "\n".join(lines) + "\n")
    options = ["--pulses", "30,30", "--stdp", "pairs.csv", "--out", "card.json"]
    assert run_app(build_app(), ["fit", "pulses.csv", *options]) == 0
    window = load_card("card.json").stdp
    assert window is not None
    assert window.source == "pairs.csv"
    assert not window.synthetic
    wanted = characterize(table).for_card()
    assert wanted.synthetic
    assert window.a_plus == pytest.approx(wanted.a_plus, rel=1e-3)
    assert window.a_plus == pytest.approx(0.8, abs=0.03)
    assert window.tau_minus_s == pytest.approx(25e-3, rel=0.1)
    assert window.n == 240
    for wrong in (["--stdp", "pairs.csv"], ["--stdp", "pulses.csv", "--out", "other.json"]):
        assert run_app(build_app(), ["fit", "pulses.csv", *wrong]) == 2


def test_the_gain_over_seeds_has_a_standard_error() -> None:
    """Gains of 10, 20 and 30 points: 20, with 10 / sqrt(3)."""
    window = StdpWindow(**WINDOW, noise=0.05, n=240, source="a test")
    words = StdpComparison((0.5, 0.6, 0.7), (0.4, 0.4, 0.4), "a split", window, 1).words
    for number in ("60.0 %", "40.0 %", "+20.0 ± 5.8", "3 seeds"):
        assert number in words


def test_a_class_of_many_neurons_wins_by_their_mean(timed: DeviceCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two neurons stand for the first class, one for the second: 2, 2 and 3 spikes are of the second."""
    x, labels = np.full((4, 5), 0.5), np.array([0, 0, 1, 1])
    data = Dataset("made", "none", x, labels, x[:2], np.array([1, 1]))

    def fired(rows: np.ndarray, *rest: Any) -> None:
        rest[-1][:] = [[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]] if len(rows) == 4 else [2, 2, 3]

    monkeypatch.setattr(stdp, "_pass", fired)
    found = learn(timed, data, StdpConfig(neurons=3, epochs=1))
    assert (found.accuracy, found.used) == (1.0, 3)
