"""Wires and converters in a network: what is read, what training sees, and that off means bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.device.wires import Method, Wires, effective_conductance
from snn.config import TrainingConfig
from snn.network.converters import converter
from snn.training import Run, train

QUICK = TrainingConfig(epochs=1, hidden=64)


@pytest.fixture
def card(card):
    """The card made by hand, its window in siemens."""
    return card.model_copy(update={"window": Window(quantity="conductance_s", low=5e-5, high=2.5e-4, scope="made")})


def weights_by_hand(run: Run, layer: int, effective: np.ndarray, made_up: float) -> np.ndarray:
    """c (I+ - I-) / span of each synapse, from effective conductances and one gain."""
    card, synapses = run.card, run.synapses
    assert card is not None
    assert synapses is not None
    pairs = made_up * effective.reshape(*synapses.shapes[layer], 2) / card.window.span
    return synapses.layers[layer].scale * (pairs[..., 0] - pairs[..., 1])


def test_a_test_reads_what_the_exact_network_lets_through(card, small_digits) -> None:
    run = Run(card, replace(QUICK, wire_ohm=2.0, terminal_ohm=10.0, tile=(40, 50)), small_digits)
    assert run.synapses is not None
    read = run.synapses.read(0.0)
    for layer, (array, shape) in enumerate(zip(run.synapses.arrays, run.synapses.shapes, strict=True)):
        g = card.window.from_state(array.r).reshape(shape[0], -1)
        effective = effective_conductance(g, Wires(2.0, 10.0, (40, 50)))
        expected = weights_by_hand(run, layer, effective, g.sum() / effective.sum())
        assert read[layer][: shape[0], : shape[1]] == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert not read[layer][shape[0] :].any()


@pytest.mark.parametrize("way", ["separable", "exact"])
def test_training_sees_gains_made_anew_at_each_epoch(card, small_digits, way: Method) -> None:
    run = Run(card, replace(QUICK, wire_ohm=2.0, wire_gains=way), small_digits)
    assert run.synapses is not None
    layer, array, shape = run.synapses.layers[0], run.synapses.arrays[0], run.synapses.shapes[0]

    def expected(made_up: float) -> np.ndarray:
        g = card.window.from_state(array.r).reshape(shape[0], -1)
        return weights_by_hand(run, 0, effective_conductance(g, Wires(2.0), way), made_up)

    g = card.window.from_state(array.r).reshape(shape[0], -1)
    made_up = g.sum() / effective_conductance(g, Wires(2.0), way).sum()
    assert layer.w[: shape[0], : shape[1]] == pytest.approx(expected(made_up), rel=1e-5, abs=1e-6)
    run.learn(0)
    moved = layer.w[: shape[0], : shape[1]].copy()
    kept = layer.scale * (lambda a: a[..., 0] - a[..., 1])((layer.gain * (array.r + layer.base)).reshape(*shape, 2))
    assert moved == pytest.approx(kept, rel=1e-5, abs=1e-6)  # pulses used the gains of the start
    run.synapses.rewire()
    assert layer.w[: shape[0], : shape[1]] == pytest.approx(expected(made_up), rel=1e-5, abs=1e-6)


def test_wires_of_no_resistance_to_speak_of_change_nothing_to_speak_of(card, small_digits) -> None:
    plain, wired = (Run(card, replace(QUICK, wire_ohm=ohm), small_digits) for ohm in (0.0, 1e-9))
    assert plain.synapses is not None
    assert wired.synapses is not None
    for one, other in zip(plain.synapses.read(0.0), wired.synapses.read(0.0), strict=True):
        assert other == pytest.approx(one, abs=1e-5)


def test_without_wires_a_layer_has_no_gains(card, small_digits) -> None:
    run = Run(card, QUICK, small_digits)
    assert run.synapses is not None
    assert run.synapses.wiring is None
    assert all(layer.gain.size == 0 for layer in run.synapses.layers)
    assert run.synapses.read(0.0)[0] is run.synapses.layers[0].w


def test_a_reference_is_subtracted_without_wires(card, small_digits) -> None:
    run = Run(card, replace(QUICK, mapping="reference", wire_ohm=1.0), small_digits)
    assert run.synapses is not None
    layer, array, shape = run.synapses.layers[1], run.synapses.arrays[1], run.synapses.shapes[1]
    g = card.window.from_state(array.r).reshape(shape)
    effective = effective_conductance(g, Wires(1.0))
    seen = g.sum() / effective.sum() * effective / card.window.span
    base = card.window.low / card.window.span
    expected = layer.scale * (seen - (layer.reference + base))
    assert run.synapses.read(0.0)[1][: shape[0], : shape[1]] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_gain_of_each_bit_line_gives_the_sum_of_its_weights_back(card, small_digits) -> None:
    """With one tile: all inputs on, each hidden unit gets what it would get without wires."""
    wired, ideal = (
        Run(card, replace(QUICK, **changes), small_digits).synapses
        for changes in ({"wire_ohm": 20.0, "column_gain": True}, {})
    )
    assert wired is not None
    assert ideal is not None
    for seen, wanted in zip(wired.read(0.0), ideal.read(0.0), strict=True):
        assert seen.sum(axis=0) == pytest.approx(wanted.sum(axis=0), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("lines", ["difference", "each"])
def test_many_bits_give_what_no_converter_gives(card, small_digits, lines: str) -> None:
    run = Run(card, replace(QUICK, levels=0, program_sigma=0.0), small_digits)
    run.learn(0)
    plain = run.test(0)
    run.learner.config = replace(run.config, adc_bits=24, adc_quantile=1.0, adc_lines=lines)
    assert run.test(0) == pytest.approx(plain, abs=0.011)  # sums in another order may turn a tie


@pytest.mark.slow
def test_few_bits_cost_and_the_same_seed_gives_the_same(card, small_digits) -> None:
    run = Run(card, QUICK, small_digits)
    run.learn(0)
    plain = run.test(0)
    run.learner.config = replace(run.config, adc_bits=2, adc_quantile=1.0)
    coarse = run.test(0)
    assert coarse < plain - 0.2
    assert run.test(0) == coarse


@pytest.mark.parametrize(
    ("bits", "signed", "codes"), [(3, True, (-3, 3)), (3, False, (0, 7)), (8, True, (-127, 127)), (2, True, (-1, 1))]
)
def test_codes_of_a_converter(bits: int, signed: bool, codes: tuple[int, int]) -> None:
    """Zero is a code; the largest current is the largest one."""
    made = converter(16, bits, 0.5, signed)
    assert (made.least, made.most) == codes
    assert made.step * made.most == pytest.approx(0.5, rel=1e-6)
    assert converter(16, 0, 0.5, signed).step == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"wire_ohm": -1.0},
        {"tile": (0, 5)},
        {"column_gain": True},
        {"wire_gains": "exact"},
        {"adc_bits": 1},
        {"adc_bits": 4, "adc_quantile": 1.5},
        {"adc_bits": 4, "adc_lines": "each", "mapping": "reference"},
        {"adc_bits": 4, "telegraph": 0.1},
        {"adc_lines": "both"},
    ],
)
def test_settings_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        TrainingConfig(**bad)  # type: ignore[arg-type]


def test_a_card_of_weights_has_no_ohms(card, small_digits) -> None:
    window = Window(quantity="weight", low=0.0, high=1.0, scope="made")
    weights = card.model_copy(update={"window": window})
    with pytest.raises(UsageError, match="holds weights"):
        train(weights, replace(QUICK, wire_ohm=1.0), small_digits)
    run = Run(weights, replace(QUICK, adc_bits=6, adc_lines="each"), small_digits)
    with pytest.raises(UsageError, match="conductances"):
        run.test(0)
