"""Networks of PyTorch on devices: their pulses by hand, and in torch where it is installed."""

from __future__ import annotations

import copy
import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import UsageError
from devicekit.device.ageing import Drift
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.idealise import idealise
from devicekit.models.kernel import MAX_SHAPE
from devicekit.torch.kernels import settle_layer
from snn.config import TrainingConfig
from snn.network.crossbar import Threshold, make_pulse_requests
from snn.network.pulsing import NUMBERS
from snn.recipe import choose
from snn.synapses import Synapses

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: networks on devices are NOT run here"
)
ALIKE: dict[str, Any] = {"c2c": "none", "d2d": "none"}


@pytest.fixture(scope="module")
def linear() -> DeviceCard:
    """A device whose steps are all the same."""
    return idealise(load_card("vcm-trains"), linear=True, symmetric=True)


@pytest.mark.parametrize(
    ("policy", "pulses", "left"), [("carry", (2, -1, 0), (0.5, -0.2, 0.4)), ("reset", (1, -1, 0), (0.0, 0.0, 0.4))]
)
def test_requests_become_pulses_and_the_rest_is_kept(
    linear: DeviceCard, policy: str, pulses: tuple[int, ...], left: tuple[float, ...]
) -> None:
    synapses = Synapses.start(
        linear, TrainingConfig(**ALIKE), choose(TrainingConfig(), linear), [np.zeros((1, 3), np.float32)] * 2
    )
    layer = synapses.layers[1]
    level = layer.scale * choose(TrainingConfig(), linear).device_step  # type: ignore[operator]
    threshold = Threshold(np.float32(level), np.float32(1), NUMBERS[policy], 20, True, False)
    before = layer.w[:1, :3].copy()
    wanted = np.array([[2.5, -1.2, 0.4]], np.float32) * np.float32(level)
    settle_layer(
        layer, wanted, threshold, np.float32(0), np.uint64(1), make_pulse_requests(layer.w.size), np.empty(MAX_SHAPE)
    )
    assert layer.pulses[0] == sum(map(abs, pulses))
    np.testing.assert_allclose((layer.w[:1, :3] - before)[0] / level, pulses, atol=1e-3)
    np.testing.assert_allclose(layer.sums[0, :3] / level, left, atol=1e-3)


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devicekit.system.extras.importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"devicekit\[torch\]"):
        devicekit.torch.convert  # noqa: B018


@pytest.mark.parametrize("to", ["snntorch", "norse", "torch"])
def test_other_programs_lead_to_the_layer_for_pytorch(to: str, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    ran = devicekit("export", "vcm-trains", "--to", to, "--out", str(tmp_path / "out"))
    assert ran.code == 0
    assert ran.err.startswith(f"{to}: ")
    assert [each.name for each in (tmp_path / "out").glob("*.py")] == ["vcm_trains_pytorch.py"]


def test_lava_leads_to_nir_which_needs_a_trained_network(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    ran = devicekit("export", "vcm-trains", "--to", "lava", "--out", str(tmp_path / "out"))
    assert ran.code == 2
    assert "network.npz" in ran.err


def _net(seed: int = 0) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))


def _digits() -> tuple[Any, ...]:
    import torch

    from snn.data.load import load

    data = load("digits")
    x, x_test = (torch.tensor(each, dtype=torch.float32) for each in (data.x_train, data.x_test))
    return x, torch.tensor(data.y_train), x_test, torch.tensor(data.y_test)


def _train(net: Any, optimizer: Any, data: tuple[Any, ...], epochs: int = 4) -> float:
    import torch

    x, y, x_test, y_test = data
    torch.manual_seed(1)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return float((net(x_test).argmax(1) == y_test).float().mean())


@needs_torch
@pytest.mark.slow
def test_digits_are_learnt_on_ideal_and_on_measured_devices(linear: DeviceCard) -> None:
    import torch

    data, base = _digits(), _net()
    plain = copy.deepcopy(base)
    best = _train(plain, torch.optim.Adam(plain.parameters(), lr=0.01), data)
    assert best > 0.95
    found = {}
    for name, card, options in (("ideal", linear, ALIKE), ("measured", "vcm-trains", {})):
        net = devicekit.torch.convert(base, card, seed=0, **options)
        found[name] = _train(net, devicekit.torch.PulseOptimizer(net, torch.optim.Adam, lr=0.01), data)
        used = devicekit.torch.usage(net)
        assert used.pulses == sum(int(each.synapses.arrays[0].pulses.sum()) for each in (net[1], net[4])) > 1000
    assert abs(best - found["ideal"]) < 0.02
    assert 0.85 < found["measured"] < best


