"""Trained networks in tiles: the files, and the conductances restored by the loaders."""

from __future__ import annotations

import io
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.device.network import Check, NetworkLayer, Neurons, TrainedNetwork
from devicekit.exporters import ExportOptions, export, make

from .conftest import shipped, written
from .test_inference import _Parameters, crosssim


def network(card: DeviceCard) -> TrainedNetwork:
    """3-4-2, the hidden layer of pairs, the output layer against a reference of 0.4 of the window."""
    rng = np.random.default_rng(2)
    window = card.window
    plus, minus = window.low + window.span * rng.random((2, 3, 4))
    plus[0, 0], minus[0, 0] = window.low, window.high
    output = window.low + window.span * rng.random((4, 2))
    reference = np.full((4, 2), window.low + 0.4 * window.span)
    check = Check(np.zeros((1, 5, 3), bool), np.zeros((1, 2), int), np.zeros(1, int), np.zeros(1, int))
    facts = {"data": "d", "split": "s", "n_test": 1, "scheme": "insitu", "seed": 0, "accuracy": 0.5, "basis": "b"}
    layers = (NetworkLayer(plus, minus, 1.5, True), NetworkLayer(output, reference, 0.7, False))
    return TrainedNetwork(card, layers, Neurons(5, 1e-3, 0.9, 0.9, 1.0, 0, 0.5), check, facts)


class _Core:
    """A CrossSim core of one device a weight: w from -1 to 1 is Gmin to Gmax."""

    def __init__(self, matrix: np.ndarray, params: Any) -> None:
        limits = params.core.mapping.weights
        assert (params.core.style, limits.min, limits.max, limits.percentile) == ("offset", -1.0, 1.0, None)
        self.params, self.w = params, matrix
        device = params.xbar.device
        low = device.Rmin / device.Rmax
        held = low + (1.0 - low) * (matrix + 1.0) / 2.0
        halves = np.split(held, [1], axis=1)  # CrossSim may split a matrix over several arrays
        cores = [types.SimpleNamespace(core=types.SimpleNamespace(_read_matrix=lambda g=g: g)) for g in halves]
        self.cores = [cores]

    def matvec(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.w @ x)


class _CoreParameters(_Parameters):
    def __init__(self) -> None:
        super().__init__()
        self.xbar.device.Gmax_norm = 1.0
        self.core = types.SimpleNamespace(mapping=types.SimpleNamespace(weights=types.SimpleNamespace()))


def same(found: tuple[np.ndarray, np.ndarray], layer: NetworkLayer, span: float, within: float) -> None:
    for own, wanted in zip(found, (layer.plus, layer.minus), strict=True):
        assert own.shape == wanted.shape
        assert np.abs(own - wanted).max() <= within * span


def test_crosssims_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = network(shipped())
    folder = written(make(given.card, "crosssim", ExportOptions(network=given)), tmp_path)
    (module,) = folder.glob("*_crosssim3.py")
    more = {"AnalogCore": _Core, "CrossSimParameters": _CoreParameters}
    scope = crosssim(monkeypatch, module.read_text(), 0.0, **more)
    layers = scope["layers"](folder / f"{module.stem}_network.npz")
    x = np.array([1.0, -0.5, 2.0])
    for layer, wanted in zip(layers, given.layers, strict=True):
        same(layer.conductances(), wanted, given.card.window.span, 1e-12)
    hidden, output = given.weights()
    np.testing.assert_allclose(layers[0](x), x @ hidden, rtol=1e-12)
    np.testing.assert_allclose(layers[1](x @ hidden), x @ hidden @ output, rtol=1e-12)
    assert not any(
        getattr(scope["ideal_parameters"]().xbar.device, name).enable for name in ("read_noise", "drift_error")
    )


