"""Layers of a PyTorch network: their seeds, first weights and devices, and what is refused; torch is a stand-in here.

`test_pytorch.py` runs the same file in torch, where there is one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.synthetic.pulses import truth_card

from . import torch_standin
from .conftest import LAWS, exported, shipped, soft
from .small_network import little


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in in the place of torch."""
    return torch_standin.put_in_place(monkeypatch)


def module_of(card: DeviceCard, folder: Path, **options: Any) -> SimpleNamespace:
    (path,) = exported(card, "pytorch", folder, **options).glob("*_pytorch.py")
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    (layer,) = (value for key, value in names.items() if key.endswith("Synapses"))
    return SimpleNamespace(**names, Layer=layer)


def test_layers_have_different_seeds_and_one_seed_fixes_all(tmp_path: Path, torch: Any) -> None:
    layer = module_of(shipped(), tmp_path).Layer

    def network(seed: int) -> list[Any]:
        torch.manual_seed(seed)
        made = [layer(6, 5), layer(6, 5)]
        for each in made:
            each.pulse(3)
        return made

    (one, two), (same_one, same_two), (other, _) = network(1), network(1), network(2)
    for name in ("row", "r"):  # devices; first weights and noise
        assert not np.array_equal(getattr(one, name), getattr(two, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(getattr(one, name), getattr(same_one, name))
        np.testing.assert_array_equal(getattr(two, name), getattr(same_two, name))
    np.testing.assert_array_equal(layer(6, 5, seed=7).row, layer(6, 5, seed=7).row)


@pytest.mark.parametrize("seed", [None, 3])
def test_layers_of_a_trained_network_differ_in_noise(seed: int | None, tmp_path: Path, torch: Any) -> None:
    network = little()
    module = module_of(network.card, tmp_path, network=network)
    built, again = (module.TruthNetwork(**({} if seed is None else {"seed": seed})) for _ in range(2))
    assert built.hidden.stream[0] != built.output.stream[0]
    assert (built.hidden.stream[0], built.output.stream[0]) == (again.hidden.stream[0], again.output.stream[0])
    assert built.hidden.stream[0] != module.TruthNetwork(seed=8).hidden.stream[0]
    np.testing.assert_allclose(built.output.conductances()[..., 1], network.layers[1].minus, rtol=1e-12)


def test_the_lines_of_the_readme_make_a_layer_that_can_learn(
    tmp_path: Path, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With W = 0 in every layer all gradients of a network are 0."""
    use = make(shipped(), "pytorch", ExportOptions()).use
    exported(shipped(), "pytorch", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pt_hfo2_al2o3_ti_pytorch", raising=False)
    names: dict[str, Any] = {}
    exec("\n".join(use), names)
    sys.modules.pop("pt_hfo2_al2o3_ti_pytorch")
    weight = names["layer"].weight()
    assert (weight != 0).all()
    assert np.abs(weight).max() == pytest.approx(1 / 8, rel=0.02)  # 1 / sqrt(64), as torch.nn.Linear
    assert weight.mean() == pytest.approx(0, abs=0.01)
    assert any("layer.program(W)" in line and "reset_parameters()" in line for line in use)


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({"pairs": False, "middle": 0.25}, -0.25, 0.5),
        ({"pairs": False, "middle": 0.0}, 0.0, 0.5),
        ({"scale": 0.125}, -0.125, 0.125),
    ],
)
def test_first_weights_are_within_reach(
    options: dict[str, Any], low: float, high: float, tmp_path: Path, torch: Any
) -> None:
    weight = module_of(soft(), tmp_path).Layer(4, 500, seed=1, **options).weight()
    assert weight.min() == pytest.approx(low, abs=0.005)
    assert weight.max() == pytest.approx(high, abs=0.005)
    still = module_of(soft(), tmp_path).Layer(4, 500, start="middle", **options)
    assert (still.weight() == 0).all()
    with pytest.raises(ValueError, match=r"^start is"):
        module_of(soft(), tmp_path).Layer(4, 5, start="zero")


def _cards() -> dict[str, DeviceCard]:
    return {
        "rows and covariance": shipped(),
        "covariance alone": truth_card(LAWS["linear"], model="linear", ln_rate_sd=0.3),
        "neither": truth_card(LAWS["linear"], model="linear"),
    }


@pytest.mark.parametrize("of", list(_cards()))
@pytest.mark.parametrize("mode", [None, "shared"])
def test_d2d_is_that_of_an_array_by_default_and_by_name(of: str, mode: str | None, tmp_path: Path, torch: Any) -> None:
    card = _cards()[of]
    asked = {} if mode is None else {"d2d": mode}
    array = DeviceArray(card, 4000, seed=3, initial=0.2, c2c="none", **asked)  # type: ignore[arg-type]
    layer = module_of(card, tmp_path).Layer(40, 50, middle=0.2, start="middle", seed=4, c2c=False, **asked)
    layer.pulse(10)
    for _ in range(10):
        array.pulse(1)
    assert layer.r.std() == pytest.approx(array.r.std(), rel=0.05, abs=1e-12)
    if of == "covariance alone":
        assert (layer.r.std() > 0.01) == (mode == "shared")
        assert "no D2D by default" in make(card, "pytorch", ExportOptions()).noise


@pytest.mark.parametrize(("name", "options"), [("AdamW", {}), ("SGD", {"weight_decay": 1e-4})])
def test_weight_decay_that_would_not_reach_w_is_refused(
    name: str, options: dict[str, float], tmp_path: Path, torch: Any
) -> None:
    layer = module_of(soft(), tmp_path).Layer(3, 2, seed=1)
    layer.wish.grad = np.full((3, 2), -1.0)
    with pytest.raises(ValueError, match=rf"weight_decay=.* of {name} would never reach W.*weight_decay=0"):
        getattr(torch.optim, name)([layer.wish], lr=0.1, **options).step()
    assert (layer.wish == 0).all()
    getattr(torch.optim, name)([layer.wish], lr=1.0, weight_decay=0.0).step()
    assert layer.update() > 0
    other = torch.nn.Parameter(np.zeros(2))  # no devices: none of ours
    torch.optim.AdamW([other], lr=0.1).step()


def test_program_reports_the_number_of_clipped_weights(tmp_path: Path, torch: Any) -> None:
    layer = module_of(soft(), tmp_path).Layer(3, 2, scale=0.5, seed=1)
    with pytest.warns(UserWarning, match=r"3 of 6 weights .* -0\.5 to 0\.5.*scale="):
        assert layer.program(torch.tensor([[0.4, 0.6], [-0.7, 0.5], [9.0, -0.5]])) == 3
    np.testing.assert_allclose(layer.weight(), [[0.4, 0.5], [-0.5, 0.5], [0.5, -0.5]], atol=1e-12)
    assert layer.program(torch.zeros(3, 2)) == 0


@pytest.mark.parametrize("stepped", [False, True])
def test_weights_written_into_wish_are_refused(stepped: bool, tmp_path: Path, torch: Any) -> None:
    """As torch.nn.init writes them, before or after a step of an optimizer."""
    layer = module_of(soft(), tmp_path).Layer(30, 20, seed=1)
    before = layer.r.copy()
    layer.wish.copy_(np.random.default_rng(0).uniform(-0.3, 0.3, (30, 20)))
    if stepped:
        layer.wish.grad = np.full((30, 20), 1e-3)
        torch.optim.SGD([layer.wish], lr=0.1).step()
    with pytest.raises(ValueError, match=r"asks for [1-9][0-9]{3} pulses.*program\(\) or reset_parameters\(\)"):
        layer.update()
    np.testing.assert_array_equal(layer.r, before)
    layer.reset_parameters()
    assert layer.update() == 0


def test_large_optimizer_steps_and_explicit_changes_are_accepted(tmp_path: Path, torch: Any) -> None:
    layer = module_of(soft(), tmp_path).Layer(3, 2, seed=1)
    layer.wish.grad = np.full((3, 2), -1.0)
    optimizer = torch.optim.SGD([layer.wish], lr=9.0)
    optimizer.step()
    optimizer.step()  # summed without an update in between
    assert layer.update() == 6 * layer.most
    assert layer.update(torch.tensor(np.full((3, 2), 9.0))) == 6 * layer.most
    layer.wish.copy_(np.full((3, 2), 9.0))
    layer.hook(layer, None)  # as load_state_dict does
    assert layer.update() == 6 * layer.most