@needs_torch
@pytest.mark.slow
def test_copies_and_saved_states_go_on_as_the_network_does() -> None:
    import torch

    data = _digits()
    net = devicekit.torch.convert(_net(), "vcm-trains", seed=3)
    _train(net, devicekit.torch.PulseOptimizer(net, lr=0.05), data, 1)
    other = devicekit.torch.convert(_net(), "vcm-trains", seed=9)
    other.load_state_dict(net.state_dict())
    kinds = [net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), other]
    before = [each(data[2]) for each in kinds]
    assert all(torch.equal(before[0], each) for each in before)
    after = [_train(each, devicekit.torch.PulseOptimizer(each, lr=0.05), data, 1) for each in kinds]
    assert len(set(after)) == 1
    for each in kinds:
        layer = each[4]
        assert np.shares_memory(layer.weight.detach().numpy(), layer.synapses.layers[0].w)


@needs_torch
@pytest.mark.slow
def test_read_noise_and_drift_are_those_of_the_devices(linear: DeviceCard) -> None:
    """The noise of a product is that of weights of two devices each; drift with one exponent scales conductances."""
    import torch

    torch.manual_seed(0)
    layer = devicekit.torch.Linear(
        50, 3, card=linear, seed=1, read_noise_of_g=0.05, bias=False, **ALIKE, read_noise=True
    )
    x = torch.rand(50)
    window = linear.window
    sd = 0.05 * (window.low + window.high) / 2 / window.span * layer.scale * 2**0.5
    with torch.no_grad():
        y = layer(x.expand(4000, 50))
        assert torch.allclose(y.std(0), sd * x.square().sum().sqrt(), rtol=0.06)
        exact = x @ layer.weight.T
        assert torch.allclose(y.mean(0), exact, atol=float(4 * y.std() / 4000**0.5))
        with devicekit.torch.reading(layer, time_s=100.0, drift=Drift(0.1, 0.0)):
            assert torch.allclose(layer(x), exact * 100**-0.1, atol=1e-5)


@needs_torch
@pytest.mark.slow
def test_usage_counts_what_the_devices_count() -> None:
    import torch

    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="clipped"):  # weights up to 1 / 6 ** 0.5
        layer = devicekit.torch.Linear(6, 5, card="vcm-trains", seed=2, programming="verify", scale=0.3)
    before = int(layer.synapses.arrays[0].pulses.sum())
    optimizer = devicekit.torch.PulseOptimizer(layer, lr=0.2)
    for _ in range(5):
        optimizer.zero_grad()
        layer(torch.rand(8, 6)).square().sum().backward()
        optimizer.step()
    (used,), array = devicekit.torch.usage(layer).layers, layer.synapses.arrays[0]
    assert (used.devices, used.scale, used.programming_pulses) == (60, 0.3, before)
    assert before > 0
    assert used.pulses == int(array.pulses.sum()) - before > 0
    assert used.most_pulses == int(array.pulses.max())
    assert used.pulses_per_device == pytest.approx(used.pulses / 60)
    assert used.clipped == layer.clipped > 0
    ends = (array.r <= array.kernel_state.own.low + 1e-6) | (array.r >= array.kernel_state.own.high - 1e-6)
    assert used.at_bounds == pytest.approx(float(ends.mean()))
    assert used.level == pytest.approx(0.3 * choose(layer.config, layer.card).device_step)
    saved = copy.deepcopy(layer.state_dict())
    fresh = devicekit.torch.Linear(6, 5, card="vcm-trains", seed=7, programming="verify")
    fresh.load_state_dict(saved)
    assert devicekit.torch.usage(fresh) == devicekit.torch.usage(layer)