class _Tensor:
    """The part of a tensor that the loader uses."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def numpy(self) -> np.ndarray:
        return self.values


class _Linear:
    def __init__(self, inputs: int, outputs: int, bias: bool, rpu_config: Any) -> None:
        assert not bias
        self.shape, self.config = (outputs, inputs), rpu_config

    def set_weights(self, w: _Tensor) -> None:
        assert w.values.shape == self.shape
        assert w.values.dtype == np.float32
        self.w = w

    def get_weights(self) -> tuple[_Tensor, None]:
        return self.w, None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x @ self.w.values.T.astype(float))


class _Sums(np.ndarray):
    def sum(self, axis: int = -1, keepdim: bool = False) -> np.ndarray:  # type: ignore[override]
        return np.asarray(np.asarray(self).sum(axis, keepdims=keepdim))


def test_aihwkits_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = network(shipped())
    folder = written(make(given.card, "aihwkit", ExportOptions(network=given)), tmp_path)
    (module,) = folder.glob("*_network.py")
    window, stem = given.card.window, module.stem.removesuffix("_network")
    names = {
        "torch": {"nn": types.SimpleNamespace(Module=object), "from_numpy": _Tensor, "Tensor": object},
        "aihwkit": {},
        "aihwkit.nn": {"AnalogLinear": _Linear},
        f"{stem}_preset": {"WINDOW": (window.low, window.high), "PtHfo2Al2o3TiPreset": lambda: "preset"},
    }
    for name, content in names.items():
        made = types.ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)
    scope: dict[str, Any] = {"__name__": "written", "__file__": str(module)}
    exec(compile(module.read_text(), str(module), "exec"), scope)
    layers = scope["layers"]()
    for layer, wanted in zip(layers, given.layers, strict=True):
        same(layer.conductances(), wanted, window.span, 1e-7)
    assert layers[0].plus.config == "preset"
    assert layers[1].minus is None  # a reference is no device
    x = np.array([[1.0, -0.5, 2.0], [0.0, 1.0, 0.0]]).view(_Sums)
    hidden, output = given.weights()
    np.testing.assert_allclose(layers[0].forward(x), np.asarray(x) @ hidden, atol=1e-6)
    y = (np.asarray(x) @ hidden).view(_Sums)
    np.testing.assert_allclose(layers[1].forward(y), np.asarray(y) @ output, atol=1e-6)


@pytest.mark.parametrize("target", ["aihwkit", "crosssim"])
def test_what_is_written_is_w_of_the_window(target: str) -> None:
    given = network(shipped())
    options = ExportOptions(network=given)
    first, again = (make(given.card, target, options) for _ in range(2))
    assert dict(first.files) == dict(again.files)
    (held,) = (content for name, content in first.files.items() if name.endswith("_network.npz"))
    with np.load(io.BytesIO(held)) as arrays:
        assert arrays["hidden_plus"][0, 0] == -1.0
        assert arrays["hidden_minus"][0, 0] == 1.0
        window = given.card.window
        wanted = 2.0 * (given.layers[1].plus - window.low) / window.span - 1.0
        np.testing.assert_allclose(arrays["output_plus"], wanted, atol=1e-15)
        np.testing.assert_allclose(arrays["output_minus"], -0.2, atol=1e-12)
    text = " ".join(" ".join(first.files["README.txt"].decode().split()).split("- "))
    assert re.search(r"Hidden .* 3 x 4 .* two .* 4 x 2 .* one device", text)


@pytest.mark.parametrize("target", ["aihwkit", "crosssim", "pytorch", "brian2"])
def test_a_conductance_outside_the_window_is_refused(target: str, tmp_path: Path) -> None:
    given = network(shipped())
    window, first = given.card.window, given.layers[0]
    for over, refused in ((5e-10, False), (2e-9, True)):
        plus = first.plus.copy()
        plus[1, 1] = window.high + over * window.span
        changed = replace(given, layers=(replace(first, plus=plus), given.layers[1]))
        if refused:
            with pytest.raises(UsageError, match=r"hidden layer .* outside the window"):
                export(changed, target, tmp_path / "out")
            assert not (tmp_path / "out").exists()
        else:
            make(given.card, target, ExportOptions(network=changed))


@pytest.mark.parametrize("target", ["neurosim", "spice", "veriloga"])
def test_a_target_without_networks_names_those_with_them(target: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"^{target} .*\(aihwkit, brian2"):
        export(network(shipped()), target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_network_is_not_lost_without_a_word() -> None:
    """CrossSim's devices conduct: where the window goes below 0 there is no class for them, and no place for cores."""
    window = Window(quantity="conductance_s", low=-1e-6, high=1e-4, scope="truth")
    given = network(shipped().model_copy(update={"window": window}))
    assert "dG_increasing.txt" in make(given.card, "crosssim", ExportOptions()).files
    with pytest.raises(UsageError, match=r"crosssim .* below 0 S"):
        make(given.card, "crosssim", ExportOptions(network=given))


def test_weights_and_log_windows_go_too(weights: DeviceCard) -> None:
    """A tile counts in what the window counts in, whatever the state is linear in."""
    given = network(weights)
    made = make(weights, "aihwkit", ExportOptions(network=given))
    with np.load(io.BytesIO(made.files["weights_network.npz"])) as arrays:
        np.testing.assert_allclose(arrays["hidden_plus"], given.layers[0].plus, atol=1e-15)  # -1 to 1 as they are
    made = make(weights, "crosssim", ExportOptions(network=given, window=(1e-6, 1e-4)))
    assert "weights_crosssim3_network.npz" in made.files
    window = Window(quantity="conductance_s", low=1e-6, high=1e-4, scope="truth", scale="log")
    log = network(shipped().model_copy(update={"window": window}))
    made = make(log.card, "aihwkit", ExportOptions(network=log))
    with np.load(io.BytesIO(made.files["pt_hfo2_al2o3_ti_network.npz"])) as arrays:
        wanted = (2.0 * log.layers[0].plus - 1.01e-4) / 9.9e-5
        np.testing.assert_allclose(arrays["hidden_plus"], wanted, atol=1e-12)
