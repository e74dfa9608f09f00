"""Networks whose devices age: nothing set is nothing changed; aged weights against conductances one by one; curves."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.ageing import Drift, Telegraph
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.measured import Retention, RetentionState
from devicekit.device.wires import Wires, effective_conductance
from devicekit.system.catalog import get
from snn import drift
from snn.ageing import accuracy_over_time, noise_to_signal, pair_spread, predicted_loss, shipped
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.training import Run, train

LOW, HIGH = 1e-5, 3e-5
WINDOW = Window(quantity="conductance_s", low=LOW, high=HIGH, scope="made")
SMALL = TrainingConfig(hidden=20, epochs=2, schedule="constant")
DRIFT = {"time_s": 1e4, "drift_nu": 0.05, "drift_nu_sd": 0.03}
FLAT = {"noise": [0.0, 1.0, 2.0], "loss": [0.0, 0.1, 0.3], "sd": [0.0, 0.01, 0.05]}
CURVE = {**FLAT, "spread": [0.2, 0.1], "output_share": 0.25, "least_gain": 0.3}


@pytest.fixture(scope="module")
def conducting(card: DeviceCard) -> DeviceCard:
    return card.model_copy(update={"window": WINDOW})


@pytest.fixture(scope="module")
def tiny() -> Dataset:
    rng = np.random.default_rng(5)
    x, y = rng.random((60, 16)), np.arange(60) % 3
    x[:, :3] = np.eye(3)[y]
    return Dataset("made", "none", x[:40], y[:40], x[40:], y[40:])


@pytest.mark.parametrize("changes", [{}, {"scheme": "hybrid"}, {"scheme": "offline"}, {"mapping": "reference"}])
def test_no_time_is_no_change_and_time_changes_tests_alone(
    conducting: DeviceCard, tiny: Dataset, changes: dict
) -> None:
    config = replace(SMALL, **changes)
    today = train(conducting, config, tiny)
    unset = train(conducting, replace(config, drift_nu=0.3, drift_nu_sd=0.2, drift_t0_s=5.0), tiny)
    assert unset.epochs == today.epochs
    np.testing.assert_array_equal(unset.w1, today.w1)
    assert unset.accuracy_programmed == today.accuracy_programmed
    old = train(conducting, replace(config, time_s=1e12, drift_nu=0.05, drift_nu_sd=0.3), tiny)
    np.testing.assert_array_equal(old.w1, today.w1)
    assert [row.pulses for row in old.epochs] == [row.pulses for row in today.epochs]
    tested = [(row.test_accuracy, other.test_accuracy) for row, other in zip(old.epochs, today.epochs, strict=True)]
    if config.scheme == "offline":  # its epochs are of float weights
        tested = [(old.accuracy_programmed, today.accuracy_programmed)]
    assert any(a != b for a, b in tested)


@pytest.mark.parametrize("reference", [None, 0.5])
def test_aged_weights_are_those_of_aged_conductances(
    conducting: DeviceCard, tiny: Dataset, reference: float | None
) -> None:
    mapping = "pair" if reference is None else "reference"
    config = replace(SMALL, mapping=mapping, **DRIFT)
    run = Run(conducting, config, tiny)
    run.learn(0)
    synapses = run.synapses
    assert synapses is not None
    first, second = synapses.read(0.0, 0.0, drift.configured_change(WINDOW, config))
    law = Drift(0.05, 0.03)
    for number, (w, array, shape) in enumerate(zip((first, second), synapses.arrays, synapses.shapes, strict=True)):
        nu = law.exponents(array.n, drift._layer_seed(config.seed, number))
        g = [(LOW + (HIGH - LOW) * r) * 1e4 ** -float(own) for r, own in zip(array.r, nu, strict=True)]
        c = run.learner.recipe.scales[number] / (HIGH - LOW)
        for k in range(shape[0] * shape[1]):
            wanted = g[2 * k] - g[2 * k + 1] if reference is None else g[k] - 2e-5  # a reference does not age
            assert w[k // shape[1], k % shape[1]] == pytest.approx(c * wanted, rel=1e-5, abs=1e-6)


def test_a_common_drift_is_a_gain_of_pairs(conducting: DeviceCard, tiny: Dataset) -> None:
    run = Run(conducting, SMALL, tiny)
    run.learn(0)
    assert run.synapses is not None
    kept = run.synapses.read(0.0)
    aged = run.synapses.read(0.0, 0.0, drift.drift_change(WINDOW, Drift(0.1, 0.0), 1024.0, 0))
    for before, after in zip(kept, aged, strict=True):
        np.testing.assert_allclose(after, before * 0.5, atol=1e-6)


def test_wires_see_the_aged_conductances(conducting: DeviceCard, tiny: Dataset) -> None:
    config = replace(SMALL, wire_ohm=30.0, **DRIFT)
    run = Run(conducting, config, tiny)
    run.learn(0)
    synapses = run.synapses
    assert synapses is not None
    change = drift.configured_change(WINDOW, config)
    assert change is not None
    aged = synapses.read(0.0, 0.0, change)
    for number, (w, array, shape) in enumerate(zip(aged, synapses.arrays, synapses.shapes, strict=True)):
        g = LOW + (HIGH - LOW) * change(number, array.r).reshape(shape[0], -1)
        seen = effective_conductance(g, Wires(30.0))
        assert (seen / g).min() < 0.95
        wanted = (seen[:, ::2] - seen[:, 1::2]) * g.sum() / seen.sum() / (HIGH - LOW)
        np.testing.assert_allclose(w[: shape[0], : shape[1]], run.learner.recipe.scales[number] * wanted, atol=2e-6)


@pytest.mark.slow
def test_converters_of_each_line_see_the_aged_conductances(conducting: DeviceCard, tiny: Dataset) -> None:
    lines = replace(SMALL, adc_bits=12, adc_lines="each", time_s=1e12, drift_nu=0.0, drift_nu_sd=0.3)
    young, old = (Run(conducting, each, tiny) for each in (replace(lines, time_s=0.0), lines))
    assert young.learn(0) == old.learn(0)
    assert young.test(0) != old.test(0)


def test_states_below_the_window_are_not_clipped() -> None:
    """At the low end half of the conductance is lost: from 1e-5 to 5e-6, a quarter of the span below it."""
    change = drift.drift_change(WINDOW, Drift(0.1, 0.0), 1024.0, 0)
    np.testing.assert_allclose(change(0, np.array([0.0, 1.0])), [-0.25, 0.25], atol=1e-12)


def test_draws_differ_and_layers_too() -> None:
    law = Drift(0.02, 0.01)
    r = np.full(50, 0.5)
    first = drift.drift_change(WINDOW, law, 100.0, 0)
    np.testing.assert_array_equal(first(0, r), drift.drift_change(WINDOW, law, 100.0, 0)(0, r))
    others = (
        first(1, r),
        drift.drift_change(WINDOW, law, 100.0, 0, 1)(0, r),
        drift.drift_change(WINDOW, law, 100.0, 1)(0, r),
    )
    assert all((first(0, r) != other).all() for other in others)
    found = drift.scatter_change(0.1, 0)(0, np.full(20_000, 0.5))
    assert found.std() == pytest.approx(0.1, rel=0.03)
    assert set(np.round(drift.telegraph_change(Telegraph(0.1, 1.0), 0)(0, r), 12)) == {0.4, 0.6}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"time_s": 10.0}, "drift_nu"),
        ({"time_s": 0.5, "drift_nu": 0.1}, "drift_t0_s"),
        ({"drift_t0_s": 0.0}, "above 0"),
        ({"drift_nu": 2.0}, "drift_nu must be"),
        ({"drift_nu_sd": -0.1}, "drift_nu_sd must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(conducting: DeviceCard, tiny: Dataset, changes: dict, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Run(conducting, replace(SMALL, **changes), tiny)


def test_drift_needs_conductances(card: DeviceCard, tiny: Dataset) -> None:
    with pytest.raises(UsageError, match="weights, not conductances"):
        Run(card, replace(SMALL, **DRIFT), tiny)
    with pytest.raises(UsageError, match="float weights"):
        Run(None, replace(SMALL, scheme="offline", **DRIFT), tiny)
    with pytest.raises(UsageError, match="weights, not conductances"):
        accuracy_over_time(card, SMALL, tiny, [1e2], law=Drift(0.1, 0.1))


def test_accuracy_over_time(conducting: DeviceCard, tiny: Dataset) -> None:
    config = replace(SMALL, drift_nu=0.01, drift_nu_sd=0.4)
    found = accuracy_over_time(conducting, config, tiny, [1e8, 1e1], draws=3)
    assert [row.time_s for row in found.rows] == [1e1, 1e8]
    assert found.accuracy == train(conducting, SMALL, tiny).epochs[-1].test_accuracy
    single = train(conducting, replace(config, time_s=1e8), tiny).epochs[-1].test_accuracy  # the first of the draws
    assert found.rows[1].lowest <= single <= found.rows[1].highest
    assert found.rows[1].beyond == 0.0
    assert found.as_dict() == accuracy_over_time(conducting, config, tiny, [1e1, 1e8], draws=3).as_dict()
    panel = found.panel()
    np.testing.assert_array_equal(panel.curves[1].x, [1e1, 1e8])
    np.testing.assert_allclose(panel.curves[1].y, [100 * row.mean for row in found.rows])
    assert {row.predicted for row in found.rows} == {None}  # a curve of another network
    assert "over 3 draws" in " ".join(found.sentences())
    for wrong in ({"draws": 1}, {"times": []}):
        with pytest.raises(UsageError, match="2 draws"):
            accuracy_over_time(conducting, config, tiny, **{"times": [1e1], **wrong})  # type: ignore[arg-type]


def test_the_law_is_the_settings_or_the_card_s(conducting: DeviceCard, tiny: Dataset) -> None:
    with pytest.raises(UsageError, match="devicekit card add"):
        accuracy_over_time(conducting, SMALL, tiny, [1e2])
    facts = {"device_id": "d", "n": 25, "first_s": 1.0, "g_1s": 1e-5, "noise": 0.01}
    states = tuple(
        RetentionState(level=str(nu), nu=nu, nu_interval=(nu - 1e-5, nu + 1e-5), last_s=500.0, **facts)  # type: ignore[arg-type]
        for nu in (0.01, 0.03)
    )
    drifting = conducting.with_blocks({"retention": Retention(source="made", states=states)})
    found = accuracy_over_time(drifting, SMALL, tiny, [1e2], draws=2)
    assert found.law.nu_sd == pytest.approx(0.02 / 2**0.5, rel=1e-3)
    assert found.rows[0].beyond == pytest.approx(0.2)
    with pytest.raises(UsageError, match=r"the data span 2\.7 decades"):
        accuracy_over_time(drifting, SMALL, tiny, [1e2, 501.0], draws=2)


def test_the_curve_is_interpolated_and_not_left() -> None:
    # sqrt(2) s sqrt(0.75 / 0.2^2 + 0.25 / 0.1^2) = s sqrt(87.5)
    unit = 87.5**-0.5
    assert noise_to_signal(unit, None, CURVE) == pytest.approx(1.0)
    assert noise_to_signal(0.1, (0.1, 0.1), CURVE) == pytest.approx(2**0.5)
    assert predicted_loss(0.0, curve=CURVE) == (0.0, 0.0)
    assert predicted_loss(unit, curve=CURVE) == pytest.approx((0.1, 0.01))
    assert predicted_loss(1.5 * unit, curve=CURVE) == pytest.approx((0.2, 0.03))
    with pytest.raises(UsageError, match="measured curve"):
        predicted_loss(2.001 * unit, curve=CURVE)
    assert predicted_loss(unit, gain=0.3, curve=CURVE).mean == pytest.approx(0.1)
    with pytest.raises(UsageError, match="common gain"):
        predicted_loss(unit, gain=0.29, curve=CURVE)


def test_the_shipped_curve_describes_itself() -> None:
    curve = shipped()
    assert "SYNTHETIC" in curve["what"]
    assert "3823/1797" in curve["data"]
    noise, loss = np.array(curve["noise"]), np.array(curve["loss"])
    assert (np.diff(noise) > 0).all()
    assert (np.diff(loss) > -0.002).all()
    assert len(noise) == len(loss) == len(curve["sd"]) == len(curve["sigma_r"])
    np.testing.assert_allclose([noise_to_signal(s) for s in curve["sigma_r"]], noise, atol=1e-5)


def test_pairs_only(conducting: DeviceCard, tiny: Dataset) -> None:
    run = Run(conducting, replace(SMALL, mapping="reference"), tiny)
    assert run.synapses is not None
    with pytest.raises(UsageError, match="pairs of devices"):
        pair_spread(run.synapses)
    found = accuracy_over_time(conducting, replace(SMALL, mapping="reference"), tiny, [10.0], 2, Drift(0.1, 0.1))
    assert (found.spread, found.rows[0].predicted) == (None, None)


def test_the_curve_s_own_network_gets_a_prediction(conducting: DeviceCard) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 64)), np.arange(20) % 10
    data = Dataset("made", "none", x, y, x, y)
    config = replace(SMALL, hidden=1000, epochs=1, scheme="offline", levels=0, program_sigma=0.0)
    law = Drift(0.02, 0.001)
    found = accuracy_over_time(conducting, config, data, [1e2, 1e11], draws=2, law=law)
    row = found.rows[0]
    expected = predicted_loss(row.sigma_r, found.spread, gain=row.gain)
    assert row.predicted == pytest.approx(found.accuracy - expected.mean)
    rough = accuracy_over_time(conducting, replace(config, program_sigma=0.05), data, [1e2], draws=2, law=law)
    both = predicted_loss(np.hypot(rough.rows[0].sigma_r, 0.05), rough.spread).mean
    already = predicted_loss(0.05, rough.spread).mean
    assert rough.rows[0].predicted == pytest.approx(rough.accuracy - both + already)
    noisy = accuracy_over_time(conducting, replace(config, telegraph=0.01), data, [1e2], draws=2, law=law)
    assert noisy.rows[0].predicted is None
    gone = accuracy_over_time(conducting, config, data, [1e11], draws=2, law=Drift(0.1, 0.001))
    assert gone.rows[0].gain < 0.3
    assert gone.rows[0].predicted is None


@pytest.mark.heavy
@pytest.mark.parametrize("scheme", ["offline", "insitu"])
def test_one_number_predicts_the_loss(optdigits: Dataset, scheme: str) -> None:
    """20 random drifts on networks that the curve was not measured on: 18 within 2 sd over 12 draws; about a minute."""
    path = Path(__file__).parents[3] / "benchmarks" / "ageing_table.py"
    spec = importlib.util.spec_from_file_location("ageing_table", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    hits, worst = script.check(load_card(get("pt-hfo2-al2o3-ti").card), scheme, optdigits, 20, seed=2)
    assert hits >= 18
    assert worst < 0.02


@pytest.mark.parametrize(
    ("tau_s", "samples", "regime"),
    [
        (0.0, 100, "held"),
        (0.5e-3, 100, "fresh"),  # 1/50 of 50 ms is 1 ms
        (1.1e-3, 100, "held"),
        (4.9, 100, "held"),  # a test of 100 takes 5 s
        (5.1, 100, "static"),
        (5.1, None, "held"),  # in training nothing is static
    ],
)
def test_telegraph_noise_is_drawn_by_its_dwell_time(tau_s: float, samples: int | None, regime: str) -> None:
    from snn.drift import telegraph_regime

    assert telegraph_regime(TrainingConfig(telegraph=0.1, telegraph_tau_s=tau_s), samples) == regime


def test_static_levels_are_the_same_through_a_test_and_held_ones_are_not(card, small_digits) -> None:
    """Of a static level every presentation reads the same weights: two looks at one image agree."""
    run = Run(card, TrainingConfig(epochs=1, hidden=64, telegraph=0.2, telegraph_tau_s=1e6), small_digits)
    assert run.learner.noise(100).held_hidden == 0
    assert run.learner.noise().held_hidden > 0  # in training
    run.learn(0)
    static_ = [run.test(0) for _ in range(2)]
    assert static_[0] == static_[1]
    fresh = Run(card, TrainingConfig(epochs=1, hidden=64, telegraph=0.2, telegraph_tau_s=1e-4), small_digits)
    pair = 0.2 * 2**0.5 * fresh.recipe.scales[0]
    assert fresh.learner.noise(100).hidden == pytest.approx(pair, rel=1e-6)
    with pytest.raises(UsageError, match="telegraph_tau_s"):
        TrainingConfig(telegraph_tau_s=1.0)


def test_levels_that_stay_are_added_to_what_another_change_leaves() -> None:
    """States halved by time and then 0.1 up or down, as often as those that time leaves alone."""
    config, r = TrainingConfig(telegraph=0.1, telegraph_tau_s=1e6), np.linspace(0.2, 0.8, 40)
    alone = drift.add_static_telegraph(config, None)(1, r) - r
    np.testing.assert_allclose(np.abs(alone), 0.1)
    np.testing.assert_allclose(
        drift.add_static_telegraph(config, lambda layer, states: states / 2)(1, r), r / 2 + alone
    )