@needs_torch
@pytest.mark.slow
def test_settings_reach_the_devices(linear: DeviceCard) -> None:
    import torch

    w = torch.linspace(-0.2, 0.2, 12).reshape(3, 4)

    def made(**options: Any) -> Any:
        torch.manual_seed(0)
        layer = torch.nn.Linear(4, 3)
        with torch.no_grad():
            layer.weight.copy_(w)
        return devicekit.torch.convert(layer, linear, seed=1, **ALIKE, **options)

    assert torch.allclose(made().weight, w, atol=1e-6)
    assert made(room=2.0).scale == pytest.approx(2.0 * 0.2, rel=0.01)
    one = made(mapping="reference", room=2.0)
    assert one.scale == pytest.approx(2.0 * 0.2 / 0.5, rel=0.01)  # half of the window lies on each side
    assert (one.synapses.arrays[0].n, made().synapses.arrays[0].n) == (12, 24)
    assert made(stuck=1.0, stuck_at="high", mapping="reference", room=2.0).weight.min().item() == pytest.approx(
        one.scale / 2
    )
    most = made(room=2.0)
    optimizer = devicekit.torch.PulseOptimizer(most, lr=1e3, max_pulses=3)
    most(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert torch.allclose(w - most.weight, torch.full((3, 4), 3 * most.level), rtol=1e-3)
    with devicekit.torch.reading(most, time_s=100.0, drift=Drift(0.05, 0.05), draw=0):
        first = most(torch.ones(4))
    with devicekit.torch.reading(most, time_s=100.0, drift=Drift(0.05, 0.05), draw=1):
        assert not torch.allclose(first, most(torch.ones(4)))


@needs_torch
@pytest.mark.slow
def test_a_state_of_other_devices_is_not_taken() -> None:
    saved = devicekit.torch.convert(_net(), "vcm-trains", seed=0, stuck=0.1, stuck_at="low").state_dict()
    for options in ({}, {"stuck": 0.2, "stuck_at": "low"}, {"stuck": 0.1, "stuck_at": "low", "d2d": "none"}):
        with pytest.raises(UsageError, match="other settings"):
            devicekit.torch.convert(_net(), "vcm-trains", seed=0, **options).load_state_dict(saved)


@needs_torch
@pytest.mark.slow
def test_layers_that_stay_digital_are_named() -> None:
    from torch import nn

    mixed = nn.Sequential(nn.Linear(4, 4), nn.GRU(4, 4))
    with pytest.warns(UserWarning, match="digital stay: 1"):
        devicekit.torch.convert(mixed, "vcm-trains", seed=0)
    devicekit.torch.convert(mixed, "vcm-trains", seed=0, skip=["1"])


@needs_torch
@pytest.mark.slow
def test_what_pulses_cannot_do_is_refused() -> None:
    import torch
    from torch import nn

    def fresh() -> Any:
        return devicekit.torch.convert(_net(), "vcm-trains", seed=0)

    optimizer = devicekit.torch.PulseOptimizer
    x = torch.rand(4, 64)
    written, stepped = fresh(), fresh()
    nn.init.zeros_(written[4].weight)
    stepped(x).sum().backward()
    torch.optim.SGD(stepped.parameters(), lr=1.0).step()
    shared = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    shared[1].weight = shared[0].weight
    normed = nn.Sequential(nn.Linear(4, 4), nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))

    def diverge() -> None:
        net = fresh()
        made = optimizer(net, lr=0.1)
        (net(x).sum() * float("nan")).backward()
        made.step()

    def replaced() -> None:
        net = fresh()
        net[4].weight = nn.Parameter(torch.zeros(10, 288))
        net(x)

    def inside() -> None:
        net = fresh()
        made = optimizer(net, lr=0.1)
        with devicekit.torch.reading(net):
            net(x).sum().backward()
            made.step()

    cases: list[tuple[str, Callable[[], Any]]] = [
        ("weight_decay", lambda: optimizer(fresh(), torch.optim.AdamW)),  # its weight decay is not 0
        ("LBFGS", lambda: optimizer(fresh(), torch.optim.LBFGS)),
        ("convert", lambda: optimizer(_net())),
        ("unknown", lambda: optimizer(fresh(), policy="unknown")),
        ("alpha", lambda: optimizer(fresh(), policy="carry", alpha=0.5)),
        ("something else", lambda: written(x)),
        ("something else", lambda: stepped(x)),
        ("something else", replaced),
        ("inside", inside),
        ("float32", lambda: fresh().double()),
        ("read_noise", lambda: devicekit.torch.convert(_net(), "vcm-trains", read_nois=True)),
        ("skip", lambda: devicekit.torch.convert(_net(), "vcm-trains", skip=["5"])),
        ("programming", lambda: devicekit.torch.convert(_net(), "vcm-trains", program_sigma=0.1)),
        ("mapping", lambda: devicekit.torch.convert(_net(), "vcm-trains", reference=0.3)),
        ("stuck=", lambda: devicekit.torch.convert(_net(), "vcm-trains", stuck_at="low")),
        ("scale", lambda: devicekit.torch.convert(_net(), "vcm-trains", room=2.0, scale=1.0)),
        ("share", lambda: devicekit.torch.convert(shared, "vcm-trains")),
        ("Linear", lambda: devicekit.torch.convert(nn.ReLU(), "vcm-trains")),
        ("computed", lambda: devicekit.torch.convert(normed, "vcm-trains")),
        ("finite", diverge),
        ("drift", lambda: devicekit.torch.reading(fresh(), time_s=10.0).__enter__()),
        ("time_s", lambda: devicekit.torch.reading(fresh(), drift=Drift(0.1, 0.0)).__enter__()),
    ]
    for words, case in cases:
        with pytest.raises(UsageError, match=words):
            case()
