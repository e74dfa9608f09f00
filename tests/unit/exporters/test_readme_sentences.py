"""Sentences of exports: D2D along trains, errors on the terminal, and lines for NIR."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Sigma, Window
from devicekit.device.card import DeviceCard
from devicekit.device.measured import DeadDevices
from devicekit.exporters import ExportOptions, compact, make, pulsed
from devicekit.exporters.base import mark_of
from devicekit.exporters.targets import aihwkit
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, shipped
from .small_network import small_network
from .test_aihwkit_noise import collapsing


def _tiny() -> DeviceCard:
    """Return a card of 1 to 20 nS whose first LTP step is too large for 63 nodes."""
    window = Window(quantity="conductance_s", low=1e-9, high=2e-8, scope="truth")
    return collapsing(40.0).model_copy(update={"window": window})


def test_the_sentence_about_the_mean_error_is_whole_on_the_terminal(
    tmp_path: Path, devicekit: Callable[..., Any]
) -> None:
    _tiny().save(tmp_path / "card.json")
    ran = devicekit("export", tmp_path / "card.json", "--to", "aihwkit", "--no-noise", "--out", tmp_path / "out")
    assert re.search(r"COARSE: .* more than 0\.001 \(.*GPU\)\.", " ".join(ran.out.split()))


def test_sentences_on_the_terminal_are_whole() -> None:
    from devicekit.cli.export import LONGEST, _brief

    text = "First of some length, which says a figure of 1.5e-2. Second sentence of much the same length as the first."
    assert _brief(text) == text
    first = text.partition(". ")[0]
    assert _brief(f"{text} {text}") == f"{text} {first}. ..."
    assert _brief("word " * 99).endswith("word ...")
    assert len(_brief("word " * 99)) <= LONGEST
    assert _brief("Model. " + "word " * 99).startswith("Model. word word")


@pytest.mark.parametrize("mode", ["resample", "shared"])
def test_d2d_of_the_card_along_trains_is_that_of_an_array(mode: str) -> None:
    array = DeviceArray(shipped(), pulsed.DEVICES, seed=9, c2c="none", d2d=mode)  # type: ignore[arg-type]
    found = pulsed.array_path(shipped(), mode)  # type: ignore[arg-type]
    for sign, pulses, k in ((1, 10, 0), (1, 40, 1), (-1, 0, None), (1, 50, 2), (-1, 10, 3)):
        for _ in range(pulses):
            array.pulse(sign)
        if k is not None:
            assert found[k] == pytest.approx(array.r.std(), rel=0.06)


def test_the_readme_of_aihwkit_has_a_figure_for_d2d_along_trains() -> None:
    steps = aihwkit.with_noise(shipped(), aihwkit.piecewise_step(shipped(), 33))
    sentence, figures = aihwkit._device_scatters(shipped(), steps)
    assert sentence.startswith("D2D along trains")
    assert set(figures) == {f"device_sd_{name}" for name in ("PtHfo2Al2o3TiPreset", "resample", "shared")}
    for name, each in figures.items():
        assert len(each) == 6
        assert f"{100 * each[1]:.2g}" in sentence
        assert each[1] == pytest.approx(figures["device_sd_shared"][1], rel=0.1), name
    assert "d2d='resample': 1.3, 3.4, 1.3" in sentence


def test_without_measured_devices_the_default_d2d_is_zero() -> None:
    card = truth_card(LAWS["linear"], model="linear", increment=0.0, ln_rate_sd=0.1)
    steps = aihwkit.with_noise(card, aihwkit.piecewise_step(card, 33))
    sentence, figures = aihwkit._device_scatters(card, steps)
    assert "d2d='resample': 0, because" in sentence
    assert figures["device_sd_TruthPreset"][0] == pytest.approx(figures["device_sd_shared"][0], rel=0.05)
    result = make(card, "aihwkit", ExportOptions())
    assert sentence in result.approximated
    assert any(line.startswith("D2D:") and "d2d='shared'" in line for line in result.approximated)
    assert "d2d='shared'" in compact.noise_sentence(card)


def test_steps_of_a_nir_graph_are_taken_without_gradients() -> None:
    pytest.importorskip("nir", reason="nir is not installed: the lines for NIR are NOT tested here")
    card = shipped()
    use = make(card, "nir", ExportOptions(network=small_network(card))).use
    body = ast.parse("\n".join(use)).body
    (block,) = (node for node in body if isinstance(node, ast.With))
    assert ast.unparse(block.items[0]) == "torch.no_grad()"
    assert any(isinstance(node, ast.Call) and ast.unparse(node.func) == "model" for node in ast.walk(block))
    outside = [node for node in body if node is not block]
    assert not any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "model" for each in outside for node in ast.walk(each)
    )


def test_a_synthetic_block_of_a_measured_device_is_marked_in_every_file() -> None:
    card = shipped()
    origin = card.provenance.model_copy(update={"synthetic": False})
    dead = DeadDevices(source="made", synthetic=True, names=("a",), devices=10, states=(0.2,))
    mixed = card.model_copy(update={"provenance": origin, "dead": dead})
    assert mark_of(mixed).startswith("SYNTHETIC: ")
    assert mark_of(mixed).endswith(" (dead)")
    assert mark_of(mixed.model_copy(update={"dead": dead.model_copy(update={"synthetic": False})})) == ""
    for target in ("hdf5", "spice", "pytorch"):
        made = make(mixed, target, ExportOptions())
        assert all(b"SYNTHETIC" in content for content in made.files.values())
        assert any(line.startswith("LEFT OUT: devices") for line in made.approximated) == (target != "hdf5")


def test_parts_of_a_card_missing_in_a_target_are_reported() -> None:
    card = shipped()
    ltp = card.variation.ltp.model_copy(
        update={
            "c2c": {**card.variation.ltp.c2c, "held": Sigma(kind="held", value=0.04, estimator="made")},
            "held_memory": 0.5,
            "tilt": -0.3,
        }
    )
    windows = tuple(row.model_copy(update={"low": 0.01 * k, "high": 1.0}) for k, row in enumerate(card.devices))
    varied = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": ltp}), "devices": windows})
    left_out = [line for line in make(varied, "spice", ExportOptions()).approximated if line.startswith("LEFT OUT")]
    assert len(left_out) == 3
    assert any("fluctuation" in line and "sd 4.00%" in line for line in left_out)
    reads = card.variation.ltp.model_copy(update={"read_tilt": 0.4})
    only_reads = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": reads})})
    (line,) = [each for each in make(only_reads, "spice", ExportOptions()).approximated if "LEFT OUT" in each]
    assert "noise" in line
    plain = make(card, "spice", ExportOptions()).approximated
    assert not any("LEFT OUT" in line for line in plain)
    whole = make(varied, "hdf5", ExportOptions()).approximated
    assert not any("LEFT OUT" in line for line in whole)
